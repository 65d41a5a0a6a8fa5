//! What a question or an alert shows of its pane: the lines that decided something, then those of the attempt's last ones
//! that tell most. Never a reason for a decision.

use super::progress::{TEXT, cut};
use super::state::{Purpose, Run, State};
use super::telling::{GAP, ending, telling};
use super::text::visible;
use super::turn::{At, Turn};
use tmuxagent_lines::{alike, is_only_motion, without_report};
use tmuxagent_model::{Command, Event, PaneKey, Printed, RunId, TimerKey, Timestamp};

/// How many of the lines that decided something are shown.
const DECIDED: usize = 8;
/// How many of the last lines are shown.
const LAST: usize = 12;
/// How many lines an agent's report shows.
const FEW: usize = 5;

impl<'a> Turn<'a> {
    /// Takes in what the pane of a fact printed last.
    pub fn witnessed(&mut self, fact: &Event, printed: &'a [Printed]) {
        self.printed = concerns(self.state, fact).cloned().map(|pane| (pane, printed));
    }

    /// What a question about a stage, or about a pane alone, shows: oldest first, at most 20 lines.
    pub fn evidence(&mut self, pane: &PaneKey, at: Option<At>) -> Vec<String> {
        let mut last = self.last_lines(pane, at.and_then(|at| self.began(at)));
        let attempted = at.and_then(|at| self.stage(at)).is_some_and(|stage| stage.started_at.is_some());
        // Before a stage has begun nothing of it failed: there people look for what stands in the pane.
        last = if attempted { telling(last, LAST) } else { ending(last, LAST) };
        // A run that begins with a question has printed nothing yet: what stands in its pane is what is known.
        if last.is_empty() && at.is_none_or(|at| self.stage(at).is_some_and(|stage| stage.started_at.is_none())) {
            last = ending(self.last_lines(pane, None), LAST);
        }
        let mut lines: Vec<String> = Vec::new();
        let decided = at.and_then(|at| self.run(at.run)).map_or(&[][..], |run| &run.evidence);
        // What was said several times is shown once, where it was said last.
        for text in decided.iter().rev().map(|line| visible(without_report(&line.text))) {
            let again = text != GAP && (lines.contains(&text) || last.contains(&text));
            if !text.is_empty() && lines.len() < DECIDED && !again {
                lines.push(text);
            }
        }
        lines.reverse();
        lines.extend(last);
        lines
    }

    /// The last lines that an agent's report shows below itself.
    pub fn few_lines(&mut self, pane: &PaneKey) -> String {
        ending(self.last_lines(pane, None), FEW).iter().map(|line| format!("\n{line}")).collect()
    }

    /// The last lines of a pane since an instant that say something, without secrets.
    fn last_lines(&mut self, pane: &PaneKey, since: Option<Timestamp>) -> Vec<String> {
        let Some((of, printed)) = &self.printed else { return Vec::new() };
        if of != pane {
            return Vec::new();
        }
        self.used_printed = true;
        let new = |line: &&Printed| since.is_none_or(|since| line.at >= since);
        let texts: Vec<&str> = printed.iter().filter(new).map(|line| line.text.as_str()).collect();
        // Together: a key may stand over several lines.
        let clean = self.cleaner.clean(&texts.join("\n"));
        let lines = clean.lines().map(|line| visible(&cut(without_report(line).trim_end(), TEXT)));
        saying(lines)
    }

    /// When what a question is about began: the stage's attempt, or where it has none yet the run.
    fn began(&self, at: At) -> Option<Timestamp> {
        let run = self.run(at.run)?;
        Some(run.stages.get(at.stage)?.started_at.unwrap_or(run.started_at))
    }
}

/// The lines that say something: no spinner alone, and of the states of one row that follow each other the last.
fn saying(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for line in lines.filter(|line| !line.is_empty() && !is_only_motion(line)) {
        if said.last().is_some_and(|before| alike(before, &line)) {
            said.pop();
        }
        said.push(line);
    }
    said
}

