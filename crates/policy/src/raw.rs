//! The policy as it is written: every map, key and short form of the language, nothing checked but types and names.

mod auto_answer;
mod failure;
mod named;

pub(super) use auto_answer::{RawAnswerLimit, RawAutoAnswer};
pub(super) use failure::{RawAsk, RawBackoff, RawFailStep, RawQuestion, RawRetry};
pub(super) use named::{Named, RawAnswers, RawClosing, RawSet};

use super::read::{
    At, Flag, Group, Json, Limit, Many, Number, Read, Short, Span, SpanMs, Text, Tried, expected, raw_choice, raw_map,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use tmuxagent_yaml::Node;
use tmuxagent_yaml::Problems;

/// Nothing, or `true`: the value of keys that only have to be there.
#[derive(Debug, Clone, Default)]
pub(super) struct Blank;

impl Read for Blank {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if node.is_nothing() {
            return Some(Self);
        }
        if Flag::read(node, problems)?.value { Some(Self) } else { expected(node, "`true`", problems) }
    }
}

impl JsonSchema for Blank {
    fn schema_name() -> Cow<'static, str> {
        "Blank".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, null] })
    }
}

raw_map! {
    /// A policy of tmuxagent.
    RawPolicy, "a policy", required [], any [], {
        /// The version of the policy language: 1.
        "version" => version: Text,
        /// Texts for people and agents: shown on the screen, and put into prompts by `{{principles}}`.
        "principles" => principles: Many<Text>,
        /// Values that stand in for missing keys of stages.
        "defaults" => defaults: RawDefaults,
        /// Values that whoever starts a pipeline of this file gives, or their defaults: `{{inputs.NAME}}`.
        "inputs" => inputs: Named<Short<Text, RawInput>>,
        /// Names for panes, by which stages of all pipelines of this file say where they act (`in`). What a name chooses is written as in `match`.
        "panes" => panes: Named<RawSelectors>,
        /// Rules by which agents' dialogs are answered without asking a person; none by default.
        "auto_answers" => auto_answers: Vec<RawAutoAnswer>,
        /// The pipelines.
        "pipelines" => pipelines: Vec<RawPipeline>,
    }
}

raw_map! {
    /// Values that stand in for missing keys of stages.
    RawDefaults, "`defaults`", required [], any [], {
        /// A stage's time limit, or `never`.
        "timeout" => timeout: Limit,
        /// A stage's time limit in milliseconds.
        "timeout_ms" => timeout_ms: SpanMs,
        /// How a command is stopped whose time is over.
        "on_timeout" => on_timeout: Many<Text>,
        /// How long keys wait for the program that they are for, before a person is asked.
        "hold" => hold: Span,
        /// The pause before a retry.
        "backoff" => backoff: Short<Span, RawBackoff>,
        /// The pause before a retry in milliseconds.
        "backoff_ms" => backoff_ms: SpanMs,
        /// The time after a start of a stage in which its triggers are ignored.
        "cooldown" => cooldown: Span,
        /// The same in milliseconds.
        "cooldown_ms" => cooldown_ms: SpanMs,
        /// The time between two polls.
        "poll_interval" => poll_interval: Span,
        /// The time between two polls in milliseconds.
        "poll_interval_ms" => poll_interval_ms: SpanMs,
    }
}

