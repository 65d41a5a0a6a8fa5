//! Commands that the shell itself reports: that they began, and with which exit code they ended.
//!
//! A tracked command is typed as one compound command, its own text first:
//!
//! ```sh
//!  { npm test; command printf '\033[8m__TMUXAGENT_RESULT %s %s\033[m\n' TOKEN $?; } \
//!    7<&$(command printf '\033]133;C;ta=TOKEN\a' >&2)-
//! ```
//!
//! **It runs as a whole or not at all.** A shell reads a compound command to its end before it runs any of it. Where the
//! beginning of the line was lost (the command mode of a vi-like line editor), or was taken into a draft or an open quote,
//! the closing brace has none to close: that is a syntax error, or a line that goes on. So the end mark is not printed for
//! a command that did not run.
//!
//! **The begin mark** stands last and comes first: a redirection of a compound command is expanded before its body. It is
//! an operating system command, of which nothing is drawn. That it doesn't come tells soon that nothing runs.
//!
//! **The end mark** is a line, since it must be found in the pane's history after a break; it is drawn concealed. The
//! typed line holds `%s` in place of token and code, so that its echo never looks like the mark.

use super::bare::{bare_command, is_address};
use super::control::is_control;
use tmuxagent_model::shell::{is_active, quoted};
use tmuxagent_model::{Shell, ShellText};

/// The word that begins a report.
pub(super) const MARK: &str = "__TMUXAGENT_RESULT";
/// What stands before it where it is typed. Earlier versions typed no word in front of it.
const PRINTED: &str = "printf '\\033[8m__TMUXAGENT_RESULT ";
/// The longest token.
const LONGEST_TOKEN: usize = 64;
/// What is longer is typed in several lines where that must be: a terminal hands on no more than 4,095 bytes to a shell
/// without a line editor (termios(3)), and what the editor of zsh needs for a line grows with the square of its length. bash
/// takes a line of any length, and fish edits all lines as one.
const LONGEST_WHOLE: usize = 2500;
/// How long each of several lines for zsh is.
const LONGEST_LINE: usize = 1000;

/// The line to type (without Enter) that runs `command` and reports its begin and its exit code with `token`.
///
/// The command runs in the shell itself, so that `cd` and variables last; the variables that hold its values are there
/// while it runs, and gone then. It may have several lines and any quotes; controls are encoded, since a typed tab would
/// complete a name, and so is all of a value that any shell could act on. A command that is not valid shell language ends
/// with the code that the shell gives for that. `exit` ends the shell, and an interrupt by `C-c` most shells' whole line:
/// then no end is reported.
///
/// For plain shells and zsh a long command comes in several lines, which they join.
///
/// The line begins with a blank, which keeps it out of the history of fish, and of bash and zsh where they are set so. bash
/// from 5.0 on is told in the line itself to forget it; zsh has no way to do that.
///
/// Other characters of `token` than ASCII letters, digits, `-`, `_` and `.` are left out, and all beyond 64.
#[must_use]
pub fn tracked_command(shell: Shell, command: &ShellText, token: &str) -> String {
    let token: String = token.chars().filter(|c| is_of_token(*c)).take(LONGEST_TOKEN).collect();
    let run = match bare_command(shell, command) {
        Some(bare) => bare.to_owned(),
        None => evaluated(shell, command),
    };
    let forget = forgotten(shell, command);
    let own = own_builtins(shell);
    // Right behind an address a widget of zsh would take the sign into it.
    let behind_address = shell == Shell::Zsh
        && run.split_whitespace().next_back().is_some_and(|word| is_address(word) && !word.ends_with('\''));
    let apart = if behind_address { " " } else { "" };
    let end = |code: &str| format!("{apart}; {own} {PRINTED}%s %s\\033[m\\n' {token} {code}{forget}");
    let begin = format!("{own} printf '\\033]133;C;ta={token}\\a' >&2");
    match shell {
        // Here a substitution without a word would leave no target, and another descriptor may be in its own use.
        Shell::Fish => format!(" begin; {run}{}; end 2>&({begin}; {own} echo 2)", end("$status")),
        Shell::Bash => {
            // Only when the newest entry is this line: with `ignorespace` it is the user's own.
            let history = format!("; case $(history 1) in *{token}*) history -d -1 2>/dev/null;; esac");
            format!(" {{ {run}{}; }} 7<&$({begin})-{history}", end("$?"))
        }
        Shell::Sh | Shell::Zsh | Shell::Csh | Shell::Other => {
            format!(" {{ {run}{}; }} 7<&$({begin})-", end("$?"))
        }
    }
}

