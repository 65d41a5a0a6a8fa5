//! `tmuxagent freeze` and `tmuxagent unfreeze`.

use super::connection::Connection;
use super::{Outcome, Session, control};
use clap::Args;
use tmuxagent_model::{Command, IntentId};

#[derive(Debug, Args)]
pub(super) struct FreezeArgs {}

#[derive(Debug, Args)]
pub(super) struct UnfreezeArgs {
    /// Stay frozen, and give up what is held back under this identity (see `status --json`)
    #[arg(long, value_name = "INTENT")]
    drop: Option<String>,
}

/// Stops all sending.
pub(super) fn freeze(session: &Session, _: &FreezeArgs) -> Outcome {
    control::tell(session, Connection::open(session)?.command(Command::Freeze)?)
}

/// Sends again, or gives one held effect up.
pub(super) fn unfreeze(session: &Session, args: &UnfreezeArgs) -> Outcome {
    let command = match &args.drop {
        Some(intent) => Command::DropHeld { intent: IntentId::new(intent.clone()) },
        None => Command::Unfreeze,
    };
    control::tell(session, Connection::open(session)?.command(command)?)
}
