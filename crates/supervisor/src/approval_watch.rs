//! Keeps the folder of approval files in step with what is asked, and decides what people write there.
//!
//! **Invariant:** one after the other: a word is read, decided, and settled in its file before the folder is looked at
//! again. Where a decision has no end yet, its word stands where it stood and is read again a moment later.

use super::approval_files::{ApprovalFiles, FileNews, Word};
use super::watcher::watcher;
use notify::{RecursiveMode, Watcher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tmuxagent_alerts::decide::{Decide, Refusal};
use tmuxagent_alerts::request_file::file_name;
use tmuxagent_failpoints as failpoints;
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, Decider};
use tmuxagent_text::Lang;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// The pause before a word whose decision has no end yet is read again.
const AGAIN: Duration = Duration::from_secs(1);

/// The folder and who decides what is written there.
pub struct Desktop {
    files: Arc<Mutex<ApprovalFiles>>,
    decisions: Arc<dyn Decide>,
    by: Decider,
    lang: Lang,
}

impl Desktop {
    /// `by` is who may write in the folder: its owner.
    pub fn new(files: ApprovalFiles, decisions: Arc<dyn Decide>, by: Decider, lang: Lang) -> Self {
        Self { files: Arc::new(Mutex::new(files)), decisions, by, lang }
    }

    /// Keeps the folder in step with `approvals`, until `stop`. Notices a written file within a second: by the kernel's
    /// notification, or by looking twice a second where that does not work.
    pub async fn run(self, approvals: watch::Receiver<Vec<Approval>>, stop: CancellationToken) {
        let (changed, changes) = mpsc::channel(1);
        let folder = self.files.lock().unwrap_or_else(PoisonError::into_inner).folder().to_owned();
        // Watches as long as it lives.
        let watcher = watch_folder(&folder, changed);
        self.keep_in_step(approvals, stop, watcher.as_ref().map(|_| changes)).await;
    }

    /// As [`Desktop::run`], with what tells of changes in the folder; `None` where nothing does.
    async fn keep_in_step(
        &self,
        mut approvals: watch::Receiver<Vec<Approval>>,
        stop: CancellationToken,
        mut changes: Option<mpsc::Receiver<()>>,
    ) {
        let usual = if changes.is_some() { Duration::from_secs(30) } else { Duration::from_millis(500) };
        let mut show = true;
        loop {
            let list = show.then(|| approvals.borrow_and_update().clone());
            let look = move |files: &mut ApprovalFiles| match list {
                Some(list) => files.show(&list),
                None => files.look(),
            };
            let found = self.on_files(look).await;
            let mut pause = usual;
            for item in found.unwrap_or_default() {
                match stop.run_until_cancelled(self.take(item)).await {
                    Some(Taken::Settled) => {}
                    Some(Taken::Again) => pause = usual.min(AGAIN),
                    None => return,
                }
            }
            show = tokio::select! {
                () = stop.cancelled() => return,
                more = approvals.changed() => match more {
                    Ok(()) => true,
                    Err(_) => return,
                },
                () = told(&mut changes) => {
                    // A shell truncates first and writes then; read when it has done both.
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    false
                }
                () = tokio::time::sleep(pause) => false,
            };
        }
    }

    /// Works on the files on a thread where waiting is allowed; `None` when that failed.
    async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut ApprovalFiles) -> T + Send + 'static,
    ) -> Option<T> {
        let files = Arc::clone(&self.files);
        let working = move || work(&mut files.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(working).await.ok()
    }

    async fn take(&self, item: FileNews) -> Taken {
        match item {
            FileNews::Decided(word) => return self.decide(word).await,
            FileNews::Late { name, approval, word } => return self.too_late(name, &approval, word).await,
            FileNews::Refused(text) => self.decisions.report(text),
        }
        Taken::Settled
    }

    async fn decide(&self, word: Word) -> Taken {
        let (approval, verdict) = (word.approval.clone(), word.verdict.clone());
        let Ok(settled) = self.decisions.decide(&approval, word.revision, verdict, self.by.clone()).await else {
            return Taken::Again;
        };
        if let Err(refusal) = settled.end() {
            self.decisions.report(format!("a decision by file for {approval} was not taken: {refusal}"));
        }
        self.on_files(move |files| files.settle(word, &settled)).await;
        failpoints::at("decision.consumed");
        Taken::Settled
    }

    /// A file whose question is not shown as open.
    async fn too_late(&self, name: String, approval: &ApprovalId, word: bool) -> Taken {
        let found = self.decisions.approval(approval).await;
        let refusal = match found {
            // What is shown is older than what is stored; it is read again when both are the same.
            Some(found) if found.state == ApprovalState::Pending && file_name(&found) == name => return Taken::Settled,
            Some(_) if !word => {
                self.on_files(move |files| files.remove_late(&name)).await;
                return Taken::Settled;
            }
            Some(found) if found.state == ApprovalState::Pending => Refusal::Stale,
            Some(found) => {
                if let Some(word) = self.decided_by(&name, &found).await {
                    return self.decide(word).await;
                }
                match found.decision.clone() {
                    Some(decision) => Refusal::decided(decision, self.decisions.zone()),
                    None if self.on_files(move |files| files.is_asked_anew(&found)).await == Some(true) => {
                        Refusal::Stale
                    }
                    None => Refusal::Closed,
                }
            }
            None if !word => return Taken::Settled,
            None => Refusal::Unknown,
        };
        let why = refusal.sentence(self.lang);
        self.decisions
            .report(format!("the approval file {name} is refused: there is no open question of that name ({why})"));
        self.on_files(move |files| files.answer_late(&name, &why)).await;
        Taken::Settled
    }

    /// The word of a file by which its question was decided: a life took it, and was killed before it was used up.
    async fn decided_by(&self, name: &str, closed: &Approval) -> Option<Word> {
        let decision =
            closed.decision.clone().filter(|decision| decision.by == self.by && file_name(closed) == name)?;
        let (name, closed) = (name.to_owned(), closed.clone());
        let word = self.on_files(move |files| files.late_word(&name, &closed)).await??;
        (word.verdict == decision.verdict).then_some(word)
    }
}

/// What became of a piece of news.
enum Taken {
    /// Nothing of it is left to be done.
    Settled,
    /// It has no end yet and is read again.
    Again,
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
    let mut watcher = watcher(move |event: notify::Result<notify::Event>| {
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
#[path = "approval_watch_tests.rs"]
mod tests;
