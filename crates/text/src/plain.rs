//! Untrusted text: control characters taken out, cut to limits at character borders. Pure.

/// The braille pattern without a dot: in braille the blank between words, elsewhere nothing that is seen.
const BRAILLE_BLANK: char = '\u{2800}';

/// Stands at the place where something was cut off.
pub const CUT: &str = "…";

/// `text` without control characters (newline and tab apart) and without invisible characters that change the order or
/// the look of the rest (bidirectional controls, zero-width characters, tags).
#[must_use]
pub fn harmless(text: &str) -> String {
    text.chars()
        .filter(|&c| c == '\n' || c == '\t' || is_harmless(c))
        .map(|c| if c == '\t' { ' ' } else { c })
        .collect()
}

/// Whether a character neither controls a terminal nor deceives.
#[must_use]
pub(crate) fn is_harmless(c: char) -> bool {
    !c.is_control() && !super::clean::is_deceptive(c)
}

/// Like [`harmless`], on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c }).collect();
    harmless(&spaced).trim().to_owned()
}

/// Several lines in which what acts on a terminal or deceives is named, as `⟨U+202E⟩`.
#[must_use]
pub fn named(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || is_harmless(c) {
            out.push(c);
        } else {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        }
    }
    out
}

/// Why what somebody wrote is no answer that could be typed, whatever is asked; `None` where it is one: a line of which all is
/// seen, with a letter, number, sign or symbol in it. What a question offers is an answer whatever it holds.
#[must_use]
pub fn no_answer(written: &str) -> Option<&'static str> {
    if !written.chars().any(shows_something) {
        return Some(
            "an answer without a visible character says nothing; nothing was decided. Enter alone is pressed by `tmuxagent send PANE ''`",
        );
    }
    // The end of a line is no part of it. Of more lines the first alone would be typed, and a control character is a key.
    let line = written.trim_end_matches(['\r', '\n']);
    if line.contains(char::is_control) {
        return Some("an answer is one line, and this one has more; nothing was decided");
    }
    hides_something(line).then_some(
        "an answer holds nothing that can't be seen, and this one does; nothing was decided. Write it again by hand",
    )
}

/// Whether a character by itself is seen: it takes room, and is no blank, no mark, and nothing that fonts know nothing of.
fn shows_something(c: char) -> bool {
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    let is_blank = c.is_whitespace() || c.is_control() || super::is_hidden(c) || is_nothing(c) || c == BRAILLE_BLANK;
    !is_private && !is_blank && unicode_width::UnicodeWidthChar::width(c).is_some_and(|width| width > 0)
}

/// Whether a character stands for nothing that is drawn: the place of an object, and the noncharacters, of which Unicode has
/// two at each plane's end and a block of their own.
const fn is_nothing(c: char) -> bool {
    matches!(c, '\u{fffc}' | '\u{fdd0}'..='\u{fdef}') || (c as u32) & 0xfffe == 0xfffe
}

/// Whether a blank is another one than those that keyboards give, from which people can't tell it.
fn is_odd_blank(c: char) -> bool {
    c.is_whitespace() && !c.is_control() && !matches!(c, ' ' | '\u{3000}') || c == BRAILLE_BLANK
}

/// Whether who reads a value reads what it is: nothing in it is hidden, and no blank only looks like one.
#[must_use]
pub fn reads_as_it_is(value: &str) -> bool {
    !hides_something(value) && !value.chars().any(is_odd_blank)
}

/// A text in which what is hidden is named, as `<U+200B>`; what shapes the letters and signs beside it is not.
#[must_use]
pub fn hidden_named(text: &str) -> String {
    // Between letters of braille its blank is one, elsewhere it is a letter that nobody sees.
    let is_braille = text.chars().any(|c| matches!(c, '\u{2801}'..='\u{28ff}'));
    let is_unseen = |c: char| c == BRAILLE_BLANK && !is_braille;
    if !text.lines().any(hides_something) && !text.contains(is_unseen) {
        return text.to_owned();
    }
    let is_named = |c: char| super::is_hidden(c) || is_nothing(c) || is_unseen(c);
    let told = |c: char| if is_named(c) { format!("<U+{:04X}>", u32::from(c)) } else { c.to_string() };
    text.chars().map(told).collect()
}

/// Whether a character is drawn as a blank, and is none that people type.
pub(crate) fn passes_for_blank(c: char) -> bool {
    !c.is_control() && (is_nothing(c) || is_odd_blank(c))
}

