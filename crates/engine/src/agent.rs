//! What the agent in a pane does, as conditions ask for it.
//!
//! **Meaning.** States come from the collector, which weighs its sources; one that is not certain holds nothing. Changes are
//! counted, and a stage counts those alone that come after its last prompt was taken (or its attempt began, where it types
//! nothing): what was so before decides nothing. `done` is the rest that follows work; an agent that rested before, and was
//! not seen to work, is not done, and a person is asked. Triggers hold at the change. While an agent asks a person the time
//! limit of a stage that waits for it stands still.

use super::condition::{SUCCESS, Stimulus};
use super::expiry::OnExpiry;
use super::gate::{Ask, CONTINUE, RERUN, WAIT};
use super::outlook::Outlook;
use super::progress::Cause;
use super::state::{PaneRow, Planned};
use super::turn::{At, Turn};
use super::verdict::may_still_hold;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tmuxagent_model::{AgentSeen, AgentState, ApprovalKind, Front, Millis, StageState, TimerKey, Timestamp};
use tmuxagent_policy::{AgentWord, Condition, Stage};

/// So soon after its prompt an agent is seen to work; else a person is asked.
const BEGINS: Millis = Millis::from_secs(60);
/// The same where nobody watched for a while, in which it may have worked.
const BEGINS_UNSEEN: Millis = Millis::from_secs(10);

/// What is known of the agent in a pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRow {
    /// Its name.
    pub agent: String,
    /// Its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Front>,
    /// What it does, as far as it was ever certain.
    pub state: AgentState,
    /// Since when.
    pub since: Timestamp,
    /// What says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// What it does now is not certain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// How many changes there were.
    pub change: u64,
    /// It has worked, and not come to rest since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub busy: bool,
    /// It rests because it has finished what it worked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finished: bool,
    /// Nobody watched it for a while, and nothing certain was told since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unwatched: bool,
    /// It rests after work, and nothing has shown so far that it finished.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
}

/// What a stage keeps of the agent that it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentWatch {
    /// Changes up to this one are older than its prompt.
    pub from: u64,
    /// Its open question is whether the agent is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// What is left of the time limit, which stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Millis>,
}

impl AgentWatch {
    /// Nothing is kept.
    pub const fn new() -> Self {
        Self { from: 0, asked: false, left: None }
    }

    /// Whether nothing is kept.
    pub fn is_new(&self) -> bool {
        *self == Self::new()
    }
}

/// States that a condition does not tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Works,
    Stalls,
    Asks,
    Rests,
    Errs,
    Limited,
    Gone,
}

impl Kind {
    const fn of(state: &AgentState) -> Option<Self> {
        Some(match state {
            AgentState::Working => Self::Works,
            AgentState::Stalled => Self::Stalls,
            AgentState::NeedsApproval | AgentState::NeedsAnswer | AgentState::Starting => Self::Asks,
            AgentState::Idle | AgentState::Done => Self::Rests,
            AgentState::Error => Self::Errs,
            AgentState::RateLimited { .. } => Self::Limited,
            AgentState::Exited => Self::Gone,
            AgentState::Unsure => return None,
        })
    }
}

/// What came of something that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Took {
    /// It is certain.
    sure: bool,
    /// It is another state, and it is known that it came just now.
    news: bool,
    /// Nobody watched until now.
    anew: bool,
    /// Its work ended in rest, which is no end: why, for people.
    ended: Option<&'static str>,
}

