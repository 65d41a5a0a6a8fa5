//! The policy as it is written: every map, key and short form of the language, nothing checked but types and names.

mod action;
mod auto_answer;
mod each;
mod failure;
mod guard;
mod named;
mod needs;
mod outside;
mod pane;

pub(super) use action::{RawAction, RawNotify, RawPrompt, RawRun, RawSendKeys, RawShell, RawStart};
pub(super) use auto_answer::{RawAnswerLimit, RawAutoAnswer};
pub(super) use each::{EACH, write_out_each};
pub(super) use failure::{RawAsk, RawBackoff, RawFailStep, RawQuestion, RawRetry};
pub(super) use guard::{Guarded, RawGuard, RawGuards};
pub(super) use named::{Named, RawAnswers, RawClosing, RawSet};
pub(super) use needs::{RawNeed, RawParallel, write_out_needs};
pub(super) use outside::{RawAfter, RawFile, RawHttp, RawLooksLike, RawPoll, RawWords};
pub(super) use pane::{RawMake, RawPaneName};

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
        /// Names for panes, by which stages of all pipelines of this file say where they act (`in`). What a name chooses is written as in `match`; `make` says how a pane is made where none fits.
        "panes" => panes: Named<RawPaneName>,
        /// Rules by which agents' dialogs are answered without asking a person; none by default.
        "auto_answers" => auto_answers: Vec<RawAutoAnswer>,
        /// Other files of the policy, beside this one or below its folder. They are read as well, each once, and the `templates`, `panes`, `inputs` and `defaults` that they give are known here, where this file does not give them itself.
        "include" => include: Many<Text>,
        /// Stages to be made again and again, by name: `use: NAME` at a stage, and `with` the values of its parameters. The keys of the stage itself come first.
        "templates" => templates: Named<RawTemplate>,
        /// Words by which `looks_like` goes, by tool; a list that stands here takes the place of the program's own.
        "words" => words: Named<RawWords>,
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
        /// How a command is stopped whose stage is cancelled.
        "on_cancel" => on_cancel: Many<Text>,
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
        "panes" => panes: Named<RawPaneName>,
        /// Which of its runs may go on at the same time, also with those of other pipelines.
        "concurrency" => concurrency: RawRunConcurrency,
        /// Short for `concurrency: {lock: …}`.
        "lock" => lock: Text,
        /// Values that stand in for missing keys of its stages, before those of the file.
        "defaults" => defaults: RawDefaults,
        /// What is typed for an answer to a question that a program in its panes asks (`### SENTRY {"type":"ASK"}`), by the answer's label: a text with Enter, or keys. It goes to the program that asked and never into a shell. Without it the number of the option is typed, or a plain yes or no.
        "answers" => answers: RawAnswers,
        /// Stages that may run again in one run, in a circle: each of them starts again when what it follows has ended anew. At most so many rounds; then a person is asked. Several loops in a list.
        "loop" => loops: Many<RawLoop>,
        /// What holds of its stages that act beside each other, since they have `needs`.
        "parallel" => parallel: RawParallel,
        /// Its stages.
        "stages" => stages: Many<RawStage>,
        /// What is done once when a run ends, however it ends: well, badly, rejected or cancelled. Each item is an action, with `in` where it acts in a named pane, and is shown as a stage of its own (`finally`, `finally-2`, …). That it fails is told, and changes nothing about how the run ended.
        "finally" => closing: Many<RawClosing>,
    }
}

raw_map! {
    /// A value that is given at the start.
    RawInput, "an input", required [], any ["type", "default", "choices", "from"], {
        /// A sentence for people.
        "description" => description: Text,
        /// `text` (when left out), `number` (digits and a version's signs) or `bool` (`true`, `false`).
        "type" => kind: Text,
        /// The value where none is given; without it a value must be given: by hand, or by a message where `from` says so.
        "default" => default: Text,
        /// The only values that it can have.
        "choices" => choices: Many<Text>,
        /// `message`: an agent's message that starts the pipeline may give it too (`### SENTRY {"type":"ACTION","inputs":{"branch":"fix/1"}}`), checked as one given by hand. What is wrong, or given without this word, starts nothing. Such a pipeline, and what it leads to, does nothing but alert before a human has said yes, and what asks him has no `if`.
        "from" => from: Text,
    }
}

raw_map! {
    /// A stage to be made again and again.
    RawTemplate, "a template", required ["stage"], any [], {
        /// A sentence for people.
        "description" => description: Text,
        /// What is different each time: a name with its default, or a map. In the stage it is `{{params.NAME}}`, with or without other words around it.
        "parameters" => parameters: Named<Short<Json, RawParameter>>,
        /// The keys of the stage.
        "stage" => stage: Named<Json>,
    }
}

