//! What a killed supervisor leaves behind on another machine: nothing that holds up a program, and no connection. What it
//! leaves here is in `kept`.
//!
//! tmux keeps a client whose output nobody takes, and with it the output of the panes that it shows. Nobody else is attached
//! here, so a program that prints stands still until that client is gone.

use super::support::room::Room;
use super::support::sshd::Sshd;
use super::support::{PATIENCE, TmuxServer, wait_for};
use rustix::process::{Signal, kill_process};
use std::time::{Duration, Instant};

/// Prints as fast as it can.
const COUNT: &str = "i=0; while :; do i=$((i+1)); echo counts $i; done";

/// Whether our client is attached, or was until a moment ago.
fn is_marked(server: &TmuxServer) -> bool {
    server.tmux(&["show-options", "-s"]).contains("@tmuxagent_client_")
}

/// Waits until the pane is read for certain; then makes its program print until it stands still, since the supervisor does and
/// takes nothing. Gives its screen.
fn hold_up(room: &Room, server: &TmuxServer, pane: &str) -> String {
    wait_for(PATIENCE, "our client", || is_marked(server).then_some(()));
    // What is printed before a pane is read is none of its lines.
    wait_for(PATIENCE, "a question", || {
        server.type_line(pane, "echo tests'' ok");
        let soon = Instant::now() + Duration::from_secs(2);
        let asked = || room.answer(&["status", "--json"]).contains("\"open_approvals\": 1");
        std::iter::repeat_with(asked).take_while(|_| Instant::now() < soon).find(|asked| *asked).map(drop)
    });
    let supervisor = room.supervisor().expect("a supervisor");
    wait_for(PATIENCE * 2, "a program that stands still", || {
        kill_process(supervisor, Signal::STOP).expect("it lives");
        server.type_line(pane, COUNT);
        stands_still(server, pane).or_else(|| {
            // It was read by looking at its screen, as long as its client is new.
            server.tmux(&["send-keys", "-t", pane, "C-c"]);
            kill_process(supervisor, Signal::CONT).expect("it lives");
            None
        })
    })
}

/// The screen of a program that prints nothing more, if that happens within a few seconds.
fn stands_still(server: &TmuxServer, pane: &str) -> Option<String> {
    let end = Instant::now() + Duration::from_secs(8);
    let mut last = (String::new(), Instant::now());
    while Instant::now() < end {
        let shown = server.screen(pane);
        if shown != last.0 {
            last = (shown, Instant::now());
        }
        if last.0.contains("\ncounts ") && last.1.elapsed() > Duration::from_secs(1) {
            return Some(last.0);
        }
    }
    None
}

/// Waits until the pane's program prints again.
fn goes_on(server: &TmuxServer, pane: &str, still: &str) {
    wait_for(PATIENCE, "the end of our client", || server.tmux(&["list-clients"]).is_empty().then_some(()));
    wait_for(PATIENCE, "a program that goes on", || (server.screen(pane) != still).then_some(()));
}

#[test]
fn a_killed_supervisor_holds_up_no_program_elsewhere_and_leaves_no_connection() {
    let (sshd, there) = (Sshd::start(), TmuxServer::running(""));
    // As long as the program itself keeps a connection.
    let hosts = sshd.yaml("nas", sshd.port(), &there).replace(", \"ControlPersist=2\"", "");
    assert!(!hosts.contains("ControlPersist"), "{hosts}");
    let mut room = Room::gated(&format!("hosts:\n{hosts}"), "");
    there.tmux(&["rename-window", "-t", "main", "ci"]);
    room.watch();
    let still = hold_up(&room, &there, "main");
    assert!(!sshd.connections().is_empty());
    room.kill_9();
    goes_on(&there, "main", &still);
    let all = || sshd.clients().len() + Sshd::clients_of(room.server.folder()).len() + sshd.connections().len();
    wait_for(PATIENCE, "the end of all connections", || (all() == 0).then_some(()));
}
