use super::*;
use crate::{Screen, bundled, recognise};
use tmuxagent_model::{Millis, ProgramState};

struct Pane {
    core: AgentCore,
    now: Timestamp,
}

fn process(pid: u32) -> AgentProcess {
    AgentProcess { agent: "codex".into(), pid, start: 7, pids: vec![(pid, 7)] }
}

fn report(state: ProgramState) -> Input {
    Input::Report(Report { state, app: Some("codex".into()) })
}

fn blocked() -> Input {
    report(ProgramState::Blocked { kind: Some("permission".into()), message: None })
}

fn vendor(state: AgentState) -> Input {
    Input::Vendor(Some(VendorState { state, rule: "file".into(), text: String::new(), changed: None }))
}

const DIALOG: &str = "• Running touch a\n\n\n  Would you like to run the following command?\n\n  $ touch a\n\n\n› 1. Yes, proceed (y)\n  2. No, and tell Codex what to do differently (esc)\n\n  Press enter to confirm or esc to cancel\n";
const IDLE: &str = "  Worked for 6s • 10:39\n\n\n› Ask Codex to do anything\n\n  GPT-5.5 default · /demo\n";
const LIMITED: &str = "■ You’ve hit your usage limit. Upgrade to Pro or try again at 12:10 PM.\n\n\n› Ask Codex to do anything\n\n  GPT-5.5 default · /demo\n";

fn screen(text: &str) -> Input {
    let codex = bundled().into_iter().find(|known| known.agent == "codex").unwrap();
    Input::Screen(Box::new(recognise(&codex, &Screen::of(text))))
}

impl Pane {
    fn new() -> Self {
        let mut pane = Self { core: AgentCore::new(&bundled(), Limits::default()), now: Timestamp(1000) };
        pane.on(0, Input::Process(Some(process(5))));
        pane
    }

    fn on(&mut self, after: u64, input: Input) -> Vec<Output> {
        self.now = self.now + Millis(after);
        self.core.on(self.now, input)
    }

    fn state(&self) -> AgentState {
        self.core.status().unwrap().state.clone()
    }
}

#[test]
fn without_its_process_nothing_that_is_printed_is_an_agent() {
    let mut core = AgentCore::new(&bundled(), Limits::default());
    for input in [screen(DIALOG), blocked(), vendor(AgentState::Working), Input::Tick, Input::Process(None)] {
        assert_eq!(core.on(Timestamp(1), input), []);
    }
    assert_eq!((core.status(), core.readiness(), core.deadline()), (None, Readiness::Gone, None));
}

#[test]
fn a_report_of_another_program_is_none_of_the_agents() {
    let mut pane = Pane::new();
    pane.on(1, Input::Report(Report { state: ProgramState::Done, app: Some("cargo".into()) }));
    assert_eq!(pane.state(), AgentState::Unsure);
    pane.on(1, report(ProgramState::Working));
    assert_eq!(pane.state(), AgentState::Working);
}

#[test]
fn a_turn_goes_from_work_to_a_question_to_done() {
    let mut pane = Pane::new();
    pane.on(1, screen(IDLE));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Idle, Readiness::Ready));
    pane.on(1, report(ProgramState::Working));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Working, Readiness::Busy));
    pane.on(100, blocked());
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::NeedsApproval, Readiness::Asks));
    let told = pane.on(100, screen(DIALOG));
    assert!(
        matches!(&told[..], [Output::Asked(question), Output::Changed(_)] if question.detail == "touch a"),
        "{told:?}"
    );
    assert_eq!(pane.on(50, screen(DIALOG)), [], "the same again");
    pane.on(100, report(ProgramState::Working));
    let closed = pane.on(100, screen(IDLE));
    assert!(closed.iter().any(|out| matches!(out, Output::Closed { .. })), "{closed:?}");
    pane.on(3000, report(ProgramState::Done));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Done, Readiness::Ready));
    let since = pane.core.status().unwrap().since;
    pane.on(10, Input::LookedAt);
    assert_eq!(pane.state(), AgentState::Idle);
    assert!(pane.core.status().unwrap().since > since);
}

#[test]
fn a_state_dies_with_its_process() {
    let mut pane = Pane::new();
    pane.on(1, screen(DIALOG));
    pane.on(1, blocked());
    let told = pane.on(1, Input::Process(None));
    assert_eq!(pane.state(), AgentState::Exited);
    assert!(matches!(told[0], Output::Closed { .. }), "{told:?}");
    assert_eq!(pane.on(1, screen(DIALOG)), [], "the screen stays as it was");
    assert_eq!(pane.core.readiness(), Readiness::Gone);
    // The same id, another process.
    pane.on(1, Input::Process(Some(AgentProcess { start: 8, pids: vec![(5, 8)], ..process(5) })));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Starting, Readiness::Unsure));
}