/// The word before the name of a builtin command by which no alias and no function of that name is run in its place. In zsh
/// and fish `command` finds programs only, which a command that changes `PATH` could hide from the end mark.
const fn own_builtins(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash | Shell::Zsh | Shell::Fish => "builtin",
        Shell::Sh | Shell::Csh | Shell::Other => "command",
    }
}

/// Whether a line shows a command that was typed with [`tracked_command`], by this or an earlier version.
#[must_use]
pub fn is_tracked_command(line: &str) -> bool {
    line.contains(PRINTED) || line.contains(&format!("; printf '{MARK} "))
}

/// How the begin mark of a tracked command stands in what is typed: before its token, and behind it.
const TYPED_BEGIN: [&str; 2] = [r"\033]133;C;ta=", r"\a' >&2)"];

/// What a line says without what is ours in it: nothing where it shows a tracked command, what a program printed where the
/// report of its end stands behind it.
#[must_use]
pub fn without_report(line: &str) -> &str {
    // A row of the typed command that went on below: programs do not print how a mark is written.
    if TYPED_BEGIN.iter().any(|typed| line.contains(typed)) {
        return "";
    }
    let Some((before, _)) = line.split_once(MARK) else { return line };
    if before.contains("printf '") { "" } else { before.trim_end() }
}

/// The token of a tracked command in what was typed.
pub(super) fn typed_token(typed: &str) -> Option<&str> {
    let rest = typed.split_once(PRINTED)?.1;
    let rest = rest.split_once("' ")?.1;
    rest.split(' ').next().filter(|token| !token.is_empty() && token.chars().all(is_of_token))
}

/// The one line to type (without Enter) that runs `command`, whose end nobody waits for: as its author wrote it where it
/// holds no values and nothing that a line editor acts on, such as a tab.
#[must_use]
pub fn untracked_command(shell: Shell, command: &ShellText) -> String {
    let plain = !command.text.bytes().any(is_control) || !shell.is_understood();
    if command.values.is_empty() && plain {
        return command.text.clone();
    }
    format!(" {}{}", evaluated(shell, command), forgotten(shell, command))
}

/// The command as an argument of the shell's `eval`, with its values in variables that last as long as it and that no
/// program sees: they are the shell's alone, which puts them into the arguments that their author named.
fn evaluated(shell: Shell, command: &ShellText) -> String {
    let text = command.text.trim_end_matches(['\n', '\r']).replace("\r\n", "\n");
    let text = format!("{}{text}", unexported(shell, command));
    let plain = !text.bytes().any(is_control);
    let values = || command.values.iter();
    let assigned = |shell: Shell| -> String {
        values().map(|(name, value)| format!("{name}={} ", shell.typed_word(value))).collect()
    };
    match shell {
        // As a special builtin a failing eval would end some shells; `command` takes that away.
        Shell::Sh | Shell::Csh | Shell::Other => {
            let inert = values().all(|(_, value)| Shell::Sh.types_as_it_is(value));
            // What stands before a command would be exported; so it is assigned, and forgotten behind it.
            let assigned = |word: &dyn Fn(&str) -> String| -> String {
                values().map(|(name, value)| format!("unset {name}; {name}={}; ", word(value))).collect()
            };
            if plain && inert && text.len() <= LONGEST_WHOLE {
                return format!("{}command eval {}", assigned(&|value| Shell::Sh.typed_word(value)), quoted(&text));
            }
            // There are no escapes in its quotes: `printf` writes what is evaluated.
            if command.values.is_empty() {
                return format!("command eval \"$(command printf {})\"", printf_format(&text, is_c0));
            }
            let whole = format!("{}command eval {}", assigned(&quoted), quoted(&text));
            format!("command eval \"$(command printf {})\"", printf_format(&whole, |c| !c.is_ascii() || is_active(c)))
        }
        Shell::Bash if plain => {
            format!("{}command eval {}", assigned(shell), quoted(&text))
        }
        Shell::Bash => format!("{}command eval {}", assigned(shell), dollar_quoted(&text, usize::MAX)),
        // In zsh `command` finds external programs only, and eval is no danger.
        Shell::Zsh if plain && text.len() <= LONGEST_WHOLE => format!("{}eval {}", assigned(shell), quoted(&text)),
        Shell::Zsh => format!("{}eval {}", assigned(shell), dollar_quoted(&text, LONGEST_LINE)),
        Shell::Fish if command.values.is_empty() => format!("eval {}", fish_quoted(&text)),
        Shell::Fish => {
            let set = |(name, value): (&String, &String)| format!("set -l {name} {}; ", shell.typed_word(value));
            let set: String = values().map(set).collect();
            format!("begin; {set}eval {}; end", fish_quoted(&text))
        }
    }
}

