//! What the agents in panes are doing. An agent is known by its process; what it does by its own file, its reports and its
//! screen, which [`AgentCore`] weighs. All of it comes with the looks at who reads a pane ([`super::audience`]).
//!
//! **Invariant:** no agent without its process in front of the terminal. What is printed makes none, and nothing that one
//! said outlives it.

mod requests;
mod threads;

pub(super) use requests::Requests;

use super::HostCore;
use super::pane::Voice;
use super::reader::{Seen, Surface};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tmuxagent_agents::{
    AgentCore, AgentProcess, Ending, Input, Limits, Readiness, Recogniser, Report, Screen, SessionState, Threads,
    VendorState, claude_session, identify, recognise,
};
use tmuxagent_model::{
    AgentQuestion, AgentQuestionKind, AgentSeen, AgentState, AgentStatus, Event, EvidenceSource, Front, Holds,
    HookTold, PaneKey, ProgramState, Reads, Timestamp,
};

/// How many rows of a question go with an alert.
const MOST_ROWS: usize = 24;
/// So many looks a question may take to be on the screen, once it is said that there is one.
const UNREAD: u8 = 3;
/// A dialog that was answered is gone so long after its agent has read the key; else it is told once more, as a new question.
/// On a busy machine a redraw was seen to take two seconds.
const GOES: Duration = Duration::from_secs(5);
/// One that works, or of which it is not sure, is looked at again so often though it prints nothing: its last change may have
/// been read while its own file still told another one.
const WORKS: Duration = Duration::from_secs(2);
/// An agent that rests after work has come to rest once it has for so long: between two steps of its work there are
/// instants in which its screen shows nothing of it.
const SETTLES: Duration = Duration::from_secs(1);
/// The same where nothing shows that it finished: its last words may still be on their way to the screen.
const SETTLES_UNPROVEN: Duration = Duration::from_secs(3);
/// So many looks it may take until it is known what an agent does.
const LOOKS: u8 = 8;
/// The pause between them.
const READ_AGAIN: Duration = Duration::from_millis(250);
/// So many words of hooks wait for the next look.
const MOST_HOOKS: usize = 64;

/// The agent of one pane.
#[derive(Debug)]
pub(super) struct WatchedAgent {
    core: AgentCore,
    /// The state that was last told.
    told: Option<AgentState>,
    /// What was last told to those who wait for it.
    seen: Option<LastSeen>,
    /// Since when it rests, where that is not told yet.
    rests: Option<Instant>,
    /// The question that was last told.
    asked: Option<String>,
    /// The dialog that was last told; outer `None`: nothing was told of any.
    shown: Option<Option<String>>,
    /// The request that was told as its own.
    request: Option<String>,
    /// How often it was looked at.
    looks: u8,
    /// When an answer to it was typed.
    answered: Option<Instant>,
    /// How often it asked something that its screen did not show yet.
    unread: u8,
    /// Its own file, as it was last read.
    session: Option<(String, i64)>,
    /// Since when it rests, as that file says.
    rested_by_file: Option<u64>,
    /// The conversations of its own server that may be its.
    threads: Threads,
    /// What its own one does, as it was last weighed.
    by_thread: Option<VendorState>,
    /// When it is to be looked at again, whether it prints or not.
    due: Option<Instant>,
}

/// What was told of an agent to those who wait for it.
#[derive(Debug, PartialEq, Eq)]
struct LastSeen {
    state: AgentState,
    process: Option<(u32, u64)>,
    /// How its work ended, where it rests.
    ending: Option<Ending>,
}

impl WatchedAgent {
    /// `before`: its pane was watched before it came.
    fn new(recognisers: &[Recogniser], before: bool) -> Self {
        let core = AgentCore::new(recognisers, Limits::default()).watched_before(before);
        let (seen, rests, shown, answered) = (None, None, None, None);
        let (looks, unread, session, rested_by_file) = (0, 0, None, None);
        let (told, asked, due, request) = (None, None, None, None);
        let (threads, by_thread) = (Threads::default(), None);
        Self {
            core,
            told,
            seen,
            rests,
            asked,
            shown,
            request,
            looks,
            answered,
            unread,
            session,
            rested_by_file,
            threads,
            by_thread,
            due,
        }
    }

