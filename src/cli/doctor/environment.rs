//! Variables that the shell has and the tmux server has not, and proxies.
//!
//! A tmux server keeps the environment of the shell that started it; what was exported later is not in the panes it
//! opens. That is the classic reason why a key or a proxy "is not there".

use super::tmux::{LIMIT, ask, locals};
use super::{Finding, Scene, output_of};
use crate::config::Environment;
use std::collections::BTreeMap;

/// Drift between shell and tmux server, and the proxies.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let mut found: Vec<Finding> = locals(scene)
        .iter()
        .filter_map(|tmux| {
            let output = output_of(&mut ask(tmux, &["show-environment", "-g"]), LIMIT)?;
            let there = output.status.success().then(|| parse(&String::from_utf8_lossy(&output.stdout)))?;
            Some(drift(&scene.environment, &there, &tmux.socket.arguments().join(" ")))
        })
        .collect();
    found.extend(proxies(&scene.environment));
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
    !ours && (crate::notify::redact::is_secret_name(name) || upper.ends_with("_PROXY"))
}

fn drift(shell: &Environment, server: &BTreeMap<String, String>, socket: &str) -> Finding {
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
        return Finding::ok("drift", "the tmux server has the shell's keys and proxies");
    }
    let part =
        |names: &[&str], what: &str| if names.is_empty() { None } else { Some(format!("{what} {}", names.join(", "))) };
    let text = [part(&missing, "lacks"), part(&other, "has other values of")].into_iter().flatten().collect::<Vec<_>>();
    let tmux = if socket.is_empty() { "tmux".to_owned() } else { format!("tmux {socket}") };
    let names = missing.iter().chain(&other).copied().collect::<Vec<_>>().join(" ");
    Finding::warning(
        "drift",
        format!("the tmux server {}", text.join(" and ")),
        format!(
            "for n in {names}; do {tmux} set-environment -g $n \"$(printenv $n)\"; done  (panes opened from then on have them)"
        ),
    )
}

fn proxies(environment: &Environment) -> Vec<Finding> {
    let value = |name: &str| {
        environment.non_empty(name).or_else(|| environment.non_empty(&name.to_ascii_uppercase())).map(str::to_owned)
    };
    let set: Vec<&str> =
        ["http_proxy", "https_proxy", "all_proxy"].into_iter().filter(|name| value(name).is_some()).collect();
    if set.is_empty() {
        return vec![Finding::ok("proxy", "none is set")];
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
            format!("{names}; this machine is excluded; alerts go directly unless a channel says `proxy: inherit`"),
        )
    } else {
        Finding::warning(
            "proxy",
            format!("{names} is set, and NO_PROXY lacks {}: calls to this machine go astray", lacking.join(", ")),
            "export NO_PROXY=localhost,127.0.0.1,::1 (and no_proxy, which some programs read)",
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
                format!("{name} and {upper} differ, and programs read one or the other"),
                format!("export {upper}=\"${name}\""),
            ));
        }
    }
    found
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
        let finding = drift(&shell, &server, "-L work");
        assert_eq!(finding.verdict, Verdict::Warning);
        assert_eq!(finding.text, "the tmux server lacks OPENAI_API_KEY and has other values of HTTPS_PROXY");
        let fix = finding.fix.clone().unwrap();
        assert!(fix.starts_with("for n in OPENAI_API_KEY HTTPS_PROXY; do tmux -L work set-environment"), "{fix}");
        assert!(!format!("{finding:?}").contains("hunter2"));
        assert_eq!(drift(&Environment::default(), &server, "").verdict, Verdict::Ok);
    }

    #[test]
    fn proxies_must_leave_this_machine_out() {
        let verdicts = |pairs: &[(&str, &str)]| {
            let found = proxies(&Environment::from_pairs(pairs.iter().copied()));
            found.iter().map(|finding| finding.verdict).collect::<Vec<_>>()
        };
        use Verdict::{Ok, Warning};
        assert_eq!(verdicts(&[]), [Ok]);
        assert_eq!(verdicts(&[("HTTP_PROXY", "http://p:1")]), [Warning]);
        assert_eq!(verdicts(&[("http_proxy", "http://p:1"), ("no_proxy", "localhost, 127.0.0.1")]), [Ok]);
        assert_eq!(verdicts(&[("http_proxy", "a"), ("HTTP_PROXY", "b"), ("NO_PROXY", "*")]), [Ok, Warning]);
    }
}
