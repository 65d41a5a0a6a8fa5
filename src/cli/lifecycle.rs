//! `tmuxagent reload` and `tmuxagent shutdown`.

use super::connection::Connection;
use super::{CliError, Outcome, Session, exit};
use clap::Args;
use tmuxagent_ipc::wire::{Reply, Request, ServerFrame};
use tmuxagent_model::Doubt;
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::reload_text;

/// A bad configuration or policy changes nothing: the old one goes on, and the exit code is 2.
#[derive(Debug, Args)]
pub(super) struct ReloadArgs {}

#[derive(Debug, Args)]
pub(super) struct ShutdownArgs {
    /// Return at once instead of waiting for its end
    #[arg(long)]
    no_wait: bool,
}

/// Loads configuration and policies again.
pub(super) fn reload(session: &Session, _: &ReloadArgs) -> Outcome {
    let out = &session.out;
    let (text, changes) = match Connection::open(session)?.ask(Request::Reload)? {
        Reply::Reloaded { pipelines, changes } => (reload_text(out.lang, pipelines, &changes), changes),
        _ => (String::new(), Vec::new()),
    };
    if out.json {
        out.json(&serde_json::json!({ "done": true, "text": text, "changes": changes }))?;
    } else {
        out.line(word(out.lang, Word::Reloaded))?;
        if !text.is_empty() {
            out.line(&text)?;
        }
    }
    Ok(exit::OK)
}

/// Ends the supervisor.
pub(super) fn shutdown(session: &Session, args: &ShutdownArgs) -> Outcome {
    let mut connection = Connection::open(session)?;
    match connection.ask(Request::Shutdown) {
        Ok(_) => {}
        // It may be gone before its answer is read.
        Err(CliError::NoSupervisor { .. } | CliError::Uncertain { doubt: Doubt::Ended, .. }) => {
            return say(session, Word::Ended);
        }
        Err(error) => return Err(error),
    }
    if !args.no_wait {
        while let Some(frame) = connection.push() {
            if matches!(frame, ServerFrame::Bye { .. }) {
                break;
            }
        }
    }
    say(session, Word::Ended)
}

fn say(session: &Session, what: Word) -> Outcome {
    let out = &session.out;
    if out.json {
        out.json(&serde_json::json!({ "done": true }))?
    } else {
        out.line(word(out.lang, what))?
    }
    Ok(exit::OK)
}
