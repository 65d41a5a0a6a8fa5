//! Whether a stage is run when it is its turn (`if`), and what becomes of one that is not.
//!
//! **Rules.** It is asked when the triggers of a stage hold, before a person is asked anything, and once for each start; who
//! runs a stage again by hand is not held up by it. A stage that is skipped counts as a success for what follows it, unless it
//! followed a failure itself: what was to mend it did not, so nothing goes on.
//! **Invariant:** files are looked for by the supervisor, on the host of the stage's pane; nothing else is waited for.

use super::Engine;
use super::condition::{Ending, ended_so};
use super::explain::{ConditionExplanation, Part, Role};
use super::progress::Cause;
use super::recovered::follows;
use super::state::{PaneRow, Purpose, Run, StageRun, State};
use super::table::StageInput;
use super::template::{Names, fill};
use super::trigger::state_word;
use super::turn::{At, Turn};
use std::collections::BTreeMap;
use std::sync::Arc;
use tmuxagent_model::{Effect, IntentId, Note, PollOutcome, Severity, StageState};
use tmuxagent_policy::{Condition, Guard, Quoting, Stage};

/// What a guard looks at.
pub struct Facts<'a> {
    /// The run.
    pub names: Names<'a>,
    /// The files that were looked for, and whether they were there.
    pub files: &'a BTreeMap<String, bool>,
    /// The rows, which tell whether a stage asks something.
    pub state: &'a State,
}

/// What came of asking.
pub enum Asked {
    /// It holds.
    Holds,
    /// It does not, and why.
    Fails(String),
    /// A file must be looked for first.
    Look(String),
    /// It can't be told.
    Unclear(String),
}

impl Facts<'_> {
    /// Whether it holds, as far as that is known, part by part.
    pub fn part(&self, guard: &Guard) -> (Option<bool>, Part) {
        let (holds, detail, parts) = match guard {
            Guard::Any(parts) | Guard::All(parts) => {
                let told: Vec<(Option<bool>, Part)> = parts.iter().map(|part| self.part(part)).collect();
                let decisive = matches!(guard, Guard::Any(_));
                let holds = if told.iter().any(|(holds, _)| *holds == Some(decisive)) {
                    Some(decisive)
                } else if told.iter().any(|(holds, _)| holds.is_none()) {
                    None
                } else {
                    Some(!decisive)
                };
                (holds, String::new(), told.into_iter().map(|(_, part)| part).collect())
            }
            Guard::Not(part) => {
                let (holds, part) = self.part(part);
                (holds.map(|holds| !holds), String::new(), vec![part])
            }
            Guard::Value { name, tests } => {
                let value = self.names.lookup(name);
                let text = value.as_deref().unwrap_or_default();
                let holds = match tests.is_empty() {
                    true => !text.is_empty() && text != "false",
                    false => value.is_some() && tests.iter().any(|wanted| wanted.test.holds(text)),
                };
                let detail =
                    value.as_ref().map_or_else(|| "it has no value".to_owned(), |value| format!("it is {value}"));
                (Some(holds), detail, Vec::new())
            }
            Guard::Stage { name, ends } => {
                let stage = self.stage(name);
                let state = stage.map_or(StageState::Waiting, |stage| stage.state);
                let detail = format!("it is {}", stage.map_or(state_word(state), |stage| self.state.word_of(stage)));
                (Some(ends.iter().any(|end| end.is(state))), detail, Vec::new())
            }
            Guard::ExitCode { stage, codes } => {
                let code = self.stage(stage).and_then(|stage| stage.exit);
                let holds = code.is_some_and(|code| if codes.is_empty() { code != 0 } else { codes.contains(&code) });
                let detail =
                    code.map_or_else(|| "no exit code is known".to_owned(), |code| format!("exit code {code}"));
                (Some(holds), detail, Vec::new())
            }
            Guard::FileExists(_) => self.files_part(guard),
            Guard::Run(states) => {
                let closing = self.names.run.and_then(|run| run.closing);
                (Some(closing.is_some_and(|state| states.contains(&state))), String::new(), Vec::new())
            }
        };
        let text = match guard {
            Guard::Any(parts) if parts.len() != 1 => "any_of".to_owned(),
            Guard::All(parts) if parts.len() != 1 => "all_of".to_owned(),
            Guard::Not(_) => "not".to_owned(),
            _ => guard.describe(),
        };
        (holds, Part { text, holds: holds == Some(true), cause: None, detail, parts })
    }

    fn files_part(&self, guard: &Guard) -> (Option<bool>, String, Vec<Part>) {
        let found: Vec<Option<bool>> =
            self.paths(guard).iter().map(|path| self.files.get(path.as_ref().ok()?).copied()).collect();
        if found.contains(&Some(true)) {
            (Some(true), "it is there".to_owned(), Vec::new())
        } else if found.contains(&None) {
            (None, "nobody looked yet".to_owned(), Vec::new())
        } else {
            (Some(false), "it is not there".to_owned(), Vec::new())
        }
    }

    fn stage(&self, name: &str) -> Option<&StageRun> {
        self.names.run?.stages.iter().find(|stage| stage.name == name)
    }

    /// The files that a guard names, filled in; an error where a value is missing.
    fn paths(&self, guard: &Guard) -> Vec<Result<String, String>> {
        match guard {
            Guard::Any(parts) | Guard::All(parts) => parts.iter().flat_map(|part| self.paths(part)).collect(),
            Guard::Not(part) => self.paths(part),
            Guard::FileExists(paths) => paths
                .iter()
                .map(|path| fill(path, &self.names, Quoting::None).map_err(|missing| missing.to_string()))
                .collect(),
            Guard::Value { .. } | Guard::Stage { .. } | Guard::ExitCode { .. } | Guard::Run(_) => Vec::new(),
        }
    }

    pub fn asked(&self, guard: &Guard, part: &Part, holds: Option<bool>) -> Asked {
        match holds {
            Some(true) => Asked::Holds,
            Some(false) => Asked::Fails(reason(part)),
            None => {
                let unknown = self
                    .paths(guard)
                    .into_iter()
                    .find(|path| !path.as_ref().is_ok_and(|path| self.files.contains_key(path)));
                match unknown {
                    Some(Ok(path)) => Asked::Look(path),
                    Some(Err(why)) => Asked::Unclear(why),
                    None => Asked::Unclear("nobody looked yet".to_owned()),
                }
            }
        }
    }
}

