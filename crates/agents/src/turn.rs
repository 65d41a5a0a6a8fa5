//! How an agent's turn ended: by its own end, by a person, or by nobody knows what.
//!
//! **Invariant:** rest after work is no end by itself. Whoever stops Claude Code before its first word gets his prompt back
//! and an idle screen; a refused edit, an error in other words and a compaction end in rest too. So an end needs something
//! that says so and was not there before the work: a row of the program's own, or its report. Where a recogniser knows no such row,
//! the conversation must at least have changed, with nothing put back into the input line.

use super::recognise::Seen;
use super::recogniser::Turn;

/// How the last work ended, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It came to its own end.
    Finished,
    /// A person stopped it.
    Stopped,
    /// Nothing shows that it came to its end.
    Unproven,
}

/// What is known of an agent's last work.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    /// The end of the conversation before it; nothing where it was not seen to begin.
    before: Option<u64>,
    /// It was seen to work in this life of the watcher.
    seen: bool,
    /// A draft stood in its input line meanwhile.
    drafted: bool,
    /// A text came into its input line as it ended: the prompt that it was at.
    put_back: bool,
    /// Its own report said that it finished.
    reported: bool,
    /// What its screen said of its end.
    shown: Option<Turn>,
    /// Its screen changed behind it.
    left_something: bool,
    /// It asked by a dialog meanwhile, so its conversation went on, also where it looks like before.
    asked: bool,
    /// Its screen has shown it at rest since.
    rests: bool,
}

impl Work {
    /// It begins to work; `before` is how its conversation ended until now.
    pub(crate) fn begin(before: Option<u64>) -> Self {
        Self { before, seen: true, ..Self::default() }
    }

    /// It was at work already: what was told of an end was a step's, or an earlier turn's.
    pub(crate) fn goes_on(&mut self) {
        (self.seen, self.reported, self.shown, self.rests) = (true, false, None, false);
    }

    /// Its report says that it finished.
    pub(crate) fn finished(&mut self) {
        self.reported = true;
    }

    /// It asks.
    pub(crate) fn asks(&mut self) {
        self.asked = true;
    }

    /// Its screen shows it at work.
    pub(crate) fn at_work(&mut self, screen: &Seen) {
        if let Some(composer) = &screen.composer {
            self.drafted = !composer.draft.is_empty();
        }
    }

    /// Its screen shows it at rest.
    pub(crate) fn at_rest(&mut self, screen: &Seen) {
        if !std::mem::replace(&mut self.rests, true) {
            let draft = screen.composer.as_ref().is_some_and(|composer| !composer.draft.is_empty());
            self.put_back = draft && !self.drafted;
        }
        if screen.tail.is_none() || screen.tail == self.before && !self.asked {
            return;
        }
        self.left_something = true;
        self.shown = self.shown.or(screen.turn);
    }

    /// It was seen to work, and nothing shows yet how that ended.
    pub(crate) fn is_open(&self, shows_ends: bool) -> bool {
        self.seen && self.ending(shows_ends) == Ending::Unproven
    }

    /// How it ended. `shows_ends`: its screen shows that a turn came to its own end.
    pub(crate) fn ending(&self, shows_ends: bool) -> Ending {
        match self.shown {
            Some(Turn::Stopped) => Ending::Stopped,
            _ if self.put_back && self.seen => Ending::Stopped,
            Some(Turn::Upkeep) => Ending::Unproven,
            _ if self.put_back => Ending::Unproven,
            Some(Turn::Finished) => Ending::Finished,
            None if self.reported || self.left_something && !shows_ends => Ending::Finished,
            None => Ending::Unproven,
        }
    }
}
