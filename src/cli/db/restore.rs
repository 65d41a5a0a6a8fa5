//! `tmuxagent db restore`: says what it takes back before it does.

use super::super::output::shown;
use super::super::{CliError, Outcome, Session, exit};
use super::opened;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use tmuxagent_clock::wall;
use tmuxagent_engine::Engine;
use tmuxagent_model::EntityKind;
use tmuxagent_store::{Chosen, Reopened, RestoreError, Since, StoreError};
use tmuxagent_text::{ago, clean, local, question};

/// Nothing is typed afterwards before `tmuxagent unfreeze`, and panes are read from their end on.
#[derive(Debug, Args)]
pub(in crate::cli) struct RestoreArgs {
    /// The backup; the newest that is sound when left out
    file: Option<PathBuf>,
    /// Only say which it is and what it takes back
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(session: &Session, database: &Path, args: &RestoreArgs) -> Outcome {
    let Chosen { file, passed_over } = tmuxagent_store::choose(database, args.file.as_deref()).map_err(refused)?;
    let since = tmuxagent_store::since(database, &file);
    let out = &session.out;
    if !out.json {
        for (path, why) in &passed_over {
            out.say(&format!("passed over {}: {why}", shown(path)))?;
        }
        foretell(session, &file, &since)?;
    }
    let done = if args.dry_run {
        None
    } else {
        let now = wall();
        // What can't be read stays, and the start names it.
        let set_back = |kind: EntityKind, key: &str, body: &str| Engine::set_back(kind, key, body, now).ok().flatten();
        Some(tmuxagent_store::restore(database, Some(&file), &set_back).map_err(refused)?)
    };
    if out.json {
        let passed: Vec<_> = passed_over.iter().map(|(path, why)| json!({ "file": path, "why": why })).collect();
        out.json(&json!({
            "from": file, "aside": done.as_ref().and_then(|done| done.aside.as_ref()), "passed_over": passed,
            "restored": done.is_some(), "frozen": done.is_some(), "since": since.as_ref().ok().map(told),
        }))?;
        return Ok(exit::OK);
    }
    let Some(done) = done else { return Ok(exit::OK) };
    out.say(&format!("restored from {}", shown(&done.from)))?;
    if let Some(aside) = &done.aside {
        out.say(&format!("the former database is kept as {}", shown(aside)))?;
    }
    if let Ok(since) = &since
        && !since.reopened.is_empty()
    {
        out.say(&format!("decided questions that are open again: {}", since.reopened.len()))?;
    }
    out.say("nothing is typed before you say so: start `tmuxagent`, look at what is open and held, then `tmuxagent unfreeze`")?;
    Ok(exit::OK)
}

/// What will be as it was.
fn foretell(session: &Session, file: &Path, since: &Result<Since, StoreError>) -> Result<(), CliError> {
    let (out, zone) = (&session.out, jiff::tz::TimeZone::system());
    let Ok(since) = since else {
        return out.say(&format!(
            "what happened after {} was made can't be told: the present database can't be read",
            shown(file)
        ));
    };
    let (when, age) = (local(&zone, since.at), ago(out.lang, wall(), since.at));
    out.say(&format!("{} is of {when} ({age}); events since: {}", shown(file), since.events))?;
    if since.typed > 0 {
        out.say(&format!("texts and commands typed since, which may be asked for again: {}", since.typed))?;
    }
    if since.reopened.is_empty() {
        return Ok(());
    }
    out.say(&format!(
        "questions that were closed since, are open in it, and are asked again: {}",
        since.reopened.len()
    ))?;
    for Reopened { before, after } in &since.reopened {
        let asked = clean(&question(out.lang, before));
        let ended = out.lang.state(after.state);
        out.line(&format!("  {}  {}: {asked} ({ended})", before.id, clean(&before.told_place())))?;
    }
    Ok(())
}

fn told(since: &Since) -> serde_json::Value {
    let reopened: Vec<_> = since
        .reopened
        .iter()
        .map(|Reopened { before, after }| {
            json!({
                "approval": before.id, "place": before.place, "question": before.question,
                "state": after.state, "decision": after.decision,
            })
        })
        .collect();
    json!({ "at": since.at, "events": since.events, "typed": since.typed, "reopened": reopened })
}

fn refused(error: RestoreError) -> CliError {
    match error {
        RestoreError::Open(error) => opened(error),
        other => CliError::user(
            other.to_string(),
            "`tmuxagent db backup` makes a backup, `tmuxagent doctor` says what is wrong",
        ),
    }
}
