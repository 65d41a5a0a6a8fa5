//! A made-up picture for tests and pictures: the three pipelines of the demonstration at work.

use tmuxagent_model::{
    Approval, ApprovalId, ApprovalKind, ApprovalState, Counters, Decider, Decision, EventLine, Freeze, HeldSend,
    HostName, HostState, HostView, IntentId, KeyStep, Millis, Note, OnApprove, PaneFacts, PaneId, PaneInfo, PaneKey,
    PaneState, PaneView, Problem, RunId, RunState, RunView, ServerId, Severity, Snapshot, StageState, StageView,
    Timestamp, Verdict, Via,
};

/// The instant of the picture: 2026-03-02 09:30:00 UTC.
pub const NOW: Timestamp = Timestamp(1_772_443_800_000);

/// Seconds before [`NOW`].
#[must_use]
pub const fn before(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 - seconds * 1000)
}

/// Builds a snapshot step by step.
#[derive(Debug, Clone)]
pub struct Sample {
    snapshot: Snapshot,
}

impl Default for Sample {
    fn default() -> Self {
        Self::empty()
    }
}

impl Sample {
    /// One live host, nothing on it.
    #[must_use]
    pub fn empty() -> Self {
        let host = HostView {
            name: HostName::local(),
            state: HostState::Live,
            since: before(4_000),
            version: "3.7c".to_owned(),
            detail: String::new(),
            owner: None,
        };
        let snapshot = Snapshot {
            generation: 1,
            at: NOW,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 4242,
            hosts: vec![host],
            counters: Counters {
                lines: 48_213,
                bytes: 3_100_442,
                journaled: 217,
                sent: 12,
                messages: 31,
                ..Counters::default()
            },
            ..Snapshot::default()
        };
        Self { snapshot }
    }

    /// Panes, runs, approvals, events: a busy morning.
    #[must_use]
    pub fn busy() -> Self {
        Self::empty()
            .pane(pane(1, "proj:storyapp", "agent:codex-ci", PaneState::NeedsApproval, "✓ 214 tests passed"))
            .pane(pane(2, "proj:storyapp", "agent:codex-voice", PaneState::Retrying, "1 failing: 语音识别超时"))
            .pane(pane(3, "proj:points", "agent:codex-release", PaneState::Running, "webpack 5.91 compiling…"))
            .pane(pane(4, "笔记", "编辑器", PaneState::Idle, "第 3 章 草稿"))
            .run(run("storyapp-ci", 12, 1, "proj:storyapp:agent:codex-ci.0").stages([
                stage("lint", StageState::Succeeded, 1, 2).timed(140, Some(128)).detail("0 problems"),
                stage("test", StageState::Succeeded, 1, 3).timed(128, Some(41)).detail("214 passing"),
                stage("build", StageState::NeedsApproval, 0, 1).detail("waits for a human"),
                stage("deploy:staging", StageState::Waiting, 0, 1).detail("after build"),
            ]))
            .run(run("storyapp-voice", 13, 2, "proj:storyapp:agent:codex-voice.0").stages([
                stage("voice-e2e", StageState::Retrying, 2, 3).timed(65, None).due(4).detail("1 failing: 语音识别超时"),
            ]))
            .run(run("points-release", 14, 3, "proj:points:agent:codex-release.0").stages([
                stage("ux-check", StageState::Succeeded, 1, 1).timed(300, Some(252)),
                stage("prebuild", StageState::Running, 1, 2).timed(37, None).detail("until `compiled successfully`"),
                stage("predeploy", StageState::Waiting, 0, 1),
            ]))
            .approval(gate("01JNA", 1, "storyapp-ci", "build", "Build storyapp for staging?", "npm run build"))
            .events([
                event(
                    211,
                    140,
                    Severity::Info,
                    Note::RunStarted { run: RunId(12), pipeline: "storyapp-ci".to_owned() },
                ),
                event(
                    214,
                    41,
                    Severity::Success,
                    Note::StageSucceeded {
                        run: RunId(12),
                        stage: "test".to_owned(),
                        by: "214 passing".to_owned(),
                        took: Millis::from_secs(87),
                    },
                ),
                event(
                    215,
                    41,
                    Severity::Warning,
                    Note::StageNeedsApproval {
                        run: RunId(12),
                        stage: "build".to_owned(),
                        approval: ApprovalId::new("01JNA"),
                    },
                ),
                event(
                    217,
                    6,
                    Severity::Warning,
                    Note::StageRetrying {
                        run: RunId(13),
                        stage: "voice-e2e".to_owned(),
                        attempt: 2,
                        max: 2,
                        after: Millis::from_secs(10),
                    },
                ),
            ])
            .principles(["Never deploy without a human's yes.", "失败先重试，再求助；不要掩盖错误。"])
    }

