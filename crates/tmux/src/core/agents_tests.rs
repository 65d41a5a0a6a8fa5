use super::*;
use tmuxagent_agents::bundled;
use tmuxagent_model::{HostName, PaneId, ServerId};

fn key() -> PaneKey {
    PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 }
}

fn process(pid: u32) -> AgentProcess {
    AgentProcess { agent: "codex".to_owned(), pid, start: 7, pids: vec![(pid, 7)] }
}

/// An agent, and what is told of it.
struct Room {
    agent: WatchedAgent,
    begun: Instant,
    pid: u32,
}

impl Room {
    fn new() -> Self {
        let mut agent = WatchedAgent::new(&bundled(), false);
        agent.core.on(Timestamp(0), Input::Process(Some(process(1))));
        Self { agent, begun: Instant::now(), pid: 1 }
    }

    fn says(&mut self, state: ProgramState) {
        self.agent.core.on(Timestamp(0), Input::Report(Report { state, app: None }));
    }

    /// What is told so many milliseconds after the beginning.
    fn told(&mut self, at: u64, anew: bool) -> Option<(&'static str, bool)> {
        let now = self.begun + Duration::from_millis(at);
        let seen = self.agent.seen(now, &key(), Some(&process(self.pid)), anew)?;
        assert_eq!(seen.process.map(|front| front.pid), Some(self.pid));
        Some((seen.state.word(), seen.anew))
    }
}

#[test]
fn work_is_told_at_once_and_rest_once_it_lasts() {
    let mut room = Room::new();
    assert_eq!(room.told(0, true), Some(("unsure", true)), "what is not certain is told as that");
    room.says(ProgramState::Working);
    assert_eq!(room.told(10, false), Some(("working", false)));
    assert_eq!(room.told(20, false), None, "nothing twice");
    room.says(ProgramState::Idle);
    assert_eq!(room.told(100, false), None);
    // A pause between two steps of its work is no rest.
    room.says(ProgramState::Working);
    assert_eq!(room.told(900, false), None);
    room.says(ProgramState::Done);
    assert_eq!(room.told(1500, false), None);
    assert!(room.agent.settles(room.begun).is_some(), "it is looked at again by itself");
    assert_eq!(room.told(2500, false), Some(("done", false)));
    assert_eq!(room.told(2600, false), None);
}

#[test]
fn everything_is_told_anew_to_those_who_did_not_watch() {
    let mut room = Room::new();
    room.says(ProgramState::Error);
    assert_eq!(room.told(0, true), Some(("error", true)));
    assert_eq!(room.told(10, true), Some(("error", true)), "the same, after a break");
    assert_eq!(room.told(20, false), None);
    room.says(ProgramState::Idle);
    assert_eq!((room.told(30, true), room.told(1030, true)), (None, Some(("idle", true))));
}

#[test]
fn another_process_is_another_agent() {
    let mut room = Room::new();
    room.says(ProgramState::Idle);
    assert_eq!((room.told(0, false), room.told(1000, false)), (None, Some(("idle", false))));
    room.pid = 2;
    room.agent.core.on(Timestamp(0), Input::Process(Some(process(2))));
    assert_eq!(room.told(1100, false), Some(("unsure", false)));
}

#[test]
fn a_turn_between_two_looks_is_seen_in_the_agents_own_file() {
    let mut agent = WatchedAgent::new(&bundled(), false);
    let process = AgentProcess { agent: "claude".to_owned(), pid: 1, start: 7, pids: vec![(1, 7)] };
    agent.core.on(Timestamp(0), Input::Process(Some(process.clone())));
    let mut states = |changed: u64, status: &str| -> Vec<&str> {
        let text = format!(
            r#"{{"pid":1,"procStart":"7","version":"2.1.332","status":"{status}","statusUpdatedAt":{changed}}}"#
        );
        let said = agent.vendor(Timestamp(0), &process, Some(&(text, 0)));
        said.into_iter().map(|(_, said)| said.map_or("nothing", |said| said.state.word())).collect()
    };
    assert_eq!(states(1, "idle"), ["idle"]);
    assert!(states(1, "idle").is_empty(), "no news");
    assert_eq!(states(2, "idle"), ["working", "idle"], "it rests anew, so it has worked meanwhile");
    assert_eq!((states(3, "busy"), states(4, "idle")), (vec!["working"], vec!["idle"]));
}

#[test]
fn rest_without_a_sign_of_its_end_is_told_later_and_as_that() {
    let mut room = Room::new();
    room.says(ProgramState::Working);
    assert_eq!(room.told(0, false), Some(("working", false)));
    room.says(ProgramState::Idle);
    assert_eq!((room.told(100, false), room.told(1500, false)), (None, None), "its last words may be on their way");
    let now = room.begun + Duration::from_millis(3200);
    let seen = room.agent.seen(now, &key(), Some(&process(1)), false).unwrap();
    assert!(seen.state == AgentState::Idle && seen.unproven && !seen.interrupted, "{seen:?}");
}
