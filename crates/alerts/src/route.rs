//! Which alert goes to which channel and when. Pure.

use super::config::{Routing, When};
use std::collections::BTreeMap;
use tmuxagent_config::QuietHours;
use tmuxagent_model::{Alert, AlertKind, Millis, Timestamp, Urgency};

/// What routing needs to know of this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time at which it is planned.
    pub now: Timestamp,
    /// The minute of the local day, for quiet hours.
    pub minute: u16,
    /// The last key pressed in any tmux client; `None` when no client is attached.
    pub last_activity: Option<Timestamp>,
}

/// A message for the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The name of the channel that it goes to.
    pub channel: String,
    /// Its identity on that channel.
    pub key: String,
    /// Not to be sent before.
    pub not_before: Timestamp,
}

/// Whether a question is asked by this alert, which then is never held back, merged or cooled down.
#[must_use]
pub const fn asks(alert: &Alert) -> bool {
    matches!(alert.kind, AlertKind::Approval | AlertKind::Reminder) && alert.approval.is_some()
}

/// All messages that an alert leads to. `key` is the alert's identity (its intent), so that planning it again after a
/// crash plans the same.
///
/// A first question also plans its reminders and the steps of its escalation; the outbox drops those that come due after
/// the decision.
#[must_use]
pub fn plan(alert: &Alert, key: &str, routing: &Routing, quiet: Option<QuietHours>, moment: Moment) -> Vec<Planned> {
    // By channel, the earliest: a channel that two routes name gets one message.
    let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let start = after_quiet(alert, quiet, moment);
    for (channel, when) in targets(alert, routing) {
        let Some(at) = allowed_at(alert, when, routing.away_after, moment) else {
            continue;
        };
        let at = at.max(start);
        first.entry(channel).and_modify(|known| *known = (*known).min(at)).or_insert(at);
    }
    let mut planned: Vec<Planned> = first
        .iter()
        .map(|(channel, at)| Planned { channel: (*channel).to_owned(), key: Occasion::First.key(key), not_before: *at })
        .collect();
    if alert.kind != AlertKind::Approval || alert.approval.is_none() {
        return planned;
    }
    if let Some(remind) = routing.remind {
        for n in 1..=remind.times {
            let after = Millis(remind.every.0.saturating_mul(u64::from(n)));
            planned.extend(first.iter().map(|(channel, at)| Planned {
                channel: (*channel).to_owned(),
                key: Occasion::Reminder(n).key(key),
                not_before: *at + after,
            }));
        }
    }
    for (step, n) in routing.escalate.iter().zip(0..) {
        planned.extend(step.to.iter().map(|channel| Planned {
            channel: channel.clone(),
            key: Occasion::Escalation(n).key(key),
            not_before: moment.now + step.after,
        }));
    }
    planned
}

/// Which of an alert's messages one is. It stands at the end of the message's key, so that each is sent once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The first one.
    First,
    /// A reminder, counted from 1.
    Reminder(u32),
    /// A step of the escalation, counted from 0.
    Escalation(u32),
}

impl Occasion {
    /// The key of that message of the alert with this key.
    fn key(self, alert: &str) -> String {
        match self {
            Self::First => alert.to_owned(),
            Self::Reminder(n) => format!("{alert}/remind/{n}"),
            Self::Escalation(n) => format!("{alert}/escalate/{n}"),
        }
    }

    /// The occasion of the message with this key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let mut parts = key.rsplitn(3, '/');
        let number = parts.next().and_then(|number| number.parse().ok());
        match (parts.next(), number, parts.next()) {
            (Some("remind"), Some(n), Some(_)) => Self::Reminder(n),
            (Some("escalate"), Some(n), Some(_)) => Self::Escalation(n),
            _ => Self::First,
        }
    }
}

