//! Other machines as people have them: any login shell, files that greet, aliases with a purpose of their own, programs
//! that never stop talking.

use super::ssh::remote;
use super::support::sshd::Sshd;
use super::support::watched::{Watched, spec};
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use tmuxagent_model::{HostState, Outcome};
use tmuxagent_tmux::{HostSpec, Transport};

/// Reads a line there and types one.
fn reads_and_types(sshd: &Sshd, server: &TmuxServer, spec: HostSpec) {
    let watched = Watched::with(spec, &["^please begin$", "^begun$"]);
    let pane = watched.wait_live(server, "main").key;
    server.type_line("main", "echo please'' begin");
    watched.wait_line("please begin");
    assert_eq!(watched.type_line(&pane, "i1", "echo be''gun"), Outcome::Done);
    watched.wait_line("begun");
    assert_eq!(sshd.connections().len(), 1, "everything goes over one connection");
}

fn has(shell: &str) -> bool {
    Command::new(shell).args(["-c", "true"]).status().is_ok()
}

/// A machine whose user logs in with that shell. csh knows no line breaks in quotes, fish other escapes.
fn logs_in_with(shell: &str) {
    if !has(shell) {
        return;
    }
    let (sshd, server) = (Sshd::with_shell(shell), TmuxServer::running(""));
    reads_and_types(&sshd, &server, remote("nas", &sshd, &server, sshd.port()));
}

#[test]
fn a_login_shell_may_be_tcsh() {
    logs_in_with("tcsh");
}

#[test]
fn a_login_shell_may_be_fish() {
    logs_in_with("fish");
}

#[test]
fn a_login_shell_may_be_ksh() {
    logs_in_with("ksh");
}

/// Prints before every command, as a careless `.bashrc` does, without a line break at the end.
const GREETS: &str =
    "echo oh >&2; printf 'Welcome!\\n%%begin 1 2 3\\nno line end'; exec sh -c \"$SSH_ORIGINAL_COMMAND\"";

#[test]
fn a_shell_that_greets_is_read_and_typed_into() {
    let (sshd, server) = (Sshd::forcing(GREETS), TmuxServer::running(""));
    reads_and_types(&sshd, &server, remote("nas", &sshd, &server, sshd.port()));
}

#[test]
fn a_workspace_is_made_and_closed_behind_a_shell_that_greets() {
    let (sshd, server) = (Sshd::forcing(GREETS), TmuxServer::running(""));
    let home = tempfile::Builder::new().prefix("ta").tempdir().expect("a folder");
    let config = format!("hosts:\n{}", sshd.yaml("nas", sshd.port(), &server));
    std::fs::write(home.path().join("config.yaml"), config).expect("writable");
    let file =
        "sessions:\n  - {name: build, host: nas, root: /, windows: [{name: make, command: 'echo two; echo words'}]}\n";
    std::fs::write(home.path().join("workspace.yaml"), file).expect("writable");
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.env("HOME", home.path()).env("TMUXAGENT_STATE_DIR", home.path().join("state"));
        command.env("TMUXAGENT_CONFIG", home.path().join("config.yaml")).current_dir(home.path());
        let output = command.args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    ask(&["up"]);
    let panes = || server.tmux(&["list-panes", "-a", "-F", "#{session_name}:#{window_name} #{pane_current_path}"]);
    assert!(panes().contains("build:make /"), "{}", panes());
    ask(&["down"]);
    assert!(!panes().contains("build:make"), "{}", panes());
}

#[test]
fn an_alias_that_runs_something_else_is_used_for_what_we_run() {
    let (sshd, server) = (Sshd::start(), TmuxServer::running(""));
    let mut spec = remote("nas", &sshd, &server, sshd.port());
    if let Transport::Ssh { target, .. } = &mut spec.transport {
        target.options.push("RemoteCommand=tmux new-session -A -s work".to_owned());
        target.options.push("RequestTTY=force".to_owned());
        target.options.push(format!("LocalForward=127.0.0.1:{} 127.0.0.1:1", sshd.port()));
        target.options.push("ExitOnForwardFailure=yes".to_owned());
        target.options.push("PermitLocalCommand=yes".to_owned());
        target.options.push("LocalCommand=echo here".to_owned());
    }
    reads_and_types(&sshd, &server, spec);
}

#[test]
fn after_our_end_no_connection_stays_and_no_mark() {
    let (sshd, server) = (Sshd::start(), TmuxServer::running(""));
    let mut spec = remote("nas", &sshd, &server, sshd.port());
    if let Transport::Ssh { target, .. } = &mut spec.transport {
        target.options.retain(|option| !option.starts_with("ControlPersist"));
        target.options.push("ControlPersist=600".to_owned());
    }
    let watched = Watched::with(spec, &["^x$"]);
    watched.wait_live(&server, "main");
    let marks = || server.tmux(&["show-options", "-s"]).lines().filter(|l| l.starts_with("@tmuxagent_client_")).count();
    wait_for(PATIENCE, "the mark", || (marks() == 1).then_some(()));
    watched.end();
    wait_for(PATIENCE, "the connection's end", || {
        (sshd.clients().is_empty() && sshd.connections().is_empty()).then_some(())
    });
    assert_eq!(marks(), 0);
}

/// A program in tmux's place.
fn stand_in(server: &TmuxServer, script: &str) -> HostSpec {
    let program = server.folder().join("tmux-stand-in");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("writable");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut spec = spec(server);
    if let Transport::Local { bin, .. } = &mut spec.transport {
        *bin = program.display().to_string();
    }
    spec
}

/// The most memory that this process ever took, KiB (proc_pid_status(5)).
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn is_found_out(spec: HostSpec) {
    let watched = Watched::with(spec, &["^x$"]);
    wait_for(PATIENCE * 2, "the fault", || {
        watched.state().filter(|(state, detail)| *state == HostState::Unreachable && detail.contains("without end"))
    });
    assert!(most_memory() < 600_000, "{} KiB", most_memory());
}

#[test]
fn a_program_that_answers_without_end_is_found_out() {
    let server = TmuxServer::running("");
    is_found_out(stand_in(&server, "exec yes"));
}

#[test]
fn a_control_client_that_answers_without_end_is_found_out() {
    let server = TmuxServer::running("");
    let real = server.program();
    let endless = format!(
        "case \" $* \" in *\" -C \"*) printf '%%begin 1 1 0\\n%%end 1 1 0\\n%%session-changed $0 main\\n'; sleep 1; \
         printf '%%begin 1 2 1\\n'; exec yes ;; esac\nexec {real} \"$@\""
    );
    is_found_out(stand_in(&server, &endless));
}
