//! opencode's own server (`opencode --port N`): what its stream of events tells of the sessions that it holds, all of them of
//! one terminal (`GET /event`, seen with 1.18.33).
//!
//! **Invariant:** a word that is not known is no state.

use super::VendorState;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tmuxagent_model::AgentState;

/// So many sessions and questions are kept in mind.
const MOST: usize = 256;

/// What is known of the sessions of one opencode.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    /// Those that do not rest.
    busy: BTreeMap<String, String>,
    /// The permissions that it waits for.
    asked: BTreeSet<String>,
    /// Somebody said something that is not known: another version.
    unknown: bool,
}

impl Sessions {
    /// As they are: the answers to `GET /session/status` and `GET /permission`. `None`: they can't be read.
    #[must_use]
    pub fn of(statuses: &str, permissions: &str) -> Option<Self> {
        let mut sessions = Self::default();
        let statuses: BTreeMap<String, Value> = serde_json::from_str(statuses).ok()?;
        for (session, status) in statuses {
            sessions.does(session, status.get("type")?.as_str()?);
        }
        let permissions: Vec<Value> = serde_json::from_str(permissions).ok()?;
        let names = permissions.iter().filter_map(|asked| asked.get("id")?.as_str());
        sessions.asked = names.map(str::to_owned).take(MOST).collect();
        Some(sessions)
    }

    /// Takes one event: what stands behind `data: `.
    pub fn take(&mut self, event: &str) {
        let Ok(event) = serde_json::from_str::<Value>(event) else { return };
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        match event.get("type").and_then(Value::as_str) {
            Some("session.status") => {
                let (session, status) = (text("/properties/sessionID"), text("/properties/status/type"));
                match session.zip(status) {
                    Some((session, status)) => self.does(session, &status),
                    None => self.unknown = true,
                }
            }
            Some("session.idle" | "session.deleted") => {
                let session = text("/properties/sessionID").or_else(|| text("/properties/info/id"));
                session.iter().for_each(|session| drop(self.busy.remove(session)));
            }
            Some("permission.asked") if self.asked.len() < MOST => self.asked.extend(text("/properties/id")),
            Some("permission.replied") => {
                self.asked.retain(|asked| Some(asked) != text("/properties/requestID").as_ref());
            }
            _ => {}
        }
    }

    fn does(&mut self, session: String, status: &str) {
        match status {
            "idle" => drop(self.busy.remove(&session)),
            "busy" | "retry" if self.busy.len() < MOST => drop(self.busy.insert(session, status.to_owned())),
            "busy" | "retry" => {}
            _ => self.unknown = true,
        }
    }

    /// What the agent does; `None` where that is not known.
    #[must_use]
    pub fn state(&self) -> Option<VendorState> {
        let said = |state, rule: &str, text: &str| {
            Some(VendorState { state, rule: format!("events {rule}"), text: text.to_owned(), changed: None })
        };
        if self.unknown {
            return None;
        }
        match (self.asked.is_empty(), self.busy.values().next()) {
            (false, _) => said(AgentState::NeedsApproval, "permission.asked", ""),
            (true, Some(status)) => said(AgentState::Working, "session.status", status),
            (true, None) => said(AgentState::Idle, "session.status", "idle"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = include_str!("../../../tests/fixtures/opencode-1.18.33-events.sse");

    fn state(sessions: &Sessions) -> &'static str {
        sessions.state().map_or("unknown", |said| said.state.word())
    }

    #[test]
    fn recorded_events_are_read() {
        let mut sessions = Sessions::of("{}", "[]").unwrap();
        let mut states = vec![state(&sessions)];
        for event in RECORDED.lines().filter_map(|line| line.strip_prefix("data: ")) {
            sessions.take(event);
            if states.last() != Some(&state(&sessions)) {
                states.push(state(&sessions));
            }
        }
        assert_eq!(states, ["idle", "working", "needs_approval", "working", "idle", "working"]);
    }

    #[test]
    fn what_is_there_already_is_read_and_other_words_are_no_state() {
        let busy = r#"{"s1":{"type":"retry","attempt":1},"s2":{"type":"busy"}}"#;
        assert_eq!(Sessions::of(busy, "[]").map(|all| state(&all)), Some("working"));
        assert_eq!(Sessions::of("{}", r#"[{"id":"per_1"}]"#).map(|all| state(&all)), Some("needs_approval"));
        assert!(Sessions::of("<html>", "[]").is_none() && Sessions::of("{}", "{}").is_none());
        let mut other = Sessions::of(r#"{"s":{"type":"pondering"}}"#, "[]").unwrap();
        assert_eq!(state(&other), "unknown");
        other.take("no JSON");
        assert_eq!(state(&other), "unknown");
        let mut two = Sessions::of(busy, "[]").unwrap();
        two.take(r#"{"type":"session.idle","properties":{"sessionID":"s1"}}"#);
        assert_eq!(state(&two), "working", "the other one works");
        two.take(r#"{"type":"session.deleted","properties":{"info":{"id":"s2"}}}"#);
        assert_eq!(state(&two), "idle");
    }
}
