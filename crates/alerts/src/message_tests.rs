use super::*;
use proptest::prelude::*;
use tmuxagent_model::{ApprovalKind, KeyStep};
pub(crate) use tmuxagent_testkit::{alert, approval};

/// The message of both, with a link.
pub(crate) fn message() -> Message {
    let link = Some("https://phone.example/a/TOKEN");
    Message::compose(&alert(), Some(&approval()), link, Lang::En, &TimeZone::UTC, &Redactor::default())
}

#[test]
fn a_question_tells_all_that_is_needed_to_decide() {
    insta::assert_snapshot!(message().render(Markup::Raw, 4000), @r"
    Decide: storyapp-ci build
    Where: proj:storyapp.0 %3
    Stage: storyapp-ci / build
    Why: a stage wants to start
    Question: Build after green tests?
    Until: 2023-11-14 23:13 UTC
    A yes will type
      npm run build ⏎
    Last lines
      Tests: 42 passed
      Done in 3.1s
    Code XDG4
    Open and decide: https://phone.example/a/TOKEN
    ");
}

#[test]
fn in_chinese_and_in_wecom_markdown() {
    let link = Some("https://phone.example/a/TOKEN");
    let message = Message::compose(&alert(), Some(&approval()), link, Lang::Zh, &TimeZone::UTC, &Redactor::default());
    insta::assert_snapshot!(message.render(Markup::Wecom, 4096), @r#"
    ### 待审批：storyapp-ci build
    **位置**：proj:storyapp.0 %3
    **阶段**：storyapp-ci / build
    **原因**：阶段请求开始
    **问题**：Build after green tests?
    **截止**：2023-11-14 23:13 UTC
    **批准后将输入**
    > npm run build ⏎
    **最近输出**
    > Tests: 42 passed
    > Done in 3.1s
    校验码 <font color="warning">XDG4</font>
    [打开并审批](https://phone.example/a/TOKEN)
    "#);
}

#[test]
fn times_are_told_in_the_readers_zone() {
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    let message = Message::compose(&alert(), Some(&approval()), None, Lang::En, &zone, &Redactor::default());
    assert!(message.render(Markup::Raw, 4000).contains("Until: 2023-11-15 07:13 UTC+08:00\n"));
}

#[test]
fn without_a_link_it_says_what_to_type() {
    let message = Message::compose(&alert(), Some(&approval()), None, Lang::En, &TimeZone::UTC, &Redactor::default());
    assert!(message.render(Markup::Raw, 4000).ends_with("tmuxagent approve 01J8ZQ4M3V5C2N7R9T1W6X8Y0A"));
}

#[test]
fn a_closed_approval_is_not_asked_about() {
    let closed = Approval { state: ApprovalState::Approved, ..approval() };
    let message =
        Message::compose(&alert(), Some(&closed), Some("https://x"), Lang::En, &TimeZone::UTC, &Redactor::default());
    assert_eq!(message.ask, None);
}

#[test]
fn secrets_do_not_leave() {
    let secret = ["hunter", "2hunter", "2"].concat();
    let mut asked = approval();
    asked.evidence = vec![format!("DB_PASSWORD={secret}")];
    asked.effect_text = format!("deploy --token {secret}");
    asked.question = format!("token={secret}?");
    let alert = Alert { title: format!("API_KEY={secret}"), body: format!("password: {secret}"), ..alert() };
    let message = Message::compose(&alert, Some(&asked), None, Lang::En, &TimeZone::UTC, &Redactor::default());
    assert!(!message.render(Markup::Raw, 4000).contains(&secret));
}

#[test]
fn evidence_goes_first_and_the_link_never() {
    let mut asked = approval();
    asked.evidence = (0..20).map(|n| format!("line {n} {}", "x".repeat(200))).collect();
    asked.effect_text = "y".repeat(3_000);
    let link = "https://phone.example/a/TOKEN";
    let message = Message::compose(&alert(), Some(&asked), Some(link), Lang::En, &TimeZone::UTC, &Redactor::default());
    for limit in [600, 2_048, 4_096] {
        let out = message.render(Markup::Wecom, limit);
        assert!(out.len() <= limit && out.contains(link) && out.contains(&short_code(&asked)), "{limit}: {out}");
    }
    assert!(message.render(Markup::Wecom, 4_096).contains("yyyy"));
    assert!(!message.render(Markup::Wecom, 4_096).contains("line 0 "));
}

#[test]
fn of_the_evidence_the_cause_goes_last() {
    let mut asked = approval();
    asked.evidence = (0..20).map(|n| format!("line {n} {}", "x".repeat(100))).collect();
    asked.evidence[3] = "src/a.c:3:10: error: 'x' undeclared".to_owned();
    let link = "https://phone.example/a/TOKEN";
    let message = Message::compose(&alert(), Some(&asked), Some(link), Lang::En, &TimeZone::UTC, &Redactor::default());
    let out = message.render(Markup::Raw, 1_200);
    assert!(out.len() <= 1_200 && out.contains("error: 'x' undeclared") && out.contains('…'), "{out}");
    assert!(!out.contains("line 0 ") && !out.contains("…\n…"), "{out}");
}

#[test]
fn several_messages_are_one() {
    let one = Message::plain("a failed", "because\nof b", Urgency::Normal, Lang::En, &Redactor::default());
    let two = Message::plain("c failed", "", Urgency::High, Lang::En, &Redactor::default());
    let merged = Message::merged(&[one.clone(), two]).unwrap();
    assert_eq!((merged.title.as_str(), merged.urgency), ("2 messages", Urgency::High));
    assert_eq!(merged.body, "• a failed — because\n  of b\n• c failed");
    assert_eq!(Message::merged(&[one]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_limit_is_kept_in_every_markup(
        title in ".{0,300}", body in "(?s).{0,600}", command in ".{0,600}", evidence in prop::collection::vec(".{0,200}", 0..20),
        limit in 500_usize..4096,
    ) {
        let mut asked = approval();
        asked.effect_text = command;
        asked.evidence = evidence;
        let alert = Alert { title, body, ..alert() };
        let link = "https://phone.example/a/TOKEN";
        let message = Message::compose(&alert, Some(&asked), Some(link), Lang::Zh, &TimeZone::UTC, &Redactor::default());
        for markup in [Markup::Raw, Markup::Plain, Markup::Wecom, Markup::Markdown, Markup::Telegram, Markup::Slack] {
            let out = message.render(markup, limit);
            prop_assert!(out.len() <= limit);
            prop_assert!(out.contains(link), "{markup:?} {out}");
            // Blocks that services show as they are hold what they hold.
            let whole = matches!(markup, Markup::Raw | Markup::Markdown | Markup::Telegram);
            let rest = out.replace(link, "");
            prop_assert!(whole || !rest.contains("://"), "only our link: {}", rest);
        }
    }
}

#[test]
fn a_long_effect_is_whole_where_there_is_room_and_else_told_to_be_cut() {
    let line = "file.tar.gz ".repeat(160);
    let asked =
        Approval { effect_text: format!("echo {line}⏎"), evidence: vec!["not ok 1".to_owned()], ..approval() };
    let written = |lang, limit| {
        let zone = TimeZone::UTC;
        Message::compose(&alert(), Some(&asked), None, lang, &zone, &Redactor::default()).render(Markup::Raw, limit)
    };
    assert!(written(Lang::En, 64 * 1024).contains(&line) && !written(Lang::En, 64 * 1024).contains("more character"));
    for (lang, told) in
        [(Lang::En, " more characters: `tmuxagent approvals "), (Lang::Zh, " 个字符：`tmuxagent approvals ")]
    {
        let short = written(lang, 2_000);
        assert!(short.contains(told) && short.contains(asked.id.as_str()), "{short}");
        assert!(short.contains("file.tar.gz") && short.contains("not ok 1"), "the cause stays: {short}");
    }
}

#[test]
fn an_agents_question_stays_in_its_own_words() {
    let asked = |kind| {
        let approval = Approval { kind, question: "Start stage build of storyapp-ci?".to_owned(), ..approval() };
        Ask::of(&approval, None, Lang::Zh, &TimeZone::UTC, &Redactor::default()).question
    };
    assert_eq!(asked(ApprovalKind::Gate), "启动 storyapp-ci 的阶段 build？");
    assert_eq!(asked(ApprovalKind::Agent), "Start stage build of storyapp-ci?");
}

#[test]
fn why_a_stage_failed_is_told_in_the_readers_language_and_its_output_is_not() {
    let alert = Alert {
        kind: AlertKind::Failure,
        title: "ci: stage test failed".to_owned(),
        body: "proj:w.0\ntimeout: not done after 30m\nwaits for a human".to_owned(),
        ..alert()
    };
    let message = Message::compose(&alert, None, None, Lang::Zh, &TimeZone::UTC, &Redactor::default());
    assert_eq!(message.title, "失败：ci：阶段 test 失败 (proj:w.0)");
    assert_eq!(message.body, "proj:w.0\n超时：30m 后仍未完成\nwaits for a human");
}

#[test]
fn a_program_that_is_no_known_agent_is_not_called_one() {
    let title = |kind, lang| {
        let alert = Alert { kind, approval: None, title: "proj:ci.0 waits for you: go on?".to_owned(), ..alert() };
        Message::compose(&alert, None, None, lang, &TimeZone::UTC, &Redactor::default()).title
    };
    assert_eq!(title(AlertKind::Agent, Lang::En), "Agent: proj:ci.0 waits for you: go on?");
    assert_eq!(title(AlertKind::Program, Lang::En), "A program in proj:ci.0 waits for you: go on?");
    assert_eq!(title(AlertKind::Program, Lang::Zh), "程序，在 proj:ci.0 等待您：go on?");
}

#[test]
fn a_run_that_failed_or_is_through_is_named_with_its_place() {
    let told = |kind, title: &str, body: &str| {
        let alert = Alert { kind, approval: None, title: title.to_owned(), body: body.to_owned(), ..alert() };
        Message::compose(&alert, None, None, Lang::En, &TimeZone::UTC, &Redactor::default())
    };
    let lines = "proj:w.0 %3\nexit code 1\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6";
    let failed = told(AlertKind::Failure, "ci: stage test failed", lines);
    let through = told(AlertKind::Success, "ci: run R7 is through", "proj:w.0 %3");
    assert_eq!(failed.title, "Failed: ci: stage test failed (proj:w.0 %3)");
    assert_eq!(through.title, "Done: ci: run R7 is through (proj:w.0 %3)");
    let own = told(AlertKind::Success, "released", "released\nversion 3");
    assert_eq!(own.title, "Done: released", "the words of a policy are its own");
    let merged = Message::merged(&[failed, through, own]).unwrap();
    insta::assert_snapshot!(merged.body, @r"
    • Failed: ci: stage test failed (proj:w.0 %3) — exit code 1
      line 2
      line 3
      line 4
      line 5
      line 6
    • Done: ci: run R7 is through (proj:w.0 %3)
    • Done: released — version 3
    ");
}

#[test]
fn a_yes_by_word_names_the_command_and_has_no_buttons() {
    let asked = |confirm: Option<&str>, approvers: &[&str]| Approval {
        confirm: confirm.map(str::to_owned),
        approvers: approvers.iter().map(|name| (*name).to_owned()).collect(),
        ..approval()
    };
    let of = |asked: &Approval| Ask::of(asked, None, Lang::En, &TimeZone::UTC, &Redactor::default());
    let by_word = of(&asked(Some("go live"), &[]));
    let command = by_word.command_line(Lang::En);
    assert!(command.ends_with(" --answer 'go live'"), "{command}");
    let pressers = crate::press::Pressers::new(vec!["77".to_owned()], "");
    assert!(!by_word.takes_buttons(&pressers));
    assert!(!of(&asked(None, &["mei"])).takes_buttons(&pressers), "a press of 77 decides nothing");
    assert!(
        of(&asked(None, &["mei", "77"])).takes_buttons(&pressers) && of(&asked(None, &[])).takes_buttons(&pressers)
    );
}

#[test]
fn a_yes_by_text_names_the_command_and_has_no_buttons() {
    let asked = |options: &[&str]| Approval {
        kind: ApprovalKind::Asks,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        ..approval()
    };
    let of = |asked: &Approval| Ask::of(asked, None, Lang::En, &TimeZone::UTC, &Redactor::default());
    let by_text = of(&asked(&[]));
    assert!(
        by_text.command_line(Lang::En).ends_with(" --answer TEXT")
            && !by_text.takes_buttons(&crate::press::Pressers::new(vec!["7".to_owned()], ""))
    );
    assert!(by_text.command_line(Lang::Zh).ends_with(" --answer 文本"));
    let told = by_text.written(Markup::Plain, Lang::En, false).join("\n");
    let offered = Message { ask: Some(by_text.clone()), ..message() }.choices();
    assert_eq!((offered, message().choices().len()), (vec![("Answer…", "approve")], 2));
    assert!(told.contains("what you write is typed") && !told.contains("A yes will type"), "{told}");
    let (effect_no, options) = (vec![KeyStep::Text("n".into()), KeyStep::Key("Enter".into())], asked(&["yes", "no"]));
    let both = of(&Approval { effect_no, ..options });
    assert!(!both.command_line(Lang::En).contains("--answer"));
    let told = both.written(Markup::Plain, Lang::En, false).join("\n");
    assert!(told.contains("A no will type\nn ⏎"), "{told}");
}

#[test]
fn a_gate_that_nobody_opened_is_told_as_no_failure() {
    let alert = |title: &str| Alert {
        kind: AlertKind::Failure,
        urgency: Urgency::High,
        title: title.to_owned(),
        body: String::new(),
        approval: None,
        run: Some(RunId(3)),
        dedupe: String::new(),
        channels: Vec::new(),
    };
    let title =
        |alert: &Alert| Message::compose(alert, None, None, Lang::En, &TimeZone::UTC, &Redactor::default()).title;
    assert!(title(&alert("gate: stage go is not started")).starts_with("Note: gate"));
    assert!(title(&alert("gate: stage go failed")).starts_with("Failed: gate"));
}
