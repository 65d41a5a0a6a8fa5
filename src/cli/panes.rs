//! `tmuxagent panes`.

use super::connection::Connection;
use super::explain::take_back;
use super::{Outcome, Output, Session, Tone, exit, target};
use clap::Args;
use tmuxagent_model::{
    AgentState, AgentStatus, Approval, ApprovalState, HostState, PaneState, PaneView, Reads, RunState, RunView,
    Snapshot, StageState, shortened,
};
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::{
    Lang, agent_state, ago, clean, pane_doing, reads, run_state, run_took, stage_attempt, stage_detail, stage_doing,
};

#[derive(Debug, Args)]
pub(super) struct PanesArgs {
    /// Only this pane: `%3`, `host:%3`, `session:window.pane`, or the window's name
    pane: Option<String>,
    /// The pipelines' runs with their stages instead
    #[arg(long)]
    runs: bool,
}

/// Prints the panes, or the runs on them.
pub(super) fn run(session: &Session, args: &PanesArgs) -> Outcome {
    let mut snapshot = Connection::open(session)?.snapshot_of_panes()?;
    if let Some(text) = &args.pane {
        let key = target::pane(&snapshot, &session.as_shown(text))?.info.key.clone();
        snapshot.panes.retain(|pane| pane.info.key == key);
        snapshot.runs.retain(|run| run.pane == key);
    }
    let out = &session.out;
    match (out.json, args.runs) {
        (true, true) => out.json(&snapshot.runs)?,
        (true, false) => out.json(&snapshot.panes)?,
        (false, true) => runs(out, &snapshot)?,
        (false, false) => panes(out, &snapshot)?,
    }
    Ok(exit::OK)
}

/// Why there are no panes to show.
pub(super) fn no_panes(snapshot: &Snapshot) -> Word {
    let looking = snapshot.hosts.iter().any(|host| host.state == HostState::Connecting);
    if looking { Word::LookingForPanes } else { Word::NoPanes }
}

fn panes(out: &Output, snapshot: &Snapshot) -> Result<(), super::CliError> {
    let (lang, now) = (out.lang, snapshot.at);
    if snapshot.panes.is_empty() {
        return out.line(word(lang, no_panes(snapshot)));
    }
    // Before anything was looked at, and by a supervisor of an earlier version, nothing is known of readers.
    let known = snapshot.panes.iter().any(|pane| pane.reader.front.is_some());
    let rows: Vec<_> = snapshot
        .panes
        .iter()
        .map(|pane| {
            let facts = &pane.info.facts;
            let agent = pane.agent.as_ref().map_or(&facts.agent, |agent| &agent.agent);
            let program = if agent.is_empty() { &facts.command } else { agent };
            let mut row = vec![
                (Tone::Bold, clean(&pane.info.short())),
                (tone(pane.state), pane_doing(lang, pane).to_owned()),
                (Tone::Plain, clean(&pane.info.target())),
                (Tone::Plain, clean(program)),
                (Tone::Plain, clean(&pane.pipelines.join(","))),
                (Tone::Dim, pane.last_output.map(|at| ago(lang, now, at)).unwrap_or_default()),
            ];
            if known {
                row.insert(4, reader(lang, pane));
            }
            row
        })
        .collect();
    let mut heads = vec![Word::Pane, Word::State, Word::Place, Word::Program, Word::Pipelines, Word::LastOutput];
    if known {
        heads.insert(4, Word::Reader);
    }
    let heads: Vec<&str> = heads.into_iter().map(|head| word(lang, head)).collect();
    out.table(&heads, &rows)
}

/// Who reads the keys, and whether something waits for another reader.
fn reader(lang: Lang, pane: &PaneView) -> (Tone, String) {
    let starts = |agent: &&AgentStatus| agent.state == AgentState::Starting && pane.reader.reads == Reads::Unknown;
    let brief = match pane.agent.as_deref().filter(starts) {
        Some(agent) => agent_state(lang, &agent.state),
        None => reads(lang, &pane.reader.reads).to_owned(),
    };
    match &pane.awaited {
        Some(_) => (Tone::Warn, format!("{brief}, {}", word(lang, Word::Held))),
        None => match pane.reader.reads {
            Reads::Password | Reads::Line | Reads::Key => (Tone::Ask, brief),
            _ => (Tone::Dim, brief),
        },
    }
}

