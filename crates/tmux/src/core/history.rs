//! What a pane shows and showed, as captured; and what of it a reader has not been told yet.
//!
//! A capture over the channel is exactly in step with the stream: it holds all bytes that came before its reply, so
//! bytes between asking and reply are dropped where a capture is read.

mod begun;

use crate::Position;
use crate::proto::{Nonce, Parser, Reply, Row, RowReader, row_format};
pub(super) use begun::Begun;
use std::sync::Arc;
use tmuxagent_lines::{Anchor, Missed, Reader, Reading, is_tracked_command};
use tmuxagent_model::{PRINTED, PaneId, own_characters, recalls};

/// What is known of a pane's past when observation begins, or goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Past {
    /// It was there before we came: what it shows is old.
    Old,
    /// Its process was put into a pane that another one had, while we were watching: what its screen shows is new.
    Respawned(Arc<Begun>),
    /// The pane itself appeared while we were watching: everything in it is its process's, and new.
    New,
    /// It was read up to here, by this reader.
    Read,
    /// It was read up to here, in an earlier life.
    Remembered(Box<Position>),
}

/// A pane's screen and history at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Capture {
    /// The pane's process.
    pub pid: u32,
    /// Whether the alternate screen is on.
    pub alternate: bool,
    /// How many bytes went by unread before it, as far as that is known.
    pub lost: u64,
    /// Rows in the history above the screen, and how many there may be.
    pub history_size: u64,
    /// See `history_size`.
    pub history_limit: u64,
    /// Where the cursor is, from 0.
    pub cursor: (usize, usize),
    /// The visible rows.
    pub visible: Vec<String>,
    /// Logical lines (wrapped rows joined) of the captured part of the history and the screen.
    pub logical: Vec<String>,
}

/// How many rows of history the capture of a pane whose past is old needs: enough for an anchor.
pub(super) const FEW: u32 = 60;

/// The commands that capture a pane with `lines` rows of its history, as one line.
pub(super) fn capture_line(nonce: &Nonce, pane: PaneId, lines: u32) -> String {
    let facts = ["#{pane_pid}", "#{alternate_on}", "#{history_size}", "#{history_limit}", "#{cursor_x}", "#{cursor_y}"];
    let (row, raw) = (row_format(nonce, &facts), Parser::raw_mark(nonce));
    format!(
        "display-message -p -t {pane} \"{row}\" ; display-message -p \"{raw}\" ; capture-pane -p -t {pane} ; \
         display-message -p \"{raw}\" ; capture-pane -p -J -S -{lines} -t {pane}"
    )
}

impl Capture {
    /// Reads the reply to [`capture_line`]; `None` where the pane is gone.
    pub fn read(nonce: &Nonce, reply: &Reply) -> Option<Self> {
        let mut rows = RowReader::new(nonce.clone());
        let facts = reply.rows().find_map(|line| rows.push(line))?;
        let mut blocks = reply.announced(nonce);
        let mut texts = || blocks.next().map(|block| block.rows.iter().map(|row| text(row)).collect());
        Self::new(&facts, texts()?, texts()?)
    }

    /// Puts a capture together from its row of numbers and its two texts.
    pub fn new(facts: &Row, visible: Vec<String>, logical: Vec<String>) -> Option<Self> {
        let number = |index: usize| facts.get(index).and_then(|field| std::str::from_utf8(field).ok()?.parse().ok());
        Some(Self {
            pid: number(0).and_then(|pid: u64| u32::try_from(pid).ok()).unwrap_or(0),
            alternate: number(1)? != 0,
            lost: 0,
            history_size: number(2)?,
            history_limit: number(3)?,
            cursor: (usize::try_from(number(4)?).ok()?, usize::try_from(number(5)?).ok()?),
            visible,
            logical,
        })
    }

