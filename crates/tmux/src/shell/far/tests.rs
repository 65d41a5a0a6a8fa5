use super::*;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Instant as Clock;

/// A terminal with a program that leads it; both end with the test.
pub(super) struct Terminal {
    pub pid: u32,
    pub tty: String,
    master: OwnedFd,
    child: std::process::Child,
}

impl Terminal {
    pub fn new(program: &str) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let tty = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = std::fs::File::options().read(true).write(true).open(&tty).unwrap();
        let mut command = std::process::Command::new("setsid");
        command.arg("--ctty").args(program.split(' ')).env("PS1", "$ ").env("TERM", "xterm");
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let child = command.spawn().unwrap();
        Self { pid: child.id(), tty, master, child }
    }

    /// Types something.
    pub fn types(&self, text: &str) {
        std::fs::File::from(self.master.try_clone().unwrap()).write_all(text.as_bytes()).unwrap();
    }

    /// What the system calls tell, once that is so twice in a row.
    pub fn settled(&self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let deadline = Clock::now() + Duration::from_secs(30);
        let mut last = None;
        loop {
            let seen = super::super::look::look(self.pid, &self.tty);
            match seen {
                Some(seen) if wanted(&seen) && last.as_ref() == Some(&seen) => return seen,
                other => last = other,
            }
            assert!(Clock::now() < deadline, "{last:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder in which these programs are, and no others.
fn only(programs: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for program in programs {
        let file: Option<PathBuf> =
            std::env::split_paths(&path).map(|path| path.join(program)).find(|file| file.exists());
        symlink(file.unwrap(), folder.path().join(program)).unwrap();
    }
    folder
}

/// What a channel to this machine tells of a terminal, where its shell finds these programs alone.
pub(super) async fn told_by(programs: &[&str], terminal: &Terminal) -> Option<Seen> {
    let folder = only(programs);
    let path = format!("PATH={}", folder.path().display());
    let words = ["env", &path, "/bin/sh", "-c", script::BEGIN].map(str::to_owned).to_vec();
    let mut asked = Asked::by(words, Duration::from_secs(30));
    asked.far.ask(1, terminal.pid, terminal.tty.clone());
    asked.next().await.1
}

/// A channel and its answers.
struct Asked {
    far: Far<u32>,
    answers: mpsc::UnboundedReceiver<(u32, Option<Seen>)>,
}

impl Asked {
    fn by(words: Vec<String>, limit: Duration) -> Self {
        let (out, answers) = mpsc::unbounded_channel();
        let far = Far::by(words, limit, move |ticket, seen| {
            let _ = out.send((ticket, seen));
            std::future::ready(())
        });
        Self { far, answers }
    }

    /// One whose shell runs `script` behind the line that it is given. `$F` is a folder of its own.
    fn scripted(script: &str, folder: &std::path::Path, limit: Duration) -> Self {
        let script = format!("F='{}'; IFS= read -r s; {script}", folder.display());
        Self::by(["sh", "-c", &script].map(str::to_owned).to_vec(), limit)
    }

    async fn next(&mut self) -> (u32, Option<Seen>) {
        timeout(Duration::from_secs(60), self.answers.recv()).await.unwrap().unwrap()
    }
}

/// An answer that says that nothing is in front.
const ANSWER: &str = "echo \"=$n\"; echo \"s$p (sh) S 1 $p $p 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 1 1\"; echo \".$n\"";
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_shell_answers_all_and_ends_with_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("echo begun >> $F/log; while read -r n p t; do {ANSWER}; done; echo ended >> $F/log");
    let mut asked = Asked::scripted(&script, folder.path(), LONG);
    (0..100).for_each(|ticket| asked.far.ask(ticket, 42, "/dev/pts/1".to_owned()));
    for ticket in 0..100 {
        assert_eq!(asked.next().await, (ticket, Some(Seen::default())));
    }
    asked.far.end().await;
    assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "begun\nended\n");
}

#[tokio::test]
async fn what_was_asked_when_the_channel_died_is_asked_once_more() {
    let folder = tempfile::tempdir().unwrap();
    // Each shell answers one question and dies in the middle of the second.
    let script = format!("echo begun >> $F/log; read -r n p t; {ANSWER}; read -r n p t; echo \"=$n\"");
    let mut asked = Asked::scripted(&script, folder.path(), LONG);
    (0..3).for_each(|ticket| asked.far.ask(ticket, 42, String::new()));
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(asked.next().await);
    }
    answers.sort_by_key(|(ticket, _)| *ticket);
    let known = Some(Seen::default());
    assert_eq!(answers, [(0, known.clone()), (1, known), (2, None)], "once more, and not for ever");
    assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn an_endless_a_silent_and_a_wrong_answer_cost_that_question_alone() {
    let known = Some(Seen::default());
    for (wrong, next) in [
        ("exec yes", known.clone()),
        ("exec sleep 600", known.clone()),
        // It is the next question that another answer came to.
        ("echo .$n; echo =99; echo .99; cat", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let first = format!("read -r n p t; {ANSWER}; read -r n p t; echo \"=$n\"; {wrong}");
        let script = format!("if mkdir $F/first 2>/dev/null; then {first}; fi; while read -r n p t; do {ANSWER}; done");
        let limit = if wrong.ends_with("600") { Duration::from_millis(500) } else { LONG };
        let mut asked = Asked::scripted(&script, folder.path(), limit);
        asked.far.ask(0, 42, String::new());
        assert_eq!(asked.next().await, (0, Some(Seen::default())), "{wrong}");
        asked.far.ask(1, 42, String::new());
        asked.far.ask(2, 42, String::new());
        assert_eq!(asked.next().await, (1, None), "{wrong}");
        assert_eq!(asked.next().await, (2, next), "{wrong}");
        asked.far.ask(3, 42, String::new());
        assert_eq!(asked.next().await, (3, known.clone()), "{wrong}");
    }
}

#[tokio::test]
async fn a_shell_that_answers_nothing_is_not_begun_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut asked = Asked::scripted("echo begun >> $F/log", folder.path(), LONG);
    for ticket in 0..5 {
        asked.far.ask(ticket, 42, String::new());
        assert_eq!(asked.next().await, (ticket, None));
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "begun\n");
}
