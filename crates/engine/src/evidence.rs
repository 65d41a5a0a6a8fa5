//! What a question or an alert shows of its pane: the lines that decided something, then those of the attempt's last ones
//! that tell most. Never a reason for a decision.

use super::progress::{Cause, Evidence, TEXT, cut};
use super::shell_row::is_of_shell;
use super::state::{Planned, Purpose, Run, StageRun, State};
use super::text::visible;
use super::turn::{At, Turn};
use std::sync::Arc;
use tmuxagent_lines::{alike, is_only_motion, without_report};
use tmuxagent_model::{
    Approval, ApprovalKind, Command, Event, GAP, PaneKey, Printed, RunId, StageState, TimerKey, Timestamp, cause_of,
    ending, telling,
};
use tmuxagent_policy::Condition;

/// The longest line that is told beside an exit code, bytes.
const TOLD: usize = 160;
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
        let mut last = match at {
            Some(at) => self.lines_of(pane, at),
            None => self.last_lines(pane, &[]),
        };
        let attempted = at.and_then(|at| self.stage(at)).is_some_and(is_attempted);
        // Before a stage has begun nothing of it failed: there people look for what stands in the pane.
        let failed = attempted || at.is_some_and(|at| self.led_by_failure(pane, at));
        last = if failed { telling(last, LAST) } else { ending(last, LAST) };
        if let (true, Some(at), Some(told)) = (attempted, at, cause_of(&last))
            && let Some(stage) = self.stage_mut(at)
        {
            stage.told = Some(cut(told.trim(), TOLD));
        }
        // Those before it may have printed nothing: the failure that led here stands behind them, whatever line began the run.
        if last.is_empty() {
            last = self.printed_before(pane, at);
        }
        // A run that begins with a question has printed nothing yet: what stands in its pane is what is known, but for what
        // is of a run before it.
        if last.is_empty() && at.is_none_or(|at| self.begins_with(at)) {
            let since = self.last_run_ended(pane).map(|ended| (Timestamp(ended.0 + 1), None));
            last = ending(self.last_lines(pane, since.as_slice()), LAST);
        }
        let mut lines: Vec<String> = Vec::new();
        let run = at.and_then(|at| self.run(at.run));
        let decided = run.map_or(&[][..], |run| &run.evidence);
        // What failed and was tried again is no reason for what comes next.
        let counts = |line: &&Evidence| run.is_none_or(|run| is_of_last_attempt(run, line));
        // What was said several times is shown once, where it was said last.
        for text in decided.iter().rev().filter(counts).map(|line| visible(without_report(&line.text))) {
            let again = text != GAP && (lines.contains(&text) || last.contains(&text));
            if !text.is_empty() && lines.len() < DECIDED && !again {
                lines.push(text);
            }
        }
        lines.reverse();
        lines.extend(last);
        lines
    }

    /// What the last stage printed that printed anything, for a question whether one more begins: those between had no output.
    /// Where one failed in silence, nothing that came before it tells why.
    fn printed_before(&mut self, pane: &PaneKey, at: Option<At>) -> Vec<String> {
        for (span, failed) in at.map(|at| self.spans_before(pane, at)).unwrap_or_default() {
            let last = self.last_lines(pane, &[span]);
            if !last.is_empty() || failed {
                return if failed { telling(last, LAST) } else { ending(last, LAST) };
            }
        }
        Vec::new()
    }

    /// Whether an attempt whose command told its exit code is known to have printed nothing.
    pub fn printed_nothing(&mut self, at: At) -> bool {
        let Some(pane) = self.stage_pane(at).cloned() else { return false };
        let ended = self.stage(at).is_some_and(|stage| stage.exit.is_some() && is_attempted(stage));
        let spans = self.spans(&pane, at);
        // What is known reaches back before it: a later life knows nothing of what an earlier one has read.
        let reaches = |printed: &[Printed]| {
            let first = printed.first().zip(spans.first());
            first.is_none_or(|(line, (from, _))| line.at < *from)
        };
        let heard = self.printed.as_ref().is_some_and(|(of, printed)| *of == pane && reaches(printed));
        ended && heard && self.last_lines(&pane, &spans).is_empty()
    }

    /// The line of a failed attempt that tells most of its cause; empty where it printed none, or that one decided.
    pub fn said_last(&mut self, at: At, cause: &Cause) -> String {
        // Of an attempt that was never typed nothing was printed, whatever stands in its pane.
        let typed =
            self.stage(at).is_some_and(|stage| stage.typed_at.is_some() || !stage.plan.iter().any(Planned::is_typed));
        let Some(pane) = self.stage_pane(at).cloned().filter(|_| typed) else { return String::new() };
        let lines = self.lines_of(&pane, at);
        let said = cause_of(&lines).or_else(|| telling(lines, 1).pop()).unwrap_or_default();
        let said = cut(said.trim(), TOLD);
        if cause.brief().contains(&said) { String::new() } else { said }
    }

    /// What is known of the output of what a question is about: the lines that were heard, behind those that an earlier
    /// question about the same attempt showed, where none is known any more that is as old as it. A life that began since has
    /// heard nothing of what that question was about.
    fn lines_of(&mut self, pane: &PaneKey, at: At) -> Vec<String> {
        let spans = self.spans(pane, at);
        let last = self.last_lines(pane, &spans);
        let oldest = self.printed.as_ref().filter(|(of, _)| of == pane).and_then(|(_, printed)| printed.first());
        let asked = self.asked_of_attempt(at).filter(|asked| oldest.is_none_or(|line| line.at > asked.asked_at));
        let Some(asked) = asked else { return last };
        let mut lines = asked.evidence.clone();
        lines.retain(|line| !last.contains(line));
        lines.extend(last);
        lines
    }

    /// The last question about the present attempt of a stage that showed lines.
    fn asked_of_attempt(&self, at: At) -> Option<&Approval> {
        let stage = self.stage(at).filter(|stage| is_attempted(stage))?;
        let asked = self.state.approvals.values().map(|row| &row.approval);
        asked
            .filter(|asked| (asked.run, asked.stage.as_deref()) == (Some(at.run), Some(stage.name.as_str())))
            // A gate shows what led to it, which is none of the attempt's own.
            .filter(|asked| asked.attempt == stage.attempt && asked.kind != ApprovalKind::Gate)
            .filter(|asked| !asked.evidence.is_empty())
            .max_by_key(|asked| asked.asked_at)
    }

    /// The last lines that an agent's report shows below itself.
    pub fn few_lines(&mut self, pane: &PaneKey) -> String {
        ending(self.last_lines(pane, &[]), FEW).iter().map(|line| format!("\n{line}")).collect()
    }

    /// The last lines of a pane within these times that say something, without secrets.
    fn last_lines(&mut self, pane: &PaneKey, spans: &[Span]) -> Vec<String> {
        let Some((of, printed)) = &self.printed else { return Vec::new() };
        if of != pane {
            return Vec::new();
        }
        self.used_printed = true;
        let within = |line: &&Printed| {
            let is_in = |from: Timestamp, to: Option<Timestamp>| line.at >= from && to.is_none_or(|to| line.at <= to);
            spans.is_empty() || spans.iter().any(|(from, to)| is_in(*from, *to))
        };
        let texts: Vec<&str> = printed.iter().filter(within).map(|line| line.text.as_str()).collect();
        // Together: a key may stand over several lines.
        let clean = self.cleaner.clean(&texts.join("\n"));
        let lines = clean.lines().map(|line| visible(&cut(without_report(line).trim_end(), TEXT)));
        saying(lines)
    }

    /// The times of what a question is about: the stage's attempt, or before it began the last attempts of the stages that
    /// led to it in that pane.
    fn spans(&self, pane: &PaneKey, at: At) -> Vec<Span> {
        let Some(run) = self.run(at.run) else { return Vec::new() };
        let Some(stage) = run.stages.get(at.stage) else { return Vec::new() };
        if let Some(began) = stage.started_at.filter(|_| is_attempted(stage)) {
            return vec![Self::printing(run, stage).unwrap_or((began.max(run.started_at), None))];
        }
        let policy = Arc::clone(&self.policy);
        let mut names = Vec::new();
        if let Some((_, rule)) = self.rule(&policy, at) {
            followed(&rule.triggers, &mut names);
        }
        let began = |stage: &StageRun| {
            Self::printing(run, stage).or_else(|| Some((stage.started_at?.max(run.started_at), stage.ended_at)))
        };
        let here = run.stages.iter().enumerate().filter(|(index, _)| run.pane_of(*index) == pane);
        let here: Vec<&StageRun> = here.map(|(_, stage)| stage).collect();
        let led = here.iter().copied().filter(|stage| names.contains(&stage.name.as_str()));
        let mut spans: Vec<Span> = led.filter_map(began).collect();
        if spans.is_empty() {
            spans.extend(here.iter().copied().filter_map(began).max_by_key(|(from, _)| *from));
        }
        spans.sort_unstable_by_key(|(from, _)| *from);
        let known = |span: &Span| here.iter().any(|stage| Self::printing(run, stage) == Some(*span));
        match spans.last_mut() {
            // What comes behind its end belongs to it still, where that of its command is not known.
            Some(span) if !known(span) => span.1 = None,
            Some(_) => {}
            None => spans.push((run.started_at, None)),
        }
        spans
    }

    /// When the last attempt of a stage printed.
    fn printing(run: &Run, stage: &StageRun) -> Option<Span> {
        stage.prints().map(|(from, to)| (from.max(run.started_at), to))
    }

    /// When the stages of a run printed in that pane, the last first, and whether each failed, for a question whether one more
    /// begins. What an attempt printed is told of that attempt alone, and be it nothing.
    fn spans_before(&self, pane: &PaneKey, at: At) -> Vec<(Span, bool)> {
        let Some(run) = self.run(at.run).filter(|_| !self.stage(at).is_some_and(is_attempted)) else {
            return Vec::new();
        };
        let here = run.stages.iter().enumerate().filter(|(index, _)| run.pane_of(*index) == pane);
        let began = |stage: &StageRun| {
            let span = Self::printing(run, stage).or_else(|| Some((stage.started_at?.max(run.started_at), None)));
            Some((span?, has_failed(stage)))
        };
        let mut spans: Vec<(Span, bool)> = here.filter_map(|(_, stage)| began(stage)).collect();
        spans.sort_unstable_by_key(|((from, _), _)| std::cmp::Reverse(*from));
        spans
    }

    /// Whether the last stage of those that led to a question whether one more begins has failed.
    fn led_by_failure(&self, pane: &PaneKey, at: At) -> bool {
        let Some((last, _)) = self.spans(pane, at).last().copied() else { return false };
        self.spans_before(pane, at).iter().any(|((from, _), failed)| *from == last && *failed)
    }

    /// Whether nothing of its run has begun before that stage.
    fn begins_with(&self, at: At) -> bool {
        self.run(at.run).is_some_and(|run| run.stages.iter().all(|stage| stage.started_at.is_none()))
    }

    /// When the last run ended that belonged to a pane.
    fn last_run_ended(&self, pane: &PaneKey) -> Option<Timestamp> {
        let last = self.state.panes.get(pane)?.last.values();
        last.filter_map(|id| self.state.runs.get(id)?.ended_at).max()
    }
}

