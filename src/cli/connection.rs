//! The way to the running supervisor for one-shot commands: one request after the other, without a runtime around.

use super::{CliError, Session, target};
use std::path::Path;
use std::time::Duration;
use tmuxagent_ipc::client::{self, ClientError};
use tmuxagent_ipc::lock::socket_path;
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request, ServerFrame, WatchedServer};
use tmuxagent_model::{
    Approval, ApprovalState, Command, Doubt, HostState, HostView, Millis, Owner, Snapshot, Timestamp, Via,
};
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::{Lang, clean, owner_name, question};
use tmuxagent_tmux::this_process;
use tokio::runtime::Runtime;

/// How long an answer may take. A supervisor that is busy with a flood answers views first, in milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the panes of a host that is just being reached are waited for.
const EARLY: Millis = Millis::from_secs(5);

/// An open connection after its greeting.
pub(super) struct Connection {
    runtime: Runtime,
    inner: client::Connection,
    /// What the supervisor said of itself.
    pub(super) greeting: Greeting,
}

/// The supervisor's answer to the greeting.
#[derive(Debug, Clone)]
pub(super) struct Greeting {
    /// Its program's version.
    pub(super) version: String,
    /// Its protocol's version.
    pub(super) protocol: u32,
    /// Its process.
    pub(super) pid: u32,
    /// The configuration it runs with.
    pub(super) config: String,
    /// Since when it runs.
    pub(super) started_at: Timestamp,
    /// What it watches on this machine.
    pub(super) servers: Vec<WatchedServer>,
}

/// What a command led to.
pub(super) struct Committed {
    /// One sentence, possibly empty.
    pub(super) text: String,
    /// The whole reply, for `--json`.
    pub(super) value: serde_json::Value,
}

/// Whether some host is just being reached, and counts.
fn has_news_to_come(now: &Snapshot, counts: impl Fn(&HostView) -> bool) -> bool {
    now.hosts.iter().any(|host| host.state == HostState::Connecting && counts(host))
}

impl Connection {
    /// Connects and greets.
    pub(super) fn open(session: &Session) -> Result<Self, CliError> {
        Self::open_as(session, Via::Cli)
    }

    /// The same through another surface.
    pub(super) fn open_as(session: &Session, via: Via) -> Result<Self, CliError> {
        let paths = session.paths()?;
        let opened = Self::at(session, &socket_path(&paths.runtime_dir), via);
        if !matches!(opened, Err(CliError::NoSupervisor { .. })) || paths.runtime_dir == paths.state_dir {
            return opened;
        }
        // It may have been started where the session had no folder for sockets (cron, a login without one).
        match Self::at(session, &socket_path(&paths.state_dir), via) {
            Err(CliError::NoSupervisor { .. }) => opened,
            elsewhere => elsewhere,
        }
    }

