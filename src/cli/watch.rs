//! The main screen, the popup and the headless supervisor: who is first watches and decides, who comes later is a
//! view of it.
//!
//! This file is the seam to the supervisor and the screens; nothing else of the command line knows them.

use super::{CliError, Outcome, Session};
use crate::config::Loaded;
use clap::Args;

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
pub(super) fn start(_: &Session, loaded: Loaded, mode: Mode) -> Outcome {
    Err(CliError::internal(color_eyre::eyre::eyre!("{mode:?} over {}", loaded.config_name)))
}
