//! Values in commands: what is said where one is more than data.

use super::{Reading, nearest};
use crate::shell::{Fault, Reason};
use crate::template::{command_faults, unknown_words};
use tmuxagent_yaml::Place;

impl Reading<'_> {
    /// The words behind names, as in `{{name | trusted}}`.
    pub(super) fn check_words(&mut self, source: &str, at: Place, in_command: bool) {
        for (name, word) in unknown_words(source, in_command) {
            let at = self.problems.within(at, word);
            let help = "in commands there is `{{name | trusted}}`: its value may be read as a command";
            self.problems
                .error("unknown-word", at, format!("nothing is called `{word}` behind `{name} |`"))
                .nearest(nearest(word, in_command.then_some("trusted")))
                .help(help);
        }
    }

    /// Values in a command are data, and nothing else.
    pub(super) fn check_values(&mut self, source: &str, at: Place) {
        for (name, fault) in command_faults(source) {
            let at = self.problems.within(at, name);
            let (code, says, help) = unsafe_value(fault);
            let message = format!("`{{{{{name}}}}}` {says}");
            let draft = match fault {
                Fault::Reason(Reason::OptionLike) => self.problems.warning(code, at, message),
                Fault::Reason(_) | Fault::Place(_) | Fault::Unsure(_) => self.problems.error(code, at, message),
            };
            draft.help(help);
        }
    }
}

/// How a fault is called, what it says of a value, and what to do.
fn unsafe_value(fault: Fault) -> (&'static str, String, &'static str) {
    const READ_AGAIN: &str = "hand it to a script as an argument, as in `sh -c 'echo \"$1\"' _ {{line}}`; if nobody else can \
                              print it, write `{{line | trusted}}`";
    let place = "unsafe-place";
    match fault {
        Fault::Place(why) => {
            let help = match why {
                "within single quotes" | "within `$'…'`" => "a value is put in as a variable: write it within \"…\"",
                "in a quoted here-document" => {
                    "a value is put in as a variable: take the quotes off the word behind `<<`"
                }
                "within `((…))`" | "within `[…]`" => {
                    "what stands there is calculated, and a value can hold a command: \
                                                      compare it as a text, or take only digits into it by the pattern"
                }
                "within backticks" => "write `$(…)` in place of the backticks",
                _ => "put it where an ordinary argument stands",
            };
            (place, format!("can't stand {why}"), help)
        }
        Fault::Unsure(why) => {
            let help =
                "write it in a simpler way, or put it into a script of its own and hand over the value as an argument";
            (place, format!("stands in a command that can't be followed for certain: {why}"), help)
        }
        Fault::Reason(Reason::Command) => {
            let help = "write the name of the command yourself; for a text to an agent use `prompt`";
            (place, "comes from a pane and would be the name of a command".to_owned(), help)
        }
        Fault::Reason(Reason::Variable) => {
            let help = "a variable of that name says what is run; choose another name";
            (place, "comes from a pane and would steer the shell or a program".to_owned(), help)
        }
        Fault::Reason(Reason::Reader) => {
            let says = "comes from a pane and would be read once more, as a command, a formula or a format";
            (place, says.to_owned(), READ_AGAIN)
        }
        Fault::Reason(Reason::Kept) => {
            let says = "comes from a pane, and this command reads once more what variables or other commands hold";
            (place, says.to_owned(), READ_AGAIN)
        }
        Fault::Reason(Reason::Option) => {
            let help = "write `--` before it, or `./` where it is a file; if nobody else can print it, write `{{line | trusted}}`";
            (place, "comes from a pane and could be taken for an option that runs a command".to_owned(), help)
        }
        Fault::Reason(Reason::OptionLike) => {
            let help = "write `--` before it, or `./` where it is a file";
            ("option-like", "comes from a pane and could be taken for an option, as `-rf`".to_owned(), help)
        }
    }
}