/// A time from which lines are taken: its begin, and its end where it is over. Where there is none, whenever.
type Span = (Timestamp, Option<Timestamp>);

/// Whether a question about a stage is about its attempt, and not about whether it begins.
fn is_attempted(stage: &StageRun) -> bool {
    stage.started_at.is_some() && stage.state != StageState::NeedsApproval
}

/// Whether the last attempt of a stage failed.
fn has_failed(stage: &StageRun) -> bool {
    stage.failed.last().is_some_and(|failed| failed.attempt == stage.attempt) && stage.state != StageState::Succeeded
}

/// Whether a line is of the last attempt of its stage, or started it.
fn is_of_last_attempt(run: &Run, line: &Evidence) -> bool {
    run.stages.iter().find(|stage| stage.name == line.stage).is_none_or(|stage| {
        let started_it = stage.triggered.as_ref().is_some_and(|cause| cause.at == line.at);
        started_it || stage.started_at.is_none_or(|began| line.at >= began)
    })
}

/// The stages that a trigger follows.
fn followed<'c>(condition: &'c Condition, names: &mut Vec<&'c str>) {
    match condition {
        Condition::AfterStageSuccess(name)
        | Condition::AfterStageFailure(name)
        | Condition::AfterStageRejected(name) => names.push(name),
        Condition::Any(parts) | Condition::All(parts) => parts.iter().for_each(|part| followed(part, names)),
        Condition::Seen(part) => followed(part, names),
        Condition::Not(_)
        | Condition::After(_)
        | Condition::LogRegex(_)
        | Condition::Message(_)
        | Condition::ExitCode(_)
        | Condition::Agent(_)
        | Condition::IdleFor(_)
        | Condition::Poll(_)
        | Condition::Schedule(_)
        | Condition::Manual => {}
    }
}

