//! The other machines: reachable without a question, known by their key, with tmux.

use super::{Finding, Scene, find_program, output_of};
use crate::config::HostConfig;
use crate::supervisor::transport;
use crate::tmux::{Refusal, Transport};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// How long one machine may take. All are asked at once.
const LIMIT: Duration = Duration::from_secs(8);

/// Asks every host for its tmux server.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let remote: Vec<&HostConfig> = loaded.config.hosts.iter().filter(|host| host.ssh.is_some()).collect();
    if remote.is_empty() {
        return Vec::new();
    }
    if find_program(&scene.environment, "ssh").is_none() {
        return vec![Finding::failure("hosts", "the program `ssh` is missing", "install the OpenSSH client")];
    }
    let runtime = &loaded.paths.runtime_dir;
    std::thread::scope(|scope| {
        let asked: Vec<_> = remote.into_iter().map(|host| scope.spawn(move || ask(host, runtime))).collect();
        asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

fn ask(host: &HostConfig, runtime: &Path) -> Finding {
    let name = &host.name;
    let way = way(host, runtime);
    let Transport::Ssh { target, bin, .. } = &way else {
        return Finding::ok("hosts", format!("{name}: this machine"));
    };
    let Some(output) = run(&way.command(&["list-sessions", "-F", "#{version}"])) else {
        return Finding::failure(
            "hosts",
            format!("{name}: no answer within {} s", LIMIT.as_secs()),
            format!("try it by hand: ssh {}", target.host),
        );
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let refused = |refusal: Refusal| Finding::failure("hosts", format!("{name}: {}", refusal.what), refusal.fix);
    match output.status.code() {
        Some(0) => {
            let sessions = String::from_utf8_lossy(&output.stdout).into_owned();
            let version = sessions.lines().next().map(str::trim).unwrap_or_default();
            let judged = super::tmux::judge(version, bin, sessions.lines().count());
            Finding { check: "hosts", text: format!("{name}: {}", judged.text), ..judged }
        }
        Some(126 | 127) => refused(Refusal::no_program(bin)),
        // tmux's own failure: nobody listens on its socket.
        Some(1) => Finding::warning(
            "hosts",
            format!("{name}: no tmux server runs there"),
            format!("start one: ssh {} {bin} new-session -d", target.host),
        ),
        _ => refused(Refusal::of_ssh(target, &said)),
    }
}

/// The way to a host as a supervisor goes it, but by a connection of its own: a shared one would hide what is wrong.
fn way(host: &HostConfig, runtime: &Path) -> Transport {
    let mut way = transport(host, runtime);
    if let Transport::Ssh { target, .. } = &mut way {
        target.control_path = None;
        target.options.push("ControlPath=none".to_owned());
        target.options.push(format!("ConnectTimeout={}", LIMIT.as_secs() - 3));
    }
    way
}

fn run(words: &[String]) -> Option<Output> {
    let (program, arguments) = words.split_first()?;
    output_of(Command::new(program).args(arguments), LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SshConfig, TmuxConfig};
    use crate::model::HostName;

    #[test]
    fn no_question_can_hang_it_and_nothing_is_an_option_by_accident() {
        let ssh = SshConfig { host: "nas".into(), port: Some(2222), user: Some("me".into()), ..SshConfig::default() };
        let tmux = TmuxConfig { bin: "/opt/it's/tmux".into(), ..TmuxConfig::default() };
        let host = HostConfig { name: HostName::new("nas"), ssh: Some(ssh), tmux };
        let words = way(&host, Path::new("/run")).command(&["-V"]);
        let options: Vec<&str> = words.iter().skip(3).step_by(2).take(4).map(String::as_str).collect();
        assert_eq!(options, ["BatchMode=yes", "StrictHostKeyChecking=yes", "ControlPath=none", "ConnectTimeout=5"]);
        assert_eq!(words[words.len() - 3..], ["--", "nas", "'/opt/it'\\''s/tmux' -u -V"]);
    }
}
