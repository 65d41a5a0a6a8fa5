//! Which messages on a screen are new, and which are shown again.
//!
//! A message is the one before where its rows stayed, or where one like it stands next to the row that it stood next to,
//! drawn anew. Of the others the ranks of the rows around it tell, and the text around it ([`super::ledger`]).

use super::border;
use super::difference::Difference;
use super::ledger::{Between, Ledger, Place};
use super::returned::says_something;
use super::screen_row::Row;
use super::sentry::Found;

/// How many blank rows say that a screen has room for more.
const GAP: usize = 3;
/// How much is remembered of what was written, bytes.
const LONGEST: usize = 64 * 1024;

/// Whether a screen is a whole picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Picture {
    /// The output had paused, or the program marks its updates and was in none.
    Whole,
    /// It may have been taken while the program was drawing.
    Perhaps,
}

/// From one screen to the next.
pub(super) struct Change<'a> {
    /// The messages on the last screen, and on this one.
    pub(super) old: &'a [Found],
    pub(super) found: &'a [Found],
    pub(super) difference: &'a Difference,
    /// The rows of this one.
    pub(super) rows: &'a [Row],
}

/// The messages of the last screen among all, and where its rows stand between them.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    ledger: Ledger,
    /// Of each message on the screen.
    places: Vec<Option<Place>>,
    /// How many messages come before each row, where that is known.
    stood: Vec<Stood>,
    written: Written,
}

impl Conversation {
    /// What is shown is gone for now.
    pub(super) fn leave(&mut self) {
        self.places.clear();
        self.stood.clear();
    }

    /// It is over.
    pub(super) fn forget(&mut self) {
        self.leave();
        self.ledger.clear();
        self.written = Written::default();
    }

    /// Takes all that a screen shows for known.
    pub(super) fn know(&mut self, found: &[Found], rows: &[&str]) {
        self.places = vec![None; found.len()];
        self.stood = vec![Stood::New; rows.len()];
        self.settle(found, rows);
    }

    /// Goes on to the next screen: what stayed, and what was drawn anew in its place, is what it was.
    pub(super) fn follow(&mut self, change: &Change<'_>) {
        let mut places = change.stayed(&self.places);
        for old in 0..change.old.len() {
            let place = self.places.get(old).copied().flatten();
            if place.is_some()
                && !places.contains(&place)
                && let Some(at) = change.remains(old)
                && places[at].is_none()
            {
                places[at] = place;
            }
        }
        self.places = places;
        self.stood = change.difference.old_of.iter().map(|old| self.stood(*old)).collect();
    }

    /// Whether a message, which stands there as if it were new, is; one that was shown earlier is not.
    pub(super) fn is_new(&mut self, at: usize, found: &[Found], rows: &[&str]) -> bool {
        if self.places.get(at).is_none_or(Option::is_some) {
            return false;
        }
        self.places[at] = self.shown_again(at, found, rows, false);
        if self.places[at].is_some() {
            return false;
        }
        self.places[at] = Some(self.ledger.add(&found[at].name));
        true
    }

    /// Whether a message seems to be one that was shown earlier.
    pub(super) fn is_shown_again(&self, at: usize, found: &[Found], rows: &[&str]) -> bool {
        self.shown_again(at, found, rows, false).is_some()
    }

    /// A message that scrolled away before it was told.
    pub(super) fn passed(&mut self, name: &str) {
        self.ledger.add(name);
    }

    /// The first message of that name whose place is not known yet.
    pub(super) fn unplaced(&self, name: &str, found: &[Found]) -> Option<usize> {
        (0..found.len()).find(|at| found[*at].name == name && self.places.get(*at) == Some(&None))
    }

    /// The screen is a whole picture, and its new messages are told.
    pub(super) fn settle(&mut self, found: &[Found], rows: &[&str]) {
        if found.is_empty() && self.is_begun_anew(rows) {
            self.forget();
            self.stood = vec![Stood::New; rows.len()];
        }
        for at in (0..found.len()).rev().filter(|at| found[*at].outcome.is_some()) {
            if self.places[at].is_none() {
                self.places[at] = self.shown_again(at, found, rows, true);
            }
        }
        for (at, message) in found.iter().enumerate().filter(|(_, message)| message.outcome.is_some()) {
            let place = *self.places[at].get_or_insert_with(|| self.ledger.add(&message.name));
            self.ledger.look(place, message, rows);
        }
        self.rank(found, rows);
    }

