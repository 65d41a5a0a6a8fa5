//! A process that is put into a pane (`respawn-pane`) has no past: what its predecessor printed is nobody's news.

use super::support::watched::{Watched, positions, spec};
use super::support::{PATIENCE, TmuxServer, wait_for};
use tmuxagent_model::{Event, PaneKey};
use tmuxagent_tmux::{HostMessage, HostSpec};

const SHELL: &str = "exec env PS1='$ ' sh";

/// A pane whose first process has printed a line that is looked for, and more than its screen holds; then another process
/// is put into it. Gives the new one's key.
fn respawned(server: &TmuxServer, watched: &Watched) -> PaneKey {
    let old = watched.wait_live(server, "main").key;
    server.type_line("main", "echo go'' one; seq 1 60; echo go'' two; seq 1 40");
    watched.wait_line("go two");
    server.wait_screen("main", "\n40\n");
    server.tmux(&["respawn-pane", "-k", "-t", "main", SHELL]);
    let new = watched.wait("the new process", |message| match message {
        tmuxagent_tmux::HostMessage::Event(tmuxagent_model::Event::PaneSeen { info })
            if info.key.pane == old.pane && info.key != old =>
        {
            Some(info.key.clone())
        }
        _ => None,
    });
    server.wait_screen("main", "\n$");
    // Its first position is told once all that the pane holds is known to be old.
    watched.wait("its first position", |message| match message {
        tmuxagent_tmux::HostMessage::Position { pane, .. } if *pane == new => Some(()),
        _ => None,
    });
    new
}

fn told(watched: &Watched, pane: &PaneKey) -> Vec<String> {
    watched.lines().into_iter().filter(|line| line.pane == *pane).map(|line| line.text).collect()
}

#[test]
fn a_respawned_pane_that_moves_to_another_session_begins_at_its_end() {
    let server = TmuxServer::running("");
    server.new_session("other", "");
    let watched = Watched::new(&server, &["^go [a-z]+$"]);
    watched.wait_live(&server, "other");
    let pane = respawned(&server, &watched);
    server.tmux(&["new-window", "-d", "-t", "main:", SHELL]);
    server.tmux(&["move-window", "-d", "-s", &pane.pane.to_string(), "-t", "other:"]);
    wait_for(PATIENCE, "a line behind the move", || {
        server.type_line(&pane.pane.to_string(), "echo go'' on");
        (told(&watched, &pane).last().map(String::as_str) == Some("go on")).then_some(())
    });
    assert!(told(&watched, &pane).iter().all(|line| line == "go on"), "{:?}", told(&watched, &pane));
}

#[test]
fn a_respawned_pane_has_no_past_in_the_next_life_either() {
    // Nothing printed by the new process, one line, and three; ended in order, and killed right away.
    for (words, orderly) in [("", true), ("", false), ("echo hi", true), ("seq 3", true), ("seq 3", false)] {
        let server = TmuxServer::running("");
        let watched = Watched::new(&server, &["^go [a-z]+$"]);
        let pane = respawned(&server, &watched);
        if !words.is_empty() {
            server.type_line("main", words);
            server.wait_screen("main", if words == "seq 3" { "\n3\n" } else { "\nhi\n" });
        }
        // A kill leaves what was told until then.
        let said = if orderly { watched.end() } else { watched.messages() };
        let remembered = positions(&said);
        assert!(remembered.contains_key(&pane));
        let next = Watched::with(HostSpec { remembered, ..spec(&server) }, &["^go [a-z]+$"]);
        assert_eq!(next.wait_live(&server, "main").key, pane);
        server.type_line("main", "echo go'' on");
        next.wait_line("go on");
        assert_eq!(told(&next, &pane), ["go on"], "after {words:?}, ended in order: {orderly}");
    }
}

#[test]
fn a_process_that_came_while_nobody_watched_begins_at_its_end() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["^go [a-z]+$"]);
    let old = watched.wait_live(&server, "main").key;
    server.type_line("main", "echo go'' one; seq 1 60");
    watched.wait_line("go one");
    server.wait_screen("main", "\n60\n");
    let remembered = positions(&watched.end());
    server.tmux(&["respawn-pane", "-k", "-t", "main", SHELL]);
    server.wait_screen("main", "\n$");
    let next = Watched::with(HostSpec { remembered, ..spec(&server) }, &["^go [a-z]+$"]);
    let new = next.wait_live(&server, "main").key;
    assert_ne!(new, old);
    server.type_line("main", "echo go'' on");
    next.wait_line("go on");
    assert_eq!(told(&next, &new), ["go on"]);
}

/// A pane that appears while it is watched is its process's own, from the first line on, whatever comes between.
#[test]
fn a_new_pane_still_has_its_whole_past() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["^go [a-z]+$"]);
    watched.wait_live(&server, "main");
    server.new_session("late", "echo go early; exec sleep 600");
    watched.wait_line("go early");
}

/// What is told of a process that is put into a pane of one that does `before`, and says its first words at once.
fn first_words(before: &str, words: &str, storm: bool) {
    let server = TmuxServer::running(before);
    let watched = Watched::new(&server, &["^first needle$", "^before ([0-9]|[0-9]+0)$"]);
    let mut own = Vec::new();
    watched.wait_live(&server, "main");
    let process =
        || -> u32 { server.tmux(&["display-message", "-p", "-t", "main", "#{pane_pid}"]).parse().expect("a process") };
    for _ in 0..5 {
        let predecessor = process();
        if !storm {
            watched.wait("its position", |message| match message {
                HostMessage::Position { pane, .. } if pane.pid == predecessor => Some(()),
                _ => None,
            });
        }
        server.tmux(&["respawn-pane", "-k", "-t", "main", words]);
        let pid = process();
        own.push(pid);
        watched.wait(&format!("the first words of {pid} after {before:?}"), |message| match message {
            HostMessage::Event(Event::Line(line)) if line.pane.pid == pid && line.text == "first needle" => Some(()),
            _ => None,
        });
        server.tmux(&["respawn-pane", "-k", "-t", "main", before]);
    }
    let lines = watched.lines();
    let keys: Vec<u32> = lines.iter().filter(|line| line.text == "first needle").map(|line| line.pane.pid).collect();
    assert_eq!(keys, own, "each under its own key, once, after {before:?}");
    let strange = lines.iter().find(|line| line.text != "first needle" && own.contains(&line.pane.pid));
    assert!(strange.is_none(), "{strange:?}");
}

#[test]
fn the_first_words_of_a_respawned_process_are_its_own() {
    for before in ["echo before 1; exec cat", "trap '' HUP; for i in 1 2 3 4 5 6; do echo before $i; sleep 1; done"] {
        first_words(before, "echo first needle; exec cat", false);
        first_words(before, "echo first needle; seq 1 200; exec cat", false);
        first_words(before, "printf 'first needle\\n\\033[2J'; exec cat", false);
    }
}

#[test]
fn the_first_words_after_a_flood_are_told_apart_from_it() {
    // As much as an unoptimised build reads beside other tests.
    let flood = "i=0; while :; do i=$((i+1)); echo before $i; [ $((i % 100)) != 0 ] || sleep 0.001; done";
    first_words(flood, "echo first needle; exec cat", false);
    first_words(flood, "echo first needle; seq 1 200; exec cat", false);
    first_words(flood, "echo first needle; exec cat", true);
}
