//! The collector against real tmux servers: what comes, goes and is printed.

use crate::support::watched::{Watched, keys, policy, positions, spec};
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::sync::Arc;
use tmuxagent_model::{Effect, Event, HostState, IntentId, LineSource, NameFilter, Outcome};
use tmuxagent_policy::{Selector, TextTest};
use tmuxagent_tmux::{HostMessage, HostSpec};

/// Whether the pane was told to be gone.
fn is_gone(watched: &Watched, id: &str) -> Option<()> {
    watched.find(|message| match message {
        HostMessage::Event(Event::PaneGone { pane, .. }) if pane.pane.to_string() == id => Some(()),
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
        matches!(message, HostMessage::Event(Event::PaneGone { pane, .. }) if *pane == again).then_some(())
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

#[test]
fn a_title_that_changed_before_a_policy_asked_for_titles_is_told() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    watched.wait_live(&server, "main");
    server.tmux(&["select-pane", "-t", "main", "-T", "codex at work"]);
    watched.wait("the new title", |message| match message {
        HostMessage::Panes(panes) => panes.iter().any(|pane| pane.title == "codex at work").then_some(()),
        _ => None,
    });
    let mut asking = policy(&["needle"]);
    asking.generation = 7;
    asking.pipelines[0].selector = Selector::Title(TextTest::Exact("codex at work".to_owned()));
    watched.policy.send_replace(Arc::new(asking));
    watched.wait("the pane with its title", |message| match message {
        HostMessage::Event(Event::PaneSeen { info }) => (info.facts.title == "codex at work").then_some(()),
        _ => None,
    });
}

#[test]
fn hostile_names_titles_folders_and_screens_forge_nothing() {
    let server = TmuxServer::running("");
    let folder = server.folder().join("x\n%output %0 forged needle\n%end 1 1 1\n");
    std::fs::create_dir_all(&folder).expect("a folder");
    let folder = folder.display().to_string();
    let name = "a\tb %output %0 #{pane_id} ; \u{1b}[31m 中文 'q' \"d\"";
    let evil = "printf '\\033]2;%%end 1 1 1 #{x} N.\\007'; exec cat";
    let pane =
        server.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-n", name, "-c", &folder, "-t", "main", evil]);
    server.tmux(&["set-option", "-p", "-t", &pane, "@tmuxagent_role", "role\n%output %0 forged needle\n."]);
    let watched = Watched::new(&server, &["needle"]);
    let main = watched.wait_live(&server, "main").key;
    let facts = watched.wait("the window's facts", |message| match message {
        HostMessage::Event(Event::PaneSeen { info })
            if info.key.pane.to_string() == pane && !info.facts.title.is_empty() && info.facts.path == folder =>
        {
            Some(info.facts.clone())
        }
        _ => None,
    });
    assert_eq!(facts.role, "role\n%output %0 forged needle\n.");
    assert_eq!(facts.window, server.tmux(&["display-message", "-p", "-t", &pane, "#{window_name}"]));
    assert_eq!(facts.title, "%end 1 1 1 #{x} N.");
    // A screen full of what tmux itself says, captured again and again.
    let forged = "for n in $(seq 1 400); do echo \"%end 1 $n 1\"; echo '%output %0 forged'; done; echo real nee''dle";
    watched.handle.watch_screens(vec![main.clone()]);
    assert_eq!(watched.type_line(&main, "I-1", forged), Outcome::Done);
    watched.wait_line("real needle");
    let shown = |message: &HostMessage| match message {
        HostMessage::Screen { rows, .. } if rows.iter().any(|row| row.contains("real needle")) => Some(rows.clone()),
        _ => None,
    };
    let rows = watched.wait("the screen", shown);
    assert_eq!(rows.len(), 24);
    assert!(rows.iter().any(|row| row == "%output %0 forged"));
    assert!(watched.lines().iter().all(|line| line.text == "real needle"), "{:?}", watched.lines());
}

#[test]
fn a_program_that_owns_the_screen_is_read_as_a_screen() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    let draw = "printf '\\033[?1049h\\033[2J\\033[5;10Hdle\\033[5;7Hnee'; cat";
    assert_eq!(watched.type_line(&pane, "I-1", draw), Outcome::Done);
    let line = watched.wait_line("needle");
    assert_eq!(line.source, LineSource::Screen);
    server.type_line("main", "\u{c}again");
    wait_for(PATIENCE, "more on the screen", || server.screen("main").contains("again").then_some(()));
    assert_eq!(watched.type_line(&pane, "I-2", "more"), Outcome::Done);
    assert_eq!(watched.lines().len(), 1, "what stays on the screen is told once");
}

#[test]
fn a_client_that_was_sent_away_comes_back_and_reads_what_it_missed() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(watched.type_line(&pane, "I-1", "echo first nee''dle"), Outcome::Done);
    watched.wait_line("first needle");
    server.send_us_away();
    server.type_line("main", "echo missed nee''dle");
    watched.wait_line("missed needle");
    assert_eq!(watched.type_line(&pane, "I-2", "echo last nee''dle"), Outcome::Done);
    watched.wait_line("last needle");
    assert_eq!(watched.lines().len(), 3);
}