fn runs(out: &Output, snapshot: &Snapshot) -> Result<(), super::CliError> {
    let lang = out.lang;
    if snapshot.runs.is_empty() {
        return out.line(word(lang, Word::NoRuns));
    }
    for run in open_first(&snapshot.runs) {
        let number = run.run.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let tone = match run.state {
            None => Tone::Dim,
            Some(RunState::Open) => Tone::Plain,
            Some(RunState::Succeeded) => Tone::Good,
            Some(RunState::Failed | RunState::Cancelled | RunState::Rejected | RunState::Expired) => Tone::Bad,
        };
        let state = run_state(lang, run.state);
        let name = out.paint(Tone::Bold, &clean(&run.pipeline));
        let took = run_took(lang, run, &snapshot.approvals, snapshot.at).map(|took| format!("  {took}"));
        let took = out.paint(Tone::Dim, &took.unwrap_or_default());
        out.line(&format!("{number} {name} {} {}{took}", clean(&run.told_place()), out.paint(tone, state)))?;
        let stages: Vec<_> = run
            .stages
            .iter()
            .map(|stage| {
                let mut attempt = stage_attempt(lang, stage).unwrap_or_default();
                if stage.round > 0 {
                    attempt = format!("{attempt} {} {}/{}", word(lang, Word::Round), stage.round, stage.rounds);
                }
                let place = stage.pane.as_ref().map(|pane| pane.told(stage.place.as_deref().unwrap_or_default()));
                let place = place.map(|place| format!(" @ {}", clean(&place))).unwrap_or_default();
                // Where that is its whole state it stands there already.
                let how = stage.undo.as_ref().map(|undo| format!("`{}`", take_back(&undo.approval)));
                let detail = match stage.is_not_reached() {
                    true => String::new(),
                    false => clean(&stage_detail(lang, stage, snapshot.at, how.as_deref())),
                };
                vec![
                    (Tone::Plain, format!("  {}{place}", clean(&stage.name))),
                    (stage_tone(stage.shown_state()), stage_doing(lang, stage).to_owned()),
                    (Tone::Dim, attempt.trim_start().to_owned()),
                    (Tone::Dim, detail),
                ]
            })
            .collect();
        let stage_heading = format!("  {}", word(lang, Word::Stage));
        out.table_of_quotes(&[&stage_heading, word(lang, Word::State), word(lang, Word::Attempt), ""], &stages)?;
        asked(out, snapshot, run)?;
    }
    Ok(())
}

/// The runs in the order in which somebody looks for them: those that go on, those that have ended, and last the pipelines that
/// have not run.
fn open_first(runs: &[RunView]) -> Vec<&RunView> {
    let mut runs: Vec<&RunView> = runs.iter().collect();
    runs.sort_by_key(|run| standing(run.state));
    runs
}

const fn standing(state: Option<RunState>) -> u8 {
    match state {
        Some(RunState::Open) => 0,
        Some(_) => 1,
        None => 2,
    }
}

/// Lines of an open question that are shown below its run, those that tell a cause first.
const CAUSE: usize = 3;

/// What the open questions of a run show: below its stages, since a line may need the whole width.
fn asked(out: &Output, snapshot: &Snapshot, run: &RunView) -> Result<(), super::CliError> {
    let open = |asked: &&Approval| asked.state == ApprovalState::Pending && run.run.is_some() && asked.run == run.run;
    for asked in snapshot.approvals.iter().filter(open).filter(|asked| !asked.evidence.is_empty()) {
        let stage = clean(asked.stage.as_deref().unwrap_or_default());
        for line in shortened(&asked.evidence, CAUSE) {
            out.quoted(&format!("  {stage} > "), Tone::Dim, &clean(&line))?;
        }
    }
    Ok(())
}

pub(super) const fn tone(state: PaneState) -> Tone {
    match state {
        PaneState::NeedsApproval => Tone::Ask,
        PaneState::Failed | PaneState::Dead => Tone::Bad,
        PaneState::Retrying | PaneState::Stale => Tone::Warn,
        PaneState::Running | PaneState::Done => Tone::Good,
        PaneState::Idle => Tone::Dim,
    }
}

const fn stage_tone(state: StageState) -> Tone {
    match state {
        StageState::NeedsApproval | StageState::Asking => Tone::Ask,
        StageState::Failed | StageState::Escalated | StageState::Cancelled => Tone::Bad,
        StageState::Retrying | StageState::Queued | StageState::Rejected | StageState::Expired => Tone::Warn,
        StageState::Starting | StageState::Running | StageState::Succeeded => Tone::Good,
        StageState::Waiting | StageState::Skipped => Tone::Dim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_listed_before_what_has_not_run() {
        let mut states = [None, Some(RunState::Failed), Some(RunState::Open), None];
        states.sort_by_key(|state| standing(*state));
        assert_eq!(states, [Some(RunState::Open), Some(RunState::Failed), None, None]);
    }
}
