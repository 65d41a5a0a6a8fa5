//! The other machines: reachable without a question, known by their key, with a tmux that can be used and a clock that
//! goes right.

use super::super::threads::at_once;
use super::{Finding, Scene, find_program, output_of};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;
use tmuxagent_clock::wall;
use tmuxagent_config::HostConfig;
use tmuxagent_model::{Millis, Timestamp};
use tmuxagent_supervisor::transport;
use tmuxagent_text::Lang;
use tmuxagent_tmux::{Refusal, Transport};

/// How long one machine may take. All are asked at once.
const LIMIT: Duration = Duration::from_secs(8);
/// From so many milliseconds on a difference of clocks is worth a word.
const CLOCK: i64 = 5_000;

/// Asks every host for its tmux server.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let remote: Vec<&HostConfig> = loaded.config.hosts.iter().filter(|host| host.ssh.is_some()).collect();
    if remote.is_empty() {
        return Vec::new();
    }
    if find_program(&scene.environment, "ssh").is_none() {
        return vec![Finding::failure(
            "hosts",
            said!(scene.lang, "the program `ssh` is missing", "找不到程序 `ssh`"),
            said!(scene.lang, "install the OpenSSH client", "安装 OpenSSH 客户端"),
        )];
    }
    let runtime = &loaded.paths.runtime_dir;
    let asked = at_once(remote.into_iter().map(|host| move || ask(host, runtime, scene.supervisor, scene.lang)));
    asked.into_iter().flatten().flatten().collect()
}

fn ask(host: &HostConfig, runtime: &Path, supervisor: Option<u32>, lang: Lang) -> Vec<Finding> {
    let name = &host.name;
    let way = way(host, runtime);
    let Transport::Ssh { target, bin, .. } = &way else { return Vec::new() };
    let before = wall();
    let Some(output) = run(&way.shell(&questions(&way))) else {
        return vec![Finding::failure(
            "hosts",
            said!(lang, "{name}: no answer within {} s", "{name}：{} 秒内没有回答", LIMIT.as_secs()),
            said!(lang, "try it by hand: {} true", "手动试一试：{} true", target.by_hand()),
        )];
    };
    let after = wall();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let refused = |refusal: Refusal| Finding::failure("hosts", format!("{name}: {}", refusal.what), refusal.fix);
    let Some(code) = answer(&said, "code ") else {
        // The last answer is missing, so the connection was not made or did not last.
        return vec![refused(Refusal::of_ssh(target, &String::from_utf8_lossy(&output.stderr)))];
    };
    let own = answer(&said, "own ").unwrap_or(bin);
    let tmux = match code {
        "0" => {
            let version = answer(&said, "session ").unwrap_or_default();
            let sessions = said.lines().filter(|line| line.starts_with("session ")).count();
            let judged = super::tmux::judge(version, own, sessions, &host.tmux, lang);
            let changes = version.parse().ok().and_then(|version| super::watching::there(version, lang));
            let text = [Some(judged.text), changes].into_iter().flatten().collect::<Vec<_>>();
            Finding {
                check: "hosts",
                text: said!(
                    lang,
                    "{name}: reached, its host key is known; {}",
                    "{name}：已连通，主机密钥已知；{}",
                    text.join(lang.pick("; ", "；"))
                ),
                ..judged
            }
        }
        "126" | "127" => refused(Refusal::no_program(bin)),
        // tmux's own failure: nobody listens on its socket.
        _ => Finding::warning(
            "hosts",
            said!(
                lang,
                "{name}: reached, its host key is known; no tmux server runs there ({own})",
                "{name}：已连通，主机密钥已知；那里没有 tmux 服务器在运行（{own}）"
            ),
            said!(lang, "start one: {} {bin} new-session -d", "启动一个：{} {bin} new-session -d", target.by_hand()),
        ),
    };
    let owner = answer(&said, "owner ").and_then(|text| super::claims::judge(name, text, supervisor, lang));
    let clock =
        answer(&said, "clock ").and_then(|text| clock(name.as_str(), text.parse().ok()?, (before, after), lang));
    std::iter::once(tmux).chain(owner).chain(clock).collect()
}

