//! What a question, an alert and an explanation show of an attempt.

use std::sync::Arc;
use tmuxagent_engine::{Cleaner, Engine, Options, Step, Target};
use tmuxagent_model::{
    ApprovalId, ApprovalState, Command, Decider, Effect, Event, Front, HostName, IntentId, Outcome, PaneFacts, PaneId,
    PaneInfo, PaneKey, PaneState, Printed, ServerId, ShellOutcome, StageState, Timestamp, Variables, Verdict, Via,
};
use tmuxagent_policy::{Source, load};
use tmuxagent_text::Lang;

pub(super) const POLICY: &str = r"
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - name: test
    triggers: [manual]
    actions_on_start: [{run: node --test}]
    success_when: [{exit_code: 0}]
    timeout: 30s
    on_fail: [{retry: {max: 1, backoff: 2s}}, {ask_human: {}}]
";

const CHAIN: &str = r"
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - {name: lint, triggers: [manual], actions_on_start: [{run: lint}], success_when: [{exit_code: 0}]}
  - name: test
    triggers: [{all_of: [{after_stage_success: lint}, {not: {after_stage_failure: lint}}]}]
    actions_on_start: [{run: test}]
    success_when: [{exit_code: 0}]
";

const START: i64 = 1_772_438_400_000;

pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: Timestamp,
    pub(super) pane: PaneKey,
    pub(super) journal: Vec<(Timestamp, Event)>,
    pub(super) alerts: Vec<String>,
    pub(super) typed: Vec<IntentId>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(POLICY)
    }

    pub(super) fn with(policy: &str) -> Self {
        let mut policy = load(&[Source::new("p.yaml", policy)]).expect("a policy");
        policy.generation = 1;
        let policy = Arc::new(policy);
        let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 7 };
        let facts = PaneFacts { window: "w".to_owned(), command: "bash".to_owned(), ..PaneFacts::default() };
        let hash = policy.hash.clone();
        let mut engine = Engine::new(policy);
        engine.set_cleaner(Cleaner::new(|words| words.replace("hunter2", "[redacted]")));
        let (journal, alerts, typed) = (Vec::new(), Vec::new(), Vec::new());
        let mut world = Self { engine, now: Timestamp(START), pane: pane.clone(), journal, alerts, typed };
        world.step(Event::PolicyLoaded { hash });
        world.step(Event::PaneSeen { info: Box::new(PaneInfo::new(pane, facts)) });
        world
    }

    pub(super) fn step(&mut self, event: Event) -> Step {
        let step = self.engine.step(self.now, &event);
        // The journal holds the lines only where they were used, as the supervisor writes it.
        let kept = match event {
            Event::Witnessed { fact, .. } if !step.witnessed => *fact,
            whole => whole,
        };
        self.journal.push((self.now, kept));
        for intent in &step.intents {
            match &intent.effect {
                Effect::Alert(alert) => self.alerts.push(format!("{}\n{}", alert.title, alert.body)),
                Effect::Send(_) => self.typed.push(intent.id.clone()),
                _ => {}
            }
            self.step(Event::Outcome { intent: intent.id.clone(), outcome: Outcome::Done });
            let token = self.engine.tracked_command(&self.pane);
            self.step(Event::CommandBegan { pane: self.pane.clone(), token, line: None });
        }
        step
    }

    pub(super) fn after(&mut self, seconds: i64) {
        self.now = Timestamp(self.now.0 + seconds * 1000);
    }

    pub(super) fn printed(&self, lines: &[(i64, &str)]) -> Vec<Printed> {
        let at = |seconds: i64| Timestamp(self.now.0 + seconds * 1000);
        lines.iter().map(|(seconds, text)| Printed { at: at(*seconds), text: (*text).to_owned() }).collect()
    }

    pub(super) fn start(&mut self) {
        self.start_at(None);
    }

    pub(super) fn start_at(&mut self, stage: Option<&str>) {
        let stage = stage.map(str::to_owned);
        let command = Command::Start {
            pane: self.pane.clone(),
            pipeline: "ci".to_owned(),
            stage,
            inputs: tmuxagent_model::Variables::new(),
        };
        self.step(Event::Asked { command, by: me() });
    }

    /// The typed command ends, and its pane showed these lines last, so many seconds from now.
    pub(super) fn ends(&mut self, exit: i32, lines: &[(i64, &str)]) {
        let token = self.typed.last().map(|id| id.as_str().to_owned());
        let fact = Box::new(Event::CommandEnded { pane: self.pane.clone(), token, exit });
        let printed = self.printed(lines);
        self.step(Event::Witnessed { fact, printed });
    }

    pub(super) fn decide(&mut self, approval: ApprovalId, approve: bool) {
        let verdict = Verdict { approve, answer: None };
        self.step(Event::Asked { command: Command::Decide { approval, revision: 1, verdict }, by: me() });
    }

    pub(super) fn due(&mut self) {
        let (at, key, epoch) = self.engine.next_timer().expect("a timer");
        self.now = at;
        self.step(Event::Timer { key, epoch });
    }

    pub(super) fn explained(&self) -> serde_json::Value {
        self.explained_stage(0)
    }

    pub(super) fn explained_stage(&self, stage: usize) -> serde_json::Value {
        serde_json::to_value(&self.engine.explain(self.now, &Target::Pane(self.pane.clone()))[stage]).expect("JSON")
    }

    pub(super) fn attempts(&self) -> (u32, u32) {
        let stage = &self.engine.view().runs[0].stages[0];
        (stage.attempt, stage.max_attempts)
    }
}

