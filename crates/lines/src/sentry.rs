//! Where a `### SENTRY {json}` message stands in rows of text.
//!
//! A message begins a row, behind nothing but decoration (bullets, frames, `###`, a log's own prefix); a mention in the
//! middle of a sentence is none. Its JSON may go on over further rows, as agents wrap their own text: what a renderer
//! did at a row's end (dropped a blank, or cut a long word) is undone by [`Assembly`]. What the agent shows of the
//! user's own prompt is never a message.

use super::message;
use tmuxagent_model::{AgentMessage, Malformed};
use unicode_width::UnicodeWidthStr;

/// The most rows and bytes of one message.
const MOST_ROWS: usize = 40;
const MOST_BYTES: usize = 16 * 1024;
/// Where the pane's width is not known, text is taken to wrap somewhere behind this column.
const NARROWEST: usize = 40;
/// The word that begins a message.
pub(super) const WORD: &str = "SENTRY";

/// What stands before a message or a wrapped piece of one.
const DECORATION: &[char] = &[
    '•', '●', '○', '◦', '⏺', '◆', '■', '▪', '◇', '✦', '✻', '└', '├', '│', '┃', '⎿', '▌', '▎', '|', '>', '*', '·', '-',
    '–', '—', '#', '`', '_', '✔', '✓', '✗', '✘', '→', '➜', '➤',
];

/// What a program puts in front of the user's own prompt when it shows it.
const PROMPTS: [char; 3] = ['›', '❯', '>'];

/// What was found: the message or why it is none.
pub(super) type Outcome = Result<AgentMessage, Malformed>;

/// The begin of a message in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begin<'a> {
    /// From the opening brace on; empty when the brace is to come in the next row.
    json: &'a str,
    /// Without the word: an object whose `type` is known.
    bare: bool,
}

/// A message as a line, the way the protocol writes it.
pub(super) fn written(message: &AgentMessage) -> String {
    let json = serde_json::to_string(message).unwrap_or_default();
    format!("### {WORD} {json}")
}

/// Whether a row begins a block that repeats the user's prompt.
pub(super) fn begins_prompt(row: &str) -> bool {
    let inner = row.strip_prefix(' ').unwrap_or(row);
    let mut chars = inner.chars();
    chars.next().is_some_and(|c| PROMPTS.contains(&c)) && chars.next().is_none_or(|c| c == ' ' || c == '\u{a0}')
}

/// Finds the begin of a message in a row.
fn begin(row: &str) -> Option<Begin<'_>> {
    if let Some(at) = row.find(WORD)
        && is_decoration(&row[..at])
    {
        let after = row[at + WORD.len()..].trim_start_matches(['*', '`', '_', ':']).trim_start();
        let hashes = row[..at].contains('#');
        if after.starts_with('{') || (after.is_empty() && (hashes || row.trim_start() == WORD)) {
            return Some(Begin { json: after, bare: false });
        }
    }
    let json = row.trim_start_matches(|c: char| c == ' ' || DECORATION.contains(&c));
    let names = json.starts_with('{') && first_type(json).is_some_and(message::is_type);
    (names || whole_object(json)).then_some(Begin { json, bare: true })
}

/// The value of `type` where it is the first member.
fn first_type(json: &str) -> Option<&str> {
    let rest = json.strip_prefix('{')?.trim_start().strip_prefix("\"type\"")?.trim_start().strip_prefix(':')?;
    rest.trim_start().strip_prefix('"')?.split_once('"').map(|(name, _)| name)
}

/// Whether a row is one whole object with a `type` of the protocol somewhere in it.
fn whole_object(json: &str) -> bool {
    json.len() <= MOST_BYTES
        && json.starts_with('{')
        && json.ends_with('}')
        && json.contains("\"type\"")
        && serde_json::from_str::<serde_json::Value>(json)
            .is_ok_and(|value| value.get("type").and_then(|name| name.as_str()).is_some_and(message::is_type))
}

/// Whether what stands before the word is decoration or a log's prefix, and no sentence.
fn is_decoration(before: &str) -> bool {
    before.split_whitespace().all(|word| {
        word.chars().all(|c| DECORATION.contains(&c))
            || (word.starts_with('[') && word.ends_with(']'))
            || matches!(word.trim_end_matches(':'), "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "LOG")
            || (word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(is_of_time))
    }) || before.trim_end_matches(['#', ' ']).strip_suffix('|').is_some_and(|name| {
        // `docker compose` and its like put the service's name in front.
        let name = name.trim();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    })
}

const fn is_of_time(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | ',' | 'T' | 'Z' | '+' | '/')
}

