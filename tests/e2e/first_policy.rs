//! The page that leads to a first policy: what it has people type works, in its order.

use super::support::{PATIENCE, wait_for};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const PAGE: &str = include_str!("../../docs/first-policy.md");

/// The blocks of the page, each with its language.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts: Vec<&str> = PAGE.split("```").collect();
    parts.iter().skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

/// A shell of somebody whose home this is; its tmux is his own.
fn shell(home: &Path, line: &str) -> Output {
    let folder = home.join("first");
    let path = std::env::var("PATH").unwrap_or_default();
    let program = Path::new(env!("CARGO_BIN_EXE_tmuxagent")).parent().expect("a folder").display();
    let mut command = Command::new("bash");
    command.args(["-c", line]).env_clear().current_dir(if folder.is_dir() { &folder } else { home });
    command.env("PATH", format!("{program}:{path}")).env("HOME", home).env("TMUX_TMPDIR", home);
    command.env("XDG_RUNTIME_DIR", home).env("LANG", "C.UTF-8").env("TERM", "xterm-256color").env("USER", "ann");
    command.output().expect("bash runs")
}

fn works(home: &Path, line: &str) -> String {
    let output = shell(home, line);
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The question that is open by now.
fn open(home: &Path) -> String {
    wait_for(PATIENCE, "a question", || {
        let told: Value = serde_json::from_slice(&shell(home, "tmuxagent approvals --json").stdout).ok()?;
        let open = told.as_array()?.iter().find(|approval| approval["state"] == "pending")?;
        Some(open["id"].as_str()?.to_owned())
    })
}

#[test]
fn the_page_works_as_it_is_printed() {
    let home = tempfile::Builder::new().prefix("ta").tempdir().expect("a temporary folder");
    let home = home.path();
    let mut files = ["first.yaml", "first.test.yaml"].into_iter();
    for (language, block) in blocks() {
        if language == "yaml" {
            std::fs::write(home.join("first").join(files.next().expect("a file")), block).expect("writable");
        } else if block.starts_with("tmuxagent start ") {
            // It takes a moment until it watches.
            wait_for(PATIENCE, "the start", || shell(home, block).status.success().then_some(()));
        } else if block.contains("approve ID") {
            works(home, &block.replace("ID", &open(home)));
            wait_for(PATIENCE, "the deploy", || works(home, "tmuxagent approvals").contains("staging").then_some(()));
            works(home, &format!("tmuxagent approve {}", open(home)));
            wait_for(PATIENCE, "its end", || works(home, "tmuxagent events").contains("ended: done").then_some(()));
        } else if block.starts_with("tmuxagent approvals") {
            open(home);
            assert!(works(home, block).contains("1 failed: adds up"), "the last lines stand with the question");
        } else {
            works(home, block);
        }
    }
    assert!(files.next().is_none() && !home.join("first").exists());
}