pub(super) fn me() -> Decider {
    Decider::named("wu", Via::Key)
}

/// Two attempts that fail with output; the second leads to a question.
fn failed_twice() -> World {
    let mut world = World::new();
    world.start();
    world.after(5);
    world.ends(1, &[(-60, "an older command"), (-2, "not ok 1 - adds"), (-1, "# fail 1")]);
    world.due();
    world.after(5);
    let second =
        [(-7, "# fail 1"), (-2, "not ok 1 - adds hunter2"), (-1, "  expected: 4"), (0, "  actual: \u{1b}[31m5")];
    world.ends(1, &second);
    world
}

#[test]
fn a_question_shows_the_last_lines_of_its_attempt_without_secrets_and_nothing_older() {
    let world = failed_twice();
    let view = world.engine.view();
    let asked = &view.approvals[0];
    assert_eq!(asked.evidence, ["not ok 1 - adds [redacted]", "  expected: 4", "  actual: \\u{1b}[31m5"]);
    assert!(asked.question.contains("exit code 1"), "{}", asked.question);
    let alert = world.alerts.last().expect("told");
    assert!(alert.ends_with("not ok 1 - adds [redacted]\n  expected: 4\n  actual: \\u{1b}[31m5"), "{alert}");
}

#[test]
fn a_journal_leads_to_the_same_evidence_and_holds_lines_only_where_they_are_used() {
    let world = failed_twice();
    let mut again = Engine::new(Arc::clone(world.engine.policy()));
    again.set_cleaner(Cleaner::new(|words| words.replace("hunter2", "[redacted]")));
    for (at, event) in &world.journal {
        again.step(*at, event);
    }
    assert_eq!(again, world.engine);
    let witnessed = world.journal.iter().filter(|(_, event)| matches!(event, Event::Witnessed { .. })).count();
    assert_eq!(witnessed, 2, "each failure tells the line of its output that names the cause");
    let started = world.journal.iter().filter(|(_, event)| matches!(event, Event::Asked { .. })).count();
    assert_eq!(started, 1, "what began the run stands there without lines");
}

