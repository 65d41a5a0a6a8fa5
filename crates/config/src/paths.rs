//! Where everything lies.

use super::{Config, Environment, Problem};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tmuxagent_ipc::lock::socket_path;

/// What flags (and their environment variables) set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// `--policy FILE|DIR`, any number.
    pub policy: Vec<PathBuf>,
    /// `--state-dir DIR`.
    pub state_dir: Option<PathBuf>,
    /// `--socket NAME|PATH`: the tmux server of this machine.
    pub tmux_socket: Option<String>,
}

/// The files and folders of one supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file; it need not exist unless it was named.
    pub config_file: PathBuf,
    /// Whether the user named that file.
    pub config_named: bool,
    /// The folder of the configuration: `.env`, `policies/`, `keymap.yaml`, `agents/`.
    pub config_dir: PathBuf,
    /// The state folder: keys, logs, audit.
    pub state_dir: PathBuf,
    /// The folder of lock and socket.
    pub runtime_dir: PathBuf,
    /// The state database.
    pub database: PathBuf,
    /// The folder of approval files.
    pub approvals: PathBuf,
}

/// The longest path of a unix socket that every system takes (macOS: 104 bytes with the final zero).
const LONGEST_SOCKET: usize = 103;

impl Paths {
    /// Finds the folders by flags, then `XDG_*`, then the system's custom.
    ///
    /// # Errors
    /// Where the user has no home folder and named nothing.
    pub fn find(overrides: &Overrides, environment: &Environment) -> Result<Self, Problem> {
        let homeless = || {
            Problem::new(
                "the home folder is not known: HOME is not set",
                "set HOME, or give --config FILE and --state-dir DIR",
            )
        };
        let home = environment.home();
        let base = |variable: &str, below_home: &str| {
            let named = environment.non_empty(variable).map(PathBuf::from).filter(|path| path.is_absolute());
            named.or_else(|| home.as_ref().map(|home| home.join(below_home))).map(|base| base.join("tmuxagent"))
        };
        let (config_file, config_named) = match &overrides.config {
            Some(file) => (absolute(file), true),
            None => (base("XDG_CONFIG_HOME", ".config").ok_or_else(homeless)?.join("config.yaml"), false),
        };
        let config_dir = config_file.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
        let (state_dir, runtime_dir) = match &overrides.state_dir {
            // Another state is another supervisor, so it has its own lock and socket.
            Some(folder) => (absolute(folder), absolute(folder)),
            None => {
                let state = base("XDG_STATE_HOME", ".local/state").ok_or_else(homeless)?;
                let runtime = environment.non_empty("XDG_RUNTIME_DIR").map(|base| Path::new(base).join("tmuxagent"));
                let runtime = runtime.filter(|path| path.parent().is_some_and(Path::is_dir));
                (state.clone(), runtime.unwrap_or(state))
            }
        };
        Ok(Self {
            config_file,
            config_named,
            config_dir,
            database: state_dir.join("state.db"),
            approvals: state_dir.join("approvals"),
            state_dir,
            runtime_dir,
        })
    }

    /// Takes over what the configuration says.
    #[must_use]
    pub(crate) fn with_config(mut self, config: &Config) -> Self {
        if let Some(path) = &config.sqlite_path {
            self.database.clone_from(path);
        }
        if let Some(path) = &config.approval_dir {
            self.approvals.clone_from(path);
        }
        self
    }

    /// What panes printed; beside the state, so that another state has its own.
    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.database.with_file_name("recordings.db")
    }

    /// The key of signed links.
    #[must_use]
    pub fn link_key(&self) -> PathBuf {
        self.state_dir.join("link-key")
    }

    /// Who may open the panel.
    #[must_use]
    pub fn people(&self) -> PathBuf {
        self.state_dir.join("people.json")
    }

    /// What scripts sent to channels by themselves.
    #[must_use]
    pub fn sent(&self) -> PathBuf {
        self.state_dir.join("sent.json")
    }

    /// The folder of log files.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.state_dir.join("logs")
    }

    /// The user's key bindings.
    #[must_use]
    pub fn keymap(&self) -> PathBuf {
        self.config_dir.join("keymap.yaml")
    }

    /// The user's own agent recognisers.
    #[must_use]
    pub fn agents(&self) -> PathBuf {
        self.config_dir.join("agents")
    }

    /// Makes the state's folders, for the user alone, and tries to write there.
    ///
    /// # Errors
    /// One sentence with the way out for a folder that can't be made or written, or a socket path that is too long.
    pub fn prepare(&self) -> Result<(), Problem> {
        let database_dir = self.database.parent().unwrap_or(&self.state_dir);
        for folder in [&self.state_dir, &self.runtime_dir, &self.approvals, &self.logs(), &database_dir.to_owned()] {
            make_private_folder(folder)?;
        }
        let socket = socket_path(&self.runtime_dir);
        let length = socket.as_os_str().len();
        if length > LONGEST_SOCKET {
            return Err(Problem::new(
                format!("the socket's path {} has {length} bytes, the system takes {LONGEST_SOCKET}", socket.display()),
                "choose a shorter folder: --state-dir DIR",
            ));
        }
        Ok(())
    }
}

