//! From the journal's lines to the counts of a report.

use super::{AgentReport, Day, Decided, Ended, Failure, PipelineReport, Report, Saved, Spans, StageReport, Waits};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tmuxagent_model::{
    AgentSeen, AgentState, Approval, ApprovalState, EventLine, Millis, Note, PaneKey, RunId, RunState, Timestamp, Via,
};

/// Takes in what happened, oldest first, and counts it.
#[derive(Debug)]
pub struct Collector {
    since: Timestamp,
    until: Timestamp,
    zone: TimeZone,
    runs: BTreeMap<RunId, Run>,
    pipelines: BTreeMap<String, Pipeline>,
    failures: BTreeMap<(String, String, String), Failure>,
    /// Attempts that failed and were not followed by another one.
    failed: BTreeSet<(RunId, String)>,
    waits: Waits,
    decided: Vec<Decided>,
    agents: BTreeMap<(String, String), AgentReport>,
    watched: HashMap<PaneKey, Watched>,
    saved: Saved,
}

/// What is known of a run while its lines are read.
#[derive(Debug)]
struct Run {
    pipeline: String,
    began: Option<Timestamp>,
    /// How it ended last: one that a person runs on ends once more.
    ended: Option<(RunState, Timestamp)>,
}

#[derive(Debug, Default)]
struct Pipeline {
    started: u32,
    ended: Vec<Ended>,
    took: Spans,
    stages: Vec<StageReport>,
    days: BTreeMap<String, Day>,
}

/// An agent between two of its states.
#[derive(Debug)]
struct Watched {
    place: String,
    agent: String,
    state: AgentState,
    at: Timestamp,
}

impl Collector {
    /// For what happened from one instant up to another; days are those of the zone.
    #[must_use]
    pub fn new(since: Timestamp, until: Timestamp, zone: TimeZone) -> Self {
        Self {
            since,
            until,
            zone,
            runs: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            failures: BTreeMap::new(),
            failed: BTreeSet::new(),
            waits: Waits::default(),
            decided: Vec::new(),
            agents: BTreeMap::new(),
            watched: HashMap::new(),
            saved: Saved::default(),
        }
    }

    /// A line of the journal. Lines before the stretch only tell which run is whose.
    pub fn line(&mut self, line: &EventLine) {
        if let Note::RunStarted { run, pipeline } = &line.note {
            self.runs.insert(*run, Run { pipeline: pipeline.clone(), began: Some(line.at), ended: None });
        }
        let told_again = self.is_told_again(&line.note);
        if line.at < self.since || line.at >= self.until || told_again {
            return;
        }
        match &line.note {
            Note::RunStarted { pipeline, .. } => self.pipeline(pipeline).started += 1,
            Note::RunEnded { run, pipeline, state } => {
                let unknown = || Run { pipeline: pipeline.clone(), began: None, ended: None };
                self.runs.entry(*run).or_insert_with(unknown).ended = Some((*state, line.at));
            }
            // The trigger's own word in the policy: `after_stage_success` and its kin.
            Note::StageTriggered { by, .. } if by.starts_with("after_") => self.saved.went_on += 1,
            Note::StageSucceeded { run, stage, took, .. } => {
                if let Some(stage) = self.stage(*run, stage) {
                    stage.succeeded += 1;
                    stage.took.add(*took);
                }
            }
            Note::StageFailed { run, stage, by, said, .. } => self.stage_failed(*run, stage, (by, said), line.at),
            Note::StageRetrying { run, stage, .. } => {
                self.saved.retried += 1;
                if let Some(stage) = self.stage(*run, stage) {
                    stage.retried += 1;
                }
            }
            Note::Sent { .. } => self.saved.typed += 1,
            Note::AutoAnswered { .. } => self.saved.answered += 1,
            _ => {}
        }
    }

