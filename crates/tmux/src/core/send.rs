//! Keys and prompts: one lane per pane, one send under way in each.
//!
//! **An outcome stands where the keys were typed.** What the pane printed before is read first ([`super::fence`], behind the
//! look at the reader where one is needed, or a
//! capture of a pane without a pipe of ours), and what it prints from then on is told behind the outcome. Limit: a line that
//! it prints in the half millisecond between the fence and the keys counts as printed after them.
//!
//! When the client is lost before the reply, the same line is sent again over the next one: the mark makes that harmless.

use super::claim::Standing;
use super::client::ClientId;
use super::fence::{After, FROM_NOW};
use super::lane::{Checked, Fence, Sending};
use super::link::Link;
use super::pane::Feed;
use super::taken::Typed;
use super::{HostCore, Output, Purpose};
use crate::HostMessage;
use crate::proto::{Reply, Token, Verdict, send_line, settle_line, verdict};
use std::time::Duration;
use std::time::Instant;
use tmuxagent_errand::Errand;
use tmuxagent_model::{Event, HostState, IntentId, Outcome, PaneKey, Reads, SkipReason};

/// How long a send may wait for its pane to be reachable before it is given up. Nothing was typed then.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same for what a person sends by hand: later somebody else may read.
const AT_ONCE: Duration = Duration::from_secs(10);
/// A host that was lost a moment ago is waited for so long: most links that break are made again by then.
const LOST: Duration = Duration::from_secs(15);
/// How long a send that may have been typed waits for the pane's mark, which tells. After that nobody knows.
const UNKNOWN: Duration = Duration::from_secs(15 * 60);

/// Why nobody can know of a send that may have been typed before another supervisor took over.
const TAKEN_OVER: &str = "another tmuxagent types there now, so nobody can know whether it was typed";

impl HostCore {
    /// Takes an errand into its pane's lane; one that is not typed goes home.
    pub fn queue_send(&mut self, errand: Errand) {
        let Some(send) = Sending::of(errand, self.now) else { return };
        let pane = send.pane.clone();
        self.lanes.entry(pane.clone()).or_default().queue(send);
        self.pump(&pane);
    }

    /// Makes the echo of keys known that may have been typed before the pane is read up to now.
    pub fn expect_echoes(&mut self, key: &PaneKey) {
        let (Some(lane), Some(pane)) = (self.lanes.get_mut(key), self.inventory.panes.get_mut(&key.pane)) else {
            return;
        };
        for send in lane.waiting.iter_mut().filter(|send| send.perhaps_typed() && !send.expected) {
            send.is_expected_by(&mut pane.reader);
        }
    }

    /// A send that waits is given up: at once where it was certainly not typed, else once it is known whether it was.
    pub fn withdraw(&mut self, intent: &IntentId) {
        let found = self.lanes.iter_mut().find_map(|(pane, lane)| {
            let place = lane.waiting.iter().position(|send| send.errand.id() == intent)?;
            let send = lane.waiting.get_mut(place).filter(|send| send.perhaps_typed());
            send.map(|send| send.withdrawn = true)
                .map_or_else(|| Some((pane.clone(), lane.waiting.remove(place))), |()| Some((pane.clone(), None)))
        });
        let Some((pane, sure)) = found else { return };
        if let Some(send) = sure {
            self.tell_end(send, Outcome::Skipped { reason: SkipReason::Withdrawn });
        }
        // Another may have waited behind it.
        self.tell_awaited(&pane, None);
        if let Some(lane) = self.lanes.get_mut(&pane) {
            lane.waits = None;
            lane.start_over();
        }
        self.pump(&pane);
    }

