//! A tree → the valid workspace, or everything that is wrong with it.

use super::kept_name;
use super::workspace::{Pane, Session, Split, Window, Workspace, Worktree};
use std::collections::BTreeMap;
use tmuxagent_model::HostName;
use tmuxagent_yaml::{Diagnostics, Fields, Node, Place, Reader, Source};

/// What a file may refer to.
pub struct Known<'k> {
    /// The configured hosts; the first is meant where a session names none.
    pub hosts: &'k [HostName],
    /// The folder of the file: relative folders on this machine begin there.
    pub folder: &'k str,
    /// Hosts that are this machine.
    pub local: &'k [HostName],
    /// Variables of the process and of `.env` files.
    pub variable: &'k dyn Fn(&str) -> Option<String>,
}

/// Reads a workspace. `name` is its name where the file gives none.
///
/// # Errors
/// All problems at once, in the order of the text.
pub fn read(source: &Source, name: &str, known: &Known<'_>) -> Result<Workspace, Diagnostics> {
    Reader::read(source, |top| Context { known }.top(top, name))
}

/// What a window or pane takes from what it stands in.
struct Around<'p> {
    host: &'p HostName,
    folder: &'p str,
}

struct Context<'k> {
    known: &'k Known<'k>,
}

impl Context<'_> {
    fn top(&self, top: Fields<'_, '_>, name: &str) -> Workspace {
        let reader = top.reader();
        // There is one version so far; the number's own message says so.
        let _ = top.number("version", 1..=1);
        let name = top.text("name").unwrap_or(name).to_owned();
        if name.is_empty() || name.chars().any(char::is_control) {
            reader.error("bad-name", top.at(), "`name` must be a text on one line");
        }
        let env = self.env(&top);
        let shell_integration = top.bool("shell_integration").unwrap_or(true);
        let sessions = match top.require("sessions") {
            Some(node) => self.sessions(reader, node),
            None => Vec::new(),
        };
        top.finish();
        Workspace { name, env, shell_integration, sessions }
    }

    /// `env:` is a map of values; `pass:` names variables of the environment.
    fn env(&self, fields: &Fields<'_, '_>) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        let reader = fields.reader();
        if let Some(map) = fields.map("env") {
            for (key, node) in map.entries() {
                let path = map.path(&key.text);
                check_variable(reader, key.at, &key.text);
                if let Some(value) = reader.text(node, &path).and_then(|text| self.fill(reader, node.at, text)) {
                    env.insert(key.text.clone(), value);
                }
            }
        }
        if let Some(node) = fields.get("pass") {
            for (n, item) in reader.list(node).iter().enumerate() {
                let Some(name) = reader.text(item, &format!("{}[{n}]", fields.path("pass"))) else { continue };
                check_variable(reader, item.at, name);
                if let Some(value) = (self.known.variable)(name) {
                    env.entry(name.to_owned()).or_insert(value);
                }
            }
        }
        env
    }

    /// Fills a value that is `${NAME}` as a whole; any other text stays as it is.
    fn fill(&self, reader: &Reader<'_>, at: Place, text: &str) -> Option<String> {
        let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
            return Some(text.to_owned());
        };
        let value = (self.known.variable)(name);
        if value.is_none() {
            let help = "set it in the shell, or in a file `.env` (mode 600) beside this file";
            reader.error_with("not-set", at, format!("the environment variable `{name}` is not set"), help);
        }
        value
    }

    fn sessions(&self, reader: &Reader<'_>, node: &Node) -> Vec<Session> {
        let mut sessions: Vec<Session> = Vec::new();
        for (n, item) in reader.list(node).iter().enumerate() {
            let Some(session) = self.session(reader, item, &format!("sessions[{n}]")) else { continue };
            let same =
                |other: &Session| other.host == session.host && kept_name(&other.name) == kept_name(&session.name);
            if sessions.iter().any(same) {
                let place = item.get("name").map_or(item.at, |name| name.at);
                let help = "tmux writes `_` for `:` and `.` in a session's name";
                reader.error_with("twice", place, format!("a second session is named `{}`", session.name), help);
            }
            sessions.push(session);
        }
        if reader.list(node).is_empty() {
            reader.error("no-value", node.at, "`sessions` is empty");
        }
        sessions
    }

    fn session(&self, reader: &Reader<'_>, node: &Node, path: &str) -> Option<Session> {
        let fields = reader.map_of(node, path, "a map with `name` and `windows`")?;
        let name = fields.require("name").and_then(|node| name_of(reader, node, &fields.path("name")));
        let host = match fields.get("host") {
            Some(node) => self.host(reader, node, &fields.path("host")),
            None => self.known.hosts.first().cloned(),
        };
        let home = HostName::local();
        let place = Around { host: host.as_ref().unwrap_or(&home), folder: "" };
        let folder = self.folder(&fields, &place);
        let place = Around { folder: &folder, ..place };
        let env = self.env(&fields);
        let windows = match fields.require("windows") {
            Some(node) => self.windows(reader, node, &fields.path("windows"), &place),
            None => Vec::new(),
        };
        fields.finish();
        Some(Session { host: host?, name: name?, env, windows })
    }

    fn host(&self, reader: &Reader<'_>, node: &Node, path: &str) -> Option<HostName> {
        let text = reader.text(node, path)?;
        let found = self.known.hosts.iter().find(|host| host.as_str() == text);
        if found.is_none() {
            let all: Vec<&str> = self.known.hosts.iter().map(HostName::as_str).collect();
            let problem = format!("no host `{text}` is configured");
            let configured = || format!("configured: {}", all.join(", "));
            reader.unknown("unknown-name", node.at, problem, (text, all.iter().copied()), configured);
        }
        found.cloned()
    }

    /// `root`, below the folder that it stands in.
    fn folder(&self, fields: &Fields<'_, '_>, place: &Around<'_>) -> String {
        let outer = if place.folder.is_empty() {
            let local = self.known.local.contains(place.host);
            if local { self.known.folder } else { "~" }
        } else {
            place.folder
        };
        let Some(text) = fields.text("root") else { return outer.to_owned() };
        if text.chars().any(char::is_control) {
            fields.reader().error(
                "control-character",
                fields.at(),
                format!("`{}` must stand on one line", fields.path("root")),
            );
        }
        join(outer, text)
    }

    fn windows(&self, reader: &Reader<'_>, node: &Node, path: &str, place: &Around<'_>) -> Vec<Window> {
        let mut windows: Vec<Window> = Vec::new();
        for (n, item) in reader.list(node).iter().enumerate() {
            let Some(window) = self.window(reader, item, &format!("{path}[{n}]"), place) else { continue };
            if windows.iter().any(|other| other.name == window.name) {
                let at = item.get("name").map_or(item.at, |name| name.at);
                let help = "names tell what exists already, so they must differ within a session";
                reader.error_with("twice", at, format!("a second window is named `{}`", window.name), help);
            }
            windows.push(window);
        }
        if reader.list(node).is_empty() {
            reader.error("no-value", node.at, format!("`{path}` is empty"));
        }
        windows
    }

    fn window(&self, reader: &Reader<'_>, node: &Node, path: &str, place: &Around<'_>) -> Option<Window> {
        let fields = reader.map_of(node, path, "a map with `name`")?;
        let name = fields.require("name").and_then(|node| name_of(reader, node, &fields.path("name")));
        let mut folder = self.folder(&fields, place);
        let worktree =
            fields.get("worktree").and_then(|node| worktree(reader, node, &fields.path("worktree"), &folder));
        if let Some(worktree) = &worktree {
            folder.clone_from(&worktree.folder);
        }
        let layout = fields.text("layout").map(str::to_owned);
        let inner = Around { folder: &folder, ..*place };
        let panes = match fields.get("panes") {
            None => vec![pane(&fields, &folder)],
            Some(node) => {
                let mut panes = Vec::new();
                for (n, item) in reader.list(node).iter().enumerate() {
                    let Some(fields) = reader.map(item, &format!("{path}.panes[{n}]")) else { continue };
                    let folder = self.folder(&fields, &inner);
                    panes.push(pane(&fields, &folder));
                    fields.finish();
                }
                if panes.is_empty() {
                    reader.error("no-value", node.at, format!("`{path}.panes` is empty"));
                }
                panes
            }
        };
        fields.finish();
        Some(Window { name: name?, worktree, layout, panes })
    }
}

