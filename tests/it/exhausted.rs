//! A system that has nothing left for the program.

use crate::support::TestEnv;

#[test]
fn a_system_without_memory_for_threads_has_an_exit_code_of_its_own() {
    let mut env = TestEnv::new();
    env.write(".config/tmuxagent/config.yaml", "channels: {c: {kind: command, command: ['true']}}\nnotify: c\n");
    // A stack larger than any address space: the system refuses each thread, as it does when memory is short.
    env.set("RUST_MIN_STACK", "140000000000000");
    for arguments in [&["--headless"][..], &["notify", "test"]] {
        let ran = env.run(arguments);
        assert_eq!(ran.code, 71, "{arguments:?}: {ran}");
        assert!(ran.stderr.contains("the system has no memory or no threads left") && ran.stderr.contains("ulimit"));
        let ran = env.run(&[arguments, &["--json"]].concat());
        assert!(ran.code == 71 && ran.stdout.contains("no threads left"), "{ran}");
    }
    // It is no wrong use, and what needs no threads works.
    assert_eq!(env.run(&["config", "check"]).code, 0);
}