/// Who explains a stage that asks sees why, and later who answered.
#[test]
fn an_explanation_shows_the_open_question_s_lines_and_who_answered_it() {
    let mut world = failed_twice();
    let told = world.explained();
    assert_eq!(told["evidence"][0], "not ok 1 - adds [redacted]");
    assert!(told.get("answered").is_none());
    let values = [told];
    let lines = |values: &[serde_json::Value]| {
        let stages = tmuxagent_text::explain::read(values).expect("the form of the screens");
        let lines = tmuxagent_text::explain::lines(tmuxagent_text::Lang::En, &jiff::tz::TimeZone::UTC, &stages[0]);
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    assert!(lines(&values).iter().any(|line| line == "not ok 1 - adds [redacted]"));

    let id = world.engine.view().approvals[0].id.clone();
    world.decide(id, true);
    let told = world.explained();
    assert_eq!(told["answered"]["decision"]["text"], "by wu via key");
    assert_eq!(told["answered"]["evidence"][0], "not ok 1 - adds [redacted]");
    assert!(told.get("evidence").is_none() && told.get("opened_by").is_none());
    let told = lines(&[told]);
    // The attempt that runs now has no end; what ended the ones before stands with them.
    assert!(!told.iter().any(|line| line == "ended by"), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.starts_with("attempt ")).count(), 2, "{told:?}");
    let at = told.iter().position(|line| line == "its last question").expect("told");
    assert!(told[at + 1].ends_with("Run it again?") && told[at + 3] == "by wu via key", "{told:?}");
}

#[test]
fn a_failure_s_note_names_the_line_that_tells_the_cause() {
    let mut world = World::new();
    world.start();
    world.after(5);
    let token = world.typed.last().map(|id| id.as_str().to_owned());
    let fact = Box::new(Event::CommandEnded { pane: world.pane.clone(), token, exit: 1 });
    let printed = world.printed(&[(-2, "not ok 1 - adds hunter2"), (-1, "# fail 1"), (0, "li@vm:~/shop$")]);
    let step = world.step(Event::Witnessed { fact, printed });
    let said = step.notes.iter().find_map(|(_, _, note)| match note {
        tmuxagent_model::Note::StageFailed { said, .. } => Some(said.as_str()),
        _ => None,
    });
    assert_eq!(said, Some("not ok 1 - adds [redacted]"));
}

#[test]
fn a_final_failure_tells_its_last_lines() {
    let mut world = failed_twice();
    let id = world.engine.view().approvals[0].id.clone();
    let verdict = Verdict { approve: true, answer: None };
    world.step(Event::Asked { command: Command::Decide { approval: id, revision: 1, verdict }, by: me() });
    world.after(5);
    world.ends(1, &[(-3, "the last words")]);
    let asked = world.engine.view().approvals.into_iter().find(|asked| asked.state == ApprovalState::Pending);
    assert_eq!(asked.expect("asked again").evidence, ["the last words"]);
}

#[test]
fn an_explanation_is_frozen_when_the_attempt_ends() {
    let holds = |stage: &serde_json::Value, role: &str| {
        let conditions = stage["conditions"].as_array().expect("conditions").clone();
        let found = conditions.into_iter().find(|condition| condition["role"] == role).expect("the role");
        (found["part"]["holds"].as_bool(), found["active"].as_bool(), found["as_of"].as_i64())
    };
    let mut world = World::new();
    world.start();
    assert_eq!(holds(&world.explained(), "success_when"), (Some(false), Some(true), None));
    world.after(5);
    world.ends(0, &[]);
    let ended = world.now.0;
    world.after(3600);
    let stage = world.explained();
    assert_eq!(stage["state"], "succeeded");
    assert_eq!(holds(&stage, "success_when"), (Some(true), Some(false), Some(ended)), "{stage:#}");
    assert_eq!(holds(&stage, "triggers"), (Some(true), Some(false), Some(START)), "{stage:#}");

    let world = failed_twice();
    let stage = world.explained();
    assert_eq!(holds(&stage, "success_when").0, Some(false), "{stage:#}");
    assert!(holds(&stage, "success_when").2.is_some(), "told as it was");
}

