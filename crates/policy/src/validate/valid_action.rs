//! Actions and keys.

use super::valid_guard::Whose;
use super::{Reading, Use};
use crate::guard::Guard;
use crate::policy::{Action, key_steps};
use crate::raw::{
    Guarded, RawAction, RawAnswers, RawFailStep, RawNotify, RawSendKeys, RawSet, RawShell, RawStage, RawStart,
};
use crate::read::{At, Many, Short, Text};
use crate::template::{Piece, TEMPLATE_NAMES, pieces};
use tmuxagent_model::{AlertKind, KeyStep, Millis, Urgency};
use tmuxagent_text::is_hidden;
use tmuxagent_yaml::nearest;

/// The time limit of a `shell` action that names none.
const SHELL_TIMEOUT: Millis = Millis::from_secs(60);

const URGENCIES: &[(&str, Urgency)] = &[("low", Urgency::Low), ("normal", Urgency::Normal), ("high", Urgency::High)];

const KINDS: &[(&str, AlertKind)] = &[
    ("custom", AlertKind::Custom),
    ("success", AlertKind::Success),
    ("failure", AlertKind::Failure),
    ("agent", AlertKind::Agent),
    ("approval", AlertKind::Approval),
];

/// tmux's names of keys that are no characters (tmux(1), KEY BINDINGS).
const KEY_NAMES: &[&str] = &[
    "Enter", "Escape", "Tab", "BTab", "Space", "BSpace", "Up", "Down", "Left", "Right", "Home", "End", "PageUp",
    "PgUp", "PPage", "PageDown", "PgDn", "NPage", "Insert", "IC", "Delete", "DC", "F1", "F2", "F3", "F4", "F5", "F6",
    "F7", "F8", "F9", "F10", "F11", "F12",
];

/// Whether tmux knows the key.
fn is_key(name: &str) -> bool {
    let mut rest = name;
    while let Some(inner) =
        ["C-", "M-", "S-"].iter().find_map(|prefix| rest.strip_prefix(prefix)).filter(|inner| !inner.is_empty())
    {
        rest = inner;
    }
    if let Some(inner) = rest.strip_prefix('^').filter(|inner| inner.chars().count() == 1) {
        rest = inner;
    }
    let mut characters = rest.chars();
    let single = characters.next().is_some_and(|c| !c.is_control()) && characters.next().is_none();
    single || KEY_NAMES.iter().any(|known| known.eq_ignore_ascii_case(rest))
}

/// Where another pipeline begins, and whether that is beside the pane.
const PLACES: &[(&str, bool)] = &[("matching", false), ("beside", true)];

