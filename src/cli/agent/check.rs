//! `tmuxagent agent test`.

use super::super::{CliError, Outcome, Session, Tone, exit};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use tmuxagent_agents::{Expected, Known, Screen, recognise};
use tmuxagent_config::Problem;
use tmuxagent_text::{Lang, clean};
use tmuxagent_yaml::Source;

/// The longest screen that is read, bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// A screen is NAME.txt (as `capture-pane -p` prints it) or NAME.ansi (with `-e`). Its state stands in the folder's
/// screens.yaml, or else its name begins with it. Exit code 1: some are read wrong.
#[derive(Debug, Args)]
pub(in crate::cli) struct TestArgs {
    /// A folder of saved screens, or one of such folders
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The agent whose screens they are, where screens.yaml does not say
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

/// One screen that was read.
struct Read {
    file: String,
    expected: String,
    found: String,
    rule: String,
}

/// Reads the screens of a folder, or of the folders in it.
pub(super) fn run(session: &Session, args: &TestArgs) -> Outcome {
    let known = super::known(session)?;
    let mut folders = vec![args.folder.clone()];
    if screens(&args.folder)?.is_empty() {
        folders = entries(&args.folder)?.into_iter().filter(|path| path.is_dir()).collect();
    }
    let mut all = Vec::new();
    for folder in &folders {
        all.extend(read(&known, folder, args.agent.as_deref())?);
    }
    if all.is_empty() {
        return Err(CliError::user(
            format!("{} holds no screens (NAME.txt or NAME.ansi)", args.folder.display()),
            "save some with `tmuxagent agent record PANE NAME`",
        ));
    }
    let wrong: Vec<&Read> = all.iter().filter(|read| read.found != read.expected).collect();
    let (right, out) = (all.len() - wrong.len(), &session.out);
    if out.json {
        let list = |read: &&Read| json!({ "file": read.file, "expected": read.expected, "found": read.found, "rule": read.rule });
        out.json(&json!({ "right": right, "wrong": wrong.iter().map(list).collect::<Vec<_>>() }))?;
    } else {
        for read in &wrong {
            let Read { file, expected, found, rule } = read;
            let (file, rule) = (clean(file), clean(rule));
            out.line(&out.paint(
                Tone::Bad,
                &match out.lang {
                    Lang::En => format!("{file}: {found} by rule `{rule}`, not {expected}"),
                    Lang::Zh => format!("{file}：按规则 `{rule}` 读作 {found}，应为 {expected}"),
                },
            ))?;
        }
        out.line(&match out.lang {
            Lang::En => format!("{right} right, {} wrong", wrong.len()),
            Lang::Zh => format!("正确 {right} 个，错误 {} 个", wrong.len()),
        })?;
    }
    Ok(if wrong.is_empty() { exit::OK } else { exit::NEGATIVE })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    if folder.exists() && !folder.is_dir() {
        return Err(CliError::user(format!("{} is no folder", folder.display()), "name a folder of saved screens"));
    }
    let listed = std::fs::read_dir(folder).map_err(|error| {
        let text = format!("the folder {} can't be read: {error}", folder.display());
        CliError::user(text, "name a folder of saved screens")
    })?;
    let mut all: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    all.sort();
    Ok(all)
}

fn screens(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let is_screen = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "txt" || ending == "ansi");
    Ok(entries(folder)?.into_iter().filter(is_screen).collect())
}

fn read(known: &[Known], folder: &Path, agent: Option<&str>) -> Result<Vec<Read>, CliError> {
    let screens = screens(folder)?;
    if screens.is_empty() {
        return Ok(Vec::new());
    }
    let list = folder.join("screens.yaml");
    let unreadable = |path: &Path, error: &std::io::Error| {
        let text = format!("{} can't be read: {}", path.display(), error.to_string().to_lowercase());
        CliError::user(text, "name a folder of saved screens")
    };
    let expected = match tmuxagent_config::read_text(&list) {
        Ok(text) => {
            let source = Source::new(list.display().to_string(), text);
            Some(Expected::read(&source).map_err(|found| CliError::User(Problem::in_text(found)))?)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable(&list, &error)),
    };
    let name = agent.map(str::to_owned).or_else(|| expected.as_ref().map(|expected| expected.agent.clone()));
    let name = name.ok_or_else(|| {
        let text = format!("nothing says which agent's screens lie in {}", folder.display());
        CliError::user(text, "give --agent NAME, or `agent:` in screens.yaml")
    })?;
    let Some(known) = known.iter().find(|known| known.recogniser.agent == name) else {
        let hint = "`tmuxagent agent list` shows which files are used";
        return Err(CliError::user(format!("no agent is named `{}`", clean(&name)), hint));
    };
    let mut all = Vec::new();
    for path in screens {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let listed = expected.as_ref().and_then(|expected| expected.screens.iter().find(|(name, _)| *name == stem));
        let state = listed.map(|(_, state)| state.clone()).or_else(|| Expected::by_name(&stem).map(str::to_owned));
        let file = path.display().to_string();
        let expected = state.ok_or_else(|| {
            let hint = "list it in screens.yaml, or begin its name with a state, such as needs_approval-2";
            CliError::user(format!("nothing says which state {file} shows"), hint)
        })?;
        let text = tmuxagent_config::read_bytes(&path, LONGEST).map_err(|error| unreadable(&path, &error))?;
        let seen = recognise(&known.recogniser, &Screen::of(&String::from_utf8_lossy(&text)));
        all.push(Read { file, expected, found: seen.state.word().to_owned(), rule: seen.rule });
    }
    Ok(all)
}
