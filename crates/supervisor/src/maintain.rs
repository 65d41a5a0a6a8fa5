//! Upkeep of the state while running: rolling backups, and what is too old goes, in small steps.

use super::dispatch::Fact;
use super::start::Facts;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_clock::Clock;
use tmuxagent_config::Retention;
use tmuxagent_model::{Millis, RunId, RunState, Snapshot, Trouble};
use tmuxagent_store::{BACKUP_GENERATIONS, Limits, Store};
use tokio::sync::watch;

/// The pause between two backups.
const BACKUP_EVERY: Duration = Duration::from_secs(30 * 60);
/// The first upkeep comes this long after the start, when everything else has settled.
const FIRST: Duration = Duration::from_secs(60);
/// The pause between two steps of one clearing, so that commits come in between.
const BREATH: Duration = Duration::from_millis(200);

/// What the upkeep goes by; each round looks at the newest.
#[derive(Debug, Clone)]
pub struct Ground {
    /// What is kept.
    pub retention: watch::Receiver<Retention>,
    /// The runs that are open.
    pub shown: watch::Receiver<Arc<Snapshot>>,
    /// The supervisor's clock.
    pub clock: Clock,
}

/// Begins the upkeep; it ends with the runtime.
pub fn begin(store: &Store, ground: Ground, facts: Facts) {
    let store = store.clone();
    tokio::spawn(async move {
        let mut next = tokio::time::interval_at(tokio::time::Instant::now() + FIRST, BACKUP_EVERY);
        loop {
            next.tick().await;
            let text = round(&store, &ground).await.err();
            if facts.send(Fact::Problem("backup".to_owned(), text.map(Trouble::from))).await.is_err() {
                return;
            }
        }
    });
}

async fn round(store: &Store, Ground { retention, shown, clock }: &Ground) -> Result<(), String> {
    let limits = limits(&retention.borrow());
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
    let bytes = if retention.database_size == 0 { u64::MAX } else { retention.database_size };
    Limits { journal_age: age(retention.journal), runs_age: age(retention.runs), bytes, ..Limits::default() }
}

fn open_runs(snapshot: &Snapshot) -> Vec<RunId> {
    snapshot.runs.iter().filter(|run| run.state == Some(RunState::Open)).filter_map(|run| run.run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{Event, Timestamp};
    use tmuxagent_store::{Batch, JournalRow, Reader, backups};

    #[tokio::test]
    async fn each_round_makes_a_backup_and_keeps_what_is_configured_by_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (store, _) = Store::open(&path, Timestamp(0)).unwrap();
        let event = Event::PolicyLoaded { hash: "h".to_owned() };
        let row = JournalRow { at: Timestamp(0), event, changed: true, notes: Vec::new() };
        store.commit(Batch { events: vec![row], ..Batch::new(Timestamp(0)) }).await.unwrap();
        let for_ever = Retention { journal: Millis(0), ..Retention::default() };
        let (configured, retention) = watch::channel(for_ever);
        let shown = watch::channel(Arc::new(Snapshot::default())).1;
        let ground = Ground { retention, shown, clock: Clock::start(Timestamp(0)) };
        let rows = || Reader::open(&path).unwrap().journal(0).count();
        round(&store, &ground).await.unwrap();
        assert_eq!((rows(), backups(&path).unwrap().len()), (1, 1));
        configured.send_replace(Retention::default());
        round(&store, &ground).await.unwrap();
        assert_eq!(rows(), 0, "it is far older than three months");
    }
}
