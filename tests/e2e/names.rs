//! A secret in a name: of a session, a window, a title, a program. Policies match it as it is; nobody else sees it.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for, wait_or_tell};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Stands in the user's own `.env`.
const SECRET: &str = "river-stone-41x";

/// `match` sees the true name.
const POLICY: &str = r#"
version: 1
pipelines:
  - name: dinner
    match: [{window_name: "/stone-41x$/"}]
    stages:
      - name: build
        require_approval: {question: "Build in {{pane.session}}:{{pane.window}} ({{pane.title}})?", expires: 1h}
        triggers: [{log_regex: "^tests ok"}]
        actions_on_start: [{run: "printf '%s\\n' {{pane.window}} > ran"}]
        timeout: 60s
  - name: notes
    match: [{window_name: "/stone-41x$/"}]
    stages:
      - name: note
        triggers: [{log_regex: "^note"}]
        actions_on_start: [{notify: {text: "a note of {{pane.window}}"}}, {shell: "exit 3"}]
        timeout: 60s
"#;

/// Every command that tells of panes.
const ASKED: &[&[&str]] = &[
    &["status"],
    &["panes"],
    &["panes", "--runs"],
    &["approvals", "--all"],
    &["events"],
    &["policy", "explain"],
    &["agent", "list"],
    &["agent", "explain", "%0"],
    &["db", "check"],
    &["notify", "log"],
    &["db", "export"],
    &["policy", "replay", "--from-db", "%0"],
    &["doctor"],
    &["snapshot-workspace"],
];

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).expect("writable");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("ours");
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        found.push(path.clone());
        if path.is_dir() && !path.is_symlink() {
            files(&path, found);
        }
    }
}

/// The files below the state that hold the secret, or are named by it.
fn holding(state: &Path, secret: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(state, &mut all);
    let holds = |path: &PathBuf| {
        let named = path.file_name().is_some_and(|name| name.to_string_lossy().contains(secret));
        let content = if path.is_file() { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
        named || content.windows(secret.len()).any(|part| part == secret.as_bytes())
    };
    assert!(!all.is_empty(), "there is a state");
    all.into_iter().filter(holds).collect()
}

fn nothing_told(room: &Room, secrets: &[&str]) {
    let tells = |text: &str| secrets.iter().any(|secret| text.contains(secret));
    for arguments in ASKED {
        for more in [&[][..], &["--json"], &["--lang", "zh"]] {
            let said = room.answer(&[*arguments, more].concat());
            assert!(!tells(&said), "{arguments:?} {more:?} tells it:\n{said}");
        }
    }
    let dump = room.file("dump.jsonl").display().to_string();
    room.answer(&["debug", "dump", &dump]);
    let dumped = std::fs::read_to_string(&dump).expect("a dump");
    std::fs::remove_file(&dump).expect("it is ours");
    assert!(!tells(&dumped), "the trace");
    for secret in secrets {
        assert_eq!(holding(&room.state, secret), Vec::<PathBuf>::new(), "at rest");
    }
}

#[test]
fn a_secret_in_a_name_is_told_and_kept_nowhere() {
    let mut room = Room::with(POLICY);
    private(&room.file(".env"), &format!("DEPLOY={SECRET}\n"));
    let script = room.file("script.sh");
    std::fs::write(&script, "{ cat; env | grep ^TMUXAGENT_; } >> \"$1\"\n").expect("writable");
    let alerts = room.file("alerts");
    room.configure(&format!(
        "language: en\nchannels:\n  script: {{kind: command, command: [sh, {script:?}, {alerts:?}]}}\nnotify: script\n",
    ));
    let server = &room.server;
    let (session, window) = (format!("proj-{SECRET}"), format!("ci-{SECRET}"));
    server.tmux(&["rename-window", "-t", "proj:ci", &window]);
    server.tmux(&["rename-session", "-t", "proj", &session]);
    let pane = server.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]);
    server.tmux(&["select-pane", "-t", &pane, "-T", &format!("title {SECRET}")]);
    server.tmux(&["set-option", "-p", "-t", &pane, "@tmuxagent_role", SECRET]);
    let bin = room.file("bin");
    std::fs::create_dir(&bin).expect("a folder");
    std::fs::copy("/bin/sleep", bin.join(SECRET)).expect("a program");
    room.watch();
    let server = &room.server;
    server.type_line(&pane, "echo no''te one");
    // What is typed ahead has no line of its own on the screen.
    wait_for(PATIENCE, "an alert", || room.file("alerts").exists().then_some(()));
    server.type_line(&pane, "echo tests'' ok");
    let request = room.wait_request();
    assert!(!request.to_string_lossy().contains(SECRET), "{}", request.display());
    server.type_line(&pane, &format!("bin/{SECRET} 600"));
    let front = || server.tmux(&["display-message", "-p", "-t", &pane, "#{pane_current_command}"]);
    wait_for(PATIENCE, "the program", || front().ends_with(SECRET).then_some(()));
    wait_for(PATIENCE, "that it is seen", || {
        room.answer(&["panes", "--json"]).contains("\"command\": \"bin/[redacted: known value]\"").then_some(())
    });
    nothing_told(&room, &[SECRET]);
    let alerts = std::fs::read_to_string(room.file("alerts")).expect("alerts");
    assert!(!alerts.contains(SECRET), "{alerts}");
    // Who types the name as it is means this pane.
    assert_eq!(room.ask(&["panes", &window]).status.code(), Some(0), "{}", room.answer(&["panes", &window]));
    // What is typed is the true name; so the mark says that it was taken out, and not that there is none.
    server.tmux(&["send-keys", "-t", &pane, "C-c"]);
    room.answer(&["approve", &room.wait_approval()]);
    let ran = || std::fs::read_to_string(room.file("ran")).ok().filter(|text| text.ends_with('\n'));
    assert_eq!(wait_for(PATIENCE, "the build", ran), format!("{window}\n"));
    nothing_told(&room, &[SECRET]);
    // Another life begins with what was kept.
    room.kill_9();
    room.watch();
    nothing_told(&room, &[SECRET]);
}

