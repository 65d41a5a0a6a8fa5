//! What people read fits their terminal, and nothing of it is lost: tables, lists and reports of every command that prints
//! some, with long names, some of them Chinese.

use crate::support::{StagedSupervisor, TO_COME, TestEnv, approval, commands, host, pane, run_view};
use serde_json::json;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{
    Alert, AlertKind, Decider, EventLine, Freeze, HeldSend, HostState, IntentId, LeaseView, Millis, Note, PaneState,
    Problem, RunId, RunState, Severity, Snapshot, Timestamp, Urgency, Via,
};
use tmuxagent_store::{Batch, NewMessage, Store};
use unicode_width::UnicodeWidthStr as _;

const SESSION: &str = "proj_一个很长的会话名字_with_a_long_name";
const WINDOW: &str = "agent-窗口的名字也很长-and-so-on-and-on-until-the-end";
const LONG: &str =
    "a very long sentence that goes on and on, 一个很长的句子，没有尽头, and on and on until the end of it";
const ID: &str = "01JAPPROVALA00000000000000";
const HOST: &str = "a-machine-with-a-long-name";
const PIPELINE: &str = "storyapp-pipeline-with-a-long-name";
const STAGE: &str = "integration-tests-of-everything-on-all-machines";

fn picture() -> Snapshot {
    let mut panes =
        vec![pane("local", 3, SESSION, WINDOW), pane("local", 4, SESSION, WINDOW), pane(HOST, 12345, SESSION, WINDOW)];
    for pane in &mut panes {
        pane.state = PaneState::NeedsApproval;
        pane.pipelines = vec![PIPELINE.into(), "another-one".into()];
    }
    let mut run = run_view(&panes[0], 7, PIPELINE);
    run.stages.iter_mut().for_each(|stage| stage.detail = LONG.into());
    let mut asked = approval(&panes[0], ID);
    (asked.question, asked.effect_text) = (LONG.into(), format!("{LONG} ⏎"));
    asked.options = vec![
        "first of the answers, which is a long one and tells all about what it does".into(),
        "第二个".into(),
        "c".into(),
    ];
    asked.evidence = (1..=9).map(|n| format!("line {n}: {LONG}")).collect();
    let event = |seq, note| EventLine {
        seq,
        at: Timestamp(0),
        severity: Severity::Warning,
        place: panes[0].info.told_place(),
        note,
    };
    Snapshot {
        hosts: vec![host("local", HostState::Live, LONG), host(HOST, HostState::Unreachable, LONG)],
        events: vec![
            event(41, Note::Text { text: LONG.into() }),
            event(123_456, Note::Text { text: WINDOW.repeat(3) }),
            event(
                123_457,
                Note::Text {
                    text: format!("it says `tmuxagent {}` and /srv/{}", WINDOW.repeat(3), "folder/".repeat(20)),
                },
            ),
            event(
                123_458,
                Note::StageFailed {
                    run: RunId(7),
                    stage: "t".into(),
                    by: format!("exit code 1; its output: `{}`", "x".repeat(24)),
                    attempt: 1,
                    said: String::new(),
                },
            ),
            // Behind what stands in backticks, as wide as a line of sixty cells, is a closing sign.
            event(123_459, Note::Text { text: format!("它说：`{}`；完", "x".repeat(42)) }),
        ],
        held: vec![HeldSend {
            intent: IntentId::new("01JINTENT"),
            place: panes[0].info.place(),
            pane: Some(panes[0].info.key.clone()),
            text: LONG.into(),
            at: TO_COME,
            reader: None,
        }],
        leases: vec![LeaseView {
            id: "L1234567".into(),
            pane: panes[0].info.key.clone(),
            place: panes[0].info.place(),
            class: vec!["npm install --save-dev *".into(), "cargo build --release *".into()],
            by: Decider::named("ann-with-a-long-name", Via::Cli),
            until: TO_COME,
            left: 20,
        }],
        frozen: Some(Freeze { by: "ann (command line)".into(), since: TO_COME }),
        problems: vec![Problem { part: "channel ntfy".into(), text: LONG.into(), since: TO_COME }],
        policies: vec!["/etc/a/long/folder/with/policies/that/goes/on/p.yaml".into(), "/etc/q.yaml".into()],
        approvals: vec![asked],
        runs: vec![run],
        panes,
        ..Snapshot::default()
    }
}

fn explained(request: &Request) -> Option<Reply> {
    let Request::Explain { .. } = request else { return None };
    let condition = json!({ "text": format!("log_regex /{WINDOW}/"), "holds": false, "detail": LONG });
    let stage = json!({
        "pipeline": PIPELINE, "stage": "test", "place": format!("{SESSION}:{WINDOW}.0 %3"),
        "run": 7, "approval": ID, "state": "running", "attempt": 2, "summary": LONG, "waits_for": [LONG],
        "earlier": [{ "attempt": 1, "cause": { "at": 0, "rule": "exit_code other than 0", "text": LONG } }],
        "conditions": [{ "role": "success_when", "active": true, "part": condition }], "defined_at": "p.yaml:3",
    });
    Some(Reply::Explanation { runs: vec![stage] })
}

