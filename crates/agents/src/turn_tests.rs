//! How turns end, on recorded screens of the real agents.

use crate::{
    AgentCore, AgentProcess, Ending, Input, Limits, Report, Screen, VendorState, bundled, recognise, tests::text,
};
use tmuxagent_model::{AgentState, ProgramState, Timestamp};

struct Pane {
    core: AgentCore,
    agent: &'static str,
    now: i64,
}

impl Pane {
    fn of(agent: &'static str) -> Self {
        let mut pane = Self { core: AgentCore::new(&bundled(), Limits::default()), agent, now: 0 };
        pane.on(Input::Process(Some(AgentProcess { agent: agent.into(), pid: 1, start: 1, pids: vec![(1, 1)] })));
        pane
    }

    fn on(&mut self, input: Input) {
        self.now += 200;
        self.core.on(Timestamp(self.now), input);
    }

    /// The pane shows this.
    fn shows(&mut self, screen: &str) -> &mut Self {
        let known = bundled().into_iter().find(|known| known.agent == self.agent).unwrap();
        self.on(Input::Screen(Box::new(recognise(&known, &Screen::of(screen)))));
        self
    }

    fn file(&mut self, state: AgentState) -> &mut Self {
        let said = VendorState { state, rule: "file".into(), text: String::new(), changed: None };
        self.on(Input::Vendor(Some(said)));
        self
    }

    fn ended(&self) -> (Ending, &'static str) {
        (self.core.ending(), self.core.status().unwrap().state.word())
    }
}

const STOPPED: (Ending, &str) = (Ending::Stopped, "idle");
const UNPROVEN: (Ending, &str) = (Ending::Unproven, "idle");
const FINISHED: (Ending, &str) = (Ending::Finished, "done");

fn claude(name: &str) -> String {
    text(&format!("claude-2.1.332/{name}"))
}

/// The recorded screen of a prompt that was given back, and how it looked before that prompt.
fn before_given_back() -> (String, String) {
    let given_back = claude("interrupted_before_answer");
    let row = given_back.lines().rfind(|row| row.starts_with('❯')).unwrap().to_owned();
    assert!(row.chars().count() > 3, "{row}");
    let empty = given_back.replacen(&row, "❯", 1).replace("manual mode on", "manual mode on · ? for shortcuts");
    (empty, given_back)
}

#[test]
fn claude_that_is_stopped_before_its_first_word_is_not_done() {
    let (empty, given_back) = before_given_back();
    let mut pane = Pane::of("claude");
    pane.shows(&empty).file(AgentState::Working).shows(&claude("working_thinking"));
    pane.file(AgentState::Idle).shows(&given_back);
    assert_eq!(pane.ended(), STOPPED);
    // Also where the prompt that came back is taken out before anybody looks.
    let mut pane = Pane::of("claude");
    pane.shows(&empty).file(AgentState::Working).shows(&claude("working_thinking"));
    pane.file(AgentState::Idle).shows(&empty);
    assert_eq!(pane.ended(), UNPROVEN);
    assert!(pane.core.awaits_end());
}

#[test]
fn claude_is_done_where_it_says_so_and_in_no_other_rest() {
    let ends = [
        ("finished", FINISHED),
        ("idle_after_answer", FINISHED),
        ("after_approval", FINISHED),
        ("after_question", FINISHED),
        ("after_queued_message", FINISHED),
        ("interrupted_while_streaming", STOPPED),
        ("after_rejection", STOPPED),
        ("after_edit_rejection", UNPROVEN),
        ("idle_start", UNPROVEN),
    ];
    for (end, wanted) in ends {
        let mut pane = Pane::of("claude");
        pane.shows(&claude("idle_start")).file(AgentState::Working).shows(&claude("working_thinking"));
        pane.file(AgentState::Idle).shows(&claude(end));
        assert_eq!(pane.ended(), wanted, "{end}");
    }
    let compacted = claude("idle_after_answer").replace("● Hello from the stub.", "❯ /compact");
    let row = compacted.lines().find(|row| row.starts_with('✻')).unwrap().to_owned();
    let compacted = compacted.replace(&row, "  ⎿  Compacted (ctrl+o to see full summary)");
    let mut pane = Pane::of("claude");
    pane.shows(&claude("idle_start")).file(AgentState::Working).file(AgentState::Idle).shows(&compacted);
    assert_eq!(pane.ended(), UNPROVEN);
}

/// A loop gives it the same prompt again and again; its last row has one of a few verbs.
#[test]
fn a_turn_with_a_dialog_that_ends_like_the_one_before_it_has_ended() {
    let turn = |dialog: &str, end: &str| {
        let mut pane = Pane::of("claude");
        pane.shows(&claude("after_approval")).file(AgentState::Working).shows(&claude("working_thinking"));
        pane.shows(&claude(dialog)).file(AgentState::Working).file(AgentState::Idle).shows(&claude(end));
        pane.ended()
    };
    assert_eq!(turn("approve_command", "after_approval"), FINISHED);
    assert_eq!(turn("approve_command", "after_rejection"), STOPPED);
    // Nothing was asked: it may as well have been stopped before its first word.
    assert_eq!(turn("working_thinking", "after_approval"), UNPROVEN);
}

