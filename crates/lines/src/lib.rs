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

// Tests read their fixtures.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types))]

mod align;
mod anchor;
mod bare;
mod border;
mod cells;
mod control;
mod difference;
mod dim;
mod echo;
mod emitter;
mod found;
mod grid;
mod integration;
mod ledger;
mod message;
mod osc;
mod parser;
mod pieces;
mod recognise;
mod returned;
mod row_similarity;
mod screen;
mod screen_row;
mod sentry;
mod stream;
mod submitted;
mod terminal;
mod tracked;
mod unseen;
mod written;

pub use anchor::{Anchor, Missed};
pub use bare::bare_command;
pub use integration::{ShellPhase, ShellState};
pub use recognise::recognise;
pub use row_similarity::{alike, is_only_motion};
pub use submitted::{Entry, Standing, Submitted};
pub use tracked::{is_tracked_command, tracked_command, untracked_command, without_report};

use std::borrow::Cow;

use emitter::{Emitter, Line, Stage};
use found::Picture;
use integration::Integration;
use parser::Parser;
use screen::{News, Screen};
use stream::Stream;
use terminal::{Owner, TerminalParts, Words};
use unseen::Unseen;

use tmuxagent_model::{AgentMessage, LineSource, Malformed, Origin, ProgramState, Timestamp};

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
    /// The pane's own shell has our integration, or turned out not to be trusted with it any more.
    ShellMarks {
        /// Whether its marks are believed.
        trusted: bool,
    },
    /// A command began: the begin mark of a tracked command, or a mark of the pane's shell (OSC 133;C).
    CommandBegan {
        /// The tracked command's token, or that of the shell's own command; see [`ShellState::trusted`].
        token: Option<String>,
        /// The line that the shell read, where it is known.
        line: Option<String>,
        /// It was told. Otherwise it can't be: the pane is read in a way that shows no marks.
        told: bool,
    },
    /// A command ended: OSC 133;D, or the end mark of a tracked command with its token.
    CommandEnded {
        /// The tracked command's token, or that of the shell's own command.
        token: Option<String>,
        /// Its exit code.
        exit: i32,
    },
    /// Something that should be a message of the agent protocol can't be read.
    Malformed {
        /// Why.
        error: Malformed,
    },
}

/// Reads one pane.
#[derive(Debug, Default)]
pub struct Reader {
    parser: Parser,
    stream: Stream,
    screen: Screen,
    emitter: Emitter,
    unseen: Unseen,
    owner: Owner,
    words: Words,
    shell: Integration,
    columns: usize,
    rows: usize,
    /// Bytes came since the output last paused.
    stirred: bool,
    /// Bytes came since the last screen.
    moved_on: bool,
    /// A screen that came in the middle of an update.
    half_drawn: Option<Vec<String>>,
    /// See [`Reader::begins_at_birth`].
    from_birth: bool,
    /// See [`Reader::begins_at_top`].
    from_top: bool,
}

/// How many lines are looked through for those that an anchor remembers.
const FEW: usize = 60;

impl Reader {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The pane holds nothing yet, or everything that it holds is its present process's and is read from here on: until
    /// something is read, its anchor stands before everything.
    pub const fn begins_at_birth(&mut self) {
        self.from_birth = true;
    }

    /// The history that is read first holds everything that the pane holds.
    pub const fn begins_at_top(&mut self) {
        self.from_top = true;
    }

