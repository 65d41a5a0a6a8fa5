//! `policy init`, `replay` and `test` as a user runs them.

use crate::support::{StagedSupervisor, TestEnv};
use insta::assert_snapshot;
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{HostName, LineSource, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId, Timestamp};
use tmuxagent_store::{Recorded, RecordedLine, Recorder, Recording, RecordingLimits};

const POLICY: &str = "
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - name: lint
    triggers: [{log_regex: '^start ci'}]
    actions_on_start: [{run: npm run lint}]
    timeout: 30s
    on_fail: [{retry: {max: 1, backoff: 2s}}]
  - name: deploy
    triggers: [{after_stage_success: lint}]
    require_approval: {question: 'Deploy?'}
    actions_on_start: [{run: npm run deploy}]
    timeout: 1m
";

const PROJECTS: &[(&str, &[(&str, &str)])] = &[
    (
        "node",
        &[
            ("package.json", r#"{"scripts": {"lint": "eslint .", "test": "vitest", "deploy": "./d.sh"}}"#),
            ("pnpm-lock.yaml", ""),
        ],
    ),
    ("rust", &[("Cargo.toml", "[package]\nname = \"x\"\nversion = \"0.1.0\"\n")]),
    ("python", &[("pyproject.toml", "[tool.ruff]\n[tool.pytest.ini_options]\n")]),
    ("tox", &[("tox.ini", "[tox]\n")]),
    ("nox", &[("noxfile.py", "")]),
    ("go", &[("go.mod", "module x\n")]),
    ("make", &[("Makefile", "lint:\n\ttrue\ntest:\n\ttrue\ndeploy:\n\ttrue\n")]),
    ("just", &[("justfile", "test:\n    true\n")]),
    (
        "hub",
        &[
            (".git/config", "[remote \"origin\"]\n\turl = git@github.com:me/shop.git\n"),
            (".git/HEAD", "ref: refs/heads/main\n"),
            (".github/workflows/deploy.yml", "name: Deploy\non:\n  workflow_dispatch:\n"),
        ],
    ),
];

#[test]
fn a_check_goes_on_behind_a_file_that_can_not_be_read() {
    let env = TestEnv::new();
    env.write("many/a.yaml", POLICY);
    env.write("many/c.yaml", "pipelines: [{name: x, tiemout: 5s}]\n");
    std::fs::write(env.home().join("many/b.yaml"), [0xff, 0xfe]).expect("written");
    std::fs::write(env.home().join("many/d.yaml"), [0xff, 0xfe]).expect("written");
    let ran = env.run(&["policy", "check", "many"]);
    assert_eq!(ran.code, 2, "{ran}");
    for told in ["b.yaml can't be read", "d.yaml can't be read", "tiemout"] {
        assert!(ran.stdout.contains(told), "{told}: {ran}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&env.run(&["policy", "check", "many", "--json"]).stdout).expect("JSON");
    let codes: Vec<_> =
        json["problems"].as_array().expect("a list").iter().filter_map(|it| it["code"].as_str()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "unreadable").count(), 2, "{codes:?}");
}

#[test]
fn a_check_without_files_names_what_it_checks() {
    let env = TestEnv::new();
    let bundled = env.run(&["policy", "check"]).stdout;
    assert!(bundled.starts_with("checked, as no file is named: the bundled policies\n"), "{bundled}");
    assert!(!bundled.contains("tmuxagent.yaml"), "{bundled}");
    env.write("tmuxagent.yaml", POLICY);
    let beside = env.run(&["policy", "check"]).stdout;
    assert!(beside.contains("not among them: `tmuxagent policy check tmuxagent.yaml` checks it"), "{beside}");
    let chinese = env.run(&["--lang", "zh", "policy", "check"]).stdout;
    assert!(chinese.contains("没有写明文件，检查的是内置策略") && chinese.contains("不在其中"), "{chinese}");
    let named = env.run(&["--policy", "tmuxagent.yaml", "policy", "check"]).stdout;
    assert!(named.contains("tmuxagent.yaml") && !named.contains("not among them"), "{named}");
    assert!(!env.run(&["policy", "check", "tmuxagent.yaml"]).stdout.contains("in force"));
}

#[test]
fn init_writes_a_clean_policy_for_every_kind_of_project() {
    let env = TestEnv::new();
    for (name, files) in PROJECTS {
        for (file, text) in *files {
            env.write(&format!("{name}/{file}"), text);
        }
        let ran = env.run(&["policy", "init", name]);
        assert_eq!(ran.code, 0, "{name}: {ran}");
        let file = format!("{name}/tmuxagent.yaml");
        let checked = env.run(&["policy", "check", &file]);
        assert_eq!(checked.code, 0, "{name}: {checked}");
        let json = env.run(&["policy", "init", name, "--update", "--json"]);
        let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
        assert_eq!((json.code, &value["written"]), (0, &serde_json::json!(false)), "{name}: nothing new");
    }
    let gated = std::fs::read_to_string(env.home().join("node/tmuxagent.yaml")).expect("a policy");
    assert!(gated.contains("pnpm run lint") && gated.contains("require_approval"), "{gated}");
}

#[test]
fn what_init_prints_at_its_end_puts_the_policy_in_force() {
    let env = TestEnv::new();
    env.write("my shop/Makefile", "test:\n\ttrue\n");
    let ran = env.run(&["policy", "init", "my shop", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let command = value["use"].as_str().expect("a command").replace("[HOME]", &env.home().display().to_string());
    let mut shell = std::process::Command::new("sh");
    let done = shell.arg("-c").arg(&command).current_dir("/").status().expect("sh");
    assert!(done.success(), "{command}");
    let checked = env.run(&["config", "check", "--json"]);
    assert!(checked.stdout.contains("[HOME]/.config/tmuxagent/policies/my-shop.yaml"), "{checked}");
    // Another project of that name takes the place of nothing; the same one goes where it was.
    env.write("old/my shop/Makefile", "lint:\n\ttrue\n");
    let other = env.run(&["policy", "init", "old/my shop", "--json"]);
    assert!(other.stdout.contains("/policies/my-shop-2.yaml"), "{other}");
    env.write("my shop/Makefile", "test:\n\ttrue\nlint:\n\ttrue\n");
    let renewed = env.run(&["policy", "init", "my shop", "--update", "--json"]);
    assert!(renewed.stdout.contains("/policies/my-shop.yaml"), "{renewed}");
    let named = env.run(&["policy", "init", "my shop", "--update", "--json", "--policy", "my shop/tmuxagent.yaml"]);
    assert!(named.stdout.contains("tmuxagent --policy '[HOME]/my shop/tmuxagent.yaml'"), "{named}");
}

#[test]
fn init_says_what_it_found_and_never_overwrites() {
    let env = TestEnv::new();
    env.write("shop/Makefile", "test:\n\ttrue\ndeploy:\n\ttrue\n");
    assert_snapshot!(env.run(&["policy", "init", "shop"]), @r"
      shop: test (Makefile: test runs `true`)
      shop: deploy (Makefile: deploy runs `true`, waits for approval)
    wrote shop/tmuxagent.yaml
    look at it; this puts it in force:
      mkdir -p [HOME]/.config/tmuxagent/policies && cp [HOME]/shop/tmuxagent.yaml [HOME]/.config/tmuxagent/policies/shop.yaml
    it runs in windows of that name: tmux rename-window shop
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["policy", "init", "shop"]), @r"
    --- stderr ---
    error: there is a shop/tmuxagent.yaml already
    hint: --update renews it, keeps what you changed, and says what puts it in force
    --- exit code 2 ---
    ");
    let file = env.home().join("shop/tmuxagent.yaml");
    let edited = std::fs::read_to_string(&file).expect("a policy").replace("run: make test", "run: make test V=1");
    std::fs::write(&file, edited).expect("written");
    env.write("shop/Makefile", "test:\n\ttrue\nlint:\n\ttrue\n");
    assert_snapshot!(env.run(&["policy", "init", "--update", "shop"]), @r"
      shop: lint is added (Makefile: lint runs `true`; a person starts it, since a stage that stays begins the pipeline)
      shop: test was changed by hand; left as it is
      shop: deploy was not found any more; taken out
    renewed shop/tmuxagent.yaml
    this puts it in force:
      mkdir -p [HOME]/.config/tmuxagent/policies && cp [HOME]/shop/tmuxagent.yaml [HOME]/.config/tmuxagent/policies/shop.yaml
    --- exit code 0 ---
    ");
    assert!(std::fs::read_to_string(&file).expect("a policy").contains("make test V=1"));
    assert_eq!(env.run(&["policy", "init", "nowhere"]).code, 2);
    assert_eq!(env.run(&["policy", "init", "shop", "--update", "-o", "other.yaml"]).code, 2);
    env.write("mine.yaml", POLICY);
    assert_eq!(env.run(&["policy", "init", "shop", "--update", "-o", "mine.yaml"]).code, 2);
    let printed = env.run(&["policy", "init", "shop", "--print"]);
    assert!(printed.code == 0 && printed.stdout.contains("pipelines:"), "{printed}");
}

#[test]
fn a_log_is_replayed_and_two_policies_are_compared() {
    let env = TestEnv::new();
    env.write("ci.yaml", POLICY);
    env.write("fix.yaml", &POLICY.replace("npm run lint", "npm run lint --fix"));
    env.write("a.log", "\u{1b}[1mhello\u{1b}[0m\r\nstart ci\n2 problems\n");
    let replay = ["policy", "replay", "--policy", "ci.yaml", "--log", "a.log"];
    assert_snapshot!(env.run(&[&replay[..], &["--tail", "1m"]].concat()), @r"
    1.0s ci/lint triggered: log_regex /^start ci/: start ci
    1.0s ci/lint started: attempt 1
    1.0s types npm run lint ⏎
    31s asks Stage lint is not done after 30s, and its command still runs. Stop it? [C-c is pressed in the pane; a command that goes on is sent SIGTERM]
    open: Stage lint is not done after 30s, and its command still runs. Stop it?
    at the end: ci/lint asks: Stage lint is not done after 30s, and its command still runs. Stop it?
    3 lines, 4 decisions
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&[&replay[..], &["--against", "fix.yaml"]].concat()), @r"
    - 1.0s types npm run lint --fix ⏎
    + 1.0s types npm run lint ⏎
    3 lines, 2 decisions in common, 2 different
    --- exit code 1 ---
    ");
    assert_eq!(env.run(&[&replay[..], &["--against", "ci.yaml"]].concat()).code, 0);
    assert_snapshot!(env.run(&[&replay[..], &["--as", "window_name=other"]].concat()), @r"
    3 lines, 0 decisions
    --- stderr ---
    warning: no pipeline applies to the pane log:other.0 %0: its `match` holds nowhere there
    --- exit code 0 ---
    ");
    let json = env.run(&[&replay[..], &["--json", "--as", "window_name=w"]].concat());
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&value["lines"], &value["entries"][2]["decision"]), (&3.into(), &"typed".into()), "{json}");
    assert_snapshot!(env.run(&[&replay[..], &["--as", "windowname=w"]].concat()), @r"
    --- stderr ---
    error: a pane has no fact `windowname`; did you mean `window_name`?
    hint: the facts are host, session_name, window_name, pane_title, pane_role, current_command, current_path, agent
    --- exit code 2 ---
    ");
    let piped = env.run_with_input(&["policy", "replay", "--policy", "ci.yaml", "--log", "-"], "start ci\n");
    assert!(piped.stdout.contains("types npm run lint"), "{piped}");
    env.write("bad.yaml", "pipeline: []");
    assert_eq!(env.run(&["policy", "replay", "--policy", "bad.yaml", "--log", "a.log"]).code, 2);
}

fn recorded_pane(window: &str) -> PaneInfo {
    let key = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(4), pid: 9 };
    let facts = PaneFacts { session: "proj".to_owned(), window: window.to_owned(), ..PaneFacts::default() };
    PaneInfo::new(key, facts)
}

fn record(env: &TestEnv, pieces: &[(i64, &str)]) {
    let path = env.home().join(".local/state/tmuxagent/recordings.db");
    let recorder = Recorder::open(&path, RecordingLimits::default()).expect("a recorder");
    let pane = recorded_pane("w");
    recorder.describe(&pane, Recording::On);
    for (seconds, text) in pieces {
        let at = Timestamp(1_772_438_400_000 + seconds * 1000);
        let piece = match text.strip_prefix("EXIT ") {
            Some(code) => Recorded::Ended { at, exit: code.parse().expect("a code") },
            None => Recorded::Line(RecordedLine {
                at,
                source: LineSource::Stream,
                seen: 0,
                text: (*text).to_owned(),
                message: None,
            }),
        };
        recorder.take(&pane.key, piece);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(recorder.flush());
}

#[test]
fn yesterday_is_replayed_from_the_recordings() {
    let env = TestEnv::new();
    env.write("ci.yaml", POLICY);
    let replay = ["policy", "replay", "--policy", "ci.yaml", "--from-db", "proj:w.0"];
    let nothing = env.run(&replay);
    assert!(nothing.code == 4 && nothing.stderr.contains("nothing is recorded yet"), "{nothing}");
    record(&env, &[(0, "start ci"), (3, "EXIT 1"), (9, "EXIT 0"), (10, "bye")]);
    assert_snapshot!(env.run(&[&replay[..], &["--answers", "approve"]].concat()), @r"
    2026-03-02 08:00:00 UTC proj:w.0 ci/lint triggered: log_regex /^start ci/: start ci
    2026-03-02 08:00:00 UTC proj:w.0 ci/lint started: attempt 1
    2026-03-02 08:00:00 UTC proj:w.0 types npm run lint ⏎
    2026-03-02 08:00:03 UTC proj:w.0 ci/lint failed: exit_code other than 0: exit code 1
    2026-03-02 08:00:03 UTC proj:w.0 ci/lint retrying: attempt 2 in 2.0s, at most 1 retries
    2026-03-02 08:00:05 UTC proj:w.0 ci/lint started: attempt 2
    2026-03-02 08:00:05 UTC proj:w.0 types npm run lint ⏎
    2026-03-02 08:00:09 UTC proj:w.0 ci/lint succeeded: exit_code 0
    2026-03-02 08:00:09 UTC proj:w.0 ci/deploy triggered: after_stage_success lint: exit_code 0
    2026-03-02 08:00:09 UTC proj:w.0 asks Deploy? [npm run deploy ⏎]
    2026-03-02 08:00:09 UTC proj:w.0 ci/deploy needs_approval
    2026-03-02 08:00:09 UTC proj:w.0 is told yes to Deploy?
    2026-03-02 08:00:09 UTC proj:w.0 ci/deploy started: attempt 1
    2026-03-02 08:00:09 UTC proj:w.0 types npm run deploy ⏎
    at the end: ci/deploy waits for exit_code 0
    2 lines, 14 decisions
    --- exit code 0 ---
    ");
    let late = env.run(&[&replay[..], &["--since", "2026-03-02 08:00:10"]].concat());
    assert!(late.stdout.starts_with("1 line, 0 decisions"), "{late}");
    let early = env.run(&[&replay[..], &["--until", "2026-03-02T08:00:01Z"]].concat());
    assert!(early.stdout.contains("1 line, 3 decisions"), "{early}");
    assert_snapshot!(env.run(&["policy", "replay", "--policy", "ci.yaml", "--from-db", "%9"]), @r"
    --- stderr ---
    error: no recorded pane is named `%9`
    hint: recorded are:
      local:%4  proj:w.0  2026-03-02 08:00 – 2026-03-02 08:00, 2 lines
    --- exit code 4 ---
    ");
    assert_eq!(env.run(&[&replay[..], &["--since", "yesterday"]].concat()).code, 2);
}

const TEST: &str = "about: lint passes at the second try
policy: ci.yaml
pane: {window_name: w}
output:
  - start ci
  - {after: 5s, exit: 1}
  - {after: 5s, exit: 0}
expect:
  - ci/lint triggered …
  - 0ms ci/lint started…
  - types npm run lint ⏎
  - ci/lint failed ...
# mine
";

#[test]
fn tests_beside_a_policy_pass_fail_and_are_renewed() {
    let env = TestEnv::new();
    env.write("p/ci.yaml", POLICY);
    let file = env.write("p/second-try.test.yaml", TEST);
    env.write("p/log/only.test.yaml", "policy: ../ci.yaml\nlog: a.log\nexpect: []\n");
    env.write("p/log/a.log", "nothing of interest\n");
    env.write("p/node_modules/x.test.yaml", "nobody looks here");
    assert_snapshot!(env.run(&["policy", "test", "p"]), @r"
    ok p/log/only.test.yaml
    FAILED p/second-try.test.yaml: lint passes at the second try
        0ms ci/lint triggered: log_regex /^start ci/: start ci
        0ms ci/lint started: attempt 1
        0ms types npm run lint ⏎
        5.0s ci/lint failed: exit_code other than 0: exit code 1
      + 5.0s ci/lint retrying: attempt 2 in 2.0s, at most 1 retries
      + 7.0s ci/lint started: attempt 2
      + 7.0s types npm run lint ⏎
      + 10s ci/lint succeeded: exit_code 0
      + 10s ci/deploy triggered: after_stage_success lint: exit_code 0
      + 10s asks Deploy? [npm run deploy ⏎]
      + 10s ci/deploy needs_approval
      + open: Deploy?
      + at the end: ci/deploy Deploy?
    1 passed, 1 failed
    --- exit code 1 ---
    ");
    assert_eq!(env.run(&["policy", "test", "p", "--update"]).code, 0);
    let text = std::fs::read_to_string(&file).expect("a test");
    assert!(text.starts_with("about: lint passes at the second try\npolicy: ci.yaml\n"), "{text}");
    assert!(text.contains("  - '5.0s ci/lint failed: exit_code other than 0: exit code 1'\n"), "{text}");
    assert!(text.ends_with("# mine\n"), "{text}");
    assert_eq!(env.run(&["policy", "test", "p"]).code, 0);
    let json = env.run(&["policy", "test", "p", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((json.code, &value["passed"], &value["failed"]), (0, &2.into(), &0.into()), "{json}");
    let checked = env.run(&["policy", "check", "p"]);
    assert!(checked.stdout.contains("1 file"), "tests are no policies, though they lie beside one: {checked}");
}

#[test]
fn the_coverage_of_tests_tells_what_they_have_not_reached() {
    let env = TestEnv::new();
    env.write("p/ci.yaml", POLICY);
    env.write("p/second-try.test.yaml", TEST);
    assert_eq!(env.run(&["policy", "test", "p", "--update"]).code, 0);
    assert_snapshot!(env.run(&["policy", "test", "p", "--coverage"]), @r"
    ok p/second-try.test.yaml: lint passes at the second try
    1 passed, 0 failed
    STAGE      RUN  TRIGGERS  SUCCESS_WHEN  FAIL_WHEN  ON_FAIL
    ci/lint    1/1  1/1       1/1           1/1        1/1
    ci/deploy  0/1  1/1       0/1           0/1        -
    not reached: ci/deploy: stage (p/ci.yaml:11:5)
    not reached: ci/deploy: success_when exit_code 0 (p/ci.yaml:11:5)
    not reached: ci/deploy: fail_when exit_code other than 0 (p/ci.yaml:11:5)
    coverage: 6 of 9 (66%)
    --- exit code 0 ---
    ");
    let least = |percent: &str| env.run(&["policy", "test", "p", "--min-coverage", percent]).code;
    assert_eq!((least("66"), least("67")), (0, 1));
    let json = env.run(&["policy", "test", "p", "--coverage", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&value["coverage"]["reached"], &value["coverage"]["percent"]), (&6.into(), &66.into()), "{json}");
    let first = serde_json::json!({
        "pipeline": "ci", "stage": "lint", "kind": "stage", "text": "", "defined_at": "p/ci.yaml:6:5", "reached": true,
    });
    assert_eq!(value["coverage"]["points"][0], first, "{json}");
    let chinese = env.run(&["policy", "test", "p", "--coverage", "--lang", "zh"]);
    assert!(chinese.stdout.contains("阶段") && chinese.stdout.contains("未到达"), "{chinese}");
    assert!(
        chinese.stdout.contains("：fail_when exit_code 非 0（") && chinese.stdout.contains("：阶段（"),
        "{chinese}"
    );
    assert!(!chinese.stdout.contains("other than"), "{chinese}");
    // Where no folder is named, that of the policies counts.
    let own = env.run(&["policy", "test", "--policy", "p/ci.yaml"]);
    assert!(
        own.code == 0 && own.stdout.contains("1 passed, 0 failed") && own.stdout.starts_with("tested, as"),
        "{own}"
    );
    let bundled = env.run(&["policy", "test"]);
    assert!(bundled.code == 2 && bundled.stderr.contains("`tmuxagent policy test DIR`"), "{bundled}");
    // Another test reaches what this one does not.
    let deployed = "policy: ci.yaml\npane: {window_name: w}\nanswers: approve\noutput: [start ci, {exit: 0}, {exit: 1}]\nexpect: []\n";
    env.write("p/deployed.test.yaml", deployed);
    assert_eq!(env.run(&["policy", "test", "p", "--update"]).code, 0);
    let both = env.run(&["policy", "test", "p", "--coverage"]);
    assert!(both.stdout.contains("success_when exit_code 0") && both.stdout.contains("8 of 9 (88%)"), "{both}");
}

#[test]
fn a_test_says_what_an_agent_does() {
    let env = TestEnv::new();
    env.write(
        "a/talk.yaml",
        "pipelines: [{name: talk, match: {agent: codex}, stages: [{name: s, triggers: [{log_regex: '^go'}], \
         actions_on_start: [{prompt: do it}], success_when: [{agent: done}], fail_when: [{agent: [error, exited]}], \
         timeout: 2m}]}]",
    );
    let test = "policy: talk.yaml\npane: {agent: codex}\noutput:\n- {agent: idle}\n- go\n- {after: 5s, agent: working}\n\
                - {after: 5s, agent: asks}\n- {after: 1h, agent: working}\n- {after: 5s, agent: done}\n- go\n\
                - {agent: working}\n- {agent: exited}\nexpect: []\n";
    let file = env.write("a/talk.test.yaml", test);
    assert_eq!(env.run(&["policy", "test", "--update", "a"]).code, 0);
    let updated = std::fs::read_to_string(&file).expect("the test");
    assert_snapshot!(updated.split_once("expect:").expect("expectations").1, @"
    - '1.0s talk/s triggered: log_regex /^go/: go'
    - '1.0s talk/s started: attempt 1'
    - '1.0s types prompt: do it ⏎'
    - '1h00m talk/s succeeded: agent done: codex: done (seen by replay)'
    - '1h00m run of talk succeeded'
    - '1h00m talk/s triggered: log_regex /^go/: go'
    - '1h00m talk/s started: attempt 1'
    - '1h00m types prompt: do it ⏎'
    - '1h00m talk/s failed: agent error|exited: codex: exited (seen by replay)'
    - '1h00m run of talk failed'
    ");
    env.write("a/talk.test.yaml", &test.replace("asks}", "aks}"));
    assert_snapshot!(env.run(&["policy", "test", "a"]), @r"
    --- stderr ---
    a/talk.test.yaml:7:22: error[unknown-word]: `aks` is no value of `output[3].agent`
      |
    7 | - {after: 5s, agent: aks}
      |                      ^^^
      = help: did you mean `asks`?
      = help: possible: `working`, `idle`, `done`, `asks`, `error`, `rate_limited`, `stalled`, `exited`, `unsure`
    --- exit code 2 ---
    ");
}

const SHIP: &str = "about: the tests pass at the second try
policy: ship.yaml
panes: {work: {pane_role: worker, agent: claude, current_command: claude}, tests: {pane_role: checks}}
answers: approve
output:
- {start: ship, set: {env: prod}}
- {agent: working}
- {agent: done}
- {line: '1 failed: adds', in: tests}
- {exit: 1, in: tests}
- {agent: working}
- {agent: done}
- {exit: 0, in: tests}
- {agent: working}
- {agent: done}
- {exit: 0, in: tests}
- {exit: 0, in: tests}
expect: []
";

#[test]
fn a_test_starts_a_pipeline_and_plays_several_panes() {
    let env = TestEnv::new();
    let recipe = tmuxagent_policy::RECIPES.iter().find(|(name, _)| *name == "ship").expect("a recipe").1;
    env.write("s/ship.yaml", recipe);
    let file = env.write("s/ship.test.yaml", SHIP);
    assert_eq!(env.run(&["policy", "test", "s", "--update"]).code, 0);
    let text = std::fs::read_to_string(&file).expect("a test");
    for part in [
        "types prompt: Do what TASK.md says, on the branch main. Say when you are done.",
        "types prompt: The tests fail. Mend the cause, not the test. They ended with this:",
        "ship/test triggered: after_stage_success fix",
        "asks Deploy main to prod? (a yes takes the word deploy)",
        "types ./deploy.sh ''prod''",
        "types ./unlock.sh",
        "ship succeeded",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    env.write(
        "s/bad.test.yaml",
        "policy: ship.yaml\npane: {}\npanes: {a: {}}\noutput: [{exit: 1, in: b}]\nexpect: []\n",
    );
    let bad = env.run(&["policy", "test", "s/bad.test.yaml"]);
    assert!(bad.code == 2 && bad.stderr.contains("the test has no pane `b`"), "{bad}");
}

#[test]
fn a_test_that_can_not_be_read_is_told_whole() {
    let env = TestEnv::new();
    env.write(
        "b.test.yaml",
        "policy: ci.yaml\npane: {windowname: w}\noutput: [{line: x, exitt: 1}]\nlog: y\nexpct: []\n",
    );
    assert_snapshot!(env.run(&["policy", "test", "b.test.yaml"]), @r"
    --- stderr ---
    b.test.yaml:2:8: error[unknown-key]: a pane has no fact `windowname`
      |
    2 | pane: {windowname: w}
      |        ^^^^^^^^^^
      = help: did you mean `window_name`?

    b.test.yaml:3:9: error[twice]: `log` and `output` stand here both
      |
    3 | output: [{line: x, exitt: 1}]
      |         ^
      = help: keep one of them

    b.test.yaml:5:1: error[unknown-key]: unknown key `expct`
      |
    5 | expct: []
      | ^^^^^
      = help: did you mean `expect`?
    --- exit code 2 ---
    ");
    env.write("c.test.yaml", "output: x\n");
    assert_snapshot!(env.run(&["policy", "test", "c.test.yaml"]), @r"
    --- stderr ---
    error: the test c.test.yaml names no policy
    hint: write `policy: FILE` into it, or give --policy FILE
    --- exit code 2 ---
    ");
    assert_eq!(env.run(&["policy", "test", "nowhere"]).code, 2);
}

#[test]
fn an_explanation_says_what_holds_what_is_awaited_and_what_almost_counted() {
    let env = TestEnv::new();
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), tmuxagent_model::Snapshot::default(), |request| {
        let Request::Explain { .. } = request else { return None };
        let cause = serde_json::json!({ "at": 0, "rule": "log_regex /start/", "text": "start \u{1b}[2Jnow" });
        let stage = serde_json::json!({
            "place": "proj:ci.0", "pipeline": "ci", "run": 7, "stage": "deploy", "state": "needs_approval",
            "attempt": 0, "summary": "Deploy?", "waits_for": ["a decision on 01JNA"],
            "started_by": cause, "ended_by": null,
            "conditions": [{ "role": "triggers", "active": false, "part": { "text": "all_of", "holds": false, "parts": [
                { "text": "log_regex /start/", "holds": true, "cause": cause },
                { "text": "idle_for 5.0s", "holds": false, "detail": "silent for 2.0s" } ] } }],
            "near_misses": [{ "at": 1000, "text": "start again", "why": "cool-down for another 9m58s" }],
            "approval": "01JNA", "defined_at": "p.yaml:3:5"
        });
        Some(Reply::Explanation { runs: vec![stage] })
    });
    assert_snapshot!(env.run(&["policy", "explain", "#7"]), @r"
    ci #7  proj:ci.0
      deploy  needs approval
        Deploy?
        waits for
          > a decision on 01JNA
        started by
          00:00:00  log_regex /start/
            start ␛[2Jnow
        starts when
          - all_of
            + log_regex /start/
                00:00:00  log_regex /start/
                  start ␛[2Jnow
            - idle_for 5.0s
                silent for 2.0s
        almost
          00:00:01  start again
              cool-down for another 9m58s
        defined at p.yaml:3:5
        tmuxagent approve 01JNA
    --- exit code 0 ---
    ");
}
