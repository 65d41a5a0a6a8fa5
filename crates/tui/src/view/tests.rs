//! What the screens look like, as text; colours and hostile text are checked apart.

mod boxes;
mod places;
mod rows;

use super::*;
use crate::keymap::Key;
use crate::model::Setup;
use crate::msg::{Action, Msg};
use crate::sample::{NOW, RunSample, Sample, StageSample, gate, key, pane, run, screen_rows, stage};
use crate::theme::{Colours, Glyphs, Theme};
use crate::update::update;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::fmt::Write as _;
use tmuxagent_ipc::wire::{Reply, ServerFrame};
use tmuxagent_model::{
    Approval, ApprovalState, HostName, HostState, HostView, PaneState, Severity, Snapshot, StageState, StageView,
    Timestamp,
};
use tmuxagent_text::Lang;

/// A screen with that snapshot, at rest for a second.
pub(super) fn screen(snapshot: Snapshot, size: (u16, u16), lang: Lang) -> Model {
    let setup =
        Setup { lang, zone: TimeZone::fixed(jiff::tz::offset(8)), version: "0.1.0".to_owned(), ..Setup::default() };
    let mut model = Model::new(setup, size, NOW);
    let mut snapshot = snapshot;
    snapshot.version = "0.1.0".to_owned();
    let began = Timestamp(NOW.0 - 1_000);
    update(&mut model, began, Msg::Linked);
    snapshot.at = began;
    update(&mut model, began, Msg::Frame(Box::new(ServerFrame::Snapshot { snapshot: Box::new(snapshot) })));
    let pane = model.pane.clone();
    if let Some(pane) = pane {
        update(&mut model, NOW, Msg::Frame(Box::new(ServerFrame::Screen { pane, rows: screen_rows() })));
    }
    update(&mut model, NOW, Msg::Tick(NOW));
    model
}

pub(super) fn press(model: &mut Model, keys: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    for name in keys.split_whitespace() {
        let key: Key = name.parse().unwrap();
        actions.extend(update(model, NOW, Msg::Key(key.to_event())));
    }
    actions
}

