//! Places at which a debug build dies when it is told to, so that tests can kill the supervisor at every distinct step.
//!
//! `TMUXAGENT_DIE_AT=PLACE:N` kills the process, as `kill -9` does, when it comes past that place for the N-th time. A
//! release build holds none of this: [`at`] is empty there.

/// All places, in the order of a round.
pub const PLACES: &[&str] = &[
    "start.opened",
    "start.listening",
    "start.recovered",
    "round.stepped",
    "commit.begun",
    "commit.written",
    "commit.done",
    "round.committed",
    "round.released",
    "round.performed",
    "round.answered",
    "send.ready",
    "send.handed",
    "send.replied",
    "send.told",
    "shell.begun",
    "shell.ended",
    "stop.collected",
    "stop.stored",
];

/// The process is at this place.
#[cfg(debug_assertions)]
pub fn at(place: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("TMUXAGENT_DIE_AT").ok()?;
        let (place, number) = text.split_once(':')?;
        Some((place.to_owned(), number.parse().ok()?))
    });
    debug_assert!(PLACES.contains(&place), "{place} stands in no list");
    if let Some((name, number)) = wanted
        && name == place
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *number
    {
        // The signal can't fail for our own process, and comes before the call returns.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// See the module.
#[cfg(not(debug_assertions))]
pub const fn at(_: &'static str) {}
