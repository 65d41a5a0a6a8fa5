//! The sends of one pane: what waits, what is under way, and how far the looks before the next one are.

use super::fit::{Fit, fits, interrupts, quoted_for};
use super::taken::Check;
use crate::HostMessage;
use crate::proto::{Expectation, Input, Questions, Still, Token};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};
use tmuxagent_errand::Errand;
use tmuxagent_lines::Reader;
use tmuxagent_model::{
    Awaited, Effect, Front, IntentId, KeyStep, Millis, Needs, Outcome, PaneKey, PaneReader, Shell, SkipReason,
    Timestamp,
};

/// The most time that a life needs to know who reads in a pane.
const KNOWN: Duration = Duration::from_secs(10);

/// The sends of all panes.
pub(super) type Lanes = HashMap<PaneKey, Lane>;

/// The sends of one pane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub waiting: VecDeque<Sending>,
    /// It was sent and its reply is awaited.
    pub under_way: Option<Sending>,
    /// An outcome was told and is not committed yet.
    pub held: bool,
    /// What the pane printed before the next send is being read, or was, where nobody looks who reads.
    pub fence: Fence,
    /// The position of the pane as the keys were typed; it goes out with the outcome.
    pub position: Option<HostMessage>,
    /// The screen before a prompt, with the row of the cursor.
    pub before: Option<(Vec<String>, usize)>,
    /// The prompt that was typed and is looked after.
    pub check: Option<Check>,
    /// How far the look at the reader is.
    pub checked: Checked,
    /// The next send waits for another reader.
    pub waits: Option<Waits>,
    /// What was told of that.
    pub awaited: Option<Awaited>,
}

/// How far the fence before a send is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Fence {
    #[default]
    None,
    Asked,
    Passed,
}

impl Lane {
    /// What was read and looked at before the next send is out of date.
    pub fn start_over(&mut self) {
        (self.fence, self.checked) = (Fence::None, Checked::No);
    }

    /// Takes a send behind the others, unless it goes before one that waits for its reader.
    pub fn queue(&mut self, send: Sending) {
        self.waiting.push_back(send);
        if self.waits.is_some() && self.overtake() {
            self.waits = None;
            self.start_over();
        }
    }

    /// What a person wants now does not wait behind what waits for its reader: it would be typed when somebody else reads, and
    /// may be the very thing that ends the waiting.
    fn overtake(&mut self) -> bool {
        let held = |send: &Sending| !send.is_at_once() && !send.perhaps_typed();
        if !self.waiting.front().is_some_and(held) {
            return false;
        }
        let urgent = self.waiting.iter().position(|send| send.is_at_once() && !send.perhaps_typed());
        let Some(send) = urgent.and_then(|at| self.waiting.remove(at)) else { return false };
        self.waiting.push_front(send);
        true
    }

    /// The text of the prompt under way.
    pub fn prompt(&self) -> Option<&str> {
        match self.under_way.as_ref()?.input() {
            Input::Prompt(text) => Some(text),
            Input::Keys(_) => None,
        }
    }

    /// The intent under way.
    pub fn intent(&self) -> Option<&IntentId> {
        self.under_way.as_ref().map(|send| send.errand.id())
    }
}

/// One send.
#[derive(Debug)]
pub(super) struct Sending {
    /// Begun where it may have been typed already: in an earlier life, or over a client that was lost.
    pub errand: Errand,
    pub pane: PaneKey,
    /// The pane's reader knows what echo to expect.
    pub expected: bool,
    /// The claim that its line names.
    pub claim: Option<Token>,
    /// It may have been typed before the line that is under way.
    pub before: bool,
    /// The guard said that nothing of it was typed.
    pub untyped: bool,
    /// Nobody wants it any more: whether it was typed is found out, and it is not typed.
    pub withdrawn: bool,
    /// What must still be so at the instant of typing.
    pub still: Option<Still>,
    /// The look found an agent's empty input line, by its process: nothing that the pane shows beside it is a question.
    pub recognised: bool,
    /// A line of keys for an agent, which takes it as a prompt: pasted, and Enter once it stands there.
    pub as_prompt: Option<String>,
    /// The program that was in front when it came to its turn, where nobody knew who it is for.
    pub basis: Option<Front>,
    pub since: Instant,
    /// Since when it waits for its reader.
    pub held: Option<Instant>,
    /// How many lines its pane had ended when it was handed over.
    pub ends: u64,
}

