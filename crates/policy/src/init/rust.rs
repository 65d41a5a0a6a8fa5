//! Cargo.toml.

use super::ProjectFacts;
use super::step::{Phase, Step};

pub(super) fn steps(facts: &ProjectFacts) -> Vec<Step> {
    let Some(manifest) = facts.text("Cargo.toml") else { return Vec::new() };
    let has = |section: &str| manifest.lines().any(|line| line.trim() == section);
    let all = if has("[workspace]") { " --workspace" } else { "" };
    let from = if all.is_empty() { "Cargo.toml" } else { "Cargo.toml with a [workspace]" };
    let mut steps = vec![
        Step::new("format", Phase::Format, "cargo fmt --all --check", from),
        Step::new("lint", Phase::Lint, format!("cargo clippy{all} --all-targets -- -D warnings"), from),
        Step::new("test", Phase::Test, format!("cargo test{all}"), from),
        Step::new("build", Phase::Build, format!("cargo build{all} --release"), from),
    ];
    // The crate registry takes nothing without these two, so whoever has both means to publish.
    let key = |name: &str| package_key(manifest, name);
    if has("[package]")
        && key("description").is_some()
        && key("license").or(key("license-file")).is_some()
        && key("publish") != Some("false")
    {
        steps.push(Step::new(
            "publish",
            Phase::Leave,
            "cargo publish",
            "Cargo.toml has a description and a license, and is not `publish = false`",
        ));
    }
    steps
}

/// The value of a key of `[package]`, as written.
fn package_key<'a>(manifest: &'a str, name: &str) -> Option<&'a str> {
    let section = manifest.lines().skip_while(|line| line.trim() != "[package]").skip(1);
    section
        .take_while(|line| !line.trim_start().starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == name || key.trim() == format!("{name}.workspace"))
        .map(|(_, value)| value.trim())
}
