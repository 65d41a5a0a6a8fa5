//! What is new on a screen that its program owns, against the screen before: rows and messages.
//!
//! Rows are named by their [`super::row_similarity`]; how two screens differ is found out in [`super::difference`].
//! Which messages are new is found out in [`super::found`]: one that is drawn anew, wrapped otherwise or shown again is the
//! same message, one more like it is another.
//!
//! **Invariants:** the same screen twice gives nothing; memory is bounded by a few screens.

use super::difference::{Difference, Past};
use super::echo::Echo;
use super::found::{Change, Conversation, Picture};
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
    conversation: Conversation,
    past: Past,
    /// Messages whose JSON is still open, and for how many screens.
    open: Vec<(String, u8)>,
    /// Messages of the last screen, which may be a half-drawn picture. They are told once another screen, or a pause,
    /// confirms them.
    unsure: Vec<Unsure>,
    columns: usize,
}

/// A message that waits for confirmation.
#[derive(Debug)]
struct Unsure {
    name: String,
    outcome: Outcome,
    /// The row on which it ends.
    row: usize,
}

/// Whether an earlier part of the conversation is shown: Claude Code 2.1.332 says so in the last row above its input line,
/// over what stands there.
fn looks_back(rows: &[Row]) -> bool {
    let above = rows.iter().rev().skip_while(|row| !row.text.starts_with('❯')).skip(1);
    above
        .skip_while(|row| row.text.is_empty() || row.text.starts_with('─'))
        .map(|row| row.text.as_str())
        .next()
        .is_some_and(|row| row.ends_with(" (ctrl+End) ↓"))
}

impl Screen {
    /// Forgets what is shown, as on a fresh alternate screen. A program that gave the screen away for a moment (to an
    /// editor) shows its messages again: they are known until [`Screen::begins_anew`].
    pub(super) fn reset(&mut self) {
        let mut conversation = std::mem::take(&mut self.conversation);
        conversation.leave();
        *self = Self { columns: self.columns, conversation, ..Self::default() };
    }

    /// Something else was printed meanwhile: what is shown from now on is all new.
    pub(super) fn begins_anew(&mut self) {
        self.conversation.forget();
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
        self.conversation.know(&self.found, &texts(&self.rows));
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
        if looks_back(&new) {
            // What is shown was shown before, but for the row that this one covers.
            return self.still_open().into_iter().collect();
        }
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
        let change = Change { old: &self.found, found: &found, difference: &difference, rows: &self.rows };
        let messages = change.more();
        self.conversation.follow(&change);
        let mut news = self.settle(&found, &difference);
        self.found = found;
        self.past.age();
        let texts = texts(&self.rows);
        let mut new = Vec::new();
        for (row, at) in messages {
            let Found { name, outcome: Some(outcome), .. } = &self.found[at] else { continue };
            match picture {
                Picture::Perhaps => {
                    self.unsure.push(Unsure { name: name.clone(), outcome: outcome.clone(), row });
                }
                Picture::Whole if self.conversation.is_new(at, &self.found, &texts) => new.push((row, outcome.clone())),
                Picture::Whole => {}
            }
        }
        if picture == Picture::Whole {
            news.extend(self.confirm());
        }
        let messages = new;
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
        let texts = texts(&self.rows);
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
            if scrolled {
                self.conversation.passed(name);
                news.push(News::message(message.outcome.clone()));
            } else if told.iter().filter(|other| **other == name).count() < confirmed {
                told.push(name);
                let Some(at) = self.conversation.unplaced(name, found) else { continue };
                if self.conversation.is_shown_again(at, found, &texts(&self.rows)) {
                    // So it seems; a whole picture decides.
                    let (name, outcome) = (message.name.clone(), message.outcome.clone());
                    self.unsure.push(Unsure { name, outcome, row: found[at].rows.1 });
                } else if self.conversation.is_new(at, found, &texts(&self.rows)) {
                    news.push(News::message(message.outcome.clone()));
                }
            }
        }
        news
    }

    /// Tells what waited, and is none that was shown before: the last screen was a whole picture.
    pub(super) fn confirm(&mut self) -> Vec<News> {
        let (texts, mut news) = (texts(&self.rows), Vec::new());
        for Unsure { name, outcome, .. } in self.unsure.drain(..) {
            let at = self.conversation.unplaced(&name, &self.found);
            if at.is_some_and(|at| self.conversation.is_new(at, &self.found, &texts)) {
                news.push(News::message(outcome));
            }
        }
        self.conversation.settle(&self.found, &texts);
        news
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

fn texts(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.text.as_str()).collect()
}
