//! The typed forms; that real shells understand them is tried in `tests/e2e`.

use super::*;

#[test]
fn each_shell_gets_its_own_form() {
    let typed = |shell, command| tracked_command(shell, command, "01J");
    let end = "; printf '__TMUXAGENT_RESULT %s %s\\n' 01J";
    let forget = "; case $(history 1) in *01J*) history -d -1 2>/dev/null;; esac";
    let cases = [
        (ShellKind::Sh, "npm test", format!(" command eval 'npm test'{end} \"$?\"")),
        (ShellKind::Bash, "echo 'a'", format!(" command eval 'echo '\\''a'\\'''{end} \"$?\"{forget}")),
        (ShellKind::Zsh, "npm test\n", format!(" eval 'npm test'{end} \"$?\"")),
        (ShellKind::Fish, "echo 'a\\b'", format!(" eval 'echo \\'a\\\\b\\''{end} $status")),
        (ShellKind::Sh, "a\n\tb 100%", format!(" command eval \"$(printf 'a\\012\\011b 100%%')\"{end} \"$?\"")),
        (ShellKind::Bash, "a\r\nb!", format!(" command eval $'a\\012b\\x21'{end} \"$?\"{forget}")),
        (ShellKind::Fish, "a\nb", format!(" eval 'a'\\x0a'b'{end} $status")),
    ];
    for (shell, command, expected) in cases {
        assert_eq!(typed(shell, command), expected);
        assert_eq!(report(&expected), None, "the echo is no report");
    }
}

#[test]
fn a_token_can_not_leave_its_place() {
    assert!(tracked_command(ShellKind::Sh, "x", "a; rm -rf /\n$(b)").contains(" arm-rfb "));
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
fn shells_are_known_by_their_names() {
    assert_eq!(ShellKind::from_command("-zsh"), Some(ShellKind::Zsh));
    assert_eq!(ShellKind::from_command("/usr/bin/dash"), Some(ShellKind::Sh));
    assert_eq!(ShellKind::from_command("node"), None);
}
