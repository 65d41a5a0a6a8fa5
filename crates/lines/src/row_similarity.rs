//! When two states of one row say the same.
//!
//! Spinners turn, clocks tick and bars grow; a row that changed only so is no news. Figures as such do count: `0 failed`
//! and `3 failed` are different rows. Only in rows that say of themselves that something is going on (a spinner in
//! front, `esc to interrupt`) all figures are taken for counters.

use std::iter::Peekable;
use std::str::Chars;

/// What programs write in the row that shows that they work.
const BUSY: [&str; 4] = ["esc to interrupt", "esc to cancel", "esc interrupt", "ctrl+c to interrupt"];

/// Units behind which a number is a span of time or an amount that grows with it.
const UNITS: [&str; 18] = [
    "ms", "s", "m", "h", "d", "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes", "tokens", "kb/s",
    "mb/s", "kib/s", "mib/s",
];

/// Whether two states of a row differ at most in spinners, times and bars.
#[must_use]
pub fn alike(a: &str, b: &str) -> bool {
    a == b || key(a) == key(b)
}

/// Whether a row shows that something goes on, and nothing else: a spinner, a bar, a percentage.
#[must_use]
pub fn is_only_motion(text: &str) -> bool {
    let key = key(text);
    let moves = |c: char| matches!(c, '•' | '⠿' | '█');
    key.contains(moves) && !key.replace("0%", "").contains(|c: char| c.is_alphanumeric())
}

/// The row with everything replaced that changes without saying anything.
pub(super) fn key(text: &str) -> String {
    let text = text.trim();
    let (front, rest) = front(text);
    let counts = front == Front::Spinner || BUSY.iter().any(|busy| text.contains(busy));
    // Claude adds what it counts while it works: `(4s)`, `(1m 4s · ↓ 50 tokens)`.
    let rest = match rest.split_once("… (") {
        Some((work, _)) if front == Front::Spinner => work,
        _ => rest,
    };
    let mut key = String::with_capacity(text.len());
    if front != Front::Text {
        key.push('•');
    }
    let mut chars = rest.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let kept = match c {
            '0'..='9' if counts || !before.is_alphanumeric() => {
                before = number(c, &mut chars, &mut key, counts);
                continue;
            }
            '\u{2580}'..='\u{259f}' | '■' | '□' | '⬝' | '▪' | '▫' => '█',
            '\u{2800}'..='\u{28ff}' => '⠿',
            other => other,
        };
        before = c;
        // A bar is as good as its first piece, and three dots are as good as one.
        if !(matches!(kept, '█' | '⠿' | '.' | ' ') && key.ends_with(kept)) {
            key.push(kept);
        }
    }
    key
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Front {
    /// A glyph that only ever turns.
    Spinner,
    /// A glyph that may blink or stand still.
    Bullet,
    Text,
}

/// The glyph in front of a row, and the rest.
fn front(text: &str) -> (Front, &str) {
    let mut chars = text.chars();
    let front = match chars.next() {
        Some('\u{2800}'..='\u{28ff}' | '◐' | '◓' | '◑' | '◒' | '◴' | '◷' | '◶' | '◵' | '✢' | '✳' | '✶' | '✽') => {
            Front::Spinner
        }
        Some('✻' | '·' | '∗' | '•' | '◦' | '●' | '○' | '⏺') => Front::Bullet,
        Some('|' | '/' | '-' | '\\') if chars.as_str().starts_with(' ') => Front::Bullet,
        _ => return (Front::Text, text),
    };
    // Claude's spinner passes through glyphs that also stand before finished rows.
    let turning = front == Front::Spinner || chars.as_str().contains('…');
    (if turning { Front::Spinner } else { Front::Bullet }, chars.as_str())
}

/// Takes the rest of a number, with decimals and groups.
fn figure(first: char, chars: &mut Peekable<Chars<'_>>) -> String {
    let mut figure = String::from(first);
    while let Some(&c) = chars.peek() {
        let joins = matches!(c, '.' | ',') && {
            let mut after = chars.clone();
            after.next();
            after.peek().is_some_and(char::is_ascii_digit)
        };
        if !c.is_ascii_digit() && !joins {
            break;
        }
        figure.push(c);
        chars.next();
    }
    figure
}

