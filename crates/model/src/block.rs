//! Many lines in one piece of memory, on their way from a flooding pane to the rules and the recording.

use super::LineSource;

/// Lines of one pane that stand one below the other.
///
/// **Invariants:** `text` is all of them, each with a line feed behind it; none of them holds one itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineBlock {
    text: String,
    places: Vec<Place>,
}

/// Where a line ends, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    end: usize,
    seen: usize,
    source: LineSource,
}

/// A line of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLine<'b> {
    /// The text without escapes, untrusted.
    pub text: &'b str,
    /// How many bytes at its start an earlier line already showed.
    pub seen: usize,
    /// How it was read.
    pub source: LineSource,
}

impl LineBlock {
    /// Puts a line below the others.
    pub fn push(&mut self, line: BlockLine<'_>) {
        let begin = self.text.len();
        self.text.push_str(line.text);
        if line.text.contains('\n') {
            let text = self.text.split_off(begin).replace('\n', " ");
            self.text.push_str(&text);
        }
        self.text.push('\n');
        self.places.push(Place { end: self.text.len(), seen: line.seen, source: line.source });
    }

    /// How many lines there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All lines, each with a line feed behind it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = BlockLine<'_>> + ExactSizeIterator {
        self.places.iter().enumerate().map(|(at, place)| {
            let begin = at.checked_sub(1).and_then(|before| self.places.get(before)).map_or(0, |before| before.end);
            let text = self.text.get(begin..place.end.saturating_sub(1)).unwrap_or_default();
            BlockLine { text, seen: place.seen, source: place.source }
        })
    }

    /// Forgets all lines and keeps their memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were_put() {
        let line = |text, seen, source| BlockLine { text, seen, source };
        let lines = [
            line("a line", 0, LineSource::Stream),
            line("", 0, LineSource::Stream),
            line("中文", 3, LineSource::Screen),
        ];
        let mut block = LineBlock::default();
        lines.iter().for_each(|line| block.push(*line));
        assert_eq!(block.lines().collect::<Vec<_>>(), lines);
        assert_eq!((block.text(), block.len()), ("a line\n\n中文\n", 3));
        block.clear();
        block.push(line("in\ntwo", 0, LineSource::History));
        assert_eq!(block.lines().map(|line| line.text).collect::<Vec<_>>(), ["in two"]);
    }
}
