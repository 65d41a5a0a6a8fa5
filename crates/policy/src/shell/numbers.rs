//! Variables that calculate what they are given: those declared as numbers or references, and in zsh all that a formula gave
//! a number to. Declared by one command of a policy, they do so with a value that another one assigns.

use super::builtins::{Builtin, builtin};
use super::heads::{Head, head};
use super::lexer::parse;
use super::words::{EXPANSION, Hole, Item, Parsed, Simple, Word, is_name};
use std::collections::BTreeSet;

/// Whether a command gives a variable an attribute by an option, as `export -i`.
pub(super) fn declares_numbers(command: &Simple) -> bool {
    let Head { at, name, .. } = head(command);
    let option = |word: &Word| word.text.starts_with(['-', '+', EXPANSION]) && word.text != "--" && word.text != "-p";
    let plain = matches!(name, Some("export" | "readonly" | "declare" | "typeset" | "local" | "private" | "global"));
    let always = matches!(name, Some("integer" | "float" | "nameref" | "let" | "enum" | "compound"));
    always || plain && command.words.iter().skip(at + 1).any(option)
}

/// The names that the commands declare so.
pub(super) fn declared(parsed: &Parsed) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = parsed.numbers.iter().cloned().collect();
    for command in &parsed.commands {
        let Head { at, name, .. } = head(command);
        let words = command.words.get(at + 1..).unwrap_or_default();
        // An index is calculated, and may give a name a number.
        let indices = command.all_words().filter_map(|word| word.text.split_once('['));
        names.extend(indices.flat_map(|(_, index)| names_in(index)));
        if declares_numbers(command) {
            names.extend(words.iter().flat_map(|word| names_in(&word.text)));
            if words.iter().any(Word::expands) {
                names.insert("*".to_owned());
            }
        }
        if name == Some("eval") {
            let text = words.iter().filter_map(Word::literal).collect::<Vec<_>>().join(" ");
            let items: Vec<Item> = text.chars().map(Item::Char).collect();
            // Each round takes quotes away, or is the last.
            let inner = parse(&items).ok().filter(|inner| inner.commands.iter().all(|inner| head(inner).name != name));
            names.extend(inner.iter().flat_map(declared));
        }
    }
    names
}

fn names_in(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|name| is_name(name)).map(str::to_owned)
}

/// The variables that values go into, each with these values.
pub(super) fn assigned(parsed: &Parsed) -> Vec<(Hole, String)> {
    let mut found = Vec::new();
    for command in &parsed.commands {
        let Head { at, name, .. } = head(command);
        // `env NAME=VALUE`, `export NAME=VALUE`.
        let words = command.assignments.iter().chain(&command.words);
        let named = words.filter_map(|word| Some((word, word.assigned()?)));
        let holes = |word: &Word| -> Vec<Hole> {
            // What the shell puts in may be any of them.
            if word.expands() { (0..parsed.places.len()).collect() } else { word.all_holes().collect() }
        };
        found.extend(named.flat_map(|(word, name)| holes(word).into_iter().map(|hole| (hole, name.to_owned()))));
        let reads = matches!(name, Some("read" | "for" | "foreach" | "printf" | "mapfile" | "readarray" | "getopts"));
        let sets = name.and_then(builtin) == Some(Builtin::Keeps) || reads;
        if sets {
            let names = command.words.iter().skip(at + 1).filter_map(Word::literal).filter(|text| is_name(text));
            let all = |name: &str| (0..parsed.places.len()).map(|hole| (hole, name.to_owned())).collect::<Vec<_>>();
            found.extend(names.flat_map(all));
        }
    }
    found
}
