//! Shell integration for the panes that `up` makes. Where it can't be done the pane has its usual shell.

use super::look::run_with;
use tmuxagent_model::shell_files_script;
use tmuxagent_tmux::{Transport, shell_word};

/// Writes the files there; gives the command line by which a pane begins its shell.
pub(crate) fn prepare(transport: &Transport) -> Option<String> {
    let output = run_with(transport, &transport.shell("exec sh"), Some(&shell_files_script())).ok()?;
    let folder = String::from_utf8(output.stdout).ok().filter(|folder| folder.starts_with('/'))?;
    let (Transport::Local { bin, .. } | Transport::Ssh { bin, .. }) = transport;
    output.status.success().then(|| {
        let start = shell_word(&format!("{folder}/start"));
        format!("exec sh {start} {}", shell_word(bin))
    })
}
