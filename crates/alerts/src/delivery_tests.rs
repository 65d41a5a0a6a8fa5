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

/// A desk with one approval.
struct Desk(Mutex<Approval>);

impl Decide for Desk {
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

/// A service that takes no more than one message in half a second; when each came.
#[derive(Default)]
struct Paced(Mutex<Vec<(String, std::time::Instant)>>);

impl Channel for Paced {
    fn kind(&self) -> &'static str {
        "paced"
    }

    fn spacing(&self) -> Millis {
        Millis(500)
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        self.0.lock().unwrap().push((message.title.clone(), std::time::Instant::now()));
        Box::pin(async { Ok(Receipt::new("ok")) })
    }
}

type Troubles = Vec<(String, Option<String>)>;

struct World {
    store: Store,
    desk: Arc<Desk>,
    now: Arc<AtomicI64>,
    activity: Arc<Mutex<Option<Timestamp>>>,
    troubles: Arc<Mutex<Troubles>>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&folder.path().join("state.db"), START).unwrap();
        Self {
            store,
            desk: Arc::new(Desk(Mutex::new(approval()))),
            now: Arc::new(AtomicI64::new(START.0)),
            activity: Arc::default(),
            troubles: Arc::default(),
            folder,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn delivery(&self, channels: Vec<(&str, Arc<dyn Channel>)>, routing: Routing) -> Arc<Delivery> {
        let (now, activity, troubles) = (Arc::clone(&self.now), Arc::clone(&self.activity), Arc::clone(&self.troubles));
        let around = Surroundings {
            desk: Arc::<Desk>::clone(&self.desk),
            mint: Arc::new(|approval, channel| {
                Box::pin(async move { Some(format!("https://x/a/{}/{channel}", approval.revision)) })
            }),
            moment: Arc::new(move || Moment {
                now: Timestamp(now.load(Ordering::SeqCst)),
                minute: 0,
                last_activity: *activity.lock().unwrap(),
            }),
            trouble: Arc::new(move |name, text| troubles.lock().unwrap().push((name.to_owned(), text))),
            redactor: Redactor::default(),
            lang: Lang::En,
            off: BTreeMap::from([("off".to_owned(), "no certificates".to_owned())]),
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

#[tokio::test]
async fn a_question_arrives_with_a_link_minted_now() {
    let world = World::new();
    let service = Service::good();
    world.put("a", "k", question()).await;
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(delivery, || !world.log().iter().any(|row| row.1 == OutboxState::Waiting)).await;
    assert_eq!(service.got.lock().unwrap()[0].ask.as_ref().unwrap().link.as_deref(), Some("https://x/a/1/a"));
    assert_eq!(world.log(), [("k".to_owned(), OutboxState::Sent, 1)]);
}

#[tokio::test]
async fn a_hanging_service_delays_no_other() {
    let world = World::new();
    let service = Service::good();
    world.put("hanging", "h", note("h", Urgency::High)).await;
    world.put("a", "k", note("n", Urgency::Low)).await;
    let delivery = world
        .delivery(vec![("hanging", Arc::new(Hanging)), ("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(delivery, || service.titles() == ["Note: n"]).await;
    assert_eq!(world.log()[0].1, OutboxState::Waiting, "to be sent at the next start");
}

#[tokio::test]
async fn what_fails_is_tried_again_also_after_a_restart() {
    let world = World::new();
    let service = Service::failing(2, || SendError::retry("busy"));
    world.put("a", "k", note("n", Urgency::Normal)).await;
    for attempts in 1..=2 {
        let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
        world.until(delivery, || world.log()[0].2 == attempts).await;
        assert_eq!(service.titles(), Vec::<String>::new());
        world.now.fetch_add(60_000, Ordering::SeqCst);
    }
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(delivery, || service.titles() == ["Note: n"]).await;
    let troubles = world.troubles.lock().unwrap().clone();
    let busy = ("a".to_owned(), Some("busy".to_owned()));
    assert_eq!(troubles, [busy.clone(), busy, ("a".to_owned(), None)]);
}

#[tokio::test]
async fn what_is_refused_falls_back_when_it_is_pressing() {
    let world = World::new();
    let (broken, other) = (Service::failing(9, || SendError::refused("no", "do this")), Service::good());
    world.put("a", "low", note("l", Urgency::Normal)).await;
    world.put("a", "high", question()).await;
    let routing = Routing { fallback: vec!["b".into(), "a".into()], ..Routing::default() };
    let delivery = world.delivery(vec![("a", broken), ("b", Arc::<Service>::clone(&other))], routing);
    world
        .until(delivery, || world.log().iter().all(|row| row.1 != OutboxState::Waiting) && !other.titles().is_empty())
        .await;
    assert_eq!(
        world.log(),
        [
            ("low".to_owned(), OutboxState::Failed, 1),
            ("high".to_owned(), OutboxState::Failed, 1),
            ("high/fallback".to_owned(), OutboxState::Sent, 1)
        ]
    );
}

#[tokio::test]
async fn an_exhausted_channel_rests() {
    let world = World::new();
    let service = Service::failing(1, || SendError::Exhausted { what: "spent".into(), pause: Millis::from_secs(3600) });
    world.put("a", "k", note("n", Urgency::Normal)).await;
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(delivery, || world.log()[0].2 == 1).await;
    let waiting = world.store.outbox_waiting("a", 10).await.unwrap();
    assert_eq!(waiting[0].next_at, START + Millis::from_secs(3600));
}

#[tokio::test]
async fn a_day_is_enough() {
    let world = World::new();
    world.put("a", "k", note("n", Urgency::Normal)).await;
    world.now.fetch_add(25 * 3_600_000, Ordering::SeqCst);
    let delivery = world.delivery(vec![("a", Service::failing(9, || SendError::retry("busy")))], Routing::default());
    world.until(delivery, || world.log()[0].1 == OutboxState::Failed).await;
}

#[tokio::test]
async fn a_closed_question_is_not_asked_any_more() {
    let world = World::new();
    let service = Service::good();
    world.desk.0.lock().unwrap().state = ApprovalState::Rejected;
    world.put("a", "k", question()).await;
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(delivery, || world.log()[0].1 == OutboxState::Cancelled).await;
    assert_eq!(service.titles(), Vec::<String>::new());
}

#[tokio::test]
async fn what_piled_up_goes_together_and_questions_alone() {
    let world = World::new();
    let service = Service::good();
    for title in ["one", "two", "three"] {
        world.put("a", title, note(title, Urgency::Normal)).await;
    }
    world.put("a", "q", question()).await;
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(delivery, || service.titles().len() == 2).await;
    assert_eq!(service.titles(), ["Decide: storyapp-ci build", "3 messages"]);
    assert_eq!(service.got.lock().unwrap()[1].body, "• Note: one\n• Note: two\n• Note: three");
}

#[tokio::test]
async fn messages_keep_the_distance_that_a_service_wants_and_none_is_lost() {
    let world = World::new();
    let paced = Arc::new(Paced::default());
    world.put("a", "q1", question()).await;
    world.put("a", "q2", question()).await;
    for n in 0..30 {
        world.put("a", &format!("n{n}"), note(&format!("n{n}"), Urgency::Normal)).await;
    }
    let delivery = world.delivery(vec![("a", Arc::<Paced>::clone(&paced))], Routing::default());
    world.until(delivery, || world.log().iter().all(|row| row.1 != OutboxState::Waiting)).await;
    let came = paced.0.lock().unwrap().clone();
    let titles: Vec<&str> = came.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Decide: storyapp-ci build", "Decide: storyapp-ci build", "20 messages", "10 messages"]);
    for pair in came.windows(2) {
        assert!(pair[1].1 - pair[0].1 >= Duration::from_millis(500), "{pair:?}");
    }
}

#[tokio::test]
async fn a_flapping_pane_sends_one_message() {
    let world = World::new();
    let service = Service::good();
    for n in 0..5 {
        let alert = Alert { dedupe: "pane".into(), ..note(&format!("down {n}"), Urgency::High) };
        world.put("a", &n.to_string(), alert).await;
    }
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    let settled = || world.log().iter().all(|row| row.1 != OutboxState::Waiting);
    world.until(Arc::clone(&delivery), settled).await;
    assert_eq!(service.titles(), ["Note: down 0"]);
    world.now.fetch_add(301_000, Ordering::SeqCst);
    world.put("a", "later", Alert { dedupe: "pane".into(), ..note("down again", Urgency::High) }).await;
    world.until(delivery, settled).await;
    assert_eq!(service.titles(), ["Note: down 0", "Note: down again"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_waits_until_the_user_is_away() {
    let world = World::new();
    let service = Service::good();
    let route = Route { kinds: vec![], urgency: Urgency::Low, to: vec!["a".into()], when: When::Away };
    let routing = Routing { routes: vec![route], ..Routing::default() };
    *world.activity.lock().unwrap() = Some(START);
    world.put("a", "k", question()).await;
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], routing.clone());
    let later = START + Millis::from_secs(300);
    let waiting = world.store.clone();
    world
        .until(delivery, || {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current()
                    .block_on(async { waiting.outbox_waiting("a", 1).await.unwrap()[0].next_at == later })
            })
        })
        .await;
    world.now.store(later.0, Ordering::SeqCst);
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], routing);
    world.until(delivery, || service.titles().len() == 1).await;
}

#[tokio::test]
async fn a_channel_that_is_gone_is_said() {
    let world = World::new();
    world.put("old", "k", note("n", Urgency::High)).await;
    world.until(world.delivery(vec![], Routing::default()), || world.log()[0].1 == OutboxState::Failed).await;
    assert!(world.troubles.lock().unwrap()[0].1.as_ref().unwrap().contains("no channel `old`"));
}

#[tokio::test]
async fn a_question_moves_to_the_channels_of_today() {
    let world = World::new();
    world.put("old", "k/remind/1", question()).await;
    let new = Service::good();
    let routing = Routing::everything_to(vec!["new".into()]);
    let delivery = world.delivery(vec![("new", Arc::<Service>::clone(&new))], routing);
    world.until(delivery, || new.titles().len() == 1).await;
    assert_eq!(world.log()[0].1, OutboxState::Cancelled);
    assert!(world.troubles.lock().unwrap().iter().all(|(_, text)| text.is_none()));
}

fn falling_back_to(channels: &[&str]) -> Routing {
    Routing { fallback: channels.iter().map(|name| (*name).to_owned()).collect(), ..Routing::default() }
}

#[tokio::test]
async fn what_is_pressing_falls_back_after_a_minute_and_still_reaches_its_own_channel() {
    let world = World::new();
    let (first, other) = (Service::failing(u32::MAX, || SendError::retry("busy")), Service::good());
    world.put("a", "low", note("low", Urgency::Normal)).await;
    world.put("a", "high", question()).await;
    let channels = || -> Vec<(&str, Arc<dyn Channel>)> {
        vec![("a", Arc::<Service>::clone(&first)), ("b", Arc::<Service>::clone(&other))]
    };
    let delivery = world.delivery(channels(), falling_back_to(&["b"]));
    world.until(delivery, || world.log()[1].2 == 1).await;
    world.now.fetch_add(59_000, Ordering::SeqCst);
    let delivery = world.delivery(channels(), falling_back_to(&["b"]));
    world.until(delivery, || world.log()[1].2 > 1).await;
    assert_eq!(other.titles(), Vec::<String>::new(), "not yet a minute");
    world.now.fetch_add(1_000, Ordering::SeqCst);
    let delivery = world.delivery(channels(), falling_back_to(&["b"]));
    world.until(Arc::clone(&delivery), || other.titles().len() == 1).await;
    assert_eq!(other.got.lock().unwrap()[0].ask.as_ref().unwrap().link.as_deref(), Some("https://x/a/1/b"));
    // Once on each channel, however long it lasts and however often it starts anew.
    world.now.fetch_add(120_000, Ordering::SeqCst);
    *first.failures.lock().unwrap() = 0;
    let delivery = world.delivery(channels(), falling_back_to(&["b"]));
    world.until(delivery, || world.settled()).await;
    assert_eq!(first.titles(), ["Decide: storyapp-ci build", "Note: low"]);
    assert_eq!(other.titles(), ["Decide: storyapp-ci build"]);
}

#[tokio::test]
async fn a_hanging_service_holds_back_no_fallback() {
    let world = World::new();
    let other = Service::good();
    world.put("hanging", "k", question()).await;
    world.now.fetch_add(60_000, Ordering::SeqCst);
    let channels: Vec<(&str, Arc<dyn Channel>)> =
        vec![("hanging", Arc::new(Hanging)), ("b", Arc::<Service>::clone(&other))];
    world.until(world.delivery(channels, falling_back_to(&["b"])), || other.titles().len() == 1).await;
}

#[tokio::test]
async fn a_channel_that_is_off_is_not_waited_for() {
    let world = World::new();
    let (other, resting) = (Service::good(), Service::failing(1, || SendError::retry_after("busy", Some(3600))));
    world.put("off", "failed", note("failed", Urgency::High)).await;
    world.put("off", "told", note("told", Urgency::Normal)).await;
    world.put("resting", "asked", question()).await;
    let channels: Vec<(&str, Arc<dyn Channel>)> = vec![("b", Arc::<Service>::clone(&other)), ("resting", resting)];
    world.until(world.delivery(channels, falling_back_to(&["off", "b"])), || other.titles().len() == 2).await;
    let states: Vec<_> = world.rows().into_iter().map(|row| (row.channel, row.key, row.state)).collect();
    for (channel, key, state) in [
        ("off", "failed", OutboxState::Failed),
        ("off", "told", OutboxState::Failed),
        ("b", "failed/fallback", OutboxState::Sent),
        ("b", "asked/fallback", OutboxState::Sent),
        ("resting", "asked", OutboxState::Waiting),
    ] {
        assert!(states.contains(&(channel.to_owned(), key.to_owned(), state)), "{channel} {key}: {states:?}");
    }
    let troubles = world.troubles.lock().unwrap();
    assert!(troubles.contains(&("off".to_owned(), Some("no certificates".to_owned()))), "{troubles:?}");
}

#[tokio::test]
async fn a_channel_rings_once_for_an_alert() {
    let world = World::new();
    let busy = || Service::failing(u32::MAX, || SendError::retry("busy"));
    let other = Service::good();
    for channel in ["a", "c", "b"] {
        world.put(channel, "k", note("k", Urgency::High)).await;
    }
    for channel in ["a", "c"] {
        world.put(channel, "l", note("l", Urgency::High)).await;
    }
    world.now.fetch_add(61_000, Ordering::SeqCst);
    let channels: Vec<(&str, Arc<dyn Channel>)> =
        vec![("a", busy()), ("c", busy()), ("b", Arc::<Service>::clone(&other))];
    let delivery = world.delivery(channels, falling_back_to(&["b"]));
    let tried = || world.rows().iter().filter(|row| row.channel != "b").all(|row| row.attempts > 0);
    world.until(delivery, || other.titles().len() == 2 && tried()).await;
    assert_eq!(other.titles(), ["Note: k", "Note: l"]);
    assert_eq!(world.rows().iter().filter(|row| row.channel == "b").count(), 2);
}

/// A service that is away until a moment, and counts how often it was asked.
struct Outage {
    over: Mutex<bool>,
    asked: Mutex<u32>,
    got: Mutex<Vec<String>>,
}

impl Channel for Outage {
    fn kind(&self) -> &'static str {
        "outage"
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        *self.asked.lock().unwrap() += 1;
        let over = *self.over.lock().unwrap();
        if over {
            self.got.lock().unwrap().push(message.render(crate::markup::Markup::Raw, 4000));
        }
        Box::pin(async move { if over { Ok(Receipt::new("ok")) } else { Err(SendError::retry("no network")) } })
    }
}

#[tokio::test]
async fn after_an_outage_all_goes_out_at_once_and_in_order() {
    let world = World::new();
    let service = Arc::new(Outage { over: Mutex::new(false), asked: Mutex::new(0), got: Mutex::default() });
    let delivery = world.delivery(vec![("a", Arc::<Outage>::clone(&service))], Routing::default());
    for n in 0..30 {
        world.put("a", &format!("n{n}"), note(&format!("n{n}."), Urgency::Normal)).await;
    }
    // An hour, in which the pauses have grown as far as they do.
    for minute in 1..60 {
        world.now.fetch_add(75_000, Ordering::SeqCst);
        world.until(Arc::clone(&delivery), || *service.asked.lock().unwrap() >= minute).await;
    }
    let asked = *service.asked.lock().unwrap();
    assert!(asked < 100, "{asked} attempts for thirty messages in an hour");
    world.put("a", "q", question()).await;
    world.until(Arc::clone(&delivery), || *service.asked.lock().unwrap() > asked).await;
    world.put("a", "q/remind/1", question()).await;
    *service.over.lock().unwrap() = true;
    // One pause later, and nothing is waited for after the first.
    world.now.fetch_add(75_000, Ordering::SeqCst);
    world.until(delivery, || world.settled()).await;
    let got = service.got.lock().unwrap().clone();
    assert_eq!(got.len(), 3, "{got:?}");
    assert_eq!(got.iter().filter(|text| text.starts_with("Decide")).count(), 1, "its reminder is not sent beside it");
    let notes: Vec<&str> =
        got.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("• Note: ")).collect();
    assert_eq!(notes, (0..30).map(|n| format!("n{n}.")).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_never_gets_through_stands_before_nothing() {
    /// Takes everything but questions.
    struct Picky(Mutex<Vec<String>>);
    impl Channel for Picky {
        fn kind(&self) -> &'static str {
            "picky"
        }

        fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
            let bad = message.ask.is_some();
            if !bad {
                self.0.lock().unwrap().push(message.title.clone());
            }
            Box::pin(async move { if bad { Err(SendError::retry("no")) } else { Ok(Receipt::new("ok")) } })
        }
    }
    let world = World::new();
    let picky = Arc::new(Picky(Mutex::default()));
    world.put("a", "poison", question()).await;
    let delivery = world.delivery(vec![("a", Arc::<Picky>::clone(&picky))], Routing::default());
    world.until(Arc::clone(&delivery), || world.log()[0].2 == 1).await;
    for n in 0..10 {
        world.put("a", &format!("n{n}"), note(&format!("n{n}"), Urgency::Normal)).await;
        // Time goes on, so that the pauses of failures end.
        let came = || {
            world.now.fetch_add(1_000, Ordering::SeqCst);
            picky.0.lock().unwrap().len() > n
        };
        world.until(Arc::clone(&delivery), came).await;
    }
    assert_eq!(world.log()[0].1, OutboxState::Waiting);
}

#[tokio::test]
async fn what_went_out_together_with_others_cools_down_too() {
    let world = World::new();
    let service = Service::good();
    world.put("a", "1", note("one", Urgency::Normal)).await;
    world.put("a", "2", note("two", Urgency::Normal)).await;
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(Arc::clone(&delivery), || world.settled()).await;
    // As the next run says it, and after a new start.
    world.now.fetch_add(60_000, Ordering::SeqCst);
    for title in ["one", "two"] {
        world.put("a", &format!("{title} again"), note(title, Urgency::Normal)).await;
    }
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(delivery, || world.settled()).await;
    assert_eq!(service.titles(), ["2 messages"]);
}
