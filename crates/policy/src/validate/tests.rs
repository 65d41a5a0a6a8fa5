use super::*;
use crate::{Action, Condition, FailStep, PollWhat, Selector, Stage};
use insta::assert_debug_snapshot;

fn loaded(text: &str) -> Policy {
    match load(&[Source::new("p.yaml", text)]) {
        Ok(policy) => policy,
        Err(problems) => panic!("{problems}"),
    }
}

fn problems(text: &str) -> Vec<String> {
    let (_, found) = analyse(&[Source::new("p.yaml", text)]);
    found.problems.iter().map(|p| format!("{}:{} {} {}", p.line, p.col, p.code, p.message)).collect()
}

fn stage(keys: &str) -> Stage {
    let text = format!(
        "pipelines:\n- {{name: other, match: {{host: h}}, stages: [{{name: s, triggers: manual}}]}}\n- name: p\n  match: {{window_name: w}}\n  stages:\n  - name: before\n    triggers: [manual]\n  - name: s\n{}",
        keys.lines().map(|line| format!("    {line}\n")).collect::<String>()
    );
    loaded(&text).pipelines.remove(1).stages.remove(1)
}

#[test]
fn lists_and_any_of_mean_the_same() {
    for text in ["triggers: {any_of: [{log_regex: a}, manual]}", "triggers: [{log_regex: a}, {manual: true}]"] {
        let Condition::Any(parts) = stage(text).triggers else { panic!("any") };
        assert!(matches!(parts.as_slice(), [Condition::LogRegex(_), Condition::Manual]), "{parts:?}");
    }
    assert!(matches!(stage("triggers: {log_regex: a}").triggers, Condition::LogRegex(_)));
}

#[test]
fn a_tracked_command_is_judged_by_its_exit_code() {
    let run = stage("triggers: manual\nactions_on_start: [{run: make}]");
    assert!(matches!(&run.success_when, Some(Condition::ExitCode(codes)) if codes == &[0]));
    assert!(matches!(&run.fail_when, Some(Condition::ExitCode(codes)) if codes.is_empty()));
    let own = stage("triggers: manual\nactions_on_start: [{run: make}]\nsuccess_when: [{log_regex: done}]");
    assert!(matches!(&own.success_when, Some(Condition::Any(_))));
    assert!(matches!(&own.fail_when, Some(Condition::ExitCode(codes)) if codes.is_empty()));
}

#[test]
fn every_form_of_every_action_is_accepted() {
    let all = stage(
        r#"triggers: manual
actions_on_start:
- send_keys: npm test
- send_keys: {text: "y", enter: false}
- send_keys: {keys: [C-c, Escape, Up]}
- send_keys: {text: Enter, literal: false}
- run: "echo {{pane.path}}"
- prompt: |
    first
    second
- shell: {script: "git log -1", timeout: 5s}
- shell: uptime
- notify: {text: "{{stage}} of {{run}}", channels: [wecom], urgency: high, kind: failure}
- notify: hello
- set: {version: "1", other: "{{line}}"}
- start_pipeline: other
"#,
    );
    assert_eq!(all.actions_on_start.len(), 13);
    assert!(
        matches!(&all.actions_on_start[3], Action::SendKeys { text: None, keys, enter: false, .. } if keys == &["Enter"])
    );
    assert!(matches!(&all.actions_on_start[5], Action::Prompt { text, .. } if text.source == "first\nsecond"));
}

#[test]
fn every_condition_is_accepted_everywhere() {
    let s = stage(
        r#"triggers:
  all_of:
  - not: {log_regex: never}
  - after_stage_success: before
  - any_of:
    - after_stage_failure: before
    - message: {type: STATUS, stage: lint, ok: true}
    - message: ASK
    - message_type: ERROR
    - idle_for: 30s
    - schedule: {cron: "0 3 * * *", timezone: Asia/Shanghai}
    - schedule: "0 3 * * * UTC"
success_when:
- poll: {github_run: {repository: a/b, workflow: ci.yml, ref: main}, poll_interval_ms: 5000, deadline: 10m}
- poll: {http: {url: "https://x.example/status", json_pointer: /state, value: ok}}
- poll: {command: ./ready, interval: 2s}
- exit_code: 0
fail_when: {exit_code: [1, 2]}
actions_on_start: [{run: make}]
timeout_ms: 60000
cooldown: 1m
lock: deploy
"#,
    );
    let Some(Condition::Any(polls)) = s.success_when else { panic!("any") };
    assert!(
        matches!(&polls[0], Condition::Poll(poll) if poll.interval == Millis(5000) && matches!(poll.what, PollWhat::Ci(_)))
    );
    assert_eq!(
        (s.timeout, s.cooldown, s.lock.as_deref()),
        (Some(Millis(60_000)), Some(Millis(60_000)), Some("deploy"))
    );
}

