//! Approval files: the folder where each open approval has a request file that takes a decision.
//!
//! **Invariants:** a file is read only when it is a regular file of this user with one name, opened without following
//! links; requests appear by renaming, so that nobody reads half of one; a decision is taken once and only for the
//! revision in the file's name.

use notify::{RecursiveMode, Watcher};
use rustix::fs::{Mode, OFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tmuxagent_alerts::request_file::{
    MOST_ADDED, Written, approval_of, file_name, is_request, read_decision, request_text,
};
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, Verdict};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What was found in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileNews {
    /// Somebody decided.
    Decided {
        /// Which approval.
        approval: ApprovalId,
        /// Which revision of it.
        revision: u32,
        /// What.
        verdict: Verdict,
    },
    /// A file of ours by its name, whose question is open no more, says something.
    Late {
        /// The file's name.
        name: String,
        /// Whose question it was.
        approval: ApprovalId,
    },
    /// A file was not accepted: which and why, one sentence.
    Refused(String),
}

/// What is written into a file for whoever wrote there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Into the request of this approval, while there is one.
    To(ApprovalId, String),
    /// Into the file of this name, whose question is closed.
    In(String, String),
}

/// A whole request that an earlier life left is larger than any word, bytes.
const LARGEST: usize = 64 * 1024;

/// How long a file stays whose question is closed, so that its answer can be read.
const KEPT: Duration = Duration::from_secs(600);

/// The folder with the requests that stand in it.
pub struct ApprovalFiles {
    folder: PathBuf,
    lang: Lang,
    redactor: Redactor,
    shown: BTreeMap<String, Request>,
    /// Files that were reported, by name and time of change, so that each is reported once.
    reported: BTreeSet<(String, i64)>,
    /// Answers in files whose question is closed, by the file's name.
    answered: BTreeMap<String, String>,
}

struct Request {
    approval: Approval,
    text: String,
}

