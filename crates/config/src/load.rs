//! From flags and environment to everything that a supervisor starts with. Called again on reload.

use super::paths::cause;
use super::read_config::LANGUAGES;
use super::{
    Config, Environment, GivenValues, LanguageChoice, Overrides, Paths, TmuxSocket, read, read_placed, trusted,
};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use tmuxagent_yaml::{Diagnostics, Reader, Source, beside, included, same_file};

/// A user's mistake or an obstacle on his machine: what is wrong and where, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, where.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
    /// Findings in a text, where the problem is one.
    pub diagnostics: Diagnostics,
}

impl Problem {
    /// A problem with its way out.
    pub fn new(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { text: text.into(), hint: Some(hint.into()), diagnostics: Diagnostics::default() }
    }

    /// A problem whose text says the way out itself.
    #[must_use]
    pub fn plain(text: String) -> Self {
        Self { text, hint: None, diagnostics: Diagnostics::default() }
    }

    /// Findings in texts.
    #[must_use]
    pub fn in_text(diagnostics: Diagnostics) -> Self {
        Self { text: diagnostics.to_string(), hint: None, diagnostics }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Problem {}

/// What a supervisor starts with.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The valid configuration.
    pub config: Config,
    /// Where everything lies.
    pub paths: Paths,
    /// The environment with the user's own `.env`.
    pub environment: Environment,
    /// What panes of workspaces were given: secrets to be taken out, no variables.
    pub given: GivenValues,
    /// The policies' texts, in the order of files; never empty. Not validated yet.
    pub policy_sources: Vec<Source>,
    /// The file or name that the configuration came from, for people.
    pub config_name: String,
    /// Whether there is a configuration file with anything in it.
    pub configured: bool,
}

/// The policies for those who have none.
const BUNDLED_POLICY: (&str, &str) = ("<bundled>/default.yaml", include_str!("../../../policies/default.yaml"));

/// Reads configuration and policies. The only `.env` is that beside the configuration: a project that the user merely
/// stands in sets no credential, PIN or address of his.
///
/// # Errors
/// Everything that is wrong with the files, or one sentence about an obstacle, each with the way out; also where others
/// can write a file or its folder ([`trusted`]). Nothing is created or changed.
pub fn load(overrides: &Overrides, environment: &Environment) -> Result<Loaded, Problem> {
    let paths = Paths::find(overrides, environment)?;
    let mut environment = environment.clone();
    trusted(&paths.config_dir.join(".env"))?;
    environment.read_file(&paths.config_dir)?;
    trusted(&paths.config_file)?;
    // The screen reads it, in which a key decides; who could have written it is told before anything runs.
    trusted(&paths.keymap())?;
    let (source, config_name) = config_source(&paths)?;
    let configured = !source.text.trim().is_empty();
    let mut config = read(&source, &paths.config_dir, &environment).map_err(Problem::in_text)?;
    choose_socket(&mut config, overrides, &environment);
    let paths = paths.with_config(&config);
    let named = named_policies(overrides, &config);
    policy_places(named, &paths).iter().try_for_each(|folder| trusted(folder))?;
    let policy_sources = policies(named, &paths)?;
    policy_sources.iter().try_for_each(|source| trusted(Path::new(&source.name)))?;
    let given = GivenValues::noted(&paths);
    Ok(Loaded { config, paths, environment, given, policy_sources, config_name, configured })
}

impl Loaded {
    /// The files of the policies, as absolute paths; the bundled ones by their own names.
    #[must_use]
    pub fn policy_names(&self) -> Vec<String> {
        policy_names(&self.policy_sources)
    }
}

/// The files that policies come from, as absolute paths; the bundled ones by their own names.
#[must_use]
pub fn policy_names(sources: &[Source]) -> Vec<String> {
    let absolute = |name: &str| match std::path::absolute(name) {
        Ok(path) if !name.starts_with('<') => path.display().to_string(),
        Ok(_) | Err(_) => name.to_owned(),
    };
    sources.iter().map(|source| absolute(&source.name)).collect()
}

/// The language that the configuration asks for. One that can't be read asks for none; what is wrong with it is told where
/// it is needed.
#[must_use]
pub fn language(overrides: &Overrides, environment: &Environment) -> LanguageChoice {
    let source = Paths::find(overrides, environment).ok().and_then(|paths| config_source(&paths).ok());
    let tree = source.and_then(|(source, _)| Reader::new(&source).tree());
    let word = tree.as_ref().and_then(|tree| tree.get("language")?.as_text());
    LANGUAGES.iter().find(|(known, _)| Some(*known) == word).map_or(LanguageChoice::Auto, |(_, choice)| *choice)
}

/// Reads the policies that `overrides` names, without a configuration; those of the configuration's folder or the
/// bundled ones where it names none.
///
/// # Errors
/// One sentence about a file or folder that can't be read.
pub fn policy_sources(overrides: &Overrides, environment: &Environment) -> Result<Vec<Source>, Problem> {
    policies(&overrides.policy, &Paths::find(overrides, environment)?)
}

/// The same, with everything that can be read although a file among them can't: for telling all that is wrong at once.
///
/// # Errors
/// One sentence about a folder that can't be read or holds no policy.
pub fn readable_policies(
    overrides: &Overrides,
    environment: &Environment,
) -> Result<(Vec<Source>, Vec<Problem>), Problem> {
    read_policies(&overrides.policy, &Paths::find(overrides, environment)?)
}

/// The files and folders that policies are looked for in.
fn policy_places(named: &[PathBuf], paths: &Paths) -> Vec<PathBuf> {
    if named.is_empty() { vec![paths.config_dir.join("policies")] } else { named.to_vec() }
}

fn named_policies<'p>(overrides: &'p Overrides, config: &'p Config) -> &'p [PathBuf] {
    if overrides.policy.is_empty() { &config.policy } else { &overrides.policy }
}

fn config_source(paths: &Paths) -> Result<(Source, String), Problem> {
    let name = paths.config_file.display().to_string();
    match read_placed(&paths.config_file) {
        Ok(text) => Ok((Source::new(name.clone(), text), name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !paths.config_named => {
            Ok((Source::new("<default>", ""), "<default>".to_owned()))
        }
        Err(error) => Err(Problem::new(
            format!("the configuration {name} can't be read: {}", cause(&error)),
            "`tmuxagent config default` prints a complete one to begin with",
        )),
    }
}

/// What a host names itself; for those that name none `--socket` (or `TMUXAGENT_SOCKET`), then the server that we run inside
/// of. One host alone is what `--socket` means, whatever it names.
fn choose_socket(config: &mut Config, overrides: &Overrides, environment: &Environment) {
    let inside =
        environment.non_empty("TMUX").and_then(|value| value.split(',').next()).filter(|path| !path.is_empty());
    let only = config.hosts.iter().filter(|host| host.ssh.is_none()).count() == 1;
    for host in config.hosts.iter_mut().filter(|host| host.ssh.is_none()) {
        if let Some(named) = overrides.tmux_socket.as_ref().filter(|_| only || host.tmux.socket == TmuxSocket::Default)
        {
            host.tmux.socket = TmuxSocket::parse(named);
        } else if let (TmuxSocket::Default, Some(path)) = (&host.tmux.socket, inside) {
            host.tmux.socket = TmuxSocket::Path(PathBuf::from(path));
        }
    }
}

/// The files of the policies; none where the bundled one is used.
fn policy_paths(named: &[PathBuf], paths: &Paths) -> Result<Vec<PathBuf>, Problem> {
    let own = paths.config_dir.join("policies");
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let found = policy_files(path)?;
            if found.is_empty() {
                let hint = "put policies there as *.yaml, or begin with `tmuxagent policy init`";
                return Err(Problem::new(format!("the folder {} holds no policy", path.display()), hint));
            }
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    if named.is_empty() && own.is_dir() {
        files = policy_files(&own)?;
    }
    Ok(files)
}

/// What can be read of the policies, and what is wrong with the others.
fn read_policies(named: &[PathBuf], paths: &Paths) -> Result<(Vec<Source>, Vec<Problem>), Problem> {
    let files = policy_paths(named, paths)?;
    if files.is_empty() {
        return Ok((vec![Source::new(BUNDLED_POLICY.0, BUNDLED_POLICY.1)], Vec::new()));
    }
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match read_placed(&file) {
            Ok(text) => sources.push(Source::new(file.display().to_string(), text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => problems.push(Problem::new(
                format!("there is no policy {}: neither a file nor a folder", absolute(&file).display()),
                where_policies_lie(&paths.config_dir.join("policies")),
            )),
            Err(error) => problems.push(Problem::new(
                format!("the policy {} can't be read: {}", file.display(), cause(&error)),
                "name a file or folder with --policy, or in the configuration's key `policy`",
            )),
        }
    }
    read_included(&mut sources);
    Ok((sources, problems))
}

/// The most files of which a policy is made.
const MOST_FILES: usize = 200;

/// Reads the files that others name with `include`, each once. One that can't be read stands there with the reason, which
/// is told where it is named.
fn read_included(sources: &mut Vec<Source>) {
    let mut at = 0;
    while let Some(source) = sources.get(at).cloned() {
        at += 1;
        if source.name.starts_with('<') {
            continue;
        }
        let tree = Reader::new(&source).tree();
        for name in tree.iter().flat_map(included).filter_map(|node| beside(&source.name, node.as_text()?)) {
            if sources.len() < MOST_FILES && !sources.iter().any(|known| same_file(&known.name, &name)) {
                let folder = Path::new(&source.name).parent().unwrap_or(Path::new("")).to_owned();
                sources.push(match read_below(&folder, Path::new(&name)) {
                    Ok(text) => Source::new(name, text),
                    Err(error) => Source::unread(name, cause(&error)),
                });
            }
        }
    }
}

/// Reads a regular file below a folder. A link on the way could lead out of it, and is not followed.
fn read_below(folder: &Path, file: &Path) -> io::Result<String> {
    let rest = file.strip_prefix(folder).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    let mut path = folder.to_owned();
    for part in rest.components() {
        path.push(part);
        if std::fs::symlink_metadata(&path)?.is_symlink() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is a link", path.display())));
        }
    }
    if !std::fs::metadata(&path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    read_placed(&path)
}

fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

fn where_policies_lie(own: &Path) -> String {
    let shown = own.display();
    if own.is_dir() {
        format!("your policies lie in {shown}; `tmuxagent policy check` without a name checks those in force")
    } else {
        format!("policies lie in {shown}, where none is yet: `tmuxagent policy init` writes a first one")
    }
}

fn policies(named: &[PathBuf], paths: &Paths) -> Result<Vec<Source>, Problem> {
    let (sources, problems) = read_policies(named, paths)?;
    problems.into_iter().next().map_or(Ok(sources), Err)
}

/// Whether a file is a test of a policy by its name, `*.test.yaml`; such files lie beside policies and are none.
#[must_use]
pub fn is_policy_test(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    [".test.yaml", ".test.yml"].iter().any(|ending| name.ends_with(ending))
}

/// The `*.yaml` and `*.yml` of a folder, by name.
fn policy_files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error: io::Error| {
        Problem::new(
            format!("the folder {} can't be read: {}", folder.display(), cause(&error)),
            "name another file or folder with --policy",
        )
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if yaml && !hidden && !is_policy_test(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