#[test]
fn a_pipe_that_the_user_opens_later_is_read_around_and_ours_comes_back_after_his() {
    let server = TmuxServer::running("");
    server.tmux(&["set-option", "-g", "history-limit", "100"]);
    let small = server.new_session("small", "");
    let watched = Watched::new(&server, &["needle"]);
    watched.wait_live(&server, "main");
    let pane = watched.wait_live(&server, "small").key;
    assert_eq!(watched.type_line(&pane, "I-1", "echo first nee''dle"), Outcome::Done);
    watched.wait_line("first needle");
    let file = server.folder().join("his");
    server.tmux(&["pipe-pane", "-t", "small", &format!("cat > {}", file.display())]);
    wait_for(PATIENCE, "what the screen says", || {
        watched.state().filter(|(_, detail)| detail.contains("has a pipe that is not ours") && detail.contains(&small))
    });
    server.type_line(&small, "echo second nee''dle");
    watched.wait_line("second needle");
    // It is typed into as well, and what comes faster than it is looked at is told as a gap.
    assert_eq!(watched.type_line(&pane, "I-2", "seq 1 5000; echo third nee''dle"), Outcome::Done);
    watched.wait_line("third needle");
    let gap = |message: &HostMessage| matches!(message, HostMessage::Event(Event::Gap { pane: p }) if *p == pane);
    assert!(watched.messages().iter().any(gap));
    wait_for(PATIENCE, "his file", || std::fs::read_to_string(&file).ok()?.contains("\nthird needle").then_some(()));
    server.tmux(&["pipe-pane", "-t", "small"]);
    wait_for(PATIENCE, "our pipe", || {
        (server.tmux(&["display-message", "-p", "-t", "small", "#{pane_pipe}"]) == "1").then_some(())
    });
    wait_for(PATIENCE, "what the screen says", || watched.state().filter(|(_, detail)| !detail.contains("not ours")));
    server.type_line(&small, "seq 1 3000; echo last nee''dle");
    watched.wait_line("last needle");
    let needles: Vec<String> = watched.lines().into_iter().map(|line| line.text).collect();
    assert_eq!(needles, ["first needle", "second needle", "third needle", "last needle"]);
    assert!(std::fs::read_to_string(&file).expect("his file").lines().all(|line| line != "last needle"));
}

#[test]
fn a_window_in_two_sessions_is_read_once_and_survives_the_first() {
    let server = TmuxServer::running("");
    server.new_session("other", "");
    server.tmux(&["link-window", "-s", "main:", "-t", "other:9"]);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    watched.wait_live(&server, "other");
    assert_eq!(watched.type_line(&pane, "I-1", "echo first nee''dle"), Outcome::Done);
    watched.wait_line("first needle");
    server.tmux(&["kill-session", "-t", "main"]);
    assert_eq!(watched.type_line(&pane, "I-2", "echo second nee''dle"), Outcome::Done);
    watched.wait_line("second needle");
    assert_eq!(watched.lines().len(), 2);
    let gone = |message: &HostMessage| matches!(message, HostMessage::Event(Event::PaneGone { .. }));
    assert!(!watched.messages().iter().any(gone), "the pane lives on in the other session");
}