    /// The complete lines, and the beginning of the line in which the cursor stands.
    fn split(&self) -> (&[String], &str) {
        let end = self.logical.iter().rposition(|line| !line.trim_end().is_empty()).map_or(0, |at| at + 1);
        let lines = self.logical.get(..end).unwrap_or_default();
        let (_, y) = self.cursor;
        let below = self.visible.get(y + 1..).unwrap_or_default();
        let at_end = below.iter().all(|row| row.trim_end().is_empty());
        let row_has_text = self.visible.get(y).is_some_and(|row| !row.trim_end().is_empty());
        match lines.split_last() {
            Some((last, complete)) if at_end && row_has_text => (complete, last),
            _ => (lines, ""),
        }
    }

    /// Whether so much went by unread that all of it is later, though its program moves the cursor and colours a lot.
    fn all_is_later(&self) -> bool {
        const AROUND: u64 = 4;
        let held: u64 = self.logical.iter().map(|line| line.len() as u64 + 2).sum();
        self.lost > held * AROUND
    }

    /// Whether lines were lost out of reach above the captured part.
    fn is_cut(&self, lines: u32) -> bool {
        // tmux drops a tenth of the history at once when it is full.
        self.history_size > u64::from(lines) || self.history_size.saturating_mul(10) >= self.history_limit * 9
    }
}

/// One row of a capture as text.
pub(crate) fn text(row: &[u8]) -> String {
    String::from_utf8_lossy(row).into_owned()
}

