//! What the command line says to who writes a wish in another way than it is taken, and JSON that hides nothing.

use crate::support::{StagedSupervisor, TestEnv, approval, pane, run_view};
use insta::assert_snapshot;
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{Freeze, Snapshot, Timestamp};

fn picture() -> Snapshot {
    let mut ci = pane("local", 3, "proj", "ci");
    ci.pipelines = vec!["release".into()];
    let other = pane("local", 4, "proj", "docs");
    let asked = approval(&ci, "01JAPPROVALA");
    let elsewhere = approval(&pane("local", 5, "proj", "third"), "01JAPPROVALB");
    Snapshot {
        approvals: vec![asked, elsewhere],
        runs: vec![run_view(&ci, 7, "release")],
        panes: vec![ci, other],
        ..Snapshot::default()
    }
}

fn staged(env: &TestEnv, snapshot: Snapshot) -> StagedSupervisor {
    StagedSupervisor::start(&env.runtime_dir(), snapshot, |request| match request {
        Request::Command { .. } => Some(Reply::Committed { intents: Vec::new(), run: None, text: String::new() }),
        _ => None,
    })
}

#[test]
fn a_place_names_what_is_asked_there_and_decides_nothing() {
    let env = TestEnv::new();
    let supervisor = staged(&env, picture());
    assert_snapshot!(env.run(&["approve", "ci"]), @r"
    --- stderr ---
    error: `ci` is a pane, and no approval
    hint: what is asked there is decided by its ID:
      01JAPPROVALA  proj:ci.0 %3: Build storyapp?
    --- exit code 4 ---
    ");
    assert_snapshot!(env.run(&["reject", "%4"]), @r"
    --- stderr ---
    error: `%4` is a pane, and no approval
    hint: nothing is asked there; `tmuxagent approvals` lists what is
    --- exit code 4 ---
    ");
    assert!(!supervisor.asked().iter().any(|request| matches!(request, Request::Command { .. })));
}

#[test]
fn start_takes_the_pane_first_and_says_so() {
    let env = TestEnv::new();
    let _supervisor = staged(&env, picture());
    assert_snapshot!(env.run(&["start", "release", "proj:ci"]), @r"
    --- stderr ---
    error: `release` is a pipeline, and the pane stands first
    hint: `tmuxagent start proj:ci release`
    --- exit code 4 ---
    ");
    // A pipeline that does not apply there.
    let ran = env.run(&["start", "release", "docs"]);
    assert!(ran.code == 4 && ran.stderr.contains("`tmuxagent start docs release`"), "{ran}");
}

#[test]
fn a_start_while_frozen_says_what_releases_it() {
    let env = TestEnv::new();
    let frozen = Some(Freeze { since: Timestamp(0), by: "ann".into() });
    let _supervisor = staged(&env, Snapshot { frozen, ..picture() });
    let ran = env.run(&["start", "ci", "release"]);
    assert!(ran.code == 0 && ran.stdout.contains("held back until `tmuxagent unfreeze`"), "{ran}");
}

#[test]
fn json_hides_nothing_and_is_the_same_data() {
    let env = TestEnv::new();
    let evil = "a\u{202e}b\u{200b}c\u{9b}d\u{2028}e\u{ad}f\u{e0041}g\u{600}h\u{7f}ü中";
    let ran = env.run_with_input(&["redact", "--json"], evil);
    assert!(ran.stdout.contains(r"a\u202eb\u200bc\u009bd\u2028e\u00adf\udb40\udc41g\u0600h\u007fü中"), "{ran}");
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["text"], evil);
    let mut picture = picture();
    picture.panes[0].info.facts.title = evil.into();
    picture.approvals[0].question = evil.into();
    let _supervisor = staged(&env, picture);
    for command in [&["panes", "--json"][..], &["approvals", "--json"], &["approve", evil, "--json"]] {
        let ran = env.run(command);
        assert!(ran.stdout.contains(r"\u202e") && !ran.stdout.contains('\u{202e}'), "{ran}");
    }
}
