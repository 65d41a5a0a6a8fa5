//! Prompts of every shape are known: over a restart, in new windows, and once a command has run there.

use super::integration::started;
use super::readers::{exists, shell_line, wait_reads};
use super::support::room::Room;
use super::support::watched::{Watched, positions, spec};
use super::support::{PATIENCE, TmuxServer, wait_for};
use tmuxagent_model::{Event, IntentId, Outcome, PaneKey, Reads};
use tmuxagent_tmux::{HostMessage, HostSpec};

/// Two rows, the last of which ends with no sign of a prompt.
const TOLD: [(&str, &str); 3] = [
    ("bash", "PS1='one\\n╰─ '"),
    ("zsh", "PS1=$'one\\n╰─ '"),
    ("fish", "function fish_prompt; printf 'one\\n╰─ '; end"),
];

/// A line that is typed there arrives.
fn runs(watched: &Watched, server: &TmuxServer, pane: &PaneKey, name: &str) {
    let (intent, file) = (IntentId::new(format!("I-{name}")), server.folder().join(format!("ran-{name}")));
    watched.handle.send(intent.clone(), shell_line(pane, &format!("touch '{}'", file.display())));
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done, "{name}");
    wait_for(PATIENCE, name, || file.exists().then_some(()));
}

#[test]
fn what_shells_told_of_their_prompts_survives_a_restart() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let shells: Vec<&str> = TOLD.iter().map(|(name, _)| *name).filter(|name| exists(name)).collect();
    let window = |name: &str, shell: &str, rc: &str| {
        let folder = server.folder().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        server.new_session(name, &started(shell, &folder, rc, ""));
        watched.wait_live(&server, name).key
    };
    let mut panes = Vec::new();
    for (shell, rc) in TOLD.iter().filter(|(shell, _)| shells.contains(shell)) {
        for state in ["empty", "draft"] {
            let name = format!("{shell}-{state}");
            let pane = window(&name, shell, rc);
            server.wait_screen(&name, "╰─");
            server.type_line(&name, "true");
            wait_reads(&watched, &pane, &name, &Reads::Shell);
            let known = |message: &HostMessage| match message {
                HostMessage::Position { pane: at, position } if *at == pane => {
                    let told = &position.prompts.as_ref()?.told;
                    told.iter().any(|text| text == "╰─ ").then_some(())
                }
                _ => None,
            };
            watched.wait("its prompt", known);
            panes.push((name, pane));
        }
    }
    for (name, pane) in panes.iter().filter(|(name, _)| name.ends_with("draft")) {
        server.tmux(&["send-keys", "-t", name, "-l", "--", "echo "]);
        wait_reads(&watched, pane, name, &Reads::Draft);
    }
    let remembered = positions(&watched.end());
    let watched = Watched::with(HostSpec { remembered, ..spec(&server) }, &["needle"]);
    for (name, pane) in &panes {
        watched.wait_live(&server, name);
        let reads = if name.ends_with("draft") { Reads::Draft } else { Reads::Shell };
        wait_reads(&watched, pane, name, &reads);
    }
    for (name, pane) in panes.iter().filter(|(name, _)| name.ends_with("empty")) {
        runs(&watched, &server, pane, name);
    }
}

#[test]
fn the_first_prompt_of_a_new_window_is_known_where_its_marks_were_not_heard() {
    if !exists("zsh") {
        return;
    }
    let server = TmuxServer::running("");
    let folder = server.folder().join("rc");
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = started("zsh", &folder, "print hello; PS1=$'one\\n╰─ '", "");
    // It is there before anybody watches, and just so.
    server.new_session("early", &program);
    server.wait_screen("early", "╰─");
    let watched = Watched::new(&server, &["needle"]);
    for name in ["early", "first", "second", "third"] {
        if name != "early" {
            server.new_session(name, &program);
        }
        let pane = watched.wait_live(&server, name).key;
        wait_reads(&watched, &pane, name, &Reads::Shell);
        runs(&watched, &server, &pane, name);
    }
}

#[test]
fn a_prompt_of_any_shape_is_known_after_a_command() {
    let shapes = [
        ("arrow", "exec env PS1='→ ' bash --norc --noprofile"),
        ("frame", "exec env PS1='one\\n╰─ ' bash --norc --noprofile"),
        ("folder", "exec env PS1='\\w ' bash --norc --noprofile"),
        ("colon", "exec env PS1='%~: ' TERM=tmux-256color zsh -f"),
        ("zsh", "exec env PS1='→ ' TERM=tmux-256color zsh -f"),
        ("fish", "exec env TERM=tmux-256color fish --no-config -C \"function fish_prompt; printf '╰─ '; end\""),
    ];
    let server = TmuxServer::running("");
    let folder = server.folder().join("in");
    std::fs::create_dir_all(&folder).expect("a folder");
    let shapes = shapes.into_iter().filter(|(_, program)| super::lines::installed(program)).collect::<Vec<_>>();
    for (name, program) in &shapes {
        server.new_session(name, &format!("cd '{}'; echo hel''lo; {program}", folder.display()));
        server.wait_screen(name, "hello");
    }
    let watched = Watched::new(&server, &["needle"]);
    for (name, _) in &shapes {
        let pane = watched.wait_live(&server, name).key;
        // What is seen before anything runs may hold a draft.
        wait_for(PATIENCE, name, || {
            let reads = super::readers::reads(&watched, &pane)?;
            matches!(reads, Reads::Shell | Reads::Draft).then_some(())
        });
        if *name == "fish" {
            // Its older versions don't tell that they let go of a line, so the command must be seen.
            server.type_line(name, "sleep 600");
            wait_reads(&watched, &pane, name, &Reads::Command);
            server.tmux(&["send-keys", "-t", name, "C-c"]);
        } else {
            server.type_line(name, "true");
        }
        wait_reads(&watched, &pane, name, &Reads::Shell);
        for draft in ["ls |", "cd /", "cd ~/ "] {
            server.tmux(&["send-keys", "-t", name, "-l", "--", draft]);
            wait_reads(&watched, &pane, name, &Reads::Draft);
            server.tmux(&["send-keys", "-t", name, "C-c"]);
            wait_reads(&watched, &pane, name, &Reads::Shell);
        }
        runs(&watched, &server, &pane, name);
    }
}

