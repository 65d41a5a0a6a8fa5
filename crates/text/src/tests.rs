//! Languages, sanitised text, notes in both languages.

use super::*;
use tmuxagent_model::{
    ApprovalId, ApprovalState, ConfigPart, Decider, HostState, HowChanged, IntentId, Malformed, MessageType, Millis,
    Note, PartChange, RunId, RunState, SkipReason, Timestamp, Trouble, Via,
};

#[test]
fn the_language_of_a_locale() {
    for (locale, lang) in [
        ("zh_CN.UTF-8", Lang::Zh),
        ("zh", Lang::Zh),
        ("zh-Hant-TW", Lang::Zh),
        ("ZH_SG", Lang::Zh),
        ("en_US.UTF-8", Lang::En),
        ("C.UTF-8", Lang::En),
        ("", Lang::En),
        ("zhuang", Lang::En),
    ] {
        assert_eq!(Lang::from_locale(locale), lang, "{locale}");
    }
}

#[test]
fn cleaned_text_is_one_line_that_hides_no_escape() {
    for (text, expect) in [
        ("a\u{1b}[31mb", "a␛[31mb"),
        ("a\tb\nc\r", "a b␊c␍"),
        ("x\u{202e}y\u{200b}z\u{feff}", "xyz"),
        ("\u{9b}2J\u{7f}", "�2J␡"),
        ("e\u{301}\u{302}\u{303}\u{304}\u{305}", "e\u{301}\u{302}\u{303}"),
        ("\u{301}a", "a"),
        ("👩🏽‍💻️", "👩💻"),
        ("中文 ok", "中文 ok"),
    ] {
        assert_eq!(clean(text), expect, "{text:?}");
    }
    assert_eq!(clean_block("a\nb\u{1b}"), ["a", "b␛"]);
}

#[test]
fn revealed_text_names_what_it_hides() {
    assert_eq!(reveal("ok\u{202e}\u{200b}\n\tend"), "ok<U+202E><U+200B>␊␉end");
}

#[test]
fn a_stage_of_a_run_that_is_over_waits_for_nothing() {
    for (lang, told) in [(Lang::En, "not reached"), (Lang::Zh, "未执行到")] {
        assert_eq!(state::stage_ended(lang, tmuxagent_model::StageState::Waiting), told);
        assert_ne!(state::stage_state(lang, tmuxagent_model::StageState::Waiting), told);
    }
}

proptest::proptest! {
    #[test]
    fn no_text_gets_through_with_control_or_hidden_characters(text in ".{0,200}") {
        for text in [clean(&text), reveal(&text)] {
            proptest::prop_assert!(!text.chars().any(|c| c.is_control() || is_hidden(c)), "{text:?}");
        }
    }
}

#[test]
fn spans_and_instants() {
    let now = Timestamp(1_772_443_800_000);
    let shown = |lang| {
        let spans = [900, 59_000, 185_000, 7_800_000, 273_600_000].map(|ms| span(lang, Millis(ms)));
        let agos = [500, 5_000, 190_000, 7_300_000, 180_000_000].map(|ms| ago(lang, now, now - Millis(ms)));
        (spans.join(" "), agos.join(" "))
    };
    assert_eq!(shown(Lang::En), ("0s 59s 3m05s 2h10m 3d04h".to_owned(), "now 5s 3m 2h 2d".to_owned()));
    assert_eq!(shown(Lang::Zh), ("0秒 59秒 3分05秒 2时10分 3天04时".to_owned(), "刚刚 5秒 3分 2时 2天".to_owned()));
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    assert_eq!((clock(&zone, now), clock_seconds(&zone, now)), ("17:30".to_owned(), "17:30:00".to_owned()));
    assert_eq!(clock(&zone, Timestamp(i64::MAX)), "--:--");
}

#[test]
fn spans_in_sentences_and_what_is_gone_are_told_in_chinese() {
    let told = |text| crate::sentence(Lang::Zh, text);
    assert_eq!(told("its time limit, in 1h59m"), "时限，还有 1时59分");
    assert_eq!(told("silent for 4.2s"), "已静默 4.2秒");
    assert_eq!(told("pane: it is gone"), "窗格：已消失");
}

#[test]
fn every_screen_text_is_written_in_both_languages() {
    for text in Text::ALL {
        assert!(!text.of(Lang::En).is_empty() && text.of(Lang::En).is_ascii(), "{text:?}");
        assert!(text.of(Lang::Zh).chars().any(|c| c > '\u{2e7f}'), "{text:?}");
    }
}

