//! Keys and prompts: one lane per pane, one send under way in each.
//!
//! A send goes over the client that reads its pane, so its reply has its exact place among the pane's output. When the
//! client is lost before the reply, the same line is sent again over the next one: the mark makes that harmless.

use super::HostMessage;
use super::claim::Standing;
use super::host::{Host, Purpose};
use super::link::Link;
use super::pane::Feed;
use super::proto::{Expectation, Input, Questions, Reply, Token, Verdict, send_line, verdict};
use super::taken::{Check, Typed};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tmuxagent_failpoints as failpoints;
use tmuxagent_model::{Event, HostState, IntentId, KeyStep, Outcome, PaneKey, Prompt, SendKeys, SkipReason};
use tokio::time::Instant;

/// How long a send may wait for its pane to be reachable before it is given up. Nothing was typed then.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why nobody can know of a send that may have been typed before another supervisor took over.
const TAKEN_OVER: &str = "another tmuxagent types there now, so nobody can know whether it was typed";

/// The sends of all panes.
pub(super) type Lanes = HashMap<PaneKey, Lane>;

/// The sends of one pane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    waiting: VecDeque<Sending>,
    /// It was sent and its reply is awaited.
    under_way: Option<Sending>,
    /// An outcome was told and is not committed yet.
    held: bool,
    /// The screen before a prompt, with the row of the cursor.
    pub before: Option<(Vec<String>, usize)>,
    /// The prompt that was typed and is looked after.
    pub check: Option<Check>,
}

impl Lane {
    /// The text of the prompt under way.
    pub fn prompt(&self) -> Option<&str> {
        match &self.under_way.as_ref()?.what {
            What::Prompt(text) => Some(text),
            What::Keys(_) => None,
        }
    }

    /// The intent under way.
    pub fn intent(&self) -> Option<&IntentId> {
        self.under_way.as_ref().map(|send| &send.intent)
    }
}

/// One send.
#[derive(Debug)]
pub(super) struct Sending {
    intent: IntentId,
    what: What,
    pane: PaneKey,
    command: Option<String>,
    screen: Option<String>,
    /// It may have been typed already: in an earlier life, or over a client that was lost.
    perhaps_typed: bool,
    /// The pane's reader knows what echo to expect.
    expected: bool,
    /// The claim that its line names.
    claim: Option<Token>,
    since: Instant,
}

#[derive(Debug)]
enum What {
    Keys(Vec<KeyStep>),
    Prompt(String),
}

impl Sending {
    pub fn keys(intent: IntentId, keys: SendKeys, settle: bool) -> Self {
        let SendKeys { pane, steps, expect_command, expect_screen } = keys;
        Self {
            intent,
            what: What::Keys(steps),
            pane,
            command: expect_command,
            screen: expect_screen,
            perhaps_typed: settle,
            expected: false,
            claim: None,
            since: Instant::now(),
        }
    }

    pub fn prompt(intent: IntentId, prompt: Prompt, settle: bool) -> Self {
        let Prompt { pane, text, expect_command } = prompt;
        Self {
            intent,
            what: What::Prompt(text),
            pane,
            command: expect_command,
            screen: None,
            perhaps_typed: settle,
            expected: false,
            claim: None,
            since: Instant::now(),
        }
    }

    fn expectation<'a>(&'a self, claim: &'a Token) -> Expectation<'a> {
        let questions = match self.what {
            What::Prompt(_) => Questions::Respected,
            What::Keys(_) => Questions::Answered,
        };
        let (command, screen) = (self.command.as_deref(), self.screen.as_deref());
        Expectation { pane: &self.pane, claim, command, screen, questions }
    }

    fn input(&self) -> Input<'_> {
        match &self.what {
            What::Keys(steps) => Input::Keys(steps),
            What::Prompt(text) => Input::Prompt(text),
        }
    }

    /// The text that the terminal will echo, Enter as a line break.
    fn echo(&self) -> String {
        match &self.what {
            What::Prompt(text) => format!("{text}\n"),
            What::Keys(steps) => steps.iter().fold(String::new(), |mut out, step| {
                match step {
                    KeyStep::Text(text) => out.push_str(text),
                    KeyStep::Key(key) if key.eq_ignore_ascii_case("enter") => out.push('\n'),
                    KeyStep::Key(key) if key.eq_ignore_ascii_case("space") => out.push(' '),
                    KeyStep::Key(key) if key.chars().count() == 1 => out.push_str(key),
                    KeyStep::Key(_) => {}
                }
                out
            }),
        }
    }

    /// The outcome when the pane can't be reached any more, for good.
    fn lost(&self, reason: SkipReason, error: &str) -> Outcome {
        if self.perhaps_typed { Outcome::Unknown { error: error.to_owned() } } else { Outcome::Skipped { reason } }
    }
}