/// The cells as text; a wide character takes its two cells.
pub(crate) fn shown(model: &Model) -> String {
    let (width, height) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(model, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..height {
        let mut x = 0;
        let mut line = String::new();
        while x < width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(text::cells(symbol).max(1)).unwrap();
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

const SIZES: [(u16, u16); 5] = [(80, 24), (60, 15), (120, 40), (200, 60), (40, 12)];

#[test]
fn the_screen_at_every_size_in_both_languages() {
    for lang in Lang::ALL {
        for size in SIZES {
            let model = screen(Sample::busy().build(), size, lang);
            insta::assert_snapshot!(format!("screen_{}x{}_{}", size.0, size.1, lang.code()), shown(&model));
        }
    }
}

#[test]
fn a_crowded_screen_at_every_size() {
    for size in SIZES {
        let model = screen(Sample::crowded().build(), size, Lang::Zh);
        insta::assert_snapshot!(format!("crowded_{}x{}", size.0, size.1), shown(&model));
    }
}

#[test]
fn each_panel_where_only_one_is_shown() {
    for (name, keys) in [("panes", ""), ("runs", "tab"), ("approvals", "tab tab"), ("tail", "tab tab tab")] {
        let mut model = screen(Sample::crowded().build(), (60, 15), Lang::En);
        press(&mut model, keys);
        insta::assert_snapshot!(format!("panel_{name}"), shown(&model));
    }
}

#[test]
fn what_opens_over_the_panels() {
    for (name, keys) in [
        ("help", "?"),
        ("help_scrolled", "? pgdn"),
        ("approve", "a"),
        ("reject", "x"),
        ("options", "tab tab j 2"),
        ("approval", "tab tab enter"),
        ("approval_long", "tab tab j j enter"),
        ("pane", "d"),
        ("stage", "tab d"),
        ("events", "v"),
        ("principles", "P"),
        ("problems", "!"),
        ("about", "i"),
        ("start", "n"),
        ("start_confirm", "n j enter"),
        ("retry", "j r"),
        ("cancel", "tab c"),
        ("send", "s l s space - a"),
        ("send_keys", "s ctrl-t C - c space E"),
        ("send_confirm", "s 中 文 enter"),
        ("filter", "/ v o i c e"),
        ("zoom", "tab tab tab z"),
    ] {
        for (lang, size) in [(Lang::En, (80, 24)), (Lang::Zh, (80, 24)), (Lang::En, (40, 12))] {
            let mut model = screen(Sample::crowded().build(), size, lang);
            press(&mut model, keys);
            insta::assert_snapshot!(format!("over_{name}_{}x{}_{}", size.0, size.1, lang.code()), shown(&model));
        }
    }
}

/// The whole text of a screen without frames, blanks and line breaks.
fn pressed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !('\u{2500}'..='\u{257f}').contains(c)).collect()
}

#[test]
fn what_is_typed_is_never_cut_away_and_is_no_key() {
    let effect = "npm run deploy -- --env staging --region eu-central-1";
    for size in [(40, 12), (80, 24), (80, 16), (120, 40)] {
        for lang in Lang::ALL {
            let mut sample = Sample::busy();
            for n in 0..6 {
                sample = sample.approval(gate(&format!("B{n}"), 3, "points-release", "prebuild", "Really?", effect));
            }
            let mut model = screen(sample.build(), size, lang);
            press(&mut model, if size.0 == 40 { "tab tab j" } else { "tab tab j z" });
            let shown = pressed(&shown(&model));
            let wanted = match lang {
                Lang::En => format!("if approved: types \"{effect}\" Enter"),
                Lang::Zh => format!("批准后：输入 \"{effect}\" Enter"),
            };
            assert!(shown.contains(&pressed(&wanted)), "{size:?} {lang:?}: {shown}");
            assert!(!shown.contains("ayes"), "{shown}");
        }
    }
}

#[test]
fn open_questions_stand_on_top_wherever_the_cursor_is() {
    let mut sample = Sample::busy();
    for n in 0..12 {
        let decided =
            Approval { state: ApprovalState::Approved, ..gate(&format!("D{n}"), 3, "old", "stage", "Old?", "x") };
        sample = sample.approval(decided);
    }
    for size in [(40, 12), (80, 24), (120, 40)] {
        let mut model = screen(sample.clone().build(), size, Lang::En);
        press(&mut model, "tab tab G");
        assert!(shown(&model).contains("storyapp-ci / build"), "{size:?}:\n{}", shown(&model));
    }
}

#[test]
fn nothing_of_ours_is_left_in_english_on_the_chinese_screen() {
    let engine = [
        "waits for its command to end",
        "failed: run npm test: exit code 1",
        "waits for lock deploy, held by stage build of run #3",
        "held by the freeze: npm test",
        "not reached",
    ];
    let stages = engine.map(|detail| stage("s", StageState::Running, 1, 1).detail(detail));
    let sample = || {
        let run = run("p", 1, 1, "s:w.0").stages(stages.clone());
        let asked = gate("A", 1, "p", "s", "Stage s failed (timeout: not done after 30m). Run it again?", "x");
        Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).run(run).approval(asked).build()
    };
    // Names, keys and words of the policy are the same in both languages.
    let same = [
        "tmuxagent",
        "local",
        "tmux",
        "Enter",
        "Tab",
        "Space",
        "Esc",
        "PgUp",
        "PgDn",
        "Home",
        "End",
        "npm",
        "test",
        "run",
        "types",
        "exit",
        "code",
        "live",
        "pid",
        "Ctrl",
        "deploy",
        "build",
        "policy",
        "init",
        "approvals",
        "all",
        "start",
        "doctor",
        "new",
        "session",
        "SENTRY",
        "yaml",
        "bash",
        "codex",
        "idle",
        "true",
        "Shift",
        "Alt",
        "Backspace",
        "Delete",
        "Left",
        "Right",
        "Up",
        "Down",
        "Insert",
        "Page",
        "keymap",
        "node",
        "proj",
        "storyapp",
        "agent",
        "Test",
        "Suites",
        "passed",
        "total",
        "Tests",
        "Del",
        "title",
        "home",
        "lin",
    ];
    for (snapshot, keys) in [
        (Sample::empty().build(), ""),
        (sample(), ""),
        (sample(), "tab d"),
        (sample(), "tab tab d"),
        (sample(), "a"),
        (sample(), "x"),
        (sample(), "d"),
        (sample(), "?"),
        (sample(), "? pgdn"),
        (sample(), "v"),
        (sample(), "!"),
        (sample(), "P"),
        (sample(), "i"),
        (sample(), "n"),
        (sample(), "s"),
        (sample(), "/"),
        (sample(), "H"),
        (sample(), "j a"),
        (sample(), "tab r"),
        (sample(), "tab c"),
        (sample(), "tab S"),
    ] {
        let mut model = screen(snapshot, (120, 60), Lang::Zh);
        press(&mut model, keys);
        model.tail = None;
        let text = shown(&model);
        let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 2);
        let left: Vec<&str> = words.filter(|word| !same.contains(word)).collect();
        assert!(left.is_empty(), "{keys}: {left:?}\n{text}");
    }
}