#[test]
fn a_pane_with_a_view_of_ours_is_left_unread() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    watched.handle.exclude(pane.pane);
    wait_for(PATIENCE, "the pane's end", || is_gone(&watched, &pane.pane.to_string()));
    server.type_line("main", "echo hidden nee''dle");
    wait_for(PATIENCE, "the answer", || server.screen("main").contains("hidden needle").then_some(()));
    watched.handle.include(pane.pane);
    let seen_again = || {
        let messages = watched.messages();
        let gone = |message: &HostMessage| matches!(message, HostMessage::Event(Event::PaneGone { .. }));
        let seen = |message: &HostMessage| matches!(message, HostMessage::Event(Event::PaneSeen { .. }));
        let at = messages.iter().position(gone)?;
        messages[at..].iter().any(seen).then_some(())
    };
    wait_for(PATIENCE, "the pane again", seen_again);
    assert_eq!(watched.type_line(&pane, "I-1", "echo shown nee''dle"), Outcome::Done);
    watched.wait_line("shown needle");
    assert_eq!(watched.lines().len(), 1);
}

#[test]
fn only_chosen_panes_are_watched() {
    let server = TmuxServer::running("");
    let other = server.new_session("proj:app", "");
    let window =
        ["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "proj_app:", "-n", "agent", "exec env PS1='$ ' sh"];
    let server_side = server.tmux(&window);
    let filters = |texts: &[&str]| NameFilter::new(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
    let only = HostSpec {
        session_filters: filters(&["proj:*", "!scratch"]),
        pane_name_patterns: filters(&["agent"]),
        ..spec(&server)
    };
    let watched = Watched::with(only, &["needle"]);
    let pane = watched.wait_pane(&server_side);
    assert_eq!(watched.type_line(&pane.key, "I-1", "echo nee''dle"), Outcome::Done);
    watched.wait_line("needle");
    server.type_line("main", "echo nee''dle elsewhere");
    server.type_line(&other, "echo nee''dle elsewhere");
    server.tmux(&["rename-window", "-t", &other, "agent"]);
    let second = watched.wait_pane(&other);
    assert_eq!(watched.type_line(&second.key, "I-2", "echo nee''dle two"), Outcome::Done);
    watched.wait_line("needle two");
    assert_eq!(watched.lines().len(), 2);
    let sessions = server.tmux(&["list-sessions", "-F", "#{session_name} #{session_attached} #{@tmuxagent_watch}"]);
    let his: Vec<&str> = sessions.lines().filter(|line| line.ends_with(" ")).collect();
    assert_eq!(his, ["main 0 ", "proj_app 0 "], "nothing is attached to what is his");
    let pipes = server.tmux(&["list-panes", "-a", "-F", "#{pane_id} #{pane_pipe}"]);
    assert!(
        pipes.contains("%0 0") && pipes.contains(&format!("{server_side} 1")),
        "what is not watched is not read: {pipes}"
    );
}

#[test]
fn clients_that_a_killed_supervisor_left_behind_are_ended() {
    let server = TmuxServer::running("");
    let mut stale = server
        .command()
        .args(["-C", "attach-session", "-t", "main"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("a control client");
    let attached = || (!server.tmux(&["list-clients"]).is_empty()).then_some(());
    wait_for(PATIENCE, "the stale client", attached);
    let mark = format!("@tmuxagent_client_{}", stale.id());
    server.tmux(&["set-option", "-s", &mark, "e2e"]);
    let watched = Watched::new(&server, &["needle"]);
    let status = wait_for(PATIENCE, "its end", || stale.try_wait().expect("a child"));
    assert!(!status.success());
    watched.wait_live(&server, "main");
    assert!(!server.tmux(&["show-options", "-s"]).contains(&mark));
}
