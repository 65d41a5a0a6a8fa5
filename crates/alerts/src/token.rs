//! Tokens of signed links: who holds one may decide one approval in one revision, once, until it expires, and take a yes to it
//! back as long as that is possible.
//!
//! A token is an HMAC-SHA256 (RFC 2104) over version, key id, expiry, revision, SHA-256 of the command shown, a random
//! 256-bit id and the approval's id. Of the random id only the SHA-256 is ever stored, so neither a stolen database
//! (no key) nor a stolen key (no stored id) is enough to forge a link.
//!
//! **Invariants:** pure; keys, randomness and time are arguments. Nothing of a token is used before its MAC was compared
//! in constant time. A token never decides anything by itself: the approval's own compare-and-set does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tmuxagent_model::{Approval, ApprovalId, ApprovalState, KeyStep, Timestamp};

/// The only form of tokens so far.
const VERSION: u8 = 1;
/// Bytes before the approval's id: version, key id, expiry, revision, command hash, random id.
const HEAD: usize = 1 + 4 + 8 + 4 + 32 + 32;
const MAC: usize = 32;
/// Longer texts are refused before they are decoded.
const MAX_TEXT: usize = 512;

/// A signing key. Its id follows from its bytes, so that two processes with one key agree.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    kid: [u8; 4],
    bytes: [u8; 32],
}

impl Key {
    /// A key of these random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"tmuxagent link key id\0").chain_update(bytes).finalize();
        let mut kid = [0; 4];
        kid.copy_from_slice(&digest[..4]);
        Self { kid, bytes }
    }

    /// The key that a secret text stands for (`APPROVAL_SECRET`).
    #[must_use]
    pub(crate) fn from_secret(secret: &str) -> Self {
        Self::new(Sha256::new().chain_update(b"tmuxagent link key\0").chain_update(secret).finalize().into())
    }

    /// The bytes, to be kept in a file that only its owner reads.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:02x?})", self.kid)
    }
}

/// The key that signs, and those before it, whose links are accepted until they expire.
#[derive(Debug, Clone)]
pub struct Keyring {
    /// Signs and verifies.
    pub current: Key,
    /// Former keys: they verify and never sign.
    pub previous: Vec<Key>,
}

impl Keyring {
    fn find(&self, kid: [u8; 4]) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.previous).find(|key| key.kid == kid)
    }
}

/// What a token speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The approval that the link leads to.
    pub approval: ApprovalId,
    /// The revision that the decider was shown.
    pub revision: u32,
    /// The hash of what he was shown.
    pub command: [u8; 32],
    /// The first instant at which the token is no longer good.
    pub expires: Timestamp,
}

/// A fresh token and what is stored of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The text that stands in the link; a secret.
    pub token: String,
    /// The SHA-256 of its random id; the key of its [`LinkRecord`].
    pub id_hash: [u8; 32],
}

/// What is stored of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    /// The approval it was issued for.
    pub approval: ApprovalId,
    /// The revision it was issued for.
    pub revision: u32,
    /// When it expires; the record may be forgotten some time later.
    pub expires: Timestamp,
    /// Whether it may still be used.
    pub state: LinkState,
    /// Who was sent it.
    pub to: Recipient,
}

/// Who was sent a link, as far as the configuration tells; parts that are not known are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipient {
    /// The channel that carried it.
    pub channel: String,
    /// Who reads that channel.
    pub person: String,
}

/// Whether a link may still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Nobody used it.
    Open,
    /// A decision came through it; a link decides once.
    Used,
    /// It was taken back.
    Revoked,
    /// Its PIN was wrong too often.
    Locked,
}

/// A token whose MAC is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genuine {
    /// What it speaks of.
    pub claims: Claims,
    /// The SHA-256 of its random id.
    pub id_hash: [u8; 32],
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nobody with our key wrote it.
    #[error("the link is not genuine")]
    Forged,
    /// It is genuine, but speaks of nothing known here.
    #[error("the link belongs to another question")]
    Foreign,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
    /// The question is decided.
    #[error("the link was used, or the question is closed")]
    Used,
    /// Nobody decided the question in time.
    #[error("the question of the link has expired")]
    Undecided,
    /// It was taken back, or the question has changed since.
    #[error("the link was replaced by a newer one")]
    Revoked,
    /// Its PIN was wrong too often.
    #[error("the link is locked: its PIN was wrong too often")]
    Locked,
}

/// Makes a token of `claims`; `random` must come from the system's random source.
#[must_use]
pub fn issue(key: &Key, claims: &Claims, random: [u8; 32]) -> Issued {
    let mut bytes = Vec::with_capacity(HEAD + 26 + MAC);
    bytes.push(VERSION);
    bytes.extend(key.kid);
    bytes.extend(claims.expires.0.to_be_bytes());
    bytes.extend(claims.revision.to_be_bytes());
    bytes.extend(claims.command);
    bytes.extend(random);
    bytes.extend(claims.approval.as_str().as_bytes());
    let mac = sign(key, &bytes).finalize().into_bytes();
    bytes.extend(mac);
    Issued { token: URL_SAFE_NO_PAD.encode(bytes), id_hash: Sha256::digest(random).into() }
}