    /// The same with the supervisor behind that socket.
    fn at(session: &Session, socket: &Path, via: Via) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::internal)?;
        let inside = |name: &str| session.environment.non_empty(name).map(str::to_owned);
        let tmux_socket = inside("TMUX").and_then(|value| value.split(',').next().map(str::to_owned));
        let hello = client::hello(via, inside("TMUX_PANE"), tmux_socket);
        let opening = client::Connection::open(socket, hello);
        // A timer belongs to the runtime that it is made in, so it is made inside.
        let opened = runtime.block_on(async { tokio::time::timeout(PATIENCE, opening).await });
        let inner = opened.map_err(|_| silent())?.map_err(|error| unreachable(socket, error))?;
        match &inner.hello {
            Reply::Hello { protocol, version, pid, config, started_at, servers } => {
                let greeting = Greeting {
                    version: version.clone(),
                    protocol: *protocol,
                    pid: *pid,
                    config: config.clone(),
                    started_at: *started_at,
                    servers: servers.clone(),
                };
                let mut connection = Self { runtime, inner, greeting };
                if !session.overrides.policy.is_empty() {
                    let in_force = connection.snapshot()?.policies;
                    if let Some(text) = ignored_policy(session, &in_force) {
                        session.out.warn(&text);
                    }
                }
                Ok(connection)
            }
            _ => Err(unexpected("the greeting")),
        }
    }

    /// Asks and waits for the answer; an error of the supervisor becomes one of ours. A wish whose answer does not come
    /// may be done or not, and the error names the command that tells.
    pub(super) fn ask(&mut self, request: Request) -> Result<Reply, CliError> {
        let (inner, is_wish, look) = (&mut self.inner, request.is_wish(), look(&request));
        let uncertain = |doubt| CliError::Uncertain { doubt, look };
        let answered = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, inner.request(request)).await });
        match answered {
            Err(_) if is_wish => Err(uncertain(Doubt::Slow)),
            Err(_) => Err(silent()),
            Ok(Err(ClientError::Unanswered)) if is_wish => Err(uncertain(Doubt::Ended)),
            Ok(Err(ClientError::Unanswered)) => Err(gone(
                "the supervisor ended before it told what was asked; nothing was done by that (another may be starting)",
            )),
            Ok(Err(error)) => Err(gone(&error.to_string())),
            Ok(Ok(Reply::Uncertain { doubt })) => Err(uncertain(doubt)),
            Ok(Ok(Reply::Error { kind, text })) => Err(CliError::Answer { kind, text }),
            Ok(Ok(reply)) => Ok(reply),
        }
    }

    /// Waits for the next frame, as long as it takes; `None` when the supervisor is gone.
    pub(super) fn push(&mut self) -> Option<ServerFrame> {
        self.runtime.block_on(self.inner.push())
    }

    /// The same for so long at most; outer `None` when no frame came in time.
    pub(super) fn push_within(&mut self, limit: Duration) -> Option<Option<ServerFrame>> {
        let inner = &mut self.inner;
        self.runtime.block_on(async { tokio::time::timeout(limit, inner.push()).await }).ok()
    }

    /// The whole picture.
    pub(super) fn snapshot(&mut self) -> Result<Snapshot, CliError> {
        match self.ask(Request::Snapshot)? {
            Reply::Snapshot { snapshot } => Ok(*snapshot),
            _ => Err(unexpected("a snapshot")),
        }
    }

    /// The picture in which a pane is looked for by a name. Just after a start its host may not be known yet: that is waited
    /// for, a few seconds at most.
    pub(super) fn snapshot_for(&mut self, name: &str) -> Result<Snapshot, CliError> {
        let known = |now: &Snapshot| target::panes(now, name).iter().any(|pane| !pane.pipelines.is_empty());
        self.snapshot_once(|now| !has_news_to_come(now, |_| true) || known(now))
    }

    /// The picture with the panes of every host. Just after a start a host may not be known yet: that is waited for, a few
    /// seconds at most.
    pub(super) fn snapshot_of_panes(&mut self) -> Result<Snapshot, CliError> {
        self.snapshot_once(|now| !has_news_to_come(now, |host| now.at.since(host.since) < EARLY))
    }

    /// The first picture that is enough, or the last one in time.
    fn snapshot_once(&mut self, is_enough: impl Fn(&Snapshot) -> bool) -> Result<Snapshot, CliError> {
        let begun = std::time::Instant::now();
        loop {
            let snapshot = self.snapshot()?;
            if is_enough(&snapshot) || begun.elapsed() > EARLY.to_std() {
                return Ok(snapshot);
            }
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        }
    }

    /// One approval by its identity or a unique beginning of it.
    pub(super) fn approval(&mut self, id: &str) -> Result<Approval, CliError> {
        match self.ask(Request::Approval { id: id.to_owned() })? {
            Reply::Approval { approval } => Ok(*approval),
            _ => Err(unexpected("an approval")),
        }
    }

    /// The error of a command that names a pane in place of what is asked there. Nothing is decided by a place: between
    /// reading and deciding it may ask something else.
    fn open_at(&mut self, session: &Session, place: &str) -> Result<Option<CliError>, CliError> {
        let snapshot = self.snapshot()?;
        let panes = target::panes(&snapshot, &session.as_shown(place));
        let asked: Vec<String> = snapshot
            .approvals
            .iter()
            .filter(|approval| approval.state == ApprovalState::Pending)
            .filter(|approval| panes.iter().any(|pane| pane.info.key == approval.pane))
            .map(|approval| listed(session, approval))
            .collect();
        let hint = match (panes.is_empty(), asked.is_empty()) {
            (true, _) => return Ok(None),
            (false, true) => "nothing is asked there; `tmuxagent approvals` lists what is",
            (false, false) => "what is asked there is decided by its ID:",
        };
        let text = format!("`{}` is a pane, and no approval", clean(place));
        Ok(Some(CliError::NotFound { text, hint: hint.to_owned(), candidates: asked }))
    }

    /// The error of a command that names none of the approvals, with those that are open.
    pub(super) fn none_named(&mut self, session: &Session, text: String) -> Result<CliError, CliError> {
        let approvals = self.snapshot()?.approvals;
        let open = approvals.iter().filter(|approval| approval.state == ApprovalState::Pending);
        let candidates: Vec<String> = open.map(|approval| listed(session, approval)).collect();
        let hint = if candidates.is_empty() {
            "nothing is open; `tmuxagent approvals --all` shows what was decided"
        } else {
            "an ID is needed, or its unique beginning; these are open:"
        };
        Ok(CliError::NotFound { text, hint: hint.to_owned(), candidates })
    }

    /// The error of a beginning that several approvals have: of decided ones nothing can be chosen any more.
    fn several(&mut self, session: &Session, id: &str, text: String) -> Result<CliError, CliError> {
        let approvals = self.snapshot()?.approvals;
        let mut open = approvals.iter().filter(|approval| approval.state == ApprovalState::Pending);
        let waits = open.any(|approval| approval.id.as_str().starts_with(id));
        let text = if waits { text } else { format!("none of the approvals that begin with `{}` is open", clean(id)) };
        self.none_named(session, text)
    }

    /// The approval of that name, with the connection to whoever asks it: this supervisor, or the one that types on a
    /// host which this one only watches.
    pub(super) fn with_approval(mut self, session: &Session, id: &str) -> Result<(Self, Approval), CliError> {
        let unknown = match self.approval(id) {
            Ok(approval) => return Ok((self, approval)),
            Err(error @ CliError::Answer { kind: ErrorKind::NotFound, .. }) => error,
            Err(CliError::Answer { kind: ErrorKind::Ambiguous, text }) => return Err(self.several(session, id, text)?),
            Err(error) => return Err(error),
        };
        let mut far = Vec::new();
        for (host, owner) in self.owners()? {
            match Self::beside(session, &owner) {
                Some(mut other) => {
                    if let Ok(approval) = other.approval(id) {
                        return Ok((other, approval));
                    }
                }
                None => far.push(format!("{host}: {}", owner_name(session.out.lang, &owner))),
            }
        }
        if let Some(error) = self.open_at(session, id)? {
            return Err(error);
        }
        if far.is_empty() {
            return Err(self.none_named(session, unknown.text())?);
        }
        let hint = "other supervisors ask there, decide with them:".to_owned();
        Err(CliError::NotFound { text: unknown.text(), hint, candidates: far })
    }

    /// Approvals that other supervisors on this machine ask on hosts which this one only watches.
    pub(super) fn approvals_elsewhere(&mut self, session: &Session) -> Result<Vec<Approval>, CliError> {
        let mut found = Vec::new();
        for (_, owner) in self.owners()? {
            let asked = Self::beside(session, &owner).and_then(|mut other| other.snapshot().ok());
            found.extend(asked.into_iter().flat_map(|snapshot| snapshot.approvals));
        }
        Ok(found)
    }

    /// Hosts on which another supervisor types, each supervisor once.
    fn owners(&mut self) -> Result<Vec<(String, Owner)>, CliError> {
        let mut found: Vec<(String, Owner)> = Vec::new();
        for host in self.snapshot()?.hosts.into_iter().filter(|host| host.state == HostState::Watching) {
            let Some(owner) = host.owner else { continue };
            if !found.iter().any(|(_, known)| known.is_same_process(&owner)) {
                found.push((clean(host.name.as_str()), *owner));
            }
        }
        Ok(found)
    }

    /// The way to a supervisor on this machine. What a claim says of a socket counts only where it names this very
    /// machine, in this life of it.
    fn beside(session: &Session, owner: &Owner) -> Option<Self> {
        let here = owner.is_beside(&this_process("")) && !owner.socket.is_empty();
        here.then(|| Self::at(session, Path::new(&owner.socket), Via::Cli).ok()).flatten()
    }

    /// A wish; returns when it is committed.
    pub(super) fn command(&mut self, command: Command) -> Result<Committed, CliError> {
        let reply = self.ask(Request::Command { command })?;
        let value = serde_json::to_value(&reply).map_err(CliError::internal)?;
        match reply {
            Reply::Committed { text, .. } => Ok(Committed { text, value }),
            Reply::Done => Ok(Committed { text: String::new(), value }),
            _ => Err(unexpected("a command's answer")),
        }
    }
}

