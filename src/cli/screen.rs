//! The screens of this process: the supervisor's own over a pipe, or a view over the socket.

use super::supervise::{begin, take_lock, until_asked, unusable};
use super::watched::hosts_of;
use super::{CliError, Outcome, Session, exit};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_clock as clock;
use tmuxagent_config::{Environment, Loaded, Paths, Problem};
use tmuxagent_ipc::client::{self, ClientError};
use tmuxagent_ipc::hub::Hub;
use tmuxagent_ipc::lock::{Holder, LockError, socket_path};
use tmuxagent_ipc::server::serve_stream;
use tmuxagent_ipc::wire::{Reply, Request, RequestFrame, WatchedServer};
use tmuxagent_model::{PaneKey, Timestamp, Via};
use tmuxagent_supervisor::jump;
use tmuxagent_text::Lang;
use tmuxagent_tui::{
    self as ui, ConnectError, Exit, Jumped, Keymap, Link, Options, Role, Setup, TerminalHints, Theme, UiError,
};
use tmuxagent_yaml::Source;

/// Where a view draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    /// A terminal of its own.
    Terminal,
    /// A tmux popup.
    Popup,
}

/// The room of the pipe between the supervisor and its own screen, bytes.
const PIPE: usize = 256 * 1024;

/// How long the supervisor may take to say what it watches.
const PATIENCE: Duration = Duration::from_secs(2);

/// Becomes the supervisor with a screen, or a view where one runs.
pub(super) async fn main_screen(session: &Session, loaded: Loaded) -> Outcome {
    let options = options(session, &loaded, Role::Main)?;
    let lock = match take_lock(&loaded) {
        Ok(lock) => lock,
        Err(LockError::Held(holder)) => {
            let remark = match other_configuration(session, &loaded, holder.as_ref()) {
                Some(text) => Some(text),
                None => other_policy(session, &loaded).await.or_else(|| broken_policy(session, &loaded)),
            };
            if let Some(text) = &remark {
                // Read again when the screen is gone.
                session.out.warn(text);
            }
            return view(session, &loaded, Surface::Terminal, remark).await;
        }
        Err(error) => return Err(unusable(&error)),
    };
    let greeting = greeting(session, Via::Key);
    let mut running = begin(session, loaded, lock).await?;
    let hub = running.hub.clone();
    let screen = AssertUnwindSafe(ui::run(move || inside(hub.clone(), greeting.clone()), options)).catch_unwind();
    let ended = tokio::select! {
        ended = screen => ended,
        // The screen says goodbye by itself when its supervisor ends.
        reason = running.ended() => {
            tracing::info!(reason, "the supervisor ended before its screen");
            return Ok(exit::OK);
        }
    };
    let Ok(ended) = ended else {
        // The report of the panic stands on the terminal, which is as it was before.
        session.out.warn("the screen failed; the supervisor goes on without it: `tmuxagent` elsewhere opens a view");
        return until_asked(running).await;
    };
    running.stop("its screen was closed").await;
    running.ended().await;
    code(ended)
}

/// What the user has to know who gave another configuration than the running supervisor's.
fn other_configuration(session: &Session, loaded: &Loaded, holder: Option<&Holder>) -> Option<String> {
    let holder = holder.filter(|holder| holder.config != loaded.config_name)?;
    let (pid, theirs, ours) = (holder.pid, &holder.config, &loaded.config_name);
    Some(match session.out.lang {
        Lang::En => format!(
            "this is a view of process {pid}, which uses {theirs}, not {ours}; `tmuxagent shutdown` ends that one, \
             --state-dir DIR starts another"
        ),
        Lang::Zh => format!(
            "这是进程 {pid} 的视图，它使用 {theirs}，而不是 {ours}；`tmuxagent shutdown` 结束它，--state-dir 目录 另启一个"
        ),
    })
}

/// What the user has to know who named other policies than the running supervisor uses.
async fn other_policy(session: &Session, loaded: &Loaded) -> Option<String> {
    if session.overrides.policy.is_empty() {
        return None;
    }
    let socket = socket_path(&loaded.paths.runtime_dir);
    let mut connection = client::Connection::open(&socket, greeting(session, Via::Cli)).await.ok()?;
    match connection.request(Request::Snapshot).await.ok()? {
        Reply::Snapshot { snapshot } => super::connection::ignored_policy(session, &snapshot.policies),
        _ => None,
    }
}

/// What the user has to know whose policy on disk can't be used: that of the running supervisor stays in force.
fn broken_policy(session: &Session, loaded: &Loaded) -> Option<String> {
    super::policy::judge(&loaded.policy_sources).err()?;
    // What is wrong with it stands among the supervisor's problems.
    Some(match session.out.lang {
        Lang::En => "the policy on disk is broken and not in force; see `tmuxagent policy check`".to_owned(),
        Lang::Zh => "磁盘上的策略有误，没有生效；见 `tmuxagent policy check`".to_owned(),
    })
}

/// A view of the running supervisor, which begins with that remark.
pub(super) async fn view(session: &Session, loaded: &Loaded, surface: Surface, remark: Option<String>) -> Outcome {
    let (role, via) = match surface {
        Surface::Terminal => (Role::View, Via::Key),
        Surface::Popup => (Role::Popup, Via::Popup),
    };
    let socket = socket_path(&loaded.paths.runtime_dir);
    if surface == Surface::Popup {
        // In a popup an error would vanish with it, so nothing is opened where nobody listens.
        drop(client::dial(&socket).await.map_err(|error| unreachable(&error))?);
    }
    let mut options = options(session, loaded, role)?;
    options.setup.remark = remark;
    let greeting = greeting(session, via);
    code(ui::run(move || outside(socket.clone(), greeting.clone()), options).await)
}

