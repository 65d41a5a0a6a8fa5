//! Shell integration for the panes that `up` makes: files in the state folder of the host, which the pane's shell reads
//! behind the user's own. Nothing of the user's is touched, and where it can't be done the pane has its usual shell.

use super::look::run_with;
use tmuxagent_tmux::{Transport, shell_word};

/// The files, by their name in the folder; the parts of one stand behind each other.
const FILES: &[(&str, &[&str])] = &[
    ("start", &[include_str!("../../../assets/shell/up/start.sh")]),
    ("bash", &[include_str!("../../../assets/shell/up/bash.sh"), include_str!("../../../assets/shell/bash.sh")]),
    ("zsh/.zshenv", &[include_str!("../../../assets/shell/up/zshenv.zsh")]),
    ("zshlines", &[include_str!("../../../assets/shell/zsh.sh")]),
    ("fish", &[include_str!("../../../assets/shell/fish.fish")]),
    ("sh", &[include_str!("../../../assets/shell/up/sh.sh"), include_str!("../../../assets/shell/sh.sh")]),
];

/// Writes the files there; gives the command line by which a pane begins its shell.
pub(crate) fn prepare(transport: &Transport) -> Option<String> {
    // Each is moved into its place whole: a shell may be about to read it.
    let write = FILES.iter().map(|(name, parts)| {
        let text = shell_word(&parts.concat());
        format!("printf %s {text} >\"$d/{name}.$$\" && mv -f \"$d/{name}.$$\" \"$d/{name}\"")
    });
    let write = write.collect::<Vec<_>>().join(" && ");
    let script = format!(
        "umask 077; d=${{TMUXAGENT_STATE_DIR:-${{XDG_STATE_HOME:-$HOME/.local/state}}/tmuxagent}}/shell; \
         mkdir -p \"$d/zsh\" && {write} && printf '%s' \"$d\""
    );
    let output = run_with(transport, &transport.shell("exec sh"), Some(&script)).ok()?;
    let folder = String::from_utf8(output.stdout).ok().filter(|folder| folder.starts_with('/'))?;
    let (Transport::Local { bin, .. } | Transport::Ssh { bin, .. }) = transport;
    output.status.success().then(|| {
        let start = shell_word(&format!("{folder}/start"));
        format!("exec sh {start} {}", shell_word(bin))
    })
}
