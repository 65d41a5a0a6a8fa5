//! One watched pane: its reader, the rules for it, and what it tells.

mod gathered;
mod marks;

use super::agents::{Requests, WatchedAgent};
use super::audience::Audience;
use super::client::ClientId;
use super::history::{Capture, Past};
use super::outlet::Outlet;
use super::pipes::Pipe;
use crate::{HostMessage, PaneLive, Position, Tape};
use marks::Marks;
use memchr::memchr_iter;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tmuxagent_agents::ThreadTold;
use tmuxagent_lines::{Reader, Reading};
use tmuxagent_model::{
    AgentMessage, BlockLine, Event, Front, HookTold, LineBlock, LineEvent, LineSource, MessageType, Origin, PRINTED,
    PaneInfo, PaneKey, ProgramState, Timestamp,
};
use tmuxagent_policy::RuleSet;

/// After this long without output an unterminated line counts, and a screen is looked at.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// While output flows, a screen is looked at no more often than this.
pub(super) const SCREEN_EVERY: Duration = Duration::from_millis(100);
/// Activity is told no more often than this, in milliseconds; the last one always is.
const ACTIVITY_EVERY: u64 = 1000;
/// How much of the last line is kept for the screen, bytes.
const TAIL: usize = 400;

/// Where a pane's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Feed {
    /// From nowhere yet.
    Unread(Past),
    /// A capture is under way, which will hold all output up to its reply.
    CatchingUp(Past),
    /// From what a control client is sent (`%output`), on another machine.
    Stream,
    /// From a pipe of ours.
    Piped,
    /// From repeated captures: it has a pipe of the user's, or control mode can't be used.
    Polled,
}

/// Whether a pane that is read over a link prints nothing more for now; the instants are those of its last output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rests {
    Unknown,
    Asked(Instant),
    Since(Instant),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pane {
    /// The inventory's facts.
    pub info: PaneInfo,
    /// Its wish about recordings.
    pub record: String,
    pub reader: Reader,
    pub voice: Voice,
    /// Who reads its keys.
    pub audience: Audience,
    /// The agent in it.
    pub agent: Option<Box<WatchedAgent>>,
    pub feed: Feed,
    /// Its host was lost since it was last told.
    pub stale: bool,
    /// The client through which it is asked and written, and on another machine read.
    pub client: Option<ClientId>,
    /// The pipe that is ours.
    pub pipe: Option<Pipe>,
    /// How many bytes of its output went by unread since it was last read, as far as that is known.
    pub lost: u64,
    /// The last listing showed a pipe.
    pub has_pipe: bool,
    /// No pipe is tried before this instant: the last one did not come, or ended at once.
    pub refused: Option<Instant>,
    /// tmux lists it no more; its pipe's last bytes are awaited until this instant.
    pub ending: Option<Instant>,
    /// Another process has it; what the last one printed is still read.
    pub superseded: bool,
    /// A capture of it is under way.
    pub polling: bool,
    /// When it last printed.
    pub flowed: Option<Instant>,
    /// A pause is still to be looked for.
    pub flowing: bool,
    /// What is known of its rest on another machine.
    pub rests: Rests,
    /// When its screen was last asked for, and whether the answer is still to come.
    pub looked: Option<Instant>,
    pub looking: bool,
    /// Rows of the last look at a screen that its program owns.
    pub screen: Vec<String>,
    /// The position that was last told, and how many bytes had been read then.
    pub told: (Position, u64),
    /// The open line as last polled.
    pub polled: String,
}

