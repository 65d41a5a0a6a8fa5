//! What is new on a screen that its program owns, against the screen before: rows and messages.
//!
//! Rows are named by their [`super::likeness`]; how two screens differ is found out in [`super::difference`].
//! Messages are counted: one that is drawn anew, wrapped otherwise or shown again is the same message, one more like
//! it is another.
//!
//! **Invariants:** the same screen twice gives nothing; memory is bounded by a few screens.

use super::difference::{Difference, Past};
use super::echo::Echo;
use super::screen_row::{Row, key, prompts};
use super::sentry::{self, Found, Outcome};

/// After how many screens an open message is taken to stay open.
const OPEN_SCREENS: u8 = 20;

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

/// The last screen and what is remembered of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Screen {
    rows: Vec<Row>,
    found: Vec<Found>,
    past: Past,
    /// Messages whose JSON is still open, and for how many screens.
    open: Vec<(String, u8)>,
    /// Messages of the last screen, which may be a half-drawn picture. They are told once another screen, or a pause,
    /// confirms them.
    unsure: Vec<Unsure>,
    columns: usize,
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

impl Screen {
    /// Forgets everything, as on a fresh alternate screen.
    pub(super) fn reset(&mut self) {
        *self = Self { columns: self.columns, ..Self::default() };
    }

    /// Sets the pane's width.
    pub(super) fn set_columns(&mut self, columns: usize) {
        if self.columns != columns {
            self.past.expect_reflow(&self.rows);
            self.columns = columns;
        }
    }

    /// Takes rows as known.
    pub(super) fn know<'r>(&mut self, rows: impl Iterator<Item = &'r str>) {
        self.rows = self.keyed(rows);
        let flags = prompts(&self.rows, &[], &[]);
        flags.into_iter().zip(&mut self.rows).for_each(|(prompt, row)| row.prompt = prompt);
        self.found = self.find();
    }

    /// Whether the last screen shows a line with this text, on as many rows as it takes.
    pub(super) fn shows(&self, text: &str) -> bool {
        let shown = |row: &str| {
            let key = key(row);
            key == 0 || self.rows.iter().any(|row| row.key == key)
        };
        let (mut start, mut width) = (0, 0);
        for (at, c) in text.char_indices() {
            let wide = super::grid::width(c);
            if self.columns > 0 && width + wide > self.columns {
                if !shown(&text[start..at]) {
                    return false;
                }
                (start, width) = (at, 0);
            }
            width += wide;
        }
        shown(&text[start..])
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
        let difference = self.past.compare(&self.rows, &new);
        for (row, prompt) in prompts(&new, &self.rows, &difference.old_of).into_iter().enumerate() {
            new[row].prompt = prompt;
        }
        self.rows = new;
        let found = self.find();
        let mut news = self.settle(&found, &difference);
        let messages = self.new_messages(&found, &difference);
        self.found = found;
        self.past.age();
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
        // Several messages may stand one below the other, and all be drawn anew.
        let mut place = 0;
        let mut above = None;
        for row in (0..first).rev().filter(|row| difference.filled[*row]) {
            match self.found.iter().find(|message| (message.rows.0..=message.rows.1).contains(&row)) {
                Some(message) => place += usize::from(row == message.rows.0),
                None => {
                    above = Some(row);
                    break;
                }
            }
        }
        let next = |row: usize| (row + 1..self.rows.len()).find(|row| self.rows[*row].key != 0);
        if let Some(above) = above.filter(|row| !difference.scrolled[*row]) {
            let mut at = now(above).and_then(next);
            for _ in 0..place {
                at = at
                    .and_then(|row| found.iter().find(|message| message.rows.0 == row))
                    .and_then(|message| next(message.rows.1));
            }
            return found.iter().any(|message| message.name == old.name && at == Some(message.rows.0));
        }
        let below = (last + 1..difference.filled.len()).find(|row| difference.filled[*row]);
        let before = below.and_then(now).and_then(|row| (0..row).rev().find(|row| self.rows[*row].key != 0));
        found.iter().any(|message| message.name == old.name && before == Some(message.rows.1))
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
        failed.then(|| News::message(Err(tmuxagent_model::Malformed::NotClosed)))
    }
}
