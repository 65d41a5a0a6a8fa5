//! Runs of services that build and test: GitHub Actions (REST API 2022-11-28, "List workflow runs"), GitLab (API v4, "List
//! project pipelines"), Gitea and Forgejo (API v1, `actions/runs`, whose words differ).
//!
//! **Rules.** Only success is a success; a status that nobody documents is no end. What was asked for is looked for once more in
//! the answer, since a server may pass over a parameter that it does not know. A run for a commit counts whenever it was
//! created, any other only since the stage started.

use super::super::shell::{self, Reach};
use super::{PATIENCE, error, last_line, rate_limit, unreachable_service};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tmuxagent_model::{CiRun, Millis, Outcome, PollOutcome, ShellOutcome, Timestamp};

/// A service's clock may be behind ours by this much and its run still counts as new.
const SKEW: Millis = Millis(5_000);
/// The length of a commit's whole hash (SHA-1); only such a one can be asked for.
const WHOLE: usize = 40;

/// A service that builds and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// GitHub Actions.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea and Forgejo.
    Gitea,
}

/// A question.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Whom.
    pub service: Service,
    /// What about.
    pub run: &'a CiRun,
    /// The user's token, where there is one.
    pub token: Option<&'a str>,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Succeeded,
    /// It was left out: no failure, and nothing that was tried.
    LeftOut(String),
    Failed(String),
    GoesOn(String),
}

/// A run that a service told of.
struct Seen {
    number: u64,
    place: String,
    at: Option<i64>,
    commit: String,
    branch: String,
    /// What it may be called in a policy.
    names: Vec<String>,
    standing: Standing,
}

/// Asks once.
pub async fn ask(client: &Client, reach: &Reach, asking: &Asking<'_>, now: Timestamp) -> PollOutcome {
    let commit = match commit(reach, asking.run).await {
        Ok(commit) => commit,
        Err(outcome) => return outcome,
    };
    let answer = match request(client, asking, commit.as_deref()).send().await {
        Ok(answer) => answer,
        Err(problem) => return unreachable_service(&problem),
    };
    if let Some(limited) = rate_limit(&answer, now) {
        return limited;
    }
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => {
            return error(&format!("401: the token in {} is not accepted", asking.run.token_env));
        }
        StatusCode::NOT_FOUND => return error(&not_found(asking)),
        other => return error(&format!("status {other}")),
    }
    let body = answer.json::<Value>().await.ok();
    let Some(list) = body.as_ref().and_then(|body| runs_in(asking.service, body)) else {
        return error("the answer is not a list of workflow runs");
    };
    let fits = |run: &Seen| is_meant(asking.run, commit.as_deref(), run);
    verdict(asking, commit.is_some(), list.into_iter().filter(fits).collect())
}

/// The commit that is meant, where the question is about one.
async fn commit(reach: &Reach, run: &CiRun) -> Result<Option<String>, PollOutcome> {
    let Some(call) = &run.head else { return Ok(run.commit.clone()) };
    let said = match shell::perform(reach, call).await {
        Outcome::Shell(ShellOutcome { exit: Some(0), output }) => {
            return Ok(Some(last_line(&output).trim().to_owned()));
        }
        Outcome::Shell(ShellOutcome { output, .. }) => last_line(&output),
        Outcome::Failed { error } | Outcome::Unknown { error } => error,
        Outcome::Done | Outcome::Skipped { .. } => String::new(),
    };
    Err(error(&format!("the commit of the pane's folder can't be told: {said}")))
}

