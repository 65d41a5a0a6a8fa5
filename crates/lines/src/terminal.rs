//! Carries out what the parser takes apart: text and moves go to the stream, marks and titles to the sink.
//!
//! It also tells from the stream itself whether the program owns the screen: by the alternate screen, or by addressing
//! rows absolutely as diff renderers do. An excursion between saving and restoring the cursor (a status row at the
//! bottom, as package managers draw it) leaves the lines alone and does not count.

use super::integration::Integration;
use super::parser::{Csi, StringKind, Terminal};
use super::row::Erase;
use super::screen::Screen;
use super::stream::Stream;
use super::teller::{Line, Sink, Stage, Teller};
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
    held: Vec<(String, usize)>,
    saved: bool,
    /// The cursor was put onto the screen's first cell just now: what erases the rest erases the whole.
    homed: bool,
    /// Bytes written in an excursion.
    excursion: Option<usize>,
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
pub(super) struct Hands<'a> {
    pub(super) stream: &'a mut Stream,
    pub(super) screen: &'a mut Screen,
    pub(super) teller: &'a mut Teller,
    pub(super) owner: &'a mut Owner,
    pub(super) words: &'a mut Words,
    pub(super) shell: &'a mut Integration,
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) sink: Sink<'a>,
}

/// Runs an operation of the stream with a place for its lines: the sink, or what is held while the screen is owned.
macro_rules! streaming {
    ($hands:ident, |$stream:ident, $out:ident| $body:expr) => {
        streaming!($hands, Stage::Complete, |$stream, $out| $body)
    };
    ($hands:ident, $stage:expr, |$stream:ident, $out:ident| $body:expr) => {{
        let Hands { stream: $stream, teller, owner, columns, sink, .. } = $hands;
        let columns = *columns;
        if owner.addressed {
            let $out = &mut |text: &str, seen: usize| {
                if owner.held.len() < MOST_HELD {
                    owner.held.push((text.to_owned(), seen));
                }
            };
            $body
        } else {
            let $out = &mut |text: &str, seen: usize| {
                teller.line(Line { text, seen, source: LineSource::Stream }, columns, $stage, &mut **sink);
            };
            $body
        }
    }};
}

impl Hands<'_> {
    /// The output paused.
    pub(super) fn quiet(&mut self) {
        if !self.owner.alternate && !self.owner.addressed {
            streaming!(self, Stage::Unterminated, |stream, out| stream.quiet(out));
        }
    }

    /// What is written now goes to the alternate screen or to a row aside. The stream stays as it is meanwhile, since the
    /// program comes back to that very place and writes on there.
    fn writes_aside(&self) -> bool {
        self.owner.alternate || self.owner.excursion.is_some()
    }

    fn line_feed(&mut self) {
        self.owner.homed = false;
        if self.owner.alternate {
            return;
        }
        if self.owner.excursion.take().is_some() {
            self.own();
        }
        streaming!(self, |stream, out| stream.line_feed(out));
        let most = if self.rows > 0 { (self.rows / 2).clamp(4, LINES_OF_A_STREAM) } else { LINES_OF_A_STREAM };
        if self.owner.addressed && self.owner.held.len() >= most {
            self.release();
        }
    }

    /// The program addressed a row.
    fn address(&mut self) {
        if self.owner.alternate {
            return;
        }
        if self.owner.saved && !self.owner.addressed {
            self.owner.excursion.get_or_insert(0);
        } else {
            self.own();
        }
    }

    /// The screen is the program's from now on; what the stream told stands on it.
    fn own(&mut self) {
        self.owner.held.clear();
        if !self.owner.addressed {
            self.owner.addressed = true;
            let height = if self.rows > 0 { self.rows } else { 50 };
            let rows: Vec<String> =
                self.stream.recent(height).flat_map(|line| wrapped(line, self.columns)).map(str::to_owned).collect();
            self.screen.know(rows.iter().map(String::as_str));
        }
        // Where the cursor stands now is not known.
        self.stream.forget_row();
    }

    /// The program only writes lines again.
    fn release(&mut self) {
        self.owner.addressed = false;
        self.owner.synchronized = false;
        self.stream.forget_row();
        for (text, seen) in std::mem::take(&mut self.owner.held) {
            if !self.screen.shows(&text) {
                let line = Line { text: &text, seen, source: LineSource::Stream };
                self.teller.line(line, self.columns, Stage::Complete, &mut *self.sink);
            }
        }
        self.screen.reset();
    }

    fn set_alternate(&mut self, on: bool) {
        if self.owner.alternate != on {
            self.owner.alternate = on;
            self.owner.excursion = None;
            self.owner.drawing = false;
            self.owner.synchronized = false;
            self.screen.reset();
            if !on && self.owner.addressed {
                self.owner.addressed = false;
                self.owner.held.clear();
                self.stream.forget_row();
            }
        }
    }

    fn save(&mut self) {
        if !self.owner.alternate {
            self.owner.saved = true;
            self.stream.save();
        }
    }

    fn restore(&mut self) {
        if self.owner.alternate {
            return;
        }
        self.owner.excursion = None;
        if std::mem::take(&mut self.owner.saved) {
            self.stream.restore();
        }
    }

    fn erase_display(&mut self, what: Erase) {
        streaming!(self, |stream, out| stream.erase_display(what, out));
    }

    /// DEC private modes: the alternate screen's three, and synchronized updates.
    fn private_mode(&mut self, csi: &Csi, on: bool) {
        if csi.all().iter().any(|mode| matches!(mode, 47 | 1047 | 1049)) {
            self.set_alternate(on);
        }
        if csi.all().contains(&2026) {
            self.owner.drawing = on;
            self.owner.synchronized = true;
        }
    }

    /// Cursor moves and edits of the main screen.
    fn edit(&mut self, csi: &Csi, last: u8) {
        let n = usize::from(csi.or(0, 1));
        let homed = std::mem::take(&mut self.owner.homed) && self.stream.row().column() == 0;
        match last {
            b'A' => self.stream.up(n),
            b'B' | b'e' => self.stream.down(n),
            b'C' | b'a' => self.stream.row().right(n),
            b'D' => self.stream.row().left(n),
            b'E' => {
                self.stream.down(n);
                self.stream.row().carriage_return();
            }
            b'F' => {
                self.stream.up(n);
                self.stream.row().carriage_return();
            }
            b'G' | b'`' => self.stream.row().go_to_column(n - 1),
            b'J' => match csi.or(0, 0) {
                0 if homed => self.erase_display(Erase::Whole),
                0 => self.erase_display(Erase::Rest),
                1 => self.erase_display(Erase::Start),
                2 => self.erase_display(Erase::Whole),
                _ => {}
            },
            b'K' => match csi.or(0, 0) {
                0 => self.stream.row().erase_line(Erase::Rest),
                1 => self.stream.row().erase_line(Erase::Start),
                2 => self.stream.row().erase_line(Erase::Whole),
                _ => {}
            },
            b'P' => self.stream.row().delete_characters(n),
            b'@' => self.stream.row().insert_blanks(n),
            b'X' => self.stream.row().erase_characters(n),
            b'b' => self.stream.row().repeat(n),
            b'I' => (0..n.min(64)).for_each(|_| self.stream.row().tab()),
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
                if mark.said.is_of_prompt() && self.owner.addressed && !self.owner.alternate {
                    self.release();
                }
                let drawn = !self.owner.addressed && !self.owner.alternate;
                self.shell.take(mark, drawn.then_some(&mut *self.stream), self.sink);
            }
        }
    }
}

