use super::*;

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// A capture whose cursor is in the last of `rows` (column 2).
fn capture(rows: &[&str]) -> Capture {
    Capture {
        cursor: (2, rows.len().saturating_sub(1)),
        history_limit: 2000,
        visible: lines(rows),
        logical: lines(rows),
        ..Capture::default()
    }
}

/// What a reader tells.
fn told(reader: &mut Reader, past: &Past, capture: &Capture, asked: u32) -> Vec<String> {
    let mut out = Vec::new();
    catch_up(reader, past, capture, asked, &mut |told| match told {
        Told::Gap => out.push("(gap)".to_owned()),
        Told::Known(_) => {}
        Told::Reading(Reading::Line { text, .. }) => out.push(text.to_owned()),
        Told::Reading(_) => {}
    });
    out
}

#[test]
fn what_was_there_before_is_old_and_what_came_after_is_told_once() {
    let mut reader = Reader::new();
    let first = capture(&["one", "two", "three", "$ "]);
    assert_eq!(told(&mut reader, &Past::Old, &first, 60), lines(&[]));
    let later = capture(&["one", "two", "three", "$ make", "ok", "$ "]);
    assert_eq!(told(&mut reader, &Past::Read, &later, 60), lines(&["$ make", "ok"]));
    assert_eq!(told(&mut reader, &Past::Read, &later, 60), lines(&[]));
}

#[test]
fn a_new_pane_is_read_from_its_first_line() {
    let seen = told(&mut Reader::new(), &Past::New, &capture(&["one", "two", "$ "]), 60);
    assert_eq!(seen, lines(&["one", "two"]));
}

#[test]
fn a_position_of_an_earlier_life_is_found_again() {
    let mut reader = Reader::new();
    told(&mut reader, &Past::Old, &capture(&["a", "b", "c", "$ "]), 60);
    let position = Position { anchor: reader.anchor().clone(), ..Position::default() };
    let past = Past::Remembered(Box::new(position));
    let seen = told(&mut Reader::new(), &past, &capture(&["a", "b", "c", "$ x", "done", "$ "]), 60);
    assert_eq!(seen, lines(&["$ x", "done"]));
}

#[test]
fn what_scrolled_out_of_reach_is_a_gap_and_the_rest_is_new() {
    let mut reader = Reader::new();
    told(&mut reader, &Past::Old, &capture(&["a", "b", "c", "$ "]), 60);
    let mut later = capture(&["x", "y", "$ "]);
    later.history_size = 100;
    assert_eq!(told(&mut reader, &Past::Read, &later, 60), lines(&["(gap)", "x", "y"]));
    let mut reader = Reader::new();
    told(&mut reader, &Past::Old, &capture(&["a", "b", "c", "$ "]), 60);
    let cleared = capture(&["x", "y", "$ "]);
    assert_eq!(told(&mut reader, &Past::Read, &cleared, 60), lines(&["(gap)"]));
}

#[test]
fn a_flood_of_equal_lines_of_which_most_went_by_unread_has_a_gap() {
    let flood = vec!["y"; 60];
    let lost = |lost: u64| Capture { lost, history_size: 2000, ..capture(&flood) };
    let tells = |capture: &Capture, before: &[&str]| {
        let mut reader = Reader::new();
        told(&mut reader, &Past::Old, &self::capture(before), 60);
        told(&mut reader, &Past::Read, capture, 60).first().cloned()
    };
    assert_eq!(tells(&lost(1_000_000), &flood).as_deref(), Some("(gap)"));
    assert_eq!(tells(&lost(0), &flood), None, "nothing is known to be lost");
    assert_eq!(tells(&lost(100), &flood), None, "that much may be what stands there");
    // Much went by, and yet the place is certain: a wheel that turns.
    let mut wheel = capture(&["one", "two", "three", "four", "$ "]);
    (wheel.lost, wheel.history_size) = (1_000_000, 2000);
    assert_eq!(tells(&wheel, &["one", "two", "three", "$ "]).as_deref(), Some("four"));
}

#[test]
fn the_line_under_the_cursor_is_told_apart() {
    let split = |rows: &[&str], cursor| {
        let capture = Capture { cursor, ..capture(rows) };
        let (complete, partial) = capture.split();
        (complete.len(), partial.to_owned())
    };
    assert_eq!(split(&["a", "b", "", ""], (0, 2)), (2, String::new()));
    assert_eq!(split(&["a", "b", "", ""], (1, 1)), (1, "b".to_owned()));
    assert_eq!(split(&["a", "b", "c"], (1, 0)), (3, String::new()));
    assert_eq!(split(&["", ""], (0, 0)), (0, String::new()));
}

#[test]
fn what_we_typed_before_a_restart_is_an_echo_in_the_history_too() {
    let mut reader = Reader::new();
    told(&mut reader, &Past::Old, &capture(&["a", "b", "c", "$ "]), 60);
    reader.typed("echo deploy\n");
    let echoes = reader.awaited().map(std::borrow::Cow::into_owned).collect();
    let position = Position { anchor: reader.anchor().clone(), echoes, ..Position::default() };
    let json = serde_json::to_string(&position).expect("json");
    let past = Past::Remembered(Box::new(serde_json::from_str(&json).expect("a position")));
    // Once as its own memory tells, and once where the send is settled at the same start.
    for settles in [false, true] {
        let mut reader = Reader::new();
        if settles {
            reader.typed("echo deploy\n");
        }
        let mut origins = Vec::new();
        let later = capture(&["a", "b", "c", "$ echo deploy", "deploy", "$ echo deploy", "$ "]);
        catch_up(&mut reader, &past, &later, 60, &mut |told| {
            if let Told::Reading(Reading::Line { text, origin, .. }) = told {
                origins.push((text.to_owned(), origin));
            }
        });
        use tmuxagent_model::Origin::{Echo, Program};
        let wanted = [("$ echo deploy", Echo), ("deploy", Program), ("$ echo deploy", Program)];
        assert_eq!(origins, wanted.map(|(text, origin)| (text.to_owned(), origin)), "the last one a human typed");
    }
}
