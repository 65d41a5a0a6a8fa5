//! How a command ends: exit codes, and errors with their way out.

use std::io;
use tmuxagent_config::Problem;
use tmuxagent_ipc::wire::ErrorKind;
use tmuxagent_model::Doubt;
use tmuxagent_text::{Lang, doubt as doubt_text};

/// The exit codes. Scripts rely on them; a code never changes its meaning.
pub mod exit {
    /// Done; the answer is yes, or nothing is wrong.
    pub const OK: u8 = 0;
    /// Done, but the answer is no, or there are warnings.
    pub const NEGATIVE: u8 = 1;
    /// The command line, the configuration or a policy is wrong, or this machine does not allow it.
    pub const USER: u8 = 2;
    /// No supervisor runs, or it ends and did not begin with it.
    pub const NO_SUPERVISOR: u8 = 3;
    /// No such pane, run, approval or stage, or the name fits several.
    pub const NOT_FOUND: u8 = 4;
    /// Somebody decided before, or it changed since it was seen.
    pub const DECIDED: u8 = 5;
    /// The supervisor refuses it in the present state.
    pub const REFUSED: u8 = 6;
    /// Not certain: it may be done, or be done later, or not.
    pub const UNCERTAIN: u8 = 7;
    /// The system has no memory, threads or processes left for it (`EX_OSERR` of sysexits(3), "cannot fork").
    pub const SYSTEM: u8 = 71;
    /// tmuxagent itself failed.
    pub const INTERNAL: u8 = 70;
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum CliError {
    /// The user's to mend, exit code 2.
    User(Problem),
    /// The system's: it has none of what the program needs to begin.
    System(Problem),
    /// Nobody listens on the socket.
    NoSupervisor {
        /// What was tried.
        text: String,
    },
    /// No such thing; `candidates` are what could have been meant.
    NotFound {
        /// What was not found.
        text: String,
        /// How to find it.
        hint: String,
        /// What it could be.
        candidates: Vec<String>,
    },
    /// The supervisor's own answer.
    Answer {
        /// Its kind.
        kind: ErrorKind,
        /// Its sentence.
        text: String,
    },
    /// What the supervisor refuses in the present state, with the command that leads on.
    Refused {
        /// The supervisor's own sentence.
        text: String,
        /// The command.
        hint: String,
    },
    /// Nobody can say yet whether it is done.
    Uncertain {
        /// Why.
        doubt: Doubt,
        /// The command that tells once it is known.
        look: String,
    },
    /// Ours; the context is kept.
    Internal(color_eyre::Report),
    /// The reader of our output is gone, which is no error.
    Pipe,
}

/// What a command returns: an exit code, or an error with its own.
pub type Outcome = Result<u8, CliError>;

impl CliError {
    /// A user's error.
    pub fn user(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::User(Problem::new(text, hint))
    }

    /// An error of ours.
    pub fn internal(error: impl Into<color_eyre::Report>) -> Self {
        Self::Internal(error.into())
    }

    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::User(_) => exit::USER,
            Self::System(_) => exit::SYSTEM,
            Self::NoSupervisor { .. } => exit::NO_SUPERVISOR,
            Self::NotFound { .. } => exit::NOT_FOUND,
            Self::Answer { kind, .. } => match kind {
                ErrorKind::NotFound | ErrorKind::Ambiguous => exit::NOT_FOUND,
                ErrorKind::AlreadyDecided | ErrorKind::Stale => exit::DECIDED,
                ErrorKind::Refused => exit::REFUSED,
                ErrorKind::Ending => exit::NO_SUPERVISOR,
                ErrorKind::BadRequest => exit::USER,
                ErrorKind::UnknownRequest | ErrorKind::Internal => exit::INTERNAL,
            },
            Self::Refused { .. } => exit::REFUSED,
            Self::Uncertain { .. } => exit::UNCERTAIN,
            Self::Internal(_) => exit::INTERNAL,
            Self::Pipe => exit::OK,
        }
    }

    /// What went wrong, without the hint.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::User(problem) | Self::System(problem) => problem.text.clone(),
            Self::NoSupervisor { text } | Self::NotFound { text, .. } => text.clone(),
            Self::Answer { text, .. } | Self::Refused { text, .. } => {
                tmuxagent_text::in_zone(text, &jiff::tz::TimeZone::system())
            }
            Self::Uncertain { doubt, .. } => doubt_text(Lang::En, doubt),
            Self::Internal(report) => format!("{report:#}"),
            Self::Pipe => String::new(),
        }
    }

    /// The ways out.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::User(problem) | Self::System(problem) => problem.hint.clone().into_iter().collect(),
            Self::NoSupervisor { .. } => {
                vec!["start one with `tmuxagent`, or with `tmuxagent --headless` in the background".to_owned()]
            }
            Self::NotFound { hint, candidates, .. } if candidates.is_empty() => vec![hint.clone()],
            Self::NotFound { hint, candidates, .. } => vec![format!("{hint}\n  {}", candidates.join("\n  "))],
            Self::Uncertain { doubt, look } => {
                let first = if *doubt == Doubt::Ended { "once a supervisor runs again, " } else { "" };
                vec![format!("{first}`{look}` tells what became of it")]
            }
            Self::Refused { hint, .. } => vec![hint.clone()],
            Self::Answer { kind: ErrorKind::UnknownRequest, .. } => {
                vec!["the supervisor is of another version: `tmuxagent shutdown` and start it again".to_owned()]
            }
            Self::Answer { kind: ErrorKind::AlreadyDecided | ErrorKind::Stale, .. } => {
                vec!["`tmuxagent approvals --all` shows what is open and what was decided".to_owned()]
            }
            Self::Answer { .. } | Self::Internal(_) | Self::Pipe => Vec::new(),
        }
    }
}

impl From<Problem> for CliError {
    fn from(problem: Problem) -> Self {
        Self::User(problem)
    }
}

impl From<io::Error> for CliError {
    /// For our own output: a closed pipe is no error, and a full disk the machine's.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Pipe;
        }
        let text = error.to_string();
        let cause = text.split(" (os error").next().unwrap_or(&text).to_lowercase();
        Self::user(
            format!("can't write to standard output: {cause}"),
            "only what it prints is missing: what the command was to do is done",
        )
    }
}