raw_map! {
    /// A pipeline: stages that run on panes.
    RawPipeline, "a pipeline", required ["name", "stages"], any [], {
        /// Its name, unique over all files.
        "name" => name: Text,
        /// A sentence for people.
        "description" => description: Text,
        /// The panes it applies to. It may be left out where the first stage says where it acts (`in`): then a run belongs to the pane of that stage.
        "match" => selector: Tried<RawSelectors>,
        /// Values that whoever starts this pipeline gives; a name that the file gives too means what stands here.
        "inputs" => inputs: Named<Short<Text, RawInput>>,
        /// Names for panes of this pipeline alone; a name that the file gives too means what stands here.
        "panes" => panes: Named<RawSelectors>,
        /// A lock that its runs share with other pipelines.
        "concurrency" => concurrency: RawConcurrency,
        /// Short for `concurrency: {lock: …}`.
        "lock" => lock: Text,
        /// What is typed for an answer to a question that a program in its panes asks (`### SENTRY {"type":"ASK"}`), by the answer's label: a text with Enter, or keys. It goes to the program that asked and never into a shell. Without it the number of the option is typed, or a plain yes or no.
        "answers" => answers: RawAnswers,
        /// Stages that may run again in one run, in a circle: each of them starts again when what it follows has ended anew. At most so many rounds; then a person is asked. Several loops in a list.
        "loop" => loops: Many<RawLoop>,
        /// Its stages.
        "stages" => stages: Many<RawStage>,
        /// What is done once when a run ends, however it ends: well, badly, rejected or cancelled. Each item is an action, with `in` where it acts in a named pane, and is shown as a stage of its own (`finally`, `finally-2`, …). That it fails is told, and changes nothing about how the run ended.
        "finally" => closing: Many<RawClosing>,
    }
}

raw_map! {
    /// A value that is given at the start.
    RawInput, "an input", required [], any ["type", "default", "choices"], {
        /// A sentence for people.
        "description" => description: Text,
        /// `text` (when left out), `number` (digits and a version's signs) or `bool` (`true`, `false`).
        "type" => kind: Text,
        /// The value where none is given; without it a value must be given, and only a person can start the pipeline.
        "default" => default: Text,
        /// The only values that it can have.
        "choices" => choices: Many<Text>,
    }
}

raw_map! {
    /// Stages that may run again in a circle.
    RawLoop, "`loop`", required ["stages", "max"], any [], {
        /// Their names.
        "stages" => stages: Many<Text>,
        /// How often each of them may start in one run, before a person is asked whether it goes on.
        "max" => max: Number,
    }
}

raw_map! {
    /// What may run at the same time. A pane has one run of a pipeline at a time in any case.
    RawConcurrency, "`concurrency`", required [], any [], {
        /// Runs that share this name never have live stages at the same time.
        "lock" => lock: Text,
    }
}

/// The `match` of a pipeline or a part of it: several keys in one map must all hold.
pub(super) type RawSelectors = Group<RawSelector>;

raw_choice! {
    /// Which panes: `text`, a glob such as `agent:*`, or `/regex/`.
    RawSelector, "`match`", words [], list [AnyOf], {
        /// One of them holds.
        "any_of" => AnyOf(Many<RawSelectors>),
        /// All of them hold.
        "all_of" => AllOf(Many<RawSelectors>),
        /// It does not hold.
        "not" => Not(Box<RawSelectors>),
        /// The machine's name.
        "host" => Host(Text),
        /// The session's name.
        "session_name" => Session(Text),
        /// The window's name.
        "window_name" => Window(Text),
        /// The pane's title.
        "pane_title" => Title(Text),
        /// The pane option `@tmuxagent_role`.
        "pane_role" => Role(Text),
        /// The program in the foreground.
        "current_command" => Command(Text),
        /// The current folder.
        "current_path" => Path(Text),
        /// The agent in the pane: `codex`, `claude`, `gemini`, …
        "agent" => Agent(Text),
    }
}

