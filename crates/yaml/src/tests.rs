use super::*;

fn read(text: &str) -> String {
    let source = Source::new("x.yaml", text);
    let node = match parse(&source) {
        Ok(node) => node,
        Err(diagnostic) => return diagnostic.to_string(),
    };
    let reader = Reader::new(&source);
    if let Some(top) = reader.map(&node, "") {
        let _ = top.number("poll_interval_ms", 50..=60_000);
        let _ = top.word("language", &[("en", 1), ("zh", 2)]);
        let _ = top.texts("names");
        if let Some(ssh) = top.map("ssh") {
            let _ = ssh.require("host");
            let _ = ssh.number("port", 1..=65_535);
            ssh.finish();
        }
        top.finish();
    }
    render_all(&reader.finish())
}

#[test]
fn all_problems_come_at_once_each_with_its_place() {
    insta::assert_snapshot!(read("pol_interval_ms: 5\nlanguage: zn\nssh: {prot: 22, 主机: nas}\nnames: [a, {b: 1}]\n"), @r"
    x.yaml:1:1: error: unknown key `pol_interval_ms`
      |
    1 | pol_interval_ms: 5
      | ^^^^^^^^^^^^^^^
      = help: did you mean `poll_interval_ms`?

    x.yaml:2:11: error: `zn` is no value of `language`
      |
    2 | language: zn
      |           ^^
      = help: did you mean `en`? possible: `en`, `zh`

    x.yaml:3:6: error: `ssh` needs a key `host`
      |
    3 | ssh: {prot: 22, 主机: nas}
      |      ^

    x.yaml:3:7: error: unknown key `prot` in `ssh`
      |
    3 | ssh: {prot: 22, 主机: nas}
      |       ^^^^
      = help: did you mean `port`?

    x.yaml:3:17: error: unknown key `主机` in `ssh`
      |
    3 | ssh: {prot: 22, 主机: nas}
      |                 ^^^^
      = help: possible: `host`, `port`

    x.yaml:4:12: error: `names[1]` must be a text, not a map
      |
    4 | names: [a, {b: 1}]
      |            ^
    ");
}

#[test]
fn what_is_not_yaml_is_shown_where_it_breaks() {
    insta::assert_snapshot!(read("a: 1\na: 2\n"), @r"
    x.yaml:2:1: error: not valid YAML: the key `a` stands here a second time
      |
    2 | a: 2
      | ^
      = help: keep one of them
    ");
    insta::assert_snapshot!(read("names: go: on\n"), @r"
    x.yaml:1:10: error: not valid YAML: mapping values are not allowed in this context
      |
    1 | names: go: on
      |          ^
      = help: put texts that hold `: ` in quotes, and check the indentation
    ");
    insta::assert_snapshot!(read("names: a\n---\nnames: b\n"), @r"
    x.yaml:3:1: error: not valid YAML: a second document begins here
      |
    3 | names: b
      | ^
      = help: one file holds one document: remove the `---`
    ");
}

#[test]
fn scalars_keep_how_they_were_written() {
    let source = Source::new("x", "\u{feff}a: 0123\nb: 1.50\nc: yes\nd: true\ne: 'q'\n");
    let node = parse(&source).unwrap();
    let texts: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|k| node.get(k).and_then(Node::as_text)).collect();
    assert_eq!(texts, [Some("0123"), Some("1.50"), Some("yes"), Some("true"), Some("q")]);
}

#[test]
fn an_empty_text_is_an_empty_map() {
    assert_eq!(read(""), "");
    assert_eq!(read("# nothing\n"), "");
}

#[test]
fn numbers_have_bounds_and_wrong_kinds_are_named() {
    insta::assert_snapshot!(read("poll_interval_ms: 5\nssh: 3"), @r"
    x.yaml:1:19: error: `poll_interval_ms` must be between 50 and 60000, not 5
      |
    1 | poll_interval_ms: 5
      |                   ^

    x.yaml:2:6: error: `ssh` must be a map of keys and values, not `3`
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
