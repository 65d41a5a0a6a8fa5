//! A pipeline that somebody starts by hand on a pane, with the values that it asks for.

use super::answer::{Outcome, outcome};
use super::people::Role;
use super::picture::pane_of;
use super::routes::Panel;
use super::sight::nothing;
use super::wishes::{Opened, ask, done};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;
use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{Command, Variables};
use tmuxagent_text::message;

/// What is to be started.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    pipeline: String,
    /// The first one where none is named.
    stage: Option<String>,
    /// What is left out has its default.
    #[serde(default)]
    inputs: Variables,
    #[serde(default)]
    pin: String,
}

/// Starts a pipeline on a pane. Whether it can be, and whether the values are any, the supervisor says, as for every surface.
pub(crate) async fn start(
    State(panel): State<Arc<Panel>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    let Opened { visit, body } = panel.open::<Start>(Role::Admin, request).await?;
    let (lang, redactor) = (visit.caller.lang, panel.web.redactor());
    let pane = pane_of(&panel.hub.snapshots.borrow(), &id).map(|pane| pane.info.key.clone());
    let pane = pane.ok_or_else(|| nothing(lang))?;
    panel.check_pin(&visit, &body.pin).await?;
    let command = Command::Start { pane, pipeline: body.pipeline, stage: body.stage, inputs: body.inputs };
    Ok(match ask(&panel, &visit, command).await? {
        Reply::Committed { text, .. } => outcome(StatusCode::OK, Outcome::Done, lang, &message(lang, &text), redactor),
        _ => done(lang.pick("Done.", "已完成。")),
    })
}
