//! What we typed comes back and triggers nothing.

use super::*;
use tmuxagent_model::Shell;

#[test]
fn a_command_behind_a_prompt_is_an_echo_and_its_output_is_not() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("user@host:~$ ").quiet().typed("npm test\n").bytes("npm test\r\nnpm test\r\n> npm test\r\n");
    assert_eq!(pane.told(), ["user@host:~$", "=+12 user@host:~$ npm test", "npm test", "> npm test"]);
}

#[test]
fn typed_ahead_it_comes_back_twice() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("$ sleep 1\r\n").typed("npm test\n").bytes("npm test\r\n").bytes("Running: npm test\r\n$ npm test\r\n");
    pane.bytes("npm test\r\n$ npm test\r\n");
    assert_eq!(
        pane.told(),
        ["$ sleep 1", "=npm test", "Running: npm test", "=$ npm test", "npm test", "$ npm test"],
        "the last one a human typed"
    );
}

#[test]
fn an_echo_may_come_in_pieces_and_wrapped() {
    let mut pane = Pane::new(20, 6);
    pane.bytes("$ ").quiet().typed("echo a long command\n").bytes("echo a lo").quiet().bytes("ng comman \rd").quiet();
    pane.bytes("\r\na long command\r\n");
    let told = pane.told();
    assert_eq!(told[..2], ["$", "=+1 $ echo a lo"]);
    assert!(told.iter().skip(1).filter(|line| line.contains("echo")).all(|line| line.starts_with('=')), "{told:?}");
    assert_eq!(told.last().unwrap(), "a long command");
}

#[test]
fn an_echo_that_is_drawn_again_behind_the_rest_of_the_first_picture_is_one() {
    let typed = " eval 'echo a long command'; printf 'done'";
    let mut pane = Pane::new(80, 24);
    pane.bytes("me@host ~# ").quiet().typed(typed).typed("\n").bytes(" eval 'echo a long\r\n");
    pane.bytes("g comeval 'echo a long command'; printf 'done'\r\neval 'echo a long command'; printf 'done'\r\n");
    assert_eq!(
        pane.told(),
        [
            "me@host ~#",
            "=+10 me@host ~#  eval 'echo a long",
            "=g comeval 'echo a long command'; printf 'done'",
            "eval 'echo a long command'; printf 'done'"
        ],
        "the last one is the program's"
    );
}

#[test]
fn every_line_of_a_typed_block_is_an_echo() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("$ ").quiet().typed("for i in 1 2; do\necho $i\ndone\n");
    pane.bytes("for i in 1 2; do\r\n> echo $i\r\n> done\r\n1\r\n2\r\n");
    assert_eq!(pane.told(), ["$", "=+1 $ for i in 1 2; do", "=> echo $i", "=> done", "1", "2"]);
}

#[test]
fn the_question_that_was_answered_still_counts() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("Deploy? [y/N] ").typed("y\n").bytes("y\r\nReady\r\n");
    assert_eq!(pane.told(), ["Deploy? [y/N]", "=+13 Deploy? [y/N] y", "Ready"]);
    pane.bytes("Sure? ").quiet().typed("yes").typed("\n").bytes("yes\r\nyes\r\n");
    assert_eq!(pane.told(), ["Sure?", "=+5 Sure? yes", "yes"]);
}

#[test]
fn a_password_without_an_echo_spoils_nothing() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("Password: ").quiet().typed("secret\n").bytes("\r\nsecret service started\r\n$ ").quiet();
    assert_eq!(pane.told(), ["Password:", "secret service started", "$"]);
}

#[test]
fn what_is_typed_unseen_is_an_echo_and_is_handed_on_by_nothing() {
    let mut pane = Pane::new(80, 24);
    pane.bytes("Password: ").quiet();
    pane.reader.typed_unseen("s3cr");
    pane.typed("et!\n").typed("make\n");
    pane.bytes("\r\nCode: ").quiet();
    pane.reader.typed_unseen("4711\n");
    pane.bytes("4711\r\n");
    (0..40).for_each(|n| pane.reader.typed_unseen(&format!("other{n}\n")));
    pane.typed("echo s3cr\n");
    assert!(pane.told().contains(&"=+5 Code: 4711".to_owned()));
    assert_eq!(pane.reader.awaited().collect::<Vec<_>>(), ["make", "echo [redacted: password]"]);
    let anchor = serde_json::to_string(&pane.reader.anchor()).unwrap();
    assert!(anchor.contains("Code: [redacted: password]") && !anchor.contains("4711"), "{anchor}");
    // The line is known again.
    let history = ["Password:".to_owned(), "Code: 4711".to_owned(), "$ ls".to_owned()];
    assert_eq!(pane.reader.anchor().missed(&history), Missed::Lines(&history[2..]));
}

#[test]
fn the_typed_form_of_a_tracked_command_is_no_report() {
    let typed = tracked_command(Shell::Bash, &"npm test".into(), "01J");
    let mut pane = Pane::new(200, 24);
    pane.bytes("$ ").quiet().typed(&typed).typed("\n").bytes(format!("{typed}\r\nok"));
    pane.bytes("__TMUXAGENT_RESULT 01J 0\r\n__TMUXAGENT_RESULT %s 0\r\n$ ").quiet();
    assert_eq!(pane.told(), ["$", &format!("=+1 $ {typed}"), "ok", "<ended 01J 0>", "__TMUXAGENT_RESULT %s 0", "$"]);
    // Even untold that it was typed.
    pane.bytes(format!("\r\n$ {typed}\r\n"));
    assert_eq!(pane.told(), [format!("$ {typed}")]);
}

#[test]
fn the_end_of_a_command_that_was_not_ours_is_a_line_like_any_other() {
    let mut pane = Pane::new(200, 24);
    pane.typed(&format!("{}\n", tracked_command(Shell::Bash, &"npm test".into(), "01J")));
    // Of another supervisor, a recording or a program that means harm: the engine knows no such command, a rule may.
    pane.bytes("__TMUXAGENT_RESULT 01K 7\r\nlog: __TMUXAGENT_RESULT 01K 0\r\n").quiet();
    let foreign = ["<ended 01K 7>", "__TMUXAGENT_RESULT 01K 7", "<ended 01K 0>", "log: __TMUXAGENT_RESULT 01K 0"];
    assert_eq!(pane.told(), foreign);
    // Ours is no line, once; what is printed like it again is.
    pane.bytes("__TMUXAGENT_RESULT 01J 0\r\n__TMUXAGENT_RESULT 01J 1\r\n").quiet();
    assert_eq!(pane.told(), ["<ended 01J 0>", "<ended 01J 1>", "__TMUXAGENT_RESULT 01J 1"]);
    // On a screen of its program's as well.
    pane.screen("__TMUXAGENT_RESULT 01K 7").quiet();
    assert_eq!(pane.told(), ["<ended 01K 7>", "__TMUXAGENT_RESULT 01K 7"]);
}
