//! Who reads the keys of a pane, out of what the system and tmux tell of it. Pure: the looking is done elsewhere.
//!
//! The sources, best first: the foreground process group against the pane's own process, and its arguments; the modes of
//! the terminal; where the prompt ended, by the marks of shell integration that can be trusted, else by its looks. A title and what a program prints about itself are no evidence.
//!
//! **Where a doubt remains the answer is the one that types nothing.** A line editor's command mode (vi keys) can't be
//! seen from outside.

use super::prompts::{AtPrompt, Prompts, editor_row};
use super::stacks::{Depth, Stack};
use tmuxagent_agents::Process;
use tmuxagent_model::{Front, Holds, Reads, Shell};

/// What the system tells of a pane's terminal at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// The pane's own process leads the foreground.
    pub own: bool,
    /// The first process of the foreground group, or where that has ended one that is left of it; `None` where none can be read.
    pub front: Option<Front>,
    /// Its arguments, the first is its own name.
    pub args: Vec<String>,
    /// The names of those that are left of its group beside it, where the first has ended: `ls | fzf | tee`.
    pub beside: Vec<String>,
    /// It is another user's than the pane's process.
    pub stranger: bool,
    /// It stands in a call that reads its standard input, or waits for something there alone.
    pub reading: bool,
    /// How many bytes it asks its standard input for, where it reads that.
    pub asks_for: Option<u64>,
    /// Nobody of its group reads the terminal, nor can be about to: each of them computes, sleeps, or waits for another.
    pub waits_itself: bool,
    /// How many bytes it has read in its life, from wherever, where it is `reading`.
    pub took: Option<u64>,
    /// It computes, and waits for nothing.
    pub busy: bool,
    /// How often it has let go of the processor: the same number is the same wait.
    pub switches: Option<u64>,
    /// Something was typed that nobody has read yet.
    pub queued: bool,
    /// What the pane's own shell says of its prompt, by marks that can be trusted.
    pub said: Option<AtPrompt>,
    /// The row of the prompt up to its end, where they tell that it is empty.
    pub told: Option<String>,
    /// The row up to the cursor is a prompt that such marks told in another pane with such a shell.
    pub alike: bool,
    /// The first process of the foreground group and what it started, where it is no interactive shell.
    pub processes: Vec<Process>,
    /// The file in which an agent among them tells its state, and when it was written, in milliseconds since 1970.
    pub session: Option<(String, i64)>,
    /// The terminal gathers lines (`ICANON`) and shows what is typed (`ECHO`).
    pub modes: Option<(bool, bool)>,
    /// How deep the program in front stands in its own calls, where the system tells.
    pub stack: Option<Stack>,
    /// What that says of a shell.
    pub depth: Depth,
}

/// What tmux tells of a pane at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Surface {
    pub x: u32,
    pub y: u32,
    pub command: String,
    pub alternate: bool,
    pub in_mode: bool,
    pub dead: bool,
    pub tty: String,
    /// When somebody last typed into the session, in seconds; `None` where nobody is attached who could type here.
    pub activity: Option<i64>,
    /// Rows that have left the screen.
    pub history: u64,
    /// The name of the folder in which the program in front is; empty where it is not known.
    pub folder: String,
    /// How many columns a row has; 0 where that is not known.
    pub columns: u32,
    /// The visible rows.
    pub rows: Vec<String>,
    /// The same with their colours, where they were captured so.
    pub styled: Option<String>,
}

impl Surface {
    /// The number of the cursor's row, counted from the first that the pane has kept.
    pub const fn row_number(&self) -> u64 {
        self.history + self.y as u64
    }

    /// The cursor's row.
    pub fn row(&self) -> &str {
        self.rows.get(self.y as usize).map_or("", String::as_str)
    }

    /// What stands before the cursor, with the rows above that go on in its row.
    pub fn line_before(&self) -> String {
        let mut line = split_at(self.row(), self.x).0;
        for row in self.rows.get(..self.y as usize).unwrap_or_default().iter().rev() {
            let Some(row) = self.full(row, &line) else { break };
            line.insert_str(0, &row);
        }
        line
    }

