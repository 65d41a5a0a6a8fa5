//! Which values a pattern can take out of a line: numbers and words, of which no shell and no program makes more than a
//! word, or any text.
//!
//! Plain is a letter, digit or `_`, and behind it these and `. + / @ : , % = -`. A letter or digit may be of any script, as
//! `\w` has them: only ASCII has signs that shells read. A plain value may still be the name of a file or program that
//! somebody put there; one that begins as a number or version and holds no `/` is taken for none. That a pattern matches
//! nothing else is proved on its syntax.

mod lead;

use lead::Lead;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};
use std::sync::OnceLock;

/// Signs that a plain value may hold behind its first letter.
const SIGNS: &str = ".+/@:,%=-";

/// What a value can be, as far as its pattern says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Any text.
    Free,
    /// A plain one, perhaps the name of a file, folder or program.
    Word,
    /// A plain one that begins with a digit, or with `v` and a digit, and holds no `/`: a number, version or date.
    Number,
    /// Words of the policy's author, whatever they are.
    Own,
}

/// What a text is, taken as a value.
pub(super) fn shape_of(text: &str) -> Shape {
    if is_number(text) {
        Shape::Number
    } else if is_plain(text) {
        Shape::Word
    } else {
        Shape::Free
    }
}

/// The named groups of a pattern, each with what it can hold.
pub(super) fn groups(pattern: &str) -> Vec<(String, Shape)> {
    let Ok(hir) = regex_syntax::parse(pattern) else { return Vec::new() };
    let mut found = Vec::new();
    walk(&hir, &mut found);
    found
}

/// Whether a value is plain. An empty one is: the word in which it stands says so.
pub(super) fn is_plain(value: &str) -> bool {
    value.chars().enumerate().all(|(at, c)| word_ranges().contains(c) || at > 0 && SIGNS.contains(c))
}

/// Whether a value is a plain one that names no file, or is empty.
pub(super) fn is_number(value: &str) -> bool {
    is_plain(value) && !value.contains('/') && (value.is_empty() || begins_as_number(value))
}

/// Whether a text begins with a digit, or with `v` and a digit.
pub(super) fn begins_as_number(text: &str) -> bool {
    text.strip_prefix(['v', 'V']).unwrap_or(text).chars().next().is_some_and(|c| digit_ranges().holds(c, c, ""))
}

/// Whether no letter of a text would end a plain value behind which it is written.
pub(super) fn goes_on_plainly(text: &str) -> bool {
    text.chars().all(|c| word_ranges().contains(c) || SIGNS.contains(c))
}

fn walk(hir: &Hir, found: &mut Vec<(String, Shape)>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            if let Some(name) = &capture.name {
                let held = Held::of(&capture.sub);
                let shape = match held.begins && held.goes_on {
                    true if !lead::has_slash(&capture.sub) && Lead::of(&capture.sub).is_number() => Shape::Number,
                    true => Shape::Word,
                    false => Shape::Free,
                };
                found.push((name.to_string(), shape));
            }
            walk(&capture.sub, found);
        }
        HirKind::Repetition(repetition) => walk(&repetition.sub, found),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| walk(part, found)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// What a part of a pattern can match.
#[derive(Clone, Copy)]
struct Held {
    /// Whatever it matches begins as a plain value does.
    begins: bool,
    /// All that it matches may stand behind the begin of a plain value.
    goes_on: bool,
    /// It may match nothing, so that what follows begins.
    empty: bool,
}

impl Held {
    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self { begins: true, goes_on: true, empty: true },
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).unwrap_or("\0");
                let begins = text.chars().next().is_none_or(|c| word_ranges().contains(c));
                Self { begins, goes_on: goes_on_plainly(text), empty: text.is_empty() }
            }
            HirKind::Class(Class::Unicode(class)) => Self {
                begins: class.ranges().iter().all(|range| word_ranges().holds(range.start(), range.end(), "")),
                goes_on: class.ranges().iter().all(|range| word_ranges().holds(range.start(), range.end(), SIGNS)),
                empty: false,
            },
            HirKind::Class(Class::Bytes(class)) => {
                let fits = |signs: &str| {
                    let ascii = |byte: u8| byte.is_ascii() && (is_word(byte) || signs.contains(char::from(byte)));
                    class.ranges().iter().all(|range| (range.start()..=range.end()).all(ascii))
                };
                Self { begins: fits(""), goes_on: fits(SIGNS), empty: false }
            }
            HirKind::Repetition(repetition) => {
                let held = Self::of(&repetition.sub);
                Self { empty: held.empty || repetition.min == 0, ..held }
            }
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => {
                parts.iter().map(Self::of).fold(Self { begins: true, goes_on: true, empty: true }, |all, part| Self {
                    begins: all.begins && (!all.empty || part.begins),
                    goes_on: all.goes_on && part.goes_on,
                    empty: all.empty && part.empty,
                })
            }
            HirKind::Alternation(parts) => {
                parts.iter().map(Self::of).fold(Self { begins: true, goes_on: true, empty: false }, |all, part| Self {
                    begins: all.begins && part.begins,
                    goes_on: all.goes_on && part.goes_on,
                    empty: all.empty || part.empty,
                })
            }
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What `\w` matches, which is what a pattern's own `\w` and `\d` are parts of.
struct Words(ClassUnicode);

fn word_ranges() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| Words::of(r"\w"))
}

/// What `\d` matches.
fn digit_ranges() -> &'static Words {
    static DIGITS: OnceLock<Words> = OnceLock::new();
    DIGITS.get_or_init(|| Words::of(r"\d"))
}

