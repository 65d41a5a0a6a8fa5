//! Polls: what is asked outside until it ends.

use super::{Reading, Use};
use crate::policy::Condition;
use crate::poll::{CiCommit, CiService, CiTest, PollTest, PollWhat};
use crate::raw::{RawHttp, RawPoll};
use crate::read::{Short, Text};
use tmuxagent_model::Millis;
use tmuxagent_yaml::Place;

/// The pause between polls when the policy names none.
const POLL_INTERVAL: Millis = Millis::from_secs(10);
/// The time limit of a command that is polled.
const COMMAND_TIMEOUT: Millis = Millis::from_secs(60);

/// Names that have a value only within a run.
const NAMES_OF_RUNS: &[&str] = &["run", "line"];

/// A run of a service that builds and tests, as it is written.
struct Asked<'r> {
    service: CiService,
    at: Place,
    repository: Option<&'r Text>,
    workflow: Option<&'r Text>,
    reference: Option<&'r Text>,
    commit: Option<&'r Text>,
    base_url: Option<&'r Text>,
    token_env: Option<&'r Text>,
}

impl<'r> Asked<'r> {
    /// Those that a `poll` asks about.
    fn all(raw: &'r RawPoll) -> Vec<Self> {
        let github = raw.github_run.as_ref().map(|raw| Asked {
            service: CiService::Github,
            at: raw.at,
            repository: raw.repository.as_ref(),
            workflow: raw.workflow.as_ref(),
            reference: raw.reference.as_ref(),
            commit: raw.commit.as_ref(),
            base_url: raw.base_url.as_ref(),
            token_env: raw.token_env.as_ref(),
        });
        let gitlab = raw.gitlab_pipeline.as_ref().map(|raw| Asked {
            service: CiService::Gitlab,
            at: raw.at,
            repository: raw.project.as_ref(),
            workflow: raw.name.as_ref(),
            reference: raw.reference.as_ref(),
            commit: raw.commit.as_ref(),
            base_url: raw.base_url.as_ref(),
            token_env: raw.token_env.as_ref(),
        });
        let gitea = raw.gitea_run.as_ref().map(|raw| Asked {
            service: CiService::Gitea,
            at: raw.at,
            repository: raw.repository.as_ref(),
            workflow: raw.workflow.as_ref(),
            reference: raw.reference.as_ref(),
            commit: raw.commit.as_ref(),
            base_url: raw.base_url.as_ref(),
            token_env: raw.token_env.as_ref(),
        });
        [github, gitlab, gitea].into_iter().flatten().collect()
    }
}

/// Whether a text is the path of a repository: of GitLab groups may lie within each other.
fn is_repository(name: &str, service: CiService) -> bool {
    let named = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let parts: Vec<&str> = name.split('/').collect();
    parts.iter().all(|part| named(part))
        && match service {
            CiService::Github | CiService::Gitea => parts.len() == 2,
            CiService::Gitlab => parts.len() >= 2 || name.chars().all(|c| c.is_ascii_digit()),
        }
}