impl Terminal for Hands<'_> {
    fn lines(&mut self, data: &[u8]) -> usize {
        if self.writes_aside() || self.owner.addressed {
            return 0;
        }
        streaming!(self, |stream, out| stream.lines(data, out))
    }

    fn text(&mut self, bytes: &[u8]) {
        if let Some(written) = &mut self.owner.excursion {
            *written += bytes.len();
            if *written > LONGEST_EXCURSION {
                self.owner.excursion = None;
                self.own();
            }
        } else if !self.owner.alternate {
            streaming!(self, |stream, out| stream.text(bytes, out));
        }
    }

    fn control(&mut self, byte: u8) {
        match byte {
            0x07 => (self.sink)(Reading::Bell),
            b'\n' | 0x0b | 0x0c => self.line_feed(),
            _ if self.writes_aside() => {}
            b'\r' => self.stream.row().carriage_return(),
            b'\t' => self.stream.row().tab(),
            0x08 => self.stream.row().backspace(),
            _ => {}
        }
    }

    fn escape(&mut self, intermediate: u8, last: u8) {
        match (intermediate, last) {
            (0, b'7') => self.save(),
            (0, b'8') => self.restore(),
            (0, b'D' | b'E') => self.line_feed(),
            // The way up one row in tmux's own terminal description.
            (0, b'M') if !self.writes_aside() => self.stream.up(1),
            (0, b'c') => {
                self.set_alternate(false);
                self.erase_display(Erase::Whole);
            }
            _ => {}
        }
    }

    fn csi(&mut self, csi: &Csi, last: u8) {
        match (csi.marker, last) {
            (b'?', b'h') => self.private_mode(csi, true),
            (b'?', b'l') => self.private_mode(csi, false),
            (0, b's') if csi.all().is_empty() => self.save(),
            (0, b'u') if csi.all().is_empty() => self.restore(),
            (0, b'H' | b'f') => match (csi.or(0, 1), csi.or(1, 1)) {
                (1, 1) if self.writes_aside() => {}
                (1, 1) => {
                    self.stream.home();
                    self.owner.homed = true;
                }
                (row, _) if row >= FAR_AWAY => {}
                _ => self.address(),
            },
            (0, b'd' | b'L' | b'M' | b'S' | b'T') => self.address(),
            // A region that leaves out rows at the bottom only keeps a status row there.
            (0, b'r') if csi.or(0, 1) > 1 => self.address(),
            (0, _) if !self.writes_aside() => self.edit(csi, last),
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

/// A line as rows of the pane's width, roughly: marks without width stay with their character.
fn wrapped(line: &str, columns: usize) -> Vec<&str> {
    use unicode_width::UnicodeWidthChar;
    if columns == 0 {
        return vec![line];
    }
    let mut rows = Vec::new();
    let (mut start, mut width) = (0, 0);
    for (at, c) in line.char_indices() {
        let wide = c.width().unwrap_or(0);
        if width + wide > columns {
            rows.push(&line[start..at]);
            (start, width) = (at, 0);
        }
        width += wide;
    }
    rows.push(&line[start..]);
    rows
}
