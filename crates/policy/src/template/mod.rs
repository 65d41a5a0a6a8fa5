//! Texts with `{{name}}` in them: names checked when the policy is loaded, values put in when a stage acts.
//!
//! `\{{` stands for two braces, `{{name | trusted}}` for a value that may be read once more by what it is handed to.
//! **Invariant:** a value in a shell command stands apart from its text ([`bind`]), and one that is typed is typed in
//! letters and escapes alone ([`type_out`]).

use super::plain::{Shape, begins_as_number, goes_on_plainly, is_number, is_plain};
use super::policy::TextTemplate;
use super::shell::{Class, Fault, Item, Place, Spot, Traces, faults, spots, traces};
use std::collections::BTreeMap;
use tmuxagent_model::shell::{inert_word, plain, shown};
use tmuxagent_model::{Shell, ShellText};

/// The names that are known everywhere, beside a run's own variables.
pub(crate) const TEMPLATE_NAMES: &[&str] = &[
    "stage",
    "run",
    "attempt",
    "pipeline",
    "pane.path",
    "pane.id",
    "pane.session",
    "pane.window",
    "pane.title",
    "host",
    "line",
];

/// The name of what the last `shell` action of a run printed; known where the pipeline has such an action.
pub const SHELL_OUTPUT: &str = "shell.output";

/// What a text may name of a stage: `{{STAGE.output}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageValue {
    /// The last lines that its last attempt printed.
    Output,
    /// The exit code of its command.
    ExitCode,
    /// How long its last attempt took, in whole seconds.
    Duration,
    /// The number of its last attempt.
    Attempt,
}

impl StageValue {
    /// All of them, with their words.
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("output", Self::Output),
        ("exit_code", Self::ExitCode),
        ("duration", Self::Duration),
        ("attempt", Self::Attempt),
    ];
}

/// The stage and what of it a name means, where it has that form.
#[must_use]
pub fn stage_value(name: &str) -> Option<(&str, StageValue)> {
    let (stage, word) = name.rsplit_once('.').filter(|_| name != SHELL_OUTPUT)?;
    if TEMPLATE_NAMES.contains(&name) || stage == INPUTS {
        return None;
    }
    StageValue::ALL.iter().find(|(known, _)| *known == word).map(|(_, value)| (stage, *value))
}

/// What the names of inputs begin with: `{{inputs.NAME}}`.
pub(crate) const INPUTS: &str = "inputs";

/// The word behind a name by which the policy's author says that its value may be read as a command.
const TRUSTED: &str = "trusted";

/// What a filled text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// For people and agents: values as they are, without control characters but line breaks and tabs.
    None,
    /// A part of a URL: values are percent-encoded.
    Url,
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text to take as it is.
    Text(&'a str),
    /// A name, without braces, and the word behind its `|`.
    Name(&'a str, Option<&'a str>),
    /// `{{` without its end, and where.
    Unclosed(usize),
}

/// The pieces of a template in order.
pub(super) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut from = 0;
    let mut search = 0;
    while let Some(found) = source[search..].find("{{").map(|at| at + search) {
        if source[..found].ends_with('\\') {
            out.push(Piece::Text(&source[from..found - 1]));
            (from, search) = (found, found + 2);
            continue;
        }
        out.push(Piece::Text(&source[from..found]));
        let inside = found + 2;
        let Some(end) = source[inside..].find("}}").map(|at| at + inside) else {
            out.push(Piece::Unclosed(found));
            return out;
        };
        let (name, word) = match source[inside..end].split_once('|') {
            Some((name, word)) => (name, Some(word.trim())),
            None => (&source[inside..end], None),
        };
        out.push(Piece::Name(name.trim(), word));
        (from, search) = (end + 2, end + 2);
    }
    out.push(Piece::Text(&source[from..]));
    out.retain(|piece| *piece != Piece::Text(""));
    out
}

impl TextTemplate {
    /// A template whose names are not checked; `policy` checks those of a policy.
    #[must_use]
    pub fn new(source: impl Into<String>) -> Self {
        let source = source.into();
        let mut names: Vec<String> = Vec::new();
        for piece in pieces(&source) {
            if let Piece::Name(name, _) = piece
                && names.iter().all(|known| known != name)
            {
                names.push(name.to_owned());
            }
        }
        Self { source, names, plain: Vec::new(), numbers: Vec::new() }
    }

    /// The text with every value replaced by nothing: what its author wrote himself.
    #[must_use]
    pub fn literal(&self) -> String {
        pieces(&self.source)
            .iter()
            .filter_map(|piece| if let Piece::Text(text) = piece { Some(*text) } else { None })
            .collect()
    }
}

/// Where values come from, by their names.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Puts values into a text that no shell reads. A name that has no value yet is empty.
#[must_use]
pub fn fill(template: &TextTemplate, lookup: &Lookup<'_>, quoting: Quoting) -> String {
    let enter = |value: &str, _: Option<Spot>| match quoting {
        Quoting::None => value.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect(),
        Quoting::Url => percent_encoded(value),
    };
    assemble(template, lookup, &enter)
}

