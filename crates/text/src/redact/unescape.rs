//! A text as it was before somebody escaped it, each byte with its place in the text as it stands.
//!
//! A secret stays one when it is written `tok\040en`, `tok%20en`, `tok\u0020en` or `tok&#32;en`. So what is looked for in a
//! text is looked for in every reading of it, and what is found there is taken out of the text itself. A reading may be a
//! wrong one (`\n` of a path): then it only holds nothing.

use std::ops::Range;

/// How often one text is read anew: JSON within JSON within a shell's quotes.
const DEPTH: u8 = 3;
/// The most readings of one text; what is escaped in more ways at once is somebody's play.
const MOST: usize = 16;

/// A reading of a text.
pub(super) struct Reading {
    pub(super) text: String,
    /// Which reading it was made of; of the text itself where none.
    of: Option<usize>,
    /// Where signs stand that were written otherwise.
    signs: Vec<Sign>,
    depth: u8,
}

/// A sign of a reading, and how it was written.
struct Sign {
    read: Range<usize>,
    written: Range<usize>,
}

impl Reading {
    /// Where a part of it stands in what it was made of.
    fn outer(&self, part: &Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let before = self.signs.partition_point(|sign| sign.read.start <= at);
            match before.checked_sub(1).map(|last| &self.signs[last]) {
                Some(sign) if at < sign.read.end => sign.written.clone(),
                Some(sign) => {
                    let moved = sign.written.end + at - sign.read.end;
                    moved..moved + 1
                }
                None => at..at + 1,
            }
        };
        place(part.start).start..place(part.end.saturating_sub(1)).end
    }
}

/// Where a part of one of these readings stands in the text itself.
pub(super) fn place(readings: &[Reading], reading: &Reading, part: &Range<usize>) -> Range<usize> {
    let (mut part, mut of) = (reading.outer(part), reading.of);
    while let Some(outer) = of.and_then(|at| readings.get(at)) {
        (part, of) = (outer.outer(&part), outer.of);
    }
    part
}

/// The ways in which signs are written otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `\n`, `\x20`, `\040`, `\u0020`: C, JSON, `$'…'`.
    Backslash,
    /// A backslash before the sign itself, as shells write it.
    Bare,
    /// `%20`: URLs.
    Percent,
    /// `+` for a blank and `%20`: forms.
    Form,
    /// `&#32;`, `&amp;`: HTML and XML.
    Entity,
}

impl Way {
    const ALL: [Self; 5] = [Self::Backslash, Self::Bare, Self::Percent, Self::Form, Self::Entity];

    const fn sign(self) -> u8 {
        match self {
            Self::Backslash | Self::Bare => b'\\',
            Self::Percent | Self::Form => b'%',
            Self::Entity => b'&',
        }
    }

    /// What is written at the begin of `rest`, which begins with the way's sign: its byte or character and its length.
    fn read(self, rest: &[u8]) -> Option<(char, usize)> {
        match self {
            Self::Backslash => backslash(rest),
            Self::Bare => {
                rest.get(1).filter(|byte| byte.is_ascii_graphic() || **byte == b' ').map(|b| (char::from(*b), 2))
            }
            Self::Percent | Self::Form => number(rest.get(1..3)?, 16, 2).map(|(code, _)| (code, 3)),
            Self::Entity => entity(rest),
        }
    }
}

/// Whether anything in a text may be escaped.
pub(super) fn is_escaped(text: &str) -> bool {
    memchr::memchr3(b'\\', b'%', b'&', text.as_bytes()).is_some()
}

/// All readings of a text other than itself. `all`: also those that matter only for values that are known; else only those
/// that change what a pattern sees.
pub(super) fn readings(text: &str, all: bool) -> Vec<Reading> {
    let mut found: Vec<Reading> = Vec::new();
    let mut of = None;
    loop {
        let (source, depth) = of.map_or((text, 0), |at: usize| (found[at].text.as_str(), found[at].depth));
        let ways = Way::ALL.into_iter().filter(|way| all || !matches!(way, Way::Bare | Way::Form));
        let new: Vec<Reading> =
            ways.filter(|_| depth < DEPTH).filter_map(|way| read(source, of, way, depth + 1)).collect();
        for reading in new {
            if found.len() < MOST && !found.iter().any(|known| known.text == reading.text) {
                found.push(reading);
            }
        }
        let next = of.map_or(0, |at| at + 1);
        if next >= found.len() {
            return found;
        }
        of = Some(next);
    }
}

