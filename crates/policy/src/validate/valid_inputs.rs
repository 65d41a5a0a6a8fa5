//! Values that are given at the start.

use super::Reading;
use crate::flow::{Input, InputKind};
use crate::plain::{Shape, is_number, shape_of};
use crate::raw::{Named, RawInput, RawPipeline, RawStage};
use crate::read::{Short, Text};
use crate::template::{INPUTS, StageValue, stage_value};
use tmuxagent_text::{as_it_is, reads_as_it_is, reveal};
use tmuxagent_yaml::nearest;

/// The types of inputs.
#[derive(Debug, Clone, Copy)]
enum Type {
    Text,
    Number,
    Bool,
}

const FROM: &[(&str, bool)] = &[("message", true)];

const TYPES: &[(&str, Type)] = &[("text", Type::Text), ("number", Type::Number), ("bool", Type::Bool)];

impl Input {
    /// Whether it can have a value; otherwise what it can be.
    ///
    /// # Errors
    /// What its values are.
    pub fn fits(&self, value: &str) -> Result<(), String> {
        let control = value.chars().any(char::is_control);
        match &self.kind {
            InputKind::Choice(choices) if choices.iter().any(|choice| choice == value) => Ok(()),
            InputKind::Choice(choices) => Err(format!("it is one of {}", choices.join(", "))),
            InputKind::Number if !value.is_empty() && is_number(value) => Ok(()),
            InputKind::Number => Err("it is a number".to_owned()),
            InputKind::Text if control => Err("it is one line without control characters".to_owned()),
            // Whoever says yes to a run with it reads it before.
            InputKind::Text if !reads_as_it_is(value) => Err("it holds nothing that can't be seen".to_owned()),
            InputKind::Text if value.trim() != value => Err("it neither begins nor ends with a blank".to_owned()),
            InputKind::Text if value.len() > MOST => Err(format!("it is at most {MOST} bytes long")),
            InputKind::Text => Ok(()),
        }
    }

    /// What its values can be.
    fn shape(&self) -> Shape {
        match &self.kind {
            InputKind::Text => Shape::Free,
            InputKind::Number => Shape::Number,
            InputKind::Choice(choices) => choices.iter().map(|choice| shape_of(choice)).min().unwrap_or(Shape::Free),
        }
    }
}

/// The longest text that is given, in bytes.
const MOST: usize = 1000;

impl<'a> Reading<'a> {
    pub(super) fn inputs(&mut self, raw: Option<&Named<Short<Text, RawInput>>>) -> Vec<Input> {
        raw.iter().flat_map(|named| &named.0).map(|(name, form)| self.input(name, form)).collect()
    }

    /// The inputs of a pipeline: its own before those of the file.
    pub(super) fn inputs_of(&mut self, raw: &RawPipeline) -> Vec<Input> {
        let mut inputs = self.inputs(raw.inputs.as_ref());
        let others = self.inputs.iter().filter(|one| inputs.iter().all(|own| own.name != one.name));
        let others: Vec<Input> = others.cloned().collect();
        inputs.extend(others);
        inputs
    }

    fn input(&mut self, name: &Text, form: &Short<Text, RawInput>) -> Input {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.value.is_empty() || !name.value.chars().all(plain) {
            let message = format!("`{}` can't be the name of an input", name.value);
            self.problems.error("bad-name", name.at, message).help("names are letters, digits, `_` and `-`");
        }
        let (kind, default, from) = match form {
            Short::Short(default) => (InputKind::Text, Some(default), None),
            Short::Full(full) => (self.input_kind(full), full.default.as_ref(), full.from.as_ref()),
        };
        let from_message = from.and_then(|word| self.word(word, "what an input is taken from", FROM)).unwrap_or(false);
        let default_text = default.map(|text| text.value.clone());
        let input = Input { name: name.value.clone(), kind, default: default_text, from_message };
        if let Some(text) = default
            && let Err(what) = input.fits(&text.value)
        {
            let message = format!("the default of the input `{}` can't be `{}`", input.name, text.value);
            self.problems.error("bad-default", text.at, message).help(what);
        }
        input
    }

    fn input_kind(&mut self, raw: &RawInput) -> InputKind {
        let kind = raw.kind.as_ref().and_then(|word| self.word(word, "the type of an input", TYPES));
        let choices = raw.choices.iter().flat_map(|list| &list.items).map(|text| text.value.clone()).collect();
        if raw.choices.as_ref().is_some_and(|list| list.blank) {
            self.problems.error("empty-text", raw.at, "an input with `choices` needs one");
        }
        match (kind, &raw.choices) {
            (Some(Type::Bool), Some(list)) => {
                self.problems.error("twice", list.at, "the choices of a `bool` are `true` and `false`");
                InputKind::Choice(choices)
            }
            (Some(Type::Bool), None) => InputKind::Choice(vec!["true".to_owned(), "false".to_owned()]),
            (_, Some(_)) => InputKind::Choice(choices),
            (Some(Type::Number), None) => InputKind::Number,
            (Some(Type::Text) | None, None) => InputKind::Text,
        }
    }

    /// The names that inputs and stages give to texts of the pipeline, and what their values can be.
    pub(super) fn add_values(&mut self, inputs: &[Input], stages: &'a [RawStage]) {
        for input in inputs {
            let name = format!("{INPUTS}.{}", input.name);
            if input.shape() > Shape::Free {
                self.plain.insert(name.clone(), input.shape());
            }
            self.variables.insert(name);
        }
        for stage in self.stages.clone() {
            for (word, value) in StageValue::ALL {
                let name = format!("{}.{word}", stage.trim());
                if stage_value(&name).is_none() {
                    continue;
                }
                if value != StageValue::Output {
                    self.plain.insert(name.clone(), Shape::Number);
                }
                self.variables.insert(name);
            }
        }
        self.running = super::valid_values::with_run(stages);
        let guarded = stages.iter().filter(|stage| stage.guard.is_some()).filter_map(|stage| stage.name.as_ref());
        self.guarded = guarded.map(|name| name.value.trim()).collect();
    }
}

/// The value of each input: what is given, or its default.
///
/// # Errors
/// What is wrong with a given name or value, or which one is missing.
pub fn input_values(inputs: &[Input], given: &[(String, String)]) -> Result<Vec<(String, String)>, String> {
    for (name, value) in given {
        let Some(input) = inputs.iter().find(|input| input.name == *name) else {
            let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            return Err(match (nearest(name, names.iter().copied()), names.is_empty()) {
                (_, true) => format!("there is no input `{name}`: the pipeline has none"),
                (Some(near), false) => format!("there is no input `{name}`; did you mean `{near}`?"),
                (None, false) => format!("there is no input `{name}`; its inputs are {}", names.join(", ")),
            });
        };
        input
            .fits(value)
            .map_err(|what| format!("the input `{name}` can't be `{}`: {what}", reveal(&as_it_is(value))))?;
    }
    let value = |input: &Input| {
        let given = given.iter().rev().find(|(name, _)| *name == input.name).map(|(_, value)| value.clone());
        let Some(value) = given.or_else(|| input.default.clone()) else {
            let name = &input.name;
            return Err(format!(
                "the input `{name}` needs a value, and has no default: start it with `--set {name}=…`"
            ));
        };
        Ok((input.name.clone(), value))
    };
    inputs.iter().map(value).collect()
}
