//! Whether the reader of a pane is the one that an action is for.

use super::audience::is_question;
use std::time::Duration;
use tmuxagent_model::{Basis, Front, KeyStep, Millis, Needs, PaneReader, Reads, Shell, SkipReason};
use tmuxagent_policy::names_program;

/// How long a send waits for its reader, where nobody says otherwise.
const LIMIT: Duration = Duration::from_secs(60);
/// How long it waits where somebody is asked something: nothing but an answer ends that.
const QUESTION: Duration = Duration::from_secs(3);

/// How long it waits for an agent that works or asks, where its author names no time: that takes as long as it takes, and is
/// shown.
const AGENT: Duration = Duration::from_secs(24 * 3600);

/// What a reader is for an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    Fits,
    /// It may become the right one.
    NotYet,
    /// It will not.
    Never(SkipReason),
}

/// How long a send waits for such a reader to end; `hold` is what its author allows.
pub(super) fn limit(reader: &PaneReader, hold: Option<Millis>) -> Duration {
    let named = hold.map(|hold| Duration::from_millis(hold.0));
    let hold = named.unwrap_or(LIMIT);
    match reader.reads {
        // It will read.
        Reads::Line | Reads::Key if reader.waits_itself => hold,
        Reads::Password | Reads::Line | Reads::Key | Reads::Unknown => QUESTION.min(hold),
        Reads::Shell
        | Reads::Draft
        | Reads::Command
        | Reads::Screen
        | Reads::Agent
        | Reads::Nested
        | Reads::Mode
        | Reads::Dead => hold,
        Reads::AgentWorks | Reads::AgentAsks => named.unwrap_or(AGENT),
    }
}

/// Why a send that waited ends.
pub(super) fn not_read(reader: PaneReader) -> SkipReason {
    match reader.reads {
        Reads::Mode => SkipReason::InMode,
        Reads::Dead => SkipReason::Dead,
        _ => SkipReason::Reader(Box::new(reader)),
    }
}

/// Whether the row that began the stage asked something: then no shell behind the program that asked is who is answered.
fn asked(known: &Basis) -> bool {
    known.unended || known.answers.as_deref().is_some_and(|row| row.contains(['?', '？']) && is_question(row.trim()))
}

/// Whether keys do nothing but interrupt: they submit and answer nothing.
pub(super) fn interrupts(steps: &[KeyStep]) -> bool {
    let stops = |key: &str| matches!(key, "C-c" | "C-z" | "C-\\" | "Escape");
    steps.iter().all(|step| matches!(step, KeyStep::Key(key) if stops(key)))
}

/// Whether a reader is the one that is needed. `basis` is the program that was in front when the send came to its turn, where
/// nobody knew who it is for.
pub(super) fn fits(needs: &Needs, steps: &[KeyStep], reader: &PaneReader, basis: &mut Option<Front>) -> Fit {
    let types = steps.iter().any(|step| matches!(step, KeyStep::Text(_)));
    let stops = !steps.is_empty() && interrupts(steps);
    // The guard says these in its own words where nothing is needed, and they end by themselves.
    if matches!(reader.reads, Reads::Mode) && !needs.is_nothing() {
        return Fit::NotYet;
    }
    if reader.reads == Reads::Dead {
        return Fit::Fits;
    }
    match needs {
        Needs::Nothing => Fit::Fits,
        Needs::Shell => if_so(reader.reads == Reads::Shell),
        Needs::Front { .. } if stops => Fit::Fits,
        // It has ended, and does not come back.
        Needs::Front { basis: Some(known) }
            if !known.shell
                && reader.reads == Reads::Shell
                && (asked(known) || known.front.pid != 0 && !known.gives_way(reader.since)) =>
        {
            Fit::Never(SkipReason::Reader(Box::new(reader.clone())))
        }
        Needs::Front { basis: known } => {
            let same = match (known, &*basis, &reader.front) {
                (Some(known), _, _) => {
                    let ended = reader.reads == Reads::Shell && known.gives_way(reader.since);
                    known.front.pid == 0 || is_of(Some(&known.front), reader) || ended
                }
                (None, Some(basis), Some(front)) => basis.is(front),
                (None, None, front) => {
                    basis.clone_from(front);
                    true
                }
                (None, Some(_), None) => false,
            };
            let agent = matches!(reader.reads, Reads::AgentWorks | Reads::AgentAsks);
            let reads = !agent && !matches!(reader.reads, Reads::Draft | Reads::Password | Reads::Unknown);
            // What a shell asks by itself is none of ours: its prompt is.
            let own = reader.shell && reader.reads != Reads::Shell;
            // At a shell's prompt that command has ended.
            let prompt = reader.reads == Reads::Shell;
            let answers = prompt || known.as_ref().is_none_or(|known| known.may_answer(reader));
            if_so(same && reads && !own && answers)
        }
        // Whoever else waits for a line has to be named: to python a prompt is a program.
        Needs::Composer => if_so(reader.reads == Reads::Agent),
        Needs::Named { programs, composer, basis } => {
            let named = names_program(programs, reader.name());
            let reads = match reader.reads {
                Reads::Draft | Reads::Password => stops,
                Reads::Unknown => false,
                Reads::Agent | Reads::Line | Reads::Key => true,
                // It may be on its way up, and throw away what was typed ahead.
                Reads::Command => !composer && !types,
                _ => !composer,
            };
            // Who names a shell means its prompt, not whatever a script of that shell asks.
            let script = reader.reads != Reads::Shell && Shell::from_command(reader.name()).is_some();
            let meant = !script || stops || programs.iter().any(|name| name == "*");
            let asked = || basis.as_ref().is_some_and(|basis| basis.may_answer(reader));
            if_so(named && reads && (meant || asked()))
        }
        Needs::Command { front } if !is_of(front.as_ref(), reader) => {
            Fit::Never(SkipReason::Reader(Box::new(reader.clone())))
        }
        Needs::Command { .. } => match reader.reads {
            Reads::Command | Reads::Line | Reads::Key => Fit::Fits,
            _ => Fit::Never(SkipReason::Reader(Box::new(reader.clone()))),
        },
        Needs::Asker { front, question } => asker(front.as_ref(), question.as_deref(), reader),
        Needs::Dialog { fingerprint, front } => dialog(fingerprint, front.as_ref(), reader),
        Needs::Hand if stops => Fit::Fits,
        Needs::Hand => match reader.reads {
            Reads::Shell | Reads::Agent => Fit::Fits,
            Reads::Line | Reads::Key | Reads::Screen | Reads::Command if !types => Fit::Fits,
            _ => Fit::Never(SkipReason::Reader(Box::new(reader.clone()))),
        },
    }
}

