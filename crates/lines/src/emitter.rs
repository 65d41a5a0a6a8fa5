//! From a line's text to readings: whose line it is, which message or report stands on it.

use super::Reading;
use super::border;
use super::echo::{Echo, Judged};
use super::sentry::{self, Joiner, Outcome};
use super::stream::LONGEST_ROW;
use super::tracked::{self, Report};
use memchr::memmem::Finder;
use std::borrow::Cow;
use tmuxagent_model::{AgentMessage, LineSource, Origin};

/// Whether a line is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// A line feed ended it.
    Complete,
    /// The cursor still stands on it.
    Unterminated,
}

/// Tells lines.
#[derive(Debug)]
pub(super) struct Emitter {
    pub(super) echo: Echo,
    /// An echo was told in this burst of output.
    pub(super) echoed: bool,
    joiner: Joiner,
    word: Finder<'static>,
    mark: Finder<'static>,
    /// Tokens of tracked commands that were typed and have not ended.
    tokens: Vec<String>,
}

impl Default for Emitter {
    fn default() -> Self {
        Self {
            echo: Echo::default(),
            echoed: false,
            joiner: Joiner::default(),
            word: Finder::new(sentry::WORD),
            mark: Finder::new(tracked::MARK),
            tokens: Vec::new(),
        }
    }
}

/// Where readings go.
pub(super) type Sink<'s> = &'s mut dyn FnMut(Reading<'_>);

/// How many tracked commands are known at most.
const MOST_TOKENS: usize = 16;

impl Emitter {
    /// A tracked command is being typed.
    pub(super) fn tracks(&mut self, token: &str) {
        if self.tokens.len() >= MOST_TOKENS {
            self.tokens.remove(0);
        }
        self.tokens.push(token.to_owned());
    }

    /// Tells a line of the stream or of history, of which `seen` bytes were told before.
    pub(super) fn line(&mut self, line: Line<'_>, columns: usize, stage: Stage, sink: Sink<'_>) {
        let Line { text, seen, .. } = line;
        if self.echo.expects() {
            let judged = match stage {
                Stage::Complete => self.echo.complete(text),
                Stage::Unterminated => self.echo.unterminated(text),
            };
            if self.tell_echo(line, judged, sink) {
                self.echoed |= stage == Stage::Complete;
                return;
            }
        }
        if self.mark.find(text.as_bytes()).is_some()
            && let Some(report) = tracked::report(text)
            && self.reported(report, line, sink)
        {
            return;
        }
        let mut outcomes = [const { None }; 2];
        if !self.joiner.is_idle() || self.may_hold_message(text) {
            outcomes = self.joiner.line(text, seen, columns);
        }
        let mut message = None;
        let mut failed = None;
        for outcome in outcomes.into_iter().flatten() {
            match outcome {
                Ok(found) => message = Some(found),
                Err(error) => failed = Some(error),
            }
        }
        tell(line, Origin::Program, message, sink);
        if let Some(error) = failed {
            sink(Reading::Malformed { error });
        }
    }

    /// Tells a new row of a screen.
    pub(super) fn row(&mut self, line: Line<'_>, echo: bool, messages: Vec<Outcome>, sink: Sink<'_>) {
        let origin = if echo { Origin::Echo } else { Origin::Program };
        if !echo
            && self.mark.find(line.text.as_bytes()).is_some()
            && let Some(report) = tracked::report(line.text)
            && self.reported(report, line, sink)
        {
            return;
        }
        let mut message = None;
        let mut failed = Vec::new();
        for outcome in messages {
            match outcome {
                Ok(found) => message = Some(found),
                Err(error) => failed.push(error),
            }
        }
        // A row all of which was told has nothing to tell but its message.
        if line.seen < line.text.len() || message.is_some() {
            tell(line, origin, message, sink);
        }
        failed.into_iter().for_each(|error| sink(Reading::Malformed { error }));
    }

    /// Tells an echo as such; false if the line is none.
    fn tell_echo(&self, line: Line<'_>, judged: Judged, sink: Sink<'_>) -> bool {
        if judged.origin == Origin::Program {
            return false;
        }
        let Judged { question, .. } = judged;
        if line.seen < question {
            // We answered before the question was told.
            tell(Line { text: &line.text[..question], ..line }, Origin::Program, None, sink);
        }
        tell(Line { seen: line.seen.max(question), ..line }, Origin::Echo, None, sink);
        true
    }

    /// Tells an end mark; says whether that is all that stands on the line. One that answers nothing that was typed here may
    /// be of a command from before a break, or a program's own words: it is told as both, and the engine knows.
    fn reported(&mut self, report: Report<'_>, line: Line<'_>, sink: Sink<'_>) -> bool {
        let known = self.tokens.iter().position(|token| token == report.token);
        if let Some(at) = known {
            self.tokens.remove(at);
            let before = report.before.trim_end();
            if before.len() > line.seen {
                tell(Line { text: before, ..line }, Origin::Program, None, sink);
            }
        }
        sink(Reading::CommandEnded { token: Some(report.token.to_owned()), exit: report.exit });
        known.is_some()
    }

    /// A quick look at whether a line can begin a message or show a prompt.
    fn may_hold_message(&self, text: &str) -> bool {
        match text.as_bytes() {
            [] => false,
            // `>`, or the first byte of the other marks.
            [b'>' | 0xe2, ..] | [b' ', b'>' | 0xe2, ..] => true,
            bytes => {
                self.word.find(bytes).is_some()
                    || (memchr::memchr(b'{', bytes).is_some() && memchr::memmem::find(bytes, b"\"type\"").is_some())
            }
        }
    }
}

/// A line to be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) seen: usize,
    pub(super) source: LineSource,
}

fn tell(line: Line<'_>, origin: Origin, message: Option<AgentMessage>, sink: Sink<'_>) {
    let text = border::head(line.text, LONGEST_ROW);
    let head = border::head(text, line.seen);
    let (text, seen) = match without_controls(text) {
        Cow::Borrowed(text) => (Cow::Borrowed(text), head.len()),
        clean @ Cow::Owned(_) => (clean, without_controls(head).len()),
    };
    let text = text.as_ref();
    sink(Reading::Line { text, seen, source: line.source, origin, message });
}

/// Without the controls of ISO 6429 that are two bytes in UTF-8 (U+0080 to U+009F), which some terminals obey as they
/// do an escape. The others were taken out with the sequences that they belong to.
fn without_controls(text: &str) -> Cow<'_, str> {
    // The first byte of these, and of few other characters.
    match memchr::memchr(0xc2, text.as_bytes()) {
        Some(_) if text.contains(char::is_control) => {
            text.chars().filter(|c| !c.is_control()).collect::<String>().into()
        }
        _ => Cow::Borrowed(text),
    }
}
