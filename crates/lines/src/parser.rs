//! The terminal's escape sequences, taken apart: the states and transitions of tmux's own `input.c`, which are those of
//! ECMA-48 and xterm but for what stands in no sequence. It knows no meaning, only borders.
//!
//! What tmux shows is read, so the way out of a control string is tmux's too: its terminator, a CAN, SUB or ESC (but for
//! DCS), or five seconds. A line feed ends none.
//!
//! **Invariants:** the calls made on the [`Terminal`] are the same for any chunking of the bytes, but for the borders
//! between `text` calls. What is collected of a control string is bounded; an unbounded string is swallowed unread.

use super::control::{DEL, before_control};
use memchr::memchr;
use tmuxagent_model::Timestamp;

const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;

/// A control string longer than this (a picture, as a rule) is swallowed without being told.
const LONGEST_STRING: usize = 16 * 1024;
/// A sequence with more parameters than this is ignored.
const MOST_PARAMETERS: usize = 24;
/// After this time tmux takes what goes on for text, in milliseconds.
const LONGEST_TIME: u64 = 5000;

/// What carries out the sequences.
pub(super) trait Terminal {
    /// Takes whole plain lines at the start of `data` if it stands at the start of a line; returns how many bytes.
    fn lines(&mut self, data: &[u8]) -> usize;
    /// Printable bytes: no controls, but UTF-8 may be split anywhere.
    fn text(&mut self, bytes: &[u8]);
    /// A C0 control other than ESC.
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
    /// The private marker (`?`, `>`, `<`, `=`) or else the intermediate byte; 0 where there is none, [`UNKNOWN`] for
    /// several.
    pub(super) marker: u8,
    /// It has parameters that only colours have, or more than any.
    broken: bool,
}

/// The marker of sequences that mean nothing.
const UNKNOWN: u8 = 0xff;

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

    /// Reads a control sequence of few numbers alone that is whole at the start of `bytes`; returns its last byte and its length.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<(u8, usize)> {
        (self.count, self.marker, self.broken) = (0, 0, false);
        let (mut value, mut any) = (0_u16, false);
        for (at, &byte) in bytes.strip_prefix(b"\x1b[")?.iter().enumerate() {
            match byte {
                b'0'..=b'9' => value = value.saturating_mul(10).saturating_add(u16::from(byte - b'0')),
                b';' if self.count + 2 < MOST_PARAMETERS => {
                    self.push(value);
                    value = 0;
                }
                0x40..=0x7e => {
                    if any {
                        self.push(value);
                    }
                    return Some((byte, at + 3));
                }
                _ => return None,
            }
            any = true;
        }
        None
    }

    const fn push(&mut self, value: u16) {
        self.parameters[self.count] = value;
        self.count += 1;
    }

    fn digit(&mut self, digit: u8) {
        self.count = self.count.max(1);
        if let Some(slot) = self.parameters.get_mut(self.count - 1) {
            *slot = slot.saturating_mul(10).saturating_add(u16::from(digit));
        }
    }

    fn separator(&mut self, byte: u8) {
        self.count = self.count.max(1);
        self.broken |= byte == b':' || self.count + 1 >= MOST_PARAMETERS;
        if self.count < MOST_PARAMETERS {
            self.count += 1;
        }
    }

    const fn mark(&mut self, byte: u8) {
        self.marker = if self.marker == 0 { byte } else { UNKNOWN };
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    /// After `ESC` and an intermediate byte.
    Intermediate(u8),
    /// In a control sequence: at its begin, behind a parameter, behind an intermediate byte, in one that means nothing.
    Csi(Part),
    /// In what stands before a device control string.
    Device(Part),
    /// In a device control string itself, and behind an ESC in it.
    DeviceString,
    DeviceEscape,
    String(StringKind),
}

/// Where in a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Begin,
    Parameters,
    Intermediate,
    Ignored,
}

impl Part {
    /// Behind a byte of 0x20 to 0x3f.
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Ignored, _) | (Self::Intermediate, 0x30..=0x3f) | (Self::Parameters, b'<'..=b'?') => Self::Ignored,
            (_, 0x20..=0x2f) => Self::Intermediate,
            (Self::Begin | Self::Parameters | Self::Intermediate, _) => Self::Parameters,
        }
    }
}

/// The state machine.
#[derive(Debug, Default)]
pub(super) struct Parser {
    state: State,
    csi: Csi,
    content: Vec<u8>,
    too_long: bool,
    /// Now, as far as it is known, and when the string began.
    now: Timestamp,
    began: Timestamp,
}

