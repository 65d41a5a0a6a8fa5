//! The secret from which the engine makes identities that no program in a pane can guess. It lies beside the database and
//! lives as long as it: the journal leads to the same state only with the same identities.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The file's name in the state folder: 32 hexadecimal digits.
const FILE: &str = "identities";

/// Reads the secret of a state folder, and makes one where there is none yet.
pub(crate) fn of(state_dir: &Path) -> Result<[u64; 2], Error> {
    let path = state_dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(text.trim()).ok_or_else(|| {
            let why =
                format!("{} does not hold 32 hexadecimal digits; remove it, and another one is made", path.display());
            Error::new(ErrorKind::InvalidData, why)
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let random = || getrandom::u64().map_err(|error| Error::other(error.to_string()));
            let secret = [random()?, random()?];
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            writeln!(file, "{:016x}{:016x}", secret[0], secret[1])?;
            file.sync_all()?;
            Ok(secret)
        }
        Err(error) => Err(error),
    }
}

fn parse(text: &str) -> Option<[u64; 2]> {
    let (one, other) = text.split_at_checked(16).filter(|_| text.len() == 32)?;
    Some([u64::from_str_radix(one, 16).ok()?, u64::from_str_radix(other, 16).ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_keeps_its_own() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = of(one.path()).unwrap();
        assert_eq!(of(one.path()).unwrap(), first);
        assert_ne!(of(other.path()).unwrap(), first);
        let mode = std::os::unix::fs::PermissionsExt::mode(&one.path().join(FILE).metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(one.path().join(FILE), "nothing").unwrap();
        assert!(of(one.path()).unwrap_err().to_string().contains("32 hexadecimal digits"));
    }
}
