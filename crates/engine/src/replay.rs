//! The real engine over recorded output, with a virtual clock and a world that does what it is told.
//!
//! Sends, prompts and shell calls succeed at once; questions and polls are answered as the [`Setting`] says. What is
//! recorded after keys were really typed is whatever the pane printed then, so a replay shows what a policy *decides*,
//! not what other keys would have led to.

mod coverage;
mod log;
mod people;

pub use super::report::{Comparison, Decided, Entry, Report, Side, compare};
pub use coverage::{Point, PointKind, points};
pub use log::read_log;

use super::run::unbegun;
use super::text::{describe_effect, visible};
use super::{Answer, Engine, Options, Step};
use coverage::Reached;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use tmuxagent_model::{
    AgentMessage, AgentSeen, AgentState, Approval, ApprovalState, Command, Decider, Effect, Event, Front, IntentId,
    LineEvent, LineSource, Millis, Note, Outcome, PRINTED, PaneId, PaneInfo, PaneKey, PollOutcome, Printed, RunControl,
    RunId, Severity, ShellOutcome, Timestamp, Variables, Verdict, Via,
};
use tmuxagent_policy::{Policy, RuleSet};

/// What a pane printed.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The pane, with the facts that policies match.
    pub pane: PaneInfo,
    /// Its lines and the ends of its commands, in order.
    pub records: Vec<Record>,
}

/// One recorded fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Recorded,
}

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// A line without escapes, and the message on it, as the `lines` room reads it.
    Line {
        /// The text.
        text: String,
        /// How many bytes at its start an earlier line already showed; what matches there was counted then.
        seen: usize,
        /// The agent's message.
        message: Option<AgentMessage>,
    },
    /// A command ended. It counts as the end of the tracked command that the stage then waits for.
    Ended {
        /// Its exit code.
        exit: i32,
    },
    /// The agent of the pane was seen to do this.
    Agent(AgentState),
    /// Somebody started a pipeline in the pane.
    Started {
        /// Which.
        pipeline: String,
        /// At which stage; the first where none was named.
        stage: Option<String>,
        /// The values that were given.
        inputs: Variables,
        /// Who.
        by: Decider,
    },
    /// Somebody steered the run of a pipeline of the pane.
    Steered {
        /// Whose run.
        pipeline: String,
        /// Which stage, where one was named.
        stage: Option<String>,
        /// What was wished.
        control: RunControl,
        /// Who.
        by: Decider,
    },
    /// Somebody decided a question; it counts where questions are answered as they were.
    Decided(Box<Approval>),
    /// What the pane's agent was seen to do, as it was told then.
    AgentSeen(Box<AgentSeen>),
    /// Lines were left out here.
    Gap,
}

/// How questions are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answers {
    /// Nobody answers.
    #[default]
    Leave,
    /// Yes, at once.
    Approve,
    /// No, at once.
    Reject,
    /// As people did, at that time.
    AsDecided,
}

/// How polls are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Polls {
    /// Not yet, always.
    #[default]
    Pending,
    /// What was waited for is so.
    Met,
}

/// The scripted world.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting {
    /// How questions are answered.
    pub answers: Answers,
    /// How polls are answered.
    pub polls: Polls,
    /// How long timers run on after the last record.
    pub tail: Millis,
    /// The engine's options.
    pub options: Options,
    /// Whether it is kept what of the policy was reached.
    pub coverage: bool,
}

/// The most timers that fire between two records, and after the last.
const MOST_TIMERS: u32 = 10_000;

/// Replays recordings, interleaved by their times, over one engine.
#[must_use]
pub fn replay(policy: Arc<Policy>, recordings: &[Recording], setting: &Setting) -> Report {
    World::new(policy, recordings, setting).run(recordings)
}

fn agent_of(pane: &PaneInfo) -> String {
    Some(pane.facts.agent.clone()).filter(|agent| !agent.is_empty()).unwrap_or_else(|| "agent".to_owned())
}

/// The outcome of a call that went well.
fn ended(intent: &IntentId, output: String) -> Event {
    Event::Outcome { intent: intent.clone(), outcome: Outcome::Shell(ShellOutcome { exit: Some(0), output }) }
}

/// The engine in its scripted world.
struct World {
    engine: Engine,
    setting: Setting,
    rules: BTreeMap<PaneKey, Arc<RuleSet>>,
    places: BTreeMap<PaneKey, String>,
    /// The last lines of each pane, where some text names what a stage printed.
    printed: BTreeMap<PaneKey, VecDeque<Printed>>,
    /// The agent of each pane, as its facts name it.
    agents: BTreeMap<PaneKey, String>,
    report: Report,
    reached: Reached,
    seq: u64,
}

