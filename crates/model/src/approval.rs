//! Questions to the human, and their one decision.

use super::{ApprovalId, KeyStep, LeaseOffer, Millis, PaneKey, RunId, Timestamp};
use serde::{Deserialize, Serialize};

/// Why a human is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ApprovalKind {
    /// A stage with `require_approval` wants to start.
    Gate,
    /// A stage failed and its policy asks what to do.
    Failed {
        /// What a yes does.
        on_approve: OnApprove,
    },
    /// An effect could not be performed as recorded, or its outcome is not known.
    Settle {
        /// The effect's intent.
        intent: super::IntentId,
        /// Nothing of it was done, for certain.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        untouched: bool,
    },
    /// A stage may have missed lines while the pane was not observed.
    Gap,
    /// A stage's command ended, and nothing that it printed says whether it went well.
    Unclear,
    /// A stage's time is over, and what it waits for has not ended.
    Overdue,
    /// An agent asked by a `SENTRY` message of type ASK.
    Agent,
    /// A stage's own command waits for an answer.
    Asks,
    /// An agent asks by a dialog on its screen: one of its answers is chosen.
    Dialog {
        /// Which agent: the name of its recogniser.
        agent: String,
        /// What a lease would allow.
        #[serde(default, skip_serializing_if = "LeaseOffer::is_none")]
        lease: LeaseOffer,
    },
}

/// What the approval of a failed stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnApprove {
    /// Run the stage again with a fresh count of attempts.
    Rerun,
    /// Treat the stage as succeeded.
    Continue,
    /// Leave the stage out and go on.
    Skip,
}

/// `Pending → Approved | Rejected | Expired | Superseded`, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody has decided.
    Pending,
    /// A human said yes.
    Approved,
    /// A human said no.
    Rejected,
    /// Nobody decided in time, and the policy closes it then.
    Expired,
    /// What it asked about is gone: the pane, the run, the attempt.
    Superseded,
}

/// Through which surface somebody acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A key in the main screen.
    Key,
    /// The popup.
    Popup,
    /// The command line.
    Cli,
    /// A file in the approvals folder.
    File,
    /// A signed link.
    Link,
    /// The panel in a browser, or a script that speaks to it.
    Panel,
    /// A button in a chat.
    Chat,
    /// An agent's hook.
    Hook,
    /// Nobody: a rule of the policy, which is named in a person's place.
    Rule,
    /// Nobody now: the lease that this person gave.
    Lease,
    /// A tool that an agent calls.
    Mcp,
}

/// Who acted, and through what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decider {
    /// How people call him: the user's name, chat id or address.
    pub who: String,
    /// The surface.
    pub via: Via,
    /// The names that somebody vouches for, the configuration or the service; `None`: `who` is one. What somebody calls himself
    /// is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Vec<String>>,
}

impl Decider {
    /// Somebody whose name is vouched for: by the system, the configuration, the people of the panel.
    #[must_use]
    pub fn named(who: impl Into<String>, via: Via) -> Self {
        Self { who: who.into(), via, vouched: None }
    }

    /// Somebody who is called `who`, and of whom these names alone are vouched for.
    #[must_use]
    pub fn called(who: impl Into<String>, via: Via, vouched: Vec<String>) -> Self {
        let who = who.into();
        let vouched = Some(vouched).filter(|names| *names != [who.as_str()]);
        Self { who, via, vouched }
    }

    /// The names by which a rule about people knows him.
    #[must_use]
    pub fn names(&self) -> &[String] {
        self.vouched.as_deref().unwrap_or(std::slice::from_ref(&self.who))
    }
}

/// A yes or a no, with an answer where the question has options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Yes or no.
    pub approve: bool,
    /// The chosen option or typed answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// The one decision of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// By whom.
    pub by: Decider,
    /// When.
    pub at: Timestamp,
}

/// A question to the human.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its identity.
    pub id: ApprovalId,
    /// Counts up whenever what is asked changes; a decision names the revision it decides.
    pub revision: u32,
    /// Why it is asked.
    pub kind: ApprovalKind,
    /// Whether it is open.
    pub state: ApprovalState,
    /// The pane it is about.
    pub pane: PaneKey,
    /// `session:window.pane` when it was asked, for people.
    pub place: String,
    /// The folder that the pane's program was in when it was asked; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// The run, where there is one.
    pub run: Option<RunId>,
    /// The pipeline, where there is one.
    pub pipeline: Option<String>,
    /// The stage, where there is one.
    pub stage: Option<String>,
    /// The stage's attempt that it belongs to.
    pub attempt: u32,
    /// What is asked, one line.
    pub question: String,
    /// The exact input that a yes sends, empty when it sends none.
    pub effect: Vec<KeyStep>,
    /// The effect in one line, for people.
    pub effect_text: String,
    /// The exact input that a no sends, empty when it sends none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effect_no: Vec<KeyStep>,
    /// What each of the options sends, in their order; empty where that is known only once one is chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub option_effects: Vec<Vec<KeyStep>>,
    /// The lines that led to it, newest last, at most 20.
    pub evidence: Vec<String>,
    /// The answers to choose from; empty for a plain yes or no.
    pub options: Vec<String>,
    /// The word without which a yes is none, where the policy wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// Who may decide; empty: everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// How often the human was reminded.
    pub reminders: u32,
    /// The decision, once there is one.
    pub decision: Option<Decision>,
    /// When it was closed without a decision, or decided.
    pub closed_at: Option<Timestamp>,
    /// Until when a no takes its yes back; nothing of that is done before. Only views tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_until: Option<Timestamp>,
}

