//! Variables that the shell has and the tmux server has not, and proxies.
//!
//! A tmux server keeps the environment of the shell that started it; what was exported later is not in the panes it
//! opens. That is the classic reason why a key or a proxy "is not there".

use super::tmux::{LIMIT, ask, locals};
use super::{Finding, Scene, output_of};
use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;
use tmuxagent_config::Environment;
use tmuxagent_text::Lang;

/// Drift between shell and tmux server, and the proxies.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let mut found: Vec<Finding> = locals(scene)
        .iter()
        .filter_map(|tmux| {
            let output = output_of(&mut ask(tmux, &["show-environment", "-g"]), LIMIT)?;
            let there = output.status.success().then(|| parse(&String::from_utf8_lossy(&output.stdout)))?;
            Some(drift(&scene.environment, &there, &tmux.socket.arguments().join(" "), scene.lang))
        })
        .collect();
    found.extend(proxies(&scene.environment, scene.lang));
    found.extend(closed(&scene.environment, scene.lang));
    found
}

/// `NAME=value` per line; `-NAME` is a variable that was removed.
fn parse(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter(|line| !line.starts_with('-')).filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether a program in a pane would miss the variable.
fn matters(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    // Sockets and terminals differ by nature; tmux renews SSH_AUTH_SOCK by itself.
    let ours = upper.starts_with("TMUX") || upper.starts_with("SSH_");
    !ours && (tmuxagent_text::redact::is_secret_name(name) || upper.ends_with("_PROXY"))
}

fn drift(shell: &Environment, server: &BTreeMap<String, String>, socket: &str, lang: Lang) -> Finding {
    let kept = |name: &str| shell.files().iter().any(|file| file.names.iter().any(|other| other == name));
    let mut missing = Vec::new();
    let mut other = Vec::new();
    for (name, value) in shell.iter().filter(|(name, value)| matters(name) && !value.is_empty() && !kept(name)) {
        match server.get(name) {
            None => missing.push(name),
            Some(there) if there != value => other.push(name),
            Some(_) => {}
        }
    }
    if missing.is_empty() && other.is_empty() {
        return Finding::ok(
            "drift",
            said!(lang, "the tmux server has the shell's keys and proxies", "tmux 服务器具有 shell 的密钥与代理设置"),
        );
    }
    let part =
        |names: &[&str], what: &str| if names.is_empty() { None } else { Some(format!("{what} {}", names.join(", "))) };
    let parts =
        [part(&missing, lang.pick("lacks", "缺少")), part(&other, lang.pick("has other values of", "的值不同："))];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(lang.pick(" and ", "；"));
    let tmux = if socket.is_empty() { "tmux".to_owned() } else { format!("tmux {socket}") };
    let names = missing.iter().chain(&other).copied().collect::<Vec<_>>().join(" ");
    Finding::warning(
        "drift",
        said!(lang, "the tmux server {text}", "tmux 服务器{text}"),
        said!(
            lang,
            "for n in {names}; do {tmux} set-environment -g $n \"$(printenv $n)\"; done  (panes opened from then on have them)",
            "for n in {names}; do {tmux} set-environment -g $n \"$(printenv $n)\"; done  （此后打开的窗格才有）"
        ),
    )
}

fn proxies(environment: &Environment, lang: Lang) -> Vec<Finding> {
    let value = |name: &str| {
        environment.non_empty(name).or_else(|| environment.non_empty(&name.to_ascii_uppercase())).map(str::to_owned)
    };
    let set: Vec<&str> =
        ["http_proxy", "https_proxy", "all_proxy"].into_iter().filter(|name| value(name).is_some()).collect();
    if set.is_empty() {
        return vec![Finding::ok("proxy", said!(lang, "none is set", "没有设置"))];
    }
    let excluded = value("no_proxy").unwrap_or_default();
    let lacking: Vec<&str> = ["localhost", "127.0.0.1"]
        .into_iter()
        .filter(|name| !excluded.split(',').any(|item| item.trim() == *name))
        .collect();
    let names = set.join(", ");
    let first = if lacking.is_empty() || excluded.trim() == "*" {
        Finding::ok(
            "proxy",
            said!(
                lang,
                "{names}; this machine is excluded; alerts go directly unless a channel says `proxy: inherit`",
                "{names}；本机已排除；除非通道写明 `proxy: inherit`，提醒都直接发送"
            ),
        )
    } else {
        Finding::warning(
            "proxy",
            said!(
                lang,
                "{names} is set, and NO_PROXY lacks {}: calls to this machine go astray",
                "设置了 {names}，而 NO_PROXY 缺少 {}：对本机的访问会走错路",
                lacking.join(", ")
            ),
            said!(
                lang,
                "export NO_PROXY=localhost,127.0.0.1,::1 (and no_proxy, which some programs read)",
                "export NO_PROXY=localhost,127.0.0.1,::1（有些程序读的是 no_proxy）"
            ),
        )
    };
    let mut found = vec![first];
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        let upper = name.to_ascii_uppercase();
        if let (Some(low), Some(high)) = (environment.non_empty(name), environment.non_empty(&upper))
            && low != high
        {
            found.push(Finding::warning(
                "proxy",
                said!(
                    lang,
                    "{name} and {upper} differ, and programs read one or the other",
                    "{name} 与 {upper} 不同，而程序只读其中之一"
                ),
                format!("export {upper}=\"${name}\""),
            ));
        }
    }
    found
}

