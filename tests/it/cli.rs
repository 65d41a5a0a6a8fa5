//! The command line: answers, exit codes and hints, against a supervisor whose state is known.

use crate::support::{StagedSupervisor, TO_COME, TestEnv, approval, host, pane, run_view};
use insta::assert_snapshot;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{
    ApprovalId, ApprovalState, Command, ConfigPart, Doubt, EventLine, Freeze, HostState, HowChanged, KeyStep, Note,
    PaneState, PartChange, Problem, RunControl, RunId, Severity, Snapshot, Timestamp, Verdict,
};

/// Two hosts with three panes, one approval, one run.
fn picture() -> Snapshot {
    let mut ci = pane("local", 3, "proj_storyapp", "agent:codex-ci");
    ci.state = PaneState::NeedsApproval;
    ci.pipelines = vec!["storyapp-ci".into()];
    ci.info.facts.agent = "codex".into();
    let voice = pane("local", 4, "proj_storyapp", "agent:codex-voice");
    let mut far = pane("nas", 3, "work", "构建");
    far.info.facts.command = "\u{1b}]0;evil\u{7}".into();
    far.pipelines = vec!["a".into(), "b".into()];
    Snapshot {
        generation: 9,
        hosts: vec![host("local", HostState::Live, ""), host("nas", HostState::Unreachable, "retries in 4s")],
        approvals: vec![approval(&ci, "01JAPPROVALA")],
        runs: vec![run_view(&ci, 7, "storyapp-ci")],
        policies: vec!["/etc/p.yaml".into()],
        panes: vec![ci, voice, far],
        events: vec![EventLine {
            seq: 41,
            at: Timestamp(86_400_000 * 365),
            severity: Severity::Success,
            place: "proj_storyapp:agent:codex-ci.0".into(),
            note: Note::Text { text: "hello \u{1b}[2J".into() },
        }],
        ..Snapshot::default()
    }
}

fn staged(env: &TestEnv) -> StagedSupervisor {
    StagedSupervisor::start(&env.runtime_dir(), picture(), |_| None)
}

fn commands(supervisor: &StagedSupervisor) -> Vec<Command> {
    let asked = supervisor.asked().into_iter();
    asked.filter_map(|request| if let Request::Command { command } = request { Some(command) } else { None }).collect()
}

#[test]
fn without_a_supervisor_every_question_ends_with_three() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(&["status"]), @r"
    --- stderr ---
    error: no supervisor runs (nobody listens on [HOME]/.local/state/tmuxagent/supervisor.sock)
    hint: start one with `tmuxagent`, or with `tmuxagent --headless` in the background
    --- exit code 3 ---
    ");
    let all: &[&[&str]] = &[
        &["panes"],
        &["approvals"],
        &["approve", "x"],
        &["reject", "x"],
        &["start", "%1", "p"],
        &["retry", "#1"],
        &["skip", "#1"],
        &["cancel", "#1"],
        &["send", "%1", "x"],
        &["freeze"],
        &["unfreeze"],
        &["events"],
        &["reload"],
        &["shutdown"],
        &["policy", "explain", "%1"],
    ];
    for arguments in all {
        assert_eq!(env.run(arguments).code, 3, "{arguments:?}");
    }
    assert_snapshot!(env.run(&["panes", "--json"]).stdout, @r#"
    {
      "error": {
        "code": 3,
        "hints": [
          "start one with `tmuxagent`, or with `tmuxagent --headless` in the background"
        ],
        "problems": [],
        "text": "no supervisor runs (nobody listens on [HOME]/.local/state/tmuxagent/supervisor.sock)"
      }
    }
    "#);
}

