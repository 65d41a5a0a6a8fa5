//! A stand-in for an agent: a program of its name that shows saved screens of the real one, step by step.

use super::room::Room;
use super::{PATIENCE, wait_for};
use std::path::{Path, PathBuf};

/// What it does, step by step.
pub enum Step {
    /// Shows a saved screen.
    Show(&'static str),
    /// Reads one key, as a dialog does, and writes it down.
    Key,
    /// Reads a line, as an input line does, and writes it down.
    Line,
    /// Goes on once this file is there.
    Until(&'static str),
    /// Ends; a shell is left.
    Exit,
}

/// A saved screen of 80 columns.
pub fn screen(agent: &str, name: &str) -> PathBuf {
    let folder = if agent == "claude" { "claude-2.1.332-80x24" } else { "codex-0.171.0-80x24" };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/agents/{folder}/{name}.txt"))
}

/// The command that shows a saved screen, with the cursor where the agent has it: in its input line, where one is shown.
pub fn show(screen: &Path) -> String {
    let text = std::fs::read_to_string(screen).expect("a saved screen");
    let is_choice = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    let input = |row: &str| row.strip_prefix(['›', '❯']).is_some_and(|rest| !is_choice(rest.trim_start()));
    let rows: Vec<&str> = text.lines().collect();
    // A row that is wider than the pane takes two.
    let below = |row: usize| rows[row + 1..].iter().map(|row| row.chars().count().max(1).div_ceil(80)).sum::<usize>();
    let cursor = rows.iter().rposition(|row| input(row)).map(below);
    let cursor = cursor.map(|up| format!("; printf '\\r\\033[{up}A\\033[2C'")).unwrap_or_default();
    format!("clear; printf %s \"$(cat {})\"{cursor}", screen.display())
}

/// A program of that name, which is a shell: what counts is whose process it is.
pub fn program(room: &Room, name: &str) -> String {
    let path = room.file(name);
    std::fs::copy("/bin/sh", &path).expect("a shell");
    path.display().to_string()
}

/// A pane in which a program of that name takes these steps, then waits.
pub fn stand_in(room: &Room, name: &str, steps: &[Step]) -> String {
    let steps = steps.iter().map(|step| match step {
        Step::Show(shown) => show(&screen(name, shown)) + "\n",
        // The end of its terminal is no key.
        Step::Key => "stty -icanon -echo; key=$(dd bs=1 count=1 2>/dev/null; echo .); stty icanon echo\n\
             [ \"$key\" = . ] || echo \"key ${key%.}\" >> got\n"
            .to_owned(),
        // As the agent does, it empties its input line; what stands there before is its placeholder.
        Step::Line => {
            let empty = if name == "claude" { "❯ " } else { "› " };
            let empties = format!("printf '\\033[A\\033[2K{empty}\\r\\033[2C'");
            format!("printf '\\033[K'; IFS= read -r line; {empties}; echo \"line $line\" >> got\n")
        }
        Step::Until(file) => format!("while [ ! -e {file} ]; do sleep 0.1; done\n"),
        Step::Exit => "exit 0\n".to_owned(),
    });
    let script = steps.collect::<String>() + "while :; do sleep 1; done\n";
    std::fs::write(room.file("script"), script).expect("writable");
    let line = format!("cd {}; {} script; exec sh", room.server.folder().display(), program(room, name));
    room.server.new_session("agents", &format!("sh -c '{line}'"))
}

/// What it has read so far: `key 1;line carry on;`.
pub fn got(room: &Room) -> String {
    std::fs::read_to_string(room.file("got")).unwrap_or_default().replace('\n', ";")
}

/// Until it has read this, and nothing else.
pub fn wait_got(room: &Room, wanted: &str) {
    wait_for(PATIENCE, wanted, || (got(room) == wanted).then_some(()));
}

/// Lets it go on that waits for this file.
pub fn go(room: &Room, file: &str) {
    std::fs::write(room.file(file), "").expect("writable");
}