#[test]
fn what_a_workspace_gives_to_its_panes_is_secret_from_then_on() {
    const GIVEN: &str = "meadow-harbour-77";
    let mut room = Room::with(POLICY);
    room.configure("language: en\n");
    room.watch();
    let project = room.file("project");
    std::fs::create_dir(&project).expect("a folder");
    private(&project.join(".env"), &format!("QUEUE={GIVEN}\nPORT=3000\n"));
    let workspace = format!(
        "name: shop\nsessions:\n  - name: shop-{GIVEN}\n    root: '{}'\n    windows:\n      - name: stone-41x\n",
        project.display()
    );
    private(&project.join("workspace.yaml"), &workspace);
    let file = project.join("workspace.yaml").display().to_string();
    let said = room.answer(&["up", &file]);
    assert!(said.contains("done") && !said.contains(GIVEN), "{said}");
    let target = format!("=shop-{GIVEN}:");
    room.server.type_line(&target, "echo the key is $QUEUE; echo tests'' ok $QUEUE");
    room.server.wait_screen(&target, GIVEN);
    room.wait_approval();
    nothing_told(&room, &[GIVEN]);
    // A supervisor that begins later knows it as well, and what was rotated is known as soon as it is given again.
    room.kill_9();
    room.watch();
    nothing_told(&room, &[GIVEN]);
    private(&project.join(".env"), "QUEUE=orchard-lantern-12\n");
    let said = room.answer(&["up", &file]);
    assert!(said.contains("left as they are"), "{said}");
    // No prompt follows, so that it stays the last line.
    room.server.type_line(&target, "echo tests'' ok orchard-lantern-12; cat");
    let line = || room.answer(&["panes", "--json"]).contains("\"tests ok [redacted: known value]\"").then_some(());
    wait_or_tell(PATIENCE, line, || room.answer(&["panes", "--json"]) + &room.server.screen(&target));
    nothing_told(&room, &["orchard-lantern-12"]);
}

/// A captured value is typed in letters and escapes, and shown so in plans, positions and the pane's own echo.
#[test]
fn a_secret_that_was_captured_and_typed_is_told_and_kept_nowhere() {
    // Put together here, so that no file of the project holds what looks like one.
    let token = format!("ghp{}{}", "_", "x7Kq".repeat(9));
    let (own, part) = ("river stone: q41x9z", "q41x9z");
    let policy = r#"
version: 1
pipelines:
  - name: dinner
    match: [{window_name: ci}]
    stages:
      - name: build
        require_approval: {question: "Build {{what}}?", expires: 1h}
        triggers: [{log_regex: "^tests ok (?P<what>.+)$"}]
        actions_on_start: [{send_keys: "printf '%s\\n' {{what}} >> ran"}, {run: "printf '%s\\n' {{what}} >> ran"}]
        timeout: 60s
"#;
    for shell in ["sh", "bash --norc --noprofile", "fish --no-config"] {
        let mut room = Room::with(policy);
        private(&room.file(".env"), &format!("DEPLOY=\"{own}\"\n"));
        room.configure("language: en\n");
        let command = format!("cd '{}'; exec env PS1='$ ' {shell}", room.server.folder().display());
        room.server.tmux(&["respawn-pane", "-k", "-t", "proj:ci", &command]);
        std::fs::write(room.file("say"), format!("tests ok a {token} and {own} b\n")).expect("writable");
        room.watch();
        room.server.type_line("proj:ci", "cat say");
        let approval = room.wait_approval();
        // Keys are for what was in front when the stage began.
        let at_prompt = || room.answer(&["panes", "--json"]).contains("\"shell\": true").then_some(());
        wait_for(PATIENCE, "the shell behind what it ran", at_prompt);
        room.answer(&["approve", &approval]);
        let ran = || std::fs::read_to_string(room.file("ran")).ok().filter(|text| text.lines().count() == 2);
        let value = format!("a {token} and {own} b\n");
        assert_eq!(wait_for(PATIENCE, "both", ran), value.repeat(2), "{shell}");
        room.wait_events("\"state\":\"succeeded\"");
        nothing_told(&room, &[&token, part]);
    }
}
