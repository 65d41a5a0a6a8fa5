//! Where the prompt of a shell ended: what stands right of it is a draft.
//!
//! Nobody tells that without shell integration. So the place is known where the row looks like a prompt and nothing else,
//! and learned from rows on which the shell was seen before anybody typed: right after a command, twice the same where it
//! does not look like one. What integration tells is learned as well: the very same row is a prompt also where no mark was
//! heard, in a later life of the supervisor or in another pane with such a shell.
//! **A row that could as well be the second of a command (`> `, `quote> `) is none**, unless it was learned, and never where
//! another prompt of that shell is known: a shell that waits for more of a command (`if true`, a `\\` at the end) stands
//! exactly where it stands at its prompt. Where the two look alike the words decide that were typed in the rows above: behind
//! what can't be told to be whole no `> ` is an empty prompt, and behind what is open no prompt is.

mod unfinished;

use super::likeness::{are_kin, asked_above, begun_above, names_folder, path_tail};
use super::reader::{Seen, Surface, split_at};
use super::stacks::Depth;
use crate::KnownPrompts;
use tmuxagent_lines::{ShellPhase, ShellState};
use tmuxagent_model::Front;
use unfinished::{Typed, typed_above};

/// Whether something stands behind a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtPrompt {
    Empty,
    /// Something, or it can't be told that there is nothing.
    Draft,
    /// It stands elsewhere: the shell asks something itself, with its line editor (`read -e`, `vared`).
    Asks,
    /// Nothing shows which part of the row is the prompt.
    Unknown,
}

/// The last sign of a prompt.
pub(super) const ENDS: &[char] = &['$', '#', '%', '>', '❯', '➜', 'λ', '»', '›', '▶', '⟩'];
/// What stands between the parts of a prompt and behind the last in themes with arrows; nobody types it.
const ARROW: char = '\u{e0b0}';
/// How many prompts of one shell are remembered.
const KNOWN: usize = 8;
/// Of those, how many are kept for another life of the supervisor, and how long they may be, bytes.
const KEPT: (usize, usize) = (4, 200);

/// So many commands are typed behind a prompt that looks like none until it is learned.
const TYPED: u8 = 2;

/// What is known of the prompts of the shell in a pane.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prompts {
    shell: Option<Front>,
    known: Vec<String>,
    /// Those that look like none, and count where the shell stands at its prompt for certain.
    odd: Vec<String>,
    /// What looks like none and stood there first right after a command, in which row, and how many commands were typed behind
    /// it by then.
    odd_at: Option<(u64, String, u8)>,
    /// Those that marks of the shell told.
    told: Vec<String>,
    /// What stood left of the cursor when rows of it were first seen: a text that only adds to one is a draft.
    firsts: Vec<String>,
    /// More is known than was kept.
    news: bool,
    /// What stood left of the cursor when it was first seen in its present row.
    first: Option<(u64, String)>,
    /// The same of the prompt before: where the two are alike the text is a prompt.
    before: Option<String>,
    /// Another program was in front, or a command's end was told, since the last prompt.
    ran: bool,
    /// The shell's editor tells when it lets go of a line.
    lets_go: bool,
    /// The row in which the line began that the editor holds, and how wide that was.
    line: Option<(u64, u32)>,
    /// That line may be one more of a command that is not whole.
    unfinished: bool,
}

impl Prompts {
    /// What an earlier life knew.
    pub fn remembering(known: KnownPrompts) -> Self {
        Self { shell: Some(known.shell), known: known.learned, told: known.told, ..Self::default() }
    }

    /// What another life is to know. What may also be the second row of a command is learned anew.
    pub fn kept(&self) -> Option<KnownPrompts> {
        let (most, long) = KEPT;
        let some = |texts: &[String]| -> Vec<String> {
            let fit = texts.iter().rev().filter(|text| text.len() <= long && !is_continuation(text));
            fit.take(most).cloned().collect()
        };
        let known = KnownPrompts { shell: self.shell.clone()?, learned: some(&self.known), told: some(&self.told) };
        Some(known).filter(|known| !known.learned.is_empty() || !known.told.is_empty())
    }

