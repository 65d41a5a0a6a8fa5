//! `ask_human`: a question in the one queue, and the wait for its answer.
//!
//! The question stands as long as whoever asks it is connected. A supervisor that ends in between keeps it, and the call
//! goes on with the next one: it names itself, so that it is never asked twice.

use super::super::connection::Connection;
use super::super::{CliError, Session};
use super::tools::{Stopped, connect};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request, ServerFrame};
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, HumanCall, Millis};
use tmuxagent_text::clean;

/// How often it is looked whether the answer is still wanted, and whether there is a supervisor again.
const LOOK: Duration = Duration::from_millis(500);
/// How long a question is open when nobody says how long, and at most.
const OPEN: (u64, u64) = (24 * 3600, 30 * 24 * 3600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskHuman {
    question: String,
    #[serde(default)]
    options: Vec<String>,
    detail: Option<String>,
    timeout_seconds: Option<u64>,
}

/// Asks, and waits for the answer.
pub(super) fn run(session: &Session, asked: &AskHuman, stopped: Stopped<'_>) -> Result<Value, CliError> {
    if asked.question.trim().is_empty() {
        return Err(CliError::user("the question is empty", "say what is asked"));
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| CliError::internal(color_eyre::eyre::eyre!("{error}")))?;
    let asks = HumanCall {
        call: random.iter().map(|byte| format!("{byte:02x}")).collect(),
        question: asked.question.clone(),
        options: asked.options.clone(),
        detail: asked.detail.clone().unwrap_or_default(),
        expires: Millis::from_secs(asked.timeout_seconds.unwrap_or(OPEN.0).clamp(1, OPEN.1)),
    };
    let request = Request::AskHuman { asks: Box::new(asks) };
    let mut open = false;
    while !stopped() {
        match attempt(session, &request, &mut open, stopped) {
            Ok(Some(approval)) => return Ok(told(&approval)),
            Ok(None) => {}
            // Before it was asked nothing is waited for.
            Err(error) if !open || !is_passing(&error) => return Err(error),
            Err(_) => {}
        }
        std::thread::sleep(LOOK);
    }
    Err(CliError::user("the call was given up, and so is the question", "nothing was decided"))
}

/// Whether a supervisor that starts may still answer.
const fn is_passing(error: &CliError) -> bool {
    matches!(
        error,
        CliError::NoSupervisor { .. }
            | CliError::Uncertain { .. }
            // Its panes are not known yet.
            | CliError::Answer { kind: ErrorKind::NotFound | ErrorKind::Ending | ErrorKind::Internal, .. }
    )
}

/// With one supervisor: the question once it is closed; `None` where that one ended first.
fn attempt(
    session: &Session,
    request: &Request,
    open: &mut bool,
    stopped: Stopped<'_>,
) -> Result<Option<Approval>, CliError> {
    let mut connection = connect(session)?;
    connection.ask(Request::Subscribe)?;
    let approval = match connection.ask(request.clone())? {
        Reply::Approval { approval } => *approval,
        _ => return Err(super::tools::gone()),
    };
    *open = true;
    if approval.state != ApprovalState::Pending {
        return Ok(Some(approval));
    }
    while !stopped() {
        match connection.push_within(LOOK) {
            None => {}
            Some(Some(ServerFrame::Snapshot { snapshot })) => {
                let shown = snapshot.approvals.into_iter().find(|shown| shown.id == approval.id);
                match shown {
                    Some(shown) if shown.state == ApprovalState::Pending => {}
                    Some(shown) => return Ok(Some(shown)),
                    None => {
                        if let Some(closed) = closed(&mut connection, &approval.id)? {
                            return Ok(Some(closed));
                        }
                    }
                }
            }
            Some(Some(ServerFrame::Bye { .. }) | None) => return Ok(None),
            Some(Some(ServerFrame::Reply { .. } | ServerFrame::Events { .. } | ServerFrame::Screen { .. })) => {}
        }
    }
    Ok(None)
}

/// The question, where it is closed: a picture may be older than it.
fn closed(connection: &mut Connection, id: &ApprovalId) -> Result<Option<Approval>, CliError> {
    let found = connection.approval(id.as_str())?;
    Ok(Some(found).filter(|found| found.state != ApprovalState::Pending))
}

/// What came of it.
fn told(approval: &Approval) -> Value {
    match &approval.decision {
        Some(decision) => json!({
            "decided": true,
            "approved": decision.verdict.approve,
            "answer": decision.verdict.answer.as_deref().map(clean),
            "by": { "who": clean(&decision.by.who), "via": decision.by.via },
        }),
        None => json!({ "decided": false, "state": approval.state }),
    }
}
