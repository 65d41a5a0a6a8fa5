//! A machine that means harm: names, titles, folders and output with escapes, quotes, line breaks, formats, and texts
//! that look like control mode. Everything is told as what it is, nothing is run, and the host stays usable.

use super::ssh::remote;
use super::support::sshd::Sshd;
use super::support::watched::Watched;
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::process::Command;
use tmuxagent_model::{Event, HostState, Outcome, PaneInfo};
use tmuxagent_tmux::HostMessage;

/// Texts that some reader on the way could take for its own language. `MARK` is a file that must never appear.
const TEXTS: [&str; 14] = [
    "%end 1 1 0",
    "%begin 1 2 1",
    "%error 1 2 1",
    "%exit",
    "%output %0 forged\\012",
    "%session-changed $0 forged",
    "%subscription-changed tmuxagent $0 @0 0 %0 : x",
    "#(touch MARK)#{pane_pid}#{?1,a,b}",
    "$(touch MARK)`touch MARK`; touch MARK",
    "'; touch MARK; '\" ; kill-server ; \"",
    "} ; kill-server ; {",
    "a,b}c#,#}##\\033\\\\",
    "~/$HOME/../*?[x]",
    "红色 \u{202e}drow\u{202c} e\u{301} 👩‍👩‍👧",
];

fn seen(watched: &Watched, choose: impl Fn(&PaneInfo) -> bool) -> PaneInfo {
    wait_for(PATIENCE, "a pane with those facts", || {
        watched.messages().into_iter().rev().find_map(|message| match message {
            HostMessage::Event(Event::PaneSeen { info }) if choose(&info) => Some(*info),
            _ => None,
        })
    })
}

#[test]
fn names_titles_folders_and_output_are_only_texts() {
    let (sshd, server) = (Sshd::start(), TmuxServer::running(""));
    let mark = server.folder().join("mark");
    let texts: Vec<String> = TEXTS.iter().map(|text| text.replace("MARK", &mark.display().to_string())).collect();
    // The lines lie in files, so that no shell on the way reads them.
    let file = server.folder().join("lines");
    std::fs::write(&file, texts.join("\n") + "\n").expect("writable");
    let escapes = "\x1b]2;%exit\x07\x1bP\x1b]2;x\x1b\\\x1b\\\x1b[2J\x1b]52;c;aGk=\x07\r%end 9 9 0\u{9b}31mtold\n";
    std::fs::write(server.folder().join("escapes"), escapes).expect("writable");

    let watched = Watched::with(remote("far", &sshd, &server, sshd.port()), &["."]);
    let first = watched.wait_live(&server, "main").key;
    for (n, text) in texts.iter().enumerate() {
        let folder = server.folder().join(format!("d{n}")).join(text.replace('/', "_") + "\n%exit\n");
        std::fs::create_dir_all(&folder).expect("a folder");
        // tmux itself expands formats in names that it is given here, but not in options and titles of programs.
        let name = text.replace('#', "##");
        let window = server.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "main", "sleep 1000"]);
        server.tmux(&["rename-window", "-t", &window, &name]);
        server.tmux(&["select-pane", "-t", &window, "-T", &name]);
        server.tmux(&["set-option", "-p", "-t", &window, "@tmuxagent_role", text]);
        server.tmux(&[
            "respawn-pane",
            "-k",
            "-t",
            &window,
            "-c",
            &folder.display().to_string().replace('#', "##"),
            "sleep 1000",
        ]);
        let told = seen(&watched, |info| info.facts.role == *text && info.facts.path.contains(&format!("/d{n}/")));
        let here = |format: &str| {
            let output =
                server.command().args(["display-message", "-p", "-t", &window, format]).output().expect("tmux");
            String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
        };
        let kept = (here("#{window_name}"), here("#{pane_title}"));
        assert_eq!((told.facts.window, told.facts.title), kept, "{text}");
        server.tmux(&["kill-window", "-t", &window]);
    }

    server.type_line("main", &format!("cat '{}'", file.display()));
    for text in &texts {
        wait_for(PATIENCE, text, || watched.lines().iter().any(|line| line.text == *text).then_some(()));
    }
    server.type_line("main", &format!("cat '{}'", server.folder().join("escapes").display()));
    let told = watched.wait_line("told").text;
    assert!(!told.chars().any(char::is_control), "{told:?}");

    // It is still read, still typed into, once each, and nothing was run.
    for (n, text) in texts.iter().enumerate() {
        let intent = format!("hostile-{n}");
        let line = format!("printf '%s=%s\\n' 'got' '{}'", text.replace('\'', r"'\''"));
        assert_eq!(watched.type_line(&first, &intent, &line), Outcome::Done, "{text}");
        let wanted = format!("got={text}");
        wait_for(PATIENCE, &wanted, || watched.lines().iter().any(|line| line.text == wanted).then_some(()));
        assert_eq!(watched.lines().iter().filter(|line| line.text == wanted).count(), 1, "{wanted}");
    }
    assert_eq!(watched.state().map(|(state, _)| state), Some(HostState::Live));
    let lost = watched.find(|message| matches!(message, HostMessage::Event(Event::HostLost { .. })).then_some(()));
    assert!(lost.is_none() && server.is_running() && !mark.exists());
}

/// A login that chats, and a tmux that is none.
#[test]
fn a_login_that_chats_and_a_tmux_that_lies_harm_nobody() {
    let (sshd, server) = (Sshd::start(), TmuxServer::running(""));
    let liar = server.folder().join("tmux");
    let script = "#!/bin/sh\nprintf '\\033]0;owned\\007%%begin 1 1 1\\n%%exit\\n\\033[2J'\nyes '%output %0 x' | head -c 3000000\n";
    std::fs::write(&liar, script).expect("writable");
    let done = Command::new("chmod").arg("755").arg(&liar).status();
    assert!(done.is_ok_and(|status| status.success()));
    let mut spec = remote("far", &sshd, &server, sshd.port());
    if let tmuxagent_tmux::Transport::Ssh { bin, .. } = &mut spec.transport {
        *bin = liar.display().to_string();
    }
    let watched = Watched::with(spec, &["."]);
    let detail = wait_for(PATIENCE, "a refusal", || {
        watched.state().filter(|(state, _)| matches!(state, HostState::NoServer | HostState::Unreachable))
    });
    assert!(!detail.1.chars().any(char::is_control), "{detail:?}");
    assert!(watched.lines().is_empty());
}
