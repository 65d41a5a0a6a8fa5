//! Servers on which another supervisor types. Their panes are shown; the engine knows none of them, so nothing is
//! triggered, asked or typed there, and no question is asked twice.
//!
//! What this supervisor had under way there when it lost the server ends as if the panes were gone: the other one reads
//! them and asks by itself. When it takes the server over it begins with what is printed from then on.

use super::core::Core;
use tmuxagent_ipc::wire::{ErrorKind, Reply};
use tmuxagent_model::{Command, Event, HostName, Owner, PaneKey};
use tmuxagent_text::{Lang, host_owner};

impl Core {
    /// Another supervisor types on a host from now on, or this one does.
    pub(crate) fn claimed(&mut self, host: &HostName, owner: Option<Box<Owner>>) {
        let others = owner.is_some();
        self.view.owner(host, owner, self.now);
        self.dirty = true;
        if others && self.watched.insert(host.clone()) {
            let known = self.engine.view().panes.into_keys().filter(|pane| pane.host == *host);
            for pane in known.collect::<Vec<_>>() {
                let event = Event::PaneGone { pane, unwatched: true };
                self.step(&event);
                self.let_on(&event);
            }
        } else if !others && self.watched.remove(host) {
            for info in self.view.true_panes(host) {
                self.step(&Event::PaneSeen { info: Box::new(info) });
            }
        }
    }

    /// What happens on a host on which another supervisor types: panes are shown, and what was sent from here before ends.
    pub(crate) fn overhear(&mut self, event: &Event) {
        match event {
            Event::PaneSeen { .. } | Event::PaneGone { .. } => self.show_event(event),
            Event::Outcome { .. } => drop(self.step(event)),
            Event::HostLost { .. }
            | Event::Line(_)
            | Event::Activity { .. }
            | Event::Gap { .. }
            | Event::Program { .. }
            | Event::Dialog { .. }
            | Event::Waits { .. }
            | Event::Agent(_)
            | Event::ShellMarks { .. }
            | Event::CommandBegan { .. }
            | Event::Foreground { .. }
            | Event::InFront { .. }
            | Event::CommandEnded { .. }
            | Event::Asked { .. }
            | Event::Timer { .. }
            | Event::Polled { .. }
            | Event::PolicyLoaded { .. }
            | Event::Witnessed { .. } => {}
        }
    }

    /// The answer to a wish that can't be fulfilled here and now: for a pane of such a host, who can; for keys while sending is
    /// frozen, what ends that.
    pub(crate) fn refuse_here(&self, command: &Command) -> Option<Reply> {
        let pane: &PaneKey = match command {
            // What a person sends by hand is typed now or not at all: who will read it later he can't see.
            Command::Send { .. } if self.engine.view().frozen.is_some() => {
                let text = "sending is frozen; `tmuxagent unfreeze` goes on with what is held back".to_owned();
                return Some(Reply::Error { kind: ErrorKind::Refused, text });
            }
            // Its first line alone would be typed.
            Command::Decide { verdict, .. }
                if verdict.answer.as_deref().is_some_and(|a| a.trim().contains(char::is_control)) =>
            {
                let text = "an answer is one line, and this one has more; nothing was decided".to_owned();
                return Some(Reply::Error { kind: ErrorKind::Refused, text });
            }
            Command::Start { pane, .. } | Command::Send { pane, .. } | Command::Ask { pane, .. } => pane,
            Command::Decide { .. }
            | Command::GrantLease { .. }
            | Command::RevokeLease { .. }
            | Command::Control { .. }
            | Command::Freeze
            | Command::Unfreeze
            | Command::TakeBack { .. }
            | Command::DropHeld { .. } => return None,
        };
        let (state, owner) = self.view.owner_of(&pane.host)?;
        let text = format!("host {}: {}", pane.host, host_owner(Lang::En, state, owner));
        Some(Reply::Error { kind: ErrorKind::Refused, text })
    }
}
