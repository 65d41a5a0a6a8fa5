//! The interface: what it tells is what its description says, and what it does keeps the rules of links.

use super::{SECRET, World};
use crate::people::Role;
use crate::routes::interface;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{ApprovalId, Command, RunControl, RunId, Via};

fn description() -> Value {
    serde_json::from_str(include_str!("../../../../assets/openapi.json")).unwrap()
}

/// Where a value is not as a schema says; the part of JSON Schema that the description uses.
fn mistakes(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return mistakes(&description()["components"]["schemas"][name], value, at, found);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        one => vec![one.clone()],
    };
    if !kinds.contains(&kind.into()) {
        found.push(format!("{at}: {kind} instead of {kinds:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value}"));
    }
    for (n, one) in value.as_array().into_iter().flatten().enumerate() {
        mistakes(&schema["items"], one, &format!("{at}[{n}]"), found);
    }
    let Some(fields) = value.as_object() else { return };
    let known = schema["properties"].as_object().unwrap();
    let required = schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    found.extend(required.filter(|name| !fields.contains_key(*name)).map(|name| format!("{at}: no {name}")));
    for (name, one) in fields {
        match known.get(name) {
            Some(schema) => mistakes(schema, one, &format!("{at}.{name}"), found),
            None => found.push(format!("{at}.{name} is not described")),
        }
    }
}

#[test]
fn the_description_names_every_route_and_no_other() {
    let described: BTreeSet<String> = description()["paths"].as_object().unwrap().keys().cloned().collect();
    let served: BTreeSet<String> = interface().into_iter().map(|(path, _)| path.to_owned()).collect();
    let links = BTreeSet::from(["/healthz".to_owned()]);
    assert_eq!(described, &served | &links);
}

