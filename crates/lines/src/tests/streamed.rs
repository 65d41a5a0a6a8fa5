//! Streams as programs really write them.

use super::*;

#[test]
fn plain_lines() {
    assert_eq!(told("one\r\ntwo\nthree\r\r\n\r\nfive  \r\nunfinished"), ["one", "two", "   three", "", "five"]);
    assert_eq!(told("中文 日本\r\n👩\u{200d}💻 ok\r\n"), ["中文 日本", "👩\u{200d}💻 ok"]);
    assert_eq!(told(b"a\xffb\r\n\xe4\xb8\r\nc\0d\r\n"), ["a\u{fffd}b", "\u{fffd}", "cd"]);
    assert_eq!(told("a\tb\r\nlonger than eight\tb\r\n"), ["a       b", "longer than eight  b"]);
}

#[test]
fn colours_links_and_other_sequences_leave_no_trace() {
    assert_eq!(told("\x1b[1;31merror\x1b[0m: it \x1b[4mfailed\x1b[K\r\n"), ["error: it failed"]);
    assert_eq!(told("\x1b]8;;https://x.example\x1b\\docs\x1b]8;;\x07!\r\n"), ["docs!"]);
    assert_eq!(told("a\x1bPq#0;sixel\x1b\\b\x1b_apc\x1b\\c\x1b^pm\x1b\\d\x1b(B\r\n"), ["abcd"]);
    assert_eq!(told("\x1b[?2004h$ \x1b[?2004l\r\nout\r\n"), ["$", "out"]);
    assert_eq!(told("name\x1b[4Cvalue\r\n"), ["name    value"]);
}

#[test]
fn of_a_progress_bar_the_last_state_counts() {
    assert_eq!(told("get 1%\rget 50%\rget 100%\r\ndone\r\n"), ["get 100%", "done"]);
    assert_eq!(told("get 1%\r\x1b[Kdone\r\n"), ["done"]);
    assert_eq!(told("12345\x08\x08ab\r\n"), ["123ab"]);
    let mut pane = Pane::new(80, 24);
    pane.bytes("Get 10% [=>  ]").quiet().bytes("\rGet 20% [==> ]").quiet().bytes("\rGet 100% [===>]\r\n");
    assert_eq!(pane.told(), ["Get 10% [=>  ]", "+6 Get 100% [===>]"]);
}

#[test]
fn an_unterminated_line_counts_once_the_output_pauses() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("Continue? [y/N] ").quiet().quiet();
    assert_eq!(pane.told(), ["Continue? [y/N]"]);
    pane.bytes("\r\n");
    assert_eq!(pane.told(), [""; 0], "completed unchanged");
    pane.bytes("Again? ").quiet().bytes("yes\r\nAgain? yes\r\n");
    assert_eq!(pane.told(), ["Again?", "+6 Again? yes", "Again? yes"]);
    pane.bytes("split 中".as_bytes().split_last().unwrap().1).quiet().bytes([0xad]).quiet();
    assert_eq!(pane.told(), ["split", "+5 split 中"]);
}

#[test]
fn a_block_that_is_drawn_again_is_told_where_it_changed() {
    // As docker and cargo do: up, and each row anew.
    let frame = |n: u32, state: &str| format!("\x1b[2K => step {n} {state}\r\n");
    let first = [frame(1, "RUN"), frame(2, "WAIT")].concat();
    let second = [frame(1, "DONE"), frame(2, "WAIT")].concat();
    assert_eq!(told(format!("{first}\x1b[2A{second}")), [" => step 1 RUN", " => step 2 WAIT", " => step 1 DONE"]);
    assert_eq!(told(format!("{first}\x1b[2A{first}\x1b[2A\x1b[J{first}")), [" => step 1 RUN", " => step 2 WAIT"]);
    // As log-update does: erase the rows one by one, print a line above, and the block below it.
    let erase = "\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[G";
    assert_eq!(told(format!("A\r\nB\r\n{erase}log line\r\nA\r\nB\r\n")), ["A", "B", "log line"]);
    // The spinner turns, nothing is told.
    assert_eq!(told("⠋ test 1s\r\n\x1b[1A\x1b[2K⠙ test 2s\r\n\x1b[1A\x1b[2K✓ test 3s\r\n"), ["⠋ test 1s", "✓ test 3s"]);
}

#[test]
fn a_cleared_screen_is_told_again_only_after_a_pause() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("Found 0 errors.\r\n\x1b[H\x1b[2J\x1b[3JFound 0 errors.\r\n");
    assert_eq!(pane.told(), ["Found 0 errors."], "drawn again in one go");
    pane.quiet().bytes("\x1b[2J\x1b[3J\x1b[H").quiet().bytes("Found 0 errors.\r\n");
    assert_eq!(pane.told(), ["Found 0 errors."], "a watcher's next run");
}

