//! tmux here: the program, the server, and what it can do.

use super::{Finding, Scene, find_program, output_of, watching};
use std::process::Command;
use std::time::Duration;
use tmuxagent_config::TmuxConfig;
use tmuxagent_text::Lang;
use tmuxagent_tmux::proto::Version;

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
                said!(scene.lang, "the program `{}` is missing", "找不到程序 `{}`", tmux.bin),
                how_to_install(scene),
            ));
            continue;
        }
        let (mut finding, version) = server(tmux, scene.lang);
        let socket = tmuxagent_supervisor::socket_path(&tmux.socket);
        let shown = tmuxagent_text::clean(&socket.display().to_string());
        finding.text = if scene.watched.iter().any(|watched| watched.socket == socket) {
            said!(
                scene.lang,
                "{}; socket {shown}, which the running supervisor watches",
                "{}；套接字 {shown}，正由运行中的监督进程观察",
                finding.text
            )
        } else {
            said!(scene.lang, "{}; socket {shown}", "{}；套接字 {shown}", finding.text)
        };
        found.push(finding);
        found.extend(
            version.and_then(|version| watching::here(version, scene.lang)).map(|text| Finding::ok("tmux", text)),
        );
    }
    found
}

/// The tmux settings of this machine's hosts.
pub(super) fn locals(scene: &Scene) -> Vec<TmuxConfig> {
    match &scene.loaded {
        Some(loaded) => {
            loaded.config.hosts.iter().filter(|host| host.ssh.is_none()).map(|host| host.tmux.clone()).collect()
        }
        None if !scene.watched.is_empty() => {
            let settings = |server| super::super::watched::settings(TmuxConfig::default(), server);
            scene.watched.iter().map(settings).collect()
        }
        // The one that was named on the command line is the same without a configuration.
        None => vec![TmuxConfig { socket: scene.socket.clone().unwrap_or_default(), ..TmuxConfig::default() }],
    }
}

/// `tmux` for one of our own questions: never starts a server, never reads the user's configuration.
pub(super) fn ask(tmux: &TmuxConfig, arguments: &[&str]) -> Command {
    let mut command = Command::new(&tmux.bin);
    command.arg("-u").args(tmux.socket.arguments()).args(["-f", "/dev/null"]).args(arguments);
    command
}

/// The server, and its version where one runs.
fn server(tmux: &TmuxConfig, lang: Lang) -> (Finding, Option<Version>) {
    let own = output_of(Command::new(&tmux.bin).arg("-V"), LIMIT);
    let own = own.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    // list-sessions does not start a server, unlike attach-session.
    let asked = output_of(&mut ask(tmux, &["list-sessions", "-F", "#{?@tmuxagent_watch,,#{version}}"]), LIMIT);
    let Some(output) = asked else {
        let hangs = Finding::failure(
            "tmux",
            said!(lang, "the server does not answer within {} s", "服务器在 {} 秒内没有回答", LIMIT.as_secs()),
            said!(
                lang,
                "a stuck client may hold it: `tmux list-clients`, then end that client",
                "可能被卡住的客户端占住：用 `tmux list-clients` 查看，并结束那个客户端"
            ),
        );
        return (hangs, None);
    };
    let sessions = String::from_utf8_lossy(&output.stdout).into_owned();
    // But for the session of a supervisor's own.
    let his: Vec<&str> = sessions.lines().map(str::trim).filter(|version| !version.is_empty()).collect();
    let Some(version) = his.first().filter(|_| output.status.success()) else {
        let none = Finding::warning(
            "tmux",
            said!(lang, "{own}; no server runs there", "{own}；没有服务器在运行"),
            said!(lang, "start one: tmux new-session", "启动一个：tmux new-session"),
        );
        return (none, None);
    };
    (judge(version, &own, his.len(), tmux, lang), version.parse().ok())
}

/// What a server of that version can do, and what stands in for what it can't (tmux's release notes).
pub(super) fn judge(version: &str, own: &str, sessions: usize, tmux: &TmuxConfig, lang: Lang) -> Finding {
    let text = said!(
        lang,
        "server {version}, {sessions} session{} ({own})",
        "服务器 {version}，{sessions} 个会话{}（{own}）",
        if sessions == 1 || lang == Lang::Zh { "" } else { "s" }
    );
    match version.parse::<Version>() {
        Ok(known) if !known.has_control() => Finding::warning(
            "tmux",
            said!(
                lang,
                "{text}: too old to report by itself, so its panes are polled every {}, and nothing can be typed there",
                "{text}：版本太旧，不能主动上报，因此每 {} 轮询一次窗格，且不能输入",
                tmux.poll_interval
            ),
            said!(
                lang,
                "tmux 3.0 or later can be typed into, 3.2 or later has everything; {}",
                "tmux 3.0 及以上可以输入，3.2 及以上功能齐全；{}",
                watching::best(lang)
            ),
        ),
        Ok(known) if !known.is_full() => Finding::warning(
            "tmux",
            said!(
                lang,
                "{text}: changes among its panes are looked for every 2 s, and it has no popup",
                "{text}：每 2 秒查看一次窗格的变化，并且没有弹窗"
            ),
            said!(lang, "tmux 3.2 or later has both; {}", "tmux 3.2 及以上两者都有；{}", watching::best(lang)),
        ),
        Ok(known) if known < Version::MENDED => {
            let text = said!(
                lang,
                "{text}; before 3.7 it can crash in the instant in which a client attaches, so that is done once and in quiet",
                "{text}；3.7 之前在客户端连接的一瞬间可能崩溃，因此只在安静时连接一次"
            );
            Finding::ok("tmux", text)
        }
        Ok(_) | Err(_) => Finding::ok("tmux", text),
    }
}

/// The command of the package manager that is there.
pub(in crate::cli) fn how_to_install(scene: &Scene) -> String {
    install_command(&|name| find_program(&scene.environment, name).is_some(), "tmux", scene.lang)
}

/// The command that installs a package, by the package managers that `has` knows.
fn install_command(has: &dyn Fn(&str) -> bool, package: &str, lang: Lang) -> String {
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
        None => {
            said!(lang, "install {package} with your system's package manager", "用系统的软件包管理器安装 {package}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn versions_are_judged() {
        let verdict = |version| judge(version, "tmux x", 1, &TmuxConfig::default(), Lang::En).verdict;
        let shown = ["2.6", "3.1c", "3.2a", "3.6b", "3.7c", "next-3.8", "master"].map(verdict);
        use Verdict::{Ok, Warning};
        assert_eq!(shown, [Warning, Warning, Ok, Ok, Ok, Ok, Ok]);
        for (lang, advised) in [(Lang::En, "3.8 where it is watched"), (Lang::Zh, "监视则 3.8 最好")] {
            for version in ["2.6", "3.1c"] {
                let fix = judge(version, "tmux x", 1, &TmuxConfig::default(), lang).fix.unwrap_or_default();
                assert!(fix.contains(advised), "{fix}");
            }
        }
    }

    #[test]
    fn the_package_manager_that_is_there_is_named() {
        assert_eq!(install_command(&|name| name == "dnf", "tmux", Lang::En), "sudo dnf install tmux");
        assert_eq!(install_command(&|name| name == "brew", "tmux", Lang::En), "brew install tmux");
        assert!(install_command(&|_| false, "tmux", Lang::En).contains("package manager"));
    }
}
