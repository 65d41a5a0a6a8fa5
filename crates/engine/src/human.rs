//! Questions of agents that wait for the answer themselves, by a call of a tool. They stand in the one queue, and are decided
//! as every other; what was decided is read off the question, and nothing is typed.

use super::expiry::OnExpiry;
use super::gate::Ask;
use super::text::{one_line, visible};
use super::turn::Turn;
use super::{Answer, RefusalKind};
use tmuxagent_model::{ApprovalId, ApprovalKind, ApprovalState, HumanCall, PaneKey};

/// So many questions of one pane may be open: an agent that asks without waiting is refused, and no older one makes room,
/// since somebody waits for it.
const MOST: usize = 20;
/// The most rows of what a person should know.
const ROWS: usize = 40;

impl Turn<'_> {
    /// An agent asks, once for each call.
    pub fn ask_for_call(&mut self, pane: &PaneKey, agent: &str, asks: &HumanCall) {
        let asked = || Answer::Ok { run: None, intents: Vec::new(), text: "asked".to_owned() };
        let rows = || self.state.approvals.values();
        if rows().any(|row| row.call.as_deref() == Some(&asks.call)) {
            return self.reply(asked());
        }
        if self.state.panes.get(pane).is_none() {
            let why = format!("there is no pane {}:{}", pane.host, pane.pane);
            return self.reply(Answer::refused(RefusalKind::NotFound, why));
        }
        let open = |row: &&super::state::ApprovalRow| {
            row.call.is_some() && row.approval.pane == *pane && row.approval.state == ApprovalState::Pending
        };
        if rows().filter(open).count() >= MOST {
            let why = format!("{MOST} questions of this pane wait for an answer already");
            return self.reply(Answer::refused(RefusalKind::Refused, why));
        }
        let words = |text: &str| visible(&self.cleaner.clean(text.trim()));
        let detail = self.cleaner.clean(&asks.detail);
        let detail = detail.lines().map(|row| visible(row.trim_end())).filter(|row| !row.is_empty()).take(ROWS);
        // It is given back the words, so an empty one stands for nothing.
        let offered: Vec<String> = asks.options.iter().filter(|option| !one_line(option).is_empty()).cloned().collect();
        let ask = Ask {
            kind: ApprovalKind::Agent,
            question: format!("{}: {}", visible(agent), words(&asks.question)),
            options: self.options_shown(&offered),
            evidence: Some(detail.collect()),
            expires: Some(asks.expires),
            on_expiry: OnExpiry::Reject,
            ..Ask::default()
        };
        let id = self.ask(pane, None, ask);
        if let Some(row) = self.state.approvals.get_mut(&id) {
            row.call = Some(asks.call.clone());
        }
        self.reply(asked());
    }

    /// Nobody waits for the answer any more.
    pub fn take_back_call(&mut self, call: &str) {
        let rows = self.state.approvals.values().filter(|row| row.call.as_deref() == Some(call));
        let ids: Vec<ApprovalId> = rows.map(|row| row.approval.id.clone()).collect();
        for id in &ids {
            self.supersede(id);
        }
        self.reply(Answer::Ok { run: None, intents: Vec::new(), text: "taken back".to_owned() });
    }
}