    /// The dialog that is shown and read as a whole.
    pub fn dialog(&self) -> Option<String> {
        self.question().map(|question| question.fingerprint.clone())
    }

    /// The same with all that it says.
    pub fn question(&self) -> Option<&AgentQuestion> {
        let status = self.core.status().filter(|status| status.state.asks())?;
        status.question.as_ref().filter(|question| question.whole)
    }

    /// The key of an answer was typed: from now on the dialog is expected to go.
    pub fn answered(&mut self, now: Instant) {
        self.answered = Some(now);
        self.due = Some(self.due.map_or(now + GOES, |due| due.min(now + GOES)));
    }

    /// The dialog, where it is another one, is shown still though it was answered, or can be answered otherwise than before.
    fn dialog_news(&mut self, now: Instant, request: Option<&String>) -> Option<Option<AgentQuestion>> {
        let dialog = self.dialog();
        self.looks = self.looks.saturating_add(1);
        let state = self.core.status().map(|status| &status.state);
        let unknown = state.is_none_or(|state| *state == AgentState::Unsure || state.asks());
        // The first look of a life comes without colours: what an earlier one was asked is not over because of that.
        if dialog.is_none() && self.shown.is_none() && (self.looks == 1 || unknown && self.looks < LOOKS) {
            return None;
        }
        let stays = dialog.is_some() && self.answered.is_some_and(|at| now >= at + GOES);
        let same = self.shown.as_ref() == Some(&dialog);
        if same && !stays && (self.request.as_ref() == request || self.answered.is_some()) {
            return None;
        }
        self.answered = None;
        self.request = request.cloned();
        self.shown = Some(dialog);
        Some(self.question().cloned())
    }

    /// What it does, where that is another thing than was told last, or nobody was told (`anew`).
    fn seen(&mut self, now: Instant, pane: &PaneKey, process: Option<&AgentProcess>, anew: bool) -> Option<AgentSeen> {
        let status = self.core.status()?;
        let resting = |state: &AgentState| matches!(state, AgentState::Idle | AgentState::Done);
        let ending = resting(&status.state).then(|| self.core.ending());
        let process_id = process.map(|process| (process.pid, process.start));
        // One that has just begun holds nothing yet.
        let state = if self.core.starts() { AgentState::Unsure } else { status.state.clone() };
        let seen = LastSeen { state: state.clone(), process: process_id, ending };
        let was = self.seen.as_ref().filter(|_| !anew);
        if was == Some(&seen) {
            self.rests = None;
            return None;
        }
        if resting(&status.state) && !was.is_some_and(|was| resting(&was.state) && was.process == seen.process) {
            let since = *self.rests.get_or_insert(now);
            if now < since + self.settles_in() || self.core.disputed() {
                return None;
            }
        }
        self.rests = None;
        self.seen = Some(seen);
        let by = status.evidence.first().map(|evidence| format!("{}: {}", source(evidence.source), evidence.rule));
        Some(AgentSeen {
            pane: pane.clone(),
            agent: status.agent.clone(),
            process: process.map(|process| Front {
                pid: process.pid,
                born: process.start,
                name: process.agent.clone(),
            }),
            state,
            by: by.unwrap_or_default(),
            anew,
            interrupted: ending == Some(Ending::Stopped),
            unproven: ending == Some(Ending::Unproven),
        })
    }

    fn settles_in(&self) -> Duration {
        if self.core.awaits_end() { SETTLES_UNPROVEN } else { SETTLES }
    }

    /// When its rest can be told.
    fn settles(&self, now: Instant) -> Option<Instant> {
        self.rests.map(|since| (since + self.settles_in()).max(now + READ_AGAIN))
    }

    /// What it does.
    pub fn status(&self) -> Option<AgentStatus> {
        self.core.status().cloned()
    }

