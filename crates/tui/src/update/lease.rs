//! A lease that is given with the approval of an agent's dialog.

use super::super::editor::Editor;
use super::super::model::{Input, InputKind, Model, Overlay};
use super::super::msg::Action;
use super::decide::{decidable_in_words, done};
use super::keys::{notice, show};
use super::toast;
use tmuxagent_model::{Approval, ApprovalKind, Command, LeaseOffer, Severity};
use tmuxagent_text::{clean, message};

/// How long a lease holds where nobody says otherwise.
const USUAL: &str = "30m";

/// What a lease with the approval of a question would allow, where it would allow something.
pub fn offer(approval: &Approval) -> Option<&LeaseOffer> {
    match &approval.kind {
        ApprovalKind::Dialog { lease, .. } => Some(lease).filter(|lease| !lease.class.is_empty()),
        _ => None,
    }
}

/// Opens an input line for its time; says why none is given.
pub(super) fn ask(model: &mut Model) -> Vec<Action> {
    let Some(approval) = decidable_in_words(model) else { return Vec::new() };
    if offer(&approval).is_some() {
        let editor = Editor::with(USUAL);
        return show(model, Overlay::Input(Input { kind: InputKind::Lease { approval }, editor }));
    }
    let why = match &approval.kind {
        ApprovalKind::Dialog { lease, .. } if !lease.refused.is_empty() => {
            format!("no lease is given for this: {}", lease.refused)
        }
        _ => "a lease goes with an agent's question about a command, and this is none".to_owned(),
    };
    let text = clean(&message(model.lang(), &why));
    notice(model, text)
}

/// Approves, and gives the lease for the time that was written.
pub(super) fn given(model: &mut Model, approval: &Approval, time: &str) -> Vec<Action> {
    match tmuxagent_yaml::read_duration(time) {
        Ok(span) => {
            let wish = Command::GrantLease { approval: approval.id.clone(), revision: approval.revision, span };
            done(model, wish)
        }
        Err(why) => {
            let text = clean(&message(model.lang(), &why));
            toast(model, Severity::Warning, text);
            Vec::new()
        }
    }
}
