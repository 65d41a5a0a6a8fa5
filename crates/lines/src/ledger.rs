//! The messages that a screen showed, in the order of the conversation, so that one that is shown again is known.
//!
//! A screen is a window on a conversation: messages leave it, as it scrolls or a dialog covers it, and come back. New ones
//! come at its end. So each row that stays on the screen says how many messages come before it (its *rank*), and a message
//! between rows can only be one of those between their ranks, or a new one where none is left. Where no row tells, as on a
//! screen that was drawn anew as a whole, the text around it does.
//!
//! **Invariant:** memory is bounded by [`MOST`] messages.

use super::sentry::Found;
use std::collections::VecDeque;

/// The most messages that are remembered.
const MOST: usize = 400;
/// How much of the text around a message is remembered, letters and digits.
const CONTEXT: usize = 200;
/// How much of it has to be the same, where there is so much.
const ENOUGH: usize = 32;
/// Less than this says nothing.
const LEAST: usize = 12;

/// The number of a message in the order of the conversation; never used twice.
pub(super) type Place = usize;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    /// The number of the first that is remembered.
    first: Place,
}

#[derive(Debug)]
struct Entry {
    name: String,
    around: Around,
}

/// The text before and after a message, letters and digits only: so it is the same however it is wrapped.
#[derive(Debug, Default)]
struct Around {
    before: String,
    after: String,
}

/// Between which messages of the conversation something stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Between {
    /// So many come before it for certain.
    pub(super) lower: Place,
    /// It comes before this one for certain.
    pub(super) upper: Place,
}

impl Ledger {
    /// The number of the next message.
    pub(super) fn next(&self) -> Place {
        self.first + self.entries.len()
    }

    /// Forgets all: another conversation begins.
    pub(super) fn clear(&mut self) {
        self.first = self.next();
        self.entries.clear();
    }

    /// Adds a message at the end.
    pub(super) fn add(&mut self, name: &str) -> Place {
        let place = self.next();
        self.entries.push_back(Entry { name: name.to_owned(), around: Around::default() });
        if self.entries.len() > MOST {
            self.entries.pop_front();
            self.first += 1;
        }
        place
    }

    fn at(&mut self, place: Place) -> Option<&mut Entry> {
        self.entries.get_mut(place.checked_sub(self.first)?)
    }

    /// Which of the messages that may stand there is shown again on a screen with these rows, if any: the one whose place is
    /// most like this one, of equal ones the last.
    /// `known` says that its rows were told before, so that it is one of them wherever it stands.
    pub(super) fn shown_again(&self, message: &Found, between: Between, rows: &[&str], known: bool) -> Option<Place> {
        let Between { lower, upper } = between;
        let here = Around::of(message, rows);
        // Above what was written later it can't be new.
        let certain = known || upper < self.next();
        let places = lower.max(self.first)..upper.min(self.next());
        let like = places
            .map(|place| (place, &self.entries[place - self.first]))
            .filter(|(_, entry)| entry.name == message.name && (certain || entry.around.is(&here)));
        like.max_by_key(|(_, entry)| {
            let (before, after) = entry.around.common(&here, CONTEXT);
            before + after
        })
        .map(|(place, _)| place)
    }

    /// Remembers what stands around a message now.
    pub(super) fn look(&mut self, place: Place, message: &Found, rows: &[&str]) {
        let Some(entry) = self.at(place) else { return };
        let Around { before, after } = Around::of(message, rows);
        if before.len() >= entry.around.before.len() {
            entry.around.before = before;
        }
        entry.around.after = after;
    }
}

impl Around {
    fn of(message: &Found, rows: &[&str]) -> Self {
        let letters = |rows: &mut dyn Iterator<Item = &str>| {
            let mut text = String::new();
            for row in rows {
                text.extend(row.chars().filter(|c| c.is_alphanumeric()));
            }
            text
        };
        let (first, last) = message.rows;
        let (mut start, mut length) = (first, 0);
        while start > 0 && length < CONTEXT {
            start -= 1;
            length += rows[start].chars().filter(|c| c.is_alphanumeric()).count();
        }
        let mut after = letters(&mut rows[(last + 1).min(rows.len())..].iter().copied());
        let end = after.char_indices().nth(CONTEXT).map_or(after.len(), |(at, _)| at);
        after.truncate(end);
        Self { before: letters(&mut rows[start..first].iter().copied()), after }
    }

    /// How much of the text before and behind is the same, up to so much.
    fn common(&self, other: &Self, most: usize) -> (usize, usize) {
        let common = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
            a.zip(b).take(most).take_while(|(a, b)| a == b).count()
        };
        (
            common(&mut self.before.chars().rev(), &mut other.before.chars().rev()),
            common(&mut self.after.chars(), &mut other.after.chars()),
        )
    }

    /// Whether both are the same place, as far as can be seen of it: what is right before them is, or some of it and what is
    /// behind. (Agents keep the last prompt at the top, above what stands elsewhere.)
    fn is(&self, other: &Self) -> bool {
        let (before, after) = self.common(other, ENOUGH);
        let seen = self.before.chars().count().min(other.before.chars().count()).min(ENOUGH);
        let at_top = other.before.chars().count() < 2 * ENOUGH;
        (before >= seen && before + after >= LEAST) || (at_top && after >= LEAST && before + after >= 2 * LEAST)
    }
}