    /// What its own file says that is new, each with its instant. An unchanged file is no new sign of life.
    fn vendor(
        &mut self,
        wall: Timestamp,
        process: &AgentProcess,
        session: Option<&(String, i64)>,
    ) -> Vec<(Timestamp, Option<VendorState>)> {
        if self.session.as_ref() == session {
            return Vec::new();
        }
        self.session = session.cloned();
        let Some((text, at)) = session else { return vec![(wall, None)] };
        let (SessionState::Says(said), at) = (claude_session(text, process), Timestamp(*at)) else {
            self.rested_by_file = None;
            return vec![(wall, None)];
        };
        let rests = said.changed.filter(|_| said.state == AgentState::Idle);
        let before = std::mem::replace(&mut self.rested_by_file, rests);
        // Work may begin and end between two looks.
        let worked = before.is_some() && rests.is_some() && before != rests;
        let work = worked.then(|| VendorState { state: AgentState::Working, ..said.clone() });
        work.into_iter().chain([said]).map(|said| (at, Some(said))).collect()
    }

    /// Takes what its screen shows.
    fn screen(&mut self, wall: Timestamp, process: &AgentProcess, recognisers: &[Recogniser], screen: &Screen) {
        if let Some(recogniser) = recognisers.iter().find(|known| known.agent == process.agent) {
            self.core.on(wall, Input::Screen(Box::new(recognise(recogniser, screen))));
        }
    }

    /// What that says of the keys.
    fn reads(&self) -> Option<Reads> {
        match self.core.readiness() {
            Readiness::Ready => Some(Reads::Agent),
            Readiness::Draft(_) | Readiness::Elsewhere => Some(Reads::Draft),
            Readiness::Busy => Some(Reads::AgentWorks),
            Readiness::Asks => Some(Reads::AgentAsks),
            Readiness::Unsure => Some(Reads::Unknown),
            Readiness::Gone => None,
        }
    }

    /// What it holds that is not sent.
    pub fn holds(&self) -> Holds {
        if self.core.readiness() == Readiness::Elsewhere { Holds::Field } else { Holds::Draft }
    }

    /// On what its state rests above all: people are shown that too.
    fn best_source(&self) -> Option<EvidenceSource> {
        self.core.status().and_then(|status| status.evidence.first()).map(|one| one.source)
    }

    /// What the supervisor is to be told, where that is news.
    fn news(&mut self) -> Vec<ProgramState> {
        let Some(status) = self.core.status().filter(|_| !self.core.starts()) else { return Vec::new() };
        let asked = status.question.as_ref().map(|question| question.fingerprint.clone());
        if self.told.as_ref() == Some(&status.state) && self.asked == asked {
            return Vec::new();
        }
        // Its own file may be quicker than its screen.
        if status.state.asks() && asked.is_none() && self.unread < UNREAD {
            self.unread += 1;
            return Vec::new();
        }
        self.unread = 0;
        self.told = Some(status.state.clone());
        self.asked = asked;
        program_states(status)
    }
}

/// A source in one word.
const fn source(source: EvidenceSource) -> &'static str {
    match source {
        EvidenceSource::Process => "process",
        EvidenceSource::Vendor => "file",
        EvidenceSource::Hook => "hook",
        EvidenceSource::Report => "report",
        EvidenceSource::Screen => "screen",
        EvidenceSource::Output => "output",
    }
}

/// A state of an agent in the words in which any program reports its own.
fn program_states(status: &AgentStatus) -> Vec<ProgramState> {
    let blocked = |kind: &str| {
        let message = status.question.as_ref().map(asked);
        let said = status.evidence.iter().map(|evidence| evidence.text.clone()).find(|text| !text.is_empty());
        ProgramState::Blocked { kind: Some(kind.to_owned()), message: message.or(said) }
    };
    match &status.state {
        AgentState::Working | AgentState::Stalled => vec![ProgramState::Working],
        AgentState::NeedsApproval => vec![blocked("permission")],
        AgentState::NeedsAnswer => vec![blocked("question")],
        AgentState::Starting => vec![blocked("start")],
        AgentState::Idle | AgentState::Unsure => vec![ProgramState::Idle],
        AgentState::RateLimited { until } => {
            let until = until.as_ref().map_or_else(String::new, |until| format!(" {until}"));
            vec![ProgramState::Idle, ProgramState::Notification { text: format!("rate limit{until}") }]
        }
        AgentState::Done => vec![ProgramState::Done],
        AgentState::Error => vec![ProgramState::Error],
        AgentState::Exited => vec![ProgramState::Clear],
    }
}

