//! Alerts: messages, outbox, routing, one file per channel.
