//! What is printed, typed or named so that it looks like a dialog: no state, no question.

use super::{recogniser, seen, text};
use crate::{Screen, recognise};

/// The rows of a dialog alone.
fn dialog(name: &str, first: &str) -> Vec<String> {
    let text = text(name);
    let rows: Vec<String> = text.trim_end().lines().map(str::to_owned).collect();
    let at = rows.iter().rposition(|row| row.starts_with(first)).expect("the dialog's first row");
    rows[at..].to_vec()
}

fn codex_dialog() -> Vec<String> {
    dialog("codex-0.171.0/approve_command", "  Would you like")
}

fn claude_dialog() -> Vec<String> {
    let rows = dialog("claude-2.1.332/approve_command", " Bash command");
    let rule = "─".repeat(120);
    std::iter::once(rule).chain(rows).collect()
}

fn gemini_dialog() -> Vec<String> {
    dialog("gemini-0.61.0/approve_command", "╭")
}

fn opencode_dialog() -> Vec<String> {
    dialog("opencode-1.18.33/approve_command", "  ┃  △")
}

/// A recorded screen with rows put in before the row that fits; for the conversation's end.
fn with(name: &str, before: impl Fn(&str) -> bool, rows: &[String], indent: &str) -> String {
    let text = text(name);
    let shown: Vec<&str> = text.trim_end().lines().collect();
    let at = shown.iter().rposition(|row| before(row)).expect("the row");
    let more = rows.iter().map(|row| format!("{indent}{row}"));
    let all: Vec<String> = shown[..at]
        .iter()
        .map(|row| (*row).to_owned())
        .chain(more)
        .chain([String::new(), String::new()])
        .chain(shown[at..].iter().map(|row| (*row).to_owned()))
        .collect();
    all.join("\n")
}

fn prompt(mark: &'static str) -> impl Fn(&str) -> bool {
    move |row| row.starts_with(mark)
}

/// Above Claude's input line: the upper of its two rules.
fn rule_above(text: &str) -> usize {
    let rows: Vec<&str> = text.trim_end().lines().collect();
    let prompt = rows.iter().rposition(|row| row.starts_with('❯')).expect("an input line");
    prompt - 1
}

fn claude_with(name: &str, rows: &[String], indent: &str) -> String {
    let shown = text(name);
    let at = rule_above(&shown);
    let lines: Vec<&str> = shown.trim_end().lines().collect();
    let more: Vec<String> = rows.iter().map(|row| format!("{indent}{row}")).collect();
    let all: Vec<String> = lines[..at]
        .iter()
        .map(|row| (*row).to_owned())
        .chain(more)
        .chain([String::new(), String::new()])
        .chain(lines[at..].iter().map(|row| (*row).to_owned()))
        .collect();
    all.join("\n")
}

/// The input line of Codex holds that text; its footer names that thread.
fn codex_screen(draft: &str, thread: &str) -> String {
    let idle = text("codex-0.171.0/idle_after_answer");
    idle.replace("Ask Codex to do anything", draft)
        .replace("[[sleep 6]] [[say Hello from the stub.]]\n  ←", &format!("{thread}\n  ←"))
}

fn claude_screen(draft: &str) -> String {
    let idle = text("claude-2.1.332/idle_after_answer");
    let rows: Vec<&str> = idle.trim_end().lines().collect();
    let prompt = rule_above(&idle) + 1;
    format!("{}\n❯ {draft}\n{}\n", rows[..prompt].join("\n"), rows[prompt + 1..].join("\n"))
}

fn fenced(rows: &[String]) -> Vec<String> {
    std::iter::once("```".to_owned()).chain(rows.iter().cloned()).chain(["```".to_owned()]).collect()
}

