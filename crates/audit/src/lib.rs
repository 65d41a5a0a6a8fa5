//! The audit trail: what was typed, decided, told and configured, one JSON object a line, each with the digest of the line
//! before it, and every now and then a line signed by the supervisor's key.
//!
//! - `chain`: a line from the one before it, and back. Pure. `entry`: what is worth a line.
//! - `trail`: the files, which are only added to. `verify`: whether they are as they were written.
//!
//! **Invariants:** a line is never changed, and a new file begins with the digest of the old one's last line. What a line
//! tells was redacted before. A line that is changed, taken out, put in or moved shows; so does a trail that was cut, to who
//! kept a later head. Whoever has the key's file can write another trail: keep heads where he can't.

#![warn(unreachable_pub)]

mod chain;
mod entry;
mod trail;
mod verify;

pub use entry::{Entry, of_note};
pub use trail::{Position, Trail, folder_of};
pub use verify::{Break, Verified, verify};
