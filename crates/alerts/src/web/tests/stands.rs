//! What the page of a question says that is closed, and how its yes is taken back.

use super::*;

/// A question of which a yes can be taken back for so long, and its link.
async fn undoing(seconds: u64, pin: Option<&str>) -> (World, String) {
    let world = World::new(pin);
    *world.decisions.undo.lock().unwrap() = Millis::from_secs(seconds);
    let link = world.link_to(Recipient { channel: "phone".into(), person: "mei".into() }).await;
    (world, link)
}

async fn says(world: &World, link: &str, lang: &str) -> (StatusCode, String) {
    let request = Request::get(link).header("accept-language", lang).body(Body::empty()).unwrap();
    let (response, html) = world.send(request).await;
    (response.status(), html)
}

#[tokio::test]
async fn a_yes_that_can_be_taken_back_says_for_how_long_and_takes_it_back() {
    let (world, link) = undoing(8, None).await;
    let (cookie, nonce) = world.open(&link).await;
    let (response, html) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve")).await;
    assert_eq!(response.status(), StatusCode::OK);
    for part in ["<h1 id=\"done\">Approved</h1>", "it is done in 8s unless it is taken back", "value=\"take_back\""] {
        assert!(html.contains(part), "{part}: {html}");
    }
    world.now.fetch_add(3_000, Ordering::Relaxed);
    // Whoever loads it again reads that it went well.
    let (status, html) = says(&world, &link, "en").await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("<title>Approved") && html.contains("\"reason\">approved by mei at 2023-11-15"), "{html}");
    assert!(html.contains("it is done in 5s unless") && !html.contains("Nothing was done"), "{html}");
    let (_, html) = says(&world, &link, "zh").await;
    assert!(html.contains("<h1 id=\"done\">已批准</h1>") && html.contains("若不撤回，5秒 后执行"), "{html}");
    assert!(html.contains(">撤回</button>") && !html.contains("未执行任何操作"), "{html}");
    assert_eq!(world.decisions.reports.lock().unwrap().len(), 0, "that is no refusal");
    // A no from a page that was open all the time is none to this, nor does another page take it back.
    let (late, html) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=reject")).await;
    assert_eq!(late.status(), StatusCode::GONE);
    assert!(html.contains("came too late") && html.contains("already approved by mei"), "{html}");
    let mut strange = post(&link, &cookie, &format!("nonce={nonce}&verdict=take_back"));
    strange.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(world.send(strange).await.0.status(), StatusCode::FORBIDDEN);
    assert_eq!(world.post(&link, &cookie, "nonce=other&verdict=take_back").await.0.status(), StatusCode::FORBIDDEN);
    assert_eq!(world.approval().state, ApprovalState::Approved);
    let (response, html) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=take_back")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(html.contains("<h1 id=\"done\">Taken back; nothing is done</h1>") && !html.contains("<form"), "{html}");
    assert_eq!(world.approval().state, ApprovalState::Rejected);
    let (status, html) = says(&world, &link, "en").await;
    assert_eq!(status, StatusCode::GONE);
    assert!(html.contains("<title>Rejected") && html.contains("rejected by mei"), "{html}");
}

#[tokio::test]
async fn after_its_time_a_yes_is_not_taken_back() {
    let (world, link) = undoing(8, None).await;
    let (cookie, nonce) = world.open(&link).await;
    world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve")).await;
    world.now.fetch_add(8_000, Ordering::Relaxed);
    let (status, html) = says(&world, &link, "en").await;
    assert_eq!(status, StatusCode::GONE);
    assert!(
        html.contains("<title>Approved") && html.contains("can't be taken back any more") && !html.contains("<form"),
        "{html}"
    );
    let (response, html) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=take_back")).await;
    assert_eq!(response.status(), StatusCode::GONE);
    assert!(html.contains("be taken back any more.</strong>"), "{html}");
    assert_eq!(world.approval().state, ApprovalState::Approved);
}

#[tokio::test]
async fn a_pin_is_asked_for_once_more() {
    let (world, link) = undoing(60, Some("4711")).await;
    let (cookie, nonce) = world.open(&link).await;
    world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve&pin=4711")).await;
    let (_, html) = says(&world, &link, "en").await;
    assert!(html.contains("name=\"pin\""), "{html}");
    let (response, html) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=take_back&pin=1")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(html.contains("Wrong PIN.") && html.contains("value=\"take_back\""), "{html}");
    assert_eq!(world.approval().state, ApprovalState::Approved);
    let (response, _) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=take_back&pin=4711")).await;
    assert_eq!((response.status(), world.approval().state), (StatusCode::OK, ApprovalState::Rejected));
}

/// A link that would not decide the question does not take its yes back either.
#[tokio::test]
async fn only_a_link_that_may_say_no_takes_back() {
    let (world, link) = undoing(60, None).await;
    let other = world.link().await;
    let locked = world.link().await;
    let token = authenticate(&world.links.ring, &locked[3..]).unwrap();
    world.links.book.lock_up(token.id_hash).await.unwrap();
    world.decisions.approval.lock().unwrap().approvers = vec!["mei".to_owned()];
    let (cookie, nonce) = world.open(&link).await;
    world.post(&link, &cookie, &format!("nonce={nonce}&verdict=approve")).await;
    for link in [&other, &locked] {
        let (_, html) = says(&world, link, "en").await;
        assert!(html.contains("<title>Approved") && !html.contains("<form"), "{html}");
        assert!(html.contains(&format!("tmuxagent reject {}", world.approval().id)), "{html}");
        let (response, _) = world.post(link, "", "verdict=take_back").await;
        assert!(response.status().is_client_error());
        assert_eq!(world.approval().state, ApprovalState::Approved);
    }
    // Nor is an open question answered by it.
    let (world, link) = undoing(60, None).await;
    let (cookie, nonce) = world.open(&link).await;
    let (response, _) = world.post(&link, &cookie, &format!("nonce={nonce}&verdict=take_back")).await;
    assert_eq!((response.status(), world.approval().decision), (StatusCode::BAD_REQUEST, None));
}

#[tokio::test]
async fn a_closed_question_is_called_what_it_is() {
    for (state, head, zh) in
        [(ApprovalState::Expired, "Expired", "已过期"), (ApprovalState::Superseded, "Not asked any more", "已不再询问")]
    {
        let world = World::new(None);
        let link = world.link().await;
        world.decisions.approval.lock().unwrap().state = state;
        for (lang, head) in [("en", head), ("zh", zh)] {
            let (status, html) = says(&world, &link, lang).await;
            assert_eq!(status, StatusCode::GONE);
            assert!(html.contains(&format!("<h1 id=\"done\">{head}</h1>")), "{html}");
            assert!(html.contains(&format!("<title>{head} ·")), "{html}");
        }
    }
    let world = World::new(None);
    let link = world.link().await;
    let (cookie, nonce) = world.open(&link).await;
    world.post(&link, &cookie, &format!("nonce={nonce}&verdict=reject")).await;
    let (_, html) = says(&world, &link, "zh").await;
    assert!(html.contains("<title>已拒绝 ·") && !html.contains("未执行任何操作"), "{html}");
}
