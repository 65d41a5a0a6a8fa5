//! What a system tells of the process in front of a terminal, and what that says of the reader: the same words from this
//! machine's `/proc` and from another's.

use crate::core::{Seen, Stack, base_name};
use tmuxagent_model::{Front, Shell};

/// `read`, as `/proc/PID/syscall` writes its number (proc_pid_syscall(5)): on x86-64, and on most others.
const READ: [&str; 2] = ["0", "63"];
/// Calls in which a program reads nothing, on both: it sleeps (`nanosleep`, `clock_nanosleep`, `pause`, `rt_sigsuspend`) or waits
/// for what it started (`wait4`, `waitid`).
const WAITS: [&str; 11] = ["35", "101", "230", "115", "34", "130", "133", "61", "260", "247", "95"];
/// `wait4` and `waitid`, on both.
const CHILDREN: [&str; 4] = ["61", "247", "260", "95"];
/// `futex`, on both.
const FUTEX: [&str; 2] = ["202", "98"];
/// `select` and `pselect6`, on both.
const SELECT: [&str; 3] = ["23", "270", "72"];

/// One process.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub pid: u32,
    pub stat: Stat,
    /// The call in which it stands (`/proc/PID/syscall`); empty where that is not told.
    pub call: String,
    /// Its program's file; empty where that is not told.
    pub file: String,
    pub args: Vec<String>,
    /// Whose it is.
    pub user: Option<u32>,
    /// How often it has let go of the processor, or was made to.
    pub switches: Option<u64>,
    /// It has the terminal open for more than its messages.
    pub holds: bool,
}

impl Told {
    /// Its name as people know it.
    pub fn name(&self) -> String {
        let name = self.args.first().map_or(self.stat.name.as_str(), String::as_str);
        base_name(name).to_owned()
    }

    /// The first argument is anyone's to choose: a shell goes by its file's name.
    fn named_by_file(mut self) -> Self {
        let is_shell = |word: &str| Shell::from_command(base_name(word)).is_some();
        // busybox is all programs that it is called as.
        if is_shell(&self.file)
            && base_name(&self.file) != "busybox"
            && let Some(first) = self.args.first_mut().filter(|first| !is_shell(first))
        {
            base_name(&self.file).clone_into(first);
        }
        self
    }

    /// The same as one in front.
    pub fn into_front(self) -> Front {
        let told = self.named_by_file();
        Front { pid: told.pid, born: told.stat.born, name: told.name() }
    }
}

/// What that says of the reader, where `own` is the pane's own process and `modes` are the terminal's.
pub(super) fn seen(own: &Told, front: Told, beside: Vec<String>, modes: Option<(bool, bool)>) -> Seen {
    let front = front.named_by_file();
    let gathers = modes.is_some_and(|(canonical, _)| canonical);
    Seen {
        own: own.leads(),
        stack: stack(&front.call, front.stat.stack, &front.file),
        front: Some(Front { pid: front.pid, born: front.stat.born, name: front.name() }),
        beside,
        stranger: front.pid != own.pid && front.user.zip(own.user).is_some_and(|(theirs, ours)| theirs != ours),
        reading: reads(&front.call, gathers),
        asks_for: asks_for(&front.call),
        busy: front.call.starts_with("running"),
        switches: front.switches,
        args: front.args,
        modes,
        ..Seen::default()
    }
}

impl Told {
    /// Its own group is in front.
    pub fn leads(&self) -> bool {
        i64::from(self.stat.group) == self.stat.foreground
    }
}

/// What is left of a group whose first process has ended: the one that reads the terminal as far as that can be told, else the
/// newest; and the names of the others.
pub(super) fn reader_of(mut left: Vec<Told>) -> Option<(Told, Vec<String>)> {
    let at = (0..left.len()).max_by_key(|&at| left.get(at).map(|told| (told.holds, told.stat.born, told.pid)))?;
    let reader = left.swap_remove(at);
    left.sort_by_key(|told| (told.stat.born, told.pid));
    Some((reader, left.iter().map(Told::name).collect()))
}

/// How often a process has let go of the processor, or was made to, by the lines of `/proc/PID/status` (proc_pid_status(5)).
pub(super) fn switches<'a>(lines: impl Iterator<Item = &'a str>) -> Option<u64> {
    let numbers = lines.filter_map(|line| line.split_once("_ctxt_switches:")?.1.trim().parse::<u64>().ok());
    numbers.reduce(u64::wrapping_add)
}

/// How many bytes a program asks its standard input for, which is descriptor 0.
fn asks_for(call: &str) -> Option<u64> {
    let mut words = call.split_ascii_whitespace();
    let is_read = words.next().is_some_and(|number| READ.contains(&number)) && words.next() == Some("0x0");
    words.nth(1).filter(|_| is_read).and_then(|bytes| u64::from_str_radix(bytes.strip_prefix("0x")?, 16).ok())
}

/// Whether a program reads its standard input, or waits for something there alone, where the terminal gathers a line (a `read`
/// with a time limit).
fn reads(call: &str, gathers: bool) -> bool {
    let mut words = call.split_ascii_whitespace();
    let selects = words.next().is_some_and(|number| SELECT.contains(&number)) && words.next() == Some("0x1");
    asks_for(call).is_some() || gathers && selects
}

