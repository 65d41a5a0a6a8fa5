//! Files that values are written into, and those that are read as code.

use super::builtins::{Builtin, builtin};
use super::folders::{Folder, is_inside, places};
use super::heads::{Head, head, interpreters};
use super::numbers::{assigned, declared};
use super::own::{is_own, is_own_file};
use super::proved::{is_quiet, row};
use super::words::{EXPANSION, Hole, Parsed, Simple, VALUE, Word};
use std::collections::BTreeSet;

/// Whether a file of that name is run by something, sooner or later.
pub(crate) fn is_code(path: &str) -> bool {
    const ENDS: &[&str] = &[
        "sh", "bash", "zsh", "fish", "ksh", "csh", "command", "py", "pyw", "pth", "rb", "pl", "pm", "js", "mjs", "cjs",
        "ts", "php", "lua", "tcl", "mk", "mak", "cmake", "R", "jl", "ps1", "bat", "cmd", "vim", "el", "awk", "sed",
        "service", "timer", "desktop", "gradle", "groovy", "kts", "nix", "scm", "rs", "go", "c", "h", "cc", "cpp",
    ];
    const NAMES: &[&str] = &[
        "Makefile",
        "makefile",
        "GNUmakefile",
        "BSDmakefile",
        "justfile",
        "Justfile",
        "Taskfile.yml",
        "Taskfile.yaml",
        "Dockerfile",
        "Containerfile",
        "Vagrantfile",
        "Rakefile",
        "Gemfile",
        "Procfile",
        "Jenkinsfile",
        "CMakeLists.txt",
        "package.json",
        "Cargo.toml",
        "pyproject.toml",
        "setup.cfg",
        "tox.ini",
        "docker-compose.yml",
        "docker-compose.yaml",
        "compose.yml",
        "compose.yaml",
        "composer.json",
        "deno.json",
        "pom.xml",
        "build.xml",
        "BUILD",
        "WORKSPACE",
        "SConstruct",
        "wscript",
        "Pipfile",
        "Brewfile",
        "Podfile",
        "Fastfile",
        "Guardfile",
        "Earthfile",
        "Tiltfile",
        "crontab",
        "sudoers",
        "authorized_keys",
        "rc.local",
        "tmux.conf",
    ];
    const FOLDERS: &[&str] = &["bin", "sbin", "hooks", "cron.d", "etc", "autostart", "systemd", "completions"];
    // A value says which file it is.
    if path.ends_with(VALUE) {
        return true;
    }
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let ends = name.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end));
    // `.bashrc`, `.git/config`, `.husky/pre-commit`, `.github/workflows/x.yml`, …: what is hidden is mostly settings, and
    // many of those say what is run.
    let hidden = path.split('/').any(|part| part.starts_with('.') && part != "." && part != "..");
    ends || hidden || NAMES.contains(&name) || parts.any(|folder| FOLDERS.contains(&folder))
}

/// The files that values go into, as far as the words tell, each with these values.
fn written(parsed: &Parsed) -> Vec<(Hole, &Simple, &str)> {
    let mut found = Vec::new();
    for command in &parsed.commands {
        let files = command.targets.iter().map(String::as_str).chain(copied(command));
        // A value that names the file is not what is written.
        let operands = command.words.iter().filter(|word| !copied(command).any(|file| file == word.text));
        let inputs = command.redirections.iter().filter(|word| !command.targets.contains(&word.text));
        let content = command.assignments.iter().chain(operands).chain(inputs);
        let own: Vec<Hole> = content.flat_map(Word::all_holes).collect();
        // What comes from a pipe, or from all commands of a `{ … }`, may be any of them.
        // So may what a variable holds.
        let any = command.piped || command.words.is_empty() || command.all_words().any(Word::expands);
        let holes: Vec<Hole> = if any { (0..parsed.places.len()).collect() } else { own };
        for file in files {
            found.extend(holes.iter().map(|hole| (*hole, command, file)));
        }
    }
    found
}

/// The same by where the files may lie.
pub(super) fn written_places(parsed: &Parsed) -> impl Iterator<Item = (Hole, Folder)> {
    written(parsed).into_iter().flat_map(|(hole, command, file)| {
        // A descriptor lies nowhere.
        let nowhere =
            command.targets.iter().any(|target| target == file) && !command.files.iter().any(|one| one == file);
        let all: Vec<Folder> = if nowhere { vec![Some(file.to_owned())] } else { places(command, file).collect() };
        all.into_iter().map(move |place| (hole, place))
    })
}

/// Whether a file at that place is run by something; of what lies nobody knows where, that may be so.
pub(super) fn is_code_at(place: &Folder) -> bool {
    place.as_deref().is_none_or(is_code)
}

/// The files that a program such as `tee` is told to write.
pub(super) fn copied(command: &Simple) -> impl Iterator<Item = &str> {
    let Head { at, name, .. } = head(command);
    let arguments = command.words.get(at + 1..).unwrap_or_default();
    let from = match name {
        Some("tee" | "sponge" | "dd") => 0,
        // What is copied stands before.
        Some("cp" | "mv" | "install" | "ln") => arguments.len().saturating_sub(1),
        _ => arguments.len(),
    };
    let words = arguments.iter().skip(from).map(|word| word.text.as_str()).filter(|text| !text.starts_with('-'));
    words.map(|text| text.strip_prefix("of=").unwrap_or(text))
}

