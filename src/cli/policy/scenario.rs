//! A test of a policy: output, and the decisions that are expected of it.
//!
//! ```yaml
//! about: lint is tried twice
//! policy: tmuxagent.yaml       # files or folders beside this one; `--policy` goes before
//! pane: {window_name: shop}    # facts as in `match`; without them every pipeline applies; or several panes:
//! panes: {work: {pane_role: worker}, tests: {pane_role: checks}}
//! answers: approve             # leave (the default), approve, reject
//! polls: met                   # pending (the default), met
//! tail: 1m                     # how long time goes on after the last line
//! pace: 1s                     # the time between two lines
//! start: 2026-03-02T08:00:00Z  # when it begins, for schedules
//! log: lint.log                # a file beside this one, or
//! output:                      # the lines themselves: one text, or a list
//!   - start lint
//!   - {after: 5s, line: 2 problems}
//!   - {after: 1s, exit: 1}     # the command that the stage typed has ended
//!   - {after: 9s, agent: idle} # what the agent in the pane does: working, idle, asks, error, rate_limited, stalled, …
//!   - {start: ship, set: {env: prod}, in: work}  # somebody starts a pipeline; `in` names one of `panes`, else the first
//! expect:                      # every decision in order; `…` at the end stands for any rest
//!   - shop/lint triggered …
//!   - 1s shop/lint started …   # with the time since the beginning where it matters
//! ```

use super::recorded::{FACTS, set_fact, unknown_pane};
use std::path::PathBuf;
use tmuxagent_engine::replay::{Answers, Polls, Record, Recorded, Report, Setting, read_log};
use tmuxagent_model::{AgentState, Decider, Millis, PaneId, PaneInfo, Timestamp, Variables, Via};
use tmuxagent_yaml::{Diagnostics, Fields, Kind, Node, Reader, Source, quoted};

/// 2001-01-01 00:00 UTC, where a test does not say when it begins.
const START: Timestamp = Timestamp(978_307_200_000);

/// A state is no bare value: a limit may have its end.
type Made = fn() -> AgentState;

/// What an agent does, as a test says it.
const AGENT: [(&str, Made); 9] = [
    ("working", || AgentState::Working),
    ("idle", || AgentState::Idle),
    ("done", || AgentState::Done),
    ("asks", || AgentState::NeedsApproval),
    ("error", || AgentState::Error),
    ("rate_limited", || AgentState::RateLimited { until: None }),
    ("stalled", || AgentState::Stalled),
    ("exited", || AgentState::Exited),
    ("unsure", || AgentState::Unsure),
];

/// A test as it is written.
#[derive(Debug)]
pub(super) struct Scenario {
    /// What it shows, for people.
    pub(super) about: String,
    /// The policies, relative to the test's folder.
    pub(super) policy: Vec<PathBuf>,
    /// The panes, where something is said of them.
    pub(super) panes: Vec<PaneInfo>,
    /// How the world behaves.
    pub(super) setting: Setting,
    /// When it begins.
    pub(super) start: Timestamp,
    /// What is printed.
    pub(super) output: Output,
    /// The time between two lines.
    pub(super) pace: Millis,
    /// The decisions.
    pub(super) expect: Vec<String>,
    /// The bytes of the text that `expect` takes, with its key; where it belongs when there is none.
    expected_at: std::ops::Range<usize>,
}

/// What is printed.
#[derive(Debug)]
pub(super) enum Output {
    /// A file, relative to the test's folder.
    Log(PathBuf),
    /// In the test itself: each record with the number of its pane.
    Here(Vec<(usize, Record)>),
}

impl Scenario {
    /// Reads a test, or tells everything that is wrong with it.
    pub(super) fn read(source: &Source) -> Result<Self, Diagnostics> {
        // What could not be read has its problem, so that a test is there where there is none.
        Reader::read(source, |top| scenario(top, &source.text)).and_then(|read| Diagnostics::default().judge(read))
    }

    /// The text of the test with other expectations.
    pub(super) fn with_expectations(&self, text: &str, decisions: &[String]) -> String {
        let mut block = String::from("expect:\n");
        for decision in decisions {
            block.push_str(&format!("  - {}\n", quoted(decision)));
        }
        if decisions.is_empty() {
            block = "expect: []\n".to_owned();
        }
        let (before, after) = (&text[..self.expected_at.start], &text[self.expected_at.end..]);
        let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        format!("{before}{gap}{block}{after}")
    }
}

