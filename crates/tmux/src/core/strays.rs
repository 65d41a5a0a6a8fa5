//! Windows and panes of others in the session of our own. A command without a target that does not come from a pane
//! (`tmux new-window` in a plain shell) goes to the session with the latest activity (tmux's cmd-find.c), which is ours until
//! the user presses a key in his: its age can't be chosen. So what comes there is brought to the session that he used last.

use super::attach::Seat;
use super::client::ClientId;
use super::inventory::Entry;
use super::{HostCore, Purpose};
use crate::proto::quote;
use std::collections::BTreeSet;
use tmuxagent_model::{PaneId, SessionId, WindowId};

/// What somebody opened in the session of our own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stray {
    /// A window, and whether it was to become the current one.
    Window(WindowId, bool),
    /// A pane beside ours.
    Pane(PaneId),
}

impl Stray {
    /// Those in the session `own`, of a whole listing.
    fn among(entries: &[Entry], own: SessionId) -> Vec<Self> {
        let kept: BTreeSet<WindowId> = entries.iter().filter(|entry| entry.keeper).map(|entry| entry.window).collect();
        let his: BTreeSet<WindowId> = entries.iter().filter(|entry| !entry.own).map(|entry| entry.window).collect();
        let mut strays = Vec::new();
        if !entries.iter().any(|entry| entry.session == own && entry.keeper) {
            return strays;
        }
        for entry in entries.iter().filter(|entry| entry.session == own && !entry.keeper) {
            let stray = match entry.window {
                window if kept.contains(&window) => Self::Pane(entry.pane),
                // He linked one of his here, and has it.
                window if his.contains(&window) => continue,
                window => Self::Window(window, entry.current),
            };
            if !strays.contains(&stray) {
                strays.push(stray);
            }
        }
        strays
    }

    fn line(&self, to: SessionId) -> String {
        let to = quote(format!("{to}:"));
        match self {
            Self::Window(window, true) => format!("move-window -s {window} -t {to}"),
            Self::Window(window, false) => format!("move-window -d -s {window} -t {to}"),
            Self::Pane(pane) => format!("join-pane -s {pane} -t {to}"),
        }
    }
}

impl HostCore {
    fn own_seat(&self) -> Option<(ClientId, SessionId)> {
        let mut ready = self.clients.iter().filter(|(_, attached)| attached.seat == Seat::Own && attached.is_ready());
        ready.find_map(|(&id, attached)| Some((id, attached.session?)))
    }

    /// What of a listing stands in the session of our own and is not ours.
    pub(super) fn strays(&self, entries: &[Entry]) -> Vec<Stray> {
        self.own_seat().map(|(_, own)| Stray::among(entries, own)).unwrap_or_default()
    }

    /// Brings it to the user's session that was used last.
    pub(super) fn bring_home(&mut self, strays: Vec<Stray>) {
        let (Some((id, _)), Some(to)) = (self.own_seat(), self.last_used()) else { return };
        for stray in strays {
            self.request(id, &stray.line(to), Purpose::Nothing);
        }
    }

    /// The user's session with the latest activity.
    pub(super) fn last_used(&self) -> Option<SessionId> {
        let last = self.inventory.sessions.iter().max_by_key(|&(session, activity)| (*activity, *session));
        last.map(|(&session, _)| session)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;

    #[test]
    fn what_is_not_ours_is_found_in_our_session_alone() {
        let (his, keeper) = (entry(1, 1, false), entry(9, 90, true));
        let among = |more: &[Entry]| Stray::among(&[&[his.clone(), keeper.clone()], more].concat(), SessionId(9));
        let stray = Entry { keeper: false, ..entry(9, 91, true) };
        assert_eq!(among(&[]), []);
        assert_eq!(among(std::slice::from_ref(&stray)), [Stray::Window(WindowId(91), true)]);
        let behind = Entry { current: false, ..stray.clone() };
        let second = Entry { pane: PaneId(92), ..behind.clone() };
        assert_eq!(among(&[behind, second]), [Stray::Window(WindowId(91), false)], "its panes come with it");
        assert_eq!(among(&[Entry { window: keeper.window, ..stray.clone() }]), [Stray::Pane(PaneId(91))]);
        assert_eq!(among(&[Entry { window: his.window, ..stray.clone() }]), [], "one of his that is linked here");
        assert_eq!(among(&[Entry { session: SessionId(8), ..stray }]), [], "another supervisor's");
        let line = Stray::Window(WindowId(91), false).line(SessionId(1));
        assert_eq!(line, format!("move-window -d -s @91 -t {}", quote("$1:")));
    }
}
