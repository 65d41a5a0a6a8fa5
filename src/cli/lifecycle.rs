//! `tmuxagent reload` and `tmuxagent shutdown`.

use super::connection::Connection;
use super::policy::{own_folder, reads_folder};
use super::{CliError, Outcome, Session, exit};
use clap::Args;
use std::path::Path;
use tmuxagent_ipc::wire::{Reply, Request, ServerFrame};
use tmuxagent_model::Doubt;
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::{clean, reload_text};

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
    let mut connection = Connection::open(session)?;
    let (text, changes) = match connection.ask(Request::Reload)? {
        Reply::Reloaded { pipelines, changes } => (reload_text(out.lang, pipelines, &changes), changes),
        _ => (String::new(), Vec::new()),
    };
    // It is loaded whatever becomes of this question.
    let read = connection.snapshot().map(|snapshot| snapshot.policies).unwrap_or_default();
    if out.json {
        out.json(&serde_json::json!({ "done": true, "text": text, "changes": changes, "policies": read }))?;
    } else {
        out.line(word(out.lang, Word::Reloaded))?;
        if !text.is_empty() {
            out.line(&text)?;
        }
        let own = session.paths().ok().map(|paths| own_folder(&paths.config_dir));
        if let Some(text) = own.and_then(|own| only_named(&read, &own)) {
            out.say(&text)?;
        }
    }
    Ok(exit::OK)
}

/// What somebody has to know who put a policy into the folder of a supervisor that was told its files by name.
fn only_named(read: &[String], own: &Path) -> Option<String> {
    (!reads_folder(read, own)).then(|| {
        let (files, folder) = (clean(&read.join(", ")), own.display().to_string());
        format!("it reads only what it was started with: {files}; not the folder {}", clean(&folder))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reloads_learns_that_the_folder_is_not_read() {
        let own = Path::new("/c/policies");
        let told = only_named(&["/w/first.yaml".to_owned()], own);
        assert_eq!(
            told.as_deref(),
            Some("it reads only what it was started with: /w/first.yaml; not the folder /c/policies")
        );
        for read in ["<bundled>/default.yaml", "/c/policies/a.yaml"] {
            assert_eq!(only_named(&[read.to_owned()], own), None);
        }
    }
}