/// The lines that say something: no spinner alone, nothing that the shell draws itself, and of the states of one row that
/// follow each other the last.
fn saying(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for line in lines.filter(|line| !line.is_empty() && !is_only_motion(line) && !is_of_shell(line)) {
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
        | Event::Answered { pane, .. }
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
            | TimerKey::Made(run, stage)
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
                | Purpose::MakePane { run, stage, .. }
                | Purpose::Poll { run, stage, .. } => of_stage(run, stage),
                Purpose::TriggerPoll { pane, .. } => Some(pane),
                Purpose::ClosePane { .. } | Purpose::Alert | Purpose::Hand | Purpose::Reply { .. } => {
                    row.intent.effect.pane()
                }
            }
        }
        Event::PaneSeen { .. }
        | Event::PaneGone { .. }
        | Event::LeftOpen { .. }
        | Event::TakenByShell { .. }
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
            r"$?; } 7<&$(builtin printf '\033]133;C;ta=T1\a' >&2)-",
            r"1-1q5l9rnnyz9tp\a' >&2)-",
            "added 3 packages",
            "no newline__TMUXAGENT_RESULT T1 0",
            "__TMUXAGENT_RESULT T1 0",
            "----",
        ];
        let said = saying(printed.into_iter().map(|line| without_report(line).to_owned()));
        assert_eq!(said, ["⠏ reify: 87/120", "added 3 packages", "no newline", "----"]);
    }
}
