//! What exists → a file that makes it again. Pure.

use super::look::{Found, FoundPane};
use std::fmt::Write as _;
use tmuxagent_model::HostName;

/// Programs that a pane runs when nothing runs in it.
const SHELLS: [&str; 9] = ["sh", "bash", "zsh", "fish", "dash", "ksh", "tcsh", "nu", "elvish"];

/// A workspace file with what was found.
#[must_use]
pub fn write(name: &str, found: &[Found]) -> String {
    let mut out = format!(
        "# What ran when this was written; `tmuxagent up FILE` makes what is missing of it.\nversion: 1\nname: {}\nsessions:\n",
        text(name)
    );
    for there in found {
        let mut sessions: Vec<&str> = there.panes.iter().map(|pane| pane.session.as_str()).collect();
        sessions.dedup();
        for session in sessions {
            let _ = writeln!(out, "  - name: {}", text(session));
            if there.host != HostName::local() {
                let _ = writeln!(out, "    host: {}", text(there.host.as_str()));
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
        let _ = writeln!(out, "      - name: {}", text(&first.window));
        if let [pane] = window {
            write_pane(out, pane, home, "        ");
            continue;
        }
        let _ = writeln!(out, "        layout: {}\n        panes:", text(&first.layout));
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
    let _ = writeln!(out, "{indent}root: {}", text(&folder));
    let command = pane.command.as_str();
    if !command.is_empty() && !SHELLS.contains(&command.trim_start_matches('-')) {
        let _ = writeln!(out, "{indent}command: {}    # tmux tells the program only; add its arguments", text(command));
    }
    if !pane.title.is_empty() {
        let _ = writeln!(out, "{indent}title: {}", text(&pane.title));
    }
    if !pane.role.is_empty() {
        let _ = writeln!(out, "{indent}role: {}", text(&pane.role));
    }
}

/// A text in double quotes, as JSON and YAML write it. Control characters are left out: a name must stand on one line.
fn text(value: &str) -> String {
    let plain: String = value.chars().filter(|c| !c.is_control()).collect();
    serde_json::to_string(&plain).unwrap_or_default()
}