/// The pane that a fact concerns.
pub fn concerns<'s>(state: &'s State, event: &'s Event) -> Option<&'s PaneKey> {
    let of_stage = |run: &RunId, name: &str| {
        let run = state.runs.get(run)?;
        let stage = run.stages.iter().position(|stage| stage.name == name);
        Some(stage.map_or(&run.pane, |stage| run.pane_of(stage)))
    };
    let of_approval = |id| state.approvals.get(id).map(|row| &row.approval.pane);
    match event {
        Event::Line(line) => Some(&line.pane),
        Event::Agent(seen) => Some(&seen.pane),
        Event::Gap { pane }
        | Event::Waits { pane, .. }
        | Event::Program { pane, .. }
        | Event::Foreground { pane, .. }
        | Event::CommandEnded { pane, .. } => Some(pane),
        Event::Asked { command, .. } => match command {
            Command::Start { pane, .. } => Some(pane),
            Command::Control { run, stage: Some(stage), .. } => of_stage(run, stage),
            Command::Control { run, stage: None, .. } => state.runs.get(run).map(Run::present_pane),
            Command::Decide { approval, .. } | Command::GrantLease { approval, .. } => of_approval(approval),
            Command::Send { .. }
            | Command::Ask { .. }
            | Command::TakeBack { .. }
            | Command::RevokeLease { .. }
            | Command::Freeze
            | Command::Unfreeze
            | Command::DropHeld { .. } => None,
        },
        Event::Timer { key, .. } => match key {
            TimerKey::StageTimeout(run, stage)
            | TimerKey::Turn(run, stage)
            | TimerKey::Begin(run, stage)
            | TimerKey::Backoff(run, stage)
            | TimerKey::Look(run, stage)
            | TimerKey::Idle(run, stage)
            | TimerKey::Poll(run, stage, _) => of_stage(run, stage),
            TimerKey::Expiry(id) | TimerKey::Reminder(id) | TimerKey::Grace(id) => of_approval(id),
            TimerKey::Schedule(_, _, pane) | TimerKey::Silence(_, _, pane) | TimerKey::TriggerPoll(_, _, pane, _) => {
                Some(pane)
            }
        },
        Event::Outcome { intent, .. } | Event::Polled { intent, .. } => {
            let row = state.intents.get(intent)?;
            match &row.purpose {
                Purpose::Plan { run, stage, .. }
                | Purpose::After { run, stage, .. }
                | Purpose::Look { run, stage, .. }
                | Purpose::Stop { run, stage, .. }
                | Purpose::File { run, stage, .. }
                | Purpose::Poll { run, stage, .. } => of_stage(run, stage),
                Purpose::TriggerPoll { pane, .. } => Some(pane),
                Purpose::Alert | Purpose::Hand | Purpose::Reply { .. } => row.intent.effect.pane(),
            }
        }
        Event::PaneSeen { .. }
        | Event::PaneGone { .. }
        | Event::HostLost { .. }
        | Event::ShellMarks { .. }
        | Event::CommandBegan { .. }
        | Event::InFront { .. }
        | Event::Activity { .. }
        | Event::Dialog { .. }
        | Event::PolicyLoaded { .. }
        | Event::Witnessed { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_what_is_ours_nor_what_merely_turns_is_shown() {
        let typed = "$  { npm ci; printf '\\033[8m__TMUXAGENT_RESULT %s %s\\033[m\\n' T1 $?; } 7<&-";
        let printed = [
            typed,
            "⠙",
            "⠹⠸",
            "⠏ reify: 1/120",
            "⠏ reify: 87/120",
            "██████ 40%",
            "added 3 packages",
            "no newline__TMUXAGENT_RESULT T1 0",
            "__TMUXAGENT_RESULT T1 0",
            "----",
        ];
        let said = saying(printed.into_iter().map(|line| without_report(line).to_owned()));
        assert_eq!(said, ["⠏ reify: 87/120", "added 3 packages", "no newline", "----"]);
    }
}