#[test]
fn what_started_a_stage_is_told_with_its_own_time_and_what_did_not_start_it_holds_nothing() {
    let trigger = |world: &World| world.explained_stage(1)["conditions"][0]["part"].clone();
    let mut world = World::with(CHAIN);
    world.start();
    world.after(5);
    world.ends(0, &[]);
    let fired = world.now.0;
    world.after(3600);
    let part = trigger(&world);
    let after = &part["parts"][0];
    assert_eq!((&part["holds"], &after["holds"]), (&true.into(), &true.into()), "{part:#}");
    assert_eq!(after["cause"]["at"], fired, "{part:#}");
    assert_eq!(part["parts"][1]["holds"], false, "{part:#}");

    // The stage before it is counted as skipped, and yet a person started this one.
    let mut world = World::with(CHAIN);
    world.start_at(Some("test"));
    world.after(60);
    let part = trigger(&world);
    assert_eq!((&part["holds"], &part["parts"][0]["holds"]), (&false.into(), &false.into()), "{part:#}");
    assert_eq!(world.explained_stage(1)["started_by"]["rule"], "by hand");
}

#[test]
fn a_state_is_dated_with_the_instant_from_which_it_holds() {
    let waits_for_a_word = "{log_regex: '^go$'}";
    let mut world = World::with(&CHAIN.replace("{not: {after_stage_failure: lint}}", waits_for_a_word));
    world.start();
    world.after(5);
    world.ends(0, &[]);
    let ended = world.now.0;
    world.after(3600);
    let part = world.explained_stage(1)["conditions"][0]["part"].clone();
    assert_eq!((&part["holds"], &part["parts"][0]["holds"]), (&false.into(), &true.into()), "{part:#}");
    assert_eq!(part["parts"][0]["cause"]["at"], ended, "{part:#}");
}

#[test]
fn an_explanation_holds_no_secret_wherever_it_comes_from() {
    // The script may be cut within the secret, too.
    for pad in ["true".to_owned(), format!("true {}", "x".repeat(376))] {
        let script = format!("{{shell: {{script: '{pad}; echo hunter2; exit 3', timeout: 10s}}}}");
        let mut world = World::with(&POLICY.replace("{run: node --test}", &script));
        let command = Command::Start {
            pane: world.pane.clone(),
            pipeline: "ci".to_owned(),
            stage: None,
            inputs: tmuxagent_model::Variables::new(),
        };
        let step = world.engine.step(world.now, &Event::Asked { command, by: me() });
        let [shell] = &step.intents[..] else { panic!("{step:?}") };
        let outcome = Outcome::Shell(ShellOutcome { exit: Some(3), output: "hunter2".to_owned() });
        world.engine.step(world.now, &Event::Outcome { intent: shell.id.clone(), outcome });
        let stage = world.explained().to_string();
        assert!(stage.contains("shell: true") && !stage.contains("hunter"), "{stage}");
    }
}

#[test]
fn what_failed_before_stays_told_after_a_success() {
    let mut world = failed_twice();
    let id = world.engine.view().approvals[0].id.clone();
    world.decide(id, true);
    world.after(5);
    world.ends(0, &[]);
    let stage = world.explained();
    assert_eq!(stage["state"], "succeeded");
    let said = ["not ok 1 - adds", "not ok 1 - adds [redacted]: expected: 4"];
    for (failed, said) in stage["earlier"].as_array().expect("those that failed").iter().zip(said) {
        assert_eq!((&failed["cause"]["text"], &failed["said"]), (&"exit code 1".into(), &said.into()), "{failed}");
    }
    let stages = tmuxagent_text::explain::read(&[stage]).expect("its form");
    let lines = tmuxagent_text::explain::lines(Lang::En, &jiff::tz::TimeZone::UTC, &stages[0]);
    let at = lines.iter().position(|line| line.text == "attempt 2 failed").expect("the second one");
    let below: Vec<&str> = lines[at + 1..at + 4].iter().map(|line| line.text.as_str()).collect();
    assert_eq!(below[1..], ["exit code 1", said[1]], "{below:?}");
}

