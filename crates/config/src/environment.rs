//! The environment as a value: taken once at the start, with the user's `.env` file below it.

use super::Problem;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Environment variables. A variable of the process wins over the same name in a `.env` file, but not where an init system
/// started it: that has read the same file itself, by coarser rules and only once. Which file is read is the caller's choice;
/// a folder is never looked into because somebody stands in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    files: Vec<EnvFile>,
}

/// The variable by which a supervisor that an init system started knows whom to tell; see the supervisor's `notify_socket`.
pub const NOTIFY: &str = "TMUXAGENT_NOTIFY";

/// A `.env` file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The names it sets, without their values.
    pub names: Vec<String>,
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { variables: variables.collect(), files: Vec::new() }
    }

    /// An environment made of pairs.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { variables: pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect(), files: Vec::new() }
    }

    /// A variable's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A variable's value, where it is set and not empty.
    #[must_use]
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All variables, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The user's home folder.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.non_empty("HOME")
            .map(PathBuf::from)
            .or_else(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()))
    }

    /// The `.env` files that were read.
    #[must_use]
    pub fn files(&self) -> &[EnvFile] {
        &self.files
    }

    /// Reads `folder/.env` where there is one, below what is known already.
    ///
    /// # Errors
    /// When group or others can read it, or it is not valid; each with the way out.
    pub fn read_file(&mut self, folder: &Path) -> Result<(), Problem> {
        let path = folder.join(".env");
        let opened = super::open_regular(&path).and_then(|file| {
            let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?);
            Ok((file, mode))
        });
        let (file, mode) = match opened {
            Ok(opened) => opened,
            // To go on without it would be to know none of its secrets.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                return Err(Problem::new(
                    format!("{} can't be read: it is no regular file", path.display()),
                    "each line is NAME=value, with quotes around blanks",
                ));
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
            Err(error) => {
                return Err(Problem::plain(format!(
                    "{} can't be read: {}",
                    path.display(),
                    super::paths::cause(&error)
                )));
            }
        };
        let shown = path.display();
        if mode & 0o077 != 0 {
            return Err(Problem::new(
                format!(
                    "{shown} is refused: it may hold secrets, and other users can read it (mode {:o})",
                    mode & 0o777
                ),
                format!("chmod 600 {shown}"),
            ));
        }
        let unreadable = |error: &dyn fmt::Display| {
            Problem::new(
                format!("{shown} can't be read: {error}"),
                "each line is NAME=value, with quotes around blanks",
            )
        };
        let mut names = Vec::new();
        let file_wins = self.get(NOTIFY).is_some();
        let taken = Rc::new(Cell::new(0));
        for pair in
            dotenvy::from_read_iter(Lines { file: BufReader::new(file), taken: Rc::clone(&taken), within: false })
        {
            let (name, value) = pair.map_err(|error| match error {
                // The library's text quotes the line, which may be a secret.
                dotenvy::Error::LineParse(text, _) => {
                    let first = taken.get().saturating_sub(text.trim_end_matches('\n').matches('\n').count()).max(1);
                    unreadable(&format!("line {first} is not of the form NAME=value"))
                }
                other => unreadable(&other),
            })?;
            names.push(name.clone());
            if file_wins {
                self.variables.insert(name, value);
            } else {
                self.variables.entry(name).or_insert(value);
            }
        }
        self.files.push(EnvFile { path, names });
        Ok(())
    }
}

/// A file that is given line by line, so that it is known how many a reader has taken.
struct Lines {
    file: BufReader<std::fs::File>,
    /// Lines of which some was taken.
    taken: Rc<Cell<usize>>,
    /// Whether the last of them goes on.
    within: bool,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let there = self.file.fill_buf()?;
        let end = there.iter().position(|byte| *byte == b'\n').map_or(there.len(), |at| at + 1);
        let given = end.min(buffer.len());
        buffer[..given].copy_from_slice(&there[..given]);
        if given > 0 {
            self.taken.set(self.taken.get() + usize::from(!self.within));
            self.within = !there[..given].ends_with(b"\n");
        }
        self.file.consume(given);
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn folder_with(content: &str, mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    #[test]
    fn the_process_wins_over_the_file() {
        let folder = folder_with("A=file\nexport B='two words'\n# comment\n", 0o600);
        let mut environment = Environment::from_pairs([("A", "process")]);
        environment.read_file(folder.path()).unwrap();
        assert_eq!((environment.get("A"), environment.get("B")), (Some("process"), Some("two words")));
        assert_eq!(environment.files()[0].names, ["A", "B"]);
    }

    #[test]
    fn the_file_wins_where_an_init_system_read_it_at_the_start() {
        let folder = folder_with("A=new # comment\n", 0o600);
        let mut environment = Environment::from_pairs([("A", "old # comment"), (NOTIFY, "1 0 @x")]);
        environment.read_file(folder.path()).unwrap();
        assert_eq!(environment.get("A"), Some("new"));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_fix() {
        for mode in [0o644, 0o640, 0o604] {
            let folder = folder_with("KEY=secret\n", mode);
            let mut environment = Environment::default();
            let problem = environment.read_file(folder.path()).unwrap_err();
            assert!(problem.text.contains("other users can read it"), "{problem:?}");
            assert_eq!(problem.hint.as_deref(), Some(format!("chmod 600 {}/.env", folder.path().display()).as_str()));
            assert_eq!(environment.get("KEY"), None);
        }
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let told = || Environment::default().read_file(folder.path()).unwrap_err().text;
        std::fs::create_dir(&path).unwrap();
        assert!(told().ends_with(".env can't be read: it is no regular file"), "{}", told());
        std::fs::remove_dir(&path).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(told().ends_with(".env can't be read: it is no regular file"), "{}", told());
    }

    #[test]
    fn a_bad_line_is_not_quoted() {
        let folder = folder_with("hunter2 hunter2\n", 0o600);
        let problem = Environment::default().read_file(folder.path()).unwrap_err();
        assert!(!problem.text.contains("hunter2"), "{problem:?}");
    }

    #[test]
    fn a_bad_line_is_told_by_its_number() {
        let cases = [
            ("hunter2 hunter2", 1),
            ("A=1\n\n# comment\nB=\"two\nlines\"\nhunter2 hunter2\nC=3\n", 6),
            ("A=1\nexport B='x'\n=y\n", 3),
            ("A=1\nB=\"never\nclosed\n", 2),
        ];
        for (content, line) in cases {
            let folder = folder_with(content, 0o600);
            let problem = Environment::default().read_file(folder.path()).unwrap_err();
            let wanted = format!("can't be read: line {line} is not of the form NAME=value");
            assert!(problem.text.ends_with(&wanted), "{content:?}: {problem:?}");
        }
    }

    #[test]
    fn values_are_not_in_its_debug_text() {
        let environment = Environment::from_pairs([("KEY", "hunter2")]);
        assert_eq!(format!("{environment:?}"), r#"{"KEY"}"#);
    }
}
