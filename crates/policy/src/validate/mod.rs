//! Raw → core: every value checked, every problem told, nothing guessed.

mod valid_action;
mod valid_auto_answer;
mod valid_closing;
mod valid_concurrency;
mod valid_condition;
mod valid_defaults;
mod valid_each;
mod valid_guard;
mod valid_inputs;
mod valid_loop;
mod valid_outside;
mod valid_panes;
mod valid_poll;
mod valid_selector;
mod valid_stage;
mod valid_values;
mod values;

use self::valid_defaults::Defaults;
pub use self::valid_inputs::input_values;
use self::values::shapes;
use super::expand::expand;
use super::flow::{Input, NamedPane};
use super::lint;
use super::pattern::{Patterns, mistake};
use super::plain::Shape;
use super::policy::{Backoff, Pipeline, Policy, TextTemplate};
use super::raw::{RawBackoff, RawPipeline, RawPolicy, write_out_each, write_out_needs};
use super::read::{Read as _, Short, Span, SpanMs, Text};
use super::template::{Piece, TEMPLATE_NAMES, pieces, taken_for_plain};
use super::words::{Words, bundled_words};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tmuxagent_model::Millis;
use tmuxagent_yaml::{Diagnostics, Place, Problems, Source, nearest};

/// Reads and checks a policy. Its `generation` is 0; whoever loads policies again and again counts.
///
/// # Errors
/// All problems, warnings among them, when at least one is an error.
pub fn load(sources: &[Source]) -> Result<Policy, Diagnostics> {
    let (policy, diagnostics) = analyse(sources);
    policy.ok_or(diagnostics)
}

/// Reads and checks a policy: it is there unless a problem is an error.
#[must_use]
pub fn analyse(sources: &[Source]) -> (Option<Policy>, Diagnostics) {
    let mut problems = Problems::new(sources);
    let files = expand(sources, &mut problems);
    let read = files.iter().filter_map(|file| Some((RawPolicy::read(&file.tree, &mut problems)?, file.included)));
    let (mut raws, included): (Vec<RawPolicy>, Vec<bool>) = read.unzip();
    write_out_each(&mut raws, &mut problems);
    write_out_needs(&mut raws, &mut problems);
    let mut policy = Policy { hash: hash(sources), ..Policy::default() };
    let mut reading = Reading::new(problems, &raws);
    for raw in &raws {
        reading.take_words(raw.words.as_ref());
    }
    for (raw, included) in raws.iter().zip(included) {
        reading.policy(raw, included, &mut policy);
    }
    reading.check_between_commands();
    let empty = raws.iter().all(|raw| raw.pipelines.as_ref().is_none_or(Vec::is_empty));
    if empty && policy.auto_answers.is_empty() && !reading.problems.has_errors() {
        let help = "write pipelines, or start from `tmuxagent policy init`";
        reading.problems.warning("empty-policy", Place::default(), "the policy has no pipelines").help(help);
    }
    if let Err(error) = reading.patterns.check_together() {
        let message = format!("the patterns of the policy are too large together: {error}");
        reading
            .problems
            .error("regex-too-large", Place::default(), message)
            .help("make `.{…}` counts smaller, or split patterns");
    }
    lint::run(&raws, &policy, &reading.patterns, &mut reading.problems);
    let Reading { problems, patterns, words, .. } = reading;
    policy.words = words;
    policy.patterns = patterns.list;
    let usable = !problems.has_errors();
    (usable.then_some(policy), problems.finish())
}

fn hash(sources: &[Source]) -> String {
    let mut digest = Sha256::new();
    for source in sources {
        // Lengths keep "ab"+"c" apart from "a"+"bc".
        for part in [&source.name, &source.text] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
    }
    digest.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a text with `{{name}}` is used for; decides what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Words for people and agents.
    Words,
    /// A line typed into the pane.
    Typed,
    /// A command for the shell in the pane, of one line or several: it is typed as data of one line.
    Command,
    /// A shell script.
    Script,
    /// A URL or a part of one.
    Address,
}

