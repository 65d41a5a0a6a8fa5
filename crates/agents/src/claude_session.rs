//! Claude Code's session file, `sessions/PID.json` in its configuration folder (seen with 2.1.329 and 2.1.332).
//!
//! Undocumented, so it speaks only with a known status, and only for the very process that it names: the file outlives a
//! process that was killed.

use super::AgentProcess;
use serde::Deserialize;
use tmuxagent_model::AgentState;

/// What a file of the agent's own says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorState {
    /// The state.
    pub state: AgentState,
    /// The record that says so.
    pub rule: String,
    /// What it was read from.
    pub text: String,
    /// Changes with each change of the state, also with one that nobody saw: when it came, in the agent's own count.
    pub changed: Option<u64>,
}

/// What became of a session file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// It speaks for this process.
    Says(VendorState),
    /// It belongs to another process: an earlier one with the same id, or one elsewhere.
    OtherProcess,
    /// It can't be read, or says something that is not known: another version.
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    pid: u32,
    /// Written as a text; a number would say the same.
    proc_start: Option<serde_json::Value>,
    status: Option<String>,
    waiting_for: Option<String>,
    status_updated_at: Option<u64>,
    version: Option<String>,
}

/// Reads a session file for a process.
#[must_use]
pub fn claude_session(text: &str, process: &AgentProcess) -> SessionState {
    let file: File = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => return SessionState::Unknown(error.to_string()),
    };
    let start = match &file.proc_start {
        Some(serde_json::Value::String(text)) => text.parse::<u64>().ok(),
        Some(value) => value.as_u64(),
        None => None,
    };
    let Some(start) = start else { return SessionState::Unknown("procStart".to_owned()) };
    if !process.pids.contains(&(file.pid, start)) {
        return SessionState::OtherProcess;
    }
    let Some(status) = file.status else { return SessionState::Unknown("status".to_owned()) };
    let waits = file.waiting_for.as_deref();
    let state = match (status.as_str(), waits) {
        ("busy" | "shell", _) => AgentState::Working,
        ("idle", _) => AgentState::Idle,
        ("waiting", Some("permission prompt")) => AgentState::NeedsApproval,
        ("waiting", _) => AgentState::NeedsAnswer,
        _ => return SessionState::Unknown(format!("status {status}")),
    };
    let rule = format!("sessions/{}.json ({})", file.pid, file.version.as_deref().unwrap_or("?"));
    let text = waits.map_or(status.clone(), |waits| format!("{status}: {waits}"));
    SessionState::Says(VendorState { state, rule, text, changed: file.status_updated_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process() -> AgentProcess {
        AgentProcess { agent: "claude".into(), pid: 18383, start: 196_995, pids: vec![(18383, 196_995)] }
    }

    fn file(more: &str) -> String {
        format!(
            r#"{{"pid":18383,"sessionId":"x","procStart":"196995","version":"2.1.332","kind":"interactive"{more}}}"#
        )
    }

    #[test]
    fn a_file_speaks_for_its_own_process_alone() {
        let says = |text: &str| claude_session(text, &process());
        let state = |text: &str| match says(text) {
            SessionState::Says(said) => said.state,
            other => panic!("{other:?}"),
        };
        assert_eq!(state(&file(r#","status":"busy""#)), AgentState::Working);
        assert_eq!(state(&file(r#","status":"idle""#)), AgentState::Idle);
        let waiting = file(r#","status":"waiting","waitingFor":"permission prompt""#);
        assert_eq!(state(&waiting), AgentState::NeedsApproval);
        assert_eq!(state(&file(r#","status":"waiting","waitingFor":"input needed""#)), AgentState::NeedsAnswer);
        assert_eq!(says(&waiting.replace("196995", "196996")), SessionState::OtherProcess, "the id was used again");
        for unknown in [file(""), file(r#","status":"pondering""#), "{".to_owned(), waiting.replace("procStart", "x")] {
            assert!(matches!(says(&unknown), SessionState::Unknown(_)), "{unknown}");
        }
    }
}
