//! `tmuxagent hooks`: has agents tell what they do by hooks in their own settings, of which nothing else is changed.

mod diff;
pub(super) mod file;

use super::{CliError, Outcome, Session, Tone, exit, redactor_of};
use clap::{Args, Subcommand, ValueEnum};
use file::SettingsFile;
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use tmuxagent_agents::hooks::{HOOK_FILES, HookFile, Installed, Malformed, commands, install, installed, uninstall};
use tmuxagent_text::{Lang, clean};

#[derive(Debug, Subcommand)]
pub(super) enum HooksCommand {
    /// Have agents tell what they do, by hooks in their own settings
    Install(ChangeArgs),
    /// Take these hooks out of the agents' settings again
    Uninstall(ChangeArgs),
    /// Tell whether the hooks are there
    Status(StatusArgs),
}

/// What will change is shown first, and a copy of the file is kept beside it. Nothing else of the file is changed.
#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// Only this agent; all whose folder is there when left out
    #[arg(long, value_name = "NAME")]
    agent: Option<Hooked>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Exit code 1: they are not there, or not all, or of another place of this program.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Only this agent; all whose folder is there when left out
    #[arg(long, value_name = "NAME")]
    agent: Option<Hooked>,
}

/// An agent that knows hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Hooked {
    /// Claude Code: settings.json in its folder
    Claude,
    /// Codex: hooks.json in its folder
    Codex,
}

impl Hooked {
    const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &HooksCommand) -> Outcome {
    match command {
        HooksCommand::Install(args) => {
            let program = program(session)?;
            change(session, args, &|text, file| install(text, file, &program))
        }
        HooksCommand::Uninstall(args) => change(session, args, &|text, _| uninstall(text)),
        HooksCommand::Status(args) => status(session, args),
    }
}

/// The words by which a hook finds this program and its supervisor.
fn program(session: &Session) -> Result<Vec<String>, CliError> {
    let program = std::env::current_exe().map_err(CliError::internal)?;
    let mut words = vec![text_of(program)?];
    if let Some(folder) = &session.overrides.state_dir {
        // Whoever named a state folder has a supervisor that is found by it alone.
        words.extend(["--state-dir".to_owned(), text_of(std::path::absolute(folder).map_err(CliError::internal)?)?]);
    }
    Ok(words)
}

pub(super) fn text_of(path: PathBuf) -> Result<String, CliError> {
    path.into_os_string().into_string().map_err(|path| {
        let text = format!("{} is no text, so no settings can name it", clean(&path.to_string_lossy()));
        CliError::user(text, "move it to a folder with another name")
    })
}

/// The files that are meant, with their agents.
fn files(session: &Session, agent: Option<Hooked>) -> Vec<(&'static HookFile, PathBuf)> {
    let environment = &session.environment;
    let folder = |file: &HookFile| {
        let named = environment.non_empty(file.variable).map(PathBuf::from);
        named.or_else(|| Some(environment.home()?.join(file.folder)))
    };
    let meant = HOOK_FILES.iter().filter(|file| agent.is_none_or(|agent| agent.name() == file.agent));
    let found: Vec<_> = meant.filter_map(|file| Some((file, folder(file)?))).collect();
    let there = found.into_iter().filter(|(_, folder)| agent.is_some() || folder.is_dir());
    there.map(|(file, folder)| (file, folder.join(file.name))).collect()
}

const NO_FOLDER: &str = "no agent that knows hooks has a folder here";

/// A file that can't be read, with the place.
fn malformed(path: &std::path::Path, wrong: &Malformed) -> CliError {
    let Malformed { line, column, text } = wrong;
    let text = format!("{}:{line}:{column}: {text}", clean(&path.display().to_string()));
    CliError::user(text, "nothing was changed; mend the file and repeat")
}

/// What becomes of a file's text.
type Edit<'a> = &'a dyn Fn(&str, &HookFile) -> Result<String, Malformed>;

