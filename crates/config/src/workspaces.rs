//! The `.env` files of workspaces: what they hold was given to panes, so it is known as secret from then on.
//!
//! `up` notes where such a file lies, never what it holds; who keeps or shows texts of panes reads the files again. They
//! set no variable of ours: only values are taken from them, to be taken out.

use super::{Environment, Paths, Problem, make_private_folder};
use std::fmt;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Names and values that panes were given.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GivenValues {
    values: Vec<(String, String)>,
    unread: Vec<PathBuf>,
}

impl fmt::Debug for GivenValues {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

impl GivenValues {
    /// The values of all files that `up` noted. One that is gone or can't be read holds nothing up: its values are left out,
    /// and one that is there is told by [`Self::unread`].
    #[must_use]
    pub fn noted(paths: &Paths) -> Self {
        let mut values = Self::default();
        noted(paths).iter().for_each(|file| values.take(file));
        values
    }

    /// These values too.
    pub fn extend(&mut self, environment: &Environment) {
        self.values.extend(environment.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Files that are there and can't be read: what they hold is not known as secret.
    #[must_use]
    pub fn unread(&self) -> &[PathBuf] {
        &self.unread
    }

    fn take(&mut self, file: &Path) {
        match super::open_regular(file) {
            // Line by line: one that is being written must not make the others unknown.
            Ok(opened) => self.values.extend(dotenvy::from_read_iter(opened).flatten()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(_) => self.unread.push(file.to_owned()),
        }
    }
}

/// Notes that the `.env` of that folder was given to panes.
///
/// # Errors
/// One sentence where the state folder can't be written.
pub fn note_given(paths: &Paths, folder: &Path) -> Result<(), Problem> {
    let file = folder.join(".env");
    let shown = file.to_str().filter(|text| !text.contains('\n'));
    let (Some(shown), false) = (shown, noted(paths).contains(&file)) else { return Ok(()) };
    make_private_folder(&paths.state_dir)?;
    let list = list(paths);
    // One short line at the end of a file is written as a whole, also beside another `up`.
    let opened = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&list);
    opened.and_then(|mut out| out.write_all(format!("{shown}\n").as_bytes())).map_err(|error| {
        Problem::new(
            format!("{} can't be written: {}", list.display(), super::paths::cause(&error)),
            "free space there, or choose another: --state-dir DIR",
        )
    })
}

fn list(paths: &Paths) -> PathBuf {
    paths.state_dir.join("env-files")
}

fn noted(paths: &Paths) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(list(paths)).unwrap_or_default();
    text.lines().filter(|line| line.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Overrides;

    #[test]
    fn what_panes_were_given_is_known_again_and_kept_nowhere() {
        let room = tempfile::tempdir().unwrap();
        let state = room.path().join("state");
        let overrides = Overrides { state_dir: Some(state.clone()), ..Overrides::default() };
        let paths = Paths::find(&overrides, &Environment::from_pairs([("HOME", "/h")])).unwrap();
        assert_eq!(GivenValues::noted(&paths), GivenValues::default());
        std::fs::write(room.path().join(".env"), "DEPLOY=river-stone-41\nhalf a line\nB='x y'\n").unwrap();
        for _ in 0..2 {
            note_given(&paths, room.path()).unwrap();
        }
        let list = std::fs::read_to_string(state.join("env-files")).unwrap();
        assert_eq!(list, format!("{}\n", room.path().join(".env").display()));
        let values = GivenValues::noted(&paths);
        let pairs: Vec<_> = values.iter().collect();
        assert_eq!(pairs, [("DEPLOY", "river-stone-41"), ("B", "x y")]);
        assert!(!format!("{values:?}").contains("river"));
        std::fs::remove_file(room.path().join(".env")).unwrap();
        assert_eq!(GivenValues::noted(&paths), GivenValues::default(), "a file that is gone holds nothing up");
    }

    #[test]
    fn a_noted_file_that_became_a_pipe_is_told_and_not_waited_for() {
        let room = tempfile::tempdir().unwrap();
        let overrides = Overrides { state_dir: Some(room.path().join("state")), ..Overrides::default() };
        let paths = Paths::find(&overrides, &Environment::from_pairs([("HOME", "/h")])).unwrap();
        note_given(&paths, room.path()).unwrap();
        assert_eq!(GivenValues::noted(&paths).unread(), [] as [PathBuf; 0], "one that is gone holds nothing");
        let file = room.path().join(".env");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(GivenValues::noted(&paths).unread(), [file]);
    }
}
