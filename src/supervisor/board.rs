//! What is known at this instant beside the engine's state: the inventory, hosts, the last lines, problems, counts.
//! Together with the engine's view it makes the [`Snapshot`].
//!
//! **Invariant:** pure; nothing here survives a restart, and nothing here decides anything.

use crate::model::{
    Approval, ApprovalState, Counters, EventLine, Freeze, HeldSend, HostName, HostState, HostView, PaneInfo, PaneKey,
    PaneState, PaneView, Problem, ProgramState, RunState, RunView, Snapshot, StageState, Timestamp,
};
use std::collections::{BTreeMap, VecDeque};

/// How many events a snapshot carries.
const EVENTS: usize = 200;

/// A watched pane.
#[derive(Debug, Clone)]
pub struct Live {
    /// The inventory's facts.
    pub info: PaneInfo,
    /// When it last printed something.
    pub last_output: Option<Timestamp>,
    /// Its last line, untrusted.
    pub last_line: String,
    /// What its program said of itself last.
    pub program: Option<ProgramState>,
    /// Pipelines that apply.
    pub pipelines: Vec<String>,
}

/// What the engine shows of its state.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Pipelines on panes.
    pub runs: Vec<RunView>,
    /// Open approvals, then the last decided ones.
    pub approvals: Vec<Approval>,
    /// What the freeze holds back.
    pub held: Vec<HeldSend>,
    /// The freeze switch.
    pub frozen: Option<Freeze>,
}

/// Everything that a snapshot shows and the engine does not know.
#[derive(Debug, Default)]
pub struct Board {
    generation: u64,
    panes: BTreeMap<PaneKey, Live>,
    hosts: BTreeMap<HostName, HostView>,
    events: VecDeque<EventLine>,
    problems: BTreeMap<String, Problem>,
    /// Counts since the start.
    pub counters: Counters,
    /// The policy's principles.
    pub principles: Vec<String>,
}

impl Board {
    /// Continues with the last events of an earlier life.
    #[must_use]
    pub fn new(recent: Vec<EventLine>) -> Self {
        let mut board = Self::default();
        board.events.extend(recent);
        board
    }

    /// A pane appeared or changed.
    pub fn pane_seen(&mut self, info: PaneInfo, pipelines: Vec<String>) {
        match self.panes.get_mut(&info.key) {
            Some(live) => {
                live.info = info;
                live.pipelines = pipelines;
            }
            None => {
                let key = info.key.clone();
                let live = Live { info, last_output: None, last_line: String::new(), program: None, pipelines };
                self.panes.insert(key, live);
            }
        }
    }

    /// A pane is gone.
    pub fn pane_gone(&mut self, pane: &PaneKey) {
        self.panes.remove(pane);
    }

    /// A pane printed.
    pub fn printed(&mut self, pane: &PaneKey, at: Timestamp, line: Option<&str>) {
        if let Some(live) = self.panes.get_mut(pane) {
            live.last_output = Some(at);
            if let Some(line) = line {
                line.clone_into(&mut live.last_line);
            }
        }
    }

    /// A program said something of itself.
    pub fn program(&mut self, pane: &PaneKey, state: &ProgramState) {
        if let Some(live) = self.panes.get_mut(pane) {
            live.program = match state {
                ProgramState::Clear => None,
                // A notification is an event, not a state that lasts.
                ProgramState::Notification { .. } => live.program.take(),
                other => Some(other.clone()),
            };
        }
    }

    /// The state of a host changed; returns whether anything is new.
    pub fn host(&mut self, name: &HostName, state: HostState, version: &str, detail: &str, now: Timestamp) -> bool {
        let known = self.hosts.get(name);
        if known.is_some_and(|host| host.state == state && host.detail == detail && host.version == version) {
            return false;
        }
        let since = known.filter(|host| host.state == state).map_or(now, |host| host.since);
        let view = HostView { name: name.clone(), state, since, version: version.into(), detail: detail.into() };
        self.hosts.insert(name.clone(), view);
        true
    }

    /// A host is no longer configured.
    pub fn forget_host(&mut self, name: &HostName) {
        self.hosts.remove(name);
        self.panes.retain(|key, _| key.host != *name);
    }

    /// Something worth telling happened.
    pub fn event(&mut self, event: EventLine) {
        self.events.push_back(event);
        while self.events.len() > EVENTS {
            self.events.pop_front();
        }
    }

    /// A part fails; returns whether that is new.
    pub fn problem(&mut self, part: &str, text: &str, now: Timestamp) -> bool {
        let known = self.problems.get(part);
        if known.is_some_and(|problem| problem.text == text) {
            return false;
        }
        let since = known.map_or(now, |problem| problem.since);
        self.problems.insert(part.to_owned(), Problem { part: part.to_owned(), text: text.to_owned(), since });
        true
    }

    /// A part works again; returns whether it had failed.
    pub fn solved(&mut self, part: &str) -> bool {
        self.problems.remove(part).is_some()
    }

    /// The watched panes.
    pub fn panes(&self) -> impl Iterator<Item = &Live> {
        self.panes.values()
    }

