//! The thread that reads the pipes of a host's panes, and does nothing else: whatever the heart does meanwhile, tmux's memory
//! does not fill. What it has read waits in bounded memory; when that is full the bytes that come are dropped, and the
//! break is told in their place.
//!
//! What it reads counts only where the keeper did not read in between, which it asks after every reading: the keeper tells
//! that it takes over before it takes a byte.
//!
//! A pane's pipe stays when another process is put into the pane (`respawn-pane`), and nothing in it tells the end of the
//! one from the beginning of the other. But tmux takes the terminal from the old process first: what is read while that
//! has it is its own, and what is read later is told apart ([`Piped::Orphaned`]).

use super::frame::receive_bytes;
use super::handover::Piping;
use super::keeper::timespec;
use super::keeping::Keeping;
use super::look::has_terminal;
use super::queue::Queue;
use crate::HostSpec;
use crate::core::{Input, PipeId, Piped};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::RecvFlags;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tmuxagent_model::PaneId;

/// How much one read takes at most, bytes.
const CHUNK: usize = 64 * 1024;
/// From so many bytes in one turn on more is on its way: less than what a terminal hands to tmux at once, about 4 KiB.
const FLOOD: usize = 2 * 1024;
/// How long what a flood prints is let gather, so that a wake-up is worth its while; a pipe holds many times what comes
/// meanwhile.
const BREATH: Duration = Duration::from_millis(1);
/// How often one pipe is read in a turn, so that a flood holds up no other pane.
const READS: usize = 4;
/// How much is read at most until a mark, bytes.
const BEFORE_MARK: usize = 4 * 1024 * 1024;
/// No process prints so soon after its predecessor has lost the terminal: it is forked and has to begin.
const BEGINS: Duration = Duration::from_micros(300);
/// How long somebody who connects may take to say his word.
const GREETING: Duration = Duration::from_secs(5);

/// The way to the thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Drain {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    queue: Queue,
    commands: Mutex<Vec<Command>>,
    wake: UnixStream,
}

#[derive(Debug)]
enum Command {
    Expect(PipeId, Owner, String),
    ExpectKeeper(String),
    Mark(PipeId, u64),
    Close(PipeId),
    End,
}

impl Drain {
    /// Starts the thread where the host's panes can be read so; also how pipes are opened then.
    pub fn start(spec: &HostSpec) -> Option<(Self, Piping)> {
        let (program, scratch) = (spec.program.clone()?, spec.scratch.clone()?);
        if !spec.transport.is_local() {
            return None;
        }
        let opened = Reader::open(&scratch).inspect_err(|error| tracing::warn!(%error, "panes can't be read by pipes"));
        let (reader, shared) = opened.ok()?;
        let piping = Piping::new(&program, &reader.path, spec.transport.command(&[]));
        let name = format!("pipes {}", spec.name);
        let thread = std::thread::Builder::new().name(name).spawn(move || reader.run()).ok()?;
        Some((Self { shared, thread: Some(thread) }, piping))
    }

    /// A pipe of that pane, with that process in it, will come with this word.
    pub fn expect(&self, pipe: PipeId, pane: PaneId, process: u32, word: String) {
        self.tell(Command::Expect(pipe, Owner { pane, process }, word));
    }

    /// The keeper will come with this word.
    pub fn expect_keeper(&self, word: String) {
        self.tell(Command::ExpectKeeper(word));
    }

    /// Gives what the pipe holds, then the mark.
    pub fn mark(&self, pipe: PipeId, mark: u64) {
        self.tell(Command::Mark(pipe, mark));
    }

    /// The pipe is not wanted any more.
    pub fn close(&self, pipe: PipeId) {
        self.tell(Command::Close(pipe));
    }

    /// What was read next; each pane gets its turn.
    pub async fn next(&self) -> Input {
        self.shared.queue.next().await
    }

