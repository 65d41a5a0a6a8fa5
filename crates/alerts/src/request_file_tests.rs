use super::*;
use crate::message::tests::approval;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use tmuxagent_model::HostName;

fn read(content: &str) -> Written {
    let asked = Approval { options: vec!["staging".into(), "prod eu".into()], ..approval() };
    let request = request_text(&asked, "mei", (Lang::En, &TimeZone::UTC), &Redactor::default(), None);
    read_decision(&content.replace("REQUEST", &request), Some(&request), &asked, Lang::En)
}

#[test]
fn a_request_reads_by_itself() {
    insta::assert_snapshot!(request_text(&approval(), "mei", (Lang::En, &TimeZone::UTC), &Redactor::default(), Some("not understood: `x`")), @r"
    Build after green tests?

    where: proj:storyapp.0 %3
    pipeline: storyapp-ci
    stage: build
    why: a stage wants to start
    asked: 2023-11-14 22:13 UTC
    until: 2023-11-14 23:13 UTC
    code: XDG4

    A yes will type:
      npm run build
      [Enter]

    Last lines:
      Tests: 42 passed
      Done in 3.1s

    To decide: echo approve > THIS-FILE   or   echo reject > THIS-FILE
    # not understood: `x`
    ");
    assert_eq!(approval_of(&file_name(&approval())), Some(approval().id));
    assert_eq!(["a.txt", "--A.1", "a--A.b.txt", "a--../A.1.txt"].map(approval_of), [None, None, None, None]);
    assert_eq!(file_name(&approval()), "local--proj_storyapp.0--storyapp-ci--build--01J8ZQ4M3V5C2N7R9T1W6X8Y0A.1.txt");
}

#[test]
fn what_people_write_is_understood() {
    let yes = |answer: Option<&str>| Written::Decided(Verdict { approve: true, answer: answer.map(str::to_owned) });
    let no = Written::Decided(Verdict { approve: false, answer: None });
    for (content, expected) in [
        ("approve\n", yes(None)),
        ("REQUESTapprove\n", yes(None)),
        ("  YES  \r\n", yes(None)),
        ("批准", yes(None)),
        ("\u{feff}ok", yes(None)),
        ("approve staging", yes(Some("staging"))),
        ("prod eu\n", yes(Some("prod eu"))),
        ("reject\n", no.clone()),
        ("REQUEST拒绝", no),
        ("", Written::Nothing),
        ("\n", Written::Nothing),
        ("REQUEST", Written::Nothing),
    ] {
        assert_eq!(read(content), expected, "{content}");
    }
}

#[test]
fn a_request_of_an_earlier_life_is_known_in_any_language() {
    let (asked, redactor) = (approval(), Redactor::default());
    let left = |lang, note: Option<&str>| request_text(&asked, "mei", (lang, &TimeZone::UTC), &redactor, note);
    let no = Written::Decided(Verdict { approve: false, answer: None });
    for written in [Lang::En, Lang::Zh] {
        for read in [Lang::En, Lang::Zh] {
            for note in [None, Some("not understood: `aprove`")] {
                let content = left(written, note);
                assert_eq!(read_decision(&content, None, &asked, read), Written::Nothing, "{content}");
                assert_eq!(read_decision(&format!("{content}reject\n"), None, &asked, read), no);
            }
            let within = left(written, None).replacen("\n\n", "\napprove\n", 1);
            assert!(matches!(read_decision(&within, None, &asked, read), Written::Wrong(_)), "{within}");
        }
    }
    let changed = format!("{}aprove\n", left(Lang::En, None));
    let Written::Wrong(said) = read_decision(&changed, None, &asked, Lang::Zh) else { panic!("{changed}") };
    assert!(said.starts_with("无法识别"), "in the language in which the request is written anew: {said}");
    let within = left(Lang::En, None).replacen("\n\n", "\naprove\n", 1);
    assert!(matches!(read_decision(&within, Some(&left(Lang::En, None)), &asked, Lang::En), Written::Wrong(_)));
    assert_eq!(read_decision("# ours\n", None, &asked, Lang::En), Written::Nothing);
    assert!(!has_word("# already approved by li\n") && !is_request("# already approved by li\n"));
}

#[test]
fn a_word_that_a_yes_takes_is_named_and_taken() {
    let asked = Approval { confirm: Some("build".into()), approvers: vec!["mei".into(), "li".into()], ..approval() };
    for lang in [Lang::En, Lang::Zh] {
        let request = request_text(&asked, "mei", (lang, &TimeZone::UTC), &Redactor::default(), None);
        assert!(request.contains("build\n") && request.contains("mei, li") && !request.contains("echo approve"));
        let read = |word: &str| read_decision(&format!("{request}{word}\n"), Some(&request), &asked, lang);
        let yes = Written::Decided(Verdict { approve: true, answer: Some("build".to_owned()) });
        assert_eq!((read("build"), read("approve build"), read("")), (yes.clone(), yes, Written::Nothing));
        assert_eq!(read("reject"), Written::Decided(Verdict { approve: false, answer: None }));
        for other in ["approve", "yes", "deploy", "Build", "approve deploy"] {
            let Written::Wrong(said) = read(other) else { panic!("{other}") };
            assert!(said.contains("build"), "{said}");
        }
        let strangers = request_text(&asked, "wu", (lang, &TimeZone::UTC), &Redactor::default(), None);
        assert!(!strangers.contains("echo reject") && is_request(&strangers));
    }
}

#[test]
fn a_text_that_a_command_waits_for_is_named_and_taken() {
    let asked = Approval { kind: ApprovalKind::Asks, effect: Vec::new(), ..approval() };
    for lang in [Lang::En, Lang::Zh] {
        let request = request_text(&asked, "mei", (lang, &TimeZone::UTC), &Redactor::default(), None);
        assert!(request.contains("answer: ") && !request.contains("echo approve"), "{request}");
        assert!(request.contains(Text::EffectWritten.of(lang)) && !request.contains("reject"), "{request}");
        assert!(is_request(&request) && !has_word(&request));
        for known in [Some(request.as_str()), None] {
            let read = |word: &str| read_decision(&format!("{request}{word}\n"), known, &asked, lang);
            let yes = |text: &str| Written::Decided(Verdict { approve: true, answer: Some(text.to_owned()) });
            assert_eq!((read("answer: main"), read("Answer:main ")), (yes("main"), yes("main")));
            assert_eq!((read("回答：发布 2"), read("answer: no")), (yes("发布 2"), yes("no")));
            assert_eq!(read("reject"), Written::Wrong(Text::NoPlainNo.of(lang).to_owned()));
            assert_eq!(read(""), Written::Nothing);
            for other in ["approve", "yes", "main", "approve main", "answer:", "answer: a\u{1b}b", "answer: a\nb"] {
                let Written::Wrong(said) = read(other) else { panic!("{other}") };
                assert!(said.contains("answer: ") && !said.contains("(approve?)"), "{said}");
            }
            let within = request.replacen("\n\n", "\nanswer: main\n", 1);
            assert!(matches!(read_decision(&within, known, &asked, lang), Written::Wrong(_)), "{within}");
        }
    }
}

#[test]
fn each_answer_and_a_no_say_what_they_type() {
    let steps = |text: &str| vec![KeyStep::Text(text.into()), KeyStep::Key("Enter".into())];
    let asked = Approval {
        kind: ApprovalKind::Asks,
        options: vec!["yes".into(), "no".into()],
        option_effects: vec![steps("y"), steps("n")],
        effect_no: steps("n"),
        ..approval()
    };
    let request = request_text(&asked, "mei", (Lang::En, &TimeZone::UTC), &Redactor::default(), None);
    for told in ["The answer yes will type:\n  y\n  [Enter]\n", "A no will type:\n  n\n  [Enter]\n"] {
        assert!(request.contains(told), "{request}");
    }
    assert_eq!(read_decision(&request, None, &asked, Lang::En), Written::Nothing);
}

#[test]
fn an_answer_by_its_key_is_one_of_those_that_there_are() {
    let yes = |answer: &str| Written::Decided(Verdict { approve: true, answer: Some(answer.to_owned()) });
    assert_eq!((read("answer: staging"), read("answer: 2")), (yes("staging"), yes("prod eu")));
    assert!(matches!(read("answer: mars"), Written::Wrong(_)));
    let agent = Approval { kind: ApprovalKind::Agent, ..approval() };
    assert_eq!(read_decision("answer: on a branch", None, &agent, Lang::En), yes("on a branch"));
    // A gate asks for no text.
    assert!(matches!(read_decision("answer: now", None, &approval(), Lang::En), Written::Wrong(_)));
}

#[test]
fn a_word_of_a_yes_that_says_no_is_no_yes() {
    for (word, written) in [("no", "no"), ("reject", "reject"), ("No", "NO"), ("拒绝", "拒绝")] {
        let asked = Approval { confirm: Some(word.to_owned()), ..approval() };
        let no = Written::Decided(Verdict { approve: false, answer: None });
        assert_eq!(read_decision(written, None, &asked, Lang::En), no, "{word}");
        let both = read_decision(&format!("approve {word}"), None, &asked, Lang::En);
        assert!(matches!(both, Written::Wrong(_)), "{word}");
    }
    let asked = Approval { confirm: Some("yes".to_owned()), ..approval() };
    let yes = Written::Decided(Verdict { approve: true, answer: Some("yes".to_owned()) });
    assert_eq!(read_decision("yes", None, &asked, Lang::En), yes);
    for other in ["YES", "ok", "approve", "yes."] {
        assert!(matches!(read_decision(other, None, &asked, Lang::En), Written::Wrong(_)), "{other}");
    }
}

#[test]
fn anything_else_is_answered() {
    for content in ["aprove", "approve?? maybe", "approve\nreject\n", "approve mars", "reject it", "REQUEST approve me"]
    {
        assert!(matches!(read(content), Written::Wrong(_)), "{content}");
    }
    assert_eq!(
        read("aprove"),
        Written::Wrong("not understood: `aprove` (approve?); write `approve`, `reject` or one of the answers".into())
    );
}

#[test]
fn a_word_means_its_verdict_whatever_the_answers_are_called() {
    let yes = |answer: &str| Written::Decided(Verdict { approve: true, answer: Some(answer.to_owned()) });
    let plain = |approve| Written::Decided(Verdict { approve, answer: None });
    let of = |options: &[&str], content: &str| {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        read_decision(content, None, &Approval { options, ..approval() }, Lang::En)
    };
    let (words, letters) = (&["approve", "reject"][..], &["No", "Yes"][..]);
    assert_eq!(of(words, "reject\n"), plain(false));
    assert_eq!(of(words, "approve\n"), yes("approve"));
    assert_eq!(of(words, "2\n"), yes("reject"), "by its number");
    assert_eq!(
        (of(letters, "no"), of(letters, "NO."), of(letters, "reject")),
        (plain(false), plain(false), plain(false))
    );
    assert_eq!(
        (of(letters, "yes"), of(letters, "approve 2"), of(letters, "ok")),
        (yes("Yes"), yes("Yes"), plain(true))
    );
    for contradiction in ["approve reject", "approve no", "reject yes", "3", "0", "-1"] {
        assert!(matches!(of(letters, contradiction), Written::Wrong(_)), "{contradiction}");
    }
    // An answer may be called like a number.
    assert_eq!(of(&["2", "1"], "2"), yes("2"));
}

proptest! {
    #[test]
    fn what_a_pane_printed_is_nobodys_word(
        lines in prop::collection::vec(
            prop_oneof![".{0,30}", r"[ \t#]{0,3}(ok|yes|no|y|n|approve|REJECT|是|否)[.!]?[ \r\n]{0,2}", "To decide.{0,60}", Just(HOW[0].to_owned())],
            0..6,
        ),
        zh: bool, read_zh: bool,
    ) {
        let of = |zh| if zh { Lang::Zh } else { Lang::En };
        let asked = Approval { evidence: lines, ..approval() };
        let request = request_text(&asked, "mei", (of(zh), &TimeZone::UTC), &Redactor::default(), None);
        for known in [None, Some(request.as_str())] {
            prop_assert_eq!(read_decision(&request, known, &asked, of(read_zh)), Written::Nothing);
        }
    }

    #[test]
    fn names_stay_in_their_folder(
        host in ".{0,80}", place in ".{0,200}", pipeline in prop::option::of(".{0,80}"), stage in prop::option::of("[./]{0,9}.{0,80}"),
        id in ".{0,60}",
    ) {
        let mut asked = approval();
        asked.pane.host = HostName::new(host);
        asked.place = place;
        asked.pipeline = pipeline;
        asked.stage = stage;
        asked.id = ApprovalId::new(id.clone());
        let name = file_name(&asked);
        prop_assert!(name.len() <= 240 && !name.contains(['/', '\0']) && !name.starts_with('.'), "{}", name);
        prop_assert!(name.chars().all(|c| !c.is_control()));
        let other = Approval { id: ApprovalId::new(format!("{id}.")), ..asked.clone() };
        prop_assert_ne!(file_name(&other), name.clone());
        let newer = Approval { revision: 2, ..asked };
        prop_assert_ne!(file_name(&newer), name);
    }

    #[test]
    fn no_request_decides_itself(question in ".{0,60}", evidence in prop::collection::vec(".{0,60}", 0..4)) {
        let asked = Approval { question, evidence, ..approval() };
        let request = request_text(&asked, "mei", (Lang::En, &TimeZone::UTC), &Redactor::default(), None);
        prop_assert_eq!(read_decision(&request, Some(&request), &asked, Lang::En), Written::Nothing);
        prop_assert!(!has_word(&request) && is_request(&request));
        let cut: String = request.chars().take(request.chars().count() / 2).collect();
        prop_assert!(!matches!(read_decision(&cut, Some(&request), &asked, Lang::En), Written::Decided(_)) || !cut.contains('\n'));
    }
}
