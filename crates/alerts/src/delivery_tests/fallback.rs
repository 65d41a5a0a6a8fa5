//! Where a message goes when its own channel does not take it.

use super::*;

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
    // What stands behind one that failed waits for its turn.
    let tried = |channel| world.rows().iter().any(|row| row.channel == channel && row.attempts > 0);
    // What comes while the first one is on its way goes with it, in one message.
    let of_b = || world.rows().into_iter().filter(|row| row.channel == "b").map(|row| (row.key, row.state));
    let out = || of_b().filter(|(_, state)| *state != OutboxState::Waiting).count() == 2;
    world.until(delivery, || out() && tried("a") && tried("c")).await;
    let told: Vec<_> = of_b().collect();
    let keys: Vec<&str> = told.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["k", "l/fallback"], "{told:?}");
    let apart = told.iter().filter(|(_, state)| *state == OutboxState::Sent).count();
    assert_eq!(other.titles().len(), apart, "{told:?}");
}
