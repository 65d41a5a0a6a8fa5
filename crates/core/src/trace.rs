//! What the heart took in lately, so that a fault can be played back: a checkpoint and all inputs since, bounded, in memory
//! until somebody asks for it ([`Core::dump`]).
//!
//! The inputs are kept as JSON, which no later change of what they name touches. Secrets are taken out when they are
//! written down.

use super::acts::{Act, Ticket};
use super::catch_up::CatchUp;
use super::claims::Between;
use super::core::{Core, Input};
use super::hosts::Hosts;
use super::live_view::LiveView;
use super::recovery::Settling;
use super::reports::Reports;
use super::requests::Asked;
use super::round::{Digest, Unwritten};
use super::unkept::Unkept;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tmuxagent_config::Problem;
use tmuxagent_engine::{Engine, Options, RestoreError};
use tmuxagent_model::{EntityKind, EventLine, HostName, IntentId, Note, PaneKey, Severity, Timestamp};
use tmuxagent_policy::Policy;
use tmuxagent_store::Committed;
use tmuxagent_text::redact::Redactor;
use tmuxagent_tmux::HostMessage;

/// The form of a dump.
const FORMAT: u32 = 1;
/// After so many bytes a new checkpoint is made; the inputs since the one before stay.
const SEGMENT: usize = 1 << 20;
/// With so many bytes and no moment for a checkpoint (the state can't be saved) nothing more is noted.
const MOST: usize = 4 << 20;

