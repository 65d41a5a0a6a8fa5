//! Our reader against a real tmux: what a stream shows in a pane (`capture-pane -p -J -S -`) is what is told of it.
//!
//! **Every line that tmux shows at a pause was told, and none is told that it did not show**, as often as it came to stand
//! there. What is not compared:
//!
//! - Lines that only moved, and in what programs wrote those that counted on (alike in their letters): they are no news by
//!   intention. Words of generated streams differ in their letters, and each line of them is told as often as it came.
//! - On screens of their programs' (rows addressed, the other screen): what is drawn and gone before anybody looks, and
//!   which rows make a line; there a row counts where it was told in part of one.
//! - Broken characters beside moves of the cursor, to which not all versions of tmux give a column; the mark that stands
//!   in their place.
//!
//! `TMUXAGENT_STREAMS=N` plays N streams of each kind and width, `TMUXAGENT_STREAM_SEED=N` begins with that seed. A stream that
//! differs is made as small as it gets and printed in the form of `tests/fixtures/lines/streams`, where it is to be kept.

mod compare;
mod oracle;
mod stream;

use oracle::Oracle;
use std::path::{Path, PathBuf};
use stream::{Kind, Op};

const SIZES: [(u16, u16); 3] = [(20, 8), (80, 24), (132, 40)];
/// How many streams of each kind and width are played where nobody asks for more.
const FEW: u64 = 40;

#[test]
fn written_streams_are_told_line_by_line() {
    play(Kind::Written);
}

#[test]
fn edited_streams_are_told_as_they_are_shown() {
    play(Kind::Edited);
}

#[test]
fn screens_of_their_programs_are_told_as_they_are_shown() {
    play(Kind::Owned);
}

fn play(kind: Kind) {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let first = number("TMUXAGENT_STREAM_SEED").unwrap_or(1);
    let count = number("TMUXAGENT_STREAMS").unwrap_or(FEW);
    for (columns, rows) in SIZES {
        let mut oracle = Oracle::start(columns, rows);
        for seed in first..first + count {
            let ops = stream::stream(kind, seed, columns, rows);
            if compare::difference(&mut oracle, kind, &ops, seed).is_some() {
                let ops = smallest(&mut oracle, kind, ops, seed);
                let why = compare::difference(&mut oracle, kind, &ops, seed).unwrap_or_default();
                let kept = stream::written(kind, (columns, rows), &ops);
                panic!("seed {seed} at {columns} columns differs:\n{why}\nto be kept:\n{kept}");
            }
        }
    }
}

/// The smallest stream of the same kind that still differs.
fn smallest(oracle: &mut Oracle, kind: Kind, mut ops: Vec<Op>, seed: u64) -> Vec<Op> {
    loop {
        let mut smaller = stream::smaller(&ops).into_iter().filter(|ops| ops.last() == Some(&Op::Pause));
        match smaller.find(|ops| compare::difference(oracle, kind, ops, seed).is_some()) {
            Some(found) => ops = found,
            None => return ops,
        }
    }
}

/// Streams that were told wrongly once, and those of programs.
#[test]
fn kept_streams_are_told_as_they_are_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lines/streams");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("kept streams").flatten().map(|entry| entry.path()).collect();
    files.sort();
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let (kind, (columns, rows), ops) = stream::kept(&text).unwrap_or_else(|| panic!("{}", file.display()));
        let mut oracle = Oracle::start(columns, rows);
        for seed in 0..5 {
            let difference = compare::difference(&mut oracle, kind, &ops, seed);
            assert!(difference.is_none(), "{}: {}", file.display(), difference.unwrap_or_default());
        }
    }
}

/// What agents wrote in panes of 120×40, byte for byte.
#[test]
fn recorded_streams_are_told_as_they_are_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lines/recorded");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("recorded streams").flatten().map(|entry| entry.path()).collect();
    files.sort();
    assert!(files.len() > 2, "{files:?}");
    let mut oracle = Oracle::start(120, 40);
    for file in files {
        let ops = stream::recorded(&std::fs::read(&file).expect("readable"));
        let difference = compare::difference_of_recorded(&mut oracle, &ops);
        assert!(difference.is_none(), "{}: {}", file.display(), difference.unwrap_or_default());
    }
}
