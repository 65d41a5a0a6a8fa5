//! What the pane's shell tells of itself: marks of shell integration (OSC 133, VS Code's OSC 633).
//!
//! `A` a prompt begins, `B` it ends and a line is read, `C` the line was taken and runs, `D;CODE` it ended. Many shells
//! and themes print them; ours (`tmuxagent shell-init`) add a key that the shell makes at its start, keeps from the
//! programs that it runs, and counts with each command: `ta=sh.KEY.NUMBER`.
//!
//! **What is believed.** Whatever a pane prints is untrusted, and any program, file or remote host can print marks.
//!
//! - Marks without a key tell a phase, which says that it is not trusted, and the ends of commands that nobody waits for.
//! - The first key of a pane's process is its shell's. From then on only marks with that key count: a mark that is
//!   printed while the shell runs something (by a program, or by a shell inside) has none or another. Where a second key
//!   shows up while the first one's shell reads a line, two claim to be the pane's shell, and neither is believed.
//! - A command's end counts for the command whose number it bears, a begin for a number that was not there yet: what was
//!   recorded and is printed again changes nothing.
//! - A tracked command is bound to its own token ([`super::tracked`]) as ever.
//!
//! What remains: a program that reads the keys meant for the shell can pretend to be one, in this and in any other form.
//! That the shell is in front must be known from elsewhere before something is typed.

use super::Reading;
use super::emitter::Sink;
use super::stream::Stream;
use unicode_width::UnicodeWidthChar;

/// What stands before the key in marks of our own.
const OWN: &str = "sh.";

/// A mark of shell integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) said: Said,
    /// Our field: a tracked command's token, or the shell's key with the number of the command.
    pub(super) key: Option<String>,
}

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    PromptBegins,
    PromptEnds,
    /// The line that will run.
    Line(String),
    CommandBegins {
        line: Option<String>,
    },
    CommandEnds {
        exit: Option<i32>,
    },
}

impl Said {
    /// A command begins: somebody entered its line.
    pub(super) const fn is_begin(&self) -> bool {
        matches!(self, Self::CommandBegins { .. })
    }

    /// A command ended.
    pub(super) const fn is_end(&self) -> bool {
        matches!(self, Self::CommandEnds { .. })
    }

    pub(super) const fn is_of_prompt(&self) -> bool {
        matches!(self, Self::PromptBegins | Self::PromptEnds)
    }
}

/// What the marks of a pane's shell tell now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellState {
    /// What it does.
    pub phase: ShellPhase,
    /// The marks are those of our own integration in the pane's own shell. Otherwise anything may have printed them: they
    /// are a hint, and only that.
    pub trusted: bool,
    /// How often the marks have told something new; another number says that the phase began anew.
    pub changes: u64,
}

/// What a shell does, as far as its marks tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ShellPhase {
    /// No marks, or they contradict each other.
    #[default]
    Unknown,
    /// It draws its prompt, or what its theme does before that.
    Drawing,
    /// It reads a line, and nothing stands behind its prompt.
    Prompt {
        /// The column behind the prompt, counted from 0 over all rows of the screen that the line takes; `None` where the
        /// stream does not know the cursor.
        column: Option<usize>,
        /// The prompt's last row, without trailing blanks.
        text: String,
    },
    /// It reads a line, and something stands behind its prompt: a draft, a line that goes on, a search.
    Draft {
        /// The column behind the prompt.
        column: usize,
        /// What stands there, as far as it is on the prompt's own row.
        text: String,
    },
    /// It runs a command.
    Running {
        /// The token of the tracked command, where it is one.
        token: Option<String>,
        /// The line that it read, where that is known.
        line: Option<String>,
    },
    /// A command ended, and no prompt has come since.
    Ended {
        /// Its exit code, where it was told.
        exit: Option<i32>,
    },
}

