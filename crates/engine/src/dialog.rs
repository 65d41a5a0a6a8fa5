//! Dialogs of agents: each becomes a question to the human, and its answer goes to the agent's own request where one waits for
//! it, or else is a key that the dialog itself names.
//!
//! **Invariants:** a question stands only while its dialog does; what is chosen is one of the answers that were read from
//! it, and its keys go to that very dialog of that very process ([`Needs::Dialog`]) or nowhere.

use super::auto_answer::Told;
use super::expiry::OnExpiry;
use super::gate::Ask;
use super::progress::cut;
use super::state::{ApprovalRow, Purpose};
use super::text::{one_line, steps_in_words, visible};
use super::turn::Turn;
use serde::{Deserialize, Serialize};
use tmuxagent_model::{
    AgentQuestion, AgentQuestionKind, AnswerRole, ApprovalId, ApprovalKind, ApprovalState, DirectAnswer, Effect, Front,
    KeyStep, Millis, Needs, Outcome, PaneKey, SendKeys, SkipReason, Timestamp, Verdict,
};

/// The most rows of a dialog that go with its question: a person decides on all that it shows.
const ROWS: usize = 80;
/// The most characters of a title.
const TITLE: usize = 200;
/// The answer that only closes a dialog, where it names no such answer itself.
const CLOSE: &str = "cancel";

/// A dialog as the state keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialog {
    /// [`AgentQuestion::fingerprint`].
    pub fingerprint: String,
    /// What may be chosen.
    pub answers: Vec<DialogAnswer>,
    /// The agent's request that takes the answer without a key, as long as it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// An answer that keys choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialogAnswer {
    /// The option of the approval, as it is shown.
    pub label: String,
    /// What is pressed, as tmux names keys.
    pub keys: Vec<String>,
    /// What it means.
    pub role: AnswerRole,
}

impl DialogAnswer {
    /// Whether it is a no.
    const fn refuses(&self) -> bool {
        matches!(self.role, AnswerRole::Decline | AnswerRole::Cancel)
    }

    /// Whether an agent's request takes it: what changes more than this once is left to the dialog's own key.
    const fn may_go_direct(&self) -> bool {
        !matches!(self.role, AnswerRole::Lasting)
    }

    fn steps(&self) -> Vec<KeyStep> {
        self.keys.iter().cloned().map(KeyStep::Key).collect()
    }
}

impl Dialog {
    fn answer(&self, label: &str) -> Option<&DialogAnswer> {
        self.answers.iter().find(|answer| answer.label == label).or_else(|| self.numbered(label))
    }

    /// The answer of that number, as the dialog shows it or as it is counted here, where both are the same one.
    fn numbered(&self, number: &str) -> Option<&DialogAnswer> {
        let place = number.parse::<usize>().ok()?.checked_sub(1)?;
        let shown = self.answers.iter().find(|answer| answer.keys.first().is_some_and(|key| key == number));
        let counted = self.answers.get(place).filter(|answer| answer.keys.first().is_none_or(|key| !is_number(key)));
        if shown.is_some() { shown } else { counted }
    }

    /// The answer that a bare yes or no means; none where that is not certain.
    fn plain(&self, approve: bool) -> Option<&DialogAnswer> {
        let of = |role: AnswerRole| {
            let mut found = self.answers.iter().filter(move |answer| answer.role == role);
            let first = found.next()?;
            found.next().is_none().then_some(first)
        };
        if approve { of(AnswerRole::Once) } else { of(AnswerRole::Decline).or_else(|| of(AnswerRole::Cancel)) }
    }

    /// Whether exactly one answer is a yes for this once.
    pub fn has_plain_yes(&self) -> bool {
        self.plain(true).is_some()
    }

