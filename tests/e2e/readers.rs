//! Who reads the keys: real shells, programs, questions and drafts, and what is typed there.

use super::support::room::Room;
use super::support::watched::{Watched, keys};
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::path::Path;
use tmuxagent_model::{IntentId, KeyStep, Needs, Outcome, PaneKey, Prompt, Reads, SendKeys, SkipReason};
use tmuxagent_tmux::HostMessage;

pub(super) fn exists(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
}

/// The last reader that was told of a pane.
pub(super) fn reads(watched: &Watched, pane: &PaneKey) -> Option<Reads> {
    let told = watched.messages();
    told.iter().rev().find_map(|message| match message {
        HostMessage::Panes(panes) => {
            panes.iter().rev().find(|live| live.pane == *pane).map(|live| live.reader.reads.clone())
        }
        _ => None,
    })
}

pub(super) fn wait_reads(watched: &Watched, pane: &PaneKey, what: &str, wanted: &Reads) {
    wait_for(PATIENCE, &format!("{what}: {wanted:?}, not {:?}", reads(watched, pane)), || {
        (reads(watched, pane).as_ref() == Some(wanted)).then_some(())
    });
}

pub(super) fn shell_line(pane: &PaneKey, text: &str) -> SendKeys {
    SendKeys { needs: Needs::Shell, ..keys(pane, text) }
}

/// A pane, what is typed there before, what reads then.
struct Case {
    name: &'static str,
    program: &'static str,
    /// A line, or with `…` at its end a text without Enter.
    typed: &'static str,
    reads: Reads,
}

const TWO_ROWS: &str = "exec env PS1='~\\n> ' bash --norc --noprofile";
const SAME: &str = "exec env PS1='$ ' PS2='$ ' bash --norc --noprofile";

const fn case(name: &'static str, program: &'static str, typed: &'static str, reads: Reads) -> Case {
    Case { name, program, typed, reads }
}

const BASH: &str = "exec env PS1='$ ' bash --norc --noprofile";

const CASES: &[Case] = &[
    case("bash", BASH, "", Reads::Shell),
    case("zsh", "exec zsh -f", "", Reads::Shell),
    case("fish", "exec fish --no-config", "", Reads::Shell),
    case("dash", "exec env PS1='$ ' dash", "", Reads::Shell),
    case("inner", BASH, "env PS1='inner$ ' bash --norc", Reads::Shell),
    case("bash-draft", BASH, "touch DRAFT; echo…", Reads::Draft),
    case("zsh-draft", "exec zsh -f", "touch DRAFT; echo…", Reads::Draft),
    case("fish-draft", "exec fish --no-config", "touch DRAFT; echo…", Reads::Draft),
    case("dash-draft", "exec env PS1='$ ' dash", "touch DRAFT; echo…", Reads::Draft),
    case("quote", BASH, "echo 'open", Reads::Draft),
    case("here", BASH, "cat <<END", Reads::Draft),
    // The second row of a command looks like the last of the prompt.
    case("two-rows", TWO_ROWS, "for i in 1 2; do", Reads::Draft),
    case("two-rows-pipe", TWO_ROWS, "echo a |", Reads::Draft),
    case("two-rows-empty", TWO_ROWS, "", Reads::Shell),
    case("same", SAME, "touch KEY \\", Reads::Draft),
    case("same-and", SAME, "true &&", Reads::Draft),
    case("same-empty", SAME, "", Reads::Shell),
    case("dash-same", "exec env PS1='> ' dash", "if true", Reads::Draft),
    case("zsh-select", "exec zsh -f", "PS3='% '; select x in a b; do touch KEY; done", Reads::Line),
    case("read", BASH, "read -p 'Name: ' x", Reads::Line),
    // Questions of the shell itself that look just like its prompt.
    case("read-edited", BASH, "read -e -p '# ' x", Reads::Draft),
    case("read-alike", BASH, "read -e -p '$ ' x", Reads::Draft),
    case("read-hidden", BASH, "ask() { read -e -p '$ ' x; }; sleep 0.1; clear; ask", Reads::Draft),
    case("read-key", BASH, "read -rsn1 -p '$ ' x", Reads::Draft),
    case("vared", "exec zsh -f", "x=; vared -p '# ' x", Reads::Draft),
    case("fish-read", "exec fish --no-config", "read -P '> ' x", Reads::Draft),
    case("dash-read", "exec env PS1='$ ' dash", "printf '$ '; read x", Reads::Line),
    case("key", BASH, "bash -c 'read -rsn1 -p \"[d]elete? \" k; touch KEY'", Reads::Key),
    case("secret", BASH, "read -s -p 'Password: ' x", Reads::Password),
    case("menu", BASH, "bash -c 'select x in a b; do touch KEY; done'", Reads::Line),
    case("sleep", BASH, "sleep 600", Reads::Command),
    // What a shell waits for is in its own group, and may show what looks like its prompt.
    case("bash-inside", BASH, "echo $(sh -c 'printf \"\\$ \" >/dev/tty; read x </dev/tty')", Reads::Command),
    case("zsh-inside", "exec zsh -f", "echo $(sh -c 'printf \"%% \" >/dev/tty; read x </dev/tty')", Reads::Command),
    case(
        "fish-inside",
        "exec fish --no-config",
        "echo (sh -c 'printf \"> \" >/dev/tty; read x </dev/tty')",
        Reads::Command,
    ),
    case("vi", BASH, "vi -u NONE file", Reads::Screen),
    case("less", BASH, "less /etc/services", Reads::Screen),
    case("python", BASH, "python3 -c 'input(\"Deploy? [y/N] \")'", Reads::Line),
];

