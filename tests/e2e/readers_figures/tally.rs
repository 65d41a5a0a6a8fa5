//! What became of the sends, by kind.

use std::collections::BTreeMap;

/// What must come of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Its reader is there, or comes.
    Typed,
    /// Another reader is there and stays: it waits visibly, then a person is asked. Where nobody can become the right one he is
    /// told at once.
    Asked,
    /// The reader changes: whatever is right at the instant of typing.
    Either,
}

/// How a send ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Typed,
    /// It was typed once it had waited.
    Held,
    /// It waited, and was not typed.
    Asked,
    /// It was not typed, at once.
    Refused,
    /// A text was put in, and whether the program has taken it is asked.
    Unsure,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub sends: u32,
    typed: u32,
    held: u32,
    asked: u32,
    refused: u32,
    unsure: u32,
    /// They came in the instant in which a program changed by itself.
    close: u32,
    pub wrong: u32,
    /// What was expected of the send, and came otherwise.
    pub missed: u32,
    /// The round could not be set up: its reader was not seen in time, so nothing was sent or nothing could be told.
    pub unset: u32,
}

/// What was seen of one send.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub end: End,
    pub expected: Expected,
    pub close: bool,
    pub wrong: bool,
}

impl Seen {
    /// Whether it came otherwise than expected.
    pub const fn is_missed(&self) -> bool {
        match self.expected {
            Expected::Either => false,
            Expected::Typed => !matches!(self.end, End::Typed | End::Held),
            Expected::Asked => !matches!(self.end, End::Asked | End::Refused),
        }
    }

    pub fn tally(&self) -> Tally {
        let is = |end| u32::from(self.end == end);
        Tally {
            sends: 1,
            typed: is(End::Typed),
            held: is(End::Held),
            asked: is(End::Asked),
            refused: is(End::Refused),
            unsure: is(End::Unsure),
            close: u32::from(self.close),
            wrong: u32::from(self.wrong),
            missed: u32::from(self.is_missed()),
            unset: 0,
        }
    }
}

impl Tally {
    /// A round that could not be set up.
    pub fn unset() -> Self {
        Self { unset: 1, ..Self::default() }
    }

    fn add(&mut self, other: Self) {
        let pairs = [
            (&mut self.sends, other.sends),
            (&mut self.typed, other.typed),
            (&mut self.held, other.held),
            (&mut self.asked, other.asked),
            (&mut self.refused, other.refused),
            (&mut self.unsure, other.unsure),
            (&mut self.close, other.close),
            (&mut self.wrong, other.wrong),
            (&mut self.missed, other.missed),
            (&mut self.unset, other.unset),
        ];
        pairs.into_iter().for_each(|(sum, more)| *sum += more);
    }

    fn row(&self) -> String {
        let Self { sends, typed, held, asked, refused, unsure, close, wrong, missed, unset } = self;
        format!(
            "{sends:>6} {typed:>6} {held:>6} {asked:>6} {refused:>7} {unsure:>6} {close:>5} {wrong:>5} {missed:>6} {unset:>5}"
        )
    }
}

/// A row of the table: the kind of action, by whose hand, in which shell, and what changed or stood there.
pub type Key = (&'static str, &'static str, &'static str, String);

/// All rows.
#[derive(Debug, Default)]
pub struct Rows(BTreeMap<Key, Tally>);

impl Rows {
    pub fn add(&mut self, key: Key, tally: Tally) {
        self.0.entry(key).or_default().add(tally);
    }

    pub fn take(&mut self, other: Self) {
        other.0.into_iter().for_each(|(key, tally)| self.add(key, tally));
    }

    /// Prints every row, then a table of the kinds; gives the sum.
    pub fn print(&self) -> Tally {
        let mut kinds: BTreeMap<&str, Tally> = BTreeMap::new();
        for ((kind, hand, shell, what), tally) in &self.0 {
            println!("{kind:<14} {hand:>6} {shell:>5} {what:<22} {}", tally.row());
            kinds.entry(kind).or_default().add(*tally);
        }
        println!("kind            sends  typed   held  asked refused unsure close wrong missed unset");
        let mut sum = Tally::default();
        for (kind, tally) in kinds {
            println!("{kind:<14} {}", tally.row());
            sum.add(tally);
        }
        println!("{:<14} {}", "all", sum.row());
        sum
    }
}
