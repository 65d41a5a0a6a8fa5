//! What the engine wants done. Every effect is recorded as an [`Intent`] before it is performed.

use super::{
    AnswerRole, IntentId, KeyStep, Millis, Needs, PaneKey, PaneReader, RunId, Shell, ShellOutcome, ShellText, Timestamp,
};
use serde::{Deserialize, Serialize};

/// A timer's identity; a later one with the same key replaces the earlier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKey {
    /// A stage's time limit.
    StageTimeout(RunId, String),
    /// The agent that a stage gave a prompt should have been seen to work.
    Turn(RunId, String),
    /// The time in which a typed command is to begin.
    Begin(RunId, String),
    /// The pause before a retry.
    Backoff(RunId, String),
    /// The next look whether the shell is at its prompt again.
    Look(RunId, String),
    /// The time in which a pane that was made is to be seen.
    Made(RunId, String),
    /// The silence that `idle_for` waits for.
    Idle(RunId, String),
    /// The next poll.
    Poll(RunId, String, u32),
    /// The expiry of an approval.
    Expiry(super::ApprovalId),
    /// The next reminder of an approval.
    Reminder(super::ApprovalId),
    /// The undo period of a decision.
    Grace(super::ApprovalId),
    /// The next instant of a `schedule` trigger: pipeline, stage, pane.
    Schedule(String, String, PaneKey),
    /// The silence that an `idle_for` trigger waits for: pipeline, stage, pane.
    Silence(String, String, PaneKey),
    /// The next poll of a `poll` trigger: pipeline, stage, pane, number of the condition.
    TriggerPoll(String, String, PaneKey, u32),
}

/// How an open effect is settled after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// Perform it again: doing it twice has the effect of once.
    Redo,
    /// Nobody can know; the human decides.
    AskHuman,
    /// It was not done, and can't be any more: what may stand in its place is done.
    Instead,
}

/// Keys for a pane, guarded by compare-and-send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendKeys {
    /// Where.
    pub pane: PaneKey,
    /// What, in order.
    pub steps: Vec<KeyStep>,
    /// The program that must still run in the pane (`#{pane_current_command}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_command: Option<String>,
    /// A regular expression that must match the visible screen at that instant (tmux `#{C/r:…}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_screen: Option<String>,
    /// Who must read them.
    #[serde(default, skip_serializing_if = "Needs::is_nothing")]
    pub needs: Needs,
    /// The shells that read the text as it was meant, since its values are quoted for them; none where every reader does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shells: Vec<Shell>,
}

/// A multi-line text submitted to an agent as one bracketed paste, then Enter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Where.
    pub pane: PaneKey,
    /// The text.
    pub text: String,
    /// The program that must still run in the pane (`#{pane_current_command}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_command: Option<String>,
    /// Who must read it.
    #[serde(default, skip_serializing_if = "Needs::is_nothing")]
    pub needs: Needs,
}

/// The answer to a dialog, given to the agent's own request that waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectAnswer {
    /// [`WaitingRequest::id`](crate::WaitingRequest::id).
    pub request: String,
    /// The answer that was chosen, as the dialog shows it.
    pub label: String,
    /// What it means.
    pub role: AnswerRole,
    /// What is typed instead where the request certainly got no answer.
    pub instead: SendKeys,
}

/// A command that the supervisor runs on the pane's host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellCall {
    /// The pane whose host, folder and variables it uses.
    pub pane: PaneKey,
    /// The command line, its values apart.
    pub script: ShellText,
    /// Its folder.
    pub folder: String,
    /// Its time limit.
    pub timeout: Millis,
    /// It does nothing where it was done before, so that it may be run once more. It finds tmux's program in `ta_tmux`, and
    /// in `ta_shell_files` the script that writes the files of shell integration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// What an alert is about; routing chooses channels by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A human must decide.
    Approval,
    /// A reminder of a decision still open.
    Reminder,
    /// A stage or run failed for good.
    Failure,
    /// A run is through.
    Success,
    /// A policy's `notify` action.
    Custom,
    /// An agent waits or reports.
    Agent,
    /// A program that is no known agent does; it goes where agents' alerts go.
    Program,
    /// A part of tmuxagent itself fails.
    System,
}

/// How pressing an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// For the record.
    Low,
    /// Worth a look.
    Normal,
    /// Somebody waits.
    High,
}

/// A message for the human, before any channel's own form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// How pressing it is.
    pub urgency: Urgency,
    /// One line.
    pub title: String,
    /// More lines; text of panes in here is untrusted.
    pub body: String,
    /// The approval it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<super::ApprovalId>,
    /// The run it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Alerts of one key within the cool-down are one message.
    pub dedupe: String,
    /// Channels named by the policy; routing decides when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
}