/// Each that is open is seen, and of the one that the keys speak of what is asked and what a yes types.
#[test]
fn five_questions_fit_a_small_screen() {
    let mut sample = Sample::busy();
    for (n, stage) in (2..6).zip(["lint", "deploy", "release", "publish"]) {
        let (id, question) = (format!("01JN{stage}"), format!("Shall {stage} go on?"));
        sample = sample.approval(gate(&id, n, "storyapp-ci", stage, &question, &format!("npm run {stage}")));
    }
    let mut model = screen(sample.build(), (80, 24), Lang::En);
    press(&mut model, "tab tab");
    for (n, stage) in ["build", "lint", "deploy", "release", "publish"].into_iter().enumerate() {
        let text = shown(&model);
        for stage in ["build", "lint", "deploy", "release", "publish"] {
            assert!(text.contains(&format!("/ {stage} ")), "{stage}: {text}");
        }
        let asked = if n == 0 { "Build storyapp for staging?".to_owned() } else { format!("Shall {stage} go on?") };
        assert!(text.contains(&asked), "{asked}: {text}");
        let seen = pressed(&text);
        assert!(seen.contains("approved:types"), "{text}");
        press(&mut model, "j");
    }
}

#[test]
fn a_frozen_screen_and_what_it_holds_back() {
    let mut model = screen(Sample::busy().frozen().build(), (80, 24), Lang::En);
    press(&mut model, "H j");
    insta::assert_snapshot!("frozen_held", shown(&model));
    press(&mut model, "D");
    insta::assert_snapshot!("frozen_drop", shown(&model));
    press(&mut model, "n esc f");
    insta::assert_snapshot!("frozen_unfreeze", shown(&model));
}

#[test]
fn a_lost_supervisor_greys_the_panels_and_says_so() {
    let mut model = screen(Sample::busy().frozen().build(), (80, 24), Lang::En);
    let lost = Msg::LinkLost { reason: "no supervisor runs".to_owned(), retry_at: Timestamp(NOW.0 + 3_000) };
    update(&mut model, NOW, lost);
    insta::assert_snapshot!("lost", shown(&model));
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    let _ = render(&model, buffer.area, &mut buffer);
    let dim = ratatui::style::Modifier::DIM;
    assert!((4..22).all(|y| buffer[(5, y)].modifier.contains(dim)), "the old picture is grey");
}

/// What was wrong with a word is read where it is written, however little room there is.
#[test]
fn a_wrong_word_is_told_in_the_box_in_which_it_is_written() {
    for (lang, told) in [(Lang::En, "`no`isnottheword"), (Lang::Zh, "`no`不是此处同意须输入的词")] {
        for size in [(30, 8), (40, 12), (80, 24)] {
            let asked = Approval { confirm: Some("deploy".to_owned()), ..gate("A", 1, "p", "s", "Deploy?", "x") };
            let snapshot = Sample::empty().pane(pane(1, "s", "w", PaneState::NeedsApproval, "")).approval(asked);
            let mut model = screen(snapshot.build(), size, lang);
            press(&mut model, "a n o");
            assert!(!pressed(&shown(&model)).contains(told));
            press(&mut model, "enter");
            assert!(pressed(&shown(&model)).contains(told), "{size:?} {lang:?}: {}", shown(&model));
        }
    }
}

