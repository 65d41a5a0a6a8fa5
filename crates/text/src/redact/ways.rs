//! The ways in which signs of a text are written otherwise: by C, shells, JSON, Perl, CSS, URLs, HTML, mail and `cat -v`.

use super::unescape::Sought;

/// What an escape stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrote {
    /// A byte, perhaps one of several of a character.
    Byte(u8),
    /// A character.
    Char(char),
    /// Nothing: a line goes on below.
    Nothing,
}

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// `\n`, `\x20`, `\040`, `\u0020`, `\x{20}`, `\N{U+20}`: C, JSON, `$'…'`, Perl.
    Backslash,
    /// A backslash before the sign itself, as shells write it.
    Bare,
    /// `%20`, `%u0020`: URLs.
    Percent,
    /// `+` for a blank and `%20`: forms.
    Form,
    /// `&#32;`, `&amp;`: HTML and XML.
    Entity,
    /// As [`Way::Backslash`], but numbers are bytes: `$'\303\251'`, `b'\xc3\xa9'`, paths that git quotes.
    Bytes,
    /// The same with `\0` and three digits more: `echo -e`.
    Echo,
    /// `\000061`, `\61 `: CSS.
    Css,
    /// `'\''`, `''` and `""`: shells, SQL, CSV.
    Quotes,
    /// `=61`: quoted-printable.
    Mail,
    /// `M-C`: `cat -v`.
    Meta,
}

impl Way {
    /// The usual ones first, since not all are tried.
    pub(super) const ALL: [Self; 11] = [
        Self::Backslash,
        Self::Bare,
        Self::Percent,
        Self::Form,
        Self::Entity,
        Self::Bytes,
        Self::Echo,
        Self::Quotes,
        Self::Mail,
        Self::Meta,
        Self::Css,
    ];

    /// Whether what is sought may be found by it.
    pub(super) const fn matters(self, sought: Sought) -> bool {
        match self {
            Self::Backslash | Self::Percent | Self::Entity | Self::Bytes => true,
            Self::Bare | Self::Form | Self::Echo | Self::Css | Self::Mail => sought.values,
            Self::Quotes => sought.quotes,
            Self::Meta => sought.wide,
        }
    }

    /// Whether much that is not escaped looks so.
    pub(super) const fn is_guess(self) -> bool {
        matches!(self, Self::Echo | Self::Css | Self::Quotes | Self::Mail | Self::Meta)
    }

    /// Where the next escape may begin.
    pub(super) fn next(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Backslash | Self::Bare | Self::Bytes | Self::Echo | Self::Css => memchr::memchr(b'\\', bytes),
            Self::Percent | Self::Form => memchr::memchr(b'%', bytes),
            Self::Entity => memchr::memchr(b'&', bytes),
            Self::Quotes => memchr::memchr2(b'\'', b'"', bytes),
            Self::Mail => memchr::memchr(b'=', bytes),
            Self::Meta => memchr::memmem::find(bytes, b"M-"),
        }
    }

    /// What is written at the begin of `rest`, and the length of that.
    pub(super) fn read(self, rest: &[u8]) -> Option<(Wrote, usize)> {
        match self {
            Self::Backslash => backslash(rest).map(as_char),
            Self::Bare => goes_on(rest).or_else(|| bare(rest)),
            Self::Bytes => bytes(rest),
            Self::Echo => echoed(rest).or_else(|| bytes(rest)),
            Self::Css => css(rest).or_else(|| bare(rest)),
            Self::Percent | Self::Form => percent(rest),
            Self::Entity => entity(rest),
            Self::Quotes => quotes(rest),
            Self::Mail => mail(rest),
            Self::Meta => meta(rest),
        }
    }

    /// Whether an escape is one that only this way reads so.
    pub(super) fn is_own(self, written: &[u8], wrote: Wrote) -> bool {
        match self {
            Self::Bytes => matches!(wrote, Wrote::Byte(byte) if !byte.is_ascii()),
            Self::Echo => echoed(written).is_some(),
            Self::Css => css(written).is_some(),
            _ => true,
        }
    }
}

