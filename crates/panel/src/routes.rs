//! What is served where.

use super::answer::{Outcome, json_text, outcome, own_document};
use super::gate::{self, Visit};
use super::messages::{self, Post};
use super::pace::Pace;
use super::past::{self, Counted};
use super::people::{People, Role};
use super::push::{self, Push};
use super::{join, live, page, sight, start, typing, wishes};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tmuxagent_alerts::web::WebState;
use tmuxagent_ipc::hub::Hub;
use tmuxagent_model::Millis;
use tmuxagent_store::Store;

/// The description of the interface (OpenAPI 3.1).
const OPENAPI: &str = include_str!("../../../assets/openapi.json");

/// What the panel needs.
pub struct Panel {
    /// The web server that it is a part of.
    pub web: Arc<WebState>,
    /// Who may come in.
    pub people: People,
    /// The supervisor, as views see it.
    pub hub: Hub,
    /// What was.
    pub store: Store,
    /// How long a yes can be taken back.
    pub undo: Millis,
    /// Takes messages to channels.
    pub post: Post,
    /// Tells browsers that are not open; none where that can't be set up.
    pub push: Option<Arc<Push>>,
    /// What else there is of it.
    pub state: PanelState,
}

/// What a panel remembers while it is served.
#[derive(Default)]
pub struct PanelState {
    /// The report that was counted last.
    pub(crate) report: tokio::sync::Mutex<Option<Counted>>,
    pace: Mutex<Pace>,
}

impl Panel {
    /// How much each person has asked for of late.
    pub(crate) fn pace(&self) -> MutexGuard<'_, Pace> {
        // A poisoned lock still holds counts that are good enough.
        self.state.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is served beside the pages of links.
pub type Routes = Router;

/// The panel's routes.
pub fn routes(panel: Panel) -> Routes {
    let own = Router::new()
        .route("/join", get(join::show).post(join::press))
        .route("/panel/", get(page::page))
        .route("/panel/manifest.webmanifest", get(page::manifest))
        .route("/basic", get(gate::basic));
    let own = page::FILES.iter().fold(own, |router, file| router.route(file.path, get(async || page::file(file))));
    let all = interface().into_iter().fold(own, |router, (path, handler)| router.route(path, handler));
    all.with_state(Arc::new(panel))
}

/// The interface: what stands in its description, and nothing else.
pub(crate) fn interface() -> Vec<(&'static str, MethodRouter<Arc<Panel>>)> {
    vec![
        ("/api/openapi.json", get(description)),
        ("/api/session", get(session)),
        ("/api/session/end", post(end_session)),
        ("/api/overview", get(sight::overview)),
        ("/api/pipelines", get(sight::pipelines)),
        ("/api/pipelines/{name}", get(sight::pipeline)),
        ("/api/approvals", get(sight::approvals)),
        ("/api/approvals/{id}", post(wishes::decide)),
        ("/api/stages/{run}/{stage}/retry", post(wishes::retry)),
        ("/api/panes", get(sight::panes)),
        ("/api/panes/{id}/tail", get(sight::tail)),
        ("/api/panes/{id}/send", post(typing::send)),
        ("/api/panes/{id}/start", post(start::start)),
        ("/api/history", get(past::history)),
        ("/api/report", get(past::report)),
        ("/api/push", get(push::key).post(push::subscribe)),
        ("/api/push/end", post(push::leave)),
        ("/send", post(messages::send)),
        ("/events", get(live::events)),
    ]
}

/// The interface's own description, which tells nothing of anybody.
async fn description() -> Response {
    json_text(StatusCode::OK, OPENAPI.to_owned())
}

/// Who asks, and what they need for a POST.
async fn session(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    let Visit { member, caller, .. } = panel.enter(request.headers(), request.extensions()).await?;
    caller.keep();
    let told = json!({
        "name": member.name, "role": member.role, "until": member.until, "csrf": panel.csrf(&member),
        "pin": panel.web.asks_pin(), "lang": caller.lang.code(), "undo_ms": panel.undo,
    });
    Ok(json_text(StatusCode::OK, own_document(told)))
}

/// Signs this browser or script out.
async fn end_session(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    let visit = panel.enter_to_act(Role::View, request.headers(), request.extensions()).await?;
    let (lang, redactor) = (visit.caller.lang, panel.web.redactor());
    if let Err(error) = panel.people.forget(visit.member.hash, panel.web.now()).await {
        panel.web.tell(visit.caller.address, || format!("the panel's people can't be read: {error}"));
        let text = lang.pick("Nothing was done; try again later.", "未执行任何操作，请稍后再试。");
        return Ok(outcome(StatusCode::SERVICE_UNAVAILABLE, Outcome::NotDone, lang, text, redactor));
    }
    let mut done = outcome(StatusCode::OK, Outcome::Done, lang, lang.pick("Signed out.", "已退出。"), redactor);
    let path = panel.web.public_path();
    let whole = if path.is_empty() { "/" } else { path };
    let gone = format!("{}; Path={whole}", panel.web.cookie(gate::COOKIE, "", 0));
    if let Ok(value) = HeaderValue::from_str(&gone) {
        done.headers_mut().insert(header::SET_COOKIE, value);
    }
    Ok(done)
}
