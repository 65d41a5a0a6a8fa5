//! Values in commands: what is said where one is more than data.

use super::{Reading, nearest};
use crate::shell::{Fault, Folder, Reason, Relative, is_code, is_own_in, may_be, place};

use super::valid_action::{Written, each_action};
use crate::plain::{Shape, groups, shape_of};
use crate::raw::{RawConditionKind, RawStage, walk};
use crate::template::{
    SHELL_OUTPUT, TEMPLATE_NAMES, command_faults, command_traces, name_at, names_last_argument, set_shape,
    unknown_words,
};
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_yaml::Place;

/// What the values of a pipeline's variables can be: by each pattern that gives one, and each `set`. What is not there is
/// free text.
pub(super) fn shapes(stages: &[RawStage]) -> BTreeMap<String, Shape> {
    let mut names = BTreeMap::<String, Shape>::new();
    let mut captured = BTreeSet::new();
    let mut sets = Vec::new();
    for stage in stages {
        for condition in [&stage.triggers, &stage.success_when, &stage.fail_when].into_iter().flatten() {
            walk(condition, &mut |part| {
                if let RawConditionKind::LogRegex(text) = &part.value {
                    for (name, shape) in groups(&text.value) {
                        captured.insert(name.clone());
                        let known = names.entry(name).or_insert(Shape::Number);
                        *known = shape.min(*known);
                    }
                }
            });
        }
        each_action(stage, &mut |action| {
            if let Written::Set(set) = action {
                sets.extend(
                    set.0.iter().map(|(name, value)| (name.value.as_str(), value.value.trim_end_matches('\n'))),
                );
            }
        });
    }
    for (name, _) in &sets {
        names.entry((*name).to_owned()).or_insert(Shape::Own);
    }
    let own = |name: &str| TEMPLATE_NAMES.contains(&name) || name == SHELL_OUTPUT;
    names.retain(|name, shape| *shape > Shape::Free && !own(name));
    // What a `set` makes of others is no more than all of them are.
    while let Some((name, shape)) = sets.iter().find_map(|(name, value)| {
        let shape = |name: &str| names.get(name).copied().unwrap_or(Shape::Free);
        let made = match set_shape(value, &shape) {
            // Before it is typed nobody can tell it from what a pattern gave.
            Shape::Own if captured.contains(*name) => shape_of(value),
            made => made,
        };
        (made < shape(name)).then_some((*name, made))
    }) {
        names.insert(name.to_owned(), shape);
    }
    names.retain(|_, shape| *shape > Shape::Free);
    names
}

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

    /// Values in a command are data, and nothing else. `lasts`: the shell goes on behind it.
    pub(super) fn check_values(&mut self, source: &str, at: Place, lasts: bool) {
        self.commands.push((source.to_owned(), at, lasts));
        // A name that nothing gives a value was told already.
        let shape = |name: &str| {
            let unknown = !TEMPLATE_NAMES.contains(&name) && !self.variables.contains(name);
            let otherwise = if unknown { Shape::Number } else { Shape::Free };
            self.plain.get(name).copied().unwrap_or(otherwise)
        };
        for (name, fault) in command_faults(source, lasts, &shape) {
            let at = self.problems.within(at, name);
            let (code, says, help) = unsafe_value(fault, name);
            let message = format!("`{{{{{name}}}}}` {says}");
            self.problems.error(code, at, message).help(help);
        }
    }

    /// What one command of the policy leaves behind, another one doesn't run.
    pub(super) fn check_between_commands(&mut self) {
        let commands = std::mem::take(&mut self.commands);
        // By how many commands each is read or defined; what one command does alone is judged with it.
        let (mut read, mut defined) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
        let mut declared = BTreeMap::<String, usize>::new();
        let mut valued = Vec::new();
        let mut gone_to: Vec<(usize, Folder)> = Vec::new();
        for (number, (source, at, lasts)) in commands.iter().enumerate() {
            let Some(traces) = command_traces(source) else { continue };
            traces.read.iter().for_each(|file| *read.entry(file.clone()).or_default() += 1);
            traces.defined.iter().for_each(|name| *defined.entry(name.clone()).or_default() += 1);
            traces.declared.iter().for_each(|name| *declared.entry(name.clone()).or_default() += 1);
            // What runs in a shell of its own takes the pane's nowhere.
            let elsewhere = traces.ends_in.iter().filter(|folder| *lasts && folder.as_deref() != Some(""));
            gone_to.extend(elsewhere.map(|folder| (number, folder.clone())));
            if !traces.written.is_empty() || !traces.called.is_empty() || !traces.assigned.is_empty() {
                valued.push((number, source, *at, traces));
            }
        }
        let others = |all: &BTreeMap<String, usize>, own: &BTreeSet<String>, name: &String| {
            all.get(name).is_some_and(|count| *count > usize::from(own.contains(name)))
        };
        // A part of the name of a file may be put in by the shell.
        let reads = |own: &BTreeSet<String>, file: &String| {
            read.iter().any(|(name, count)| may_be(file, name) && *count > usize::from(own.contains(name)))
        };
        let last = commands.iter().filter(|(source, ..)| !valued.is_empty() && names_last_argument(source));
        for (_, at, _) in last {
            let message = "`$_` is the last argument of the command before it, which may be a value from a pane";
            let help = "write the argument itself";
            self.problems.error("unsafe-place", self.problems.within(*at, "$_"), message).help(help);
        }
        for (number, source, at, traces) in valued {
            let others_folders = gone_to.iter().filter(|(other, _)| *other != number).map(|(_, folder)| folder);
            self.check_folders(source, at, &traces.relative, &others_folders.collect::<Vec<_>>());
            let mut told = BTreeSet::new();
            let files = traces.written.iter().filter(|(_, file)| reads(&traces.read, file));
            for (hole, file) in files.filter(|(hole, _)| told.insert(*hole)) {
                let name = name_at(source, *hole);
                let message = format!(
                    "`{{{{{name}}}}}` comes from a pane or an input and is written into `{file}`, which another command of this policy may run"
                );
                let at = self.problems.within(at, name);
                self.problems
                    .error("unsafe-place", at, message)
                    .help(format!("read the file as data, or write `{{{{{name} | trusted}}}}`"));
            }
            let mut told = BTreeSet::new();
            let calls = traces.called.iter().filter(|(_, name)| others(&defined, &traces.defined, name));
            for (hole, function) in calls.filter(|(hole, _)| told.insert(*hole)) {
                let name = name_at(source, *hole);
                let message = format!(
                    "`{{{{{name}}}}}` comes from a pane or an input and is given to `{function}`, which another command of this policy defines"
                );
                let at = self.problems.within(at, name);
                self.problems
                    .error("unsafe-place", at, message)
                    .help("make a script of it, which can't keep the value in the shell");
            }
            let mut told = BTreeSet::new();
            let any = "*".to_owned();
            let calculated = |name: &String| [name, &any].iter().any(|name| others(&declared, &traces.declared, name));
            let numbers = traces.assigned.iter().filter(|(_, variable)| calculated(variable));
            for (hole, variable) in numbers.filter(|(hole, _)| told.insert(*hole)) {
                let name = name_at(source, *hole);
                let message = format!(
                    "`{{{{{name}}}}}` comes from a pane or an input and is given to the variable `{variable}`, with which another command of this policy calculates"
                );
                let at = self.problems.within(at, name);
                self.problems
                    .error("unsafe-place", at, message)
                    .help("choose another name for one of the two variables");
            }
        }
    }
}

