//! `tmuxagent policy …`.

mod coverage;
mod in_force;
mod init;
mod people;
mod recorded;
mod replay;
mod scenario;
mod test;
mod words;

pub(super) use in_force::{own_folder, reads_folder};
pub(super) use recorded::instant;

use super::connection::Connection;
use super::{CliError, Outcome, Session, Tone, exit};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use tmuxagent_config::{Overrides, Problem};
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::RunId;
use tmuxagent_policy::{Policy, ShownFile, ShownLine, Source, analyse};
use tmuxagent_text::clean;
use tmuxagent_yaml::{Diagnostic, Diagnostics, Severity};
use unicode_width::UnicodeWidthStr;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Tell everything that is wrong with policies, each finding with its place
    Check(CheckArgs),
    /// Write a policy for a project from what is found in its folder
    Init(init::InitArgs),
    /// Print the JSON schema of policies, for editors
    Schema,
    /// Print policies as they are read, with what they include and every template in its place
    Show(ShowArgs),
    /// Print the words by which `looks_like` tells errors from successes
    Words(words::WordsArgs),
    /// Print a reference of every key of the policy language
    Reference,
    /// Tell why each stage is in its state and what it waits for
    Explain(ExplainArgs),
    /// Tell what a policy would have done with recorded output
    Replay(replay::ReplayArgs),
    /// Run example logs and compare with the decisions that are expected
    Test(test::TestArgs),
}

/// Exit codes: 0 clean, 1 warnings, 2 errors.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Files and folders; those that would be used when left out
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Files and folders; those that would be used when left out
    files: Vec<PathBuf>,
    /// Leave out where each line comes from, so that what is printed is a policy
    #[arg(long)]
    plain: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A pane (`%3`, `host:%3`, `session:window.pane`) or a run (`#12`)
    target: String,
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &PolicyCommand) -> Outcome {
    match command {
        PolicyCommand::Check(args) => check(session, args),
        PolicyCommand::Init(args) => init::run(session, args),
        PolicyCommand::Schema => {
            session.out.json(&tmuxagent_policy::schema())?;
            Ok(exit::OK)
        }
        PolicyCommand::Words(args) => words::run(session, args),
        PolicyCommand::Reference => {
            session.out.raw(&tmuxagent_policy::reference())?;
            Ok(exit::OK)
        }
        PolicyCommand::Show(args) => show(session, args),
        PolicyCommand::Explain(args) => explain(session, args),
        PolicyCommand::Replay(args) => replay::run(session, args),
        PolicyCommand::Test(args) => test::run(session, args),
    }
}

fn show(session: &Session, args: &ShowArgs) -> Outcome {
    let sources = sources(session, &args.files)?;
    let shown = tmuxagent_policy::expanded(&sources).map_err(|found| CliError::User(Problem::in_text(found)))?;
    let out = &session.out;
    if out.json {
        let line = |line: &ShownLine| json!({ "text": line.text, "origin": line.origin });
        let file =
            |file: &ShownFile| json!({ "file": file.file, "lines": file.lines.iter().map(line).collect::<Vec<_>>() });
        out.json(&shown.iter().map(file).collect::<Vec<_>>())?;
        return Ok(exit::OK);
    }
    for (file, number) in shown.iter().zip(0..) {
        // Several files are as many documents.
        if shown.len() > 1 {
            out.verbatim(&format!("{}# {}", if number > 0 { "\n" } else { "" }, clean(&file.file)))?;
        }
        let room = usize::from(out.width) / 3;
        let origins = file.lines.iter().map(|line| ending_within(clean(&line.origin), room));
        let wide = origins.map(|origin| origin.width()).max().unwrap_or(0);
        for line in &file.lines {
            let text = clean(&line.text);
            if args.plain {
                out.verbatim(&text)?;
            } else {
                let origin = ending_within(clean(&line.origin), room);
                let gap = " ".repeat(wide.saturating_sub(origin.width()));
                out.verbatim(&format!("{}{gap}  {text}", out.paint(Tone::Dim, &origin)))?;
            }
        }
    }
    Ok(exit::OK)
}

/// The end of a place, which tells its file's name and line, in so many cells.
fn ending_within(place: String, cells: usize) -> String {
    if place.width() <= cells {
        return place;
    }
    let mut end = place.as_str();
    while end.width() >= cells.max(1) {
        let mut signs = end.chars();
        signs.next();
        end = signs.as_str();
    }
    format!("…{end}")
}

fn check(session: &Session, args: &CheckArgs) -> Outcome {
    let (sources, unread) = if args.files.is_empty() {
        (session.load()?.policy_sources, Vec::new())
    } else {
        let overrides = Overrides { policy: args.files.clone(), ..session.overrides.clone() };
        let (sources, mut unread) = tmuxagent_config::readable_policies(&overrides, &session.environment)?;
        // One file that can't be read is an answer by itself.
        match unread.pop() {
            Some(problem) if sources.is_empty() && unread.is_empty() => return Err(problem.into()),
            last => unread.extend(last),
        }
        (sources, unread)
    };
    // They can be checked, but a supervisor would not believe them.
    let open = sources.iter().filter_map(|source| {
        let problem = tmuxagent_config::trusted(source.name.as_ref()).err()?;
        Some(Diagnostic::of_file(Severity::Warning, "open-to-others", &source.name, &problem.text, problem.hint))
    });
    let unread = unread
        .into_iter()
        .map(|problem| Diagnostic::of_file(Severity::Error, "unreadable", "", &problem.text, problem.hint));
    let report = tmuxagent_policy::check(&sources, unread.chain(open).collect());
    if session.out.json {
        session.out.json(&report.json)?;
    } else {
        if args.files.is_empty() {
            tell_in_force(session, &sources)?;
        }
        session.out.raw(&report.show(session.out.lang))?;
    }
    Ok(match report.exit_code {
        0 => exit::OK,
        1 => exit::NEGATIVE,
        _ => exit::USER,
    })
}

