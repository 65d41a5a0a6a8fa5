//! The collector's shell: the only part of it that starts processes, waits, reads and asks what time it is. It gives the
//! heart what happens and does what comes out.

mod agents;
mod captures;
mod claims;
mod drain;
mod far;
mod fork;
mod frame;
mod handover;
mod keeper;
mod keeping;
mod look;
mod probe;
mod proc;
mod process;
mod queue;
mod told;
mod turn;

pub use agents::{CodexServer, claude_session_of, codex_server_of, line_of, opencode_port_of, processes};
pub use claims::{is_alive, this_process};
pub use handover::{Piping, serve};
pub use look::look_takes;

use crate::core::{Done, Farewell, HostCore, Input, Job, Look, Now, Output};
use crate::proto::Nonce;
use crate::{HostMessage, HostSpec, Request, latest};
use drain::Drain;
use far::Far;
use process::Processes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tmuxagent_clock::Clock;
use tmuxagent_failpoints as failpoints;
use tmuxagent_policy::Policy;
use tokio::sync::{mpsc, oneshot};

/// How many inputs may lie between what reads and the heart.
const INPUTS: usize = 64;
/// How long what was typed a moment ago is waited for at the end.
const REPLIES: Duration = Duration::from_secs(1);
/// How long clients may take to leave.
const LEAVE: Duration = Duration::from_secs(3);
/// How long clearing up may take; what is left behind then does no harm.
const CLEAR: Duration = Duration::from_secs(3);

/// A heart and what it acts with.
pub(crate) struct Shell {
    core: HostCore,
    spec: HostSpec,
    nonce: Nonce,
    clock: Clock,
    out: mpsc::Sender<HostMessage>,
    inputs: mpsc::Sender<Input>,
    incoming: mpsc::Receiver<Input>,
    processes: Processes,
    drain: Option<Drain>,
    /// Asks who reads where that is not ours to see.
    far: Option<Far<Box<Look>>>,
}

impl Shell {
    pub fn new(
        spec: HostSpec,
        policy: &mut latest::Receiver<Arc<Policy>>,
        out: mpsc::Sender<HostMessage>,
        clock: Clock,
    ) -> Self {
        let (inputs, incoming) = mpsc::channel(INPUTS);
        let random: [u8; 24] = random();
        let nonce = Nonce::new(random[..16].try_into().unwrap_or_default());
        let (drain, piping) = Drain::start(&spec).unzip();
        let now = Now { at: Instant::now(), wall: clock.now(), room: true };
        let core = HostCore::new(spec.clone(), piping, policy.borrow_and_update().clone(), random, now);
        let processes = Processes::new(inputs.clone(), spec.transport.is_local());
        Self { core, spec, nonce, clock, out, inputs, incoming, processes, drain, far: None }
    }

    /// Observes until nobody asks any more.
    pub async fn run(
        mut self,
        mut requests: mpsc::UnboundedReceiver<Request>,
        mut policy: latest::Receiver<Arc<Policy>>,
    ) {
        let mut policy_open = true;
        let mut done = None;
        self.perform();
        loop {
            let wake = self.core.wake();
            tokio::select! {
                biased;
                request = requests.recv() => match request {
                    Some(Request::Shutdown(asks)) => {
                        done = Some(asks);
                        break;
                    }
                    Some(request) => self.on(Input::Asked(Box::new(request))),
                    None => break,
                },
                // A flooding pane must not hold up what comes first here.
                () = until(wake) => self.on(Input::Tick),
                () = room(&self.out, self.core.has_messages()) => self.hand_on(),
                changed = policy.changed(), if policy_open => match changed {
                    Ok(()) => {
                        let new = policy.borrow_and_update().clone();
                        self.on(Input::Policy(new));
                    }
                    Err(_) => policy_open = false,
                },
                Some(input) = self.incoming.recv() => self.on(input),
                input = drained(self.drain.as_ref()) => self.on(input),
            }
        }
        self.leave(done).await;
    }

    fn on(&mut self, input: Input) {
        let now = Now { at: Instant::now(), wall: self.clock.now(), room: self.out.capacity() > 0 };
        if let Input::Ended(client, _) = &input {
            self.processes.ended(*client);
        }
        if let Input::Piped(pipe, crate::core::Piped::Bytes(bytes)) = &input
            && may_hold_message(bytes)
            && let Some(pid) = self.core.process_of(*pipe)
        {
            // Who says it is who is in front now: a moment later it may have ended.
            self.core.said_by(*pipe, look::front(pid));
        }
        if let Input::Piped(pipe, crate::core::Piped::Bytes(bytes)) = &input
            && may_end_command(bytes)
            && let Some(pid) = self.core.process_of(*pipe)
            && let Some(folder) = look::folder_in_front(pid)
        {
            self.core.stands_in(*pipe, folder);
        }
        self.core.on(now, input);
        self.perform();
        self.hand_on();
    }

    /// Hands messages on, as far as there is room.
    fn hand_on(&mut self) {
        while let Some(message) = self.core.next_message() {
            if let Err(mpsc::error::TrySendError::Full(message) | mpsc::error::TrySendError::Closed(message)) =
                self.out.try_send(message)
            {
                self.core.put_back(message);
                return;
            }
        }
    }

    fn perform(&mut self) {
        let mut looks = Vec::new();
        for output in self.core.outputs() {
            match output {
                Output::Spawn(client, words) => self.processes.spawn(client, &words),
                Output::Write(client, bytes) => self.processes.write(client, bytes),
                Output::Kill(client) => self.processes.kill(client),
                Output::Await(pipe, key, word) => self.with_drain(|drain| drain.expect(pipe, key.pane, key.pid, word)),
                Output::AwaitKeeper(word) => self.with_drain(|drain| drain.expect_keeper(word)),
                Output::Mark(pipe, mark) => self.with_drain(|drain| drain.mark(pipe, mark)),
                Output::Close(pipe) => self.with_drain(|drain| drain.close(pipe)),
                Output::Look(look) => looks.push(look),
                Output::Job(job) => self.start(job),
                Output::Place(place) => failpoints::at(place),
            }
        }
        looks.into_iter().for_each(|look| self.look(look));
    }

