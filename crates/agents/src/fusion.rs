//! Weighs what all sources say of the agent in one pane.
//!
//! The best source counts (the order of [`EvidenceSource`]); a lesser one that speaks of the same thing in more detail adds
//! it. Sources that contradict each other for longer than a moment make the state unsure. All of it belongs to one process
//! and dies with it.

mod ready;
mod weighed;

pub use ready::Readiness;

use super::composer::Composer;
use super::turn::{Ending, Work};
use super::{AgentProcess, Recogniser, Report, Seen, VendorState};
use std::collections::{HashMap, HashSet};
use tmuxagent_model::{AgentQuestion, AgentState, AgentStatus, Evidence, EvidenceSource, Millis, Timestamp};

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sources may contradict each other this long: each sees a change at another instant.
    pub moment: Millis,
    /// An agent that works gives a sign of life at least this often.
    pub stalled: Millis,
    /// An agent of which nothing is known so soon after its process was first seen is starting.
    pub starts: Millis,
}

impl Default for Limits {
    fn default() -> Self {
        Self { moment: Millis(1500), stalled: Millis::from_secs(600), starts: Millis::from_secs(15) }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The agent's process that reads the terminal now; none: another program does.
    Process(Option<AgentProcess>),
    /// The screen was looked at.
    Screen(Box<Seen>),
    /// A status report came in the stream.
    Report(Report),
    /// The agent's own file or socket says something, for this very process; none: nothing any more.
    Vendor(Option<VendorState>),
    /// A hook of the agent says something.
    Hook(Option<VendorState>),
    /// The pane printed something.
    Printed,
    /// A person looked at the pane.
    LookedAt,
    /// Time passed: see [`AgentCore::deadline`].
    Tick,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The state or the question is another one.
    Changed(AgentStatus),
    /// A question is open.
    Asked(AgentQuestion),
    /// That question is not open any more.
    Closed {
        /// Its [`AgentQuestion::fingerprint`].
        fingerprint: String,
    },
}

/// What one source says.
#[derive(Debug, Clone)]
struct Belief {
    source: EvidenceSource,
    state: AgentState,
    rule: String,
    text: String,
    sure: bool,
    since: Timestamp,
    /// When it was said last.
    confirmed: Timestamp,
}

/// What is known of one process.
#[derive(Debug, Clone)]
struct Life {
    process: AgentProcess,
    /// When it began; nothing where it was there before anybody watched.
    born: Option<Timestamp>,
    /// Something was said of it.
    known: bool,
    /// Its own file told work and rest in one: the work was not seen, and may be nothing but a prompt that comes in.
    glimpsed: Option<Timestamp>,
    /// By source, the best first.
    beliefs: Vec<Belief>,
    question: Option<AgentQuestion>,
    composer: Option<Composer>,
    content: Option<u64>,
    /// When it last gave a sign of life.
    sign: Timestamp,
    /// Whether it worked since a person looked.
    worked: bool,
    /// Its last work.
    work: Work,
    /// It has come to rest since.
    rested: bool,
    /// How its conversation ended when it last rested.
    tail: Option<u64>,
    /// Its screen shows that a turn came to its own end.
    shows_ends: bool,
}

/// The agent of one pane.
#[derive(Debug, Clone)]
pub struct AgentCore {
    limits: Limits,
    /// What each agent calls itself in its reports.
    apps: HashMap<String, Vec<String>>,
    /// The agents whose screens show that a turn came to its own end.
    show_ends: HashSet<String>,
    life: Option<Life>,
    /// The next process begins as it is told.
    begins: bool,
    status: Option<AgentStatus>,
    asked: Option<String>,
}

/// States that do not contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Work,
    Ask,
    Rest,
}

pub(crate) fn family(state: &AgentState) -> Option<Family> {
    match state {
        AgentState::Working | AgentState::Stalled => Some(Family::Work),
        state if state.asks() => Some(Family::Ask),
        AgentState::Idle | AgentState::Done | AgentState::Error | AgentState::RateLimited { .. } => Some(Family::Rest),
        _ => None,
    }
}