#[test]
fn an_end_is_told_once_it_was_seen_whatever_is_typed_behind_it() {
    let mut pane = Pane::of("claude");
    pane.shows(&claude("idle_start")).file(AgentState::Working).shows(&claude("working_thinking"));
    pane.file(AgentState::Idle).shows(&claude("finished")).shows(&claude("typed_not_sent"));
    assert_eq!(pane.ended(), FINISHED);
    // The end of that turn is none of the next one's.
    pane.file(AgentState::Working).shows(&claude("working_thinking")).file(AgentState::Idle);
    pane.shows(&claude("after_edit_rejection"));
    assert_eq!(pane.core.ending(), Ending::Unproven);
}

#[test]
fn a_draft_that_was_there_before_the_end_is_a_persons_own() {
    let working = claude("working_thinking");
    let drafted = working.replacen("\n❯\u{a0}", "\n❯ and then", 1).replacen("\n❯ \n", "\n❯ and then\n", 1);
    let finished = claude("finished");
    let finished = finished.replacen("\n❯\u{a0}", "\n❯ and then", 1).replacen("\n❯ \n", "\n❯ and then\n", 1);
    assert!(drafted != working && finished != claude("finished"));
    let mut pane = Pane::of("claude");
    pane.shows(&claude("idle_start")).file(AgentState::Working).shows(&drafted);
    pane.file(AgentState::Idle).shows(&finished);
    assert_eq!(pane.ended(), FINISHED);
}

#[test]
fn codex_is_done_by_its_own_report_or_row() {
    let report = |state| Input::Report(Report { state, app: Some("codex".into()) });
    let codex = |name: &str| text(&format!("codex-0.171.0/{name}"));
    let mut pane = Pane::of("codex");
    pane.shows(&codex("idle_start")).on(report(ProgramState::Working));
    pane.shows(&codex("working_thinking")).on(report(ProgramState::Idle));
    pane.shows(&codex("interrupted"));
    assert_eq!(pane.ended(), STOPPED);
    for end in [ProgramState::Done, ProgramState::Idle] {
        let mut pane = Pane::of("codex");
        pane.shows(&codex("idle_start")).on(report(ProgramState::Working));
        pane.on(report(end));
        pane.shows(&codex("finished"));
        assert_eq!(pane.ended(), FINISHED);
    }
    // A turn that is quicker than any look.
    let mut pane = Pane::of("codex");
    pane.shows(&codex("idle_start")).on(report(ProgramState::Working));
    pane.on(report(ProgramState::Done));
    assert_eq!(pane.ended(), FINISHED);
    let finished = codex("finished");
    let at = finished.rfind("  Worked for").unwrap();
    let compacted = format!("{}• Context compacted · 0s\n\n{}", &finished[..at], &finished[at..]);
    let mut pane = Pane::of("codex");
    pane.shows(&codex("idle_start")).on(report(ProgramState::Working));
    pane.on(report(ProgramState::Done));
    pane.shows(&compacted);
    assert_eq!(pane.ended(), UNPROVEN);
}

#[test]
fn an_agent_whose_screen_shows_no_end_must_have_left_something() {
    let gemini = |name: &str| text(&format!("gemini-0.61.0/{name}"));
    let working = gemini("working_thinking");
    for (end, wanted) in [("idle_after_answer", FINISHED), ("idle_start", UNPROVEN)] {
        let mut pane = Pane::of("gemini");
        pane.shows(&gemini("idle_start")).shows(&working).shows(&gemini(end));
        assert_eq!(pane.ended(), wanted, "{end}");
    }
}

#[test]
fn what_ended_before_anybody_watched_is_told_by_its_screen() {
    for (end, wanted) in
        [("finished", Ending::Finished), ("after_edit_rejection", Ending::Unproven), ("idle_start", Ending::Unproven)]
    {
        let mut pane = Pane::of("claude");
        pane.shows(&claude(end));
        assert_eq!((pane.core.ending(), pane.core.awaits_end()), (wanted, false), "{end}");
    }
    let (_, given_back) = before_given_back();
    let mut pane = Pane::of("claude");
    pane.shows(&given_back);
    assert_eq!(pane.core.ending(), Ending::Unproven);
}

#[test]
fn who_looks_back_sees_no_end_until_he_comes_back() {
    let finished = claude("finished");
    let row = finished.lines().rfind(|row| row.starts_with('✻')).unwrap();
    let end = finished.rfind(row).unwrap() + row.len();
    let back = format!("{}      Jump to bottom (ctrl+End) ↓{}", &finished[..end], &finished[end..]);
    let mut pane = Pane::of("claude");
    pane.shows(&claude("idle_start")).file(AgentState::Working).shows(&claude("working_thinking"));
    pane.file(AgentState::Idle).shows(&back);
    assert_eq!(pane.ended(), UNPROVEN);
    pane.shows(&finished);
    assert_eq!(pane.ended(), FINISHED);
}
