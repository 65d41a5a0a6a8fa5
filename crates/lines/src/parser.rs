//! The terminal's escape sequences, taken apart: a state machine after ECMA-48 and xterm's control sequences
//! (the forms tmux itself reads). It knows no meaning, only borders.
//!
//! **Invariants:** the calls made on the [`Terminal`] are the same for any chunking of the bytes, but for the borders
//! between `text` calls. What is collected of a control string is bounded; an unbounded string is swallowed unread.

use memchr::memchr3;

const BEL: u8 = 0x07;
const LF: u8 = 0x0a;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;
const DEL: u8 = 0x7f;

/// A control string longer than this (a picture, as a rule) is swallowed without being told.
const LONGEST_STRING: usize = 16 * 1024;
const MOST_PARAMETERS: usize = 16;

/// What carries out the sequences.
pub(super) trait Terminal {
    /// Takes whole plain lines at the start of `data` if it stands at the start of a line; returns how many bytes.
    fn lines(&mut self, data: &[u8]) -> usize;
    /// Printable bytes: no controls, but UTF-8 may be split anywhere.
    fn text(&mut self, bytes: &[u8]);
    /// A C0 control other than ESC, or DEL.
    fn control(&mut self, byte: u8);
    /// A short escape sequence such as `ESC 7`; `intermediate` is 0 where there is none.
    fn escape(&mut self, intermediate: u8, last: u8);
    /// A control sequence `CSI … last`.
    fn csi(&mut self, csi: &Csi, last: u8);
    /// A whole control string without its introducer and terminator.
    fn string(&mut self, kind: StringKind, content: &[u8]);
}

/// The kinds of control strings that are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StringKind {
    /// `ESC ]`
    Osc,
    /// `ESC P`
    Dcs,
    /// `ESC _`, `ESC ^`, `ESC X`, `ESC k`: of no interest.
    Other,
}

/// The parameters of a control sequence.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Csi {
    parameters: [u16; MOST_PARAMETERS],
    count: usize,
    /// The private marker (`?`, `>`, `<`, `=`) or else the last intermediate byte; 0 where there is none.
    pub(super) marker: u8,
}

impl Csi {
    /// The parameter at `index`, or `default` where it is missing or 0.
    pub(super) fn or(&self, index: usize, default: u16) -> u16 {
        match self.parameters.get(index) {
            Some(&value) if index < self.count && value != 0 => value,
            _ => default,
        }
    }

    /// All parameters; one that was left empty is 0.
    pub(super) fn all(&self) -> &[u16] {
        &self.parameters[..self.count]
    }

    fn digit(&mut self, digit: u8) {
        self.count = self.count.max(1);
        if let Some(slot) = self.parameters.get_mut(self.count - 1) {
            *slot = slot.saturating_mul(10).saturating_add(u16::from(digit));
        }
    }

