//! pyproject.toml, tox, nox and the tools that they name.

use super::ProjectFacts;
use super::step::{Phase, Step};

pub(super) fn steps(facts: &ProjectFacts) -> Vec<Step> {
    let manifests = ["pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "tox.ini", "noxfile.py"];
    let Some((manifest, _)) = facts.first(&manifests) else { return Vec::new() };
    let (with, why) = runner(facts);
    let mut steps = Vec::new();
    for (tool, name, phase, command) in [
        ("black", "format", Phase::Format, "black --check ."),
        ("ruff", "lint", Phase::Lint, "ruff check ."),
        ("flake8", "lint", Phase::Lint, "flake8"),
        ("mypy", "types", Phase::Types, "mypy ."),
        ("pyright", "types", Phase::Types, "pyright"),
    ] {
        if let Some(place) = names(facts, tool) {
            steps.push(Step::new(name, phase, format!("{with}{command}"), format!("{place} names {tool}{why}")));
        }
    }
    steps.push(test(facts, manifest, with, why));
    if facts.text("pyproject.toml").is_some_and(|text| text.contains("[build-system]")) {
        let command = match with {
            "uv run " => "uv build",
            "poetry run " => "poetry build",
            "pdm run " => "pdm build",
            _ => "python -m build",
        };
        steps.push(Step::new("build", Phase::Build, command, format!("pyproject.toml has a [build-system]{why}")));
    }
    steps
}

fn test(facts: &ProjectFacts, manifest: &str, with: &str, why: &str) -> Step {
    let tox = if facts.has("tox.ini") {
        Some("tox.ini")
    } else {
        facts
            .text("pyproject.toml")
            .is_some_and(|text| text.contains("[tool.tox"))
            .then_some("pyproject.toml has [tool.tox]")
    };
    if let Some(from) = tox {
        return Step::new("test", Phase::Test, format!("{with}tox"), format!("{from}{why}"));
    }
    if facts.has("noxfile.py") {
        return Step::new("test", Phase::Test, format!("{with}nox"), format!("noxfile.py{why}"));
    }
    match names(facts, "pytest") {
        Some(place) => {
            Step::new("test", Phase::Test, format!("{with}python -m pytest"), format!("{place} names pytest{why}"))
        }
        None => Step::new(
            "test",
            Phase::Test,
            format!("{with}python -m unittest discover"),
            format!("{manifest}, without another test runner{why}"),
        ),
    }
}

/// What commands are started with, by the lock file that lies there.
fn runner(facts: &ProjectFacts) -> (&'static str, &'static str) {
    [
        ("uv.lock", "uv run ", ", uv.lock"),
        ("poetry.lock", "poetry run ", ", poetry.lock"),
        ("pdm.lock", "pdm run ", ", pdm.lock"),
    ]
    .into_iter()
    .find(|(lock, _, _)| facts.has(lock))
    .map_or(("", ""), |(_, with, why)| (with, why))
}

/// The file that names a tool as a dependency or configures it.
fn names(facts: &ProjectFacts, tool: &str) -> Option<&'static str> {
    ["pyproject.toml", "setup.cfg", "requirements.txt"]
        .into_iter()
        .find(|path| facts.text(path).is_some_and(|text| mentions(text, tool)))
}

/// Whether a word stands in the text by itself: `ruff` is not in `ruffian`, but in `"ruff>=0.5"` and `[tool.ruff.lint]`.
fn mentions(text: &str, tool: &str) -> bool {
    text.match_indices(tool).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + tool.len()..].chars().next();
        let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-');
        apart(before) && apart(after)
    })
}
