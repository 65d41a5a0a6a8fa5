//! What was damaged is found, also where it still parses.

use super::*;
use rusqlite::Connection;

/// Bits that are flipped where the environment does not say more.
const FLIPS: u64 = 150;

const SETUP: &str = "setup-1";

/// A closed database with rows in all tables, some of them changed and some let go, and free pages.
pub(super) async fn filled(room: &Room) {
    let (store, _) = room.open();
    for n in 1..=60 {
        let mut batch = Batch::new(at(n));
        let notes = vec![told(&format!("step {n} of a build that takes its time"))];
        batch.events = vec![JournalRow { at: at(n), notes, ..row(line(1, &format!("{n} files compiled"))) }];
        batch.notes = vec![told("nothing led to this")];
        let key = (n % 9).to_string();
        let asked = Approval { question: format!("deploy {n}?"), ..approval(&format!("A{n}")) };
        batch.changes = vec![
            set(EntityKind::Meta, "meta", &format!("{{\"runs\":{n}}}")),
            set(EntityKind::Run, &key, &format!("{{\"n\":{n}}}")),
            set(EntityKind::Approval, asked.id.as_str(), &serde_json::to_string(&asked).unwrap()),
        ];
        if n % 3 == 0 {
            batch.changes.extend([unset(EntityKind::Approval, asked.id.as_str()), unset(EntityKind::Run, &key)]);
        }
        let position = format!("{{\"rows\":{n}}}");
        batch.positions = vec![(pane(u32::try_from(n % 7).unwrap()), Some(position))];
        batch.outbox = vec![message(["ntfy", "mail"][usize::from(n % 2 == 0)], &n.to_string(), at(n % 11))];
        // A second one of the same key is the first one.
        batch.outbox.push(batch.outbox[0].clone());
        store.commit(batch).await.unwrap();
    }
    for id in 1..=30 {
        let mark = Mark { state: OutboxState::Sent, tried: true, next_at: at(90), answer: format!("200 {id}") };
        store.outbox_mark(id, at(80 + id), mark).await.unwrap();
    }
    for id in 31..=40 {
        store.outbox_fail(id, at(85), true, "403", SETUP).await.unwrap();
    }
    store.outbox_put_back((31..=35).collect(), "setup-2", Mended::Configured, at(95)).await.unwrap();
    store.outbox_put_back((36..=37).collect(), "setup-3", Mended::Works, at(96)).await.unwrap();
    store.outbox_release("ntfy", at(97)).await.unwrap();
    // The oldest events go, and the notes of them stay; so do those that nobody may let go.
    let limits = Limits { journal_age: Millis(70), ..Limits::default() };
    store.sweep(at(100), limits, vec![RunId(1)]).await.unwrap();
    store.close().await;
    assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new());
}

/// All that readers are told of a database, each way they ask; what can't be read is a difference.
pub(super) fn everything(path: &std::path::Path) -> Result<String, String> {
    fn told<T: std::fmt::Debug, E: std::fmt::Display>(what: Result<T, E>) -> Result<String, String> {
        what.map(|what| format!("{what:?}\n")).map_err(|error| error.to_string())
    }
    let reader = Reader::open(path).map_err(|error| error.to_string())?;
    let restored = super::super::open::restore(reader.conn()).map_err(|error| error.to_string())?;
    let mut all = format!("{restored:?}\n");
    for (kind, key, _) in &restored.entities {
        all += &told(reader.entity(*kind, key))?;
    }
    all += &told(reader.events(&EventFilter { limit: 10_000, ..EventFilter::default() }))?;
    for run in 0..9 {
        all += &told(reader.events(&EventFilter { limit: 99, run: Some(RunId(run)), ..EventFilter::default() }))?;
    }
    all += &told(reader.journal(0).collect::<Result<Vec<_>, _>>())?;
    all += &told(reader.approvals(1000))?;
    for n in 1..=60 {
        all += &told(reader.approval(&format!("A{n}")))?;
    }
    all += &told(reader.past_runs(1000))?;
    all += &told(reader.outbox_log(None, 1000))?;
    for clause in [
        "WHERE state = 'waiting' AND next_at <= 1800000000005 ORDER BY next_at, id",
        "WHERE state = 'waiting' AND channel = 'mail' ORDER BY next_at, id",
        "WHERE channel = 'ntfy' AND key = '41'",
        "WHERE channel = 'ntfy' AND dedupe = '41' AND (updated_at >= 0 OR state = 'waiting') ORDER BY id DESC",
        "WHERE state = 'failed' AND channel = 'mail' AND setup <> 'x' AND revived <> 'x' ORDER BY id",
    ] {
        all += &told(reader.outbox_rows(clause, []))?;
    }
    let mut lines = Vec::new();
    export(&reader, 0, &mut lines).map_err(|error| error.to_string())?;
    Ok(all + &String::from_utf8_lossy(&lines))
}

