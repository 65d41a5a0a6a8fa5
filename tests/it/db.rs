//! The database commands on real files.

use crate::support::TestEnv;
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt as _;
use tmuxagent_model::{Note, Severity, Timestamp};
use tmuxagent_store::{Batch, Store};

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

/// One letter of an old line for people changed on the disk.
#[test]
fn one_damaged_note_is_set_aside_and_the_start_goes_on() {
    let env = with_database();
    let path = env.runtime_dir().join("state.db");
    let now = Timestamp(1_700_000_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let start = || Store::open(&path, now);
    let (store, _) = start().expect("a database");
    let note = |text: &str| (Severity::Info, "proj:ci.0 %1".to_owned(), Note::Text { text: text.to_owned() });
    let batch = Batch { notes: vec![note("an old line"), note("a newer one")], ..Batch::new(now) };
    runtime.block_on(async {
        store.commit(batch).await.expect("stored");
        store.close().await;
    });
    assert_snapshot!(env.run(&["db", "repair"]), @r"
    [HOME]/.local/state/tmuxagent/state.db: nothing is damaged
    --- exit code 0 ---
    ");
    let mut bytes = std::fs::read(&path).expect("a file");
    let at = bytes.windows(11).position(|part| part == b"an old line").expect("the note");
    bytes[at] = b'A';
    std::fs::write(&path, bytes).expect("a file");
    let refused = start().expect_err("a damaged row").to_string();
    assert!(refused.contains("`tmuxagent db repair` sets aside what nothing needs"), "{refused}");
    assert_snapshot!(env.run(&["db", "repair", "--dry-run"]), @r#"
    to be set aside: row 1 of `notes`: {"note":"text","text":"An old line"}
    --- exit code 1 ---
    "#);
    let ran = env.run(&["db", "repair"]);
    assert!(ran.code == 0 && ran.stdout.starts_with("set aside: row 1 of `notes`: "), "{ran}");
    let kept = "the database as it was is kept as [HOME]/.local/state/tmuxagent/state.db.before-repair-";
    assert!(ran.stdout.contains(kept), "{ran}");
    assert_eq!(env.run(&["db", "check"]).code, 0);
    let (store, restored) = start().expect("a sound database");
    assert_eq!(restored.recent.len(), 1);
    runtime.block_on(store.close());
}

#[test]
fn a_database_that_is_none_is_named_and_not_waited_for() {
    type Make = fn(&std::path::Path);
    let env = TestEnv::new();
    let path = env.runtime_dir().join("state.db");
    std::fs::create_dir_all(env.runtime_dir()).expect("a folder");
    let ways: [(&str, Make); 4] = [
        ("is no regular file", |path| std::fs::create_dir(path).expect("a folder")),
        ("is no regular file", |path| {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
        }),
        ("is no regular file", |path| drop(std::os::unix::net::UnixListener::bind(path).expect("a socket"))),
        ("is empty", |path| std::fs::write(path, "").expect("a file")),
    ];
    for (told, make) in ways {
        make(&path);
        for command in [&["db", "check"][..], &["db", "backup"], &["db", "export"]] {
            let ran = env.run(command);
            assert!(ran.code == 2 && ran.stderr.contains(told), "{command:?}: {ran}");
        }
        if path.is_dir() { std::fs::remove_dir(&path) } else { std::fs::remove_file(&path) }.expect("removed");
    }
}

/// Every command reads the user's own `.env`.
#[test]
fn an_env_file_that_is_none_is_an_error() {
    let env = TestEnv::new();
    let path = env.home().join(".config/tmuxagent/.env");
    std::fs::create_dir_all(&path).expect("a folder");
    for command in [&["config", "check"][..], &["policy", "check"], &["db", "check"], &["redact"]] {
        let ran = env.run_with_input(command, "");
        assert!(
            ran.code == 2 && ran.stderr.contains(".env can't be read: it is no regular file"),
            "{command:?}: {ran}"
        );
    }
}

#[test]
fn the_filter_knows_what_the_supervisor_knows() {
    let env = TestEnv::new();
    let path = env.home().join(".config/tmuxagent/.env");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, "DEPLOY=river-stone-41x\n").expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
    assert_snapshot!(env.run_with_input(&["redact"], "say river-stone-41x\n"), @r"
    say [redacted: known value]
    --- exit code 1 ---
    ");
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
