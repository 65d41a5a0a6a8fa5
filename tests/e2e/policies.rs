//! Policies as a user begins with them: written by `init` they run, and what was recorded can be played again.

use super::support::{PATIENCE, TmuxServer, wait_for};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A server, a home, and perhaps a supervisor.
struct Room {
    server: TmuxServer,
    policies: Vec<PathBuf>,
    supervisor: Option<Child>,
}

impl Room {
    fn new() -> Self {
        Self { server: TmuxServer::prepare(), policies: Vec::new(), supervisor: None }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let text = |path: &Path| path.display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.server.folder()).env("LANG", "C.UTF-8").env("USER", "ann").env("TZ", "UTC");
        command.env("TMUXAGENT_STATE_DIR", text(&self.server.folder().join("state")));
        command.env("TMUXAGENT_SOCKET", text(&self.server.socket()));
        let policies: Vec<String> = self.policies.iter().map(|path| text(path)).collect();
        if !policies.is_empty() {
            command.env("TMUXAGENT_POLICY", policies.join(":"));
        }
        command.stdin(Stdio::null());
        command
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    fn answer(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    fn watch(&mut self) {
        self.supervisor = Some(self.command(&["--headless"]).stderr(Stdio::null()).spawn().expect("it starts"));
        wait_for(PATIENCE, "the supervisor", || self.answer(&["status", "--json"]).contains("\"live\"").then_some(()));
    }

    /// A window of that name whose shell stands in a folder, with our tools before all others.
    fn window(&self, name: &str, folder: &Path, tools: &Path) {
        let path = std::env::var("PATH").unwrap_or_default();
        let shell = format!("cd '{}'; exec env PS1='$ ' PATH='{}:{path}' sh", folder.display(), tools.display());
        self.server.new_session(name, &shell);
        self.server.tmux(&["rename-window", "-t", &format!("={name}:"), name]);
    }

    fn events(&self) -> String {
        self.answer(&["events", "--json"])
    }

    /// Says yes to everything that is asked.
    fn approve_all(&self) {
        let value: serde_json::Value =
            serde_json::from_str(&self.answer(&["approvals", "--json"])).unwrap_or(serde_json::Value::Null);
        let list = value.as_array().or_else(|| value.get("approvals")?.as_array()).cloned().unwrap_or_default();
        for approval in list.iter().filter(|approval| approval["state"] == "pending") {
            if let Some(id) = approval["id"].as_str() {
                self.ask(&["approve", id]);
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(child) = &mut self.supervisor {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Names and contents.
type Files = &'static [(&'static str, &'static str)];

/// Projects by name: their files, and the last command that their pipeline runs.
const PROJECTS: &[(&str, Files, &str)] = &[
    ("shop-node", &[("package.json", r#"{"scripts": {"lint": "eslint .", "build": "vite build"}}"#)], "npm run build"),
    ("shop-rust", &[("Cargo.toml", "[package]\nname = \"x\"\nversion = \"0.1.0\"\n")], "cargo build"),
    ("shop-python", &[("pyproject.toml", "[tool.ruff]\n[tool.pytest.ini_options]\n")], "python"),
    ("shop-tox", &[("tox.ini", "[tox]\n")], "tox"),
    ("shop-nox", &[("noxfile.py", "")], "nox"),
    ("shop-go", &[("go.mod", "module x\n")], "go build ./..."),
    ("shop-make", &[("Makefile", "test:\n\ttrue\ndeploy:\n\ttrue\n")], "make deploy"),
    ("shop-just", &[("justfile", "test:\n    true\n")], "just test"),
];

#[test]
fn what_init_writes_runs_on_a_project_of_each_kind() {
    let mut room = Room::new();
    let tools = room.server.folder().join("tools");
    let ran = room.server.folder().join("ran");
    std::fs::create_dir_all(&tools).expect("a folder");
    for tool in ["npm", "cargo", "ruff", "python", "python3", "pytest", "tox", "nox", "go", "make", "just", "uv"] {
        let script = format!("#!/bin/sh\necho \"{tool} $*\" >> '{}'\n", ran.display());
        std::fs::write(tools.join(tool), script).expect("a tool");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(tools.join(tool), executable).expect("a mode");
    }
    for (name, files, _) in PROJECTS {
        let folder = room.server.folder().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        files.iter().for_each(|(file, text)| std::fs::write(folder.join(file), text).expect("a file"));
        let output = room.ask(&["policy", "init", &folder.display().to_string()]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        room.policies.push(folder.join("tmuxagent.yaml"));
        room.window(name, &folder, &tools);
    }
    room.watch();
    for (name, _, _) in PROJECTS {
        wait_for(PATIENCE, name, || room.ask(&["start", name, name]).status.success().then_some(()));
    }
    let ended = |name: &str| {
        let events = room.events();
        let mut lines = events.lines();
        lines.any(|line| line.contains("run_ended") && line.contains(name) && line.contains("succeeded"))
    };
    wait_for(PATIENCE * 3, "all runs", || {
        room.approve_all();
        PROJECTS.iter().all(|(name, _, _)| ended(name)).then_some(())
    });
    let ran = std::fs::read_to_string(ran).expect("what ran");
    for (name, _, last) in PROJECTS {
        assert!(ran.contains(last), "{name}: {ran}");
    }
}

const POLICY: &str = r#"
version: 1
pipelines:
  - name: ci
    match: {window_name: ci}
    stages:
      - name: lint
        triggers: [{log_regex: "^please begin$"}]
        actions_on_start: [{run: "echo linted"}]
        timeout: 60s
  - name: ship
    match: {window_name: ci}
    inputs: {env: {choices: [staging, prod], default: staging}}
    stages:
      - name: deploy
        triggers: [manual]
        require_approval: {question: "Deploy to {{inputs.env}}?"}
        actions_on_start: [{run: "echo deployed {{inputs.env}}"}]
        timeout: 60s
"#;

#[test]
fn what_a_pane_printed_is_recorded_and_played_again() {
    let mut room = Room::new();
    let file = room.server.folder().join("policy.yaml");
    std::fs::write(&file, POLICY).expect("a policy");
    room.policies.push(file);
    let folder = room.server.folder().to_owned();
    room.window("ci", &folder, &folder);
    room.window("private", &folder, &folder);
    room.server.tmux(&["set-option", "-p", "-t", "=private:", "@tmuxagent_record", "off"]);
    room.watch();
    wait_for(PATIENCE, "both panes", || {
        let panes = room.answer(&["panes", "--json"]);
        (panes.contains("\"ci\"") && panes.contains("\"private\"")).then_some(())
    });
    room.server.type_line("=private:", "echo a''secret");
    wait_for(PATIENCE, "the secret", || room.server.screen("=private:").contains("\nasecret").then_some(()));
    // A pane is read once its session's client is attached.
    wait_for(PATIENCE, "the run", || {
        room.server.type_line("=ci:", "echo please'' begin");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(3);
        while std::time::Instant::now() < end {
            if room.events().contains("run_ended") {
                return Some(());
            }
        }
        None
    });
    room.answer(&["start", "ci", "ship", "--set", "env=prod"]);
    wait_for(PATIENCE, "the deployment", || {
        room.approve_all();
        room.events().matches("run_ended").nth(1).map(drop)
    });
    assert_eq!(room.ask(&["shutdown"]).status.code(), Some(0));
    let mut supervisor = room.supervisor.take().expect("it runs");
    supervisor.wait().expect("its end");
    let played = room.answer(&["policy", "replay", "--from-db", "ci", "--since", "1h", "--answers", "as-decided"]);
    for wanted in [
        "ship/deploy triggered: by hand",
        "is told yes to Deploy to prod?",
        "types echo deployed 'prod' ⏎",
        "run of ship succeeded",
    ] {
        assert!(played.contains(wanted), "{wanted}: {played}");
    }
    let played = room.answer(&["policy", "replay", "--from-db", "ci", "--since", "1h"]);
    for wanted in ["ci/lint triggered: log_regex /^please begin$/", "types echo linted ⏎", "run of ci succeeded"] {
        assert!(played.contains(wanted), "{wanted}: {played}");
    }
    let private = room.ask(&["policy", "replay", "--from-db", "private"]);
    assert_eq!(private.status.code(), Some(4), "{}", String::from_utf8_lossy(&private.stdout));
    let bytes = std::fs::read(room.server.folder().join("state/recordings.db")).expect("recordings");
    assert!(!bytes.is_empty());
}
