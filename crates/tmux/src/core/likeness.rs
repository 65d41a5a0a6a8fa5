//! Whether a text may be a prompt of a shell whose other prompts are known: a question of the shell's own (`read -e -p '# '`) stands
//! there just like one.

use super::prompts::{ENDS, behind_prompt};
use super::reader::Surface;

/// Words by which a shell asks something itself.
const ASKS: &[&str] = &["read", "vared", "select"];

/// Whether two texts may be prompts of one shell: they end with the same sign and begin alike, or with the folder.
pub(super) fn are_kin(known: &str, text: &str, folder: &str) -> bool {
    let (known, text) = (without_groups(known), without_groups(text));
    if known.trim_end().chars().next_back() != text.trim_end().chars().next_back() {
        return false;
    }
    match (first_word(known), first_word(text)) {
        (None, None) => true,
        (Some(a), Some(b)) if a == b => true,
        (_, Some(_)) if is_path(known) && is_path(text) => true,
        (Some(_), None) if is_path(known) && is_path(text) => true,
        (Some(_), Some(word)) => first_word(folder).is_some_and(|folder| folder == word),
        _ => false,
    }
}

/// The first letters and digits; digits count and tell the time, so all are the same.
fn first_word(text: &str) -> Option<String> {
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let word: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
    let plain = |c: char| if c.is_ascii_digit() { '0' } else { c };
    (!word.is_empty()).then(|| word.chars().map(plain).collect())
}

fn is_path(text: &str) -> bool {
    text.starts_with(['~', '/'])
}

/// Without what stands in brackets before a prompt: `(venv) `, `[N] `.
fn without_groups(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some((_, behind)) = rest.strip_prefix('(').and_then(|group| group.split_once(") ")) {
        rest = behind.trim_start();
    }
    match rest.strip_prefix('[').and_then(|group| group.split_once("] ")) {
        Some((group, behind)) if group.len() <= 2 => behind.trim_start(),
        _ => rest,
    }
}

/// Whether the rows above the cursor's show that a command of the shell asks. Only where nothing better tells.
pub(super) fn asked_above(prefix: &str, surface: &Surface) -> bool {
    if is_of_menu(prefix) {
        return true;
    }
    let lines = surface.lines_above(prefix.trim_end());
    let Some(above) = lines.iter().rev().find(|line| !line.trim().is_empty()) else { return false };
    if is_choice(above) {
        return true;
    }
    // It was answered, and asks again.
    let entered = lines.iter().rev().find_map(|line| line.strip_prefix(prefix));
    let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if entered.is_some_and(|text| number(text.trim())) {
        return true;
    }
    let asks = |line: &str| {
        line.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(')).any(|word| ASKS.contains(&word))
    };
    lines.last().and_then(|line| behind_prompt(line)).is_some_and(asks)
}

/// What bash and zsh show below the choices of a `select`.
fn is_of_menu(text: &str) -> bool {
    matches!(text.trim_end(), "#?" | "?#")
}

/// Whether a row lists choices as `select` does: `1) one  2) two`.
fn is_choice(row: &str) -> bool {
    let row = row.trim_start();
    let behind = row.trim_start_matches(|c: char| c.is_ascii_digit());
    behind.len() < row.len() && behind.starts_with(") ")
}

/// Whether a command may have begun in the rows above, of which this row (`> `) is another: over rows that begin like it
/// stands a prompt with something behind it.
pub(super) fn begun_above(prefix: &str, surface: &Surface) -> bool {
    let above = surface.rows.get(..surface.y as usize).unwrap_or_default();
    let begins = above.iter().rev().find(|row| !row.starts_with(prefix.trim_end()));
    begins.and_then(|row| behind_prompt(row)).is_some_and(|rest| !rest.trim().is_empty())
}

/// What stands behind the folder's path where the text is that and nothing else: `~/web: `, `/srv/web `.
pub(super) fn path_tail<'a>(text: &'a str, folder: &str) -> Option<&'a str> {
    let path = text.find([' ', ':']).map_or(text, |end| &text[..end]);
    let name = path.rsplit('/').next().filter(|_| is_path(path))?;
    let names = path == "~" || path == folder || !folder.is_empty() && name == folder;
    let tail = &text[path.len()..];
    (names && matches!(tail, " " | ": ")).then_some(tail)
}

