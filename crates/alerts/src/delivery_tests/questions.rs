//! Questions: with a link of their own, while they are open, when the user is away.

use super::*;

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
async fn a_closed_question_is_not_asked_any_more() {
    let world = World::new();
    let service = Service::good();
    world.decisions.0.lock().unwrap().state = ApprovalState::Rejected;
    world.put("a", "k", question()).await;
    let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
    world.until(delivery, || world.log()[0].1 == OutboxState::Cancelled).await;
    assert_eq!(service.titles(), Vec::<String>::new());
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
async fn what_is_told_once_more_says_which_time_and_since_when() {
    let told = [
        ("k", AlertKind::Approval, "Decide: storyapp-ci build"),
        ("k/remind/2", AlertKind::Approval, "Still waiting (2): storyapp-ci build"),
        ("k/remind/2/fallback", AlertKind::Approval, "Still waiting (2): storyapp-ci build"),
        ("k/escalate/0", AlertKind::Approval, "Still waiting: storyapp-ci build"),
        ("j", AlertKind::Reminder, "Still waiting (1): storyapp-ci build"),
    ];
    for (key, kind, title) in told {
        let world = World::new();
        let service = Service::good();
        let asked_at = world.decisions.0.lock().unwrap().asked_at;
        world.now.store((asked_at + Millis::from_secs(1200)).0, Ordering::SeqCst);
        world.put("a", key, Alert { kind, ..question() }).await;
        let delivery = world.delivery(vec![("a", Arc::<Service>::clone(&service))], Routing::default());
        world.until(delivery, || world.settled()).await;
        assert_eq!(service.titles(), [title], "{key}");
        let since = service.got.lock().unwrap()[0].ask.as_ref().unwrap().since.clone();
        let open = Some("2023-11-14 22:13 UTC, open for 20m00s".to_owned()).filter(|_| key != "k");
        assert_eq!(since, open, "{key}");
    }
}