/// Takes a command and its values apart, for that shell. A name that has no value yet is empty.
#[must_use]
pub fn bind(template: &TextTemplate, lookup: &Lookup<'_>, shell: Shell) -> ShellText {
    let variables = variables(&template.names);
    let mut spots = spots(&items(&template.source)).into_iter();
    let mut out = ShellText::default();
    for piece in pieces(&template.source) {
        let name = match piece {
            Piece::Text(text) => {
                out.text.push_str(text);
                out.shown.push_str(text);
                continue;
            }
            // Loading refuses an unclosed name; a template made by hand keeps its braces.
            Piece::Unclosed(at) => {
                out.text.push_str(&template.source[at..]);
                out.shown.push_str(&template.source[at..]);
                continue;
            }
            Piece::Name(name, _) => name,
        };
        let value = lookup(name).unwrap_or_default().replace('\0', "");
        let spot = spots.next();
        let in_tmux = spot.is_some_and(|spot| spot.in_tmux);
        // The same value has another form there, and so a variable of its own.
        let variable =
            format!("{}_{}", if in_tmux { "TAT" } else { "TA" }, variables.get(name).map_or("", String::as_str));
        let (text, words) = match spot.and_then(|spot| spot.place) {
            Some(Place::Bare) => (shell.reference(&variable), shown(&value)),
            Some(Place::Quotes) => (shell.reference_in_quotes(&variable), format!("\"{}\"", shown(&value))),
            Some(Place::HereDocument) => (shell.reference_in_quotes(&variable), value.clone()),
            // Loading refuses such a place.
            None => (plain(&value), plain(&value)),
        };
        out.text.push_str(&text);
        out.shown.push_str(&words);
        out.values.insert(variable, if in_tmux { for_tmux(&value) } else { value });
    }
    out
}

/// Writes a command with its values out, to be typed as one line into what runs in a pane: that shell, or a program that
/// is none. A name that has no value yet is empty.
#[must_use]
pub fn type_out(template: &TextTemplate, lookup: &Lookup<'_>, shell: Option<Shell>) -> String {
    assemble(template, lookup, &|value, spot| {
        let escaped = if spot.is_some_and(|spot| spot.in_tmux) { for_tmux(value) } else { value.to_owned() };
        let word = match shell {
            Some(shell) => shell.typed_word(&escaped),
            None => inert_word(&escaped),
        };
        match spot.and_then(|spot| spot.place) {
            Some(Place::Bare) => word,
            // What csh does within its quotes can't be followed from outside.
            Some(Place::Quotes) if !matches!(shell, Some(Shell::Csh | Shell::Other)) => format!("\"{word}\""),
            Some(Place::Quotes | Place::HereDocument) | None => plain(value),
        }
    })
}

/// The same as people read it: what the shell makes of each value, quoted in its place.
#[must_use]
pub fn show(template: &TextTemplate, lookup: &Lookup<'_>) -> String {
    bind(template, lookup, Shell::Sh).shown
}

fn assemble(template: &TextTemplate, lookup: &Lookup<'_>, enter: &dyn Fn(&str, Option<Spot>) -> String) -> String {
    let mut spots = spots(&items(&template.source)).into_iter();
    let mut out = String::with_capacity(template.source.len());
    for piece in pieces(&template.source) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Unclosed(at) => out.push_str(&template.source[at..]),
            Piece::Name(name, _) => {
                let value = lookup(name).unwrap_or_default();
                out.push_str(&enter(&value, spots.next()));
            }
        }
    }
    out
}

/// tmux's own quoting for what it reads as a format: `#` is written twice.
fn for_tmux(value: &str) -> String {
    value.replace('#', "##")
}

/// The name of a variable for each name, no two the same.
fn variables(names: &[String]) -> BTreeMap<&str, String> {
    let mut out: BTreeMap<&str, String> = BTreeMap::new();
    for (name, number) in names.iter().zip(1..) {
        let wanted: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let taken = out.values().any(|known| *known == wanted);
        out.insert(name, if taken { format!("{wanted}_{number}") } else { wanted });
    }
    out
}

/// The letters of a command and its places for values, numbered in their order.
fn items(source: &str) -> Vec<Item> {
    let mut out = Vec::with_capacity(source.len());
    let mut hole = 0;
    for piece in pieces(source) {
        match piece {
            Piece::Text(text) => out.extend(text.chars().map(Item::Char)),
            Piece::Unclosed(at) => out.extend(source[at..].chars().map(Item::Char)),
            Piece::Name(..) => {
                out.push(Item::Hole(hole));
                hole += 1;
            }
        }
    }
    out
}

