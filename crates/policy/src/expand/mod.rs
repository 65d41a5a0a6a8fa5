//! The trees of files that name each other: `include`, and the stages of `templates`.
//!
//! An included file is a policy of its own, read once. Beside that, the names that it gives (its templates, panes, inputs and
//! defaults) are known in the files that include it, where these do not give them themselves.
//! **Invariant:** every node keeps the place at which it is written, in whichever file that is.

mod lists;
mod templates;

use std::collections::BTreeSet;
use tmuxagent_yaml::{Key, Kind, Node, Place, Problems, Source, beside, included, parse, same_file};

/// The maps whose keys are known in files that include theirs.
const SHARED: [&str; 4] = ["templates", "panes", "inputs", "defaults"];

/// A file of a policy with everything that it names in its place.
pub(super) struct File {
    /// Which of the sources it is.
    pub source: usize,
    /// Its tree.
    pub tree: Node,
    /// Another file includes it.
    pub included: bool,
}

/// Reads sources and puts into each what it names.
pub(super) fn expand(sources: &[Source], problems: &mut Problems) -> Vec<File> {
    let trees: Vec<Option<Node>> = sources.iter().enumerate().map(|(index, _)| parse(index, problems)).collect();
    let names: Vec<Vec<(usize, Place)>> =
        trees.iter().enumerate().map(|(index, tree)| read_names(sources, index, tree.as_ref(), problems)).collect();
    check_circles(sources, &names, problems);
    let mut files = Vec::new();
    for (index, tree) in trees.iter().enumerate() {
        let Some(mut tree) = tree.clone() else { continue };
        for key in SHARED {
            share(&mut tree, key, &reached(&names, index), &trees, problems);
        }
        lists::put_right(&mut tree, problems);
        templates::put_in(&mut tree, problems);
        let included = names.iter().flatten().any(|(named, _)| *named == index);
        files.push(File { source: index, tree, included });
    }
    files
}

/// The files that one names, each by its index with the place of its name.
fn read_names(sources: &[Source], own: usize, tree: Option<&Node>, problems: &mut Problems) -> Vec<(usize, Place)> {
    let mut found: Vec<(usize, Place)> = Vec::new();
    for node in tree.into_iter().flat_map(included) {
        // What is no text is told where the key is read.
        let Some(name) = node.as_text() else { continue };
        let Some(file) = sources.get(own).and_then(|source| beside(&source.name, name)) else {
            let message = format!("`{name}` can't be included: it is no file beside this one or below its folder");
            let help = "write a path like `lib/stages.yaml`, without `..` and not from `/`";
            problems.error("include", node.at, message).help(help);
            continue;
        };
        match sources.iter().position(|source| same_file(&source.name, &file)) {
            Some(index) => {
                if let Some(why) = sources.get(index).and_then(|source| source.unread.as_ref()) {
                    problems.error("include", node.at, format!("`{name}` can't be read: {why}"));
                } else if found.iter().any(|(known, _)| *known == index) {
                    problems.error("twice", node.at, format!("`{name}` is included twice"));
                } else {
                    found.push((index, node.at));
                }
            }
            None => {
                let message = format!("`{name}` is not there, or there are too many files");
                problems.error("include", node.at, message);
            }
        }
    }
    found
}

fn check_circles(sources: &[Source], names: &[Vec<(usize, Place)>], problems: &mut Problems) {
    let mut told = BTreeSet::new();
    for start in 0..names.len() {
        let mut path = vec![start];
        follow(sources, names, &mut path, &mut told, problems);
    }
}

fn follow(
    sources: &[Source],
    names: &[Vec<(usize, Place)>],
    path: &mut Vec<usize>,
    told: &mut BTreeSet<usize>,
    problems: &mut Problems,
) {
    let Some(&last) = path.last() else { return };
    for (next, at) in names.get(last).into_iter().flatten() {
        if path.first() == Some(next) {
            // Each circle is told once, at the file that stands first in it.
            if path.iter().all(|file| !told.contains(file)) {
                let name = |file: &usize| sources.get(*file).map_or("", |source| source.name.as_str());
                let circle: Vec<&str> = path.iter().chain(path.first()).map(name).collect();
                let message = format!("files include each other in a circle: {}", circle.join(" → "));
                problems.error("cycle", *at, message).help("put what both need into a third file");
                told.extend(path.iter().copied());
            }
        } else if !path.contains(next) && !told.contains(next) {
            path.push(*next);
            follow(sources, names, path, told, problems);
            path.pop();
        }
    }
}

/// All files that one includes, and those that these include, nearest first.
fn reached(names: &[Vec<(usize, Place)>], own: usize) -> Vec<usize> {
    let mut found = vec![own];
    let mut at = 0;
    while let Some(&file) = found.get(at) {
        at += 1;
        for (next, _) in names.get(file).into_iter().flatten() {
            if !found.contains(next) {
                found.push(*next);
            }
        }
    }
    found.split_off(1)
}

/// Adds to a map of a file the keys that included files give and it does not.
fn share(tree: &mut Node, key: &str, files: &[usize], trees: &[Option<Node>], problems: &mut Problems) {
    let mut more: Vec<(Key, Node)> = Vec::new();
    let own = |name: &str, tree: &Node| tree.get(key).is_some_and(|map| map.get(name).is_some());
    for map in files.iter().filter_map(|file| trees.get(*file)?.as_ref()?.get(key)) {
        for (name, value) in map.entries().unwrap_or_default() {
            if own(&name.text, tree) {
                continue;
            }
            match more.iter().find(|(known, _)| known.text == name.text) {
                Some((first, _)) => {
                    let first = problems.describe(first.at);
                    let message = format!("`{}` stands in two files that are included together", name.text);
                    let help = format!("the other is at {first}; say in the file that includes both what is meant");
                    problems.error("twice", name.at, message).help(help);
                }
                None => more.push((name.clone(), value.clone())),
            }
        }
    }
    let Kind::Map(entries) = &mut tree.kind else { return };
    if more.is_empty() {
        return;
    }
    match entries.iter_mut().find(|(known, _)| known.text == key) {
        Some((_, Node { kind: Kind::Map(own), .. })) => own.extend(more),
        // It holds something else, which is told where it is read.
        Some((_, node)) if !node.is_nothing() => {}
        Some((_, node)) => node.kind = Kind::Map(more),
        None => {
            let at = more.first().map_or(Place::default(), |(first, _)| first.at);
            entries.push((Key { at, text: key.to_owned() }, Node { at, kind: Kind::Map(more) }));
        }
    }
}