/// In a pane of tmux `clear` goes home and erases from there on; what follows after a pause is told, on the first row too.
#[test]
fn what_a_command_prints_behind_clear_is_told_though_it_stood_there_before() {
    for clear in ["\x1b[H\x1b[J\x1b[3J", "\x1b[H\x1b[2J\x1b[3J", "\x1b[3J\x1b[H\x1b[2J"] {
        let mut pane = Pane::new(80, 24);
        pane.bytes("all passed\r\n$ ").quiet().bytes("clear; make\r\n").quiet();
        assert_eq!(pane.told(), ["all passed", "$", "+1 $ clear; make"]);
        pane.bytes(clear).quiet().bytes("all passed\r\n$ ").quiet();
        assert_eq!(pane.told(), ["all passed", "$"], "{clear:?}");
    }
}

#[test]
fn rows_left_by_cursor_moves_count_when_the_output_pauses() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("? Choose\r\n> yes\r\n  no\x1b[2A\x1b[9G").quiet();
    assert_eq!(pane.told(), ["? Choose", "> yes", "  no"]);
}

#[test]
fn long_lines_come_in_pieces_that_overlap() {
    let line = format!("HEAD{}MIDDLE{}TAIL", "x".repeat(65_527), "界".repeat(300_000));
    for size in [1000, 65_536, line.len() + 2] {
        let mut reader = Reader::new();
        let (mut whole, mut longest) = (String::new(), 0);
        for chunk in format!("{line}\r\nnext\r\n").as_bytes().chunks(size) {
            reader.bytes(chunk, &mut |reading| {
                let Reading::Line { text, seen, .. } = reading else { panic!("{reading:?}") };
                longest = longest.max(text.len());
                assert!(whole.ends_with(&text[..seen]));
                whole.push_str(&text[seen..]);
            });
        }
        assert_eq!(whole, format!("{line}next"));
        assert!(longest <= 64 * 1024);
    }
}

#[test]
fn shells_redraw_their_prompts_and_long_commands() {
    // zsh: a mark for output without a line feed, then the prompt over it.
    let mark = format!("\x1b[1m\x1b[7m%\x1b[27m\x1b[1m\x1b[0m{}\r \r", " ".repeat(19));
    assert_eq!(
        told(format!("out\r\n{mark}\r\x1b[0m\x1b[J$ \x1b[K\x1b[?2004hls\x1b[?2004l\r\r\nf\r\n")),
        ["out", "$ ls", "f"]
    );
    assert_eq!(told(format!("partial{mark}\r\x1b[0m\x1b[J$ ls\r\r\n")), ["partial%", "$ ls"]);
    // bash: a blank and a carriage return where the command wraps.
    assert_eq!(told("$ 345678901234567890 \rabc\r\n"), ["$ 345678901234567890abc"]);
    // bash again, where the command fills the row exactly: on to the next row, back, and the last letter once more.
    let full = format!("$ echo 8901234567890 \r\x1bM{}\x1b[K0\r\n\x1b[?2004l\rhi\r\n", "\x1b[C".repeat(19));
    assert_eq!(told(full), ["$ echo 8901234567890", "hi"]);
    // fish: down and up by line feeds and reverse ones, and the text wraps onto the row below.
    let fish = "$ echo 34567890\r\r\n\x1bM\r\r\n\x1bM\x1b[15C 1 23456\x1bM\r\r\n8\x1b[K\r\n";
    assert_eq!(told(fish), ["$ echo 34567890", "+15 $ echo 34567890 1 238"]);
    // An edit in the first of two rows: up, and the rest is written anew.
    assert_eq!(told("$ 345678901234567890 \rabc\x1b[A\rX\x1b[B\r\n"), ["X 345678901234567890abc"]);
}