#[test]
fn what_the_program_says_in_passing_is_in_the_readers_language() {
    let mut model = screen(Sample::busy().build(), (80, 24), Lang::Zh);
    let bye = ServerFrame::Bye { reason: "the last view has gone".to_owned() };
    update(&mut model, NOW, Msg::Frame(Box::new(bye)));
    update(&mut model, NOW, Msg::Notice("host nas is not configured".to_owned()));
    for told in ["监督进程断开了连接：最后一个视图已关闭", "没有配置主机 nas"] {
        assert!(shown(&model).contains(told), "{}", shown(&model));
    }
}

#[test]
fn an_explanation_is_an_outline_of_the_stage() {
    let mut model = screen(Sample::busy().build(), (80, 24), Lang::En);
    press(&mut model, "tab");
    let actions = press(&mut model, "e");
    let [Action::Request(frame)] = actions.as_slice() else { panic!("{actions:?}") };
    let stage = |name: &str, state: &str| {
        serde_json::json!({
            "place": "proj:storyapp:agent:codex-ci.0", "pipeline": "storyapp-ci", "run": 12, "stage": name,
            "state": state, "attempt": 1, "summary": "waits for a human", "waits_for": ["a human's yes (01JNA)"],
            "started_by": { "at": NOW.0 - 41_000, "rule": "after_stage_success: test", "text": "" },
            "ended_by": null,
            "conditions": [
                { "role": "triggers", "active": false, "part": { "text": "after_stage_success: test", "holds": true,
                  "cause": { "at": NOW.0 - 41_000, "rule": "after_stage_success: test", "text": "214 passing" } } },
                { "role": "success_when", "active": true, "part": { "text": "all_of", "holds": false, "parts": [
                    { "text": "log_regex: compiled successfully", "holds": false, "cause": null, "detail": "no line yet" },
                    { "text": "exit_code: 0", "holds": false } ] } } ],
            "near_misses": [ { "at": NOW.0 - 3_000, "text": "compiled with 2 warnings \u{1b}[31m", "why": "before the start" } ],
            "approval": "01JNA", "defined_at": "policies/default.yaml:31:9"
        })
    };
    let runs = vec![stage("test", "succeeded"), stage("build", "needs_approval")];
    let reply = ServerFrame::Reply { id: frame.id, reply: Box::new(Reply::Explanation { runs }) };
    update(&mut model, NOW, Msg::Frame(Box::new(reply)));
    insta::assert_snapshot!("explain", shown(&model));

    // A supervisor of another version may answer in another form.
    press(&mut model, "esc");
    let actions = press(&mut model, "e");
    let [Action::Request(frame)] = actions.as_slice() else { panic!("{actions:?}") };
    let runs = vec![serde_json::json!({ "why": { "since": NOW.0, "holds": true, "lines": ["a\u{1b}[2J", "b"] } })];
    let reply = ServerFrame::Reply { id: frame.id, reply: Box::new(Reply::Explanation { runs }) };
    update(&mut model, NOW, Msg::Frame(Box::new(reply)));
    insta::assert_snapshot!("explain_unknown", shown(&model));
}

#[test]
fn lines_break_where_a_reader_expects() {
    for (text, width, expect) in [
        ("did you mean `triggers`?", 16, &["did you mean", "`triggers`?"][..]),
        ("数据库迁移，要用哪种方式？", 10, &["数据库迁", "移，要用哪", "种方式？"]),
        ("运行 npm run build 之后", 12, &["运行 npm run", "build 之后"]),
        ("abcdefghijkl", 5, &["abcde", "fghij", "kl"]),
        ("a  b", 2, &["a", "b"]),
        ("", 5, &[""]),
    ] {
        assert_eq!(text::wrap(text, width), expect, "{text}");
    }
}

#[test]
fn a_place_keeps_its_end() {
    for (width, expect) in [(20, "proj:故事.0"), (9, "…j:故事.0"), (8, "…:故事.0"), (6, "…事.0"), (1, "…"), (0, "")]
    {
        assert_eq!(text::cut_start("proj:故事.0", width, "…"), expect, "{width}");
    }
}

