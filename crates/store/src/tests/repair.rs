//! Damaged rows are set aside where nothing goes on from them, and only there.

use super::digest::filled;
use super::*;
use rusqlite::Connection;

fn spoil(room: &Room, sql: &str) {
    Connection::open(room.path()).unwrap().execute_batch(sql).unwrap();
}

fn mend(room: &Room, only_look: bool) -> Result<Repair, RepairError> {
    repair(&room.path(), at(5000), &|_, _, _| Ok(()), only_look)
}

#[tokio::test]
async fn rows_that_nothing_goes_on_from_are_set_aside_and_the_file_is_kept() {
    let cases = [
        ("notes", "100", "UPDATE notes SET place = 'q' WHERE id = 100"),
        ("notes", "100", "UPDATE notes SET note = 'no json' WHERE id = 100"),
        ("notes", "117", "UPDATE notes SET journal = 58 WHERE id = 117"),
        ("journal", "59", "UPDATE journal SET event = replace(event, 'files', 'piles') WHERE seq = 59"),
        ("journal", "60", "UPDATE journal SET at = at + 1 WHERE seq = 60"),
        ("history", "approval A3", "UPDATE history SET at = at - 1 WHERE key = 'A3'"),
        ("history", "run 3", "UPDATE history SET body = '{}' WHERE kind = 'run' AND key = '3'"),
    ];
    for (table, row, sql) in cases {
        let room = Room::new();
        filled(&room).await;
        spoil(&room, sql);
        assert!(Store::open(&room.path(), at(0)).is_err(), "{sql}");
        let before = std::fs::read(room.path()).unwrap();
        let seen = mend(&room, true).unwrap();
        assert_eq!((seen.backup, std::fs::read(room.path()).unwrap() == before), (None, true), "{sql}");
        let done = mend(&room, false).unwrap();
        let rows: Vec<_> = done.rows.iter().map(|row| (row.table, &*row.row)).collect();
        assert_eq!((rows, &done.rows), (vec![(table, row)], &seen.rows), "{sql}");
        assert_eq!(std::fs::read(done.backup.unwrap()).unwrap(), before, "{sql}");
        assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new(), "{sql}");
        room.open().0.close().await;
        assert_eq!(mend(&room, false).unwrap().rows, [], "{sql}");
    }
}

#[tokio::test]
async fn what_a_start_goes_on_from_is_never_touched() {
    let needed = [
        "UPDATE entities SET body = replace(body, '60', '61') WHERE kind = 'meta'",
        "UPDATE entities SET body = replace(body, 'deploy', 'delete') WHERE key = 'A1'",
        "UPDATE positions SET at = at + 1 WHERE pane LIKE '%4003'",
        "UPDATE outbox SET attempts = 4 WHERE id = 9",
        "UPDATE sqlite_sequence SET seq = seq + 64 WHERE name = 'outbox'",
        "DELETE FROM journal WHERE seq = 60",
    ];
    let room = Room::new();
    filled(&room).await;
    let whole = std::fs::read(room.path()).unwrap();
    for sql in needed {
        std::fs::write(room.path(), &whole).unwrap();
        // A damaged row that could be set aside stays too: all or nothing.
        spoil(&room, sql);
        for more in ["", "UPDATE notes SET place = 'q' WHERE id = 100"] {
            spoil(&room, more);
            let before = std::fs::read(room.path()).unwrap();
            let refused = mend(&room, false);
            assert!(matches!(refused, Err(RepairError::Needed { .. })), "{sql}: {refused:?}");
            assert_eq!(std::fs::read(room.path()).unwrap(), before, "{sql}");
        }
    }
}

#[tokio::test]
async fn a_database_in_use_is_left_alone() {
    let room = Room::new();
    let (store, _) = room.open();
    assert!(matches!(mend(&room, false), Err(RepairError::Open(OpenError::InUse { .. }))));
    store.close().await;
}
