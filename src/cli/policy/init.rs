//! `tmuxagent policy init`: writes a policy for a project, or renews one.

use super::super::{CliError, Outcome, Session, exit};
use clap::Args;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use tmuxagent_config::Problem;
use tmuxagent_policy::{Draft, InitError, PROJECT_FILES, ProjectFacts, Source, WORKFLOW_FOLDER, init, update};
use tmuxagent_text::clean;

/// The longest file of a project that is looked into, bytes.
const LONGEST: u64 = 1024 * 1024;
/// The policy's name within the project.
const NAME: &str = "tmuxagent.yaml";

/// What leaves the machine gets an approval; every line says where it came from.
#[derive(Debug, Args)]
pub(in crate::cli) struct InitArgs {
    /// The project's folder
    #[arg(default_value = ".", hide_default_value = true)]
    dir: PathBuf,
    /// The file to write; `tmuxagent.yaml` in the project's folder when left out
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Renew the file: add what is found anew, take out what is gone, keep what was edited or deleted by hand
    #[arg(long)]
    update: bool,
    /// Print the policy instead of writing it
    #[arg(long)]
    print: bool,
}

/// Runs it.
pub(super) fn run(session: &Session, args: &InitArgs) -> Outcome {
    let facts = look(&args.dir)?;
    let file = args.output.clone().unwrap_or_else(|| args.dir.join(NAME));
    let existing = existing(&file, args)?;
    let draft = match &existing {
        Some(text) => update(&facts, text),
        None => init(&facts),
    };
    let draft = draft.map_err(|error| refused(&error, &args.dir, &file))?;
    let changed = existing.as_ref() != Some(&draft.text);
    if changed && !args.print {
        write(&file, &draft.text)?;
    }
    tell(session, args, &file, &draft, existing.as_deref())
}

