//! Values in commands: where a reference to one can stand, and what would be read once more.
//!
//! **Invariant:** a value is never a part of what a shell reads as its language. In the text of a command stands a
//! reference; a place in which none can stand, a command that can't be followed for certain, and an argument that is
//! read once more are errors when the policy is loaded. Should a place be taken for another one all the same, the
//! reference is still a reference.
//!
//! Free text may stand only where [`proof`] shows that it is data. A plain value that may be the name of a file or program
//! goes further only as a [`direct`] argument. [`rules`] look for known readers: for values of which the pattern says
//! enough, and to say more than that nothing is proved.

mod builtins;
mod certain;
mod conditions;
mod direct;
mod documents;
mod ends;
mod files;
mod folders;
mod heads;
mod lasting;
mod lexer;
mod names;
mod numbers;
mod own;
mod parameters;
mod plain_commands;
mod programs;
mod proof;
mod proved;
mod quotes;
mod reach;
mod rules;
mod subcommands;
mod variables;
mod words;

pub(super) use certain::{Reading, STAR, words as certain_words};
pub(super) use ends::ends_shell;
pub(super) use files::{Relative, Traces, is_code, may_be};
pub(super) use folders::{Folder, place};
pub(super) use own::is_own_in;
pub(super) use plain_commands::plain_commands;
pub(super) use reach::{Reach, calculates, depth, is_known_option, is_proved, reach, runs_behind, steers};
pub(super) use rules::Reason;
pub(super) use words::{Item, Place};

use words::Hole;

/// What is wrong with the place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No reference can stand there, and where that is.
    Place(&'static str),
    /// The command can't be followed, and at what.
    Unsure(&'static str),
    /// It is no mere data there.
    Reason(Reason),
}

/// What can be in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// What its author or this program wrote, or what its author trusts.
    Own,
    /// A number or version: letters, digits and a few signs, none of which any shell or option begins with, and no path.
    Number,
    /// The same letters and signs, perhaps the name of something that somebody put there.
    Word,
    /// Anything.
    Free,
}

/// Stands for a value that is not free text where free text is judged; no character, and so in no table.
const OTHER: char = '\u{fdd2}';

/// What is wrong with the places of values in a command, in their order. `lasts`: the shell goes on behind the command.
pub(super) fn faults(items: &[Item], lasts: bool, class: &dyn Fn(Hole) -> Class) -> Vec<(Hole, Fault)> {
    let parsed = match lexer::parse(items) {
        Ok(parsed) => parsed,
        Err(why) => return holes(items).map(|hole| (hole, Fault::Unsure(why))).collect(),
    };
    let bad = parsed.places.iter().enumerate();
    let mut found: Vec<(Hole, Fault)> =
        bad.filter_map(|(hole, place)| place.err().map(|why| (hole, Fault::Place(why)))).collect();
    let mut reasons = rules::found(&parsed, lasts);
    // An option that is known to take a text.
    let doubted = reasons.iter().any(|(_, reason)| *reason == Reason::Option);
    let proofless = if doubted { proof::unproved(items) } else { Vec::new() };
    reasons.retain(|(hole, reason)| *reason != Reason::Option || proofless.iter().any(|(known, _)| known == hole));
    reasons.extend(proof::unproved(&only(items, &|hole| class(hole) == Class::Free)));
    if parsed.places.iter().enumerate().any(|(hole, _)| class(hole) == Class::Word) {
        reasons.extend(misplaced_words(items, class));
    }
    for (hole, reason) in reasons {
        if class(hole) != Class::Own && found.iter().all(|(known, _)| *known != hole) {
            found.push((hole, Fault::Reason(reason)));
        }
    }
    found.sort_by_key(|(hole, _)| *hole);
    found
}

/// The words that are neither proved to be data nor a direct argument.
fn misplaced_words(items: &[Item], class: &dyn Fn(Hole) -> Class) -> Vec<(Hole, Reason)> {
    let items = only(items, &|hole| matches!(class(hole), Class::Word | Class::Free));
    let unproved = proof::unproved(&items);
    if unproved.is_empty() {
        return Vec::new();
    }
    let direct = proof::direct_arguments(&items);
    let wrong = |hole: &Hole| class(*hole) == Class::Word && !direct.contains(hole);
    unproved.into_iter().map(|(hole, _)| hole).filter(wrong).map(|hole| (hole, Reason::Word)).collect()
}

/// The text with those values alone; the others stand as a letter of their author's.
fn only(items: &[Item], is: &dyn Fn(Hole) -> bool) -> Vec<Item> {
    let other = |item: &Item| match item {
        Item::Hole(hole) if !is(*hole) => Item::Char(OTHER),
        item => *item,
    };
    items.iter().map(other).collect()
}

/// Where a value stands, and what reads it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    /// The place of the reference; `None` where none can stand.
    pub place: Option<Place>,
    /// It is a part of a name or message of tmux's.
    pub in_tmux: bool,
}

/// Where each value stands.
pub(super) fn spots(items: &[Item]) -> Vec<Spot> {
    match lexer::parse(items) {
        Ok(parsed) => {
            let in_tmux = programs::tmux_names(&parsed);
            let spot = |(hole, place): (Hole, Result<Place, &str>)| Spot {
                place: place.ok(),
                in_tmux: in_tmux.contains(&hole),
            };
            parsed.places.into_iter().enumerate().map(spot).collect()
        }
        Err(_) => holes(items).map(|_| Spot { place: None, in_tmux: false }).collect(),
    }
}

/// What a command leaves for others and takes from them; `None` where it can't be followed.
pub(super) fn traces(items: &[Item]) -> Option<Traces> {
    lexer::parse(items).ok().map(|parsed| files::traces(&parsed))
}

fn holes(items: &[Item]) -> impl Iterator<Item = Hole> + '_ {
    items.iter().filter_map(|item| if let Item::Hole(hole) = item { Some(*hole) } else { None })
}

#[cfg(test)]
mod tests;
