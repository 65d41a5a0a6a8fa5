//! Bytes of a pane become lines; screens become text; messages are picked out.
//!
//! One [`Reader`] per pane. It is fed by the collector and answers with [`Reading`]s through a sink:
//!
//! - [`Reader::bytes`] with the pane's output, in any chunking; [`Reader::quiet`] once the output has paused for 50 ms.
//! - While [`Reader::wants_screen`] holds, the stream says only *that* something changed; the collector captures the
//!   visible rows and hands them to [`Reader::screen`].
//! - [`Reader::baseline`] takes what was there before the observation began; it is known from then on and never told.
//! - [`Reader::typed`] before our own keys are sent, so that their echo is recognised.
//!
//! **Invariants:** no I/O, no clock. The same bytes give the same readings in any chunking. Memory is bounded whatever
//! a pane prints. No input makes it panic. Nothing is told twice because a program drew it twice.

mod anchor;
mod border;

pub use anchor::{Anchor, Missed};

use crate::model::{AgentMessage, LineSource, Origin, ProgramState};

/// What a reader tells its owner. Texts are untrusted: no escapes and no control characters, but any words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<'a> {
    /// A line that is complete, or that stood still when the output paused.
    Line {
        /// The text without escapes and trailing blanks, at most 64 KiB. A longer line comes in pieces, each of which
        /// begins with the last KiB of the piece before it, so that no match across the border is lost.
        text: &'a str,
        /// The number of bytes at the start of `text` that an earlier reading already showed (a prompt that was
        /// answered since, a row that grew, the overlap of pieces). A pattern that matches within `text[..seen]`
        /// was counted then. 0 for nearly all lines; always at a character border.
        seen: usize,
        /// How it was read.
        source: LineSource,
        /// Who wrote it.
        origin: Origin,
        /// The agent's message that ends on this line, if one does.
        message: Option<AgentMessage>,
    },
    /// The program reported its state (OSC 7501, 9, 777).
    Program(ProgramState),
    /// The program changed its title (OSC 0 or 2).
    Title(&'a str),
    /// The bell rang.
    Bell,
    /// A command ended: OSC 133;D, or the end mark of a tracked command with its token.
    CommandEnded {
        /// The tracked command's token.
        token: Option<String>,
        /// Its exit code.
        exit: i32,
    },
    /// Something that should be a message of the agent protocol can't be read.
    Malformed {
        /// Why, a lower-case fragment.
        error: String,
    },
}

/// Reads one pane.
#[derive(Debug, Default)]
pub struct Reader {
    partial: Vec<u8>,
    rows: Vec<String>,
    anchor: Anchor,
    alternate: bool,
}

impl Reader {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the pane's size in cells. Call it before the first bytes and whenever it changes; 0 is "not known".
    ///
    /// The width decides where long typed commands wrap, the height how far up a program can redraw.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let _ = (columns, rows);
    }

    /// Reads the next bytes of the stream.
    pub fn bytes(&mut self, data: &[u8], sink: &mut dyn FnMut(Reading<'_>)) {
        for piece in data.split_inclusive(|&byte| byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let text = String::from_utf8_lossy(&self.partial).trim_end().to_owned();
                self.partial.clear();
                self.anchor.push(&text);
                sink(line(&text, LineSource::Stream));
            }
        }
    }

    /// The output has paused for 50 ms: an unterminated line such as `Continue? [y/N] ` counts now.
    pub fn quiet(&mut self, sink: &mut dyn FnMut(Reading<'_>)) {
        let text = String::from_utf8_lossy(&self.partial);
        if !text.is_empty() {
            sink(line(text.trim_end(), LineSource::Stream));
        }
    }

    /// Takes what was visible before the observation began: known from now on, never told.
    pub fn baseline(&mut self, rows: &[String]) {
        self.rows = rows.to_vec();
    }

    /// Reads the visible rows (`capture-pane -p`, not `-J`) of a program that owns the screen.
    pub fn screen(&mut self, rows: &[String], sink: &mut dyn FnMut(Reading<'_>)) {
        for row in rows.iter().filter(|row| !row.trim().is_empty() && !self.rows.contains(row)) {
            sink(line(row.trim_end(), LineSource::Screen));
        }
        self.rows = rows.to_vec();
    }

    /// Reads lines that were missed ([`Anchor::missed`]), oldest first.
    pub fn history(&mut self, lines: &[String], sink: &mut dyn FnMut(Reading<'_>)) {
        for text in lines {
            self.anchor.push(text);
            sink(line(text.trim_end(), LineSource::History));
        }
    }

    /// Tells what is being typed into the pane, Enter as `\n`, before it is sent. Its echo gets [`Origin::Echo`].
    pub fn typed(&mut self, text: &str) {
        let _ = text;
    }

    /// Whether the program owns the screen, so that captures tell the truth and the stream does not.
    #[must_use]
    pub const fn wants_screen(&self) -> bool {
        self.alternate
    }

    /// Tells whether the pane is on the alternate screen, where that is known from elsewhere (`#{alternate_on}` when
    /// the observation begins); switches in the stream are seen by the reader itself.
    pub const fn set_alternate(&mut self, on: bool) {
        self.alternate = on;
    }

    /// Where the stream stands, to be kept over a break in the observation.
    #[must_use]
    pub const fn anchor(&self) -> &Anchor {
        &self.anchor
    }
}

/// A line of the program.
const fn line(text: &str, source: LineSource) -> Reading<'_> {
    Reading::Line { text, seen: 0, source, origin: Origin::Program, message: None }
}
