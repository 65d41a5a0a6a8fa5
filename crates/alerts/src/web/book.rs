//! What is remembered of issued links: the hash of each, never the link.

use crate::decide::Settled;
use crate::shared_file::SharedFile;
use crate::token::{Claims, Keyring, LinkRecord, LinkState, Recipient, command_hash, issue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tmuxagent_model::{Approval, ApprovalId, Millis, Timestamp};

/// Remembers links by the SHA-256 of their random id.
pub trait LinkBook: Send + Sync {
    /// Writes a new link down.
    fn put(&self, id_hash: [u8; 32], record: LinkRecord) -> BoxFuture<'_, io::Result<()>>;
    /// Finds a link.
    fn find(&self, id_hash: [u8; 32]) -> BoxFuture<'_, io::Result<Option<LinkRecord>>>;
    /// A link has decided: it is used once its decision is written down, and not before.
    fn spend<'a>(&'a self, id_hash: [u8; 32], settled: &'a Settled) -> BoxFuture<'a, io::Result<()>>;
    /// Locks one link, whose PIN was wrong too often.
    fn lock_up(&self, id_hash: [u8; 32]) -> BoxFuture<'_, io::Result<()>>;
    /// Takes back all open links of an approval.
    fn revoke<'a>(&'a self, approval: &'a ApprovalId) -> BoxFuture<'a, io::Result<()>>;
}

/// A book in a file of mode 0600 that processes share. Entries go a month after they expired,
/// when another link is written down.
#[derive(Debug, Clone)]
pub struct FileBook {
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    approval: ApprovalId,
    revision: u32,
    expires: Timestamp,
    state: EntryState,
    /// Empty in entries of earlier versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    person: String,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum EntryState {
    Open,
    Used,
    Revoked,
    Locked,
}

type Entries = BTreeMap<String, Entry>;

impl FileBook {
    /// The book in that file.
    #[must_use]
    pub const fn new(file: PathBuf) -> Self {
        Self { file }
    }

    async fn mark(&self, id_hash: [u8; 32], state: EntryState) -> io::Result<()> {
        self.change(move |entries| {
            if let Some(entry) = entries.get_mut(&name(id_hash)) {
                entry.state = state;
            }
        })
        .await
    }

    async fn change(&self, change: impl FnOnce(&mut Entries)) -> io::Result<()> {
        let mut file = SharedFile::lock(&self.file).await?;
        let mut entries: Entries = file.read()?.unwrap_or_default();
        change(&mut entries);
        file.write(&entries)
    }
}

fn name(id_hash: [u8; 32]) -> String {
    STANDARD_NO_PAD.encode(id_hash)
}

const fn stored(state: LinkState) -> EntryState {
    match state {
        LinkState::Open => EntryState::Open,
        LinkState::Used => EntryState::Used,
        LinkState::Revoked => EntryState::Revoked,
        LinkState::Locked => EntryState::Locked,
    }
}

impl LinkBook for FileBook {
    fn put(&self, id_hash: [u8; 32], record: LinkRecord) -> BoxFuture<'_, io::Result<()>> {
        const KEPT: Millis = Millis::from_secs(30 * 86_400);
        let LinkRecord { approval, revision, expires, state, to: Recipient { channel, person } } = record;
        Box::pin(self.change(move |entries| {
            entries.retain(|_, entry| entry.expires + KEPT > expires);
            let state = stored(state);
            entries.insert(name(id_hash), Entry { approval, revision, expires, state, channel, person });
        }))
    }

    fn find(&self, id_hash: [u8; 32]) -> BoxFuture<'_, io::Result<Option<LinkRecord>>> {
        Box::pin(async move {
            let entries: Entries = SharedFile::lock(&self.file).await?.read()?.unwrap_or_default();
            Ok(entries.get(&name(id_hash)).map(|entry| LinkRecord {
                approval: entry.approval.clone(),
                revision: entry.revision,
                expires: entry.expires,
                state: match entry.state {
                    EntryState::Open => LinkState::Open,
                    EntryState::Used => LinkState::Used,
                    EntryState::Revoked => LinkState::Revoked,
                    EntryState::Locked => LinkState::Locked,
                },
                to: Recipient { channel: entry.channel.clone(), person: entry.person.clone() },
            }))
        })
    }

    fn spend<'a>(&'a self, id_hash: [u8; 32], settled: &'a Settled) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            match settled.end() {
                Ok(()) => self.mark(id_hash, EntryState::Used).await,
                // A link that was refused has decided nothing.
                Err(_) => Ok(()),
            }
        })
    }

    fn lock_up(&self, id_hash: [u8; 32]) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.mark(id_hash, EntryState::Locked))
    }

    fn revoke<'a>(&'a self, approval: &'a ApprovalId) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.change(move |entries| {
            for entry in entries.values_mut() {
                if entry.approval == *approval && matches!(entry.state, EntryState::Open) {
                    entry.state = EntryState::Revoked;
                }
            }
        }))
    }
}

/// Makes signed links to open approvals.
#[derive(Clone)]
pub struct Links {
    /// The keys that sign them.
    pub ring: Keyring,
    /// Where each is written down before it is given away.
    pub book: Arc<dyn LinkBook>,
    /// What phones see, without a slash at the end.
    pub public_base_url: String,
}

impl Links {
    /// The longest life of a link whose approval does not expire.
    pub const LONGEST: Millis = Millis::from_secs(24 * 3600);

    /// A fresh link for the approval as it stands, `https://…/a/TOKEN`; a secret. Each message gets its own, which is
    /// remembered as sent `to` somebody.
    ///
    /// # Errors
    /// When there is no randomness, or the link can't be written down.
    pub async fn mint(&self, approval: &Approval, to: Recipient, now: Timestamp) -> io::Result<String> {
        let latest = now + Self::LONGEST;
        // A question that is overdue and stays open is repeated, with links that work.
        let ends = approval.expires_at.filter(|end| *end > now);
        let expires = ends.map_or(latest, |end| end.min(latest));
        let claims = Claims {
            approval: approval.id.clone(),
            revision: approval.revision,
            command: command_hash(approval),
            expires,
        };
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let issued = issue(&self.ring.current, &claims, random);
        let (approval, revision, state) = (claims.approval, claims.revision, LinkState::Open);
        let record = LinkRecord { approval, revision, expires, state, to };
        self.book.put(issued.id_hash, record).await?;
        Ok(format!("{}/a/{}", self.public_base_url.trim_end_matches('/'), issued.token))
    }
}
