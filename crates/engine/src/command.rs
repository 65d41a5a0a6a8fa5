//! What people and scripts ask for.

use super::groups::ahead;
use super::progress::Cause;
use super::state::{Purpose, StageRun};
use super::text::describe_steps;
use super::trigger::{Fired, Starter, state_word};
use super::turn::{At, Turn};
use super::{Answer, RefusalKind};
use crate::lifecycle;
use std::sync::Arc;
use tmuxagent_model::{
    Command, Decider, Effect, Freeze, IntentId, IntentState, KeyStep, Needs, Note, Outcome, PaneKey, RunControl, RunId,
    SendKeys, Severity, SkipReason, StageState, Via,
};

/// The rule of a cause that is a person's or a script's wish.
pub const BY_HAND: &str = "by hand";

impl Turn<'_> {
    /// Somebody asked for something.
    pub fn asked(&mut self, command: &Command, by: &Decider) {
        match command {
            Command::Decide { approval, revision, verdict } => self.decide(approval, *revision, verdict, by),
            Command::Start { pane, pipeline, stage, inputs } => {
                self.given.clone_from(inputs);
                self.start(pane, pipeline, stage.as_deref(), by);
            }
            Command::GrantLease { approval, revision, span } => self.grant_lease(approval, *revision, *span, by),
            Command::RevokeLease { lease } => self.revoke_lease(lease.as_deref(), by),
            Command::Control { run, stage, control } => self.control(*run, stage.as_deref(), *control, by),
            Command::Send { pane, steps, insist } => self.send(pane, steps, *insist),
            Command::Ask { pane, agent, asks } => self.ask_for_call(pane, agent, asks),
            Command::TakeBack { call } => self.take_back_call(call),
            Command::Freeze => self.freeze(by),
            Command::Unfreeze => self.unfreeze(by),
            Command::DropHeld { intent } => self.drop_held(intent),
        }
    }

    fn refused(&mut self, kind: RefusalKind, why: String) {
        self.reply(Answer::refused(kind, why));
    }

    fn done(&mut self, run: Option<RunId>, text: String) {
        let intents = self.handed_out();
        self.reply(Answer::Ok { run, intents, text });
    }

    fn start(&mut self, pane: &PaneKey, pipeline: &str, stage: Option<&str>, by: &Decider) {
        let policy = Arc::clone(&self.policy);
        let Some(row) = self.state.panes.get(pane) else {
            return self.refused(RefusalKind::NotFound, format!("there is no pane {}:{}", pane.host, pane.pane));
        };
        let place = pane.told(&row.place);
        let applies = row.pipelines.iter().any(|name| name == pipeline);
        let Some(pipeline) = policy.pipeline(pipeline) else {
            return self.refused(RefusalKind::NotFound, format!("the policy has no pipeline `{pipeline}`"));
        };
        if !applies {
            let why =
                format!("pipeline `{}` does not apply to {place}: its `match` does not hold there", pipeline.name);
            return self.refused(RefusalKind::Refused, why);
        }
        let rule = match stage {
            Some(name) => pipeline.stage(name),
            None => pipeline.stages.first(),
        };
        let Some(rule) = rule else {
            let why = format!("pipeline `{}` has no stage `{}`", pipeline.name, stage.unwrap_or_default());
            return self.refused(RefusalKind::NotFound, why);
        };
        if rule.closes {
            let why = format!("stage {} begins when a run ends, and not before", rule.name);
            return self.refused(RefusalKind::Refused, why);
        }
        // Nobody but a person leaves a gate out by beginning behind it.
        let first = pipeline.stages.first().is_some_and(|first| first.name == rule.name);
        let gated = pipeline.stages.iter().any(|other| other.gate.is_some());
        if by.via == Via::Mcp && gated && rule.gate.is_none() && !first {
            let why = format!("stage {} may stand behind a gate, which only a person leaves out", rule.name);
            return self.refused(RefusalKind::Refused, why);
        }
        let cause = by_hand(self.now, by);
        match self.fire(pane, pipeline, rule, cause, Vec::new(), Starter::Command) {
            Fired::Started(at) if self.stage(at).is_some_and(|stage| stage.state == StageState::Failed) => {
                let why = self.stage(at).and_then(|stage| stage.ended.as_ref()).map(super::progress::Cause::brief);
                let (why, run) = (why.unwrap_or_default(), at.run);
                let text = format!("stage {} of {} failed at once, run {run}: {why}", rule.name, pipeline.name);
                self.refused(RefusalKind::Refused, text);
            }
            Fired::Started(at) => {
                let waits = self.run(at.run).is_some_and(|run| run.group.is_some() && !run.granted);
                let state = self.stage(at).map_or("started", |stage| match stage.state {
                    StageState::Queued if waits => "waiting for its group",
                    StageState::Queued if stage.looks_for.as_ref().is_some_and(|id| self.is_file(id)) => {
                        "looking for its files"
                    }
                    StageState::Queued if stage.looks_for.is_some() => "waiting for its pane",
                    state => state_word(state),
                });
                self.done(Some(at.run), format!("stage {} of {} is {state}, run {}", rule.name, pipeline.name, at.run));
            }
            Fired::Ignored(why) => self.refused(RefusalKind::Refused, why),
        }
    }

    fn control(&mut self, id: RunId, stage: Option<&str>, control: RunControl, by: &Decider) {
        let Some(run) = self.run(id) else {
            return self.refused(RefusalKind::NotFound, format!("there is no run {id}"));
        };
        let live: Vec<usize> = run.live().collect();
        if let (None, [_, _, ..], RunControl::Retry | RunControl::Skip) = (stage, live.as_slice(), control) {
            let names: Vec<String> = live.iter().map(|stage| self.stage_name(At { run: id, stage: *stage })).collect();
            let why = format!("several stages of run {id} are under way: {}; name one", names.join(", "));
            return self.refused(RefusalKind::Refused, why);
        }
        let found = match stage {
            Some(name) => run.stages.iter().position(|stage| stage.name == name),
            None => live.first().copied().or(run.last),
        };
        let Some(index) = found else {
            let why = format!("run {id} has no stage `{}`", stage.unwrap_or_default());
            return self.refused(RefusalKind::NotFound, why);
        };
        let at = At { run: id, stage: index };
        match control {
            RunControl::Cancel => self.cancel(id, by),
            RunControl::Retry => self.retry_by_hand(at, by),
            RunControl::Skip => self.skip_by_hand(at, by),
        }
    }

    fn cancel(&mut self, id: RunId, by: &Decider) {
        if self.run(id).is_none_or(|run| run.state != tmuxagent_model::RunState::Open) {
            return self.refused(RefusalKind::Refused, format!("run {id} has ended already"));
        }
        self.wind_up(id, &by_hand(self.now, by));
        let stops = self.run(id).is_some_and(|run| run.stages.iter().any(StageRun::is_being_cancelled));
        let text = if stops {
            format!("run {id} is cancelled; its commands are told to stop")
        } else {
            format!("run {id} is cancelled")
        };
        self.done(Some(id), text);
    }

    fn retry_by_hand(&mut self, at: At, by: &Decider) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else {
            return self.refused(RefusalKind::Refused, "the policy no longer has this stage".to_owned());
        };
        let Some(stage) = self.stage(at) else { return };
        let (state, name) = (stage.state, stage.name.clone());
        if let Some(other) = self.in_the_way(at) {
            let live = self.stage_name(At { run: at.run, stage: other });
            return self.refused(RefusalKind::Refused, format!("stage {live} of run {} is under way", at.run));
        }
        if let Err(why) = self.may_reopen(at.run) {
            return self.refused(RefusalKind::Refused, why);
        }
        match state {
            StageState::Retrying | StageState::Asking => {
                // The human's word replaces the pause, or the question whether to run it again.
                self.close_attempt(at);
                self.clear_retries(at);
                self.front_anew(at, false);
                if !self.look_for_pane(at) {
                    self.enter(at);
                }
            }
            StageState::Succeeded
            | StageState::Failed
            | StageState::Escalated
            | StageState::Skipped
            | StageState::Cancelled
            | StageState::Rejected
            | StageState::Expired => {
                self.reopen(at.run);
                self.reset_later(at);
                self.clear_retries(at);
                self.count_rounds_anew(at);
                self.count_begin(at);
                let cause = by_hand(self.now, by);
                if let Some(stage) = self.stage_mut(at) {
                    stage.plan_fixed = false;
                    stage.triggered = Some(cause);
                }
                // A new attempt of a gated stage is a new question: the old yes was for the old attempt.
                if rule.gate.is_some() { self.ask_gate(at) } else { self.enter(at) }
            }
            StageState::Waiting => {
                return self.refused(RefusalKind::Refused, format!("stage {name} has not run yet; start it instead"));
            }
            StageState::NeedsApproval | StageState::Queued | StageState::Starting | StageState::Running => {
                let word = self.stage(at).map_or(state_word(state), |stage| self.state.word_of(stage));
                let why = format!("stage {name} is {word}; cancel the run first");
                return self.refused(RefusalKind::Refused, why);
            }
        }
        let state = self.stage(at).map_or("started", |stage| state_word(stage.state));
        self.done(Some(at.run), format!("stage {name} of run {} is {state}", at.run));
    }

    /// The live stage of its run beside which a stage can't act.
    fn in_the_way(&self, at: At) -> Option<usize> {
        let policy = Arc::clone(&self.policy);
        let beside = self.rule(&policy, at).is_some_and(|(_, rule)| rule.needs.is_some());
        let live = self.stage(at).is_some_and(|stage| stage.state.is_live());
        self.run(at.run)?.live().find(|other| *other != at.stage && !beside && !live)
    }

    fn clear_retries(&mut self, at: At) {
        if let Some(stage) = self.stage_mut(at) {
            stage.retries.clear();
        }
    }

    /// Whether a run is open or may be opened again.
    fn may_reopen(&self, id: RunId) -> Result<(), String> {
        let Some(run) = self.run(id) else { return Err(format!("there is no run {id}")) };
        let Some(row) = self.state.panes.get(&run.pane) else {
            return Err(format!("the pane of run {id} is gone"));
        };
        match row.open.get(&run.pipeline) {
            Some(open) if *open != id => Err(format!("run {open} of {} is open on that pane", run.pipeline)),
            _ if run.state != tmuxagent_model::RunState::Open && ahead(self.state, run).is_some() => {
                Err(format!("another run of group {} is open", run.group.as_deref().unwrap_or_default()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn skip_by_hand(&mut self, at: At, by: &Decider) {
        let Some(stage) = self.stage(at) else { return };
        let (state, name) = (stage.state, stage.name.clone());
        let skippable = super::table::next_stage(state, super::table::StageInput::Skip).is_some();
        if !skippable {
            let why = format!("stage {name} is {}; there is nothing to leave out", state_word(state));
            return self.refused(RefusalKind::Refused, why);
        }
        if self.in_the_way(at).is_some() {
            return self.refused(RefusalKind::Refused, format!("another stage of run {} is under way", at.run));
        }
        if let Err(why) = self.may_reopen(at.run) {
            return self.refused(RefusalKind::Refused, why);
        }
        self.reopen(at.run);
        self.skip(at, by_hand(self.now, by));
        self.done(Some(at.run), format!("stage {name} of run {} is left out", at.run));
    }

    fn send(&mut self, pane: &PaneKey, steps: &[KeyStep], insist: bool) {
        let Some(row) = self.state.panes.get(pane) else {
            return self.refused(RefusalKind::NotFound, format!("there is no pane {}:{}", pane.host, pane.pane));
        };
        let place = pane.told(&row.place);
        if row.info.dead {
            return self.refused(RefusalKind::Refused, format!("the process of {place} has ended"));
        }
        if steps.is_empty() {
            return self.refused(RefusalKind::Refused, "there is nothing to type".to_owned());
        }
        if let Some(why) = steps.iter().find_map(typed_as_key) {
            return self.refused(RefusalKind::Refused, why.to_owned());
        }
        let needs = if insist { Needs::Nothing } else { Needs::Hand };
        let (pane, steps_typed) = (pane.clone(), steps.to_vec());
        let send =
            SendKeys { pane, steps: steps_typed, expect_command: None, expect_screen: None, needs, shells: Vec::new() };
        let id = self.emit(Effect::Send(send), Purpose::Hand);
        let held = self.state.meta().frozen.is_some();
        let (word, text) = (if held { "held" } else { "to be typed" }, describe_steps(steps));
        self.reply(Answer::Ok { run: None, intents: vec![id], text: format!("{word} in {place}: {text}") });
    }

    fn freeze(&mut self, by: &Decider) {
        if let Some(freeze) = &self.state.meta().frozen {
            let text = format!("already frozen by {} since {}", freeze.by, lifecycle::instant(freeze.since));
            return self.done(None, text);
        }
        let since = self.now;
        self.state.meta_mut().frozen = Some(Freeze { since, by: by.who.clone() });
        self.note(Severity::Warning, "", Note::Frozen { by: by.clone() });
        self.done(None, "nothing is sent until you unfreeze".to_owned());
    }

    fn unfreeze(&mut self, by: &Decider) {
        if self.state.meta().frozen.is_none() {
            return self.done(None, "it is not frozen".to_owned());
        }
        self.state.meta_mut().frozen = None;
        self.note(Severity::Warning, "", Note::Unfrozen { by: by.clone() });
        let mut held: Vec<(u64, IntentId, Purpose)> = self
            .state
            .intents
            .values()
            .filter(|row| row.intent.state == IntentState::Held)
            .map(|row| (row.order, row.intent.id.clone(), row.purpose.clone()))
            .collect();
        held.sort_unstable_by_key(|(order, _, _)| *order);
        let count = held.len();
        for (_, id, purpose) in held {
            // The time limit of an attempt begins when its keys really go out.
            if let Some(at) = self.is_current(&purpose, &id)
                && let Some(timeout) = self.timeout_of(at)
            {
                let key = tmuxagent_model::TimerKey::StageTimeout(at.run, self.stage_name(at));
                self.state.arm(key, self.now + timeout);
                self.mind_limit(at);
            }
            self.release(&id);
        }
        self.done(None, format!("sending goes on; {count} held back until now"));
    }

    fn drop_held(&mut self, id: &IntentId) {
        let held = self.state.intents.get(id).is_some_and(|row| row.intent.state == IntentState::Held);
        if !held && self.drop_waiting(id) {
            return self.done(None, format!("{id} is given up, where nothing of it was typed yet"));
        }
        if !held {
            return self.refused(RefusalKind::NotFound, format!("nothing is held under {id}"));
        }
        self.outcome(id, &Outcome::Skipped { reason: SkipReason::Withdrawn });
        self.done(None, format!("{id} is given up"));
    }
}

/// The cause of what somebody asked for.
fn by_hand(now: tmuxagent_model::Timestamp, by: &Decider) -> Cause {
    Cause::own(now, BY_HAND, format!("{} via {}", by.who, lifecycle::via(by.via)))
}

/// Why a text that a person sends is none: what it holds acts as a key in whoever reads it.
fn typed_as_key(step: &KeyStep) -> Option<&'static str> {
    let KeyStep::Text(text) = step else { return None };
    let why = match text.chars().find(|c| c.is_control())? {
        '\t' => {
            "a tab in a text completes names in a shell, so that another line is run; send the key `Tab` where it is meant"
        }
        '\n' | '\r' => {
            "a line break in a text runs what stands before it, and types the rest to whoever reads then; send each line by itself"
        }
        _ => {
            "a control character in a text acts as a key, so that another line is run; send such a key by its name, as in `--key C-u`"
        }
    };
    Some(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_sent_text_acts_as_a_key() {
        let of = |text: &str| typed_as_key(&KeyStep::Text(text.to_owned()));
        let controls = (0..=0x9f).filter_map(char::from_u32).filter(|c| c.is_control());
        for control in controls {
            let why = of(&format!("echo gone{control}touch x")).expect("refused");
            let is_line = matches!(control, '\n' | '\r');
            assert_eq!((why.contains("`Tab`"), why.contains("line break")), (control == '\t', is_line), "{control:?}");
        }
        assert_eq!(of("echo \"$HOME\"; 中文 é \u{a0}"), None);
        assert_eq!(typed_as_key(&KeyStep::Key("C-u".to_owned())), None);
    }
}
