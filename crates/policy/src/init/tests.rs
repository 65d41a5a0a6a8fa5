use super::*;
use insta::assert_snapshot;

fn facts(files: &[(&str, &str)]) -> ProjectFacts {
    ProjectFacts {
        name: "shop".to_owned(),
        files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect(),
    }
}

fn commands(files: &[(&str, &str)]) -> Vec<String> {
    plans(&facts(files))
        .iter()
        .flat_map(|plan| &plan.steps)
        .map(|step| format!("{}{} = {}", step.name, if step.question.is_some() { "!" } else { "" }, step.command))
        .collect()
}

const PACKAGE: &str = r#"{"packageManager": "pnpm@9.1.0", "scripts": {
    "dev": "vite", "deploy:staging": "gh workflow run x.yml", "test": "vitest", "lint": "eslint .", "prebuild": "rm -rf dist",
    "build": "vite build", "lint:fix": "eslint --fix .", "test:unit": "vitest run unit", "test:e2e": "playwright test"}}"#;

#[test]
fn every_kind_of_project_is_recognised() {
    assert_eq!(
        commands(&[("package.json", PACKAGE)]),
        [
            "lint = pnpm run lint",
            "test = pnpm test --run",
            "test:e2e = pnpm run test:e2e",
            "build = pnpm run build",
            "deploy:staging! = pnpm run deploy:staging"
        ]
    );
    let cargo = "[package]\nname = \"x\"\ndescription = \"d\"\nlicense = \"MIT\"\n";
    assert_eq!(commands(&[("Cargo.toml", cargo)]).last().map(String::as_str), Some("publish! = cargo publish"));
    assert_eq!(commands(&[("Cargo.toml", "[workspace]\nmembers = []\n")])[2], "test = cargo test --workspace");
    assert_eq!(
        commands(&[("pyproject.toml", "[build-system]\n[tool.ruff]\n[dev]\nx = [\"pytest>=8\"]\n"), ("uv.lock", "")]),
        ["lint = uv run ruff check .", "test = uv run python -m pytest", "build = uv build"]
    );
    assert_eq!(commands(&[("tox.ini", "")]), ["test = tox"]);
    assert_eq!(commands(&[("noxfile.py", "")]), ["test = nox"]);
    assert_eq!(
        commands(&[("go.mod", "module x\n"), (".goreleaser.yaml", "")]),
        [
            "vet = go vet ./...",
            "test = go test ./...",
            "build = go build ./...",
            "release! = goreleaser release --clean"
        ]
    );
    let makefile =
        ".PHONY: test\nCC := gcc\ntest: build\n\t./run-tests\nbuild:\n\tcc x.c\ndeploy:\n\tscp x host:\n%.o: %.c\n";
    assert_eq!(
        commands(&[("Makefile", makefile)]),
        ["test = make test", "build = make build", "deploy! = make deploy"]
    );
    let justfile = "set shell := ['sh']\nversion := '1'\n\nlint:\n    ruff .\n\nrelease tag:\n    git push\n\n@test *args:\n    pytest\n";
    assert_eq!(commands(&[("justfile", justfile)]), ["lint = just lint", "test = just test"]);
}

