//! Scenario files: a policy, and a script of events with what they lead to.
//!
//! A script line that begins at the margin is an event, `TIME VERB ARGUMENTS`; times count from the start, `+2s` from the
//! event before. The indented lines under it are everything that it leads to, in order. Timers that are due before an
//! event fire first and are shown as `(timer …)` under it. The world does sends at once unless told `manual`.
//!
//! Every scenario also checks that the rows restore the engine after each step, and that the journal replays to it.

mod shown;

use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tmuxagent_engine::{Engine, Options, Step};
use tmuxagent_model::{
    AgentAnswer, AgentMessage, AgentQuestion, AgentQuestionKind, AgentSeen, AgentState, AnswerRole, ApprovalId,
    ApprovalState, Change, Command, Decider, Effect, EntityKind, Event, Front, HostName, Intent, IntentId, KeyStep,
    LineEvent, LineSource, Millis, Outcome, PaneFacts, PaneId, PaneInfo, PaneKey, PollOutcome, Printed, ProgramState,
    RunControl, RunId, ServerId, SessionId, ShellOutcome, SkipReason, Timestamp, Verdict, Via, WindowId,
};
use tmuxagent_policy::{Policy, Source, load};

/// 2026-03-02 08:00 UTC, a Monday.
const START: i64 = 1_772_438_400_000;

#[derive(Debug, Deserialize)]
pub struct Scenario {
    pub about: String,
    #[serde(default)]
    undo: Option<u64>,
    /// The time limit of the configuration.
    #[serde(default)]
    timeout: Option<u64>,
    /// Whether the prompt is looked for.
    #[serde(default)]
    looks: bool,
    policy: String,
    #[serde(default)]
    policy2: Option<String>,
    script: String,
}

impl Scenario {
    pub fn read(text: &str) -> Self {
        serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    pub fn expected(&self) -> String {
        self.script.trim_end().to_owned()
    }

    /// The file with the script as it plays.
    pub fn write(&self, played: &str) -> String {
        let block = |text: &str| {
            text.trim_end().lines().fold(String::new(), |mut out, line| {
                out.push_str(if line.is_empty() { "" } else { "  " });
                out.push_str(line);
                out.push('\n');
                out
            })
        };
        let mut out = format!("about: |\n{}", block(&self.about));
        if let Some(undo) = self.undo {
            out.push_str(&format!("undo: {undo}\n"));
        }
        if let Some(timeout) = self.timeout {
            out.push_str(&format!("timeout: {timeout}\n"));
        }
        if self.looks {
            out.push_str("looks: true\n");
        }
        out.push_str(&format!("policy: |\n{}", block(&self.policy)));
        if let Some(policy) = &self.policy2 {
            out.push_str(&format!("policy2: |\n{}", block(policy)));
        }
        out.push_str(&format!("script: |\n{}", block(played)));
        out
    }

    /// Plays the events; gives the script as it should be written.
    pub fn play(&self, name: &str) -> String {
        let policies: Vec<Arc<Policy>> = [Some(&self.policy), self.policy2.as_ref()]
            .into_iter()
            .flatten()
            .zip(1_u64..)
            .map(|(text, generation)| {
                let mut policy = load(&[Source::new(name, text)]).unwrap_or_else(|e| panic!("{e}"));
                policy.generation = generation;
                Arc::new(policy)
            })
            .collect();
        let options = Options {
            undo: Millis(self.undo.unwrap_or(0)),
            timeout: Millis(self.timeout.unwrap_or(0)),
            hold: None,
            looks: self.looks,
            identities: None,
        };
        let mut player = Player::new(&policies, options);
        for line in self.script.lines().filter(|line| !line.starts_with([' ', '-']) && !line.trim().is_empty()) {
            player.event_line(line);
        }
        player.check_replay(&policies, options);
        player.out.trim_end().to_owned()
    }
}

/// tmux's number of a session or window, from its name.
fn number_of(name: &str) -> u32 {
    name.bytes().fold(0, |sum, byte| sum * 31 % 9973 + u32::from(byte))
}

/// The lines that differ.
pub fn diff(expected: &str, played: &str) -> String {
    let mut out = String::new();
    let (a, b): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), played.lines().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    for line in a.iter().take(same).skip(same.saturating_sub(3)) {
        out.push_str(&format!("   {line}\n"));
    }
    for line in a.iter().skip(same).take(12) {
        out.push_str(&format!(" - {line}\n"));
    }
    for line in b.iter().skip(same).take(12) {
        out.push_str(&format!(" + {line}\n"));
    }
    out
}

