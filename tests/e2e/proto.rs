//! What is written for tmux means to tmux what it should mean.

use crate::support::{PATIENCE, TmuxServer, wait_for};
use proptest::prelude::*;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use tmuxagent_tmux::proto::quote;

/// Gives `commands` to a control client and waits until it has ended.
fn control(server: &TmuxServer, commands: &str) -> Vec<u8> {
    let mut client = server
        .command()
        .args(["-N", "-C", "attach-session", "-E", "-t", "main", "-f", "ignore-size"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a control client");
    let mut input = client.stdin.take().expect("its input");
    input.write_all(commands.as_bytes()).expect("a command");
    drop(input);
    let mut output = Vec::new();
    client.stdout.take().expect("its output").read_to_end(&mut output).expect("its answers");
    client.wait().expect("its end");
    output
}

#[test]
fn any_text_survives_tmux_own_parser() {
    let server = TmuxServer::running("sleep 1000");
    let file = server.folder().join("buffer");
    let path = file.display().to_string();
    let round_trip = |bytes: &[u8]| {
        let _ = std::fs::remove_file(&file);
        control(&server, &format!("set-buffer -b x -- {}\nsave-buffer -b x {}\n", quote(bytes), quote(&path)));
        wait_for(PATIENCE, "the buffer's file", || std::fs::read(&file).ok())
    };
    let fixed =
        ["~", "-l", ";", "\\;", "#{pane_id}", "$HOME", "'\"`", "a\tb\nc\r", "中文 👩‍👩‍👧", "\u{1b}[31m\u{7f}", "%1", "{ }"];
    for text in fixed {
        assert_eq!(round_trip(text.as_bytes()), text.as_bytes(), "{text:?}");
    }
    let long = "x~".repeat(10_000);
    assert_eq!(round_trip(long.as_bytes()), long.as_bytes());
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bytes in proptest::collection::vec(1u8..=255, 1..200))| {
        prop_assert_eq!(round_trip(&bytes), bytes);
    });
}