/// An action as it may stand in a list of actions or among the steps of `on_fail`.
#[derive(Clone, Copy)]
pub(super) enum Written<'r> {
    SendKeys(&'r Short<Text, RawSendKeys>),
    Run(&'r Text),
    Prompt(&'r Text, Option<&'r Many<Text>>),
    Shell(&'r Short<Text, RawShell>),
    Notify(&'r Short<Text, RawNotify>),
    Set(&'r RawSet),
    StartPipeline(&'r Short<Text, RawStart>),
}

/// Both lists write their actions alike: an own key and its value. `None` when that key is missing, which reading told,
/// and for the steps named behind, which are no actions.
macro_rules! written {
    ($raw:ident $(, $step:ident)*) => {
        impl $raw {
            /// The action that it is, if it is one.
            pub(super) fn written(&self) -> Option<Written<'_>> {
                Some(match self {
                    Self::SendKeys(form) => Written::SendKeys(form),
                    Self::Run(Short::Short(text)) => Written::Run(text),
                    Self::Run(Short::Full(full)) => Written::Run(full.command.as_ref()?),
                    Self::Prompt(Short::Short(text)) => Written::Prompt(text, None),
                    Self::Prompt(Short::Full(full)) => Written::Prompt(full.text.as_ref()?, full.expect.as_ref()),
                    Self::Shell(form) => Written::Shell(form),
                    Self::Notify(form) => Written::Notify(form),
                    Self::Set(set) => Written::Set(set),
                    Self::StartPipeline(name) => Written::StartPipeline(name),
                    $(Self::$step(_) => return None,)*
                })
            }
        }
    };
}

written!(RawAction);
written!(RawFailStep, Retry, IfStillFail, AskHuman, Escalate);

/// Calls `visit` for every action of a stage, with whatever list it stands in.
pub(crate) fn each_action<'r>(stage: &'r RawStage, visit: &mut dyn FnMut(Written<'r>)) {
    let lists = [&stage.actions_on_start, &stage.on_success];
    for entry in lists.into_iter().flatten().flat_map(|list| &list.items).flat_map(|group| &group.entries) {
        entry.value.written().into_iter().for_each(&mut *visit);
    }
    if let Some(steps) = &stage.on_fail {
        each_fail_action(steps, visit);
    }
}

/// Calls `visit` for every action that the stage begins with, and says whether it is done in any case.
pub(super) fn each_start_action<'r>(stage: &'r RawStage, visit: &mut dyn FnMut(Written<'r>, bool)) {
    for item in stage.actions_on_start.iter().flat_map(|list| &list.items) {
        let actions = item.entries.iter().filter_map(|entry| entry.value.written());
        actions.for_each(|action| visit(action, item.guard.is_none()));
    }
}

fn each_fail_action<'r>(steps: &'r Many<Guarded<RawFailStep>>, visit: &mut dyn FnMut(Written<'r>)) {
    for entry in steps.items.iter().flat_map(|group| &group.entries) {
        entry.value.written().into_iter().for_each(&mut *visit);
        if let RawFailStep::IfStillFail(inner) = &entry.value {
            each_fail_action(inner, visit);
        }
    }
}

/// Calls `visit` for every name that the stage's `set` actions give.
pub(super) fn set_names<'r>(stage: &'r RawStage, visit: &mut dyn FnMut(&'r Text)) {
    each_action(stage, &mut |action| {
        if let Written::Set(set) = action {
            set.0.iter().for_each(|(name, _)| visit(name));
        }
    });
}

impl Reading<'_> {
    /// A list of actions. `whose`: what their `if` may ask for.
    pub(super) fn actions(&mut self, list: Option<&Many<Guarded<RawAction>>>, whose: Whose<'_>) -> Vec<Action> {
        let mut out = Vec::new();
        for item in list.into_iter().flat_map(|list| &list.items) {
            let guard = item.guard.as_ref().map(|raw| self.guard(raw, whose));
            out.extend(self.where_it_holds(guard, |reading| {
                item.entries.iter().flat_map(|entry| reading.raw_action(entry)).collect()
            }));
        }
        out
    }

    /// Actions that are done where `guard` holds; their texts may name what it says of stages.
    pub(super) fn where_it_holds(
        &mut self,
        guard: Option<Guard>,
        read: impl FnOnce(&mut Self) -> Vec<Action>,
    ) -> Vec<Action> {
        let Some(guard) = guard else { return read(self) };
        let before = self.ended.clone();
        self.ended.extend(guard.known_stages().into_iter().map(str::to_owned));
        let actions = read(self);
        self.ended = before;
        let guarded = |action| Action::If { guard: Box::new(guard.clone()), then: Box::new(action) };
        actions.into_iter().map(guarded).collect()
    }

    pub(super) fn raw_action(&mut self, entry: &At<RawAction>) -> Vec<Action> {
        entry.value.written().map(|written| self.action(written)).unwrap_or_default()
    }

    /// A `set` of several names is several actions; all else is one.
    /// Agents take a prompt that begins with `!` for a shell command and run it at once, and one with `/` for a command of
    /// their own (Claude Code 2.1, Codex 0.171): what a prompt begins with is the author's to say, and no value is put into
    /// what a shell runs.
    fn check_prompt_begins(&mut self, text: &Text) {
        let source = text.value.replace("{{principles}}", "-");
        let mut lead = String::new();
        for piece in pieces(&source) {
            match piece {
                Piece::Text(words) => lead.extend(words.chars().filter(|c| !c.is_whitespace() && !is_hidden(*c))),
                Piece::Unclosed(_) => {}
                Piece::Name(name, _) if lead.is_empty() => {
                    let message =
                        format!("a prompt begins with the value `{name}`, which an agent could take for a command");
                    let help = format!(
                        "write words before it, as in `Task: {{{{{name}}}}}`: a value can begin with `!` or `/`"
                    );
                    self.problems.error("prompt-begins-with-value", text.at, message).help(help);
                    return;
                }
                Piece::Name(name, _) if lead.starts_with('!') => {
                    let message =
                        format!("an agent runs what follows `!` in a shell, and the value `{name}` stands there");
                    let help = "use `run` in a pane of its own, where a value is data, or leave the `!` out";
                    self.problems.error("prompt-runs-value", text.at, message).help(help);
                    return;
                }
                Piece::Name(..) => {}
            }
        }
    }

    pub(super) fn action(&mut self, written: Written) -> Vec<Action> {
        match written {
            Written::SendKeys(Short::Short(text)) => {
                self.check_key_as_text(text);
                self.check_tab(text);
                let text = Some(self.template(text, Use::Typed));
                vec![Action::SendKeys { text, keys: Vec::new(), enter: true, expect: Vec::new() }]
            }
            Written::SendKeys(Short::Full(full)) => vec![self.send_keys(full)],
            Written::Run(text) => vec![Action::Run { command: self.template(text, Use::Command) }],
            Written::Prompt(text, expect) => {
                if text.value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
                    self.problems.error(
                        "control-character",
                        text.at,
                        "a prompt holds no control characters but line breaks and tabs",
                    );
                }
                self.check_prompt_begins(text);
                vec![Action::Prompt { text: self.template(text, Use::Words), expect: self.expect(expect) }]
            }
            Written::Shell(form) => self.shell(form),
            Written::Notify(form) => self.notify(form),
            Written::Set(set) => self.set(set),
            Written::StartPipeline(form) => self.start_pipeline(form),
        }
    }

    /// A shell completes names at a tab, and runs another line than the one that was written. That it is pasted where the
    /// program takes pastes in brackets helps those only: csh, mksh and an old bash do not.
    fn check_tab(&mut self, text: &Text) {
        if text.value.contains('\t') {
            let help = "press it with `keys: [Tab]` where it is meant; `run` gives a tab to the command as data";
            self.problems
                .error("control-character", text.at, "a tab in typed keys completes names in a shell")
                .help(help);
        }
    }

    fn check_key_as_text(&mut self, text: &Text) {
        let word = text.value.trim();
        if word.chars().count() > 1 && is_key(word) {
            let message = format!("this types the letters `{word}`, it does not press the key");
            self.problems
                .warning("key-as-text", text.at, message)
                .help(format!("to press it write `send_keys: {{keys: [{word}]}}`"));
        }
    }

    fn send_keys(&mut self, full: &RawSendKeys) -> Action {
        full.text.iter().for_each(|text| self.check_tab(text));
        let mut keys = Vec::new();
        for key in full.keys.iter().flat_map(|keys| &keys.items) {
            keys.extend(self.key(key));
        }
        let by_name = full.literal.as_ref().is_some_and(|literal| !literal.value);
        let mut text = None;
        if let Some(written) = &full.text {
            if by_name {
                // What earlier scripts did with every text: tmux looks whether it is the name of a key.
                keys.splice(0..0, self.key(written));
            } else {
                text = Some(self.template(written, Use::Typed));
            }
        }
        let enter = full.enter.as_ref().map_or(text.is_some(), |enter| enter.value);
        Action::SendKeys { text, keys, enter, expect: self.expect(full.expect.as_ref()) }
    }

    /// The programs that an action names as its readers.
    fn expect(&mut self, names: Option<&Many<Text>>) -> Vec<String> {
        let Some(names) = names else { return Vec::new() };
        if names.blank {
            self.problems.error("never-holds", names.at, "an empty `expect` names no program, so nothing is typed");
        }
        for name in &names.items {
            self.test(name);
            if name.value.trim().is_empty() {
                self.problems.error("empty-text", name.at, "the text is empty");
            } else if name.value.trim_start_matches('/').contains([' ', '/'])
                && !(name.value.starts_with('/') && name.value.ends_with('/'))
            {
                let message = format!("`{}` is a path or a command line; `expect` takes a program's name", name.value);
                let help = "write the name as `tmuxagent panes` shows it, without folders and arguments";
                self.problems.error("bad-name", name.at, message).help(help);
            }
        }
        names.items.iter().map(|name| name.value.trim().to_owned()).collect()
    }

    /// What is typed for each answer's label.
    pub(super) fn answers(&mut self, raw: Option<&RawAnswers>) -> Vec<(String, Vec<KeyStep>)> {
        let mut out: Vec<(String, Vec<KeyStep>)> = Vec::new();
        for (label, typed) in raw.into_iter().flat_map(|raw| &raw.0) {
            let name = label.value.trim().to_owned();
            if name.is_empty() {
                self.problems.error("empty-text", label.at, "the text is empty");
            }
            if out.iter().any(|(known, _)| *known == name) {
                self.problems.error("twice", label.at, format!("the answer `{name}` is given twice"));
            }
            let (text, keys, enter) = match typed {
                Short::Short(text) => (Some(text), None, None),
                Short::Full(full) => (full.text.as_ref(), full.keys.as_ref(), full.enter.as_ref()),
            };
            if let Some(text) = text {
                self.check_key_as_text(text);
                if text.value.chars().any(char::is_control) {
                    let message = "what is typed for an answer is one line";
                    self.problems.error("control-character", text.at, message);
                }
                if text.value.contains("{{") {
                    let message = "what is typed for an answer holds no values: write the text itself";
                    self.problems.error("bad-template", text.at, message);
                }
            }
            let pressed: Vec<String> =
                keys.iter().flat_map(|keys| &keys.items).filter_map(|key| self.key(key)).collect();
            let enter = enter.map_or(text.is_some(), |enter| enter.value);
            out.push((name, key_steps(text.map(|text| text.value.clone()), &pressed, enter)));
        }
        out
    }

    fn key(&mut self, key: &Text) -> Option<String> {
        let name = key.value.trim();
        if is_key(name) {
            return Some(name.to_owned());
        }
        let help = "keys are called as in tmux: `Enter`, `Escape`, `Up`, `C-c`, `M-x`, `F5`; a text goes into `text`";
        self.problems
            .error("unknown-key-name", key.at, format!("tmux has no key `{name}`"))
            .nearest(nearest(name, KEY_NAMES.iter().copied()))
            .help(help);
        None
    }

    fn shell(&mut self, form: &Short<Text, RawShell>) -> Vec<Action> {
        let (script, timeout) = match form {
            Short::Short(script) => (Some(script), None),
            Short::Full(full) => {
                (full.script.as_ref(), self.long_span(full.timeout.as_ref(), full.timeout_ms.as_ref()))
            }
        };
        let timeout = timeout.unwrap_or(SHELL_TIMEOUT);
        script.map(|script| Action::Shell { script: self.template(script, Use::Script), timeout }).into_iter().collect()
    }

    fn notify(&mut self, form: &Short<Text, RawNotify>) -> Vec<Action> {
        match form {
            Short::Short(text) => vec![Action::Notify {
                text: self.template(text, Use::Words),
                channels: Vec::new(),
                urgency: Urgency::Normal,
                kind: AlertKind::Custom,
            }],
            Short::Full(full) => {
                let urgency = full.urgency.as_ref().and_then(|word| self.word(word, "the urgency", URGENCIES));
                let kind = full.kind.as_ref().and_then(|word| self.word(word, "the kind of an alert", KINDS));
                let channels =
                    full.channels.iter().flat_map(|list| &list.items).map(|text| text.value.clone()).collect();
                let text = full.text.as_ref().map(|text| self.template(text, Use::Words));
                text.map(|text| Action::Notify {
                    text,
                    channels,
                    urgency: urgency.unwrap_or(Urgency::Normal),
                    kind: kind.unwrap_or(AlertKind::Custom),
                })
                .into_iter()
                .collect()
            }
        }
    }

    fn set(&mut self, set: &RawSet) -> Vec<Action> {
        let mut out = Vec::new();
        for (name, value) in &set.0 {
            let first_fits = name.value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !first_fits || !name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                let help = "names are letters, digits and `_`, and start with a letter";
                self.problems
                    .error("bad-name", name.at, format!("`{}` can't be the name of a variable", name.value))
                    .help(help);
            } else if TEMPLATE_NAMES.contains(&name.value.as_str()) || name.value == "principles" {
                let message = format!("`{}` already has a meaning in texts", name.value);
                self.problems.error("reserved-name", name.at, message).help("choose another name");
            }
            out.push(Action::Set { name: name.value.clone(), value: self.template(value, Use::Words) });
        }
        out
    }

    fn start_pipeline(&mut self, form: &Short<Text, RawStart>) -> Vec<Action> {
        let (name, place, given) = match form {
            Short::Short(name) => (Some(name), None, None),
            Short::Full(full) => (full.pipeline.as_ref(), full.place.as_ref(), full.given.as_ref()),
        };
        let given = given.iter().flat_map(|named| &named.0);
        let given = given.map(|(name, text)| (name.value.trim().to_owned(), self.template(text, Use::Words))).collect();
        let Some(name) = name else { return Vec::new() };
        let beside = place.and_then(|word| self.word(word, "`where`", PLACES)).unwrap_or_default();
        if !self.pipelines.contains(&name.value.as_str()) {
            self.problems
                .error("unknown-pipeline", name.at, format!("there is no pipeline `{}`", name.value))
                .nearest(nearest(&name.value, self.pipelines.iter().copied()));
        }
        vec![Action::StartPipeline { pipeline: name.value.clone(), beside, given }]
    }
}