impl AgentRow {
    /// What is known after something was seen.
    fn after(known: Option<&Self>, seen: &AgentSeen, now: Timestamp) -> (Self, Took) {
        let mut row = known.cloned().unwrap_or_else(|| Self {
            agent: String::new(),
            process: None,
            state: AgentState::Unsure,
            since: now,
            by: String::new(),
            unsure: true,
            change: 0,
            busy: false,
            finished: false,
            unwatched: false,
            unproven: false,
        });
        if !seen.agent.is_empty() {
            row.agent.clone_from(&seen.agent);
        }
        row.process.clone_from(&seen.process);
        row.unwatched |= seen.anew;
        let Some(kind) = Kind::of(&seen.state) else {
            row.unsure = true;
            return (row, Took::default());
        };
        let before = Kind::of(&row.state);
        let anew = std::mem::take(&mut row.unwatched);
        let mut took = Took { sure: true, anew, ..Took::default() };
        if before != Some(kind) {
            row.change += 1;
            row.since = now;
            // What was there when it was first looked at is no news.
            took.news = !(before.is_none() && anew);
            row.finished = false;
        }
        (row.unsure, row.state) = (false, seen.state.clone());
        row.by.clone_from(&seen.by);
        let unproven = std::mem::take(&mut row.unproven);
        match kind {
            Kind::Works | Kind::Stalls => row.busy = true,
            // Only work leads to this question; the others may be a person's own.
            Kind::Asks => row.busy |= seen.state == AgentState::NeedsApproval,
            Kind::Rests => {
                let worked = std::mem::take(&mut row.busy);
                row.finished |= (worked || unproven) && !seen.interrupted && !seen.unproven;
                row.unproven = (worked || unproven) && seen.unproven;
                took.ended = match (seen.interrupted, seen.unproven) {
                    _ if !worked => None,
                    (true, _) => Some("a person has stopped it"),
                    (false, true) => Some("it came to rest without a sign that it finished"),
                    (false, false) => None,
                };
            }
            Kind::Errs | Kind::Limited | Kind::Gone => row.busy = false,
        }
        (row, took)
    }

    /// Whether another process is seen now.
    fn is_another(&self, seen: &AgentSeen) -> bool {
        let same = |a: &Front, b: &Front| (a.pid, a.born) == (b.pid, b.born);
        self.process.as_ref().zip(seen.process.as_ref()).is_some_and(|(old, new)| !same(old, new))
    }

    /// Whether it lives.
    pub fn is_there(&self) -> bool {
        !self.is(AgentWord::Exited)
    }

    fn is(&self, word: AgentWord) -> bool {
        let kind = Kind::of(&self.state);
        match word {
            AgentWord::Working => kind == Some(Kind::Works),
            AgentWord::Done => kind == Some(Kind::Rests) && self.finished,
            AgentWord::Idle => kind == Some(Kind::Rests),
            AgentWord::Asks => kind == Some(Kind::Asks),
            AgentWord::Error => kind == Some(Kind::Errs),
            AgentWord::RateLimited => kind == Some(Kind::Limited),
            AgentWord::Stalled => kind == Some(Kind::Stalls),
            AgentWord::Exited => kind == Some(Kind::Gone),
        }
    }

    /// What it does, in a word of policies.
    fn does(&self) -> String {
        // `done` says more than `idle`.
        let word = |word: &AgentWord| self.is(*word);
        let does = [AgentWord::Done].into_iter().chain(AgentWord::ALL.map(|(_, word)| word)).find(word);
        let does = does.map_or("", AgentWord::word);
        match &self.state {
            AgentState::RateLimited { until: Some(until) } => format!("{does} → {until}"),
            _ => does.to_owned(),
        }
    }

    /// The same with the evidence, for people.
    fn words(&self) -> String {
        format!("{}: {} (seen by {})", self.agent, self.does(), self.by)
    }
}

/// The agent that a condition looks at.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    row: Option<&'a AgentRow>,
    /// Changes up to this one do not count; `None`: those of a trigger, which counts the change itself.
    from: Option<u64>,
}

impl<'a> Watched<'a> {
    /// The agent of a pane; none where the pane can't be seen now.
    pub fn of(pane: Option<&'a PaneRow>, from: Option<u64>) -> Self {
        Self { row: pane.filter(|pane| !pane.stale).and_then(|pane| pane.agent.as_ref()), from }
    }

    /// Since when it does one of these, and what tells that.
    pub fn does(&self, words: &[AgentWord]) -> Option<(Timestamp, String)> {
        let row = self.row.filter(|row| !row.unsure && self.from.is_none_or(|from| row.change > from))?;
        words.iter().any(|word| row.is(*word)).then(|| (row.since, row.words()))
    }

    /// Whether a condition is met by the stimulus, where it holds.
    pub const fn is_met_by(&self, stimulus: &Stimulus<'_>) -> bool {
        match stimulus {
            Stimulus::Agent { news } => *news || self.from.is_some(),
            Stimulus::Settled => self.from.is_some(),
            _ => false,
        }
    }