#[test]
fn a_shell_line_reaches_nothing_but_a_shell_at_an_empty_prompt() {
    let server = TmuxServer::running("");
    let folder = server.folder().display().to_string();
    let watched = Watched::new(&server, &["needle"]);
    for case in CASES {
        let program = case.program.trim_start_matches("exec ").split(' ').find(|word| exists(word) && *word != "env");
        let needed = case.typed.split(' ').next().unwrap_or_default();
        if program.is_none() || (matches!(needed, "vi" | "less" | "python3") && !exists(needed)) {
            println!("{}: not installed", case.name);
            continue;
        }
        server.new_session(case.name, &format!("cd '{folder}'; {}", case.program));
        let pane = watched.wait_live(&server, case.name).key;
        wait_reads(&watched, &pane, case.name, &Reads::Shell);
        match case.typed.strip_suffix('…') {
            _ if case.typed.is_empty() => {}
            Some(draft) => drop(server.tmux(&["send-keys", "-t", case.name, "-l", "--", draft])),
            None => server.type_line(case.name, case.typed),
        }
        if !case.typed.is_empty() && case.reads == Reads::Shell {
            server.wait_screen(case.name, "inner$");
        }
        wait_reads(&watched, &pane, case.name, &case.reads);
        let before = server.screen(case.name);
        let (intent, done) =
            (IntentId::new(format!("I-{}", case.name)), server.folder().join(format!("ran-{}", case.name)));
        watched.handle.send(intent.clone(), shell_line(&pane, &format!("touch ran-{}", case.name)));
        if case.reads == Reads::Shell {
            assert_eq!(watched.wait_outcome(&intent), Outcome::Done, "{}", case.name);
            wait_for(PATIENCE, case.name, || done.exists().then_some(()));
            continue;
        }
        let held = watched.wait("a send that waits", |message| match message {
            HostMessage::Awaits { awaited: Some(awaited), .. } if awaited.intent == intent => {
                Some(awaited.reader.reads.clone())
            }
            _ => None,
        });
        assert_eq!(held, case.reads, "{}", case.name);
        watched.handle.withdraw(intent.clone());
        let outcome = watched.wait_outcome(&intent);
        let question = matches!(case.reads, Reads::Line | Reads::Key | Reads::Password);
        let ended = matches!(&outcome, Outcome::Skipped { reason: SkipReason::Withdrawn })
            || question && matches!(&outcome, Outcome::Skipped { reason: SkipReason::Reader(_) });
        assert!(ended, "{}: {outcome:?}", case.name);
        assert_eq!(server.screen(case.name), before, "{}: nothing was typed", case.name);
    }
    for wrong in ["DRAFT", "KEY"] {
        assert!(!server.folder().join(wrong).exists(), "{wrong}");
    }
}

#[test]
fn a_question_and_a_password_end_the_waiting_soon() {
    let server = TmuxServer::running(BASH);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    wait_reads(&watched, &pane, "bash", &Reads::Shell);
    server.type_line("main", "read -s -p 'Password: ' x");
    wait_reads(&watched, &pane, "read -s", &Reads::Password);
    let intent = IntentId::new("A");
    watched.handle.send(intent.clone(), shell_line(&pane, "echo wrong"));
    let outcome = watched.wait_outcome(&intent);
    let Outcome::Skipped { reason: SkipReason::Reader(reader) } = outcome else { panic!("{outcome:?}") };
    assert_eq!((reader.reads.clone(), reader.name()), (Reads::Password, "bash"));
}

