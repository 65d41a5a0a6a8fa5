//! The control room for AI agents and pipelines that work in tmux.
#![doc = include_str!("../ARCHITECTURE.md")]

// In reading order.
pub mod approval;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crash;
pub mod engine;
pub mod i18n;
pub mod ipc;
pub mod lines;
pub mod model;
pub mod notify;
pub mod policy;
pub mod store;
pub mod supervisor;
pub mod tmux;
pub mod ui;
pub mod web;
pub mod workspace;
pub mod wrapper;
pub mod yaml;
