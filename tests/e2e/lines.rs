//! Tracked commands and their echo in real shells, with their own line editors, in a real pane.

use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::path::PathBuf;
use tmuxagent_lines::{Reader, Reading, tracked_command};
use tmuxagent_model::Origin;
use tmuxagent_model::Shell as ShellKind;

/// A shell in a pane of 80×24, read through a pipe of the pane's bytes.
pub(super) struct Shell {
    pub(super) server: TmuxServer,
    stream: PathBuf,
    read: usize,
    pub(super) reader: Reader,
    /// Lines of the program.
    pub(super) lines: Vec<String>,
    echoed: Vec<String>,
    /// Commands that began: their token, and their line where the shell's own marks told it.
    pub(super) began: Vec<(String, Option<String>)>,
    pub(super) ended: Vec<(String, i32)>,
}

/// The shells to try, those that are installed: `sh` and `bash` always are.
fn shells() -> Vec<(ShellKind, &'static str)> {
    let all = [
        (ShellKind::Sh, "exec env PS1='$ ' sh"),
        (ShellKind::Sh, "exec env PS1='$ ' dash"),
        (ShellKind::Bash, "exec env PS1='\\w$ ' bash --norc --noprofile"),
        (ShellKind::Zsh, "exec env TERM=tmux-256color zsh -f"),
        (ShellKind::Fish, "exec env TERM=tmux-256color fish --no-config"),
    ];
    all.into_iter().filter(|(_, command)| installed(command)).collect()
}

/// Whether the shell that a command starts is there.
pub(super) fn installed(command: &str) -> bool {
    let mut words = command.split(' ');
    let Some(name) = words.find(|word| ["sh", "dash", "bash", "zsh", "fish"].contains(word)) else { return false };
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

impl Shell {
    pub(super) fn start(command: &str) -> Self {
        let server = TmuxServer::running("exec cat");
        let stream = server.folder().join("stream");
        std::fs::write(&stream, "").expect("a file for the stream");
        server.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
        server.tmux(&["pipe-pane", "-t", "main", &format!("cat >> '{}'", stream.display())]);
        server.tmux(&["respawn-pane", "-k", "-t", "main", command]);
        let mut reader = Reader::new();
        reader.resize(80, 24);
        let mut shell =
            Self { server, stream, read: 0, reader, lines: vec![], echoed: vec![], began: vec![], ended: vec![] };
        wait_for(PATIENCE, "the shell's prompt", || {
            shell.read();
            let screen = shell.server.screen("main");
            let prompt = screen.trim_end().ends_with(['$', '#', '%', '>']);
            prompt.then_some(())
        });
        shell.read();
        shell.quiet();
        shell
    }

    /// Reads what the pane has printed since.
    pub(super) fn read(&mut self) {
        let all = std::fs::read(&self.stream).expect("the stream");
        let Self { reader, lines, echoed, began, ended, .. } = self;
        reader.bytes(&all[self.read..], &mut |reading| {
            if let Reading::CommandBegan { token: Some(token), line, .. } = &reading {
                began.push((token.clone(), line.clone()));
            }
            keep(&reading, lines, echoed, ended);
        });
        self.read = all.len();
    }

    /// All that the pane has printed.
    pub(super) fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.stream).expect("the stream")
    }

    /// The tokens of commands that began.
    pub(super) fn begun(&self) -> Vec<(String, i32)> {
        self.began.iter().map(|(token, _)| (token.clone(), 0)).collect()
    }

    fn quiet(&mut self) {
        let (reader, lines, echoed, ended) = (&mut self.reader, &mut self.lines, &mut self.echoed, &mut self.ended);
        reader.quiet(&mut |reading| keep(&reading, lines, echoed, ended));
    }

    pub(super) fn type_line(&mut self, line: &str) {
        self.reader.typed(&format!("{line}\n"));
        self.server.type_line("main", line);
    }

    /// Runs a tracked command to its end; gives its exit code.
    pub(super) fn run(&mut self, kind: ShellKind, command: &str, token: &str) -> i32 {
        self.type_line(&tracked_command(kind, &command.into(), token));
        self.wait_end(token)
    }

    pub(super) fn wait_end(&mut self, token: &str) -> i32 {
        wait_for(PATIENCE, &format!("the end of {token} on\n{}", self.server.screen("main")), || {
            self.read();
            self.ended.iter().find(|(ended, _)| ended == token).map(|(_, exit)| *exit)
        })
    }
}