/// Just after a start a host is still being reached: nothing says that there is none, or that it has no panes.
#[test]
fn while_a_host_is_being_reached_its_panes_are_still_to_come() {
    let env = TestEnv::new();
    let whole = picture();
    let mut early = whole.clone();
    (early.panes, early.runs, early.approvals) = (Vec::new(), Vec::new(), Vec::new());
    for host in &mut early.hosts {
        (host.state, host.since) = (HostState::Connecting, Timestamp(4_000_000_000_000));
    }
    let supervisor = StagedSupervisor::start(&env.runtime_dir(), early.clone(), |_| None);
    for (lang, told, false_words) in [
        ("en", "its panes are still to come", ["no machine is watched", "no panes are watched"]),
        ("zh", "其窗格尚未列出", ["没有被监视的主机", "没有被监视的窗格"]),
    ] {
        let said = env.run(&["status", "--lang", lang]).stdout;
        assert!(said.contains(told) && false_words.iter().all(|words| !said.contains(words)), "{said}");
    }
    // `panes` waits for them.
    let before = supervisor.connections();
    let panes = std::thread::scope(|scope| {
        let panes = scope.spawn(|| env.run(&["panes", "--json"]).stdout);
        let begun = std::time::Instant::now();
        while supervisor.connections() == before {
            assert!(begun.elapsed().as_secs() < 60, "nobody asks");
            std::thread::yield_now();
        }
        supervisor.show_then(whole.clone());
        panes.join().expect("no panic")
    });
    assert_eq!(panes.matches("\"last_output\"").count(), whole.panes.len(), "{panes}");
}

#[test]
fn status_tells_what_runs_and_what_fails() {
    let env = TestEnv::new();
    let mut picture = picture();
    let supervisor = StagedSupervisor::start(&env.runtime_dir(), picture.clone(), |_| None);
    assert_snapshot!(env.run(&["status"]), @r"
    tmuxagent [VERSION], process 4711, for 0s, configuration /etc/c.yaml
    policies: /etc/p.yaml
    HOST   STATE        SINCE  TMUX
    local  live         now    tmux 3.3a
    nas    unreachable  now    tmux 3.3a  retries in 4s
    panes: 1 needs you, 2 idle
    open approvals: 1
    --- exit code 1 ---
    ");
    assert_snapshot!(env.run(&["status", "--lang", "zh"]), @r"
    tmuxagent [VERSION], 进程 4711, 已运行 0秒, 配置 /etc/c.yaml
    策略：/etc/p.yaml
    主机   状态      起始  TMUX
    local  在线      刚刚  tmux 3.3a
    nas    无法连接  刚刚  tmux 3.3a  4s 后重试
    窗格：1 需要您, 2 空闲
    待审批：1
    --- exit code 1 ---
    ");
    env.write(".config/tmuxagent/config.yaml", "language: zh\n");
    assert!(env.run(&["status"]).stdout.contains("待审批：1"), "the configuration's language");
    assert!(env.run(&["status", "--lang", "en"]).stdout.contains("open approvals: 1"), "the flag wins");
    env.write(".config/tmuxagent/config.yaml", "language: [zh\n");
    assert!(env.run(&["status"]).stdout.contains("open approvals: 1"), "a broken one is not in the way");
    env.write(".config/tmuxagent/config.yaml", "");
    drop(supervisor);
    let text = "p.yaml:3:1: unknown key".to_owned();
    picture.problems = vec![Problem { part: "policy".into(), text: text.into(), since: TO_COME }];
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture, |_| None);
    let ran = env.run(&["status"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.ends_with("policy: p.yaml:3:1: unknown key (now)\n"), "{ran}");
}

#[test]
fn panes_and_runs_are_listed_without_what_could_drive_the_terminal() {
    let env = TestEnv::new();
    let _supervisor = staged(&env);
    assert_snapshot!(env.run(&["panes"]), @r"
    PANE      STATE      PLACE                              PROGRAM    PIPELINES    LAST OUTPUT
    local:%3  needs you  proj_storyapp:agent:codex-ci.0     codex      storyapp-ci
    local:%4  idle       proj_storyapp:agent:codex-voice.0  bash
    nas:%3    idle       work:构建.0                        ␛]0;evil␇  a,b
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["panes", "agent:codex-voice"]), @r"
    PANE      STATE  PLACE                              PROGRAM  PIPELINES  LAST OUTPUT
    local:%4  idle   proj_storyapp:agent:codex-voice.0  bash
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["panes", "agent:codex-ci", "--runs"]), @r"
    #7 storyapp-ci proj_storyapp:agent:codex-ci.0 %3 open
      STAGE  STATE    ATTEMPT
      lint   running  2/3      waits for a line
      build > Tests: 12 passed
    --- exit code 0 ---
    ");
    let json: serde_json::Value = serde_json::from_str(&env.run(&["panes", "--json"]).stdout).unwrap();
    assert_eq!(json[2]["info"]["facts"]["window"], "构建");
}

