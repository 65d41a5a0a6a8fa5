//! Where the supervisor's standard output goes. A message of a `stdout` channel that a command tries stands on that command's
//! own, which says nothing of the supervisor's.

use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, tcgetattr};
use std::path::{Path, PathBuf};
use tmuxagent_text::Lang;

/// What the running supervisor's standard output is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The system does not tell.
    Unknown,
    /// `/dev/null`.
    Null,
    /// The terminal on which its screen is drawn.
    Screen,
    /// A file, a pipe, a terminal.
    At(PathBuf),
}

impl Place {
    /// That of a process.
    pub fn of(pid: u32) -> Self {
        // Only Linux tells of other processes.
        let Ok(target) = std::fs::read_link(format!("/proc/{pid}/fd/1")) else { return Self::Unknown };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if target == Path::new("/dev/null") {
            Self::Null
        } else if is_in_front(&stat) && takes_keys(&target) {
            Self::Screen
        } else {
            Self::At(target)
        }
    }
}

/// Whether a process is in front on its terminal, by its proc_pid_stat(5): the group in front there is its own.
fn is_in_front(stat: &str) -> bool {
    let Some((_, fields)) = stat.rsplit_once(')') else { return false };
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // state ppid pgrp session tty_nr tpgid
    matches!(fields.as_slice(), [_, _, group, _, _, front, ..] if group == front)
}

/// Whether a terminal hands on every key, as for a program that draws a screen.
fn takes_keys(target: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let terminal = target.starts_with("/dev").then(|| rustix::fs::open(target, flags, Mode::empty()).ok()).flatten();
    let modes = terminal.and_then(|terminal| tcgetattr(terminal).ok());
    modes.is_some_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
}

/// Whether a message of the supervisor's can be seen, and the sentence of it; `running` is its process.
pub(super) fn told(running: Option<(u32, Place)>, lang: Lang) -> (bool, String) {
    let here = lang.pick("written here", "已写在这里");
    let Some((pid, place)) = running else {
        let own = lang.pick(
            "the supervisor writes to its own standard output once it runs",
            "监督进程运行后写入它自己的标准输出",
        );
        return (true, format!("{here}{}{own}", lang.pick("; ", "；")));
    };
    let supervisor = match lang {
        Lang::En => format!("the supervisor (process {pid})"),
        Lang::Zh => format!("监督进程（进程 {pid}）"),
    };
    let use_another = lang.pick(
        "use `terminal` or `desktop`, or run it with `--headless` and standard output in a file",
        "请改用 `terminal` 或 `desktop`，或以 `--headless` 运行并把标准输出写入文件",
    );
    match (place, lang) {
        (Place::Unknown, Lang::En) => (true, format!("{here}; {supervisor} writes to its own standard output")),
        (Place::Unknown, Lang::Zh) => (true, format!("{here}；{supervisor}写入它自己的标准输出")),
        (Place::At(at), Lang::En) => (true, format!("{here}; {supervisor} writes to {}", at.display())),
        (Place::At(at), Lang::Zh) => (true, format!("{here}；{supervisor}写入 {}", at.display())),
        (Place::Null, Lang::En) => {
            (false, format!("{here}, but {supervisor} writes to /dev/null, which nobody reads; {use_another}"))
        }
        (Place::Null, Lang::Zh) => (false, format!("{here}，但{supervisor}写入 /dev/null，没有人读取；{use_another}")),
        (Place::Screen, Lang::En) => {
            (false, format!("{here}, but {supervisor} draws its screen there and writes nothing; {use_another}"))
        }
        (Place::Screen, Lang::Zh) => (false, format!("{here}，但{supervisor}在那里绘制主界面，不写入；{use_another}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_asked_where_it_writes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        for (out, place) in [
            (Stdio::null(), Place::Null),
            (std::fs::File::create(&file).unwrap().into(), Place::At(file.canonicalize().unwrap())),
        ] {
            let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).stdout(out).spawn().unwrap();
            assert_eq!(Place::of(child.id()), place);
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(Place::of(child.id()), Place::Unknown, "it is gone");
        }
    }

    #[test]
    fn only_a_process_in_front_draws_a_screen() {
        assert!(is_in_front("7 (tmux) agent) S 1 7 7 34816 7 4194560 1"));
        assert!(!is_in_front("7 (tmuxagent) S 1 7 7 34816 9 4194560 1") && !is_in_front(""));
        assert!(!takes_keys(Path::new("/dev/null")) && !takes_keys(Path::new("/etc/passwd")));
    }

    #[test]
    fn what_nobody_sees_is_not_told_as_delivered() {
        for lang in [Lang::En, Lang::Zh] {
            for (running, seen) in [
                (None, true),
                (Some((7, Place::Unknown)), true),
                (Some((7, Place::At("/var/log/out".into()))), true),
                (Some((7, Place::Null)), false),
                (Some((7, Place::Screen)), false),
            ] {
                assert_eq!(told(running.clone(), lang).0, seen, "{running:?}");
            }
        }
    }
}
