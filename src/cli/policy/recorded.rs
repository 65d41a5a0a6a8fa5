//! What a replay is given: a log with the facts of a pane that the user names, or panes out of the recordings.

use super::super::target::named;
use super::super::{CliError, Session};
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use std::sync::Arc;
use tmuxagent_engine::replay::{Answers, Polls, Record, Recorded, Recording, Setting};
use tmuxagent_model::{HostName, Millis, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId, Timestamp};
use tmuxagent_policy::{Policy, Selector};
use tmuxagent_store::{self as store, RecordedPane, read_recording, recorded_panes};
use tmuxagent_text::clean;
use tmuxagent_yaml::{nearest, parse_duration};

/// The most lines that are played at once; they lie in memory.
const MOST_LINES: usize = 5_000_000;

/// How the world behaves in a replay.
#[derive(Debug, Args)]
pub(super) struct SettingArgs {
    /// How questions are answered: leave, approve, reject, or as-decided (as people did then)
    #[arg(long, value_name = "HOW", default_value = "leave", hide_possible_values = true)]
    answers: AnswersArg,
    /// How polls are answered: pending (not yet, always) or met
    #[arg(long, value_name = "HOW", default_value = "pending", hide_possible_values = true)]
    polls: PollsArg,
    /// How long time goes on after the last line
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = span)]
    tail: Millis,
    /// The time between two lines of a log, which tells no times itself
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = span)]
    pub(super) pace: Millis,
    /// A fact of the pane that a log is from, as in `match`: `window_name=agent:ci`; without any, every pipeline applies
    #[arg(long = "as", value_name = "KEY=VALUE")]
    facts: Vec<String>,
}

/// See [`Answers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AnswersArg {
    Leave,
    Approve,
    Reject,
    AsDecided,
}

/// See [`Polls`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PollsArg {
    Pending,
    Met,
}

impl SettingArgs {
    /// As the engine's replay takes it.
    pub(super) fn setting(&self) -> Setting {
        Setting {
            answers: match self.answers {
                AnswersArg::Leave => Answers::Leave,
                AnswersArg::Approve => Answers::Approve,
                AnswersArg::Reject => Answers::Reject,
                AnswersArg::AsDecided => Answers::AsDecided,
            },
            polls: match self.polls {
                PollsArg::Pending => Polls::Pending,
                PollsArg::Met => Polls::Met,
            },
            tail: self.tail,
            ..Setting::default()
        }
    }

    /// The pane that a log is from; `None` where nothing was said of it.
    pub(super) fn pane(&self) -> Result<Option<PaneInfo>, CliError> {
        let mut pane = None;
        for fact in &self.facts {
            let Some((key, value)) = fact.split_once('=') else {
                return Err(CliError::user(format!("`{}` is no fact", clean(fact)), "write --as KEY=VALUE"));
            };
            set_fact(pane.get_or_insert_with(unknown_pane), key, value)
                .map_err(|text| CliError::user(text, format!("the facts are {}", FACTS.join(", "))))?;
        }
        Ok(pane)
    }
}

/// A span of time as people write it.
pub(super) fn span(text: &str) -> Result<Millis, String> {
    parse_duration(text).ok_or_else(|| "a time such as `1500ms`, `2s`, `5m` or `1h30m` is needed".to_owned())
}

/// What may be said of a pane, by the keys of `match`.
pub(super) const FACTS: [&str; 8] =
    ["host", "session_name", "window_name", "pane_title", "pane_role", "current_command", "current_path", "agent"];

/// Sets a fact by the key that `match` has for it.
pub(super) fn set_fact(pane: &mut PaneInfo, key: &str, value: &str) -> Result<(), String> {
    let facts = &mut pane.facts;
    let place = match key {
        "host" => {
            pane.key.host = HostName::new(value);
            return Ok(());
        }
        "session_name" => &mut facts.session,
        "window_name" => &mut facts.window,
        "pane_title" => &mut facts.title,
        "pane_role" => &mut facts.role,
        "current_command" => &mut facts.command,
        "current_path" => &mut facts.path,
        "agent" => &mut facts.agent,
        other => {
            let near = nearest(other, FACTS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("a pane has no fact `{}`{near}", clean(other)));
        }
    };
    value.clone_into(place);
    Ok(())
}

/// A pane of which nothing is known: a shell in a session `log`.
pub(super) fn unknown_pane() -> PaneInfo {
    let key = PaneKey { host: HostName::local(), server: ServerId::new("log"), pane: PaneId(0), pid: 0 };
    let facts = PaneFacts {
        session: "log".to_owned(),
        window: "log".to_owned(),
        command: "sh".to_owned(),
        path: "/".to_owned(),
        ..PaneFacts::default()
    };
    PaneInfo::new(key, facts)
}

