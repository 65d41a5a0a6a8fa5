//! One predicate before every typed action: is the reader of the pane the one that the keys are for?
//!
//! **Invariant:** what names a need is typed only after a look that fits it, and the guard compares at the instant of
//! typing what tmux can judge: the cursor's place where an empty prompt is needed, the name of the foreground program and
//! the alternate screen always. What is left is a program of the same name that took the terminal within the time from
//! the look to the guard without moving the cursor.
//!
//! Where it does not fit the send waits in its lane, visibly, and looks again; after a while it ends as not typed.

mod asked;
mod check;
mod waiting;

use super::fence::{After, FROM_REPLY};
use super::pane::Feed;
use super::prompts::{Prompts, prompt_by_marks, told_by_marks};
use super::reader::{Seen, Surface, classify, held_by_shell, is_interactive, name_of, split_at};
use super::since_typed::SinceTyped;
use super::stacks::{Depth, Stack};
use super::{HostCore, Output, Purpose};
use crate::KnownPrompts;
use crate::proto::{Reply, RowReader, Still, quote, row_format};
use asked::Asked;
use std::time::{Duration, Instant};
use tmuxagent_agents::Screen;
use tmuxagent_model::{Event, Front, PaneId, PaneKey, PaneReader, Reads};
pub(super) use waiting::is_question;
use waiting::{Waiting, asked_row};

/// A pane that is read is looked at no more often than this.
const EVERY: Duration = Duration::from_millis(500);
/// The same where an agent is in it: its questions are to be seen soon.
const AGENT_EVERY: Duration = Duration::from_millis(200);
/// A pane of another machine: a look makes its shell start stty(1).
const FAR_EVERY: Duration = Duration::from_secs(1);

/// After so long a shell has done what it said.
const SETTLED: Duration = Duration::from_secs(1);

/// What a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// To show who reads.
    Shown,
    /// The next send of the pane.
    Send,
}

/// A look under way: what tmux said, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub key: PaneKey,
    pub surface: Surface,
    pub why: Why,
    /// How many lines the shell's editor had let go of when this was asked for.
    pub lines: u64,
}

/// What a pane knows of its reader.
#[derive(Debug, Default)]
pub(super) struct Audience {
    pub reader: PaneReader,
    pub prompts: Prompts,
    /// When it was last looked at, whether the answer is to come, and whether it printed since.
    looked: Option<Instant>,
    looking: bool,
    due: bool,
    /// How many lines were entered, as the output tells.
    lines: u64,
    /// It printed since the last look.
    touched: bool,
    /// What comes to the front is told, since something was typed into its shell.
    since_typed: Option<SinceTyped>,
    /// A program may wait for a person; when that is looked at, whether it prints or not; whether it was ever looked at.
    waiting: Option<Waiting>,
    /// What a program asked by a message.
    asked: Asked,
    /// Who was seen reading, behind how many ended lines, and how many bytes it had read by then.
    took: Option<(Front, u64, u64)>,
    followed: bool,
    look_at: Option<Instant>,
}

impl Audience {
    /// What an earlier life knew of the shell is known.
    pub fn remembering(known: Option<KnownPrompts>) -> Self {
        Self { prompts: known.map(Prompts::remembering).unwrap_or_default(), ..Self::default() }
    }

    /// A line editor has let go of so many lines by now.
    fn entered(&mut self, lines: u64) {
        if std::mem::replace(&mut self.lines, lines) != lines {
            self.prompts.line_entered();
        }
    }

    /// Keys were typed for the reader that was seen last. What a shell makes of them is followed.
    pub fn typed(&mut self) {
        self.since_typed = SinceTyped::of(&self.reader);
        self.waiting = None;
        self.asked.answered_by_us();
    }

    /// A command began this instant: who it is can be seen now.
    pub fn began(&mut self) {
        if self.since_typed.is_some() {
            (self.due, self.looked) = (true, None);
        }
    }

    /// It is to be looked at, whether it prints or not.
    pub fn look_again(&mut self) {
        self.due = true;
    }
}

