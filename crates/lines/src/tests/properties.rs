//! What holds for any bytes and any screens.

use super::*;
use proptest::prelude::*;

/// Pieces of what programs write, and arbitrary bytes between them.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[a-z0-9 ]{0,30}".prop_map(String::into_bytes),
        prop::sample::select(vec![
            "\r\n",
            "\n",
            "\r",
            "\x08",
            "\t",
            "\x1b[K",
            "\x1b[2K",
            "\x1b[J",
            "\x1b[2J",
            "\x1b[H",
            "\x1b[A",
            "\x1b[3A",
            "\x1b[2B",
            "\x1b[5C",
            "\x1b[3D",
            "\x1b[7G",
            "\x1b[4;2H",
            "\x1b[31m",
            "\x1b[2P",
            "\x1b[3@",
            "\x1b[4X",
            "\x1b[9b",
            "\x1b7",
            "\x1b8",
            "\x1b[?1049h",
            "\x1b[?1049l",
            "\x1b]0;t\x07",
            "\x1b]9;x\x1b\\",
            "\x1bPtmux;\x1b\x1b]9;y\x07\x1b\\",
            "\x1bM",
            "\x1bc",
            "中",
            "👩\u{200d}💻",
            "e\u{301}",
            "### SENTRY {\"type\":\"LOG\"}",
            "### SENTRY {\"type\":",
            "> ",
            "$ ",
            "⠋ ",
            "12s",
            "__TMUXAGENT_RESULT a 1",
            "\x1b]133;A\x07",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn screen() -> impl Strategy<Value = Vec<String>> {
    let row = prop::sample::select(vec![
        "",
        "a",
        "b",
        "  c",
        "› prompt",
        "  ### SENTRY {\"type\":\"LOG\",\"summary\":\"x",
        "  y\"}",
        "• Working (3s • esc to interrupt)",
        "│ frame │",
        "● SENTRY {\"type\":\"ASK\"}",
        "### SENTRY {]",
        "中文",
        "⠋ 12%",
    ]);
    prop::collection::vec(row.prop_map(str::to_owned), 0..14)
}

/// What builds and tests print: whole lines of text and colours, now and then with something else in between.
fn written() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => "[a-z0-9 ]{0,12}",
        4 => prop::sample::select(vec![
            "\x1b[32m", "\x1b[m", "\x1b[0m", "\x1b[2m", "\x1b[22m", "\x1b[90m", "\x1b[39m", "\x1b[1;31m",
            "\x1b[38;5;240m", "\x1b[38;2;100;100;100m", "\x1b[48;5;8;2m", "\x1b[K", "\x1b[0K", "\t", "\t\t", "✓ ", "中文",
        ])
        .prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "\x1b[1K", "\x1b[2K", "\x1b[1;K", "\x1b[4:3m", "\x1b[?25l", "\x1b[3", "\r", "\x08", "\x07", "\x7f", "e\u{301}",
            "\u{301}", "👩\u{200d}💻", "\u{200d}", "\x1b[A", "\x1b[9b", "\x1b[5C", "\u{9b}", "### SENTRY {]",
        ])
        .prop_map(str::to_owned),
    ];
    let end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\r\n"), 1 => Just(" \r\n")];
    let line = (prop::collection::vec(part, 0..8), end).prop_map(|(parts, end)| parts.concat() + end);
    prop::collection::vec(line, 0..30).prop_map(|lines| lines.concat().into_bytes())
}

