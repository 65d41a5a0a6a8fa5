use super::*;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn what_was_committed_is_restored() {
    let room = Room::new();
    let (store, restored) = room.open();
    assert_eq!(restored, Restored::default());

    let mut batch = Batch::new(at(10));
    batch.events = vec![
        JournalRow { at: at(10), ..row(line(1, "BUILD OK")) },
        JournalRow { at: at(10), event: Event::Activity { pane: pane(1) }, changed: false, notes: Vec::new() },
        JournalRow {
            at: at(10),
            event: Event::PaneGone { pane: pane(2), unwatched: false, by: None },
            changed: false,
            notes: vec![told("a"), told("b")],
        },
    ];
    batch.notes = vec![told("c")];
    batch.changes = vec![
        set(EntityKind::Run, "1", "{\"n\":1}"),
        set(EntityKind::Run, "1", "{\"n\":2}"),
        set(EntityKind::Meta, "meta", "{}"),
        set(EntityKind::Timer, "gone", "{}"),
        unset(EntityKind::Timer, "gone"),
    ];
    batch.positions =
        vec![(pane(1), Some("{\"row\":7}".to_owned())), (pane(2), Some("{}".to_owned())), (pane(2), None)];
    let done = store.commit(batch).await.unwrap();
    assert_eq!((done.first_seq, done.last_seq), (1, 2), "what changed nothing and tells nothing is not journaled");
    assert_eq!(done.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 2, 3]);
    store.close().await;

    let (store, restored) = room.open();
    assert_eq!(
        restored.entities,
        [
            (EntityKind::Meta, "meta".to_owned(), "{}".to_owned()),
            (EntityKind::Run, "1".to_owned(), "{\"n\":2}".to_owned())
        ]
    );
    assert_eq!(restored.positions, [(pane(1), "{\"row\":7}".to_owned())]);
    assert_eq!((restored.last_seq, restored.last_at), (2, at(10)));
    assert_eq!(restored.recent, done.lines);
    let next = store.commit(Batch::new(at(11))).await.unwrap();
    assert_eq!((next.first_seq, next.last_seq), (3, 2), "an empty batch has no rows");
}

#[tokio::test]
async fn commits_are_numbered_in_the_order_they_were_asked_for() {
    let room = Room::new();
    let (store, _) = room.open();
    let commits = (0..50u32).map(|n| {
        let mut batch = Batch::new(at(i64::from(n)));
        batch.events = vec![row(line(n, "x"))];
        store.commit(batch)
    });
    let mut tasks = Vec::new();
    for commit in commits {
        tasks.push(commit.await.unwrap().first_seq);
    }
    assert_eq!(tasks, (1..=50).collect::<Vec<_>>());
    let journal = store
        .read(|reader| reader.journal(0).map(|entry| Ok(entry?.seq)).collect::<Result<Vec<_>, _>>())
        .await
        .unwrap();
    assert_eq!(journal, tasks);
}

/// Many commits with no pause in between: the log is folded in all the same, and a reader that holds it delays nobody.
#[tokio::test]
async fn the_log_of_a_busy_state_stays_small() {
    let room = Room::new();
    let (store, _) = room.open();
    let log = super::super::files::beside(&room.path(), "-wal");
    let bytes = || std::fs::metadata(&log).map_or(0, |meta| meta.len());
    let text = "x".repeat(40_000);
    let commit = async |n: u32| {
        let mut batch = Batch::new(at(i64::from(n)));
        batch.events = vec![row(line(n, &text))];
        store.commit(batch).await.unwrap();
    };
    // Whoever reads for a moment holds it; it is tried again.
    let until_it_shrinks = async |from: u32| {
        let (mut n, mut before) = (from, 0);
        while bytes() >= before {
            before = bytes();
            commit(n).await;
            n += 1;
            assert!(n < from + 2000, "{before} bytes");
        }
        n
    };
    let bound = super::super::writer::LOG_BYTES;
    let first = until_it_shrinks(0).await;
    assert!(bytes() < bound);
    // It sees what stood there when it began.
    let reader = rusqlite::Connection::open(room.path()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let seen: u32 = reader.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, first);
    for n in first..first + 100 {
        commit(n).await;
    }
    assert!(bytes() > bound, "{} bytes: nothing is taken from under it", bytes());
    reader.execute_batch("COMMIT").unwrap();
    until_it_shrinks(first + 100).await;
    store.close().await;
}

#[tokio::test]
async fn the_settings_are_as_documented() {
    let room = Room::new();
    let (store, _) = room.open();
    for (name, value) in [
        ("journal_mode", "wal"),
        ("synchronous", "1"),
        ("foreign_keys", "1"),
        ("busy_timeout", "5000"),
        ("wal_autocheckpoint", "4000"),
        ("journal_size_limit", "16777216"),
        ("auto_vacuum", "2"),
        ("cell_size_check", "1"),
        ("trusted_schema", "0"),
        ("user_version", "6"),
        ("recursive_triggers", "1"),
    ] {
        assert_eq!(store.pragma(name).await, value, "{name}");
    }
    for durability in [Durability::Process, Durability::PowerLoss] {
        let batch = Batch { durability, notes: vec![told("x")], ..Batch::new(at(1)) };
        store.commit(batch).await.unwrap();
        assert_eq!(store.pragma("synchronous").await, "1", "a durable commit leaves the usual setting");
    }
    let inside = store
        .on_writer(|conn| {
            writer::durably(conn, || Ok(conn.pragma_query_value(None, "synchronous", |r| r.get::<_, i64>(0))?))
        })
        .await
        .unwrap();
    assert_eq!(inside, 2, "FULL");
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let room = Room::new();
    let path = room.folder.path().join("deep/er/state.db");
    let (store, _) = Store::open(&path, at(0)).unwrap();
    store.commit(Batch { notes: vec![told("x")], ..Batch::new(at(1)) }).await.unwrap();
    let made = store.backup(at(2), 3).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for folder in ["deep", "deep/er", "deep/er/backups"] {
        assert_eq!(mode(&room.folder.path().join(folder)), 0o700, "{folder}");
    }
    for file in ["state.db", "state.db-wal", "state.db-shm", "state.db.lock"] {
        assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&made.path), 0o600);

    drop(store);
    let open_file = room.folder.path().join("old.db");
    std::fs::write(&open_file, "").unwrap();
    std::fs::set_permissions(&open_file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _store = Store::open(&open_file, at(0)).unwrap();
    assert_eq!(mode(&open_file), 0o600, "a file that others could read is closed to them");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let room = Room::new();
    let (store, _) = room.open();
    let other = store.clone();
    store.close().await;
    let error = other.commit(Batch::new(at(0))).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Closed));
    assert!(!room.path().with_file_name("state.db-wal").exists(), "the log is folded in at the end");
    room.open();
}
