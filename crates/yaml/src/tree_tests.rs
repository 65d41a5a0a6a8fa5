//! Trees of hostile, odd and ordinary files.

use super::super::Source;
use super::*;

fn read(text: &str) -> (Option<Node>, String) {
    let sources = [Source::new("p", text)];
    let mut problems = Problems::new(&sources);
    let node = parse(0, &mut problems);
    let found: Vec<String> =
        problems.finish().problems.iter().map(|p| format!("{}:{} {}", p.line, p.col, p.message)).collect();
    (node, found.join("; "))
}

fn shape(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar { text, plain } => {
            if *plain {
                text.clone()
            } else {
                format!("'{text}'")
            }
        }
        Kind::List(items) => format!("[{}]", items.iter().map(shape).collect::<Vec<_>>().join(" ")),
        Kind::Map(entries) => {
            let entries: Vec<String> = entries.iter().map(|(k, v)| format!("{}={}", k.text, shape(v))).collect();
            format!("{{{}}}", entries.join(" "))
        }
    }
}

fn shaped(text: &str) -> String {
    let (node, problems) = read(text);
    assert_eq!(problems, "");
    node.as_ref().map_or_else(String::new, shape)
}

#[test]
fn a_text_that_looks_cut_by_a_comment_is_told() {
    let warned = |text: &str| {
        let sources = [Source::new("p", text)];
        let mut problems = Problems::new(&sources);
        let _ = parse(0, &mut problems);
        problems.finish().warnings()
    };
    assert_eq!(warned("a: one\nb: a line of its own, ### SENTRY {}\n"), 1);
    assert_eq!(warned("a: echo one #two\n"), 1);
    for right in ["a: x # a comment\n", "a: 'one ### two'\n", "a: 5 #five\n", "# - a\na: b # c # d\n", "a: one#two\n"] {
        assert_eq!(warned(right), 0, "{right}");
    }
}

#[test]
fn trees_keep_texts_and_order() {
    assert_eq!(shaped("b: no\na: ['1', 2, ~]\n"), "{b=no a=['1' 2 ~]}");
    assert_eq!(shaped("# only a comment\n"), "");
    assert_eq!(shaped(""), "");
    assert_eq!(shaped("---\n"), "");
    assert_eq!(shaped("\u{feff}a: 1\r\nb: 2\r\n"), "{a=1 b=2}");
}

#[test]
fn anchors_and_merge_keys_are_written_out() {
    let text = "x: &base {a: 1, b: 2}\ny: {<<: *base, b: 3}\nz: *base\n";
    assert_eq!(shaped(text), "{x={a=1 b=2} y={b=3 a=1} z={a=1 b=2}}");
    assert_eq!(shaped("p: &p {a: 1}\nq: &q {a: 2, c: 3}\nr: {<<: [*p, *q]}"), "{p={a=1} q={a=2 c=3} r={a=1 c=3}}");
}

#[test]
fn places_survive_a_byte_order_mark_and_wide_text() {
    let text = "\u{feff}中: 文\nkey: bad";
    let (node, _) = read(text);
    let Some(Node { kind: Kind::Map(entries), .. }) = node else { panic!("a map") };
    let at = entries[1].1.at;
    assert_eq!(&text[at.start..at.start + at.len], "bad");
}

#[test]
fn what_is_wrong_with_the_text_itself_is_told_with_its_place() {
    for (text, wanted) in [
        ("a: 1\nb: 2\na: 3\n", "3:1 the key `a` stands twice in one map"),
        ("a: {b: 1}\n---\nb: 2\n", "2:1 a second document begins here"),
        ("a: &x [*x]\n", "1:8 an alias can't stand inside what it names"),
        ("[a]: 1\n", "1:1 a key must be a plain text"),
        ("a: !secret b\n", "1:12 the tag `!secret` has no meaning here"),
        ("a: {<<: 3}\n", "1:9 `<<` takes a map or a list of maps"),
    ] {
        assert_eq!(read(text).1, wanted, "{text}");
    }
    for text in ["a: [1, 2\n", "a: *missing\n", "a: b: c\n", "a:\n\tb: 1\n", "a: \"x\n", "%YAML 9\n---\na"] {
        assert_ne!(read(text).1, "", "{text}");
    }
}

#[test]
fn bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let alias = format!("*a{}", n - 1);
        text.push_str(&format!("a{n}: &a{n} [{}]\n", [alias.as_str(); 10].join(", ")));
    }
    assert!(read(&text).1.contains("too large"));
    assert_ne!(read(&"[".repeat(20_000)).1, "");
}

#[test]
fn scalars_are_read_as_what_is_asked_for() {
    let (node, _) = read("a: 0123\nb: 'true'\nc: true\nd: ~\ne: [1, x, 'n', 1.5, null]\n");
    let node = node.unwrap();
    let texts = ["a", "b", "c", "d", "e"].map(|key| node.get(key).and_then(Node::as_text));
    assert_eq!(texts, [Some("0123"), Some("true"), Some("true"), None, None]);
    assert_eq!(["b", "c"].map(|key| node.get(key).and_then(Node::as_flag)), [None, Some(true)]);
    assert_eq!(node.get("a").and_then(Node::parsed::<u8>), Some(123));
    assert_eq!(node.get("e").unwrap().to_json(), serde_json::json!([1, "x", "n", 1.5, null]));
    assert_eq!(quoted("it's\ta: #b"), "'it''s a: #b'");
}