/// Why it does not hold, in a few words: those of the first part that says so.
pub fn reason(part: &Part) -> String {
    let inside = part.parts.iter().find(|inner| inner.holds == (part.text == "not"));
    match inside {
        Some(inner) if part.detail.is_empty() => reason(inner),
        _ => part.detail.clone(),
    }
}

impl Turn<'_> {
    /// A stage was triggered: it waits for the group of its run, is skipped, asked about, or begins. The bound of its loop comes first, so that stages which
    /// are skipped in a circle end as well.
    pub fn admit(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        if !self.has_group(at.run) {
            return self.queue_for_group(at);
        }
        if self.asks_of_rounds(at).is_some() {
            return self.ask_gate(at);
        }
        match self.ask_guard(at, rule) {
            Asked::Holds => {
                // A person who let the loop go on has said yes to its gate too.
                let asks = rule.gate.is_some() && self.stage(at).is_some_and(|stage| !stage.plan_fixed);
                if asks { self.ask_gate(at) } else { self.enter_as_shown(at) }
            }
            Asked::Fails(why) => self.leave_out(at, rule, why),
            Asked::Look(path) => self.look_for_file(at, &path),
            Asked::Unclear(why) => self.guard_failed(at, why),
        }
    }

    fn ask_guard(&mut self, at: At, rule: &Stage) -> Asked {
        let Some(guard) = &rule.guard else { return Asked::Holds };
        let (Some(run), Some(pane)) = (self.run(at.run), self.pane_of(at)) else {
            return Asked::Unclear("its pane is gone".to_owned());
        };
        let Some(stage) = run.stages.get(at.stage) else { return Asked::Holds };
        let attempt = stage.attempt + 1;
        let names =
            Names { run: Some(run), stage: &rule.name, each: &rule.each, attempt, pipeline: &run.pipeline, pane };
        let facts = Facts { names, files: &stage.files, state: self.state };
        let (holds, mut part) = facts.part(guard);
        let asked = facts.asked(guard, &part, holds);
        part.clean(self.cleaner);
        let told = ConditionExplanation { role: Role::If, active: false, over: false, as_of: Some(self.now), part };
        if let Some(stage) = self.stage_mut(at) {
            stage.guard = Some(told);
        }
        asked
    }

    fn leave_out(&mut self, at: At, rule: &Stage, why: String) {
        let unmended = self.run(at.run).is_some_and(|run| follows_failure(run, &rule.triggers));
        self.supersede_stage(at);
        // In a loop it may have been skipped before.
        let again = self.stage(at).is_some_and(|stage| stage.state == StageState::Skipped);
        if again {
            self.count_end(at);
        } else if !self.shift(at, StageInput::LeaveOut) {
            return;
        }
        let words = rule.guard.as_ref().map(Guard::describe).unwrap_or_default();
        let cause = Cause::of(self.cleaner, self.now, &format!("if {words}"), &why);
        let note = Note::StageSkipped { run: at.run, stage: rule.name.clone(), why: cause.brief() };
        if let Some(stage) = self.stage_mut(at) {
            stage.ended = Some(cause);
            stage.unmended = unmended;
            stage.exit = None;
            stage.output = None;
            stage.told = None;
            stage.queue = None;
        }
        self.note_run(Severity::Info, at.run, note);
        self.stage_ended(at);
    }

    /// Asks the host of the stage's pane whether a file is there.
    pub fn look_for_file(&mut self, at: At, path: &str) {
        let Some(row) = self.pane_of(at) else { return };
        let question = super::files::is_there(row, path);
        // A second file is looked for while the stage waits for the first already.
        self.shift(at, StageInput::Queue);
        let purpose = Purpose::File { run: at.run, stage: self.stage_name(at), path: path.to_owned() };
        let id = self.emit(Effect::Poll(question), purpose);
        if let Some(stage) = self.stage_mut(at) {
            stage.queue = None;
            stage.looks_for = Some(id);
        }
    }

    /// Whether an intent looks for a file.
    pub fn is_file(&self, id: &IntentId) -> bool {
        self.state.intents.get(id).is_some_and(|row| matches!(row.purpose, Purpose::File { .. }))
    }

    /// Somebody looked for a file.
    pub fn looked_for_file(&mut self, at: At, id: &IntentId, path: String, outcome: &PollOutcome) {
        let Some(stage) = self.stage_mut(at).filter(|stage| stage.looks_for.as_ref() == Some(id)) else { return };
        stage.looks_for = None;
        let found = match outcome {
            PollOutcome::Met { .. } => true,
            PollOutcome::Pending { .. } => false,
            PollOutcome::Failed { detail } | PollOutcome::Error { detail, .. } => {
                let why = format!("whether {path} is there can't be told: {detail}");
                return self.guard_failed(at, why);
            }
        };
        stage.files.insert(path, found);
        // Either the stage itself waits for the answer, or the action that it has come to.
        if stage.state == StageState::Starting { self.advance(at) } else { self.admit(at) }
    }

    /// Nobody can tell whether it is to be run: it fails.
    fn guard_failed(&mut self, at: At, why: String) {
        if self.stage(at).is_some_and(|stage| stage.state == StageState::Starting) {
            return self.give_up(at, Cause::of(self.cleaner, self.now, "if", &why));
        }
        if self.shift(at, StageInput::Start) {
            let now = self.now;
            if let Some(stage) = self.stage_mut(at) {
                stage.attempt += 1;
                stage.started_at = Some(now);
            }
            let cause = Cause::of(self.cleaner, self.now, "if", &why);
            self.give_up(at, cause);
        }
    }
}

impl Engine {
    /// Whether the stage would be run if it were its turn.
    pub fn guard_now(
        &self,
        rule: &Stage,
        run: Option<&Run>,
        stage: &StageRun,
        pane: Option<&PaneRow>,
    ) -> Option<ConditionExplanation> {
        let (guard, pane) = (rule.guard.as_ref()?, pane?);
        let pipeline = run.map_or("", |run| run.pipeline.as_str());
        let names = Names { run, stage: &rule.name, each: &rule.each, attempt: stage.attempt + 1, pipeline, pane };
        let (_, part) = Facts { names, files: &stage.files, state: &self.state }.part(guard);
        Some(ConditionExplanation { role: Role::If, active: false, over: false, as_of: None, part })
    }
}

/// Whether a stage was started by a failure that nothing has mended yet.
fn follows_failure(run: &Run, triggers: &Condition) -> bool {
    let rejected = |name: &str| {
        let mut found = false;
        triggers.walk(&mut |part| found |= matches!(part, Condition::AfterStageRejected(one) if one == name));
        found
    };
    run.stages.iter().any(|stage| {
        ended_so(stage, Ending::Failure) && follows(triggers, &stage.name)
            || ended_so(stage, Ending::Rejection) && rejected(&stage.name)
    })
}
