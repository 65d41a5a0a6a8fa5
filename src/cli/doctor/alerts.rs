//! The channels' settings and credentials.

use super::{Finding, Scene};
use crate::yaml::Value;

/// What is configured to alert somebody.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let named = loaded.config.channels.as_ref().map_or(0, |tree| match &tree.0.value {
        Value::Map(entries) => entries.len(),
        _ => 0,
    });
    if named == 0 && loaded.config.notify.is_none() {
        return vec![Finding::ok("alerts", "no channel is configured: nobody is told away from the screen")];
    }
    vec![Finding::ok("alerts", format!("{named} channels; `tmuxagent notify test` sends a real message"))]
}
