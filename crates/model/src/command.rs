//! Wishes of a view, a script or a link. A command becomes [`super::Event::Asked`] in the one queue.

use super::{ApprovalId, Millis, PaneKey, RunId, Variables, Verdict};
use serde::{Deserialize, Serialize};

/// One piece of input for a pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStep {
    /// Text typed literally.
    Text(String),
    /// A key by tmux's name, such as `Enter`, `C-c`, `Escape`.
    Key(String),
}

/// What a person can ask of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunControl {
    /// Run its last failed or finished stage again.
    Retry,
    /// End it; nothing more is typed for it.
    Cancel,
    /// Treat the stage as done and go on.
    Skip,
}

/// A question of an agent that waits for the answer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanCall {
    /// A name that nobody else chose: the same call asks once, however often it is sent.
    pub call: String,
    /// What is asked, untrusted.
    pub question: String,
    /// The answers to choose from; none for yes or no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What a person should know to decide.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How long it is open.
    pub expires: Millis,
}

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Decide an approval. `revision` must be the one that the decider saw.
    Decide {
        /// Which approval.
        approval: ApprovalId,
        /// The revision that the decider saw.
        revision: u32,
        /// Yes or no, and which option.
        verdict: Verdict,
    },
    /// Approve an agent's dialog, and what it asks of that kind in its pane for a time.
    GrantLease {
        /// Which approval.
        approval: ApprovalId,
        /// The revision that the decider saw.
        revision: u32,
        /// For how long.
        span: Millis,
    },
    /// End leases before their time.
    RevokeLease {
        /// Which one; all when none is named.
        lease: Option<String>,
    },
    /// Start a stage (the first one when none is named) of a pipeline on a pane by hand.
    Start {
        /// Where.
        pane: PaneKey,
        /// Which pipeline.
        pipeline: String,
        /// Which stage.
        stage: Option<String>,
        /// The values of its inputs, by their names; what is left out has its default.
        #[serde(default, skip_serializing_if = "Variables::is_empty")]
        inputs: Variables,
    },
    /// Act on a run.
    Control {
        /// Which run.
        run: RunId,
        /// Which stage; the live or last one when none is named.
        stage: Option<String>,
        /// What to do.
        control: RunControl,
    },
    /// Type into a pane.
    Send {
        /// Where.
        pane: PaneKey,
        /// What, in order.
        steps: Vec<KeyStep>,
        /// Whoever reads them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        insist: bool,
    },
    /// An agent asks a person. Nothing is typed for an answer.
    Ask {
        /// Its pane.
        pane: PaneKey,
        /// The name of its recogniser.
        agent: String,
        /// What.
        asks: Box<HumanCall>,
    },
    /// Nobody waits for the answer to a call any more.
    TakeBack {
        /// [`HumanCall::call`].
        call: String,
    },
    /// Stop all sending until [`Command::Unfreeze`].
    Freeze,
    /// Send again; what was held is sent now.
    Unfreeze,
    /// Give up what the freeze holds back for one intent.
    DropHeld {
        /// Which one.
        intent: super::IntentId,
    },
}
