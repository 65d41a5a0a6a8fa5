//! Which state each saved screen of a folder shows: its `screens.yaml`, or the screens' names.

use super::read::STATES;
use tmuxagent_yaml::{Diagnostics, Reader, Source};

/// What is expected of a folder's screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The name of the recogniser.
    pub agent: String,
    /// The name of each screen, without its ending, with the word of its state.
    pub screens: Vec<(String, String)>,
}

/// The words of all states that a screen can show.
fn words() -> Vec<(&'static str, &'static str)> {
    STATES.iter().map(|(word, _)| (*word, *word)).chain([("unsure", "unsure")]).collect()
}

impl Expected {
    /// Reads a `screens.yaml`.
    ///
    /// # Errors
    /// All problems at once, in the order of the text.
    pub fn read(source: &Source) -> Result<Self, Diagnostics> {
        Reader::read(source, |top| {
            // There is one version of the form so far; the number's own message says so.
            let _ = top.number("version", 1..=1);
            let agent = top.require("agent").and_then(|node| top.reader().text(node, "agent")).unwrap_or_default();
            let mut screens = Vec::new();
            if let Some(map) = top.map("screens") {
                for (key, node) in map.entries() {
                    let state = top.reader().word(node, &map.path(&key.text), &words());
                    screens.extend(state.map(|state| (key.text.clone(), state.to_owned())));
                }
            }
            let agent = agent.to_owned();
            top.finish();
            Self { agent, screens }
        })
    }

    /// The state that a screen's name begins with: `needs_approval-2` shows one that needs approval.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static str> {
        let begins = |word: &str| {
            name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        words().into_iter().find(|(word, _)| begins(word)).map(|(word, _)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_say_what_is_expected() {
        assert_eq!(Expected::by_name("needs_approval-80x24"), Some("needs_approval"));
        assert_eq!(Expected::by_name("idle"), Some("idle"));
        assert_eq!(Expected::by_name("idle_start"), None);
        let text = "version: 1\nagent: codex\nscreens:\n  a: idle\n  b: needs_aproval\n";
        let problems = Expected::read(&Source::new("screens.yaml", text)).unwrap_err();
        let shown = problems.show(tmuxagent_text::Lang::En);
        assert!(shown.contains("screens.yaml:5:6") && shown.contains("did you mean `needs_approval`?"), "{shown}");
    }
}