/// A yes that can still be taken back: what was approved is done when that time is over, and needs nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The question that was answered; a no to it takes the yes back.
    pub approval: ApprovalId,
    /// Until when.
    pub until: Timestamp,
}

impl Approval {
    /// How a sentence ends that tells of a yes which can still be taken back: who shows it adds how that is done.
    pub const UNLESS: &str = "unless it is taken back";

    /// Whether a no takes its yes back now.
    #[must_use]
    pub fn can_be_taken_back(&self, now: Timestamp) -> bool {
        self.undo_until.is_some_and(|until| until > now)
    }

    /// Whether it is open for less than an hour, so that its last minute matters.
    #[must_use]
    pub fn is_brief(&self) -> bool {
        self.expires_at.is_some_and(|at| at.since(self.asked_at) < Millis::from_secs(3600))
    }

    /// Where, with the pane's id.
    #[must_use]
    pub fn told_place(&self) -> String {
        self.pane.told(&self.place)
    }

    /// Whether a yes without an answer says what is wanted: nothing is to be chosen, or one answer of a dialog or of a command
    /// means it, and what that types is known.
    #[must_use]
    pub fn takes_plain_yes(&self) -> bool {
        let means = matches!(self.kind, ApprovalKind::Dialog { .. } | ApprovalKind::Asks) && !self.effect.is_empty();
        self.confirm.is_none() && !self.takes_text() && (self.options.is_empty() || means)
    }

    /// Whether a yes is a text that somebody writes: a stage's command waits for one, and offers no answers to choose from.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        self.kind == ApprovalKind::Asks && self.options.is_empty() && self.confirm.is_none()
    }

    /// Whether a no without an answer says something: a command that waits for an answer is typed one of its own, or none.
    #[must_use]
    pub fn takes_plain_no(&self) -> bool {
        // A question that was put before it was kept what an answer types.
        let untold = !self.options.is_empty() && self.option_effects.is_empty();
        self.kind != ApprovalKind::Asks || !self.effect_no.is_empty() || untold
    }

    /// Whether an answer may be somebody's own words: an agent reads them, and a command that offers no answers to choose from.
    #[must_use]
    pub fn takes_own_words(&self) -> bool {
        self.kind == ApprovalKind::Agent && self.confirm.is_none() || self.takes_text()
    }

    /// The option that is meant by what somebody wrote: its words in whatever case, `y` and `n` for yes and no, or its number.
    /// The numbers of a dialog are its own, which only the supervisor knows.
    #[must_use]
    pub fn option_meant(&self, written: &str) -> Option<&str> {
        let written = written.trim();
        let small = written.to_lowercase();
        let alike = |option: &String| {
            let option = option.to_lowercase();
            option == small || matches!((small.as_str(), option.as_str()), ("y", "yes") | ("n", "no"))
        };
        let dialog = matches!(self.kind, ApprovalKind::Dialog { .. });
        let number = written.parse::<usize>().ok().filter(|_| !dialog).and_then(|number| number.checked_sub(1));
        let named = self.options.iter().find(|option| *option == written);
        let named = named.or_else(|| self.options.iter().find(|&option| alike(option)));
        named.or_else(|| self.options.get(number?)).map(String::as_str)
    }

    /// The sentence for somebody who wrote what is none of the answers.
    #[must_use]
    pub fn not_offered(&self, written: &str) -> String {
        format!("`{}` is not offered; choose one of: {}", written.escape_debug(), self.options.join(", "))
    }

    /// What is typed for a verdict, where that is known before: for an option, for a text that somebody writes, for a no.
    #[must_use]
    pub fn typed_for(&self, verdict: &Verdict) -> Vec<KeyStep> {
        let Some(answer) = &verdict.answer else {
            return if verdict.approve { self.effect.clone() } else { self.effect_no.clone() };
        };
        if self.takes_text() {
            let text = Some(answer.trim()).filter(|text| !text.is_empty()).map(|text| KeyStep::Text(text.to_owned()));
            return text.into_iter().chain([KeyStep::Key("Enter".to_owned())]).collect();
        }
        let chosen = self.options.iter().position(|option| option == answer);
        chosen.and_then(|at| self.option_effects.get(at)).cloned().unwrap_or_default()
    }

    /// Whether somebody of this name, which is vouched for, may decide.
    #[must_use]
    pub fn is_for(&self, who: &str) -> bool {
        self.approvers.is_empty() || self.approvers.iter().any(|approver| approver == who)
    }

    /// Whether this one may decide.
    #[must_use]
    pub fn is_for_decider(&self, by: &Decider) -> bool {
        self.approvers.is_empty() || by.names().iter().any(|name| self.approvers.contains(name))
    }

    /// The sentence for somebody who may not decide.
    #[must_use]
    pub fn not_for(&self, who: &str) -> String {
        format!("{who} may not decide this; it is for {}", self.approvers.join(", "))
    }

    /// The sentence for somebody who wrote another word than the one that a yes takes.
    #[must_use]
    pub fn another_word(&self, written: &str) -> String {
        let word = self.confirm.as_deref().unwrap_or_default();
        if written.trim().is_empty() {
            return format!("a yes takes this word here: {word}");
        }
        format!("`{written}` is not the word that a yes takes here: {word}")
    }

    /// Whether an answer is the word that a yes takes here; never where it takes none.
    #[must_use]
    pub fn is_confirmed_by(&self, answer: &str) -> bool {
        self.confirm.as_deref() == Some(answer.trim())
    }
}