impl ApprovalFiles {
    /// Opens the folder, which is made with mode 0700 when it does not exist.
    ///
    /// # Errors
    /// When it can't be made, is not a folder of this user, or others may write in it; the text says what to do.
    pub fn open(folder: &Path, lang: Lang, redactor: Redactor) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let found = std::fs::metadata(folder)?;
        let refused = |text: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        let shown = folder.display();
        if found.uid() != rustix::process::geteuid().as_raw() {
            return refused(format!("{shown} belongs to another user; choose another `approval_dir`"));
        }
        if found.mode() & 0o022 != 0 {
            return refused(format!("others may write in {shown}, so they could decide; chmod 700 {shown}"));
        }
        Ok(Self {
            folder: folder.to_owned(),
            lang,
            redactor,
            shown: BTreeMap::new(),
            reported: BTreeSet::new(),
            answered: BTreeMap::new(),
        })
    }

    /// Makes the folder hold a request for each open approval, and none for others. What stands in the files is read
    /// first, so that nothing written meanwhile (also while no supervisor ran) is lost.
    pub fn show(&mut self, approvals: &[Approval]) -> Vec<FileNews> {
        let mut news = self.look();
        let wanted: BTreeMap<String, &Approval> = approvals
            .iter()
            .filter(|approval| approval.state == ApprovalState::Pending)
            .map(|approval| (file_name(approval), approval))
            .collect();
        let gone: Vec<String> = self.shown.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            self.shown.remove(&name);
            // Somebody may have removed it himself.
            let _ = std::fs::remove_file(self.folder.join(&name));
        }
        for (name, approval) in wanted {
            let text = request_text(approval, self.lang, &self.redactor, None);
            match self.shown.get_mut(&name) {
                // Reminders and the like change nothing that stands in the file.
                Some(request) => request.approval = approval.clone(),
                None => {
                    let left = self.folder.join(&name).symlink_metadata().is_ok();
                    self.shown.insert(name.clone(), Request { approval: approval.clone(), text: text.clone() });
                    if left {
                        news.extend(self.read_one(&name));
                    }
                    let taken =
                        news.iter().any(|n| matches!(n, FileNews::Decided { approval: id, .. } if *id == approval.id));
                    if !taken && let Err(error) = self.write(&name, &text) {
                        news.push(FileNews::Refused(format!("can't write the request {name}: {error}")));
                    }
                }
            }
        }
        news
    }

    /// Reads all files once.
    pub fn look(&mut self) -> Vec<FileNews> {
        let mut news = Vec::new();
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) => {
                return vec![FileNews::Refused(format!("can't read {}: {error}", self.folder.display()))];
            }
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            if self.shown.contains_key(&name) {
                news.extend(self.read_one(&name));
            } else if name.ends_with(".txt") {
                news.extend(self.read_late(&name));
            }
        }
        news
    }

    /// Answers in an approval's file, for example that somebody else was first.
    pub fn answer(&mut self, approval: &ApprovalId, sentence: &str) {
        let name =
            self.shown.iter().find(|(_, request)| request.approval.id == *approval).map(|(name, _)| name.clone());
        if let Some(name) = name {
            self.answer_in(&name, sentence);
        }
    }

    /// Answers in a file whose question is closed.
    pub fn answer_late(&mut self, name: &str, sentence: &str) {
        let text = format!("{}\n", tmuxagent_text::plain::one_line(sentence));
        // The answer is a service; what was written there counts for nothing either way.
        if !name.contains('/') && self.write(name, &text).is_ok() {
            self.answered.insert(name.to_owned(), text);
        }
    }

    /// A file that belongs to no open question: of an earlier one, or somebody's own.
    fn read_late(&mut self, name: &str) -> Option<FileNews> {
        let Some(approval) = approval_of(name) else {
            return self.report(name, "there is no open question of that name");
        };
        let path = self.folder.join(name);
        let found = path.symlink_metadata().ok()?;
        let content = match read_private(&path, LARGEST) {
            Ok(content) => content,
            Err(error) => return self.report(name, &error.to_string()),
        };
        if found.modified().ok()?.elapsed().is_ok_and(|age| age > KEPT) {
            self.answered.remove(name);
            // Somebody may have removed it himself.
            let _ = std::fs::remove_file(&path);
            return None;
        }
        let known = self.answered.get(name).is_some_and(|answer| *answer == content) || content.trim().is_empty();
        (!known && !is_request(&content)).then(|| FileNews::Late { name: name.to_owned(), approval })
    }

    fn read_one(&mut self, name: &str) -> Option<FileNews> {
        let request = self.shown.get(name)?;
        let content = match read_private(&self.folder.join(name), request.text.len() + MOST_ADDED) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return self.report(name, &error.to_string()),
        };
        match read_decision(&content, &request.text, &request.approval, self.lang) {
            Written::Nothing => None,
            Written::Wrong(sentence) => {
                self.answer_in(name, &sentence);
                Some(FileNews::Refused(format!("{name}: {sentence}")))
            }
            Written::Decided(verdict) => {
                let approval = &request.approval;
                let news = FileNews::Decided { approval: approval.id.clone(), revision: approval.revision, verdict };
                self.answer_in(name, self.lang.pick("taken", "已收到"));
                Some(news)
            }
        }
    }

    /// Puts the request back with a note at its end.
    fn answer_in(&mut self, name: &str, note: &str) {
        let Some(request) = self.shown.get(name) else {
            return;
        };
        let text = request_text(&request.approval, self.lang, &self.redactor, Some(note));
        // The answer is a service; without it the decision still holds.
        if self.write(name, &text).is_ok()
            && let Some(request) = self.shown.get_mut(name)
        {
            request.text = text;
        }
    }

    /// Writes beside and renames, so that the file is whole whenever somebody looks.
    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let beside = self.folder.join(format!(".request-{:016x}", u64::from_be_bytes(random)));
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let done = file.write_all(text.as_bytes()).and_then(|()| std::fs::rename(&beside, self.folder.join(name)));
        if done.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        done
    }

    fn report(&mut self, name: &str, why: &str) -> Option<FileNews> {
        let changed =
            self.folder.join(name).symlink_metadata().map_or(0, |found| found.ctime_nsec() ^ (found.ctime() << 30));
        let news = FileNews::Refused(format!("the approval file {name} is refused: {why}"));
        self.reported.insert((name.to_owned(), changed)).then_some(news)
    }
}

