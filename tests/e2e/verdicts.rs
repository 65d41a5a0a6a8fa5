//! What ends a stage, on the real program: nothing is typed into a command that still runs, nothing is typed twice, and
//! nothing hangs without a word.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for, wait_or_tell};
use rustix::process::{Pid, Signal, kill_process};

/// A room whose window `ci` has one stage with these keys.
fn room(keys: &str) -> Room {
    let mut room = unwatched(keys);
    room.watch();
    room
}

/// The same with bash, which edits its lines itself.
fn bash_room(keys: &str) -> Room {
    room_of("bash --norc --noprofile", keys)
}

fn room_of(shell: &str, keys: &str) -> Room {
    let mut room = unwatched(keys);
    let shell = format!("cd '{}'; exec env PS1='$ ' {shell}", room.server.folder().display());
    room.server.tmux(&["respawn-pane", "-k", "-t", "proj:ci", &shell]);
    room.watch();
    room
}

fn unwatched(keys: &str) -> Room {
    Room::with(
        &"pipelines:\n- name: p\n  match: {window_name: ci}\n  stages:\n  - {name: s, triggers: [manual], KEYS}\n"
            .replace("KEYS", keys),
    )
}

fn start(room: &Room) {
    let said = room.ask(&["start", "ci"]);
    assert!(said.status.success(), "{}", room.answer(&["start", "ci"]));
}

fn wait_file(room: &Room, name: &str) {
    wait_for(PATIENCE, name, || room.file(name).exists().then_some(()));
}

fn lines(room: &Room, name: &str) -> usize {
    std::fs::read_to_string(room.file(name)).unwrap_or_default().lines().count()
}

fn wait_question(room: &Room, part: &str) -> String {
    let asked = || Some(room.answer(&["approvals"])).filter(|said| said.contains(part));
    let found =
        || format!("waited in vain for {part}:\n{}\n{}", room.answer(&["approvals"]), room.server.screen("proj:ci"));
    wait_or_tell(PATIENCE, asked, found)
}

fn wait_panes(room: &Room, part: &str) {
    wait_for(PATIENCE, part, || room.answer(&["panes", "--json"]).contains(part).then_some(()));
}

