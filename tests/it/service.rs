//! `tmuxagent service` with systemd: what is written, asked and left alone. A stand-in notes what `systemctl` is asked.

use crate::support::TestEnv;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

const UNIT: &str = ".config/systemd/user/tmuxagent.service";

/// A home in which `systemctl` is a script: `show` is how it answers for the service, nothing where no user instance runs.
fn home(show: Option<&str>) -> TestEnv {
    let mut env = TestEnv::new();
    let log = env.home().join("asked").display().to_string();
    let answer = show.map_or_else(|| "exit 1".to_owned(), |show| format!("case $* in *MainPID*) echo '{show}';; esac"));
    env.write_mode("bin/systemctl", &format!("#!/bin/sh\necho \"$*\" >> {log}\n{answer}\n"), 0o755);
    env.write_mode("bin/loginctl", "#!/bin/sh\necho no\n", 0o755);
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = env.home().join("bin").display().to_string();
    env.set("PATH", &format!("{bin}:{path}"));
    env
}

/// What `systemctl` was asked to change.
fn asked(env: &TestEnv) -> Vec<String> {
    let log = std::fs::read_to_string(env.home().join("asked")).unwrap_or_default();
    let _ = std::fs::remove_file(env.home().join("asked"));
    log.lines()
        .filter(|line| !line.contains(" show ") && *line != "--version")
        .map(|line| line.replace("--user ", ""))
        .collect()
}

fn unit(env: &TestEnv) -> Option<String> {
    std::fs::read_to_string(env.home().join(UNIT)).ok()
}

#[test]
fn without_a_user_instance_the_file_is_written_and_the_rest_is_told() {
    let env = home(None);
    let shown = env.run(&["service", "install", "--dry-run"]);
    assert!(shown.code == 0 && shown.stdout.contains("Type=notify") && unit(&env).is_none(), "{shown}");
    let before = env.run(&["service", "status"]);
    assert!(before.code == 1 && before.stdout.contains("not installed"), "{before}");
    assert!(before.stdout.contains("`tmuxagent service install` installs it"), "{before}");
    let done = env.run(&["service", "install"]);
    assert_eq!(done.code, 1, "{done}");
    let left = "    systemctl --user daemon-reload\n    systemctl --user enable --now tmuxagent.service\n";
    assert!(done.stdout.contains(left) && done.stdout.contains("loginctl enable-linger"), "{done}");
    let text = unit(&env).expect("a unit");
    assert!(text.contains("WatchdogSec=") && !text.contains("EnvironmentFile") && !text.contains("NO_PROXY"), "{text}");
    let mode = std::fs::metadata(env.home().join(UNIT)).expect("a unit").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let again = env.run(&["service", "install", "--json"]);
    assert!(again.stdout.contains("\"changed\": false"), "{again}");
    let there = env.run(&["service", "status"]);
    assert!(there.code == 1 && there.stdout.contains("runs: not known"), "{there}");
    assert!(there.stdout.contains(&format!("({})", "[VERSION]")), "{there}");
    // A flag says what the environment of a service does not.
    assert!(!shown.stdout.contains("TMUXAGENT_LANG"), "{shown}");
    let chinese = env.run(&["--lang", "zh", "service", "install", "--dry-run"]);
    assert!(chinese.stdout.contains("Environment=TMUXAGENT_LANG=zh"), "{chinese}");
    // Another place of the state is another command.
    let other = env.run(&["--state-dir", "/elsewhere", "service", "status", "--json"]);
    assert!(other.stdout.contains("\"installed\": \"otherwise\""), "{other}");
    let gone = env.run(&["--lang", "zh", "service", "uninstall"]);
    assert!(gone.code == 1 && gone.stdout.contains("已移除") && unit(&env).is_none(), "{gone}");
    let nothing = env.run(&["service", "uninstall"]);
    assert!(nothing.code == 0 && nothing.stdout.contains("nothing is to be done"), "{nothing}");
    assert_eq!(asked(&env), Vec::<String>::new());
}

#[test]
fn by_sudo_nothing_is_installed_for_root() {
    let mut env = home(None);
    env.set("SUDO_UID", "1000");
    let ran = env.run(&["service", "install"]);
    if rustix::process::geteuid().is_root() {
        assert!(ran.code == 2 && ran.stderr.contains("without sudo") && unit(&env).is_none(), "{ran}");
    } else {
        assert!(unit(&env).is_some(), "it is no root: {ran}");
    }
}

