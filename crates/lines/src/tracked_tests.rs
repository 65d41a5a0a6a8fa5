//! The typed forms; that real shells understand them is tried in `tests/e2e`.

use super::*;

#[test]
fn each_shell_gets_its_own_form() {
    let typed = |shell, command| tracked_command(shell, &ShellText::from(command), "01J");
    let end = |own: &str| format!(r"; {own} printf '\033[8m__TMUXAGENT_RESULT %s %s\033[m\n' 01J");
    let begin = |own: &str| format!(r"({own} printf '\033]133;C;ta=01J\a' >&2");
    let posix = |own: &str| format!("{} $?; }} 7<&${})-", end(own), begin(own));
    let (any, zsh) = (posix("command"), posix("builtin"));
    let fish = format!("{} $status; end 2>&{}; builtin echo 2)", end("builtin"), begin("builtin"));
    let bash = format!("{zsh}; case $(history 1) in *01J*) history -d -1 2>/dev/null;; esac");
    let cases = [
        (Shell::Sh, "npm test", format!(" {{ npm test{any}")),
        (
            Shell::Bash,
            "FOO=1 npm test && echo 'a b' \"$HOME\" >x 2>&1",
            format!(" {{ FOO=1 npm test && echo 'a b' \"$HOME\" >x 2>&1{bash}"),
        ),
        (Shell::Bash, "echo it\\'s", format!(" {{ command eval 'echo it\\'\\''s'{bash}")),
        (Shell::Zsh, "npm test\n", format!(" {{ npm test{zsh}")),
        (Shell::Zsh, "curl http://a.b:1/c", format!(" {{ curl http://a.b:1/c {zsh}")),
        (Shell::Zsh, "curl http://a/b; make", format!(" {{ eval 'curl http://a/b; make'{zsh}")),
        (Shell::Zsh, "curl http://a/b?c=1", format!(" {{ eval 'curl http://a/b?c=1'{zsh}")),
        (Shell::Bash, "curl http://a/b; make", format!(" {{ curl http://a/b; make{bash}")),
        (Shell::Zsh, "ls [ab]", format!(" {{ eval 'ls [ab]'{zsh}")),
        (Shell::Fish, "echo 'a\\b'", format!(" begin; eval 'echo \\'a\\\\b\\''{fish}")),
        (Shell::Sh, "a\n\tb 100%", format!(" {{ command eval \"$(command printf 'a\\012\\011b 100%%')\"{any}")),
        (Shell::Zsh, "a\n\tb", format!(" {{ eval $'a\\012\\011b'{zsh}")),
        (Shell::Bash, "a\n\tb", format!(" {{ command eval $'a\\012\\011b'{bash}")),
        (Shell::Fish, "a\n\tb", format!(" begin; eval 'a'\\x0a''\\x09'b'{fish}")),
        (Shell::Bash, "a\r\nb!", format!(" {{ command eval $'a\\012b\\x21'{bash}")),
        (Shell::Fish, "a\nb", format!(" begin; eval 'a'\\x0a'b'{fish}")),
    ];
    for (shell, command, expected) in cases {
        assert_eq!(typed(shell, command), expected);
        assert_eq!(report(&expected), None, "the echo is no report");
        assert_eq!(typed_token(&expected), Some("01J"));
        assert!(is_tracked_command(&expected));
    }
}

#[test]
fn the_marks_are_printed_by_the_shell_itself() {
    for shell in [Shell::Sh, Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Csh, Shell::Other] {
        let own = own_builtins(shell);
        for text in ["make", "a\n\tb", "echo 'é\t'"] {
            let typed = tracked_command(shell, &text.into(), "01J");
            let bare = typed.replace(&format!("{own} printf "), "").replace("command printf ", "");
            assert!(!bare.contains("printf"), "{shell:?}: {typed}");
            assert!(!typed.contains(['\n', '\t']), "{shell:?}: {typed}");
        }
    }
}

