use super::{Collector, Report, html, markdown, parts, summary};
use jiff::tz::TimeZone;
use tmuxagent_model::{
    AgentSeen, AgentState, ApprovalState, Decider, Decision, EventLine, HostName, Millis, Note, PaneId, PaneKey, RunId,
    RunState, ServerId, Severity, Timestamp, Verdict, Via,
};
use tmuxagent_text::Lang;

/// 2023-11-14 22:13:20 UTC.
const START: Timestamp = Timestamp(1_700_000_000_000);

const fn after(seconds: u64) -> Timestamp {
    Timestamp(START.0 + 1000 * seconds as i64)
}

fn line(seconds: u64, note: Note) -> EventLine {
    EventLine { seq: seconds, at: after(seconds), severity: Severity::Info, place: String::new(), note }
}

fn started(seconds: u64, run: u64) -> EventLine {
    line(seconds, Note::RunStarted { run: RunId(run), pipeline: "shop".into() })
}

fn ended(seconds: u64, run: u64, state: RunState) -> EventLine {
    line(seconds, Note::RunEnded { run: RunId(run), pipeline: "shop".into(), state })
}

fn succeeded(seconds: u64, run: u64, took: u64) -> EventLine {
    let (stage, by, took) = ("test".to_owned(), "exit_code 0".to_owned(), Millis::from_secs(took));
    line(seconds, Note::StageSucceeded { run: RunId(run), stage, by, took })
}

fn failed(seconds: u64, run: u64, by: &str) -> EventLine {
    let said = "not ok 1 - adds <b>[x](http://e.example)</b> | `c`\u{1b}[31m".to_owned();
    line(seconds, Note::StageFailed { run: RunId(run), stage: "test".into(), by: by.into(), attempt: 1, said })
}

fn pane() -> PaneKey {
    PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(3), pid: 7 }
}

fn seen(state: AgentState, anew: bool) -> AgentSeen {
    let (agent, by) = ("codex".to_owned(), String::new());
    AgentSeen { pane: pane(), agent, process: None, state, by, anew, interrupted: false, unproven: false }
}

fn decided(asked: u64, took: u64, via: Via) -> tmuxagent_model::Approval {
    let by = Decider::named("mei", via);
    let decision = Decision { verdict: Verdict { approve: true, answer: None }, by, at: after(asked + took) };
    let (state, asked_at) = (ApprovalState::Approved, after(asked));
    tmuxagent_model::Approval { state, asked_at, decision: Some(decision), ..tmuxagent_testkit::approval() }
}

/// A day and a half, with everything in it that a report counts, and something before it.
fn sample() -> Report {
    let hostile = "log_regex ^x: <script>alert(1)</script> | [a](http://e.example) `b` \u{1b}[31m";
    let mut collector = Collector::new(after(100), after(200_000), TimeZone::UTC);
    let lines = [
        started(10, 1),
        failed(50, 1, "exit_code: 1"),
        succeeded(110, 1, 60),
        ended(120, 1, RunState::Succeeded),
        started(200, 2),
        failed(210, 2, "exit_code: 101"),
        line(211, Note::StageRetrying { run: RunId(2), stage: "test".into(), attempt: 2, max: 2, after: Millis(0) }),
        failed(230, 2, "exit_code: 7"),
        line(235, Note::StageStarted { run: RunId(2), stage: "test".into(), attempt: 3 }),
        failed(240, 2, hostile),
        // Somebody was asked what to do about it, and nobody decided.
        failed(245, 2, "expiry: nobody decided in time"),
        ended(205, 2, RunState::Succeeded),
        ended(250, 2, RunState::Failed),
        started(90_000, 3),
        line(
            90_001,
            Note::StageTriggered { run: RunId(3), stage: "test".into(), by: "after_stage_success lint".into() },
        ),
        succeeded(90_030, 3, 29),
        ended(90_040, 3, RunState::Succeeded),
    ];
    lines.iter().for_each(|line| collector.line(line));
    let questions = [decided(300, 60, Via::Link), decided(400, 600, Via::Link), decided(500, 5, Via::Key)];
    questions.iter().for_each(|approval| collector.approval(approval));
    collector.approval(&decided(600, 0, Via::Rule));
    collector.approval(&decided(50, 9, Via::Key));
    let states = [(50, AgentState::Working), (160, AgentState::NeedsApproval), (200, AgentState::Idle)];
    states.iter().for_each(|(at, state)| collector.agent(after(*at), "main:codex.0", &seen(state.clone(), false)));
    // The supervisor was away from 260 on, or earlier: nobody knows.
    collector.agent(after(5000), "main:codex.0", &seen(AgentState::Working, true));
    collector.finish(after(5100))
}

#[test]
fn what_lies_in_the_stretch_is_counted() {
    let report = sample();
    let [shop] = report.pipelines.as_slice() else { panic!("{report:?}") };
    assert_eq!((shop.started, shop.ended_as(RunState::Succeeded), shop.all_ended()), (2, 2, 3));
    // A run that began before the stretch counts with its whole length.
    assert_eq!(shop.took.percentile(50), Some(Millis::from_secs(50)));
    assert_eq!(shop.took.longest(), Some(Millis::from_secs(110)));
    let [test] = shop.stages.as_slice() else { panic!("{shop:?}") };
    assert_eq!((test.succeeded, test.failed, test.retried), (2, 3, 1));
    let days: Vec<_> = shop.days.iter().map(|day| (day.date.as_str(), day.succeeded, day.other)).collect();
    assert_eq!(days, [("2023-11-14", 1, 1), ("2023-11-15", 1, 0)]);
}