impl World {
    fn new(policy: Arc<Policy>, recordings: &[Recording], setting: &Setting) -> Self {
        let rules = recordings.iter().map(|r| {
            let key = &r.pane.key;
            (key.clone(), policy.rules_for(&key.host, &r.pane.facts))
        });
        let report = Report {
            policy: policy.hash.clone(),
            lines: 0,
            entries: Vec::new(),
            open: Vec::new(),
            runs: Vec::new(),
            cut_off: false,
            reached: BTreeSet::new(),
        };
        Self {
            rules: rules.collect(),
            places: recordings.iter().map(|r| (r.pane.key.clone(), r.pane.place())).collect(),
            printed: BTreeMap::new(),
            agents: recordings.iter().map(|r| (r.pane.key.clone(), agent_of(&r.pane))).collect(),
            engine: Engine::new(policy).with_options(setting.options),
            setting: *setting,
            report,
            reached: Reached::default(),
            seq: 0,
        }
    }

    fn run(mut self, recordings: &[Recording]) -> Report {
        let mut records: Vec<(&PaneKey, &Record)> =
            recordings.iter().flat_map(|r| r.records.iter().map(|record| (&r.pane.key, record))).collect();
        records.sort_by_key(|(_, record)| record.at);
        let mut now = records.first().map_or(Timestamp(0), |(_, record)| record.at);
        let hash = self.report.policy.clone();
        self.step(now, Event::PolicyLoaded { hash });
        for recording in recordings {
            self.step(now, Event::PaneSeen { info: Box::new(recording.pane.clone()) });
        }
        for (pane, record) in records {
            // A recording whose clock went back goes on at the latest instant.
            let at = record.at.max(now);
            self.run_timers(at);
            now = at;
            self.record(now, pane, &record.what);
        }
        self.run_timers(now + self.setting.tail);
        let view = self.engine.view();
        self.report.open =
            view.approvals.into_iter().filter(|approval| approval.state == ApprovalState::Pending).collect();
        self.report.runs = view.runs;
        self.report.reached = self.reached.0;
        self.report
    }

    fn record(&mut self, now: Timestamp, pane: &PaneKey, what: &Recorded) {
        match what {
            Recorded::Line { text, seen, message } => {
                self.printed(now, pane, text);
                self.report.lines += 1;
                self.seq += 1;
                let rules = self.rules.get(pane);
                let mut hits = rules.map_or_else(Vec::new, |rules| rules.scan(text));
                if let Some(rules) = rules.filter(|_| *seen > 0 && !hits.is_empty()) {
                    let before = rules.scan(text.get(..*seen).unwrap_or_default());
                    hits.retain(|hit| !before.contains(hit));
                }
                let policy = self.engine.policy().generation;
                if rules.is_some_and(|rules| rules.wants_activity) {
                    self.step(now, Event::Activity { pane: pane.clone() });
                }
                if hits.is_empty() && message.is_none() {
                    return;
                }
                let (text, message) = (text.clone(), message.clone());
                let (seq, source) = (self.seq, LineSource::Stream);
                let line = LineEvent {
                    unended: None,
                    pane: pane.clone(),
                    seq,
                    text,
                    source,
                    hits,
                    policy,
                    message,
                    front: None,
                };
                self.step(now, Event::Line(Box::new(line)));
            }
            Recorded::Ended { exit } => {
                let token = self.engine.tracked_command(pane);
                self.step(now, Event::CommandEnded { pane: pane.clone(), token, exit: *exit });
            }
            Recorded::Agent(state) => {
                let process = Some(Front { pid: 1, born: 1, name: "agent".to_owned() });
                let process = process.filter(|_| *state != AgentState::Exited);
                let agent = self.agents.get(pane).cloned().unwrap_or_default();
                let (pane, state, by) = (pane.clone(), state.clone(), "replay".to_owned());
                let (anew, interrupted, unproven) = (false, false, false);
                let seen = AgentSeen { pane, agent, process, state, by, anew, interrupted, unproven };
                self.step(now, Event::Agent(Box::new(seen)));
            }
            Recorded::Started { pipeline, stage, inputs, by } => {
                let (pane, pipeline, inputs) = (pane.clone(), pipeline.clone(), inputs.clone());
                let command = Command::Start { pane, pipeline, stage: stage.clone(), inputs };
                self.step(now, Event::Asked { command, by: by.clone() });
            }
            Recorded::Steered { pipeline, stage, control, by } => {
                self.steer(now, pane, pipeline, stage.as_deref(), *control, by);
            }
            Recorded::Decided(then) => self.decide_as_then(now, then),
            Recorded::AgentSeen(seen) => self.step(now, Event::Agent(seen.clone())),
            Recorded::Gap => self.step(now, Event::Gap { pane: pane.clone() }),
        }
    }

