//! The collectors: one per watched host, on a thread of its own. They do what the heart asks of them, and what they tell goes
//! into the one queue.

use super::dispatch::Fact;
use super::reach::{owner_of, socket_path, transport};
use super::recognisers::{self, Recognisers};
use super::start::Facts;
use super::tape::Tapes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tmuxagent_agents::{Recogniser, ancestor};
use tmuxagent_clock::Clock;
use tmuxagent_config::{Config, HostConfig, Loaded, Problem};
use tmuxagent_core::{HostStart, Life};
use tmuxagent_errand::Errand;
use tmuxagent_model::{Ancestor, HostName, NameFilter, Owner, Redaction};
use tmuxagent_policy::Policy;
use tmuxagent_tmux::{HostHandle, HostSpec, line_of, watch};
use tokio::sync::{mpsc, watch as latest};

/// How many messages of one host may lie before the loop.
const MESSAGES: usize = 256;

/// See the module.
pub struct Collectors {
    facts: Facts,
    policy: latest::Receiver<Arc<Policy>>,
    clock: Clock,
    tapes: Tapes,
    owner: Owner,
    runtime: PathBuf,
    /// This program, as it was started.
    program: Option<PathBuf>,
    agents: Arc<[Recogniser]>,
    /// The texts of the user's own recognisers, by the agents' names.
    own_recognisers: BTreeMap<String, String>,
    handles: BTreeMap<Life, HostHandle>,
    /// Socket paths of hosts on this machine, to recognise a view's own pane.
    sockets: BTreeMap<HostName, PathBuf>,
}

impl Collectors {
    /// None yet.
    ///
    /// # Errors
    /// A recogniser of the user's own can't be used.
    pub fn new(
        facts: Facts,
        policy: latest::Receiver<Arc<Policy>>,
        tapes: Tapes,
        clock: Clock,
        loaded: &Loaded,
        user: &str,
    ) -> Result<Self, Problem> {
        let Recognisers { known, own } = recognisers::read(&loaded.paths)?;
        Ok(Self {
            facts,
            policy,
            clock,
            tapes,
            owner: owner_of(loaded, user),
            runtime: loaded.paths.runtime_dir.clone(),
            program: std::env::current_exe().ok(),
            agents: known.into_iter().map(|known| known.recogniser).collect(),
            own_recognisers: own,
            handles: BTreeMap::new(),
            sockets: sockets(&loaded.config.hosts),
        })
    }

    /// Starts one.
    pub fn start(&mut self, start: HostStart) {
        let (name, life) = (start.config.name.clone(), start.life);
        let (messages_in, mut messages) = mpsc::channel(MESSAGES);
        let facts = self.facts.clone();
        match watch(self.spec(start), self.policy.clone(), messages_in, self.clock) {
            Ok(handle) => {
                self.handles.insert(life, handle);
                tokio::spawn(async move {
                    while let Some(message) = messages.recv().await {
                        if facts.send(Fact::Host(name.clone(), life, message)).await.is_err() {
                            return;
                        }
                    }
                    // The loop has ended: then nobody waits for this one.
                    let _ = facts.send(Fact::HostEnded(name, life)).await;
                });
            }
            Err(error) => {
                tokio::spawn(async move {
                    let _ = facts.send(Fact::HostNotStarted(name, error.to_string())).await;
                });
            }
        }
    }

    /// One that watches; none where it was told to end, or could not be started. What is not taken by one goes home.
    pub fn get(&self, life: Life) -> Option<&HostHandle> {
        self.handles.get(&life)
    }

    /// Has an errand typed; it goes home where that collector is no more.
    pub fn take(&self, life: Life, errand: Errand) {
        if let Some(handle) = self.get(life) {
            handle.take(errand);
        }
    }

    /// Lets one end; it hands over what it has.
    pub fn end(&mut self, life: Life) {
        self.handles.remove(&life);
    }

    /// The host on this machine whose tmux server has that socket.
    pub fn host_of(&self, socket: &str) -> Option<HostName> {
        let same = |known: &Path| {
            known == Path::new(socket) || known.canonicalize().ok() == Path::new(socket).canonicalize().ok()
        };
        self.sockets.iter().find(|(_, known)| same(known)).map(|(name, _)| name.clone())
    }

    /// The agent that started a process of this machine: the nearest one, since an agent may be another one's tool.
    pub fn ancestor_of(&self, pid: u32) -> Option<Ancestor> {
        ancestor(&self.agents, &line_of(pid))
    }

    /// The texts of the user's own recognisers in force.
    pub fn own_recognisers(&self) -> &BTreeMap<String, String> {
        &self.own_recognisers
    }

    /// Recognises agents otherwise from now on.
    pub fn recognise_by(&mut self, new: Recognisers) {
        if new.own == self.own_recognisers {
            return;
        }
        self.agents = new.known.into_iter().map(|known| known.recogniser).collect();
        self.own_recognisers = new.own;
        for handle in self.handles.values() {
            handle.recognise_by(Arc::clone(&self.agents));
        }
    }

    /// Goes over to another configuration.
    pub fn configure(&mut self, config: &Config) {
        self.sockets = sockets(&config.hosts);
        self.tapes.configure(config);
    }

    /// From now on recordings are without these secrets.
    pub fn redact_recordings_by(&self, redaction: Redaction) {
        self.tapes.redact_by(redaction);
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

    fn spec(&self, start: HostStart) -> HostSpec {
        let config = start.config;
        HostSpec {
            transport: transport(&config, &self.runtime),
            session_filters: NameFilter::new(&config.tmux.session_filters),
            pane_name_patterns: NameFilter::new(&config.tmux.pane_name_patterns),
            capture_lines: config.tmux.capture_lines,
            poll_interval: config.tmux.poll_interval,
            owner: self.owner.clone(),
            has_siblings: start.has_siblings,
            scratch: config.ssh.is_none().then(|| self.runtime.clone()),
            program: self.program.clone(),
            name: config.name,
            ceiling: None,
            excluded: start.excluded.into_iter().collect(),
            recognise: tmuxagent_lines::recognise,
            agents: Arc::clone(&self.agents),
            running: start.running.into_iter().collect(),
            remembered: start.remembered.into_iter().collect(),
            tape: Some(Arc::new(self.tapes.clone())),
        }
    }
}

fn sockets(hosts: &[HostConfig]) -> BTreeMap<HostName, PathBuf> {
    let here = hosts.iter().filter(|host| host.ssh.is_none());
    here.map(|host| (host.name.clone(), socket_path(&host.tmux.socket))).collect()
}
