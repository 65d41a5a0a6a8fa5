//! Secrets in rows that stand one below the other: what a screen broke in two, and keys of many lines.

use crate::redact::{KNOWN, Redactor, Span, joined, marked};
use regex::Regex;
use std::sync::LazyLock;
use tmuxagent_model::{Carry, LineBlock, LineSource, Redact, SecretMark};

/// How much of the rows before is remembered, bytes; longer than any secret that is a word.
const TAIL: usize = 512;

/// The begin of a key at the end of a row, which goes on in the next one. A name such as `sk-learn` is none, so what
/// follows must hold a digit or a capital.
static BEGUN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:(?:(?-u:\b)|_|\\[nrt])(?:sk-|SG\.|eyJ|hvs\.|LTAI|hf_)|gh[pousr]_|github_pat_|glpat-|AKIA|ASIA|AIza|ya29\.|",
        r"GOCSPX-|xox[abeoprs]-|xapp-|npm_|pypi-|dckr_(?:pat|oat)_|do[opr]_v1_|tskey-|sk_live_|rk_live_|whsec_|AKID|",
        r"AGE-SECRET-KEY-)",
        r"(?<s>[A-Za-z0-9_.+/=-]{4,})$"
    ))
    .ok()
});

impl Redact for Redactor {
    fn suspects(&self, text: &str) -> bool {
        Self::suspects(self, text)
    }

    fn words(&self, text: &str, mark: SecretMark) -> Option<String> {
        self.marked(text, mark)
    }

    fn rows(&self, rows: &[&str], carry: &mut Carry, wrapped: bool, mark: SecretMark) -> Vec<Option<String>> {
        rows.iter().map(|row| self.row(row, carry, wrapped, mark)).collect()
    }

    fn block(&self, block: &LineBlock, carry: &mut Carry, mark: SecretMark) -> Vec<(usize, String)> {
        // What a pattern finds in a line it finds in the block too, since none asks for the begin or end of the whole text
        // alone: a line feed is a border of words and no part of a key.
        let calm = !self.suspects_plain(block.text(), false);
        let mut found = Vec::new();
        for (number, line) in block.lines().enumerate() {
            let wrapped = line.source == LineSource::Screen;
            if calm && !wrapped && !carry.in_key && carry.tail.is_empty() && !self.is_odd(line.text) {
                continue;
            }
            found.extend(self.row(line.text, carry, wrapped, mark).map(|text| (number, text)));
        }
        found
    }
}

impl Redactor {
    /// Whether a line in which no pattern finds anything may hold a secret nevertheless: escaped, or cut off at its end.
    fn is_odd(&self, line: &str) -> bool {
        self.is_escaped(line) || !self.cut.is_empty() && self.begun_known(bare(line)).is_some()
    }

    fn row(&self, row: &str, carry: &mut Carry, wrapped: bool, mark: SecretMark) -> Option<String> {
        if std::mem::take(&mut carry.in_key) && is_of_key(row) {
            carry.in_key = !row.contains("-----END ");
            carry.tail.clear();
            return (!row.trim().is_empty()).then(|| mark.of("private key"));
        }
        let mut found = self.spans(row);
        carry.in_key = found.iter().any(|(place, kind)| *kind == "private key" && place.end == row.len())
            && !row.contains("-----END ");
        let inner = bare(row);
        let begin = inner.as_ptr().addr() - row.as_ptr().addr();
        let known = carry.tail.len();
        let mut text = std::mem::take(&mut carry.tail);
        text.push_str(inner);
        // What began in an earlier row, and goes on or ends here.
        let across = if wrapped && known > 0 { self.spans(&text) } else { Vec::new() };
        let across = across.into_iter().filter(|(place, _)| place.start < known && place.end > known);
        let open = self.begun(&text, wrapped);
        let here = across.chain(open).filter(|(place, _)| place.end > known).map(|(place, kind)| {
            let at = |offset: usize| begin + offset.saturating_sub(known);
            (at(place.start)..at(place.end), kind)
        });
        found.extend(here);
        carry.tail = if wrapped { end_of(&text).to_owned() } else { String::new() };
        let found = joined(found);
        (!found.is_empty()).then(|| marked(row, &found, mark))
    }

