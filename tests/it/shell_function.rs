//! The shell function for machines without the program, in every shell that is here.

use super::support::TestEnv;
use std::process::Command;

fn shells() -> Vec<&'static str> {
    let has = |name: &&&str| Command::new(name).args(["-c", ":"]).status().is_ok_and(|status| status.success());
    ["sh", "bash", "zsh", "dash", "ksh"].iter().filter(has).copied().collect()
}

fn in_shell(shell: &str, script: &str) -> (i32, String) {
    let function = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/tmuxagent-run.sh");
    let output = Command::new(shell).args(["-c", &format!(". '{function}'; {script}")]).output().expect("a shell");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn start_end_and_exit_code_are_reported_in_every_shell() {
    assert!(!shells().is_empty());
    for shell in shells() {
        let (code, said) = in_shell(shell, r#"tmuxagent_run -s lint -- sh -c 'echo "a \q"; exit 3'"#);
        assert_eq!(code, 3, "{shell}: {said}");
        let lines: Vec<&str> = said.lines().collect();
        let message = |line: &str| -> serde_json::Value {
            serde_json::from_str(line.strip_prefix("### SENTRY ").expect("a message")).expect("JSON")
        };
        assert_eq!(lines[1], r"a \q", "{shell}");
        let (began, ended) = (message(lines[0]), message(lines[2]));
        assert_eq!((began["stage"].as_str(), began.get("ok")), (Some("lint"), None), "{shell}");
        assert_eq!((ended["ok"].as_bool(), ended["exit"].as_i64()), (Some(false), Some(3)), "{shell}");
        assert!(
            ended["summary"].as_str().is_some_and(|text| text.starts_with(r#"sh -c echo "a \q"; exit 3 ended with 3"#))
        );
        let (code, said) = in_shell(shell, "tmuxagent_run true");
        assert!(code == 0 && said.contains(r#"{"type":"STATUS","ok":true,"#), "{shell}: {said}");
        let (code, _) = in_shell(shell, "tmuxagent_run");
        assert_eq!(code, 2, "{shell}");
        let (code, said) = in_shell(shell, "tmuxagent_run sh -c 'kill -INT $$'");
        assert!(code == 130 && said.contains(r#""exit":130"#), "{shell}: {code} {said}");
    }
}

#[test]
fn the_program_prints_it() {
    let env = TestEnv::new();
    let ran = env.run(&["run", "--shell-function"]);
    assert_eq!((ran.code, ran.stdout.contains("tmuxagent_run() (")), (0, true));
}

#[test]
fn the_stand_in_for_an_agent_does_what_it_is_told() {
    let env = TestEnv::new();
    let ran = env.run_with_input(
        &["fake-agent", "--pace", "0", "--fail", "1"],
        "one\ntwo [[ask]]\nperhaps\ny\nthree [[ask]]\nn\n",
    );
    let reports: Vec<&str> = ran.stdout.lines().filter_map(|line| line.strip_prefix("### SENTRY ")).collect();
    assert_eq!(ran.code, 0);
    assert_eq!(
        reports,
        [
            r#"{"type":"STATUS","stage":"code","ok":false,"summary":"one"}"#,
            r#"{"type":"STATUS","stage":"code","ok":true,"summary":"two [[ask]]"}"#,
            r#"{"type":"STATUS","stage":"code","ok":false,"summary":"src/main.rs was not edited: you said no"}"#,
        ]
    );
    assert_eq!(
        ran.stdout.matches("Would you like to make the following edits?").count(),
        3,
        "once more after `perhaps`"
    );
    assert!(ran.stdout.contains("◦ Working ("));
    let ran = env.run(&["fake-agent", "--pace", "0", "--task", "x", "--status"]);
    assert!(ran.code == 0 && ran.stdout.contains("\u{1b}]7501;state=done:app=fake-agent\u{1b}\\"));
    assert_eq!(env.run(&["fake-agent", "--pace", "0", "--task", "x [[fail]]"]).code, 1);
}
