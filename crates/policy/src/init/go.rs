//! go.mod and what stands beside it.

use super::ProjectFacts;
use super::step::{Phase, Step};

pub(super) fn steps(facts: &ProjectFacts) -> Vec<Step> {
    if !facts.has("go.mod") {
        return Vec::new();
    }
    let lint = match facts.first(&[".golangci.yml", ".golangci.yaml", ".golangci.toml"]) {
        Some((path, _)) => Step::new("lint", Phase::Lint, "golangci-lint run", path),
        None => Step::new("vet", Phase::Lint, "go vet ./...", "go.mod"),
    };
    let mut steps = vec![
        lint,
        Step::new("test", Phase::Test, "go test ./...", "go.mod"),
        Step::new("build", Phase::Build, "go build ./...", "go.mod"),
    ];
    if let Some((path, _)) = facts.first(&[".goreleaser.yml", ".goreleaser.yaml"]) {
        steps.push(Step::new("release", Phase::Leave, "goreleaser release --clean", path));
    }
    steps
}
