//! The program as a user starts it: recording on, its state on the disk.

use super::server::{Server, family};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Another program that is measured in place of this one.
const PROGRAM: &str = "TMUXAGENT_PROGRAM";

/// A running supervisor.
pub struct Product {
    supervisor: Child,
}

impl Product {
    /// Starts it; waits until `panes` panes are watched.
    pub fn new(server: &Server, policy: &str, panes: usize) -> Self {
        let folder = server.folder.path();
        std::fs::write(folder.join("policy.yaml"), policy).expect("a policy");
        let command = || {
            let mut command = Command::new(program());
            command
                .env("HOME", folder)
                .env("XDG_CONFIG_HOME", folder.join("config"))
                .env("XDG_STATE_HOME", folder.join("states"))
                .env("XDG_RUNTIME_DIR", folder)
                .env("TMUXAGENT_STATE_DIR", folder.join("state"))
                .env("TMUXAGENT_SOCKET", server.socket())
                .env("TMUXAGENT_POLICY", folder.join("policy.yaml"))
                .env_remove("TMUX");
            command
        };
        let supervisor = command().arg("--headless").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let supervisor = supervisor.expect("the program");
        let watched = || {
            let output = command().args(["panes", "--json"]).output().expect("the program");
            String::from_utf8_lossy(&output.stdout).matches("\"window_index\"").count()
        };
        while watched() < panes {
            std::thread::sleep(Duration::from_millis(50));
        }
        // What was printed before is read, and who reads is looked at.
        std::thread::sleep(Duration::from_secs(2));
        Self { supervisor }
    }

    /// The supervisor and what it started.
    pub fn processes(&self) -> Vec<u32> {
        family(self.supervisor.id())
    }

    /// Ends it in order.
    pub fn end(mut self) {
        let id = self.supervisor.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("a signal");
        self.supervisor.wait().expect("it ends");
    }
}

fn program() -> PathBuf {
    std::env::var_os(PROGRAM).map_or_else(|| env!("CARGO_BIN_EXE_tmuxagent").into(), PathBuf::from)
}
