//! `tmuxagent db check|backup|repair|restore|export`.

mod repair;
mod restore;

use super::output::{JsonLines, shown};
use super::{CliError, Outcome, Session, exit};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use tmuxagent_clock::wall;
use tmuxagent_config::Paths;
use tmuxagent_engine::Engine;
use tmuxagent_store::{BACKUP_GENERATIONS, BackupError, ExportError, Health, OpenError, Reader, StoreError, backups};
use tmuxagent_text::counted;

#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Examine the state database, also while a supervisor writes it
    Check,
    /// Make a backup, also while a supervisor runs, or list those there are
    Backup(BackupArgs),
    /// Set damaged rows aside that nothing needs; the whole file is copied first
    Repair(repair::RepairArgs),
    /// Make a backup the database; the present one is kept aside
    Restore(restore::RestoreArgs),
    /// Print the journal as JSON lines
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// Only list them, newest first
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Only events with a number above this
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Write it to this file, which only you can read, instead of printing it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs one of them. The configuration tells where the database lies.
pub(super) fn run(session: &Session, command: &DbCommand) -> Outcome {
    let paths = session.load()?.paths;
    let database = &paths.database;
    match command {
        DbCommand::Check => check(session, &paths),
        DbCommand::Backup(args) if args.list => list(session, database),
        DbCommand::Backup(_) => backup(session, database),
        DbCommand::Repair(args) => repair::run(session, database, args),
        DbCommand::Restore(args) => restore::run(session, database, args),
        DbCommand::Export(args) => export(database, args),
    }
}

/// Examines the database and the recordings beside it, every row as a start reads it.
pub(super) fn examine(paths: &Paths) -> Result<Health, OpenError> {
    let entity = |kind, key: &str, body: &str| Engine::understands(kind, key, body).map_err(|error| error.to_string());
    tmuxagent_store::check(&paths.database, Some(&paths.recordings()), &entity)
}

fn check(session: &Session, paths: &Paths) -> Outcome {
    let database = &paths.database;
    there(database)?;
    let health = examine(paths).map_err(opened)?;
    let out = &session.out;
    if out.json {
        out.json(&json!({
            "database": database,
            "problems": health.problems,
            "schema": health.schema,
            "bytes": health.bytes,
            "journal_rows": health.journal_rows,
            "entities": health.entities,
            "waiting_alerts": health.waiting_alerts,
        }))?;
    } else {
        for problem in &health.problems {
            out.say(problem)?;
        }
        let verdict =
            if health.problems.is_empty() { "ok".to_owned() } else { counted(health.problems.len(), "problem") };
        out.say(&format!(
            "{}: {verdict} (schema {}, {} bytes, {} events, {} entities, {} alerts waiting)",
            shown(database),
            health.schema,
            health.bytes,
            health.journal_rows,
            health.entities,
            health.waiting_alerts,
        ))?;
    }
    Ok(if health.problems.is_empty() { exit::OK } else { exit::NEGATIVE })
}

fn list(session: &Session, database: &Path) -> Outcome {
    let found = backups(database)
        .map_err(|error| CliError::user(format!("the backups can't be listed: {error}"), "see `tmuxagent doctor`"))?;
    let out = &session.out;
    if out.json {
        out.json(&found)?;
    } else if found.is_empty() {
        out.say("there is no backup yet; `tmuxagent db backup` makes one")?;
    } else {
        found.iter().try_for_each(|path| out.verbatim(&shown(path)))?;
    }
    Ok(if found.is_empty() { exit::NEGATIVE } else { exit::OK })
}

fn backup(session: &Session, database: &Path) -> Outcome {
    there(database)?;
    let made = tmuxagent_store::back_up(database, wall(), BACKUP_GENERATIONS).map_err(|error| match error {
        BackupError::Open(error) => opened(error),
        BackupError::Copy(error) => stored(&error),
    })?;
    let out = &session.out;
    if out.json {
        out.json(&json!({ "backup": made.path, "bytes": made.bytes, "removed": made.removed }))?;
    } else {
        out.say(&format!("{} ({} bytes)", shown(&made.path), made.bytes))?;
    }
    Ok(exit::OK)
}

fn export(database: &Path, args: &ExportArgs) -> Outcome {
    there(database)?;
    let reader = Reader::open(database).map_err(opened)?;
    let Some(file) = &args.output else {
        let mut stdout = JsonLines::new(BufWriter::new(io::stdout().lock()));
        tmuxagent_store::export(&reader, args.after, &mut stdout).map_err(|error| match error {
            ExportError::Read(error) => stored(&error),
            // Its reader has what it wanted.
            ExportError::Write(error) => error.into(),
        })?;
        stdout.flush()?;
        return Ok(exit::OK);
    };
    let unwritten = |error: io::Error| {
        let text = format!("{} can't be written: {}", file.display(), error.to_string().to_lowercase());
        CliError::user(text, "name another file with --output")
    };
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(unwritten)?;
    let mut out = JsonLines::new(BufWriter::new(made));
    tmuxagent_store::export(&reader, args.after, &mut out).map_err(|error| match error {
        ExportError::Read(error) => stored(&error),
        ExportError::Write(error) => unwritten(error),
    })?;
    out.flush().map_err(unwritten)?;
    Ok(exit::OK)
}

fn there(database: &Path) -> Result<(), CliError> {
    match std::fs::metadata(database) {
        // Opening a pipe would wait for its other end.
        Ok(found) if !found.is_file() => {
            return Err(CliError::user(
                format!("the state database {} is no regular file", database.display()),
                "move it away, or choose another folder: --state-dir DIR",
            ));
        }
        Ok(found) if found.len() == 0 => {
            return Err(CliError::user(
                format!("the state database {} is empty", database.display()),
                "`tmuxagent db restore` makes a backup the database",
            ));
        }
        Ok(_) => return Ok(()),
        Err(_) => {}
    }
    Err(CliError::NotFound {
        text: format!("there is no state database {}", database.display()),
        hint: "the first start of a supervisor makes it; `tmuxagent config path` shows where".to_owned(),
        candidates: Vec::new(),
    })
}

/// The store's own sentences say what to do.
fn opened(error: OpenError) -> CliError {
    CliError::User(tmuxagent_config::Problem::plain(error.to_string()))
}

fn stored(error: &StoreError) -> CliError {
    CliError::internal(color_eyre::eyre::eyre!("{error}"))
}