/// Names what was checked where nobody named a file: whoever wrote a policy in the folder they stand in takes that for it.
fn tell_in_force(session: &Session, sources: &[Source]) -> Result<(), CliError> {
    let names = tmuxagent_config::policy_names(sources);
    let is_bundled = names.iter().all(|name| name.starts_with('<'));
    let shown: Vec<String> = names.iter().map(|name| clean(name)).collect();
    let out = &session.out;
    out.say(&match is_bundled {
        true => "checked, as no file is named: the bundled policies".to_owned(),
        false => format!("checked, as no file is named: {}", shown.join(", ")),
    })?;
    tell_others(session, &names)?;
    let here = std::path::absolute(init::NAME).unwrap_or_else(|_| PathBuf::from(init::NAME));
    let same = |name: &String| std::fs::canonicalize(name).ok() == std::fs::canonicalize(&here).ok();
    if here.is_file() && !names.iter().any(same) {
        let file = init::NAME;
        out.say(&format!("{file} in this folder is not among them: `tmuxagent policy check {file}` checks it"))?;
    }
    Ok(())
}

/// A supervisor may go by others than what was checked, which were named to it alone.
pub(super) fn tell_others(session: &Session, checked: &[String]) -> Result<(), CliError> {
    let running = Connection::open(session).and_then(|mut it| it.snapshot()).ok().map(|snapshot| snapshot.policies);
    let Some(others) = running.filter(|running| *running != checked) else { return Ok(()) };
    let shown: Vec<String> = others.iter().map(|name| clean(name)).collect();
    session.out.say(&format!("the supervisor that runs goes by others: {}", shown.join(", ")))?;
    // What is built in is no file.
    let files: Vec<&String> = shown.iter().filter(|name| !name.starts_with('<')).collect();
    if files.is_empty() {
        return Ok(());
    }
    let files: Vec<String> = files.iter().map(|name| super::control::quoted(name)).collect();
    session.out.say(&format!("`tmuxagent policy check {}` checks them", files.join(" ")))
}

/// The texts of the named policies, or of those that a supervisor would load.
fn sources(session: &Session, files: &[PathBuf]) -> Result<Vec<Source>, CliError> {
    if files.is_empty() {
        return Ok(session.load()?.policy_sources);
    }
    let overrides = Overrides { policy: files.to_vec(), ..session.overrides.clone() };
    Ok(tmuxagent_config::policy_sources(&overrides, &session.environment)?)
}

/// A policy that may be used.
pub(super) struct Judged {
    /// How many pipelines it has.
    pub(super) pipelines: usize,
    /// What is said of them, warnings alone.
    pub(super) found: Diagnostics,
}

/// Whether policies can be used; their errors are the user's.
pub(super) fn judge(sources: &[Source]) -> Result<Judged, CliError> {
    match analyse(sources) {
        (Some(policy), found) => Ok(Judged { pipelines: policy.pipelines.len(), found }),
        (None, found) => Err(CliError::User(Problem::in_text(found))),
    }
}

/// A policy to be played; its errors are the user's.
fn load(sources: &[Source]) -> Result<Arc<Policy>, CliError> {
    match tmuxagent_policy::load(sources) {
        Ok(mut policy) => {
            policy.generation = 1;
            Ok(Arc::new(policy))
        }
        Err(found) => Err(CliError::User(Problem::in_text(found))),
    }
}

pub(super) fn explain(session: &Session, args: &ExplainArgs) -> Outcome {
    let mut connection = Connection::open(session)?;
    // A run goes by its number; a pane by any of its names, as everywhere.
    let run = args.target.parse::<RunId>().ok();
    let target = match run {
        Some(run) => run.to_string(),
        None => {
            let named = session.as_shown(&args.target);
            super::target::pane(&connection.snapshot_for(&named)?, &named)?.info.short()
        }
    };
    let Reply::Explanation { runs } = connection.ask(Request::Explain { target })? else {
        return Err(CliError::internal(color_eyre::eyre::eyre!("the supervisor gave no explanation")));
    };
    if let Some(run) = run.filter(|_| runs.is_empty()) {
        return Err(super::target::no_run(run));
    }
    let out = &session.out;
    if out.json {
        out.json(&runs)?
    } else {
        // What a yes takes stands in the questions themselves; the explanation is one without them too.
        let approvals = connection.snapshot().map(|now| now.approvals).unwrap_or_default();
        super::explain::print(out, &runs, &approvals, &tmuxagent_supervisor::user_name(&session.environment))?
    }
    Ok(exit::OK)
}
