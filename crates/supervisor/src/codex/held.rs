//! One look at a server, for people who ask why a state is believed.

use super::link::open;
use futures_util::{SinkExt as _, StreamExt as _};
use std::path::Path;
use std::time::Duration;
use tmuxagent_agents::codex_server::{self, Said, Thread, speaks};
use tokio_tungstenite::tungstenite::Message;

/// How long it may take altogether.
const LIMIT: Duration = Duration::from_secs(2);

/// What a server holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its version.
    pub version: String,
    /// Whether a server of this version is spoken with; else nothing more is known of it.
    pub spoken_with: bool,
    /// The persons' conversations.
    pub threads: Vec<Thread>,
}

/// Asks the server at a socket what it holds; `None` where none answers in time.
pub async fn held_at(socket: &Path) -> Option<Held> {
    tokio::time::timeout(LIMIT, ask(socket)).await.ok()?
}

async fn ask(socket: &Path) -> Option<Held> {
    let mut stream = open(socket).await.ok()?;
    for text in codex_server::hello(env!("CARGO_PKG_VERSION")) {
        stream.send(Message::text(text)).await.ok()?;
    }
    let mut held = Held { version: String::new(), spoken_with: false, threads: Vec::new() };
    let mut left: Option<Vec<String>> = None;
    while left.as_ref().is_none_or(|left| !left.is_empty()) {
        let Message::Text(text) = stream.next().await?.ok()? else { continue };
        match codex_server::read(text.as_str()) {
            Some(Said::Hello(version)) => {
                held.spoken_with = speaks(&version);
                held.version = version;
                if !held.spoken_with {
                    return Some(held);
                }
                stream.send(Message::text(codex_server::list())).await.ok()?;
            }
            Some(Said::Loaded(threads)) => {
                for thread in &threads {
                    stream.send(Message::text(codex_server::look_at(thread))).await.ok()?;
                }
                left = Some(threads);
            }
            // Those that are no person's are told too, by their names.
            Some(Said::Looked(id, thread)) => {
                held.threads.extend(thread);
                left.iter_mut().for_each(|left| left.retain(|other| *other != id));
            }
            _ => {}
        }
    }
    Some(held)
}