    /// The lines above the cursor's row, the first on top: rows that go on are joined, but to none that begins so.
    pub fn lines_above(&self, begin: &str) -> Vec<String> {
        let above = self.rows.get(..self.y as usize).unwrap_or_default();
        let mut lines: Vec<String> = Vec::new();
        let mut last: Option<&String> = None;
        for row in above {
            let full = last.and_then(|last| self.full(last, row)).filter(|_| !row.starts_with(begin));
            match (full, last, lines.last_mut()) {
                (Some(full), Some(last), Some(line)) => {
                    line.push_str(full.strip_prefix(last.as_str()).unwrap_or_default());
                    line.push_str(row);
                }
                _ => lines.push(row.clone()),
            }
            last = Some(row);
        }
        lines
    }

    /// A row that goes on in the next, which begins so: it reaches the edge, or a wide sign found no room, or tmux has left out
    /// the blank at its end.
    fn full(&self, row: &str, next: &str) -> Option<String> {
        use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
        let wide = next.chars().next().and_then(char::width) == Some(2);
        let columns = self.columns as usize;
        match columns.checked_sub(row.width()).filter(|_| columns > 1)? {
            0 => Some(row.to_owned()),
            1 if wide => Some(row.to_owned()),
            1 => Some(format!("{row} ")),
            // Both at once.
            2 if wide => Some(format!("{row} ")),
            _ => None,
        }
    }

    /// The rows above the cursor's, the nearest first, without blank ones.
    pub fn rows_above(&self) -> impl Iterator<Item = &str> {
        let above = self.rows.get(..self.y as usize).unwrap_or_default();
        above.iter().rev().map(|row| row.trim()).filter(|row| !row.is_empty())
    }

    /// Whether zsh reads something of its own in the row below its prompt: a search, the name of a widget. Its cursor stays at
    /// the prompt, and a sign shows where the text goes (zshzle(1), "minibuffer").
    fn has_minibuffer(&self) -> bool {
        let below = self.rows.get(self.y as usize + 1).map_or("", |row| row.trim_end());
        below.ends_with('_') && below.contains(": ")
    }
}

/// Programs that are known as agents, by the name of the program or of the script that runs.
const AGENTS: &[&str] = &[
    "claude",
    "codex",
    "gemini",
    "opencode",
    "aider",
    "goose",
    "amp",
    "cursor-agent",
    "copilot",
    "qwen",
    "crush",
    "droid",
    "fake-agent",
];

/// Programs behind which others read.
const NESTED: &[&str] = &[
    "ssh",
    "mosh",
    "mosh-client",
    "et",
    "telnet",
    "docker",
    "podman",
    "nerdctl",
    "kubectl",
    "oc",
    "lxc",
    "incus",
    "tmux",
    "screen",
    "zellij",
    "abduco",
    "dtach",
    "sudo",
    "su",
    "doas",
    "machinectl",
    "nsenter",
    "chroot",
    "distrobox",
    "toolbox",
    "wsl",
    "script",
    "virsh",
    "minicom",
    "picocom",
];

/// Shells that have no line editor of their own: at their prompt the terminal gathers the line.
const PLAIN: &[&str] = &["sh", "dash", "ash", "busybox", "ksh", "mksh"];

/// Whether a shell that is called `sh` is one of those with a line editor.
fn has_editor(seen: &Seen) -> bool {
    seen.stack.as_ref().is_some_and(|stack| matches!(base(&stack.program), "bash" | "zsh" | "fish"))
}

/// What a shell's own `read` asks for at once, since what stands behind the line is not its own (POSIX.1-2024, read). At its
/// prompt a shell that lets the terminal edit its line asks for a buffer full.
const ONE_BYTE: u64 = 1;

