//! `policy check`: what is said about a set of sources, for people and for programs.

use super::analyse;
use serde_json::json;
use tmuxagent_text::Lang;
use tmuxagent_yaml::{Diagnostic, Diagnostics, Source};

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// 0: nothing to say; 1: warnings; 2: errors.
    pub exit_code: i32,
    /// For programs: `{files, pipelines (names; null with errors), stages, errors, warnings, problems: […]}`.
    pub json: serde_json::Value,
    /// The problems themselves.
    pub diagnostics: Diagnostics,
    sum: Sum,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sum {
    files: usize,
    stages: usize,
    /// `None` where an error keeps them from use.
    pipelines: Option<usize>,
}

/// Checks sources as they would be loaded together. `files` is what is to be told of the files themselves, whatever they
/// say.
#[must_use]
pub fn check(sources: &[Source], files: Vec<Diagnostic>) -> Report {
    let (policy, found) = analyse(sources);
    let diagnostics = Diagnostics { problems: files.into_iter().chain(found.problems).collect() };
    let (errors, warnings) = (diagnostics.errors(), diagnostics.warnings());
    let exit_code = match (errors, warnings) {
        (0, 0) => 0,
        (0, _) => 1,
        (_, _) => 2,
    };
    let stages: usize = policy.iter().flat_map(|policy| &policy.pipelines).map(|pipeline| pipeline.stages.len()).sum();
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
    let sum = Sum { files: sources.len(), stages, pipelines: names.as_ref().map(Vec::len) };
    Report { exit_code, json, diagnostics, sum }
}

impl Report {
    /// For people: every problem with its excerpt, then one line that sums up.
    #[must_use]
    pub fn show(&self, lang: Lang) -> String {
        let gap = if self.diagnostics.problems.is_empty() { "" } else { "\n\n" };
        format!("{}{gap}{}\n", self.diagnostics.show(lang), self.sum(lang))
    }

    fn sum(&self, lang: Lang) -> String {
        let (errors, warnings) = (self.diagnostics.errors(), self.diagnostics.warnings());
        let Sum { files, stages, pipelines } = self.sum;
        match (lang, pipelines) {
            (Lang::En, Some(pipelines)) => {
                let (pipelines, files) = (count(pipelines, "pipeline"), count(files, "file"));
                let found = if warnings == 0 { "no problems".to_owned() } else { count(warnings, "warning") };
                format!("{pipelines} in {files}: {}, {found}", count(stages, "stage"))
            }
            (Lang::En, None) => {
                format!("{}: {}, {}", count(files, "file"), count(errors, "error"), count(warnings, "warning"))
            }
            (Lang::Zh, Some(pipelines)) => {
                let found = if warnings == 0 { "没有问题".to_owned() } else { format!("{warnings} 个警告") };
                format!("{files} 个文件，{pipelines} 条流水线，{stages} 个阶段：{found}")
            }
            (Lang::Zh, None) => format!("{files} 个文件：{errors} 个错误，{warnings} 个警告"),
        }
    }
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
        check(&[Source::new("p.yaml", format!("{STAGE}{keys}}}]}}]"))], Vec::new())
    }

    #[test]
    fn a_clean_policy_is_summed_up() {
        let clean = report("triggers: manual");
        assert_eq!(
            (clean.exit_code, clean.show(Lang::En).as_str()),
            (0, "1 pipeline in 1 file: 1 stage, no problems\n")
        );
    }

    #[test]
    fn warnings_and_errors_have_exit_codes_of_their_own() {
        assert_eq!(report("triggers: []").exit_code, 1);
        let bad = report("triggers: manual, tiemout: 5s");
        assert_eq!(bad.exit_code, 2);
        assert_snapshot!(bad.show(Lang::En), @r"
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
                "excerpt": format!("{STAGE}triggers: manual, tiemout: 5s}}]}}]"),
            }],
        });
        assert_eq!(bad.json, wanted);
    }
}