struct Player {
    engine: Engine,
    rows: BTreeMap<(EntityKind, String), String>,
    journal: Vec<(Timestamp, Event)>,
    policies: Vec<Arc<Policy>>,
    now: Timestamp,
    automatic: bool,
    /// Whether a typed command begins at once.
    begins: bool,
    panes: BTreeMap<String, PaneInfo>,
    intents: Vec<Intent>,
    approvals: Vec<ApprovalId>,
    states: BTreeMap<String, String>,
    closed: BTreeMap<ApprovalId, ApprovalState>,
    /// Who is in front of each pane, where a script says so.
    fronts: BTreeMap<PaneKey, (Front, bool)>,
    /// The last lines of each pane, where a script tells some.
    printed: BTreeMap<PaneKey, Vec<Printed>>,
    seq: u64,
    out: String,
}

impl Player {
    fn new(policies: &[Arc<Policy>], options: Options) -> Self {
        let mut player = Self {
            engine: Engine::new(Arc::clone(&policies[0])).with_options(options),
            rows: BTreeMap::new(),
            journal: Vec::new(),
            policies: policies.to_vec(),
            now: Timestamp(START),
            automatic: true,
            begins: true,
            panes: BTreeMap::new(),
            intents: Vec::new(),
            approvals: Vec::new(),
            states: BTreeMap::new(),
            closed: BTreeMap::new(),
            fronts: BTreeMap::new(),
            printed: BTreeMap::new(),
            seq: 0,
            out: String::new(),
        };
        player.step(Event::PolicyLoaded { hash: policies[0].hash.clone() });
        player.out.clear();
        player
    }

    /// One line of the script.
    fn event_line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
        let (time, rest) = line.split_once(' ').unwrap_or((line, ""));
        let until = match time.strip_prefix('+') {
            Some(span) => self.now + span_of(span),
            None => Timestamp(START) + span_of(time),
        };
        assert!(until >= self.now, "time goes back: {line}");
        self.timers(until);
        self.now = until;
        let (verb, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
        self.verb(verb, arguments, line);
    }

    fn timers(&mut self, until: Timestamp) {
        for _ in 0..1000 {
            let Some((at, key, epoch)) = self.engine.next_timer().filter(|(at, _, _)| *at <= until) else { return };
            self.now = at.max(self.now);
            let name = serde_json::to_string(&key).expect("key");
            let name = name.split('"').nth(1).unwrap_or_default().to_owned();
            self.say(&format!("(timer {name} at {})", self.now.since(Timestamp(START))));
            self.step(Event::Timer { key, epoch });
        }
        panic!("timers without end");
    }