impl Reading<'_> {
    /// What lies in the project where the panes begin lies elsewhere behind a `cd` of another command.
    fn check_folders(&mut self, source: &str, at: Place, relative: &[(usize, Relative)], folders: &[&Folder]) {
        let mut told = BTreeSet::new();
        for (hole, path) in relative {
            let name = name_at(source, *hole);
            let free = self.plain.get(name).copied().unwrap_or(Shape::Free) == Shape::Free;
            let (wrong, path): (&dyn Fn(&Folder) -> bool, _) = match path {
                // What is code where it is named was told already.
                Relative::File(file) if is_code(file) => continue,
                Relative::File(file) => (&|folder| place(folder, file).is_none_or(|path| is_code(&path)), file),
                Relative::Script(script) => (&|folder| free && !is_own_in(folder, script), script),
            };
            if folders.iter().any(|folder| wrong(folder)) && told.insert(*hole) {
                let message = format!(
                    "`{{{{{name}}}}}` comes from a pane or an input and goes to `{path}`, which lies elsewhere where another command of this policy has gone to another folder"
                );
                self.problems
                    .error("unsafe-place", self.problems.within(at, name), message)
                    .help("put brackets around that command, so that the folder ends with it: `( cd … && … )`");
            }
        }
    }
}

/// How a fault is called, what it says of a value, and what to do.
fn unsafe_value(fault: Fault, name: &str) -> (&'static str, String, String) {
    let read_again = || {
        format!(
            "hand it to a script as an argument, as in `sh -c 'echo \"$1\"' _ {{{{{name}}}}}`; if nobody else can print it, \
             write `{{{{{name} | trusted}}}}`"
        )
    };
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
                "after `$`" => "a value is written `{{…}}` here, without a `$` before it",
                "within backticks" => "write `$(…)` in place of the backticks",
                _ => "put it where an ordinary argument stands",
            };
            (place, format!("can't stand {why}"), help.to_owned())
        }
        Fault::Unsure(why) => {
            let help =
                "write it in a simpler way, or put it into a script of its own and hand over the value as an argument";
            (place, format!("stands in a command that can't be followed for certain: {why}"), help.to_owned())
        }
        Fault::Reason(Reason::Command) => {
            let help = "write the name of the command yourself; for a text to an agent use `prompt`";
            (place, "comes from a pane or an input and would name what is run".to_owned(), help.to_owned())
        }
        Fault::Reason(Reason::Variable) => {
            let help = "a variable of that name says what is run; choose another name";
            (place, "comes from a pane or an input and would steer the shell or a program".to_owned(), help.to_owned())
        }
        Fault::Reason(Reason::Reader) => {
            let says = "comes from a pane or an input and would be read once more, as a command, a formula or a format";
            (place, says.to_owned(), read_again())
        }
        Fault::Reason(Reason::Kept) => {
            let says =
                "comes from a pane or an input, and this command reads once more what variables or other commands hold";
            (place, says.to_owned(), read_again())
        }
        Fault::Reason(Reason::File) => {
            let help = format!(
                "write it into a file of data and let your code read that; if nobody else can print it, write `{{{{{name} | trusted}}}}`"
            );
            (place, "comes from a pane or an input and would be written into a file that is run".to_owned(), help)
        }
        Fault::Reason(Reason::Lasting) => {
            let help = format!(
                "give it to one program, as `./deploy {{{{{name}}}}}` or `VERSION={{{{{name}}}}} ./deploy`, or put brackets around \
                        what it is meant for: `( … )`; if nobody else can print it, write `{{{{{name} | trusted}}}}`"
            );
            (
                place,
                "comes from a pane or an input and would stay in the shell behind this command, for all that runs there later"
                    .to_owned(),
                help,
            )
        }
        Fault::Reason(Reason::Option) => {
            let help = format!(
                "write it as a word of its own behind the option; if nobody else can print it, write `{{{{{name} | trusted}}}}`"
            );
            let says = "comes from a pane or an input and is attached to an option of a program that options make run something";
            (place, says.to_owned(), help)
        }
        Fault::Reason(Reason::Unproved) => {
            let says = "comes from a pane or an input, can be any text, and is not proved to be data here";
            (place, says.to_owned(), ways_out(name))
        }
        Fault::Reason(Reason::Word) => {
            let help = format!(
                "let its pattern begin with a digit, as `(?<{name}>[0-9][0-9.]*)`, or with `v` and a digit, and take no `/`; or \
                 hand it to a script of the project's own, as `./deploy {{{{{name}}}}}`; or write `{{{{{name} | trusted}}}}` if \
                 nobody else can print it"
            );
            let says = "comes from a pane or an input, can be the name of a file or program, and is not proved to be data here";
            (place, says.to_owned(), help)
        }
        Fault::Reason(Reason::Unknown) => {
            let says = "comes from a pane or an input, can be any text, and goes to a program of which nobody here knows what it makes of it";
            ("unknown-program", says.to_owned(), ways_out(name))
        }
    }
}

/// What to do with free text that nothing proves to be data.
fn ways_out(name: &str) -> String {
    format!(
        "let its pattern take only letters, digits and plain signs, as `(?<{name}>[0-9][0-9.]*)`; or hand it to a script of the \
         project's own, as `./deploy {{{{{name}}}}}`; or write `{{{{{name} | trusted}}}}` if nobody else can print it"
    )
}