/// The fields of a look.
const FIELDS: [&str; 4] = [NUMBERS, "#{pane_current_command}", "#{pane_tty}", "#{b:pane_current_path}"];

/// All that are numbers, as one: tmux reads a line letter by letter. The last is when somebody last typed into the session of
/// the pane, where the pane is the one that he types into; else it is missing.
const NUMBERS: &str = "#{cursor_x} #{cursor_y} #{history_size} #{pane_width} #{alternate_on} #{pane_in_mode} #{pane_dead} \
    #{?#{&&:#{!=:#{session_attached},0},#{&&:#{window_active},#{pane_active}}},#{session_activity},}";

impl HostCore {
    /// Asks tmux for what it knows of a pane's reader.
    fn look_who(&mut self, key: &PaneKey, why: Why) -> bool {
        let pane = self.inventory.panes.get(&key.pane).filter(|pane| pane.info.key == *key);
        let Some((client, lines)) = pane.and_then(|pane| pane.client.zip(Some(pane.reader.lines_entered()))) else {
            return false;
        };
        let line = self.who_line(key.pane);
        self.request(client, &line, Purpose::Who(key.clone(), why, lines));
        true
    }

    fn who_line(&self, pane: PaneId) -> String {
        let fields = quote(row_format(&self.nonce, &FIELDS));
        // What an agent asks is told by its colours too.
        let colours = self.inventory.panes.get(&pane).is_some_and(|pane| pane.agent.is_some());
        format!("display-message -p -t {pane} {fields} ; {}", self.capture(pane, if colours { "-e" } else { "" }))
    }

    /// What tmux knows arrived; the system is asked next. Before a send all is read first that the pane had printed by then.
    pub fn who(&mut self, key: PaneKey, why: Why, lines: u64, reply: &Reply) {
        let Some(surface) = self.surface_of(reply) else { return self.who_lost(&key, why) };
        let look = Box::new(Look { key: key.clone(), surface, why, lines });
        match why {
            Why::Shown => self.outputs.push(Output::Look(look)),
            Why::Send => self.fence(&key, FROM_REPLY, After::Who(look)),
        }
    }

    fn surface_of(&self, reply: &Reply) -> Option<Surface> {
        let mut reader = RowReader::new(self.nonce.clone());
        let row = reply.rows().find_map(|line| reader.push(line))?;
        let text = |index: usize| row.get(index).map(|field| String::from_utf8_lossy(field).into_owned());
        let numbers = text(0)?;
        let mut numbers = numbers.split(' ');
        let mut next = || numbers.next().and_then(|number| number.parse::<u64>().ok());
        let (x, y, history, columns) = (next()?, next()?, next().unwrap_or(0), next().unwrap_or(0));
        let [alternate, in_mode, dead] = [next(), next(), next()].map(|flag| flag.is_some_and(|flag| flag > 0));
        let activity = next().and_then(|at| i64::try_from(at).ok());
        let rows = &reply.announced(&self.nonce).next()?.rows;
        let rows: Vec<String> = rows.iter().map(|row| super::history::text(row)).collect();
        let styled = rows.iter().any(|row| row.contains('\u{1b}')).then(|| rows.join("\n"));
        let plain = styled.as_ref().map(|text| Screen::of(text).rows.into_iter().map(|row| row.text).collect());
        Some(Surface {
            x: u32::try_from(x).ok()?,
            y: u32::try_from(y).ok()?,
            command: text(1)?,
            alternate,
            in_mode,
            dead,
            tty: text(2)?,
            history,
            // Another machine's clock may be another, and there our own clients are attached to the user's sessions.
            activity: activity.filter(|_| self.spec.transport.is_local()),
            folder: text(3).unwrap_or_default(),
            columns: u32::try_from(columns).unwrap_or(0),
            rows: plain.unwrap_or(rows),
            styled,
        })
    }

    /// A look will not be answered: its client was lost, or its pane.
    pub fn who_lost(&mut self, key: &PaneKey, why: Why) {
        match why {
            Why::Shown => {
                if let Some(pane) = self.inventory.panes.get_mut(&key.pane) {
                    pane.audience.looking = false;
                }
            }
            Why::Send => self.check_lost(key),
        }
    }

