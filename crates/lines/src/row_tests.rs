//! Rows by what is written and moved, as a table: `\r`, `\b`, `\t` and `«Kn»`-like marks stand for the operations.

use super::*;

/// Carries out a small script on a row of `columns`: text, `\r`, `\b`, `\t`, and `<op n>` for the rest.
fn shown(columns: usize, script: &str) -> String {
    let mut row = Row::default();
    row.set_columns(columns);
    let mut rest = script;
    while let Some(c) = rest.chars().next() {
        if let Some((op, after)) = rest.strip_prefix('<').and_then(|r| r.split_once('>')) {
            let (name, n) = op.split_once(' ').unwrap_or((op, "1"));
            let n: usize = n.parse().unwrap();
            match name {
                "right" => row.right(n),
                "left" => row.left(n),
                "col" => row.go_to_column(n),
                "rest" => row.erase_line(Erase::Rest),
                "start" => row.erase_line(Erase::Start),
                "whole" => row.erase_line(Erase::Whole),
                "cut" => row.truncate(),
                "erase" => row.erase_characters(n),
                "delete" => row.delete_characters(n),
                "insert" => row.insert_blanks(n),
                "repeat" => row.repeat(n),
                "up" => row.move_screen_rows(-isize::try_from(n).unwrap()),
                other => panic!("unknown {other}"),
            }
            rest = after;
            continue;
        }
        match c {
            '\r' => row.carriage_return(),
            '\u{8}' => row.backspace(),
            '\t' => row.tab(),
            _ => row.write(c.to_string().as_bytes()),
        }
        rest = &rest[c.len_utf8()..];
    }
    let mut text = String::new();
    row.read(&mut text);
    text
}

#[test]
fn rows_show_what_a_terminal_shows() {
    let cases = [
        (0, "plain", "plain"),
        (0, "10%\r20%\r100%", "100%"),
        (0, "long text\rshort", "shorttext"),
        (0, "long text\r<rest>new", "new"),
        (0, "done\r", "done"),
        (0, "ab\u{8}c", "ac"),
        (0, "a\tb\tc", "a       b       c"),
        (0, "中\tb", "中      b"),
        (0, "name<right 3>value", "name   value"),
        (0, "abcdef<left 3><rest>x", "abcx"),
        (0, "abcdef<col 2><start>", "   def"),
        (0, "abcdef<whole>x", "      x"),
        (0, "abcdef<col 1><delete 2>", "adef"),
        (0, "abcdef<col 1><insert 2>", "a  bcdef"),
        (0, "abcdef<col 1><erase 2>", "a  def"),
        (0, "-<repeat 4>|", "-----|"),
        (0, "中文字\r<right 1>x", " x文字"),
        (0, "中文字\r<right 2>x", "中x 字"),
        (0, "e\u{301}a\r<right 1>b", "e\u{301}b"),
        (0, "👩\u{200d}💻!\r<right 2>?", "👩\u{200d}💻?"),
        // With a width, a carriage return goes to the start of the screen row.
        (5, "abcdefg\rX", "abcdeXg"),
        (5, "abcde\rX", "Xbcde"),
        (5, "abcde \rfgh", "abcdefgh"),
        (5, "abcd中\rX", "abcdX"),
        (5, "abcdefg<up 1>X", "abXdefg"),
        (5, "abcde<rest>", "abcde"),
        (5, "abcdef\u{8}\u{8}X", "abcdXf"),
        (5, "ab<right 9>c", "ab  c"),
        (5, "abcdefghijkl<up 1>\r<cut>", "abcde"),
        (80, "%<right 78> \r \r\r<cut>$ ", "$"),
    ];
    for (columns, script, expected) in cases {
        assert_eq!(shown(columns, script), expected, "{columns} {script:?}");
    }
}

#[test]
fn split_and_broken_characters_are_replaced_or_left_out() {
    for edited in [false, true] {
        let mut row = Row::default();
        if edited {
            row.backspace();
        }
        row.write("ab中".as_bytes().split_last().unwrap().1);
        let mut text = String::new();
        row.read_settled(&mut text);
        assert_eq!(text, "ab", "edited: {edited}");
        row.write(&"中".as_bytes()[2..]);
        row.write(b"\xff!");
        row.read(&mut text);
        assert_eq!(text, "ab中\u{fffd}!", "edited: {edited}");
    }
}

#[test]
fn a_row_keeps_its_bounds() {
    let mut row = Row::default();
    for _ in 0..4 {
        row.go_to_column(usize::from(u16::MAX));
        row.write(b"x");
        row.right(usize::from(u16::MAX));
        row.insert_blanks(usize::from(u16::MAX));
    }
    assert!(row.len() <= LONGEST_ROW + 2);
}
