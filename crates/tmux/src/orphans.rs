//! Control clients on this machine that outlive a killed supervisor.
//!
//! A client whose output nobody takes any more does not end by itself: tmux waits until what it still has to say is taken.
//! Until then it holds up the programs in the panes, for good where nobody else is attached. So a shell waits beside the
//! supervisor, held by a pipe, and ends such clients when the supervisor's process is gone, by whatever death. On another
//! machine the wrapper around each client does the same ([`super::Transport::control`]).

use super::fork;
use super::host::Host;
use super::probe::{CLIENT_MARK, client_owner};
use std::process::Stdio;
use tmuxagent_model::Owner;
use tokio::process::Child;

impl Host {
    /// Sees to it that no client of this process stays behind. An orderly end ends the shell before it does anything.
    pub fn leave_no_orphans(&mut self) {
        if self.orphans.is_some() || !self.spec.transport.is_local() {
            return;
        }
        let words = self.spec.transport.shell(&end_orphans(&self.spec.transport.there(&[]), &self.spec.owner));
        let Some(mut command) = fork::command(&words) else { return };
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        match command.spawn() {
            Ok(shell) => self.orphans = Some(shell),
            Err(error) => tracing::warn!(host = %self.spec.name, %error, "nobody sees to the clients after a kill"),
        }
    }
}

/// The shell that waits, with the pipe that it waits for.
pub(super) type Orphans = Option<Child>;

/// A script that waits for the end of its input, and then ends the clients that this process marked as its own and that are
/// still attached a moment later. A process number may belong to another program by now, so its name is looked at.
fn end_orphans(tmux: &str, owner: &Owner) -> String {
    let owner = client_owner(owner);
    format!(
        r#"trap '' HUP INT TERM
while read -r _; do :; done
sleep 1
T() {{ {tmux} "$@"; }}
for p in $(T show-options -s | sed -n 's/^{CLIENT_MARK}\([0-9][0-9]*\) "\{{0,1\}}{owner}"\{{0,1\}}$/\1/p'); do
    if T list-clients -F '#{{client_pid}} #{{client_control_mode}}' | grep -qx "$p 1"; then
        n=$(cat /proc/$p/comm 2>/dev/null || ps -o comm= -p $p 2>/dev/null)
        case "$n" in *tmux*) kill -9 $p ;; esac
    fi
    T set-option -s -u {CLIENT_MARK}$p
done"#
    )
}