#[test]
fn remarks_stand_over_the_events_line() {
    let mut model = screen(Sample::busy().build(), (60, 15), Lang::En);
    update(&mut model, NOW, Msg::Notice("can't switch: no current client\u{1b}[2J".to_owned()));
    press(&mut model, "m");
    insta::assert_snapshot!("toasts", shown(&model));
}

#[test]
fn remarks_never_cover_a_question() {
    for (size, keys) in [((80, 24), "f"), ((60, 15), "a"), ((40, 9), "a")] {
        let bare = {
            let mut model = screen(Sample::busy().frozen().build(), size, Lang::En);
            press(&mut model, keys);
            shown(&model)
        };
        let mut model = screen(Sample::busy().frozen().build(), size, Lang::En);
        press(&mut model, keys);
        for text in ["one remark", "another remark that is long enough for two lines of a small screen", "third"] {
            update(&mut model, NOW, Msg::Notice(text.to_owned()));
        }
        let text = shown(&model);
        let question = |text: &str| text.rfind('┌').map(|at| text[at..].to_owned());
        assert_eq!(question(&text), question(&bare), "{size:?} {keys}\n{text}");
    }
    let mut model = screen(Sample::busy().frozen().build(), (60, 15), Lang::En);
    press(&mut model, "s");
    update(&mut model, NOW, Msg::Notice("one remark".to_owned()));
    let text = shown(&model);
    assert!(text.contains("│ » one remark") && text.contains("│ sends: Enter"), "{text}");
}

#[test]
fn before_anything_is_known() {
    let model = Model::new(Setup::default(), (60, 15), NOW);
    insta::assert_snapshot!("connecting", shown(&model));
    let model = screen(Sample::empty().build(), (80, 24), Lang::En);
    insta::assert_snapshot!("empty", shown(&model));
}

#[test]
fn the_retry_of_a_failed_stage_stands_in_eighty_columns() {
    let failed = || stage("test", StageState::Failed, 3, 3).timed(140, Some(20));
    let snapshot = Sample::empty()
        .pane(pane(1, "s", "w", PaneState::Failed, ""))
        .run(run("ci", 7, 1, "s:w.0").stages([failed(), stage("deploy", StageState::Waiting, 0, 1)]))
        .build();
    for lang in Lang::ALL {
        for keys in ["", "tab", "tab j"] {
            let mut model = screen(snapshot.clone(), (80, 24), lang);
            press(&mut model, keys);
            let text = shown(&model);
            let footer = text.lines().last().unwrap_or_default();
            assert!(footer.contains(lang.pick("r retry", "r 重试")), "{keys}: {footer}");
        }
    }
}

#[test]
fn too_small_is_a_sentence() {
    for lang in Lang::ALL {
        let model = screen(Sample::busy().build(), (24, 6), lang);
        insta::assert_snapshot!(format!("too_small_{}", lang.code()), shown(&model));
    }
}

#[test]
fn ascii_only_where_the_locale_is_not_utf_8() {
    let mut model = screen(Sample::busy().build(), (80, 24), Lang::En);
    model.setup.theme = Theme { colours: Colours::None, glyphs: Glyphs::Ascii };
    for keys in ["", "?", "esc a"] {
        press(&mut model, keys);
        let own: String = shown(&model).chars().filter(|c| matches!(u32::from(*c), 0x2190..=0x2bff)).collect();
        // What is left came from the panes' own output.
        assert!(own.chars().all(|c| matches!(c, '✓' | '▌')), "{own}");
    }
}

#[test]
fn no_size_makes_it_panic_and_every_row_fits() {
    for width in [1, 29, 30, 40, 64, 71, 72, 131, 160, 230] {
        for height in [1, 7, 8, 12, 15, 16, 50] {
            let mut model = screen(Sample::crowded().frozen().build(), (width, height), Lang::Zh);
            for keys in ["", "tab", "tab", "tab", "?", "esc H", "esc a", "esc s", "esc esc n", "esc v", "esc e"] {
                press(&mut model, keys);
                let text = shown(&model);
                assert!(text.lines().all(|line| text::cells(line) <= usize::from(width)), "{width}x{height}\n{text}");
            }
        }
    }
}

