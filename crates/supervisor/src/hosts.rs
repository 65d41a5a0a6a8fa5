//! The watched hosts: their collectors, who looks at which screen, and in which panes our own views run.
//!
//! A collector types one thing at a time into a pane and waits after each for [`Hosts::settled`], since a pane
//! remembers only its last idempotency mark.

use super::board::Board;
use super::dispatch::{Dispatch, Fact};
use super::start::Facts;
use super::tape::Tapes;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tmuxagent_clock::Clock;
use tmuxagent_config::{Config, HostConfig, Loaded, SshConfig, TmuxSocket};
use tmuxagent_ipc::lock;
use tmuxagent_model::{Effect, HostName, Intent, IntentId, NameFilter, Owner, PaneId, PaneKey};
use tmuxagent_policy::Policy;
use tmuxagent_tmux::{HostHandle, HostSpec, Position, Socket, SshTarget, Transport, this_process, watch};
use tokio::sync::{mpsc, watch as latest};

/// How many messages of one host may lie before the loop.
const MESSAGES: usize = 256;

/// See the module.
pub struct Hosts {
    facts: Facts,
    policy: latest::Receiver<Arc<Policy>>,
    clock: Clock,
    tapes: Tapes,
    owner: Owner,
    runtime: PathBuf,
    remembered: HashMap<PaneKey, Position>,
    handles: BTreeMap<HostName, HostHandle>,
    /// Socket paths of hosts on this machine, to recognise a view's own pane.
    sockets: HashMap<HostName, PathBuf>,
    under_way: HashMap<IntentId, PaneKey>,
    watching: BTreeMap<u64, PaneKey>,
    /// What each collector was told of open runs.
    running: HashMap<PaneKey, Vec<String>>,
    views: HashMap<u64, (HostName, PaneId)>,
    /// More than one host is configured.
    pub(super) has_several: bool,
}

impl Hosts {
    /// No host yet. `positions` are those of an earlier life.
    pub fn new(
        facts: Facts,
        policy: latest::Receiver<Arc<Policy>>,
        positions: Vec<(PaneKey, String)>,
        tapes: Tapes,
        clock: Clock,
        loaded: &Loaded,
        user: &str,
    ) -> Self {
        // A position that can't be read costs what was printed meanwhile, which the collector then marks as a gap.
        let read = |(pane, json): (PaneKey, String)| Some((pane, serde_json::from_str(&json).ok()?));
        Self {
            facts,
            policy,
            clock,
            tapes,
            owner: owner_of(loaded, user),
            runtime: loaded.paths.runtime_dir.clone(),
            remembered: positions.into_iter().filter_map(read).collect(),
            handles: BTreeMap::new(),
            sockets: HashMap::new(),
            under_way: HashMap::new(),
            watching: BTreeMap::new(),
            running: HashMap::new(),
            views: HashMap::new(),
            has_several: loaded.config.hosts.len() > 1,
        }
    }

    /// Types an intent, after those before it on the same pane.
    pub fn send(&mut self, intent: Intent) {
        let Some(pane) = intent.effect.pane().cloned() else { return };
        let Some(handle) = self.handles.get(&pane.host) else { return };
        self.under_way.insert(intent.id.clone(), pane);
        match intent.effect {
            Effect::Send(send) => handle.send(intent.id, send),
            Effect::Prompt(prompt) => handle.prompt(intent.id, prompt),
            Effect::Shell(_) | Effect::Poll(_) | Effect::Alert(_) => {}
        }
    }

    /// Settles what was under way when an earlier life ended.
    pub fn settle(&mut self, intent: &Intent) {
        let Some(pane) = intent.effect.pane() else { return };
        let Some(handle) = self.handles.get(&pane.host) else { return };
        self.under_way.insert(intent.id.clone(), pane.clone());
        handle.settle(intent.id.clone(), &intent.effect);
    }

    /// An intent ended without having been begun: no send waits for it.
    pub fn forget(&mut self, intent: &IntentId) {
        self.under_way.remove(intent);
    }

    /// An intent is not wanted any more.
    pub fn withdraw(&mut self, intent: &IntentId) {
        let pane = self.under_way.get(intent).cloned();
        if let Some(handle) = pane.and_then(|pane| self.handles.get(&pane.host)) {
            handle.withdraw(intent.clone());
        }
    }

    /// An intent has its outcome committed: the next one of its pane may go out.
    pub fn settled(&mut self, intent: &IntentId) {
        if let Some(pane) = self.under_way.remove(intent)
            && let Some(handle) = self.handles.get(&pane.host)
        {
            handle.release(pane);
        }
    }

