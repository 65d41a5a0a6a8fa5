//! One line of typed text: cursor by what a reader takes for a character, cells by what the terminal draws.
//!
//! Line breaks and tabs may be part of the text (pasted); other control characters never are.

use crossterm::event::{KeyCode, KeyModifiers};
use tmuxagent_text::reveal;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::keymap::Key;

/// The most bytes of one input line.
pub const MAX_BYTES: usize = 64 * 1024;

/// The text and the cursor in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Editor {
    text: String,
    /// Byte offset, always at a border between graphemes.
    cursor: usize,
}

/// Whether a key meant something to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// It did.
    Yes,
    /// It is no editing key.
    No,
}

/// The part of a line that fits, and where the cursor is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// The text, nothing hidden in it, at most as wide as asked.
    pub text: String,
    /// The cursor's column from the left of that text.
    pub column: u16,
}

impl Editor {
    /// A line with the cursor at its end.
    #[must_use]
    pub fn with(text: &str) -> Self {
        let mut editor = Self::default();
        editor.insert(text);
        editor
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts text in at the cursor: line breaks become `\n`, control characters other than tab go, what exceeds
    /// [`MAX_BYTES`] is left out.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        for c in text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()) {
            if self.text.len() + c.len_utf8() > MAX_BYTES {
                break;
            }
            self.text.insert(self.cursor, c);
            self.cursor += c.len_utf8();
        }
        // A combining character may have joined what stands after it.
        self.cursor = self.snapped(self.cursor);
    }

    /// Does what an editing key says (arrows, Home, End, Backspace, Delete, Ctrl-A E U K W, plain characters).
    pub fn press(&mut self, key: Key) -> Edited {
        let control = KeyModifiers::CONTROL;
        match key.parts() {
            (KeyCode::Char(c), KeyModifiers::NONE) => self.insert(c.encode_utf8(&mut [0; 4])),
            (KeyCode::Left, KeyModifiers::NONE) => self.cursor = self.before(self.cursor),
            (KeyCode::Right, KeyModifiers::NONE) => self.cursor = self.after(self.cursor),
            (KeyCode::Left, m) if m == control => self.cursor = self.word_before(),
            (KeyCode::Right, m) if m == control => self.cursor = self.word_after(),
            (KeyCode::Home, _) => self.cursor = 0,
            (KeyCode::End, _) => self.cursor = self.text.len(),
            (KeyCode::Backspace, m) if m == KeyModifiers::NONE => self.cut(self.before(self.cursor), self.cursor),
            (KeyCode::Delete, KeyModifiers::NONE) => self.cut(self.cursor, self.after(self.cursor)),
            (KeyCode::Char('a'), m) if m == control => self.cursor = 0,
            (KeyCode::Char('e'), m) if m == control => self.cursor = self.text.len(),
            (KeyCode::Char('u'), m) if m == control => self.cut(0, self.cursor),
            (KeyCode::Char('k'), m) if m == control => self.cut(self.cursor, self.text.len()),
            (KeyCode::Char('w'), m) if m == control => self.cut(self.word_before(), self.cursor),
            (KeyCode::Backspace, _) => self.cut(self.word_before(), self.cursor),
            _ => return Edited::No,
        }
        Edited::Yes
    }

    /// What fits into `width` cells, with the cursor in it.
    #[must_use]
    pub fn visible(&self, width: u16) -> Visible {
        let width = usize::from(width.max(1));
        let before = reveal(&self.text[..self.cursor]);
        let whole = reveal(&self.text);
        // One cell is kept for the cursor at the end.
        let mut start = 0;
        while UnicodeWidthStr::width(&before[start..]) >= width {
            start += before[start..].graphemes(true).next().map_or(1, str::len);
        }
        let column = UnicodeWidthStr::width(&before[start..]);
        let mut text = String::new();
        let mut cells = 0;
        for grapheme in whole[start..].graphemes(true) {
            cells += UnicodeWidthStr::width(grapheme);
            if cells > width {
                break;
            }
            text.push_str(grapheme);
        }
        Visible { text, column: u16::try_from(column).unwrap_or(u16::MAX) }
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = self.snapped(from);
    }

    /// The border between graphemes at or after an offset.
    fn snapped(&self, offset: usize) -> usize {
        self.text.grapheme_indices(true).map(|(at, _)| at).find(|&at| at >= offset).unwrap_or(self.text.len())
    }

    fn before(&self, offset: usize) -> usize {
        self.text[..offset].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self, offset: usize) -> usize {
        self.text[offset..].graphemes(true).next().map_or(offset, |g| offset + g.len())
    }

    fn word_before(&self) -> usize {
        let head = self.text[..self.cursor].trim_end();
        head.split_word_bound_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn word_after(&self) -> usize {
        let tail = &self.text[self.cursor..];
        let blank = tail.len() - tail.trim_start().len();
        tail[blank..].split_word_bounds().next().map_or(self.text.len(), |word| self.cursor + blank + word.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, keys: &[&str]) -> (String, usize) {
        let mut editor = Editor::with(text);
        for key in keys {
            assert_eq!(editor.press(key.parse().unwrap()), Edited::Yes, "{key}");
        }
        (editor.text.clone(), editor.cursor)
    }

    #[test]
    fn editing_goes_by_characters_as_read() {
        for (text, keys, expect) in [
            ("中文", &["left", "x"][..], ("中x文", 4)),
            ("中文", &["backspace"], ("中", 3)),
            ("e\u{301}a", &["left", "left", "delete"], ("a", 0)),
            ("ab", &["home", "right", "delete"], ("a", 1)),
            ("npm run test", &["ctrl-w"], ("npm run ", 8)),
            ("npm run", &["ctrl-u"], ("", 0)),
            ("npm run", &["home", "ctrl-right", "ctrl-k"], ("npm", 3)),
            ("部署 staging", &["ctrl-left", "backspace"], ("部署staging", 6)),
            ("ab", &["home", "end", "c"], ("abc", 3)),
            ("👩‍👩‍👧", &["backspace"], ("", 0)),
        ] {
            assert_eq!(after(text, keys), (expect.0.to_owned(), expect.1), "{text} {keys:?}");
        }
    }

    #[test]
    fn pasted_control_characters_go_and_line_breaks_stay() {
        assert_eq!(Editor::with("a\r\nb\x1b[31m\tc\x07\rd").text(), "a\nb[31m\tc\nd");
    }

    #[test]
    fn the_window_follows_the_cursor_in_cells() {
        let mut editor = Editor::with("一二三四五");
        assert_eq!(editor.visible(20), Visible { text: "一二三四五".to_owned(), column: 10 });
        assert_eq!(editor.visible(7), Visible { text: "三四五".to_owned(), column: 6 });
        editor.press(Key::HOME);
        assert_eq!(editor.visible(7), Visible { text: "一二三".to_owned(), column: 0 });
    }

    #[test]
    fn nothing_in_the_line_is_hidden() {
        assert_eq!(Editor::with("a\u{202e}b\nc").visible(40).text, "a<U+202E>b␊c");
    }

    #[test]
    fn a_huge_paste_is_bounded() {
        assert!(Editor::with(&"漢".repeat(MAX_BYTES)).text().len() <= MAX_BYTES);
    }
}
