//! In which folders commands may run: behind a `cd` a relative path is judged where it lies then.

use super::heads::{Head, head};
use super::words::{Parsed, Simple, Word};
use std::collections::BTreeSet;

/// A folder seen from that in which a text begins, which is `""`; `None`: nobody knows which.
pub(crate) type Folder = Option<String>;

/// More of them at once nobody follows.
const MOST: usize = 24;

/// Finds out where each command may run, and where the shell may be behind them.
pub(super) fn settle(parsed: &mut Parsed) {
    // A `cd` that fails leaves the shell where it was. What is done in brackets ends with them.
    let mut outside = BTreeSet::from([Some(String::new())]);
    let mut within = BTreeSet::new();
    for command in &mut parsed.commands {
        let here: BTreeSet<Folder> =
            if command.bracketed { outside.union(&within).cloned().collect() } else { outside.clone() };
        if let Some(to) = goes_to(command) {
            let all = if command.bracketed { &mut within } else { &mut outside };
            all.extend(here.iter().map(|from| join(from.as_deref()?, to.as_deref()?)));
            if all.len() > MOST {
                all.insert(None);
            }
        }
        command.folders = here.into_iter().collect();
    }
    parsed.ends_in = outside.into_iter().collect();
}

/// Where a command takes the shell; `None` where it stays.
fn goes_to(command: &Simple) -> Option<Folder> {
    let Head { at, name, .. } = head(command);
    let behind = command.words.get(at + 1..).unwrap_or_default();
    let operands: Vec<&Word> =
        behind.iter().filter(|word| word.text == "-" || !word.text.starts_with(['-', '+'])).collect();
    match name {
        Some("cd" | "chdir" | "pushd") => Some(match operands[..] {
            // Only `cd` and `chdir` go home so; `pushd` changes two folders.
            [] if name != Some("pushd") && behind.iter().all(|word| !word.text.starts_with('+')) => {
                Some("~".to_owned())
            }
            [word] if word.text != "-" => Some(word.text.clone()),
            _ => None,
        }),
        Some("popd" | "dirs" | "z" | "zi" | "j" | "autojump" | "prevd" | "nextd" | "cdh") => Some(None),
        // zsh and fish go to a folder that is named alone.
        _ => match &command.words[..] {
            [only] if matches!(only.text.as_str(), "~" | ".." | "/") || only.text.ends_with('/') => {
                Some(Some(only.text.clone()))
            }
            _ => None,
        },
    }
}

/// A path seen from where `from` is seen from, without what takes itself back.
pub(crate) fn join(from: &str, path: &str) -> Folder {
    let whole = match path {
        _ if path.starts_with(['/', '~']) => path.to_owned(),
        _ if from.is_empty() => path.to_owned(),
        _ => format!("{}/{path}", from.trim_end_matches('/')),
    };
    let root = if whole.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(&last)) if last != ".." && !last.starts_with('~') => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    Some(format!("{root}{}", parts.join("/")))
}

/// Where a file may lie that a command names.
pub(super) fn places<'c>(command: &'c Simple, file: &'c str) -> impl Iterator<Item = Folder> + 'c {
    command.folders.iter().map(move |folder| place(folder, file))
}

/// Where a file lies in a folder; its own words where that is the one in which the text begins.
pub(crate) fn place(folder: &Folder, file: &str) -> Folder {
    match folder {
        _ if file.starts_with(['/', '~']) => Some(file.to_owned()),
        Some(folder) if folder.is_empty() => Some(file.to_owned()),
        Some(folder) => join(folder, file),
        None => None,
    }
}

/// Whether a folder lies in the one in which the text begins.
pub(super) fn is_inside(folder: &Folder) -> bool {
    let plain = |path: &String| {
        path.is_empty() || path.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
    };
    folder.as_ref().is_some_and(|path| plain(path) && !path.starts_with(".."))
}

#[cfg(test)]
mod tests {
    use super::super::lexer::parse;
    use super::super::words::Item;
    use super::*;

    #[test]
    fn a_command_runs_where_the_shell_may_have_gone() {
        let folders = |text: &str| {
            let items: Vec<Item> = text.chars().map(Item::Char).collect();
            let parsed = parse(&items).unwrap();
            let shown = |folder: &Folder| folder.clone().unwrap_or_else(|| "?".to_owned());
            parsed.commands.last().unwrap().folders.iter().map(shown).collect::<Vec<_>>().join(" ")
        };
        for (text, wanted) in [
            ("ls", ""),
            ("cd web; ls", " web"),
            ("cd web && cd ../lib && ls", " ../lib lib web"),
            ("(cd ~/.ssh; ls)", " ~/.ssh"),
            ("(cd ~/.ssh; ls); ls", ""),
            ("cd; ls", " ~"),
            ("cd /etc/../tmp/; ls", " /tmp"),
            ("pushd -q d; popd; ls", "?  d"),
            ("cd -; ls", "? "),
            ("builtin cd -- d; ls", " d"),
            ("~/; ls", " ~"),
        ] {
            assert_eq!(folders(text), wanted, "{text}");
        }
    }
}
