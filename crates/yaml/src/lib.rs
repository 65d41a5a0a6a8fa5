//! YAML with places: a text becomes a tree in which every key and value knows its line and column, and wrong
//! parts become [`Diagnostic`]s, all of them at once.
//!
//! Used for the configuration, policies, key maps and whatever else people write by hand.
//! **Invariants:** pure; `true` and `false` are the only booleans; a repeated key is an error, never last-wins.

// Tests read their fixtures.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

mod diagnostic;
mod fields;
mod tree;
mod units;

pub use diagnostic::{Diagnostic, Level, Source, nearest, render_all};
pub use fields::{Fields, Reader};
pub use tree::{Key, Node, Span, Value, parse};
pub use units::{parse_duration, parse_size, read_duration};

#[cfg(test)]
mod tests;
