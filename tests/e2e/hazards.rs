//! What could hurt the user's server, and what happens where control mode can't be used.

use crate::support::watched::{Watched, keys, spec};
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tmuxagent_model::{HostState, IntentId, Outcome, SkipReason};
use tmuxagent_tmux::{HostSpec, Socket, Transport};

/// Session events as fast as this machine makes them, while `act` runs; it is given the number of sessions that have come
/// and gone.
fn under_storm<T>(server: &TmuxServer, act: impl FnOnce(&AtomicU32) -> T) -> T {
    /// Ends the storm also when `act` panics.
    struct Calm<'a>(&'a AtomicBool);
    impl Drop for Calm<'_> {
        fn drop(&mut self) {
            self.0.store(false, Ordering::Relaxed);
        }
    }
    let (on, gone) = (AtomicBool::new(true), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let _calm = Calm(&on);
        for thread in 0..2 {
            let (on, gone) = (&on, &gone);
            scope.spawn(move || {
                let mut round = 0;
                while on.load(Ordering::Relaxed) {
                    let name = format!("storm-{thread}-{round}");
                    // One command each: tmux 3.3a crashes by itself when one command line makes and kills a session
                    // while any control client is attached.
                    let window = format!("{name}:0");
                    server.try_tmux(&["new-session", "-d", "-s", &name, "cat"]);
                    server.try_tmux(&["new-window", "-t", &name, "cat"]);
                    server.try_tmux(&["select-window", "-t", &window]);
                    server.try_tmux(&["copy-mode", "-t", &name]);
                    server.try_tmux(&["rename-session", "-t", &name, &format!("{name}-gone")]);
                    server.try_tmux(&["kill-session", "-t", &format!("{name}-gone")]);
                    round += 1;
                    gone.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        act(&gone)
    })
}

#[test]
fn a_storm_of_session_events_is_waited_out_and_the_server_survives() {
    let server = TmuxServer::running("");
    let pid = server.pid();
    let watched = under_storm(&server, |_| {
        let watched = Watched::new(&server, &["needle", "thread"]);
        // Until it is quiet the panes are polled.
        watched.wait_state(HostState::Polling);
        let pane = watched.wait_pane("%0").key;
        wait_for(PATIENCE, "the first poll", || watched.find(|message| message_of(message, &pane)));
        server.type_line("main", "echo polled nee''dle");
        watched.wait_line("polled needle");
        assert!(server.tmux(&["list-clients"]).is_empty());
        watched
    });
    let pane = watched.wait_live(&server, "main").key;
    for round in 0..4 {
        let text = format!("thread {round}");
        let intent = IntentId::new(format!("I-{round}"));
        under_storm(&server, |gone| {
            server.send_us_away();
            watched.handle.send(intent.clone(), keys(&pane, &format!("echo thr''ead {round}")));
            let before = gone.load(Ordering::Relaxed);
            wait_for(PATIENCE, "some more of the storm", || (gone.load(Ordering::Relaxed) >= before + 8).then_some(()));
        });
        watched.wait_line(&text);
        assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
        watched.handle.release(pane.clone());
    }
    assert_eq!(server.pid(), pid, "it is the same server");
    let thread_lines = watched.lines().iter().filter(|line| line.text.starts_with("thread")).count();
    assert_eq!(thread_lines, 4, "each was typed once and read once");
}

#[test]
fn a_server_older_than_3_0_is_polled_and_never_typed_into() {
    let server = TmuxServer::running("");
    let old = HostSpec { ceiling: "2.6".parse().ok(), ..spec(&server) };
    let watched = Watched::with(old, &["needle"]);
    watched.wait_state(HostState::Polling);
    let pane = watched.wait_pane("%0").key;
    wait_for(PATIENCE, "the first poll", || watched.find(|message| message_of(message, &pane)));
    server.type_line("main", "seq 1 100; echo nee''dle");
    watched.wait_line("needle");
    let split = server.tmux(&["split-window", "-d", "-t", "main", "-P", "-F", "#{pane_id}", "echo split needle; cat"]);
    watched.wait_pane(&split);
    watched.wait_line("split needle");
    let outcome = watched.type_line(&pane, "I-1", "echo never");
    assert!(matches!(outcome, Outcome::Skipped { reason: SkipReason::Unreachable(why) } if why.contains("3.0")));
    assert!(server.tmux(&["list-clients"]).is_empty());
    assert!(!server.tmux(&["show-options", "-s"]).contains("@tmuxagent"), "nothing is set there");
    assert_eq!(watched.lines().len(), 2);
}

/// Whether the pane's surface was told, which a poll does first.
fn message_of(message: &tmuxagent_tmux::HostMessage, pane: &tmuxagent_model::PaneKey) -> Option<()> {
    match message {
        tmuxagent_tmux::HostMessage::Panes(panes) => {
            panes.iter().any(|live| live.pane == *pane && !live.last_line.is_empty()).then_some(())
        }
        _ => None,
    }
}

#[test]
fn tmux_3_1_is_watched_without_subscriptions() {
    let server = TmuxServer::running("");
    let old = HostSpec { ceiling: "3.1c".parse().ok(), ..spec(&server) };
    let watched = Watched::with(old, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(watched.type_line(&pane, "I-1", "echo nee''dle"), Outcome::Done);
    watched.wait_line("needle");
    // A pane of another session that dies is not notified anywhere.
    let other = server.new_session("other", "echo other needle; cat");
    watched.wait_pane(&other);
    watched.wait_line("other needle");
}

#[test]
fn where_control_mode_fails_panes_are_polled_and_never_typed_into() {
    let server = TmuxServer::running("");
    let bin = server.folder().join("tmux-without-control");
    let script = format!("#!/bin/sh\nfor a; do [ \"$a\" = -C ] && exit 1; done\nexec {} \"$@\"\n", server.program());
    std::fs::write(&bin, script).expect("a file");
    std::fs::set_permissions(&bin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
    let bin = bin.display().to_string();
    let transport = Transport::Local { bin, socket: Socket::Path(server.socket().display().to_string()) };
    let watched = Watched::with(HostSpec { transport, ..spec(&server) }, &["needle"]);
    watched.wait_state(HostState::Polling);
    let (_, detail) = watched.state().expect("a state");
    assert!(detail.contains("control mode failed"), "{detail}");
    let pane = watched.wait_pane("%0").key;
    wait_for(PATIENCE, "the first poll", || watched.find(|message| message_of(message, &pane)));
    server.type_line("main", "seq 1 100; echo nee''dle");
    watched.wait_line("needle");
    assert_eq!(watched.lines().len(), 1);
    let outcome = watched.type_line(&pane, "I-1", "echo never");
    assert!(
        matches!(outcome, Outcome::Skipped { reason: SkipReason::Unreachable(why) } if why.contains("control mode failed"))
    );
}
