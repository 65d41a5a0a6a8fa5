//! The user's `keymap.yaml`: `action: key` or `action: [key, key]`; `[]` takes an action's keys away.

use super::{Key, KeyAction, Keymap};
use tmuxagent_yaml::{Diagnostics, Node, Place, Reader, Source};

impl Keymap {
    /// The defaults changed by a keymap file.
    ///
    /// # Errors
    /// With every problem of the file: bad YAML, unknown actions (with the nearest name), unreadable keys, a key that
    /// two actions of one context would have.
    pub fn from_yaml(source: &Source) -> Result<Self, Diagnostics> {
        Reader::read(source, |top| {
            let reader = top.reader();
            let mut map = Self::default();
            let mut changed = Vec::new();
            for (name, keys) in top.entries() {
                if let Some(action) = action_of(reader, &name.text, name.at) {
                    changed.push((action, keys.at));
                    map.keys.insert(action, read_keys(reader, action, keys));
                }
            }
            report_clashes(reader, &map, &changed);
            map
        })
    }
}

fn action_of(reader: &Reader<'_>, name: &str, at: Place) -> Option<KeyAction> {
    match KeyAction::by_name(name) {
        Some(action) if action.is_fixed() => {
            reader.error("fixed-key", at, format!("the keys of `{name}` can't be changed"))
        }
        Some(action) => return Some(action),
        None => {
            let free = KeyAction::ALL.iter().filter(|action| !action.is_fixed());
            let free: Vec<&str> = free.map(|action| action.name()).collect();
            let all = KeyAction::ALL.iter().map(|action| action.name());
            let text = format!("unknown action `{name}`");
            reader.unknown("unknown-name", at, text, (name, all), || format!("one of {}", free.join(", ")));
        }
    }
    None
}

fn read_keys(reader: &Reader<'_>, action: KeyAction, node: &Node) -> Vec<Key> {
    let mut keys = Vec::new();
    for item in reader.list(node) {
        let Some(text) = reader.text(item, action.name()) else { continue };
        match text.parse::<Key>() {
            Ok(key) if keys.contains(&key) => {}
            Ok(key) => keys.push(key),
            Err(error) => reader.error_with(
                "bad-key",
                item.at,
                error.to_string(),
                "write one character, or enter, esc, tab, space, up, pgdn, f1 …, with ctrl-, alt- or shift- before it",
            ),
        }
    }
    keys
}

/// A key of two actions, told once, at the row that the user wrote.
fn report_clashes(reader: &Reader<'_>, map: &Keymap, changed: &[(KeyAction, Place)]) {
    let row = |action| changed.iter().find(|(known, _)| *known == action).map(|(_, at)| *at);
    let mut told: Vec<(Key, KeyAction, KeyAction)> = Vec::new();
    for clash in map.conflicts() {
        if told.contains(&(clash.key, clash.first, clash.second)) {
            continue;
        }
        told.push((clash.key, clash.first, clash.second));
        // The defaults have no conflict, so the user wrote at least one of the two.
        let (mine, other) =
            if row(clash.second).is_some() { (clash.second, clash.first) } else { (clash.first, clash.second) };
        let Some(at) = row(mine) else { continue };
        let origin = if row(other).is_some() { "" } else { " (by default)" };
        let place = clash.context.name();
        reader.error_with(
            "twice",
            at,
            format!("`{}` is bound to both `{}` and `{}`{origin} on {place}", clash.key, mine.name(), other.name()),
            format!("give `{}` or `{}` another key", mine.name(), other.name()),
        );
    }
}
