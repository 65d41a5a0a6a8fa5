//! What is configured, read when nobody writes it: what stands in a file that somebody has open may be half of what he means,
//! and half a policy may well be a valid one.
//!
//! Who writes a file under its own name is noticed ([`super::files`]). One that is moved to its place while it is still
//! written shows nothing by its name: on Linux the open files of this user's processes are looked at.

use std::collections::BTreeMap;
use std::fs::{DirEntry, metadata, read_dir, read_link, read_to_string};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tmuxagent_config::{Environment, Loaded, Overrides, Problem, load, read_placed};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// A writer is looked for again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// So often is it tried to read the same twice.
const TIMES: u32 = 8;
/// A start waits so long for a writer.
const START: Duration = Duration::from_secs(10);
/// So many open files are looked at,
const MOST: usize = 100_000;
/// and for so long: a file of a share that is gone may give no answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The bits of a descriptor's flags that say whether it reads, writes or both.
const ACCESS: u32 = 3;

/// Device and file number.
type Id = (u64, u64);

/// A file that a process has open for writing.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Which part of what is configured it is.
    pub part: &'static str,
    file: PathBuf,
    process: String,
    /// The descriptor, as the system shows it.
    at: PathBuf,
    id: Id,
}

/// Why nothing was read.
#[derive(Debug)]
pub enum Unread {
    /// It is bad.
    Bad(Problem),
    /// It is being written.
    Written(Writer),
}

impl Writer {
    /// What people are told.
    pub fn problem(&self) -> Problem {
        let (file, process) = (self.file.display(), &self.process);
        Problem::plain(format!(
            "{file} is still being written by process {process}; it is read when that has closed it"
        ))
    }

    /// Waits until it is closed.
    pub async fn closed(self) {
        loop {
            sleep(AGAIN).await;
            let (at, id) = (self.at.clone(), self.id);
            if !spawn_blocking(move || written_at(&at) == Some(id)).await.unwrap_or(false) {
                return;
            }
        }
    }
}

/// Reads everything that is configured, where nobody writes any of it.
///
/// # Errors
/// What is bad, or who writes it.
pub async fn load_closed(from: (&Overrides, &Environment)) -> Result<Loaded, Unread> {
    let mut loaded = read(from).await.map_err(Unread::Bad)?;
    for _ in 0..TIMES {
        if let Some(writer) = found(files_of(&loaded)).await {
            return Err(Unread::Written(writer));
        }
        // What was read before the look may have been half of it, and what is read now may be: the same twice was whole between.
        let again = read(from).await.map_err(Unread::Bad)?;
        let same = files_of(&again) == files_of(&loaded) && again.policy_sources == loaded.policy_sources;
        loaded = again;
        if same {
            return Ok(loaded);
        }
    }
    Err(Unread::Bad(Problem::plain(
        "the policy files change while they are read; they are read again with the next change".to_owned(),
    )))
}

/// What was read for a start, or what stands there once those who write it have closed it, which is waited for and told.
///
/// # Errors
/// What is bad, or who still writes it.
pub async fn load_for_start(
    mut loaded: Loaded,
    from: (&Overrides, &Environment),
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Loaded, Problem> {
    let mut told = String::new();
    let until = Instant::now() + START;
    loop {
        let found = found(files_of(&loaded)).await;
        match found {
            Some(writer) if Instant::now() >= until => return Err(writer.problem()),
            Some(writer) => {
                let waits = writer.problem().text;
                if waits != told {
                    tell(&waits);
                    told = waits;
                }
                // Who still writes it then is looked up once more.
                let _ = timeout_at(until, writer.closed()).await;
            }
            None if is_same(&loaded) || Instant::now() >= until => return Ok(loaded),
            None => {}
        }
        // The lock was taken where the paths say.
        loaded = Loaded { paths: loaded.paths, ..read(from).await? };
    }
}

/// Whether the policies still say what was read. A pipe is read once.
fn is_same(loaded: &Loaded) -> bool {
    loaded.policy_sources.iter().all(|source| {
        let path = Path::new(&source.name);
        !path.is_file() || read_placed(path).is_ok_and(|text| text == source.text)
    })
}

async fn found(files: Vec<(&'static str, PathBuf)>) -> Option<Writer> {
    timeout(PATIENCE, spawn_blocking(move || writer(&files))).await.ok()?.ok()?
}

async fn read((overrides, environment): (&Overrides, &Environment)) -> Result<Loaded, Problem> {
    let (overrides, environment) = (overrides.clone(), environment.clone());
    let read = spawn_blocking(move || load(&overrides, &environment)).await;
    read.unwrap_or_else(|panic| Err(Problem::new(panic.to_string(), "")))
}

/// The files of a configuration that are there, with the part that each is of.
fn files_of(loaded: &Loaded) -> Vec<(&'static str, PathBuf)> {
    let (paths, mut files) = (&loaded.paths, Vec::new());
    files.extend([paths.config_file.clone(), paths.config_dir.join(".env")].map(|file| ("configuration", file)));
    let agents = read_dir(paths.agents()).into_iter().flatten().flatten();
    files.extend(agents.map(|entry| ("configuration", entry.path())));
    files.extend(loaded.policy_sources.iter().map(|source| ("policy", PathBuf::from(&source.name))));
    files.sort();
    files
}

/// Who has one of these files open for writing, as far as this user may know.
fn writer(files: &[(&'static str, PathBuf)]) -> Option<Writer> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let known = files.iter().filter_map(|file| Some((id_of(&file.1)?, file)));
    let known: BTreeMap<Id, &(&str, PathBuf)> = known.collect();
    let user = rustix::process::getuid().as_raw();
    let own = |process: &DirEntry| {
        let number = process.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit());
        number && process.metadata().is_ok_and(|process| process.uid() == user)
    };
    let processes = read_dir("/proc").into_iter().flatten().flatten().filter(own);
    let open = processes.flat_map(|process| {
        let open = read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        open.map(move |entry| (process.file_name(), entry.path()))
    });
    open.take(MOST).find_map(|(process, at)| {
        let id = written_at(&at)?;
        let (part, file) = known.get(&id)?;
        let process = process.to_string_lossy().into_owned();
        Some(Writer { part, file: file.clone(), process, at, id })
    })
}

/// The file that a descriptor of a process can write.
fn written_at(at: &Path) -> Option<Id> {
    let target = read_link(at).ok().filter(|target| target.is_absolute() && !target.starts_with("/dev"))?;
    let (number, process) = (at.file_name()?, at.parent()?.parent()?);
    let told = read_to_string(process.join("fdinfo").join(number)).ok()?;
    let flags = told.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok())?;
    if flags & ACCESS == 0 || target.starts_with("/proc") {
        return None;
    }
    id_of(at)
}

fn id_of(path: &Path) -> Option<Id> {
    metadata(path).ok().map(|there| (there.dev(), there.ino()))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "open_files_tests.rs"]
mod tests;
