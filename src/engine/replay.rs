//! The real engine over recorded output, with a virtual clock and a world that does what it is told.
//!
//! Sends, prompts and shell calls succeed at once; questions and polls are answered as the [`Setting`] says. What is
//! recorded after keys were really typed is whatever the pane printed then, so a replay shows what a policy *decides*,
//! not what other keys would have led to.

use super::text::{describe_effect, visible};
use super::{Engine, Options, Step};
use crate::model::{
    AgentMessage, Approval, ApprovalState, Command, Decider, Effect, Event, LineEvent, LineSource, Millis, Note,
    Outcome, PaneInfo, PaneKey, PollOutcome, RunId, RunView, Severity, ShellOutcome, Timestamp, Verdict, Via,
};
use crate::policy::{Policy, RuleSet};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

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
        /// The agent's message.
        message: Option<AgentMessage>,
    },
    /// A command ended. It counts as the end of the tracked command that the stage then waits for.
    Ended {
        /// Its exit code.
        exit: i32,
    },
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
}

/// A decision, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by the recording's clock.
    pub at: Timestamp,
    /// `session:window.pane`.
    pub place: String,
    /// The run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What.
    #[serde(flatten)]
    pub what: Decided,
}

/// What was decided or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decided {
    /// A stage came into another state.
    Stage {
        /// The pipeline.
        pipeline: String,
        /// The stage.
        stage: String,
        /// What became of it: `triggered`, `needs_approval`, `started`, `succeeded`, `failed`, `retrying`, …
        became: String,
        /// Why.
        because: String,
    },
    /// Input for the pane.
    Typed {
        /// In words.
        text: String,
    },
    /// Another effect: a command beside the pane, a poll, an alert.
    Effect {
        /// In words.
        text: String,
    },
    /// A question to the human.
    Asked {
        /// It.
        question: String,
        /// What a yes does.
        effect: String,
    },
    /// A question was answered by the setting.
    Answered {
        /// The question.
        question: String,
        /// Yes or no.
        approve: bool,
    },
    /// A run ended.
    RunEnded {
        /// The pipeline.
        pipeline: String,
        /// How.
        state: crate::model::RunState,
    },
}

/// What a policy would have done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The policy's hash.
    pub policy: String,
    /// How many lines were read.
    pub lines: u64,
    /// Every decision, in order.
    pub entries: Vec<Entry>,
    /// Questions that are still open at the end.
    pub open: Vec<Approval>,
    /// The runs as they stand at the end.
    pub runs: Vec<RunView>,
    /// Whether it was cut off because timers led to timers without end.
    pub cut_off: bool,
}

/// Two reports side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Decisions that both take.
    pub common: usize,
    /// The differing ones, in order of time: `-` only the first policy, `+` only the second.
    pub differences: Vec<(Side, Entry)>,
}

/// Which of two policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The first.
    First,
    /// The second.
    Second,
}

/// The most timers that fire between two records, and after the last.
const MOST_TIMERS: u32 = 10_000;

/// Replays recordings, interleaved by their times, over one engine.
#[must_use]
pub fn replay(policy: Arc<Policy>, recordings: &[Recording], setting: &Setting) -> Report {
    World::new(policy, recordings, setting).run(recordings)
}

/// What differs between two reports. Runs' numbers do not count.
#[must_use]
pub fn compare(first: &Report, second: &Report) -> Comparison {
    let (a, b) = (&first.entries, &second.entries);
    let same = |x: &Entry, y: &Entry| x.at == y.at && x.place == y.place && x.what == y.what;
    // Entries are ordered by time, so equal ones are looked for among those of one instant.
    let (mut common, mut differences) = (0, Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let now = a.get(i).into_iter().chain(b.get(j)).map(|entry| entry.at).min().unwrap_or_default();
        let of_now = |list: &[Entry], from: usize| list[from..].iter().take_while(|entry| entry.at == now).count();
        let (x, y) = (&a[i..i + of_now(a, i)], &b[j..j + of_now(b, j)]);
        let mut taken = vec![false; y.len()];
        for entry in x {
            match (0..y.len()).find(|&k| !taken[k] && same(entry, &y[k])) {
                Some(k) => {
                    taken[k] = true;
                    common += 1;
                }
                None => differences.push((Side::First, entry.clone())),
            }
        }
        let only_second = y.iter().zip(&taken).filter(|(_, taken)| !**taken);
        differences.extend(only_second.map(|(entry, _)| (Side::Second, entry.clone())));
        i += x.len();
        j += y.len();
    }
    Comparison { common, differences }
}

