//! What is whole, and older than what was written last.

use super::digest::{everything, filled};
use super::*;
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Pages that are put back where the environment does not say more.
const PUT_BACK: u64 = 60;

const LIVES: i64 = 6;

const PAGE: usize = 4096;

/// The file as each life of a supervisor left it, the last one last.
async fn lives(room: &Room) -> Vec<Vec<u8>> {
    filled(room).await;
    let mut files = vec![std::fs::read(room.path()).unwrap()];
    for life in 1..LIVES {
        let (store, _) = room.open();
        for n in 0..5 {
            let now = 1000 * life + n;
            let mut batch = Batch::new(at(now));
            batch.events = vec![JournalRow { notes: vec![told("typed")], ..row(line(1, &format!("line {now}"))) }];
            batch.changes = vec![
                set(EntityKind::Meta, "meta", &format!("{{\"runs\":{now}}}")),
                set(EntityKind::Intent, &now.to_string(), "{\"state\":\"begun\"}"),
                set(EntityKind::Intent, &(now - 1).to_string(), "{\"state\":\"done\"}"),
                unset(EntityKind::Intent, &(now - 2).to_string()),
                unset(EntityKind::Approval, &format!("A{}", 5 * life + n)),
            ];
            batch.positions = vec![(pane(u32::try_from(life).unwrap()), Some(format!("{{\"rows\":{now}}}")))];
            batch.outbox = vec![message("ntfy", &format!("n{now}"), at(now))];
            store.commit(batch).await.unwrap();
            let mark = Mark { state: OutboxState::Sent, tried: true, next_at: at(0), answer: "200".to_owned() };
            store.outbox_mark(40 + now % 20, at(now), mark).await.unwrap();
        }
        let limits = Limits { notes_age: Millis(3000), ..Limits::default() };
        store.sweep(at(1000 * life + 9), limits, Vec::new()).await.unwrap();
        store.close().await;
        files.push(std::fs::read(room.path()).unwrap());
    }
    files
}

/// `TMUXAGENT_STORE_PAGES=2000` puts more of them back.
#[tokio::test]
async fn a_page_that_is_put_back_is_found_or_changes_nothing() {
    let room = Room::new();
    let mut files = lives(&room).await;
    let last = files.pop().unwrap();
    assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new());
    let before = everything(&room.path()).unwrap();
    let older = |(number, page): (usize, &[u8])| {
        let kept: BTreeSet<&[u8]> = files.iter().filter_map(|file| file.chunks(PAGE).nth(number)).collect();
        kept.into_iter().filter(|old| *old != page).map(|old| (number, old.to_vec())).collect::<Vec<_>>()
    };
    let pages: Vec<(usize, Vec<u8>)> = last.chunks(PAGE).enumerate().flat_map(older).collect();
    assert!(pages.len() > 50, "{}", pages.len());
    let count = std::env::var("TMUXAGENT_STORE_PAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(PUT_BACK);
    let begun = seed();
    let (mut random, mut found, mut missed) = (begun, 0, Vec::new());
    for _ in 0..count {
        let (number, old) = &pages[usize::try_from(draw(&mut random, pages.len() as u64)).unwrap()];
        let mut bytes = last.clone();
        bytes[number * PAGE..(number + 1) * PAGE].copy_from_slice(old);
        let file = || {
            let room = Room::new();
            std::fs::write(room.path(), &bytes).unwrap();
            room
        };
        let one = file();
        let by_check = checked(&one.path()).map_or(true, |health| !health.problems.is_empty());
        let by_start = Store::open(&one.path(), at(0)).is_err();
        if by_check && by_start {
            found += 1;
        } else if everything(&file().path()).as_ref() != Ok(&before) {
            missed.push(format!("page {}: check {by_check}, start {by_start}", number + 1));
        }
    }
    println!("{} older pages of {}, {found} found", pages.len(), last.len() / PAGE);
    assert!(missed.is_empty(), "seed {begun}: {missed:?}");
    assert!(found > 0, "seed {begun}");
}

