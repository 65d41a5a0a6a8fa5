//! The validated policy: what the engine works with. Built only by `validate`; carries no serde.

use super::agent::AgentWord;
use super::auto_answer::AutoAnswer;
use super::flow::{Concurrency, Elsewhere, Input, Loop, NamedPane, Needs, Parallel};
use super::guard::Guard;
use super::poll::PollTest;
use super::words::Words;
use regex::Regex;
use tmuxagent_model::{AlertKind, KeyStep, MessageType, Millis, OnApprove, Urgency};

/// A valid policy, all files merged.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// SHA-256 over its sources, hexadecimal.
    pub hash: String,
    /// Counts up with each load in one process; lines carry the generation they were matched with.
    pub generation: u64,
    /// Texts for people and agents.
    pub principles: Vec<String>,
    /// Its pipelines, in the order of the files.
    pub pipelines: Vec<Pipeline>,
    /// Rules that answer agents' dialogs, in the order of the files.
    pub auto_answers: Vec<AutoAnswer>,
    /// The words by which `looks_like` goes.
    pub words: Words,
    /// Every pattern of every `log_regex`, once; [`PatternId`] is the index.
    pub patterns: Vec<Pattern>,
}

/// The number of a pattern within one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatternId(pub u32);

/// One regular expression of the policy.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The text of the author, placeholders unfilled.
    pub source: String,
    /// What people know it by, where it is made of words (`looks_like`).
    pub called: Option<String>,
    /// Compiled, with Unicode word boundaries turned into ASCII ones (they are a hundred times slower on Chinese text).
    pub regex: Regex,
}

/// A text or a test of a text in a `match`.
#[derive(Debug, Clone)]
pub enum TextTest {
    /// Equal to the text.
    Exact(String),
    /// Glob with `*` and `?`, whole text.
    Glob(Regex),
    /// `/regex/`: it holds where the expression is found anywhere in the text.
    Regex(Regex),
}

/// Which panes a pipeline applies to.
#[derive(Debug, Clone)]
pub enum Selector {
    /// One of them holds; with none inside: never.
    Any(Vec<Selector>),
    /// All of them hold; with none inside: always.
    All(Vec<Selector>),
    /// It does not hold.
    Not(Box<Selector>),
    /// The machine's name.
    Host(TextTest),
    /// The session's name.
    Session(TextTest),
    /// The window's name.
    Window(TextTest),
    /// The pane's title.
    Title(TextTest),
    /// The pane option `@tmuxagent_role`.
    Role(TextTest),
    /// The program in the foreground.
    Command(TextTest),
    /// The current folder.
    Path(TextTest),
    /// The recognised agent.
    Agent(TextTest),
}

/// Values that stand in for missing keys of stages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defaults {
    /// A stage's time limit.
    pub timeout: Option<Millis>,
    /// The pause before a retry.
    pub backoff: Option<Backoff>,
    /// The time between triggers.
    pub cooldown: Option<Millis>,
}

/// Stages that belong together, with the panes that they are for.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name, unique over all files.
    pub name: String,
    /// A sentence for people.
    pub description: String,
    /// Which panes it applies to.
    pub selector: Selector,
    /// The names of panes that its stages use, each with the panes that it can mean.
    pub panes: Vec<NamedPane>,
    /// The name of the run's own pane, where the first stage says what that is.
    pub own_pane: Option<String>,
    /// Its stages, at least one, names unique.
    pub stages: Vec<Stage>,
    /// The values that whoever starts it gives.
    pub inputs: Vec<Input>,
    /// The stages that may run again in one run, and how often.
    pub loops: Vec<Loop>,
    /// What is typed for an answer to a question of a program in its panes, by the answer's label.
    pub answers: Vec<(String, Vec<KeyStep>)>,
    /// How many runs may be open, and which lock its runs share.
    pub concurrency: Concurrency,
    /// What holds of stages of one run that act beside each other.
    pub parallel: Parallel,
    /// `file:line:column` where it is defined.
    pub place: String,
}