#[test]
fn a_deploy_workflow_is_started_and_waited_for() {
    let files = [
        (".git/config", "[core]\n[remote \"origin\"]\n\turl = git@github.com:me/shop.git\n"),
        (".git/HEAD", "ref: refs/heads/trunk\n"),
        (".github/workflows/deploy.yml", "name: Deploy\non:\n  workflow_dispatch:\n"),
        (".github/workflows/ci.yml", "name: CI\non: [push, workflow_dispatch]\n"),
    ];
    let draft = init(&facts(&files)).unwrap();
    let stages = draft.text.rsplit_once("    stages:").unwrap().1;
    let sum = stages.split_once("# init: deploy ").unwrap().1.lines().next().unwrap();
    assert_snapshot!(stages.replace(sum, "00000000"), @r"

          # init knows shop: deploy
          # init: deploy 00000000
          # .github/workflows/deploy.yml: it deploys and has `workflow_dispatch`
          - name: deploy
            triggers: [{message: {type: STATUS, stage: code, ok: true}}, manual]
            require_approval: {question: 'Start the workflow Deploy of me/shop on trunk?', expires: 12h}
            lock: leave-the-machine
            actions_on_start: [{run: gh workflow run deploy.yml --ref trunk}]
            success_when:
              - poll: {github_run: {repository: me/shop, workflow: deploy.yml, ref: trunk}, interval: 15s, deadline: 1h}
            timeout: 70m
            on_fail: [{escalate: deploy_failed}]
          # init end
    ");
}

#[test]
fn drafts_are_clean_policies() {
    let hostile = "{\"scripts\": {\"test\": \"echo \\u001b[31m'{{x}}'\\n# y\", \"build:a b; rm x\": \"true\", \"deploy\": \"./d '{{tag}}'\"}}";
    for files in [
        vec![("package.json", PACKAGE), ("Makefile", "test:\n\ttrue\n")],
        vec![("package.json", hostile)],
        vec![("go.mod", "")],
    ] {
        let draft = init(&facts(&files)).unwrap();
        let (_, found) = analyse(&[Source::new("p", draft.text.as_str())]);
        assert_eq!(found, Diagnostics::default(), "{found}\n{}", draft.text);
    }
    assert!(matches!(init(&facts(&[])), Err(InitError::NothingFound)));
}

#[test]
fn renewing_keeps_what_hands_did() {
    let before = facts(&[("Makefile", "lint:\n\ttrue\ntest:\n\ttrue\nbuild:\n\ttrue\n")]);
    let text = init(&before).unwrap().text;
    assert_eq!(update(&before, &text).unwrap().text, text, "nothing new, nothing changed");
    // Lint is changed by hand, test is deleted by hand; the project loses build and gets a deploy.
    let mut edited = text.replace("run: make lint", "run: make lint-strictly");
    let (start, end) = (edited.find("      # init: test").unwrap(), edited.find("      # init: build").unwrap());
    edited.replace_range(start..end, "      # my own remark\n");
    let after = facts(&[("Makefile", "lint:\n\ttrue\ntest:\n\ttrue\ndeploy:\n\ttrue\n")]);
    let renewed = update(&after, &edited).unwrap();
    assert!(renewed.text.contains("make lint-strictly") && renewed.text.contains("# my own remark"));
    assert!(!renewed.text.contains("make test") && !renewed.text.contains("make build"));
    assert!(renewed.text.contains("run: make deploy") && renewed.text.contains("after_stage_success: lint"));
    assert_eq!(update(&after, &renewed.text).unwrap().text, renewed.text);
    assert!(matches!(update(&after, "version: 1\n"), Err(InitError::NotOurs)));
}

#[test]
fn what_hands_did_and_what_is_new_make_a_clean_policy_together() {
    let before = facts(&[("Makefile", "test:\n\ttrue\nbuild:\n\ttrue\n")]);
    let text = init(&before).unwrap().text;
    // The first stage is changed, or one that waits for a stage which the project loses; a new one would come first.
    let after = facts(&[("Makefile", "lint:\n\ttrue\nbuild:\n\ttrue\n")]);
    let nothing = facts(&[("Makefile", "lint:\n\ttrue\n")]);
    for (project, from, to) in [
        (&before, "run: make test", "run: make test V=1"),
        (&after, "run: make test", "run: make test V=1"),
        (&after, "run: make build", "run: make all"),
        (&nothing, "run: make build", "run: make all"),
    ] {
        let draft = update(project, &text.replace(from, to)).unwrap();
        let (_, found) = analyse(&[Source::new("p", draft.text.as_str())]);
        assert_eq!(found, Diagnostics::default(), "{found}\n{}", draft.text);
        assert!(draft.text.contains("run: make test") && draft.text.contains(to), "{}", draft.text);
    }
}