#[test]
fn what_earlier_versions_typed_is_ours() {
    let earlier = r" { npm ci; printf '\033[8m__TMUXAGENT_RESULT %s %s\033[m\n' 01J $?; } 7<&-";
    assert_eq!((is_tracked_command(earlier), typed_token(earlier)), (true, Some("01J")));
    assert!(is_tracked_command("$ { npm ci; printf '__TMUXAGENT_RESULT %s %s\\n' 01J $?; }"));
    assert_eq!(without_report(earlier), "");
}

#[test]
fn long_commands_come_in_lines_that_terminals_and_editors_can_hold() {
    for text in ["x".repeat(20_000), "echo 'a%\\b'\n".repeat(3000), "é\t".repeat(5000)] {
        for shell in [Shell::Sh, Shell::Zsh] {
            let typed = tracked_command(shell, &text.as_str().into(), "01J");
            assert!(typed.lines().all(|line| line.len() < 4000), "{:?}", typed.lines().map(str::len).max());
            assert!(typed.len() < text.len() * 2 + 1000, "{} of {}", typed.len(), text.len());
        }
    }
}

#[test]
fn a_token_can_not_leave_its_place() {
    assert!(tracked_command(Shell::Sh, &"x".into(), "a; rm -rf /\n$(b)").contains("' arm-rfb "));
}

#[test]
fn reports_are_read() {
    let read = |line| report(line).map(|report| (report.before, report.token, report.exit));
    assert_eq!(read("__TMUXAGENT_RESULT 01J-a 127"), Some(("", "01J-a", 127)));
    assert_eq!(read("no line feed__TMUXAGENT_RESULT 01J 0"), Some(("no line feed", "01J", 0)));
    for line in [
        "__TMUXAGENT_RESULT 01J",
        "__TMUXAGENT_RESULT 01J x",
        "__TMUXAGENT_RESULT %s %s",
        "__TMUXAGENT_RESULT 01J 0 more",
    ] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn values_stand_before_the_command_and_only_in_escapes() {
    let command = ShellText {
        text: "cd \"${TA_v}\"".to_owned(),
        values: [("TA_v".to_owned(), "a $(b)\n'é".to_owned())].into(),
        shown: String::new(),
    };
    for (shell, expected) in [
        (Shell::Bash, r#" TA_v=$'a\040\044\050b\051\012\047\303\251' command eval 'export -n TA_v; cd "${TA_v}"'"#),
        (Shell::Zsh, r#" TA_v=$'a\040\044\050b\051\012\047\303\251' eval 'typeset +x TA_v; cd "${TA_v}"'"#),
        (Shell::Fish, r#" begin; set -l TA_v a\x20\x24\x28b\x29\x0a\x27\U000000e9; eval 'cd "${TA_v}"'; end"#),
        (
            Shell::Sh,
            concat!(
                r#" command eval "$(command printf 'unset\040TA_v\073\040TA_v\075\047a\040\044\050b\051\012\047\134\047\047\303\251\047\073\040command"#,
                r#"\040eval\040\047cd\040\042\044\173TA_v\175\042\047')"; unset TA_v"#
            ),
        ),
    ] {
        assert_eq!(untracked_command(shell, &command), expected);
    }
    let plain = ShellText { values: [("TA_v".to_owned(), "v1.2".to_owned())].into(), ..command };
    assert_eq!(
        untracked_command(Shell::Sh, &plain),
        r#" unset TA_v; TA_v='v1.2'; command eval 'cd "${TA_v}"'; unset TA_v"#
    );
    assert_eq!(untracked_command(Shell::Bash, &"echo 'x'".into()), "echo 'x'");
    // A tab that is typed would complete a name.
    assert!(!untracked_command(Shell::Sh, &"echo 'a\tb'".into()).contains('\t'));
    assert!(!untracked_command(Shell::Fish, &"echo 'a\tb'".into()).contains('\t'));
}
