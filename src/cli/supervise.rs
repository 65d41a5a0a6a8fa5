//! The supervisor in this process: its lock, its start, its end by a signal.

use super::{CliError, Outcome, Session, exit};
use std::io::ErrorKind;
use std::path::Path;
use tmuxagent_config::Loaded;
use tmuxagent_ipc::lock::{Holder, Lock, LockError};
use tmuxagent_supervisor::{self as supervisor, Running, Start, StartError};
use tokio::signal::unix::{SignalKind, signal};

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
        started_at: tmuxagent_clock::wall(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Lock::acquire(&loaded.paths.runtime_dir, &holder)
}

/// Starts the supervisor in this process.
pub(super) async fn begin(session: &Session, loaded: Loaded, lock: Lock) -> Result<Running, CliError> {
    let start = Start {
        overrides: session.overrides.clone(),
        environment: session.environment.clone(),
        loaded,
        lock,
        lang: session.out.lang,
        tell: |lang, text| super::output::warn_in(lang, text),
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
        StartError::Identities(error) => CliError::user(error.to_string(), "nothing was started"),
        StartError::Network(error) => CliError::internal(error),
    })
}

pub(super) fn held(folder: &Path, holder: Option<Holder>) -> CliError {
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