/// Makes a folder with mode 0700 where it is missing, and checks that it can be written.
///
/// # Errors
/// One sentence with the way out.
pub fn make_private_folder(folder: &Path) -> Result<(), Problem> {
    let shown = folder.display();
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        let cause = cause(&error);
        Problem::new(
            format!("the folder {shown} can't be made: {cause}"),
            "make it and give it to your user, or choose another: --state-dir DIR",
        )
    })?;
    if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        return Err(Problem::new(
            format!("the folder {shown} can't be written"),
            format!("chmod u+rwx {shown}, or choose another: --state-dir DIR"),
        ));
    }
    close_to_others(folder)
}

/// Takes the rights of group and others from a folder of ours.
fn close_to_others(folder: &Path) -> Result<(), Problem> {
    let Ok(found) = std::fs::metadata(folder) else { return Ok(()) };
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    let named_so = folder.components().any(|part| part.as_os_str() == "tmuxagent");
    if found.mode() & 0o077 == 0 || !ours || !named_so {
        return Ok(());
    }
    let closed = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700));
    closed.map_err(|error| {
        Problem::new(
            format!("the folder {} can't be closed to others: {}", folder.display(), cause(&error)),
            format!("chmod 700 {}", folder.display()),
        )
    })
}

/// The operating system's words without its error number.
pub(super) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    // The system begins its words with a capital; names such as UTF-8 keep theirs.
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(overrides: &Overrides, pairs: &[(&str, &str)]) -> Paths {
        Paths::find(overrides, &Environment::from_pairs(pairs.iter().copied())).unwrap()
    }

    #[test]
    fn the_xdg_folders_are_followed() {
        let paths = find(&Overrides::default(), &[("HOME", "/home/u"), ("XDG_STATE_HOME", "/s")]);
        assert_eq!(paths.config_file, Path::new("/home/u/.config/tmuxagent/config.yaml"));
        assert_eq!(paths.database, Path::new("/s/tmuxagent/state.db"));
        assert_eq!(socket_path(&paths.runtime_dir), Path::new("/s/tmuxagent/supervisor.sock"));
        // A relative folder is invalid by the XDG specification and ignored.
        let paths = find(&Overrides::default(), &[("HOME", "/home/u"), ("XDG_STATE_HOME", "s")]);
        assert_eq!(paths.state_dir, Path::new("/home/u/.local/state/tmuxagent"));
    }

    #[test]
    fn the_socket_lies_in_the_runtime_folder_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = folder.path().display().to_string();
        let paths = find(&Overrides::default(), &[("HOME", "/home/u"), ("XDG_RUNTIME_DIR", &runtime)]);
        assert_eq!(socket_path(&paths.runtime_dir), folder.path().join("tmuxagent/supervisor.sock"));
        let named = Overrides { state_dir: Some("/x".into()), ..Overrides::default() };
        let paths = find(&named, &[("HOME", "/home/u"), ("XDG_RUNTIME_DIR", &runtime)]);
        assert_eq!(socket_path(&paths.runtime_dir), Path::new("/x/supervisor.sock"));
    }

    #[test]
    fn folders_are_made_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("tmuxagent");
        let paths = find(&Overrides { state_dir: Some(state.clone()), ..Overrides::default() }, &[("HOME", "/h")]);
        paths.prepare().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!([mode(&state), mode(&paths.approvals), mode(&paths.logs())], [0o700; 3]);
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
        paths.prepare().unwrap();
        assert_eq!(mode(&state), 0o700);
    }

    #[test]
    fn what_is_in_the_way_is_said() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let problem = make_private_folder(&folder.path().join("file/state")).unwrap_err();
        assert!(problem.text.ends_with("can't be made: not a directory"), "{problem:?}");
        let long = folder.path().join("x".repeat(120));
        let paths = find(&Overrides { state_dir: Some(long), ..Overrides::default() }, &[("HOME", "/h")]);
        assert!(paths.prepare().unwrap_err().text.contains("the socket's path"));
    }
}