impl Use {
    /// Whether a shell may read it.
    const fn is_command(self) -> bool {
        match self {
            Self::Typed | Self::Command | Self::Script => true,
            Self::Words | Self::Address => false,
        }
    }
}

/// The state of one validation.
struct Reading<'a> {
    problems: Problems<'a>,
    patterns: Patterns,
    /// Names of all pipelines, for `start_pipeline`.
    pipelines: BTreeSet<&'a str>,
    /// Where each pipeline is defined.
    seen: BTreeMap<String, Place>,
    /// The principles of all files, as `{{principles}}` shows them.
    principles: String,
    /// The defaults of the file being read.
    defaults: Defaults,
    /// Names of stages of the pipeline being read.
    stages: Vec<&'a str>,
    /// Names that the templates of the pipeline being read may use beside [`TEMPLATE_NAMES`].
    variables: BTreeSet<String>,
    /// Those of them whose values are plain, whatever a pane prints, each with what they can be.
    plain: BTreeMap<String, Shape>,
    /// All commands so far.
    commands: Vec<(String, Place, bool)>,
    /// Inputs that the file being read gives.
    inputs: Vec<Input>,
    /// Inputs of the pipeline being read.
    known_inputs: Vec<Input>,
    /// The stages that have certainly ended when the text being read is filled in.
    ended: BTreeSet<String>,
    /// The stages of the pipeline being read that have a `run`, and whether it is certain to be done.
    running: BTreeMap<&'a str, bool>,
    /// Those that may be skipped.
    guarded: BTreeSet<&'a str>,
    /// Those whose output some text names.
    told: BTreeSet<String>,
    /// The words by which `looks_like` goes.
    words: Words,
    /// Names for panes that the file being read gives, each with where it stands and whether a stage uses it.
    panes: Vec<PaneName>,
}

/// A name for panes.
struct PaneName {
    pane: NamedPane,
    at: Place,
    used: bool,
}

impl<'a> Reading<'a> {
    fn new(problems: Problems<'a>, raws: &'a [RawPolicy]) -> Self {
        let all = || raws.iter().flat_map(|raw| raw.pipelines.iter().flatten());
        let texts = raws.iter().flat_map(|raw| raw.principles.iter().flat_map(|list| &list.items));
        // Files that come from one model repeat its principles.
        let mut principles: Vec<&str> = Vec::new();
        for text in texts.map(|text| text.value.trim()) {
            if !principles.contains(&text) {
                principles.push(text);
            }
        }
        Self {
            problems,
            patterns: Patterns::default(),
            pipelines: all().filter_map(|pipeline| pipeline.name.as_ref()).map(|name| name.value.as_str()).collect(),
            seen: BTreeMap::new(),
            principles: principles.iter().map(|text| format!("- {text}")).collect::<Vec<_>>().join("\n"),
            defaults: Defaults::default(),
            stages: Vec::new(),
            variables: BTreeSet::new(),
            plain: BTreeMap::new(),
            commands: Vec::new(),
            inputs: Vec::new(),
            known_inputs: Vec::new(),
            ended: BTreeSet::new(),
            running: BTreeMap::new(),
            guarded: BTreeSet::new(),
            told: BTreeSet::new(),
            words: bundled_words(),
            panes: Vec::new(),
        }
    }

