//! One pass over a million lines: the cost must not grow with the number of rules that do not match.
//!
//! `cargo bench --bench matcher`; beside the matcher stand the patterns one by one, and `grep -cE -f` where it is found.

use divan::{Bencher, counter::ItemsCount};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use tmuxagent_model::{HostName, PaneFacts};
use tmuxagent_policy::{Policy, RuleSet, Source, load};

const LINES: usize = 1_000_000;
/// One by one takes minutes for all lines.
const FEW_LINES: usize = 20_000;

fn main() {
    divan::main();
}

/// Lines as builds, tests and servers print them, one in seven Chinese.
static LOG: LazyLock<Vec<String>> = LazyLock::new(|| {
    (0..LINES)
        .map(|n| match n % 7 {
            0 => format!("  ✓ src/story/chapter-{}.test.ts ({} tests) {}ms", n % 911, n % 37, n % 977),
            1 => format!(
                "2026-11-21T10:{:02}:{:02}Z INFO request id={n} path=/api/items/{} status=200",
                n / 60 % 60,
                n % 60,
                n % 5003
            ),
            2 => format!("   Compiling crate-{} v0.{}.{}", n % 613, n % 10, n % 23),
            3 => format!("npm warn deprecated package-{}@{}.0.1: this version is no longer supported", n % 419, n % 12),
            4 => format!("asset chunk-{n:x}.js {} KiB [emitted] [immutable] [minimized]", n % 1200),
            5 => format!("正在编译第 {n} 个模块，共 {} 个，用时 {} 毫秒", n % 4001, n % 97),
            _ => format!("\tat Object.<anonymous> (/home/me/app/src/module-{}.js:{}:{})", n % 811, n % 400, n % 80),
        })
        .collect()
});

fn pattern(n: usize) -> String {
    match n % 4 {
        0 => format!(r"\bstage-{n}: \d+ failures?\b"),
        1 => format!(r"^error\[E{n:04}\]: "),
        2 => format!(r"(?i)task {n} (?:done|finished) in \d+ms"),
        _ => format!(r"^### RESULT {n} (?:ok|failed)$"),
    }
}

fn policy(rules: usize) -> Policy {
    let mut text = "pipelines: [{name: p, match: {host: local}, stages: [{name: s, triggers: [".to_owned();
    for n in 0..rules {
        let _ = write!(text, "{{log_regex: '{}'}}, ", pattern(n));
    }
    text.push_str("manual]}]}]");
    load(&[Source::new("bench", text)]).unwrap_or_default()
}

fn rule_set(policy: &Policy) -> Arc<RuleSet> {
    policy.rules_for(&HostName::local(), &PaneFacts::default())
}

#[divan::bench(args = [1, 100, 1000], sample_count = 3)]
fn in_one_pass(bencher: Bencher, rules: usize) {
    let set = rule_set(&policy(rules));
    let lines = &*LOG;
    bencher.counter(ItemsCount::new(LINES)).bench(|| lines.iter().map(|line| set.scan(line).len()).sum::<usize>());
}

#[divan::bench(args = [1, 100, 1000], sample_count = 3)]
fn one_by_one(bencher: Bencher, rules: usize) {
    let policy = policy(rules);
    let lines = &LOG[..FEW_LINES];
    bencher.counter(ItemsCount::new(FEW_LINES)).bench(|| {
        lines
            .iter()
            .map(|line| policy.patterns.iter().filter(|pattern| pattern.regex.is_match(line)).count())
            .sum::<usize>()
    });
}

#[divan::bench(args = [1, 100, 1000], sample_count = 3)]
fn grep(bencher: Bencher, rules: usize) {
    let folder = std::env::temp_dir();
    let (patterns, log) = (folder.join("tmuxagent-bench-patterns"), folder.join("tmuxagent-bench-log"));
    // grep's extended expressions know no `(?:…)`, `(?i)` and `\d`.
    let plain = |n| pattern(n).replace("(?:", "(").replace("(?i)", "").replace(r"\d", "[0-9]");
    let written = std::fs::write(&patterns, (0..rules).map(plain).collect::<Vec<_>>().join("\n"))
        .and_then(|()| std::fs::File::create(&log))
        .and_then(|mut file| file.write_all(LOG.join("\n").as_bytes()));
    if written.is_err() || Command::new("grep").arg("--version").output().is_err() {
        return;
    }
    bencher.counter(ItemsCount::new(LINES)).bench(|| {
        Command::new("grep").arg("-cE").arg("-f").arg(&patterns).arg(&log).stdout(Stdio::null()).status().is_ok()
    });
}
