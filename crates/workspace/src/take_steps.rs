//! Taking one step.

use super::MARK;
use super::look::{Failed, Found, run, run_with};
use super::plan::{Step, What};
use super::workspace::{Pane, Session, Split, Window, Worktree};
use super::{Workspace, kept_name, shells};
use std::collections::BTreeMap;
use tmuxagent_text::plain::{cut_chars, one_line};
use tmuxagent_tmux::proto::{Version, quote};
use tmuxagent_tmux::{Transport, shell_word};

/// Takes a step of a workspace's plan. `found` is what was found on the step's host.
///
/// # Errors
/// What stood in the way. What was made before stays, and the next `up` goes on from there.
pub fn perform(step: &Step, workspace: &Workspace, found: &Found, transport: &Transport) -> Result<(), Failed> {
    if let Some(obstacle) = obstacle(step, found) {
        return Err(obstacle);
    }
    let opens = matches!(step.what, What::Session { .. } | What::Window { .. });
    let shell = if opens && workspace.shell_integration { shells::prepare(transport) } else { None };
    let hand = Hand { workspace, found, transport, shell };
    let done = match &step.what {
        What::Worktree(worktree) => hand.worktree(worktree),
        What::Session { session, window } => hand.session(session, window),
        What::Window { session, window } => hand.window(session, window),
        What::Close { pane, .. } => hand.tmux(&["kill-pane", "-t", pane]).map(drop),
    };
    done.map_err(|text| Failed { host: step.host.clone(), text })
}

/// What stands in the way of a step, as far as it can be told before it is taken: a folder that is not there.
#[must_use]
pub fn obstacle(step: &Step, found: &Found) -> Option<Failed> {
    let missing = match &step.what {
        What::Worktree(worktree) => Some(worktree.repository.as_str()).filter(|folder| !found.has_folder(folder)),
        What::Session { window, .. } | What::Window { window, .. } => {
            let made = window.worktree.as_ref().map(|worktree| worktree.folder.as_str());
            let folders = window.panes.iter().map(|pane| pane.folder.as_str());
            folders
                .filter(|folder| made.is_none_or(|made| !folder.starts_with(made)))
                .find(|folder| !found.has_folder(folder))
        }
        What::Close { .. } => None,
    };
    let text = format!("the folder {} is not there; make it, or correct `root`", missing?);
    Some(Failed { host: step.host.clone(), text })
}

struct Hand<'h> {
    workspace: &'h Workspace,
    found: &'h Found,
    transport: &'h Transport,
    /// By which a pane begins its shell; `None`: as tmux does.
    shell: Option<String>,
}

