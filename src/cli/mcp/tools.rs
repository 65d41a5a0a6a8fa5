//! What each tool does.

use super::super::connection::Connection;
use super::super::{CliError, Session, target, wait};
use super::ask;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tmuxagent_agents::Screen;
use tmuxagent_ipc::wire::{Request, ServerFrame};
use tmuxagent_model::{AgentMessage, ApprovalState, Command, MessageType, Millis, PaneView, Snapshot, Variables, Via};
use tmuxagent_text::clean;

/// So many lines of a pane are read when nobody says how many, and at most.
const LINES: (usize, usize) = (50, 200);
/// The most characters of one line.
const COLUMNS: usize = 400;
/// How long a screen may take to come.
const SCREEN: Duration = Duration::from_secs(5);
/// How long is waited for a pane when nobody says how long.
const WAIT: u64 = 600;

/// Whether the answer is not wanted any more.
pub(super) type Stopped<'a> = &'a dyn Fn() -> bool;

/// Calls a tool.
pub(super) fn call(session: &Session, name: &str, arguments: Value, stopped: Stopped<'_>) -> Result<Value, CliError> {
    match name {
        "ask_human" => ask::run(session, &read(name, arguments)?, stopped),
        "report_status" => report_status(session, read(name, arguments)?),
        "list_panes" => {
            let Nothing {} = read(name, arguments)?;
            list_panes(session)
        }
        "read_pane" => read_pane(session, &read(name, arguments)?),
        "wait_for" => wait_for(session, &read(name, arguments)?, stopped),
        "run_pipeline" => run_pipeline(session, read(name, arguments)?),
        _ => Err(CliError::user(format!("there is no tool `{}`", clean(name)), "list the tools")),
    }
}

/// The arguments of a tool; one that it does not know is refused, so that nothing is asked for in vain.
fn read<T: DeserializeOwned>(name: &str, arguments: Value) -> Result<T, CliError> {
    serde_json::from_value(arguments).map_err(|error| {
        let text = format!("wrong arguments for `{name}`: {}", clean(&error.to_string()));
        CliError::user(text, "its schema says what it takes")
    })
}

