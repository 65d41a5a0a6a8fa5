//! Who types on the servers: one that another supervisor has claimed is only watched from here.

use super::tmux::{LIMIT, ask};
use super::{Finding, Scene, output_of};
use tmuxagent_model::{HostName, Owner};
use tmuxagent_text::{Lang, clean, owner_name};
use tmuxagent_tmux::{is_alive, this_process};

/// The servers of this machine; those of others are asked with everything else there.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let local = loaded.config.hosts.iter().filter(|host| host.ssh.is_none());
    local
        .filter_map(|host| {
            let mut command = ask(&host.tmux, &["display-message", "-p", "#{@tmuxagent_owner_is}"]);
            let output = output_of(&mut command, LIMIT)?;
            judge(&host.name, &String::from_utf8_lossy(&output.stdout), scene.supervisor, scene.lang)
        })
        .collect()
}

/// What a claim means, as the server tells it; nothing to say where nobody has claimed it or the supervisor that is asked
/// about has.
pub(super) fn judge(host: &HostName, said: &str, supervisor: Option<u32>, lang: Lang) -> Option<Finding> {
    let owner: Owner = serde_json::from_str(said.trim()).ok()?;
    let here = owner.is_beside(&this_process(""));
    let name = clean(host.as_str());
    if here && supervisor == Some(owner.pid) {
        let other = clean(owner.host.as_str());
        return (owner.host != *host).then(|| {
            Finding::warning(
                "servers",
                said!(
                    lang,
                    "{name}: the same server as `{other}`, under which it is watched",
                    "{name}：与 `{other}` 是同一个服务器，已在该名称下观察"
                ),
                said!(lang, "remove one of the two from `hosts`", "从 `hosts` 中去掉其中一个"),
            )
        });
    }
    let who = owner_name(lang, &owner);
    if here && !is_alive(&owner) {
        return Some(Finding::ok(
            "servers",
            said!(
                lang,
                "{name}: {who} typed there last and has ended; the next one takes over",
                "{name}：上一个负责输入的是 {who}，已结束；下一个会接手"
            ),
        ));
    }
    Some(Finding::warning(
        "servers",
        said!(
            lang,
            "{name}: {who} types there; any other tmuxagent only watches",
            "{name}：由 {who} 负责输入，其他 tmuxagent 只观察"
        ),
        said!(
            lang,
            "decide there, or end it: another one takes over within half a minute",
            "在那里审批，或结束它：另一个会在半分钟内接手"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_judged_by_whose_it_is() {
        let us = Owner { user: "ann".to_owned(), host: HostName::new("nas"), ..this_process("x") };
        let text = |owner: &Owner, host: &str, supervisor| {
            let said = serde_json::to_string(owner).unwrap();
            judge(&HostName::new(host), &said, supervisor, Lang::En).map(|finding| finding.text)
        };
        assert_eq!(text(&us, "nas", Some(us.pid)), None);
        assert!(text(&us, "box", Some(us.pid)).is_some_and(|text| text.contains("the same server as `nas`")));
        assert!(text(&us, "nas", None).is_some_and(|text| text.contains("ann's tmuxagent on ")));
        let gone = Owner { pid: u32::MAX, ..us };
        assert!(text(&gone, "nas", None).is_some_and(|text| text.contains("has ended")));
        assert_eq!(judge(&HostName::local(), "", None, Lang::En), None);
    }
}