/// The engine in its scripted world.
struct World {
    engine: Engine,
    setting: Setting,
    rules: BTreeMap<PaneKey, Arc<RuleSet>>,
    places: BTreeMap<PaneKey, String>,
    report: Report,
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
        };
        Self {
            rules: rules.collect(),
            places: recordings.iter().map(|r| (r.pane.key.clone(), r.pane.place())).collect(),
            engine: Engine::new(policy).with_options(setting.options),
            setting: *setting,
            report,
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
        self.report
    }

    fn record(&mut self, now: Timestamp, pane: &PaneKey, what: &Recorded) {
        match what {
            Recorded::Line { text, message } => {
                self.report.lines += 1;
                self.seq += 1;
                let rules = self.rules.get(pane);
                let hits = rules.map_or_else(Vec::new, |rules| rules.scan(text));
                let policy = self.engine.policy().generation;
                if rules.is_some_and(|rules| rules.wants_activity) {
                    self.step(now, Event::Activity { pane: pane.clone() });
                }
                if hits.is_empty() && message.is_none() {
                    return;
                }
                let (text, message) = (text.clone(), message.clone());
                let (seq, source) = (self.seq, LineSource::Stream);
                let line = LineEvent { pane: pane.clone(), seq, text, source, hits, policy, message };
                self.step(now, Event::Line(Box::new(line)));
            }
            Recorded::Ended { exit } => {
                let token = self.engine.tracked_command(pane);
                self.step(now, Event::CommandEnded { pane: pane.clone(), token, exit: *exit });
            }
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
            let step = self.engine.step(now, &event);
            self.tell(now, &step);
            for intent in &step.intents {
                queue.push_back(match &intent.effect {
                    Effect::Send(_) | Effect::Prompt(_) | Effect::Alert(_) => {
                        Event::Outcome { intent: intent.id.clone(), outcome: Outcome::Done }
                    }
                    Effect::Shell(_) => {
                        let outcome = Outcome::Shell(ShellOutcome { exit: Some(0), output: String::new() });
                        Event::Outcome { intent: intent.id.clone(), outcome }
                    }
                    Effect::Poll(_) => {
                        let detail = "as the replay assumes".to_owned();
                        let outcome = match self.setting.polls {
                            Polls::Pending => PollOutcome::Pending { detail },
                            Polls::Met => PollOutcome::Met { detail },
                        };
                        Event::Polled { intent: intent.id.clone(), outcome }
                    }
                });
            }
            queue.extend(self.answers(now, &step));
        }
    }

    /// The setting's answers to the questions of a step.
    fn answers(&mut self, now: Timestamp, step: &Step) -> Vec<Event> {
        let approve = match self.setting.answers {
            Answers::Leave => return Vec::new(),
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
            events.push(Event::Asked {
                command: Command::Decide {
                    approval: approval.id,
                    revision: approval.revision,
                    verdict: Verdict { approve, answer: None },
                },
                by: Decider { who: "replay".to_owned(), via: Via::Cli },
            });
        }
        events
    }

    fn enter(&mut self, at: Timestamp, place: &str, run: Option<RunId>, what: Decided) {
        self.report.entries.push(Entry { at, place: place.to_owned(), run, what });
    }

    /// Takes a step's notes and intents into the report.
    fn tell(&mut self, now: Timestamp, step: &Step) {
        for (severity, place, note) in &step.notes {
            if let Some((run, what)) = self.decided(*severity, note) {
                self.enter(now, place, run, what);
            }
        }
        for intent in &step.intents {
            let place = intent.effect.pane().and_then(|pane| self.places.get(pane)).cloned().unwrap_or_default();
            let text = describe_effect(&intent.effect);
            let what = match &intent.effect {
                Effect::Send(_) | Effect::Prompt(_) => Decided::Typed { text },
                Effect::Shell(_) | Effect::Poll(_) => Decided::Effect { text },
                // Alerts of questions and ends repeat what is told anyway.
                Effect::Alert(alert) if alert.kind == crate::model::AlertKind::Custom => Decided::Effect { text },
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
            Note::StageSkipped { run, stage: name } => stage(run, name, "skipped", ""),
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

impl fmt::Display for Entry {
    /// One line: time, place, what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", crate::approval::lifecycle::instant(self.at))?;
        if !self.place.is_empty() {
            write!(f, "{} ", visible(&self.place))?;
        }
        match &self.what {
            Decided::Stage { pipeline, stage, became, because } if because.is_empty() => {
                write!(f, "{pipeline}/{stage} {became}")
            }
            Decided::Stage { pipeline, stage, became, because } => write!(f, "{pipeline}/{stage} {became}: {because}"),
            Decided::Typed { text } => write!(f, "types {text}"),
            Decided::Effect { text } => write!(f, "does {text}"),
            Decided::Asked { question, effect } if effect.is_empty() => write!(f, "asks {question}"),
            Decided::Asked { question, effect } => write!(f, "asks {question} [{effect}]"),
            Decided::Answered { question, approve: true } => write!(f, "is told yes to {question}"),
            Decided::Answered { question, approve: false } => write!(f, "is told no to {question}"),
            Decided::RunEnded { pipeline, state } => {
                let word = match state {
                    crate::model::RunState::Open => "goes on",
                    crate::model::RunState::Succeeded => "succeeded",
                    crate::model::RunState::Failed => "failed",
                    crate::model::RunState::Cancelled => "was cancelled",
                };
                write!(f, "run of {pipeline} {word}")
            }
        }
    }
}

impl fmt::Display for Report {
    /// All entries, one a line, then what is still open.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{entry}")?;
        }
        for approval in &self.open {
            writeln!(f, "open: {}", approval.question)?;
        }
        for run in self.runs.iter().filter(|run| run.state == Some(crate::model::RunState::Open)) {
            for stage in run.stages.iter().filter(|stage| stage.state.is_live()) {
                writeln!(f, "at the end: {}/{} {}", run.pipeline, stage.name, stage.detail)?;
            }
        }
        if self.cut_off {
            writeln!(f, "cut off: timers led to timers without end")?;
        }
        Ok(())
    }
}

impl fmt::Display for Comparison {
    /// The differences, one a line, `-` and `+` as in a diff.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (side, entry) in &self.differences {
            let sign = match side {
                Side::First => '-',
                Side::Second => '+',
            };
            writeln!(f, "{sign} {entry}")?;
        }
        writeln!(f, "{} decisions in common, {} different", self.common, self.differences.len())
    }
}
