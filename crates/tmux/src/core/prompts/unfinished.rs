//! Whether what was typed behind a prompt is a whole command. Where the prompt of a shell and what it shows before the next
//! row of a command look alike (`> ` and `> `), its rows are all that tells whether it waits for more.
//!
//! Only the words are known: an alias may hold more than it shows.

use super::super::reader::Surface;
use unicode_width::UnicodeWidthStr as _;

/// What of a command was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    Whole,
    /// The shell waits for more.
    Open,
    Unknown,
}

/// What is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Quotes,
    Parameter,
    Backtick,
    Substitution,
    Group,
    Array,
    Condition,
    Braces,
    Loop,
    If,
    Case,
}

/// What stands behind such a prompt in the rows right above the cursor's; `None` where there is no such row.
pub(super) fn typed_above(prompt: &str, surface: &Surface) -> Option<Typed> {
    if prompt.trim().is_empty() {
        return None;
    }
    let lines = surface.lines_above(prompt.trim_end());
    let behind = |line: &str| {
        let text = line
            .strip_prefix(prompt)
            .or_else(|| line.strip_prefix(prompt.trim_end()).filter(|text| text.is_empty()))?;
        // What was given up is over.
        (!text.ends_with("^C")).then(|| text.to_owned())
    };
    let mut texts: Vec<String> = lines.iter().rev().map_while(|line| behind(line)).collect();
    texts.reverse();
    if texts.is_empty() {
        return None;
    }
    // What stands at the right edge was not typed, or it was.
    let begins = prompt.width();
    let without = |text: &String| {
        let width = begins + text.width();
        let reaches =
            (surface.columns.saturating_sub(2)..=surface.columns).contains(&u32::try_from(width).unwrap_or(0));
        text.rsplit_once("  ")
            .filter(|_| reaches)
            .map_or_else(|| text.clone(), |(typed, _)| typed.trim_end().to_owned())
    };
    let shortened: Vec<String> = texts.iter().map(without).collect();
    let begun_further_up = texts.len() == lines.len() && surface.history > 0;
    Some(match (typed(&texts.join("\n")), typed(&shortened.join("\n"))) {
        (Typed::Whole, Typed::Whole) if !begun_further_up => Typed::Whole,
        (Typed::Open, _) | (_, Typed::Open) => Typed::Open,
        _ => Typed::Unknown,
    })
}

/// What a shell makes of these lines.
fn typed(text: &str) -> Typed {
    let mut scan = Scan { chars: text.chars().collect(), command: true, ..Scan::default() };
    if scan.run().is_none() {
        return Typed::Open;
    }
    scan.word_ends();
    let open = !scan.levels.is_empty() || scan.joins || !scan.documents.is_empty();
    match (scan.unsure, open) {
        (true, _) => Typed::Unknown,
        (false, true) => Typed::Open,
        (false, false) => Typed::Whole,
    }
}

#[derive(Debug, Default)]
struct Scan {
    chars: Vec<char>,
    at: usize,
    levels: Vec<Level>,
    /// The word that is read, with a sign for what of it is quoted.
    word: String,
    /// The next word is a command's first.
    command: bool,
    /// An operator stands last that joins what comes.
    joins: bool,
    /// The words by which documents end that begin in the next line.
    documents: Vec<String>,
    unsure: bool,
}

impl Scan {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn is_next(&mut self, wanted: char) -> bool {
        let is = self.peek() == Some(wanted);
        self.at += usize::from(is);
        is
    }

    /// Reads to the end; `None` where that is within something that is known to go on.
    fn run(&mut self) -> Option<()> {
        while let Some(c) = self.peek() {
            self.at += 1;
            match self.levels.last() {
                Some(level @ (Level::Quotes | Level::Parameter)) => self.within(c, *level)?,
                _ => self.plain(c)?,
            }
        }
        Some(())
    }

    /// A letter within double quotes or `${…}`.
    fn within(&mut self, c: char, level: Level) -> Option<()> {
        match (c, level) {
            ('"', Level::Quotes) | ('}', Level::Parameter) => drop(self.levels.pop()),
            ('"', _) => self.levels.push(Level::Quotes),
            ('\'', Level::Parameter) if !self.levels.contains(&Level::Quotes) => self.single(false)?,
            _ => self.anywhere(c)?,
        }
        Some(())
    }

    /// What means the same in double quotes.
    fn anywhere(&mut self, c: char) -> Option<()> {
        match c {
            '\\' => {
                self.peek()?;
                self.at += 1;
            }
            '$' if self.is_next('(') => self.opens(Level::Substitution, true),
            '$' if self.is_next('{') => self.opens(Level::Parameter, false),
            '`' if self.levels.last() == Some(&Level::Backtick) => {
                self.word_ends();
                self.closes(Level::Backtick);
                self.quoted();
            }
            '`' => {
                self.unsure |= self.levels.contains(&Level::Backtick);
                self.opens(Level::Backtick, true);
            }
            '!' if self.peek().is_some_and(|next| next.is_alphanumeric() || "!$?-#".contains(next)) => {
                self.unsure = true
            }
            _ => {}
        }
        Some(())
    }

