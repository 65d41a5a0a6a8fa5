//! A model test: random wishes become concrete events against the state as it is, and after every event a list of named
//! invariants is checked. The events of a failing case are written to a file that replays them.

mod invariants;
mod wish;

use invariants::{StageKey, moved};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, OnceLock};
use tmuxagent_engine::{Engine, Options, Step, View};
use tmuxagent_model::{
    AgentMessage, Command, Decider, Effect, EntityKind, Event, HostName, Intent, KeyStep, LineEvent, LineSource,
    MessageType, Millis, Outcome, PaneFacts, PaneId, PaneInfo, PaneKey, PollOutcome, RunControl, RunId, ServerId,
    ShellOutcome, SkipReason, StageState, TimerKey, Timestamp, Verdict, Via,
};
use tmuxagent_policy::{FailStep, Policy, Source, Stage, load};
use wish::{LINES, Wish, wish};

const POLICY: &str = r"
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - name: lint
    triggers: [{log_regex: 'start ci'}]
    actions_on_start: [{send_keys: lint}, {prompt: think}]
    success_when: [{log_regex: 'ok (?P<what>\w+)'}]
    fail_when: [{log_regex: bad}]
    timeout: 20s
    on_success: [{send_keys: clear}]
    on_fail: [{send_keys: {keys: [C-c]}}, {retry: {max: 2, backoff: {initial: 1s, factor: 2, max: 10s}}}, {ask_human: {on_approve: rerun, expires: 30s}}]
  - name: build
    triggers: [{after_stage_success: lint}]
    require_approval: {expires: 40s, on_expiry: reject, remind_every: 15s}
    actions_on_start: [{set: {v: '1'}}, {run: 'build {{v}}'}]
    timeout: 60s
    on_fail: [{retry: {max: 1, backoff: 2s}}, {escalate: RED}]
  - name: deploy
    triggers: {any_of: [{after_stage_success: build}, {log_regex: deploy now}]}
    require_approval: {expires: 30s, on_expiry: keep}
    actions_on_start: [{shell: {script: 'deploy', timeout: 5s}}]
    success_when: {all_of: [{log_regex: deployed}, {poll: {http: {url: 'http://x/', status: 200}, interval: 5s, deadline: 50s}}]}
    timeout: 90s
    cooldown: 10s
  - name: tidy
    triggers: [{after_stage_failure: lint}]
    actions_on_start: [{send_keys: tidy}]
- name: release
  match: {window_name: '*'}
  concurrency: {lock: one}
  stages:
  - name: check
    triggers: {all_of: [{log_regex: release}, {message: {type: STATUS, ok: true}}]}
    actions_on_start: [{run: check}]
    timeout: 30s
    on_success: [{start_pipeline: quiet}]
  - name: publish
    triggers: [{after_stage_success: check}]
    require_approval: {expires: 20s, on_expiry: escalate}
    actions_on_start: [{send_keys: publish}]
    success_when: [{log_regex: published}]
    timeout: 30s
    on_fail: [{ask_human: {on_approve: skip, expires: 10s, on_expiry: escalate}}]
- name: quiet
  match: {window_name: q}
  stages:
  - name: nudge
    triggers: {any_of: [{idle_for: 15s}, {poll: {command: {script: 'test -e x'}, interval: 20s}}, {schedule: '*/5 * * * * UTC'}, {after: {pipeline: both, stage: make, ended: [succeeded, failed, cancelled]}}]}
    actions_on_start: [{send_keys: nudge}]
    success_when: {all_of: [{idle_for: 5s}, {not: {log_regex: bad}}]}
    fail_when: [{exit_code: [3]}]
    timeout: 60s
    on_fail: [{ask_human: {on_approve: continue}}]
