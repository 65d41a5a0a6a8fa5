use std::sync::Arc;
use tmuxagent_engine::replay::{Answers, Polls, Record, Recorded, Recording, Report, Setting, compare, replay};
use tmuxagent_model::{
    Decider, Decision, HostName, Millis, PaneFacts, PaneId, PaneInfo, PaneKey, RunControl, ServerId, Timestamp,
    Variables, Verdict, Via,
};
use tmuxagent_policy::{Policy, Source, load};

const POLICY: &str = r"
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - name: lint
    triggers: [{log_regex: 'start ci'}]
    actions_on_start: [{send_keys: npm run lint}]
    success_when: [{log_regex: '0 problems'}]
    fail_when: [{log_regex: '[1-9]\d* problems'}]
    timeout: 30s
    on_fail: [{retry: {max: 1, backoff: 2s}}]
  - name: deploy
    triggers: [{after_stage_success: lint}]
    require_approval: {question: 'Deploy?'}
    actions_on_start: [{run: npm run deploy}]
    timeout: 1m
";

fn policy(text: &str) -> Arc<Policy> {
    let mut policy = load(&[Source::new("p.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    policy.generation = 1;
    Arc::new(policy)
}

fn recording(records: &[(i64, &str)]) -> Recording {
    let key = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 7 };
    let facts = PaneFacts {
        session: "proj".to_owned(),
        window: "w".to_owned(),
        command: "bash".to_owned(),
        ..PaneFacts::default()
    };
    let pane = PaneInfo::new(key, facts);
    let records = records
        .iter()
        .map(|(seconds, text)| {
            let what = match text.strip_prefix("EXIT ") {
                Some(code) => Recorded::Ended { exit: code.parse().expect("code") },
                None => Recorded::Line { text: (*text).to_owned(), seen: 0, message: None },
            };
            Record { at: Timestamp(1_772_438_400_000 + seconds * 1000), what }
        })
        .collect();
    Recording { pane, records }
}

fn played(policy: &Arc<Policy>, answers: Answers) -> Report {
    let log =
        recording(&[(0, "start ci"), (3, "2 problems"), (4, "some other line"), (8, "0 problems"), (20, "EXIT 0")]);
    let setting = Setting { answers, polls: Polls::Pending, tail: Millis(0), ..Setting::default() };
    replay(Arc::clone(policy), &[log], &setting)
}

#[test]
fn a_replay_tells_what_would_have_been_done() {
    let report = played(&policy(POLICY), Answers::Approve);
    insta::assert_snapshot!(report, @r"
    2026-03-02 08:00:00 UTC proj:w.0 ci/lint triggered: log_regex /start ci/: start ci
    2026-03-02 08:00:00 UTC proj:w.0 ci/lint started: attempt 1
    2026-03-02 08:00:00 UTC proj:w.0 types npm run lint ⏎
    2026-03-02 08:00:03 UTC proj:w.0 ci/lint failed: log_regex /[1-9]\d* problems/: 2 problems
    2026-03-02 08:00:03 UTC proj:w.0 ci/lint retrying: attempt 2 in 2.0s, at most 1 retries
    2026-03-02 08:00:05 UTC proj:w.0 ci/lint started: attempt 2
    2026-03-02 08:00:05 UTC proj:w.0 types npm run lint ⏎
    2026-03-02 08:00:08 UTC proj:w.0 ci/lint succeeded: log_regex /0 problems/: 0 problems
    2026-03-02 08:00:08 UTC proj:w.0 ci/deploy triggered: after_stage_success lint: log_regex /0 problems/: 0 problems
    2026-03-02 08:00:08 UTC proj:w.0 asks Deploy? [npm run deploy ⏎]
    2026-03-02 08:00:08 UTC proj:w.0 ci/deploy needs_approval
    2026-03-02 08:00:08 UTC proj:w.0 is told yes to Deploy?
    2026-03-02 08:00:08 UTC proj:w.0 ci/deploy started: attempt 1
    2026-03-02 08:00:08 UTC proj:w.0 types npm run deploy ⏎
    2026-03-02 08:00:20 UTC proj:w.0 ci/deploy succeeded: exit_code 0
    2026-03-02 08:00:20 UTC proj:w.0 run of ci succeeded
    ");
}

#[test]
fn unanswered_questions_are_left_open() {
    let report = played(&policy(POLICY), Answers::Leave);
    assert_eq!(report.open.len(), 1);
    assert!(report.to_string().contains("open: Deploy?"), "{report}");
    assert!(report.to_string().ends_with("at the end: ci/deploy Deploy?\n"), "{report}");
}

#[test]
fn timers_fire_between_the_lines_and_in_the_tail() {
    let log = recording(&[(0, "start ci"), (100, "0 problems")]);
    let report = replay(policy(POLICY), std::slice::from_ref(&log), &Setting::default());
    let failed = report.entries.iter().filter(|entry| entry.to_string().contains("not done after 30s")).count();
    assert_eq!(failed, 2, "{report}");
    let short = recording(&[(0, "start ci")]);
    let setting = Setting { tail: Millis::from_secs(31), ..Setting::default() };
    assert!(replay(policy(POLICY), &[short], &setting).to_string().contains("lint retrying"));
}

#[test]
fn two_policies_differ_only_where_they_do() {
    let (first, second) = (policy(POLICY), policy(&POLICY.replace("npm run lint", "npm run lint --fix")));
    let (a, b) = (played(&first, Answers::Approve), played(&second, Answers::Approve));
    let comparison = compare(&a, &b);
    insta::assert_snapshot!(comparison, @r"
    - 2026-03-02 08:00:00 UTC proj:w.0 types npm run lint ⏎
    + 2026-03-02 08:00:00 UTC proj:w.0 types npm run lint --fix ⏎
    - 2026-03-02 08:00:05 UTC proj:w.0 types npm run lint ⏎
    + 2026-03-02 08:00:05 UTC proj:w.0 types npm run lint --fix ⏎
    14 decisions in common, 4 different
    ");
    assert!(compare(&a, &a).differences.is_empty());
}

const BY_HAND: &str = r"
inputs: {env: {choices: [staging, prod], default: staging}}
pipelines:
- name: ship
  match: {window_name: w}
  stages:
  - name: build
    triggers: [manual]
    actions_on_start: [{run: make}]
    timeout: 1m
  - name: deploy
    triggers: [{after_stage_success: build}]
    require_approval: {question: 'Deploy to {{inputs.env}}?', confirm: name}
    actions_on_start: [{run: './deploy.sh {{inputs.env}}'}]
    timeout: 1m
";

#[test]
fn what_people_did_is_done_again() {
    let by = Decider::named("mei", Via::Cli);
    let started = |env: &str| Recorded::Started {
        pipeline: "ship".to_owned(),
        stage: None,
        inputs: Variables::from([("env".to_owned(), env.to_owned())]),
        by: by.clone(),
    };
    let at = |seconds: i64| Timestamp(1_772_438_400_000 + seconds * 1000);
    let play = |policy: &str, answers, more: Vec<Record>| {
        let mut log = recording(&[(2, "EXIT 1"), (5, "EXIT 0")]);
        log.records.push(Record { at: at(0), what: started("prod") });
        let steered =
            Recorded::Steered { pipeline: "ship".to_owned(), stage: None, control: RunControl::Retry, by: by.clone() };
        log.records.push(Record { at: at(4), what: steered });
        log.records.extend(more);
        let setting = Setting { answers, ..Setting::default() };
        replay(self::policy(policy), &[log], &setting)
    };
    // The question as it was asked then, decided.
    let first = play(BY_HAND, Answers::Leave, Vec::new());
    let mut asked = first.open.first().expect("a question").clone();
    assert_eq!(asked.question, "Deploy to prod? (a yes takes the word deploy)");
    let verdict = Verdict { approve: true, answer: Some("deploy".to_owned()) };
    asked.decision = Some(Decision { verdict, by: by.clone(), at: at(9) });
    let decided = || vec![Record { at: at(9), what: Recorded::Decided(Box::new(asked.clone())) }];
    assert_eq!(play(BY_HAND, Answers::Leave, decided()).open.len(), 1, "it counts where that is said");
    insta::assert_snapshot!(play(BY_HAND, Answers::AsDecided, decided()), @r"
    2026-03-02 08:00:00 UTC proj:w.0 ship/build triggered: by hand: mei via command line
    2026-03-02 08:00:00 UTC proj:w.0 ship/build started: attempt 1
    2026-03-02 08:00:00 UTC proj:w.0 types make ⏎
    2026-03-02 08:00:02 UTC proj:w.0 ship/build failed: exit_code other than 0: exit code 1
    2026-03-02 08:00:02 UTC proj:w.0 run of ship failed
    2026-03-02 08:00:04 UTC proj:w.0 ship/build started: attempt 2
    2026-03-02 08:00:04 UTC proj:w.0 types make ⏎
    2026-03-02 08:00:05 UTC proj:w.0 ship/build succeeded: exit_code 0
    2026-03-02 08:00:05 UTC proj:w.0 ship/deploy triggered: after_stage_success build: exit_code 0
    2026-03-02 08:00:05 UTC proj:w.0 asks Deploy to prod? (a yes takes the word deploy) [./deploy.sh 'prod' ⏎]
    2026-03-02 08:00:05 UTC proj:w.0 ship/deploy needs_approval
    2026-03-02 08:00:09 UTC proj:w.0 is told yes to Deploy to prod? (a yes takes the word deploy)
    2026-03-02 08:00:09 UTC proj:w.0 ship/deploy started: attempt 1
    2026-03-02 08:00:09 UTC proj:w.0 types ./deploy.sh 'prod' ⏎
    at the end: ship/deploy waits for exit_code 0
    ");
    let without = BY_HAND.replace("    require_approval: {question: 'Deploy to {{inputs.env}}?', confirm: name}\n", "");
    let free = play(&without, Answers::AsDecided, decided()).to_string();
    assert!(free.contains("nothing asks what mei answered by yes then: Deploy to prod?"), "{free}");
}
