//! Rows that a shell draws: a prompt alone, or with what was typed behind it. They tell nothing of what a command did.
//!
//! A choice for people who read evidence, and never a reason for a decision: a prompt that looks like nothing known stays.

use super::text::visible;
use tmuxagent_lines::{is_only_motion, without_report};

/// What prompts end with that say where they are: `li@vm:~/shop$`, `[root@vm shop]#`, `li@vm ~/shop>`.
const ENDS: [char; 4] = ['$', '#', '%', '>'];
/// Signs that stand alone or behind a place: programs seldom print such a row.
const SIGNS: [char; 5] = ['❯', '➜', '»', 'λ', '⟩'];

/// What a program said by a row; nothing where it is blank, only turns, is ours, or the shell draws it.
#[must_use]
pub fn said(row: &str) -> Option<String> {
    let said = without_report(row).trim_end();
    let tells = !said.trim_start().is_empty() && !is_only_motion(said) && !is_of_shell(said);
    tells.then(|| visible(said))
}

/// Whether a row is a shell's prompt, or the echo of a command behind one.
pub fn is_of_shell(row: &str) -> bool {
    let row = row.trim();
    let alone = row.chars().count() == 1 && row.starts_with(|c: char| ENDS.contains(&c) || SIGNS.contains(&c));
    let signed = || row.starts_with(SIGNS) && row.chars().nth(1).is_some_and(char::is_whitespace);
    alone || signed() || begins_with_prompt(without_environment(row))
}

/// A prompt of `user@machine`, up to its end or to what was typed behind it.
fn begins_with_prompt(row: &str) -> bool {
    row.char_indices().filter(|(_, sign)| ENDS.contains(sign) || SIGNS.contains(sign)).any(|(at, sign)| {
        let (prompt, rest) = row.split_at(at);
        let rest = rest.get(sign.len_utf8()..).unwrap_or_default();
        (rest.is_empty() || rest.starts_with(' ')) && names_machine(prompt)
    })
}

/// `li@vm:~/shop`, `[li@vm shop]`, `li@vm ~/shop`: one word that names user and machine, and at most the folder.
fn names_machine(prompt: &str) -> bool {
    let inside = prompt.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let bracketed = inside.is_some();
    let (name, folder) = inside.unwrap_or(prompt).split_once([' ', ':']).unwrap_or((inside.unwrap_or(prompt), ""));
    let Some((user, machine)) = name.split_once('@') else { return false };
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = |text: &str| !text.is_empty() && text.chars().all(is_of_name);
    let folder = folder.trim_end();
    // A folder may hold blanks in the form that says where it begins.
    let is_folder = folder.is_empty() || bracketed || folder.starts_with(['~', '/']);
    is_name(user) && is_name(machine) && is_folder
}

/// A row without the environment of Python that stands before a prompt: `(venv) `.
fn without_environment(row: &str) -> &str {
    let inside = row.strip_prefix('(').and_then(|rest| rest.split_once(") "));
    inside.filter(|(name, _)| !name.contains([' ', '('])).map_or(row, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_and_what_is_typed_behind_them_are_the_shells_own() {
        let rows = [
            "root@vm:~/first#",
            "root@vm:~/first# ./test.sh",
            "li@vm:~/my shop$ make -j4",
            "[root@vm first]# ",
            "(venv) li@vm:/srv$ pytest",
            "li@vm ~/first> ls",
            "❯",
            "➜ npm test",
            "$",
        ];
        for row in rows {
            assert!(is_of_shell(row), "{row}");
        }
    }

    #[test]
    fn what_a_row_says_is_a_program_s() {
        assert_eq!(said("12 passed__TMUXAGENT_RESULT T1 0").as_deref(), Some("12 passed"));
        for row in ["", "  ", "root@vm:~/first# ./test.sh", "$", "⠹⠸", "__TMUXAGENT_RESULT T1 0"] {
            assert_eq!(said(row), None, "{row}");
        }
    }

    #[test]
    fn what_programs_print_stays() {
        let rows = [
            "12 passed",
            "1 failed: adds up",
            "100%",
            "<a@b.example>",
            "# fail 1",
            "$ node --test",
            "> shop@1.0.0 test",
            "error: git@github.com:li/shop: permission denied # see above",
            "added 3 packages from li@vm in 2s, 10%",
            "",
        ];
        for row in rows {
            assert!(!is_of_shell(row), "{row}");
        }
    }
}