    /// Single quotes; those behind a `$` have escapes.
    fn single(&mut self, escapes: bool) -> Option<()> {
        loop {
            let c = self.peek()?;
            self.at += 1;
            match c {
                '\'' => return Some(()),
                '\\' if escapes => self.at += 1,
                _ => {}
            }
        }
    }

    /// A letter outside of quotes.
    fn plain(&mut self, c: char) -> Option<()> {
        let before = self.at.checked_sub(2).and_then(|at| self.chars.get(at)).copied();
        match c {
            '\n' => {
                self.word_ends();
                self.command = !matches!(self.levels.last(), Some(Level::Array | Level::Condition));
                self.skip_documents()?;
            }
            c if c.is_whitespace() => self.word_ends(),
            '#' if self.word.is_empty() => {
                // zsh may take it for a word.
                self.unsure = true;
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
            }
            '\\' if self.is_next('\n') => {}
            '\\' => {
                self.anywhere(c)?;
                self.quoted();
            }
            '\'' => {
                self.single(self.word.ends_with('$'))?;
                self.quoted();
            }
            '"' => {
                self.quoted();
                self.levels.push(Level::Quotes);
            }
            '$' | '`' | '!' => {
                self.joins = false;
                let depth = self.levels.len();
                self.anywhere(c)?;
                if self.levels.len() == depth {
                    self.word.push(c);
                }
            }
            ';' => self.operator(false),
            '&' if matches!(before, Some('<' | '>')) || self.peek() == Some('>') => self.word_ends(),
            '&' => {
                let joins = self.is_next('&');
                self.operator(joins);
            }
            '|' => {
                let _both = self.is_next('|') || self.is_next('&');
                self.operator(true);
            }
            '(' if self.word.ends_with('=') => self.opens(Level::Array, false),
            '(' if matches!(before, Some('<' | '>' | '=')) => self.opens(Level::Substitution, true),
            '(' => self.opens(Level::Group, true),
            ')' => {
                self.word_ends();
                match self.levels.last() {
                    Some(level @ (Level::Substitution | Level::Array)) => {
                        self.closes(*level);
                        self.quoted();
                    }
                    Some(Level::Case) => self.command = true,
                    _ => {
                        self.closes(Level::Group);
                        self.command = true;
                    }
                }
            }
            '<' if self.is_next('<') => self.document()?,
            '<' | '>' => self.word_ends(),
            c => {
                self.joins = false;
                self.word.push(c);
            }
        }
        Some(())
    }

    /// A part of the word is quoted, or comes from elsewhere: it is no word of the language.
    fn quoted(&mut self) {
        self.joins = false;
        self.word.push('\'');
    }

    fn operator(&mut self, joins: bool) {
        self.word_ends();
        (self.command, self.joins) = (true, joins);
    }

    fn opens(&mut self, level: Level, command: bool) {
        self.word.clear();
        self.levels.push(level);
        (self.command, self.joins) = (command, false);
    }

    fn closes(&mut self, level: Level) {
        if self.levels.last() == Some(&level) {
            self.levels.pop();
        } else {
            self.unsure = true;
        }
        self.command = false;
    }