fn unreachable(error: &ClientError) -> CliError {
    match error {
        // The hint behind it tells how one is started.
        ClientError::NoSupervisor => CliError::NoSupervisor { text: "no supervisor runs".to_owned() },
        other => CliError::internal(color_eyre::eyre::eyre!("{other}")),
    }
}

fn greeting(session: &Session, via: Via) -> Request {
    let inside = |name: &str| session.environment.non_empty(name).map(str::to_owned);
    // A popup has no pane of its own, and inherits the variable of the one that tmux was started from.
    let pane = inside("TMUX_PANE").filter(|_| via == Via::Key);
    let socket = inside("TMUX").and_then(|value| value.split(',').next().map(str::to_owned));
    client::hello(via, pane, socket)
}

/// Connects to the supervisor in this process.
async fn inside(hub: Hub, greeting: Request) -> Result<Link, ConnectError> {
    if hub.closing.borrow().is_some() {
        return Err(ConnectError::Gone("the supervisor has ended".to_owned()));
    }
    let (ours, theirs) = tokio::io::duplex(PIPE);
    tokio::spawn(serve_stream(theirs, hub));
    greeted(client::link(ours), greeting).await
}

/// Connects over the socket.
async fn outside(socket: PathBuf, greeting: Request) -> Result<Link, ConnectError> {
    let stream = client::dial(&socket).await.map_err(|error| ConnectError::Gone(error.to_string()))?;
    greeted(client::link(stream), greeting).await
}

/// Says hello with number 0, which no request of the screen has; the screen sees the answer as its first frame.
async fn greeted(link: client::Link, greeting: Request) -> Result<Link, ConnectError> {
    let client::Link { frames, requests } = link;
    let hello = RequestFrame { id: 0, request: greeting };
    requests.send(hello).await.map_err(|_| ConnectError::Gone("the supervisor has gone".to_owned()))?;
    Ok(Link { frames, requests })
}

fn options(session: &Session, loaded: &Loaded, role: Role) -> Result<Options, CliError> {
    let environment = Arc::new(loaded.environment.clone());
    let hosts = loaded.config.hosts.clone();
    let runtime = loaded.paths.runtime_dir.clone();
    let setup = Setup {
        role,
        lang: session.out.lang,
        theme: theme(&environment),
        keymap: keymap(&loaded.paths)?,
        zone: jiff::tz::TimeZone::system(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        remark: None,
        user: tmuxagent_supervisor::user_name(&environment),
    };
    let lang = session.out.lang;
    let socket = socket_path(&runtime);
    let jump = move |pane: PaneKey| -> Jumped {
        let (hosts, runtime, environment) = (hosts.clone(), runtime.clone(), Arc::clone(&environment));
        let socket = socket.clone();
        Box::pin(async move {
            let hosts = hosts_of(hosts, &watched_by(&socket).await);
            jump::jump(&hosts, &runtime, &environment, &pane, lang).await
        })
    };
    let clock = clock::Clock::start(Timestamp(0));
    Ok(Options { setup, jump: Box::new(jump), now: Box::new(move || clock.now()), wall: Box::new(clock::wall) })
}

/// The servers of this machine that the supervisor watches, whose panes the screen shows: what is configured may mean others in
/// the environment of this process, which perhaps runs inside one that nobody watches. None where it does not answer.
async fn watched_by(socket: &Path) -> Vec<WatchedServer> {
    let opening = client::Connection::open(socket, client::hello(Via::Cli, None, None));
    match tokio::time::timeout(PATIENCE, opening).await.map(|opened| opened.map(|connection| connection.hello)) {
        Ok(Ok(Reply::Hello { servers, .. })) => servers,
        _ => Vec::new(),
    }
}

fn theme(environment: &Environment) -> Theme {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| environment.non_empty(name));
    Theme::for_terminal(TerminalHints {
        no_color: environment.get("NO_COLOR"),
        term: environment.get("TERM"),
        colorterm: environment.get("COLORTERM"),
        locale,
    })
}

/// The bindings, with the user's `keymap.yaml` where there is one.
pub(super) fn keymap(paths: &Paths) -> Result<Keymap, CliError> {
    let file = paths.keymap();
    tmuxagent_config::trusted(&file)?;
    match tmuxagent_config::read_placed(&file) {
        Ok(text) => Keymap::from_yaml(&Source::new(file.display().to_string(), text))
            .map_err(|found| CliError::User(Problem::in_text(found))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Keymap::default()),
        Err(error) => Err(CliError::user(
            format!("the key map {} can't be read: {error}", file.display()),
            "make it readable, or remove it",
        )),
    }
}

fn code(ended: Result<Exit, UiError>) -> Outcome {
    match ended {
        Ok(Exit::Quit | Exit::TerminalGone) => Ok(exit::OK),
        Ok(Exit::Unanswered(doubt)) => Err(CliError::Uncertain { doubt, look: "tmuxagent approvals --all".to_owned() }),
        // As a shell reports a program that a signal ended.
        Ok(Exit::Signal(number)) => Ok(u8::try_from(128 + number).unwrap_or(exit::INTERNAL)),
        Err(UiError::Terminal(error)) => Err(CliError::user(
            format!("can't use the terminal: {error}"),
            "without a terminal use `tmuxagent --headless`, or the subcommands",
        )),
        Err(UiError::Refused(text)) => {
            Err(CliError::user(text, "end the supervisor of the other version, then start this one"))
        }
    }
}
