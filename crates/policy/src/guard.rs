//! Whether a stage is run when it is its turn (`if`).

use super::policy::{TextTemplate, TextTest};
use tmuxagent_model::{RunState, StageState};

/// What must hold for a stage to be run; where it does not, the stage is skipped.
#[derive(Debug, Clone)]
pub enum Guard {
    /// One of them holds; with none inside: never.
    Any(Vec<Guard>),
    /// All of them hold; with none inside: always.
    All(Vec<Guard>),
    /// It does not hold.
    Not(Box<Guard>),
    /// A value of the run passes one of the tests; without a test it is neither empty nor `false`.
    Value {
        /// What it is called in texts: `inputs.env`, `version`.
        name: String,
        /// What it can be.
        tests: Vec<Wanted>,
    },
    /// A stage of the run ended in one of these ways.
    Stage {
        /// The stage.
        name: String,
        /// How it ended.
        ends: Vec<StageEnd>,
    },
    /// The command of a stage ended with one of these codes; with none: with any but 0.
    ExitCode {
        /// The stage.
        stage: String,
        /// The codes.
        codes: Vec<i32>,
    },
    /// One of these files or folders is there.
    FileExists(Vec<TextTemplate>),
    /// The run ends in one of these ways.
    Run(Vec<RunState>),
}

/// A test of a value with the text that its author wrote.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// As it is written.
    pub source: String,
    /// The test.
    pub test: TextTest,
}

/// How a stage ended, in the words of `if`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageEnd {
    /// Well.
    Succeeded,
    /// Badly, or handed on.
    Failed,
    /// It was left out.
    Skipped,
    /// Its gate stayed shut.
    Rejected,
    /// It was ended from outside.
    Cancelled,
}

impl StageEnd {
    /// All of them with their words.
    pub const ALL: [(&'static str, Self); 5] = [
        ("succeeded", Self::Succeeded),
        ("failed", Self::Failed),
        ("skipped", Self::Skipped),
        ("rejected", Self::Rejected),
        ("cancelled", Self::Cancelled),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, end)| *end == self).map_or("", |(word, _)| word)
    }

    /// Whether a stage in that state ended so.
    #[must_use]
    pub const fn is(self, state: StageState) -> bool {
        matches!(
            (self, state),
            (Self::Succeeded, StageState::Succeeded)
                | (Self::Failed, StageState::Failed | StageState::Escalated)
                | (Self::Skipped, StageState::Skipped)
                | (Self::Rejected, StageState::Rejected | StageState::Expired)
                | (Self::Cancelled, StageState::Cancelled)
        )
    }
}

impl Guard {
    /// The stages that have ended, with a value left behind, wherever it holds.
    pub(crate) fn known_stages(&self) -> Vec<&str> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::known_stages).collect(),
            Self::Any(parts) => match parts.as_slice() {
                [only] => only.known_stages(),
                _ => Vec::new(),
            },
            Self::Stage { name, ends }
                if ends.iter().all(|end| matches!(end, StageEnd::Succeeded | StageEnd::Failed)) =>
            {
                vec![name]
            }
            Self::ExitCode { stage, .. } => vec![stage],
            Self::Not(_) | Self::Value { .. } | Self::Stage { .. } | Self::FileExists(_) | Self::Run(_) => Vec::new(),
        }
    }

    /// In one line, close to how it is written.
    #[must_use]
    pub fn describe(&self) -> String {
        let join = |word: &str, parts: &[Self]| match parts {
            [] => "never".to_owned(),
            [part] => part.describe(),
            _ => format!("{word} [{}]", parts.iter().map(Self::describe).collect::<Vec<_>>().join(", ")),
        };
        let words = |words: Vec<String>| words.join("|");
        match self {
            Self::Any(parts) => join("any_of", parts),
            Self::All(parts) => join("all_of", parts),
            Self::Not(part) => format!("not {}", part.describe()),
            Self::Value { name, tests } if tests.is_empty() => name.clone(),
            Self::Value { name, tests } => {
                format!("{name} is {}", words(tests.iter().map(|test| test.source.clone()).collect()))
            }
            Self::Stage { name, ends } => {
                format!("stage {name} {}", words(ends.iter().map(|end| end.word().to_owned()).collect()))
            }
            Self::ExitCode { stage, codes } if codes.is_empty() => format!("exit_code of {stage} other than 0"),
            Self::ExitCode { stage, codes } => {
                format!("exit_code of {stage} {}", words(codes.iter().map(ToString::to_string).collect()))
            }
            Self::FileExists(paths) => {
                format!("file_exists {}", words(paths.iter().map(|path| path.source.clone()).collect()))
            }
            Self::Run(states) => {
                format!("run {}", words(states.iter().map(|state| run_word(*state).to_owned()).collect()))
            }
        }
    }
}

/// How a run ends, in the words of `if`.
pub(crate) const RUN_ENDS: &[(&str, RunState)] =
    &[("succeeded", RunState::Succeeded), ("failed", RunState::Failed), ("cancelled", RunState::Cancelled)];

fn run_word(state: RunState) -> &'static str {
    RUN_ENDS.iter().find(|(_, known)| *known == state).map_or("", |(word, _)| word)
}
