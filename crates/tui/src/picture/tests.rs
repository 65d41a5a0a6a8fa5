//! Pictures: every character in its cell, nothing foreign.

use super::*;

#[test]
fn wide_characters_take_two_cells_and_markup_is_escaped() {
    let buffer = captured("\u{1b}[31m中a\u{1b}[0m <&>\n┌─┐", 10);
    let svg = svg(&buffer, "a <screen>");
    insta::assert_snapshot!("wide", svg);
}

#[test]
fn a_picture_needs_nothing_from_elsewhere() {
    let model = crate::view::tests_screen();
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    let _ = crate::view::render(&model, buffer.area, &mut buffer);
    let svg = svg(&buffer, "tmuxagent");
    for foreign in ["href", "url(", "@import", "@font-face", "<script", "<image"] {
        assert!(!svg.contains(foreign), "{foreign}");
    }
    assert_eq!(svg.matches("http").count(), 1, "only the name space");
    assert!(!svg.chars().any(|c| c.is_control() && c != '\n'));
    // Balanced, as a parser wants it.
    for tag in ["text", "g", "svg", "title"] {
        let open = svg.matches(&format!("<{tag} ")).count() + svg.matches(&format!("<{tag}>")).count();
        assert_eq!(open, svg.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}
