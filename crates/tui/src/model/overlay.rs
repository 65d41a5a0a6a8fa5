//! What may be open over the panels.

use super::StageRef;
use crate::editor::Editor;
use tmuxagent_model::{Approval, ApprovalId, Command, EventLine, InputView, IntentId, KeyStep, PaneKey, Verdict};
use tmuxagent_text::Text;

/// Something open over the panels.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// Text to read.
    Page {
        /// Which text.
        page: Page,
        /// Rows scrolled down.
        scroll: u16,
    },
    /// What the freeze holds back.
    Held {
        /// The one under the cursor.
        selected: Option<IntentId>,
    },
    /// A choice of what to start.
    Pick(Pick),
    /// A question that needs a yes.
    Confirm(Box<Confirm>),
    /// An input line.
    Input(Input),
    /// Why no input line opened. It takes what is typed as one would, since whoever pressed the key of a line goes on to type.
    Notice(String),
}

impl Overlay {
    /// The question that a dialog decides, as it was seen when the dialog opened.
    #[must_use]
    pub fn decides(&self) -> Option<&Approval> {
        match self {
            Self::Confirm(confirm) => confirm.decides(),
            Self::Input(input) => input.kind.decides(),
            Self::Page { .. } | Self::Held { .. } | Self::Pick(_) | Self::Notice(_) => None,
        }
    }
}

/// A text to read.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// The keys.
    Help,
    /// An approval, whole.
    Approval(ApprovalId),
    /// A pane's facts.
    Pane(PaneKey),
    /// A run or stage.
    Stage(StageRef),
    /// The events; older ones once they are there.
    Events {
        /// What the supervisor's journal gave, oldest first.
        history: Vec<EventLine>,
    },
    /// The policy's principles.
    Principles,
    /// What fails now.
    Problems,
    /// Hosts and counts.
    About,
    /// Why a stage is in its state.
    Explain {
        /// Which one.
        stage: StageRef,
        /// The answer so far.
        explanation: Explanation,
    },
}

impl Page {
    /// Whether it is about a pane, to which one can go from it.
    #[must_use]
    pub const fn is_about_pane(&self) -> bool {
        match self {
            Self::Approval(_) | Self::Pane(_) | Self::Stage(_) | Self::Explain { .. } => true,
            Self::Help | Self::Events { .. } | Self::Principles | Self::Problems | Self::About => false,
        }
    }
}

/// The answer to "why".
#[derive(Debug, Clone, PartialEq)]
pub enum Explanation {
    /// Asked.
    Loading,
    /// Answered.
    Runs(Vec<serde_json::Value>),
    /// Refused, with the reason.
    Failed(String),
}

/// A choice of pipelines and stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// Where to start.
    pub pane: PaneKey,
    /// The pane's name for people.
    pub place: String,
    /// What can be started.
    pub items: Vec<PickItem>,
    /// The one under the cursor.
    pub cursor: usize,
}

/// Something that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickItem {
    /// The pipeline.
    pub pipeline: String,
    /// The stage; `None` starts with the first.
    pub stage: Option<String>,
}

/// A start whose inputs are being given, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starting {
    /// Where.
    pub pane: PaneKey,
    /// The pane's name for people.
    pub place: String,
    /// What.
    pub item: PickItem,
    /// What it asks for.
    pub inputs: Vec<InputView>,
    /// What was given so far, in that order.
    pub given: Vec<String>,
}

impl Starting {
    /// The input that is asked for now.
    #[must_use]
    pub fn asks_for(&self) -> Option<&InputView> {
        self.inputs.get(self.given.len())
    }
}

/// A question that needs a yes.
#[derive(Debug, Clone, PartialEq)]
pub enum Confirm {
    /// A decision. What is decided is this approval as the user saw it, never another one.
    Decide {
        /// As it was when the question opened.
        approval: Box<Approval>,
        /// Yes or no, and the answer once chosen.
        verdict: Verdict,
    },
    /// That a yes is taken back, as long as it is not done.
    TakeBack {
        /// As it was when the question opened.
        approval: Box<Approval>,
    },
    /// A command.
    Command {
        /// The question.
        question: Text,
        /// What it is about, and exactly what happens, one line each, sanitised.
        lines: Vec<String>,
        /// It.
        command: Command,
    },
    /// Leaving although stages run.
    Quit,
}

impl Confirm {
    /// The question that it decides, as it was seen.
    #[must_use]
    pub fn decides(&self) -> Option<&Approval> {
        match self {
            Self::Decide { approval, .. } | Self::TakeBack { approval } => Some(approval.as_ref()),
            Self::Command { .. } | Self::Quit => None,
        }
    }
}

/// An input line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What it is for.
    pub kind: InputKind,
    /// The text.
    pub editor: Editor,
}

/// What an input line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// The filter.
    Filter {
        /// What it was, for Escape.
        before: String,
    },
    /// Something to type into a pane.
    Send {
        /// Where.
        pane: PaneKey,
        /// The pane's name for people.
        place: String,
        /// Text or names of keys.
        mode: SendMode,
        /// Whether Enter follows a text.
        enter: EnterAfter,
    },
    /// An answer to a question.
    Answer {
        /// The approval as it was seen.
        approval: Box<Approval>,
    },
    /// The word that a yes takes.
    Word {
        /// The approval as it was seen.
        approval: Box<Approval>,
    },
    /// How long the lease holds that is given with a yes.
    Lease {
        /// The approval as it was seen.
        approval: Box<Approval>,
    },
    /// A value that a pipeline asks for at its start.
    Given(Box<Starting>),
}