/// What a pane tells: readings become messages here.
#[derive(Debug)]
pub(super) struct Voice {
    pub key: PaneKey,
    pub rules: Arc<RuleSet>,
    pub tape: Option<Arc<dyn Tape>>,
    pub seq: u64,
    pub lines: u64,
    pub bytes: u64,
    pub last_output: Option<Timestamp>,
    pub last_line: String,
    /// The program that was in front when what is read now came in.
    pub front: Option<Front>,
    /// Lines of the reading that is under way; see [`gathered`].
    gathered: LineBlock,
    /// The last lines that are still to be told.
    untold: VecDeque<String>,
    /// A command has ended, and its shell draws the next prompt, of which every row is its own.
    prompting: bool,
    /// Something that [`PaneLive`] shows changed.
    pub changed: bool,
    /// When activity was last told, and whether there was more since.
    activity: Option<Timestamp>,
    pub restless: bool,
    /// The program set a title, so its facts are out of date.
    pub retitled: bool,
    /// What the program says of itself is weighed with all else that is known of the agent in the pane: it waits here,
    /// with the instant at which it came.
    pub reports: Option<Vec<(Option<Timestamp>, ProgramState)>>,
    /// What agents tell by hooks; weighed with the next look.
    pub hooks: Vec<HookTold>,
    /// What its agent's server tells, and when that came; weighed with the next look.
    pub threads: Vec<(Timestamp, ThreadTold)>,
    /// Its agent's requests that wait for an answer.
    pub requests: Requests,
    /// What agent is in it, or that there is none, was told since it is watched.
    pub agent_told: bool,
    /// Something was told that must not be told again; the position behind it is still to be told.
    spoke: bool,
    /// A shell began a command, and who that is was not looked at yet.
    pub began: bool,
    pub marks: Marks,
    /// How many lines were ended, and the same when it printed last: what shows no end of a line may end one.
    pub ends: u64,
    /// How many questions its program has printed as messages since the last look.
    pub asked: u32,
    ended: u64,
    /// What is told now has no end yet.
    unended: bool,
}

impl Pane {
    pub fn new(info: PaneInfo, rules: Arc<RuleSet>, tape: Option<Arc<dyn Tape>>, feed: Feed) -> Self {
        let mut reader = Reader::new();
        reader.resize(info.width, info.height);
        reader.set_alternate(info.alternate);
        let known = match &feed {
            Feed::Unread(Past::Remembered(position)) => position.prompts.clone(),
            _ => None,
        };
        let voice = Voice {
            key: info.key.clone(),
            rules,
            tape,
            seq: 0,
            lines: 0,
            bytes: 0,
            last_output: None,
            last_line: String::new(),
            front: None,
            gathered: LineBlock::default(),
            untold: VecDeque::new(),
            prompting: false,
            changed: true,
            activity: None,
            restless: false,
            retitled: false,
            reports: None,
            hooks: Vec::new(),
            threads: Vec::new(),
            requests: Requests::default(),
            // What a new pane shows is news.
            agent_told: matches!(feed, Feed::Stream | Feed::Unread(Past::New)),
            spoke: false,
            began: false,
            marks: Marks::default(),
            ends: 0,
            asked: 0,
            ended: 0,
            unended: false,
        };
        Self {
            info,
            record: String::new(),
            reader,
            voice,
            audience: Audience::remembering(known),
            agent: None,
            feed,
            stale: false,
            client: None,
            pipe: None,
            lost: 0,
            has_pipe: false,
            refused: None,
            ending: None,
            superseded: false,
            polling: false,
            flowed: None,
            flowing: false,
            rests: Rests::Unknown,
            looked: None,
            looking: false,
            screen: Vec::new(),
            told: (Position::default(), u64::MAX),
            polled: String::new(),
        }
    }

    /// Reads output.
    pub fn read(&mut self, bytes: &[u8], now: Timestamp, outlet: &mut Outlet) {
        let Self { reader, voice, .. } = self;
        voice.bytes += bytes.len() as u64;
        voice.ends += memchr_iter(b'\n', bytes).count() as u64;
        voice.ended = voice.ends;
        voice.last_output = Some(now);
        voice.changed = true;
        voice.tell_activity(now, outlet);
        reader.at(now);
        reader.bytes(bytes, &mut |reading| voice.gather(reading, outlet));
        voice.tell_gathered(outlet);
        self.tell_position(outlet);
    }

    /// Reads the rows of a screen.
    pub fn read_screen(&mut self, rows: Vec<String>, outlet: &mut Outlet) {
        let Self { reader, voice, .. } = self;
        reader.screen(&rows, &mut |reading| voice.tell(reading, outlet));
        self.screen = rows;
        self.tell_position(outlet);
    }

    /// The output paused.
    pub fn pause(&mut self, outlet: &mut Outlet) {
        let Self { reader, voice, .. } = self;
        voice.unended = true;
        reader.quiet(&mut |reading| voice.tell(reading, outlet));
        voice.unended = false;
        self.tell_position(outlet);
    }

