//! What a form must say.

use super::*;
use tmuxagent_model::ApprovalKind;

/// A question with these answers, and its link; `types`: a plain yes types something.
async fn asks(kind: ApprovalKind, options: &[&str], types: bool) -> (World, String) {
    let world = World::new(None);
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    {
        let mut asked = world.decisions.approval.lock().unwrap();
        *asked = Approval { kind, options, ..asked.clone() };
        if !types {
            asked.effect.clear();
        }
    }
    let link = world.link().await;
    (world, link)
}

/// Sends a form as curl does.
async fn curl(world: &World, link: &str, form: &str) -> (StatusCode, String) {
    let request = Request::post(link).header("host", "phone.example");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let (response, html) = world.send(request.body(Body::from(form.to_owned())).unwrap()).await;
    (response.status(), html)
}

#[tokio::test]
async fn a_field_that_is_none_is_refused_with_the_names_of_those_there_are() {
    let (world, link) = asks(ApprovalKind::Agent, &["stop", "wait"], true).await;
    for form in [
        "verdict=approve&answer=wait",
        "verdict=approve&option=wait",
        "verdict=approve&option=2",
        "verdict=approve",
        "verdict=maybe&option=1",
        "",
    ] {
        let (status, html) = curl(&world, &link, form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{form}: {html}");
        for name in ["verdict", "option", "pin", "nonce"] {
            assert!(html.contains(name), "{form}: {html}");
        }
    }
    assert_eq!(world.approval().decision, None);
    // The link is as good as before.
    assert_eq!(curl(&world, &link, "verdict=approve&option=1").await.0, StatusCode::OK);
    assert_eq!(world.approval().decision.unwrap().verdict.answer.as_deref(), Some("wait"));
}

#[tokio::test]
async fn a_plain_yes_is_one_where_it_says_which_answer_and_a_no_needs_none() {
    let (world, link) = asks(ApprovalKind::Agent, &["stop", "wait"], true).await;
    assert_eq!(curl(&world, &link, "verdict=reject").await.0, StatusCode::OK);
    // A dialog has one answer that a yes means.
    let (world, link) =
        asks(ApprovalKind::Dialog { agent: "claude".to_owned(), lease: Default::default() }, &["Yes", "No"], true)
            .await;
    assert_eq!(curl(&world, &link, "verdict=approve").await.0, StatusCode::OK);
    assert_eq!(world.approval().decision.unwrap().verdict, Verdict { approve: true, answer: None });
    let (world, link) =
        asks(ApprovalKind::Dialog { agent: "claude".to_owned(), lease: Default::default() }, &["Red", "Blue"], false)
            .await;
    assert_eq!(curl(&world, &link, "verdict=approve").await.0, StatusCode::BAD_REQUEST);
}

/// Whoever writes a word means it: where none is asked for, a yes beside it is no yes.
#[tokio::test]
async fn a_word_that_is_not_asked_for_decides_nothing() {
    let (world, link) = asks(ApprovalKind::Gate, &[], true).await;
    for form in ["verdict=approve&word=no", "verdict=reject&word=yes+please"] {
        assert_eq!(curl(&world, &link, form).await.0, StatusCode::FORBIDDEN, "{form}");
    }
    let (world, link) = asks(ApprovalKind::Asks, &["yes", "no"], true).await;
    let (status, html) = curl(&world, &link, "verdict=approve&option=0&word=foo").await;
    assert!(status == StatusCode::FORBIDDEN && html.contains("yes, no"), "{status} {html}");
    assert_eq!(world.approval().decision, None);
}

/// A question whose yes takes a word, of these people to decide, and its link.
async fn takes_a_word(approvers: &[&str]) -> (World, String) {
    let world = World::new(None);
    {
        let mut asked = world.decisions.approval.lock().unwrap();
        asked.confirm = Some("deploy".to_owned());
        asked.approvers = approvers.iter().map(|name| (*name).to_owned()).collect();
    }
    let link = world.link().await;
    (world, link)
}

#[tokio::test]
async fn a_page_takes_the_word_that_a_yes_takes() {
    let (world, link) = takes_a_word(&[]).await;
    let (_, html) = world.send(Request::get(&link).body(Body::empty()).unwrap()).await;
    assert!(html.contains("<strong id=\"word\">deploy</strong>") && html.contains("name=\"word\""), "{html}");
    for (form, said) in [
        ("verdict=approve", "A yes takes a word here: deploy"),
        ("verdict=approve&word=+", "A yes takes a word here: deploy"),
        ("verdict=approve&word=yes", "is not the word"),
    ] {
        let (status, html) = curl(&world, &link, form).await;
        assert!(status == StatusCode::FORBIDDEN && html.contains(said), "{form}: {html}");
        assert_eq!(world.approval().decision, None);
    }
    assert_eq!(curl(&world, &link, "verdict=approve&word=deploy+").await.0, StatusCode::OK);
    assert_eq!(world.approval().decision.unwrap().verdict.answer.as_deref(), Some("deploy"));
    let (world, link) = takes_a_word(&[]).await;
    assert_eq!(curl(&world, &link, "verdict=reject").await.0, StatusCode::OK);
    assert_eq!(world.approval().decision.unwrap().verdict, Verdict { approve: false, answer: None });
}

#[tokio::test]
async fn who_may_not_decide_gets_no_buttons_but_the_names_of_who_may() {
    let (world, link) = takes_a_word(&["me", "mei"]).await;
    let (_, html) = world.send(Request::get(&link).body(Body::empty()).unwrap()).await;
    assert!(html.contains("may not decide this; it is for me, mei"), "{html}");
    assert_eq!(html.matches("<button").count(), 0);
}

/// What it takes is nobody's business who may not decide, and neither word nor nonce is spoken of before that.
#[tokio::test]
async fn who_may_decide_is_looked_at_before_what_is_said() {
    let (world, link) = takes_a_word(&["me", "mei"]).await;
    let first = "<p id=\"reason\"><strong>somebody with the link may not decide this; it is for me, mei";
    for form in ["verdict=approve&word=yes", "verdict=approve&word=deploy", "verdict=reject", "verdict=maybe", ""] {
        let (status, html) = curl(&world, &link, form).await;
        assert!(status == StatusCode::FORBIDDEN && html.contains(first), "{form}: {html}");
        assert!(
            !html.contains("is not the word") && !html.contains("A yes takes") && !html.contains("<form"),
            "{html}"
        );
    }
    let (response, html) = world.get(&link).await;
    assert_eq!(response.status(), StatusCode::OK);
    let (head, facts) = (html.find(first).unwrap(), html.find("<dl>").unwrap());
    assert!(head < facts && html.contains("<title>Only to be looked at"), "{html}");
    assert!(world.decisions.reports.lock().unwrap().join("").contains("was refused: it is for others"));
    assert_eq!(world.approval().decision, None);
    let link = world.link_to(Recipient { channel: "log".into(), person: "mei".into() }).await;
    assert_eq!(curl(&world, &link, "verdict=approve&word=deploy").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_page_takes_the_text_that_a_command_waits_for() {
    let (world, link) = asks(ApprovalKind::Asks, &[], false).await;
    let (_, html) = world.send(Request::get(&link).body(Body::empty()).unwrap()).await;
    assert!(html.contains("name=\"word\"") && html.contains("Send the answer"), "{html}");
    assert!(!html.contains(">Approve</button>") && !html.contains("types nothing"), "{html}");
    for word in ["", "&word=+", "&word=a%0Ab", "&word=%1B"] {
        let form = &format!("verdict=approve{word}");
        let (status, html) = curl(&world, &link, form).await;
        assert!(status == StatusCode::FORBIDDEN && html.contains("Write what is answered"), "{form}: {html}");
    }
    assert_eq!(curl(&world, &link, "verdict=approve&option=0&word=main").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(world.approval().decision, None);
    assert_eq!(curl(&world, &link, "verdict=approve&word=+release+2+").await.0, StatusCode::OK);
    let answer = Some("release 2".to_owned());
    assert_eq!(world.approval().decision.unwrap().verdict, Verdict { approve: true, answer });
    let (world, link) = asks(ApprovalKind::Asks, &[], false).await;
    assert!(!html.contains("id=\"reject\""), "{html}");
    let (status, html) = curl(&world, &link, "verdict=reject&word=main").await;
    assert!(status == StatusCode::FORBIDDEN && html.contains("a no has nothing to type here"), "{html}");
    assert_eq!(world.approval().decision, None);
    // Where answers are offered, they are chosen, and a yes is a button.
    let (world, link) = asks(ApprovalKind::Asks, &["yes", "no"], true).await;
    let (_, html) = world.send(Request::get(&link).body(Body::empty()).unwrap()).await;
    assert!(html.contains(">Approve</button>") && !html.contains("name=\"word\""), "{html}");
}
