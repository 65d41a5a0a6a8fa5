//! `tmuxagent redact`.

use super::{CliError, Outcome, Session, exit};
use clap::Args;
use std::io::Read;

/// Reads standard input and prints it without secrets, as it would leave this machine: with the values that the supervisor
/// knows of the configuration, of `.env` files and of the environment. Exit code 1: there were some.
#[derive(Debug, Args)]
pub(super) struct RedactArgs {}

/// Prints standard input without secrets.
pub(super) fn run(session: &Session, _: &RedactArgs) -> Outcome {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(CliError::internal)?;
    let text = String::from_utf8_lossy(&bytes);
    // A filter that knows fewer values than the supervisor would let them through.
    let redacted = session.redactor(&session.load()?).redact(&text);
    let changed = redacted != text;
    let out = &session.out;
    if out.json {
        out.json(&serde_json::json!({ "text": redacted, "changed": changed }))?;
    } else {
        out.raw(&redacted)?;
    }
    Ok(if changed { exit::NEGATIVE } else { exit::OK })
}
