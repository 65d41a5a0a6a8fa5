//! Questions to something outside: a GitHub workflow run, a web address, a command. Each call asks once;
//! the engine decides when to ask again.

use super::shell::{self, Reach};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use tmuxagent_model::{Outcome, PollOutcome, PollSpec, ShellCall, ShellOutcome, Timestamp};

/// The limit of one HTTP question.
const PATIENCE: Duration = Duration::from_secs(20);
/// The exit code by which a poll command says "not yet" (`EX_TEMPFAIL` of sysexits.h).
const NOT_YET: i32 = 75;
/// A service's clock may be behind ours by this much and its run still counts as new.
const SKEW: tmuxagent_model::Millis = tmuxagent_model::Millis(5_000);

/// Asks once; `token` is the one that the question names, where there is one.
pub async fn ask(client: &Client, reach: &Reach, spec: &PollSpec, token: Option<&str>, now: Timestamp) -> PollOutcome {
    match spec {
        PollSpec::GithubRun { repository, workflow, reference, base_url, token_env, since } => {
            let question =
                Question { repository, workflow, reference: reference.as_deref(), base_url, token_env, token };
            github(client, &question, *since, now).await
        }
        PollSpec::Http { url, status, pointer, value } => {
            http(client, url, *status, pointer.as_deref(), value.as_ref(), now).await
        }
        PollSpec::Command { call } => command(reach, call).await,
    }
}

async fn command(reach: &Reach, call: &ShellCall) -> PollOutcome {
    match shell::perform(reach, call).await {
        Outcome::Shell(ShellOutcome { exit: Some(0), output }) => PollOutcome::Met { detail: last_line(&output) },
        Outcome::Shell(ShellOutcome { exit: Some(NOT_YET), output }) => {
            PollOutcome::Pending { detail: last_line(&output) }
        }
        Outcome::Shell(ShellOutcome { exit: Some(code), output }) => {
            PollOutcome::Failed { detail: format!("exit code {code}: {}", last_line(&output)) }
        }
        Outcome::Shell(ShellOutcome { exit: None, .. }) => error("the command was ended at its time limit"),
        Outcome::Failed { error: text } | Outcome::Unknown { error: text } => error(&text),
        Outcome::Done | Outcome::Skipped { .. } => error("no outcome"),
    }
}

async fn http(
    client: &Client,
    url: &str,
    status: u16,
    pointer: Option<&str>,
    value: Option<&serde_json::Value>,
    now: Timestamp,
) -> PollOutcome {
    let answer = match client.get(url).timeout(PATIENCE).send().await {
        Ok(answer) => answer,
        Err(problem) => return unreachable_service(&problem),
    };
    if let Some(limited) = rate_limit(&answer, now) {
        return limited;
    }
    let got = answer.status();
    if got.as_u16() != status {
        return PollOutcome::Pending { detail: format!("status {got}, expected {status}") };
    }
    let Some(pointer) = pointer else { return PollOutcome::Met { detail: format!("status {got}") } };
    match answer.json::<serde_json::Value>().await {
        Err(_) => error("the answer is not JSON"),
        Ok(body) => match (body.pointer(pointer), value) {
            (None, _) => PollOutcome::Pending { detail: format!("no {pointer} in the answer") },
            (Some(found), None) => PollOutcome::Met { detail: format!("{pointer} = {found}") },
            (Some(found), Some(wanted)) if found == wanted => {
                PollOutcome::Met { detail: format!("{pointer} = {found}") }
            }
            (Some(found), Some(wanted)) => {
                PollOutcome::Pending { detail: format!("{pointer} = {found}, expected {wanted}") }
            }
        },
    }
}

struct Question<'a> {
    repository: &'a str,
    workflow: &'a str,
    reference: Option<&'a str>,
    base_url: &'a str,
    token_env: &'a str,
    token: Option<&'a str>,
}

/// The parts of GitHub's "List workflow runs for a workflow" that matter (REST API 2022-11-28).
#[derive(Debug, Deserialize)]
struct RunList {
    workflow_runs: Vec<WorkflowRun>,
}

