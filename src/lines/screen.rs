//! What is new on a screen that its program owns, against the screen before.
//!
//! Rows are compared by their [`super::likeness`]. A longest common subsequence tells which rows stayed, and
//! how far they moved; what is left of the old rows then explains some of the new ones: a block that moved, a row that
//! grew, text that was wrapped anew after a resize, rows that were erased for a moment in a repaint, rows that a popup
//! had covered, rows that came back by scrolling. What nothing explains is new.
//!
//! **Invariants:** the same screen twice gives nothing; memory is bounded by a few screens and [`MOST_SCROLLED`] keys.

use super::align::{Pair, aligned};
use super::echo::{Echo, squeezed};
use super::sentry::{self, Found, Outcome};
use super::{border, likeness};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many rows that scrolled away are remembered, to know them when the user scrolls back.
const MOST_SCROLLED: usize = 2000;
/// How many rows must have moved together to speak of scrolling.
const SCROLL_RUN: usize = 3;
/// How many rows at the top may stay while the rest scrolls.
const HIGHEST_HEADER: usize = 3;
/// For how many screens erased rows may come back as a repaint, and rows be wrapped anew after a resize.
const REPAINT_SCREENS: u8 = 8;
const LONGEST_REFLOW: usize = 64 * 1024;
/// After how many screens an open message is taken to stay open.
const OPEN_SCREENS: u8 = 20;

/// A row of the last screen.
#[derive(Debug, Clone, Default)]
struct Row {
    text: String,
    /// 0 for a blank row.
    key: u64,
    /// It repeats the user's prompt.
    prompt: bool,
}

/// A new row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    /// Its text.
    pub(super) text: String,
    /// How many bytes of it stood there before.
    pub(super) seen: usize,
    /// It shows what we typed.
    pub(super) echo: bool,
    /// The messages that end or fail on it.
    pub(super) messages: Vec<Outcome>,
}

impl News {
    /// A message on rows that were told before.
    fn message(outcome: Outcome) -> Self {
        let text = match &outcome {
            Ok(message) => sentry::written(message),
            Err(_) => String::new(),
        };
        Self { seen: text.len(), text, echo: false, messages: vec![outcome] }
    }
}

/// Rows that were erased and may come back.
#[derive(Debug, Default)]
struct Erased {
    keys: Vec<u64>,
    screens: u8,
}

/// Rows in the middle of the screen that others replaced, as a popup does.
#[derive(Debug, Default)]
struct Covered {
    keys: Vec<u64>,
    by: Vec<u64>,
}

/// The last screen and what is remembered of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Screen {
    rows: Vec<Row>,
    found: Vec<Found>,
    scrolled: VecDeque<u64>,
    /// Rows that left at the bottom while the user looked back, the topmost last.
    ahead: Vec<u64>,
    erased: Erased,
    covered: Covered,
    reflow: Option<Reflow>,
    /// Messages whose JSON is still open, and for how many screens.
    open: Vec<(String, u8)>,
    /// Messages of the last screen, which may be a half-drawn picture. They are told once another screen, or a pause,
    /// confirms them.
    unsure: Vec<Unsure>,
    columns: usize,
}

/// What stood on the screen before a resize, without its blanks; what was found again is taken out.
#[derive(Debug, Default)]
struct Reflow {
    program: String,
    prompt: String,
    screens: u8,
}

impl Reflow {
    /// What the program wrote, and what repeats the user's prompt, are told apart: one may quote the other.
    const fn text_of(&mut self, prompt: bool) -> &mut String {
        if prompt { &mut self.prompt } else { &mut self.program }
    }
}

/// Whether a screen is a whole picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Picture {
    /// The output had paused, or the program marks its updates and was in none.
    Whole,
    /// It may have been taken while the program was drawing.
    Perhaps,
}

/// A message that waits for confirmation.
#[derive(Debug)]
struct Unsure {
    name: String,
    outcome: Outcome,
    /// The row on which it ends.
    row: usize,
}

