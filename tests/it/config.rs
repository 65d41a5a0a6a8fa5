//! Configuration files as users write them, through the binary.

use crate::support::{Ran, TestEnv};
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt as _;

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
fn warnings_of_a_policy_are_shown_behind_what_is_fine() {
    let env = TestEnv::new();
    let policy = "pipelines: [{name: p, match: {host: h}, stages: [{name: s, triggers: []}]}]\n";
    env.write_mode(".config/tmuxagent/policies/p.yaml", policy, 0o644);
    let ran = env.run(&["config", "check"]);
    assert_eq!(ran.code, env.run(&["policy", "check"]).code, "{ran}");
    assert!(ran.code == 1 && ran.stdout.contains("p.yaml:1:") && ran.stdout.contains(": warning["), "{ran}");
}

#[test]
fn a_wrong_key_is_shown_with_its_place_and_the_nearest_right_one() {
    let env = TestEnv::new();
    env.write(".config/tmuxagent/config.yaml", "language: en\npoll_intervall_ms: 500\n");
    assert_snapshot!(env.run(&["config", "check"]), @r"
    --- stderr ---
    [HOME]/.config/tmuxagent/config.yaml:2:1: error[unknown-key]: unknown key `poll_intervall_ms`
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
        "hints": [],
        "problems": [
          {
            "code": "wrong-type",
            "col": 7,
            "excerpt": "undo: soon",
            "file": "[HOME]/c.yaml",
            "len": 4,
            "line": 1,
            "message": "`undo` must be a time such as `1500ms`, `2s`, `5m`, `1h30m` or `7d`, not `soon`",
            "severity": "error"
          }
        ],
        "text": "[HOME]/c.yaml:1:7: error[wrong-type]: `undo` must be a time such as `1500ms`, `2s`, `5m`, `1h30m` or `7d`, not `soon`\n  |\n1 | undo: soon\n  |       ^^^^"
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
    [HOME]/.config/tmuxagent/config.yaml:1:15: error[not-set]: the environment variable `WHERE` is not set
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
    env.write_mode(".config/tmuxagent/.env", "WECOM_WEBHOOK=abc\n", 0o644);
    assert_snapshot!(env.run(&["config", "check"]), @r"
    --- stderr ---
    error: [HOME]/.config/tmuxagent/.env is refused: it may hold secrets, and other users can read it (mode 644)
    hint: chmod 600 [HOME]/.config/tmuxagent/.env
    --- exit code 2 ---
    ");
    assert_eq!(env.run(&["--headless"]).code, 2);
    // Scripts that only talk to the supervisor need no secrets, so it is not in their way.
    assert_eq!(env.run(&["status"]).code, 3);
}

#[test]
fn a_project_that_one_stands_in_says_nothing() {
    let env = TestEnv::new();
    env.write(".config/tmuxagent/config.yaml", "serve: {pin: '${TMUXAGENT_PIN}', public_base_url: '${BASE}'}\n");
    // The tests stand in the home folder; neither its mode nor what it says matters.
    for (mode, text) in [(0o644, "TMUXAGENT_PIN=9999\nBASE=https://evil.example.org\n"), (0o600, "no line of a .env\n")]
    {
        env.write_mode(".env", text, mode);
        let ran = env.run(&["config", "check"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("the environment variable `TMUXAGENT_PIN` is not set"), "{ran}");
        assert!(ran.stderr.contains("the environment variable `BASE` is not set"), "{ran}");
    }
    env.write_mode(".config/tmuxagent/.env", "TMUXAGENT_PIN=mine\nBASE=https://box.example.org\n", 0o600);
    assert_eq!(env.run(&["config", "check"]).code, 0);
    // A policy knows no such key.
    env.write("policy.yaml", "version: 1\nserve: {pin: '9999'}\npipelines: []\n");
    let ran = env.run(&["policy", "check", "policy.yaml"]);
    assert!(ran.code == 2 && ran.stdout.contains("`serve`"), "{ran}");
}

const POLICY: &str =
    "version: 1\npipelines:\n- name: p\n  match: [{window_name: x}]\n  stages:\n  - name: a\n    triggers: [manual]\n";

#[test]
fn what_others_can_write_is_refused_with_the_fix() {
    let env = TestEnv::new();
    let policy = env.write_mode(".config/tmuxagent/policies/p.yaml", POLICY, 0o666);
    let refused = |path: &std::path::Path, run: &Ran| {
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains("everybody can write it"), "{run}");
        assert!(run.stderr.contains(&format!("hint: chmod go-w [HOME]/{}", path.display())), "{run}");
    };
    refused(".config/tmuxagent/policies/p.yaml".as_ref(), &env.run(&["--headless"]));
    refused(".config/tmuxagent/policies/p.yaml".as_ref(), &env.run(&["config", "check"]));
    let ran = env.run(&["policy", "check", policy.to_str().expect("UTF-8")]);
    assert!(ran.code == 1 && ran.stdout.contains("warning[open-to-others]"), "{ran}");
    env.write_mode(".config/tmuxagent/policies/p.yaml", POLICY, 0o644);
    let folder = env.home().join(".config/tmuxagent/policies");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).expect("a mode");
    refused(".config/tmuxagent/policies".as_ref(), &env.run(&["--headless"]));
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    env.write_mode(".config/tmuxagent/config.yaml", "undo: 1s\n", 0o646);
    refused(".config/tmuxagent/config.yaml".as_ref(), &env.run(&["--headless"]));
    let found = env.run(&["doctor"]);
    assert!(found.stdout.contains("everybody can write it (mode 646)"), "{found}");
    env.write_mode(".config/tmuxagent/config.yaml", "undo: 1s\n", 0o600);
    env.write_mode(".config/tmuxagent/keymap.yaml", "", 0o666);
    let found = env.run(&["doctor"]);
    assert!(found.stdout.contains("keymap.yaml is refused"), "{found}");
    refused(".config/tmuxagent/keymap.yaml".as_ref(), &env.run(&["config", "check"]));
    // As the screen reads it, so do both.
    env.write_mode(".config/tmuxagent/keymap.yaml", "no_such_section: {}\n", 0o600);
    assert_eq!(env.run(&["config", "check"]).code, 2);
    let found = env.run(&["doctor"]);
    assert!(found.stdout.contains("no_such_section"), "{found}");
}

/// A group that is not the user's own and that he may give a file to: one that he is in beside his first; root any.
fn foreign_group() -> Option<u32> {
    let said = std::process::Command::new("id").arg("-G").output().expect("id");
    let groups = String::from_utf8_lossy(&said.stdout);
    let second = groups.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    second.or_else(|| rustix::process::geteuid().is_root().then_some(1))
}

#[test]
fn what_a_group_of_others_can_write_is_refused_with_the_fix() {
    let env = TestEnv::new();
    let policy = env.write(".config/tmuxagent/policies/p.yaml", POLICY);
    let given = foreign_group().is_some_and(|group| std::os::unix::fs::chown(&policy, None, Some(group)).is_ok());
    if !given {
        eprintln!("skipped: this user may give a file to no group but his own");
        return;
    }
    let set = |mode: u32| {
        std::fs::set_permissions(&policy, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    set(0o660);
    for arguments in [&["--headless"][..], &["config", "check"]] {
        let ran = env.run(arguments);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.contains("its group can write it (mode 660)"), "{ran}");
        assert!(ran.stderr.contains("hint: chmod go-w [HOME]/.config/tmuxagent/policies/p.yaml"), "{ran}");
    }
    let ran = env.run(&["policy", "check", policy.to_str().expect("UTF-8")]);
    assert!(ran.code == 1 && ran.stdout.contains("warning[open-to-others]"), "{ran}");
    // Reading is no harm.
    set(0o640);
    let ran = env.run(&["config", "check"]);
    assert!(!ran.stderr.contains("its group can write it"), "{ran}");
}

#[test]
fn a_policy_without_end_is_an_error() {
    let env = TestEnv::new();
    let ran = env.run(&["policy", "check", "/dev/zero"]);
    assert!(ran.code == 2 && ran.stderr.contains("larger than 16 MiB"), "{ran}");
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
    error: there is no policy [HOME]/no.yaml: neither a file nor a folder
    hint: policies lie in [HOME]/.config/tmuxagent/policies, where none is yet: `tmuxagent policy init` writes a first one
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
