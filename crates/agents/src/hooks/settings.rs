//! What `install` adds to an agent's settings, and how it is taken out again: as changes of the file's text, so that all
//! that others wrote there stays as it is, letter by letter.

use super::json::{Kind, Malformed, Member, Node, parse, skip};
use super::{HookEvent, HookFile};
use serde::Serialize;
use std::ops::Range;
use tmuxagent_model::shell;

/// What a file says of our hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// None is there.
    No,
    /// Some are missing, or they are not as this program would write them now.
    Otherwise,
    /// All are there.
    Yes,
}

/// A group of hooks as both agents write it.
#[derive(Serialize)]
struct Group<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    matcher: Option<&'a str>,
    hooks: [Entry<'a>; 1],
}

#[derive(Serialize)]
struct Entry<'a> {
    r#type: &'static str,
    command: &'a str,
    timeout: u32,
}

/// By this word a hook of ours is known, whatever the program's file is called.
const MARK: &str = "--by-tmuxagent";

/// The command of an event: the words of this program with its flags, and the event.
fn command(program: &[String], event: &HookEvent) -> String {
    let plain =
        |word: &String| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let words = program.iter().map(|word| if plain(word) { word.clone() } else { shell::quoted(word) });
    words.chain(["hook", event.name, MARK].map(str::to_owned)).collect::<Vec<_>>().join(" ")
}

/// Whether a command is one that [`install`] writes, of this or another place of the program.
fn is_own(command: &str) -> bool {
    let Some((program, rest)) = first_word(command) else { return false };
    let words: Vec<&str> = rest.split(' ').collect();
    let is_event = |event: &str| !event.is_empty() && event.chars().all(char::is_alphanumeric);
    match words[..] {
        [.., "hook", event, MARK] => is_event(event),
        // As it was written before it was marked.
        [.., "hook", event] => is_event(event) && program.rsplit('/').next() == Some("tmuxagent"),
        _ => false,
    }
}

/// The first word of a command as [`shell::quoted`] writes words, and what follows it.
fn first_word(command: &str) -> Option<(String, &str)> {
    if !command.starts_with('\'') {
        let (word, rest) = command.split_once(' ')?;
        return Some((word.to_owned(), rest));
    }
    // A quote within is written as its end, an escaped one, and a new beginning.
    let mut from = 1;
    loop {
        let end = from + command.get(from..)?.find('\'')?;
        let rest = command.get(end + 1..)?;
        if rest.starts_with("\\''") {
            from = end + 4;
        } else {
            return Some((command.get(1..end)?.replace("'\\''", "'"), rest));
        }
    }
}

/// The file with the hooks in it; the same text where nothing is to be done.
///
/// # Errors
/// Where the file can't be read, or has something else where hooks belong.
pub fn install(text: &str, file: &HookFile, program: &[String]) -> Result<String, Malformed> {
    if installed(text, file, program)? == Installed::Yes {
        return Ok(text.to_owned());
    }
    let mut text = uninstall(text)?;
    if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() {
        text = format!("{text}{{}}\n");
    }
    for event in file.events {
        text = with_event(&text, event, program)?;
    }
    Ok(text)
}

/// What a file says of our hooks.
///
/// # Errors
/// As [`install`].
pub fn installed(text: &str, file: &HookFile, program: &[String]) -> Result<Installed, Malformed> {
    let Some(root) = root(text)? else { return Ok(Installed::No) };
    let own = own_entries(text, &root)?;
    let is_wanted = |event: &HookEvent| {
        let mut of_event = own.iter().filter(|entry| entry.event == event.name);
        let wanted = |entry: &Own| {
            entry.command == command(program, event)
                && entry.timeout.as_deref() == Some(event.timeout.to_string().as_str())
                && entry.matcher.as_deref() == event.matcher
        };
        of_event.next().is_some_and(wanted) && of_event.next().is_none()
    };
    Ok(match own.len() {
        0 => Installed::No,
        count if count == file.events.len() && file.events.iter().all(is_wanted) => Installed::Yes,
        _ => Installed::Otherwise,
    })
}

/// The commands of our hooks in a file, in its order.
///
/// # Errors
/// As [`install`].
pub fn commands(text: &str) -> Result<Vec<String>, Malformed> {
    let Some(root) = root(text)? else { return Ok(Vec::new()) };
    Ok(own_entries(text, &root)?.into_iter().map(|own| own.command).collect())
}

/// The file without what [`install`] added.
///
/// # Errors
/// As [`install`].
pub fn uninstall(text: &str) -> Result<String, Malformed> {
    let mut text = text.to_owned();
    while let Some(root) = root(&text)? {
        let Some(own) = own_entries(&text, &root)?.pop() else { break };
        text = without(&text, &root, &own)?;
    }
    Ok(text)
}