/// Shows what will change, asks, and changes it.
fn change(session: &Session, args: &ChangeArgs, edit: Edit<'_>) -> Outcome {
    let out = &session.out;
    let mut changes = Vec::new();
    let files = files(session, args.agent);
    if files.is_empty() {
        return Err(CliError::user(NO_FOLDER, "--agent claude or --agent codex makes it"));
    }
    for (file, path) in files {
        let settings = SettingsFile::read(&path)?;
        let after = edit(settings.text(), file).map_err(|wrong| malformed(&path, &wrong))?;
        changes.push((file, settings, after));
    }
    let redactor = redactor_of(&session.overrides, &session.environment);
    let is_change = |(_, settings, after): &&(&HookFile, SettingsFile, String)| settings.text() != after;
    for (_, settings, after) in changes.iter().filter(is_change).filter(|_| !out.json) {
        out.verbatim(&out.paint(Tone::Bold, &clean(&settings.path().display().to_string())))?;
        for (tone, line) in diff::lines(settings.text(), after) {
            let line = clean(&line.replace('\t', "    "));
            out.verbatim(&out.paint(tone, &redactor.redact(&line)))?;
        }
    }
    if changes.iter().any(|change| is_change(&change)) && !args.yes && !confirmed(session)? {
        out.warn("nothing was changed");
        return Ok(exit::NEGATIVE);
    }
    let mut told = Vec::new();
    for (file, settings, after) in changes {
        let path = settings.path().to_owned();
        let changed = settings.text() != after;
        let backup = if changed { settings.write(&after)? } else { None };
        if out.json {
            told.push(json!({ "agent": file.agent, "file": path, "changed": changed, "backup": backup }));
            continue;
        }
        let shown = clean(&path.display().to_string());
        match (changed, backup) {
            (false, _) => out.say(&format!("{shown}: nothing is to be done"))?,
            (true, None) => out.say(&format!("{shown} is written"))?,
            (true, Some(backup)) => {
                let backup = clean(&backup.display().to_string());
                out.say(&format!("{shown} is written; as it was before it is kept as {backup}"))?;
            }
        }
        if changed && file.agent == "codex" && after.contains("tmuxagent") {
            out.say("Codex asks at its next start whether it may run these hooks")?;
        }
    }
    if out.json {
        out.json(&told)?;
    }
    Ok(exit::OK)
}

/// Whether a person says yes.
fn confirmed(session: &Session) -> Result<bool, CliError> {
    if session.out.json || !std::io::stdin().is_terminal() {
        return Err(CliError::user("nobody is there to be asked", "--yes does it without asking"));
    }
    let question = session.out.lang.pick("Change it? [y/N] ", "要修改吗？[y/N] ");
    let mut errors = std::io::stderr();
    // A closed standard error leaves the question unseen, and the answer is no then.
    if errors.write_all(question.as_bytes()).and_then(|()| errors.flush()).is_err() {
        return Ok(false);
    }
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(CliError::internal)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "是"))
}

fn status(session: &Session, args: &StatusArgs) -> Outcome {
    let (out, program) = (&session.out, program(session)?);
    let (mut all, mut told) = (true, Vec::new());
    let files = files(session, args.agent);
    if files.is_empty() && !out.json {
        out.say("no agent that knows hooks has a folder here; `tmuxagent hooks install --agent claude` makes one")?;
    }
    for (file, path) in files {
        let settings = SettingsFile::read(&path)?;
        let wrong = |wrong: Malformed| malformed(&path, &wrong);
        let found = installed(settings.text(), file, &program).map_err(wrong)?;
        let commands = commands(settings.text()).map_err(wrong)?;
        all &= found == Installed::Yes;
        if out.json {
            let word = match found {
                Installed::Yes => "yes",
                Installed::Otherwise => "otherwise",
                Installed::No => "no",
            };
            told.push(json!({ "agent": file.agent, "file": path, "installed": word, "commands": commands }));
            continue;
        }
        let (tone, words) = state(out.lang, found);
        let shown = clean(&path.display().to_string());
        out.line(&format!("{:<8}{}  {shown}", file.agent, out.paint(tone, words)))?;
        for command in commands.iter().filter(|_| found == Installed::Otherwise) {
            out.verbatim(&format!("        {}", clean(command)))?;
        }
    }
    if out.json {
        out.json(&told)?;
    }
    Ok(if all { exit::OK } else { exit::NEGATIVE })
}

const fn state(lang: Lang, found: Installed) -> (Tone, &'static str) {
    match found {
        Installed::Yes => (Tone::Good, lang.pick("installed", "已安装")),
        Installed::Otherwise => {
            (Tone::Warn, lang.pick("installed otherwise, `install` mends it", "与应有的不同，`install` 会修正"))
        }
        Installed::No => (Tone::Plain, lang.pick("not installed", "未安装")),
    }
}
