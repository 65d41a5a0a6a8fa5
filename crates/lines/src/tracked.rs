//! Commands whose end and exit code the shell itself reports.
//!
//! A tracked command is typed as one line that runs it and then prints `__TMUXAGENT_RESULT <token> <exit>`. The typed
//! line holds `%s` in place of token and code, so that its echo never looks like the report.

use super::parser::is_control;

/// The word that begins a report.
pub(super) const MARK: &str = "__TMUXAGENT_RESULT";
/// The longest token.
const LONGEST_TOKEN: usize = 64;

/// The shells whose language we type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShellKind {
    /// Any POSIX shell: dash, ash, ksh, mksh.
    Sh,
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

impl ShellKind {
    /// Recognises the shell by a program's name as tmux reports it (`#{pane_current_command}`), such as `bash` or `-zsh`.
    #[must_use]
    pub fn from_command(command: &str) -> Option<Self> {
        let name = command.rsplit('/').next().unwrap_or(command);
        match name.trim_start_matches('-') {
            "sh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "busybox" => Some(Self::Sh),
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }
}

/// The one line to type (without Enter) that runs `command` and reports its exit code with `token`.
///
/// The command runs in the shell itself, so that `cd` and variables last. It may have several lines and any quotes;
/// controls are encoded, since a typed tab would complete a name. A command that is not valid shell language ends with
/// the code that the shell gives for that. `exit` ends the shell, and an interrupt by `C-c` most shells' whole line:
/// then no report comes.
///
/// The line begins with a blank, which keeps it out of the history of fish, and of bash and zsh where they are set so. bash
/// from 5.0 on is told in the line itself to forget it; zsh has no way to do that.
///
/// Other characters of `token` than ASCII letters, digits, `-`, `_` and `.` are left out, and all beyond 64.
#[must_use]
pub fn tracked_command(shell: ShellKind, command: &str, token: &str) -> String {
    let command = command.trim_end_matches(['\n', '\r']).replace("\r\n", "\n");
    let token: String = token.chars().filter(|c| is_of_token(*c)).take(LONGEST_TOKEN).collect();
    let plain = !command.bytes().any(is_control);
    let run = match shell {
        // As a special builtin a failing eval would end some shells; `command` takes that away.
        ShellKind::Sh if plain => format!("command eval {}", quoted(&command)),
        ShellKind::Sh => format!("command eval \"$(printf {})\"", printf_format(&command)),
        ShellKind::Bash if plain => format!("command eval {}", quoted(&command)),
        ShellKind::Bash => format!("command eval {}", dollar_quoted(&command)),
        // In zsh `command` finds external programs only, and eval is no danger.
        ShellKind::Zsh if plain => format!("eval {}", quoted(&command)),
        ShellKind::Zsh => format!("eval {}", dollar_quoted(&command)),
        ShellKind::Fish => format!("eval {}", fish_quoted(&command)),
    };
    let code = match shell {
        ShellKind::Fish => "$status",
        ShellKind::Sh | ShellKind::Bash | ShellKind::Zsh => "\"$?\"",
    };
    let forget = match shell {
        // Only when the newest entry is this line: with `ignorespace` it is the user's own.
        ShellKind::Bash => format!("; case $(history 1) in *{token}*) history -d -1 2>/dev/null;; esac"),
        ShellKind::Sh | ShellKind::Zsh | ShellKind::Fish => String::new(),
    };
    format!(" {run}; printf '{MARK} %s %s\\n' {token} {code}{forget}")
}

/// Whether a line shows a command that was typed with [`tracked_command`].
#[must_use]
pub fn is_tracked_command(line: &str) -> bool {
    line.contains(&format!("; printf '{MARK} "))
}

/// `'…'` of POSIX shells.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// `$'…'` of bash and zsh.
fn dollar_quoted(text: &str) -> String {
    let mut quoted = String::from("$'");
    for c in text.chars() {
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

/// A format for `printf` in single quotes, which prints the text.
fn printf_format(text: &str) -> String {
    let mut format = String::from("'");
    for c in text.chars() {
        match c {
            '%' => format.push_str("%%"),
            '\\' => format.push_str("\\\\"),
            '\'' => format.push_str("'\\''"),
            c if is_c0(c) => format.push_str(&std::format!("\\{:03o}", u32::from(c))),
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