impl Seen {
    /// Whether keys go to a line editor: not where the terminal gathers the line, nor where a shell without an editor reads a
    /// terminal that another program left so.
    pub fn edits(&self, surface: &Surface) -> bool {
        let buffered = self.asks_for.is_some_and(|bytes| bytes > ONE_BYTE);
        let without = buffered && PLAIN.contains(&name_of(self, surface).as_str()) && !has_editor(self);
        self.modes.is_some_and(|(canonical, _)| !canonical) && !without
    }
}

/// Classifies, and says what it rests on.
pub(crate) fn classify(surface: &Surface, seen: Option<&Seen>, prompts: &Prompts) -> (Reads, String) {
    if surface.dead {
        return (Reads::Dead, String::new());
    }
    if surface.in_mode {
        return (Reads::Mode, String::new());
    }
    let Some(seen) = seen else { return (Reads::Unknown, String::new()) };
    let Some((canonical, echo)) = seen.modes else { return (Reads::Unknown, String::new()) };
    let modes = match (canonical, echo) {
        (true, true) => "icanon echo",
        (true, false) => "icanon -echo",
        (false, true) => "-icanon echo",
        (false, false) => "-icanon -echo",
    };
    let mut evidence = format!("{modes}, column {}", surface.x);
    if !seen.beside.is_empty() {
        evidence = format!("{evidence}, beside {}", seen.beside.join(" "));
    }
    let name = name_of(seen, surface);
    if canonical && !echo {
        return (Reads::Password, evidence);
    }
    let reads = if is_interactive(&seen.args) && !seen.stranger {
        shell(surface, seen, &name, canonical, prompts)
    } else if (NESTED.contains(&name.as_str()) || leads_to_nested(seen)) && !(canonical && echo) || seen.stranger {
        Reads::Nested
    } else {
        program(surface, seen, canonical)
    };
    (reads, evidence)
}

/// The name of the program in front.
pub(crate) fn name_of(seen: &Seen, surface: &Surface) -> String {
    let name = seen.args.first().map_or(surface.command.as_str(), String::as_str);
    base(name).to_owned()
}

/// Whether a shell's script is in front, in which another terminal is open: `tm claude` that attaches to a session of that name.
/// What its arguments say is not who reads.
fn leads_to_nested(seen: &Seen) -> bool {
    let script = seen.args.first().is_some_and(|name| Shell::from_command(base(name)).is_some());
    let name = |process: &Process| match (process.executable.as_str(), process.arguments.first()) {
        ("", Some(first)) => base(first).to_owned(),
        (executable, _) => base(executable).to_owned(),
    };
    script && seen.processes.iter().any(|process| process.foreground && NESTED.contains(&name(process).as_str()))
}

/// An interactive shell in front.
fn shell(surface: &Surface, seen: &Seen, name: &str, canonical: bool, prompts: &Prompts) -> Reads {
    if seen.waits_itself {
        return Reads::Command;
    }
    let (prefix, behind) = split_at(surface.row(), surface.x);
    let plain = PLAIN.contains(&name) && !has_editor(seen);
    if canonical && plain && seen.asks_for == Some(ONE_BYTE) {
        return Reads::Line;
    }
    if canonical && !plain {
        // bash, zsh and fish edit their line themselves: one that lets the terminal do it runs something, or `read`s.
        return if seen.reading || !prefix.trim().is_empty() { Reads::Line } else { Reads::Command };
    }
    if seen.queued {
        return Reads::Draft;
    }
    if name == "zsh" && surface.has_minibuffer() {
        return Reads::Draft;
    }
    let said = seen.said.filter(|_| seen.own);
    let at = match said {
        // Or the command has only just begun, and the editor let go of its line.
        Some(AtPrompt::Asks) if seen.depth != Depth::Elsewhere => AtPrompt::Draft,
        Some(AtPrompt::Asks) | None => prompts.judge(seen, &prefix, &behind, surface),
        Some(at) => at,
    };
    match at {
        AtPrompt::Empty => Reads::Shell,
        AtPrompt::Draft | AtPrompt::Unknown if canonical && prefix.trim().is_empty() => Reads::Command,
        AtPrompt::Draft | AtPrompt::Unknown => Reads::Draft,
        AtPrompt::Asks => Reads::Line,
    }
}

