//! A system that has nothing left for the program.

use crate::support::TestEnv;
#[cfg(target_os = "linux")]
use {
    crate::support::Ran,
    rustix::process::{Pid, Resource, Rlimit, prlimit},
    std::os::unix::process::ExitStatusExt as _,
    std::process::{Command, Stdio},
    std::time::{Duration, Instant},
};

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

/// The program in so many MiB of address space.
#[cfg(target_os = "linux")]
fn run_within(env: &TestEnv, size: u32, arguments: &[&str]) -> Ran {
    let plain = env.command(arguments);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v \"$0\" && exec \"$@\""]).arg((size * 1024).to_string());
    limited.arg(plain.get_program()).args(plain.get_args()).current_dir(env.home()).stdin(Stdio::null());
    limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    env.finish(limited)
}

#[test]
#[cfg(target_os = "linux")]
fn memory_that_is_refused_ends_the_program_with_a_sentence() {
    let env = TestEnv::new();
    let long = env.write("long.yaml", &"# Nothing but a comment that takes some room.\n".repeat(300_000));
    let check = ["policy", "check", long.to_str().expect("UTF-8")];
    // The least in which the program begins at all: below, the loader of the system fails.
    let (mut fails, mut begins) = (8_u32, 4096_u32);
    while begins - fails > 1 {
        let size = fails.midpoint(begins);
        if run_within(&env, size, &["--version"]).code == 0 {
            begins = size;
        } else {
            fails = size;
        }
    }
    // The file has 13 MiB, and is read into a room that grows.
    for more in 1..8 {
        let ran = run_within(&env, begins + more, &check);
        assert_eq!(ran.code, 71, "{more}: {ran}");
        let said =
            "error: the system has no memory left for this program\nhint: end other programs, or raise the limit";
        assert!(ran.stderr.starts_with(said), "{more}: {ran}");
    }
}

/// The limit is put on it once it serves: it gets none from then on, whatever it asks for.
#[test]
#[cfg(target_os = "linux")]
fn a_supervisor_whose_memory_gets_short_while_it_runs_ends_with_a_sentence() {
    let mut env = TestEnv::new();
    let home = env.home().display().to_string();
    env.set("TMUX_TMPDIR", &home);
    let policy = "version: 1\npipelines: []\n";
    env.write(".config/tmuxagent/policies/p.yaml", policy);
    let mut child =
        env.command(&["--headless"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let end = Instant::now() + Duration::from_secs(60);
    while env.run(&["status"]).code != 0 {
        assert!(Instant::now() < end && child.try_wait().expect("a child").is_none(), "it does not begin to serve");
    }
    let limit = Rlimit { current: Some(1 << 20), maximum: None };
    // Of address space the system's allocator has some in reserve, of which the other limit lets it make no use.
    for resource in [Resource::As, Resource::Data] {
        prlimit(Some(Pid::from_child(&child)), resource, limit.clone()).expect("a limit");
    }
    // A reload reads what has some MiB by now.
    let comment = "# Nothing but a comment that takes some room.\n".repeat(200_000);
    env.write(".config/tmuxagent/policies/p.yaml", &format!("{comment}{policy}"));
    while child.try_wait().expect("a child").is_none() {
        env.run(&["reload"]);
        if Instant::now() > end {
            child.kill().expect("it runs");
            panic!("it lives on");
        }
    }
    let ended = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), ended.status.signal()), (Some(71), None), "{said}");
    let sentence =
        "error: the system has no memory left for this program\nhint: end other programs, or raise the limit";
    assert!(said.contains(sentence) && !said.contains("panicked"), "{said}");
}