/// The text of the file that is to be renewed.
fn existing(file: &Path, args: &InitArgs) -> Result<Option<String>, CliError> {
    let shown = file.display();
    match tmuxagent_config::read_text(file) {
        Ok(text) if args.update => Ok(Some(text)),
        Ok(_) if args.print => Ok(None),
        Ok(_) => {
            Err(CliError::user(format!("there is a {shown} already"), "--update renews it and keeps what you changed"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !args.update => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(CliError::user(format!("there is no {shown} to renew"), "leave --update out to write it"))
        }
        Err(error) => Err(CliError::user(
            format!("{shown} can't be read: {}", error.to_string().to_lowercase()),
            "name another file with --output",
        )),
    }
}

fn refused(error: &InitError, folder: &Path, file: &Path) -> CliError {
    match error {
        InitError::NothingFound => {
            CliError::user(format!("in {}: {error}", folder.display()), "name the project's folder")
        }
        InitError::NotOurs => CliError::user(
            format!("{}: {error}", file.display()),
            "write another one with --output FILE and take over from it what you like",
        ),
        InitError::Broken(found) => {
            let mut problem = Problem::in_text(found.clone());
            problem.hint = Some("the renewed policy would be wrong, so nothing is written".to_owned());
            CliError::User(problem)
        }
    }
}

fn tell(session: &Session, args: &InitArgs, file: &Path, draft: &Draft, before: Option<&str>) -> Outcome {
    let changed = before != Some(draft.text.as_str());
    let out = &session.out;
    let checked = tmuxagent_policy::check(&[Source::new(file.display().to_string(), draft.text.as_str())], Vec::new());
    let code = if checked.exit_code == 0 { exit::OK } else { exit::NEGATIVE };
    if out.json {
        let (written, problems) = (changed && !args.print, &checked.json["problems"]);
        let text = args.print.then_some(&draft.text);
        let used = into_force(session, file, before);
        let value = json!({
            "file": file, "written": written, "notes": draft.notes, "text": text, "problems": problems, "use": used,
        });
        out.json(&value)?;
        return Ok(code);
    }
    if args.print {
        out.raw(&draft.text)?;
        return Ok(code);
    }
    for note in &draft.notes {
        out.say(&format!("  {}", clean(note)))?;
    }
    let shown = file.display();
    if !changed {
        out.say(&format!("{shown} is as it should be"))?;
        return Ok(code);
    }
    out.say(&format!("{} {shown}", if args.update { "renewed" } else { "wrote" }))?;
    if code != exit::OK {
        out.line("")?;
        out.raw(&checked.show(out.lang))?;
    }
    if !args.update {
        out.say("look at it; this puts it in force:")?;
        out.verbatim(&format!("  {}", into_force(session, file, before)))?;
        let names: Vec<&str> =
            checked.json["pipelines"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // What listens to the agent is in the window of what it starts.
        let listens = |name: &str| name.strip_suffix("-agent").is_some_and(|of| names.contains(&of));
        for name in names.iter().filter(|name| !listens(name)) {
            out.say(&format!("it runs in windows of that name: tmux rename-window {}", clean(name)))?;
        }
    }
    Ok(code)
}

/// The command that puts a policy in force: into the folder of the user's own policies, which takes the place of the
/// bundled one, or to a new supervisor where the present one was told its files by name.
fn into_force(session: &Session, file: &Path, before: Option<&str>) -> String {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    // A policy is called as its project, unless the user gave it a name.
    let folder = whole.parent().and_then(Path::file_name).filter(|_| whole.file_name().is_some_and(|it| it == NAME));
    let name = folder.or_else(|| whole.file_stem()).unwrap_or_default().to_string_lossy().into_owned();
    let word = |path: &Path| tmuxagent_tmux::shell_word(&path.display().to_string());
    let named = !session.overrides.policy.is_empty() || session.load().is_ok_and(|it| !it.config.policy.is_empty());
    let Some(paths) = session.paths().ok().filter(|_| !named) else {
        return format!("tmuxagent --policy {}", word(&whole));
    };
    let own = paths.config_dir.join("policies");
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let target = place(&own, plain.trim_start_matches('.'), &whole, before);
    let reload = if tmuxagent_ipc::lock::holder(&paths.runtime_dir).is_some() { " && tmuxagent reload" } else { "" };
    format!("mkdir -p {} && cp {} {}{reload}", word(&own), word(&whole), word(&target))
}

/// The first name in a folder that is free, or that holds this very policy: another project may have the same name. What is
/// renewed takes the place of what was put there `before`.
fn place(folder: &Path, name: &str, file: &Path, before: Option<&str>) -> PathBuf {
    let now = std::fs::read_to_string(file).ok();
    let nth = |n: usize| folder.join(if n == 1 { format!("{name}.yaml") } else { format!("{name}-{n}.yaml") });
    let holds =
        |path: &PathBuf, text: Option<&str>| text.is_some() && std::fs::read_to_string(path).ok().as_deref() == text;
    let free = (1..).find(|n| !nth(*n).exists()).unwrap_or(1);
    let ours = (1..free).map(nth).find(|path| holds(path, now.as_deref()) || holds(path, before));
    ours.unwrap_or_else(|| nth(if before.is_some() { 1 } else { free }))
}

/// Writes beside and renames, so that a supervisor that watches the file never reads half of it.
fn write(file: &Path, text: &str) -> Result<(), CliError> {
    replace(file, text).map_err(|error| {
        CliError::user(
            format!("{} can't be written: {}", file.display(), error.to_string().to_lowercase()),
            "name another file with --output, or print it with --print",
        )
    })
}

fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    // A link stays a link: what it names is replaced.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        // With a umask of 002 a group could write it, and a policy that others can write is not believed.
        let mut new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&beside)?;
        new.write_all(text.as_bytes())?;
        if let Ok(known) = std::fs::metadata(&file) {
            new.set_permissions(known.permissions())?;
        }
        std::fs::rename(&beside, &file)
    })();
    if written.is_err() {
        // It may not have come into being; nothing else is to be done about it.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// What a project's folder holds.
fn look(folder: &Path) -> Result<ProjectFacts, CliError> {
    let whole = folder.canonicalize().ok().filter(|path| path.is_dir()).ok_or_else(|| {
        CliError::user(format!("{} is no folder", folder.display()), "name the project's folder, or stand in it")
    })?;
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut facts = ProjectFacts { name, ..ProjectFacts::default() };
    for path in PROJECT_FILES {
        let place = whole.join(path);
        let found = match path.strip_suffix('/') {
            Some(_) if place.is_dir() => Some(String::new()),
            Some(_) => None,
            None => text(&place),
        };
        facts.files.extend(found.map(|found| ((*path).to_owned(), found)));
    }
    // In a worktree or submodule `.git` is a file that names the folder.
    if let Some(git) =
        text(&whole.join(".git")).and_then(|text| text.strip_prefix("gitdir:").map(|at| whole.join(at.trim())))
    {
        let common = text(&git.join("commondir")).map_or_else(|| git.clone(), |at| git.join(at.trim()));
        facts.files.extend(text(&git.join("HEAD")).map(|text| (".git/HEAD".to_owned(), text)));
        facts.files.extend(text(&common.join("config")).map(|text| (".git/config".to_owned(), text)));
    }
    for entry in std::fs::read_dir(whole.join(WORKFLOW_FOLDER)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        facts.files.extend(text(&entry.path()).map(|text| (format!("{WORKFLOW_FOLDER}/{name}"), text)));
    }
    Ok(facts)
}

/// The beginning of a regular file; `None` for anything else, and for what can't be read.
fn text(path: &Path) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
