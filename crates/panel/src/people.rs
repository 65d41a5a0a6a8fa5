//! Who may open the panel: names, roles, and of each token its hash alone.
//!
//! Three kinds of tokens: an invitation, which is used once; the sign-in of a browser, which an invitation is exchanged for;
//! and a script's. All are 256 random bits, so that none can be guessed, and who reads the file has none of them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use tmuxagent_alerts::shared_file::SharedFile;
use tmuxagent_model::{Millis, Timestamp};
use tmuxagent_text::is_hidden;

/// What somebody may do. Each may all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See everything.
    View,
    /// Decide approvals.
    Decide,
    /// Start pipelines, run stages again, and type into panes.
    Admin,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// Opened once, in a browser, which then stays signed in.
    Invitation,
    /// A browser that is signed in.
    Browser,
    /// A script.
    Script,
}

/// One token, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// SHA-256 of the token, base64.
    hash: String,
    /// What it is for.
    pub kind: AccessKind,
    /// Since when there is it.
    pub since: Timestamp,
    /// From when on it is worth nothing.
    pub until: Timestamp,
    /// For how long the browser stays signed in that opens an invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<Millis>,
}

/// A person with all that lets them in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// What they may do.
    pub role: Role,
    /// Their tokens.
    pub accesses: Vec<Access>,
}

/// Somebody whose token holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name that they decide by.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Until when it holds.
    pub until: Timestamp,
}

/// The people of one supervisor, in a file of mode 0600 that processes share.
#[derive(Debug, Clone)]
pub struct People {
    file: PathBuf,
}

/// A state of the file; see [`People::stamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(Option<(u64, u64, i64, i64)>);

/// By their names.
type Known = BTreeMap<String, Person>;

/// The longest life of an unopened invitation.
const INVITATION: Millis = Millis::from_secs(86_400);
/// The longest name, characters.
const NAME: usize = 64;

/// A name that can stand in a journal and on every screen: one line of visible characters.
#[must_use]
pub fn valid_name(text: &str) -> Option<String> {
    let name = text.trim();
    let is_plain = !name.chars().any(|c| c.is_control() || is_hidden(c));
    (is_plain && !name.is_empty() && name.chars().count() <= NAME).then(|| name.to_owned())
}

impl People {
    /// Those of that file, which is made when somebody is invited.
    #[must_use]
    pub const fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Invites somebody, who is given this role from now on. The token is opened within a day, and lets the browser that
    /// opens it in for `span`.
    ///
    /// # Errors
    /// When there is no randomness, or the file can't be read or written.
    pub async fn invite(&self, name: &str, role: Role, span: Millis, now: Timestamp) -> io::Result<String> {
        let until = now + span.min(INVITATION);
        self.give(name, role, AccessKind::Invitation, (now, until), Some(span)).await
    }

    /// A token for a script of somebody, who is given this role from now on.
    ///
    /// # Errors
    /// As [`People::invite`].
    pub async fn issue(&self, name: &str, role: Role, span: Millis, now: Timestamp) -> io::Result<String> {
        self.give(name, role, AccessKind::Script, (now, now + span), None).await
    }

    async fn give(
        &self,
        name: &str,
        role: Role,
        kind: AccessKind,
        (since, until): (Timestamp, Timestamp),
        span: Option<Millis>,
    ) -> io::Result<String> {
        let token = random_token()?;
        let access = Access { hash: stored(&hash_of(&token)), kind, since, until, span };
        self.change(since, |known| {
            let person = known.entry(name.to_owned()).or_insert(Person { role, accesses: Vec::new() });
            person.role = role;
            person.accesses.push(access);
        })
        .await?;
        Ok(token)
    }

