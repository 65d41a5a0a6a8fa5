//! `tmuxagent events`.

use super::connection::Connection;
use super::{CliError, Outcome, Output, Session, Tone, exit};
use clap::Args;
use jiff::tz::TimeZone;
use tmuxagent_ipc::wire::{Reply, Request, ServerFrame};
use tmuxagent_model::{EventLine, Severity};
use tmuxagent_text::{clean, clock_seconds, in_zone, note_text};

/// With --json one event per line.
#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// Stay and print new ones
    #[arg(short, long)]
    follow: bool,
    /// Only events with a number above this
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// At most so many, the newest
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
    limit: u32,
}

/// Prints events of the journal.
pub(super) fn run(session: &Session, args: &EventsArgs) -> Outcome {
    let mut connection = Connection::open(session)?;
    let (out, zone) = (&session.out, TimeZone::system());
    let request = Request::Events { after: args.after, limit: args.limit, follow: args.follow };
    if let Reply::Events { events } = connection.ask(request)? {
        if events.is_empty() && !out.json {
            match args.after {
                0 => out.say("nothing happened yet: `tmuxagent start PANE` begins a pipeline")?,
                after => {
                    out.say(&format!("no event has a number above {after}: `tmuxagent events` prints the newest"))?
                }
            }
        }
        print(out, &zone, &events)?;
    }
    if !args.follow {
        return Ok(exit::OK);
    }
    while let Some(frame) = connection.push() {
        match frame {
            ServerFrame::Events { events } => print(out, &zone, &events)?,
            ServerFrame::Bye { .. } => break,
            ServerFrame::Reply { .. } | ServerFrame::Snapshot { .. } | ServerFrame::Screen { .. } => {}
        }
    }
    Ok(exit::OK)
}

fn print(out: &Output, zone: &TimeZone, events: &[EventLine]) -> Result<(), CliError> {
    for event in events {
        if out.json {
            out.json_line(event)?;
            continue;
        }
        let tone = match event.severity {
            Severity::Info => Tone::Plain,
            Severity::Success => Tone::Good,
            Severity::Warning => Tone::Warn,
            Severity::Error => Tone::Bad,
        };
        let time = out.paint(Tone::Dim, &clock_seconds(zone, event.at));
        let place = if event.place.is_empty() { String::new() } else { format!("{} ", clean(&event.place)) };
        let note = in_zone(&note_text(out.lang, &event.note), zone);
        let text = format!("{place}{}", out.paint(tone, &note));
        let head = format!("{:>6} {time} ", event.seq);
        out.told(&head, &text)?;
    }
    Ok(())
}
