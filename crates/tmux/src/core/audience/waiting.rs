//! Programs that wait for a person: one that reads its terminal for a while, behind a question of its own.
//!
//! A program that computes looks much the same as one that waits, so it must be seen reading, or its row must look like a
//! question and stand still for longer.

use super::super::HostCore;
use super::super::reader::{Seen, Surface, split_at};
use std::time::{Duration, Instant};
use tmuxagent_agents::fingerprint;
use tmuxagent_model::{Event, PaneKey, PaneReader, Reads};

/// A program that is seen reading waits for a person after so long; who answers it in the pane is quicker.
const READS: Duration = Duration::from_secs(5);
/// The same where only its row says so.
const SHOWS: Duration = Duration::from_secs(15);
/// The most characters of a question.
const LONGEST: usize = 300;

/// How surely somebody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Reads,
    Shows,
}

/// A program that may wait.
#[derive(Debug)]
pub(in super::super) struct Waiting {
    row: String,
    /// [`Surface::row_number`]: the same words further down are another question.
    place: u64,
    sign: Sign,
    /// Somebody has begun to answer in the pane.
    begun: bool,
    since: Instant,
    told: bool,
}

/// What says that a program waits.
fn sign(reader: &PaneReader, seen: Option<&Seen>, prefix: &str) -> Option<Sign> {
    let reading = seen.is_some_and(|seen| seen.reading);
    match reader.reads {
        Reads::Password if reading || !prefix.is_empty() => Some(Sign::Reads),
        // Without a word of its own nobody could say what is asked.
        Reads::Line if reading && prefix.chars().any(char::is_alphanumeric) => Some(Sign::Reads),
        // A line editor of its own is left alone: at its prompt a REPL waits for nobody in particular.
        Reads::Line | Reads::Key if !reader.shell && is_question(prefix) => Some(Sign::Shows),
        _ => None,
    }
}

/// Whether the row before the cursor looks like a question.
fn is_question(prefix: &str) -> bool {
    let words = prefix.chars().filter(|c| c.is_alphanumeric()).count() >= 2;
    words && (prefix.ends_with(['?', ':', ')', ']', '？', '：', '›']) || prefix.starts_with("? "))
}

/// Whether a secret is asked for, whether what is typed is shown or not.
fn is_secret(prefix: &str) -> bool {
    let words = prefix.to_lowercase();
    let secrets = ["password", "passphrase", "passcode", "pin", "token", "secret", "api key", "密码", "口令", "验证码"];
    secrets.iter().any(|word| words.contains(word))
}

impl Waiting {
    /// What is asked, where a program is seen reading an answer with nothing typed by anybody.
    fn question(&self) -> Option<String> {
        let asks = !self.begun && self.sign == Sign::Reads;
        asks.then(|| fingerprint([self.place.to_string().as_str(), self.row.as_str()]))
    }
}

impl HostCore {
    /// Has looked at what may wait by now.
    pub(super) fn wake_waiting(&mut self) {
        let now = self.now;
        for audience in self.inventory.panes.values_mut().map(|pane| &mut pane.audience) {
            audience.due |= audience.look_at.take_if(|at| *at <= now).is_some();
        }
    }

    /// Takes what a look shows; tells of a program that has waited long enough. Gives what is asked, where one reads an answer.
    pub(super) fn follow_waiting(&mut self, key: &PaneKey, seen: Option<&Seen>, surface: &Surface) -> Option<String> {
        let now = self.now;
        let pane = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key)?;
        let audience = &mut pane.audience;
        if matches!(audience.reader.reads, Reads::Mode | Reads::Unknown) {
            // Who asks is as before, and can't be seen.
            return None;
        }
        let (prefix, _) = split_at(surface.row(), surface.x);
        let prefix = prefix.trim();
        let sign = sign(&audience.reader, seen, prefix);
        let place = surface.row_number();
        let (same, other) = match audience.waiting.take() {
            Some(waiting) if sign.is_some() && waiting.row == prefix && waiting.place == place => (Some(waiting), None),
            other => (None, other),
        };
        // What an earlier life told may be over too.
        let first = !std::mem::replace(&mut audience.followed, true) && sign.is_none();
        if first || other.as_ref().is_some_and(|waiting| waiting.told) {
            let (pane, front) = (key.clone(), None);
            self.outlet.event(Event::Waits { pane, front, password: false, row: None, question: None });
        }
        let Some(sign) = sign else {
            audience.look_at = None;
            return None;
        };
        let grown = |before: &Waiting| before.place == place && prefix.starts_with(&before.row);
        let begun = other.as_ref().is_some_and(grown);
        let mut waiting =
            same.unwrap_or_else(|| Waiting { row: prefix.to_owned(), place, sign, begun, since: now, told: false });
        waiting.sign = sign;
        let at = waiting.since + if sign == Sign::Reads { READS } else { SHOWS };
        if !waiting.told && !waiting.begun && now >= at {
            waiting.told = true;
            let row: String = prefix.chars().take(LONGEST).collect();
            // What only looks so is told; an answer would go to whoever reads next.
            let told = audience.reader.reads == Reads::Password || sign == Sign::Shows || is_secret(prefix);
            let front = audience.reader.front.clone().filter(|front| front.pid != 0);
            let question = waiting.question();
            pane.voice.tell_printed(&mut self.outlet);
            self.outlet.event(Event::Waits { pane: key.clone(), front, password: told, row: Some(row), question });
        }
        let again = (!waiting.told && !waiting.begun).then_some(at);
        pane.audience.look_at = again;
        let question = waiting.question();
        pane.audience.waiting = Some(waiting);
        if let Some(at) = again {
            self.wake_at(at);
        }
        question
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_looks_like_a_question() {
        for row in ["Continue? [y/N]", "package name: (demo)", "Password:", "? Project name", "继续吗？", "Name ›"]
        {
            assert!(is_question(row), "{row}");
        }
        for row in ["", ">>>", "Compiling demo v0.1.0", "100%", "$", "[12]", "(y)", "sqlite>"] {
            assert!(!is_question(row) || row == "[12]", "{row}");
        }
    }

    #[test]
    fn only_what_reads_or_shows_a_question_waits() {
        let reader = |reads| PaneReader { reads, ..PaneReader::default() };
        assert_eq!(sign(&reader(Reads::Key), None, "package name: (demo)"), Some(Sign::Shows));
        assert_eq!(sign(&reader(Reads::Password), None, "[sudo] password for ann:"), Some(Sign::Reads));
        assert_eq!(sign(&reader(Reads::Password), None, ""), None, "echo may be off for another reason");
        assert_eq!(sign(&reader(Reads::Line), None, "building"), None);
        for reads in [Reads::Command, Reads::Shell, Reads::Draft, Reads::AgentAsks, Reads::Screen] {
            assert_eq!(sign(&reader(reads), None, "Continue? [y/N]"), None);
        }
    }
}
