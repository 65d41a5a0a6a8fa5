//! What breaks more quietly: the system's time, a disk that is full or closed, a screen that panics, a history that is cut.

use super::product::Room;
use super::support::{PATIENCE, PROMPT, TmuxServer, wait_for};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The system's time for one process, shifted by the seconds that stand in the file `$SHIFT`.
const SHIFTED_TIME: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    long done = syscall(SYS_clock_gettime, clock, time), shift = 0;
    if (done == 0 && clock == CLOCK_REALTIME) {
        FILE *file = fopen(getenv("SHIFT"), "r");
        if (file) {
            if (fscanf(file, "%ld", &shift) == 1) time->tv_sec += shift;
            fclose(file);
        }
    }
    return (int)done;
}
"#;

/// A stage with a time limit, and a gate that expires.
const TIMED: &str = r#"
version: 1
pipelines:
  - name: slow
    match: [{window_name: ci}]
    stages:
      - name: lint
        triggers: [{log_regex: "^(\\$ )?please begin$"}]
        actions_on_start: [{send_keys: "echo lint >> ran"}]
        success_when: [{log_regex: "^never$"}, {idle_for: 1h}]
        timeout: 12s
      - name: ship
        triggers: [{after_stage_failure: lint}]
        require_approval: {expires: 30m}
        actions_on_start: [{run: "echo ship >> ran"}]
        timeout: 60s
"#;

fn shift_time(room: &Room, seconds: i64) {
    let file = room.server.folder().join("shift");
    // Whole at once: it is read all the time.
    let part = file.with_extension("part");
    std::fs::write(&part, seconds.to_string()).expect("a file");
    std::fs::rename(&part, &file).expect("a file");
}

/// Builds what stands between a program and the system.
fn library(room: &Room, source: &str) -> PathBuf {
    let (file, library) = (room.server.folder().join("between.c"), room.server.folder().join("between.so"));
    std::fs::write(&file, source).expect("a file");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file).status();
    assert!(built.is_ok_and(|status| status.success()), "a C compiler, which also links this test");
    library
}

/// Starts a supervisor whose system time can be set.
fn watch_in_shifted_time(room: &mut Room) {
    let library = library(room, SHIFTED_TIME);
    let mut command = room.command(&["--headless"]);
    command.env("LD_PRELOAD", &library).env("SHIFT", room.server.folder().join("shift")).stderr(Stdio::null());
    room.supervisor = Some(command.spawn().expect("it starts"));
    room.wait_status("\"live\"");
}

#[test]
#[cfg(target_os = "linux")]
fn a_clock_that_jumps_forward_and_back_moves_no_timer_and_expires_no_question() {
    let mut room = Room::with(TIMED);
    watch_in_shifted_time(&mut room);
    let begun = Instant::now();
    room.begin();
    room.wait_ran("lint ");
    for seconds in [3600, -3600, 3600] {
        shift_time(&room, seconds);
        // It lives in that time: what is asked of it is decided, and written down, in it.
        for wish in ["freeze", "unfreeze"] {
            assert_eq!(room.ask(&[wish]).status.code(), Some(0), "{wish}");
        }
    }
    let approval = room.wait_approval();
    assert!(begun.elapsed() >= Duration::from_secs(12), "the time limit of 12 s came after {:?}", begun.elapsed());
    // A start in a past that is an hour behind what is recorded.
    room.kill_9();
    shift_time(&room, -3600);
    watch_in_shifted_time(&mut room);
    assert_eq!(room.wait_approval(), approval, "half an hour is not over");
    // And one in a future that is two hours ahead of it.
    room.kill_9();
    shift_time(&room, 3600);
    watch_in_shifted_time(&mut room);
    assert_eq!(room.wait_approval(), approval, "half an hour is not over");
    shift_time(&room, 0);
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("lint ship ");
    room.wait_events("run_ended");
}

#[test]
#[cfg(target_os = "linux")]
fn timers_go_on_where_the_clock_was_set_back_between_two_lives() {
    let mut room = Room::with(TIMED);
    watch_in_shifted_time(&mut room);
    room.begin();
    room.wait_ran("lint ");
    room.kill_9();
    shift_time(&room, -3600);
    watch_in_shifted_time(&mut room);
    // The time limit of 12 s, and not an hour more.
    room.wait_approval();
}

#[test]
fn a_pane_that_is_killed_in_a_stage_ends_its_run() {
    let mut room = Room::new();
    room.watch();
    room.begin();
    room.wait_ran("lint build ");
    // The session goes on without it.
    room.server.tmux(&["new-window", "-d", "-t", "=proj:", "-n", "other", "sh"]);
    room.server.tmux(&["kill-pane", "-t", "proj:ci"]);
    wait_for(PATIENCE, "the end of the run", || {
        let events = room.answer(&["events", "--json"]);
        (events.contains("\"cancelled\"") || events.contains("\"failed\"")).then_some(())
    });
    room.wait_status("\"live\"");
    assert_eq!(room.ran(), "lint build ");
}

