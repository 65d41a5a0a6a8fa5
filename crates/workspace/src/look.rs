//! What exists: the panes of a host, its home folder, and which of the wanted folders are there.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use tmuxagent_model::HostName;
use tmuxagent_tmux::proto::{Nonce, Version, row_format, split_rows};
use tmuxagent_tmux::{Refusal, Transport, shell_word};

/// What was found on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The host that was or is to be looked at.
    pub host: HostName,
    /// The server's version; `None` where none runs yet.
    pub version: Option<Version>,
    /// The home folder of the user there.
    pub home: String,
    /// Wanted folders that are there.
    pub folders: Vec<String>,
    /// Its panes, in the order of sessions, windows and panes.
    pub panes: Vec<FoundPane>,
}

impl Found {
    /// A host on which nothing runs.
    #[must_use]
    pub const fn nothing(host: HostName) -> Self {
        Self { host, version: None, home: String::new(), folders: Vec::new(), panes: Vec::new() }
    }

    /// A folder with `~` replaced.
    #[must_use]
    pub fn expand(&self, folder: &str) -> String {
        match folder.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", self.home),
            _ => folder.to_owned(),
        }
    }

    /// Whether a folder is there.
    #[must_use]
    pub(crate) fn has_folder(&self, folder: &str) -> bool {
        self.folders.iter().any(|there| there == folder)
    }
}

/// A pane that exists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundPane {
    /// tmux's own id, as `%3`.
    pub id: String,
    /// Its session's name, as tmux keeps it.
    pub session: String,
    /// Its window's name.
    pub window: String,
    /// Its window's layout.
    pub layout: String,
    /// The folder that it began in; empty where tmux does not tell.
    pub folder: String,
    /// The folder that it is in.
    pub path: String,
    /// What runs in it.
    pub command: String,
    /// The command with which it was made; empty: a shell.
    pub start: String,
    /// Its title; empty where nobody set one.
    pub title: String,
    /// What its option `@tmuxagent_role` says; empty: nothing.
    pub role: String,
    /// The workspace that made it; empty: none.
    pub mark: String,
}

impl Found {
    /// Passes what people named or typed through `clean`.
    pub fn clean_texts(&mut self, clean: impl Fn(&str) -> String) {
        for pane in &mut self.panes {
            let FoundPane { id: _, session, window, layout: _, folder, path, command, start, title, role, mark } = pane;
            for text in [session, window, folder, path, command, start, title, role, mark] {
                *text = clean(text);
            }
        }
    }
}

/// A host could not be asked, or refused a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host}: {text}")]
pub struct Failed {
    /// The host that failed.
    pub host: HostName,
    /// Why, with the way out where one is known.
    pub text: String,
}

/// What to look for.
#[derive(Debug)]
pub struct Look<'l> {
    /// The host that was or is to be looked at.
    pub host: &'l HostName,
    /// The way there.
    pub transport: &'l Transport,
    /// Folders to look for.
    pub folders: Vec<String>,
    /// A random word of this process.
    pub nonce: &'l Nonce,
}

const FIELDS: [&str; 14] = [
    "#{version}",
    "#{pane_id}",
    "#{session_name}",
    "#{window_name}",
    "#{window_layout}",
    "#{pane_start_path}",
    "#{pane_current_path}",
    "#{pane_current_command}",
    "#{pane_title}",
    "#{@tmuxagent_role}",
    "#{@tmuxagent_workspace}",
    "#{host}",
    // A session that a supervisor keeps for its own client.
    "#{@tmuxagent_watch}",
    "#{pane_start_command}",
];