/// The identity of the only open question.
fn question(room: &Room) -> String {
    let said = room.answer(&["approvals", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let open = all.as_array().expect("a list").iter().find(|asked| asked["state"] == "pending");
    open.expect("a question")["id"].as_str().expect("an identity").to_owned()
}

#[test]
fn a_command_that_ends_late_is_asked_about_and_not_typed_again() {
    let room = room(
        "actions_on_start: [{run: 'echo x >> ran; sh -c \"while ! [ -e go ]; do sleep 0.1; done\"'}], timeout: 1s, on_fail: [{retry: {max: 3, backoff: 1ms}}]",
    );
    start(&room);
    wait_question(&room, "its command still runs. Stop it?");
    std::fs::write(room.file("go"), "").expect("writable");
    room.wait_events("\"state\":\"succeeded\"");
    assert_eq!(lines(&room, "ran"), 1);
}

#[test]
fn a_command_that_is_told_to_stop_has_ended_before_the_next_attempt() {
    let room = room(
        "actions_on_start: [{run: 'echo x >> ran; [ -e second ] || { touch second; sleep 600; }'}], timeout: 3s, on_timeout: [interrupt, terminate], on_fail: [{retry: {max: 1, backoff: 1ms}}]",
    );
    start(&room);
    room.wait_events("\"state\":\"succeeded\"");
    assert_eq!(lines(&room, "ran"), 2);
}

#[test]
fn what_was_printed_while_the_supervisor_stood_still_comes_before_its_timers() {
    let room = room(
        "actions_on_start: [{run: 'echo x >> ran; sh -c \"while ! [ -e go ]; do sleep 0.1; done\"; touch done'}], timeout: 8s, on_fail: [{retry: {max: 3, backoff: 1ms}}]",
    );
    start(&room);
    wait_file(&room, "ran");
    let began = std::time::Instant::now();
    let supervisor = room.supervisor().expect("it runs");
    kill_process(supervisor, Signal::STOP).expect("stopped");
    std::fs::write(room.file("go"), "").expect("writable");
    wait_file(&room, "done");
    wait_for(PATIENCE, "the end of its time", || (began.elapsed().as_secs() > 10).then_some(()));
    kill_process(supervisor, Signal::CONT).expect("continued");
    room.wait_events("\"state\":\"succeeded\"");
    assert_eq!(lines(&room, "ran"), 1, "{}", room.answer(&["events"]));
}

#[test]
fn what_was_printed_while_no_supervisor_ran_comes_before_its_timers() {
    let mut room = room(
        "actions_on_start: [{run: 'echo x >> ran; sh -c \"while ! [ -e go ]; do sleep 0.1; done\"; touch done'}], timeout: 8s, on_fail: [{retry: {max: 3, backoff: 1ms}}]",
    );
    start(&room);
    wait_file(&room, "ran");
    room.wait_status("\"running\"");
    let began = std::time::Instant::now();
    room.kill_9();
    std::fs::write(room.file("go"), "").expect("writable");
    wait_file(&room, "done");
    wait_for(PATIENCE, "the end of its time", || (began.elapsed().as_secs() > 10).then_some(()));
    room.watch();
    room.wait_events("\"state\":\"succeeded\"");
    assert_eq!(lines(&room, "ran"), 1, "{}", room.answer(&["events"]));
}

#[test]
fn a_command_that_somebody_stops_failed_as_interrupted() {
    for shell in ["sh", "bash --norc --noprofile", "zsh -f", "fish --no-config"] {
        let room =
            room_of(shell, "actions_on_start: [{run: 'touch begun; sleep 600'}], on_fail: [{retry: 3}, ask_human]");
        start(&room);
        wait_file(&room, "begun");
        room.wait_status("\"running\"");
        room.server.tmux(&["send-keys", "-t", "proj:ci", "C-c"]);
        wait_question(&room, "Run it again?");
        assert!(room.answer(&["events"]).contains("interrupted"), "{shell}: {}", room.answer(&["events"]));
    }
}

#[test]
fn a_prompt_that_is_back_without_a_verdict_is_asked_about() {
    let room = room(
        "actions_on_start: [{send_keys: 'false'}], success_when: [{log_regex: all good}], fail_when: [{log_regex: all bad}]",
    );
    start(&room);
    wait_question(&room, "Has it succeeded?");
    let said = room.answer(&["approve", &question(&room), "--answer", "continue"]);
    room.wait_events("\"state\":\"succeeded\"");
    assert!(said.contains("approved"), "{said}");
}

#[test]
fn a_shell_that_ends_fails_its_stage_and_is_told() {
    let room = room("actions_on_start: [{run: 'exit 1'}], on_fail: [ask_human, {escalate: lost}]");
    // The server lives on.
    room.server.tmux(&["new-window", "-d", "-t", "proj:", "-n", "other", "sh"]);
    start(&room);
    room.wait_events("lost");
    let events = room.answer(&["events"]);
    assert!(events.contains("failed: pane: it is gone") && events.contains("escalated"), "{events}");
}

#[test]
fn what_an_agent_reports_runs_beside_it() {
    let mut room = Room::with(
        "pipelines:\n\
         - name: listen\n  match: {window_name: ci, agent: '?*'}\n  stages:\n\
         \x20 - {name: code, triggers: [{message: {type: STATUS, stage: code, ok: true}}], actions_on_start: [{start_pipeline: {pipeline: checks, where: beside}}]}\n\
         - name: checks\n  match: {window_name: ci, not: {agent: '?*'}}\n  stages:\n\
         \x20 - {name: lint, triggers: [manual], actions_on_start: [{run: 'echo \"[$TMUX_PANE]\" >> ran'}], timeout: 1m}\n",
    );
    let folder = room.server.folder().display().to_string();
    let agent = format!("exec '{}' fake-agent --pace 0", env!("CARGO_BIN_EXE_tmuxagent"));
    room.server.tmux(&["respawn-pane", "-k", "-t", "proj:ci", "-c", &folder, &agent]);
    room.server.wait_screen("proj:ci", "stand-in");
    room.watch();
    wait_panes(&room, "stand-in");
    // Alone in its window: the command runs on its machine, and no line of it reaches the agent.
    room.server.type_line("proj:ci", "make it faster");
    wait_for(PATIENCE, "the checks beside it", || (lines(&room, "ran") == 1).then_some(()));
    // With a shell beside it.
    let shell =
        ["split-window", "-d", "-P", "-F", "#{pane_id}", "-t", "proj:ci", "-c", &folder, "exec env PS1='$ ' sh"];
    let second = room.server.tmux(&shell).trim().to_owned();
    wait_panes(&room, &second);
    room.server.wait_screen(&second, "$");
    let first = room.server.tmux(&["display", "-p", "-t", "proj:ci.0", "#{pane_id}"]).trim().to_owned();
    room.server.type_line(&first, "and once more");
    wait_for(PATIENCE, "the checks in the shell", || (lines(&room, "ran") == 2).then_some(()));
    let ran = std::fs::read_to_string(room.file("ran")).expect("what ran");
    assert!(ran.lines().last().is_some_and(|line| line.contains(&second)), "{ran}");
    assert!(!room.server.screen(&first).contains("echo "), "{}", room.server.screen(&first));
}

/// A program that writes down when it is told to stop, and then runs on.
const BYSTANDER: &str =
    "trap 'echo told >> told' INT TERM; touch bystander; while ! [ -e leave ]; do sleep 0.1; done\n";

#[test]
fn a_program_that_a_person_began_is_never_told_to_stop() {
    for room_of in [room, bash_room] {
        spares_what_a_person_began(&room_of(
            "actions_on_start: [{run: sleep 600}], timeout: 6s, on_timeout: [interrupt, terminate]",
        ));
    }
}

fn spares_what_a_person_began(room: &Room) {
    std::fs::write(room.file("bystander.sh"), BYSTANDER).expect("writable");
    start(room);
    room.wait_status("\"running\"");
    wait_panes(room, "\"sleep\"");
    // Both at once: nobody can have seen the prompt between them.
    room.server.tmux(&["send-keys", "-t", "proj:ci", "C-c", "sh bystander.sh", "Enter"]);
    wait_file(room, "bystander");
    let asked = |said: &String| said.contains("was not told to stop") || said.contains("\"state\":\"failed\"");
    wait_for(PATIENCE, "the end of its time", || {
        Some(room.answer(&["approvals"]) + &room.answer(&["events", "--json"])).filter(asked)
    });
    std::fs::write(room.file("leave"), "").expect("writable");
    assert_eq!(lines(room, "told"), 0, "{}", room.answer(&["events"]));
}

#[test]
fn a_command_that_is_suspended_has_not_ended() {
    for shell in ["sh", "bash --norc --noprofile", "zsh -f", "fish --no-config"] {
        let room = room_of(
            shell,
            "actions_on_start: [{run: \"sh -c 'echo $$ >> ran; sleep 600'\"}], on_fail: [{retry: {max: 3, backoff: 1ms}}]",
        );
        start(&room);
        wait_file(&room, "ran");
        room.wait_status("\"running\"");
        room.server.tmux(&["send-keys", "-t", "proj:ci", "C-z"]);
        wait_question(&room, "was suspended by C-z");
        assert_eq!(lines(&room, "ran"), 1, "{}", room.answer(&["events"]));
        // What the question says is true as long as it is open.
        let ran = std::fs::read_to_string(room.file("ran")).expect("it ran");
        kill_process(Pid::from_raw(ran.trim().parse().expect("a number")).expect("a process"), Signal::KILL)
            .expect("it lives");
        let asked = wait_for(PATIENCE, "a question about its end", || {
            Some(room.answer(&["approvals"])).filter(|said| !said.contains("was suspended") && said.contains(" ended"))
        });
        assert!(asked.contains("rerun"), "{shell}: {asked}");
    }
}

#[test]
fn a_shells_own_question_is_no_end() {
    let rooms = [
        bash_room("actions_on_start: [{run: 'read -r -s -p \"name? \" x; test \"$x\" = mei'}]"),
        // Its prompt and its question leave the terminal in the same modes.
        room("actions_on_start: [{run: 'printf \"name? \"; sleep 0.1; read -r x; test \"$x\" = mei'}]"),
    ];
    for room in &rooms {
        start(room);
        room.wait_status("\"running\"");
    }
    let began = std::time::Instant::now();
    wait_for(PATIENCE, "looks at its processes", || (began.elapsed().as_secs() >= 5).then_some(()));
    for room in &rooms {
        assert_eq!(room.answer(&["approvals", "--json"]).trim(), "[]", "{}", room.answer(&["events"]));
        room.server.tmux(&["send-keys", "-t", "proj:ci", "mei", "Enter"]);
        room.wait_events("\"state\":\"succeeded\"");
    }
}

#[test]
fn a_suspended_command_is_neither_given_up_nor_begun_again() {
    for shell in ["bash --norc --noprofile", "fish --no-config"] {
        let room = room_of(
            shell,
            "actions_on_start: [{run: 'sh -c \"echo x >> ran; while ! [ -e go ]; do sleep 0.1; done\"'}], timeout: 6s, on_timeout: [interrupt, terminate], on_fail: [{retry: {max: 3, backoff: 1ms}}]",
        );
        start(&room);
        wait_file(&room, "ran");
        room.wait_status("\"running\"");
        room.server.tmux(&["send-keys", "-t", "proj:ci", "C-z"]);
        wait_question(&room, "was suspended by C-z");
        let began = std::time::Instant::now();
        wait_for(PATIENCE, "the end of its time", || (began.elapsed().as_secs() >= 8).then_some(()));
        assert!(wait_question(&room, "was suspended by C-z").contains("suspended"));
        let said = room.answer(&["approve", &question(&room), "--answer", "wait"]);
        room.server.tmux(&["send-keys", "-t", "proj:ci", "fg", "Enter"]);
        std::fs::write(room.file("go"), "").expect("writable");
        wait_for(PATIENCE, "a question about its end", || {
            Some(room.answer(&["approvals"])).filter(|said| said.contains(" ended") || said.contains("over its time"))
        });
        assert_eq!(lines(&room, "ran"), 1, "{said}\n{}", room.answer(&["events"]));
    }
}

#[test]
fn a_command_that_is_suspended_again_is_asked_about_as_before() {
    for shell in ["sh", "bash --norc --noprofile", "zsh -f", "fish --no-config"] {
        let room = room_of(
            shell,
            "actions_on_start: [{run: 'sh -c \"echo x >> ran; while ! [ -e go ]; do sleep 0.1; done\"'}], on_fail: [{retry: {max: 3, backoff: 1ms}}]",
        );
        start(&room);
        wait_file(&room, "ran");
        room.wait_status("\"running\"");
        room.server.tmux(&["send-keys", "-t", "proj:ci", "C-z"]);
        wait_question(&room, "was suspended by C-z");
        let said = room.answer(&["approve", &question(&room), "--answer", "wait"]);
        room.server.tmux(&["send-keys", "-t", "proj:ci", "fg", "Enter"]);
        let began = std::time::Instant::now();
        // The second look comes after six seconds; the first may be too early on a busy machine.
        wait_for(PATIENCE, "looks at its processes", || (began.elapsed().as_secs() >= 7).then_some(()));
        room.server.tmux(&["send-keys", "-t", "proj:ci", "C-z"]);
        wait_question(&room, "was suspended by C-z");
        assert!(!room.answer(&["approvals", "--json"]).contains("rerun"), "{said}\n{}", room.answer(&["approvals"]));
        room.answer(&["reject", &question(&room)]);
        room.wait_events("\"state\":\"failed\"");
        assert_eq!(lines(&room, "ran"), 1, "{shell}: {}", room.answer(&["events"]));
    }
}

#[test]
fn an_end_that_the_command_itself_prints_is_none() {
    // It takes its own mark off the screen, once that stands there whole, and prints it as if it had ended well.
    let forge = "id= last=\nuntil [ -n \"$id\" ] && [ \"$id\" = \"$last\" ]; do last=$id; id=$(tmux capture-pane -p -J -S - -t \"$TMUX_PANE\" | grep -o '[a-z0-9]\\{8\\}-[0-9a-z]\\{1,\\}-[a-z0-9]\\{9,14\\}' | tail -n 1); sleep 0.3; done\n\
                 \nprintf '\\033[8m__TMUXAGENT_RESULT %s 0\\033[m\\n' \"$id\"\necho x >> ran\nwhile ! [ -e go ]; do sleep 0.1; done\nexit 4\n";
    for shell in ["sh", "bash --norc --noprofile", "zsh -f", "fish --no-config"] {
        let mut room = unwatched("actions_on_start: [{run: 'sh forge'}]");
        std::fs::write(room.file("forge"), forge).expect("writable");
        let shell = format!("cd '{}'; exec env PS1='$ ' {shell}", room.server.folder().display());
        room.server.tmux(&["respawn-pane", "-k", "-t", "proj:ci", &shell]);
        // No row breaks it in two.
        room.server.tmux(&["resize-window", "-t", "proj:ci", "-x", "300", "-y", "24"]);
        room.watch();
        start(&room);
        wait_file(&room, "ran");
        room.wait_events("that is not its end");
        room.wait_status("\"running\"");
        std::fs::write(room.file("go"), "").expect("writable");
        room.wait_events("\"state\":\"failed\"");
        let events = room.answer(&["events"]);
        assert!(events.contains("exit code 4") && !events.contains("done"), "{shell}: {events}");
    }
}

#[test]
fn what_a_command_prints_about_keys_is_no_end_of_it() {
    for shell in ["sh", "bash --norc --noprofile", "zsh -f", "fish --no-config"] {
        let room = room_of(
            shell,
            "actions_on_start: [{run: 'sh -c \"echo stop it by ^Z; echo ^C; echo ^Z\"'}], on_fail: [{retry: {max: 3, backoff: 1ms}}]",
        );
        start(&room);
        room.wait_events("\"state\":\"succeeded\"");
        assert_eq!(room.answer(&["approvals", "--json"]).trim(), "[]", "{shell}: {}", room.answer(&["events"]));
    }
}

#[test]
fn a_program_behind_a_line_of_several_is_not_told_to_stop() {
    for shell in ["bash --norc --noprofile", "zsh -f", "fish --no-config", "sh"] {
        spares_what_a_person_began(&room_of(
            shell,
            "actions_on_start: [{run: 'sleep 600; echo built'}], timeout: 4s, on_timeout: [interrupt, terminate]",
        ));
    }
}