/// A run of a service that builds and tests: the newest that fits, until it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CiRun {
    /// `owner/name`; of GitLab the whole path of the project, or its number.
    pub repository: String,
    /// The file name or number of the workflow; of GitLab the name of the pipeline. Any when absent.
    #[serde(default)]
    pub workflow: Option<String>,
    /// Branch or tag; any when absent.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The commit. Then it does not matter when the run was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Prints the commit, where that is not known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Box<ShellCall>>,
    /// The API's base URL.
    pub base_url: String,
    /// The environment variable that holds the token.
    pub token_env: String,
    /// Runs created before this instant do not count.
    pub since: Timestamp,
}

impl PollSpec {
    /// The run of a service that is asked about.
    #[must_use]
    pub const fn ci(&self) -> Option<&CiRun> {
        match self {
            Self::GithubRun(run) | Self::GitlabPipeline(run) | Self::GiteaRun(run) => Some(run),
            Self::Http { .. } | Self::Command { .. } => None,
        }
    }
}

/// What is asked repeatedly until it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "poll", rename_all = "snake_case")]
pub enum PollSpec {
    /// A workflow run of GitHub Actions.
    GithubRun(CiRun),
    /// A pipeline of GitLab.
    GitlabPipeline(CiRun),
    /// A workflow run of Gitea or Forgejo.
    GiteaRun(CiRun),
    /// A web address.
    Http {
        /// The URL.
        url: String,
        /// The expected status.
        status: u16,
        /// RFC 6901 pointer into the JSON answer.
        pointer: Option<String>,
        /// The value expected there.
        value: Option<serde_json::Value>,
    },
    /// A command: exit code 0 = done, 75 = not yet, other = failed.
    Command {
        /// The call.
        call: ShellCall,
    },
}

/// What the engine wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Type keys.
    Send(SendKeys),
    /// Submit a prompt.
    Prompt(Prompt),
    /// Answer an agent's request.
    Answer(DirectAnswer),
    /// Run a command beside the pane.
    Shell(ShellCall),
    /// Ask something outside once.
    Poll(PollSpec),
    /// Tell the human; goes to the outbox.
    Alert(Alert),
}

impl Effect {
    /// How an open intent of this effect is settled at the next start.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            // Compare-and-send is idempotent by its mark; polls only read; the outbox has its own keys.
            Self::Send(_) | Self::Prompt(_) | Self::Poll(_) | Self::Alert(_) => Recovery::Redo,
            Self::Shell(call) if call.again => Recovery::Redo,
            Self::Shell(_) => Recovery::AskHuman,
            // It is given once that is written down, to whoever waited then.
            Self::Answer(_) => Recovery::Instead,
        }
    }

    /// What became of one that got lost with who should have done it; `begun`: it may have been done already.
    #[must_use]
    pub fn lost(&self, begun: bool, why: &str) -> Outcome {
        let error = why.to_owned();
        match self {
            // Both only read or stand in a queue with keys of its own.
            Self::Poll(_) | Self::Alert(_) => Outcome::Failed { error },
            Self::Send(_) | Self::Prompt(_) | Self::Answer(_) | Self::Shell(_) if begun => Outcome::Unknown { error },
            Self::Send(_) | Self::Prompt(_) | Self::Answer(_) => {
                Outcome::Skipped { reason: SkipReason::Unreachable(error) }
            }
            Self::Shell(_) => Outcome::Failed { error },
        }
    }

    /// The pane that the effect acts on.
    #[must_use]
    pub const fn pane(&self) -> Option<&PaneKey> {
        match self {
            Self::Send(send) => Some(&send.pane),
            Self::Prompt(prompt) => Some(&prompt.pane),
            Self::Answer(answer) => Some(&answer.instead.pane),
            Self::Shell(call) => Some(&call.pane),
            Self::Poll(_) | Self::Alert(_) => None,
        }
    }

    /// Whether the freeze switch holds it back.
    #[must_use]
    pub const fn freezable(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Prompt(_) | Self::Answer(_) | Self::Shell(_))
    }
}

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// Committed, to be performed.
    Open,
    /// Held back by the freeze switch.
    Held,
    /// Its outcome is committed.
    Settled,
}

/// An effect with its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its identity; the idempotency mark.
    pub id: IntentId,
    /// What is to be done.
    pub effect: Effect,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The stage it belongs to.
    pub stage: Option<String>,
    /// The stage's attempt.
    pub attempt: u32,
    /// Where it stands.
    pub state: IntentState,
    /// When it was wanted.
    pub at: Timestamp,
    /// How long keys wait for their reader before a person is asked; what types knows a span of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Millis>,
    /// When the time limit of its stage is over: keys are not typed from then on, and whoever keeps the limit takes them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What it types once more, where that was typed before and nobody has seen it begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Box<Repeats>>,
    /// What it types nobody may read afterwards: its text came from a person's hand and is never stored, nor handed on as
    /// an echo. Told to who types it alone.
    #[serde(skip)]
    pub unseen: bool,
}