    fn verb(&mut self, verb: &str, arguments: &str, line: &str) {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let word = |n: usize| *words.get(n).unwrap_or_else(|| panic!("too few words: {line}"));
        let rest = |n: usize| arguments.splitn(n + 1, ' ').nth(n).unwrap_or_default().to_owned();
        match verb {
            "pane" => self.pane(&words),
            "gone" => {
                let pane = self.key(word(0));
                self.step(Event::PaneGone { pane, unwatched: false, by: None });
            }
            "taken" => {
                let (pane, intent) = (self.key(word(0)), self.intent(word(1)));
                self.step(Event::TakenByShell { pane, intent });
            }
            "lost" => self.step(Event::HostLost { host: HostName::new(word(0)) }),
            "prints" => {
                let line = Printed { at: self.now, text: rest(1) };
                self.printed.entry(self.key(word(0))).or_default().push(line);
            }
            "line" => self.line(word(0), &rest(1), None),
            "stale-line" => {
                // Matched with a policy that is no longer there.
                let pane = self.key(word(0));
                self.seq += 1;
                let (seq, text) = (self.seq, rest(1));
                let event = LineEvent {
                    unended: None,
                    front: None,
                    pane,
                    seq,
                    text,
                    source: LineSource::History,
                    hits: vec![],
                    policy: 999,
                    message: None,
                };
                self.step(Event::Line(Box::new(event)));
            }
            "sentry" => {
                let json = rest(1);
                let message: AgentMessage = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
                self.line(word(0), &format!("### SENTRY {json}"), Some(message));
            }
            "activity" => {
                let pane = self.key(word(0));
                self.step(Event::Activity { pane });
            }
            "gap" => {
                let pane = self.key(word(0));
                self.step(Event::Gap { pane });
            }
            "program" => {
                let pane = self.key(word(0));
                let state = match word(1) {
                    "working" => ProgramState::Working,
                    "done" => ProgramState::Done,
                    "idle" => ProgramState::Idle,
                    "error" => ProgramState::Error,
                    "blocked" => ProgramState::Blocked { kind: None, message: Some(rest(2)) },
                    other => ProgramState::Notification { text: other.to_owned() },
                };
                self.step(Event::Program { pane, state });
            }
            "ended" => {
                let pane = self.key(word(0));
                self.step(Event::CommandEnded { pane, token: None, exit: word(1).parse().expect("code") });
            }
            "exit" => {
                let pane = self.key(word(0));
                let token = self.engine.tracked_command(&pane).unwrap_or_else(|| panic!("no command: {line}"));
                self.step(Event::CommandEnded { pane, token: Some(token), exit: word(1).parse().expect("code") });
            }
            "ended-token" => {
                let (pane, token) = (self.key(word(0)), self.intent(word(1)).0);
                self.step(Event::CommandEnded { pane, token: Some(token), exit: word(2).parse().expect("code") });
            }
            "approve" | "reject" => self.decide(verb == "approve", &words),
            "start" => {
                // `start %1 ship STAGE NAME=VALUE …`
                let (inputs, stages): (Vec<&str>, Vec<&str>) =
                    words.iter().skip(2).partition(|word| word.contains('='));
                let stage = stages.first().map(|s| (*s).to_owned());
                let inputs = inputs.iter().filter_map(|word| word.split_once('='));
                let inputs = inputs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let command = Command::Start { pane: self.key(word(0)), pipeline: word(1).to_owned(), stage, inputs };
                self.ask(command);
            }
            "retry" | "cancel" | "skip" => {
                let control = match verb {
                    "retry" => RunControl::Retry,
                    "cancel" => RunControl::Cancel,
                    _ => RunControl::Skip,
                };
                let run: RunId = word(0).parse().expect("run");
                self.ask(Command::Control { run, stage: words.get(1).map(|s| (*s).to_owned()), control });
            }
            "send" => {
                let steps = vec![KeyStep::Text(rest(1)), KeyStep::Key("Enter".to_owned())];
                self.ask(Command::Send { pane: self.key(word(0)), steps, insist: false });
            }
            "freeze" => self.ask(Command::Freeze),
            "unfreeze" => self.ask(Command::Unfreeze),
            "drop" => {
                let number: usize = word(0).parse().expect("number");
                let intent = self.engine.view().held[number - 1].intent.clone();
                self.ask(Command::DropHeld { intent });
            }
            "mute" => self.begins = false,
            "began" => {
                let pane = self.key(word(0));
                let token = match words.get(1) {
                    Some(typed) => Some(self.intent(typed).0),
                    None => self.engine.tracked_command(&pane),
                };
                self.step(Event::CommandBegan { pane, token, line: None });
            }
            // `marks %1`: the pane's shell reports its commands by itself; `shell-began %1 sh.k.3 make a` is one of them, with the
            // line that it read, and `shell-ended %1 sh.k.3 0` its end.
            "marks" => {
                let pane = self.key(word(0));
                self.step(Event::ShellMarks { pane, trusted: true });
            }
            "shell-began" => {
                let (pane, token) = (self.key(word(0)), Some(word(1).to_owned()));
                self.step(Event::CommandBegan { pane, token, line: Some(rest(2)) });
            }
            "shell-ended" => {
                let (pane, token) = (self.key(word(0)), Some(word(1).to_owned()));
                self.step(Event::CommandEnded { pane, token, exit: word(2).parse().expect("code") });
            }
            // `waits %1 9 Continue? [y/N]`, `password %1 9 Password:`: the program of that process waits for a person.
            "waits" if words.len() == 1 => {
                let (pane, front) = (self.key(word(0)), None);
                self.step(Event::Waits { pane, front, password: false, row: None, question: None });
            }
            "waits" | "password" => {
                let front = Some(Front { pid: word(1).parse().expect("pid"), born: 1, name: "program".to_owned() });
                let (pane, row) = (self.key(word(0)), Some(rest(2)));
                let question = row.clone();
                self.step(Event::Waits { pane, front, password: verb == "password", row, question });
            }
            // `front %1 PID NAME`: somebody comes to the front; `back %1 PID NAME`: it is the shell, at its next line.
            "front" | "back" => {
                let front = Front { pid: word(1).parse().expect("pid"), born: 1, name: word(2).to_owned() };
                self.step(Event::Foreground { pane: self.key(word(0)), front, prompt: verb == "back" });
            }
            // `reads %1 PID NAME`: that program is in front from now on, and whoever it matters to is told.
            "reads" => {
                let front = Front { pid: word(1).parse().expect("pid"), born: 1, name: word(2).to_owned() };
                let (pane, shell) = (self.key(word(0)), matches!(word(2), "bash" | "zsh"));
                self.fronts.insert(pane.clone(), (front.clone(), shell));
                if self.engine.wants_front(self.now, &pane, shell) {
                    self.step(Event::InFront { pane, front, shell });
                }
            }
            // `dialog %1 codex PID COMMAND`: an agent asks whether a command may run; `edit …` a file's place; `no-dialog %1`.
            "dialog" | "edit" => {
                let kind = if verb == "edit" { AgentQuestionKind::Edit } else { AgentQuestionKind::Command };
                self.dialog(&words, Some((kind, rest(3))));
            }
            "no-dialog" => self.dialog(&words, None),
            // `lease A1 30m [via=link]`, `revoke L1` or `revoke` for all.
            "lease" => {
                let number: usize = word(0).trim_start_matches('A').parse().expect("approval");
                let via = if words.get(2) == Some(&"via=link") { Via::Link } else { Via::Cli };
                let (approval, revision, span) = (self.approvals[number - 1].clone(), 1, span_of(word(1)));
                let command = Command::GrantLease { approval, revision, span };
                self.step(Event::Asked { command, by: Decider::named("mei", via) });
            }
            "revoke" => self.ask(Command::RevokeLease { lease: words.first().map(|id| (*id).to_owned()) }),
            // `agent %1 codex working [anew] [interrupted] [pid=2]`: what the agent of a pane is seen to do.
            "agent" => self.agent(&words),
            "manual" => self.automatic = false,
            "auto" => self.automatic = true,
            "done" => self.outcome(word(0), Outcome::Done),
            "failed" => self.outcome(word(0), Outcome::Failed { error: rest(1) }),
            "unknown" => self.outcome(word(0), Outcome::Unknown { error: rest(1) }),
            "skipped" => {
                let reason = match word(1) {
                    "in_mode" => SkipReason::InMode,
                    "dead" => SkipReason::Dead,
                    "synchronized" => SkipReason::Synchronized,
                    "withdrawn" => SkipReason::Withdrawn,
                    "begun" => SkipReason::Begun,
                    other => SkipReason::OtherCommand(other.to_owned()),
                };
                self.outcome(word(0), Outcome::Skipped { reason });
            }
            "shell" => {
                let exit = word(1).parse().ok();
                self.outcome(word(0), Outcome::Shell(ShellOutcome { exit, output: rest(2) }));
            }
            "poll" => {
                let intent = self.intent(word(0));
                let detail = rest(2);
                let outcome = match word(1) {
                    "met" => PollOutcome::Met { detail },
                    "failed" => PollOutcome::Failed { detail },
                    "pending" => PollOutcome::Pending { detail },
                    "limited" => PollOutcome::Error { detail, retry_at: Some(self.now + Millis::from_secs(60)) },
                    _ => PollOutcome::Error { detail, retry_at: None },
                };
                self.step(Event::Polled { intent, outcome });
            }
            "reload" => {
                let policy = Arc::clone(&self.policies[1]);
                self.engine.set_policy(Arc::clone(&policy));
                self.step(Event::PolicyLoaded { hash: policy.hash.clone() });
            }
            "restart" => {
                let policy = Arc::clone(self.engine.policy());
                self.engine = self.restored(&policy);
                let open: Vec<String> = self.engine.open_intents().map(|i| self.label(&i.id)).collect();
                self.say(&format!("open: {}", open.join(" ")));
            }
            "wait" => {}
            "explain" => self.explain(word(0)),
            "view" => self.view(),
            other => panic!("unknown verb {other}: {line}"),
        }
    }

