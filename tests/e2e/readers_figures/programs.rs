//! Keys that are for a program: those of a policy that names it or means the one in front, prompts, and answers.
//!
//! The program is a stand-in (`stand` in [`super::prepare`]), which becomes something else when it is told to: another question,
//! an agent that works or asks, or nothing at all.

use super::lane::{Lane, Sent};
use super::matrix::{READERS, Reader, Start};
use super::tally::{End, Expected, Seen};
use super::{AT, INSTANT};
use crate::readers::exists;
use crate::support::{PATIENCE, wait_or_tell};
use rustix::process::{Pid, Signal, kill_process_group};
use std::time::{Duration, Instant};
use tmuxagent_model::{Basis, Effect, Front, KeyStep, Needs, Outcome, PaneReader, Prompt, Reads, SendKeys, SkipReason};

/// How long such keys wait, where nobody says otherwise: what they are for may be gone.
const HOLD: Duration = Duration::from_millis(1500);

/// Something that is typed for a program.
pub struct Kind {
    /// What the rows name it.
    pub name: &'static str,
    /// What the program shows that it is for.
    shows: &'static str,
    /// What it may be next.
    thens: &'static [&'static str],
    /// What else may be there from the beginning.
    wrongs: &'static [&'static str],
    /// Whose name it has.
    program: &'static str,
    /// Others of the matrix take the terminal too; none of them is one that it is for.
    others: bool,
    needs: fn(&PaneReader) -> Option<Needs>,
    /// It is given as a prompt; else as keys.
    prompt: bool,
}

const AGENT: &[&str] = &["working_command", "approve_command", "end"];

pub const KINDS: &[Kind] = &[
    Kind {
        name: "keys named",
        shows: "work",
        thens: &["end"],
        wrongs: &[],
        program: "worker",
        others: true,
        needs: |_| Some(Needs::Named { programs: vec!["worker".to_owned()], composer: false, basis: None }),
        prompt: false,
    },
    Kind {
        name: "keys in front",
        shows: "work",
        thens: &["end"],
        wrongs: &["work"],
        program: "worker",
        others: true,
        needs: |reader| {
            let front = reader.front.clone()?;
            Some(Needs::Front { basis: Some(Basis { front, ..Basis::default() }) })
        },
        prompt: false,
    },
    Kind {
        name: "prompt",
        shows: "idle_start",
        thens: AGENT,
        wrongs: &["working_command", "approve_command"],
        program: "codex",
        others: false,
        needs: |_| Some(Needs::Composer),
        prompt: true,
    },
    Kind {
        name: "prompt named",
        shows: "idle_start",
        thens: AGENT,
        wrongs: &["working_command", "approve_command"],
        program: "codex",
        others: true,
        needs: |_| Some(Needs::Named { programs: vec!["codex".to_owned()], composer: true, basis: None }),
        prompt: true,
    },
    Kind {
        name: "answer",
        shows: "ask",
        thens: &["more", "end"],
        wrongs: &["ask"],
        program: "worker",
        others: true,
        needs: |reader| {
            let (front, question) = (reader.front.clone(), reader.question.clone()?);
            Some(Needs::Asker { front, question: Some(question) })
        },
        prompt: false,
    },
    Kind {
        name: "dialog",
        shows: "approve_command",
        thens: &["approve_edit", "idle_start", "end"],
        wrongs: &["approve_edit", "idle_start"],
        program: "codex",
        others: true,
        needs: |reader| {
            let (front, fingerprint) = (reader.front.clone(), reader.dialog.clone()?);
            Some(Needs::Dialog { fingerprint, front })
        },
        prompt: false,
    },
];