    fn stood(&self, old: Option<usize>) -> Stood {
        old.and_then(|old| self.stood.get(old).copied()).unwrap_or(Stood::New)
    }

    /// Whether a screen that shows no message has room for more than it shows, between what was known at its top and the
    /// input line: this is all of the conversation, and that of the messages was given up.
    fn is_begun_anew(&self, rows: &[&str]) -> bool {
        let blank = |row: &&str| row.trim().is_empty();
        let mut gap = None;
        for (at, rows) in rows.windows(GAP).enumerate() {
            if rows.iter().all(blank) {
                gap = Some(at);
            }
        }
        let Some(gap) = gap else { return false };
        let says = |rows: &[&str]| rows.iter().filter(|row| says_something(row)).count();
        let known = rows[..gap].iter().filter(|row| says_something(row) && self.written.holds(row)).count();
        known >= 2 && known * 2 >= says(&rows[..gap]) && says(&rows[gap..]) > 0
    }

    /// Which of the messages that were shown earlier this is, if it is one. `known` says that its rows were told before.
    fn shown_again(&self, at: usize, found: &[Found], rows: &[&str], known: bool) -> Option<Place> {
        let next = self.ledger.next();
        let within = |row: usize| found.iter().any(|found| (found.rows.0..=found.rows.1).contains(&row));
        let rank = |row: usize| match self.stood.get(row) {
            Some(Stood::At(rank)) if says_something(rows[row]) && !within(row) => Some(*rank),
            _ => None,
        };
        let (first, last) = found[at].rows;
        let above = (0..first).filter_map(rank).max().unwrap_or(0);
        let lower = self.places[..at].iter().flatten().max().map_or(above, |place| above.max(place + 1));
        let below = (last + 1..rows.len()).filter_map(rank).min().unwrap_or(next);
        let upper = self.places[at + 1..].iter().flatten().min().map_or(below, |place| below.min(*place));
        // Rows that were mistaken for others tell nothing of what is below.
        let upper = if upper < lower { next } else { upper };
        self.ledger.shown_again(&found[at], Between { lower, upper }, rows, known)
    }

    /// Tells of each row how many messages come before it: a row that was never there before stands at the end of all. One
    /// that was may have come back, so it tells nothing.
    fn rank(&mut self, found: &[Found], rows: &[&str]) {
        let next = self.ledger.next();
        let mut above = 0;
        for (at, row) in rows.iter().enumerate() {
            let message = found.iter().position(|message| (message.rows.0..=message.rows.1).contains(&at));
            if let Some(message) = message {
                self.stood[at] = Stood::Unknown;
                above = self.places[message].map_or(above, |place| above.max(place + 1));
                continue;
            }
            self.stood[at] = match self.stood[at] {
                Stood::At(rank) => Stood::At(rank.max(above)),
                Stood::New if self.written.add(row) => Stood::At(next),
                Stood::New | Stood::Unknown => Stood::Unknown,
            };
        }
    }
}

/// What is known of where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stood {
    /// It came since the last whole picture.
    New,
    /// Nobody knows between which messages.
    Unknown,
    /// So many messages come before it.
    At(Place),
}

/// All that was written, letters and digits only, so that a row is found in it however it is wrapped.
#[derive(Debug, Default)]
struct Written(String);

impl Written {
    /// Whether a row was written before.
    fn holds(&self, row: &str) -> bool {
        let row = letters(row);
        memchr::memmem::find(self.0.as_bytes(), row.as_bytes()).is_some()
    }

    /// Adds a row; says whether it was never written before.
    fn add(&mut self, row: &str) -> bool {
        if !says_something(row) || self.holds(row) {
            return false;
        }
        self.0.push_str(&letters(row));
        if self.0.len() > 2 * LONGEST {
            self.0 = border::tail(&self.0, LONGEST).to_owned();
        }
        true
    }
}

fn letters(row: &str) -> String {
    row.chars().filter(|c| c.is_alphanumeric()).collect()
}

