//! Compare-and-send: one command line that the single-threaded server executes without interruption.
//!
//! It checks that the server is still ours to type into, that the pane is the one that was meant and can take input, that the idempotency mark
//! `@tmuxagent_last` is not yet this intent's, sets the mark, and types. Sent again it does nothing and says so.
//! The mark comes first: an error in between means "at most once", never twice.
//!
//! Limit: a user's own hook (`after-send-keys`, `after-set-option`) with `run-shell` lets other commands run between
//! the steps; their order stays.

use super::claim::{TOKEN, Token};
use super::{Ended, Nonce, Parser, Row, RowReader, escape_operand, is_key, quote, row_format};
use std::fmt::Write as _;
use tmuxagent_model::{IntentId, KeyStep, PaneId, PaneKey, SkipReason};

/// The server option with the server's name.
const SERVER: &str = "@tmuxagent_server";
/// The pane option with the last intent that was typed.
const LAST: &str = "@tmuxagent_last";

/// The longest text of one send, bytes.
const MAX_TEXT: usize = 160 * 1024;

/// What is typed.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Keys and texts, in order.
    Keys(&'a [KeyStep]),
    /// A text as one bracketed paste (where the program asked for brackets), then Enter.
    Prompt(&'a str),
}

/// What must be so at the instant of typing.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// The pane with its server and process.
    pub pane: &'a PaneKey,
    /// Our claim on the server.
    pub claim: &'a Token,
    /// `#{pane_current_command}`.
    pub command: Option<&'a str>,
    /// An extended regular expression that matches a row of the visible screen.
    pub screen: Option<&'a str>,
    /// What a question on the screen means.
    pub questions: Questions,
    /// What was so when the reader was looked at.
    pub still: Option<&'a Still>,
}

/// What tmux can compare of the reader that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// The cursor's column and row, and how many rows have left the screen; `None` where it may move.
    pub cursor: Option<(u32, u32, u64)>,
    /// `#{pane_current_command}`.
    pub command: String,
    /// The program uses the alternate screen.
    pub alternate: bool,
    /// When a person last typed there, seconds.
    pub activity: Option<i64>,
    /// A shell's line editor reads, of which nobody sees from outside whether vi keys command it.
    pub edits: bool,
}

impl Still {
    /// Holds never: only the mark is asked for.
    #[must_use]
    pub const fn never() -> Self {
        let cursor = Some((u32::MAX, u32::MAX, 0));
        Self { cursor, command: String::new(), alternate: false, activity: None, edits: false }
    }

    fn holds(&self, same: &mut Same) {
        if let Some((x, y, history)) = self.cursor {
            same.field("cursor_x", &x.to_string());
            same.field("cursor_y", &y.to_string());
            same.field("history_size", &history.to_string());
        }
        same.field("alternate_on", if self.alternate { "1" } else { "0" });
        if let Some(activity) = self.activity {
            same.field("session_activity", &activity.to_string());
        }
        same.field("pane_current_command", &self.command);
    }
}

/// What a question that the program asks means for what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Questions {
    /// Nothing: the keys may be the answer, or what reads was recognised by its process, and what is shown beside its input
    /// line is a conversation, which may well be about a question.
    Answered,
    /// Nothing may be typed: Enter would take the choice that happens to be highlighted. Told by words on the screen, which is
    /// all there is where the program is not known.
    Respected,
}

/// A choice that is highlighted, or a question that waits at the end of its line; seen with Codex 0.169, Claude Code
/// 2.1.329, Gemini CLI 0.61 and aider 0.86.
const CHOICE: &str = "(❯|›|●) [0-9]+\\. |\\(N\\)o.*\\]: *$|Permission required";
/// What stands below or beside such a choice.
const CHOOSING: &str = "nter to (confirm|select|submit)|sc to cancel ·|or esc to cancel|enter continue|\\(esc\\)|\\(N\\)o.*\\]: *$|Allow once";

/// A format that is `1` while the program asks something by a choice.
fn question() -> String {
    format!("#{{&&:#{{C/r:{}}},#{{C/r:{}}}}}", escape_operand(CHOICE), escape_operand(CHOOSING))
}

/// Input that can't be typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// tmux would type the name as text.
    #[error("tmux knows no key `{0}`; write it as text, or use a name such as `Enter`, `C-c` or `Escape`")]
    UnknownKey(String),
    /// Too much for one command line.
    #[error("the text is {0} bytes long; at most {MAX_TEXT} can be typed at once")]
    TooLong(usize),
    /// Nothing would be typed.
    #[error("there is nothing to type")]
    Empty,
    /// The intent's identity would not survive tmux's formats.
    #[error("`{0}` can't serve as an idempotency mark")]
    BadMark(String),
}