raw_map! {
    /// A parameter of a template.
    RawParameter, "a parameter", required [], any [], {
        /// A sentence for people.
        "description" => description: Text,
        /// `text` (when left out), `number`, `bool`, `duration`, `list` or `any`.
        "type" => kind: Text,
        /// The value where none is given; without it one must be given.
        "default" => default: Json,
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

raw_map! {
    /// Which runs may go on at the same time. A pane has one run of a pipeline at a time in any case.
    RawRunConcurrency, "`concurrency`", required [], any [], {
        /// Runs that share this name never have live stages at the same time; their stages may take turns.
        "lock" => lock: Text,
        /// Of all runs with this name one goes on at a time, from its first stage to its end. It may name inputs: `deploy-{{inputs.env}}`. The pipeline's name when only `on_busy` is given.
        "group" => group: Text,
        /// What a run does that comes while another one of its group goes on: `queue` (when left out) waits for its end, `cancel_older` cancels it first, `refuse` does not begin.
        "on_busy" => on_busy: Text,
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
        /// The template that it is made of.
        "use" => template: Text,
        /// The values of the template's parameters.
        "with" => with: Named<Json>,
        /// Makes one stage of each combination of these values, at most 100 in a pipeline, called by its values: `test[linux]`. `{{each.NAME}}` is the value: in texts data, as an input is, and in `in`, `lock`, `needs` and the names of stages that it follows as it is written. Who names `test` means all of them: `needs` and `after_stage_success` all, `after_stage_failure` and `after_stage_rejected` any. How many act at the same time, and what the failure of one does to the others, `parallel` of the pipeline says.
        "for_each" => each: Named<Many<Text>>,
        /// Where it acts: a name of `panes`. There its keys are typed, its triggers and conditions listen there, and what else acts in that pane waits. Of several panes that fit, the one nearest to the pane of the run is meant: that pane itself, else one of its window, else one of its session; where that does not tell which one, the run does not begin. Without it: the pane of the run.
        "in" => pane: Text,
        /// What starts it.
        "triggers" => triggers: RawCondition,
        /// The stages of the same run that must have succeeded before it begins, in the place of `triggers`; what was skipped counts as succeeded. Of `{any: [a, b]}` the first is enough, and its success makes up for one of them that failed. It begins as soon as they have ended, also while others of its run are under way; a stage with `triggers` waits until none is. Where two would act in one pane, the second waits for its turn.
        "needs" => needs: RawNeed,
        /// Whether it is run when it is its turn. Where this does not hold it is skipped: nothing is asked, typed or counted, and what follows its success goes on as if it had never been there; only after a failure nothing goes on. A person who runs it again by hand is not asked. What it names is looked at when the stage is started.
        "if" => guard: RawGuards,
        /// Whether a human must say yes before its actions.
        "require_approval" => require_approval: Short<Flag, RawGate>,
        /// What is done at its start, in order.
        "actions_on_start" => actions_on_start: Many<Guarded<RawAction>>,
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
        /// How its command is stopped when it is cancelled, by a person, by a newer run (`on_busy: cancel_older`) or by the failure of a stage beside it: `[interrupt, terminate]` presses C-c, then sends SIGTERM; `leave` lets it run on. Its end is waited for, ten seconds for each step, before the stage is cancelled. Left out, a failure beside it interrupts it, and sends SIGTERM where `on_timeout` does; in the other cases it runs on.
        "on_cancel" => on_cancel: Many<Text>,
        /// How long its keys wait for the program that they are for (a shell at an empty prompt, what `expect` names), before a person is asked. Without one the span of the configuration holds. Where a question or a password waits, it is three seconds at most.
        "hold" => hold: Span,
        /// Whether its success makes up for the failure that it follows (`after_stage_failure`), so that the run ends well. Left out it does, unless the stage only tells (`notify`, `set`, `start_pipeline`), and `policy check` asks for the word: `true` for a stage that mends, `false` for one that rolls back or cleans up.
        "recovers" => recovers: Flag,
        /// What is done when it succeeded.
        "on_success" => on_success: Many<Guarded<RawAction>>,
        /// What is done when an attempt failed, in order.
        "on_fail" => on_fail: Many<Guarded<RawFailStep>>,
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
        /// Who may decide: user names, names of the panel, the `person` of a channel, or ids of a chat; others are refused.
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
        /// A stage of a run of another pipeline ended, in whatever pane and on whatever host that was. It starts in the nearest of the panes that this pipeline applies to: the very pane, else one of its window, else one of its session, else the only one; of several that are equally near in none.
        "after" => After(RawAfter),
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
        /// A file or folder is there, on the host of the stage's pane; a relative path begins at the folder of that pane. A trigger fires when it appears.
        "file_exists" => FileExists(Short<Text, RawFile>),
        /// A file or folder has changed or appeared: since the stage began, or, of a trigger, since it was last looked at. That it goes is no change.
        "file_changed" => FileChanged(Short<Text, RawFile>),
        /// A line looks like an `error` or a `success`, by lists of words (`tmuxagent policy words`): for programs that end with no exit code and speak no protocol. It is a guess.
        "looks_like" => LooksLike(Short<Text, RawLooksLike>),
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
        | Kind::After(_)
        | Kind::ExitCode(_)
        | Kind::Agent(_)
        | Kind::IdleFor(_)
        | Kind::IdleForMs(_)
        | Kind::Poll(_)
        | Kind::FileExists(_)
        | Kind::FileChanged(_)
        | Kind::LooksLike(_)
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
        /// Where it starts: `pane` (when left out) in every pane that the pipeline applies to; `pipeline` once, in the first of them.
        "per" => per: Text,
    }
}
