//! Integration tests over the library's and the binary's public faces; one binary, so that it links once.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy exempts only #[test] functions"
)]

mod agent;
mod auto_answers;
mod bundled;
mod cli;
mod config;
mod corpora;
mod dashboards;
mod db;
mod doctor;
mod empty;
mod engine;
mod exhausted;
mod findings;
mod fits;
mod full_output;
mod hints;
mod hooks;
mod named_files;
mod notify;
mod policy;
mod policy_cli;
mod readme;
mod release;
#[cfg(target_os = "linux")]
mod service;
mod shell_function;
mod shelldata;
mod simulation;
mod support;
mod tidy;
mod usage;
mod wording;
