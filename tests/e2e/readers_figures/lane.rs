//! A pane with a shell, and a collector that watches it: one send after the other.

use super::matrix::{READERS, Reader, Shell, Start};
use super::prepare::prepare;
use super::programs::KINDS;
use super::seat::Seat;
use super::tally::{End, Expected, Rows, Seen, Tally};
use super::{AT_ONCE, RUNS};
use crate::readers::exists;
use crate::support::sshd::Sshd;
use crate::support::watched::{Watched, keys, spec};
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tmuxagent_model::{
    Basis, Effect, Event, Front, IntentId, KeyStep, Millis, Needs, Outcome, PaneKey, PaneReader, Reads, SendKeys,
    SkipReason,
};
use tmuxagent_testkit::random::Random;
use tmuxagent_tmux::{HostMessage, HostSpec};

/// Nothing that must be ended: what a program's own round leaves is ended by an interrupt.
const INTERRUPTED: Reader =
    Reader { name: "a stand-in", shells: &[], needs: "", start: Start::Keys(&[]), ends: &["C-c"] };

/// Something that happens to a pane, and when.
type Happening<'h> = (Duration, &'h (dyn Fn(&Lane) + Sync));

/// What became of a send.
#[derive(Debug)]
pub struct Sent {
    /// How it ended at once, if it did.
    pub at_once: Option<Outcome>,
    pub last: Outcome,
    /// It was told that it waits.
    pub awaited: bool,
    /// Its text stood in the pane before it had an end.
    pub shown: bool,
}

/// See the module.
pub struct Lane {
    pub shell: &'static Shell,
    pub server: TmuxServer,
    watched: Watched,
    pub pane: PaneKey,
    pub numbers: Random,
    desk: Option<TmuxServer>,
    /// Where the readers that use ssh go.
    _sshd: Option<Sshd>,
}

/// The terminal of a person.
pub fn desk(server: &TmuxServer, session: &str) -> TmuxServer {
    let desk = TmuxServer::prepare();
    let attach = format!("exec env -u TMUX tmux -S '{}' attach -t {session}", server.socket().display());
    desk.new_session("desk", &attach);
    desk.tmux(&["set-option", "-g", "prefix", "None", ";", "set-option", "-g", "status", "off"]);
    let attached = || server.tmux(&["list-clients", "-F", "#{client_tty}"]).contains('/').then_some(());
    wait_for(PATIENCE, "the person's client", attached);
    desk
}

impl Lane {
    /// `far`: with readers that are reached over ssh.
    pub fn open(shell: &'static Shell, by_script: bool, seed: u64, far: bool) -> Self {
        let server = TmuxServer::prepare();
        let sshd = prepare(server.folder(), far);
        server.start(&format!("cd '{}'; {}", server.folder().display(), shell.line));
        // Its keys are all the pane's, and its size is the pane's.
        server.tmux(&["set-option", "-g", "prefix", "None", ";", "set-option", "-g", "status", "off"]);
        let desk = (!by_script).then(|| desk(&server, "main"));
        let agents = tmuxagent_agents::bundled().into();
        let watched = Watched::with(HostSpec { agents, ..spec(&server) }, &["needle"]);
        let pane = watched.wait_live(&server, "main").key;
        Self { shell, server, watched, pane, numbers: Random::new(seed), desk, _sshd: sshd }
    }

