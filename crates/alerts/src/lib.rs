//! Alerts: messages, outbox, routing, one file per channel.

// `pub` means: for other crates.
#![warn(unreachable_pub)]

mod again;
pub mod channel;
pub mod config;
pub mod decide;
pub mod delivery;
pub mod dial;
pub mod http;
mod line;
pub mod manual;
pub mod markdown;
pub mod markup;
pub mod message;
mod overdue;
pub mod press;
mod put_back;
mod readership;
pub mod request_file;
pub mod route;
pub mod shared_file;
pub mod token;
pub mod web;