const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}txt\u{200b}\u{feff}\r\nb\u{9b}31mZ̴̡̢̛̗a̷l\u{0}中\u{2028}👩🏽‍💻\t|";

#[test]
fn hostile_text_stays_inside_its_cells() {
    let mut hostile = pane(1, HOSTILE, HOSTILE, PaneState::Idle, HOSTILE);
    hostile.info.facts.title = HOSTILE.to_owned();
    hostile.info.facts.agent = HOSTILE.to_owned();
    let snapshot = Sample::empty()
        .pane(hostile)
        .run(run(HOSTILE, 1, 1, HOSTILE).stages([stage(HOSTILE, StageState::Running, 1, 3).detail(HOSTILE)]))
        .approval(tmuxagent_model::Approval {
            options: vec![HOSTILE.to_owned()],
            evidence: vec![HOSTILE.to_owned()],
            ..gate("1", 1, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
        })
        .events([crate::sample::event(1, 1, Severity::Info, tmuxagent_model::Note::Text { text: HOSTILE.to_owned() })])
        .problem(HOSTILE, HOSTILE)
        .principles([HOSTILE])
        .build();
    for keys in ["", "a", "d", "tab d", "tab tab enter", "v", "P", "!", "i", "n", "s"] {
        for size in SIZES {
            let mut model = screen(snapshot.clone(), size, Lang::En);
            press(&mut model, keys);
            if keys == "s" {
                update(&mut model, NOW, Msg::Paste(HOSTILE.to_owned()));
            }
            let (width, height) = size;
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            let _ = render(&model, buffer.area, &mut buffer);
            for cell in buffer.content() {
                let bad = |c: char| c.is_control() || tmuxagent_text::is_hidden(c);
                assert!(!cell.symbol().chars().any(bad), "{keys} {size:?}: {:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn an_effect_hides_nothing() {
    let question = gate("1", 1, "ci", "deploy", "Deploy?", "echo ok\u{202e}\u{200b}; rm -rf /\n#");
    let snapshot = Sample::empty().pane(pane(1, "s", "w", PaneState::Idle, "")).approval(question).build();
    let mut model = screen(snapshot, (100, 30), Lang::En);
    press(&mut model, "a");
    let text = shown(&model);
    assert!(text.contains("if approved: types \"echo ok<U+202E><U+200B>; rm -rf /␊#\" Enter"), "{text}");
}

/// What a terminal shows after our bytes: the picture through the crossterm back end into an emulator.
#[test]
fn a_terminal_shows_the_same_cells() {
    for (size, lang) in [((80, 24), Lang::Zh), ((120, 40), Lang::Zh), ((60, 15), Lang::En)] {
        let model = screen(Sample::crowded().build(), size, lang);
        let mut bytes: Vec<u8> = Vec::new();
        let mut terminal = ratatui::Terminal::with_options(
            ratatui::backend::CrosstermBackend::new(&mut bytes),
            ratatui::TerminalOptions { viewport: ratatui::Viewport::Fixed(Rect::new(0, 0, size.0, size.1)) },
        )
        .unwrap();
        terminal.draw(|frame| draw(&model, frame)).unwrap();
        drop(terminal);
        let mut emulator = vt100::Parser::new(size.1.try_into().unwrap(), size.0.try_into().unwrap(), 0);
        emulator.process(&bytes);
        let seen: Vec<String> = emulator.screen().rows(0, size.0).map(|row| row.trim_end().to_owned()).collect();
        let meant: Vec<String> = shown(&model).lines().map(str::to_owned).collect();
        assert_eq!(seen, meant);
    }
}

#[test]
fn a_click_finds_the_row_under_it() {
    let mut model = screen(Sample::busy().build(), (80, 24), Lang::En);
    let text = shown(&model);
    let find = |needle: &str| {
        let (y, line) = text.lines().enumerate().find(|(_, line)| line.contains(needle)).unwrap();
        let x = text::cells(&line[..line.find(needle).unwrap()]);
        (u16::try_from(x).unwrap(), u16::try_from(y).unwrap())
    };
    assert_eq!(hit(&model, find("笔记")), Some((Panel::Panes, Some(3))));
    assert_eq!(hit(&model, find("Build storyapp")), Some((Panel::Approvals, Some(0))));
    assert_eq!(hit(&model, find("Panes")), Some((Panel::Panes, None)));
    model.size = (60, 15);
    assert_eq!(hit(&model, (20, 1)), Some((Panel::Approvals, None)), "a name in the tabs");
}

/// A busy screen for other tests.
pub(crate) fn busy_screen() -> Model {
    screen(Sample::busy().build(), (100, 30), Lang::Zh)
}

#[test]
fn many_machines_leave_room_for_those_that_are_in_trouble() {
    let mut snapshot = Sample::busy().build();
    let first = snapshot.hosts[0].clone();
    snapshot.hosts = (0..50)
        .map(|n| {
            let state = if n % 20 == 7 { HostState::Unreachable } else { HostState::Live };
            HostView { name: HostName::new(format!("build-server-{n}")), state, ..first.clone() }
        })
        .collect();
    let shown = shown(&screen(snapshot, (120, 40), Lang::En));
    let row = shown.lines().next().unwrap_or_default();
    for part in ["47 hosts", "build-server-7 ", "build-server-27 ", "build-server-47 "] {
        assert!(row.contains(part), "{part} is missing in {row}");
    }
}

#[test]
fn a_pane_that_cannot_be_seen_now_says_since_when() {
    let mut lost = pane(1, "work", "far", PaneState::Stale, "its last line");
    lost.info.key.host = HostName::new("nas");
    // It printed in the last second that it was seen; what counts is how long that is ago.
    lost.last_output = Some(NOW);
    let sample = Sample::empty().pane(lost).host("nas", HostState::Unreachable, "no route to it");
    let shown = shown(&screen(sample.build(), (120, 40), Lang::En));
    let row = shown.lines().find(|row| row.contains("work:far")).unwrap_or(&shown);
    assert!(row.contains("stale") && row.contains("1m"), "{row}");
}

#[test]
fn a_server_on_which_another_supervisor_types_is_named_with_it() {
    let mut snapshot = Sample::busy().build();
    snapshot.hosts[0].state = HostState::Watching;
    let owner =
        tmuxagent_model::Owner { user: "ann".into(), machine: "laptop".into(), pid: 4711, ..Default::default() };
    snapshot.hosts[0].owner = Some(Box::new(owner));
    let english = shown(&screen(snapshot.clone(), (100, 30), Lang::En));
    assert!(english.contains("local watched only  ann's tmuxagent on laptop (process 4711) types there"), "{english}");
    let chinese = shown(&screen(snapshot, (100, 30), Lang::Zh));
    assert!(chinese.contains("laptop") && chinese.contains("4711"), "{chinese}");
}

#[test]
fn a_stage_shows_its_pane_and_its_round_where_they_are_not_obvious() {
    let mut fix = stage("fix", StageState::Running, 1, 1);
    (fix.round, fix.rounds, fix.pane) = (2, 5, Some(key(4)));
    let first = StageView { round: 1, rounds: 5, ..stage("test", StageState::Succeeded, 1, 1) };
    let runs = run("ship", 3, 1, "s:w.1").stages([first, fix]);
    let snapshot = Sample::empty().pane(pane(1, "s", "w", PaneState::Running, "")).run(runs).build();
    for (lang, round) in [(Lang::En, "round 2/5 %4"), (Lang::Zh, "第 2/5 轮 %4")] {
        let text = shown(&screen(snapshot.clone(), (80, 24), lang));
        assert!(text.contains(round) && text.matches("/5").count() == 1, "{text}");
    }
}

#[test]
fn the_machines_name_stands_in_the_dialog_that_sends() {
    let mut far = pane(5, "main", "ci", PaneState::Idle, "$");
    far.info.key.host = HostName::new("nas");
    let snapshot = Sample::empty().host("nas", HostState::Live, "").pane(far).build();
    let mut model = screen(snapshot, (80, 24), Lang::En);
    press(&mut model, "s l s");
    let text = shown(&model);
    assert!(text.contains("send text  @ nas/main:ci.0 %5"), "{text}");
    press(&mut model, "中 enter");
    let text = shown(&model);
    assert!(text.contains("type this?") && text.contains("@ nas/main:ci.0 %5"), "{text}");
}
