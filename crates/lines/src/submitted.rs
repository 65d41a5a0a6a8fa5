//! Whether a program took a text that was put into its input line, told from its screen.
//!
//! What agents show: the text, or a stand-in such as `[Pasted text #1 +9 lines]` and `[Pasted Content 3010 chars]`, in a
//! composer that begins with `❯`, `›` or `>`; once it is taken, the composer is empty or holds other words, and the text
//! stands above it (Codex 0.169, Claude Code 2.1.329, Gemini CLI 0.61).

use super::border::{head, tail};
use super::echo::squeezed;

/// How a program lets people type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// On the line of the cursor, as shells do.
    Line,
    /// In a composer of its own somewhere on the screen.
    Composer,
}

/// What a screen tells of a submitted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It stands in the input line.
    Stands,
    /// It was taken.
    Taken,
    /// Nothing is to be seen of it.
    Unseen,
}

/// A text that was put into a program's input line and submitted.
#[derive(Debug, Clone)]
pub struct Submitted {
    entry: Entry,
    /// The first and last words of it, without blanks.
    marks: Vec<String>,
    /// How often it could be seen outside the input line before.
    before: usize,
    /// It was seen in the input line.
    stood: bool,
}

/// Words that agents show instead of a long text, without blanks.
const STAND_INS: [&str; 2] = ["[Pastedtext#", "[PastedContent"];
/// How much of the text is looked for, bytes.
const MARK: usize = 28;
/// A composer has no more rows than this.
const TALLEST: usize = 40;

impl Submitted {
    /// A text that is about to be submitted to a program that shows these rows, the cursor in row `cursor`.
    #[must_use]
    pub fn new(text: &str, entry: Entry, rows: &[String], cursor: usize) -> Self {
        let mut lines = text.lines().map(squeezed).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let last = lines.next_back().unwrap_or_else(|| first.clone());
        let mut marks = vec![head(&first, MARK).to_owned(), tail(&last, MARK).to_owned()];
        marks.dedup();
        marks.retain(|mark| !mark.is_empty());
        let mut submitted = Self { entry, marks, before: 0, stood: false };
        submitted.before = submitted.split(rows, cursor).1;
        submitted
    }

    /// Looks at the screen again.
    pub fn look(&mut self, rows: &[String], cursor: usize) -> Standing {
        let (stands, elsewhere) = self.split(rows, cursor);
        if stands {
            self.stood = true;
            return Standing::Stands;
        }
        if self.stood || elsewhere > self.before { Standing::Taken } else { Standing::Unseen }
    }

    /// Whether the input line holds the text, and how often it can be seen elsewhere.
    fn split(&self, rows: &[String], cursor: usize) -> (bool, usize) {
        let input = match self.entry {
            Entry::Line => cursor..cursor.saturating_add(1),
            Entry::Composer => composer(rows).unwrap_or(0..0),
        };
        let (mut inside, mut outside) = (String::new(), String::new());
        for (index, row) in rows.iter().enumerate() {
            let text = if input.contains(&index) { &mut inside } else { &mut outside };
            text.push_str(&squeezed(bare(row)));
            // Short texts must not be found across the rows of others.
            if self.marks.iter().all(|mark| mark.len() < 8) {
                text.push('\n');
            }
        }
        // A line editor shows the first words above the cursor while the last ones are still being put in.
        let marks = match self.entry {
            Entry::Line => &self.marks[self.marks.len().saturating_sub(1)..],
            Entry::Composer => &self.marks[..],
        };
        let holds = |text: &str| {
            let marked = marks.iter().map(|mark| text.matches(mark.as_str()).count()).max().unwrap_or(0);
            marked + STAND_INS.iter().map(|word| text.matches(word).count()).sum::<usize>()
        };
        (holds(&inside) > 0, holds(&outside))
    }
}

/// The rows of the last composer on the screen.
fn composer(rows: &[String]) -> Option<std::ops::Range<usize>> {
    let begins = |row: &&String| {
        let mut chars = bare(row).chars();
        matches!(chars.next(), Some('❯' | '›' | '>')) && matches!(chars.next(), None | Some(' ' | '\u{a0}'))
    };
    let start = rows.iter().rposition(|row| begins(&row))?;
    let rule = |row: &String| {
        let row = row.trim();
        !row.is_empty() && row.chars().all(|c| ('\u{2500}'..='\u{259f}').contains(&c))
    };
    let end =
        rows[start..].iter().take(TALLEST).position(rule).map_or(rows.len().min(start + TALLEST), |at| start + at);
    Some(start..end.min(footer(rows)).max(start + 1))
}

