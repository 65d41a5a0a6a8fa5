use super::*;
use proptest::prelude::*;

fn filled(source: &str, value: &str, quoting: Quoting) -> String {
    fill(&TextTemplate::new(source), &|name| (name == "line").then(|| value.to_owned()), quoting)
}

const SH: Quoting = Quoting::Shell(Shell::Posix);

#[test]
fn names_are_found_in_order_and_once() {
    assert_eq!(TextTemplate::new("{{a}} {{ b }} {{a}} \\{{c}} {{").names, ["a", "b"]);
    assert_eq!(TextTemplate::new("x{{a}}y").literal(), "xy");
}

#[test]
fn values_enter_as_they_are_where_nothing_reads_them() {
    assert_eq!(filled("a {{line}} b", "x'\u{1b}[31m\ny\u{7}", Quoting::None), "a x'[31m\ny b");
    assert_eq!(filled("{{missing}}|", "v", Quoting::None), "|");
    assert_eq!(filled("docker ps --format '\\{{.Names}}'", "v", SH), "docker ps --format '{{.Names}}'");
    assert_eq!(filled("https://h/{{line}}?q", "a/../b ü&", Quoting::Url), "https://h/a%2F..%2Fb%20%C3%BC%26?q");
}

#[test]
fn values_are_quoted_by_where_they_stand() {
    for (source, wanted) in [
        ("echo {{line}}", r"echo 'a'\''b $(x)'"),
        ("echo \"is {{line}}\"", r#"echo "is "'a'\''b $(x)'"""#),
        ("echo 'is {{line}}'", r"echo 'is a'\''b $(x)'"),
        ("echo \"$(cat {{line}})\"", r#"echo "$(cat 'a'\''b $(x)')""#),
        ("echo \"a\\\"{{line}}\"", r#"echo "a\""'a'\''b $(x)'"""#),
        ("x=1;{{line}}", r"x=1;'a'\''b $(x)'"),
    ] {
        assert_eq!(filled(source, "a'b $(x)", SH), wanted, "{source}");
    }
    assert_eq!(filled("echo {{line}}", "a'b\\c", Quoting::Shell(Shell::Fish)), r"echo 'a\'b\\c'");
    assert_eq!(filled("echo {{line}}", "a'b!c", Quoting::Shell(Shell::Csh)), r"echo 'a'\''b\!c'");
    assert_eq!(filled("echo {{line}}", "a'b;c é", Quoting::Shell(Shell::Other)), "echo 'a_b_c_é'");
}

#[test]
fn typed_values_stay_on_their_line() {
    assert_eq!(
        filled("echo {{line}}", "a\r\nrm -rf /\u{3}\u{1b}[A", Quoting::Typed(Shell::Posix)),
        "echo 'a  rm -rf /  [A'"
    );
}

#[test]
fn places_that_cannot_be_quoted_are_told() {
    for (source, wanted) in [
        ("echo `cat {{line}}`", Some("within backticks")),
        ("echo ${x:-{{line}}}", Some("within `${…}`")),
        ("cat <<EOF\n{{line}}\nEOF", Some("after `<<`, in a here-document")),
        ("true # {{line}}", Some("in a comment")),
        ("echo $'{{line}}'", Some("within `$'…'`")),
        ("echo \\{{{line}}", None),
        ("echo ${{line}}", Some("after `$`")),
        ("echo $(( {{line}} + 1 ))", Some("within `((…))`")),
        ("echo \"$((1 + {{line}}))\"", Some("within `((…))`")),
        ("(( {{line}} > 3 )) && x", Some("within `((…))`")),
        ("((1 > 0)); echo {{line}}", None),
        ("( (cd {{line}}) )", None),
        ("cat <<< {{line}}", None),
        ("echo a#{{line}}", None),
        ("(cd {{line}} && ls) | sort", None),
    ] {
        assert_eq!(unquotable(source).first().map(|(_, why)| *why), wanted, "{source}");
    }
}

#[test]
fn values_for_a_second_shell_are_told() {
    for (source, wanted) in [
        ("sh -c 'echo {{line}}'", true),
        ("bash -lc \"echo {{line}}\"", true),
        ("sh -c 'echo \"$1\"' _ {{line}}", false),
        ("ssh host ls {{line}}", true),
        ("ssh host ls {{stage}}", false),
        ("eval {{line}}", true),
        ("/usr/bin/ssh host ls {{line}}", true),
        ("echo {{line}} | sh", true),
        ("printf %s {{line}} | sudo /bin/bash", true),
        ("bash <<< {{line}}", true),
        ("[[ {{line}} -gt 3 ]] && x", true),
        ("[[ -n {{line}} ]]", false),
        ("[ {{line}} -gt 3 ]", false),
        ("cd x && trap {{line}} EXIT", true),
        ("true; let {{line}}", true),
        ("git commit -m \"let {{line}} be\"", false),
        ("echo {{line}} | tee x.sh", false),
        ("make {{line}} || sh tidy.sh", false),
        ("./push {{line}}", false),
        ("python3 -c 'print(\"{{line}}\")'", true),
        ("python3 tool.py '{{line}}'", false),
        ("awk '/{{line}}/' x", true),
        ("git commit -m \"fix {{line}}\"", false),
        ("docker exec c sh -c 'x {{line}}'", true),
    ] {
        assert_eq!(!evaluated_twice(source).is_empty(), wanted, "{source}");
    }
}

#[test]
fn shells_are_known_by_their_programs() {
    let shells = ["-zsh", "/usr/bin/fish", "tcsh", "nu", "bash", "node"].map(Shell::of);
    assert_eq!(shells, [Shell::Posix, Shell::Fish, Shell::Csh, Shell::Other, Shell::Posix, Shell::Posix]);
}

proptest! {
    #[test]
    fn typed_text_holds_no_control_characters(source in "[a-z{}'\"\\\\$(` ]{0,30}", value in any::<String>()) {
        let source = format!("{source}{{{{line}}}}");
        for shell in [Shell::Posix, Shell::Fish, Shell::Csh, Shell::Other] {
            prop_assert!(!filled(&source, &value, Quoting::Typed(shell)).chars().any(char::is_control));
        }
    }

    #[test]
    fn any_text_is_a_template(source in any::<String>()) {
        let template = TextTemplate::new(source.clone());
        let _ = (fill(&template, &|_| None, SH), unquotable(&source), evaluated_twice(&source));
    }
}
