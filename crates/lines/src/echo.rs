//! Which lines are only the echo of what we typed.
//!
//! A typed line comes back once from the line editor behind its prompt, and before that once from the terminal itself
//! if it was typed ahead, while another program ran. Lines that merely contain the text are the program's own.

use super::border;
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
const SHORTEST_PIECE: usize = 8;

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
    /// Something of it was typed where nobody may read it.
    unseen: bool,
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
                }
                _ if line.trim().is_empty() => {}
                _ => {
                    let text = border::head(line, LONGEST).to_owned();
                    let behind = if at == 0 { behind.trim_end().to_owned() } else { String::new() };
                    self.expected.push_back(Expected { text, behind, echoed: false, begun: false, unseen });
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
        let within = |expected: &Expected| expected.begun && (expected.text.contains(text) || whole(expected));
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
        self.expected[at].begun = true;
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
        let text = expected.text.trim_end();
        let mut from = 0;
        while let Some(found) = line[from..].find(text) {
            let (prompt, rest) = (&line[..from + found], &line[from + found + text.len()..]);
            // Some shells show a clock at the right edge.
            let ends = rest.trim().is_empty() || rest.starts_with("  ");
            if ends && self.is_prompt(prompt, expected) {
                return Some(prompt);
            }
            from += found + text.chars().next().map_or(1, char::len_utf8);
        }
        None
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

/// A text without its blanks.
pub(super) fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
