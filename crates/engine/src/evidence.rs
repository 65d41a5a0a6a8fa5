//! What a question or an alert shows of its pane: the lines that decided something, then the last ones of the attempt.
//! Never a reason for a decision.

use super::progress::{TEXT, cut};
use super::state::{Purpose, State};
use super::text::visible;
use super::turn::{At, Turn};
use tmuxagent_model::{Command, Event, PRINTED, PaneKey, Printed, RunId, TimerKey, Timestamp};

/// How many of the lines that decided something are shown.
const DECIDED: usize = 8;
/// How many lines an agent's report shows.
const FEW: usize = 5;

impl<'a> Turn<'a> {
    /// Takes in what the pane of a fact printed last.
    pub fn witnessed(&mut self, fact: &Event, printed: &'a [Printed]) {
        self.printed = concerns(self.state, fact).cloned().map(|pane| (pane, printed));
    }

    /// What a question about a stage, or about a pane alone, shows: oldest first, at most 20 lines.
    pub fn evidence(&mut self, pane: &PaneKey, at: Option<At>) -> Vec<String> {
        let last = self.last_lines(pane, at.and_then(|at| self.began(at)), PRINTED);
        let mut lines: Vec<String> = Vec::new();
        let decided = at.and_then(|at| self.run(at.run)).map_or(&[][..], |run| &run.evidence);
        // What was said several times is shown once, where it was said last.
        for text in decided.iter().rev().map(|line| visible(&line.text)) {
            if lines.len() < DECIDED && !lines.contains(&text) && !last.contains(&text) {
                lines.push(text);
            }
        }
        lines.reverse();
        lines.extend(last);
        lines
    }

    /// The last lines that an agent's report shows below itself.
    pub fn few_lines(&mut self, pane: &PaneKey) -> String {
        self.last_lines(pane, None, FEW).iter().map(|line| format!("\n{line}")).collect()
    }

    /// The last lines of a pane since an instant, without secrets.
    fn last_lines(&mut self, pane: &PaneKey, since: Option<Timestamp>, most: usize) -> Vec<String> {
        let Some((of, printed)) = &self.printed else { return Vec::new() };
        if of != pane {
            return Vec::new();
        }
        self.used_printed = true;
        let new = |line: &&Printed| since.is_none_or(|since| line.at >= since);
        let texts: Vec<&str> = printed.iter().filter(new).map(|line| line.text.as_str()).collect();
        // Together: a key may stand over several lines.
        let clean = self.cleaner.clean(&texts[texts.len().saturating_sub(most)..].join("\n"));
        clean.lines().map(|line| visible(&cut(line.trim_end(), TEXT))).filter(|line| !line.is_empty()).collect()
    }

    /// When what a question is about began: the stage's attempt, or where it has none yet the run.
    fn began(&self, at: At) -> Option<Timestamp> {
        let run = self.run(at.run)?;
        Some(run.stages.get(at.stage)?.started_at.unwrap_or(run.started_at))
    }
}

/// The pane that a fact concerns.
pub fn concerns<'s>(state: &'s State, event: &'s Event) -> Option<&'s PaneKey> {
    let of_run = |run: &RunId| state.runs.get(run).map(|run| &run.pane);
    let of_approval = |id| state.approvals.get(id).map(|row| &row.approval.pane);
    match event {
        Event::Line(line) => Some(&line.pane),
        Event::Gap { pane } | Event::Program { pane, .. } | Event::CommandEnded { pane, .. } => Some(pane),
        Event::Asked { command, .. } => match command {
            Command::Start { pane, .. } => Some(pane),
            Command::Control { run, .. } => of_run(run),
            Command::Decide { approval, .. } => of_approval(approval),
            Command::Send { .. } | Command::Freeze | Command::Unfreeze | Command::DropHeld { .. } => None,
        },
        Event::Timer { key, .. } => match key {
            TimerKey::StageTimeout(run, _)
            | TimerKey::Begin(run, _)
            | TimerKey::Backoff(run, _)
            | TimerKey::Look(run, _)
            | TimerKey::Idle(run, _)
            | TimerKey::Poll(run, _, _) => of_run(run),
            TimerKey::Expiry(id) | TimerKey::Reminder(id) | TimerKey::Grace(id) => of_approval(id),
            TimerKey::Schedule(_, _, pane) | TimerKey::Silence(_, _, pane) | TimerKey::TriggerPoll(_, _, pane, _) => {
                Some(pane)
            }
        },
        Event::Outcome { intent, .. } | Event::Polled { intent, .. } => {
            let row = state.intents.get(intent)?;
            match &row.purpose {
                Purpose::Plan { run, .. }
                | Purpose::After { run, .. }
                | Purpose::Look { run, .. }
                | Purpose::Stop { run, .. }
                | Purpose::Poll { run, .. } => of_run(run),
                Purpose::TriggerPoll { pane, .. } => Some(pane),
                Purpose::Alert | Purpose::Hand | Purpose::Reply { .. } => row.intent.effect.pane(),
            }
        }
        Event::PaneSeen { .. }
        | Event::PaneGone { .. }
        | Event::HostLost { .. }
        | Event::ShellMarks { .. }
        | Event::CommandBegan { .. }
        | Event::Activity { .. }
        | Event::PolicyLoaded { .. }
        | Event::Witnessed { .. } => None,
    }
}
