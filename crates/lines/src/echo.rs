//! Which lines are only the echo of what we typed.
//!
//! A typed line comes back once from the line editor behind its prompt, and before that once from the terminal itself
//! if it was typed ahead, while another program ran. Lines that merely contain the text are the program's own.

use super::border;
use super::pieces::{self, Pieces};
use std::collections::VecDeque;
use tmuxagent_model::Origin;

/// How many typed lines wait for their echo at most, the longest of them in bytes, and all of them.
const MOST_EXPECTED: usize = 192;
const LONGEST: usize = 192 * 1024;
const MOST_BYTES: usize = 512 * 1024;
/// How many typed texts are remembered to recognise them in an agent's transcript.
const MOST_REMEMBERED: usize = 16;
const LONGEST_REMEMBERED: usize = 16 * 1024;
const MOST_PROMPTS: usize = 4;
/// The shortest piece of a typed line that is taken for a part of its echo.
const SHORTEST_PIECE: usize = pieces::SHORTEST;
/// A text that is longer is not searched anew for each line that may show a piece of it.
const LONGEST_SEARCHED: usize = 4096;
/// In how many places behind the text a clock at the right edge is looked for.
const MOST_GAPS: usize = 64;

/// What a shell's or a program's prompt ends with, as a rule.
const PROMPT_ENDS: [char; 11] = ['$', '#', '%', '>', '❯', '»', 'λ', '➜', '›', '⟩', '✗'];

/// A typed line whose echo is to come.
#[derive(Debug)]
struct Expected {
    text: String,
    /// What stood on the row when it was typed.
    behind: String,
    /// The terminal has echoed it; the line editor may show it once more.
    echoed: bool,
    /// A line showed its beginning; more may follow on further lines.
    begun: bool,
    /// What stands where in a long text that has begun.
    pieces: Option<Pieces>,
    /// Something of it was typed where nobody may read it.
    unseen: bool,
}

impl Expected {
    /// A line showed the beginning.
    fn begin(&mut self) {
        self.begun = true;
        self.pieces = (self.text.len() > LONGEST_SEARCHED).then(|| Pieces::of(&self.text));
    }

    /// Whether it holds a part of a line.
    fn holds(&self, part: &str) -> bool {
        match &self.pieces {
            Some(pieces) => pieces.hold(&self.text, part),
            None => self.text.contains(part),
        }
    }
}

/// What we typed.
#[derive(Debug, Default)]
pub(super) struct Echo {
    expected: VecDeque<Expected>,
    /// Those that came in pieces since the last was typed: an editor may draw them once more, as a whole.
    pieced: Vec<Expected>,
    /// The last typed line had no Enter yet.
    open: bool,
    /// Typed texts without their blanks.
    remembered: VecDeque<String>,
    /// Prompts behind which an echo was seen.
    prompts: VecDeque<String>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) origin: Origin,
    /// How many bytes at the start of an echo are the program's own question.
    pub(super) question: usize,
}

const PROGRAM: Judged = Judged { origin: Origin::Program, question: 0 };
const ECHO: Judged = Judged { origin: Origin::Echo, question: 0 };

impl Echo {
    /// Remembers typed text, Enter as `\n`; `behind` is what stands on the row now; `unseen`: nobody may read it.
    pub(super) fn typed(&mut self, text: &str, behind: &str, unseen: bool) {
        self.pieced.clear();
        let continued = std::mem::replace(&mut self.open, !text.ends_with(['\n', '\r']));
        self.remember(&squeezed(text), continued);
        for (at, line) in text.split(['\n', '\r']).enumerate() {
            match self.expected.back_mut() {
                Some(open) if at == 0 && continued && open.text.len() + line.len() <= LONGEST => {
                    open.text.push_str(line);
                    open.unseen |= unseen;
                    if open.begun && !line.is_empty() {
                        open.begin();
                    }
                }
                _ if line.trim().is_empty() => {}
                _ => {
                    let text = border::head(line, LONGEST).to_owned();
                    let behind = if at == 0 { behind.trim_end().to_owned() } else { String::new() };
                    let pieces = None;
                    self.expected.push_back(Expected { text, behind, echoed: false, begun: false, pieces, unseen });
                }
            }
        }
        let bytes = |expected: &VecDeque<Expected>| expected.iter().map(|one| one.text.len()).sum::<usize>();
        while self.expected.len() > MOST_EXPECTED || bytes(&self.expected) > MOST_BYTES {
            self.expected.pop_front();
        }
    }

