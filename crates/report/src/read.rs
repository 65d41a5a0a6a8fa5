//! The journal as a report needs it, from the store: the only part that is not pure.

use super::{Collector, Report};
use std::collections::HashMap;
use tmuxagent_model::{Event, Note, PaneKey, Timestamp};
use tmuxagent_store::{EventFilter, Reader, StoreError};

/// Counts what the store holds since an instant.
///
/// # Errors
/// When the store can't be read.
pub fn collect(reader: &Reader, mut collector: Collector, since: Timestamp) -> Result<Report, StoreError> {
    let mut lines = Vec::new();
    reader.each_event(since, |line| lines.push(line))?;
    for line in &lines {
        if let Some(run) = collector.unknown_run(line) {
            let filter = EventFilter { run: Some(run), limit: u32::MAX, ..EventFilter::default() };
            let begin = reader.events(&filter)?.into_iter().find(|line| matches!(line.note, Note::RunStarted { .. }));
            begin.iter().for_each(|begin| collector.line(begin));
        }
        collector.line(line);
    }
    drop(lines);
    for approval in reader.approvals(u32::MAX)? {
        collector.approval(&approval);
    }
    let newest = agents(reader, &mut collector)?;
    Ok(collector.finish(newest))
}

/// What agents did, from the journal itself; the newest instant that it knows of.
fn agents(reader: &Reader, collector: &mut Collector) -> Result<Timestamp, StoreError> {
    let mut places: HashMap<PaneKey, String> = HashMap::new();
    let mut newest = Timestamp::default();
    for entry in reader.journal(0) {
        let entry = entry?;
        newest = newest.max(entry.at);
        let fact = match entry.event {
            Event::Witnessed { fact, .. } => *fact,
            fact => fact,
        };
        match fact {
            Event::PaneSeen { info } => {
                let place = info.place();
                places.insert(info.key, place);
            }
            Event::Agent(seen) => {
                let place = places.get(&seen.pane).map_or("", String::as_str);
                collector.agent(entry.at, place, &seen);
            }
            _ => {}
        }
    }
    Ok(newest)
}
