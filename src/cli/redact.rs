//! `tmuxagent redact`.

use super::{CliError, Outcome, Session, exit};
use clap::Args;
use std::io::Read;
use tmuxagent_text::redact::{Redactor, is_secret_name};

/// Reads standard input and prints it without secrets, as it would leave this machine. Exit code 1: there were some.
#[derive(Debug, Args)]
pub(super) struct RedactArgs {}

/// Prints standard input without secrets.
pub(super) fn run(session: &Session, _: &RedactArgs) -> Outcome {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(CliError::internal)?;
    let text = String::from_utf8_lossy(&bytes);
    let known = session.environment.iter().filter(|(name, _)| is_secret_name(name)).map(|(_, value)| value.to_owned());
    let redacted = Redactor::knowing(known).redact(&text);
    let changed = redacted != text;
    let out = &session.out;
    if out.json {
        out.json(&serde_json::json!({ "text": redacted, "changed": changed }))?;
    } else {
        out.raw(&redacted)?;
    }
    Ok(if changed { exit::NEGATIVE } else { exit::OK })
}
