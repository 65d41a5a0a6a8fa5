//! The database commands on real files.

use crate::support::TestEnv;
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt as _;
use tmuxagent_model::Timestamp;
use tmuxagent_store::Store;

fn with_database() -> TestEnv {
    let env = TestEnv::new();
    let path = env.runtime_dir().join("state.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (store, _) = Store::open(&path, Timestamp(1_700_000_000_000)).expect("a database");
    runtime.block_on(store.close());
    env
}

#[test]
fn without_a_database_the_way_is_shown() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(&["db", "check"]), @r"
    --- stderr ---
    error: there is no state database [HOME]/.local/state/tmuxagent/state.db
    hint: the first start of a supervisor makes it; `tmuxagent config path` shows where
    --- exit code 4 ---
    ");
}

#[test]
fn a_database_is_checked_backed_up_and_restored() {
    let env = with_database();
    let ran = env.run(&["db", "check"]);
    assert!(ran.code == 0 && ran.stdout.starts_with("[HOME]/.local/state/tmuxagent/state.db: ok (schema "), "{ran}");
    assert_eq!(env.run(&["db", "backup", "--list"]).code, 1);
    assert_eq!(env.run(&["db", "backup"]).code, 0);
    assert_eq!(env.run(&["db", "backup", "--list"]).stdout.lines().count(), 1);
    std::fs::write(env.runtime_dir().join("state.db"), "this is no database at all, not even nearly one")
        .expect("a file");
    assert_eq!(env.run(&["db", "check"]).code, 2);
    let ran = env.run(&["db", "restore"]);
    assert!(ran.code == 0 && ran.stdout.contains("the former database is kept as"), "{ran}");
    assert_eq!(env.run(&["db", "check"]).code, 0);
    assert_snapshot!(env.run(&["db", "export"]), @"--- exit code 0 ---");
    assert_eq!(env.run(&["db", "export", "--output", "out.jsonl"]).code, 0);
    let mode = std::fs::metadata(env.home().join("out.jsonl")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner reads what was done");
    assert_eq!(env.run(&["db", "export", "--output", "out.jsonl"]).code, 2, "nothing is overwritten");
}

#[test]
fn secrets_are_taken_out() {
    let mut env = TestEnv::new();
    env.set("MY_TOKEN", "correct horse battery");
    let ran = env.run_with_input(&["redact"], "plain\nit is correct horse battery here\n");
    assert_snapshot!(ran, @r"
    plain
    it is [redacted: known value] here
    --- exit code 1 ---
    ");
    assert_eq!(env.run_with_input(&["redact"], "plain\n").code, 0);
}
