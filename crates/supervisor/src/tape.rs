//! What panes print, recorded: which panes are, where it goes, and what keeps it from going there.
//!
//! **Invariants:** a pane that the configuration excludes, or whose option `@tmuxagent_record` is `off`, leaves nothing in
//! the recordings from its first line on. Echoes of what we typed are left out: another policy would have typed
//! something else. What is written is without secrets. Recording fails alone; it holds up nobody.

use super::dispatch::Fact;
use super::start::Facts;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tmuxagent_clock::Clock;
use tmuxagent_config::{Config, Paths};
use tmuxagent_lines::Reading;
use tmuxagent_model::{LineBlock, Millis, NameFilter, Origin, PaneInfo, PaneKey, Redaction, Trouble};
use tmuxagent_store::{Recorded, RecordedLine, Recorder, Recording, RecordingLimits};
use tmuxagent_tmux::Tape;

/// How often a failing disk is looked for.
const LOOK: Duration = Duration::from_secs(10);
/// How long the end waits for the last lines to be written.
const LAST: Duration = Duration::from_secs(2);

/// The tape of all hosts. Clones share it.
#[derive(Debug, Clone)]
pub struct Tapes {
    clock: Clock,
    path: PathBuf,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    recorder: Option<Recorder>,
    /// Why nothing is recorded although it should be.
    problem: Option<String>,
    excluded: Option<NameFilter>,
    /// What all that is recorded goes through.
    redaction: Redaction,
    /// The watched panes with their wish.
    panes: BTreeMap<PaneKey, (PaneInfo, String)>,
}

impl Tapes {
    /// A tape as the configuration wants it.
    pub fn new(config: &Config, paths: &Paths, clock: Clock, redaction: Redaction) -> Self {
        let shared = Shared { redaction, ..Shared::default() };
        let tapes = Self { clock, path: paths.recordings(), shared: Arc::new(Mutex::new(shared)) };
        tapes.configure(config);
        tapes
    }

    /// Goes over to another configuration.
    pub fn configure(&self, config: &Config) {
        let mut shared = self.lock();
        let exclude = &config.record.exclude;
        shared.excluded = (!exclude.is_empty()).then(|| NameFilter::new(exclude));
        shared.problem = None;
        if !config.record.enabled {
            shared.recorder = None;
            return;
        }
        if shared.recorder.is_none() {
            let retention = &config.retention;
            // Zero keeps without limit.
            let limits = RecordingLimits {
                bytes: if retention.recordings_size == 0 { u64::MAX } else { retention.recordings_size },
                age: if retention.recordings == Millis(0) { Millis(u64::MAX / 4) } else { retention.recordings },
            };
            match Recorder::open(&self.path, limits) {
                Ok(recorder) => {
                    recorder.redact_by(shared.redaction.clone());
                    shared.recorder = Some(recorder);
                }
                Err(error) => shared.problem = Some(error.to_string()),
            }
        }
        let Shared { recorder, excluded, panes, .. } = &*shared;
        if let Some(recorder) = recorder {
            panes.values().for_each(|(info, wish)| recorder.describe(info, decide(excluded.as_ref(), info, wish)));
        }
    }

    /// From now on recordings are without these secrets.
    pub fn redact_by(&self, redaction: Redaction) {
        let mut shared = self.lock();
        if let Some(recorder) = &shared.recorder {
            recorder.redact_by(redaction.clone());
        }
        shared.redaction = redaction;
    }

    /// Tells the loop when recording fails, and when it works again; ends with the loop.
    pub fn report_to(&self, facts: Facts) {
        let tapes = self.clone();
        tokio::spawn(async move {
            let mut told = None;
            let mut next = tokio::time::interval(LOOK);
            loop {
                next.tick().await;
                let problem = tapes.problem();
                if problem != told {
                    told.clone_from(&problem);
                    if facts.send(Fact::Problem("recordings".to_owned(), problem.map(Trouble::from))).await.is_err() {
                        return;
                    }
                } else if facts.is_closed() {
                    return;
                }
            }
        });
    }

    /// Writes what waits, at the end.
    pub async fn finish(&self) {
        let recorder = self.lock().recorder.take();
        if let Some(recorder) = recorder {
            // A disk that does not follow must not hold up the end.
            let _ = tokio::time::timeout(LAST, recorder.flush()).await;
        }
    }

    fn problem(&self) -> Option<String> {
        let shared = self.lock();
        shared.problem.clone().or_else(|| shared.recorder.as_ref().and_then(Recorder::problem))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tape for Tapes {
    fn seen(&self, pane: &PaneInfo, wish: &str) {
        let mut shared = self.lock();
        if let Some(recorder) = &shared.recorder {
            recorder.describe(pane, decide(shared.excluded.as_ref(), pane, wish));
        }
        shared.panes.insert(pane.key.clone(), (pane.clone(), wish.to_owned()));
    }

    fn gone(&self, pane: &PaneKey) {
        let mut shared = self.lock();
        shared.panes.remove(pane);
        if let Some(recorder) = &shared.recorder {
            recorder.forget(pane);
        }
    }

    fn told(&self, pane: &PaneKey, reading: &Reading<'_>) {
        let at = self.clock.now();
        let piece = match reading {
            Reading::Line { origin: Origin::Echo, .. }
            | Reading::ShellMarks { .. }
            | Reading::CommandBegan { .. }
            | Reading::Program(_)
            | Reading::Title(_)
            | Reading::Bell
            | Reading::Malformed { .. } => return,
            Reading::Line { text, seen, source, origin: Origin::Program, message } => Recorded::Line(RecordedLine {
                at,
                source: *source,
                seen: *seen,
                text: (*text).to_owned(),
                message: message.clone().map(Box::new),
            }),
            Reading::CommandEnded { exit, .. } => Recorded::Ended { at, exit: *exit },
        };
        let shared = self.lock();
        if let Some(recorder) = &shared.recorder {
            recorder.take(pane, piece);
        }
    }

    fn lines(&self, pane: &PaneKey, block: &LineBlock) {
        let at = self.clock.now();
        let shared = self.lock();
        if let Some(recorder) = &shared.recorder {
            recorder.take_lines(pane, at, block);
        }
    }
}

fn decide(excluded: Option<&NameFilter>, pane: &PaneInfo, wish: &str) -> Recording {
    let facts = &pane.facts;
    let unwanted = excluded
        .is_some_and(|filter| filter.holds([facts.session.as_str(), facts.window.as_str(), facts.title.as_str()]));
    match wish.trim() {
        "off" | "no" | "0" | "false" => Recording::Off,
        _ if unwanted => Recording::Off,
        _ => Recording::On,
    }
}

#[cfg(test)]
#[path = "tape_tests.rs"]
mod tests;