#[test]
fn policies_of_the_earlier_scripts_are_accepted() {
    let policy = loaded(
        r#"
principles:
- Automate routine steps; pause for critical approvals.
pipelines:
- match:
    any_of:
    - {window_name: "^agent:codex-ci$", pane_title: "^codex"}
  name: demo
  stages:
  - name: lint
    triggers: {any_of: [{log_regex: "(?i)start lint"}]}
    actions_on_start: [{send_keys: npm run lint}]
    success_when: {any_of: [{log_regex: "(?i)0 problems"}, {message_type: STATUS}]}
    fail_when: {any_of: [{log_regex: "(?i)error"}]}
    on_fail:
    - retry: {max: 1, backoff_ms: 2000}
    - if_still_fail: {ask_human: "Lint failed. Continue anyway?"}
  - name: build
    triggers: [{after_stage_success: lint}]
    require_approval: true
    actions_on_start: [{shell: "true"}]
    on_fail: [{retry: {max: 2}}, {ask_human: "decide"}, {escalate: build_failed}]
"#,
    );
    assert!(
        matches!(&policy.pipelines[0].selector, Selector::Any(any) if matches!(&any[0], Selector::All(all) if all.len() == 2))
    );
    assert_debug_snapshot!(policy.pipelines[0].stages[0].on_fail.len(), @"2");
    assert!(matches!(
        policy.pipelines[0].stages[1].on_fail.as_slice(),
        [FailStep::Retry(_), FailStep::AskHuman { .. }, FailStep::Escalate { .. }]
    ));
}

#[test]
fn defaults_stand_in_and_zero_takes_them_back() {
    let policy = loaded(
        "defaults: {timeout: 5m, backoff: {initial: 1s, factor: 3}, cooldown_ms: 100, poll_interval: 3s}
pipelines:
- name: p
  match: {host: h}
  stages:
  - {name: a, triggers: manual, on_fail: [{retry: 2}]}
  - {name: b, triggers: manual, timeout: 0, cooldown: 0, success_when: [{poll: {command: x}}], on_fail: [{retry: {max: 1, backoff: 7s}}]}
",
    );
    let [a, b] = policy.pipelines[0].stages.as_slice() else { panic!("two") };
    assert_eq!((a.timeout, a.cooldown), (Some(Millis(300_000)), Some(Millis(100))));
    assert_eq!((b.timeout, b.cooldown), (None, None));
    let backoff = |stage: &Stage| match &stage.on_fail[0] {
        FailStep::Retry(spec) => (spec.backoff.initial.0, spec.backoff.factor_milli, spec.backoff.max.0),
        other => panic!("{other:?}"),
    };
    assert_eq!((backoff(a), backoff(b)), ((1000, 3000, 300_000), (7000, 1000, 7000)));
}

#[test]
fn anchors_and_principles_enter_texts() {
    let policy = loaded(
        "x-common: &common {triggers: manual, timeout: 1m}
principles: [be kind, 'test {{stage}}']
pipelines:
- name: p
  match: {host: h}
  stages:
  - {<<: *common, name: a, actions_on_start: [{prompt: 'Rules: {{principles}}'}]}
",
    );
    let Action::Prompt { text, .. } = &policy.pipelines[0].stages[0].actions_on_start[0] else { panic!("prompt") };
    assert_eq!(text.source, "Rules: - be kind\n- test {{stage}}");
    assert_eq!(text.names, ["stage"]);
}

#[test]
fn one_pipeline_in_two_files_is_one_error_that_names_both() {
    let file = |name: &str| {
        Source::new(name, "pipelines:\n- name: p\n  match: {host: h}\n  stages: [{name: s, triggers: manual}]\n")
    };
    let found = load(&[file("a.yaml"), file("b.yaml")]).unwrap_err();
    let texts: Vec<String> = found
        .problems
        .iter()
        .filter(|p| p.code == "duplicate-pipeline")
        .map(|p| format!("{}: {}", p.file, p.message))
        .collect();
    assert_eq!(texts, ["b.yaml: the pipeline `p` is defined twice: here and at a.yaml:2:9"]);
}

#[test]
fn empty_files_hold_an_empty_policy() {
    for text in ["", "# nothing\n", "version: 1\npipelines: []\n"] {
        let (policy, found) = analyse(&[Source::new("p.yaml", text)]);
        assert!(policy.is_some_and(|policy| policy.pipelines.is_empty()));
        assert_eq!(found.problems.iter().map(|p| p.code).collect::<Vec<_>>(), ["empty-policy"]);
    }
}

