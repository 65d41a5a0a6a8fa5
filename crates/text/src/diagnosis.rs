//! What is wrong with a file that people write, in the reader's language.
//!
//! The readers of policies, configuration, workspaces and key maps say it in English, once, so that `--json` has one
//! wording for scripts. What people read goes through [`diagnosis`].

mod other_files;
mod policies;

use super::Lang;
use super::sentence::translated;

/// A finding or its way out in a language; what no table knows stays as it is.
#[must_use]
pub fn diagnosis(lang: Lang, text: &str) -> String {
    match lang {
        Lang::En => text.to_owned(),
        Lang::Zh => translated(&[policies::SENTENCES, other_files::SENTENCES], text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_in_chinese_with_their_names() {
        let zh = |text| diagnosis(Lang::Zh, text);
        assert_eq!(zh("a stage has no key `tiemout`"), "阶段没有键 `tiemout`");
        assert_eq!(zh("expected a policy (a map), found a list"), "这里应是策略（映射），而不是列表");
        assert_eq!(zh("`hosts[0].ssh` needs a key `host`"), "`hosts[0].ssh` 缺少键 `host`");
        assert_eq!(zh("to press it write `send_keys: {keys: [Enter]}`"), "要按下它，请写 `send_keys: {keys: [Enter]}`");
        assert_eq!(zh("`{{file}}` can't stand in a comment"), "`{{file}}` 不能放在注释里");
        assert_eq!(zh("words of a policy's author"), "words of a policy's author");
    }

    #[test]
    fn every_hole_is_there_and_filled() {
        for (en, zh) in policies::SENTENCES.iter().chain(other_files::SENTENCES) {
            for hole in 0..en.matches("{}").count() {
                assert_eq!(zh.matches(&format!("{{{hole}}}")).count(), 1, "{en} / {zh}");
            }
        }
    }
}