fn notes() -> Vec<Note> {
    let run = RunId(12);
    let by = Decider::named("lin\u{1b}", Via::Link);
    let text = |text: &str| text.to_owned();
    let stage = || text("构建\nbuild");
    let approval = ApprovalId::new("01JNABCDEFGH");
    let intent = IntentId::new("i-1");
    vec![
        Note::RunStarted { run, pipeline: text("ci") },
        Note::RunEnded { run, pipeline: text("ci"), state: RunState::Failed },
        Note::StageTriggered { run, stage: stage(), by: text("log_regex: ok") },
        Note::StageNeedsApproval { run, stage: stage(), approval: approval.clone() },
        Note::StageStarted { run, stage: stage(), attempt: 1 },
        Note::StageStarted { run, stage: stage(), attempt: 2 },
        Note::StageSucceeded { run, stage: stage(), by: text("214 passing"), took: Millis(87_000) },
        Note::StageFailed { run, stage: stage(), by: String::new(), attempt: 1, said: String::new() },
        Note::StageFailed { run, stage: stage(), by: String::new(), attempt: 3, said: String::new() },
        Note::StageRetrying { run, stage: stage(), attempt: 2, max: 2, after: Millis(10_000) },
        Note::StageEscalated { run, stage: stage(), code: text("E42") },
        Note::StageSkipped { run, stage: stage(), why: String::new() },
        Note::StageSkipped { run, stage: stage(), why: "if inputs.env is prod: it is staging".to_owned() },
        Note::ActionSkipped {
            run,
            stage: stage(),
            action: text("./deploy.sh ⏎"),
            why: "if inputs.env is prod: it is staging".to_owned(),
        },
        Note::StageCancelled { run, stage: stage(), why: text("pane closed") },
        Note::StageNotStarted { run, stage: stage(), why: text("rejected: by ann via key") },
        Note::ApprovalAsked { approval: approval.clone(), question: text("Deploy?") },
        Note::ApprovalDecided { approval: approval.clone(), approve: true, by: by.clone() },
        Note::ApprovalClosed { approval: approval.clone(), state: ApprovalState::Expired },
        Note::DecisionRefused { approval, why: text("late"), by: by.clone() },
        Note::Sent { intent: intent.clone(), text: text("npm test\u{200b}") },
        Note::NotSent { intent: intent.clone(), text: text("y"), reason: SkipReason::OtherCommand(text("vim")) },
        Note::EffectFailed { intent: intent.clone(), error: text("boom") },
        Note::Held { intent, text: text("y") },
        Note::Frozen { by: by.clone() },
        Note::Unfrozen { by },
        Note::AgentSaid { kind: MessageType::Status, stage: Some(text("lint")), summary: text("ok") },
        Note::MalformedMessage { error: Malformed::NotText(text("ok")) },
        Note::Gap { pane: text("local:%3") },
        Note::PaneSeen { pane: text("local:%3") },
        Note::PaneGone { pane: text("local:%3") },
        Note::PaneLeft { pane: text("local:%3") },
        Note::Refused { why: text("no such run") },
        Note::Reloaded {
            changes: vec![
                PartChange { part: ConfigPart::Host, name: text("nas"), how: HowChanged::Removed },
                PartChange { part: ConfigPart::Channel, name: text("team"), how: HowChanged::Added },
            ],
        },
        Note::PolicyLoaded { pipelines: 3 },
        Note::PolicyBroken { error: text("a.yaml:1:2: bad") },
        Note::Host { host: text("nas"), state: HostState::Unreachable, detail: text("no route") },
        Note::Text { text: text("hello") },
    ]
}

/// A run of English words that is none of the values put in.
fn english_in(text: &str) -> Option<String> {
    let mut run: Vec<&str> = Vec::new();
    for word in text.split(|c: char| !(c.is_ascii_alphabetic() || c == '\'')) {
        if word.len() > 1 && word.chars().any(|c| c.is_ascii_lowercase()) {
            run.push(word);
            if run.len() > 2 {
                return Some(run.join(" "));
            }
        } else if !word.is_empty() {
            run.clear();
        }
    }
    None
}

#[test]
fn every_trouble_is_told_in_chinese() {
    let x = || "X1".to_owned();
    let troubles = [
        Trouble::Listen { address: x(), error: "Address already in use (os error 98)".to_owned() },
        Trouble::NoLinkKey { error: x() },
        Trouble::CollectorFailed,
        Trouble::CollectorNotStarted { error: x() },
        Trouble::NotSaved { error: "the disk of the state database is full; free some space".to_owned() },
        Trouble::Told("/x/a.yaml is refused: everybody can write it (mode 666), and with it what is done".to_owned()),
        Trouble::Told("no backup was made: the state database is closed".to_owned()),
    ];
    for it in &troubles {
        let text = trouble(Lang::Zh, it);
        assert_eq!(english_in(&text), None, "{text}");
        assert_ne!(text, it.to_string());
    }
    let malformed_ones = [
        Malformed::CutOff,
        Malformed::NotClosed,
        Malformed::NotJson(x()),
        Malformed::NotAnObject,
        Malformed::NoType,
        Malformed::UnknownType(x()),
        Malformed::NotText(x()),
        Malformed::NotTruth(x()),
        Malformed::NotTexts(x()),
        Malformed::NotExitCode(x()),
        Malformed::NotValues(x()),
        Malformed::Told("the JSON is not closed".to_owned()),
    ];
    for it in &malformed_ones {
        let text = malformed(Lang::Zh, it);
        assert_eq!(english_in(&text), None, "{text}");
        assert_ne!(text, it.to_string());
    }
}

#[test]
fn notes_as_sentences() {
    let told = |lang| notes().iter().map(|note| note_text(lang, note)).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("notes_en", told(Lang::En));
    insta::assert_snapshot!("notes_zh", told(Lang::Zh));
    assert!(!(told(Lang::En) + &told(Lang::Zh)).contains(['\u{1b}', '\u{200b}']));
}

#[test]
fn the_language_is_the_one_asked_for_first() {
    for (header, lang) in [
        ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh),
        ("en-US,en;q=0.9,zh;q=0.8", Lang::En),
        ("en;q=0.3, zh;q=0.7", Lang::Zh),
        ("fr, de;q=0.5, zh;q=0.1", Lang::Zh),
        ("C", Lang::En),
        ("", Lang::En),
        ("*;q=zz,,;;", Lang::En),
    ] {
        assert_eq!(Lang::from_header(header), lang, "{header}");
    }
}
