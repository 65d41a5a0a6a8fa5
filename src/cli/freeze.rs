//! `tmuxagent freeze` and `tmuxagent unfreeze`.

use super::connection::Connection;
use super::{CliError, Outcome, Session, control};
use clap::Args;
use tmuxagent_model::{Command, HeldSend, IntentId};
use tmuxagent_text::clean;

#[derive(Debug, Args)]
pub(super) struct FreezeArgs {}

#[derive(Debug, Args)]
pub(super) struct UnfreezeArgs {
    /// Stay frozen, and give up what is held back under this identity (see `status`)
    #[arg(long, value_name = "INTENT", num_args = 0..=1, default_missing_value = "")]
    drop: Option<String>,
}

/// Stops all sending.
pub(super) fn freeze(session: &Session, _: &FreezeArgs) -> Outcome {
    control::tell(session, Connection::open(session)?.command(Command::Freeze)?)
}

/// Sends again, or gives one held effect up.
pub(super) fn unfreeze(session: &Session, args: &UnfreezeArgs) -> Outcome {
    let mut connection = Connection::open(session)?;
    let command = match &args.drop {
        Some(intent) if intent.is_empty() => return Err(none_named(&mut connection)?),
        Some(intent) => Command::DropHeld { intent: IntentId::new(intent.clone()) },
        None => Command::Unfreeze,
    };
    control::tell(session, connection.command(command)?)
}

/// What may be given up, where nothing is named.
fn none_named(connection: &mut Connection) -> Result<CliError, CliError> {
    let held = connection.snapshot()?.held;
    let line = |held: &HeldSend| format!("{}  {}: {}", held.intent, clean(&held.told_place()), clean(&held.text));
    let candidates: Vec<String> = held.iter().map(line).collect();
    let hint = if candidates.is_empty() { "nothing is held" } else { "its identity is needed; these are held:" };
    Ok(CliError::NotFound { text: "nothing is named to be given up".to_owned(), hint: hint.to_owned(), candidates })
}