    /// The system has been asked.
    pub fn looked_who(&mut self, look: Look, seen: Option<Seen>) {
        let now = self.wall;
        let Look { key, surface, why, lines } = look;
        let agent = self.watch_agent(&key, &surface, seen.as_ref());
        let alike = seen.as_ref().is_some_and(|seen| self.is_told_elsewhere(seen, &surface));
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == key) else {
            return self.who_lost(&key, why);
        };
        let shell = pane.reader.shell();
        let seen = seen.map(|seen| Seen {
            said: prompt_by_marks(&shell),
            told: told_by_marks(&shell, &surface).filter(|_| seen.own),
            alike,
            depth: self.stacks.judge(seen.stack.as_ref(), seen.reading),
            ..seen
        });
        let edits = seen.as_ref().is_some_and(|seen| seen.edits(&surface));
        let audience = &mut pane.audience;
        audience.entered(pane.reader.lines_entered());
        let (reads, evidence) = classify(&surface, seen.as_ref(), &audience.prompts);
        if let Some(stack) = audience.learn(&reads, seen.as_ref(), &surface, lines) {
            self.stacks.learn(stack);
        }
        let (reads, evidence) = match reads {
            Reads::Draft => classify(&surface, seen.as_ref(), &audience.prompts),
            other => (other, evidence),
        };
        let by_shell = || seen.as_ref().map(|seen| held_by_shell(&surface, seen, &audience.prompts));
        let of_shell = (reads == Reads::Draft && agent.is_none()).then(by_shell).flatten().unwrap_or_default();
        let taken = matches!(reads, Reads::Dead | Reads::Mode | Reads::Password);
        let reads = agent.filter(|_| !taken).unwrap_or(reads);
        let front = seen.as_ref().and_then(|seen| seen.front.clone()).or_else(|| {
            // A leader that has ended leaves its group in front; tmux knows what runs there.
            let name = seen.as_ref().map_or_else(|| surface.command.clone(), |seen| name_of(seen, &surface));
            Some(Front { pid: 0, born: 0, name }).filter(|front| !front.name.is_empty())
        });
        // A launcher or a shell's script may lead its group: people know the agent by its own name.
        let name = pane.agent.as_ref().and_then(|agent| agent.status()).map(|status| status.agent);
        let front = front.map(|front| Front { name: name.unwrap_or(front.name), ..front });
        let shell = seen.as_ref().is_some_and(|seen| is_interactive(&seen.args) && !seen.stranger);
        let of_agent = pane.agent.as_ref().map(|agent| agent.holds()).filter(|_| reads == Reads::Draft);
        let holds = of_agent.unwrap_or(of_shell);
        let dialog = pane.agent.as_ref().and_then(|agent| agent.dialog()).filter(|_| reads == Reads::AgentAsks);
        let mut reader =
            PaneReader { reads, holds, front, shell, seen: evidence, since: now, dialog, ..PaneReader::default() };
        if reader.same(&audience.reader) {
            reader.since = audience.reader.since;
        } else {
            pane.voice.changed = true;
        }
        audience.reader = reader.clone();
        audience.looked = Some(self.now);
        if why == Why::Shown {
            audience.looking = false;
        }
        if let Some((front, prompt)) = audience.since_typed.as_mut().and_then(|since| since.follow(&audience.reader)) {
            pane.voice.tell_printed(&mut self.outlet);
            self.outlet.event(Event::Foreground { pane: key.clone(), front, prompt });
        }
        pane.tell_prompts(&mut self.outlet);
        let taken = pane.audience.has_taken(seen.as_ref(), pane.voice.ends);
        pane.voice.ends += u64::from(taken && pane.feed != Feed::Polled);
        reader.waits_itself = seen.as_ref().is_some_and(|seen| seen.waits_itself);
        reader.asks = asked_row(&reader, &surface);
        reader.row = pane.voice.ends;
        pane.audience.asked.printed(std::mem::take(&mut pane.voice.asked));
        if let Some(front) = pane.audience.asked.follow(&reader, seen.as_ref(), pane.voice.ends) {
            pane.voice.tell_printed(&mut self.outlet);
            self.outlet.event(Event::Answered { pane: key.clone(), front });
        }
        reader.answered = pane.audience.asked.is_over();
        reader.question = self.follow_waiting(&key, seen.as_ref(), &surface);
        self.look_once_more(&key);
        match why {
            Why::Shown => {
                self.surface_soon();
                self.show_reader(&key);
            }
            Why::Send => {
                // A second is the finest that tmux tells.
                let typing = surface.activity.is_some_and(|at| at >= self.wall.0 / 1000 - 1);
                let still = Still {
                    activity: surface.activity,
                    cursor: Some((surface.x, surface.y, surface.history)),
                    command: surface.command,
                    alternate: surface.alternate,
                    edits,
                };
                self.check(&key, reader, still, typing);
            }
        }
    }

    /// Whether the shell in another pane told that such a row is its empty prompt.
    fn is_told_elsewhere(&self, seen: &Seen, surface: &Surface) -> bool {
        let Some(front) = seen.front.as_ref().filter(|_| is_interactive(&seen.args)) else { return false };
        let (prefix, _) = split_at(surface.row(), surface.x);
        self.inventory.panes.values().any(|pane| pane.audience.prompts.tell(front, &prefix))
    }

    /// A pane came to rest, or is new: who reads is looked at, not too often.
    pub fn reader_touched(&mut self, id: PaneId) {
        if let Some(pane) = self.inventory.panes.get_mut(&id) {
            pane.audience.touched = true;
        }
        let Some(key) = self.look_soon(id) else { return };
        if let Some(waits) = self.lanes.get_mut(&key).and_then(|lane| lane.waits.as_mut()) {
            waits.next = self.now;
            self.pump(&key);
        }
    }

    /// A pane is looked at, though it may print on and on: one with an agent shows something meanwhile.
    pub(super) fn look_soon(&mut self, id: PaneId) -> Option<PaneKey> {
        let pane = self.inventory.panes.get_mut(&id)?;
        pane.audience.due = true;
        let key = pane.info.key.clone();
        self.show_reader(&key);
        Some(key)
    }

    /// Looks at panes whose turn has come.
    pub fn tick_readers(&mut self) {
        self.tick_agents();
        self.wake_waiting();
        let due: Vec<PaneKey> = self
            .inventory
            .panes
            .values()
            .filter(|pane| pane.audience.due && !pane.audience.looking)
            .map(|pane| pane.info.key.clone())
            .collect();
        due.iter().for_each(|key| self.show_reader(key));
    }

    /// A shell that goes on with what was suspended says so before it lets that come to the front: it may be seen too soon, and
    /// nothing more be printed.
    fn look_once_more(&mut self, key: &PaneKey) {
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        let over = pane.audience.since_typed.as_ref().is_some_and(SinceTyped::is_over);
        if std::mem::take(&mut pane.audience.touched) && over {
            let at = self.now + SETTLED;
            pane.audience.look_at = Some(pane.audience.look_at.map_or(at, |other| other.min(at)));
            self.wake_at(at);
        }
    }

    fn show_reader(&mut self, key: &PaneKey) {
        let now = self.now;
        let Some(pane) = self.inventory.panes.get_mut(&key.pane).filter(|pane| pane.info.key == *key) else { return };
        let audience = &mut pane.audience;
        if !audience.due || audience.looking || pane.client.is_none() {
            return;
        }
        let every = match (self.spec.transport.is_local(), pane.agent.is_some()) {
            (true, true) => AGENT_EVERY,
            (true, false) => EVERY,
            (false, _) => FAR_EVERY,
        };
        let at = audience.looked.map_or(now, |looked| looked + every);
        if at > now {
            return self.wake_at(at);
        }
        (audience.due, audience.looking) = (false, true);
        if !self.look_who(key, Why::Shown)
            && let Some(pane) = self.inventory.panes.get_mut(&key.pane)
        {
            pane.audience.looking = false;
        }
    }
}