raw_map! {
    /// A stage of a pipeline.
    RawStage, "a stage", required ["name"], any [], {
        /// Its name, unique in its pipeline.
        "name" => name: Text,
        /// A sentence for people.
        "description" => description: Text,
        /// Where it acts: a name of `panes`. There its keys are typed, its triggers and conditions listen there, and what else acts in that pane waits. Of several panes that fit, the one nearest to the pane of the run is meant: that pane itself, else one of its window, else one of its session; where that does not tell which one, the run does not begin. Without it: the pane of the run.
        "in" => pane: Text,
        /// What starts it.
        "triggers" => triggers: RawCondition,
        /// Whether a human must say yes before its actions.
        "require_approval" => require_approval: Short<Flag, RawGate>,
        /// What is done at its start, in order.
        "actions_on_start" => actions_on_start: Many<Group<RawAction>>,
        /// What makes it succeed.
        "success_when" => success_when: RawCondition,
        /// What makes it fail.
        "fail_when" => fail_when: RawCondition,
        /// The time limit of an attempt, or `never`. Without one the limit of the configuration holds, after which a person is asked.
        "timeout" => timeout: Limit,
        /// The time limit of an attempt in milliseconds.
        "timeout_ms" => timeout_ms: SpanMs,
        /// How a command is stopped whose time is over: `ask` (the default) asks a person; `[interrupt, terminate]` presses C-c, then sends SIGTERM, and asks when that was not enough.
        "on_timeout" => on_timeout: Many<Text>,
        /// How long its keys wait for the program that they are for (a shell at an empty prompt, what `expect` names), before a person is asked. Without one the span of the configuration holds. Where a question or a password waits, it is three seconds at most.
        "hold" => hold: Span,
        /// Whether its success makes up for the failure that it follows (`after_stage_failure`), so that the run ends well. Left out it does, unless the stage only tells (`notify`, `set`, `start_pipeline`), and `policy check` asks for the word: `true` for a stage that mends, `false` for one that rolls back or cleans up.
        "recovers" => recovers: Flag,
        /// What is done when it succeeded.
        "on_success" => on_success: Many<Group<RawAction>>,
        /// What is done when an attempt failed, in order.
        "on_fail" => on_fail: Many<Group<RawFailStep>>,
        /// The time after its start in which its triggers are ignored.
        "cooldown" => cooldown: Span,
        /// The same in milliseconds.
        "cooldown_ms" => cooldown_ms: SpanMs,
        /// A lock of its own.
        "concurrency" => concurrency: RawConcurrency,
        /// Short for `concurrency: {lock: …}`.
        "lock" => lock: Text,
    }
}

raw_map! {
    /// The human's gate before a stage.
    RawGate, "`require_approval`", required [], any [], {
        /// What the human is asked.
        "question" => question: Text,
        /// What has to be typed for a yes: `name` is the stage's name, anything else that very word. A plain yes is refused, on every surface; a no needs no word.
        "confirm" => confirm: Text,
        /// Who may decide, by the names that decisions are recorded with; others are refused.
        "approvers" => approvers: Many<Text>,
        /// How long the question stays open.
        "expires" => expires: Span,
        /// How long the question stays open in milliseconds.
        "expires_ms" => expires_ms: SpanMs,
        /// What its expiry does: `reject`, `escalate` or `keep`. It never opens the gate.
        "on_expiry" => on_expiry: Text,
        /// The time between reminders.
        "remind_every" => remind_every: Span,
        /// The time between reminders in milliseconds.
        "remind_every_ms" => remind_every_ms: SpanMs,
    }
}

/// A condition; a bare list of conditions means that one of them holds.
pub(super) type RawCondition = At<RawConditionKind>;

raw_choice! {
    /// A condition. A bare list means: one of them.
    RawConditionKind, "a condition", words ["manual" => Manual], list [AnyOf], {
        /// One of them holds.
        "any_of" => AnyOf(Many<RawCondition>),
        /// All of them held during this attempt.
        "all_of" => AllOf(Many<RawCondition>),
        /// It does not hold.
        "not" => Not(Box<RawCondition>),
        /// A line matches this regular expression.
        "log_regex" => LogRegex(Text),
        /// The agent sent a message (`### SENTRY {…}`).
        "message" => Message(Short<Text, RawMessage>),
        /// Short for `message: {type: …}`.
        "message_type" => MessageType(Text),
        /// That stage of the same run succeeded; one of several in a list.
        "after_stage_success" => AfterStageSuccess(Many<Text>),
        /// That stage of the same run failed for good; one of several in a list. Not when its gate was not opened.
        "after_stage_failure" => AfterStageFailure(Many<Text>),
        /// The gate of that stage of the same run was not opened: somebody said no, or nobody answered in time; one of several in a list.
        "after_stage_rejected" => AfterStageRejected(Many<Text>),
        /// The command that the stage started by `run` ended with this code; several in a list; `nonzero` for any but 0.
        "exit_code" => ExitCode(Many<Text>),
        /// What the agent in the pane does, as its process, its reports and its screen tell; several in a list. `done`: it has worked since the prompt of the stage was taken, rests again and asks nothing. `idle`: it has come to rest and takes prompts. `working`, `asks` (a dialog), `error`, `rate_limited`, `stalled`, `exited`: it has come to be so. What was so before the stage's prompt decides nothing, nor does a state that is not certain.
        "agent" => Agent(Many<Text>),
        /// Nothing was printed for this long.
        "idle_for" => IdleFor(Span),
        /// The same in milliseconds.
        "idle_for_ms" => IdleForMs(SpanMs),
        /// Something outside is so.
        "poll" => Poll(Box<RawPoll>),
        /// The clock says so: a cron expression with its time zone.
        "schedule" => Schedule(Short<Text, RawSchedule>),
        /// Only a person or a script starts it.
        "manual" => Manual(Blank),
        /// The part counts as soon as it holds, also while the command of the stage still runs: for servers that stay up. The same as the key `when: seen` beside a condition.
        "seen" => Seen(Box<RawCondition>),
    }
}

