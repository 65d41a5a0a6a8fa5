//! The words of other programs and of earlier scripts, and slips of the pen: what takes their place here.

use tmuxagent_yaml::{Key, Kind, Node, Problems, nearest, quoted};

/// Keys, the maps in which they are looked for (all, where none is named), and the way out.
const ELSEWHERE: &[(&[&str], &str, &str)] = &[
    (&["on_fail_notify"], "", "write `on_fail: [{notify: \"…\"}]`"),
    (&["on_success_notify"], "", "write `on_success: [{notify: \"…\"}]`"),
    (&["on_start_notify"], "", "write a `notify` in `actions_on_start`"),
    (&["external_check"], "", "write a `poll` condition in `success_when`"),
    (&["external_status"], "", "write a `poll` condition"),
    (&["script", "command", "commands", "cmd", "exec", "shell"], "an action", "write `run: …`"),
    (
        &["script", "command", "commands", "cmd", "exec", "shell", "run", "uses"],
        "a stage",
        "write `actions_on_start: [{run: …}]`",
    ),
    (&["prompt", "send_keys", "notify"], "a stage", "it is an action: write it in `actions_on_start`"),
    (&["log_regex", "exit_code", "agent"], "a stage", "it is a condition: write it in `success_when` or `fail_when`"),
    (
        &["depends_on", "depends", "dependsOn", "dependencies", "requires", "after"],
        "a stage",
        "write `needs: […]`, or `triggers: [{after_stage_success: …}]` where nothing else of the run may be under way",
    ),
    (
        &["depends_on", "depends", "needs", "requires"],
        "a pipeline",
        "let the other one start it: `on_success: [{start_pipeline: …}]` at its last stage",
    ),
    (&["schedule", "cron", "on"], "a stage", "write it in `triggers`: `triggers: [{schedule: …}]`"),
    (&["schedule", "cron", "on", "triggers", "when"], "a pipeline", "write `triggers` at its first stage"),
    (&["on", "triggers", "schedule"], "a policy", "write `triggers` at the first stage of a pipeline"),
    (&["jobs", "workflows", "workflow"], "a policy", "write `pipelines`, each with `name`, `match` and `stages`"),
    (
        &["stages", "steps", "tasks"],
        "a policy",
        "stages belong to a pipeline: `pipelines: [{name: …, match: …, stages: …}]`",
    ),
    (&["steps", "jobs", "tasks"], "a pipeline", "a pipeline's steps are its `stages`"),
    (
        &["steps", "tasks", "actions"],
        "a stage",
        "what is done stands in `actions_on_start`; steps with an end of their own are `stages`",
    ),
    (
        &["when", "only", "except", "rules", "condition", "unless"],
        "a stage",
        "write `triggers` for what starts a stage, and `if` for whether it is run",
    ),
    (&["if"], "a pipeline", "write `if` at its stages"),
    (
        &["env", "environment", "variables", "vars"],
        "",
        "values that are given at the start are `inputs`; a variable of one command stands in it: `run: \"A=b ./x.sh\"`",
    ),
    (&["retry", "retries", "max_retries"], "a stage", "write `on_fail: [{retry: …}]`"),
    (
        &["cwd", "dir", "workdir", "working_directory", "working-directory"],
        "",
        "a command begins in the folder of its pane; write `run: \"cd … && …\"`",
    ),
    (
        &["image", "container", "services", "runs-on", "runs_on"],
        "",
        "a stage runs in a tmux pane: say which one with `match`, or with `in`",
    ),
    (&["matrix", "strategy", "for_each"], "", "write `for_each: {os: [linux, mac]}` at a stage"),
    (
        &["parallel", "max_parallel", "max-parallel", "fail_fast", "fail-fast"],
        "",
        "write `parallel: {max: 2, on_failure: cancel}` at the pipeline",
    ),
    (&["timeout-minutes", "timeout_minutes", "time_limit"], "", "write `timeout: 10m`"),
    (&["approval", "manual", "confirm"], "a stage", "write `require_approval`"),
    (
        &["continue-on-error", "continue_on_error", "allow_failure", "ignore_errors", "allowed_to_fail"],
        "a stage",
        "write a stage that follows its failure: `triggers: [{after_stage_failure: …}]` and `recovers: true`",
    ),
    (
        &["before_script", "before", "setup", "pre"],
        "",
        "write it before the command, `run: \"./prepare.sh && make\"`, or as a stage before this one",
    ),
    (
        &["artifacts", "cache", "upload", "download"],
        "",
        "files stay in the folder of the pane: the next stage finds them there, and `run` copies them elsewhere",
    ),
    (
        &["outputs", "output", "register"],
        "a stage",
        "what it printed is `{{STAGE.output}}`; a named group of `log_regex` and `set` keep a value",
    ),
    (&["secrets", "secret", "permissions"], "", "what nobody may see stays in the environment of the pane's shell"),
    (&["extends", "inherits", "anchor"], "", "write `use: NAME` for a stage of `templates`"),
    (
        &["apiVersion", "kind", "spec", "metadata"],
        "a policy",
        "this is no policy, but looks like a file of Kubernetes or Argo; a policy has `pipelines`, each with `name`, `match` and `stages`",
    ),
    (&["always", "after_script", "always_run"], "", "write `finally` at the pipeline"),
    (
        &["on_cancel", "on_cancelled"],
        "a pipeline",
        "write `finally: [{…, if: {run: cancelled}}]`, or `on_cancel: [interrupt]` at a stage for its command",
    ),
    (&["equals", "is"], "a part of `if`", "write the value behind the name: `if: {input: {env: prod}}`"),
    (&["inputs"], "a part of `if`", "write `input`"),
    (&["all", "and"], "", "write `all_of`"),
    (&["any", "or"], "", "write `any_of`"),
];