    /// What is known, for an explanation.
    pub fn detail(&self) -> String {
        let Some(row) = self.row else { return "no agent is known in the pane".to_owned() };
        let old = self.from.is_some_and(|from| row.change <= from);
        let at = crate::lifecycle::instant(row.since);
        match (row.unsure, old) {
            (true, _) => format!("what {} does is not certain", row.agent),
            (false, true) => {
                let (agent, does, by) = (&row.agent, row.does(), &row.by);
                format!("{agent}: {does} (seen by {by}) since {at}, before the stage typed")
            }
            (false, false) => format!("{}: {} (seen by {}) since {at}", row.agent, row.does(), row.by),
        }
    }
}

/// Whether a condition names one of these words.
fn names(condition: &Condition, wanted: &dyn Fn(AgentWord) -> bool) -> bool {
    let mut found = false;
    condition
        .walk(&mut |part| found |= matches!(part, Condition::Agent(words) if words.iter().any(|word| wanted(*word))));
    found
}

/// Whether an end of a stage is told by its agent.
pub fn minds_agent(rule: &Stage) -> bool {
    rule.success_when.iter().chain(&rule.fail_when).any(|condition| names(condition, &|_| true))
}

impl Turn<'_> {
    /// An agent was seen.
    pub fn agent(&mut self, seen: &AgentSeen) {
        let Some(pane) = self.state.panes.get(&seen.pane) else { return };
        if pane.agent.is_none() && seen.state == AgentState::Exited {
            return;
        }
        if let Some(known) = pane.agent.as_ref().filter(|known| known.is_another(seen)) {
            // Nothing that the one before did is this one's.
            let (agent, by) = (known.agent.clone(), "process".to_owned());
            let gone =
                AgentSeen { agent, by, process: None, state: AgentState::Exited, interrupted: false, ..seen.clone() };
            self.agent(&gone);
        }
        let now = self.now;
        let Some(pane) = self.state.panes.get_mut(&seen.pane) else { return };
        let (row, took) = AgentRow::after(pane.agent.as_ref(), seen, now);
        pane.agent = Some(row);
        let open = self.runs_at(&seen.pane);
        if took.sure {
            self.stimulate(&seen.pane, &Stimulus::Agent { news: took.news });
        }
        for run in open {
            if let Some(at) = self.live_at(run, &seen.pane) {
                self.follow_agent(at, took);
            }
        }
    }

    /// What the agent does concerns a stage beyond its conditions.
    fn follow_agent(&mut self, at: At, took: Took) {
        let policy = Arc::clone(&self.policy);
        self.mind_limit(at);
        if !self.rule(&policy, at).is_some_and(|(_, rule)| minds_agent(rule)) {
            return;
        }
        let running = self.stage(at).is_some_and(|stage| stage.state == StageState::Running);
        let Some(row) = self.pane_of(at).and_then(|pane| pane.agent.clone()).filter(|_| running && took.sure) else {
            return;
        };
        let new = self.stage(at).is_some_and(|stage| row.change > stage.agent.from);
        if row.busy {
            self.state.disarm(&TimerKey::Turn(at.run, self.stage_name(at)));
            if self.stage(at).is_some_and(|stage| stage.agent.asked) {
                // It works after all.
                self.supersede_stage(at);
            }
        } else if row.is(AgentWord::Exited) {
            if new {
                self.agent_gone(at, &row);
            }
        } else if let Some(why) = took.ended.filter(|_| new) {
            self.ask_turn(at, why);
        } else if took.anew && self.awaits_turn(at) {
            self.arm_turn(at, BEGINS_UNSEEN);
        }
    }

    /// The changes so far are older than what a stage types now, or has typed.
    pub fn agent_from_now(&mut self, at: At) {
        let change = self.pane_of(at).and_then(|pane| pane.agent.as_ref()).map_or(0, |row| row.change);
        if let Some(stage) = self.stage_mut(at) {
            stage.agent.from = change;
        }
    }

    /// A stage has begun to wait.
    pub fn await_agent(&mut self, at: At) {
        let row = self.pane_of(at).and_then(|pane| pane.agent.clone());
        let new = |row: &AgentRow| self.stage(at).is_some_and(|stage| row.change > stage.agent.from);
        match row {
            Some(row) if row.is(AgentWord::Exited) && new(&row) => self.agent_gone(at, &row),
            Some(row) if row.busy => {}
            _ if self.awaits_turn(at) => self.arm_turn(at, BEGINS),
            _ => {}
        }
    }

    /// Whether a stage typed something and waits for the agent to be done with it.
    fn awaits_turn(&self, at: At) -> bool {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return false };
        let typed = |planned: &Planned| matches!(planned, Planned::Prompt { .. } | Planned::Send { .. });
        rule.success_when.as_ref().is_some_and(|condition| names(condition, &|word| word == AgentWord::Done))
            && self.stage(at).is_some_and(|stage| stage.plan.iter().any(typed))
    }

    fn arm_turn(&mut self, at: At, pause: Millis) {
        let (key, due) = (TimerKey::Turn(at.run, self.stage_name(at)), self.now + pause);
        if self.state.armed(&key).is_none_or(|row| row.at > due) {
            self.state.arm(key, due);
        }
    }

    /// The agent should have been seen to work by now.
    pub fn turn_due(&mut self, at: At) {
        let Some(pane) = self.pane_of(at) else { return };
        match &pane.agent {
            Some(row) if row.busy => {}
            Some(row) if row.unsure || pane.stale || row.is(AgentWord::Asks) => self.arm_turn(at, BEGINS),
            Some(_) => self.ask_turn(at, "it was not seen to work since"),
            None => self.ask_turn(at, "no agent is known in its pane"),
        }
    }

    /// The agent that a stage waits for has exited: what can't come without it has failed, and the rest is asked about.
    fn agent_gone(&mut self, at: At, row: &AgentRow) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at).filter(|stage| stage.tracked.is_none()) else { return };
        let Some(success) = rule.success_when.as_ref().filter(|condition| names(condition, &|_| true)) else { return };
        let outlook = Outlook {
            polls: &stage.polls,
            settled: &|part, number| stage.progress.held.contains_key(&number) || matches!(part, Condition::Not(_)),
            leaf: &|leaf| !matches!(leaf, Condition::Agent(_)),
        };
        if !outlook.may_come(success, SUCCESS) {
            let cause = Cause::own(self.now, "agent", format!("{} has exited", row.agent));
            return self.attempt_failed(at, cause);
        }
        if !may_still_hold(rule, &stage.progress.held, &stage.polls, false) {
            self.ask_turn(at, "it has exited");
        }
    }

    /// Asks a person whether the agent of a stage is done.
    fn ask_turn(&mut self, at: At, why: &str) {
        let Some(stage) = self.stage(at) else { return };
        if stage.state != StageState::Running || stage.approval.is_some() {
            return;
        }
        let (name, attempt) = (stage.name.clone(), stage.attempt);
        let ask = Ask {
            kind: ApprovalKind::Unclear,
            question: format!("Stage {name} waits for its agent to be done, and {why}. Has it succeeded?"),
            effect_text: "nothing is typed; the stage counts as succeeded".to_owned(),
            options: vec![CONTINUE.to_owned(), RERUN.to_owned(), WAIT.to_owned()],
            attempt,
            ..Ask::default()
        };
        // The stage runs on and may still end by itself, so an expiry only marks the question.
        let ask = Ask { on_expiry: OnExpiry::Keep, ..self.on_terms_of(at, ask) };
        self.ask_about(at, ask);
        if let Some(stage) = self.stage_mut(at) {
            stage.agent.asked = true;
        }
    }

    /// The time limit of a stage that waits for its agent stands still while the agent asks a person.
    pub fn mind_limit(&mut self, at: At) {
        let policy = Arc::clone(&self.policy);
        let Some((_, rule)) = self.rule(&policy, at) else { return };
        let Some(stage) = self.stage(at).filter(|stage| stage.stop.is_none()) else { return };
        let key = TimerKey::StageTimeout(at.run, stage.name.clone());
        let counts = matches!(stage.state, StageState::Starting | StageState::Running);
        let agent = self.pane_of(at).and_then(|pane| pane.agent.as_ref());
        let asks = counts && minds_agent(rule) && agent.is_some_and(|row| !row.unsure && row.is(AgentWord::Asks));
        let armed = self.state.armed(&key).map(|timer| timer.at.since(self.now));
        let left = match (asks, armed, stage.agent.left) {
            (true, Some(left), _) => {
                self.state.disarm(&key);
                Some(left)
            }
            (true, None, left) => left,
            (false, None, Some(left)) if counts => {
                self.state.arm(key, self.now + left);
                None
            }
            (false, _, _) => None,
        };
        if self.stage(at).is_some_and(|stage| stage.agent.left != left)
            && let Some(stage) = self.stage_mut(at)
        {
            stage.agent.left = left;
        }
    }
}