#[test]
fn a_name_that_fits_several_panes_lists_them() {
    let env = TestEnv::new();
    let _supervisor = staged(&env);
    assert_snapshot!(env.run(&["send", "%3", "x"]), @r"
    --- stderr ---
    error: `%3` fits 2 panes
    hint: say which one:
      local:%3  proj_storyapp:agent:codex-ci.0
      nas:%3  work:构建.0
    --- exit code 4 ---
    ");
    assert_snapshot!(env.run(&["send", "proj:storyapp", "x"]), @r"
    --- stderr ---
    error: `proj:storyapp` fits 2 panes
    hint: say which one:
      local:%3  proj_storyapp:agent:codex-ci.0
      local:%4  proj_storyapp:agent:codex-voice.0
    --- exit code 4 ---
    ");
    assert_snapshot!(env.run(&["send", "agent:codex-cii", "x"]), @r"
    --- stderr ---
    error: no watched pane is named `agent:codex-cii`
    hint: did you mean `agent:codex-ci`? `tmuxagent panes` lists all
    --- exit code 4 ---
    ");
}

#[test]
fn every_form_of_a_pane_is_understood() {
    let env = TestEnv::new();
    let supervisor = staged(&env);
    let forms = [
        "local:%3",
        "proj:storyapp:agent:codex-ci",
        "proj_storyapp:agent:codex-ci.0",
        "proj_storyapp:3",
        "agent:codex-ci",
        "local/agent:codex-ci",
        "%4",
        "构建",
        "nas/work",
    ];
    for form in forms {
        assert_eq!(env.run(&["send", form, "x"]).code, 0, "{form}");
    }
    let panes: Vec<String> = commands(&supervisor)
        .into_iter()
        .map(|command| match command {
            Command::Send { pane, .. } => format!("{}:{}", pane.host, pane.pane),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(panes, [&["local:%3"; 6][..], &["local:%4", "nas:%3", "nas:%3"]].concat());
}

/// Whoever looks up why something was rejected sees what the question had shown.
#[test]
fn a_decided_question_shows_the_lines_that_it_was_decided_on() {
    let env = TestEnv::new();
    let mut picture = Snapshot { panes: vec![pane("local", 3, "s", "w")], ..Snapshot::default() };
    let mut asked = approval(&picture.panes[0], "01JAPPROVALA");
    asked.state = ApprovalState::Rejected;
    asked.evidence = vec!["Tests: 1 failed".to_owned()];
    picture.approvals = vec![asked];
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture, |_| None);
    for arguments in [&["approvals", "--all"][..], &["approvals", "01J"]] {
        let ran = env.run(arguments);
        assert!(ran.stdout.contains("Tests: 1 failed"), "{arguments:?}: {ran}");
    }
}

#[test]
fn approvals_are_listed_shown_and_decided() {
    let env = TestEnv::new();
    let supervisor = staged(&env);
    assert_snapshot!(env.run(&["approvals"]), @r"
    01JAPPROVALA  open  now
      storyapp-ci / build @ proj_storyapp:agent:codex-ci.0 %3
      Build storyapp?
      if approved: npm run build⏎
      > Tests: 12 passed
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["approvals", "01J"]), @r"
    01JAPPROVALA open
    KIND: gate
    PLACE: proj_storyapp:agent:codex-ci.0 (local:%3)
    RUN: #7
    STAGE: storyapp-ci / build
    QUESTION: Build storyapp?
    IF APPROVED: npm run build⏎
    ASKED: now
      Tests: 12 passed
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["approve", "01J"]), @r"
    approved proj_storyapp:agent:codex-ci.0 %3: npm run build⏎
    done
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["reject", "01JAPPROVALA@1", "--answer", "later"]), @r"
    rejected proj_storyapp:agent:codex-ci.0 %3: Build storyapp?
    done
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["approve", "01J", "--answer", "now"]), @r"
    approved proj_storyapp:agent:codex-ci.0 %3: now
    done
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["approve"]), @r"
    --- stderr ---
    error: no approval is named
    hint: an ID is needed, or its unique beginning; these are open:
      01JAPPROVALA  proj_storyapp:agent:codex-ci.0 %3: Build storyapp?
    --- exit code 4 ---
    ");
    let decide = |approve, answer: Option<&str>| Command::Decide {
        approval: ApprovalId::new("01JAPPROVALA"),
        revision: 1,
        verdict: Verdict { approve, answer: answer.map(str::to_owned) },
    };
    assert_eq!(commands(&supervisor), [decide(true, None), decide(false, Some("later")), decide(true, Some("now"))]);
}