/// How one screen differs from the last.
struct Difference {
    /// Which old row each new row is.
    old_of: Vec<Option<usize>>,
    /// For each new row that is news: how many bytes of it are not.
    news: Vec<Option<usize>>,
    /// Which old rows scrolled away.
    scrolled: Vec<bool>,
    /// Which old rows were not blank.
    filled: Vec<bool>,
}

impl Screen {
    /// Forgets everything, as on a fresh alternate screen.
    pub(super) fn reset(&mut self) {
        *self = Self { columns: self.columns, ..Self::default() };
    }

    /// Sets the pane's width.
    pub(super) fn set_columns(&mut self, columns: usize) {
        if self.columns != columns {
            self.expect_reflow();
            self.columns = columns;
        }
    }

    fn expect_reflow(&mut self) {
        if self.rows.is_empty() {
            return;
        }
        let mut reflow = Reflow { screens: REPAINT_SCREENS, ..Reflow::default() };
        for row in &self.rows {
            reflow.text_of(row.prompt).push_str(&squeezed(&row.text));
        }
        if let Some(before) = self.reflow.take() {
            // A second resize before the first is drawn: the older text still counts.
            let bounded = |text: &str| border::head(text, LONGEST_REFLOW).to_owned();
            reflow.program.push_str(&bounded(&before.program));
            reflow.prompt.push_str(&bounded(&before.prompt));
        }
        self.reflow = Some(reflow);
    }