#[test]
fn attempts_never_count_beyond_what_is_allowed() {
    let mut world = World::new();
    world.start();
    assert_eq!(world.attempts(), (1, 2));
    world.after(1);
    world.ends(1, &[]);
    assert_eq!(world.attempts(), (1, 2), "about to be tried again");
    world.due();
    assert_eq!(world.attempts(), (2, 2));
    world.after(1);
    world.ends(1, &[]);
    assert_eq!(world.attempts(), (2, 2), "a human is asked");
    let id = world.engine.view().approvals[0].id.clone();
    let verdict = Verdict { approve: true, answer: None };
    world.step(Event::Asked { command: Command::Decide { approval: id.clone(), revision: 1, verdict }, by: me() });
    assert_eq!(world.attempts(), (3, 3), "a human let it run once more");
    let stage = world.engine.view().runs[0].stages[0].clone();
    assert_eq!(tmuxagent_text::stage_attempt(Lang::En, &stage).as_deref(), Some("3/3, 1 more allowed by wu"));
    assert_eq!(tmuxagent_text::stage_attempt(Lang::Zh, &stage).as_deref(), Some("3/3，wu 另准 1 次"));
    world.after(1);
    world.ends(1, &[]);
    assert_eq!(world.attempts(), (3, 3), "one yes is one attempt: what failed again is asked about again");
    let asked: Vec<_> =
        world.engine.view().approvals.iter().filter(|asked| asked.state == ApprovalState::Pending).cloned().collect();
    assert_eq!(asked.len(), 1);
    assert_ne!(asked[0].id, id);
}

#[test]
fn a_gate_of_a_run_that_begins_with_it_shows_what_stands_in_its_pane() {
    let gated = "actions_on_start: [{run: test}]\n    require_approval: {}";
    let mut world = World::with(&CHAIN.replace("actions_on_start: [{run: test}]", gated));
    let command = Command::Start {
        pane: world.pane.clone(),
        pipeline: "ci".to_owned(),
        stage: Some("test".to_owned()),
        inputs: Variables::new(),
    };
    let fact = Box::new(Event::Asked { command, by: me() });
    let printed = world.printed(&[(-60, "0 problems"), (-2, "built in 3s")]);
    world.step(Event::Witnessed { fact, printed });
    assert_eq!(world.engine.view().approvals[0].evidence, ["0 problems", "built in 3s"]);
}

const GATED: &str = r"
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - name: test
    triggers: [manual]
    actions_on_start: [{run: ./test.sh}]
    success_when: [{exit_code: 0}]
    on_fail: [{retry: {max: 1, backoff: 2s}}]
  - name: deploy
    triggers: [{after_stage_success: test}]
    require_approval: {}
    actions_on_start: [{run: ./deploy.sh}]
";

#[test]
fn a_gate_shows_what_the_attempt_printed_that_led_to_it_and_nothing_of_those_before() {
    let mut world = World::with(GATED);
    world.start();
    world.after(5);
    world.ends(1, &[(-2, "1 failed: adds up"), (-1, "root@vm:~/first#")]);
    world.due();
    world.after(5);
    let lines = [
        (-20, "built before"),
        (-7, "1 failed: adds up"),
        (-6, "root@vm:~/first#"),
        (-3, "root@vm:~/first# ./test.sh"),
        (-1, "12 passed"),
        (0, "root@vm:~/first#"),
    ];
    world.ends(0, &lines);
    let asked = world.engine.view().approvals.into_iter().find(|asked| asked.state == ApprovalState::Pending);
    let asked = asked.expect("asked");
    assert_eq!(asked.evidence, ["12 passed"]);

    world.decide(asked.id, true);
    let opened = world.explained_stage(1)["opened_by"].clone();
    assert_eq!((&opened["rule"], &opened["text"]), (&"approved".into(), &"by wu via key".into()), "{opened}");
}

