//! Finding out, by forked commands, whether a server is there and whether attaching to it is safe now.
//!
//! Before tmux 3.7 a control client that attaches while something happens among the sessions can crash the server. So
//! the first client is attached only after half a second in which nothing happened; later ones learn of events through
//! the clients that are there. And control clients that a killed supervisor of the same owner left behind are ended
//! first: a stuck one can hold up the panes' programs.

use super::fork::{self, Printed};
use super::inventory::{Entry, listing_format};
use super::proto::{Nonce, Row, RowReader, Version, row_format};
use super::{Refusal, Transport};
use std::time::Duration;

/// The server option with which a control client of ours is marked: this, then the client's process id; the value is
/// the owner.
pub(super) const CLIENT_MARK: &str = "@tmuxagent_client_";
/// How long nothing may happen before a client is attached.
pub(super) const QUIET: Duration = Duration::from_millis(500);
/// How often that is looked at by the first attach.
const SAMPLES: u32 = 4;

/// What was found.
#[derive(Debug)]
pub(super) struct Probed {
    /// The server's version; what it does not tell counts as too old for anything but polling.
    pub version: Option<Version>,
    /// The version as the server writes it.
    pub version_text: String,
    /// All panes, in each session that shows them.
    pub entries: Vec<Entry>,
    /// Nothing happened among the sessions for [`QUIET`].
    pub quiet: bool,
}

/// Why nothing was found.
#[derive(Debug)]
pub(super) enum ProbeError {
    /// No server runs there.
    NoServer,
    /// It can't be asked; the reason for people.
    Unreachable(String),
}

/// Lists all panes once.
pub(super) async fn list(transport: &Transport, nonce: &Nonce) -> Result<Vec<Entry>, ProbeError> {
    let format = listing_format(nonce);
    let printed = fork::run(&transport.command(&["list-panes", "-a", "-F", &format])).await;
    let printed = printed.map_err(ProbeError::Unreachable)?;
    if !printed.success {
        return Err(classify(printed, transport));
    }
    let entries: Vec<Entry> = rows(nonce, &printed.output).iter().filter_map(Entry::read).collect();
    if entries.is_empty() {
        return Err(ProbeError::NoServer);
    }
    Ok(entries)
}

/// Looks whether a server is there, ends stale clients and waits for a quiet half second (once; it may not come).
pub(super) async fn probe(
    transport: Transport,
    nonce: Nonce,
    owner: String,
    ceiling: Option<Version>,
) -> Result<Probed, ProbeError> {
    let entries = list(&transport, &nonce).await?;
    let version_text = entries.first().map_or_else(String::new, |entry| entry.version.clone());
    let version = version_text.parse::<Version>().ok().map(|v| ceiling.map_or(v, |most| v.min(most)));
    let mut quiet = true;
    if version.is_some_and(Version::has_control) {
        end_stale(&transport, &nonce, &owner).await;
        if version.is_some_and(|v| v < Version::MENDED) {
            quiet = is_quiet(&transport, &nonce).await;
        }
    }
    Ok(Probed { version, version_text, entries, quiet })
}

/// tmux's and ssh's ways of saying that nobody is there.
fn classify(printed: Printed, transport: &Transport) -> ProbeError {
    let Printed { code, error, .. } = printed;
    let refused = error.contains("(Connection refused)") || error.contains("(No such file or directory)");
    if error.contains("no server running on") || (error.contains("error connecting to") && refused) {
        return ProbeError::NoServer;
    }
    if let Transport::Ssh { target, bin, .. } = transport {
        match code {
            // ssh's own failures (ssh(1), exit status); tmux ends with 1.
            Some(255) | None => return ProbeError::Unreachable(Refusal::of_ssh(target, &error).to_string()),
            Some(126 | 127) => return ProbeError::Unreachable(Refusal::no_program(bin).to_string()),
            Some(_) => {}
        }
    }
    let error = if error.is_empty() { "no reason given".to_owned() } else { error };
    ProbeError::Unreachable(format!("tmux can't be asked: {error}"))
}

/// The rows in a command's output.
pub(super) fn rows(nonce: &Nonce, output: &[u8]) -> Vec<Row> {
    let mut reader = RowReader::new(nonce.clone());
    output.split(|&byte| byte == b'\n').filter_map(|line| reader.push(line)).collect()
}

