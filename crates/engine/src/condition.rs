//! Conditions, evaluated one stimulus at a time.
//!
//! **Meaning.** A part is *met* when the present stimulus makes it hold. `all_of` remembers which of its parts were
//! met during the attempt (or, for triggers, since the stage last started) and holds at the instant that its last
//! part is met. A `not` inside `all_of` forbids: at an instant at which its part holds, no other part of that
//! `all_of` counts. Alone, or inside `any_of`, a `not` never holds, because there is no instant to ask at.
//! `after_stage_*` and `poll` are states: they hold as long as they are so, and are met whenever a stage ends or a
//! poll answers. Silence is remembered by nobody; it must be there at the end.

use super::agent::Watched;
pub use super::describe::{describe, describe_message, describe_poll};
use super::elsewhere::Ended;
use super::progress::{Cause, Held, PollRun, PollState, TEXT, VALUE, cut};
use super::schedule;
use super::state::{Run, StageRun};
use super::text::Cleaner;
use std::collections::BTreeMap;
use tmuxagent_model::{AgentMessage, Millis, StageState, Timestamp};
use tmuxagent_policy::{Condition, MessageTest, PatternId, Policy, PollTest};

/// The number of the first part of `success_when`.
pub const SUCCESS: u32 = 0;
/// The number of the first part of `fail_when`.
pub const FAIL: u32 = 10_000;
/// The number of the first part of `triggers`.
pub const TRIGGER: u32 = 20_000;

/// What conditions are asked about.
#[derive(Debug, Clone, Copy)]
pub enum Stimulus<'a> {
    /// A line, with the patterns that match it and the message on it.
    Line { text: &'a str, hits: &'a [u32], message: Option<&'a AgentMessage> },
    /// A command ended.
    Exit(i32),
    /// A stage of the run ended, or an attempt begins: states are looked at.
    Settled,
    /// The pane has been silent for so long.
    Quiet(Millis),
    /// The poll of that number answered.
    Poll(u32),
    /// The agent of the pane was seen; `news`: it has just come to do what it does.
    Agent { news: bool },
    /// That instant of a schedule came.
    Instant(Timestamp),
    /// A stage of a run of another pipeline ended.
    Elsewhere(&'a Ended),
}

/// What a condition may look at.
pub struct Scene<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The run, where there is one.
    pub run: Option<&'a Run>,
    /// The polls of the condition's stage.
    pub polls: &'a BTreeMap<u32, PollRun>,
    /// The agent of the pane.
    pub agent: Watched<'a>,
    /// Exit codes that `success_when` names: `exit_code` without codes does not mean them.
    pub expected: &'a [i32],
    /// The stages whose ends alone are news; `None`: that of every stage.
    pub ended: Option<&'a [&'a str]>,
    /// Takes secrets out of what is kept.
    pub cleaner: &'a Cleaner,
    /// Now.
    pub now: Timestamp,
}

/// Why a condition holds, with the named groups of the line that made it hold.
#[derive(Debug, Clone)]
pub struct Found {
    /// Why.
    pub cause: Cause,
    /// Name and text of each group that took part, untrusted.
    pub groups: Vec<(String, String)>,
    /// It was an event, which an `all_of` around it remembers; a state or a silence must be so at the end.
    pub lasting: bool,
    /// It counts at once, also while the stage's command still runs.
    pub at_once: bool,
}

enum Verdict {
    /// It does not hold.
    No,
    /// It holds, but not because of this stimulus.
    Level(Cause),
    /// It holds because of this stimulus.
    Met(Found),
}

/// Silence and states are passing.
const fn lasting(condition: &Condition) -> bool {
    match condition {
        Condition::IdleFor(_)
        | Condition::Agent(_)
        | Condition::AfterStageSuccess(_)
        | Condition::AfterStageFailure(_)
        | Condition::AfterStageRejected(_)
        | Condition::Poll(_) => false,
        Condition::Seen(part) => lasting(part),
        Condition::Any(_)
        | Condition::All(_)
        | Condition::Not(_)
        | Condition::LogRegex(_)
        | Condition::Message(_)
        | Condition::ExitCode(_)
        | Condition::Schedule(_)
        | Condition::After(_)
        | Condition::Manual => true,
    }
}