    fn remember(&mut self, squeezed: &str, continued: bool) {
        match self.remembered.back_mut() {
            Some(last) if continued && last.len() + squeezed.len() <= LONGEST_REMEMBERED => last.push_str(squeezed),
            _ if squeezed.is_empty() => {}
            _ => self.remembered.push_back(border::head(squeezed, LONGEST_REMEMBERED).to_owned()),
        }
        while self.remembered.len() > MOST_REMEMBERED {
            self.remembered.pop_front();
        }
    }

    /// The typed lines whose echo is to come and that anybody may read, oldest first.
    pub(super) fn awaited(&self) -> impl Iterator<Item = &str> {
        self.expected.iter().filter(|expected| !expected.unseen).map(|expected| expected.text.as_str())
    }

    /// Whether any echo is to come.
    pub(super) fn expects(&self) -> bool {
        !self.expected.is_empty() || !self.pieced.is_empty()
    }

    /// Judges a complete line.
    pub(super) fn complete(&mut self, line: &str) -> Judged {
        for at in 0..self.expected.len() {
            let expected = &self.expected[at];
            let Some(prompt) = self.prompt_before(line, expected) else { continue };
            let bare = prompt.trim().is_empty();
            if bare && expected.echoed {
                continue;
            }
            let question = self.question(prompt, expected);
            if bare {
                self.expected[at].echoed = true;
            } else {
                if question == 0 {
                    self.learn(prompt.to_owned());
                }
                self.expected.remove(at);
            }
            return Judged { origin: Origin::Echo, question };
        }
        self.piece(line)
    }

    /// Judges a line that may show a part of a typed one: some editors break long commands into lines of their own.
    fn piece(&mut self, line: &str) -> Judged {
        let text = line.trim();
        if text.len() < SHORTEST_PIECE {
            // The last row of a command that was told in pieces may hold little.
            let ends =
                |expected: &Expected| expected.begun && !text.is_empty() && expected.text.trim_end().ends_with(text);
            let Some(at) = self.expected.iter().position(ends) else { return PROGRAM };
            self.expected.remove(at);
            return ECHO;
        }
        // Drawn again as a whole it may stand behind what was left of the first picture.
        let whole = |expected: &Expected| text.ends_with(expected.text.trim());
        let within = |expected: &Expected| expected.begun && (expected.holds(text) || whole(expected));
        if let Some(at) = self.expected.iter().position(within) {
            if whole(&self.expected[at]) || self.expected[at].text.trim_end().ends_with(text) {
                self.pieced.extend(self.expected.remove(at));
            }
            return ECHO;
        }
        if self.pieced.iter().any(|pieced| self.prompt_before(line, pieced).is_some()) {
            return ECHO;
        }
        let begins = |expected: &Expected| self.begins(line, expected, SHORTEST_PIECE).is_some();
        let Some(at) = self.expected.iter().position(begins) else { return PROGRAM };
        self.expected[at].begin();
        ECHO
    }

    /// Judges a line on which the cursor still stands: the echo may have come only in part.
    pub(super) fn unterminated(&self, line: &str) -> Judged {
        for expected in &self.expected {
            if let Some(prompt) = self.prompt_before(line, expected) {
                return Judged { origin: Origin::Echo, question: self.question(prompt, expected) };
            }
            if let Some(prompt) = self.begins(line, expected, 1) {
                return Judged { origin: Origin::Echo, question: self.question(&line[..prompt], expected) };
            }
        }
        PROGRAM
    }

    /// The length of the prompt, where behind it stands the begin of the typed text, at least `least` bytes of it.
    fn begins(&self, line: &str, expected: &Expected, least: usize) -> Option<usize> {
        let begun = |prompt: &usize| {
            let typed = line[*prompt..].trim();
            typed.len() >= least && expected.text.trim_start().starts_with(typed)
        };
        let known = self.prompts.iter().map(String::as_str).chain([expected.behind.as_str()]);
        let mut known = known.filter(|prompt| !prompt.is_empty() && line.starts_with(*prompt)).map(str::len);
        let ends = line.char_indices().filter(|(_, c)| PROMPT_ENDS.contains(c)).map(|(at, c)| at + c.len_utf8());
        known.find(begun).or_else(|| ends.take(64).find(begun))
    }

    /// Whether a block of a screen, its decoration taken off, is a part of what we typed.
    pub(super) fn covers(&self, block: &str) -> bool {
        let squeezed = squeezed(block);
        !squeezed.is_empty() && self.remembered.iter().any(|typed| typed.contains(&squeezed))
    }

