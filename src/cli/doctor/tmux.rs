//! tmux here: the program, the server, and what it can do.

use super::{Finding, Scene, find_program, output_of};
use crate::config::TmuxConfig;
use std::process::Command;
use std::time::Duration;

/// How long tmux may take.
pub(super) const LIMIT: Duration = Duration::from_secs(3);

/// Program and servers of this machine.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let local = locals(scene);
    let mut found = Vec::new();
    for tmux in &local {
        if find_program(&scene.environment, &tmux.bin).is_none() {
            found.push(Finding::failure(
                "tmux",
                format!("the program `{}` is missing", tmux.bin),
                how_to_install(scene),
            ));
            continue;
        }
        found.push(server(tmux));
    }
    found
}

/// The tmux settings of this machine's hosts.
pub(super) fn locals(scene: &Scene) -> Vec<TmuxConfig> {
    match &scene.loaded {
        Some(loaded) => {
            loaded.config.hosts.iter().filter(|host| host.ssh.is_none()).map(|host| host.tmux.clone()).collect()
        }
        None => vec![TmuxConfig::default()],
    }
}

/// `tmux` for one of our own questions: never starts a server, never reads the user's configuration.
pub(super) fn ask(tmux: &TmuxConfig, arguments: &[&str]) -> Command {
    let mut command = Command::new(&tmux.bin);
    command.arg("-u").args(tmux.socket.arguments()).args(["-f", "/dev/null"]).args(arguments);
    command
}

fn server(tmux: &TmuxConfig) -> Finding {
    let own = output_of(Command::new(&tmux.bin).arg("-V"), LIMIT);
    let own = own.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    // list-sessions does not start a server, unlike attach-session.
    let asked = output_of(&mut ask(tmux, &["list-sessions", "-F", "#{version}"]), LIMIT);
    let Some(output) = asked else {
        return Finding::failure(
            "tmux",
            format!("the server does not answer within {} s", LIMIT.as_secs()),
            "a stuck client may hold it: `tmux list-clients`, then end that client",
        );
    };
    let sessions = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some(version) = sessions.lines().next().map(str::trim).filter(|_| output.status.success()) else {
        return Finding::warning("tmux", format!("{own}; no server runs there"), "start one: tmux new-session");
    };
    judge(version, &own, sessions.lines().count())
}

/// What a server of that version can do (tmux's release notes).
pub(super) fn judge(version: &str, own: &str, sessions: usize) -> Finding {
    let text = format!("server {version}, {sessions} sessions ({own})");
    match number(version) {
        Some(number) if number < (3, 0) => Finding::warning(
            "tmux",
            format!("{text}: read-only, by polling"),
            "tmux 3.2 or later can be driven; 3.7 is best",
        ),
        Some(number) if number < (3, 2) => Finding::warning(
            "tmux",
            format!("{text}: no popup, panes are listed every 2 s"),
            "tmux 3.2 or later has both; 3.7 is best",
        ),
        Some(number) if number < (3, 7) => {
            Finding::ok("tmux", format!("{text}; 3.7 is safer and twice as fast for panes that flood"))
        }
        Some(_) | None => Finding::ok("tmux", text),
    }
}

/// `3.3a` → (3, 3). `next-3.8` and `master` have none before their release.
fn number(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, digits.parse().ok()?))
}

/// The command of the package manager that is there.
pub(in crate::cli) fn how_to_install(scene: &Scene) -> String {
    install_command(&|name| find_program(&scene.environment, name).is_some(), "tmux")
}

/// The command that installs a package, by the package managers that `has` knows.
fn install_command(has: &dyn Fn(&str) -> bool, package: &str) -> String {
    let known = [
        ("apt-get", "apt-get install"),
        ("dnf", "dnf install"),
        ("pacman", "pacman -S"),
        ("apk", "apk add"),
        ("zypper", "zypper install"),
        ("brew", "brew install"),
    ];
    match known.iter().find(|(program, _)| has(program)) {
        Some(("brew", command)) => format!("{command} {package}"),
        Some((_, command)) => format!("sudo {command} {package}"),
        None => format!("install {package} with your system's package manager"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn versions_are_judged() {
        let verdict = |version| judge(version, "tmux x", 1).verdict;
        let shown = ["2.6", "3.1c", "3.2a", "3.6b", "3.7c", "next-3.8", "master"].map(verdict);
        use Verdict::{Ok, Warning};
        assert_eq!(shown, [Warning, Warning, Ok, Ok, Ok, Ok, Ok]);
    }

    #[test]
    fn the_package_manager_that_is_there_is_named() {
        assert_eq!(install_command(&|name| name == "dnf", "tmux"), "sudo dnf install tmux");
        assert_eq!(install_command(&|name| name == "brew", "tmux"), "brew install tmux");
        assert!(install_command(&|_| false, "tmux").contains("package manager"));
    }
}
