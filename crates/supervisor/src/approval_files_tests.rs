use super::*;
use std::os::unix::fs::symlink;
use tmuxagent_alerts::decide::Refusal;
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

/// The one decision among the news: yes or no.
fn decided(news: Vec<FileNews>) -> Word {
    match <[FileNews; 1]>::try_from(news) {
        Ok([FileNews::Decided(word)]) => word,
        other => panic!("{other:?}"),
    }
}

fn taken() -> Settled {
    Settled::new(Ok(()))
}

#[test]
fn a_word_stays_in_its_file_until_it_is_settled() {
    let mut world = World::new();
    assert_eq!(world.files.show(&[approval()]), []);
    assert!(std::fs::read_to_string(world.path()).unwrap().contains("npm run build"));
    assert_eq!(std::fs::metadata(world.path()).unwrap().mode() & 0o777, 0o600);
    assert_eq!(world.files.look(), []);
    std::fs::write(world.path(), "approve\n").unwrap();
    let read = decided(world.files.look());
    assert_eq!((read.approval.clone(), read.revision, read.verdict.approve), (approval().id, 1, true));
    assert_eq!(std::fs::read_to_string(world.path()).unwrap(), "approve\n", "as long as nothing is written down");
    drop(read);
    // Whether its question is open still, changed or closed.
    let read = decided(world.files.show(&[approval()]));
    world.files.settle(read, &taken());
    assert!(std::fs::read_to_string(world.path()).unwrap().ends_with("# taken\n"));
    assert_eq!(world.files.look(), [], "once");
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
    assert!(!decided(later.show(&[approval()])).verdict.approve);
    assert_eq!(std::fs::read_to_string(world.path()).unwrap(), "reject\n");
}

#[test]
fn a_word_that_was_written_over_another_is_read_as_well() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    std::fs::write(world.path(), "approve\n").unwrap();
    let read = decided(world.files.look());
    std::fs::write(world.path(), "reject\n").unwrap();
    world.files.settle(read, &taken());
    let second = decided(world.files.look());
    assert!(!second.verdict.approve);
    world.files.settle(second, &Settled::new(Err(Refusal::Closed)));
    assert!(std::fs::read_to_string(world.path()).unwrap().ends_with("# the question is closed\n"));
}

#[test]
fn a_word_of_this_very_instant_is_not_written_over() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    let shown = std::fs::read_to_string(world.path()).unwrap();
    std::fs::write(world.path(), "approve\n").unwrap();
    let new = world.path().with_file_name("new");
    std::fs::write(&new, "new").unwrap();
    assert!(!replace(&new, &world.path(), &shown).unwrap());
    assert_eq!(std::fs::read_to_string(world.path()).unwrap(), "approve\n");
    assert!(replace(&new, &world.path(), "approve\n").unwrap());
    assert_eq!((std::fs::read_to_string(world.path()).unwrap().as_str(), new.exists()), ("new", false));
}

#[test]
fn a_word_whose_question_was_closed_meanwhile_is_answered() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    std::fs::write(world.path(), "reject\n").unwrap();
    let read = decided(world.files.show(&[]));
    assert_eq!(std::fs::read_to_string(world.path()).unwrap(), "reject\n");
    world.files.settle(read, &Settled::new(Err(Refusal::Closed)));
    assert_eq!(std::fs::read_to_string(world.path()).unwrap(), "# the question is closed\n");
    assert_eq!(world.files.look(), []);
    std::fs::write(world.path(), "approve\n").unwrap();
    world.files.show(&[approval()]);
    let read = decided(world.files.show(&[]));
    world.files.settle(read, &taken());
    assert!(!world.path().exists(), "it decided, and nothing is left to be said");
}

#[test]
fn the_answer_to_a_word_that_decided_nothing_outlives_its_question() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    // Superseded while its word was on its way; the picture still says that it is open.
    std::fs::write(world.path(), "approve\n").unwrap();
    let read = decided(world.files.look());
    world.files.settle(read, &Settled::new(Err(Refusal::Closed)));
    assert!(std::fs::read_to_string(world.path()).unwrap().ends_with("# the question is closed\n"));
    assert_eq!(world.files.show(&[]), []);
    assert_eq!(std::fs::read_to_string(world.path()).unwrap(), "# the question is closed\n");
    // A word that was none, too; and nothing of a request into which nobody wrote.
    for (word, stays) in [("aprove\n", true), ("", false)] {
        world.files.show(&[approval()]);
        std::fs::write(world.path(), word).unwrap();
        world.files.look();
        world.files.show(&[]);
        assert_eq!(world.path().exists(), stays, "{word}");
        drop(std::fs::remove_file(world.path()));
    }
}

