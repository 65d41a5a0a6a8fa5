//! Where findings are collected while texts are read.

use super::source::{Lines, Source};
use super::{Diagnostic, Diagnostics, Place, Severity};

/// The most findings that are told.
const MOST_PROBLEMS: usize = 500;

/// A finding under construction.
#[derive(Debug)]
pub struct Draft {
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    pub(crate) at: Place,
    pub(crate) message: String,
    pub(crate) nearest: Option<String>,
    pub(crate) help: Option<String>,
}

impl Draft {
    /// Says what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Names what was probably meant, where something is near.
    pub fn nearest(&mut self, nearest: Option<&str>) -> &mut Self {
        self.nearest = nearest.map(str::to_owned);
        self
    }
}

/// What was found so far in a set of sources that are read together.
#[derive(Debug)]
pub struct Problems<'a> {
    sources: &'a [Source],
    /// The lines of each source.
    lines: Vec<Lines>,
    drafts: Vec<Draft>,
}

impl<'a> Problems<'a> {
    /// Nothing is found yet in these texts; a [`Place`] names one of them by its index.
    #[must_use]
    pub fn new(sources: &'a [Source]) -> Self {
        let lines = sources.iter().map(|source| Lines::of(&source.text)).collect();
        Self { sources, lines, drafts: Vec::new() }
    }

    /// What is read, by the index that a [`Place`] names.
    pub(crate) const fn sources(&self) -> &'a [Source] {
        self.sources
    }

    /// Adds what makes the file unusable.
    pub fn error(&mut self, code: &'static str, at: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Severity::Error, code, at, message.into())
    }

    /// Adds what probably isn't meant.
    pub fn warning(&mut self, code: &'static str, at: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Severity::Warning, code, at, message.into())
    }

    /// Says what to do about the newest finding, where that is at this place: whoever knows the key a value stands behind
    /// can say more than who read the value.
    pub fn help_at(&mut self, at: Place, help: impl Into<String>) {
        if let Some(draft) = self.drafts.last_mut().filter(|draft| draft.at == at) {
            draft.help(help);
        }
    }

    fn add(&mut self, severity: Severity, code: &'static str, at: Place, message: String) -> &mut Draft {
        let index = self.drafts.len();
        self.drafts.push(Draft { severity, code, at, message, nearest: None, help: None });
        &mut self.drafts[index]
    }

    /// `file:line:column` of a place.
    #[must_use]
    pub fn describe(&self, at: Place) -> String {
        let (Some(source), Some(lines)) = (self.sources.get(at.source), self.lines.get(at.source)) else {
            return String::new();
        };
        let spot = at.spot(&source.text, lines);
        format!("{}:{}:{}", source.name, spot.line, spot.col)
    }

    /// Whether an error was found.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.drafts.iter().any(|draft| draft.severity == Severity::Error)
    }

    /// The place of `needle` within the text at `at`, or `at` itself where it is written in another way.
    #[must_use]
    pub fn within(&self, at: Place, needle: &str) -> Place {
        let slice = self.sources.get(at.source).and_then(|source| source.text.get(at.start..at.start + at.len));
        let found = slice.and_then(|slice| slice.find(needle)).filter(|_| !needle.is_empty());
        found.map_or(at, |offset| Place { start: at.start + offset, len: needle.len(), ..at })
    }

    /// What stands at a place, as it is written.
    #[must_use]
    pub fn written(&self, at: Place) -> &'a str {
        let source = self.sources.get(at.source);
        source.and_then(|source| source.text.get(at.start..at.start + at.len)).unwrap_or_default()
    }

    /// Whether an error was found in a stretch of a source, in bytes.
    #[must_use]
    pub fn has_error_within(&self, source: usize, start: usize, end: usize) -> bool {
        let within = |at: Place| at.source == source && (start..end).contains(&at.start);
        self.drafts.iter().any(|draft| draft.severity == Severity::Error && within(draft.at))
    }

    /// The findings with their places worked out, in reading order, no two the same.
    #[must_use]
    pub fn finish(self) -> Diagnostics {
        let Self { sources, lines, mut drafts } = self;
        drafts.sort_by_key(|draft| (draft.at.source, draft.at.start, draft.severity));
        // A file of garbage has a problem on every line; nobody reads them all, but an error must not be cut off.
        if drafts.len() > MOST_PROBLEMS {
            drafts.sort_by_key(|draft| (draft.severity, draft.at.source, draft.at.start));
            drafts.truncate(MOST_PROBLEMS);
        }
        let resolve = |draft| Diagnostic::resolve(sources, &lines, draft);
        let mut problems: Vec<Diagnostic> = drafts.into_iter().map(resolve).collect();
        problems.dedup();
        Diagnostics { problems }
    }
}
