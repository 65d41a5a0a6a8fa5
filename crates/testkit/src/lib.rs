//! Samples that the tests of several crates share. Never a dependency of the program.

pub mod random;

use tmuxagent_model::{
    Alert, AlertKind, Approval, ApprovalId, ApprovalKind, ApprovalState, HostName, KeyStep, PaneId, PaneKey, RunId,
    ServerId, Timestamp, Urgency,
};

/// An open approval of a gate.
#[must_use]
pub fn approval() -> Approval {
    Approval {
        id: ApprovalId::new("01J8ZQ4M3V5C2N7R9T1W6X8Y0A"),
        revision: 1,
        kind: ApprovalKind::Gate,
        state: ApprovalState::Pending,
        pane: PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(3), pid: 7 },
        place: "proj:storyapp.0".into(),
        run: Some(RunId(12)),
        pipeline: Some("storyapp-ci".into()),
        stage: Some("build".into()),
        attempt: 1,
        question: "Build after green tests?".into(),
        effect: vec![KeyStep::Text("npm run build".into()), KeyStep::Key("Enter".into())],
        effect_text: "npm run build ⏎".into(),
        effect_no: Vec::new(),
        option_effects: Vec::new(),
        evidence: vec!["Tests: 42 passed".into(), "Done in 3.1s".into()],
        options: vec![],
        confirm: None,
        approvers: Vec::new(),
        folder: String::new(),
        asked_at: Timestamp(1_700_000_000_000),
        expires_at: Some(Timestamp(1_700_003_600_000)),
        reminders: 0,
        decision: None,
        closed_at: None,
        undo_until: None,
    }
}

/// The alert that speaks of it.
#[must_use]
pub fn alert() -> Alert {
    Alert {
        kind: AlertKind::Approval,
        urgency: Urgency::High,
        title: "storyapp-ci build".into(),
        body: String::new(),
        approval: Some(approval().id),
        run: Some(RunId(12)),
        dedupe: "a".into(),
        channels: vec![],
    }
}
