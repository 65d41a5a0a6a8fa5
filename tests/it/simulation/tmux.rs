//! The simulated tmux: panes with a shell, a mark, a history that is cut at the top, and a reader of the stream.

use std::collections::VecDeque;
use tmuxagent_model::{HostName, IntentId, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId, SkipReason};
use tmuxagent_testkit::random::Random;

/// Lines that a pane's history holds.
const HISTORY: usize = 60;

/// What a command left behind: run, stage, attempt.
pub type Ran = (u64, String, u32);

/// What a pane printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Printed {
    Line(String),
    /// The end mark of a tracked command.
    Ended(String, i32),
}

/// One pane.
#[derive(Debug)]
pub struct Pane {
    pub info: PaneInfo,
    /// It is in copy mode.
    pub in_mode: bool,
    /// The last intent that was typed.
    mark: Option<IntentId>,
    /// All that it printed, counted from its beginning; what stands before `base` is gone.
    pub printed: VecDeque<Printed>,
    pub base: usize,
    /// Typed lines that its shell has not run yet.
    input: VecDeque<(IntentId, String)>,
    /// How far the collector has read it, and whether it reads it at all.
    pub read: usize,
    pub connected: bool,
    /// Where the reply of a send that is under way stands in the stream.
    pub reply: Option<Reply>,
}

/// The reply to a send, on its way.
#[derive(Debug, Clone)]
pub struct Reply {
    pub intent: IntentId,
    pub answer: Result<(), SkipReason>,
    pub behind: usize,
}

impl Pane {
    pub fn new(server: u64, number: u32, pid: u32) -> Self {
        let server = ServerId::new(format!("s{server}"));
        let key = PaneKey { host: HostName::local(), server, pane: PaneId(number), pid };
        let facts = PaneFacts {
            session: "proj".to_owned(),
            window: "w".to_owned(),
            command: "bash".to_owned(),
            ..PaneFacts::default()
        };
        let info = PaneInfo::new(key, facts);
        Self {
            info,
            in_mode: false,
            mark: None,
            printed: VecDeque::new(),
            base: 0,
            input: VecDeque::new(),
            read: 0,
            connected: false,
            reply: None,
        }
    }

    /// The number behind the last thing that it printed.
    pub fn end(&self) -> usize {
        self.base + self.printed.len()
    }

    pub fn print(&mut self, what: Printed) {
        self.printed.push_back(what);
    }

    /// The history is cut at its top; what the collector has not read then is lost to it.
    pub fn trim(&mut self) {
        while self.printed.len() > HISTORY {
            self.printed.pop_front();
            self.base += 1;
        }
    }

    /// Compare-and-send, as one step of the server.
    pub fn send(&mut self, intent: &IntentId, text: &str) {
        let answer = if self.in_mode {
            Err(SkipReason::InMode)
        } else {
            if self.mark.as_ref() != Some(intent) {
                self.mark = Some(intent.clone());
                self.input.push_back((intent.clone(), text.to_owned()));
            }
            Ok(())
        };
        // The mark is looked at first: what was typed was typed.
        let answer = if self.mark.as_ref() == Some(intent) { Ok(()) } else { answer };
        self.reply = Some(Reply { intent: intent.clone(), answer, behind: self.end() });
    }

    /// Whether an intent was typed here and is remembered.
    pub fn has(&self, intent: &IntentId) -> bool {
        self.mark.as_ref() == Some(intent) || self.input.iter().any(|(other, _)| other == intent)
    }

    /// The shell runs the next line that it was given; what that was.
    pub fn run_next(&mut self, random: &mut Random) -> Option<Ran> {
        let (intent, text) = self.input.pop_front()?;
        let what = command(&text)?;
        let well = !random.once_in(6);
        if text.contains("printf") {
            self.print(Printed::Ended(intent.as_str().to_owned(), i32::from(!well)));
        } else {
            let word = if well { "passed" } else { "failed" };
            self.print(Printed::Line(format!("{} {word}", what.1)));
        }
        Some(what)
    }
}

/// `do RUN STAGE ATTEMPT`, however it is quoted, with its values in variables before it or in their places.
pub fn command(text: &str) -> Option<Ran> {
    let variables =
        text.split_whitespace().filter(|word| word.starts_with("TA_")).filter_map(|word| word.split_once('='));
    let text = variables.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value));
    let (_, rest) = text.split_once("do ")?;
    let mut words =
        rest.split_whitespace().map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
    Some((words.next()?.parse().ok()?, words.next()?, words.next()?.parse().ok()?))
}