    /// Whether something was learned since this was last asked.
    pub fn has_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Whether marks of such a shell told that this is its prompt.
    pub fn tell(&self, shell: &Front, prefix: &str) -> bool {
        let alike = self.shell.as_ref().is_some_and(|known| known.name == shell.name);
        alike && self.told.iter().any(|told| told == prefix)
    }

    /// The shell's line editor let go of a line, as its modes tell.
    pub fn line_entered(&mut self) {
        (self.lets_go, self.ran, self.unfinished) = (true, true, false);
    }

    /// Whether a row begins with a prompt that is known.
    pub fn begin(&self, row: &str) -> bool {
        self.known.iter().chain(&self.told).any(|known| row.starts_with(known.trim()))
    }

    /// Whether the editor still holds a line that was begun further up, and that shows something there: what looks like a
    /// prompt here was printed by somebody else.
    fn holds_line_above(&self, surface: &Surface) -> bool {
        let Some((row, columns)) = self.line.filter(|_| self.lets_go && !self.ran) else { return false };
        let index = row.checked_sub(surface.history).filter(|index| *index < u64::from(surface.y));
        let above = index.and_then(|index| surface.rows.get(usize::try_from(index).ok()?));
        columns == surface.columns && above.is_some_and(|above| self.adds_to_known(above.trim_end()))
    }

    /// A command has run: what the shell shows next is a fresh prompt.
    pub fn command_ran(&mut self) {
        (self.ran, self.unfinished) = (true, false);
    }