/// Whose marks are believed.
#[derive(Debug, Default)]
enum Home {
    #[default]
    Unknown,
    /// Those of the shell with this key.
    Key(String),
    /// Several keys claimed to be the pane's shell.
    Disputed,
}

/// Where a prompt ended.
#[derive(Debug)]
struct Place {
    row: u64,
    column: usize,
    /// How wide the screen was.
    columns: usize,
    text: String,
}

/// What is known of a pane's shell.
#[derive(Debug, Default)]
pub(super) struct Integration {
    home: Home,
    phase: ShellPhase,
    changes: u64,
    /// A mark may have been missed since the last one.
    missed: bool,
    /// It was told that the marks say nothing: until a prompt is seen, the line of a command that begins can not be read.
    doubted: bool,
    /// Where the prompt ended, while it stands.
    place: Option<Place>,
    /// The line of the next command, where the shell told it.
    line: Option<String>,
    /// The number of the last command.
    number: Option<u64>,
    /// The token of a tracked command that was typed and has not begun.
    pending: Option<String>,
    /// Bytes came since it was typed.
    streams: bool,
    /// The pane is read as a stream, in which the begin mark will come; a screen is only looked at beside it.
    by_stream: bool,
    /// The line editor has let go of a line, and has not begun another.
    let_go: bool,
    /// How often it has begun another.
    entered: u64,
}

impl Integration {
    /// A tracked command is being typed.
    pub(super) fn typed(&mut self, token: &str) {
        self.pending = Some(token.to_owned());
        self.streams = false;
    }

    /// A line editor begins a line, or lets go of it.
    pub(super) const fn edits(&mut self, on: bool) {
        if on && self.let_go {
            self.entered += 1;
        }
        self.let_go = !on;
    }

    /// See [`super::Reader::lines_entered`].
    pub(super) const fn entered(&self) -> u64 {
        self.entered
    }

    /// Bytes of the stream are read.
    pub(super) const fn streams(&mut self) {
        (self.streams, self.by_stream) = (true, true);
    }

    /// The screen is looked at. Beside a stream that says nothing of a mark: it may show what was there before the command.
    pub(super) fn is_looked_at(&mut self, sink: Sink<'_>) {
        if !self.by_stream {
            self.is_captured(sink);
        }
    }

    /// What the stream did not bring is read from the history.
    pub(super) fn catches_up(&mut self, sink: Sink<'_>) {
        self.by_stream = false;
        self.is_captured(sink);
    }

    /// Whether the cursor is on the row where the prompt ended.
    pub(super) fn is_at_prompt(&self, stream: &Stream) -> bool {
        self.place.as_ref().is_some_and(|place| place.row == stream.cursor_place().0)
    }

    /// Rows are counted anew, after something was missed; the stream is there where its cursor was on the prompt's row. Where
    /// it was not, a mark may have been missed: what the shell does is not known until the next one.
    pub(super) fn counted_anew(&mut self, at_prompt: Option<&Stream>, sink: Sink<'_>) {
        match (&mut self.place, at_prompt) {
            (Some(place), Some(stream)) => place.row = stream.cursor_place().0,
            (place, _) => {
                *place = None;
                self.changes += u64::from(!self.missed);
                self.missed = true;
                if self.is_trusted() && !std::mem::replace(&mut self.doubted, true) {
                    sink(Reading::ShellMarks { trusted: false });
                }
            }
        }
    }

    /// Rows of a capture are read, in which no marks are. Where nothing else came since a command was typed, its begin can't
    /// be told.
    fn is_captured(&mut self, sink: Sink<'_>) {
        if !self.streams
            && let Some(token) = self.pending.take()
        {
            sink(Reading::CommandBegan { token: Some(token), line: None, told: false });
        }
    }

