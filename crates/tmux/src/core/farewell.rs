//! The orderly end: what was set on the user's server is taken away again.
//!
//! The server is given back; the marks of our clients and of panes go, and those of clients that a killed supervisor had. A
//! pane keeps its mark where the outcome of its last send is not committed yet: the next life asks it whether that was
//! typed. The server's name goes with the last supervisor that is attached; it says nothing that the server's process and
//! birth do not say, so the next one gives the same name. A name that was given otherwise (by an earlier version of this
//! program) stays: what is stored is found by it.

use super::link::{Link, name_of_life};
use super::{CLIENT_MARK, HostCore, IDENTITY};
use crate::proto::claim::release;
use tmuxagent_model::PaneKey;

/// What is done at the end, once what was typed has its replies.
#[derive(Debug)]
pub(crate) struct Farewell {
    /// What clears up on the server, as a command.
    pub clear: Option<Vec<String>>,
    /// What lets the shared connection end, as a command.
    pub let_go: Option<Vec<String>>,
}

impl HostCore {
    /// Ends the observation in order: positions are told and pipes closed; the clients leave by themselves once their input
    /// is closed.
    pub fn farewell(&mut self) -> Farewell {
        self.tell_positions();
        self.leave_pipes();
        self.end_own_session();
        Farewell { clear: self.clear_up(), let_go: self.spec.transport.let_go() }
    }

    fn clear_up(&self) -> Option<Vec<String>> {
        let server = self.server.as_ref().filter(|_| self.link != Link::Down)?;
        if !server.version.has_control() {
            return None;
        }
        let marks: Vec<u32> = self.clients.values().filter_map(|attached| attached.pid).collect();
        let mut script = self.spec.transport.there(&[]);
        script = format!("T() {{ {script} \"$@\"; }}; ");
        for pid in marks {
            script.push_str(&format!("T set-option -s -u {CLIENT_MARK}{pid}; "));
        }
        if let Some(token) = self.claim.token() {
            let kept: Vec<&PaneKey> = self.lanes.keys().collect();
            let give_back = |bequest: &str| {
                let words: Vec<String> = release(&self.nonce, server.version, token, Some(bequest));
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                format!("{} >/dev/null; ", self.spec.transport.there(&words))
            };
            script.push_str(&clear(token.as_str(), &kept));
            script.push_str(&clear_clients());
            let trace = give_back(&self.claim.trace(self.wall));
            match self.claim.bequest(self.wall) {
                // Who watches there takes the server over with what was asked.
                Some(bequest) => {
                    let left = give_back(&bequest);
                    script.push_str(&format!("if {}; then {left}else {trace}fi; ", others()));
                }
                None => script.push_str(&trace),
            }
        } else {
            script.push_str(&clear_clients());
        }
        script.push_str(&unname(&name_of_life(&server.life)));
        Some(self.spec.transport.shell(&script))
    }
}

/// Whether supervisors are attached whose marks were not taken away.
fn others() -> String {
    format!("T show-options -s | grep -q '^{CLIENT_MARK}'")
}

/// Takes the marks from panes, but for `kept`, while the token holds. One command for all; where a pane has just gone, the
/// rest of it is not executed, so each is tried by itself.
fn clear(token: &str, kept: &[&PaneKey]) -> String {
    let kept: Vec<String> = kept.iter().map(|key| key.pane.to_string()).collect();
    let kept = kept.join(" ");
    format!(
        "if [ \"$(T display-message -p '#{{@tmuxagent_owner}}')\" = '{token}' ]; then set --; m=; \
         for p in $(T list-panes -a -F '#{{?@tmuxagent_last,#{{pane_id}},}}' | sort -u); do \
         case ' {kept} ' in *\" $p \"*) continue ;; esac; \
         m=\"$m $p\"; set -- \"$@\" set-option -p -u -t \"$p\" @tmuxagent_last ';'; done; \
         [ -z \"$m\" ] || T \"$@\" || for p in $m; do T set-option -p -u -t \"$p\" @tmuxagent_last; done; fi; "
    )
}

/// Takes away the marks of clients that are not attached any more: those of supervisors that were killed.
fn clear_clients() -> String {
    format!(
        "l=$(T list-clients -F '#{{client_pid}}'); \
         for p in $(T show-options -s | sed -n 's/^{CLIENT_MARK}\\([0-9][0-9]*\\) .*/\\1/p'); do \
         printf '%s\\n' \"$l\" | grep -qx \"$p\" || T set-option -s -u {CLIENT_MARK}$p; done; "
    )
}

/// Takes the name away, where it is the one that the server would be given again, nobody has claimed the server (anew) and
/// no other supervisor is attached.
fn unname(name: &str) -> String {
    format!(
        "if [ \"$(T display-message -p '#{{{IDENTITY}}} #{{@tmuxagent_owner}}')\" = '{name} ' ] && \
         ! {}; then T set-option -s -u {IDENTITY}; fi",
        others()
    )
}