fn read(bytes: &[u8], cuts: &[usize], size: (u16, u16)) -> Vec<String> {
    let mut pane = Pane::new(size.0, size.1);
    pane.reader.typed("abc\n");
    let mut rest = bytes;
    for cut in cuts {
        let (now, later) = rest.split_at((*cut).min(rest.len()));
        pane.bytes(now);
        rest = later;
    }
    pane.bytes(rest).quiet();
    pane.told()
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_readings(
        bytes in stream(),
        cuts in prop::collection::vec(0_usize..12, 0..40),
        size in prop::sample::select(vec![(0, 0), (7, 3), (20, 6), (80, 24)]),
    ) {
        prop_assert_eq!(read(&bytes, &cuts, size), read(&bytes, &[], size));
    }

    #[test]
    fn lines_taken_as_a_whole_are_those_that_are_read_byte_by_byte(
        bytes in prop_oneof![3 => written(), 1 => (written(), stream(), written()).prop_map(|(a, b, c)| [a, b, c].concat())],
        cuts in prop::collection::vec(0_usize..200, 0..8),
        size in prop::sample::select(vec![(0, 0), (9, 3), (24, 4), (80, 24)]),
    ) {
        let (mut whole, mut single) = (Pane::new(size.0, size.1), Pane::new(size.0, size.1));
        let mut rest = bytes.as_slice();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            whole.bytes(now);
            now.chunks(1).for_each(|byte| _ = single.bytes(byte));
            prop_assert_eq!(whole.told(), single.told());
            let grids = [&whole, &single].map(|pane| format!("{:?}", pane.reader.stream.grid));
            prop_assert_eq!(&grids[0], &grids[1]);
            prop_assert_eq!(whole.reader.anchor(), single.reader.anchor());
            rest = later;
        }
        prop_assert_eq!(whole.quiet().told(), single.quiet().told());
    }

    #[test]
    fn what_is_told_is_bounded_and_holds_no_control(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut reader = Reader::new();
        reader.resize(20, 5);
        let mut check = |reading: Reading<'_>| {
            if let Reading::Line { text, seen, .. } = reading {
                assert!(text.len() <= 64 * 1024 && text.is_char_boundary(seen));
                assert!(!text.chars().any(char::is_control), "{text:?}");
            }
        };
        reader.bytes(&bytes, &mut check);
        reader.quiet(&mut check);
    }

    #[test]
    fn a_screen_painted_again_gives_nothing(screens in prop::collection::vec(screen(), 1..12)) {
        let mut pane = Pane::new(40, 14);
        for rows in &screens {
            pane.screen(&rows.join("\n")).told();
            pane.screen(&rows.join("\n"));
            prop_assert_eq!(pane.told(), Vec::<String>::new());
        }
    }

    #[test]
    fn a_screen_after_its_baseline_gives_nothing(rows in screen()) {
        let mut pane = Pane::new(40, 14);
        pane.reader.baseline(&rows);
        pane.screen(&rows.join("\n"));
        prop_assert_eq!(pane.told(), Vec::<String>::new());
    }

    #[test]
    fn lines_that_are_only_written_all_arrive(lines in prop::collection::vec("[ -~中é]{0,50}", 0..60), size in 1_usize..50) {
        let stream: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let mut reader = Reader::new();
        reader.resize(20, 6);
        let mut told = Vec::new();
        for chunk in stream.as_bytes().chunks(size) {
            reader.bytes(chunk, &mut |reading| if let Reading::Line { text, .. } = reading { told.push(text.to_owned()) });
        }
        let expected: Vec<String> = lines.iter().map(|line| line.trim_end().to_owned()).collect();
        prop_assert_eq!(told, expected);
    }
}

#[test]
fn an_endless_flood_of_anything_takes_bounded_memory() {
    // One line without end, endless edits of one row, and endless cursor moves.
    for pattern in [
        "xxxxxxxxxxxxxxxx",
        "e\u{301}\u{8}中\r",
        "text\x1b[A\x1b[2K",
        "a\x1b[B",
        "\x1b[4;4Hxyz",
        "\x1b]0;",
        "\x1bPx",
        "🟢\u{200d}",
        "\x1b[65535C\x1b[65535@",
    ] {
        let mut reader = Reader::new();
        reader.resize(80, 24);
        let chunk = pattern.repeat(4096 / pattern.len());
        for _ in 0..200 {
            reader.bytes(chunk.as_bytes(), &mut |_| ());
        }
        let kept = format!("{reader:?}").len();
        assert!(kept < 8 * 1024 * 1024, "{pattern:?} keeps {kept}");
    }
}
