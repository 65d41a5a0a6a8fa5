//! Status reports in the stream: OSC 7501, the Program Status Protocol (revision 0.4; seen with Codex 0.171 and, where its
//! question is answered, Claude Code 2.1.332).

use base64::Engine as _;
use tmuxagent_model::{AgentState, ProgramState};

/// One report. Each replaces the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the program says of itself.
    pub state: ProgramState,
    /// What it calls itself.
    pub app: Option<String>,
}

/// The longest message that is kept, bytes.
const LONGEST: usize = 4096;

impl Report {
    /// Reads what stands behind `7501;`: `state=S[:app=A][:kind=K][:msg=base64]…`.
    #[must_use]
    pub fn parse(fields: &str) -> Option<Self> {
        let field = |name: &str| fields.split(':').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let clean = |text: &str| {
            let text: String = text.chars().filter(|c| !c.is_control()).collect();
            let end = (0..=LONGEST.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text[..end].trim().to_owned()
        };
        let decoded = |text: &str| {
            let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
            Some(clean(&String::from_utf8_lossy(&bytes))).filter(|text| !text.is_empty())
        };
        let state = match field("state")? {
            "idle" => ProgramState::Idle,
            "working" => ProgramState::Working,
            "done" => ProgramState::Done,
            "blocked" => {
                ProgramState::Blocked { kind: field("kind").map(clean), message: field("msg").and_then(decoded) }
            }
            "error" => ProgramState::Error,
            "clear" => ProgramState::Clear,
            _ => return None,
        };
        Some(Self { state, app: field("app").map(clean) })
    }

    /// The state that it speaks for; `None` where it says nothing of one.
    pub(crate) fn agent_state(&self) -> Option<AgentState> {
        Some(match &self.state {
            ProgramState::Idle => AgentState::Idle,
            ProgramState::Working => AgentState::Working,
            ProgramState::Done => AgentState::Done,
            ProgramState::Blocked { kind, .. } => match kind.as_deref() {
                Some("permission") => AgentState::NeedsApproval,
                Some("auth") => AgentState::Starting,
                _ => AgentState::NeedsAnswer,
            },
            ProgramState::Error => AgentState::Error,
            ProgramState::Clear | ProgramState::Notification { .. } => return None,
        })
    }

    /// Its words, for people.
    pub(crate) fn words(&self) -> String {
        match &self.state {
            ProgramState::Blocked { message, .. } => message.clone().unwrap_or_default(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_reports_are_read() {
        let report =
            Report::parse("state=blocked:app=claude-code:kind=permission:msg=YXBwcm92ZSBCYXNoOiB0b3VjaCB4Mg==");
        let report = report.unwrap();
        assert_eq!(report.app.as_deref(), Some("claude-code"));
        assert_eq!(report.agent_state(), Some(AgentState::NeedsApproval));
        assert_eq!(report.words(), "approve Bash: touch x2");
        assert_eq!(Report::parse("state=idle:app=codex").unwrap().agent_state(), Some(AgentState::Idle));
        assert_eq!(Report::parse("state=clear").unwrap().agent_state(), None);
        for wrong in ["?", "", "state=unheard", "app=codex"] {
            assert_eq!(Report::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Report::parse("state=blocked:msg=%%%").unwrap().words(), "");
        assert!(Report::parse(&format!("state=idle:app={}", "界".repeat(9000))).unwrap().app.unwrap().len() <= LONGEST);
    }
}