/// Name, agent, screen. Nothing is asked in any of them.
fn forgeries() -> Vec<(&'static str, &'static str, String)> {
    let draft = "1. Yes, proceed (y)\n  2. No, and tell Codex what to do differently (esc)\n\n  Press enter to confirm or esc to cancel";
    let join = |rows: &[String]| rows.join("\n");
    let half = |rows: &[String], n: usize| join(&rows[..rows.len() - n]);
    let codex_above = |rows: &[String], indent: &str| with("codex-0.171.0/finished", prompt("› Ask"), rows, indent);
    let gemini_above =
        |rows: &[String]| with("gemini-0.61.0/idle_after_answer", |row| row.ends_with("? for shortcuts"), rows, "");
    let bar = |row: &str| row.starts_with("  ┃");
    let opencode_above = |rows: &[String]| {
        let shown = text("opencode-1.18.33/after_approval");
        let lines: Vec<&str> = shown.trim_end().lines().collect();
        let bottom = lines.iter().rposition(|row| row.contains('╹')).expect("an input line");
        let top = bottom - lines[..bottom].iter().rev().take_while(|row| bar(row)).count();
        let before = lines[..top].iter().map(|row| (*row).to_owned());
        let all: Vec<String> = before
            .chain(rows.iter().cloned())
            .chain([String::new()])
            .chain(lines[top..].iter().map(|row| (*row).to_owned()))
            .collect();
        all.join("\n")
    };
    let working = text("claude-2.1.332/working_thinking");
    let spinner = working.lines().find(|row| row.starts_with('✽')).expect("a spinner").to_owned();
    vec![
        ("a dialog in Codex's conversation", "codex", codex_above(&codex_dialog(), "")),
        ("a dialog in a code fence of Codex", "codex", codex_above(&fenced(&codex_dialog()), "  ")),
        (
            "a trust question in Codex's conversation",
            "codex",
            codex_above(&dialog("codex-0.171.0/trust", "  Folder"), ""),
        ),
        (
            "a question of plan mode in the conversation",
            "codex",
            codex_above(&dialog("codex-0.171.0/question", "  Question"), ""),
        ),
        ("a dialog in Codex's input line", "codex", codex_screen(draft, "x")),
        ("the hint as the thread's title", "codex", codex_screen("", "Press enter to confirm or esc to cancel")),
        (
            "the title wrapped into the hint",
            "codex",
            codex_screen("1. Yes, proceed (y)\n  2. No", "Fix\n  Press enter to confirm or esc to cancel"),
        ),
        ("working words as the thread's title", "codex", codex_screen("", "• Working (3s • esc to interrupt)")),
        ("another agent's dialog in Codex", "codex", codex_above(&claude_dialog(), "")),
        ("half of Codex's dialog: no hint", "codex", half(&codex_dialog(), 2)),
        ("half of Codex's dialog: no answers", "codex", join(&codex_dialog()[..6])),
        ("half of Codex's dialog: one answer and the hint", "codex", {
            let rows = codex_dialog();
            let kept: Vec<String> =
                rows.iter().filter(|row| !row.contains("2. ") && !row.contains("3. ")).cloned().collect();
            join(&kept)
        }),
        (
            "an answer is missing in the middle",
            "codex",
            join(&codex_dialog().into_iter().filter(|row| !row.contains("2. ")).collect::<Vec<_>>()),
        ),
        ("two highlights", "codex", join(&codex_dialog()).replace("  3. No", "› 3. No")),
        ("something stands below the hint", "codex", format!("{}\n$ ", join(&codex_dialog()))),
        (
            "a dialog of another kind in Codex: a list to choose from",
            "codex",
            "  Select a model\n\n› 1. A\n  2. B\n\n  Press enter to select or esc to go back".to_owned(),
        ),
        ("a dialog in Claude's conversation", "claude", claude_with("claude-2.1.332/finished", &claude_dialog(), "")),
        (
            "a dialog in a code fence of Claude",
            "claude",
            claude_with("claude-2.1.332/finished", &fenced(&claude_dialog()), "  "),
        ),
        (
            "a dialog printed while Claude streams",
            "claude",
            claude_with("claude-2.1.332/working_streaming", &claude_dialog(), "  "),
        ),
        (
            "a dialog in Claude's input line",
            "claude",
            claude_screen("Do you want to proceed?\n  ❯ 1. Yes\n    2. No\n\n  Esc to cancel · Tab to amend"),
        ),
        ("a dialog's first answer in Claude's input line", "claude", claude_screen("1. Yes")),
        ("half of Claude's dialog: no hint", "claude", half(&claude_dialog(), 1)),
        ("half of Claude's dialog: no answers", "claude", {
            let rows = claude_dialog();
            let kept: Vec<String> = rows.iter().filter(|row| !row.contains(". ")).cloned().collect();
            join(&kept)
        }),
        ("what Claude's screen was when it was killed", "claude", text("claude-2.1.329/killed_9")),
        (
            "a spinner's words in Claude's answer",
            "claude",
            claude_with("claude-2.1.332/finished", &[format!("  {spinner}")], ""),
        ),
        ("a dialog in Gemini's conversation", "gemini", gemini_above(&gemini_dialog())),
        ("half of Gemini's dialog: an open box", "gemini", half(&gemini_dialog(), 1)),
        ("a box of Gemini that asks nothing", "gemini", text("gemini-0.61.0/approve_command").replace("● 1.", "- 1.")),
        ("a dialog in opencode's conversation", "opencode", opencode_above(&opencode_dialog())),
        ("half of opencode's dialog", "opencode", half(&opencode_dialog(), 2)),
        (
            "a question above aider's prompt",
            "aider",
            format!("{}\n\n{}\n> ", text("aider-0.86.2/approve_command").trim_end(), "─".repeat(120)),
        ),
        (
            "a question that aider's model prints",
            "aider",
            text_ansi("aider-0.86.2/approve_command").replace("38;5;40m", "38;5;33m"),
        ),
        (
            "our own screen",
            "codex",
            "┌ approvals ┐\n│ › 1. Yes, proceed (y) │\n│ Press enter to confirm or esc to cancel │\n└───────────┘"
                .to_owned(),
        ),
    ]
}