    /// A watched pane.
    #[must_use]
    pub fn pane(&self, key: &PaneKey) -> Option<&Live> {
        self.panes.get(key)
    }

    /// The state of a host.
    #[must_use]
    pub fn host_state(&self, name: &HostName) -> Option<HostState> {
        self.hosts.get(name).map(|host| host.state)
    }

    /// The whole picture.
    pub fn snapshot(&mut self, now: Timestamp, shown: Shown) -> Snapshot {
        self.generation += 1;
        let mut panes: Vec<PaneView> = self.panes.values().map(|live| self.pane_view(live, &shown)).collect();
        panes.sort_by(|a, b| place(&a.info).cmp(&place(&b.info)));
        Snapshot {
            generation: self.generation,
            at: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            frozen: shown.frozen,
            hosts: self.hosts.values().cloned().collect(),
            panes,
            runs: shown.runs,
            approvals: shown.approvals,
            held: shown.held,
            events: self.events.iter().cloned().collect(),
            problems: self.problems.values().cloned().collect(),
            principles: self.principles.clone(),
            counters: self.counters,
        }
    }

    fn pane_view(&self, live: &Live, shown: &Shown) -> PaneView {
        let host = self.host_state(&live.info.key.host);
        PaneView {
            info: live.info.clone(),
            state: pane_state(live, host, shown),
            last_output: live.last_output,
            last_line: live.last_line.clone(),
            pipelines: live.pipelines.clone(),
        }
    }
}

fn place(info: &PaneInfo) -> (&HostName, &str, u32, u32) {
    (&info.key.host, &info.facts.session, info.window_index, info.pane_index)
}

/// The most pressing thing that can be said of a pane.
fn pane_state(live: &Live, host: Option<HostState>, shown: &Shown) -> PaneState {
    let key = &live.info.key;
    if !matches!(host, Some(HostState::Live | HostState::Polling)) {
        return PaneState::Stale;
    }
    let asked = shown.approvals.iter().any(|a| a.state == ApprovalState::Pending && a.pane == *key);
    let stages = || shown.runs.iter().filter(|run| run.pane == *key).flat_map(|run| &run.stages);
    let any = |states: &[StageState]| stages().any(|stage| states.contains(&stage.state));
    let failed = shown.runs.iter().any(|run| run.pane == *key && run.state == Some(RunState::Failed));
    let program = live.program.as_ref();
    if asked || matches!(program, Some(ProgramState::Blocked { .. })) {
        PaneState::NeedsApproval
    } else if live.info.dead {
        PaneState::Dead
    } else if any(&[StageState::Retrying]) {
        PaneState::Retrying
    } else if any(&[StageState::Starting, StageState::Running, StageState::Queued]) {
        PaneState::Running
    } else if failed || matches!(program, Some(ProgramState::Error)) {
        PaneState::Failed
    } else if matches!(program, Some(ProgramState::Working)) {
        PaneState::Running
    } else if matches!(program, Some(ProgramState::Done)) {
        PaneState::Done
    } else {
        PaneState::Idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PaneFacts, PaneId, ServerId, SessionId, WindowId};

    fn info(pane: u32, session: &str, window_index: u32) -> PaneInfo {
        PaneInfo {
            key: PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(pane), pid: pane },
            session_id: SessionId(0),
            window_id: WindowId(0),
            window_index,
            pane_index: 0,
            facts: PaneFacts { session: session.into(), ..PaneFacts::default() },
            dead: false,
            in_mode: false,
            alternate: false,
            width: 80,
            height: 24,
        }
    }

    #[test]
    fn panes_stand_in_the_order_of_sessions_and_windows() {
        let mut board = Board::default();
        for (pane, session, window) in [(9, "b", 0), (1, "a", 2), (5, "a", 0)] {
            board.pane_seen(info(pane, session, window), Vec::new());
        }
        let snapshot = board.snapshot(Timestamp(1), Shown::default());
        let order: Vec<u32> = snapshot.panes.iter().map(|pane| pane.info.key.pane.0).collect();
        assert_eq!(order, [5, 1, 9]);
    }

    #[test]
    fn a_pane_of_a_lost_host_is_stale_and_not_gone() {
        let mut board = Board::default();
        board.pane_seen(info(1, "a", 0), Vec::new());
        assert!(board.host(&HostName::local(), HostState::Live, "3.3a", "", Timestamp(1)));
        assert_eq!(board.snapshot(Timestamp(1), Shown::default()).panes[0].state, PaneState::Idle);
        assert!(board.host(&HostName::local(), HostState::Unreachable, "3.3a", "gone", Timestamp(2)));
        assert_eq!(board.snapshot(Timestamp(3), Shown::default()).panes[0].state, PaneState::Stale);
    }

    #[test]
    fn a_problem_keeps_its_first_instant_and_is_told_once() {
        let mut board = Board::default();
        assert!(board.problem("policy", "bad", Timestamp(1)));
        assert!(!board.problem("policy", "bad", Timestamp(5)));
        assert!(board.problem("policy", "worse", Timestamp(9)));
        assert_eq!(board.snapshot(Timestamp(9), Shown::default()).problems[0].since, Timestamp(1));
        assert!(board.solved("policy") && !board.solved("policy"));
    }
}