impl Audience {
    /// Whether who reads has taken something since it was last seen reading, and no line has ended there: what was asked is
    /// answered, though nothing shows it (`read -s -n 1`). A file that it has read meanwhile looks the same.
    fn has_taken(&mut self, seen: Option<&Seen>, ends: u64) -> bool {
        let now = seen.and_then(|seen| seen.front.clone().zip(seen.took));
        let Some((front, took)) = now else { return false };
        let before = self.took.as_ref().filter(|(reader, row, _)| reader.is(&front) && *row == ends);
        let more = before.is_some_and(|(.., before)| took > *before);
        self.took = Some((front, ends + u64::from(more), took));
        more
    }

    /// Takes from a look what it teaches of the shell's prompts; `lines` were let go of when it was asked for. Where another was
    /// let go of since, it is not known before which of them it was taken: the prompt behind that line is still to be seen.
    ///
    /// Gives the shell's stack where it stands at a prompt for certain enough.
    fn learn(&mut self, reads: &Reads, seen: Option<&Seen>, surface: &Surface, lines: u64) -> Option<Stack> {
        if self.lines != lines {
            self.due = true;
            return None;
        }
        let seen = seen.filter(|_| !matches!(reads, Reads::Mode | Reads::Dead | Reads::Unknown))?;
        if *reads == Reads::Line && seen.depth == Depth::Elsewhere {
            // It asks something itself, and its prompt is still to come.
            return None;
        }
        if !is_interactive(&seen.args) || !matches!(reads, Reads::Shell | Reads::Draft) {
            self.prompts.command_ran();
            return None;
        }
        let (prefix, behind) = split_at(surface.row(), surface.x);
        let fresh = (behind.trim().is_empty() || seen.told.as_ref() == Some(&prefix))
            && self.prompts.learn(seen, &prefix, surface);
        seen.stack.clone().filter(|_| fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over a connection a look may take longer than a command.
    #[test]
    fn a_look_from_before_a_line_was_entered_teaches_nothing_of_the_prompt_behind_it() {
        let shell = Seen {
            front: Some(Front { pid: 2, born: 1, name: "bash".to_owned() }),
            args: vec!["bash".to_owned()],
            modes: Some((false, false)),
            ..Seen::default()
        };
        let surface = |rows: &[&str]| Surface {
            x: 10,
            y: u32::try_from(rows.len() - 1).unwrap(),
            columns: 80,
            rows: rows.iter().map(ToString::to_string).collect(),
            ..Surface::default()
        };
        let (before, behind) = (surface(&["bash-5.2$ "]), surface(&["bash-5.2$ make", "built", "bash-5.2$ "]));
        let mut audience = Audience::default();
        let mut look = |surface: &Surface, asked: u64, now: u64| {
            audience.entered(now);
            let reads = classify(surface, Some(&shell), &audience.prompts).0;
            audience.learn(&reads, Some(&shell), surface, asked);
            (classify(surface, Some(&shell), &audience.prompts).0, std::mem::take(&mut audience.due))
        };
        assert_eq!(look(&before, 0, 0), (Reads::Shell, false));
        assert_eq!(look(&before, 0, 1), (Reads::Shell, true), "it is looked at again");
        assert_eq!(look(&behind, 1, 1), (Reads::Shell, false), "an empty prompt");
    }

    #[test]
    fn what_is_taken_without_an_end_of_a_line_answers_what_was_asked() {
        let mut audience = Audience::default();
        let seen = |pid, took| {
            let front = Some(Front { pid, born: 1, name: "p".to_owned() });
            Some(Seen { front, took, ..Seen::default() })
        };
        let mut taken = |pid, took, ends| audience.has_taken(seen(pid, took).as_ref(), ends);
        assert!(!taken(2, Some(900), 7), "it is seen reading for the first time");
        assert!(!taken(2, Some(900), 7) && !taken(2, None, 7), "drawn anew; it reads nothing just now");
        assert!(taken(2, Some(901), 7), "one key, and the same words in the same row");
        assert!(!taken(2, Some(901), 8));
        assert!(!taken(2, Some(903), 9), "the Enter was shown, so that a line has ended");
        assert!(!taken(3, Some(5000), 9), "another program");
        assert!(!taken(3, Some(5000), 9) && taken(3, Some(5001), 9));
    }
}
