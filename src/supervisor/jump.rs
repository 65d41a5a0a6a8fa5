//! Showing a pane in the user's tmux: the client that he looks at goes to it.

use super::hosts::transport;
use crate::config::{Environment, HostConfig};
use crate::model::PaneKey;
use crate::tmux::Transport;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// Switches the tmux client that we run in to a pane; opens a window that runs ssh for a pane of another machine.
///
/// # Errors
/// One sentence for the screen.
pub async fn jump(
    hosts: &[HostConfig],
    runtime: &Path,
    environment: &Environment,
    pane: &PaneKey,
) -> Result<(), String> {
    let host = hosts.iter().find(|host| host.name == pane.host);
    let host = host.ok_or_else(|| format!("host {} is not configured", pane.host))?;
    let way = transport(host, runtime);
    let own_socket = environment.non_empty("TMUX").and_then(|value| value.split(',').next().map(str::to_owned));
    let Some(own_socket) = own_socket else {
        return Err(format!("not inside tmux; attach with: {}", attach_line(&way, pane)));
    };
    let target = pane.pane.to_string();
    if way.is_local() && same_server(&way, &own_socket).await {
        return run(&way.command(&["switch-client", "-t", &target])).await;
    }
    // A pane of another server: a window of this one shows it, and closing that window comes back.
    let name = format!("{}:{}", pane.host, pane.pane);
    let line = attach_line(&way, pane);
    let argv = ["tmux", "-S", &own_socket, "new-window", "-n", &name, &line].map(str::to_owned);
    run(&argv).await
}

/// Whether the watched server is the one that we run in.
async fn same_server(way: &Transport, own_socket: &str) -> bool {
    let argv = way.command(&["display-message", "-p", "#{socket_path}"]);
    let Some((program, arguments)) = argv.split_first() else { return false };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
    output.is_ok_and(|output| {
        let path = String::from_utf8_lossy(&output.stdout);
        let canonical = |path: &str| Path::new(path).canonicalize().ok();
        path.trim() == own_socket || canonical(path.trim()).is_some_and(|path| Some(path) == canonical(own_socket))
    })
}

/// The command line that shows a pane of another server in a terminal.
fn attach_line(way: &Transport, pane: &PaneKey) -> String {
    let target = pane.pane.to_string();
    let select =
        ["attach-session", "-t", &target, ";", "select-window", "-t", &target, ";", "select-pane", "-t", &target];
    let mut argv = way.command(&select);
    // A person needs a terminal over there, and may be asked for a password.
    if let Some(flag) = argv.iter_mut().find(|word| *word == "-T") {
        "-t".clone_into(flag);
    }
    // `TMUX` would make tmux refuse to attach from inside another server.
    let words: Vec<String> = argv.iter().map(|word| super::shell::quoted(word)).collect();
    format!("env -u TMUX {}", words.join(" "))
}

async fn run(argv: &[String]) -> Result<(), String> {
    let Some((program, arguments)) = argv.split_first() else { return Err("no command".to_owned()) };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
    let output = output.map_err(|error| format!("can't run {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().unwrap_or("tmux refused").to_owned())
}