    fn tell(&self, command: Command) {
        self.shared.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command);
        // A full pipe wakes it as well.
        let _ = rustix::io::write(&self.shared.wake, b"x");
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.tell(Command::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A socket of ours in a folder of ours; what an earlier process left there is removed.
fn listen(folder: &Path) -> std::io::Result<(UnixListener, PathBuf)> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let ours = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"pipes-"));
    for entry in std::fs::read_dir(folder)?.flatten() {
        if ours(&entry.path()) && UnixStream::connect(entry.path()).is_err() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = folder.join(format!("pipes-{}-{number}", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok((listener, path))
}

/// Whose a pipe is.
#[derive(Debug, Clone, Copy)]
struct Owner {
    pane: PaneId,
    /// The pane's process; 0 where that is not known.
    process: u32,
}

/// A pipe that is read.
pub(super) struct Open {
    pub descriptor: OwnedFd,
    process: u32,
}

/// The thread's own.
struct Reader {
    shared: Arc<Shared>,
    listener: UnixListener,
    path: PathBuf,
    woken: UnixStream,
    /// Those who have connected and not said their word.
    greeting: Vec<(UnixStream, Instant)>,
    expected: HashMap<String, (PipeId, Owner)>,
    pipes: BTreeMap<PipeId, Open>,
    keeping: Keeping,
    /// The word of the keeper that is waited for.
    keeper: Option<String>,
    /// There was one when that was last told.
    kept: bool,
    buffer: Vec<u8>,
    /// Pipes that gave as much as only a flood gives; they are let rest until this instant.
    flooding: Vec<PipeId>,
    rest: Instant,
}

/// Somebody who has said his word: a pipe that is handed over, or the keeper.
struct Guest {
    socket: UnixStream,
    word: String,
    pipe: Option<OwnedFd>,
}

/// What a turn of reading gave.
type Batch = Vec<(PipeId, Piped)>;

impl Reader {
    /// One that listens in a folder of ours, and what it shares with who tells it what to do.
    fn open(folder: &Path) -> std::io::Result<(Self, Arc<Shared>)> {
        let (listener, path) = listen(folder)?;
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let shared = Arc::new(Shared { queue: Queue::default(), commands: Mutex::default(), wake });
        let reader = Self {
            shared: Arc::clone(&shared),
            listener,
            path,
            woken,
            greeting: Vec::new(),
            expected: HashMap::new(),
            pipes: BTreeMap::new(),
            keeping: Keeping::default(),
            keeper: None,
            kept: false,
            buffer: vec![0; CHUNK],
            flooding: Vec::new(),
            rest: Instant::now(),
        };
        Ok((reader, shared))
    }

    fn run(mut self) {
        while self.turn() {}
        let _ = std::fs::remove_file(&self.path);
    }

    /// Waits for what comes next and does it; false at the end.
    fn turn(&mut self) -> bool {
        let left = self.rest.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.flooding.clear();
        }
        let mut watched = vec![PollFd::new(&self.woken, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        let awake = || self.pipes.iter().filter(|(id, _)| !self.flooding.contains(id));
        let ids: Vec<PipeId> = awake().map(|(id, _)| *id).collect();
        watched.extend(awake().map(|(_, pipe)| PollFd::new(&pipe.descriptor, PollFlags::IN)));
        watched.extend(self.greeting.iter().map(|(socket, _)| PollFd::new(socket, PollFlags::IN)));
        if let Some(keeper) = self.keeping.socket() {
            watched.push(PollFd::from_borrowed_fd(keeper, PollFlags::IN));
        }
        let limit = match (self.flooding.is_empty(), self.greeting.is_empty()) {
            (false, _) => Some(left),
            (true, false) => Some(Duration::from_secs(1)),
            (true, true) => None,
        };
        // An interrupted wait is one that nothing came of.
        let _ = poll(&mut watched, limit.map(timespec).as_ref());
        let is_ready = |at: usize| watched.get(at).is_some_and(|fd| !fd.revents().is_empty());
        let (told, knocked) = (is_ready(0), is_ready(1));
        let ready: Vec<PipeId> = ids.iter().enumerate().filter(|(at, _)| is_ready(at + 2)).map(|(_, id)| *id).collect();
        drop(watched);
        let mut batch = Batch::new();
        for pipe in ready {
            let read = self.read(pipe, CHUNK * READS, &mut batch);
            if (FLOOD..CHUNK * READS).contains(&read) {
                self.let_gather(pipe);
            }
        }
        if knocked {
            self.accept();
        }
        let guests = self.hear();
        // A word is announced before anybody can say it, so what was told meanwhile comes first.
        let go_on = (!told && guests.is_empty()) || self.obey(&mut batch);
        guests.into_iter().for_each(|guest| self.take(guest, &mut batch));
        // Only now is it known whether what was read stands behind a break.
        let lost = self.keeping.taken(&self.pipes);
        let kept = self.keeping.socket().is_some();
        if std::mem::replace(&mut self.kept, kept) != kept {
            self.shared.queue.keep(kept);
        }
        for (pipe, bytes) in lost {
            batch.retain(|(id, piped)| *id != pipe || !matches!(piped, Piped::Bytes(_)));
            batch.insert(0, (pipe, Piped::Lost(bytes)));
        }
        batch.into_iter().for_each(|(pipe, piped)| self.shared.queue.push(pipe, piped));
        go_on
    }

    /// Reads a pipe until it is empty or `most` bytes were read; returns how many were.
    fn read(&mut self, id: PipeId, most: usize, batch: &mut Batch) -> usize {
        let Some(pipe) = self.pipes.get(&id) else { return 0 };
        let is_owned = || pipe.process == 0 || has_terminal(pipe.process);
        let (mut read, place, owned, begin) = (0, batch.len(), is_owned(), Instant::now());
        while read < most {
            match rustix::io::read(&pipe.descriptor, &mut self.buffer) {
                Ok(length @ 1..) => {
                    read += length;
                    batch.push((id, Piped::Bytes(self.buffer.get(..length).unwrap_or_default().to_vec())));
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => break,
                Ok(0) | Err(_) => {
                    batch.push((id, Piped::Ended));
                    break;
                }
            }
        }
        if read > 0 && !(owned && (begin.elapsed() < BEGINS || is_owned())) {
            batch.insert(place, (id, Piped::Orphaned));
        }
        if matches!(batch.last(), Some((ended, Piped::Ended)) if *ended == id) {
            self.pipes.remove(&id);
            self.keeping.remove(id);
        }
        read
    }

    /// Lets the next bytes of a flood gather; nothing else waits for that.
    fn let_gather(&mut self, pipe: PipeId) {
        if self.flooding.is_empty() {
            self.rest = Instant::now() + BREATH;
        }
        self.flooding.push(pipe);
    }

    fn accept(&mut self) {
        while let Ok((socket, _)) = self.listener.accept() {
            if is_ours(&socket) && socket.set_nonblocking(true).is_ok() {
                self.greeting.push((socket, Instant::now()));
            }
        }
    }

    /// Those who have said their word by now; who takes too long is sent away.
    fn hear(&mut self) -> Vec<Guest> {
        let (mut waiting, mut guests) = (Vec::new(), Vec::new());
        for (socket, since) in std::mem::take(&mut self.greeting) {
            let mut word = [0; 200];
            match receive_bytes(&socket, &mut word, RecvFlags::DONTWAIT) {
                Ok((length, pipe)) => {
                    let word = String::from_utf8_lossy(word.get(..length).unwrap_or_default()).into_owned();
                    guests.push(Guest { socket, word, pipe });
                }
                Err(rustix::io::Errno::AGAIN) if since.elapsed() < GREETING => waiting.push((socket, since)),
                Err(_) => {}
            }
        }
        self.greeting = waiting;
        guests
    }

    /// Takes the pipe of somebody whose word is waited for, or the keeper.
    fn take(&mut self, guest: Guest, batch: &mut Batch) {
        let Guest { socket, word, pipe } = guest;
        let Some(pipe) = pipe else {
            if self.keeper.as_ref().is_some_and(|keeper| *keeper == word) {
                self.keeper = None;
                self.keeping.begin(socket, &self.pipes);
            }
            return;
        };
        let Some((id, Owner { pane, process })) = self.expected.remove(&word) else { return };
        if rustix::io::ioctl_fionbio(&pipe, true).is_ok() {
            self.keeping.add(id, pane, pipe.as_fd());
            // Whoever hands it over waits for this.
            let _ = rustix::io::write(&socket, b"k");
            self.pipes.insert(id, Open { descriptor: pipe, process });
            batch.push((id, Piped::Opened));
        }
    }

    /// Does what it was told; false at the end.
    fn obey(&mut self, batch: &mut Batch) -> bool {
        let mut woken = [0; 64];
        while matches!(rustix::io::read(&self.woken, &mut woken), Ok(64)) {}
        let commands = std::mem::take(&mut *self.shared.commands.lock().unwrap_or_else(PoisonError::into_inner));
        for command in commands {
            match command {
                Command::Expect(pipe, owner, word) => drop(self.expected.insert(word, (pipe, owner))),
                Command::ExpectKeeper(word) => self.keeper = Some(word),
                Command::Mark(pipe, mark) => {
                    self.read(pipe, BEFORE_MARK, batch);
                    batch.push((pipe, Piped::Marked(mark)));
                }
                Command::Close(pipe) => {
                    self.expected.retain(|_, (id, _)| *id != pipe);
                    if self.pipes.remove(&pipe).is_some() {
                        self.keeping.remove(pipe);
                    }
                }
                Command::End => return false,
            }
        }
        true
    }
}

/// Whether the other side is this user's.
#[cfg(target_os = "linux")]
fn is_ours(socket: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(socket).is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

/// The folder is the user's alone, and so is the socket.
#[cfg(not(target_os = "linux"))]
const fn is_ours(_: &UnixStream) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::super::frame::send_bytes;
    use super::*;
    use rustix::net::SendFlags;

    /// A reader that runs turn by turn, told of a pipe that was handed over with the word before its next turn.
    fn handed(folder: &Path, pipe: &UnixStream) -> (Reader, Drain) {
        let (reader, shared) = Reader::open(folder).expect("it listens");
        let drain = Drain { shared, thread: None };
        drain.expect(PipeId(1), PaneId(7), 0, "word".to_owned());
        hand_over(&reader, b"word", pipe);
        (reader, drain)
    }

    fn hand_over(reader: &Reader, word: &[u8], pipe: &UnixStream) {
        let guest = UnixStream::connect(&reader.path).expect("it listens");
        send_bytes(&guest, word, Some(pipe.as_fd()), SendFlags::NOSIGNAL).expect("sent");
    }

    #[test]
    fn a_pipe_that_comes_while_the_thread_stands_still_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let (input, _output) = UnixStream::pair().expect("a pair");
        // All of it waits when the thread runs again: what it was told, and who was sent.
        let (mut reader, _drain) = handed(folder.path(), &input);
        assert!(reader.turn());
        assert!(reader.pipes.contains_key(&PipeId(1)));
        // A word that nobody announced opens nothing.
        hand_over(&reader, b"other", &input);
        assert!(reader.turn());
        assert_eq!(reader.pipes.len(), 1);
    }

    #[test]
    fn a_flood_is_told_from_lines_by_what_one_turn_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        let (input, output) = UnixStream::pair().expect("a pair");
        let (mut reader, _drain) = handed(folder.path(), &input);
        assert!(reader.turn());
        let write = |bytes: &[u8]| rustix::io::write(&output, bytes).expect("written");
        write(b"a line\n");
        assert!(reader.turn() && reader.flooding.is_empty());
        write(&[b'x'; 4096]);
        assert!(reader.turn() && reader.flooding == [PipeId(1)]);
        write(b"the last line\n");
        // Once it has rested.
        assert!(reader.turn() && reader.turn());
        assert!(reader.flooding.is_empty());
    }

    #[test]
    fn a_pane_beside_a_flood_is_read_while_that_gathers() {
        let folder = tempfile::tempdir().expect("a folder");
        let (flood, flooding) = UnixStream::pair().expect("a pair");
        let (quiet, printing) = UnixStream::pair().expect("a pair");
        let (mut reader, drain) = handed(folder.path(), &flood);
        drain.expect(PipeId(2), PaneId(8), 0, "other".to_owned());
        hand_over(&reader, b"other", &quiet);
        assert!(reader.turn());
        rustix::io::write(&flooding, &[b'x'; 4096]).expect("written");
        assert!(reader.turn() && reader.flooding == [PipeId(1)]);
        // It would rest for longer than this test takes.
        reader.rest += GREETING * 100;
        rustix::io::write(&flooding, &[b'x'; 4096]).expect("written");
        rustix::io::write(&printing, b"a line\n").expect("written");
        assert!(reader.turn());
        let read = std::iter::from_fn(|| drain.shared.queue.pop()).filter_map(|(pipe, piped)| match piped {
            Piped::Bytes(bytes) => Some((pipe, bytes.len())),
            _ => None,
        });
        assert_eq!(read.collect::<Vec<_>>(), [(PipeId(1), 4096), (PipeId(2), 7)]);
    }
}
