//! What was recorded of real runs is replayed as it happened, run by run: inputs, gates, starts and retries by hand, stages
//! beside each other, actions that are skipped, and a supervisor that is killed in the middle of a command.
//!
//! A few runs unless `TMUXAGENT_REPLAYED_RUNS` says more (`just replay-figures`).

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use serde_json::Value;
use std::collections::BTreeMap;

const POLICY: &str = r#"
version: 1
inputs:
  env: {choices: [staging, prod], default: staging}
  mode: {choices: [good, once, bad, slow], default: good}
panes: {work: {window_name: ci}, side: {window_name: side}}
pipelines:
  - name: ship
    stages:
      - name: build
        in: work
        triggers: [manual]
        actions_on_start:
          - {notify: to production, if: {input: {env: prod}}}
          - {run: "./build.sh {{inputs.mode}} {{run}}"}
        timeout: 60s
        on_fail: [{retry: {max: 1, backoff: 1s}}]
      - {name: lint, in: side, needs: build, actions_on_start: [{run: "echo linted"}], timeout: 60s}
      - {name: test, in: work, needs: build, actions_on_start: [{run: "echo tested {{inputs.env}}"}], timeout: 60s}
      - name: deploy
        in: work
        needs: [lint, test]
        if: {input: {env: prod}}
        require_approval: {question: "Deploy run {{run}} to {{inputs.env}}?"}
        actions_on_start: [{run: "echo deployed {{inputs.env}}"}]
        timeout: 60s
    finally: [{run: "echo cleaned", in: side}]
"#;

/// `once` fails the first time, `bad` always, and `slow` waits for somebody.
const BUILD: &str = r#"#!/bin/sh
echo "building $2"
case $1 in
once) [ -e "tried-$2" ] || { : > "tried-$2"; exit 3; } ;;
bad) exit 2 ;;
slow) : > "began-$2"; while [ ! -e "go-$2" ]; do sleep 0.05; done ;;
esac
echo built
"#;

/// How a run goes: its inputs, and what is done to it meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// Nothing happens to it.
    Plain(&'static str),
    /// A person decides about its gate.
    Gate { mode: &'static str, yes: bool },
    /// The supervisor is killed while it builds, and started anew.
    Killed,
    /// A person cancels it while it builds.
    Cancelled,
    /// It fails, and a person runs the stage again, which fails anew.
    Again,
}

const COURSES: [Course; 8] = [
    Course::Killed,
    Course::Gate { mode: "once", yes: true },
    Course::Plain("good"),
    Course::Gate { mode: "good", yes: false },
    Course::Again,
    Course::Plain("once"),
    Course::Cancelled,
    Course::Gate { mode: "good", yes: true },
];

/// The end of a run, if it has come.
fn ended(room: &Room, run: u64) -> Option<()> {
    let events = room.answer(&["events", "--json"]);
    let ended = events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut ended = ended.filter(|line| line["note"]["note"] == "run_ended" && line["note"]["run"] == run);
    ended.next().map(drop)
}

/// How many of a run's stages or runs ended so far, so that a second end is known from the first.
fn ends(room: &Room, run: u64) -> usize {
    let events = room.answer(&["events", "--json"]);
    let lines = events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["note"]["note"] == "run_ended" && line["note"]["run"] == run).count()
}

fn go(room: &mut Room, run: u64, course: Course) {
    let (env, mode) = match course {
        Course::Plain(mode) => ("staging", mode),
        Course::Gate { mode, .. } => ("prod", mode),
        Course::Killed | Course::Cancelled => ("staging", "slow"),
        Course::Again => ("staging", "bad"),
    };
    let (env, mode) = (format!("env={env}"), format!("mode={mode}"));
    wait_for(PATIENCE, "a start", || {
        room.ask(&["start", "ci", "ship", "--set", &env, "--set", &mode]).status.success().then_some(())
    });
    let number = run.to_string();
    match course {
        Course::Plain(_) => {}
        Course::Gate { yes, .. } => {
            let id = room.wait_approval();
            let verb = if yes { "approve" } else { "reject" };
            assert!(room.ask(&[verb, &id]).status.success(), "{verb}");
        }
        Course::Killed => {
            wait_for(PATIENCE, "a command", || room.file(&format!("began-{run}")).exists().then_some(()));
            wait_for(PATIENCE, "its begin", || {
                room.answer(&["status", "--json"]).contains("\"running\"").then_some(())
            });
            room.kill_9();
            room.watch();
            std::fs::write(room.file(&format!("go-{run}")), "").expect("writable");
        }
        Course::Cancelled => {
            wait_for(PATIENCE, "a command", || room.file(&format!("began-{run}")).exists().then_some(()));
            assert!(room.ask(&["cancel", &number]).status.success(), "cancelled");
            std::fs::write(room.file(&format!("go-{run}")), "").expect("writable");
        }
        Course::Again => {
            wait_for(PATIENCE, "its first end", || ended(room, run));
            assert!(room.ask(&["retry", &number, "--stage", "build"]).status.success(), "again");
            wait_for(PATIENCE, "its second end", || (ends(room, run) == 2).then_some(()));
        }
    }
    wait_for(PATIENCE, "its end", || ended(room, run));
}

