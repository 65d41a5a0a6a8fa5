//! What the program says of files, parts and wishes, in the reader's language: errors with their hints, findings in
//! policies and configurations, what subcommands print.
//!
//! Those sentences are born in many crates, of which most know no language, and travel as English text: logs, JSON and
//! scripts want one wording. Here stands the Chinese of each. A test of the whole tree (`tests/it/wording.rs`) reads the
//! sentences out of the sources and names those that are missing here.
//!
//! Never for an agent's or an author's own words: those are nobody's to translate.

mod agents;
mod auto_answers;
mod away;
mod channels;
mod commands;
mod files;
mod findings_files;
mod findings_policies;
mod flow;
mod policy;
mod program;
mod readers;
mod service;
mod shell;
mod yaml;

use super::Lang;
use super::run_sentences::OF_RUNS;
use super::sentence::{SENTENCES, fill, holes};
use std::collections::HashMap;
use std::sync::LazyLock;

/// An error, a hint, a finding or another text of the program, in a language. Lines of a file that a finding shows, and
/// what it does not know, stay as they are.
#[must_use]
pub fn message(lang: Lang, text: &str) -> String {
    match lang {
        Lang::En => text.to_owned(),
        Lang::Zh => known(text, DEPTH).unwrap_or_else(|| lines(text)),
    }
}

/// Every English form that has a Chinese one. Holes are `{}`.
pub fn forms() -> impl Iterator<Item = &'static str> {
    rows().chain(SENTENCES).map(|(en, _)| *en)
}

fn rows() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let tables = [
        agents::ROWS,
        auto_answers::ROWS,
        away::ROWS,
        channels::ROWS,
        commands::ROWS,
        files::ROWS,
        findings_files::ROWS,
        findings_policies::ROWS,
        flow::ROWS,
        policy::ROWS,
        program::ROWS,
        readers::ROWS,
        service::ROWS,
        shell::ROWS,
        yaml::ROWS,
        OF_RUNS,
    ];
    // Sentences such as `it is {}` say what they mean only where a stage is spoken of.
    let letters = |form: &str| form.bytes().filter(u8::is_ascii_alphabetic).count();
    let plain = SENTENCES.iter().filter(move |(en, _)| !en.contains("{}") || letters(en) >= 8);
    plain.chain(tables.into_iter().flatten())
}

struct Table {
    /// Texts without a hole, by themselves and in lower case, as some errors are told.
    fixed: HashMap<String, &'static str>,
    /// Texts with holes, the one with the longest text of its own first: it says the most.
    forms: Vec<(&'static str, &'static str)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let (with_holes, fixed): (Vec<_>, Vec<_>) = rows().copied().partition(|(en, _)| en.contains("{}"));
    let mut forms = with_holes;
    forms.sort_by_key(|(en, _)| std::cmp::Reverse(en.replace("{}", "").len()));
    let mut by_text = HashMap::new();
    for (en, zh) in fixed {
        by_text.insert(en.to_lowercase(), zh);
        by_text.insert(en.to_owned(), zh);
    }
    Table { fixed: by_text, forms }
});

/// How deep sentences stand in one another.
const DEPTH: u8 = 6;

