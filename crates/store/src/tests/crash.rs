//! What was acknowledged is there, and nothing is torn: under `kill -9`, and for images of the files cut off anywhere.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Rows of the journal per batch.
const ROWS: i64 = 3;

/// The batch of a number: every table gets something.
fn batch(n: i64) -> Batch {
    let mut batch = Batch::new(at(n));
    batch.events = (0..ROWS).map(|i| row(line(1, &format!("{n}.{i} {}", "x".repeat(200))))).collect();
    batch.notes = vec![told(&n.to_string())];
    batch.changes = vec![
        set(EntityKind::Meta, "n", &n.to_string()),
        set(EntityKind::Intent, &format!("i{n}"), "{}"),
        unset(EntityKind::Intent, &format!("i{}", n - 1)),
    ];
    batch.positions = vec![(pane(1), Some(n.to_string()))];
    batch.outbox = vec![message("ntfy", &n.to_string(), at(0))];
    batch.durability = if n % 2 == 0 { Durability::PowerLoss } else { Durability::Process };
    batch
}

/// The number of the last batch in a file, which must be a whole number of batches.
fn whole_batches(path: &Path) -> i64 {
    let reader = Reader::open(path).unwrap();
    let number = reader.entity(EntityKind::Meta, "n").unwrap().map_or(0, |body| body.parse().unwrap());
    let count = |sql: &str| reader.conn().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM journal"), number * ROWS);
    assert_eq!(count("SELECT coalesce(max(seq), 0) FROM journal"), number * ROWS);
    assert_eq!(count("SELECT count(*) FROM notes"), number);
    assert_eq!(count("SELECT count(*) FROM outbox"), number);
    assert_eq!(count("SELECT count(*) FROM entities WHERE kind = 'intent'"), number.min(1));
    assert_eq!(count("SELECT coalesce(max(CAST(anchor AS INTEGER)), 0) FROM positions"), number);
    assert_eq!(checked(path).unwrap().problems, Vec::<String>::new());
    number
}

/// Commits numbered batches for ever, tells each that was acknowledged, and makes backups meanwhile.
#[test]
fn committer() {
    let Some(path) = std::env::var_os("TMUXAGENT_TEST_COMMITTER") else { return };
    let path = PathBuf::from(path);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (store, restored) = Store::open(&path, at(0)).unwrap();
        let number = restored.entities.iter().find(|(kind, ..)| *kind == EntityKind::Meta);
        let first = number.map_or(0, |(.., body)| body.parse().unwrap()) + 1;
        for n in first..=i64::MAX {
            store.commit(batch(n)).await.unwrap();
            // In one piece: a killed process leaves no half line.
            std::io::stderr().write_all(format!("ack {n}\n").as_bytes()).unwrap();
            if n % 7 == 0 {
                let store = store.clone();
                tokio::spawn(async move { store.backup(at(n * 1000), 2).await });
            }
            if n % 11 == 0 {
                store.sweep(at(n), Limits::default(), Vec::new()).await.unwrap();
            }
        }
    });
}