/// What is asked, in one line; below it all of it with its answers.
fn asked(question: &AgentQuestion) -> String {
    let first = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    // A folder alone does not say that it is to be trusted.
    let detail = first(&question.detail).filter(|_| question.kind != AgentQuestionKind::Trust);
    let title = detail.or_else(|| first(&question.text)).unwrap_or_default();
    let answers = question.answers.iter().map(|answer| format!("- {}", answer.label));
    let rows = question.text.lines().map(str::to_owned).chain(answers).filter(|row| !row.trim().is_empty());
    std::iter::once(title).chain(rows.take(MOST_ROWS)).collect::<Vec<_>>().join("\n")
}

impl Voice {
    /// Whether what the program says of itself waits to be weighed.
    pub fn weighs(&self, state: &ProgramState) -> bool {
        self.reports.is_some() && !matches!(state, ProgramState::Notification { .. })
    }
}

impl HostCore {
    /// Takes what a look shows of the agent in a pane; says what that means for keys. `None`: no agent reads there, as far
    /// as this host tells.
    pub(super) fn watch_agent(&mut self, key: &PaneKey, surface: &Surface, seen: Option<&Seen>) -> Option<Reads> {
        let (now, wall, recognisers) = (self.now, self.wall, Arc::clone(&self.spec.agents));
        let seen = seen?;
        let pane = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key)?;
        let front = seen.processes.first().map_or(0, |process| process.pid);
        let process = identify(&recognisers, &seen.processes, front);
        let mut agent = match pane.agent.take() {
            Some(agent) => agent,
            None => {
                if process.is_none() && !std::mem::replace(&mut pane.voice.agent_told, true) {
                    let (pane, agent, state) = (key.clone(), String::new(), AgentState::Exited);
                    let (process, by, anew, interrupted, unproven) = (None, String::new(), true, false, false);
                    let none = AgentSeen { pane, agent, process, state, by, anew, interrupted, unproven };
                    self.outlet.event(Event::Agent(Box::new(none)));
                }
                process.as_ref()?;
                pane.voice.reports = Some(Vec::new());
                // The next look comes with its colours.
                pane.audience.look_again();
                Box::new(WatchedAgent::new(&recognisers, pane.voice.agent_told))
            }
        };
        let best = agent.best_source();
        agent.core.on(wall, Input::Process(process.clone()));
        agent.take_threads(process.as_ref(), std::mem::take(&mut pane.voice.threads));
        for (at, state) in pane.voice.reports.iter_mut().flat_map(std::mem::take) {
            let report = Report { state, app: None };
            agent.threads.reported(at.unwrap_or(wall), &report);
            agent.core.on(wall, Input::Report(report));
            // Work may begin and end between two looks.
            if let Some(seen) = agent.seen(now, key, process.as_ref(), !pane.voice.agent_told) {
                pane.voice.agent_told = true;
                self.outlet.event(Event::Agent(Box::new(seen)));
            }
        }
        for HookTold { by, report } in std::mem::take(&mut pane.voice.hooks) {
            // One that it started itself, or that has ended, speaks for another.
            if process.as_ref().is_some_and(|process| process.pids.contains(&(by.pid, by.start))) {
                let said = VendorState { state: report.state, rule: report.event, text: report.text, changed: None };
                agent.core.on(wall, Input::Hook(Some(said)));
                if let Some(seen) = agent.seen(now, key, process.as_ref(), !pane.voice.agent_told) {
                    pane.voice.agent_told = true;
                    self.outlet.event(Event::Agent(Box::new(seen)));
                }
            }
        }
        if let Some(process) = &process {
            for (at, said) in agent.vendor(wall, process, seen.session.as_ref()) {
                agent.core.on(at, Input::Vendor(said));
                if let Some(seen) = agent.seen(now, key, Some(process), !pane.voice.agent_told) {
                    pane.voice.agent_told = true;
                    self.outlet.event(Event::Agent(Box::new(seen)));
                }
            }
            agent.weigh_thread(wall);
            let text = surface.styled.clone().unwrap_or_else(|| surface.rows.join("\n"));
            let screen = Screen::of(&text).with_cursor(surface.x as usize, surface.y as usize);
            agent.screen(wall, process, &recognisers, &screen);
        }
        let name = agent.core.status().map_or_else(String::new, |status| status.agent.clone());
        if seen.queued && agent.answered.is_some() {
            // The key is not read yet, and another one behind it would go to whatever comes next.
            agent.answered(now);
        }
        let request = pane.voice.requests.of(&mut agent, process.as_ref());
        if let Some(question) = agent.dialog_news(now, request.as_ref()) {
            let front = seen.front.clone().map(|front| Front { name: name.clone(), ..front });
            let question = question.map(Box::new);
            self.outlet.event(Event::Dialog { pane: key.clone(), agent: name, front, question, request });
        }
        if let Some(seen) = agent.seen(now, key, process.as_ref(), !pane.voice.agent_told) {
            pane.voice.agent_told = true;
            self.outlet.event(Event::Agent(Box::new(seen)));
        }
        let news = agent.news();
        pane.voice.changed |= !news.is_empty() || agent.best_source() != best;
        for state in news {
            self.outlet.event(Event::Program { pane: key.clone(), state });
        }
        let due = agent.core.deadline().into_iter().chain(agent.threads.deadline(wall)).min();
        let due = due.map(|at| now + Duration::from_millis(at.since(wall).0));
        let due = if agent.unread > 0 { Some(now + READ_AGAIN) } else { due };
        let busy =
            agent.core.status().is_some_and(|status| matches!(status.state, AgentState::Working | AgentState::Unsure))
                || agent.core.starts();
        let again = busy.then(|| now + WORKS);
        let due =
            agent.answered.map(|at| at + GOES).into_iter().chain(due).chain(agent.settles(now)).chain(again).min();
        agent.due = due;
        let reads = agent.reads();
        match process {
            Some(_) => pane.agent = Some(agent),
            None => pane.voice.reports = None,
        }
        if let Some(at) = due {
            self.wake_at(at);
        }
        self.name_agent(key.pane);
        reads
    }

    /// An agent tells something by a hook: who reads there is looked at, and then it is weighed.
    pub(super) fn hook(&mut self, key: &PaneKey, told: HookTold) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        if pane.voice.hooks.len() < MOST_HOOKS {
            pane.voice.hooks.push(told);
        }
        self.look_soon(key.pane);
    }

    /// Recognises agents by these from now on; what is known of those that are still recognised stays.
    pub(super) fn recognise_by(&mut self, recognisers: Arc<[Recogniser]>) {
        for pane in self.inventory.panes.values_mut() {
            if let Some(agent) = &mut pane.agent {
                agent.core.learn(&recognisers);
            }
        }
        self.spec.agents = recognisers;
        let panes: Vec<_> = self.inventory.panes.keys().copied().collect();
        for pane in panes {
            self.look_soon(pane);
        }
    }

    /// Agents that have to be looked at though they print nothing.
    pub(super) fn tick_agents(&mut self) {
        let now = self.now;
        for pane in self.inventory.panes.values_mut() {
            if let Some(agent) = pane.agent.as_mut()
                && agent.due.is_some_and(|due| due <= now)
            {
                agent.due = None;
                pane.audience.look_again();
            }
        }
    }
}

#[cfg(test)]
#[path = "agents_tests.rs"]
mod tests;
