//! Prompts that look like none, and shells that ask by their line editor.

use super::*;

#[test]
fn a_shell_that_asks_with_its_line_editor_waits_for_a_line() {
    let shell = |depth, said| Seen { depth, said, ..seen(&["bash"], true, RAW) };
    let mut prompts = Prompts::default();
    prompts.learn(&shell(Depth::Unknown, None), "$ ", &row_at(3, "$ ", ""));
    let reads = |row: &str, depth, said| reads_of(&prompts, &shell(depth, said), &row_at(9, row, ""));
    for (row, expected) in [
        ("Name: ", Reads::Line),
        ("Name: ann", Reads::Line),
        // `vared` without a prompt.
        ("", Reads::Line),
        ("old value", Reads::Line),
        // What may still hold a line of its own: a search, an open quote, a completion.
        ("(reverse-i-search)`': ", Reads::Draft),
        ("(failed reverse-i-search)`x': ", Reads::Draft),
        ("> an open quote", Reads::Draft),
        ("dquote> ", Reads::Draft),
        ("/sought", Reads::Draft),
        ("$ ", Reads::Draft),
        ("$ ls", Reads::Draft),
    ] {
        assert_eq!(reads(row, Depth::Elsewhere, None), expected, "{row:?}");
        // Marks that a command has begun say the same, with a depth; without one it may have only just begun.
        assert_eq!(reads(row, Depth::Elsewhere, Some(AtPrompt::Asks)), expected, "{row:?}");
        assert_eq!(reads(row, Depth::Unknown, Some(AtPrompt::Asks)), Reads::Draft, "{row:?}");
    }
}

/// A screen with the cursor at the end of the last row; its first row is the seventh.
fn rows_of(rows: &[&str]) -> Surface {
    let y = u32::try_from(rows.len() - 1).unwrap();
    let x = u32::try_from(rows.last().unwrap().chars().count()).unwrap();
    let rows = rows.iter().map(|row| row.trim_end().to_owned()).collect();
    Surface { x, y, history: 7, rows, ..Surface::default() }
}

#[test]
fn a_prompt_that_looks_like_none_is_told_as_unknown_and_learned_behind_two_commands() {
    let shell = Seen { depth: Depth::AtPrompt, ..seen(&["bash"], true, RAW) };
    for prompt in ["", "x ", "x", "go on "] {
        let row = |text: &str| format!("{prompt}{text}");
        let (first, second) = (row("cd /tmp"), row("echo 2"));
        let mut prompts = Prompts::default();
        prompts.learn(&shell, "$ ", &row_at(3, "$ ", ""));
        let one = rows_of(&["$ PS1=", prompt]);
        let two = rows_of(&["$ PS1=", &first, prompt]);
        let three = rows_of(&["$ PS1=", &first, &second, "2", prompt]);
        for (n, surface) in [&one, &two, &three].into_iter().enumerate() {
            assert_eq!(reads_of(&prompts, &shell, surface), Reads::Draft, "{prompt:?} {n}");
            assert_eq!(held_by_shell(surface, &shell, &prompts), Holds::Prompt, "{prompt:?} {n}");
            prompts.command_ran();
            prompts.learn(&shell, prompt, surface);
        }
        assert_eq!(reads_of(&prompts, &shell, &three), Reads::Shell, "{prompt:?}");
        // A draft behind it, and what is not at the prompt for certain.
        let draft = row("ls");
        let drafted = rows_of(&["$ PS1=", &first, &second, "2", &draft]);
        assert_eq!(reads_of(&prompts, &shell, &drafted), Reads::Draft, "{prompt:?}");
        let unsure = Seen { depth: Depth::Unknown, ..shell.clone() };
        assert_ne!(reads_of(&prompts, &unsure, &three), Reads::Shell, "{prompt:?}");
        // A command that is not whole goes on below, and its second row is no prompt, known or not.
        let begun = rows_of(&["$ PS1=", &row("if true"), "> "]);
        let mut fresh = Prompts::default();
        // Of one that is not known, only a word that stands by itself tells.
        let fresh = (prompt != "x").then_some(&mut fresh);
        for prompts in std::iter::once(&mut prompts).chain(fresh) {
            prompts.command_ran();
            prompts.learn(&shell, "> ", &begun);
            assert_eq!(reads_of(prompts, &shell, &begun), Reads::Draft, "{prompt:?}");
        }
        // Nor where it looks the same.
        for above in ["if true", "echo one \\", "cat <<END", "echo 'a", "f() {"] {
            let goes_on = rows_of(&["$ PS1=", &row(above), prompt]);
            assert_eq!(reads_of(&prompts, &shell, &goes_on), Reads::Draft, "{prompt:?} {above}");
        }
    }
}

#[test]
fn a_draft_that_was_first_seen_half_typed_is_no_prompt() {
    let shell = Seen { depth: Depth::AtPrompt, ..seen(&["bash"], true, RAW) };
    // Twice the same line was called back, and nothing typed behind it.
    let mut prompts = Prompts::default();
    for rows in [&["x", "make"][..], &["x", "make", "built", "make"], &["x", "make", "built", "make", "built", "make"]]
    {
        prompts.command_ran();
        prompts.learn(&shell, "make", &rows_of(rows));
        assert_eq!(reads_of(&prompts, &shell, &rows_of(rows)), Reads::Draft, "{rows:?}");
    }
    // A question of the shell's own comes as often as it likes.
    let asks = Seen { depth: Depth::Unknown, ..shell };
    let mut prompts = Prompts::default();
    for rows in [&["x", "Name "][..], &["x", "Name ann", "Name "], &["x", "Name ann", "Name bob", "Name "]] {
        prompts.command_ran();
        prompts.learn(&asks, "Name ", &rows_of(rows));
        assert_eq!(reads_of(&prompts, &asks, &rows_of(rows)), Reads::Draft, "{rows:?}");
    }
}