/// Whether a row may go on a message: it is indented, or stands as far left as the message itself did.
fn continues(row: &str, indented: bool) -> bool {
    match row.chars().next() {
        None => false,
        Some(' ' | '│' | '┃' | '|') => !row.trim().is_empty(),
        Some(c) => !indented && !DECORATION.contains(&c) && !PROMPTS.contains(&c),
    }
}

/// A row without its frame and indentation.
fn unframed(row: &str) -> &str {
    let frame = |c: char| matches!(c, ' ' | '│' | '┃' | '\u{a0}');
    let inner = row.trim_start_matches(frame);
    if inner.len() < row.len() && row.trim_start().starts_with(['│', '┃']) {
        inner.trim_end_matches(frame)
    } else {
        inner.trim_end()
    }
}

/// JSON that is put together from rows.
#[derive(Debug, Clone)]
struct Assembly {
    json: String,
    bare: bool,
    rows: usize,
    depth: usize,
    in_text: bool,
    escaped: bool,
    /// Where the outermost object closed.
    end: Option<usize>,
    /// Whether the message began behind an indentation or a bullet.
    indented: bool,
    /// The last row's width in columns.
    width: usize,
    /// The renderer cut the row off.
    cut: bool,
    /// No further text can make it JSON.
    broken: bool,
    /// More follows the JSON: it is only spoken of.
    mentioned: bool,
    /// Where the JSON begins in its first row.
    offset: usize,
}

impl Assembly {
    fn begin(row: &str, columns: usize) -> Option<Self> {
        let begin = begin(row)?;
        let mut assembly = Self {
            json: String::new(),
            bare: begin.bare,
            rows: 0,
            depth: 0,
            in_text: false,
            escaped: false,
            end: None,
            indented: row.starts_with(' ') || row.starts_with(DECORATION) && !row.starts_with('#'),
            width: 0,
            cut: false,
            broken: false,
            mentioned: false,
            offset: row.len() - begin.json.len(),
        };
        let framed = row.trim_start().starts_with(['│', '┃']);
        let json = if framed { begin.json.trim_end_matches([' ', '│', '┃']) } else { begin.json };
        assembly.push(json, row, columns);
        Some(assembly)
    }

    /// Adds the text of one row.
    ///
    /// Text behind the JSON shows that it is only spoken of, as in a prompt's example.
    fn push(&mut self, piece: &str, row: &str, columns: usize) {
        self.rows += 1;
        self.width = row.trim_end().width();
        let base = self.json.len();
        self.json.push_str(piece);
        for (at, byte) in piece.bytes().enumerate() {
            if self.scan(byte) {
                self.end = Some(base + at + 1);
                self.mentioned =
                    piece[at + 1..].chars().any(|c| !matches!(c, ' ' | '.' | '\u{a0}') && !DECORATION.contains(&c));
                return;
            }
        }
        self.broken = serde_json::from_str::<serde::de::IgnoredAny>(&self.json).is_err_and(|error| !error.is_eof());
        self.cut = piece.ends_with(" …") || (piece.ends_with('…') && columns > 0 && self.width + 1 >= columns);
    }

    /// Follows the JSON by one byte; true when the outermost object closes.
    fn scan(&mut self, byte: u8) -> bool {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }

    /// Adds a further row, undoing what the renderer did at the end of the last one.
    fn join(&mut self, row: &str, columns: usize) {
        let piece = unframed(row);
        if self.in_text && self.lost_blank(piece, columns, row.width() - row.trim_start().width()) {
            self.json.push(' ');
            self.escaped = false;
        }
        self.push(piece, row, columns);
    }

    /// Whether the renderer dropped a blank between the last row and `next`.
    fn lost_blank(&self, next: &str, columns: usize, indentation: usize) -> bool {
        let last = self.json.rsplit(' ').next().unwrap_or_default();
        let first = next.split(' ').next().unwrap_or_default();
        let (Some(end), Some(start)) = (last.chars().next_back(), first.chars().next()) else { return true };
        // Renderers break paths and hyphenated words, and between ideographs, without a blank.
        if (matches!(end, '/' | '-') && last.len() > 1 && start.is_alphanumeric()) || (is_wide(end) && is_wide(start)) {
            return false;
        }
        // A word that would have had room on a row of its own is not cut.
        columns == 0 || self.width + 1 < columns || indentation + last.width() + first.width() <= columns
    }

    /// Whether the first word of `row` would have had room behind the last row, so that nothing was wrapped there.
    /// Between the members of an object a line may end anywhere.
    fn had_room_for(&self, row: &str, columns: usize) -> bool {
        if !self.in_text {
            return false;
        }
        let word = unframed(row).split(' ').next().unwrap_or_default();
        let columns = if columns == 0 { NARROWEST } else { columns.min(NARROWEST) };
        self.width + 1 + word.width() <= columns
    }

