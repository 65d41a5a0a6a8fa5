//! What the command line says to who writes a wish in another way than it is taken, and JSON that hides nothing.

use crate::support::{StagedSupervisor, TestEnv, approval, pane, run_view};
use insta::assert_snapshot;
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{Command, Freeze, Snapshot, Timestamp};

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

#[test]
fn what_is_in_the_way_is_named_with_the_command_that_ends_it() {
    let env = TestEnv::new();
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), |request| {
        let text = match request {
            Request::Command { command: Command::Start { .. } } => "stage lint of run #7 is running",
            Request::Command { .. } => "stage lint is running; cancel the run first",
            _ => return None,
        };
        Some(Reply::Error { kind: ErrorKind::Refused, text: text.into() })
    });
    for command in [&["start", "ci"][..], &["retry", "7"]] {
        let ran = env.run(command);
        assert!(ran.code == 6 && ran.stderr.contains("hint: `tmuxagent cancel 7` ends that run"), "{command:?}: {ran}");
    }
    let chinese = env.run(&["--lang", "zh", "retry", "7"]);
    assert!(chinese.stderr.contains("`tmuxagent cancel 7` 会结束该运行"), "{chinese}");
}

#[test]
fn what_names_nothing_tells_what_there_is() {
    let env = TestEnv::new();
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), |request| match request {
        Request::Command { .. } => {
            Some(Reply::Error { kind: ErrorKind::NotFound, text: "there is no lease zzz".into() })
        }
        _ => None,
    });
    assert_snapshot!(env.run(&["lease", "revoke", "zzz"]), @r"
    --- stderr ---
    error: there is no lease zzz
    hint: no lease is in force; `tmuxagent leases` lists those that are
    --- exit code 4 ---
    ");
    assert_snapshot!(env.run(&["events", "--after", "9999"]), @r"
    no event has a number above 9999: `tmuxagent events` prints the newest
    --- exit code 0 ---
    ");
    assert_eq!(env.run(&["events", "--after", "9999", "--json"]).stdout, "");
}

#[test]
fn who_may_not_decide_is_told_who_may_and_no_command() {
    let env = TestEnv::new();
    let mut shown = picture();
    shown.approvals.truncate(1);
    (shown.approvals[0].approvers, shown.approvals[0].confirm) = (vec!["mei".into()], Some("go live".into()));
    let _supervisor = staged(&env, shown);
    for command in [&["approvals"][..], &["approvals", "01J"]] {
        let ran = env.run(command);
        assert!(ran.stdout.contains("may not decide this; it is for mei"), "{command:?}: {ran}");
        assert!(!ran.stdout.contains("--answer"), "{command:?}: {ran}");
    }
}

/// A window may be called anything, also as a pane of another machine is printed.
#[test]
fn an_identity_names_its_pane_and_no_window_of_that_name() {
    let env = TestEnv::new();
    let panes = vec![pane("nas", 0, "work", "ci"), pane("local", 4, "proj", "nas:%0")];
    let supervisor = staged(&env, Snapshot { panes, ..Snapshot::default() });
    for target in ["nas:%0", "%4"] {
        let sent = env.run(&["send", target, "x"]);
        assert_eq!(sent.code, 0, "{sent}");
    }
    let sent = supervisor.asked().into_iter().filter_map(|request| match request {
        Request::Command { command: Command::Send { pane, .. } } => Some(format!("{}:{}", pane.host, pane.pane)),
        _ => None,
    });
    assert_eq!(sent.collect::<Vec<_>>(), ["nas:%0", "local:%4"]);
    let gone = env.run(&["send", "nas:%1", "x"]);
    assert!(gone.code == 4 && gone.stderr.contains("no watched pane is named `nas:%1`"), "{gone}");
}