    /// Whether a note tells once more of a failed attempt: a question what to do about it was rejected, or expired.
    fn is_told_again(&mut self, note: &Note) -> bool {
        match note {
            Note::StageFailed { run, stage, .. } => !self.failed.insert((*run, stage.clone())),
            Note::StageStarted { run, stage, .. }
            | Note::StageTriggered { run, stage, .. }
            | Note::StageRetrying { run, stage, .. }
            | Note::StageSucceeded { run, stage, .. } => {
                self.failed.remove(&(*run, stage.clone()));
                false
            }
            _ => false,
        }
    }

    fn pipeline(&mut self, name: &str) -> &mut Pipeline {
        self.pipelines.entry(name.to_owned()).or_default()
    }

    fn stage(&mut self, run: RunId, name: &str) -> Option<&mut StageReport> {
        let pipeline = self.runs.get(&run)?.pipeline.clone();
        let stages = &mut self.pipeline(&pipeline).stages;
        let at = stages.iter().position(|stage| stage.stage == name).unwrap_or_else(|| {
            let stage = name.to_owned();
            stages.push(StageReport { stage, succeeded: 0, failed: 0, retried: 0, took: Spans::default() });
            stages.len() - 1
        });
        stages.get_mut(at)
    }

    fn run_ended(&mut self, run: &Run) {
        let Some((state, at)) = run.ended else { return };
        let took = run.began.map(|began| at.since(began));
        let date = date(&self.zone, at);
        let tally = self.pipeline(&run.pipeline);
        match tally.ended.iter_mut().find(|ended| ended.state == state) {
            Some(ended) => ended.runs += 1,
            None => tally.ended.push(Ended { state, runs: 1 }),
        }
        let empty = || Day { date: date.clone(), succeeded: 0, other: 0, took: Spans::default() };
        let day = tally.days.entry(date.clone()).or_insert_with(empty);
        *(if state == RunState::Succeeded { &mut day.succeeded } else { &mut day.other }) += 1;
        if let Some(took) = took {
            day.took.add(took);
            tally.took.add(took);
        }
    }

    fn stage_failed(&mut self, run: RunId, name: &str, (cause, said): (&str, &str), at: Timestamp) {
        if let Some(stage) = self.stage(run, name) {
            stage.failed += 1;
        }
        let Some(pipeline) = self.runs.get(&run).map(|run| run.pipeline.clone()) else { return };
        let (key, stage) = ((pipeline.clone(), name.to_owned(), without_numbers(cause)), name.to_owned());
        let first = || Failure { pipeline, stage, cause: String::new(), said: String::new(), times: 0, last: at };
        let failure = self.failures.entry(key).or_insert_with(first);
        failure.times += 1;
        cause.clone_into(&mut failure.cause);
        if !said.is_empty() {
            said.clone_into(&mut failure.said);
        }
        failure.last = at;
    }

    /// The run that a line speaks of, where no line told yet which pipeline it is of.
    #[must_use]
    pub fn unknown_run(&self, line: &EventLine) -> Option<RunId> {
        let run = match line.note {
            Note::RunEnded { run, .. }
            | Note::StageSucceeded { run, .. }
            | Note::StageFailed { run, .. }
            | Note::StageRetrying { run, .. } => run,
            _ => return None,
        };
        (!self.runs.contains_key(&run)).then_some(run)
    }

    /// A question, open or closed.
    pub fn approval(&mut self, approval: &Approval) {
        if approval.asked_at < self.since || approval.asked_at >= self.until {
            return;
        }
        let person = approval.decision.as_ref().filter(|it| !matches!(it.by.via, Via::Rule | Via::Lease));
        if person.is_none() && approval.decision.is_some() {
            return;
        }
        self.waits.asked += 1;
        *match approval.state {
            ApprovalState::Pending => &mut self.waits.open,
            ApprovalState::Approved => &mut self.waits.approved,
            ApprovalState::Rejected => &mut self.waits.rejected,
            ApprovalState::Expired => &mut self.waits.expired,
            ApprovalState::Superseded => &mut self.waits.superseded,
        } += 1;
        let Some(decision) = person else { return };
        let (via, took) = (decision.by.via, decision.at.since(approval.asked_at));
        self.waits.took.add(took);
        let at = self.decided.iter().position(|it| it.via == via).unwrap_or_else(|| {
            self.decided.push(Decided { via, decisions: 0, took: Spans::default() });
            self.decided.len() - 1
        });
        if let Some(decided) = self.decided.get_mut(at) {
            decided.decisions += 1;
            decided.took.add(took);
        }
    }