    /// Tells the pane's size in cells. Call it before the first bytes and whenever it changes; 0 is "not known".
    ///
    /// The width decides where long typed commands wrap, the height how far up a program can redraw.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.columns = usize::from(columns);
        self.rows = usize::from(rows);
        self.stream.resize(self.columns, self.rows);
        self.screen.set_columns(self.columns);
    }

    /// Tells when the bytes that follow were printed, by a clock that never goes back. Without it a control string that
    /// its program never ends swallows what follows; with it, for as long as tmux swallows it.
    pub fn at(&mut self, now: Timestamp) {
        self.parser.at(now);
    }

    /// Reads the next bytes of the stream.
    pub fn bytes(&mut self, data: &[u8], sink: &mut dyn FnMut(Reading<'_>)) {
        self.stirred |= !data.is_empty();
        self.moved_on |= !data.is_empty();
        if !data.is_empty() {
            self.shell.streams();
        }
        let (parser, mut parts) = self.parts(sink);
        parser.advance(data, &mut parts);
    }

    /// The output has paused for 50 ms: an unterminated line such as `Continue? [y/N] ` counts now. It is not told
    /// again when it is completed unchanged; grown, it comes with the length of what was told.
    ///
    /// On a screen it says that the last picture stands: call it too after the screen that follows a pause.
    pub fn quiet(&mut self, sink: &mut dyn FnMut(Reading<'_>)) {
        // An update that takes so long was given up.
        self.owner.drawing = false;
        if std::mem::take(&mut self.stirred) {
            let (_, mut parts) = self.parts(sink);
            parts.quiet();
        }
        if self.moved_on {
            // Another screen will follow.
            self.half_drawn = None;
        } else {
            if let Some(rows) = self.half_drawn.take() {
                self.read_screen(&rows, sink);
            }
            let news = self.screen.confirm();
            self.tell_rows(news, sink);
        }
    }

    /// Takes what was visible before the observation began (or went on): known from now on, never told.
    pub fn baseline(&mut self, rows: &[String]) {
        self.screen.know(rows.iter().map(String::as_str));
    }

    /// Reads the visible rows (`capture-pane -p`, not `-J`) of a program that owns the screen.
    ///
    /// The first screen after the program took the screen over is all new; a screen that was there before the
    /// observation began must be given to [`Reader::baseline`]. A screen in the middle of a synchronized update is put
    /// off until the next one or a pause; messages on a screen that was taken in full flow wait for their confirmation
    /// by the next screen or by [`Reader::quiet`].
    pub fn screen(&mut self, rows: &[String], sink: &mut dyn FnMut(Reading<'_>)) {
        if self.owner.drawing {
            self.half_drawn = Some(rows.to_vec());
            self.moved_on = false;
            return;
        }
        self.half_drawn = None;
        self.read_screen(rows, sink);
    }

    fn read_screen(&mut self, rows: &[String], sink: &mut dyn FnMut(Reading<'_>)) {
        self.shell.is_looked_at(sink);
        self.moved_on = false;
        let whole = self.owner.synchronized || !self.stirred;
        let picture = if whole { Picture::Whole } else { Picture::Perhaps };
        let news = self.screen.read(rows.iter().map(String::as_str), picture, &self.emitter.echo);
        if self.owner.addressed {
            self.stream.settle();
            let screen = &self.screen;
            self.owner.passed.clear();
            self.owner.held.iter_mut().for_each(|held| held.shown |= screen.shows(&held.text));
        }
        self.tell_rows(news, sink);
    }

    fn tell_rows(&mut self, news: Vec<News>, sink: &mut dyn FnMut(Reading<'_>)) {
        for News { text, seen, echo, messages } in news {
            self.emitter.row(Line { text: &text, seen, source: LineSource::Screen }, echo, messages, sink);
        }
    }

    /// Reads lines that were missed ([`Anchor::missed`]), oldest first.
    pub fn history(&mut self, lines: &[String], sink: &mut dyn FnMut(Reading<'_>)) {
        self.shell.catches_up(sink);
        for text in lines {
            let text = text.trim_end();
            self.stream.remember(text);
            let line = Line { text, seen: 0, source: LineSource::History };
            self.emitter.line(line, self.columns, Stage::Complete, sink);
        }
    }

    /// Where the cursor stands: below so many rows of history, on this row of the screen, from 0. To be called once what
    /// the pane holds was read.
    pub fn stands(&mut self, history: u64, row: usize, sink: &mut dyn FnMut(Reading<'_>)) {
        let at_prompt = self.shell.is_at_prompt(&self.stream);
        self.stream.grid().place(history, row);
        self.shell.counted_anew(at_prompt.then_some(&self.stream), sink);
    }

    /// Tells what is being typed into the pane, Enter as `\n`, before it is sent. Its echo gets [`Origin::Echo`].
    pub fn typed(&mut self, text: &str) {
        self.emitter.echo.typed(text, &self.stream.standing(), false);
        if let Some(token) = tracked::typed_token(text) {
            self.shell.typed(token);
            self.emitter.tracks(token);
        }
    }

    /// The same of a text that nobody may read: its echo is known as one, and neither [`Reader::awaited`] nor
    /// [`Reader::anchor`] gives anything of it away.
    pub fn typed_unseen(&mut self, text: &str) {
        self.unseen.typed(text);
        self.emitter.echo.typed(text, &self.stream.standing(), true);
    }

    /// A text of this pane that is to be kept, without what was typed unseen: a mark stands for that.
    #[must_use]
    pub fn without_unseen<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.unseen.without(text)
    }

    /// The same of rows of its screen.
    #[must_use]
    pub fn rows_without_unseen(&self, rows: &[String]) -> Vec<String> {
        self.unseen.without_rows(rows)
    }

    /// What the marks of the pane's shell tell of it: whether it shows a prompt, what stands behind that, what it runs.
    #[must_use]
    pub fn shell(&mut self) -> ShellState {
        let drawn = !self.owner.addressed && !self.owner.alternate;
        self.shell.state(drawn.then_some(&self.stream))
    }

    /// How often a line editor has let go of its line and begun another (by bracketed paste, which bash, zsh and fish switch
    /// on for each line): another number says that a line was entered or given up, and the prompt is a new one.
    #[must_use]
    pub const fn lines_entered(&self) -> u64 {
        self.shell.entered()
    }

    /// Typed lines whose echo is still to come, oldest first, but those that were typed unseen: to be kept with the anchor over a break, and handed to
    /// [`Reader::typed`] with their Enter before the missed lines are read.
    pub fn awaited(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.emitter.echo.awaited().map(|text| self.unseen.without(text))
    }

    /// Whether the program owns the screen, so that captures tell the truth and the stream does not.
    #[must_use]
    pub const fn wants_screen(&self) -> bool {
        self.owner.alternate || self.owner.addressed
    }

    /// Tells whether the pane is on the alternate screen, where that is known from elsewhere (`#{alternate_on}` when
    /// the observation begins); switches in the stream are seen by the reader itself.
    pub const fn set_alternate(&mut self, on: bool) {
        self.owner.alternate = on;
    }

    /// Where the stream stands, to be kept over a break in the observation.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        let mut anchor = Anchor::new(self.from_birth);
        let (row, columns) = self.stream.place();
        anchor.stands_below(row, columns);
        let mut count = 0;
        self.stream.complete(FEW).for_each(|line| {
            anchor.push(&self.unseen.without(&line));
            count += 1;
        });
        if self.from_top && !self.stream.dropped && count < FEW {
            anchor.is_all_there_was();
        }
        anchor
    }

    fn parts<'a>(&'a mut self, sink: &'a mut dyn FnMut(Reading<'_>)) -> (&'a mut Parser, TerminalParts<'a>) {
        let Self { parser, stream, screen, emitter, owner, words, shell, columns, rows, .. } = self;
        (parser, TerminalParts { stream, screen, emitter, owner, words, shell, columns: *columns, rows: *rows, sink })
    }
}

#[cfg(test)]
mod tests;