impl Host {
    /// Takes a send into its pane's lane.
    pub fn queue_send(&mut self, send: Sending) {
        let pane = send.pane.clone();
        self.lanes.entry(pane.clone()).or_default().waiting.push_back(send);
        self.pump(&pane);
    }

    /// Makes the echo of keys known that may have been typed before the pane is read up to now.
    pub fn expect_echoes(&mut self, key: &PaneKey) {
        let (Some(lane), Some(pane)) = (self.lanes.get_mut(key), self.panes.get_mut(&key.pane)) else { return };
        for send in lane.waiting.iter_mut().filter(|send| send.perhaps_typed && !send.expected) {
            pane.reader.typed(&send.echo());
            send.expected = true;
        }
    }

    /// A send that waits and was certainly not typed is given up.
    pub fn withdraw(&mut self, intent: &IntentId) {
        let surely = |send: &Sending| send.intent == *intent && !send.perhaps_typed;
        let lane = self.lanes.values_mut().find(|lane| lane.waiting.iter().any(surely));
        if let Some(lane) = lane {
            lane.waiting.retain(|send| !surely(send));
            let outcome = Outcome::Skipped { reason: SkipReason::Withdrawn };
            self.outlet.event(Event::Outcome { intent: intent.clone(), outcome });
        }
    }

    /// The pane's last outcome is committed.
    pub fn release(&mut self, pane: &PaneKey) {
        if let Some(lane) = self.lanes.get_mut(pane) {
            lane.held = false;
            self.pump(pane);
        }
    }

    /// Starts what can be started.
    pub fn pump_all(&mut self) {
        let lanes: Vec<PaneKey> = self.lanes.keys().cloned().collect();
        lanes.iter().for_each(|pane| self.pump(pane));
        self.views_ready();
    }

    /// Starts the pane's next send, or ends it where it can never be typed.
    fn pump(&mut self, key: &PaneKey) {
        let unable = self.cannot_send();
        let Some(lane) = self.lanes.get_mut(key).filter(|lane| lane.under_way.is_none() && !lane.held) else { return };
        let Some(next) = lane.waiting.front() else {
            self.lanes.remove(key);
            return;
        };
        let gone = match &self.server {
            Some(server) if server.id != key.server => {
                // In this life nobody told of that server's panes: a question about one would be about nothing.
                self.outlet.event(Event::PaneGone { pane: key.clone() });
                Some(SkipReason::OtherServer)
            }
            Some(_) if self.complete && self.panes.get(&key.pane).is_none_or(|pane| pane.info.key != *key) => {
                Some(SkipReason::OtherProcess)
            }
            _ => None,
        };
        if let Some(reason) = gone {
            let outcome = next.lost(reason, "the pane is gone, so nobody can know whether it was typed");
            self.finish(key, outcome);
            return;
        }
        if matches!(self.claim.standing(), Standing::Others | Standing::Same) {
            let outcome = next.lost(SkipReason::OtherSupervisor, TAKEN_OVER);
            self.finish(key, outcome);
            return;
        }
        if let Some(why) = unable {
            if !next.perhaps_typed {
                self.finish(key, Outcome::Skipped { reason: SkipReason::Unreachable(why) });
            }
            return;
        }
        let ready = self.panes.get(&key.pane).filter(|pane| matches!(pane.feed, Feed::Stream | Feed::Piped));
        let claim = self.claim.token().cloned();
        let (Some(client), Some(claim)) = (ready.and_then(|pane| pane.client), claim) else {
            let at = next.since + PATIENCE;
            self.wake_at(at);
            return;
        };
        let line = match send_line(&self.nonce, &next.intent, &next.expectation(&claim), next.input()) {
            Ok(line) => line,
            Err(error) => {
                self.finish(key, Outcome::Failed { error: error.to_string() });
                return;
            }
        };
        let Some(mut send) = lane.waiting.pop_front() else { return };
        send.claim = Some(claim);
        if let Some(pane) = self.panes.get_mut(&key.pane).filter(|_| !send.expected) {
            pane.reader.typed(&send.echo());
            send.expected = true;
        }
        lane.under_way = Some(send);
        if lane.prompt().is_some() {
            lane.before = None;
            self.look_before(key);
        }
        if self.panes.get_mut(&key.pane).is_some_and(|pane| pane.reader.wants_screen()) {
            // What the screen shows now was printed before the keys.
            self.look(key);
        }
        failpoints::at("send.ready");
        self.request(client, &line, Purpose::Send(key.clone()));
        failpoints::at("send.handed");
    }

    /// Why nothing can be typed on this host now, if that is so for longer than a moment.
    fn cannot_send(&self) -> Option<String> {
        match (&self.status, self.link) {
            (_, Link::Control) => None,
            // A quiet moment to attach may come any time; control mode that is missing or fails does not.
            (_, Link::Polling) if self.awaits_quiet => None,
            (Some((_, _, detail)), Link::Polling) => Some(detail.clone()),
            (Some((HostState::NoServer | HostState::Unreachable, _, detail)), Link::Down) => Some(detail.clone()),
            (_, Link::Down | Link::Polling) => None,
        }
    }