/// RFC 3986: everything but unreserved characters is encoded.
fn percent_encoded(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// The names whose values are the supervisor's own; all others come from panes.
const OWN_NAMES: &[&str] = &["stage", "run", "attempt", "pipeline", "pane.id", "host"];

/// The names in a text, in the order of their places, each with whether it may be more than data.
fn harmless(source: &str) -> Vec<(&str, bool)> {
    let harmless = |name: &str, word: Option<&str>| OWN_NAMES.contains(&name) || word == Some(TRUSTED);
    let named = |piece| if let Piece::Name(name, word) = piece { Some((name, harmless(name, word))) } else { None };
    pieces(source).into_iter().filter_map(named).collect()
}

/// What is wrong with the places of values in a command: each name, and what. `lasts`: the shell goes on behind it.
/// `shape`: what is proved of the values of a name.
pub(super) fn command_faults<'a>(source: &'a str, lasts: bool, shape: &dyn Fn(&str) -> Shape) -> Vec<(&'a str, Fault)> {
    let names = harmless(source);
    if names.is_empty() {
        return Vec::new();
    }
    let class = |hole: usize| match names.get(hole) {
        Some((_, true)) | None => Class::Own,
        Some((name, false)) => match shape(name) {
            Shape::Number | Shape::Own => Class::Number,
            Shape::Word => Class::Word,
            Shape::Free => Class::Free,
        },
    };
    let told = |(hole, fault): (usize, Fault)| names.get(hole).map(|(name, _)| (*name, fault));
    faults(&items(source), lasts, &class).into_iter().filter_map(told).collect()
}

/// The names in a command whose values are taken for plain ones, since the policy's patterns can give them no others.
pub(super) fn taken_for_plain(source: &str, plain: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, harmless) in harmless(source) {
        if !harmless && plain(name) && names.iter().all(|known| known != name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// What a text of `set` gives. One that is all its author's goes wherever a number does.
pub(super) fn set_shape(source: &str, shape: &dyn Fn(&str) -> Shape) -> Shape {
    let pieces = pieces(source);
    let own = |piece: &Piece<'_>| match piece {
        Piece::Text(_) => true,
        Piece::Name(name, _) => OWN_NAMES.contains(name) || shape(name) == Shape::Own,
        Piece::Unclosed(_) => false,
    };
    if pieces.iter().all(own) {
        return Shape::Own;
    }
    // A value may be empty: then what follows begins.
    let first = pieces.iter().find_map(|piece| if let Piece::Text(text) = piece { Some(*text) } else { None });
    let first = match first {
        Some(text) if begins_as_number(text) => Shape::Number,
        Some(text) if text.chars().next().is_some_and(|c| is_plain(c.encode_utf8(&mut [0; 4]))) => Shape::Word,
        Some(_) => Shape::Free,
        None => Shape::Number,
    };
    let shapes = pieces.iter().map(|piece| match piece {
        Piece::Text(text) if !goes_on_plainly(text) => Shape::Free,
        Piece::Text(text) if text.contains('/') => Shape::Word,
        Piece::Text(_) => Shape::Number,
        // Its words are not looked at here.
        Piece::Name(name, _) if shape(name) == Shape::Own => Shape::Free,
        Piece::Name(name, _) => shape(name),
        Piece::Unclosed(_) => Shape::Free,
    });
    shapes.fold(first, Shape::min)
}

impl TextTemplate {
    /// The first name whose value is not what the policy's patterns give: it comes from before the policy was changed.
    pub fn unexpected(&self, lookup: &Lookup<'_>) -> Option<&str> {
        let odd = |names: &[String], fits: &dyn Fn(&str) -> bool| {
            let odd = |name: &&String| lookup(name).is_some_and(|value| !fits(value.trim_end_matches('…')));
            names.iter().position(|name| odd(&name))
        };
        let plain = odd(&self.plain, &is_plain).and_then(|at| self.plain.get(at));
        plain.or_else(|| odd(&self.numbers, &is_number).and_then(|at| self.numbers.get(at))).map(String::as_str)
    }
}

/// What a command leaves for other commands and takes from them, as to values from panes.
pub(super) fn command_traces(source: &str) -> Option<Traces> {
    let mut traces = traces(&items(source))?;
    let names = harmless(source);
    let foreign = |(hole, _): &(usize, String)| names.get(*hole).is_some_and(|(_, harmless)| !harmless);
    traces.written.retain(foreign);
    traces.called.retain(foreign);
    traces.assigned.retain(foreign);
    traces.relative.retain(|(hole, _)| names.get(*hole).is_some_and(|(_, harmless)| !harmless));
    Some(traces)
}

/// Whether a text names `$_`, the last argument of the command before it.
pub(super) fn names_last_argument(source: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    ["$_", "${_"].iter().any(|sign| source.match_indices(sign).any(|(at, _)| ends(&source[at + sign.len()..])))
}

/// The name at a place for a value.
pub(super) fn name_at(source: &str, hole: usize) -> &str {
    harmless(source).get(hole).map_or("", |(name, _)| name)
}

/// What is wrong with the words behind names: each name and word. Only in commands there is one that is known.
pub(super) fn unknown_words(source: &str, in_command: bool) -> Vec<(&str, &str)> {
    let known = |word: &str| in_command && word == TRUSTED;
    pieces(source)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Name(name, Some(word)) if !known(word) => Some((name, word)),
            Piece::Name(..) | Piece::Text(_) | Piece::Unclosed(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