#[derive(Debug, Default)]
struct Flips {
    found: u64,
    harmless: u64,
    /// What readers are told otherwise, and a check or a start lets pass.
    missed: Vec<String>,
}

impl Flips {
    /// Flips one bit and looks.
    fn flip(&mut self, whole: &[u8], bit: usize, before: &str) {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let file = || {
            let room = Room::new();
            std::fs::write(room.path(), &bytes).unwrap();
            room
        };
        let room = file();
        let by_check = checked(&room.path()).map_or(true, |health| !health.problems.is_empty());
        let by_start = Store::open(&room.path(), at(0)).is_err();
        if by_check && by_start {
            self.found += 1;
            return;
        }
        match everything(&file().path()) {
            Ok(after) if after == before => self.harmless += 1,
            _ => self.missed.push(format!("bit {bit}: check {by_check}, start {by_start}")),
        }
    }
}

/// `TMUXAGENT_STORE_FLIPS=2000` looks harder.
#[tokio::test]
async fn a_flipped_bit_is_found_or_changes_nothing() {
    let room = Room::new();
    filled(&room).await;
    let (whole, before) = (std::fs::read(room.path()).unwrap(), everything(&room.path()).unwrap());
    let count = std::env::var("TMUXAGENT_STORE_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(FLIPS);
    let begun = seed();
    let (mut random, mut flips) = (begun, Flips::default());
    for _ in 0..count {
        let bit = draw(&mut random, whole.len() as u64 * 8);
        flips.flip(&whole, usize::try_from(bit).unwrap(), &before);
    }
    println!("{} bytes, {} found, {} harmless", whole.len(), flips.found, flips.harmless);
    assert!(flips.missed.is_empty(), "seed {begun}: {:?}", flips.missed);
    assert!(flips.found > 0, "seed {begun}");
}

/// A value that is as good as the one that was written.
const SPOILT: [(&str, &str, &str); 9] = [
    ("entities", "UPDATE entities SET body = replace(body, '60', '61') WHERE kind = 'meta'", "row meta meta of"),
    ("entities", "UPDATE entities SET key = 'mete' WHERE kind = 'meta'", "row meta mete of"),
    ("positions", "UPDATE positions SET at = at + 1 WHERE pane LIKE '%4003'", "row local/server-1/%3/4003 of"),
    ("history", "UPDATE history SET at = at - 1 WHERE key = 'A3'", "row approval A3 of"),
    ("journal", "UPDATE journal SET event = replace(event, 'files', 'piles') WHERE seq = 59", "row 59 of"),
    ("notes", "UPDATE notes SET journal = 58 WHERE journal = 59", "row 117 of"),
    ("outbox", "UPDATE outbox SET attempts = 4 WHERE id = 9", "row 9 of"),
    ("outbox", "UPDATE sqlite_sequence SET seq = seq + 64 WHERE name = 'outbox'", "the last number of"),
    ("journal", "DELETE FROM journal WHERE seq = 60", "the last number of"),
];

#[tokio::test]
async fn what_still_parses_is_named_and_refused() {
    let room = Room::new();
    filled(&room).await;
    let good = back_up(&room.path(), at(1000), 9).unwrap().path;
    let whole = std::fs::read(room.path()).unwrap();
    for (table, sql, row) in SPOILT {
        std::fs::write(room.path(), &whole).unwrap();
        Connection::open(room.path()).unwrap().execute_batch(sql).unwrap();
        let told = format!("{row} `{table}` is not what was written");
        assert!(checked(&room.path()).unwrap().problems.contains(&told), "{sql}");
        let refused = Store::open(&room.path(), at(0)).unwrap_err().to_string();
        assert!(refused.contains(&told) && refused.contains("`tmuxagent db restore`"), "{refused}");
        let refused = back_up(&room.path(), at(2000), 9).unwrap_err().to_string();
        assert!(refused.contains(&told), "it never takes a good one's place: {refused}");
        let spoilt = room.folder.path().join("backups").join("state-20990101T000000Z.db");
        std::fs::copy(room.path(), &spoilt).unwrap();
        let chosen = choose(&room.path(), None).unwrap();
        assert_eq!((&chosen.file, &chosen.passed_over), (&good, &vec![(spoilt.clone(), told)]));
        std::fs::remove_file(spoilt).unwrap();
    }
    restore(&room.path(), None, &|kind, _, _| (kind == EntityKind::Meta).then(|| "{\"runs\":7}".to_owned())).unwrap();
    assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new());
    drop(room.open());
}

