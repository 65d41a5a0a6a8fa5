//! Alerts: messages, outbox, routing, one file per channel.

pub mod channel;
pub mod config;
pub mod decide;
pub mod dial;
pub mod http;
pub mod manual;
pub mod markdown;
pub mod markup;
pub mod message;
pub mod outbox;
pub mod press;
pub mod request_file;
pub mod route;
pub(crate) mod rows;
pub mod shared_file;
pub mod token;
pub mod web;
