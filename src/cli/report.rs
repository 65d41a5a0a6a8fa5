//! `tmuxagent report`.

use super::journal::{reader, unreadable};
use super::notify;
use super::policy::instant;
use super::{CliError, Outcome, Output, Session, Tone, exit};
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use tmuxagent_clock::wall;
use tmuxagent_model::Timestamp;
use tmuxagent_report::{Collector, Report, collect, html, markdown, parts, stretch, summary};

/// Needs no running supervisor. With --json the report as JSON.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// What happened since then: so long ago (`7d`), a time of today (`08:30`), or a date and time
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: String,
    /// And before then; now unless said
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Into this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Send a summary to the channels that messages are routed to
    #[arg(long)]
    send: bool,
    /// Send it to this channel; may be repeated
    #[arg(long, value_name = "NAME", requires = "send")]
    channel: Vec<String>,
}

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// Tables for the terminal.
    #[default]
    Text,
    /// Markdown.
    Md,
    /// One HTML file with charts.
    Html,
    /// JSON.
    Json,
}

/// Counts, and prints or sends.
pub(super) fn run(session: &Session, args: &ReportArgs) -> Outcome {
    let now = wall();
    let since = instant(&args.since, now)?;
    let until = args.until.as_deref().map_or(Ok(now), |text| instant(text, now))?;
    if since >= until {
        return Err(CliError::user("--since is not before --until", "name a time before it"));
    }
    let zone = TimeZone::system();
    let report = count(session, since, until, &zone)?;
    let out = &session.out;
    if args.send {
        return notify::send_report(session, &args.channel, &summary(out.lang, &zone, &report));
    }
    let format = if out.json { Format::Json } else { args.format };
    let whole = match format {
        Format::Text if args.output.is_none() => {
            print(out, &zone, &report)?;
            return Ok(exit::OK);
        }
        Format::Text | Format::Md => markdown(out.lang, &zone, &report),
        Format::Html => html(out.lang, &zone, &report),
        Format::Json => serde_json::to_string_pretty(&report).map_err(CliError::internal)? + "\n",
    };
    match &args.output {
        Some(path) => write(path, &whole)?,
        None if format == Format::Json => out.json(&report)?,
        None => out.raw(&whole)?,
    }
    Ok(exit::OK)
}

/// Only the user may read what their agents did.
fn write(path: &Path, text: &str) -> Result<(), CliError> {
    put(path, text).map_err(|error| {
        CliError::user(format!("{} can't be written: {error}", path.display()), "name another file with --output")
    })
}

/// Writes a new file beside it and renames: what stood there keeps neither its rights nor, where it is a link, its target.
fn put(path: &Path, text: &str) -> io::Result<()> {
    if is_device(path) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let beside = path.with_file_name(format!(".tmuxagent-report-{:016x}", u64::from_be_bytes(random)));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let done = file.write_all(text.as_bytes()).and_then(|()| std::fs::rename(&beside, path));
    if done.is_err() {
        // The error that counts is the one before.
        let _ = std::fs::remove_file(&beside);
    }
    done
}

/// Whether something stands there that is written into and never replaced: a terminal, a pipe, `/dev/stdout`, a folder.
fn is_device(path: &Path) -> bool {
    let own_stream =
        path.parent() == Some(Path::new("/dev")) || path.starts_with("/dev/fd") || path.starts_with("/proc");
    own_stream || path.metadata().is_ok_and(|found| !found.is_file())
}

fn count(session: &Session, since: Timestamp, until: Timestamp, zone: &TimeZone) -> Result<Report, CliError> {
    let reader = reader(session)?;
    collect(&reader, Collector::new(since, until, zone.clone()), since).map_err(|error| unreadable(&error))
}

fn print(out: &Output, zone: &TimeZone, report: &Report) -> Result<(), CliError> {
    out.line(&out.paint(Tone::Dim, &stretch(zone, report)))?;
    let parts = parts(out.lang, zone, report);
    if parts.is_empty() {
        return out.line(tmuxagent_report::word(out.lang, tmuxagent_report::Word::Nothing));
    }
    for part in &parts {
        out.line("")?;
        out.line(&out.paint(Tone::Bold, part.title))?;
        if !part.counts.is_empty() {
            out.line(&part.counts.join(out.lang.pick(", ", "，")))?;
        }
        let cell = |cell: &String| (Tone::Plain, cell.clone());
        let rows: Vec<_> = part.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        if !rows.is_empty() {
            out.table_of_quotes(&part.heading, &rows)?;
        }
        if !part.more.is_empty() {
            out.line(&part.more)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_report_is_nobody_elses_whatever_stood_there() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other, link] = ["r.md", "other", "link"].map(|name| folder.path().join(name));
        for file in [&path, &other] {
            std::fs::write(file, "old").unwrap();
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        symlink(&other, &link).unwrap();
        for file in [&path, &link] {
            put(file, "new").unwrap();
            let found = file.symlink_metadata().unwrap();
            assert!(found.is_file() && found.permissions().mode() & 0o777 == 0o600, "{}", file.display());
            assert_eq!(std::fs::read_to_string(file).unwrap(), "new");
        }
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "old");
        assert!(put(folder.path(), "new").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left beside them");
    }
}
