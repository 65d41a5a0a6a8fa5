//! `tmuxagent leases` and `tmuxagent lease revoke`.

use super::connection::Connection;
use super::{CliError, Outcome, Session, Tone, control, exit};
use clap::{Args, Subcommand};
use tmuxagent_ipc::wire::ErrorKind;
use tmuxagent_model::{Command, LeaseView};
use tmuxagent_text::{Lang, clean, span};

#[derive(Debug, Args)]
pub(super) struct LeasesArgs {}

#[derive(Debug, Subcommand)]
pub(super) enum LeaseCommand {
    /// End a lease before its time
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// The lease, as `tmuxagent leases` names it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All of them
    #[arg(long)]
    all: bool,
}

/// Lists the leases in force.
pub(super) fn list(session: &Session, _: &LeasesArgs) -> Outcome {
    let snapshot = Connection::open(session)?.snapshot()?;
    let leases: Vec<&LeaseView> = snapshot.leases.iter().filter(|lease| lease.until > snapshot.at).collect();
    let out = &session.out;
    if out.json {
        out.json(&leases)?;
        return Ok(exit::OK);
    }
    if leases.is_empty() {
        out.say("no lease is in force: `tmuxagent approve ID --for 30m` gives one with a yes to a dialog")?;
        return Ok(exit::OK);
    }
    let rows: Vec<Vec<(Tone, String)>> = leases
        .iter()
        .map(|lease| {
            vec![
                (Tone::Bold, clean(&lease.id)),
                (Tone::Plain, clean(&lease.told_place())),
                (Tone::Warn, clean(&lease.class.join(", "))),
                (Tone::Plain, clean(&lease.by.who)),
                (Tone::Plain, span(out.lang, lease.until.since(snapshot.at))),
                (Tone::Dim, lease.left.to_string()),
            ]
        })
        .collect();
    let heading = match out.lang {
        Lang::En => ["LEASE", "WHERE", "COMMANDS", "BY", "ENDS IN", "LEFT"],
        Lang::Zh => ["授权", "位置", "命令", "授权人", "剩余时间", "剩余次数"],
    };
    out.table(&heading, &rows)?;
    Ok(exit::OK)
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &LeaseCommand) -> Outcome {
    let LeaseCommand::Revoke(args) = command;
    let mut connection = Connection::open(session)?;
    let revoked = connection.command(Command::RevokeLease { lease: args.id.clone() });
    control::tell(session, revoked.map_err(|error| with_those_in_force(&mut connection, error))?)
}

/// The error of a command that names none of the leases, with those that could have been meant.
fn with_those_in_force(connection: &mut Connection, error: CliError) -> CliError {
    let CliError::Answer { kind: ErrorKind::NotFound, text } = error else { return error };
    let Ok(snapshot) = connection.snapshot() else { return CliError::Answer { kind: ErrorKind::NotFound, text } };
    let in_force = snapshot.leases.iter().filter(|lease| lease.until > snapshot.at);
    let candidates: Vec<String> =
        in_force.map(|lease| format!("{}  {}", clean(&lease.id), clean(&lease.told_place()))).collect();
    let hint = if candidates.is_empty() {
        "no lease is in force; `tmuxagent leases` lists those that are"
    } else {
        "`tmuxagent leases` lists those in force:"
    };
    CliError::NotFound { text, hint: hint.to_owned(), candidates }
}

/// A span as people write it.
pub(super) fn read_span(text: &str) -> Result<tmuxagent_model::Millis, CliError> {
    tmuxagent_yaml::read_duration(text)
        .map_err(|why| CliError::user(why, "a duration is a number with its unit: 90s, 10m, 2h"))
}
