//! A look at the terminal of a pane on this machine: which process group is in front, and the terminal's modes. A handful
//! of system calls that never wait.

use super::agents;
use crate::core::{Seen, Stack, base_name, is_interactive};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, tcgetattr};
use std::os::unix::fs::MetadataExt as _;
use tmuxagent_model::{Front, Shell};

/// How much of a program's arguments is read, bytes.
const ARGUMENTS: usize = 4096;

/// `read`, as `/proc/PID/syscall` writes its number (proc_pid_syscall(5)): on x86-64, and on most others.
const READ: [&str; 2] = ["0", "63"];
/// `select` and `pselect6`, on both.
const SELECT: [&str; 3] = ["23", "270", "72"];

/// Looks at the terminal `tty` of the pane whose process is `pid`; `None` where this system tells nothing.
pub(super) fn look(pid: u32, tty: &str) -> Option<Seen> {
    let stat = Stat::of(pid)?;
    let front = u32::try_from(stat.foreground).ok();
    let (modes, queued) = terminal(tty);
    let Some(front) = front.filter(|&front| front > 0) else { return Some(Seen { modes, ..Seen::default() }) };
    let own = stat.group == front;
    let args = named_by_file(arguments(front), &program_file(front));
    let processes = if is_interactive(&args) { Vec::new() } else { agents::started_by(front) };
    let session = agents::session_of(&processes);
    let call = std::fs::read_to_string(format!("/proc/{front}/syscall")).unwrap_or_default();
    let user = |pid: u32| std::fs::metadata(format!("/proc/{pid}")).map(|data| data.uid()).ok();
    let leader = Stat::of(front);
    let gathers = modes.is_some_and(|(canonical, _)| canonical);
    Some(Seen {
        own,
        stack: leader.as_ref().and_then(|leader| stack(&call, leader.stack, &program_file(front))),
        front: leader.map(|leader| program(front, &leader, &args)),
        stranger: front != pid && user(front).is_some_and(|other| user(pid).is_some_and(|user| user != other)),
        reading: reads(&call, gathers),
        asks_for: asks_for(&call),
        busy: call.starts_with("running"),
        switches: switches(front),
        args,
        processes,
        session,
        queued,
        modes,
        ..Seen::default()
    })
}

/// How often a process has let go of the processor, or was made to (proc_pid_status(5)).
fn switches(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = status.lines().filter_map(|line| line.split_once("_ctxt_switches:")?.1.trim().parse::<u64>().ok());
    numbers.reduce(u64::wrapping_add)
}

/// How many bytes a program asks its standard input for, which is descriptor 0.
pub(super) fn asks_for(call: &str) -> Option<u64> {
    let mut words = call.split_ascii_whitespace();
    let is_read = words.next().is_some_and(|number| READ.contains(&number)) && words.next() == Some("0x0");
    words.nth(1).filter(|_| is_read).and_then(|bytes| u64::from_str_radix(bytes.strip_prefix("0x")?, 16).ok())
}

/// Whether a program reads its standard input, or waits for something there alone, where the terminal gathers a line (a `read`
/// with a time limit).
pub(super) fn reads(call: &str, gathers: bool) -> bool {
    let mut words = call.split_ascii_whitespace();
    let selects = words.next().is_some_and(|number| SELECT.contains(&number)) && words.next() == Some("0x1");
    asks_for(call).is_some() || gathers && selects
}

/// The program in front of the pane whose process is `pid`, without the terminal's modes.
pub(super) fn front(pid: u32) -> Option<Front> {
    let front = u32::try_from(Stat::of(pid)?.foreground).ok()?;
    let args = named_by_file(arguments(front), &program_file(front));
    Some(program(front, &Stat::of(front)?, &args))
}

/// The first argument is anyone's to choose: a shell goes by its file's name.
fn named_by_file(mut args: Vec<String>, file: &str) -> Vec<String> {
    let is_shell = |word: &str| Shell::from_command(base_name(word)).is_some();
    // busybox is all programs that it is called as.
    if is_shell(file)
        && base_name(file) != "busybox"
        && let Some(first) = args.first_mut().filter(|first| !is_shell(first))
    {
        *first = base_name(file).to_owned();
    }
    args
}

