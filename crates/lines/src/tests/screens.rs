//! Screens that a program owns, one after the other.

use super::*;

const LOG: &str = "### SENTRY {\"type\":\"LOG\"}";

/// A pane of 40×12 on the alternate screen whose pictures are whole.
fn owned() -> Pane {
    let mut pane = Pane::new(40, 12);
    pane.bytes("\x1b[?1049h").quiet();
    pane
}

fn rows(from: usize, to: usize) -> String {
    (from..to).map(|n| format!("line {n:02}\n")).collect()
}

#[test]
fn what_scrolls_in_is_told_once() {
    let mut pane = owned();
    let footer = "\n> \n  ready\n";
    pane.screen(&format!("{}{footer}", rows(0, 6))).told();
    pane.screen(&format!("{}{footer}", rows(2, 8)));
    assert_eq!(pane.told(), ["line 06", "line 07"]);
    pane.screen(&format!("{}{footer}", rows(20, 26)));
    assert_eq!(pane.told(), (20..26).map(|n| format!("line {n}")).collect::<Vec<_>>(), "a whole page further");
}

#[test]
fn spinners_and_clocks_tell_nothing() {
    let mut pane = owned();
    pane.screen("• Working (0s • esc to interrupt)\n\n> ").told();
    for second in 1..100 {
        pane.screen(&format!(
            "{} Working ({second}s • esc to interrupt)\n\n> ",
            if second % 2 == 0 { '•' } else { '◦' }
        ));
    }
    assert_eq!(pane.told(), [""; 0]);
    pane.screen("Tests: 0 failed\n\n> ").told();
    pane.screen("Tests: 2 failed\n\n> ");
    assert_eq!(pane.told(), ["Tests: 2 failed"]);
}

#[test]
fn a_question_asked_twice_is_seen_twice() {
    let mut pane = owned();
    let work = "did a\ndid b\ndid c\n";
    let dialog = "Do you want to proceed?\n› 1. Yes\n  2. No\n";
    let composer = "› Ask\n  footer\n";
    pane.screen(&format!("{work}{dialog}")).told();
    pane.screen(&format!("{work}{composer}")).told();
    pane.screen(&format!("{work}Working\n{composer}")).told();
    pane.screen(&format!("{work}{dialog}"));
    assert!(pane.told().contains(&"Do you want to proceed?".to_owned()));
    // Painted again it is not.
    pane.screen("").screen("did a\n").screen(&format!("{work}{dialog}"));
    assert_eq!(pane.told(), [""; 0]);
}

#[test]
fn what_a_popup_covered_is_not_told_again() {
    let mut pane = owned();
    let screen = |middle: &str| format!("top 1\ntop 2\n{middle}bottom 1\nbottom 2\n");
    let under = "message one\nmessage two\n";
    pane.screen(&screen(under)).told();
    for _ in 0..2 {
        pane.screen(&screen("│ Really? │\n│ yes no  │\n"));
        assert_eq!(pane.told(), ["│ Really? │", "│ yes no  │"], "each time it opens");
        pane.screen(&screen(under));
        assert_eq!(pane.told(), [""; 0]);
    }
}

#[test]
fn looking_back_and_forth_tells_nothing() {
    let mut pane = owned();
    let screen = |from: usize| format!("{}\n> \n", rows(from, from + 8));
    pane.screen(&screen(0)).screen(&screen(2)).screen(&screen(5)).told();
    for from in [4, 2, 0, 1, 3, 5] {
        pane.screen(&screen(from));
        assert_eq!(pane.told(), [""; 0], "at {from}");
    }
    pane.screen(&screen(6));
    assert_eq!(pane.told(), ["line 13"]);
}

#[test]
fn text_wrapped_anew_after_a_resize_is_not_told_again() {
    let mut pane = owned();
    pane.screen(&format!("• The quick brown fox jumps over the\n  lazy dog and runs away.\n{LOG}\n\n> ")).told();
    pane.reader.resize(24, 12);
    pane.screen(&format!("• The quick brown fox\n  jumps over the lazy\n  dog and runs away.\n{LOG}\n\n> "));
    assert_eq!(pane.told(), [""; 0]);
    pane.screen(&format!(
        "• The quick brown fox\n  jumps over the lazy\n  dog and runs away.\n{LOG}\n{LOG}\nnew\n\n> "
    ));
    assert_eq!(pane.told(), [&format!("{LOG} <{{type:LOG}}>"), "new"]);
}