/// A pipeline and its stage as the journal tells them: begun, failed, tried again, passed.
fn run_notes() -> Vec<(Severity, String, Note)> {
    let (run, stage) = (RunId(7), STAGE.to_owned());
    let place = format!("{SESSION}:{WINDOW}.0 %3");
    let notes = [
        Note::RunStarted { run, pipeline: PIPELINE.to_owned() },
        Note::StageStarted { run, stage: stage.clone(), attempt: 1 },
        Note::StageFailed { run, stage: stage.clone(), by: LONG.to_owned(), attempt: 1, said: LONG.to_owned() },
        Note::StageRetrying { run, stage: stage.clone(), attempt: 2, max: 2, after: Millis(0) },
        Note::StageStarted { run, stage: stage.clone(), attempt: 2 },
        Note::StageSucceeded { run, stage, by: LONG.to_owned(), took: Millis::from_secs(61) },
        Note::RunEnded { run, pipeline: PIPELINE.to_owned(), state: RunState::Succeeded },
    ];
    notes.map(|note| (Severity::Info, place.clone(), note)).into()
}

/// A home with a configuration, policies, a database with messages on their way, and a workspace.
fn home() -> TestEnv {
    let env = TestEnv::new();
    env.write(
        ".config/tmuxagent/config.yaml",
        &format!(
            "hosts:\n  - name: local\n  - name: {HOST}\n    ssh: nas\nnotify: a-channel-with-a-long-name\nchannels:\n  \
                  a-channel-with-a-long-name: {{kind: command, command: ['true']}}\n"
        ),
    );
    env.write(
        ".config/tmuxagent/policies/a-policy-with-a-very-long-name-so-that-it-does-not-fit-into-one-line.yaml",
        "version: 1\npipelines: [{name: p, match: {window_name: w}, stages: [{name: s, triggers: manual, actions_on_start: [{run: 'true'}]}]}]\n",
    );
    env.write(
        "a-workspace.yaml",
        &format!(
            "version: 1\nname: w\nsessions:\n  - name: a-session-with-a-long-name\n    root: {}\n    windows:\n      - name: a-window-\
             with-a-long-name\n        command: echo a command that is long enough for more than one line of it\n",
            env.home().display()
        ),
    );
    let alert = Alert {
        kind: AlertKind::Custom,
        urgency: Urgency::High,
        title: LONG.into(),
        body: String::new(),
        approval: None,
        run: None,
        dedupe: "x".into(),
        channels: Vec::new(),
    };
    let now = tmuxagent_clock::wall();
    let message = |key: &str, not_before| NewMessage {
        channel: "a-channel-with-a-long-name".into(),
        key: key.into(),
        alert: alert.clone(),
        not_before,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (store, _) = Store::open(&env.runtime_dir().join("state.db"), now).expect("a database");
        let outbox = vec![message("1", now), message("2", now + tmuxagent_model::Millis::from_secs(3600))];
        store.commit(Batch { outbox, notes: run_notes(), ..Batch::new(now) }).await.expect("stored");
        store.close().await;
    });
    env
}

/// Lines of text, wider than the terminal but for what somebody copies.
fn too_wide(printed: &str, columns: usize) -> Vec<&str> {
    let copied = |line: &&str| {
        let line = line.trim();
        line.starts_with("tmuxagent approve ")
            || line.starts_with("`tmuxagent ") && line.trim_end_matches(['.', ',', ':', ';']).ends_with('`')
    };
    printed.lines().filter(|line| line.width() > columns).filter(|line| !copied(line)).collect()
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn every_report_fits_the_terminal() {
    let mut env = home();
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), explained);
    let commands: &[&[&str]] = &[
        &["status"],
        &["panes"],
        &["panes", "--runs"],
        &["approvals"],
        &["approvals", ID],
        &["events"],
        &["policy", "explain", "%3"],
        &["send", "%3", "echo a text that is long enough for more than one line of the terminal, it seems"],
        &["doctor"],
        &["config", "check"],
        &["db", "check"],
        &["db", "backup"],
        &["notify", "log"],
        &["notify", "test"],
        &["leases"],
        &["report"],
        &["hooks", "status"],
        &["db", "repair", "--dry-run"],
        &["up", "a-workspace.yaml", "--dry-run"],
        &[
            "auto-answer",
            "test",
            "--",
            "npm install --save-dev a-package-with-a-long-name && cargo build --release --locked",
        ],
        &["policy", "show"],
        &["agent", "list"],
        &["version"],
    ];
    for columns in [80, 60, 120] {
        env.set("COLUMNS", &columns.to_string());
        for lang in ["en", "zh"] {
            for arguments in commands {
                let ran = env.command(&[&["--lang", lang][..], arguments].concat()).output().expect("the binary");
                let [stdout, stderr] =
                    [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
                let wide = too_wide(&stdout, columns);
                assert!(wide.is_empty(), "{arguments:?} {lang} {columns}: {wide:#?}");
                assert!(!stdout.is_empty() && stderr.is_empty(), "{arguments:?}: {stdout} {stderr}");
                if arguments == &["report"] {
                    let whole = without_blanks(&stdout);
                    assert!([PIPELINE, STAGE].iter().all(|name| whole.contains(name)), "{stdout}");
                }
            }
        }
    }
}