fn keep(reading: &Reading<'_>, lines: &mut Vec<String>, echoed: &mut Vec<String>, ended: &mut Vec<(String, i32)>) {
    match reading {
        Reading::Line { text, origin: Origin::Program, .. } => lines.push((*text).to_owned()),
        Reading::Line { text, origin: Origin::Echo, .. } => echoed.push((*text).to_owned()),
        Reading::CommandEnded { token: Some(token), exit } => ended.push((token.clone(), *exit)),
        Reading::CommandEnded { token: None, .. }
        | Reading::CommandBegan { .. }
        | Reading::ShellMarks { .. }
        | Reading::Program(_)
        | Reading::Title(_)
        | Reading::Bell
        | Reading::Malformed { .. } => {}
    }
}

#[test]
fn tracked_commands_report_their_own_exit_codes() {
    for (kind, command) in shells() {
        let mut shell = Shell::start(command);
        assert_eq!(shell.run(kind, "true", "t1"), 0, "{command}");
        assert_eq!(shell.run(kind, "sh -c 'exit 7'", "t2"), 7, "{command}");
        assert_eq!(shell.run(kind, "printf '%s ' \"it's\" 100%! 'a\\b' \\# done; echo", "t3"), 0, "{command}");
        assert_eq!(shell.run(kind, "echo one\n\techo 'two words' 50%\nsh -c 'exit 3'", "t4"), 3, "{command}");
        assert_ne!(shell.run(kind, "echo (", "t5"), 0, "{command}: not the shell's language");
        assert_eq!(shell.run(kind, "cd /usr", "t6"), 0, "{command}");
        assert_eq!(shell.run(kind, "pwd; printf 'no line feed'", "t7"), 0, "{command}");
        // What somebody calls `printf` is not what prints our marks.
        let own = if kind == ShellKind::Fish { "function printf; echo own; end" } else { "printf() { echo own; }" };
        assert_eq!(shell.run(kind, own, "t8"), 0, "{command}");
        assert_eq!(shell.run(kind, "alias printf='echo own'", "t9"), 0, "{command}");
        assert_eq!(shell.run(kind, "sh -c 'exit 9'", "t10"), 9, "{command}");
        for expected in ["it's 100%! a\\b # done", "one", "two words 50%", "/usr", "no line feed"] {
            assert!(shell.lines.iter().any(|line| line == expected), "{command}: {expected} in {:#?}", shell.lines);
        }
    }
}

#[test]
fn values_of_a_tracked_command_are_data_and_go_with_it() {
    let room = tempfile::tempdir().expect("a folder");
    let canary = room.path().join("canary");
    let folder = room.path().join("it's $(true) \"中文\"");
    std::fs::create_dir(&folder).expect("made");
    let run = format!("touch {}", canary.display());
    let hostile = format!("$({run}) `{run}` '; {run}; ' \"; {run}; \" !! \\ a\tb\r{run}\r\n{run}\n.");
    for (kind, command) in shells() {
        let mut shell = Shell::start(command);
        let command_with = |text: &str, value: &str| {
            let lookup = |_: &str| Some(value.to_owned());
            tmuxagent_policy::bind(&tmuxagent_policy::TextTemplate::new(text), &lookup, kind)
        };
        let printed = room.path().join("printed");
        let there = format!("printf %s {{{{v}}}} > {}", printed.display());
        for (text, value, token) in [
            (there.as_str(), hostile.as_str(), "d1"),
            ("cd {{v}}", &folder.display().to_string(), "d2"),
            ("pwd > ../place", "", "d3"),
            ("env | grep -c TA_v > ../kept", "", "d4"),
            ("printf %s {{v}} >/dev/null; env | grep -c TA_v > ../seen", hostile.as_str(), "d5"),
        ] {
            shell.type_line(&tracked_command(kind, &command_with(text, value), token));
            shell.wait_end(token);
        }
        let read = |name: &str| std::fs::read_to_string(room.path().join(name)).expect("written");
        assert_eq!(read("printed"), hostile, "{command}");
        assert_eq!(read("place").trim_end(), folder.display().to_string(), "{command}");
        assert_eq!(read("kept").trim_end(), "0", "{command}: the variable is gone");
        assert_eq!(read("seen").trim_end(), "0", "{command}: no program sees the variable");
        assert!(!canary.exists(), "{command}: a value ran");
    }
}