pub(super) fn connect(session: &Session) -> Result<Connection, CliError> {
    Connection::open_as(session, Via::Mcp)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportStatus {
    summary: String,
    stage: Option<String>,
    ok: Option<bool>,
    kind: Option<Kind>,
    detail: Option<String>,
    #[serde(default)]
    inputs: Variables,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    Error,
    Action,
    Log,
}

fn report_status(session: &Session, asked: ReportStatus) -> Result<Value, CliError> {
    let kind = match asked.kind {
        None | Some(Kind::Status) => MessageType::Status,
        Some(Kind::Error) => MessageType::Error,
        Some(Kind::Action) => MessageType::Action,
        Some(Kind::Log) => MessageType::Log,
    };
    let ReportStatus { summary, stage, ok, detail, inputs, .. } = asked;
    let message = AgentMessage { stage, ok, summary: Some(summary), detail, inputs, ..AgentMessage::new(kind) };
    connect(session)?.ask(Request::Say { message: Box::new(message) })?;
    Ok(json!({ "told": true }))
}

fn list_panes(session: &Session) -> Result<Value, CliError> {
    let snapshot = connect(session)?.snapshot_of_panes()?;
    let redactor = super::super::redactor_of(&session.overrides, &session.environment);
    let told = |text: &str| clean(&redactor.redact(text));
    let pane = |pane: &PaneView| {
        let facts = &pane.info.facts;
        json!({
            "pane": pane.info.short(),
            "place": told(&pane.info.place()),
            "program": told(&facts.command),
            "folder": told(&facts.path),
            "agent": pane.agent.as_ref().map(|agent| json!({ "name": agent.agent, "state": agent.state })),
            "reads": pane.reader.reads,
            "pipelines": pane.pipelines.iter().map(|name| told(name)).collect::<Vec<_>>(),
            "asks": asked_there(&snapshot, pane),
            "last_line": told(&pane.last_line),
        })
    };
    Ok(json!({ "panes": snapshot.panes.iter().map(pane).collect::<Vec<_>>() }))
}

/// Whether a person is asked something in a pane. Which question that is no agent needs to know.
fn asked_there(snapshot: &Snapshot, pane: &PaneView) -> bool {
    let mut open = snapshot.approvals.iter().filter(|approval| approval.state == ApprovalState::Pending);
    open.any(|approval| approval.pane == pane.info.key)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadPane {
    pane: String,
    lines: Option<usize>,
}

fn read_pane(session: &Session, asked: &ReadPane) -> Result<Value, CliError> {
    let mut connection = connect(session)?;
    let snapshot = connection.snapshot()?;
    let pane = target::pane(&snapshot, &session.as_shown(&asked.pane))?;
    let key = pane.info.key.clone();
    connection.ask(Request::WatchPane { pane: Some(key.clone()) })?;
    let deadline = Instant::now() + SCREEN;
    let rows = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match connection.push_within(left) {
            Some(Some(ServerFrame::Screen { pane, rows })) if pane == key => break rows,
            Some(Some(_)) => {}
            Some(None) => return Err(gone()),
            None => {
                let text = format!("{} shows nothing now", pane.info.short());
                return Err(CliError::user(text, "its host may not be reached: list the panes"));
            }
        }
    };
    let redactor = super::super::redactor_of(&session.overrides, &session.environment);
    // As one text: a secret may go on in the next row.
    let rows: Vec<String> = Screen::of(&rows.join("\n")).rows.into_iter().map(|row| row.text).collect();
    let text = redactor.redact(&rows.join("\n"));
    let rows: Vec<&str> = text.trim_end().lines().collect();
    let most = asked.lines.unwrap_or(LINES.0).clamp(1, LINES.1);
    let last = &rows[rows.len().saturating_sub(most)..];
    let lines: Vec<String> = last.iter().map(|row| clean(row).chars().take(COLUMNS).collect()).collect();
    Ok(json!({ "pane": pane.info.short(), "lines": lines }))
}

/// The supervisor ended.
pub(super) fn gone() -> CliError {
    CliError::NoSupervisor { text: "the supervisor ended before that was so".to_owned() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitFor {
    pane: String,
    r#for: String,
    timeout_seconds: Option<u64>,
}

fn wait_for(session: &Session, asked: &WaitFor, stopped: Stopped<'_>) -> Result<Value, CliError> {
    let limit = Millis::from_secs(asked.timeout_seconds.unwrap_or(WAIT));
    let wait_for = wait::Wait { pane: &asked.pane, wanted: &asked.r#for, timeout: Some(limit) };
    let waited = wait::wait(session, || connect(session), &wait_for, stopped)?;
    Ok(waited.told(&asked.pane))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunPipeline {
    pane: String,
    pipeline: Option<String>,
    stage: Option<String>,
}

fn run_pipeline(session: &Session, asked: RunPipeline) -> Result<Value, CliError> {
    let mut connection = connect(session)?;
    let snapshot = connection.snapshot()?;
    let pane = target::pane(&snapshot, &session.as_shown(&asked.pane))?;
    let pipeline = match (asked.pipeline, &pane.pipelines[..]) {
        (Some(named), _) => named,
        (None, [only]) => only.clone(),
        (None, known) => {
            return Err(CliError::NotFound {
                text: format!("{} pipelines apply to {}", known.len(), pane.info.short()),
                hint: "say which one:".to_owned(),
                candidates: known.iter().map(|name| clean(name)).collect(),
            });
        }
    };
    let command =
        Command::Start { pane: pane.info.key.clone(), pipeline, stage: asked.stage, inputs: Variables::new() };
    let committed = connection.command(command)?;
    Ok(json!({ "run": committed.value["run"], "text": clean(&committed.text) }))
}