#[test]
fn causes_that_differ_in_numbers_alone_are_one() {
    let failures: Vec<_> = sample().failures.iter().map(|it| (it.times, it.last)).collect();
    assert_eq!(failures, [(2, after(230)), (1, after(240))]);
}

#[test]
fn a_long_cause_is_whole_in_the_table_and_cut_in_a_message() {
    let path = format!("/srv/{}end.rs", "folder/".repeat(30));
    let mut collector = Collector::new(after(0), after(10_000), TimeZone::UTC);
    [started(0, 1), failed(10, 1, &path)].iter().for_each(|line| collector.line(line));
    let report = collector.finish(after(10_000));
    let rows: Vec<_> = parts(Lang::En, &TimeZone::UTC, &report).into_iter().flat_map(|part| part.rows).collect();
    assert!(rows.iter().flatten().any(|cell| cell.contains(&path)), "{rows:?}");
    assert!(!summary(Lang::En, &TimeZone::UTC, &report).contains(&path));
}

#[test]
fn what_a_list_of_failures_leaves_out_is_counted_and_the_newest_are_in_it() {
    let mut collector = Collector::new(after(0), after(10_000), TimeZone::UTC);
    // Thirty causes, the older the more frequent.
    let causes = ('a'..='z').map(String::from).chain(["aa", "bb", "cc", "dd"].map(str::to_owned));
    for (run, cause) in (1..).zip(causes) {
        collector.line(&started(run * 100, run));
        for again in 0..31 - run {
            collector.line(&failed(run * 100 + 1 + 2 * again, run, &format!("log_regex {cause}!")));
            collector.line(&succeeded(run * 100 + 2 + 2 * again, run, 1));
        }
    }
    let report = collector.finish(after(10_000));
    assert_eq!(report.failures.len(), 30);
    let (text, page) = (markdown(Lang::En, &TimeZone::UTC, &report), html(Lang::Zh, &TimeZone::UTC, &report));
    assert!(text.contains("\n… and 10 more: `tmuxagent report --json` has all\n"), "{text}");
    assert!(page.contains("<p>… 还有 10 项：`tmuxagent report --json` 列出全部</p>"), "{page}");
    assert_eq!(text.matches("log\\_regex").count(), 20, "{text}");
    assert!(text.contains("dd!") && text.contains(" a!") && !text.contains(" p!"), "{text}");
    let told = summary(Lang::En, &TimeZone::UTC, &report);
    assert!(told.ends_with("… and 27 more: `tmuxagent report --json` has all\n"), "{told}");
}

#[test]
fn a_rule_is_nobody_who_was_waited_for() {
    let waits = sample().waits;
    assert_eq!((waits.asked, waits.approved, waits.by.len()), (3, 3, 2));
    assert_eq!((waits.by[0].via, waits.by[0].decisions), (Via::Link, 2));
    assert_eq!(waits.took.percentile(50), Some(Millis::from_secs(60)));
}

#[test]
fn an_agent_that_nobody_watched_did_nothing_that_is_known() {
    let agents = sample().agents;
    let [codex] = agents.as_slice() else { panic!("{agents:?}") };
    let seconds = [codex.worked, codex.asked, codex.idle, codex.stuck].map(|time| time.0 / 1000);
    assert_eq!(seconds, [60 + 100, 40, 0, 0]);
}

#[test]
fn a_run_whose_beginning_is_not_known_is_asked_for() {
    let mut collector = Collector::new(after(100), after(200), TimeZone::UTC);
    assert_eq!(collector.unknown_run(&succeeded(110, 9, 1)), Some(RunId(9)));
    collector.line(&started(10, 9));
    assert_eq!(collector.unknown_run(&succeeded(110, 9, 1)), None);
}

#[test]
fn every_form_in_both_languages() {
    let report = sample();
    for lang in Lang::ALL {
        let name = if lang == Lang::En { "en" } else { "zh" };
        insta::assert_snapshot!(format!("markdown_{name}"), markdown(lang, &TimeZone::UTC, &report));
        insta::assert_snapshot!(format!("summary_{name}"), summary(lang, &TimeZone::UTC, &report));
    }
    insta::assert_snapshot!("html_en", html(Lang::En, &TimeZone::UTC, &report));
}

#[test]
fn text_of_a_pane_stays_text() {
    let report = sample();
    let page = html(Lang::En, &TimeZone::UTC, &report);
    assert!(!page.contains("<script") && page.contains("&lt;script"), "{page}");
    assert!(page.contains("exit_code: 7; not ok 1 - adds &lt;b&gt;") && !page.contains("<b>"), "{page}");
    let text = markdown(Lang::En, &TimeZone::UTC, &report);
    assert!(text.contains("not ok 1 - adds &lt;b>") && !text.contains("[x]("), "{text}");
    assert!(!text.contains("[a](") && !text.contains("<script") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let report = Collector::new(after(0), after(1), TimeZone::UTC).finish(after(0));
    for text in [markdown(Lang::En, &TimeZone::UTC, &report), html(Lang::En, &TimeZone::UTC, &report)] {
        assert!(text.contains("nothing happened") && text.contains("`tmuxagent start PANE`"), "{text}");
    }
}