/// Looks at one host.
///
/// # Errors
/// When it can't be asked. That no server runs there is no error.
pub fn look(look: &Look<'_>) -> Result<Found, Failed> {
    let failed = |text: String| Failed { host: look.host.clone(), text };
    let mut found = Found::nothing(look.host.clone());
    let format = row_format(look.nonce, &FIELDS);
    let output = run(look.transport, &look.transport.command(&["list-panes", "-a", "-F", &format])).map_err(failed)?;
    if output.status.success() {
        let rows = split_rows(look.nonce, &output.stdout);
        found.version = rows.first().and_then(|row| text(row.first()?).parse().ok());
        found.panes = rows.iter().filter_map(|row| pane(row)).collect();
    }
    let mut script = "printf '%s\\n' \"$HOME\"".to_owned();
    for folder in &look.folders {
        // `~` is the shell's there; everything else is one word.
        let word = match folder.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("\"$HOME\"{}", shell_word(rest)),
            _ => shell_word(folder),
        };
        script.push_str(&format!("; if [ -d {word} ]; then echo 1; else echo 0; fi"));
    }
    let output = run(look.transport, &look.transport.shell(&script)).map_err(failed)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = said.lines();
    found.home = lines.next().unwrap_or_default().to_owned();
    found.folders = look.folders.iter().zip(lines).filter(|(_, there)| *there == "1").map(|(f, _)| f.clone()).collect();
    Ok(found)
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

fn pane(row: &[Vec<u8>]) -> Option<FoundPane> {
    let field = |n: usize| row.get(n).map(|field| text(field));
    if field(12).is_some_and(|own| !own.is_empty()) {
        return None;
    }
    Some(FoundPane {
        id: field(1)?,
        session: field(2)?,
        window: field(3)?,
        layout: field(4)?,
        folder: field(5)?,
        path: field(6)?,
        command: field(7)?,
        // A title that no program set is the machine's name.
        title: field(8).filter(|title| Some(title) != field(11).as_ref()).unwrap_or_default(),
        role: field(9)?,
        mark: field(10)?,
        start: field(13)?,
    })
}

/// Runs a command to its end; an error where ssh did not get there or the program is missing.
pub(super) fn run(transport: &Transport, words: &[String]) -> Result<Output, String> {
    run_with(transport, words, None)
}

/// The most that a command may print, bytes; one that says more does not stop.
const MOST: u64 = 48 * 1024 * 1024;

/// Reads a child to its end, which is made where it does not come.
fn bounded(mut child: Child) -> io::Result<Output> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let error = std::thread::spawn(move || all_of(stderr));
    let stdout = all_of(stdout);
    if stdout.is_err() {
        // It may have ended by itself by now.
        let _ = child.kill();
    }
    let status = child.wait()?;
    let stderr = error.join().unwrap_or_else(|_| Ok(Vec::new()))?;
    Ok(Output { status, stdout: stdout?, stderr })
}

fn all_of(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    if let Some(from) = from {
        from.take(MOST + 1).read_to_end(&mut all)?;
    }
    let endless = || io::Error::new(io::ErrorKind::FileTooLarge, "it answers without end");
    if all.len() as u64 > MOST { Err(endless()) } else { Ok(all) }
}

/// The same with something on its standard input.
pub(super) fn run_with(transport: &Transport, words: &[String], input: Option<&str>) -> Result<Output, String> {
    use std::io::Write as _;
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).env_remove("TMUX").env_remove("TMUX_PANE");
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("can't run `{program}`: {error}"))?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // One that does not read ends with an error of its own.
        let _ = stdin.write_all(input.as_bytes());
    }
    let mut output = bounded(child).map_err(|error| format!("can't run `{program}`: {error}"))?;
    let said = Transport::said(words, &output.stdout).map(<[u8]>::to_vec);
    if let Transport::Ssh { target, bin, .. } = transport {
        match output.status.code() {
            Some(255) => return Err(Refusal::of_ssh(target, &String::from_utf8_lossy(&output.stderr)).to_string()),
            Some(126 | 127) => return Err(Refusal::no_program(bin).to_string()),
            _ => {}
        }
    }
    output.stdout = said.ok_or("its login shell runs no commands; try it by hand: ssh HOST true")?;
    Ok(output)
}
