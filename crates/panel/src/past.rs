//! What was: runs that ended, and the report of a stretch of days.

use super::answer::{document, json_text, refused};
use super::gate::Visit;
use super::routes::Panel;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tmuxagent_model::{Millis, PaneKey, RunId, RunState, RunView, StageState, StageView, Timestamp};
use tmuxagent_report::{Collector, Report, collect, parts, stretch};
use tmuxagent_store::StoreError;
use tmuxagent_text::{Lang, run_state, span, stage_ended};

/// The most runs that are told at once.
const RUNS: u32 = 200;
/// The longest stretch of a report.
const DAYS: u32 = 366;
const DAY: u64 = 86_400_000;
/// For how long a counted report is told again: counting reads the whole journal.
const FRESH: Millis = Millis::from_secs(60);

/// How many of the newest runs are wanted.
#[derive(Deserialize)]
pub(crate) struct Newest {
    limit: Option<u32>,
}

/// How many days a report is of.
#[derive(Deserialize)]
pub(crate) struct Days {
    days: Option<u32>,
}

/// A report as it was counted.
pub(crate) struct Counted {
    days: u32,
    at: Timestamp,
    report: Arc<Report>,
}

/// A run as the store keeps it.
#[derive(Deserialize)]
struct Kept {
    id: RunId,
    pipeline: String,
    pane: PaneKey,
    place: String,
    state: RunState,
    stages: Vec<KeptStage>,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct KeptStage {
    name: String,
    state: StageState,
    attempt: u32,
}

impl Kept {
    fn of(run: &RunView) -> Option<Self> {
        let stage =
            |stage: &StageView| KeptStage { name: stage.name.clone(), state: stage.state, attempt: stage.attempt };
        Some(Self {
            id: run.run?,
            pipeline: run.pipeline.clone(),
            pane: run.pane.clone(),
            place: run.place.clone(),
            state: run.state.filter(|state| *state != RunState::Open)?,
            stages: run.stages.iter().map(stage).collect(),
            started_at: run.started_at?,
            ended_at: run.ended_at,
        })
    }

    fn told(&self, lang: Lang) -> Value {
        let stages = self.stages.iter().map(|stage| {
            json!({
                "name": stage.name, "state": stage.state, "state_text": stage_ended(lang, stage.state),
                "attempt": stage.attempt,
            })
        });
        json!({
            "run": self.id.0, "pipeline": self.pipeline, "place": self.pane.told(&self.place), "state": self.state,
            "state_text": run_state(lang, Some(self.state)), "started_at": self.started_at, "ended_at": self.ended_at,
            "took_text": self.ended_at.map(|end| span(lang, end.since(self.started_at))),
            "stages": stages.collect::<Vec<_>>(),
        })
    }
}

fn unreadable(panel: &Panel, visit: &Visit, error: &StoreError) -> Response {
    panel.web.tell(visit.caller.address, || format!("the panel can't read the journal: {error}"));
    let (en, zh) = ("The journal can't be read now.", "现在无法读取日志。");
    refused(StatusCode::SERVICE_UNAVAILABLE, visit.caller.lang, en, zh)
}

/// The runs that ended, the newest first.
pub(crate) async fn history(
    State(panel): State<Arc<Panel>>,
    Query(Newest { limit }): Query<Newest>,
    request: Request,
) -> Result<Response, Response> {
    let visit = panel.enter(request.headers(), request.extensions()).await?;
    visit.caller.keep();
    let limit = limit.unwrap_or(50).clamp(1, RUNS);
    let stored = panel.store.read(move |reader| reader.past_runs(limit)).await;
    let stored = stored.map_err(|error| unreadable(&panel, &visit, &error))?;
    let mut runs: Vec<Kept> = panel.hub.snapshots.borrow().runs.iter().filter_map(Kept::of).collect();
    // What an earlier version kept otherwise is left out.
    runs.extend(stored.iter().filter_map(|(.., body)| serde_json::from_str::<Kept>(body).ok()));
    runs.sort_by_key(|run| std::cmp::Reverse(run.id.0));
    runs.dedup_by_key(|run| run.id.0);
    runs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let told: Vec<Value> = runs.iter().map(|run| run.told(visit.caller.lang)).collect();
    let whole = json!({ "at": panel.hub.clock.now(), "runs": told });
    Ok(json_text(StatusCode::OK, document(&whole, panel.web.redactor())))
}

/// What happened in the last days: counted, in words, and day by day for charts.
pub(crate) async fn report(
    State(panel): State<Arc<Panel>>,
    Query(Days { days }): Query<Days>,
    request: Request,
) -> Result<Response, Response> {
    let visit = panel.enter(request.headers(), request.extensions()).await?;
    visit.caller.keep();
    let days = days.unwrap_or(7).clamp(1, DAYS);
    let report = panel.counted(days).await.map_err(|error| unreadable(&panel, &visit, &error))?;
    let (lang, zone) = (visit.caller.lang, panel.web.zone());
    let parts = parts(lang, &zone, &report)
        .into_iter()
        .map(|part| json!({ "title": part.title, "counts": part.counts, "heading": part.heading, "rows": part.rows }));
    let charts = report.pipelines.iter().filter(|pipeline| pipeline.days.len() > 1).map(|pipeline| {
        let days = pipeline.days.iter().map(|day| {
            json!({
                "date": day.date, "succeeded": day.succeeded, "other": day.other,
                "took_text": day.took.percentile(50).map(|took| span(lang, took)),
            })
        });
        json!({ "pipeline": pipeline.pipeline, "days": days.collect::<Vec<_>>() })
    });
    let whole = json!({
        "at": panel.hub.clock.now(), "days": days, "since": report.since, "until": report.until,
        "stretch": stretch(&zone, &report), "parts": parts.collect::<Vec<_>>(), "charts": charts.collect::<Vec<_>>(),
    });
    Ok(json_text(StatusCode::OK, document(&whole, panel.web.redactor())))
}

impl Panel {
    /// The report of so many days, counted at most once a minute: whoever else asks meanwhile waits for the same one.
    async fn counted(&self, days: u32) -> Result<Arc<Report>, StoreError> {
        let mut last = self.state.report.lock().await;
        let now = self.hub.clock.now();
        if let Some(counted) = last.as_ref()
            && counted.days == days
            && now.since(counted.at).0 < FRESH.0
        {
            return Ok(Arc::clone(&counted.report));
        }
        let zone = self.web.zone();
        let since = Timestamp(now.0.saturating_sub_unsigned(u64::from(days) * DAY));
        let count = move |reader: &tmuxagent_store::Reader| collect(reader, Collector::new(since, now, zone), since);
        let report = Arc::new(self.store.read(count).await?);
        *last = Some(Counted { days, at: now, report: Arc::clone(&report) });
        Ok(report)
    }
}
