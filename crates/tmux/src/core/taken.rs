//! Prompts, seen to be taken: after the paste and its Enter the pane's screen is looked at until the text has left the
//! program's input line.
//!
//! A program may swallow the Enter; then it is pressed once more, guarded. What the pane prints meanwhile is kept back,
//! so that it stands behind the outcome: it was printed after the keys.

use super::history::text;
use super::{HostCore, Purpose};
use crate::HostMessage;
use crate::proto::{Expectation, Questions, Reply, RowReader, Still, enter_line, row_format};
use std::time::Duration;
use std::time::Instant;
use tmuxagent_agents::{Screen, recognise};
use tmuxagent_lines::{Entry, Standing, Submitted};
use tmuxagent_model::{IntentId, Outcome, PaneId, PaneKey, Reads};

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(80);
/// A look that is not answered by then is asked again: its client was lost.
const UNANSWERED: Duration = Duration::from_secs(2);
/// A text that stands in the input line for so long gets another Enter.
const NUDGE: Duration = Duration::from_millis(1200);
/// Where nothing is seen of the text but the screen goes on, it counts as taken after so long.
const UNSEEN: Duration = Duration::from_millis(2500);
/// After so long it was not taken.
const PATIENCE: Duration = Duration::from_secs(6);

/// Where its screen can't be looked at for so long it is given up.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A prompt that was typed and is looked after.
#[derive(Debug)]
pub(super) struct Check {
    submitted: Submitted,
    /// The rows before it was typed.
    before: Vec<String>,
    /// When it was typed.
    typed: Instant,
    /// Since when it is looked for, without the time in which nothing could be seen: its connection may be cut.
    since: Instant,
    /// When the last look was asked for, and whether it is answered.
    asked: Instant,
    answered: bool,
    nudged: bool,
    /// The position of the pane as the keys were typed; it goes out with the outcome.
    position: HostMessage,
}

/// When a prompt was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// Right now: the screen before it is known.
    Now,
    /// In an earlier life, or over a client that was lost: what the screen shows may be its traces already.
    Earlier,
}

/// What a look came to.
enum Found {
    Taken,
    NotTaken(&'static str),
    Nudge,
    Wait,
}

impl HostCore {
    /// Asks for the screen as it is before a prompt is typed.
    pub fn look_before(&mut self, key: &PaneKey) {
        let line = self.taken_line(key.pane);
        if let Some(client) = self.inventory.panes.get(&key.pane).and_then(|pane| pane.client) {
            self.request(client, &line, Purpose::Taken(key.clone()));
        }
    }

    /// A prompt was typed: from now on it is looked after. False where that can't be done.
    pub(super) fn begin_check(&mut self, key: &PaneKey, typed: Typed) -> bool {
        let Some(pane) = self.inventory.panes.get(&key.pane).filter(|pane| pane.info.key == *key) else { return false };
        // A name alone makes no agent where its process can be seen.
        let agent = match (&pane.agent, &pane.audience.reader) {
            (Some(agent), _) => agent.status().map_or(String::new(), |status| status.agent),
            (None, reader) if reader.front.is_some() && reader.reads != Reads::Agent => String::new(),
            (None, _) => pane.info.facts.agent.clone(),
        };
        let composer = pane.reader.wants_screen() || !matches!(agent.as_str(), "" | "aider" | "stand-in");
        let entry = if composer { Entry::Composer } else { Entry::Line };
        let now_at = HostMessage::Position { pane: key.clone(), position: pane.position() };
        let Some(lane) = self.lanes.get_mut(key) else { return false };
        let (rows, cursor) = lane.before.take().filter(|_| typed == Typed::Now).unwrap_or_default();
        let position = lane.position.take().unwrap_or(now_at);
        let Some(prompt) = lane.prompt() else { return false };
        let (now, submitted) = (self.now, Submitted::new(prompt, entry, &rows, cursor));
        lane.check = Some(Check {
            submitted,
            before: rows,
            typed: now,
            since: now,
            asked: now,
            answered: true,
            nudged: false,
            position,
        });
        self.outlet.hold(key);
        self.wake_at(now + LOOK_EVERY);
        true
    }