/// One guard block of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its rows.
    pub rows: Vec<Vec<u8>>,
    /// How it ended.
    pub ended: Ended,
}

/// The answer to one request: everything up to its end mark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Its blocks: one for each command that was executed, the nested ones too.
    pub blocks: Vec<Block>,
}

impl Reply {
    /// The rows of all blocks that ended well.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().filter(|block| block.ended == Ended::Well).flat_map(|block| &block.rows).map(Vec::as_slice)
    }

    /// What the blocks that ended with an error say.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let mut failed = self.blocks.iter().filter(|block| block.ended == Ended::WithError).peekable();
        failed.peek()?;
        let texts: Vec<String> =
            failed.flat_map(|block| &block.rows).map(|row| String::from_utf8_lossy(row).into_owned()).collect();
        Some(texts.join("; "))
    }

    /// The blocks that were announced as foreign text ([`Parser::raw_mark`]), in order.
    pub fn announced(&self, nonce: &Nonce) -> impl Iterator<Item = &Block> {
        let mark = Parser::raw_mark(nonce).into_bytes();
        let is_mark = move |block: &Block| block.rows.len() == 1 && block.rows.first() == Some(&mark);
        self.blocks.windows(2).filter_map(move |pair| match pair {
            [first, second] if is_mark(first) => Some(second),
            _ => None,
        })
    }
}

/// What a reply says about a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Typed now.
    Sent,
    /// The mark shows that it was typed earlier.
    Earlier,
    /// Nothing was typed.
    Skipped(SkipReason),
    /// Nothing was typed: the reader is not as it was looked at.
    Moved,
    /// Nothing was typed, for a reason that is nobody's state: tmux refused the line.
    Refused(String),
    /// The mark was set and then something failed; perhaps a part was typed.
    Broken(String),
}

/// Writes the guarded command line (without its line break).
///
/// # Errors
/// When the input can't be typed as it stands.
pub fn send_line(
    nonce: &Nonce,
    intent: &IntentId,
    expect: &Expectation<'_>,
    input: Input<'_>,
) -> Result<String, InputError> {
    let id = intent.as_str();
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(InputError::BadMark(id.to_owned()));
    }
    let pane = expect.pane.pane;
    let typing = typing(intent, expect, input)?;
    let condition = quote(condition(id, expect));
    let answer = quote(answer(nonce, expect.questions));
    Ok(format!(
        "if-shell -F -t {pane} {condition} {{ set-option -p -t {pane} @tmuxagent_last {} ; {typing} ; \
         display-message -p {} }} {{ display-message -p {} ; display-message -p -t {pane} {answer} }}",
        quote(id),
        quote(sent_mark(nonce)),
        quote(Parser::raw_mark(nonce)),
    ))
}

/// Writes the command line that only asks whether a send was typed: what the guard answers where it does not hold, so that
/// [`verdict`] reads both.
#[must_use]
pub fn settle_line(nonce: &Nonce, pane: PaneId) -> String {
    let (raw, answer) = (quote(Parser::raw_mark(nonce)), quote(answer(nonce, Questions::Respected)));
    format!("display-message -p {raw} ; display-message -p -t {pane} {answer}")
}

/// Letters that come and go, `i`: harmless where text is written, and in the command mode of an editor with vi keys what
/// begins to write. The first ends what was begun by another key (an operator, `C-v`, `C-x`). Measured in bash, zsh and fish;
/// brackets around what is pasted help in zsh and fish only.
const BEGINS_TO_WRITE: &str = "0x69 BSpace 0x69 BSpace";
/// The same for editors that do not show the number which somebody has begun to type (`M-5`), so that the first may come more
/// than once: the line is cleared of them. Others ring there, or keep what is cleared.
const BEGINS_TO_WRITE_ONCE: &str = "0x69 BSpace C-u 0x69 BSpace";

/// What is to stand before what is typed into a shell's line editor.
fn before_a_line(still: &Still, steps: &[KeyStep]) -> Option<&'static str> {
    let own = |key: &KeyStep, name: &str| matches!(key, KeyStep::Key(key) if key == name);
    let types = match steps {
        [KeyStep::Text(_), ..] => true,
        [first, second, ..] => own(first, "0x69") && own(second, "BSpace"),
        _ => false,
    };
    let counts = matches!(still.command.as_str(), "zsh" | "csh" | "tcsh");
    (still.edits && types).then_some(if counts { BEGINS_TO_WRITE_ONCE } else { BEGINS_TO_WRITE })
}