    /// Takes rows as known.
    pub(super) fn know<'r>(&mut self, rows: impl Iterator<Item = &'r str>) {
        self.rows = self.keyed(rows);
        let flags = prompts(&self.rows, &[], &[]);
        flags.into_iter().zip(&mut self.rows).for_each(|(prompt, row)| row.prompt = prompt);
        self.found = self.find();
    }

    /// Whether the last screen shows a row with this text.
    pub(super) fn shows(&self, text: &str) -> bool {
        let key = key(text);
        key == 0 || self.rows.iter().any(|row| row.key == key || (row.text.len() > 20 && text.contains(&row.text)))
    }

    /// Reads the next screen; answers with what is new on it, from top to bottom.
    ///
    /// Rows are told at once. Messages of a picture that may be half drawn wait for the next screen or a pause: pieces
    /// of a prompt next to pieces of an answer could look like a message that nobody wrote.
    pub(super) fn read<'r>(&mut self, rows: impl Iterator<Item = &'r str>, picture: Picture, echo: &Echo) -> Vec<News> {
        let mut new = self.keyed(rows);
        if new.len() == self.rows.len() && new.iter().zip(&self.rows).all(|(new, old)| new.text == old.text) {
            let mut news = self.confirm();
            news.extend(self.still_open());
            return news;
        }
        let difference = self.compare(&new);
        for (row, prompt) in prompts(&new, &self.rows, &difference.old_of).into_iter().enumerate() {
            new[row].prompt = prompt;
        }
        self.rows = new;
        let found = self.find();
        let mut news = self.settle(&found, &difference);
        let messages = self.new_messages(&found, &difference);
        self.found = found;
        self.age();
        let messages = match picture {
            Picture::Whole => messages,
            Picture::Perhaps => {
                self.unsure = messages.into_iter().map(|message| self.doubt(message)).collect();
                Vec::new()
            }
        };
        news.extend(self.news(&difference, messages, echo));
        news.extend(self.still_open());
        news
    }

    fn keyed<'r>(&self, rows: impl Iterator<Item = &'r str>) -> Vec<Row> {
        rows.map(|row| {
            let text = row.trim_end();
            Row { text: text.to_owned(), key: key(text), prompt: false }
        })
        .collect()
    }

    fn find(&self) -> Vec<Found> {
        let texts: Vec<&str> = self.rows.iter().map(|row| row.text.as_str()).collect();
        let prompts: Vec<bool> = self.rows.iter().map(|row| row.prompt).collect();
        sentry::on_screen(&texts, &prompts, self.columns)
    }

    fn age(&mut self) {
        self.erased.screens = self.erased.screens.saturating_sub(1);
        if self.erased.screens == 0 {
            self.erased.keys.clear();
        }
        if let Some(reflow) = &mut self.reflow {
            reflow.screens = reflow.screens.saturating_sub(1);
            if reflow.screens == 0 {
                self.reflow = None;
            }
        }
    }

    fn news(&self, difference: &Difference, mut messages: Vec<(usize, Outcome)>, echo: &Echo) -> Vec<News> {
        let mut news = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let Some(seen) = difference.news[at] else { continue };
            let here = messages.extract_if(.., |(row, _)| *row == at).map(|(_, outcome)| outcome).collect();
            let shown = row.text.trim_start_matches([' ', '›', '❯', '>', '┃', '│', '\u{a0}']);
            let user = row.prompt || row.text.trim_start().starts_with('┃');
            let echo = user && echo.covers(shown.trim_end_matches(['│', ' ']));
            news.push(News { text: row.text.clone(), seen, echo, messages: here });
        }
        news
    }

    /// The messages that were not there before, each with the last new row it stands on.
    fn new_messages(&self, found: &[Found], difference: &Difference) -> Vec<(usize, Outcome)> {
        let old = self.found.iter().filter(|old| self.remains(old, found, difference));
        let mut known: Vec<&str> = old.map(|old| old.name.as_str()).collect();
        let mut new = Vec::new();
        let fresh =
            |message: &Found| (message.rows.0..=message.rows.1).rev().find(|row| difference.news[*row].is_some());
        // Those whose rows all stood there before are the old ones.
        let (fresh_ones, still): (Vec<&Found>, Vec<&Found>) =
            found.iter().partition(|message| fresh(message).is_some());
        for message in still.into_iter().chain(fresh_ones) {
            if let Some(at) = known.iter().position(|name| *name == message.name) {
                known.swap_remove(at);
            } else if let (Some(row), Some(outcome)) = (fresh(message), &message.outcome) {
                new.push((row, outcome.clone()));
            }
        }
        new
    }

    /// Lets a message of a picture that may be half drawn wait.
    fn doubt(&self, (row, outcome): (usize, Outcome)) -> Unsure {
        let here = self.found.iter().find(|message| (message.rows.0..=message.rows.1).contains(&row));
        Unsure { name: here.map(|found| found.name.clone()).unwrap_or_default(), outcome, row }
    }

    /// Tells what waited and is on the next screen too, or has scrolled away since.
    fn settle(&mut self, found: &[Found], difference: &Difference) -> Vec<News> {
        let unsure = std::mem::take(&mut self.unsure);
        let count = |found: &[Found], name: &str| found.iter().filter(|message| message.name == name).count();
        let mut told: Vec<&str> = Vec::new();
        let mut news = Vec::new();
        for message in &unsure {
            let name = message.name.as_str();
            let scrolled = difference.scrolled.get(message.row) == Some(&true);
            let waiting = unsure.iter().filter(|other| other.name == name).count();
            let known = count(&self.found, name).saturating_sub(waiting);
            let confirmed = count(found, name).saturating_sub(known);
            if scrolled || told.iter().filter(|other| **other == name).count() < confirmed {
                if !scrolled {
                    told.push(name);
                }
                news.push(News::message(message.outcome.clone()));
            }
        }
        news
    }

    /// Whether an old message is still on the new screen: its rows stayed, or one like it stands next to the row that it
    /// stood next to, drawn anew and perhaps wrapped otherwise.
    fn remains(&self, old: &Found, found: &[Found], difference: &Difference) -> bool {
        let (first, last) = old.rows;
        if (first..=last).all(|row| difference.scrolled[row]) {
            return false;
        }
        let now = |row: usize| difference.old_of.iter().position(|old| *old == Some(row));
        if (first..=last).any(|row| now(row).is_some()) {
            return true;
        }
        let filled = |row: &usize| self.rows[*row].key != 0;
        let like_it = |message: &Found, row| message.name == old.name && row == Some(message.rows.0);
        let ends_like_it = |message: &Found, row| message.name == old.name && row == Some(message.rows.1);
        let above = (0..first).rev().find(|row| difference.filled[*row]);
        if let Some(above) = above.filter(|row| !difference.scrolled[*row]) {
            let next = now(above).and_then(|row| (row + 1..self.rows.len()).find(filled));
            return found.iter().any(|message| like_it(message, next));
        }
        let below = (last + 1..difference.filled.len()).find(|row| difference.filled[*row]);
        let before = below.and_then(now).and_then(|row| (0..row).rev().find(filled));
        found.iter().any(|message| ends_like_it(message, before))
    }

    /// Tells what waited: the last screen was a whole picture.
    pub(super) fn confirm(&mut self) -> Vec<News> {
        self.unsure.drain(..).map(|unsure| News::message(unsure.outcome)).collect()
    }

    /// Tells of messages that have been open for too long.
    fn still_open(&mut self) -> Option<News> {
        let before = std::mem::take(&mut self.open);
        let mut failed = false;
        for message in self.found.iter().filter(|message| message.outcome.is_none()) {
            let screens = before.iter().find(|(name, _)| *name == message.name).map_or(0, |(_, screens)| *screens);
            failed |= screens + 1 == OPEN_SCREENS;
            self.open.push((message.name.clone(), (screens + 1).min(OPEN_SCREENS)));
        }
        failed.then(|| News::message(Err("the JSON is not closed".to_owned())))
    }

    /// Compares the last screen with a new one.
    fn compare(&mut self, new: &[Row]) -> Difference {
        let old_keys: Vec<u64> = self.rows.iter().map(|row| row.key).collect();
        let new_keys: Vec<u64> = new.iter().map(|row| row.key).collect();
        let pairs = aligned(&old_keys, &new_keys);
        let mut difference = Difference {
            old_of: vec![None; new.len()],
            news: new_keys.iter().map(|&key| (key != 0).then_some(0)).collect(),
            scrolled: vec![false; old_keys.len()],
            filled: old_keys.iter().map(|&key| key != 0).collect(),
        };
        let mut left: Vec<bool> = old_keys.iter().map(|&key| key != 0).collect();
        for pair in &pairs {
            difference.old_of[pair.new] = Some(pair.old);
            difference.news[pair.new] = None;
            left[pair.old] = false;
        }
        let gaps = gaps(&pairs, old_keys.len(), new_keys.len());
        self.scroll(&gaps, &old_keys, &new_keys, &mut left, &mut difference);
        self.uncover(&gaps, &old_keys, &new_keys, &left, &mut difference);
        self.repaint(&old_keys, &new_keys, &left, &mut difference);
        move_blocks(&old_keys, &new_keys, &mut left, &mut difference);
        self.grow(&gaps, new, &mut left, &mut difference);
        self.find_reflowed(new, &mut difference);
        difference
    }

    /// Rows that left or came in at an edge of a part that scrolled.
    fn scroll(&mut self, gaps: &[Gap], old: &[u64], new: &[u64], left: &mut [bool], difference: &mut Difference) {
        for (at, gap) in gaps.iter().enumerate() {
            // One gap lies before each row of the run that moved.
            let below = gaps.get(at + gap.run_after);
            let moved = gap.shift_after - gap.shift_before;
            let top = old[..gap.old.start].iter().filter(|key| **key != 0).count() <= HIGHEST_HEADER;
            if moved > 0 && gap.run_after >= SCROLL_RUN && top {
                for row in gap.old.clone().filter(|row| left[*row]).collect::<Vec<_>>() {
                    left[row] = false;
                    difference.scrolled[row] = true;
                    self.scrolled.push_back(old[row]);
                }
                if let Some(below) = below {
                    self.scroll_forward(below, new, difference);
                }
            } else if moved < 0 && gap.run_after >= SCROLL_RUN && top {
                for row in gap.new.clone().rev().filter(|row| new[*row] != 0) {
                    if self.scrolled.back() != Some(&new[row]) {
                        break;
                    }
                    self.scrolled.pop_back();
                    difference.news[row] = None;
                }
                // Only where nothing took their place did the user scroll; a dialog that closed is gone.
                if let Some(below) = below
                    && below.new.clone().all(|row| new[row] == 0)
                {
                    self.ahead.extend(below.old.clone().rev().filter(|row| left[*row]).map(|row| old[row]));
                }
            }
        }
        while self.scrolled.len() > MOST_SCROLLED {
            self.scrolled.pop_front();
        }
        self.ahead.truncate(MOST_SCROLLED);
    }

    /// Rows that come back at the bottom when the user scrolls forward again.
    fn scroll_forward(&mut self, below: &Gap, new: &[u64], difference: &mut Difference) {
        for row in below.new.clone().filter(|row| new[*row] != 0) {
            if self.ahead.last() != Some(&new[row]) {
                self.ahead.clear();
                return;
            }
            self.ahead.pop();
            difference.news[row] = None;
        }
    }

    /// Rows that come to light again when a popup closes.
    fn uncover(&mut self, gaps: &[Gap], old: &[u64], new: &[u64], left: &[bool], difference: &mut Difference) {
        let inner = |gap: &&Gap| gap.shift_before == gap.shift_after && gap.run_before > 0 && gap.run_after > 0;
        let vanished: Vec<u64> = (0..old.len()).filter(|row| left[*row]).map(|row| old[row]).collect();
        let covered = std::mem::take(&mut self.covered);
        if !covered.keys.is_empty() {
            let gone = covered.by.iter().filter(|key| vanished.contains(key)).count();
            if gone * 2 >= covered.by.len().max(1) {
                for (row, key) in new.iter().enumerate() {
                    if covered.keys.contains(key) {
                        difference.news[row] = None;
                    }
                }
                return;
            }
            if vanished.is_empty() && difference.news.iter().all(Option::is_none) {
                self.covered = covered;
                return;
            }
        }
        let changed: Vec<&Gap> =
            gaps.iter().filter(|gap| gap.new.clone().any(|row| difference.news[row].is_some())).collect();
        if let [gap] = changed.as_slice()
            && inner(gap)
        {
            let keys = gap.old.clone().filter(|row| left[*row]).map(|row| old[row]).collect();
            let by = gap.new.clone().filter(|row| difference.news[*row].is_some()).map(|row| new[row]).collect();
            self.covered = Covered { keys, by };
        }
    }

    /// Rows that were erased a moment ago and are drawn again.
    fn repaint(&mut self, old: &[u64], new: &[u64], left: &[bool], difference: &mut Difference) {
        for (row, key) in new.iter().enumerate().filter(|(_, key)| **key != 0) {
            if difference.news[row].is_some()
                && let Some(at) = self.erased.keys.iter().position(|erased| erased == key)
            {
                self.erased.keys.swap_remove(at);
                difference.news[row] = None;
            }
        }
        let filled = |keys: &[u64]| keys.iter().filter(|key| **key != 0).count();
        let gone = left.iter().filter(|left| **left).count();
        if gone * 2 >= filled(old).max(1) && filled(new) < filled(old) {
            self.erased.keys.extend((0..old.len()).filter(|row| left[*row]).map(|row| old[row]));
            self.erased.screens = REPAINT_SCREENS;
            self.erased.keys.truncate(MOST_SCROLLED);
        }
    }

    /// Rows that only became longer or shorter, in their place below the rows that stayed.
    fn grow(&self, gaps: &[Gap], new: &[Row], left: &mut [bool], difference: &mut Difference) {
        for gap in gaps {
            for (old, row) in gap.old.clone().zip(gap.new.clone()) {
                if difference.news[row].is_none() || !left[old] {
                    continue;
                }
                let (before, text) = (self.rows[old].text.as_str(), new[row].text.as_str());
                if text.starts_with(before) {
                    difference.news[row] = Some(before.len());
                } else if before.starts_with(text) && text.len() * 2 > before.len() {
                    // Its last word went to the next row. What became much shorter is another row.
                    difference.news[row] = None;
                } else {
                    continue;
                }
                left[old] = false;
            }
        }
    }

    /// Rows that hold nothing but text that was wrapped otherwise before.
    fn find_reflowed(&mut self, new: &[Row], difference: &mut Difference) {
        let Some(reflow) = &mut self.reflow else { return };
        let prompts = prompts(new, &self.rows, &difference.old_of);
        for ((row, prompt), news) in new.iter().zip(prompts).zip(&mut difference.news) {
            let text = reflow.text_of(prompt);
            let squeezed = squeezed(&row.text);
            if !squeezed.is_empty()
                && let Some(at) = text.find(&squeezed)
            {
                text.replace_range(at..at + squeezed.len(), "\0");
                *news = None;
            }
        }
    }
}

