//! The files: one that grows, and those before it.

use super::chain::{self, HEAD, Line, Link};
use super::entry::Entry;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use tmuxagent_model::Timestamp;

/// A file of this size is followed by a new one, bytes.
const LONGEST: u64 = 8 * 1024 * 1024;
/// Lines after which a head is written at the latest.
const UNSIGNED: u32 = 64;

/// Up to where something was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// When the last thing happened that was told.
    pub at: Timestamp,
    /// Its number.
    pub seq: u64,
}

/// The trail of one supervisor, who alone writes it.
pub struct Trail {
    folder: PathBuf,
    key: Ed25519KeyPair,
    file: File,
    size: u64,
    last: Link,
    unsigned: u32,
    /// Up to where the journal was told, and the messages.
    told: [Position; 2],
}

/// The folder of the trail in a state folder.
#[must_use]
pub fn folder_of(state: &Path) -> PathBuf {
    state.join("audit")
}

/// The files of a trail, oldest first: their names are the numbers of their first lines.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn name(first: u64) -> String {
    format!("{first:012}.jsonl")
}

impl Trail {
    /// Opens the trail of a state folder to go on with it. A last line that was not written whole, since the machine stopped,
    /// is taken off.
    ///
    /// # Errors
    /// When files can't be read or written, or the key's file holds none.
    pub fn open(state: &Path) -> io::Result<Self> {
        let folder = folder_of(state);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let key = key(&state.join("audit-key"))?;
        let (mut last, mut told, mut unsigned) = (Link::default(), [Position::default(); 2], 0);
        let all = files(&folder)?;
        for path in &all {
            let text = whole_lines(path, all.last() == Some(path))?;
            for line in text.lines() {
                let Ok(read) = serde_json::from_str::<Line>(line) else { continue };
                unsigned = if read.kind == HEAD { 0 } else { unsigned + 1 };
                if let Some(place) = place(&read.kind) {
                    told[place] = told[place].max(Position { at: read.at, seq: read.seq });
                }
                last = Link { n: read.n, digest: chain::digest(line) };
            }
        }
        let path = all.last().cloned().unwrap_or_else(|| folder.join(name(last.n + 1)));
        let file = appended(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { folder, key, file, size, last, unsigned, told })
    }

    /// Up to where lines of the journal were told.
    #[must_use]
    pub const fn journal(&self) -> Position {
        self.told[0]
    }

    /// Up to where messages were told.
    #[must_use]
    pub const fn messages(&self) -> Position {
        self.told[1]
    }

    /// Adds a line, and a head where one is due.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let (line, link) = chain::next(&self.last, serde_json::to_value(entry)?);
        self.write(&line, link)?;
        if let Some(place) = place(entry.kind) {
            self.told[place] = Position { at: entry.at, seq: entry.seq };
        }
        self.unsigned += 1;
        if self.unsigned >= UNSIGNED { self.sign(entry.at) } else { Ok(()) }
    }

    /// Vouches for what was added since the last head, where there is something, and begins a new file where this one is
    /// long.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn sign(&mut self, at: Timestamp) -> io::Result<()> {
        if self.unsigned == 0 {
            return Ok(());
        }
        let (line, link) = chain::head(&self.last, at, &self.key);
        self.write(&line, link)?;
        self.unsigned = 0;
        self.file.sync_data()?;
        if self.size >= LONGEST {
            (self.file, self.size) = (appended(&self.folder.join(name(self.last.n + 1)))?, 0);
        }
        Ok(())
    }

    fn write(&mut self, line: &str, link: Link) -> io::Result<()> {
        // One write each, so that a line is there or not.
        let bytes = format!("{line}\n");
        if let Err(error) = self.file.write_all(bytes.as_bytes()) {
            // Half a line would break the chain; where it can't be cut off the next start does.
            let _ = self.file.set_len(self.size);
            return Err(error);
        }
        self.size += bytes.len() as u64;
        self.last = link;
        Ok(())
    }
}

fn place(kind: &str) -> Option<usize> {
    match kind {
        HEAD => None,
        "notification" => Some(1),
        _ => Some(0),
    }
}

fn appended(path: &Path) -> io::Result<File> {
    let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(nofollow).open(path)
}

/// What the file holds up to its last whole line; of the newest one the rest is cut off.
fn whole_lines(path: &Path, newest: bool) -> io::Result<String> {
    let bytes = std::fs::read(path)?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if newest && end < bytes.len() {
        OpenOptions::new().write(true).open(path)?.set_len(end as u64)?;
    }
    Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// The key of the file, which is made at first and read only by its owner.
fn key(path: &Path) -> io::Result<Ed25519KeyPair> {
    if !path.exists() {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let made = made.map_err(|_| io::Error::other("there is no randomness"))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(STANDARD.encode(made.as_ref()).as_bytes())?;
        file.sync_all()?;
    }
    let bytes = STANDARD.decode(std::fs::read_to_string(path)?.trim()).unwrap_or_default();
    Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| {
        let text = format!("{} holds no key; move it away, and the trail goes on with another one", path.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}
