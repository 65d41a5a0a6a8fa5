//! `tmuxagent agent explain|record` on real panes: a state belongs to a process, whatever a pane shows.

use super::support::{PATIENCE, TmuxServer, wait_for};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

struct Room {
    server: TmuxServer,
}

impl Room {
    fn new() -> Self {
        Self { server: TmuxServer::running("") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.server.folder().join(name)
    }

    /// A program of that name, which is a shell: what counts is whose process it is.
    fn program(&self, name: &str) -> String {
        let path = self.path(name);
        if !path.exists() {
            std::fs::copy("/bin/sh", &path).expect("a shell");
        }
        path.display().to_string()
    }

    /// A pane in which a program shows a saved screen, and waits.
    fn showing(&self, program: &str, screen: &str, session: &str) -> String {
        let file = self.path(&format!("{session}.txt"));
        std::fs::write(&file, screen.trim_end()).expect("writable");
        let script = format!("cat {}; read x", file.display());
        let home = self.server.folder().display();
        let line = format!("HOME={home} exec {program} -c '{script}'");
        let pane = self.server.new_session(session, &line);
        let last = screen.trim_end().lines().last().unwrap_or_default().trim().to_owned();
        self.server.wait_screen(&pane, &last);
        pane
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.env("HOME", self.server.folder()).env("MY_TOKEN", "correct-horse-battery");
        command.current_dir(self.server.folder()).arg("--socket").arg(self.server.socket());
        command.args(arguments).stdin(Stdio::null()).output().expect("it runs")
    }

    fn explained(&self, pane: &str) -> (Option<i32>, Value) {
        let output = self.ask(&["agent", "explain", pane, "--json"]);
        let value = serde_json::from_slice(&output.stdout);
        (output.status.code(), value.unwrap_or_else(|error| panic!("{error}: {output:?}")))
    }
}

fn screen(name: &str) -> String {
    let path = format!("{}/tests/fixtures/agents/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a saved screen")
}

#[test]
fn a_dialog_is_a_question_only_in_its_agents_own_process() {
    let room = Room::new();
    let shown = screen("codex-0.171.0-80x24/approve_command");
    let codex = room.showing(&room.program("codex"), &shown, "real");
    let (code, said) = room.explained(&codex);
    assert_eq!(
        (code, &said["agent"], &said["state"]),
        (Some(0), &"codex".into(), &"needs_approval".into()),
        "{said:#}"
    );
    assert_eq!((&said["question"]["detail"], &said["prompt"]), (&"touch hello.txt".into(), &"asks".into()), "{said:#}");
    for language in ["en", "zh"] {
        let output = room.ask(&["agent", "explain", "real", "--lang", language]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("touch hello.txt") && text.contains("> Yes, proceed (y)"), "{text}");
    }
    // The same rows in a shell, a pager's pane, and an agent of another make.
    for program in ["sh".to_owned(), room.program("watch")] {
        let pane = room.showing(&program, &shown, if program == "sh" { "forged" } else { "watched" });
        let (code, said) = room.explained(&pane);
        assert_eq!((code, &said["agent"], &said["question"]), (Some(1), &Value::Null, &Value::Null), "{said:#}");
    }
    let other = room.showing(&room.program("aider"), &shown, "other");
    let (_, said) = room.explained(&other);
    assert_eq!((&said["agent"], &said["question"]), (&"aider".into(), &Value::Null), "{said:#}");
}

#[test]
fn an_agents_own_file_counts_for_its_own_process_alone() {
    let room = Room::new();
    let shown = screen("claude-2.1.332-80x24/working_thinking");
    let pane = room.showing(&room.program("claude"), &shown, "main2");
    let (_, said) = room.explained(&pane);
    assert_eq!(said["state"], "working", "{said:#}");
    let (pid, start) = (&said["process"]["pid"], &said["process"]["start"]);
    let folder = room.path(".claude/sessions");
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |start: &str, status: &str| {
        let text = format!(
            r#"{{"pid":{pid},"procStart":"{start}","version":"2.1.332","status":"{status}","waitingFor":"permission prompt"}}"#
        );
        std::fs::write(folder.join(format!("{pid}.json")), text).expect("writable");
    };
    write(&start.to_string(), "busy");
    let (code, said) = room.explained(&pane);
    assert_eq!((code, &said["state"], &said["evidence"][0]["source"]), (Some(0), &"working".into(), &"vendor".into()));
    write("1", "waiting");
    let (_, said) = room.explained(&pane);
    assert_eq!((&said["state"], &said["ignored"]), (&"working".into(), &"another_process".into()), "{said:#}");
    // It says that it waits, and the screen that it works: after a moment nothing is certain.
    write(&start.to_string(), "waiting");
    let (code, said) = room.explained(&pane);
    assert_eq!((code, &said["state"], &said["prompt"]), (Some(1), &"unsure".into(), &"unsure".into()), "{said:#}");
}

#[test]
fn a_saved_screen_holds_no_secret() {
    let room = Room::new();
    let shown = "\u{1b}[31mexport API\u{1b}[0m_TOKEN=correct-horse-battery\nkey sk-ant-api03-abcdefghij0123456789KLMN\n\n──\nready";
    let pane = room.showing("sh", shown, "secret");
    let output = room.ask(&["agent", "record", &pane, "idle-1", "--json"]);
    assert!(output.status.success(), "{output:?}");
    for ending in ["txt", "ansi"] {
        let text =
            wait_for(PATIENCE, "the file", || std::fs::read_to_string(room.path(&format!("idle-1.{ending}"))).ok());
        assert!(text.contains("ready") && text.contains("[redacted: "), "{text}");
        assert!(!text.contains("correct-horse") && !text.contains("sk-ant-api03-abc"), "{text}");
    }
    let again = room.ask(&["agent", "record", &pane, "idle-1"]);
    assert_eq!(again.status.code(), Some(2), "nothing is written over: {again:?}");
    let wrong = room.ask(&["agent", "record", "nowhere", "idle-2"]);
    assert_eq!(wrong.status.code(), Some(4), "{wrong:?}");
}