/// What is asked there, all in one go: the clock, the server's version once per session, the program's own.
fn questions(way: &Transport) -> String {
    let tmux = |arguments: &[&str]| way.there(arguments);
    format!(
        "echo \"clock $(date +%s)\"; {}; c=$?; {} 2>/dev/null; echo \"own $({} 2>/dev/null)\"; echo \"code $c\"",
        tmux(&["list-sessions", "-F", "#{?@tmuxagent_watch,kept,session} #{version}"]),
        tmux(&["display-message", "-p", "owner #{@tmuxagent_owner_is}"]),
        tmux(&["-V"]),
    )
}

/// The first line that begins so, without its beginning.
fn answer<'s>(said: &'s str, begin: &str) -> Option<&'s str> {
    said.lines().find_map(|line| line.strip_prefix(begin)).map(str::trim).filter(|text| !text.is_empty())
}

/// A clock that goes wrong: it said `there`, seconds since 1970, between two instants here.
fn clock(name: &str, there: i64, (before, after): (Timestamp, Timestamp), lang: Lang) -> Option<Finding> {
    let (earliest, latest) = (there.saturating_mul(1000), there.saturating_mul(1000).saturating_add(999));
    let (off, side) = match (earliest - after.0, before.0 - latest) {
        (ahead, _) if ahead > CLOCK => (ahead, lang.pick("ahead of", "快")),
        (_, behind) if behind > CLOCK => (behind, lang.pick("behind", "慢")),
        _ => return None,
    };
    let off = Millis(u64::try_from(off).unwrap_or(u64::MAX));
    let text = said!(
        lang,
        "{name}: its clock is {off} {side} this machine's; the times that programs print there differ",
        "{name}：它的时钟比本机{side} {off}；那里的程序打印的时间会有差别"
    );
    let fix = said!(
        lang,
        "turn network time on there, for example: sudo timedatectl set-ntp true",
        "在那里打开网络时间同步，例如：sudo timedatectl set-ntp true"
    );
    Some(Finding::warning("hosts", text, fix))
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
    use tmuxagent_config::{SshConfig, TmuxConfig};
    use tmuxagent_model::HostName;

    #[test]
    fn no_question_can_hang_it_and_nothing_is_an_option_by_accident() {
        let ssh = SshConfig { host: "nas".into(), port: Some(2222), user: Some("me".into()), ..SshConfig::default() };
        let tmux = TmuxConfig { bin: "/opt/it's/tmux".into(), ..TmuxConfig::default() };
        let host = HostConfig { name: HostName::new("nas"), ssh: Some(ssh), tmux };
        let words = way(&host, Path::new("/run")).command(&["-V"]);
        let options: Vec<&str> = words.iter().skip(3).step_by(2).skip(5).take(2).map(String::as_str).collect();
        assert_eq!(options, ["ControlPath=none", "ConnectTimeout=5"]);
        assert!(words.contains(&"BatchMode=yes".to_owned()), "{words:?}");
        assert_eq!(words[words.len() - 3..words.len() - 1], ["--", "nas"]);
    }

    #[test]
    fn a_clock_is_wrong_only_beyond_what_the_way_takes() {
        let found =
            |there, before, after| clock("nas", there, (Timestamp(before), Timestamp(after)), Lang::En).map(|f| f.text);
        assert_eq!(found(100, 94_000, 99_500), None);
        assert_eq!(found(100, 101_000, 105_000), None);
        assert!(found(100, 80_000, 94_000).is_some_and(|text| text.contains("is 6.0s ahead of this")));
        assert!(found(100, 220_999, 221_000).is_some_and(|text| text.contains("is 2m00s behind this")));
    }

    #[test]
    fn answers_are_found_among_what_a_login_prints() {
        let said = "Welcome!\nclock 17\nsession 3.3a\nsession 3.3a\nown tmux 3.4\ncode 0\n";
        assert_eq!(
            ["clock ", "session ", "own ", "code ", "x"].map(|b| answer(said, b)),
            [Some("17"), Some("3.3a"), Some("tmux 3.4"), Some("0"), None]
        );
    }
}
