//! Every version of tmux that can be had does what it can: the system's own, and those that `TMUXAGENT_TEST_TMUX` names
//! (paths of programs with `:` between them).

use super::ssh::remote;
use super::support::sshd::Sshd;
use super::support::watched::{Watched, keys, spec};
use super::support::{PATIENCE, TmuxServer, wait_for};
use tmuxagent_model::{HostState, IntentId, Outcome, SkipReason};
use tmuxagent_tmux::HostSpec;
use tmuxagent_tmux::proto::Version;

fn programs() -> Vec<String> {
    let named = std::env::var("TMUXAGENT_TEST_TMUX").unwrap_or_default();
    let named = named.split(':').filter(|name| !name.is_empty()).map(str::to_owned);
    std::iter::once("tmux".to_owned()).chain(named).collect()
}

#[test]
fn here_and_behind_sshd_each_version_is_read_and_typed_into_as_far_as_it_can() {
    let sshd = Sshd::start();
    for program in programs() {
        let server = TmuxServer::of(&program);
        server.start("");
        let said = server.command().arg("-V").output().expect("tmux").stdout;
        let version: Version =
            String::from_utf8_lossy(&said).split(' ').next_back().expect("a word").parse().expect("a version");
        check(spec(&server), &server, version, "here");
        check(remote("far", &sshd, &server, sshd.port()), &server, version, "far");
    }
}

fn check(spec: HostSpec, server: &TmuxServer, version: Version, place: &str) {
    println!("tmux {version}, {place}");
    let watched = Watched::with(spec, &["^told \\d+$", "^typed \\d+$"]);
    let state = if version.has_control() { HostState::Live } else { HostState::Polling };
    watched.wait_state(state);
    let pane = if version.has_control() { watched.wait_live(server, "main").key } else { watched.wait_pane("%0").key };
    let detail = watched.state().map(|(_, detail)| detail).unwrap_or_default();
    match version {
        old if !old.has_control() => assert!(detail.contains("older than 3.0; panes are polled"), "{detail}"),
        old if !old.is_full() => assert!(detail.contains("every two seconds"), "{detail}"),
        old if old < Version::RESPAWNS && place == "far" => {
            assert!(detail.contains("before 3.8 can crash"), "{detail}")
        }
        old if old < Version::MENDED => assert!(detail.contains("3.7 or later is advised"), "{detail}"),
        _ => assert_eq!(detail, ""),
    }
    let number = format!("{place}{version}").bytes().map(u32::from).sum::<u32>();
    let mut number = number;
    wait_for(PATIENCE, "a line", || {
        // A line that stood there before the first poll would be an old one.
        number += 1;
        server.type_line("main", &format!("echo told'' {number}"));
        let soon = std::time::Instant::now() + std::time::Duration::from_secs(2);
        let come = || watched.lines().iter().any(|line| line.text == format!("told {number}"));
        std::iter::repeat_with(come).take_while(|_| std::time::Instant::now() < soon).find(|come| *come).map(drop)
    });
    let intent = IntentId::new(format!("type-{place}"));
    watched.handle.send(intent.clone(), keys(&pane, &format!("echo typed'' {number}")));
    let outcome = watched.wait_outcome(&intent);
    if version.has_control() {
        assert_eq!(outcome, Outcome::Done, "tmux {version}, {place}");
        watched.wait_line(&format!("typed {number}"));
    } else {
        let refused =
            matches!(&outcome, Outcome::Skipped { reason: SkipReason::Unreachable(why) } if why.contains("3.0"));
        assert!(refused, "tmux {version}, {place}: {outcome:?}");
    }
    // Nobody notices that he was watched.
    watched.end();
    assert!(server.is_running());
}
