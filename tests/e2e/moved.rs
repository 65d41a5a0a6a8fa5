//! Panes that are moved about while they print: every line is read, once and in its order.
//!
//! `TMUXAGENT_MOVED_LINES=5000000 TMUXAGENT_MOVED_PANES=20` prints so many lines from so many panes; a few where nobody asks.

use super::support::watched::Watched;
use super::support::{TmuxServer, wait_for};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tmuxagent_model::{Event, PaneId};
use tmuxagent_tmux::HostMessage;

/// All of them print at once, in an unoptimised build.
const LONG: Duration = Duration::from_secs(600);

fn number(name: &str, few: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(few)
}

/// Moves, breaks, joins, swaps and renames as fast as the server does it, until the end; gives how often.
fn move_about(server: &TmuxServer, panes: &[String], on: &AtomicBool, moves: &AtomicU32) {
    let mut round = 0;
    while on.load(Ordering::Relaxed) {
        let pane = &panes[round % panes.len()];
        let other = &panes[(round * 7 + 3) % panes.len()];
        let name = format!("w{round}");
        let commands: [&[&str]; 9] = [
            &["swap-pane", "-d", "-s", pane, "-t", other],
            &["break-pane", "-d", "-s", other, "-t", "=side:", "-n", &name],
            &["join-pane", "-d", "-l", "3", "-s", other, "-t", pane],
            &["swap-window", "-d", "-s", pane, "-t", other],
            &["move-window", "-d", "-s", other, "-t", "=main:"],
            &["rename-window", "-t", pane, &name],
            &["resize-window", "-t", pane, "-x", if round % 2 == 0 { "60" } else { "90" }],
            &["select-window", "-t", other],
            &["clear-history", "-t", other],
        ];
        for command in commands {
            // Some have nothing to do by now.
            moves.fetch_add(u32::from(server.try_tmux(command).status.success()), Ordering::Relaxed);
        }
        round += 1;
    }
}

/// The number that stands in each line which is told, by pane.
fn told(messages: &[HostMessage]) -> BTreeMap<PaneId, Vec<u64>> {
    let mut found: BTreeMap<PaneId, Vec<u64>> = BTreeMap::new();
    for message in messages {
        if let HostMessage::Event(Event::Line(line)) = message {
            found.entry(line.pane.pane).or_default().push(line.text.trim().parse().expect("a number"));
        }
    }
    found
}

#[test]
fn panes_that_are_moved_about_lose_no_line() {
    let (lines, panes) = (number("TMUXAGENT_MOVED_LINES", 24_000), number("TMUXAGENT_MOVED_PANES", 4));
    let each = lines / panes / 100 * 100;
    let server = TmuxServer::running("");
    server.new_session("side", "exec cat");
    let go = server.folder().join("go");
    let script = format!(
        "stty -echo; until [ -e '{}' ]; do sleep 0.05; done; i=0; \
         while [ $i -lt {each} ]; do seq $((i + 1)) $((i + 100)); i=$((i + 100)); sleep 0.01; done; exec cat",
        go.display()
    );
    let names: Vec<String> = (0..panes)
        .map(|_| server.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "=main:", &script]))
        .collect();
    let watched = Watched::new(&server, &["^[0-9]*00$"]);
    names.iter().for_each(|name| drop(watched.wait_live(&server, name)));
    let (on, moves) = (AtomicBool::new(true), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let (on, moves, server, names) = (&on, &moves, &server, &names);
        scope.spawn(move || move_about(server, names, on, moves));
        std::fs::write(&go, "").expect("the sign to begin");
        let all = || {
            let found = told(&watched.messages());
            (found.len() as u64 == panes && found.values().all(|told| told.last() == Some(&each))).then_some(())
        };
        struct Calm<'a>(&'a AtomicBool);
        impl Drop for Calm<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Relaxed);
            }
        }
        let _calm = Calm(on);
        wait_for(LONG, "the last lines", all);
    });
    let messages = watched.messages();
    for (pane, numbers) in told(&messages) {
        let whole: Vec<u64> = (1..=each / 100).map(|hundred| hundred * 100).collect();
        assert!(numbers == whole, "{pane}: {} of {} hundreds, or in another order", numbers.len(), whole.len());
    }
    assert!(!messages.iter().any(|message| matches!(message, HostMessage::Event(Event::Gap { .. }))), "a gap was told");
    let moves = moves.into_inner();
    println!("{lines} lines of {panes} panes, moved {moves} times meanwhile: all told");
    assert!(moves > 0, "nothing was moved");
}
