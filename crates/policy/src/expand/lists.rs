//! Pipelines and stages that are written as a map of names: told once, and read as the list that is meant, so that all else that
//! is wrong with them is told too.

use tmuxagent_yaml::{Key, Kind, Node, Problems};

/// Looks through a file.
pub(super) fn put_right(tree: &mut Node, problems: &mut Problems) {
    let Some(pipelines) = value_mut(tree, "pipelines") else { return };
    as_list(pipelines, "a pipeline", problems);
    let items: &mut [Node] = match &mut pipelines.kind {
        Kind::List(items) => items,
        Kind::Map(_) | Kind::Scalar { .. } => return,
    };
    for stages in items.iter_mut().filter_map(|pipeline| value_mut(pipeline, "stages")) {
        as_list(stages, "a stage", problems);
    }
}

fn value_mut<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let Kind::Map(entries) = &mut node.kind else { return None };
    entries.iter_mut().find(|(known, _)| known.text == key).map(|(_, value)| value)
}

fn as_list(node: &mut Node, what: &str, problems: &mut Problems) {
    let Kind::Map(entries) = &node.kind else { return };
    let named = entries.iter().all(|(key, value)| key.text != "name" && value.entries().is_some());
    let Some((first, _)) = entries.first().filter(|_| named) else { return };
    let message = format!("expected a list, found a map: {what} has its name within it");
    problems.error("wrong-type", first.at, message).help(format!("write `- name: {}`", first.text));
    let items = entries.iter().map(|(key, value)| {
        let name = (Key { at: key.at, text: "name".to_owned() }, Node::of_text(key.at, key.text.clone()));
        let rest = value.entries().unwrap_or_default().iter().cloned();
        Node { at: key.at, kind: Kind::Map(std::iter::once(name).chain(rest).collect()) }
    });
    node.kind = Kind::List(items.collect());
}
