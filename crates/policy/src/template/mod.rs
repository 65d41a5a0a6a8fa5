//! Texts with `{{name}}` in them: names checked when the policy is loaded, values put in when a stage acts.
//!
//! `\{{` stands for two braces. **Invariant:** no value brings a control character into a pane, and every value in a
//! shell command is quoted for its shell.

use super::core::TextTemplate;
use super::quoting::{Context, Scanner, Shell, plain, quote};
use regex::Regex;
use std::sync::LazyLock;

/// The names that are known everywhere, beside a run's own variables.
pub const TEMPLATE_NAMES: &[&str] = &[
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

/// What a filled text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// For people and agents: values as they are, without control characters but line breaks and tabs.
    None,
    /// A script for `sh -c` and the like: values are quoted for that shell.
    Shell(Shell),
    /// A line typed into that shell: values are quoted and stay on the line.
    Typed(Shell),
    /// A part of a URL: values are percent-encoded.
    Url,
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text to take as it is.
    Text(&'a str),
    /// A name, without braces.
    Name(&'a str),
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
        let name = source[inside..end].trim();
        out.push(Piece::Name(name));
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
            if let Piece::Name(name) = piece
                && names.iter().all(|known| known != name)
            {
                names.push(name.to_owned());
            }
        }
        Self { source, names }
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

/// Puts values into a template. A name that has no value yet is empty.
#[must_use]
pub fn fill(template: &TextTemplate, lookup: &dyn Fn(&str) -> Option<String>, quoting: Quoting) -> String {
    let shell = match quoting {
        Quoting::Shell(shell) | Quoting::Typed(shell) => shell,
        Quoting::None | Quoting::Url => Shell::Posix,
    };
    let mut scanner = Scanner::new(shell);
    let mut out = String::with_capacity(template.source.len());
    for piece in pieces(&template.source) {
        match piece {
            Piece::Text(text) => {
                scanner.read(text);
                out.push_str(text);
            }
            // Loading refuses an unclosed name; a template made by hand keeps its braces.
            Piece::Unclosed(at) => out.push_str(&template.source[at..]),
            Piece::Name(name) => {
                let value = lookup(name).unwrap_or_default();
                out.push_str(&enter(&value, quoting, &scanner));
                scanner.skip_value();
            }
        }
    }
    out
}

fn enter(value: &str, quoting: Quoting, scanner: &Scanner) -> String {
    match quoting {
        Quoting::None => value.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect(),
        Quoting::Url => percent_encoded(value),
        Quoting::Shell(shell) => match scanner.context() {
            Ok(context) => quote(
                &value.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect::<String>(),
                shell,
                context,
            ),
            // Loading refuses such a place for a POSIX shell; where another shell reads the command differently,
            // only plain characters may enter.
            Err(_) => plain(value),
        },
        Quoting::Typed(shell) => {
            let line: String = value
                .chars()
                .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
                .collect();
            match scanner.context() {
                Ok(context) => quote(&line, shell, context),
                Err(_) => plain(&line),
            }
        }
    }
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

/// Where a name stands in a shell command so that its value can't be quoted safely: the name, and why.
pub(super) fn unquotable(source: &str) -> Vec<(&str, &'static str)> {
    let mut scanner = Scanner::new(Shell::Posix);
    let mut found = Vec::new();
    for piece in pieces(source) {
        match piece {
            Piece::Text(text) => scanner.read(text),
            Piece::Unclosed(_) => {}
            Piece::Name(name) => {
                if let Err(why) = scanner.context() {
                    found.push((name, why));
                }
                scanner.skip_value();
            }
        }
    }
    found
}

/// The names that stand within quotes in a shell command.
pub(super) fn within_quotes(source: &str) -> Vec<&str> {
    let mut scanner = Scanner::new(Shell::Posix);
    let mut found = Vec::new();
    for piece in pieces(source) {
        match piece {
            Piece::Text(text) => scanner.read(text),
            Piece::Unclosed(_) => {}
            Piece::Name(name) => {
                if matches!(scanner.context(), Ok(Context::Single | Context::Double)) {
                    found.push(name);
                }
                scanner.skip_value();
            }
        }
    }
    found
}

/// The names whose values are the supervisor's own; all others come from panes.
const OWN_NAMES: &[&str] = &["stage", "run", "attempt", "pipeline", "pane.id", "host"];

/// The names from panes that a second shell or interpreter would read as code: quoted once, they are bare there.
pub(super) fn evaluated_twice(source: &str) -> Vec<&str> {
    let from_panes = |name: &str| !OWN_NAMES.contains(&name);
    // `eval`, `ssh` and `watch` join their arguments and read them again, `… | sh` reads its input, and `[[ a -gt b ]]`
    // calculates, where `x[$(command)]` is a number; `sh -c` reads one argument.
    let anywhere = AGAIN.as_ref().is_some_and(|pattern| pattern.is_match(source));
    let in_quotes = INTERPRETERS.as_ref().is_some_and(|pattern| pattern.is_match(source));
    let mut names: Vec<&str> = Vec::new();
    if anywhere {
        names.extend(
            pieces(source)
                .into_iter()
                .filter_map(|piece| if let Piece::Name(name) = piece { Some(name) } else { None }),
        );
    } else if in_quotes {
        names.extend(within_quotes(source));
    }
    names.retain(|name| from_panes(name));
    names.dedup();
    names
}

static AGAIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let joining = r"(?:^|[\s;&|(])(?:/\S*/)?(?:eval|ssh|rsh|mosh|watch|parallel)\s|(?m:(?:^|[;&|(])\s*(?:let|trap)\s)";
    let input = r"[^|]\|&?\s*(?:[^\s|]+\s+)?(?:/\S*/)?(?:ba|z|da|k|fi|c|tc)?sh\b|(?:^|[\s;&|(/])(?:ba|z|k)?sh\s+<<<";
    let number = r"\[\[\s.*\s-(?:eq|ne|lt|le|gt|ge)\s";
    Regex::new(&format!("{joining}|{input}|{number}")).ok()
});
static INTERPRETERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let with_code = r"(?:(?:ba|z|da|k|fi|c|tc)?sh|su|python[0-9.]*|node|perl|ruby|php|pwsh)\s(?:.*\s)?-\w*[ceEr]\b";
    Regex::new(&format!(r"(?:^|[\s;&|(/])(?:{with_code}|[gm]?awk\s|sed\s)")).ok()
});

#[cfg(test)]
mod tests;
