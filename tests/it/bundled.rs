//! The bundled policy against what the tools really print.

use tmuxagent_policy::{BUNDLED, Condition, Policy, RECIPES, Source, load};

fn bundled() -> Policy {
    load(&[Source::new(BUNDLED.0, BUNDLED.1)]).unwrap()
}

#[test]
fn the_bundled_policies_and_recipes_are_whole_and_without_warnings() {
    let policy = bundled();
    assert!(
        policy.principles[2].ends_with(r#"### SENTRY {"type":"STATUS","stage":"lint","ok":true,"summary":"…"}"#),
        "{:?}",
        policy.principles
    );
    for (name, text) in std::iter::once(BUNDLED).chain(RECIPES.iter().copied()) {
        let report = tmuxagent_policy::check(&[Source::new(name, text)], Vec::new());
        assert_eq!(report.diagnostics.problems.iter().find(|found| found.code == "cut-text"), None, "{name}");
    }
}

/// What the texts alone say of a log: the first line that fails or succeeds the stage decides.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Success,
    Failure,
}

fn patterns(condition: Option<&Condition>) -> Vec<u32> {
    let mut found = Vec::new();
    if let Some(condition) = condition {
        condition.walk(&mut |part| {
            if let Condition::LogRegex(id) = part {
                found.push(id.0);
            }
        });
    }
    found
}

/// A success counts only when no later line contradicts it, as `idle_for` beside it makes sure.
fn said(policy: &Policy, pipeline: &str, stage: &str, log: &str) -> Said {
    let stage = policy.pipeline(pipeline).unwrap().stage(stage).unwrap();
    let (good, bad) = (patterns(stage.success_when.as_ref()), patterns(stage.fail_when.as_ref()));
    let matches = |ids: &[u32], line: &str| ids.iter().any(|id| policy.patterns[*id as usize].regex.is_match(line));
    let mut result = Said::Nothing;
    for line in log.lines() {
        if matches(&bad, line) {
            return Said::Failure;
        }
        if matches(&good, line) {
            result = Said::Success;
        }
    }
    result
}