    /// What at the end of a text is the begin of a secret that is cut off there: of a known one, and on a screen also what
    /// looks like one.
    fn begun(&self, text: &str, wrapped: bool) -> Option<Span> {
        if let Some(length) = self.begun_known(text) {
            return Some((text.len() - length..text.len(), KNOWN));
        }
        let looks = BEGUN.as_ref().filter(|_| wrapped)?.captures(text)?;
        let secret = looks.name("s")?;
        let random = secret.as_str().chars().any(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
        random.then(|| (looks.get(0).map_or(0, |whole| whole.start())..text.len(), "begin of a key"))
    }
}

/// A row without the frame that a program draws around it, and without blanks at its ends.
fn bare(row: &str) -> &str {
    row.trim_matches(|c: char| c.is_whitespace() || matches!(c, '│' | '┃' | '║' | '|' | '▌' | '▐'))
}

fn end_of(text: &str) -> &str {
    let mut start = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Whether a row can be one of a private key: its base64, a header, its end.
fn is_of_key(row: &str) -> bool {
    let row = bare(row);
    let header = ["Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Hash:", "-----END "];
    header.iter().any(|word| row.starts_with(word))
        || row.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::BlockLine;

    fn token() -> String {
        format!("gh{}_{}", 'p', "Ab1Cd2".repeat(6))
    }

    fn rows(redactor: &Redactor, rows: &[&str], wrapped: bool) -> Vec<String> {
        let shown = redactor.rows(rows, &mut Carry::default(), wrapped, SecretMark::Shown);
        shown.into_iter().zip(rows).map(|(shown, row)| shown.unwrap_or_else(|| (*row).to_owned())).collect()
    }

    #[test]
    fn a_secret_that_a_screen_broke_is_found_in_all_its_rows() {
        let redactor = Redactor::knowing(["correct-horse-battery".to_owned()]);
        let token = token();
        for frame in ["", "│ "] {
            for at in 8..token.len() {
                let lines =
                    [format!("{frame}use {}", &token[..at]), format!("{frame}{} now", &token[at..]), "x".into()];
                let shown = rows(&redactor, &lines.each_ref().map(String::as_str), true).join("\n");
                let left = shown.split(|c: char| !c.is_alphanumeric()).filter(|word| word.contains("Ab1Cd2")).count();
                assert_eq!(left, 0, "{shown}");
                assert!(shown.ends_with("\nx") && shown.contains("use "), "{shown}");
            }
        }
        // Over three rows, of a value that is known.
        let shown = rows(&redactor, &["say correct-ho", "rse-ba", "ttery end"], true);
        let mark = "[redacted: known value]";
        assert_eq!(shown, [format!("say {mark}"), mark.to_owned(), format!("{mark} end")]);
    }

    #[test]
    fn a_private_key_of_many_rows_is_found_row_by_row() {
        let begin = format!("-----BEGIN {} KEY-----", "PRIVATE");
        let end = format!("-----END {} KEY-----", "PRIVATE");
        let redactor = Redactor::default();
        let shown = rows(&redactor, &["a", &begin, "MIIEabc", "Zq7+/x==", &end, "b"], false);
        let key = "[redacted: private key]";
        assert_eq!(shown, ["a", key, key, key, key, "b"]);
        // One that does not end does not take what follows with it.
        assert_eq!(rows(&redactor, &[&begin, "MIIEabc", "$ ls -l", "file"], false), [key, key, "$ ls -l", "file"]);
    }

    #[test]
    fn a_value_of_many_lines_is_known_line_by_line() {
        let redactor =
            Redactor::knowing(["first-secret\nsecond-secret\n".to_owned(), "third-one\\nfourth-one".to_owned()]);
        let shown = rows(&redactor, &["a first-secret", "second-secret b", "fourth-one", "third-one"], false);
        let mark = "[redacted: known value]";
        assert_eq!(shown, [format!("a {mark}"), format!("{mark} b"), mark.to_owned(), mark.to_owned()]);
    }

    #[test]
    fn a_block_loses_the_same_secrets_as_its_lines_one_by_one() {
        let redactor = Redactor::knowing(["correct-horse-battery".to_owned()]);
        let [begin, end] = ["BEGIN", "END"].map(|word| format!("-----{word} {} KEY-----", "PRIVATE"));
        let (escaped, assigned) = (format!("a%20{}", token()), format!("API_TOKEN={}", token()));
        let some = [
            "plain",
            "",
            "100 % & \\",
            &escaped,
            &assigned,
            "│ say correct-horse-bat",
            "tery │",
            &begin,
            "MIIEabc",
            &end,
            "token:",
            "hunter2hunter2",
        ];
        // All pairs and triples in a row, from each of the sources.
        for seed in 0..some.len().pow(3) {
            let rows = [0, 1, 2].map(|n| some[seed / some.len().pow(n) % some.len()]);
            let sources = [0, 1, 2].map(|n| if seed >> n & 1 == 0 { LineSource::Stream } else { LineSource::Screen });
            let (mut block, mut carry) = (LineBlock::default(), Carry::default());
            let mut expected = Vec::new();
            for (number, (text, source)) in rows.into_iter().zip(sources).enumerate() {
                block.push(BlockLine { text, seen: 0, source });
                let wrapped = source == LineSource::Screen;
                let shown = redactor.rows(&[text], &mut carry, wrapped, SecretMark::Shown).pop().flatten();
                expected.extend(shown.map(|shown| (number, shown)));
            }
            let mut anew = Carry::default();
            assert_eq!(redactor.block(&block, &mut anew, SecretMark::Shown), expected, "{rows:?} {sources:?}");
            assert_eq!(anew, carry, "{rows:?} {sources:?}");
        }
    }

    #[test]
    fn ordinary_rows_are_left_alone() {
        let redactor = Redactor::knowing(["correct-horse-battery".to_owned()]);
        let lines = ["pip install sk-learn", "token:", "  next: line", "correct", "secret =", "value12345"];
        assert_eq!(rows(&redactor, &lines, true), lines);
    }
}