impl AgentCore {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(recognisers: &[Recogniser], limits: Limits) -> Self {
        let apps = recognisers.iter().map(|known| (known.agent.clone(), known.reports.clone())).collect();
        let shown = recognisers.iter().filter(|known| known.shows_ends()).map(|known| known.agent.clone());
        Self { limits, apps, show_ends: shown.collect(), life: None, begins: false, status: None, asked: None }
    }

    /// The pane was watched before its agent came: the first process is told as it begins.
    #[must_use]
    pub const fn watched_before(mut self, before: bool) -> Self {
        self.begins = before;
        self
    }

    /// Goes over to other recognisers; what is known stays.
    pub fn learn(&mut self, recognisers: &[Recogniser]) {
        let new = Self::new(recognisers, self.limits);
        (self.apps, self.show_ends) = (new.apps, new.show_ends);
        if let Some(life) = &mut self.life {
            life.shows_ends = self.show_ends.contains(&life.process.agent);
        }
    }

    /// How its last work ended; it says something where it rests.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.life.as_ref().map_or(Ending::Unproven, Life::ending)
    }

    /// Whether it was seen to work, and nothing shows yet how that ended.
    #[must_use]
    pub fn awaits_end(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.work.is_open(life.shows_ends))
    }

    /// What is known; `None` where no agent was ever seen.
    #[must_use]
    pub const fn status(&self) -> Option<&AgentStatus> {
        self.status.as_ref()
    }

    /// Whether nothing is known of it but that its process has just begun.
    #[must_use]
    pub fn starts(&self) -> bool {
        let only = |status: &AgentStatus| status.evidence.iter().all(|one| one.source == EvidenceSource::Process);
        self.status.as_ref().is_some_and(|status| status.state == AgentState::Starting && only(status))
    }

    /// Whether sources contradict each other, for a moment or longer.
    #[must_use]
    pub fn disputed(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.dispute().is_some())
    }

    /// What every source says now, the best first.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        let beliefs = self.life.iter().flat_map(|life| life.beliefs.iter().cloned());
        beliefs.map(Belief::evidence).collect()
    }

    /// Takes what happened, and tells what follows.
    pub fn on(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        match input {
            Input::Process(process) => self.process(now, process),
            other => {
                // Without its process nothing that is printed or left behind makes an agent.
                let Some(life) = &mut self.life else { return Vec::new() };
                life.take(now, other, &self.apps, self.limits);
                life.outlive_hook(now, self.limits.moment);
            }
        }
        if let Some(life) = &mut self.life {
            life.glimpsed = life.glimpsed.filter(|at| now.since(*at) < self.limits.moment);
        }
        self.conclude(now)
    }

    /// When [`Input::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let life = self.life.as_ref()?;
        let dispute = life.dispute().map(|since| since + self.limits.moment);
        let works = self.status.as_ref().is_some_and(|status| status.state == AgentState::Working);
        let stall = works.then(|| life.sign + self.limits.stalled);
        let unsure = self.status.as_ref().is_some_and(|status| status.state == AgentState::Unsure);
        let known = life.born.filter(|_| self.starts()).map(|born| born + self.limits.starts);
        let seen = life.glimpsed.map(|at| at + self.limits.moment);
        dispute.filter(|_| !unsure).into_iter().chain(stall).chain(known).chain(seen).min()
    }

    fn process(&mut self, now: Timestamp, process: Option<AgentProcess>) {
        let same = |life: &&mut Life| {
            process.as_ref().is_some_and(|new| (new.pid, new.start) == (life.process.pid, life.process.start))
        };
        if let (Some(life), Some(new)) = (self.life.as_mut().filter(same), &process) {
            life.process.clone_from(new);
            return;
        }
        self.life = process.map(|process| Life {
            shows_ends: self.show_ends.contains(&process.agent),
            process,
            born: self.begins.then_some(now),
            known: false,
            glimpsed: None,
            beliefs: Vec::new(),
            question: None,
            composer: None,
            content: None,
            sign: now,
            worked: false,
            work: Work::default(),
            rested: true,
            tail: None,
        });
        self.begins = true;
    }

    fn conclude(&mut self, now: Timestamp) -> Vec<Output> {
        let Some((agent, state, evidence, question)) = self.verdict(now) else { return Vec::new() };
        if let Some(life) = &mut self.life {
            life.rested |= family(&state) == Some(Family::Rest) && life.dispute().is_none();
        }
        let mut out = Vec::new();
        let open = question.as_ref().map(|question| question.fingerprint.clone());
        let changed = self.asked != open;
        if changed {
            out.extend(self.asked.take().map(|fingerprint| Output::Closed { fingerprint }));
            self.asked = open;
        }
        let before = self.status.as_ref().filter(|status| status.agent == agent && status.state == state);
        let since = before.map_or(now, |status| status.since);
        let tell = before.is_none() || changed;
        let status = AgentStatus { agent, state, since, evidence, question };
        if tell {
            out.extend(status.question.clone().filter(|_| changed).map(Output::Asked));
            out.push(Output::Changed(status.clone()));
        }
        self.status = Some(status);
        out
    }

    fn verdict(&self, now: Timestamp) -> Option<(String, AgentState, Vec<Evidence>, Option<AgentQuestion>)> {
        let Some(life) = &self.life else {
            let last = self.status.as_ref()?;
            let evidence = match &last.state {
                AgentState::Exited => last.evidence.clone(),
                _ => vec![Evidence {
                    source: EvidenceSource::Process,
                    state: AgentState::Exited,
                    rule: "process".to_owned(),
                    text: String::new(),
                    at: now,
                }],
            };
            return Some((last.agent.clone(), AgentState::Exited, evidence, None));
        };
        let (state, mut beliefs) = life.state(now, self.limits);
        let born = life.born.filter(|born| !life.known && now.since(*born) < self.limits.starts);
        if let (AgentState::Unsure, Some(at)) = (&state, born) {
            let (source, rule, text) = (EvidenceSource::Process, "process".to_owned(), String::new());
            let state = AgentState::Starting;
            let evidence = Evidence { source, state: state.clone(), rule, text, at };
            return Some((life.process.agent.clone(), state, vec![evidence], None));
        }
        let question = life.question.clone().filter(|_| state.asks());
        let state = match state {
            AgentState::Working if now.since(life.sign) >= self.limits.stalled => AgentState::Stalled,
            AgentState::Idle if life.worked && life.ending() == Ending::Finished && life.glimpsed.is_none() => {
                AgentState::Done
            }
            state => state,
        };
        beliefs.sort_by_key(|belief| belief.source);
        let evidence = beliefs.into_iter().map(Belief::evidence).collect();
        Some((life.process.agent.clone(), state, evidence, question))
    }
}

