//! The words by which `looks_like` tells an error from a success, where a program speaks no protocol.
//!
//! The lists of the program are data (`assets/words.yaml`); a policy adds lists of its own and takes the place of ours
//! (`words`). What `looks_like` makes of them are patterns like all others.

use std::collections::BTreeMap;
use tmuxagent_yaml::{Node, Problems, Source, parse};

/// The lists of the program.
const BUNDLED: &str = include_str!("../../../assets/words.yaml");
/// The tool whose lists belong to all.
pub(super) const ANY: &str = "any";

/// The words of one tool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolWords {
    /// What an error looks like.
    pub error: Vec<String>,
    /// What a success looks like.
    pub success: Vec<String>,
    /// What is neither.
    pub not: Vec<String>,
}

/// The words of all tools, by name.
pub type Words = BTreeMap<String, ToolWords>;

/// The lists of the program.
#[must_use]
pub fn bundled_words() -> Words {
    let source = [Source::new("<words>", BUNDLED)];
    let tree = parse(0, &mut Problems::new(&source));
    let list = |node: &Node, key: &str| -> Vec<String> {
        let items = node.get(key).map(|node| &node.kind);
        match items {
            Some(tmuxagent_yaml::Kind::List(items)) => {
                items.iter().filter_map(|item| item.as_text().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
    };
    let tools = tree.as_ref().and_then(Node::entries).unwrap_or_default();
    let words =
        |node: &Node| ToolWords { error: list(node, "error"), success: list(node, "success"), not: list(node, "not") };
    tools.iter().map(|(tool, node)| (tool.text.clone(), words(node))).collect()
}

/// The pattern that finds one of these words; `None` without any.
pub(super) fn pattern_of<'w>(words: impl Iterator<Item = &'w String>) -> Option<String> {
    let parts: Vec<String> = words.map(|word| part_of(word)).collect();
    (!parts.is_empty()).then(|| parts.join("|"))
}

/// A word as a part of a pattern: by itself, large or small. `/…/` stands as it is.
pub(super) fn part_of(word: &str) -> String {
    match word.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        Some(regex) if !regex.is_empty() => format!("(?:{regex})"),
        _ => {
            let border = |c: Option<char>| if c.is_some_and(|c| c.is_ascii_alphanumeric()) { r"\b" } else { "" };
            let (before, behind) = (border(word.chars().next()), border(word.chars().next_back()));
            format!("(?i:{before}{}{behind})", regex::escape(word))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, load};

    /// Which of a policy's patterns for an error and a success match a line that `not` lets through.
    fn told(tool: &str, line: &str) -> (bool, bool) {
        let words = bundled_words();
        let own = &words[tool];
        let any = &words[ANY];
        let found = |list: fn(&ToolWords) -> &Vec<String>| {
            let pattern = pattern_of(list(any).iter().chain(list(own))).unwrap();
            regex::Regex::new(&pattern).unwrap().is_match(line)
        };
        let not = found(|words| &words.not);
        (found(|words| &words.error) && !not, found(|words| &words.success) && !not)
    }

    #[test]
    fn words_tell_errors_from_successes() {
        for (tool, line, error, success) in [
            ("cargo", "error[E0308]: mismatched types", true, false),
            ("cargo", "test result: ok. 12 passed; 0 failed; 0 ignored", false, false),
            ("cargo", "    Finished dev [unoptimized] target(s) in 0.5s", false, true),
            ("cargo", "warning: unused variable: `error`", false, false),
            ("make", "make: *** [Makefile:3: all] Error 2", true, false),
            ("npm", "npm ERR! code ELIFECYCLE", true, false),
            ("pytest", "==== 3 failed, 2 passed in 0.1s ====", true, true),
            ("pytest", "==== 5 passed in 0.1s ====", false, true),
            ("go", "ok  \texample.com/x\t0.3s", false, true),
            ("git", "fatal: not a git repository", true, false),
            ("any", "deploy completed", false, true),
            ("any", "found 0 errors", false, false),
            ("any", "terror and errorless prefixes", false, false),
            ("any", "bash: foo: command not found", true, false),
        ] {
            assert_eq!(told(tool, line), (error, success), "{tool}: {line}");
        }
    }

    #[test]
    fn a_policy_changes_the_words() {
        let text = "words: {mytool: {error: [kaputt], success: ['/^fertig$/'], not: [nicht kaputt]}}\n\
            pipelines: [{name: p, match: {host: h}, stages: [{name: s, triggers: manual, timeout: 1m, \
            success_when: [{looks_like: {outcome: success, tool: mytool}}], \
            fail_when: [{looks_like: {outcome: error, tool: mytool}}]}]}]";
        let policy = load(&[Source::new("p.yaml", text)]).unwrap_or_else(|found| panic!("{found}"));
        assert!(policy.patterns.iter().any(|pattern| pattern.regex.is_match("alles kaputt")));
        assert!(policy.patterns.iter().all(|pattern| pattern.called.is_some()));
    }
}
