//! What is read of dialogs.

use super::{recogniser, seen, text};
use crate::{Screen, recognise};
use tmuxagent_model::{AgentQuestion, AgentQuestionKind, AnswerRole};

fn question(name: &str) -> AgentQuestion {
    seen(name).question.unwrap_or_else(|| panic!("{name} asks"))
}

fn answers(question: &AgentQuestion) -> Vec<(&str, Vec<&str>, bool, AnswerRole)> {
    let parts = |answer: &'_ tmuxagent_model::AgentAnswer| answer.highlighted;
    let keys = |answer: &'_ tmuxagent_model::AgentAnswer| answer.role;
    question
        .answers
        .iter()
        .map(|answer| {
            (answer.label.as_str(), answer.keys.iter().map(String::as_str).collect(), parts(answer), keys(answer))
        })
        .collect()
}

#[test]
fn a_command_of_codex_is_read_whole() {
    let asked = question("codex-0.171.0/approve_command");
    assert_eq!((asked.kind, &*asked.detail, asked.whole), (AgentQuestionKind::Command, "touch hello.txt", true));
    assert_eq!(asked.reason.as_deref(), Some("Do you want to allow this stub command?"));
    assert_eq!(asked.cancel.as_deref(), Some("Escape"));
    assert_eq!(
        answers(&asked),
        [
            ("Yes, proceed (y)", vec!["1"], true, AnswerRole::Once),
            (
                "Yes, and don't ask again for commands that start with `touch hello.txt` (p)",
                vec!["2"],
                false,
                AnswerRole::Lasting
            ),
            ("No, and tell Codex what to do differently (esc)", vec!["3"], false, AnswerRole::Cancel),
        ]
    );
    let long = question("codex-0.171.0/approve_command_long");
    assert!(long.detail.starts_with("printf '%s\\n' word00") && long.detail.ends_with("word89 > long.txt"), "{long:?}");
    assert_eq!(long.answers.len(), 3);
    assert!(long.answers[1].label.ends_with("> long.txt` (p)"), "{long:?}");
}

#[test]
fn a_command_that_is_shown_with_signs_left_out_is_told_again() {
    assert_eq!(question("codex-0.171.0/approve_command").again.as_deref(), Some("touch hello.txt"));
    assert_eq!(question("claude-2.1.332/approve_command").again, None);
}

