//! The shell of the screen: the one place that waits, sends, draws and asks the clock.
//!
//! One loop: a message in, `update`, the actions done, a picture when one is due. Keys go before frames, so that a
//! flood of snapshots delays no decision.

use super::events::Source;
use super::frame::Pace;
use super::link::{Backoff, ConnectError, Link};
use super::model::{Model, Role, Setup};
use super::msg::{Action, Mouse, Msg};
use super::term::{self, Screen};
use super::{update, view};
use std::future::Future;
use std::io;
use std::pin::Pin;
use tmuxagent_ipc::wire::{Reply, ServerFrame};
use tmuxagent_model::{Doubt, Millis, PaneKey, Timestamp};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// What a jump leads to: nothing to say, or why it failed, for people.
pub type Jumped = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// An attempt to connect.
type Connecting = Pin<Box<dyn Future<Output = Result<Link, ConnectError>> + Send>>;

/// How the screen is started.
pub struct Options {
    /// Role, language, look, bindings.
    pub setup: Setup,
    /// Shows a pane in tmux. A popup ends after a jump that succeeded, since it would hide what was jumped to.
    pub jump: Box<dyn FnMut(PaneKey) -> Jumped + Send>,
    /// A steady clock, which no change of the system's time moves.
    pub now: Box<dyn Fn() -> Timestamp + Send>,
    /// The system's time, to be shown.
    pub wall: Box<dyn Fn() -> Timestamp + Send>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("setup", &self.setup).finish_non_exhaustive()
    }
}

/// How long the user's leaving waits for the answer to what he asked last.
const LAST_ANSWER: Millis = Millis(3_000);

/// How the screen ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The user left.
    Quit,
    /// The user left, and of what he asked last nobody can say whether it is done.
    Unanswered(Doubt),
    /// A signal of that number asked for it.
    Signal(i32),
    /// The terminal is gone.
    TerminalGone,
}

/// Why the screen could not go on.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// There is no terminal, or it fails.
    #[error("failed to use the terminal: {0}; without one use `--headless`, or the subcommands")]
    Terminal(#[from] io::Error),
    /// The supervisor can't be worked with.
    #[error("{0}")]
    Refused(String),
}

/// What is drawn on.
pub trait Canvas: Send {
    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal fails; so with the others.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Draws a picture, changed cells only.
    ///
    /// # Errors
    /// When the terminal fails.
    fn draw(&mut self, model: &Model) -> io::Result<()>;
    /// Forgets what is on the screen, so that the next picture is drawn whole.
    ///
    /// # Errors
    /// When the terminal fails.
    fn clear(&mut self) -> io::Result<()>;
    /// Captures the mouse, or lets it go.
    ///
    /// # Errors
    /// When the terminal fails.
    fn mouse(&mut self, mouse: Mouse) -> io::Result<()>;
    /// Gives the terminal back and stops the process; returns when the stop is under way.
    ///
    /// # Errors
    /// When the process can't be stopped.
    fn stop(&mut self) -> io::Result<()>;
    /// Takes the terminal again after the process was continued.
    ///
    /// # Errors
    /// When the terminal fails.
    fn resume(&mut self) -> io::Result<()>;
    /// New messages of the terminal, after [`Canvas::resume`].
    ///
    /// # Errors
    /// When there is no terminal.
    fn source(&self) -> io::Result<Source>;
}

impl Canvas for Screen {
    fn size(&self) -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    fn draw(&mut self, model: &Model) -> io::Result<()> {
        self.terminal().draw(|frame| view::draw(model, frame)).map(|_| ())
    }

    fn clear(&mut self) -> io::Result<()> {
        Screen::clear(self)
    }

    fn mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        term::set_mouse(mouse)
    }

    fn stop(&mut self) -> io::Result<()> {
        term::restore();
        term::stop_here()
    }

    fn resume(&mut self) -> io::Result<()> {
        // After a stop from outside the shell may have changed the modes that we still think are ours.
        term::restore();
        self.enter()
    }

    fn source(&self) -> io::Result<Source> {
        Source::terminal()
    }
}

/// Runs the screen on this process's terminal until the user leaves. `connect` is called at the start and after each
/// loss, with growing pauses.
///
/// # Errors
/// When there is no terminal, or the supervisor refuses this program. The terminal is as it was by then.
pub async fn run<C, F>(connect: C, options: Options) -> Result<Exit, UiError>
where
    C: FnMut() -> F + Send,
    F: Future<Output = Result<Link, ConnectError>> + Send + 'static,
{
    let source = Source::terminal()?;
    let signals = Signals::listen()?;
    let mut screen = Screen::take()?;
    run_on(&mut screen, source, Some(signals), connect, options).await
}

