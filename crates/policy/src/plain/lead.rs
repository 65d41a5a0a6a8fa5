//! Whether all that a pattern can match begins with a digit, or with `v` and a digit.

use super::digit_ranges;
use regex_syntax::hir::{Class, Hir, HirKind};

/// How far a match has come, as a set: several may be possible at one place of a pattern.
type States = u8;
/// Nothing is matched yet.
const START: States = 1;
/// Only `v` is.
const LETTER: States = 2;
/// A digit is.
const DIGIT: States = 4;

/// Where a part of a pattern leads to, from each place at which it can begin; `None` where it can match something else.
#[derive(Clone, Copy)]
pub(super) struct Lead {
    start: Option<States>,
    letter: Option<States>,
}

/// Matches nothing.
const NOTHING: Lead = Lead { start: Some(START), letter: Some(LETTER) };
const ANYTHING: Lead = Lead { start: None, letter: None };

impl Lead {
    /// Whether all matches begin that way, or are empty.
    pub(super) fn is_number(self) -> bool {
        self.start.is_some_and(|states| states & LETTER == 0)
    }

    pub(super) fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => NOTHING,
            HirKind::Literal(literal) => std::str::from_utf8(&literal.0)
                .map_or(ANYTHING, |text| text.chars().fold(NOTHING, |lead, c| lead.then(Self::of_range(c, c)))),
            HirKind::Class(Class::Unicode(class)) => {
                Self::any(class.ranges().iter().map(|range| Self::of_range(range.start(), range.end())))
            }
            HirKind::Class(Class::Bytes(class)) => Self::any(
                class.ranges().iter().map(|range| Self::of_range(char::from(range.start()), char::from(range.end()))),
            ),
            HirKind::Repetition(repetition) => {
                let one = Self::of(&repetition.sub);
                // Three times lead wherever more of them do.
                let most = repetition.max.unwrap_or(3).min(3);
                let mut led = NOTHING;
                let mut all = if repetition.min == 0 || most == 0 { vec![NOTHING] } else { Vec::new() };
                for _ in 0..most {
                    led = led.then(one);
                    all.push(led);
                }
                Self::any(all.into_iter())
            }
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => parts.iter().map(Self::of).fold(NOTHING, Self::then),
            HirKind::Alternation(parts) => Self::any(parts.iter().map(Self::of)),
        }
    }

    fn of_range(start: char, end: char) -> Self {
        if digit_ranges().holds(start, end, "") {
            Self { start: Some(DIGIT), letter: Some(DIGIT) }
        } else if start == end && matches!(start, 'v' | 'V') {
            Self { start: Some(LETTER), letter: None }
        } else {
            ANYTHING
        }
    }

    /// One of several parts.
    fn any(leads: impl Iterator<Item = Self>) -> Self {
        let both = |a: Option<States>, b: Option<States>| Some(a? | b?);
        let none = Self { start: Some(0), letter: Some(0) };
        leads.fold(none, |all, one| Self { start: both(all.start, one.start), letter: both(all.letter, one.letter) })
    }

    /// This part and another one behind it.
    fn then(self, next: Self) -> Self {
        let follow = |states: Option<States>| {
            let states = states?;
            let mut led = states & DIGIT;
            for (from, to) in [(START, next.start), (LETTER, next.letter)] {
                if states & from != 0 {
                    led |= to?;
                }
            }
            Some(led)
        };
        Self { start: follow(self.start), letter: follow(self.letter) }
    }
}

/// Whether a `/` can be in what a pattern matches.
pub(super) fn has_slash(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'/'),
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&'/'))
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&b'/'))
        }
        HirKind::Repetition(repetition) => has_slash(&repetition.sub),
        HirKind::Capture(capture) => has_slash(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_slash),
    }
}
