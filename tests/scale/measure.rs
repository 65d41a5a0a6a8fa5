//! What processes cost, as the kernel tells it (proc(5)).

use super::fleet::Fleet;
use std::fmt;
use std::time::Duration;

/// What some processes used up to now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Time on a core.
    pub cpu: Duration,
    /// Memory, shared pages counted in parts; bytes.
    pub memory: u64,
}

impl Cost {
    /// Of the supervisor alone.
    pub fn of_supervisor(fleet: &Fleet) -> Self {
        of([fleet.supervisor()])
    }
}

/// All parts: the supervisor, its `ssh` processes, and the other side (sshd and tmux servers).
#[derive(Debug, Clone, Copy)]
pub struct All {
    supervisor: Cost,
    ssh: Cost,
    there: Cost,
}

pub fn all(fleet: &Fleet) -> All {
    All { supervisor: of([fleet.supervisor()]), ssh: of(fleet.ssh()), there: of(fleet.there()) }
}

fn of(pids: impl IntoIterator<Item = i32>) -> Cost {
    let mut cost = Cost::default();
    for pid in pids {
        cost.cpu += cpu(pid).unwrap_or_default();
        cost.memory += memory(pid).unwrap_or_default();
    }
    cost
}

/// User and system time: fields 14 and 15 of `/proc/PID/stat`, in hundredths of a second.
fn cpu(pid: i32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold blanks and brackets.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

fn memory(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// What one part cost over a while.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Of one core, 1 = all of it.
    pub share: f64,
    /// Bytes at the end.
    pub memory: f64,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % {:.0} MB", self.share * 100.0, self.memory / 1e6)
    }
}

/// What everything cost over a while.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The supervisor.
    pub supervisor: Share,
    /// Its `ssh` processes.
    pub ssh: Share,
    /// sshd and tmux on the other side.
    pub there: Share,
}

impl Load {
    /// From two readings.
    pub fn between(before: &All, after: &All, time: Duration) -> Self {
        let share = |before: Cost, after: Cost| Share {
            share: after.cpu.saturating_sub(before.cpu).as_secs_f64() / time.as_secs_f64(),
            memory: after.memory as f64,
        };
        Self {
            supervisor: share(before.supervisor, after.supervisor),
            ssh: share(before.ssh, after.ssh),
            there: share(before.there, after.there),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "supervisor {}, ssh {}, the other side {}", self.supervisor, self.ssh, self.there)
    }
}