/// Between the stage that printed and the question stands one without output, or with nothing but a shell's prompt.
#[test]
fn a_stage_without_output_hides_nothing_of_those_before_it() {
    let between = "  - name: note\n    triggers: [{after_stage_success: test}]\n    \
                   actions_on_start: [{run: 'true'}]\n    success_when: [{exit_code: 0}]\n  - name: deploy";
    let policy = GATED.replace("  - name: deploy", between).replace(
        "triggers: [{after_stage_success: test}]\n    require_approval",
        "triggers: [{after_stage_success: note}]\n    require_approval",
    );
    let mut world = World::with(&policy);
    world.start();
    world.after(5);
    world.ends(0, &[(-2, "12 passed")]);
    world.after(5);
    world.ends(0, &[(-7, "12 passed"), (-4, "❯"), (-4, "li@vm:~/shop$ true")]);
    let asked = world.engine.view().approvals.into_iter().find(|asked| asked.state == ApprovalState::Pending);
    assert_eq!(asked.expect("asked").evidence, ["12 passed"]);
}

#[test]
fn a_failure_that_a_person_lets_stand_tells_who_why_and_the_line_of_its_output() {
    let mut world = failed_twice();
    let id = world.engine.view().approvals[0].id.clone();
    world.decide(id, false);
    let stage = world.explained();
    let summary = stage["summary"].as_str().expect("a summary");
    assert!(summary.starts_with("rejected: by wu via key; it failed: "), "{summary}");
    assert!(summary.contains("exit code 1"), "{summary}");
    assert!(summary.ends_with("; its output: `not ok 1 - adds [redacted]: expected: 4`"), "{summary}");
}

#[test]
fn a_run_that_begins_with_a_question_shows_nothing_of_the_run_before_it() {
    let gated = "triggers: [manual]\n    require_approval: {}\n    actions_on_start: [{run: node --test}]";
    let policy = POLICY.replace("triggers: [manual]\n    actions_on_start: [{run: node --test}]", gated);
    let mut world =
        World::with(&policy.replace("on_fail: [{retry: {max: 1, backoff: 2s}}, {ask_human: {}}]", "cooldown: 1s"));
    world.start();
    let id = world.engine.view().approvals[0].id.clone();
    world.decide(id, true);
    world.after(5);
    world.ends(1, &[(-1, "1 failed: adds up")]);
    world.after(5);
    let command =
        Command::Start { pane: world.pane.clone(), pipeline: "ci".to_owned(), stage: None, inputs: Variables::new() };
    let fact = Box::new(Event::Asked { command, by: me() });
    let printed = world.printed(&[(-6, "1 failed: adds up"), (-2, "edited a.js")]);
    world.step(Event::Witnessed { fact, printed });
    let asked = world.engine.view().approvals.into_iter().find(|asked| asked.state == ApprovalState::Pending);
    assert_eq!(asked.expect("asked").evidence, ["edited a.js"]);
}

#[test]
fn what_is_done_at_the_end_of_a_run_says_that_it_waits_for_that() {
    let mut world = World::with(&format!("{POLICY}  finally: [{{run: ./unlock.sh}}]\n"));
    let part = |world: &World| world.explained_stage(1)["conditions"][0]["part"].clone();
    assert_eq!((&part(&world)["text"], &part(&world)["holds"]), (&"the end of the run".into(), &false.into()));
    world.start();
    world.after(5);
    world.ends(0, &[]);
    assert_eq!((&part(&world)["text"], &part(&world)["holds"]), (&"the end of the run".into(), &true.into()));
}

