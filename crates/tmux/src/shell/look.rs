//! A look at the terminal of a pane on this machine: which process group is in front, and the terminal's modes. A handful
//! of system calls that never wait.

use super::agents;
use crate::core::{Seen, is_interactive};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, tcgetattr};
use std::os::unix::fs::MetadataExt as _;
use tmuxagent_model::Front;

/// How much of a program's arguments is read, bytes.
const ARGUMENTS: usize = 4096;

/// `read` by its number and its first argument 0, as `/proc/PID/syscall` writes it (proc_pid_syscall(5)).
#[cfg(target_arch = "x86_64")]
const READS: &str = "0 0x0 ";
#[cfg(not(target_arch = "x86_64"))]
const READS: &str = "63 0x0 ";

/// Looks at the terminal `tty` of the pane whose process is `pid`; `None` where this system tells nothing.
pub(super) fn look(pid: u32, tty: &str) -> Option<Seen> {
    let stat = Stat::of(pid)?;
    let front = u32::try_from(stat.foreground).ok();
    let (modes, queued) = terminal(tty);
    let Some(front) = front.filter(|&front| front > 0) else { return Some(Seen { modes, ..Seen::default() }) };
    let own = stat.group == front;
    let args = arguments(front);
    let processes = if is_interactive(&args) { Vec::new() } else { agents::started_by(front) };
    let session = agents::session_of(&processes);
    let user = |pid: u32| std::fs::metadata(format!("/proc/{pid}")).map(|data| data.uid()).ok();
    Some(Seen {
        said: None,
        own,
        front: program(front, &args),
        stranger: front != pid && user(front).is_some_and(|other| user(pid).is_some_and(|user| user != other)),
        reading: std::fs::read_to_string(format!("/proc/{front}/syscall")).is_ok_and(|text| text.starts_with(READS)),
        args,
        processes,
        session,
        queued,
        modes,
    })
}

/// The program in front of the pane whose process is `pid`, without the terminal's modes.
pub(super) fn front(pid: u32) -> Option<Front> {
    let front = u32::try_from(Stat::of(pid)?.foreground).ok()?;
    program(front, &arguments(front))
}

fn program(pid: u32, args: &[String]) -> Option<Front> {
    let stat = Stat::of(pid)?;
    let name = args.first().map_or(stat.name.as_str(), |word| word.rsplit('/').next().unwrap_or(word));
    Some(Front { pid, born: stat.born, name: name.trim_start_matches('-').to_owned() })
}

fn arguments(pid: u32) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
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

/// What `/proc/PID/stat` says (proc_pid_stat(5)), counted behind the name, which may hold anything.
struct Stat {
    name: String,
    group: u32,
    foreground: i64,
    born: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::read(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn read(text: &str) -> Option<Self> {
        let (before, behind) = text.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = behind.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse::<i64>().ok());
        Some(Self {
            name,
            group: u32::try_from(number(2)?).ok()?,
            foreground: number(5)?,
            born: u64::try_from(number(19)?).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_moves_no_field() {
        let stat = Stat::read("42 (a) b (c) S 1 40 40 34816 77 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9876 1 1").unwrap();
        assert_eq!((stat.name.as_str(), stat.group, stat.foreground, stat.born), ("a) b (c", 40, 77, 9876));
    }

    #[test]
    fn this_process_is_found_and_one_that_is_none_is_not() {
        let own = program(std::process::id(), &arguments(std::process::id())).unwrap();
        assert!(own.born > 0 && !own.name.is_empty());
        assert_eq!(look(u32::MAX, "/dev/null"), None);
    }
}
