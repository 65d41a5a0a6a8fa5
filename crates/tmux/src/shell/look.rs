//! A look at the terminal of a pane on this machine: which process group is in front, and the terminal's modes. A handful
//! of system calls that never wait.

use super::told::{self, Stat, Told, reader_of, reads_from, seen, switches};
use super::{agents, proc};
use crate::core::{Seen, is_interactive};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, tcgetattr};
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt as _;
use tmuxagent_model::Front;

/// How much of a program's arguments is read, bytes.
const ARGUMENTS: usize = 4096;
/// So many processes of a pane are looked at for what is left of a group.
const MOST: usize = 512;
/// So many descriptors of such a process.
const DESCRIPTORS: usize = 64;

/// Looks at the terminal `tty` of the pane whose process is `pid`; `None` where this system tells nothing.
pub(super) fn look(pid: u32, tty: &str) -> Option<Seen> {
    let own = Told { pid, stat: stat(pid)?, user: user(pid), ..Told::default() };
    let (modes, queued) = terminal(tty);
    if own.stat.foreground <= 0 {
        return Some(Seen { modes, ..Seen::default() });
    }
    let Some((front, beside)) = in_front(&own, tty) else {
        return Some(Seen { own: own.leads(), modes, queued, ..Seen::default() });
    };
    let front = told(front);
    let first = front.pid;
    let seen = seen(&own, front, beside, modes);
    let processes = if is_interactive(&seen.args) { Vec::new() } else { agents::started_by(first) };
    let session = agents::session_of(&processes);
    let group = || processes.iter().filter(|process| process.foreground);
    // Of a group without its first process not all are known.
    let whole = seen.beside.is_empty() && group().next().is_some();
    // A shell that waits for `$(…)` has a program in its own group, which may read.
    let substitutes = is_interactive(&seen.args) && waits_for_another(first, tty);
    let waits_itself = substitutes || whole && !seen.reading && group().all(|process| is_away(process.pid, tty));
    let took = if seen.reading { read_by(first) } else { None };
    Some(Seen { processes, session, queued, waits_itself, took, ..seen })
}

/// How long a look at the terminal `tty` of the pane whose process is `pid` takes; `None` where this system tells nothing.
#[must_use]
pub fn look_takes(pid: u32, tty: &str) -> Option<std::time::Duration> {
    let begin = std::time::Instant::now();
    look(pid, tty).map(|_| begin.elapsed())
}

/// The program in front of the terminal of the pane whose process is `pid`.
pub(super) fn front(pid: u32) -> Option<Front> {
    let own = Told { pid, stat: stat(pid)?, ..Told::default() };
    let tty = std::fs::read_link(format!("/proc/{pid}/fd/0")).unwrap_or_default();
    let (front, _) = in_front(&own, &tty.to_string_lossy())?;
    let (args, file) = (arguments(front.pid), program_file(front.pid));
    Some(Told { args, file, ..front }.into_front())
}

/// The folder of the first process of the group in front of the terminal of the pane whose process is `pid`.
pub(super) fn folder_in_front(pid: u32) -> Option<String> {
    let group = u32::try_from(stat(pid)?.foreground).ok()?;
    let folder = std::fs::read_link(format!("/proc/{group}/cwd")).ok()?;
    folder.to_str().map(str::to_owned)
}

/// The first process of the group in front, or who reads of those that are left of it; and the names of the others.
fn in_front(own: &Told, tty: &str) -> Option<(Told, Vec<String>)> {
    let group = u32::try_from(own.stat.foreground).ok()?;
    // The pane's own process was read a moment ago.
    let known = (group == own.pid).then(|| (own.stat.clone(), own.user));
    let first = known.or_else(|| Some((stat(group)?, None))).filter(|(stat, _)| !stat.ended);
    if let Some((stat, user)) = first {
        return Some((Told { pid: group, stat, user, ..Told::default() }, Vec::new()));
    }
    reader_of(left_of(group, own.pid, tty))
}

/// What is left of a group whose first process has ended, among what a pane's process started: whoever waits for a group is
/// the one that made it.
fn left_of(group: u32, root: u32, tty: &str) -> Vec<Told> {
    let (mut left, mut looked_at) = (Vec::new(), 0);
    let mut level = VecDeque::from([root]);
    while let Some(pid) = level.pop_front().filter(|_| looked_at < MOST) {
        looked_at += 1;
        level.extend(agents::children_of(pid));
        let Some(stat) = stat(pid).filter(|stat| stat.group == group && !stat.ended) else { continue };
        left.push(Told { pid, stat, args: arguments(pid), holds: holds(pid, tty), ..Told::default() });
    }
    left
}

/// Whether a process has the terminal open for more than to print there.
fn holds(pid: u32, tty: &str) -> bool {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten().take(DESCRIPTORS);
    open.filter(|entry| !matches!(entry.file_name().to_str(), Some("1" | "2")))
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .any(|file| file.as_os_str() == tty || file.as_os_str() == "/dev/tty")
}

/// Whether a process reads no terminal now, nor waits for anything that may be one. Of several threads one is not seen.
fn is_away(pid: u32, tty: &str) -> bool {
    let call = proc::text(pid, "syscall");
    let elsewhere = |descriptor: u64| {
        let file = std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}"));
        file.is_ok_and(|file| file.as_os_str() != tty && file.as_os_str() != "/dev/tty")
    };
    let Some(stat) = stat(pid).filter(|stat| !stat.ended) else { return true };
    stat.threads == 1 && reads_from(&call).map_or_else(|| told::is_away(&call), elsewhere)
}

