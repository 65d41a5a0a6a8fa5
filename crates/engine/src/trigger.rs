//! From what happens in a pane to the stages that it ends or starts.
//!
//! **Rules.** A line first ends (or fails) the running stage, then triggers. Per pipeline and pane at most one run is
//! open. The trigger of stage S: (a) without an open run begins one at S; (b) while a stage is live it is left out
//! and remembered for `explain`; (c) in an open run without a live stage it starts S there when S is still waiting
//! and comes after the stage started last, otherwise that run is closed and a new one begins. A line that ended a
//! stage can start later stages of the same run but no new run: the success line of a stage that also names its
//! trigger would otherwise go round in a circle. Where a line both succeeds and fails a stage, it fails.

use super::agent::Watched;
use super::condition::{FAIL, Found, SUCCESS, Scene, Stimulus, TRIGGER, describe, named_codes};
use super::groups::wants_way;
use super::message_inputs::given_by;
use super::progress::{Cause, Held, Progress, Watch};
use super::state::stage_key;
use super::turn::{At, Turn};
use std::collections::BTreeSet;
use std::sync::Arc;
use tmuxagent_model::{AgentMessage, LineEvent, LineSource, Note, PaneKey, RunId, Severity, StageState};
use tmuxagent_policy::{Condition, MessageTest, Pipeline, Policy, Stage};

/// Who or what wants a stage started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starter {
    /// Its trigger.
    Trigger,
    /// Its trigger, by a line that just ended a stage of the open run.
    SameRun,
    /// A person or a script, or another pipeline.
    Command,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    /// The stage began.
    Started(At),
    /// It did not count, and why.
    Ignored(String),
}

