//! The demonstration in a real terminal: agents and tools really run, the bundled policies move them on, a key decides.
//!
//! With `TMUXAGENT_PICTURE=FILE` the screen is also written there as SVG, for the README.

use super::support::{PATIENCE, TmuxServer, wait_for, wait_or_tell};

const SCREEN: &str = "=desk:demo";
/// What a dialog says whose question is over.
const VOID: &str = "nothing is decided here any more";

fn wait_screen(desk: &TmuxServer, what: &str, condition: impl Fn(&str) -> bool) -> String {
    wait_for(PATIENCE * 2, what, || Some(desk.screen(SCREEN)).filter(|screen| condition(screen)))
}

#[test]
fn lint_test_approval_build_deploy_happen_for_real() {
    let desk = TmuxServer::prepare();
    let picture = std::env::var_os("TMUXAGENT_PICTURE");
    // A picture shows things under way; a test has no time to watch.
    let speed = if picture.is_some() { "1" } else { "10" };
    let line = format!(
        "exec env -i PATH=\"$PATH\" HOME='{home}' TMPDIR='{home}' LANG=C.UTF-8 TERM=tmux-256color USER=ann '{}' demo --speed {speed}",
        env!("CARGO_BIN_EXE_tmuxagent"),
        home = desk.folder().display(),
    );
    desk.tmux(&["new-session", "-d", "-s", "desk", "-n", "demo", "-x", "120", "-y", "36", &line]);
    wait_screen(&desk, "two questions", |screen| screen.contains("2 to decide"));
    if let Some(file) = picture {
        wait_screen(&desk, "the last line of the tests", |screen| screen.contains("12 passed, 12 total"));
        let capture = desk.tmux(&["capture-pane", "-e", "-p", "-t", SCREEN]);
        let buffer = tmuxagent_tui::picture::captured(&capture, 120);
        std::fs::write(file, tmuxagent_tui::picture::svg(&buffer, "The main screen of tmuxagent")).expect("writable");
    }
    // With little room a run is one row, a sign for each stage.
    let is_done = |row: &str| row.contains("done") || row.contains("✓ ✓ ✓ ✓");
    decide_until(&desk, |screen| screen.lines().any(|row| row.contains("storyapp-ci #") && is_done(row)));
    // A dialog whose question is over takes Esc alone.
    let asked = std::cell::Cell::new(false);
    wait_for(PATIENCE, "the end", || {
        let shown = desk.try_tmux(&["capture-pane", "-p", "-t", SCREEN]).stdout;
        let key = match String::from_utf8_lossy(&shown).contains(VOID) {
            true => "Escape",
            // Leaving may ask, since runs may be open.
            false if asked.replace(true) => "y",
            false => "q",
        };
        desk.try_tmux(&["send-keys", "-t", SCREEN, key]);
        asked.set(asked.get() && key != "Escape");
        (!desk.is_running()).then_some(())
    });
    let left: Vec<_> = std::fs::read_dir(desk.folder()).expect("the folder").flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("tmuxagent-demo")), "left behind: {left:?}");
}

/// However the demonstration ends, its server and its folder go with it.
#[test]
fn a_demonstration_leaves_nothing_behind_however_it_ends() {
    for way in ["closed terminal", "HUP", "TERM", "KILL"] {
        let desk = TmuxServer::prepare();
        let line = format!(
            "exec env -i PATH=\"$PATH\" HOME='{home}' TMPDIR='{home}' LANG=C.UTF-8 TERM=tmux-256color '{}' demo --speed 10",
            env!("CARGO_BIN_EXE_tmuxagent"),
            home = desk.folder().display(),
        );
        desk.tmux(&["new-session", "-d", "-s", "desk", "-n", "demo", "-x", "100", "-y", "30", &line]);
        wait_screen(&desk, "its panes", |screen| screen.contains("codex-voice"));
        let folder = || {
            let entries = std::fs::read_dir(desk.folder()).expect("the folder").flatten();
            entries.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("tmuxagent-demo"))
        };
        let demo = folder().expect("a folder of its own");
        let of_demo = |what: &str| {
            let tmux = std::process::Command::new("tmux")
                .arg("-S")
                .arg(demo.join("tmux.sock"))
                .args(["display", "-p", what])
                .output();
            String::from_utf8_lossy(&tmux.expect("tmux").stdout).trim().to_owned()
        };
        let server = of_demo("#{pid}");
        assert!(std::path::Path::new("/proc").join(&server).exists(), "the server of {demo:?}: {server}");
        let program = desk.tmux(&["display", "-p", "-t", SCREEN, "#{pane_pid}"]).trim().to_owned();
        match way {
            "closed terminal" => desk.tmux(&["kill-pane", "-t", SCREEN]),
            signal => {
                let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &program]).status();
                assert!(sent.expect("kill").success());
                String::new()
            }
        };
        wait_for(PATIENCE, &format!("the end of server and folder after {way}"), || {
            let gone = !std::path::Path::new("/proc").join(&server).exists();
            (gone && folder().is_none()).then_some(())
        });
    }
}

/// The key from the pane under the cursor to one that asks; any pane may have come first.
fn towards_a_question(screen: &str) -> &'static str {
    let row = |start: &str| screen.lines().skip(2).take(6).position(|row| row.starts_with(start));
    if row("│ ?") < row("│›") { "k" } else { "j" }
}

/// Approves what is asked, pane by pane, until the screen shows what is wanted.
fn decide_until(desk: &TmuxServer, reached: impl Fn(&str) -> bool) {
    let step = || {
        let screen = desk.screen(SCREEN);
        let key = if screen.contains(VOID) {
            "Escape"
        } else if screen.contains("approve?") {
            "y"
        } else if reached(&screen) {
            return Some(());
        } else if screen.contains("nothing here waits") {
            towards_a_question(&screen)
        } else {
            "a"
        };
        desk.tmux(&["send-keys", "-t", SCREEN, key]);
        let moved = || (desk.screen(SCREEN) != screen).then_some(());
        let soon = std::time::Instant::now() + std::time::Duration::from_secs(1);
        let _ = std::iter::repeat_with(moved).take_while(|_| std::time::Instant::now() < soon).flatten().next();
        None
    };
    wait_or_tell(PATIENCE * 3, step, || format!("waited in vain for the deploy's end:\n{}", desk.screen(SCREEN)));
}