/// What takes the values out of the environment again, where what stands before a command is exported for it.
fn unexported(shell: Shell, command: &ShellText) -> String {
    match shell {
        _ if command.values.is_empty() => String::new(),
        Shell::Bash => format!("export -n {}; ", names(command)),
        Shell::Zsh => format!("typeset +x {}; ", names(command)),
        Shell::Sh | Shell::Fish | Shell::Csh | Shell::Other => String::new(),
    }
}

/// What forgets the values behind the command, where nothing else does.
fn forgotten(shell: Shell, command: &ShellText) -> String {
    match shell {
        _ if command.values.is_empty() => String::new(),
        Shell::Sh | Shell::Csh | Shell::Other => format!("; unset {}", names(command)),
        Shell::Bash | Shell::Zsh | Shell::Fish => String::new(),
    }
}

fn names(command: &ShellText) -> String {
    command.values.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// `$'…'` of bash and zsh. A long one is written in lines of that length, which the shell joins.
fn dollar_quoted(text: &str, longest: usize) -> String {
    let mut quoted = String::from("$'");
    let mut line = 0;
    for c in text.chars() {
        if text.len() > LONGEST_WHOLE && quoted.len() - line > longest {
            quoted.push_str("'\\\n$'");
            line = quoted.len();
        }
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            // A typed `!` would recall history here.
            '!' => quoted.push_str("\\x21"),
            c if is_c0(c) => quoted.push_str(&format!("\\{:03o}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A format for `printf` in single quotes, which prints the text; those letters are written as escapes.
///
/// A long one is written in lines that the shell joins.
fn printf_format(text: &str, escaped: impl Fn(char) -> bool) -> String {
    let mut format = String::from("'");
    let mut line = 0;
    for c in text.chars() {
        if format.len() - line > LONGEST_WHOLE {
            format.push_str("'\\\n'");
            line = format.len();
        }
        match c {
            c if escaped(c) => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    format.push_str(&std::format!("\\{byte:03o}"));
                }
            }
            '%' => format.push_str("%%"),
            '\\' => format.push_str("\\\\"),
            '\'' => format.push_str("'\\''"),
            c => format.push(c),
        }
    }
    // A format that begins with a hyphen would be taken for an option.
    if text.starts_with('-') {
        format.replace_range(1..2, "\\055");
    }
    format.push('\'');
    format
}

/// Single quotes of fish, left for each control, which has an escape of its own.
fn fish_quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            c if is_c0(c) => quoted.push_str(&format!("'\\x{:02x}'", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

fn is_c0(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_control)
}

const fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A report of a tracked command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Report<'a> {
    /// What the command printed before it on the same line.
    pub(super) before: &'a str,
    /// Which command.
    pub(super) token: &'a str,
    /// Its exit code.
    pub(super) exit: i32,
}

/// Reads the report that ends a line.
pub(super) fn report(line: &str) -> Option<Report<'_>> {
    let at = line.rfind(MARK)?;
    let (token, exit) = line[at + MARK.len()..].strip_prefix(' ')?.trim_end().split_once(' ')?;
    let valid = !token.is_empty() && token.len() <= LONGEST_TOKEN && token.chars().all(is_of_token);
    let code = exit.len() <= 4 && exit.bytes().all(|byte| byte.is_ascii_digit());
    (valid && code).then_some(())?;
    Some(Report { before: &line[..at], token, exit: exit.parse().ok()? })
}

#[cfg(test)]
#[path = "tracked_tests.rs"]
mod tests;
