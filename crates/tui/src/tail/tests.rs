//! Hostile rows, colours, widths.

use super::*;
use ratatui::style::Modifier;

#[test]
fn only_colours_survive() {
    for (row, expect) in [
        ("plain 中文", "plain 中文"),
        ("\u{1b}[1;31mred\u{1b}[0m", "\u{1b}[1m\u{1b}[31mred\u{1b}[0m"),
        ("\u{1b}[mx", "\u{1b}[0mx"),
        ("a\u{1b}[2Jb\u{1b}[10;10Hc\u{1b}[?25ld", "abcd"),
        ("\u{1b}]0;title\u{7}x\u{1b}]8;;http://e\u{1b}\\link\u{1b}]8;;\u{1b}\\", "xlink"),
        ("\u{1b}]52;c;ZXZpbA==", ""),
        ("\u{1b}Pq sixel \u{1b}\\after", "after"),
        ("\u{9b}31mx\u{9d}0;t\u{9c}y", "\u{1b}[31mxy"),
        ("\u{1b}(0lqk\u{1b}(B", "lqk"),
        ("\u{1b}cx\u{1b}", "x"),
        ("\u{1b}[38;5;208mx\u{1b}[48;2;1;2;3my", "\u{1b}[38;5;208mx\u{1b}[48;2;1;2;3my"),
        ("\u{1b}[38:2::9:8:7mx\u{1b}[38:5:20my", "\u{1b}[38;2;9;8;7mx\u{1b}[38;5;20my"),
        ("\u{1b}[4:3;58:2::1:2:3mx\u{1b}[4:0my", "\u{1b}[4mx\u{1b}[24my"),
        ("\u{1b}[8mhidden\u{1b}[5mblink", "hiddenblink"),
        ("\u{1b}[38;9mx\u{1b}[99999999999mx", "xx"),
        ("\u{1b}[31\u{1b}[32mx", "\u{1b}[32mx"),
        ("\u{1b}[31中", "中"),
        ("a\u{8}\u{8}b\tc\u{0}", "a␈␈b c␀"),
        ("\u{202e}abc\u{200d}", "abc"),
    ] {
        assert_eq!(only_sgr(row), expect, "{row:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_row_brings_anything_but_text_and_styles(row in "[\\x00-\\x7f\u{80}-\u{9f}中\u{202e};m\\[\u{1b}]{0,120}") {
        let text = styled(&[row.clone(), row], Colours::Many);
        for line in &text.lines {
            for span in &line.spans {
                let bad = |c: char| c.is_control() || tmuxagent_text::is_hidden(c);
                proptest::prop_assert!(!span.content.chars().any(bad), "{:?}", span.content);
                proptest::prop_assert!(!span.style.add_modifier.contains(Modifier::HIDDEN));
            }
        }
    }
}

#[test]
fn colours_run_on_from_row_to_row_and_fit_the_terminal() {
    let rows = ["\u{1b}[38;2;250;5;5mred".to_owned(), "still\u{1b}[0m not".to_owned()];
    let colour = |colours| {
        let text = styled(&rows, colours);
        let fore = |line: usize, span: usize| text.lines[line].spans[span].style.fg;
        (text.lines.len(), fore(0, 0), fore(1, 0))
    };
    let red = Some(Color::Rgb(250, 5, 5));
    assert_eq!(colour(Colours::Many), (2, red, red));
    assert_eq!(colour(Colours::Sixteen), (2, Some(Color::LightRed), Some(Color::LightRed)));
    assert_eq!(colour(Colours::None), (2, None, None));
}

#[test]
fn a_row_of_a_megabyte_is_cut_at_a_character() {
    assert!(only_sgr(&"漢".repeat(400_000)).len() <= MAX_ROW_BYTES);
}

#[test]
fn numbers_of_the_256_are_the_cube_and_the_greys() {
    assert_eq!(
        [16, 196, 231, 232, 255].map(indexed),
        [(0, 0, 0), (255, 0, 0), (255, 255, 255), (8, 8, 8), (238, 238, 238)]
    );
}
