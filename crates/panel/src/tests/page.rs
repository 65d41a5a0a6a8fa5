//! The page as it is served. What its script decides without a page is asked of node, where there is one.

use super::World;
use crate::words::words;
use axum::http::StatusCode;
use std::collections::BTreeSet;
use std::process::Command;
use tmuxagent_text::Lang;

const SCRIPT: &str = include_str!("../../../../assets/panel/panel.js");

#[tokio::test]
async fn the_page_loads_its_own_parts_alone_and_runs_nothing_else() {
    let world = World::with(None, "https://phone.example/agent");
    for base in ["", "/agent"] {
        let page = world.get(&format!("{base}/panel/"), &[("accept-language", "zh")]).await;
        assert_eq!(page.status, StatusCode::OK);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers["x-frame-options"], "DENY");
        assert!(page.text.contains("lang=\"zh\"") && page.text.contains("需要您"), "{}", page.text);
        let (scripts, styled) = (page.text.matches("<script").count(), page.text.contains("<style"));
        assert!(scripts == 1 && !styled && !page.text.contains("http") && !page.text.contains(" on"), "{}", page.text);
        let parts = [
            ("panel.js", "text/javascript"),
            ("worker.js", "text/javascript"),
            ("panel.css", "text/css"),
            ("icon.svg", "image/svg+xml"),
            ("icon.png", "image/png"),
        ];
        for (part, kind) in parts {
            let told = world.get(&format!("{base}/panel/{part}"), &[]).await;
            assert!(told.headers["content-type"].to_str().unwrap().starts_with(kind), "{part}");
        }
    }
    for bare in ["/", "/agent", "/agent/"] {
        let told = world.get(bare, &[]).await;
        assert_eq!((told.status, told.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/agent/panel/"));
    }
    assert_eq!(world.get("/agentic", &[]).await.status, StatusCode::NOT_FOUND);
}

#[test]
fn every_word_of_the_script_is_there_in_both_languages() {
    let known: BTreeSet<&str> = words(Lang::En).into_iter().map(|(name, _)| name).collect();
    let named = SCRIPT.split("words.").skip(1);
    let used: BTreeSet<&str> =
        named.map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap()).collect();
    // Looked up by the name of a view, a unit or a role.
    let views = ["overview", "approvals", "pipelines", "panes", "history", "report"];
    let by_name = views.into_iter().chain(["day", "hour", "minute", "second", "view", "decide", "admin"]);
    let used: BTreeSet<&str> = used.into_iter().chain(by_name).collect();
    assert_eq!(used, known);
    for ((name, en), (_, zh)) in words(Lang::En).into_iter().zip(words(Lang::Zh)) {
        assert!(!en.is_empty() && zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{name}");
    }
}

#[test]
fn nothing_that_is_told_becomes_markup() {
    for word in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "http:", "https:"]
    {
        assert!(!SCRIPT.contains(word), "{word}");
    }
}

#[test]
fn what_the_script_decides_without_a_page_is_right() {
    let file = format!("{}/../../tests/fixtures/panel.test.cjs", env!("CARGO_MANIFEST_DIR"));
    match Command::new("node").arg(&file).output() {
        Ok(ran) => assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr)),
        // The page is for browsers; a machine that builds the program need not have one, nor node.
        Err(error) => eprintln!("node is not asked: {error}"),
    }
}