    /// Looks at the screens of panes whose prompts are looked after.
    pub fn tick_checks(&mut self) {
        let now = self.now;
        let (mut due, mut over): (Vec<PaneKey>, Vec<PaneKey>) = (Vec::new(), Vec::new());
        let mut next: Option<Instant> = None;
        for (key, lane) in &mut self.lanes {
            let Some(check) = &mut lane.check else { continue };
            let gone =
                self.inventory.complete && self.inventory.panes.get(&key.pane).is_none_or(|pane| pane.info.key != *key);
            if gone || now >= check.typed + LONGEST {
                over.push(key.clone());
                continue;
            }
            let at = check.asked + if check.answered { LOOK_EVERY } else { UNANSWERED };
            if now >= at {
                if !check.answered {
                    check.since += now - check.asked;
                }
                (check.asked, check.answered) = (now, false);
                due.push(key.clone());
            }
            let at = if now >= at { now + UNANSWERED } else { at };
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        due.iter().for_each(|key| self.look_before(key));
        for key in over {
            let error = "it was pasted, but its pane can't be looked at any more".to_owned();
            self.end_check(&key, Outcome::Unknown { error });
        }
        if let Some(at) = next {
            self.wake_at(at);
        }
    }

    /// A look arrived.
    pub fn saw(&mut self, key: &PaneKey, reply: &Reply) {
        let seen = self.screen_of(reply);
        let Some(lane) = self.lanes.get_mut(key) else { return };
        let Some(check) = &mut lane.check else {
            lane.before = seen.map(|seen| (seen.rows, seen.cursor));
            return;
        };
        let now = self.now;
        check.answered = true;
        let found = match &seen {
            Some(seen) => check.judge(&seen.rows, seen.cursor, now),
            None if now >= check.since + PATIENCE => Found::NotTaken("its screen can't be looked at"),
            None => Found::Wait,
        };
        match found {
            Found::Wait => self.wake_at(now + LOOK_EVERY),
            Found::Nudge => self.nudge(key, seen),
            Found::Taken => self.end_check(key, Outcome::Done),
            Found::NotTaken(why) => {
                self.end_check(key, Outcome::Unknown { error: format!("it was pasted, but {why}") });
            }
        }
    }

    /// Presses Enter once more, where the text stands in the input line still. That of an agent is recognised; elsewhere words
    /// on the screen must not look like a question.
    fn nudge(&mut self, key: &PaneKey, seen: Option<Seen>) {
        let pane = self.inventory.panes.get(&key.pane);
        let client = pane.and_then(|pane| pane.client);
        let agent =
            pane.and_then(|pane| pane.agent.as_ref()).and_then(|agent| agent.status()).map(|status| status.agent);
        let agent = agent.and_then(|name| self.spec.agents.iter().find(|known| known.agent == name));
        let still = seen.filter(|_| agent.is_some());
        let writes = |seen: &Seen| {
            let read = agent.map(|agent| recognise(agent, &Screen::of(&seen.rows.join("\n"))));
            read.and_then(|read| read.composer).is_some_and(|composer| !composer.draft.is_empty())
        };
        let (still, questions) = match still {
            Some(seen) if !writes(&seen) => return self.wake_at(self.now + LOOK_EVERY),
            Some(seen) => (Some(seen.still), Questions::Answered),
            None => (None, Questions::Respected),
        };
        let intent: Option<IntentId> = self.lanes.get(key).and_then(|lane| lane.intent()).cloned();
        if let (Some(client), Some(intent), Some(claim)) = (client, intent, self.claim.token()) {
            let expect =
                Expectation { pane: key, claim, command: None, screen: None, questions, still: still.as_ref() };
            let line = enter_line(&self.nonce, &intent, &expect);
            self.request(client, &line, Purpose::Nothing);
        }
        self.wake_at(self.now + LOOK_EVERY);
    }

    fn end_check(&mut self, key: &PaneKey, outcome: Outcome) {
        let position = self.lanes.get_mut(key).and_then(|lane| lane.check.take()).map(|check| check.position);
        let first = position.into_iter().chain(self.outcome_of(key, outcome)).collect();
        self.outlet.release(key, first);
    }

    fn taken_line(&self, pane: PaneId) -> String {
        let fields = row_format(
            &self.nonce,
            &["#{cursor_x}", "#{cursor_y}", "#{history_size}", "#{pane_current_command}", "#{alternate_on}"],
        );
        let capture = self.capture(pane, "");
        format!("{capture} ; display-message -p -t {pane} {}", crate::proto::quote(fields))
    }

    fn screen_of(&self, reply: &Reply) -> Option<Seen> {
        let rows = reply.announced(&self.nonce).next()?.rows.iter().map(|row| text(row)).collect();
        let mut reader = RowReader::new(self.nonce.clone());
        let row = reply.rows().find_map(|line| reader.push(line))?;
        let field = |index: usize| std::str::from_utf8(row.get(index)?).ok();
        let (x, y) = (field(0)?.parse().ok()?, field(1)?.parse().ok()?);
        let cursor = Some((x, y, field(2)?.parse().ok()?));
        let (command, alternate) = (String::from_utf8_lossy(row.get(3)?).into_owned(), field(4)? == "1");
        let still = Still { cursor, command, alternate, activity: None, edits: false };
        Some(Seen { rows, cursor: y as usize, still })
    }
}

/// What one look shows of a pane.
struct Seen {
    rows: Vec<String>,
    /// The row of the cursor.
    cursor: usize,
    still: Still,
}

impl Check {
    fn judge(&mut self, rows: &[String], cursor: usize, now: Instant) -> Found {
        let waited = now.duration_since(self.since);
        match self.submitted.look(rows, cursor) {
            Standing::Taken => Found::Taken,
            Standing::Stands if waited >= PATIENCE => {
                Found::NotTaken("the program did not take it: it stands in its input line")
            }
            Standing::Stands if waited >= NUDGE && !self.nudged => {
                self.nudged = true;
                Found::Nudge
            }
            Standing::Unseen if waited >= UNSEEN && rows != self.before => Found::Taken,
            Standing::Unseen if waited >= PATIENCE => Found::NotTaken("nothing on the screen shows that it was taken"),
            Standing::Stands | Standing::Unseen => Found::Wait,
        }
    }
}
