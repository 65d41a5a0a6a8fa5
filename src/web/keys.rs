//! The key file of signed links.

use crate::approval::token::{Key, Keyring};
use crate::notify::shared_file::SharedFile;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// What the file holds; keys in base64.
#[derive(Serialize, Deserialize)]
struct Stored {
    current: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

/// The keys of `file` (mode 0600), which is made with a random key when it does not exist. With `secret`
/// (`APPROVAL_SECRET`) the key it stands for signs, and the file's key is still accepted.
///
/// # Errors
/// When the file can't be read or written, or holds something else: it is never overwritten then.
pub async fn load_or_create(file: &Path, secret: Option<&str>) -> io::Result<Keyring> {
    let mut shared = SharedFile::lock(file).await?;
    let ring = if shared.is_empty()? {
        let key = random_key()?;
        shared.write(&Stored { current: STANDARD.encode(key.bytes()), previous: None })?;
        Keyring { current: key, previous: None }
    } else {
        read(&mut shared, file)?
    };
    Ok(match secret {
        Some(secret) => Keyring { current: Key::from_secret(secret), previous: Some(ring.current) },
        None => ring,
    })
}

/// Puts a new key in front; the one before it is accepted until the next rotation, which should come later than its
/// links expire.
///
/// # Errors
/// As [`load_or_create`].
pub async fn rotate(file: &Path) -> io::Result<Keyring> {
    let mut shared = SharedFile::lock(file).await?;
    let previous = if shared.is_empty()? { None } else { Some(read(&mut shared, file)?.current) };
    let current = random_key()?;
    let encoded = |key: &Key| STANDARD.encode(key.bytes());
    shared.write(&Stored { current: encoded(&current), previous: previous.as_ref().map(encoded) })?;
    Ok(Keyring { current, previous })
}

fn read(shared: &mut SharedFile, file: &Path) -> io::Result<Keyring> {
    let broken = || {
        let text = format!("{} holds no keys; move it away to get new ones (open links then end)", file.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    };
    let key = |text: &str| STANDARD.decode(text).ok()?.try_into().ok().map(Key::new);
    let stored: Stored = shared.read()?.ok_or_else(broken)?;
    let current = key(&stored.current).ok_or_else(broken)?;
    Ok(Keyring { current, previous: stored.previous.as_deref().and_then(key) })
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

    #[tokio::test]
    async fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("link-keys.json");
        let first = load_or_create(&file, None).await.unwrap();
        let again = load_or_create(&file, None).await.unwrap();
        assert_eq!((first.current.clone(), None), (again.current, again.previous));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let rotated = rotate(&file).await.unwrap();
        assert_eq!(rotated.previous, Some(first.current));
        assert_eq!(load_or_create(&file, None).await.unwrap().previous, rotated.previous);
    }

    #[tokio::test]
    async fn a_secret_of_the_environment_signs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let own = load_or_create(&file, None).await.unwrap();
        let ring = load_or_create(&file, Some("dinner")).await.unwrap();
        assert_eq!((ring.current, ring.previous), (Key::from_secret("dinner"), Some(own.current)));
    }

    #[tokio::test]
    async fn a_broken_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        std::fs::write(&file, "{}").unwrap();
        assert!(load_or_create(&file, None).await.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(load_or_create(&link, None).await.is_err(), "no symbolic links");
    }
}