/// How long a proxy may take to be reached.
const REACH: Duration = Duration::from_secs(2);

/// Proxies that nobody answers at: whatever goes through them fails.
fn closed(environment: &Environment, lang: Lang) -> Vec<Finding> {
    let mut tried: BTreeMap<(String, u16), Vec<&str>> = BTreeMap::new();
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        if let Some(address) = environment.non_empty(name).and_then(address) {
            tried.entry(address).or_default().push(name);
        }
    }
    let is_closed = |(host, port): &(String, u16)| {
        let mut places = (host.as_str(), *port).to_socket_addrs().into_iter().flatten();
        !places.any(|place| TcpStream::connect_timeout(&place, REACH).is_ok())
    };
    let closed = tried.into_iter().filter(|(address, _)| is_closed(address));
    let told = closed.map(|((host, port), names)| {
        let names = names.join(", ");
        Finding::warning(
            "proxy",
            said!(
                lang,
                "nobody answers at {host}:{port}, which {names} names",
                "{names} 指向的 {host}:{port} 没有应答"
            ),
            said!(
                lang,
                "start that proxy, or unset {names} in this shell, in `.env` and in the tmux server",
                "启动该代理，或在此 shell、`.env` 与 tmux 服务器中取消 {names}"
            ),
        )
    });
    told.collect()
}

/// Host and port of a proxy; its name and password stay where they are.
fn address(proxy: &str) -> Option<(String, u16)> {
    let whole = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    let url = reqwest::Url::parse(&whole).ok()?;
    // curl's default where a proxy names no port and its scheme has none.
    Some((url.host_str()?.trim_matches(['[', ']']).to_owned(), url.port_or_known_default().unwrap_or(1080)))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn what_the_server_lacks_is_named_without_its_value() {
        let shell = Environment::from_pairs([
            ("OPENAI_API_KEY", "hunter2hunter2"),
            ("HTTPS_PROXY", "http://p:1"),
            ("GH_TOKEN", "same"),
            ("EDITOR", "vi"),
            ("SSH_AUTH_SOCK", "/x"),
            ("EMPTY_KEY", ""),
        ]);
        let server = parse("GH_TOKEN=same\nHTTPS_PROXY=http://old:1\n-OPENAI_API_KEY\nPATH=/bin\n");
        let finding = drift(&shell, &server, "-L work", Lang::En);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert_eq!(finding.text, "the tmux server lacks OPENAI_API_KEY and has other values of HTTPS_PROXY");
        let fix = finding.fix.clone().unwrap();
        assert!(fix.starts_with("for n in OPENAI_API_KEY HTTPS_PROXY; do tmux -L work set-environment"), "{fix}");
        assert!(!format!("{finding:?}").contains("hunter2"));
        assert_eq!(drift(&Environment::default(), &server, "", Lang::Zh).verdict, Verdict::Ok);
    }

    #[test]
    fn a_proxy_that_nobody_answers_at_is_named_without_its_password() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let environment = |port: u16| {
            let url = format!("socks5h://mei:hunter2@127.0.0.1:{port}");
            Environment::from_pairs([("ALL_PROXY", url), ("http_proxy", format!("127.0.0.1:{port}"))])
        };
        assert_eq!(closed(&environment(port), Lang::En), []);
        drop(listener);
        let found = closed(&environment(port), Lang::En);
        let text = format!("nobody answers at 127.0.0.1:{port}, which http_proxy, ALL_PROXY names");
        assert_eq!(found.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>(), [text.as_str()]);
        assert!(!format!("{found:?}").contains("hunter2"));
        assert_eq!(address("http://proxy"), Some(("proxy".to_owned(), 80)));
    }

    #[test]
    fn proxies_must_leave_this_machine_out() {
        let verdicts = |pairs: &[(&str, &str)]| {
            let found = proxies(&Environment::from_pairs(pairs.iter().copied()), Lang::En);
            found.iter().map(|finding| finding.verdict).collect::<Vec<_>>()
        };
        use Verdict::{Ok, Warning};
        assert_eq!(verdicts(&[]), [Ok]);
        assert_eq!(verdicts(&[("HTTP_PROXY", "http://p:1")]), [Warning]);
        assert_eq!(verdicts(&[("http_proxy", "http://p:1"), ("no_proxy", "localhost, 127.0.0.1")]), [Ok]);
        assert_eq!(verdicts(&[("http_proxy", "a"), ("HTTP_PROXY", "b"), ("NO_PROXY", "*")]), [Ok, Warning]);
    }
}
