//! What goes wrong beside the kills.

use crate::room::Room;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;
use tmuxagent_testkit::random::Random;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another client detaches our control client.
    Kicked,
    /// A control client is killed.
    ClientKilled,
    /// A control client stands still for a moment.
    Wedged,
    /// The supervisor stands still for a moment.
    Stopped,
    /// Somebody scrolls: the pane takes no keys.
    CopyMode,
    /// The pane's process is replaced.
    Respawned,
    /// A window gets another name.
    Renamed,
    /// A pane prints much.
    Flood,
    /// The window changes its size again and again.
    Resized,
    /// Signals that must not disturb it.
    Signals,
    /// The tmux server is killed, and another started in its place.
    ServerKilled,
}

impl Fault {
    pub fn draw(random: &mut Random) -> Self {
        match random.below(40) {
            0..=5 => Self::Kicked,
            6..=9 => Self::ClientKilled,
            10..=13 => Self::Wedged,
            14..=17 => Self::Stopped,
            18..=23 => Self::CopyMode,
            24 | 25 => Self::Respawned,
            26..=29 => Self::Renamed,
            30..=33 => Self::Flood,
            34 | 35 => Self::Resized,
            36..=38 => Self::Signals,
            _ => Self::ServerKilled,
        }
    }
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may be gone by itself.
        let _ = kill_process(pid, signal);
    }
}

impl Room {
    /// Lets something go wrong.
    pub fn suffer(&mut self, fault: Fault, random: &mut Random) {
        self.look_after_server();
        self.count.faults += 1;
        let pause = Duration::from_millis(50 + random.below(700));
        let pane = usize::try_from(random.below(self.panes.len() as u64)).expect("a few");
        let target = self.panes[pane].target.clone();
        match fault {
            Fault::Kicked => {
                if let Some((name, _)) = random.one(&self.control_clients()) {
                    self.server.try_tmux(&["detach-client", "-t", name]);
                }
            }
            Fault::ClientKilled => {
                if let Some((_, pid)) = random.one(&self.control_clients()) {
                    signal(*pid, Signal::KILL);
                }
            }
            Fault::Wedged => {
                if let Some((_, pid)) = random.one(&self.control_clients()) {
                    signal(*pid, Signal::STOP);
                    std::thread::sleep(pause);
                    signal(*pid, Signal::CONT);
                }
            }
            Fault::Stopped => {
                let pid = self.supervisor_pid();
                signal(pid, Signal::STOP);
                std::thread::sleep(pause);
                signal(pid, Signal::CONT);
            }
            Fault::CopyMode => {
                self.server.try_tmux(&["copy-mode", "-t", &target]);
                std::thread::sleep(pause);
                self.server.try_tmux(&["send-keys", "-t", &target, "-X", "cancel"]);
            }
            Fault::Respawned => self.respawn(pane),
            Fault::Renamed => {
                let name = format!("w{pane}-{}", random.below(100));
                self.server.try_tmux(&["rename-window", "-t", &target, &name]);
            }
            Fault::ServerKilled => self.kill_server(),
            Fault::Flood => self.person_types(pane, "seq 1 400"),
            Fault::Resized => {
                for _ in 0..10 {
                    let columns = (60 + random.below(80)).to_string();
                    self.server.try_tmux(&["resize-window", "-t", &target, "-x", &columns, "-y", "24"]);
                }
            }
            Fault::Signals => {
                for _ in 0..20 {
                    signal(self.supervisor_pid(), Signal::WINCH);
                    signal(self.supervisor_pid(), Signal::PIPE);
                }
            }
        }
    }
}