/// An approval in one line, its identity first.
fn listed(session: &Session, approval: &Approval) -> String {
    let asked = clean(&question(session.out.lang, approval));
    format!("{}  {}: {asked}", approval.id, clean(&approval.told_place()))
}

/// The command that tells what became of a request.
fn look(request: &Request) -> String {
    match request {
        Request::Command { command: Command::Decide { approval, .. } | Command::GrantLease { approval, .. } } => {
            format!("tmuxagent approvals {approval}")
        }
        Request::Command { command: Command::Start { .. } | Command::Control { .. } } => {
            "tmuxagent panes --runs".to_owned()
        }
        Request::Command { command: Command::Send { .. } } => "tmuxagent events".to_owned(),
        _ => "tmuxagent status".to_owned(),
    }
}

/// What is to be said where `--policy` names others than the running supervisor uses: it is too late for that.
pub(super) fn ignored_policy(session: &Session, in_force: &[String]) -> Option<String> {
    let named = tmuxagent_config::policy_sources(&session.overrides, &session.environment).ok();
    let same = named.is_some_and(|sources| tmuxagent_config::policy_names(&sources) == in_force);
    (!same && !session.overrides.policy.is_empty()).then(|| {
        let text = word(session.out.lang, Word::PolicyIgnored);
        format!("{text} {}", some_of(session.out.lang, in_force))
    })
}

