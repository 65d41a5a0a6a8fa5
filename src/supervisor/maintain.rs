//! Upkeep of the state while running: rolling backups, and what is too old goes, in small steps.

use super::dispatch::Fact;
use super::start::Facts;
use crate::clock::Clock;
use crate::config::{Loaded, Retention};
use crate::model::{Millis, RunId, RunState, Snapshot};
use crate::store::{BACKUP_GENERATIONS, Limits, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The pause between two backups.
const BACKUP_EVERY: Duration = Duration::from_secs(30 * 60);
/// The first upkeep comes this long after the start, when everything else has settled.
const FIRST: Duration = Duration::from_secs(60);
/// The pause between two steps of one clearing, so that commits come in between.
const BREATH: Duration = Duration::from_millis(200);

/// Begins the upkeep; it ends with the runtime.
pub fn begin(store: &Store, loaded: &Loaded, clock: Clock, facts: Facts, shown: watch::Receiver<Arc<Snapshot>>) {
    let (store, limits) = (store.clone(), limits(&loaded.config.retention));
    tokio::spawn(async move {
        let mut next = tokio::time::interval_at(tokio::time::Instant::now() + FIRST, BACKUP_EVERY);
        loop {
            next.tick().await;
            let text = round(&store, &limits, clock, &shown).await.err();
            if facts.send(Fact::Problem("backup".to_owned(), text)).await.is_err() {
                return;
            }
        }
    });
}

async fn round(
    store: &Store,
    limits: &Limits,
    clock: Clock,
    shown: &watch::Receiver<Arc<Snapshot>>,
) -> Result<(), String> {
    store.backup(clock.now(), BACKUP_GENERATIONS).await.map_err(|error| format!("no backup was made: {error}"))?;
    loop {
        let open = open_runs(&shown.borrow());
        let swept = store.sweep(clock.now(), limits.clone(), open).await.map_err(|error| error.to_string())?;
        if !swept.more {
            return Ok(());
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// Zero in the configuration keeps without limit.
fn limits(retention: &Retention) -> Limits {
    let age = |span: Millis| if span == Millis(0) { Millis(u64::MAX / 4) } else { span };
    Limits { journal_age: age(retention.journal), runs_age: age(retention.runs), ..Limits::default() }
}

fn open_runs(snapshot: &Snapshot) -> Vec<RunId> {
    snapshot.runs.iter().filter(|run| run.state == Some(RunState::Open)).filter_map(|run| run.run).collect()
}