    /// What stands before the typed text, where the line is that text behind a prompt.
    fn prompt_before<'l>(&self, line: &'l str, expected: &Expected) -> Option<&'l str> {
        ends_of(line, expected.text.trim_end()).find(|prompt| self.is_prompt(prompt, expected))
    }

    fn is_prompt(&self, prompt: &str, expected: &Expected) -> bool {
        let trimmed = prompt.trim_end();
        trimmed.is_empty()
            || trimmed == expected.behind
            || trimmed.ends_with(PROMPT_ENDS)
            || trimmed.trim_start().starts_with(['➜', '❯', 'λ'])
            || self.prompts.iter().any(|known| known == trimmed)
    }

    /// The length of a question that the program asked and we answered; a shell's prompt is none.
    fn question(&self, prompt: &str, expected: &Expected) -> usize {
        let trimmed = prompt.trim_end();
        let shell = trimmed.ends_with(PROMPT_ENDS) || self.prompts.iter().any(|known| known == trimmed);
        if trimmed.is_empty() || shell || trimmed != expected.behind { 0 } else { trimmed.len() }
    }

    fn learn(&mut self, prompt: String) {
        let prompt = prompt.trim_end().to_owned();
        if prompt.len() > 256 || self.prompts.contains(&prompt) {
            return;
        }
        if self.prompts.len() >= MOST_PROMPTS {
            self.prompts.pop_front();
        }
        self.prompts.push_back(prompt);
    }
}

/// What stands before a text, which ends with no blank, wherever the line ends with it: at its own end, or where some shells
/// show a clock at the right edge behind it. A line that is shorter than the text is not looked at, for an editor that draws
/// a long command again and again makes many of them.
fn ends_of<'l>(line: &'l str, text: &str) -> impl Iterator<Item = &'l str> {
    let end = line.trim_end().len();
    let fits = line.len() >= text.len();
    let gaps = fits.then(|| line.match_indices("  ").map(|(at, _)| at)).into_iter().flatten();
    let ends = gaps.filter(move |at| (text.len()..end).contains(at)).take(MOST_GAPS).chain(fits.then_some(end));
    ends.filter_map(move |at| line[..at].strip_suffix(text))
}

/// A text without its blanks.
pub(super) fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What was done for each line before: each place of the text, looked at from left to right.
    fn searched<'l>(line: &'l str, text: &str) -> Option<&'l str> {
        let places = (0..line.len()).filter(|at| line.is_char_boundary(*at));
        let mut found = places.filter(|at| line[*at..].starts_with(text));
        let ends = |rest: &str| rest.trim().is_empty() || rest.starts_with("  ");
        found.find(|at| ends(&line[at + text.len()..])).map(|at| &line[..at])
    }

    proptest! {
        #[test]
        fn the_end_of_a_text_is_where_a_search_finds_it(line in "[ab é]{0,24}", text in "[ab é]{0,5}[abé]") {
            prop_assert_eq!(ends_of(&line, &text).next(), searched(&line, &text));
        }
    }

    #[test]
    fn a_line_that_a_long_text_can_not_stand_on_is_not_searched() {
        let text = "x".repeat(100_000);
        assert_eq!(ends_of("$ xxxx", &text).count(), 0);
        assert_eq!(ends_of(&format!("$ {text}  12:00"), &text).collect::<Vec<_>>(), ["$ "]);
        // A line of nothing but gaps is looked at in so many places.
        assert!(ends_of(&"a  ".repeat(10_000), "a").count() <= MOST_GAPS + 1);
    }

    #[test]
    fn the_pieces_of_a_long_text_are_echoes_wherever_they_come_again() {
        let text: String = (0..5_000).map(|n| format!("word{n} ")).collect();
        let mut echo = Echo::default();
        echo.typed(&text, "$", false);
        echo.typed("\n", "$", false);
        assert_eq!(echo.complete(&format!("$ {}", &text[..78])), ECHO);
        assert!(echo.expected[0].pieces.is_some());
        for line in [&text[78..158], &text[4_000..4_080], &text[78..158]] {
            assert_eq!(echo.complete(line), ECHO, "{line}");
        }
        assert_eq!(echo.complete("test result: ok. 12 passed; word12 failed"), PROGRAM);
        assert_eq!(echo.complete(&text[text.len() - 40..]), ECHO);
        assert!(echo.expected.is_empty(), "its end was seen");
    }
}