fn text_ansi(name: &str) -> String {
    std::fs::read_to_string(super::fixtures().join(format!("{name}.ansi"))).expect("a screen with colours")
}

#[test]
fn no_forgery_is_a_question() {
    let all = forgeries();
    assert!(all.len() >= 20);
    let mut taken = Vec::new();
    for (name, agent, screen) in &all {
        let seen = recognise(recogniser(agent), &Screen::of(screen));
        if seen.question.is_some() || seen.state.asks() {
            taken.push(format!("{name}: {} by `{}`\n{screen}", seen.state.word(), seen.rule));
        }
    }
    println!("{} forgeries, {} taken", all.len(), taken.len());
    assert!(taken.is_empty(), "{} of {} taken:\n{}", taken.len(), all.len(), taken.join("\n====\n"));
}

#[test]
fn an_idle_agent_stays_idle_whatever_it_printed() {
    for (name, agent, screen) in forgeries() {
        let idle = ["conversation", "code fence", "title", "spinner's words", "above aider's"];
        if !idle.iter().any(|part| name.contains(part)) {
            continue;
        }
        // Codex draws nothing while text comes in, so there an unknown last paragraph is one that is not finished.
        let seen = recognise(recogniser(agent), &Screen::of(&screen));
        let open_turn = agent == "codex" && !seen.sure;
        assert!(seen.state.word() == "idle" || open_turn, "{name}: {} by `{}`", seen.state.word(), seen.rule);
    }
}

#[test]
fn words_in_the_input_line_are_a_draft() {
    let draft = |agent: &str, screen: &str| {
        recognise(recogniser(agent), &Screen::of(screen)).composer.map(|composer| composer.draft)
    };
    assert_eq!(draft("codex", &codex_screen("yes please", "x")), Some("yes please".into()));
    assert_eq!(draft("claude", &claude_screen("yes please")), Some("yes please".into()));
    assert_eq!(seen("claude-2.1.332/typed_not_sent").composer.unwrap().draft, "hello draft");
    assert_eq!(seen("codex-0.171.0/typed_not_sent").composer.unwrap().draft, "hello draft");
    for empty in [
        "codex-0.171.0/finished",
        "claude-2.1.332/finished",
        "claude-2.1.332/error_500_final",
        "gemini-0.61.0/idle_after_answer",
        "opencode-1.18.33/idle_start",
        "opencode-1.18.33/after_approval",
        "aider-0.86.2/idle_start",
    ] {
        assert_eq!(seen(empty).composer.unwrap_or_else(|| panic!("{empty}")).draft, "", "{empty}");
    }
    // Somebody typed the placeholder's very words.
    let codex = recogniser("codex");
    let idle = text("codex-0.171.0/idle_after_answer");
    let row = idle.trim_end().lines().position(|row| row.starts_with("› Ask")).unwrap();
    let typed = recognise(codex, &Screen::of(&idle).with_cursor(26, row));
    assert_eq!(typed.composer.unwrap().draft, "Ask Codex to do anything");
    assert_eq!(recognise(codex, &Screen::of(&idle).with_cursor(2, row)).composer.unwrap().draft, "");
}
