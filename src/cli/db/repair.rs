//! `tmuxagent db repair`: what it sets aside is told row by row.

use super::super::output::shown;
use super::super::{CliError, Outcome, Session, exit};
use super::{opened, there};
use clap::Args;
use serde_json::json;
use std::path::Path;
use tmuxagent_clock::wall;
use tmuxagent_config::Problem;
use tmuxagent_engine::Engine;
use tmuxagent_store::{Repair, RepairError, SetAside};
use tmuxagent_text::clean;

/// Only rows that nothing goes on from: events, lines for people, what is over. Exit code 1: there is damage (--dry-run).
#[derive(Debug, Args)]
pub(in crate::cli) struct RepairArgs {
    /// Only say what would be set aside
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(session: &Session, database: &Path, args: &RepairArgs) -> Outcome {
    there(database)?;
    let entity = |kind, key: &str, body: &str| Engine::understands(kind, key, body).map_err(|error| error.to_string());
    let done = tmuxagent_store::repair(database, wall(), &entity, args.dry_run).map_err(refused)?;
    let Repair { backup, rows, indices } = &done;
    let out = &session.out;
    let damaged = *indices || !rows.is_empty();
    if out.json {
        out.json(&json!({
            "database": database, "repaired": backup.is_some(), "backup": backup, "set_aside": rows, "indices": indices,
        }))?;
    } else if damaged {
        for SetAside { table, row, text } in rows {
            let (row, text) = (clean(row), clean(text));
            out.say(&match backup {
                Some(_) => format!("set aside: row {row} of `{table}`: {text}"),
                None => format!("to be set aside: row {row} of `{table}`: {text}"),
            })?;
        }
        if *indices {
            out.say(if backup.is_some() { "its indices were made anew" } else { "its indices are to be made anew" })?;
        }
        if let Some(backup) = backup {
            out.say(&format!("the database as it was is kept as {}", shown(backup)))?;
        }
    } else {
        out.say(&format!("{}: nothing is damaged", shown(database)))?;
    }
    Ok(if damaged && backup.is_none() { exit::NEGATIVE } else { exit::OK })
}

fn refused(error: RepairError) -> CliError {
    match error {
        RepairError::Open(error) => opened(error),
        needed @ RepairError::Needed { .. } => CliError::user(
            needed.to_string(),
            "`tmuxagent db restore` goes back to the last good backup; the damaged file is kept aside then",
        ),
        other => CliError::User(Problem::plain(other.to_string())),
    }
}