    fn policy(&mut self, raw: &'a RawPolicy, included: bool, policy: &mut Policy) {
        if let Some(version) = &raw.version
            && version.value != "1"
        {
            let message = format!("version `{}` of the policy language is not known", version.value);
            self.problems.error("version", version.at, message).help("this program reads version 1");
        }
        for text in raw.principles.iter().flat_map(|list| &list.items).map(|text| text.value.trim()) {
            if !policy.principles.iter().any(|known| known == text) {
                policy.principles.push(text.to_owned());
            }
        }
        self.defaults = raw.defaults.as_ref().map_or_else(Defaults::default, |raw| self.defaults(raw));
        self.panes = self.pane_names(raw.panes.as_ref());
        self.inputs = self.inputs(raw.inputs.as_ref());
        for raw in raw.pipelines.iter().flatten() {
            let pipeline = self.pipeline(raw);
            policy.pipelines.push(pipeline);
        }
        let panes = std::mem::take(&mut self.panes);
        // What another file gives may be meant for a third one.
        let own: Vec<PaneName> =
            panes.into_iter().filter(|name| !included && name.at.source == raw.at.source).collect();
        self.check_unused(&own);
        for raw in raw.auto_answers.iter().flatten() {
            let rule = self.auto_answer(raw, &policy.auto_answers);
            policy.auto_answers.push(rule);
        }
    }

    fn pipeline(&mut self, raw: &'a RawPipeline) -> Pipeline {
        let name = raw.name.as_ref().map(|name| self.name(name, "a pipeline")).unwrap_or_default();
        if let Some(text) = &raw.name {
            match self.seen.get(&name) {
                Some(first) => {
                    let first = self.problems.describe(*first);
                    let message = format!("the pipeline `{name}` is defined twice: here and at {first}");
                    self.problems.error("duplicate-pipeline", text.at, message).help("give one of them another name");
                }
                None => drop(self.seen.insert(name.clone(), text.at)),
            }
        }
        let of_file = self.defaults.clone();
        if let Some(raw) = &raw.defaults {
            self.defaults = self.defaults(raw).or(&of_file);
        }
        let stages: &'a [_] = raw.stages.as_ref().map_or(&[], |list| list.items.as_slice());
        if raw.stages.as_ref().is_some_and(|list| list.blank) {
            self.problems.error("no-stages", raw.at, format!("the pipeline `{name}` has no stages"));
        }
        self.stages = stages.iter().filter_map(|stage| stage.name.as_ref()).map(|name| name.value.as_str()).collect();
        let inputs = self.inputs_of(raw);
        self.variables = self.variables_of(stages);
        self.plain = shapes(stages);
        self.add_values(&inputs, stages);
        self.known_inputs.clone_from(&inputs);
        let selector =
            raw.selector.as_ref().and_then(|tried| tried.0.as_ref()).map(|selector| self.selectors(selector));
        self.check_stage_names(stages);
        let closing: &'a [_] = raw.closing.as_ref().map_or(&[], |list| list.items.as_slice());
        let panes = self.panes_of(raw, stages, closing);
        let own_pane = self.own_pane(raw, stages, &panes);
        let own = || panes.iter().find(|pane| Some(&pane.name) == own_pane.as_ref()).map(|pane| pane.selector.clone());
        let pipeline = Pipeline {
            description: raw.description.as_ref().map(|text| text.value.trim().to_owned()).unwrap_or_default(),
            selector: selector.or_else(own).unwrap_or(super::Selector::Any(Vec::new())),
            panes,
            own_pane,
            stages: self.stages_of(stages, closing),
            inputs,
            loops: self.loops(raw.loops.as_ref()),
            answers: self.answers(raw.answers.as_ref()),
            concurrency: self.concurrency(raw, &name),
            parallel: self.parallel(raw),
            place: self.problems.describe(raw.at),
            name,
        };
        self.defaults = of_file;
        pipeline
    }

    fn check_stage_names(&mut self, stages: &[super::raw::RawStage]) {
        let mut seen: Vec<&Text> = Vec::new();
        for name in stages.iter().filter_map(|stage| stage.name.as_ref()) {
            if let Some(first) = seen.iter().find(|known| known.value == name.value) {
                let first = self.problems.describe(first.at);
                let message = format!("the stage `{}` is defined twice in its pipeline", name.value);
                self.problems.error("duplicate-stage", name.at, message).help(format!("the first is at {first}"));
            } else {
                seen.push(name);
            }
        }
    }

