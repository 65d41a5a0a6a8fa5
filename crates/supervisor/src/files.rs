//! Notices changes of the files that a supervisor was started with, those among them that do not exist yet.
//!
//! A folder that is to come is noticed by the nearest one above it that exists. A folder that can't be watched (some
//! network and WSL mounts) costs the automatic reload only: `tmuxagent reload` still works.

use super::dispatch::Urgent;
use super::watcher::watcher;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tmuxagent_config::Loaded;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Editors write a file in several steps; this long after the last one it is read. Where the system does not tell when a
/// writer closes a file, a pause may be one between two halves of it.
const SETTLE: Duration = Duration::from_millis(if cfg!(target_os = "linux") { 200 } else { 1000 });
/// In a folder in which something changes all the time it is read this long after the first change.
const LONGEST: Duration = Duration::from_secs(2);
/// A file that is still being written is waited for so long.
const WRITING: Duration = Duration::from_secs(60);

/// The folders in which something may change, and files.
type Wanted = Arc<Mutex<BTreeSet<PathBuf>>>;

/// So many links are followed one after the other.
const MOST_LINKS: usize = 8;

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
        let linked = Wanted::default();
        let seen = Arc::clone(&linked);
        let writers = Writers { wanted: Arc::clone(&linked), ..Writers::default() };
        let written = writers.clone();
        let on_event = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| concerns(&seen, &event.paths) && written.take(&event)) {
                // One that waits already says the same.
                let _ = changed.try_send(());
            }
        };
        match watcher(on_event) {
            Ok(watcher) => {
                let mut eyes = Eyes { watcher, wanted: Arc::clone(&wanted), linked, open: BTreeMap::new() };
                eyes.open();
                tokio::spawn(look(eyes, changes, renewals, (urgent, writers)));
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

/// The folders of the configuration, of the policies and of the user's own recognisers, whether they exist or not.
fn folders(loaded: &Loaded, named: &[PathBuf]) -> BTreeSet<PathBuf> {
    let config = &loaded.paths.config_dir;
    let mut folders = BTreeSet::from([config.clone(), config.join("policies"), loaded.paths.agents()]);
    // What is named from the folder of the start stands there.
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for path in named.iter().chain(&loaded.config.policy).map(|path| whole(path)) {
        folders.extend(path.parent().map(Path::to_owned));
        folders.insert(path.clone());
    }
    let sources = loaded.policy_sources.iter().filter(|source| !source.name.starts_with('<'));
    let sources = sources.map(|source| whole(Path::new(&source.name)));
    folders.extend(sources.filter_map(|file| file.parent().map(Path::to_owned)));
    folders.retain(|folder| folder.is_absolute());
    folders
}

/// The same with what their links, and those of the files in them, lead to. A file or folder that is meant by a link changes
/// elsewhere.
fn with_links(wanted: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let mut all = wanted.clone();
    let inside = wanted.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let links = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    let links: Vec<PathBuf> = links.map(|entry| entry.path()).filter(|path| is_read_here(path)).collect();
    for path in wanted.iter().chain(&links) {
        let mut at = path.clone();
        for _ in 0..MOST_LINKS {
            let Ok(target) = std::fs::read_link(&at) else { break };
            at = at.parent().unwrap_or(Path::new("/")).join(target);
            all.insert(at.clone());
        }
        // By its true name it may be told as well.
        all.extend(std::fs::canonicalize(path).ok().filter(|_| &at != path || links.contains(path)));
    }
    all
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
    /// The same with what links lead to.
    linked: Wanted,
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
        let linked = with_links(&wanted);
        self.linked.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&linked);
        let nearest = |folder: &PathBuf| {
            folder.ancestors().find_map(|path| {
                let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir)?;
                Some((path.to_owned(), (found.dev(), found.ino())))
            })
        };
        // The system watches a folder once, by whatever names.
        let mut known = BTreeSet::new();
        linked.iter().filter_map(nearest).filter(|(_, id)| known.insert(*id)).collect()
    }
}