/// What one command leaves for others, and takes from them: files and functions, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traces {
    /// Files that values are written into.
    pub written: Vec<(Hole, String)>,
    /// Commands that are given values.
    pub called: Vec<(Hole, String)>,
    /// Files that may be read as code.
    pub read: BTreeSet<String>,
    /// Functions and aliases that are defined.
    pub defined: BTreeSet<String>,
    /// Variables that are declared as numbers or references, or calculated with; `*` where any may be one.
    pub declared: BTreeSet<String>,
    /// Variables that are given values.
    pub assigned: Vec<(Hole, String)>,
    /// Files that values are written into and scripts of the project's own that are given some, by their relative paths.
    pub relative: Vec<(Hole, Relative)>,
    /// Where the shell may be behind it.
    pub ends_in: Vec<Folder>,
}

/// A path that means something else in another folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Relative {
    /// A file that is written.
    File(String),
    /// A script that is run.
    Script(String),
}

/// The relative paths of what values are written into, or given to.
fn relative(parsed: &Parsed) -> Vec<(Hole, Relative)> {
    let mut found: Vec<(Hole, Relative)> = Vec::new();
    for (hole, command, file) in written(parsed) {
        let lies = command.files.iter().any(|one| one == file) || !command.targets.iter().any(|target| target == file);
        let from_here = command.folders.iter().any(is_inside) && !file.starts_with(['/', '~']);
        if lies && from_here {
            found.push((hole, Relative::File(file.to_owned())));
        }
    }
    for command in parsed.commands.iter().filter(|command| command.folders.iter().any(is_inside)) {
        let scripts =
            command.words.iter().take(2).filter_map(Word::literal).filter(|path| is_own(path) || is_own_file(path));
        for script in scripts {
            let holes = command.all_words().flat_map(Word::all_holes);
            found.extend(holes.map(|hole| (hole, Relative::Script(script.to_owned()))));
        }
    }
    found
}

pub(super) fn traces(parsed: &Parsed) -> Traces {
    let mut traces = Traces { defined: parsed.functions.iter().cloned().collect(), ..Traces::default() };
    traces.written = written(parsed).into_iter().map(|(hole, _, file)| (hole, base(file).to_owned())).collect();
    (traces.relative, traces.ends_in) = (relative(parsed), parsed.ends_in.clone());
    for command in &parsed.commands {
        let Head { at, name, .. } = head(command);
        let arguments = command.words.get(at + 1..).unwrap_or_default();
        if name.is_some_and(|name| matches!(name, "alias" | "abbr")) {
            traces
                .defined
                .extend(arguments.iter().map(|word| word.text.split('=').next().unwrap_or_default().to_owned()));
        }
        if let Some(name) = name.filter(|name| builtin(name) != Some(Builtin::Data)) {
            traces.called.extend(command.all_words().flat_map(Word::all_holes).map(|hole| (hole, name.to_owned())));
        }
        let program = command.words.get(at).map(|word| base(&word.text)).filter(|base| {
            let whole = command.words.get(at).is_some_and(|word| word.text.contains('/'));
            whole && !base.contains([VALUE, EXPANSION])
        });
        traces.read.extend(program.map(str::to_owned));
    }
    (traces.declared, traces.assigned) = (declared(parsed), assigned(parsed));
    let others = || parsed.commands.iter().filter(|command| !takes_data(command));
    // What they are given by name is read; where that comes by other ways it may be anything.
    let named = others().flat_map(Simple::all_words).filter_map(Word::literal);
    traces.read.extend(named.map(|word| base(word).to_owned()));
    let given = |command: &Simple| command.input || command.piped || command.all_words().any(Word::expands);
    if parsed.commands.iter().any(runs_files) || others().any(given) {
        let words = parsed.commands.iter().flat_map(Simple::all_words).filter_map(Word::literal);
        traces.read.extend(words.map(|word| base(word).to_owned()));
    }
    traces
}

/// Whether it is known to make no more than data of the files that it is given: by its documentation, or as a script of the
/// project's own.
fn takes_data(command: &Simple) -> bool {
    let Head { at, name, .. } = head(command);
    let path = command.words.get(at).and_then(Word::literal);
    let arguments = command.words.get(at + 1..).unwrap_or_default();
    // What it shows is read as a format, which can run commands.
    if name == Some("tmux") {
        return false;
    }
    let known = name.is_none() || name.is_some_and(|name| row(name, arguments).is_some() || is_quiet(name));
    known && !command.words.get(at).is_some_and(Word::expands) || path.is_some_and(is_own)
}

/// Whether it may run what stands in a file, or keep it where something runs it.
fn runs_files(command: &Simple) -> bool {
    const RUN: &[&str] =
        &["source", ".", "eval", "at", "batch", "crontab", "chmod", "make", "gmake", "bmake", "xargs", "parallel"];
    const KEEP: &[&str] =
        &["export", "readonly", "declare", "typeset", "local", "set", "setenv", "read", "mapfile", "readarray"];
    let Head { at, name, .. } = head(command);
    let keeps = !command.assignments.is_empty() || name.is_some_and(|name| KEEP.contains(&name));
    // What it is nobody knows.
    let unknown = command.words.get(at).is_some_and(Word::expands);
    let copies = keeps && (command.input || command.piped || command.all_words().any(Word::expands));
    name.is_some_and(|name| RUN.contains(&name)) || unknown || copies || interpreters(command).next().is_some()
}

pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file that was written under that name, in which the shell may put something, can be called so.
pub(crate) fn may_be(written: &str, name: &str) -> bool {
    let unknown = |c: char| matches!(c, VALUE | EXPANSION | '*' | '?' | '[' | ']' | '{' | '}' | '~');
    let (written, name) = (written.to_ascii_lowercase(), name.to_ascii_lowercase());
    match (written.find(unknown), written.rfind(unknown)) {
        (Some(first), Some(last)) => {
            let end = written.get(last..).map_or("", |rest| rest.trim_start_matches(unknown));
            name.starts_with(&written[..first]) && name.ends_with(end)
        }
        _ => written == name,
    }
}
