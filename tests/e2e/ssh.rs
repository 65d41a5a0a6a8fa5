//! Other machines, over a real sshd on the loopback: watched, typed into, refused clearly, and lost without harm.

use super::support::sshd::Sshd;
use super::support::watched::{Watched, spec};
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::time::{Duration, Instant};
use tmuxagent_model::{HostName, HostState, Outcome};
use tmuxagent_tmux::HostSpec;

/// A specification for a server behind sshd.
pub fn remote(name: &str, sshd: &Sshd, server: &TmuxServer, port: u16) -> HostSpec {
    HostSpec { name: HostName::new(name), transport: sshd.transport(server, port, name), scratch: None, ..spec(server) }
}

/// Waits for an error of the host that holds all of `parts`.
fn wait_refused(watched: &Watched, parts: &[&str]) -> String {
    wait_for(PATIENCE, &format!("an error with {parts:?}"), || {
        let (state, detail) = watched.state()?;
        (state == HostState::Unreachable && parts.iter().all(|part| detail.contains(part))).then_some(detail)
    })
}

#[test]
fn a_remote_pane_is_read_and_typed_into_like_a_local_one() {
    let (sshd, server) = (Sshd::start(), TmuxServer::running(""));
    let watched = Watched::with(remote("nas", &sshd, &server, sshd.port()), &["^please begin$", "^begun$"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(pane.host, HostName::new("nas"));
    server.type_line("main", "echo please'' begin");
    watched.wait_line("please begin");
    assert_eq!(watched.type_line(&pane, "i1", "echo be''gun"), Outcome::Done);
    watched.wait_line("begun");
    assert_eq!(sshd.connections().len(), 1, "everything goes over one connection");
}

#[test]
fn more_sessions_than_sshd_allows_on_one_connection_are_watched_too() {
    let (sshd, server) = (Sshd::start(), TmuxServer::running(""));
    // sshd's MaxSessions is 10.
    for n in 0..13 {
        server.new_session(&format!("s{n}"), "");
    }
    let watched = Watched::with(remote("nas", &sshd, &server, sshd.port()), &["^here \\d+$"]);
    for n in 0..13 {
        watched.wait_live(&server, &format!("s{n}"));
    }
    for n in 0..13 {
        server.type_line(&format!("s{n}"), &format!("echo he''re {n}"));
        watched.wait_line(&format!("here {n}"));
    }
}

#[test]
fn an_unknown_and_a_changed_host_key_are_errors_with_the_command_that_settles_them() {
    let (mut sshd, server) = (Sshd::start(), TmuxServer::running(""));
    let known = std::fs::read_to_string(sshd.file("known_hosts")).expect("a file");
    std::fs::write(sshd.file("known_hosts"), "").expect("writable");
    let port = sshd.port();
    let watched = Watched::with(remote("nas", &sshd, &server, port), &["x"]);
    let settle = format!("-i {} -p {port} ", sshd.file("user").display());
    let known_hosts = format!("ssh -o UserKnownHostsFile={} ", sshd.file("known_hosts").display());
    wait_refused(&watched, &["host key", &settle, &known_hosts]);
    let after = std::fs::read_to_string(sshd.file("known_hosts")).expect("a file");
    assert_eq!(after, "", "nothing is accepted silently");
    // Once settled it goes on by itself.
    std::fs::write(sshd.file("known_hosts"), &known).expect("writable");
    watched.wait_state(HostState::Live);

    sshd.stop();
    sshd.new_host_key();
    sshd.listen();
    wait_refused(&watched, &["changed", "ssh-keygen -f ", &format!("-R '[127.0.0.1]:{port}'")]);
}

#[test]
fn a_refused_key_asks_nobody_for_a_password() {
    let (sshd, server) = (Sshd::start(), TmuxServer::running(""));
    std::fs::write(sshd.file("authorized_keys"), "").expect("writable");
    let watched = Watched::with(remote("nas", &sshd, &server, sshd.port()), &["x"]);
    wait_refused(&watched, &["Permission denied", "ssh-copy-id"]);
}

#[test]
fn a_host_that_is_down_is_said_and_found_again() {
    let (mut sshd, server) = (Sshd::start(), TmuxServer::running(""));
    sshd.stop();
    let watched = Watched::with(remote("nas", &sshd, &server, sshd.port()), &["^here$"]);
    wait_refused(&watched, &["refused"]);
    sshd.listen();
    watched.wait_live(&server, "main");
    server.type_line("main", "echo he''re");
    watched.wait_line("here");
}

#[test]
fn two_hosts_with_equal_pane_ids_are_two() {
    let (sshd, one, two) = (Sshd::start(), TmuxServer::running(""), TmuxServer::running(""));
    let first = Watched::with(remote("one", &sshd, &one, sshd.port()), &["^here$"]);
    let second = Watched::with(remote("two", &sshd, &two, sshd.port()), &["^here$"]);
    let (here, there) = (first.wait_live(&one, "main").key, second.wait_live(&two, "main").key);
    assert_eq!(here.pane, there.pane);
    assert_ne!(here, there);
    assert_eq!(first.type_line(&here, "i1", "echo he''re"), Outcome::Done);
    first.wait_line("here");
    assert!(!two.screen("main").contains("here"), "typed into one only");
    assert!(second.lines().is_empty());
}

/// The whole program: a line in a remote pane types keys there, and a local pane beside it is in the same list.
#[test]
fn a_line_on_another_machine_types_keys_there() {
    let (sshd, there, here) = (Sshd::start(), TmuxServer::running(""), TmuxServer::running(""));
    let home = tempfile::Builder::new().prefix("ta").tempdir().expect("a folder");
    let config = format!(
        "hosts:\n  - name: local\n    tmux: {{socket: {:?}}}\n{}",
        here.socket().display().to_string(),
        sshd.yaml("nas", sshd.port(), &there),
    );
    let policy = "version: 1\npipelines:\n  - name: answer\n    match: [{host: nas}]\n    stages:\n      - name: reply\n        \
                  triggers: [{log_regex: '^(\\$ )?please begin$'}]\n        \
                  actions_on_start: [{send_keys: \"echo be''gun\"}]\n        \
                  success_when: [{log_regex: '^(\\$ )?begun$'}]\n        timeout: 60s\n";
    std::fs::write(home.path().join("config.yaml"), config).expect("writable");
    std::fs::write(home.path().join("policy.yaml"), policy).expect("writable");
    let program = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.env("HOME", home.path()).env("TMUXAGENT_STATE_DIR", home.path().join("state"));
        command.env("TMUXAGENT_CONFIG", home.path().join("config.yaml"));
        command.env("TMUXAGENT_POLICY", home.path().join("policy.yaml"));
        command.args(arguments).stdin(std::process::Stdio::null());
        command
    };
    let answer = |arguments: &[&str]| {
        String::from_utf8_lossy(&program(arguments).output().expect("it runs").stdout).into_owned()
    };
    let started = program(&["--headless"]).stderr(std::process::Stdio::null()).spawn().expect("it starts");
    let mut supervisor = Supervisor(started);
    let both = || (answer(&["status", "--json"]).matches("\"live\"").count() == 2).then_some(());
    wait_for(PATIENCE, "both hosts", both);
    // A line that stood there before the pane was read would be an old one.
    wait_for(PATIENCE, "the keys", || {
        there.type_line("main", "echo please'' begin");
        let soon = Instant::now() + Duration::from_secs(2);
        let came = std::iter::repeat_with(|| there.screen("main").contains("\nbegun"));
        came.take_while(|_| Instant::now() < soon).find(|came| *came).map(drop)
    });
    wait_for(PATIENCE, "the run's end", || answer(&["events", "--json"]).contains("run_ended").then_some(()));
    assert!(!here.screen("main").contains("begun"));
    let report = answer(&["doctor", "--json"]);
    assert!(report.contains("nas: reached, its host key is known; server "), "{report}");
    for told in ["what watching changes here: a session", "what watching changes there: sessions count as attached"] {
        assert!(report.contains(told), "{told}: {report}");
    }
    assert!(program(&["shutdown"]).status().is_ok_and(|status| status.success()));
    wait_for(PATIENCE, "its end", || supervisor.0.try_wait().expect("a child"));
}

/// Ended with the test, however that ends.
struct Supervisor(std::process::Child);

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
