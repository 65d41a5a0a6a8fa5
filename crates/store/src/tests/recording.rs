use super::*;
use std::path::Path;

fn path(room: &Room) -> PathBuf {
    room.folder.path().join("recordings.db")
}

fn spoken(millis: i64, text: &str) -> Recorded {
    said(millis, LineSource::Stream, text)
}

fn said(millis: i64, source: LineSource, text: &str) -> Recorded {
    Recorded::Line(RecordedLine { at: at(millis), source, seen: 0, text: text.to_owned(), message: None })
}

/// A recorder that records the panes 1 and 2.
fn recorder(room: &Room, limits: RecordingLimits) -> Recorder {
    let recorder = Recorder::open(&path(room), limits).unwrap();
    recorder.describe(&pane_info(1, "win"), Recording::On);
    recorder.describe(&pane_info(2, "win"), Recording::On);
    recorder
}

fn read(path: &Path, panes: &[PaneKey], since: Timestamp) -> Vec<(u32, Recorded)> {
    let mut all = Vec::new();
    read_recording(path, panes, since, |pane, piece| all.push((pane.pane.0, piece))).unwrap();
    all
}

fn texts(pieces: &[(u32, Recorded)]) -> Vec<String> {
    let text = |piece: &Recorded| match piece {
        Recorded::Line(line) => line.text.clone(),
        Recorded::Ended { exit, .. } => format!("<ended {exit}>"),
        Recorded::Missed { lines, .. } => format!("<{lines} missed>"),
    };
    pieces.iter().map(|(_, piece)| text(piece)).collect()
}

#[tokio::test]
async fn lines_come_back_as_they_were() {
    let room = Room::new();
    let recorder = recorder(&room, RecordingLimits::default());
    let message =
        AgentMessage { stage: Some("lint".to_owned()), ok: Some(true), ..AgentMessage::new(MessageType::Status) };
    let lines = [
        spoken(0, "plain"),
        said(5, LineSource::Screen, "tab\there \u{1b}[0m"),
        said(9, LineSource::History, "中文 🚀 "),
        spoken(10, ""),
        Recorded::Ended { at: at(11), exit: -1 },
        Recorded::Line(RecordedLine {
            at: at(12),
            source: LineSource::Stream,
            seen: 4,
            text: "ok? y".to_owned(),
            message: Some(Box::new(message)),
        }),
        spoken(13, "and one without a message"),
    ];
    for line in &lines {
        recorder.take(&pane(1), line.clone());
    }
    recorder.take(&pane(2), spoken(3, "other"));
    recorder.flush().await;
    recorder.describe(&pane_info(1, "renamed"), Recording::On);
    recorder.take(&pane(1), spoken(20, "later"));
    recorder.flush().await;

    let all = read(&path(&room), &[pane(1)], at(0));
    let expected: Vec<_> = lines.iter().cloned().chain([spoken(20, "later")]).map(|piece| (1, piece)).collect();
    assert_eq!(all, expected);
    assert_eq!(texts(&read(&path(&room), &[pane(1), pane(2)], at(13))), ["and one without a message", "later"]);
    let both = read(&path(&room), &[pane(2), pane(1)], at(0));
    assert_eq!(both.iter().filter(|(number, _)| *number == 2).count(), 1);
    let panes = recorded_panes(&path(&room)).unwrap();
    let windows: Vec<&str> = panes.iter().map(|found| found.info.facts.window.as_str()).collect();
    assert_eq!(windows, ["win", "renamed"]);
    assert_eq!((panes[1].lines, panes[1].first_at, panes[1].last_at), (7, at(0), at(20)));
}

