//! The doctor, with real tmux and real files.

use crate::support::{StagedSupervisor, TO_COME, TestEnv};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tmuxagent_ipc::wire::WatchedServer;
use tmuxagent_model::{HostName, Problem, Snapshot, Trouble};

/// The findings of one check as (verdict, text, fix).
fn findings(env: &TestEnv, arguments: &[&str], check: &str) -> Vec<(String, String, String)> {
    let ran = env.run(&[&["doctor", "--json"], arguments].concat());
    let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let found = found.as_array().expect("a list").iter().filter(|finding| finding["check"] == check);
    found.map(|finding| (text(finding, "verdict"), text(finding, "text"), text(finding, "fix"))).collect()
}

#[test]
fn a_wrong_configuration_is_a_finding_and_the_other_checks_go_on() {
    let env = TestEnv::new();
    env.write(".config/tmuxagent/config.yaml", "langauge: en\n");
    let found = findings(&env, &[], "configuration");
    let place = "[HOME]/.config/tmuxagent/config.yaml:1:1: unknown key `langauge`";
    assert_eq!(found, [("failure".into(), place.into(), "did you mean `language`?".into())]);
    assert!(!findings(&env, &[], "disk").is_empty());
    assert_eq!(env.run(&["doctor"]).code, 2);
}

#[test]
fn a_port_that_the_supervisor_could_not_get_is_no_port_in_use_as_it_should_be() {
    let env = TestEnv::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let bind = taken.local_addr().expect("an address").to_string();
    env.write(".config/tmuxagent/config.yaml", &format!("serve: {{bind: '{bind}'}}\n"));
    let trouble = Trouble::Listen { address: bind, error: "Address already in use".to_owned() };
    let problems = vec![Problem { part: "web server".to_owned(), text: trouble, since: TO_COME }];
    let _supervisor =
        StagedSupervisor::start(&env.runtime_dir(), Snapshot { problems, ..Snapshot::default() }, |_| None);
    let found = findings(&env, &[], "port");
    assert!(matches!(&found[..], [(verdict, ..)] if verdict == "failure"), "{found:?}");
    if cfg!(target_os = "linux") {
        assert!(found[0].1.contains(&format!(", process {})", std::process::id())), "who holds it: {found:?}");
    }
}

#[test]
fn an_address_under_a_name_that_nothing_reads_is_found() {
    let mut env = TestEnv::new();
    env.set("WECOM_WEBHOOK_URL", "0123abcd-0123-abcd-0123-0123456789ab");
    let is_told = |env: &TestEnv| {
        findings(env, &[], "alerts").iter().any(|(_, text, _)| text.contains("the name is WECOM_WEBHOOK"))
    };
    assert!(is_told(&env));
    env.write(".config/tmuxagent/config.yaml", "channels: {wecom: {webhook: '${WECOM_WEBHOOK_URL}'}}\n");
    assert!(!is_told(&env));
}

#[test]
fn what_is_safe_is_fixed() {
    let env = TestEnv::new();
    let env_file = env.write_mode(".config/tmuxagent/.env", "A=1\n", 0o644);
    let state = env.home().join(".local/state/tmuxagent");
    std::fs::create_dir_all(&state).expect("folders");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let open = findings(&env, &[], "folders");
    assert!(
        open.iter().any(|(verdict, _, fix)| verdict == "warning" && fix == "chmod 700 [HOME]/.local/state/tmuxagent")
    );
    let after = findings(&env, &["--fix"], "folders");
    assert!(after.iter().all(|(verdict, ..)| verdict == "ok"), "{after:?}");
    let mode = |path| std::fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&env_file)), (0o700, 0o600));
    assert!(state.join("approvals").is_dir());
}

#[test]
fn variables_that_the_tmux_server_lacks_are_found() {
    let mut env = TestEnv::new();
    let socket = env.home().join("tmux.sock");
    let path = socket.to_str().expect("UTF-8");
    let tmux = |arguments: &[&str]| {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-S", path]).args(arguments).env_remove("TMUX").env_remove("MY_API_KEY");
        assert!(command.status().expect("tmux is installed").success(), "{arguments:?}");
    };
    env.set("MY_API_KEY", "hunter2hunter2").set("TMUXAGENT_SOCKET", path);
    assert!(findings(&env, &[], "tmux")[0].1.contains("no server runs"));
    tmux(&["new-session", "-d", "sleep 1000"]);
    let drift = findings(&env, &[], "drift");
    let server = findings(&env, &[], "tmux");
    tmux(&["set-environment", "-g", "MY_API_KEY", "hunter2hunter2"]);
    let mended = findings(&env, &[], "drift");
    tmux(&["kill-server"]);
    assert_eq!(drift[0].1, "the tmux server lacks MY_API_KEY");
    assert!(!format!("{drift:?}").contains("hunter2"));
    assert!(server[0].1.starts_with("server ") && server[0].1.contains(", 1 session "), "{server:?}");
    assert_eq!(mended[0].0, "ok");
}

