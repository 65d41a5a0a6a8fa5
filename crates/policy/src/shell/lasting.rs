//! Values that would stay in the shell behind the command that they were given to: the next command, of another action or
//! of a person, would find them, and `make` calculates whatever its environment holds.
//!
//! Only the shell itself can keep something, so only its own words count; what a program does with an argument ends with
//! the program. `$( … )` is no way out, since fish has no subshells; `( … )` is one in every shell that knows it.

use super::builtins::{Builtin, builtin, is_special, takes_input};
use super::heads::{Head, head};
use super::words::{Hole, Parsed, Simple, Word};

/// The values that would stay.
pub(super) fn lasting(parsed: &Parsed) -> Vec<Hole> {
    let mut found = Vec::new();
    // What is typed into a function stays in it, and so does what it makes of its arguments.
    if !parsed.functions.is_empty() {
        return (0..parsed.places.len()).collect();
    }
    let fed = parsed.commands.iter().any(|command| command.piped || command.input);
    for command in parsed.commands.iter().filter(|command| !command.bracketed) {
        let name = head(command).name;
        // Files that `exec` opens stay open.
        let opens = name.is_none() && command.words.first().is_some_and(|word| word.text == "exec");
        let keeps = opens || name.is_some_and(|name| matches!(builtin(name), Some(Builtin::Keeps | Builtin::Reads)));
        if keeps || matches(command) {
            found.extend(command.all_words().flat_map(Word::all_holes));
        } else if !ends_with_its_program(command) {
            found.extend(command.assignments.iter().flat_map(Word::all_holes));
        }
        let reads = fed && name.is_some_and(takes_input);
        if reads {
            found.extend(0..parsed.places.len());
        }
    }
    found
}

/// Whether assignments before the command are for a program alone.
fn ends_with_its_program(command: &Simple) -> bool {
    let Head { at, name, .. } = head(command);
    // A word that may vanish leaves the assignment alone, and `exec` may fail.
    let there = command.words.get(at).is_some_and(|word| word.quoted || word.literal().is_some());
    let exec = command.words.iter().take(at).any(|word| word.text == "exec");
    there && !exec && !name.is_some_and(is_special)
}

/// `[[ … =~ … ]]` leaves what it found in variables.
fn matches(command: &Simple) -> bool {
    command.words.first().is_some_and(|word| word.text == "[[") && command.words.iter().any(|word| word.text == "=~")
}
