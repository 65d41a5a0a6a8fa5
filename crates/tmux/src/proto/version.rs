//! tmux's version numbers, and what the collector may use from each on.

use std::fmt;
use std::str::FromStr;

/// A version such as `3.3a`. The server's counts (`#{version}`), not the binary's: they differ after an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u16,
    minor: u16,
    /// 0 without a letter, 1 for `a`, …
    patch: u8,
}

impl Version {
    /// Pane options, octal escapes and `{}`: the guarded send works from here on.
    pub const SENDS: Self = Self { major: 3, minor: 0, patch: 0 };
    /// Subscriptions, `-N`, client flags and flow control.
    pub const FULL: Self = Self { major: 3, minor: 2, patch: 0 };
    /// The crashes around attaching and flow control are mended.
    pub const MENDED: Self = Self { major: 3, minor: 7, patch: 0 };
    /// `respawn-pane` on a pane that prints crashes no server whose control clients get its output (tmux issue 5498).
    pub const RESPAWNS: Self = Self { major: 3, minor: 8, patch: 0 };
    /// Newer than all others: development builds without a number.
    pub const NEWEST: Self = Self { major: u16::MAX, minor: 0, patch: 0 };

    /// Whether a control client can be attached at all.
    #[must_use]
    pub fn has_control(self) -> bool {
        self >= Self::SENDS
    }

    /// Whether subscriptions, client flags and `pause`/`continue` exist.
    #[must_use]
    pub fn is_full(self) -> bool {
        self >= Self::FULL
    }
}

/// A text that names no tmux version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a tmux version")]
pub struct VersionError(pub String);

impl FromStr for Version {
    type Err = VersionError;

    /// Reads `3.3a`, `tmux 3.3a`, `next-3.8`, `3.6-rc2`, `openbsd-7.6` and `master`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let text = text.trim();
        let name = text.strip_prefix("tmux ").unwrap_or(text);
        if name == "master" || name.starts_with("openbsd-") {
            // The base system's tmux is built from the head of development.
            return Ok(Self::NEWEST);
        }
        let name = name.strip_prefix("next-").unwrap_or(name);
        let error = || VersionError(text.to_owned());
        let (major, rest) = name.split_once('.').ok_or_else(error)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let patch = match rest.as_bytes().get(digits) {
            Some(letter @ b'a'..=b'z') => letter - b'a' + 1,
            _ => 0,
        };
        Ok(Self {
            major: major.parse().map_err(|_| error())?,
            minor: rest.get(..digits).and_then(|d| d.parse().ok()).ok_or_else(error)?,
            patch,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEWEST {
            return f.write_str("development");
        }
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 {
            write!(f, "{}", char::from(b'a' + self.patch - 1))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_tmux_writes_them_and_sorted() {
        let read = |text: &str| text.parse::<Version>().map(|v| v.to_string()).map_err(|e| e.to_string());
        assert_eq!(read("3.3a").as_deref(), Ok("3.3a"));
        assert_eq!(read("tmux 2.6\n").as_deref(), Ok("2.6"));
        assert_eq!(read("next-3.8").as_deref(), Ok("3.8"));
        assert_eq!(read("3.6-rc2").as_deref(), Ok("3.6"));
        assert_eq!(read("openbsd-7.6").as_deref(), Ok("development"));
        assert_eq!(read("three").as_deref(), Err(&"`three` is not a tmux version".to_owned()));
        let order = ["2.6", "3.0a", "3.1c", "3.2", "3.2a", "3.3a", "3.7", "3.10"];
        let read: Vec<Version> = order.iter().filter_map(|text| text.parse().ok()).collect();
        assert_eq!(read.len(), order.len());
        assert!(read.is_sorted());
        assert!("3.1c".parse::<Version>().is_ok_and(|v| v.has_control() && !v.is_full()));
    }
}
