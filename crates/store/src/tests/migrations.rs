use super::super::schema;
use super::*;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// A file as a tmuxagent of an earlier schema left it, with a row in each table that it knew.
fn file_of(version: i32, path: &std::path::Path) {
    let mut conn = Connection::open(path).unwrap();
    schema::prepare_new_file(&conn).unwrap();
    schema::prepare_writer(&conn).unwrap();
    let rows = [
        "",
        "INSERT INTO journal (at, pane, run, event) VALUES (5, NULL, 1, '{\"event\":\"policy_loaded\",\"hash\":\"h\"}');
         INSERT INTO notes (journal, at, severity, place, run, note)
             VALUES (1, 5, 3, 'p:w.0', 1, '{\"note\":\"text\",\"text\":\"x\"}');
         INSERT INTO entities VALUES ('run', '1', '{}');
         INSERT INTO positions VALUES ('local/server-1/%1/4001', '{}', 5);",
        "INSERT INTO outbox (channel, key, dedupe, alert, state, next_at, created_at, updated_at) VALUES ('ntfy', 'a', 'a',
             '{\"kind\":\"custom\",\"urgency\":\"low\",\"title\":\"t\",\"body\":\"b\",\"dedupe\":\"a\"}', 'waiting', 5, 5, 5);",
        "INSERT INTO history VALUES ('run', '1', 5, '{}');",
        "",
        "",
        "",
    ];
    assert_eq!(rows.len(), schema::MIGRATIONS.len() + 1, "a new migration needs its rows here");
    for (step, row) in (0..=version).zip(rows) {
        schema::migrate(&mut conn, step).unwrap();
        conn.execute_batch(row).unwrap();
    }
}

#[tokio::test]
async fn files_of_every_earlier_schema_are_carried_over() {
    for version in 0..=schema::LATEST {
        let room = Room::new();
        file_of(version, &room.path());
        if version < schema::LATEST {
            let early = Reader::open(&room.path()).unwrap_err();
            assert!(matches!(early, OpenError::Older { .. }), "a reader carries nothing over: {early}");
        }
        let (store, restored) = room.open();
        assert_eq!(store.pragma("user_version").await, schema::LATEST.to_string());
        assert_eq!(restored.migrated_from, (1..schema::LATEST).contains(&version).then_some(version));
        if version >= 1 {
            assert_eq!((restored.last_seq, restored.last_at), (1, Timestamp(5)), "from schema {version}");
            assert_eq!(restored.entities, [(EntityKind::Run, "1".to_owned(), "{}".to_owned())]);
            assert_eq!(restored.positions, [(pane(1), "{}".to_owned())]);
            assert_eq!(restored.recent.len(), 1);
        }
        assert_eq!(store.outbox_due(Timestamp(5), 9).await.unwrap().len(), usize::from(version >= 2));
        let past = store.read(|reader| reader.past_runs(9)).await.unwrap();
        assert_eq!(past.len(), usize::from(version >= 3));
        let done = store.commit(Batch { events: vec![row(line(1, "x"))], ..Batch::new(at(1)) }).await.unwrap();
        assert_eq!(done.first_seq, restored.last_seq + 1);
        store.close().await;
        assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new(), "from schema {version}");

        // What the file was is kept, but not as one of the rolling backups.
        let kept: Vec<_> = match std::fs::read_dir(room.folder.path().join("backups")) {
            Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        };
        assert_eq!(kept.len(), usize::from(restored.migrated_from.is_some()), "{kept:?}");
        for copy in kept {
            let conn = schema::open_reader(&copy).unwrap();
            assert_eq!(schema::version(&conn).unwrap(), version);
        }
        assert!(backups(&room.path()).unwrap().is_empty());
        assert_eq!(room.open().1.migrated_from, None, "once");
    }
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let room = Room::new();
    file_of(1, &room.path());
    let conn = Connection::open(room.path()).unwrap();
    conn.execute_batch("CREATE TABLE history (x)").unwrap();
    drop(conn);
    let error = Store::open(&room.path(), at(0)).unwrap_err();
    assert!(matches!(error, OpenError::Other { .. }), "{error}");
    let conn = Connection::open(room.path()).unwrap();
    assert_eq!(schema::version(&conn).unwrap(), 1);
    assert!(conn.prepare("SELECT * FROM outbox").is_err(), "not even the migrations before it");
}

#[test]
fn a_published_migration_is_never_changed() {
    let digests: Vec<String> = schema::MIGRATIONS
        .iter()
        .map(|migration| Sha256::digest(migration.as_bytes())[..6].iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    insta::assert_compact_debug_snapshot!(digests, @r#"["80856aec6df7", "acf02f8bed25", "548ed231f972", "55ed834f68f2", "02d97899a78f", "45f60d8e5a1b"]"#);
}
