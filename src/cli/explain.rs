//! An explanation on the command line, in the form that the screen has too.

use super::approvals::{not_for, yes_with_text};
use super::{CliError, Output, Tone};
use jiff::tz::TimeZone;
use serde_json::Value;
use tmuxagent_model::{Approval, ApprovalId, StageState};
use tmuxagent_text::clean;
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::explain::{self, Line, Sign, Stage};

/// Prints stages: state, what they wait for, what fired them, which conditions hold, what almost did; of the
/// questions among `approvals` the whole command that says yes, where `me` may say it.
pub(super) fn print(out: &Output, values: &[Value], approvals: &[Approval], me: &str) -> Result<(), CliError> {
    if values.is_empty() {
        return out.line(word(out.lang, Word::NothingApplies));
    }
    let Some(stages) = explain::read(values) else {
        // A supervisor of another version; its answer is still readable.
        return out.json(&values);
    };
    let zone = TimeZone::system();
    let mut heading = String::new();
    for stage in &stages {
        let now = heading_of(stage);
        if now != heading {
            out.line(&out.paint(Tone::Bold, &now))?;
            heading = now;
        }
        for line in explain::lines(out.lang, &zone, stage) {
            put(out, &line)?;
        }
        if let Some(id) = &stage.approval {
            let asked = approvals.iter().find(|approval| approval.id.as_str() == id);
            if let Some(others) = asked.filter(|asked| !asked.is_for(me)) {
                out.wrapped("    ", Tone::Warn, &not_for(out.lang, others, me))?;
            } else {
                let command = asked.and_then(|asked| yes_with_text(out.lang, asked));
                let command = command.unwrap_or_else(|| format!("tmuxagent approve {}", clean(id)));
                out.verbatim(&out.paint(Tone::Ask, &format!("    {command}")))?;
            }
        }
        if let Some(undo) = &stage.undo {
            out.verbatim(&out.paint(Tone::Dim, &format!("    {}", take_back(&undo.approval))))?;
        }
    }
    Ok(())
}

/// The command that takes a yes back.
pub(super) fn take_back(id: &ApprovalId) -> String {
    format!("tmuxagent reject {}", clean(id.as_str()))
}

fn heading_of(stage: &Stage) -> String {
    let run = stage.run.map(|run| format!(" #{run}")).unwrap_or_default();
    format!("{}{run}  {}", clean(&stage.pipeline), clean(&stage.place))
}

fn put(out: &Output, line: &Line) -> Result<(), CliError> {
    let sign = match line.sign {
        None | Some(Sign::Stage(_)) => "",
        Some(Sign::Holds) => "+ ",
        Some(Sign::Open) => "- ",
        Some(Sign::Next) => "> ",
    };
    let tone = match line.tone {
        explain::Tone::Plain => Tone::Plain,
        explain::Tone::Strong => Tone::Bold,
        explain::Tone::Dim => Tone::Dim,
        explain::Tone::Good => Tone::Good,
        explain::Tone::Warn => Tone::Warn,
        explain::Tone::Stage(state) => of_state(state),
    };
    let indent = "  ".repeat(line.depth + 1);
    out.wrapped(&indent, tone, &format!("{sign}{}", line.text))
}

const fn of_state(state: StageState) -> Tone {
    match state {
        StageState::Succeeded | StageState::Skipped => Tone::Good,
        StageState::Failed
        | StageState::Escalated
        | StageState::Cancelled
        | StageState::Rejected
        | StageState::Expired => Tone::Bad,
        StageState::NeedsApproval | StageState::Asking => Tone::Ask,
        StageState::Starting | StageState::Running | StageState::Retrying | StageState::Queued => Tone::Warn,
        StageState::Waiting => Tone::Plain,
    }
}