#[tokio::test]
async fn what_waits_is_written_when_the_recorder_goes() {
    let room = Room::new();
    let recorder = recorder(&room, RecordingLimits::default());
    recorder.take(&pane(1), spoken(0, "last words"));
    drop(recorder);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while texts(&read(&path(&room), &[pane(1)], at(0))) != ["last words"] {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_pane_that_is_switched_off_leaves_nothing() {
    let room = Room::new();
    let recorder = recorder(&room, RecordingLimits::default());
    recorder.take(&pane(1), spoken(0, "secret"));
    recorder.describe(&pane_info(1, "win"), Recording::Off);
    recorder.take(&pane(1), spoken(1, "secret"));
    recorder.take(&pane(2), spoken(2, "open"));
    recorder.flush().await;
    recorder.describe(&pane_info(1, "win"), Recording::On);
    recorder.take(&pane(1), spoken(3, "again"));
    recorder.flush().await;
    assert_eq!(texts(&read(&path(&room), &[pane(1), pane(2)], at(0))), ["open", "again"]);
    recorder.take(&pane(2), spoken(4, "before its end"));
    recorder.forget(&pane(2));
    recorder.take(&pane(2), spoken(5, "nobody said that this one is recorded"));
    recorder.flush().await;
    assert_eq!(read(&path(&room), &[pane(2)], at(0)).len(), 2);
}

#[tokio::test]
async fn size_and_age_are_bounded() {
    let room = Room::new();
    let limits = RecordingLimits { bytes: 200_000, age: Millis(1_000_000) };
    let recorder = recorder(&room, limits);
    let mut seed = 7;
    for n in 0..100 {
        // Text that does not compress well.
        let text: String = (0..8000).map(|_| char::from(33 + u8::try_from(draw(&mut seed, 90)).unwrap())).collect();
        recorder.take(&pane(1), spoken(n, &format!("{n} {text}")));
        recorder.flush().await;
    }
    let kept = texts(&read(&path(&room), &[pane(1)], at(0)));
    assert!(kept.len() > 15 && kept.len() < 40, "{}", kept.len());
    assert!(kept.last().unwrap().starts_with("99 "), "the oldest go first");
    let size = std::fs::metadata(path(&room)).unwrap().len();
    assert!(size < 1_000_000, "the file does not grow for ever: {size}");

    recorder.take(&pane(2), spoken(2_000_000, "much later"));
    recorder.flush().await;
    assert_eq!(texts(&read(&path(&room), &[pane(1), pane(2)], at(0))), ["much later"]);
}

#[tokio::test]
async fn a_disk_that_can_not_follow_costs_lines_and_never_time() {
    let room = Room::new();
    let recorder = recorder(&room, RecordingLimits::default());
    recorder.take(&pane(1), spoken(0, "before"));
    recorder.flush().await;
    let blocker = rusqlite::Connection::open(path(&room)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let text = "x".repeat(60_000);
    for n in 0..400 {
        recorder.take(&pane(1), spoken(n, &text));
    }
    blocker.execute_batch("ROLLBACK").unwrap();
    recorder.flush().await;
    recorder.take(&pane(1), spoken(500, "after"));
    recorder.flush().await;
    assert_eq!(recorder.problem(), None);
    let all = read(&path(&room), &[pane(1)], at(0));
    let lines = all.iter().filter(|(_, piece)| matches!(piece, Recorded::Line(_))).count();
    let missed: u64 = all.iter().map(|(_, p)| if let Recorded::Missed { lines, .. } = p { *lines } else { 0 }).sum();
    assert!(missed > 100, "{missed}");
    assert_eq!(lines as u64 + missed, 402, "what is left out is counted");
    assert_eq!(recorded_panes(&path(&room)).unwrap()[0].missed, missed);
}

#[tokio::test]
async fn a_damaged_recording_is_put_aside_and_begun_anew() {
    for broken in ["no database at all", ""] {
        let room = Room::new();
        std::fs::write(path(&room), broken.repeat(1000)).unwrap();
        let recorder = recorder(&room, RecordingLimits::default());
        recorder.take(&pane(1), spoken(0, "fresh"));
        recorder.flush().await;
        assert_eq!(texts(&read(&path(&room), &[pane(1)], at(0))), ["fresh"]);
        assert_eq!(room.folder.path().join("recordings.db.broken").exists(), !broken.is_empty());
    }
}

#[tokio::test]
async fn a_failing_disk_is_told_and_recovered_from() {
    let room = Room::new();
    let recorder = recorder(&room, RecordingLimits::default());
    let other = rusqlite::Connection::open(path(&room)).unwrap();
    other.execute_batch("ALTER TABLE chunks RENAME TO gone").unwrap();
    recorder.take(&pane(1), spoken(0, "lost"));
    recorder.flush().await;
    assert!(recorder.problem().is_some());
    other.execute_batch("ALTER TABLE gone RENAME TO chunks").unwrap();
    recorder.take(&pane(1), spoken(1, "kept"));
    recorder.flush().await;
    assert_eq!(recorder.problem(), None);
    assert_eq!(texts(&read(&path(&room), &[pane(1)], at(0))), ["<1 missed>", "kept"]);
}

/// Many small flushes over a long time: the log does not grow to many times what it tells of.
#[tokio::test]
async fn the_log_of_recordings_stays_small() {
    let room = Room::new();
    let recorder = recorder(&room, RecordingLimits::default());
    let log = path(&room).with_file_name("recordings.db-wal");
    let mut most = 0;
    for round in 0..400 {
        for pane in 1..=2 {
            recorder.take(&pane_info(pane, "win").key, spoken(round, &format!("{round} of a busy pane")));
        }
        recorder.flush().await;
        most = most.max(std::fs::metadata(&log).map_or(0, |meta| meta.len()));
    }
    assert!(most > 0 && most <= 2 * 1024 * 1024, "{most} bytes");
}

#[tokio::test]
async fn a_check_reads_every_chunk() {
    let room = Room::new();
    let recorder = recorder(&room, RecordingLimits::default());
    for round in 0..3 {
        recorder.take(&pane_info(1, "win").key, spoken(round, "a line"));
        recorder.flush().await;
    }
    drop(recorder);
    let (store, _) = room.open();
    let problems = || check(&room.path(), Some(&path(&room)), &|_, _, _| Ok(())).unwrap().problems;
    assert_eq!(problems(), Vec::<String>::new());
    let conn = rusqlite::Connection::open(path(&room)).unwrap();
    conn.execute("UPDATE chunks SET body = x'ffffff' WHERE id = 2", []).unwrap();
    let problems = problems();
    assert!(problems.len() == 1 && problems[0].contains("recordings.db: piece 2 can't be read"), "{problems:?}");
    // What is whole is still read, and what is not is missed.
    let read = read(&path(&room), &[pane_info(1, "win").key], Timestamp(0));
    assert_eq!(texts(&read), ["a line", "<1 missed>", "a line"]);
    store.close().await;
}
