//! Values that stand in for missing keys of stages.

use super::Reading;
use crate::policy::{Backoff, Stopping};
use crate::raw::RawDefaults;
use tmuxagent_model::Millis;

/// What `defaults` of a file says, checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    /// 0: never.
    pub(super) timeout: Option<Millis>,
    pub(super) on_timeout: Option<Vec<Stopping>>,
    pub(super) on_cancel: Option<Vec<Stopping>>,
    pub(super) hold: Option<Millis>,
    pub(super) backoff: Option<Backoff>,
    pub(super) cooldown: Option<Millis>,
    pub(super) poll_interval: Option<Millis>,
}

impl Defaults {
    /// The same, with what others say where these say nothing.
    pub(super) fn or(self, others: &Self) -> Self {
        Self {
            timeout: self.timeout.or(others.timeout),
            on_timeout: self.on_timeout.or_else(|| others.on_timeout.clone()),
            on_cancel: self.on_cancel.or_else(|| others.on_cancel.clone()),
            hold: self.hold.or(others.hold),
            backoff: self.backoff.or_else(|| others.backoff.clone()),
            cooldown: self.cooldown.or(others.cooldown),
            poll_interval: self.poll_interval.or(others.poll_interval),
        }
    }
}

impl Reading<'_> {
    pub(super) fn defaults(&mut self, raw: &RawDefaults) -> Defaults {
        let timeout = self.limit(raw.timeout.as_ref(), raw.timeout_ms.as_ref());
        let poll = self.span(raw.poll_interval.as_ref(), raw.poll_interval_ms.as_ref());
        Defaults {
            timeout,
            on_timeout: self.on_timeout(raw.on_timeout.as_ref()),
            on_cancel: self.on_cancel(raw.on_cancel.as_ref()),
            hold: raw.hold.as_ref().map(|span| span.value),
            backoff: self.backoff(raw.backoff.as_ref(), raw.backoff_ms.as_ref()),
            cooldown: self.span(raw.cooldown.as_ref(), raw.cooldown_ms.as_ref()).map(|(_, span)| span),
            poll_interval: poll.and_then(|(at, span)| self.poll_interval(at, span)),
        }
    }
}