    /// Gives back what is not begun; whether some other send still waits for its reply.
    pub fn begin_nothing(&mut self) -> bool {
        self.lanes.values_mut().for_each(|lane| lane.waiting.clear());
        self.lanes.values().any(|lane| lane.under_way.is_some() && lane.check.is_none())
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
    pub fn pump(&mut self, key: &PaneKey) {
        let (unable, now) = (self.cannot_send(), self.now);
        let Some(lane) = self.lanes.get_mut(key).filter(|lane| lane.under_way.is_none() && !lane.held) else { return };
        let Some(next) = lane.waiting.front() else {
            self.lanes.remove(key);
            return;
        };
        let gone = match &self.server {
            Some(server) if server.id != key.server => {
                // In this life nobody told of that server's panes: a question about one would be about nothing.
                self.outlet.event(Event::PaneGone { pane: key.clone(), unwatched: false, by: None });
                Some(SkipReason::OtherServer)
            }
            Some(_)
                if self.inventory.complete
                    && self.inventory.panes.get(&key.pane).is_none_or(|pane| pane.info.key != *key) =>
            {
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
        if let Some(why) = unable.filter(|_| !next.perhaps_typed()) {
            self.finish(key, Outcome::Skipped { reason: SkipReason::Unreachable(why) });
            return;
        }
        let ready = self.inventory.panes.get(&key.pane).filter(|pane| pane.is_followed());
        let claim = self.claim.token().cloned();
        let (Some(client), Some(claim)) = (ready.and_then(|pane| pane.client), claim) else {
            lane.start_over();
            let waited = lane.waits.take().is_some();
            if let Some(next) = lane.waiting.front_mut() {
                // From now on it waits for its pane, not for a reader.
                next.since = if waited { now } else { next.since };
                let at = given_up_at(next, self.lost_at);
                self.wake_at(at);
            }
            return;
        };
        if next.withdrawn {
            if !next.perhaps_typed() {
                return self.end_withdrawn(key);
            }
            let line = settle_line(&self.nonce, key.pane);
            let Some(send) = lane.waiting.pop_front() else { return };
            return self.hand_over(key, send, claim, (client, &line));
        }
        if let Some(at) = lane.looks_again().filter(|&at| at > now) {
            return self.wake_at(at);
        }
        // Before anything is looked at: it may be one that can't be written.
        if let Err(error) = send_line(&self.nonce, next.errand.id(), &next.expectation(&claim), next.input()) {
            return self.finish(key, Outcome::Failed { error: error.to_string() });
        }
        let looks = !self.frozen && !next.needs().is_nothing();
        match (looks, lane.fence, &lane.checked) {
            (true, _, Checked::No) => self.read_screen_before(key),
            (false, Fence::None, _) => {
                lane.fence = Fence::Asked;
                self.read_screen_before(key);
                return self.fence(key, FROM_NOW, After::Send);
            }
            (false, Fence::Asked, _) => return,
            (true, _, Checked::Asked | Checked::Fits(_)) | (false, Fence::Passed, _) => {}
        }
        let Some(still) = self.may_go(key) else { return };
        let Some(lane) = self.lanes.get_mut(key) else { return };
        let Some(mut send) = lane.waiting.pop_front() else { return };
        lane.start_over();
        send.still = still;
        let line = send_line(&self.nonce, send.errand.id(), &send.expectation(&claim), send.input());
        let Ok(line) = line else { return };
        self.hand_over(key, send, claim, (client, &line));
    }

    /// Hands a send's line to the client.
    fn hand_over(&mut self, key: &PaneKey, mut send: Sending, claim: Token, (client, line): (ClientId, &str)) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        send.before = send.perhaps_typed();
        send.untyped = false;
        send.errand.begin();
        send.claim = Some(claim);
        let mut streams = false;
        if let Some(pane) = self.inventory.panes.get_mut(&key.pane) {
            streams = pane.feed == Feed::Stream;
            pane.voice.marks.forget();
            send.ends = pane.voice.ends;
            // A restart goes on from here: what was printed before the keys is not read again as if it came after.
            lane.position = Some(HostMessage::Position { pane: key.clone(), position: pane.position() });
            if !send.expected {
                send.is_expected_by(&mut pane.reader);
            }
        }
        lane.under_way = Some(send);
        if lane.prompt().is_some() {
            lane.before = None;
            self.look_before(key);
        }
        if streams {
            // Its output and the reply come in one order.
            if let Some(lane) = self.lanes.get_mut(key) {
                lane.position = None;
            }
        } else {
            self.outlet.hold(key);
        }
        self.outputs.push(Output::Place("send.ready"));
        self.request(client, line, Purpose::Send(key.clone()));
        self.outputs.push(Output::Place("send.handed"));
    }

    /// Has the screen read that the pane shows, where that tells more than its bytes, before something is typed into it.
    fn read_screen_before(&mut self, key: &PaneKey) {
        let Some(pane) = self.inventory.panes.get(&key.pane) else { return };
        if pane.reader.wants_screen() && pane.feed != Feed::Polled {
            // What the screen shows now was printed before the keys.
            self.look(key);
        }
        self.poll_pane(key);
    }

    /// The pane is read up to now: its next send may go.
    pub fn fenced(&mut self, key: &PaneKey) {
        if let Some(lane) = self.lanes.get_mut(key).filter(|lane| lane.fence == Fence::Asked) {
            lane.fence = Fence::Passed;
            self.pump(key);
        }
    }

    /// The fence before the next send was lost with its client.
    pub fn unfence(&mut self, key: &PaneKey) {
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.start_over();
        }
    }

    /// The next send of a pane will not be typed.
    pub fn skip_next(&mut self, key: &PaneKey, reason: SkipReason) {
        self.finish(key, Outcome::Skipped { reason });
    }

    /// The guard found that something moved since the look: nothing was typed, and it is looked at again.
    fn moved(&mut self, key: &PaneKey) {
        self.send_lost(key);
        if let Some(lane) = self.lanes.get_mut(key)
            && let Some(next) = lane.waiting.front_mut()
        {
            next.untyped = true;
            lane.start_over();
        }
        self.pump(key);
    }

    /// Why nothing can be typed on this host now, if that is so for longer than a moment.
    fn cannot_send(&self) -> Option<String> {
        if self.lost_at.is_some_and(|lost| self.now.duration_since(lost) < LOST) {
            return None;
        }
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
        let position = lane.position.take();
        let ending = send.errand.end(outcome);
        if let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.feed == Feed::Stream) {
            pane.begin_position(&mut self.outlet);
        }
        let first = position.into_iter().chain([HostMessage::Ended(ending)]).collect();
        self.outlet.release(key, first);
    }