impl Belief {
    fn evidence(self) -> Evidence {
        Evidence { source: self.source, state: self.state, rule: self.rule, text: self.text, at: self.since }
    }
}

impl Life {
    fn take(&mut self, now: Timestamp, input: Input, apps: &HashMap<String, Vec<String>>, limits: Limits) {
        match input {
            Input::Screen(seen) => self.screen(now, *seen, limits),
            Input::Report(report) => {
                let known = |app: &String| apps.get(&self.process.agent).is_some_and(|known| known.contains(app));
                if report.app.as_ref().is_some_and(|app| !known(app)) {
                    return;
                }
                self.sign = now;
                let words = report.words();
                let said = report.agent_state().map(|state| (state, "OSC 7501".to_owned(), words));
                self.believe(now, EvidenceSource::Report, said, true);
            }
            Input::Vendor(said) => self.told(now, EvidenceSource::Vendor, said),
            Input::Hook(said) => self.told(now, EvidenceSource::Hook, said),
            // A spinner prints too; where the screen is read, its content says more.
            Input::Printed if self.content.is_none() => self.sign = now,
            Input::LookedAt => self.worked = false,
            Input::Printed | Input::Tick | Input::Process(_) => {}
        }
    }

    fn told(&mut self, now: Timestamp, source: EvidenceSource, said: Option<VendorState>) {
        self.sign = now;
        self.believe(now, source, said.map(|said| (said.state, said.rule, said.text)), true);
    }