/// Whether something may be escaped in a text without any of `\`, `%` and `&`.
pub(super) fn is_seldom(text: &str, sought: Sought) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'=', bytes).any(|at| mail(&bytes[at..]).is_some())
        || sought.quotes && memchr::memchr2_iter(b'\'', b'"', bytes).any(|at| quotes(&bytes[at..]).is_some())
        || sought.wide && memchr::memmem::find(bytes, b"M-").is_some()
}

const fn as_char((sign, length): (Option<char>, usize)) -> (Wrote, usize) {
    match sign {
        Some(sign) => (Wrote::Char(sign), length),
        None => (Wrote::Nothing, length),
    }
}

/// A line that goes on below: a sign and the line's end behind it.
fn goes_on(rest: &[u8]) -> Option<(Wrote, usize)> {
    match rest.get(1..)? {
        [b'\n', ..] => Some((Wrote::Nothing, 2)),
        [b'\r', b'\n', ..] => Some((Wrote::Nothing, 3)),
        _ => None,
    }
}

/// `None` for the sign: nothing is written.
fn backslash(rest: &[u8]) -> Option<(Option<char>, usize)> {
    let named = |sign: char| Some((sign, 2));
    let read = match rest.get(1)? {
        b'n' => named('\n'),
        b't' => named('\t'),
        b'r' => named('\r'),
        b'a' => named('\u{7}'),
        b'b' => named('\u{8}'),
        b'e' => named('\u{1b}'),
        b'f' => named('\u{c}'),
        b'v' => named('\u{b}'),
        b'x' | b'u' if rest.get(2) == Some(&b'{') => in_braces(rest, 3),
        b'N' if rest.get(2..5) == Some(b"{U+") => in_braces(rest, 5),
        b'x' => numbered(rest, 2, 16, 2),
        b'u' => surrogates(rest).or_else(|| numbered(rest, 2, 16, 4)),
        b'U' => numbered(rest, 2, 16, 8),
        b'0'..=b'7' => numbered(rest, 1, 8, 3),
        b'\n' | b'\r' => return goes_on(rest).map(|(_, length)| (None, length)),
        other if other.is_ascii_graphic() || *other == b' ' => named(char::from(*other)),
        _ => None,
    };
    read.map(|(sign, length)| (Some(sign), length))
}

fn in_braces(rest: &[u8], at: usize) -> Option<(char, usize)> {
    let (sign, length) = number(rest.get(at..)?, 16, 6)?;
    (rest.get(at + length) == Some(&b'}')).then_some((sign, at + length + 1))
}

fn bare(rest: &[u8]) -> Option<(Wrote, usize)> {
    let sign = rest.get(1).filter(|byte| byte.is_ascii_graphic() || **byte == b' ')?;
    Some((Wrote::Byte(*sign), 2))
}

/// What C and shells mean: a number of two hexadecimal or three octal digits is a byte.
fn bytes(rest: &[u8]) -> Option<(Wrote, usize)> {
    let (sign, length) = backslash(rest)?;
    let number =
        matches!(rest.get(1..3), Some([b'0'..=b'7', _])) || matches!(rest.get(1..3), Some([b'x', d]) if *d != b'{');
    match sign.map(|sign| u8::try_from(u32::from(sign))) {
        Some(Ok(byte)) if number => Some((Wrote::Byte(byte), length)),
        _ => Some(as_char((sign, length))),
    }
}

fn echoed(rest: &[u8]) -> Option<(Wrote, usize)> {
    let (sign, length) = number(rest.strip_prefix(b"\\0")?, 8, 3).filter(|(_, length)| *length == 3)?;
    Some((Wrote::Byte(u8::try_from(u32::from(sign)).ok()?), 2 + length))
}

/// Up to six digits, and a blank that ends them.
fn css(rest: &[u8]) -> Option<(Wrote, usize)> {
    let (sign, length) = numbered(rest, 1, 16, 6)?;
    Some((Wrote::Char(sign), length + usize::from(rest.get(length) == Some(&b' '))))
}

