//! A log file, read as a pane would have printed it.

use super::{Record, Recorded};
use tmuxagent_lines::{Reader, Reading};
use tmuxagent_model::{Millis, Origin, Timestamp};

/// Reads the bytes of a log. Escapes are taken out, messages found and shells' reports of exit codes understood, as on a
/// pane's stream. A log tells no times: the first line is printed at `start`, each later one `pace` after the one before.
#[must_use]
pub fn read_log(bytes: &[u8], start: Timestamp, pace: Millis) -> Vec<Record> {
    let mut reader = Reader::new();
    let mut records: Vec<Record> = Vec::new();
    let mut at = start;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let mut take = |reading: Reading<'_>| records.extend(record(at, &reading));
        reader.bytes(text, &mut take);
        if line.ends_with(b"\n") {
            // In a file a line feed alone begins a line; a terminal wants the carriage return as well.
            reader.bytes(b"\r\n", &mut take);
        } else {
            // The file ends within a line, as a pane that asks something.
            reader.quiet(&mut take);
        }
        at = at + pace;
    }
    records
}

fn record(at: Timestamp, reading: &Reading<'_>) -> Option<Record> {
    let what = match reading {
        Reading::Line { text, seen, origin: Origin::Program, message, .. } => {
            Recorded::Line { text: (*text).to_owned(), seen: *seen, message: message.clone() }
        }
        Reading::CommandEnded { exit, .. } => Recorded::Ended { exit: *exit },
        Reading::Line { origin: Origin::Echo, .. }
        | Reading::ShellMarks { .. }
        | Reading::CommandBegan { .. }
        | Reading::Program(_)
        | Reading::Title(_)
        | Reading::Bell
        | Reading::Malformed { .. } => return None,
    };
    Some(Record { at, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_as_a_stream_is() {
        let log = b"\x1b[32mstart\x1b[0m\r\n10 %\r50 %\r100 %\n### SENTRY {\"type\":\"STATUS\",\"ok\":true}\n\x1b]133;D;3\x07a\n\nOk? ";
        let shown: Vec<String> = read_log(log, Timestamp(1000), Millis(10))
            .iter()
            .map(|record| match &record.what {
                Recorded::Line { text, message, .. } => {
                    format!("{} {text}{}", record.at.0, if message.is_some() { " (message)" } else { "" })
                }
                other => format!("{} {other:?}", record.at.0),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "1000 start",
                "1010 100 %",
                "1020 ### SENTRY {\"type\":\"STATUS\",\"ok\":true} (message)",
                "1030 Ended { exit: 3 }",
                "1030 a",
                "1040 ",
                "1050 Ok?"
            ]
        );
    }
}