    /// What a decision means here: its answer, and whether that is a yes. `Err`: why it means nothing.
    pub fn verdict(&self, verdict: &Verdict) -> Result<Verdict, String> {
        let labels = || self.answers.iter().map(|answer| answer.label.as_str()).collect::<Vec<_>>().join(", ");
        let answer = match &verdict.answer {
            Some(label) => self
                .answer(label)
                .ok_or_else(|| format!("`{}` is not offered; choose one of: {}", label.escape_debug(), labels()))?,
            None => self
                .plain(verdict.approve)
                .ok_or_else(|| format!("a plain yes or no does not tell which answer; choose one of: {}", labels()))?,
        };
        if !verdict.approve && !answer.refuses() {
            return Err(format!("`{}` is no refusal; approve with it, or reject with another answer", answer.label));
        }
        Ok(Verdict { approve: !answer.refuses(), answer: Some(answer.label.clone()) })
    }
}

impl ApprovalRow {
    /// The dialog that an answer of it would go to.
    fn shown_by(&self) -> Option<(&str, Option<&Front>)> {
        if let Some(dialog) = &self.dialog {
            return Some((&dialog.fingerprint, self.asker.as_ref()));
        }
        match self.again.as_ref().map(|again| &again.effect) {
            Some(effect) => dialog_of(effect).map(|(_, fingerprint, front)| (fingerprint, front)),
            None => None,
        }
    }
}

/// The dialog that an effect answers: its pane, its words and its process.
fn dialog_of(effect: &Effect) -> Option<(&PaneKey, &str, Option<&Front>)> {
    let (Effect::Send(keys) | Effect::Answer(DirectAnswer { instead: keys, .. })) = effect else { return None };
    match &keys.needs {
        Needs::Dialog { fingerprint, front } => Some((&keys.pane, fingerprint, front.as_ref())),
        _ => None,
    }
}

