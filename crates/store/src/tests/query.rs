use super::*;

async fn filled(room: &Room) -> Store {
    let (store, _) = room.open();
    for n in 0..20_i64 {
        let severity = if n % 5 == 0 { Severity::Error } else { Severity::Info };
        let mut batch = Batch::new(at(n * 1000));
        let place = if n % 2 == 0 { "proj:even.0" } else { "proj:odd.0" };
        let note = Note::RunStarted { run: RunId(u64::try_from(n % 3).unwrap()), pipeline: "ci".to_owned() };
        batch.events = vec![JournalRow {
            at: at(n * 1000),
            event: line(u32::try_from(n % 4).unwrap(), &n.to_string()),
            changed: true,
            notes: vec![(severity, place.to_owned(), note)],
        }];
        store.commit(batch).await.unwrap();
    }
    store
}

#[tokio::test]
async fn events_are_the_newest_that_fit() {
    let room = Room::new();
    let store = filled(&room).await;
    let all = EventFilter { limit: 100, ..EventFilter::default() };
    let table = [
        (EventFilter { limit: 3, ..all.clone() }, vec![18, 19, 20]),
        (EventFilter { after: 18, ..all.clone() }, vec![19, 20]),
        (EventFilter { after: 20, ..all.clone() }, vec![]),
        (EventFilter { severity: Some(Severity::Warning), ..all.clone() }, vec![1, 6, 11, 16]),
        (EventFilter { place: Some("odd".to_owned()), after: 12, ..all.clone() }, vec![14, 16, 18, 20]),
        (EventFilter { run: Some(RunId(2)), after: 12, ..all.clone() }, vec![15, 18]),
        (EventFilter { since: Some(at(18_000)), ..all.clone() }, vec![19, 20]),
        (EventFilter::default(), vec![]),
    ];
    for (filter, expected) in table {
        let asked = filter.clone();
        let lines = store.read(move |reader| reader.events(&asked)).await.unwrap();
        assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn the_journal_is_read_from_any_row() {
    let room = Room::new();
    let store = filled(&room).await;
    let reader = Reader::open(&room.path()).unwrap();
    let seqs = |rows: Vec<JournalEntry>| rows.into_iter().map(|entry| entry.seq).collect::<Vec<_>>();
    let after: Result<Vec<_>, _> = reader.journal(17).collect();
    assert_eq!(seqs(after.unwrap()), [18, 19, 20]);
    let first = reader.journal(0).next().unwrap().unwrap();
    assert_eq!(first, JournalEntry { seq: 1, at: at(0), event: line(0, "0") });
    drop(store);
}

#[tokio::test]
async fn a_long_journal_is_read_by_pages() {
    let room = Room::new();
    let (store, _) = room.open();
    let mut batch = Batch::new(at(0));
    batch.events = (0..1234).map(|n| row(line(1, &n.to_string()))).collect();
    store.commit(batch).await.unwrap();
    let read: Vec<u64> = Reader::open(&room.path()).unwrap().journal(0).map(|entry| entry.unwrap().seq).collect();
    assert_eq!(read, (1..=1234).collect::<Vec<_>>());
}

#[tokio::test]
async fn approvals_are_found_by_their_beginning_and_remembered_for_ever() {
    let room = Room::new();
    let (store, _) = room.open();
    let body = |id: &str| serde_json::to_string(&approval(id)).unwrap();
    let held = |id: &str| format!("{{\"approval\":{},\"grace\":null}}", body(id));
    let mut batch = Batch::new(at(0));
    batch.changes = vec![
        set(EntityKind::Approval, "01AA", &body("01AA")),
        set(EntityKind::Approval, "01AB", &held("01AB")),
        set(EntityKind::Approval, "01ABX", &body("01ABX")),
        set(EntityKind::Run, "7", "{\"number\":7}"),
        set(EntityKind::Approval, "02A", &body("02A")),
        set(EntityKind::Approval, "02B", &body("02B").replace("\"pending\"", "\"approved\"")),
        set(EntityKind::Approval, "02C", &body("02C").replace("\"pending\"", "\"expired\"")),
    ];
    store.commit(batch).await.unwrap();
    let mut batch = Batch::new(at(5));
    batch.changes = vec![unset(EntityKind::Approval, "01AA"), unset(EntityKind::Run, "7")];
    store.commit(batch).await.unwrap();

    let reader = Reader::open(&room.path()).unwrap();
    assert_eq!(reader.approval("01AA").unwrap(), Found::One(approval("01AA")), "closed");
    assert_eq!(reader.approval("01AB").unwrap(), Found::One(approval("01AB")), "exact wins over longer");
    assert_eq!(reader.approval("01ABX").unwrap(), Found::One(approval("01ABX")));
    let several = ["01AB", "01ABX", "01AA"].map(str::to_owned).to_vec();
    assert_eq!(reader.approval("01A").unwrap(), Found::Several(several));
    assert_eq!(reader.approval("02").unwrap(), Found::One(approval("02A")), "the only open one");
    for unknown in ["", "03", "%", "01aa"] {
        assert_eq!(reader.approval(unknown).unwrap(), Found::None, "{unknown}");
    }
    let ids: Vec<String> = reader.approvals(2).unwrap().into_iter().map(|approval| approval.id.0).collect();
    assert_eq!(ids, ["02B", "02C"]);
    assert_eq!(reader.approvals(10).unwrap().len(), 6);
    assert_eq!(reader.past_runs(10).unwrap(), [(RunId(7), at(5), "{\"number\":7}".to_owned())]);
    assert_eq!(reader.entity(EntityKind::Run, "7").unwrap(), None);
}

#[tokio::test]
async fn a_reader_writes_nothing_and_sees_what_was_committed() {
    let room = Room::new();
    let (store, _) = room.open();
    let reader = Reader::open(&room.path()).unwrap();
    assert!(reader.conn().execute("DELETE FROM journal", []).is_err());
    let none = EventFilter { limit: 9, ..EventFilter::default() };
    assert_eq!(reader.events(&none).unwrap(), []);
    store.commit(Batch { notes: vec![told("x")], ..Batch::new(at(1)) }).await.unwrap();
    assert_eq!(reader.events(&none).unwrap().len(), 1);
    assert_eq!(reader.schema().unwrap(), (6, 6));
    assert!(Reader::open(&room.folder.path().join("none.db")).is_err(), "a reader makes no file");
    assert!(!room.folder.path().join("none.db").exists());
}

/// Each has a cache of its own, so what one busy instant needs is not kept.
#[tokio::test]
async fn many_that_read_at_once_leave_few_connections() {
    let room = Room::new();
    let (store, _) = room.open();
    let together = std::sync::Arc::new(std::sync::Barrier::new(8));
    let reads: Vec<_> = (0..8)
        .map(|_| {
            let (store, together) = (store.clone(), std::sync::Arc::clone(&together));
            tokio::spawn(async move {
                let meet = move |_: &Reader| {
                    together.wait();
                    Ok(())
                };
                store.read(meet).await
            })
        })
        .collect();
    for read in reads {
        read.await.unwrap().unwrap();
    }
    assert_eq!(store.idle_readers(), 2);
}
