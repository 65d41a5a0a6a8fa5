//! What exists → a file that makes it again. Pure.

use super::look::{Found, FoundPane};
use std::fmt::Write as _;
use tmuxagent_model::{HostName, Shell};
use tmuxagent_yaml::quoted;

/// A workspace file with what was found.
#[must_use]
pub fn write(name: &str, found: &[Found]) -> String {
    let mut out = format!(
        "# What ran when this was written; `tmuxagent up FILE` makes what is missing of it.\nversion: 1\nname: {}\nsessions:\n",
        quoted(name)
    );
    for there in found {
        let mut sessions: Vec<&str> = there.panes.iter().map(|pane| pane.session.as_str()).collect();
        sessions.dedup();
        for session in sessions {
            let _ = writeln!(out, "  - name: {}", quoted(session));
            if there.host != HostName::local() {
                let _ = writeln!(out, "    host: {}", quoted(there.host.as_str()));
            }
            out.push_str("    windows:\n");
            let panes: Vec<&FoundPane> = there.panes.iter().filter(|pane| pane.session == session).collect();
            write_windows(&mut out, &panes, &there.home);
        }
    }
    out
}

fn write_windows(out: &mut String, panes: &[&FoundPane], home: &str) {
    let mut rest = panes;
    while let Some(first) = rest.first() {
        let same = |pane: &&FoundPane| pane.window == first.window && pane.layout == first.layout;
        let count = rest.iter().take_while(|pane| same(pane)).count().max(1);
        let (window, after) = rest.split_at(count);
        rest = after;
        let _ = writeln!(out, "      - name: {}", quoted(&first.window));
        if let [pane] = window {
            write_pane(out, pane, home, "        ");
            continue;
        }
        let _ = writeln!(out, "        layout: {}\n        panes:", quoted(&first.layout));
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
    let _ = writeln!(out, "{indent}root: {}", quoted(&folder));
    let command = pane.command.as_str();
    // A shell is what a pane runs when nothing runs in it.
    if !command.is_empty() && Shell::from_command(command).is_none() {
        let _ =
            writeln!(out, "{indent}command: {}    # tmux tells the program only; add its arguments", quoted(command));
    }
    if !pane.title.is_empty() {
        let _ = writeln!(out, "{indent}title: {}", quoted(&pane.title));
    }
    if !pane.role.is_empty() {
        let _ = writeln!(out, "{indent}role: {}", quoted(&pane.role));
    }
}
