//! A state that is put back to an earlier one, by `db restore`: what was to be typed then may have been typed since, and
//! what was decided since is asked again.

use super::state::{IntentRow, Meta};
use super::{Engine, RestoreError};
use tmuxagent_model::{Effect, EntityKind, Freeze, IntentState, Timestamp};

/// Who has frozen it.
const BY: &str = "tmuxagent db restore";

impl Engine {
    /// A stored row as it is gone on from: sending is frozen, and the keys that were on their way wait with what follows
    /// until a person has looked. `None`: it stays as it is. A command beside the panes is asked about at the start.
    ///
    /// # Errors
    /// When the row can't be read.
    pub fn set_back(kind: EntityKind, key: &str, body: &str, now: Timestamp) -> Result<Option<String>, RestoreError> {
        let failed = |source| RestoreError { kind, key: key.to_owned(), source };
        match kind {
            EntityKind::Meta => {
                let mut meta: Meta = serde_json::from_str(body).map_err(failed)?;
                meta.frozen.get_or_insert_with(|| Freeze { since: now, by: BY.to_owned() });
                serde_json::to_string(&meta).map(Some).map_err(failed)
            }
            EntityKind::Intent => {
                let mut row: IntentRow = serde_json::from_str(body).map_err(failed)?;
                let types = matches!(row.intent.effect, Effect::Send(_) | Effect::Prompt(_) | Effect::Answer(_));
                if !types || row.withdrawn || row.intent.state != IntentState::Open {
                    return Ok(None);
                }
                row.intent.state = IntentState::Held;
                serde_json::to_string(&row).map(Some).map_err(failed)
            }
            EntityKind::Pane | EntityKind::Run | EntityKind::Approval | EntityKind::Timer => Ok(None),
        }
    }
}
