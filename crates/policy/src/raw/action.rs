//! What stages do.

use super::{Named, RawSet};
use crate::read::{Flag, Many, Short, Span, SpanMs, Text, raw_choice, raw_map};

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
        /// The program that is to read it, by its name as `panes` shows it; a list: one of them. Globs and `/regex/` as in `match`. While another one reads it is held, and then asked about. Without it: the program that was in front when the stage began, also in later attempts and behind a gate; so what an action of the stage itself opens has to be named. A shell's name means the shell at its empty prompt; what a script of that shell asks gets nothing by it.
        "expect" => expect: Many<Text>,
    }
}

raw_map! {
    /// A shell command in the pane.
    RawRun, "`run`", required ["command"], any [], {
        /// The command, of one line or several.
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
        /// The values of its inputs: `{env: prod}`. A value of this run is put in by `{{NAME}}`, as data. What is not named has its default.
        "with" => given: Named<Text>,
    }
}