#[test]
fn the_hash_tells_sources_apart() {
    let hash = |parts: &[(&str, &str)]| {
        load(&parts.iter().map(|(n, t)| Source::new(*n, *t)).collect::<Vec<_>>()).unwrap().hash
    };
    assert_eq!(hash(&[("a", "")]), hash(&[("a", "")]));
    assert_ne!(hash(&[("a", "")]), hash(&[("b", "")]));
    assert_ne!(hash(&[("a", "#b")]), hash(&[("a", "#"), ("b", "")]));
    assert_eq!(hash(&[("a", "")]).len(), 64);
}

#[test]
fn all_problems_are_told_at_once() {
    let text = "version: 2\npipeline: []\npipelines:\n- name: p\n  match: {windowname: x}\n  stages:\n  - name: s\n    timeout: 5\n    triggers: [{log_regex: '('}, {after_stage_success: q}]\n";
    assert_eq!(
        problems(text),
        [
            "1:10 version version `2` of the policy language is not known",
            "2:1 unknown-key a policy has no key `pipeline`",
            "5:11 unknown-key `match` has no key `windowname`",
            "8:14 bad-duration `5` has no unit",
            "9:29 bad-regex the regular expression does not compile: unclosed group",
            "9:56 unknown-stage the pipeline has no stage `q`",
        ]
    );
}

/// Whether a policy with these scripts, each in a stage of its own, is refused; `v` takes what the pattern says.
fn refused(pattern: &str, scripts: &[&str]) -> bool {
    let stages: String = scripts
        .iter()
        .enumerate()
        .map(|(at, script)| {
            let script = serde_json::to_string(script).unwrap();
            format!("  - {{name: s{at}, triggers: [{{log_regex: '^v (?P<v>{pattern})$'}}], actions_on_start: [{{shell: {script}}}]}}\n")
        })
        .collect();
    let found = problems(&format!("pipelines:\n- name: p\n  match: {{host: h}}\n  stages:\n{stages}"));
    found.iter().any(|problem| problem.contains(" unsafe-place "))
}

#[test]
fn a_value_takes_no_detour_over_another_command() {
    for (scripts, way_out) in [
        // A file that tmux is shown, or that is run by its path.
        (["echo {{v}} > a", "tmux display-message -- \"$(cat a)\""], "tmux display-message -- done"),
        (["echo {{v}} > d/x", "d/x"], "d/y"),
        (["echo {{v}} > x", "$HOME/x"], "$HOME/y"),
        // A variable that calculates.
        (["N={{v}} ./deploy", "export -i N"], "export N"),
        (["N={{v}} ./deploy", "declare -i N"], "declare N"),
        (["env N={{v}} ./deploy", "integer N"], "integer M"),
        (["N={{v}} ./deploy", "declare -n N=M"], "M=1"),
        (["N={{v}} ./deploy", "echo $((N = 1))"], "echo $((M = 1))"),
        (["N={{v}} ./deploy", "let N=1"], "let M=1"),
        (["N={{v}} ./deploy", "typeset -F \"$x\""], "typeset M"),
        (["N={{v}} ./deploy", "eval 'export -i N'"], "eval 'export N'"),
        (["echo {{v}} | while read -r N; do ./deploy \"$N\"; done", "a[N=1]=2"], "a[1]=2"),
    ] {
        assert!(refused(".*", &scripts), "{scripts:?}");
        let known = [scripts[0], way_out];
        assert!(!refused(".*", &known), "{known:?}");
    }
    // The shell puts in a part of the name.
    assert!(refused(r"\d+", &["echo {{v}} > d/$n", "d/x"]));
    assert!(!refused(r"\d+", &["echo {{v}} > d/log-$n", "d/x"]));
}

#[test]
fn behind_a_cd_of_another_command_a_path_lies_elsewhere() {
    let refused = |cd: &str, then: &str| {
        let stage = "  - name: a\n    triggers: [{log_regex: '(?<v>.*)'}]\n    success_when: [{log_regex: ok}]\n";
        let actions = format!("    actions_on_start: [{{send_keys: '{cd}'}}, {{{then}}}]\n");
        let found = problems(&format!("pipelines:\n- name: p\n  match: {{host: h}}\n  stages:\n{stage}{actions}"));
        found.iter().any(|problem| problem.contains("has gone to another folder"))
    };
    for (cd, then, refuses) in [
        ("cd ~/.ssh", "send_keys: 'echo {{v}} > rc'", true),
        // The folder of the pane is that of its scripts.
        ("cd /etc", "shell: 'echo {{v}} | tee f.txt'", true),
        ("pushd /opt/tool", "send_keys: './deploy {{v}}'", true),
        ("cd -", "send_keys: 'echo {{v}} > f.txt'", true),
        ("cd web", "send_keys: 'echo {{v}} > f.txt; ./deploy {{v}}'", false),
        ("(cd ~/.ssh && ls)", "send_keys: 'echo {{v}} > rc'", false),
        ("cd /etc", "send_keys: 'echo {{v}} > /tmp/f.txt'", false),
    ] {
        assert_eq!(refused(cd, then), refuses, "{cd}; {then}");
    }
}

