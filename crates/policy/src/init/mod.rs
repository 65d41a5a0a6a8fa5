//! `policy init`: a policy for a project from what is found in its folder, and its renewal with hand edits kept.
//!
//! **Invariants:** what leaves the machine has an approval; every stage says where it was found; the result passes
//! `policy check`.

mod github;
mod go;
mod make;
mod node;
mod python;
mod render;
mod rust;
mod step;
mod update;

use super::analyse;
use std::collections::BTreeMap;
use step::{Plan, Step};
use tmuxagent_yaml::{Diagnostics, Source};

/// What is looked at in a project's folder, by path; a path that ends in `/` is asked whether it is a folder.
/// Beside these, every file in `.github/workflows/` counts.
pub const PROJECT_FILES: &[&str] = &[
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    "Cargo.toml",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "tox.ini",
    "noxfile.py",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "tests/",
    "test/",
    "go.mod",
    ".golangci.yml",
    ".golangci.yaml",
    ".golangci.toml",
    ".goreleaser.yml",
    ".goreleaser.yaml",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
    ".justfile",
    ".git/config",
    ".git/HEAD",
];

/// The folder of GitHub's workflows.
pub const WORKFLOW_FOLDER: &str = ".github/workflows";

/// What a project's folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProjectFacts {
    /// The folder's name.
    pub name: String,
    /// Files by their path from the folder, with `/`; texts of lock files, and of folders, may be empty.
    pub files: BTreeMap<String, String>,
}

impl ProjectFacts {
    fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    fn first<'a>(&self, paths: &[&'a str]) -> Option<(&'a str, &str)> {
        paths.iter().find_map(|path| self.text(path).map(|text| (*path, text)))
    }
}

/// A policy file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The file's text.
    pub text: String,
    /// What was found and done, a line each, for people.
    pub notes: Vec<String>,
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Nothing that a policy could be made of.
    #[error(
        "nothing to run was found: no package.json, Cargo.toml, pyproject.toml, go.mod, Makefile, justfile or deploy workflow"
    )]
    NothingFound,
    /// The file to be renewed was not made by `init`, or its marks are gone.
    #[error("the file was not written by `policy init`, so there is nothing in it to renew")]
    NotOurs,
    /// Edits and new findings don't fit together.
    #[error("the renewed policy would be wrong:\n{0}")]
    Broken(Diagnostics),
}

/// Writes a policy for a project.
///
/// # Errors
/// [`InitError::NothingFound`].
pub fn init(facts: &ProjectFacts) -> Result<Draft, InitError> {
    let plans = plans(facts);
    if plans.is_empty() {
        return Err(InitError::NothingFound);
    }
    let text = render::file(facts, &plans);
    checked(Draft { text, notes: notes(&plans) })
}

/// Renews a policy that [`init`] wrote: what was found anew is added, what is gone is taken out, what was edited by
/// hand stays as it is, and what was deleted by hand stays away.
///
/// # Errors
/// All of [`InitError`].
pub fn update(facts: &ProjectFacts, existing: &str) -> Result<Draft, InitError> {
    let plans = plans(facts);
    let draft = update::renew(&plans, existing).ok_or(InitError::NotOurs)?;
    checked(draft)
}

fn checked(draft: Draft) -> Result<Draft, InitError> {
    match analyse(&[Source::new("policy", draft.text.as_str())]) {
        (Some(_), _) => Ok(draft),
        (None, problems) => Err(InitError::Broken(problems)),
    }
}

/// One pipeline for each kind of project in the folder.
fn plans(facts: &ProjectFacts) -> Vec<Plan> {
    let name = step::slug(&facts.name);
    let mut found: Vec<(&str, Vec<Step>)> = vec![
        ("node", node::steps(facts)),
        ("rust", rust::steps(facts)),
        ("python", python::steps(facts)),
        ("go", go::steps(facts)),
        ("make", make::makefile(facts)),
        ("just", make::justfile(facts)),
    ];
    found.retain(|(_, steps)| !steps.is_empty());
    let deploys = github::steps(facts);
    match found.first_mut() {
        // A deploy follows the checks of the project's first kind.
        Some((_, steps)) => steps.extend(deploys),
        None if deploys.is_empty() => {}
        None => found.push(("deploy", deploys)),
    }
    let alone = found.len() == 1;
    found
        .into_iter()
        .map(|(kind, mut steps)| {
            step::order(&mut steps);
            Plan { name: if alone { name.clone() } else { format!("{name}-{kind}") }, steps }
        })
        .collect()
}

fn notes(plans: &[Plan]) -> Vec<String> {
    let mut notes = Vec::new();
    for plan in plans {
        for step in &plan.steps {
            let gate = if step.question.is_some() { ", waits for approval" } else { "" };
            notes.push(format!("{}: {} ({}{gate})", plan.name, step.name, step.from));
        }
    }
    notes
}

#[cfg(test)]
mod tests;
