//! A line from the one before it, and back. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use tmuxagent_model::Timestamp;

/// The end of a chain: its last line's number, and that line's SHA-256, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Link {
    pub(crate) n: u64,
    pub(crate) digest: String,
}

/// What every line has.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) n: u64,
    pub(crate) prev: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) at: Timestamp,
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) signature: String,
}

/// The kind of a signed line.
pub(crate) const HEAD: &str = "head";

/// The SHA-256 of a line without its end.
pub(crate) fn digest(line: &str) -> String {
    Sha256::digest(line).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The next line, which tells this.
pub(crate) fn next(last: &Link, mut told: Value) -> (String, Link) {
    let n = last.n + 1;
    told["n"] = n.into();
    told["prev"] = last.digest.clone().into();
    let line = told.to_string();
    let digest = digest(&line);
    (line, Link { n, digest })
}

/// A line that vouches for all before it.
pub(crate) fn head(last: &Link, at: Timestamp, key: &Ed25519KeyPair) -> (String, Link) {
    let signature = STANDARD.encode(key.sign(signed(last.n, &last.digest).as_bytes()));
    let public = STANDARD.encode(key.public_key());
    next(last, json!({ "at": at, "kind": HEAD, "key": public, "signature": signature }))
}

/// What a head signs.
fn signed(n: u64, digest: &str) -> String {
    format!("tmuxagent audit\0{n}\0{digest}")
}

/// Whether a head vouches for the line before it.
pub(crate) fn vouches(line: &Line) -> bool {
    let decoded = |text: &str| STANDARD.decode(text).unwrap_or_default();
    let key = UnparsedPublicKey::new(&ED25519, decoded(&line.key));
    let text = signed(line.n.saturating_sub(1), &line.prev);
    key.verify(text.as_bytes(), &decoded(&line.signature)).is_ok()
}