/// The object that a file is; `None` where it is empty.
fn root(text: &str) -> Result<Option<Node>, Malformed> {
    if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() {
        return Ok(None);
    }
    let root = parse(text)?;
    match root.kind {
        Kind::Object(_) => Ok(Some(root)),
        _ => Err(Malformed::at(text, root.span.start, "an object in braces belongs here")),
    }
}

/// One of our hooks in a file.
struct Own {
    event: String,
    /// Its place: the group among those of its event, the hook among those of the group.
    group: usize,
    hook: usize,
    command: String,
    timeout: Option<String>,
    matcher: Option<String>,
}

/// A member of an object, which may be there once.
fn only<'n>(text: &str, node: &'n Node, key: &str) -> Result<Option<&'n Member>, Malformed> {
    let mut found = node.members().iter().filter(|member| member.key == key);
    let first = found.next();
    match found.next() {
        Some(again) => Err(Malformed::at(text, again.span.start, format!("`{}` stands here a second time", again.key))),
        None => Ok(first),
    }
}

/// The object of all hooks.
fn hooks<'n>(text: &str, root: &'n Node) -> Result<Option<&'n Node>, Malformed> {
    let Some(member) = only(text, root, "hooks")? else { return Ok(None) };
    match member.value.kind {
        Kind::Object(_) => Ok(Some(&member.value)),
        _ => Err(Malformed::at(text, member.value.span.start, "the hooks are no object in braces")),
    }
}

fn own_entries(text: &str, root: &Node) -> Result<Vec<Own>, Malformed> {
    let Some(hooks) = hooks(text, root)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for event in hooks.members() {
        only(text, hooks, &event.key)?;
        for (n, group) in event.value.items().iter().enumerate() {
            let Some(entries) = group.get("hooks") else { continue };
            for (k, entry) in entries.value.items().iter().enumerate() {
                let command = entry.get("command").and_then(|command| command.value.text());
                let Some(command) = command.filter(|command| is_own(command)) else { continue };
                let number = |member: &Member| text.get(member.value.span.clone()).map(str::to_owned);
                found.push(Own {
                    event: event.key.clone(),
                    group: n,
                    hook: k,
                    command: command.to_owned(),
                    timeout: entry.get("timeout").and_then(number),
                    matcher: group.get("matcher").and_then(|member| member.value.text()).map(str::to_owned),
                });
            }
        }
    }
    Ok(found)
}

/// The file without one of our hooks, and without what is empty by that.
fn without(text: &str, root: &Node, own: &Own) -> Result<String, Malformed> {
    let place = |list: &Node, key: &str| list.members().iter().position(|member| member.key == key);
    // From the outermost: each holds the next at that place.
    let mut chain: Vec<(&Node, usize)> = Vec::new();
    let mut node = root;
    for step in
        [Step::Key("hooks"), Step::Key(&own.event), Step::Item(own.group), Step::Key("hooks"), Step::Item(own.hook)]
    {
        let at = match step {
            Step::Key(key) => place(node, key),
            Step::Item(at) => Some(at),
        };
        let Some(at) = at else { return Ok(text.to_owned()) };
        chain.push((node, at));
        node = match &node.kind {
            Kind::Object(members) => &members[at].value,
            Kind::Array(items) => &items[at],
            Kind::Text(_) | Kind::Other => return Ok(text.to_owned()),
        };
    }
    // Whatever holds nothing else goes with it.
    let [hooks, event, groups, _, entries] = chain[..] else { return Ok(text.to_owned()) };
    let is_last = |(node, _): (&Node, usize)| node.spans().len() == 1;
    let (list, at) = match (is_last(entries), is_last(groups), is_last(event)) {
        (false, ..) => entries,
        (true, false, _) => groups,
        (true, true, false) => event,
        (true, true, true) => hooks,
    };
    remove(text, list, at)
}

enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

