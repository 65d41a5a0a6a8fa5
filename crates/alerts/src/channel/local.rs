//! What the ends of an attempt mean where no service is asked: on this machine's desktop, terminals and standard output.
//!
//! **Invariant:** as with services, only what a channel's table calls a yes counts as delivered.

use super::answer::Then;
use super::{Receipt, SendError};
use tmuxagent_text::Lang;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was shown or written.
    Taken,
    /// What is there answered that it does not take it.
    Refused,
    /// What is there gave no answer in time.
    Silent,
    /// Nobody is there who would see it.
    Nobody,
    /// What would take it is not there, or can't be started.
    Missing,
}

/// The ends of a channel and what they mean.
pub type Ends = [(End, Then)];

/// What was said: of a message that was taken, or else how the attempt ended.
pub(super) type Attempt = Result<String, (End, String)>;

/// What an attempt means by its channel's table.
pub(super) fn judge(ends: &Ends, attempt: Attempt, lang: Lang) -> Result<Receipt, SendError> {
    let (end, said) = match attempt {
        Ok(said) => (End::Taken, said),
        Err(failed) => failed,
    };
    match ends.iter().find(|(known, _)| *known == end).map(|(_, then)| *then) {
        Some(Then::Delivered) => Ok(Receipt::new(said)),
        Some(Then::Later { why, .. } | Then::Renew { why } | Then::Spent { why, .. }) => {
            let why = why.pick(lang);
            let what = if said.is_empty() { why.to_owned() } else { format!("{said}{}{why}", lang.pick("; ", "；")) };
            Err(SendError::retry(what))
        }
        Some(Then::Never { fix }) => Err(SendError::refused(said, fix.pick(lang))),
        None => Err(SendError::retry(said)),
    }
}

/// Asserts that an attempt meant what its row says, in words of that language.
#[cfg(test)]
#[track_caller]
pub(super) fn assert_meant(then: Then, lang: Lang, ended: &Result<Receipt, SendError>) {
    let right = match (then, ended) {
        (Then::Delivered, Ok(receipt)) => !receipt.answer.is_empty(),
        (Then::Later { why, .. }, Err(SendError::Retry { what, .. })) => what.contains(why.pick(lang)),
        (Then::Never { fix }, Err(SendError::Refused { fix: told, .. })) => told == fix.pick(lang),
        _ => false,
    };
    assert!(right, "{then:?} in {lang:?}, but: {ended:?}");
}
