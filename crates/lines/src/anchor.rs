//! Where the observation of a pane stood, and what it missed since.
//!
//! After a break (reconnect, restart, a flood handed over) the last complete lines are looked for in the pane's
//! history (`capture-pane -p -J -S -`, logical lines); what follows them was missed.

use super::border;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use tmuxagent_model::{own_characters, recalls};

/// How many lines an anchor remembers.
const REMEMBERED: usize = 20;
/// How many bytes of each line an anchor remembers; tmux's own wrapping plays no part in logical lines.
const REMEMBERED_BYTES: usize = 512;
/// How many of the remembered lines must stand together in the history to be taken for the same place.
const ENOUGH: usize = 3;

/// The last complete lines of a pane's stream, oldest first, cut at 512 bytes each and without trailing blanks.
///
/// An anchor without lines stands before everything only where the pane's process is known to be its first and to have
/// been read from its beginning. Any other stands at the end of what is there: a process that was put into a pane
/// (`respawn-pane`) has no past, and what the pane still holds is its predecessor's. One that was stored has marks in place
/// of secrets, each of which stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Anchor {
    lines: VecDeque<String>,
    /// Everything that the pane ever held is this process's, and was read.
    #[serde(default, skip_serializing_if = "is_false")]
    from_birth: bool,
    /// Nothing stood above the remembered lines: they are all that the pane held.
    #[serde(default, skip_serializing_if = "is_false")]
    whole: bool,
    /// How many rows of which width stood above the line that followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<(u64, usize)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What a pane printed since an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed<'a> {
    /// Exactly these lines, none if nothing was missed. The last one may be an unterminated prompt.
    Lines(&'a [String]),
    /// The anchor is no longer in the history: lines are lost. These are all that is left, at least in part missed; none
    /// where nothing says that they are this process's.
    Gap(&'a [String]),
}

impl Anchor {
    /// An anchor without lines, before everything or at the end of what is there.
    pub(super) const fn new(from_birth: bool) -> Self {
        Self { lines: VecDeque::new(), from_birth, whole: false, place: None }
    }

    /// Remembers one more complete line. Empty lines are not remembered, they tell no place from another.
    pub(super) fn push(&mut self, line: &str) {
        let line = cut(line).trim_end();
        if line.is_empty() {
            return;
        }
        let mut slot =
            if self.lines.len() >= REMEMBERED { self.lines.pop_front().unwrap_or_default() } else { String::new() };
        slot.clear();
        slot.push_str(line);
        self.lines.push_back(slot);
    }

    /// So many rows of this width stood above the line that followed.
    pub(super) const fn stands_below(&mut self, rows: u64, columns: usize) {
        self.place = Some((rows, columns));
    }

    /// Nothing stood above what it remembers, unless that is more than it can hold.
    pub(super) fn is_all_there_was(&mut self) {
        self.whole = self.lines.len() < REMEMBERED;
    }

    /// Whether it remembers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What `history` (logical lines, oldest first, as `capture-pane -p -J -S -` prints them) holds after this anchor.
    ///
    /// The newest place where the remembered lines stand wins, unless they are all that the pane held and still stand at its
    /// top: then the same text further down was printed since. Lines that scrolled out at the top of the history need
    /// not match; with fewer than three left the answer is [`Missed::Gap`] unless that is all that was ever remembered.
    #[must_use]
    pub fn missed<'a>(&self, history: &'a [String]) -> Missed<'a> {
        self.missed_below(history, None)
    }

    /// The same where it is known how many rows of the pane's history stand above `history`, and that the pane has forgotten
    /// none: of several places at which the remembered lines stand the one wins that is as far from the top as they were,
    /// though the same was printed again since.
    #[must_use]
    pub fn missed_below<'a>(&self, history: &'a [String], above: Option<u64>) -> Missed<'a> {
        let end = history.iter().rposition(|line| !line.trim_end().is_empty()).map_or(0, |at| at + 1);
        let history = &history[..end];
        if self.lines.is_empty() {
            return match history {
                [] => Missed::Lines(history),
                _ if self.from_birth => Missed::Lines(history),
                // Of all that is there nobody knows whose it is.
                _ => Missed::Gap(&[]),
            };
        }
        if let Some(at) = self.end_at_top(history) {
            return Missed::Lines(&history[at + 1..]);
        }
        let mut places = (0..history.len()).rev().filter(|at| self.stands_at(&history[..=*at]));
        let newest = places.next();
        let found = match (self.place, above) {
            (Some((row, columns)), Some(above)) => {
                // Blank lines may stand between a place and where the cursor was.
                let blank =
                    |at: usize| history[at..].iter().skip(1).take_while(|line| line.trim_end().is_empty()).count();
                let distance = |at: &usize| {
                    let end = above + history[..=*at].iter().map(|line| rows(line, columns)).sum::<u64>();
                    if row < end { end - row } else { (row - end).saturating_sub(blank(*at) as u64) }
                };
                newest.into_iter().chain(places).min_by_key(distance)
            }
            _ => newest,
        };
        found.map_or(Missed::Gap(history), |at| Missed::Lines(&history[at + 1..]))
    }

    /// Where a row of `line`, as the history shows it, ends a line that was told by itself. A row that is full is joined with
    /// the next by tmux where its program (a line editor at the margin) went on in that one, though what stands there is
    /// another line.
    #[must_use]
    pub fn told_apart(&self, line: &str) -> Option<usize> {
        let (_, columns) = self.place?;
        let (mut column, mut boundaries) = (0, Vec::new());
        for (at, c) in line.char_indices() {
            let width = super::grid::width(c);
            if column + width > columns {
                boundaries.push(at);
                column = 0;
            }
            column += width;
        }
        let told = |row: &str| !row.is_empty() && self.lines.iter().any(|known| known == row);
        boundaries.into_iter().find(|&at| told(cut(&line[..at]).trim_end()))
    }

    /// Whether the remembered lines stand at more than one place of `history`, so that none is certainly theirs.
    #[must_use]
    pub fn recurs(&self, history: &[String]) -> bool {
        (0..history.len()).rev().filter(|at| self.stands_at(&history[..=*at])).nth(1).is_some()
    }

    /// Where the remembered lines end at the top of `history`, where they are all that it held.
    fn end_at_top(&self, history: &[String]) -> Option<usize> {
        let mut rows = history.iter().enumerate().filter(|(_, row)| !row.trim_end().is_empty());
        let mut end = None;
        for line in self.lines.iter().filter(|_| self.whole) {
            end = rows.next().filter(|(_, row)| recalls(line, cut(row).trim_end())).map(|(at, _)| at);
            end?;
        }
        end.filter(|at| self.stands_at(&history[..=*at]))
    }

    /// Whether the remembered lines are the last non-empty lines of `history`.
    fn stands_at(&self, history: &[String]) -> bool {
        let mut seen = history.iter().rev().map(|line| cut(line).trim_end()).filter(|line| !line.is_empty());
        // Lines that are nothing but marks are like any others and tell no place.
        let (mut matched, mut certain) = (0, false);
        for line in self.lines.iter().rev() {
            match seen.next() {
                Some(other) if recalls(line, other) => {
                    matched += 1;
                    certain |= other == line || own_characters(line) > 0;
                }
                Some(_) => return false,
                // The rest scrolled out at the top.
                None => return matched >= ENOUGH && certain,
            }
            // A blank row at the end of `history` would name the same place a row too late.
            if matched == 1 && history.last().is_some_and(|last| last.trim_end().is_empty()) {
                return false;
            }
        }
        certain
    }
}