/// Reads a file that only this user can have written.
fn read_private(path: &Path, most: usize) -> io::Result<String> {
    let refused = |text: &str| io::Error::new(io::ErrorKind::PermissionDenied, text);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        rustix::io::Errno::LOOP => refused("it is a symbolic link"),
        other => other.into(),
    })?;
    let file = std::fs::File::from(file);
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused("it is not a regular file"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("it belongs to another user"));
    }
    if found.nlink() != 1 {
        return Err(refused("it has several names (hard links)"));
    }
    if found.len() > most as u64 {
        return Err(refused("it is too large"));
    }
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Keeps the folder in step with `approvals` and sends what is found in it, and writes
/// `answers` into the files of their approvals, until `stop`. Notices a written file within
/// a second: by the kernel's notification, or by looking twice a second where that does not work.
pub async fn run(
    files: ApprovalFiles,
    approvals: watch::Receiver<Vec<Approval>>,
    news: mpsc::Sender<FileNews>,
    answers: mpsc::Receiver<Answer>,
    stop: CancellationToken,
) {
    let (changed, changes) = mpsc::channel(1);
    // Watches as long as it lives.
    let watcher = watch_folder(&files.folder, changed);
    keep_in_step(files, approvals, news, answers, stop, watcher.as_ref().map(|_| changes)).await;
}

/// As [`run`], with what tells of changes in the folder; `None` where nothing does.
async fn keep_in_step(
    files: ApprovalFiles,
    mut approvals: watch::Receiver<Vec<Approval>>,
    news: mpsc::Sender<FileNews>,
    mut answers: mpsc::Receiver<Answer>,
    stop: CancellationToken,
    mut changes: Option<mpsc::Receiver<()>>,
) {
    let files = Arc::new(Mutex::new(files));
    let pause = if changes.is_some() { Duration::from_secs(30) } else { Duration::from_millis(500) };
    let mut show = true;
    loop {
        let list = show.then(|| approvals.borrow_and_update().clone());
        let looking = Arc::clone(&files);
        let found = tokio::task::spawn_blocking(move || {
            let mut files = looking.lock().unwrap_or_else(PoisonError::into_inner);
            match list {
                Some(list) => files.show(&list),
                None => files.look(),
            }
        })
        .await
        .unwrap_or_default();
        for item in found {
            if news.send(item).await.is_err() {
                return;
            }
        }
        show = tokio::select! {
            () = stop.cancelled() => return,
            more = approvals.changed() => match more {
                Ok(()) => true,
                Err(_) => return,
            },
            Some(answer) = answers.recv() => {
                let answering = Arc::clone(&files);
                let write = move || {
                    let mut files = answering.lock().unwrap_or_else(PoisonError::into_inner);
                    match answer {
                        Answer::To(approval, sentence) => files.answer(&approval, &sentence),
                        Answer::In(name, sentence) => files.answer_late(&name, &sentence),
                    }
                };
                // A file that can't be answered is no reason to stop reading the others.
                let _ = tokio::task::spawn_blocking(write).await;
                false
            }
            () = told(&mut changes) => {
                // A shell truncates first and writes then; read when it has done both.
                tokio::time::sleep(Duration::from_millis(30)).await;
                false
            }
            () = tokio::time::sleep(pause) => false,
        };
    }
}

/// The next change that is told of; never where nothing tells.
async fn told(changes: &mut Option<mpsc::Receiver<()>>) {
    let change = match changes {
        Some(changes) => changes.recv().await,
        None => None,
    };
    if change.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Watches by the kernel's notification; `None` where it does not work.
fn watch_folder(folder: &Path, changed: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    if !notifies(folder) {
        return None;
    }
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let reads_only = event.is_ok_and(|event| {
            matches!(event.kind, notify::EventKind::Access(kind)
            if !matches!(kind, notify::event::AccessKind::Close(notify::event::AccessMode::Write)))
        });
        if !reads_only {
            // A full channel already says that something changed.
            let _ = changed.try_send(());
        }
    })
    .ok()?;
    watcher.watch(folder, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

/// Whether the kernel tells of changes in that folder's file system: network file systems and WSL's `/mnt` tell nothing
/// of what others write.
fn notifies(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        // linux/magic.h and the kernel's sources: 9p (WSL's drives), NFS, SMB, CIFS, SMB2, FUSE, VirtualBox, CODA, AFS.
        const SILENT: [i128; 9] =
            [0x0102_1997, 0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x786f_4256, 0x7375_7245, 0x5346_414f];
        rustix::fs::statfs(folder).is_ok_and(|found| !SILENT.contains(&(i128::from(found.f_type) & 0xffff_ffff)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        folder.is_dir()
    }
}

#[cfg(test)]
#[path = "approval_files_tests.rs"]
mod tests;
