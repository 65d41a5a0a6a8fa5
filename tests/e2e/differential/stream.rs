//! Streams as programs might write them, from a seed; and smaller ones of the same kind.

/// One thing that a program writes, whole or cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Bytes that are written at once.
    Write(Vec<u8>),
    /// The output pauses.
    Pause,
}

/// What a stream is made of, which says how what is told of it compares with what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lines one after the other: each is told once, in their order.
    Written,
    /// Rows that are written over, erased and drawn again around the cursor.
    Edited,
    /// Programs that address the screen, switch it, scroll parts of it.
    Owned,
}

/// Numbers from a seed (xorshift).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| {
            dice.next();
        });
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// One of 0 to `end`, without `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    /// One of several pieces.
    fn of(&mut self, all: &[&'static [u8]]) -> &'static [u8] {
        all[self.below(all.len())]
    }

    fn word(&mut self, all: &[&'static str]) -> &'static str {
        all[self.below(all.len())]
    }
}

/// Makes streams of a kind.
#[derive(Debug)]
struct Maker {
    dice: Dice,
    /// Words so far: each is another one by its letters alone, so that a line is known by its words, and never one that
    /// only counts on.
    words: usize,
    /// What was written last, which may be written again.
    last: Vec<u8>,
    /// There may be broken characters.
    broken: bool,
    /// The other screen is shown.
    alternate: bool,
    columns: usize,
    rows: usize,
}

/// A stream of a kind for a pane of this size.
pub fn stream(kind: Kind, seed: u64, columns: u16, rows: u16) -> Vec<Op> {
    let (columns, rows) = (usize::from(columns), usize::from(rows));
    let broken = kind == Kind::Written;
    let mut maker =
        Maker { dice: Dice::new(seed), words: 0, last: Vec::new(), broken, alternate: false, columns, rows };
    let length = 3 + maker.dice.below(25);
    let mut ops = Vec::new();
    for _ in 0..length {
        if maker.dice.below(8) == 0 {
            ops.push(Op::Pause);
        }
        let bytes = match kind {
            Kind::Written => maker.written(),
            Kind::Edited if maker.dice.below(3) == 0 => maker.written(),
            Kind::Owned if maker.dice.below(3) == 0 => maker.written(),
            Kind::Owned if maker.dice.below(3) > 0 => maker.owned(),
            Kind::Edited | Kind::Owned => maker.edited(),
        };
        // A screen that is left at once is looked at by nobody.
        if bytes.starts_with(b"\x1b[?1049") {
            ops.push(Op::Pause);
        }
        ops.push(Op::Write(bytes));
    }
    ops.push(Op::Pause);
    ops
}

/// What stands around words in several scripts: wide, combining, joined, right to left, of four bytes.
const SCRIPTS: [&str; 14] =
    ["", "", "", "", "", "中文字", "にほん", "한국", "e\u{301}a\u{300}", "Приве", "שלום", "👍", "𝒜𝒷", "ﬁœ"];
const COLOURS: [&str; 8] = [
    "\x1b[1m",
    "\x1b[31m",
    "\x1b[0m",
    "\x1b[38;5;12m",
    "\x1b[38:2::1:2:3m",
    "\x1b[K",
    "\x1b]8;;http://x\x1b\\",
    "\x0f",
];

impl Maker {
    fn word(&mut self) -> String {
        self.words += 1;
        let script = self.dice.word(&SCRIPTS);
        let letters = "abcdefghijklmnopqrstuvwxyz";
        let from = self.dice.below(20);
        let number: String = self.words.to_string().bytes().map(|digit| char::from(digit - b'0' + b'A')).collect();
        format!("{}{script}w{number}z", &letters[from..from + self.dice.below(6)])
    }

    /// Words, now and then enough to wrap.
    fn text(&mut self) -> Vec<u8> {
        let most = if self.dice.below(4) == 0 { 1 + self.columns / 4 } else { 3 };
        let mut text = self.word().into_bytes();
        for _ in 0..self.dice.below(most) {
            if self.dice.below(6) == 0 {
                text.extend_from_slice(self.dice.word(&COLOURS).as_bytes());
            }
            text.extend_from_slice(if self.dice.below(9) == 0 { b"   " } else { b" " });
            text.extend_from_slice(self.word().as_bytes());
        }
        text
    }

    /// Text that ends exactly at the edge, or next to it.
    fn up_to_the_edge(&mut self) -> Vec<u8> {
        let mut text = self.word();
        while !text.is_ascii() {
            text = self.word();
        }
        let length = (self.columns * (1 + self.dice.below(2)) + self.dice.below(3)).saturating_sub(1);
        while text.len() < length {
            text.push(char::from(b'a' + u8::try_from(self.dice.below(26)).unwrap_or(0)));
        }
        text.truncate(length.max(1));
        text.into_bytes()
    }

    fn end(&mut self) -> &'static [u8] {
        self.dice.of(&[b"\r\n", b"\r\n", b"\r\n", b"\r\r\n", b"\x1b[K\r\n", b"\x1bE"])
    }

    fn written(&mut self) -> Vec<u8> {
        let mut bytes = match self.dice.below(12) {
            0 => self.up_to_the_edge(),
            1 if !self.broken => {
                let mut tabbed = self.text();
                tabbed.push(b'\t');
                tabbed.extend(self.text());
                tabbed
            }
            // Not all versions of tmux give a broken character a column.
            2 if self.broken => {
                let mut broken = self.text();
                broken.extend_from_slice(self.dice.of(&[
                    b"\xff",
                    b"\xe4\xb8",
                    b"\xc3",
                    b"\xf0\x9f",
                    b"\x80",
                    b"\xed\xa0\x80",
                ]));
                // What follows is of the script that no byte of a broken character can belong to.
                broken.extend_from_slice(b" after");
                broken.extend(self.text());
                broken
            }
            3 => {
                let mut cut = self.text();
                cut.extend(self.control_string());
                cut.extend(self.text());
                cut
            }
            4 => return b"\r\n".to_vec(),
            // A line that was written before, or a part of what it has become since.
            5 => self.last.clone(),
            _ => self.text(),
        };
        self.last.clone_from(&bytes);
        bytes.extend_from_slice(self.end());
        bytes
    }

    /// A control string, whole, or cut off by what ends one all the same.
    fn control_string(&mut self) -> Vec<u8> {
        let begin = self.dice.word(&[
            "\x1b]0;",
            "\x1b]2;",
            "\x1bP",
            "\x1bP1;2q",
            "\x1b_",
            "\x1b^",
            "\x1bX",
            "\x1bk",
            "\x1b]52;c;",
            "\x1bPtmux;",
        ]);
        let mut bytes = begin.as_bytes().to_vec();
        bytes.extend(self.text().into_iter().filter(|byte| *byte != 0x1b && *byte != 0x0f));
        if self.dice.below(3) == 0 {
            bytes.extend_from_slice(b"\nsecond row");
        }
        bytes.extend_from_slice(match self.dice.below(6) {
            0 if begin.starts_with("\x1b]") => b"\x07",
            1 if !begin.starts_with("\x1bP") => b"\x18",
            2 if !begin.starts_with("\x1bP") => b"\x1b[m",
            3 if begin.starts_with("\x1bP") => b"\x18\x1b[mx\x1b\\",
            _ => b"\x1b\\",
        });
        bytes
    }

    fn number(&mut self, most: usize) -> usize {
        if self.dice.below(12) == 0 { 99 } else { self.dice.below(most + 1) }
    }

    fn edited(&mut self) -> Vec<u8> {
        let (columns, rows) = (self.columns, self.rows);
        let mut bytes = Vec::new();
        match self.dice.below(17) {
            // A progress bar.
            0 => {
                for _ in 0..1 + self.dice.below(3) {
                    bytes.extend(self.text());
                    bytes.extend_from_slice(if self.dice.below(2) == 0 { b"\r" } else { b"\r\x1b[K" });
                }
                bytes.extend(self.text());
                bytes.extend_from_slice(b"\r\n");
            }
            1 => bytes.extend_from_slice(b"\r"),
            2 => bytes.extend(vec![8; self.number(5)]),
            3 => bytes.extend_from_slice(format!("\x1b[{}K", self.dice.below(3)).as_bytes()),
            4 => bytes.extend_from_slice(format!("\x1b[{}A", self.number(rows / 2)).as_bytes()),
            5 => bytes.extend_from_slice(format!("\x1b[{}B", self.number(rows / 2)).as_bytes()),
            6 => bytes.extend_from_slice(format!("\x1b[{}C", self.number(columns / 2)).as_bytes()),
            7 => bytes.extend_from_slice(format!("\x1b[{}D", self.number(columns / 2)).as_bytes()),
            8 => bytes.extend_from_slice(format!("\x1b[{}G", self.number(columns)).as_bytes()),
            9 => bytes.extend_from_slice(
                format!("\x1b[{}{}", self.number(4), self.dice.word(&["P", "@", "X", "E", "F"])).as_bytes(),
            ),
            10 => bytes.extend_from_slice(self.dice.of(&[
                b"\x1b[J",
                b"\x1b[1J",
                b"\x1b[H\x1b[2J",
                b"\x1b[2J\x1b[3J\x1b[H",
                b"\x1b[H\x1b[J\x1b[3J",
                b"\x1bc",
            ])),
            11 => bytes.extend_from_slice(b"\x1bM"),
            12 => bytes.extend_from_slice(b"\t"),
            // A block that is drawn again from its first row.
            13 => {
                let height = 1 + self.dice.below(rows / 2);
                bytes.extend_from_slice(format!("\r\x1b[{height}A\x1b[J").as_bytes());
                for _ in 0..height {
                    bytes.extend(self.text());
                    bytes.extend_from_slice(b"\r\n");
                }
            }
            14 => bytes.extend_from_slice(self.dice.of(&[b"\x1b7", b"\x1b8", b"\x1b[s", b"\x1b[u"])),
            15 => bytes.extend_from_slice(b"\n"),
            _ => bytes.extend(self.text()),
        }
        bytes
    }

    fn owned(&mut self) -> Vec<u8> {
        let (columns, rows) = (self.columns, self.rows);
        match self.dice.below(10) {
            0 | 1 => {
                self.alternate = !self.alternate;
                if self.alternate { b"\x1b[?1049h".to_vec() } else { b"\x1b[?1049l".to_vec() }
            }
            2 | 3 => {
                let mut bytes =
                    format!("\x1b[{};{}H", 1 + self.dice.below(rows), 1 + self.dice.below(columns)).into_bytes();
                bytes.extend(self.text());
                bytes
            }
            4 => {
                format!("\x1b[{};{}r", 1 + self.dice.below(rows / 2), rows / 2 + self.dice.below(rows / 2)).into_bytes()
            }
            5 => b"\x1b[r".to_vec(),
            6 => format!("\x1b[{}L", 1 + self.dice.below(3)).into_bytes(),
            7 => format!("\x1b[{}M", 1 + self.dice.below(3)).into_bytes(),
            8 => format!("\x1b[{}{}", 1 + self.dice.below(3), self.dice.word(&["S", "T"])).into_bytes(),
            _ => format!("\x1b[{}d", 1 + self.dice.below(rows)).into_bytes(),
        }
    }
}

/// Smaller streams, the smallest first.
pub fn smaller(ops: &[Op]) -> Vec<Vec<Op>> {
    let mut all = Vec::new();
    let mut size = ops.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < ops.len() {
            let mut rest = ops.to_vec();
            rest.drain(from..(from + size).min(ops.len()));
            all.push(rest);
            from += size;
        }
        size /= 2;
    }
    for (at, op) in ops.iter().enumerate() {
        if let Op::Write(bytes) = op {
            let mut size = bytes.len() / 2;
            while size > 0 {
                let mut from = 0;
                while from < bytes.len() {
                    let mut rest = bytes.clone();
                    rest.drain(from..(from + size).min(bytes.len()));
                    from += size;
                    // Characters stay whole where they were.
                    if std::str::from_utf8(&rest).is_err() && std::str::from_utf8(bytes).is_ok() {
                        continue;
                    }
                    let mut ops = ops.to_vec();
                    ops[at] = Op::Write(rest);
                    all.push(ops);
                }
                size /= 2;
            }
        }
    }
    all.retain(|ops| is_looked_at(ops) && leaves_what_it_entered(ops));
    all
}

/// Whether a screen is looked at before it is left.
fn is_looked_at(ops: &[Op]) -> bool {
    let switches = |op: &Op| matches!(op, Op::Write(bytes) if bytes.windows(7).any(|part| part == b"\x1b[?1049"));
    ops.windows(2).all(|pair| !switches(&pair[1]) || pair[0] == Op::Pause)
}

/// Whether the other screen is left only where it is shown: else tmux puts the cursor where it was when some stream before
/// entered it.
fn leaves_what_it_entered(ops: &[Op]) -> bool {
    let mut shown = false;
    let mut written = ops.iter().filter_map(|op| match op {
        Op::Write(bytes) => bytes.windows(8).rev().find(|part| part.starts_with(b"\x1b[?1049")),
        Op::Pause => None,
    });
    written.all(|part| std::mem::replace(&mut shown, part.ends_with(b"h")) || part.ends_with(b"h"))
}

/// A stream as it is kept in a file: its kind and size, then a line for each thing written, `~` for a pause.
pub fn written(kind: Kind, (columns, rows): (u16, u16), ops: &[Op]) -> String {
    let mut text = format!("{kind:?} {columns} {rows}\n");
    for op in ops {
        match op {
            Op::Pause => text.push('~'),
            Op::Write(bytes) => text.extend(bytes.escape_ascii().map(char::from)),
        }
        text.push('\n');
    }
    text
}

/// Reads what [`written`] wrote; `None` where it can't be read.
pub fn kept(text: &str) -> Option<(Kind, (u16, u16), Vec<Op>)> {
    let mut lines = text.lines();
    let mut head = lines.next()?.split(' ');
    let kind = match head.next()? {
        "Written" => Kind::Written,
        "Edited" => Kind::Edited,
        "Owned" => Kind::Owned,
        _ => return None,
    };
    let size = (head.next()?.parse().ok()?, head.next()?.parse().ok()?);
    let op = |line: &str| if line == "~" { Some(Op::Pause) } else { unescaped(line).map(Op::Write) };
    Some((kind, size, lines.map(op).collect::<Option<_>>()?))
}

/// Recorded bytes, which pause where the program ended an update, and seldom where it has none.
pub fn recorded(bytes: &[u8]) -> Vec<Op> {
    const UPDATED: &[u8] = b"\x1b[?2026l";
    const MOST: usize = 4096;
    let mut ops = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let ends = rest.windows(UPDATED.len()).position(|window| window == UPDATED);
        let (now, later) = rest.split_at(ends.map_or(MOST, |at| at + UPDATED.len()).min(rest.len()));
        ops.extend([Op::Write(now.to_vec()), Op::Pause]);
        rest = later;
    }
    ops
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, after) = match more {
            [b'x', high, low, after @ ..] => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?, after)
            }
            [b'r', after @ ..] => (b'\r', after),
            [b'n', after @ ..] => (b'\n', after),
            [b't', after @ ..] => (b'\t', after),
            [other, after @ ..] => (*other, after),
            [] => return None,
        };
        bytes.push(byte);
        rest = after;
    }
    Some(bytes)
}
