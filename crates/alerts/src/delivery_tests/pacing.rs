//! What goes together, how fast, and what is not said again.

use super::*;

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