/// Whether `text` was written with one of our keys.
///
/// # Errors
/// [`TokenError::Forged`] for anything else.
pub fn authenticate(ring: &Keyring, text: &str) -> Result<Genuine, TokenError> {
    parse(ring, text).ok_or(TokenError::Forged)
}

fn parse(ring: &Keyring, text: &str) -> Option<Genuine> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let signed = bytes.len().checked_sub(MAC).filter(|&length| length > HEAD)?;
    let (body, mac) = bytes.split_at(signed);
    let mut rest = body;
    let [version] = take::<1>(&mut rest)?;
    let kid = take::<4>(&mut rest)?;
    let key = ring.find(kid)?;
    sign(key, body).verify_slice(mac).ok()?;
    if version != VERSION {
        return None;
    }
    let expires = Timestamp(i64::from_be_bytes(take(&mut rest)?));
    let revision = u32::from_be_bytes(take(&mut rest)?);
    let command = take(&mut rest)?;
    let random: [u8; 32] = take(&mut rest)?;
    let approval = ApprovalId::new(std::str::from_utf8(rest).ok()?);
    Some(Genuine { claims: Claims { approval, revision, command, expires }, id_hash: Sha256::digest(random).into() })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

/// Whether a genuine token may decide now, given what is stored of it and the approval it names (both looked up by the
/// caller, `None` when there is no such thing).
///
/// # Errors
/// The first of these that holds: foreign, revoked, used, expired.
pub fn admit(
    token: &Genuine,
    record: Option<&LinkRecord>,
    approval: Option<&Approval>,
    now: Timestamp,
) -> Result<(), TokenError> {
    let claims = &token.claims;
    let (Some(record), Some(approval)) = (record, approval) else {
        return Err(TokenError::Foreign);
    };
    let same =
        record.approval == claims.approval && record.revision == claims.revision && approval.id == claims.approval;
    if !same {
        return Err(TokenError::Foreign);
    }
    match record.state {
        LinkState::Revoked => return Err(TokenError::Revoked),
        LinkState::Locked => return Err(TokenError::Locked),
        LinkState::Used => return Err(TokenError::Used),
        LinkState::Open => {}
    }
    match approval.state {
        ApprovalState::Pending => {}
        ApprovalState::Expired => return Err(TokenError::Undecided),
        ApprovalState::Approved | ApprovalState::Rejected | ApprovalState::Superseded => return Err(TokenError::Used),
    }
    if now >= claims.expires || now >= record.expires {
        return Err(TokenError::Expired);
    }
    if approval.revision != claims.revision || command_hash(approval) != claims.command {
        return Err(TokenError::Revoked);
    }
    Ok(())
}

/// Whether a genuine token may take the yes to its question back: that is possible still, and the token would decide the
/// question were it open. That it was used, perhaps for this very yes, does not matter, since only a no comes of it.
#[must_use]
pub fn takes_back(token: &Genuine, record: Option<&LinkRecord>, approval: &Approval, now: Timestamp) -> bool {
    if approval.state != ApprovalState::Approved || !approval.can_be_taken_back(now) {
        return false;
    }
    let unused = |record: &LinkRecord| match record.state {
        LinkState::Used => LinkRecord { state: LinkState::Open, ..record.clone() },
        LinkState::Open | LinkState::Revoked | LinkState::Locked => record.clone(),
    };
    let open = Approval { state: ApprovalState::Pending, ..approval.clone() };
    admit(token, record.map(unused).as_ref(), Some(&open), now).is_ok()
}

/// The SHA-256 over exactly what a decider is shown as the effect of a yes, of each answer and of a no.
#[must_use]
pub(crate) fn command_hash(approval: &Approval) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [&approval.question, &approval.effect_text] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash_steps(&mut hash, &approval.effect);
    for steps in approval.option_effects.iter().chain(std::iter::once(&approval.effect_no)) {
        // Nothing is added where nothing is told, so that links sent by an earlier version stay good.
        if !steps.is_empty() {
            hash.update([b'|']);
            hash_steps(&mut hash, steps);
        }
    }
    hash.finalize().into()
}

fn hash_steps(hash: &mut Sha256, steps: &[KeyStep]) {
    for step in steps {
        let (mark, text) = match step {
            KeyStep::Text(text) => (b't', text),
            KeyStep::Key(key) => (b'k', key),
        };
        hash.update([mark]);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
}

/// Four signs that stand in the message, on the page and on the screen, so that a person sees that all three speak of
/// the same question (Crockford's base 32, no `I`, `L`, `O`, `U`). Not a secret.
#[must_use]
pub(crate) fn short_code(approval: &Approval) -> String {
    const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digest = Sha256::new()
        .chain_update(approval.id.as_str())
        .chain_update(approval.revision.to_be_bytes())
        .chain_update(command_hash(approval))
        .finalize();
    digest[..4].iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])).collect()
}

/// An HMAC over `body`. The key is padded to the hash's block as RFC 2104 says, so that no length can be wrong.
fn sign(key: &Key, body: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block[..32].copy_from_slice(&key.bytes);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(body);
    mac
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
