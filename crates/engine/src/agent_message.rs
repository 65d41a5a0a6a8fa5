//! Messages of agents: noted, and what they ask is asked of a person.

use super::approval_row::ApprovalRow;
use super::gate::Ask;
use super::readers::{affirmative, answer_steps};
use super::text::{one_line, visible};
use super::turn::Turn;
use tmuxagent_model::{
    AgentMessage, Alert, Approval, ApprovalId, ApprovalKind, ApprovalState, Front, MessageType, Note, PaneKey,
    Severity, Urgency,
};
use tmuxagent_text::as_it_is;

/// The most pending questions of one pane's agents; the oldest makes room.
const MOST_OF_AGENTS: usize = 20;

impl Turn<'_> {
    /// An agent's message: noted, and a question becomes one for the human.
    pub fn on_agent_message(&mut self, pane: &PaneKey, message: &AgentMessage, front: Option<&Front>) {
        let place = self.place(pane);
        let words = message.summary.as_ref().or(message.question.as_ref()).or(message.detail.as_ref());
        let summary = visible(&self.cleaner.clean(words.map_or("", String::as_str)));
        let failed = message.kind == MessageType::Error || message.ok == Some(false);
        let severity = if failed { Severity::Warning } else { Severity::Info };
        let note = Note::AgentSaid { kind: message.kind, stage: message.stage.clone(), summary: summary.clone() };
        self.note_at(severity, pane, note);
        match message.kind {
            MessageType::Ask => self.ask_for_agent(pane, message, front),
            MessageType::Error => {
                let title = format!("{}: {summary}", pane.told(&place));
                let dedupe = format!("agent/{pane}/{summary}");
                let detail = message.detail.as_deref().map(|text| visible(&self.cleaner.clean(text)));
                let body = format!("{}{}", detail.unwrap_or_default(), self.few_lines(pane)).trim_start().to_owned();
                self.alert(Alert {
                    kind: self.speaker(pane),
                    urgency: Urgency::Normal,
                    body,
                    title,
                    approval: None,
                    run: None,
                    dedupe,
                    channels: Vec::new(),
                });
            }
            MessageType::Status | MessageType::Action | MessageType::Log => {}
        }
    }

    /// The answers that somebody offers, without secrets and with nothing that can't be seen. What is typed for one is its
    /// number, so each stays an answer of its own in its place, also where two would read alike or one is empty.
    pub fn options_shown(&self, options: &[String]) -> Vec<String> {
        let lines: Vec<String> = options.iter().map(|option| one_line(option)).collect();
        if lines.iter().all(String::is_empty) {
            return Vec::new();
        }
        let mut told: Vec<String> = Vec::with_capacity(lines.len());
        for line in lines {
            let label = as_it_is(&self.cleaner.clean(&line));
            let is_taken = label.is_empty() || told.contains(&label);
            told.push(if is_taken { format!("{label} ({})", told.len() + 1).trim().to_owned() } else { label });
        }
        told
    }

    /// Whoever is at the pane has answered the oldest question that a program printed there: nobody else need answer it, and what
    /// is typed now would answer the next.
    pub fn answered_there(&mut self, pane: &PaneKey, front: &Front) {
        let is_it = |row: &&ApprovalRow| {
            let (approval, asker) = (&row.approval, row.asker.as_ref());
            let stands = approval.state == ApprovalState::Pending && approval.kind == ApprovalKind::Agent;
            stands && approval.pane == *pane && asker.is_none_or(|asker| asker.is(front))
        };
        let oldest = self.state.approvals.values().find(is_it).map(|row| row.approval.id.clone());
        if let Some(id) = oldest {
            self.supersede(&id);
        }
    }

    fn ask_for_agent(&mut self, pane: &PaneKey, message: &AgentMessage, front: Option<&Front>) {
        let words = message.question.as_ref().or(message.summary.as_ref()).map_or("", String::as_str);
        let question = visible(&self.cleaner.question(words.trim()));
        // What may be typed later is one clean line per option; a question without any takes `yes` and `no`.
        let options = self.options_shown(&message.options);
        let answers = self.answers_of(pane);
        let of_pane: Vec<&Approval> = self
            .state
            .approvals
            .values()
            .map(|row| &row.approval)
            .filter(|a| a.state == ApprovalState::Pending && a.kind == ApprovalKind::Agent && a.pane == *pane)
            .collect();
        if of_pane.iter().any(|asked| asked.question == question && asked.options == options) {
            return;
        }
        let surplus = of_pane.len().saturating_sub(MOST_OF_AGENTS - 1);
        let oldest: Vec<ApprovalId> = of_pane.iter().take(surplus).map(|asked| asked.id.clone()).collect();
        for id in &oldest {
            self.supersede(id);
        }
        // Where no option says yes, a plain yes says nothing.
        let steps = affirmative(&options).map(|label| answer_steps(&options, label, &answers)).unwrap_or_default();
        let ask = Ask {
            kind: ApprovalKind::Agent,
            question,
            effect_text: super::text::steps_in_words(&steps),
            effect: steps,
            options,
            program: self.state.panes.get(pane).map(|row| row.info.facts.command.clone()),
            asker: front.cloned(),
            answers,
            ..Ask::default()
        };
        self.ask(pane, None, ask);
    }
}
