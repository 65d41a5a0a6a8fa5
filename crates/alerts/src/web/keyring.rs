//! The key file of signed links.

use super::Links;
use crate::shared_file::SharedFile;
use crate::token::{Key, Keyring};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use tmuxagent_model::Timestamp;

/// What the file holds; keys in base64.
#[derive(Serialize, Deserialize)]
struct Stored {
    current: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<Former>,
}

/// A key that signs no more.
#[derive(Clone, Serialize, Deserialize)]
struct Former {
    key: String,
    /// When the last of its links has expired.
    until: Timestamp,
}

/// The keys of `file` (mode 0600), which is made with a random key when it does not exist. With `secret`
/// (`APPROVAL_SECRET`) the key it stands for signs, and the file's key is still accepted.
///
/// # Errors
/// When the file can't be read or written, or holds something else: it is never overwritten then.
pub async fn load_or_create(file: &Path, secret: Option<&str>, now: Timestamp) -> io::Result<Keyring> {
    let mut shared = SharedFile::lock(file).await?;
    let mut ring = if shared.is_empty()? {
        let key = random_key()?;
        shared.write(&Stored { current: STANDARD.encode(key.bytes()), former: Vec::new() })?;
        Keyring { current: key, previous: Vec::new() }
    } else {
        read(&mut shared, file, now)?.0
    };
    if let Some(secret) = secret {
        let own = std::mem::replace(&mut ring.current, Key::from_secret(secret));
        ring.previous.insert(0, own);
    }
    Ok(ring)
}

/// Puts a new key in front; those before it are accepted until the last of their links has expired.
///
/// # Errors
/// As [`load_or_create`].
pub async fn rotate(file: &Path, now: Timestamp) -> io::Result<Keyring> {
    let mut shared = SharedFile::lock(file).await?;
    let (mut previous, mut former) = (Vec::new(), Vec::new());
    if !shared.is_empty()? {
        let (ring, kept) = read(&mut shared, file, now)?;
        former.push(Former { key: STANDARD.encode(ring.current.bytes()), until: now + Links::LONGEST });
        former.extend(kept);
        previous.push(ring.current);
        previous.extend(ring.previous);
    }
    let current = random_key()?;
    shared.write(&Stored { current: STANDARD.encode(current.bytes()), former })?;
    Ok(Keyring { current, previous })
}

/// The keys, and what is kept of those that sign no more.
fn read(shared: &mut SharedFile, file: &Path, now: Timestamp) -> io::Result<(Keyring, Vec<Former>)> {
    let broken = || {
        let text = format!("{} holds no keys; move it away to get new ones (open links then end)", file.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    };
    let key = |text: &str| STANDARD.decode(text).ok()?.try_into().ok().map(Key::new);
    let mut stored: Stored = shared.read()?.ok_or_else(broken)?;
    let current = key(&stored.current).ok_or_else(broken)?;
    stored.former.retain(|former| former.until > now);
    let previous = stored.former.iter().filter_map(|former| key(&former.key)).collect();
    Ok((Keyring { current, previous }, stored.former))
}

fn random_key() -> io::Result<Key> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(Key::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tmuxagent_model::Millis;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    #[tokio::test]
    async fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("link-keys.json");
        let first = load_or_create(&file, None, NOW).await.unwrap();
        let again = load_or_create(&file, None, NOW).await.unwrap();
        assert_eq!((first.current.clone(), Vec::new()), (again.current, again.previous));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let second = rotate(&file, NOW).await.unwrap();
        assert_eq!(second.previous, std::slice::from_ref(&first.current));
        // Twice within the life of a link: those of the first still hold.
        let third = rotate(&file, NOW).await.unwrap();
        assert_eq!(third.previous, [second.current, first.current]);
        assert_eq!(load_or_create(&file, None, NOW).await.unwrap().previous, third.previous);
    }

    #[tokio::test]
    async fn a_key_is_forgotten_once_its_links_have_expired() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("link-keys.json");
        load_or_create(&file, None, NOW).await.unwrap();
        rotate(&file, NOW).await.unwrap();
        let later = NOW + Links::LONGEST;
        let ring = load_or_create(&file, None, Timestamp(later.0 - 1)).await.unwrap();
        assert_eq!(ring.previous.len(), 1);
        assert_eq!(load_or_create(&file, None, later).await.unwrap().previous, []);
        rotate(&file, later + Millis(1)).await.unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches("until").count(), 1, "{text}");
    }

    #[tokio::test]
    async fn a_secret_of_the_environment_signs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let own = load_or_create(&file, None, NOW).await.unwrap();
        let ring = load_or_create(&file, Some("dinner"), NOW).await.unwrap();
        assert_eq!((ring.current, ring.previous), (Key::from_secret("dinner"), vec![own.current]));
    }

    #[tokio::test]
    async fn a_broken_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        std::fs::write(&file, "{}").unwrap();
        assert!(load_or_create(&file, None, NOW).await.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(load_or_create(&link, None, NOW).await.is_err(), "no symbolic links");
    }
}
