//! Approval files: the folder where each open approval has a request file that takes a decision.
//!
//! **Invariants:** a file is read only when it is a regular file of this user with one name, opened without following
//! links; requests appear by renaming, so that nobody reads half of one; a word stays in its file until its decision is
//! settled ([`ApprovalFiles::settle`]), and counts only for the revision in the file's name.

use jiff::tz::TimeZone;
use rustix::fs::{Mode, OFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tmuxagent_alerts::decide::Settled;
use tmuxagent_alerts::request_file::{
    MOST_ADDED, Written, approval_of, file_name, has_word, is_request, read_decision, remark, request_text,
};
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, Verdict};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;

/// What was found in the folder.
#[derive(Debug, PartialEq, Eq)]
pub enum FileNews {
    /// Somebody decided.
    Decided(Word),
    /// A file of ours by its name, whose question is open no more as far as is shown.
    Late {
        /// The file's name.
        name: String,
        /// Whose question it was.
        approval: ApprovalId,
        /// Whether somebody wrote something into it.
        word: bool,
    },
    /// A file was not accepted: which and why, one sentence.
    Refused(String),
}

/// A decision as it stands in a file, where it stays until it is settled.
#[derive(Debug, PartialEq, Eq)]
pub struct Word {
    name: String,
    content: String,
    /// Which approval.
    pub approval: ApprovalId,
    /// Which revision of it.
    pub revision: u32,
    /// What.
    pub verdict: Verdict,
}

/// A whole request that an earlier life left is larger than any word, bytes.
const LARGEST: usize = 512 * 1024;

/// How long a file stays whose question is closed, so that its answer can be read.
const KEPT: Duration = Duration::from_secs(600);

/// How files begin that are on their way to be renamed; a leading dot keeps them out of sight.
const BESIDE: &str = ".request-";

/// The folder with the requests that stand in it.
pub struct ApprovalFiles {
    folder: PathBuf,
    /// Whose decision a word in a file is.
    who: String,
    lang: Lang,
    redactor: Redactor,
    shown: BTreeMap<String, Request>,
    /// The files there that were reported, with the time of their change, so that each is reported once.
    reported: BTreeMap<String, i64>,
}

struct Request {
    approval: Approval,
    /// What this life wrote into its file.
    text: Option<String>,
    /// Why the word that was written there last decided nothing.
    refused: Option<String>,
}