    fn screen(&mut self, now: Timestamp, seen: Seen, limits: Limits) {
        if self.content != Some(seen.content) {
            self.sign = now;
            self.content = Some(seen.content);
        }
        let old = self.beliefs.iter().find(|belief| belief.source == EvidenceSource::Screen);
        // A dialog that is being drawn anew is no dialog for an instant.
        let drawing = seen.state == AgentState::Unsure && seen.composer.is_none();
        let lately = old.is_some_and(|old| now.since(old.confirmed) < limits.moment);
        if drawing && self.question.is_some() && lately {
            return;
        }
        let said =
            (seen.state != AgentState::Unsure).then(|| (seen.state.clone(), seen.rule.clone(), seen.text.clone()));
        self.believe(now, EvidenceSource::Screen, said, seen.sure);
        match family(&seen.state) {
            Some(Family::Rest) => {
                self.work.at_rest(&seen);
                self.tail = seen.tail.or(self.tail);
            }
            Some(Family::Work) => self.work.at_work(&seen),
            Some(Family::Ask) | None => {}
        }
        self.composer = seen.composer;
        self.question = seen.question;
    }

    fn ending(&self) -> Ending {
        self.work.ending(self.shows_ends)
    }

    /// It works, or asks because of its work.
    fn works(&mut self) {
        self.worked = true;
        if std::mem::take(&mut self.rested) {
            self.work = Work::begin(self.tail);
        } else {
            self.work.goes_on();
        }
    }

    fn believe(
        &mut self,
        now: Timestamp,
        source: EvidenceSource,
        said: Option<(AgentState, String, String)>,
        sure: bool,
    ) {
        let old = self.beliefs.iter().position(|belief| belief.source == source).map(|n| self.beliefs.remove(n));
        let Some((state, rule, text)) = said else { return };
        self.known = true;
        let before = old.as_ref().filter(|old| family(&old.state) == Some(Family::Work));
        match family(&state) {
            Some(Family::Rest) if source == EvidenceSource::Vendor && before.is_some_and(|work| work.since == now) => {
                self.glimpsed = Some(now)
            }
            Some(Family::Rest) => {}
            _ => self.glimpsed = None,
        }
        // A hook tells that it is about to work, which may come to nothing.
        let seen = sure && source != EvidenceSource::Hook;
        if matches!(family(&state), Some(Family::Work | Family::Ask)) && seen && state != AgentState::Starting {
            self.works();
        }
        if family(&state) == Some(Family::Ask) {
            self.work.asks();
        }
        if state == AgentState::Done {
            self.worked = true;
            self.work.finished();
        }
        let since = old.filter(|old| old.state == state).map_or(now, |old| old.since);
        // Finished is idle, until a person looks.
        let state = if state == AgentState::Done { AgentState::Idle } else { state };
        self.beliefs.push(Belief { source, state, rule, text, sure, since, confirmed: now });
        self.beliefs.sort_by_key(|belief| belief.source);
    }

    /// A hook tells an instant, and not every change has one (an interruption has none): what another source tells later
    /// outlives it, and so does what a better one holds on to. Only that it rests is not believed for a moment: a screen
    /// may be drawn anew before it shows the work.
    fn outlive_hook(&mut self, now: Timestamp, moment: Millis) {
        let hook = self.beliefs.iter().find(|belief| belief.source == EvidenceSource::Hook);
        let Some((since, said)) = hook.map(|hook| (hook.confirmed, family(&hook.state))) else { return };
        let outlived = self.beliefs.iter().any(|other| {
            let (late, says) = (now.since(since) >= moment, family(&other.state));
            let newer = other.since > since && (late || says != Some(Family::Rest));
            let better = other.source < EvidenceSource::Hook && late;
            other.sure && says != said && (newer || better)
        });
        if outlived {
            self.beliefs.retain(|belief| belief.source != EvidenceSource::Hook);
        }
    }
}

#[cfg(test)]
#[path = "fusion_tests.rs"]
mod tests;