#[test]
fn text_that_streams_in_grows() {
    let mut pane = owned();
    pane.screen("• I will r\n\n> ").screen("• I will run the tests and then the lin\n\n> ");
    pane.screen("• I will run the tests and then the\n  linter now.\n\n> ");
    assert_eq!(pane.told(), ["• I will r", ">", "+12 • I will run the tests and then the lin", "  linter now."]);
}

#[test]
fn blocks_that_move_are_not_told_again() {
    let mut pane = owned();
    pane.screen("todo\n[ ] one\n[ ] two\nend\n").told();
    pane.screen("todo\n[ ] two\n[ ] one\nend\n");
    assert_eq!(pane.told(), [""; 0]);
}

#[test]
fn a_message_counts_as_often_as_it_is_written() {
    let told = format!("{LOG} <{{type:LOG}}>");
    let mut pane = owned();
    pane.screen(&format!("a\n{LOG}\n> "));
    assert_eq!(pane.told(), ["a", &told, ">"]);
    pane.screen(&format!("a\n{LOG}\n{LOG}\n> "));
    assert_eq!(pane.told(), [told.as_str()]);
    // Its renderer changes its mind: the same message in its place.
    pane.screen("a\n• SENTRY {\"type\":\"LOG\"}\n• SENTRY {\"type\":\"LOG\"}\n> ");
    assert!(pane.told().iter().all(|line| !line.contains('<')));
    // It scrolls away and is written again.
    pane.screen(&format!("{}{LOG}\nx\ny\nz\n> ", rows(0, 5))).told();
    pane.screen(&format!("x\ny\nz\n{}{LOG}\n> ", rows(5, 9)));
    assert!(pane.told().contains(&told));
}

#[test]
fn a_message_on_a_half_drawn_screen_waits() {
    let mut pane = Pane::new(40, 12);
    let told = format!("+25 {LOG} <{{type:LOG}}>");
    pane.bytes("\x1b[?1049h").screen(&format!("{LOG}\n> "));
    assert_eq!(pane.told(), [LOG, ">"]);
    pane.bytes("x").screen(&format!("{LOG}\n> "));
    assert_eq!(pane.told(), [told.as_str()], "the next screen confirms it");
    pane.bytes("x").screen(&format!("{LOG}\n{LOG}\n> ")).quiet();
    assert_eq!(pane.told(), [LOG, &told], "a pause confirms it");
    pane.bytes("x").screen(&format!("{LOG}\n{LOG}\n{LOG}\n> ")).bytes("y").screen(&format!("{LOG}\n{LOG}\n> ")).quiet();
    assert_eq!(pane.told(), [LOG], "it was never there");
    // Between the marks of a synchronized update nothing is looked at.
    pane.bytes("\x1b[?2026h").screen("half\n> ");
    assert_eq!(pane.told(), [""; 0]);
    pane.bytes("\x1b[?2026l").screen(&format!("whole\n{LOG}\n> "));
    assert_eq!(pane.told(), ["whole"]);
}

#[test]
fn the_prompt_of_the_user_holds_no_message() {
    let mut pane = owned();
    pane.screen(&format!("› Lint it.\n\n  Then print\n\n  {LOG}\n\n• Done.\n\n  {LOG}\n"));
    let told = pane.told();
    assert_eq!(told.iter().filter(|line| line.contains('<')).count(), 1, "{told:?}");
    assert!(told.last().unwrap().contains("<{type:LOG}>"));
    // The mark has scrolled away.
    pane.screen(&format!("\n  Then print\n\n  {LOG}\n\n• Done.\n\n  {LOG}\n\n• More\n"));
    assert_eq!(pane.told(), ["• More"]);
    for prompt in ["❯ ", "> ", " > ", "❯\u{a0}"] {
        let mut pane = owned();
        pane.screen(&format!("{prompt}{LOG}\n{prompt}\n  {LOG}\n"));
        assert!(pane.told().iter().all(|line| !line.contains('<')), "{prompt:?}");
    }
}