/// What the heart was given.
#[derive(Debug, Serialize)]
pub(crate) enum Given<'a> {
    Input(&'a Input),
    Asked(&'a Asked),
    Fired,
    PositionsGivenUp,
    /// A round went to the store, with its digest; or had nothing to write.
    Finished(Option<&'a Digest>),
    Written(&'a [EventLine]),
    NotWritten(&'a str),
    ReloadUnchanged(Option<Ticket>),
    ReloadRefused(Option<Ticket>, &'a str, &'a str, Option<&'a str>),
    ServicesBeginAnew,
}

/// The same, read again.
#[derive(Debug, Deserialize)]
enum GivenAgain {
    Input(Box<Input>),
    Asked(Box<Asked>),
    Fired,
    PositionsGivenUp,
    Finished(Option<Digest>),
    Written(Vec<EventLine>),
    NotWritten(String),
    ReloadUnchanged(Option<Ticket>),
    ReloadRefused(Option<Ticket>, String, String, Option<String>),
    ServicesBeginAnew,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry<T> {
    at: Timestamp,
    given: T,
}

/// Everything that the next input meets.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    at: Timestamp,
    rows: Vec<(EntityKind, String, String)>,
    options: Options,
    hosts: Hosts,
    view: LiveView,
    #[serde(with = "pairs")]
    settling: BTreeMap<PaneKey, Settling>,
    watched: BTreeSet<HostName>,
    #[serde(default)]
    between: BTreeMap<HostName, Between>,
    reconcile_at: Vec<(Timestamp, HostName)>,
    #[serde(default)]
    catch_up: CatchUp,
    unplaced: BTreeSet<PaneKey>,
    #[serde(default)]
    reports: Reports,
    /// What is typed from memory only.
    #[serde(default)]
    unkept: BTreeSet<IntentId>,
}

/// The first line of a dump.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    tmuxagent: String,
    format: u32,
    /// The policies' files: name and text.
    policies: Vec<(String, String)>,
    generation: u64,
    /// How many texts held a secret, so that what follows from them may differ.
    redacted: usize,
}

/// A checkpoint and what was given since.
#[derive(Debug, Default)]
struct Segment {
    checkpoint: String,
    entries: Vec<String>,
    bytes: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    before: Option<Segment>,
    /// None until the first checkpoint.
    now: Option<Segment>,
}

impl Trace {
    /// Notes what is given.
    pub(crate) fn note(&mut self, at: Timestamp, given: &Given<'_>) {
        // What views look at decides nothing.
        let looks = |given: &Given<'_>| matches!(given, Given::Input(Input::Host(_, _, HostMessage::Screen { .. })));
        let Some(segment) = self.now.as_mut().filter(|segment| segment.bytes < MOST && !looks(given)) else { return };
        let Ok(entry) = serde_json::to_string(&Entry { at, given }) else {
            // An outcome that came as its errand is not noted: whoever holds the heart takes it out before.
            return;
        };
        segment.bytes += entry.len();
        segment.entries.push(entry);
    }

    /// Forgets everything, until the next checkpoint.
    pub(crate) fn stop(&mut self) {
        *self = Self::default();
    }

    /// Whether it is time for a checkpoint.
    fn is_full(&self) -> bool {
        self.now.as_ref().is_none_or(|segment| segment.bytes >= SEGMENT)
    }

    fn begin(&mut self, checkpoint: String) {
        self.before = self.now.replace(Segment { checkpoint, ..Segment::default() });
    }
}

impl Core {
    /// Makes a checkpoint where it is time, at a moment with nothing under way to the store.
    pub(crate) fn begin_trace_anew(&mut self) {
        if !self.trace.is_full()
            || self.round.has_work()
            || self.retry_at.is_some()
            || !self.early.is_empty()
            || self.catch_up.has_questions()
        {
            return;
        }
        let checkpoint = Checkpoint {
            at: self.now,
            rows: self.engine.rows(),
            options: self.engine.options(),
            hosts: std::mem::take(&mut self.hosts),
            view: std::mem::take(&mut self.view),
            settling: std::mem::take(&mut self.settling),
            watched: std::mem::take(&mut self.watched),
            between: std::mem::take(&mut self.between),
            reconcile_at: std::mem::take(&mut self.reconcile_at),
            catch_up: std::mem::take(&mut self.catch_up),
            unplaced: std::mem::take(&mut self.unplaced),
            reports: std::mem::take(&mut self.reports),
            unkept: self.unkept.intents(),
        };
        let text = serde_json::to_string(&checkpoint);
        let Checkpoint { hosts, view, settling, watched, between, reconcile_at, catch_up, unplaced, reports, .. } =
            checkpoint;
        self.between = between;
        self.reports = reports;
        self.catch_up = catch_up;
        (self.hosts, self.view, self.settling, self.watched) = (hosts, view, settling, watched);
        (self.reconcile_at, self.unplaced) = (reconcile_at, unplaced);
        if let Ok(text) = text {
            self.trace.begin(text);
        }
    }

    /// What was taken in lately, one JSON document per line, without secrets; `policies` are the files in force. None
    /// before the first round.
    #[must_use]
    pub fn dump(&self, policies: &[(String, String)]) -> Option<String> {
        let now = self.trace.now.as_ref()?;
        let first = self.trace.before.as_ref().unwrap_or(now);
        let later = self.trace.before.as_ref().map_or(&[][..], |_| &now.entries);
        let mut redacted = 0;
        let lines = std::iter::once(&first.checkpoint).chain(&first.entries).chain(later);
        let lines: Vec<String> = lines.map(|line| without_secrets(line, &self.redactor, &mut redacted)).collect();
        let header = Header {
            tmuxagent: env!("CARGO_PKG_VERSION").to_owned(),
            format: FORMAT,
            policies: policies.to_vec(),
            generation: self.engine.policy().generation,
            redacted,
        };
        let header = serde_json::to_string(&header).ok()?;
        let header = without_secrets(&header, &self.redactor, &mut 0);
        let lines = std::iter::once(header).chain(lines);
        Some(lines.flat_map(|line| [tmuxagent_text::json(&line), "\n".to_owned()]).collect())
    }

    fn at_checkpoint(checkpoint: Checkpoint, policy: Arc<Policy>) -> Result<Self, RestoreError> {
        let engine = Engine::restore(policy, checkpoint.rows)?.with_options(checkpoint.options);
        let mut core = Self::new(checkpoint.at, engine, super::Restored::default(), Redactor::default(), 0);
        core.hosts = checkpoint.hosts;
        core.view = checkpoint.view;
        core.settling = checkpoint.settling;
        core.watched = checkpoint.watched;
        core.between = checkpoint.between;
        core.reconcile_at = checkpoint.reconcile_at;
        core.catch_up = checkpoint.catch_up;
        core.unplaced = checkpoint.unplaced;
        core.reports = checkpoint.reports;
        core.unkept = Unkept::of(checkpoint.unkept);
        Ok(core)
    }
}

/// A JSON document whose texts hold no secret; counts those that did.
fn without_secrets(line: &str, redactor: &Redactor, redacted: &mut usize) -> String {
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(line) else { return redactor.redact(line) };
    clean_value(&mut value, redactor, redacted);
    value.to_string()
}

fn clean_value(value: &mut serde_json::Value, redactor: &Redactor, redacted: &mut usize) {
    match value {
        serde_json::Value::String(text) => {
            // Rows of the state are JSON in JSON.
            let inner = text.starts_with('{').then(|| serde_json::from_str::<serde_json::Value>(text).ok()).flatten();
            if let Some(mut inner) = inner {
                clean_value(&mut inner, redactor, redacted);
                *text = inner.to_string();
                return;
            }
            let clean = redactor.redact(text);
            *redacted += usize::from(clean != *text);
            *text = clean;
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| clean_value(value, redactor, redacted)),
        serde_json::Value::Object(values) => {
            for (name, value) in values.iter_mut() {
                if CHOSEN.contains(&name.as_str()) {
                    clean_names(value, redactor, redacted);
                }
                clean_value(value, redactor, redacted);
            }
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// Maps whose names anyone can choose.
const CHOSEN: &[&str] = &["inputs", "variables"];

fn clean_names(value: &mut serde_json::Value, redactor: &Redactor, redacted: &mut usize) {
    let serde_json::Value::Object(values) = value else { return };
    let clean = |name: &String| Some((name.clone(), redactor.redact(name))).filter(|(name, clean)| name != clean);
    let found: Vec<(String, String)> = values.keys().filter_map(clean).collect();
    *redacted += found.len();
    for (name, clean) in found {
        if let Some(value) = values.remove(&name) {
            values.insert(clean, value);
        }
    }
}

/// Why a dump can't be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A line is not what it should be.
    #[error("line {line}: {source}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It was written by a program whose form this one does not know.
    #[error("it was written by tmuxagent {version} in form {format}, and this one reads form {FORMAT}")]
    Format {
        /// The program's version.
        version: String,
        /// Its form.
        format: u32,
    },
    /// It has no checkpoint.
    #[error("it ends before its checkpoint")]
    Short,
    /// Its policies can't be read.
    #[error("its policies can't be read: {0}")]
    Policy(String),
    /// Its state can't be read.
    #[error(transparent)]
    State(#[from] RestoreError),
}

/// A dump that is played back, input by input.
pub struct Replay<'a> {
    core: Core,
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    round: Option<Unwritten>,
    /// Texts of it held secrets.
    pub redacted: usize,
    /// Inputs so far.
    pub inputs: usize,
}

/// What one input led to.
#[derive(Debug)]
pub struct Replayed {
    /// The line of the dump.
    pub line: usize,
    /// When.
    pub at: Timestamp,
    /// What was given, as the dump has it.
    pub given: String,
    /// What it is told as.
    pub notes: Vec<(Severity, String, Note)>,
    /// What was asked of the world.
    pub acts: Vec<Act>,
    /// Whether the round was the one that was recorded; none where the input made none.
    pub same: Option<bool>,
    /// The round as it came out now, where it is another one.
    pub otherwise: Option<String>,
}

impl<'a> Replay<'a> {
    /// Reads the head of a dump; `read` makes policies of their files' names and texts.
    ///
    /// # Errors
    /// Where it can't be played.
    pub fn new(
        dump: &'a str,
        read: impl FnOnce(&[(String, String)]) -> Result<Policy, String>,
    ) -> Result<Self, ReplayError> {
        let mut lines = dump.lines().enumerate();
        let (at, line) = lines.next().ok_or(ReplayError::Short)?;
        let header: Header = parsed(at, line)?;
        if header.format != FORMAT {
            return Err(ReplayError::Format { version: header.tmuxagent, format: header.format });
        }
        let mut policy = read(&header.policies).map_err(ReplayError::Policy)?;
        policy.generation = header.generation;
        let (at, line) = lines.next().ok_or(ReplayError::Short)?;
        let core = Core::at_checkpoint(parsed(at, line)?, Arc::new(policy))?;
        Ok(Self { core, lines, round: None, redacted: header.redacted, inputs: 0 })
    }

    /// Plays the next input; `None` at the end.
    ///
    /// # Errors
    /// When its line can't be read.
    pub fn step(&mut self) -> Option<Result<Replayed, ReplayError>> {
        let (at, line) = self.lines.next()?;
        Some(parsed(at, line).map(|entry: Entry<GivenAgain>| {
            self.inputs += 1;
            let same = self.play(entry.at, entry.given);
            let batch = self.round.as_ref().filter(|_| same.is_some()).map(|round| round.batch().clone());
            let batch = batch.unwrap_or_default();
            let told = batch.events.into_iter().flat_map(|row| row.notes);
            let notes = told.chain(batch.notes).collect();
            let acts = self.core.acts();
            let otherwise = (same == Some(false)).then(|| format!("{:?}", self.round.as_ref().map(Unwritten::digest)));
            Replayed { line: at + 1, at: entry.at, given: line.to_owned(), notes, acts, same, otherwise }
        }))
    }

    fn play(&mut self, now: Timestamp, given: GivenAgain) -> Option<bool> {
        match given {
            GivenAgain::Input(input) => self.core.take(now, *input),
            GivenAgain::Asked(asked) => self.core.ask(now, *asked),
            GivenAgain::Fired => self.core.fire(now),
            GivenAgain::PositionsGivenUp => self.core.give_up_positions(),
            GivenAgain::Finished(recorded) => {
                self.round = self.core.finish(now);
                return Some(self.round.as_ref().map(Unwritten::digest) == recorded);
            }
            GivenAgain::Written(lines) => {
                if let Some(round) = self.round.take() {
                    self.core.written(now, round, Committed { lines, ..Committed::default() });
                }
            }
            GivenAgain::NotWritten(error) => {
                if let Some(round) = self.round.take() {
                    self.core.unwritten(now, round, &error);
                }
            }
            GivenAgain::ReloadUnchanged(ticket) => self.core.reload_unchanged(now, ticket),
            GivenAgain::ReloadRefused(ticket, part, text, hint) => {
                let problem = Problem { hint, ..Problem::new(text, "") };
                self.core.refuse_reload(now, ticket, &part, &problem);
            }
            GivenAgain::ServicesBeginAnew => self.core.services_begin_anew(),
        }
        None
    }
}

fn parsed<T: serde::de::DeserializeOwned>(at: usize, line: &str) -> Result<T, ReplayError> {
    serde_json::from_str(line).map_err(|source| ReplayError::Line { line: at + 1, source })
}

/// A map whose keys are no texts, as a list of pairs.
pub(crate) mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<'a, S, M, K, V>(map: &'a M, to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        &'a M: IntoIterator<Item = (&'a K, &'a V)>,
        K: Serialize + 'a,
        V: Serialize + 'a,
    {
        to.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, D, M, K, V>(from: D) -> Result<M, D::Error>
    where
        D: Deserializer<'de>,
        M: FromIterator<(K, V)>,
        K: Deserialize<'de>,
        V: Deserialize<'de>,
    {
        Vec::<(K, V)>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}
