//! What tmux shows is what is told: joined rows, cleared screens, suggestions, strings without an end.

use super::*;

#[test]
fn a_row_that_is_erased_begins_a_line_of_its_own() {
    // A spinner wider than the pane: carriage return and erase reach only its last row.
    let spin = |n: u32| format!("\r\x1b[2K{n} calling a tool with a label which");
    let mut pane = Pane::new(20, 10);
    pane.bytes(spin(1)).quiet().bytes(spin(2)).quiet().bytes("\r\x1b[2KTests: 3 passed\r\n").quiet();
    let told = pane.told();
    assert_eq!(told.last().map(String::as_str), Some("Tests: 3 passed"), "{told:#?}");
    assert!(told.iter().all(|line| !line.contains("which2")), "{told:#?}");
    // What is erased in part goes on.
    let mut pane = Pane::new(20, 10);
    pane.bytes("one line that wraps over\x1b[3D\x1b[K\r\n");
    assert_eq!(pane.told(), ["one line that wraps o"]);
}

/// As bash, and as shells that say nothing of what they read.
#[test]
fn a_line_that_stood_there_before_clear_is_told_again_in_one_burst() {
    for (reads, runs) in [("\x1b[?2004h", "\x1b[?2004l\r"), ("", ""), ("\x1b]133;A\x07", "\x1b]133;C\x07")] {
        for clear in ["\x1b[H\x1b[2J\x1b[3J", "\x1b[H\x1b[J\x1b[3J", "\x1b[3J\x1b[H\x1b[2J", "\x1bc"] {
            let mut pane = Pane::new(120, 30);
            pane.bytes(format!("{reads}$ ")).quiet().told();
            for _ in 0..3 {
                pane.bytes("clear; echo BUILD READY").quiet();
                pane.bytes(format!("\r\n{runs}{clear}BUILD READY\r\n{reads}$ ")).quiet();
                let told = pane.told();
                let ready = told.iter().filter(|line| *line == "BUILD READY").count();
                assert_eq!(ready, 1, "{reads:?} {clear:?} {told:#?}");
            }
        }
    }
    // What we typed ourselves may come and run without a pause.
    let mut pane = Pane::new(120, 30);
    pane.bytes("BUILD READY\r\n$ ");
    pane.typed("clear; echo BUILD READY\n").bytes("clear; echo BUILD READY\r\n\x1b[H\x1b[2JBUILD READY\r\n");
    assert_eq!(pane.told(), ["BUILD READY", "=$ clear; echo BUILD READY", "BUILD READY"]);
}

#[test]
fn dim_text_behind_the_cursor_of_an_input_line_is_not_said() {
    for (dim, plain) in [
        ("\x1b[2m", "\x1b[22m"),
        ("\x1b[90m", "\x1b[39m"),
        ("\x1b[38;5;240m", "\x1b[m"),
        ("\x1b[38;2;85;85;85m", "\x1b[0m"),
    ] {
        // A shell suggests the rest of what is being typed.
        let mut pane = Pane::new(40, 10);
        pane.bytes(format!("> make {dim}deploy && echo DEPLOY OK{plain}\x1b[24D")).quiet();
        assert_eq!(pane.told(), ["> make"], "{dim:?}");
        // A letter is typed, then all is taken.
        pane.bytes(format!("d{dim}eploy && echo DEPLOY OK{plain}\x1b[23D")).quiet();
        assert_eq!(pane.told(), ["+6 > make d"], "{dim:?}");
        pane.bytes("eploy && echo DEPLOY OK\r\n");
        assert_eq!(pane.told(), ["+8 > make deploy && echo DEPLOY OK"], "{dim:?}");
        // An agent offers the next prompt on its empty input line, above where the cursor stands.
        let mut pane = Pane::new(40, 10);
        pane.bytes("I changed files.\r\n──\r\n❯ \r\n──\r\n  ? for shortcuts\r\n").quiet().told();
        pane.bytes(format!("\x1b[3A\r\x1b[2K❯ {dim}say DEPLOY OK{plain}\x1b[3B\r")).quiet();
        assert_eq!(pane.told(), [""; 0], "{dim:?}");
        // A line that is printed counts with what is dim in it, and so does a question with its dim hint.
        pane.bytes(format!("ok {dim}12ms{plain}\r\nSure? {dim}(y/N){plain} ")).quiet();
        assert_eq!(pane.told(), ["ok 12ms", "Sure? (y/N)"], "{dim:?}");
    }
}

#[test]
fn what_tmux_shows_behind_a_string_without_end_is_told() {
    for begin in ["\x1b]0;", "\x1bP", "\x1b_", "\x1bk", "\x1bX", "\x1b^"] {
        let mut pane = Pane::new(80, 10);
        pane.reader.at(Timestamp(1_000));
        pane.bytes(format!("one\r\n{begin}half a string\r\nswallowed\r\n"));
        pane.reader.at(Timestamp(6_100));
        pane.bytes("two\r\n");
        assert_eq!(pane.told(), ["one", "two"], "{begin:?}");
    }
}

#[test]
fn regions_and_moved_rows_are_followed() {
    // A status row below a region that scrolls is drawn in passing.
    let mut pane = Pane::new(20, 5);
    pane.bytes("\x1b7\x1b[1;4r\x1b8one\r\ntwo\r\n\x1b7\x1b[5;1H[ 40% ]\x1b8three\r\nfour\r\nfive\r\n").quiet();
    assert_eq!(pane.told(), ["one", "two", "three", "four", "five"]);
    // What wraps onto a row that stood there joins it.
    let mut pane = Pane::new(10, 5);
    pane.bytes("\r\nbelow\r\n\x1b[2A0123456789ab\x1b[2B\r").quiet();
    assert_eq!(pane.told(), ["", "below", "0123456789ablow"]);
}