impl Words {
    fn of(class: &str) -> Self {
        match regex_syntax::parse(class).map(Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(class))) => Self(class),
            _ => Self(ClassUnicode::empty()),
        }
    }

    fn contains(&self, c: char) -> bool {
        if c.is_ascii() { u8::try_from(c).is_ok_and(is_word) } else { self.holds(c, c, "") }
    }

    /// Whether every character of a range is one of them, or one of the signs.
    fn holds(&self, start: char, end: char, signs: &str) -> bool {
        if start.is_ascii() {
            let last = end.min('\u{7f}');
            let within = |c: char| self.0.ranges().iter().any(|range| range.start() <= c && c <= range.end());
            let ascii = (start..=last).all(|c| within(c) || signs.contains(c));
            return ascii && (end.is_ascii() || self.holds('\u{80}', end, signs));
        }
        let ranges = self.0.ranges();
        let at = ranges.partition_point(|range| range.end() < start);
        ranges.get(at).is_some_and(|range| range.start() <= start && end <= range.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_plain_group(pattern: &str) -> bool {
        groups(pattern).iter().any(|(name, shape)| name == "v" && *shape > Shape::Free)
    }

    fn is_number_group(pattern: &str) -> bool {
        groups(pattern).iter().any(|(name, shape)| name == "v" && *shape == Shape::Number)
    }

    #[test]
    fn patterns_say_which_of_their_groups_name_no_file() {
        for pattern in [
            r"(?<v>\d+)",
            r"(?<v>v?\d+(\.\d+)*(-rc\.?\d+)?)",
            r"(?<v>[0-9][\w.+-]*)",
            r"(?<v>(?i)v[0-9]+)",
            "(?<v>[0-9a-f]?|1)x|(?<v>2)",
            "(?<v>)",
            r"(?<v>(v|)\d{4}-\d\d)",
            r"(?<v>(?-u:\d)+%)",
        ] {
            let wanted = !pattern.contains("a-f");
            assert_eq!(is_number_group(pattern), wanted, "{pattern}");
        }
        for pattern in [
            r"(?<v>\w+)",
            r"(?<v>v\d*)",
            r"(?<v>v?v\d)",
            r"(?<v>v+\d)",
            r"(?<v>\d*\w)",
            r"(?<v>\d+/\d+)",
            r"(?<v>\d[\w/]*)",
            r"(?<v>\d|a)",
            r"(?<v>[v0-9]\w)",
            "(?<v>stable)",
            r"(?<v>\d )",
        ] {
            assert!(!is_number_group(pattern), "{pattern}");
        }
        for (value, wanted) in [("1.2", true), ("v1", true), ("", true), ("v", false), ("1/2", false), ("x1", false)] {
            assert_eq!(is_number(value), wanted, "{value}");
        }
    }

    #[test]
    fn patterns_say_what_their_groups_can_hold() {
        for pattern in [
            "(?<v>[0-9][0-9.]*)x|(?:y)",
            r"(?<v>\d+)",
            r"v(?P<v>\d+\.\d+(-rc\d+)?)",
            r"(?<v>\w[\w.+/@:,%=-]*)",
            "(?i)(?<v>stable|beta)",
            "(?<v>[A-Fa-f0-9]{40})",
            "(?<v>)",
            r"(?<v>\b[a-z]+\b)",
            "(?<v>(?:a|b)?c-)",
            "(?-u)(?<v>[a-z]+)",
            "(?<v>[一-龥]+)",
        ] {
            assert!(is_plain_group(pattern), "{pattern}");
        }
        for pattern in [
            "(?<v>.*)",
            r"(?<v>\S+)",
            "(?<v>[^ ]+)",
            "(?<v>-[a-z])",
            r"(?<v>\.x)",
            "(?<v>/a)",
            "(?<v>a?-)",
            "(?<v>a|-b)",
            "(?<v>a b)",
            r"(?<v>a\s)",
            "(?<v>a\n)",
            "(?<v>[a-z~]+)",
            "(?<v>[0-9.]+)",
            "(?<v>a#)",
            "(?<v>(?s:.))",
            r"(?<v>\PL)",
            "(?<v>[[:print:]])",
            "(?<v>a[*])",
            "(?<v>a\u{a0})",
            "(?<v>a\u{85})",
            "(?<v>a\u{2028})",
            "(?<v>[a-\u{ff}])",
            r"(?<v>\W)",
            "(?<v>a=;)",
        ] {
            assert!(!is_plain_group(pattern), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn what_is_proved_holds_for_every_match(
            parts in prop::collection::vec((0..PARTS.len(), 0..REPEATS.len()), 1..4),
            text in "[a-c0-9._: ;$-]{0,8}|\\PC{0,8}",
        ) {
            let pattern: String = parts.iter().flat_map(|(part, repeat)| [PARTS[*part], REPEATS[*repeat]]).collect();
            let pattern = format!("(?<v>{pattern})");
            let regex = regex::Regex::new(&pattern).unwrap();
            if is_plain_group(&pattern) {
                for captures in regex.captures_iter(&text) {
                    prop_assert!(is_plain(&captures["v"]), "{} of {}", &captures["v"], pattern);
                    let number = !is_number_group(&pattern) || is_number(&captures["v"]);
                    prop_assert!(number, "{} of {}", &captures["v"], pattern);
                }
            }
        }
    }

    const PARTS: &[&str] = &[
        r"\w", r"\d", "a", "-", r"\.", "[a-c.]", r"[\w.:]", "[^a]", "(a|-)", "(b|)", "(?:a|bc)", "v", "(?:v|1)", "/",
        ".", r"\S", "[0-9]", "(?i:k)", "(?:)",
    ];
    const REPEATS: &[&str] = &["", "", "*", "+", "?", "{2}", "{0,1}"];
}