#[test]
fn an_agent_of_which_nothing_is_known_yet_starts() {
    assert!(!Pane::new().core.starts(), "it was there before anybody watched");
    let begin = || {
        let core = AgentCore::new(&bundled(), Limits::default()).watched_before(true);
        let mut pane = Pane { core, now: Timestamp(1000) };
        pane.on(0, Input::Process(Some(process(5))));
        pane
    };
    let mut pane = begin();
    assert!(pane.core.starts());
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Starting, Readiness::Unsure));
    assert_eq!(pane.core.deadline(), Some(Timestamp(1000) + Limits::default().starts));
    pane.on(Limits::default().starts.0, Input::Tick);
    assert_eq!((pane.state(), pane.core.deadline()), (AgentState::Unsure, None), "it can't be read");
    let mut pane = begin();
    pane.on(10, screen(IDLE));
    assert_eq!(pane.state(), AgentState::Idle);
    pane.on(10, Input::Vendor(None));
    assert!(!pane.core.starts());
}

#[test]
fn work_that_only_the_count_in_its_file_tells_is_done_once_no_other_follows() {
    let mut pane = Pane::new();
    pane.on(1, vendor(AgentState::Idle));
    pane.on(1, screen(IDLE));
    // The count changed: a turn that nobody saw, or a prompt that comes in.
    pane.on(100, vendor(AgentState::Working));
    pane.on(0, vendor(AgentState::Idle));
    pane.on(0, screen(&format!("• More\n\n{IDLE}")));
    assert_eq!(pane.state(), AgentState::Idle);
    assert_eq!(pane.core.deadline(), Some(pane.now + Limits::default().moment));
    pane.on(Limits::default().moment.0, Input::Tick);
    assert_eq!((pane.state(), pane.core.deadline()), (AgentState::Done, None));
    pane.on(100, vendor(AgentState::Working));
    pane.on(0, vendor(AgentState::Idle));
    pane.on(300, vendor(AgentState::Working));
    assert_eq!(pane.state(), AgentState::Working);
}

#[test]
fn sources_that_contradict_each_other_for_longer_than_a_moment_make_it_unsure() {
    let mut pane = Pane::new();
    pane.on(1, vendor(AgentState::Working));
    pane.on(10, screen(DIALOG));
    assert_eq!(pane.state(), AgentState::NeedsApproval, "keys would answer it");
    assert_eq!(pane.core.deadline(), Some(pane.now + Limits::default().moment));
    pane.on(1500, Input::Tick);
    assert_eq!(pane.state(), AgentState::NeedsApproval, "the screen was not looked at since");
    pane.on(10, screen(DIALOG));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Unsure, Readiness::Unsure));
    assert_eq!(pane.core.status().unwrap().evidence.len(), 2);
    pane.on(10, vendor(AgentState::NeedsApproval));
    assert_eq!(pane.state(), AgentState::NeedsApproval);
}

#[test]
fn an_error_that_only_the_screen_tells_is_told() {
    let mut pane = Pane::new();
    pane.on(1, vendor(AgentState::Working));
    pane.on(1, vendor(AgentState::Idle));
    pane.on(1, screen(LIMITED));
    assert_eq!(pane.state(), AgentState::RateLimited { until: Some("12:10 PM".into()) });
    assert_eq!(pane.core.readiness(), Readiness::Ready, "it reads, though its service refuses it");
    pane.on(1, report(ProgramState::Error));
    assert_eq!(pane.state(), AgentState::RateLimited { until: Some("12:10 PM".into()) });
    pane.on(1, vendor(AgentState::Working));
    assert_eq!(pane.state(), AgentState::Working);
}

#[test]
fn one_that_works_without_a_sign_of_life_is_stalled() {
    let mut pane = Pane::new();
    pane.on(1, report(ProgramState::Working));
    let spinner = |seconds: u32| {
        screen(&format!("◦ Working ({seconds}s • esc to interrupt)\n\n\n› \n\n  GPT-5.5 default · /demo\n"))
    };
    pane.on(1, spinner(1));
    assert_eq!(pane.state(), AgentState::Working);
    let due = pane.core.deadline().unwrap();
    for second in 2..30 {
        pane.on(1000, spinner(second));
    }
    assert_eq!(pane.core.deadline(), Some(due), "a counter is no sign of life");
    pane.on(600_000, Input::Tick);
    assert_eq!(pane.state(), AgentState::Stalled);
    pane.on(1, report(ProgramState::Working));
    assert_eq!(pane.state(), AgentState::Working);
}

#[test]
fn a_dialog_half_drawn_for_an_instant_stays_the_question_that_it_is() {
    let mut pane = Pane::new();
    pane.on(1, screen(DIALOG));
    let half = &DIALOG[..DIALOG.find("  2. No").unwrap()];
    assert_eq!(pane.on(100, screen(half)), []);
    assert_eq!(pane.on(100, screen(DIALOG)), []);
    let gone = pane.on(5000, screen(half));
    assert!(matches!(gone[0], Output::Closed { .. }), "{gone:?}");
}