/// How many rows of so many columns a line takes.
fn rows(line: &str, columns: usize) -> u64 {
    let mut rows = 1;
    let mut column = 0;
    for width in line.chars().map(super::grid::width) {
        if column + width > columns {
            rows += 1;
            column = 0;
        }
        column += width;
    }
    rows
}

/// The part of a line that is remembered.
fn cut(line: &str) -> &str {
    border::head(line, REMEMBERED_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|n| format!("line {n}")).collect()
    }

    fn anchored(range: std::ops::Range<usize>) -> Anchor {
        let mut anchor = Anchor::default();
        lines(range).iter().for_each(|line| anchor.push(line));
        anchor
    }

    #[test]
    fn what_follows_the_remembered_lines_was_missed() {
        let history = lines(0..600);
        assert_eq!(anchored(0..100).missed(&history), Missed::Lines(&history[100..]));
        assert_eq!(anchored(0..600).missed(&history), Missed::Lines(&[]));
        assert_eq!(anchored(0..5).missed(&history), Missed::Lines(&history[5..]));
    }

    #[test]
    fn a_history_that_no_longer_holds_the_anchor_is_a_gap() {
        let history = lines(300..600);
        assert_eq!(anchored(0..100).missed(&history), Missed::Gap(&history));
        assert_eq!(anchored(0..303).missed(&history), Missed::Lines(&history[3..]));
        assert_eq!(anchored(0..302).missed(&history), Missed::Gap(&history), "two lines are too few to be sure");
    }

    #[test]
    fn the_newest_place_wins_and_blank_rows_play_no_part() {
        let history: Vec<String> = ["a", "b", "", "c", "a", "b", "c  ", "", "d", "", ""].map(str::to_owned).into();
        let mut anchor = Anchor::default();
        ["a", "b", "c"].iter().for_each(|line| anchor.push(line));
        assert_eq!(anchor.missed(&history), Missed::Lines(&history[7..9]));
    }

    #[test]
    fn what_is_all_there_was_stands_at_the_top_though_the_same_was_printed_since() {
        let history: Vec<String> = ["", "$ go", "go", "passed", "", "$ go", "go", "$"].map(str::to_owned).into();
        let mut anchor = Anchor::default();
        ["$ go", "go"].iter().for_each(|line| anchor.push(line));
        assert_eq!(anchor.missed(&history), Missed::Lines(&history[7..]));
        anchor.is_all_there_was();
        let kept: Anchor = serde_json::from_str(&serde_json::to_string(&anchor).unwrap()).unwrap();
        assert_eq!(kept.missed(&history), Missed::Lines(&history[3..]));
        // The top is gone: the newest place is all that can be said.
        assert_eq!(kept.missed(&history[2..]), Missed::Lines(&history[7..]));
        // More than it remembers can stand anywhere.
        let mut long = anchored(0..40);
        long.is_all_there_was();
        let twice: Vec<String> = [lines(0..40), lines(0..40)].concat();
        assert_eq!(long.missed(&twice), Missed::Lines(&[]));
    }

    #[test]
    fn a_past_that_was_repeated_exactly_is_known_by_how_far_it_stood_from_the_top() {
        let twice: Vec<String> = [lines(0..40), lines(0..40), vec!["$".to_owned()]].concat();
        let mut anchor = anchored(0..40);
        assert_eq!(anchor.missed_below(&twice, Some(0)), Missed::Lines(&twice[80..]), "an older anchor knows no place");
        anchor.stands_below(40, 80);
        let kept: Anchor = serde_json::from_str(&serde_json::to_string(&anchor).unwrap()).unwrap();
        assert_eq!(kept.missed_below(&twice, Some(0)), Missed::Lines(&twice[40..]));
        // Where the pane has forgotten rows, or its history was cleared, the newest place is all that can be said.
        assert_eq!(kept.missed(&twice), Missed::Lines(&twice[80..]));
        // Wrapped lines take more rows; what stands above the capture counts.
        let mut narrow = anchored(0..40);
        narrow.stands_below(1000 + 80, 4);
        assert_eq!(narrow.missed_below(&twice, Some(1000)), Missed::Lines(&twice[40..]));
        // The second time is known as such.
        anchor.stands_below(80, 80);
        assert_eq!(anchor.missed_below(&twice, Some(0)), Missed::Lines(&twice[80..]));
    }

    #[test]
    fn a_stored_anchor_is_found_though_its_secrets_are_marks() {
        let line = |text: &str| text.to_owned();
        let history = ["start", "token abc123 ok", "hunter2", "new", "token xyz ok", "last"].map(line);
        let anchor =
            |lines: &[&str]| Anchor { lines: lines.iter().map(|text| line(text)).collect(), ..Anchor::default() };
        let kept = anchor(&["start", "token [redacted: known value] ok", "[redacted: known value]"]);
        assert_eq!(kept.missed(&history), Missed::Lines(&history[3..]));
        let other = anchor(&["begin", "token [redacted: known value] ok"]);
        assert_eq!(other.missed(&history), Missed::Gap(&history));
        // Any place would do; none is certain.
        assert_eq!(anchor(&["[redacted: private key]"; 3]).missed(&history), Missed::Gap(&history));
    }

    #[test]
    fn without_lines_only_a_pane_that_was_read_from_its_birth_has_missed_all_that_is_there() {
        let history = lines(0..5);
        assert_eq!(Anchor::new(true).missed(&history), Missed::Lines(&history));
        assert_eq!(Anchor::new(false).missed(&history), Missed::Gap(&[]));
        assert_eq!(Anchor::new(false).missed(&[]), Missed::Lines(&[]));
        // What an earlier version of this program wrote down of a process that had printed nothing.
        let old: Anchor = serde_json::from_str(r#"{"lines":[]}"#).unwrap();
        assert_eq!(old, Anchor::new(false));
    }

    #[test]
    fn a_full_row_that_was_told_by_itself_is_known_in_what_tmux_joined() {
        let mut anchor = Anchor::default();
        anchor.push("$ echo 12");
        anchor.push("one");
        assert_eq!(anchor.told_apart("$ echo 12one"), None, "an older anchor knows no width");
        anchor.stands_below(2, 9);
        assert_eq!(anchor.told_apart("$ echo 12one"), Some(9));
        assert_eq!(anchor.told_apart("$ echo 12"), None);
        assert_eq!(anchor.told_apart("$ echo 1"), None);
        // A blank at the margin is not remembered.
        anchor.stands_below(2, 10);
        assert_eq!(anchor.told_apart("$ echo 12 one"), Some(10));
        // Wide characters leave a column at the margin.
        anchor.push("界界");
        anchor.stands_below(2, 5);
        assert_eq!(anchor.told_apart("界界界"), Some(6));
    }

    #[test]
    fn an_anchor_survives_a_restart_and_cuts_long_lines_at_a_character() {
        let mut anchor = Anchor::default();
        anchor.push(&"界".repeat(400));
        let text = serde_json::to_string(&anchor).unwrap();
        let again: Anchor = serde_json::from_str(&text).unwrap();
        assert_eq!(anchor, again);
        assert_eq!(again.missed(&["界".repeat(400), "x".to_owned()]), Missed::Lines(&["x".to_owned()]));
    }
}
