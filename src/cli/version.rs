//! `tmuxagent version`.

use super::connection::Connection;
use super::{CliError, Outcome, Session, exit};
use clap::Args;
use serde_json::json;
use tmuxagent_ipc::wire::PROTOCOL;

/// Exit code 1: the running supervisor is of another version.
#[derive(Debug, Args)]
pub(super) struct VersionArgs {}

/// Prints the versions.
pub(super) fn run(session: &Session, _: &VersionArgs) -> Outcome {
    let own = env!("CARGO_PKG_VERSION");
    let running = match Connection::open(session) {
        Ok(connection) => Some(connection.greeting),
        Err(CliError::NoSupervisor { .. }) => None,
        Err(error) => return Err(error),
    };
    let other = running.as_ref().is_some_and(|greeting| greeting.version != own || greeting.protocol != PROTOCOL);
    let out = &session.out;
    if out.json {
        let supervisor =
            running.as_ref().map(|g| json!({ "version": g.version, "protocol": g.protocol, "pid": g.pid }));
        out.json(&json!({ "version": own, "protocol": PROTOCOL, "supervisor": supervisor }))?;
    } else {
        out.say(&format!("tmuxagent {own} (protocol {PROTOCOL})"))?;
        match running {
            Some(greeting) => out.say(&format!(
                "supervisor {} (protocol {}, process {})",
                tmuxagent_text::clean(&greeting.version),
                greeting.protocol,
                greeting.pid
            ))?,
            None => out.say("no supervisor runs")?,
        }
    }
    Ok(if other { exit::NEGATIVE } else { exit::OK })
}