    /// Everything that a screen can show: many panes, hosts, states, approvals of every kind, hostile text.
    #[must_use]
    pub fn crowded() -> Self {
        let mut sample = Self::busy();
        for n in 5..40 {
            let state = [PaneState::Running, PaneState::Idle, PaneState::Done, PaneState::Failed, PaneState::Dead]
                [n as usize % 5];
            sample = sample.pane(pane(n, "work", &format!("window-{n}"), state, "listening on 0.0.0.0:3000"));
        }
        sample
            .host("nas", HostState::Unreachable, "ssh: connect to host nas: no route; next try in 30s")
            .run(run("夜间构建", 15, 4, "笔记:编辑器.0").stages([
                stage("检查", StageState::Failed, 3, 3).timed(600, Some(420)).detail("error TS2304: 找不到名称"),
                stage("发布", StageState::Cancelled, 0, 1),
            ]))
            .approval(Approval {
                kind: ApprovalKind::Agent,
                question: "数据库迁移要用哪种方式？".to_owned(),
                options: vec!["在线迁移".to_owned(), "停机迁移".to_owned(), "先备份再说".to_owned()],
                effect: Vec::new(),
                effect_text: "答复将输入窗格".to_owned(),
                pipeline: None,
                stage: None,
                expires_at: Some(NOW + Millis::from_secs(95)),
                ..gate("01JNB", 4, "", "", "", "")
            })
            .approval(Approval {
                kind: ApprovalKind::Failed { on_approve: OnApprove::Rerun },
                question: "voice-e2e failed 3 times. Run it again?".to_owned(),
                evidence: (1..=14).map(|n| format!("    at step {n} (voice/e2e.spec.ts:{n}:7)")).collect(),
                ..gate("01JNC", 2, "storyapp-voice", "voice-e2e", "", "npm run e2e:voice")
            })
            .approval(Approval {
                state: ApprovalState::Approved,
                decision: Some(Decision {
                    verdict: Verdict { approve: true, answer: None },
                    by: Decider::named("lin", Via::Link),
                    at: before(900),
                }),
                closed_at: Some(before(900)),
                ..gate("01JN9", 3, "points-release", "predeploy", "Release points 2.4?", "npm run predeploy")
            })
            .problem("host nas", "ssh: connect to host nas port 22: No route to host; it is tried again in 30s")
            .problem("policy", "policies/default.yaml:12:5: unknown key `trigers`; did you mean `triggers`?")
    }

    /// Adds a pane.
    #[must_use]
    pub fn pane(mut self, pane: PaneView) -> Self {
        self.snapshot.panes.push(pane);
        self
    }

    /// Adds a run; its panes learn of the pipeline.
    #[must_use]
    pub fn run(mut self, run: RunView) -> Self {
        for pane in self.snapshot.panes.iter_mut().filter(|pane| pane.info.key == run.pane) {
            pane.pipelines.push(run.pipeline.clone());
        }
        self.snapshot.runs.push(run);
        self
    }

    /// Adds an approval.
    #[must_use]
    pub fn approval(mut self, approval: Approval) -> Self {
        self.snapshot.approvals.push(approval);
        self
    }

