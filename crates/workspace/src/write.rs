//! What exists → a file that makes it again. Pure.

use super::look::{Found, FoundPane};
use std::fmt::Write as _;
use tmuxagent_model::{HostName, Shell};
use tmuxagent_text::is_hidden;
use tmuxagent_yaml::quoted;

/// A workspace file with what was found.
#[must_use]
pub fn write(name: &str, found: &[Found]) -> String {
    let mut out = format!(
        "# What ran when this was written; `tmuxagent up FILE` makes what is missing of it.\nversion: 1\nname: {}\nsessions:\n",
        scalar(name)
    );
    for there in found {
        let panes: Vec<&FoundPane> = there.panes.iter().filter(|pane| !is_own(pane)).collect();
        let mut sessions: Vec<&str> = panes.iter().map(|pane| pane.session.as_str()).collect();
        sessions.dedup();
        for session in sessions {
            let _ = writeln!(out, "  - name: {}", scalar(session));
            if there.host != HostName::local() {
                let _ = writeln!(out, "    host: {}", scalar(there.host.as_str()));
            }
            out.push_str("    windows:\n");
            let of_session: Vec<&FoundPane> = panes.iter().filter(|pane| pane.session == session).copied().collect();
            write_windows(&mut out, &of_session, &there.home);
        }
    }
    out
}

/// The name of our program.
const OWN: &str = "tmuxagent";

/// Whether our own program was started there, a supervisor or a screen: who makes the rest again does not mean a second one.
fn is_own(pane: &FoundPane) -> bool {
    pane.command == OWN && (pane.session == OWN || pane.start.contains(OWN))
}

/// A window's name that none before it has: `up` tells windows of a session by their names.
fn own_name(name: &str, used: &mut Vec<String>) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !used.contains(name));
    let free = free.unwrap_or_default();
    used.push(free.clone());
    free
}

fn write_windows(out: &mut String, panes: &[&FoundPane], home: &str) {
    let mut rest = panes;
    let mut used = Vec::new();
    while let Some(first) = rest.first() {
        let same = |pane: &&FoundPane| pane.window == first.window && pane.layout == first.layout;
        let count = rest.iter().take_while(|pane| same(pane)).count().max(1);
        let (window, after) = rest.split_at(count);
        rest = after;
        let name = own_name(&first.window, &mut used);
        let why = if name == first.window { "" } else { "    # names must differ within a session" };
        let _ = writeln!(out, "      - name: {}{why}", scalar(&name));
        if let [pane] = window {
            write_pane(out, pane, home, "        ");
            continue;
        }
        let _ = writeln!(out, "        layout: {}\n        panes:", scalar(&first.layout));
        for pane in window {
            out.push_str("          -\n");
            write_pane(out, pane, home, "            ");
        }
    }
}

fn write_pane(out: &mut String, pane: &FoundPane, home: &str, indent: &str) {
    let folder = match pane.path.strip_prefix(home) {
        Some(rest) if !home.is_empty() && (rest.is_empty() || rest.starts_with('/')) => format!("~{rest}"),
        _ => pane.path.clone(),
    };
    let _ = writeln!(out, "{indent}root: {}", scalar(&folder));
    let command = pane.command.as_str();
    // A shell is what a pane runs when nothing runs in it.
    if !command.is_empty() && command != OWN && Shell::from_command(command).is_none() {
        let _ =
            writeln!(out, "{indent}command: {}    # tmux tells the program only; add its arguments", scalar(command));
    }
    if !pane.title.is_empty() {
        let _ = writeln!(out, "{indent}title: {}", scalar(&pane.title));
    }
    if !pane.role.is_empty() {
        let _ = writeln!(out, "{indent}role: {}", scalar(&pane.role));
    }
}

/// A YAML scalar of this very text. What acts on a terminal or hides there is an escape, so that a folder's name stays its
/// name and nothing of it is read otherwise than it stands in the file.
fn scalar(text: &str) -> String {
    let acts = |c: char| c.is_control() || is_hidden(c);
    if !text.contains(acts) {
        return quoted(text);
    }
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if acts(c) && u32::from(c) <= 0xFFFF => drop(write!(out, "\\u{:04X}", u32::from(c))),
            _ if acts(c) => drop(write!(out, "\\U{:08X}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