    /// Ends the lane's send, for an outcome that is told elsewhere.
    pub fn outcome_of(&mut self, key: &PaneKey, outcome: Outcome) -> Option<HostMessage> {
        let lane = self.lanes.get_mut(key)?;
        let send = lane.under_way.take()?;
        lane.held = true;
        lane.position = None;
        Some(HostMessage::Ended(send.errand.end(outcome)))
    }

    /// Ends a send that nobody wants and that was not typed. It holds up nothing: the next one may go.
    fn end_withdrawn(&mut self, key: &PaneKey) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        let asked = lane.under_way.take();
        if asked.is_some() {
            lane.position = None;
            self.outlet.release(key, Vec::new());
        }
        let Some(send) = asked.or_else(|| self.lanes.get_mut(key)?.waiting.pop_front()) else { return };
        self.tell_end(send, Outcome::Skipped { reason: SkipReason::Withdrawn });
        self.pump(key);
    }

    fn tell_end(&mut self, send: Sending, outcome: Outcome) {
        self.outlet.put(HostMessage::Ended(send.errand.end(outcome)));
    }

    /// The reply to a send arrived.
    pub fn send_replied(&mut self, key: &PaneKey, reply: &Reply) {
        let Some(send) = self.lanes.get(key).and_then(|lane| lane.under_way.as_ref()) else { return };
        let Some(claim) = send.claim.clone() else { return };
        let verdict = verdict(&self.nonce, send.errand.id(), &send.expectation(&claim), reply);
        let typed = match &verdict {
            Verdict::Sent => Some(Typed::Now),
            Verdict::Earlier => Some(Typed::Earlier),
            Verdict::Moved => return self.moved(key),
            // Somebody opened it since the look; what waits for its reader waits for the end of that too.
            Verdict::Skipped(SkipReason::InMode) if !send.needs().is_nothing() && !send.withdrawn => {
                return self.moved(key);
            }
            // It was only asked about, and its pane is as it was.
            Verdict::Skipped(_) | Verdict::Refused(_) if send.withdrawn && reply.error().is_none() => {
                return self.end_withdrawn(key);
            }
            Verdict::Skipped(_) | Verdict::Refused(_) | Verdict::Broken(_) => None,
        };
        if typed.is_some()
            && let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key)
        {
            pane.audience.typed();
            let send = self.lanes.get(key).and_then(|lane| lane.under_way.as_ref());
            // What was asked has its answer. A terminal that shows the Enter says so by itself.
            let silent = pane.feed != Feed::Polled && send.is_some_and(|send| send.ends == pane.voice.ends);
            pane.voice.ends += u64::from(silent);
            let answers = send.is_some_and(Sending::answers_dialog);
            if let Some(agent) = pane.agent.as_mut().filter(|_| answers) {
                agent.answered(self.now);
            }
            let by_shell = pane.audience.reader.reads == Reads::Shell;
            let taken = send.filter(|send| by_shell && send.types_keys()).map(|send| send.errand.id().clone());
            if let Some(intent) = taken {
                self.outlet.event(Event::TakenByShell { pane: key.clone(), intent });
            }
        }
        if typed.is_some_and(|typed| self.begin_check(key, typed)) {
            return;
        }
        let Some(send) = self.lanes.get(key).and_then(|lane| lane.under_way.as_ref()) else { return };
        let lost_claim = verdict == Verdict::Skipped(SkipReason::OtherSupervisor);
        let outcome = match verdict {
            Verdict::Sent | Verdict::Earlier | Verdict::Moved => Outcome::Done,
            Verdict::Skipped(SkipReason::OtherProcess) if reply.error().is_some() => {
                send.refused(SkipReason::OtherProcess, "the pane is gone, so nobody can know whether it was typed")
            }
            // Whoever types there now may have set a mark of its own over ours.
            Verdict::Skipped(SkipReason::OtherSupervisor) => send.refused(SkipReason::OtherSupervisor, TAKEN_OVER),
            Verdict::Skipped(reason) => Outcome::Skipped { reason },
            Verdict::Refused(error) => Outcome::Failed { error },
            Verdict::Broken(error) => Outcome::Unknown { error },
        };
        if lost_claim {
            self.claim_is_doubtful();
        }
        self.outputs.push(Output::Place("send.replied"));
        self.finish(key, outcome);
        self.outputs.push(Output::Place("send.told"));
    }

    /// The client was lost before the reply: the same send goes first over the next one.
    pub fn send_lost(&mut self, key: &PaneKey) {
        if let Some(lane) = self.lanes.get_mut(key)
            && let Some(send) = lane.under_way.take()
        {
            lane.check = None;
            lane.position = None;
            lane.waiting.push_front(send);
            self.outlet.release(key, Vec::new());
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
                self.tell_end(send, outcome);
            }
        }
    }

    /// Gives up sends that waited too long for their pane, and tries the others.
    pub fn tick_sends(&mut self) {
        let now = self.now;
        self.tick_checks();
        let (mut late, mut again_due): (Vec<PaneKey>, Vec<PaneKey>) = (Vec::new(), Vec::new());
        for (key, lane) in &self.lanes {
            let Some(next) = lane.waiting.front().filter(|_| lane.under_way.is_none() && !lane.held) else { continue };
            let again = lane.looks_again();
            let at = again.unwrap_or_else(|| given_up_at(next, self.lost_at));
            if again.is_some() && now >= at {
                again_due.push(key.clone());
            } else if now >= at {
                late.push(key.clone());
            } else {
                self.times.wake = Some(self.times.wake.map_or(at, |wake| wake.min(at)));
            }
        }
        again_due.iter().for_each(|key| self.pump(key));
        for key in late {
            let shown = self.status.as_ref().filter(|_| self.lost_at.is_some()).map(|(_, _, detail)| detail.clone());
            let why = shown.unwrap_or_else(|| "its session could not be attached to in time".to_owned());
            let Some(next) = self.lanes.get(&key).and_then(|lane| lane.waiting.front()) else { continue };
            let unknown = format!("{why}, so nobody can know whether it was typed");
            let outcome = next.lost(SkipReason::Unreachable(why), &unknown);
            self.finish(&key, outcome);
        }
    }
}

/// When a send that can't be typed is given up: the pane is not reached in time, or a host that was lost does not come
/// back; later where only the pane can tell whether it was typed.
fn given_up_at(send: &Sending, lost_at: Option<Instant>) -> Instant {
    if send.perhaps_typed() {
        return send.since + UNKNOWN;
    }
    let patient = send.since + if send.is_at_once() { AT_ONCE } else { PATIENCE };
    lost_at.map_or(patient, |lost| patient.min((lost + LOST).max(send.since)))
}
