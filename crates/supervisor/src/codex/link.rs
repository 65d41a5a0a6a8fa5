//! One connection to a server that Codex's screens share: what it tells goes to the loop, and answers go to it.
//!
//! **Invariant:** only a socket of this very user is spoken with, and nothing is sent that was not asked for by the desk, but
//! questions about conversations.

use super::super::dispatch::Urgent;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tmuxagent_agents::VendorState;
use tmuxagent_agents::codex_server::{self, Said, ServerRequest, Thread, speaks};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// How long a server may take to be spoken with.
const BEGIN: Duration = Duration::from_secs(5);
/// The pause before it is tried again.
const AGAIN: Duration = Duration::from_secs(3);
/// The same for one that is too old.
const OLD: Duration = Duration::from_secs(60);
/// The longest message that is read, bytes.
const LONGEST: usize = 16 * 1024 * 1024;
/// So many conversations are asked about at the beginning.
const MOST: usize = 256;

/// What the desk wants of it. Where nobody wants anything any more the connection ends.
#[derive(Debug)]
pub enum Wish {
    /// To be told the requests of a conversation.
    Attend(String),
    /// To be told no more of them.
    Leave(String),
    /// An answer to a request.
    Answer(Value, Value),
}

/// What it tells the desk.
#[derive(Debug)]
pub enum News {
    /// A person's conversation, as it is.
    Thread(Thread),
    /// What a conversation does from now on.
    Changed(String, Option<VendorState>),
    /// A conversation waits for an answer.
    Asks(String, Value, Box<ServerRequest>),
    /// A request of a conversation was answered.
    Settled(String, Value),
    /// It is spoken with.
    Works,
    /// The connection is gone.
    Lost,
    /// The server can't be used: its version, where it is too old, or what is wrong.
    Refused(Refusal),
}

/// Why a server that is there is not used.
#[derive(Debug)]
pub enum Refusal {
    /// It is of this version.
    Old(String),
    /// It does not speak as it should.
    Broken(String),
}

enum End {
    /// Nobody wants anything any more.
    Unwanted,
    /// It is not there, or was and is gone.
    Lost,
    Refused(Refusal),
}

/// Speaks with a server as long as somebody wants it.
pub async fn follow(socket: PathBuf, wishes: mpsc::UnboundedReceiver<Wish>, loop_: mpsc::Sender<Urgent>) {
    let mut link = Link { socket, wishes, loop_, seen: BTreeSet::new() };
    loop {
        link.seen.clear();
        let (news, pause) = match link.converse().await {
            End::Unwanted => return,
            End::Lost => (News::Lost, AGAIN),
            End::Refused(why) => (News::Refused(why), OLD),
        };
        if !link.tell(news).await || !link.rest(pause).await {
            return;
        }
    }
}

struct Link {
    socket: PathBuf,
    wishes: mpsc::UnboundedReceiver<Wish>,
    loop_: mpsc::Sender<Urgent>,
    /// Conversations that were asked about.
    seen: BTreeSet<String>,
}

pub type Stream = WebSocketStream<UnixStream>;

impl Link {
    async fn tell(&self, news: News) -> bool {
        self.loop_.send(Urgent::Codex(self.socket.clone(), Box::new(news))).await.is_ok()
    }

    /// Waits; whatever is wanted meanwhile can't be done. Says whether somebody still wants anything.
    async fn rest(&mut self, pause: Duration) -> bool {
        let end = tokio::time::sleep(pause);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return true,
                wish = self.wishes.recv() => if wish.is_none() { return false },
            }
        }
    }

    async fn converse(&mut self) -> End {
        let mut stream = match open(&self.socket).await {
            Ok(stream) => stream,
            Err(Some(why)) => return End::Refused(why),
            Err(None) => return End::Lost,
        };
        for text in codex_server::hello(env!("CARGO_PKG_VERSION")) {
            if stream.send(Message::text(text)).await.is_err() {
                return End::Lost;
            }
        }
        loop {
            let end = tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Text(text))) => self.heard(&mut stream, text.as_str()).await,
                    Some(Ok(_)) => Ok(()),
                    Some(Err(_)) | None => Err(End::Lost),
                },
                wish = self.wishes.recv() => match wish {
                    Some(wish) => send(&mut stream, text_of(&wish)).await,
                    None => Err(End::Unwanted),
                },
            };
            if let Err(end) = end {
                return end;
            }
        }
    }

    async fn heard(&mut self, stream: &mut Stream, text: &str) -> Result<(), End> {
        let news = match codex_server::read(text) {
            None => return Ok(()),
            Some(Said::Hello(version)) if speaks(&version) => {
                send(stream, codex_server::list()).await?;
                News::Works
            }
            Some(Said::Hello(version)) => return Err(End::Refused(Refusal::Old(version))),
            Some(Said::Loaded(threads)) => {
                for thread in threads.into_iter().take(MOST) {
                    send(stream, codex_server::look_at(&thread)).await?;
                    self.seen.insert(thread);
                }
                return Ok(());
            }
            Some(Said::Looked(_, None)) => return Ok(()),
            Some(Said::Thread(thread) | Said::Looked(_, Some(thread))) => {
                self.seen.insert(thread.id.clone());
                News::Thread(thread)
            }
            Some(Said::Changed(thread, state)) => {
                if self.seen.insert(thread.clone()) {
                    // One that was taken up again: what it is must be asked.
                    send(stream, codex_server::look_at(&thread)).await?;
                }
                if state.is_none() {
                    self.seen.remove(&thread);
                }
                News::Changed(thread, state)
            }
            Some(Said::Asks(thread, key, request)) => News::Asks(thread, key, request),
            Some(Said::Settled(thread, key)) => News::Settled(thread, key),
        };
        if self.tell(news).await { Ok(()) } else { Err(End::Unwanted) }
    }
}

async fn send(stream: &mut Stream, text: String) -> Result<(), End> {
    stream.send(Message::text(text)).await.map_err(|_| End::Lost)
}

fn text_of(wish: &Wish) -> String {
    match wish {
        Wish::Attend(thread) => codex_server::attend(thread),
        Wish::Leave(thread) => codex_server::leave(thread),
        Wish::Answer(key, result) => codex_server::answer(key, result),
    }
}

/// Begins to speak with a server; what is wrong with it, where one is there.
pub async fn open(socket: &Path) -> Result<Stream, Option<Refusal>> {
    let stream = connect(socket).await.ok_or(None)?;
    let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let opening = tokio_tungstenite::client_async_with_config("ws://localhost/", stream, Some(config));
    match tokio::time::timeout(BEGIN, opening).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(error)) => Err(Some(Refusal::Broken(error.to_string()))),
        Err(_) => Err(None),
    }
}

/// A socket of this user's, at the other end of which this user listens.
async fn connect(socket: &Path) -> Option<UnixStream> {
    let own = rustix::process::geteuid().as_raw();
    let known = std::fs::metadata(socket).ok()?;
    (known.file_type().is_socket() && known.uid() == own).then_some(())?;
    let stream = tokio::time::timeout(BEGIN, UnixStream::connect(socket)).await.ok()?.ok()?;
    (stream.peer_cred().ok()?.uid() == own).then_some(stream)
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
