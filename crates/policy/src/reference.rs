//! The reference of the policy language (`docs/reference.md`): every key with its meaning, type, default and an example, made
//! from the schema. The examples are policies (`assets/reference`); a test checks them, and that no key is without one.

use super::json_schema::schema;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// A part of the reference: a map of the language.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name in the schema; empty for the file itself.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// An example that has all of its keys.
    pub example: &'static str,
}

macro_rules! section {
    ($name:literal, $title:literal, $example:literal) => {
        Section {
            name: $name,
            title: $title,
            example: include_str!(concat!("../../../assets/reference/", $example, ".yaml")),
        }
    };
}

/// Its parts, in their order. The example of the first part that has one is printed behind the last that has the same.
pub const SECTIONS: &[Section] = &[
    section!("", "A policy", "policy"),
    section!("Defaults", "`defaults`", "policy"),
    section!("Backoff", "`backoff`", "policy"),
    section!("Input", "`inputs`", "policy"),
    section!("Template", "`templates`", "policy"),
    section!("Parameter", "`parameters`", "policy"),
    section!("Words", "`words`", "policy"),
    section!("AutoAnswer", "`auto_answers`", "policy"),
    section!("AnswerLimit", "`limit` of an answer", "policy"),
    section!("LooksLike", "`looks_like`", "policy"),
    section!("Pipeline", "A pipeline", "pipeline"),
    section!("Selector", "`match`", "pipeline"),
    section!("Make", "`make`", "pipeline"),
    section!("RunConcurrency", "`concurrency` of a pipeline", "pipeline"),
    section!("Loop", "`loop`", "pipeline"),
    section!("Parallel", "`parallel`", "pipeline"),
    section!("Answer", "`answers`", "pipeline"),
    section!("Stage", "A stage", "stage"),
    section!("Needs", "`needs`", "stage"),
    section!("Guard", "`if`", "stage"),
    section!("Gate", "`require_approval`", "stage"),
    section!("Concurrency", "`concurrency` of a stage", "stage"),
    section!("FailStep", "`on_fail`", "stage"),
    section!("Retry", "`retry`", "stage"),
    section!("Question", "`ask_human`", "stage"),
    section!("Escalate", "`escalate`", "stage"),
    section!("ConditionKind", "Conditions", "conditions"),
    section!("Message", "`message`", "conditions"),
    section!("After", "`after`", "conditions"),
    section!("Schedule", "`schedule`", "conditions"),
    section!("File", "`file_exists` and `file_changed`", "conditions"),
    section!("Poll", "`poll`", "polls"),
    section!("GithubRun", "`github_run`", "polls"),
    section!("GitlabPipeline", "`gitlab_pipeline`", "polls"),
    section!("GiteaRun", "`gitea_run`", "polls"),
    section!("Http", "`http`", "polls"),
    section!("PollCommand", "`command` of a poll", "polls"),
    section!("Action", "Actions", "actions"),
    section!("SendKeys", "`send_keys`", "actions"),
    section!("Run", "`run`", "actions"),
    section!("Prompt", "`prompt`", "actions"),
    section!("Shell", "`shell`", "actions"),
    section!("Notify", "`notify`", "actions"),
    section!("Start", "`start_pipeline`", "actions"),
];

/// Values that are taken where a key is left out, by `MAP.KEY`.
const DEFAULTS: &[(&str, &str)] = &[
    (".version", "1"),
    ("Input.type", "`text`"),
    ("Parameter.type", "`text`"),
    ("Make.window", "the name of the pane"),
    ("Make.role", "the name of the pane"),
    ("Make.cwd", "the folder of the run's own pane"),
    ("Make.command", "a shell with tmuxagent's integration"),
    ("Backoff.factor", "2"),
    ("Backoff.max", "`5m`"),
    ("Stage.timeout", "that of `defaults`, then `stage_timeout` of the configuration"),
    ("Stage.on_timeout", "`ask`"),
    ("Stage.on_cancel", "that of `defaults`"),
    ("Stage.hold", "that of `defaults`, then of the configuration"),
    ("Stage.require_approval", "`false`"),
    ("Gate.on_expiry", "`reject`"),
    ("Question.on_approve", "`rerun`"),
    ("Question.on_expiry", "`reject`"),
    ("Retry.backoff", "that of `defaults`, then `1s`, doubled each time up to `1m`"),
    ("RunConcurrency.on_busy", "`queue`"),
    ("After.ended", "`succeeded`"),
    ("Parallel.on_failure", "`finish`"),
    ("Schedule.per", "`pane`"),
    ("File.interval", "`poll_interval` of `defaults`, then `5s`"),
    ("LooksLike.tool", "the words of `any` alone"),
    ("Poll.interval", "`poll_interval` of `defaults`, then `10s`"),
    ("GithubRun.token_env", "`GITHUB_TOKEN`"),
    ("GithubRun.base_url", "`https://api.github.com`"),
    ("GitlabPipeline.token_env", "`GITLAB_TOKEN`"),
    ("GitlabPipeline.base_url", "`https://gitlab.com/api/v4`"),
    ("GiteaRun.token_env", "`GITEA_TOKEN`"),
    ("Http.status", "200"),
    ("PollCommand.timeout", "`1m`"),
    ("SendKeys.enter", "`true`, unless there are only keys"),
    ("SendKeys.literal", "`true`"),
    ("Shell.timeout", "`1m`"),
    ("Notify.urgency", "`normal`"),
    ("Notify.kind", "`custom`"),
    ("Start.where", "`matching`"),
];