/// A text that reads as what it is: where something in it can't be seen, that is named, as `<U+200B>`.
#[must_use]
pub fn as_it_is(text: &str) -> String {
    if reads_as_it_is(text) {
        return text.to_owned();
    }
    let named = |c: char| super::is_hidden(c) || is_nothing(c) || is_odd_blank(c);
    let told = |c: char| if named(c) { format!("<U+{:04X}>", u32::from(c)) } else { c.to_string() };
    text.chars().map(told).collect()
}

/// Whether something in a line can't be seen: a value in which it does is another one than people read. Seen by what they do
/// are, behind an emoji, what chooses its look or joins it to the next one, and a joiner between letters that it shapes.
fn hides_something(line: &str) -> bool {
    let mut before = ' ';
    let mut signs = line.chars().peekable();
    while let Some(c) = signs.next() {
        let look = matches!(c, '\u{200d}' | '\u{fe0f}') && is_emoji(before);
        let joint = matches!(c, '\u{200c}' | '\u{200d}')
            && (is_joined_letter(before) || is_joined_mark(before))
            && signs.peek().is_some_and(|&next| is_joined_letter(next));
        if super::is_hidden(c) && !look && !joint || is_nothing(c) {
            return true;
        }
        if c != '\u{fe0f}' {
            before = c;
        }
    }
    false
}

/// Whether a letter belongs to a script in whose writing U+200C and U+200D choose the forms of letters.
fn is_joined_letter(c: char) -> bool {
    is_joined(c) && c.is_alphabetic() && !super::is_hidden(c)
}

/// Whether a character is drawn onto a letter of such a script: a vowel's sign, a virama.
fn is_joined_mark(c: char) -> bool {
    is_joined(c) && unicode_width::UnicodeWidthChar::width(c) == Some(0) && !super::is_hidden(c)
}

/// The blocks of these scripts: those that are written joined (Arabic, Syriac, N'Ko, Mandaic, Mongolian, Adlam) and those of
/// India and around (Devanagari to Sinhala, Myanmar, Khmer, Balinese, Javanese), whose viramas joiners act on. The Unicode
/// Standard, chapter 23.2, names them.
const fn is_joined(c: char) -> bool {
    matches!(c, '\u{0620}'..='\u{077f}' | '\u{07c0}'..='\u{07ff}' | '\u{0840}'..='\u{08ff}' | '\u{0900}'..='\u{0dff}'
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{1b00}'..='\u{1b7f}' | '\u{a8e0}'..='\u{a8ff}'
        | '\u{a980}'..='\u{a9df}' | '\u{11000}'..='\u{114df}' | '\u{1e900}'..='\u{1e95f}')
}

/// Whether a character is one of the blocks that hold emoji.
const fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}')
}

/// `text` in at most `limit` bytes of UTF-8, ending in [`CUT`] where something is missing.
#[must_use]
pub fn cut_bytes(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let Some(room) = limit.checked_sub(CUT.len()) else {
        return String::new();
    };
    let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}{CUT}", &text[..end])
}