#[test]
fn a_policy_named_beside_a_running_supervisor_is_said_to_be_ignored() {
    let env = TestEnv::new();
    let file = env.write("p.yaml", "version: 1\npipelines: []\n");
    let mut picture = picture();
    picture.policies = vec![file.display().to_string()];
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture, |_| None);
    let same = env.run(&["status", "--policy", "p.yaml"]);
    assert!(same.stderr.is_empty(), "{same}");
    env.write("other.yaml", "version: 1\npipelines: []\n");
    let other = env.run(&["status", "--policy", "other.yaml"]);
    assert_snapshot!(other.stderr, @"warning: --policy is ignored here: the running supervisor decides by its own policies, which are [HOME]/p.yaml");
    env.write(".config/tmuxagent/zh.yaml", "language: zh\n");
    assert!(env.run(&["--config", ".config/tmuxagent/zh.yaml", "nonsense"]).stderr.contains("没有子命令 'nonsense'"));
    assert!(env.run(&["panes", "--policy", "other.yaml", "--lang", "zh"]).stderr.contains("不起作用"));
    assert!(env.run(&["status", "--json"]).stdout.contains("\"policies\": [\n    \"[HOME]/p.yaml\"\n  ]"));
}

#[test]
fn a_late_or_stale_decision_ends_with_five() {
    let env = TestEnv::new();
    let supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), |request| match request {
        Request::Command { .. } => Some(Reply::Error {
            kind: ErrorKind::AlreadyDecided,
            text: "already approved by bob 3s ago via a link".into(),
        }),
        _ => None,
    });
    assert_snapshot!(env.run(&["approve", "01J"]), @r"
    --- stderr ---
    error: already approved by bob 3s ago via a link
    hint: `tmuxagent approvals --all` shows what is open and what was decided
    --- exit code 5 ---
    ");
    assert_snapshot!(env.run(&["approve", "01J@3"]), @r"
    --- stderr ---
    error: approval 01JAPPROVALA has changed: it is at revision 1 now
    hint: `tmuxagent approvals --all` shows what is open and what was decided
    --- exit code 5 ---
    ");
    assert_snapshot!(env.run(&["approve", "nope"]), @r"
    --- stderr ---
    error: there is no approval `nope`
    hint: an ID is needed, or its unique beginning; these are open:
      01JAPPROVALA  proj_storyapp:agent:codex-ci.0 %3: Build storyapp?
    --- exit code 4 ---
    ");
    assert_eq!(commands(&supervisor).len(), 1);
}

/// Of decided ones nothing can be chosen, however many there are.
#[test]
fn a_beginning_that_only_decided_ones_have_says_that_none_of_them_waits() {
    let env = TestEnv::new();
    let mut picture = picture();
    picture.approvals[0].state = tmuxagent_model::ApprovalState::Approved;
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture, |request| match request {
        Request::Approval { .. } => {
            let text = "several approvals begin with `01`".into();
            Some(Reply::Error { kind: ErrorKind::Ambiguous, text })
        }
        _ => None,
    });
    assert_snapshot!(env.run(&["approve", "01"]), @r"
    --- stderr ---
    error: none of the approvals that begin with `01` is open
    hint: nothing is open; `tmuxagent approvals --all` shows what was decided
    --- exit code 4 ---
    ");
}

#[test]
fn what_is_not_certain_ends_with_seven() {
    let env = TestEnv::new();
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), |request| match request {
        Request::Command { command: Command::Decide { .. } } => {
            Some(Reply::Uncertain { doubt: Doubt::NotSaved { error: "the disk is full".into() } })
        }
        Request::Command { .. } => Some(Reply::Uncertain { doubt: Doubt::Ended }),
        Request::Reload => Some(Reply::Error { kind: ErrorKind::Ending, text: "the supervisor is ending".into() }),
        _ => None,
    });
    assert_snapshot!(env.run(&["approve", "01J"]), @r"
    --- stderr ---
    not certain yet: it can't be saved (the disk is full); it is kept and tried again
    hint: `tmuxagent approvals 01JAPPROVALA` tells what became of it
    --- exit code 7 ---
    ");
    assert_snapshot!(env.run(&["send", "agent:codex-ci", "ls"]), @r"
    --- stderr ---
    not certain: the supervisor ended before it answered; it may be done or not
    hint: once a supervisor runs again, `tmuxagent events` tells what became of it
    --- exit code 7 ---
    ");
    assert_eq!(env.run(&["reload"]).code, 3, "it was not begun, and that is certain");
}

#[test]
fn runs_are_started_and_controlled() {
    let env = TestEnv::new();
    let supervisor = staged(&env);
    assert_eq!(env.run(&["start", "agent:codex-ci"]).code, 0);
    assert_eq!(env.run(&["retry", "#7"]).code, 0);
    assert_eq!(env.run(&["cancel", "agent:codex-ci", "--stage", "lint"]).code, 0);
    let pane = picture().panes[0].info.key.clone();
    let control =
        |stage: Option<&str>, control| Command::Control { run: RunId(7), stage: stage.map(str::to_owned), control };
    let expected = [
        Command::Start { pane, pipeline: "storyapp-ci".into(), stage: None, inputs: tmuxagent_model::Variables::new() },
        control(None, RunControl::Retry),
        control(Some("lint"), RunControl::Cancel),
    ];
    assert_eq!(commands(&supervisor), expected);
    assert_snapshot!(env.run(&["start", "构建"]), @r"
    --- stderr ---
    error: 2 pipelines apply to nas:%3
    hint: say which one:
      a
      b
    --- exit code 4 ---
    ");
    assert_snapshot!(env.run(&["start", "agent:codex-ci", "storyap-ci"]), @r"
    --- stderr ---
    error: no pipeline `storyap-ci` applies to local:%3
    hint: did you mean `storyapp-ci`?
    --- exit code 4 ---
    ");
    assert_snapshot!(env.run(&["retry", "#8"]), @r"
    --- stderr ---
    error: there is no run #8
    hint: `tmuxagent panes --runs` lists the runs
    --- exit code 4 ---
    ");
    assert_snapshot!(env.run(&["skip", "#7", "--stage", "lnit"]), @r"
    --- stderr ---
    error: `storyapp-ci` has no stage `lnit`
    hint: its stages are:
      lint
    --- exit code 4 ---
    ");
    assert_snapshot!(env.run(&["cancel", "构建"]), @r"
    --- stderr ---
    error: no pipeline has run on nas:%3
    hint: `tmuxagent start PANE PIPELINE` starts one
    --- exit code 4 ---
    ");
}

#[test]
fn text_and_keys_are_sent_literally() {
    let env = TestEnv::new();
    let supervisor = staged(&env);
    assert_eq!(env.run(&["send", "%4", "echo", "-n", "hi"]).code, 0);
    assert_eq!(env.run(&["send", "-k", "C-c", "%4"]).code, 0);
    assert_eq!(env.run_with_input(&["send", "%4", "-"], "two\nlines\n").code, 0);
    assert_eq!(env.run(&["send", "%4"]).code, 2);
    let steps: Vec<Vec<KeyStep>> = commands(&supervisor)
        .into_iter()
        .filter_map(|command| if let Command::Send { steps, .. } = command { Some(steps) } else { None })
        .collect();
    let (text, key) = (|t: &str| KeyStep::Text(t.into()), |k: &str| KeyStep::Key(k.into()));
    assert_eq!(
        steps,
        [vec![text("echo -n hi"), key("Enter")], vec![key("C-c")], vec![text("two\nlines"), key("Enter")]]
    );
}

#[test]
fn the_machines_name_stands_in_answers_and_events() {
    let env = TestEnv::new();
    let mut far = picture();
    let there = pane("nas", 5, "main", "ci");
    far.approvals = vec![approval(&there, "01JAPPROVALA")];
    let note = Note::Text { text: "passed".into() };
    let place = there.info.told_place();
    far.events = vec![EventLine { seq: 1, at: TO_COME, severity: Severity::Info, place, note }];
    far.panes.push(there);
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), far, |_| None);
    for (arguments, told) in [
        (&["approve", "01J"][..], "approved nas/main:ci.0 %5: npm run build"),
        (&["reject", "01J"], "rejected nas/main:ci.0 %5: "),
        (&["events"], " nas/main:ci.0 %5 passed"),
    ] {
        let ran = env.run(arguments);
        assert!(ran.code == 0 && ran.stdout.contains(told), "{ran}");
    }
}

#[test]
fn a_decision_is_told_once_and_a_reload_says_what_has_changed() {
    let env = TestEnv::new();
    let supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), |request| match request {
        Request::Command { .. } => {
            Some(Reply::Committed { intents: Vec::new(), run: None, text: "approved".to_owned() })
        }
        Request::Reload => Some(Reply::Reloaded {
            pipelines: 1,
            changes: vec![
                PartChange { part: ConfigPart::Host, name: "nas".into(), how: HowChanged::Added },
                PartChange { part: ConfigPart::Policy, name: "ci.yaml".into(), how: HowChanged::Changed },
                PartChange { part: ConfigPart::Settings, name: String::new(), how: HowChanged::Changed },
            ],
        }),
        _ => None,
    });
    assert_snapshot!(env.run(&["approve", "01J"]), @r"
    approved proj_storyapp:agent:codex-ci.0 %3: npm run build⏎
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["reload"]), @r"
    configuration and policies are loaded again
    host nas added, policy ci.yaml changed, other settings changed; 1 pipeline
    it reads only what it was started with: /etc/p.yaml; not the folder [HOME]/.config/tmuxagent/policies
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["reload", "--lang", "zh"]), @r"
    已重新加载配置和策略
    新增主机 nas，变更策略 ci.yaml，其他设置变更；流水线 1 条
    它只读取启动时指明的文件：/etc/p.yaml；不读取文件夹 [HOME]/.config/tmuxagent/policies
    --- exit code 0 ---
    ");
    drop(supervisor);
}

/// What a person reads on the Chinese interface where something is wrong; names of files, options and programs stay.
#[test]
fn what_goes_wrong_is_told_in_chinese() {
    let env = TestEnv::new();
    env.write("bad.yaml", "pipelines:\n- name: p\n  match: {host: h}\n  stages:\n  - {name: s, tiemout: 5s}\n");
    env.write("bad-config.yaml", "langauge: zh\n");
    env.write("binary.yaml", "\u{0}");
    let cases: &[&[&str]] = &[
        &["status"],
        &["--headless", "status"],
        &["panes", "--nonsense"],
        &["nonsense"],
        &["send"],
        &["--color", "sometimes", "status"],
        &["policy", "check", "bad.yaml"],
        &["policy", "check", "missing.yaml"],
        &["--config", "bad-config.yaml", "config", "check"],
        &["--config", "missing.yaml", "config", "check"],
        &["policy", "replay", "--log", "missing.log"],
        &["policy", "replay", "--from-db", "%3"],
        &["policy", "test", "missing"],
        &["policy", "init", "missing"],
        &["policy", "init", "."],
        &["db", "check"],
        &["notify", "send", "x"],
        &["up"],
        &["approve", "x@y"],
        &["version"],
    ];
    let word = regex::Regex::new(r"(?:[A-Za-z][a-z']+[ ,]+){3,}[A-Za-z][a-z']+").expect("a pattern");
    let quoted = regex::Regex::new("`[^`]*`|'[^']*'").expect("a pattern");
    for arguments in cases {
        let ran = env.run(&[&["--lang", "zh"], *arguments].concat());
        let text = format!("{}{}", ran.stdout, ran.stderr);
        // What stands in backticks, quotes or behind a number of a line is of files and commands.
        let shown: Vec<&str> = text.lines().filter(|line| !line.contains(" | ")).collect();
        let plain = quoted.replace_all(&shown.join("\n"), "").into_owned();
        assert!(word.find(&plain).is_none(), "{arguments:?}: {:?}\n{ran}", word.find(&plain));
        assert!(text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{arguments:?}: {ran}");
    }
}

#[test]
fn the_freeze_switch_reload_and_shutdown() {
    let env = TestEnv::new();
    let supervisor = staged(&env);
    assert_eq!(env.run(&["freeze"]).code, 0);
    assert_eq!(env.run(&["unfreeze"]).code, 0);
    assert_snapshot!(env.run(&["reload"]), @r"
    configuration and policies are loaded again
    it reads only what it was started with: /etc/p.yaml; not the folder [HOME]/.config/tmuxagent/policies
    --- exit code 0 ---
    ");
    assert_snapshot!(env.run(&["shutdown"]), @r"
    the supervisor has ended
    --- exit code 0 ---
    ");
    assert_eq!(commands(&supervisor), [Command::Freeze, Command::Unfreeze]);
    drop(supervisor);
    assert_eq!(env.run(&["status"]).code, 3);
}

#[test]
fn events_are_followed_until_the_supervisor_ends() {
    let env = TestEnv::new();
    let supervisor = staged(&env);
    assert_snapshot!(env.run(&["events"]), @r"
        41 00:00:00 proj_storyapp:agent:codex-ci.0 hello ␛[2J
    --- exit code 0 ---
    ");
    let mut command = env.command(&["events", "--follow", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: EventLine = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first.seq, 41);
    supervisor.end("shutdown");
    assert!(lines.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let env = TestEnv::new();
    for arguments in [&["config", "default"][..], &["completions", "bash"], &["policy", "schema"]] {
        let mut command = env.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn versions_are_compared_with_the_running_one() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(&["version"]), @r"
    tmuxagent [VERSION] (protocol 2)
    no supervisor runs
    --- exit code 0 ---
    ");
    let _supervisor = staged(&env);
    assert_snapshot!(env.run(&["version"]), @r"
    tmuxagent [VERSION] (protocol 2)
    supervisor [VERSION] (protocol 2, process 4711)
    --- exit code 0 ---
    ");
}

#[test]
fn wrong_use_ends_with_two_and_shows_the_way() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(&["stauts"]), @r"
    --- stderr ---
    error: unrecognized subcommand 'stauts'

      tip: some similar subcommands exist: 'audit', 'start', 'status'

    Usage: tmuxagent [OPTIONS] [COMMAND]

    For more information, try '--help'.
    --- exit code 2 ---
    ");
    assert_snapshot!(env.run(&["--headless", "status"]), @r"
    --- stderr ---
    error: --headless stands alone
    hint: leave the subcommand or --headless out
    --- exit code 2 ---
    ");
}

#[test]
fn a_decision_while_sending_is_frozen_says_that_its_effect_is_held() {
    let env = TestEnv::new();
    let frozen = Some(Freeze { since: TO_COME, by: "mei".into() });
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), Snapshot { frozen, ..picture() }, |_| None);
    assert_snapshot!(env.run(&["approve", "01J"]), @r"
    approved proj_storyapp:agent:codex-ci.0 %3: npm run build⏎
    done
    sending is frozen: what it types is held back until `tmuxagent unfreeze`
    --- exit code 0 ---
    ");
    let told: serde_json::Value = serde_json::from_str(&env.run(&["--json", "approve", "01J"]).stdout).expect("JSON");
    assert_eq!(told["held"], true);
    // A gate that is refused types nothing.
    assert!(!env.run(&["reject", "01J"]).stdout.contains("frozen"));
}

/// What is typed may act on a terminal, or be a secret: no error says it again as it is.
#[test]
fn no_error_repeats_an_escape_or_a_secret() {
    let mut env = TestEnv::new();
    let token = format!("gh{}_{}", 'p', "Ab1Cd2".repeat(6));
    env.set("MY_TOKEN", "river-stone-41x");
    let _supervisor = staged(&env);
    for typed in [token.as_str(), "river-stone-41x", "\u{1b}[31mred\u{202e}"] {
        let flag = format!("--{typed}");
        for command in [
            &["approve", typed][..],
            &["reject", typed],
            &["approve", &format!("x@{typed}")],
            &["notify", "send", "--channel", typed, "hello"],
            &["notify", "test", typed],
            &["start", typed, typed],
            &["retry", typed],
            &["send", typed, "x"],
            &["agent", "explain", typed],
            &["events", typed],
            &[typed],
            &["status", &flag],
            &["--lang", "zh", "status", &flag],
            &["--lang", "zh", typed],
            &["up", typed],
            &["policy", "check", typed],
            &["config", "check", "--config", typed],
            &["--json", "approve", typed],
            &["--json", "notify", "test", typed],
        ] {
            let ran = env.run(command);
            let told = format!("{}{}", ran.stdout, ran.stderr);
            let hidden = |c: char| c == '\u{1b}' || c == '\u{202e}';
            assert!(ran.code != 0 && !told.contains(hidden), "{command:?}: {told:?}");
            assert!(typed.contains(hidden) || !told.contains(typed), "{command:?}: {told}");
        }
    }
}

#[test]
fn colours_are_used_only_where_they_are_wanted() {
    let mut env = TestEnv::new();
    let _supervisor = staged(&env);
    assert!(env.run(&["panes", "--color", "always"]).stdout.contains('\u{1b}'));
    assert!(!env.run(&["panes"]).stdout.contains('\u{1b}'));
    assert!(!env.run(&["panes", "--json", "--color", "always"]).stdout.contains('\u{1b}'));
    env.set("NO_COLOR", "1");
    assert!(!env.run(&["panes"]).stdout.contains('\u{1b}'));
}

#[test]
fn completion_scripts_are_printed_for_every_shell() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = env.run(&["completions", shell]);
        assert!(ran.code == 0 && ran.stdout.contains("tmuxagent"), "{shell}");
    }
}

#[test]
fn the_help_tells_the_global_options_and_the_exit_codes() {
    let help = TestEnv::new().run(&["--help"]).stdout;
    let (_, options) = help.split_once("\nOptions:\n").unwrap();
    assert_snapshot!(options, @r"
          --headless  Watch without a screen, until SIGTERM or `tmuxagent shutdown`
      -h, --help      Print help
      -V, --version   Print version

    Global options:
          --config <FILE>       The configuration file [env: TMUXAGENT_CONFIG]
          --policy <PATH>       A policy file or a folder of them; may be given several times [env:
                                TMUXAGENT_POLICY]
          --state-dir <DIR>     The folder of state, lock and socket; another one is another supervisor
                                [env: TMUXAGENT_STATE_DIR]
          --socket <NAME|PATH>  The tmux server of this machine: a name as for `tmux -L`, or a path as
                                for `tmux -S` [env: TMUXAGENT_SOCKET]
          --lang <LANG>         The language of what people read: en or zh [env: TMUXAGENT_LANG]
          --json                Print JSON
          --color <WHEN>        When to use colours: auto, always or never; NO_COLOR is honoured

    Exit codes: 0 done; 1 the answer is no, or warnings; 2 wrong use, configuration or policy; 3 no
    supervisor runs; 4 not found; 5 decided before or changed; 6 refused now; 7 not certain: done or
    not, look; 70 our fault; 71 no memory or threads left.
    ");
}

#[test]
fn an_unknown_run_has_no_explanation() {
    let env = TestEnv::new();
    let _supervisor = StagedSupervisor::start(&env.runtime_dir(), picture(), |request| {
        matches!(request, Request::Explain { .. }).then(|| Reply::Explanation { runs: Vec::new() })
    });
    let ran = env.run(&["policy", "explain", "#99"]);
    assert!(ran.code == 4 && ran.stderr.contains("there is no run #99"), "{ran}");
    assert_eq!(env.run(&["policy", "explain", "%4"]).code, 0, "a pane to which no pipeline applies");
}

/// Just after a start the panes are not known yet.
#[test]
fn a_pane_of_a_host_that_is_being_reached_is_waited_for() {
    let env = TestEnv::new();
    let early = Snapshot { hosts: vec![host("local", HostState::Connecting, "")], ..Snapshot::default() };
    let supervisor = StagedSupervisor::start(&env.runtime_dir(), early, |_| None);
    let mut start = env.command(&["start", "proj_storyapp:agent:codex-ci"]);
    let started = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    supervisor.show_then(Snapshot { hosts: vec![host("local", HostState::Live, "")], ..picture() });
    let ended = started.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}
