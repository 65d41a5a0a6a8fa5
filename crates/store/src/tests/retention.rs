use super::*;

const DAY: i64 = 24 * 60 * 60 * 1000;

async fn sweep_all(store: &Store, now: Timestamp, limits: &Limits, open: &[RunId]) -> (u32, u64) {
    let (mut steps, mut rows) = (0, 0);
    loop {
        let swept = store.sweep(now, limits.clone(), open.to_vec()).await.unwrap();
        (steps, rows) = (steps + 1, rows + swept.rows);
        if !swept.more {
            return (steps, rows);
        }
        assert!(swept.rows <= 5 * 500, "a step is small");
    }
}

async fn count(store: &Store, table: &'static str) -> u64 {
    store
        .read(move |reader| {
            Ok(reader.conn().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_old_goes_and_what_is_needed_stays() {
    let room = Room::new();
    let (store, _) = room.open();
    let note = |run| (Severity::Info, String::new(), Note::RunStarted { run: RunId(run), pipeline: "ci".to_owned() });
    let mut old = Batch::new(at(0));
    old.events = (0..1200).map(|n| row(line(1, &n.to_string()))).collect();
    old.events.push(JournalRow { at: at(0), event: line(1, "open"), changed: true, notes: vec![note(1)] });
    old.events.push(JournalRow { at: at(0), event: line(1, "ended"), changed: true, notes: vec![note(2)] });
    old.changes = vec![
        set(EntityKind::Run, "2", "{}"),
        set(EntityKind::Approval, "2", &serde_json::to_string(&approval("2")).unwrap()),
        set(EntityKind::Meta, "meta", "{}"),
    ];
    old.positions = vec![(pane(1), Some("{}".to_owned())), (pane(2), Some("{}".to_owned()))];
    old.outbox = vec![message("ntfy", "sent", at(0)), message("ntfy", "waits", at(0))];
    let done = store.commit(old).await.unwrap();
    let sent = Mark { state: OutboxState::Sent, tried: true, next_at: at(0), answer: String::new() };
    store.outbox_mark(done.outbox[0], at(0), sent).await.unwrap();
    let mut close = Batch::new(at(1));
    close.changes = vec![unset(EntityKind::Run, "2"), unset(EntityKind::Approval, "2")];
    store.commit(close).await.unwrap();
    let now = at(400 * DAY);
    let recent = Batch {
        events: vec![JournalRow { at: now, ..row(line(2, "new")) }],
        notes: vec![told("new")],
        positions: vec![(pane(2), Some("{}".to_owned()))],
        ..Batch::new(now)
    };
    let last = store.commit(recent).await.unwrap().last_seq;

    assert_eq!(sweep_all(&store, at(DAY), &Limits::default(), &[RunId(1)]).await, (1, 0), "nothing is old yet");
    let (steps, _) = sweep_all(&store, now, &Limits::default(), &[RunId(1)]).await;
    assert!(steps >= 3, "{steps}");
    let left: Vec<Event> = Reader::open(&room.path()).unwrap().journal(0).map(|entry| entry.unwrap().event).collect();
    assert_eq!(left, [line(1, "open"), line(2, "new")]);
    for (table, rows) in [("notes", 1), ("outbox", 1), ("history", 1), ("entities", 1), ("positions", 1)] {
        assert_eq!(count(&store, table).await, rows, "{table}");
    }
    let reader = Reader::open(&room.path()).unwrap();
    assert_eq!(reader.approval("2").unwrap(), Found::One(approval("2")), "decisions are kept for ever");
    assert_eq!(reader.past_runs(9).unwrap(), []);
    drop(reader);
    sweep_all(&store, now, &Limits::default(), &[]).await;
    assert_eq!(count(&store, "journal").await, 1, "once the run has ended");

    let limits = Limits { journal_age: Millis(0), ..Limits::default() };
    sweep_all(&store, now + Millis(1), &limits, &[]).await;
    assert_eq!(count(&store, "journal").await, 0);
    let next = store.commit(Batch { events: vec![row(line(2, "x"))], ..Batch::new(now) }).await.unwrap();
    assert_eq!(next.first_seq, last + 1, "numbers are never used again");
}

#[tokio::test]
async fn a_database_that_is_too_big_shrinks_to_its_limit() {
    let room = Room::new();
    let (store, _) = room.open();
    for _ in 0..8 {
        let mut batch = Batch::new(at(0));
        batch.durability = Durability::Process;
        batch.events = (0..500).map(|_| row(line(1, &"x".repeat(2000)))).collect();
        store.commit(batch).await.unwrap();
    }
    let size = || std::fs::metadata(room.path()).unwrap().len();
    store.run_sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
    assert!(size() > 8_000_000, "{}", size());
    let limits = Limits { bytes: 3_000_000, ..Limits::default() };
    let (steps, rows) = sweep_all(&store, at(1), &limits, &[]).await;
    assert!(steps > 5 && rows >= 2500, "{steps} steps, {rows} rows");
    store.run_sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
    assert!(size() < 4_500_000, "the file itself shrank, to {} bytes", size());
    let rest: Vec<u64> = Reader::open(&room.path()).unwrap().journal(0).map(|entry| entry.unwrap().seq).collect();
    assert_eq!(rest.last(), Some(&4000), "the oldest went");
    assert!(rest.len() >= 500);

    let newest = *rest.last().unwrap();
    let all_open = Limits { bytes: 0, ..limits };
    let mut batch = Batch::new(at(2));
    let note = (Severity::Info, String::new(), Note::RunStarted { run: RunId(9), pipeline: "ci".to_owned() });
    batch.events = vec![JournalRow { at: at(2), event: line(1, "kept"), changed: true, notes: vec![note] }];
    store.commit(batch).await.unwrap();
    sweep_all(&store, at(3), &all_open, &[RunId(9)]).await;
    let rest: Vec<u64> = Reader::open(&room.path()).unwrap().journal(0).map(|entry| entry.unwrap().seq).collect();
    assert_eq!(rest, [newest + 1], "a limit that can't be met takes no row of an open run and ends");
}

#[tokio::test]
async fn the_oldest_runs_go_where_no_journal_row_is_left_to_go() {
    let room = Room::new();
    let (store, _) = room.open();
    for run in 1..=60 {
        let key = run.to_string();
        let opened = Batch { changes: vec![set(EntityKind::Run, &key, &"x".repeat(40_000))], ..Batch::new(at(run)) };
        store.commit(opened).await.unwrap();
        let ended = Batch { changes: vec![unset(EntityKind::Run, &key)], ..Batch::new(at(run)) };
        store.commit(ended).await.unwrap();
    }
    let limits = Limits { bytes: 2_000_000, ..Limits::default() };
    sweep_all(&store, at(100), &limits, &[]).await;
    let left = store
        .read(|reader| {
            let mut statement = reader.conn().prepare("SELECT CAST(key AS INTEGER) FROM history ORDER BY at")?;
            Ok(statement.query_map([], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()?)
        })
        .await
        .unwrap();
    assert_eq!(left, (21..=60).collect::<Vec<_>>(), "no more than were too many");
}
