//! `tmuxagent policy init`: writes a policy for a project, or renews one.

use super::super::{CliError, Outcome, Session, exit};
use super::in_force::way;
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
pub(super) const NAME: &str = "tmuxagent.yaml";

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
            let hint = "--update renews it, keeps what you changed, and says what puts it in force";
            Err(CliError::user(format!("there is a {shown} already"), hint))
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
        let way = way(session, file, NAME, before);
        let value = json!({
            "file": file, "written": written, "notes": draft.notes, "text": text, "problems": problems,
            "use": way.command, "in_force": way.command.is_none() && way.is_running,
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
        say_what_puts_it_in_force(session, args, file, before)?;
        return Ok(code);
    }
    out.say(&format!("{} {shown}", if args.update { "renewed" } else { "wrote" }))?;
    if code != exit::OK {
        out.line("")?;
        out.raw(&checked.show(out.lang))?;
    }
    say_what_puts_it_in_force(session, args, file, before)?;
    if !args.update {
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

/// Ends with the command that puts the policy in force: a supervisor that was told its files by name reads no others.
fn say_what_puts_it_in_force(
    session: &Session,
    args: &InitArgs,
    file: &Path,
    before: Option<&str>,
) -> Result<(), CliError> {
    let (out, way) = (&session.out, way(session, file, NAME, before));
    if !way.named.is_empty() {
        let files = clean(&way.named.join(", "));
        out.say(&format!("the running supervisor reads only what it was started with: {files}"))?;
    }
    match way.command {
        Some(command) if args.update => {
            out.say("this puts it in force:")?;
            out.verbatim(&format!("  {command}"))
        }
        Some(command) => {
            out.say("look at it; this puts it in force:")?;
            out.verbatim(&format!("  {command}"))
        }
        None if way.is_running => out.say("the running supervisor reads it: it is in force"),
        None => out.say("the next start of `tmuxagent` reads it"),
    }
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