#[test]
fn a_send_that_waited_goes_out_once_its_reader_is_there() {
    let server = TmuxServer::running(BASH);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    wait_reads(&watched, &pane, "bash", &Reads::Shell);
    server.tmux(&["send-keys", "-t", "main", "-l", "--", "echo half a"]);
    wait_reads(&watched, &pane, "draft", &Reads::Draft);
    let (intent, file) = (IntentId::new("A"), server.folder().join("ran"));
    watched.handle.send(intent.clone(), shell_line(&pane, &format!("touch {}", file.display())));
    watched.wait("a send that waits", |message| {
        matches!(message, HostMessage::Awaits { awaited: Some(_), .. }).then_some(())
    });
    server.tmux(&["send-keys", "-t", "main", "C-u"]);
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
    wait_for(PATIENCE, "the command", || file.exists().then_some(()));
    watched.wait("the end of the waiting", |message| {
        matches!(message, HostMessage::Awaits { awaited: None, .. }).then_some(())
    });
}

#[test]
fn copy_mode_is_waited_out_and_nothing_is_lost_in_it() {
    let server = TmuxServer::running(BASH);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    wait_reads(&watched, &pane, "bash", &Reads::Shell);
    // It prints nothing, and is told as it comes and goes.
    server.tmux(&["copy-mode", "-t", "main"]);
    wait_reads(&watched, &pane, "copy mode", &Reads::Mode);
    server.tmux(&["send-keys", "-t", "main", "-X", "cancel"]);
    wait_reads(&watched, &pane, "after copy mode", &Reads::Shell);
    server.tmux(&["copy-mode", "-t", "main"]);
    let (intent, file) = (IntentId::new("A"), server.folder().join("ran"));
    watched.handle.send(intent.clone(), shell_line(&pane, &format!("touch {}", file.display())));
    watched.wait("a send that waits", |message| {
        matches!(message, HostMessage::Awaits { awaited: Some(_), .. }).then_some(())
    });
    server.tmux(&["send-keys", "-t", "main", "-X", "cancel"]);
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
    wait_for(PATIENCE, "the command", || file.exists().then_some(()));
}

#[test]
fn the_reader_of_a_pipeline_is_known_when_its_first_program_has_ended() {
    let server = TmuxServer::running(BASH);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    wait_reads(&watched, &pane, "bash", &Reads::Shell);
    if !exists("less") {
        return println!("less: not installed");
    }
    server.type_line("main", "seq 1 500 | less");
    wait_reads(&watched, &pane, "less", &Reads::Screen);
    let named = |message: &HostMessage| match message {
        HostMessage::Panes(panes) => panes
            .iter()
            .filter_map(|live| live.reader.front.clone())
            .find(|front| front.name == "less" && front.pid > 0),
        _ => None,
    };
    watched.wait("less, by its own name", named);
    let needs = Needs::Named { programs: vec!["less".to_owned()], composer: false, basis: None };
    let (intent, steps) = (IntentId::new("A"), vec![KeyStep::Text("q".to_owned())]);
    watched.handle.send(intent.clone(), SendKeys { needs, steps, ..keys(&pane, "") });
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
    wait_reads(&watched, &pane, "after less", &Reads::Shell);
}

#[test]
fn a_prompt_waits_for_the_end_of_a_draft() {
    let program = "exec python3 -c 'import readline\nwhile 1: print(\"GOT\", repr(input(\"> \")))'";
    let server = TmuxServer::running(program);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    wait_reads(&watched, &pane, "readline", &Reads::Line);
    server.tmux(&["send-keys", "-t", "main", "-l", "--", "merge, but only when "]);
    wait_reads(&watched, &pane, "draft", &Reads::Draft);
    let intent = IntentId::new("A");
    let needs = Needs::Named { programs: vec!["python*".to_owned()], composer: true, basis: None };
    let prompt = Prompt { pane, text: "Report.".to_owned(), expect_command: None, needs };
    watched.handle.prompt(intent.clone(), prompt);
    watched.wait("a send that waits", |message| {
        matches!(message, HostMessage::Awaits { awaited: Some(_), .. }).then_some(())
    });
    server.tmux(&["send-keys", "-t", "main", "Enter"]);
    server.wait_screen("main", "GOT 'merge, but only when '");
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
    server.wait_screen("main", "GOT 'Report.'");
}