#[test]
fn a_pane_whose_program_waits_needs_somebody_whoever_began_it() {
    let mut world = World::new();
    let pane = world.pane.clone();
    let waits = |row: Option<&str>, password| {
        let front = row.map(|_| Front { pid: 9, born: 1, name: "npm init".to_owned() });
        Event::Waits { pane: pane.clone(), front, password, row: row.map(str::to_owned), question: None }
    };
    let state = |world: &World| world.engine.view().panes[&world.pane];
    assert_eq!(state(&world), PaneState::Idle);
    world.step(waits(Some("package name: (demo)"), true));
    assert_eq!(state(&world), PaneState::NeedsApproval, "what a person began himself");
    assert!(world.alerts.is_empty() && world.engine.view().approvals.is_empty(), "is his own all the same");
    world.step(waits(None, false));
    assert_eq!(state(&world), PaneState::Idle);
}

/// A stage that fails, one behind its failure that prints nothing, and a question behind that.
const QUIET: &str = r"
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - {name: lint, triggers: [manual], actions_on_start: [{run: lint}], success_when: [{exit_code: 0}]}
  - {name: test, triggers: [{after_stage_success: lint}], actions_on_start: [{run: test}], success_when: [{exit_code: 0}]}
  - name: quiet
    triggers: [{after_stage_failure: test}]
    recovers: true
    actions_on_start: [{run: 'true'}]
    success_when: [{exit_code: 0}]
  - name: deploy
    triggers: [{after_stage_success: quiet}]
    require_approval: {}
    actions_on_start: [{run: deploy}]
";

#[test]
fn a_gate_behind_a_quiet_stage_shows_what_tells_most_of_the_failure_that_led_to_it() {
    let mut world = World::with(QUIET);
    world.start();
    world.after(5);
    world.ends(0, &[(-1, "0 problems")]);
    world.after(20);
    let place = "thread 'adds_up' (9) panicked at src/lib.rs:5:32:";
    let mut lines = vec![(-6, "0 problems".to_owned()), (-5, place.to_owned()), (-5, "no such table".to_owned())];
    lines.extend((0..30).map(|row| (-4, format!("frame {row}"))));
    let told: Vec<(i64, &str)> = lines.iter().map(|(at, line)| (*at, line.as_str())).collect();
    // The first of them is of the stage before.
    world.ends(101, &told);
    world.after(5);
    let later: Vec<(i64, &str)> = told.iter().map(|(at, line)| (at - 5, *line)).collect();
    world.ends(0, &later);
    let asked = world.engine.view().approvals.into_iter().find(|asked| asked.state == ApprovalState::Pending);
    let evidence = asked.expect("asked").evidence;
    assert!(evidence.contains(&place.to_owned()) && evidence.contains(&"no such table".to_owned()), "{evidence:#?}");
    assert!(evidence.len() <= 12, "{evidence:#?}");
}

#[test]
fn an_attempt_without_output_says_so_and_nothing_of_another_stands_for_it() {
    let asks = "success_when: [{exit_code: 0}], on_fail: [{ask_human: {}}]}\n  - name: quiet";
    let mut world = World::with(&QUIET.replace("success_when: [{exit_code: 0}]}\n  - name: quiet", asks));
    world.start();
    world.after(5);
    world.ends(0, &[(-1, "ok")]);
    world.after(5);
    world.ends(1, &[(-6, "ok")]);
    let asked = world.engine.view().approvals[0].clone();
    assert_eq!(asked.evidence, [""; 0]);
    assert!(asked.question.contains("exit code 1; it printed nothing)"), "{}", asked.question);
    let alert = world.alerts.last().expect("told");
    assert!(alert.contains("it printed nothing") && !alert.contains("ok\n"), "{alert}");
    assert!(tmuxagent_text::question(Lang::Zh, &asked).contains("没有任何输出"));
    world.decide(asked.id, false);
    let summary = world.explained_stage(1)["summary"].to_string();
    assert!(summary.contains("it printed nothing"), "{summary}");
    let detail = world.engine.view().runs[0].stages[1].detail.clone();
    assert!(detail.contains("it printed nothing"), "{detail}");
}