    /// A view wants the screen of a pane, or none.
    pub fn watch_screen(&mut self, connection: u64, pane: Option<PaneKey>) {
        match pane {
            Some(pane) => self.watching.insert(connection, pane),
            None => self.watching.remove(&connection),
        };
        for (name, handle) in &self.handles {
            let mut panes: Vec<PaneKey> = self.watching.values().filter(|pane| pane.host == *name).cloned().collect();
            panes.sort_unstable();
            panes.dedup();
            handle.watch_screens(panes);
        }
    }

    /// Tells the collectors where pipelines run, as far as that changed.
    pub fn runs<'a>(&mut self, now: impl Iterator<Item = (&'a PaneKey, Vec<String>)>) {
        let mut before = std::mem::take(&mut self.running);
        for (pane, pipelines) in now {
            if before.remove(pane).as_ref() != Some(&pipelines)
                && let Some(handle) = self.handles.get(&pane.host)
            {
                handle.runs_in(pane.clone(), pipelines.clone());
            }
            self.running.insert(pane.clone(), pipelines);
        }
        for pane in before.into_keys() {
            if let Some(handle) = self.handles.get(&pane.host) {
                handle.runs_in(pane, Vec::new());
            }
        }
    }

    /// A view runs in a pane: what it draws is not read.
    pub fn view_runs_in(&mut self, connection: u64, socket: &str, pane: PaneId) {
        if let Some(host) = self.host_of(socket) {
            if let Some(handle) = self.handles.get(&host) {
                handle.exclude(pane);
            }
            self.views.insert(connection, (host, pane));
        }
    }

    /// A view has gone: its pane is read again, unless another view runs there.
    pub fn view_left(&mut self, connection: u64) {
        let Some(left) = self.views.remove(&connection) else { return };
        if !self.views.values().any(|other| *other == left)
            && let Some(handle) = self.handles.get(&left.0)
        {
            handle.include(left.1);
        }
    }

    /// Where the observation of a pane stands: a collector that begins anew (the host's configuration was changed) goes on
    /// from there.
    pub fn stands(&mut self, pane: &PaneKey, position: Option<Position>) {
        match position {
            Some(position) => self.remembered.insert(pane.clone(), position),
            None => self.remembered.remove(pane),
        };
    }

    /// The watched pane of that id on the server with that socket.
    pub fn pane_on(&self, socket: &str, pane: PaneId, board: &Board) -> Option<PaneKey> {
        let host = self.host_of(socket)?;
        board.panes().map(|live| &live.info.key).find(|key| key.host == host && key.pane == pane).cloned()
    }

    fn host_of(&self, socket: &str) -> Option<HostName> {
        let same = |known: &Path| {
            known == Path::new(socket) || known.canonicalize().ok() == Path::new(socket).canonicalize().ok()
        };
        self.sockets.iter().find(|(_, known)| same(known)).map(|(name, _)| name.clone())
    }

    /// Goes over to another configuration of the recordings.
    pub fn configure_recordings(&self, config: &Config) {
        self.tapes.configure(config);
    }

    /// Ends the observation of a host.
    pub fn remove(&mut self, name: &HostName) {
        self.handles.remove(name);
        self.sockets.remove(name);
    }

    /// Ends all collectors; each hands over what it still has.
    pub fn shutdown(&mut self) -> tokio::task::JoinHandle<()> {
        let handles = std::mem::take(&mut self.handles);
        tokio::spawn(async move {
            let ends = handles.into_values().map(|handle| tokio::spawn(handle.shutdown()));
            for end in ends.collect::<Vec<_>>() {
                // A collector that failed has nothing to hand over.
                let _ = end.await;
            }
        })
    }
}

/// Begins to observe a host.
pub fn spawn_host(dispatch: &mut Dispatch, config: &HostConfig) {
    let (messages_in, mut messages) = mpsc::channel(MESSAGES);
    let hosts = &mut dispatch.hosts;
    hosts.runs(dispatch.engine.running());
    match watch(spec(hosts, config), hosts.policy.clone(), messages_in, hosts.clock) {
        Ok(handle) => {
            hosts.handles.insert(config.name.clone(), handle);
            if config.ssh.is_none() {
                hosts.sockets.insert(config.name.clone(), socket_path(&config.tmux.socket));
            }
            let (facts, name) = (hosts.facts.clone(), config.name.clone());
            tokio::spawn(async move {
                while let Some(message) = messages.recv().await {
                    if facts.send(Fact::Host(name.clone(), message)).await.is_err() {
                        return;
                    }
                }
            });
        }
        Err(error) => {
            let error = format!("its collector can't be started: {error}");
            dispatch.report_problem(&format!("host {}", config.name), &error);
        }
    }
}

