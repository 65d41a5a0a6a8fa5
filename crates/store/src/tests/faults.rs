use super::*;
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

async fn add(store: &Store, n: i64) -> Result<Committed, StoreError> {
    let mut batch = Batch::new(at(n));
    batch.events = vec![row(line(1, &format!("{n} {}", "x".repeat(3000))))];
    batch.notes = vec![told("x")];
    batch.changes = vec![set(EntityKind::Meta, "n", &n.to_string())];
    store.commit(batch).await
}

/// The numbers that are stored: the state's, and how many journal rows and notes there are.
fn stored(path: &std::path::Path) -> (i64, usize, usize) {
    let reader = Reader::open(path).unwrap();
    let number = reader.entity(EntityKind::Meta, "n").unwrap().map_or(0, |body| body.parse().unwrap());
    let notes = reader.events(&EventFilter { limit: 100_000, ..EventFilter::default() }).unwrap().len();
    (number, reader.journal(0).map(Result::unwrap).count(), notes)
}

#[tokio::test]
async fn what_is_no_sound_database_is_copied_aside_and_left_as_it_is() {
    let room = Room::new();
    let (store, _) = room.open();
    for n in 1..=60 {
        add(&store, n).await.unwrap();
    }
    store.close().await;
    let whole = std::fs::read(room.path()).unwrap();
    let mut page = whole.clone();
    page[5 * 4096..6 * 4096].fill(0x5a);
    let mut header = whole.clone();
    header[..16].fill(0);
    for (name, bytes) in
        [("text", b"hello".repeat(1000)), ("cut", whole[..whole.len() / 2].to_vec()), ("page", page), ("head", header)]
    {
        let room = Room::new();
        std::fs::write(room.path(), &bytes).unwrap();
        let asides: Vec<PathBuf> = (0..2)
            .map(|_| match Store::open(&room.path(), at(0)) {
                Err(OpenError::Damaged { aside: Some(aside), has_backup: false, .. }) => aside,
                other => panic!("{name}: {other:?}"),
            })
            .collect();
        assert_eq!(asides[0], asides[1], "{name}: starting again makes no second copy");
        assert_eq!(std::fs::read(&asides[0]).unwrap(), bytes, "{name}");
        assert_eq!(std::fs::read(room.path()).unwrap(), bytes, "{name}: it is not touched");
        let mode = std::fs::metadata(&asides[0]).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
fn the_messages_say_what_where_and_the_way_out() {
    let path = || PathBuf::from("/s/state.db");
    let source = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let texts = [
        OpenError::Folder { path: "/s".into(), source: source() },
        OpenError::ReadOnly { path: path(), source: source() },
        OpenError::InUse { path: path(), pid: Some(42) },
        OpenError::Newer { path: path(), found: 9, known: 3 },
        OpenError::Older { path: path(), found: 1, known: 3 },
        OpenError::Damaged {
            path: path(),
            what: "file is not a database".to_owned(),
            aside: Some("/s/state.db.broken-1".into()),
            has_backup: true,
        },
        OpenError::Damaged { path: path(), what: "x".to_owned(), aside: None, has_backup: false },
        OpenError::NoWal { path: path(), mode: "delete".to_owned() },
    ]
    .map(|error| error.to_string());
    insta::assert_snapshot!(texts.join("\n"), @r"
    the state folder /s can't be used: permission denied; make it writable or set `sqlite_path` to another place
    the state database /s/state.db is read-only: permission denied; make it writable (`chmod u+w`) or set `sqlite_path` to another place
    the state database /s/state.db is in use by another tmuxagent (process 42); end that one, or set `sqlite_path` to another place
    the state database /s/state.db has schema 9, this tmuxagent knows up to 3; install the newer tmuxagent again, or set `sqlite_path` to another place
    the state database /s/state.db has schema 1 of an older tmuxagent; start `tmuxagent` once, which carries it over to schema 3
    the state database /s/state.db is damaged: file is not a database; a copy is kept as /s/state.db.broken-1; `tmuxagent db repair` sets aside what nothing needs; else restore the last backup with `tmuxagent db restore`
    the state database /s/state.db is damaged: x; no copy of it could be made; `tmuxagent db repair` sets aside what nothing needs; there is no backup yet: else move the file away to start afresh, or run `tmuxagent db restore FILE`
    the file system of /s/state.db can't hold the state database (no write-ahead log: delete); set `sqlite_path` to a folder on a local Linux file system
    ");
    let full = StoreError::from(Fault::Full).at(&path()).to_string();
    insta::assert_snapshot!(full, @"/s/state.db: the disk of the state database is full; free some space");
}

#[test]
fn databases_of_others_and_of_the_future_are_left_alone() {
    let room = Room::new();
    let conn = Connection::open(room.path()).unwrap();
    conn.execute_batch("CREATE TABLE songs (name TEXT)").unwrap();
    drop(conn);
    let before = std::fs::read(room.path()).unwrap();
    assert!(matches!(Store::open(&room.path(), at(0)), Err(OpenError::NotOurs { .. })));
    assert!(matches!(Reader::open(&room.path()), Err(OpenError::NotOurs { .. })));
    assert_eq!(std::fs::read(room.path()).unwrap(), before);

    let room = Room::new();
    drop(room.open());
    let conn = Connection::open(room.path()).unwrap();
    conn.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(conn);
    wait_until(|| matches!(Store::open(&room.path(), at(0)), Err(OpenError::Newer { found: 99, known: 6, .. })));
    assert!(matches!(Reader::open(&room.path()), Err(OpenError::Newer { .. })));
}

/// The writer of a dropped store ends a moment later.
fn wait_until(mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !holds() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
}

#[test]
fn one_process_writes() {
    let room = Room::new();
    let (store, _) = room.open();
    let mine = std::process::id();
    match Store::open(&room.path(), at(0)) {
        Err(OpenError::InUse { pid, .. }) => assert_eq!(pid, Some(mine)),
        other => panic!("{other:?}"),
    }
    drop(store);
    wait_until(|| Store::open(&room.path(), at(0)).is_ok());
}

#[tokio::test]
async fn another_program_that_holds_the_database_fails_a_commit_and_no_more() {
    let room = Room::new();
    let (store, _) = room.open();
    add(&store, 1).await.unwrap();
    store.run_sql("PRAGMA busy_timeout = 50").await;
    let other = Connection::open(room.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = add(&store, 2).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Busy) && error.is_passing(), "{error}");
    assert_eq!(stored(&room.path()), (1, 1, 1));
    other.execute_batch("ROLLBACK").unwrap();
    add(&store, 2).await.unwrap();
    assert_eq!(stored(&room.path()), (2, 2, 2));

    store.run_sql("PRAGMA busy_timeout = 30000").await;
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (done, ()) = tokio::join!(add(&store, 3), async { other.execute_batch("ROLLBACK").unwrap() });
    done.expect("a short hold is waited for");
}

#[tokio::test]
async fn a_full_disk_fails_the_commit_and_the_next_one_works() {
    let room = Room::new();
    let (store, _) = room.open();
    add(&store, 1).await.unwrap();
    store.run_sql("PRAGMA max_page_count = 40").await;
    let mut n = 1;
    let error = loop {
        match add(&store, n + 1).await {
            Ok(_) => n += 1,
            Err(error) => break error,
        }
        assert!(n < 1000);
    };
    assert!(matches!(error.fault, Fault::Full) && error.is_passing(), "{error}");
    for _ in 0..3 {
        assert!(add(&store, 999).await.is_err());
        let rows = usize::try_from(n).unwrap();
        assert_eq!(stored(&room.path()), (n, rows, rows), "nothing of it is there");
    }
    store.run_sql("PRAGMA max_page_count = 100000").await;
    add(&store, n + 1).await.unwrap();
    assert_eq!(stored(&room.path()).0, n + 1);
    assert_eq!(checked(&room.path()).unwrap().problems, Vec::<String>::new());
}

/// Runs in a process whose files may not grow beyond a soft limit: writes are cut in the middle, as on a full disk.
#[test]
fn writes_of_a_limited_process() {
    let Some(path) = std::env::var_os("TMUXAGENT_TEST_LIMITED") else { return };
    let path = PathBuf::from(path);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (store, _) = Store::open(&path, at(0)).unwrap();
        let recorder = Recorder::open(&path.with_file_name("recordings.db"), RecordingLimits::default()).unwrap();
        recorder.describe(&pane_info(1, "win"), Recording::On);
        let spoken = |millis: i64, text: &str| {
            let (source, text) = (LineSource::Stream, text.to_owned());
            Recorded::Line(RecordedLine { at: at(millis), source, seen: 0, text, message: None })
        };
        let (mut n, mut failed) = (0, 0);
        while failed < 5 {
            match add(&store, n + 1).await {
                Ok(_) => n += 1,
                Err(error) => {
                    assert!(error.is_passing(), "{error:?}");
                    failed += 1;
                }
            }
            assert!(n < 2000);
        }
        let mut seed = 3;
        let noise: String = (0..200_000).map(|_| char::from(33 + u8::try_from(draw(&mut seed, 90)).unwrap())).collect();
        for _ in 0..20 {
            recorder.take(&pane(1), spoken(0, &noise));
            recorder.flush().await;
        }
        assert!(recorder.problem().is_some(), "the recording fails alone");
        let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
        let lifted = rustix::process::Rlimit { current: limit.maximum, ..limit };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, lifted).unwrap();
        add(&store, n + 1).await.expect("there is room again");
        let rows = usize::try_from(n + 1).unwrap();
        assert_eq!(stored(&path), (n + 1, rows, rows));
        store.close().await;
        assert_eq!(checked(&path).unwrap().problems, Vec::<String>::new());
        recorder.take(&pane(1), spoken(1, "late"));
        recorder.flush().await;
        assert_eq!(recorder.problem(), None);
    });
}

