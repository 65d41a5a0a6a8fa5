//! What this machine tells of the processes of agents, and the file in which one of them tells its state.

use super::proc;
use rustix::fs::{Mode, OFlags};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use tmuxagent_agents::Process;

/// As many processes of one foreground group are looked at.
const MOST: usize = 24;
/// How long a file of an agent's state may be, bytes.
const LONGEST: u64 = 256 * 1024;

/// A process and what it started, from `/proc` (proc_pid_stat(5), proc_tid_children(5)); none where the system has no such
/// folder. A few system calls for each, none of which waits.
pub(super) fn started_by(first: u32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut level = std::collections::VecDeque::from([first]);
    while let Some(pid) = level.pop_front() {
        if found.len() >= MOST || found.iter().any(|known| known.pid == pid) {
            continue;
        }
        let Some(process) = stat(pid) else { continue };
        found.push(named(process));
        level.extend(children_of(pid));
    }
    found
}

/// What a process started: a child belongs to the thread that started it.
pub(super) fn children_of(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let told = threads.filter_map(|thread| proc::read(thread.path().join("children").to_str()?));
    let told = told.map(|told| String::from_utf8(told).unwrap_or_default());
    told.flat_map(|told| told.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// The processes of a pane whose own process is `root`, from `/proc`.
#[must_use]
pub fn processes(root: u32) -> Vec<Process> {
    let listed = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let stats: HashMap<u32, Process> = numbers.filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let mut found = Vec::new();
    let mut level = vec![root];
    while let Some(pid) = level.pop() {
        let Some(process) = stats.get(&pid).filter(|_| !found.iter().any(|known: &Process| known.pid == pid)) else {
            continue;
        };
        found.push(named(process.clone()));
        level.extend(stats.values().filter(|other| other.parent == pid).map(|other| other.pid));
    }
    found
}

/// A process, its parent, and so on up to the first of all, from `/proc`.
#[must_use]
pub fn line_of(pid: u32) -> Vec<Process> {
    let mut line: Vec<Process> = Vec::new();
    let mut next = pid;
    while let Some(process) = stat(next).filter(|process| line.iter().all(|known| known.pid != process.pid)) {
        next = process.parent;
        line.push(named(process));
    }
    line
}

/// `/proc/PID/stat`: the name in parentheses may hold anything.
fn stat(pid: u32) -> Option<Process> {
    let text = proc::text(pid, "stat");
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    // State is field 3, the parent 4, the group 5, the terminal's group 8, the start 22.
    let field = |number: usize| fields.get(number - 3);
    Some(Process {
        pid,
        parent: field(4)?.parse().ok()?,
        start: field(22)?.parse().ok()?,
        foreground: field(5)? == field(8)?,
        ..Process::default()
    })
}

fn named(mut process: Process) -> Process {
    let pid = process.pid;
    let executable = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    process.executable = executable.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let arguments = proc::bytes(pid, "cmdline").unwrap_or_default();
    let words = arguments.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    process.arguments = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    process
}

/// The file in which Claude Code tells its state, of the first of these processes that has one: its text, and when it was
/// written, in milliseconds since 1970.
#[must_use]
pub fn claude_session_of(pids: impl IntoIterator<Item = u32>) -> Option<(String, i64)> {
    pids.into_iter().find_map(|pid| {
        let folder = variable(pid, "CLAUDE_CONFIG_DIR").or_else(|| Some(variable(pid, "HOME")? + "/.claude"))?;
        read_regular(&PathBuf::from(folder).join("sessions").join(format!("{pid}.json")))
    })
}

/// The server that a Codex in a terminal shares with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodexServer {
    /// Its socket. Whether it listens there is not known.
    pub socket: PathBuf,
    /// The folder that the Codex in the terminal works in.
    pub folder: String,
}

/// Where the server of a Codex would listen; `None` for one that has its own, or is on its way to another machine.
#[must_use]
pub fn codex_server_of(pid: u32) -> Option<CodexServer> {
    let arguments = named(stat(pid)?).arguments;
    let behind = arguments.iter().position(|word| word == "--remote").and_then(|at| arguments.get(at + 1));
    let remote =
        behind.map(String::as_str).or_else(|| arguments.iter().find_map(|word| word.strip_prefix("--remote=")));
    if arguments.iter().any(|word| word == "--no-daemon") {
        return None;
    }
    let socket = match remote {
        Some(address) => PathBuf::from(address.strip_prefix("unix://")?),
        None => {
            let home = variable(pid, "CODEX_HOME").or_else(|| Some(variable(pid, "HOME")? + "/.codex"))?;
            PathBuf::from(home).join("app-server-control/app-server-control.sock")
        }
    };
    let folder = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?.to_str()?.to_owned();
    socket.is_absolute().then_some(CodexServer { socket, folder })
}

/// The port at which an opencode, or a process that it started, was told to listen, and does.
#[must_use]
pub fn opencode_port_of(pid: u32) -> Option<u16> {
    let all = started_by(pid);
    let named = |process: &Process| {
        let mut words = process.arguments.iter();
        let behind = words.by_ref().find_map(|word| match word.strip_prefix("--port") {
            Some("") => Some(None),
            Some(more) => Some(Some(more.strip_prefix('=')?.to_owned())),
            None => None,
        });
        behind?.or_else(|| words.next().cloned())?.parse::<u16>().ok()
    };
    let port = all.iter().find_map(named).filter(|port| *port > 0)?;
    let doors = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let doors: Vec<String> = doors.iter().flat_map(|table| table.lines()).filter_map(|row| door(row, port)).collect();
    let listens = |process: &Process| {
        let open = std::fs::read_dir(format!("/proc/{}/fd", process.pid)).into_iter().flatten().flatten();
        open.filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .any(|file| file.to_str().is_some_and(|file| doors.iter().any(|door| door == file)))
    };
    all.iter().any(listens).then_some(port)
}

/// The socket of a row of `/proc/net/tcp` (proc_pid_net(5)) that listens at a port, as a descriptor of it is called.
fn door(row: &str, port: u16) -> Option<String> {
    let fields: Vec<&str> = row.split_ascii_whitespace().collect();
    let (_, at) = fields.get(1)?.rsplit_once(':')?;
    let listens = u16::from_str_radix(at, 16) == Ok(port) && fields.get(3) == Some(&"0A");
    listens.then_some(format!("socket:[{}]", fields.get(9)?))
}

/// A variable of a process as it began, where it is not empty.
fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut all = environment.split(|byte| *byte == 0);
    let value = all.find_map(|word| word.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(value).into_owned()).filter(|value| !value.is_empty())
}