/// `text` in at most `limit` characters, ending in [`CUT`] where something is missing.
#[must_use]
pub fn cut_chars(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let head: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{head}{CUT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line_that_shows_something() {
        for none in ["", " ", "\n", "\r\n", "\t", "\u{3000}", "\u{7f}", "a\nb", "\ny", "a\tb", "y\u{1b}", "\u{3}"] {
            assert!(no_answer(none).is_some(), "{none:?}");
        }
        for answer in
            ["y", " y ", "y\n", "好", "a b", "👩\u{200d}💻", "❤\u{fe0f}", "👍🏽", "é", "e\u{301}", "⠓⠊⠀⠁", "?", "€"]
        {
            assert_eq!(no_answer(answer), None, "{answer:?}");
        }
    }

    /// Kinds of characters that are seen as nothing: alone, and beside what is seen.
    #[test]
    fn an_answer_holds_nothing_that_is_not_seen() {
        for unseen in [
            // Default_Ignorable_Code_Point: marks, fillers, selectors, controls of shorthand and music, tags, reserved ones.
            "\u{ad}",
            "\u{34f}",
            "\u{61c}",
            "\u{115f}",
            "\u{1160}",
            "\u{17b4}",
            "\u{180b}",
            "\u{180f}",
            "\u{200b}",
            "\u{200d}",
            "\u{2028}",
            "\u{202e}",
            "\u{2065}",
            "\u{3164}",
            "\u{fe0f}",
            "\u{feff}",
            "\u{ffa0}",
            "\u{fff0}",
            "\u{1bca0}",
            "\u{1d173}",
            "\u{e0079}",
            "\u{e0100}",
            "\u{e0fff}",
            // Drawn as nothing by themselves.
            "\u{13441}",
            "\u{13442}",
            "\u{16fe4}",
            "\u{1d159}",
            "\u{fffe}",
            "\u{1ffff}",
        ] {
            for written in
                [unseen.to_owned(), format!("yes{unseen}"), format!("y{unseen}es"), format!("{unseen}{unseen} ")]
            {
                assert!(no_answer(&written).is_some(), "{written:?}");
            }
        }
        // Nothing by themselves, and part of what they stand by.
        for alone in ["\u{2800}", "\u{301}", "\u{e000}", "\u{fdd0}", "\u{a0}", "\u{100000}"] {
            assert!(no_answer(alone).is_some(), "{alone:?}");
        }
    }

    /// Where a joiner chooses the form of the letters beside it, it is seen by that; beside others it is nothing.
    #[test]
    fn a_joiner_stands_between_letters_that_it_shapes() {
        for joined in [
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{915}\u{94d}\u{200c}\u{937}",
            "\u{0d28}\u{0d4d}\u{200d}\u{0d28}",
            "\u{0dc1}\u{0dca}\u{200d}\u{0dbb}\u{0dd3}",
            "\u{995}\u{9be}\u{200c}\u{995}",
        ] {
            assert_eq!(no_answer(joined), None, "{joined:?}");
        }
        for (before, after) in [
            ("ab", "cd"),
            ("好", "的"),
            ("12", "34"),
            ("\u{645}", ""),
            ("\u{645}", " \u{645}"),
            ("\u{645}", "a"),
            ("a", "\u{645}"),
            ("", "\u{645}"),
            ("\u{645} ", "\u{645}"),
            ("\u{665}", "\u{665}"),
            ("\u{61b}", "\u{645}"),
            ("\u{645}\u{200c}", "\u{645}"),
            ("\u{645}\u{200b}", "\u{645}"),
            ("\u{1820}\u{180e}", "\u{1820}"),
        ] {
            for joiner in ['\u{200c}', '\u{200d}'] {
                let written = format!("{before}{joiner}{after}");
                assert!(no_answer(&written).is_some(), "{written:?}");
            }
        }
    }

    #[test]
    fn a_value_is_what_people_read_or_names_what_they_do_not() {
        for plain in ["", "main", "a  b", "好　的", "👍🏽", "\u{645}\u{6cc}\u{200c}\u{62e}"] {
            assert!(reads_as_it_is(plain), "{plain:?}");
            assert_eq!(as_it_is(plain), plain);
        }
        for (odd, told) in [
            ("Ye\u{200b}s", "Ye<U+200B>s"),
            ("a\u{a0}b", "a<U+00A0>b"),
            ("a\u{2800}", "a<U+2800>"),
            ("\u{fffc}", "<U+FFFC>"),
            ("x\u{fdd0}", "x<U+FDD0>"),
            ("x\u{1fffe}", "x<U+1FFFE>"),
            ("x\u{2009}y", "x<U+2009>y"),
        ] {
            assert!(!reads_as_it_is(odd), "{odd:?}");
            assert_eq!(as_it_is(odd), told);
        }
    }

    use proptest::prelude::*;

    #[test]
    fn nothing_invisible_is_left() {
        assert_eq!(harmless("a\u{1b}[31mb\u{7}\u{202e}c\u{200b}\u{9b}d\r\ne\tf"), "a[31mbcd\ne f");
        assert_eq!(one_line(" a\nb\r "), "a b");
        assert_eq!(named("a\u{202e}b\u{1b}\n<c>"), "a⟨U+202E⟩b⟨U+001B⟩\n<c>");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(cut_bytes("部署完成", 10), "部署…");
        assert_eq!(cut_bytes("部署完成", 12), "部署完成");
        assert_eq!(cut_bytes("abc", 2), "");
        assert_eq!(cut_chars("部署完成", 3), "部署…");
    }

    proptest! {
        #[test]
        fn a_cut_keeps_its_limit(text in ".{0,80}", limit in 0_usize..90) {
            prop_assert!(cut_bytes(&text, limit).len() <= limit);
        }
    }
}
