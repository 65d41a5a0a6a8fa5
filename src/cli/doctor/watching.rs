//! What watching a server changes there and can't be avoided, as the README says it.

use tmuxagent_text::Lang;
use tmuxagent_tmux::proto::Version;

/// On this machine; nothing where panes are only polled.
pub(super) fn here(version: Version, lang: Lang) -> Option<String> {
    version.has_control().then(|| {
        said!(
            lang,
            "what watching changes here: a session `tmuxagent-…` stands in `tmux ls`, and a command from outside of tmux that names \
             no target takes it until a key is pressed in a session of yours; each watched pane has a pipe, which makes way for \
             yours. Your sessions are not attached to, and no program waits for the supervisor",
            "在本机监视带来的变化：`tmux ls` 里多一个会话 `tmuxagent-…`，在您于自己的会话里按键之前，tmux 之外不指定目标的命令会落到它上面；\
             每个被监视的窗格有一个管道，遇到您的管道会让开。不会连接到您的会话，也没有程序等待监督进程"
        )
    })
}

/// On another machine.
pub(super) fn there(version: Version, lang: Lang) -> Option<String> {
    let risk = match version < Version::RESPAWNS {
        true => said!(
            lang,
            "; before 3.8 it can crash when a pane is respawned while it prints, which can't be avoided on another machine",
            "；3.8 之前在重启正在输出的窗格时可能崩溃，在其他机器上无法避免"
        ),
        false => String::new(),
    };
    version.has_control().then(|| {
        said!(
            lang,
            "what watching changes there: sessions count as attached (`destroy-unattached` waits), their current windows mark neither bell \
             nor activity, and a program that prints much stands still while the supervisor is stopped{risk}",
            "在那里监视带来的变化：会话算作已连接（`destroy-unattached` 会等待），其当前窗口不再标记响铃和活动，\
             监督进程被暂停时输出很多的程序会停住{risk}"
        )
    })
}

/// Which version is advised.
pub(super) fn best(lang: Lang) -> String {
    said!(
        lang,
        "3.7 is best here, and 3.8 where it is watched from another machine: before that a pane which is respawned there while it \
         prints can crash it",
        "本机上 3.7 最好；若从其他机器监视则 3.8 最好：此前在那里重启正在输出的窗格可能使它崩溃"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(say: fn(Version, Lang) -> Option<String>, version: &str, words: [(Lang, &[&str]); 2]) {
        let known = version.parse().expect("a version");
        for (lang, words) in words {
            let text = say(known, lang).expect("something changes");
            for word in words {
                assert!(text.contains(word), "{version}: {word} is not in {text}");
            }
        }
    }

    #[test]
    fn what_watching_changes_here_is_told() {
        let en = ["`tmux ls`", "a key is pressed", "has a pipe", "not attached to", "no program waits"];
        let zh = ["`tmux ls`", "按键之前", "有一个管道", "不会连接到您的会话", "没有程序等待"];
        all(here, "3.7c", [(Lang::En, &en), (Lang::Zh, &zh)]);
        assert!(!here("3.2a".parse().expect("a version"), Lang::En).is_some_and(|text| text.contains("crash")));
    }

    #[test]
    fn what_watching_changes_there_is_told_with_what_remains_at_risk() {
        let en = [
            "count as attached",
            "`destroy-unattached`",
            "neither bell nor activity",
            "stands still",
            "before 3.8 it can crash",
        ];
        let zh = ["算作已连接", "`destroy-unattached`", "响铃和活动", "停住", "3.8 之前在重启正在输出的窗格时可能崩溃"];
        all(there, "3.7c", [(Lang::En, &en), (Lang::Zh, &zh)]);
        for (lang, risk) in [(Lang::En, "crash"), (Lang::Zh, "崩溃")] {
            let mended = there("3.8".parse().expect("a version"), lang).expect("something changes");
            assert!(!mended.contains(risk), "{mended}");
        }
    }

    #[test]
    fn where_panes_are_polled_nothing_changes() {
        let old = "2.9a".parse().expect("a version");
        assert_eq!((here(old, Lang::En), there(old, Lang::Zh)), (None, None));
    }

    #[test]
    fn the_advised_version_is_not_called_safe_behind_a_link() {
        assert!(best(Lang::En).contains("3.7 is best here, and 3.8 where it is watched from another machine"));
        assert!(best(Lang::Zh).contains("3.7 最好；若从其他机器监视则 3.8 最好"));
    }
}