/// Files that a sentence names; of many some, and the command that names all.
const NAMED: usize = 3;

fn some_of(lang: Lang, files: &[String]) -> String {
    let named = clean(&files.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "));
    match (lang, files.len().saturating_sub(NAMED)) {
        (_, 0) => named,
        (Lang::En, more) => format!("{named} and {more} more: `tmuxagent status`"),
        (Lang::Zh, more) => format!("{named} 等，另有 {more} 个：`tmuxagent status`"),
    }
}

fn unreachable(socket: &Path, error: ClientError) -> CliError {
    let shown = socket.display();
    match error {
        ClientError::NoSupervisor => {
            CliError::NoSupervisor { text: format!("no supervisor runs (nobody listens on {shown})") }
        }
        ClientError::Unanswered => {
            gone("the supervisor ended before it was asked anything, so nothing was done (another may be starting)")
        }
        ClientError::Refused(text) => CliError::Answer { kind: ErrorKind::Refused, text },
        foreign @ ClientError::Foreign { .. } => {
            CliError::user(foreign.to_string(), "`tmuxagent doctor` shows whose folders are used")
        }
        ClientError::Broken(text) => CliError::user(
            format!("the socket {shown} can't be used: {}", text.to_lowercase()),
            "it may be another user's, or a supervisor that is ending: `tmuxagent doctor` tells",
        ),
    }
}

fn silent() -> CliError {
    let text = format!("the supervisor did not answer within {} s", PATIENCE.as_secs());
    CliError::Answer { kind: ErrorKind::Internal, text }
}

fn gone(reason: &str) -> CliError {
    CliError::NoSupervisor { text: reason.to_owned() }
}

fn unexpected(what: &str) -> CliError {
    let text = format!("the supervisor answered something else than {what}");
    CliError::Answer { kind: ErrorKind::UnknownRequest, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_files_some_are_named_and_the_others_counted() {
        let files = |n: u8| (0..n).map(|n| format!("/p/{n}.yaml")).collect::<Vec<_>>();
        assert_eq!(some_of(Lang::En, &files(3)), "/p/0.yaml, /p/1.yaml, /p/2.yaml");
        assert_eq!(some_of(Lang::En, &files(9)), "/p/0.yaml, /p/1.yaml, /p/2.yaml and 6 more: `tmuxagent status`");
        assert!(some_of(Lang::Zh, &files(9)).ends_with("等，另有 6 个：`tmuxagent status`"));
    }
}
