//! What a replay found, and what differs between two of them.

use super::replay::Point;
use super::text::visible;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use tmuxagent_model::{Approval, RunId, RunView, Timestamp};

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
        state: tmuxagent_model::RunState,
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
    /// What of the policy was reached.
    #[serde(skip)]
    pub reached: BTreeSet<Point>,
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

impl fmt::Display for Entry {
    /// One line: time, place, what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", crate::lifecycle::instant(self.at))?;
        if !self.place.is_empty() {
            write!(f, "{} ", visible(&self.place))?;
        }
        self.what.fmt(f)
    }
}

impl fmt::Display for Decided {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage { pipeline, stage, became, because } if because.is_empty() => {
                write!(f, "{pipeline}/{stage} {became}")
            }
            Self::Stage { pipeline, stage, became, because } => write!(f, "{pipeline}/{stage} {became}: {because}"),
            Self::Typed { text } => write!(f, "types {text}"),
            Self::Effect { text } => write!(f, "does {text}"),
            Self::Asked { question, effect } if effect.is_empty() => write!(f, "asks {}", visible(question)),
            Self::Asked { question, effect } => write!(f, "asks {} [{}]", visible(question), visible(effect)),
            Self::Answered { question, approve: true } => write!(f, "is told yes to {}", visible(question)),
            Self::Answered { question, approve: false } => write!(f, "is told no to {}", visible(question)),
            Self::RunEnded { pipeline, state } => {
                let word = match state {
                    tmuxagent_model::RunState::Open => "goes on",
                    tmuxagent_model::RunState::Succeeded => "succeeded",
                    tmuxagent_model::RunState::Failed => "failed",
                    tmuxagent_model::RunState::Cancelled => "was cancelled",
                    tmuxagent_model::RunState::Rejected => "was rejected",
                    tmuxagent_model::RunState::Expired => "was not approved in time",
                };
                write!(f, "run of {pipeline} {word}")
            }
        }
    }
}

impl Report {
    /// How it stands at the end, a line each: open questions, stages that are under way.
    #[must_use]
    pub fn ending(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.open.iter().map(|approval| format!("open: {}", visible(&approval.question))).collect();
        for run in self.runs.iter().filter(|run| run.state == Some(tmuxagent_model::RunState::Open)) {
            for stage in run.stages.iter().filter(|stage| stage.state.is_live()) {
                let detail = visible(&stage.detail);
                let detail = if stage.asks { format!("asks: {detail}") } else { detail };
                lines.push(format!("at the end: {}/{} {detail}", run.pipeline, stage.name));
            }
        }
        if self.cut_off {
            lines.push("cut off: timers led to timers without end".to_owned());
        }
        lines
    }
}

impl fmt::Display for Report {
    /// All entries, one a line, then how it stands at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
        self.ending().iter().try_for_each(|line| writeln!(f, "{line}"))
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
