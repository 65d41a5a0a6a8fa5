//! A file that an init system reads: written and removed only where it is ours.

use super::super::CliError;
use super::super::hooks::file::{contents, replace};
use super::super::output::shown;
use super::text::is_ours;
use std::path::{Path, PathBuf};

/// The mode of such a file: it holds no secret.
const MODE: u32 = 0o644;

/// What stands at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Ours(String),
    /// Of somebody else, or changed so that it can't be told.
    Foreign,
}

/// See the module.
#[derive(Debug)]
pub(super) struct OwnedFile {
    pub path: PathBuf,
    pub found: Found,
}

impl OwnedFile {
    /// Looks at it. A link is not ours: what it leads to may be anything.
    pub fn read(path: PathBuf) -> Result<Self, CliError> {
        let found = match contents(&path)? {
            None => Found::Nothing,
            Some(text) if is_ours(&text) && !path.is_symlink() => Found::Ours(text),
            Some(_) => Found::Foreign,
        };
        Ok(Self { path, found })
    }

    /// Refuses what is somebody else's.
    pub fn must_not_be_foreign(&self) -> Result<(), CliError> {
        if self.found != Found::Foreign {
            return Ok(());
        }
        let text = format!("{} is not from `tmuxagent service install`", shown(&self.path));
        Err(CliError::user(text, "nothing was changed; move it away if you do not need it"))
    }

    /// Writes it where it says something else; tells whether it did.
    pub fn write(&self, text: &str) -> Result<bool, CliError> {
        if matches!(&self.found, Found::Ours(before) if before == text) {
            return Ok(false);
        }
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        let written = std::fs::create_dir_all(folder).and_then(|()| replace(&self.path, text, MODE));
        let why = |error: std::io::Error| format!("can't write {}: {}", shown(&self.path), cause(&error));
        written.map_err(|error| CliError::user(why(error), FOLDER))?;
        Ok(true)
    }

    /// Removes it.
    pub fn remove(&self) -> Result<(), CliError> {
        let why = |error: std::io::Error| format!("can't remove {}: {}", shown(&self.path), cause(&error));
        std::fs::remove_file(&self.path).map_err(|error| CliError::user(why(error), FOLDER))
    }
}

const FOLDER: &str = "its folder must be yours to write in";

fn cause(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
