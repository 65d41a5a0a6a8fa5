//! A fresh look at a pane: what tmux shows of it, and its processes.

use super::super::{CliError, Session, target};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tmuxagent_model::{HostName, PaneFacts, PaneInfo, PaneKey, ServerId};
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
    info: PaneInfo,
    cursor: (usize, usize),
}

/// The way to this machine's tmux.
pub(super) struct Local {
    host: HostName,
    redactor: Redactor,
    transport: Transport,
    nonce: Nonce,
    server: PathBuf,
}

const FIELDS: [&str; 10] = [
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
    "#{@tmuxagent_role}",
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
            let (host, redactor) = (host.name.clone(), redactor.clone());
            let local = Self { host, redactor, transport, nonce: Nonce::new(random), server };
            match local.pane(text) {
                Ok(pane) => return Ok((local, pane)),
                // What is ambiguous there is more worth knowing than what is missing elsewhere.
                Err(error) => missed = Some(missed.unwrap_or(error)),
            }
        }
        let is_there =
            |name: &HostName| text.trim().strip_prefix(name.as_str()).is_some_and(|of| of.starts_with([':', '/']));
        if let Some(far) = loaded.config.hosts.iter().find(|host| host.ssh.is_some() && is_there(&host.name)) {
            return Err(CliError::NotFound {
                text: format!(
                    "`{}` is a pane of the host {}, and only panes of this machine are looked at",
                    tmuxagent_text::clean(text),
                    far.name
                ),
                hint: "`tmuxagent panes` tells what agents do there".to_owned(),
                candidates: Vec::new(),
            });
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
        let mut all: Vec<Pane> = rows.iter().filter_map(|row| pane(&self.host, row)).collect();
        all.iter_mut().for_each(|pane| pane.place = self.redactor.redact(&pane.place));
        // A window that is linked into several sessions shows its panes several times.
        all.dedup_by(|a, b| a.id == b.id);
        let mut found = target::named(&all, |pane| &pane.info, text);
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

fn pane(host: &HostName, row: &[Vec<u8>]) -> Option<Pane> {
    let field = |n: usize| row.get(n).map(|field| String::from_utf8_lossy(field).into_owned());
    if field(8).is_some_and(|own| !own.is_empty()) {
        return None;
    }
    let (id, pid) = (field(0)?, field(5)?.parse().ok()?);
    // Its server's own identity is of no use in names.
    let key = PaneKey { host: host.clone(), server: ServerId::new(""), pane: id.parse().ok()?, pid };
    let role = field(9).unwrap_or_default();
    let facts = PaneFacts { session: field(1)?, window: field(2)?, role, ..PaneFacts::default() };
    let (window_index, pane_index) = (field(3)?.parse().ok()?, field(4)?.parse().ok()?);
    let info = PaneInfo { window_index, pane_index, ..PaneInfo::new(key, facts) };
    Some(Pane { place: info.target(), id, pid, info, cursor: (field(6)?.parse().ok()?, field(7)?.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_goes_by_the_names_that_it_has_everywhere() {
        let row = |id: &str, window: &str| {
            let fields = [id, "proj", window, "2", "1", "77", "0", "0", "", "ci"];
            pane(&HostName::local(), &fields.map(|field| field.as_bytes().to_vec())).unwrap()
        };
        let all = [row("%3", "agent"), row("%4", "nas:%0")];
        let found = |text: &str| {
            target::named(&all, |pane| &pane.info, text).into_iter().map(|pane| &pane.id[..]).collect::<Vec<_>>()
        };
        for text in ["%3", "local:%3", "agent", "agent.1", "proj:agent", "proj:agent.1", "local/proj:agent.1"] {
            assert_eq!(found(text), ["%3"], "{text}");
        }
        assert_eq!((found("ci"), found("proj:2.1")), (vec!["%3", "%4"], vec!["%3", "%4"]));
        assert!(found("nas:%0").is_empty(), "it is a pane of another machine");
    }
}
