//! The look of [`super::look`] where the system calls are not ours to make: on another machine, and where there is no `/proc`.
//! One shell stays open there, over the connection that is shared, and answers one question after another; on Linux it starts
//! nothing but stty(1).
//!
//! **Invariant:** each question has one answer, whatever becomes of the channel: it is asked once more where the channel died
//! under it, and then nothing is known. No answer is waited for longer than [`LIMIT`], or kept beyond [`frames::MOST`].

mod frames;
mod script;

use super::{fork, until};
use crate::Transport;
use crate::core::Seen;
use frames::{Answer, Frames};
use std::collections::VecDeque;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The first waits for a connection too.
const FIRST: Duration = Duration::from_secs(12);
/// So many questions are on their way at once: as many as the link holds, whoever reads slowly.
const TOGETHER: usize = 16;
/// A channel that gave no answer at all is made again only after so long.
const PAUSE: Duration = Duration::from_secs(5);
/// How long it may take to leave by itself.
const LEAVE: Duration = Duration::from_secs(1);

/// Asks who reads in panes, of one host.
#[derive(Debug)]
pub(super) struct Far<T> {
    questions: mpsc::UnboundedSender<Question<T>>,
    task: JoinHandle<()>,
}

impl<T: Send + 'static> Far<T> {
    /// A channel is made once something is asked.
    pub fn new<F>(transport: &Transport, answer: impl Fn(T, Option<Seen>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::by(transport.shell(script::BEGIN), LIMIT, answer)
    }

    fn by<F>(words: Vec<String>, limit: Duration, answer: impl Fn(T, Option<Seen>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (questions, incoming) = mpsc::unbounded_channel();
        let asker = Asker { words, limit, waiting: VecDeque::new(), channel: None, closed: None, done: Vec::new() };
        Self { questions, task: tokio::spawn(asker.serve(incoming, answer)) }
    }

    /// Asks who reads the terminal `tty` of the pane whose process is `pid`; the answer comes with `ticket`.
    pub fn ask(&self, ticket: T, pid: u32, tty: String) {
        // One that has ended belongs to a host that has.
        let _ = self.questions.send(Question { ticket, pid, tty, again: false });
    }

    /// Ends the channel.
    pub async fn end(self) {
        let Self { questions, mut task } = self;
        drop(questions);
        if timeout(LEAVE * 2, &mut task).await.is_err() {
            task.abort();
        }
    }
}

#[derive(Debug)]
struct Question<T> {
    ticket: T,
    pid: u32,
    tty: String,
    /// A channel has died under it.
    again: bool,
}

/// The open shell.
#[derive(Debug)]
struct Channel<T> {
    child: Child,
    input: ChildStdin,
    answers: mpsc::Receiver<Answer>,
    number: u64,
    under_way: VecDeque<(u64, Question<T>)>,
    /// When the next answer is overdue.
    due: Instant,
    /// It has answered.
    proven: bool,
}

#[derive(Debug)]
struct Asker<T> {
    words: Vec<String>,
    limit: Duration,
    waiting: VecDeque<Question<T>>,
    channel: Option<Channel<T>>,
    /// Until when no other channel is made.
    closed: Option<Instant>,
    done: Vec<(T, Option<Seen>)>,
}

/// How a channel ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It was cut.
    Cut,
    /// Its next answer does not come, or does not end.
    Stuck,
}

impl<T> Asker<T> {
    async fn serve<F: Future<Output = ()>>(
        mut self,
        mut questions: mpsc::UnboundedReceiver<Question<T>>,
        answer: impl Fn(T, Option<Seen>) -> F,
    ) {
        loop {
            self.go_on().await;
            for (ticket, seen) in std::mem::take(&mut self.done) {
                answer(ticket, seen).await;
            }
            tokio::select! {
                question = questions.recv() => match question {
                    Some(question) => self.waiting.push_back(question),
                    None => break,
                },
                said = said(self.channel.as_mut()) => match said {
                    Ok(answer) => self.answered(&answer),
                    Err(ended) => self.ended(ended),
                },
            }
        }
        if let Some(Channel { mut child, input, .. }) = self.channel.take() {
            drop(input);
            // Else it is killed.
            let _ = timeout(LEAVE, child.wait()).await;
        }
    }

