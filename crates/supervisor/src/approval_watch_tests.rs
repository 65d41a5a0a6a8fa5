use super::*;
use futures_util::future::BoxFuture;
use std::path::PathBuf;
use tmuxagent_alerts::decide::{Settled, Unsettled};
use tmuxagent_alerts::request_file::file_name;
use tmuxagent_model::{Decision, Doubt, Timestamp, Verdict, Via};
use tmuxagent_testkit::approval;
use tmuxagent_text::redact::Redactor;

/// Decisions, the first of which have no end.
struct Decisions {
    doubts: Mutex<u32>,
    decided: Mutex<Vec<Verdict>>,
    stored: Mutex<Option<Approval>>,
}

impl Decide for Decisions {
    fn approval<'a>(&'a self, _: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>> {
        let found = self.stored.lock().unwrap().clone();
        Box::pin(async move { found })
    }

    fn decide<'a>(
        &'a self,
        _: &'a ApprovalId,
        _: u32,
        verdict: Verdict,
        _: Decider,
    ) -> BoxFuture<'a, Result<Settled, Unsettled>> {
        let mut doubts = self.doubts.lock().unwrap();
        if *doubts > 0 {
            *doubts -= 1;
            return Box::pin(async { Err(Unsettled::Doubtful(Doubt::Ended)) });
        }
        self.decided.lock().unwrap().push(verdict);
        Box::pin(async { Ok(Settled::new(Ok(()))) })
    }

    fn report(&self, _: String) {}
}

/// What tells of changes in the folder.
enum Notice {
    Kernel,
    None,
}

struct World {
    _folder: tempfile::TempDir,
    path: PathBuf,
    decisions: Arc<Decisions>,
    list: watch::Sender<Vec<Approval>>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl World {
    async fn new(notice: Notice, doubts: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("approvals");
        let files = ApprovalFiles::open(&place, Lang::En, Redactor::default()).unwrap();
        let decisions = Arc::new(Decisions {
            doubts: Mutex::new(doubts),
            decided: Mutex::default(),
            stored: Mutex::new(Some(approval())),
        });
        let by = Decider::named("ann", Via::File);
        let desktop = Desktop::new(files, Arc::<Decisions>::clone(&decisions), by, Lang::En);
        let (list, approvals) = watch::channel(vec![approval()]);
        let stop = CancellationToken::new();
        let ending = stop.clone();
        let running = tokio::spawn(async move {
            match notice {
                Notice::Kernel => desktop.run(approvals, ending).await,
                Notice::None => desktop.keep_in_step(approvals, ending, None).await,
            }
        });
        let world = Self { path: place.join(file_name(&approval())), _folder: folder, decisions, list, stop, running };
        world.until("a request", || world.path.exists()).await;
        world
    }

    async fn until(&self, what: &str, done: impl Fn() -> bool) {
        // Where the kernel told nothing, the next look would be half a minute away.
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(std::time::Instant::now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn say(&self, word: &str) {
        let script = format!("echo {word} > '{}'", self.path.display());
        assert!(tokio::process::Command::new("sh").arg("-c").arg(script).status().await.unwrap().success());
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap_or_default()
    }

    fn decided(&self) -> Vec<bool> {
        self.decisions.decided.lock().unwrap().iter().map(|verdict| verdict.approve).collect()
    }

    async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

/// A word that a shell writes is found.
async fn seen(notice: Notice) {
    let world = World::new(notice, 0).await;
    world.say("approve").await;
    world.until("the decision", || world.decided() == [true]).await;
    world.until("the answer", || world.text().ends_with("# taken\n")).await;
    world.list.send_replace(Vec::new());
    world.until("the request's end", || !world.path.exists()).await;
    world.end().await;
}

#[tokio::test]
async fn a_shells_echo_is_seen_at_once() {
    seen(Notice::Kernel).await;
}

#[tokio::test]
async fn where_nothing_tells_of_changes_it_is_seen_too() {
    seen(Notice::None).await;
}

#[tokio::test]
async fn a_word_without_an_end_stands_where_it_stood_and_is_tried_again() {
    let world = World::new(Notice::Kernel, 2).await;
    world.say("approve").await;
    world.until("a first attempt", || *world.decisions.doubts.lock().unwrap() < 2).await;
    assert_eq!(world.text(), "approve\n");
    world.until("the decision", || world.decided() == [true]).await;
    world.until("the answer", || world.text().ends_with("# taken\n")).await;
    world.end().await;
}

#[tokio::test]
async fn only_what_the_store_calls_closed_is_answered_or_removed() {
    let world = World::new(Notice::None, u32::MAX).await;
    world.say("approve").await;
    world.until("a first attempt", || *world.decisions.doubts.lock().unwrap() < u32::MAX).await;
    // The picture says that it is gone, the store that it is open: the picture is older.
    world.list.send_replace(Vec::new());
    let before = *world.decisions.doubts.lock().unwrap();
    tokio::time::timeout(Duration::from_secs(20), async {
        while *world.decisions.doubts.lock().unwrap() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(world.text(), "approve\n");
    let verdict = Verdict { approve: true, answer: None };
    let by = Decider::named("li", Via::Cli);
    let decision = Some(Decision { verdict, by, at: Timestamp(0) });
    let closed = Approval { state: ApprovalState::Approved, decision, ..approval() };
    *world.decisions.stored.lock().unwrap() = Some(closed);
    world.until("the answer", || world.text().starts_with("# already approved by li")).await;
    world.end().await;
}

#[tokio::test]
async fn a_word_for_what_was_asked_before_is_told_that_it_has_changed() {
    let world = World::new(Notice::None, 0).await;
    let newer = Approval { revision: 2, ..approval() };
    *world.decisions.stored.lock().unwrap() = Some(newer.clone());
    world.list.send_replace(vec![newer.clone()]);
    world.until("the older request's end", || !world.path.exists()).await;
    let changed = || world.text().starts_with("# what is asked has changed");
    world.say("approve").await;
    world.until("an answer", changed).await;
    // Asked anew, by a question of its own.
    std::fs::remove_file(&world.path).unwrap();
    let superseded = Approval { state: ApprovalState::Superseded, ..approval() };
    *world.decisions.stored.lock().unwrap() = Some(superseded);
    world.list.send_replace(vec![Approval { id: ApprovalId::new("01JNEW"), ..approval() }]);
    world.say("approve").await;
    world.until("an answer", changed).await;
    assert!(world.decided().is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_word_that_an_earlier_life_took_goes_with_its_request() {
    let world = World::new(Notice::None, 0).await;
    let by = |via| Decider::named("ann", via);
    let verdict = Verdict { approve: true, answer: None };
    let decision = Some(Decision { verdict, by: by(Via::File), at: Timestamp(0) });
    let closed = Approval { state: ApprovalState::Approved, decision, ..approval() };
    *world.decisions.stored.lock().unwrap() = Some(closed.clone());
    world.list.send_replace(Vec::new());
    world.until("the request's end", || !world.path.exists()).await;
    // Killed between the commit and the end of its word, which stands there still.
    world.say("approve").await;
    world.until("the word's end", || !world.path.exists()).await;
    // Another word than the one that decided, or the decision of another surface, is answered.
    world.say("reject").await;
    world.until("an answer", || world.text().starts_with("# already approved by ann")).await;
    let decision = closed.decision.clone().map(|decision| Decision { by: by(Via::Cli), ..decision });
    *world.decisions.stored.lock().unwrap() = Some(Approval { decision, ..closed });
    world.say("approve").await;
    world.until("an answer", || world.text().starts_with("# already approved by ann")).await;
    world.end().await;
}
