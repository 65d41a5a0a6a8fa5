//! What is written about failures: retries, questions, escalation.

use super::{Guarded, RawNotify, RawPrompt, RawRun, RawSendKeys, RawSet, RawShell, RawStart};
use crate::read::{Fraction, Many, Number, Read, Short, Span, SpanMs, Text, raw_choice, raw_map};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use tmuxagent_yaml::Node;
use tmuxagent_yaml::Problems;

raw_map! {
    /// The pauses before retries.
    RawBackoff, "`backoff`", required ["initial"], any [], {
        /// The first pause.
        "initial" => initial: Span,
        /// Each pause is the last one times this; 2 when left out.
        "factor" => factor: Fraction,
        /// The longest pause; five minutes when left out.
        "max" => max: Span,
    }
}

raw_choice! {
    /// A step after a failure, or an action.
    RawFailStep, "a step of `on_fail`", words ["ask_human" => AskHuman], list [], {
        /// Tries again, this often.
        "retry" => Retry(Short<Number, RawRetry>),
        /// What is done when the retries are used up.
        "if_still_fail" => IfStillFail(Many<Guarded<RawFailStep>>),
        /// Asks the human.
        "ask_human" => AskHuman(RawAsk),
        /// Gives up with a code, and alerts.
        "escalate" => Escalate(Short<Text, RawEscalate>),
        /// Types a text and presses Enter.
        "send_keys" => SendKeys(Short<Text, RawSendKeys>),
        /// Runs a shell command in the pane.
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
    /// Tries again.
    RawRetry, "`retry`", required ["max"], any [], {
        /// How often, after the first attempt.
        "max" => max: Number,
        /// The pause before each retry.
        "backoff" => backoff: Short<Span, RawBackoff>,
        /// The pause before each retry in milliseconds.
        "backoff_ms" => backoff_ms: SpanMs,
    }
}

raw_map! {
    /// Gives up.
    RawEscalate, "`escalate`", required ["code"], any [], {
        /// The code.
        "code" => code: Text,
    }
}

/// `ask_human`: nothing, the question, or a map.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawAsk {
    pub form: Option<Short<Text, RawQuestion>>,
}

impl Read for RawAsk {
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let bare = node.is_nothing()
            || matches!(&node.kind, tmuxagent_yaml::Kind::Scalar { text, plain: true } if text == "true");
        let form = if bare { None } else { Some(Short::read(node, problems)?) };
        Some(Self { form })
    }
}

impl JsonSchema for RawAsk {
    fn schema_name() -> Cow<'static, str> {
        "Ask".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let form = generator.subschema_for::<Short<Text, RawQuestion>>();
        json_schema!({ "anyOf": [form, { "enum": [true, null] }] })
    }
}

raw_map! {
    /// A question to the human after a failure.
    RawQuestion, "`ask_human`", required [], any [], {
        /// What is asked.
        "question" => question: Text,
        /// What a yes does: `rerun` (the default), `continue` or `skip`.
        "on_approve" => on_approve: Text,
        /// How long the question stays open.
        "expires" => expires: Span,
        /// How long the question stays open in milliseconds.
        "expires_ms" => expires_ms: SpanMs,
        /// What its expiry does: `reject`, `escalate` or `keep`.
        "on_expiry" => on_expiry: Text,
        /// The time between reminders.
        "remind_every" => remind_every: Span,
        /// The time between reminders in milliseconds.
        "remind_every_ms" => remind_every_ms: SpanMs,
    }
}
