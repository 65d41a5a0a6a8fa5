//! The first words of a process that was put into a pane: what is its own of all that the pane holds.
//!
//! tmux wipes the screen for it and leaves the history, so what the screen shows is its own, and all there is unless the
//! screen is full or the process wiped it itself. Then what its pipe gave since its predecessor lost the terminal tells
//! where it began; that may begin with the last words of a predecessor which printed to its end, and those stand nowhere
//! above its first.

use super::{Capture, Told};
use tmuxagent_lines::{Missed, Reader, Reading};

/// What was read of it before its pane was known for its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::core) struct Begun {
    printed: Vec<u8>,
    lines: Vec<String>,
}

impl Begun {
    /// These bytes, on a screen of that size.
    pub fn new(printed: Vec<u8>, width: u16, height: u16) -> Self {
        let (mut reader, mut lines) = (Reader::new(), Vec::new());
        reader.resize(width, height);
        reader.bytes(&printed, &mut |reading| {
            if let Reading::Line { text, .. } = reading {
                lines.push(text.trim_end().to_owned());
            }
        });
        Self { printed, lines }
    }

    /// Where the most of its last lines stand among those that the pane holds, at the newest such place.
    fn place(&self, held: &[String]) -> Option<(usize, usize)> {
        let most = |end: usize| {
            let own = self.lines.iter().rev();
            own.zip(held[..end].iter().rev()).take_while(|(own, line)| **own == line.trim_end()).count()
        };
        let (most, end) = (1..=held.len()).map(|end| (most(end), end)).max()?;
        (most > 0).then(|| (end - most, end))
    }

    /// Whether it wipes what it printed before.
    fn wipes(&self) -> bool {
        let mut escapes = self.printed.split(|&byte| byte == 0x1b).skip(1);
        escapes.any(|rest| match rest {
            [b'c', ..] => true,
            [b'[', rest @ ..] => rest.iter().find(|byte| byte.is_ascii_alphabetic()) == Some(&b'J'),
            _ => false,
        })
    }

    /// Which of the pane's complete lines are its own and not told yet; what stands there no more is told here.
    pub fn told<'c>(
        &self,
        reader: &mut Reader,
        capture: &Capture,
        (complete, partial): (&'c [String], &str),
        sink: &mut dyn FnMut(Told<'_>),
    ) -> Missed<'c> {
        let shown = || complete.get(complete.len() - on_screen(capture, complete, partial)..).unwrap_or_default();
        let (full, wipes) = (capture.cursor.1 + 1 >= capture.visible.len(), self.wipes());
        let place = self.place(complete);
        match place {
            // What it matches from the first line on may have begun above that.
            Some((begin @ 1.., _)) if full && !wipes => return Missed::Lines(&complete[begin..]),
            _ if full || wipes => reader.bytes(&self.printed, &mut |reading| sink(Told::Reading(reading))),
            _ => {}
        }
        match place.filter(|_| full || wipes) {
            Some((_, end)) => Missed::Lines(&complete[end..]),
            None => {
                if full && !wipes {
                    sink(Told::Gap);
                }
                Missed::Lines(shown())
            }
        }
    }
}

/// How many of these last lines stand on the screen.
fn on_screen(capture: &Capture, lines: &[String], partial: &str) -> usize {
    let end = capture.visible.iter().rposition(|row| !row.trim_end().is_empty()).map_or(0, |at| at + 1);
    let mut rows = capture.visible.get(..end).unwrap_or_default().iter().rev();
    let mut take = |line: &str| {
        let (mut length, whole) = (rows.next()?.len(), line.trim_end().len());
        while length < whole {
            length += rows.next()?.len();
        }
        Some(())
    };
    if !partial.is_empty() && take(partial).is_none() {
        return 0;
    }
    lines.iter().rev().map_while(|line| take(line)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a process that printed `printed` where the pane holds `held` and shows the last `rows` of it.
    fn told(printed: &str, held: &[&str], rows: usize) -> Vec<String> {
        let lines: Vec<String> = held.iter().map(ToString::to_string).collect();
        let mut visible: Vec<String> = lines[lines.len() - rows..].to_vec();
        visible.resize(4, String::new());
        let capture = Capture { cursor: (0, rows.min(3)), visible, ..Capture::default() };
        let mut all = Vec::new();
        let begun = Begun::new(printed.replace('\n', "\r\n").into_bytes(), 80, 4);
        let missed = begun.told(&mut Reader::new(), &capture, (&lines, ""), &mut |told| match told {
            Told::Reading(Reading::Line { text, .. }) => all.push(text.to_owned()),
            Told::Gap => all.push("GAP".to_owned()),
            Told::Reading(_) | Told::Known(_) => {}
        });
        let Missed::Lines(new) = missed else { panic!("no lines") };
        all.extend(new.iter().cloned());
        all
    }

    #[test]
    fn what_a_screen_shows_that_is_not_full_is_its_own() {
        assert_eq!(told("", &["old", "one"], 1), ["one"]);
        assert_eq!(told("last of the old\none\n", &["old", "one", "two"], 2), ["one", "two"]);
        assert!(told("last of the old\n", &["old"], 0).is_empty());
    }

    #[test]
    fn what_was_pushed_out_of_the_screen_is_found_by_what_was_read() {
        let held = ["one", "2", "old", "one", "2", "3", "4", "5", "6"];
        assert_eq!(told("last of the old\none\n2\n3\n", &held, 4), held[3..]);
        assert_eq!(told("", &held, 4), ["GAP", "3", "4", "5", "6"]);
        assert_eq!(told("one\n2\n3\n", &["2", "3", "4", "5", "6"], 4), ["one", "2", "3", "4", "5", "6"]);
    }

    #[test]
    fn what_it_wiped_itself_is_told() {
        assert_eq!(told("one\n\u{1b}[H\u{1b}[2J", &["old"], 0), ["one"]);
        assert_eq!(told("one\n\u{1b}[2Jtwo\n", &["old", "two", "three"], 2), ["one", "two", "three"]);
        assert_eq!(told("one\n\u{1b}[31mtwo\n", &["old", "two"], 1), ["two"]);
    }
}
