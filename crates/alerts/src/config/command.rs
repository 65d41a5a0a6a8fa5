//! `command:`, a program with its arguments. No shell reads it, so a line for one can't be run and is refused here, not
//! when the first alert fails.

use super::kinds::{Kind, Part};

/// What only a shell makes anything of.
const FOR_A_SHELL: &[char] = &['|', '&', ';', '<', '>', '$', '`', '"', '\'', '\\', '*', '?', '(', ')', '#'];

pub(super) fn read(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let words = part.fields.texts("command").unwrap_or_default();
    let (path, reader) = (part.fields.path("command"), part.fields.reader());
    let Some((program, arguments)) = words.split_first().filter(|(program, _)| !program.trim().is_empty()) else {
        let help = "for example `command: [apprise, --config, /home/me/apprise.yml]`";
        reader.error_with("missing-key", part.at, format!("`{path}` is needed"), help);
        return None;
    };
    let is_list = part.fields.get("command").is_some_and(|node| node.as_text().is_none());
    // In a list a path may hold blanks.
    let is_path = is_list && program.contains('/');
    if !is_path && program.contains(char::is_whitespace) || !program.contains('/') && program.contains(FOR_A_SHELL) {
        let text = format!("`{path}` must be a list of a program and its arguments; no shell reads it");
        reader.error_with("bad-command", part.place("command"), text, help(program, arguments));
        return None;
    }
    if program.starts_with("~/") {
        let text = format!("`{path}` must name its program by the whole path or by a name on PATH; no shell reads it");
        let help = format!("write `/home/…` in place of `~` in `{program}`");
        reader.error_with("bad-command", part.place("command"), text, help);
        return None;
    }
    Some(Kind::Command { program: program.clone(), arguments: arguments.to_vec() })
}

/// The list that was meant: of a plain line its words, of anything else a shell that is given the line.
fn help(line: &str, arguments: &[String]) -> String {
    if arguments.is_empty() && !line.contains(FOR_A_SHELL) && !line.contains([',', '[', ']', '{', '}', ':', '~']) {
        let words: Vec<&str> = line.split_whitespace().collect();
        return format!("write `command: [{}]`", words.join(", "));
    }
    let line = std::iter::once(line).chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    format!("write `command: [sh, -c, '{}']`", line.trim().replace('\'', "''"))
}
