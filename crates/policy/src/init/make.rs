//! Targets of Makefiles, recipes of justfiles.

use super::ProjectFacts;
use super::step::{Step, phase_of, word};

pub(super) fn makefile(facts: &ProjectFacts) -> Vec<Step> {
    // The order in which make looks for them.
    let Some((path, text)) = facts.first(&["GNUmakefile", "makefile", "Makefile"]) else { return Vec::new() };
    steps(&targets(text), "make", path)
}

pub(super) fn justfile(facts: &ProjectFacts) -> Vec<Step> {
    let Some((path, text)) = facts.first(&["justfile", "Justfile", ".justfile"]) else { return Vec::new() };
    steps(&recipes(text), "just", path)
}

/// A target or recipe and the commands below it.
type Rule = (String, String);

fn steps(rules: &[Rule], program: &str, path: &str) -> Vec<Step> {
    let mut seen: Vec<&str> = Vec::new();
    let mut steps = Vec::new();
    for (name, body) in rules {
        let Some(phase) = phase_of(name) else { continue };
        if seen.contains(&name.as_str()) {
            continue;
        }
        seen.push(name);
        let first = body.lines().next().map(str::trim).unwrap_or_default();
        let from = if first.is_empty() { format!("{path}: {name}") } else { format!("{path}: {name} runs `{first}`") };
        steps.push(Step::behind(name, phase, format!("{program} {}", word(name)), from, body));
    }
    steps
}

/// `name: prerequisites`, but no variables (`NAME := …`), patterns (`%.o:`) or special targets (`.PHONY:`).
fn targets(text: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix('\t') {
            if let Some((_, body)) = rules.last_mut() {
                body.push_str(command);
                body.push('\n');
            }
        } else if let Some((names, rest)) = line.split_once(':')
            && !rest.starts_with('=')
            && !names.contains(['=', '#', '$', '%'])
        {
            rules.extend(
                names
                    .split_whitespace()
                    .filter(|name| !name.starts_with('.'))
                    .map(|name| (name.to_owned(), String::new())),
            );
        }
    }
    rules
}

/// `name:` or `name parameter='default':`; recipes that need an argument can't be run without one.
fn recipes(text: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, body)) = rules.last_mut() {
                body.push_str(line.trim());
                body.push('\n');
            }
        } else if let Some((head, rest)) = line.split_once(':')
            && !rest.starts_with('=')
            && !head.contains('#')
        {
            let mut words = head.trim_start_matches('@').split_whitespace();
            let Some(name) = words.next() else { continue };
            let needs_argument = words.any(|word| !word.contains('=') && !word.starts_with('*'));
            if !needs_argument && !matches!(name, "set" | "alias" | "export" | "import" | "mod") {
                rules.push((name.to_owned(), String::new()));
            }
        }
    }
    rules
}
