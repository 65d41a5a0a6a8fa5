//! A fresh look at a pane: what tmux shows of it, and its processes.

use super::super::{CliError, Session, target};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tmuxagent_supervisor::transport;
use tmuxagent_text::redact::Redactor;
use tmuxagent_tmux::Transport;
use tmuxagent_tmux::proto::{Nonce, row_format, split_rows};

/// A pane of this machine's tmux.
#[derive(Debug, Clone)]
pub(super) struct Pane {
    pub id: String,
    /// `session:window.0`.
    pub place: String,
    pub pid: u32,
    names: Vec<String>,
    cursor: (usize, usize),
}

/// The way to this machine's tmux.
pub(super) struct Local {
    redactor: Redactor,
    transport: Transport,
    nonce: Nonce,
    server: PathBuf,
}

const FIELDS: [&str; 9] = [
    "#{pane_id}",
    "#{session_name}",
    "#{window_name}",
    "#{window_index}",
    "#{pane_index}",
    "#{pane_pid}",
    "#{cursor_x}",
    "#{cursor_y}",
    // A session that a supervisor keeps for its own client.
    "#{@tmuxagent_watch}",
];

impl Local {
    /// The pane that a text names, with the way to its server: those of this machine that the running supervisor watches,
    /// or else the configured ones, one after the other.
    pub(super) fn find(session: &Session, text: &str) -> Result<(Self, Pane), CliError> {
        let mut loaded = session.load()?;
        super::super::watched::take_over(&mut loaded, &super::super::watched::by_supervisor(session));
        let redactor = session.redactor(&loaded);
        let mut missed = None;
        for host in loaded.config.hosts.iter().filter(|host| host.ssh.is_none()) {
            let mut random = [0; 16];
            getrandom::fill(&mut random).map_err(|error| CliError::internal(color_eyre::eyre::eyre!("{error}")))?;
            let server = tmuxagent_supervisor::socket_path(&host.tmux.socket);
            let transport = transport(host, &loaded.paths.runtime_dir);
            let local = Self { redactor: redactor.clone(), transport, nonce: Nonce::new(random), server };
            match local.pane(text) {
                Ok(pane) => return Ok((local, pane)),
                // What is ambiguous there is more worth knowing than what is missing elsewhere.
                Err(error) => missed = Some(missed.unwrap_or(error)),
            }
        }
        Err(missed.unwrap_or_else(|| {
            let text = "no host of the configuration is this machine";
            CliError::user(text, "`tmuxagent config check` lists them")
        }))
    }

    /// The socket of the server that it looks at.
    pub(super) fn server(&self) -> &Path {
        &self.server
    }

    fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>, CliError> {
        let words = self.transport.command(arguments);
        let hint = "`tmux list-panes -a` lists all";
        let failed = |why: String| CliError::user(format!("tmux can't be asked: {}", why.trim()), hint);
        let (program, arguments) = words.split_first().ok_or_else(|| failed(String::new()))?;
        let mut command = Command::new(program);
        command.args(arguments).env_remove("TMUX").env_remove("TMUX_PANE").stdin(Stdio::null());
        let output = command.output().map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }

    /// The pane that a text names.
    pub(super) fn pane(&self, text: &str) -> Result<Pane, CliError> {
        let listed = self.ask(&["list-panes", "-a", "-F", &row_format(&self.nonce, &FIELDS)])?;
        let rows = split_rows(&self.nonce, &listed);
        let mut all: Vec<Pane> = rows.iter().filter_map(|row| pane(row)).collect();
        all.iter_mut().for_each(|pane| pane.place = self.redactor.redact(&pane.place));
        // A window that is linked into several sessions shows its panes several times.
        all.dedup_by(|a, b| a.id == b.id);
        let wanted = target::fold(text);
        let fits = |pane: &&Pane| pane.names.iter().any(|name| target::fold(name) == wanted);
        let mut found: Vec<&Pane> = all.iter().filter(fits).collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
        let not_found = |text: String, hint: &str, candidates: Vec<String>| {
            Err(CliError::NotFound { text, hint: hint.to_owned(), candidates })
        };
        match found[..] {
            [pane] => Ok(pane.clone()),
            [] => {
                let server = tmuxagent_text::clean(&self.server.display().to_string());
                let text = format!("no pane of the tmux server {server} is named `{}`", tmuxagent_text::clean(text));
                let hint = format!("`tmux -S {server} list-panes -a` lists all; --socket names another server");
                not_found(text, &hint, Vec::new())
            }
            _ => {
                let candidates =
                    found.iter().map(|pane| format!("{}  {}", pane.id, tmuxagent_text::clean(&pane.place)));
                let text = format!("`{}` fits {} panes", tmuxagent_text::clean(text), found.len());
                not_found(text, "say which one:", candidates.collect())
            }
        }
    }

    /// What the pane shows, as text or with colours.
    pub(super) fn screen(&self, pane: &Pane, colours: bool) -> Result<String, CliError> {
        let flags: &[&str] = if colours { &["capture-pane", "-p", "-e", "-t"] } else { &["capture-pane", "-p", "-t"] };
        let words: Vec<&str> = flags.iter().copied().chain([pane.id.as_str()]).collect();
        Ok(String::from_utf8_lossy(&self.ask(&words)?).into_owned())
    }

    /// What the pane shows, with colours and cursor.
    pub(super) fn look(&self, pane: &Pane) -> Result<tmuxagent_agents::Screen, CliError> {
        let now = self.pane(&pane.id)?;
        if now.pid != pane.pid {
            let text = "the pane went away meanwhile".to_owned();
            return Err(CliError::NotFound {
                text,
                hint: "`tmux list-panes -a` lists all".to_owned(),
                candidates: Vec::new(),
            });
        }
        let (column, row) = now.cursor;
        Ok(tmuxagent_agents::Screen::of(&self.screen(pane, true)?).with_cursor(column, row))
    }
}

fn pane(row: &[Vec<u8>]) -> Option<Pane> {
    let field = |n: usize| row.get(n).map(|field| String::from_utf8_lossy(field).into_owned());
    if field(8).is_some_and(|own| !own.is_empty()) {
        return None;
    }
    let (id, session, window, number, index) = (field(0)?, field(1)?, field(2)?, field(3)?, field(4)?);
    let names = [
        id.clone(),
        session.clone(),
        window.clone(),
        format!("{window}.{index}"),
        format!("{session}:{window}"),
        format!("{session}:{number}"),
        format!("{session}:{window}.{index}"),
        format!("{session}:{number}.{index}"),
    ];
    Some(Pane {
        place: format!("{session}:{window}.{index}"),
        id,
        pid: field(5)?.parse().ok()?,
        names: names.to_vec(),
        cursor: (field(6)?.parse().ok()?, field(7)?.parse().ok()?),
    })
}
