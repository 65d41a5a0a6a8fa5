//! What one round of the supervisor gathers until its commit, and what must wait for the disk.

use tmuxagent_ipc::wire::Reply;
use tmuxagent_model::{Effect, HostName, Intent, IntentId};
use tmuxagent_store::{Batch, Durability};
use tokio::sync::oneshot;

/// What one round gathers until its commit.
#[derive(Debug)]
pub(super) struct Round {
    /// The transaction.
    pub(super) batch: Batch,
    /// To perform after it.
    pub(super) intents: Vec<Intent>,
    /// Handed out in an earlier round and not wanted any more.
    pub(super) withdrawn: Vec<IntentId>,
    /// Whose outcomes it holds.
    pub(super) settled: Vec<IntentId>,
    /// What views are told after it.
    pub(super) answers: Vec<(oneshot::Sender<Reply>, Reply)>,
}

impl Default for Round {
    /// Nothing yet, and so nothing that must wait for the disk: keys of local panes die with this machine, as their marks
    /// do. What outlives it raises the durability: decisions, alerts, commands, keys for other machines.
    fn default() -> Self {
        let batch = Batch { durability: Durability::Process, ..Batch::default() };
        Self { batch, intents: Vec::new(), withdrawn: Vec::new(), settled: Vec::new(), answers: Vec::new() }
    }
}

/// Whether what it does can be there after a power failure of this machine.
pub(super) fn outlives(effect: &Effect) -> bool {
    match effect {
        Effect::Send(keys) => keys.pane.host != HostName::local(),
        Effect::Prompt(prompt) => prompt.pane.host != HostName::local(),
        Effect::Shell(_) | Effect::Alert(_) => true,
        Effect::Poll(_) => false,
    }
}