#[test]
fn marks_titles_and_bells_are_picked_out() {
    assert_eq!(
        told("\x1b]0;a\x07\x1b]2;a\x1b\\\x1b]2;b\x07\x07\x1b]133;D;2\x07\x1b]9;hi\x07x\r\n"),
        ["<title a>", "<title b>", "<bell>", "<ended - 2>", r#"<program {"state":"notification","text":"hi"}>"#, "x"]
    );
    let (working, clear) = (r#"<program {"state":"working"}>"#, r#"<program {"state":"clear"}>"#);
    assert_eq!(told("\x1b]9;4;0\x07\x1b]9;4;1;3\x07\x1b]9;4;1;4\x07\x1b]9;4;0;\x07\x1b]9;4;0;\x07"), [working, clear]);
    let blocked = r#"<program {"state":"blocked","kind":null,"message":null}>"#;
    assert_eq!(told("\x1b]7501;state=blocked\x07\x1b]9;4;0\x07\x1b]9;4;3\x07"), [blocked], "the better word wins");
    assert_eq!(
        told("a\x1bPtmux;\x1b\x1b]9;Done\x07\x1b\\b\r\n"),
        [r#"<program {"state":"notification","text":"Done"}>"#, "ab"]
    );
}

#[test]
fn the_owner_of_the_screen_is_known() {
    let mut pane = Pane::new(80, 24);
    assert!(!pane.bytes("\x1b[H\x1b[2J\x1b7\x1b[r\x1b8\x1b[999;999H\x1b[6n").reader.wants_screen());
    assert!(pane.bytes("\x1b[?1049h\x1b[5;3Htext\r\nmore\r\n").reader.wants_screen());
    assert!(!pane.bytes("\x1b[?1049l\rback\r\n").reader.wants_screen());
    assert_eq!(pane.told(), ["back"]);
    // A status row between saving and restoring the cursor is an excursion.
    pane.bytes("\n\x1b7\x1b[0;23r\x1b8\x1b[1Aone\r\n\x1b7\x1b[24;0fProgress: 40%\x1b8two\r\n");
    assert!(!pane.reader.wants_screen());
    assert_eq!(pane.told(), ["", "one", "two"]);
    // A diff renderer on the main screen.
    pane.bytes("\x1b[9;3HWorking");
    assert!(pane.reader.wants_screen());
}

#[test]
fn a_program_that_leaves_the_main_screen_loses_no_line() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("before\r\n\x1b[5;1Hdrawn\x1b[9;1H");
    pane.screen("before\n\n\n\ndrawn\n").screen("before\n\n\n\ndrawn\n\n\n\n$ run\nline 0\nline 1\n");
    assert_eq!(pane.told(), ["before", "drawn", "$ run", "line 0", "line 1"]);
    (0..40).for_each(|n| {
        pane.bytes(format!("line {n}\r\n"));
    });
    assert!(!pane.reader.wants_screen());
    assert_eq!(pane.told(), (2..40).map(|n| format!("line {n}")).collect::<Vec<_>>());
}

#[test]
fn an_anchor_finds_its_place_in_history() {
    let mut pane = Pane::new(80, 24);
    (0..30).for_each(|n| {
        pane.bytes(format!("line {n}\r\n"));
    });
    pane.bytes("$ ");
    let history: Vec<String> = (0..35).map(|n| format!("line {n}")).collect();
    assert_eq!(pane.reader.anchor().missed(&history), Missed::Lines(&history[30..]));
    pane.told();
    let mut told = Vec::new();
    pane.reader.history(&history[30..], &mut |reading| told.push(shortly(&reading)));
    assert_eq!(told, history[30..]);
    assert_eq!(pane.reader.anchor().missed(&history), Missed::Lines(&[]));
}

#[test]
fn messages_in_a_stream() {
    let status = "### SENTRY {\"type\":\"STATUS\",\"stage\":\"lint\",\"ok\":true}";
    let told = |text: &str| {
        let mut pane = Pane::new(80, 24);
        pane.bytes(text.replace('\n', "\r\n"));
        pane.told()
            .into_iter()
            .filter_map(|line| line.find(" <").or(line.find('<')).map(|at| line[at..].trim().to_owned()))
            .collect::<Vec<_>>()
    };
    let lint = "<{type:STATUS,stage:lint,ok:true}>";
    assert_eq!(told(&format!("{status}\n{status}\n")), [lint, lint], "printed twice, told twice");
    assert_eq!(told(&format!("  • \x1b[1m{status}\x1b[0m\n")), [lint]);
    assert_eq!(told(&format!("[12:00:01] INFO {status}\nweb_1  | {status}\n")), [lint, lint]);
    assert_eq!(told("SENTRY {\"type\":\"STATUS\",\"stage\":\"lint\",\"ok\":true}\n"), [lint]);
    assert_eq!(told("{\"type\":\"STATUS\",\"stage\":\"lint\",\"ok\":true}\n"), [lint]);
    assert_eq!(told("{\"ok\":true,\"type\":\"STATUS\",\"stage\":\"lint\"}\n"), [lint]);
    assert_eq!(told("{\"type\":\"assistant\",\"stage\":\"lint\"}\n{\"type\":\"LOG\",\n"), [""; 0]);
    assert_eq!(told(&format!("> {status}\n❯ {status}\nI will print {status}\n$ echo '{status}'\n")), [""; 0]);
    assert_eq!(
        told("### SENTRY {\"type\":\"STATUS\",\n  \"stage\":\"lint\",\n\"ok\":true}\n"),
        [lint],
        "an object over several lines"
    );
    assert_eq!(
        told("### SENTRY {\"type\":\"STATUS\",stage:1}\nx\n"),
        ["<malformed not valid JSON: key must be a string at line 1 column 18>"]
    );
    assert_eq!(told("### SENTRY {\"type\":\"DONE\"}\n"), ["<malformed unknown type `DONE`>"]);
    assert_eq!(told("### SENTRY {\"type\":\"STATUS\",\n\nx\n"), ["<malformed the JSON is not closed>"]);
    assert_eq!(
        told("### SENTRY {\"type\":\"STATUS\",\"summary\":\"0 pro …\nx\n"),
        ["<malformed cut off on the agent's screen>"]
    );
    assert_eq!(told("### SENTRY over\nSENTRY\n{}\n### SENTRY\n"), ["<malformed no `type`>"]);
}

#[test]
fn a_message_grows_with_its_line() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("### SENTRY {\"type\":\"LOG\",").quiet().bytes("\"summary\":\"a\"}").quiet().bytes(" \r\n").quiet();
    assert_eq!(
        pane.told(),
        ["### SENTRY {\"type\":\"LOG\",", "+25 ### SENTRY {\"type\":\"LOG\",\"summary\":\"a\"} <{type:LOG,summary:a}>"]
    );
}