impl Change<'_> {
    /// The messages that were not there before, each with the last new row it stands on: those of which there are more than
    /// there were.
    pub(super) fn more(&self) -> Vec<(usize, usize)> {
        let stays = |old: &usize| self.stays(*old);
        let mut known: Vec<&str> = (0..self.old.len()).filter(stays).map(|old| self.old[old].name.as_str()).collect();
        // Those whose rows all stood there before are the old ones.
        let (fresh, still): (Vec<usize>, Vec<usize>) =
            (0..self.found.len()).partition(|at| self.fresh(&self.found[*at]).is_some());
        let mut new = Vec::new();
        for at in still.into_iter().chain(fresh) {
            let message = &self.found[at];
            if let Some(old) = known.iter().position(|name| *name == message.name) {
                known.swap_remove(old);
            } else if let (Some(row), true) = (self.fresh(message), message.outcome.is_some()) {
                new.push((row, at));
            }
        }
        new
    }

    /// Whether an old message is on this screen too.
    fn stays(&self, old: usize) -> bool {
        let (first, last) = self.old[old].rows;
        let here = |row: usize| self.difference.old_of.contains(&Some(row));
        let scrolled = (first..=last).all(|row| self.difference.scrolled[row]);
        !scrolled && ((first..=last).any(here) || self.remains(old).is_some())
    }

    /// Whether no row that stayed has passed this one: rows elsewhere may say the same.
    fn is_in_order(&self, row: usize, from: usize) -> bool {
        let mut others = self.difference.old_of.iter().enumerate().filter_map(|(at, old)| Some((at, (*old)?)));
        others.all(|(at, old)| (at < row) == (old < from) || !says_something(&self.rows[at].text))
    }

    /// The last row of a message that is new.
    fn fresh(&self, message: &Found) -> Option<usize> {
        (message.rows.0..=message.rows.1).rev().find(|row| self.difference.news[*row].is_some())
    }

    /// The places of messages whose rows stayed.
    fn stayed(&self, places: &[Option<Place>]) -> Vec<Option<Place>> {
        let mut known: Vec<Option<Place>> = Vec::with_capacity(self.found.len());
        for message in self.found {
            let old = (message.rows.0..=message.rows.1).find_map(|row| {
                let from = self.difference.old_of[row].filter(|from| self.is_in_order(row, *from))?;
                self.old.iter().position(|old| (old.rows.0..=old.rows.1).contains(&from) && old.name == message.name)
            });
            let place = old.and_then(|old| places.get(old).copied().flatten());
            known.push(place.filter(|_| !known.contains(&place)));
        }
        known
    }

    /// Where an old message is that was drawn anew, and perhaps wrapped otherwise: one like it stands next to the row that
    /// it stood next to.
    fn remains(&self, old: usize) -> Option<usize> {
        let Self { old: all, found, difference, .. } = self;
        let message = &all[old];
        let (first, last) = message.rows;
        if (first..=last).all(|row| difference.scrolled[row]) {
            return None;
        }
        let now = |row: usize| difference.old_of.iter().position(|old| *old == Some(row));
        // Several messages may stand one below the other, and all be drawn anew.
        let mut place = 0;
        let mut above = None;
        for row in (0..first).rev().filter(|row| difference.filled[*row]) {
            match all.iter().find(|message| (message.rows.0..=message.rows.1).contains(&row)) {
                Some(message) => place += usize::from(row == message.rows.0),
                None => {
                    above = Some(row);
                    break;
                }
            }
        }
        let next = |row: usize| (row + 1..self.rows.len()).find(|row| self.rows[*row].key != 0);
        let like = |at: &usize| found[*at].name == message.name;
        if let Some(above) = above.filter(|row| !difference.scrolled[*row]) {
            let mut at = now(above).and_then(next);
            for _ in 0..place {
                at = at
                    .and_then(|row| found.iter().find(|message| message.rows.0 == row))
                    .and_then(|message| next(message.rows.1));
            }
            return (0..found.len()).filter(like).find(|message| at == Some(found[*message].rows.0));
        }
        let below = (last + 1..difference.filled.len()).find(|row| difference.filled[*row]);
        let before = below.and_then(now).and_then(|row| (0..row).rev().find(|row| self.rows[*row].key != 0));
        (0..found.len()).filter(like).find(|message| before == Some(found[*message].rows.1))
    }
}
