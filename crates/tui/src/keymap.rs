//! Which key does what: bindings as data, the defaults and the user's changes in one table.
//!
//! **Responsibilities:** the effective bindings, their conflicts, and the labels that help and footer show, so that what
//! is shown is what works. **Not:** doing anything (that is `update`) and editing of input lines (that is `editor`).

mod action;
mod file;
mod key;

pub use action::{Context, KeyAction, Section};
pub use key::{Key, KeyError};

use super::theme::Glyphs;
use std::collections::BTreeMap;

/// One key bound to two actions that may be wanted at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key.
    pub key: Key,
    /// Where both apply.
    pub context: Context,
    /// The action that comes first in the table.
    pub first: KeyAction,
    /// The other one.
    pub second: KeyAction,
}

/// The effective bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    keys: BTreeMap<KeyAction, Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { keys: KeyAction::ALL.iter().map(|&action| (action, action.default_keys().to_vec())).collect() }
    }
}

impl Keymap {
    /// The keys of an action, the one to show first; empty when the user unbound it.
    #[must_use]
    pub fn keys(&self, action: KeyAction) -> &[Key] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// What a key does in a context.
    #[must_use]
    pub fn action(&self, context: Context, key: Key) -> Option<KeyAction> {
        let bound = |wanted: Key| {
            KeyAction::ALL
                .iter()
                .copied()
                .find(|&action| action.contexts().contains(&context) && self.keys(action).contains(&wanted))
        };
        // An input method that is switched on turns `/` into `／`; where nothing is typed both mean the same.
        bound(key).or_else(|| bound(key.narrowed()?))
    }

    /// The label of the key to press for an action, `None` when it has none.
    #[must_use]
    pub fn label(&self, action: KeyAction, glyphs: Glyphs) -> Option<String> {
        self.keys(action).first().map(|key| key.label(glyphs))
    }

    /// The labels of all keys of an action, for the help.
    #[must_use]
    pub fn labels(&self, action: KeyAction, glyphs: Glyphs) -> String {
        match action {
            // Nine keys in a row read better as a range.
            KeyAction::Choose => "1-9".to_owned(),
            _ => self.keys(action).iter().map(|key| key.label(glyphs)).collect::<Vec<_>>().join(" "),
        }
    }

    /// Every key that two actions of one context claim.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut found = Vec::new();
        for context in Context::ALL {
            let mut seen: BTreeMap<Key, KeyAction> = BTreeMap::new();
            for &action in KeyAction::ALL.iter().filter(|action| action.contexts().contains(&context)) {
                for &key in self.keys(action) {
                    match seen.get(&key) {
                        Some(&first) if first != action => {
                            found.push(Conflict { key, context, first, second: action });
                        }
                        _ => {
                            seen.insert(key, action);
                        }
                    }
                }
            }
        }
        found
    }

    /// Rows of the help for one section: keys, description.
    #[must_use]
    pub fn help(&self, section: Section, glyphs: Glyphs) -> Vec<(KeyAction, String)> {
        KeyAction::ALL
            .iter()
            .filter(|action| action.section() == section && !self.keys(**action).is_empty())
            .map(|&action| (action, self.labels(action, glyphs)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
