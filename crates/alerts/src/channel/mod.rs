//! Channels: one small file per service behind one trait.

use super::decide::Decide;
use super::message::Message;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tmuxagent_model::Millis;
use tmuxagent_text::Lang;
use tokio_util::sync::CancellationToken;

/// A way to reach the human.
///
/// `send` may be called again with the same message after an error, also after one that in truth arrived.
pub trait Channel: Send + Sync {
    /// The kind of service, as in `type:`.
    fn kind(&self) -> &'static str;

    /// Sends one message.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>>;

    /// Waits for presses of the buttons that it sends and decides them by `decisions`, until `stop`; `None` for channels without
    /// buttons. The supervisor runs it, once per channel.
    fn listen(self: Arc<Self>, decisions: Arc<dyn Decide>, stop: CancellationToken) -> Option<BoxFuture<'static, ()>> {
        let _ = (decisions, stop);
        None
    }

    /// Asks the service whether it knows the credentials, without sending anything; `None` where it has no such question.
    fn probe(&self) -> BoxFuture<'_, Option<Result<Receipt, SendError>>> {
        Box::pin(std::future::ready(None))
    }

    /// The least time between two messages, so that the service's limit is kept.
    fn spacing(&self) -> Millis {
        Millis(0)
    }
}

/// What a service answered to a message that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// One line for the log: an id, a count, a warning.
    pub answer: String,
}

impl Receipt {
    /// A receipt that says this.
    #[must_use]
    pub fn new(answer: impl Into<String>) -> Self {
        Self { answer: answer.into() }
    }
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may be taken later.
    #[error("{what}")]
    Retry {
        /// What the service or the network said.
        what: String,
        /// Not before this time has passed, where the service says so.
        after: Option<Millis>,
    },
    /// It will never be taken like this.
    #[error("{}", joined(.what, .fix))]
    Refused {
        /// What the service or the network said.
        what: String,
        /// What the user can do.
        fix: String,
    },
    /// The channel takes nothing more for a while, whatever the message.
    #[error("{what}")]
    Exhausted {
        /// What happened, and for how long nothing more is sent.
        what: String,
        /// For how long.
        pause: Millis,
    },
}

/// What happened and what helps, as its language joins sentences.
pub(crate) fn joined(what: &str, fix: &str) -> String {
    let chinese = |c: char| matches!(c, '\u{4e00}'..='\u{9fff}');
    let joint = if fix.contains(chinese) { "；" } else { "; " };
    format!("{what}{joint}{fix}")
}

impl SendError {
    /// To be tried again after the usual pause.
    #[must_use]
    pub fn retry(what: impl Into<String>) -> Self {
        Self::Retry { what: what.into(), after: None }
    }

    /// To be tried again after what the service asks for.
    #[must_use]
    pub(crate) fn retry_after(what: impl Into<String>, seconds: Option<u64>) -> Self {
        Self::Retry { what: what.into(), after: seconds.map(|s| Millis::from_secs(s.min(3600))) }
    }

    /// Nothing more to be sent for `pause`.
    #[must_use]
    pub(crate) fn exhausted(what: &str, pause: Millis, lang: Lang) -> Self {
        let what = match lang {
            Lang::En => format!("{what}; nothing more is sent there for {pause}"),
            Lang::Zh => format!("{what}；{pause} 内不再向该通道发送"),
        };
        Self::Exhausted { what, pause }
    }

    /// Not to be tried again.
    #[must_use]
    pub fn refused(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), fix: fix.into() }
    }
}

pub mod answer;
pub mod bark;
pub mod command;
pub mod desktop;
pub mod dingtalk;
pub mod feishu;
pub mod http_header;
pub mod local;
pub mod ntfy;
mod says_no;
pub mod serverchan;
pub mod slack;
pub mod stdout;
pub mod telegram;
pub mod terminal;
pub mod webhook;
pub mod wecom;
pub mod wecom_answers;
pub mod wecom_app;
pub mod wecom_bot;

#[cfg(test)]
mod tests;