/// Calls `visit` for a condition and every one inside it.
pub(super) fn walk<'r>(condition: &'r RawCondition, visit: &mut dyn FnMut(&'r RawCondition)) {
    visit(condition);
    parts_of(condition).iter().for_each(|part| walk(part, visit));
}

/// The conditions that a condition is made of.
pub(super) fn parts_of(condition: &RawCondition) -> &[RawCondition] {
    use RawConditionKind as Kind;
    match &condition.value {
        Kind::AnyOf(parts) | Kind::AllOf(parts) => &parts.items,
        Kind::Not(part) | Kind::Seen(part) => std::slice::from_ref(part),
        Kind::LogRegex(_)
        | Kind::Message(_)
        | Kind::MessageType(_)
        | Kind::AfterStageSuccess(_)
        | Kind::AfterStageFailure(_)
        | Kind::AfterStageRejected(_)
        | Kind::ExitCode(_)
        | Kind::Agent(_)
        | Kind::IdleFor(_)
        | Kind::IdleForMs(_)
        | Kind::Poll(_)
        | Kind::Schedule(_)
        | Kind::Manual(_) => &[],
    }
}

raw_map! {
    /// A message of an agent; what is not given may be anything.
    RawMessage, "`message`", required [], any ["type", "stage", "ok"], {
        /// `STATUS`, `ASK`, `ERROR`, `ACTION` or `LOG`.
        "type" => kind: Text,
        /// The stage that it speaks of.
        "stage" => stage: Text,
        /// Whether that stage went well.
        "ok" => ok: Flag,
    }
}

raw_map! {
    /// A time table.
    RawSchedule, "`schedule`", required ["cron", "timezone"], any [], {
        /// Minute, hour, day of month, month, day of week.
        "cron" => cron: Text,
        /// The time zone, such as `UTC` or `Asia/Shanghai`.
        "timezone" => timezone: Text,
    }
}

raw_map! {
    /// Something outside that is asked until it ends. One of `github_run`, `http`, `command`.
    RawPoll, "`poll`", required [], any [], {
        /// A workflow run of GitHub Actions: the newest since the stage started, until it is completed.
        "github_run" => github_run: RawGithubRun,
        /// A web address.
        "http" => http: Short<Text, RawHttp>,
        /// A shell command on the pane's host: exit code 0 = done, 75 = not yet, any other = failed.
        "command" => command: Short<Text, RawPollCommand>,
        /// The time between questions.
        "interval" => interval: Span,
        /// The time between questions in milliseconds.
        "interval_ms" => interval_ms: SpanMs,
        /// The time between questions in milliseconds.
        "poll_interval_ms" => poll_interval_ms: SpanMs,
        /// The attempt fails when it has not ended by then.
        "deadline" => deadline: Span,
        /// The attempt fails when it has not ended by then, in milliseconds.
        "deadline_ms" => deadline_ms: SpanMs,
    }
}

raw_map! {
    /// A workflow run of GitHub Actions.
    RawGithubRun, "`github_run`", required ["repository", "workflow"], any [], {
        /// `owner/name`.
        "repository" => repository: Text,
        /// The workflow's file name or number.
        "workflow" => workflow: Text,
        /// Branch or tag; any when left out.
        "ref" => reference: Text,
        /// The API's base URL, for GitHub Enterprise.
        "base_url" => base_url: Text,
        /// The environment variable that holds the token; `GITHUB_TOKEN` when left out.
        "token_env" => token_env: Text,
    }
}

