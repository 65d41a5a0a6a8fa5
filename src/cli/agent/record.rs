//! `tmuxagent agent record`.

use super::super::{CliError, Outcome, Session, exit};
use super::look::Local;
use clap::Args;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use tmuxagent_model::{Carry, Redact as _, SecretMark};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;

/// Writes NAME.txt and NAME.ansi. Begin the name with the state that it shows, such as needs_approval-2, and `agent test`
/// knows what to expect.
#[derive(Debug, Args)]
pub(in crate::cli) struct RecordArgs {
    /// A pane of this machine: `%3`, `session:window.pane`, or the window's name
    pane: String,
    /// The name of the new files, without ending
    name: String,
    /// The folder for them
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// Saves a screen, with and without colours.
pub(super) fn run(session: &Session, args: &RecordArgs) -> Outcome {
    let name = &args.name;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        let text = format!("`{}` can't be the name of a file", tmuxagent_text::clean(name));
        return Err(CliError::user(text, "use letters, digits, `-` and `_`"));
    }
    let (local, pane) = Local::find(session, &args.pane)?;
    let (plain, coloured) = (local.screen(&pane, false)?, local.screen(&pane, true)?);
    let redactor = crate::cli::redactor_of(&session.overrides, &session.environment);
    let (plain, coloured, redacted) = redact(&redactor, &plain, &coloured);
    let mut written = Vec::new();
    for (ending, text) in [("txt", plain), ("ansi", coloured)] {
        let path = args.dir.join(format!("{name}.{ending}"));
        let shown = path.display().to_string();
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut file = made.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => CliError::user(format!("{shown} exists"), "choose another name"),
            _ => CliError::user(format!("{shown} can't be written: {error}"), "choose another name"),
        })?;
        file.write_all(text.as_bytes())
            .map_err(|error| CliError::user(format!("{shown} can't be written: {error}"), "choose another name"))?;
        written.push(shown);
    }
    let out = &session.out;
    if out.json {
        out.json(&serde_json::json!({ "pane": pane.id, "files": written, "redacted": redacted }))?;
        return Ok(exit::OK);
    }
    for file in &written {
        out.verbatim(&tmuxagent_text::clean(file))?;
    }
    out.line(&match out.lang {
        Lang::En => format!("{redacted} rows held secrets; look through it before you give it away"),
        Lang::Zh => format!("{redacted} 行含有机密，已去除；交给他人之前请先查看"),
    })?;
    Ok(exit::OK)
}

/// Both forms without secrets, and how many rows held some. Colours can stand in the middle of a secret, so a row that
/// holds one loses them.
fn redact(redactor: &Redactor, plain: &str, coloured: &str) -> (String, String, usize) {
    let rows: Vec<&str> = plain.lines().collect();
    let found = redactor.rows(&rows, &mut Carry::default(), true, SecretMark::Shown);
    let redacted = found.iter().flatten().count();
    let without = |n: usize, row: &str| found.get(n).and_then(Clone::clone).unwrap_or_else(|| row.to_owned());
    let join = |text: &mut dyn Iterator<Item = &str>| {
        text.enumerate().map(|(n, row)| without(n, row) + "\n").collect::<String>()
    };
    (join(&mut rows.iter().copied()), join(&mut coloured.lines()), redacted)
}
