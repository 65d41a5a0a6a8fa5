//! What may be looked at: the picture's documents, and a pane's screen.

use super::answer::{document, json_text, refused};
use super::colours::told;
use super::gate::Visit;
use super::picture::{Picture, pane_id, pane_of};
use super::routes::Panel;
use super::screen::Watched;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_text::Lang;

/// How long a pane's screen is waited for.
const SCREEN: Duration = Duration::from_secs(3);

impl Panel {
    /// A document of the picture as it is now.
    fn look(&self, lang: Lang, make: impl FnOnce(&Picture<'_>) -> Option<Value>) -> Option<String> {
        let snapshot = Arc::clone(&self.hub.snapshots.borrow());
        let redactor = self.web.redactor();
        let picture = Picture { snapshot: &snapshot, at: self.hub.clock.now(), lang, redactor };
        make(&picture).map(|value| document(&value, redactor))
    }

    /// The overview, for whoever follows it.
    pub(crate) fn overview(&self, lang: Lang) -> String {
        self.look(lang, |picture| Some(picture.overview())).unwrap_or_default()
    }
}

async fn shown(
    panel: &Panel,
    request: Request,
    make: impl FnOnce(&Picture<'_>) -> Option<Value>,
) -> Result<Response, Response> {
    let Visit { caller, .. } = panel.enter(request.headers(), request.extensions()).await?;
    caller.keep();
    let text = panel.look(caller.lang, make).ok_or_else(|| nothing(caller.lang))?;
    Ok(json_text(StatusCode::OK, text))
}

/// That there is none of what an address names.
pub(crate) fn nothing(lang: Lang) -> Response {
    refused(StatusCode::NOT_FOUND, lang, "There is no such thing now.", "现在没有这一项。")
}

pub(crate) async fn overview(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    shown(&panel, request, |picture| Some(picture.overview())).await
}

pub(crate) async fn pipelines(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    shown(&panel, request, |picture| picture.pipelines(None)).await
}

pub(crate) async fn pipeline(
    State(panel): State<Arc<Panel>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    shown(&panel, request, |picture| picture.pipelines(Some(&name))).await
}

pub(crate) async fn approvals(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    let zone = panel.web.zone();
    shown(&panel, request, |picture| Some(picture.approvals(&zone))).await
}

pub(crate) async fn panes(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    shown(&panel, request, |picture| Some(picture.panes())).await
}

/// What a pane shows now.
pub(crate) async fn tail(
    State(panel): State<Arc<Panel>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    let Visit { member, caller, .. } = panel.enter(request.headers(), request.extensions()).await?;
    caller.keep();
    let mut watched = panel.watch(&member.name, &id).await.ok_or_else(|| nothing(caller.lang))?;
    let silent = || {
        let (en, zh) =
            ("This pane shows nothing now; its host may not be reached.", "此窗格暂无内容，其主机可能无法连接。");
        refused(StatusCode::SERVICE_UNAVAILABLE, caller.lang, en, zh)
    };
    match tokio::time::timeout(SCREEN, watched.next()).await {
        Ok(Some(rows)) => Ok(json_text(StatusCode::OK, panel.tail_document(&watched, &rows))),
        Ok(None) | Err(_) => Err(silent()),
    }
}

impl Panel {
    /// Looks at the screen of a pane from now on; `None` where there is no such pane.
    pub(crate) async fn watch(&self, who: &str, id: &str) -> Option<Watched> {
        let key = pane_of(&self.hub.snapshots.borrow(), id)?.info.key.clone();
        Watched::begin(&self.hub, who, key).await
    }

    /// What a watched pane shows, without secrets: also without those that go on in the next row.
    pub(crate) fn tail_document(&self, watched: &Watched, rows: &[String]) -> String {
        let redactor = self.web.redactor();
        let (rows, styled) = told(rows, redactor);
        let tail = json!({ "id": pane_id(watched.pane()), "at": self.hub.clock.now(), "rows": rows, "styled": styled });
        document(&tail, redactor)
    }
}