/// The policy with pipelines that apply to every pane, for logs of which nothing is known.
pub(super) fn everywhere(policy: &Policy) -> Arc<Policy> {
    let mut policy = policy.clone();
    for pipeline in &mut policy.pipelines {
        pipeline.selector = Selector::All(Vec::new());
        pipeline.panes.iter_mut().for_each(|pane| pane.selector = Selector::All(Vec::new()));
    }
    Arc::new(policy)
}

/// A stretch of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

/// The recordings of every pane that one of `wanted` names.
pub(super) fn from_recordings(
    session: &Session,
    wanted: &[String],
    stretch: Stretch,
) -> Result<Vec<Recording>, CliError> {
    let path = match session.load() {
        Ok(loaded) => loaded.paths.recordings(),
        Err(_) => session.paths()?.recordings(),
    };
    if !path.exists() {
        return Err(CliError::NotFound {
            text: format!("nothing is recorded yet: there is no {}", path.display()),
            hint: "a running supervisor records what it watches, unless the configuration says `record: false`"
                .to_owned(),
            candidates: Vec::new(),
        });
    }
    let unreadable = |error: tmuxagent_store::StoreError| {
        CliError::user(format!("the recordings {} can't be read: {error}", path.display()), "see `tmuxagent doctor`")
    };
    let known = recorded_panes(&path).map_err(unreadable)?;
    let mut recordings: Vec<Recording> = Vec::new();
    for name in wanted {
        let found = named(&known, |pane| &pane.info, name);
        if found.is_empty() {
            return Err(not_recorded(name, &known));
        }
        let new = found.into_iter().filter(|pane| recordings.iter().all(|other| other.pane.key != pane.info.key));
        let new: Vec<Recording> = new.map(|pane| Recording { pane: pane.info.clone(), records: Vec::new() }).collect();
        recordings.extend(new);
    }
    let keys: Vec<PaneKey> = recordings.iter().map(|recording| recording.pane.key.clone()).collect();
    let mut count = 0;
    read_recording(&path, &keys, stretch.since, |pane, piece| {
        let record = record(piece);
        if record.at <= stretch.until && count <= MOST_LINES {
            count += 1;
            recordings.iter_mut().filter(|r| r.pane.key == *pane).for_each(|r| r.records.push(record.clone()));
        }
    })
    .map_err(unreadable)?;
    if count > MOST_LINES {
        let text = format!("more than {MOST_LINES} lines are recorded of that");
        return Err(CliError::user(text, "say less with --since and --until"));
    }
    Ok(recordings)
}

fn record(piece: store::Recorded) -> Record {
    match piece {
        store::Recorded::Line(line) => Record {
            at: line.at,
            what: Recorded::Line { text: line.text, seen: line.seen, message: line.message.map(|message| *message) },
        },
        store::Recorded::Ended { at, exit } => Record { at, what: Recorded::Ended { exit } },
        store::Recorded::Missed { at, .. } => Record { at, what: Recorded::Gap },
    }
}

fn not_recorded(name: &str, known: &[RecordedPane]) -> CliError {
    let zone = TimeZone::system();
    let listed = known.iter().rev().map(|pane| {
        let (from, to) = (minute(&zone, pane.first_at), minute(&zone, pane.last_at));
        format!("{}  {}  {from} – {to}, {} lines", pane.info.short(), clean(&pane.info.target()), pane.lines)
    });
    CliError::NotFound {
        text: format!("no recorded pane is named `{}`", clean(name)),
        hint: if known.is_empty() { "nothing is recorded yet".to_owned() } else { "recorded are:".to_owned() },
        candidates: listed.take(30).collect(),
    }
}

/// An instant of the local day, to the minute.
fn minute(zone: &TimeZone, at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// An instant as people name it: so long ago (`2h`), a date and time, or a time of today; the local zone where none is
/// named.
pub(in crate::cli) fn instant(text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    let text = text.trim();
    if let Some(ago) = parse_duration(text) {
        return Ok(now - ago);
    }
    let zone = TimeZone::system();
    let local = |time: jiff::civil::DateTime| time.to_zoned(zone.clone()).ok().map(|time| time.timestamp());
    let today = || {
        let time: jiff::civil::Time = text.parse().ok()?;
        let now = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
        local(now.date().to_datetime(time))
    };
    let absolute = text.parse::<jiff::Timestamp>().ok();
    let named = || local(text.parse::<jiff::civil::DateTime>().ok()?);
    let found = absolute.or_else(named).or_else(today);
    found.map(|time| Timestamp(time.as_millisecond())).ok_or_else(|| {
        CliError::user(
            format!("`{}` is no instant", clean(text)),
            "write how long ago (`2h`), a time of today (`08:30`), or `2026-03-02 08:30`",
        )
    })
}
