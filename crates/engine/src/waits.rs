//! Commands of stages that wait for a person: what they ask is asked here, instead of after the time limit.

use super::approval_row::ApprovalRow;
use super::expiry::OnExpiry;
use super::gate::Ask;
use super::readers::{affirmative, answer_steps, is_no, is_yes};
use super::text::{steps_in_words, visible};
use super::turn::{At, Turn};
use tmuxagent_model::{
    Alert, AlertKind, Approval, ApprovalKind, Front, KeyStep, Note, PaneKey, Severity, StageState, Urgency, Verdict,
};

/// A program that waits for a person: [`Event::Waits`](tmuxagent_model::Event::Waits).
pub struct Waits<'a> {
    /// It, where the system tells it.
    pub front: Option<&'a Front>,
    /// What it reads is not shown.
    pub password: bool,
    /// What stands before the cursor.
    pub row: Option<&'a str>,
    /// What it was seen reading an answer to.
    pub question: Option<&'a str>,
}

impl ApprovalRow {
    /// Whether it is this very question.
    fn is_shown_by(&self, waits: &Waits<'_>) -> bool {
        let same = waits.question.is_some() && self.fingerprint.as_deref() == waits.question;
        same && self.asker.as_ref().zip(waits.front).is_some_and(|(asker, front)| asker.is(front))
    }
}

impl Turn<'_> {
    /// The program in front of a pane waits for a person, behind this row; or not any more.
    pub fn waits(&mut self, pane: &PaneKey, waits: &Waits<'_>) {
        let waits_now = waits.row.is_some();
        if self.state.panes.get(pane).is_some_and(|known| known.waits != waits_now)
            && let Some(known) = self.state.panes.get_mut(pane)
        {
            known.waits = waits_now;
        }
        let runs = self.runs_at(pane);
        let row = waits.row.map(|row| visible(&self.cleaner.clean(row)));
        for run in runs {
            let Some(at) = self.live_at(run, pane) else { continue };
            match self.asked_for_command(at) {
                // Whoever looks at the pane anew tells it anew.
                Some(asked) if row.is_some() && asked.is_shown_by(waits) => continue,
                Some(_) => self.supersede_stage(at),
                None => {}
            }
            let Some(row) = &row else { continue };
            // What a person began himself in its pane is his own.
            let own = self.stage(at).is_some_and(|stage| {
                let same = stage.look.front.as_ref().zip(waits.front).is_none_or(|(own, front)| own.is(front));
                stage.state == StageState::Running && stage.tracked.is_some() && stage.approval.is_none() && same
            });
            if own {
                self.ask_for_command(at, pane, waits, row);
            }
        }
    }

    /// The question what a stage's command is answered.
    pub fn asked_for_command(&self, at: At) -> Option<&ApprovalRow> {
        let asked = self.stage(at).and_then(|stage| stage.approval.as_ref()).and_then(|id| self.pending(id));
        asked.filter(|row| row.approval.kind == ApprovalKind::Asks)
    }

    fn ask_for_command(&mut self, at: At, pane: &PaneKey, waits: &Waits<'_>, row: &str) {
        let name = self.stage_name(at);
        if waits.password {
            let text = format!("The command of stage {name} waits for somebody; answer it in its pane");
            let place = self.place(pane);
            self.note(Severity::Warning, &place, Note::Text { text: text.clone() });
            let body = self.few_lines(pane).trim_start().to_owned();
            return self.alert(Alert {
                kind: AlertKind::Approval,
                urgency: Urgency::High,
                title: format!("{} {text}", pane.told(&place)),
                body,
                approval: None,
                run: Some(at.run),
                dedupe: format!("password/{pane}/{}/{row}", at.run),
                channels: Vec::new(),
            });
        }
        let answers = self.answers_of(pane);
        let options: Vec<String> = if is_yes_or_no(row) {
            vec!["yes".to_owned(), "no".to_owned()]
        } else {
            answers.iter().map(|(label, _)| label.clone()).collect()
        };
        let steps = plain(&options, true).map(|label| self.steps_for(row, &options, &label, &answers));
        let steps = steps.unwrap_or_default();
        let ask = Ask {
            kind: ApprovalKind::Asks,
            question: format!("The command of stage {name} waits for an answer: {row}"),
            effect_text: steps_in_words(&steps),
            effect: steps,
            option_effects: options.iter().map(|label| self.steps_for(row, &options, label, &answers)).collect(),
            effect_no: plain(&options, false)
                .map(|label| self.steps_for(row, &options, &label, &answers))
                .unwrap_or_default(),
            options,
            attempt: self.stage(at).map_or(0, |stage| stage.attempt),
            asker: waits.front.cloned(),
            fingerprint: waits.question.map(str::to_owned),
            answers,
            ..Ask::default()
        };
        // It ends when somebody answers, here or in the pane, or with the command: the time for a gate is none for it.
        let ask = Ask { on_expiry: OnExpiry::Keep, expires: None, ..self.on_terms_of(at, ask) };
        self.ask_about(at, ask);
    }

    /// What is typed for an answer. What the policy says for it counts; the yes or no that is offered for a question that shows
    /// letters is one letter, and what a person wrote himself stays as it is.
    fn steps_for(
        &self,
        row: &str,
        options: &[String],
        label: &str,
        answers: &[(String, Vec<KeyStep>)],
    ) -> Vec<KeyStep> {
        let known = answers.iter().any(|(known, _)| known.eq_ignore_ascii_case(label));
        let letters = !options.is_empty() && !row.to_lowercase().contains("yes");
        match (known, !letters, label) {
            (false, false, "yes") => answer_steps(&[], "y", &[]),
            (false, false, "no") => answer_steps(&[], "n", &[]),
            _ => answer_steps(options, label, answers),
        }
    }

    /// What is typed for a decided question of a command; nothing where a no has no words of its own.
    pub fn answer_to_command(
        &self,
        approval: &Approval,
        verdict: &Verdict,
        answers: &[(String, Vec<KeyStep>)],
    ) -> Vec<KeyStep> {
        let label = verdict.answer.clone().or_else(|| plain(&approval.options, verdict.approve));
        let Some(label) = label else { return Vec::new() };
        if approval.takes_text() && label.trim().is_empty() {
            return vec![KeyStep::Key("Enter".to_owned())];
        }
        let row = approval.question.rsplit_once(": ").map_or("", |(_, row)| row);
        self.steps_for(row, &approval.options, &label, answers)
    }
}