/// The channels of an alert with when each may be used.
pub fn targets<'a>(alert: &'a Alert, routing: &'a Routing) -> Vec<(&'a str, When)> {
    if !alert.channels.is_empty() {
        return alert.channels.iter().map(|channel| (channel.as_str(), When::Always)).collect();
    }
    // Who waits for agents also waits for those that are not known.
    let kind = if alert.kind == AlertKind::Program { AlertKind::Agent } else { alert.kind };
    let fits = |kinds: &[AlertKind]| kinds.is_empty() || kinds.contains(&kind);
    let routes = routing.routes.iter().filter(|route| fits(&route.kinds) && alert.urgency >= route.urgency);
    routes.flat_map(|route| route.to.iter().map(|channel| (channel.as_str(), route.when))).collect()
}

/// When a channel that is used only `when` may get the alert; `None`: it does not.
fn allowed_at(alert: &Alert, when: When, away_after: Millis, moment: Moment) -> Option<Timestamp> {
    match when {
        When::Always => Some(moment.now),
        When::Away => {
            let away = moment.last_activity.map_or(moment.now, |at| at + away_after);
            if away <= moment.now {
                Some(moment.now)
            } else {
                // He sits there and sees it; a question he may leave behind.
                asks(alert).then_some(away)
            }
        }
    }
}

/// Whether a message that comes due must wait on, because the user came back and its routes hold only while he is away:
/// until when.
#[must_use]
pub(crate) fn postponed(alert: &Alert, channel: &str, routing: &Routing, moment: Moment) -> Option<Timestamp> {
    let targets = targets(alert, routing);
    let mut of_channel = targets.iter().filter(|(name, _)| *name == channel).peekable();
    of_channel.peek()?;
    if of_channel.any(|(_, when)| *when == When::Always) {
        return None;
    }
    moment.last_activity.map(|at| at + routing.away_after).filter(|away| *away > moment.now)
}

/// The earliest instant that quiet hours allow: at once for what is pressing, their end for the rest.
fn after_quiet(alert: &Alert, quiet: Option<QuietHours>, moment: Moment) -> Timestamp {
    match quiet {
        Some(hours) if alert.urgency < Urgency::High && hours.holds(moment.minute) => {
            let day = 24 * 60;
            let left = (u64::from(hours.to) + day - u64::from(moment.minute)) % day;
            moment.now + Millis::from_secs(left * 60)
        }
        _ => moment.now,
    }
}

/// The pause before the next attempt after `attempts` failed ones: 5 s, 10 s, 20 s … at most a minute, so that the end of an
/// outage is soon known, plus up to a quarter by `jitter` (any number).
#[must_use]
pub const fn backoff(attempts: u32, jitter: u8) -> Millis {
    let exponent = if attempts < 8 { attempts } else { 8 };
    let doubled = 5_000_u64 << exponent;
    let pause = if doubled < 60_000 { doubled } else { 60_000 };
    Millis(pause + pause * (jitter as u64) / 1024)
}

#[cfg(test)]
mod tests {
    use super::super::config::{Escalation, Reminders, Route};
    use super::*;
    use crate::message::tests::alert as question;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn moment() -> Moment {
        Moment { now: NOW, minute: 23 * 60, last_activity: None }
    }

    fn routing(when: When) -> Routing {
        let route = Route { kinds: vec![], urgency: Urgency::Normal, to: vec!["a".into()], when };
        Routing { routes: vec![route], ..Routing::default() }
    }

    fn note(urgency: Urgency) -> Alert {
        Alert { kind: AlertKind::Custom, urgency, approval: None, ..question() }
    }

    fn shown(planned: &[Planned]) -> Vec<(String, u64)> {
        planned.iter().map(|p| (format!("{} {}", p.channel, p.key), p.not_before.since(NOW).0 / 1000)).collect()
    }

