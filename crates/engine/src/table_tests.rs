use super::*;

const STATES: [StageState; 14] = [
    StageState::Waiting,
    StageState::NeedsApproval,
    StageState::Queued,
    StageState::Starting,
    StageState::Running,
    StageState::Retrying,
    StageState::Asking,
    StageState::Succeeded,
    StageState::Failed,
    StageState::Escalated,
    StageState::Skipped,
    StageState::Cancelled,
    StageState::Rejected,
    StageState::Expired,
];

const RUNS: [RunState; 6] =
    [RunState::Open, RunState::Succeeded, RunState::Failed, RunState::Cancelled, RunState::Rejected, RunState::Expired];

#[test]
fn every_pair_of_state_and_input_of_stages() {
    let mut table = String::new();
    for input in StageInput::ALL {
        let row = STATES.iter().filter_map(|&from| next_stage(from, input).map(|to| format!("{from:?}>{to:?}")));
        table.push_str(&format!("{input:?}: {}\n", row.collect::<Vec<_>>().join(" ")));
    }
    insta::assert_snapshot!(table, @r"
    Gate: Waiting>NeedsApproval Queued>NeedsApproval Asking>NeedsApproval Succeeded>NeedsApproval Failed>NeedsApproval Escalated>NeedsApproval Skipped>NeedsApproval Cancelled>NeedsApproval Rejected>NeedsApproval Expired>NeedsApproval
    Queue: Waiting>Queued NeedsApproval>Queued Running>Queued Retrying>Queued Asking>Queued Succeeded>Queued Failed>Queued Escalated>Queued Skipped>Queued Cancelled>Queued Rejected>Queued Expired>Queued
    Start: Waiting>Starting NeedsApproval>Starting Queued>Starting Running>Starting Retrying>Starting Asking>Starting Succeeded>Starting Failed>Starting Escalated>Starting Skipped>Starting Cancelled>Starting Rejected>Starting Expired>Starting
    Ready: Starting>Running
    Succeed: Running>Succeeded Asking>Succeeded
    Fail: NeedsApproval>Failed Starting>Failed Running>Failed Retrying>Failed Asking>Failed
    Retry: Starting>Retrying Running>Retrying
    Ask: Starting>Asking Running>Asking
    Escalate: NeedsApproval>Escalated Starting>Escalated Running>Escalated Retrying>Escalated Asking>Escalated
    Skip: NeedsApproval>Skipped Queued>Skipped Starting>Skipped Running>Skipped Retrying>Skipped Asking>Skipped Failed>Skipped Escalated>Skipped Cancelled>Skipped Rejected>Skipped Expired>Skipped
    Cancel: NeedsApproval>Cancelled Queued>Cancelled Starting>Cancelled Running>Cancelled Retrying>Cancelled Asking>Cancelled
    Reject: NeedsApproval>Rejected
    Expire: NeedsApproval>Expired
    Reset: Succeeded>Waiting Failed>Waiting Escalated>Waiting Skipped>Waiting Cancelled>Waiting Rejected>Waiting Expired>Waiting
    LeaveOut: Waiting>Skipped NeedsApproval>Skipped Queued>Skipped Succeeded>Skipped Failed>Skipped Escalated>Skipped Cancelled>Skipped Rejected>Skipped Expired>Skipped
    ");
}

#[test]
fn every_pair_of_state_and_input_of_runs() {
    for from in RUNS {
        for input in RunInput::ALL {
            let expected = match (from, input) {
                (RunState::Open, RunInput::Succeed) => Some(RunState::Succeeded),
                (RunState::Open, RunInput::Fail) => Some(RunState::Failed),
                (RunState::Open, RunInput::Cancel) => Some(RunState::Cancelled),
                (RunState::Open, RunInput::Reject) => Some(RunState::Rejected),
                (RunState::Open, RunInput::Expire) => Some(RunState::Expired),
                (_, RunInput::Reopen) if from != RunState::Open => Some(RunState::Open),
                _ => None,
            };
            assert_eq!(next_run(from, input), expected, "{from:?} {input:?}");
        }
    }
}

#[test]
fn no_input_leaves_a_stage_where_it_was() {
    for from in STATES {
        for input in StageInput::ALL {
            assert_ne!(next_stage(from, input), Some(from), "{from:?} {input:?}");
        }
    }
}

#[test]
fn ended_stages_move_only_by_people() {
    for from in STATES.into_iter().filter(|state| state.is_ended()) {
        for input in StageInput::ALL.into_iter().filter(|&input| next_stage(from, input).is_some()) {
            let by_people = matches!(
                input,
                StageInput::Gate
                    | StageInput::Queue
                    | StageInput::Start
                    | StageInput::Skip
                    | StageInput::Reset
                    // As `Start` by its loop.
                    | StageInput::LeaveOut
            );
            assert!(by_people, "{from:?} {input:?}");
        }
    }
}

#[test]
fn every_live_stage_can_be_cancelled_and_left_out() {
    for from in STATES {
        assert_eq!(next_stage(from, StageInput::Cancel).is_some(), from.is_live(), "{from:?}");
        if from.is_live() {
            assert_eq!(next_stage(from, StageInput::Skip), Some(StageState::Skipped), "{from:?}");
        }
    }
}

/// The table in the module's header is the one that the code follows.
#[test]
fn the_header_says_what_the_code_does() {
    let header: Vec<&str> = include_str!("table.rs").lines().take_while(|line| line.starts_with("//!")).collect();
    let live = &STATES[..7];
    for input in StageInput::ALL {
        let name = format!("//! {input:?} ");
        let row = header.iter().find(|line| line.starts_with(&name)).unwrap_or_else(|| panic!("{input:?} is missing"));
        let cells: Vec<&str> = row.split_whitespace().skip(2).collect();
        for (&from, cell) in live.iter().zip(&cells) {
            let to = next_stage(from, input).map_or("–".to_owned(), |to| format!("{to:?}"));
            let short = cell.trim_end_matches('.');
            assert!(to.starts_with(short), "{input:?} from {from:?}: the header says {cell}, the code {to}");
        }
    }
}