/// The descriptor that a program reads, in the call in which it stands.
pub(super) fn reads_from(call: &str) -> Option<u64> {
    let mut words = call.split_ascii_whitespace();
    let descriptor = words.next().filter(|number| READ.contains(number)).and_then(|_| words.next());
    descriptor.and_then(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok())
}

/// Whether a program waits for what it started.
pub(super) fn waits_for_child(call: &str) -> bool {
    call.split_ascii_whitespace().next().is_some_and(|number| CHILDREN.contains(&number))
}

/// Whether a program waits for another of its threads.
pub(super) fn waits_for_thread(call: &str) -> bool {
    call.split_ascii_whitespace().next().is_some_and(|number| FUTEX.contains(&number))
}

/// Whether a program waits for no input in that call; what it reads is for others to see ([`reads_from`]).
pub(super) fn is_away(call: &str) -> bool {
    call.split_ascii_whitespace().next().is_some_and(|number| number == "running" || WAITS.contains(&number))
}

/// How deep a program stands in its own calls: its stack began at `began`, and `call` is what `/proc/PID/syscall` says.
fn stack(call: &str, began: u64, program: &str) -> Option<Stack> {
    let words: Vec<&str> = call.split_ascii_whitespace().collect();
    // The number, six arguments, the stack's place, the program's.
    let [number, .., place, _] = words.as_slice() else { return None };
    let place = u64::from_str_radix(place.strip_prefix("0x")?, 16).ok()?;
    let depth = began.checked_sub(place).filter(|_| !program.is_empty())?;
    Some(Stack { program: program.to_owned(), call: number.parse().ok()?, depth })
}

/// What `/proc/PID/stat` says (proc_pid_stat(5)), counted behind the name, which may hold anything.
#[derive(Debug, Clone, Default)]
pub(super) struct Stat {
    pub name: String,
    /// It has ended, and nobody has asked how.
    pub ended: bool,
    pub group: u32,
    pub foreground: i64,
    pub born: u64,
    /// Where its stack began; 0 where that is not told.
    pub stack: u64,
    /// How many threads it has; 0 where that is not told.
    pub threads: u64,
}

impl Stat {
    pub fn read(text: &str) -> Option<Self> {
        let (before, behind) = text.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = behind.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse::<i64>().ok());
        Some(Self {
            name,
            ended: matches!(*fields.first()?, "Z" | "X"),
            group: u32::try_from(number(2)?).ok()?,
            foreground: number(5)?,
            born: u64::try_from(number(19)?).ok()?,
            stack: number(25).and_then(|place| u64::try_from(place).ok()).unwrap_or(0),
            threads: number(17).and_then(|threads| u64::try_from(threads).ok()).unwrap_or(0),
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
        assert!(!stat.ended);
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
    fn who_sleeps_or_waits_for_another_reads_nothing() {
        for away in ["230 0x0 0x0 0x7ffd", "61 0xffffffffffffffff 0x7ffc", "running", "101 0x7ffd"] {
            assert!(is_away(away) && reads_from(away).is_none(), "{away}");
        }
        for other in ["0 0x0 0x7ffe 0x1", "281 0xd 0x7ffc 0x400", "7 0x55 0x1", "202 0x7f", ""] {
            assert!(!is_away(other), "{other}");
        }
        assert_eq!(["0 0x3 0x7fff 0x80", "63 0x0 0x7fff 0x1", "1 0x1"].map(reads_from), [Some(3), Some(0), None]);
    }

    #[test]
    fn a_shell_goes_by_its_files_name() {
        let named = |first: &str, file: &str| {
            let args = vec![first.to_owned(), "-i".to_owned()];
            Told { args, file: file.to_owned(), ..Told::default() }.named_by_file().args.swap_remove(0)
        };
        assert_eq!(named("codex", "/usr/bin/bash"), "bash");
        assert_eq!(named("vim", "/usr/bin/zsh"), "zsh");
        assert_eq!(named("-bash", "/usr/bin/bash"), "-bash");
        assert_eq!(named("sh", "/usr/bin/dash"), "sh");
        assert_eq!(named("vi", "/usr/bin/busybox"), "vi");
        assert_eq!(named("claude", "/usr/bin/node"), "claude");
        assert_eq!(named("vim", ""), "vim");
    }

    #[test]
    fn of_what_is_left_of_a_group_who_holds_the_terminal_reads_it_else_the_newest() {
        let told = |pid, name: &str, holds| {
            let stat = Stat { name: name.to_owned(), born: 5, ..Stat::default() };
            Told { pid, stat, holds, ..Told::default() }
        };
        let chosen = |left| {
            let (reader, beside) = reader_of(left).unwrap();
            (reader.name(), beside)
        };
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let filters = vec![told(3, "grep", false), told(5, "tee", false), told(4, "sort", false)];
        assert_eq!(chosen(filters), ("tee".to_owned(), names(&["grep", "sort"])));
        assert_eq!(chosen(vec![told(3, "fzf", true), told(4, "tee", false)]), ("fzf".to_owned(), names(&["tee"])));
        assert_eq!(chosen(vec![told(3, "fzf", false)]), ("fzf".to_owned(), Vec::new()));
        assert!(reader_of(Vec::new()).is_none());
    }
}
