//! Pieces of one pane, compressed.
//!
//! One `DELTA\tKIND\tREST` a line; DELTA in milliseconds from the first. A line's kind is a letter for its source and the
//! length of what was told of it before, where that is not nothing; a message stands before its line.

use super::{Piece, Recorded, RecordedLine, newest};
use flate2::read::DeflateDecoder;
use std::io::{self, BufRead, BufReader, Write};
use tmuxagent_model::{AgentMessage, BlockLine, LineSource, Millis, Timestamp};

/// The packer's level: of all that keep up with a flood the one that packs best.
const LEVEL: i32 = 1;
/// What a packed chunk begins with. Earlier versions packed by deflate, of which nothing can begin so.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Packs many chunks, one after the other.
pub(super) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let mut packer = zstd::bulk::Compressor::new(LEVEL)?;
        packer.include_checksum(true)?;
        Ok(Self(packer))
    }
}

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
    pub(super) fn of(pieces: &[Piece], packer: &mut Packer) -> io::Result<Option<Self>> {
        let Some(first_at) = pieces.iter().map(Piece::at).min() else {
            return Ok(None);
        };
        let last_at = newest(pieces);
        let (mut lines, mut missed) = (0, 0);
        let mut text = Vec::new();
        for piece in pieces {
            let delta = piece.at().since(first_at).0;
            match piece {
                Piece::Lines(_, block) => {
                    lines += block.len() as u64;
                    write_lines(&mut text, delta, block.lines());
                }
                Piece::One(Recorded::Line(line)) => {
                    lines += 1;
                    if let Some(message) = &line.message {
                        writeln!(text, "{delta}\tj\t{}", serde_json::to_string(message)?)?;
                    }
                    let RecordedLine { seen, source, .. } = *line;
                    let clean = line.text.replace('\n', " ");
                    write_lines(&mut text, delta, [BlockLine { text: &clean, seen, source }]);
                }
                Piece::One(Recorded::Ended { exit, .. }) => writeln!(text, "{delta}\te\t{exit}")?,
                Piece::One(Recorded::Missed { lines: count, .. }) => {
                    missed += count;
                    writeln!(text, "{delta}\tm\t{count}")?;
                }
            }
        }
        Ok(Some(Self { first_at, last_at, lines, missed, body: packer.0.compress(&text)? }))
    }
}

/// Writes lines of one instant; what stands before them is mostly the same.
fn write_lines<'l>(out: &mut Vec<u8>, delta: u64, lines: impl IntoIterator<Item = BlockLine<'l>>) {
    let mut before = (String::new(), None);
    for line in lines {
        if before.1 != Some((line.source, line.seen)) {
            let kind = match line.source {
                LineSource::Stream => 's',
                LineSource::Screen => 'c',
                LineSource::History => 'h',
            };
            let seen = if line.seen > 0 { line.seen.to_string() } else { String::new() };
            before = (format!("{delta}\t{kind}{seen}\t"), Some((line.source, line.seen)));
        }
        out.extend_from_slice(before.0.as_bytes());
        out.extend_from_slice(line.text.as_bytes());
        out.push(b'\n');
    }
}

/// Gives the pieces of a stored chunk, in their order. What is no piece is passed over.
pub(super) fn unpack(first_at: Timestamp, body: &[u8], each: impl FnMut(Recorded)) -> io::Result<()> {
    if body.starts_with(&MAGIC) {
        read(first_at, BufReader::new(zstd::stream::read::Decoder::new(body)?), each)
    } else {
        read(first_at, BufReader::new(DeflateDecoder::new(body)), each)
    }
}

fn read(first_at: Timestamp, lines: impl BufRead, mut each: impl FnMut(Recorded)) -> io::Result<()> {
    let mut message = None;
    for line in lines.lines() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use tmuxagent_model::LineBlock;

    fn texts(body: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        unpack(Timestamp(1000), body, |piece| all.push(format!("{piece:?}"))).unwrap();
        all
    }

    #[test]
    fn what_an_earlier_version_packed_is_read() {
        let mut old = DeflateEncoder::new(Vec::new(), Compression::fast());
        old.write_all("0\ts\ta line\n7\tc3\t中文\n9\te\t-1\n9\tm\t12\n".as_bytes()).unwrap();
        let line = |at, source, seen, text: &str| {
            Piece::One(Recorded::Line(RecordedLine {
                at: Timestamp(at),
                source,
                seen,
                text: text.to_owned(),
                message: None,
            }))
        };
        let pieces = [
            line(1000, LineSource::Stream, 0, "a line"),
            line(1007, LineSource::Screen, 3, "中文"),
            Piece::One(Recorded::Ended { at: Timestamp(1009), exit: -1 }),
            Piece::One(Recorded::Missed { at: Timestamp(1009), lines: 12 }),
        ];
        let new = Chunk::of(&pieces, &mut Packer::new().unwrap()).unwrap().unwrap();
        assert_eq!((new.lines, new.missed, new.body.starts_with(&MAGIC)), (2, 12, true));
        assert_eq!(texts(&old.finish().unwrap()), texts(&new.body));
    }

    #[test]
    fn a_block_is_packed_as_its_lines_one_by_one() {
        let lines = [
            BlockLine { text: "one", seen: 0, source: LineSource::Stream },
            BlockLine { text: "", seen: 0, source: LineSource::Stream },
            BlockLine { text: "grown", seen: 2, source: LineSource::Stream },
            BlockLine { text: "rows", seen: 0, source: LineSource::History },
        ];
        let mut block = LineBlock::default();
        lines.iter().for_each(|line| block.push(*line));
        let at = Timestamp(1005);
        let single = lines.map(|BlockLine { text, seen, source }| {
            Piece::One(Recorded::Line(RecordedLine { at, source, seen, text: text.to_owned(), message: None }))
        });
        let mut packer = Packer::new().unwrap();
        let mut packed = |pieces: &[Piece]| Chunk::of(pieces, &mut packer).unwrap().unwrap();
        let (whole, single) = (packed(&[Piece::Lines(at, block)]), packed(&single));
        assert_eq!((whole.lines, &whole.body), (single.lines, &single.body));
        assert_eq!(texts(&whole.body).len(), 4);
    }
}
