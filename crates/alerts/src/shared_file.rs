//! A small JSON file that several processes share: one writer at a time, readable by its owner only.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The file, locked for this process; the lock ends when it is dropped.
pub struct SharedFile {
    file: File,
}

impl SharedFile {
    /// Opens and locks the file, which is made when it does not exist, with mode 0600. Waits for other processes on a
    /// thread where waiting is allowed.
    ///
    /// # Errors
    /// When the folder or the file can't be opened, or the file is a symbolic link.
    pub async fn lock(path: &Path) -> io::Result<Self> {
        let path: PathBuf = path.to_owned();
        tokio::task::spawn_blocking(move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(flags)
                .open(&path)?;
            file.lock()?;
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            Ok(Self { file })
        })
        .await
        .map_err(io::Error::other)?
    }

    /// Whether it holds nothing, as a file just made.
    ///
    /// # Errors
    /// When its size can't be asked for.
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() == 0)
    }

    /// What the file holds; `None` when it is empty or not readable as `T`.
    ///
    /// # Errors
    /// When reading fails.
    pub fn read<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut text = String::new();
        self.file.seek(io::SeekFrom::Start(0))?;
        Read::by_ref(&mut self.file).take(1024 * 1024).read_to_string(&mut text)?;
        Ok(serde_json::from_str(&text).ok())
    }

    /// Replaces what the file holds.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let text = serde_json::to_string(value)?;
        self.file.seek(io::SeekFrom::Start(0))?;
        self.file.set_len(0)?;
        self.file.write_all(text.as_bytes())?;
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writers_take_turns_and_nobody_else_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/count.json");
        let add = |path: PathBuf| async move {
            let mut file = SharedFile::lock(&path).await.unwrap();
            let count: u32 = file.read().unwrap().unwrap_or(0);
            tokio::task::yield_now().await;
            file.write(&(count + 1)).unwrap();
        };
        let all: Vec<_> = (0..20).map(|_| tokio::spawn(add(path.clone()))).collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "20");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
