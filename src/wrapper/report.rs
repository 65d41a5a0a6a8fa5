//! Telling the supervisor: over its socket where one listens, else as a message line on the terminal, which is read
//! wherever the pane is watched from.

use super::{PATIENCE, Wrapped};
use std::time::Duration;
use tmuxagent_ipc::client::{Connection, hello};
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{AgentMessage, Doubt, MessageType, Millis, Via};
use tokio::task::JoinHandle;

/// Whether the supervisor took the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It did.
    Socket,
    /// None listens, or it does not watch this pane.
    Nobody,
}

/// A connection that is made while the command already runs.
pub(super) struct Reporter {
    connecting: JoinHandle<Option<Connection>>,
}

impl Reporter {
    /// Tells the start, beside the command.
    pub(super) fn start(wrapped: &Wrapped) -> Self {
        let (socket, begun) = (wrapped.socket.clone(), request(wrapped, None, Duration::ZERO));
        let connecting = tokio::spawn(async move {
            // Named as a script: the pane of a wrapper is to be read, that of a view is not.
            let mut connection = Connection::open(&socket, hello(Via::Cli, None, None)).await.ok()?;
            matches!(connection.request(begun?).await, Ok(Reply::Done)).then_some(connection)
        });
        Self { connecting }
    }

    /// Tells the end.
    pub(super) async fn end(&mut self, wrapped: &Wrapped, code: u8, took: Duration) -> Told {
        let tell = async {
            let mut connection = (&mut self.connecting).await.ok().flatten()?;
            let reply = connection.request(request(wrapped, Some(i32::from(code)), took)?).await.ok()?;
            // What could not be saved yet is kept, and would count twice if it stood on the terminal as well.
            matches!(reply, Reply::Done | Reply::Uncertain { doubt: Doubt::NotSaved { .. } }).then_some(())
        };
        match tokio::time::timeout(PATIENCE, tell).await {
            Ok(Some(())) => Told::Socket,
            Ok(None) | Err(_) => Told::Nobody,
        }
    }
}

fn request(wrapped: &Wrapped, exit: Option<i32>, took: Duration) -> Option<Request> {
    Some(Request::Report {
        pane: wrapped.pane.clone()?,
        tmux_socket: wrapped.tmux_socket.clone()?,
        stage: wrapped.stage.clone(),
        command: command_line(wrapped),
        exit,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn command_line(wrapped: &Wrapped) -> String {
    let words: Vec<_> = wrapped.command.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ").chars().take(200).collect()
}

/// The message line that stands for a report which nobody took.
#[must_use]
pub fn sentry_line(wrapped: &Wrapped, code: u8, took: Duration) -> String {
    let took = Millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    let message = AgentMessage {
        stage: wrapped.stage.clone(),
        ok: Some(code == 0),
        summary: Some(format!("{} ended with {code} after {took}", command_line(wrapped))),
        exit: Some(i32::from(code)),
        ..AgentMessage::new(MessageType::Status)
    };
    // A plain struct of texts and numbers always becomes JSON.
    format!("### SENTRY {}", serde_json::to_string(&message).unwrap_or_default())
}
