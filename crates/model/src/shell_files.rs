//! Shell integration for panes that we make: files in the state folder of the host, which the pane's shell reads behind the
//! user's own. Nothing of the user's is touched.

use crate::shell::quoted;

/// The files, by their name in the folder; the parts of one stand behind each other.
const FILES: &[(&str, &[&str])] = &[
    ("start", &[include_str!("../../../assets/shell/up/start.sh")]),
    ("bash", &[include_str!("../../../assets/shell/up/bash.sh"), include_str!("../../../assets/shell/bash.sh")]),
    ("zsh/.zshenv", &[include_str!("../../../assets/shell/up/zshenv.zsh")]),
    ("zshlines", &[include_str!("../../../assets/shell/zsh.sh")]),
    ("fish", &[include_str!("../../../assets/shell/fish.fish")]),
    ("sh", &[include_str!("../../../assets/shell/up/sh.sh"), include_str!("../../../assets/shell/sh.sh")]),
];

/// A script for a POSIX shell that writes the files and prints their folder, which holds `start`: a pane begins its shell by
/// `sh FOLDER/start TMUX`. It prints nothing and fails where they can't be written.
#[must_use]
pub fn shell_files_script() -> String {
    // Each is moved into its place whole: a shell may be about to read it.
    let write = FILES.iter().map(|(name, parts)| {
        let text = quoted(&parts.concat());
        format!("printf %s {text} >\"$d/{name}.$$\" && mv -f \"$d/{name}.$$\" \"$d/{name}\"")
    });
    let write = write.collect::<Vec<_>>().join(" && ");
    format!(
        "umask 077; d=${{TMUXAGENT_STATE_DIR:-${{XDG_STATE_HOME:-$HOME/.local/state}}/tmuxagent}}/shell; \
         mkdir -p \"$d/zsh\" && {write} && printf '%s' \"$d\""
    )
}
