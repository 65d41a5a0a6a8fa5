//! Who reads the keys of a pane, and what an action needs of that reader before a key is typed.
//!
//! **Invariant:** what is said here rests on what the system tells (process groups, the terminal's modes, arguments, start
//! times) and on where the cursor stands; never on a title or on what a program printed about itself.

use super::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// A program in front of a terminal. Both numbers together are one life: numbers of processes are given again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Front {
    /// Its process, the first of the foreground group.
    pub pid: u32,
    /// When it began, as the system counts (clock ticks since the machine started); 0 where that is not known.
    pub born: u64,
    /// Its name, for people.
    pub name: String,
}

impl Front {
    /// Whether both are one life of one program.
    #[must_use]
    pub const fn is(&self, other: &Self) -> bool {
        self.pid == other.pid && self.born == other.born
    }
}

/// Who was in front of a pane when a stage began there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Basis {
    /// It.
    pub front: Front,
    /// When that was known.
    pub at: Timestamp,
    /// It is a shell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shell: bool,
    /// What began the stage was printed and led to keys at once: it may have been the last line of that program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub printed: bool,
    /// The row that began the stage had no end: it asked something. A shell behind that program is not who asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unended: bool,
    /// It was begun by another run: the keys are for nothing but this very row, which began their stage. `None` where they
    /// are for whatever it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// How many lines the pane had ended when that row asked ([`LineEvent::unended`](super::LineEvent::unended)): the same words
    /// further down, or behind an answer, are another question. 0 where the row itself has an end, or nobody can count any more
    /// since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The same where a person has let it go on: the keys are for what was asked when they were held back, or for nothing that
    /// is asked where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenByPerson>,
}

/// What the program in front asked when keys were held back and a person was asked about them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SeenByPerson {
    /// [`PaneReader::question`] of that instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

/// So late is it seen, at most, that a program has ended.
const LATE: Millis = Millis(1500);

impl Basis {
    /// Whether a shell that is in front since then is as good: what began the stage may be the last line of a program, which
    /// is seen in front for a moment longer.
    #[must_use]
    pub fn gives_way(&self, since: Timestamp) -> bool {
        self.printed && !self.unended && !self.shell && since <= self.at + LATE
    }

    /// Whether keys may go to whoever reads. Those that are for the command of another run go to the very row that began
    /// their stage and still stands there: what is typed ahead would answer whatever is asked next.
    #[must_use]
    pub fn may_answer(&self, reader: &PaneReader) -> bool {
        let since = reader.since <= self.at + LATE;
        let last = self.row.is_none_or(|row| reader.row <= row);
        let it = since && last && !reader.waits_itself;
        let is = |began: &str| reader.asks.as_deref().is_some_and(|asks| it && is_that_row(began, asks));
        let seen = |seen: &SeenByPerson| seen.question == reader.question;
        self.seen.as_ref().map_or_else(|| self.answers.as_deref().is_none_or(is), seen)
    }
}

/// Whether a row is the one that was read, which may have been drawn up to the answers that it names: `Go on? [y/N]`. What else
/// stands behind it may be another question.
fn is_that_row(began: &str, asks: &str) -> bool {
    let mut words = asks.split_whitespace();
    if !began.split_whitespace().all(|word| words.next() == Some(word)) {
        return false;
    }
    let rest = words.collect::<Vec<_>>().join(" ");
    let named = rest.trim_end_matches([':', '?', '>', ' ']);
    let inside =
        [('[', ']'), ('(', ')')].iter().find_map(|(open, close)| named.strip_prefix(*open)?.strip_suffix(*close));
    let whole = inside.is_some_and(|inside| !inside.contains(['[', ']', '(', ')', '?']));
    named.is_empty() || whole && !began.trim().is_empty()
}

/// What reads the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "reads", rename_all = "snake_case")]
pub enum Reads {
    /// A shell at an empty prompt.
    Shell,
    /// A shell, or another line editor, that holds something behind its prompt: a draft, an open quote, a search.
    Draft,
    /// A program that reads nothing now, as far as the terminal shows.
    Command,
    /// A program that waits for a line.
    Line,
    /// A program that takes single keys.
    Key,
    /// A program that waits for a line without showing it.
    Password,
    /// A program that owns the screen.
    Screen,
    /// An agent that waits for a prompt, as far as is known.
    Agent,
    /// An agent that works: a prompt would be put in its queue, or meet the question that it asks next.
    AgentWorks,
    /// An agent that asks something: keys would answer it.
    AgentAsks,
    /// A program behind which other programs read: `ssh`, `docker exec`, a nested tmux, a shell of another user.
    Nested,
    /// The pane is in copy mode or another mode, which takes the keys.
    Mode,
    /// Nobody: the pane's process has ended.
    Dead,
    /// That can't be told here.
    #[default]
    Unknown,
}

/// What a [`Reads::Draft`] is, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// Something that is not sent.
    #[default]
    Draft,
    /// Another field of an agent than its input line is open: a search.
    Field,
    /// The prompt of the shell is not known: what stands there may be it, or a draft.
    Prompt,
}

impl Holds {
    const fn is_draft(&self) -> bool {
        matches!(self, Self::Draft)
    }
}