#[tokio::test]
async fn every_document_is_as_described_without_secrets_and_signs_that_deceive() {
    let world = World::pushing().await;
    let bearer = world.script("mei", Role::View).await;
    let all = description();
    let paths = all["paths"].as_object().unwrap();
    let mut seen = 0;
    for (path, methods) in paths {
        let schema = &methods["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() || path.ends_with("/tail") {
            continue;
        }
        for lang in ["en", "zh"] {
            let asked = path.replace("{name}", "storyapp-ci");
            let told = world.get(&asked, &[("authorization", &bearer), ("accept-language", lang)]).await;
            assert_eq!(told.status, StatusCode::OK, "{path}");
            let mut found = Vec::new();
            mistakes(schema, &told.json(), path, &mut found);
            assert_eq!(found, Vec::<String>::new());
            assert!(!told.text.contains(SECRET) && !told.text.contains('\u{202e}'), "{path}: {}", told.text);
            seen += 1;
        }
        assert_eq!(world.get(path, &[]).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(seen, 18);
    let panes = world.get("/api/panes", &[("authorization", &bearer)]).await.json();
    assert!(panes["panes"][0]["last_line"].as_str().unwrap().contains("a⟨U+202E⟩b <script>"), "{panes}");
    let none = world.get("/api/pipelines/none", &[("authorization", &bearer)]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_overview_says_what_needs_somebody_in_their_language() {
    let world = World::new();
    let bearer = world.script("mei", Role::View).await;
    let told = world.get("/api/overview", &[("authorization", &bearer), ("accept-language", "zh")]).await.json();
    assert_eq!(told["counts"], json!({ "panes": 39, "approvals": 3, "running": 2, "failed": 1, "held": 0 }));
    // The gate stands among what needs somebody, and nothing of its run goes on.
    assert_eq!(told["running"][0]["stage_state_text"], "重试中");
    assert_eq!(told["failed"][0]["stage"], "检查");
    assert_eq!(told["needs_you"][0]["id"], "01JNA");
}

async fn decide(world: &World, bearer: &str, id: &str, body: &Value) -> (StatusCode, String) {
    let path = format!("/api/approvals/{id}");
    let told = world.post(&path, &body.to_string(), &[("authorization", bearer), ("sec-fetch-site", "none")]).await;
    (told.status, told.json()["outcome"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_decision_is_somebodys_by_name_and_taken_once() {
    let world = World::new();
    let (view, mei) = (world.script("li", Role::View).await, world.script("mei", Role::Decide).await);
    let yes = json!({ "revision": 1, "verdict": "approve" });
    let end = |status: StatusCode, outcome: &str| (status, outcome.to_owned());
    assert_eq!(decide(&world, &view, "01JNA", &yes).await, end(StatusCode::FORBIDDEN, "not_done"));
    assert_eq!(decide(&world, &mei, "none", &yes).await, end(StatusCode::NOT_FOUND, "not_done"));
    let stale = json!({ "revision": 7, "verdict": "approve" });
    assert_eq!(decide(&world, &mei, "01JNA", &stale).await, end(StatusCode::CONFLICT, "not_done"));
    for wrong in [
        json!({}),
        json!({ "revision": 1 }),
        json!({ "revision": 1, "verdict": "perhaps" }),
        json!({ "revision": 1, "verdict": "approve", "options": 1 }),
        json!({ "revision": 1, "verdict": "approve", "answer": "no such" }),
    ] {
        assert_eq!(decide(&world, &mei, "01JNA", &wrong).await, end(StatusCode::BAD_REQUEST, "not_done"), "{wrong}");
    }
    let form = ("content-type", "application/x-www-form-urlencoded");
    let told = world.post("/api/approvals/01JNA", &yes.to_string(), &[("authorization", &mei), form]).await;
    assert_eq!(told.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(decide(&world, &mei, "01JNA", &yes).await, end(StatusCode::OK, "done"));
    let again = world.post("/api/approvals/01JNA", &yes.to_string(), &[("authorization", &mei)]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text.contains("already approved by mei") && again.text.contains("via the panel"), "{}", again.text);
    let decided = world.decisions.approvals.lock().unwrap()[0].decision.clone().unwrap();
    assert_eq!((decided.by.who.as_str(), decided.by.via), ("mei", Via::Panel));
}

#[tokio::test]
async fn an_answer_says_how_long_a_yes_can_be_taken_back() {
    let world = World::new();
    let mei = world.script("mei", Role::Decide).await;
    {
        let mut asked = world.decisions.approvals.lock().unwrap();
        let asked = asked.iter_mut().find(|it| it.id == ApprovalId::new("01JNA")).unwrap();
        asked.undo_until = Some(super::START + tmuxagent_model::Millis::from_secs(8));
    }
    let yes = json!({ "revision": 1, "verdict": "approve" }).to_string();
    for (lang, told) in
        [("en", "Approved; it is done in 8s unless it is taken back."), ("zh", "已批准；若不撤回，8秒 后执行。")]
    {
        let headers = [("authorization", mei.as_str()), ("accept-language", lang)];
        let answer = world.post("/api/approvals/01JNA", &yes, &headers).await;
        assert_eq!(answer.json()["text"], told);
        let mut asked = world.decisions.approvals.lock().unwrap();
        let asked = asked.iter_mut().find(|it| it.id == ApprovalId::new("01JNA")).unwrap();
        (asked.state, asked.decision) = (tmuxagent_model::ApprovalState::Pending, None);
    }
}

#[tokio::test]
async fn answers_words_and_approvers_are_asked_for_as_by_a_link() {
    let world = World::new();
    let mei = world.script("mei", Role::Decide).await;
    let change = |id: &str, change: &dyn Fn(&mut tmuxagent_model::Approval)| {
        change(world.decisions.approvals.lock().unwrap().iter_mut().find(|it| it.id == ApprovalId::new(id)).unwrap());
    };
    let yes = json!({ "revision": 1, "verdict": "approve" });
    assert_eq!(decide(&world, &mei, "01JNB", &yes).await.0, StatusCode::BAD_REQUEST, "one of three is to be chosen");
    let chosen = json!({ "revision": 1, "verdict": "approve", "answer": "停机迁移" });
    assert_eq!(decide(&world, &mei, "01JNB", &chosen).await.0, StatusCode::OK);
    change("01JNA", &|approval| approval.confirm = Some("deploy".into()));
    for wrong in [yes.clone(), json!({ "revision": 1, "verdict": "approve", "word": "depoly" })] {
        assert_eq!(decide(&world, &mei, "01JNA", &wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    change("01JNA", &|approval| approval.approvers = vec!["li".into()]);
    let word = json!({ "revision": 1, "verdict": "approve", "word": "deploy" });
    assert_eq!(decide(&world, &mei, "01JNA", &word).await.0, StatusCode::FORBIDDEN, "it is for li");
    change("01JNA", &|approval| approval.approvers = vec!["mei".into()]);
    assert_eq!(decide(&world, &mei, "01JNA", &word).await.0, StatusCode::OK);
    change("01JNC", &|approval| {
        (approval.kind, approval.effect) = (tmuxagent_model::ApprovalKind::Asks, Vec::new());
    });
    let text = json!({ "revision": 1, "verdict": "approve", "answer": "feature/42" });
    assert_eq!(decide(&world, &mei, "01JNC", &yes).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(decide(&world, &mei, "01JNC", &text).await.0, StatusCode::OK);
    let answers: Vec<_> = world.decisions.approvals.lock().unwrap().iter().map(|it| it.decision.clone()).collect();
    let answers: Vec<_> = answers.into_iter().take(3).map(|it| it.unwrap().verdict.answer.unwrap()).collect();
    assert_eq!(answers, ["deploy", "停机迁移", "feature/42"]);
}

/// `[y/N]`: which answer a yes is needs no saying.
#[tokio::test]
async fn a_plain_yes_or_no_is_enough_where_it_says_which_answer() {
    use tmuxagent_model::{ApprovalKind, KeyStep};
    for (body, approve, answer) in [
        (json!({ "revision": 1, "verdict": "approve" }), true, None),
        (json!({ "revision": 1, "verdict": "reject" }), false, None),
        (json!({ "revision": 1, "verdict": "approve", "answer": "N" }), true, Some("no")),
        (json!({ "revision": 1, "verdict": "approve", "option": 0 }), true, Some("yes")),
    ] {
        let world = World::new();
        let mei = world.script("mei", Role::Decide).await;
        {
            let mut asked = world.decisions.approvals.lock().unwrap();
            let asked = asked.iter_mut().find(|it| it.id == ApprovalId::new("01JNA")).unwrap();
            let steps = |text: &str| vec![KeyStep::Text(text.into()), KeyStep::Key("Enter".into())];
            (asked.kind, asked.options) = (ApprovalKind::Asks, vec!["yes".into(), "no".into()]);
            (asked.effect, asked.effect_no) = (steps("y"), steps("n"));
            asked.option_effects = vec![steps("y"), steps("n")];
        }
        assert_eq!(decide(&world, &mei, "01JNA", &body).await.0, StatusCode::OK, "{body}");
        let decided = world.decisions.approvals.lock().unwrap()[0].decision.clone().unwrap().verdict;
        assert_eq!((decided.approve, decided.answer.as_deref()), (approve, answer), "{body}");
    }
}

#[tokio::test]
async fn whatever_is_refused_says_what_can_be_done() {
    let world = World::new();
    let (view, mei) = (world.script("li", Role::View).await, world.script("mei", Role::Decide).await);
    let path = "/api/approvals/01JNB";
    let form = ("content-type", "application/x-www-form-urlencoded");
    let plain = r#"{"revision":1,"verdict":"approve"}"#;
    let other = r#"{"revision":1,"verdict":"approve","answer":"x"}"#;
    let all = description();
    for lang in ["en", "zh"] {
        let language = ("accept-language", lang);
        for (told, text) in [
            (world.get("/api/session", &[language]).await, ""),
            (world.get("/api/pipelines/none", &[("authorization", &mei), language]).await, ""),
            (world.post(path, plain, &[("authorization", &view), language]).await, ""),
            (world.post(path, plain, &[("authorization", &mei), language, form]).await, ""),
            (world.post(path, "{}", &[("authorization", &mei), language]).await, ""),
            (world.post(path, plain, &[("authorization", &mei), language]).await, "停机迁移"),
            (world.post(path, other, &[("authorization", &mei), language]).await, "停机迁移"),
            (world.post(path, r#"{"revision":7,"verdict":"reject"}"#, &[("authorization", &mei), language]).await, ""),
        ] {
            let (body, mut found) = (told.json(), Vec::new());
            mistakes(&all["components"]["schemas"]["Outcome"], &body, "", &mut found);
            assert_eq!(found, Vec::<String>::new());
            let hint = body["hint"].as_str().unwrap_or_default();
            assert!(!hint.is_empty() && body["text"].as_str().unwrap().contains(text), "{}: {body}", told.status);
        }
    }
}

#[tokio::test]
async fn a_wrong_pin_ends_the_sign_in() {
    let world = World::with(Some("471147"), "https://phone.example");
    let mei = world.script("mei", Role::Decide).await;
    let with = |pin: &str| json!({ "revision": 1, "verdict": "approve", "pin": pin });
    assert_eq!(world.get("/api/session", &[("authorization", &mei)]).await.json()["pin"], true);
    for _ in 0..4 {
        assert_eq!(decide(&world, &mei, "01JNA", &with("1111")).await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(decide(&world, &mei, "01JNA", &with("1111")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(decide(&world, &mei, "01JNA", &with("471147")).await.0, StatusCode::UNAUTHORIZED);
    assert!(world.decisions.approvals.lock().unwrap()[0].decision.is_none());
    let again = world.script("mei", Role::Decide).await;
    assert_eq!(decide(&world, &again, "01JNA", &with("471147")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_stage_is_run_again_by_an_admin_alone() {
    let world = World::new();
    let (mei, li) = (world.script("mei", Role::Admin).await, world.script("li", Role::Decide).await);
    let path = "/api/stages/12/lint%20it/retry";
    assert_eq!(world.post(path, "", &[("authorization", &li)]).await.status, StatusCode::FORBIDDEN);
    let none = world.post("/api/stages/none/lint/retry", "", &[("authorization", &mei)]).await;
    assert_eq!((none.status, &none.json()["outcome"]), (StatusCode::NOT_FOUND, &"not_done".into()));
    let refused = Reply::Error { kind: ErrorKind::Refused, text: "it runs".into() };
    let committed = Reply::Committed { intents: Vec::new(), run: None, text: "it begins".into() };
    for (reply, status) in [(refused, StatusCode::CONFLICT), (committed, StatusCode::OK)] {
        let serve = async {
            let call = world.calls.lock().await.recv().await.unwrap();
            assert_eq!((call.peer.who.as_str(), call.peer.via), ("mei", Via::Panel));
            let stage = Some("lint it".to_owned());
            let command = Command::Control { run: RunId(12), stage, control: RunControl::Retry };
            assert_eq!(call.request, Request::Command { command });
            call.reply.send(reply).unwrap();
        };
        let headers = [("authorization", mei.as_str())];
        let (told, ()) = tokio::join!(world.post(path, "", &headers), serve);
        assert_eq!(told.status, status, "{}", told.text);
    }
}

#[tokio::test]
async fn a_run_that_nothing_goes_on_in_after_a_failure_is_told_as_failed() {
    let world = World::new();
    let bearer = world.script("mei", Role::View).await;
    let mut snapshot = super::crowded();
    snapshot.runs[2].stages[1].state = tmuxagent_model::StageState::Failed;
    world.shown.send_replace(std::sync::Arc::new(snapshot));
    let told = world.get("/api/overview", &[("authorization", &bearer)]).await.json();
    let names = |list: &str| {
        told[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["pipeline"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("running"), ["storyapp-voice"]);
    assert_eq!(names("failed"), ["points-release", "夜间构建"]);
}
