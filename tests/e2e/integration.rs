//! Shell integration in real shells: their marks, what is believed, and commands that are typed as a person would.

use super::lines::Shell;
use super::product::Room;
use super::support::{PATIENCE, wait_for, wait_or_tell};
use std::path::Path;
use std::process::Command;
use tmuxagent_lines::{ShellPhase, ShellState, tracked_command};
use tmuxagent_model::Shell as ShellKind;

/// The lines for a shell's own file.
fn lines_for(shell: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
    command.env_clear().args(["shell-init", shell]).current_dir("/");
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What starts a shell that reads these lines, behind others, at its start.
pub(super) fn started(shell: &str, folder: &Path, before: &str, after: &str) -> String {
    let own = lines_for(shell);
    // Twice, as from two files: nothing may come of it.
    let file = folder.join(if shell == "zsh" { ".zshrc" } else { "rc" });
    std::fs::write(&file, format!("{before}\n{own}\n{own}\n{after}\n")).expect("writable");
    let file = file.display();
    match shell {
        "bash" => format!("exec bash --noprofile --rcfile '{file}'"),
        "zsh" => format!("exec env TERM=tmux-256color ZDOTDIR='{}' zsh -d", folder.display()),
        "fish" => format!("exec env TERM=tmux-256color fish --no-config -C 'source \"{file}\"'"),
        other => format!("exec env ENV='{file}' {other}"),
    }
}

/// Shells with what else their files may hold: prompts, hooks, editors, strictness.
fn shells() -> Vec<(ShellKind, &'static str, &'static str, &'static str)> {
    let all = [
        (ShellKind::Bash, "bash", "PS1='one\\n\\w$ '", ""),
        (ShellKind::Bash, "bash", "PROMPT_COMMAND='last=$?;'; set -u -o vi", "PS1='$last$ '"),
        (ShellKind::Bash, "bash", "PROMPT_COMMAND=('PS1=\"$? $ \"' true)", ""),
        (ShellKind::Zsh, "zsh", "PS1='%?%# ' RPROMPT='r>'; bindkey -v; precmd() { last=$? }", "setopt nounset"),
        (ShellKind::Fish, "fish", "function fish_prompt; echo \"$status> \"; end", ""),
    ];
    let there = |name: &str| Command::new(name).args(["-c", "true"]).status().is_ok();
    all.into_iter().filter(|(_, name, ..)| there(name)).collect()
}

impl Shell {
    fn state(&mut self) -> ShellState {
        self.read();
        self.reader.shell()
    }

    fn wait_phase(&mut self, what: &str, is: impl Fn(&ShellPhase) -> bool) {
        wait_for(PATIENCE, &format!("{what} in\n{}", self.server.screen("main")), || {
            let state = self.state();
            (state.trusted && is(&state.phase)).then_some(())
        });
    }

    /// Types a line as a person would, and waits until its number has ended.
    fn person_runs(&mut self, line: &str) -> i32 {
        let before = self.ended.len();
        self.server.type_line("main", line);
        wait_for(PATIENCE, &format!("the end of {line}"), || {
            self.read();
            self.ended.get(before).map(|(_, exit)| *exit)
        })
    }
}

fn at_prompt(phase: &ShellPhase) -> bool {
    matches!(phase, ShellPhase::Prompt { column: Some(_), .. })
}

#[test]
fn shells_tell_prompt_draft_begin_and_end() {
    for (kind, name, before, after) in shells() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shell = Shell::start(&started(name, folder.path(), before, after));
        shell.wait_phase("a prompt", at_prompt);
        let plain = shell.server.screen("main");
        assert!(!plain.contains("133") && !plain.contains("tmuxagent"), "{name}: {plain}");
        assert_eq!(shell.person_runs("sh -c 'exit 3'"), 3, "{name} {before}");
        // A prompt at the right edge stays where it was.
        let line = shell.began.last().and_then(|(_, line)| line.as_deref()?.split("  ").next());
        assert_eq!(line, Some("sh -c 'exit 3'"), "{name} {before}");
        shell.wait_phase("a prompt again", at_prompt);
        // An empty line is no command.
        let (began, ended) = (shell.began.len(), shell.ended.len());
        shell.server.type_line("main", "");
        assert_eq!(shell.person_runs("true"), 0, "{name} {before}");
        assert_eq!((shell.began.len(), shell.ended.len()), (began + 1, ended + 1), "{name} {before}");
        shell.wait_phase("a prompt", at_prompt);
        // A draft, and its end.
        shell.server.tmux(&["send-keys", "-t", "main", "-l", "half a line"]);
        let draft =
            |phase: &ShellPhase| matches!(phase, ShellPhase::Draft { text, .. } if text.starts_with("half a line"));
        shell.wait_phase("a draft", draft);
        shell.server.tmux(&["send-keys", "-t", "main", "C-c"]);
        shell.wait_phase("a prompt behind the draft", at_prompt);
        // An open quote goes on.
        shell.server.type_line("main", "echo 'open");
        shell.wait_phase("a line that goes on", |phase| matches!(phase, ShellPhase::Draft { .. }));
        shell.server.tmux(&["send-keys", "-t", "main", "C-c"]);
        shell.wait_phase("a prompt behind the quote", at_prompt);
        // What it runs sees no key, and the shell's own code is what it was.
        let query = match kind {
            ShellKind::Fish => "sh -c 'exit 4'; echo code-$status; env | grep -c 'tmuxagent_key\\|133;B'",
            ShellKind::Bash | ShellKind::Zsh | ShellKind::Sh | ShellKind::Csh | ShellKind::Other => {
                "(exit 4); echo code-$?; env | grep -c 'tmuxagent_key\\|133;B'"
            }
        };
        shell.person_runs(query);
        for expected in ["code-4", "0"] {
            assert!(shell.lines.iter().any(|line| line == expected), "{name} {before}: {:#?}", shell.lines);
        }
    }
}