fn scenario(top: Fields<'_, '_>, text: &str) -> Option<Scenario> {
    let pace = top.duration("pace").unwrap_or(Millis(1000));
    let start = top.get("start").map_or(Some(START), |node| instant(top.reader(), node));
    let setting = Setting {
        answers: top
            .word("answers", &[("leave", Answers::Leave), ("approve", Answers::Approve), ("reject", Answers::Reject)])
            .unwrap_or_default(),
        polls: top.word("polls", &[("pending", Polls::Pending), ("met", Polls::Met)]).unwrap_or_default(),
        tail: top.duration("tail").unwrap_or_default(),
        ..Setting::default()
    };
    let (names, panes) = panes(&top);
    let output = match (top.get("log"), top.get("output")) {
        (Some(log), None) => top.reader().text(log, "log").map(|log| Output::Log(PathBuf::from(log))),
        (None, Some(node)) => Some(Output::Here(output(top.reader(), node, start.unwrap_or(START), pace, &names))),
        (Some(_), Some(node)) => {
            top.reader().error_with("twice", node.at, "`log` and `output` stand here both", "keep one of them");
            None
        }
        (None, None) => {
            top.reader().error_with(
                "missing-key",
                top.at(),
                "nothing is printed in this test",
                "name a file with `log`, or write the lines in `output`",
            );
            None
        }
    };
    let about = top.text("about").unwrap_or_default().trim().to_owned();
    let policy = top.texts("policy").unwrap_or_default().into_iter().map(PathBuf::from).collect();
    let expect = top.texts("expect").unwrap_or_default();
    let expected_at = place_of_expectations(&top, text);
    top.finish();
    Some(Scenario { about, policy, panes, setting, start: start?, output: output?, pace, expect, expected_at })
}

/// From the line of the key `expect` to the end of its last item, or to the next key at the margin.
fn place_of_expectations(top: &Fields<'_, '_>, text: &str) -> std::ops::Range<usize> {
    let mut keys = top.entries().iter().skip_while(|(key, _)| key.text != "expect");
    let Some((own, node)) = keys.next() else { return text.len()..text.len() };
    let next = keys.next().map_or(text.len(), |(next, _)| next.at.start);
    let begin = own.at.start.min(text.len());
    // A list in block form ends with its last item's line; what follows is the user's.
    let last = match &node.kind {
        Kind::List(items) if !text[begin..].starts_with("expect: [") => items.last().map(|item| item.at),
        _ => None,
    };
    let end = last.map_or(next, |last| {
        let at = (last.start + last.len).min(text.len());
        text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |line| at + line + 1)
    });
    begin..end.min(next).max(begin)
}

fn instant(reader: &Reader<'_>, node: &Node) -> Option<Timestamp> {
    let text = reader.text(node, "start")?;
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Some(Timestamp(at.as_millisecond())),
        Err(_) => {
            reader.error_with("bad-value", node.at, "`start` is no instant", "write it as 2026-03-02T08:00:00Z");
            None
        }
    }
}

/// The panes of a test with their names, where it says something of them.
fn panes(top: &Fields<'_, '_>) -> (Vec<String>, Vec<PaneInfo>) {
    let reader = top.reader();
    let (one, several) = (top.get("pane"), top.get("panes"));
    if let (Some(_), Some(node)) = (one, several) {
        reader.error_with("twice", node.at, "`pane` and `panes` stand here both", "keep one of them");
    }
    let Some(node) = several else {
        return (Vec::new(), one.and_then(|node| pane(reader, node)).into_iter().collect());
    };
    let Some(fields) = reader.map(node, "panes") else { return (Vec::new(), Vec::new()) };
    let mut found = (Vec::new(), Vec::new());
    for ((name, node), number) in fields.entries().iter().zip(1..) {
        let Some(mut info) = pane(reader, node) else { continue };
        (info.key.pane, info.key.pid, info.pane_index) = (PaneId(number), number, number);
        found.0.push(name.text.clone());
        found.1.push(info);
    }
    found
}

fn pane(reader: &Reader<'_>, node: &Node) -> Option<PaneInfo> {
    let fields = reader.map(node, "pane")?;
    let mut pane = unknown_pane();
    for (key, node) in fields.entries() {
        let Some(value) = reader.text(node, &fields.path(&key.text)) else { continue };
        if !FACTS.contains(&key.text.as_str()) {
            let text = format!("a pane has no fact `{}`", key.text);
            let all = || format!("the facts are {}", FACTS.join(", "));
            reader.unknown("unknown-key", key.at, text, (&key.text, FACTS.iter().copied()), all);
            continue;
        }
        if let Err(text) = set_fact(&mut pane, &key.text, value) {
            reader.error("bad-value", node.at, text);
        }
    }
    Some(pane)
}