const HEAD: &str = include_str!("../../../assets/reference/head.md");

/// The reference, as Markdown.
#[must_use]
pub fn reference() -> String {
    let schema = schema();
    let none = Map::new();
    let defs = schema.get("$defs").and_then(Value::as_object).unwrap_or(&none);
    let mut out = HEAD.to_owned();
    for (section, number) in SECTIONS.iter().zip(1..) {
        let node = if section.name.is_empty() { Some(&schema) } else { defs.get(section.name) };
        let Some(node) = node else { continue };
        let _ = write!(out, "\n## {}\n", section.title);
        if let Some(text) = map_of(node).get("description").and_then(Value::as_str) {
            let _ = write!(out, "\n{text}\n");
        }
        out.push('\n');
        for (key, property) in keys_of(node) {
            let kind = kind_of(property);
            let required = required(node, key).then_some("required".to_owned());
            let name = format!("{}.{key}", section.name);
            let default = DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, text)| format!("default: {text}"));
            let told = [Some(kind), required, default].into_iter().flatten().collect::<Vec<_>>().join("; ");
            let text = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let _ = writeln!(out, "- **`{key}`** ({told}): {text}");
        }
        // Sections with one example stand together.
        if SECTIONS.get(number).is_none_or(|next| next.example != section.example) {
            let _ = write!(out, "\n```yaml\n{}```\n", section.example);
        }
    }
    out
}

/// The keys of a map with what they take.
pub(super) fn keys_of(node: &Value) -> Vec<(&String, &Value)> {
    map_of(node).get("properties").and_then(Value::as_object).into_iter().flatten().collect()
}

/// The form of a choice that is a map.
fn map_of(node: &Value) -> &Value {
    let forms = node.get("anyOf").and_then(Value::as_array);
    forms.and_then(|forms| forms.iter().find(|form| form.get("properties").is_some())).unwrap_or(node)
}

fn required(node: &Value, key: &str) -> bool {
    let list = map_of(node).get("required").and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|name| name == key))
}

/// What a key takes, in words.
fn kind_of(node: &Value) -> String {
    if let Some(name) = node.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return called(name);
    }
    if let Some(forms) = node.get("anyOf").and_then(Value::as_array) {
        let mut words: Vec<String> = Vec::new();
        for word in forms.iter().map(kind_of) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        return words.join(" or ");
    }
    if let Some(words) = node.get("enum").or_else(|| node.get("const").map(|_| node)).and_then(Value::as_array) {
        return words
            .iter()
            .map(|word| format!("`{}`", word.as_str().map_or_else(|| word.to_string(), str::to_owned)))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    if let Some(word) = node.get("const").and_then(Value::as_str) {
        return format!("`{word}`");
    }
    match node.get("type") {
        Some(Value::Array(types)) if types.len() > 1 => "text".to_owned(),
        Some(Value::String(kind)) => match kind.as_str() {
            "string" => "text".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "array" => format!("list of {}", node.get("items").map(kind_of).unwrap_or_default()),
            "object" => node
                .get("additionalProperties")
                .filter(|more| more.is_object())
                .map_or_else(|| "map".to_owned(), |more| format!("names, each with {}", kind_of(more))),
            other => other.to_owned(),
        },
        Some(_) | None => "anything".to_owned(),
    }
}

/// What a map of the schema is called, with a link where it has a part of its own.
fn called(name: &str) -> String {
    let Some(section) = SECTIONS.iter().find(|section| section.name == name) else {
        return match name {
            "Duration" => "duration".to_owned(),
            "Set" => "names and their values".to_owned(),
            "Ask" => "question".to_owned(),
            "Answers" => "labels, each with a text or [`answers`](#answers)".to_owned(),
            "PaneName" => "[match](#match), and [`make`](#make)".to_owned(),
            "Closing" => "[action](#actions) with `in` and `if`".to_owned(),
            other => other.to_lowercase(),
        };
    };
    let plain: String =
        section.title.to_lowercase().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-')).collect();
    format!("[{}](#{})", section.title, plain.replace(' ', "-"))
}