/// What is told while a reader catches up.
#[derive(Debug)]
pub(super) enum Told<'a> {
    /// Output was lost here.
    Gap,
    /// A line that an earlier life has told: it is shown beside new ones, and nothing follows from it.
    Known(&'a str),
    /// Something new.
    Reading(Reading<'a>),
}

/// Brings a reader up to the instant of `capture`; what is new is told.
///
/// `lines` is how much history the capture asked for.
pub(super) fn catch_up(
    reader: &mut Reader,
    past: &Past,
    capture: &Capture,
    lines: u32,
    sink: &mut dyn FnMut(Told<'_>),
) {
    let mut nothing = |_: Reading<'_>| {};
    if let Past::Remembered(position) = past {
        for echo in position.echoes.iter().map(|echo| echoed(echo, capture)) {
            // What is settled at this start is known already.
            if !reader.awaited().any(|known| known == echo) {
                reader.typed(&format!("{echo}\n"));
            }
        }
    }
    reader.set_alternate(capture.alternate);
    let screen = capture.alternate
        || match past {
            Past::Read => reader.wants_screen(),
            Past::Remembered(position) => !position.screen.is_empty(),
            Past::Old | Past::New | Past::Respawned(_) => false,
        };
    if screen {
        match past {
            Past::Old => reader.baseline(&capture.visible),
            Past::Remembered(position) => {
                reader.baseline(&recalled(&position.screen, &capture.visible));
                reader.screen(&capture.visible, &mut |reading| sink(Told::Reading(reading)));
            }
            Past::New | Past::Read | Past::Respawned(_) => {
                reader.screen(&capture.visible, &mut |reading| sink(Told::Reading(reading)))
            }
        }
        return;
    }
    let (complete, partial) = capture.split();
    let (apart, partial) = match past {
        Past::Read => told_apart(&reader.anchor(), complete, partial),
        Past::Remembered(position) => told_apart(&position.anchor, complete, partial),
        Past::Old | Past::New | Past::Respawned(_) => (None, partial),
    };
    let complete = apart.as_deref().unwrap_or(complete);
    let empty = complete.is_empty() && !capture.is_cut(lines);
    if *past == Past::New || (*past != Past::Read && empty) {
        reader.begins_at_birth();
    }
    if *past != Past::Read && !capture.is_cut(lines) {
        reader.begins_at_top();
    }
    // Rows that tmux has dropped are counted by nobody.
    let full = capture.history_size.saturating_mul(10) >= capture.history_limit * 9;
    let above = (!full).then(|| capture.history_size.saturating_sub(u64::from(lines)));
    let missed = match past {
        Past::Old => None,
        Past::New => Some(Missed::Lines(complete)),
        Past::Respawned(begun) => Some(begun.told(reader, capture, (complete, partial), sink)),
        // The same lines stand at many places, and more went by than all of them: none is the one where we stood.
        Past::Read if capture.is_cut(lines) && capture.all_is_later() && reader.anchor().recurs(complete) => {
            Some(Missed::Gap(complete))
        }
        Past::Read => Some(reader.anchor().missed_below(complete, above)),
        Past::Remembered(position) => Some(position.anchor.missed_below(complete, above)),
    };
    let new: &[String] = match missed {
        None => &[],
        Some(Missed::Lines(new)) => new,
        Some(Missed::Gap(rest)) => {
            sink(Told::Gap);
            // Where the lines we knew are out of reach, all that is left is later than they. Otherwise the screen was
            // cleared or drawn anew, and what it shows may have been told already.
            if capture.is_cut(lines) { rest } else { &[] }
        }
    };
    let known = complete.get(..complete.len() - new.len()).unwrap_or_default();
    if *past == Past::New && capture.is_cut(lines) {
        sink(Told::Gap);
    }
    if *past != Past::Read {
        reader.baseline(&capture.visible);
        reader.history(known, &mut nothing);
    }
    if matches!(past, Past::Remembered(_)) {
        // What stands above the command that runs is not its own.
        let begin = known.iter().rposition(|line| is_tracked_command(line)).map_or(0, |at| at + 1);
        let last = &known[begin.max(known.len().saturating_sub(PRINTED))..];
        last.iter().for_each(|line| sink(Told::Known(line)));
    }
    reader.history(new, &mut |reading| sink(Told::Reading(reading)));
    // The line that was open before is drawn anew.
    reader.bytes(b"\r\x1b[2K", &mut nothing);
    if !partial.is_empty() {
        reader.bytes(partial.as_bytes(), &mut nothing);
        if new.is_empty() && matches!(past, Past::Old) {
            reader.quiet(&mut nothing);
        }
    }
    reader.stands(capture.history_size, capture.cursor.1, &mut |reading| sink(Told::Reading(reading)));
}

/// The lines with those apart that tmux joins though they were told apart; `None` where there are no such.
fn told_apart<'c>(anchor: &Anchor, complete: &[String], partial: &'c str) -> (Option<Vec<String>>, &'c str) {
    let joined = |line: &String| anchor.told_apart(line).is_some();
    let in_partial = anchor.told_apart(partial);
    if in_partial.is_none() && !complete.iter().any(joined) {
        return (None, partial);
    }
    let mut lines = Vec::with_capacity(complete.len() + 1);
    for line in complete {
        match anchor.told_apart(line) {
            Some(at) => lines.extend([line[..at].trim_end().to_owned(), line[at..].to_owned()]),
            None => lines.push(line.clone()),
        }
    }
    let Some(at) = in_partial else { return (Some(lines), partial) };
    lines.push(partial[..at].trim_end().to_owned());
    (Some(lines), &partial[at..])
}

/// The rows of a screen as they were kept, each that the screen still shows with its secrets: a row that differs only by
/// what was not kept is no news.
fn recalled(kept: &[String], shown: &[String]) -> Vec<String> {
    let stands = |index: usize| kept.get(index).zip(shown.get(index)).is_some_and(|(row, line)| recalls(row, line));
    let row = |(index, row): (usize, &String)| {
        let here = shown.get(index).filter(|_| stands(index));
        let found = if own_characters(row) > 0 {
            here.or_else(|| shown.iter().find(|line| recalls(row, line)))
        } else {
            // It fits everywhere, so only its neighbour tells that it is the same.
            here.filter(|_| index > 0 && stands(index - 1))
        };
        found.unwrap_or(row).clone()
    };
    kept.iter().enumerate().map(row).collect()
}

/// How far back the echo of a typed line is looked for, lines.
const ECHOED: usize = 50;

/// A typed line as it was kept, with its secrets where the pane shows its echo already.
fn echoed(kept: &str, capture: &Capture) -> String {
    let first = kept.split('[').next().unwrap_or_default();
    let mut lines = capture.logical.iter().rev().take(ECHOED).filter(|_| !first.is_empty());
    let echo = lines.find_map(|line| {
        let mut places = line.match_indices(first).map(|(at, _)| line[at..].trim_end());
        places.find(|text| recalls(kept.trim_end(), text))
    });
    echo.unwrap_or(kept).to_owned()
}

#[cfg(test)]
mod tests;