/// The text without an item of a list.
fn remove(text: &str, list: &Node, at: usize) -> Result<String, Malformed> {
    let spans = list.spans();
    let (Some(item), inner_end) = (spans.get(at), list.span.end - 1) else { return Ok(text.to_owned()) };
    let behind = skip(text, item.end)?;
    let comma = text.get(behind..).is_some_and(|rest| rest.starts_with(','));
    let blanks = |before: &str| before.len() - before.trim_end_matches([' ', '\t', '\r', '\n']).len();
    let from = item.start - blanks(text.get(list.span.start + 1..item.start).unwrap_or_default());
    let end = if comma { behind + 1 } else { item.end };
    let mut out = text.to_owned();
    out.replace_range(from..end, "");
    if let Some(before) = at.checked_sub(1).and_then(|before| spans.get(before)).filter(|_| !comma) {
        // The comma that stood between both.
        let place = skip(text, before.end)?;
        if text.get(place..).is_some_and(|rest| rest.starts_with(',')) {
            out.replace_range(place..=place, "");
        }
    } else if spans.len() == 1 {
        let rest = inner_end - end;
        let inner = list.span.start + 1..from + rest;
        if out.get(inner.clone()).is_some_and(|inner| inner.trim().is_empty()) {
            out.replace_range(inner, "");
        }
    }
    Ok(out)
}

/// The file with the hook of an event.
fn with_event(text: &str, event: &HookEvent, program: &[String]) -> Result<String, Malformed> {
    let Some(root) = root(text)? else { return Ok(text.to_owned()) };
    let command = command(program, event);
    let entry = Entry { r#type: "command", command: &command, timeout: event.timeout };
    let group = Group { matcher: event.matcher, hooks: [entry] };
    let style = Style::of(text, &root);
    let Some(hooks) = hooks(text, &root)? else {
        let value = std::collections::BTreeMap::from([(event.name, [group])]);
        return Ok(append(text, &root, Some("hooks"), &value, &style));
    };
    let Some(list) = only(text, hooks, event.name)? else {
        return Ok(append(text, hooks, Some(event.name), &[group], &style));
    };
    match list.value.kind {
        Kind::Array(_) => Ok(append(text, &list.value, None, &group, &style)),
        _ => Err(Malformed::at(text, list.value.span.start, "the hooks of an event are no list in brackets")),
    }
}

/// How a file is written.
struct Style {
    newline: &'static str,
    indent: String,
}

impl Style {
    fn of(text: &str, root: &Node) -> Self {
        let first = root.spans().first().map(|span| line_indent(text, span.start).to_owned());
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self { newline, indent: first.filter(|indent| !indent.is_empty()).unwrap_or_else(|| "  ".to_owned()) }
    }

    /// A value over several lines, all but the first behind that indent; with its key, where it has one.
    fn lines(&self, key: Option<&str>, value: &impl Serialize, indent: &str) -> String {
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(self.indent.as_bytes());
        let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter));
        debug_assert!(written.is_ok(), "texts and numbers always can be written");
        let value = String::from_utf8_lossy(&bytes).replace('\n', &format!("{}{indent}", self.newline));
        key.map_or_else(|| value.clone(), |key| format!("\"{key}\": {value}"))
    }
}

/// What stands before the first other sign of the line.
fn line_indent(text: &str, at: usize) -> &str {
    let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The text with one more item at the end of a list.
fn append(text: &str, list: &Node, key: Option<&str>, value: &impl Serialize, style: &Style) -> String {
    let Range { start, end } = list.span;
    let inner = text.get(start + 1..end - 1).unwrap_or_default();
    let spans = list.spans();
    let mut out = text.to_owned();
    let comma =
        spans.last().map(|last| (last.end, skip(text, last.end).ok().filter(|at| text[*at..].starts_with(','))));
    let content_end = start + 1 + inner.trim_end_matches([' ', '\t', '\r', '\n']).len();
    let ends_line = text.get(content_end..end - 1).is_some_and(|tail| tail.contains('\n'));
    // Where the bracket closes on the line of the last item, the new one stands there too.
    if let Some((last, comma)) = comma.filter(|_| !ends_line) {
        let value = serde_json::to_string(value).unwrap_or_default();
        let item = key.map_or_else(|| value.clone(), |key| format!("\"{key}\": {value}"));
        match comma {
            Some(at) => out.insert_str(at + 1, &format!(" {item},")),
            None => out.insert_str(last, &format!(", {item}")),
        }
        return out;
    }
    let outer = line_indent(text, start).to_owned();
    let indent = match spans.first() {
        Some(first) => line_indent(text, first.start).to_owned(),
        None => format!("{outer}{}", style.indent),
    };
    let trailing = if matches!(comma, Some((_, Some(_)))) { "," } else { "" };
    let close = if ends_line { String::new() } else { format!("{}{outer}", style.newline) };
    let item = style.lines(key, value, &indent);
    out.replace_range(
        content_end..if ends_line { content_end } else { end - 1 },
        &format!("{}{indent}{item}{trailing}{close}", style.newline),
    );
    if let Some((last, None)) = comma {
        out.insert(last, ',');
    }
    out
}
