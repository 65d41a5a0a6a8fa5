//! Claiming a server by forked commands, and looking for the process of who has it.

use super::fork;
use super::probe;
use crate::Transport;
use crate::core::{Claim, Next, ProbeError};
use crate::proto::claim::{Words, ask, take};
use crate::proto::{Claimed, Nonce, Token, Version};
use std::time::{Duration, Instant};
use tmuxagent_model::{Owner, Timestamp};

/// How long a host that has never been seen gives way to the supervisor's other ones, which may know the server.
const SHY: Duration = Duration::from_millis(500);

/// Claims a server by forked commands, as far as it is free; gives how we stand then.
pub(super) async fn settle(
    transport: &Transport,
    nonce: &Nonce,
    version: Version,
    server: &str,
    mut claim: Claim,
    wall: Timestamp,
) -> Result<Claim, ProbeError> {
    let mut read = run(transport, nonce, &claim.words(nonce, version, &claim.lease(wall))).await?;
    if read.token.is_empty() && claim.is_shy_of(server) {
        tokio::time::sleep(SHY).await;
        read = run(transport, nonce, &ask(nonce)).await?;
    }
    let mut attempt = None;
    // Two who want it at once read what the other did.
    for _ in 0..3 {
        if says(&mut claim, read.clone(), attempt.take()) != Next::Take {
            return Ok(claim);
        }
        let token = Token::new(&claim.us().instance, super::random());
        read = run(transport, nonce, &take(nonce, version, &read, &token, claim.us(), &claim.lease(wall))).await?;
        attempt = Some(token);
    }
    says(&mut claim, read, attempt);
    Ok(claim)
}

fn says(claim: &mut Claim, read: Claimed, attempt: Option<Token>) -> Next {
    let alive = claim.to_look_for(&read).is_none_or(is_alive);
    claim.says(read, attempt, Instant::now(), alive)
}

pub(super) async fn run(transport: &Transport, nonce: &Nonce, words: &Words) -> Result<Claimed, ProbeError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let printed = fork::run(&transport.command(&words)).await.map_err(ProbeError::Unreachable)?;
    let row = probe::rows(nonce, &printed.output).iter().find_map(Claimed::read);
    row.ok_or_else(|| ProbeError::Unreachable(format!("tmux does not tell who types there: {}", printed.error)))
}

/// This process as the owner of what it claims; `instance` as [`Owner::instance`].
#[must_use]
pub fn this_process(instance: impl Into<String>) -> Owner {
    let pid = std::process::id();
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let boot = read("/proc/sys/kernel/random/boot_id");
    let space = std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
    let place = if boot.is_empty() || space.is_empty() { String::new() } else { format!("{boot} {space}") };
    Owner {
        instance: instance.into(),
        machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid,
        started: started(pid).unwrap_or(0),
        place,
        ..Owner::default()
    }
}

/// Whether the process of an owner on this machine ([`Owner::is_beside`]) lives, and is the one that it was.
#[must_use]
pub fn is_alive(owner: &Owner) -> bool {
    let pid = i32::try_from(owner.pid).ok().and_then(rustix::process::Pid::from_raw);
    let there = pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
    there && started(owner.pid).is_none_or(|started| owner.started == 0 || started == owner.started)
}

/// When a process began, in ticks since the system did: field 22 of `/proc/PID/stat` (proc_pid_stat(5)), counted behind the
/// name, which may hold anything.
fn started(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind) = text.rsplit_once(')')?;
    let mut fields = behind.split_ascii_whitespace();
    // A process that ended and was not waited for lives no more.
    if fields.next()? == "Z" {
        return Some(u64::MAX);
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_one_that_began_at_another_time_is_another() {
        let own = this_process("x");
        assert!(is_alive(&own) && own.pid == std::process::id() && !own.machine.is_empty());
        if own.started > 0 {
            assert!(!is_alive(&Owner { started: own.started + 1, ..own }));
        }
        assert!(!is_alive(&Owner { pid: u32::MAX, ..Owner::default() }));
    }
}