/// Who reads the keys of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PaneReader {
    /// What it does.
    #[serde(flatten)]
    pub reads: Reads,
    /// Of a draft, which.
    #[serde(default, skip_serializing_if = "Holds::is_draft")]
    pub holds: Holds,
    /// The program in front, where the system tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<Front>,
    /// It is an interactive shell: what it reads otherwise than at its prompt, it asks itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shell: bool,
    /// What was seen, short: modes of the terminal, the cursor's column.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seen: String,
    /// Since when it is so.
    #[serde(default)]
    pub since: Timestamp,
    /// Which dialog of an agent: [`AgentQuestion::fingerprint`](super::AgentQuestion::fingerprint), where all of it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<String>,
    /// What it reads an answer to: a fingerprint of the row before the cursor and of its place. Another one as soon as somebody
    /// begins to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The row before the cursor, where a program reads; kept nowhere.
    #[serde(skip)]
    pub asks: Option<String>,
    /// How many lines its pane had ended by then. A question that was answered without a line of its own counts as one.
    #[serde(skip)]
    pub row: u64,
    /// The system tells that nobody of its group reads the terminal: it has asked something, and does something else yet.
    #[serde(skip)]
    pub waits_itself: bool,
    /// What its program has asked by a message was answered in the pane since.
    #[serde(skip)]
    pub answered: bool,
}

impl PaneReader {
    /// Passes every text through `clean`: the name of a program is anyone's to choose.
    pub fn clean_texts(&mut self, clean: impl Fn(&str) -> String) {
        if let Some(front) = &mut self.front {
            front.name = clean(&front.name);
        }
        self.seen = clean(&self.seen);
        self.asks = self.asks.as_deref().map(clean);
    }

    /// The name of the program in front; empty where nobody knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.front.as_ref().map_or("", |front| front.name.as_str())
    }

    /// Who reads the keys, as the rest of a sentence in English. `name` is the program's name made harmless.
    #[must_use]
    pub fn sentence(&self, name: &str) -> String {
        let name = if name.is_empty() { "a program".to_owned() } else { format!("`{name}`") };
        match self.reads {
            Reads::Shell => format!("{name} is at an empty prompt"),
            Reads::Draft => match self.holds {
                Holds::Draft => format!("something unsent stands behind the prompt of {name}"),
                Holds::Field => {
                    format!("another field of {name} than its input line is open, such as a search, and takes the keys")
                }
                Holds::Prompt => format!(
                    "the prompt of {name} is not known (an empty one?), so that what stands there may be unsent; \
                     `tmuxagent shell-init` makes it known, and `tmuxagent send --insist` types all the same"
                ),
            },
            Reads::Command => format!("{name} is running"),
            Reads::Line => format!("{name} waits for a line"),
            Reads::Key => format!("{name} takes single keys"),
            Reads::Password => format!("{name} waits for a password"),
            Reads::Screen => format!("{name} owns the screen"),
            Reads::Agent => format!("the agent {name} is in front"),
            Reads::AgentWorks => format!("the agent {name} works"),
            Reads::AgentAsks => format!("the agent {name} asks something"),
            Reads::Nested => format!("{name} is in front, and who reads behind it is not known"),
            Reads::Mode => "the pane is in copy mode".to_owned(),
            Reads::Dead => "the pane's process has ended".to_owned(),
            Reads::Unknown => "who reads the keys can't be told".to_owned(),
        }
    }

    /// Whether a program that is no shell stands at the prompt of a line editor of its own, as a REPL does. It asks nobody anything.
    #[must_use]
    pub fn is_at_line_prompt(&self) -> bool {
        self.reads == Reads::Line && !self.shell && self.seen.starts_with("-icanon")
    }

    /// Whether both are the same reader, whenever that began.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        (self.reads == other.reads && self.holds == other.holds)
            && self.front == other.front
            && self.dialog == other.dialog
    }
}

/// What an action needs of the reader.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "needs", rename_all = "snake_case")]
pub enum Needs {
    /// Nothing: a person insists, or an earlier version wrote it down.
    #[default]
    Nothing,
    /// A shell at an empty prompt.
    Shell,
    /// The program that was in front when the stage of the keys began, and where that is a shell, one at an empty prompt.
    Front {
        /// It. `None` where nobody could tell: the one that is in front when the keys come to their turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Basis>,
    },
    /// A known agent at its empty input line.
    Composer,
    /// The program that the author named, and where that is a shell, one at an empty prompt.
    Named {
        /// Names, globs or `/regular expressions/`; one of them fits the name of the program in front.
        programs: Vec<String>,
        /// A prompt is for it, so it must be an agent at its empty input line, or wait for a line.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        composer: bool,
        /// A shell of that name is meant at its prompt. What it asks otherwise, or a script that it runs, may be answered
        /// where this allows; where it is none, nothing is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Box<Basis>>,
    },
    /// The program that asked, and no shell. `None`: which one it was could not be told.
    Asker {
        /// It.
        front: Option<Front>,
        /// The [`PaneReader::question`] to which it was seen reading an answer, and must be reading one now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<String>,
    },
    /// The agent that shows this very dialog.
    Dialog {
        /// [`AgentQuestion::fingerprint`](super::AgentQuestion::fingerprint).
        fingerprint: String,
        /// Its process.
        front: Option<Front>,
    },
    /// A command that runs in front: no shell at its prompt, no program that owns the screen, no agent.
    Command {
        /// This very one, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        front: Option<Front>,
    },
    /// A person's own keys: a shell at an empty prompt, or a reader that they can't be mistaken for; else he is told who reads.
    Hand,
}

impl Needs {
    /// Whether it is the default, which is not written down.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// A send that waits for its reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// The effect's intent.
    pub intent: super::IntentId,
    /// Who reads instead.
    pub reader: PaneReader,
    /// Since when it waits.
    pub since: Timestamp,
}