#[tokio::test]
async fn rows_that_are_gone_or_older_are_named_and_refused() {
    let room = Room::new();
    filled(&room).await;
    let whole = std::fs::read(room.path()).unwrap();
    let (store, _) = room.open();
    store.backup(at(900), 9).await.unwrap();
    store.close().await;
    for (table, sql) in [
        ("entities", "DELETE FROM entities WHERE kind = 'meta'"),
        ("positions", "DELETE FROM positions"),
        ("journal", "DELETE FROM journal WHERE seq = 59"),
        ("outbox", "DELETE FROM outbox WHERE id = 9"),
        ("history", "DELETE FROM history WHERE key = 'A3'"),
        ("notes", "DELETE FROM notes WHERE id = 100"),
        ("outbox", "UPDATE sums SET sum = sum + 1 WHERE name = 'outbox'"),
        ("outbox", "DELETE FROM sums WHERE name = 'outbox'"),
    ] {
        std::fs::write(room.path(), &whole).unwrap();
        let conn = Connection::open(room.path()).unwrap();
        conn.execute_batch(sql).unwrap();
        conn.close().unwrap();
        let told = format!("rows of `{table}` are gone, or older than what was written last");
        let problems = checked(&room.path()).unwrap().problems;
        assert!(problems.contains(&told), "{sql}: {problems:?}");
        assert!(Store::open(&room.path(), at(0)).is_err(), "{sql}");
        assert!(back_up(&room.path(), at(2000), 9).is_err(), "{sql}: it never takes a good one's place");
        let mended = repair(&room.path(), at(5000), &|_, _, _| Ok(()), false);
        assert!(matches!(mended, Err(RepairError::Needed { .. })), "{sql}: {mended:?}");
    }
    restore(&room.path(), None, &|kind, _, _| (kind == EntityKind::Meta).then(|| "{\"runs\":7}".to_owned())).unwrap();
    assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new());
}

/// Where the digest itself was damaged, the sum was made with the other one.
#[tokio::test]
async fn a_row_whose_digest_is_damaged_is_set_aside() {
    let room = Room::new();
    filled(&room).await;
    let conn = Connection::open(room.path()).unwrap();
    conn.execute_batch("UPDATE notes SET digest = digest + 1 WHERE id = 100").unwrap();
    conn.close().unwrap();
    let done = repair(&room.path(), at(5000), &|_, _, _| Ok(()), false).unwrap();
    assert_eq!(done.rows.len(), 1);
    assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_commit_writes_one_more_page() {
    let room = Room::new();
    let (store, _) = room.open();
    let batch = |n: i64| Batch {
        events: (0..9).map(|k| JournalRow { notes: vec![told("x")], ..row(line(1, &format!("{n} {k}"))) }).collect(),
        changes: (0..9).map(|k| set(EntityKind::Run, &k.to_string(), &format!("{{\"n\":{n}}}"))).collect(),
        positions: (1..5).map(|k| (pane(k), Some(format!("{{\"rows\":{n}}}")))).collect(),
        outbox: vec![message("ntfy", &n.to_string(), at(n))],
        ..Batch::new(at(n))
    };
    store.commit(batch(1)).await.unwrap();
    let log = super::super::files::beside(&room.path(), "-wal");
    let before = std::fs::read(&log).unwrap().len();
    store.commit(batch(2)).await.unwrap();
    let written = std::fs::read(&log).unwrap();
    let root = store
        .read(|reader| {
            let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'sums'";
            Ok(reader.conn().query_row(sql, [], |row| row.get::<_, u32>(0))?)
        })
        .await
        .unwrap();
    let pages: Vec<u32> =
        written[before..].chunks(24 + PAGE).map(|frame| u32::from_be_bytes(frame[..4].try_into().unwrap())).collect();
    assert_eq!(pages.iter().filter(|page| **page == root).count(), 1, "{pages:?}");
}

/// A backup of the schema before, whose rows have digests and no sums.
#[tokio::test]
async fn a_backup_without_sums_is_restored() {
    let room = Room::new();
    filled(&room).await;
    let backup = room.folder.path().join("old.db");
    std::fs::copy(room.path(), &backup).unwrap();
    let conn = Connection::open(&backup).unwrap();
    conn.execute_batch("DROP TABLE sums; PRAGMA user_version = 5").unwrap();
    conn.close().unwrap();
    restore(&room.path(), Some(&backup), &|kind, _, _| (kind == EntityKind::Meta).then(|| "{}".to_owned())).unwrap();
    room.open().0.close().await;
    assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new());
}