- name: both
  match: {window_name: w}
  panes: {there: {window_name: q}}
  parallel: {max: 2, on_failure: cancel}
  loop: {stages: [left, right, mend], max: 2}
  finally: [{send_keys: clean}]
  stages:
  - name: make
    triggers: [{log_regex: 'start both'}]
    actions_on_start: [{send_keys: make}]
    success_when: [{log_regex: ok}]
    timeout: 20s
  - name: left
    needs: {any: [make, mend]}
    actions_on_start: [{run: left}]
    timeout: 30s
    on_fail: [{retry: {max: 1, backoff: 2s}}]
  - name: right
    in: there
    needs: {any: [make, mend]}
    actions_on_start: [{run: right}]
    timeout: 40s
  - name: here
    needs: make
    lock: one
    actions_on_start: [{send_keys: here}]
    success_when: [{log_regex: ok}]
    timeout: 25s
  - name: asked
    in: there
    needs: [make]
    require_approval: {expires: 60s}
    actions_on_start: [{run: asked}]
    timeout: 30s
  - name: join
    needs: [left, right, here, asked]
    actions_on_start: [{run: join}]
    timeout: 30s
  - name: mend
    triggers: [{after_stage_failure: [left, right]}]
    actions_on_start: [{send_keys: mend}]
";