#[test]
fn patterns_say_how_far_a_value_goes() {
    let scripts = |script: &'static str| [script];
    for (pattern, word, kept) in
        [(r"\d[\d.]*", true, true), (r"v?\d+", true, true), (r"\w+", true, false), (".*", false, false)]
    {
        assert_eq!(!refused(pattern, &scripts("frobnicate {{v}}; true")), word || pattern == ".*", "{pattern}");
        assert_eq!(!refused(pattern, &scripts("V={{v}} ssh-keygen; (cd {{v}} && npm test)")), kept, "{pattern}");
    }
}

#[test]
fn the_word_of_a_yes_can_be_read_and_is_no_verdict() {
    let found = |stage: &str, word: &str| {
        problems(&format!(
            "pipelines: [{{name: p, match: {{host: h}}, stages: [{{name: {stage}, triggers: manual, \
             require_approval: {{confirm: \"{word}\"}}, actions_on_start: [{{run: ./x.sh}}]}}]}}]"
        ))
    };
    for word in ["deploy", "go live", "name", "上线", "nothing"] {
        assert_eq!(found("build", word), Vec::<String>::new(), "{word}");
    }
    for (stage, word, code) in [
        ("build", "no", "reserved-name"),
        ("build", "Reject.", "reserved-name"),
        ("build", "yes", "reserved-name"),
        ("build", "approve", "reserved-name"),
        ("build", "拒绝", "reserved-name"),
        ("deny", "name", "reserved-name"),
        ("build", "{{inputs.env}}", "bad-template"),
        ("build", "go\\tlive", "control-character"),
        ("build", "dep\\u200bloy", "control-character"),
        ("build", " ", "empty-text"),
    ] {
        let found = found(stage, word);
        assert!(found.len() == 1 && found[0].contains(&format!(" {code} ")), "{stage} {word}: {found:?}");
    }
}

#[test]
fn a_command_may_have_several_lines_and_tabs() {
    let found = |run: &str| {
        problems(&format!(
            "pipelines: [{{name: p, match: {{host: h}}, stages: [{{name: s, triggers: [{{log_regex: '^got (?P<v>.*)$'}}], \
             actions_on_start: [{{run: {run}}}]}}]}}]"
        ))
    };
    let told = |run: &str, sign: &str| found(run).iter().any(|problem| problem.contains(sign));
    for run in [r#""make\n\tnpm test\n""#, r#""./check {{v}}\n./deploy {{v}}""#, r#""cat > f <<'E'\nit's\nE\n""#] {
        assert!(
            !told(run, "control-character") && !told(run, "comes from a pane or an input"),
            "{run}: {:?}",
            found(run)
        );
    }
    for run in [r#""a\eb""#, r#""make\n\x07""#, r#""a\rb""#] {
        assert!(told(run, "control-character"), "{run}: {:?}", found(run));
    }
    // On whichever of its lines a value stands, it is judged there.
    for run in [r#""make\neval {{v}}""#, r#""echo 'open\n'\nsh -c {{v}}\nmake""#] {
        assert!(told(run, "{{v}}"), "{run}: {:?}", found(run));
    }
}

#[test]
fn a_value_that_is_given_holds_nothing_that_can_t_be_seen() {
    let inputs = |default: &str| {
        format!(
            "inputs: {{branch: {default}}}\npipelines:\n- {{name: p, match: {{window_name: w}}, stages: [{{name: s, triggers: manual}}]}}"
        )
    };
    let policy = loaded(&inputs("main"));
    let given = |value: &str| input_values(&policy.pipelines[0].inputs, &[("branch".to_owned(), value.to_owned())]);
    for hidden in [
        "fix\u{202e}1",
        "\u{200b}main",
        "main\u{200d}",
        "ma\u{ad}in",
        "main\u{e0041}",
        "main\u{2066}x\u{2069}",
        "ma\u{2800}in",
        "main\u{fffc}",
        "ma\u{a0}in",
        "main\u{fdd0}",
    ] {
        let why = given(hidden).unwrap_err();
        assert!(why.ends_with("it holds nothing that can't be seen"), "{why}");
        let found = problems(&inputs(&format!("{{default: \"{hidden}\"}}")));
        assert!(found.iter().any(|it| it.contains("bad-default")), "{found:?}");
    }
    for ends in [" main", "main "] {
        assert!(given(ends).unwrap_err().ends_with("it neither begins nor ends with a blank"), "{ends:?}");
    }
    for seen in ["", "feature/登录", "👍🏽", "\u{645}\u{6cc}\u{200c}\u{62e}", "a  b"] {
        assert!(given(seen).is_ok(), "{seen:?}");
    }
}
