//! What was typed where nobody may read it, as a password is: known while the reader lives, and taken out of what is kept.

use super::border;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use tmuxagent_model::SecretMark;

/// How many such lines are known, and how many bytes of them.
const MOST: usize = 1024;
const MOST_BYTES: usize = 256 * 1024;
const LONGEST: usize = 16 * 1024;
/// What stands in their place.
const KIND: &str = "password";

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    /// Without the blanks around them, oldest first.
    texts: VecDeque<String>,
    bytes: usize,
}

impl Unseen {
    /// Remembers what is typed, Enter as `\n`.
    pub(super) fn typed(&mut self, text: &str) {
        for line in text.split(['\n', '\r']).map(|line| border::head(line.trim(), LONGEST)) {
            if line.is_empty() {
                continue;
            }
            // The one that was typed last is forgotten last.
            if let Some(at) = self.texts.iter().position(|known| known == line) {
                self.texts.remove(at);
            } else {
                self.bytes += line.len();
            }
            self.texts.push_back(line.to_owned());
        }
        while self.texts.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.texts.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    /// A text with a mark in place of each of them.
    pub(super) fn without<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let places = self.places(text);
        if places.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(marked(text, &places, 0)) }
    }

    /// Rows of a screen likewise: they break anywhere.
    pub(super) fn without_rows(&self, rows: &[String]) -> Vec<String> {
        let places = if self.texts.is_empty() { Vec::new() } else { self.places(&rows.concat()) };
        let mut from = 0;
        let row = |row: &String| {
            let begin = from;
            from += row.len();
            let here = places.iter().filter(|place| place.start < from && begin < place.end);
            let here: Vec<Range<usize>> = here.map(|place| place.start.max(begin)..place.end.min(from)).collect();
            marked(row, &here, begin)
        };
        rows.iter().map(row).collect()
    }

    /// Where they stand, in order; those that touch are one.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut all: Vec<Range<usize>> = Vec::new();
        for known in &self.texts {
            all.extend(text.match_indices(known.as_str()).map(|(at, found)| at..at + found.len()));
        }
        all.sort_by_key(|place| place.start);
        let mut places: Vec<Range<usize>> = Vec::new();
        for place in all {
            match places.last_mut().filter(|last| place.start <= last.end) {
                Some(last) => last.end = last.end.max(place.end),
                None => places.push(place),
            }
        }
        places
    }
}

/// A text with marks at these places, which are counted from `begin`.
fn marked(text: &str, places: &[Range<usize>], begin: usize) -> String {
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for place in places {
        out.push_str(text.get(from..place.start - begin).unwrap_or_default());
        out.push_str(&SecretMark::Shown.of(KIND));
        from = place.end - begin;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "[redacted: password]";

    #[test]
    fn a_mark_stands_in_their_place_however_they_overlap_and_break() {
        let mut unseen = Unseen::default();
        assert_eq!(unseen.without("red"), "red");
        ["hunter2\n", " two words ", "red", "ed"].iter().for_each(|text| unseen.typed(text));
        let hide = |text: &str| unseen.without(text).replace(MARK, "*");
        assert_eq!(hide("a hunter2 and two words, red"), "a * and *, *");
        assert_eq!(hide("hunterred"), "hunter*");
        let rows = ["pin: hun".to_owned(), "ter2 ok".to_owned(), "red".to_owned()];
        let rows = unseen.without_rows(&rows).iter().map(|row| row.replace(MARK, "*")).collect::<Vec<_>>();
        assert_eq!(rows, ["pin: *", "* ok", "*"]);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut unseen = Unseen::default();
        (0..=MOST).for_each(|n| unseen.typed(&format!("<{n}>")));
        unseen.typed("<1>");
        assert_eq!(
            (unseen.texts.len(), unseen.without("<0>"), unseen.without("<1>")),
            (MOST, "<0>".into(), MARK.into())
        );
        (0..64).for_each(|n| unseen.typed(&format!("{n}{}", "x".repeat(LONGEST))));
        assert!(unseen.bytes <= MOST_BYTES);
        assert_eq!(unseen.bytes, unseen.texts.iter().map(String::len).sum::<usize>());
    }
}
