//! Bytes of a control client → [`Frame`]s.
//!
//! A reply is a *guard block*: `%begin TIME NUMBER FLAGS`, rows, and `%end` or `%error` with the same three values.
//! Rows of a capture are a pane's own text, and a pane could print such an `%end`, with what it likes after it. So the
//! collector announces replies with foreign text by a row [`raw_mark`](Parser::raw_mark), and closes each request by a
//! row [`end_mark`](Parser::end_mark); both hold the [`Nonce`]. A block that was announced lasts until the *last*
//! matching `%end` before that end mark.

use super::Nonce;
use super::notice::{Notice, number, pane, split};
use tmuxagent_model::PaneId;

/// The longest line that is read whole, bytes; more is cut off. tmux's own lines are far shorter except subscriptions.
pub const MAX_LINE: usize = 8 * 1024 * 1024;
/// The longest announced block, bytes.
const MAX_RAW: usize = 48 * 1024 * 1024;

/// The three values of a guard line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Seconds since 1970.
    pub time: u64,
    /// The command's number in this life of the server.
    pub number: u64,
    /// 1 where a client asked for it (3.2 and later).
    pub flags: u64,
}

/// One thing that tmux said.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Output of a pane, unescaped: exactly the bytes that its program printed.
    Output {
        /// Where.
        pane: PaneId,
        /// What.
        bytes: &'a [u8],
    },
    /// A guard block begins.
    Begin(Guard),
    /// A row of the open guard block.
    Row(&'a [u8]),
    /// The open guard block ended.
    End(Guard, Ended),
    /// A notification.
    Notice(Notice),
}

/// How a guard block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// `%end`.
    Well,
    /// `%error`; its rows say why.
    WithError,
}

/// Reads the bytes of one control client.
#[derive(Debug)]
pub struct Parser {
    nonce: Nonce,
    raw_mark: Vec<u8>,
    end_mark: Vec<u8>,
    /// The line that has begun, without its end.
    partial: Vec<u8>,
    /// Scratch for unescaped output.
    bytes: Vec<u8>,
    state: State,
    /// The next block was announced as foreign text.
    announced: bool,
    /// A block was longer than any can be; nothing more is read.
    endless: bool,
    /// The line behind which tmux begins to speak; what stands before it was said by somebody else.
    greeting: Option<&'static str>,
}

#[derive(Debug)]
enum State {
    /// Between blocks.
    Top,
    /// In a block without foreign text.
    Block(Guard),
    /// In an announced block: its lines so far, each with its line break.
    Raw(Guard, Vec<u8>),
    /// In the value of a subscription, which goes on after a line break.
    Value(Vec<u8>),
}

impl Parser {
    /// A parser for a client whose requests are marked with `nonce`.
    #[must_use]
    pub fn new(nonce: Nonce) -> Self {
        Self {
            raw_mark: Self::raw_mark(&nonce).into_bytes(),
            end_mark: format!("END {} ", nonce.as_str()).into_bytes(),
            nonce,
            partial: Vec::new(),
            bytes: Vec::new(),
            state: State::Top,
            announced: false,
            endless: false,
            greeting: None,
        }
    }

    /// The same for a client that speaks only behind this line.
    #[must_use]
    pub fn behind(mut self, greeting: Option<&'static str>) -> Self {
        self.greeting = greeting;
        self
    }

    /// The row that announces a block of foreign text.
    #[must_use]
    pub fn raw_mark(nonce: &Nonce) -> String {
        format!("RAW {}", nonce.as_str())
    }

    /// The row that closes the request with that number.
    #[must_use]
    pub fn end_mark(nonce: &Nonce, number: u64) -> String {
        format!("END {} {number}", nonce.as_str())
    }

    /// Whether what the other side says has no end; it is not read any more.
    #[must_use]
    pub const fn is_endless(&self) -> bool {
        self.endless
    }

    /// Reads the next bytes and tells what they say.
    pub fn feed(&mut self, mut data: &[u8], sink: &mut dyn FnMut(Frame<'_>)) {
        if self.endless {
            return;
        }
        while let Some(at) = memchr::memchr(b'\n', data) {
            let (line, rest) = (data.get(..at).unwrap_or_default(), data.get(at + 1..).unwrap_or_default());
            data = rest;
            if self.partial.is_empty() {
                self.line(line, sink);
            } else {
                self.keep(line);
                let whole = std::mem::take(&mut self.partial);
                self.line(&whole, sink);
                self.partial = whole;
                self.partial.clear();
                self.partial.shrink_to(64 * 1024);
            }
        }
        self.keep(data);
    }

    /// Keeps the beginning of a line, up to the limit.
    fn keep(&mut self, data: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.partial.len()).min(data.len());
        self.partial.extend_from_slice(data.get(..room).unwrap_or_default());
    }

