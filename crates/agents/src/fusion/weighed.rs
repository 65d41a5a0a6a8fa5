//! What follows from all that the sources of one process say.

use super::{Belief, Family, Life, Limits, family};
use tmuxagent_model::{AgentState, EvidenceSource, Timestamp};

impl Life {
    /// The best belief, and one that contradicts it.
    fn contradiction(&self) -> Option<(&Belief, &Belief)> {
        let mut sure = self.beliefs.iter().filter(|belief| belief.sure);
        let best = sure.next()?;
        let other = sure.find(|other| {
            let starts = other.state == AgentState::Starting && family(&best.state) == Some(Family::Rest);
            family(&other.state) != family(&best.state) && !starts
        })?;
        Some((best, other))
    }

    /// Since when sources contradict each other.
    pub(super) fn dispute(&self) -> Option<Timestamp> {
        self.contradiction().map(|(best, other)| best.since.max(other.since))
    }

    /// The state, and what it rests on.
    pub(super) fn state(&self, now: Timestamp, limits: Limits) -> (AgentState, Vec<Belief>) {
        let Some(best) = self.beliefs.iter().find(|belief| belief.sure).or_else(|| self.beliefs.first()) else {
            return (AgentState::Unsure, Vec::new());
        };
        if let Some((one, other)) = self.contradiction() {
            let since = one.since.max(other.since);
            // A screen counts only as it is now.
            let looked = |belief: &Belief| {
                belief.source != EvidenceSource::Screen || belief.confirmed.since(since) >= limits.moment
            };
            if now.since(since) >= limits.moment && looked(one) && looked(other) {
                return (AgentState::Unsure, vec![one.clone(), other.clone()]);
            }
        }
        // Whatever else is said: where a dialog is open, keys would answer it.
        let asks = self.beliefs.iter().filter(|belief| belief.sure && belief.state.asks());
        if let Some(ask) = asks.max_by_key(|belief| belief.source == EvidenceSource::Screen) {
            return (ask.state.clone(), vec![ask.clone()]);
        }
        // A hook is quicker than the agent's own file: until that is written, one that begins to work is not at rest.
        let begins = self.beliefs.iter().find(|belief| belief.source == EvidenceSource::Hook);
        let begins = begins.filter(|hook| family(&hook.state) == Some(Family::Work));
        if let Some(hook) = begins.filter(|_| family(&best.state) == Some(Family::Rest)) {
            return (hook.state.clone(), vec![hook.clone()]);
        }
        // The same in more detail: an error is told as idle by most sources.
        let plain = matches!(best.state, AgentState::Idle | AgentState::Error);
        let detail = self.beliefs.iter().find(|belief| {
            plain && belief.sure && matches!(belief.state, AgentState::Error | AgentState::RateLimited { .. })
        });
        let limited =
            self.beliefs.iter().find(|belief| plain && matches!(belief.state, AgentState::RateLimited { .. }));
        let told = limited.or(detail).unwrap_or(best);
        (told.state.clone(), vec![told.clone()])
    }
}