/// Whether nothing changed among sessions, windows and clients over [`QUIET`].
async fn is_quiet(transport: &Transport, nonce: &Nonce) -> bool {
    if let Some(words) = transport.compared(&signature_words(nonce), QUIET / 2) {
        return fork::run(&words).await.is_ok_and(|printed| printed.output.starts_with(b"quiet"));
    }
    let mut before = None;
    for _ in 0..=SAMPLES {
        let now = signature(transport, nonce).await;
        if now.is_empty() || before.as_ref().is_some_and(|before| *before != now) {
            return false;
        }
        before = Some(now);
        tokio::time::sleep(QUIET / SAMPLES).await;
    }
    true
}

async fn signature(transport: &Transport, nonce: &Nonce) -> Vec<u8> {
    let words = signature_words(nonce);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match fork::run(&transport.command(&words)).await {
        Ok(printed) if printed.success => printed.output,
        _ => Vec::new(),
    }
}

/// What prints a text that changes with every event that makes attaching dangerous, as far as a listing can show it.
fn signature_words(nonce: &Nonce) -> [String; 8] {
    let windows = row_format(
        nonce,
        &[
            "#{next_session_id}",
            "#{session_id}",
            "#{session_name}",
            "#{window_id}",
            "#{window_active}",
            "#{pane_in_mode}",
        ],
    );
    let clients = row_format(nonce, &["#{client_name}", "#{client_session}"]);
    ["list-windows", "-a", "-F", &windows, ";", "list-clients", "-F", &clients].map(str::to_owned)
}

/// Ends control clients that carry this owner's mark, and removes the marks of those that are gone.
async fn end_stale(transport: &Transport, nonce: &Nonce, owner: &str) {
    let Ok(options) = fork::run(&transport.command(&["show-options", "-s"])).await else { return };
    let marked: Vec<u32> = String::from_utf8_lossy(&options.output)
        .lines()
        .filter_map(|line| line.strip_prefix(CLIENT_MARK)?.split_once(' '))
        .filter(|(_, value)| value.trim_matches('"') == owner)
        .filter_map(|(pid, _)| pid.parse().ok())
        .collect();
    if marked.is_empty() {
        return;
    }
    let living = stale(transport, nonce, &marked).await;
    if !living.is_empty() {
        let pids = living.iter().map(|(pid, _)| pid.to_string()).collect::<Vec<_>>().join(" ");
        // The number may belong to another program by now, so its name is looked at.
        let script = format!(
            "for p in {pids}; do n=$(cat /proc/$p/comm 2>/dev/null || ps -o comm= -p $p 2>/dev/null); \
             case \"$n\" in *tmux*) kill -9 $p;; esac; done"
        );
        let _ = fork::run(&transport.shell(&script)).await;
        tokio::time::sleep(QUIET).await;
        for (_, name) in stale(transport, nonce, &marked).await {
            // Its process is gone and the server does not know: it no longer holds up any pane without output.
            let _ = fork::run(&transport.command(&["refresh-client", "-t", &name, "-f", "no-output"])).await;
        }
    }
    let options: Vec<String> = marked.iter().map(|pid| format!("{CLIENT_MARK}{pid}")).collect();
    let words: Vec<&str> = options.iter().flat_map(|option| ["set-option", "-s", "-u", option, ";"]).collect();
    let _ = fork::run(&transport.command(&words[..words.len() - 1])).await;
}

/// The control clients of the server among `marked`, with their names.
async fn stale(transport: &Transport, nonce: &Nonce, marked: &[u32]) -> Vec<(u32, String)> {
    let format = row_format(nonce, &["#{client_pid}", "#{client_control_mode}", "#{client_name}"]);
    let Ok(clients) = fork::run(&transport.command(&["list-clients", "-F", &format])).await else { return Vec::new() };
    rows(nonce, &clients.output)
        .iter()
        .filter_map(|row| match row.as_slice() {
            [pid, control, name] if control == b"1" => {
                let pid = std::str::from_utf8(pid).ok()?.parse().ok()?;
                Some((pid, String::from_utf8_lossy(name).into_owned()))
            }
            _ => None,
        })
        .filter(|(pid, _)| marked.contains(pid))
        .collect()
}