impl Turn<'_> {
    /// A complete line of a pane.
    pub fn line(&mut self, line: &LineEvent) {
        if self.state.panes.get(&line.pane).is_none_or(|row| row.info.dead) {
            return;
        }
        self.touch(&line.pane);
        let ended = (line.source == LineSource::Stream).then_some(0);
        self.row = Some((line.pane.clone(), line.unended.or(ended), line.unended.and(ended).is_some()));
        let hits = self.hits(line.policy, &line.hits, &line.text);
        if let Some(message) = &line.message {
            self.on_agent_message(&line.pane, message, line.front.as_ref());
            if let Some(exit) = message.exit {
                // A wrapped command's report counts like a shell's own.
                self.command_ended(&line.pane, None, exit);
            }
        }
        let stimulus = Stimulus::Line { text: &line.text, hits: &hits, message: line.message.as_ref() };
        self.stimulate(&line.pane, &stimulus);
    }

    /// The patterns that match a line. One that was matched with another policy than the present is matched again.
    pub fn hits(&self, policy: u64, hits: &[u32], text: &str) -> Vec<u32> {
        if policy == self.policy.generation {
            return hits.to_vec();
        }
        let numbered = self.policy.patterns.iter().zip(0_u32..);
        numbered.filter(|(pattern, _)| pattern.regex.is_match(text)).map(|(_, number)| number).collect()
    }

    /// Gives a stimulus to every pipeline that is concerned with a pane.
    pub fn stimulate(&mut self, pane: &PaneKey, stimulus: &Stimulus<'_>) {
        let policy = Arc::clone(&self.policy);
        let applicable = self.applicable(pane);
        for pipeline in &policy.pipelines {
            let Some(row) = self.state.panes.get(pane) else { return };
            let open = row.open.contains_key(&pipeline.name);
            let applies = applicable.contains(&pipeline.name);
            if open || applies || !pipeline.panes.is_empty() {
                let ended = self.judge_pipeline(pane, pipeline, stimulus);
                for stage in &pipeline.stages {
                    for own in self.listeners(pane, pipeline, stage, open || applies) {
                        let applies = if own == *pane { applies } else { self.applies(&own, &pipeline.name) };
                        let same_run = ended.contains(&own) || !applies;
                        let starter = if same_run { Starter::SameRun } else { Starter::Trigger };
                        self.ask_trigger(&policy, &own, pipeline, stage, stimulus, starter);
                    }
                }
            }
        }
    }

    fn applies(&self, pane: &PaneKey, pipeline: &str) -> bool {
        self.state.panes.get(pane).is_some_and(|row| row.pipelines.iter().any(|name| name == pipeline))
    }

    /// The pipelines that apply to a pane, to be asked for many: one pane may have thousands.
    pub fn applicable(&self, pane: &PaneKey) -> BTreeSet<String> {
        self.state.panes.get(pane).map_or_else(BTreeSet::new, |row| row.pipelines.iter().cloned().collect())
    }

    /// Gives a stimulus to the stages of a pipeline that run in a pane; says of which panes are the runs that had an
    /// attempt ended by it.
    fn judge_pipeline(&mut self, pane: &PaneKey, pipeline: &Pipeline, stimulus: &Stimulus<'_>) -> Vec<PaneKey> {
        let Some(row) = self.state.panes.get(pane) else { return Vec::new() };
        let own = row.open.get(&pipeline.name).copied();
        let guests = row.guests.iter().filter(|id| self.run(**id).is_some_and(|run| run.pipeline == pipeline.name));
        let runs: Vec<RunId> = own.into_iter().chain(guests.copied()).collect();
        let mut ended = Vec::new();
        for run in runs {
            let Some(own) = self.run(run).map(|run| run.pane.clone()) else { continue };
            if self.live_at(run, pane).is_some_and(|at| self.judge(at, stimulus)) {
                ended.push(own);
            }
        }
        ended
    }

    /// Gives a stimulus to a stage; says whether it ended the attempt. A line of somebody else decides nothing, but for what the
    /// author lets count whenever it is seen.
    pub fn judge(&mut self, at: At, stimulus: &Stimulus<'_>) -> bool {
        let foreign = matches!(stimulus, Stimulus::Line { .. }) && self.prints_no_more(at);
        self.judge_of(at, stimulus, foreign)
    }

    /// The same, where it is known whether it is `foreign`.
    pub fn judge_of(&mut self, at: At, stimulus: &Stimulus<'_>, foreign: bool) -> bool {
        let policy = Arc::clone(&self.policy);
        let Some((pipeline, rule)) = self.rule(&policy, at) else { return false };
        let Some(run) = self.run(at.run) else { return false };
        let Some(stage) = run.stages.get(at.stage) else { return false };
        if stage.state != StageState::Running {
            if !self.defer_line(at, rule, stimulus) {
                self.miss_early(at, pipeline, rule, stimulus);
            }
            return false;
        }
        let expected = match stimulus {
            Stimulus::Exit(_) => rule.success_when.as_ref().map_or_else(Vec::new, named_codes),
            _ => Vec::new(),
        };
        let (cleaner, now) = (self.cleaner, self.now);
        let agent = Watched::of(self.state.panes.get(run.pane_of(at.stage)), Some(stage.agent.from));
        let (polls, expected) = (&stage.polls, &expected);
        let scene = Scene { policy: &policy, run: Some(run), polls, agent, expected, ended: None, cleaner, now };
        let mut held = stage.progress.held.clone();
        let mut groups = Vec::new();
        let counts = |found: &Found| !foreign || found.at_once;
        let mut ask = |condition: &Option<Condition>, base| {
            condition.as_ref().and_then(|c| scene.meet(c, base, stimulus, &mut held, &mut groups)).filter(counts)
        };
        let failed = ask(&rule.fail_when, FAIL);
        let succeeded = if failed.is_none() { ask(&rule.success_when, SUCCESS) } else { None };
        if foreign && failed.is_none() && succeeded.is_none() {
            return false;
        }
        if held != stage.progress.held {
            self.remember(at, held);
        }
        self.learn(at.run, groups);
        match (failed, succeeded) {
            (Some(found), _) => self.hold_or_end(at, false, found, stimulus),
            (None, Some(found)) => self.hold_or_end(at, true, found, stimulus),
            (None, None) => {
                self.miss_message(at, pipeline, rule, stimulus);
                false
            }
        }
    }

    /// Keeps which parts held, and their lines as evidence.
    fn remember(&mut self, at: At, held: Held) {
        let new: Vec<Cause> = self.stage(at).map_or_else(Vec::new, |stage| {
            held.iter().filter(|(part, _)| !stage.progress.held.contains_key(part)).map(|(_, c)| c.clone()).collect()
        });
        if let Some(stage) = self.stage_mut(at) {
            stage.progress.held = held;
        }
        for cause in &new {
            self.record_evidence(at, cause);
        }
    }

    /// Gives a stimulus to the trigger of a stage, for runs of a pane.
    pub fn ask_trigger(
        &mut self,
        policy: &Policy,
        pane: &PaneKey,
        pipeline: &Pipeline,
        stage: &Stage,
        stimulus: &Stimulus<'_>,
        starter: Starter,
    ) -> bool {
        let key = stage_key(&pipeline.name, &stage.name);
        let none = Watch::default();
        let Some(row) = self.state.panes.get(pane) else { return false };
        let watch = row.watch.get(&key).unwrap_or(&none);
        let run = row.open.get(&pipeline.name).and_then(|run| self.run(*run));
        let (cleaner, now) = (self.cleaner, self.now);
        let listened = self.listened(pane, pipeline, stage);
        let agent = Watched::of(self.state.panes.get(&listened), None);
        let scene = Scene { policy, run, polls: &watch.polls, agent, expected: &[], ended: None, cleaner, now };
        let before = match &watch.progress {
            Progress { held, .. } if held.is_empty() => Held::new(),
            Progress { shape, held } if *shape == describe(policy, &stage.triggers) => held.clone(),
            Progress { .. } => Held::new(),
        };
        let mut held = before.clone();
        let mut groups = Vec::new();
        let found = scene.meet(&stage.triggers, TRIGGER, stimulus, &mut held, &mut groups);
        if let Some(mut found) = found {
            groups.append(&mut found.groups);
            let text = found.cause.text.clone();
            self.keep_watch(pane, &key, Progress::new());
            match given_by(pipeline, &stage.triggers, stimulus) {
                Ok(given) => self.given = given,
                Err(why) => {
                    self.does_not_begin(pane, pipeline, &why);
                    self.miss(pane, &pipeline.name, &stage.name, &text, why);
                    return false;
                }
            }
            let fired = self.fire(pane, pipeline, stage, found.cause, groups, starter);
            self.given.clear();
            match fired {
                Fired::Started(_) => return true,
                Fired::Ignored(why) => {
                    if let Stimulus::Elsewhere(_) = stimulus {
                        // A line is there to be read; of an end in another pane nothing is seen here.
                        let stage = format!("{}/{}", pipeline.name, stage.name);
                        let text = format!("{stage} does not begin: {why}");
                        self.note_at(Severity::Warning, pane, Note::Text { text });
                    }
                    self.miss(pane, &pipeline.name, &stage.name, &text, why);
                }
            }
        } else if held != before {
            self.keep_watch(pane, &key, Progress { shape: describe(policy, &stage.triggers), held });
        }
        false
    }

    /// Keeps what a trigger remembers.
    fn keep_watch(&mut self, pane: &PaneKey, key: &str, progress: Progress) {
        let same = self.state.panes.get(pane).is_none_or(|row| match row.watch.get(key) {
            Some(watch) => watch.progress == progress,
            None => progress == Progress::new(),
        });
        if !same && let Some(row) = self.state.panes.get_mut(pane) {
            row.watch.entry(key.to_owned()).or_default().progress = progress;
        }
    }

    /// Starts a stage on a pane, by the rules above.
    pub fn fire(
        &mut self,
        pane: &PaneKey,
        pipeline: &Pipeline,
        stage: &Stage,
        cause: Cause,
        groups: Vec<(String, String)>,
        starter: Starter,
    ) -> Fired {
        let Some(row) = self.state.panes.get(pane) else { return Fired::Ignored("the pane is gone".to_owned()) };
        if row.info.dead {
            return Fired::Ignored("the pane's process ended".to_owned());
        }
        if starter != Starter::Command
            && let Some(until) = self.cooling(pane, pipeline, stage)
        {
            return Fired::Ignored(format!("cool-down for another {}", until.since(self.now)));
        }
        let live = |id: &RunId| self.run(*id).is_some_and(|run| !run.is_idle());
        if let Some(id) = row.open.get(&pipeline.name).copied().filter(live)
            && starter != Starter::SameRun
            && wants_way(pipeline, &stage.name)
        {
            // One that does not begin ends no other.
            if let Err(why) = self.values_for(pipeline) {
                self.does_not_begin(pane, pipeline, &why);
                return Fired::Ignored(why);
            }
            if self.makes_way(id) {
                return self.begin_run(pane, pipeline, stage, cause, groups);
            }
        }
        let open = self.state.panes.get(pane).and_then(|row| row.open.get(&pipeline.name)).and_then(|id| self.run(*id));
        let Some(run) = open else {
            if starter == Starter::SameRun {
                return Fired::Ignored("the line ended the run".to_owned());
            }
            return self.begin_run(pane, pipeline, stage, cause, groups);
        };
        if let Some(live) = run.live().find_map(|index| run.stages.get(index)) {
            return Fired::Ignored(match starter {
                Starter::Command => self.state.in_the_way(run, live),
                // It stands among what did not count, and is read later.
                Starter::Trigger | Starter::SameRun => {
                    format!("stage {} of run {} was {}", live.name, run.id, self.state.word_of(live))
                }
            });
        }
        let id = run.id;
        let given = !self.given.is_empty();
        let index = run.stages.iter().position(|s| s.name == stage.name);
        let goes_on = index.filter(|&index| {
            run.last.is_none_or(|last| index > last)
                && run.stages.get(index).is_some_and(|s| s.state == StageState::Waiting)
        });
        match (goes_on, starter) {
            (Some(_), _) if given => {
                Fired::Ignored(format!("run {id} is open already, and its inputs were given when it began"))
            }
            (Some(index), _) => {
                let at = At { run: id, stage: index };
                self.learn(id, groups);
                self.record_evidence(at, &cause);
                self.begin(at, cause);
                Fired::Started(at)
            }
            (None, Starter::SameRun) => Fired::Ignored("the line ended a later stage of this run".to_owned()),
            (None, Starter::Trigger | Starter::Command) => {
                self.close_by_stages(id);
                if let Some(live) = self.run(id).and_then(|run| run.stages.get(run.live().next()?)) {
                    return Fired::Ignored(format!("run {id} ends first: its stage {} is under way", live.name));
                }
                self.begin_run(pane, pipeline, stage, cause, groups)
            }
        }
    }

    /// Until when a stage's triggers are left out on a pane.
    fn cooling(&self, pane: &PaneKey, pipeline: &Pipeline, stage: &Stage) -> Option<tmuxagent_model::Timestamp> {
        let row = self.state.panes.get(pane)?;
        let until = *row.starts.get(&stage_key(&pipeline.name, &stage.name))? + stage.cooldown?;
        (until > self.now).then_some(until)
    }

    /// Remembers a line that would have ended the stage if its output counted yet.
    fn miss_early(&mut self, at: At, pipeline: &Pipeline, rule: &Stage, stimulus: &Stimulus<'_>) {
        let Stimulus::Line { text, hits, .. } = stimulus else { return };
        let Some(stage) = self.stage(at) else { return };
        let concerned = rule.success_when.iter().chain(&rule.fail_when).any(|condition| {
            super::condition::leaves(condition, 0)
                .iter()
                .any(|(leaf, _)| matches!(leaf, Condition::LogRegex(id) if hits.binary_search(&id.0).is_ok()))
        });
        if concerned && let Some(pane) = self.run(at.run).map(|run| run.pane.clone()) {
            let why = format!("the stage was {}; only output while it runs counts", state_word(stage.state));
            self.miss(&pane, &pipeline.name, &rule.name, text, why);
        }
    }

    /// Remembers a message that passed a test but for its stage or its `ok`.
    fn miss_message(&mut self, at: At, pipeline: &Pipeline, rule: &Stage, stimulus: &Stimulus<'_>) {
        let Stimulus::Line { message: Some(message), .. } = stimulus else { return };
        let Some(pane) = self.run(at.run).map(|run| run.pane.clone()) else { return };
        for condition in rule.success_when.iter().chain(&rule.fail_when) {
            for (leaf, _) in super::condition::leaves(condition, 0) {
                if let Condition::Message(test) = leaf
                    && let Some(why) = almost(test, message)
                {
                    let text = super::condition::describe_message(message);
                    self.miss(&pane, &pipeline.name, &rule.name, &text, why);
                }
            }
        }
    }
}

