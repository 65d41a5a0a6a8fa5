//! What a step of the engine is told beside its event: what the pane printed last, and who is in front where a stage begins.
//!
//! **Invariant:** who is in front is told in the round in which the stage began, before its keys are handed on, and stands in
//! the journal; or later, as soon as somebody who reads is seen there.

use super::core::Core;
use std::collections::BTreeSet;
use tmuxagent_model::{Event, Intent, PaneKey};
use tmuxagent_tmux::PaneLive;

/// Whether a line is a prompt of its pane's shell, alone or with what was typed behind it. A prompt that is no more than a
/// sign (`$`, `>`) stands alone: programs begin lines so.
pub(crate) fn is_prompt(line: &str, prompt: &str) -> bool {
    let (line, prompt) = (line.trim(), prompt.trim());
    let Some(rest) = line.strip_prefix(prompt).filter(|_| !prompt.is_empty()) else { return false };
    rest.is_empty() || prompt.contains(char::is_alphanumeric) && rest.starts_with(char::is_whitespace)
}

impl Core {
    /// A fact with what its pane printed last, should a question follow from it. What the pane's shell draws itself is left
    /// out, as its prompts are known by now.
    pub(crate) fn witnessed(&self, fact: &Event) -> Option<Event> {
        let pane = self.engine.concerns(fact)?;
        let mut printed = self.view.last_lines(pane);
        printed.retain(|line| !self.hosts.prompts(pane).any(|prompt| is_prompt(&line.text, prompt)));
        // That a command printed nothing is told too, where that is known.
        let tells = !printed.is_empty() || self.view.has_heard_all(pane);
        tells.then(|| Event::Witnessed { fact: Box::new(fact.clone()), printed })
    }

    /// Tells who is in front of panes; the intents as they are then.
    pub(crate) fn with_fronts(&mut self, panes: &BTreeSet<PaneKey>, intents: Vec<Intent>) -> Vec<Intent> {
        if panes.is_empty() {
            return intents;
        }
        for pane in panes {
            if let Some((front, shell)) = self.view.in_front(pane) {
                self.step(&Event::InFront { pane: pane.clone(), front, shell });
            }
        }
        intents.into_iter().map(|intent| self.engine.intent(&intent.id).cloned().unwrap_or(intent)).collect()
    }

    /// The picture of a pane is another one. Whoever reads there now may be the first that is seen since a stage began.
    pub(crate) fn pictured(&mut self, live: PaneLive) {
        let pane = live.pane.clone();
        let before = self.view.in_front(&pane);
        self.view.printed(live, &self.redactor);
        let now = self.view.in_front(&pane).filter(|now| before.as_ref() != Some(now));
        if let Some((front, shell)) = now
            && self.engine.wants_front(self.now, &pane, shell)
        {
            self.step(&Event::InFront { pane, front, shell });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_prompt;

    #[test]
    fn the_panes_own_prompt_is_known_with_and_without_a_command() {
        for (line, prompt) in [
            ("vm#", "vm# "),
            ("vm# ./test.sh", "vm# "),
            ("me@mac proj %", "me@mac proj % "),
            ("me@mac proj % npm test            [12:03]", "me@mac proj % "),
            ("user@host:~/x$ make", "user@host:~/x$ "),
            ("➜  proj git:(main) ✗ make", "➜  proj git:(main) ✗ "),
            ("$", "$ "),
        ] {
            assert!(is_prompt(line, prompt), "{line}");
        }
        for (line, prompt) in [
            ("> shop@1.0.0 test", "> "),
            ("# fail 1", "# "),
            ("vm#2 is down", "vm# "),
            ("1 failed: adds up", "vm# "),
            ("1 failed: adds up", ""),
        ] {
            assert!(!is_prompt(line, prompt), "{line}");
        }
    }
}
