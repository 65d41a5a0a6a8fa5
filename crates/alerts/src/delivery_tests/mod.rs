//! Delivery against services as a test wants them, with a real store.

mod failing;
mod fallback;
mod mended;
mod pacing;
mod questions;

use super::*;
use crate::config::{Route, When};
use crate::decide::{Refusal, Settled, Unsettled};
use crate::message::tests::{alert as question, approval};
use futures_util::future::BoxFuture;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tmuxagent_model::{Alert, AlertKind, ApprovalId, ApprovalState, Decider, Verdict};
use tmuxagent_store::NewMessage;

const START: Timestamp = Timestamp(1_700_000_000_000);

/// Decisions about one approval.
struct Decisions(Mutex<Approval>);

impl Decide for Decisions {
    fn approval<'a>(&'a self, id: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>> {
        let approval = self.0.lock().unwrap().clone();
        Box::pin(async move { (approval.id == *id).then_some(approval) })
    }

    fn decide<'a>(
        &'a self,
        _: &'a ApprovalId,
        _: u32,
        _: Verdict,
        _: Decider,
    ) -> BoxFuture<'a, Result<Settled, Unsettled>> {
        Box::pin(async { Ok(Settled::new(Err(Refusal::Unknown))) })
    }

    fn report(&self, _: String) {}
}

/// A service as the test wants it.
struct Service {
    got: Mutex<Vec<Message>>,
    /// Refusals that are still to come.
    failures: Mutex<u32>,
    answer: fn() -> SendError,
}

impl Service {
    fn failing(times: u32, answer: fn() -> SendError) -> Arc<Self> {
        Arc::new(Self { got: Mutex::default(), failures: Mutex::new(times), answer })
    }

    fn good() -> Arc<Self> {
        Self::failing(0, || SendError::retry(""))
    }

    fn titles(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|message| message.title.clone()).collect()
    }
}

impl Channel for Service {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        let fails = {
            let mut left = self.failures.lock().unwrap();
            let fails = *left > 0;
            *left = left.saturating_sub(1);
            fails
        };
        Box::pin(async move {
            if fails {
                return Err((self.answer)());
            }
            self.got.lock().unwrap().push(message.clone());
            Ok(Receipt::new("ok"))
        })
    }
}

/// A service that never answers.
struct Hanging;

impl Channel for Hanging {
    fn kind(&self) -> &'static str {
        "hanging"
    }

    fn send<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(std::future::pending())
    }
}

type Troubles = Vec<(String, Option<String>)>;

struct World {
    store: Store,
    decisions: Arc<Decisions>,
    now: Arc<AtomicI64>,
    activity: Arc<Mutex<Option<Timestamp>>>,
    troubles: Arc<Mutex<Troubles>>,
    /// What stands for the configuration of each channel.
    setup: Mutex<&'static str>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&folder.path().join("state.db"), START).unwrap();
        Self {
            store,
            decisions: Arc::new(Decisions(Mutex::new(approval()))),
            now: Arc::new(AtomicI64::new(START.0)),
            activity: Arc::default(),
            troubles: Arc::default(),
            setup: Mutex::new("first"),
            folder,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn delivery(&self, channels: Vec<(&str, Arc<dyn Channel>)>, routing: Routing) -> Arc<Delivery> {
        let (now, activity, troubles) = (Arc::clone(&self.now), Arc::clone(&self.activity), Arc::clone(&self.troubles));
        let around = Surroundings {
            decisions: Arc::<Decisions>::clone(&self.decisions),
            mint: Arc::new(|approval, channel| {
                Box::pin(async move { Some(format!("https://x/a/{}/{channel}", approval.revision)) })
            }),
            readers: BTreeMap::new(),
            moment: Arc::new(move || Moment {
                now: Timestamp(now.load(Ordering::SeqCst)),
                minute: 0,
                last_activity: *activity.lock().unwrap(),
            }),
            trouble: Arc::new(move |name, text| troubles.lock().unwrap().push((name.to_owned(), text))),
            redactor: Redactor::default(),
            lang: Lang::En,
            off: BTreeMap::from([("off".to_owned(), "no certificates".to_owned())]),
            setups: channels
                .iter()
                .map(|(name, _)| ((*name).to_owned(), (*self.setup.lock().unwrap()).to_owned()))
                .collect(),
        };
        let channels = channels.into_iter().map(|(name, channel)| (name.to_owned(), channel)).collect();
        Delivery::new(self.store.clone(), channels, routing, around)
    }

    async fn put(&self, channel: &str, key: &str, alert: Alert) {
        let message = NewMessage { channel: channel.into(), key: key.into(), alert, not_before: self.now() };
        self.store.outbox_put(self.now(), vec![message]).await.unwrap();
    }

    fn log(&self) -> Vec<(String, OutboxState, u32)> {
        self.rows().into_iter().map(|row| (row.key, row.state, row.attempts)).collect()
    }

    fn rows(&self) -> Vec<OutboxRow> {
        let reader = tmuxagent_store::Reader::open(&self.folder.path().join("state.db")).unwrap();
        let mut rows = reader.outbox_log(None, 100).unwrap();
        rows.sort_by_key(|row| row.id);
        rows
    }

    /// Whether nothing waits any more.
    fn settled(&self) -> bool {
        self.log().iter().all(|row| row.1 != OutboxState::Waiting)
    }

    /// Runs the delivery until `done`.
    async fn until(&self, delivery: Arc<Delivery>, done: impl Fn() -> bool) {
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&delivery).run(stop.clone()));
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while !done() {
            assert!(std::time::Instant::now() < deadline, "not done: {:?}", self.log());
            delivery.wake();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
        running.await.unwrap();
    }
}

fn note(title: &str, urgency: Urgency) -> Alert {
    Alert {
        kind: AlertKind::Custom,
        urgency,
        title: title.into(),
        body: String::new(),
        approval: None,
        run: None,
        dedupe: title.into(),
        channels: vec![],
    }
}
