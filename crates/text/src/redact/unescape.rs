//! A text as it was before somebody escaped it, each byte with its place in the text as it stands.
//!
//! A secret stays one when it is written `tok\040en`, `tok%20en`, `tok\u0020en` or `tok&#32;en`. So what is looked for in a
//! text is looked for in every reading of it, and what is found there is taken out of the text itself. A reading may be a
//! wrong one (`\n` of a path): then it only holds nothing.

use super::ways::{self, Way, Wrote};
use std::ops::Range;

/// How often one text is read anew: JSON within JSON within a shell's quotes.
const DEPTH: u8 = 3;
/// The most readings of one text; what is escaped in more ways at once is somebody's play.
const MOST: usize = 24;

/// What there is to be looked for, so that only those readings are made in which it may be found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sought {
    /// Values that are known, not only patterns.
    pub(super) values: bool,
    /// Among them are some with quotes.
    pub(super) quotes: bool,
    /// Among them are some with other than ASCII characters.
    pub(super) wide: bool,
}

/// A reading of a text.
pub(super) struct Reading {
    pub(super) text: String,
    /// Which reading it was made of; of the text itself where none.
    of: Option<usize>,
    /// Where signs stand that were written otherwise.
    signs: Vec<Sign>,
    depth: u8,
    /// Only values that are known are looked for in it: what looks like a key may be one by chance.
    pub(super) of_values: bool,
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

/// Whether anything in a text may be escaped.
pub(super) fn is_escaped(text: &str, sought: Sought) -> bool {
    memchr::memchr3(b'\\', b'%', b'&', text.as_bytes()).is_some() || sought.values && ways::is_seldom(text, sought)
}

/// All readings of a text other than itself in which what is sought may be found.
pub(super) fn readings(text: &str, sought: Sought) -> Vec<Reading> {
    let mut found: Vec<Reading> = Vec::new();
    let mut of = None;
    loop {
        let (source, depth) = of.map_or((text, 0), |at: usize| (found[at].text.as_str(), found[at].depth));
        let ways = Way::ALL.into_iter().filter(|way| way.matters(sought));
        let new: Vec<Reading> =
            ways.filter(|_| depth < DEPTH).filter_map(|way| read(source, of, way, depth + 1)).collect();
        let within = of.is_some_and(|at| found[at].of_values);
        for mut reading in new {
            reading.of_values |= within;
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

/// One reading; `None` where nothing is written in that way, or nothing that another way reads otherwise.
fn read(text: &str, of: Option<usize>, way: Way, depth: u8) -> Option<Reading> {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::new();
    let mut signs: Vec<Sign> = Vec::new();
    let (mut from, mut at, mut own) = (0, 0, false);
    while let Some(found) = way.next(&bytes[at..]) {
        at += found;
        let Some((sign, length)) = way.read(&bytes[at..]) else {
            at += 1;
            continue;
        };
        own |= way.is_own(&bytes[at..at + length], sign);
        plain(way, &bytes[from..at], &mut out);
        let begin = out.len();
        match sign {
            Wrote::Byte(byte) => out.push(byte),
            Wrote::Char(sign) => out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes()),
            Wrote::Nothing => {}
        }
        signs.push(Sign { read: begin..out.len(), written: at..at + length });
        at += length;
        from = at;
    }
    if signs.is_empty() || !own {
        return None;
    }
    plain(way, &bytes[from..], &mut out);
    Some(Reading { text: valid(out), of, signs, depth, of_values: way.is_guess() })
}

/// What is not escaped; in forms a `+` is a blank.
fn plain(way: Way, bytes: &[u8], out: &mut Vec<u8>) {
    let from = out.len();
    out.extend_from_slice(bytes);
    if way == Way::Form {
        out[from..].iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Sought = Sought { values: true, quotes: true, wide: true };

    fn texts(text: &str) -> Vec<String> {
        readings(text, ALL).into_iter().map(|reading| reading.text).collect()
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
            (r"S\303\251me", "Séme"),
            (r"S\xc3\xa9me", "Séme"),
            ("SM-CM-)me", "Séme"),
            (r"it'\''s", "it's"),
            (r#"it'"'"'s"#, "it's"),
            ("it''s", "it's"),
            (r#"a""b"#, "a\"b"),
            (r"\0141\0142", "ab"),
            ("&#97&#x62", "ab"),
            ("a&sol;b&lowbar;c", "a/b_c"),
            (r"\x{61}\N{U+2F}", "a/"),
            ("%u002F%u4e2d", "/中"),
            (r"\000061\62 c", "abc"),
            ("=61=C3=A9=\nb", "aéb"),
            ("a\\\nb", "ab"),
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
        let readings = readings(text, ALL);
        let both = readings.iter().find(|reading| reading.text == "é ab z").unwrap();
        let at = both.text.find("ab").unwrap();
        assert_eq!(&text[place(&readings, both, &(at..at + 2))], r"\u0061%62");
        assert_eq!(&text[place(&readings, both, &(0..2))], "é");
        assert_eq!(&text[place(&readings, both, &(at..both.text.len()))], r"\u0061%62 z");
    }
}
