//! Secrets on their way to what is kept: the marks that stand in their place, and who finds them.

use super::{BlockLine, LineBlock, LineSource};
use std::fmt;
use std::sync::Arc;

/// What stands where a secret stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretMark {
    /// In words that people read: `[redacted: KIND]`.
    Shown,
    /// In what would be typed or run: `[not-kept: KIND]`. It is never performed; see [`is_lost`].
    Lost,
}

const SHOWN: &str = "[redacted: ";
const LOST: &str = "[not-kept: ";

impl SecretMark {
    /// The mark for a secret of a kind.
    #[must_use]
    pub fn of(self, kind: &str) -> String {
        match self {
            Self::Shown => format!("{SHOWN}{kind}]"),
            Self::Lost => format!("{LOST}{kind}]"),
        }
    }
}

/// Whether a text begins with a mark, or is the first word of one.
#[must_use]
pub fn is_mark(text: &str) -> bool {
    [SHOWN, LOST].iter().any(|mark| text.starts_with(mark.trim_end_matches([':', ' '])))
}

/// Whether a text that would be typed or run once held a secret, which was not kept when the supervisor ended.
#[must_use]
pub fn is_lost(text: &str) -> bool {
    text.contains(LOST)
}

/// Whether a line may be the one that was kept as `kept`: each mark stands for any text of at least one character.
///
/// Nothing is asked of how secrets were found, so that a line is known again also when other secrets are known by now.
#[must_use]
pub fn recalls(kept: &str, line: &str) -> bool {
    if kept == line {
        return true;
    }
    let mut parts = literals(kept).into_iter();
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return false;
    }
    while let Some(part) = parts.next() {
        // A mark stands before this part.
        let Some(after) = rest.chars().next().map(char::len_utf8) else { return false };
        let open = &rest[after..];
        if parts.peek().is_none() {
            return open.ends_with(part);
        }
        let Some(at) = open.find(part) else { return false };
        rest = &open[at + part.len()..];
    }
    false
}

/// How many characters of a kept line are its own, not a mark's.
#[must_use]
pub fn own_characters(kept: &str) -> usize {
    literals(kept).iter().map(|part| part.chars().filter(|c| !c.is_whitespace()).count()).sum()
}

/// The texts before, between and behind the marks.
fn literals(kept: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = kept;
    let mut from = 0;
    while let Some(at) = [SHOWN, LOST].iter().filter_map(|mark| rest[from..].find(mark)).min().map(|at| from + at) {
        match rest[at..].find(']') {
            Some(end) => {
                parts.push(&rest[..at]);
                rest = &rest[at + end + 1..];
                from = 0;
            }
            None => break,
        }
    }
    parts.push(rest);
    parts
}

/// Where a stretch of rows left off, so that a secret that goes on in the next row is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carry {
    /// The rows are those of a private key.
    pub in_key: bool,
    /// The end of the last rows as they were, at most some hundred bytes.
    pub tail: String,
}

/// Finds secrets.
pub trait Redact: Send + Sync {
    /// Whether a text may hold a secret; `false` is certain. Cheap, for texts that hold many others.
    fn suspects(&self, text: &str) -> bool;
    /// A text with marks in place of its secrets; `None` where it holds none.
    fn words(&self, text: &str, mark: SecretMark) -> Option<String>;
    /// Rows that stand one below the other, likewise: a secret may go on from one to the next. `wrapped`: rows of a
    /// screen, which break anywhere.
    fn rows(&self, rows: &[&str], carry: &mut Carry, wrapped: bool, mark: SecretMark) -> Vec<Option<String>>;
    /// The lines of a block that hold secrets, by their number, with marks in their place: the same as of `rows`, without
    /// looking at each where one look at all of them finds nothing.
    fn block(&self, block: &LineBlock, carry: &mut Carry, mark: SecretMark) -> Vec<(usize, String)> {
        let line = |(number, line): (usize, BlockLine<'_>)| {
            let found = self.rows(&[line.text], carry, line.source == LineSource::Screen, mark).pop().flatten();
            Some((number, found?))
        };
        block.lines().enumerate().filter_map(line).collect()
    }
}

/// What everything that is kept goes through. The default finds nothing, for stores that only tests look into.
#[derive(Clone, Default)]
pub struct Redaction(Option<Arc<dyn Redact>>);

impl Redaction {
    /// By these means.
    pub fn new(redact: impl Redact + 'static) -> Self {
        Self(Some(Arc::new(redact)))
    }

    /// The means, where there are any.
    #[must_use]
    pub fn means(&self) -> Option<&dyn Redact> {
        self.0.as_deref()
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Redaction(…)" } else { "Redaction" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_for_any_text() {
        let kept = "token [redacted: GitHub token] and [not-kept: known value]!";
        assert!(recalls(kept, "token ghp_abc and hunter2!"));
        assert!(recalls(kept, kept));
        for other in ["token ghp_abc and !", "token ghp_abc and hunter2", "tok", "token", ""] {
            assert!(!recalls(kept, other), "{other}");
        }
        assert!(recalls("[redacted: x]", "anything") && !recalls("[redacted: x]", ""));
        assert!(recalls("plain", "plain") && !recalls("plain", "plainer"));
        assert!(!recalls("an open [redacted: ", "an open secret"));
        assert_eq!((own_characters("[redacted: x]"), own_characters("a [redacted: x]b")), (0, 2));
    }

    #[test]
    fn what_was_lost_is_known() {
        assert!(is_lost(&format!("echo {}", SecretMark::Lost.of("known value"))));
        assert!(!is_lost(&SecretMark::Shown.of("known value")));
        // Patterns end at a blank, and see the first word of a mark alone.
        assert!(is_mark("[redacted: x]") && is_mark("[redacted:") && is_mark("[not-kept:") && !is_mark("x"));
    }
}