fn spec(hosts: &Hosts, config: &HostConfig) -> HostSpec {
    let views = hosts.views.values().filter(|(host, _)| *host == config.name);
    HostSpec {
        flood: HostSpec::FLOOD,
        name: config.name.clone(),
        transport: transport(config, &hosts.runtime),
        session_filters: NameFilter::new(&config.tmux.session_filters),
        pane_name_patterns: NameFilter::new(&config.tmux.pane_name_patterns),
        capture_lines: config.tmux.capture_lines,
        poll_interval: config.tmux.poll_interval,
        owner: hosts.owner.clone(),
        has_siblings: hosts.has_several,
        scratch: config.ssh.is_none().then(|| hosts.runtime.clone()),
        ceiling: None,
        excluded: views.map(|(_, pane)| *pane).collect(),
        recognise: tmuxagent_lines::recognise,
        running: hosts
            .running
            .iter()
            .filter(|(key, _)| key.host == config.name)
            .map(|(key, names)| (key.clone(), names.clone()))
            .collect(),
        remembered: hosts
            .remembered
            .iter()
            .filter(|(key, _)| key.host == config.name)
            .map(|(k, p)| (k.clone(), p.clone()))
            .collect(),
        tape: Some(Arc::new(hosts.tapes.clone())),
    }
}

/// How a configured host's tmux is reached.
pub fn transport(config: &HostConfig, runtime: &Path) -> Transport {
    let bin = config.tmux.bin.clone();
    let socket = match &config.tmux.socket {
        TmuxSocket::Default => Socket::Default,
        TmuxSocket::Name(name) => Socket::Name(name.clone()),
        TmuxSocket::Path(path) => Socket::Path(path.display().to_string()),
    };
    match &config.ssh {
        None => Transport::Local { bin, socket },
        Some(ssh) => Transport::Ssh { target: target(ssh, &config.name, runtime), bin, socket },
    }
}

fn target(ssh: &SshConfig, name: &HostName, runtime: &Path) -> SshTarget {
    SshTarget {
        host: ssh.host.clone(),
        port: ssh.port,
        user: ssh.user.clone(),
        key: ssh.key.clone(),
        jump: ssh.jump.clone(),
        options: ssh.options.clone(),
        control_path: control_path(runtime, name),
    }
}

/// The socket of the host's shared connection; `None` where its path would be too long, and each call connects anew.
fn control_path(runtime: &Path, name: &HostName) -> Option<PathBuf> {
    // ssh binds it under this name with a dot and 16 letters more (mux.c), and a socket's path has 103 bytes at most.
    const LONGEST: usize = 103 - 17;
    let path = runtime.join(format!("ssh-{}", short_hash(name.as_str())));
    (path.as_os_str().len() <= LONGEST).then_some(path)
}

/// The socket that tmux uses, as its man page tells: `$TMUX_TMPDIR` or `/tmp`, then `tmux-UID`, then the name.
fn socket_path(socket: &TmuxSocket) -> PathBuf {
    let named = |name: &str| {
        let base = std::env::var_os("TMUX_TMPDIR").filter(|value| !value.is_empty()).unwrap_or_else(|| "/tmp".into());
        Path::new(&base).join(format!("tmux-{}", rustix::process::getuid().as_raw())).join(name)
    };
    match socket {
        TmuxSocket::Default => named("default"),
        TmuxSocket::Name(name) => named(name),
        TmuxSocket::Path(path) => path.clone(),
    }
}

/// This supervisor, as it claims servers: the same at every start with this state folder of this machine and user.
fn owner_of(loaded: &Loaded, user: &str) -> Owner {
    let process = this_process("");
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let (folder, uid) = (loaded.paths.state_dir.display(), rustix::process::geteuid().as_raw());
    let instance = short_hash(&format!("{}\n{}\n{uid}\n{folder}", id.trim(), process.machine));
    let socket = lock::socket_path(&loaded.paths.runtime_dir).display().to_string();
    Owner { instance: format!("ta-{instance}"), user: user.to_owned(), socket, ..process }
}

fn short_hash(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
