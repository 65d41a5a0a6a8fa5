//! From a valid configuration to a running supervisor.

use super::alerting::{Alerting, Ground};
use super::codex::Codex;
use super::collectors::Collectors;
use super::decisions::Decisions;
use super::dispatch::{Asking, Dispatch, Fact, Inbox, Urgent};
use super::ending::turn_away;
use super::files::Files;
use super::notify_socket::NotifySocket;
use super::open_files::load_for_start;
use super::opencode::Opencodes;
use super::perform::Performer;
use super::reach::watched_here;
use super::reload::{ENV_FILES, Reloader, read_policy, redaction, unread};
use super::tape::Tapes;
use super::{descriptors, lifetime, maintain};
use std::sync::Arc;
use tmuxagent_alerts::http;
use tmuxagent_clock::wall;
use tmuxagent_config::{Environment, Loaded, Overrides, Problem};
use tmuxagent_core::{Core, Input, Restored};
use tmuxagent_engine::{Engine, Options, RestoreError};
use tmuxagent_failpoints as failpoints;
use tmuxagent_ipc::hub::{Call, Hub};
use tmuxagent_ipc::lock::Lock;
use tmuxagent_ipc::server::serve;
use tmuxagent_ipc::wire::{PROTOCOL, Reply};
use tmuxagent_model::Snapshot;
use tmuxagent_store::{OpenError, Store};
use tmuxagent_text::Lang;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

/// How many facts may lie before the loop; the collectors keep the rest, bounded.
const FACTS: usize = 1024;
/// How many requests of people may lie before the loop.
const REQUESTS: usize = 256;

/// What a supervisor starts with.
#[derive(Debug)]
pub struct Start {
    /// The flags.
    pub overrides: Overrides,
    /// The environment of the process, before the user's `.env`.
    pub environment: Environment,
    /// The configuration and the policies' texts.
    pub loaded: Loaded,
    /// The lock that makes this process the supervisor.
    pub lock: Lock,
    /// The language of alerts, pages and request files.
    pub lang: Lang,
    /// Tells whoever starts it what it waits for.
    pub tell: fn(Lang, &str),
}