/// A command that was typed before, once or more often, and that nobody has seen begin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Repeats {
    /// Whose keys it was; the marks of a tracked command carry these.
    pub intents: Vec<IntentId>,
    /// The line, where it was typed bare: its shell reports begin and end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// It can have begun while nobody watched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unseen: bool,
}

impl Repeats {
    /// Which of the earlier keys a command is that begins, with the token of its marks and the line that its shell read.
    #[must_use]
    pub fn begun_by(&self, token: Option<&str>, line: Option<&str>) -> Option<&IntentId> {
        let by_token = self.intents.iter().find(|intent| Some(intent.as_str()) == token);
        by_token.or_else(|| self.intents.last().filter(|_| self.is_line(line)))
    }

    fn is_line(&self, line: Option<&str>) -> bool {
        self.line.as_deref().zip(line).is_some_and(|(bare, line)| shows_line(line, bare))
    }
}

/// Whether a line that a shell read shows a command; some shells show a clock at the right edge.
#[must_use]
pub fn shows_line(line: &str, command: &str) -> bool {
    line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with("  "))
}

/// Why the guard of compare-and-send held keys back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Another server answers under that address.
    OtherServer,
    /// Another supervisor has claimed the server.
    OtherSupervisor,
    /// Another process runs in the pane, or the pane is gone.
    OtherProcess,
    /// The pane's process ended.
    Dead,
    /// The pane is in copy mode or another mode.
    InMode,
    /// The pane's input is switched off.
    InputOff,
    /// `synchronize-panes` would type into other panes too.
    Synchronized,
    /// Another program is in the foreground.
    OtherCommand(String),
    /// The expected text is not on the screen.
    ScreenChanged,
    /// The program asks something, which the Enter of a prompt would answer.
    Question,
    /// The keys were meant for another reader than the one who would have got them.
    Reader(Box<PaneReader>),
    /// The program that asked has ended, or asks no more; who would have got the answer.
    Asker(Box<PaneReader>),
    /// Another shell reads than the one that the text was quoted for; its name.
    OtherShell(String),
    /// What it would have typed once more has begun by now, or may have.
    Begun,
    /// This intent was overtaken: its stage or approval has ended.
    Withdrawn,
    /// The host can't be reached or knows no such pane.
    Unreachable(String),
}

/// How an effect ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was performed, now or (as the mark shows) earlier.
    Done,
    /// A supervisor-side command ended.
    Shell(ShellOutcome),
    /// The guard held it back; nothing was typed.
    Skipped {
        /// Why.
        reason: SkipReason,
    },
    /// It failed; nothing was typed.
    Failed {
        /// Why.
        error: String,
    },
    /// It may have happened or not; nobody can know.
    Unknown {
        /// Why.
        error: String,
    },
}

/// The tables of the engine's state, as the store keeps them: one row per entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// Counters, the freeze switch, the policy's hash.
    Meta,
    /// A pane that the engine knows, by its [`PaneKey`].
    Pane,
    /// A run with its stages, by its number.
    Run,
    /// An approval.
    Approval,
    /// An intent.
    Intent,
    /// An armed timer.
    Timer,
}

/// A changed entity: its new JSON, or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which table.
    pub kind: EntityKind,
    /// Its key there.
    pub key: String,
    /// Its new JSON; `None` removes it.
    pub body: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_again_is_known_by_its_mark_or_by_its_line() {
        let ids = ["a-1", "a-2"].map(|id| IntentId(id.to_owned()));
        let repeats = Repeats { intents: ids.to_vec(), line: Some("make".to_owned()), unseen: false };
        let by = |token: Option<&str>, line: Option<&str>| repeats.begun_by(token, line).map(IntentId::as_str);
        assert_eq!(by(Some("a-1"), None), Some("a-1"));
        assert_eq!(by(Some("sh.k.3"), Some("make")), Some("a-2"));
        assert_eq!(by(Some("sh.k.3"), Some("make   12:00:01")), Some("a-2"), "a clock at the right edge");
        assert_eq!(by(Some("sh.k.3"), Some("make all")), None);
        assert_eq!(by(Some("b-1"), None), None);
        let tracked = Repeats { line: None, ..repeats.clone() };
        assert_eq!(tracked.begun_by(Some("sh.k.3"), Some("make")), None, "that may be anybody's");
    }
}