#[test]
fn events_that_are_followed_fit_the_terminal() {
    let mut env = home();
    for (columns, lang) in [80, 60, 120].into_iter().flat_map(|columns| ["en", "zh"].map(|lang| (columns, lang))) {
        env.set("COLUMNS", &columns.to_string());
        let supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), explained);
        let mut command = env.command(&["--lang", lang, "events", "--follow"]);
        let child = command.stdout(Stdio::piped()).spawn().expect("the binary");
        let end = Instant::now() + Duration::from_secs(60);
        while !supervisor.asked().iter().any(|request| matches!(request, Request::Events { .. })) {
            assert!(Instant::now() < end, "nobody asks");
            std::thread::yield_now();
        }
        supervisor.end("the test is over");
        let printed = String::from_utf8(child.wait_with_output().expect("an end").stdout).expect("UTF-8");
        assert!(printed.contains("123456 "), "{printed}");
        assert_eq!(too_wide(&printed, columns), Vec::<&str>::new(), "{lang} {columns}");
    }
}

#[test]
fn eighty_columns_are_taken_where_nobody_says_how_many() {
    let mut env = home();
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), explained);
    env.set("COLUMNS", "");
    for command in ["status", "panes", "events", "approvals", "--help", "help", "run --help", "report -h"] {
        let ran = env.run(&command.split(' ').collect::<Vec<_>>());
        assert_eq!(too_wide(&ran.stdout, 80), Vec::<&str>::new(), "{command}");
    }
}

#[test]
fn nothing_is_lost_where_it_is_narrow() {
    let mut env = home();
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), explained);
    for columns in ["80", "40"] {
        env.set("COLUMNS", columns);
        let said = |arguments: &[&str]| {
            let ran = env.run(arguments);
            assert_eq!(ran.stderr, "", "{arguments:?}");
            ran.stdout
        };
        let approvals = said(&["approvals"]);
        // What is typed is wrapped, the identity is not; all answers and the last lines are there.
        assert!(approvals.lines().any(|line| line.starts_with(ID)), "{approvals}");
        let whole = without_blanks(&approvals);
        for part in [LONG, "first of the answers, which is a long one and tells all about what it does", "第二个", "%3"]
        {
            assert!(whole.contains(&without_blanks(part)), "{part}: {approvals}");
        }
        for (n, shown) in [(4, false), (5, true), (9, true)] {
            assert_eq!(whole.contains(&format!("line{n}:")), shown, "{n}: {approvals}");
        }
        assert!(whole.contains(&format!("…4morelines:`tmuxagentapprovals{ID}`")), "{approvals}");
        let panes = said(&["panes"]);
        for name in ["local:%3", "local:%4", &format!("{HOST}:%12345")] {
            assert!(panes.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}: {panes}");
        }
        assert!(!panes.contains('…') && panes.matches("needs you").count() == 3, "{panes}");
        let events = without_blanks(&said(&["events"]));
        assert!(events.contains(&without_blanks(&format!("{SESSION}:{WINDOW}.0 %3"))), "{events}");
        assert!(events.contains(&WINDOW.repeat(3)), "{events}");
        let explained = without_blanks(&said(&["policy", "explain", "%3"]));
        assert!(explained.contains("earlierattempts") && explained.contains("attempt1failed"), "{explained}");
    }
}

#[test]
fn a_message_on_its_way_tells_when_it_is_due_and_how_often_it_was_tried() {
    let env = home();
    let log = env.run(&["notify", "log"]).stdout;
    let row = |when: &str| log.lines().any(|line| line.contains("  waiting  ") && line.contains(when));
    assert!(row("  0, due now  ") && row("  0, next in 59m"), "{log}");
    let log = env.run(&["notify", "log", "--lang", "zh"]).stdout;
    assert!(log.contains("0，现在到期") && log.contains("后再试"), "{log}");
}

/// Every help, in a language with blanks between its words and in one without.
#[test]
fn every_help_fits_the_terminal() {
    let mut env = TestEnv::new();
    env.set("COLUMNS", "80");
    let read = std::cell::Cell::new(0);
    commands(&|arguments| {
        let words = &arguments[..arguments.len() - 1];
        for flag in ["-h", "--help"] {
            let ran = env.run(&[&["--lang", "zh"][..], words, &[flag]].concat());
            let wide = too_wide(&ran.stdout, 80);
            assert!(wide.is_empty() && ran.stdout.contains("用法："), "{words:?} {flag}: {wide:#?} {}", ran.stdout);
        }
        read.set(read.get() + 1);
        let english = env.run(arguments).stdout;
        assert_eq!(too_wide(&english, 80), Vec::<&str>::new(), "{arguments:?}");
        english
    });
    assert!(read.get() > 20, "{}", read.get());
}
