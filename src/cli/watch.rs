//! The main screen, the popup and the headless supervisor: who is first watches and decides, who comes later is a
//! view of it.

use super::supervise::{begin, held, take_lock, until_asked, unusable};
use super::{Outcome, Session};
use clap::Args;
use tmuxagent_config::Loaded;
use tmuxagent_ipc::lock::{LockError, socket_path};
use tmuxagent_text::Lang;

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
    let judged = super::policy::judge(&loaded.policy_sources).map(drop);
    // A view needs no policy of its own; that of the supervisor is in force, and the screen tells what is wrong with the file.
    if mode != Mode::Screen || !is_served(&loaded) {
        judged?;
    }
    loaded.paths.prepare()?;
    start(session, loaded, mode)
}

/// Whether a supervisor runs already, of which a screen is a view.
fn is_served(loaded: &Loaded) -> bool {
    std::os::unix::net::UnixStream::connect(socket_path(&loaded.paths.runtime_dir)).is_ok()
}

/// Opens the view in a popup. A popup has no `TMUX_PANE`, so the supervisor reads every pane below it.
pub(super) fn popup(session: &Session, _: &PopupArgs) -> Outcome {
    let loaded = session.load()?;
    start(session, loaded, Mode::Popup)
}

/// Keeps an error in a popup on the screen until a key is pressed: a popup closes when its program ends.
pub(super) fn hold_popup(lang: Lang) {
    use std::io::{IsTerminal as _, Read as _, Write as _};
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return;
    }
    let _ = writeln!(std::io::stderr(), "\n{}", lang.pick("Press any key to close.", "按任意键关闭。"));
    // Where the terminal can't be switched, Enter is the key.
    let raw = crossterm::terminal::enable_raw_mode().is_ok();
    let _ = std::io::stdin().read(&mut [0; 16]);
    if raw {
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// Hands over to the supervisor or a view.
pub(super) fn start(session: &Session, loaded: Loaded, mode: Mode) -> Outcome {
    let runtime = super::threads::runtime()?;
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
