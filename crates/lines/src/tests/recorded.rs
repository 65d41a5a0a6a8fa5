//! Screens and streams of real agents: Codex 0.169.0 and Claude Code 2.1.329 show messages in a text, by a shell command,
//! first in a message, and on a screen that scrolled.

use super::*;
use std::path::PathBuf;

const SHORT: &str = "<{type:STATUS,stage:lint,ok:true,summary:0 problems}>";
const LONG: &str = "<{type:STATUS,stage:lint,ok:true,summary:0 problems in 14 files; the second run of cargo clippy was_clean_too and took 12.5 s}>";
const FENCED: &str = "<{type:STATUS,stage:lint,ok:true,summary:0 problems in 14 files; the *second* run of `cargo clippy` was_clean_too and took 12.5 s}>";
const CUT: &str = "<malformed cut off on the agent's screen>";

/// Each recording, its size, and the messages on its last screen from top to bottom.
///
/// In the texts the messages stand alone, wrapped, without `###`, in a fence, and between two lines; three more are only
/// spoken of: behind other words, and in angle brackets. The user's prompt holds all of them too. Claude does not show
/// what a shell command prints.
const RECORDINGS: [(&str, (u16, u16), &[&str]); 14] = [
    ("claude_120_say", (120, 60), &[SHORT, LONG, SHORT, FENCED, SHORT]),
    ("claude_120_sh", (120, 60), &[]),
    ("claude_80_first", (80, 30), &[SHORT]),
    ("claude_80_say", (80, 60), &[SHORT, LONG, SHORT, FENCED, SHORT]),
    ("claude_80_scrolled", (80, 30), &[SHORT, SHORT]),
    ("claude_80_sh", (80, 60), &[]),
    ("codex_120_say", (120, 60), &[SHORT, LONG, SHORT, FENCED, SHORT]),
    ("codex_120_sh", (120, 60), &[SHORT, CUT, SHORT]),
    ("codex_80_first", (80, 30), &[SHORT]),
    ("codex_80_say", (80, 60), &[SHORT, LONG, SHORT, FENCED, SHORT]),
    ("codex_80_scrolled", (80, 30), &[SHORT, SHORT]),
    ("codex_80_sh", (80, 60), &[SHORT, CUT, SHORT]),
    ("codexinline_80_first", (80, 30), &[SHORT]),
    ("codexinline_80_scrolled", (80, 30), &[SHORT, SHORT]),
];

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/lines/sentry").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Messages and failures among what was told, without the rows on which they stand.
fn messages(told: &[String]) -> Vec<&str> {
    let at = |line: &str| line.find("<{type:").or_else(|| line.find("<malformed"));
    told.iter().filter_map(|line| Some(&line[at(line)?..])).collect()
}

/// A terminal beside the reader: it gives the screens that tmux would capture.
struct Replay {
    terminal: vt100::Parser,
    pane: Pane,
    columns: u16,
}

impl Replay {
    fn new((columns, rows): (u16, u16)) -> Self {
        let terminal = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        Self { terminal, pane: Pane::new(columns, rows), columns }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.terminal.process(bytes);
        self.pane.bytes(bytes);
    }

    fn capture(&mut self) {
        if self.pane.reader.wants_screen() {
            let rows: Vec<String> = self.terminal.screen().rows(0, self.columns).collect();
            self.pane.rows(&rows);
        }
    }

    fn pause(&mut self) {
        self.capture();
        self.pane.quiet();
    }
}

#[test]
fn the_messages_on_a_screen_are_found() {
    for (name, (columns, rows), expected) in RECORDINGS {
        let mut pane = Pane::new(columns, rows);
        let screen = String::from_utf8(file(&format!("{name}.txt"))).unwrap();
        pane.bytes("\x1b[?1049h").screen(&screen).quiet();
        assert_eq!(messages(&pane.told()), expected, "{name}");
    }
}

#[test]
fn each_message_is_told_once_whenever_the_screen_is_captured() {
    // Captures come at least 100 ms apart, so that no two of them fall into one frame of some kilobytes.
    for (name, size, expected) in RECORDINGS {
        let bytes = file(&format!("{name}.raw"));
        // The scrolled recordings go on from the first ones, after a pause.
        let (first, mut expected) = match name.strip_suffix("_scrolled") {
            Some(agent) => (file(&format!("{agent}_first.raw")).len(), [&[SHORT], expected].concat()),
            None => (0, expected.to_vec()),
        };
        expected.sort_unstable();
        for step in (100..6000).step_by(353) {
            let mut replay = Replay::new(size);
            for part in [&bytes[..first], &bytes[first..]] {
                for chunk in part.chunks(step) {
                    replay.write(chunk);
                    replay.capture();
                }
                replay.pause();
            }
            let told = replay.pane.told();
            let mut messages = messages(&told);
            messages.sort_unstable();
            assert_eq!(messages, expected, "{name} in steps of {step}");
        }
    }
}
