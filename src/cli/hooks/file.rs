//! A settings file of an agent: read once, written as a whole, and kept as it was beside it.

use super::super::CliError;
use jiff::tz::TimeZone;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tmuxagent_clock::wall;
use tmuxagent_text::clean;

/// The longest file that is read, bytes.
const LONGEST: u64 = 4 * 1024 * 1024;
/// Stands in the name of a copy, between the file's own name and the time.
const KEPT: &str = ".before-tmuxagent-";
/// The mode of a file that is made: it may come to hold keys.
const NEW: u32 = 0o600;

/// See the module.
pub(super) struct SettingsFile {
    path: PathBuf,
    /// As it was read; nothing where it is not there.
    before: Option<String>,
}

impl SettingsFile {
    /// Reads it; one that is not there is empty.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        Ok(Self { path: path.to_owned(), before: contents(path)? })
    }

    /// Its name, which may be a link to it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says.
    pub fn text(&self) -> &str {
        self.before.as_deref().unwrap_or_default()
    }

    /// Writes it as a whole, behind a copy of what it was; gives where that is. A link stays one: what it leads to is
    /// written. A file that we made and that says nothing any more is removed; one that said nothing before stays.
    pub fn write(&self, after: &str) -> Result<Option<PathBuf>, CliError> {
        if contents(&self.path)? != self.before {
            let text = format!("{} was changed by somebody else meanwhile", shown(&self.path));
            return Err(CliError::user(text, "nothing was changed; repeat it"));
        }
        let failed = |error: std::io::Error| {
            let cause = error.to_string().to_lowercase();
            CliError::user(
                format!("can't write {}: {cause}", shown(&self.path)),
                "its folder must be yours to write in",
            )
        };
        let Some(before) = &self.before else {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            replace(&self.path, after, NEW).map_err(failed)?;
            return Ok(None);
        };
        let file = std::fs::canonicalize(&self.path).map_err(failed)?;
        let mode = std::fs::metadata(&file).map_err(failed)?.permissions().mode();
        let backup = keep(&self.path, before, mode).map_err(failed)?;
        if after.trim() == "{}" && !self.path.is_symlink() && !was_there(&self.path) {
            std::fs::remove_file(&file).map_err(failed)?;
        } else {
            replace(&file, after, mode).map_err(failed)?;
        }
        Ok(Some(backup))
    }
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string())
}

/// What a file says; `None` where it is not there.
pub(in crate::cli) fn contents(path: &Path) -> Result<Option<String>, CliError> {
    let unreadable = |why: &str| {
        let text = format!("{} can't be read: {why}", shown(path));
        CliError::user(text, "nothing was changed; mend the file and repeat")
    };
    // Without waiting for whoever writes into a pipe of that name.
    let opened =
        OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path);
    let file = match opened {
        Ok(file) => file,
        // A link that leads nowhere is not one to be written through blindly.
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => return Ok(None),
        Err(error) => return Err(unreadable(&error.to_string().to_lowercase())),
    };
    if !file.metadata().is_ok_and(|known| known.is_file()) {
        return Err(unreadable("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error.to_string().to_lowercase()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unreadable("it is too long"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| unreadable("it is no text in UTF-8"))
}

/// Whether one of the copies beside a file says that it was there, and said nothing, before anything of ours.
fn was_there(path: &Path) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
    let copies = format!("{}{KEPT}", name.to_string_lossy());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&copies)).any(|entry| {
        let text = contents(&entry.path()).ok().flatten();
        text.is_some_and(|text| matches!(text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']), "" | "{}"))
    })
}

/// Keeps a copy beside the file's name, under a name that tells when.
fn keep(path: &Path, text: &str, mode: u32) -> std::io::Result<PathBuf> {
    let now = jiff::Timestamp::from_millisecond(wall().0).unwrap_or_default().to_zoned(TimeZone::UTC);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = format!("{name}{KEPT}{}", now.strftime("%Y%m%dT%H%M%SZ"));
    let mut number = 1;
    loop {
        let place = path.with_file_name(if number == 1 { stem.clone() } else { format!("{stem}-{number}") });
        match create(&place, text, mode) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            ended => return ended.map(|()| place),
        }
    }
}

/// Puts a new file in the place of another: whoever reads it meanwhile reads the one or the other whole.
pub(in crate::cli) fn replace(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let fresh = path.with_file_name(format!(".{name}.tmuxagent-{}", std::process::id()));
    create(&fresh, text, mode)?;
    std::fs::rename(&fresh, path).inspect_err(|_| drop(std::fs::remove_file(&fresh)))
}

fn create(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(NEW).open(path)?;
    file.set_permissions(Permissions::from_mode(mode & 0o7777))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
