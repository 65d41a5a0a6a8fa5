//! A standard output that takes nothing: a full disk behind a `>`.

use crate::support::{StagedSupervisor, TestEnv, pane};
use std::fs::OpenOptions;
use tmuxagent_model::Snapshot;

/// Commands that print, with and without a supervisor.
const PRINTING: &[&[&str]] = &[
    &["panes"],
    &["panes", "--runs"],
    &["status"],
    &["approvals"],
    &["config", "default"],
    &["config", "path"],
    &["policy", "check"],
    &["policy", "schema"],
    &["completions", "bash"],
    &["shell-init", "bash"],
    &["version"],
    &["up", "--example", "--print"],
    &["--help"],
    &["panes", "--help"],
    &["--version"],
];

#[test]
fn what_can_not_be_printed_is_one_sentence_and_no_fault_of_ours() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let env = TestEnv::new();
    let shown = Snapshot { panes: vec![pane("local", 1, "proj", "ci")], ..Snapshot::default() };
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), shown, |_| None);
    for arguments in PRINTING {
        let mut command = env.command(arguments);
        command.stdout(OpenOptions::new().write(true).open("/dev/full").expect("a device"));
        let ran = env.finish(command);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran}");
        let first = ran.stderr.lines().next().unwrap_or_default();
        assert_eq!(first, "error: can't write to standard output: no space left on device", "{arguments:?}: {ran}");
        let mut command = env.command(&[arguments, &["--lang", "zh"][..]].concat());
        command.stdout(OpenOptions::new().write(true).open("/dev/full").expect("a device"));
        let ran = env.finish(command);
        assert!(ran.stderr.starts_with("错误：无法写到标准输出："), "{arguments:?}: {ran}");
    }
}