#[test]
fn another_life_in_another_language_knows_the_requests() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    std::fs::write(world.path(), "aprove\n").unwrap();
    assert!(world.refusal().contains("(approve?)"));
    let open = |lang| ApprovalFiles::open(&world.folder.path().join("approvals"), lang, Redactor::default()).unwrap();
    for lang in [Lang::Zh, Lang::En, Lang::Zh] {
        let mut later = open(lang);
        assert_eq!(later.show(&[approval()]), [], "it complains of nothing");
        let how = lang.pick("To decide", "审批方法");
        assert!(std::fs::read_to_string(world.path()).unwrap().contains(how));
        assert_eq!(later.look(), []);
    }
    let mut file = std::fs::OpenOptions::new().append(true).open(world.path()).unwrap();
    file.write_all(b"approve\n").unwrap();
    assert!(decided(open(Lang::En).show(&[approval()])).verdict.approve);
}

#[test]
fn an_answer_in_a_file_is_in_the_language_of_what_stands_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = ApprovalFiles::open(&folder.path().join("approvals"), Lang::Zh, Redactor::default()).unwrap();
    let mut world = World { folder, files: files.decided_by("li") };
    let asked = Approval { approvers: vec!["mei".to_owned()], ..approval() };
    world.files.show(std::slice::from_ref(&asked));
    assert!(std::fs::read_to_string(world.path()).unwrap().contains("您无权审批"));
    std::fs::write(world.path(), "批准\n").unwrap();
    let read = decided(world.files.look());
    world.files.settle(read, &Settled::new(Err(Refusal::Other(asked.not_for("li")))));
    let text = std::fs::read_to_string(world.path()).unwrap();
    assert!(text.contains("位置") && text.ends_with("# li 不能决定这件事；应由 mei 决定\n"), "{text}");
}

#[test]
fn requests_of_closed_questions_do_not_stay_behind() {
    let mut world = World::new();
    world.files.show(&[approval()]);
    let beside = world.path().with_file_name(".request-0123456789abcdef");
    std::fs::write(&beside, "half a requ").unwrap();
    // A life that was killed; meanwhile the question was closed.
    let mut later = ApprovalFiles::open(&world.folder.path().join("approvals"), Lang::En, Redactor::default()).unwrap();
    assert!(!beside.exists());
    let name = file_name(&approval());
    assert_eq!(later.show(&[]), [FileNews::Late { name: name.clone(), approval: approval().id, word: false }]);
    assert!(world.path().exists(), "only the store knows whether it is closed");
    std::fs::write(world.path(), "approve\n").unwrap();
    later.remove_late(&name);
    assert!(world.path().exists(), "not with a word in it");
    std::fs::write(world.path(), "").unwrap();
    later.remove_late(&name);
    assert!(!world.path().exists());
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
    assert!(decided(world.files.look()).verdict.approve);
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
    let name = "local--old--01J8.1.txt".to_owned();
    let late = FileNews::Late { name, approval: ApprovalId::new("01J8"), word: true };
    assert_eq!(world.files.look(), [late]);
    world.files.answer_late("local--old--01J8.1.txt", "already approved\nby li");
    assert_eq!(std::fs::read_to_string(&stale).unwrap(), "# already approved by li\n");
    assert_eq!(world.files.look(), [], "the answer is no word of anybody");
    std::fs::write(stale.with_file_name("notes.txt"), "approve\n").unwrap();
    assert!(world.refusal().contains("no open question"));
    assert_eq!(world.files.look(), []);
    world.files.show(&[approval()]);
    let newer = Approval { revision: 2, ..approval() };
    std::fs::write(world.path(), "approve\n").unwrap();
    let read = decided(world.files.show(&[newer]));
    assert_eq!(read.revision, 1, "for the revision that was shown");
    world.files.settle(read, &Settled::new(Err(Refusal::Stale)));
    assert!(std::fs::read_to_string(world.path()).unwrap().contains("has changed"));
}

#[test]
fn a_folder_of_everybody_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let error = ApprovalFiles::open(folder.path(), Lang::En, Redactor::default()).err().unwrap();
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[test]
fn an_answer_goes_when_it_had_its_time() {
    let mut world = World::new();
    let name = file_name(&approval());
    world.files.answer_late(&name, "already approved by li");
    assert_eq!(world.files.look(), []);
    assert!(world.path().exists(), "it can be read");
    let file = std::fs::File::options().write(true).open(world.path()).unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    file.set_modified(written - KEPT - Duration::from_secs(1)).unwrap();
    let mut later = ApprovalFiles::open(&world.folder.path().join("approvals"), Lang::En, Redactor::default()).unwrap();
    assert_eq!(later.show(&[]), []);
    assert!(!world.path().exists());
}