    fn dialog(&mut self, words: &[&str], asked: Option<(AgentQuestionKind, String)>) {
        let answer = |label: &str, key: &str, role| AgentAnswer {
            label: label.to_owned(),
            description: String::new(),
            keys: vec![key.to_owned()],
            highlighted: key == "1",
            role,
        };
        let front =
            words.get(2).map(|pid| Front { pid: pid.parse().expect("pid"), born: 1, name: words[1].to_owned() });
        let question = asked.map(|(kind, text)| {
            let place = (kind == AgentQuestionKind::Edit).then(|| text.clone());
            Box::new(AgentQuestion {
                kind,
                text: text.clone(),
                fingerprint: format!("f {text}"),
                detail: text,
                // Codex does not tell its command a second time here, so no rule answers it.
                again: words.get(1).is_none_or(|agent| *agent == "codex").then(String::new),
                reason: None,
                place,
                answers: vec![answer("Yes", "1", AnswerRole::Once), answer("No", "2", AnswerRole::Decline)],
                cancel: None,
                whole: true,
            })
        });
        let agent = words.get(1).copied().unwrap_or("codex").to_owned();
        self.step(Event::Dialog { pane: self.key(words[0]), agent, front, question, request: None });
    }

    fn agent(&mut self, words: &[&str]) {
        let state = match words[2] {
            "asks" => AgentState::NeedsApproval,
            "asks-other" => AgentState::NeedsAnswer,
            "rate_limited" => AgentState::RateLimited { until: Some("9:22 AM".to_owned()) },
            word => serde_json::from_value(word.into()).unwrap_or_else(|e| panic!("{e}: {word}")),
        };
        let more = |name: &str| words[3..].contains(&name);
        let pid = words.iter().find_map(|word| word.strip_prefix("pid=")).map_or(1, |pid| pid.parse().expect("pid"));
        let process = Some(Front { pid, born: 1, name: words[1].to_owned() });
        let seen = AgentSeen {
            pane: self.key(words[0]),
            agent: words[1].to_owned(),
            process: process.filter(|_| state != AgentState::Exited),
            state,
            by: "screen: rule".to_owned(),
            anew: more("anew"),
            interrupted: more("interrupted"),
            unproven: more("unproven"),
        };
        self.step(Event::Agent(Box::new(seen)));
    }

