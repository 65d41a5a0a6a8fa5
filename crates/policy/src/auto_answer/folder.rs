//! Folders within which a rule holds.

use crate::pattern::compile;
use regex::Regex;

/// The glob of a folder: `*` stands for a part of one name, `**` for any number of folders.
///
/// # Errors
/// Why it is none.
pub(crate) fn folder_glob(text: &str) -> Result<Regex, String> {
    let text = text.trim();
    let first = parts(text).filter(|_| !text.contains("..")).and_then(|parts| parts.first().copied());
    if first.is_none_or(|first| first.contains('*')) {
        return Err("a folder is written from `/` on, its first name without `*`, and without `..`".to_owned());
    }
    let mut pattern = String::from("^");
    for part in text.split('/').filter(|part| !part.is_empty()) {
        let name = regex::escape(part).replace(r"\*\*", "**").replace(r"\*", "[^/]*");
        pattern.push_str(&if part == "**" { "(?:/[^/]+)*".to_owned() } else { format!("/{name}") });
    }
    pattern.push('$');
    compile(&pattern)
}

/// Whether a file or folder lies within a folder of the glob, or is that folder. A name that begins elsewhere than at `/`
/// lies nowhere.
pub(super) fn lies_within(place: &str, folder: &Regex) -> bool {
    let Some(parts) = parts(place) else { return false };
    let mut path = String::new();
    parts.iter().any(|part| {
        path.push('/');
        path.push_str(part);
        folder.is_match(&path)
    })
}

/// The names of a path from `/` on, `.` and `..` followed; `None` where it is no such path.
fn parts(path: &str) -> Option<Vec<&str>> {
    let rest = path.strip_prefix('/')?;
    if path.chars().any(char::is_control) {
        return None;
    }
    let mut found = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(found.pop()?),
            part => found.push(part),
        }
    }
    Some(found)
}