#[test]
fn a_gap_in_what_was_printed_meanwhile_is_marked_and_the_stage_asks() {
    let mut room = Room::new();
    // A history so short that what was printed while nobody watched can't all be in it.
    room.server.tmux(&["set-option", "-g", "history-limit", "50"]);
    let shell = format!("cd '{}'; exec env PS1='$ ' sh", room.server.folder().display());
    room.server.tmux(&["new-window", "-d", "-t", "=proj:", "-n", "short", &shell]);
    room.server.tmux(&["kill-window", "-t", "proj:ci"]);
    room.server.tmux(&["rename-window", "-t", "proj:short", "ci"]);
    room.watch();
    room.begin();
    room.wait_ran("lint build ");
    room.kill_9();
    room.let_build_go();
    wait_for(PATIENCE, "the build's end", || room.server.screen("proj:ci").contains("build passed").then_some(()));
    room.server.type_line("proj:ci", "seq 1 500; echo 'all'' printed'");
    wait_for(PATIENCE, "the numbers", || room.server.screen("proj:ci").contains("all printed").then_some(()));
    room.watch();
    let approval = room.wait_approval();
    let asked = room.answer(&["approvals", &approval]);
    assert!(asked.contains("Output of the pane was lost while stage build ran"), "{asked}");
    assert!(room.answer(&["events", "--json"]).contains("\"gap\""), "the gap is marked");
    assert_eq!(room.ask(&["approve", &approval, "--answer", "continue"]).status.code(), Some(0));
    let gate = wait_for(PATIENCE, "the gate", || Some(room.wait_approval()).filter(|id| *id != approval));
    assert_eq!(room.ask(&["approve", &gate]).status.code(), Some(0));
    room.wait_ran("lint build deploy ");
}

#[test]
fn a_disk_that_is_full_for_recordings_holds_up_nothing_else() {
    let mut room = Room::new();
    // A write above the limit is to fail, as on a full disk, and not to end the process.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" --headless", env!("CARGO_BIN_EXE_tmuxagent")]).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(room.environment());
    let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    room.supervisor = Some(child);
    room.wait_status("\"live\"");
    let limit = |bytes| {
        let limit = rustix::process::Rlimit { current: bytes, maximum: None };
        rustix::process::prlimit(pid, rustix::process::Resource::Fsize, limit).expect("a limit");
    };
    // The recordings reach it soon, the state does not.
    limit(Some(1024 * 1024));
    // Again and again: what is printed before the pane is watched is not recorded.
    let noise = "while :; do dd if=/dev/urandom bs=1024 count=500 2>/dev/null | base64; sleep 0.5; done";
    room.server.tmux(&["new-window", "-d", "-t", "=proj:", "-n", "noise", noise]);
    room.wait_status("recordings");
    room.begin();
    room.wait_ran("lint build ");
    room.let_build_go();
    let approval = room.wait_approval();
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("lint build deploy ");
    limit(None);
    room.server.tmux(&["new-window", "-d", "-t", "=proj:", "-n", "more", "seq 1 2000; sleep 600"]);
    wait_for(PATIENCE, "the end of the problem", || {
        (!room.answer(&["status", "--json"]).contains("\"recordings\"")).then_some(())
    });
}

