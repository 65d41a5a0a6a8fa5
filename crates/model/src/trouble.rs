//! Why something is wrong, as values; the words per language are in `text`. What an earlier version stored as a sentence
//! stays one.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a `SENTRY` message can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Malformed {
    /// The agent's screen shows only its beginning.
    CutOff,
    /// Its JSON does not end.
    NotClosed,
    /// It is no JSON, as the reader says.
    NotJson(String),
    /// It is another kind of JSON.
    NotAnObject,
    /// It names no type.
    NoType,
    /// Its type is none of the protocol's.
    UnknownType(String),
    /// That field is no text.
    NotText(String),
    /// That field is neither true nor false.
    NotTruth(String),
    /// That field is no list of texts.
    NotTexts(String),
    /// That field is no exit code.
    NotExitCode(String),
    /// That field is no map of values, each of one line.
    NotValues(String),
    /// A sentence of an earlier version.
    #[serde(untagged)]
    Told(String),
}

impl fmt::Display for Malformed {
    /// A lower-case fragment in English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => write!(f, "cut off on the agent's screen"),
            Self::NotClosed => write!(f, "the JSON is not closed"),
            Self::NotJson(error) => write!(f, "not valid JSON: {error}"),
            Self::NotAnObject => write!(f, "not a JSON object"),
            Self::NoType => write!(f, "no `type`"),
            Self::UnknownType(name) => write!(f, "unknown type `{name}`"),
            Self::NotText(field) => write!(f, "`{field}` is not a text"),
            Self::NotTruth(field) => write!(f, "`{field}` is neither true nor false"),
            Self::NotTexts(field) => write!(f, "`{field}` is not a list of texts"),
            Self::NotExitCode(field) => write!(f, "`{field}` is not an exit code"),
            Self::NotValues(field) => write!(f, "`{field}` is not a map of values of one line"),
            Self::Told(text) => write!(f, "{text}"),
        }
    }
}

/// Why a part of the supervisor fails now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Its address is taken or can't be used.
    Listen {
        /// The address.
        address: String,
        /// The system's word.
        error: String,
    },
    /// Links can't be signed.
    NoLinkKey {
        /// Why there is no key.
        error: String,
    },
    /// A host's collector ended by itself and is started again.
    CollectorFailed,
    /// A host's collector can't be started, and is tried again.
    CollectorNotStarted {
        /// Why.
        error: String,
    },
    /// The state can't be written, so nothing is sent.
    NotSaved {
        /// Why.
        error: String,
    },
    /// What another part says of it: a file's reader, a service, the database.
    #[serde(untagged)]
    Told(String),
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self::Told(text)
    }
}

impl From<&str> for Trouble {
    fn from(text: &str) -> Self {
        Self::Told(text.to_owned())
    }
}

impl fmt::Display for Trouble {
    /// A sentence in English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => {
                write!(f, "can't listen on {address}: {error}; choose a free address in the configuration")
            }
            Self::NoLinkKey { error } => write!(f, "no key for signed links: {error}"),
            Self::CollectorFailed => write!(f, "its collector failed; it is started again"),
            Self::CollectorNotStarted { error } => {
                write!(f, "its collector can't be started: {error}; it is tried again")
            }
            Self::NotSaved { error } => write!(f, "{error}; nothing is sent until the state can be saved"),
            Self::Told(text) => write!(f, "{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_of_an_earlier_version_is_read_and_written_as_it_was() {
        let old = r#""bad policy""#;
        assert_eq!(serde_json::from_str::<Trouble>(old).unwrap(), Trouble::from("bad policy"));
        assert_eq!(serde_json::from_str::<Malformed>(old).unwrap(), Malformed::Told("bad policy".to_owned()));
        assert_eq!(serde_json::to_string(&Trouble::from("bad policy")).unwrap(), old);
        let new = [Trouble::CollectorFailed, Trouble::NotSaved { error: "full".to_owned() }];
        for trouble in new {
            let text = serde_json::to_string(&trouble).unwrap();
            assert_eq!(serde_json::from_str::<Trouble>(&text).unwrap(), trouble, "{text}");
        }
        let text = serde_json::to_string(&Malformed::NotText("ok".to_owned())).unwrap();
        assert_eq!(serde_json::from_str::<Malformed>(&text).unwrap(), Malformed::NotText("ok".to_owned()));
    }
}
