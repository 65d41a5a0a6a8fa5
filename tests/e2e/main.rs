//! End-to-end tests with real tmux servers on private sockets.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "what a failing test saw, and what a long one did")]

mod agent;
mod agent_states;
mod away;
mod claims;
mod collector;
mod deciding;
mod decisions;
mod demo;
mod differential;
mod expected;
mod faults;
mod flood;
mod hazards;
mod hostile;
mod identity;
mod integration;
mod jump;
mod kept;
mod killed;
mod kills;
mod lines;
mod link;
mod mishaps;
mod policies;
mod product;
mod prompts;
mod proto;
mod readers;
mod readers_figures;
mod reload;
mod requoted;
mod respawned;
mod screen;
mod sending;
mod shells;
mod ssh;
mod support;
mod told;
mod verdicts;
mod verdicts_figures;
mod versions;
mod workspace;
mod workspace_shells;
mod wrapper;