/// What happened in each run, by the journal.
fn happened(room: &Room) -> BTreeMap<u64, Vec<String>> {
    let mut runs: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let events = room.answer(&["events", "--json", "--limit", "100000"]);
    for line in events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let note = &line["note"];
        let text = |key: &str| note[key].as_str().unwrap_or_default().to_owned();
        let told = match note["note"].as_str().unwrap_or_default() {
            "stage_triggered" => format!("{} triggered: {}", text("stage"), text("by")),
            "stage_started" => format!("{} started: attempt {}", text("stage"), note["attempt"]),
            "stage_needs_approval" => format!("{} needs_approval: ", text("stage")),
            "stage_succeeded" => format!("{} succeeded: {}", text("stage"), text("by")),
            "stage_failed" if line["severity"] == "error" => {
                format!("{} failed for good: {}", text("stage"), text("by"))
            }
            "stage_failed" => format!("{} failed: {}", text("stage"), text("by")),
            "stage_skipped" => format!("{} skipped: {}", text("stage"), text("why")),
            "action_skipped" => format!("{} action skipped: {}: {}", text("stage"), text("action"), text("why")),
            "stage_cancelled" => format!("{} cancelled: {}", text("stage"), text("why")),
            "stage_retrying" => format!("{} retrying", text("stage")),
            "run_ended" => format!("ended: {}", text("state")),
            _ => continue,
        };
        runs.entry(note["run"].as_u64().expect("a run")).or_default().push(told);
    }
    runs
}

/// What happens in each run when it is replayed.
fn replayed(room: &Room) -> BTreeMap<u64, Vec<String>> {
    let play = ["policy", "replay", "--from-db", "ci", "--from-db", "side", "--answers", "as-decided", "--json"];
    let told = room.ask(&play);
    let report: Value = serde_json::from_slice(&told.stdout).expect("a report");
    let mut runs: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for entry in report["entries"].as_array().expect("entries") {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let told = match text("decision") {
            "stage" if text("became") == "retrying" => format!("{} retrying", text("stage")),
            "stage" => format!("{} {}: {}", text("stage"), text("became"), text("because")),
            "run_ended" => format!("ended: {}", text("state")),
            _ => continue,
        };
        runs.entry(entry["run"].as_u64().expect("a run")).or_default().push(told);
    }
    runs
}

/// What happens beside something else in the same instant has no order.
fn sorted(mut told: Vec<String>) -> Vec<String> {
    told.sort();
    told
}

#[test]
fn real_runs_are_replayed_as_they_went() {
    let runs = std::env::var("TMUXAGENT_REPLAYED_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_u64);
    let mut room = Room::with(POLICY);
    std::fs::write(room.file("build.sh"), BUILD).expect("writable");
    room.server.tmux(&["new-window", "-d", "-t", "proj:", "-n", "side", "exec env PS1='$ ' sh"]);
    let path = room.file("build.sh");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
    room.watch();
    wait_for(PATIENCE, "both panes", || {
        let panes = room.answer(&["panes", "--json"]);
        (panes.contains("\"side\"") && panes.contains("\"ci\"")).then_some(())
    });
    for (run, course) in (1..=runs).zip(COURSES.iter().cycle()) {
        go(&mut room, run, *course);
    }
    let was = happened(&room);
    assert_eq!(room.ask(&["shutdown"]).status.code(), Some(0));
    let mut supervisor = room.supervisor.take().expect("it runs");
    supervisor.wait().expect("its end");
    let is = replayed(&room);
    assert_eq!(was.len(), usize::try_from(runs).expect("few"), "{was:?}");
    let mut different = Vec::new();
    for (run, told) in &was {
        let again = is.get(run).cloned().unwrap_or_default();
        if sorted(told.clone()) != sorted(again.clone()) {
            different.push(format!("run {run}:\n  was {}\n  is  {}", told.join("\n      "), again.join("\n      ")));
        }
    }
    let equal = was.len() - different.len();
    println!("{equal} of {} runs are replayed as they went", was.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(is.len(), was.len(), "no run more");
}