#[test]
fn messages_are_put_together_from_wrapped_and_framed_rows() {
    let found = |columns: u16, screen: &str| {
        let mut pane = Pane::new(columns, 12);
        pane.bytes("\x1b[?1049h").quiet().screen(screen);
        pane.told()
            .into_iter()
            .filter_map(|line| Some(line.split_once('<')?.1.trim_end_matches('>').to_owned()))
            .collect::<Vec<_>>()
    };
    let ask = "{type:ASK,question:Deploy to prod now?}";
    let cases = [
        (40, "● SENTRY {\"type\":\"ASK\",\"question\":\"Deploy\n  to prod now?\"}"),
        (40, "  └ ### SENTRY\n    {\"type\":\"ASK\",\"question\":\"Deploy to\n    prod now?\"}"),
        (40, "│ SENTRY {\"type\":\"ASK\",\"question\":     │\n│ \"Deploy to prod now?\"}               │"),
        // Cut at the pane's edge in the middle of a word.
        (20, "  SENTRY {\"type\":\"AS\n  K\",\"question\":\"Depl\n  oy to prod now?\"}"),
        (40, "### SENTRY {\"type\":\"ASK\",\n\"question\":\"Deploy to prod now?\"}"),
    ];
    for (columns, screen) in cases {
        assert_eq!(found(columns, screen), [ask], "{screen}");
    }
    assert_eq!(
        found(40, "• SENTRY {\"type\":\"LOG\",\"summary\":\"see src/\n  main.rs\"}"),
        ["{type:LOG,summary:see src/main.rs}"]
    );
    assert_eq!(
        found(40, "• SENTRY {\"type\":\"LOG\",\"summary\":\"部署到生产\n  环境\"}"),
        ["{type:LOG,summary:部署到生产环境}"]
    );
    assert_eq!(found(40, "I print SENTRY {\"type\":\"LOG\"} at the end\n  SENTRY {\"type\":\"LOG\"}]] later"), [""; 0]);
    assert_eq!(
        found(40, "  ### SENTRY {\"type\":\"LOG\",\"summary\":\"0 …\n    + 1 line"),
        ["malformed cut off on the agent's screen"]
    );
    assert_eq!(found(40, "• SENTRY {type}\n"), ["malformed not valid JSON: key must be a string at line 1 column 2"]);
}

#[test]
fn a_message_that_stays_open_fails_in_the_end() {
    let mut pane = owned();
    for tick in 0..30 {
        pane.screen(&format!("### SENTRY {{\"type\":\"LOG\",\n\n⠋ {tick}s\n"));
    }
    assert_eq!(pane.told().iter().filter(|line| *line == "<malformed the JSON is not closed>").count(), 1);
}

#[test]
fn what_we_typed_is_an_echo_in_the_transcript_too() {
    let mut pane = owned();
    pane.typed("please print the words all tests passed\n");
    pane.screen("› please print the words all\n  tests passed\n\n• all tests passed\n\n› \n");
    assert_eq!(pane.told(), ["=› please print the words all", "=  tests passed", "• all tests passed", "›"]);
}

#[test]
fn what_was_there_before_is_known() {
    let mut pane = owned();
    pane.reader.baseline(&[LOG.to_owned(), "old".to_owned()]);
    pane.screen(&format!("{LOG}\nold\nnew\n"));
    assert_eq!(pane.told(), ["new"]);
    // A fresh alternate screen is all new.
    pane.bytes("\x1b[?1049l\x1b[?1049h").quiet().screen("old\n");
    assert_eq!(pane.told(), ["old"]);
}

#[test]
fn what_stands_under_a_sign_of_looking_back_is_neither_lost_nor_told_again() {
    let composer = "\n────────────────────────\n❯ \n────────────────────────\n  ready\n";
    let mut pane = owned();
    let (one, two) = ("  SENTRY {\"type\":\"LOG\"}", "  SENTRY {\"type\":\"ERROR\"}");
    let last = format!("● Begun\n{one}\n  row 1\n  row 2\n{composer}");
    pane.screen(&last);
    assert_eq!(pane.told().iter().filter(|row| row.contains("SENTRY")).count(), 1);
    for covered in ["  SENTRY {\"ty Jump to bottom (ctrl+End) ↓", "  SENTRY {\"ty 1 new message (ctrl+End) ↓"] {
        pane.screen(&format!("● Earlier\n● Begun\n{covered}\n{composer}")).screen(&last);
    }
    assert_eq!(pane.told(), [""; 0]);
    pane.screen(&format!("  row 1\n  row 2\n● More\n{two}\n{composer}"));
    let told = pane.told();
    assert_eq!(told.iter().filter(|row| row.contains("ERROR")).count(), 1, "{told:?}");
    assert!(!told.iter().any(|row| row.contains("ctrl+End") || row.contains("row 1")), "{told:?}");
}
