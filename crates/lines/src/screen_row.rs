//! A row of a screen that its program owns: what names it, and whether it repeats the user's prompt.

use super::row_similarity;
use super::sentry;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A row of the last screen.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) text: String,
    /// 0 for a blank row.
    pub(super) key: u64,
    /// It repeats the user's prompt.
    pub(super) prompt: bool,
}

/// Which rows repeat the user's prompt: from its mark on, as far as rows are indented.
///
/// Where the mark has scrolled away, rows that stayed keep what they were.
pub(super) fn prompts(rows: &[Row], old: &[Row], old_of: &[Option<usize>]) -> Vec<bool> {
    let was = |row: usize| old_of.get(row).copied().flatten().and_then(|at| old.get(at)).map(|row| row.prompt);
    let first = (0..rows.len()).find_map(|row| Some((row, was(row)?)));
    let begins = first.is_some_and(|(row, _)| sentry::begins_prompt(&rows[row].text));
    let mut within = first.is_some_and(|(_, prompt)| prompt) && !begins;
    let mut flags = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let mut flag = within;
        if sentry::begins_prompt(&row.text) {
            flag = true;
            // A prompt cut to one row, as some agents keep at the top, ends with that row.
            within = !row.text.ends_with('…');
        } else if !row.text.is_empty() && !row.text.starts_with([' ', '\u{a0}']) {
            flag = false;
            within = false;
        } else if let Some(prompt) = was(at)
            && !row.text.is_empty()
        {
            flag = prompt;
            within = prompt;
        }
        flags.push(flag);
    }
    flags
}

/// What names a row; 0 if it is blank.
pub(super) fn key(text: &str) -> u64 {
    if text.trim().is_empty() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    row_similarity::key(text).hash(&mut hasher);
    hasher.finish().max(1)
}
