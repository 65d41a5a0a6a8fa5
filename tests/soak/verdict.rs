//! What must be true at the end.

use crate::room::{POLICY, Room};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tmuxagent_engine::{Engine, Options};
use tmuxagent_model::{ApprovalState, Event, Millis, Note, RunId, RunState, Timestamp};
use tmuxagent_policy::{Source, load};
use tmuxagent_store::{EventFilter, Found, Reader, Store, check};

/// No line stands twice.
pub fn nothing_twice(room: &Room) {
    let mut seen = BTreeSet::new();
    let ran = room.ran();
    if let Some(line) = ran.iter().find(|line| !seen.insert(line.as_str())) {
        room.fail(&format!("`{line}` ran twice"));
    }
}

/// Everything; says how much it was.
pub fn all(room: &Room) -> String {
    nothing_twice(room);
    let understood = |kind, key: &str, body: &str| {
        tmuxagent_engine::Engine::understands(kind, key, body).map_err(|error| error.to_string())
    };
    let health = check(&room.database(), None, &understood).expect("a database");
    if !health.problems.is_empty() {
        room.fail(&format!("the database: {:?}", health.problems));
    }
    let attempts = nothing_lost(room);
    decisions(room);
    let events = replays(room);
    format!("{attempts} attempts ran once each, {events} events replay to the stored state")
}

/// Every attempt that began ran, once; what ran had begun. Attempts of runs that ended with their pane may have been
/// cut off before their keys.
fn nothing_lost(room: &Room) -> usize {
    let reader = Reader::open(&room.database()).expect("a database");
    let notes = reader.events(&EventFilter { limit: u32::MAX, ..EventFilter::default() }).expect("notes");
    let (mut begun, mut cancelled, mut failed) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    let mut rejected = 0;
    for line in notes {
        match line.note {
            Note::StageStarted { run, stage, attempt } => drop(begun.insert((run, stage, attempt))),
            Note::RunEnded { run, state: RunState::Cancelled | RunState::Rejected | RunState::Expired, .. } => {
                cancelled.insert(run);
            }
            // Its pane is gone, as the faults have it.
            Note::StageFailed { run, by, .. } if by.starts_with("pane") => drop(cancelled.insert(run)),
            Note::RunEnded { run, state: RunState::Failed, .. } => drop(failed.insert(run, line.seq)),
            Note::ApprovalDecided { approve: false, .. } => rejected += 1,
            _ => {}
        }
    }
    failed.retain(|run, _| !cancelled.contains(run));
    if failed.len() > rejected {
        room.fail(&format!(
            "{} runs failed, but only {rejected} questions were answered with no: {failed:?}",
            failed.len()
        ));
    }
    let ran: BTreeSet<(RunId, String, u32)> = room.ran().iter().map(|line| parse(line)).collect();
    let lost: Vec<_> = begun.iter().filter(|at| !cancelled.contains(&at.0) && !ran.contains(*at)).collect();
    let unasked: Vec<_> = ran.iter().filter(|at| !begun.contains(*at)).collect();
    if !lost.is_empty() || !unasked.is_empty() {
        room.fail(&format!("began and did not run: {lost:?}; ran without having begun: {unasked:?}"));
    }
    ran.len()
}

fn parse(line: &str) -> (RunId, String, u32) {
    let mut parts = line.split(' ');
    let mut next = || parts.next().expect("RUN STAGE ATTEMPT");
    (next().parse().expect("a run"), next().to_owned(), next().parse().expect("an attempt"))
}

/// Every decision that was acknowledged is there as it was made.
fn decisions(room: &Room) {
    let reader = Reader::open(&room.database()).expect("a database");
    for (id, approve) in &room.decided {
        let wanted = if *approve { ApprovalState::Approved } else { ApprovalState::Rejected };
        match reader.approval(id.as_str()).expect("readable") {
            Found::One(approval) if approval.state == wanted => {}
            other => room.fail(&format!("the decision on {id} ({wanted:?}) is lost: {other:?}")),
        }
    }
}

/// The journal, stepped through a new engine, leads to the state that is stored.
fn replays(room: &Room) -> usize {
    let mut policy = load(&[Source::new("policy.yaml", POLICY)]).expect("a policy");
    policy.generation = 1;
    let policy = Arc::new(policy);
    let (store, restored) = Store::open(&room.database(), Timestamp(0)).expect("a database");
    let stored = Engine::restore(Arc::clone(&policy), restored.entities).expect("rows");
    let reader = Reader::open(&room.database()).expect("a database");
    // The program's defaults, and the secret of this state folder.
    let secret = std::fs::read_to_string(room.state().join("identities")).expect("a secret");
    let part = |at: usize| u64::from_str_radix(&secret[at..at + 16], 16).expect("digits");
    let (timeout, identities) = (Millis::from_secs(2 * 3600), Some([part(0), part(16)]));
    let hold = Some(Millis::from_secs(60));
    let options = Options { undo: Millis(0), timeout, hold, looks: true, identities };
    let mut engine = Engine::new(policy).with_options(options);
    let stored = stored.with_options(options);
    let mut events = 0;
    for entry in reader.journal(0) {
        let entry = entry.expect("a row");
        assert!(!matches!(entry.event, Event::Activity { .. }), "no rule watches for silence");
        engine.step(entry.at, &entry.event);
        events += 1;
    }
    drop(store);
    if engine != stored {
        room.fail("the journal does not replay to the stored state");
    }
    events
}

/// From so many samples on what is kept up to a bound has reached it, and what grows on is a leak.
const LONG: usize = 1000;

/// Neither memory nor open files grow under the same load.
pub fn flat(samples: &[(u64, u64)]) {
    let third = samples.len() / 3;
    let median = |part: &[(u64, u64)], of: fn(&(u64, u64)) -> u64| {
        let mut values: Vec<u64> = part.iter().map(of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    };
    let (early, late) = (&samples[third..2 * third], &samples[2 * third..]);
    let memory = (median(early, |s| s.0), median(late, |s| s.0));
    let files = (median(early, |s| s.1), median(late, |s| s.1));
    println!("soak: memory {} → {} KiB, open files {} → {}", memory.0, memory.1, files.0, files.1);
    let slack = if samples.len() < LONG { memory.0 / 5 + 4096 } else { memory.0 / 20 + 1024 };
    assert!(memory.1 < memory.0 + slack, "memory grows from {} to {} KiB", memory.0, memory.1);
    assert!(files.1 <= files.0 + 4, "open files grow from {} to {}", files.0, files.1);
}
