//! `tmuxagent hooks` and `tmuxagent hook`: what is written into an agent's settings, and that a hook never is in its way.

use crate::support::TestEnv;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tmuxagent_ipc::lock::socket_path;

const SETTINGS: &str = "{\n\t// mine\n\t\"model\": \"opus\",\n\t\"env\": {\"API_KEY\": \"sk-0123456789abcdef0123456789\"},\n\t\"hooks\": {\n\t\t\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]}]\n\t}\n}\n";

fn read(env: &TestEnv, name: &str) -> String {
    std::fs::read_to_string(env.home().join(name)).expect("a file")
}

fn names(env: &TestEnv, folder: &str) -> Vec<String> {
    let listed = std::fs::read_dir(env.home().join(folder)).expect("a folder").flatten();
    let mut names: Vec<String> = listed.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn hooks_come_and_go_and_nothing_else_changes() {
    let env = TestEnv::new();
    env.write_mode(".claude/settings.json", SETTINGS, 0o640);
    let before = env.run(&["hooks", "status"]);
    assert_eq!(before.code, 1, "{before}");
    let asks = env.run(&["hooks", "install"]);
    assert_eq!(asks.code, 2, "{asks}");
    assert!(asks.stdout.contains("+         \"UserPromptSubmit\"") && asks.stderr.contains("--yes"), "{asks}");
    assert!(!asks.stdout.contains("sk-0123456789"), "a secret beside it is not shown: {asks}");
    assert_eq!(read(&env, ".claude/settings.json"), SETTINGS, "nobody said yes");
    let done = env.run(&["hooks", "install", "--yes"]);
    assert_eq!(done.code, 0, "{done}");
    let with = read(&env, ".claude/settings.json");
    assert!(with.contains("tmuxagent hook Stop") && with.contains("// mine") && with.contains("say done"), "{with}");
    let mode = std::fs::metadata(env.home().join(".claude/settings.json")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let backup = names(&env, ".claude").into_iter().find(|name| name.contains("before-tmuxagent")).expect("a copy");
    assert_eq!(read(&env, &format!(".claude/{backup}")), SETTINGS);
    assert_eq!(env.run(&["hooks", "status"]).code, 0);
    let again = env.run(&["hooks", "install"]);
    assert!(again.code == 0 && again.stdout.contains("nothing is to be done"), "{again}");
    assert_eq!(names(&env, ".claude").len(), 2, "no second copy");
    // Another place of the state is another command.
    let other = env.run(&["--state-dir", "/elsewhere", "hooks", "status", "--json"]);
    assert!(other.code == 1 && other.stdout.contains("\"installed\": \"otherwise\""), "{other}");
    let gone = env.run(&["hooks", "uninstall", "--yes", "--json"]);
    assert!(gone.code == 0 && gone.stdout.contains("\"changed\": true"), "{gone}");
    assert_eq!(read(&env, ".claude/settings.json"), SETTINGS);
}

#[test]
fn a_missing_file_is_made_and_taken_away_again() {
    let env = TestEnv::new();
    let nobody = env.run(&["hooks", "install", "--yes"]);
    assert!(nobody.code == 2 && nobody.stderr.contains("--agent codex makes it"), "{nobody}");
    let fresh = env.run(&["hooks", "status"]);
    assert!(fresh.code == 0 && fresh.stdout.contains("`tmuxagent hooks install --agent claude` makes one"), "{fresh}");
    let made = env.run(&["hooks", "install", "--agent", "codex", "--yes"]);
    assert!(made.code == 0 && made.stdout.contains("Codex asks at its next start"), "{made}");
    assert!(read(&env, ".codex/hooks.json").contains("tmuxagent hook Interrupt"));
    assert_eq!(env.run(&["hooks", "uninstall", "--yes"]).code, 0);
    assert!(!env.home().join(".codex/hooks.json").exists());
    // One that was there before, and said nothing, stays.
    env.write(".codex/hooks.json", "{}\n");
    assert_eq!(env.run(&["hooks", "install", "--yes"]).code, 0);
    assert_eq!(env.run(&["hooks", "uninstall", "--yes"]).code, 0);
    assert_eq!(read(&env, ".codex/hooks.json"), "{}\n");
    let chinese = env.run(&["--lang", "zh", "hooks", "uninstall"]);
    assert!(chinese.code == 0 && chinese.stdout.contains("无需修改"), "{chinese}");
}

#[test]
fn a_link_stays_one_and_what_it_leads_to_is_written() {
    let mut env = TestEnv::new();
    let target = env.write("dotfiles/claude.json", "{}\n");
    std::fs::create_dir_all(env.home().join("elsewhere")).expect("a folder");
    std::os::unix::fs::symlink(&target, env.home().join("elsewhere/settings.json")).expect("a link");
    let folder = env.home().join("elsewhere").display().to_string();
    env.set("CLAUDE_CONFIG_DIR", &folder);
    let done = env.run(&["hooks", "install", "--yes"]);
    assert_eq!(done.code, 0, "{done}");
    assert!(env.home().join("elsewhere/settings.json").is_symlink());
    assert!(read(&env, "dotfiles/claude.json").contains("tmuxagent hook Stop"));
    assert_eq!(names(&env, "dotfiles"), ["claude.json"], "the copy lies beside the link");
    assert_eq!(env.run(&["hooks", "uninstall", "--yes"]).code, 0);
    assert_eq!(read(&env, "dotfiles/claude.json"), "{}\n");
}

#[test]
fn what_can_t_be_read_is_left_as_it_is() {
    let env = TestEnv::new();
    env.write(".claude/settings.json", "{\n  \"a\": 1\n  \"b\": 2\n}\n");
    let refused = env.run(&["hooks", "install", "--yes"]);
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains(".claude/settings.json:3:3: a comma or `}` is missing here"), "{refused}");
    assert_eq!(names(&env, ".claude"), ["settings.json"]);
    std::fs::remove_file(env.home().join(".claude/settings.json")).expect("a file");
    std::fs::create_dir(env.home().join(".claude/settings.json")).expect("a folder");
    let folder = env.run(&["hooks", "status"]);
    assert!(folder.code == 2 && folder.stderr.contains("no regular file"), "{folder}");
}

/// How a hook with that input ended, and that it did by itself.
fn hook(env: &TestEnv, event: &str, input: &[u8], close: bool) -> Output {
    let mut command = env.command(&["hook", event]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may have ended by itself before all was written.
    let _ = stdin.write_all(input);
    let held = (!close).then_some(stdin);
    let ended = child.wait_with_output().expect("an end");
    drop(held);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    ended
}

fn is_silent(ended: &Output) -> bool {
    ended.status.code() == Some(0) && ended.stdout.is_empty() && ended.stderr.is_empty()
}

#[test]
fn a_hook_is_in_nobodys_way() {
    let env = TestEnv::new();
    let input = br#"{"session_id":"x","hook_event_name":"Stop","last_assistant_message":"Done."}"#;
    assert!(is_silent(&hook(&env, "Stop", input, true)), "no supervisor runs");
    env.write(".config/tmuxagent/config.yaml", "version: [");
    assert!(is_silent(&hook(&env, "Stop", input, true)), "a configuration that can't be read");
    let folder = env.runtime_dir();
    std::fs::create_dir_all(&folder).expect("a folder");
    let socket = socket_path(&folder);
    std::fs::write(&socket, "no socket").expect("writable");
    assert!(is_silent(&hook(&env, "Stop", input, true)), "a socket that is none");
    std::fs::remove_file(&socket).expect("a file");
    // Somebody listens who never answers.
    let _listener = UnixListener::bind(&socket).expect("a socket");
    assert!(is_silent(&hook(&env, "Stop", input, true)));
    assert!(is_silent(&hook(&env, "Stop", input, false)), "an input that does not end");
    for wrong in [&b""[..], b"{", b"\xff\xfe", b"[]", b"{\"hook_event_name\":\"Other\"}"] {
        assert!(is_silent(&hook(&env, "Stop", wrong, true)), "{wrong:?}");
    }
    assert!(is_silent(&hook(&env, "Stop", &vec![b' '; 5 << 20], true)), "one that is too long");
    assert!(is_silent(&hook(&env, "--nonsense", input, true)));
}
