//! `policy check`: what is said about a set of sources, for people and for programs.

use super::{Diagnostics, Source, analyse};
use serde_json::json;

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// 0: nothing to say; 1: warnings; 2: errors.
    pub exit_code: i32,
    /// For people: every problem with its excerpt, then one line that sums up.
    pub text: String,
    /// For programs: `{files, pipelines (names; null with errors), stages, errors, warnings, problems: […]}`.
    pub json: serde_json::Value,
    /// The problems themselves.
    pub diagnostics: Diagnostics,
}

/// Checks sources as they would be loaded together.
#[must_use]
pub fn check(sources: &[Source]) -> Report {
    let (policy, diagnostics) = analyse(sources);
    let (errors, warnings) = (diagnostics.errors(), diagnostics.warnings());
    let exit_code = match (errors, warnings) {
        (0, 0) => 0,
        (0, _) => 1,
        (_, _) => 2,
    };
    let pipelines = policy.as_ref().map_or(0, |policy| policy.pipelines.len());
    let stages: usize = policy.iter().flat_map(|policy| &policy.pipelines).map(|pipeline| pipeline.stages.len()).sum();
    let sum = match &policy {
        Some(_) => format!(
            "{} in {}: {}, {}",
            count(pipelines, "pipeline"),
            count(sources.len(), "file"),
            count(stages, "stage"),
            if warnings == 0 { "no problems".to_owned() } else { count(warnings, "warning") }
        ),
        None => format!("{}: {}, {}", count(sources.len(), "file"), count(errors, "error"), count(warnings, "warning")),
    };
    let text = if diagnostics.problems.is_empty() { format!("{sum}\n") } else { format!("{diagnostics}\n{sum}\n") };
    let names: Option<Vec<&str>> =
        policy.as_ref().map(|policy| policy.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect());
    let json = json!({
        "files": sources.iter().map(|source| &source.name).collect::<Vec<_>>(),
        "pipelines": names,
        "stages": stages,
        "errors": errors,
        "warnings": warnings,
        "problems": diagnostics.problems,
    });
    Report { exit_code, text, json, diagnostics }
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    const STAGE: &str = "pipelines: [{name: p, match: {host: h}, stages: [{name: s, ";

    fn report(keys: &str) -> Report {
        check(&[Source::new("p.yaml", format!("{STAGE}{keys}}}]}}]"))])
    }

    #[test]
    fn a_clean_policy_is_summed_up() {
        let clean = report("triggers: manual");
        assert_eq!((clean.exit_code, clean.text.as_str()), (0, "1 pipeline in 1 file: 1 stage, no problems\n"));
    }

    #[test]
    fn warnings_and_errors_have_exit_codes_of_their_own() {
        assert_eq!(report("triggers: []").exit_code, 1);
        let bad = report("triggers: manual, tiemout: 5s");
        assert_eq!(bad.exit_code, 2);
        assert_snapshot!(bad.text, @r"
        p.yaml:1:78: error[unknown-key]: a stage has no key `tiemout`
          |
        1 | pipelines: [{name: p, match: {host: h}, stages: [{name: s, triggers: manual, tiemout: 5s}]}]
          |                                                                              ^^^^^^^
          = help: did you mean `timeout`?

        1 file: 1 error, 0 warnings
        ");
        let wanted = json!({
            "files": ["p.yaml"], "pipelines": null, "stages": 0, "errors": 1, "warnings": 0,
            "problems": [{
                "severity": "error", "code": "unknown-key", "file": "p.yaml", "line": 1, "col": 78, "len": 7,
                "message": "a stage has no key `tiemout`", "nearest": "timeout",
            }],
        });
        assert_eq!(bad.json, wanted);
    }
}