/// Why a message of the right type did not pass a test.
fn almost(test: &MessageTest, message: &AgentMessage) -> Option<String> {
    if test.kind.is_some_and(|kind| kind != message.kind) || super::condition::message_holds(test, message) {
        return None;
    }
    if test.stage.is_some() && test.stage != message.stage {
        let wanted = test.stage.clone().unwrap_or_default();
        return Some(match &message.stage {
            Some(stage) => format!("it speaks of stage {stage}, not of {wanted}"),
            None => format!("it names no stage; {wanted} is expected"),
        });
    }
    let wanted = test.ok.unwrap_or_default();
    Some(match message.ok {
        Some(ok) => format!("its ok is {ok}, {wanted} is expected"),
        None => format!("it has no ok; {wanted} is expected"),
    })
}

/// A state as a word in a sentence.
pub const fn state_word(state: StageState) -> &'static str {
    match state {
        StageState::Waiting => "waiting",
        StageState::NeedsApproval => "waiting for approval",
        StageState::Queued => "waiting for its lock",
        StageState::Starting => "starting",
        StageState::Running => "running",
        StageState::Retrying => "about to be tried again",
        StageState::Asking => "asking what to do",
        StageState::Succeeded => "done",
        StageState::Failed => "failed",
        StageState::Escalated => "escalated",
        StageState::Skipped => "left out",
        StageState::Cancelled => "cancelled",
        StageState::Rejected => "rejected",
        StageState::Expired => "not approved in time",
    }
}