impl Parser {
    /// Tells when the bytes that follow were printed: a string that has not ended by then will not.
    pub(super) fn at(&mut self, now: Timestamp) {
        self.now = now;
        let string =
            matches!(self.state, State::Device(_) | State::DeviceString | State::DeviceEscape | State::String(_));
        if string && now.since(self.began).0 >= LONGEST_TIME {
            self.content.clear();
            self.state = State::Ground;
        }
    }

    /// Reads the next bytes.
    pub(super) fn advance(&mut self, data: &[u8], terminal: &mut impl Terminal) {
        let mut at = 0;
        while at < data.len() {
            let rest = &data[at..];
            at += match self.state {
                State::Ground => self.ground(rest, terminal),
                State::Csi(part) => self.control_sequence(part, rest, terminal),
                State::String(kind) => self.string(kind, rest, terminal),
                State::DeviceString => self.device_string(rest),
                State::Escape => self.escape(rest[0], terminal),
                State::Intermediate(intermediate) => self.intermediate(intermediate, rest[0], terminal),
                State::Device(part) => self.device(part, rest[0]),
                State::DeviceEscape => self.device_escape(rest[0], terminal),
            };
        }
    }

    fn ground(&mut self, data: &[u8], terminal: &mut impl Terminal) -> usize {
        let lines = terminal.lines(data);
        let rest = &data[lines..];
        let plain = before_control(rest);
        if plain > 0 {
            terminal.text(&rest[..plain]);
        }
        let Some(&control) = rest.get(plain) else { return lines + plain };
        match control {
            ESC => self.state = State::Escape,
            DEL => {}
            _ => terminal.control(control),
        }
        lines + plain + 1
    }

    fn escape(&mut self, byte: u8, terminal: &mut impl Terminal) -> usize {
        self.state = match byte {
            b'[' => {
                self.csi = Csi::default();
                State::Csi(Part::Begin)
            }
            b']' => self.begin(State::String(StringKind::Osc)),
            b'P' => self.begin(State::Device(Part::Begin)),
            b'X' | b'^' | b'_' | b'k' => self.begin(State::String(StringKind::Other)),
            0x20..=0x2f => State::Intermediate(byte),
            0x30..=0x7e => {
                self.state = State::Ground;
                terminal.escape(0, byte);
                State::Ground
            }
            _ => return self.interrupted(byte, terminal),
        };
        1
    }

    fn intermediate(&mut self, intermediate: u8, byte: u8, terminal: &mut impl Terminal) -> usize {
        match byte {
            0x20..=0x2f => self.state = State::Intermediate(UNKNOWN),
            0x30..=0x7e => {
                self.state = State::Ground;
                terminal.escape(intermediate, byte);
            }
            _ => return self.interrupted(byte, terminal),
        }
        1
    }

    /// A byte that belongs to no sequence stands within one: a control is carried out as if it stood before the sequence,
    /// any other is dropped.
    fn interrupted(&mut self, byte: u8, terminal: &mut impl Terminal) -> usize {
        match byte {
            ESC => self.state = State::Escape,
            CAN | SUB => self.state = State::Ground,
            0..=0x1f => terminal.control(byte),
            _ => {}
        }
        1
    }

    fn control_sequence(&mut self, mut part: Part, data: &[u8], terminal: &mut impl Terminal) -> usize {
        for (at, &byte) in data.iter().enumerate() {
            match byte {
                0x20..=0x3f => {
                    part = part.after(byte);
                    self.state = State::Csi(part);
                    match byte {
                        _ if part == Part::Ignored => {}
                        b'0'..=b'9' => self.csi.digit(byte - b'0'),
                        b';' | b':' => self.csi.separator(byte),
                        _ => self.csi.mark(byte),
                    }
                }
                0x40..=0x7e => {
                    self.state = State::Ground;
                    if part != Part::Ignored && (!self.csi.broken || byte == b'm') {
                        terminal.csi(&self.csi, byte);
                    }
                    return at + 1;
                }
                _ => return at + self.interrupted(byte, terminal),
            }
        }
        data.len()
    }

    fn begin(&mut self, state: State) -> State {
        self.content.clear();
        self.too_long = false;
        self.began = self.now;
        state
    }