/// `command`, `title`, `role` and `split` of a pane, or of a window of one pane.
fn pane(fields: &Fields<'_, '_>, folder: &str) -> Pane {
    let line = |key: &'static str| {
        let text = fields.text(key).unwrap_or_default();
        if text.chars().any(char::is_control) {
            fields.reader().error(
                "control-character",
                fields.at(),
                format!("`{}` must stand on one line", fields.path(key)),
            );
        }
        text.to_owned()
    };
    let words = [("below", Split::Below), ("right", Split::Right)];
    Pane {
        folder: folder.to_owned(),
        command: line("command"),
        title: line("title"),
        role: line("role"),
        split: fields.word("split", &words).unwrap_or_default(),
    }
}

/// A branch, or a map of `branch` and `path`; the folder is `REPOSITORY-BRANCH` where none is named.
fn worktree(reader: &Reader<'_>, node: &Node, path: &str, repository: &str) -> Option<Worktree> {
    let (branch, folder) = if let Some(text) = node.as_text() {
        (text.to_owned(), None)
    } else {
        let fields = reader.map_of(node, path, "the name of a branch, or a map with `branch` and `path`")?;
        let branch = fields.require("branch").and_then(|node| reader.text(node, &fields.path("branch")));
        let folder = fields.text("path").map(|text| join(repository, text));
        fields.finish();
        (branch?.to_owned(), folder)
    };
    // git-check-ref-format(1), as far as it could harm a command line.
    if branch.is_empty() || branch.starts_with('-') || branch.chars().any(|c| c.is_whitespace() || c.is_control()) {
        reader.error("bad-name", node.at, format!("`{branch}` is not the name of a branch"));
        return None;
    }
    let folder = folder.unwrap_or_else(|| format!("{}-{}", repository.trim_end_matches('/'), branch.replace('/', "-")));
    Some(Worktree { repository: repository.to_owned(), folder, branch })
}

/// A session's or window's name.
fn name_of(reader: &Reader<'_>, node: &Node, path: &str) -> Option<String> {
    let text = reader.text(node, path)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        reader.error("bad-name", node.at, format!("`{path}` must be a text on one line"));
        return None;
    }
    Some(text.to_owned())
}

fn check_variable(reader: &Reader<'_>, at: Place, name: &str) {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !letters {
        reader.error("bad-name", at, format!("`{name}` is not the name of a variable"));
    }
}

/// A folder below another; `/…` and `~…` stand alone, `.` and `..` are resolved.
fn join(outer: &str, inner: &str) -> String {
    if inner.starts_with(['/', '~']) {
        return inner.to_owned();
    }
    let mut parts: Vec<&str> = outer.split('/').collect();
    for part in inner.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.len() > 1 => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    match parts.join("/") {
        empty if empty.is_empty() => "/".to_owned(),
        joined => joined,
    }
}