/// One reading; `None` where nothing is written in that way.
fn read(text: &str, of: Option<usize>, way: Way, depth: u8) -> Option<Reading> {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::new();
    let mut signs: Vec<Sign> = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = memchr::memchr(way.sign(), &bytes[at..]) {
        at += found;
        let Some((sign, length)) = way.read(&bytes[at..]) else {
            at += 1;
            continue;
        };
        plain(way, &bytes[from..at], &mut out);
        let begin = out.len();
        push(way, sign, &mut out);
        signs.push(Sign { read: begin..out.len(), written: at..at + length });
        at += length;
        from = at;
    }
    if signs.is_empty() {
        return None;
    }
    plain(way, &bytes[from..], &mut out);
    Some(Reading { text: valid(out), of, signs, depth })
}

/// What is not escaped; in forms a `+` is a blank.
fn plain(way: Way, bytes: &[u8], out: &mut Vec<u8>) {
    let from = out.len();
    out.extend_from_slice(bytes);
    if way == Way::Form {
        out[from..].iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
    }
}

/// Bytes of URLs and of octal numbers are bytes; all others are characters.
fn push(way: Way, sign: char, out: &mut Vec<u8>) {
    match (way, u8::try_from(u32::from(sign))) {
        (Way::Percent | Way::Form, Ok(byte)) => out.push(byte),
        _ => out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// A text of the same length; what is no UTF-8 becomes a sign that nobody looks for.
fn valid(mut bytes: Vec<u8>) -> String {
    loop {
        match String::from_utf8(bytes) {
            Ok(text) => return text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                bytes = error.into_bytes();
                bytes[at] = b'\x1a';
            }
        }
    }
}

fn backslash(rest: &[u8]) -> Option<(char, usize)> {
    let named = |sign: char| Some((sign, 2));
    match rest.get(1)? {
        b'n' => named('\n'),
        b't' => named('\t'),
        b'r' => named('\r'),
        b'a' => named('\u{7}'),
        b'b' => named('\u{8}'),
        b'e' => named('\u{1b}'),
        b'f' => named('\u{c}'),
        b'v' => named('\u{b}'),
        b'x' => numbered(rest, 2, 16, 2),
        b'u' if rest.get(2) == Some(&b'{') => {
            let (sign, length) = number(rest.get(3..)?, 16, 6)?;
            (rest.get(3 + length) == Some(&b'}')).then_some((sign, 4 + length))
        }
        b'u' => surrogates(rest).or_else(|| numbered(rest, 2, 16, 4)),
        b'U' => numbered(rest, 2, 16, 8),
        b'0'..=b'7' => numbered(rest, 1, 8, 3),
        other if other.is_ascii_graphic() || *other == b' ' => named(char::from(*other)),
        _ => None,
    }
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

fn entity(rest: &[u8]) -> Option<(char, usize)> {
    const NAMED: [(&[u8], char); 7] = [
        (b"&amp;", '&'),
        (b"&lt;", '<'),
        (b"&gt;", '>'),
        (b"&quot;", '"'),
        (b"&apos;", '\''),
        (b"&nbsp;", ' '),
        (b"&#", '\0'),
    ];
    let (name, sign) = NAMED.iter().find(|(name, _)| rest.starts_with(name))?;
    if *sign != '\0' {
        return Some((*sign, name.len()));
    }
    let hex = matches!(rest.get(2)?, b'x' | b'X');
    let (sign, length) = if hex { numbered(rest, 3, 16, 6)? } else { numbered(rest, 2, 10, 7)? };
    (rest.get(length) == Some(&b';')).then_some((sign, length + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        readings(text, true).into_iter().map(|reading| reading.text).collect()
    }

    #[test]
    fn each_way_is_read() {
        for (written, read) in [
            (r"a\040b", "a b"),
            (r"a\x20b", "a b"),
            (r"a\u0020b", "a b"),
            (r"a\u{20}b", "a b"),
            (r"\ud83d\ude00", "😀"),
            (r"a\ b\n", "a bn"),
            (r"a\nb", "a\nb"),
            ("a%20b", "a b"),
            ("a+b%21", "a b!"),
            ("%e4%b8%ad", "中"),
            ("a&#32;b&amp;&#x41;", "a b&A"),
            (r#"\\\"a"#, "\"a"),
            (r"%5C%22a", "\"a"),
        ] {
            assert!(texts(written).iter().any(|text| text == read), "{written}: {:?}", texts(written));
        }
        for plain in ["50% done", "a && b", "100%", "%zz", "é\\"] {
            assert_eq!(texts(plain), Vec::<String>::new());
        }
    }

    #[test]
    fn a_part_is_where_it_stands_in_the_original() {
        let text = r"é \u0061%62 z";
        let readings = readings(text, true);
        let both = readings.iter().find(|reading| reading.text == "é ab z").unwrap();
        let at = both.text.find("ab").unwrap();
        assert_eq!(&text[place(&readings, both, &(at..at + 2))], r"\u0061%62");
        assert_eq!(&text[place(&readings, both, &(0..2))], "é");
        assert_eq!(&text[place(&readings, both, &(at..both.text.len()))], r"\u0061%62 z");
    }
}
