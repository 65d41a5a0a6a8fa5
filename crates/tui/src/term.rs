//! The terminal: taken over and given back, on every way out.
//!
//! **Invariant:** whatever ends the program — return, error, panic, signal — the terminal is as it was: cooked mode,
//! main screen, cursor shown, mouse and paste reports off. [`restore`] may be called any number of times.

use super::msg::Mouse;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::io::{self, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours now; the panic hook asks.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal in our hands; dropping it gives it back.
#[derive(Debug)]
pub struct Screen {
    /// Never dropped: it would show the cursor by itself and, where the terminal is gone, complain on standard error, which
    /// is gone then too, and panic. [`restore`] shows the cursor.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste.
    ///
    /// # Errors
    /// When standard output is no terminal or refuses.
    pub fn take() -> io::Result<Self> {
        restore_on_panic();
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        let mut screen = Self { terminal: ManuallyDrop::new(terminal) };
        screen.enter()?;
        Ok(screen)
    }

    /// What is drawn on.
    pub fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Takes the terminal again after [`restore`], and draws every cell anew.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn enter(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        let entered = enable_raw_mode()
            .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide))
            .and_then(|()| self.clear());
        if entered.is_err() {
            restore();
        }
        entered
    }

    /// Empties the screen and forgets what was on it, so that the next picture is drawn whole.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn clear(&mut self) -> io::Result<()> {
        // `Terminal::clear` would ask the terminal for its cursor and wait for the answer among the keys.
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal.swap_buffers();
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Captures the mouse, or lets it go.
///
/// # Errors
/// When the terminal refuses.
pub fn set_mouse(mouse: Mouse) -> io::Result<()> {
    match mouse {
        Mouse::Captured => execute!(io::stdout(), EnableMouseCapture),
        Mouse::Free => execute!(io::stdout(), DisableMouseCapture),
    }
}

/// Whether an error says that the terminal was closed, as its window was.
pub fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let gone = [Errno::IO, Errno::NXIO, Errno::PIPE].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|number| gone.contains(&number))
}

/// Gives the terminal back, if it is ours.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // One failing step must not keep the next from being tried: the terminal may be half gone.
    let mut out = io::stdout();
    let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Gives the terminal back before a panic's message is printed, so that it can be read.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            previous(panic);
        }));
    });
}

/// Stops this process as `kill -STOP` does, until it is continued. The caller restores and re-enters.
///
/// # Errors
/// When the signal can't be sent.
pub fn stop_here() -> io::Result<()> {
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::STOP).map_err(io::Error::from)
}