raw_map! {
    /// A web address that is asked.
    RawHttp, "`http`", required ["url"], any [], {
        /// The URL.
        "url" => url: Text,
        /// The status that means yes; 200 when left out.
        "status" => status: Number,
        /// A JSON pointer into the answer, such as `/status`.
        "json_pointer" => pointer: Text,
        /// The value expected there.
        "value" => value: Json,
    }
}

raw_map! {
    /// A command that is asked.
    RawPollCommand, "`command`", required ["script"], any [], {
        /// The shell script.
        "script" => script: Text,
        /// Its time limit.
        "timeout" => timeout: Span,
        /// Its time limit in milliseconds.
        "timeout_ms" => timeout_ms: SpanMs,
    }
}

raw_choice! {
    /// Something that is done.
    RawAction, "an action", words [], list [], {
        /// Types a text and presses Enter.
        "send_keys" => SendKeys(Short<Text, RawSendKeys>),
        /// Runs a shell command in the pane; its exit code is known.
        "run" => Run(Short<Text, RawRun>),
        /// Submits a text to the agent in the pane.
        "prompt" => Prompt(Short<Text, RawPrompt>),
        /// Runs a shell command beside the pane, on its host.
        "shell" => Shell(Short<Text, RawShell>),
        /// Alerts the human.
        "notify" => Notify(Short<Text, RawNotify>),
        /// Keeps a value for this run.
        "set" => Set(RawSet),
        /// Starts another pipeline.
        "start_pipeline" => StartPipeline(Short<Text, RawStart>),
    }
}

raw_map! {
    /// Keys for the pane.
    RawSendKeys, "`send_keys`", required [], any ["text", "keys", "enter"], {
        /// A text that is typed.
        "text" => text: Text,
        /// Keys by tmux's names, pressed after the text: `C-c`, `Escape`, `Up`.
        "keys" => keys: Many<Text>,
        /// Whether Enter is pressed at the end; true unless there are only keys.
        "enter" => enter: Flag,
        /// Whether the text is typed letter by letter (true, the default) or names a key.
        "literal" => literal: Flag,
        /// The program that is to read it, by its name as `panes` shows it; a list: one of them. Globs and `/regex/` as in `match`. While another one reads it is held, and then asked about. Without it: the program that was in front when the keys came to their turn.
        "expect" => expect: Many<Text>,
    }
}

raw_map! {
    /// A shell command in the pane.
    RawRun, "`run`", required ["command"], any [], {
        /// The command line.
        "command" => command: Text,
    }
}

raw_map! {
    /// A text for the agent in the pane.
    RawPrompt, "`prompt`", required ["text"], any [], {
        /// The text, of one line or several.
        "text" => text: Text,
        /// The program that is to read it, by its name; a list: one of them. Globs and `/regex/` as in `match`.
        "expect" => expect: Many<Text>,
    }
}

raw_map! {
    /// A shell command beside the pane.
    RawShell, "`shell`", required ["script"], any [], {
        /// The shell script.
        "script" => script: Text,
        /// Its time limit; one minute when left out.
        "timeout" => timeout: Span,
        /// Its time limit in milliseconds.
        "timeout_ms" => timeout_ms: SpanMs,
    }
}

raw_map! {
    /// An alert for the human.
    RawNotify, "`notify`", required ["text"], any [], {
        /// The text.
        "text" => text: Text,
        /// The channels; routing decides when left out.
        "channels" => channels: Many<Text>,
        /// `low`, `normal` or `high`.
        "urgency" => urgency: Text,
        /// What it is about, for routing: `custom`, `success`, `failure`, `agent`, `approval`.
        "kind" => kind: Text,
    }
}

raw_map! {
    /// Another pipeline.
    RawStart, "`start_pipeline`", required ["pipeline"], any [], {
        /// The pipeline.
        "pipeline" => pipeline: Text,
        /// Where: `matching` (the default) in every pane that it applies to; `beside` in one pane of the same window with a shell in front.
        "where" => place: Text,
    }
}
