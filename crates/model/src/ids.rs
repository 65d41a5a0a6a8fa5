//! Identities. A pane is a host, a tmux server, a pane id and the pane's process; a restarted
//! server or a respawned pane is another pane, so nothing meant for the old one reaches the new.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A text that is not the identity it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {expected}")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// The form that was expected, for example ``pane id such as `%3` ``.
    pub expected: &'static str,
}

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident, $sigil:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($sigil, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($sigil)
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .ok_or_else(|| IdError { text: text.to_owned(), expected: $expected })
            }
        }

        text_serde!($name);
    };
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl $name {
            /// Wraps a text.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Serialises by `Display` and `FromStr`, so that the identity may be a key of a JSON map.
macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

numbered!(
    /// A tmux pane id, `%3`; unique within one life of a server.
    PaneId, "%", "pane id such as `%3`"
);
numbered!(
    /// A tmux window id, `@2`.
    WindowId, "@", "window id such as `@2`"
);
numbered!(
    /// A tmux session id, `$1`.
    SessionId, "$", "session id such as `$1`"
);
named!(
    /// The name of a watched machine in the configuration; `local` is this one.
    HostName
);
named!(
    /// The identity that we give a tmux server once, in its option `@tmuxagent_server`.
    ServerId
);
named!(
    /// The identity of an approval, sortable by the time it was asked.
    ApprovalId
);
named!(
    /// The identity of an effect; also the idempotency mark that the pane remembers. ASCII letters, digits and `-`.
    IntentId
);

impl Default for HostName {
    /// [`HostName::local`].
    fn default() -> Self {
        Self::local()
    }
}

impl HostName {
    /// The machine that the supervisor runs on.
    #[must_use]
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

/// The number of a run; counts up for ever within one state database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl FromStr for RunId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        digits.parse().map(Self).map_err(|_| IdError { text: text.to_owned(), expected: "run such as `#12`" })
    }
}

/// One pane of one life of one tmux server, with the process that runs in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaneKey {
    /// The machine.
    pub host: HostName,
    /// The server's identity on that machine.
    pub server: ServerId,
    /// tmux's pane id.
    pub pane: PaneId,
    /// `#{pane_pid}`; another after a respawn.
    pub pid: u32,
}

impl fmt::Display for PaneKey {
    /// The whole identity, `host/server/%3/4711`; for people, write host and pane id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.host, self.server, self.pane, self.pid)
    }
}

impl PaneKey {
    /// A place with the pane's own id behind it: windows may bear one name, and the places of their panes are the same.
    #[must_use]
    pub fn told(&self, place: &str) -> String {
        let id = self.pane.to_string();
        match place {
            "" => id,
            // A pane that is not known is named by it already.
            named if named.ends_with(&format!(":{id}")) => named.to_owned(),
            place => format!("{place} {id}"),
        }
    }
}

impl FromStr for PaneKey {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError { text: text.to_owned(), expected: "pane identity `host/server/%3/pid`" };
        let mut parts = text.rsplitn(4, '/');
        let (Some(pid), Some(pane), Some(server), Some(host)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error());
        };
        Ok(Self {
            host: HostName::new(host),
            server: ServerId::new(server),
            pane: pane.parse()?,
            pid: pid.parse().map_err(|_| error())?,
        })
    }
}

text_serde!(PaneKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_identity_survives_its_text() {
        let key = PaneKey { host: HostName::new("nas"), server: ServerId::new("0192-ab"), pane: PaneId(7), pid: 42 };
        assert_eq!(key.to_string(), "nas/0192-ab/%7/42");
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        let json = serde_json::to_string(&key).ok();
        assert_eq!(json.as_deref(), Some("\"nas/0192-ab/%7/42\""));
    }

    #[test]
    fn two_panes_of_one_place_are_told_apart() {
        let key = |pane| PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(pane), pid: 1 };
        assert_eq!([7, 8].map(|pane| key(pane).told("proj:ci.0")), ["proj:ci.0 %7", "proj:ci.0 %8"]);
        assert_eq!((key(7).told("local:%7"), key(7).told("")), ("local:%7".to_owned(), "%7".to_owned()));
    }

    #[test]
    fn a_wrong_sigil_is_named() {
        let error = "3".parse::<PaneId>().err().map(|e| e.to_string());
        assert_eq!(error.as_deref(), Some("`3` is not a pane id such as `%3`"));
    }
}