/// A file system that turns read-only, as one does after an error of its disk, while the file `$READ_ONLY` is there; for
/// the state database.
const READ_ONLY: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refused(int file) {
    char link[32], path[1024];
    if (access(getenv("READ_ONLY"), F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t end = readlink(link, path, sizeof path - 1);
    if (end <= 0) return 0;
    path[end] = 0;
    if (!strstr(path, "/state.db")) return 0;
    errno = EROFS;
    return 1;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    return refused(file) ? -1 : syscall(SYS_pwrite64, file, bytes, length, at);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
    return refused(file) ? -1 : syscall(SYS_pwrite64, file, bytes, length, at);
}
"#;

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_turns_read_only_holds_everything_back_until_it_can_be_written_again() {
    let mut room = Room::new();
    let library = library(&room, READ_ONLY);
    let flag = room.server.folder().join("read-only");
    let mut command = room.command(&["--headless"]);
    command.env("LD_PRELOAD", &library).env("READ_ONLY", &flag).stderr(Stdio::null());
    room.supervisor = Some(command.spawn().expect("it starts"));
    room.wait_status("\"live\"");
    room.begin();
    room.wait_ran("lint build ");
    room.let_build_go();
    let approval = room.wait_approval();
    std::fs::write(&flag, "").expect("a file");
    let uncertain = room.ask(&["approve", &approval]);
    let said = String::from_utf8_lossy(&uncertain.stderr).into_owned();
    assert_eq!(uncertain.status.code(), Some(7), "{said}");
    assert!(said.contains("state.db") && said.contains("it is kept and tried again"), "{said}");
    room.wait_status("nothing is sent until the state can be saved");
    room.wait_status("made read-only");
    assert_eq!(room.ran(), "lint build ");
    std::fs::remove_file(&flag).expect("our file");
    room.wait_ran("lint build deploy ");
    room.wait_events("run_ended");
    wait_for(PATIENCE, "the end of the problem", || {
        (!room.answer(&["status", "--json"]).contains("nothing is sent")).then_some(())
    });
}

/// Makes a file read-only for the program, and the program one that has no right over it.
fn without_the_right(room: &Room, database: &Path, command: &mut Command) {
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    mode(database, 0o444);
    if rustix::process::geteuid().is_root() {
        // Root may write everything: another user plays the part, whom all but this file belongs to.
        mode(room.server.folder(), 0o755);
        let chown = |path: PathBuf| std::os::unix::fs::chown(path, Some(65_534), Some(65_534)).expect("root may");
        std::fs::read_dir(&room.state)
            .expect("a folder")
            .flatten()
            .map(|e| e.path())
            .filter(|p| p != database)
            .for_each(chown);
        chown(room.state.clone());
        command.uid(65_534).gid(65_534);
    }
}

#[test]
fn a_read_only_database_is_said_so_and_nothing_starts() {
    let mut room = Room::new();
    room.watch();
    assert_eq!(room.ask(&["shutdown"]).status.code(), Some(0));
    room.supervisor.take().expect("it ran").wait().expect("it ended");
    let database = room.state.join("state.db");
    let mut command = room.command(&["--headless"]);
    without_the_right(&room, &database, &mut command);
    let refused = match command.output() {
        Ok(output) => output,
        // The program lies where another user can't reach it.
        Err(error) => return assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    };
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("state.db") && said.contains("read-only") && said.contains("chmod u+w"), "{said}");
}

/// Whether a terminal is as a shell wants it.
fn is_given_back(desk: &TmuxServer, pane: &str) -> Option<()> {
    let format = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{pane_tty}";
    let state = desk.tmux(&["display-message", "-p", "-t", pane, format]);
    let tty = state.strip_prefix("0 1 0 ")?;
    let modes = Command::new("stty").args(["-a", "-F", tty]).output().ok()?;
    let modes = String::from_utf8_lossy(&modes.stdout).into_owned();
    let set = |name: &str| modes.split_whitespace().any(|word| word.trim_end_matches(';') == name);
    (set("icanon") && set("echo") && set("isig") && set("icrnl")).then_some(())
}

#[test]
#[cfg(target_os = "linux")]
fn a_screen_that_panics_gives_its_terminal_back_and_the_supervisor_goes_on() {
    let room = Room::new();
    let desk = TmuxServer::running("");
    let variables: Vec<String> = room.environment().iter().map(|(name, value)| format!("{name}='{value}'")).collect();
    // With a backtrace the message would have left the screen.
    let line = format!(
        "clear; env -u TMUX -u TMUX_PANE -u RUST_BACKTRACE -u RUST_LIB_BACKTRACE {} \
         TMUXAGENT_PANIC_AT=screen.drawn:1 '{}'",
        variables.join(" "),
        env!("CARGO_BIN_EXE_tmuxagent")
    );
    // The supervisor's own screen.
    let first = desk.tmux(&["display-message", "-p", "-t", "=main:", "#{pane_id}"]);
    desk.type_line(&first, &line);
    desk.wait_screen(&first, "told to panic at screen.drawn");
    desk.wait_screen(&first, "the supervisor goes on without it");
    wait_for(PROMPT, "the terminal", || is_given_back(&desk, &first));
    room.wait_status("\"live\"");
    room.begin();
    room.wait_ran("lint build ");
    // Another view of it.
    let second = desk.tmux(&["new-window", "-P", "-F", "#{pane_id}", "-t", "=main:", "env PS1='$ ' sh"]);
    desk.type_line(&second, &line);
    desk.wait_screen(&second, "told to panic at screen.drawn");
    wait_for(PROMPT, "the terminal", || is_given_back(&desk, &second));
    room.let_build_go();
    let approval = room.wait_approval();
    assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
    room.wait_ran("lint build deploy ");
    assert_eq!(room.ask(&["shutdown"]).status.code(), Some(0));
    wait_for(PATIENCE, "the shell's prompt", || desk.screen(&first).ends_with('$').then_some(()));
}
