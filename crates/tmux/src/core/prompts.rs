//! Where the prompt of a shell ended: what stands right of it is a draft.
//!
//! Nobody tells that without shell integration. So the place is known where the row looks like a prompt and nothing else,
//! and learned from rows on which the shell was seen before anybody typed: right after a command, twice the same.
//! **A row that could as well be the second of a command (`> `, `quote> `) is none**, unless it was learned.

use super::likeness::{are_kin, asked_above, names_folder};
use super::reader::{Seen, Surface};
use super::stacks::Depth;
use tmuxagent_model::Front;

/// Whether something stands behind a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtPrompt {
    Empty,
    /// Something, or it can't be told that there is nothing.
    Draft,
}

/// The last sign of a prompt.
pub(super) const ENDS: &[char] = &['$', '#', '%', '>', '❯', '➜', 'λ', '»', '›', '▶', '⟩'];
/// What stands between the parts of a prompt and behind the last in themes with arrows; nobody types it.
const ARROW: char = '\u{e0b0}';
/// How many prompts of one shell are remembered.
const KNOWN: usize = 8;

/// What is known of the prompts of the shell in a pane.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prompts {
    shell: Option<Front>,
    known: Vec<String>,
    /// What stood left of the cursor when it was first seen in its present row.
    first: Option<(u64, String)>,
    /// The same of the prompt before: where the two are alike the text is a prompt.
    before: Option<String>,
    /// Another program was in front, or a command's end was told, since the last prompt.
    ran: bool,
}

impl Prompts {
    /// A command has run: what the shell shows next is a fresh prompt.
    pub fn command_ran(&mut self) {
        self.ran = true;
    }

    /// The shell was seen at rest with its line editor in front. Gives whether it is a fresh prompt, as far as its text tells.
    pub fn learn(&mut self, seen: &Seen, prefix: &str, surface: &Surface) -> bool {
        let shell = seen.front.as_ref();
        if self.shell.as_ref() != shell {
            *self = Self { shell: shell.cloned(), ran: self.ran, ..Self::default() };
        }
        let row = surface.row_number();
        if prefix.trim().is_empty() || seen.busy {
            // It is not drawn yet.
            return false;
        }
        if seen.depth == Depth::Elsewhere {
            // Nothing of it is learned, but that a prompt may stand so after all.
            let like_others = looks_like_prompt(prefix) && self.is_like_known(prefix, surface);
            return like_others && std::mem::take(&mut self.ran);
        }
        if self.first.as_ref().is_some_and(|(known, _)| *known == row) {
            return false;
        }
        // What was there before anybody looked is a prompt where it looks like one and nothing like a question.
        let met = self.first.is_none() && looks_like_prompt(prefix) && !is_continuation(prefix);
        self.first = Some((row, prefix.to_owned()));
        let ran = std::mem::take(&mut self.ran);
        // Who types fast may have begun by now: what stands behind the sign of a prompt is not learned as a part of it. A row
        // that is drawn again without a command in between shows the same draft as before.
        let alone = |text: &str| behind_prompt(text).is_none_or(|rest| rest.trim().is_empty());
        let like_others = seen.depth == Depth::AtPrompt || self.is_like_known(prefix, surface);
        let fresh = (ran || row == 0 || met) && alone(prefix) && like_others && !asked_above(surface);
        let head = prefix.trim_start_matches(ENDS);
        let twice = ran && self.before.as_deref() == Some(prefix) && !is_continuation(prefix) && alone(head);
        self.before = Some(prefix.to_owned());
        let is_prompt = (fresh || twice) && ends_prompt(prefix);
        if is_prompt && !self.known.iter().any(|known| known == prefix) {
            self.known.push(prefix.to_owned());
            if self.known.len() > KNOWN {
                self.known.remove(0);
            }
        }
        is_prompt
    }

    /// Whether a text may be a prompt of the shell whose others are known.
    fn is_like_known(&self, prefix: &str, surface: &Surface) -> bool {
        self.known.is_empty() || self.known.iter().any(|known| are_kin(known, prefix, &surface.folder))
    }

    /// Judges the cursor's row of a shell.
    pub fn judge(&self, seen: &Seen, prefix: &str, behind: &str, surface: &Surface) -> AtPrompt {
        if stands_behind(behind) || seen.depth == Depth::Elsewhere {
            return AtPrompt::Draft;
        }
        let sure = seen.depth == Depth::AtPrompt;
        if !sure && asked_above(surface) {
            return AtPrompt::Draft;
        }
        let same_shell = self.shell == seen.front;
        if same_shell && self.known.iter().any(|known| known == prefix) {
            return AtPrompt::Empty;
        }
        let grew = self.first.as_ref().filter(|(row, _)| same_shell && *row == surface.row_number());
        if grew.is_some_and(|(_, first)| {
            !first.trim().is_empty() && prefix != first && prefix.trim_end().starts_with(first.trim_end())
        }) {
            return AtPrompt::Draft;
        }
        let is_new = !same_shell || self.known.is_empty();
        let first_row = !is_continuation(prefix) || surface.row_number() == 0;
        let looks = looks_like_prompt(prefix) && (sure || first_row) || names_folder(prefix, &surface.folder);
        if looks && (sure || is_new || self.is_like_known(prefix, surface)) { AtPrompt::Empty } else { AtPrompt::Draft }
    }
}

/// Whether a text behind the cursor belongs to the line: it stands right there. What a shell shows at the right edge does not.
fn stands_behind(behind: &str) -> bool {
    !behind.trim().is_empty() && !behind.starts_with("  ")
}

/// Where the first sign that ends a prompt stands, and what is behind it.
pub(super) fn behind_prompt(text: &str) -> Option<&str> {
    let mut signs = text.char_indices().filter(|(_, c)| ENDS.contains(c));
    signs.find_map(|(at, c)| {
        let rest = text.get(at + c.len_utf8()..)?;
        (rest.is_empty() || rest.starts_with([' ', '\u{a0}'])).then_some(rest)
    })
}

/// The first sign that ends a prompt is the last of the text; of arrows that join, the last.
fn looks_like_prompt(text: &str) -> bool {
    if let Some((_, rest)) = text.rsplit_once(ARROW) {
        return rest.trim().is_empty() && rest.chars().count() <= 2;
    }
    behind_prompt(text).is_some_and(|rest| rest.trim().is_empty() && rest.chars().count() <= 2)
}

/// Prompts of other shapes end with a sign too, not with a word or a question.
fn ends_prompt(text: &str) -> bool {
    text.trim_end()
        .chars()
        .next_back()
        .is_some_and(|c| !c.is_alphanumeric() && !matches!(c, ':' | '?' | ']' | ')' | '"' | '\''))
}

/// What shells show in the second row of a command: `> `, `quote> `, `for then> `.
fn is_continuation(text: &str) -> bool {
    text.trim_end().strip_suffix('>').is_some_and(|words| words.chars().all(|c| c.is_ascii_lowercase() || c == ' '))
}

/// The cursor's row of a program's own line editor: the sign of its prompt stands at the beginning, perhaps in a frame.
pub(super) fn editor_row(prefix: &str) -> Option<AtPrompt> {
    let row = prefix.trim_start_matches(['│', '┃', '|', ' ']);
    let rest = behind_prompt(row)?;
    let sign = row.len() - rest.len();
    if row.chars().take_while(|c| !ENDS.contains(c)).count() > 24 || sign == 0 {
        return None;
    }
    Some(if rest.trim().is_empty() { AtPrompt::Empty } else { AtPrompt::Draft })
}