    /// What stands before a device control string: parameters, of which nobody asks, and the first byte.
    fn device(&mut self, part: Part, byte: u8) -> usize {
        match byte {
            ESC => self.state = State::Escape,
            CAN | SUB => self.state = State::Ground,
            _ if part == Part::Ignored => {}
            b':' => self.state = State::Device(Part::Ignored),
            0x20..=0x3f => self.state = State::Device(part.after(byte)),
            0x40..=0x7e => {
                self.collect(&[byte]);
                self.state = State::DeviceString;
            }
            _ => {}
        }
        1
    }

    /// A device control string ends with `ESC \` alone.
    fn device_string(&mut self, data: &[u8]) -> usize {
        let Some(end) = memchr(ESC, data) else {
            self.collect(data);
            return data.len();
        };
        self.collect(&data[..end]);
        self.state = State::DeviceEscape;
        end + 1
    }

    /// After an ESC in a device control string: for tmux a doubled one stands for one.
    fn device_escape(&mut self, byte: u8, terminal: &mut impl Terminal) -> usize {
        if byte == b'\\' {
            self.state = State::Ground;
            self.end(StringKind::Dcs, terminal);
        } else {
            self.collect(&[byte]);
            self.state = State::DeviceString;
        }
        1
    }

    fn string(&mut self, kind: StringKind, data: &[u8], terminal: &mut impl Terminal) -> usize {
        let end = data.iter().position(|&byte| byte < 0x20).unwrap_or(data.len());
        self.collect(&data[..end]);
        let Some(&control) = data.get(end) else { return end };
        self.state = match control {
            BEL if kind == StringKind::Osc => State::Ground,
            CAN | SUB => State::Ground,
            ESC => State::Escape,
            // Others are dropped: some tools break Base64 into lines.
            _ => return end + 1,
        };
        self.end(kind, terminal);
        end + 1
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
                "<Dcs q#1\\n->a<Other apc><esc \\>b<Other pm><esc \\>c",
            ),
            (b"\x1bPtmux;\x1b\x1b]9;x\x07\x1b\\z", "<Dcs tmux;\\x1b]9;x\\x07>z"),
            (b"\x1b]0;forgotten\nnext\x1b[mx", "<Osc 0;forgottennext><csi []m>x"),
            (b"\x1bPq\x18\nx\x1b[m\x1b\\y\x1bP1:2q\x18z", "<Dcs q\\x18\\nx[m>yz"),
            (b"\x1b_a\x18b\x1bXc\x1b[md\x1bk\xe4\x1a\x7fe", "<Other a>b<Other c><csi []m>d<Other \\xe4>e"),
            (b"\x1b[1?25hx\x1b[?$25hx\x1b[4:3mx\x1b[4:3Ax\x1b[1\xe4Ax", "xx<csi [4, 3]m>xx<csi [1]A>x"),
            (b"\x1b]1337;File=:YWJj\nZGVm\x07x", "<Osc 1337;File=:YWJjZGVm>x"),
            (b"\x1b[3\x1b[4mx", "<csi [4]m>x"),
            (b"\x1b[3\n1mx\x1b[5\x18y", "<0a><csi [31]m>xy"),
            (b"\x1b[9999999999999999mx", "<csi [65535]m>x"),
            (b"\x1b\xe4\xb8\xad7x", "<esc 7>x"),
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
        assert_eq!(record.0, b"after");
    }

    #[test]
    fn a_string_without_an_end_ends_after_five_seconds() {
        for begin in [
            b"\x1b]0;half".as_slice(),
            b"\x1bP",
            b"\x1bP1;2qhalf",
            b"\x1bPq\x1b",
            b"\x1b_",
            b"\x1b^",
            b"\x1bX",
            b"\x1bkhalf",
        ] {
            let mut record = Record::default();
            let mut parser = Parser::default();
            parser.at(Timestamp(1_000));
            parser.advance(begin, &mut record);
            parser.at(Timestamp(5_999));
            parser.advance(b" more\n", &mut record);
            assert_eq!(record.0, b"", "{}", begin.escape_ascii());
            parser.at(Timestamp(6_000));
            parser.advance(b"line\n", &mut record);
            assert_eq!(record.0, b"line<0a>", "{}", begin.escape_ascii());
        }
        // A sequence waits for as long as it takes.
        let (mut record, mut parser) = (Record::default(), Parser::default());
        parser.advance(b"\x1b[3", &mut record);
        parser.at(Timestamp(60_000));
        parser.advance(b"1mx", &mut record);
        assert_eq!(record.0, b"<csi [31]m>x");
    }
}