    /// The shell was seen at rest with its line editor in front. Gives whether it is a fresh prompt, as far as its text tells.
    pub fn learn(&mut self, seen: &Seen, prefix: &str, surface: &Surface) -> bool {
        let shell = seen.front.as_ref();
        if self.shell.as_ref() != shell {
            *self = Self { shell: shell.cloned(), ran: self.ran, lets_go: self.lets_go, ..Self::default() };
        }
        let row = surface.row_number();
        if self.ran || self.line.is_none() {
            self.line = Some((row, surface.columns));
        }
        self.learn_odd(seen, prefix, surface);
        if prefix.trim().is_empty() || seen.busy {
            // It is not drawn yet.
            return false;
        }
        if seen.told.as_deref() == Some(prefix) {
            self.news |= remember(&mut self.told, prefix);
            self.before = Some(prefix.to_owned());
            self.ran = false;
            return self.first.replace((row, prefix.to_owned())).is_none_or(|(known, _)| known != row);
        }
        if Self::goes_on_above(seen, prefix, surface) {
            self.unfinished = true;
            self.first = Some((row, prefix.to_owned()));
            return false;
        }
        // Where the prompt looks like nothing, a command that is not whole does too.
        let begun = begun_above(prefix, surface) || self.odd_at.is_some() || goes_on_below("", surface);
        let right_behind = self.ran && seen.depth == Depth::AtPrompt && !begun;
        if self.goes_on(prefix, surface) && !right_behind {
            self.first = Some((row, prefix.to_owned()));
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
        let looks = looks_like_prompt(prefix);
        let met = self.first.is_none() && looks && !is_continuation(prefix);
        // Of another shape it may be a draft, which nobody types twice before anything else is seen there.
        let again = looks || self.firsts.iter().any(|first| first == prefix) || self.first.is_none() && row == 0;
        let is_more = self.adds_to_known(prefix);
        remember(&mut self.firsts, prefix);
        self.first = Some((row, prefix.to_owned()));
        let ran = std::mem::take(&mut self.ran);
        // Who types fast may have begun by now: what stands behind the sign of a prompt is not learned as a part of it. A row
        // that is drawn again without a command in between shows the same draft as before.
        let alone = |text: &str| behind_prompt(text).is_none_or(|rest| rest.trim().is_empty());
        let like_others = seen.depth == Depth::AtPrompt || self.is_like_known(prefix, surface);
        let fresh = (ran || row == 0 || met) && again && alone(prefix) && like_others;
        let head = prefix.trim_start_matches(ENDS);
        let twice = ran && self.before.as_deref() == Some(prefix) && !is_continuation(prefix) && alone(head);
        self.before = Some(prefix.to_owned());
        let sure = seen.depth == Depth::AtPrompt;
        let is_prompt =
            (fresh || twice) && !asked_above(prefix, surface) && !is_more && ends_prompt(prefix, sure, &surface.folder);
        if is_prompt {
            self.odd.clear();
            self.news |= remember(&mut self.known, prefix);
        }
        is_prompt
    }

    /// Learns a prompt that looks like none, also an empty one: it stood there when the shell was first seen at its prompt, for
    /// certain, right after two commands in a row that were typed behind the same.
    fn learn_odd(&mut self, seen: &Seen, prefix: &str, surface: &Surface) {
        let row = surface.row_number();
        if looks_like_prompt(prefix) && !is_continuation(prefix) {
            self.odd_at = None;
        }
        let same = self.odd_at.as_ref().is_some_and(|(known, ..)| *known == row);
        if behind_prompt(prefix).is_some() || seen.busy || seen.depth != Depth::AtPrompt || !self.ran || same {
            return;
        }
        let before = self.odd_at.take().filter(|(_, text, _)| text == prefix);
        let typed = before.filter(|(row, ..)| typed_behind(*row, prefix, surface) && !goes_on_below(prefix, surface));
        let times = typed.map_or(0, |(.., times)| times + 1);
        self.odd_at = Some((row, prefix.to_owned(), times));
        if times >= TYPED && !self.adds_to_known(prefix) && !self.odd.iter().any(|odd| is_more(prefix, odd)) {
            remember(&mut self.odd, prefix);
        }
    }

    /// Whether a row is a prompt that looks like none, and nothing else.
    fn is_odd(&self, seen: &Seen, prefix: &str, surface: &Surface) -> bool {
        let known = seen.depth == Depth::AtPrompt && self.odd.iter().any(|odd| odd == prefix);
        known && !goes_on_below(prefix, surface)
    }

    /// Whether a shell that stands elsewhere than at its prompt may still hold a line of ours: in a search, behind an open
    /// quote, while it completes.
    fn may_hold_line(&self, seen: &Seen, prefix: &str) -> bool {
        let text = prefix.trim_start();
        let searches = text.starts_with('(') && text.contains("i-search)") || text.starts_with("(arg: ");
        let in_vi = text.starts_with(['/', '?', ':']);
        seen.alike || searches || in_vi || behind_prompt(prefix).is_some() || self.begin(prefix)
    }

    /// Whether the row is one more of a command that is not whole yet, whatever else it looks like.
    fn goes_on(&self, prefix: &str, surface: &Surface) -> bool {
        let is_known = || self.known.iter().chain(&self.told).any(|known| known == prefix);
        let others = || self.known.iter().chain(&self.told).any(|known| !is_continuation(known));
        let has_other = || others() || !self.odd.is_empty() || self.odd_at.is_some();
        let begun = || begun_above(prefix, surface) || goes_on_below("", surface);
        is_continuation(prefix) && !is_known() && (has_other() || begun())
    }

    /// Whether the shell waits for more of what was typed in the rows above, whatever its prompt looks like. Of a row that looks
    /// like the second of a command anything that is not whole for certain counts.
    fn goes_on_above(seen: &Seen, prefix: &str, surface: &Surface) -> bool {
        let name = seen.front.as_ref().map_or("", |front| front.name.as_str());
        let tells = match name {
            // One editor holds all rows; another language.
            "fish" | "csh" | "tcsh" => true,
            // It goes deeper for each part of a command.
            "zsh" => seen.depth == Depth::AtPrompt,
            _ => false,
        };
        match typed_above(prefix, surface).filter(|_| !tells) {
            Some(Typed::Open) => true,
            Some(Typed::Unknown) => is_continuation(prefix),
            Some(Typed::Whole) | None => false,
        }
    }

    /// Whether a text is one that was seen, and more.
    fn adds_to_known(&self, text: &str) -> bool {
        self.known.iter().chain(&self.told).chain(&self.firsts).any(|known| is_more(text, known))
    }

    /// Whether a text may be a prompt of the shell whose others are known.
    fn is_like_known(&self, prefix: &str, surface: &Surface) -> bool {
        self.known.is_empty() || self.known.iter().any(|known| are_kin(known, prefix, &surface.folder))
    }

    /// Whether it is the path of the folder, as a prompt that is known was that of another: `~/web: `.
    fn is_path_like_known(&self, prefix: &str, surface: &Surface) -> bool {
        let Some(tail) = path_tail(prefix, &surface.folder) else { return false };
        self.known
            .iter()
            .any(|known| known.starts_with(['~', '/']) && !known.trim_end().contains(' ') && known.ends_with(tail))
    }

    /// Judges the cursor's row of a shell.
    pub fn judge(&self, seen: &Seen, prefix: &str, behind: &str, surface: &Surface) -> AtPrompt {
        if stands_behind(behind) {
            return AtPrompt::Draft;
        }
        if seen.depth == Depth::Elsewhere {
            return if self.may_hold_line(seen, prefix) { AtPrompt::Draft } else { AtPrompt::Asks };
        }
        let sure = seen.depth == Depth::AtPrompt;
        if !sure && asked_above(prefix, surface) {
            return AtPrompt::Draft;
        }
        let same_shell = self.shell == seen.front;
        if same_shell && (self.holds_line_above(surface) || self.unfinished && self.lets_go) {
            return AtPrompt::Draft;
        }
        if Self::goes_on_above(seen, prefix, surface) {
            return AtPrompt::Draft;
        }
        let goes_on = if same_shell {
            self.goes_on(prefix, surface)
        } else {
            is_continuation(prefix) && begun_above(prefix, surface)
        };
        if goes_on && !seen.alike {
            return AtPrompt::Draft;
        }
        if same_shell && (self.known.iter().any(|known| known == prefix) || self.is_odd(seen, prefix, surface)) {
            return AtPrompt::Empty;
        }
        let grew = self.first.as_ref().filter(|(row, _)| same_shell && *row == surface.row_number());
        if grew.is_some_and(|(_, first)| {
            !first.trim().is_empty() && prefix != first && prefix.trim_end().starts_with(first.trim_end())
        }) {
            return AtPrompt::Draft;
        }
        if (seen.alike || same_shell && self.told.iter().any(|told| told == prefix))
            && (sure || !is_continuation(prefix))
        {
            return AtPrompt::Empty;
        }
        if same_shell && self.is_path_like_known(prefix, surface) {
            return AtPrompt::Empty;
        }
        let is_new = !same_shell || self.known.is_empty();
        let first_row = !is_continuation(prefix) || surface.row_number() == 0;
        let looks = looks_like_prompt(prefix) && (sure || first_row) || names_folder(prefix, &surface.folder);
        // A row that another one's output has overwritten may hide what the editor holds: `\r 60%`.
        let stays = same_shell && !self.ran;
        let stood = self.first.as_ref().filter(|(row, _)| stays && *row == surface.row_number());
        let changed = stood.is_some_and(|(_, first)| !first.trim().is_empty() && first != prefix);
        if looks && (!changed && (sure || is_new) || self.is_like_known(prefix, surface)) {
            return AtPrompt::Empty;
        }
        let adds = self.adds_to_known(prefix) || self.odd.iter().any(|odd| is_more(prefix, odd));
        let unknown = behind_prompt(prefix).is_none() && !(same_shell && (adds || self.begin(prefix)));
        if unknown { AtPrompt::Unknown } else { AtPrompt::Draft }
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

/// What trusted marks of shell integration say of the prompt. A draft of which nothing is seen may be a pane that was made
/// narrower since. While a command has begun and not ended, what looks like a prompt is its own question.
pub(super) fn prompt_by_marks(shell: &ShellState) -> Option<AtPrompt> {
    match &shell.phase {
        ShellPhase::Prompt { .. } if shell.trusted => Some(AtPrompt::Empty),
        ShellPhase::Draft { text, .. } if shell.trusted && !text.is_empty() => Some(AtPrompt::Draft),
        ShellPhase::Running { .. } if shell.trusted => Some(AtPrompt::Asks),
        _ => None,
    }
}

/// The row of an empty prompt up to its end, where trusted marks tell it and the cursor stands in that column.
pub(super) fn told_by_marks(shell: &ShellState, surface: &Surface) -> Option<String> {
    match &shell.phase {
        ShellPhase::Prompt { column: Some(column), text } if shell.trusted && *column == surface.x as usize => {
            Some(split_at(text, surface.x).0)
        }
        _ => None,
    }
}

/// The first sign that ends a prompt is the last of the text; of arrows that join, the last.
fn looks_like_prompt(text: &str) -> bool {
    if let Some((_, rest)) = text.rsplit_once(ARROW) {
        return rest.trim().is_empty() && rest.chars().count() <= 2;
    }
    behind_prompt(text).is_some_and(|rest| rest.trim().is_empty() && rest.chars().count() <= 2)
}

/// Prompts of other shapes end with a sign too, not with a word or a question, unless they are the folder's path. Where the
/// shell stands at its prompt for certain it asks nothing.
fn ends_prompt(text: &str, sure: bool, folder: &str) -> bool {
    let ends = |c: char| match c {
        '?' | '"' | '\'' => false,
        ':' | ']' | ')' => sure && text.ends_with(' '),
        c => !c.is_alphanumeric(),
    };
    text.trim_end().chars().next_back().is_some_and(ends) || path_tail(text, folder).is_some()
}

/// Whether a text begins with another, and goes on.
fn is_more(text: &str, known: &str) -> bool {
    text.len() > known.len() && text.starts_with(known)
}

/// Whether the row of that number shows more than a text that stood there alone.
fn typed_behind(row: u64, text: &str, surface: &Surface) -> bool {
    let index = row.checked_sub(surface.history).and_then(|index| usize::try_from(index).ok());
    let shown = index.filter(|index| *index < surface.y as usize).and_then(|index| surface.rows.get(index));
    shown.and_then(|shown| shown.strip_prefix(text)).is_some_and(|more| !more.trim().is_empty())
}

/// Whether the row above the cursor's may be a command that is not whole: where prompts look like nothing, its second row does.
fn goes_on_below(prompt: &str, surface: &Surface) -> bool {
    let above = (surface.y as usize).checked_sub(1).and_then(|y| surface.rows.get(y)).map_or("", |row| row.trim());
    let above = above.strip_prefix(prompt.trim_end()).unwrap_or(above);
    let begins = |word: &&str| matches!(*word, "if" | "for" | "while" | "until" | "case" | "select" | "function");
    let closed = above.ends_with("fi") || above.ends_with("done") || above.ends_with("esac") || above.ends_with('}');
    let opens = ["\\", "|", "&&", "{", "(", " do", " then", " else", ";;"].iter().any(|end| above.ends_with(end));
    let quotes = |quote: char| above.chars().filter(|c| *c == quote).count() % 2 == 1;
    let quoted = quotes('"') || quotes('\'') || quotes('`');
    opens || quoted || above.contains("<<") || !closed && above.split_whitespace().any(|word| begins(&word))
}

/// Adds a text to the last that were seen. Gives whether it is new.
fn remember(texts: &mut Vec<String>, text: &str) -> bool {
    if texts.iter().any(|known| known == text) {
        return false;
    }
    if texts.len() >= KNOWN {
        texts.remove(0);
    }
    texts.push(text.to_owned());
    true
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
    // What was typed before the prompt stood there is shown before it by the terminal, and behind it by the editor.
    let ahead = row.split_at_checked(sign).map_or("", |(before, _)| before.trim_end_matches(ENDS).trim());
    if !ahead.is_empty() && ahead == rest.trim() {
        return Some(AtPrompt::Draft);
    }
    if row.chars().take_while(|c| !ENDS.contains(c)).count() > 24 || sign == 0 {
        return None;
    }
    Some(if rest.trim().is_empty() { AtPrompt::Empty } else { AtPrompt::Draft })
}