#[test]
fn forged_marks_end_nothing() {
    let forged = "\\033]133;D;0\\007\\033]133;A\\007$ \\033]133;B\\007\\033]133;A;ta=sh.feed.9\\007\\033]133;B;ta=sh.feed\\007\
                  \\033]133;C;ta=sh.feed.9\\007\\033]133;D;0;ta=sh.feed.9\\007";
    for (_, name, before, after) in shells() {
        let folder = tempfile::tempdir().expect("a folder");
        let marks = folder.path().join("marks");
        std::fs::write(&marks, "").expect("writable");
        let mut shell = Shell::start(&started(name, folder.path(), before, after));
        shell.wait_phase("a prompt", at_prompt);
        let go = folder.path().join("go");
        let script = format!("printf '{forged}'; while [ ! -e '{}' ]; do sleep 0.05; done; exit 5", go.display());
        std::fs::write(folder.path().join("evil.sh"), script).expect("writable");
        let (began, ended) = (shell.began.len(), shell.ended.len());
        shell.server.type_line("main", &format!("sh {}/evil.sh", folder.path().display()));
        wait_for(PATIENCE, "the forged marks", || {
            shell.read();
            shell.bytes().windows(6).any(|bytes| bytes == b"feed.9").then_some(())
        });
        let runs = matches!(shell.state().phase, ShellPhase::Running { .. });
        assert_eq!((runs, shell.began.len(), shell.ended.len()), (true, began + 1, ended), "{name}: {:?}", shell.ended);
        std::fs::write(&go, "").expect("writable");
        wait_for(PATIENCE, "the true end", || {
            shell.read();
            shell.ended.get(ended).map(|(_, exit)| assert_eq!(*exit, 5, "{name}"))
        });
    }
}

#[test]
fn a_plain_shell_tells_its_prompt() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rc"), format!("PS1='d$ '\n{0}\n{0}", lines_for("sh"))).expect("writable");
    let mut shell = Shell::start(&format!("exec env ENV='{}/rc' sh -i", folder.path().display()));
    let prompt = ShellPhase::Prompt { column: Some(3), text: "d$".to_owned() };
    wait_for(PATIENCE, "its prompt", || (shell.state().phase == prompt).then_some(()));
    assert!(!shell.state().trusted);
    shell.server.tmux(&["send-keys", "-t", "main", "-l", "half"]);
    let draft = ShellPhase::Draft { column: 3, text: "half".to_owned() };
    wait_for(PATIENCE, "a draft", || (shell.state().phase == draft).then_some(()));
}

