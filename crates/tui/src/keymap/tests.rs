//! The table of actions and the user's file.

use super::*;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tmuxagent_text::Lang;

#[test]
fn the_defaults_have_no_conflict_and_every_action_is_bound_and_described() {
    let map = Keymap::default();
    assert_eq!(map.conflicts(), []);
    let mut names = std::collections::BTreeSet::new();
    for &action in KeyAction::ALL {
        assert!(names.insert(action.name()), "{action:?} has a name of its own");
        assert!(!map.keys(action).is_empty(), "{action:?} is bound");
        assert!(!action.contexts().is_empty(), "{action:?} applies somewhere");
        for lang in Lang::ALL {
            assert!(!action.description(lang).is_empty() && !action.short(lang).is_empty(), "{action:?}");
        }
        for &context in action.contexts() {
            assert_eq!(map.action(context, map.keys(action)[0]), Some(action), "{action:?}");
        }
    }
}

#[test]
fn every_action_stands_in_the_help_once() {
    let map = Keymap::default();
    let mut shown: Vec<KeyAction> =
        Section::ALL.iter().flat_map(|&section| map.help(section, Glyphs::Unicode)).map(|(action, _)| action).collect();
    shown.sort_unstable();
    let mut all = KeyAction::ALL.to_vec();
    all.sort_unstable();
    assert_eq!(shown, all);
}

#[test]
fn keys_are_read_as_people_write_them() {
    for (text, shown) in [
        ("a", "a"),
        ("G", "G"),
        ("shift-g", "G"),
        ("C-l", "Ctrl-L"),
        ("ctrl-L", "Ctrl-L"),
        ("M-x", "Alt-x"),
        ("alt-enter", "Alt-Enter"),
        ("shift-tab", "Shift-Tab"),
        ("ESC", "Esc"),
        ("space", "Space"),
        ("PageDown", "PgDn"),
        ("f12", "F12"),
        ("-", "-"),
        ("ctrl--", "Ctrl--"),
        ("中", "中"),
    ] {
        assert_eq!(text.parse::<Key>().map(|key| key.to_string()).as_deref(), Ok(shown), "{text}");
    }
    for text in ["", "hyper-x", "f25", "enterr", "ctrl-"] {
        assert!(text.parse::<Key>().is_err(), "{text}");
    }
}

#[test]
fn the_terminals_report_is_the_key_that_was_written() {
    for (code, modifiers, text) in [
        (KeyCode::Char('G'), KeyModifiers::SHIFT, "G"),
        (KeyCode::Char('g'), KeyModifiers::SHIFT, "G"),
        (KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab"),
        (KeyCode::Tab, KeyModifiers::SHIFT, "shift-tab"),
        (KeyCode::Char('L'), KeyModifiers::CONTROL | KeyModifiers::SHIFT, "ctrl-l"),
        (KeyCode::Char('?'), KeyModifiers::SHIFT, "?"),
    ] {
        assert_eq!(Ok(Key::of_event(KeyEvent::new(code, modifiers))), text.parse(), "{text}");
    }
}

#[test]
fn full_width_keys_of_an_input_method_work() {
    let map = Keymap::default();
    for (c, action) in [('？', KeyAction::Help), ('／', KeyAction::Filter), ('！', KeyAction::Problems)] {
        assert_eq!(map.action(Context::Screen, Key::char(c)), Some(action));
    }
}

fn read(text: &str) -> Result<Keymap, String> {
    Keymap::from_yaml(&tmuxagent_yaml::Source::new("keymap.yaml", text)).map_err(|found| found.to_string())
}

#[test]
fn the_users_file_replaces_the_keys_of_its_actions() {
    let map = read("# mine\napprove: [F5, A]\nmouse: []\nquit: Q\nno: n\n").unwrap();
    assert_eq!(map.label(KeyAction::Approve, Glyphs::Unicode).as_deref(), Some("F5"));
    assert_eq!(map.action(Context::Screen, Key::char('a')), None, "the default key is gone");
    assert_eq!(map.action(Context::Screen, Key::char('m')), None);
    assert_eq!(map.label(KeyAction::Mouse, Glyphs::Unicode), None);
    assert_eq!(map.action(Context::Screen, Key::char('Q')), Some(KeyAction::Quit));
    assert!(map.help(Section::Program, Glyphs::Unicode).iter().all(|(action, _)| *action != KeyAction::Mouse));
}

#[test]
fn an_empty_file_changes_nothing() {
    for source in ["", "\n# nothing\n"] {
        assert_eq!(read(source), Ok(Keymap::default()), "{source:?}");
    }
}

#[test]
fn all_problems_of_a_file_are_told_with_their_place() {
    let told = |source| read(source).unwrap_err();
    insta::assert_snapshot!("problems", told("aprove: y\nfrobnicate: z\nchoose: a\nretry: [hyper-x, x]\nskip: k\n"));
    insta::assert_snapshot!("clash", told("retry: R\ncancel: R\n"));
    insta::assert_snapshot!("twice", told("approve: a\napprove: b\n"));
    insta::assert_snapshot!("list", told("- approve\n"));
    insta::assert_snapshot!("map", told("approve: {a: b}\n"));
}