    /// Takes a mark; the stream is there where it knows the cursor.
    pub(super) fn take(&mut self, mark: Mark, stream: Option<&Stream>, sink: Sink<'_>) {
        let Mark { said, key } = mark;
        match key.as_deref().map(|key| key.strip_prefix(OWN).ok_or(key)) {
            None => self.foreign(said, stream, sink),
            Some(Err(token)) => {
                if matches!(said, Said::CommandBegins { .. }) {
                    self.tracked(token, sink);
                }
            }
            Some(Ok(key)) => {
                let (key, number) = key.split_once('.').unwrap_or((key, ""));
                if self.is_home(key, sink) {
                    self.own(said, key, number.parse().ok(), stream, sink);
                }
            }
        }
    }

    /// The begin mark of a tracked command.
    fn tracked(&mut self, token: &str, sink: Sink<'_>) {
        if self.pending.as_deref() == Some(token) {
            self.pending = None;
        }
        let trusted = self.is_trusted();
        match &mut self.phase {
            ShellPhase::Running { token: running, .. } => *running = Some(token.to_owned()),
            _ if trusted => {}
            _ => self.enter(ShellPhase::Running { token: Some(token.to_owned()), line: None }),
        }
        sink(Reading::CommandBegan { token: Some(token.to_owned()), line: None, told: true });
    }

    /// Whether marks with this key are the pane's shell's.
    fn is_home(&mut self, key: &str, sink: Sink<'_>) -> bool {
        match &self.home {
            Home::Unknown => {
                self.home = Home::Key(key.to_owned());
                (self.phase, self.place, self.number) = (ShellPhase::Unknown, None, None);
                sink(Reading::ShellMarks { trusted: true });
                true
            }
            Home::Key(home) if home == key => true,
            // A shell inside, or something that pretends to be one.
            Home::Key(_) if matches!(self.phase, ShellPhase::Running { .. }) => false,
            Home::Key(_) => {
                self.home = Home::Disputed;
                self.place = None;
                self.enter(ShellPhase::Unknown);
                sink(Reading::ShellMarks { trusted: false });
                false
            }
            Home::Disputed => false,
        }
    }

    /// A mark with the key of the pane's shell.
    fn own(&mut self, said: Said, key: &str, number: Option<u64>, stream: Option<&Stream>, sink: Sink<'_>) {
        let runs = matches!(self.phase, ShellPhase::Running { .. });
        let later = number > self.number;
        let token = || number.map(|number| format!("{OWN}{key}.{number}"));
        // Who begins to read in the middle of a command knows none of its marks but the last: whose end it is tell key and
        // number, which whoever waits for it knows.
        let in_between = self.number.is_none() && number.is_some() && self.phase == ShellPhase::Unknown;
        match said {
            // One with a later number tells that the end of the command was missed.
            Said::PromptBegins if !runs || later => self.enter(ShellPhase::Drawing),
            Said::PromptEnds if !runs => {
                self.prompts(stream);
                if std::mem::take(&mut self.doubted) {
                    sink(Reading::ShellMarks { trusted: true });
                }
            }
            Said::CommandBegins { line } if later => {
                let line = self.begins(line, stream);
                self.number = number;
                sink(Reading::CommandBegan { token: token(), line, told: true });
            }
            Said::CommandEnds { exit } if in_between || runs && number == self.number => {
                self.number = number;
                self.enter(ShellPhase::Ended { exit });
                if let Some(exit) = exit {
                    sink(Reading::CommandEnded { token: token(), exit });
                }
            }
            Said::Line(_)
            | Said::PromptBegins
            | Said::PromptEnds
            | Said::CommandBegins { .. }
            | Said::CommandEnds { .. } => {}
        }
    }

    /// A mark without a key.
    fn foreign(&mut self, said: Said, stream: Option<&Stream>, sink: Sink<'_>) {
        if self.is_trusted() {
            return;
        }
        match said {
            Said::PromptBegins => self.enter(ShellPhase::Drawing),
            Said::PromptEnds => self.prompts(stream),
            Said::Line(line) => self.line = Some(line),
            Said::CommandBegins { line } => drop(self.begins(line, stream)),
            Said::CommandEnds { exit } => {
                // Some shells tell of an end when no command has run, without a code.
                self.enter(ShellPhase::Ended { exit });
                if let Some(exit) = exit {
                    sink(Reading::CommandEnded { token: None, exit });
                }
            }
        }
    }