    /// Keeps a line for texts that name what a stage printed.
    fn printed(&mut self, now: Timestamp, pane: &PaneKey, text: &str) {
        if self.engine.policy().pipelines.iter().flat_map(|pipeline| &pipeline.stages).any(|stage| stage.told) {
            let lines = self.printed.entry(pane.clone()).or_default();
            lines.push_back(Printed { at: now, text: text.to_owned() });
            lines.drain(..lines.len().saturating_sub(PRINTED));
        }
    }

    /// A fact with what its pane printed last.
    fn witnessed(&self, fact: Event) -> Event {
        match self.engine.concerns(&fact).and_then(|pane| self.printed.get(pane)) {
            Some(lines) => Event::Witnessed { printed: lines.iter().cloned().collect(), fact: Box::new(fact) },
            None => fact,
        }
    }

    fn run_timers(&mut self, until: Timestamp) {
        for _ in 0..MOST_TIMERS {
            match self.engine.next_timer().filter(|(at, _, _)| *at <= until) {
                Some((at, key, epoch)) => self.step(at, Event::Timer { key, epoch }),
                None => return,
            }
        }
        self.report.cut_off = true;
    }

    /// One event, and everything that the world answers to it at the same instant.
    fn step(&mut self, now: Timestamp, event: Event) {
        let mut queue = VecDeque::from([event]);
        let mut rounds = 0;
        while let Some(event) = queue.pop_front() {
            rounds += 1;
            if rounds > MOST_TIMERS {
                self.report.cut_off = true;
                return;
            }
            let event = self.witnessed(event);
            let step = self.engine.step(now, &event);
            self.tell(now, &step);
            if self.setting.coverage {
                self.reached.look(&self.engine, now, &step);
            }
            for intent in &step.intents {
                let done = Event::Outcome { intent: intent.id.clone(), outcome: Outcome::Done };
                match &intent.effect {
                    Effect::Send(_) | Effect::Prompt(_) | Effect::Answer(_) | Effect::Alert(_) => queue.push_back(done),
                    Effect::Shell(_) => queue.extend(self.tmux(&intent.id)),
                    Effect::Poll(_) => {
                        let detail = "as the replay assumes".to_owned();
                        let outcome = match self.setting.polls {
                            Polls::Pending => PollOutcome::Pending { detail },
                            Polls::Met => PollOutcome::Met { detail },
                        };
                        queue.push_back(Event::Polled { intent: intent.id.clone(), outcome });
                    }
                }
            }
            // A recording does not tell that commands began.
            queue.extend(step.intents.iter().filter_map(|intent| match &intent.effect {
                Effect::Send(send) => {
                    let token = Some(intent.id.as_str().to_owned());
                    Some(Event::CommandBegan { pane: send.pane.clone(), token, line: None })
                }
                _ => None,
            }));
            queue.extend(self.answers(now, &step));
        }
    }

    /// What tmux does where a run makes a pane or closes it.
    fn tmux(&mut self, intent: &IntentId) -> Vec<Event> {
        if let Some(pane) = self.engine.closing(intent) {
            return vec![ended(intent, String::new()), Event::PaneGone { pane, unwatched: false, by: None }];
        }
        let Some(mut info) = self.engine.making(intent) else { return vec![ended(intent, String::new())] };
        let last = self.places.keys().map(|key| key.pane.0.max(key.pid)).max().unwrap_or_default();
        (info.key.pane, info.key.pid) = (PaneId(last + 1), last + 1);
        self.rules.insert(info.key.clone(), self.engine.policy().rules_for(&info.key.host, &info.facts));
        self.places.insert(info.key.clone(), info.place());
        let output = format!("{} {}", info.key.pane, info.key.pid);
        vec![Event::PaneSeen { info: Box::new(info) }, ended(intent, output)]
    }

    /// The setting's answers to the questions of a step.
    fn answers(&mut self, now: Timestamp, step: &Step) -> Vec<Event> {
        let approve = match self.setting.answers {
            Answers::Leave | Answers::AsDecided => return Vec::new(),
            Answers::Approve => true,
            Answers::Reject => false,
        };
        let asked = step.notes.iter().filter_map(|(_, _, note)| match note {
            Note::ApprovalAsked { approval, .. } => self.engine.approval(approval).cloned(),
            _ => None,
        });
        let mut events = Vec::new();
        for approval in asked.collect::<Vec<_>>() {
            let what = Decided::Answered { question: approval.question.clone(), approve };
            self.enter(now, &approval.place, approval.run, what);
            let (word, who) = self.engine.terms(&approval.id);
            events.push(Event::Asked {
                command: Command::Decide {
                    approval: approval.id,
                    revision: approval.revision,
                    verdict: Verdict { approve, answer: word.filter(|_| approve) },
                },
                by: Decider::named(who.unwrap_or_else(|| "replay".to_owned()), Via::Cli),
            });
        }
        events
    }