/// Rows that stand elsewhere now.
fn move_blocks(old: &[u64], new: &[u64], left: &mut [bool], difference: &mut Difference) {
    for (row, key) in new.iter().enumerate() {
        if difference.news[row].is_none() {
            continue;
        }
        if let Some(from) = (0..old.len()).find(|from| left[*from] && old[*from] == *key) {
            left[from] = false;
            difference.news[row] = None;
            difference.old_of[row] = Some(from);
        }
    }
}

/// The rows between two rows that stayed.
#[derive(Debug)]
struct Gap {
    old: std::ops::Range<usize>,
    new: std::ops::Range<usize>,
    /// How far up the row before and the row after it moved; at the edges as if nothing had moved.
    shift_before: isize,
    shift_after: isize,
    /// How many rows before and after it moved together; 0 at the edges.
    run_before: usize,
    run_after: usize,
}

/// The gaps between runs of rows that stayed, from top to bottom, the edges included.
fn gaps(pairs: &[Pair], old: usize, new: usize) -> Vec<Gap> {
    let shift = |pair: &Pair| pair.old.cast_signed() - pair.new.cast_signed();
    let mut gaps = Vec::new();
    let mut before: Option<(Pair, usize)> = None;
    let mut at = 0;
    while at < pairs.len() {
        let first = pairs[at];
        let run = pairs[at..].iter().take_while(|pair| shift(pair) == shift(&first)).count();
        // Blank rows lie between the pairs of a run too; what changed there is a gap of its own.
        for pair in &pairs[at..at + run] {
            let (old_from, new_from) = before.map_or((0, 0), |(pair, _)| (pair.old + 1, pair.new + 1));
            gaps.push(Gap {
                old: old_from..pair.old,
                new: new_from..pair.new,
                shift_before: before.map_or(0, |(pair, _)| shift(&pair)),
                shift_after: shift(pair),
                run_before: before.map_or(0, |(_, run)| run),
                run_after: run,
            });
            before = Some((*pair, run));
        }
        at += run;
    }
    let (old_from, new_from) = before.map_or((0, 0), |(pair, _)| (pair.old + 1, pair.new + 1));
    gaps.push(Gap {
        old: old_from..old,
        new: new_from..new,
        shift_before: before.map_or(0, |(pair, _)| shift(&pair)),
        shift_after: before.map_or(0, |(pair, _)| shift(&pair)),
        run_before: before.map_or(0, |(_, run)| run),
        run_after: 0,
    });
    gaps
}

