//! A window of tmux whose first process is the program: an error in it can be read.

use super::product::Room;
use super::support::{PATIENCE, TmuxServer, wait_for};

fn windows(desk: &TmuxServer) -> String {
    String::from_utf8_lossy(&desk.try_tmux(&["list-windows", "-a", "-F", "#{window_name}"]).stdout).into_owned()
}

#[test]
fn an_error_stays_until_enter_where_the_window_would_close_with_it() {
    let room = Room::new();
    std::fs::write(room.file("policy.yaml"), "version: 1\npipelinse: []\n").expect("writable");
    let desk = TmuxServer::prepare();
    desk.new_session("desk", "sleep 1000");
    let variables: Vec<String> = room.environment().iter().map(|(name, value)| format!("{name}='{value}'")).collect();
    let program = format!("env -u TMUX {} '{}'", variables.join(" "), env!("CARGO_BIN_EXE_tmuxagent"));
    for (window, line, wait) in [
        ("first", format!("exec {program}"), "Press Enter to close."),
        ("chinese", format!("exec {program} --lang zh"), "按回车键关闭"),
        // The shell stays beside it, for this one command.
        ("beside", format!("{program}; :"), "Press Enter to close."),
        ("wrong", format!("exec {program} --polciy x"), "Press Enter to close."),
    ] {
        desk.tmux(&["new-window", "-d", "-t", "=desk:", "-n", window, &format!("sh -c \"{line}\"")]);
        let target = format!("=desk:{window}");
        let screen = desk.wait_screen(&target, wait);
        assert!(screen.contains("pipelinse") || screen.contains("--polciy"), "{screen}");
        desk.tmux(&["send-keys", "-t", &target, "x", "Enter"]);
        wait_for(PATIENCE, "the window's end", || (!windows(&desk).contains(window)).then_some(()));
    }
    // In a shell of one's own nothing is waited for, nor without a terminal.
    desk.tmux(&["new-window", "-d", "-t", "=desk:", "-n", "shell", "env PS1='$ ' sh"]);
    desk.type_line("=desk:shell", &format!("{program}; echo en''ded $?"));
    let screen = desk.wait_screen("=desk:shell", "ended 2");
    assert!(!screen.contains("Press Enter"), "{screen}");
    assert_eq!(room.ask(&["--headless"]).status.code(), Some(2));
}
