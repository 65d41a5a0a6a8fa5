//! Stages that are made of a template: `use` and `with`.
//!
//! A stage has the keys of its template, and its own, which come first. `{{params.NAME}}` in a template is the value that the
//! stage gives to its parameter: alone it is that very value, within a text it is put in as it is written.

use std::collections::BTreeSet;
use tmuxagent_yaml::{Key, Kind, Node, Place, Problems, nearest, parse_duration};

/// How a parameter is named in a template.
const PARAMS: &str = "params.";

/// The most nodes that the stages of one file may hold once they are written out.
const MOST_NODES: usize = 500_000;

/// A template as it is written.
struct Template<'n> {
    name: &'n Key,
    parameters: Vec<Parameter<'n>>,
    stage: &'n [(Key, Node)],
}

struct Parameter<'n> {
    key: &'n Key,
    kind: Type,
    choices: Vec<&'n str>,
    default: Option<&'n Node>,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Number,
    Bool,
    Duration,
    List,
    Any,
}

const TYPES: [(&str, Type); 6] = [
    ("text", Type::Text),
    ("number", Type::Number),
    ("bool", Type::Bool),
    ("duration", Type::Duration),
    ("list", Type::List),
    ("any", Type::Any),
];

/// Puts the templates of a file into the stages that use them.
pub(super) fn put_in(tree: &mut Node, problems: &mut Problems) {
    let whole = tree.clone();
    let templates: Vec<Template<'_>> = whole
        .get("templates")
        .and_then(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter_map(|(name, node)| read(name, node, problems))
        .collect();
    let mut nodes = 0;
    for pipeline in items_mut(tree, "pipelines") {
        for stage in items_mut(pipeline, "stages") {
            if stage.get("use").is_some() || stage.get("with").is_some() {
                if let Some(made) = stage_of(stage, &templates, problems) {
                    *stage = made;
                }
                nodes += size(stage);
            }
        }
    }
    if nodes > MOST_NODES {
        problems.error("yaml", tree.at, "the file is too large once its templates are put in");
        *tree = Node::nothing(tree.at);
    }
}

fn items_mut<'n>(tree: &'n mut Node, key: &str) -> &'n mut [Node] {
    let Kind::Map(entries) = &mut tree.kind else { return &mut [] };
    let Some((_, value)) = entries.iter_mut().find(|(known, _)| known.text == key) else { return &mut [] };
    if value.entries().is_some() {
        return std::slice::from_mut(value);
    }
    match &mut value.kind {
        Kind::List(items) => items,
        Kind::Map(_) | Kind::Scalar { .. } => &mut [],
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Scalar { .. } => 0,
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Map(entries) => entries.iter().map(|(_, value)| 1 + size(value)).sum(),
    }
}

/// What is wrong with its form is told where the key is read.
fn read<'n>(name: &'n Key, node: &'n Node, problems: &mut Problems) -> Option<Template<'n>> {
    let stage = node.get("stage")?.entries()?;
    let given = node.get("parameters").and_then(Node::entries).unwrap_or_default();
    let parameters: Vec<Parameter<'n>> = given.iter().map(|(key, node)| parameter(key, node, problems)).collect();
    if let Some((key, _)) = stage.iter().find(|(key, _)| matches!(key.text.as_str(), "use" | "with")) {
        problems.error("template", key.at, "a template can't use another one");
    }
    let (mut named, template) = (BTreeSet::new(), &name.text);
    for (_, value) in stage {
        names_in(value, &mut |name, at| {
            if parameters.iter().any(|known| known.key.text == name) {
                named.insert(name.to_owned());
                return;
            }
            let near = nearest(name, parameters.iter().map(|known| known.key.text.as_str()));
            let at = problems.within(at, name);
            let message = format!("the template `{}` has no parameter `{name}`", template);
            problems.error("unknown-name", at, message).nearest(near);
        });
    }
    for unused in parameters.iter().filter(|known| !named.contains(&known.key.text)) {
        let message = format!("nothing in this template names its parameter `{}`", unused.key.text);
        problems.warning("unused-parameter", unused.key.at, message);
    }
    Some(Template { name, parameters, stage })
}

/// A parameter: its default alone, or a map.
fn parameter<'n>(key: &'n Key, node: &'n Node, problems: &mut Problems) -> Parameter<'n> {
    if node.entries().is_none() {
        let default = (!node.is_nothing()).then_some(node);
        return Parameter { key, kind: Type::Text, choices: Vec::new(), default };
    }
    let word = node.get("type").and_then(Node::as_text);
    let kind = word.and_then(|word| TYPES.iter().find(|(known, _)| *known == word)).map(|(_, kind)| *kind);
    if let (Some(word), None, Some(at)) = (word, kind, node.get("type").map(|node| node.at)) {
        let words = TYPES.map(|(word, _)| word);
        let message = format!("the type of a parameter can't be `{word}`");
        problems
            .error("unknown-word", at, message)
            .nearest(nearest(word, words))
            .help(format!("it is one of {}", words.join(", ")));
    }
    let choices = match node.get("choices").map(|node| &node.kind) {
        Some(Kind::List(items)) => items.iter().filter_map(Node::as_text).collect(),
        _ => Vec::new(),
    };
    let found = Parameter { key, kind: kind.unwrap_or(Type::Text), choices, default: node.get("default") };
    if let Some(default) = found.default {
        found.check(default, problems);
    }
    found
}

