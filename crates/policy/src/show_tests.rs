use super::*;
use crate::{analyse, load};

const LIBRARY: &str = "\
inputs: {env: {choices: [staging, prod], default: staging}}
panes: {checks: {pane_role: checks}}
defaults: {timeout: 10m}
templates:
  command:
    parameters:
      script:
      limit: {type: duration, default: 5m}
      after: {type: list}
    stage:
      in: checks
      triggers: [{after_stage_success: \"{{params.after}}\"}]
      actions_on_start: [{run: \"exec {{params.script}} {{inputs.env}}\"}]
      timeout: \"{{params.limit}}\"
";

const POLICY: &str = "\
include: lib/stages.yaml
pipelines:
  - name: ship
    defaults: {hold: 5s}
    stages:
      - {name: begin, in: checks, triggers: [manual], actions_on_start: [{run: ./begin.sh}]}
      - {name: test, use: command, with: {script: ./test.sh, after: [begin]}}
      - name: lint
        use: command
        with: {script: ./lint.sh, after: test, limit: 30s}
        triggers:
          - manual
        fail_when: [{log_regex: \"a: b # c\"}, {exit_code: nonzero}]
        on_fail: [{notify: \"one\\ntwo\"}]
";

fn sources() -> Vec<Source> {
    vec![Source::new("p/ship.yaml", POLICY), Source::new("p/lib/stages.yaml", LIBRARY)]
}

#[test]
fn what_is_shown_means_the_same() {
    let shown = expanded(&sources()).unwrap();
    let [file] = shown.as_slice() else { panic!("{shown:?}") };
    let text: String = file.lines.iter().map(|line| format!("{}\n", line.text)).collect();
    let (again, found) = analyse(&[Source::new("again.yaml", text.as_str())]);
    let again = again.unwrap_or_else(|| panic!("{found}\n{text}"));
    let clean = |text: &str| {
        text.lines()
            .map(|line| line.split("place:").next().unwrap_or(line).trim_end().to_owned() + "\n")
            .collect::<String>()
    };
    let whole = load(&sources()).unwrap();
    assert_eq!(clean(&format!("{:#?}", again.pipelines)), clean(&format!("{:#?}", whole.pipelines)), "{text}");
}

#[test]
fn each_line_says_where_it_comes_from() {
    let shown = expanded(&sources()).unwrap();
    let table: String = shown[0].lines.iter().map(|line| format!("{:<20} {}\n", line.origin, line.text)).collect();
    insta::assert_snapshot!(table);
}