fn request(client: &Client, asking: &Asking<'_>, commit: Option<&str>) -> RequestBuilder {
    let Asking { service, run, token } = asking;
    let base = run.base_url.trim_end_matches('/');
    let repository = &run.repository;
    let (url, size) = match (service, &run.workflow) {
        (Service::Github, Some(workflow)) => {
            (format!("{base}/repos/{repository}/actions/workflows/{}/runs", encoded(workflow)), ("per_page", "30"))
        }
        (Service::Github, None) => (format!("{base}/repos/{repository}/actions/runs"), ("per_page", "100")),
        (Service::Gitlab, _) => (format!("{base}/projects/{}/pipelines", encoded(repository)), ("per_page", "50")),
        (Service::Gitea, _) => (format!("{base}/repos/{repository}/actions/runs"), ("limit", "50")),
    };
    let mut request = client.get(url).timeout(PATIENCE).query(&[size]);
    let (branch, sha) = match service {
        Service::Github | Service::Gitea => ("branch", "head_sha"),
        Service::Gitlab => ("ref", "sha"),
    };
    if let Some(reference) = &run.reference {
        request = request.query(&[(branch, reference)]);
    }
    if let Some(commit) = commit.filter(|commit| commit.len() >= WHOLE) {
        request = request.query(&[(sha, commit)]);
    }
    request = match service {
        Service::Github => {
            request.header("Accept", "application/vnd.github+json").header("X-GitHub-Api-Version", "2022-11-28")
        }
        Service::Gitlab => match &run.workflow {
            Some(name) => request.query(&[("name", name)]),
            None => request,
        },
        Service::Gitea => request,
    };
    match (service, token) {
        (_, None) => request,
        (Service::Github, Some(token)) => request.bearer_auth(token),
        (Service::Gitlab, Some(token)) => request.header("PRIVATE-TOKEN", *token),
        (Service::Gitea, Some(token)) => request.header("Authorization", format!("token {token}")),
    }
}

/// A text as one part of a path (RFC 3986).
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn not_found(asking: &Asking<'_>) -> String {
    let CiRun { repository, workflow, token_env, .. } = asking.run;
    match (asking.service, workflow) {
        (Service::Github, Some(workflow)) => {
            format!("404: no workflow `{workflow}` in `{repository}`, or the token in {token_env} can't see it")
        }
        (Service::Gitea, _) => {
            format!(
                "404: no repository `{repository}`, or the token in {token_env} can't see it, or the server is too old to list runs"
            )
        }
        (Service::Github | Service::Gitlab, _) => {
            format!("404: no repository `{repository}`, or the token in {token_env} can't see it")
        }
    }
}

fn runs_in(service: Service, body: &Value) -> Option<Vec<Seen>> {
    let list = match service {
        Service::Gitlab => body.as_array()?,
        Service::Github | Service::Gitea => body.get("workflow_runs")?.as_array()?,
    };
    Some(list.iter().map(|run| seen(service, run)).collect())
}