/// A text whose values are quoted for certain shells is for no other one. Where a shell runs something that reads nothing, it
/// can't be told which shell will read what is typed now.
pub(super) fn quoted_for(shells: &[Shell], reader: &PaneReader, fits: impl FnOnce() -> Fit) -> Fit {
    let Some(shell) = Shell::from_command(reader.name()).filter(|_| !shells.is_empty()) else { return fits() };
    if reader.reads == Reads::Command {
        return Fit::NotYet;
    }
    match fits() {
        Fit::Fits if reader.reads == Reads::Shell && !shells.contains(&shell) => {
            Fit::Never(SkipReason::OtherShell(reader.name().to_owned()))
        }
        fit => fit,
    }
}

const fn if_so(so: bool) -> Fit {
    if so { Fit::Fits } else { Fit::NotYet }
}

/// Whether a certain program is in front; any, where none is known.
fn is_of(known: Option<&Front>, reader: &PaneReader) -> bool {
    known.is_none_or(|known| reader.front.as_ref().is_some_and(|front| known.is(front)))
}

/// An answer goes to the program that asked, and never to a shell.
fn asker(asked: Option<&Front>, question: Option<&str>, reader: &PaneReader) -> Fit {
    match reader.reads {
        Reads::Unknown => Fit::NotYet,
        _ if !is_of(asked, reader) => Fit::Never(SkipReason::Asker(Box::new(reader.clone()))),
        _ if question.is_none() && reader.answered => Fit::Never(SkipReason::Asker(Box::new(reader.clone()))),
        // It was answered in the pane, or somebody has begun to.
        _ if question.is_some() && question != reader.question.as_deref() => {
            Fit::Never(SkipReason::Asker(Box::new(reader.clone())))
        }
        Reads::Line | Reads::Key | Reads::Agent | Reads::Screen | Reads::Command => Fit::Fits,
        Reads::Draft if asked.is_some() => Fit::NotYet,
        Reads::AgentWorks | Reads::AgentAsks => Fit::NotYet,
        _ => Fit::Never(SkipReason::Asker(Box::new(reader.clone()))),
    }
}

/// The key of an answer goes to the very dialog that was read, as long as it is shown.
fn dialog(fingerprint: &str, asked: Option<&Front>, reader: &PaneReader) -> Fit {
    match reader.reads {
        _ if !is_of(asked, reader) => Fit::Never(SkipReason::Asker(Box::new(reader.clone()))),
        Reads::AgentAsks if reader.dialog.as_deref() == Some(fingerprint) => Fit::Fits,
        // It may be half drawn.
        Reads::AgentAsks if reader.dialog.is_none() => Fit::NotYet,
        Reads::Unknown => Fit::NotYet,
        _ => Fit::Never(SkipReason::Asker(Box::new(reader.clone()))),
    }
}

#[cfg(test)]
mod tests;
