//! Watching changes nothing for the user: what his server does without us it does with us.

use super::support::watched::Watched;
use super::support::{PATIENCE, TmuxServer, wait_for};

/// A terminal in which the user's own tmux client runs: a pane of another server.
struct Terminal {
    outer: TmuxServer,
}

impl Terminal {
    /// Runs `tmux WORDS` against the server.
    fn run(server: &TmuxServer, words: &str) -> Self {
        let outer = TmuxServer::prepare();
        let line =
            format!("exec env -u TMUX -u TMUX_PANE {} -S '{}' {words}", server.program(), server.socket().display());
        outer.start(&line);
        Self { outer }
    }

    /// The user closes it.
    fn close(self) {
        self.outer.kill();
    }
}

/// The sessions in which the user's own clients are; ours take no terminal.
fn looked_at(server: &TmuxServer) -> String {
    let all = server.tmux(&["list-clients", "-F", "#{?client_control_mode,,#{client_session}}"]);
    all.lines().filter(|session| !session.is_empty()).collect::<Vec<_>>().join(" ")
}

fn watched(server: &TmuxServer) -> Watched {
    let watched = Watched::new(server, &["needle"]);
    watched.wait_live(server, "main");
    watched
}

/// Runs a scene without us and with us, on two servers.
fn without_and_with(scene: impl Fn(&TmuxServer) -> String) {
    let alone = TmuxServer::running("");
    let without = scene(&alone);
    let server = TmuxServer::running("");
    let watched = watched(&server);
    assert_eq!(scene(&server), without, "as it is without us");
    watched.end();
}

#[test]
fn a_bare_attach_goes_to_the_session_that_was_used_last() {
    for last in ["one", "two"] {
        without_and_with(|server| {
            for name in ["one", "two"] {
                server.new_session(name, "exec cat");
            }
            let user = Terminal::run(server, &format!("attach -t ={last}"));
            wait_for(PATIENCE, "the user's client", || (looked_at(server) == last).then_some(()));
            user.outer.tmux(&["send-keys", "-t", "main", "x"]);
            server.wait_screen(&format!("={last}:"), "x");
            user.close();
            wait_for(PATIENCE, "its end", || looked_at(server).is_empty().then_some(()));
            let again = Terminal::run(server, "attach");
            let session = wait_for(PATIENCE, "a client", || Some(looked_at(server)).filter(|seen| !seen.is_empty()));
            assert_eq!(session, last);
            again.close();
            session
        });
    }
}

#[test]
fn a_session_that_ends_with_its_last_client_does() {
    without_and_with(|server| {
        server.new_session("brief", "exec cat");
        let user = Terminal::run(server, "attach -t =brief");
        wait_for(PATIENCE, "the user's client", || (looked_at(server) == "brief").then_some(()));
        server.tmux(&["set-option", "-t", "=brief:", "destroy-unattached", "on"]);
        user.close();
        let left = || server.tmux(&["list-sessions", "-F", "#{session_name}"]);
        wait_for(PATIENCE, "its end", || (!left().lines().any(|name| name == "brief")).then_some(()));
        server.tmux(&["display-message", "-p", "-t", "=main:", "#{session_attached}"])
    });
}

#[test]
fn what_rings_and_prints_behind_the_current_window_stays_marked() {
    without_and_with(|server| {
        server.tmux(&["set-option", "-g", "monitor-activity", "on"]);
        let go = server.folder().join("go");
        for (name, says) in [("rings", "\\a"), ("prints", "needle\\n"), ("rests", "")] {
            let script = format!("until [ -e '{}' ]; do sleep 0.05; done; printf '{says}'; exec cat", go.display());
            server.tmux(&["new-window", "-d", "-n", name, "-t", "=main:", &script]);
        }
        // What the windows print as they open is over.
        server.wait_screen("=main:rests", "");
        std::fs::write(&go, "").expect("the sign to begin");
        let format = "#{window_name} #{window_bell_flag}";
        let flags = || {
            let all = server.tmux(&["list-windows", "-t", "=main:", "-F", format]);
            all.lines().filter(|line| line.starts_with('r') || line.starts_with('p')).collect::<Vec<_>>().join(" ")
        };
        wait_for(PATIENCE, "the bell", || flags().contains("rings 1").then_some(()));
        let active = |name: &str| {
            server.tmux(&["display-message", "-p", "-t", &format!("=main:{name}"), "#{window_activity_flag}"]) == "1"
        };
        wait_for(PATIENCE, "activity", || active("prints").then_some(()));
        flags()
    });
}