    /// Whom an invitation is for, while it holds.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn invited(&self, token: &str, now: Timestamp) -> io::Result<Option<Member>> {
        Ok(find(&self.read(now).await?, token, |kind| kind == AccessKind::Invitation))
    }

    /// Exchanges an invitation for the sign-in of a browser: once.
    ///
    /// # Errors
    /// As [`People::invite`].
    pub async fn join(&self, token: &str, now: Timestamp) -> io::Result<Option<(Member, String)>> {
        let own = random_token()?;
        let (from, hash) = (stored(&hash_of(token)), hash_of(&own));
        let mut joined = None;
        self.change(now, |known| {
            for (name, person) in known.iter_mut() {
                let invitation = person.accesses.iter_mut();
                let invitation =
                    invitation.filter(|it| it.kind == AccessKind::Invitation).find(|access| access.hash == from);
                if let Some(access) = invitation {
                    let until = now + access.span.unwrap_or(INVITATION);
                    let kind = AccessKind::Browser;
                    *access = Access { hash: stored(&hash), kind, since: now, until, span: None };
                    joined = Some(Member { name: name.clone(), role: person.role, hash, until });
                }
            }
        })
        .await?;
        Ok(joined.map(|member| (member, own)))
    }

    /// Whose token this is, of a browser or a script.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn member(&self, token: &str, now: Timestamp) -> io::Result<Option<Member>> {
        Ok(find(&self.read(now).await?, token, |kind| kind != AccessKind::Invitation))
    }

    /// Whether a token that held still does.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn still(&self, member: &Member, now: Timestamp) -> io::Result<bool> {
        let hash = stored(&member.hash);
        let known = self.read(now).await?;
        let person = known.get(&member.name).filter(|person| person.role == member.role);
        Ok(person.is_some_and(|person| person.accesses.iter().any(|access| access.hash == hash)))
    }

    /// Takes one token back.
    ///
    /// # Errors
    /// As [`People::invite`].
    pub async fn forget(&self, hash: [u8; 32], now: Timestamp) -> io::Result<()> {
        let hash = stored(&hash);
        self.change(now, |known| {
            known.values_mut().for_each(|person| person.accesses.retain(|access| access.hash != hash));
        })
        .await
    }

    /// Takes all back from somebody; whether there was one of that name.
    ///
    /// # Errors
    /// As [`People::invite`].
    pub async fn revoke(&self, name: &str, now: Timestamp) -> io::Result<bool> {
        let mut was = false;
        self.change(now, |known| was = known.remove(name).is_some()).await?;
        Ok(was)
    }

    /// Everybody who has a token that holds.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn list(&self, now: Timestamp) -> io::Result<BTreeMap<String, Person>> {
        self.read(now).await
    }

    /// What is another one whenever the people may be others: a look at the file without reading it.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let found = std::fs::metadata(&self.file).ok();
        Stamp(found.map(|file| (file.ino(), file.len(), file.mtime(), file.mtime_nsec())))
    }

    async fn read(&self, now: Timestamp) -> io::Result<Known> {
        let mut file = SharedFile::lock(&self.file).await?;
        self.read_locked(&mut file, now)
    }

    async fn change(&self, now: Timestamp, change: impl FnOnce(&mut Known)) -> io::Result<()> {
        let mut file = SharedFile::lock(&self.file).await?;
        let mut known = self.read_locked(&mut file, now)?;
        change(&mut known);
        known.retain(|_, person| !person.accesses.is_empty());
        file.write(&known)
    }

    /// What holds. A file that says something else is never overwritten.
    fn read_locked(&self, file: &mut SharedFile, now: Timestamp) -> io::Result<Known> {
        if file.is_empty()? {
            return Ok(Known::new());
        }
        let broken = || {
            let text = format!("{} names no people; move it away, and invite them again", self.file.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let mut known: Known = file.read()?.ok_or_else(broken)?;
        known.values_mut().for_each(|person| person.accesses.retain(|access| access.until > now));
        known.retain(|_, person| !person.accesses.is_empty());
        Ok(known)
    }
}

fn find(known: &Known, token: &str, wanted: impl Fn(AccessKind) -> bool) -> Option<Member> {
    let hash = hash_of(token);
    let text = stored(&hash);
    known.iter().find_map(|(name, person)| {
        let access = person.accesses.iter().find(|access| access.hash == text && wanted(access.kind))?;
        Some(Member { name: name.clone(), role: person.role, hash, until: access.until })
    })
}

fn random_token() -> io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"tmuxagent panel\0").chain_update(token).finalize().into()
}

