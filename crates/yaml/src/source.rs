//! Texts with the names that people know them by, and places in them.

/// A file: its name for people and its text. Reading it from disk is `config`'s part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's path as the user gave it, or a name in angle brackets.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Why it can't be read, where another file names it and it can't.
    pub unread: Option<String>,
}

impl Source {
    /// Names a text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), unread: None }
    }

    /// A file that another one names and that can't be read, with the reason.
    #[must_use]
    pub fn unread(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), text: String::new(), unread: Some(why.into()) }
    }
}

/// A stretch of one source, in bytes. Lines and columns are worked out only for places that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Which of the sources that are read together, from 0.
    pub source: usize,
    /// The first byte.
    pub start: usize,
    /// How many bytes.
    pub len: usize,
}

/// A place as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot<'a> {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub col: usize,
    /// In characters, within the line, at least 1.
    pub len: usize,
    /// The whole line, without its line break.
    pub text: &'a str,
}

/// Where the lines of a text begin, so that a place's line is found without counting through all before it.
#[derive(Debug)]
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    /// Finds the line breaks of a text, once.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at + 1).collect())
    }

    /// The number, from 1, of the line that holds a byte.
    fn number(&self, at: usize) -> usize {
        self.0.partition_point(|&begin| begin <= at) + 1
    }
}

impl Place {
    /// Where this place is in `text`, the text of its source, whose lines are known.
    pub(crate) fn spot<'t>(self, text: &'t str, lines: &Lines) -> Spot<'t> {
        let start = floor_boundary(text, self.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = &text[line_start..line_end];
        let shown = line.strip_suffix('\r').unwrap_or(line);
        let end = floor_boundary(text, (start + self.len).min(line_start + shown.len()).max(start));
        Spot {
            line: lines.number(line_start),
            col: text[line_start..start].chars().count() + 1,
            len: text[start..end].trim_end().chars().count().max(1),
            text: shown,
        }
    }
}

/// The nearest character border at or before `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_in_characters() {
        let text = "a: 中文 x\r\nb: y";
        let at = |start, len| {
            let spot = Place { source: 0, start, len }.spot(text, &Lines::of(text));
            (spot.line, spot.col, spot.len, spot.text)
        };
        assert_eq!(at(3, 6), (1, 4, 2, "a: 中文 x"));
        assert_eq!(at(10, 99), (1, 7, 1, "a: 中文 x"), "a place ends with its line");
        assert_eq!(at(13, 1), (2, 1, 1, "b: y"));
        assert_eq!(at(4, 0), (1, 4, 1, "a: 中文 x"), "an offset inside a character means that character");
        assert_eq!(at(999, 9), (2, 5, 1, "b: y"));
    }
}
