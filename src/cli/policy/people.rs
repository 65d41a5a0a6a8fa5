//! What the journal holds of recorded panes beside what they printed: what people started, steered and decided there, and what
//! agents did.

use super::super::{CliError, Session, journal};
use super::recorded::Stretch;
use tmuxagent_engine::replay::{Record, Recorded, Recording};
use tmuxagent_model::{Command, EntityKind, Event, Millis, PaneKey, RunId, Timestamp};
use tmuxagent_store::{Reader, StoreError};

/// What journal and recording say of one end lies no further apart.
const APART: Millis = Millis::from_secs(10);

/// Adds it to the recordings of those panes.
pub(super) fn add(session: &Session, recordings: &mut [Recording], stretch: Stretch) -> Result<(), CliError> {
    let database = match session.load() {
        Ok(loaded) => loaded.paths.database,
        Err(_) => session.paths()?.database,
    };
    if !database.exists() {
        return Ok(());
    }
    let found = Reader::open(&database)
        .map_err(|error| CliError::user(format!("the database can't be read: {error}"), "see `tmuxagent db check`"))?;
    let facts = facts(&found, stretch).map_err(|error| journal::unreadable(&error))?;
    // The end of a command leads on by timers, so that its instant matters: the journal has the one that was decided by, the
    // recording the one at which it was read. Where the journal begins later the recording counts.
    let is_end = |record: &Record| matches!(record.what, Recorded::Ended { .. });
    let told = facts.iter().filter(|(_, record)| is_end(record)).map(|(_, record)| record.at - APART).min();
    for recording in recordings {
        recording.records.retain(|record| !is_end(record) || told.is_none_or(|first| record.at < first));
        let own = facts.iter().filter(|(pane, _)| *pane == recording.pane.key).map(|(_, record)| record.clone());
        // What a person does comes before what it leads to in the same instant.
        let mut records: Vec<Record> = own.collect();
        records.append(&mut recording.records);
        records.sort_by_key(|record| record.at);
        recording.records = records;
    }
    Ok(())
}

fn facts(reader: &Reader, stretch: Stretch) -> Result<Vec<(PaneKey, Record)>, StoreError> {
    let mut facts = Vec::new();
    let past = reader.past_runs(u32::MAX)?;
    for entry in reader.acts(stretch.since, stretch.until)? {
        let event = match entry.event {
            Event::Witnessed { fact, .. } => *fact,
            bare => bare,
        };
        facts.extend(fact(reader, &past, entry.at, event)?);
    }
    let within = |at: Timestamp| stretch.since <= at && at <= stretch.until;
    for approval in reader.approvals(u32::MAX)? {
        // What an agent asks by its dialog is not recorded.
        let Some(at) = approval.decision.as_ref().map(|decision| decision.at).filter(|at| within(*at)) else {
            continue;
        };
        if approval.stage.is_some() {
            facts.push((approval.pane.clone(), Record { at, what: Recorded::Decided(Box::new(approval)) }));
        }
    }
    Ok(facts)
}

fn fact(
    reader: &Reader,
    past: &[(RunId, Timestamp, String)],
    at: Timestamp,
    event: Event,
) -> Result<Option<(PaneKey, Record)>, StoreError> {
    Ok(match event {
        Event::CommandEnded { pane, exit, .. } => Some((pane, Record { at, what: Recorded::Ended { exit } })),
        Event::Agent(seen) => Some((seen.pane.clone(), Record { at, what: Recorded::AgentSeen(seen) })),
        Event::Asked { command: Command::Start { pane, pipeline, stage, inputs }, by } => {
            Some((pane, Record { at, what: Recorded::Started { pipeline, stage, inputs, by } }))
        }
        Event::Asked { command: Command::Control { run, stage, control }, by } => {
            let body = match reader.entity(EntityKind::Run, &run.0.to_string())? {
                Some(body) => Some(body),
                None => past.iter().find(|(id, ..)| *id == run).map(|(.., body)| body.clone()),
            };
            let whose = body.and_then(|body| serde_json::from_str::<Whose>(&body).ok());
            whose.map(|Whose { pane, pipeline }| {
                (pane, Record { at, what: Recorded::Steered { pipeline, stage, control, by } })
            })
        }
        _ => None,
    })
}

/// Whose run it was.
#[derive(serde::Deserialize)]
struct Whose {
    pane: PaneKey,
    pipeline: String,
}