    /// A prompt ends here.
    fn prompts(&mut self, stream: Option<&Stream>) {
        let place = stream.map(|stream| {
            let (row, column) = stream.cursor_place();
            Place { row, column, columns: stream.grid.columns(), text: stream.standing() }
        });
        let column = place.as_ref().map(|place| place.column);
        let text = place.as_ref().map(|place| place.text.clone()).unwrap_or_default();
        self.place = place;
        self.enter(ShellPhase::Prompt { column, text });
    }

    /// A command begins; gives its line.
    fn begins(&mut self, told: Option<String>, stream: Option<&Stream>) -> Option<String> {
        let shown = self.place.take().zip(stream).and_then(|(place, stream)| {
            // The line above is the prompt's own.
            let above = stream.complete(1).last().filter(|_| stream.row_above() == Some(place.row))?;
            Some(behind(&above, place.column).trim().to_owned())
        });
        let line = told.or(self.line.take()).or(shown);
        self.enter(ShellPhase::Running { token: None, line: line.clone() });
        line
    }

    fn enter(&mut self, phase: ShellPhase) {
        if self.phase != phase || self.missed {
            self.phase = phase;
            self.missed = false;
            self.changes += 1;
        }
    }

    const fn is_trusted(&self) -> bool {
        matches!(self.home, Home::Key(_))
    }

    /// What is known now; the stream is there where it knows the cursor.
    pub(super) fn state(&self, stream: Option<&Stream>) -> ShellState {
        let phase = match (&self.phase, &self.place, stream) {
            _ if self.missed => ShellPhase::Unknown,
            (ShellPhase::Prompt { .. }, Some(place), Some(stream)) => place.look(stream),
            (phase, ..) => phase.clone(),
        };
        ShellState { phase, trusted: self.is_trusted(), changes: self.changes }
    }
}

impl Stream {
    /// The cursor: the number of its line's first row, counted over the stream, and its column over all rows of the line.
    fn cursor_place(&self) -> (u64, usize) {
        let at = self.grid.at();
        let first = self.grid.line(at).start;
        (self.grid.number(first), (at - first) * self.grid.columns() + self.grid.x())
    }

    /// The number of the first row of the line above the cursor's.
    fn row_above(&self) -> Option<u64> {
        let above = self.grid.line(self.grid.at()).start.checked_sub(1)?;
        Some(self.grid.number(self.grid.line(above).start))
    }
}

impl Place {
    /// Whether something stands behind the prompt.
    fn look(&self, stream: &Stream) -> ShellPhase {
        let &Self { row, column, columns, .. } = self;
        let text = stream.standing();
        let (at, x) = stream.cursor_place();
        let here = at == row;
        let typed = match here {
            true => behind(&text, column).trim_end(),
            // Another row, which somebody else has printed below, unless the rows were made anew.
            false if columns == stream.grid.columns() => text.trim_end(),
            false => "",
        };
        // What stands further right is a prompt at the right edge.
        let empty = typed.is_empty() || typed.starts_with("  ");
        if here && empty && x == column {
            ShellPhase::Prompt { column: Some(column), text: self.text.clone() }
        } else {
            ShellPhase::Draft { column, text: typed.to_owned() }
        }
    }
}

/// What of a row stands from a column on.
fn behind(row: &str, column: usize) -> &str {
    let mut at = 0;
    let start = row.char_indices().find(|(_, c)| {
        let here = at >= column;
        at += c.width().unwrap_or(0);
        here
    });
    start.map_or("", |(start, _)| &row[start..])
}

#[cfg(test)]
#[path = "integration_tests.rs"]
mod tests;
