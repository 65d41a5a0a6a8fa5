//! Configuration and policies.

use super::Finding;
use crate::config::{Loaded, Problem};

/// Whether they can be loaded, with everything that is wrong.
pub(super) fn check(loaded: &Result<Loaded, super::super::CliError>) -> Vec<Finding> {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(super::super::CliError::User(problem)) => return problems(problem),
        Err(error) => return vec![Finding::failure("configuration", error.text(), "see `tmuxagent config check`")],
    };
    let mut found = vec![Finding::ok("configuration", &loaded.config_name)];
    for file in loaded.environment.files() {
        found.push(Finding::ok("environment", format!("{} sets {}", file.path.display(), file.names.join(", "))));
    }
    let names: Vec<&str> = loaded.policy_sources.iter().map(|source| source.name.as_str()).collect();
    let (policy, diagnostics) = crate::policy::analyse(&loaded.policy_sources);
    found.push(match (policy, diagnostics.warnings()) {
        (None, _) => Finding::failure("policy", diagnostics.summary(), "see `tmuxagent policy check`"),
        (Some(policy), 0) => {
            Finding::ok("policy", format!("{} pipelines in {}", policy.pipelines.len(), names.join(", ")))
        }
        (Some(_), warnings) => Finding::warning(
            "policy",
            format!("{warnings} warnings in {}", names.join(", ")),
            "see `tmuxagent policy check`",
        ),
    });
    found
}

pub(super) fn problems(problem: &Problem) -> Vec<Finding> {
    if problem.diagnostics.is_empty() {
        let fix = problem.hint.clone().unwrap_or_else(|| "see `tmuxagent config check`".to_owned());
        return vec![Finding::failure("configuration", problem.text.clone(), fix)];
    }
    let listed = problem.diagnostics.iter().map(|d| {
        let fix = d.help.clone().unwrap_or_else(|| "see `tmuxagent config default` for the right form".to_owned());
        Finding::failure("configuration", format!("{}: {}", d.place(), d.text), fix)
    });
    listed.collect()
}
