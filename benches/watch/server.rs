//! A tmux server, and what processes use.

use super::number;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A tmux server of our own.
pub struct Server {
    pub folder: tempfile::TempDir,
}

impl Server {
    pub fn new(first: &str) -> Self {
        let server = Self { folder: tempfile::tempdir().expect("a folder") };
        server.tmux(&["-f", "/dev/null", "new-session", "-d", "-s", "main", "-x", "120", "-y", "40", first]);
        server
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("tmux")
    }

    pub fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-u").arg("-S").arg(self.socket()).args(arguments).env_remove("TMUX").stdin(Stdio::null());
        let output = command.output().expect("tmux is installed");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub fn pid(&self) -> u32 {
        self.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a process id")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// The processor time that the threads of a process have used, in milliseconds.
pub fn used(pid: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let told = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    told.map(|told| number(told.split(' ').next().expect("a number"))).sum::<u64>() as f64 / 1e6
}

/// Resident memory of a process, kilobytes.
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("its memory");
    line.split_whitespace().nth(1).map_or(0, number)
}

/// A process and what it started.
pub fn family(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let told = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = told
        .flat_map(|told| told.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .map(|pid| u32::try_from(number(&pid)).expect("a process id"))
        .collect();
    [pid].into_iter().chain(children.into_iter().flat_map(family)).collect()
}
