//! What the terminal says: keys, pastes, the mouse, a new size.
//!
//! The crossterm stream panics without a terminal ("reader source not set"), so it is made only after the check, and it
//! is dropped, not paused, while the program is stopped: its reader would compete with the shell for the keys.

use super::msg::Msg;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use std::io::{self, IsTerminal};
use tokio::sync::mpsc;

/// Where messages of the terminal come from.
#[derive(Debug)]
pub enum Source {
    /// The terminal.
    Terminal(Box<EventStream>),
    /// A queue, for tests.
    Queue(mpsc::Receiver<Msg>),
    /// Nothing, while the program is stopped.
    Closed,
}

impl Source {
    /// The terminal of this process.
    ///
    /// # Errors
    /// When standard input is no terminal.
    pub fn terminal() -> io::Result<Self> {
        if !io::stdin().is_terminal() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "standard input is not a terminal"));
        }
        Ok(Self::Terminal(Box::default()))
    }

    /// The next message; `None` when the terminal is gone. Cancel safe.
    pub async fn next(&mut self) -> Option<Msg> {
        match self {
            Self::Queue(queue) => queue.recv().await,
            Self::Closed => std::future::pending().await,
            Self::Terminal(stream) => loop {
                match stream.next().await {
                    Some(Ok(event)) => {
                        if let Some(msg) = of_event(event) {
                            return Some(msg);
                        }
                    }
                    Some(Err(_)) | None => return None,
                }
            },
        }
    }
}

/// The message of an event of the terminal, where it means anything here.
#[must_use]
pub fn of_event(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => Some(Msg::Key(key)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Mouse(mouse) => Some(Msg::Mouse(mouse)),
        Event::Resize(width, height) => Some(Msg::Resized { width, height }),
        Event::FocusGained | Event::FocusLost => None,
    }
}