#[test]
fn with_a_user_instance_it_is_started_and_ended() {
    let env = home(Some("ActiveState=inactive"));
    let done = env.run(&["service", "install"]);
    assert!(done.code == 0 && done.stdout.contains("is written"), "{done}");
    assert_eq!(asked(&env), ["daemon-reload", "enable --now tmuxagent.service"]);
    let gone = env.run(&["service", "uninstall"]);
    assert!(gone.code == 0 && unit(&env).is_none(), "{gone}");
    assert_eq!(asked(&env), ["disable --now tmuxagent.service", "daemon-reload"]);
}

#[test]
fn what_runs_is_told_and_not_restarted_unasked() {
    let env = home(Some("ActiveState=active\nUnitFileState=enabled\nMainPID=77\nStatusText=watches; hosts: 1"));
    assert_eq!(env.run(&["service", "install"]).code, 1, "it runs as it was before the file");
    assert_eq!(asked(&env), ["daemon-reload"]);
    let there = env.run(&["service", "status"]);
    assert!(there.code == 0 && there.stdout.contains("runs: yes 77\nsays: watches; hosts: 1"), "{there}");
    let again = env.run(&["service", "install"]);
    assert!(again.code == 0 && asked(&env).is_empty(), "{again}");
}

#[test]
fn a_unit_of_somebody_else_is_left_alone() {
    let env = home(Some("ActiveState=active"));
    let own = "[Service]\nExecStart=/usr/bin/other\n";
    env.write(UNIT, own);
    for command in [&["install"][..], &["uninstall"], &["install", "--dry-run"]] {
        let ran = env.run(&[&["service"][..], command].concat());
        assert!(ran.code == 2 && ran.stderr.contains("is not from `tmuxagent service install`"), "{ran}");
    }
    assert_eq!(unit(&env).as_deref(), Some(own));
    assert!(env.run(&["service", "status", "--json"]).stdout.contains("\"installed\": \"foreign\""));
    // Nor what a link leads to, whatever it says.
    std::fs::remove_file(env.home().join(UNIT)).expect("it was there");
    let target = env.write("dotfiles/unit", "# Written by `tmuxagent service install`\n");
    std::os::unix::fs::symlink(&target, env.home().join(UNIT)).expect("a link");
    assert_eq!(env.run(&["service", "uninstall"]).code, 2);
    assert!(target.exists());
    assert_eq!(asked(&env), Vec::<String>::new());
}

#[test]
fn the_environment_is_that_of_the_configuration() {
    let mut env = home(None);
    env.write(".config/tmuxagent/config.yaml", "notify: wecom\n");
    env.set("NO_PROXY", "example.org").set("HTTPS_PROXY", "http://u:p4ssw0rd@proxy:1");
    let secret = "WECOM_WEBHOOK=0123abcd-0123-abcd-0123-0123456789ab\n";
    env.write_mode(".config/tmuxagent/.env", secret, 0o600);
    let done = env.run(&["service", "install"]);
    let text = unit(&env).expect("a unit");
    assert!(text.contains("Environment=NO_PROXY=example.org,qyapi.weixin.qq.com\n"), "{text}");
    let file = env.home().join(".config/tmuxagent/.env");
    assert!(text.contains(&format!("EnvironmentFile=-{}\n", file.display())), "{text}");
    assert!(!text.contains("0123abcd") && !text.contains("p4ssw0rd"), "no secret in a unit: {text}");
    assert!(done.stdout.contains("HTTPS_PROXY of this shell is not known to the service"), "{done}");
    // With a configuration that can't be read it could not start.
    env.write(".config/tmuxagent/config.yaml", "notifi: wecom\n");
    assert_eq!(env.run(&["service", "install"]).code, 2);
    assert_eq!(env.run(&["service", "uninstall"]).code, 1);
}

#[test]
fn systemd_itself_finds_nothing_wrong() {
    let env = home(None);
    env.write_mode(".config/tmuxagent/.env", "A=1\n", 0o600);
    env.run(&["--state-dir", "a b/100%/$X\"c", "service", "install"]);
    let runtime = env.home().join("run");
    std::fs::create_dir(&runtime).expect("a folder");
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--user", "verify"]).arg(env.home().join(UNIT)).env("XDG_RUNTIME_DIR", &runtime);
    let Ok(output) = verify.output() else {
        eprintln!("skipped: there is no systemd-analyze here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("tmuxagent"), "{said}\n{}", unit(&env).unwrap_or_default());
}