#[tokio::test]
async fn a_change_heals_no_damage() {
    let room = Room::new();
    filled(&room).await;
    let conn = Connection::open(room.path()).unwrap();
    conn.execute_batch("PRAGMA wal_autocheckpoint = 0").unwrap();
    let (store, _) = room.open();
    conn.execute_batch(
        "UPDATE outbox SET answer = 'x' WHERE id IN (31, 38, 45, 46);
         UPDATE entities SET body = replace(body, 'deploy 1', 'deploy 9') WHERE key = 'A1';
         UPDATE notes SET place = 'q' WHERE id = 117;",
    )
    .unwrap();
    let mark = Mark { state: OutboxState::Waiting, tried: true, next_at: at(900), answer: "500".to_owned() };
    store.outbox_mark(45, at(800), mark.clone()).await.unwrap();
    store.outbox_mark(46, at(800), mark).await.unwrap();
    store.outbox_release("mail", at(801)).await.unwrap();
    store.outbox_fail(31, at(802), true, "403", SETUP).await.unwrap();
    assert_eq!(store.outbox_put_back(vec![38], "setup-4", Mended::Works, at(803)).await.unwrap(), 1);
    store.commit(Batch { changes: vec![unset(EntityKind::Approval, "A1")], ..Batch::new(at(804)) }).await.unwrap();
    let limits = Limits { journal_age: Millis(0), ..Limits::default() };
    store.sweep(at(5000), limits, Vec::new()).await.unwrap();
    store.close().await;
    drop(conn);
    let written = |row: &str, table: &str| format!("row {row} of `{table}` is not what was written");
    let mut told = vec![written("approval A1", "history"), written("117", "notes")];
    told.extend(["31", "38", "45", "46"].map(|row| written(row, "outbox")));
    assert_eq!(checked(&room.path()).unwrap().problems, told);
}

/// Numbers go on though no row is left that has one, and nobody who looks takes that for damage.
#[tokio::test]
async fn numbers_of_rows_that_are_gone_are_remembered() {
    let room = Room::new();
    filled(&room).await;
    let (store, restored) = room.open();
    let none = Limits { journal_age: Millis(0), notes_age: Millis(0), outbox_age: Millis(0), ..Limits::default() };
    for id in 1..=60 {
        let mark = Mark { state: OutboxState::Sent, tried: true, next_at: at(90), answer: String::new() };
        store.outbox_mark(id, at(99), mark).await.unwrap();
    }
    store.sweep(at(5000), none, Vec::new()).await.unwrap();
    store.close().await;
    let health = checked(&room.path()).unwrap();
    assert_eq!((health.problems, health.journal_rows), (Vec::new(), 0));
    let (store, after) = room.open();
    assert_eq!(after.last_seq, restored.last_seq);
    let mut batch = Batch { events: vec![row(line(1, "x"))], ..Batch::new(at(6000)) };
    batch.outbox = vec![message("ntfy", "new", at(0))];
    let done = store.commit(batch).await.unwrap();
    assert_eq!((done.first_seq, done.outbox), (61, vec![61]));
    store.close().await;
    assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new());
}
