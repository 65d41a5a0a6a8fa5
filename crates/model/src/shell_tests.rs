use super::*;

#[test]
fn shells_are_known_by_their_programs() {
    let shells = ["-zsh", "/usr/bin/fish", "tcsh", "nu", "bash", "/usr/bin/dash", "node"].map(Shell::of);
    assert_eq!(shells, [Shell::Zsh, Shell::Fish, Shell::Csh, Shell::Other, Shell::Bash, Shell::Sh, Shell::Sh]);
    assert_eq!(Shell::from_command("node"), None);
}

#[test]
fn a_command_without_values_is_written_down_as_a_text() {
    let plain = ShellText::from("npm test");
    assert_eq!(serde_json::to_string(&plain).unwrap(), "\"npm test\"");
    assert_eq!(serde_json::from_str::<ShellText>("\"npm test\"").unwrap(), plain);
    let mut bound = ShellText { text: "cd \"${TA_v}\"".into(), shown: "cd 'x'".into(), ..ShellText::default() };
    bound.values.insert("TA_v".into(), "x".into());
    let written = serde_json::to_string(&bound).unwrap();
    assert_eq!(serde_json::from_str::<ShellText>(&written).unwrap(), bound);
}

#[test]
fn an_option_is_no_option_of_printf() {
    assert_eq!(Shell::Sh.typed_word("-v $x"), r#""$(command printf '\055v\040\044x')""#);
    assert_eq!(Shell::Sh.typed_word(""), r#""$(command printf '')""#);
    assert_eq!(Shell::Fish.typed_word(""), "''");
    assert_eq!(Shell::Bash.typed_word("a\0b"), "$'ab'");
}