/// One step of a pipeline: what starts it, what it types or runs, and how it ends.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its name, unique in its pipeline.
    pub name: String,
    /// The name of the pane that it acts in; `None`: the run's own.
    pub pane: Option<String>,
    /// It is an item of `finally`: it starts when the run ends, and only then.
    pub closes: bool,
    /// Some text of the pipeline names what it printed.
    pub told: bool,
    /// What starts it; an empty `Any` never holds (manual start is always possible).
    pub triggers: Condition,
    /// The values that it is made for, by their names in texts (`each.NAME`).
    pub each: Vec<(String, String)>,
    /// The stages that it needs, which its triggers say too: it begins beside others of its run.
    pub needs: Option<Needs>,
    /// Its time tables start it in the first pane alone that the pipeline applies to.
    pub once: bool,
    /// What must hold for it to be run when it is its turn; otherwise it is skipped.
    pub guard: Option<Guard>,
    /// The human's gate before its actions.
    pub gate: Option<Gate>,
    /// What is done at its start, in order.
    pub actions_on_start: Vec<Action>,
    /// What makes it succeed; `None`: it succeeds when its actions are done.
    pub success_when: Option<Condition>,
    /// What makes it fail.
    pub fail_when: Option<Condition>,
    /// The time limit of an attempt, where the policy names one.
    pub timeout: Option<Millis>,
    /// Its author says that it may take for ever.
    pub endless: bool,
    /// How a command is stopped whose time is over; a person is asked when that is through.
    pub on_timeout: Vec<Stopping>,
    /// How its command is stopped when it is cancelled, where its author says so; with no step it runs on.
    pub on_cancel: Option<Vec<Stopping>>,
    /// How long its keys wait for their reader before a person is asked.
    pub hold: Option<Millis>,
    /// Whether its success makes up for the failure that it follows.
    pub recovers: bool,
    /// What is done when it succeeded, in order.
    pub on_success: Vec<Action>,
    /// What is done when an attempt failed, in order.
    pub on_fail: Vec<FailStep>,
    /// Triggers within this time after its last start are ignored.
    pub cooldown: Option<Millis>,
    /// A lock of its own, beside the pipeline's.
    pub lock: Option<String>,
    /// `file:line:column` where it is defined.
    pub place: String,
}

/// How a command is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// `C-c`.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// What is asked of a person before a stage does anything (`require_approval`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gate {
    /// What the human is asked; a default is made from the stage's actions.
    pub question: Option<TextTemplate>,
    /// The word without which a yes is none.
    pub confirm: Option<String>,
    /// Who may decide; empty: everybody.
    pub approvers: Vec<String>,
    /// How long the question stays open.
    pub expires: Option<Millis>,
    /// What its expiry does. It never opens the gate.
    pub on_expiry: Expiry,
    /// The time between reminders.
    pub remind_every: Option<Millis>,
}

/// What the expiry of an approval does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// Counts as a no.
    #[default]
    Reject,
    /// The stage is escalated.
    Escalate,
    /// The question stays open, marked.
    Keep,
}

/// A condition. `Any`/`All` remember, within one attempt, which of their parts already held.
#[derive(Debug, Clone)]
pub enum Condition {
    /// One part holds; with no parts: never.
    Any(Vec<Condition>),
    /// All parts held during this attempt.
    All(Vec<Condition>),
    /// The part does not hold at the instant that another part of the same `all_of` is evaluated.
    Not(Box<Condition>),
    /// A line matches.
    LogRegex(PatternId),
    /// A message of the agent protocol.
    Message(MessageTest),
    /// That stage of the same run succeeded (or was skipped).
    AfterStageSuccess(String),
    /// That stage of the same run failed for good.
    AfterStageFailure(String),
    /// The gate of that stage of the same run was not opened: a person said no, or nobody answered in time.
    AfterStageRejected(String),
    /// The command that the stage started by `run` ended with one of these codes; empty: any code but 0.
    ExitCode(Vec<i32>),
    /// The agent in the pane does one of these.
    Agent(Vec<AgentWord>),
    /// Nothing was printed for this long.
    IdleFor(Millis),
    /// Something outside is so.
    Poll(Box<PollTest>),
    /// A cron expression with its time zone, as `cronexpr` reads it.
    Schedule(String),
    /// A stage of a run of another pipeline ended, in any pane and on any host.
    After(Box<Elsewhere>),
    /// Only a person or script starts it.
    Manual,
    /// The part counts as soon as it holds, also while the stage's command still runs.
    Seen(Box<Condition>),
}

/// A test of an agent's message; absent parts always hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageTest {
    /// Only messages of this type.
    pub kind: Option<MessageType>,
    /// Only messages that name this stage.
    pub stage: Option<String>,
    /// Only messages whose `ok` is this.
    pub ok: Option<bool>,
}

/// A text with `{{name}}` in it, checked when the policy is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTemplate {
    /// The text of the author, placeholders unfilled.
    pub source: String,
    /// The names used, in order of first use.
    pub names: Vec<String>,
    /// Of a command: those whose values are taken for plain ones, and must be.
    pub plain: Vec<String>,
    /// Those of them whose values are taken for numbers and versions, and must be.
    pub numbers: Vec<String>,
}