impl Scene<'_> {
    /// Whether `condition`, whose first part has the number `base`, is met by the stimulus. What its parts remember
    /// is in `held`; groups of remembered parts are in `groups` also when the whole does not hold yet.
    pub fn meet(
        &self,
        condition: &Condition,
        base: u32,
        stimulus: &Stimulus<'_>,
        held: &mut Held,
        groups: &mut Vec<(String, String)>,
    ) -> Option<Found> {
        match self.eval(condition, base, stimulus, held, groups) {
            Verdict::Met(found) => Some(found),
            Verdict::No | Verdict::Level(_) => None,
        }
    }

    /// Whether `condition` holds as a state, or by this stimulus, for an explanation.
    pub fn level(&self, condition: &Condition, base: u32, held: &Held, stimulus: &Stimulus<'_>) -> Option<Cause> {
        if let Some(cause) = held.get(&base) {
            return Some(cause.clone());
        }
        match self.eval(condition, base, stimulus, &mut held.clone(), &mut Vec::new()) {
            Verdict::Met(found) => Some(found.cause),
            Verdict::Level(cause) => Some(cause),
            Verdict::No => None,
        }
    }

    fn eval(
        &self,
        condition: &Condition,
        base: u32,
        stimulus: &Stimulus<'_>,
        held: &mut Held,
        groups: &mut Vec<(String, String)>,
    ) -> Verdict {
        match condition {
            Condition::Any(parts) => self.eval_any(parts, base, stimulus, held, groups),
            Condition::All(parts) => self.eval_all(parts, base, stimulus, held, groups),
            Condition::LogRegex(id) => self.eval_line(condition, *id, stimulus),
            Condition::Message(test) => match stimulus {
                Stimulus::Line { message: Some(message), .. } if message_holds(test, message) => {
                    self.met(condition, describe_message(message))
                }
                _ => Verdict::No,
            },
            Condition::AfterStageSuccess(name) => self.eval_after(condition, name, stimulus, Ending::Success),
            Condition::AfterStageFailure(name) => self.eval_after(condition, name, stimulus, Ending::Failure),
            Condition::AfterStageRejected(name) => self.eval_after(condition, name, stimulus, Ending::Rejection),
            Condition::Seen(part) => match self.eval(part, base + 1, stimulus, held, groups) {
                Verdict::Met(found) => Verdict::Met(Found { at_once: true, ..found }),
                other => other,
            },
            Condition::ExitCode(codes) => match stimulus {
                Stimulus::Exit(code) if exit_holds(codes, self.expected, *code) => {
                    // A condition that names one code has said it.
                    let text = if codes.len() == 1 { String::new() } else { format!("exit code {code}") };
                    self.met(condition, text)
                }
                _ => Verdict::No,
            },
            Condition::Agent(words) => match self.agent.does(words) {
                Some((since, text)) => {
                    let cause = self.since(Some(since), condition, &text);
                    // It is its own word: whatever command started it need not end.
                    let found = Found { cause: cause.clone(), groups: Vec::new(), lasting: false, at_once: true };
                    if self.agent.is_met_by(stimulus) { Verdict::Met(found) } else { Verdict::Level(cause) }
                }
                None => Verdict::No,
            },
            Condition::IdleFor(span) => match stimulus {
                Stimulus::Quiet(quiet) if quiet >= span => self.met(condition, format!("silent for {quiet}")),
                _ => Verdict::No,
            },
            Condition::Poll(_) => match self.polls.get(&base).map(|poll| (&poll.state, poll.met)) {
                Some((PollState::Met { detail }, since)) => match stimulus {
                    Stimulus::Poll(node) if *node == base => self.met(condition, detail.clone()),
                    _ => Verdict::Level(self.since(since, condition, detail)),
                },
                _ => Verdict::No,
            },
            Condition::Schedule(expression) => match stimulus {
                Stimulus::Instant(at) if schedule::matches(expression, *at) => {
                    self.met(condition, crate::lifecycle::instant(*at))
                }
                _ => Verdict::No,
            },
            Condition::After(elsewhere) => match stimulus {
                Stimulus::Elsewhere(ended) if ended.is(elsewhere) => self.met(condition, ended.told()),
                _ => Verdict::No,
            },
            // Asked inside `all_of`; alone it never holds. `manual` is not evaluated: a person starts the stage.
            Condition::Not(_) | Condition::Manual => Verdict::No,
        }
    }

    fn eval_any(
        &self,
        parts: &[Condition],
        base: u32,
        stimulus: &Stimulus<'_>,
        held: &mut Held,
        groups: &mut Vec<(String, String)>,
    ) -> Verdict {
        let mut best = Verdict::No;
        // Every part is asked, so that an `all_of` among them remembers.
        for (part, number) in numbered(parts, base) {
            let verdict = self.eval(part, number, stimulus, held, groups);
            match (&best, &verdict) {
                (Verdict::Met(_), _) | (_, Verdict::No) | (Verdict::Level(_), Verdict::Level(_)) => {}
                (Verdict::No | Verdict::Level(_), Verdict::Met(_)) | (Verdict::No, Verdict::Level(_)) => best = verdict,
            }
        }
        best
    }

    fn eval_all(
        &self,
        parts: &[Condition],
        base: u32,
        stimulus: &Stimulus<'_>,
        held: &mut Held,
        groups: &mut Vec<(String, String)>,
    ) -> Verdict {
        let forbidden = numbered(parts, base).any(|(part, number)| match part {
            Condition::Not(inner) => {
                !matches!(self.eval(inner, number + 1, stimulus, &mut held.clone(), &mut Vec::new()), Verdict::No)
            }
            _ => false,
        });
        if forbidden {
            return Verdict::No;
        }
        let mut met: Option<Found> = None;
        let mut last: Option<Cause> = None;
        let (mut complete, mut whole) = (true, true);
        for (part, number) in numbered(parts, base) {
            if matches!(part, Condition::Not(_)) {
                continue;
            }
            if let Some(cause) = held.get(&number) {
                last.get_or_insert_with(|| cause.clone());
                continue;
            }
            match self.eval(part, number, stimulus, held, groups) {
                Verdict::No => complete = false,
                Verdict::Level(cause) => {
                    whole = false;
                    last.get_or_insert(cause);
                }
                Verdict::Met(found) => {
                    whole &= found.lasting;
                    if found.lasting {
                        held.insert(number, found.cause.clone());
                        groups.extend(found.groups.iter().cloned());
                    }
                    met = Some(found);
                }
            }
        }
        match (complete, met, last) {
            (true, Some(found), _) => Verdict::Met(Found { lasting: whole, ..found }),
            (true, None, Some(cause)) => Verdict::Level(cause),
            (true, None, None) | (false, _, _) => Verdict::No,
        }
    }

    fn eval_line(&self, condition: &Condition, id: PatternId, stimulus: &Stimulus<'_>) -> Verdict {
        let Stimulus::Line { text, hits, .. } = stimulus else { return Verdict::No };
        if hits.binary_search(&id.0).is_err() {
            return Verdict::No;
        }
        let groups = self.policy.patterns.get(id.0 as usize).map_or_else(Vec::new, |pattern| {
            let regex = &pattern.regex;
            let Some(captures) = regex.captures(text) else { return Vec::new() };
            let named = regex.capture_names().flatten();
            named
                .filter_map(|name| captures.name(name).map(|group| (name.to_owned(), cut(group.as_str(), VALUE))))
                .collect()
        });
        Verdict::Met(Found { cause: self.cause(condition, text), groups, lasting: true, at_once: false })
    }

    fn eval_after(&self, condition: &Condition, name: &str, stimulus: &Stimulus<'_>, how: Ending) -> Verdict {
        let stage = self.run.and_then(|run| run.stages.iter().find(|stage| stage.name == name));
        let Some(stage) = stage.filter(|stage| ended_so(stage, how)) else { return Verdict::No };
        let text = stage.ended.as_ref().map(Cause::brief).unwrap_or_default();
        let cause = self.since(stage.ended.as_ref().map(|ended| ended.at), condition, &text);
        match stimulus {
            Stimulus::Settled if self.ended.is_none_or(|ended| ended.contains(&name)) => {
                Verdict::Met(Found { cause, groups: Vec::new(), lasting: false, at_once: false })
            }
            _ => Verdict::Level(cause),
        }
    }

    fn met(&self, condition: &Condition, text: String) -> Verdict {
        let cause = self.cause(condition, &text);
        Verdict::Met(Found { cause, groups: Vec::new(), lasting: lasting(condition), at_once: false })
    }

    fn cause(&self, condition: &Condition, text: &str) -> Cause {
        self.since(None, condition, text)
    }

    /// Why a state holds, dated with the instant from which on it does; `None`: now.
    fn since(&self, since: Option<Timestamp>, condition: &Condition, text: &str) -> Cause {
        Cause {
            at: since.unwrap_or(self.now),
            rule: describe(self.policy, condition),
            text: cut(&self.cleaner.clean(text), TEXT),
        }
    }
}

