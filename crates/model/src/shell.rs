//! Shells, the words that we write for them, and commands whose values stand apart from their text.
//!
//! **Invariant:** nothing of a value is ever syntax. In a command it is the content of a variable; where it is typed, it
//! is typed in letters, digits and escapes alone, so that no shell acts on a part of it whatever it was reading before:
//! an open quote, a here-document, a comment. (POSIX.1-2024, Shell Command Language 2.2 Quoting; bash(1), QUOTING; fish
//! manual, Quotes and Escaping characters; csh(1), Quotation.)

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The shell that will read a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shell {
    /// Any POSIX shell (dash, ash, ksh, mksh), and what we do not know.
    #[default]
    Sh,
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// csh and tcsh.
    Csh,
    /// A shell with a language of its own: nushell, PowerShell, xonsh, elvish, cmd.
    Other,
}

impl Shell {
    /// Recognises the shell by a program's name as tmux reports it (`#{pane_current_command}`), such as `bash` or `-zsh`.
    #[must_use]
    pub fn from_command(command: &str) -> Option<Self> {
        let name = command.rsplit('/').next().unwrap_or(command);
        match name.trim_start_matches('-') {
            "sh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "busybox" => Some(Self::Sh),
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            "csh" | "tcsh" => Some(Self::Csh),
            "nu" | "pwsh" | "powershell" | "xonsh" | "elvish" | "cmd.exe" | "pwsh.exe" | "powershell.exe" => {
                Some(Self::Other)
            }
            _ => None,
        }
    }

    /// The shell of that name; what we do not know is taken for a plain one.
    #[must_use]
    pub fn of(command: &str) -> Self {
        Self::from_command(command).unwrap_or_default()
    }

    /// Whether a command can be given values apart from its text, and report its end.
    #[must_use]
    pub const fn is_understood(self) -> bool {
        match self {
            Self::Sh | Self::Bash | Self::Zsh | Self::Fish => true,
            Self::Csh | Self::Other => false,
        }
    }

    /// The shells that read a value as it was meant which is typed as a word for this one ([`Shell::typed_word`]).
    #[must_use]
    pub const fn readers_of_words(self) -> &'static [Self] {
        match self {
            Self::Sh => &[Self::Sh, Self::Bash, Self::Zsh],
            Self::Bash | Self::Zsh => &[Self::Bash, Self::Zsh],
            Self::Fish => &[Self::Fish],
            // Without escapes it is a quoted word everywhere.
            Self::Csh | Self::Other => &[],
        }
    }

    /// The shells that read a whole command as it was meant which is typed for this one, with its report around it.
    #[must_use]
    pub const fn readers_of_lines(self) -> &'static [Self] {
        match self {
            Self::Sh => &[Self::Sh, Self::Bash],
            Self::Bash => &[Self::Bash],
            Self::Zsh => &[Self::Zsh],
            Self::Fish => &[Self::Fish],
            Self::Csh | Self::Other => &[],
        }
    }

    /// A reference to a variable that stands outside quotes, as one word.
    #[must_use]
    pub fn reference(self, name: &str) -> String {
        match self {
            Self::Fish => format!("\"${name}\""),
            Self::Sh | Self::Bash | Self::Zsh | Self::Csh | Self::Other => format!("\"${{{name}}}\""),
        }
    }

    /// A reference to a variable within double quotes or a here-document.
    #[must_use]
    pub fn reference_in_quotes(self, name: &str) -> String {
        match self {
            // fish knows no braces that end a name: leave the quotes and come back.
            Self::Fish => format!("\"\"${name}\"\""),
            Self::Sh | Self::Bash | Self::Zsh | Self::Csh | Self::Other => format!("${{{name}}}"),
        }
    }

    /// Whether a value is typed without escapes.
    #[must_use]
    pub fn types_as_it_is(self, value: &str) -> bool {
        !value.is_empty() && !value.chars().any(is_active)
    }

    /// A value as one word to be typed. All but letters, digits and the harmless signs is an escape; shells that have
    /// none get `_` in its place. A plain shell drops line breaks at the end of a value.
    ///
    /// It is quoted whatever it holds: bare letters can be an alias (`alias -g G='| grep'`), an abbreviation, the number
    /// before a `>`, the end of the name behind a `$`, or a part of `{a,b}`.
    #[must_use]
    pub fn typed_word(self, value: &str) -> String {
        if self.types_as_it_is(value) {
            return format!("'{value}'");
        }
        match self {
            Self::Sh => format!("\"$(command printf {})\"", printf_format(value)),
            Self::Bash | Self::Zsh => format!("$'{}'", escaped(value)),
            Self::Fish if value.is_empty() => "''".to_owned(),
            Self::Fish => value.chars().fold(String::new(), |mut out, c| {
                match c {
                    c if is_inert(c) => out.push(c),
                    '\0' => {}
                    // Writing to a string can't fail.
                    c if c.is_ascii() => drop(write!(out, "\\x{:02x}", u32::from(c))),
                    c => drop(write!(out, "\\U{:08x}", u32::from(c))),
                }
                out
            }),
            Self::Csh | Self::Other => format!("'{}'", plain(value)),
        }
    }
}