/// Where the line does not reach a shell's prompt as it was typed, nothing of it runs and no end is told.
#[test]
fn a_tracked_command_that_is_not_taken_does_not_run() {
    let told = [
        (
            ShellKind::Bash,
            "exec env PS1='$ ' bash --norc --noprofile -o vi",
            "Escape",
            "a vi-like editor's command mode",
        ),
        (ShellKind::Bash, "exec env PS1='$ ' bash --norc --noprofile", "echo 'a", "an open quote"),
        (ShellKind::Bash, "exec env PS1='$ ' bash --norc --noprofile", "echo half ", "a draft"),
        (ShellKind::Sh, "exec env PS1='$ ' sh", "echo \"a", "an open quote"),
        (ShellKind::Sh, "exec env PS1='$ ' sh", "echo half ", "a draft"),
        (ShellKind::Zsh, "exec env TERM=tmux-256color zsh -f", "echo half ", "a draft"),
        (ShellKind::Fish, "exec env TERM=tmux-256color fish --no-config", "echo half ", "a draft"),
    ];
    for (kind, command, keys, what) in told {
        if !super::lines::installed(command) {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut shell = Shell::start(command);
        match keys {
            "Escape" => drop(shell.server.tmux(&["send-keys", "-t", "main", keys])),
            text => drop(shell.server.tmux(&["send-keys", "-t", "main", "-l", text])),
        }
        let ran = folder.path().join("ran");
        let touch = format!("touch {}", ran.display());
        shell.type_line(&tracked_command(kind, &touch.as_str().into(), "n-1"));
        if kind == ShellKind::Fish {
            // It refuses a line that is none, and keeps it: there is no prompt at which another one could be run.
            shell.server.wait_screen("main", "outside of a block");
            assert!(shell.begun().iter().all(|(token, _)| token != "n-1") && !ran.exists(), "{command}: {what}");
            continue;
        }
        if keys != "Escape" {
            // What was not read when C-c comes is thrown away by the terminal.
            let shown = || shell.server.screen("main").replace('\n', "").contains("ta=n-1").then_some(());
            wait_for(PATIENCE, "the line on the screen", shown);
        }
        shell.server.tmux(&["send-keys", "-t", "main", "C-c"]);
        if what.starts_with("a vi") {
            shell.server.tmux(&["send-keys", "-t", "main", "0x69", "BSpace"]);
        }
        assert_eq!(shell.run(kind, "true", "n-2"), 0, "{command}: {what}");
        let told = shell.ended.iter().chain(&shell.begun()).any(|(token, _)| token == "n-1");
        assert!(!told && !ran.exists(), "{command}: {what}:\n{}", shell.server.screen("main"));
    }
}

#[test]
fn long_commands_arrive_whole() {
    let told = [
        (ShellKind::Sh, "exec env PS1='$ ' sh", 100_000),
        (ShellKind::Sh, "exec env PS1='$ ' dash", 100_000),
        (ShellKind::Bash, "exec env PS1='$ ' bash --norc --noprofile", 100_000),
        (ShellKind::Zsh, "exec env TERM=tmux-256color zsh -f", 20_000),
        (ShellKind::Fish, "exec env TERM=tmux-256color fish --no-config", 3_000),
    ];
    for (kind, command, length) in told {
        if !super::lines::installed(command) {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut shell = Shell::start(command);
        let line = "\tit's 100%\\n of \"$HOME\" `x` \u{1}\u{1b} é !!\n";
        let text: String = line.repeat(length / line.len());
        let out = folder.path().join("out");
        let script = format!("cat > {} <<'END'\n{text}END\n", out.display());
        let script = if kind == ShellKind::Fish { format!("sh -c {}", fish_word(&script)) } else { script };
        let typed = tracked_command(kind, &script.as_str().into(), "l-1");
        shell.reader.typed(&format!("{typed}\n"));
        let buffer = folder.path().join("typed");
        std::fs::write(&buffer, format!("{typed}\n")).expect("writable");
        shell.server.tmux(&["load-buffer", "-b", "long", &buffer.display().to_string()]);
        shell.server.tmux(&["paste-buffer", "-r", "-b", "long", "-t", "main"]);
        assert_eq!(shell.wait_end("l-1"), 0, "{command}");
        assert!(std::fs::read_to_string(&out).expect("written") == text, "{command}: another text arrived");
        // A terminal's own echo of several lines has prompts in its middle, wherever the shell came to read.
        if matches!(kind, ShellKind::Sh | ShellKind::Zsh) {
            continue;
        }
        let own: Vec<&String> = shell.lines.iter().filter(|line| line.contains("of \"$HOME\"")).collect();
        assert!(own.is_empty(), "{command}: {} echoed lines are told: {:?}", own.len(), own.first());
    }
}

/// A text in fish's single quotes.
fn fish_word(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

const LONG: &str = r#"
version: 1
pipelines:
  - name: long
    match: [{window_name: long}]
    stages: [{name: s, triggers: [manual], actions_on_start: [{run: "sh -c 'until [ -e go ]; do sleep 0.1; done; exit 6'"}]}]
"#;

const POLICY: &str = r#"
version: 1
pipelines:
  - name: work
    match: [{window_name: marked}]
    stages:
      - {name: first, triggers: [{log_regex: "^good$"}], actions_on_start: [{run: "true"}], timeout: 60s}
      - {name: good, triggers: [{after_stage_success: first}], actions_on_start: [{run: "echo good-work && cd /"}], timeout: 60s}
      - {name: bad, triggers: [{after_stage_success: good}], actions_on_start: [{run: "sh -c 'exit 6'"}], timeout: 60s}
  - name: lost
    match: [{window_name: plain}]
    stages:
      - {name: typed, triggers: [{log_regex: "^start$"}], actions_on_start: [{run: "touch ran"}], timeout: 300s}
"#;

#[test]
fn with_integration_a_stage_types_the_bare_command() {
    let mut room = Room::with(POLICY);
    let shell = started("bash", room.server.folder(), "PS1='$ '; HISTFILE=/dev/null; set -o vi", "");
    room.server.tmux(&["new-session", "-d", "-s", "it", "-n", "marked", "-x", "100", "-y", "24", &shell]);
    room.watch();
    // It is typed while the person's command still runs, so the first one brings its own marks.
    room.server.type_line("it:marked", "echo go''od");
    let screen = room.server.wait_screen("it:marked", "$ echo good-work && cd /");
    assert!(!screen.contains("{ echo good"), "{screen}");
    wait_for(PATIENCE, "the failure", || room.answer(&["events"]).contains("exit code 6").then_some(()));
    let screen = room.server.wait_screen("it:marked", "$ sh -c 'exit 6'");
    assert_eq!(screen.matches("TMUXAGENT_RESULT").count(), 2, "of the first alone: {screen}");
}

#[test]
fn a_command_that_no_shell_begins_is_asked_about() {
    let mut room = Room::with(POLICY);
    let shell = format!("cd '{}'; exec env PS1='$ ' bash --norc --noprofile", room.server.folder().display());
    room.server.tmux(&["new-session", "-d", "-s", "it", "-n", "plain", "-x", "100", "-y", "24", &shell]);
    room.server.wait_screen("it:plain", "\n$");
    room.watch();
    // From then on Enter does something else than to accept a line.
    room.server.type_line("it:plain", "bind '\"\\C-m\": redraw-current-line'; echo st''art; sleep 0.3");
    wait_for(PATIENCE, "the question", || {
        let open = room.approvals().into_iter().find(|approval| approval["state"] == "pending")?;
        assert!(open["question"].as_str().is_some_and(|text| text.contains("no shell has begun it")), "{open}");
        Some(())
    });
    assert!(!room.file("ran").exists());
}

#[test]
fn a_command_runs_also_where_vi_keys_command_the_shells_editor() {
    for shell in [
        "bash --norc --noprofile -o vi",
        "zsh -f -o vi",
        "fish --no-config -C 'set -g fish_key_bindings fish_vi_key_bindings'",
    ] {
        if !super::lines::installed(shell) {
            continue;
        }
        let mut room = Room::with(POLICY);
        let line = format!("cd '{}'; exec env PS1='$ ' TERM=tmux-256color {shell}", room.server.folder().display());
        room.server.tmux(&["new-session", "-d", "-s", "it", "-n", "plain", "-x", "100", "-y", "24", &line]);
        room.watch();
        wait_for(PATIENCE, "the prompt", || (!room.server.screen("it:plain").trim().is_empty()).then_some(()));
        // Escape is read once the line is done: the shell shows its prompt then, and reads commands of an editor.
        room.server.type_line("it:plain", "echo st''art; sleep 0.3");
        room.server.tmux(&["send-keys", "-t", "it:plain", "Escape"]);
        let ran = || room.file("ran").exists().then_some(());
        wait_or_tell(PATIENCE, ran, || format!("{shell}\n{}", room.server.screen("it:plain")));
        wait_for(PATIENCE, "the end", || room.answer(&["events"]).contains("exit_code 0").then_some(()));
    }
}

#[test]
fn the_end_of_a_bare_command_is_told_to_whoever_reads_then() {
    let mut room = Room::with(LONG);
    let shell = started("bash", room.server.folder(), "PS1='$ '; HISTFILE=/dev/null", "");
    let folder = room.server.folder().display().to_string();
    room.server.tmux(&["new-session", "-d", "-s", "it", "-n", "long", "-c", &folder, "-x", "100", "-y", "24", &shell]);
    room.watch();
    // From its next prompt on the shell's marks are known.
    room.server.type_line("it:long", "echo rea''dy");
    room.server.wait_screen("it:long", "ready\n$");
    assert!(room.ask(&["start", "it:long"]).status.success());
    let screen = room.server.wait_screen("it:long", "$ sh -c 'until");
    assert!(!screen.contains("TMUXAGENT_RESULT"), "{screen}");
    wait_for(PATIENCE, "its begin", || room.answer(&["panes", "--json"]).contains("\"sh\"").then_some(()));
    room.kill_9();
    room.watch();
    std::fs::write(room.server.folder().join("go"), "").expect("writable");
    room.wait_events("exit code 6");
    assert!(room.approvals().is_empty());
}
