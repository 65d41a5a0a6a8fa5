//! The identity of a tmux server: given once, told of every pane from the first word on, and never handed on to the
//! server that comes in its place.

use crate::support::watched::{Watched, spec};
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use tmuxagent_model::{Event, PaneKey};
use tmuxagent_tmux::{HostMessage, HostSpec, Socket, Transport, this_process};

fn identity(server: &TmuxServer) -> String {
    server.tmux(&["show-options", "-sqv", "@tmuxagent_server"])
}

fn seen(watched: &Watched) -> Vec<PaneKey> {
    let seen = |message: HostMessage| match message {
        HostMessage::Event(Event::PaneSeen { info }) => Some(info.key),
        _ => None,
    };
    watched.messages().into_iter().filter_map(seen).collect()
}

/// Watches through a `tmux` that does something else where it is to attach a client.
fn through(server: &TmuxServer, attaching: &str) -> HostSpec {
    let program = server.folder().join("tmux-in-between");
    let script = format!("#!/bin/sh\ncase \" $* \" in *\" -C \"*) {attaching} ;; esac\nexec tmux \"$@\"\n");
    std::fs::write(&program, script).expect("a program");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("our file");
    let socket = Socket::Path(server.socket().display().to_string());
    let transport = Transport::Local { bin: program.display().to_string(), socket };
    HostSpec { transport, ..spec(server) }
}

#[test]
fn all_who_watch_a_server_from_the_same_instant_know_it_by_one_name() {
    for _ in 0..3 {
        let server = TmuxServer::running("");
        let watching: Vec<Watched> = (0..4)
            .map(|owner| {
                Watched::with(HostSpec { owner: this_process(format!("e2e-{owner}")), ..spec(&server) }, &["needle"])
            })
            .collect();
        let names: BTreeSet<String> =
            watching.iter().map(|watched| watched.wait_live(&server, "main").key.server.to_string()).collect();
        assert_eq!(names, BTreeSet::from([identity(&server)]));
        for watched in &watching {
            assert!(seen(watched).iter().all(|pane| pane.server.as_str() == identity(&server)));
        }
    }
}

/// A supervisor that dies before its first client is attached has written down nothing that the next does not find.
#[test]
fn the_first_word_of_a_pane_has_a_name_that_lasts() {
    let server = TmuxServer::running("");
    let first = Watched::with(through(&server, "exit 1"), &["needle"]);
    let pane = wait_for(PATIENCE, "the pane", || seen(&first).into_iter().next());
    assert_eq!(pane.server.to_string(), identity(&server));
    drop(first);
    let second = Watched::new(&server, &["needle"]);
    assert_eq!(second.wait_live(&server, "main").key, pane);

    // Somebody took the name away: it is given back, and no pane becomes another one.
    server.tmux(&["set-option", "-su", "@tmuxagent_server"]);
    server.tmux(&["rename-window", "-t", "main", "other"]);
    wait_for(PATIENCE, "the name", || (identity(&server) == pane.server.as_str()).then_some(()));
    assert!(seen(&second).iter().all(|seen| *seen == pane));
}

/// The server is replaced between the look at it and the first client, which arrives at the new one.
#[test]
fn a_server_that_took_the_place_of_another_gets_no_name_of_its() {
    let server = TmuxServer::running("");
    let (socket, done) = (server.socket(), server.folder().join("replaced"));
    let (socket, done) = (socket.display(), done.display());
    let replace = format!(
        "if [ ! -e '{done}' ]; then : > '{done}'; tmux -S '{socket}' kill-server; \
         while tmux -S '{socket}' list-sessions >/dev/null 2>&1; do sleep 0.05; done; \
         tmux -S '{socket}' -f /dev/null new-session -d -s main -x 80 -y 24 \"exec env PS1='$ ' sh\"; fi"
    );
    let watched = Watched::with(through(&server, &replace), &["needle"]);
    let first = wait_for(PATIENCE, "the first server's pane", || seen(&watched).into_iter().next());
    let second = wait_for(PATIENCE, "the second one's", || seen(&watched).into_iter().find(|pane| *pane != first));
    assert_ne!(first.server, second.server);
    assert_eq!(second.server.to_string(), identity(&server));
    watched.wait("the first one's end", |message| match message {
        HostMessage::Event(Event::PaneGone { pane, .. }) if *pane == first => Some(()),
        _ => None,
    });
    watched.wait("the second one's first position", |message| match message {
        HostMessage::Position { pane, .. } if *pane == second => Some(()),
        _ => None,
    });
}