/// A command of a policy: its text, in which every value is a reference to a variable, and what these variables hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct ShellText {
    /// What the shell reads as its language: its author's words and references.
    pub text: String,
    /// Variable → value.
    pub values: BTreeMap<String, String>,
    /// The command as people read it: each value quoted in its place. Never executed.
    pub shown: String,
}

impl ShellText {
    /// The script for a plain shell of its own, in whose environment its values are. It takes them out of there: the
    /// programs that it runs see a value where its author named it, and nowhere else.
    #[must_use]
    pub fn script(&self) -> String {
        let kept = |name: &String| format!("_ta=${name}; unset {name}; {name}=$_ta; unset _ta; ");
        self.values.keys().map(kept).chain([self.text.clone()]).collect()
    }

    /// What puts its values into a plain shell that reads a script: assignments, each on a line, and no exports.
    #[must_use]
    pub fn assignments(&self) -> String {
        self.values.iter().map(|(name, value)| format!("unset {name}\n{name}={}\n", quoted(value))).collect()
    }
}

impl From<&str> for ShellText {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), values: BTreeMap::new(), shown: text.to_owned() }
    }
}

/// How it is written down: as a text where it holds no values.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Plain(String),
    Bound { text: String, values: BTreeMap<String, String>, shown: String },
}

impl From<Form> for ShellText {
    fn from(form: Form) -> Self {
        match form {
            Form::Plain(text) => Self::from(text.as_str()),
            Form::Bound { text, values, shown } => Self { text, values, shown },
        }
    }
}

impl From<ShellText> for Form {
    fn from(command: ShellText) -> Self {
        let ShellText { text, values, shown } = command;
        if values.is_empty() && text == shown { Self::Plain(text) } else { Self::Bound { text, values, shown } }
    }
}

/// Any text as one word of a POSIX shell that reads it from the beginning: an argument, a line of a script.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text as one word for people to read: quoted where a shell would need it.
#[must_use]
pub fn shown(value: &str) -> String {
    let line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    quoted(&line)
}

/// A text as one quoted word for a program of which nothing is known: perhaps a shell on another machine, or the prompt of
/// a language. What ends, escapes or extends a quoted text in any of them is `_` (`'` and what PowerShell takes for it,
/// the backslash of fish and Python, `!` of csh).
#[must_use]
pub fn inert_word(value: &str) -> String {
    let inert = |c: char| match c {
        '\'' | '\\' | '!' | '`' | '\u{2018}'..='\u{201b}' => '_',
        c if c.is_control() => ' ',
        c => c,
    };
    format!("'{}'", value.chars().map(inert).collect::<String>())
}

/// `value` with everything that any shell could act on replaced.
#[must_use]
pub fn plain(value: &str) -> String {
    value.chars().map(|c| if c.is_alphanumeric() || is_inert(c) { c } else { '_' }).collect()
}

/// What a shell or line editor may act on.
#[must_use]
pub const fn is_active(c: char) -> bool {
    !is_inert(c)
}

/// What no shell and no line editor acts on, alone or together.
const fn is_inert(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '@' | '+' | ':' | ',' | '-')
}

/// The inside of bash's and zsh's `$'…'`, and of a format of `printf`: bytes as `\ooo`. NUL is in no variable.
fn escaped(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars().filter(|c| *c != '\0') {
        if is_inert(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                // Writing to a string can't fail.
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out
}

/// A format for `printf` in single quotes that prints the text.
fn printf_format(text: &str) -> String {
    let format = escaped(text);
    // A format that begins with a hyphen would be taken for an option; a `%` that is written as an escape is none.
    match format.strip_prefix('-') {
        Some(rest) => format!("'\\055{rest}'"),
        None => format!("'{format}'"),
    }
}

#[cfg(test)]
#[path = "shell_tests.rs"]
mod tests;