impl Reading<'_> {
    /// A trigger's poll is asked before there is a run, whose values it can't name.
    pub(super) fn check_without_run(&mut self, condition: &Condition, at: tmuxagent_yaml::Place) {
        let Condition::Poll(test) = condition else { return };
        let templates = match &test.what {
            PollWhat::Ci(ci) => {
                let commit = ci.commit.as_ref().and_then(|commit| match commit {
                    CiCommit::Named(text) => Some(text),
                    CiCommit::Head => None,
                });
                vec![Some(&ci.repository), ci.reference.as_ref(), commit]
            }
            PollWhat::Http { url, .. } => vec![Some(url)],
            PollWhat::Command { script, .. } => vec![Some(script)],
            PollWhat::File { path, .. } => vec![Some(path)],
        };
        for name in templates.into_iter().flatten().flat_map(|template| &template.names) {
            if self.variables.contains(name) || NAMES_OF_RUNS.contains(&name.as_str()) {
                let message =
                    format!("`{{{{{name}}}}}` has no value here: a poll of `triggers` is asked before there is a run");
                let help = "ask in `success_when`, or name what is known of a pane, such as `{{pane.path}}`";
                self.problems.error("no-value", at, message).help(help);
            }
        }
    }

    pub(super) fn poll(&mut self, raw: &RawPoll) -> Condition {
        let interval = raw.poll_interval_ms.as_ref().or(raw.interval_ms.as_ref());
        if let (Some(twice), Some(_)) = (&raw.poll_interval_ms, &raw.interval_ms) {
            self.problems.error("twice", twice.0.at, "the time between polls is given twice; keep one");
        }
        let interval = self.span(raw.interval.as_ref(), interval).and_then(|(at, span)| self.poll_interval(at, span));
        let interval = interval.or(self.defaults.poll_interval).unwrap_or(POLL_INTERVAL);
        let deadline = self.long_span(raw.deadline.as_ref(), raw.deadline_ms.as_ref());
        let ci = Asked::all(raw);
        if ci.len() + usize::from(raw.http.is_some()) + usize::from(raw.command.is_some()) != 1 {
            let message = "`poll` asks one thing: `github_run`, `gitlab_pipeline`, `gitea_run`, `http` or `command`";
            self.problems.error("bad-poll", raw.at, message);
        }
        let what = match (ci.first(), &raw.http, &raw.command) {
            (Some(asked), ..) => self.ci_run(asked),
            (_, Some(Short::Short(url)), _) => self.http(Some(url), None),
            (_, Some(Short::Full(full)), _) => self.http(full.url.as_ref(), Some(full)),
            (_, _, Some(Short::Short(script))) => {
                Some(PollWhat::Command { script: self.template(script, Use::Script), timeout: COMMAND_TIMEOUT })
            }
            (_, _, Some(Short::Full(full))) => {
                let timeout =
                    self.long_span(full.timeout.as_ref(), full.timeout_ms.as_ref()).unwrap_or(COMMAND_TIMEOUT);
                full.script
                    .as_ref()
                    .map(|script| PollWhat::Command { script: self.template(script, Use::Script), timeout })
            }
            (None, None, None) => None,
        };
        what.map_or(Condition::Any(Vec::new()), |what| Condition::Poll(Box::new(PollTest { what, interval, deadline })))
    }

    fn ci_run(&mut self, raw: &Asked<'_>) -> Option<PollWhat> {
        let service = raw.service;
        let repository = raw.repository.map(|text| {
            if !text.value.contains("{{") && !is_repository(&text.value, service) {
                let message = format!("`{}` is no repository", text.value);
                let help = match service {
                    CiService::Github | CiService::Gitea => "write it as `owner/name`",
                    CiService::Gitlab => "write the path of the project, `group/name`, or its number",
                };
                self.problems.error("bad-poll", text.at, message).help(help);
            }
            self.template(text, Use::Address)
        });
        if service == CiService::Github && raw.workflow.is_none() && raw.commit.is_none() {
            let message = "`github_run` needs the key `workflow`, or `commit`";
            self.problems.error("missing-key", raw.at, message);
        }
        let base_url = raw.base_url.map_or_else(
            || match service {
                CiService::Github => "https://api.github.com".to_owned(),
                CiService::Gitlab => "https://gitlab.com/api/v4".to_owned(),
                // It is told that the key is missing.
                CiService::Gitea => String::new(),
            },
            |text| {
                self.check_url(text);
                text.value.trim_end_matches('/').to_owned()
            },
        );
        let token_env = raw.token_env.map_or_else(
            || match service {
                CiService::Github => "GITHUB_TOKEN".to_owned(),
                CiService::Gitlab => "GITLAB_TOKEN".to_owned(),
                CiService::Gitea => "GITEA_TOKEN".to_owned(),
            },
            |text| self.variable_name(text),
        );
        let reference = raw.reference.map(|text| self.template(text, Use::Address));
        let commit = raw.commit.map(|text| self.commit(text));
        let workflow = raw.workflow.map(|text| text.value.clone());
        let repository = repository?;
        Some(PollWhat::Ci(Box::new(CiTest { service, repository, workflow, reference, commit, base_url, token_env })))
    }

    fn variable_name(&mut self, text: &Text) -> String {
        if text.value.is_empty() || !text.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let help = "name the environment variable; a token itself has no place in a policy";
            self.problems.error("bad-poll", text.at, "`token_env` is no name of a variable").help(help);
        }
        text.value.clone()
    }

    fn commit(&mut self, text: &Text) -> CiCommit {
        let value = text.value.trim();
        if value.eq_ignore_ascii_case("head") {
            return CiCommit::Head;
        }
        let is_hash = (7..=64).contains(&value.len()) && value.chars().all(|c| c.is_ascii_hexdigit());
        if !value.contains("{{") && !is_hash {
            let help =
                "write its hash, a value such as `{{sha}}`, or `head` for the one that the pane's folder stands at";
            self.problems.error("bad-poll", text.at, format!("`{value}` is no commit")).help(help);
        }
        CiCommit::Named(self.template(text, Use::Address))
    }

    fn http(&mut self, url: Option<&Text>, full: Option<&RawHttp>) -> Option<PollWhat> {
        let url = url.map(|text| {
            self.check_url(text);
            self.template(text, Use::Address)
        });
        let status = full.and_then(|full| full.status.as_ref()).map_or(Some(200), |status| {
            let code = u16::try_from(status.value).ok().filter(|code| (100..=599).contains(code));
            if code.is_none() {
                self.problems.error("bad-number", status.at, "an HTTP status is from 100 to 599");
            }
            code
        });
        let pointer = full.and_then(|full| full.pointer.as_ref());
        let value = full.and_then(|full| full.value.as_ref());
        if let Some(pointer) = pointer.filter(|pointer| !pointer.value.is_empty() && !pointer.value.starts_with('/')) {
            self.problems.error("bad-poll", pointer.at, "a JSON pointer starts with `/`, such as `/status`");
        }
        match (pointer, value) {
            (Some(pointer), None) => {
                self.problems.error("bad-poll", pointer.at, "`json_pointer` needs the `value` that is expected there");
            }
            (None, Some(value)) => {
                self.problems.error(
                    "bad-poll",
                    value.at,
                    "`value` needs the `json_pointer` that tells where it is expected",
                );
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        Some(PollWhat::Http {
            url: url?,
            status: status?,
            pointer: pointer.map(|pointer| pointer.value.clone()),
            value: value.map(|value| value.value.clone()),
        })
    }

    /// The host must be the author's own words, or a pane could choose whom we talk to.
    fn check_url(&mut self, text: &Text) {
        let rest = text.value.strip_prefix("https://").or_else(|| text.value.strip_prefix("http://"));
        let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
        match host {
            Some(host) if !host.is_empty() && !host.contains("{{") && !host.contains(char::is_whitespace) => {}
            Some(host) if host.contains("{{") => {
                self.problems.error("bad-url", text.at, "the host of a URL can't come from a variable");
            }
            Some(_) | None => {
                self.problems
                    .error("bad-url", text.at, format!("`{}` is no URL", text.value))
                    .help("it starts with `https://` and a host");
            }
        }
    }
}
