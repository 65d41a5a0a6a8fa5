//! Words for people, in English and Chinese.
//!
//! **Invariant:** pure functions from values to texts; every text exists in both languages by construction (an
//! exhaustive `match` or a table row with two columns). Text that came from a pane goes through `clean` or `reveal`
//! before it becomes part of a sentence.

// `pub` means: for other crates.
#![warn(unreachable_pub)]
// Tests read their fixtures.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

mod agent;
pub mod catalogue;
mod clean;
pub mod cli;
mod effect;
pub mod escape;
pub mod explain;
mod help;
mod help_service;
mod note;
pub mod plain;
mod reader;
pub mod redact;
mod rows;
mod run_sentences;
mod screen;
mod sentence;
mod state;
mod time;
mod trouble;
mod words;

pub use agent::{agent_question_kind, agent_state, answer_role, evidence_source};
pub use catalogue::message;
pub use clean::{clean, clean_block, is_hidden, json, marked, reveal};
pub use effect::{
    answered, effect_of_yes, in_list, meant_by_no, more_characters, option_means, steps_line, told_option,
};
pub use help::help_text;
pub use note::{decider, note_text, reload_text};
pub use plain::{as_it_is, hidden_named, no_answer, reads_as_it_is};
pub use reader::{reader_brief, reader_sentence, reads};
pub use screen::Text;
pub use sentence::{effect_sentence, question, sentence};
pub use state::{
    answer_beside_countdown, answer_with_undo, approval_kind, approval_state, asks_you, doubt, host_owner, host_state,
    message_type, owner_name, pane_doing, pane_state, run_state, skip_reason, stage_attempt, stage_detail, stage_doing,
    stage_ended, stage_state, via,
};
pub use time::{ago, clock, clock_seconds, run_took, span};
pub use trouble::{malformed, part, trouble};
pub use words::{counted, in_zone, local, open_until, utc};

/// A language of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Lang {
    /// English, also where nobody chose.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// Both, in the order in which the language key goes round.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The language of a POSIX locale name such as `zh_CN.UTF-8` (the value of `LC_ALL`, `LC_MESSAGES` or `LANG`), or of
    /// a plain `zh`. What is neither Chinese nor known is English.
    #[must_use]
    pub fn from_locale(locale: &str) -> Self {
        let language: String = locale.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
        match language.to_ascii_lowercase().as_str() {
            "zh" | "chinese" | "cmn" => Self::Zh,
            _ => Self::En,
        }
    }

    /// The language that an `Accept-Language` header (RFC 9110 §12.5.4) asks for first.
    #[must_use]
    pub fn from_header(header: &str) -> Self {
        let mut best = (Self::En, -1.0_f32);
        for entry in header.split(',') {
            let mut parts = entry.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            let lang = match tag.get(..2) {
                Some("zh") => Self::Zh,
                Some("en") => Self::En,
                _ => continue,
            };
            if weight > best.1 {
                best = (lang, weight);
            }
        }
        best.0
    }

    /// The code that configuration and `lang` attributes use: `en` or `zh`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.pick("en", "zh")
    }

    /// The next language, going round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::En => Self::Zh,
            Self::Zh => Self::En,
        }
    }

    /// What stands between a label and what it labels.
    #[must_use]
    pub const fn colon(self) -> &'static str {
        self.pick(": ", "：")
    }

    /// The text of this language.
    #[must_use]
    pub const fn pick<'t>(self, en: &'t str, zh: &'t str) -> &'t str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

#[cfg(test)]
mod tests;
