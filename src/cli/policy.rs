//! `tmuxagent policy …`.

use super::connection::Connection;
use super::{CliError, Outcome, Session, exit};
use crate::config::{Overrides, Problem};
use crate::ipc::wire::{Reply, Request};
use crate::policy::{Source, analyse};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Tell everything that is wrong with policies, each finding with its place
    Check(CheckArgs),
    /// Print the JSON schema of policies, for editors
    Schema,
    /// Tell why each stage is in its state and what it waits for
    Explain(ExplainArgs),
}

/// Exit codes: 0 clean, 1 warnings, 2 errors.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Files and folders; those that would be used when left out
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A pane (`%3`, `host:%3`, `session:window.pane`) or a run (`#12`)
    target: String,
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &PolicyCommand) -> Outcome {
    match command {
        PolicyCommand::Check(args) => check(session, args),
        PolicyCommand::Schema => {
            session.out.json(&crate::policy::schema())?;
            Ok(exit::OK)
        }
        PolicyCommand::Explain(args) => explain(session, args),
    }
}

fn check(session: &Session, args: &CheckArgs) -> Outcome {
    let sources = sources(session, &args.files)?;
    let (policy, found) = analyse(&sources);
    let out = &session.out;
    let code = match (found.errors(), found.warnings()) {
        (0, 0) => exit::OK,
        (0, _) => exit::NEGATIVE,
        _ => exit::USER,
    };
    if out.json {
        let pipelines: Option<Vec<&str>> =
            policy.as_ref().map(|policy| policy.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect());
        out.json(&json!({
            "files": sources.iter().map(|source| &source.name).collect::<Vec<_>>(),
            "errors": found.errors(),
            "warnings": found.warnings(),
            "problems": found.problems,
            "pipelines": pipelines,
        }))?;
        return Ok(code);
    }
    if !found.problems.is_empty() {
        out.line(found.to_string().trim_end())?;
        out.line("")?;
    }
    let pipelines = policy.map_or(0, |policy| policy.pipelines.len());
    let summary = match (found.errors(), found.warnings()) {
        (0, 0) => format!("ok: {pipelines} pipelines"),
        (0, warnings) => format!("{warnings} warnings, {pipelines} pipelines"),
        (errors, warnings) => format!("{errors} errors, {warnings} warnings"),
    };
    out.line(&summary)?;
    Ok(code)
}

/// The texts of the named policies, or of those that a supervisor would load.
fn sources(session: &Session, files: &[PathBuf]) -> Result<Vec<Source>, CliError> {
    if files.is_empty() {
        return Ok(session.load()?.policy_sources);
    }
    let overrides = Overrides { policy: files.to_vec(), ..session.overrides.clone() };
    Ok(crate::config::policy_sources(&overrides, &session.environment)?)
}

/// A policy that may be used.
pub(super) struct Judged {
    /// How many pipelines it has.
    pub(super) pipelines: usize,
    /// How many warnings there are.
    pub(super) warnings: usize,
}

/// Whether policies can be used; their errors are the user's.
pub(super) fn judge(sources: &[Source]) -> Result<Judged, CliError> {
    match analyse(sources) {
        (Some(policy), found) => Ok(Judged { pipelines: policy.pipelines.len(), warnings: found.warnings() }),
        (None, found) => Err(CliError::User(Problem::shown(found.to_string().trim_end().to_owned()))),
    }
}

fn explain(session: &Session, args: &ExplainArgs) -> Outcome {
    let mut connection = Connection::open(session)?;
    let Reply::Explanation { runs } = connection.ask(Request::Explain { target: args.target.clone() })? else {
        return Err(CliError::internal(color_eyre::eyre::eyre!("the supervisor gave no explanation")));
    };
    let out = &session.out;
    if out.json {
        out.json(&runs)?
    } else {
        super::explain::print(out, &runs)?
    }
    Ok(exit::OK)
}