#[derive(Debug, Deserialize)]
struct WorkflowRun {
    run_number: u64,
    status: Option<String>,
    conclusion: Option<String>,
    html_url: String,
    created_at: jiff::Timestamp,
}

async fn github(client: &Client, question: &Question<'_>, since: Timestamp, now: Timestamp) -> PollOutcome {
    let Question { repository, workflow, reference, base_url, token_env, token } = question;
    let url = format!("{}/repos/{repository}/actions/workflows/{workflow}/runs", base_url.trim_end_matches('/'));
    let mut request = client.get(url).timeout(PATIENCE).query(&[("per_page", "30")]);
    request = request.header("Accept", "application/vnd.github+json").header("X-GitHub-Api-Version", "2022-11-28");
    if let Some(reference) = reference {
        request = request.query(&[("branch", reference)]);
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(problem) => return unreachable_service(&problem),
    };
    if let Some(limited) = rate_limit(&answer, now) {
        return limited;
    }
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return error(&format!("401: the token in {token_env} is not accepted")),
        StatusCode::NOT_FOUND => {
            return error(&format!(
                "404: no workflow `{workflow}` in `{repository}`, or the token in {token_env} can't see it"
            ));
        }
        other => return error(&format!("status {other}")),
    }
    match answer.json::<RunList>().await {
        Ok(list) => newest(&list, since - SKEW),
        Err(_) => error("the answer is not a list of workflow runs"),
    }
}

/// The verdict of the newest run that was created since the stage started.
fn newest(list: &RunList, since: Timestamp) -> PollOutcome {
    let candidates = list.workflow_runs.iter().filter(|run| run.created_at.as_millisecond() >= since.0);
    let Some(run) = candidates.max_by_key(|run| (run.created_at, run.run_number)) else {
        return PollOutcome::Pending { detail: "no run has been created yet".to_owned() };
    };
    let place = format!("run {} {}", run.run_number, run.html_url);
    match (run.status.as_deref(), run.conclusion.as_deref()) {
        (Some("completed"), Some("success")) => PollOutcome::Met { detail: format!("{place}: success") },
        (Some("completed"), conclusion) => {
            PollOutcome::Failed { detail: format!("{place}: {}", conclusion.unwrap_or("no conclusion")) }
        }
        (status, _) => PollOutcome::Pending { detail: format!("{place}: {}", status.unwrap_or("no status")) },
    }
}

/// What a service says about asking too often: `Retry-After` (RFC 9110 §10.2.3, seconds) or GitHub's
/// `X-RateLimit-Remaining: 0` with `X-RateLimit-Reset` (epoch seconds).
fn rate_limit(answer: &Response, now: Timestamp) -> Option<PollOutcome> {
    let status = answer.status();
    let number = |name: &str| answer.headers().get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let limited = status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::SERVICE_UNAVAILABLE && number("retry-after").is_some()
        || status == StatusCode::FORBIDDEN
            && (number("x-ratelimit-remaining") == Some(0) || number("retry-after").is_some());
    if !limited {
        return None;
    }
    let after = number("retry-after").map(|seconds| Timestamp(now.0.saturating_add(seconds.saturating_mul(1000))));
    let reset = number("x-ratelimit-reset").map(|epoch| Timestamp(epoch.saturating_mul(1000)));
    let retry_at = Some(after.or(reset).unwrap_or(now + tmuxagent_model::Millis::from_secs(60)));
    Some(PollOutcome::Error { detail: format!("status {status}: asked too often"), retry_at })
}

fn unreachable_service(problem: &reqwest::Error) -> PollOutcome {
    let reason = if problem.is_timeout() { "no answer in time" } else { "can't connect" };
    error(reason)
}

fn error(detail: &str) -> PollOutcome {
    PollOutcome::Error { detail: detail.to_owned(), retry_at: None }
}

fn last_line(output: &str) -> String {
    output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().chars().take(400).collect()
}

#[cfg(test)]
mod tests;