    fn enter(&mut self, at: Timestamp, place: &str, run: Option<RunId>, what: Decided) {
        self.report.entries.push(Entry { at, place: place.to_owned(), run, what });
    }

    /// Takes a step's notes and intents into the report.
    fn tell(&mut self, now: Timestamp, step: &Step) {
        if let Some(Answer::Refused { text, .. }) = &step.answer {
            self.enter(now, "", None, Decided::Effect { text: format!("refused: {text}") });
        }
        for (severity, place, note) in &step.notes {
            // Who asked for it by hand has been told already.
            let told = if step.answer.is_none() { does_not_begin(note) } else { None };
            if let Some((run, what)) = told.or_else(|| self.decided(*severity, note)) {
                // A report names panes as its recordings do.
                let told = |(key, known): &(&PaneKey, &String)| key.told(known) == *place;
                let place = self.places.iter().find(told).map_or(place, |(_, known)| known).clone();
                self.enter(now, &place, run, what);
            }
        }
        for intent in &step.intents {
            let place = intent.effect.pane().and_then(|pane| self.places.get(pane)).cloned().unwrap_or_default();
            let text = self.engine.describe(&intent.id).unwrap_or_else(|| describe_effect(&intent.effect));
            let what = match &intent.effect {
                Effect::Send(_) | Effect::Prompt(_) => Decided::Typed { text },
                Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) => Decided::Effect { text },
                // Alerts of questions and ends repeat what is told anyway.
                Effect::Alert(alert) if alert.kind == tmuxagent_model::AlertKind::Custom => Decided::Effect { text },
                Effect::Alert(_) => continue,
            };
            self.enter(now, &place, intent.run, what);
        }
    }

    fn decided(&self, severity: Severity, note: &Note) -> Option<(Option<RunId>, Decided)> {
        let stage = |run: &RunId, stage: &str, became: &str, because: &str| {
            let pipeline = self.engine.pipeline_of(*run).unwrap_or_default();
            let (stage, became, because) = (stage.to_owned(), became.to_owned(), visible(because));
            Some((Some(*run), Decided::Stage { pipeline, stage, became, because }))
        };
        match note {
            Note::StageTriggered { run, stage: name, by } => stage(run, name, "triggered", by),
            Note::StageNeedsApproval { run, stage: name, .. } => stage(run, name, "needs_approval", ""),
            Note::StageStarted { run, stage: name, attempt } => {
                stage(run, name, "started", &format!("attempt {attempt}"))
            }
            Note::StageSucceeded { run, stage: name, by, .. } => stage(run, name, "succeeded", by),
            Note::StageFailed { run, stage: name, by, .. } => {
                let word = if severity == Severity::Error { "failed for good" } else { "failed" };
                stage(run, name, word, by)
            }
            Note::StageRetrying { run, stage: name, attempt, max, after } => {
                stage(run, name, "retrying", &format!("attempt {attempt} in {after}, at most {max} retries"))
            }
            Note::StageEscalated { run, stage: name, code } => stage(run, name, "escalated", code),
            Note::StageSkipped { run, stage: name, why } => stage(run, name, "skipped", why),
            Note::ActionSkipped { run, stage: name, action, why } => {
                stage(run, name, "action skipped", &format!("{action}: {why}"))
            }
            Note::StageCancelled { run, stage: name, why } => stage(run, name, "cancelled", why),
            Note::RunEnded { run, pipeline, state } => {
                Some((Some(*run), Decided::RunEnded { pipeline: pipeline.clone(), state: *state }))
            }
            Note::ApprovalAsked { approval, question } => {
                let asked = self.engine.approval(approval);
                let effect = asked.map(|asked| asked.effect_text.clone()).unwrap_or_default();
                Some((asked.and_then(|asked| asked.run), Decided::Asked { question: question.clone(), effect }))
            }
            _ => None,
        }
    }
}

/// That a run does not begin, and why.
fn does_not_begin(note: &Note) -> Option<(Option<RunId>, Decided)> {
    let Note::Text { text } = note else { return None };
    text.contains(&unbegun("", "")).then(|| (None, Decided::Effect { text: visible(text) }))
}
