//! Carries out what the parser takes apart: text and moves go to the stream, marks and titles to the sink.
//!
//! It also tells from the stream itself whether the program owns the screen: by the alternate screen, or by addressing
//! rows absolutely as diff renderers do. An excursion between saving and restoring the cursor (a status row at the
//! bottom, as package managers draw it) leaves the lines alone and does not count.

use super::dim::Colours;
use super::emitter::{Emitter, Line, Sink, Stage};
use super::integration::Integration;
use super::parser::{Csi, StringKind, Terminal};
use super::screen::Screen;
use super::stream::{Erase, Stream};
use super::{Reading, osc};
use osc::Said;
use tmuxagent_model::{LineSource, ProgramState};

/// A program that only writes lines has done so for this many rows, at most, when it is believed.
const LINES_OF_A_STREAM: usize = 12;
/// Pieces of an endless line are not held beyond this number.
const MOST_HELD: usize = 32;
/// What is written between saving and restoring the cursor beyond this is no excursion.
const LONGEST_EXCURSION: usize = 4096;
/// Rows beyond this are addressed only to find the screen's size.
const FAR_AWAY: u16 = 500;

/// Who owns the screen.
#[derive(Debug, Default)]
pub(super) struct Owner {
    pub(super) alternate: bool,
    /// The program addressed rows absolutely on the main screen.
    pub(super) addressed: bool,
    /// Within a synchronized update (DEC mode 2026): what is on the screen is half drawn.
    pub(super) drawing: bool,
    /// It marks its updates so; outside of them the screen is a whole picture.
    pub(super) synchronized: bool,
    /// Lines since it last did. They are told if it turns out to have stopped, unless the screen showed them.
    pub(super) held: Vec<Held>,
    /// Lines before it last did, since the screen was looked at.
    pub(super) passed: Vec<Held>,
    saved: bool,
    pub(super) colours: Colours,
    /// Bytes written in an excursion.
    excursion: Option<usize>,
}

/// A line that is told if its program turns out to only write lines again.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) text: String,
    seen: usize,
    /// A screen has shown it since.
    pub(super) shown: bool,
}

/// What is remembered of the program's own words.
#[derive(Debug, Default)]
pub(super) struct Words {
    title: String,
    progress: Option<ProgramState>,
    /// It reports its state by OSC 7501, which knows more than a progress bar.
    reports: bool,
}

/// The parts of a reader, and the sink, for the time of one call.
pub(super) struct TerminalParts<'a> {
    pub(super) stream: &'a mut Stream,
    pub(super) screen: &'a mut Screen,
    pub(super) emitter: &'a mut Emitter,
    pub(super) owner: &'a mut Owner,
    pub(super) words: &'a mut Words,
    pub(super) shell: &'a mut Integration,
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) sink: Sink<'a>,
}

/// Runs an operation of the stream with a place for its lines: the sink, or what is held while the screen is owned.
macro_rules! streaming {
    ($parts:ident, |$stream:ident, $out:ident| $body:expr) => {
        streaming!($parts, Stage::Complete, |$stream, $out| $body)
    };
    ($parts:ident, $stage:expr, |$stream:ident, $out:ident| $body:expr) => {{
        let TerminalParts { stream: $stream, emitter, owner, columns, sink, .. } = $parts;
        let columns = *columns;
        if owner.addressed {
            let $out = &mut |text: &str, seen: usize| {
                if owner.held.len() < MOST_HELD {
                    owner.held.push(Held { text: text.to_owned(), seen, shown: false });
                }
            };
            $body
        } else {
            let $out = &mut |text: &str, seen: usize| {
                emitter.line(Line { text, seen, source: LineSource::Stream }, columns, $stage, &mut **sink);
            };
            $body
        }
    }};
}

