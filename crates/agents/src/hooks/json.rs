//! JSON with the places of its parts, so that a file can be changed without writing the rest of it anew. Comments and
//! commas behind the last item are taken as they come: whether the file's own program likes them is for that to say.

use std::ops::Range;

/// So deep may parts lie in each other.
const DEEPEST: u8 = 64;

/// A value and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Text(String),
    /// A number, `true`, `false` or `null`.
    Other,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) key: String,
    /// From the key to the end of the value.
    pub(super) span: Range<usize>,
    pub(super) value: Node,
}

/// Why a file can't be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Counts from 1.
    pub line: usize,
    /// Counts characters from 1.
    pub column: usize,
    /// What is wrong.
    pub text: String,
}

impl Malformed {
    pub(super) fn at(text: &str, at: usize, why: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1, text: why.into() }
    }
}

impl Node {
    pub(super) fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Object(members) => members,
            Kind::Array(_) | Kind::Text(_) | Kind::Other => &[],
        }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::Array(items) => items,
            Kind::Object(_) | Kind::Text(_) | Kind::Other => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.key == key)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Object(_) | Kind::Array(_) | Kind::Other => None,
        }
    }

    /// Where its items stand; none of what holds no others.
    pub(super) fn spans(&self) -> Vec<Range<usize>> {
        match &self.kind {
            Kind::Object(members) => members.iter().map(|member| member.span.clone()).collect(),
            Kind::Array(items) => items.iter().map(|item| item.span.clone()).collect(),
            Kind::Text(_) | Kind::Other => Vec::new(),
        }
    }
}

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<Node, Malformed> {
    let mut scanner = Scanner { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    scanner.skip()?;
    let node = scanner.value(0)?;
    scanner.skip()?;
    if scanner.at < text.len() { Err(scanner.wrong("nothing may follow here")) } else { Ok(node) }
}

/// Behind blanks and comments; `Err` where a comment does not end.
pub(super) fn skip(text: &str, at: usize) -> Result<usize, Malformed> {
    let mut scanner = Scanner { text, at };
    scanner.skip()?;
    Ok(scanner.at)
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, why: impl Into<String>) -> Malformed {
        Malformed::at(self.text, self.at, why)
    }

    fn skip(&mut self) -> Result<(), Malformed> {
        loop {
            let blanks = self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.at += blanks;
            let rest = self.rest();
            let comment = if rest.starts_with("//") {
                Some(rest.find('\n').unwrap_or(rest.len()))
            } else if rest.starts_with("/*") {
                rest.find("*/").map(|end| end + 2)
            } else {
                return Ok(());
            };
            self.at += comment.ok_or_else(|| self.wrong("this comment does not end"))?;
        }
    }

    fn takes(&mut self, sign: char) -> bool {
        let is_it = self.rest().starts_with(sign);
        self.at += if is_it { sign.len_utf8() } else { 0 };
        is_it
    }

    fn value(&mut self, depth: u8) -> Result<Node, Malformed> {
        if depth > DEEPEST {
            return Err(self.wrong("this is nested too deeply"));
        }
        let from = self.at;
        let kind = match self.rest().chars().next() {
            Some('{') => Kind::Object(self.list('}', |scanner| scanner.member(depth))?),
            Some('[') => Kind::Array(self.list(']', |scanner| scanner.value(depth + 1))?),
            Some('"') => Kind::Text(self.string()?),
            _ => self.word()?,
        };
        Ok(Node { span: from..self.at, kind })
    }

    fn list<T>(
        &mut self,
        end: char,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        self.at += 1;
        let mut found = Vec::new();
        loop {
            self.skip()?;
            if self.takes(end) {
                return Ok(found);
            }
            found.push(item(self)?);
            self.skip()?;
            if !self.takes(',') && !self.rest().starts_with(end) {
                return Err(self.wrong(format!("a comma or `{end}` is missing here")));
            }
        }
    }

    fn member(&mut self, depth: u8) -> Result<Member, Malformed> {
        let from = self.at;
        if !self.rest().starts_with('"') {
            return Err(self.wrong("a key in quotes is missing here"));
        }
        let key = self.string()?;
        self.skip()?;
        if !self.takes(':') {
            return Err(self.wrong("a colon is missing here"));
        }
        self.skip()?;
        let value = self.value(depth + 1)?;
        Ok(Member { key, span: from..self.at, value })
    }

    fn string(&mut self) -> Result<String, Malformed> {
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find(|(_, sign)| {
            let ends = *sign == '"' && !escaped;
            escaped = *sign == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else { return Err(self.wrong("this text does not end")) };
        let text = serde_json::from_str(&self.rest()[..=end]).map_err(|_| self.wrong("this is no text of JSON"))?;
        self.at += end + 1;
        Ok(text)
    }

    fn word(&mut self) -> Result<Kind, Malformed> {
        let rest = self.rest();
        let end = rest.find(|sign: char| !sign.is_ascii_alphanumeric() && !"+-.".contains(sign)).unwrap_or(rest.len());
        let is_value = serde_json::from_str::<serde_json::Value>(&rest[..end]).is_ok();
        if !is_value {
            return Err(self.wrong("a value is missing here"));
        }
        self.at += end;
        Ok(Kind::Other)
    }
}
