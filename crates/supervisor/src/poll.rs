//! Questions to something outside: a run of a service that builds, a web address, a command. Each call asks once;
//! the engine decides when to ask again.

mod ci;

use self::ci::{Asking, Service};
use super::shell::{self, Reach};
use reqwest::{Client, Response, StatusCode};
use std::time::Duration;
use tmuxagent_model::{Outcome, PollOutcome, PollSpec, ShellCall, ShellOutcome, Timestamp};

/// The limit of one HTTP question.
const PATIENCE: Duration = Duration::from_secs(20);
/// The exit code by which a poll command says "not yet" (`EX_TEMPFAIL` of sysexits.h).
const NOT_YET: i32 = 75;

/// Asks once; `token` is the one that the question names, where there is one.
pub async fn ask(client: &Client, reach: &Reach, spec: &PollSpec, token: Option<&str>, now: Timestamp) -> PollOutcome {
    match spec {
        PollSpec::GithubRun(run) => ci::ask(client, reach, &Asking { service: Service::Github, run, token }, now).await,
        PollSpec::GitlabPipeline(run) => {
            ci::ask(client, reach, &Asking { service: Service::Gitlab, run, token }, now).await
        }
        PollSpec::GiteaRun(run) => ci::ask(client, reach, &Asking { service: Service::Gitea, run, token }, now).await,
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

/// What a service says about asking too often: `Retry-After` (RFC 9110 §10.2.3, seconds), GitHub's
/// `X-RateLimit-Remaining: 0` with `X-RateLimit-Reset` or GitLab's `RateLimit-Reset` (epoch seconds).
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
    let reset = number("x-ratelimit-reset")
        .or_else(|| number("ratelimit-reset"))
        .map(|epoch| Timestamp(epoch.saturating_mul(1000)));
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
