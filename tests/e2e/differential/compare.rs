//! A stream through our reader and through tmux: every line that is shown was told, and none that is not.

use super::oracle::{Oracle, Shown};
use super::stream::{Dice, Kind, Op};
use std::collections::HashMap;
use tmuxagent_lines::{Reader, Reading};

/// What came of a stream.
#[derive(Debug, Default)]
pub struct Seen {
    pub told: Vec<String>,
    /// What tmux showed at each pause.
    pub shown: Vec<Shown>,
    /// Whether what was written before it erases what is below the cursor: the same may be drawn again there.
    erases: Vec<bool>,
}

/// Puts a stream through both; bytes reach the reader in pieces of any size.
pub fn read(oracle: &mut Oracle, ops: &[Op], seed: u64) -> Seen {
    oracle.reset();
    let mut dice = Dice::new(seed);
    let mut reader = Reader::new();
    reader.resize(oracle.columns, oracle.rows);
    let mut seen = Seen::default();
    let mut burst = Vec::new();
    for op in ops {
        match op {
            Op::Write(bytes) => burst.extend_from_slice(bytes),
            Op::Pause => {
                let bytes = std::mem::take(&mut burst);
                oracle.put(&bytes);
                let shown = oracle.shown();
                let told = &mut seen.told;
                let mut sink = |reading: Reading<'_>| {
                    if let Reading::Line { text, .. } = reading {
                        told.push(text.to_owned());
                    }
                };
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (now, later) = rest.split_at((1 + dice.below(60)).min(rest.len()));
                    reader.bytes(now, &mut sink);
                    rest = later;
                }
                reader.quiet(&mut sink);
                if reader.wants_screen() {
                    reader.screen(&shown.visible, &mut sink);
                    reader.quiet(&mut sink);
                }
                seen.shown.push(shown);
                let erases = |part: &[u8]| part.ends_with(b"J") && part.starts_with(b"\x1b[");
                let resets = bytes.windows(2).any(|part| part == b"\x1bc");
                seen.erases.push(resets || bytes.windows(3).any(erases) || bytes.windows(4).any(erases));
            }
        }
    }
    seen
}

/// Why what was told is not what is shown; `None` where it is.
pub fn difference(oracle: &mut Oracle, kind: Kind, ops: &[Op], seed: u64) -> Option<String> {
    differs(oracle, kind, ops, (seed, false))
}

/// The same of what programs wrote, in which lines count on.
pub fn difference_of_recorded(oracle: &mut Oracle, ops: &[Op]) -> Option<String> {
    differs(oracle, Kind::Owned, ops, (1, true))
}

fn differs(oracle: &mut Oracle, kind: Kind, ops: &[Op], (seed, counts): (u64, bool)) -> Option<String> {
    let seen = read(oracle, ops, seed);
    let told: Vec<String> = seen.told.iter().map(|line| plain(line)).filter(|line| !line.is_empty()).collect();
    let last = seen.shown.last()?;
    let shown: Vec<String> = last.lines.iter().map(|line| plain(line)).filter(|line| !line.is_empty()).collect();
    if kind == Kind::Written {
        if told == grown(&told, &shown) {
            return None;
        }
        return (told != shown).then(|| format!("told  {told:#?}\nshown {shown:#?}"));
    }
    let count = |lines: &[String], line: &str| lines.iter().filter(|other| *other == line).count();
    let rows: Vec<String> = seen.shown.iter().flat_map(|shown| shown.visible.iter().map(|row| plain(row))).collect();
    let squeezed_told: Vec<String> = told.iter().map(|line| squeezed(line)).collect();
    let mut missing: Vec<String> = Vec::new();
    for shown in &seen.shown {
        // What is drawn on a screen of its program's and gone before anybody looks is told to nobody.
        let lines = if kind == Kind::Owned { &shown.visible } else { &shown.lines };
        for line in lines.iter().map(|line| plain(line)).filter(|line| !line.is_empty()) {
            let row = squeezed(&line);
            let part = |told: &String| {
                kind == Kind::Owned
                    && (told.contains(&row) || row.contains(told.as_str()) && in_rows(&row, &squeezed_told))
            };
            // A line that only moved says nothing new; nor does one that counted on, where lines are no words of ours.
            let moved = |told: &String| squeezed(told) == row || counts && letters(told) == letters(&line);
            if count(&told, &line) == 0 && !told.iter().any(moved) && !squeezed_told.iter().any(part) {
                missing.push(line);
            }
        }
    }
    if kind == Kind::Edited {
        missing.extend(too_seldom(&seen, &told));
    }
    if !missing.is_empty() {
        return Some(format!("not told {missing:#?}\ntold {told:#?}\nshown {shown:#?}"));
    }
    // What was told and did not stand there at a pause stood there between two of them, or is told too much.
    let doubtful = |line: &String| {
        let known = seen.shown.iter().any(|shown| shown.lines.iter().any(|other| plain(other) == **line));
        !known && !rows.contains(line)
    };
    if told.iter().any(doubtful) || told.iter().any(|line| count(&told, line) > 1) {
        let appeared = appeared(oracle, ops);
        for line in &told {
            let most = appeared.get(line).copied().unwrap_or(0);
            if count(&told, line) > most {
                return Some(format!(
                    "told {} times, shown {most}: {line:?}\ntold {told:#?}\nshown {shown:#?}",
                    count(&told, line)
                ));
            }
        }
    }
    None
}

