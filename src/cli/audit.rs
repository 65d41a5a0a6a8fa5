//! `tmuxagent audit`: whether the audit trail is as it was written.

use super::{CliError, Outcome, Session, exit};
use clap::{Args, Subcommand};
use serde_json::json;
use tmuxagent_audit::{Verified, folder_of, verify};
use tmuxagent_text::message;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Follow the trail through all its files. Exit code 1: it is not as it was written
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A head that an earlier `audit verify` printed, kept where nobody here could change it: it must be in the trail
    #[arg(long, value_name = "N:DIGEST")]
    head: Option<String>,
}

/// Runs it. Needs no supervisor.
pub(super) fn run(session: &Session, command: &AuditCommand) -> Outcome {
    let AuditCommand::Verify(args) = command;
    let folder = folder_of(&session.paths()?.state_dir);
    if !folder.exists() {
        return Err(CliError::NotFound {
            text: format!("there is no audit trail in {}", folder.display()),
            hint: "a supervisor begins it when it first runs".to_owned(),
            candidates: Vec::new(),
        });
    }
    let found = verify(&folder, args.head.as_deref()).map_err(|error| {
        CliError::user(format!("the audit trail can't be read: {error}"), "see `tmuxagent config path`")
    })?;
    let code = if found.broken.is_some() { exit::NEGATIVE } else { exit::OK };
    if session.out.json {
        session.out.json(&told(&found))?;
    } else {
        print(session, &found)?;
    }
    Ok(code)
}

fn told(found: &Verified) -> serde_json::Value {
    let broken = found
        .broken
        .as_ref()
        .map(|broken| json!({ "file": broken.file.display().to_string(), "line": broken.line, "why": broken.why }));
    json!({
        "lines": found.lines, "first": found.first, "heads": found.heads, "unsigned": found.unsigned, "head": found.head,
        "keys": found.keys, "broken": broken,
    })
}

fn print(session: &Session, found: &Verified) -> Result<(), CliError> {
    let out = &session.out;
    if let Some(broken) = &found.broken {
        let (file, line, why) = (broken.file.display().to_string(), broken.line, message(out.lang, broken.why));
        return match line {
            0 => out.line(&format!("{file}: {why}")),
            line => out.line(&format!("{file}:{line}: {why}")),
        };
    }
    out.say(&format!("the audit trail is as it was written: {} lines, {} of them signed", found.lines, found.heads))?;
    if found.first > 1 {
        out.say(&format!("it begins with line {}: older files were taken away", found.first))?;
    }
    if found.keys.len() > 1 {
        out.say(&format!("{} keys signed it: one of them is another supervisor's, or a new one", found.keys.len()))?;
    }
    out.say(
        "keep this head elsewhere, and `tmuxagent audit verify --head` finds out whether it was cut or written anew:",
    )?;
    out.line(&found.head)
}
