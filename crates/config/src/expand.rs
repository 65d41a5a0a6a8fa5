//! `${VAR}` and `~` in texts of the configuration.

use super::Environment;
use tmuxagent_yaml::{Kind, Node, Reader};

/// Fills `${NAME}` and `${NAME:-default}` in every text of the tree; `$${` stands for a literal `${`.
/// A variable that is not set is an error at the place of its text.
pub(super) fn fill(node: &mut Node, environment: &Environment, reader: &Reader<'_>) {
    let at = node.at;
    match &mut node.kind {
        Kind::Scalar { text, .. } if text.contains("${") => match fill_text(text, environment) {
            // What a variable holds is a text, also where it looks like a flag or like nothing.
            Ok(filled) => *node = Node::of_text(at, filled),
            Err(problem) => {
                let help = "set it in the shell, or in a file `.env` (mode 600) beside the configuration";
                reader.error_with("not-set", at, problem, help);
                // What follows must not complain about the text a second time.
                *node = Node::nothing(at);
            }
        },
        Kind::List(items) => items.iter_mut().for_each(|item| fill(item, environment, reader)),
        Kind::Map(entries) => entries.iter_mut().for_each(|(_, value)| fill(value, environment, reader)),
        Kind::Scalar { .. } => {}
    }
}

fn fill_text(text: &str, environment: &Environment) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(literal) = before.strip_suffix('$') {
            filled.push_str(literal);
            filled.push_str("${");
            rest = &from[2..];
            continue;
        }
        filled.push_str(before);
        let end = from.find('}').ok_or_else(|| "`${` without its `}`".to_owned())?;
        let inside = &from[2..end];
        let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("`${{{inside}}}` is not the name of a variable"));
        }
        match (environment.get(name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) => filled.push_str(value),
            (None, Some(default)) => filled.push_str(default),
            (None, None) => return Err(format!("the environment variable `{name}` is not set")),
        }
        rest = &from[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Replaces a leading `~` or `~/` by the home folder. `~name` stays as it is.
pub(super) fn home(text: &str, environment: &Environment) -> std::path::PathBuf {
    match (text.strip_prefix('~'), environment.home()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => std::path::PathBuf::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled() {
        let environment = Environment::from_pairs([("A", "1"), ("B_2", "zwei"), ("EMPTY", ""), ("HOME", "/home/u")]);
        let fill = |text| fill_text(text, &environment);
        assert_eq!(fill("x${A}y${B_2}").as_deref(), Ok("x1yzwei"));
        assert_eq!(fill("${NO:-d}${A:-d}").as_deref(), Ok("d1"));
        assert_eq!(fill("$${A} $A 5$").as_deref(), Ok("${A} $A 5$"));
        assert_eq!(fill("${NO}"), Err("the environment variable `NO` is not set".to_owned()));
        assert_eq!(fill("${EMPTY}"), Err("the environment variable `EMPTY` is not set".to_owned()));
        assert_eq!(fill("${A"), Err("`${` without its `}`".to_owned()));
        assert_eq!(fill("${a b}"), Err("`${a b}` is not the name of a variable".to_owned()));
        // What a variable holds is not filled again.
        let nested = Environment::from_pairs([("A", "${B}")]);
        assert_eq!(fill_text("${A}", &nested).as_deref(), Ok("${B}"));
    }

    #[test]
    fn a_leading_tilde_is_the_home_folder() {
        let environment = Environment::from_pairs([("HOME", "/home/u")]);
        let shown = ["~", "~/x/y", "~other/x", "/a/~"].map(|text| home(text, &environment).display().to_string());
        assert_eq!(shown, ["/home/u", "/home/u/x/y", "~other/x", "/a/~"]);
    }
}
