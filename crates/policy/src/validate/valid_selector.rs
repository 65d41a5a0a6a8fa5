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
            RawSelector::Host(text) => Selector::Host(self.test_of_name(text)),
            RawSelector::Session(text) => Selector::Session(self.test_of_name(text)),
            RawSelector::Window(text) => Selector::Window(self.test_of_name(text)),
            RawSelector::Title(text) => Selector::Title(self.test_of_name(text)),
            RawSelector::Role(text) => Selector::Role(self.test_of_name(text)),
            RawSelector::Command(text) => Selector::Command(self.test_of_name(text)),
            // `[id]` is the name of many a folder.
            RawSelector::Path(text) => Selector::Path(self.test(text)),
            RawSelector::Agent(text) => Selector::Agent(self.test_of_name(text)),
        }
    }

    /// As [`Self::test`], for what is seldom named with signs by which other tools write patterns.
    fn test_of_name(&mut self, text: &Text) -> TextTest {
        let test = self.test(text);
        let written = &text.value;
        if matches!(test, TextTest::Regex(_)) || looks_like_regex(written) {
            return test;
        }
        if let Some(Foreign { class, glob, regex }) = foreign_pattern(written) {
            let message = format!("`{class}` in `{written}` stands for itself: only `*` and `?` stand for other signs");
            let (before, after) = written.split_once(&class).unwrap_or_default();
            let [before_regex, after_regex, itself] = [before, after, written].map(regex::escape);
            let help = format!(
                "write `{before}{glob}{after}` for a glob, `/^{before_regex}{regex}{after_regex}$/` for just these, or \
                 `/^{itself}$/` where the name holds these signs"
            );
            self.problems.warning("regex-or-text", text.at, message).help(help);
        }
        test
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

/// A part of a name by which other tools mean something else.
struct Foreign {
    class: String,
    /// What means it in a glob of ours, and in a regular expression.
    glob: &'static str,
    regex: String,
}

/// A class (`[56]`) or alternatives (`{a,b}`) as a shell's patterns have them.
fn foreign_pattern(text: &str) -> Option<Foreign> {
    let between = |open: char, close: char| {
        let (_, rest) = text.split_once(open)?;
        let (inside, _) = rest.split_once(close)?;
        Some(inside).filter(|inside| !inside.is_empty() && !inside.contains(char::is_whitespace))
    };
    let class = between('[', ']').map(|inside| {
        let class = format!("[{inside}]");
        Foreign { regex: class.replacen("[!", "[^", 1), class, glob: "?" }
    });
    let words = || between('{', '}').filter(|inside| inside.contains(','));
    class.or_else(|| {
        let words = words()?;
        let all: Vec<String> = words.split(',').map(regex::escape).collect();
        Some(Foreign { class: format!("{{{words}}}"), glob: "*", regex: format!("({})", all.join("|")) })
    })
}

/// What nobody writes into a name or a glob.
fn looks_like_regex(text: &str) -> bool {
    [".*", ".+", "\\d", "\\w", "\\s", "\\.", "\\b", "[a-z", "[0-9", "(?", "|"].iter().any(|mark| text.contains(mark))
}
