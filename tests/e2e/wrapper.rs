//! `tmuxagent run`: the command has the terminal for itself, signals reach it, and its end is told by one way or another.

use super::support::room::Room;
use super::support::{PATIENCE, TmuxServer, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// The program, with nothing of the user's around it.
fn program(home: &std::path::Path) -> String {
    format!(
        "env -u TMUXAGENT_CONFIG HOME='{0}' TMUXAGENT_STATE_DIR='{0}/none' '{1}'",
        home.display(),
        env!("CARGO_BIN_EXE_tmuxagent")
    )
}

/// The program without a terminal, also where these tests are run on one. setsid(1) becomes what it is given.
fn without_terminal(home: &std::path::Path) -> Command {
    let mut command = Command::new("setsid");
    command.arg(env!("CARGO_BIN_EXE_tmuxagent")).arg("run").env_clear().env("HOME", home);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TMUXAGENT_STATE_DIR", home);
    command
}

/// `Ctrl-C` ends the command, which is told and is the wrapper's own exit code.
fn interrupt(server: &TmuxServer) {
    server.tmux(&["send-keys", "-t", "main", "C-c"]);
    // What is typed before the prompt stands there is answered behind it.
    wait_for(PATIENCE, "the prompt behind the report", || {
        let screen = server.screen("main");
        (screen.contains(r#""exit":130}"#) && screen.trim_end().ends_with("\n$")).then_some(())
    });
    server.type_line("main", "echo \"code=$?\"");
    server.wait_screen("main", "\ncode=130");
}

#[test]
fn size_keys_and_job_control_are_the_commands_own() {
    let server = TmuxServer::running("");
    let program = program(server.folder());
    // A terminal, its size, and the signal that tells of another one.
    let script = "test -t 0 && test -t 1 && test -t 2 && stty size; trap \"stty size; exit 7\" WINCH; while :; do sleep 0.1; done";
    server.type_line("main", &format!("clear; {program} run -- sh -c '{script}'; echo \"code=$?\""));
    server.wait_screen("main", "\n24 80\n");
    server.tmux(&["resize-window", "-t", "main", "-x", "100", "-y", "30"]);
    server.wait_screen("main", "\n30 100\n");
    server.wait_screen("main", "\ncode=7");

    // `Ctrl-Z` stops wrapper and command, `fg` continues both, `Ctrl-C` ends the command.
    server.type_line("main", &format!("clear; {program} run -- sh -c 'echo be''gun; exec sleep 1000'"));
    server.wait_screen("main", "\nbegun");
    server.tmux(&["send-keys", "-t", "main", "C-z"]);
    server.wait_screen("main", "Stopped");
    server.type_line("main", "echo at_the'' shell");
    server.wait_screen("main", "\nat_the shell");
    server.type_line("main", "fg");
    server.wait_screen("main", "\n$ fg");
    interrupt(&server);
}

#[test]
fn every_signal_from_outside_reaches_the_command() {
    let home = tempfile::tempdir().expect("a folder");
    let script = "trap 'echo one' USR1; trap 'echo two' USR2; trap 'echo three; exit 5' INT; echo ready; \
                  while :; do sleep 0.05; done";
    let start = |script: &str| {
        let mut command = without_terminal(home.path());
        command.args(["--", "sh", "-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts")
    };
    let mut child = start(script);
    let pid = Pid::from_child(&child);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("ready"));
    for (signal, said) in [(Signal::USR1, "one"), (Signal::USR2, "two"), (Signal::INT, "three")] {
        kill_process(pid, signal).expect("it lives");
        assert_eq!(lines.next().as_deref(), Some(said));
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(5));
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut child = start("echo ready; exec sleep 1000");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        assert_eq!(lines.next().as_deref(), Some("ready"));
        kill_process(Pid::from_child(&child), signal).expect("it lives");
        assert_eq!(child.wait().expect("it ends").code(), Some(code), "{signal:?}");
    }
}

/// On a terminal of its own inside another one: size, keys, stops and the exit code are carried over, and the outer
/// terminal is as it was before whenever somebody else has it.
#[test]
fn a_terminal_inside_a_terminal_behaves_as_one() {
    let server = TmuxServer::running("");
    let program = program(server.folder());
    let run = format!("{program} run --pty -- sh -c");
    let pane = |target: &str| server.tmux(&["display-message", "-p", "-t", "main", target]);
    let same_modes = |what: &str| {
        server.type_line("main", "clear; stty -g > after; cmp before after && echo as_be''fore");
        server.wait_screen("main", "\nas_before");
        assert!(!server.screen("main").contains("differ"), "{what}");
    };
    server.type_line("main", &format!("cd '{}'; stty -g > before", server.folder().display()));

    // Another terminal, of the same size, and the signal that tells of another one.
    let script = "trap \"stty size; exit 7\" WINCH; tty; stty size; while :; do sleep 0.1; done";
    server.type_line("main", &format!("clear; {run} '{script}'; echo \"code=$?\""));
    server.wait_screen("main", "\n24 80\n");
    assert!(!server.screen("main").contains(&format!("\n{}\n", pane("#{pane_tty}"))));
    server.tmux(&["resize-window", "-t", "main", "-x", "100", "-y", "30"]);
    server.wait_screen("main", "\n30 100\n");
    server.wait_screen("main", "\ncode=7");
    same_modes("after its end");

    // `Ctrl-Z` stops it and gives the terminal back, `fg` continues it, keys go to it alone, `Ctrl-C` ends it.
    server.type_line("main", &format!("clear; {run} 'echo be''gun; exec cat'"));
    server.wait_screen("main", "\nbegun");
    server.tmux(&["send-keys", "-t", "main", "C-z"]);
    server.wait_screen("main", "Stopped");
    same_modes("while it is stopped");
    server.type_line("main", "fg");
    server.wait_screen("main", "\n$ fg");
    server.type_line("main", "some text");
    server.wait_screen("main", "\nsome text\nsome text\n");
    interrupt(&server);
    same_modes("after Ctrl-C");

    // A signal from outside ends the command, and with it the wrapper.
    server.type_line("main", &format!("clear; {run} 'echo be''gun; exec sleep 1000'; echo \"code=$?\""));
    server.wait_screen("main", "\nbegun");
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", pane("#{pane_pid}")));
    let wrapper = children.expect("a process").trim().parse().ok().and_then(Pid::from_raw).expect("one child");
    kill_process(wrapper, Signal::TERM).expect("it lives");
    server.wait_screen("main", "\ncode=143");
    same_modes("after a signal");
}

/// Where there is no terminal, one is made on request: with a size, keys, signals and the exit code.
#[test]
fn a_command_without_a_terminal_gets_one_on_request() {
    let home = tempfile::tempdir().expect("a folder");
    let start = |script: &str, arguments: &[&str]| {
        let mut command = without_terminal(home.path());
        command
            .args(arguments)
            .args(["--", "sh", "-c", script])
            .env("COLUMNS", "100")
            .env("LINES", "30")
            .stderr(Stdio::null());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts")
    };
    let ends = |mut child: std::process::Child, input: &str| {
        std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    };
    let look = "test -t 0 && test -t 1 && test -t 2 && stty size; exit 4";
    let (said, code) = ends(start(look, &["--pty"]), "");
    assert!(said.starts_with("30 100\r\n") && said.contains(r#""exit":4}"#), "{said}");
    assert_eq!(code, Some(4));
    let (said, code) = ends(start(look, &[]), "");
    assert!(!said.contains("30 100") && code == Some(4), "not unless it is asked for: {said}");
    // Keys arrive, the end of the input as well, and no byte of a long output is lost.
    let (said, code) = ends(start("stty -echo; cat; seq 1 20000", &["--pty"]), "some keys\n");
    assert_eq!(code, Some(0));
    assert!(said.contains("some keys\r\n") && said.contains("\r\n20000\r\n"), "{} bytes", said.len());
    assert_eq!(said.lines().filter(|line| line.parse::<u32>().is_ok()).count(), 20_000);
    let (said, code) = ends(start("stty -echo; cat; echo; echo ended", &["--pty"]), "half a line");
    assert!(code == Some(0) && said.contains("half a line\r\nended"), "{said}");
    let mut child = start("trap 'echo three; exit 5' INT; echo ready; while :; do sleep 0.05; done", &["--pty"]);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref().map(str::trim_end), Some("ready"));
    kill_process(Pid::from_child(&child), Signal::INT).expect("it lives");
    assert_eq!(child.wait().expect("it ends").code(), Some(5));
    let (_, code) = ends(start("exec /no/such/program", &["--pty"]), "");
    assert_eq!(code, Some(127));
}

const POLICY: &str = r#"
version: 1
pipelines:
  - name: checks
    match: [{window_name: ci}]
    stages:
      - name: lint
        triggers: [{message: {type: LOG, stage: lint}}]
        success_when: [{exit_code: 0}]
        fail_when: [{exit_code: nonzero}]
        timeout: 60s
"#;

/// Start, end and exit code by the socket; as lines on the terminal where nobody listens, read by whoever comes.
#[test]
fn start_end_and_exit_code_are_told_over_the_socket_or_on_the_terminal() {
    let mut room = Room::gated("", "");
    std::fs::write(room.file("policy.yaml"), POLICY).expect("a policy");
    room.watch();
    let shell = |text: &str| room.server.type_line("proj:ci", text);
    let environment = format!(
        "env HOME='{0}' TMUXAGENT_STATE_DIR='{0}/state' TMUXAGENT_CONFIG='{0}/config.yaml'",
        room.server.folder().display()
    );
    let wrap = format!("{environment} '{}' run", env!("CARGO_BIN_EXE_tmuxagent"));
    shell(&format!("clear; {wrap} --stage lint -- sh -c 'exit 0'; echo \"code=$?\""));
    room.wait_events("\"succeeded\"");
    room.server.wait_screen("proj:ci", "\ncode=0");
    assert!(!room.server.screen("proj:ci").contains("### SENTRY"), "told once");
    shell(&format!("clear; {wrap} --stage lint -- sh -c 'exit 3'; echo \"code=$?\""));
    room.wait_events("\"failed\"");
    room.server.wait_screen("proj:ci", "\ncode=3");
    // Whatever becomes of the command, its end is told as the system tells it.
    for (command, code) in [("sh -c 'kill -9 $$'", 137), ("/no/such/program", 127)] {
        shell(&format!("clear; {wrap} --stage lint -- {command}; echo \"code=$?\""));
        room.wait_events(&format!("ended with {code} "));
        room.server.wait_screen("proj:ci", &format!("\ncode={code}"));
    }

    // As on a machine where no supervisor runs: other state, the same pane. The report is for whoever watches the
    // pane, not for the file that the command writes to.
    let before = room.answer(&["events", "--json"]).matches("\"succeeded\"").count();
    let elsewhere = wrap.replace("/state'", "/elsewhere'");
    let begin = r#"echo '### SENTRY {"type":"LOG","stage":"lint"}'"#;
    shell(&format!("clear; {begin}; {elsewhere} --stage lint -- sh -c 'echo kept' > out; echo \"code=$?\""));
    wait_for(PATIENCE, "the stage's end", || {
        (room.answer(&["events", "--json"]).matches("\"succeeded\"").count() > before).then_some(())
    });
    assert!(room.server.screen("proj:ci").contains(r#""exit":0}"#), "{}", room.server.screen("proj:ci"));
    assert_eq!(std::fs::read_to_string(room.file("out")).expect("a file"), "kept\n");
}