/// The commands that type.
fn typing(intent: &IntentId, expect: &Expectation<'_>, input: Input<'_>) -> Result<String, InputError> {
    let pane = expect.pane.pane;
    let mut commands = Vec::new();
    match input {
        Input::Keys(steps) => {
            if let Some(before) = expect.still.and_then(|still| before_a_line(still, steps)) {
                commands.push(format!("send-keys -t {pane} -- {before}"));
            }
            for step in steps {
                match step {
                    KeyStep::Text(text) if text.contains('\t') => paste_text(intent, expect.pane, text, &mut commands)?,
                    KeyStep::Text(text) => type_text(expect.pane, text, &mut commands)?,
                    KeyStep::Key(key) if is_key(key) => {
                        commands.push(format!("send-keys -t {pane} -- {}", quote(key)));
                    }
                    KeyStep::Key(key) => return Err(InputError::UnknownKey(key.clone())),
                }
            }
        }
        Input::Prompt(text) => {
            check_length(text)?;
            if !text.is_empty() {
                let buffer = quote(format!("tmuxagent-{intent}"));
                commands.push(format!("set-buffer -b {buffer} -- {}", quote(text)));
                commands.push(format!("paste-buffer -d -p -r -b {buffer} -t {pane}"));
                commands.push(format!("send-keys -t {pane} Enter"));
            }
        }
    }
    if commands.is_empty() { Err(InputError::Empty) } else { Ok(commands.join(" ; ")) }
}

/// A tab that is typed completes a file's name: where the program takes brackets around what is pasted, it stays a character.
fn paste_text(intent: &IntentId, pane: &PaneKey, text: &str, commands: &mut Vec<String>) -> Result<(), InputError> {
    if text.contains('\0') {
        return type_text(pane, text, commands);
    }
    check_length(text)?;
    let buffer = quote(format!("tmuxagent-{intent}"));
    commands.push(format!("set-buffer -b {buffer} -- {}", quote(text)));
    commands.push(format!("paste-buffer -d -p -r -b {buffer} -t {}", pane.pane));
    Ok(())
}

/// Types a text literally. NUL can't be in a tmux string and is sent as a key code.
fn type_text(pane: &PaneKey, text: &str, commands: &mut Vec<String>) -> Result<(), InputError> {
    check_length(text)?;
    for (index, piece) in text.split('\0').enumerate() {
        if index > 0 {
            commands.push(format!("send-keys -t {} -H 00", pane.pane));
        }
        if !piece.is_empty() {
            commands.push(format!("send-keys -t {} -l -- {}", pane.pane, quote(piece)));
        }
    }
    Ok(())
}

const fn check_length(text: &str) -> Result<(), InputError> {
    if text.len() > MAX_TEXT { Err(InputError::TooLong(text.len())) } else { Ok(()) }
}

/// What must be so for any input: the pane that was meant, able to take it.
fn able(expect: &Expectation<'_>) -> Same {
    let mut same = Same::default();
    same.field(SERVER, expect.pane.server.as_str());
    same.field(TOKEN, expect.claim.as_str());
    same.field("pane_pid", &expect.pane.pid.to_string());
    for flag in ["pane_dead", "pane_in_mode", "pane_input_off", "pane_synchronized"] {
        same.field(flag, "0");
    }
    same
}

/// Fields that must have these values, as one comparison of one text: tmux takes a few microseconds for each operator, and as
/// long for each letter of a line.
///
/// Behind each stands a letter that none of them holds but the name of a program, and that as often as the name it is compared
/// with, or the whole differs; so each field is the same where the text is. Whoever writes such a letter into the server's own
/// options has the server anyway.
#[derive(Default)]
struct Same {
    fields: String,
    values: String,
}

impl Same {
    fn field(&mut self, name: &str, value: &str) {
        // Writing to a string can't fail.
        let _ = write!(self.fields, "#{{{name}}}|");
        let _ = write!(self.values, "{}|", escape_operand(value));
    }

    fn holds(self) -> String {
        format!("#{{==:{},{}}}", self.fields, self.values)
    }
}

/// Presses Enter once more for a text of this intent that stands in the program's input line, where nothing was typed
/// since. It has no mark of its own: a second Enter on an empty line does nothing.
#[must_use]
pub fn enter_line(nonce: &Nonce, intent: &IntentId, expect: &Expectation<'_>) -> String {
    let pane = expect.pane.pane;
    let mut same = able(expect);
    same.field(LAST, intent.as_str());
    let parts = reader_is_same(expect, same);
    let (condition, sent) = (quote(all_of(parts)), quote(sent_mark(nonce)));
    format!("if-shell -F -t {pane} {condition} {{ send-keys -t {pane} Enter ; display-message -p {sent} }} {{ }}")
}