    fn pane(&mut self, words: &[&str]) {
        let id = words[0];
        let known = self.panes.get(id).cloned();
        let mut info = known.unwrap_or_else(|| {
            let number: u32 = id.trim_start_matches('%').parse().expect("pane id");
            let (host, server) = (HostName::local(), ServerId::new("s1"));
            let facts = PaneFacts {
                session: "proj".to_owned(),
                window: "w".to_owned(),
                command: "bash".to_owned(),
                path: "/src".to_owned(),
                ..PaneFacts::default()
            };
            PaneInfo::new(PaneKey { host, server, pane: PaneId(number), pid: 100 + number }, facts)
        });
        for word in &words[1..] {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let value = value.to_owned();
            match name {
                "host" => info.key.host = HostName(value),
                "session" => {
                    info.session_id = SessionId(number_of(&value));
                    info.facts.session = value;
                }
                "window" => {
                    info.window_id = WindowId(number_of(&value));
                    info.facts.window = value;
                }
                "title" => info.facts.title = value,
                "command" => info.facts.command = value,
                "path" => info.facts.path = value,
                "role" => info.facts.role = value,
                "agent" => info.facts.agent = value,
                "dead" => info.dead = true,
                other => panic!("unknown fact {other}"),
            }
        }
        self.panes.insert(id.to_owned(), info.clone());
        self.step(Event::PaneSeen { info: Box::new(info) });
    }