#[test]
fn what_its_output_said_last_is_told_of_a_failed_stage_also_where_no_line_tells_a_cause() {
    let mut world = World::with(CHAIN);
    world.start();
    world.after(5);
    world.ends(123, &[(-2, "the table is locked")]);
    let detail = world.engine.view().runs[0].stages[0].detail.clone();
    assert!(detail.ends_with("exit code 123; its output: `the table is locked`"), "{detail}");
}

/// A stage about which a question is open waits for somebody, though its attempt counts as running; every surface says so.
#[test]
fn a_stage_whose_command_ended_without_a_verdict_asks() {
    let quiet = "success_when: [{log_regex: passed}]";
    let mut world = World::with(&POLICY.replace("success_when: [{exit_code: 0}]", quiet));
    world.start();
    world.after(5);
    world.ends(0, &[(-1, "nothing to see")]);
    let run = world.engine.view().runs[0].clone();
    let stage = &run.stages[0];
    assert_eq!((stage.state, stage.shown_state()), (StageState::Running, StageState::Asking));
    assert!(run.only_asks() && stage.detail.ends_with("Has it succeeded?"), "{}", stage.detail);
    let told = world.explained();
    assert_eq!((&told["asks"], &told["summary"]), (&true.into(), &stage.detail.clone().into()));
    let waits = told["waits_for"].to_string();
    assert!(waits.contains("a decision on") && !waits.contains("log_regex"), "{waits}");
    let id = world.engine.view().approvals[0].id.clone();
    let verdict = Verdict { approve: true, answer: Some("wait".to_owned()) };
    world.step(Event::Asked { command: Command::Decide { approval: id, revision: 1, verdict }, by: me() });
    assert_eq!(world.engine.view().runs[0].stages[0].shown_state(), StageState::Running);
    assert!(world.explained().get("asks").is_none());
}

/// While a yes can be taken back, its stage needs nobody; every surface says so.
#[test]
fn a_stage_whose_yes_can_be_taken_back_needs_nobody() {
    let policy = POLICY.replace("triggers: [manual]", "triggers: [manual]\n    require_approval: {expires: 1m}");
    let mut world = World::with(&policy);
    let undo = tmuxagent_model::Millis::from_secs(6);
    world.engine.set_options(Options { undo, ..Options::default() });
    world.start();
    let open = world.explained();
    assert!(open["waits_for"][0].as_str().is_some_and(|told| told.ends_with(", open for another 1m00s")), "{open:#}");
    let id = world.engine.view().approvals[0].id.clone();
    let verdict = Verdict { approve: true, answer: None };
    let command = Command::Decide { approval: id.clone(), revision: 1, verdict };
    world.step(Event::Asked { command, by: me() });
    let view = world.engine.view();
    assert!(view.panes.values().all(|state| *state == PaneState::Running), "{:?}", view.panes);
    let stage = &view.runs[0].stages[0];
    assert_eq!((stage.state, stage.shown_state()), (StageState::NeedsApproval, StageState::Queued));
    assert_eq!(stage.due_at, view.approvals[0].undo_until);
    assert!(stage.due_at.is_some() && !view.runs[0].only_asks());
    let told = world.explained();
    assert!(told["approval"].is_null() && told["undo"]["approval"] == id.as_str(), "{told:#}");
    let waits = told["waits_for"].to_string();
    assert!(waits.contains("can be taken back, in 6.0s") && !waits.contains("a decision"), "{waits}");
    // A start that it is in the way of names what takes it back.
    let refused = |world: &mut World| {
        let start = Command::Start {
            pane: world.pane.clone(),
            pipeline: "ci".into(),
            stage: None,
            inputs: Variables::default(),
        };
        format!("{:?}", world.step(Event::Asked { command: start, by: me() }))
    };
    let why = refused(&mut world);
    assert!(
        why.contains(&format!("stage test of run #1 is approved; `tmuxagent reject {id}` can still take it back")),
        "{why}"
    );
}