impl Action {
    /// The texts that are filled in when it is done.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &TextTemplate> {
        let texts: Vec<&TextTemplate> = match self.act() {
            Self::SendKeys { text, .. } => text.iter().collect(),
            Self::Run { command: text }
            | Self::Prompt { text, .. }
            | Self::Shell { script: text, .. }
            | Self::Notify { text, .. }
            | Self::Set { value: text, .. } => vec![text],
            Self::StartPipeline { given, .. } => given.iter().map(|(_, text)| text).collect(),
            Self::If { .. } => Vec::new(),
        };
        texts.into_iter()
    }

    /// What is done, without its `if`.
    #[must_use]
    pub fn act(&self) -> &Self {
        if let Self::If { then, .. } = self { then.act() } else { self }
    }

    /// Whether one of its texts names this value.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        self.templates().any(|template| template.names.iter().any(|known| known == name))
    }
}

/// What a stage does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Types into the pane.
    SendKeys {
        /// The text, typed literally before the keys.
        text: Option<TextTemplate>,
        /// Keys by tmux's names, after the text.
        keys: Vec<String>,
        /// Whether Enter is pressed at the end.
        enter: bool,
        /// The programs that may read it, as texts of a `match`; empty: the one that was in front when the stage began.
        expect: Vec<String>,
    },
    /// Runs a shell command in the pane, its exit code tracked.
    Run {
        /// The command line.
        command: TextTemplate,
    },
    /// Submits a text to the agent in the pane.
    Prompt {
        /// The words, placeholders filled when it is done.
        text: TextTemplate,
        /// The programs that may read it; empty: whatever takes a prompt.
        expect: Vec<String>,
    },
    /// Runs a command beside the pane, on its host.
    Shell {
        /// What `sh -c` runs.
        script: TextTemplate,
        /// Its time limit.
        timeout: Millis,
    },
    /// Alerts the human.
    Notify {
        /// The words, placeholders filled when it is done.
        text: TextTemplate,
        /// Channels; routing decides when empty.
        channels: Vec<String>,
        /// What routes and quiet hours go by.
        urgency: Urgency,
        /// What it is about.
        kind: AlertKind,
    },
    /// Keeps a value of the run.
    Set {
        /// The variable's name.
        name: String,
        /// What it holds from then on.
        value: TextTemplate,
    },
    /// Done where this holds when it is its turn.
    If {
        /// What must hold.
        guard: Box<Guard>,
        /// What is done then; no `If`.
        then: Box<Action>,
    },
    /// Starts another pipeline on the panes that it matches.
    StartPipeline {
        /// The pipeline that begins.
        pipeline: String,
        /// In one pane of the same window with a shell in front, and not wherever it applies.
        beside: bool,
        /// The values of its inputs.
        given: Vec<(String, TextTemplate)>,
    },
}

/// The pause before a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub initial: Millis,
    /// Each pause is the last one times this; 1 = always the same. In thousandths, so 2000 doubles.
    pub factor_milli: u32,
    /// The longest pause.
    pub max: Millis,
}

/// How often and after which pauses a failed stage is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySpec {
    /// The most retries after the first attempt.
    pub max: u32,
    /// How long each pause is.
    pub backoff: Backoff,
}

/// One step of `on_fail`. Steps are tried in order; the first that applies is taken, and the rest is what
/// `if_still_fail` holds when it is written nested.
#[derive(Debug, Clone)]
pub enum FailStep {
    /// Try again while retries are left.
    Retry(RetrySpec),
    /// Ask the human.
    AskHuman {
        /// What the person is asked; words of ours when `None`.
        question: Option<TextTemplate>,
        /// What a yes does.
        on_approve: OnApprove,
        /// How long the question stays open.
        expires: Option<Millis>,
        /// What its expiry does.
        on_expiry: Expiry,
        /// The time between reminders.
        remind_every: Option<Millis>,
    },
    /// Hand it on with a code, and alert.
    Escalate {
        /// The word that alerts of it carry.
        code: String,
    },
    /// Do something and go to the next step.
    Do(Action),
}

impl Policy {
    /// The pipeline of that name.
    #[must_use]
    pub fn pipeline(&self, name: &str) -> Option<&Pipeline> {
        self.pipelines.iter().find(|p| p.name == name)
    }
}

impl Pipeline {
    /// The stage of that name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|s| s.name == name)
    }
}

/// The input of a `send_keys` in order, for a filled text.
#[must_use]
pub fn key_steps(text: Option<String>, keys: &[String], enter: bool) -> Vec<KeyStep> {
    let mut steps: Vec<KeyStep> = text.filter(|t| !t.is_empty()).map(KeyStep::Text).into_iter().collect();
    steps.extend(keys.iter().cloned().map(KeyStep::Key));
    if enter {
        steps.push(KeyStep::Key("Enter".to_owned()));
    }
    steps
}