fn stored(hash: &[u8; 32]) -> String {
    STANDARD_NO_PAD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const MONTH: Millis = Millis::from_secs(30 * 86_400);

    fn people() -> (People, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (People::new(folder.path().join("people.json")), folder)
    }

    #[tokio::test]
    async fn an_invitation_is_opened_once_and_only_hashes_are_kept() {
        let (people, folder) = people();
        let invitation = people.invite("mei", Role::Decide, MONTH, NOW).await.unwrap();
        assert_eq!(people.member(&invitation, NOW).await.unwrap(), None, "it signs nobody in by itself");
        assert_eq!(people.invited(&invitation, NOW).await.unwrap().unwrap().name, "mei");
        let (joined, token) = people.join(&invitation, NOW).await.unwrap().unwrap();
        assert_eq!((joined.role, joined.until), (Role::Decide, NOW + MONTH));
        assert_eq!(people.join(&invitation, NOW).await.unwrap(), None, "once");
        assert_eq!(people.member(&token, NOW).await.unwrap(), Some(joined.clone()));
        assert_eq!(people.member(&token, NOW + MONTH).await.unwrap(), None, "its time is over");
        let file = folder.path().join("people.json");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&token) && !text.contains(&invitation), "{text}");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        people.forget(joined.hash, NOW).await.unwrap();
        assert_eq!(people.member(&token, NOW).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_taken_back_lets_nobody_in() {
        let (people, _folder) = people();
        let script = people.issue("mei", Role::Admin, MONTH, NOW).await.unwrap();
        let other = people.issue("li", Role::View, MONTH, NOW).await.unwrap();
        let mei = people.member(&script, NOW).await.unwrap().unwrap();
        assert!(people.still(&mei, NOW).await.unwrap());
        // Another role is another sign-in's right at once.
        people.invite("mei", Role::View, MONTH, NOW).await.unwrap();
        assert!(!people.still(&mei, NOW).await.unwrap());
        assert_eq!(people.member(&script, NOW).await.unwrap().unwrap().role, Role::View);
        assert!(people.revoke("mei", NOW).await.unwrap() && !people.revoke("mei", NOW).await.unwrap());
        assert_eq!(people.member(&script, NOW).await.unwrap(), None);
        assert_eq!(people.member(&other, NOW).await.unwrap().unwrap().name, "li");
        assert_eq!(people.list(NOW).await.unwrap().keys().collect::<Vec<_>>(), ["li"]);
    }

    #[tokio::test]
    async fn an_unopened_invitation_is_worth_nothing_after_a_day() {
        let (people, _folder) = people();
        let invitation = people.invite("mei", Role::View, MONTH, NOW).await.unwrap();
        let later = NOW + INVITATION;
        assert_eq!(people.invited(&invitation, later).await.unwrap(), None);
        assert_eq!(people.join(&invitation, later).await.unwrap(), None);
        assert!(people.list(later).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_broken_file_is_not_overwritten() {
        let (people, folder) = people();
        let file = folder.path().join("people.json");
        std::fs::write(&file, "[7]").unwrap();
        assert!(people.invite("mei", Role::View, MONTH, NOW).await.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "[7]");
    }

    #[test]
    fn a_name_is_one_line_that_shows_all_it_holds() {
        assert_eq!(valid_name(" 小美 "), Some("小美".to_owned()));
        for bad in ["", "  ", "a\nb", "a\u{202e}b", "\u{1b}[1m"] {
            assert_eq!(valid_name(bad), None, "{bad:?}");
        }
        assert_eq!(valid_name(&"x".repeat(65)), None);
    }
}