#[test]
fn missing_tmux_is_one_sentence_with_the_way_out() {
    let mut env = TestEnv::new();
    env.write(".config/tmuxagent/config.yaml", "tmux_bin: tmux-that-is-not-there\n");
    env.set("LC_ALL", "C.UTF-8");
    let found = findings(&env, &[], "tmux");
    assert_eq!(found[0].0, "failure");
    assert_eq!(found[0].1, "the program `tmux-that-is-not-there` is missing");
    assert!(found[0].2.contains("install"), "{found:?}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let env = TestEnv::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let bind = listener.local_addr().expect("an address");
    env.write(".config/tmuxagent/config.yaml", &format!("serve: {{bind: '{bind}'}}\n"));
    let found = findings(&env, &[], "port");
    assert_eq!((found[0].0.as_str(), found[0].1.contains(&bind.to_string())), ("failure", true), "{found:?}");
    let chinese = &findings(&env, &["--lang", "zh"], "port")[0].1;
    assert!(cfg!(not(target_os = "linux")) || chinese.ends_with("：地址已被占用（系统错误 98）"), "{chinese}");
    drop(listener);
    assert_eq!(findings(&env, &[], "port")[0].0, "ok");
}

#[test]
fn a_host_that_cannot_be_reached_is_explained() {
    let env = TestEnv::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let ssh = format!("hosts: [{{name: box, ssh: {{host: 127.0.0.1, port: {port}}}}}]\n");
    env.write(".config/tmuxagent/config.yaml", &ssh);
    let found = findings(&env, &[], "hosts");
    assert_eq!(found[0].0, "failure");
    assert!(found[0].1.starts_with("box: ") || found[0].1.contains("`ssh` is missing"), "{found:?}");
}

#[test]
fn the_server_is_the_one_that_the_supervisor_watches() {
    let mut env = TestEnv::new();
    let socket = env.home().join("watched.sock");
    let tmux = |arguments: &[&str]| {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-S"]).arg(&socket).args(arguments).env_remove("TMUX");
        assert!(command.status().expect("tmux is installed").success(), "{arguments:?}");
    };
    tmux(&["new-session", "-d", "-s", "proj", "-n", "main", "sleep 1000"]);
    // What this shell stands in is another one.
    env.set("TMUX", "/nowhere/tmux.sock,1,0");
    let program = "tmux".to_owned();
    let watched = WatchedServer { host: HostName::local(), program, socket: socket.clone() };
    let supervisor = StagedSupervisor::watching(&env.runtime_dir(), vec![watched], Snapshot::default(), |_| None);
    let found = findings(&env, &[], "tmux");
    let named = findings(&env, &["--socket", "/nowhere/else.sock"], "tmux");
    let explained = env.run(&["agent", "explain", "proj", "--json"]);
    let elsewhere = env.run(&["--socket", "/nowhere/else.sock", "agent", "explain", "proj"]);
    // A configuration that is broken meanwhile changes nothing about it.
    env.write(".config/tmuxagent/config.yaml", "langauge: en\n");
    let broken = findings(&env, &[], "tmux");
    drop(supervisor);
    env.write(".config/tmuxagent/config.yaml", "");
    let alone = findings(&env, &[], "tmux");
    tmux(&["kill-server"]);
    for found in [&found, &broken] {
        let text = &found[0].1;
        assert!(text.starts_with("server ") && text.contains("watched.sock, which the running supervisor"), "{text}");
    }
    assert!(named[0].1.ends_with("no server runs there; socket /nowhere/else.sock"), "{named:?}");
    assert!(alone[0].1.ends_with("no server runs there; socket /nowhere/tmux.sock"), "{alone:?}");
    let said: Value = serde_json::from_str(&explained.stdout).unwrap_or_else(|error| panic!("{error}: {explained}"));
    assert!(said["server"].as_str().is_some_and(|server| server.ends_with("/watched.sock")), "{said}");
    assert_eq!(said["place"], "proj:main.0");
    assert_ne!(elsewhere.code, explained.code, "{elsewhere}");
}