#[test]
fn a_draft_holds_prompts_back() {
    let mut pane = Pane::new();
    pane.on(1, report(ProgramState::Idle));
    assert_eq!(pane.core.readiness(), Readiness::Unsure, "the input line was not seen");
    pane.on(1, screen(&IDLE.replace("Ask Codex to do anything", "hello draft")));
    assert_eq!(pane.core.readiness(), Readiness::Draft("hello draft".into()));
}

#[test]
fn a_limit_is_over_once_something_else_is_shown_last() {
    let mut pane = Pane::new();
    pane.on(1, report(ProgramState::Working));
    pane.on(1, report(ProgramState::Error));
    pane.on(1, screen(LIMITED));
    let limited = AgentState::RateLimited { until: Some("12:10 PM".into()) };
    assert_eq!(pane.state(), limited);
    pane.on(1, report(ProgramState::Working));
    assert_eq!(pane.state(), AgentState::Working);
    pane.on(1, report(ProgramState::Done));
    pane.on(1, screen(&format!("{}\n\n• It answers again.\n\n{IDLE}", LIMITED.lines().next().unwrap())));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Done, Readiness::Ready));
}

fn hook(state: AgentState) -> Input {
    Input::Hook(Some(VendorState { state, rule: "hook".into(), text: String::new(), changed: None }))
}

#[test]
fn a_hook_counts_before_reports_and_the_screen_and_after_the_agents_own_file() {
    let mut pane = Pane::new();
    pane.on(1, screen(IDLE));
    pane.on(1, report(ProgramState::Idle));
    pane.on(1, hook(AgentState::Working));
    assert_eq!(pane.state(), AgentState::Working);
    assert_eq!(pane.core.evidence()[0].source, EvidenceSource::Hook);
    let mut pane = Pane::new();
    pane.on(1, vendor(AgentState::Working));
    pane.on(1, hook(AgentState::Done));
    assert_eq!(pane.state(), AgentState::Working, "the file counts");
    // The file holds on to it.
    pane.on(1600, Input::Tick);
    assert_eq!(pane.state(), AgentState::Working);
    assert!(pane.core.evidence().iter().all(|evidence| evidence.source != EvidenceSource::Hook));
}

#[test]
fn one_that_begins_to_work_is_not_done_though_its_file_is_slower() {
    let mut pane = Pane::new();
    pane.on(1, vendor(AgentState::Idle));
    pane.on(1, screen(IDLE));
    pane.on(1000, hook(AgentState::Working));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Working, Readiness::Busy));
    pane.on(10, screen("• \n"));
    pane.on(10, screen(IDLE));
    assert_eq!(pane.state(), AgentState::Working, "it was drawn anew");
    pane.on(200, vendor(AgentState::Working));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Working, Readiness::Busy));
    pane.on(200, hook(AgentState::Done));
    pane.on(10, vendor(AgentState::Idle));
    pane.on(10, screen(IDLE));
    assert_eq!(pane.state(), AgentState::Done);
}

#[test]
fn a_prompt_that_came_to_nothing_is_no_work() {
    let mut pane = Pane::new();
    pane.on(1, vendor(AgentState::Idle));
    pane.on(1, hook(AgentState::Working));
    pane.on(1600, Input::Tick);
    assert_eq!(pane.state(), AgentState::Idle);
}

#[test]
fn what_no_hook_ends_is_ended_by_what_is_told_later() {
    let mut pane = Pane::new();
    pane.on(1, hook(AgentState::Working));
    pane.on(10, hook(AgentState::NeedsApproval));
    pane.on(200, screen(DIALOG));
    assert_eq!(pane.state(), AgentState::NeedsApproval);
    // Escape: no hook says so.
    pane.on(3000, report(ProgramState::Idle));
    pane.on(1, screen(IDLE));
    assert_eq!(pane.state(), AgentState::Done, "it had asked");
    pane.on(5000, screen(IDLE));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Done, Readiness::Ready));
}

#[test]
fn a_hook_that_contradicts_what_was_so_before_makes_it_unsure() {
    let mut pane = Pane::new();
    pane.on(1, screen(DIALOG));
    pane.on(1, hook(AgentState::Done));
    assert_eq!(pane.state(), AgentState::NeedsApproval, "keys would answer it");
    pane.on(1600, screen(DIALOG));
    assert_eq!((pane.state(), pane.core.readiness()), (AgentState::Unsure, Readiness::Unsure));
    pane.on(1, Input::Process(Some(process(6))));
    assert_eq!(pane.core.evidence(), [], "it died with its process");
}

#[test]
fn a_failure_that_only_a_hook_tells_is_told() {
    let mut pane = Pane::new();
    pane.on(1, vendor(AgentState::Working));
    pane.on(1, hook(AgentState::Error));
    pane.on(1, vendor(AgentState::Idle));
    assert_eq!(pane.state(), AgentState::Error);
    pane.on(5000, vendor(AgentState::Working));
    assert_eq!(pane.state(), AgentState::Working);
}