    /// Names of pipelines, stages and locks: what a person can type and a file can be called.
    fn name(&mut self, text: &Text, of: &str) -> String {
        let name = text.value.trim();
        if name.is_empty() {
            self.problems.error("bad-name", text.at, format!("{of} needs a name"));
        } else if name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '{' | '}')) || name.starts_with('.') {
            let message = format!("`{name}` can't be the name of {of}");
            self.problems
                .error("bad-name", text.at, message)
                .help("names hold no `/`, `\\`, braces or control characters");
        } else if name.chars().count() > 80 {
            self.problems.error("bad-name", text.at, format!("the name of {of} is longer than 80 characters"));
        }
        name.to_owned()
    }

    fn lock(&mut self, within: Option<&Text>, short: Option<&Text>) -> Option<String> {
        if let (Some(_), Some(short)) = (within, short) {
            self.problems.error("twice", short.at, "`lock` and `concurrency: {lock: …}` say the same; keep one");
        }
        within.or(short).map(|text| self.name(text, "a lock"))
    }

    /// A span that can be written with its unit or as milliseconds; 0 is given back as it is.
    fn span(&mut self, with_unit: Option<&Span>, millis: Option<&SpanMs>) -> Option<(Place, Millis)> {
        if let (Some(_), Some(millis)) = (with_unit, millis) {
            self.problems.error(
                "twice",
                millis.0.at,
                "this time is given twice, with a unit and in milliseconds; keep one",
            );
        }
        with_unit.or(millis.map(|millis| &millis.0)).map(|span| (span.at, span.value))
    }

    /// A span that has to be longer than nothing.
    fn long_span(&mut self, with_unit: Option<&Span>, millis: Option<&SpanMs>) -> Option<Millis> {
        let (at, span) = self.span(with_unit, millis)?;
        if span.0 == 0 {
            self.problems.error("bad-duration", at, "this time must be longer than 0");
            return None;
        }
        Some(span)
    }

    fn poll_interval(&mut self, at: Place, span: Millis) -> Option<Millis> {
        if span < Millis::from_secs(1) {
            self.problems.error("bad-duration", at, "polls are at least one second apart");
            return None;
        }
        Some(span)
    }

    fn backoff(&mut self, raw: Option<&Short<Span, RawBackoff>>, millis: Option<&SpanMs>) -> Option<Backoff> {
        let steady = |span: Millis| Backoff { initial: span, factor_milli: 1000, max: span };
        match (raw, millis) {
            (Some(Short::Full(full)), millis) => {
                if let Some(millis) = millis {
                    self.problems.error("twice", millis.0.at, "the pause is given twice; keep one");
                }
                self.growing_backoff(full)
            }
            (Some(Short::Short(span)), millis) => self.span(Some(span), millis).map(|(_, span)| steady(span)),
            (None, Some(millis)) => Some(steady(millis.0.value)),
            (None, None) => None,
        }
    }

    fn growing_backoff(&mut self, full: &RawBackoff) -> Option<Backoff> {
        const LONGEST_PAUSE: Millis = Millis::from_secs(300);
        let initial = full.initial.as_ref()?.value;
        let factor = full.factor.as_ref().map_or(2.0, |factor| factor.value);
        if !(1.0..=100.0).contains(&factor) {
            let at = full.factor.as_ref().map_or(full.at, |factor| factor.at);
            self.problems.error("bad-number", at, "the factor of a backoff is from 1 to 100");
            return None;
        }
        let max = full.max.as_ref().map_or(LONGEST_PAUSE.max(initial), |max| max.value);
        if let Some(written) = &full.max
            && written.value < initial
        {
            self.problems.error("bad-duration", written.at, "the longest pause is shorter than the first");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1000 and 100000")]
        let factor_milli = (factor * 1000.0).round() as u32;
        Some(Backoff { initial, factor_milli, max })
    }

    /// One of a few words.
    fn word<T: Copy>(&mut self, text: &Text, what: &str, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.value.trim()));
        if found.is_none() {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.problems
                .error("unknown-word", text.at, format!("{what} can't be `{}`", text.value))
                .nearest(nearest(&text.value, words.iter().map(|(word, _)| *word)))
                .help(format!("it is one of {}", all.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// A text with `{{name}}` in it.
    fn template(&mut self, text: &Text, usage: Use) -> TextTemplate {
        let source = text.value.trim_end_matches('\n').replace("{{principles}}", &self.principles);
        for piece in pieces(&source) {
            match piece {
                Piece::Text(_) => {}
                Piece::Unclosed(_) => {
                    let help = "close it with `}}`, or write `\\{{` for two braces";
                    self.problems.error("bad-template", text.at, "`{{` is not closed").help(help);
                }
                Piece::Name(name, _) => self.check_template_name(name, text.at),
            }
        }
        if source.is_empty() {
            self.problems.error("empty-text", text.at, "the text is empty");
        }
        self.check_words(&source, text.at, usage.is_command());
        self.check_signs(text, usage);
        self.check_use(&source, text.at, usage);
        let mut template = TextTemplate::new(source);
        if usage.is_command() {
            let shape = |name: &str| self.plain.get(name).copied().unwrap_or(Shape::Free);
            template.plain =
                taken_for_plain(&template.source, &|name| matches!(shape(name), Shape::Word | Shape::Number));
            template.numbers = taken_for_plain(&template.source, &|name| shape(name) == Shape::Number);
        }
        template
    }

    fn check_template_name(&mut self, name: &str, at: Place) {
        if self.check_stage_value(name, at) {
            return;
        }
        if TEMPLATE_NAMES.contains(&name) || self.variables.contains(name) {
            return;
        }
        let known = TEMPLATE_NAMES.iter().copied().chain(self.variables.iter().map(String::as_str));
        let near = nearest(name, known).map(str::to_owned);
        let at = self.problems.within(at, name);
        let help = valid_values::where_from(name);
        self.problems
            .error("unknown-name", at, format!("nothing gives a value to `{{{{{name}}}}}`"))
            .nearest(near.as_deref())
            .help(help);
    }

    /// Adds the problem of a pattern that does not compile, at the letter that is wrong.
    fn bad_regex(&mut self, text: &Text, error: &str) {
        let mut at = self.problems.within(text.at, &text.value);
        if at.len == text.value.len()
            && let Some(mistake) = mistake(&text.value)
        {
            (at.start, at.len) = (at.start + mistake.start, mistake.len());
        }
        let draft = self.problems.error("bad-regex", at, format!("the regular expression does not compile: {error}"));
        if error.contains("look-around") {
            draft.help("say it by two patterns: `all_of: [{log_regex: …}, {not: {log_regex: …}}]`");
        }
    }

    fn check_use(&mut self, source: &str, at: Place, usage: Use) {
        match usage {
            Use::Words | Use::Address => {}
            Use::Typed => {
                if source.chars().any(|c| c.is_control() && c != '\t') {
                    let help = "a line break would press Enter in the middle: use one action for each line, or `prompt` for an agent";
                    self.problems.error("control-character", at, "what is typed into a pane is one line").help(help);
                }
                self.check_values(source, at, true);
            }
            Use::Command => {
                if source.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
                    let message = "a command holds no control characters but line breaks and tabs";
                    let help = "let the shell make it, as `printf '\\033'` does";
                    self.problems.error("control-character", at, message).help(help);
                }
                self.check_values(source, at, true);
            }
            Use::Script => {
                if source.contains('\0') {
                    self.problems.error("control-character", at, "a script can't hold a NUL character");
                }
                self.check_values(source, at, false);
            }
        }
    }
}

#[cfg(test)]
mod tests;
