//! The other machines: reachable without a question, known by their key, with tmux.

use super::{Finding, Scene, find_program, output_of};
use crate::config::{HostConfig, SshConfig};
use std::process::Command;
use std::time::Duration;

/// How long one machine may take. All are asked at once.
const LIMIT: Duration = Duration::from_secs(8);

/// Asks every host for its tmux.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let remote: Vec<(&HostConfig, &SshConfig)> =
        loaded.config.hosts.iter().filter_map(|host| Some((host, host.ssh.as_ref()?))).collect();
    if remote.is_empty() {
        return Vec::new();
    }
    if find_program(&scene.environment, "ssh").is_none() {
        return vec![Finding::failure("hosts", "the program `ssh` is missing", "install the OpenSSH client")];
    }
    std::thread::scope(|scope| {
        let asked: Vec<_> = remote.iter().map(|(host, ssh)| scope.spawn(move || ask(host, ssh))).collect();
        asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

fn ask(host: &HostConfig, ssh: &SshConfig) -> Finding {
    let name = &host.name;
    let Some(output) = output_of(&mut command(host, ssh), LIMIT) else {
        return Finding::failure(
            "hosts",
            format!("{name}: no answer within {} s", LIMIT.as_secs()),
            format!("try it by hand: ssh {}", ssh.host),
        );
    };
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Finding::ok("hosts", format!("{name}: {}", String::from_utf8_lossy(&output.stdout).trim())),
        Some(127) => Finding::failure(
            "hosts",
            format!("{name}: `{}` is missing there", host.tmux.bin),
            "install tmux there, or name the program: `tmux: {bin: /path/to/tmux}`",
        ),
        _ => explain(&name.to_string(), ssh, &said),
    }
}

fn command(host: &HostConfig, ssh: &SshConfig) -> Command {
    let mut command = Command::new("ssh");
    command.args(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]);
    for option in &ssh.options {
        command.args(["-o", option]);
    }
    if let Some(port) = ssh.port {
        command.args(["-p", &port.to_string()]);
    }
    if let Some(user) = &ssh.user {
        command.args(["-l", user]);
    }
    if let Some(key) = &ssh.key {
        command.arg("-i").arg(key);
    }
    if let Some(jump) = &ssh.jump {
        command.args(["-J", jump]);
    }
    // The other side's shell reads this, so the program's name is quoted for it.
    let bin = host.tmux.bin.replace('\'', "'\\''");
    command.arg("--").arg(&ssh.host).arg(format!("'{bin}' -V"));
    command
}

/// OpenSSH's complaints, each with what settles it.
fn explain(name: &str, ssh: &SshConfig, said: &str) -> Finding {
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("ssh failed without a word");
    let target = match (&ssh.user, ssh.port) {
        (Some(user), Some(port)) => format!("-p {port} {user}@{}", ssh.host),
        (Some(user), None) => format!("{user}@{}", ssh.host),
        (None, Some(port)) => format!("-p {port} {}", ssh.host),
        (None, None) => ssh.host.clone(),
    };
    let fix = if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        format!("find out why its key changed; if that is right: ssh-keygen -R {}", ssh.host)
    } else if said.contains("Host key verification failed")
        || said.contains("No ") && said.contains("host key is known")
    {
        format!("settle its key once: ssh {target} true")
    } else if said.contains("Permission denied") {
        format!("give it your key: ssh-copy-id {target}; a key with a passphrase must be in the agent: ssh-add")
    } else if said.contains("Could not resolve hostname") {
        format!("correct the name, or add `Host {}` with its `HostName` to ~/.ssh/config", ssh.host)
    } else if said.contains("Connection refused") || said.contains("timed out") || said.contains("No route") {
        "check address, port and network, and that sshd runs there".to_owned()
    } else {
        format!("try it by hand: ssh {target} tmux -V")
    };
    Finding::failure("hosts", format!("{name}: {last}"), fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TmuxConfig;
    use crate::model::HostName;

    fn nas() -> (HostConfig, SshConfig) {
        let ssh = SshConfig { host: "nas".into(), port: Some(2222), user: Some("me".into()), ..SshConfig::default() };
        let tmux = TmuxConfig { bin: "/opt/it's/tmux".into(), ..TmuxConfig::default() };
        (HostConfig { name: HostName::new("nas"), ssh: Some(ssh.clone()), tmux }, ssh)
    }

    #[test]
    fn every_complaint_of_ssh_has_its_fix() {
        let (_, ssh) = nas();
        let fix = |said| explain("nas", &ssh, said).fix.unwrap();
        assert_eq!(fix("Host key verification failed.\n"), "settle its key once: ssh -p 2222 me@nas true");
        assert!(fix("me@nas: Permission denied (publickey).\n").starts_with("give it your key"));
        assert!(fix("ssh: Could not resolve hostname nas: unknown\n").contains("Host nas"));
        assert!(
            fix("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.")
                .contains("ssh-keygen -R nas")
        );
        assert!(fix("connect to host nas port 22: Connection refused").contains("sshd"));
        assert!(fix("").contains("by hand"));
    }

    #[test]
    fn no_question_can_hang_it_and_nothing_is_an_option_by_accident() {
        let (host, ssh) = nas();
        let shown = format!("{:?}", command(&host, &ssh));
        let expected = r#""ssh" "-T" "-o" "BatchMode=yes" "-o" "ConnectTimeout=5" "-p" "2222" "-l" "me" "--" "nas" "'/opt/it'\\''s/tmux' -V""#;
        assert_eq!(shown, expected);
    }
}
