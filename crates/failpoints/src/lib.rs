//! Places at which a debug build dies when it is told to, so that tests can kill the supervisor at every distinct step.
//!
//! `TMUXAGENT_DIE_AT=PLACE:N` kills the process, as `kill -9` does, when it comes past that place for the N-th time, with
//! `TMUXAGENT_DIE_FROM=FILE` since that file is there; `TMUXAGENT_PANIC_AT=PLACE:N` panics there. A release build holds none of this: [`at`] and [`panics_at`] are empty.

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
    "decision.read",
    "decision.settled",
    "decision.consumed",
    "send.ready",
    "send.handed",
    "send.replied",
    "send.told",
    "shell.begun",
    "shell.ended",
    "stop.collected",
    "stop.stored",
];

/// Places at which a part may panic while the rest goes on.
pub const PANICS: &[&str] = &["screen.drawn"];

/// A place that is wanted by a variable, and how often it was passed.
#[cfg(debug_assertions)]
struct Wanted {
    place: Option<(String, u32)>,
    from: Option<std::path::PathBuf>,
    passed: std::sync::atomic::AtomicU32,
}

#[cfg(debug_assertions)]
impl Wanted {
    fn by(variable: &str, from: Option<&str>) -> Self {
        let from = from.and_then(std::env::var_os).map(Into::into);
        let place = std::env::var(variable).ok().and_then(|text| {
            let (place, number) = text.split_once(':')?;
            Some((place.to_owned(), number.parse().ok()?))
        });
        Self { place, from, passed: std::sync::atomic::AtomicU32::new(0) }
    }

    /// Whether this is the wanted pass of the wanted place.
    fn is_here(&self, place: &str) -> bool {
        self.place.as_ref().is_some_and(|(name, number)| {
            let counts = || self.from.as_ref().is_none_or(|file| file.exists());
            name == place && counts() && self.passed.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == *number
        })
    }
}

/// The process is at this place.
#[cfg(debug_assertions)]
pub fn at(place: &'static str) {
    static WANTED: std::sync::OnceLock<Wanted> = std::sync::OnceLock::new();
    debug_assert!(PLACES.contains(&place), "{place} stands in no list");
    if WANTED.get_or_init(|| Wanted::by("TMUXAGENT_DIE_AT", Some("TMUXAGENT_DIE_FROM"))).is_here(place) {
        // The signal can't fail for our own process, and comes before the call returns.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// A part that may panic alone is at this place.
#[cfg(debug_assertions)]
pub fn panics_at(place: &'static str) {
    static WANTED: std::sync::OnceLock<Wanted> = std::sync::OnceLock::new();
    debug_assert!(PANICS.contains(&place), "{place} stands in no list");
    assert!(!WANTED.get_or_init(|| Wanted::by("TMUXAGENT_PANIC_AT", None)).is_here(place), "told to panic at {place}");
}

/// See the module.
#[cfg(not(debug_assertions))]
pub const fn at(_: &'static str) {}

/// See the module.
#[cfg(not(debug_assertions))]
pub const fn panics_at(_: &'static str) {}
