//! `match` → [`Selector`].

use super::Reading;
use crate::pattern::text_test;
use crate::policy::{Selector, TextTest};
use crate::raw::{RawSelector, RawSelectors};
use crate::read::Text;

impl Reading<'_> {
    /// Several keys in one map must all hold.
    pub(super) fn selectors(&mut self, raw: &RawSelectors) -> Selector {
        let mut parts: Vec<Selector> = raw.entries.iter().map(|entry| self.selector(&entry.value)).collect();
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return only;
        }
        Selector::All(parts)
    }

    fn selector(&mut self, raw: &RawSelector) -> Selector {
        match raw {
            RawSelector::AnyOf(list) => {
                if list.blank {
                    self.problems.error("never-holds", list.at, "an empty `any_of` matches no pane");
                }
                Selector::Any(list.items.iter().map(|item| self.selectors(item)).collect())
            }
            RawSelector::AllOf(list) => {
                if list.blank {
                    self.problems.error("matches-everything", list.at, "an empty `all_of` matches every pane");
                }
                Selector::All(list.items.iter().map(|item| self.selectors(item)).collect())
            }
            RawSelector::Not(inner) => Selector::Not(Box::new(self.selectors(inner))),
            RawSelector::Host(text) => Selector::Host(self.test(text)),
            RawSelector::Session(text) => Selector::Session(self.test(text)),
            RawSelector::Window(text) => Selector::Window(self.test(text)),
            RawSelector::Title(text) => Selector::Title(self.test(text)),
            RawSelector::Role(text) => Selector::Role(self.test(text)),
            RawSelector::Command(text) => Selector::Command(self.test(text)),
            RawSelector::Path(text) => Selector::Path(self.test(text)),
            RawSelector::Agent(text) => Selector::Agent(self.test(text)),
        }
    }

    pub(super) fn test(&mut self, text: &Text) -> TextTest {
        match text_test(&text.value) {
            Ok(test) => {
                if !matches!(test, TextTest::Regex(_)) && looks_like_regex(&text.value) {
                    let message =
                        format!("`{}` looks like a regular expression, but is compared as a text or glob", text.value);
                    let help = format!("write `/{}/` for a regular expression", text.value);
                    self.problems.warning("regex-or-text", text.at, message).help(help);
                }
                test
            }
            Err(error) => {
                self.bad_regex(text, &error);
                TextTest::Exact(text.value.clone())
            }
        }
    }
}

/// What nobody writes into a name or a glob.
fn looks_like_regex(text: &str) -> bool {
    [".*", ".+", "\\d", "\\w", "\\s", "\\.", "\\b", "[a-z", "[0-9", "(?", "|"].iter().any(|mark| text.contains(mark))
}