#[test]
fn what_was_typed_before_a_crash_is_known_by_its_mark_whoever_reads_now() {
    let server = TmuxServer::running(BASH);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    wait_reads(&watched, &pane, "bash", &Reads::Shell);
    let (intent, line) = (IntentId::new("A"), shell_line(&pane, "cat"));
    watched.handle.send(intent.clone(), line.clone());
    // Its outcome is never committed, so its mark stays.
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
    wait_for(PATIENCE, "cat", || reads(&watched, &pane).filter(|reads| *reads != Reads::Shell).map(drop));
    watched.end();
    let watched = Watched::new(&server, &["needle"]);
    watched.wait_live(&server, "main");
    watched.handle.settle(intent.clone(), &tmuxagent_model::Effect::Send(line));
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done, "cat is in front because it was typed");
    watched.handle.release(pane.clone());
    // One that was not typed waits as any other.
    let other = IntentId::new("B");
    watched.handle.settle(other.clone(), &tmuxagent_model::Effect::Send(shell_line(&pane, "echo wrong")));
    watched.wait("a send that waits", |message| match message {
        HostMessage::Awaits { awaited: Some(awaited), .. } => (awaited.intent == other).then_some(()),
        _ => None,
    });
    server.tmux(&["send-keys", "-t", "main", "C-c"]);
    assert_eq!(watched.wait_outcome(&other), Outcome::Done);
}

const TALK: &str = r#"
version: 1
pipelines:
  - name: work
    match: [{window_name: ci}]
    stages:
      - {name: build, triggers: [manual], actions_on_start: [{run: "echo build >> ran"}], timeout: 10m}
"#;

/// Waits until the window's reader is one of these.
fn wait_reader(room: &Room, wanted: &[&str]) {
    wait_for(PATIENCE, &format!("{wanted:?}"), || {
        let panes: serde_json::Value = serde_json::from_str(&room.answer(&["panes", "--json"])).ok()?;
        wanted.contains(&panes[0]["reader"]["reads"].as_str()?).then_some(())
    });
}

/// Waits until something waits for its reader.
fn wait_held(room: &Room) -> serde_json::Value {
    wait_for(PATIENCE, "a held send", || {
        let status: serde_json::Value = serde_json::from_str(&room.answer(&["status", "--json"])).ok()?;
        status["held"].get(0).filter(|held| !held["reader"].is_null()).cloned()
    })
}

/// A program that asks, and takes the answer or goes.
fn asker(room: &Room, ends: bool) -> String {
    let said = r####"### SENTRY {"type":"ASK","question":"Go on?","options":["touch RAN","no"]}"####;
    let wait = if ends { "" } else { "open('got', 'w').write(input())" };
    std::fs::write(room.file("asker.py"), format!("print('''{said}''', flush=True)\n{wait}\n")).expect("writable");
    "python3 asker.py".to_owned()
}

#[test]
fn an_option_is_a_label_and_its_number_goes_to_the_program_that_asked() {
    let mut room = Room::with(TALK);
    room.watch();
    let line = asker(&room, false);
    room.server.type_line("proj:ci", &line);
    let approval = room.wait_approval();
    assert!(room.answer(&["approve", &approval]).contains("approved"));
    let got = || std::fs::read_to_string(room.file("got")).ok().filter(|got| !got.is_empty());
    assert_eq!(wait_for(PATIENCE, "the answer", got), "1");
    assert!(!room.file("RAN").exists());
}

#[test]
fn a_yes_types_nothing_where_the_program_that_asked_has_ended() {
    let mut room = Room::with(TALK);
    room.watch();
    let line = asker(&room, true);
    room.server.type_line("proj:ci", &line);
    let approval = room.wait_approval();
    let said = room.ask(&["approve", &approval]);
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(text.contains("approved") && text.contains("nothing was typed"), "{text}");
    assert_eq!(said.status.code(), Some(1), "done, but with a warning");
    room.wait_events("asker");
    let open = room.approvals().into_iter().filter(|approval| approval["state"] == "pending").count();
    assert_eq!(open, 0, "the decision is kept, and nothing is asked again");
    assert!(!room.file("RAN").exists() && !Path::new(&room.file("1")).exists());
    assert!(!room.server.screen("proj:ci").contains("not found"), "{}", room.server.screen("proj:ci"));
}

