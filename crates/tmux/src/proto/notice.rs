//! Notifications: lines that tmux sends by itself.

use super::{Nonce, Row, split_rows};
use tmuxagent_model::{PaneId, SessionId};

/// A notification, as far as the collector has a use for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `%session-changed`: this client is now attached to that session.
    SessionChanged(SessionId),
    /// `%client-session-changed`: another client was attached to a session. Its name, and which.
    ClientSessionChanged(String, Option<SessionId>),
    /// `%client-detached`: another client is gone. Its name.
    ClientDetached(String),
    /// `%sessions-changed`, `%session-renamed`, `%session-window-changed`, `%window-pane-changed`: something changed
    /// among the sessions, or which window or pane is the current one.
    SessionsMoved,
    /// `%window-add`, `%window-close`, `%window-renamed`, `%layout-change`, `%unlinked-window-…`: panes may have come,
    /// gone or been renamed.
    WindowsMoved,
    /// `%pane-mode-changed`.
    ModeChanged(PaneId),
    /// `%pause`: the pane's output is not sent any more.
    Paused(PaneId),
    /// `%continue`: the pane's output is sent again from here on.
    Continued(PaneId),
    /// `%subscription-changed` of a subscription whose value is made of rows.
    Rows {
        /// The subscription.
        name: String,
        /// Its new value.
        rows: Vec<Row>,
    },
    /// `%exit`: tmux ends this client. The reason, where it gives one.
    Exit(String),
    /// Anything else: a newer tmux may say what this one does not know.
    Unknown(Vec<u8>),
}

impl Notice {
    /// Reads a line that begins with `%` (without its line break).
    pub(super) fn read(line: &[u8], nonce: &Nonce) -> Self {
        let (word, rest) = split(line, b' ');
        let first = || String::from_utf8_lossy(split(rest, b' ').0).into_owned();
        let unknown = || Self::Unknown(line.to_vec());
        match word {
            b"%session-changed" => first().parse::<SessionId>().map_or_else(|_| unknown(), Self::SessionChanged),
            b"%client-session-changed" => {
                let session = String::from_utf8_lossy(split(split(rest, b' ').1, b' ').0).parse().ok();
                Self::ClientSessionChanged(first(), session)
            }
            b"%client-detached" => Self::ClientDetached(first()),
            b"%sessions-changed" | b"%session-renamed" | b"%session-window-changed" | b"%window-pane-changed" => {
                Self::SessionsMoved
            }
            b"%window-add"
            | b"%window-close"
            | b"%window-renamed"
            | b"%layout-change"
            | b"%unlinked-window-add"
            | b"%unlinked-window-close"
            | b"%unlinked-window-renamed" => Self::WindowsMoved,
            b"%pane-mode-changed" => pane(rest).map_or_else(unknown, Self::ModeChanged),
            b"%pause" => pane(rest).map_or_else(unknown, Self::Paused),
            b"%continue" => pane(rest).map_or_else(unknown, Self::Continued),
            b"%subscription-changed" => subscription(rest, nonce).unwrap_or_else(unknown),
            b"%exit" => Self::Exit(String::from_utf8_lossy(rest).into_owned()),
            _ => unknown(),
        }
    }
}

/// `NAME $S @W IDX %P : VALUE`, where absent ids are `-`.
fn subscription(rest: &[u8], nonce: &Nonce) -> Option<Notice> {
    let at = memchr::memmem::find(rest, b" : ")?;
    let (head, value) = rest.split_at_checked(at)?;
    let value = value.get(3..)?;
    if !value.is_empty() && !value.starts_with(nonce.as_bytes()) {
        return None;
    }
    let name = String::from_utf8_lossy(split(head, b' ').0).into_owned();
    Some(Notice::Rows { name, rows: split_rows(nonce, value) })
}

/// The first word and what follows it.
pub(super) fn split(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(at, text) {
        Some(found) => (text.get(..found).unwrap_or_default(), text.get(found + 1..).unwrap_or_default()),
        None => (text, &[]),
    }
}

/// A pane id at the start of `text`.
pub(super) fn pane(text: &[u8]) -> Option<PaneId> {
    number(split(text, b' ').0.strip_prefix(b"%")?).and_then(|n| u32::try_from(n).ok()).map(PaneId)
}

/// A decimal number and nothing else.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0u64, |sum, &digit| {
        digit.is_ascii_digit().then(|| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
    })
}