/// A regular file that is not too long; nothing else is waited for.
fn read_regular(path: &Path) -> Option<(String, i64)> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let known = file.metadata().ok().filter(|known| known.is_file() && known.len() <= LONGEST)?;
    let written = known.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    Some((text, i64::try_from(written.as_millis()).ok()?))
}

/// The processes of an agent that has a file of its state.
pub(super) fn session_of(processes: &[Process]) -> Option<(String, i64)> {
    let is = |word: &String| word.rsplit('/').next().is_some_and(|name| name.starts_with("claude"));
    let claude = processes.iter().filter(|process| {
        is(&process.executable)
            || process.executable.contains("/claude")
            || process.arguments.iter().take(3).any(|word| is(word) || word.contains("claude-code"))
    });
    claude_session_of(claude.map(|process| process.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_and_what_it_started_are_found() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().expect("a child");
        let own = std::process::id();
        // It is there before it has its own arguments.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let is_up = || processes(own).iter().any(|process| process.arguments.last().is_some_and(|last| last == "600"));
        while !is_up() && std::time::Instant::now() < end {
            std::thread::yield_now();
        }
        let (near, all, line) = (started_by(own), processes(own), line_of(child.id()));
        child.kill().expect("ours");
        child.wait().expect("ours");
        assert_eq!((line[0].pid, line[1].pid, line[1].start), (child.id(), own, all[0].start));
        assert_eq!(line.last().map(|process| process.parent), Some(0));
        for found in [near, all] {
            assert_eq!(found[0].pid, own);
            let sleeper = found.iter().find(|process| process.pid == child.id()).expect("the child");
            assert_eq!(sleeper.parent, own);
            assert_eq!(sleeper.arguments[1..], ["600"]);
        }
    }

    #[test]
    fn a_row_that_listens_names_its_socket() {
        let row = |state: &str| {
            format!(
                "   0: 0100007F:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 4711 1 x"
            )
        };
        assert_eq!(door(&row("0A"), 8080).as_deref(), Some("socket:[4711]"));
        assert_eq!(
            (door(&row("01"), 8080), door(&row("0A"), 8081), door("  sl  local_address", 0)),
            (None, None, None)
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_an_own_port_is_an_opencodes() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut other = std::process::Command::new("sh");
        other.args(["-c", "read x", "x", "--port", &port.to_string()]).stdin(std::process::Stdio::piped());
        let mut other = other.spawn().expect("a child");
        let found = opencode_port_of(other.id());
        other.kill().expect("ours");
        other.wait().expect("ours");
        assert_eq!(found, None, "another process listens there");
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        assert_eq!(read_regular(Path::new("/dev/zero")), None);
        assert_eq!(read_regular(Path::new("/")), None);
    }
}