#[test]
fn the_echo_of_typed_commands_is_no_line_of_the_program() {
    for (kind, command) in shells() {
        let mut shell = Shell::start(command);
        let word = "unmistakable";
        // Longer than the pane is wide, and of several lines.
        shell.run(kind, &format!("echo {}{word} >/dev/null", "long ".repeat(30)), "w1");
        shell.run(kind, &format!("echo {word} >/dev/null\necho second {word} >/dev/null"), "w2");
        // Typed ahead: the terminal echoes it once, the line editor once more.
        shell.type_line(&tracked_command(kind, &"sleep 1".into(), "w3"));
        shell.type_line(&tracked_command(kind, &format!("echo {word} >/dev/null").as_str().into(), "w4"));
        shell.wait_end("w3");
        shell.wait_end("w4");
        shell.read();
        shell.quiet();
        let own: Vec<&String> = shell.lines.iter().filter(|line| line.contains(word)).collect();
        assert!(own.is_empty(), "{command}: {own:#?}\nechoed {:#?}", shell.echoed);
        assert!(shell.echoed.iter().any(|line| line.contains(word)), "{command}");
        // What it prints itself does count, though it was typed just so.
        shell.run(kind, &format!("echo {word}"), "w5");
        assert!(shell.lines.iter().any(|line| line == word), "{command}: {:#?}", shell.lines);
    }
}

#[test]
fn a_tracked_command_leaves_the_history_alone() {
    let told: &[(ShellKind, &str)] = &[
        (ShellKind::Bash, "exec env PS1='\\w$ ' HISTCONTROL= HISTFILE=/dev/null bash --norc --noprofile"),
        (ShellKind::Bash, "exec env PS1='\\w$ ' HISTCONTROL=ignoreboth HISTFILE=/dev/null bash --norc --noprofile"),
        (
            ShellKind::Bash,
            "exec env PS1='\\w$ ' HISTCONTROL= HISTFILE=/dev/null PROMPT_COMMAND='history -a' bash --norc --noprofile",
        ),
        (ShellKind::Zsh, "exec env TERM=tmux-256color zsh -f -o HIST_IGNORE_SPACE"),
        (ShellKind::Fish, "exec env TERM=tmux-256color fish --no-config"),
    ];
    for (kind, command) in told {
        if !installed(command) {
            continue;
        }
        let mut shell = Shell::start(command);
        shell.type_line("echo mine-''one");
        shell.run(*kind, "echo tracked-one", "h1");
        shell.type_line("echo mine-''two");
        shell.run(*kind, "echo tracked-two\necho more", "h2");
        let listed = match kind {
            ShellKind::Zsh => "fc -l 1; echo the-''end",
            ShellKind::Bash | ShellKind::Fish | ShellKind::Sh | ShellKind::Csh | ShellKind::Other => {
                "history; echo the-''end"
            }
        };
        shell.lines.clear();
        shell.type_line(listed);
        wait_for(PATIENCE, "the history", || {
            shell.read();
            shell.lines.iter().any(|line| line == "the-end").then_some(())
        });
        let kept = |word: &str| shell.lines.iter().filter(|line| line.contains(word)).count();
        assert_eq!((kept("mine-''one"), kept("mine-''two")), (1, 1), "{command}: {:#?}", shell.lines);
        assert_eq!((kept("tracked-"), kept("TMUXAGENT_RESULT")), (0, 0), "{command}: {:#?}", shell.lines);
    }
}
