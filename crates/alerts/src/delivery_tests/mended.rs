//! Channels that are mended after messages had failed for good.

use super::*;

/// A question of another key, which is known as open or not.
fn other(id: &str) -> Alert {
    Alert { approval: Some(ApprovalId::new(id)), ..question() }
}

fn refusing() -> Arc<Service> {
    Service::failing(u32::MAX, || SendError::refused("bad key", "mend it"))
}

fn on<'a>(name: &'a str, service: &Arc<Service>) -> (&'a str, Arc<dyn Channel>) {
    (name, Arc::<Service>::clone(service))
}

#[tokio::test]
async fn another_configuration_sends_what_is_open_once_and_in_order() {
    let world = World::new();
    let broken = refusing();
    for (key, alert) in [
        ("q", question()),
        ("decided", other("another")),
        ("note", note("n", Urgency::High)),
        ("q/remind/1", question()),
    ] {
        world.put("a", key, alert).await;
    }
    let failed = |world: &World| world.log().iter().filter(|row| row.1 == OutboxState::Failed).count();
    // Only one approval is known; to be tried at all the other one had to be open as well.
    let row = world.rows()[1].id;
    world.store.outbox_fail(row, world.now(), true, "bad key", "first").await.unwrap();
    world.until(world.delivery(vec![on("a", &broken)], Routing::default()), || world.settled()).await;
    assert_eq!(failed(&world), 3, "{:?}", world.log());
    // The same configuration again: nothing is tried.
    let good = Service::good();
    let delivery = world.delivery(vec![on("a", &good), on("b", &good)], Routing::default());
    world.put("b", "other channel", note("b", Urgency::Normal)).await;
    world.until(delivery, || good.titles().len() == 1).await;
    assert_eq!(failed(&world), 3, "{:?}", world.log());
    // Two days later, after a restart with another one.
    world.now.fetch_add(48 * 3_600_000, Ordering::SeqCst);
    *world.setup.lock().unwrap() = "second";
    let busy = Service::failing(1, || SendError::retry("busy"));
    world.until(world.delivery(vec![on("a", &busy)], Routing::default()), || world.log()[0].2 == 2).await;
    assert_eq!(world.log()[0].1, OutboxState::Waiting, "it is tried as long as a new one");
    world.now.fetch_add(75_000, Ordering::SeqCst);
    for _ in 0..2 {
        world.until(world.delivery(vec![on("a", &busy)], Routing::default()), || world.settled()).await;
    }
    assert_eq!(busy.titles(), ["Decide: storyapp-ci build"], "its reminder adds nothing");
    let states: Vec<_> = world.log().into_iter().map(|row| (row.0, row.1)).take(4).collect();
    let expected = [
        ("q", OutboxState::Sent),
        ("decided", OutboxState::Failed),
        ("note", OutboxState::Failed),
        ("q/remind/1", OutboxState::Merged),
    ];
    assert_eq!(states, expected.map(|(key, state)| (key.to_owned(), state)));
}

#[tokio::test]
async fn a_channel_that_takes_something_again_gets_what_failed_once_more() {
    /// Refuses questions.
    struct Picky(Mutex<Vec<String>>);
    impl Channel for Picky {
        fn kind(&self) -> &'static str {
            "picky"
        }

        fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
            let bad = message.ask.is_some();
            self.0.lock().unwrap().push(message.title.clone());
            Box::pin(async move { if bad { Err(SendError::refused("too long", "")) } else { Ok(Receipt::new("ok")) } })
        }
    }
    let world = World::new();
    let picky = Arc::new(Picky(Mutex::default()));
    let delivery = world.delivery(vec![("a", Arc::<Picky>::clone(&picky))], Routing::default());
    world.put("a", "q", question()).await;
    world.until(Arc::clone(&delivery), || world.settled()).await;
    for n in 1..=3_usize {
        world.put("a", &format!("n{n}"), note(&format!("n{n}"), Urgency::Normal)).await;
        let told = || picky.0.lock().unwrap().iter().any(|title| *title == format!("Note: n{n}"));
        world.until(Arc::clone(&delivery), || told() && world.settled()).await;
    }
    let tried = picky.0.lock().unwrap().iter().filter(|title| title.starts_with("Decide")).count();
    assert_eq!(tried, 2, "a message that is itself at fault is not tried with each success");
    // The service took questions again, without another configuration.
    let good = Service::good();
    world.put("a", "n4", note("n4", Urgency::Normal)).await;
    *world.setup.lock().unwrap() = "second";
    world.until(world.delivery(vec![on("a", &good)], Routing::default()), || good.titles().len() == 2).await;
    assert_eq!(good.titles(), ["Decide: storyapp-ci build", "Note: n4"]);
}

#[tokio::test]
async fn what_was_told_there_since_is_not_told_again() {
    let world = World::new();
    let once = Service::failing(1, || SendError::refused("bad key", "mend it"));
    let delivery = world.delivery(vec![on("a", &once)], Routing::default());
    world.put("a", "q", question()).await;
    world.until(Arc::clone(&delivery), || world.settled()).await;
    world.now.fetch_add(600_000, Ordering::SeqCst);
    world.put("a", "q/remind/1", question()).await;
    world.until(Arc::clone(&delivery), || world.settled()).await;
    *world.setup.lock().unwrap() = "second";
    let good = Service::good();
    world.put("a", "n", note("n", Urgency::Normal)).await;
    world.until(world.delivery(vec![on("a", &good)], Routing::default()), || world.settled()).await;
    assert_eq!((once.titles().len(), good.titles()), (1, vec!["Note: n".to_owned()]));
}

#[tokio::test]
async fn a_fallback_told_it_once_and_its_own_channel_may_still() {
    let world = World::new();
    let routing = || Routing { fallback: vec!["b".into()], ..Routing::default() };
    let (broken, fallback) = (refusing(), Service::good());
    world.put("a", "q", question()).await;
    let delivery = world.delivery(vec![on("a", &broken), on("b", &fallback)], routing());
    world.until(delivery, || world.settled() && fallback.titles().len() == 1).await;
    *world.setup.lock().unwrap() = "second";
    let mended = Service::good();
    let delivery = world.delivery(vec![on("a", &mended), on("b", &fallback)], routing());
    world.until(delivery, || world.settled() && mended.titles().len() == 1).await;
    assert_eq!(fallback.titles().len(), 1);

    // A fallback that failed is not asked any more once the own channel has told it.
    let world = World::new();
    world.put("a", "q", question()).await;
    let delivery = world.delivery(vec![on("a", &refusing()), on("b", &refusing())], routing());
    world.until(delivery, || world.settled() && world.log().len() == 2).await;
    *world.setup.lock().unwrap() = "second";
    let (mended, late) = (Service::good(), Service::good());
    world.until(world.delivery(vec![on("a", &mended)], routing()), || mended.titles().len() == 1).await;
    world.put("b", "n", note("n", Urgency::Normal)).await;
    world.until(world.delivery(vec![on("b", &late)], routing()), || late.titles().len() == 1).await;
    assert_eq!(late.titles(), ["Note: n"]);
}

#[tokio::test]
async fn a_channel_that_was_not_there_gets_it_when_it_is() {
    let world = World::new();
    world.put("later", "q", question()).await;
    world.until(world.delivery(vec![], Routing::default()), || world.settled()).await;
    assert_eq!(world.log()[0].1, OutboxState::Failed);
    let good = Service::good();
    world.until(world.delivery(vec![on("later", &good)], Routing::default()), || good.titles().len() == 1).await;
}