#[test]
fn the_texts_of_the_tools_are_understood() {
    let policy = bundled();
    let cases: &[(&str, &str, Said)] = &[
        ("lint", "> storyapp@1.4.0 lint\n> eslint .\n\n", Said::Nothing),
        (
            "lint",
            "\n/home/me/storyapp/src/App.tsx\n  12:7   error    'x' is assigned a value but never used  no-unused-vars\n  40:1   warning  Unexpected console statement            no-console\n\n✖ 2 problems (1 error, 1 warning)\n",
            Said::Failure,
        ),
        (
            "lint",
            "  40:1  warning  Unexpected console statement  no-console\n\n✖ 1 problem (0 errors, 1 warning)\n",
            Said::Success,
        ),
        (
            "lint",
            "✖ 12 problems (10 errors, 2 warnings)\n  3 errors and 0 warnings potentially fixable with the `--fix` option.\n",
            Said::Failure,
        ),
        (
            "lint",
            "Oops! Something went wrong! :(\n\nESLint: 9.9.0\n\nESLint couldn't find an eslint.config.(js|mjs|cjs) file.\n",
            Said::Failure,
        ),
        (
            "lint",
            "npm error Missing script: \"lint\"\nnpm error\nnpm error To see a list of scripts, run:\nnpm error   npm run\n",
            Said::Failure,
        ),
        ("lint", "npm ERR! code ELIFECYCLE\nnpm ERR! errno 1\n", Said::Failure),
        ("lint", "npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported\n", Said::Nothing),
        // jest
        (
            "test",
            "PASS src/story.test.ts\n\nTest Suites: 3 passed, 3 total\nTests:       41 passed, 41 total\nSnapshots:   0 total\nTime:        4.512 s\n",
            Said::Success,
        ),
        ("test", "Tests:       2 skipped, 1 todo, 41 passed, 44 total\n", Said::Success),
        (
            "test",
            "FAIL src/story.test.ts\n  ● saves a story\n\nTest Suites: 1 failed, 2 passed, 3 total\nTests:       1 failed, 40 passed, 41 total\n",
            Said::Failure,
        ),
        (
            "test",
            "Tests:       41 passed, 41 total\nJest: \"global\" coverage threshold for statements (80%) not met: 71.4%\n",
            Said::Failure,
        ),
        // vitest
        (
            "test",
            " ✓ src/story.test.ts (41 tests) 312ms\n\n Test Files  3 passed (3)\n      Tests  41 passed (41)\n   Start at  10:03:59\n   Duration  1.35s (transform 128ms, setup 0ms)\n",
            Said::Success,
        ),
        ("test", "      Tests  40 passed | 1 skipped (41)\n", Said::Success),
        ("test", " Test Files  1 failed | 2 passed (3)\n      Tests  1 failed | 40 passed (41)\n", Said::Failure),
        // mocha
        ("test", "\n  stories\n    ✔ are saved (41ms)\n\n  12 passing (34ms)\n  1 pending\n", Said::Success),
        (
            "test",
            "\n  12 passing (1s)\n  1 failing\n\n  1) stories\n       are saved:\n     AssertionError: expected 1 to equal 2\n",
            Said::Failure,
        ),
        ("test", "    ✔ 12 passing grades are counted\n", Said::Nothing),
        ("test", "npm error Lifecycle script `test` failed with error:\nnpm error code 1\n", Said::Failure),
        ("test", "npm ERR! Test failed.  See above for more details.\n", Said::Failure),
        // webpack, vite, react-scripts, next, tsc
        (
            "build",
            "asset main.js 142 KiB [emitted] [minimized] (name: main)\nwebpack 5.91.0 compiled successfully in 2345 ms\n",
            Said::Success,
        ),
        ("build", "webpack 5.91.0 compiled with 1 warning in 2345 ms\n", Said::Success),
        (
            "build",
            "ERROR in ./src/App.js 43:0-20\nModule not found: Error: Can't resolve './x'\n\nwebpack 5.91.0 compiled with 1 error in 664 ms\n",
            Said::Failure,
        ),
        ("build", "webpack compiled with 1 error and 3 warnings\n", Said::Failure),
        (
            "build",
            "vite v5.4.2 building for production...\n✓ 1287 modules transformed.\ndist/index.html   0.46 kB │ gzip: 0.30 kB\n✓ built in 3.45s\n",
            Said::Success,
        ),
        (
            "build",
            "vite v5.4.2 building for production...\nx Build failed in 120ms\nerror during build:\n[vite]: Rollup failed to resolve import \"x\"\n",
            Said::Failure,
        ),
        (
            "build",
            "Creating an optimized production build...\nCompiled successfully.\n\nFile sizes after gzip:\n",
            Said::Success,
        ),
        (
            "build",
            " ✓ Compiled successfully\n   Linting and checking validity of types ...\nFailed to compile.\n\n./app/page.tsx:12:3\nType error: Property 'x' does not exist\n",
            Said::Failure,
        ),
        (
            "build",
            "src/services/story.ts(35,40): error TS1343: The 'import.meta' meta-property is not allowed.\n",
            Said::Failure,
        ),
        // gh
        ("deploy:staging", "✓ Created workflow_dispatch event for deploy.yml at main\n", Said::Nothing),
        ("deploy:staging", "✓ Deploy (9876543210) completed with 'success'\n", Said::Success),
        ("deploy:staging", "Run Deploy (9876543210) has already completed with 'success'\n", Said::Success),
        ("deploy:staging", "X Deploy (9876543210) completed with 'failure'\n", Said::Failure),
        ("deploy:staging", "Run Deploy (9876543210) has already completed with 'cancelled'\n", Said::Failure),
        (
            "deploy:staging",
            "could not create workflow dispatch event: HTTP 404: Not Found (https://api.github.com/repos/me/app)\n",
            Said::Failure,
        ),
    ];
    for (stage, log, wanted) in cases {
        assert_eq!(&said(&policy, "storyapp-ci", stage, log), wanted, "{stage}: {log}");
    }
    let voice = |log| said(&policy, "storyapp-voice", "voice-e2e", log);
    assert_eq!(voice("Running 6 tests using 2 workers\n\n  6 passed (34.5s)\n"), Said::Success);
    assert_eq!(
        voice("  1 failed\n    [chromium] › e2e/voice.spec.ts:23:5 › answers ───\n  5 passed (1.7m)\n"),
        Said::Failure
    );
    let release = |stage, log| said(&policy, "points-release", stage, log);
    assert_eq!(release("ux-check", "✖ 3 problems (3 errors, 0 warnings)\n"), Said::Failure);
    assert_eq!(release("predeploy", "npm error Missing script: \"predeploy\"\n"), Said::Failure);
}

#[test]
fn the_three_pipelines_have_their_stages_and_gates() {
    let policy = bundled();
    let shape: Vec<String> = policy
        .pipelines
        .iter()
        .map(|pipeline| {
            let stages: Vec<String> = pipeline
                .stages
                .iter()
                .map(|s| format!("{}{}", s.name, if s.gate.is_some() { "!" } else { "" }))
                .collect();
            format!("{}: {}", pipeline.name, stages.join(" "))
        })
        .collect();
    assert_eq!(
        shape,
        [
            "storyapp-ci-agent: listen",
            "storyapp-ci: lint test build! deploy:staging",
            "storyapp-voice-agent: listen",
            "storyapp-voice: voice-e2e",
            "points-release-agent: listen",
            "points-release: ux-check prebuild predeploy!",
        ]
    );
}

#[test]
fn recipes_load_beside_the_bundled_policy() {
    let mut sources = vec![Source::new(BUNDLED.0, BUNDLED.1)];
    sources.extend(RECIPES.iter().map(|(name, text)| Source::new(*name, *text)));
    let policy = load(&sources).unwrap();
    assert!(policy.pipelines.len() >= 3 + RECIPES.len());
}
