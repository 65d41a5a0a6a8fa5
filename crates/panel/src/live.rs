//! What changes, told as it happens: server-sent events (WHATWG HTML, section 9.2).
//!
//! An event `overview` bears the name of the picture that it tells; who comes again with that name is told only what is
//! newer. A stream lasts less than a minute, as every connection of this server; the browser comes again by itself, and a
//! phone that slept does the same. A stream is no genuine link's equal: where others need its place, it gives way.

use super::gate::Visit;
use super::people::{Member, Stamp};
use super::picture::state_id;
use super::routes::Panel;
use super::screen::Watched;
use axum::extract::{Query, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_model::Snapshot;
use tmuxagent_text::Lang;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long a stream lasts: less than a connection may.
const LASTS: Duration = Duration::from_secs(50);
/// Events of one kind are at least so far apart.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked whether who follows still may, though nobody was told otherwise: tokens end by themselves.
const LOOK: Duration = Duration::from_secs(5);
/// How often it is looked whether the people are others. One call of the system; and before each event as well.
const GLANCE: Duration = Duration::from_millis(100);
/// When a browser comes again.
const AGAIN: Duration = Duration::from_secs(1);

/// What is followed beside the overview.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// The pane whose screen is told too.
    pane: Option<String>,
}

/// One stream.
struct Live {
    panel: Arc<Panel>,
    member: Member,
    lang: Lang,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    watched: Option<Watched>,
    /// Rows that are not told yet.
    rows: Option<Vec<String>>,
    overview_due: bool,
    /// When the next event of each kind may be told.
    overview_from: Instant,
    rows_from: Instant,
    /// The people as they were when it was looked last.
    people: Stamp,
    look_at: Instant,
    glance_at: Instant,
    ends: Instant,
}

/// Follows what is shown.
pub(crate) async fn events(
    State(panel): State<Arc<Panel>>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Result<Response, Response> {
    // Before the look at the token: what is taken back meanwhile is another state.
    let people = panel.people.stamp();
    let Visit { member, caller, .. } = panel.enter(request.headers(), request.extensions()).await?;
    let known = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let mut snapshots = panel.hub.snapshots.clone();
    let overview_due = known.as_deref() != Some(state_id(&snapshots.borrow_and_update()).as_str());
    let watched = match &asked.pane {
        Some(id) => panel.watch(&member.name, id).await,
        None => None,
    };
    let now = Instant::now();
    let live = Live {
        member,
        lang: caller.lang,
        snapshots,
        watched,
        rows: None,
        overview_due,
        overview_from: now,
        rows_from: now,
        people,
        look_at: now + LOOK,
        glance_at: now + GLANCE,
        ends: now + LASTS,
        panel,
    };
    let told = stream::unfold(live, |mut live| async move {
        let event = live.next().await?;
        Some((Ok::<_, Infallible>(event), live))
    });
    // A proxy that gathers answers would tell what happens when it is over.
    let now = [("x-accel-buffering", "no")];
    Ok((now, Sse::new(told).keep_alive(KeepAlive::default())).into_response())
}

impl Live {
    /// Whether who follows still may: asked anew once the people are others, and now and then.
    async fn may_follow(&mut self, now: Instant) -> bool {
        self.glance_at = now + GLANCE;
        let people = self.panel.people.stamp();
        if people == self.people && now < self.look_at {
            return true;
        }
        self.look_at = now + LOOK;
        // Where the people can't be read nobody is let in, and nobody thrown out.
        let still = self.panel.people.still(&self.member, self.panel.web.now()).await;
        if still.is_ok() {
            self.people = people;
        }
        still.unwrap_or(true)
    }

    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let now = Instant::now();
            if !self.may_follow(now).await {
                return None;
            }
            if self.overview_due && now >= self.overview_from {
                (self.overview_due, self.overview_from) = (false, now + PAUSE);
                let id = state_id(&self.snapshots.borrow_and_update());
                return Some(
                    Event::default().event("overview").id(id).retry(AGAIN).data(self.panel.overview(self.lang)),
                );
            }
            if now >= self.rows_from
                && let (Some(watched), Some(rows)) = (&self.watched, self.rows.take())
            {
                self.rows_from = now + PAUSE;
                return Some(Event::default().event("tail").data(self.panel.tail_document(watched, &rows)));
            }
            tokio::select! {
                () = sleep_until(self.ends) => return None,
                () = sleep_until(self.glance_at) => {}
                () = sleep_until(self.overview_from), if self.overview_due => {}
                () = sleep_until(self.rows_from), if self.rows.is_some() => {}
                changed = self.snapshots.changed(), if !self.overview_due => match changed {
                    Ok(()) => self.overview_due = true,
                    Err(_) => return None,
                },
                rows = next_rows(self.watched.as_mut()) => match rows {
                    Some(rows) => self.rows = Some(rows),
                    None => return None,
                },
            }
        }
    }
}

/// The next rows of the watched pane; never where none is watched.
async fn next_rows(watched: Option<&mut Watched>) -> Option<Vec<String>> {
    match watched {
        Some(watched) => watched.next().await,
        None => std::future::pending().await,
    }
}
