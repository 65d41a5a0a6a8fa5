//! A recogniser: what is known of one agent's screens and process. It is read from YAML by `read`.

use regex::Regex;
use tmuxagent_model::{AgentQuestionKind, AgentState, AnswerRole};

/// All that is known of one agent.
#[derive(Debug, Clone)]
pub struct Recogniser {
    /// The agent's name.
    pub agent: String,
    /// Its name for people.
    pub title: String,
    /// The revision of these rules.
    pub revision: u64,
    /// The agent's versions from whose screens the rules were made.
    pub seen: Vec<String>,
    /// Names of its executable.
    pub(crate) names: Vec<String>,
    /// Parts of the path of its executable, where that has another name.
    pub(crate) paths: Vec<String>,
    /// Parts of the path of the script that an interpreter runs for it.
    pub(crate) scripts: Vec<String>,
    /// Name of its executable and the first word behind it, where that program is many things: `tmuxagent fake-agent`.
    pub(crate) commands: Vec<String>,
    /// What stands behind its name where it is no agent in a terminal but a server that several of them share.
    pub(crate) servers: Vec<String>,
    /// What it calls itself in its status reports.
    pub(crate) reports: Vec<String>,
    /// Its dialog is shown, and can be answered, while its permission hook waits.
    pub(crate) hooks_wait: bool,
    /// Where its input line stands.
    pub(crate) composer: ComposerShape,
    /// Where its dialogs stand.
    pub(crate) frame: Frame,
    /// A row that says that not all of a dialog is shown.
    pub(crate) clipped: Option<Regex>,
    /// Its dialogs.
    pub(crate) dialogs: Vec<DialogRule>,
    /// What is told by the places beside the input line; the first that fits counts.
    pub(crate) rules: Vec<StateRule>,
}

impl Recogniser {
    /// How many dialogs and states it knows.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.dialogs.len() + self.rules.len()
    }

    /// Whether its screen shows that a turn came to its own end.
    pub(crate) fn shows_ends(&self) -> bool {
        self.rules.iter().any(|rule| rule.turn == Some(Turn::Finished))
    }
}

/// How the input line is found, from the bottom of the screen.
#[derive(Debug, Clone)]
pub(crate) struct ComposerShape {
    /// Its first row.
    pub prompt: Regex,
    /// Never its first row, though it looks like one: a choice.
    pub not_prompt: Option<Regex>,
    /// Its further rows.
    pub row: Option<Regex>,
    /// The row right above it.
    pub above: Option<Regex>,
    /// The row right below it; without one it is the end of the screen.
    pub below: Option<Regex>,
    /// One of the rows below all that.
    pub footer_row: Option<Regex>,
    /// At most this many rows with text stand below it.
    pub footer: usize,
    /// The cursor stands in it while it reads: anywhere else it is another field that takes the keys.
    pub cursor: bool,
    /// Rows above it in which the program shows notices.
    pub notices: usize,
    /// The last row above it, where that says that an earlier part of the conversation is shown.
    pub looks_back: Option<Regex>,
    /// Rows at its end that are no text of the user.
    pub tail: usize,
    /// What stands in it while it is empty.
    pub placeholder: Vec<Regex>,
}

/// How a dialog is set off from what is above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A rule over the whole width above it (Claude Code).
    Rule,
    /// Nothing but its indentation (Codex).
    Indented,
    /// A box with corners (Gemini CLI).
    Boxed,
    /// A bar along its left side (opencode).
    Bar,
    /// It is the last row (aider).
    Line,
}

/// How the answers are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerStyle {
    /// `1. Yes`, one or more rows each.
    Numbered,
    /// One row each, the highlighted one behind a mark.
    Marked,
    /// All in one row, parted by wide gaps.
    Inline,
    /// `(Y)es/(N)o [Yes]:` at the end of the row.
    Letters,
}

/// Which keys choose an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerKeys {
    /// Its number or letter.
    Own,
    /// Its number or letter, then Enter.
    OwnThenEnter,
    /// Enter, for the highlighted one alone.
    Enter,
    /// None that is known.
    None,
}

/// One dialog.
#[derive(Debug, Clone)]
pub(crate) struct DialogRule {
    pub name: String,
    pub state: AgentState,
    pub kind: AgentQuestionKind,
    /// Its first row. Where the frame does not tell where it begins, this does.
    pub title: Option<Regex>,
    /// Finds the command once more in an answer, since the way in which it is shown leaves signs out.
    pub again: Option<Regex>,
    /// The last row above the answers.
    pub ask: Option<Regex>,
    /// The paragraph below the answers, its rows joined.
    pub hint: Option<Regex>,
    pub style: AnswerStyle,
    /// The mark of the highlighted answer.
    pub mark: String,
    /// Whether rows below an answer describe it, rather than continue it.
    pub described: bool,
    pub keys: AnswerKeys,
    pub detail: Option<Detail>,
    pub reason: Option<Regex>,
    pub place: Option<Regex>,
    pub roles: Vec<(Regex, AnswerRole)>,
    pub cancel: Option<String>,
    pub colour: Option<u8>,
}

/// Which rows of a dialog are the command, change or question itself.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    /// The first of them, or the row above the first.
    pub from: Regex,
    /// Whether `from` is one of them.
    pub inclusive: bool,
    /// The row below the last; the last such row counts.
    pub until: Option<Regex>,
    /// What is taken off each row.
    pub strip: Option<Regex>,
}

/// A place that the program draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Region {
    /// The paragraph right above the input line, its rows joined by spaces.
    Ending,
    /// A row below the input line.
    Footer,
    /// That there is an input line.
    Composer,
    /// The last row of the screen, where there is no input line.
    Bottom,
}

/// What a place tells.
#[derive(Debug, Clone)]
pub(crate) struct StateRule {
    pub name: String,
    pub state: AgentState,
    pub region: Region,
    pub matches: Option<Regex>,
    pub not: Option<Regex>,
    /// The paragraph above the ending fits too.
    pub behind: Option<Regex>,
    /// Finds the end of a limit in its first group.
    pub until: Option<Regex>,
    /// The row must be faint, or not.
    pub dim: Option<bool>,
    pub colour: Option<u8>,
    /// Whether it holds against other sources.
    pub sure: bool,
    /// What it says of how the last turn ended.
    pub turn: Option<Turn>,
}

/// How a turn of an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It came to its own end.
    Finished,
    /// A person stopped it.
    Stopped,
    /// It was none: the program did something of its own, such as a compaction.
    Upkeep,
}