fn percent(rest: &[u8]) -> Option<(Wrote, usize)> {
    if matches!(rest.get(1), Some(b'u' | b'U')) {
        let (sign, length) = numbered(rest, 2, 16, 4).filter(|(_, length)| *length == 6)?;
        return Some((Wrote::Char(sign), length));
    }
    byte(rest.get(1..3)?).map(|byte| (Wrote::Byte(byte), 3))
}

/// Two signs in a row are one; a shell's quotes end before it and begin anew behind it.
fn quotes(rest: &[u8]) -> Option<(Wrote, usize)> {
    const WRITTEN: [(&[u8], u8); 4] = [(br"'\''", b'\''), (br#"'"'"'"#, b'\''), (b"''", b'\''), (br#""""#, b'"')];
    let (written, sign) = WRITTEN.iter().find(|(written, _)| rest.starts_with(written))?;
    Some((Wrote::Byte(*sign), written.len()))
}

fn mail(rest: &[u8]) -> Option<(Wrote, usize)> {
    goes_on(rest).or_else(|| byte(rest.get(1..3)?).map(|byte| (Wrote::Byte(byte), 3)))
}

/// `M-C`, and `M-^C` for what would be a control character without its highest bit.
fn meta(rest: &[u8]) -> Option<(Wrote, usize)> {
    match rest.get(2..)? {
        [b'^', sign @ b'?'..=b'_', ..] => Some((Wrote::Byte((sign ^ 0x40) | 0x80), 4)),
        [sign @ b' '..=b'~', ..] => Some((Wrote::Byte(sign | 0x80), 3)),
        _ => None,
    }
}

/// A byte of two hexadecimal digits.
fn byte(digits: &[u8]) -> Option<u8> {
    let (sign, _) = number(digits, 16, 2).filter(|(_, length)| *length == 2)?;
    u8::try_from(u32::from(sign)).ok()
}

/// The two halves in which JSON writes a character beyond the first plane.
fn surrogates(rest: &[u8]) -> Option<(char, usize)> {
    let half = |at: usize| {
        let digits = rest.get(at..at + 6).filter(|part| part.starts_with(b"\\u"))?;
        u16::from_str_radix(std::str::from_utf8(&digits[2..]).ok()?, 16).ok()
    };
    let sign = char::decode_utf16([half(0)?, half(6)?]).next()?.ok()?;
    (sign > '\u{ffff}').then_some((sign, 12))
}

/// A number behind `skip` signs.
fn numbered(rest: &[u8], skip: usize, base: u32, most: usize) -> Option<(char, usize)> {
    number(rest.get(skip..)?, base, most).map(|(sign, length)| (sign, skip + length))
}

/// The character of a number of at most so many digits, and how many it has.
fn number(digits: &[u8], base: u32, most: usize) -> Option<(char, usize)> {
    let count = digits.iter().take(most).take_while(|digit| char::from(**digit).is_digit(base)).count();
    let text = std::str::from_utf8(digits.get(..count)?).ok()?;
    char::from_u32(u32::from_str_radix(text, base).ok()?).map(|sign| (sign, count))
}

/// Names that HTML gives to signs of ASCII, and the blank that does not break.
const NAMED: [(&str, char); 41] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("AMP", '&'),
    ("LT", '<'),
    ("GT", '>'),
    ("QUOT", '"'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
];

/// The `;` behind a number may be missing.
fn entity(rest: &[u8]) -> Option<(Wrote, usize)> {
    if rest.get(1) == Some(&b'#') {
        let hex = matches!(rest.get(2)?, b'x' | b'X');
        let (sign, length) = if hex { numbered(rest, 3, 16, 6)? } else { numbered(rest, 2, 10, 7)? };
        return Some((Wrote::Char(sign), length + usize::from(rest.get(length) == Some(&b';'))));
    }
    let rest = rest.get(1..)?;
    let length = rest.iter().take(8).position(|byte| *byte == b';')?;
    let (_, sign) = NAMED.iter().find(|(name, _)| name.as_bytes() == &rest[..length])?;
    Some((Wrote::Char(*sign), length + 2))
}