    fn look(&mut self, look: Box<Look>) {
        let local = self.spec.transport.is_local();
        let seen = local.then(|| look::look(look.key.pid, &look.surface.tty)).flatten();
        if seen.is_some() || local && cfg!(target_os = "linux") {
            return self.on(Input::Looked(look, seen.map(Box::new)));
        }
        let far = self.far.get_or_insert_with(|| {
            let inputs = self.inputs.clone();
            Far::new(&self.spec.transport, move |look, seen| {
                let inputs = inputs.clone();
                // A host that has ended needs no answer.
                async move { drop(inputs.send(Input::Looked(look, seen.map(Box::new))).await) }
            })
        });
        let (pid, tty) = (look.key.pid, look.surface.tty.clone());
        far.ask(look, pid, tty);
    }

    fn with_drain(&self, act: impl FnOnce(&Drain)) {
        if let Some(drain) = &self.drain {
            act(drain);
        }
    }

    /// Does a job beside everything else; its end is an input.
    fn start(&self, job: Job) {
        let (spec, nonce, inputs) = (self.spec.clone(), self.nonce.clone(), self.inputs.clone());
        tokio::spawn(async move {
            let done = work(spec, nonce, job).await;
            // A host that has ended needs no outcome.
            let _ = inputs.send(Input::Done(done)).await;
        });
    }

    /// Ends the observation in order.
    async fn leave(mut self, done: Option<oneshot::Sender<()>>) {
        let deadline = tokio::time::Instant::now() + REPLIES;
        while self.core.begin_nothing() {
            let next = tokio::select! {
                Some(input) = self.incoming.recv() => Some(input),
                input = drained(self.drain.as_ref()) => Some(input),
                () = tokio::time::sleep_until(deadline) => None,
            };
            let Some(input) = next else { break };
            self.on(input);
        }
        let Farewell { clear, let_go } = self.core.farewell();
        self.perform();
        let clearing = clear.map(|words| {
            tokio::spawn(async move {
                // A server that has ended in between keeps nothing.
                let _ = tokio::time::timeout(CLEAR, fork::run(&words)).await;
            })
        });
        if let Some(far) = self.far.take() {
            far.end().await;
        }
        let mut left = self.processes.leave();
        let deadline = tokio::time::Instant::now() + LEAVE;
        while left > 0 {
            match tokio::time::timeout_at(deadline, self.incoming.recv()).await {
                Ok(Some(Input::Ended(..))) => left -= 1,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        drop(self.drain.take());
        if let Some(clearing) = clearing {
            let _ = clearing.await;
        }
        if let Some(words) = let_go {
            let _ = tokio::time::timeout(Duration::from_secs(2), fork::run(&words)).await;
        }
        let finish = async {
            while let Some(message) = self.core.next_message() {
                if self.out.send(message).await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(3), finish).await;
        if let Some(done) = done {
            let _ = done.send(());
        }
    }
}

/// Does a job to its end.
async fn work(spec: HostSpec, nonce: Nonce, job: Job) -> Done {
    let HostSpec { transport, owner, ceiling, .. } = spec;
    match job {
        Job::Probe { known, claim } => {
            if !transport.is_local() {
                turn::TURNS.next().await;
            }
            Done::Probed(Box::new(probe::probe(transport, nonce, owner, ceiling, known, *claim).await))
        }
        Job::List => Done::Listed(Box::new(probe::list_again(&transport, &nonce).await)),
        Job::Capture(panes) => Done::Captured(captures::capture_all(&transport, &nonce, panes).await),
        Job::Claim(words, attempt) => {
            let read = claims::run(&transport, &nonce, &words).await.ok();
            Done::Claimed(read.map(Box::new), attempt)
        }
        Job::Look(owner, read, attempt) => Done::Looked { alive: is_alive(&owner), read, attempt },
        Job::HangUp(words) => {
            let _ = fork::run(&words).await;
            Done::HungUp
        }
    }
}

/// Whether output may hold a message of the agent protocol, or a part of one.
fn may_hold_message(bytes: &[u8]) -> bool {
    [&b"SENTRY"[..], b"\"type\"", b"\"options\""].iter().any(|word| memchr::memmem::find(bytes, word).is_some())
}

/// Whether output may hold the report of a command's end.
fn may_end_command(bytes: &[u8]) -> bool {
    [&b"__TMUXAGENT_RESULT"[..], b"]133;D"].iter().any(|word| memchr::memmem::find(bytes, word).is_some())
}

/// What the drain has; never where there is none.
async fn drained(drain: Option<&Drain>) -> Input {
    match drain {
        Some(drain) => drain.next().await,
        None => std::future::pending().await,
    }
}

/// Waits until the supervisor has room; never returns when nothing waits or nobody listens any more.
async fn room(out: &mpsc::Sender<HostMessage>, waits: bool) {
    if !waits || out.reserve().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Sleeps until `at`, or for ever.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Random bytes; without a source of them the addresses of this process have to do.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        let seed = std::ptr::from_ref(&bytes) as usize ^ usize::try_from(std::process::id()).unwrap_or(0);
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from((seed.rotate_left(u32::try_from(index * 5 % 64).unwrap_or(0))) & 0xff).unwrap_or(0);
        }
    }
    bytes
}
