//! The user's `keymap.yaml`: `action: key` or `action: [key, key]`; `[]` takes an action's keys away.

use super::{Key, KeyAction, Keymap};
use tmuxagent_yaml::{Diagnostic, Node, Reader, Source, Span, nearest, parse};

impl Keymap {
    /// The defaults changed by a keymap file.
    ///
    /// # Errors
    /// With every problem of the file: bad YAML, unknown actions (with the nearest name), unreadable keys, a key that
    /// two actions of one context would have.
    pub fn from_yaml(source: &Source) -> Result<Self, Vec<Diagnostic>> {
        let root = parse(source).map_err(|diagnostic| vec![diagnostic])?;
        let reader = Reader::new(source);
        let mut map = Self::default();
        let mut changed = Vec::new();
        if let Some(fields) = reader.map(&root, "") {
            for (name, keys) in fields.entries() {
                if let Some(action) = action_of(&reader, &name.text, name.span) {
                    changed.push((action, keys.span));
                    map.keys.insert(action, read_keys(&reader, action, keys));
                }
            }
        }
        report_clashes(&reader, &map, &changed);
        let problems = reader.finish();
        if problems.is_empty() { Ok(map) } else { Err(problems) }
    }
}

fn action_of(reader: &Reader<'_>, name: &str, span: Span) -> Option<KeyAction> {
    match KeyAction::by_name(name) {
        Some(action) if action.is_fixed() => reader.error(span, format!("the keys of `{name}` can't be changed")),
        Some(action) => return Some(action),
        None => {
            let help = match nearest(name, KeyAction::ALL.iter().map(|action| action.name())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let names = KeyAction::ALL.iter().filter(|action| !action.is_fixed()).map(|action| action.name());
                    let names: Vec<&str> = names.collect();
                    format!("one of {}", names.join(", "))
                }
            };
            reader.error_with(span, format!("unknown action `{name}`"), help);
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
                item.span,
                error.to_string(),
                "write one character, or enter, esc, tab, space, up, pgdn, f1 …, with ctrl-, alt- or shift- before it",
            ),
        }
    }
    keys
}

/// A key of two actions, told once, at the row that the user wrote.
fn report_clashes(reader: &Reader<'_>, map: &Keymap, changed: &[(KeyAction, Span)]) {
    let row = |action| changed.iter().find(|(known, _)| *known == action).map(|(_, span)| *span);
    let mut told: Vec<(Key, KeyAction, KeyAction)> = Vec::new();
    for clash in map.conflicts() {
        if told.contains(&(clash.key, clash.first, clash.second)) {
            continue;
        }
        told.push((clash.key, clash.first, clash.second));
        // The defaults have no conflict, so the user wrote at least one of the two.
        let (mine, other) =
            if row(clash.second).is_some() { (clash.second, clash.first) } else { (clash.first, clash.second) };
        let Some(span) = row(mine) else { continue };
        let origin = if row(other).is_some() { "" } else { " (by default)" };
        let place = clash.context.name();
        reader.error_with(
            span,
            format!("`{}` is bound to both `{}` and `{}`{origin} on {place}", clash.key, mine.name(), other.name()),
            format!("give `{}` or `{}` another key", mine.name(), other.name()),
        );
    }
}