/// Whether a process waits for what it started, or for what that writes.
fn waits_for_another(pid: u32, tty: &str) -> bool {
    let call = proc::text(pid, "syscall");
    let pipe = |descriptor: u64| {
        let file = std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}"));
        file.is_ok_and(|file| file.as_os_str() != tty && file.to_string_lossy().starts_with("pipe:"))
    };
    // fish has a thread read what `(…)` prints, which stays in its group, unlike what it has in the background.
    let of_thread = || told::waits_for_thread(&call) && stat(pid).is_some_and(|own| has_in_group(pid, own.group));
    told::waits_for_child(&call) || reads_from(&call).is_some_and(pipe) || of_thread()
}

/// Whether what a process started is in that group.
fn has_in_group(pid: u32, group: u32) -> bool {
    agents::children_of(pid).into_iter().filter_map(stat).any(|child| child.group == group && !child.ended)
}

/// Whether a pane's process still has its terminal. tmux takes it away before it puts another process in its place, also from
/// one that outlives that.
pub(super) fn has_terminal(pid: u32) -> bool {
    if cfg!(target_os = "linux") {
        return stat(pid).is_some_and(|stat| !stat.ended && stat.foreground >= 0);
    }
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// How many bytes a process has read in its life (proc_pid_io(5)).
fn read_by(pid: u32) -> Option<u64> {
    let told = proc::text(pid, "io");
    told.lines().find_map(|line| line.strip_prefix("rchar:"))?.trim().parse().ok()
}

fn stat(pid: u32) -> Option<Stat> {
    Stat::read(&proc::text(pid, "stat"))
}

fn user(pid: u32) -> Option<u32> {
    std::fs::metadata(format!("/proc/{pid}")).map(|data| data.uid()).ok()
}

/// All that is told of a process.
fn told(known: Told) -> Told {
    let pid = known.pid;
    Told {
        call: proc::text(pid, "syscall"),
        file: program_file(pid),
        args: arguments(pid),
        user: known.user.or_else(|| user(pid)),
        switches: switches(proc::text(pid, "status").lines()),
        ..known
    }
}

fn program_file(pid: u32) -> String {
    let file = std::fs::read_link(format!("/proc/{pid}/exe"));
    file.map(|file| file.to_string_lossy().into_owned()).unwrap_or_default()
}

fn arguments(pid: u32) -> Vec<String> {
    let bytes = proc::bytes(pid, "cmdline").unwrap_or_default();
    let bytes = bytes.get(..ARGUMENTS.min(bytes.len())).unwrap_or_default();
    let words = bytes.strip_suffix(b"\0").unwrap_or(bytes).split(|&byte| byte == 0);
    words.map(|word| String::from_utf8_lossy(word).into_owned()).filter(|word| !word.is_empty()).collect()
}

/// Whether the terminal gathers lines, and whether it shows what is typed; whether something waits there to be read.
fn terminal(tty: &str) -> (Option<(bool, bool)>, bool) {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(terminal) = rustix::fs::open(tty, flags, Mode::empty()) else { return (None, false) };
    let modes = tcgetattr(&terminal).ok().map(|modes| modes.local_modes);
    let modes = modes.map(|local| (local.contains(LocalModes::ICANON), local.contains(LocalModes::ECHO)));
    (modes, rustix::io::ioctl_fionread(&terminal).is_ok_and(|bytes| bytes > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo nextest run --release … a_look_is_quick --no-capture` tells the figure.
    #[test]
    fn a_look_is_quick() {
        let pid = std::process::id();
        let mut times: Vec<std::time::Duration> = (0..501)
            .map(|_| {
                let begin = std::time::Instant::now();
                assert!(look(pid, "/dev/ptmx").is_some());
                begin.elapsed()
            })
            .collect();
        times.sort();
        println!("a look: {:?} median, {:?} of 500", times[250], times[499]);
        // A hundred times what it takes, for a machine that does other things.
        assert!(times[250] < std::time::Duration::from_millis(20), "{:?}", times[250]);
    }

    #[test]
    fn this_process_is_found_and_one_that_is_none_is_not() {
        let pid = std::process::id();
        let own = told(Told { pid, stat: stat(pid).unwrap(), ..Told::default() }).into_front();
        assert!(own.born > 0 && !own.name.is_empty());
        assert_eq!(look(u32::MAX, "/dev/null"), None);
    }

    #[test]
    fn what_is_left_of_a_group_is_found() {
        use std::os::unix::process::CommandExt as _;
        let mut first = std::process::Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let group = i32::try_from(first.id()).unwrap();
        let mut second = std::process::Command::new("sleep").arg("600").process_group(group).spawn().unwrap();
        first.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let left = loop {
            // Once the first has ended, though nobody has asked how, and the other has its own name.
            let left = left_of(first.id(), std::process::id(), "/dev/null");
            if left.iter().map(Told::name).eq(["sleep"]) || std::time::Instant::now() > deadline {
                break left;
            }
            std::thread::yield_now();
        };
        first.wait().unwrap();
        assert_eq!(left.iter().map(|told| told.pid).collect::<Vec<_>>(), [second.id()]);
        second.kill().unwrap();
        second.wait().unwrap();
    }
}
