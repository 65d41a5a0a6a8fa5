//! Questions that a program printed as messages: how many still stand, and when one was answered in the pane.
//!
//! An answer is for the program that asked, while it still asks. Once a program that was seen waiting behind its question has
//! read something and a line has ended there, whoever is at the pane has answered it: what is typed after that would answer
//! whatever the program asks next.

use super::super::reader::Seen;
use tmuxagent_model::{Front, PaneReader, Reads};

/// The questions of a pane that stand.
#[derive(Debug, Default)]
pub(in super::super) struct Asked {
    /// How many were printed and not seen answered.
    open: u32,
    /// How the program was seen waiting.
    wait: Option<Wait>,
    /// The last that stood was answered in the pane.
    over: bool,
}

/// A program that waits.
#[derive(Debug, PartialEq, Eq)]
struct Wait {
    front: Front,
    /// How often it has waited, and how many bytes it has read by then, where the system tells.
    switches: Option<u64>,
    took: Option<u64>,
    /// How many lines its pane had ended.
    ends: u64,
}

impl Asked {
    /// So many questions were printed since the last look.
    pub fn printed(&mut self, more: u32) {
        if more > 0 {
            self.open = self.open.saturating_add(more);
            self.over = false;
        }
    }

    /// What stands is answered by keys of ours.
    pub fn answered_by_us(&mut self) {
        if self.wait.take().is_some() {
            self.open = self.open.saturating_sub(1);
        }
    }

    /// Whether nothing stands any more, since it was answered in the pane.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Takes a look. Gives the program whose oldest question was answered since the last.
    pub fn follow(&mut self, reader: &PaneReader, seen: Option<&Seen>, ends: u64) -> Option<Front> {
        let front = reader.front.as_ref().filter(|front| front.pid != 0)?;
        let (switches, took) = seen.map_or((None, None), |seen| (seen.switches, seen.took));
        if self.open == 0 || reader.shell {
            return None;
        }
        let Some(wait) = self.wait.as_ref().filter(|wait| wait.front.is(front)) else {
            if matches!(reader.reads, Reads::Line | Reads::Key) {
                self.wait = Some(Wait { front: front.clone(), switches, took, ends });
            }
            return None;
        };
        // What is printed beside it wakes nobody, and a signal reads nothing.
        let woke = wait.switches.zip(switches).is_none_or(|(before, now)| before != now);
        let read = wait.took.zip(took).is_none_or(|(before, now)| before != now);
        if !(ends > wait.ends && woke && read) {
            return None;
        }
        self.wait = None;
        self.open -= 1;
        self.over = self.open == 0;
        Some(front.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(pid: u32, reads: Reads) -> PaneReader {
        PaneReader { reads, front: Some(Front { pid, born: 1, name: "p".to_owned() }), ..PaneReader::default() }
    }

    fn seen(switches: u64, took: u64) -> Seen {
        Seen { switches: Some(switches), took: Some(took), ..Seen::default() }
    }

    #[test]
    fn what_was_answered_in_the_pane_does_not_stand() {
        let mut asked = Asked::default();
        asked.printed(1);
        let waits = reader(2, Reads::Line);
        assert_eq!(asked.follow(&waits, Some(&seen(5, 100)), 7), None, "it waits");
        assert_eq!(asked.follow(&waits, Some(&seen(5, 100)), 9), None, "something else printed there");
        assert_eq!(asked.follow(&waits, Some(&seen(6, 100)), 9), None, "a signal");
        assert_eq!(asked.follow(&waits, Some(&seen(6, 102)), 7), None, "half an answer");
        assert!(!asked.is_over());
        let works = reader(2, Reads::Command);
        assert_eq!(asked.follow(&works, Some(&seen(7, 103)), 9), waits.front);
        assert!(asked.is_over() && asked.follow(&works, Some(&seen(8, 110)), 12).is_none(), "once");
        asked.printed(1);
        assert!(!asked.is_over(), "it asks again");
    }

    #[test]
    fn the_oldest_of_some_is_answered_and_ours_are_no_news() {
        let mut asked = Asked::default();
        asked.printed(2);
        let waits = reader(2, Reads::Line);
        asked.follow(&waits, None, 7);
        assert_eq!(asked.follow(&waits, None, 8), waits.front, "where nothing but lines is known");
        assert!(!asked.is_over());
        asked.follow(&waits, None, 8);
        asked.answered_by_us();
        assert_eq!(asked.follow(&waits, None, 12), None);
        assert!(!asked.is_over());
        // Another program, or a shell, has not asked.
        asked.printed(1);
        asked.follow(&waits, None, 12);
        assert_eq!(asked.follow(&reader(3, Reads::Line), None, 20), None);
        assert_eq!(asked.follow(&PaneReader { shell: true, ..reader(3, Reads::Line) }, None, 30), None);
    }
}
