//! A system that has nothing left for the program.

use crate::support::TestEnv;
#[cfg(target_os = "linux")]
use {
    crate::support::Ran,
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

#[cfg(target_os = "linux")]
fn run_within(env: &TestEnv, size: u32, arguments: &[&str]) -> Ran {
    env.finish(within(env, size, arguments))
}

/// The program in so many MiB of address space.
#[cfg(target_os = "linux")]
fn within(env: &TestEnv, size: u32, arguments: &[&str]) -> Command {
    let plain = env.command(arguments);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v \"$0\" && exec \"$@\""]).arg((size * 1024).to_string());
    limited.arg(plain.get_program()).args(plain.get_args()).current_dir(env.home()).stdin(Stdio::null());
    limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
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

/// Where memory gets short as it starts, and where it does so while it serves.
#[test]
#[cfg(target_os = "linux")]
fn a_supervisor_whose_memory_gets_short_ends_with_a_sentence() {
    let mut env = TestEnv::new();
    let home = env.home().display().to_string();
    env.set("TMUX_TMPDIR", &home);
    let policy = "version: 1\npipelines: []\n";
    env.write(".config/tmuxagent/policies/p.yaml", policy);
    let end = Instant::now() + Duration::from_secs(100);
    let mut size = 40;
    let mut serving = loop {
        assert!(size < 4096 && Instant::now() < end, "it does not begin to serve: {size} MiB");
        if run_within(&env, size, &["--version"]).code != 0 {
            size += 8;
            continue;
        }
        let mut command = within(&env, size, &["--headless"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        while child.try_wait().expect("a child").is_none() && env.run(&["status"]).code != 0 {
            std::thread::yield_now();
        }
        if child.try_wait().expect("a child").is_none() {
            break child;
        }
        ended_in_words(child, size);
        size += size / 4;
    };
    // A reload reads all files, and keeps them.
    let comment = "# Nothing but a comment that takes some room.\n".repeat(300_000);
    for n in 0..12 {
        env.write(&format!(".config/tmuxagent/policies/{n}.yaml"), &format!("{comment}{policy}"));
    }
    while serving.try_wait().expect("a child").is_none() {
        env.run(&["reload"]);
        if Instant::now() > end {
            serving.kill().expect("it runs");
            panic!("it lives on in {size} MiB");
        }
    }
    ended_in_words(serving, size);
}

/// It said what is missing and ended with the code for that: no panic, and no signal, which could leave a core.
#[cfg(target_os = "linux")]
fn ended_in_words(child: std::process::Child, size: u32) {
    let ended = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), ended.status.signal()), (Some(71), None), "{size} MiB: {said}");
    let sentences = [
        "error: the system has no memory left for this program\nhint: end other programs, or raise the limit",
        "the system has no memory or no threads left",
    ];
    assert!(
        sentences.iter().any(|sentence| said.contains(sentence)) && !said.contains("panicked"),
        "{size} MiB: {said}"
    );
}
