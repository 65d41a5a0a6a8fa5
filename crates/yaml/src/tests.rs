use super::*;

fn read(text: &str) -> String {
    let source = Source::new("x.yaml", text);
    let read = Reader::read(&source, |top| {
        let _ = top.number("poll_interval_ms", 50..=60_000);
        let _ = top.word("language", &[("en", 1), ("zh", 2)]);
        let _ = top.texts("names");
        if let Some(ssh) = top.map("ssh") {
            let _ = ssh.require("host");
            let _ = ssh.number("port", 1..=65_535);
            ssh.finish();
        }
        top.finish();
    });
    read.err().map_or_else(String::new, |found| found.to_string())
}

#[test]
fn all_problems_come_at_once_each_with_its_place() {
    insta::assert_snapshot!(read("pol_interval_ms: 5\nlanguage: zn\nssh: {prot: 22, 主机: nas}\nnames: [a, {b: 1}]\n"), @r"
    x.yaml:1:1: error[unknown-key]: unknown key `pol_interval_ms`
      |
    1 | pol_interval_ms: 5
      | ^^^^^^^^^^^^^^^
      = help: did you mean `poll_interval_ms`?

    x.yaml:2:11: error[unknown-word]: `zn` is no value of `language`
      |
    2 | language: zn
      |           ^^
      = help: did you mean `en`?
      = help: possible: `en`, `zh`

    x.yaml:3:6: error[missing-key]: `ssh` needs a key `host`
      |
    3 | ssh: {prot: 22, 主机: nas}
      |      ^

    x.yaml:3:7: error[unknown-key]: unknown key `prot` in `ssh`
      |
    3 | ssh: {prot: 22, 主机: nas}
      |       ^^^^
      = help: did you mean `port`?

    x.yaml:3:17: error[unknown-key]: unknown key `主机` in `ssh`
      |
    3 | ssh: {prot: 22, 主机: nas}
      |                 ^^^^
      = help: possible: `host`, `port`

    x.yaml:4:12: error[wrong-type]: `names[1]` must be a text, not a map
      |
    4 | names: [a, {b: 1}]
      |            ^
    ");
}

#[test]
fn a_list_in_the_place_of_one_value_is_told_with_the_way_out() {
    insta::assert_snapshot!(read("language: [en]\npoll_interval_ms: [1, 2]\nssh: [a]\n"), @r"
    x.yaml:1:11: error[wrong-type]: `language` must be a text, not a list
      |
    1 | language: [en]
      |           ^
      = help: write `en` alone, without the list

    x.yaml:2:19: error[wrong-type]: `poll_interval_ms` must be a whole number, not a list
      |
    2 | poll_interval_ms: [1, 2]
      |                   ^
      = help: one value can stand here, not several

    x.yaml:3:6: error[wrong-type]: `ssh` must be a map of keys and values, not a list
      |
    3 | ssh: [a]
      |      ^
    ");
}

#[test]
fn what_is_not_yaml_is_shown_where_it_breaks() {
    insta::assert_snapshot!(read("a: 1\na: 2\n"), @r"
    x.yaml:1:1: error[unknown-key]: unknown key `a`
      |
    1 | a: 1
      | ^
      = help: possible: `language`, `names`, `poll_interval_ms`, `ssh`

    x.yaml:2:1: error[duplicate-key]: the key `a` stands twice in one map
      |
    2 | a: 2
      | ^
      = help: the first is at x.yaml:1:1
    ");
    insta::assert_snapshot!(read("names: go: on\n"), @r"
    x.yaml:1:10: error[yaml]: not valid YAML: mapping values are not allowed in this context
      |
    1 | names: go: on
      |          ^
      = help: put texts that hold `: ` in quotes, and check the indentation
    ");
    insta::assert_snapshot!(read("names: a\n---\nnames: b\n"), @r"
    x.yaml:2:1: error[yaml]: a second document begins here
      |
    2 | ---
      | ^^^
      = help: one file holds one document: put the others into files of their own
    ");
}

#[test]
fn an_empty_text_is_an_empty_map() {
    assert_eq!(read(""), "");
    assert_eq!(read("# nothing\n"), "");
}

#[test]
fn numbers_have_bounds_and_wrong_kinds_are_named() {
    insta::assert_snapshot!(read("poll_interval_ms: 5\nssh: 3"), @r"
    x.yaml:1:19: error[bad-number]: `poll_interval_ms` must be between 50 and 60000, not 5
      |
    1 | poll_interval_ms: 5
      |                   ^

    x.yaml:2:6: error[wrong-type]: `ssh` must be a map of keys and values, not `3`
      |
    2 | ssh: 3
      |      ^
    ");
}

#[test]
fn excerpts_cannot_drive_the_terminal() {
    let shown = read("\"a\\e[2Jb\": 1\nlanguage: \"\\e]0;\\a\"\n");
    assert!(shown.contains("unknown key"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn the_nearest_word_is_near() {
    let words = ["poll_interval_ms", "tmux_bin", "hosts"];
    assert_eq!(nearest("poll-interval-ms", words), Some("poll_interval_ms"));
    assert_eq!(nearest("host", words), Some("hosts"));
    assert_eq!(nearest("tmux_bni", words), Some("tmux_bin"));
    assert_eq!(nearest("colour", words), None);
}

#[test]
fn slips_are_recognised_and_strangers_are_not() {
    let keys = ["success_when", "fail_when", "on_success", "on_fail", "triggers", "name"];
    for (given, wanted) in [
        ("sucess_when", Some("success_when")),
        ("successWhen", Some("success_when")),
        ("success-when", Some("success_when")),
        ("trigers", Some("triggers")),
        ("tirggers", Some("triggers")),
        ("nmae", Some("name")),
        ("onfail", Some("on_fail")),
        ("success", Some("success_when")),
        ("banana", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(nearest(given, keys), wanted, "{given}");
    }
}
