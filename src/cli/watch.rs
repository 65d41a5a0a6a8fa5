//! The main screen, the popup and the headless supervisor: who is first watches and decides, who comes later is a
//! view of it.
//!
//! This file is the seam to the supervisor and the screens; nothing else of the command line knows them.

use super::{CliError, Outcome, Session, exit};
use crate::config::Loaded;
use crate::ipc::lock::{Holder, Lock, LockError};
use crate::notify::words::Lang;
use crate::supervisor::{self, Running, Start, StartError};
use clap::Args;
use std::io::ErrorKind;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// How the program was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// With a screen in this terminal; becomes the supervisor where none runs.
    Screen,
    /// As the supervisor without a screen.
    Headless,
    /// A view in a tmux popup; never becomes the supervisor.
    Popup,
}

#[derive(Debug, Args)]
pub(super) struct PopupArgs {}

/// Opens the main screen, or watches without one.
pub(super) fn run(session: &Session, mode: Mode) -> Outcome {
    let loaded = session.load()?;
    super::policy::judge(&loaded.policy_sources)?;
    loaded.paths.prepare()?;
    start(session, loaded, mode)
}

/// Opens the view in a popup. A popup has no `TMUX_PANE`, so the supervisor reads every pane below it.
pub(super) fn popup(session: &Session, _: &PopupArgs) -> Outcome {
    let loaded = session.load()?;
    start(session, loaded, Mode::Popup)
}

/// Hands over to the supervisor or a view.
pub(super) fn start(session: &Session, loaded: Loaded, mode: Mode) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(CliError::internal)?;
    let outcome = runtime.block_on(async {
        match mode {
            Mode::Headless => headless(session, loaded).await,
            Mode::Screen => super::screen::main_screen(session, loaded).await,
            Mode::Popup => super::screen::view(session, &loaded, super::screen::Surface::Popup, None).await,
        }
    });
    // Effects under way (a hanging service) must not hold the end up.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}

/// Watches until a signal or `tmuxagent shutdown`.
async fn headless(session: &Session, loaded: Loaded) -> Outcome {
    let folder = loaded.paths.runtime_dir.clone();
    let lock = match take_lock(&loaded) {
        Ok(lock) => lock,
        Err(LockError::Held(holder)) => return Err(held(&folder, holder)),
        Err(error) => return Err(unusable(&error)),
    };
    let running = begin(session, loaded, lock).await?;
    until_asked(running).await
}

/// Goes on without a screen until a signal or `tmuxagent shutdown`.
pub(super) async fn until_asked(mut running: Running) -> Outcome {
    let reason = match asked_to_end() {
        Ok(signal) => tokio::select! {
            reason = running.ended() => reason,
            name = signal => {
                running.stop(name).await;
                running.ended().await
            }
        },
        Err(error) => return Err(CliError::internal(error)),
    };
    tracing::info!(reason, "ended");
    Ok(exit::OK)
}

/// The first of the signals that end a program.
fn asked_to_end() -> std::io::Result<impl Future<Output = &'static str>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut hup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => "SIGTERM",
            _ = int.recv() => "SIGINT",
            _ = hup.recv() => "SIGHUP",
        }
    })
}

/// Takes the lock that makes this process the supervisor.
pub(super) fn take_lock(loaded: &Loaded) -> Result<Lock, LockError> {
    let holder = Holder {
        pid: std::process::id(),
        config: loaded.config_name.clone(),
        started_at: crate::clock::wall(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Lock::acquire(&loaded.paths.runtime_dir, &holder)
}

/// The language of alerts, pages and request files.
pub(super) const fn message_lang(session: &Session) -> Lang {
    match session.out.lang {
        crate::i18n::Lang::En => Lang::En,
        crate::i18n::Lang::Zh => Lang::Zh,
    }
}

/// Starts the supervisor in this process.
pub(super) async fn begin(session: &Session, loaded: Loaded, lock: Lock) -> Result<Running, CliError> {
    let start = Start {
        overrides: session.overrides.clone(),
        environment: session.environment.clone(),
        project: std::env::current_dir().ok(),
        loaded,
        lock,
        lang: message_lang(session),
    };
    supervisor::start(start).await.map_err(|error| match error {
        StartError::User(problem) => CliError::User(problem),
        StartError::State(error) => CliError::user(error.to_string(), "nothing was started"),
        StartError::Restore(error) => CliError::user(
            format!("the state can't be understood: {error}"),
            "`tmuxagent db restore` goes back to the last good backup",
        ),
        StartError::Socket { folder, source } => CliError::user(
            format!("can't open the socket in {folder}: {source}"),
            "give another folder with --state-dir, on a file system that knows sockets",
        ),
        StartError::Network(error) => CliError::internal(error),
    })
}

fn held(folder: &Path, holder: Option<Holder>) -> CliError {
    let who = holder.map_or_else(String::new, |holder| format!(" (process {}, {})", holder.pid, holder.config));
    CliError::user(
        format!("a supervisor runs already in {}{who}", folder.display()),
        "`tmuxagent` opens a view of it, `tmuxagent shutdown` ends it, --state-dir DIR starts another one",
    )
}

pub(super) fn unusable(error: &LockError) -> CliError {
    let full = matches!(error, LockError::Unusable { source, .. } if source.kind() == ErrorKind::StorageFull);
    let way_out = if full { "free some space there" } else { "make the folder writable" };
    CliError::user(error.to_string(), format!("{way_out}, or give another one with --state-dir DIR"))
}
