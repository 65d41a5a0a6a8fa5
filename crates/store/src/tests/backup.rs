use super::*;
use std::path::Path;

async fn commit_one(store: &Store, n: i64) {
    store.commit(Batch { events: vec![row(line(1, &n.to_string()))], ..Batch::new(at(n)) }).await.unwrap();
}

fn journal(path: &Path) -> Vec<u64> {
    Reader::open(path).unwrap().journal(0).map(|entry| entry.unwrap().seq).collect()
}

#[tokio::test]
async fn backups_roll_and_the_newest_are_kept() {
    let room = Room::new();
    let (store, _) = room.open();
    let mut made = Vec::new();
    for n in 1..=5 {
        commit_one(&store, n).await;
        made.push(store.backup(at(n * 1000), 3).await.unwrap());
    }
    let kept = backups(&room.path()).unwrap();
    let newest_first: Vec<_> = made.iter().rev().take(3).map(|made| made.path.clone()).collect();
    assert_eq!(kept, newest_first);
    assert_eq!(made[3].removed, [made[0].path.clone()]);
    assert_eq!(journal(&kept[0]), [1, 2, 3, 4, 5]);
    assert_eq!(journal(&kept[2]), [1, 2, 3]);
    let names: Vec<_> = std::fs::read_dir(room.folder.path().join("backups"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-shm") && !name.ends_with("-wal"))
        .collect();
    assert_eq!(names.len(), 3, "nothing else lies there: {names:?}");
    assert!(names.iter().all(|name| name.starts_with("state-2027")), "{names:?}");
}

#[tokio::test]
async fn commits_go_on_while_a_backup_is_made() {
    let room = Room::new();
    let (store, _) = room.open();
    for n in 0..20 {
        let mut batch = Batch::new(at(n));
        batch.events = (0..500).map(|_| row(line(1, &"x".repeat(1000)))).collect();
        store.commit(batch).await.unwrap();
    }
    let copying = tokio::spawn({
        let store = store.clone();
        async move { store.backup(at(1), 2).await }
    });
    let mut during = 0;
    while !copying.is_finished() {
        commit_one(&store, 100 + during).await;
        during += 1;
    }
    let made = copying.await.unwrap().unwrap();
    assert!(during > 1, "{during} commits were served meanwhile");
    let copied = journal(&made.path).len();
    assert!(copied >= 10_000, "{copied}");
    assert_eq!(checked(&made.path).unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn one_backup_at_a_time_and_the_end_does_not_wait_for_it() {
    let room = Room::new();
    let (store, _) = room.open();
    let mut batch = Batch::new(at(0));
    batch.events = (0..5000).map(|_| row(line(1, &"x".repeat(1000)))).collect();
    store.commit(batch).await.unwrap();
    let first = store.backup(at(1), 2);
    let second = store.backup(at(2), 2);
    let third = store.clone().close();
    let (first, second, ()) = tokio::join!(first, second, third);
    assert!(matches!(second.unwrap_err().fault, Fault::BackupRuns));
    assert!(matches!(first.unwrap_err().fault, Fault::Closed));
    assert_eq!(std::fs::read_dir(room.folder.path().join("backups")).unwrap().count(), 0, "no half copy is left");
    drop(room.open());
}

#[tokio::test]
async fn a_damaged_database_is_restored_from_the_newest_sound_backup() {
    let room = Room::new();
    let path = room.path();
    let (store, _) = room.open();
    commit_one(&store, 1).await;
    let sound = store.backup(at(1000), 5).await.unwrap().path;
    commit_one(&store, 2).await;
    let torn = store.backup(at(2000), 5).await.unwrap().path;
    let refused = restore(&path, None, &|_, _, _| None).unwrap_err().to_string();
    assert!(refused.contains("in use by another tmuxagent (process "), "{refused}");
    store.close().await;
    std::fs::write(&torn, "no database").unwrap();
    std::fs::write(&path, "damaged").unwrap();
    let error = Store::open(&path, at(0)).unwrap_err().to_string();
    assert!(error.contains("restore the last backup with `tmuxagent db restore`"), "{error}");

    let done = restore(&path, None, &|_, _, _| None).unwrap();
    assert_eq!((done.from, done.passed_over[0].0.clone()), (sound.clone(), torn));
    assert_eq!(std::fs::read(done.aside.unwrap()).unwrap(), b"damaged", "nothing is thrown away");
    let (store, restored) = room.open();
    assert_eq!(restored.last_seq, 1);
    commit_one(&store, 3).await;
    store.close().await;

    let again = restore(&path, Some(&sound), &|_, _, _| None).unwrap();
    assert!(again.aside.unwrap().exists());
    assert_eq!(journal(&path), [1]);
    let named = restore(&path, Some(&room.folder.path().join("none.db")), &|_, _, _| None).unwrap_err().to_string();
    assert!(named.starts_with("no sound backup in "), "{named}");
    assert_eq!(journal(&path), [1], "a refused restoration changes nothing");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(restore(&path, None, &|_, _, _| None).unwrap().aside, None, "a lost database is restored too");
}

#[tokio::test]
async fn a_check_finds_what_is_broken() {
    let room = Room::new();
    let (store, _) = room.open();
    let mut batch = Batch::new(at(0));
    batch.events = (0..300).map(|n| row(line(1, &format!("{n} {}", "x".repeat(400))))).collect();
    batch.changes = vec![set(EntityKind::Meta, "meta", "{}")];
    batch.outbox = vec![message("ntfy", "a", at(0))];
    store.commit(batch).await.unwrap();
    let health = checked(&room.path()).unwrap();
    assert_eq!(
        (health.problems.len(), health.journal_rows, health.entities, health.waiting_alerts, health.schema),
        (0, 300, 1, 1, 6),
        "while it is written"
    );
    store.close().await;

    let mut bytes = std::fs::read(room.path()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 64].fill(0xff);
    std::fs::write(room.path(), bytes).unwrap();
    match checked(&room.path()) {
        Ok(health) => assert!(!health.problems.is_empty()),
        Err(error) => assert!(matches!(error, OpenError::Damaged { .. }), "{error}"),
    }
}

#[tokio::test]
async fn the_export_is_one_line_of_json_per_row() {
    let room = Room::new();
    let (store, _) = room.open();
    let event = line(1, "BUILD OK \u{1b}[31m\n中文");
    let notes = vec![told("a"), told("b")];
    let batch = Batch { events: vec![JournalRow { at: at(7), event, changed: true, notes }], ..Batch::new(at(7)) };
    store.commit(batch).await.unwrap();
    store
        .commit(Batch { events: vec![JournalRow { at: at(8), ..row(line(2, "x")) }], ..Batch::new(at(8)) })
        .await
        .unwrap();
    let mut out = Vec::new();
    let reader = Reader::open(&room.path()).unwrap();
    assert_eq!(export(&reader, 0, &mut out).unwrap(), 2);
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains('\u{1b}'), "control characters are escaped");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["event"]["text"], "BUILD OK \u{1b}[31m\n中文");
    assert_eq!((&lines[0]["seq"], &lines[0]["at"]), (&serde_json::json!(1), &serde_json::json!(at(7))));
    assert_eq!(lines[0]["notes"][1]["note"]["text"], "b");
    let mut out = Vec::new();
    assert_eq!(export(&reader, 1, &mut out).unwrap(), 1);
}

/// Whatever a start can't read is found, in every table, though SQLite itself finds nothing wrong with the pages.
#[tokio::test]
async fn a_check_reads_every_row_as_a_start_does() {
    let spoilt = [
        ("entities", "UPDATE entities SET body = replace(body, '{', '~')", "row meta meta of `entities`"),
        ("kind", "UPDATE entities SET kind = 'mexa'", "a start would refuse"),
        ("positions", "UPDATE positions SET pane = 'no pane'", "a start would refuse"),
        ("journal", "UPDATE journal SET event = replace(event, 'BUILD', x'22')", "row 1 of `journal`"),
        ("notes", "UPDATE notes SET note = substr(note, 2)", "row 1 of `notes`"),
        ("outbox", "UPDATE outbox SET alert = '[]'", "row 1 of `outbox`"),
        ("history", "UPDATE history SET body = '{'", "row run 7 of `history`"),
    ];
    for (what, sql, found) in spoilt {
        let room = Room::new();
        let (store, _) = room.open();
        let mut batch = Batch::new(at(0));
        let event = line(1, "BUILD OK");
        batch.events = vec![JournalRow { at: at(1), event, changed: true, notes: vec![told("a")] }];
        batch.changes = vec![set(EntityKind::Meta, "meta", "{}"), set(EntityKind::Run, "7", "{}")];
        batch.changes.push(unset(EntityKind::Run, "7"));
        batch.positions = vec![(pane(1), Some("{}".to_owned()))];
        batch.outbox = vec![message("ntfy", "a", at(0))];
        store.commit(batch).await.unwrap();
        store.close().await;
        let change = |sql: &str| rusqlite::Connection::open(room.path()).unwrap().execute_batch(sql).unwrap();
        let entity = |_, _: &str, body: &str| {
            serde_json::from_str::<serde_json::Value>(body).map(drop).map_err(|error| error.to_string())
        };
        let problems = || check(&room.path(), None, &entity).unwrap().problems;
        assert_eq!(problems(), Vec::<String>::new(), "{what}");
        change(sql);
        let problems = problems();
        assert!(problems.iter().any(|problem| problem.starts_with(found)), "{what}: {problems:?}");
    }
}

#[tokio::test]
async fn a_backup_is_made_beside_a_running_writer() {
    let room = Room::new();
    let (store, _) = room.open();
    commit_one(&store, 1).await;
    let path = room.path();
    let made = tokio::task::spawn_blocking(move || back_up(&path, at(1000), 3).unwrap());
    for n in 2..50 {
        commit_one(&store, n).await;
    }
    let made = made.await.unwrap();
    assert_eq!(journal(&made.path)[0], 1);
    assert_eq!(checked(&made.path).unwrap().problems, Vec::<String>::new());
    assert_eq!(backups(&room.path()).unwrap(), [made.path]);
    commit_one(&store, 50).await;
    assert_eq!(journal(&room.path()).len(), 50, "the writer goes on");
}

#[tokio::test]
async fn a_restoration_forgets_places_changes_rows_and_says_what_came_later() {
    let room = Room::new();
    let (store, _) = room.open();
    let asked = |state| {
        let body = serde_json::to_string(&Approval { state, ..approval("A1") }).unwrap();
        set(EntityKind::Approval, "A1", &body)
    };
    let mut batch = Batch { events: vec![row(line(1, "x"))], ..Batch::new(at(1)) };
    batch.changes = vec![asked(ApprovalState::Pending), set(EntityKind::Meta, "meta", "{}")];
    batch.positions = vec![(pane(1), Some("{}".to_owned()))];
    store.commit(batch).await.unwrap();
    let copy = store.backup(at(1000), 5).await.unwrap().path;
    let mut batch = Batch { events: vec![row(line(1, "y")), row(line(1, "z"))], ..Batch::new(at(2)) };
    batch.changes = vec![asked(ApprovalState::Approved)];
    store.commit(batch).await.unwrap();
    store.close().await;

    let since = since(&room.path(), &copy).unwrap();
    assert_eq!((since.at, since.events, since.typed, since.reopened.len()), (at(1), 2, 0, 1));
    assert_eq!(since.reopened[0].after.state, ApprovalState::Approved);
    let other = |kind, _: &str, _: &str| (kind == EntityKind::Meta).then(|| "{\"runs\":1}".to_owned());
    restore(&room.path(), Some(&copy), &other).unwrap();
    let (_, restored) = room.open();
    assert_eq!(restored.positions, [], "what was printed since is the past");
    let meta = restored.entities.iter().find(|(kind, ..)| *kind == EntityKind::Meta).unwrap();
    assert_eq!(meta.2, "{\"runs\":1}");
    assert_eq!(restored.last_seq, 1);
}
