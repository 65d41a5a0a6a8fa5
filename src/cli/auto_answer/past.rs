//! Dialogs that were asked in the past, out of the journal.

use super::super::journal::{reader, unreadable};
use super::super::{CliError, Session};
use std::collections::HashMap;
use tmuxagent_model::{Approval, ApprovalKind, Event, PaneFacts, PaneKey, Timestamp};
use tmuxagent_store::Found;
use tmuxagent_text::clean;

/// A dialog, where it was shown, and what became of its question.
pub(super) struct Past {
    pub agent: String,
    pub facts: PaneFacts,
    pub question: Box<tmuxagent_model::AgentQuestion>,
    pub approval: Approval,
}

/// All dialogs since an instant, oldest first.
pub(super) fn dialogs(session: &Session, since: Timestamp) -> Result<Vec<Past>, CliError> {
    let reader = reader(session)?;
    let approvals = reader.approvals(u32::MAX).map_err(|error| unreadable(&error))?;
    let is_dialog = |approval: &Approval| matches!(approval.kind, ApprovalKind::Dialog { .. });
    // A question is asked at the instant at which its dialog was told.
    let mut asked: HashMap<(PaneKey, Timestamp), Approval> = approvals
        .into_iter()
        .filter(is_dialog)
        .map(|approval| ((approval.pane.clone(), approval.asked_at), approval))
        .collect();
    let (mut panes, mut found) = (HashMap::new(), Vec::new());
    for entry in reader.journal(0) {
        let entry = entry.map_err(|error| unreadable(&error))?;
        match entry.event {
            Event::PaneSeen { info } => drop(panes.insert(info.key, info.facts)),
            Event::Dialog { pane, agent, question: Some(question), .. } if entry.at >= since => {
                let Some(approval) = asked.remove(&(pane.clone(), entry.at)) else { continue };
                let facts = panes.get(&pane).cloned().unwrap_or_default();
                found.push(Past { agent, facts, question, approval });
            }
            _ => {}
        }
    }
    Ok(found)
}

/// One approval by its identity or a unique beginning of it, and the folder of its pane when it was asked.
pub(super) fn approval(session: &Session, id: &str) -> Result<(Approval, Option<String>), CliError> {
    let reader = reader(session)?;
    let not_found = |candidates| CliError::NotFound {
        text: format!("there is no single approval {}", clean(id)),
        hint: "`tmuxagent approvals --all` lists them".to_owned(),
        candidates,
    };
    let approval = match reader.approval(id).map_err(|error| unreadable(&error))? {
        Found::One(approval) => approval,
        Found::None => return Err(not_found(Vec::new())),
        Found::Several(names) => return Err(not_found(names)),
    };
    let mut folder = None;
    for entry in reader.journal(0) {
        let entry = entry.map_err(|error| unreadable(&error))?;
        if entry.at > approval.asked_at {
            break;
        }
        if let Event::PaneSeen { info } = entry.event
            && info.key == approval.pane
        {
            folder = Some(info.facts.path);
        }
    }
    Ok((approval, folder.filter(|folder| folder.starts_with('/'))))
}