    /// Tells the position right behind what was told: both are committed together, so that a restart neither reads
    /// it again nor misses what follows.
    pub fn tell_position(&mut self, outlet: &mut Outlet) {
        if std::mem::take(&mut self.voice.spoke) {
            self.told = (self.position(), self.voice.bytes + self.voice.lines);
            outlet.put(HostMessage::Position { pane: self.voice.key.clone(), position: self.told.0.clone() });
        }
    }

    /// Tells where the observation begins: a restart goes on from here.
    pub fn begin_position(&mut self, outlet: &mut Outlet) {
        self.voice.spoke = true;
        self.tell_position(outlet);
    }

    /// Tells the position anew where more is known of the shell's prompts. Before the pane has caught up only an earlier one is
    /// true.
    pub fn tell_prompts(&mut self, outlet: &mut Outlet) {
        if self.is_followed() && self.audience.prompts.has_news() {
            self.begin_position(outlet);
        }
    }

    /// Whether what it prints from now on arrives, or is captured. A pipe that was not handed over yet gives nothing.
    pub fn is_followed(&self) -> bool {
        match self.feed {
            Feed::Stream | Feed::Polled => true,
            Feed::Piped => self.pipe.as_ref().is_some_and(super::pipes::Pipe::is_open),
            Feed::Unread(_) | Feed::CatchingUp(_) => false,
        }
    }

    /// Whether its process was in the pane as it was captured; a dead one has none.
    pub const fn has_in_it(&self, capture: &Capture) -> bool {
        capture.pid == 0 || self.info.key.pid == 0 || capture.pid == self.info.key.pid
    }

    /// Its source is gone; what it was read up to stays known.
    pub fn unread(&mut self) {
        self.looking = false;
        self.feed = Feed::Unread(match std::mem::replace(&mut self.feed, Feed::Polled) {
            Feed::Unread(past) | Feed::CatchingUp(past) => past,
            Feed::Stream | Feed::Piped | Feed::Polled => Past::Read,
        });
    }

    /// The client through which it was asked is gone. A pipe needs none.
    pub fn lose_client(&mut self) {
        self.client = None;
        (self.looking, self.polling, self.superseded) = (false, false, false);
        if self.feed != Feed::Piped {
            self.unread();
        }
    }

    /// Where its observation stands now.
    pub fn position(&self) -> Position {
        let reader = &self.reader;
        let screen = if reader.wants_screen() { reader.rows_without_unseen(&self.screen) } else { Vec::new() };
        let echoes = reader.awaited().map(Cow::into_owned).collect();
        let mut prompts = self.audience.prompts.kept();
        for known in prompts.iter_mut().flat_map(|prompts| [&mut prompts.learned, &mut prompts.told]) {
            known.retain(|prompt| matches!(reader.without_unseen(prompt), Cow::Borrowed(_)));
        }
        Position { anchor: self.reader.anchor().clone(), screen, echoes, prompts }
    }

    /// What the screens show of it.
    pub fn live(&self) -> PaneLive {
        PaneLive {
            pane: self.voice.key.clone(),
            title: self.info.facts.title.clone(),
            last_output: self.voice.last_output,
            last_line: self.voice.last_line.clone(),
            lines: self.voice.lines,
            bytes: self.voice.bytes,
            reader: self.audience.reader.clone(),
            agent: self.agent.as_ref().and_then(|agent| agent.status()).map(Box::new),
        }
    }
}

impl Voice {
    /// Turns one reading into what the supervisor is told.
    pub fn tell(&mut self, reading: Reading<'_>, outlet: &mut Outlet) {
        if let Some(tape) = &self.tape {
            tape.told(&self.key, &reading);
        }
        match reading {
            Reading::Line { text, seen, source, origin: Origin::Program, message } => {
                self.tell_line(BlockLine { text, seen, source }, message, outlet);
            }
            Reading::Line { text, origin: Origin::Echo, .. } => {
                self.count(text);
                self.prompting = false;
                // A restart would not know it for an echo any more.
                self.spoke = true;
            }
            Reading::Program(state) if self.weighs(&state) => {
                let at = self.last_output;
                self.reports.get_or_insert_default().push((at, state));
            }
            Reading::Program(state) => {
                self.tell_printed(outlet);
                outlet.event(Event::Program { pane: self.key.clone(), state });
            }
            Reading::Title(_) => self.retitled = true,
            Reading::Bell => {}
            Reading::ShellMarks { trusted } => {
                outlet.event(Event::ShellMarks { pane: self.key.clone(), trusted });
            }
            Reading::CommandBegan { token, line, .. } => {
                self.prompting = false;
                self.began |= token.is_some();
                self.marks.began(token.as_deref(), line.as_deref());
                self.tell_printed(outlet);
                outlet.event(Event::CommandBegan { pane: self.key.clone(), token, line });
            }
            Reading::CommandEnded { token, exit } => {
                self.spoke = true;
                self.marks.ended(token.as_deref());
                self.tell_printed(outlet);
                self.prompting = true;
                outlet.event(Event::CommandEnded { pane: self.key.clone(), token, exit });
            }
            Reading::Malformed { error } => outlet.put(HostMessage::Malformed { pane: self.key.clone(), error }),
        }
    }