impl Parameter<'_> {
    /// Whether a value is what the parameter takes.
    fn check(&self, value: &Node, problems: &mut Problems) {
        let fits = match self.kind {
            Type::Any => true,
            Type::List => matches!(value.kind, Kind::List(_) | Kind::Scalar { .. }),
            Type::Text => value.as_text().is_some(),
            Type::Number => value.parsed::<f64>().is_some(),
            Type::Bool => value.as_flag().is_some(),
            Type::Duration => value.as_text().is_some_and(|text| text == "never" || parse_duration(text).is_some()),
        };
        let name = &self.key.text;
        if !fits {
            let wanted = match self.kind {
                Type::Number => "a number",
                Type::Bool => "`true` or `false`",
                Type::Duration => "a duration like `30s`",
                Type::List => "a list",
                Type::Text | Type::Any => "a text",
            };
            let message = format!("the parameter `{name}` is {wanted}, and not {}", value.describe());
            problems.error("wrong-type", value.at, message);
        } else if let Some(text) =
            value.as_text().filter(|text| !self.choices.is_empty() && !self.choices.contains(text))
        {
            let message = format!("the parameter `{name}` can't be `{text}`");
            let all = self.choices.join(", ");
            let near = nearest(text, self.choices.iter().copied());
            problems.error("unknown-word", value.at, message).nearest(near).help(format!("it is one of {all}"));
        }
    }
}

/// A stage with the keys of its template behind its own.
fn stage_of(stage: &Node, templates: &[Template<'_>], problems: &mut Problems) -> Option<Node> {
    let entries = stage.entries()?;
    let Some(used) = stage.get("use") else {
        let at = entries.iter().find(|(key, _)| key.text == "with").map_or(stage.at, |(key, _)| key.at);
        problems.error("template", at, "`with` gives values to a template, and this stage has no `use`");
        return None;
    };
    let name = used.as_text().unwrap_or_default();
    let Some(template) = templates.iter().find(|known| known.name.text == name) else {
        let near = nearest(name, templates.iter().map(|known| known.name.text.as_str()));
        let draft = problems.error("unknown-template", used.at, format!("there is no template `{name}`"));
        match near {
            Some(near) => draft.nearest(Some(near)),
            None => draft.help("give it in `templates`, or in a file of `include`"),
        };
        return None;
    };
    let given = stage.get("with").and_then(Node::entries).unwrap_or_default();
    let values = values(template, given, used.at, problems);
    let mut made: Vec<(Key, Node)> =
        entries.iter().filter(|(key, _)| !matches!(key.text.as_str(), "use" | "with")).cloned().collect();
    for (key, value) in template.stage {
        if made.iter().all(|(own, _)| own.text != key.text) {
            made.push((key.clone(), filled(value, &values)));
        }
    }
    Some(Node { kind: Kind::Map(made), ..stage.clone() })
}

/// The value of each parameter: what is given, or its default.
fn values<'n>(
    template: &Template<'n>,
    given: &'n [(Key, Node)],
    at: Place,
    problems: &mut Problems,
) -> Vec<(&'n str, &'n Node)> {
    let known = &template.parameters;
    for (key, _) in given.iter().filter(|(key, _)| known.iter().all(|one| one.key.text != key.text)) {
        let message = format!("the template `{}` has no parameter `{}`", template.name.text, key.text);
        let near = nearest(&key.text, known.iter().map(|one| one.key.text.as_str()));
        problems.error("unknown-name", key.at, message).nearest(near);
    }
    let mut found = Vec::new();
    for parameter in known {
        let name = parameter.key.text.as_str();
        match given.iter().find(|(key, _)| key.text == name) {
            Some((_, value)) => {
                parameter.check(value, problems);
                found.push((name, value));
            }
            None => match parameter.default {
                Some(value) => found.push((name, value)),
                None => {
                    let message = format!("the template `{}` needs a value for `{name}`", template.name.text);
                    problems.error("missing-key", at, message).help(format!("write `with: {{{name}: …}}`"));
                }
            },
        }
    }
    found
}

/// A part of a template with the values in it.
fn filled(node: &Node, values: &[(&str, &Node)]) -> Node {
    let kind = match &node.kind {
        Kind::List(items) => Kind::List(items.iter().map(|item| filled(item, values)).collect()),
        Kind::Map(entries) => {
            Kind::Map(entries.iter().map(|(key, value)| (key.clone(), filled(value, values))).collect())
        }
        Kind::Scalar { text, plain } => {
            let alone = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
            let name = alone.and_then(|name| name.strip_prefix(PARAMS));
            if let Some((_, value)) = values.iter().find(|(known, _)| Some(*known) == name) {
                return (*value).clone();
            }
            Kind::Scalar { text: filled_text(text, values), plain: *plain }
        }
    };
    Node { kind, ..node.clone() }
}

fn filled_text(text: &str, values: &[(&str, &Node)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, name, behind)) = next_name(rest) {
        let value = values.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.as_text());
        out.push_str(before);
        match value {
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[before.len()..rest.len() - behind.len()]),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The next `{{params.NAME}}` of a text: what stands before it, the name, and what stands behind it.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find("{{")?;
        let inside = text.get(open + 2..)?;
        let close = inside.find("}}")?;
        if let Some(name) = inside[..close].trim().strip_prefix(PARAMS) {
            return Some((&text[..open], name, &inside[close + 2..]));
        }
        from = open + 2;
    }
}

/// Every parameter that a part of a template names, with the place of the text.
fn names_in(node: &Node, visit: &mut dyn FnMut(&str, Place)) {
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| names_in(item, visit)),
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| names_in(value, visit)),
        Kind::Scalar { text, .. } => {
            let mut rest = text.as_str();
            while let Some((_, name, behind)) = next_name(rest) {
                visit(name, node.at);
                rest = behind;
            }
        }
    }
}
