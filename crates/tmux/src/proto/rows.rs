//! Rows of `-F` formats and subscriptions whose fields may hold anything.
//!
//! A folder's name may contain a newline and then a text that looks like a control-mode line, and tmux writes it as it
//! is. So every field is preceded by a random word that was made for this connection: `N=field N=field … N.`; a row
//! ends only at `N.`, wherever its line breaks fall.

/// The random word of one connection: ASCII letters and digits, at least 16 of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// Makes the word from 16 random bytes.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        Self(random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether `text` ends where a row ends.
    pub(super) fn ends_row(&self, text: &[u8]) -> bool {
        text.strip_suffix(b".").is_some_and(|text| text.ends_with(self.as_bytes()))
    }
}

/// The fields of a row.
pub type Row = Vec<Vec<u8>>;

/// The format that prints `fields` (formats themselves, without bare commas) as one row.
#[must_use]
pub fn row_format(nonce: &Nonce, fields: &[&str]) -> String {
    let mut out = String::new();
    for field in fields {
        out.push_str(nonce.as_str());
        out.push('=');
        out.push_str(field);
    }
    out.push_str(nonce.as_str());
    out.push('.');
    out
}

/// Reads a text of rows that follow one another.
#[must_use]
pub fn split_rows(nonce: &Nonce, text: &[u8]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut fields = Row::new();
    let finder = memchr::memmem::Finder::new(nonce.as_bytes());
    let mut starts = finder.find_iter(text).map(|at| at + nonce.as_bytes().len()).peekable();
    while let Some(start) = starts.next() {
        let end = starts.peek().map_or(text.len(), |next| next - nonce.as_bytes().len());
        match text.get(start..end).and_then(<[u8]>::split_first) {
            Some((b'=', field)) => fields.push(field.to_vec()),
            _ => rows.push(std::mem::take(&mut fields)),
        }
    }
    rows
}

/// Puts rows together from the lines of a reply.
#[derive(Debug)]
pub struct RowReader {
    nonce: Nonce,
    held: Vec<u8>,
}

impl RowReader {
    /// A reader for replies in which `nonce` separates.
    #[must_use]
    pub const fn new(nonce: Nonce) -> Self {
        Self { nonce, held: Vec::new() }
    }

    /// Takes one line; gives the row that ends with it.
    pub fn push(&mut self, line: &[u8]) -> Option<Row> {
        if self.held.is_empty() && !line.starts_with(self.nonce.as_bytes()) {
            return None;
        }
        if !self.held.is_empty() {
            self.held.push(b'\n');
        }
        self.held.extend_from_slice(line);
        if !self.nonce.ends_row(&self.held) {
            return None;
        }
        let row = split_rows(&self.nonce, &self.held).pop();
        self.held.clear();
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce() -> Nonce {
        Nonce::new([7; 16])
    }

    #[test]
    fn fields_may_hold_line_breaks_and_look_like_rows() {
        let n = nonce();
        let text = row_format(&n, &["%1", ".\n%output %0 x", "", "."]);
        let mut reader = RowReader::new(n.clone());
        let rows: Vec<Row> = text.split('\n').filter_map(|line| reader.push(line.as_bytes())).collect();
        assert_eq!(rows, vec![vec![b"%1".to_vec(), b".\n%output %0 x".to_vec(), Vec::new(), b".".to_vec()]]);
    }

    #[test]
    fn rows_that_follow_one_another_are_told_apart() {
        let n = nonce();
        let text = format!("{}{}", row_format(&n, &["1", "a"]), row_format(&n, &["2", "b"]));
        let rows = split_rows(&n, text.as_bytes());
        assert_eq!(rows, vec![vec![b"1".to_vec(), b"a".to_vec()], vec![b"2".to_vec(), b"b".to_vec()]]);
    }

    #[test]
    fn lines_without_the_word_are_no_rows() {
        let mut reader = RowReader::new(nonce());
        assert_eq!(reader.push(b"%1 hello."), None);
    }
}