/// Why a supervisor did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A mistake of the user, with its way out.
    #[error("{0}")]
    User(Problem),
    /// The state can't be used.
    #[error(transparent)]
    State(#[from] OpenError),
    /// What the state says can't be understood.
    #[error("the state can't be read: {0}; `tmuxagent db restore` goes back to the last good backup")]
    Restore(#[from] RestoreError),
    /// The socket can't be opened.
    #[error("can't open the socket in {folder}: {source}")]
    Socket {
        /// The folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// The secret of identities can't be read or written.
    #[error("can't use the secret of identities: {0}")]
    Identities(#[from] std::io::Error),
    /// Nothing can be asked over the network.
    #[error("can't set up the network client: {0}")]
    Network(#[from] reqwest::Error),
}

/// A running supervisor.
#[derive(Debug)]
pub struct Running {
    /// What views connect to, also within this process.
    pub hub: Hub,
    /// Ends it.
    urgent: mpsc::Sender<Urgent>,
    loop_task: JoinHandle<String>,
}

impl Running {
    /// Asks it to end; wait with [`Running::ended`].
    pub async fn stop(&self, reason: &str) {
        // It may have ended by itself.
        let _ = self.urgent.send(Urgent::Shutdown(reason.to_owned())).await;
    }

    /// Waits for its end and returns the reason.
    pub async fn ended(&mut self) -> String {
        match (&mut self.loop_task).await {
            Ok(reason) => reason,
            Err(panic) => format!("the supervisor failed: {panic}"),
        }
    }
}

/// Starts watching. Must run within the runtime; returns as soon as views can connect.
///
/// # Errors
/// One sentence each about what stands in the way; nothing is watched then.
pub async fn start(start: Start) -> Result<Running, StartError> {
    let Start { overrides, environment, loaded, lock, lang, tell } = start;
    descriptors::raise();
    let told = |text: &str| tell(lang, text);
    let loaded = load_for_start(loaded, (&overrides, &environment), &told).await.map_err(StartError::User)?;
    let policy = read_policy(&loaded, 1).map_err(StartError::User)?;
    let settings = tmuxagent_alerts::config::of(&loaded).map_err(StartError::User)?;
    let (store, restored) = Store::open(&loaded.paths.database, wall())?;
    failpoints::at("start.opened");
    let options = Options {
        undo: loaded.config.undo,
        timeout: loaded.config.stage_timeout,
        hold: Some(loaded.config.hold),
        looks: true,
        identities: Some(super::identities::of(&loaded.paths.state_dir)?),
    };
    let redactor = settings.redactor(&loaded);
    store.redact_by(redaction(&redactor));
    let engine = Engine::restore(Arc::clone(&policy), restored.entities)?.with_options(options);
    let clock = lifetime::begin(&loaded.paths.runtime_dir, restored.last_at, engine.waits_for_time());

    let (facts_in, facts) = mpsc::channel(FACTS);
    let (home, returned) = mpsc::unbounded_channel();
    let (urgent_in, urgent) = mpsc::channel(REQUESTS);
    let (calls_in, calls) = mpsc::channel(REQUESTS);
    let (snapshots, snapshots_out) = watch::channel(Arc::new(Snapshot::default()));
    let (closing, closing_out) = watch::channel(None);
    let (screens, journal) = (broadcast::channel(64).0, broadcast::channel(256).0);
    let (policy_in, policy_out) = watch::channel(Arc::clone(&policy));

    let (hello, hello_out) = watch::channel(Arc::new(Reply::Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        config: loaded.config_name.clone(),
        started_at: clock.now(),
        servers: watched_here(&loaded.config.hosts),
    }));
    let hub = Hub {
        calls: calls_in,
        snapshots: snapshots_out,
        clock,
        screens: screens.clone(),
        events: journal.clone(),
        hello: hello_out,
        user: user_name(&environment).into(),
        closing: closing_out,
        connections: Arc::default(),
        seats: tmuxagent_ipc::seats::Seats::default(),
    };
    let socket = |source| StartError::Socket { folder: loaded.paths.runtime_dir.display().to_string(), source };
    let listener = lock.bind().and_then(tokio::net::UnixListener::from_std).map_err(socket)?;
    tokio::spawn(serve(listener, hub.clone()));
    failpoints::at("start.listening");
    tokio::spawn(forward(calls, urgent_in.clone()));
    let files = Files::watch(&loaded, &overrides.policy, urgent_in.clone());

    let decisions = Arc::new(Decisions {
        calls: hub.calls.clone(),
        snapshots: hub.snapshots.clone(),
        store: store.clone(),
        facts: facts_in.clone(),
        user: Arc::clone(&hub.user),
    });
    let alerting = Alerting::begin(
        loaded.clone(),
        settings,
        Ground { decisions, hub: hub.clone(), followed: tmuxagent_metrics::follow(&hub), clock, lang },
    )
    .await;
    super::audit::begin(loaded.paths.state_dir.clone(), store.clone(), hub.clone(), facts_in.clone());
    let client = http::client(&http::ProxyChoice::Inherit, http::TIMEOUT)?;
    let mut performer = Performer::new(facts_in.clone(), clock, client);
    performer.reach_hosts(&loaded.config.hosts, &loaded.paths.runtime_dir);
    performer.take_tokens_from(&loaded.environment);
    let tapes = Tapes::new(&loaded.config, &loaded.paths, clock, redaction(&redactor));
    tapes.report_to(facts_in.clone());
    let collectors = Collectors::new(facts_in.clone(), policy_out, tapes.clone(), clock, &loaded, &hub.user)
        .map_err(StartError::User)?;
    let beside = Restored { positions: restored.positions, recent: restored.recent };
    let mut core = Core::new(clock.now(), engine, beside, redactor, std::process::id());
    core.begin(clock.now(), &loaded.config.hosts, loaded.policy_names());
    if let Some(trouble) = unread(&loaded) {
        core.take(clock.now(), Input::Problem(ENV_FILES.to_owned(), Some(trouble)));
    }
    let (retention_in, retention) = watch::channel(loaded.config.retention.clone());
    maintain::begin(&store, maintain::Ground { retention, shown: hub.snapshots.clone(), clock }, facts_in);
    let notify = NotifySocket::of(&environment, lang);
    let reloader = Reloader {
        overrides,
        environment,
        loaded,
        policy: policy_in,
        retention: retention_in,
        hello,
        files,
        writer: None,
    };
    let mut dispatch = Dispatch {
        clock,
        core,
        store,
        collectors,
        performer,
        reloader,
        alerting,
        screens,
        journal,
        snapshots,
        home,
        asking: Asking::default(),
        codex: Codex::new(urgent_in.clone()),
        opencodes: Opencodes::default(),
        servers: urgent_in.clone(),
        notify,
    };
    dispatch.act();
    failpoints::at("start.recovered");
    let loop_task = tokio::spawn(async move {
        let reason = dispatch.run(Inbox { urgent, facts, returned }).await;
        tapes.finish().await;
        closing.send_replace(Some(reason.clone()));
        // The socket and the lock go last: whoever gets in next finds everything stored.
        drop(lock);
        reason
    });
    Ok(Running { hub, urgent: urgent_in, loop_task })
}

async fn forward(mut calls: mpsc::Receiver<Call>, urgent: mpsc::Sender<Urgent>) {
    while let Some(call) = calls.recv().await {
        if let Err(mpsc::error::SendError(late)) = urgent.send(Urgent::Call(Box::new(call))).await {
            turn_away(late);
        }
    }
}

/// The user of this process, as decisions name him: by the environment, or where it says nothing (cron, systemd), by the
/// system's list of users.
#[must_use]
pub fn user_name(environment: &Environment) -> String {
    let named = environment.non_empty("USER").or_else(|| environment.non_empty("LOGNAME")).map(str::to_owned);
    let uid = rustix::process::geteuid().as_raw();
    let listed = || listed_name(&std::fs::read_to_string("/etc/passwd").unwrap_or_default(), uid);
    // Users of a directory service are known to the system's own tool only.
    let asked = || {
        let output = std::process::Command::new("id").arg("-un").stdin(std::process::Stdio::null()).output().ok()?;
        let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !name.is_empty()).then_some(name)
    };
    named.or_else(listed).or_else(asked).unwrap_or_else(|| format!("uid {uid}"))
}

/// The first name with that number in `/etc/passwd`, `name:password:uid:…` per line (passwd(5)).
fn listed_name(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

/// A fact for the loop, for parts that report by themselves.
pub(super) type Facts = mpsc::Sender<Fact>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_variable_is_named_by_the_list() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# comment\nmei:x:1000:1000::/home/mei:/bin/zsh\n:x:1001::\n";
        let names = [0, 1000, 1001, 7].map(|uid| listed_name(passwd, uid));
        assert_eq!(names, [Some("root".to_owned()), Some("mei".to_owned()), None, None]);
        let set = Environment::from_pairs([("LOGNAME", "li")]);
        assert_eq!(user_name(&set), "li");
        assert!(!user_name(&Environment::default()).starts_with("uid "), "this machine names its user");
    }
}