fn lines(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// One line of a report.
fn line(text: &str) -> String {
    let body = text.trim_start();
    let (indent, body) = (&text[..text.len() - body.len()], body.trim_end());
    let is_excerpt = body.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|');
    if body.is_empty() || is_excerpt {
        return text.to_owned();
    }
    if let Some(help) = body.strip_prefix("= help: ") {
        return format!("{indent}= 帮助：{}", whole(help));
    }
    for (level, zh) in [("error[", "错误["), ("warning[", "警告[")] {
        let Some((place, rest)) = body.split_once(level) else { continue };
        let Some((code, says)) = rest.split_once("]: ") else { continue };
        if place.is_empty() || place.ends_with(": ") {
            return format!("{indent}{place}{zh}{code}]：{}", whole(says));
        }
    }
    format!("{indent}{}", whole(body))
}

fn whole(text: &str) -> String {
    known(text, DEPTH).unwrap_or_else(|| text.to_owned())
}

/// The Chinese of a text that is known, or is made of parts of which one is.
fn known(text: &str, depth: u8) -> Option<String> {
    let deeper = depth.checked_sub(1)?;
    let table = &*TABLE;
    if let Some(zh) = table.fixed.get(text).or_else(|| table.fixed.get(&text.to_lowercase())) {
        return Some((*zh).to_owned());
    }
    if let Some(code) = text.strip_prefix("error[").and_then(|rest| rest.strip_suffix(']')) {
        return Some(format!("错误[{code}]"));
    }
    // Why, behind what it is about.
    if let Some(inside) = text.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')')) {
        return known(inside, deeper).map(|zh| format!("（{zh}）"));
    }
    // A form of signs alone fits many a text that is none of ours, or has a sentence of ours in one of its parts.
    let says_something = |(en, _): &&(&str, &str)| en.contains(|c: char| c.is_ascii_alphabetic());
    let spoken = table.forms.iter().filter(says_something);
    if let Some(zh) = spoken.clone().find_map(|form| formed(form, text, deeper)) {
        return Some(zh);
    }
    // Some were joined as their language does it.
    let parts = || {
        let parted = joined(text, "; ", "；", deeper).or_else(|| joined(text, "；", "；", deeper));
        // A sentence in Chinese may have the system's words behind its colon.
        parted.or_else(|| joined(text, ": ", "：", deeper)).or_else(|| joined(text, "：", "：", deeper))
    };
    let parted = if text.contains('\n') { None } else { parts() };
    parted
        .or_else(|| table.forms.iter().filter(|form| !says_something(form)).find_map(|form| formed(form, text, deeper)))
}

/// A text in a form, with its holes worded.
fn formed((en, zh): &(&str, &str), text: &str, deeper: u8) -> Option<String> {
    let holes = holes(en, text)?;
    if text.contains('\n') && !en.contains('\n') {
        return None;
    }
    // `{} problems` is a count and no end of a sentence.
    let counts = en.strip_prefix("{} ").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphabetic()));
    if counts && !holes[0].bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let says_nothing = !en.contains(|c: char| c.is_ascii_alphabetic());
    if says_nothing && holes.iter().all(|hole| known(hole, deeper).is_none()) {
        return None;
    }
    let words = |hole: &str| match known(hole, deeper) {
        Some(words) => words,
        None if hole.contains('\n') => lines(hole),
        None => hole.to_owned(),
    };
    Some(fill(zh, &holes, &words))
}

