//! A command line whose end is reported by a marker that its own echo does not show.

/// `command` followed by the report of its exit code under `token`, for a shell.
pub fn tracked_command(shell: &str, command: &str, token: &str) -> String {
    let code = if shell == "fish" { "$status" } else { "$?" };
    format!(" {command}; printf '\\n__TMUXAGENT_%s {token} %s\\n' RESULT {code}")
}
