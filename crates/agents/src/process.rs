//! Which agent runs in a pane: by its processes, never by what is printed.

use super::Recogniser;
use serde::{Deserialize, Serialize};
use tmuxagent_model::Ancestor;

/// A process of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: u32,
    /// When it began, in ticks since the machine's start (field 22 of `/proc/PID/stat`): with the id, its identity.
    pub start: u64,
    /// Whether it belongs to the group that reads the terminal.
    pub foreground: bool,
    /// The path of its executable; empty where it is not told.
    pub executable: String,
    /// Its arguments; the first is its name.
    pub arguments: Vec<String>,
}

/// An agent's process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AgentProcess {
    /// The name of its recogniser.
    pub agent: String,
    /// The process's id.
    pub pid: u32,
    /// When it began, as [`Process::start`].
    pub start: u64,
    /// It and its descendants of the same agent: a launcher and the program proper.
    pub pids: Vec<(u32, u64)>,
}

/// Programs that run a script, which is then the program.
const INTERPRETERS: &[&str] = &["node", "bun", "deno", "python", "python3"];

/// Finds the agent that reads a pane's terminal; `root` is the pane's own process. The one nearest to it counts: an agent
/// that another one started is its tool.
#[must_use]
pub fn identify(recognisers: &[Recogniser], processes: &[Process], root: u32) -> Option<AgentProcess> {
    let mut level: Vec<&Process> = processes.iter().filter(|process| process.pid == root).collect();
    // As deep as a tree of all processes can be; a table that was read while they changed may hold a circle.
    for _ in 0..processes.len().min(64) {
        for process in level.iter().filter(|process| process.foreground) {
            if let Some(recogniser) = recognisers.iter().find(|recogniser| is_of(recogniser, process)) {
                return Some(agent(recogniser, processes, process));
            }
        }
        let below = |process: &&Process| level.iter().any(|parent| parent.pid == process.parent && process.pid != root);
        level = processes.iter().filter(below).collect();
    }
    None
}

/// The agent that started a process; `line` is the process, its parent, and so on. The nearest one counts, and of its own
/// processes in a row the nearest too. What runs beside the terminal may speak for it, so nobody asks who is in front. A server
/// of several screens started it for any of them: then nobody knows for which.
#[must_use]
pub fn ancestor(recognisers: &[Recogniser], line: &[Process]) -> Option<Ancestor> {
    let of_server = |process: &Process| recognisers.iter().any(|recogniser| is_server(recogniser, process));
    let above = line.iter().skip(1).take_while(|process| !of_server(process));
    above.into_iter().find_map(|process| {
        let recogniser = recognisers.iter().find(|recogniser| is_of(recogniser, process))?;
        let line = line.iter().map(|process| process.pid).collect();
        let (agent, waits) = (recogniser.agent.clone(), recogniser.hooks_wait);
        Some(Ancestor { agent, pid: process.pid, start: process.start, waits, line })
    })
}

fn agent(recogniser: &Recogniser, processes: &[Process], process: &Process) -> AgentProcess {
    let mut pids = vec![(process.pid, process.start)];
    for _ in 0..4 {
        let known = |pid: u32| pids.iter().any(|(known, _)| *known == pid);
        let more = processes.iter().find(|other| known(other.parent) && !known(other.pid) && is_of(recogniser, other));
        let Some(other) = more else { break };
        pids.push((other.pid, other.start));
    }
    AgentProcess { agent: recogniser.agent.clone(), pid: process.pid, start: process.start, pids }
}

fn is_of(recogniser: &Recogniser, process: &Process) -> bool {
    is_program_of(recogniser, process) && !is_server(recogniser, process)
}

/// Whether it is the agent's program, run as a server of its screens.
fn is_server(recogniser: &Recogniser, process: &Process) -> bool {
    // A launcher's script stands before what it is to do.
    let mut words = process.arguments.iter().skip(1).filter(|argument| !argument.starts_with('-')).take(2);
    !recogniser.servers.is_empty()
        && words.any(|word| recogniser.servers.contains(word))
        && is_program_of(recogniser, process)
}

