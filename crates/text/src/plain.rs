//! Untrusted text: control characters taken out, cut to limits at character borders. Pure.

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

/// Why what somebody wrote is no answer that could be typed, whatever is asked; `None` where it is one. No label of a policy is
/// empty or has more than one line, so none is refused by this.
#[must_use]
pub fn no_answer(written: &str) -> Option<&'static str> {
    // Letters that are drawn as nothing: the braille pattern without a dot, and the fillers of Hangul.
    let is_empty = |c: char| matches!(c, '\u{2800}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let is_blank = |c: char| c.is_whitespace() || !is_harmless(c) || is_empty(c);
    if written.chars().all(is_blank) {
        return Some(
            "an answer without a visible character says nothing; nothing was decided. Enter alone is pressed by `tmuxagent send PANE ''`",
        );
    }
    // The end of a line is no part of it. Of more lines the first alone would be typed, and a control character is a key.
    let line = written.trim_end_matches(['\r', '\n']);
    line.contains(char::is_control).then_some("an answer is one line, and this one has more; nothing was decided")
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
        for none in [
            "", " ", "\u{2800}", "\u{3164}", "\n", "\r\n", "\t", "\u{3000}", "\u{200b}", "\u{7f}", "a\nb", "\ny",
            "a\tb", "y\u{1b}", "\u{3}",
        ] {
            assert!(no_answer(none).is_some(), "{none:?}");
        }
        for answer in ["y", " y ", "y\n", "好", "a b", "👩\u{200d}💻"] {
            assert_eq!(no_answer(answer), None, "{answer:?}");
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
