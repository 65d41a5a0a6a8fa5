//! Invitations, sign-ins, and what a request takes to be somebody's.

use super::{MONTH, START};
use super::{Told, World};
use crate::people::Role;
use axum::http::StatusCode;
use std::sync::atomic::Ordering;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Opens an invitation and presses its button, as a browser does.
async fn join(world: &World, token: &str, site: &str) -> (Told, Told) {
    let page = world.get(&format!("/join?token={token}"), &[]).await;
    let nonce = page.text.split("name=\"nonce\" value=\"").nth(1).map(|rest| rest.split('"').next().unwrap());
    let body = format!("token={token}&nonce={}", nonce.unwrap_or_default());
    let cookie = if page.headers.contains_key("set-cookie") { page.cookie() } else { String::new() };
    let pressed = world.post("/join", &body, &[FORM, ("cookie", &cookie), ("sec-fetch-site", site)]).await;
    (page, pressed)
}

#[tokio::test]
async fn an_invitation_signs_one_browser_in() {
    let world = World::new();
    let token = world.people.invite("mei", Role::Decide, MONTH, START).await.unwrap();
    for _ in 0..3 {
        // Chat programs fetch links, and use nothing up.
        let page = world.get(&format!("/join?token={token}"), &[("accept-language", "zh")]).await;
        assert!(page.status == StatusCode::OK && page.text.contains("mei") && page.text.contains("登录"));
    }
    let (_, led) = join(&world, &token, "cross-site").await;
    assert_eq!(led.status, StatusCode::FORBIDDEN, "another page led the browser here");
    let (page, joined) = join(&world, &token, "same-origin").await;
    assert!(page.text.contains("see everything and decide"), "{}", page.text);
    assert_eq!((joined.status, joined.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/panel/"));
    let set = joined.headers["set-cookie"].to_str().unwrap();
    for word in ["tmuxagent_panel=", "HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=2592000"] {
        assert!(set.contains(word), "{word}: {set}");
    }
    let (_, again) = join(&world, &token, "same-origin").await;
    assert_eq!(again.status, StatusCode::GONE, "once");
    let told = world.get("/api/session", &[("cookie", &joined.cookie())]).await.json();
    assert_eq!((&told["name"], &told["role"], &told["api"]), (&"mei".into(), &"decide".into(), &1.into()));
    let reports = world.decisions.reports.lock().unwrap().join("\n");
    assert!(reports.contains("mei signed in to the panel from 127.0.0.1"), "{reports}");
    assert!(!reports.contains(&token) && !reports.contains(joined.cookie().split('=').nth(1).unwrap()));
    world.now.fetch_add(i64::try_from(MONTH.0).unwrap(), Ordering::Relaxed);
    assert_eq!(world.get("/api/session", &[("cookie", &joined.cookie())]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_post_takes_what_only_our_page_can_read() {
    let world = World::new();
    let token = world.people.invite("mei", Role::View, MONTH, START).await.unwrap();
    let cookie = join(&world, &token, "same-origin").await.1.cookie();
    let csrf = world.get("/api/session", &[("cookie", &cookie)]).await.json()["csrf"].as_str().unwrap().to_owned();
    let refused = [
        vec![("cookie", cookie.as_str())],
        vec![("cookie", &cookie), ("x-csrf-token", "AAAA")],
        vec![("cookie", &cookie), ("x-csrf-token", &csrf), ("sec-fetch-site", "cross-site")],
        vec![("cookie", &cookie), ("x-csrf-token", &csrf), ("origin", "https://evil.example")],
    ];
    for headers in refused {
        let told = world.post("/api/session/end", "{}", &headers).await;
        assert_eq!(told.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(told.json()["outcome"], "not_done");
    }
    assert_eq!(world.get("/api/session/end", &[("cookie", &cookie)]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let ended = world.post("/api/session/end", "{}", &[("cookie", &cookie), ("x-csrf-token", &csrf)]).await;
    assert_eq!((ended.status, &ended.json()["outcome"]), (StatusCode::OK, &"done".into()));
    assert!(ended.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(world.get("/api/session", &[("cookie", &cookie)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_script_sends_its_token_and_guessing_is_stopped() {
    let world = World::new();
    let bearer = world.script("mei", Role::Admin).await;
    let mut stopped = 0;
    for _ in 0..40 {
        let told = world.get("/api/session", &[("authorization", "Bearer AAAA")]).await;
        stopped += u32::from(told.status == StatusCode::TOO_MANY_REQUESTS);
        // Who has a genuine one is not locked out by others at his address.
        assert_eq!(world.get("/api/session", &[("authorization", &bearer)]).await.status, StatusCode::OK);
    }
    assert!(stopped >= 30, "{stopped}");
    assert!(world.decisions.reports.lock().unwrap().len() <= 10);
    // Nobody is charged for having none.
    assert_eq!(world.get("/api/session", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert!(world.people.revoke("mei", START).await.unwrap());
    assert_ne!(world.get("/api/session", &[("authorization", &bearer)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn behind_a_path_the_cookie_is_for_that_path() {
    let world = World::with(None, "http://phone.example/agent");
    let token = world.people.invite("mei", Role::View, MONTH, START).await.unwrap();
    let joined = join(&world, &token, "same-origin").await.1;
    assert_eq!(joined.headers["location"], "/agent/panel/");
    let set = joined.headers["set-cookie"].to_str().unwrap();
    assert!(set.ends_with("; Path=/agent") && !set.contains("Secure"), "{set}");
    for path in ["/api/session", "/agent/api/session"] {
        assert_eq!(world.get(path, &[("cookie", &joined.cookie())]).await.status, StatusCode::OK, "{path}");
    }
}