/// Whether a plain yes does not say what an agent is answered: among options that all say no.
pub fn says_nothing(approval: &Approval, verdict: &Verdict) -> bool {
    let means = approval.kind != ApprovalKind::Agent || affirmative(&approval.options).is_some();
    verdict.approve && verdict.answer.is_none() && !means
}

/// What a verdict means for a command that waits: an answer that says no is a no. Refused where nothing would be typed.
pub fn meant_for_command(approval: &Approval, verdict: &Verdict) -> Result<Verdict, String> {
    let options = &approval.options;
    let answer = verdict.answer.clone().or_else(|| plain(options, verdict.approve));
    match answer {
        Some(answer) => {
            let says_no = !approval.takes_text() && is_no(&answer);
            Ok(Verdict { approve: verdict.approve && !says_no, answer: verdict.answer.as_ref().map(|_| answer) })
        }
        None if verdict.approve => Err("a plain yes answers nothing here; say what is answered".to_owned()),
        None => Err("a no has nothing to type here; say what is answered, or end the stage".to_owned()),
    }
}

/// The option that a bare yes or no means.
fn plain(options: &[String], approve: bool) -> Option<String> {
    options.iter().find(|option| if approve { is_yes(option) } else { is_no(option) }).cloned()
}

/// Whether a question offers yes and no, as programs write it: `[y/N]`, `(yes/no)`.
fn is_yes_or_no(row: &str) -> bool {
    let row: String = row.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    ["y/n", "yes/no", "y|n", "yes|no"].iter().any(|form| row.contains(form))
}