impl Turn<'_> {
    /// An agent shows another dialog, or none any more.
    pub fn dialog(
        &mut self,
        pane: &PaneKey,
        agent: &str,
        front: Option<&Front>,
        question: Option<&AgentQuestion>,
        request: Option<&str>,
    ) {
        if self.state.panes.get(pane).is_none() {
            return;
        }
        let shown = question.map(|question| (question.fingerprint.as_str(), front));
        let (mut asked, mut changed) = (false, false);
        for (id, same) in self.dialogs_of(pane, |of| Some(of) == shown) {
            if same {
                asked = true;
                self.is_asked_by(&id, request);
            } else {
                // One that a person was asked about became another one where it stood: another program may have drawn it.
                changed |= self
                    .state
                    .approvals
                    .get(&id)
                    .is_some_and(|row| row.dialog.is_some() && row.asker.as_ref() == front);
                self.supersede(&id);
            }
        }
        self.forget_answered(pane, question);
        let Some(question) = question.filter(|_| !asked) else { return };
        // Its answer is on the way; were it to stay, it would be told again.
        if self.is_being_answered(pane, &question.fingerprint, front) {
            return;
        }
        let answers = self.offered(question);
        if answers.is_empty() {
            return;
        }
        let dialog = Dialog { fingerprint: question.fingerprint.clone(), answers, request: request.map(str::to_owned) };
        let steps = dialog.plain(true).map(DialogAnswer::steps).unwrap_or_default();
        let ask = Ask {
            kind: ApprovalKind::Dialog { agent: visible(agent), lease: self.lease_offer(question, front) },
            question: title(&visible(agent), question),
            effect_text: steps_in_words(&steps),
            effect: steps,
            options: dialog.answers.iter().map(|answer| answer.label.clone()).collect(),
            evidence: Some(self.rows_of(question)),
            asker: front.cloned(),
            on_expiry: OnExpiry::Keep,
            dialog: Some(dialog),
            ..Ask::default()
        };
        if changed {
            self.ask(pane, None, ask);
        } else {
            self.ask_or_answer(Told { pane, agent, front, question }, ask);
        }
    }

    /// A shell reads the pane: an agent that showed a dialog, perhaps in an earlier life of the supervisor, does not.
    pub fn dialogs_gone(&mut self, pane: &PaneKey) {
        for (id, _) in self.dialogs_of(pane, |_| false) {
            self.supersede(&id);
        }
        self.leases_gone(pane);
    }

    /// The agent's request that takes the answer is this one now.
    fn is_asked_by(&mut self, id: &ApprovalId, request: Option<&str>) {
        let known = self.state.approvals.get(id).and_then(|row| row.dialog.as_ref());
        if known.is_some_and(|dialog| dialog.request.as_deref() != request)
            && let Some(dialog) = self.state.approvals.get_mut(id).and_then(|row| row.dialog.as_mut())
        {
            dialog.request = request.map(str::to_owned);
        }
    }

    fn is_being_answered(&self, pane: &PaneKey, dialog: &str, asker: Option<&Front>) -> bool {
        let meant = Some((pane, dialog, asker));
        self.state.intents.iter().any(|(_, row)| dialog_of(&row.intent.effect) == meant)
    }

    /// Whether a dialog of this pane waits for a decision, or was just answered by a rule.
    pub fn asks_by_dialog(&self, pane: &PaneKey) -> bool {
        self.was_answered(pane)
            || self.state.approvals.values().any(|row| {
                row.approval.pane == *pane && row.approval.state == ApprovalState::Pending && row.dialog.is_some()
            })
    }

    /// The open questions of a pane about dialogs, each with whether its dialog is the one that is meant.
    fn dialogs_of(&self, pane: &PaneKey, meant: impl Fn((&str, Option<&Front>)) -> bool) -> Vec<(ApprovalId, bool)> {
        let rows = self.state.approvals.values().filter(|row| row.approval.pane == *pane);
        let open = rows.filter(|row| row.grace || row.approval.state == ApprovalState::Pending);
        open.filter_map(|row| Some((row.approval.id.clone(), meant(row.shown_by()?)))).collect()
    }

    /// The answers that one press chooses. Where two would be shown alike nobody could tell them apart, so none is offered.
    fn offered(&self, question: &AgentQuestion) -> Vec<DialogAnswer> {
        let label = |text: &str| visible(&self.cleaner.clean(&one_line(text)));
        let read = question.answers.iter().filter(|answer| !answer.keys.is_empty());
        let mut answers: Vec<DialogAnswer> = read
            .map(|answer| DialogAnswer { label: label(&answer.label), keys: answer.keys.clone(), role: answer.role })
            .filter(|answer| !answer.label.is_empty())
            .collect();
        let closes = answers.iter().any(|answer| answer.role == AnswerRole::Cancel || answer.label == CLOSE);
        if let Some(key) = question.cancel.clone().filter(|_| !closes && !answers.is_empty()) {
            answers.push(DialogAnswer { label: CLOSE.to_owned(), keys: vec![key], role: AnswerRole::Cancel });
        }
        let alike = |n: usize| answers[n + 1..].iter().any(|other| other.label == answers[n].label);
        if (0..answers.len()).any(alike) { Vec::new() } else { answers }
    }

    fn rows_of(&self, question: &AgentQuestion) -> Vec<String> {
        let rows = self.cleaner.clean(&question.text);
        rows.lines().map(|row| visible(row.trim_end())).filter(|row| !row.is_empty()).take(ROWS).collect()
    }

    /// Gives the answer that was chosen to the agent's own request for it, or else presses its key.
    pub fn answer_dialog(&mut self, row: &ApprovalRow, verdict: &Verdict) {
        let Some(dialog) = &row.dialog else { return };
        let Some(answer) = verdict.answer.as_deref().and_then(|label| dialog.answer(label)) else { return };
        let needs = Needs::Dialog { fingerprint: dialog.fingerprint.clone(), front: row.asker.clone() };
        let keys = SendKeys {
            pane: row.approval.pane.clone(),
            steps: answer.steps(),
            expect_command: None,
            expect_screen: None,
            needs,
            shells: Vec::new(),
        };
        let effect = match dialog.request.clone().filter(|_| answer.may_go_direct()) {
            Some(request) => {
                let (label, role) = (answer.label.clone(), answer.role);
                Effect::Answer(DirectAnswer { request, label, role, instead: keys })
            }
            None => Effect::Send(keys),
        };
        self.emit(effect, Purpose::Reply { approval: row.approval.id.clone() });
    }

    /// What became of an answer that was given without a key. Where nobody took it its key is pressed; where that is not
    /// certain nothing is: what is still shown is told anew, and asked.
    pub fn direct_outcome(&mut self, purpose: &Purpose, answer: &DirectAnswer, outcome: &Outcome) {
        let nobody = matches!(outcome, Outcome::Skipped { reason } if *reason != SkipReason::Withdrawn);
        if nobody {
            // Whoever comes back for it gets none: its key is pressed.
            if let Purpose::Reply { approval } = purpose {
                self.is_asked_by(approval, None);
            }
            self.emit(Effect::Send(answer.instead.clone()), purpose.clone());
        }
    }
}