#[test]
fn writes_that_are_cut_in_the_middle_leave_nothing_behind() {
    let room = Room::new();
    let child = other_process("tests::faults::writes_of_a_limited_process", &[]);
    let mut words = vec![child.get_program().to_owned()];
    words.extend(child.get_args().map(std::ffi::OsStr::to_owned));
    let output = std::process::Command::new("sh")
        // 600 blocks of 512 bytes; the signal of the limit is ignored, so that writing fails instead.
        .args(["-c", "trap '' XFSZ; ulimit -S -f 600; exec \"$@\"", "sh"])
        .args(words)
        .env("TMUXAGENT_TEST_LIMITED", room.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

/// Runs as a user who may not write the file.
#[test]
fn opening_without_the_right_to_write() {
    let Some(path) = std::env::var_os("TMUXAGENT_TEST_READ_ONLY") else { return };
    let path = PathBuf::from(path);
    match Store::open(&path, at(0)) {
        Err(OpenError::ReadOnly { path: named, .. }) => assert_eq!(named, path),
        other => panic!("{other:?}"),
    }
    match Store::open(&path.with_file_name("closed").join("state.db"), at(0)) {
        Err(OpenError::Folder { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_written_is_named() {
    let room = Room::new();
    let (store, _) = room.open();
    add(&store, 1).await.unwrap();
    store.close().await;
    let closed = room.folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    let set = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&closed, 0o555);
    set(&room.path(), 0o444);
    let mut child = other_process(
        "tests::faults::opening_without_the_right_to_write",
        &[("TMUXAGENT_TEST_READ_ONLY", &room.path())],
    );
    if rustix::process::geteuid().is_root() {
        // Root may write everything: another user plays the part, where the program can be reached by others.
        set(room.folder.path(), 0o777);
        std::fs::remove_file(room.path().with_file_name("state.db.lock")).unwrap();
        child.uid(65_534).gid(65_534);
    }
    match child.output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && told.contains("1 passed"), "{told}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "{error}"),
    }
}
