//! Which clock a life goes by: the wall clock, or that of the life before, where something waits and the system's time was
//! set to another meanwhile.
//!
//! A question that expires in half an hour must not expire at once because the system's time was put forward by an hour
//! while no supervisor ran. As soon as nothing waits any more the next life begins at the wall clock again.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use tmuxagent_clock::{Clock, Scale};
use tmuxagent_model::Timestamp;

/// Starts the clock of this life, and leaves its scale in `folder` for the next one.
pub(super) fn begin(folder: &Path, last_at: Timestamp, something_waits: bool) -> Clock {
    let fresh = Clock::start(last_at);
    let file = folder.join("clock.json");
    let text = std::fs::read(&file).ok().filter(|_| something_waits);
    let earlier: Option<Scale> = text.and_then(|text| serde_json::from_slice(&text).ok());
    let on = earlier.and_then(|scale| fresh.go_on(&scale)).filter(|clock| clock.now() >= last_at);
    if on.is_some() {
        tracing::warn!("the system's time was set to another; what waits goes on by the time that has passed");
    }
    let clock = on.unwrap_or(fresh);
    if let Err(error) = keep(&file, &clock) {
        // The next life then goes by the wall clock.
        tracing::warn!(file = %file.display(), %error, "the clock's scale can't be kept");
    }
    clock
}

fn keep(file: &Path, clock: &Clock) -> io::Result<()> {
    let Some(scale) = clock.scale() else { return Ok(()) };
    let part = file.with_extension("part");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    out.write_all(&serde_json::to_vec(&scale)?)?;
    std::fs::rename(part, file)
}