fn policies() -> &'static [Arc<Policy>; 2] {
    static POLICIES: OnceLock<[Arc<Policy>; 2]> = OnceLock::new();
    POLICIES.get_or_init(|| {
        let second = POLICY.replace("deploy', timeout", "deploy --canary', timeout").replace(
            "  - name: tidy\n    triggers: [{after_stage_failure: lint}]\n    actions_on_start: [{send_keys: tidy}]\n",
            "",
        );
        [POLICY, &second].map(|text| {
            let mut policy = load(&[Source::new("p.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
            policy.generation = 1 + u64::from(text.contains("canary"));
            Arc::new(policy)
        })
    })
}

struct World {
    engine: Engine,
    options: Options,
    now: Timestamp,
    rows: BTreeMap<(EntityKind, String), String>,
    journal: Vec<(Timestamp, Event)>,
    panes: BTreeMap<u8, PaneInfo>,
    lives: u32,
    seq: u64,
    /// Retries since a human last had a say, by run and stage.
    retries: BTreeMap<StageKey, u32>,
    /// Timers that once were armed.
    old_timers: Vec<(TimerKey, u64)>,
    failure: Option<String>,
}

impl World {
    fn new(options: Options) -> Self {
        let policy = Arc::clone(&policies()[0]);
        let hash = policy.hash.clone();
        let mut world = Self {
            engine: Engine::new(policy).with_options(options),
            options,
            now: Timestamp(1_772_438_400_000),
            rows: BTreeMap::new(),
            journal: Vec::new(),
            panes: BTreeMap::new(),
            lives: 0,
            seq: 0,
            retries: BTreeMap::new(),
            old_timers: Vec::new(),
            failure: None,
        };
        world.step(Event::PolicyLoaded { hash });
        world
    }

    fn step(&mut self, event: Event) {
        if self.failure.is_some() {
            return;
        }
        if let Some((_, key, epoch)) = self.engine.next_timer() {
            self.old_timers.push((key, epoch));
        }
        let before = self.engine.clone();
        let step = self.engine.step(self.now, &event);
        self.journal.push((self.now, event.clone()));
        for change in &step.changes {
            let key = (change.kind, change.key.clone());
            match &change.body {
                Some(body) => drop(self.rows.insert(key, body.clone())),
                None => drop(self.rows.remove(&key)),
            }
        }
        let found = self.invariants(&before, &event, &step);
        self.failure = found.err();
    }

    fn invariants(&mut self, before: &Engine, event: &Event, step: &Step) -> Result<(), String> {
        invariants::all(before, &self.engine, self.options, event, step)?;
        self.invariant_retries(&before.view(), &self.engine.view(), event)?;
        self.invariant_restores()
    }

    /// Between two words of a human, a stage is retried at most as often as its policy says.
    fn invariant_retries(&mut self, was: &View, is: &View, event: &Event) -> Result<(), String> {
        for (key, before, after) in moved(was, is) {
            let human = matches!(event, Event::Asked { .. } | Event::Timer { key: TimerKey::Grace(_), .. });
            if human || !before.is_live() {
                self.retries.remove(&key);
            }
            if after == StageState::Retrying && before != StageState::Retrying {
                let count = self.retries.entry(key.clone()).or_default();
                *count += 1;
                let most = most_retries(self.engine.policy(), &key.1);
                if *count > most {
                    return Err(format!("stage {} of {} is retried {count} times, at most {most}", key.1, key.0));
                }
            }
        }
        Ok(())
    }

    fn invariant_restores(&self) -> Result<(), String> {
        // The costliest check; every state is checked in some case.
        if !self.journal.len().is_multiple_of(7) {
            return Ok(());
        }
        if self.restored() == self.engine { Ok(()) } else { Err("the rows do not restore the engine".to_owned()) }
    }

    fn restored(&self) -> Engine {
        let rows = self.rows.iter().map(|((kind, key), body)| (*kind, key.clone(), body.clone()));
        Engine::restore(Arc::clone(self.engine.policy()), rows).expect("rows").with_options(self.options)
    }

    fn timers(&mut self, until: Timestamp) {
        for _ in 0..500 {
            match self.engine.next_timer().filter(|(at, _, _)| *at <= until && self.failure.is_none()) {
                Some((at, key, epoch)) => {
                    self.now = self.now.max(at);
                    self.step(Event::Timer { key, epoch });
                }
                None => return,
            }
        }
        self.failure = Some("timers without end".to_owned());
    }

    fn key(&self, pane: u8) -> Option<PaneKey> {
        self.panes.get(&pane).map(|info| info.key.clone())
    }

    fn open(&self) -> Vec<Intent> {
        self.engine.open_intents().cloned().collect()
    }

    fn apply(&mut self, wish: &Wish) {
        match wish {
            Wish::See { pane, window, dead } => self.see(*pane, *window, *dead),
            Wish::Gone(pane) => {
                if let Some(info) = self.panes.remove(pane) {
                    self.step(Event::PaneGone { pane: info.key, unwatched: false, by: None });
                }
            }
            Wish::HostLost => self.step(Event::HostLost { host: HostName::local() }),
            Wish::Line { pane, text, stale } => self.line(*pane, LINES[*text], *stale, None),
            Wish::Message { pane, kind, ok } => {
                let kind = [MessageType::Status, MessageType::Ask, MessageType::Error][usize::from(*kind)];
                let message = AgentMessage {
                    ok: Some(*ok),
                    question: Some("Approve A1? yes".to_owned()),
                    options: if *ok { vec!["yes".to_owned(), "no".to_owned()] } else { vec![] },
                    ..AgentMessage::new(kind)
                };
                self.line(*pane, "### SENTRY {}", false, Some(message));
            }
            Wish::Activity(pane) => {
                if let Some(pane) = self.key(*pane) {
                    self.step(Event::Activity { pane });
                }
            }
            Wish::Gap(pane) => {
                if let Some(pane) = self.key(*pane) {
                    self.step(Event::Gap { pane });
                }
            }
            Wish::Ended { pane, tracked, exit } => {
                if let Some(pane) = self.key(*pane) {
                    let token = if *tracked { self.engine.tracked_command(&pane) } else { None };
                    self.step(Event::CommandEnded { pane, token, exit: *exit });
                }
            }
            Wish::Decide { nth, approve, old, answer } => self.decide(*nth, *approve, *old, *answer),
            Wish::Start { pane, pipeline } => {
                if let Some(pane) = self.key(*pane) {
                    let pipeline = ["ci", "release", "quiet", "both"][usize::from(*pipeline)].to_owned();
                    self.ask(Command::Start { pane, pipeline, stage: None, inputs: tmuxagent_model::Variables::new() });
                }
            }
            Wish::Control { nth, control } => {
                let runs: Vec<RunId> = self.engine.view().runs.iter().filter_map(|run| run.run).collect();
                if let Some(run) = runs.get(nth % runs.len().max(1)) {
                    let control = [RunControl::Retry, RunControl::Cancel, RunControl::Skip][usize::from(*control)];
                    self.ask(Command::Control { run: *run, stage: None, control });
                }
            }
            Wish::Send(pane) => {
                if let Some(pane) = self.key(*pane) {
                    self.ask(Command::Send { pane, steps: vec![KeyStep::Text("hello".to_owned())], insist: false });
                }
            }
            Wish::Freeze(on) => self.ask(if *on { Command::Freeze } else { Command::Unfreeze }),
            Wish::DropHeld(nth) => {
                let held = self.engine.view().held;
                if let Some(held) = held.get(nth % held.len().max(1)) {
                    self.ask(Command::DropHeld { intent: held.intent.clone() });
                }
            }
            Wish::Outcome { nth, kind } => {
                let open = self.open();
                if let Some(intent) = open.get(nth % open.len().max(1)) {
                    self.step(Event::Outcome { intent: intent.id.clone(), outcome: outcome(*kind, &intent.effect) });
                }
            }
            Wish::Outcomes => {
                for intent in self.open() {
                    if !matches!(intent.effect, Effect::Poll(_)) {
                        self.step(Event::Outcome { outcome: outcome(0, &intent.effect), intent: intent.id });
                    }
                }
            }
            Wish::Polled { nth, kind } => {
                let polls: Vec<Intent> =
                    self.open().into_iter().filter(|intent| matches!(intent.effect, Effect::Poll(_))).collect();
                if let Some(intent) = polls.get(nth % polls.len().max(1)) {
                    let detail = "said".to_owned();
                    let outcome = match kind {
                        0 => PollOutcome::Met { detail },
                        1 => PollOutcome::Failed { detail },
                        2 => PollOutcome::Pending { detail },
                        _ => PollOutcome::Error { detail, retry_at: None },
                    };
                    self.step(Event::Polled { intent: intent.id.clone(), outcome });
                }
            }
            Wish::Wait(millis) => {
                let until = self.now + Millis(*millis);
                self.timers(until);
                self.now = self.now.max(until);
            }
            Wish::StaleTimer(kind) => self.stale_timer(*kind),
            Wish::Reload(second) => {
                let policy = Arc::clone(&policies()[usize::from(*second)]);
                let hash = policy.hash.clone();
                self.engine.set_policy(policy);
                self.step(Event::PolicyLoaded { hash });
            }
            Wish::Restart => self.engine = self.restored(),
        }
    }

    fn see(&mut self, pane: u8, window: u8, dead: bool) {
        let lives = &mut self.lives;
        let info = self.panes.entry(pane).or_insert_with(|| {
            *lives += 1;
            let (host, server) = (HostName::local(), ServerId::new("s1"));
            let key = PaneKey { host, server, pane: PaneId(u32::from(pane)), pid: 100 + *lives };
            PaneInfo::new(key, PaneFacts::default())
        });
        info.facts.session = "proj".to_owned();
        info.facts.command = "bash".to_owned();
        info.facts.window = ["w", "q", "other"][usize::from(window)].to_owned();
        info.dead |= dead;
        let info = Box::new(info.clone());
        self.step(Event::PaneSeen { info });
    }

    fn line(&mut self, pane: u8, text: &str, stale: bool, message: Option<AgentMessage>) {
        let Some(info) = self.panes.get(&pane).cloned() else { return };
        let policy = Arc::clone(self.engine.policy());
        self.seq += 1;
        let hits = policy.rules_of(&self.engine.watched_pipelines(&info.key)).scan(text);
        let line = LineEvent {
            unended: None,
            front: None,
            pane: info.key,
            seq: self.seq,
            text: text.to_owned(),
            source: LineSource::Stream,
            hits: if stale { vec![] } else { hits },
            policy: if stale { 77 } else { policy.generation },
            message,
        };
        self.step(Event::Line(Box::new(line)));
    }

    fn decide(&mut self, nth: usize, approve: bool, old: bool, answer: Option<u8>) {
        let approvals = self.engine.view().approvals;
        let Some(approval) = approvals.get(nth % approvals.len().max(1)) else { return };
        let answer = answer.map(|n| ["again", "done", "continue", "rerun", "wait"][usize::from(n)].to_owned());
        let revision = approval.revision - u32::from(old);
        let verdict = Verdict { approve, answer };
        self.ask(Command::Decide { approval: approval.id.clone(), revision, verdict });
    }

    fn ask(&mut self, command: Command) {
        self.step(Event::Asked { command, by: Decider::named("mei", Via::Key) });
    }

    /// A timer that is not armed with that epoch, or not due: nothing may change.
    fn stale_timer(&mut self, kind: u8) {
        let armed = self.engine.next_timer();
        let (key, epoch) = match (kind, armed, self.old_timers.last().cloned()) {
            (0, Some((_, key, epoch)), _) => (key, epoch + 1),
            (1, Some((_, key, epoch)), _) => (key, epoch - 1),
            (2, Some((at, key, epoch)), _) if at > self.now => (key, epoch),
            (_, armed, Some((key, epoch))) if armed.as_ref().is_none_or(|(_, k, e)| (k, *e) != (&key, epoch)) => {
                // Perhaps it is armed further down; then it is not due, or it would be first.
                (key, epoch)
            }
            _ => return,
        };
        let before = self.engine.clone();
        let step = self.engine.step(self.now, &Event::Timer { key: key.clone(), epoch });
        if step.changed || before != self.engine {
            self.failure = Some(format!("the stale timer {key:?} changed something"));
        }
    }

    fn invariant_journal_replays(&self) -> Result<(), String> {
        let mut engine = Engine::new(Arc::clone(&policies()[0])).with_options(self.options);
        for (now, event) in &self.journal {
            if let Event::PolicyLoaded { hash } = event {
                let policy = policies().iter().find(|policy| policy.hash == *hash).expect("policy");
                engine.set_policy(Arc::clone(policy));
            }
            engine.step(*now, event);
        }
        if engine == self.engine { Ok(()) } else { Err("the journal does not replay to the same state".to_owned()) }
    }

    /// The events as JSON lines, in a file that outlives the test.
    fn save(&self) -> String {
        let name = format!("engine-model-{}-{}.jsonl", std::process::id(), self.journal.len());
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut file = std::fs::File::create(&path).expect("log");
        for entry in &self.journal {
            writeln!(file, "{}", serde_json::to_string(entry).expect("json")).expect("log");
        }
        path.display().to_string()
    }
}

fn outcome(kind: u8, effect: &Effect) -> Outcome {
    let error = "broken".to_owned();
    match (kind, effect) {
        (0..=3, Effect::Shell(_)) => {
            Outcome::Shell(ShellOutcome { exit: Some(i32::from(kind) / 3), output: "out".to_owned() })
        }
        (0..=3, _) => Outcome::Done,
        (4, _) => Outcome::Skipped { reason: SkipReason::InMode },
        (5, _) => Outcome::Skipped { reason: SkipReason::Withdrawn },
        (6, _) => Outcome::Failed { error },
        _ => Outcome::Unknown { error },
    }
}

fn find_stage<'p>(policy: &'p Policy, stage: &str) -> Option<&'p Stage> {
    policy.pipelines.iter().find_map(|pipeline| pipeline.stage(stage))
}

fn most_retries(policy: &Policy, stage: &str) -> u32 {
    let steps = find_stage(policy, stage).map(|stage| stage.on_fail.as_slice()).unwrap_or_default();
    steps.iter().map(|step| if let FailStep::Retry(spec) = step { spec.max } else { 0 }).sum()
}

fn play(wishes: &[Wish], undo: u64) -> Result<(), String> {
    let mut world = World::new(Options { undo: Millis(undo), ..Options::default() });
    for pane in 0..3 {
        world.see(pane, pane % 2, false);
    }
    for wish in wishes {
        world.apply(wish);
        if let Some(failure) = &world.failure {
            return Err(format!("{failure}\nafter {wish:?}; events: {}", world.save()));
        }
    }
    world.invariant_journal_replays().map_err(|failure| format!("{failure}; events: {}", world.save()))
}

/// `PROPTEST_CASES` sets another number.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold(wishes in prop::collection::vec(wish(), 1..200), undo in prop_oneof![Just(0_u64), Just(3000)]) {
        if let Err(failure) = play(&wishes, undo) {
            return Err(TestCaseError::fail(failure));
        }
    }
}
