//! The user's `keymap.yaml`: `action: key` or `action: [key, key]`; `[]` takes an action's keys away.
//!
//! All problems are told at once, with line and column.

use super::{Key, KeyAction, Keymap};
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use std::fmt;

/// Why a keymap file is not used. Displays as one `file:line:column: text` per line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", show(.file, .problems))]
pub struct KeymapError {
    /// The file, for people.
    pub file: String,
    /// Everything that is wrong.
    pub problems: Vec<KeymapProblem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeymapProblem {
    /// Line and column from 1; `None` where the file as a whole is meant.
    pub at: Option<(u64, u64)>,
    /// What is wrong and what to do.
    pub text: String,
}

fn show(file: &str, problems: &[KeymapProblem]) -> String {
    let line = |problem: &KeymapProblem| match problem.at {
        Some((line, column)) => format!("{file}:{line}:{column}: {}", problem.text),
        None => format!("{file}: {}", problem.text),
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Keymap {
    /// The defaults changed by a keymap file.
    ///
    /// # Errors
    /// With every problem of the file: bad YAML, unknown actions (with the nearest name), unreadable keys, a key that
    /// two actions of one context would have.
    pub fn from_yaml(file: &str, source: &str) -> Result<Self, KeymapError> {
        let fail = |problems| KeymapError { file: file.to_owned(), problems };
        if source.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        let Bindings(rows) = serde_yaml::from_str(source).map_err(|error| {
            let at = error.location().map(|at| (at.line(), at.column()));
            let text = error.without_snippet().to_string();
            let text = text.lines().next().unwrap_or("not a valid YAML file").to_owned();
            fail(vec![KeymapProblem { at, text }])
        })?;
        let mut map = Self::default();
        let mut problems = Vec::new();
        let mut changed = Vec::new();
        for (name, keys) in rows {
            let at = Some((name.referenced.line(), name.referenced.column()));
            match action_of(&name.value) {
                Err(text) => problems.push(KeymapProblem { at, text }),
                Ok(action) => {
                    let (good, bad) = read_keys(keys.value);
                    let place = Some((keys.referenced.line(), keys.referenced.column()));
                    problems.extend(bad.into_iter().map(|text| KeymapProblem { at: place, text }));
                    changed.push((action, place));
                    map.keys.insert(action, good);
                }
            }
        }
        problems.extend(clashes(&map, &changed));
        if problems.is_empty() { Ok(map) } else { Err(fail(problems)) }
    }
}

fn action_of(name: &str) -> Result<KeyAction, String> {
    match KeyAction::by_name(name) {
        Some(action) if action.is_fixed() => Err(format!("the keys of `{name}` can't be changed")),
        Some(action) => Ok(action),
        None => Err(match nearest(name, KeyAction::ALL.iter().map(|action| action.name())) {
            Some(near) => format!("unknown action `{name}`; did you mean `{near}`?"),
            None => format!("unknown action `{name}`; `?` in the program lists what keys can do"),
        }),
    }
}

fn read_keys(texts: Keys) -> (Vec<Key>, Vec<String>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for text in texts.0 {
        match text.parse::<Key>() {
            Ok(key) if good.contains(&key) => {}
            Ok(key) => good.push(key),
            Err(error) => bad.push(error.to_string()),
        }
    }
    (good, bad)
}

/// A key of two actions, told once at the row that the user wrote.
fn clashes(map: &Keymap, changed: &[(KeyAction, Option<(u64, u64)>)]) -> Vec<KeymapProblem> {
    let row = |action| changed.iter().find(|(known, _)| *known == action).map(|(_, at)| *at);
    let mut told: Vec<(Key, KeyAction, KeyAction)> = Vec::new();
    let mut problems = Vec::new();
    for clash in map.conflicts() {
        if told.contains(&(clash.key, clash.first, clash.second)) {
            continue;
        }
        told.push((clash.key, clash.first, clash.second));
        let (mine, other) = match row(clash.second) {
            Some(_) => (clash.second, clash.first),
            None => (clash.first, clash.second),
        };
        let origin = if row(other).is_some() { "" } else { " (by default)" };
        problems.push(KeymapProblem {
            at: row(mine).flatten(),
            text: format!(
                "`{}` is bound to both `{}` and `{}`{origin} on {}; give one of them another key",
                clash.key,
                mine.name(),
                other.name(),
                clash.context.name(),
            ),
        });
    }
    problems
}

/// The known name with the fewest changed letters, if it is near enough to be meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1) + 1;
    known.map(|other| (distance(name, other), other)).filter(|(d, _)| *d <= limit).min().map(|(_, other)| other)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The rows of the file in their order.
struct Bindings(Vec<(Spanned<String>, Spanned<Keys>)>);

impl<'de> Deserialize<'de> for Bindings {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = Bindings;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rows such as `approve: a`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bindings, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = map.next_entry()? {
                    rows.push(row);
                }
                Ok(Bindings(rows))
            }
        }
        from.deserialize_map(Rows)
    }
}

/// One key, several, or none.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key or a list of keys")
            }
            fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Keys, E> {
                Ok(Keys(vec![key.to_owned()]))
            }
            fn visit_u64<E: serde::de::Error>(self, digit: u64) -> Result<Keys, E> {
                Ok(Keys(vec![digit.to_string()]))
            }
            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Keys, E> {
                // A bare `y` or `n` is a boolean to some YAML readers.
                Ok(Keys(vec![if value { "y" } else { "n" }.to_owned()]))
            }
            fn visit_unit<E: serde::de::Error>(self) -> Result<Keys, E> {
                Ok(Keys(Vec::new()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some(Keys(more)) = seq.next_element()? {
                    keys.extend(more);
                }
                Ok(Keys(keys))
            }
        }
        from.deserialize_any(OneOrMore)
    }
}