    /// Adds a host.
    #[must_use]
    pub fn host(mut self, name: &str, state: HostState, detail: &str) -> Self {
        let host = HostView {
            name: HostName::new(name),
            state,
            since: before(75),
            version: "3.4".to_owned(),
            detail: detail.to_owned(),
            owner: None,
        };
        self.snapshot.hosts.push(host);
        self
    }

    /// Adds events, oldest first.
    #[must_use]
    pub fn events(mut self, events: impl IntoIterator<Item = EventLine>) -> Self {
        self.snapshot.events.extend(events);
        self
    }

    /// Adds a failing part.
    #[must_use]
    pub fn problem(mut self, part: &str, text: &str) -> Self {
        self.snapshot.problems.push(Problem { part: part.to_owned(), text: text.into(), since: before(75) });
        self
    }

    /// Sets the principles.
    #[must_use]
    pub fn principles<'a>(mut self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        self.snapshot.principles = texts.into_iter().map(str::to_owned).collect();
        self
    }

    /// Freezes, with two sends held back.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        self.snapshot.frozen = Some(Freeze { since: before(30), by: "lin".to_owned() });
        let held = |id: &str, text: &str, seconds| HeldSend {
            intent: IntentId::new(id),
            place: "proj:storyapp:agent:codex-voice.0".to_owned(),
            pane: None,
            text: text.to_owned(),
            at: before(seconds),
            reader: None,
        };
        self.snapshot.held = vec![held("i-1", "npm run e2e:voice⏎", 20), held("i-2", "/compact⏎", 5)];
        self
    }

    /// Changes anything.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Snapshot)) -> Self {
        change(&mut self.snapshot);
        self
    }

    /// The snapshot.
    #[must_use]
    pub fn build(self) -> Snapshot {
        self.snapshot
    }
}

/// The identity of pane `%n`.
#[must_use]
pub fn key(n: u32) -> PaneKey {
    PaneKey { host: HostName::local(), server: ServerId::new("s1"), pane: PaneId(n), pid: 1000 + n }
}

/// A pane.
#[must_use]
pub fn pane(n: u32, session: &str, window: &str, state: PaneState, last_line: &str) -> PaneView {
    let facts = PaneFacts {
        session: session.to_owned(),
        window: window.to_owned(),
        title: format!("{window} title"),
        command: "node".to_owned(),
        path: format!("/home/lin/{session}"),
        agent: if window.contains("codex") { "codex".to_owned() } else { String::new() },
        ..PaneFacts::default()
    };
    let info = PaneInfo {
        window_index: n,
        dead: state == PaneState::Dead,
        width: 120,
        height: 40,
        ..PaneInfo::new(key(n), facts)
    };
    PaneView {
        info,
        state,
        last_output: Some(before(i64::from(n) * 40 - 39)),
        last_line: last_line.to_owned(),
        pipelines: Vec::new(),
        reader: tmuxagent_model::PaneReader::default(),
        agent: None,
        awaited: None,
    }
}

/// An open run that began 140 seconds ago.
#[must_use]
pub fn run(pipeline: &str, number: u64, pane: u32, place: &str) -> RunView {
    RunView {
        pipeline: pipeline.to_owned(),
        pane: key(pane),
        place: place.to_owned(),
        run: Some(RunId(number)),
        state: Some(RunState::Open),
        stages: Vec::new(),
        inputs: Vec::new(),
        started_at: Some(before(140)),
        ended_at: None,
        last_line: None,
    }
}

/// A stage.
#[must_use]
pub fn stage(name: &str, state: StageState, attempt: u32, max_attempts: u32) -> StageView {
    StageView {
        name: name.to_owned(),
        state,
        attempt,
        max_attempts,
        started_at: None,
        ended_at: None,
        due_at: None,
        detail: String::new(),
        round: 0,
        rounds: 0,
        pane: None,
        place: None,
        more: None,
        asks: false,
        undo: None,
    }
}