impl Sending {
    /// `None` for what is not typed.
    pub fn of(errand: Errand, now: Instant) -> Option<Self> {
        let pane = match &errand.intent().effect {
            Effect::Send(send) => send.pane.clone(),
            Effect::Prompt(prompt) => prompt.pane.clone(),
            Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => return None,
        };
        let (expected, claim, before, still, basis) = (false, None, false, None, None);
        let (untyped, withdrawn, as_prompt, recognised, held, since) = (false, false, None, false, None, now);
        Some(Self {
            errand,
            pane,
            expected,
            claim,
            before,
            untyped,
            withdrawn,
            still,
            recognised,
            as_prompt,
            basis,
            since,
            held,
            ends: 0,
        })
    }

    /// Whether it types keys, and no prompt.
    pub fn types_keys(&self) -> bool {
        matches!(self.errand.intent().effect, Effect::Send(_))
    }

    /// When it was wanted, where that was in an earlier life: it waits since then.
    pub fn wanted_before(&self) -> Option<Timestamp> {
        self.errand.is_begun().then(|| self.errand.intent().at)
    }

    /// Until when it waits for its reader.
    pub fn held_until(&self, limit: Duration, now: Instant, wall: Timestamp) -> Instant {
        let waited = self.wanted_before().map(|at| Duration::from_millis(wall.since(at).0));
        held_until(limit, now, self.held.unwrap_or(now), waited)
    }

    pub fn perhaps_typed(&self) -> bool {
        self.errand.is_begun() && !self.untyped
    }

    pub fn expectation<'a>(&'a self, claim: &'a Token) -> Expectation<'a> {
        let (command, screen, questions) = match &self.errand.intent().effect {
            Effect::Send(send) => (&send.expect_command, send.expect_screen.as_deref(), Questions::Answered),
            Effect::Prompt(prompt) if self.recognised => (&prompt.expect_command, None, Questions::Answered),
            Effect::Prompt(prompt) => (&prompt.expect_command, None, Questions::Respected),
            Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => {
                (&None, None, Questions::Respected)
            }
        };
        Expectation {
            pane: &self.pane,
            claim,
            command: command.as_deref(),
            screen,
            questions,
            still: self.still.as_ref(),
        }
    }

    /// An agent reads: letters typed in one go with an Enter may be taken for a paste that goes on.
    pub fn for_agent(&mut self) {
        if let [KeyStep::Text(text), KeyStep::Key(key)] = self.steps()
            && key == "Enter"
        {
            self.as_prompt = Some(text.clone());
        }
    }