/// Where the last paragraph begins, where that is Codex's footer: since 0.171 it names the thread, by the words of its first
/// prompt.
fn footer(rows: &[String]) -> usize {
    let end = rows.iter().rposition(|row| !row.trim().is_empty()).map_or(0, |at| at + 1);
    let start = rows[..end].iter().rposition(|row| row.trim().is_empty()).map_or(0, |at| at + 1);
    let names = rows.get(start).is_some_and(|row| row.starts_with("  ") && row.contains(" · "));
    if names { start } else { rows.len() }
}

/// A row without the border of a box around it.
fn bare(row: &str) -> &str {
    row.trim().trim_matches(['│', '┃', '|', '▌', '▐']).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threads_title_below_the_input_line_is_no_text_that_stands_in_it() {
        let shown = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let before = shown("› Ask Codex to do anything\n\n  GPT-5.5 default · /demo\n  ← for agents");
        let mut submitted = Submitted::new("Fix the login tests", Entry::Composer, &before, 0);
        let stands = shown("› Fix the login tests\n\n  GPT-5.5 default · /demo\n  ← for agents");
        assert_eq!(submitted.look(&stands, 0), Standing::Stands);
        let taken = "› Fix the login tests\n\n• Done.\n\n› Ask Codex to do anything\n\n  GPT-5.5 default · /demo · Fix the login tests\n  ← for agents";
        assert_eq!(submitted.look(&shown(taken), 4), Standing::Taken);
    }

    fn rows(screen: &str) -> Vec<String> {
        screen.lines().map(str::to_owned).collect()
    }

    const CLAUDE: &str = "────────\n❯ \n────────\n  ⏸ manual mode on";

    #[test]
    fn a_composer_that_holds_the_text_has_not_let_it_go() {
        let mut text = Submitted::new("Fix the tests.\nThen say done.", Entry::Composer, &rows(CLAUDE), 3);
        assert_eq!(text.look(&rows(CLAUDE), 3), Standing::Unseen);
        let typed = "────────\n❯ Fix the tests.\n  Then say done.\n────────\n  ⏸ manual mode on";
        assert_eq!(text.look(&rows(typed), 4), Standing::Stands);
        let taken = "❯ Fix the tests.\n  Then say done.\n\n✻ Thinking…\n────────\n❯ \n────────\n  ⏸ manual mode on";
        assert_eq!(text.look(&rows(taken), 7), Standing::Taken);
    }

    #[test]
    fn a_stand_in_counts_as_the_text() {
        let text = "one\ntwo\nthree\nfour";
        let mut claude = Submitted::new(text, Entry::Composer, &rows(CLAUDE), 3);
        let standing = "────────\n❯ [Pasted text #1 +9 lines]\n────────\n";
        assert_eq!(claude.look(&rows(standing), 3), Standing::Stands);
        assert_eq!(claude.look(&rows(CLAUDE), 3), Standing::Taken, "it was there and is not any more");
        let mut codex = Submitted::new(text, Entry::Composer, &rows("› Ask Codex to do anything\n\n  GPT"), 0);
        assert_eq!(codex.look(&rows("› [Pasted Content 3010 chars]\n\n  GPT"), 0), Standing::Stands);
        let taken =
            "› one\n  two\n  three\n  four\n\n• Working (0s • esc to interrupt)\n\n› Ask Codex to do anything\n\n  GPT";
        assert_eq!(codex.look(&rows(taken), 7), Standing::Taken);
    }

    #[test]
    fn an_earlier_prompt_of_the_same_words_is_no_sign() {
        let before = "> go on\n● done\n╭────╮\n│ >  │\n╰────╯";
        let mut text = Submitted::new("go on", Entry::Composer, &rows(before), 4);
        assert_eq!(text.look(&rows(before), 4), Standing::Unseen);
        assert_eq!(text.look(&rows("> go on\n● done\n╭────╮\n│ > go on │\n╰────╯"), 4), Standing::Stands);
        let mut again = Submitted::new("go on", Entry::Composer, &rows(before), 4);
        let taken = "> go on\n● done\n> go on\n● on it\n╭────╮\n│ >  │\n╰────╯";
        assert_eq!(again.look(&rows(taken), 6), Standing::Taken);
    }

    #[test]
    fn a_line_is_taken_when_the_cursor_has_left_it() {
        let mut text = Submitted::new("hello there", Entry::Line, &rows("> \n"), 0);
        assert_eq!(text.look(&rows("> hello there\n"), 0), Standing::Stands);
        assert_eq!(text.look(&rows("> hello there\n\n"), 1), Standing::Taken);
        let mut slow = Submitted::new("hello\nthere you are", Entry::Line, &rows("> \n"), 0);
        assert_eq!(slow.look(&rows("> hello\n  there"), 1), Standing::Unseen, "it is still being put in");
        assert_eq!(slow.look(&rows("> hello\n  there you are"), 1), Standing::Stands);
        let mut quick = Submitted::new("hello there", Entry::Line, &rows("> \n"), 0);
        assert_eq!(quick.look(&rows("> hello there\ngot it\n> "), 2), Standing::Taken);
    }
}