#[test]
fn killed_at_any_instant_it_keeps_what_it_acknowledged() {
    let rounds: u32 = std::env::var("TMUXAGENT_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let room = Room::new();
    let path = room.path();
    let first_seed = seed();
    let mut random = first_seed;
    for round in 0..rounds {
        let mut child = other_process("tests::crash::committer", &[("TMUXAGENT_TEST_COMMITTER", &path)])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let acknowledged = Arc::new(AtomicI64::new(0));
        let other = Arc::new(Mutex::new(String::new()));
        let told = BufReader::new(child.stderr.take().unwrap());
        let listener = std::thread::spawn({
            let (acknowledged, other) = (Arc::clone(&acknowledged), Arc::clone(&other));
            move || {
                for line in told.lines().map_while(Result::ok) {
                    match line.strip_prefix("ack ").and_then(|n| n.parse().ok()) {
                        Some(n) => acknowledged.store(n, Ordering::SeqCst),
                        None => other.lock().unwrap().push_str(&line),
                    }
                }
            }
        });
        // Some are killed while they start, most in the middle of the work.
        let wanted = i64::try_from(draw(&mut random, 12)).unwrap();
        let before = acknowledged.load(Ordering::SeqCst);
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while acknowledged.load(Ordering::SeqCst) < before + wanted && !listener.is_finished() {
            assert!(std::time::Instant::now() < deadline, "seed {first_seed}: {}", other.lock().unwrap());
            std::thread::yield_now();
        }
        // A few commits on, somewhere in the middle of one.
        std::thread::sleep(Duration::from_micros(draw(&mut random, 5000)));
        child.kill().unwrap();
        child.wait().unwrap();
        listener.join().unwrap();
        assert_eq!(other.lock().unwrap().as_str(), "", "round {round}, seed {first_seed}");
        if !path.exists() {
            continue;
        }
        let (store, _) = Store::open(&path, at(0)).unwrap();
        let stored = whole_batches(&path);
        let promised = acknowledged.load(Ordering::SeqCst);
        assert!(stored >= promised, "round {round}, seed {first_seed}: {stored} of {promised}");
        drop(store);
        wait_for_lock(&path);
        for copy in backups(&path).unwrap() {
            assert!(whole_batches(&copy) <= stored);
        }
    }
    assert!(whole_batches(&path) > 0);
}

/// The writer of a dropped store ends a moment later.
fn wait_for_lock(path: &Path) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !matches!(super::super::files::lock(path), Ok(Ok(_))) {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
}

/// Images of database and log after each commit, as a disk holds them that did what it was told.
async fn images(room: &Room, commits: i64) -> (Vec<u8>, Vec<u8>, Vec<usize>) {
    let (store, _) = room.open();
    let path = room.path();
    let wal = super::super::files::beside(&path, "-wal");
    // On the writer's thread, so that no checkpoint comes between.
    store
        .on_writer(move |conn| {
            let mut lengths = Vec::new();
            for n in 1..=commits {
                let batch = batch(n);
                writer::durably(conn, || {
                    Ok(super::super::batch::write(conn, &batch, &tmuxagent_model::Redaction::default())?)
                })?;
                lengths.push(usize::try_from(std::fs::metadata(&wal)?.len()).unwrap());
            }
            Ok((std::fs::read(&path)?, std::fs::read(&wal)?, lengths))
        })
        .await
        .unwrap()
}

/// Opens an image and returns how many batches it holds.
fn opened(database: &[u8], log: &[u8], what: &str) -> i64 {
    let room = Room::new();
    std::fs::write(room.path(), database).unwrap();
    std::fs::write(super::super::files::beside(&room.path(), "-wal"), log).unwrap();
    match Store::open(&room.path(), at(0)) {
        Ok(_store) => whole_batches(&room.path()),
        Err(error) => panic!("{what}: {error}"),
    }
}

#[tokio::test]
async fn a_log_cut_off_anywhere_holds_the_commits_before_it() {
    let room = Room::new();
    let (database, log, lengths) = images(&room, 12).await;
    let first_seed = seed();
    let mut random = first_seed;
    let mut cuts: Vec<usize> =
        lengths.iter().flat_map(|&length| [length - 1, length, length + 1, length + 24]).collect();
    cuts.extend((0..60).map(|_| usize::try_from(draw(&mut random, log.len() as u64)).unwrap()));
    cuts.retain(|cut| *cut <= log.len());
    for cut in cuts {
        let what = format!("cut at {cut} of {}, seed {first_seed}", log.len());
        let held = opened(&database, &log[..cut], &what);
        let synced = lengths.iter().filter(|&&length| length <= cut).count();
        assert_eq!(held, i64::try_from(synced).unwrap(), "{what}");
    }
}

#[tokio::test]
async fn a_log_with_a_damaged_tail_holds_the_commits_before_the_damage() {
    let room = Room::new();
    let (database, log, lengths) = images(&room, 12).await;
    let first_seed = seed();
    let mut random = first_seed;
    for round in 0..60 {
        let from = usize::try_from(draw(&mut random, log.len() as u64)).unwrap();
        let mut torn = log.clone();
        match round % 3 {
            0 => torn[from] ^= 1 << draw(&mut random, 8),
            1 => torn[from..].fill(0),
            // Sectors that were written out of order: what stands behind a hole does not count.
            _ => {
                let end = (from + 512).min(torn.len());
                torn[from..end].fill(0xee);
            }
        }
        let what = format!("damage at {from} of {}, round {round}, seed {first_seed}", log.len());
        let held = opened(&database, &torn, &what);
        let synced = i64::try_from(lengths.iter().filter(|&&length| length <= from).count()).unwrap();
        let intact = torn == log;
        assert!(if intact { held == 12 } else { held == synced }, "{what}: {held} of {synced}");
    }
}

#[tokio::test]
async fn an_image_of_the_running_store_at_any_commit_opens() {
    let room = Room::new();
    let (store, _) = room.open();
    let path = room.path();
    // Checkpoints all the time, so that images hold logs that were used again.
    store.run_sql("PRAGMA wal_autocheckpoint = 20").await;
    for n in 1..=60 {
        store.commit(batch(n)).await.unwrap();
        let source = path.clone();
        let (database, log) = store
            .on_writer(move |_| {
                Ok((std::fs::read(&source)?, std::fs::read(super::super::files::beside(&source, "-wal"))?))
            })
            .await
            .unwrap();
        assert_eq!(opened(&database, &log, &format!("after {n}")), n);
    }
}
