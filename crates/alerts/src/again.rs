//! A question that is told once more says so: which reminder it is, and since when somebody is waited for. Pure.

use super::message::Message;
use super::overdue::FALLBACK;
use super::route::Occasion;
use jiff::tz::TimeZone;
use tmuxagent_model::{AlertKind, Approval, Timestamp};
use tmuxagent_store::OutboxRow;
use tmuxagent_text::{local, span};

impl Message {
    /// The message of a row about an open question, which may have been told before.
    #[must_use]
    pub(crate) fn told_again(mut self, row: &OutboxRow, approval: &Approval, now: Timestamp, zone: &TimeZone) -> Self {
        let key = row.key.strip_suffix(FALLBACK).unwrap_or(&row.key);
        let again = self.lang.kind(AlertKind::Reminder);
        let name = match Occasion::of(key) {
            // Those of the policy are counted by the question, those of the channels by the message.
            Occasion::First if row.alert.kind != AlertKind::Reminder => return self,
            Occasion::First => format!("{again} ({})", approval.reminders.max(1)),
            Occasion::Reminder(n) => format!("{again} ({n})"),
            Occasion::Escalation(_) => again.to_owned(),
        };
        let first = format!("{}: ", self.lang.kind(row.alert.kind));
        if let Some(question) = self.title.strip_prefix(&first) {
            self.title = format!("{name}: {question}");
        }
        if let Some(ask) = &mut self.ask {
            let open = span(self.lang, now.since(approval.asked_at));
            let words = self.lang.pick("AT, open for SPAN", "AT，已等待 SPAN");
            ask.since = Some(words.replace("AT", &local(zone, approval.asked_at)).replace("SPAN", &open));
        }
        self
    }
}