    fn line(&mut self, pane: &str, text: &str, message: Option<AgentMessage>) {
        let info = self.panes.get(pane).expect("a pane").clone();
        let policy = Arc::clone(self.engine.policy());
        let rules = policy.rules_of(&self.engine.watched_pipelines(&info.key));
        self.seq += 1;
        let event = LineEvent {
            unended: None,
            front: None,
            pane: info.key,
            seq: self.seq,
            text: text.to_owned(),
            source: LineSource::Stream,
            hits: rules.scan(text),
            policy: policy.generation,
            message,
        };
        self.step(Event::Line(Box::new(event)));
    }

    fn decide(&mut self, approve: bool, words: &[&str]) {
        let number: usize = words[0].trim_start_matches('A').parse().expect("approval");
        let approval = self
            .approvals
            .get(number - 1)
            .unwrap_or_else(|| panic!("no such question: {words:?}\n{}", self.out))
            .clone();
        let mut revision = self.engine.approval(&approval).map_or(1, |a| a.revision);
        let (mut answer, mut via, mut who) = (None, Via::Key, "mei");
        for word in &words[1..] {
            match word.split_once('=') {
                Some(("rev", n)) => revision = n.parse().expect("revision"),
                Some(("answer", text)) => answer = Some(text.replace('_', " ")),
                Some(("via", "link")) => via = Via::Link,
                Some(("by", name)) => who = name,
                _ => panic!("unknown {word}"),
            }
        }
        let command = Command::Decide { approval, revision, verdict: Verdict { approve, answer } };
        self.step(Event::Asked { command, by: Decider::named(who, via) });
    }

    fn ask(&mut self, command: Command) {
        self.step(Event::Asked { command, by: Decider::named("mei", Via::Cli) });
    }

    fn outcome(&mut self, label: &str, outcome: Outcome) {
        let intent = self.intent(label);
        self.step(Event::Outcome { intent, outcome });
    }

    fn key(&self, pane: &str) -> PaneKey {
        self.panes.get(pane).map_or_else(|| panic!("no pane {pane}"), |info| info.key.clone())
    }

    fn intent(&self, label: &str) -> IntentId {
        let number: usize = label.trim_start_matches('I').parse().expect("intent");
        self.intents.get(number - 1).unwrap_or_else(|| panic!("no intent {label}\n{}", self.out)).id.clone()
    }

    fn label(&self, id: &IntentId) -> String {
        let place = self.intents.iter().position(|intent| intent.id == *id);
        place.map_or_else(|| "I?".to_owned(), |n| format!("I{}", n + 1))
    }

    fn approval_label(&mut self, id: &ApprovalId) -> String {
        let place = self.approvals.iter().position(|known| known == id).unwrap_or_else(|| {
            self.approvals.push(id.clone());
            self.approvals.len() - 1
        });
        format!("A{}", place + 1)
    }

    fn say(&mut self, text: &str) {
        self.out.push_str("  ");
        self.out.push_str(&text.replace('\n', " / "));
        self.out.push('\n');
    }

