//! What happens to a screen, and what it wants done.

use crossterm::event::{KeyEvent, MouseEvent};
use tmuxagent_ipc::wire::{RequestFrame, ServerFrame};
use tmuxagent_model::{PaneKey, Timestamp};

/// Something that happened; the only input of `update` besides the time.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted (bracketed paste), untrusted.
    Paste(String),
    /// The mouse did something; only while it is captured.
    Mouse(MouseEvent),
    /// The window has this size now.
    Resized {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The supervisor pushed or answered something.
    Frame(Box<ServerFrame>),
    /// A connection stands.
    Linked,
    /// There is no connection; another attempt follows.
    LinkLost {
        /// Why, for people.
        reason: String,
        /// When the next attempt is made.
        retry_at: tmuxagent_model::Timestamp,
    },
    /// The shell reports something for people, such as a jump that failed.
    Notice(String),
    /// Time has passed; the system's time now, which may have been set to another.
    Tick(Timestamp),
}

/// What the screen wants done; only the shell acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this to the supervisor.
    Request(RequestFrame),
    /// Show that pane in tmux (`switch-client`, `select-window`, `select-pane`).
    Jump {
        /// The pane.
        pane: PaneKey,
    },
    /// Capture the mouse, or let it go.
    Mouse(Mouse),
    /// Stop this process as shells do.
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Leave.
    Quit,
}

/// Whether the program gets the mouse; while it does, the terminal's own selection doesn't work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mouse {
    /// The terminal keeps it.
    #[default]
    Free,
    /// The program gets it.
    Captured,
}