/// Which rows repeat the user's prompt: from its mark on, as far as rows are indented.
///
/// Where the mark has scrolled away, rows that stayed keep what they were.
fn prompts(rows: &[Row], old: &[Row], old_of: &[Option<usize>]) -> Vec<bool> {
    let was = |row: usize| old_of.get(row).copied().flatten().and_then(|at| old.get(at)).map(|row| row.prompt);
    let first = (0..rows.len()).find_map(|row| Some((row, was(row)?)));
    let begins = first.is_some_and(|(row, _)| sentry::begins_prompt(&rows[row].text));
    let mut within = first.is_some_and(|(_, prompt)| prompt) && !begins;
    let mut flags = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let mut flag = within;
        if sentry::begins_prompt(&row.text) {
            flag = true;
            // A prompt cut to one row, as some agents keep at the top, ends with that row.
            within = !row.text.ends_with('…');
        } else if !row.text.is_empty() && !row.text.starts_with([' ', '\u{a0}']) {
            flag = false;
            within = false;
        } else if let Some(prompt) = was(at)
            && !row.text.is_empty()
        {
            flag = prompt;
            within = prompt;
        }
        flags.push(flag);
    }
    flags
}

/// What names a row; 0 if it is blank.
fn key(text: &str) -> u64 {
    if text.trim().is_empty() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    likeness::key(text).hash(&mut hasher);
    hasher.finish().max(1)
}