    /// Tells the outcome of the lane's send and holds the lane until it is committed.
    fn finish(&mut self, key: &PaneKey, outcome: Outcome) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        let Some(send) = lane.under_way.take().or_else(|| lane.waiting.pop_front()) else { return };
        lane.held = true;
        let outcome = Event::Outcome { intent: send.intent, outcome };
        if self.outlet.holds(key) {
            return self.outlet.release(key, vec![HostMessage::Event(outcome)]);
        }
        if let Some(pane) = self.panes.get_mut(&key.pane).filter(|pane| pane.feed == Feed::Stream) {
            // A restart goes on from here: what was printed before the keys is not read again as if it came after.
            pane.begin_position(&mut self.outlet);
        }
        self.tell_behind_pipe(key.pane, outcome);
    }

    /// Ends the lane's send, for an outcome that is told elsewhere.
    pub fn outcome_of(&mut self, key: &PaneKey, outcome: Outcome) -> Option<HostMessage> {
        let lane = self.lanes.get_mut(key)?;
        let send = lane.under_way.take()?;
        lane.held = true;
        Some(HostMessage::Event(Event::Outcome { intent: send.intent, outcome }))
    }

    /// The reply to a send arrived.
    pub fn send_replied(&mut self, key: &PaneKey, reply: &Reply) {
        let Some(send) = self.lanes.get(key).and_then(|lane| lane.under_way.as_ref()) else { return };
        let Some(claim) = send.claim.clone() else { return };
        let verdict = verdict(&self.nonce, &send.intent, &send.expectation(&claim), reply);
        let typed = match &verdict {
            Verdict::Sent => Some(Typed::Now),
            Verdict::Earlier => Some(Typed::Earlier),
            Verdict::Skipped(_) | Verdict::Refused(_) | Verdict::Broken(_) => None,
        };
        if typed.is_some_and(|typed| self.begin_check(key, typed)) {
            return;
        }
        let Some(send) = self.lanes.get(key).and_then(|lane| lane.under_way.as_ref()) else { return };
        let lost_claim = verdict == Verdict::Skipped(SkipReason::OtherSupervisor);
        let outcome = match verdict {
            Verdict::Sent | Verdict::Earlier => Outcome::Done,
            Verdict::Skipped(SkipReason::OtherProcess) if reply.error().is_some() => {
                send.lost(SkipReason::OtherProcess, "the pane is gone, so nobody can know whether it was typed")
            }
            // Whoever types there now may have set a mark of its own over ours.
            Verdict::Skipped(SkipReason::OtherSupervisor) => send.lost(SkipReason::OtherSupervisor, TAKEN_OVER),
            Verdict::Skipped(reason) => Outcome::Skipped { reason },
            Verdict::Refused(error) => Outcome::Failed { error },
            Verdict::Broken(error) => Outcome::Unknown { error },
        };
        if lost_claim {
            self.claim_is_doubtful();
        }
        failpoints::at("send.replied");
        self.finish(key, outcome);
        failpoints::at("send.told");
    }

    /// The client was lost before the reply: the same send goes first over the next one.
    pub fn send_lost(&mut self, key: &PaneKey) {
        if let Some(lane) = self.lanes.get_mut(key)
            && let Some(mut send) = lane.under_way.take()
        {
            send.perhaps_typed = true;
            lane.check = None;
            lane.waiting.push_front(send);
        }
    }

    /// The server is gone, and every pane with it.
    pub fn settle_lost(&mut self, error: &str) {
        let waiting: Vec<PaneKey> = self.lanes.keys().cloned().collect();
        for key in waiting {
            self.send_lost(&key);
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            lane.held = false;
            let sends = std::mem::take(&mut lane.waiting);
            self.lanes.remove(&key);
            for send in sends {
                let outcome = send.lost(SkipReason::OtherServer, error);
                self.outlet.event(Event::Outcome { intent: send.intent, outcome });
            }
        }
    }

    /// Gives up sends that waited too long for their pane, and tries the others.
    pub fn tick_sends(&mut self, now: Instant) {
        self.tick_checks(now);
        let late: Vec<PaneKey> = self
            .lanes
            .iter()
            .filter(|(_, lane)| {
                let next = lane.waiting.front().filter(|_| lane.under_way.is_none() && !lane.held);
                next.is_some_and(|next| !next.perhaps_typed && now >= next.since + PATIENCE)
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in late {
            let why = "its session could not be attached to in time".to_owned();
            self.finish(&key, Outcome::Skipped { reason: SkipReason::Unreachable(why) });
        }
    }
}
