//! The text that Prometheus reads (text format 0.0.4). Pure.

use super::tally::{APPROVALS, Counts, Histogram, RUNS, SENDS, STAGES, Tally, WAITS};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tmuxagent_model::{ApprovalState, Counters, Snapshot, StageView, Timestamp};

/// The states of panes, of stages and of hosts, and what reads keys: all of them, so that none is missing where none is so.
const PANES: [&str; 8] = ["needs_approval", "failed", "retrying", "running", "done", "idle", "stale", "dead"];
const STAGE_STATES: [&str; 14] = [
    "waiting",
    "needs_approval",
    "queued",
    "starting",
    "running",
    "retrying",
    "asking",
    "succeeded",
    "failed",
    "escalated",
    "skipped",
    "cancelled",
    "rejected",
    "expired",
];
const HOSTS: [&str; 7] = ["connecting", "live", "polling", "watching", "same", "no_server", "unreachable"];
const READERS: [&str; 14] = [
    "shell",
    "draft",
    "command",
    "line",
    "key",
    "password",
    "screen",
    "agent",
    "agent_works",
    "agent_asks",
    "nested",
    "mode",
    "dead",
    "unknown",
];

/// What stands on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// Bytes of the state database.
    pub database: u64,
    /// Bytes of the recordings.
    pub recordings: u64,
    /// Kept messages by channel and state.
    pub messages: Vec<(String, &'static str, u64)>,
}