impl InputKind {
    /// The question that it decides, as it was seen.
    #[must_use]
    pub fn decides(&self) -> Option<&Approval> {
        match self {
            Self::Answer { approval } | Self::Word { approval } | Self::Lease { approval } => Some(approval.as_ref()),
            Self::Filter { .. } | Self::Send { .. } | Self::Given(_) => None,
        }
    }
}

/// How an input line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendMode {
    /// Literally.
    Text,
    /// As names of keys, separated by blanks.
    Keys,
}

/// Whether Enter is pressed after a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnterAfter {
    /// Yes.
    Press,
    /// No.
    Leave,
}

/// What an input line types: texts and keys, in order.
///
/// # Errors
/// With the word that is no key's name, in [`SendMode::Keys`].
pub fn written_steps(text: &str, mode: SendMode, enter: EnterAfter) -> Result<Vec<KeyStep>, String> {
    match mode {
        SendMode::Keys => text
            .split_whitespace()
            .map(|word| tmux_key(word).map(KeyStep::Key).ok_or_else(|| word.to_owned()))
            .collect(),
        SendMode::Text => {
            let mut steps = Vec::new();
            for (n, line) in text.split('\n').enumerate() {
                if n > 0 {
                    steps.push(KeyStep::Key("Enter".to_owned()));
                }
                for (n, part) in line.split('\t').enumerate() {
                    if n > 0 {
                        steps.push(KeyStep::Key("Tab".to_owned()));
                    }
                    if !part.is_empty() {
                        steps.push(KeyStep::Text(part.to_owned()));
                    }
                }
            }
            if enter == EnterAfter::Press {
                steps.push(KeyStep::Key("Enter".to_owned()));
            }
            Ok(steps)
        }
    }
}

/// The key's name as tmux writes it (man page, KEY BINDINGS), where it is one.
fn tmux_key(word: &str) -> Option<String> {
    const NAMED: [&str; 24] = [
        "Up",
        "Down",
        "Left",
        "Right",
        "BSpace",
        "BTab",
        "DC",
        "End",
        "Enter",
        "Escape",
        "Home",
        "IC",
        "NPage",
        "PageDown",
        "PgDn",
        "PPage",
        "PageUp",
        "PgUp",
        "Space",
        "Tab",
        "Delete",
        "Insert",
        "Backspace",
        "Esc",
    ];
    let mut rest = word;
    let mut prefix = String::new();
    while let Some((head, tail)) = rest.split_once('-').filter(|(_, tail)| !tail.is_empty()) {
        prefix.push_str(match head {
            "C" | "c" | "Ctrl" | "ctrl" => "C-",
            "M" | "m" | "Alt" | "alt" => "M-",
            "S" | "s" | "Shift" | "shift" => "S-",
            _ => return None,
        });
        rest = tail;
    }
    let mut chars = rest.chars();
    let key = match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_control() => c.to_string(),
        _ => match NAMED.iter().find(|name| name.eq_ignore_ascii_case(rest)) {
            Some(&"Delete") => "DC".to_owned(),
            Some(&"Insert") => "IC".to_owned(),
            Some(&"Backspace") => "BSpace".to_owned(),
            Some(&"Esc") => "Escape".to_owned(),
            Some(name) => (*name).to_owned(),
            None => {
                let number = rest.strip_prefix(['F', 'f'])?.parse::<u8>().ok()?;
                (1..=12).contains(&number).then(|| format!("F{number}"))?
            }
        },
    };
    Some(prefix + &key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str, mode: SendMode, enter: EnterAfter) -> String {
        let show = |step: &KeyStep| match step {
            KeyStep::Text(text) => format!("{text:?}"),
            KeyStep::Key(key) => key.clone(),
        };
        match written_steps(text, mode, enter) {
            Ok(steps) => steps.iter().map(show).collect::<Vec<_>>().join(" "),
            Err(word) => format!("error: {word}"),
        }
    }

    #[test]
    fn a_line_says_what_is_typed() {
        for (text, mode, enter, expect) in [
            ("npm test", SendMode::Text, EnterAfter::Press, "\"npm test\" Enter"),
            ("y", SendMode::Text, EnterAfter::Leave, "\"y\""),
            ("", SendMode::Text, EnterAfter::Press, "Enter"),
            ("一行\n二\t列", SendMode::Text, EnterAfter::Press, "\"一行\" Enter \"二\" Tab \"列\" Enter"),
            ("C-c Escape f5 ctrl-x S-Up", SendMode::Keys, EnterAfter::Press, "C-c Escape F5 C-x S-Up"),
            ("enter PGUP esc delete M-中 -", SendMode::Keys, EnterAfter::Press, "Enter PgUp Escape DC M-中 -"),
            ("C-c Entr", SendMode::Keys, EnterAfter::Press, "error: Entr"),
            ("F13", SendMode::Keys, EnterAfter::Press, "error: F13"),
        ] {
            assert_eq!(steps(text, mode, enter), expect, "{text}");
        }
    }
}
