//! Services that refuse, hang, or are away for a while.

use super::*;

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

/// Questions of several panes, asked one after the other, and outages that end at whatever time.
#[tokio::test]
async fn after_an_outage_questions_go_out_in_the_order_in_which_they_were_asked() {
    for (ends, asks_then) in [(1, false), (4, true), (17, false), (33, true), (50, false), (200, true), (2000, false)] {
        let world = World::new();
        let service = Arc::new(Outage { over: Mutex::new(false), asked: Mutex::new(0), got: Mutex::default() });
        let delivery = world.delivery(vec![("a", Arc::<Outage>::clone(&service))], Routing::default());
        let ask = async |n: usize| {
            world.put("a", &format!("q{n}"), Alert { title: format!("ci{n}"), ..question() }).await;
        };
        for n in 0..4 {
            ask(n).await;
            let tried = || world.log().iter().all(|row| row.2 > 0);
            world.until(Arc::clone(&delivery), tried).await;
            world.now.fetch_add(7_000, Ordering::SeqCst);
        }
        // The outage goes on, a second at a time.
        for _ in 0..ends {
            world.now.fetch_add(1_000, Ordering::SeqCst);
        }
        let asked = *service.asked.lock().unwrap();
        world.until(Arc::clone(&delivery), || ends < 60 || *service.asked.lock().unwrap() > asked).await;
        *service.over.lock().unwrap() = true;
        if asks_then {
            world.now.fetch_add(1_000, Ordering::SeqCst);
            ask(4).await;
        }
        let settled = || {
            world.now.fetch_add(1_000, Ordering::SeqCst);
            world.settled()
        };
        world.until(delivery, settled).await;
        let got = service.got.lock().unwrap().clone();
        let order: Vec<String> = got
            .iter()
            .filter_map(|text| (0..5).map(|n| format!("ci{n}")).find(|name| text.contains(name.as_str())))
            .collect();
        let asked = 4 + usize::from(asks_then);
        assert_eq!(order, (0..asked).map(|n| format!("ci{n}")).collect::<Vec<_>>(), "{ends} {got:?}");
    }
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
