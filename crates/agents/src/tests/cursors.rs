//! Where the cursor stands on screens of agents at rest: a prompt goes to the input line, or nowhere. Seen with Codex 0.171 and
//! Claude Code 2.1.329, whose cursor is hidden, and stands in its input line all the same.

use super::{recogniser, text};
use crate::{AgentCore, AgentProcess, Input, Limits, Readiness, Report, Screen, bundled, recognise};
use tmuxagent_model::{ProgramState, Timestamp};

/// Whether a prompt may be typed into an agent that says itself that it is done, and shows that screen.
fn readiness(agent: &str, shown: &str, cursor: (usize, usize)) -> Readiness {
    let now = Timestamp(60_000);
    let mut core = AgentCore::new(&bundled(), Limits::default());
    let process = AgentProcess { agent: agent.to_owned(), pid: 7, start: 1, pids: Vec::new() };
    core.on(now, Input::Process(Some(process)));
    core.on(now, Input::Report(Report { state: ProgramState::Done, app: None }));
    let screen = Screen::of(shown).with_cursor(cursor.0, cursor.1);
    core.on(now, Input::Screen(Box::new(recognise(recogniser(agent), &screen))));
    core.readiness()
}

/// A saved screen with its last row replaced, and the number of the row of its input line.
fn with_last_row(name: &str, sign: char, last: &str) -> (String, usize, usize) {
    let text = text(name);
    let mut rows: Vec<&str> = text.trim_end().lines().collect();
    let input = rows.iter().rposition(|row| row.starts_with(sign)).expect("an input line");
    let end = rows.len() - 1;
    rows[end] = last;
    (rows.join("\n"), input, end)
}

#[test]
fn a_search_of_codex_takes_the_keys_though_its_input_line_is_empty() {
    let saved = "codex-0.171.0/finished";
    let (idle, input, _) = with_last_row(saved, '›', "  ← for agents · ? for shortcuts");
    assert_eq!(readiness("codex", &idle, (2, input)), Readiness::Ready);
    // The search of what was asked before; a row of it that was found stands in the input line meanwhile.
    let (search, input, end) = with_last_row(saved, '›', "  reverse-i-search: abc  no match");
    assert_eq!(readiness("codex", &search, (23, end)), Readiness::Elsewhere);
    let found = search.replace("Ask Codex to do anything", "delete everything");
    assert_eq!(readiness("codex", &found, (23, end)), Readiness::Elsewhere);
    assert_eq!(readiness("codex", &found, (19, input)), Readiness::Draft("delete everything".to_owned()));
    // The search of the transcript, and the transcript that is looked through, whose cursor is hidden.
    let (find, _, end) = with_last_row(saved, '›', "  Find: abc\n  No matches · full transcript · esc cancel");
    assert_eq!(readiness("codex", &find, (11, end)), Readiness::Elsewhere);
    let (browse, _, end) = with_last_row(saved, '›', "  Browsing transcript · ↑↓/jk scroll · ↵ rewind · esc back");
    assert_eq!(readiness("codex", &browse, (57, end)), Readiness::Elsewhere);
}

#[test]
fn a_search_of_claude_takes_the_keys_though_its_input_line_is_empty() {
    let saved = "claude-2.1.332/finished";
    let (idle, input, _) = with_last_row(saved, '❯', "  ⏸ manual mode on · ? for shortcuts · ← for agents");
    assert_eq!(readiness("claude", &idle, (2, input)), Readiness::Ready);
    let (search, _, end) = with_last_row(saved, '❯', "  search prompts:   ⏸ manual mode on");
    assert_eq!(readiness("claude", &search, (18, end)), Readiness::Elsewhere);
}

#[test]
fn a_screen_of_which_nobody_knows_the_cursor_is_read_as_ever() {
    let (search, _, _) = with_last_row("codex-0.171.0/finished", '›', "  reverse-i-search:  · ");
    let seen = recognise(recogniser("codex"), &Screen::of(&search));
    assert!(seen.composer.is_some_and(|composer| !composer.elsewhere && composer.draft.is_empty()));
}
