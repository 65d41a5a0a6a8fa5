//! Many machines in one: tmux servers behind one sshd, watched as hosts of their own.

use super::support::sshd::{Sshd, children_of};
use super::support::{TmuxServer, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tmuxagent_model::{RunState, RunView};

/// How long everything may take on a machine that carries all of it.
const LONG: Duration = Duration::from_secs(300);

/// A printed `ping` is answered by keys, a printed `done` ends the run. The program in the pane is `cat` into a file:
/// what is printed is written to its terminal from here, so that no process is needed for it.
const POLICY: &str = "version: 1\npipelines:\n  - name: probe\n    match: [{session_name: main}]\n    stages:\n      \
    - name: answer\n        triggers: [{log_regex: '^ping$'}]\n        actions_on_start: [{send_keys: pong}]\n        \
    success_when: [{log_regex: '^done$'}]\n        timeout: 10m\n";

struct Pane {
    terminal: File,
    typed: PathBuf,
}

/// See the module. Ends its processes when dropped.
pub struct Fleet {
    program: String,
    home: tempfile::TempDir,
    sshd: Sshd,
    servers: Vec<TmuxServer>,
    panes: Vec<Pane>,
    per_host: usize,
    child: Option<Child>,
}

impl Fleet {
    /// So many servers with so many panes each.
    pub fn new(program: &str, hosts: usize, per_host: usize) -> Self {
        let home = tempfile::Builder::new().prefix("ta").tempdir().expect("a folder");
        let sshd = Sshd::start();
        let (mut servers, mut panes, mut config) = (Vec::new(), Vec::new(), "hosts:\n".to_owned());
        for n in 0..hosts {
            let server = TmuxServer::prepare();
            let typed = |pane: usize| server.folder().join(format!("typed-{pane}"));
            let reader = |pane: usize| format!("exec cat >'{}'", typed(pane).display());
            server.new_session("main", &reader(0));
            let rest: Vec<String> = (1..per_host).map(reader).collect();
            for reader in &rest {
                server.tmux(&["new-window", "-d", "-t", "=main:", reader]);
            }
            let terminals = server.tmux(&["list-panes", "-s", "-t", "=main:", "-F", "#{pane_tty}"]);
            for (pane, terminal) in terminals.lines().enumerate() {
                let typed = typed(pane);
                wait_for(LONG, "a pane's program", || typed.exists().then_some(()));
                let terminal = OpenOptions::new().write(true).open(terminal).expect("a terminal");
                panes.push(Pane { terminal, typed });
            }
            config.push_str(&sshd.yaml(&format!("host{n}"), sshd.port(), &server));
            servers.push(server);
        }
        std::fs::write(home.path().join("config.yaml"), config).expect("writable");
        std::fs::write(home.path().join("policy.yaml"), POLICY).expect("writable");
        Self { program: program.to_owned(), home, sshd, servers, panes, per_host, child: None }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.env("HOME", self.home.path()).env("TMUXAGENT_STATE_DIR", self.home.path().join("state"));
        command.env("TMUXAGENT_CONFIG", self.home.path().join("config.yaml"));
        command.env("TMUXAGENT_POLICY", self.home.path().join("policy.yaml"));
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Starts the supervisor and waits until every pane is watched.
    pub fn start(&mut self) {
        let log = File::create(self.home.path().join("log")).expect("writable");
        self.child = Some(self.command(&["--headless"]).stderr(log).spawn().expect("it starts"));
        self.wait_live();
        let panes = || {
            let output = self.command(&["panes", "--json"]).output().ok()?;
            let panes: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
            (panes.as_array()?.len() == self.panes.len()).then_some(())
        };
        wait_for(LONG, "every pane", panes);
    }

    fn wait_live(&self) {
        wait_for(LONG, "every host", || {
            let lives = Path::new("/proc").join(self.supervisor().to_string()).join("exe").exists();
            assert!(lives, "it ended: {}", self.log());
            let output = self.command(&["status", "--json"]).output().ok()?;
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            (said.matches("\"live\"").count() == self.servers.len()).then_some(())
        });
    }

    /// The supervisor's process.
    pub fn supervisor(&self) -> i32 {
        self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()).unwrap_or_default()
    }

    /// The `ssh` processes on this side.
    pub fn ssh(&self) -> Vec<i32> {
        let pids = [self.sshd.clients(), Sshd::clients_of(self.home.path())].concat();
        let pids: BTreeSet<i32> = pids.into_iter().map(|pid| pid.as_raw_nonzero().get()).collect();
        pids.into_iter().collect()
    }

    /// The processes of sshd and the tmux servers.
    pub fn there(&self) -> Vec<i32> {
        let mut pids = Vec::new();
        for connection in self.sshd.connections() {
            pids.push(connection);
            pids.extend(children_of(u32::try_from(connection).unwrap_or_default()));
        }
        let pid = |server: &TmuxServer| server.tmux(&["display-message", "-p", "#{pid}"]).parse::<i32>().ok();
        pids.extend(self.servers.iter().filter_map(pid));
        pids
    }

    /// Prints a line in a pane.
    pub fn print(&self, pane: usize, text: &str) {
        (&self.panes[pane].terminal).write_all(format!("{text}\r\n").as_bytes()).expect("a terminal takes it");
    }

    fn answered(&self, pane: usize) -> usize {
        let typed = std::fs::read_to_string(&self.panes[pane].typed).unwrap_or_default();
        assert!(typed.lines().all(|line| line == "pong"), "{typed:?}");
        typed.lines().count()
    }

    /// How long it takes from a printed line to the keys that answer it.
    pub fn ask(&self, pane: usize) -> Duration {
        let before = self.answered(pane);
        let asked = Instant::now();
        self.print(pane, "ping");
        self.wait_answers(pane, before + 1);
        let took = asked.elapsed();
        self.print(pane, "done");
        wait_for(LONG, "the run's end", || {
            let output = self.command(&["panes", "--runs", "--json"]).output().ok()?;
            let runs: Vec<RunView> = serde_json::from_slice(&output.stdout).ok()?;
            runs.iter().all(|run| run.state != Some(RunState::Open)).then_some(())
        });
        took
    }

    fn wait_answers(&self, pane: usize, wanted: usize) {
        let deadline = Instant::now() + LONG;
        while self.answered(pane) < wanted {
            assert!(Instant::now() < deadline, "pane {pane} is not answered: {}", self.log());
            std::thread::sleep(Duration::from_micros(500));
        }
        assert_eq!(self.answered(pane), wanted, "answered once");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// Kills every connection at once, prints on every host meanwhile, and waits for all answers.
    pub fn storm(&self) -> Duration {
        let before: Vec<usize> = (0..self.panes.len()).step_by(self.per_host).map(|pane| self.answered(pane)).collect();
        for pid in self.sshd.connections().into_iter().filter_map(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
        let begun = Instant::now();
        (0..self.panes.len()).step_by(self.per_host).for_each(|pane| self.print(pane, "ping"));
        for (host, before) in before.into_iter().enumerate() {
            self.wait_answers(host * self.per_host, before + 1);
        }
        let took = begun.elapsed();
        self.wait_live();
        took
    }

    /// Ends the supervisor in order.
    pub fn end(&mut self) {
        let ended = self.command(&["shutdown"]).status().is_ok_and(|status| status.success());
        assert!(ended, "it ends: {}", self.log());
        if let Some(mut child) = self.child.take() {
            wait_for(LONG, "its end", || child.try_wait().ok().flatten());
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            eprintln!("{}", std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default());
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