fn program(pid: u32, stat: &Stat, args: &[String]) -> Front {
    let name = args.first().map_or(stat.name.as_str(), |word| word.rsplit('/').next().unwrap_or(word));
    Front { pid, born: stat.born, name: name.trim_start_matches('-').to_owned() }
}

fn program_file(pid: u32) -> String {
    let file = std::fs::read_link(format!("/proc/{pid}/exe"));
    file.map(|file| file.to_string_lossy().into_owned()).unwrap_or_default()
}

/// How deep a program stands in its own calls: its stack began at `began`, and `call` is what `/proc/PID/syscall` says.
pub(super) fn stack(call: &str, began: u64, program: &str) -> Option<Stack> {
    let words: Vec<&str> = call.split_ascii_whitespace().collect();
    // The number, six arguments, the stack's place, the program's.
    let [number, .., place, _] = words.as_slice() else { return None };
    let place = u64::from_str_radix(place.strip_prefix("0x")?, 16).ok()?;
    let depth = began.checked_sub(place).filter(|_| !program.is_empty())?;
    Some(Stack { program: program.to_owned(), call: number.parse().ok()?, depth })
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
    /// Where its stack began; 0 where that is not told.
    stack: u64,
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
            stack: number(25).and_then(|place| u64::try_from(place).ok()).unwrap_or(0),
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
    fn a_stack_is_read_of_a_program_that_waits() {
        let call = "270 0x1 0x7ffd1 0x0 0x0 0x0 0x0 0x7ffc00000000 0x7f1c32\n";
        let found = stack(call, 0x7ffc_0000_14e0, "/bin/bash").unwrap();
        assert_eq!((found.call, found.depth), (270, 0x14e0));
        for none in ["running\n", "", "-1 0x7ffc00000000 0x7f1c32\n"] {
            assert_eq!(stack(none, 0x7ffc_0000_14e0, "/bin/bash"), None, "{none}");
        }
    }

    #[test]
    fn a_call_tells_what_is_read() {
        let dash = "0 0x0 0x7ffeca84aadf 0x1 0x0 0x2 0x1 0x7ffeca84aaa8 0x7fdcb1db82ad\n";
        let prompt = "0 0x0 0x563c44f1d5a0 0x2000 0xa8 0x7 0x56 0x7ffeca84acc8 0x7fdcb1db82ad\n";
        let timed = "270 0x1 0x7fff92669d30 0x0 0x0 0x7fff 0x7fff 0x7fff92669c10 0x7fc19d4adaec\n";
        assert_eq!([dash, prompt, timed].map(asks_for), [Some(1), Some(0x2000), None]);
        assert_eq!([dash, prompt, timed].map(|call| reads(call, true)), [true; 3]);
        assert!(!reads(timed, false), "a line editor waits so too");
        for other in ["running\n", "", "0 0x3 0x7fff 0x1000 0x8 0x0 0x0 0x7fff 0x7fc1\n", "270 0x4 0x7fff 0x0\n"] {
            assert!(asks_for(other).is_none() && !reads(other, true), "{other}");
        }
    }

    #[test]
    fn this_process_is_found_and_one_that_is_none_is_not() {
        let pid = std::process::id();
        let own = program(pid, &Stat::of(pid).unwrap(), &arguments(pid));
        assert!(own.born > 0 && !own.name.is_empty());
        assert_eq!(look(u32::MAX, "/dev/null"), None);
    }

    #[test]
    fn a_shell_goes_by_its_files_name() {
        let named =
            |first: &str, file: &str| named_by_file(vec![first.to_owned(), "-i".to_owned()], file).swap_remove(0);
        assert_eq!(named("codex", "/usr/bin/bash"), "bash");
        assert_eq!(named("vim", "/usr/bin/zsh"), "zsh");
        assert_eq!(named("-bash", "/usr/bin/bash"), "-bash");
        assert_eq!(named("sh", "/usr/bin/dash"), "sh");
        assert_eq!(named("vi", "/usr/bin/busybox"), "vi");
        assert_eq!(named("claude", "/usr/bin/node"), "claude");
        assert_eq!(named("vim", ""), "vim");
    }
}