impl Hand<'_> {
    fn tmux(&self, arguments: &[&str]) -> Result<String, String> {
        let output = run(self.transport, &self.transport.command(arguments))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("tmux {}: {}", arguments.first().unwrap_or(&""), clean(&said)))
    }

    fn worktree(&self, worktree: &Worktree) -> Result<(), String> {
        let (repository, folder) = (self.found.expand(&worktree.repository), self.found.expand(&worktree.folder));
        let (repository, folder, branch) = (shell_word(&repository), shell_word(&folder), shell_word(&worktree.branch));
        // An existing branch is checked out, a new one begins where the repository stands.
        let script = format!(
            "if git -C {repository} show-ref --verify --quiet refs/heads/{branch}; then \
             git -C {repository} worktree add -- {folder} {branch}; else \
             git -C {repository} worktree add -b {branch} -- {folder}; fi"
        );
        let output = run(self.transport, &self.transport.shell(&script))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("git worktree add: {}", clean(&String::from_utf8_lossy(&output.stderr))))
    }

    fn session(&self, session: &Session, window: &Window) -> Result<(), String> {
        let env = self.env(session);
        let folder = self.folder(&window.panes[0].folder);
        let mut words = vec!["new-session", "-d", "-P", "-F", "#{session_id} #{window_index} #{pane_id}"];
        words.extend(["-s", &session.name, "-n", &window.name, "-x", "200", "-y", "50", "-c", &folder]);
        if !env.is_empty() {
            // Only panes that open later get the session's environment, so the first one keeps the place free.
            words.push("exec sleep 60");
        } else {
            words.extend(self.shell.as_deref());
        }
        let made = self.tmux(&words)?;
        let parts: Vec<&str> = made.split(' ').collect();
        let [id, index, first] = parts[..] else { return Err(format!("tmux answered `{}`", clean(&made))) };
        let mut pane = first.to_owned();
        if !env.is_empty() {
            self.set_environment(id, &env)?;
            let place = format!("{id}:{index}");
            let mut words = vec![
                "new-window",
                "-d",
                "-k",
                "-P",
                "-F",
                "#{pane_id}",
                "-t",
                &place,
                "-n",
                &window.name,
                "-c",
                &folder,
            ];
            words.extend(self.shell.as_deref());
            pane = self.tmux(&words)?;
        }
        // What opens beside it takes the session's environment.
        self.furnish(&pane, window, &BTreeMap::new())
    }

    fn env<'s>(&'s self, session: &'s Session) -> BTreeMap<&'s String, &'s String> {
        self.workspace.env.iter().chain(&session.env).collect()
    }

    /// Values go over standard input, where nobody else sees them; before tmux 3.2 there is only the command line.
    fn set_environment(&self, session: &str, env: &BTreeMap<&String, &String>) -> Result<(), String> {
        let version =
            self.found.version.or_else(|| self.tmux(&["display-message", "-p", "#{version}"]).ok()?.parse().ok());
        if version.is_some_and(Version::is_full) {
            let lines = env.iter().map(|(name, value)| {
                format!("set-environment -t {} {name} {}\n", quote(session), quote(value.as_str()))
            });
            let words = self.transport.command(&["source-file", "-"]);
            let output = run_with(self.transport, &words, Some(&lines.collect::<String>()))?;
            if output.status.success() {
                return Ok(());
            }
            // What tmux says could repeat a value.
            return Err("tmux did not take the environment".to_owned());
        }
        for (name, value) in env {
            self.tmux(&["set-environment", "-t", session, name, value])?;
        }
        Ok(())
    }

    /// The session may be the user's own, so only the panes that are made get the environment.
    fn window(&self, session: &Session, window: &Window) -> Result<(), String> {
        // `=` takes the name as it is; the colon says that it is a session.
        let target = format!("={}:", kept_name(&session.name));
        let (folder, env) = (self.folder(&window.panes[0].folder), self.env(session));
        let words = ["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", &target, "-n", &window.name, "-c", &folder];
        let pane = self.open(&words, &env)?;
        self.furnish(&pane, window, &env)
    }

    /// Opens a pane with an environment; gives what tmux prints. The values go over standard input, as in
    /// [`Hand::set_environment`]; before tmux 3.0 only a session has an environment.
    fn open(&self, words: &[&str], env: &BTreeMap<&String, &String>) -> Result<String, String> {
        let pairs: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() || self.found.version.is_none_or(|version| version < Version::SENDS) {
            return self.tmux(&words.iter().copied().chain(self.shell.as_deref()).collect::<Vec<_>>());
        }
        if !self.found.version.is_some_and(Version::is_full) {
            let pairs = pairs.iter().flat_map(|pair| ["-e", pair]);
            let words = words.iter().copied().chain(pairs).chain(self.shell.as_deref());
            return self.tmux(&words.collect::<Vec<_>>());
        }
        let words = words.iter().map(quote);
        let pairs = pairs.iter().map(|pair| format!("-e {}", quote(pair)));
        let shell = self.shell.iter().map(quote);
        let line = words.chain(pairs).chain(shell).collect::<Vec<_>>().join(" ") + "\n";
        let output = run_with(self.transport, &self.transport.command(&["source-file", "-"]), Some(&line))?;
        let printed = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        if output.status.success() && printed.starts_with('%') {
            return Ok(printed);
        }
        // What tmux says could repeat a value.
        Err("tmux did not open the pane".to_owned())
    }

    /// Opens the window's other panes and gives each what it is to have.
    fn furnish(&self, first: &str, window: &Window, env: &BTreeMap<&String, &String>) -> Result<(), String> {
        // A shell that names the window after its program would make it another one.
        self.tmux(&["set-option", "-w", "-t", first, "automatic-rename", "off"])?;
        let mut last = first.to_owned();
        for (n, pane) in window.panes.iter().enumerate() {
            if n > 0 {
                let side = match pane.split {
                    Split::Below => "-v",
                    Split::Right => "-h",
                };
                let folder = self.folder(&pane.folder);
                let words = ["split-window", "-d", side, "-P", "-F", "#{pane_id}", "-t", &last, "-c", &folder];
                last = self.open(&words, env)?;
            }
            self.equip(&last, pane)?;
        }
        if let Some(layout) = &window.layout {
            self.tmux(&["select-layout", "-t", first, layout])?;
        }
        Ok(())
    }

    fn equip(&self, id: &str, pane: &Pane) -> Result<(), String> {
        let name = word(&self.workspace.name);
        let (title, role, command) = (word(&pane.title.replace('#', "##")), word(&pane.role), word(&pane.command));
        let mut words = vec!["set-option", "-p", "-t", id, MARK, &name];
        if !pane.role.is_empty() {
            words.extend([";", "set-option", "-p", "-t", id, "@tmuxagent_role", &role]);
        }
        if !pane.title.is_empty() {
            words.extend([";", "select-pane", "-t", id, "-T", &title]);
        }
        if !pane.command.is_empty() {
            words.extend([";", "send-keys", "-t", id, "-l", "--", &command, ";", "send-keys", "-t", id, "Enter"]);
        }
        self.tmux(&words).map(drop)
    }

    /// tmux opens a pane at home where its folder is missing, and commands would run in the wrong place.
    /// A folder as `-c` takes it: tmux expands formats in it.
    fn folder(&self, folder: &str) -> String {
        self.found.expand(folder).replace('#', "##")
    }
}

/// A word of a command: a `;` at its end would end the command (tmux(1), parsing of arguments).
fn word(text: &str) -> String {
    text.strip_suffix(';').map_or_else(|| text.to_owned(), |before| format!("{before}\\;"))
}

/// A foreign message as one line.
fn clean(said: &str) -> String {
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no reason given");
    cut_chars(&one_line(line), 200)
}
