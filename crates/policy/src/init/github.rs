//! Workflows of GitHub Actions that deploy, started by hand and waited for.

use super::step::{Phase, Step, Workflow, word};
use super::{ProjectFacts, WORKFLOW_FOLDER};

pub(super) fn steps(facts: &ProjectFacts) -> Vec<Step> {
    let Some(remote) = facts.text(".git/config").and_then(remote) else { return Vec::new() };
    let branch =
        facts.text(".git/HEAD").and_then(|head| head.trim().strip_prefix("ref: refs/heads/")).unwrap_or("main");
    let folder = format!("{WORKFLOW_FOLDER}/");
    facts
        .files
        .iter()
        .filter_map(|(path, text)| {
            let file = path.strip_prefix(&folder).filter(|file| file.ends_with(".yml") || file.ends_with(".yaml"))?;
            step(path, file, text, &remote, branch)
        })
        .collect()
}

/// Where a repository lives.
struct Remote {
    host: String,
    repository: String,
}

fn step(path: &str, file: &str, text: &str, remote: &Remote, branch: &str) -> Option<Step> {
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("name:"))
        .map_or("", |name| name.trim().trim_matches(['"', '\'']));
    let stem = file.trim_end_matches(".yaml").trim_end_matches(".yml");
    let leaves = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["deploy", "release", "publish", "rollout", "ship"].iter().any(|word| text.contains(word))
    };
    // Only what can be started by hand can be started from here.
    if !text.contains("workflow_dispatch") || !(leaves(stem) || leaves(name)) {
        return None;
    }
    let base_url = (remote.host != "github.com").then(|| format!("https://{}/api/v3", remote.host));
    let mut step = Step::new(
        stem,
        Phase::Leave,
        format!("gh workflow run {} --ref {}", word(file), word(branch)),
        format!("{path}: it deploys and has `workflow_dispatch`"),
    );
    let shown = if name.is_empty() { file } else { name };
    step.question =
        Some(super::step::one_line(&format!("Start the workflow {shown} of {} on {branch}?", remote.repository)));
    step.workflow = Some(Workflow {
        repository: remote.repository.clone(),
        file: file.to_owned(),
        branch: branch.to_owned(),
        base_url,
    });
    Some(step)
}

/// The remote `origin`, or the first one, of a git configuration.
fn remote(config: &str) -> Option<Remote> {
    let mut section = "";
    let mut first = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section.starts_with("[remote ")
            && let Some((key, url)) = line.split_once('=')
            && key.trim() == "url"
            && let Some(found) = parse_url(url.trim())
        {
            if section == "[remote \"origin\"]" {
                return Some(found);
            }
            first = first.or(Some(found));
        }
    }
    first
}

/// `https://host/owner/name.git`, `ssh://git@host/owner/name`, `git@host:owner/name.git`.
fn parse_url(url: &str) -> Option<Remote> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let (host, path) = rest.split_once(['/', ':'])?;
    let path = path.trim_matches('/').trim_end_matches(".git");
    let (owner, name) = path.split_once('/')?;
    let valid = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    // Only hosts that speak GitHub's API: the public one, and installations named after it.
    let github = host == "github.com" || host.split('.').any(|part| part == "github" || part == "ghe");
    (github && valid(host) && valid(owner) && valid(name))
        .then(|| Remote { host: host.to_owned(), repository: format!("{owner}/{name}") })
}
