//! Configuration and policies.

use super::Finding;
use tmuxagent_config::{Loaded, Problem};
use tmuxagent_text::{Lang, counted};
use tmuxagent_yaml::{Diagnostics, Severity};

/// Whether they can be loaded, with everything that is wrong.
pub(super) fn check(loaded: &Result<Loaded, super::super::CliError>, lang: Lang) -> Vec<Finding> {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(super::super::CliError::User(problem)) => return problems(problem, lang),
        Err(error) => {
            return vec![Finding::failure("configuration", error.text(), see(lang, "tmuxagent config check"))];
        }
    };
    let mut found = vec![Finding::ok("configuration", &loaded.config_name)];
    for file in loaded.environment.files() {
        found.push(Finding::ok(
            "environment",
            said!(lang, "{} sets {}", "{} 设置了 {}", file.path.display(), file.names.join(", ")),
        ));
    }
    let names: Vec<&str> = loaded.policy_sources.iter().map(|source| source.name.as_str()).collect();
    let (policy, diagnostics) = tmuxagent_policy::analyse(&loaded.policy_sources);
    found.push(match (policy, diagnostics.warnings()) {
        (None, _) => Finding::failure("policy", diagnostics.summary(), mended(&diagnostics, lang)),
        (Some(policy), 0) => {
            let (count, names) = (policy.pipelines.len(), names.join(", "));
            let pipelines = if lang == Lang::En { counted(count, "pipeline") } else { count.to_string() };
            Finding::ok("policy", said!(lang, "{} in {names}", "{names} 中有 {} 条流水线", pipelines))
        }
        (Some(_), warnings) => {
            let sum = if lang == Lang::En { counted(warnings, "warning") } else { warnings.to_string() };
            Finding::warning(
                "policy",
                said!(lang, "{} in {}", "{} 个警告，在 {}", sum, names.join(", ")),
                see(lang, "tmuxagent policy check"),
            )
        }
    });
    found
}

pub(super) fn problems(problem: &Problem, lang: Lang) -> Vec<Finding> {
    if problem.diagnostics.problems.is_empty() {
        let fix = problem.hint.clone().unwrap_or_else(|| see(lang, "tmuxagent config check"));
        return vec![Finding::failure("configuration", problem.text.clone(), fix)];
    }
    let listed = problem.diagnostics.problems.iter().map(|found| {
        let ways = found.ways_out(lang);
        let fix = if ways.is_empty() { see(lang, "tmuxagent config default") } else { ways.join("; ") };
        Finding::failure("configuration", format!("{}: {}", found.place(), found.sentence(lang)), fix)
    });
    listed.collect()
}

/// What mends the first error; the place of each is shown by the command.
fn mended(diagnostics: &Diagnostics, lang: Lang) -> String {
    let first = diagnostics.problems.iter().find(|found| found.severity == Severity::Error);
    let ways = first.map(|found| found.ways_out(lang)).unwrap_or_default();
    ways.into_iter().chain([see(lang, "tmuxagent policy check")]).collect::<Vec<_>>().join(lang.pick("; ", "；"))
}

/// The command that tells more.
pub(super) fn see(lang: Lang, command: &str) -> String {
    said!(lang, "see `{command}`", "见 `{command}`")
}