/// The lines that came to stand there more often, from one pause to the next, than they were told.
fn too_seldom(seen: &Seen, told: &[String]) -> Vec<String> {
    let mut stood = Times::default();
    for (shown, erases) in seen.shown.iter().zip(&seen.erases) {
        stood.redraws = *erases;
        stood.see(&shown.lines);
    }
    // What only moved within its row is told once.
    let times = |line: &str| told.iter().filter(|told| squeezed(told) == squeezed(line)).count();
    let seldom = stood.times.into_iter().filter(|(line, stood)| !line.is_empty() && times(line) < *stood);
    seldom.map(|(line, stood)| format!("{line:?}, which came {stood} times")).collect()
}

/// How often each line, or each row, came to stand there, looked at after each operation.
fn appeared(oracle: &mut Oracle, ops: &[Op]) -> HashMap<String, usize> {
    oracle.reset();
    let (mut lines, mut rows) = (Times::default(), Times::default());
    for op in ops {
        let Op::Write(bytes) = op else { continue };
        for piece in pieces(bytes) {
            oracle.put(&piece);
            let shown = oracle.shown();
            lines.see(&shown.lines);
            rows.see(&shown.visible);
        }
    }
    rows.times.into_iter().for_each(|(row, times)| {
        let most = lines.times.entry(row).or_default();
        *most = times.max(*most);
    });
    lines.times
}

/// How often texts came to stand there.
#[derive(Debug, Default)]
struct Times {
    times: HashMap<String, usize>,
    before: HashMap<String, usize>,
    /// What was erased is kept in history, and what is drawn in its place is news only where it is another text.
    redraws: bool,
}

impl Times {
    fn see(&mut self, texts: &[String]) {
        let mut now: HashMap<String, usize> = HashMap::new();
        texts.iter().for_each(|text| *now.entry(plain(text)).or_default() += 1);
        for (text, count) in &now {
            let before = self.before.get(text).copied().unwrap_or(0);
            let more = if self.redraws { usize::from(before == 0) } else { count.saturating_sub(before) };
            *self.times.entry(text.clone()).or_default() += more;
        }
        self.before = now;
    }
}

/// An operation in pieces that end before each control.
fn pieces(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces: Vec<Vec<u8>> = vec![Vec::new()];
    for byte in bytes {
        if *byte < 0x20 && pieces.last().is_some_and(|piece| !piece.is_empty()) {
            pieces.push(Vec::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(*byte);
        }
    }
    pieces
}

/// Where a line was told before a pause and once more grown since, the grown one stands for both.
fn grown(told: &[String], shown: &[String]) -> Vec<String> {
    let mut expected = Vec::new();
    let mut at = 0;
    for line in shown {
        while told.get(at).is_some_and(|told| told != line && line.starts_with(told.as_str())) {
            expected.push(told[at].clone());
            at += 1;
        }
        expected.push(line.clone());
        at += 1;
    }
    expected
}

/// Whether a line's rows were told, each by itself. Both without their blanks.
fn in_rows(line: &str, told: &[String]) -> bool {
    line.is_empty()
        || told
            .iter()
            .any(|row| !row.is_empty() && line.strip_prefix(row.as_str()).is_some_and(|rest| in_rows(rest, told)))
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

/// A text without what differs between versions of tmux: bytes that are no character.
fn plain(text: &str) -> String {
    text.replace('\u{fffd}', "").trim_end().to_owned()
}