/// Runs the screen on a given canvas, with given messages; `signals` are the process's, where it has them to itself.
///
/// # Errors
/// As [`run`].
pub async fn run_on<C, F>(
    canvas: &mut dyn Canvas,
    source: Source,
    signals: Option<Signals>,
    mut connect: C,
    options: Options,
) -> Result<Exit, UiError>
where
    C: FnMut() -> F + Send,
    F: Future<Output = Result<Link, ConnectError>> + Send + 'static,
{
    let size = canvas.size()?;
    let (mut setup, now) = (options.setup, (options.now)());
    let remark = setup.remark.take();
    let mut model = Model::new(setup, size, now);
    if let Some(text) = remark {
        update::update(&mut model, now, Msg::Notice(text));
    }
    let mut shell = ViewLoop {
        canvas,
        model,
        now: options.now,
        wall: options.wall,
        jump: options.jump,
        jumps: JoinSet::new(),
        link: None,
        backoff: Backoff::default(),
        pace: Pace::default(),
        stage: Stage::Drawing,
        outcome: None,
    };
    shell.pace.request();
    match shell.live(source, signals, &mut || Box::pin(connect())).await {
        Err(UiError::Terminal(error)) if term::is_gone(&error) => Ok(Exit::TerminalGone),
        other => other,
    }
}

/// Whether the terminal is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Drawing,
    Stopped,
}

struct ViewLoop<'a> {
    canvas: &'a mut dyn Canvas,
    model: Model,
    now: Box<dyn Fn() -> Timestamp + Send>,
    wall: Box<dyn Fn() -> Timestamp + Send>,
    jump: Box<dyn FnMut(PaneKey) -> Jumped + Send>,
    jumps: JoinSet<Result<(), String>>,
    link: Option<Link>,
    backoff: Backoff,
    pace: Pace,
    stage: Stage,
    outcome: Option<Exit>,
}

