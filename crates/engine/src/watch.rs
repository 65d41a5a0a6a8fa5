//! What stages and triggers wait for without a line: silence, schedules, polls.

use super::condition::{FAIL, SUCCESS, Stimulus, TRIGGER, polls, schedules, silences};
use super::schedule;
use super::state::stage_key;
use super::trigger::Starter;
use super::turn::{At, Turn};
use std::collections::BTreeSet;
use std::sync::Arc;
use tmuxagent_model::{Note, PaneKey, Severity, StageState, TimerKey, Timestamp};
use tmuxagent_policy::{Pipeline, Stage};

impl Turn<'_> {
    /// Output appeared: silence begins anew, for running stages and for triggers.
    pub fn touch(&mut self, pane: &PaneKey) {
        let policy = Arc::clone(&self.policy);
        let now = self.now;
        for run in self.runs_at(pane) {
            let Some(at) = self.live_at(run, pane) else { continue };
            let Some((_, rule)) = self.rule(&policy, at) else { continue };
            let spans = rule.success_when.iter().chain(&rule.fail_when).flat_map(silences).min();
            let running = self.stage(at).is_some_and(|stage| stage.state == StageState::Running);
            if let (Some(first), true) = (spans, running) {
                if let Some(stage) = self.stage_mut(at) {
                    stage.quiet_since = Some(now);
                }
                self.arm_sooner(TimerKey::Idle(run, rule.name.clone()), now + first);
            }
        }
        let names = self.applicable(pane);
        for pipeline in &policy.pipelines {
            let here = names.contains(&pipeline.name);
            for stage in pipeline.stages.iter().filter(|_| here || !pipeline.panes.is_empty()) {
                let Some(first) = silences(&stage.triggers).into_iter().next() else { continue };
                let key = stage_key(&pipeline.name, &stage.name);
                for own in self.listeners(pane, pipeline, stage, here) {
                    if let Some(row) = self.state.panes.get_mut(&own) {
                        row.watch.entry(key.clone()).or_default().quiet_since = Some(now);
                    }
                    let timer = TimerKey::Silence(pipeline.name.clone(), stage.name.clone(), own);
                    self.arm_sooner(timer, now + first);
                }
            }
        }
    }

    /// Arms a timer unless it is due sooner anyway; it looks at the silence again when it comes.
    fn arm_sooner(&mut self, key: TimerKey, due: Timestamp) {
        if self.state.armed(&key).is_none_or(|row| row.at > due) {
            self.state.arm(key, due);
        }
    }

    /// The silence that a running stage waits for may be there.
    pub fn idle_due(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at).filter(|stage| stage.state == StageState::Running) else { return };
        let Some(since) = stage.quiet_since else { return };
        let quiet = self.now.since(since);
        let mut spans: Vec<_> = rule.success_when.iter().chain(&rule.fail_when).flat_map(silences).collect();
        spans.sort_unstable();
        if spans.first().is_some_and(|first| quiet >= *first) && self.judge(at, &Stimulus::Quiet(quiet)) {
            return;
        }
        if let Some(next) = spans.into_iter().find(|span| *span > quiet) {
            self.state.arm(TimerKey::Idle(at.run, rule.name.clone()), since + next);
        }
    }

    /// The silence that a trigger waits for may be there.
    pub fn silence_due(&mut self, pipeline: &str, stage: &str, pane: &PaneKey) {
        let policy = Arc::clone(&self.policy);
        let Some(pipeline) = policy.pipeline(pipeline) else { return };
        let Some(rule) = pipeline.stage(stage) else { return };
        let key = stage_key(&pipeline.name, &rule.name);
        let watch = self.state.panes.get(pane).and_then(|row| row.watch.get(&key));
        let Some(since) = watch.and_then(|watch| watch.quiet_since) else { return };
        let quiet = self.now.since(since);
        let spans = silences(&rule.triggers);
        if spans.first().is_some_and(|first| quiet >= *first) {
            self.ask_trigger(&policy, pane, pipeline, rule, &Stimulus::Quiet(quiet), Starter::Trigger);
        }
        match spans.into_iter().find(|span| *span > quiet) {
            Some(next) => {
                let timer = TimerKey::Silence(pipeline.name.clone(), rule.name.clone(), pane.clone());
                self.state.arm(timer, since + next);
            }
            None => {
                if let Some(watch) = self.state.panes.get_mut(pane).and_then(|row| row.watch.get_mut(&key)) {
                    watch.quiet_since = None;
                }
            }
        }
    }

    /// An instant of a stage's schedules came.
    pub fn schedule_due(&mut self, name: &str, stage: &str, pane: &PaneKey, due: Timestamp) {
        let policy = Arc::clone(&self.policy);
        let Some(pipeline) = policy.pipeline(name) else { return };
        let Some(rule) = pipeline.stage(stage) else { return };
        let late = self.now.since(due);
        if late > schedule::LATE {
            let text = format!("{name}: the schedule of stage {stage} is {late} late and left out");
            self.note_at(Severity::Warning, pane, Note::Text { text });
        } else {
            let open = self.state.panes.get(pane).and_then(|row| row.open.get(name)).copied();
            if let Some(at) = open.and_then(|run| self.find_stage(run, stage)) {
                self.judge(at, &Stimulus::Instant(due));
            }
            if !rule.once || self.starts_here(pane, name) {
                self.ask_trigger(&policy, pane, pipeline, rule, &Stimulus::Instant(due), Starter::Trigger);
            }
        }
        self.arm_schedule(pane, pipeline, rule);
    }

    /// Whether a pane is the one in which a time table starts a pipeline that it starts once: the first of those that are there.
    fn starts_here(&self, pane: &PaneKey, pipeline: &str) -> bool {
        let fits = |row: &super::state::PaneRow| {
            !row.info.dead && !row.stale && row.pipelines.iter().any(|name| name == pipeline)
        };
        self.state.panes.iter().find(|(_, row)| fits(row)).is_some_and(|(first, _)| first == pane)
    }

    fn arm_schedule(&mut self, pane: &PaneKey, pipeline: &Pipeline, stage: &Stage) {
        let conditions = [Some(&stage.triggers), stage.success_when.as_ref(), stage.fail_when.as_ref()];
        let expressions: Vec<&str> = conditions.into_iter().flatten().flat_map(schedules).collect();
        let key = TimerKey::Schedule(pipeline.name.clone(), stage.name.clone(), pane.clone());
        if let Some(next) = schedule::next(expressions, self.now) {
            self.state.arm(key, next);
        }
    }

    /// Arms what the triggers of a pane's pipelines wait for, and disarms what no longer applies.
    pub fn arm_watches(&mut self, pane: &PaneKey) {
        let policy = Arc::clone(&self.policy);
        let Some(row) = self.state.panes.get(pane) else { return };
        let dead = row.info.dead;
        let names = if dead { BTreeSet::new() } else { self.applicable(pane) };
        let wanted = |pipeline: &str, stage: &str| {
            names.contains(pipeline) && policy.pipeline(pipeline).is_some_and(|p| p.stage(stage).is_some())
        };
        let stale: Vec<TimerKey> = self
            .state
            .timers()
            .map(|row| &row.key)
            .filter(|key| of_pane(key, pane) && !watches(key).is_some_and(|(pipeline, stage)| wanted(pipeline, stage)))
            .cloned()
            .collect();
        for key in &stale {
            self.state.disarm(key);
        }
        self.drop_watches(pane, &wanted);
        for pipeline in policy.pipelines.iter().filter(|pipeline| names.contains(&pipeline.name)) {
            for stage in &pipeline.stages {
                let key = TimerKey::Schedule(pipeline.name.clone(), stage.name.clone(), pane.clone());
                if self.state.armed(&key).is_none() {
                    self.arm_schedule(pane, pipeline, stage);
                }
                self.watch_polls(pane, pipeline, stage);
            }
        }
    }

    /// Forgets what triggers remember that no longer apply, or whose polls are others now.
    fn drop_watches(&mut self, pane: &PaneKey, wanted: &dyn Fn(&str, &str) -> bool) {
        let policy = Arc::clone(&self.policy);
        let Some(row) = self.state.panes.get(pane) else { return };
        let over: Vec<String> = row
            .watch
            .iter()
            .filter(|(key, watch)| {
                let Some((pipeline, stage)) = key.split_once('\u{1f}') else { return true };
                let rule = policy.pipeline(pipeline).and_then(|p| p.stage(stage));
                let nodes: Vec<u32> = rule
                    .map_or_else(Vec::new, |rule| polls(&rule.triggers, TRIGGER).into_iter().map(|p| p.0).collect());
                !wanted(pipeline, stage) || !watch.polls.keys().all(|node| nodes.contains(node))
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in &over {
            let Some(watch) = self.state.panes.get_mut(pane).and_then(|row| row.watch.remove(key)) else { continue };
            for id in watch.polls.values().filter_map(|poll| poll.intent.clone()) {
                self.withdraw(&id);
            }
        }
    }
}

/// The pipeline and stage whose trigger a timer belongs to.
pub fn watches(key: &TimerKey) -> Option<(&str, &str)> {
    match key {
        TimerKey::Schedule(pipeline, stage, _)
        | TimerKey::Silence(pipeline, stage, _)
        | TimerKey::TriggerPoll(pipeline, stage, _, _) => Some((pipeline, stage)),
        TimerKey::StageTimeout(..)
        | TimerKey::Turn(..)
        | TimerKey::Begin(..)
        | TimerKey::Backoff(..)
        | TimerKey::Look(..)
        | TimerKey::Made(..)
        | TimerKey::Idle(..)
        | TimerKey::Poll(..)
        | TimerKey::Expiry(_)
        | TimerKey::Reminder(_)
        | TimerKey::Grace(_) => None,
    }
}

/// Whether a timer belongs to a trigger on that pane.
pub fn of_pane(key: &TimerKey, pane: &PaneKey) -> bool {
    match key {
        TimerKey::Schedule(_, _, of) | TimerKey::Silence(_, _, of) | TimerKey::TriggerPoll(_, _, of, _) => of == pane,
        TimerKey::StageTimeout(..)
        | TimerKey::Turn(..)
        | TimerKey::Begin(..)
        | TimerKey::Backoff(..)
        | TimerKey::Look(..)
        | TimerKey::Made(..)
        | TimerKey::Idle(..)
        | TimerKey::Poll(..)
        | TimerKey::Expiry(_)
        | TimerKey::Reminder(_)
        | TimerKey::Grace(_) => false,
    }
}

/// The numbers of conditions do not overlap.
const _: () = assert!(SUCCESS < FAIL && FAIL < TRIGGER);
