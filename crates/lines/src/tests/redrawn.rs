//! Rounds with Claude Code 2.1.332 in small panes: a dialog is declined or approved, the pane is resized, its user scrolls,
//! the same message is said again.

use super::*;
use std::path::{Path, PathBuf};

/// The rounds, by how their names begin, and how many messages are said in them.
const ROUNDS: [(&str, usize); 9] = [
    ("decline", 1),
    ("approve", 1),
    ("resize", 1),
    ("scroll", 1),
    ("again", 3),
    // Three messages with a report between; the user looks back and forth by pages, and the pane gets other sizes.
    ("page", 3),
    // A status and a question; the pane gets another size while a dialog covers them.
    ("mixed", 2),
    // The conversation is given up, and the next one says the same.
    ("clear", 2),
    // The screen is left to an editor for a moment.
    ("editor", 1),
];

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum What {
    /// The pane gets another size; at the start also what it shows.
    Size {
        size: (u16, u16),
        #[serde(default)]
        screen: Vec<String>,
    },
    Bytes {
        bytes: String,
    },
}

#[derive(serde::Deserialize)]
struct Step {
    /// Milliseconds since the step before.
    after: u64,
    #[serde(flatten)]
    what: What,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/lines/redrawn")
}

fn steps(file: &Path) -> Vec<Step> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

/// The reader beside a terminal, which gives the screens that tmux would.
struct Round {
    terminal: vt100::Parser,
    pane: Pane,
    columns: u16,
}

impl Round {
    fn capture(&mut self) {
        let rows: Vec<String> = self.terminal.screen().rows(0, self.columns).collect();
        self.pane.rows(&rows);
    }

    fn pause(&mut self) {
        self.pane.quiet();
        self.capture();
        self.pane.quiet();
    }

    fn write(&mut self, bytes: &[u8]) {
        self.terminal.process(bytes);
        self.pane.bytes(bytes);
    }

    fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.terminal.screen_mut().set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        self.pane.reader.resize(columns, rows);
        self.columns = columns;
    }
}

/// Plays a recording and gives what was told; the screen is looked at after so many bytes, and where the output pauses.
fn play(file: &Path, most: usize) -> Vec<String> {
    let mut round = Round {
        terminal: vt100::Parser::new(
            const { std::num::NonZero::new(20).unwrap() },
            const { std::num::NonZero::new(80).unwrap() },
            0,
        ),
        pane: Pane::new(80, 20),
        columns: 80,
    };
    round.write(b"\x1b[?1049h");
    for Step { after, what } in steps(file) {
        if after >= 50 {
            round.pause();
        }
        match what {
            What::Size { size, screen } => {
                round.resize(size);
                for (at, row) in screen.iter().take(usize::from(size.1)).enumerate() {
                    round.write(format!("\x1b[{};1H{row}", at + 1).as_bytes());
                }
            }
            What::Bytes { bytes } => {
                for chunk in bytes.as_bytes().chunks(most) {
                    round.write(chunk);
                    round.capture();
                }
            }
        }
    }
    round.pause();
    round.pane.told()
}

fn recordings() -> Vec<(PathBuf, usize)> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    let said = |file: &Path| {
        let name = file.file_name()?.to_str()?;
        ROUNDS.iter().find(|(round, _)| name.starts_with(round)).map(|(_, said)| *said)
    };
    all.into_iter().filter_map(|file| said(&file).map(|said| (file, said))).collect()
}

#[test]
fn a_message_that_is_shown_again_is_told_once() {
    let all = recordings();
    assert!(all.len() >= 12, "{all:?}");
    let mut wrong = Vec::new();
    for (file, said) in all {
        // A frame is written at once and seldom longer than a few kilobytes, so that few looks fall into one.
        for most in [usize::MAX, 3000, 1500] {
            let told = play(&file, most);
            let messages = told.iter().filter(|line| line.contains("<{type:")).count();
            if messages != said {
                wrong.push(format!("{} by {most}: {messages} instead of {said}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