    pub fn seat(&self) -> Seat<'_> {
        Seat { shell: self.shell, server: &self.server, target: "main", desk: self.desk.as_ref() }
    }

    pub fn hand(&self) -> &'static str {
        self.seat().hand()
    }

    pub fn all(mut self, sends: u32, begun: &AtomicU32) -> Rows {
        let only = std::env::var("TMUXAGENT_READER_ONLY").ok();
        let kind = std::env::var("TMUXAGENT_READER_KIND").ok();
        let far = self._sshd.is_some();
        let readers: Vec<&Reader> = READERS
            .iter()
            .filter(|reader| reader.shells.contains(&self.shell.like))
            .filter(|reader| reader.needs.is_empty() || exists(reader.needs) && (far || reader.needs != "ssh"))
            .filter(|reader| only.as_ref().is_none_or(|only| only == reader.name))
            .collect();
        let mut rows = Rows::default();
        if readers.is_empty() {
            return rows;
        }
        self.wait_reads(|reader| reader.reads == Reads::Shell);
        loop {
            let send = begun.fetch_add(1, Ordering::Relaxed);
            if send >= sends {
                return rows;
            }
            // As many for a shell as for all programs.
            let names: Vec<&str> =
                ["run", "keys"].iter().cycle().zip(KINDS).flat_map(|(shell, kind)| [*shell, kind.name]).collect();
            let name = kind.as_deref().unwrap_or(names[usize::try_from(send).unwrap_or(0) % names.len()]);
            let kind = KINDS.iter().find(|kind| kind.name == name);
            let reader = readers[self.numbers.index(readers.len())];
            let shell_kind = if name == "keys" { "keys" } else { "run" };
            let round = catch_unwind(AssertUnwindSafe(|| match kind {
                Some(kind) => kind.round(&mut self, send),
                None => {
                    let (seen, what) = self.round(send, shell_kind, reader);
                    (seen, what, Some(reader))
                }
            }));
            // What was not set up was told with its reason; the lane goes on.
            let (tally, what, left) = match round {
                Ok((seen, what, left)) => (seen.tally(), what, left),
                Err(_) => (Tally::unset(), "not set up".to_owned(), None),
            };
            self.seat().tidy(send, left.unwrap_or(&INTERRUPTED));
            rows.add((kind.map_or(shell_kind, |kind| kind.name), self.hand(), self.shell.name, what), tally);
            if send % 200 == 199 {
                println!("{} sends begun", send + 1);
            }
        }
    }

    /// The line of a shell, as its policy's author wrote it.
    fn line(&self, name: &str, text: &str) -> SendKeys {
        let line = keys(&self.pane, text);
        if name == "keys" {
            let front = self.reader().and_then(|reader| reader.front).unwrap_or_default();
            let basis = Basis { front, shell: true, ..Basis::default() };
            return SendKeys { needs: Needs::Front { basis: Some(basis) }, ..line };
        }
        // What is typed bare has a letter before it that comes and goes.
        let before = ["0x69", "BSpace"].iter().filter(|_| self.shell.integrated);
        let before = before.map(|key| KeyStep::Key((*key).to_owned()));
        SendKeys { needs: Needs::Shell, steps: before.chain(line.steps).collect(), ..line }
    }

    /// One line for the shell, and something started up to 300 ms before or after it; in one of ten rounds nothing is, and in
    /// one it is there before.
    fn round(&mut self, send: u32, name: &str, reader: &'static Reader) -> (Seen, String) {
        let first = Duration::from_millis(self.numbers.below(600));
        let expected = match self.numbers.below(10) {
            0 => Expected::Typed,
            1 if !matches!(reader.name, "sleep" | "vi command") => Expected::Asked,
            _ => Expected::Either,
        };
        let text = format!("touch ran-{send}");
        self.wait_reads(|reader| reader.reads == Reads::Shell);
        let line = self.line(name, &text);
        if expected == Expected::Asked {
            self.seat().start(reader.start);
            // That a mode takes the keys is seen when something is sent.
            if !matches!(reader.start, Start::CopyMode) {
                self.wait_other();
            }
        }
        let happens = |lane: &Self| lane.seat().start(reader.start);
        let happens = (expected == Expected::Either).then_some((first, &happens as &(dyn Fn(&Self) + Sync)));
        let hold = Duration::from_secs(if expected == Expected::Asked { 1 } else { 60 });
        let intent = self.begin_send(send, Effect::Send(line), hold, happens);
        let at_once = self.at_once(&intent);
        let mut shown = self.seat().shows(&text);
        let outcome = if let Some(outcome) = at_once.clone() {
            outcome
        } else if expected != Expected::Either {
            self.outcome_within(Duration::from_secs(90), &intent)
        } else {
            self.seat().end(reader);
            self.ended(&intent, &text, reader, &mut shown)
        };
        let sent = Sent { at_once, last: outcome, awaited: self.awaited(&intent), shown };
        self.done(&sent.last);
        let fault = self.fault(&text, &sent.last, sent.shown);
        // Nothing shows the keys that a script pushes in the very instant of the send.
        let pushed =
            self.hand() == "script" && expected == Expected::Either && first.abs_diff(super::AT) <= super::INSTANT;
        let close = pushed && sent.at_once == Some(Outcome::Done) && fault.is_some();
        let fault = fault.filter(|_| !close);
        let end = match (&sent.at_once, &sent.last) {
            (Some(Outcome::Done), _) => End::Typed,
            (None, Outcome::Done) => End::Held,
            _ => End::Asked,
        };
        let seen = Seen { end, expected, close, wrong: fault.is_some() };
        let unheld = expected == Expected::Asked && !sent.awaited;
        let missed = (seen.is_missed() || unheld).then_some("otherwise than expected");
        if let Some(fault) = fault.or(missed) {
            let (hand, shell, reader) = (self.hand(), self.shell.name, reader.name);
            let screen = self.server.screen("main");
            println!(
                "{send}: {fault}: {name} {hand} `{reader}` in {shell}, {expected:?}, at {first:?}, send at 300ms: {sent:?}\n{screen}"
            );
        }
        if sent.last == Outcome::Done && expected == Expected::Either {
            self.seat().end(reader);
        }
        let what = match expected {
            Expected::Typed => "still".to_owned(),
            Expected::Asked => format!("at {}", reader.name),
            Expected::Either => format!("→ {}", reader.name),
        };
        (seen, what)
    }

    /// Waits for the end of a send that waits, whose reader is ended.
    fn ended(&self, intent: &IntentId, text: &str, reader: &Reader, shown: &mut bool) -> Outcome {
        let (mut again, mut tries) = (Instant::now() + Duration::from_secs(3), 1);
        wait_for(Duration::from_secs(90), "the end of a send that waited", || {
            if Instant::now() >= again {
                // On a busy machine the program may not have been there yet.
                again = Instant::now() + Duration::from_secs(3);
                *shown |= self.seat().shows(text) && self.outcome(intent).is_none();
                self.seat().end_again(reader, tries);
                tries += 1;
            }
            self.outcome(intent)
        })
    }

    /// What went wrong with a line for the shell, if something did.
    fn fault(&self, text: &str, outcome: &Outcome, shown: bool) -> Option<&'static str> {
        let ran = self.seat().file(text.trim_start_matches("touch "));
        let got = || self.seat().read("got").contains("ran-");
        if *outcome == Outcome::Done {
            let until = Instant::now() + RUNS;
            while !ran.exists() {
                if Instant::now() > until {
                    return Some("typed, and not run");
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            return got().then_some("another reader got it");
        }
        if matches!(outcome, Outcome::Failed { .. } | Outcome::Unknown { .. }) {
            return Some("not certain");
        }
        (ran.exists() || shown || got()).then_some("told as not typed, and typed")
    }

    /// Sends at 300 ms, while something happens at its own time.
    fn begin_send(&self, send: u32, effect: Effect, hold: Duration, happens: Option<Happening<'_>>) -> IntentId {
        let intent = IntentId::new(format!("I-{send}"));
        let begin = Instant::now();
        let sleep_until = |at: Duration| std::thread::sleep(at.saturating_sub(begin.elapsed()));
        std::thread::scope(|scope| {
            if let Some((at, happens)) = happens {
                scope.spawn(move || {
                    sleep_until(at);
                    happens(self);
                });
                sleep_until(super::AT);
            }
            let hold = Millis(u64::try_from(hold.as_millis()).unwrap_or(u64::MAX));
            self.watched.handle.hold(intent.clone(), effect, hold);
        });
        intent
    }

    /// The same until its end, which comes by itself.
    pub fn send(&self, send: u32, effect: Effect, hold: Duration, happens: Option<Happening<'_>>) -> Sent {
        let intent = self.begin_send(send, effect, hold, happens);
        let at_once = self.at_once(&intent);
        let shown = at_once.is_none() && self.seat().shows(&format!("ran-{send}"));
        let last = at_once.clone().unwrap_or_else(|| self.outcome_within(Duration::from_secs(90), &intent));
        let awaited = self.awaited(&intent);
        self.done(&last);
        Sent { at_once, last, awaited, shown }
    }

    /// The lane may go on.
    fn done(&self, outcome: &Outcome) {
        if !matches!(outcome, Outcome::Skipped { reason: SkipReason::Withdrawn }) {
            self.watched.handle.release(self.pane.clone());
        }
    }

    fn at_once(&self, intent: &IntentId) -> Option<Outcome> {
        let until = Instant::now() + AT_ONCE;
        let mut outcome = self.outcome(intent);
        while outcome.is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
            outcome = self.outcome(intent);
        }
        outcome
    }

    fn outcome(&self, intent: &IntentId) -> Option<Outcome> {
        self.watched.find(|message| match message {
            HostMessage::Event(Event::Outcome { intent: told, outcome }) if told == intent => Some(outcome.clone()),
            _ => None,
        })
    }

    fn outcome_within(&self, deadline: Duration, intent: &IntentId) -> Outcome {
        wait_for(deadline, &format!("the end of {intent}"), || self.outcome(intent))
    }

    /// Whether it was told that a send waits for its reader.
    fn awaited(&self, intent: &IntentId) -> bool {
        let told = |message: &HostMessage| match message {
            HostMessage::Awaits { awaited: Some(awaited), .. } if awaited.intent == *intent => Some(()),
            _ => None,
        };
        self.watched.find(told).is_some()
    }

    /// Who was last seen to read.
    fn reader(&self) -> Option<PaneReader> {
        let mut last = None;
        self.watched.find(|message| -> Option<()> {
            if let HostMessage::Panes(panes) = message
                && let Some(live) = panes.iter().rev().find(|live| live.pane == self.pane)
            {
                last = Some(live.reader.clone());
            }
            None
        });
        last
    }

    /// What a program is told to ask, where it was seen to wait for the answer.
    pub fn question(&self, front: Option<&Front>) -> Option<String> {
        self.watched.find(|message| match message {
            HostMessage::Event(Event::Waits { front: told, question: Some(question), .. })
                if told.is_some() && told.as_ref() == front =>
            {
                Some(question.clone())
            }
            _ => None,
        })
    }

    /// The last that was told of a program that waits.
    pub fn last_question(&self) -> Option<Event> {
        self.watched.messages().into_iter().rev().find_map(|message| match message {
            HostMessage::Event(event @ Event::Waits { .. }) => Some(event),
            _ => None,
        })
    }

    pub fn wait_reads(&self, is: impl Fn(&PaneReader) -> bool) -> PaneReader {
        let found = || self.reader().filter(&is);
        crate::support::wait_or_tell(PATIENCE, found, || {
            format!("{:?} in {} reads\n{}", self.reader(), self.shell.name, self.server.screen("main"))
        })
    }

    /// Until somebody else than the shell at its empty prompt is seen.
    pub fn wait_other(&self) {
        self.wait_reads(|reader| reader.reads != Reads::Shell);
    }
}