async fn look(
    mut eyes: Eyes,
    mut changes: mpsc::Receiver<()>,
    mut renewals: mpsc::UnboundedReceiver<()>,
    (urgent, writers): (mpsc::Sender<Urgent>, Writers),
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
                settle(&mut changes, &writers).await;
                eyes.open();
                if urgent.send(Urgent::Reload).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Waits until nothing changes any more and nobody writes: what is read between two steps of a writer is half of what he
/// means, and half a policy may well be a valid one.
async fn settle(changes: &mut mpsc::Receiver<()>, writers: &Writers) {
    let (mut first, mut last, mut open) = (Instant::now(), Instant::now(), false);
    loop {
        let is_open = writers.any();
        if open && !is_open {
            // From here on it is a change like any other.
            first = Instant::now();
        }
        open = is_open;
        let next = due(first, last, open);
        if next <= Instant::now() {
            return;
        }
        match timeout_at(next, changes.recv()).await {
            Ok(Some(())) => last = Instant::now(),
            Ok(None) => return,
            Err(_) => {}
        }
    }
}

/// When it is read after a first and a last change, while somebody has a file open that he writes or not.
fn due(first: Instant, last: Instant, open: bool) -> Instant {
    if open { first + WRITING } else { (last + SETTLE).min(first + LONGEST) }
}

/// The files that are read here and that somebody has begun to write and has not closed yet, as the system tells it.
#[derive(Debug, Clone, Default)]
struct Writers {
    open: Arc<Mutex<BTreeSet<PathBuf>>>,
    wanted: Wanted,
}

impl Writers {
    /// Takes in what happened; whether that changes anything.
    fn take(&self, event: &notify::Event) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match event.kind {
            // Only Linux tells of the end, too.
            EventKind::Modify(ModifyKind::Data(_)) => {
                let read = event.paths.iter().filter(|path| cfg!(target_os = "linux") && self.is_read(path));
                open.extend(read.cloned());
                true
            }
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                event.paths.iter().filter(|path| open.remove(*path)).count() > 0
            }
            EventKind::Access(_) => false,
            // Moved or removed: another file may stand there now. A queue that ran over tells nothing of any.
            _ if event.need_rescan() => {
                open.clear();
                true
            }
            _ => {
                open.retain(|path| !event.paths.contains(path));
                true
            }
        }
    }

    fn any(&self) -> bool {
        !self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether a file of that name is read; another one may be open for ever.
    fn is_read(&self, path: &Path) -> bool {
        is_read_here(path) || self.wanted.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }
}

/// Whether a file of that name is read wherever it stands in a folder of the user's.
fn is_read_here(path: &Path) -> bool {
    let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    yaml || path.file_name().is_some_and(|name| name == ".env")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn what_links_lead_to_is_watched_too() {
        use std::os::unix::fs::symlink;
        let room = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(room.path()).unwrap();
        let at = |name: &str| root.join(name);
        for folder in ["policies", "dotfiles", "dotfiles/more", "config"] {
            std::fs::create_dir(at(folder)).unwrap();
        }
        std::fs::write(at("dotfiles/ci"), "").unwrap();
        symlink("../dotfiles/ci", at("policies/ci.yaml")).unwrap();
        symlink("../dotfiles/notes", at("policies/notes.txt")).unwrap();
        symlink(at("dotfiles/more"), at("more")).unwrap();
        symlink("nowhere.yaml", at("config/config.yaml")).unwrap();
        symlink("loop.yaml", at("config/loop.yaml")).unwrap();
        let wanted = BTreeSet::from([at("policies"), at("more"), at("config")]);
        let linked = Wanted::new(Mutex::new(with_links(&wanted)));
        for path in ["dotfiles/ci", "dotfiles/more/a.yaml", "config/nowhere.yaml", "more", "policies/new.yaml"] {
            assert!(concerns(&linked, &[at(path)]), "{path}");
        }
        assert!(!concerns(&linked, &[at("dotfiles/other")]) && !concerns(&linked, &[at("dotfiles/notes")]));
        let writers = Writers { wanted: linked, ..Writers::default() };
        assert!(writers.is_read(&at("dotfiles/ci")) && !writers.is_read(&at("dotfiles/other")));
    }

    #[test]
    fn it_is_read_once_it_is_quiet_or_after_a_while() {
        let first = Instant::now();
        let after = |millis: u64| first + Duration::from_millis(millis);
        assert_eq!(due(first, first, false), first + SETTLE);
        assert_eq!(due(first, after(150), false), after(150) + SETTLE, "another step of the same writer");
        assert_eq!(due(first, after(1950), false), after(2000), "a folder that is never quiet");
        assert_eq!(due(first, after(1950), true), after(60_000), "a writer who makes a pause");
    }

    /// A policy in two halves, with a pause between them in which the first one is all that stands there.
    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn a_file_is_read_once_its_writer_has_closed_it_whatever_pause_he_makes() {
        let folder = tempfile::tempdir().unwrap();
        let (writers, (told, mut changes)) = (Writers::default(), mpsc::channel(1));
        let written = writers.clone();
        let mut eyes = watcher(move |event| {
            if event.is_ok_and(|event| written.take(&event)) {
                let _ = told.try_send(());
            }
        })
        .unwrap();
        eyes.watch(folder.path(), RecursiveMode::NonRecursive).unwrap();
        let mut file = std::fs::File::create(folder.path().join("a.yaml")).unwrap();
        file.write_all(b"version: 1\n").unwrap();
        while !writers.any() {
            std::thread::yield_now();
        }
        // The clock of this test runs as soon as nothing else does.
        let early = tokio::time::timeout(Duration::from_secs(30), settle(&mut changes, &writers)).await;
        assert!(early.is_err(), "it was read while somebody writes it");
        file.write_all(b"pipelines: []\n").unwrap();
        drop(file);
        while writers.any() {
            std::thread::yield_now();
        }
        let closed = Instant::now();
        settle(&mut changes, &writers).await;
        assert!(closed.elapsed() <= LONGEST, "{:?}", closed.elapsed());
        // A log that somebody keeps open beside the policies holds nothing up.
        let mut log = std::fs::File::create(folder.path().join("a.log")).unwrap();
        log.write_all(b"x").unwrap();
        changes.recv().await.unwrap();
        let begun = Instant::now();
        settle(&mut changes, &writers).await;
        assert!(begun.elapsed() <= LONGEST, "{:?}", begun.elapsed());
        drop(log);
    }
}
