//! Alerts: messages, outbox, routing, one file per channel.

pub mod markup;
pub mod redact;
pub mod text;
pub mod words;