impl TerminalParts<'_> {
    /// The output paused.
    pub(super) fn quiet(&mut self) {
        self.emitter.echoed = false;
        if !self.owner.alternate && self.owner.excursion.is_some() {
            // It writes there for good.
            self.own();
        } else if !self.owner.alternate && !self.owner.addressed {
            streaming!(self, Stage::Unterminated, |stream, out| stream.quiet(out));
        }
    }

    fn line_feed(&mut self) {
        if self.owner.alternate {
            return;
        }
        if self.owner.excursion.is_some() {
            self.own();
        }
        let owned = self.owner.addressed;
        if !owned {
            self.screen.begins_anew();
        }
        streaming!(self, |stream, out| stream.line_feed(owned, out));
        let most = if self.rows > 0 { (self.rows / 2).clamp(4, LINES_OF_A_STREAM) } else { LINES_OF_A_STREAM };
        if self.owner.addressed && self.owner.held.len() >= most {
            self.release();
        }
    }

    /// The program is about to address a row.
    fn address(&mut self) {
        if self.owner.saved && !self.owner.addressed {
            self.owner.excursion.get_or_insert(0);
            self.stream.grid().blind = true;
        } else {
            self.own();
        }
    }

    /// The screen is the program's from now on; what the stream told stands on it.
    fn own(&mut self) {
        let room = MOST_HELD.saturating_sub(self.owner.passed.len());
        self.owner.passed.extend(self.owner.held.drain(..).take(room));
        self.end_excursion();
        if !self.owner.addressed {
            // What stands there may be gone when the screen is looked at.
            streaming!(self, Stage::Unterminated, |stream, out| stream.quiet(out));
            self.owner.addressed = true;
            let rows = self.stream.visible();
            self.screen.know(rows.iter().map(String::as_str));
            self.stream.settle();
        }
    }

    fn end_excursion(&mut self) {
        self.owner.excursion = None;
        self.stream.grid().blind = false;
    }

    /// The program only writes lines again.
    fn release(&mut self) {
        self.owner.addressed = false;
        self.owner.synchronized = false;
        // What it drew since the screen was looked at is lines now.
        let mut held = std::mem::take(&mut self.owner.passed);
        held.append(&mut self.owner.held);
        let mut lines = Vec::new();
        self.stream.tell_changed(&mut |text, seen| lines.push((text.to_owned(), seen)));
        lines.extend(held.into_iter().filter(|held| !held.shown).map(|held| (held.text, held.seen)));
        for (text, seen) in lines {
            if !self.screen.shows(&text) {
                let line = Line { text: &text, seen, source: LineSource::Stream };
                self.emitter.line(line, self.columns, Stage::Complete, &mut *self.sink);
            }
        }
        self.screen.reset();
    }

    fn set_alternate(&mut self, on: bool) {
        if self.owner.alternate != on {
            self.owner.alternate = on;
            self.end_excursion();
            self.owner.drawing = false;
            self.owner.synchronized = false;
            self.screen.reset();
            if !on && self.owner.addressed {
                self.owner.addressed = false;
                self.owner.held.clear();
                self.owner.passed.clear();
                self.stream.settle();
            }
        }
    }

    /// Another screen, or back to the main one with the cursor where it was.
    fn switch(&mut self, on: bool, cursor: bool) {
        let was = self.owner.alternate;
        if on && cursor && !was {
            self.stream.grid().save_for_alternate();
        }
        if on && !was {
            self.stream.grid().end_history();
        }
        self.set_alternate(on);
        if !on {
            let grid = self.stream.grid();
            let saved = grid.saved_for_alternate().filter(|_| cursor);
            let edge = grid.columns() - 1;
            let (x, y) = saved.unwrap_or((grid.x(), grid.at() - grid.top()));
            self.stream.go(x.min(edge), y);
        }
    }

    fn save(&mut self) {
        if !self.owner.alternate {
            self.owner.saved = true;
            self.stream.grid().save();
        }
    }

    fn restore(&mut self) {
        if self.owner.alternate {
            return;
        }
        let grid = self.stream.grid();
        let (x, y) = grid.saved();
        let edge = grid.columns() - 1;
        self.stream.go(x.min(edge), y);
        self.end_excursion();
        self.owner.saved = false;
    }

    fn erase_display(&mut self, what: Erase) {
        self.stream.entered |= self.emitter.echoed;
        streaming!(self, |stream, out| stream.erase_display(what, out));
    }

    /// DEC private modes: those that move the cursor or say where text goes, and synchronized updates.
    fn private_mode(&mut self, csi: &Csi, on: bool) {
        for mode in csi.all() {
            match mode {
                47 | 1047 => self.switch(on, false),
                1049 => self.switch(on, true),
                2026 => {
                    self.owner.drawing = on;
                    self.owner.synchronized = true;
                }
                6 => {
                    self.stream.grid().set_origin(on);
                    self.go_to(0, 0);
                }
                7 => self.stream.grid().wraps = on,
                // A shell that stops reading a line runs it.
                2004 => {
                    self.stream.entered |= !on;
                    self.shell.edits(on);
                }
                3 if !self.owner.alternate => {
                    self.go_to(0, 0);
                    self.erase_display(Erase::Whole);
                }
                _ => {}
            }
        }
    }

    /// Puts the cursor where the program counts it to be, from 0.
    fn go_to(&mut self, x: usize, y: usize) {
        if !self.owner.alternate {
            let grid = self.stream.grid();
            let (x, y) = (x.min(grid.columns() - 1), grid.addressed(y));
            self.stream.go(x, y);
        }
    }

    /// Moves the cursor by rows.
    fn move_rows(&mut self, to: impl Fn(&super::grid::Grid) -> usize, return_first: bool) {
        let grid = self.stream.grid();
        let (x, y) = (grid.x().min(grid.columns() - 1), to(grid));
        self.stream.go(if return_first { 0 } else { x }, y);
    }

    /// Cursor moves and edits of the main screen.
    fn edit(&mut self, csi: &Csi, last: u8) {
        let n = usize::from(csi.or(0, 1));
        let grid = self.stream.grid();
        let (x, columns) = (grid.x(), grid.columns());
        match last {
            b'A' => self.move_rows(|grid| grid.rows_up(n), false),
            b'B' => self.move_rows(|grid| grid.rows_down(n), false),
            b'C' => grid.set_x((x + n).min(columns - 1)),
            b'D' => grid.set_x(x.saturating_sub(n)),
            b'E' => self.move_rows(|grid| grid.rows_down(n), true),
            b'F' => self.move_rows(|grid| grid.rows_up(n), true),
            b'G' | b'`' => grid.set_x((n - 1).min(columns - 1)),
            b'Z' => (0..n.min(x)).for_each(|_| {
                let grid = self.stream.grid();
                let x = grid.x().min(columns - 1);
                grid.set_x(x.saturating_sub(1) / 8 * 8);
            }),
            b'J' => match csi.or(0, 0) {
                0 => self.erase_display(Erase::Rest),
                1 => self.erase_display(Erase::Start),
                2 => self.erase_display(Erase::Whole),
                3 => self.stream.forget_history(),
                _ => {}
            },
            b'K' => match csi.or(0, 0) {
                0 if x < columns => grid.erase_row(x, columns),
                1 => grid.erase_row(0, if x + 1 >= columns { columns } else { x + 1 }),
                2 => grid.erase_row(0, columns),
                _ => {}
            },
            b'P' => grid.delete_cells(n),
            b'@' => grid.insert_cells(n),
            b'X' if x < columns => grid.erase_row(x, (x + n).min(columns)),
            b'L' => grid.insert_rows(n),
            b'M' => grid.delete_rows(n),
            b'S' => (0..n.min(columns)).for_each(|_| self.stream.grid().scroll_up()),
            b'T' => (0..n.min(columns)).for_each(|_| self.stream.grid().scroll_down()),
            _ => {}
        }
    }

    fn said(&mut self, said: Said) {
        match said {
            Said::Title(title) => {
                if title != self.words.title {
                    (self.sink)(Reading::Title(&title));
                    self.words.title = title;
                }
            }
            Said::Program(state) => {
                self.words.reports |= !matches!(state, ProgramState::Notification { .. });
                (self.sink)(Reading::Program(state));
            }
            Said::Progress(state) => {
                let before = self.words.progress.clone().unwrap_or(ProgramState::Clear);
                if !self.words.reports && before != state {
                    (self.sink)(Reading::Program(state.clone()));
                }
                self.words.progress = Some(state);
            }
            Said::Shell(mark) => {
                self.stream.entered |= mark.said.is_begin();
                if mark.said.is_of_prompt() && self.owner.addressed && !self.owner.alternate {
                    self.release();
                }
                let drawn = !self.owner.addressed && !self.owner.alternate;
                if drawn && self.owner.excursion.is_none() && mark.said.is_end() {
                    // What stands there without an end is the command's, and what comes behind it the prompt's.
                    streaming!(self, Stage::Unterminated, |stream, out| stream.quiet(out));
                }
                self.shell.take(mark, drawn.then_some(&*self.stream), self.sink);
            }
        }
    }
}

