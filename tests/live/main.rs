//! The real Codex and Claude Code in real panes, with a scripted model on the loopback instead of a service: how fast and how
//! rightly the program knows what they do, and whether any key goes wrong.
//!
//! `just agents-live` runs it; `just agents-live --help` names the options. It installs the agents with npm into a folder of
//! its own, needs no key and talks to nobody else. It is no part of the other tests: nothing builds it but its own command.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and this one is a program that reports"
)]

mod agent;
mod answers;
mod deaths;
mod install;
mod model;
mod report;
mod stage;
mod states;
mod sweep;
mod watch;

#[expect(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

use agent::Kind;
use report::Table;
use stage::Stage;
use std::path::PathBuf;

const HELP: &str = "\
Options:
  --codex VERSION    of @openai/codex (0.171.0)
  --claude VERSION   of @anthropic-ai/claude-code (2.1.332)
  --npm DIR          where they are installed, or are already
  --agent NAME       only codex or only claude
  --only MEASURE     only states, approvals, late, sweep, agent-dies or supervisor-dies; may be given several times
  --rounds N         of each measure (5)
  --hooks            with the program's hooks in the agents' settings: answers go to Claude Code without a key
  --daemon           Codex with the server that its screens share: answers go to it without a key
  --size COLSxROWS   of the panes (120x40)
  --seed N           chooses other instants (3)
  --json             print JSON";

/// What was asked for.
struct Wish {
    versions: [(Kind, String); 2],
    npm: PathBuf,
    only: Vec<String>,
    rounds: u32,
    hooks: bool,
    daemon: bool,
    size: (u16, u16),
    seed: u64,
    json: bool,
}

impl Wish {
    fn read(words: &[String]) -> Self {
        let values = |option: &str| {
            let named = words.iter().zip(words.iter().skip(1)).filter(|(word, _)| *word == option);
            named.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        let value = |option: &str| values(option).pop();
        let number = |option: &str, usual: u64| value(option).map_or(usual, |text| text.parse().expect("a number"));
        let version = |option: &str, usual: &str| value(option).unwrap_or_else(|| usual.to_owned());
        let size = value("--size").unwrap_or_else(|| "120x40".to_owned());
        let (columns, rows) = size.split_once('x').expect("COLSxROWS");
        Self {
            versions: [(Kind::Codex, version("--codex", "0.171.0")), (Kind::Claude, version("--claude", "2.1.332"))],
            npm: value("--npm").map_or_else(|| std::env::temp_dir().join("tmuxagent-live"), PathBuf::from),
            only: [values("--only"), values("--agent")].concat(),
            rounds: u32::try_from(number("--rounds", 5)).expect("a number of rounds"),
            size: (columns.parse().expect("columns"), rows.parse().expect("rows")),
            seed: number("--seed", 3),
            hooks: words.iter().any(|word| word == "--hooks"),
            daemon: words.iter().any(|word| word == "--daemon"),
            json: words.iter().any(|word| word == "--json"),
        }
    }

    /// Whether something is wanted: nothing of its kind is named, or it is.
    fn wants(&self, name: &str, among: &[&str]) -> bool {
        let named = |name: &str| self.only.iter().any(|only| only == name);
        named(name) || !among.iter().any(|other| named(other))
    }
}

type Measure = fn(&mut Stage, &mut Table);

const MEASURES: [(&str, Measure); 6] = [
    ("states", states::measure),
    ("approvals", answers::in_two_panes),
    ("late", answers::too_late),
    ("sweep", sweep::measure),
    ("agent-dies", deaths::of_the_agent),
    ("supervisor-dies", deaths::of_the_supervisor),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help") {
        return println!("{HELP}");
    }
    let wish = Wish::read(&words);
    let names = MEASURES.map(|(name, _)| name);
    let mut table = Table::default();
    for (kind, version) in &wish.versions {
        if !wish.wants(kind.name(), &["codex", "claude"]) {
            continue;
        }
        let program = install::agent(&wish.npm, *kind, version);
        for (name, measure) in MEASURES {
            if wish.wants(name, &names) {
                eprintln!("{} {version}: {name}", kind.name());
                table.about(kind.name(), version);
                let play = || {
                    let mut stage = Stage::open(*kind, &program, &wish);
                    measure(&mut stage, &mut table);
                };
                // What the others tell is told all the same.
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(play)).is_err() {
                    table.add(report::Row {
                        rounds: 1,
                        wrong: 1,
                        ..report::Row::new(&format!("{name}: broke off"), None)
                    });
                }
            }
        }
    }
    println!("{}", if wish.json { table.json() } else { table.text() });
    if table.is_wrong() {
        std::process::exit(1);
    }
}