    #[test]
    fn a_key_tells_which_message_it_is() {
        for (occasion, alert) in
            [(Occasion::First, "I/9"), (Occasion::Reminder(3), "I-1"), (Occasion::Escalation(0), "a/remind/1")]
        {
            assert_eq!(Occasion::of(&occasion.key(alert)), occasion);
        }
        for other in ["", "remind/1", "I-1/remind/x", "I-1/remind/1/", "I-1/remindings/1"] {
            assert_eq!(Occasion::of(other), Occasion::First, "{other}");
        }
    }

    #[test]
    fn an_alert_goes_where_kind_and_urgency_say() {
        let mut routing = routing(When::Always);
        routing.routes.push(Route {
            kinds: vec![AlertKind::Success],
            urgency: Urgency::Low,
            to: vec!["a".into(), "b".into()],
            when: When::Always,
        });
        let planned = |alert: &Alert| plan(alert, "k", &routing, None, moment()).len();
        assert_eq!([planned(&note(Urgency::Low)), planned(&note(Urgency::Normal))], [0, 1]);
        let success = Alert { kind: AlertKind::Success, ..note(Urgency::Normal) };
        assert_eq!(planned(&success), 2, "a channel of two routes gets one message");
        let mut agents = routing.clone();
        agents.routes[1].kinds = vec![AlertKind::Agent];
        let program = Alert { kind: AlertKind::Program, ..note(Urgency::Low) };
        assert_eq!(plan(&program, "k", &agents, None, moment()).len(), 2, "it goes where agents' alerts go");
        let named = Alert { channels: vec!["c".into()], ..note(Urgency::Low) };
        assert_eq!(shown(&plan(&named, "k", &routing, None, moment())), [("c k".to_owned(), 0)]);
    }

    #[test]
    fn quiet_hours_hold_back_what_is_not_pressing() {
        let quiet = Some(QuietHours { from: 22 * 60, to: 7 * 60 });
        let at = |urgency| plan(&note(urgency), "k", &routing(When::Always), quiet, moment())[0].not_before;
        assert_eq!(at(Urgency::Normal), NOW + Millis::from_secs(8 * 3600));
        assert_eq!(at(Urgency::High), NOW);
    }

    #[test]
    fn somebody_at_the_screen_gets_only_what_he_leaves_behind() {
        let here = Moment { last_activity: Some(NOW - Millis::from_secs(60)), ..moment() };
        let away = routing(When::Away);
        assert_eq!(plan(&note(Urgency::High), "k", &away, None, here), []);
        assert_eq!(shown(&plan(&question(), "k", &away, None, here)), [("a k".to_owned(), 240)]);
        assert_eq!(shown(&plan(&note(Urgency::High), "k", &away, None, moment())), [("a k".to_owned(), 0)]);
        assert_eq!(postponed(&question(), "a", &away, here), Some(NOW + Millis::from_secs(240)));
        assert_eq!(postponed(&question(), "a", &away, moment()), None);
        assert_eq!(postponed(&question(), "a", &routing(When::Always), here), None);
        assert_eq!(postponed(&question(), "escalated", &away, here), None);
    }

    #[test]
    fn a_question_plans_its_reminders_and_escalation() {
        let routing = Routing {
            remind: Some(Reminders { every: Millis::from_secs(600), times: 2 }),
            escalate: vec![Escalation { after: Millis::from_secs(1200), to: vec!["b".into()] }],
            ..routing(When::Always)
        };
        assert_eq!(
            shown(&plan(&question(), "k", &routing, None, moment())),
            [("a k", 0), ("a k/remind/1", 600), ("a k/remind/2", 1200), ("b k/escalate/0", 1200)]
                .map(|(text, at)| (text.to_owned(), at))
        );
        assert_eq!(plan(&note(Urgency::High), "k", &routing, None, moment()).len(), 1);
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let pauses: Vec<u64> = [0, 1, 2, 3, 4, 8, 100].iter().map(|n| backoff(*n, 0).0 / 1000).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(backoff(0, 255), Millis(6245));
    }
}