    /// What an agent was seen to do, in a place as people name it.
    pub fn agent(&mut self, at: Timestamp, place: &str, seen: &AgentSeen) {
        let before = self.watched.remove(&seen.pane);
        if let Some(before) = before.filter(|_| !seen.anew) {
            self.count(&before, at);
        }
        if !seen.agent.is_empty() && seen.state != AgentState::Exited {
            let (agent, state) = (seen.agent.clone(), seen.state.clone());
            self.watched.insert(seen.pane.clone(), Watched { place: place.to_owned(), agent, state, at });
        }
    }

    fn count(&mut self, before: &Watched, to: Timestamp) {
        let span = to.min(self.until).since(before.at.max(self.since));
        let (place, agent) = (before.place.clone(), before.agent.clone());
        let zero = Millis(0);
        let new = || AgentReport { place, agent, worked: zero, asked: zero, idle: zero, stuck: zero };
        let key = (before.place.clone(), before.agent.clone());
        let report = self.agents.entry(key).or_insert_with(new);
        let sum = match before.state {
            AgentState::Working => &mut report.worked,
            AgentState::NeedsApproval | AgentState::NeedsAnswer | AgentState::Starting => &mut report.asked,
            AgentState::Idle | AgentState::Done => &mut report.idle,
            AgentState::Error | AgentState::RateLimited { .. } | AgentState::Stalled => &mut report.stuck,
            AgentState::Exited | AgentState::Unsure => return,
        };
        sum.0 = sum.0.saturating_add(span.0);
    }

    /// The report. `watched_to`: the newest instant that the journal knows of, up to which agents did what they did last.
    #[must_use]
    pub fn finish(mut self, watched_to: Timestamp) -> Report {
        for run in std::mem::take(&mut self.runs).into_values() {
            self.run_ended(&run);
        }
        for before in std::mem::take(&mut self.watched).into_values() {
            self.count(&before, watched_to);
        }
        let mut failures: Vec<_> = self.failures.into_values().collect();
        failures.sort_by_key(|failure| (std::cmp::Reverse(failure.times), std::cmp::Reverse(failure.last)));
        self.decided.sort_by_key(|decided| std::cmp::Reverse(decided.decisions));
        self.decided.iter_mut().for_each(|decided| decided.took.sort());
        self.waits.took.sort();
        Report {
            since: self.since,
            until: self.until,
            pipelines: self.pipelines.into_iter().map(|(name, tally)| tally.report(name)).collect(),
            waits: Waits { by: self.decided, ..self.waits },
            failures,
            agents: self.agents.into_values().filter(AgentReport::is_known).collect(),
            saved: self.saved,
        }
    }
}

impl Pipeline {
    fn report(self, pipeline: String) -> PipelineReport {
        let Self { started, ended, mut took, mut stages, days } = self;
        took.sort();
        stages.iter_mut().for_each(|stage| stage.took.sort());
        let mut days: Vec<_> = days.into_values().collect();
        days.iter_mut().for_each(|day| day.took.sort());
        PipelineReport { pipeline, started, ended, took, stages, days }
    }
}

impl AgentReport {
    /// Something is known of it.
    fn is_known(&self) -> bool {
        self.worked.0 + self.asked.0 + self.idle.0 + self.stuck.0 > 0
    }
}

fn date(zone: &TimeZone, at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| "?".to_owned(), |at| at.to_zoned(zone.clone()).date().to_string())
}

/// A cause by which others are told apart: each number of it is `#`.
fn without_numbers(cause: &str) -> String {
    let mut out = String::with_capacity(cause.len());
    for c in cause.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            c => out.push(c),
        }
    }
    out
}