/// What a shell holds that reads a draft, as far as can be told: where its prompt is not known, what stands there may be it.
pub(crate) fn held_by_shell(surface: &Surface, seen: &Seen, prompts: &Prompts) -> Holds {
    let told = seen.said.is_some() && seen.own || seen.queued || seen.stranger || !is_interactive(&seen.args);
    if told || name_of(seen, surface) == "zsh" && surface.has_minibuffer() {
        return Holds::Draft;
    }
    let (prefix, behind) = split_at(surface.row(), surface.x);
    let unknown = prompts.judge(seen, &prefix, &behind, surface) == AtPrompt::Unknown;
    if unknown { Holds::Prompt } else { Holds::Draft }
}

/// A program that is no shell.
fn program(surface: &Surface, seen: &Seen, canonical: bool) -> Reads {
    let (prefix, _) = split_at(surface.row(), surface.x);
    let row = editor_row(&prefix);
    if is_agent(&seen.args) {
        return if row == Some(AtPrompt::Draft) && !surface.alternate { Reads::Draft } else { Reads::Agent };
    }
    if canonical {
        return match row {
            _ if prefix.trim().is_empty() && !seen.reading => Reads::Command,
            Some(AtPrompt::Draft | AtPrompt::Unknown) => Reads::Draft,
            Some(AtPrompt::Empty | AtPrompt::Asks) | None => Reads::Line,
        };
    }
    if surface.alternate {
        return Reads::Screen;
    }
    match row {
        Some(AtPrompt::Empty | AtPrompt::Asks) => Reads::Line,
        Some(AtPrompt::Draft | AtPrompt::Unknown) => Reads::Draft,
        None => Reads::Key,
    }
}

/// The name of a program by its first argument, which may be a path or a login shell's.
pub(crate) fn base_name(word: &str) -> &str {
    let name = word.rsplit('/').next().unwrap_or(word);
    name.trim_start_matches('-')
}

use base_name as base;

/// Whether the program, or the script that an interpreter runs, is a known agent.
fn is_agent(args: &[String]) -> bool {
    let stem = |word: &str| {
        let name = base(word);
        [".js", ".mjs", ".cjs", ".py", ".exe"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    args.iter().take(4).any(|word| !word.starts_with("--") && AGENTS.contains(&stem(word).as_str()))
}

/// Whether arguments are those of a shell that reads its commands from the terminal: no script, no `-c`.
pub(crate) fn is_interactive(args: &[String]) -> bool {
    let Some((name, rest)) = args.split_first() else { return false };
    if Shell::from_command(base(name)).is_none() {
        return false;
    }
    let mut words = rest.iter().map(String::as_str);
    if base(name) == "busybox" && words.next().is_none_or(|applet| !matches!(applet, "sh" | "ash")) {
        return false;
    }
    while let Some(word) = words.next() {
        match word {
            "--" => return words.next().is_none(),
            "-s" => return true,
            "-o" | "+o" | "-O" | "+O" | "--rcfile" | "--init-file" | "-C" | "--init-command" | "--features" => {
                words.next();
            }
            long if long.starts_with("--") => {
                if long == "--command" || long.starts_with("--command=") {
                    return false;
                }
            }
            short if short.starts_with('-') || short.starts_with('+') => {
                if short.contains('c') {
                    return false;
                }
            }
            _ => return false,
        }
    }
    true
}

/// A row up to a column, filled with blanks, and what stands behind it.
pub(super) fn split_at(row: &str, column: u32) -> (String, String) {
    use unicode_width::UnicodeWidthChar as _;
    let (mut width, mut end) = (0, row.len());
    for (at, c) in row.char_indices() {
        if width >= column as usize {
            end = at;
            break;
        }
        width += c.width().unwrap_or(0);
    }
    let mut prefix = row.get(..end).unwrap_or_default().to_owned();
    prefix.extend(std::iter::repeat_n(' ', (column as usize).saturating_sub(width)));
    (prefix, row.get(end..).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests;