    /// Whether further rows play no part.
    fn is_settled(&self) -> bool {
        self.end.is_some() || self.cut || self.broken || self.rows >= MOST_ROWS || self.json.len() >= MOST_BYTES
    }

    /// The message, once the JSON is closed or will not close any more. `None` for what is no message at all.
    fn outcome(&self) -> Option<Outcome> {
        let outcome = match self.end {
            Some(end) => message::read(&self.json[..end]),
            None if self.cut && !self.broken => Err(Malformed::CutOff),
            None if self.broken => message::read(&self.json),
            None => Err(Malformed::NotClosed),
        };
        // Without the word it may be any program's JSON.
        if self.mentioned || (self.bare && self.end.is_none()) { None } else { Some(outcome) }
    }

    /// What names the message, however it was wrapped.
    fn name(&self) -> String {
        self.json[..self.end.unwrap_or(self.json.len())].chars().filter(|c| !c.is_whitespace()).collect()
    }
}

fn is_wide(c: char) -> bool {
    unicode_width::UnicodeWidthChar::width(c) == Some(2)
}

/// Messages in a stream, line by line.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    open: Option<Assembly>,
    /// As it was before the last line, which may come again longer than it was.
    before: Option<Assembly>,
    /// The last line's width, where it repeats the user's prompt.
    prompt: Option<usize>,
}

impl Joiner {
    /// Whether a line can be of no interest without a look at it: nothing is open and the words do not occur.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_none() && self.before.is_none() && self.prompt.is_none()
    }

    /// Reads a line of which `seen` bytes were read before; answers with the messages that end or fail here.
    pub(super) fn line(&mut self, text: &str, seen: usize, columns: usize) -> [Option<Outcome>; 2] {
        if seen > 0 {
            self.open = self.before.take();
        }
        self.before.clone_from(&self.open);
        if self.repeats_prompt(text, columns) {
            return [self.give_up(), None];
        }
        let mut failed = None;
        if let Some(mut open) = self.open.take() {
            if continues(text, open.indented) && begin(text).is_none() && !open.had_room_for(text, columns) {
                open.join(text, columns);
                return [self.settle(open), None];
            }
            failed = open.outcome();
        }
        let Some(begun) = Assembly::begin(text, columns) else { return [failed, None] };
        if begun.end.is_some_and(|end| seen > 0 && seen >= begun.offset + end) {
            // It was whole when the line was read before.
            return [failed, None];
        }
        [failed, self.settle(begun)]
    }

    fn settle(&mut self, assembly: Assembly) -> Option<Outcome> {
        if assembly.is_settled() {
            return assembly.outcome();
        }
        self.open = Some(assembly);
        None
    }

    fn give_up(&mut self) -> Option<Outcome> {
        self.open.take().and_then(|open| open.outcome())
    }

    /// Whether a line shows the user's prompt or, wrapped, more of it.
    fn repeats_prompt(&mut self, text: &str, columns: usize) -> bool {
        let columns = if columns == 0 { NARROWEST } else { columns };
        let wrapped = self.prompt.is_some_and(|width| {
            let word = text.trim_start().split(' ').next().unwrap_or_default();
            text.starts_with("  ") && width + 1 + word.width() > columns
        });
        let repeats = begins_prompt(text) || wrapped;
        self.prompt = repeats.then(|| text.width());
        repeats
    }
}

/// A message on a screen.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its first and last row.
    pub(super) rows: (usize, usize),
    /// What names it, however it is wrapped.
    pub(super) name: String,
    /// The message; `None` while its JSON is not closed and may still be written.
    pub(super) outcome: Option<Outcome>,
}

/// Finds the messages on a screen. `prompt` tells which rows repeat the user's prompt.
pub(super) fn on_screen(rows: &[&str], prompt: &[bool], columns: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        let first = at;
        at += 1;
        if prompt.get(first) == Some(&true) {
            continue;
        }
        let Some(mut assembly) = Assembly::begin(rows[first], columns) else { continue };
        while !assembly.is_settled() {
            let Some(row) = rows.get(at) else { break };
            // Where the word stands alone its JSON is what follows.
            let another = begin(row).is_some_and(|begin| !begin.bare || !assembly.json.is_empty());
            if prompt.get(at) == Some(&true) || !continues(row, assembly.indented) || another {
                break;
            }
            assembly.join(row, columns);
            at += 1;
        }
        let settled = assembly.is_settled();
        if assembly.mentioned || (assembly.bare && !settled) {
            at = first + 1;
            continue;
        }
        let outcome = if settled { assembly.outcome() } else { None };
        found.push(Found { rows: (first, at - 1), name: assembly.name(), outcome });
    }
    found
}
