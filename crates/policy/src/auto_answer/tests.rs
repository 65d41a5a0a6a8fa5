//! What a rule for a handful of commands makes of commands that only look like them, and of others.

use super::*;
use crate::{Source, load};
use proptest::prelude::*;

const RULES: &str = r"
auto_answers:
- name: look
  commands: [git status, 'git diff *', 'git log *', 'ls *', 'cat *.md', 'grep *', 'cargo test *', 'cargo build', 'echo *',
    'find *', 'make test', 'wc *', 'ls src/*', 'npm run lint', 'sort *']
- name: never
  deny: ['git push *', 'rm *', 'cargo publish *', 'ls /etc *']
";

/// `+`: every part of it is allowed by one rule; `-`: it is asked.
const TABLE: &str = include_str!("table.txt");

fn rules() -> Policy {
    load(&[Source::new("p.yaml", RULES)]).unwrap_or_else(|found| panic!("{found}"))
}

fn is_allowed(policy: &Policy, text: &str) -> bool {
    !policy.trace_command(text).rules.is_empty()
}

#[test]
fn the_table_of_commands_holds() {
    let policy = rules();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in TABLE.lines().filter(|row| !row.is_empty() && !row.starts_with("##")) {
        let (sign, text) = row.split_at(2);
        let text = text.replace("<NL>", "\n").replace("<CR>", "\r").replace("<NUL>", "\0").replace("<TAB>", "\t");
        let text = text.replace("<NBSP>", "\u{a0}").replace("<IDEO>", "\u{3000}").replace("<ZWSP>", "\u{200b}");
        let text = text.replace("<RLO>", "\u{202e}").replace("<ESC>", "\u{1b}").replace("<LONG>", &"x".repeat(5000));
        rows += 1;
        if is_allowed(&policy, &text) != (sign == "+ ") {
            wrong.push(format!("{row}\n    {:?}", policy.trace_command(&text)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 150, "{rows} rows");
}

fn question(kind: AgentQuestionKind, detail: &str, place: Option<&str>) -> AgentQuestion {
    AgentQuestion {
        kind,
        text: String::new(),
        detail: detail.to_owned(),
        again: None,
        reason: None,
        place: place.map(str::to_owned),
        answers: Vec::new(),
        cancel: None,
        whole: true,
        fingerprint: "f".to_owned(),
    }
}

fn answered(rules: &str, agent: &str, question: &AgentQuestion) -> Option<String> {
    let policy = load(&[Source::new("p.yaml", rules)]).unwrap_or_else(|found| panic!("{found}"));
    let facts = PaneFacts { window: "w".into(), path: "/home/me/p/src".into(), ..PaneFacts::default() };
    let asked = Asked { agent, host: &HostName::local(), facts: &facts, question };
    policy.auto_answer(&asked).map(|rule| rule.name.clone())
}

#[test]
fn agent_pane_and_folder_are_looked_at() {
    let rule = |more: &str| format!("auto_answers: [{{name: r, commands: ['cargo test *', cd x], {more}}}]");
    let place = Some("/home/me/p/src");
    let asks = |rules: &str, agent: &str, detail: &str| {
        answered(rules, agent, &question(AgentQuestionKind::Command, detail, place)).is_some()
    };
    assert!(asks(&rule("agents: [codex, claude]"), "claude", "cargo test a"));
    assert!(!asks(&rule("agents: [codex]"), "claude", "cargo test"));
    assert!(asks(&rule("panes: {window_name: w}"), "claude", "cargo test"));
    assert!(!asks(&rule("panes: {window_name: v}"), "claude", "cargo test"));
    let unplaced = question(AgentQuestionKind::Command, "cargo test", None);
    assert!(answered(&rule("folder: /home/me/p"), "claude", &unplaced).is_none(), "it may run anywhere");
    assert!(asks(&rule("folder: /home/me/p"), "claude", "cargo test"));
    assert!(asks(&rule("folder: /home/*/p"), "claude", "cargo test"));
    assert!(asks(&rule("folder: /home/**/src"), "claude", "cargo test"));
    assert!(!asks(&rule("folder: /home/me/q"), "claude", "cargo test"));
    assert!(!asks(&rule("folder: /home/me/p"), "claude", "cd x && cargo test"), "it runs elsewhere");
    assert!(asks(&rule(""), "claude", "cd x && cargo test"));
}

#[test]
fn rows_that_are_joined_or_cut_are_asked() {
    let rules = "auto_answers: [{name: r, commands: ['cargo test *', 'echo *']}]";
    let asks = |detail: &str, whole: bool| {
        let question = AgentQuestion { whole, ..question(AgentQuestionKind::Command, detail, None) };
        answered(rules, "claude", &question).is_some()
    };
    assert!(asks("cargo test workspace", true));
    assert!(!asks("cargo test workspace", false));
    assert!(!asks("cargo test a\ncargo test b", true));
    assert!(!asks("echo word\n--more", true));
    assert!(!asks("cargo test …", true));
}

/// Codex shows `touch okF<Tab>evilF` as `touch okFevilF`.
#[test]
fn a_command_that_is_shown_with_signs_left_out_has_to_stand_there_twice() {
    let rules = "auto_answers: [{name: r, commands: ['touch ok*']}]";
    let asked = |again: &str| AgentQuestion {
        again: Some(again.to_owned()),
        ..question(AgentQuestionKind::Command, "touch okFevilF", None)
    };
    assert!(answered(rules, "codex", &asked("touch okFevilF")).is_some());
    for again in ["", "touch okF evilF", "touch", "'touch' okFevilF"] {
        assert!(answered(rules, "codex", &asked(again)).is_none());
    }
}

#[test]
fn an_edit_lies_within_its_folder_or_is_asked() {
    let rules = "auto_answers: [{name: r, kind: edit, folder: /home/me/p}]";
    let asks =
        |place: Option<&str>| answered(rules, "codex", &question(AgentQuestionKind::Edit, "+ x", place)).is_some();
    assert!(asks(Some("/home/me/p/src/a.rs")));
    assert!(asks(Some("/home/me/p/src/../a.rs")));
    for place in
        ["/home/me/p/../q/a.rs", "/home/me/pq/a.rs", "a.rs", "src/a.rs", "~/p/a.rs", "/home/me/p/…/a.rs", "/../x"]
    {
        assert!(!asks(Some(place)), "{place}");
    }
    assert!(!asks(None));
    let command = question(AgentQuestionKind::Command, "cargo test", Some("/home/me/p"));
    assert_eq!(answered(rules, "codex", &command), None);
}

#[test]
fn a_class_is_the_program_and_what_says_what_it_does() {
    let class = |text: &str| class_of(text).map(|class| class.sources().join(", "));
    for (text, wanted) in [
        ("cargo test adds", "cargo test *"),
        ("cargo test -p x", "cargo test -p x *"),
        ("ls -la src", "ls *"),
        ("git diff HEAD~1 && cargo build", "git diff *, cargo build *"),
        ("npm run lint -- x", "npm run lint *"),
        ("npm run lint -- --fix", "npm run lint -- --fix *"),
        ("make test", "make test"),
        ("gh pr view 1", "gh pr view *"),
        ("bash -lc 'cargo test'", "cargo test *"),
        ("./run me", "./run me *"),
        ("touch hello.txt", "touch *"),
    ] {
        assert_eq!(class(text).as_deref(), Ok(wanted), "{text}");
    }
    for text in [
        "rm -rf x",
        "sudo ls",
        "git push",
        "git -C x status",
        "bash x.sh",
        "python x.py",
        "xargs ls",
        "env ls",
        "npm publish",
        "curl x",
        "echo $x",
        "npm run deploy",
        "find . -delete",
        "/bin/rm x",
        "cargo install x",
        "ssh a ls",
        "git diff --output=x",
        "docker run x",
        "uv run python x.py",
        "npm exec x",
        "ssh a b",
        "tmuxagent approve x",
        "git branch -D x",
        "FOO=1 cargo test",
        "terraform apply",
    ] {
        assert!(class(text).is_err(), "{text}: {:?}", class(text));
    }
    let (policy, class) = (rules(), class_of("cargo test").unwrap());
    let covers = |text: &str| policy.is_of_class(&question(AgentQuestionKind::Command, text, None), &class);
    assert!(covers("cargo test workspace 2>&1") && !covers("cargo test; rm x") && !covers("cargo build"));
    let read = Class::read(&class.sources());
    assert_eq!(read.sources(), class.sources());
}

proptest! {
    #[test]
    fn nothing_that_is_typed_panics(text in "[a-z'\"\\\\$(){}`<>\\[\\]#; |&=!~^\n*?-]{0,60}") {
        let _ = rules().trace_command(&text);
        let _ = class_of(&text);
        let _ = CommandPattern::read(&text);
    }
}
