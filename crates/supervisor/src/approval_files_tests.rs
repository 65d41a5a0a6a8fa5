use super::*;
use std::os::unix::fs::symlink;
use tmuxagent_testkit::approval;

struct World {
    folder: tempfile::TempDir,
    files: ApprovalFiles,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = ApprovalFiles::open(&folder.path().join("approvals"), Lang::En, Redactor::default()).unwrap();
        Self { folder, files }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("approvals").join(file_name(&approval()))
    }

    fn refusal(&mut self) -> String {
        match self.files.look().as_slice() {
            [FileNews::Refused(text)] => text.clone(),
            other => panic!("{other:?}"),
        }
    }
}

fn decided(approve: bool) -> FileNews {
    FileNews::Decided { approval: approval().id, revision: 1, verdict: Verdict { approve, answer: None } }
}

#[test]
fn a_written_word_decides_once() {
    let mut world = World::new();
    assert_eq!(world.files.show(&[approval()]), []);
    assert!(std::fs::read_to_string(world.path()).unwrap().contains("npm run build"));
    assert_eq!(std::fs::metadata(world.path()).unwrap().mode() & 0o777, 0o600);
    assert_eq!(world.files.look(), []);
    std::fs::write(world.path(), "approve\n").unwrap();
    assert_eq!(world.files.look(), [decided(true)]);
    assert_eq!(world.files.look(), [], "once");
    assert!(std::fs::read_to_string(world.path()).unwrap().ends_with("taken\n"));
    let closed = Approval { state: ApprovalState::Approved, ..approval() };
    assert_eq!(world.files.show(&[closed]), []);
    assert!(!world.path().exists());
}

#[test]
fn what_was_written_while_nobody_looked_is_found() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    std::fs::write(world.path(), "reject\n").unwrap();
    let mut later = ApprovalFiles::open(&world.folder.path().join("approvals"), Lang::En, Redactor::default()).unwrap();
    let news = later.show(&[approval()]);
    assert!(news.contains(&decided(false)), "{news:?}");
}

#[test]
fn a_wrong_word_is_answered_in_the_file() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    std::fs::write(world.path(), "aprove\n").unwrap();
    assert!(world.refusal().contains("(approve?)"));
    let text = std::fs::read_to_string(world.path()).unwrap();
    assert!(text.starts_with("Build after") && text.contains("not understood: `aprove`"), "{text}");
    assert_eq!(world.files.look(), []);
    let mut file = std::fs::OpenOptions::new().append(true).open(world.path()).unwrap();
    file.write_all(b"approve\n").unwrap();
    assert_eq!(world.files.look(), [decided(true)]);
}

#[test]
fn links_strange_files_and_large_ones_are_refused() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    let other = world.folder.path().join("other");
    std::fs::write(&other, "approve\n").unwrap();
    std::fs::remove_file(world.path()).unwrap();
    symlink(&other, world.path()).unwrap();
    assert!(world.refusal().contains("symbolic link"));
    assert_eq!(world.files.look(), [], "reported once");
    std::fs::remove_file(world.path()).unwrap();
    std::fs::hard_link(&other, world.path()).unwrap();
    assert!(world.refusal().contains("hard links"));
    std::fs::remove_file(world.path()).unwrap();
    std::fs::write(world.path(), "approve".repeat(10_000)).unwrap();
    assert!(world.refusal().contains("too large"));
    std::fs::remove_file(world.path()).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, world.path(), rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(world.refusal().contains("not a regular file"));
    std::fs::remove_file(world.path()).unwrap();
    std::fs::create_dir(world.path()).unwrap();
    assert!(world.refusal().contains("not a regular file"));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "approve\n", "nothing outside was touched");
}

#[test]
fn a_file_of_another_user_is_refused() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    std::fs::write(world.path(), "approve\n").unwrap();
    if std::os::unix::fs::chown(world.path(), Some(12_345), None).is_err() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    assert!(world.refusal().contains("another user"));
}

#[test]
fn stale_files_are_reported_and_left() {
    let mut world = World::new();
    let stale = world.folder.path().join("approvals/local--old--01J8.1.txt");
    std::fs::write(&stale, "approve\n").unwrap();
    let late = FileNews::Late { name: "local--old--01J8.1.txt".into(), approval: ApprovalId::new("01J8") };
    assert_eq!(world.files.look(), [late]);
    world.files.answer_late("local--old--01J8.1.txt", "already approved\nby li");
    assert_eq!(std::fs::read_to_string(&stale).unwrap(), "already approved by li\n");
    assert_eq!(world.files.look(), [], "the answer is no word of anybody");
    std::fs::write(stale.with_file_name("notes.txt"), "approve\n").unwrap();
    assert!(world.refusal().contains("no open question"));
    assert_eq!(world.files.look(), []);
    world.files.show(&[approval()]);
    let newer = Approval { revision: 2, ..approval() };
    std::fs::write(world.path(), "approve\n").unwrap();
    assert_eq!(world.files.show(&[newer]), [decided(true)], "for the revision that was shown");
    assert!(!world.path().exists() && stale.exists());
}

#[test]
fn a_folder_of_everybody_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let error = ApprovalFiles::open(folder.path(), Lang::En, Redactor::default()).err().unwrap();
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[tokio::test]
async fn a_shells_echo_is_seen_at_once() {
    seen(Notice::Kernel).await;
}

#[tokio::test]
async fn where_nothing_tells_of_changes_it_is_seen_too() {
    seen(Notice::None).await;
}

/// What tells of changes in the folder.
enum Notice {
    Kernel,
    None,
}

/// A word that a shell writes is found.
async fn seen(notice: Notice) {
    let world = World::new();
    let path = world.path();
    let (list, approvals) = watch::channel(vec![approval()]);
    let (sender, mut news) = mpsc::channel(8);
    let stop = CancellationToken::new();
    let (answers, ending) = (mpsc::channel(1).1, stop.clone());
    let running = tokio::spawn(async move {
        match notice {
            Notice::Kernel => run(world.files, approvals, sender, answers, ending).await,
            Notice::None => keep_in_step(world.files, approvals, sender, answers, ending, None).await,
        }
    });
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !path.exists() {
        assert!(std::time::Instant::now() < deadline, "no request");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let script = format!("echo approve > '{}'", path.display());
    assert!(tokio::process::Command::new("sh").arg("-c").arg(script).status().await.unwrap().success());
    // Where the kernel told nothing, the next look would be half a minute away.
    let seen = tokio::time::timeout(Duration::from_secs(15), news.recv()).await;
    assert_eq!(seen.unwrap(), Some(decided(true)));
    list.send_replace(Vec::new());
    while path.exists() {
        assert!(std::time::Instant::now() < deadline, "the request stays");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    running.await.unwrap();
}