/// The records of `output`: one text is a log, a list has a line or an event an item.
fn output(reader: &Reader<'_>, node: &Node, start: Timestamp, pace: Millis, panes: &[String]) -> Vec<(usize, Record)> {
    let first = |records: Vec<Record>| records.into_iter().map(|record| (0, record)).collect();
    if let Some(text) = node.as_text() {
        return first(read_log(text.as_bytes(), start, pace));
    }
    let mut records = Vec::new();
    let mut at = start;
    for (index, item) in reader.list(node).iter().enumerate() {
        let pause = if index == 0 { Millis(0) } else { pace };
        let line = |text: &str, at: Timestamp| read_log(format!("{text}\n").as_bytes(), at, Millis(0));
        if item.entries().is_some() {
            let path = format!("output[{index}]");
            let Some(fields) = reader.map(item, &path) else { continue };
            at = at + fields.duration("after").unwrap_or(pause);
            let pane = numbered_pane(reader, &fields, panes);
            let mut record = |what| records.push((pane, Record { at, what }));
            if let Some(pipeline) = fields.text("start") {
                let by = Decider::named("replay", Via::Cli);
                let (pipeline, inputs) = (pipeline.to_owned(), inputs(reader, &fields));
                record(Recorded::Started { pipeline, stage: None, inputs, by });
            }
            if let Some(code) = fields.number("exit", 0..=255).and_then(|code| i32::try_from(code).ok()) {
                record(Recorded::Ended { exit: code });
            }
            if let Some(state) = fields.word("agent", &AGENT) {
                record(Recorded::Agent(state()));
            }
            if let Some(text) = fields.text("line") {
                records.extend(line(text, at).into_iter().map(|record| (pane, record)));
            }
            fields.finish();
        } else if let Some(text) = reader.text(item, &format!("output[{index}]")) {
            at = at + pause;
            records.extend(line(text, at).into_iter().map(|record| (0, record)));
        }
    }
    records
}

/// The pane that an item of `output` names with `in`; the first one without.
fn numbered_pane(reader: &Reader<'_>, fields: &Fields<'_, '_>, panes: &[String]) -> usize {
    let Some(node) = fields.get("in") else { return 0 };
    let Some(name) = reader.text(node, "in") else { return 0 };
    let found = panes.iter().position(|known| known == name);
    if found.is_none() {
        let text = format!("the test has no pane `{name}`");
        let all = || format!("its panes are {}", panes.join(", "));
        reader.unknown("unknown-pane", node.at, text, (name, panes.iter().map(String::as_str)), all);
    }
    found.unwrap_or(0)
}

/// The inputs that a start gives.
fn inputs(reader: &Reader<'_>, fields: &Fields<'_, '_>) -> Variables {
    let Some(given) = fields.get("set").and_then(|node| reader.map(node, "set")) else { return Variables::new() };
    let value = |key: &str, node: &Node| Some((key.to_owned(), reader.text(node, "set")?.to_owned()));
    given.entries().iter().filter_map(|(key, node)| value(&key.text, node)).collect()
}

/// What was decided, a line each, and how it stands at the end.
pub(super) fn decisions(report: &Report, start: Timestamp) -> Vec<String> {
    let several = {
        let mut places: Vec<&str> = report.entries.iter().map(|entry| entry.place.as_str()).collect();
        places.sort_unstable();
        places.dedup();
        places.len() > 1
    };
    let told = report.entries.iter().map(|entry| {
        let place = if several && !entry.place.is_empty() { format!("{} ", entry.place) } else { String::new() };
        format!("{} {place}{}", entry.at.since(start), entry.what)
    });
    told.chain(report.ending()).collect()
}

/// Whether a decision is the expected one.
pub(super) fn meets(expected: &str, decision: &str) -> bool {
    let expected = expected.trim();
    // Without a time the decision may come at any.
    let timed = expected.starts_with(|c: char| c.is_ascii_digit());
    let is_timed = decision.starts_with(|c: char| c.is_ascii_digit());
    let decision =
        if is_timed && !timed { decision.split_once(' ').map_or(decision, |(_, rest)| rest) } else { decision };
    match expected.strip_suffix('…').or_else(|| expected.strip_suffix("...")) {
        Some(beginning) => decision.starts_with(beginning.trim_end()),
        None => decision == expected,
    }
}