/// TerminalParts a number to the key: as it stands, or as a sign for a time, a percentage or, where all figures are counters,
/// a counter. Answers with what stands before the next character.
fn number(first: char, chars: &mut Peekable<Chars<'_>>, key: &mut String, counts: bool) -> char {
    let figure = figure(first, chars);
    let mut ahead = chars.clone();
    let next = ahead.next();
    if next == Some('%') && figure != "100" {
        chars.next();
        key.push_str("0%");
        return '%';
    }
    // A clock; behind a colon it is a place in a file.
    if next == Some(':') && ahead.peek().is_some_and(char::is_ascii_digit) && !key.ends_with(':') {
        while chars.peek().is_some_and(|c| c.is_ascii_digit() || *c == ':') {
            chars.next();
        }
        key.push_str("0:0");
        return '0';
    }
    let mut unit = chars.clone();
    if unit.peek() == Some(&' ') {
        unit.next();
    }
    let spelled = unit.clone().take_while(|c| c.is_alphabetic() || *c == '/').take(9);
    let word: String = spelled.flat_map(char::to_lowercase).collect();
    // `1m03s` has no border between its parts.
    let word = if word.starts_with(['h', 'm']) && unit.clone().nth(1).is_some_and(|c| c.is_ascii_digit()) {
        &word[..1]
    } else {
        &word
    };
    if UNITS.contains(&word) {
        word.chars().for_each(|_| {
            unit.next();
        });
        *chars = unit;
        // `1m 03s` is as good as `59s`.
        if key.trim_end().ends_with("0s") {
            key.truncate(key.trim_end().len());
        } else {
            key.push_str("0s");
        }
        return ' ';
    }
    key.push_str(if counts { "0" } else { &figure });
    '0'
}

/// Whether two states of a line differ only in figures and bars.
pub(super) fn same_words(a: &str, b: &str) -> bool {
    let words = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let (a, b) = (words(a), words(b));
    !a.is_empty() && a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_only_tick_are_alike() {
        let cases = [
            ("• Working (3s • esc to interrupt)", "◦ Working (1m 04s • esc to interrupt)"),
            ("· Polishing… (32s)", "✶ Polishing… (1m 2s · ↓ 50 tokens)"),
            ("⠦ Thinking... (esc to cancel, 2s)", "⠧ Thinking... (esc to cancel, 12s)"),
            ("⬝■■■■■■⬝  esc interrupt", "■■■⬝⬝⬝⬝⬝  esc interrupt"),
            ("✻ 429 stub error · retrying in 5s · attempt 4/10", "✻ 429 stub error · retrying in 4s · attempt 4/10"),
            ("⠋ 12/120 modules", "⠙ 40/120 modules"),
            ("elapsed 00:01", "elapsed 00:59"),
            ("fetch 12%", "fetch 99.5%"),
            ("took 59s", "took 1m03s"),
            ("Waiting.", "Waiting..."),
            ("  Worked for <1s • 08:16", "  Worked for <2s • 08:17"),
            ("░█  Waiting for model", "█░  Waiting for model"),
        ];
        for (a, b) in cases {
            assert!(alike(a, b), "{:?} {:?}", key(a), key(b));
        }
    }

    #[test]
    fn rows_that_say_something_else_are_not() {
        let cases = [
            ("Tests  0 failed | 3 passed", "Tests  1 failed | 3 passed"),
            ("• Ran 3 tests", "• Ran 4 tests"),
            ("fetch 99%", "fetch 100%"),
            ("src/main.rs:12:5", "src/main.rs:13:5"),
            ("Do you want to create a.txt?", "Do you want to create b.txt?"),
            ("v1.2.3", "v1.2.4"),
            ("✻ Baked for 1s", "✻ Brewed for 1s"),
            ("exit 1", "exit 2"),
        ];
        for (a, b) in cases {
            assert!(!alike(a, b), "{:?} {:?}", key(a), key(b));
        }
    }
}