/// Two parts with a sign between, of which at least one is known. What stands in backticks is not taken apart.
fn joined(text: &str, sign: &str, zh: &str, depth: u8) -> Option<String> {
    let mut best = None;
    for (at, _) in text.match_indices(sign) {
        if text[..at].matches('`').count() % 2 == 1 {
            continue;
        }
        let (left, right) = (&text[..at], &text[at + sign.len()..]);
        let (first, second) = (known(left, depth), known(right, depth));
        let both = first.is_some() && second.is_some();
        if both || (best.is_none() && (first.is_some() || second.is_some())) {
            let parts = [first.unwrap_or_else(|| left.to_owned()), second.unwrap_or_else(|| right.to_owned())];
            best = Some(parts.join(zh));
        }
        if both {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn parts_find_their_words_and_names_stay() {
        for (en, zh) in [
            ("unknown key `file` in `hosts`", "`hosts` 里有未知的键 `file`"),
            ("the policy a.yaml can't be read: no such file or directory", "无法读取策略 a.yaml：没有这个文件或目录"),
            ("`{{line}}` can't stand within single quotes", "`{{line}}` 不能放在单引号里"),
            ("nothing gives a value to `{{file}}`", "没有任何地方给 `{{file}}` 赋值"),
            ("expected a pipeline (a map), found a list", "应为流水线（映射），实际是列表"),
            (
                "无法启动 no-such-program: No such file or directory (os error 2)；请检查 command",
                "无法启动 no-such-program：没有这个文件或目录（系统错误 2）；请检查 command",
            ),
            ("无法启动 x：Permission denied (os error 13)", "无法启动 x：权限不够（系统错误 13）"),
            ("/nope.yaml:3:1: error[unknown-key]: unknown key `x`", "/nope.yaml:3:1：错误[unknown-key]：未知的键 `x`"),
            (
                "127.0.0.1:80 无法使用：Address already in use (os error 98)",
                "127.0.0.1:80 无法使用：地址已被占用（系统错误 98）",
            ),
            (
                "channel `wecom`: the proxy's address: No such file or directory (os error 2)",
                "通道 `wecom`：代理的地址：没有这个文件或目录（系统错误 2）",
            ),
            (
                "ssh: connect to host nas port 22: No route to host; it is tried again",
                "ssh：无法连接主机 nas 的端口 22：没有到主机的路由；会重试",
            ),
            (
                "error: unexpected argument '--x' found\n\n  tip: to pass '--x' as a value, use '-- --x'\n\nUsage: a [OPTIONS]\n",
                "错误：意外的参数 '--x'\n\n  提示：要把 '--x' 当作值，请写 '-- --x'\n\n用法：a [OPTIONS]\n",
            ),
            (
                "nas: ssh: Could not resolve hostname nas: Name or service not known; correct the name, or add `Host nas` with its `HostName` to ~/.ssh/config",
                "nas：ssh：无法解析主机名 nas：名称或服务未知；请改正名字，或在 ~/.ssh/config 里为 `Host nas` 写上 `HostName`",
            ),
            ("client error (Connect): tcp connect error", "无法连接：TCP 连接失败"),
            ("3 pipelines in 1 file: 8 stages, no problems", "1 个文件里有 3 条流水线：8 个阶段，没有问题"),
            ("Deploy: the shop `a: b`; now?", "Deploy: the shop `a: b`; now?"),
        ] {
            assert_eq!(message(Lang::Zh, en), zh);
            assert_eq!(message(Lang::En, en), en);
        }
    }

    #[test]
    fn a_finding_keeps_the_lines_of_its_file() {
        let en = "p.yaml:1:7: error[unknown-key]: a stage has no key `tiemout`\n  |\n1 | a list: the file\n  |       ^^^^\n  \
                  = help: did you mean `timeout`?\n";
        let zh = "p.yaml:1:7: 错误[unknown-key]：阶段没有键 `tiemout`\n  |\n1 | a list: the file\n  |       ^^^^\n  \
                  = 帮助：是不是 `timeout`？\n";
        assert_eq!(message(Lang::Zh, en), zh);
    }

    /// The words of the operating system, as this one says them, stand in no Chinese sentence.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_s_words_are_in_the_reader_s_language() {
        let codes = [1, 2, 3, 5, 7, 8, 11, 12, 13, 16, 17, 20, 21, 22, 24, 26, 27, 28, 30, 32, 36, 39, 40, 95, 98, 99];
        for code in codes.into_iter().chain([101, 104, 110, 111, 112, 113, 122]) {
            let error = std::io::Error::from_raw_os_error(code);
            for sentence in [
                format!("can't run tmux: {error}"),
                format!("无法启动 tmux：{error}"),
                format!("the policy a.yaml can't be read: {error}"),
            ] {
                let told = message(Lang::Zh, &sentence);
                assert!(told.contains("（系统错误") && !told.contains("os error"), "{sentence}: {told}");
                let words = told.replace("tmux", "").replace("a.yaml", "");
                assert!(!words.contains(|c: char| c.is_ascii_alphabetic()), "{sentence}: {told}");
            }
        }
    }

    #[test]
    fn every_form_stands_once_with_its_holes() {
        let mut seen = HashSet::new();
        for (en, zh) in rows() {
            assert!(seen.insert(en), "{en}");
            for hole in 0..en.matches("{}").count() {
                assert_eq!(zh.matches(&format!("{{{hole}}}")).count(), 1, "{en} / {zh}");
            }
            assert!(!zh.contains(&format!("{{{}}}", en.matches("{}").count())), "{en} / {zh}");
        }
    }
}