/// How a stage has to have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// For `after_stage_success`.
    Success,
    /// For `after_stage_failure`.
    Failure,
    /// For `after_stage_rejected`.
    Rejection,
}

/// Whether an ended stage counts for one of `after_stage_…`.
pub const fn ended_so(stage: &StageRun, how: Ending) -> bool {
    match stage.state {
        StageState::Skipped => matches!(how, Ending::Success) && !stage.unmended,
        StageState::Succeeded => matches!(how, Ending::Success),
        StageState::Failed | StageState::Escalated => matches!(how, Ending::Failure),
        StageState::Rejected | StageState::Expired => matches!(how, Ending::Rejection),
        StageState::Waiting
        | StageState::NeedsApproval
        | StageState::Queued
        | StageState::Starting
        | StageState::Running
        | StageState::Retrying
        | StageState::Asking
        | StageState::Cancelled => false,
    }
}

/// Whether a message passes a test.
pub fn message_holds(test: &MessageTest, message: &AgentMessage) -> bool {
    test.kind.is_none_or(|kind| kind == message.kind)
        && test.stage.as_ref().is_none_or(|stage| message.stage.as_ref() == Some(stage))
        && test.ok.is_none_or(|ok| message.ok == Some(ok))
}

/// Whether an exit code is one of `codes`; when there are none, any but 0 and the `expected` ones.
fn exit_holds(codes: &[i32], expected: &[i32], code: i32) -> bool {
    if codes.is_empty() { code != 0 && !expected.contains(&code) } else { codes.contains(&code) }
}

