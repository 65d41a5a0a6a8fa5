//! The collector against real tmux servers: what comes, goes and is printed.

use crate::support::watched::{Watched, keys, policy, positions, spec};
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::sync::Arc;
use tmuxagent::model::{Effect, Event, HostState, IntentId, LineSource, Outcome};
use tmuxagent::tmux::{HostMessage, HostSpec};

/// Whether the pane was told to be gone.
fn is_gone(watched: &Watched, id: &str) -> Option<()> {
    watched.find(|message| match message {
        HostMessage::Event(Event::PaneGone { pane }) if pane.pane.to_string() == id => Some(()),
        _ => None,
    })
}

#[test]
fn a_line_is_told_and_a_send_is_answered() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(watched.type_line(&pane, "I-1", "echo nee''dle"), Outcome::Done);
    let line = watched.wait_line("needle");
    assert_eq!((line.text.as_str(), line.hits.as_slice()), ("needle", &[0][..]));
    assert_eq!(watched.lines().len(), 1, "the echo of what was typed triggers nothing");
}

#[test]
fn what_was_on_the_screen_before_triggers_nothing() {
    let server = TmuxServer::running("echo old needle; exec sh");
    wait_for(PATIENCE, "the old line", || server.screen("main").contains("old needle").then_some(()));
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(watched.type_line(&pane, "I-1", "echo new nee''dle"), Outcome::Done);
    watched.wait_line("new needle");
    assert!(watched.lines().iter().all(|line| !line.text.contains("old")));
}

#[test]
fn panes_windows_and_sessions_come_go_and_change() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let first = watched.wait_live(&server, "main");
    assert_eq!((first.facts.session.as_str(), first.width, first.height), ("main", 80, 24));

    // A split prints at once; not a byte of it is missed.
    let split = server.tmux(&["split-window", "-d", "-t", "main", "-P", "-F", "#{pane_id}", "echo split needle; cat"]);
    watched.wait_pane(&split);
    watched.wait_line("split needle");
    server.tmux(&["kill-pane", "-t", &split]);
    wait_for(PATIENCE, "the end of the split", || is_gone(&watched, &split));

    // A session that prints before any client can be attached to it is read from its beginning.
    let other = server.new_session("other", "echo session needle; cat");
    watched.wait_pane(&other);
    watched.wait_line("session needle");
    server.tmux(&["rename-window", "-t", "other", "新 name"]);
    let renamed = |message: &HostMessage| match message {
        HostMessage::Event(Event::PaneSeen { info }) if info.facts.window == "新 name" => Some(info.key.clone()),
        _ => None,
    };
    let renamed = watched.wait("the new name", renamed);
    assert_eq!(renamed.pane.to_string(), other);

    // A respawned pane is another pane.
    server.tmux(&["respawn-pane", "-k", "-t", &other, "echo respawn needle; cat"]);
    wait_for(PATIENCE, "the old pane's end", || is_gone(&watched, &other));
    let again = watched.wait("the new pane", |message| match message {
        HostMessage::Event(Event::PaneSeen { info })
            if info.key.pane == renamed.pane && info.key.pid != renamed.pid =>
        {
            Some(info.key.clone())
        }
        _ => None,
    });
    assert_ne!(again, renamed);
    server.tmux(&["kill-session", "-t", "other"]);
    let gone = |message: &HostMessage| {
        matches!(message, HostMessage::Event(Event::PaneGone { pane }) if *pane == again).then_some(())
    };
    watched.wait("the session's end", gone);
    assert_eq!(watched.state().map(|(state, _)| state), Some(HostState::Live));
    assert!(server.is_running());
}

#[test]
fn a_server_appears_ends_and_is_replaced() {
    let server = TmuxServer::prepare();
    let watched = Watched::new(&server, &["needle"]);
    watched.wait_state(HostState::NoServer);
    server.start("");
    let first = watched.wait_live(&server, "main").key;
    server.kill();
    watched.wait_state(HostState::NoServer);
    wait_for(PATIENCE, "the pane's end", || is_gone(&watched, "%0"));
    server.start("");
    let second = watched.wait("the new server's pane", |message| match message {
        HostMessage::Event(Event::PaneSeen { info }) if info.key.server != first.server => Some(info.key.clone()),
        _ => None,
    });
    assert_eq!(second.pane, first.pane);
    watched.wait_state(HostState::Live);
    assert_eq!(watched.type_line(&second, "I-1", "echo nee''dle"), Outcome::Done);
    watched.wait_line("needle");
    assert!(matches!(watched.type_line(&first, "I-2", "never"), Outcome::Skipped { .. }));
}

#[test]
fn a_restart_reads_what_was_printed_meanwhile_and_nothing_twice() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(watched.type_line(&pane, "I-1", "echo first nee''dle"), Outcome::Done);
    watched.wait_line("first needle");
    let said = watched.end();
    let remembered = positions(&said);
    assert!(remembered.contains_key(&pane));
    server.type_line("main", "seq 1 200; echo missed nee''dle; seq 201 210");
    wait_for(PATIENCE, "the missed lines", || server.screen("main").contains("\n210\n").then_some(()));

    let watched = Watched::with(HostSpec { remembered, ..spec(&server) }, &["needle", "^20[0-9]$"]);
    let missed = watched.wait_line("missed needle");
    assert_eq!(missed.source, LineSource::History);
    assert_eq!(missed.pane, pane, "the same pane of the same server");
    assert_eq!(watched.type_line(&pane, "I-2", "echo last nee''dle"), Outcome::Done);
    watched.wait_line("last needle");
    let texts: Vec<String> = watched.lines().into_iter().map(|line| line.text).collect();
    let mut expected = vec!["200".to_owned(), "missed needle".to_owned()];
    expected.extend((201..210).map(|number| number.to_string()));
    expected.push("last needle".to_owned());
    assert_eq!(texts, expected);
    // An intent of the earlier life is settled by its mark; nothing is typed for it again.
    let count = || server.tmux(&["capture-pane", "-p", "-S", "-", "-t", "main"]).matches("last needle").count();
    let before = count();
    watched.handle.settle(IntentId::new("I-2"), &Effect::Send(keys(&pane, "echo last nee''dle")));
    wait_for(PATIENCE, "the settled outcome", || {
        let outcomes = watched.messages().into_iter().filter(
            |message| matches!(message, HostMessage::Event(Event::Outcome { intent, .. }) if intent.as_str() == "I-2"),
        );
        (outcomes.count() == 2).then_some(())
    });
    assert_eq!(count(), before);
}

#[test]
fn a_new_policy_counts_from_its_arrival() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    let mut other = policy(&["thread"]);
    other.generation = 7;
    watched.policy.send_replace(Arc::new(other));
    assert_eq!(watched.type_line(&pane, "I-1", "echo a nee''dle and thr''ead"), Outcome::Done);
    assert_eq!(watched.wait_line("thread").policy, 7);
}