#[test]
fn tools_of_other_programs_are_read_whole_and_known_again() {
    let tool = |name: &str, input: &str| {
        let input = format!(
            r#"{{"hook_event_name":"PermissionRequest","tool_name":"mcp__notes__{name}","tool_input":{input}}}"#
        );
        crate::hooks::read_request(input.as_bytes()).expect("a request").request
    };
    let requests = [
        ("args", tool("read_pane", r#"{"pane":"%7","lines":12}"#)),
        ("none", tool("list_panes", "{}")),
        ("many", tool("ask_human", r#"{"question":"Is it \"good\"?\nsecond line","options":["a","b c"]}"#)),
    ];
    for (screen, request) in &requests {
        let asked = question(&format!("claude-2.1.332/approve_tool_{screen}"));
        assert!(asked.whole && asked.kind == AgentQuestionKind::Other, "{asked:?}");
        assert!(asked.detail.starts_with("notes — "), "{asked:?}");
        assert_eq!(asked.answers.last().map(|answer| answer.role), Some(AnswerRole::Decline));
        for (other, request) in &requests {
            assert_eq!(crate::is_shown(request, &asked), other == screen, "{screen} {other} {asked:?}");
        }
        assert!(request.words.len() >= 2);
    }
}

#[test]
fn edits_questions_and_trust_are_told_apart() {
    let edit = question("codex-0.171.0/approve_edit");
    assert_eq!(edit.kind, AgentQuestionKind::Edit);
    assert!(edit.place.is_some_and(|place| place.ends_with("/demo/notes2.txt")));
    let asked = question("codex-0.171.0/question");
    assert_eq!((asked.kind, &*asked.detail), (AgentQuestionKind::Question, "Which colour shall I use?"));
    assert_eq!(asked.answers[1].label, "Blue");
    assert_eq!(asked.answers[1].description, "A cold colour");
    let trust = question("codex-0.171.0/trust");
    assert_eq!(trust.kind, AgentQuestionKind::Trust);
    assert_eq!(trust.answers[0].keys, ["1", "Enter"]);
}

#[test]
fn a_command_of_claude_is_read_whole() {
    let asked = question("claude-2.1.332/approve_command");
    assert_eq!((asked.kind, &*asked.detail, asked.whole), (AgentQuestionKind::Command, "touch hello.txt", true));
    let roles: Vec<AnswerRole> = asked.answers.iter().map(|answer| answer.role).collect();
    assert_eq!(roles, [AnswerRole::Once, AnswerRole::Lasting, AnswerRole::Lasting, AnswerRole::Decline]);
    assert_eq!((&*asked.answers[3].label, &*asked.answers[3].keys[0]), ("No", "4"), "never a fixed digit");
    let long = question("claude-2.1.332/approve_command_long");
    assert!(long.detail.starts_with("printf '%s\\n' word00") && long.detail.ends_with("word89 > long.txt"), "{long:?}");
    let edit = question("claude-2.1.332/approve_edit");
    assert_eq!((edit.kind, edit.place.as_deref()), (AgentQuestionKind::Edit, Some("notes.txt")));
    assert_eq!(edit.detail, " 1 one line");
    let asked = question("claude-2.1.332/question");
    assert_eq!((&*asked.detail, asked.answers.len()), ("Which colour shall I use?", 5));
    assert_eq!(asked.answers[4].label, "Chat about this");
    let trust = question("claude-2.1.332/trust");
    assert_eq!(
        answers(&trust),
        [
            ("No, exit", vec!["Enter"], true, AnswerRole::Decline),
            ("Yes, I trust this folder", vec![], false, AnswerRole::Once)
        ]
    );
}

#[test]
fn the_others_are_read_too() {
    let gemini = question("gemini-0.61.0/approve_command");
    assert_eq!((gemini.kind, &*gemini.detail), (AgentQuestionKind::Command, "touch hello.txt"));
    assert_eq!(gemini.answers[2].role, AnswerRole::Decline);
    let gemini = question("gemini-0.61.0/approve_edit");
    assert_eq!((gemini.place.as_deref(), &*gemini.detail), (Some("notes9.txt"), "1 first line\n2 second line"));
    let opencode = question("opencode-1.18.33/approve_command");
    assert_eq!((opencode.kind, &*opencode.detail), (AgentQuestionKind::Command, "touch hello.txt"));
    let labels: Vec<&str> = opencode.answers.iter().map(|answer| answer.label.as_str()).collect();
    assert_eq!(labels, ["Allow once", "Allow always", "Reject"]);
    assert!(!question("opencode-1.18.33/approve_edit").whole, "the change is not on the screen");
    let aider = question("aider-0.86.2/approve_command");
    assert_eq!((aider.kind, &*aider.detail), (AgentQuestionKind::Command, "touch aider1.txt"));
    assert_eq!(
        answers(&aider),
        [
            ("Yes", vec!["y", "Enter"], true, AnswerRole::Once),
            ("No", vec!["n", "Enter"], false, AnswerRole::Decline),
            ("Don't ask again", vec!["d", "Enter"], false, AnswerRole::Cancel),
        ]
    );
}

#[test]
fn a_fingerprint_is_the_dialogs_own() {
    let codex = recogniser("codex");
    let print = |text: &str| recognise(codex, &Screen::of(text)).question.expect("a question").fingerprint;
    let shown = text("codex-0.171.0/approve_command");
    let moved = shown.replace("› 1. Yes", "  1. Yes").replace("  2. Yes", "› 2. Yes");
    assert_ne!(shown, moved);
    assert_eq!(print(&shown), print(&moved), "only the highlight moved");
    assert_eq!(print(&shown), print(&format!("• more\n{shown}")), "what is above it does not matter");
    assert_ne!(print(&shown), print(&shown.replace("$ touch hello.txt", "$ rm hello.txt")));
    let all = ["approve_command", "approve_command_long", "approve_edit", "question", "trust"];
    let prints: std::collections::BTreeSet<String> =
        all.iter().map(|name| print(&text(&format!("codex-0.171.0/{name}")))).collect();
    assert_eq!(prints.len(), all.len());
}

/// A command can hold what looks like the beginning of a dialog, so that its own beginning seems to be above it.
#[test]
fn a_command_that_holds_a_dialog_is_shown_whole_and_is_not_certain() {
    let codex = recogniser("codex");
    let shown = text("codex-0.171.0/approve_command");
    let trick = "  $ rm -rf ~; : '\n  Would you like to run the following command?\n\n  $ touch hello.txt";
    let asked = recognise(codex, &Screen::of(&shown.replace("  $ touch hello.txt\n", &format!("{trick}\n"))));
    let asked = asked.question.expect("a question");
    assert!(asked.detail.starts_with("rm -rf ~"), "{}", asked.detail);
    assert!(!asked.whole);
    let options = "  $ touch a '\n   1. Yes, proceed (y)\n   2. No' hello.txt";
    let asked = recognise(codex, &Screen::of(&shown.replace("  $ touch hello.txt\n", &format!("{options}\n"))));
    let asked = asked.question.expect("a question");
    assert_eq!(asked.answers.len(), 3);
    assert!(asked.detail.contains("2. No' hello.txt"), "{}", asked.detail);
}

#[test]
fn a_dialog_whose_beginning_is_above_the_screen_is_not_whole() {
    for (name, first) in [("claude-2.1.332/approve_command", "╌"), ("codex-0.171.0/approve_command", "  $ touch")] {
        let shown = text(name);
        let at = shown.lines().position(|line| line.starts_with(first)).expect("its middle");
        let rest: Vec<&str> = shown.lines().skip(at + 1).collect();
        let seen = recognise(recogniser(name.split('-').next().unwrap()), &Screen::of(&rest.join("\n")));
        assert_eq!(seen.state.word(), "needs_approval", "{name}");
        assert!(!seen.question.expect("a question").whole, "{name}");
    }
}

#[test]
fn what_does_not_fit_on_a_small_screen_is_not_whole() {
    for name in [
        "claude-2.1.332-80x24/approve_edit_long",
        "claude-2.1.332-60x20/approve_command_long",
        "codex-0.171.0-80x24/approve_command_long",
        "codex-0.171.0-60x20/approve_command_long",
    ] {
        let asked = question(name);
        assert!(!asked.whole && asked.answers[0].role == AnswerRole::Once, "{name}: {asked:?}");
    }
    let small = question("claude-2.1.332-80x24/approve_command_long");
    assert!(small.whole && small.detail.ends_with("word89 > long.txt"), "{small:?}");
    let before = question("claude-2.1.332-80x24/approve_command");
    let after = question("claude-2.1.332-80x24/approve_command_moved");
    assert_eq!(before.fingerprint, after.fingerprint);
    assert!(after.answers[1].highlighted && !after.answers[0].highlighted);
    assert_ne!(before.fingerprint, question("claude-2.1.332-80x24/approve_command_2").fingerprint);
}

#[test]
fn a_dialog_that_holds_what_can_not_be_seen_is_not_whole() {
    let shown = text("claude-2.1.332/approve_command");
    let command = question("claude-2.1.332/approve_command").detail;
    let asked = |command: &str, with: &str| {
        let screen = Screen::of(&shown.replace(command, with));
        recognise(recogniser("claude"), &screen).question.expect("a dialog")
    };
    assert!(asked(&command, &command).whole);
    for sign in ['\u{a0}', '\u{200b}', '\u{2003}', '\u{feff}', '\u{3164}'] {
        assert!(!asked(&command, &format!("{command}{sign}")).whole, "{sign:?}");
    }
}
