//! `tmuxagent agent list|test`: recognisers and saved screens on the command line.

use crate::support::TestEnv;

const SCREENS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/agents");
const CODEX: &str = include_str!("../../assets/agents/codex.yaml");

#[test]
fn the_agents_that_come_along_are_listed() {
    let env = TestEnv::new();
    let ran = env.run(&["agent", "list", "--json"]);
    assert_eq!(ran.code, 0, "{ran}");
    let list: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let names: Vec<&str> =
        list.as_array().expect("a list").iter().filter_map(|agent| agent["agent"].as_str()).collect();
    assert_eq!(names, ["aider", "claude", "codex", "gemini", "opencode", "stand-in"]);
    let table = env.run(&["agent", "list"]).stdout.replace("[VERSION]", env!("CARGO_PKG_VERSION"));
    assert!(table.lines().count() == 7 && table.lines().all(|line| line.len() <= 80), "{table}");
    assert!(list[2]["rules"].as_u64().is_some_and(|rules| rules > 10), "{list:#}");
}

#[test]
fn recorded_screens_are_tested() {
    let env = TestEnv::new();
    let ran = env.run(&["agent", "test", SCREENS]);
    assert!(ran.code == 0 && ran.stdout.ends_with(" right, 0 wrong\n"), "{ran}");
    let ran = env.run(&["agent", "test", &format!("{SCREENS}/codex-0.171.0"), "--lang", "zh"]);
    assert!(ran.code == 0 && ran.stdout.contains("错误 0 个"), "{ran}");
}

#[test]
fn what_is_read_wrong_is_told() {
    let env = TestEnv::new();
    let idle = std::fs::read_to_string(format!("{SCREENS}/codex-0.171.0/finished.txt")).expect("a screen");
    env.write("mine/idle-1.txt", &idle);
    env.write("mine/needs_approval-1.txt", &idle);
    let ran = env.run(&["agent", "test", "mine"]);
    assert!(ran.code == 2 && ran.stderr.contains("--agent NAME"), "{ran}");
    let ran = env.run(&["agent", "test", "mine", "--agent", "codex"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("mine/needs_approval-1.txt: idle by rule `turn-ended`, not needs_approval"), "{ran}");
    assert!(ran.stdout.contains("1 right, 1 wrong"), "{ran}");
    env.write("mine/odd.txt", &idle);
    let ran = env.run(&["agent", "test", "mine", "--agent", "codex"]);
    assert!(ran.code == 2 && ran.stderr.contains("screens.yaml"), "{ran}");
    let ran = env.run(&["agent", "test", "mine", "--agent", "kodex"]);
    assert!(ran.code == 2 && ran.stderr.contains("no agent is named `kodex`"), "{ran}");
}

#[test]
fn a_file_of_ones_own_takes_an_agents_place() {
    let env = TestEnv::new();
    env.write(".config/tmuxagent/agents/codex.yaml", &CODEX.replace("revision: 5", "revision: 77"));
    let ran = env.run(&["agent", "list"]);
    assert!(ran.code == 0 && ran.stdout.contains("77"), "{ran}");
    assert!(ran.stdout.lines().filter(|line| line.starts_with("codex")).count() == 1, "{ran}");
    env.write(".config/tmuxagent/agents/other.yaml", CODEX);
    let ran = env.run(&["agent", "list"]);
    assert!(ran.code == 2 && ran.stderr.contains("must be named codex.yaml"), "{ran}");
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place() {
    let env = TestEnv::new();
    let wrong = CODEX.replace("placeholder:", "placeholders:").replace("'^› \\d+\\. '", "'^› ('");
    let path = env.write(".config/tmuxagent/agents/codex.yaml", &wrong);
    let ran = env.run(&["agent", "list"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("codex.yaml:19:15: error[bad-pattern]"), "{ran}");
    assert!(ran.stderr.contains("did you mean `placeholder`?"), "{ran}");
    env.write_mode(".config/tmuxagent/agents/codex.yaml", CODEX, 0o666);
    let ran = env.run(&["agent", "list"]);
    assert!(ran.code == 2 && ran.stderr.contains("is refused"), "{ran}\n{}", path.display());
}
