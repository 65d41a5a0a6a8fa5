use super::*;

#[tokio::test]
async fn a_message_is_stored_once_and_sent_until_it_is_marked() {
    let room = Room::new();
    let (store, _) = room.open();
    let ids = store
        .outbox_put(
            at(0),
            vec![message("ntfy", "a", at(0)), message("ntfy", "b", at(50)), message("slack", "a", at(0))],
        )
        .await
        .unwrap();
    let again = store.outbox_put(at(9), vec![message("ntfy", "a", at(9))]).await.unwrap();
    assert_eq!(again, ids[..1], "the same key is the same message");

    let due = store.outbox_due(at(10), 10).await.unwrap();
    assert_eq!(due.iter().map(|row| row.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
    assert_eq!((due[0].alert.clone(), due[0].created_at, due[0].attempts), (alert("a"), at(0), 0));
    assert_eq!(store.outbox_due(at(10), 1).await.unwrap().len(), 1);

    let later = Mark { state: OutboxState::Waiting, tried: true, next_at: at(100), answer: "503".to_owned() };
    store.outbox_mark(ids[0], at(11), later).await.unwrap();
    let sent = Mark { state: OutboxState::Sent, tried: true, next_at: at(0), answer: "ok".to_owned() };
    store.outbox_mark(ids[2], at(12), sent.clone()).await.unwrap();
    assert_eq!(store.outbox_due(at(49), 10).await.unwrap(), []);
    store.close().await;

    let (store, _) = room.open();
    let due = store.outbox_due(at(100), 10).await.unwrap();
    assert_eq!(
        due.iter().map(|row| (row.id, row.attempts, row.answer.as_str())).collect::<Vec<_>>(),
        [(ids[1], 0, ""), (ids[0], 1, "503")],
        "what waits survives a restart"
    );
    for id in [ids[0], ids[1]] {
        store.outbox_mark(id, at(101), sent.clone()).await.unwrap();
    }
    let log = store.read(|reader| reader.outbox_log(None, 2)).await.unwrap();
    assert_eq!(log.iter().map(|row| row.id).collect::<Vec<_>>(), [ids[0], ids[1]]);
    let log = store.read(|reader| reader.outbox_log(Some("slack"), 9)).await.unwrap();
    assert_eq!(log.iter().map(|row| (row.id, row.state)).collect::<Vec<_>>(), [(ids[2], OutboxState::Sent)]);
    let counts = store.read(|reader| reader.outbox_counts()).await.unwrap();
    assert!(counts.contains(&("slack".to_owned(), "sent", 1)), "{counts:?}");
    assert_eq!(counts.iter().map(|(_, _, count)| count).sum::<u64>(), ids.len() as u64);
}

#[tokio::test]
async fn a_cool_down_finds_what_was_said_before() {
    let room = Room::new();
    let (store, _) = room.open();
    let mut ids = Vec::new();
    for n in 0..4 {
        let mut message = message("ntfy", &n.to_string(), at(0));
        message.alert.dedupe = if n == 2 { "other" } else { "pane-3" }.to_owned();
        ids.extend(store.outbox_put(at(n * 10), vec![message]).await.unwrap());
    }
    let similar = async |since| {
        let found = store.outbox_similar("ntfy", "pane-3", at(since)).await.unwrap();
        found.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(similar(10).await, [ids[3], ids[1], ids[0]], "what waits may be old");
    let sent = |n| Mark { state: OutboxState::Sent, tried: true, next_at: at(n), answer: String::new() };
    store.outbox_mark(ids[0], at(5), sent(5)).await.unwrap();
    assert_eq!(similar(10).await, [ids[3], ids[1]]);
    store.outbox_mark(ids[1], at(50), sent(50)).await.unwrap();
    assert_eq!(similar(45).await, [ids[3], ids[1]], "it was put in long ago and sent just now");
    assert_eq!(store.outbox_similar("slack", "pane-3", at(0)).await.unwrap(), []);
}

#[tokio::test]
async fn alerts_of_a_batch_share_its_fate() {
    let room = Room::new();
    let (store, _) = room.open();
    let batch = Batch { outbox: vec![message("ntfy", "a", at(0)), message("ntfy", "a", at(0))], ..Batch::new(at(0)) };
    let done = store.commit(batch).await.unwrap();
    assert_eq!(done.outbox[0], done.outbox[1]);
    assert_eq!(store.outbox_due(at(0), 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_failed_goes_at_once_when_its_channel_works() {
    let room = Room::new();
    let (store, _) = room.open();
    let messages = ["a", "b", "c"].map(|key| message("ntfy", key, at(100)));
    let ids = store.outbox_put(at(0), messages.to_vec()).await.unwrap();
    let failed = Mark { state: OutboxState::Waiting, tried: true, next_at: at(500), answer: "busy".into() };
    store.outbox_mark(ids[0], at(10), failed.clone()).await.unwrap();
    store.outbox_mark(ids[1], at(10), Mark { tried: false, ..failed }).await.unwrap();
    store.outbox_release("slack", at(20)).await.unwrap();
    store.outbox_release("ntfy", at(20)).await.unwrap();
    let next: Vec<_> = store.outbox_waiting("ntfy", 9).await.unwrap().iter().map(|row| (row.id, row.next_at)).collect();
    assert_eq!(next, [(ids[0], at(20)), (ids[2], at(100)), (ids[1], at(500))], "what was not tried waits on");
}

#[tokio::test]
async fn what_is_pressing_and_what_has_no_channel_is_found() {
    let room = Room::new();
    let (store, _) = room.open();
    let urgent = |channel: &str, key: &str, urgency| {
        let mut message = message(channel, key, at(100));
        message.alert.urgency = urgency;
        message
    };
    let messages = vec![
        urgent("ntfy", "a", Urgency::High),
        urgent("ntfy", "b", Urgency::Normal),
        urgent("it's gone", "c", Urgency::High),
    ];
    let ids = store.outbox_put(at(0), messages).await.unwrap();
    let ids_of = |rows: Vec<OutboxRow>| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids_of(store.outbox_pressing(9).await.unwrap()), [ids[0], ids[2]]);
    assert_eq!(ids_of(store.outbox_elsewhere(vec!["ntfy".into()], 9).await.unwrap()), [ids[2]]);
    assert_eq!(ids_of(store.outbox_elsewhere(vec![], 9).await.unwrap()), ids);
    assert!(store.outbox_has("ntfy", "a").await.unwrap() && !store.outbox_has("ntfy", "c").await.unwrap());
}

fn asking(channel: &str, key: &str) -> NewMessage {
    let mut message = message(channel, key, at(0));
    message.alert.approval = Some(tmuxagent_model::ApprovalId::new(key));
    message
}

#[tokio::test]
async fn what_failed_is_put_back_once_for_each_configuration() {
    let room = Room::new();
    let (store, _) = room.open();
    let ids = store
        .outbox_put(at(0), vec![asking("ntfy", "a"), message("ntfy", "note", at(0)), asking("slack", "a")])
        .await
        .unwrap();
    for id in &ids {
        store.outbox_fail(*id, at(5), true, "bad key", "one").await.unwrap();
    }
    let failed = async |store: &Store, setup, mended| {
        let rows = store.outbox_failed("ntfy", setup, mended).await.unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(failed(&store, "one", Mended::Configured).await, Vec::<i64>::new());
    assert_eq!(failed(&store, "two", Mended::Configured).await, [ids[0]], "notes are not told late");
    let back =
        async |store: &Store, setup, mended| store.outbox_put_back(vec![ids[0]], setup, mended, at(90)).await.unwrap();
    assert_eq!(back(&store, "one", Mended::Configured).await, 0, "nothing is different");
    assert_eq!(back(&store, "two", Mended::Configured).await, 1);
    assert_eq!(back(&store, "two", Mended::Configured).await, 0, "it waits");
    store.close().await;
    let (store, _) = room.open();
    let waits = store.outbox_waiting("ntfy", 9).await.unwrap();
    assert_eq!(
        waits.iter().map(|row| (row.id, row.since, row.created_at)).collect::<Vec<_>>(),
        [(ids[0], at(90), at(0))]
    );
    store.outbox_fail(ids[0], at(95), true, "bad key", "two").await.unwrap();
    assert_eq!(failed(&store, "two", Mended::Configured).await, Vec::<i64>::new());
    for (n, expected) in [(1, 1), (2, 0)] {
        assert_eq!(back(&store, "two", Mended::Works).await, expected, "success {n}");
        store.outbox_fail(ids[0], at(99), true, "bad key", "two").await.unwrap();
    }
    assert_eq!(back(&store, "three", Mended::Configured).await, 1);
}
