//! What is not performed because its secret was not kept.

use tmuxagent_model::{Effect, is_lost};

/// Why an effect with a lost secret is not performed.
pub(crate) const LOST: &str = "it held a secret, which is not kept when the supervisor ends; let the stage begin anew";

/// Whether an effect comes from an earlier life and held a secret, of which only the mark was kept. What tells people is
/// told with the mark.
pub(crate) fn lost(effect: &Effect) -> bool {
    !matches!(effect, Effect::Alert(_)) && serde_json::to_string(effect).is_ok_and(|json| is_lost(&json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostName, KeyStep, PaneId, PaneKey, SecretMark, SendKeys, ServerId};

    #[test]
    fn a_mark_is_never_typed() {
        let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 1 };
        let send = |text: &str| {
            let steps = vec![KeyStep::Text(text.to_owned())];
            Effect::Send(SendKeys {
                pane: pane.clone(),
                steps,
                expect_command: None,
                expect_screen: None,
                needs: tmuxagent_model::Needs::Nothing,
                shells: Vec::new(),
            })
        };
        assert!(lost(&send(&format!("deploy {}", SecretMark::Lost.of("known value")))));
        assert!(!lost(&send("deploy")));
        // What the engine itself took out before it was decided is meant so.
        assert!(!lost(&send(&format!("fix {}", SecretMark::Shown.of("known value")))));
    }
}