    /// Reads one line without its line break.
    fn line(&mut self, line: &[u8], sink: &mut dyn FnMut(Frame<'_>)) {
        if let Some(greeting) = self.greeting {
            self.greeting = (line != greeting.as_bytes()).then_some(greeting);
            return;
        }
        match &mut self.state {
            State::Top => self.top(line, sink),
            State::Block(guard) => {
                let guard = *guard;
                if let Some(ended) = closes(line, guard) {
                    self.state = State::Top;
                    sink(Frame::End(guard, ended));
                } else {
                    self.announced |= line == self.raw_mark;
                    sink(Frame::Row(line));
                }
            }
            State::Raw(_, held) => {
                if held.len() + line.len() > MAX_RAW {
                    (self.endless, self.state) = (true, State::Top);
                    return;
                }
                let complete = line.starts_with(&self.end_mark);
                held.extend_from_slice(line);
                held.push(b'\n');
                if complete {
                    self.release(sink);
                }
            }
            State::Value(held) => {
                held.push(b'\n');
                held.extend_from_slice(line);
                if self.nonce.ends_row(held) || held.len() > MAX_LINE {
                    let value = std::mem::take(held);
                    self.state = State::Top;
                    sink(Frame::Notice(Notice::read(&value, &self.nonce)));
                }
            }
        }
    }

    /// Reads a line between blocks.
    fn top(&mut self, line: &[u8], sink: &mut dyn FnMut(Frame<'_>)) {
        if let Some(rest) = line.strip_prefix(b"%output ") {
            self.output(rest, split(rest, b' ').1, sink);
        } else if let Some(rest) = line.strip_prefix(b"%extended-output ") {
            // `%P AGE … : DATA`; fields before the colon may be added by later versions.
            let data = memchr::memmem::find(rest, b" : ").and_then(|at| rest.get(at + 3..)).unwrap_or_default();
            self.output(rest, data, sink);
        } else if let Some(guard) = guard(line, b"%begin ") {
            let announced = std::mem::take(&mut self.announced);
            self.state = if announced { State::Raw(guard, Vec::new()) } else { State::Block(guard) };
            sink(Frame::Begin(guard));
        } else if is_open_value(line, &self.nonce) {
            self.state = State::Value(line.to_vec());
        } else if line.starts_with(b"%") {
            sink(Frame::Notice(Notice::read(line, &self.nonce)));
        } else if !line.is_empty() {
            sink(Frame::Notice(Notice::Unknown(line.to_vec())));
        }
    }

    fn output(&mut self, head: &[u8], data: &[u8], sink: &mut dyn FnMut(Frame<'_>)) {
        let Some(pane) = pane(head) else { return };
        if memchr::memchr(b'\\', data).is_none() {
            sink(Frame::Output { pane, bytes: data });
        } else {
            self.bytes.clear();
            unescape(data, &mut self.bytes);
            sink(Frame::Output { pane, bytes: &self.bytes });
        }
    }

    /// Closes an announced block at the last line that can close it, and reads what followed it.
    fn release(&mut self, sink: &mut dyn FnMut(Frame<'_>)) {
        let State::Raw(guard, held) = std::mem::replace(&mut self.state, State::Top) else { return };
        let lines: Vec<&[u8]> = held.split(|&byte| byte == b'\n').collect();
        let last = lines.iter().rposition(|line| closes(line, guard).is_some());
        let Some(last) = last else { return };
        let (rows, rest) = lines.split_at(last);
        rows.iter().for_each(|row| sink(Frame::Row(row)));
        let ended = rest.first().and_then(|line| closes(line, guard)).unwrap_or(Ended::WithError);
        sink(Frame::End(guard, ended));
        // The empty piece after the last line break is no line.
        let rest = rest.get(1..rest.len().saturating_sub(1)).unwrap_or_default();
        rest.iter().for_each(|line| self.line(line, sink));
    }
}

/// Whether the line is a subscription's value that is not complete.
fn is_open_value(line: &[u8], nonce: &Nonce) -> bool {
    line.starts_with(b"%subscription-changed ")
        && memchr::memmem::find(line, b" : ")
            .and_then(|at| line.get(at + 3..))
            .is_some_and(|value| value.starts_with(nonce.as_bytes()) && !nonce.ends_row(value))
}

/// How `line` closes the block of `guard`, if it does.
fn closes(line: &[u8], wanted: Guard) -> Option<Ended> {
    if guard(line, b"%end ") == Some(wanted) {
        Some(Ended::Well)
    } else if guard(line, b"%error ") == Some(wanted) {
        Some(Ended::WithError)
    } else {
        None
    }
}

/// Reads a guard line that begins with `word`.
fn guard(line: &[u8], word: &[u8]) -> Option<Guard> {
    let (time, rest) = split(line.strip_prefix(word)?, b' ');
    let (number_text, flags) = split(rest, b' ');
    Some(Guard { time: number(time)?, number: number(number_text)?, flags: number(flags)? })
}

/// Undoes tmux's escaping of output: `\ooo`, exactly three octal digits, for bytes below 0x20 and the backslash.
fn unescape(mut data: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(b'\\', data) {
        out.extend_from_slice(data.get(..at).unwrap_or_default());
        let rest = data.get(at..).unwrap_or_default();
        match rest {
            [_, a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                out.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'));
                data = rest.get(4..).unwrap_or_default();
            }
            _ => {
                out.push(b'\\');
                data = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out.extend_from_slice(data);
}

#[cfg(test)]
mod tests;
