//! The dashboard and the alert rules ask for what the program tells: every metric, label and state of theirs is in the text
//! of `/metrics`, as the snapshot of its crate has it.

use regex::Regex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

const DASHBOARD: &str = include_str!("../../assets/grafana-dashboard.json");
const RULES: &str = include_str!("../../assets/alert-rules.yaml");
const TOLD: &str = include_str!(
    "../../crates/metrics/src/snapshots/tmuxagent_metrics__exposition__tests__all_is_told_in_the_form_that_prometheus_reads.snap"
);

/// What Prometheus adds to all that it reads.
const ADDED: [&str; 2] = ["instance", "job"];

/// The samples of the text: their labels with the values seen.
fn told() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let label = Regex::new(r#"([a-z]+)="((?:[^"\\]|\\.)*)""#).unwrap();
    let mut told: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for line in TOLD.lines().filter(|line| line.starts_with("tmuxagent_")) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let labels = told.entry(name.to_owned()).or_default();
        for found in label.captures_iter(line) {
            labels.entry(found[1].to_owned()).or_default().insert(found[2].to_owned());
        }
    }
    told
}

/// Every text below `key` of a document.
fn texts(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == key => found.push(text.clone()),
                    other => texts(other, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

fn asked() -> Vec<String> {
    let (mut found, dashboard) = (Vec::new(), serde_json::from_str::<Value>(DASHBOARD).expect("JSON"));
    texts(&dashboard, "expr", &mut found);
    texts(&dashboard, "definition", &mut found);
    let in_dashboard = found.len();
    texts(&serde_yaml::from_str(RULES).expect("YAML"), "expr", &mut found);
    assert!(in_dashboard > 20 && found.len() > in_dashboard + 8, "{found:?}");
    found
}

#[test]
fn every_metric_label_and_state_that_is_asked_for_is_told() {
    let told = told();
    let selector = Regex::new(r"(tmuxagent_[a-z_]+)(?:\{([^}]*)\})?").unwrap();
    let matcher = Regex::new(r#"([a-z_]+)(=~|=)"([^"]*)""#).unwrap();
    let grouping = Regex::new(r"by \(([a-z, ]+)\)").unwrap();
    for query in asked() {
        let mut labels: BTreeSet<&str> = ADDED.into();
        for found in selector.captures_iter(&query) {
            let known = told.get(&found[1]).unwrap_or_else(|| panic!("{}: {query}", &found[1]));
            labels.extend(known.keys().map(String::as_str));
            for part in matcher.captures_iter(found.get(2).map_or("", |it| it.as_str())) {
                let values = known.get(&part[1]);
                assert!(values.is_some() || ADDED.contains(&&part[1]), "{}: {query}", &part[1]);
                let exact = &part[2] == "=" && !ADDED.contains(&&part[1]);
                assert!(!exact || values.is_some_and(|values| values.contains(&part[3])), "{}: {query}", &part[3]);
            }
        }
        for found in grouping.captures_iter(&query) {
            assert!(found[1].split(", ").all(|label| labels.contains(label)), "{}: {query}", &found[1]);
        }
    }
}

#[test]
fn rules_say_what_is_wrong_and_what_helps() {
    let rules: Value = serde_yaml::from_str(RULES).expect("YAML");
    let rules = rules["groups"][0]["rules"].as_array().expect("rules");
    let mut names = BTreeSet::new();
    for rule in rules {
        assert!(names.insert(rule["alert"].as_str().expect("a name")), "{rule}");
        for text in [&rule["annotations"]["summary"], &rule["annotations"]["description"], &rule["labels"]["severity"]]
        {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{rule}");
        }
    }
    // Prometheus's own judgement, where its program is installed.
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/alert-rules.yaml");
    if let Ok(checked) = Command::new("promtool").args(["check", "rules"]).arg(file).output() {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn panels_lie_beside_each_other_and_are_told_apart() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let (mut places, mut names) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(names.insert(panel["id"].as_u64()) && panel["title"].is_string(), "{panel}");
        let at = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        assert!(at("x") + at("w") <= 24, "{panel}");
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert!(places.insert((x, y)), "{panel}");
        }
    }
}
