//! What exists and what is to be → what is to be done. Pure.

use super::kept_name;
use super::look::{Found, FoundPane};
use super::workspace::{Pane, Session, Window, Workspace, Worktree};
use tmuxagent_model::HostName;

/// What is to be done, and what is not as the file says and is left so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What exists and differs.
    pub differences: Vec<Difference>,
    /// Windows that are there already.
    pub kept: usize,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The host on which it is done or differs.
    pub host: HostName,
    /// The deed itself.
    pub what: What,
}

/// What a [`Step`] does on its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Make a git worktree.
    Worktree(Worktree),
    /// Make a session with its first window.
    Session {
        /// The session that it belongs to.
        session: Session,
        /// Its first window.
        window: Window,
    },
    /// Make a window in a session that is there.
    Window {
        /// The session that it belongs to.
        session: Session,
        /// The window that is missing.
        window: Window,
    },
    /// Close a pane.
    Close {
        /// Which, as `%3`.
        pane: String,
        /// Where it is, for people.
        place: String,
        /// What runs in it.
        command: String,
    },
}

impl Step {
    /// The kind, for scripts.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.what {
            What::Worktree(_) => "worktree",
            What::Session { .. } => "session",
            What::Window { .. } => "window",
            What::Close { .. } => "close",
        }
    }

    /// What it is about, for people.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.what {
            What::Worktree(worktree) => format!("{} ({})", worktree.folder, worktree.branch),
            What::Session { session, window } | What::Window { session, window } => {
                format!("{} {}", session.name, shown(window))
            }
            What::Close { pane, place, command } => format!("{place} {pane} ({command})"),
        }
    }
}

fn shown(window: &Window) -> String {
    let panes: Vec<String> = window.panes.iter().map(shown_pane).collect();
    format!("{}: {}", window.name, panes.join(" | "))
}

fn shown_pane(pane: &Pane) -> String {
    let mut text = pane.folder.clone();
    if !pane.command.is_empty() {
        text = format!("{text} $ {}", pane.command);
    }
    if pane.role.is_empty() { text } else { format!("{text} [{}]", pane.role) }
}

/// Something that exists and is not as the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The host on which it is done or differs.
    pub host: HostName,
    /// The session and window.
    pub place: String,
    /// How it differs from the file, for people.
    pub text: String,
}

/// The steps that make what is missing.
#[must_use]
pub fn up(workspace: &Workspace, found: &[Found]) -> Plan {
    let mut plan = Plan::default();
    for session in &workspace.sessions {
        let nobody = Found::nothing(session.host.clone());
        let there = found.iter().find(|found| found.host == session.host).unwrap_or(&nobody);
        let of_session: Vec<&FoundPane> =
            there.panes.iter().filter(|pane| kept_name(&pane.session) == kept_name(&session.name)).collect();
        let mut exists = !of_session.is_empty();
        for window in &session.windows {
            let panes: Vec<&FoundPane> = of_session.iter().filter(|pane| pane.window == window.name).copied().collect();
            if !panes.is_empty() {
                plan.kept += 1;
                compare(&mut plan, there, session, window, &panes);
                continue;
            }
            let host = session.host.clone();
            if let Some(worktree) = window.worktree.as_ref().filter(|tree| !there.has_folder(&tree.folder)) {
                plan.steps.push(Step { host: host.clone(), what: What::Worktree(worktree.clone()) });
            }
            let window = window.clone();
            let session = session.clone();
            let what = if exists { What::Window { session, window } } else { What::Session { session, window } };
            exists = true;
            plan.steps.push(Step { host, what });
        }
    }
    plan
}

fn compare(plan: &mut Plan, there: &Found, session: &Session, window: &Window, panes: &[&FoundPane]) {
    let mut differs = |text: String| {
        let place = format!("{}:{}", session.name, window.name);
        plan.differences.push(Difference { host: session.host.clone(), place, text });
    };
    if panes.len() != window.panes.len() {
        differs(format!("has {} panes, not {}", panes.len(), window.panes.len()));
        return;
    }
    for (n, (is, wanted)) in panes.iter().zip(&window.panes).enumerate() {
        let pane = if panes.len() == 1 { String::new() } else { format!("pane {n}: ") };
        if !wanted.role.is_empty() && is.role != wanted.role {
            differs(format!("{pane}role `{}`, not `{}`", is.role, wanted.role));
        }
        if !wanted.title.is_empty() && is.title != wanted.title {
            differs(format!("{pane}title `{}`, not `{}`", is.title, wanted.title));
        }
        let folder = there.expand(&wanted.folder);
        if !is.folder.is_empty() && is.folder.trim_end_matches('/') != folder.trim_end_matches('/') {
            differs(format!("{pane}began in {}, not {folder}", is.folder));
        }
    }
}

/// The steps that close what [`up`] made.
#[must_use]
pub fn down(name: &str, found: &[Found]) -> Plan {
    let mut plan = Plan::default();
    for there in found {
        for pane in &there.panes {
            if pane.mark != name {
                plan.kept += 1;
                continue;
            }
            let what = What::Close {
                pane: pane.id.clone(),
                place: format!("{}:{}", pane.session, pane.window),
                command: pane.command.clone(),
            };
            let step = Step { host: there.host.clone(), what };
            // A window may be linked into several sessions.
            if !plan.steps.contains(&step) {
                plan.steps.push(step);
            }
        }
    }
    plan
}