fn seen(service: Service, run: &Value) -> Seen {
    let text = |keys: &[&str]| keys.iter().find_map(|key| run.get(key)?.as_str()).unwrap_or_default().to_owned();
    let number = |keys: &[&str]| keys.iter().find_map(|key| run.get(key)?.as_u64()).unwrap_or_default();
    let (what, numbers): (_, &[&str]) = match service {
        Service::Github | Service::Gitea => ("run", &["run_number", "index_in_repo", "id"]),
        Service::Gitlab => ("pipeline", &["id"]),
    };
    let number = number(numbers);
    // The path may have the branch behind it: `ci.yml@refs/heads/main`.
    let path = text(&["path"]);
    let file = path.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
    let id = run.get("workflow_id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let names = [Some(file), id, Some(text(&["name"]))].into_iter().flatten().filter(|name| !name.is_empty());
    let at = ["created_at", "created", "started_at"].iter().find_map(|key| {
        let at: jiff::Timestamp = run.get(key)?.as_str()?.parse().ok()?;
        // The zero of servers that are written in Go means that there is none.
        Some(at.as_millisecond()).filter(|at| *at > 0)
    });
    Seen {
        number,
        place: format!("{what} {number} {}", text(&["html_url", "web_url"])).trim_end().to_owned(),
        at,
        commit: text(&["head_sha", "commit_sha", "sha"]),
        branch: text(&["head_branch", "prettyref", "ref"]),
        names: names.collect(),
        standing: standing(service, &text(&["status"]), &text(&["conclusion"])),
    }
}

/// What the documented words of each service mean; one that is not known is no end.
fn standing(service: Service, status: &str, conclusion: &str) -> Standing {
    let ended = |word: &str| match word {
        "success" => Standing::Succeeded,
        "skipped" | "neutral" => Standing::LeftOut(word.to_owned()),
        "" => Standing::Failed("no conclusion".to_owned()),
        word => Standing::Failed(word.to_owned()),
    };
    let goes_on = |word: &str| Standing::GoesOn(word.to_owned());
    match (service, status) {
        (Service::Github | Service::Gitea, "completed") => ended(conclusion),
        (Service::Github, "queued" | "in_progress" | "requested" | "waiting" | "pending") => goes_on(status),
        (Service::Gitea, "success" | "failure" | "cancelled" | "skipped") => ended(status),
        (Service::Gitea, "queued" | "in_progress" | "requested" | "waiting" | "pending" | "running" | "blocked") => {
            goes_on(status)
        }
        (Service::Gitlab, "success" | "failed" | "canceled" | "skipped") => ended(status),
        (Service::Gitlab, "manual") => Standing::GoesOn("manual: a person starts its next job".to_owned()),
        (
            Service::Gitlab,
            "created"
            | "waiting_for_resource"
            | "waiting_for_callback"
            | "preparing"
            | "pending"
            | "running"
            | "canceling"
            | "scheduled",
        ) => goes_on(status),
        (_, "") => goes_on("no status"),
        (_, other) => Standing::GoesOn(format!("{other} (a status that is not known)")),
    }
}

/// Whether a run is one that was asked for.
fn is_meant(asked: &CiRun, commit: Option<&str>, run: &Seen) -> bool {
    let plain = |name: &str| {
        let rest = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
        rest.unwrap_or(name).to_owned()
    };
    // What an answer leaves out was chosen by the server.
    let same_branch = |wanted: &String| run.branch.is_empty() || plain(&run.branch) == plain(wanted);
    let same_name = |wanted: &String| run.names.is_empty() || run.names.contains(wanted) || is_number(wanted);
    let of_commit = |wanted: &str| {
        let (own, wanted) = (run.commit.to_ascii_lowercase(), wanted.to_ascii_lowercase());
        !wanted.is_empty() && own.starts_with(&wanted)
    };
    let in_time = || match run.at {
        Some(at) => at >= (asked.since - SKEW).0,
        // It has not begun.
        None => matches!(run.standing, Standing::GoesOn(_)),
    };
    asked.reference.as_ref().is_none_or(same_branch)
        && asked.workflow.as_ref().is_none_or(same_name)
        && commit.map_or_else(in_time, of_commit)
}

/// A workflow may be asked for by its number, which not every answer repeats.
fn is_number(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_digit())
}

/// What the newest run says; of a commit whose workflow is not named, the newest of each.
fn verdict(asking: &Asking<'_>, of_commit: bool, runs: Vec<Seen>) -> PollOutcome {
    let each = of_commit && asking.run.workflow.is_none() && asking.service != Service::Gitlab;
    let mut newest: BTreeMap<String, Seen> = BTreeMap::new();
    for run in runs {
        let key = run.names.first().filter(|_| each).cloned().unwrap_or_default();
        // Services count them up: GitHub by workflow, the others over all.
        if newest.get(&key).is_none_or(|known| known.number < run.number) {
            newest.insert(key, run);
        }
    }
    let runs: Vec<&Seen> = newest.values().collect();
    let told = |run: &Seen, word: &str| format!("{}: {word}", run.place);
    let failed = runs.iter().find_map(|run| match &run.standing {
        Standing::Failed(word) => Some(told(run, word)),
        _ => None,
    });
    let goes_on = runs.iter().find_map(|run| match &run.standing {
        Standing::GoesOn(word) => Some(told(run, word)),
        _ => None,
    });
    let succeeded = runs.iter().rfind(|run| run.standing == Standing::Succeeded).map(|run| told(run, "success"));
    let left_out = runs.iter().find_map(|run| match &run.standing {
        Standing::LeftOut(word) => Some(told(run, word)),
        _ => None,
    });
    match (failed, goes_on, succeeded, left_out) {
        (Some(detail), ..) => PollOutcome::Failed { detail },
        (None, Some(detail), ..) => PollOutcome::Pending { detail },
        (None, None, Some(detail), _) => PollOutcome::Met { detail },
        (None, None, None, Some(detail)) => PollOutcome::Failed { detail },
        (None, None, None, None) => PollOutcome::Pending { detail: "no run has been created yet".to_owned() },
    }
}

#[cfg(test)]
#[path = "ci_tests.rs"]
mod tests;
