//! Showing a pane in the user's tmux: the client that he looks at goes to it.

use super::reach::transport;
use std::path::Path;
use std::process::Stdio;
use tmuxagent_config::{Environment, HostConfig};
use tmuxagent_model::PaneKey;
use tmuxagent_text::Lang;
use tmuxagent_tmux::Transport;
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
    lang: Lang,
) -> Result<(), String> {
    let host = hosts.iter().find(|host| host.name == pane.host);
    let host = host.ok_or_else(|| format!("host {} is not configured", pane.host))?;
    let way = transport(host, runtime);
    let own_socket = environment.non_empty("TMUX").and_then(|value| value.split(',').next().map(str::to_owned));
    let Some(own_socket) = own_socket else {
        return Err(format!(
            "this terminal is not inside tmux, so the pane is not shown here; this command shows it: {}",
            attach_line(&way, pane)
        ));
    };
    let target = pane.pane.to_string();
    if way.is_local() && same_server(&way, &own_socket).await {
        let switched = output(&way.command(&["switch-client", "-t", &target])).await.map(drop);
        return switched.map_err(|said| in_words(said, &way, pane));
    }
    // A pane of another server: a window of this one shows it, and leaving that window comes back.
    let own = Own { socket: own_socket };
    let mark = format!("{}:{}:{}", pane.host, pane.server, pane.pane);
    if let Some(window) = own.showing(&mark).await {
        own.run(&["select-window", "-t", &window]).await?;
        // It may be a window of another session.
        let _ = own.run(&["switch-client", "-t", &window]).await;
        return Ok(());
    }
    let name = window_name(pane);
    let closes = lang.pick("Enter closes this window", "按 Enter 关闭此窗口");
    let script = format!("{} || {{ printf '\\n%s' '{closes}'; read -r _; }}", attach_line(&way, pane));
    let window = own.run(&["new-window", "-P", "-F", "#{window_id}", "-n", &name, "sh", "-c", &script]).await;
    let window = window.map_err(|said| in_words(said, &way, pane))?;
    // The window may be gone already; then it has shown why.
    let _ = own.run(&["set-option", "-w", "-t", window.trim(), MARK, &mark]).await;
    Ok(())
}

/// How a window that shows a pane of another server is called. It is a pane of this server itself, so it must not bear the
/// other's identity or place, by which commands name that one, nor its names, which patterns of a policy may fit. tmux reads
/// formats in the name of a new window, and `#(…)` runs a command.
fn window_name(pane: &PaneKey) -> String {
    format!("{} {}", pane.host, pane.pane).replace('#', "_")
}

/// The window option that tells which pane of another server a window of ours shows.
const MARK: &str = "@tmuxagent_jump";

/// The tmux server that we run in.
struct Own {
    socket: String,
}

impl Own {
    /// The window that shows a pane since an earlier jump.
    async fn showing(&self, mark: &str) -> Option<String> {
        let format = format!("#{{window_id}} #{{{MARK}}}");
        let windows = self.run(&["list-windows", "-a", "-F", &format]).await.ok()?;
        windows.lines().filter_map(|line| line.split_once(' ')).find(|(_, of)| *of == mark).map(|(id, _)| id.to_owned())
    }

    /// Runs a command there and gives what it prints.
    async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let words = [&["tmux", "-u", "-S", &self.socket], arguments].concat();
        output(&words.into_iter().map(str::to_owned).collect::<Vec<_>>()).await
    }
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
    // A person needs a terminal over there, and here may be asked for a password.
    let argv = way.shown(&select);
    // `TMUX` would make tmux refuse to attach from inside another server.
    let words: Vec<String> = argv.iter().map(|word| tmuxagent_tmux::shell_word(word)).collect();
    format!("env -u TMUX {}", words.join(" "))
}

/// What tmux says where nobody looks at the server that we run in, in our words and with the way out.
fn in_words(said: String, way: &Transport, pane: &PaneKey) -> String {
    if said.contains("no current client") || said.contains("no client") {
        return format!("no terminal shows the pane's tmux server; this command does: {}", attach_line(way, pane));
    }
    said
}

/// Runs a command to its end and gives what it prints.
async fn output(argv: &[String]) -> Result<String, String> {
    let Some((program, arguments)) = argv.split_first() else { return Err("no command".to_owned()) };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
    let output = output.map_err(|error| format!("can't run {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().unwrap_or("tmux refused").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostName, PaneId, ServerId};

    #[test]
    fn a_window_that_shows_a_pane_bears_no_form_that_names_it() {
        let host = HostName::new("n#(x)as");
        let pane = PaneKey { host, server: ServerId::new("s"), pane: PaneId(0), pid: 1 };
        assert_eq!(window_name(&pane), "n_(x)as %0");
    }

    #[test]
    fn what_tmux_says_where_nobody_looks_is_told_with_the_way_out() {
        let way = Transport::Local { bin: "tmux".to_owned(), socket: tmuxagent_tmux::Socket::Name("work".to_owned()) };
        let pane = PaneKey { host: HostName::new("local"), server: ServerId::new("s"), pane: PaneId(3), pid: 1 };
        let told = in_words("no current client".to_owned(), &way, &pane);
        let line = "env -u TMUX tmux -L work -u attach-session -t %3 ';' select-window -t %3 ';' select-pane -t %3";
        assert_eq!(told, format!("no terminal shows the pane's tmux server; this command does: {line}"));
        assert_eq!(in_words("can't find pane".to_owned(), &way, &pane), "can't find pane");
    }
}