    /// One event, and what the world answers.
    fn step(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            let before = self.engine.clone();
            let told = self.with_printed(&event);
            let mut step = self.engine.step(self.now, told.as_ref().unwrap_or(&event));
            if let Event::Outcome { intent, outcome: Outcome::Done } = &event
                && self.begins
                && let Some(pane) = self
                    .engine
                    .view()
                    .panes
                    .into_keys()
                    .find(|pane| self.engine.tracked_command(pane).is_some_and(|token| token == intent.as_str()))
            {
                queue.push_back(Event::CommandBegan { pane, token: Some(intent.as_str().to_owned()), line: None });
            }
            if step.changed {
                self.journal.push((self.now, told.filter(|_| step.witnessed).unwrap_or(event)));
            } else {
                assert_eq!(step.changes.len() + step.intents.len() + step.notes.len(), 0);
                assert!(before == self.engine, "a step that changed nothing changed something");
            }
            self.keep(&step.changes);
            self.tell_fronts(&mut step);
            let policy = Arc::clone(self.engine.policy());
            assert!(self.restored(&policy) == self.engine, "the rows do not restore the engine");
            self.show(&step);
            if self.automatic {
                queue.extend(step.intents.iter().filter_map(automatic));
            } else {
                // Alerts go to the outbox in any world.
                queue
                    .extend(step.intents.iter().filter(|i| matches!(i.effect, Effect::Alert(_))).filter_map(automatic));
            }
        }
    }

    fn keep(&mut self, changes: &[Change]) {
        for change in changes {
            let key = (change.kind, change.key.clone());
            match &change.body {
                Some(body) => drop(self.rows.insert(key, body.clone())),
                None => drop(self.rows.remove(&key)),
            }
        }
    }

    /// Who is in front where that is asked for, before the intents are shown and done.
    fn tell_fronts(&mut self, step: &mut Step) {
        for pane in &step.fronts {
            let Some((front, shell)) = self.fronts.get(pane).cloned() else { continue };
            let event = Event::InFront { pane: pane.clone(), front, shell };
            let told = self.engine.step(self.now, &event);
            assert!(told.intents.is_empty() && told.fronts.is_empty());
            if told.changed {
                self.journal.push((self.now, event));
            }
            self.keep(&told.changes);
        }
        for intent in &mut step.intents {
            *intent = self.engine.intent(&intent.id).expect("an intent without an outcome").clone();
        }
    }

    /// A fact with what its pane printed last, where a script says so.
    fn with_printed(&self, fact: &Event) -> Option<Event> {
        let printed = self.printed.get(self.engine.concerns(fact)?)?.clone();
        Some(Event::Witnessed { fact: Box::new(fact.clone()), printed })
    }

    fn restored(&self, policy: &Arc<Policy>) -> Engine {
        let rows = self.rows.iter().map(|((kind, key), body)| (*kind, key.clone(), body.clone()));
        Engine::restore(Arc::clone(policy), rows).expect("rows")
    }

    /// The journal alone gives the same state; policies are loaded by their hash.
    fn check_replay(&self, policies: &[Arc<Policy>], options: Options) {
        let mut engine = Engine::new(Arc::clone(&policies[0])).with_options(options);
        for (now, event) in &self.journal {
            if let Event::PolicyLoaded { hash } = event {
                let policy = policies.iter().find(|policy| policy.hash == *hash).expect("policy");
                engine.set_policy(Arc::clone(policy));
            }
            let json = serde_json::to_string(event).expect("event");
            engine.step(*now, &serde_json::from_str(&json).expect("event"));
        }
        assert!(engine == self.engine, "the journal does not replay to the same state");
    }
}

/// What a world in which everything works answers.
fn automatic(intent: &Intent) -> Option<Event> {
    let outcome = match &intent.effect {
        Effect::Send(_) | Effect::Prompt(_) | Effect::Answer(_) | Effect::Alert(_) => Outcome::Done,
        Effect::Shell(_) => Outcome::Shell(ShellOutcome { exit: Some(0), output: "ok".to_owned() }),
        Effect::Poll(_) => return None,
    };
    Some(Event::Outcome { intent: intent.id.clone(), outcome })
}

fn span_of(text: &str) -> Millis {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or_else(|| panic!("no unit: {text}"));
    let number: u64 = text[..split].parse().unwrap_or_else(|_| panic!("no number: {text}"));
    Millis(match &text[split..] {
        "ms" => number,
        "s" => number * 1000,
        "m" => number * 60_000,
        "h" => number * 3_600_000,
        other => panic!("unknown unit {other}"),
    })
}