impl ViewLoop<'_> {
    async fn live(
        &mut self,
        mut source: Source,
        mut signals: Option<Signals>,
        connect: &mut (dyn FnMut() -> Connecting + Send),
    ) -> Result<Exit, UiError> {
        let mut connecting = Some(connect());
        let mut retry_at: Option<Instant> = None;
        while self.outcome.is_none() {
            let due = self.pace.due(Instant::now()).filter(|_| self.stage == Stage::Drawing);
            let tick = Instant::now() + self.model.next_tick().since((self.now)()).max(Millis(1)).to_std();
            tokio::select! {
                biased;
                signal = next_signal(&mut signals) => self.signalled(signal, &mut source)?,
                msg = source.next() => match msg {
                    Some(msg) => self.take(msg, &mut source)?,
                    None => self.outcome = Some(Exit::TerminalGone),
                },
                () = at(due) => {
                    self.canvas.draw(&self.model)?;
                    tmuxagent_failpoints::panics_at("screen.drawn");
                    self.pace.drawn(Instant::now());
                }
                result = attempt(&mut connecting) => {
                    connecting = None;
                    retry_at = self.connected(result)?;
                }
                frame = next_frame(&mut self.link) => retry_at = self.framed(frame)?.or(retry_at),
                Some(result) = self.jumps.join_next() => self.jumped(result.unwrap_or_else(|error| Err(error.to_string())))?,
                () = at(retry_at) => {
                    retry_at = None;
                    connecting = Some(connect());
                }
                () = sleep_until(tick) => self.take(Msg::Tick((self.wall)()), &mut source)?,
            }
        }
        let doubt = self.last_answer().await?;
        Ok(match (self.outcome.take().unwrap_or(Exit::Quit), doubt) {
            (Exit::Quit, Some(doubt)) => Exit::Unanswered(doubt),
            (other, _) => other,
        })
    }

    /// Who says yes and leaves at once has decided: what was asked goes out, and its answer is waited for. What can be
    /// said of it, where that is not certain.
    async fn last_answer(&mut self) -> Result<Option<Doubt>, UiError> {
        if !self.model.awaits_answer() {
            return Ok(None);
        }
        self.model.doubt = None;
        let deadline = Instant::now() + LAST_ANSWER.to_std();
        while self.model.awaits_answer() {
            tokio::select! {
                frame = next_frame(&mut self.link) => drop(self.framed(frame)?),
                () = sleep_until(deadline) => return Ok(Some(Doubt::Slow)),
            }
        }
        Ok(self.model.doubt.take())
    }

    /// One message through `update`, and what it wants done.
    fn take(&mut self, msg: Msg, source: &mut Source) -> Result<(), UiError> {
        let actions = update::update(&mut self.model, (self.now)(), msg);
        self.pace.request();
        for action in actions {
            self.perform(action, source)?;
        }
        Ok(())
    }

    /// A message that leads to nothing but requests.
    fn tell(&mut self, msg: Msg) -> Result<(), UiError> {
        self.take(msg, &mut Source::Closed)
    }

    fn perform(&mut self, action: Action, source: &mut Source) -> Result<(), UiError> {
        match action {
            Action::Request(frame) => {
                // A closed queue is a lost connection, which the frames' end tells.
                let id = frame.id;
                if let Some(link) = &self.link
                    && let Err(TrySendError::Full(_)) = link.requests.try_send(frame)
                {
                    // It certainly did not go out.
                    self.model.asked.remove(&id);
                    let text = tmuxagent_text::Text::SupervisorBusy.of(self.model.lang());
                    self.tell(Msg::Notice(text.to_owned()))?;
                }
            }
            Action::Jump { pane } => {
                let jump = (self.jump)(pane);
                self.jumps.spawn(jump);
            }
            Action::Mouse(mouse) => self.canvas.mouse(mouse)?,
            Action::Redraw => self.canvas.clear()?,
            Action::Suspend => {
                // The reader of the terminal goes first: it would take keys from the shell.
                *source = Source::Closed;
                self.stage = Stage::Stopped;
                self.canvas.stop()?;
            }
            Action::Quit => self.outcome = Some(Exit::Quit),
        }
        Ok(())
    }

    fn signalled(&mut self, signal: Caught, source: &mut Source) -> Result<(), UiError> {
        match signal {
            Caught::End(number) => self.outcome = Some(Exit::Signal(number)),
            Caught::Stop => match self.model.setup.role {
                Role::View => self.perform(Action::Suspend, source)?,
                Role::Main | Role::Popup => {
                    let text = tmuxagent_text::Text::CannotSuspend.of(self.model.lang());
                    self.tell(Msg::Notice(text.to_owned()))?;
                }
            },
            Caught::Continue => {
                *source = Source::Closed;
                self.canvas.resume()?;
                self.canvas.mouse(self.model.mouse)?;
                *source = self.canvas.source()?;
                self.stage = Stage::Drawing;
                let (width, height) = self.canvas.size()?;
                self.tell(Msg::Resized { width, height })?;
            }
        }
        Ok(())
    }

    /// A connection stands, or the next attempt is planned.
    fn connected(&mut self, result: Result<Link, ConnectError>) -> Result<Option<Instant>, UiError> {
        match result {
            Ok(link) => {
                self.link = Some(link);
                self.tell(Msg::Linked)?;
                Ok(None)
            }
            Err(ConnectError::Refused(text)) => Err(UiError::Refused(text)),
            Err(ConnectError::Gone(reason)) => self.lost(reason).map(Some),
        }
    }

    /// A frame and all that wait behind it; `None` is a lost connection.
    fn framed(&mut self, frame: Option<ServerFrame>) -> Result<Option<Instant>, UiError> {
        let Some(frame) = frame else {
            self.link = None;
            return self.lost(String::new()).map(Some);
        };
        // The connector's greeting has number 0; a refused one would be refused again.
        if let ServerFrame::Reply { id: 0, reply } = &frame
            && let Reply::Error { text, .. } = reply.as_ref()
        {
            return Err(UiError::Refused(tmuxagent_text::clean(text)));
        }
        // A connection that says nothing does not count as one that stood.
        self.backoff.reset();
        self.tell(Msg::Frame(Box::new(frame)))?;
        for _ in 0..64 {
            let Some(next) = self.link.as_mut().and_then(|link| link.frames.try_recv().ok()) else { break };
            self.tell(Msg::Frame(Box::new(next)))?;
        }
        Ok(None)
    }

    fn lost(&mut self, reason: String) -> Result<Instant, UiError> {
        let pause = self.backoff.next_pause();
        let retry_at = (self.now)() + pause;
        self.tell(Msg::LinkLost { reason, retry_at })?;
        Ok(Instant::now() + pause.to_std())
    }

    fn jumped(&mut self, result: Result<(), String>) -> Result<(), UiError> {
        match (result, self.model.setup.role) {
            (Err(text), _) => self.tell(Msg::Notice(text))?,
            (Ok(()), Role::Popup) => self.outcome = Some(Exit::Quit),
            (Ok(()), Role::Main | Role::View) => {}
        }
        Ok(())
    }
}

/// Waits for an instant; for ever where there is none.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

async fn attempt(connecting: &mut Option<Connecting>) -> Result<Link, ConnectError> {
    match connecting {
        Some(attempt) => attempt.await,
        None => std::future::pending().await,
    }
}

async fn next_frame(link: &mut Option<Link>) -> Option<ServerFrame> {
    match link {
        Some(link) => link.frames.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_signal(signals: &mut Option<Signals>) -> Caught {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

/// A signal of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caught {
    End(i32),
    Stop,
    Continue,
}

/// The signals of the process that concern its terminal.
#[derive(Debug)]
pub struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
    stop: Signal,
    go_on: Signal,
}

impl Signals {
    /// Listens from now on. SIGTSTP no longer stops the process by itself.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        let raw = |number: rustix::process::Signal| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            stop: raw(rustix::process::Signal::TSTP)?,
            go_on: raw(rustix::process::Signal::CONT)?,
        })
    }

    async fn next(&mut self) -> Caught {
        use rustix::process::Signal as S;
        tokio::select! {
            _ = self.hangup.recv() => Caught::End(S::HUP.as_raw()),
            _ = self.interrupt.recv() => Caught::End(S::INT.as_raw()),
            _ = self.terminate.recv() => Caught::End(S::TERM.as_raw()),
            _ = self.stop.recv() => Caught::Stop,
            _ = self.go_on.recv() => Caught::Continue,
        }
    }
}

#[cfg(test)]
mod tests;