/// Adds the problem of a key that a map does not know.
pub(crate) fn unknown_key(key: &Key, what: &str, known: &[&str], problems: &mut Problems) {
    let draft = problems.error("unknown-key", key.at, format!("{what} has no key `{}`", key.text));
    let text = key.text.as_str();
    let fits = |(keys, of, _): &&(&[&str], &str, &str)| keys.contains(&text) && (of.is_empty() || *of == what);
    if let Some((.., help)) = ELSEWHERE.iter().find(fits) {
        draft.help(*help);
    } else if text.contains('：') {
        draft.help("`：` is no colon here: write `: `");
    } else if text.contains(['\u{a0}', '\u{3000}']) {
        draft.help("write a plain blank; input methods and web pages put others");
    } else if let Some((before, _)) = text.split_once(':').filter(|(before, _)| known.contains(before)) {
        draft.help(format!("a blank belongs behind the colon: `{before}: …`"));
    } else {
        // Beside an action `if` can stand as well.
        let beside = matches!(what, "an action" | "a step of `on_fail`").then_some("if");
        match nearest(text, known.iter().copied().chain(beside)) {
            Some(name) => draft.nearest(Some(name)),
            None => draft.help(format!("its keys are {}", known.join(", "))),
        };
    }
}

/// What is probably meant by a text where a map with one of `keys` is wanted.
pub(super) fn instead(node: &Node, keys: &[&str]) -> Option<String> {
    let Kind::Scalar { text, .. } = &node.kind else { return None };
    if node.is_nothing() {
        return None;
    }
    if keys.contains(&"input") {
        let (name, value) = compared(text).unwrap_or(("env", "prod"));
        return Some(format!("write `{{input: {{{name}: {}}}}}`", quoted(value)));
    }
    let key = ["window_name", "send_keys", "log_regex"].into_iter().find(|key| keys.contains(key))?;
    let key = if key == "send_keys" { "run" } else { key };
    Some(format!("write `{{{key}: {}}}`", quoted(text)))
}

/// Name and value of an expression as other programs have it: `inputs.env == 'prod'`.
fn compared(text: &str) -> Option<(&str, &str)> {
    let inside = text.trim().trim_start_matches("${{").trim_end_matches("}}");
    let (name, value) = inside.split_once("==")?;
    let name = name.trim().strip_prefix("inputs.")?;
    Some((name, value.trim().trim_matches(['\'', '"'])))
}

/// What a flag is written as that is written otherwise.
pub(super) fn flag(node: &Node) -> Option<&'static str> {
    let Kind::Scalar { text, plain } = &node.kind else { return None };
    match text.to_ascii_lowercase().as_str() {
        "true" | "false" if !plain => Some("write it without quotes"),
        "yes" | "on" | "y" | "1" => Some("write `true`"),
        "no" | "off" | "n" | "0" => Some("write `false`"),
        _ => None,
    }
}