/// The condition of a first send as one format.
fn condition(id: &str, expect: &Expectation<'_>) -> String {
    let mut same = able(expect);
    if let Some(command) = expect.command {
        same.field("pane_current_command", command);
    }
    let mut parts = reader_is_same(expect, same);
    parts.push(format!("#{{!=:#{{{LAST}}},{id}}}"));
    if let Some(pattern) = expect.screen {
        parts.push(format!("#{{C/r:{}}}", escape_operand(pattern)));
    }
    all_of(parts)
}

fn reader_is_same(expect: &Expectation<'_>, mut same: Same) -> Vec<String> {
    if let Some(still) = expect.still {
        still.holds(&mut same);
    }
    let mut parts = vec![same.holds()];
    if expect.questions == Questions::Respected {
        parts.push(format!("#{{==:{},0}}", question()));
    }
    parts
}

/// `&&` takes two operands before 3.6.
fn all_of(parts: Vec<String>) -> String {
    let mut parts = parts.into_iter();
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |sum, part| {
        let mut out = String::with_capacity(sum.len() + part.len() + 8);
        // Writing to a string can't fail.
        let _ = write!(out, "#{{&&:{sum},{part}}}");
        out
    })
}

fn sent_mark(nonce: &Nonce) -> String {
    format!("SENT {}", nonce.as_str())
}

/// What tells why the condition does not hold; see [`verdict`]. What is asked on the screen counts for nothing where the keys may
/// be the answer.
fn answer(nonce: &Nonce, questions: Questions) -> String {
    let question = (questions == Questions::Respected).then(question);
    let fields: Vec<&str> = SKIP_FIELDS.into_iter().chain(question.as_deref()).collect();
    row_format(nonce, &fields)
}

/// What is asked where the condition does not hold, but for the question.
const SKIP_FIELDS: [&str; 9] = [
    "#{@tmuxagent_server}",
    "#{@tmuxagent_last}",
    "#{pane_pid}",
    "#{pane_dead}",
    "#{pane_in_mode}",
    "#{pane_input_off}",
    "#{pane_synchronized}",
    "#{pane_current_command}",
    "#{@tmuxagent_owner}",
];

/// Reads the reply to a [`send_line`].
#[must_use]
pub fn verdict(nonce: &Nonce, intent: &IntentId, expect: &Expectation<'_>, reply: &Reply) -> Verdict {
    let sent = sent_mark(nonce);
    if reply.rows().any(|row| row == sent.as_bytes()) {
        return Verdict::Sent;
    }
    let mut reader = RowReader::new(nonce.clone());
    if let Some(row) = reply.rows().find_map(|line| reader.push(line)) {
        return skipped(intent, expect, &row);
    }
    let raw = Parser::raw_mark(nonce);
    if reply.rows().any(|row| row == raw.as_bytes()) {
        // The pane is gone, so its own formats were empty and the other branch had no target.
        return Verdict::Skipped(SkipReason::OtherProcess);
    }
    let begun = reply.blocks.iter().any(|block| block.ended == Ended::Well);
    match reply.error() {
        Some(error) if begun => Verdict::Broken(error),
        Some(error) => Verdict::Refused(error),
        None => Verdict::Broken("tmux gave no answer".to_owned()),
    }
}

/// Why the condition did not hold, most fundamental first.
fn skipped(intent: &IntentId, expect: &Expectation<'_>, row: &Row) -> Verdict {
    let field = |index: usize| row.get(index).map_or("", |field| std::str::from_utf8(field).unwrap_or("?"));
    let on = |index: usize| !matches!(field(index), "" | "0");
    if field(0) != expect.pane.server.as_str() {
        return Verdict::Skipped(SkipReason::OtherServer);
    }
    if field(1) == intent.as_str() {
        return Verdict::Earlier;
    }
    if field(8) != expect.claim.as_str() {
        return Verdict::Skipped(SkipReason::OtherSupervisor);
    }
    // Newer versions give a dead pane no pid.
    let same_process = field(2) == expect.pane.pid.to_string() || (field(2).is_empty() && on(3));
    let reason = if !same_process {
        SkipReason::OtherProcess
    } else if on(3) {
        SkipReason::Dead
    } else if on(4) {
        SkipReason::InMode
    } else if on(5) {
        SkipReason::InputOff
    } else if on(6) {
        SkipReason::Synchronized
    } else if expect.command.is_some_and(|command| command != field(7)) {
        SkipReason::OtherCommand(field(7).to_owned())
    } else if expect.questions == Questions::Respected && on(9) {
        SkipReason::Question
    } else if expect.screen.is_some() {
        SkipReason::ScreenChanged
    } else if expect.still.is_some() {
        return Verdict::Moved;
    } else {
        return Verdict::Refused("the guard did not hold, for no reason that tmux tells".to_owned());
    };
    Verdict::Skipped(reason)
}

#[cfg(test)]
mod tests;
