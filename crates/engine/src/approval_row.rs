//! A question as the state keeps it.

use super::dialog::Dialog;
use super::expiry::OnExpiry;
use super::purpose::Purpose;
use serde::{Deserialize, Serialize};
use tmuxagent_model::{Approval, Decider, Effect, Front, KeyStep, Millis, Verdict};

/// A question with what the engine must remember about it. Its JSON is that of [`Approval`] with more keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// The question itself.
    #[serde(flatten)]
    pub approval: Approval,
    /// What its expiry does.
    pub on_expiry: OnExpiry,
    /// The time between reminders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_every: Option<Millis>,
    /// It was approved and its effect is still delayed.
    #[serde(default)]
    pub grace: bool,
    /// The effect that could not be performed, of a question of kind `Settle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// The program in the pane when an agent asked; only it is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The same, by its process, where the system told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<Front>,
    /// What that showed while it waited: [`PaneReader::question`](tmuxagent_model::PaneReader::question).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What the policy has typed for an answer, as it was when the question was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<(String, Vec<KeyStep>)>,
    /// The call of an agent that waits for the answer: nothing is typed for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The dialog on an agent's screen that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<Dialog>,
}

impl ApprovalRow {
    /// What a verdict means where the policy says who may decide and by which word.
    pub fn allows(&self, verdict: &Verdict, by: &Decider) -> Result<Verdict, String> {
        let asked = &self.approval;
        if !asked.is_for_decider(by) {
            return Err(asked.not_for(&by.who));
        }
        let Some(word) = asked.confirm.as_ref().filter(|_| verdict.approve) else { return Ok(verdict.clone()) };
        match &verdict.answer {
            Some(answer) if asked.is_confirmed_by(answer) => Ok(Verdict { approve: true, answer: None }),
            Some(answer) => Err(asked.another_word(answer)),
            None => Err(format!("a yes takes a word here: `tmuxagent approve {} --answer {word}`", asked.id)),
        }
    }
}

/// An effect to be tried again when a human says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// What.
    pub effect: Effect,
    /// What for.
    pub purpose: Purpose,
    /// Nothing of it was done, for certain: who says that it was has done it himself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untouched: bool,
}
