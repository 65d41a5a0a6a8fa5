//! Notices changes of the files that a supervisor was started with, those among them that do not exist yet.
//!
//! A folder that is to come is noticed by the nearest one above it that exists. A folder that can't be watched (some
//! network and WSL mounts) costs the automatic reload only: `tmuxagent reload` still works.

use super::dispatch::Urgent;
use super::watcher::watcher;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tmuxagent_config::Loaded;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Editors write a file in several steps; this long after the last one it is read.
const SETTLE: Duration = Duration::from_millis(200);
/// In a folder in which something changes all the time it is read this long after the first change.
const LONGEST: Duration = Duration::from_secs(2);

/// The folders in which something may change.
type Wanted = Arc<Mutex<BTreeSet<PathBuf>>>;

/// Looks after the files; ends when dropped.
#[derive(Debug)]
pub struct Files {
    wanted: Wanted,
    renewed: mpsc::UnboundedSender<()>,
}

impl Files {
    /// Looks after the files of a configuration and the policies named by flags.
    pub fn watch(loaded: &Loaded, named: &[PathBuf], urgent: mpsc::Sender<Urgent>) -> Self {
        let wanted = Wanted::new(Mutex::new(folders(loaded, named)));
        let (renewed, renewals) = mpsc::unbounded_channel();
        let (changed, changes) = mpsc::channel(1);
        let seen = Arc::clone(&wanted);
        let on_event = move |event: notify::Result<notify::Event>| {
            let told = event.is_ok_and(|event| !event.kind.is_access() && concerns(&seen, &event.paths));
            if told {
                // One that waits already says the same.
                let _ = changed.try_send(());
            }
        };
        match watcher(on_event) {
            Ok(watcher) => {
                let mut eyes = Eyes { watcher, wanted: Arc::clone(&wanted), open: BTreeMap::new() };
                eyes.open();
                tokio::spawn(look(eyes, changes, renewals, urgent));
            }
            Err(error) => tracing::warn!(%error, "changes of files are not noticed"),
        }
        Self { wanted, renewed }
    }

    /// From now on these files are looked after.
    pub fn renew(&self, loaded: &Loaded, named: &[PathBuf]) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = folders(loaded, named);
        // Where nothing can be watched nobody listens.
        let _ = self.renewed.send(());
    }
}

/// The folders of the configuration and of the policies, whether they exist or not.
fn folders(loaded: &Loaded, named: &[PathBuf]) -> BTreeSet<PathBuf> {
    let config = &loaded.paths.config_dir;
    let mut folders = BTreeSet::from([config.clone(), config.join("policies")]);
    for path in named.iter().chain(&loaded.config.policy) {
        folders.extend(path.parent().map(Path::to_owned));
        folders.insert(path.clone());
    }
    let sources = loaded.policy_sources.iter().map(|source| PathBuf::from(&source.name));
    folders.extend(sources.filter_map(|file| file.parent().map(Path::to_owned)));
    folders.retain(|folder| folder.is_absolute());
    folders
}

/// Whether a change at these places can matter: in a wanted folder, or of one, or of a folder above one.
fn concerns(wanted: &Wanted, paths: &[PathBuf]) -> bool {
    let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
    let matters = |path: &PathBuf| {
        path.parent().is_some_and(|folder| wanted.contains(folder)) || wanted.iter().any(|w| w.starts_with(path))
    };
    paths.is_empty() || paths.iter().any(matters)
}

/// The folders that are watched now.
struct Eyes {
    watcher: RecommendedWatcher,
    wanted: Wanted,
    /// With device and file number: a folder that was replaced is another.
    open: BTreeMap<PathBuf, (u64, u64)>,
}

impl Eyes {
    /// Watches what is to be watched now.
    fn open(&mut self) {
        // A folder that appears in between is seen by the next look.
        for _ in 0..8 {
            let there = self.there();
            if there == self.open {
                return;
            }
            let gone: Vec<PathBuf> =
                self.open.iter().filter(|(path, id)| there.get(*path) != Some(id)).map(|(p, _)| p.clone()).collect();
            for path in gone {
                // The system may have given it up by itself.
                let _ = self.watcher.unwatch(&path);
                self.open.remove(&path);
            }
            for (path, id) in there {
                if self.open.contains_key(&path) {
                    continue;
                }
                if let Err(error) = self.watcher.watch(&path, RecursiveMode::NonRecursive) {
                    tracing::warn!(folder = %path.display(), %error, "changes here are not noticed");
                }
                self.open.insert(path, id);
            }
        }
    }

    /// Each wanted folder that exists, and the nearest one above each that does not.
    fn there(&self) -> BTreeMap<PathBuf, (u64, u64)> {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let nearest = |folder: &PathBuf| {
            folder.ancestors().find_map(|path| {
                let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
                Some((path.to_owned(), (found.dev(), found.ino())))
            })
        };
        wanted.iter().filter_map(nearest).collect()
    }
}

async fn look(
    mut eyes: Eyes,
    mut changes: mpsc::Receiver<()>,
    mut renewals: mpsc::UnboundedReceiver<()>,
    urgent: mpsc::Sender<Urgent>,
) {
    loop {
        tokio::select! {
            renewed = renewals.recv() => match renewed {
                Some(()) => eyes.open(),
                None => return,
            },
            changed = changes.recv() => {
                if changed.is_none() {
                    return;
                }
                settle(&mut changes).await;
                eyes.open();
                if urgent.send(Urgent::Reload).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Waits until nothing changes any more: what is read between two steps of a writer is half of what he means.
async fn settle(changes: &mut mpsc::Receiver<()>) {
    let first = Instant::now();
    let mut next = due(first, first);
    while let Ok(Some(())) = timeout_at(next, changes.recv()).await {
        let now = Instant::now();
        next = due(first, now);
        if next <= now {
            return;
        }
    }
}

/// When it is read after a first and a last change.
fn due(first: Instant, last: Instant) -> Instant {
    (last + SETTLE).min(first + LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_once_it_is_quiet_or_after_a_while() {
        let first = Instant::now();
        let after = |millis: u64| first + Duration::from_millis(millis);
        assert_eq!(due(first, first), after(200));
        assert_eq!(due(first, after(150)), after(350), "another step of the same writer");
        assert_eq!(due(first, after(1950)), after(2000), "a folder that is never quiet");
    }
}
