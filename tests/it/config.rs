//! Configuration files as users write them, through the binary.

use crate::support::TestEnv;
use insta::assert_snapshot;

#[test]
fn the_printed_default_is_accepted_and_clean() {
    let env = TestEnv::new();
    let printed = env.run(&["config", "default"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    env.write(".config/tmuxagent/config.yaml", &printed.stdout);
    let ran = env.run(&["config", "check"]);
    assert_eq!(ran.code, env.run(&["policy", "check"]).code, "{ran}");
    assert!(ran.stdout.starts_with("[HOME]/.config/tmuxagent/config.yaml: ok (local)\n"), "{ran}");
}

#[test]
fn a_wrong_key_is_shown_with_its_place_and_the_nearest_right_one() {
    let env = TestEnv::new();
    env.write(".config/tmuxagent/config.yaml", "language: en\npoll_intervall_ms: 500\n");
    assert_snapshot!(env.run(&["config", "check"]), @r"
    --- stderr ---
    [HOME]/.config/tmuxagent/config.yaml:2:1: error: unknown key `poll_intervall_ms`
      |
    2 | poll_intervall_ms: 500
      | ^^^^^^^^^^^^^^^^^
      = help: did you mean `poll_interval_ms`?
    --- exit code 2 ---
    ");
    // Nothing starts with it.
    assert_eq!(env.run(&["--headless"]), env.run(&["config", "check"]));
    assert!(!env.home().join(".local").exists());
}

#[test]
fn the_same_as_json() {
    let env = TestEnv::new();
    let file = env.write("c.yaml", "undo: soon\n");
    let ran = env.run(&["config", "check", file.to_str().unwrap(), "--json"]);
    assert_snapshot!(ran.stdout, @r#"
    {
      "error": {
        "code": 2,
        "findings": [
          {
            "column": 7,
            "excerpt": "undo: soon",
            "file": "[HOME]/c.yaml",
            "level": "error",
            "line": 1,
            "text": "`undo` must be a time such as `1500ms`, `2s`, `5m`, `1h30m` or `7d`, not `soon`",
            "width": 4
          }
        ],
        "hints": [],
        "text": "[HOME]/c.yaml:1:7: error: `undo` must be a time such as `1500ms`, `2s`, `5m`, `1h30m` or `7d`, not `soon`\n  |\n1 | undo: soon\n  |       ^^^^"
      }
    }
    "#);
    assert_eq!(ran.code, 2);
}

#[test]
fn a_missing_variable_is_an_error_with_its_place() {
    let mut env = TestEnv::new();
    env.write(".config/tmuxagent/config.yaml", "approval_dir: ${WHERE}/a\n");
    assert_snapshot!(env.run(&["config", "check"]), @r"
    --- stderr ---
    [HOME]/.config/tmuxagent/config.yaml:1:15: error: the environment variable `WHERE` is not set
      |
    1 | approval_dir: ${WHERE}/a
      |               ^^^^^^^^^^
      = help: set it in the shell, or in a file `.env` (mode 600) beside the configuration
    --- exit code 2 ---
    ");
    env.set("WHERE", "/tmp/x");
    assert!(env.run(&["config", "path"]).stdout.contains("approvals  /tmp/x/a\n"));
}

#[test]
fn an_env_file_that_others_can_read_is_refused() {
    let env = TestEnv::new();
    env.write_mode(".env", "WECOM_WEBHOOK=abc\n", 0o644);
    assert_snapshot!(env.run(&["config", "check"]), @r"
    --- stderr ---
    error: [HOME]/.env is refused: it may hold secrets, and other users can read it (mode 644)
    hint: chmod 600 [HOME]/.env
    --- exit code 2 ---
    ");
    assert_eq!(env.run(&["--headless"]).code, 2);
    // Scripts that only talk to the supervisor need no secrets, so it is not in their way.
    assert_eq!(env.run(&["status"]).code, 3);
}

#[test]
fn a_named_file_must_exist() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(&["--config", "no.yaml", "config", "check"]), @r"
    --- stderr ---
    error: the configuration [HOME]/no.yaml can't be read: no such file or directory
    hint: `tmuxagent config default` prints a complete one to begin with
    --- exit code 2 ---
    ");
    assert_snapshot!(env.run(&["--policy", "no.yaml", "config", "check"]), @r"
    --- stderr ---
    error: the policy no.yaml can't be read: no such file or directory
    hint: name a file or folder with --policy, or in the configuration's key `policy`
    --- exit code 2 ---
    ");
}

#[test]
fn where_everything_lies() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(&["config", "path"]), @r"
    config     [HOME]/.config/tmuxagent/config.yaml
    policies   [HOME]/.config/tmuxagent/policies
    state      [HOME]/.local/state/tmuxagent
    database   [HOME]/.local/state/tmuxagent/state.db
    approvals  [HOME]/.local/state/tmuxagent/approvals
    logs       [HOME]/.local/state/tmuxagent/logs
    socket     [HOME]/.local/state/tmuxagent/supervisor.sock
    --- exit code 0 ---
    ");
}

#[test]
fn a_state_folder_that_cannot_be_made_is_one_sentence() {
    let env = TestEnv::new();
    let state = env.write("file", "").join("state");
    assert_snapshot!(env.run(&["--headless", "--state-dir", state.to_str().unwrap()]), @r"
    --- stderr ---
    error: the folder [HOME]/file/state can't be made: not a directory
    hint: make it and give it to your user, or choose another: --state-dir DIR
    --- exit code 2 ---
    ");
}