/// What happens to the program.
#[derive(Clone, Copy)]
enum Change {
    Still,
    /// It becomes something else.
    Then(&'static str),
    /// Somebody presses C-c.
    Break,
    /// Somebody presses C-c and starts another reader.
    Other(&'static Reader),
    /// Somebody presses C-c and starts it again: the same name, another life.
    Anew,
    /// It comes only now.
    Late,
    /// Another reader was there before.
    There(&'static Reader),
    /// So was one that looks much the same, or the very program in another state.
    Wrong(&'static str),
}

impl Change {
    fn name(self) -> String {
        match self {
            Self::Still => "still".to_owned(),
            Self::Then(then) => format!("→ {then}"),
            Self::Break => "C-c".to_owned(),
            Self::Other(reader) => format!("C-c, {}", reader.name),
            Self::Anew => "C-c, the same anew".to_owned(),
            Self::Late => "comes".to_owned(),
            Self::There(reader) => format!("at {}", reader.name),
            Self::Wrong(wrong) => format!("at {wrong}"),
        }
    }

    /// What is typed before it is lost with its reader.
    const fn loses(self) -> bool {
        matches!(self, Self::Break | Self::Other(_) | Self::Anew)
    }

    const fn expected(self) -> Expected {
        match self {
            Self::Still | Self::Late => Expected::Typed,
            Self::There(_) | Self::Wrong(_) => Expected::Asked,
            Self::Then(_) | Self::Break | Self::Other(_) | Self::Anew => Expected::Either,
        }
    }
}

/// The readers of the matrix that a shell understands, begin with a line and stay; agents are the kinds' own.
fn others(shell: &str) -> Vec<&'static Reader> {
    let fits = |reader: &&Reader| {
        reader.shells.contains(&shell)
            && (reader.needs.is_empty() || exists(reader.needs))
            && matches!(reader.start, Start::Line(_))
            && !matches!(reader.name, "agent" | "dialog" | "sleep" | "ssh" | "ssh key" | "tmux")
    };
    READERS.iter().filter(fits).collect()
}

impl Kind {
    fn line(&self, shows: &str, then: &str, to: &str) -> String {
        format!("./{} stand {shows} {then} {to}", self.program)
    }

    fn change(&self, lane: &mut Lane) -> Change {
        let others = others(lane.shell.like);
        let other = others[lane.numbers.index(others.len())];
        let comes = matches!(self.name, "keys named" | "prompt" | "prompt named");
        match lane.numbers.below(10) {
            0 | 1 => Change::Still,
            2 if comes => Change::Late,
            3 if !self.wrongs.is_empty() => Change::Wrong(self.wrongs[lane.numbers.index(self.wrongs.len())]),
            2..=4 if self.others => Change::There(other),
            5 => Change::Break,
            6 if self.others => Change::Other(other),
            7 if matches!(self.name, "keys in front" | "answer") => Change::Anew,
            _ => Change::Then(self.thens[lane.numbers.index(self.thens.len())]),
        }
    }

    /// Whether a reader is the program that it is for, waiting for it.
    fn is_for(&self, reader: &PaneReader) -> bool {
        let wanted = match self.name {
            "prompt" | "prompt named" => reader.reads == Reads::Agent,
            "dialog" => reader.reads == Reads::AgentAsks,
            _ => reader.reads == Reads::Line,
        };
        let whole = self.name != "dialog" || reader.dialog.is_some();
        wanted && whole && reader.name() == self.program
    }

    fn effect(&self, lane: &Lane, text: &str, needs: Needs) -> Effect {
        let (pane, expect_command) = (lane.pane.clone(), None);
        if self.prompt {
            return Effect::Prompt(Prompt { pane, text: text.to_owned(), expect_command, needs });
        }
        let text = KeyStep::Text(text.to_owned());
        let enter = (self.name != "dialog").then(|| KeyStep::Key("Enter".to_owned()));
        let steps = [text].into_iter().chain(enter).collect();
        Effect::Send(SendKeys { pane, steps, expect_command, expect_screen: None, needs, shells: Vec::new() })
    }

    /// One send. Gives what was seen, what changed, and which reader of the matrix is left.
    pub fn round(&self, lane: &mut Lane, send: u32) -> (Seen, String, Option<&'static Reader>) {
        let change = self.change(lane);
        let text = if self.name == "dialog" { "y".to_owned() } else { format!("touch ran-{send}") };
        let first = Duration::from_millis(lane.numbers.below(600));
        // What was seen of the round before is not taken for this one's.
        lane.wait_reads(|reader| reader.reads == Reads::Shell);
        let reader = self.begin(lane, change);
        let front = Front { pid: 1, born: 1, name: self.program.to_owned() };
        let gone = PaneReader {
            front: Some(front),
            question: Some("gone".to_owned()),
            dialog: Some("gone".to_owned()),
            ..PaneReader::default()
        };
        let needs = (self.needs)(reader.as_ref().unwrap_or(&gone)).expect("what it needs is known");
        let hold = if matches!(change, Change::Late) { Duration::from_secs(60) } else { HOLD };
        let effect = self.effect(lane, &text, needs);
        let happens = |lane: &Lane| self.happen(lane, change, reader.as_ref());
        let still = matches!(change, Change::Still | Change::There(_) | Change::Wrong(_));
        let sent = lane.send(send, effect, hold, (!still).then_some((first, &happens)));
        let (seen, fault) = self.judge(lane, change, (&text, first), &sent);
        if let Some(fault) = fault {
            let (what, hand, shell) = (change.name(), lane.hand(), lane.shell.name);
            let files = ["right", "got", "near"].map(|file| lane.seat().read(file));
            println!(
                "{send}: {fault}: {} {hand} {shell} {what} at {first:?}, send at 300ms: {sent:?} {files:?}\n{}",
                self.name,
                lane.server.screen("main")
            );
        }
        let left = match change {
            Change::Other(reader) | Change::There(reader) => Some(reader),
            _ => None,
        };
        (seen, change.name(), left)
    }

    /// Brings the pane to where the round begins; gives who reads then, where it is the program.
    fn begin(&self, lane: &Lane, change: Change) -> Option<PaneReader> {
        let then = if let Change::Then(then) = change { then } else { "end" };
        let line = match change {
            Change::Late => return None,
            Change::There(reader) => {
                lane.seat().start(reader.start);
                lane.wait_other();
                return None;
            }
            Change::Wrong(wrong) => {
                lane.seat().enter(&self.line(wrong, "end", "got"));
                lane.wait_reads(|reader| reader.name() == self.program && reader.reads != Reads::Command);
                return None;
            }
            _ => self.line(self.shows, then, "right"),
        };
        lane.seat().enter(&line);
        Some(self.wait_reader(lane))
    }

    /// Until the program is seen to wait for what it is for, and what it asks is told.
    fn wait_reader(&self, lane: &Lane) -> PaneReader {
        let reader = lane.wait_reads(|reader| self.is_for(reader));
        if self.name != "answer" {
            return reader;
        }
        let told = || lane.question(reader.front.as_ref());
        let question = wait_or_tell(PATIENCE * 2, told, || {
            format!("no question of {reader:?}: {:?}\n{}", lane.last_question(), lane.server.screen("main"))
        });
        PaneReader { question: Some(question), ..reader }
    }

    fn happen(&self, lane: &Lane, change: Change, reader: Option<&PaneReader>) {
        let seat = lane.seat();
        match change {
            Change::Still | Change::There(_) | Change::Wrong(_) => {}
            Change::Then(_) => {
                let front = reader.and_then(|reader| reader.front.as_ref()).map_or(0, |front| front.pid);
                if let Some(group) = i32::try_from(front).ok().and_then(Pid::from_raw) {
                    let _ = kill_process_group(group, Signal::TERM);
                }
            }
            Change::Break => seat.start(Start::Keys(&["C-c"])),
            Change::Other(reader) => seat.start_behind(&["C-c"], reader.start),
            Change::Anew => seat.enter_behind(&["C-c"], &self.line(self.shows, "end", "got")),
            Change::Late => seat.enter(&self.line(self.shows, "end", "right")),
        }
    }

    fn judge(
        &self,
        lane: &Lane,
        change: Change,
        (text, first): (&str, Duration),
        sent: &Sent,
    ) -> (Seen, Option<&'static str>) {
        let seat = lane.seat();
        let has = |file| seat.read(file).contains(text);
        let ran = || seat.file(text.trim_start_matches("touch ")).exists();
        let typed = sent.last == Outcome::Done;
        let until = Instant::now() + if change.loses() { Duration::from_millis(300) } else { super::RUNS };
        while typed && !has("right") && !has("near") && !has("got") && !ran() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        let (right, near) = (has("right"), has("near"));
        let unsure = matches!(sent.last, Outcome::Unknown { .. }) && self.prompt;
        // It was there and ended before it had read them, by itself or by a C-c that a script pushed in that very instant: tmux
        // does not count such keys as a person's, and shows nothing of them before the guard runs.
        let at = |first: Duration| first.abs_diff(AT) <= INSTANT;
        let ended = match change {
            Change::Then("end") if self.name == "dialog" => first + INSTANT > AT,
            Change::Then("end") => ran(),
            Change::Break | Change::Other(_) | Change::Anew => ran() && lane.hand() == "script" && at(first),
            _ => false,
        };
        let ended = typed && !right && ended;
        let fault = match &sent.last {
            _ if ended => None,
            _ if self.name != "dialog" && ran() => Some("the shell ran it"),
            _ if has("got") => Some("another reader got it"),
            Outcome::Done if !right && !near && !change.loses() => Some("typed, and nobody got it"),
            Outcome::Skipped { .. } if right || near || sent.shown => Some("told as not typed, and typed"),
            Outcome::Failed { .. } | Outcome::Unknown { .. } if !unsure => Some("not certain"),
            _ => None,
        };
        let waited = sent.awaited;
        let end = match &sent.last {
            Outcome::Done if sent.at_once.is_some() => End::Typed,
            Outcome::Done => End::Held,
            Outcome::Unknown { .. } => End::Unsure,
            Outcome::Skipped { reason: SkipReason::Reader(_) | SkipReason::Asker(_) } if !waited => End::Refused,
            Outcome::Skipped { .. } if sent.at_once.is_some() => End::Refused,
            _ => End::Asked,
        };
        let seen = Seen { end, expected: change.expected(), close: near || ended, wrong: fault.is_some() };
        let missed = seen.is_missed().then_some("otherwise than expected");
        (seen, fault.or(missed))
    }
}