#[test]
fn a_held_stage_is_shown_and_can_be_given_up_or_runs_later() {
    let mut room = Room::with(TALK);
    room.watch();
    room.server.type_line("proj:ci", "sleep 600");
    wait_reader(&room, &["command"]);
    room.answer(&["start", "ci", "work"]);
    let held = wait_held(&room);
    assert_eq!(held["reader"]["front"]["name"], "sleep", "{held}");
    let panes = room.answer(&["panes"]);
    assert!(panes.contains("command, held"), "{panes}");
    room.server.tmux(&["send-keys", "-t", "proj:ci", "C-c"]);
    room.wait_ran("build ");
    // Given up.
    room.server.type_line("proj:ci", "sleep 600");
    wait_reader(&room, &["command"]);
    room.answer(&["start", "ci", "work"]);
    let intent = wait_held(&room)["intent"].as_str().expect("an intent").to_owned();
    let explained = room.answer(&["policy", "explain", "proj:ci"]);
    assert!(explained.contains("is running"), "{explained}");
    room.answer(&["unfreeze", "--drop", &intent]);
    wait_for(PATIENCE, "an end", || room.answer(&["panes", "--runs", "--json"]).contains("cancelled").then_some(()));
    assert_eq!(room.ran(), "build ");
}

#[test]
fn a_person_is_told_who_reads_and_may_insist() {
    let mut room = Room::with(TALK);
    room.watch();
    room.server.type_line("proj:ci", "read -p 'Drop it? ' x; echo \"got $x\"");
    wait_reader(&room, &["line", "draft"]);
    let told = room.ask(&["send", "ci", "npm test"]);
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(!told.status.success() && said.contains("--insist"), "{said}");
    assert!(!room.server.screen("proj:ci").contains("npm"));
    let told = room.ask(&["send", "--insist", "ci", "n"]);
    assert!(told.status.success(), "{told:?}");
    room.server.wait_screen("proj:ci", "got n\n");
    let told = room.ask(&["send", "ci", "echo by''hand"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    room.server.wait_screen("proj:ci", "byhand\n");
}

const AGAIN: &str = r#"
version: 1
pipelines:
  - name: work
    match: [{window_name: ci}]
    stages:
      - name: note
        triggers: [manual]
        actions_on_start: [{send_keys: "echo begun >> ran; echo 'again'' please'"}]
        success_when: [{log_regex: '^all good'}]
        fail_when: [{log_regex: '^again please'}]
        on_fail: [{retry: {max: 1, backoff: 2s}}]
        hold: 1s
        timeout: 10m
"#;

#[test]
fn keys_of_a_later_attempt_go_to_no_program_that_was_opened_since() {
    let mut room = Room::with(AGAIN);
    room.watch();
    wait_reader(&room, &["shell"]);
    room.answer(&["start", "ci", "work"]);
    room.wait_events("stage_retrying");
    // As a letter in an editor, which is opened while the next attempt waits.
    room.server.type_line("proj:ci", "cat > letter");
    let asked = room.wait_approval();
    let said = room.answer(&["approvals"]);
    assert!(said.contains("was not typed") && said.contains("cat"), "{said}");
    assert_eq!(std::fs::read_to_string(room.file("letter")).unwrap_or_default(), "");
    room.server.tmux(&["send-keys", "-t", "proj:ci", "C-c"]);
    wait_reader(&room, &["shell"]);
    assert_eq!(room.ran(), "begun ");
    // Who says yes sees who reads.
    room.answer(&["approve", &asked, "--answer", "again"]);
    room.wait_ran("begun begun ");
}

#[test]
fn keys_of_which_nobody_knows_who_they_are_for_go_to_the_program_in_front() {
    let server = TmuxServer::running(BASH);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    wait_reads(&watched, &pane, "bash", &Reads::Shell);
    server.type_line("main", "python3 -c 'print(repr(input(\"Deploy? [y/N] \")))'");
    wait_reads(&watched, &pane, "a question", &Reads::Line);
    let steps = vec![KeyStep::Text("y".to_owned()), KeyStep::Key("Enter".to_owned())];
    let intent = IntentId::new("A");
    let send = SendKeys {
        pane: pane.clone(),
        steps,
        expect_command: None,
        expect_screen: None,
        needs: Needs::Front { basis: None },
        shells: Vec::new(),
    };
    watched.handle.send(intent.clone(), send);
    assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
    server.wait_screen("main", "'y'");
}
