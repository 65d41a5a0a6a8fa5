//! What chats, links and files need of the supervisor: to look an approval up, and to decide it.
//!
//! **Invariant: read → commit → consume.** Whatever of the outside holds a decision (a word in a file, a link's one use, a
//! press that the service delivers again) is consumed in exchange for a [`Settled`] only, and there is one only when the
//! decision is written down, or refused for good.

use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, Decider, Decision, Doubt, Millis, Timestamp, Verdict};
use tmuxagent_text::{Lang, no_answer};

/// What somebody wrote for a program, where it can be typed as one line that says all it holds.
#[must_use]
pub fn typed_text(written: &str) -> Option<&str> {
    let text = written.trim();
    no_answer(text).is_none().then_some(text)
}

/// The supervisor, as seen by surfaces outside its process's screens.
///
/// A decision made here goes the same way as any other: one compare-and-set on approval and revision.
pub trait Decide: Send + Sync {
    /// The approval as it stands, also a closed one.
    fn approval<'a>(&'a self, id: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>>;

    /// Decides it. What comes back settled is committed, or refused for good; of all else nothing may be consumed, and it
    /// may be asked again: the same decision of the same decider, taken meanwhile, counts as taken now.
    fn decide<'a>(
        &'a self,
        approval: &'a ApprovalId,
        revision: u32,
        verdict: Verdict,
        by: Decider,
    ) -> BoxFuture<'a, Result<Settled, Unsettled>>;

    /// Something that somebody may have to know: a forged link, a stranger's button. Goes to the journal.
    fn report(&self, text: String);

    /// The zone in which people here read times.
    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

/// How a decision ended for good. It can't be copied, and what consumes asks for it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what held the decision is not consumed yet"]
pub struct Settled(Result<(), Refusal>);

impl Settled {
    /// A decision with this end. Only who knows that it is written down may say so: `decisions` of the supervisor.
    pub const fn new(end: Result<(), Refusal>) -> Self {
        Self(end)
    }

    /// Whether it was taken.
    ///
    /// # Errors
    /// Why it was refused.
    pub const fn end(&self) -> Result<(), &Refusal> {
        match &self.0 {
            Ok(()) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }
}

/// Why a decision has no end yet. What held it stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// The supervisor ends and did not begin with it: nothing was done.
    NotTaken,
    /// It may be done or not.
    Doubtful(Doubt),
}

impl Unsettled {
    /// The sentence for the decider.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        match self {
            Self::NotTaken => lang
                .pick(
                    "the supervisor is ending; nothing was done, try again later",
                    "监督进程正在结束，未执行任何操作，请稍后再试",
                )
                .to_owned(),
            Self::Doubtful(doubt) => tmuxagent_text::plain::one_line(&tmuxagent_text::doubt(lang, doubt)),
        }
    }
}

/// Why a decision was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody was first.
    #[error("already decided by {}", .0.decision.by.who)]
    Decided(Box<Decided>),
    /// It closed without a decision.
    #[error("the question is closed")]
    Closed,
    /// It has changed since it was shown.
    #[error("the question has changed since")]
    Stale,
    /// There is no such approval.
    #[error("there is no such question")]
    Unknown,
    /// Something else; one sentence.
    #[error("{0}")]
    Other(String),
}

/// What was decided by whom, when and through what.
#[must_use]
pub fn how_decided(lang: Lang, decision: &Decision, zone: &TimeZone) -> String {
    let state =
        if decision.verdict.approve { lang.pick("approved", "已批准") } else { lang.pick("rejected", "已拒绝") };
    let (who, at, via) = (
        tmuxagent_text::plain::one_line(&tmuxagent_text::decider(lang, &decision.by.who)),
        tmuxagent_text::local(zone, decision.at),
        lang.via(decision.by.via),
    );
    match lang {
        Lang::En => format!("{state} by {who} at {at} via {via}"),
        Lang::Zh => format!("{who} 已于 {at} 通过{via}处理：{state}"),
    }
}

/// The sentence of a yes that can still be taken back: when it is done.
#[must_use]
pub fn done_unless(lang: Lang, approval: &Approval, now: Timestamp) -> Option<String> {
    let approved = approval.state == ApprovalState::Approved;
    let until = approval.undo_until.filter(|_| approved && approval.can_be_taken_back(now))?;
    // Whole seconds, of which the last one is none too few.
    let left = tmuxagent_text::span(lang, Millis(until.since(now).0.div_ceil(1000) * 1000));
    Some(match lang {
        Lang::En => format!("it is done in {left} {}", Approval::UNLESS),
        Lang::Zh => format!("若不撤回，{left} 后执行"),
    })
}

/// The decision that was first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Who decided what, when and through what.
    pub decision: Decision,
    /// The zone in which its time is told.
    pub zone: TimeZone,
}

impl Refusal {
    /// Somebody was first; `zone` is that of whoever is told.
    #[must_use]
    pub fn decided(decision: Decision, zone: TimeZone) -> Self {
        Self::Decided(Box::new(Decided { decision, zone }))
    }

    /// The sentence for the late decider.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        match self {
            Self::Decided(decided) => {
                let told = how_decided(lang, &decided.decision, &decided.zone);
                match lang {
                    Lang::En => format!("already {told}"),
                    Lang::Zh => told,
                }
            }
            Self::Closed => lang.pick("the question is closed", "该问题已关闭").to_owned(),
            Self::Stale => lang
                .pick("what is asked has changed; use the newest message", "内容已变化，请使用最新的消息")
                .to_owned(),
            Self::Unknown => lang.pick("there is no such question", "没有这个问题").to_owned(),
            Self::Other(text) => tmuxagent_text::plain::one_line(&tmuxagent_text::message(lang, text)),
        }
    }
}