#[test]
fn a_menu_that_is_open_when_it_is_first_seen_is_no_prompt() {
    if !exists("zsh") {
        return;
    }
    let server = TmuxServer::running("");
    for (name, shown) in [("plain", "?# "), ("alike", "$ ")] {
        server.new_session(name, "exec env PS1='$ ' TERM=tmux-256color zsh -f");
        server.wait_screen(name, "$");
        server.type_line(name, &format!("PS3='{shown}'; select x in one two; do touch WRONG; done"));
        server.wait_screen(name, &format!("two\n{}", shown.trim_end()));
    }
    let watched = Watched::new(&server, &["needle"]);
    for name in ["plain", "alike"] {
        let pane = watched.wait_live(&server, name).key;
        wait_reads(&watched, &pane, name, &Reads::Draft);
    }
}

/// What somebody has begun to press neither takes nor repeats what is typed behind it.
#[test]
fn a_line_runs_once_whatever_was_begun_at_the_shells_editor() {
    let cases = [
        ("number", "zsh -f", "M-5"),
        ("quoted", "zsh -f", "C-v"),
        ("prefix", "zsh -f", "C-x"),
        ("operator", "zsh -f -o vi", "Escape d"),
        ("replaced", "zsh -f -o vi", "Escape 3 r"),
        ("bash-operator", "bash --norc --noprofile -o vi", "Escape d"),
        ("bash-found", "bash --norc --noprofile -o vi", "Escape f"),
    ];
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    for (name, shell, keys) in cases.into_iter().filter(|(_, shell, _)| super::lines::installed(shell)) {
        server.new_session(name, &format!("exec env PS1='$ ' TERM=tmux-256color {shell}"));
        let pane = watched.wait_live(&server, name).key;
        wait_reads(&watched, &pane, name, &Reads::Shell);
        let pressed: Vec<&str> = ["send-keys", "-t", name].into_iter().chain(keys.split(' ')).collect();
        server.tmux(&pressed);
        // What can be told from outside is held, as a draft is.
        let (intent, file) = (IntentId::new(format!("I-{name}")), server.folder().join(format!("ran-{name}")));
        let line = format!("echo once >> '{}'", file.display());
        watched.handle.send(intent.clone(), shell_line(&pane, &line));
        let held = |message: &HostMessage| match message {
            HostMessage::Awaits { awaited: Some(awaited), .. } => (awaited.intent == intent).then_some(true),
            HostMessage::Event(Event::Outcome { intent: told, .. }) => (*told == intent).then_some(false),
            _ => None,
        };
        if watched.wait("held or typed", held) {
            watched.handle.withdraw(intent);
            continue;
        }
        let ran = || std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty());
        assert_eq!(wait_for(PATIENCE, name, ran), "once\n", "{name}");
        let screen = server.screen(name);
        assert!(!screen.contains("not found"), "{name}: {screen}");
    }
}

const POLICY: &str = r#"
version: 1
pipelines:
  - name: work
    match: [{window_name: nothing}]
    stages: [{name: build, triggers: [manual], actions_on_start: [{run: "true"}]}]
"#;

#[test]
fn a_supervisor_that_was_killed_finds_the_prompts_again() {
    if !exists("zsh") {
        return;
    }
    let mut room = Room::with(POLICY);
    let program = started("zsh", room.server.folder(), "PS1=$'one\\n╰─ '", "");
    room.watch();
    room.server.new_session("told", &program);
    let reads = |room: &Room| {
        let panes: serde_json::Value = serde_json::from_str(&room.answer(&["panes", "--json"])).ok()?;
        let pane = panes.as_array()?.iter().find(|pane| pane.to_string().contains("\"told\""))?;
        Some(pane["reader"]["reads"].as_str()?.to_owned())
    };
    room.server.wait_screen("told", "╰─");
    room.server.type_line("told", "true");
    wait_for(PATIENCE, "a prompt", || (reads(&room)? == "shell").then_some(()));
    room.server.type_line("told", "true");
    wait_for(PATIENCE, "a third", || (room.server.screen("told").matches("╰─").count() == 3).then_some(()));
    wait_for(PATIENCE, "the prompt again", || (reads(&room)? == "shell").then_some(()));
    room.kill_9();
    room.watch();
    wait_for(PATIENCE, "the prompt in another life", || (reads(&room)? == "shell").then_some(()));
}
