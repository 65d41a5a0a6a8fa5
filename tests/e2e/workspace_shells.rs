//! The shells of panes that `up` makes: the user's own files are read, none is touched, and the marks are there.

use super::support::{PATIENCE, TmuxServer, wait_for};
use std::path::Path;
use std::process::{Command, Stdio};

/// A shell, the file of its user's own and what it says, a line that tells what the shell has become, and what that prints.
const SHELLS: &[(&str, &str, &str, &str, &str)] = &[
    ("bash", ".bash_profile", "OWN=mine; PS1='$ '", "echo own=$OWN key=${#__tmuxagent_key}", "own=mine key=16"),
    (
        "zsh",
        ".zshrc",
        "OWN=mine; PS1='$ '",
        "echo own=$OWN key=${#__tmuxagent_key} dir=${ZDOTDIR-none}",
        "own=mine key=16 dir=none",
    ),
    (
        "zsh",
        "own/.zshrc",
        "OWN=mine; PS1='$ '; precmd() { PS1=\"$? $ \" }",
        "echo own=$OWN key=${#__tmuxagent_key} dir=${ZDOTDIR##*/}",
        "own=mine key=16 dir=own",
    ),
    (
        "fish",
        ".config/fish/config.fish",
        "set -g OWN mine; function fish_prompt; echo '$ '; end",
        "echo own=$OWN key=(string length $__tmuxagent_key)",
        "own=mine key=16",
    ),
    ("dash", ".profile", "OWN=mine; PS1='$ '", "echo own=$OWN env=${ENV-none}", "own=mine env=none"),
    ("dash", ".shrc", "OWN=mine; PS1='$ '", "echo own=$OWN env=${ENV##*/}", "own=mine env=.shrc"),
];

struct Room {
    home: tempfile::TempDir,
    server: TmuxServer,
}

impl Room {
    fn new(shell: &Path, file: &str, own: &str) -> Self {
        let room = Self { home: tempfile::tempdir().expect("a folder"), server: TmuxServer::running("") };
        let file = room.home.path().join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("writable");
        std::fs::write(&file, format!("{own}\n")).expect("writable");
        let shell = shell.display().to_string();
        room.server.tmux(&["set-option", "-g", "default-shell", &shell]);
        // fish asks its terminal what it is, and waits for an answer where that is unknown.
        room.server.tmux(&["set-option", "-g", "default-terminal", "tmux-256color"]);
        room.set("HOME", &room.home.path().display().to_string());
        for name in ["ENV", "ZDOTDIR", "XDG_CONFIG_HOME", "PROMPT_COMMAND", "PS1"] {
            room.server.tmux(&["set-environment", "-g", "-r", name]);
        }
        room
    }

    fn set(&self, name: &str, value: &str) {
        self.server.tmux(&["set-environment", "-g", name, value]);
    }

    fn up(&self, keys: &str) {
        let text = format!("version: 1\n{keys}\nsessions: [{{name: work, windows: [{{name: one}}, {{name: two}}]}}]\n");
        std::fs::write(self.home.path().join("workspace.yaml"), text).expect("writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.env("HOME", self.home.path()).env("TMUXAGENT_STATE_DIR", self.home.path().join("state"));
        command.env("TMUXAGENT_SOCKET", self.server.socket()).current_dir(self.home.path()).args(["up"]);
        let output = command.stdin(Stdio::null()).output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
    }
}

/// Where a shell is, if it is.
fn find(shell: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(shell)).find(|file| file.is_file())
}

#[test]
fn the_shells_of_a_workspace_report_and_are_the_users_own() {
    for (shell, file, own, line, wanted) in SHELLS {
        let Some(program) = find(shell) else { continue };
        let room = Room::new(&program, file, own);
        let (home, name) = (room.home.path().to_owned(), Path::new(file));
        if *file == ".shrc" {
            room.set("ENV", &home.join(".shrc").display().to_string());
        } else if let Some(folder) = name.parent().filter(|folder| folder.ends_with("own")) {
            room.set("ZDOTDIR", &home.join(folder).display().to_string());
        }
        room.up("");
        for window in ["work:one", "work:two"] {
            room.server.wait_screen(window, "$");
            let raw = home.join(format!("raw-{}", window.len() + usize::from(window.ends_with("two"))));
            room.server.tmux(&["pipe-pane", "-O", "-t", window, &format!("cat >>'{}'", raw.display())]);
            room.server.type_line(window, line);
            room.server.wait_screen(window, &format!("\n{wanted}\n"));
            room.server.type_line(window, "sh -c 'exit 3'");
            // The last two have no way to tell an end.
            let mark = if *shell == "dash" { "133;B" } else { "133;D;3;ta=sh." };
            wait_for(PATIENCE, &format!("{mark} of {shell} in\n{}", room.server.screen(window)), || {
                String::from_utf8_lossy(&std::fs::read(&raw).unwrap_or_default()).contains(mark).then_some(())
            });
            let screen = room.server.screen(window);
            assert!(!screen.contains("not found") && !screen.contains("rror"), "{shell}: {screen}");
        }
        let kept = std::fs::read_to_string(home.join(file)).expect("the user's file");
        assert_eq!(kept, format!("{own}\n"), "{shell}");
    }
}

#[test]
fn a_workspace_can_do_without_and_a_command_of_the_users_goes_before() {
    let bash = find("bash").expect("bash");
    let line = "echo own=$OWN key=${#__tmuxagent_key}";
    let room = Room::new(&bash, ".bash_profile", "OWN=mine; PS1='$ '");
    room.up("shell_integration: false");
    room.server.wait_screen("work:one", "$");
    room.server.type_line("work:one", line);
    room.server.wait_screen("work:one", "\nown=mine key=0\n");
    let room = Room::new(&bash, ".bash_profile", "OWN=mine; PS1='$ '");
    room.server.tmux(&["set-option", "-g", "default-command", "exec env PS1='own$ ' bash --noprofile --norc"]);
    room.up("");
    room.server.wait_screen("work:two", "own$");
    room.server.type_line("work:two", line);
    room.server.wait_screen("work:two", "\nown= key=0\n");
}
