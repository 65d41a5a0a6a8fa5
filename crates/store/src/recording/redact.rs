//! Lines on their way into a recording, without secrets. A secret may go on from one line to the next, also over two chunks.

use super::{Piece, Recorded, RecordedLine};
use crate::redact;
use std::collections::BTreeMap;
use tmuxagent_model::{BlockLine, Carry, LineBlock, LineSource, PaneKey, Redaction, SecretMark};

/// Where the lines of each pane left off.
pub(super) type Carries = BTreeMap<PaneKey, Carry>;

/// Takes the secrets out of pieces of one pane.
pub(super) fn clean(pieces: &mut [Piece], carry: &mut Carry, redaction: &Redaction) {
    let Some(means) = redaction.means() else { return };
    for piece in pieces {
        match piece {
            Piece::Lines(_, block) => {
                let found = means.block(block, carry, SecretMark::Shown);
                if !found.is_empty() {
                    *block = cleaned(block, found);
                }
            }
            Piece::One(Recorded::Line(line)) => {
                let wrapped = line.source == LineSource::Screen;
                let found = means.rows(&[line.text.as_str()], carry, wrapped, SecretMark::Shown).pop().flatten();
                if let Some(text) = found {
                    line.seen = moved(&line.text, &text, line.seen);
                    line.text = text;
                }
                clean_message(line, redaction);
            }
            Piece::One(Recorded::Ended { .. } | Recorded::Missed { .. }) => {}
        }
    }
}

/// A block with other texts in place of those of some lines, which come in their order.
fn cleaned(block: &LineBlock, found: Vec<(usize, String)>) -> LineBlock {
    let mut clean = LineBlock::default();
    let mut found = found.into_iter().peekable();
    for (number, line) in block.lines().enumerate() {
        match found.next_if(|(at, _)| *at == number) {
            Some((_, text)) => {
                let seen = moved(line.text, &text, line.seen);
                clean.push(BlockLine { text: &text, seen, ..line });
            }
            None => clean.push(line),
        }
    }
    clean
}

fn clean_message(line: &mut RecordedLine, redaction: &Redaction) {
    let Some(message) = &mut line.message else { return };
    if let Some(clean) = redact::message(message, redaction) {
        **message = clean;
    }
}

/// Where an offset of a text is in the redacted one: what stands before and behind the secrets is the same in both.
fn moved(text: &str, redacted: &str, offset: usize) -> usize {
    let same = |a: Box<dyn Iterator<Item = char> + '_>, b: Box<dyn Iterator<Item = char> + '_>| -> usize {
        a.zip(b).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
    };
    let before = same(Box::new(text.chars()), Box::new(redacted.chars()));
    let behind = same(Box::new(text.chars().rev()), Box::new(redacted.chars().rev()));
    if offset <= before {
        offset
    } else if text.len() - offset.min(text.len()) <= behind {
        redacted.len().saturating_sub(text.len() - offset.min(text.len()))
    } else {
        redacted.len().saturating_sub(behind)
    }
}

#[cfg(test)]
mod tests {
    use super::moved;

    #[test]
    fn an_offset_moves_with_its_text() {
        let (text, redacted) = ("use 12345678 now", "use [redacted: x] now");
        let at = |offset| moved(text, redacted, offset);
        assert_eq!([at(0), at(4), at(7), at(12), at(16)], [0, 4, 17, 17, 21]);
    }
}