/// Words for building runs.
pub trait RunSample {
    /// The run with these stages; its state follows from them.
    #[must_use]
    fn stages(self, stages: impl IntoIterator<Item = StageView>) -> Self;
}

impl RunSample for RunView {
    fn stages(mut self, stages: impl IntoIterator<Item = StageView>) -> Self {
        self.stages = stages.into_iter().collect();
        if self.stages.iter().any(|stage| stage.state == StageState::Failed) {
            self.state = Some(RunState::Failed);
            self.ended_at = Some(before(20));
        }
        self
    }
}

/// Words for building stages.
pub trait StageSample {
    /// Began and ended so many seconds ago.
    #[must_use]
    fn timed(self, began: i64, ended: Option<i64>) -> Self;
    /// Its timer comes due in so many seconds.
    #[must_use]
    fn due(self, seconds: u64) -> Self;
    /// What it waits for, or what ended it.
    #[must_use]
    fn detail(self, text: &str) -> Self;
}

impl StageSample for StageView {
    fn timed(mut self, began: i64, ended: Option<i64>) -> Self {
        self.started_at = Some(before(began));
        self.ended_at = ended.map(before);
        self
    }

    fn due(mut self, seconds: u64) -> Self {
        self.due_at = Some(NOW + Millis::from_secs(seconds));
        self
    }

    fn detail(mut self, text: &str) -> Self {
        text.clone_into(&mut self.detail);
        self
    }
}

/// An open gate on pane `%n`, asked 41 seconds ago.
#[must_use]
pub fn gate(id: &str, n: u32, pipeline: &str, stage: &str, question: &str, types: &str) -> Approval {
    Approval {
        id: ApprovalId::new(id),
        revision: 1,
        kind: ApprovalKind::Gate,
        state: ApprovalState::Pending,
        pane: key(n),
        place: format!("proj:storyapp:agent.{n}"),
        run: Some(RunId(11 + u64::from(n))),
        pipeline: Some(pipeline.to_owned()),
        stage: Some(stage.to_owned()),
        attempt: 1,
        question: question.to_owned(),
        effect: vec![KeyStep::Text(types.to_owned()), KeyStep::Key("Enter".to_owned())],
        effect_text: types.to_owned(),
        effect_no: Vec::new(),
        option_effects: Vec::new(),
        evidence: vec!["Test Suites: 31 passed, 31 total".to_owned(), "Tests:       214 passed, 214 total".to_owned()],
        options: Vec::new(),
        confirm: None,
        approvers: Vec::new(),
        folder: String::new(),
        asked_at: before(41),
        expires_at: None,
        reminders: 0,
        decision: None,
        closed_at: None,
        undo_until: None,
    }
}

/// An event of `seconds` ago.
#[must_use]
pub fn event(seq: u64, seconds: i64, severity: Severity, note: Note) -> EventLine {
    EventLine { seq, at: before(seconds), severity, place: "proj:storyapp".to_owned(), note }
}

/// A live screen as `capture-pane -e` gives it.
#[must_use]
pub fn screen_rows() -> Vec<String> {
    [
        "\u{1b}[1m$ npm test\u{1b}[0m",
        "",
        "> storyapp@2.4.0 test",
        "> vitest run",
        "",
        " \u{1b}[32m✓\u{1b}[39m src/故事/章节.test.ts \u{1b}[2m(12 tests)\u{1b}[22m \u{1b}[33m318ms\u{1b}[39m",
        " \u{1b}[32m✓\u{1b}[39m src/player.test.ts \u{1b}[2m(31 tests)\u{1b}[22m 94ms",
        "",
        "\u{1b}[2m Test Files \u{1b}[22m \u{1b}[1m\u{1b}[32m31 passed\u{1b}[0m (31)",
        "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m214 passed\u{1b}[0m (214)",
        "",
        "\u{1b}[36m▌\u{1b}[0m Build is ready to start. \u{1b}[38;2;255;170;0mWaiting for approval…\u{1b}[0m",
        "",
        "",
    ]
    .map(str::to_owned)
    .to_vec()
}
