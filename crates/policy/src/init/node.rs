//! package.json and its package manager.

use super::ProjectFacts;
use super::step::{Phase, Step, phase_of, word};
use serde_json::Value;

pub(super) fn steps(facts: &ProjectFacts) -> Vec<Step> {
    let Some(package) = facts.text("package.json").and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return Vec::new();
    };
    let manager = manager(facts, &package);
    let scripts = package.get("scripts").and_then(Value::as_object);
    let mut steps: Vec<Step> = scripts
        .into_iter()
        .flatten()
        .filter_map(|(name, text)| step(manager, name, text.as_str()?, scripts.is_some_and(|all| is_hook(name, all))))
        .collect();
    // `test:unit` beside `test` would run the same tests twice; what runs end to end is kept.
    if steps.iter().any(|step| step.name == "test") {
        steps.retain(|step| step.phase != Phase::Test || step.name == "test");
    }
    steps
}

/// npm runs `preX` and `postX` by itself around `X`.
fn is_hook(name: &str, all: &serde_json::Map<String, Value>) -> bool {
    ["pre", "post"]
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix))
        .any(|inner| all.contains_key(inner) || matches!(inner, "install" | "pack" | "publish" | "version"))
}

fn step(manager: &str, name: &str, text: &str, hook: bool) -> Option<Step> {
    // What `npm init` puts there.
    if hook || text.contains("no test specified") {
        return None;
    }
    let phase = phase_of(name)?;
    let from = format!("package.json: scripts.{name} is `{text}`");
    let mut command = if name == "test" && manager != "bun" {
        format!("{manager} test")
    } else {
        format!("{manager} run {}", word(name))
    };
    if let Some(end) = once(text) {
        // npm takes `--` for itself, the others hand on what follows.
        command.push_str(if manager == "npm" { " -- " } else { " " });
        command.push_str(end);
    }
    Some(Step::behind(name, phase, command, from, text))
}

/// What makes a test runner end that would watch files on a terminal.
fn once(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let runs = |program: &str| {
        words.last() == Some(&program) || words.windows(2).any(|pair| pair[0] == program && pair[1].starts_with('-'))
    };
    if words.contains(&"--run") || words.contains(&"run") {
        None
    } else if runs("vitest") {
        Some("--run")
    } else if words.iter().any(|word| word.starts_with("--watch") && !word.ends_with("=false"))
        && words.contains(&"jest")
    {
        Some("--watch=false --watchAll=false")
    } else if words.starts_with(&["react-scripts", "test"]) {
        Some("--watchAll=false")
    } else {
        None
    }
}

/// The manager that the project names, or whose lock file lies there.
fn manager(facts: &ProjectFacts, package: &Value) -> &'static str {
    const MANAGERS: [&str; 4] = ["pnpm", "yarn", "bun", "npm"];
    let named = package.get("packageManager").and_then(Value::as_str).and_then(|text| text.split('@').next());
    if let Some(manager) = named.and_then(|named| MANAGERS.iter().find(|manager| **manager == named)) {
        return manager;
    }
    let by_lock = [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun"), ("bun.lockb", "bun")];
    by_lock.iter().find(|(lock, _)| facts.has(lock)).map_or("npm", |(_, manager)| manager)
}