    /// Tells a line of the pane's program, if anybody asks for it.
    fn tell_line(&mut self, line: BlockLine<'_>, message: Option<AgentMessage>, outlet: &mut Outlet) {
        let BlockLine { text, seen, source } = line;
        self.count(text);
        let hits = self.hits(text, seen);
        self.keep(text);
        // Where the cursor rests the prompt ends: what is entered there by hand, and what that prints, may tell something.
        self.prompting &= !self.unended && source != LineSource::Screen;
        if hits.is_empty() && message.is_none() {
            return;
        }
        self.spoke = true;
        self.asked += u32::from(message.as_ref().is_some_and(|message| message.kind == MessageType::Ask));
        self.tell_printed(outlet);
        outlet.event(Event::Line(Box::new(LineEvent {
            pane: self.key.clone(),
            seq: self.seq,
            text: text.to_owned(),
            source,
            hits,
            policy: self.rules.generation,
            unended: (self.unended || source == LineSource::Screen).then_some(self.ended),
            front: self.front.clone().filter(|_| message.is_some()),
            message,
        })));
    }

    /// Counts a line.
    fn count(&mut self, text: &str) {
        self.seq += 1;
        self.lines += 1;
        if !text.is_empty() {
            self.last_line.clear();
            self.last_line.push_str(head(text, TAIL));
        }
    }

    /// Keeps one of the last lines to be told; the oldest makes room. What comes between the end of a command and the begin of
    /// the next line that is typed is no output of any.
    pub fn keep(&mut self, text: &str) {
        let text = head(text, TAIL).trim_end();
        if text.is_empty() || self.prompting {
            return;
        }
        let oldest = if self.untold.len() >= PRINTED { self.untold.pop_front() } else { None };
        let mut slot = oldest.unwrap_or_default();
        slot.clear();
        slot.push_str(text);
        self.untold.push_back(slot);
    }

    /// Tells the last lines.
    pub fn tell_printed(&mut self, outlet: &mut Outlet) {
        if !self.untold.is_empty() {
            let lines = std::mem::take(&mut self.untold).into();
            outlet.put(HostMessage::Printed { pane: self.key.clone(), lines });
        }
    }

    /// The patterns that match, without those that an earlier reading of the same line already showed.
    fn hits(&self, text: &str, seen: usize) -> Vec<u32> {
        let mut hits = self.rules.scan(text);
        if seen > 0 && !hits.is_empty() {
            let before = self.rules.scan(text.get(..seen).unwrap_or_default());
            hits.retain(|hit| !before.contains(hit));
        }
        hits
    }

    /// Tells activity where a rule watches for silence, at most once a second; see [`Voice::tell_rest`] for the last.
    fn tell_activity(&mut self, now: Timestamp, outlet: &mut Outlet) {
        if !self.rules.wants_activity {
            return;
        }
        if self.activity.is_some_and(|last| now.since(last).0 < ACTIVITY_EVERY) {
            self.restless = true;
        } else {
            self.activity = Some(now);
            self.restless = false;
            outlet.event(Event::Activity { pane: self.key.clone() });
        }
    }

    /// Tells the activity that was held back, once it is time.
    pub fn tell_rest(&mut self, now: Timestamp, outlet: &mut Outlet) {
        if self.restless {
            self.tell_activity(now, outlet);
        }
    }
}

/// The first `most` bytes of `text`, at a character border.
fn head(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text.get(..end).unwrap_or(text)
}