    fn separator(&mut self) {
        self.count = self.count.max(1);
        if self.count < MOST_PARAMETERS {
            self.count += 1;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    /// After `ESC` and an intermediate byte.
    Intermediate(u8),
    Csi,
    String(StringKind),
    /// After an ESC in a device control string for tmux, where a doubled ESC stands for one.
    Passthrough,
}

/// The state machine.
#[derive(Debug, Default)]
pub(super) struct Parser {
    state: State,
    csi: Csi,
    content: Vec<u8>,
    too_long: bool,
}

impl Parser {
    /// Reads the next bytes.
    pub(super) fn advance(&mut self, data: &[u8], terminal: &mut impl Terminal) {
        let mut at = 0;
        while at < data.len() {
            let rest = &data[at..];
            at += match self.state {
                State::Ground => self.ground(rest, terminal),
                State::Escape => self.escape(rest[0], terminal),
                State::Intermediate(intermediate) => self.intermediate(intermediate, rest[0], terminal),
                State::Csi => self.control_sequence(rest, terminal),
                State::String(kind) => self.string(kind, rest, terminal),
                State::Passthrough => self.passthrough(rest[0], terminal),
            };
        }
    }

    fn ground(&mut self, data: &[u8], terminal: &mut impl Terminal) -> usize {
        let lines = terminal.lines(data);
        let rest = &data[lines..];
        let plain = rest.iter().position(|&byte| is_control(byte)).unwrap_or(rest.len());
        if plain > 0 {
            terminal.text(&rest[..plain]);
        }
        let Some(&control) = rest.get(plain) else { return lines + plain };
        if control == ESC {
            self.state = State::Escape;
        } else {
            terminal.control(control);
        }
        lines + plain + 1
    }

    fn escape(&mut self, byte: u8, terminal: &mut impl Terminal) -> usize {
        self.state = match byte {
            b'[' => {
                self.csi = Csi::default();
                State::Csi
            }
            b']' => self.begin(StringKind::Osc),
            b'P' => self.begin(StringKind::Dcs),
            b'X' | b'^' | b'_' | b'k' => self.begin(StringKind::Other),
            0x20..=0x2f => State::Intermediate(byte),
            0x30..=0x7e => {
                terminal.escape(0, byte);
                State::Ground
            }
            _ => return self.interrupted(byte, terminal),
        };
        1
    }

    fn intermediate(&mut self, intermediate: u8, byte: u8, terminal: &mut impl Terminal) -> usize {
        match byte {
            0x20..=0x2f => 1,
            0x30..=0x7e => {
                terminal.escape(intermediate, byte);
                self.state = State::Ground;
                1
            }
            _ => self.interrupted(byte, terminal),
        }
    }

    /// A byte that belongs to no sequence stands within one.
    fn interrupted(&mut self, byte: u8, terminal: &mut impl Terminal) -> usize {
        match byte {
            ESC => self.state = State::Escape,
            CAN | SUB => self.state = State::Ground,
            // Other controls are carried out as if they stood before the sequence.
            0..=0x1f => terminal.control(byte),
            DEL => {}
            // No sequence holds such a byte: it is text.
            _ => {
                self.state = State::Ground;
                return 0;
            }
        }
        1
    }

    fn control_sequence(&mut self, data: &[u8], terminal: &mut impl Terminal) -> usize {
        for (at, &byte) in data.iter().enumerate() {
            match byte {
                b'0'..=b'9' => self.csi.digit(byte - b'0'),
                b';' | b':' => self.csi.separator(),
                b'<'..=b'?' | 0x20..=0x2f => self.csi.marker = byte,
                0x40..=0x7e => {
                    self.state = State::Ground;
                    terminal.csi(&self.csi, byte);
                    return at + 1;
                }
                _ => return at + self.interrupted(byte, terminal),
            }
        }
        data.len()
    }

    fn begin(&mut self, kind: StringKind) -> State {
        self.content.clear();
        self.too_long = false;
        State::String(kind)
    }

    fn string(&mut self, kind: StringKind, data: &[u8], terminal: &mut impl Terminal) -> usize {
        // BEL ends an OSC; a line feed can't stand in one that anybody means.
        let end = match kind {
            StringKind::Osc => data.iter().position(|&byte| matches!(byte, BEL | LF | CAN | SUB | ESC)),
            StringKind::Dcs | StringKind::Other => memchr3(CAN, SUB, ESC, data),
        };
        self.collect(&data[..end.unwrap_or(data.len())]);
        let Some(end) = end else { return data.len() };
        match data[end] {
            ESC if kind == StringKind::Dcs && self.content.starts_with(b"tmux;") => self.state = State::Passthrough,
            ESC => {
                self.end(kind, terminal);
                self.state = State::Escape;
            }
            BEL => {
                self.end(kind, terminal);
                self.state = State::Ground;
            }
            LF if self.holds_encoded_lines() => {}
            LF => {
                // The terminator was forgotten; swallowing all that follows would lose output.
                self.state = State::Ground;
                return end;
            }
            _ => self.state = State::Ground,
        }
        end + 1
    }

    fn passthrough(&mut self, byte: u8, terminal: &mut impl Terminal) -> usize {
        if byte == ESC {
            self.collect(&[ESC]);
            self.state = State::String(StringKind::Dcs);
            return 1;
        }
        self.end(StringKind::Dcs, terminal);
        self.state = State::Escape;
        0
    }

    fn collect(&mut self, bytes: &[u8]) {
        let room = LONGEST_STRING - self.content.len();
        if bytes.len() > room {
            self.too_long = true;
        }
        self.content.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end(&mut self, kind: StringKind, terminal: &mut impl Terminal) {
        if !self.too_long {
            terminal.string(kind, &self.content);
        }
        self.content.clear();
    }

    /// Files and clipboards (OSC 1337 and 52) come in Base64, which some tools break into lines.
    fn holds_encoded_lines(&self) -> bool {
        self.content.starts_with(b"1337;") || self.content.starts_with(b"52;")
    }
}

/// Whether a byte is a C0 control or DEL.
pub(super) const fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == DEL
}

/// Whether a plain line holds a control; without early exit, which the compiler turns into vector code.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, &byte| found | is_control(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Record(Vec<u8>);

    impl Record {
        fn note(&mut self, text: &str) {
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    impl Terminal for Record {
        fn lines(&mut self, _: &[u8]) -> usize {
            0
        }
        fn text(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
        fn control(&mut self, byte: u8) {
            self.note(&format!("<{byte:02x}>"));
        }
        fn escape(&mut self, intermediate: u8, last: u8) {
            let intermediate = if intermediate == 0 { String::new() } else { char::from(intermediate).to_string() };
            self.note(&format!("<esc {intermediate}{}>", char::from(last)));
        }
        fn csi(&mut self, csi: &Csi, last: u8) {
            let marker = if csi.marker == 0 { String::new() } else { char::from(csi.marker).to_string() };
            self.note(&format!("<csi {marker}{:?}{}>", csi.all(), char::from(last)));
        }
        fn string(&mut self, kind: StringKind, content: &[u8]) {
            self.note(&format!("<{kind:?} {}>", content.escape_ascii()));
        }
    }

    fn parsed(bytes: &[u8]) -> String {
        let mut whole = Record::default();
        Parser::default().advance(bytes, &mut whole);
        let mut single = Record::default();
        let mut parser = Parser::default();
        bytes.chunks(1).for_each(|byte| parser.advance(byte, &mut single));
        assert_eq!(whole.0, single.0, "chunking changes the outcome");
        String::from_utf8(whole.0).unwrap()
    }

    #[test]
    fn sequences_are_taken_apart() {
        let cases: &[(&[u8], &str)] = &[
            (b"a\x1b[1;31mb\x1b[mc", "a<csi [1, 31]m>b<csi []m>c"),
            (b"\x1b[?2004h\x1b[>4;0m\x1b[;5H", "<csi ?[2004]h><csi >[4, 0]m><csi [0, 5]H>"),
            (b"\x1b[38:2::1:2:3mx", "<csi [38, 2, 0, 1, 2, 3]m>x"),
            (b"\x1b7\x1b(B\x1bM", "<esc 7><esc (B><esc M>"),
            (b"\x1b]0;title\x07x\x1b]9;hi\x1b\\y", "<Osc 0;title>x<Osc 9;hi><esc \\>y"),
            (
                b"\x1bPq#1\n-\x1b\\a\x1b_apc\x1b\\b\x1b^pm\x1b\\c",
                "<Dcs q#1\\n-><esc \\>a<Other apc><esc \\>b<Other pm><esc \\>c",
            ),
            (b"\x1bPtmux;\x1b\x1b]9;x\x07\x1b\\z", "<Dcs tmux;\\x1b]9;x\\x07><esc \\>z"),
            (b"\x1b]0;forgotten\nnext", "<0a>next"),
            (b"\x1b]1337;File=:YWJj\nZGVm\x07x", "<Osc 1337;File=:YWJjZGVm>x"),
            (b"\x1b[3\x1b[4mx", "<csi [4]m>x"),
            (b"\x1b[3\n1mx\x1b[5\x18y", "<0a><csi [31]m>xy"),
            (b"\x1b[9999999999999999mx", "<csi [65535]m>x"),
            (b"\x1b\xe4\xb8\xad", "中"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parsed(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn an_endless_string_is_swallowed_in_bounded_memory() {
        let mut record = Record::default();
        let mut parser = Parser::default();
        parser.advance(b"\x1bP", &mut record);
        for _ in 0..100 {
            parser.advance(&[b'x'; 4096], &mut record);
        }
        assert!(parser.content.capacity() <= 2 * LONGEST_STRING);
        parser.advance(b"\x1b\\after", &mut record);
        assert_eq!(record.0, b"<esc \\>after");
    }
}