    /// Asks what waits, as far as there is room.
    async fn go_on(&mut self) {
        while !self.waiting.is_empty() {
            if self.channel.is_none() && !self.open().await {
                return self.give_up();
            }
            let Some(channel) = self.channel.as_mut().filter(|channel| channel.under_way.len() < TOGETHER) else {
                return;
            };
            let Some(question) = self.waiting.pop_front() else { return };
            channel.number += 1;
            let line = script::question(channel.number, question.pid, &question.tty);
            if channel.under_way.is_empty() {
                channel.due = Instant::now() + if channel.proven { self.limit } else { self.limit.max(FIRST) };
            }
            channel.under_way.push_back((channel.number, question));
            if channel.input.write_all(line.as_bytes()).await.is_err() {
                self.ended(Ended::Cut);
            }
        }
    }

    /// Makes a channel, unless the last one failed a moment ago.
    async fn open(&mut self) -> bool {
        if self.closed.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        self.channel = start(&self.words).await;
        if self.channel.is_none() {
            self.closed = Some(Instant::now() + PAUSE);
        }
        self.channel.is_some()
    }

    /// Nothing is known of what waits.
    fn give_up(&mut self) {
        self.done.extend(self.waiting.drain(..).map(|question| (question.ticket, None)));
    }

    fn answered(&mut self, answer: &Answer) {
        let Some(channel) = &mut self.channel else { return };
        match channel.under_way.pop_front() {
            Some((number, question)) if number == answer.number => {
                channel.proven = true;
                channel.due = Instant::now() + self.limit;
                self.done.push((question.ticket, script::read(question.pid, &answer.lines)));
            }
            // It speaks of something else.
            other => {
                channel.under_way.extend(other);
                self.ended(Ended::Stuck);
            }
        }
    }

    /// The channel has ended, or is ended; what it was asked is asked once more.
    fn ended(&mut self, how: Ended) {
        let Some(Channel { mut child, mut under_way, proven, .. }) = self.channel.take() else { return };
        let _ = child.start_kill();
        if !proven {
            self.closed = Some(Instant::now() + PAUSE);
        }
        let lost = if how == Ended::Stuck { under_way.pop_front() } else { None };
        self.done.extend(lost.map(|(_, question)| (question.ticket, None)));
        for (_, question) in under_way.into_iter().rev() {
            if question.again {
                self.done.push((question.ticket, None));
            } else {
                self.waiting.push_front(Question { again: true, ..question });
            }
        }
    }
}

/// What a channel says next; never where there is none.
async fn said<T>(channel: Option<&mut Channel<T>>) -> Result<Answer, Ended> {
    let Some(Channel { answers, under_way, due, .. }) = channel else { return std::future::pending().await };
    let due = (!under_way.is_empty()).then_some(*due);
    tokio::select! {
        answer = answers.recv() => match answer {
            Some(answer) if answer.whole => Ok(answer),
            Some(_) => Err(Ended::Stuck),
            None => Err(Ended::Cut),
        },
        () = until(due) => Err(Ended::Stuck),
    }
}

/// Starts the shell and gives it its script.
async fn start<T>(words: &[String]) -> Option<Channel<T>> {
    let mut command = fork::command(words)?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().ok()?;
    let (mut input, output) = (child.stdin.take()?, child.stdout.take()?);
    // The pipe holds it, whether somebody reads or not.
    input.write_all(script::script().as_bytes()).await.ok()?;
    let (out, answers) = mpsc::channel(TOGETHER);
    tokio::spawn(drain(output, Frames::new(Transport::greeting(words)), out));
    let (number, under_way, due, proven) = (0, VecDeque::new(), Instant::now(), false);
    Some(Channel { child, input, answers, number, under_way, due, proven })
}

/// Reads a channel to its end.
async fn drain(mut output: ChildStdout, mut frames: Frames, out: mpsc::Sender<Answer>) {
    let mut bytes = Vec::with_capacity(16 * 1024);
    loop {
        bytes.clear();
        if !matches!(output.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
        for answer in frames.feed(&bytes) {
            let ends = !answer.whole;
            if out.send(answer).await.is_err() || ends {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
