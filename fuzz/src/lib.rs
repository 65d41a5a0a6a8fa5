//! The targets, shared with the test that plays their corpora.

#[path = "../../tests/it/corpora/targets.rs"]
pub mod targets;