    /// `<<`: a document begins in the next line, unless it is a word (`<<<`) or a number that is moved.
    fn document(&mut self) -> Option<()> {
        self.word_ends();
        if self.is_next('<') {
            return Some(());
        }
        self.unsure |= self.levels.contains(&Level::Group);
        let _tabs = self.is_next('-');
        while self.is_next(' ') {}
        let mut end = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && !";&|()<>".contains(*c)) {
            self.at += 1;
            end.extend(Some(c).filter(|c| !matches!(c, '\'' | '"' | '\\')));
        }
        self.joins = false;
        self.documents.push(end);
        Some(())
    }

    /// Goes behind the documents of the line that has ended; `None` where one has no end.
    fn skip_documents(&mut self) -> Option<()> {
        for end in std::mem::take(&mut self.documents) {
            loop {
                self.peek()?;
                let rest = self.chars.get(self.at..).unwrap_or_default();
                let line: String = rest.iter().take_while(|c| **c != '\n').collect();
                self.at += line.chars().count() + 1;
                if line.trim() == end {
                    break;
                }
            }
        }
        Some(())
    }

    fn word_ends(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.is_empty() {
            return;
        }
        if self.levels.last() == Some(&Level::Condition) {
            if word == "]]" {
                self.levels.pop();
            }
            return;
        }
        if !std::mem::take(&mut self.command) {
            return;
        }
        let opens = match word.as_str() {
            "if" => Some((Level::If, true)),
            "while" | "until" => Some((Level::Loop, true)),
            "for" | "select" => Some((Level::Loop, false)),
            "case" => Some((Level::Case, false)),
            "{" => Some((Level::Braces, true)),
            "[[" => Some((Level::Condition, false)),
            _ => None,
        };
        if let Some((level, command)) = opens {
            self.levels.push(level);
            self.command = command;
            return;
        }
        match word.as_str() {
            "fi" => self.closes(Level::If),
            "done" => self.closes(Level::Loop),
            "esac" => self.closes(Level::Case),
            "}" => self.closes(Level::Braces),
            "then" | "do" | "else" | "elif" | "!" | "time" | "coproc" | "nocorrect" => self.command = true,
            "function" | "foreach" | "repeat" | "always" | "end" => self.unsure = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_waits_for_more_is_open() {
        for text in [
            "for i in 1 2; do",
            "for i in 1 2",
            "for ((i = 0; i < 2; i++)); do",
            "while read x; do\necho $x",
            "if true",
            "if true; then\necho if",
            "until false; do echo done",
            "case x in\na) echo;;",
            "{",
            "f() {",
            "(cd /tmp",
            "x=(a b",
            "true &&",
            "false ||",
            "echo a |",
            "echo a |&",
            "echo a \\",
            "echo 'a",
            "echo \"a",
            "echo \"$(echo \"a\"",
            "echo $(",
            "echo `",
            "echo ${x:-",
            "[[ a &&",
            "cat <<X",
            "cat <<'X'\none\n X Y",
            "echo $'it\\'s",
            "echo a; if",
        ] {
            assert_eq!(typed(text), Typed::Open, "{text}");
        }
    }

    #[test]
    fn a_command_that_is_whole_is_known() {
        for text in [
            "",
            "ls -la",
            "cd ..\ntrue",
            "for i in 1 2; do echo $i; done",
            "for i in 1 2; do\necho $i\ndone\nls",
            "if true; then echo; else echo; fi",
            "case x in a|b) echo;; (c) echo;; esac",
            "{ make; echo $?; } 7<&$(printf 'a' >&2)-; case $(history 1) in *t*) history -d -1 2>/dev/null;; esac",
            "f() { echo; }",
            "x=(if a) true",
            "echo for if { do done",
            "echo 'for' \"if $(echo 'a b') '\" \\' it\\'s",
            "echo $'it\\'s' ${x:-'}'} \"${x:-it's}\"",
            "sleep 1 &",
            "make 2>&1 | tee log",
            "make &>log",
            "[[ -f a && -f b ]]",
            "cat <<X\nit's\nX",
            "cat <<< \"a b\"",
            "a=1 b=2 make test",
            "echo a#b",
            "git commit -m 'a; for b'",
            "time ! true",
            "echo \"a\\\"b\"",
            "diff <(ls a) <(ls b)",
            "echo \"`date`\" `date`",
        ] {
            assert_eq!(typed(text), Typed::Whole, "{text}");
        }
    }

    #[test]
    fn what_can_not_be_told_is_not_guessed() {
        for text in ["# it's", "echo !!", "function f {", "done", "((x << 2))", "repeat 3"] {
            assert_eq!(typed(text), Typed::Unknown, "{text}");
        }
    }

    /// The rows above the cursor's, which shows a prompt.
    fn above(prompt: &str, rows: &[&str], columns: u32, history: u64) -> Option<Typed> {
        let y = u32::try_from(rows.len()).expect("few rows");
        let rows = rows.iter().chain([&prompt]).map(|row| row.trim_end().to_owned()).collect();
        typed_above(prompt, &Surface { y, rows, columns, history, ..Surface::default() })
    }

    #[test]
    fn what_was_typed_stands_in_the_rows_right_above() {
        assert_eq!(above("> ", &["~/web"], 80, 0), None, "the first row of a prompt");
        assert_eq!(above("> ", &["~/web", "> for i in 1 2; do"], 80, 9), Some(Typed::Open));
        assert_eq!(above("> ", &["> for i in 1 2; do", "> ls", "> done"], 80, 0), Some(Typed::Whole));
        assert_eq!(above("> ", &["> for i in 1 2; do", "> ", "> ls"], 80, 0), Some(Typed::Open));
        assert_eq!(above("> ", &["> for i in 1 2; do", "2 files"], 80, 0), None, "it has printed something");
        assert_eq!(above("> ", &["> for i in 1 2; do^C"], 80, 0), None);
        assert_eq!(above("$ ", &["$ echo one \\"], 80, 0), Some(Typed::Open), "both prompts are the same");
        assert_eq!(above("> ", &["> done"], 80, 9), Some(Typed::Unknown));
        assert_eq!(above("> ", &["> ls", "> ls"], 80, 9), Some(Typed::Unknown), "more may have left the screen");
        // A line that is wrapped, and one with a prompt at the right edge.
        assert_eq!(above("> ", &["> echo 123", "45 && \\"], 10, 0), Some(Typed::Open));
        assert_eq!(above("> ", &["> a &&  1:2", "> b     1:2"], 11, 0), Some(Typed::Whole), "`b` was typed behind it");
        assert_eq!(above("> ", &["> b     1:2", "> a &&  1:2"], 11, 0), Some(Typed::Open));
    }
}
