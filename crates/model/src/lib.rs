//! The words of the domain: identities, events, effects, decisions and the snapshot.
//!
//! **Invariant:** nothing here does I/O, reads a clock or knows a terminal. Every other crate may
//! import this one; this one imports none. The serde forms of these types are the journal's and
//! the socket's format, so a changed field is a changed format and needs a default.

// Tests read their fixtures.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

mod agent;
mod approval;
mod block;
mod command;
mod doubt;
mod effect;
mod event;
mod filter;
mod ids;
mod lease;
mod note;
mod owner;
mod reader;
mod redacted;
pub mod shell;
mod shell_files;
mod snapshot;
mod telling;
mod time;
mod trouble;

pub use agent::{
    AgentAnswer, AgentQuestion, AgentQuestionKind, AgentRequest, AgentSeen, AgentState, AgentStatus, Ancestor,
    AnswerRole, Evidence, EvidenceSource, HookReport, HookTold, RequestNews, WaitingRequest,
};
pub use approval::{Approval, ApprovalKind, ApprovalState, Decider, Decision, OnApprove, Undo, Verdict, Via};
pub use block::{BlockLine, LineBlock};
pub use command::{Command, HumanCall, KeyStep, RunControl};
pub use doubt::Doubt;
pub use effect::{
    Alert, AlertKind, Change, CiRun, DirectAnswer, Effect, EntityKind, Intent, IntentState, Outcome, PollSpec, Prompt,
    Recovery, Repeats, SendKeys, ShellCall, SkipReason, TimerKey, Urgency, shows_line,
};
pub use event::{
    AgentMessage, Event, LineEvent, LineSource, MessageType, Origin, PRINTED, PaneFacts, PaneInfo, PollOutcome,
    Printed, ProgramState, ShellOutcome, Variables,
};
pub use filter::{NameFilter, check_pattern};
pub use ids::{ApprovalId, HostName, IdError, IntentId, PaneId, PaneKey, RunId, ServerId, SessionId, WindowId};
pub use lease::{LeaseOffer, LeaseView, LeftToPerson};
pub use note::{ConfigPart, HowChanged, Note, PartChange, Severity};
pub use owner::{OpenQuestion, Owner};
pub use reader::{Awaited, Basis, Front, Holds, Needs, PaneReader, Reads, SeenByPerson};
pub use redacted::{Carry, Redact, Redaction, SecretMark, is_lost, is_mark, own_characters, recalls};
pub use shell::{Shell, ShellText};
pub use shell_files::shell_files_script;
pub use snapshot::{
    Counters, EventLine, Freeze, HostState, HostView, InputView, Problem, RunState, RunView, Snapshot, StageState,
    StageView,
};
pub use snapshot::{HeldSend, PaneState, PaneView};
pub use telling::{GAP, cause_of, ending, fitting, last_that_fit, shortened, telling};
pub use time::{Millis, Timestamp};
pub use trouble::{Malformed, Trouble};