/// The exit codes that a condition names.
pub fn named_codes(condition: &Condition) -> Vec<i32> {
    let named = leaves(condition, 0).into_iter().filter_map(|(leaf, _)| match leaf {
        Condition::ExitCode(codes) => Some(codes),
        _ => None,
    });
    named.flatten().copied().collect()
}

/// How many numbers a condition takes.
pub fn size(condition: &Condition) -> u32 {
    let mut count = 0;
    condition.walk(&mut |_| count += 1);
    count
}

/// The parts of a condition with their numbers; the condition itself has the number `base`.
pub fn numbered(parts: &[Condition], base: u32) -> impl Iterator<Item = (&Condition, u32)> {
    parts.iter().scan(base + 1, |next, part| {
        let number = *next;
        *next += size(part);
        Some((part, number))
    })
}

/// Every leaf of a condition with its number.
pub fn leaves(condition: &Condition, base: u32) -> Vec<(&Condition, u32)> {
    let mut number = base;
    let mut found = Vec::new();
    condition.walk(&mut |part| {
        if !matches!(part, Condition::Any(_) | Condition::All(_) | Condition::Not(_) | Condition::Seen(_)) {
            found.push((part, number));
        }
        number += 1;
    });
    found
}

/// The polls of a condition with their numbers.
pub fn polls(condition: &Condition, base: u32) -> Vec<(u32, &PollTest)> {
    leaves(condition, base)
        .into_iter()
        .filter_map(|(leaf, number)| match leaf {
            Condition::Poll(test) => Some((number, &**test)),
            _ => None,
        })
        .collect()
}

/// The spans of silence that a condition waits for, ascending.
pub fn silences(condition: &Condition) -> Vec<Millis> {
    let mut spans: Vec<Millis> = leaves(condition, 0)
        .into_iter()
        .filter_map(|(leaf, _)| match leaf {
            Condition::IdleFor(span) => Some(*span),
            _ => None,
        })
        .collect();
    spans.sort_unstable();
    spans
}

/// The schedules of a condition.
pub fn schedules(condition: &Condition) -> Vec<&str> {
    leaves(condition, 0)
        .into_iter()
        .filter_map(|(leaf, _)| match leaf {
            Condition::Schedule(expression) => Some(expression.as_str()),
            _ => None,
        })
        .collect()
}

/// Whether lines or messages take part in a condition.
pub fn reads_lines(condition: &Condition) -> bool {
    leaves(condition, 0).iter().any(|(leaf, _)| matches!(leaf, Condition::LogRegex(_) | Condition::Message(_)))
}