impl Request {
    fn new(approval: &Approval) -> Self {
        Self { approval: approval.clone(), text: None, refused: None }
    }
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
        let (folder, who) = (folder.to_owned(), String::new());
        let files = Self { folder, who, lang, redactor, shown: BTreeMap::new(), reported: BTreeMap::new() };
        files.sweep();
        Ok(files)
    }

    /// The same, with the name of the user whose decision a word in a file is.
    pub fn decided_by(self, who: &str) -> Self {
        Self { who: who.to_owned(), ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes what lives that were killed left between writing and renaming.
    fn sweep(&self) {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(BESIDE) {
                // It is in nobody's way.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Makes the folder hold a request for each open approval, and none for others. What stands in the files is read
    /// first, so that nothing written meanwhile (also while no supervisor ran) is lost: a file with a word is neither
    /// written nor removed before the word is settled.
    pub fn show(&mut self, approvals: &[Approval]) -> Vec<FileNews> {
        let wanted: BTreeMap<String, &Approval> = approvals
            .iter()
            .filter(|approval| approval.state == ApprovalState::Pending)
            .map(|approval| (file_name(approval), approval))
            .collect();
        let mut fresh = Vec::new();
        for (name, approval) in &wanted {
            match self.shown.get_mut(name) {
                // Reminders and the like change nothing that stands in the file.
                Some(request) => request.approval = (*approval).clone(),
                None => {
                    fresh.push(name.clone());
                    self.shown.insert(name.clone(), Request::new(approval));
                }
            }
        }
        let mut news = self.look();
        let decides = |news: &[FileNews], name: &str| {
            news.iter().any(|item| matches!(item, FileNews::Decided(word) if word.name == name))
        };
        let gone: Vec<String> = self.shown.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            let refused = self.shown.remove(&name).and_then(|request| request.refused);
            if decides(&news, &name) {
                continue;
            }
            match refused {
                // Who wrote a word that decided nothing must not take its end for a yes.
                Some(sentence) => self.answer_late(&name, &sentence),
                // Somebody may have removed it himself.
                None => drop(std::fs::remove_file(self.folder.join(&name))),
            }
        }
        for name in fresh {
            if let Err(error) = self.begin(&name) {
                news.push(FileNews::Refused(format!("can't write the request {name}: {error}")));
            }
        }
        news
    }

    /// Writes a request that this life has not written yet, unless the same stands there, or a word.
    fn begin(&mut self, name: &str) -> io::Result<()> {
        let Some(request) = self.shown.get_mut(name).filter(|request| request.text.is_none()) else { return Ok(()) };
        let left = read_private(&self.folder.join(name), LARGEST).ok();
        let text = request_text(&request.approval, &self.who, (self.lang, &TimeZone::system()), &self.redactor, None);
        match &left {
            Some(left) if *left == text => request.text = Some(text),
            Some(left) if has_word(left) => {}
            _ => self.put(name, None, left.as_deref())?,
        }
        Ok(())
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
        let names: BTreeSet<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        self.reported.retain(|name, _| names.contains(name));
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            if self.shown.contains_key(&name) {
                news.extend(self.read_one(&name));
            } else if name.ends_with(".txt") {
                news.extend(self.read_late(&name));
            }
        }
        news
    }

    /// The word is settled: its outcome takes its place. What somebody wrote over it meanwhile stays, and is read next.
    pub fn settle(&mut self, word: Word, settled: &Settled) {
        let Word { name, content, .. } = word;
        let path = self.folder.join(&name);
        if !read_private(&path, LARGEST).is_ok_and(|now| now == content) {
            return;
        }
        let is_open = self.shown.contains_key(&name);
        let refused = settled.end().err().map(|refusal| refusal.sentence(self.lang));
        if let Some(request) = self.shown.get_mut(&name) {
            request.refused.clone_from(&refused);
        }
        match settled.end() {
            // The answer is a service; the decision holds without it.
            Ok(()) if is_open => drop(self.put(&name, Some(self.lang.pick("taken", "已收到")), Some(&content))),
            Ok(()) => drop(std::fs::remove_file(path)),
            Err(_) if is_open => drop(self.put(&name, refused.as_deref(), Some(&content))),
            Err(_) => self.answer_late(&name, refused.as_deref().unwrap_or_default()),
        }
    }

    /// Whether the same is asked anew: by another question of this stage in this pane.
    pub fn is_asked_anew(&self, closed: &Approval) -> bool {
        let of = |asked: &Approval| (asked.pane.clone(), asked.pipeline.clone(), asked.stage.clone());
        self.shown.values().any(|request| request.approval.id != closed.id && of(&request.approval) == of(closed))
    }

    /// Answers in a file whose question is closed.
    pub fn answer_late(&self, name: &str, sentence: &str) {
        if !name.contains('/') {
            // The answer is a service; what was written there counts for nothing either way.
            let _ = self.write(name, &remark(sentence), None);
        }
    }

    /// What stands in the file of a closed question, where it is a word that decides.
    pub fn late_word(&self, name: &str, approval: &Approval) -> Option<Word> {
        let revision = name.strip_suffix(".txt")?.rsplit_once('.')?.1.parse().ok()?;
        let content = read_private(&self.folder.join(name), LARGEST).ok().filter(|_| !name.contains('/'))?;
        match read_decision(&content, None, approval, self.lang) {
            Written::Decided(verdict) => {
                Some(Word { name: name.to_owned(), content, approval: approval.id.clone(), revision, verdict })
            }
            Written::Nothing | Written::Wrong(_) => None,
        }
    }

    /// Removes the request of a closed question, into which nobody wrote.
    pub fn remove_late(&self, name: &str) {
        let path = self.folder.join(name);
        if !name.contains('/') && read_private(&path, LARGEST).is_ok_and(|content| !has_word(&content)) {
            // Somebody may have removed it himself.
            let _ = std::fs::remove_file(path);
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
        let late = |word| FileNews::Late { name: name.to_owned(), approval, word };
        if has_word(&content) {
            return Some(late(true));
        }
        if found.modified().ok()?.elapsed().is_ok_and(|age| age > KEPT) {
            // Somebody may have removed it himself.
            let _ = std::fs::remove_file(&path);
            return None;
        }
        is_request(&content).then(|| late(false))
    }

    fn read_one(&mut self, name: &str) -> Option<FileNews> {
        let request = self.shown.get(name)?;
        let most = request.text.as_ref().map_or(LARGEST, |text| text.len() + MOST_ADDED);
        let content = match read_private(&self.folder.join(name), most) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return self.report(name, &error.to_string()),
        };
        let approval = &request.approval;
        match read_decision(&content, request.text.as_deref(), approval, self.lang) {
            Written::Nothing => None,
            Written::Wrong(sentence) => {
                // The answer is a service; nothing was decided.
                let _ = self.put(name, Some(&sentence), Some(&content));
                if let Some(request) = self.shown.get_mut(name) {
                    request.refused = Some(sentence.clone());
                }
                Some(FileNews::Refused(format!("{name}: {sentence}")))
            }
            Written::Decided(verdict) => {
                let (approval, revision) = (approval.id.clone(), approval.revision);
                Some(FileNews::Decided(Word { name: name.to_owned(), content, approval, revision, verdict }))
            }
        }
    }

    /// Puts the request into its file, with a note at its end, over what was read there.
    fn put(&mut self, name: &str, note: Option<&str>, over: Option<&str>) -> io::Result<()> {
        let Some(request) = self.shown.get(name) else { return Ok(()) };
        let text = request_text(&request.approval, &self.who, (self.lang, &TimeZone::system()), &self.redactor, note);
        if !self.write(name, &text, over)? {
            return Ok(());
        }
        if let Some(request) = self.shown.get_mut(name) {
            request.text = Some(text);
        }
        Ok(())
    }

    /// Writes beside and renames, so that the file is whole whenever somebody looks. Where something else stands there than
    /// what was read (`over`), somebody has written meanwhile: his word stays, and false is returned.
    fn write(&self, name: &str, text: &str, over: Option<&str>) -> io::Result<bool> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let beside = self.folder.join(format!("{BESIDE}{:016x}", u64::from_be_bytes(random)));
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let path = self.folder.join(name);
        let done = file.write_all(text.as_bytes()).and_then(|()| match over {
            Some(over) => replace(&beside, &path, over),
            None => std::fs::rename(&beside, &path).map(|()| true),
        });
        if !matches!(done, Ok(true)) {
            let _ = std::fs::remove_file(&beside);
        }
        done
    }

    fn report(&mut self, name: &str, why: &str) -> Option<FileNews> {
        let changed =
            self.folder.join(name).symlink_metadata().map_or(0, |found| found.ctime_nsec() ^ (found.ctime() << 30));
        let news = FileNews::Refused(format!("the approval file {name} is refused: {why}"));
        (self.reported.insert(name.to_owned(), changed) != Some(changed)).then_some(news)
    }
}

/// Puts the new file in the place of the old one, if that holds what was read in it; whether it did. The two change places in
/// one step, so that what somebody writes in this very instant is seen in the old one, which then comes back.
fn replace(new: &Path, old: &Path, read: &str) -> io::Result<bool> {
    let is_same = |path: &Path| read_private(path, LARGEST).is_ok_and(|now| now == read);
    if !is_same(old) {
        return Ok(false);
    }
    if exchange(new, old).is_err() {
        // Not every file system knows that; somebody who writes between these two lines writes again.
        return std::fs::rename(new, old).map(|()| true);
    }
    // The old one stands at the new one's name.
    if is_same(new) {
        // It is out of sight; another life sweeps it away.
        let _ = std::fs::remove_file(new);
        return Ok(true);
    }
    exchange(new, old)?;
    Ok(false)
}

/// Lets two files change their names.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
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

#[cfg(test)]
#[path = "approval_files_tests.rs"]
mod tests;
