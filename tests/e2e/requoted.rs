//! Values in what is typed, while one shell takes the pane from another: the shell that reads is the one that they are quoted
//! for, or nothing is typed.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};

/// A script of bash prints the line: while it runs, bash is what tmux sees in front.
const POLICY: &str = r#"
version: 1
pipelines:
  - name: release
    match: [{window_name: ci}]
    stages:
      - name: keep
        triggers: [{log_regex: "^release (?P<v>.+)$"}]
        actions_on_start: [ACTION]
        timeout: 60s
"#;

/// What a line can hold that shells quote each in their own way.
const VALUE: &str = r#"a  b 'c' "d" $HOME ; touch x * ü"#;

fn fifo(room: &Room, name: &str) {
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, room.file(name), rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
}

/// The value arrives whole in a pane whose own shell is that one, although bash was in front when it was captured.
fn arrives(shell: &str, action: &str) -> Room {
    let mut room = Room::with(&POLICY.replace("ACTION", action));
    fifo(&room, "say");
    fifo(&room, "end");
    std::fs::write(room.file("value"), format!("release {VALUE}\n")).expect("writable");
    // Everything but the shell's own builtins is `bash` for tmux.
    std::fs::write(room.file("script"), "read -r _ < say; echo \"$(<value)\"; read -r _ < end\n").expect("writable");
    // zsh asks a new user who has no file of his own.
    std::fs::write(room.file(".zshrc"), "PS1='$ '\n").expect("writable");
    if shell != "sh" {
        room.server.type_line("proj:ci", &format!("HOME=$PWD PS1='$ ' {shell}"));
    }
    room.watch();
    let in_front = |name: &str| {
        let shown = format!("\"command\": \"{name}\"");
        wait_for(PATIENCE, name, || room.answer(&["panes", "--json"]).contains(&shown).then_some(()));
    };
    if shell != "sh" {
        in_front(shell);
    }
    room.server.type_line("proj:ci", "bash script");
    in_front("bash");
    std::fs::write(room.file("say"), "\n").expect("the script waits");
    room.wait_events("\"keep\"");
    std::fs::write(room.file("end"), "\n").expect("the script waits");
    wait_for(PATIENCE, "the value", || (room.ran().trim_end() == VALUE).then_some(()));
    assert!(!room.file("x").exists(), "and nothing of it ran");
    assert!(room.answer(&["events"]).contains("the text was quoted for another shell"), "it was bash's first");
    room
}

const KEYS: &str = "{send_keys: \"echo {{v}} >> ran\"}";
const RUN: &str = "{run: \"echo {{v}} >> ran\"}";

#[test]
fn keys_for_bash_are_quoted_anew_for_the_plain_shell_that_reads_them() {
    let room = arrives("sh", KEYS);
    // What is told as typed is what was typed.
    wait_for(PATIENCE, "the event", || {
        room.answer(&["events"]).contains(r#"echo "$(command printf 'a\040\040b\040\047c\047"#).then_some(())
    });
}

#[test]
fn keys_for_bash_are_quoted_anew_for_fish() {
    if std::process::Command::new("fish").args(["-c", "true"]).status().is_ok() {
        arrives("fish", KEYS);
    }
}

#[test]
fn a_command_for_bash_is_written_anew_for_zsh() {
    if std::process::Command::new("zsh").args(["-c", "true"]).status().is_ok() {
        arrives("zsh", RUN);
    }
}