/// The prompt of a theme that shows the folder behind its sign, and what belongs to it: `➜  web git:(main) ✗ `.
pub(super) fn names_folder(text: &str, folder: &str) -> bool {
    let Some(rest) = text.strip_prefix("➜  ") else { return false };
    let named = rest.strip_prefix(folder).filter(|_| !folder.is_empty()).or_else(|| rest.strip_prefix('~'));
    let Some(rest) = named else { return false };
    let rest = match rest.strip_prefix(" git:(") {
        Some(branch) => match branch.split_once(')') {
            Some((branch, rest)) if !branch.contains(' ') => rest,
            _ => return false,
        },
        None => rest,
    };
    let sign = |c: char| c == ' ' || matches!(c, '✗' | '✔' | '✓' | '±' | '*') || ENDS.contains(&c);
    rest.starts_with(' ') && rest.ends_with(' ') && rest.chars().all(sign) && rest.chars().count() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_of_one_shell_are_kin_and_its_questions_are_not() {
        for (known, text) in [
            ("me@box:~$ ", "me@box:/tmp$ "),
            ("me@box:~$ ", "(venv) me@box:~$ "),
            ("~/web $ ", "/tmp $ "),
            ("~ ❯ ", "/ ❯ "),
            ("[me@box web]$ ", "[me@box tmp]$ "),
            ("web $ ", "tmp $ "),
            ("12:03 me$ ", "12:04 me$ "),
            ("[I] root@vm ~# ", "[N] root@vm ~# "),
            ("❯ ", "❯ "),
        ] {
            assert!(are_kin(known, text, "tmp"), "{known} {text}");
        }
        for (known, text) in
            [("$ ", "# "), ("me@box:~$ ", "$ "), ("$ ", "Name $ "), ("root@vm:/# ", "really # "), ("box% ", "# ")]
        {
            assert!(!are_kin(known, text, "tmp"), "{known} {text}");
        }
    }

    #[test]
    fn choices_that_a_shell_lists_are_asked() {
        let asked = |rows: &[&str], prefix: &str| {
            let y = u32::try_from(rows.len()).expect("few rows");
            let rows = rows.iter().chain([&prefix.trim_end()]).map(|row| (*row).to_owned()).collect();
            asked_above(prefix, &Surface { y, rows, columns: 40, ..Surface::default() })
        };
        for (rows, prefix) in [
            (&["box% ./choose", "1) one  2) two"][..], "?# "),
            (&["1) one  2) two"], "$ "),
            (&["1) one    11) eleven", " 2) two   12) twelve"], "$ "),
            (&["1) one  2) two", "$ 1", "got=one"], "$ "),
            (&["$ select x in a b; do echo; done"], "$ "),
        ] {
            assert!(asked(rows, prefix), "{rows:?}");
        }
        for rows in
            [&["$ ls", "a) b"][..], &["1) one  2) two", "$ 1", "$ ls", "a"], &["(1) one"], &["100"], &["$ seq 1", "1"]]
        {
            assert!(!asked(rows, "$ "), "{rows:?}");
        }
    }

    #[test]
    fn a_theme_that_shows_the_folder_holds_no_draft() {
        for text in ["➜  web ", "➜  web git:(main) ", "➜  web git:(main) ✗ ", "➜  ~ "] {
            assert!(names_folder(text, "web"), "{text}");
        }
        for text in ["➜  ls ", "➜  web git:(main) ✗ x", "➜  web git:(main) ✗ rm ", "➜  web", "➜  web ls ", "➜  webs "]
        {
            assert!(!names_folder(text, "web"), "{text}");
        }
    }
}