    pub fn input(&self) -> Input<'_> {
        if let Some(text) = &self.as_prompt {
            return Input::Prompt(text);
        }
        match &self.errand.intent().effect {
            Effect::Send(send) => Input::Keys(&send.steps),
            Effect::Prompt(prompt) => Input::Prompt(&prompt.text),
            Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => Input::Keys(&[]),
        }
    }

    /// The text that the terminal will echo, Enter as a line break.
    pub fn echo(&self) -> String {
        match self.input() {
            Input::Prompt(text) => format!("{text}\n"),
            Input::Keys(steps) => steps.iter().fold(String::new(), |mut out, step| {
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

    /// Tells the pane's reader which echo comes.
    pub fn is_expected_by(&mut self, reader: &mut Reader) {
        let echo = self.echo();
        if self.errand.intent().unseen {
            reader.typed_unseen(&echo);
        } else {
            reader.typed(&echo);
        }
        self.expected = true;
    }

    /// The outcome when the server refused the line that is under way: what came before it is all that is in doubt.
    pub fn refused(&self, reason: SkipReason, error: &str) -> Outcome {
        if self.before { Outcome::Unknown { error: error.to_owned() } } else { Outcome::Skipped { reason } }
    }

    /// The outcome when the pane can't be reached any more, for good.
    pub fn lost(&self, reason: SkipReason, error: &str) -> Outcome {
        if self.perhaps_typed() { Outcome::Unknown { error: error.to_owned() } } else { Outcome::Skipped { reason } }
    }
}

/// How far the look before a send is.
#[derive(Debug, Default)]
pub(super) enum Checked {
    #[default]
    No,
    Asked,
    /// It fits; what must still be so at the instant of typing.
    Fits(Option<Still>),
}

/// A send waits for its reader.
#[derive(Debug)]
pub(super) struct Waits {
    pub next: Instant,
}

impl Lane {
    /// Looks again after a while.
    pub fn pause(&mut self, now: Instant, pause: Duration) {
        self.start_over();
        let next = if self.overtake() { now } else { now + pause };
        if let Some(send) = self.waiting.front_mut() {
            send.held.get_or_insert(now);
        }
        self.waits = Some(Waits { next });
    }

    /// When the reader is looked at again, where the lane waits for another one.
    pub fn looks_again(&self) -> Option<Instant> {
        self.waits.as_ref().map(|waits| waits.next)
    }
}

impl Sending {
    /// What it needs of the reader.
    pub fn needs(&self) -> &Needs {
        match &self.errand.intent().effect {
            Effect::Send(send) => &send.needs,
            Effect::Prompt(prompt) => &prompt.needs,
            Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => &Needs::Nothing,
        }
    }

    pub fn steps(&self) -> &[KeyStep] {
        match &self.errand.intent().effect {
            Effect::Send(send) => &send.steps,
            Effect::Prompt(_) | Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => &[],
        }
    }

    /// The shells that its text is quoted for.
    fn shells(&self) -> &[Shell] {
        match &self.errand.intent().effect {
            Effect::Send(send) => &send.shells,
            Effect::Prompt(_) | Effect::Answer(_) | Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => &[],
        }
    }

    /// How long it waits for its reader.
    pub fn hold(&self) -> Option<Millis> {
        self.errand.intent().hold
    }

    /// Whether the time limit of its stage is over: it is taken back soon, or asked about.
    pub fn is_over(&self, wall: Timestamp) -> bool {
        self.errand.intent().until.is_some_and(|until| until <= wall)
    }

    /// Keys that only interrupt need no look, unless they are for a certain program.
    pub fn interrupts(&self) -> bool {
        !matches!(self.needs(), Needs::Named { .. } | Needs::Command { .. } | Needs::Dialog { .. })
            && !self.steps().is_empty()
            && interrupts(self.steps())
    }

    /// It is for nothing but the very row that began its stage.
    pub fn answers_row(&self) -> bool {
        matches!(self.needs(), Needs::Front { basis: Some(basis) } if basis.answers.is_some() && basis.seen.is_none())
    }

    /// It is the answer to a dialog.
    pub fn answers_dialog(&self) -> bool {
        matches!(self.needs(), Needs::Dialog { .. })
    }

    /// A person sent it by hand, insisting or not, or it answers a dialog: it is typed now or not at all.
    pub fn is_at_once(&self) -> bool {
        self.answers_dialog() || self.is_by_hand()
    }

    /// A person sent it by hand, insisting or not: later somebody else may read.
    pub fn is_by_hand(&self) -> bool {
        matches!(self.needs(), Needs::Hand | Needs::Nothing)
    }

    pub fn fits(&mut self, reader: &PaneReader) -> Fit {
        let mut basis = self.basis.take();
        let fit = quoted_for(self.shells(), reader, || fits(self.needs(), self.steps(), reader, &mut basis));
        self.basis = basis;
        fit
    }
}

/// The end of a wait that began in this life at `here`. What was waited in all counts, also in earlier lives; but each life
/// needs some time of its own to know who reads.
fn held_until(limit: Duration, now: Instant, here: Instant, waited: Option<Duration>) -> Instant {
    let since = waited.and_then(|waited| now.checked_sub(waited)).unwrap_or(here);
    (since.min(here) + limit).max(here + limit.min(KNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_life_waited_counts() {
        let (minute, seconds) = (Duration::from_secs(60), Duration::from_secs);
        let here = Instant::now() + seconds(1000);
        let left = |limit, waited| held_until(limit, here, here, waited) - here;
        assert_eq!(left(minute, None), minute);
        assert_eq!(left(minute, Some(seconds(40))), seconds(20));
        assert_eq!(left(minute, Some(seconds(500))), KNOWN, "it must know who reads");
        assert_eq!(left(seconds(3), Some(seconds(500))), seconds(3));
    }
}