impl Terminal for TerminalParts<'_> {
    fn lines(&mut self, data: &[u8]) -> usize {
        if self.owner.alternate || self.owner.addressed || self.owner.excursion.is_some() {
            return 0;
        }
        let mut colours = self.owner.colours;
        let taken = streaming!(self, |stream, out| stream.lines(data, &mut colours, out));
        if taken > 0 {
            self.owner.colours = colours;
            self.stream.grid().dims = colours.are_dim();
            self.screen.begins_anew();
        }
        taken
    }

    fn text(&mut self, bytes: &[u8]) {
        if self.owner.alternate {
            return;
        }
        if let Some(written) = &mut self.owner.excursion {
            *written += bytes.len();
            if *written > LONGEST_EXCURSION {
                self.own();
            }
        }
        streaming!(self, |stream, out| stream.text(bytes, out));
    }

    fn control(&mut self, byte: u8) {
        self.stream.interrupt();
        let grid = self.stream.grid();
        let (x, edge) = (grid.x(), grid.columns() - 1);
        match byte {
            0x07 => (self.sink)(Reading::Bell),
            b'\n' | 0x0b | 0x0c => self.line_feed(),
            _ if self.owner.alternate => {}
            b'\r' => grid.set_x(0),
            b'\t' if x < edge => grid.set_x(((x / 8 + 1) * 8).min(edge)),
            // From the start of a wrapped row it goes back to the end of the one above.
            0x08 if x == 0 && grid.continues() => {
                let y = grid.at() - grid.top() - 1;
                self.stream.go(edge, y);
            }
            0x08 => grid.set_x(x.saturating_sub(1)),
            _ => {}
        }
    }

    fn escape(&mut self, intermediate: u8, last: u8) {
        self.stream.interrupt();
        match (intermediate, last) {
            (0, b'7') => self.save(),
            (0, b'8') => self.restore(),
            (0, b'D') => self.line_feed(),
            (0, b'E') => {
                if !self.owner.alternate {
                    self.stream.grid().set_x(0);
                }
                self.line_feed();
            }
            // The way up one row in tmux's own terminal description.
            (0, b'M') if !self.owner.alternate => self.stream.up_scrolling(),
            (0, b'c') => {
                self.stream.grid().reset();
                // tmux stays on the other screen.
                if !self.owner.alternate {
                    self.erase_display(Erase::Whole);
                    self.stream.go(0, 0);
                }
            }
            _ => {}
        }
    }

    fn csi(&mut self, csi: &Csi, last: u8) {
        if last == b'b' && csi.marker == 0 && !self.owner.alternate {
            self.stream.repeat(usize::from(csi.or(0, 1)));
        }
        self.stream.interrupt();
        let number = |index| usize::from(csi.or(index, 1)) - 1;
        match (csi.marker, last) {
            (b'?', b'h') => self.private_mode(csi, true),
            (b'?', b'l') => self.private_mode(csi, false),
            (0, b'h' | b'l') if csi.all().contains(&4) => self.stream.grid().inserts = last == b'h',
            (0, b'm') => {
                self.owner.colours.set(csi.all());
                self.stream.grid().dims = self.owner.colours.are_dim();
            }
            (0, b's') => self.save(),
            (0, b'u') => self.restore(),
            (0, b'H' | b'f') => {
                if !self.owner.alternate && (number(0), number(1)) != (0, 0) && csi.or(0, 1) < FAR_AWAY {
                    self.address();
                }
                self.go_to(number(1), number(0));
            }
            (0, b'r') => {
                // A region that leaves out rows at the bottom only keeps a status row there.
                if !self.owner.alternate && csi.or(0, 1) > 1 {
                    self.address();
                }
                let grid = self.stream.grid();
                let lower = csi.or(1, u16::MAX);
                if grid.set_region(number(0), usize::from(lower) - 1) && !self.owner.alternate {
                    self.stream.go(0, 0);
                }
            }
            _ if self.owner.alternate => {}
            (0, b'd') => {
                self.address();
                let grid = self.stream.grid();
                let (x, y) = (grid.x(), grid.addressed(number(0)));
                self.stream.go(x, y);
            }
            (0, b'L' | b'M' | b'S' | b'T') => {
                self.address();
                self.edit(csi, last);
            }
            (0, _) => self.edit(csi, last),
            _ => {}
        }
    }

    fn string(&mut self, kind: StringKind, content: &[u8]) {
        match kind {
            StringKind::Osc => {
                if let Some(said) = osc::read(content) {
                    self.said(said);
                }
            }
            StringKind::Dcs => osc::passed_through(content).into_iter().for_each(|said| self.said(said)),
            StringKind::Other => {}
        }
    }
}