/// What a family of samples is.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// A text under way.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    /// A family of one sample.
    fn one(&mut self, name: &str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind.word(), help);
        self.sample(name, &[], value);
    }

    /// A family with a sample for each of the known values of its label.
    fn each(&mut self, name: &str, kind: Kind, help: &str, label: &str, known: &[&'static str], counts: &Counts) {
        self.family(name, kind.word(), help);
        for value in known {
            self.sample(name, &[(label, value)], number(counts.get(value).copied().unwrap_or(0)));
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        let (bucket, mut below) = (format!("{name}_bucket"), 0);
        for (bound, count) in WAITS.iter().zip(histogram.buckets) {
            below += count;
            self.sample(&bucket, &[("le", &bound.to_string())], number(below));
        }
        self.sample(&bucket, &[("le", "+Inf")], number(histogram.count));
        self.sample(&format!("{name}_sum"), &[], number(histogram.sum_millis) / 1000.0);
        self.sample(&format!("{name}_count"), &[], number(histogram.count));
    }
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// Samples are floating-point numbers, which hold every whole number up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "the format knows no other numbers")]
const fn number(count: u64) -> f64 {
    count as f64
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Counts the words that these values have in the interface.
fn by_word<T: serde::Serialize>(known: &[&'static str], values: impl Iterator<Item = T>) -> Counts {
    let mut counts = Counts::new();
    for value in values {
        let told = serde_json::to_value(value).unwrap_or_default();
        let told = told.as_str().or_else(|| told["reads"].as_str());
        if let Some(word) = known.iter().find(|word| told == Some(**word)) {
            *counts.entry(word).or_default() += 1;
        }
    }
    counts
}

/// Everything that is told.
pub(crate) fn exposition(shown: &Snapshot, now: Timestamp, tally: &Tally, stored: &Stored) -> String {
    let mut text = Text::default();
    picture(&mut text, shown, now);
    happened(&mut text, tally, &shown.counters);
    kept(&mut text, stored);
    text.0
}

/// What is so now.
fn picture(text: &mut Text, shown: &Snapshot, now: Timestamp) {
    use Kind::Gauge;
    text.family("tmuxagent_build_info", "gauge", "The version of the program.");
    text.sample("tmuxagent_build_info", &[("version", &shown.version)], 1.0);
    let hosts = by_word(&HOSTS, shown.hosts.iter().map(|host| host.state));
    text.each("tmuxagent_hosts", Gauge, "Watched machines by state.", "state", &HOSTS, &hosts);
    text.family("tmuxagent_host_observed", "gauge", "Whether the panes of a machine are seen.");
    for host in &shown.hosts {
        let observed = f64::from(u8::from(host.state.is_observed()));
        text.sample("tmuxagent_host_observed", &[("host", host.name.as_str())], observed);
    }
    let panes = by_word(&PANES, shown.panes.iter().map(|pane| pane.state));
    text.each("tmuxagent_panes", Gauge, "Watched panes by state.", "state", &PANES, &panes);
    let readers = by_word(&READERS, shown.panes.iter().map(|pane| &pane.reader.reads));
    text.each("tmuxagent_pane_readers", Gauge, "Watched panes by what reads their keys.", "reads", &READERS, &readers);
    let stages = by_word(&STAGE_STATES, shown.runs.iter().flat_map(|run| &run.stages).map(StageView::shown_state));
    text.each("tmuxagent_stages", Gauge, "Stages by state.", "state", &STAGE_STATES, &stages);
    let open = || shown.approvals.iter().filter(|approval| approval.state == ApprovalState::Pending);
    text.one("tmuxagent_approvals_open", Gauge, "Questions that wait for a person.", number(open().count() as u64));
    let oldest = open().map(|approval| now.since(approval.asked_at).0).max().unwrap_or(0);
    let help = "How long the oldest open question waits.";
    text.one("tmuxagent_approval_oldest_seconds", Gauge, help, number(oldest) / 1000.0);
    text.one("tmuxagent_keys_held", Gauge, "Sends that wait.", number(shown.held.len() as u64));
    let frozen = f64::from(u8::from(shown.frozen.is_some()));
    text.one("tmuxagent_frozen", Gauge, "Whether sending is frozen.", frozen);
    text.one("tmuxagent_problems", Gauge, "Parts that fail now.", number(shown.problems.len() as u64));
}

/// What happened since the start.
fn happened(text: &mut Text, tally: &Tally, counters: &Counters) {
    use Kind::Counter;
    let (outcome, name) = ("outcome", "tmuxagent_run_outcomes_total");
    text.each(name, Counter, "Runs that ended.", outcome, &RUNS, &tally.runs);
    let name = "tmuxagent_stage_outcomes_total";
    text.each(name, Counter, "Attempts of stages that ended, and retries.", outcome, &STAGES, &tally.stages);
    let name = "tmuxagent_approval_outcomes_total";
    text.each(name, Counter, "Questions that were closed.", outcome, &APPROVALS, &tally.approvals);
    let help = "How long people were waited for.";
    text.histogram("tmuxagent_approval_wait_seconds", help, &tally.waits);
    text.each("tmuxagent_sends_total", Counter, "What became of keys.", outcome, &SENDS, &tally.sends);
    let help = "Dialogs that rules and leases answered.";
    text.one("tmuxagent_auto_answers_total", Counter, help, number(tally.auto_answered));
    for (name, help, count) in [
        ("tmuxagent_read_lines_total", "Lines read from panes.", counters.lines),
        ("tmuxagent_read_bytes_total", "Bytes read from panes.", counters.bytes),
        ("tmuxagent_journal_events_total", "Events written down.", counters.journaled),
        ("tmuxagent_agent_messages_total", "Messages of agents that were understood.", counters.messages),
        ("tmuxagent_malformed_messages_total", "Messages of agents that could not be read.", counters.malformed),
        ("tmuxagent_gaps_total", "Gaps in the observation.", counters.gaps),
    ] {
        text.one(name, Counter, help, number(count));
    }
}

/// What stands on the disk.
fn kept(text: &mut Text, stored: &Stored) {
    use Kind::Gauge;
    text.one("tmuxagent_database_bytes", Gauge, "Size of the state database.", number(stored.database));
    text.one("tmuxagent_recordings_bytes", Gauge, "Size of the recordings.", number(stored.recordings));
    let help = "Messages to people by channel and outcome, as far as they are kept.";
    text.family("tmuxagent_notifications", "gauge", help);
    let sorted: BTreeMap<(&str, &str), u64> =
        stored.messages.iter().map(|(channel, state, count)| ((channel.as_str(), *state), *count)).collect();
    for ((channel, state), count) in sorted {
        text.sample("tmuxagent_notifications", &[("channel", channel), ("state", state)], number(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{HostState, PaneState, Reads, StageState};
    use tmuxagent_tui::sample::{NOW, Sample};

    fn told() -> String {
        let mut tally = Tally::default();
        tally.stages.insert("succeeded", 7);
        tally.waits = Histogram { buckets: [1, 0, 2, 0, 0, 0, 0, 0, 0, 0], count: 4, sum_millis: 90_061_500 };
        let messages = vec![("we\"com\n".to_owned(), "sent", 3), ("phone".to_owned(), "failed", 1)];
        exposition(&Sample::crowded().build(), NOW, &tally, &Stored { database: 4096, recordings: 0, messages })
    }

    #[test]
    fn all_is_told_in_the_form_that_prometheus_reads() {
        insta::assert_snapshot!(told());
    }

    #[test]
    fn names_and_units_are_by_convention_and_labels_hold_nothing_of_a_pane() {
        let text = told();
        let mut kinds = BTreeMap::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(kinds.insert(name, kind).is_none(), "{name} twice");
                assert!(name.starts_with("tmuxagent_") && name.ends_with("_total") == (kind == "counter"), "{name}");
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().unwrap();
                let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
                assert!(kinds.contains_key(family.unwrap_or(name)), "{line}");
                assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
            }
        }
        assert!(text.contains("channel=\"we\\\"com\\n\""), "{text}");
        for word in ["storyapp", "codex", "listening", "proj", "笔记"] {
            assert!(!text.contains(&format!("\"{word}")), "{word}");
        }
    }

    #[test]
    fn every_state_has_its_word() {
        fn word(value: impl serde::Serialize) -> String {
            let told = serde_json::to_value(value).unwrap();
            told.as_str().or_else(|| told["reads"].as_str()).unwrap().to_owned()
        }
        assert_eq!(PANES.first().copied(), Some(word(PaneState::NeedsApproval).as_str()));
        for state in [PaneState::Dead, PaneState::Stale, PaneState::Done, PaneState::Retrying] {
            assert!(PANES.contains(&word(state).as_str()));
        }
        for state in [StageState::NeedsApproval, StageState::Escalated, StageState::Expired, StageState::Asking] {
            assert!(STAGE_STATES.contains(&word(state).as_str()));
        }
        for state in [HostState::NoServer, HostState::Same, HostState::Unreachable] {
            assert!(HOSTS.contains(&word(state).as_str()));
        }
        for reads in [Reads::AgentWorks, Reads::Unknown, Reads::Nested, Reads::Password] {
            assert!(READERS.contains(&word(reads).as_str()));
        }
    }
}
