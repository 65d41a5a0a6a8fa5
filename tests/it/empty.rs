//! What a command says where there is nothing yet: that, and what to run next, in both languages.

use crate::support::{StagedSupervisor, TestEnv};
use tmuxagent_model::{Snapshot, Timestamp};
use tmuxagent_store::Store;

/// A command, and what it names as the next one.
const EMPTY: &[(&[&str], &str)] = &[
    (&["panes"], "`tmux new-session"),
    (&["panes", "--runs"], "`tmuxagent policy init`"),
    (&["status"], "`tmuxagent config default`"),
    (&["approvals"], "`tmuxagent start "),
    (&["leases"], "`tmuxagent approve ID --for 30m`"),
    (&["notify", "log"], "`tmuxagent notify test`"),
    (&["events"], "`tmuxagent start "),
    (&["events", "--after", "9999"], "`tmuxagent events`"),
    (&["hooks", "status"], "`tmuxagent hooks install --agent claude`"),
    (&["report"], "`tmuxagent start "),
    (&["report", "--format", "md"], "`tmuxagent report --since 90d`"),
];

#[test]
fn where_there_is_nothing_the_next_command_is_named() {
    let env = TestEnv::new();
    let database = env.runtime_dir().join("state.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (store, _) = Store::open(&database, Timestamp(1_700_000_000_000)).expect("a database");
    runtime.block_on(store.close());
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), Snapshot::default(), |_| None);
    for (command, next) in EMPTY {
        for lang in ["en", "zh"] {
            let ran = env.run(&[&["--lang", lang], *command].concat());
            assert!(ran.code == 0 && ran.stdout.contains(next), "{command:?} {lang}: {ran}");
        }
    }
}