fn is_program_of(recogniser: &Recogniser, process: &Process) -> bool {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let named = |path: &str| recogniser.names.contains(&base(path));
    let contains = |parts: &[String], path: &str| parts.iter().any(|part| path.contains(part.as_str()));
    if named(&process.executable) || contains(&recogniser.paths, &process.executable) {
        return true;
    }
    let Some((first, rest)) = process.arguments.split_first() else { return false };
    let does = rest.iter().find(|argument| !argument.starts_with('-')).map(String::as_str).unwrap_or_default();
    if recogniser.commands.contains(&format!("{} {does}", base(&process.executable))) {
        return true;
    }
    let program = if process.executable.is_empty() { base(first) } else { base(&process.executable) };
    let interpreter = INTERPRETERS.iter().any(|name| {
        program.strip_prefix(name).is_some_and(|version| version.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    });
    if !interpreter {
        // Where the system tells no path, the name is all there is.
        return process.executable.is_empty() && named(first);
    }
    // Options of the interpreter stand before the script.
    let script = rest.iter().find(|argument| !argument.starts_with('-'));
    script.is_some_and(|script| named(script) || contains(&recogniser.scripts, script))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundled;

    fn process(pid: u32, parent: u32, foreground: bool, command: &str) -> Process {
        let arguments: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let executable = arguments[0].clone();
        Process { pid, parent, start: u64::from(pid) * 10, foreground, executable, arguments }
    }

    fn found(processes: &[Process]) -> Option<(String, u32)> {
        identify(&bundled(), processes, 1).map(|agent| (agent.agent, agent.pid))
    }

    #[test]
    fn the_outermost_agent_in_the_foreground_is_it() {
        let shell = process(1, 0, false, "/bin/bash");
        let launcher = process(2, 1, true, "/usr/bin/node --no-warnings /opt/bin/codex --no-daemon");
        let native = process(3, 2, true, "/opt/@openai/codex/vendor/codex --no-daemon");
        let tool = process(4, 3, true, "/opt/claude -p x");
        let all = [shell.clone(), launcher.clone(), native, tool];
        assert_eq!(found(&all), Some(("codex".into(), 2)));
        assert_eq!(identify(&bundled(), &all, 1).unwrap().pids, [(2, 20), (3, 30)]);
        let stopped = Process { foreground: false, ..launcher };
        assert_eq!(found(&[shell.clone(), stopped]), None, "one in the background reads nothing");
        let aider = process(2, 1, true, "/venv/bin/python3.11 /venv/bin/aider --model x");
        assert_eq!(found(&[shell, aider]), Some(("aider".into(), 2)));
        assert_eq!(found(&[process(1, 0, true, "/x/claude")]), Some(("claude".into(), 1)), "a pane of its own");
        let fake = process(1, 0, true, "/opt/tmuxagent fake-agent --ask");
        assert_eq!(found(&[fake]), Some(("stand-in".into(), 1)));
    }

    #[test]
    fn words_and_names_make_no_agent() {
        for command in [
            "/usr/bin/cat claude",
            "/opt/tmuxagent watch fake-agent",
            "/usr/bin/watch cat /tmp/codex",
            "/usr/bin/vim codex.rs",
            "/usr/bin/node server.js claude",
            "/usr/bin/node -e codex()",
            "/usr/bin/tail -f /var/log/claude",
            "/usr/bin/ssh host codex",
            "/usr/bin/python3 -m http.server codex",
        ] {
            assert_eq!(found(&[process(1, 0, false, "/bin/sh"), process(2, 1, true, command)]), None, "{command}");
        }
        // The first argument is anyone's to choose.
        let disguised = Process { executable: "/usr/bin/less".into(), ..process(2, 1, true, "claude") };
        assert_eq!(found(&[process(1, 0, false, "/bin/sh"), disguised]), None);
        let circle = [process(1, 2, true, "/bin/sh"), process(2, 1, true, "/bin/sh")];
        assert_eq!(found(&circle), None);
    }

    #[test]
    fn the_nearest_agent_speaks_and_not_the_one_whose_tool_it_is() {
        let hook = process(9, 8, true, "/x/tmuxagent hook Stop");
        let shell = process(8, 7, true, "/bin/sh -c x");
        let inner = process(7, 6, true, "/opt/claude -p x");
        let outer = process(5, 4, true, "/opt/claude");
        let pane = process(4, 1, false, "/bin/bash");
        let told = |line: &[Process]| ancestor(&bundled(), line).map(|found| (found.pid, found.start, found.line));
        let all = [hook.clone(), shell.clone(), inner, process(6, 5, true, "/bin/bash"), outer.clone(), pane.clone()];
        assert_eq!(told(&all), Some((7, 70, vec![9, 8, 7, 6, 5, 4])));
        assert_eq!(told(&[hook.clone(), shell.clone(), outer, pane.clone()]), Some((5, 50, vec![9, 8, 5, 4])));
        assert_eq!(told(&[hook, shell, pane.clone()]), None);
        assert_eq!(told(&[process(5, 4, true, "/opt/claude")]), None, "an agent that speaks by itself");
        assert_eq!(told(&[]), None);
        // Codex's screens share a server, which the first of them started.
        let screen = process(5, 4, true, "/opt/codex");
        let server = process(6, 5, false, "/opt/codex app-server --listen unix://");
        assert_eq!(
            told(&[process(9, 6, false, "/bin/sh -c hook"), server.clone(), screen.clone(), pane.clone()]),
            None
        );
        let all = [pane, screen, server];
        assert_eq!(identify(&bundled(), &all, 4).unwrap().pids, [(5, 50)]);
    }
}