fn is_number(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is asked, in one line.
fn title(agent: &str, question: &AgentQuestion) -> String {
    let lines = |text: &str| text.lines().map(|line| visible(line.trim())).filter(|line| !line.is_empty()).collect();
    let detail: Vec<String> = lines(&question.detail);
    let first = detail.first().cloned().or_else(|| {
        let text: Vec<String> = lines(&question.text);
        text.into_iter().next()
    });
    let first = first.unwrap_or_default() + if detail.len() > 1 { " …" } else { "" };
    let place = question.place.as_deref().map(|place| visible(place.trim()));
    let text = match (question.kind, place) {
        (AgentQuestionKind::Command, _) => format!("{agent} wants to run `{first}`"),
        (AgentQuestionKind::Edit, Some(place)) => format!("{agent} wants to change `{place}`"),
        (AgentQuestionKind::Trust, Some(place)) => format!("{agent} asks whether `{place}` is trusted"),
        _ => format!("{agent} asks: {first}"),
    };
    cut(&text, TITLE)
}

/// How long after a decision its answer is given to who comes back for it: as long as a supervisor takes that starts again.
const GIVEN_AGAIN: Millis = Millis(60_000);

impl super::Engine {
    /// The answer that was just given to a request whose name begins so, of the agent with this process; `None` where it is still to
    /// be given, or where its dialog's key takes its place.
    #[must_use]
    pub fn given_before(&self, now: Timestamp, agent: u32, request: &str) -> Option<(AnswerRole, String)> {
        let is_open = |id: &ApprovalId| {
            let mut open = self.state.intents.iter();
            open.any(|(_, row)| matches!(&row.purpose, Purpose::Reply { approval } if approval == id))
        };
        let of_agent = |row: &&ApprovalRow| row.asker.as_ref().is_some_and(|front| front.pid == agent);
        let rows = self.state.approvals.values().filter(|row| !row.grace).filter(of_agent);
        let given = rows.filter_map(|row| {
            let (dialog, decision) = (row.dialog.as_ref()?, row.approval.decision.as_ref()?);
            let meant = dialog.request.as_ref().is_some_and(|name| name.starts_with(request));
            let recent = now.since(decision.at) < GIVEN_AGAIN;
            let answer = decision.verdict.answer.as_deref().and_then(|label| dialog.answer(label))?;
            let counts = meant && recent && answer.may_go_direct() && !is_open(&row.approval.id);
            counts.then(|| (decision.at, (answer.role, answer.label.clone())))
        });
        given.max_by_key(|(at, _)| *at).map(|(_, answer)| answer)
    }
}

#[cfg(test)]
#[path = "dialog_tests.rs"]
mod tests;
