//! Pieces of one pane, compressed.
//!
//! One `DELTA\tKIND\tREST` a line; DELTA in milliseconds from the first. A line's kind is a letter for its source and the
//! length of what was told of it before, where that is not nothing; a message stands before its line.

use super::{Recorded, RecordedLine, instant, newest};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use tmuxagent_model::{AgentMessage, LineSource, Millis, Timestamp};

/// Text is handed to the packer in pieces of so many bytes: it clears its whole output buffer for each, however small.
const AT_ONCE: usize = 64 * 1024;

/// See the module.
pub(super) struct Chunk {
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub lines: u64,
    pub missed: u64,
    pub body: Vec<u8>,
}

impl Chunk {
    /// Packs pieces; `None` where there are none.
    pub(super) fn of(pieces: &[Recorded]) -> io::Result<Option<Self>> {
        let Some(first_at) = pieces.iter().map(instant).min() else {
            return Ok(None);
        };
        let last_at = newest(pieces);
        let (mut lines, mut missed) = (0, 0);
        let packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        let mut packer = BufWriter::with_capacity(AT_ONCE, packer);
        for piece in pieces {
            let delta = instant(piece).since(first_at).0;
            match piece {
                Recorded::Line(line) => {
                    lines += 1;
                    if let Some(message) = &line.message {
                        writeln!(packer, "{delta}\tj\t{}", serde_json::to_string(message)?)?;
                    }
                    let kind = match line.source {
                        LineSource::Stream => 's',
                        LineSource::Screen => 'c',
                        LineSource::History => 'h',
                    };
                    write!(packer, "{delta}\t{kind}")?;
                    if line.seen > 0 {
                        write!(packer, "{}", line.seen)?;
                    }
                    writeln!(packer, "\t{}", line.text.replace('\n', " "))?;
                }
                Recorded::Ended { exit, .. } => writeln!(packer, "{delta}\te\t{exit}")?,
                Recorded::Missed { lines: count, .. } => {
                    missed += count;
                    writeln!(packer, "{delta}\tm\t{count}")?;
                }
            }
        }
        let packer = packer.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Some(Self { first_at, last_at, lines, missed, body: packer.finish()? }))
    }
}

/// Gives the pieces of a stored chunk, in their order. What is no piece is passed over.
pub(super) fn unpack(first_at: Timestamp, body: &[u8], mut each: impl FnMut(Recorded)) -> io::Result<()> {
    let mut message = None;
    for line in BufReader::new(DeflateDecoder::new(body)).lines() {
        if let Some(piece) = piece(first_at, &line?, &mut message) {
            each(piece);
        }
    }
    Ok(())
}

/// One stored line back; `None` where it is not one, or is the message of the next.
fn piece(first_at: Timestamp, text: &str, message: &mut Option<AgentMessage>) -> Option<Recorded> {
    let mut parts = text.splitn(3, '\t');
    let at = first_at + Millis(parts.next()?.parse().ok()?);
    let (kind, text) = (parts.next()?, parts.next()?);
    let source = match kind.get(..1)? {
        "s" => LineSource::Stream,
        "c" => LineSource::Screen,
        "h" => LineSource::History,
        "m" => return Some(Recorded::Missed { at, lines: text.parse().ok()? }),
        "e" => return Some(Recorded::Ended { at, exit: text.parse().ok()? }),
        "j" => {
            *message = serde_json::from_str(text).ok();
            return None;
        }
        _ => return None,
    };
    let seen = kind.get(1..).and_then(|seen| seen.parse().ok()).unwrap_or(0);
    let message = message.take().map(Box::new);
    Some(Recorded::Line(RecordedLine { at, source, seen, text: text.to_owned(), message }))
}
