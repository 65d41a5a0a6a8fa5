//! YAML as people write it by hand: policies and their tests, the configuration, workspaces, key maps.
//!
//! A text becomes a tree in which every key and value knows its [`Place`]; who reads the tree adds what is wrong to
//! [`Problems`] and goes on, so that all of it is told at once ([`Diagnostics`]). A [`Reader`] does so for maps that are
//! read by hand; the policy language has a table of its own, from which its schema comes too.
//!
//! **Invariants:** pure; `true` and `false` are the only flags; a repeated key is an error, never last-wins.

// `pub` means: for other crates.
#![warn(unreachable_pub)]
// Tests read their fixtures.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

mod advice;
mod diagnostic;
mod fields;
mod include;
mod nearest;
mod problems;
mod source;
mod tree;
mod units;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use fields::{Fields, Reader};
pub use include::{beside, included, same_file};
pub use nearest::nearest;
pub use problems::{Draft, Problems};
pub use source::{Place, Source};
pub use tree::{Key, Kind, Node, parse, quoted};
pub use units::{parse_duration, read_duration};

#[cfg(test)]
mod tests;
