//! Prints what watching costs: `cargo bench --bench watch -- [latency] [predicate] [idle] [flood] [lines]`; all when none is named.
//!
//! A plain program, because it measures other processes: tmux servers on private sockets and programs in their panes.
//! The programs in the panes are this binary again, called with `--pane`.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for the console that ends when a part fails")]

use std::io::{BufRead as _, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tmuxagent_clock::Clock;
use tmuxagent_errand::{Errand, Home, Returned};
use tmuxagent_model::{
    Effect, Event, HostName, HostState, Intent, IntentId, IntentState, KeyStep, Needs, PaneKey, SendKeys, Timestamp,
};
use tmuxagent_policy::{Policy, Source, load};
use tmuxagent_tmux::{self as tmux, HostHandle, HostMessage, HostSpec, Socket, Transport};
use tokio::sync::{mpsc, watch as latest};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--pane", "echo", rounds, file] => pane_echo(number(rounds), Path::new(file)),
        ["--pane", "flood", megabytes, go, file] => pane_flood(number(megabytes), Path::new(go), Path::new(file)),
        ["--pane", "count", lines, go] => pane_count(number(lines), Path::new(go)),
        names => {
            let wanted = |name: &str| names.is_empty() || names.contains(&name);
            if wanted("latency") {
                latency();
            }
            if wanted("predicate") {
                predicate();
            }
            if wanted("idle") {
                idle();
            }
            if wanted("flood") {
                flood();
            }
            if wanted("lines") {
                lines();
            }
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// In a pane: prints a line, waits for the key that answers it, and notes how long that took.
fn pane_echo(rounds: u64, file: &Path) {
    let mut times = String::new();
    let mut key = [0u8; 1];
    std::io::stdin().read_exact(&mut key).expect("the sign to begin");
    for round in 0..rounds {
        std::thread::sleep(Duration::from_millis(10));
        let start = Instant::now();
        println!("ping {round}");
        std::io::stdin().read_exact(&mut key).expect("the answer");
        times.push_str(&format!("{}\n", start.elapsed().as_micros()));
    }
    std::fs::write(file, times).expect("the times");
    std::thread::sleep(Duration::from_secs(600));
}

fn wait_for_file(path: &Path) {
    while !path.exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// In a pane: prints lines of 100 bytes, one of them the needle, and notes the microseconds that writing took.
fn pane_flood(megabytes: u64, go: &Path, file: &Path) {
    wait_for_file(go);
    let line = format!("{}\n", "flood of text that means nothing, ".repeat(4).get(..99).expect("99 bytes"));
    let lines = megabytes * 10_000;
    let start = Instant::now();
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout());
    for number in 0..lines {
        let text = if number == lines / 2 { "the needle\n" } else { &line };
        out.write_all(text.as_bytes()).expect("a line");
    }
    out.flush().expect("the rest");
    std::fs::write(file, start.elapsed().as_micros().to_string()).expect("the time");
    std::thread::sleep(Duration::from_secs(600));
}

/// In a pane: prints numbered lines.
fn pane_count(lines: u64, go: &Path) {
    wait_for_file(go);
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout());
    (1..=lines).for_each(|number| writeln!(out, "{number}").expect("a line"));
    out.flush().expect("the rest");
    drop(out);
    std::thread::sleep(Duration::from_secs(600));
}

/// A tmux server of our own.
struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    fn new(first: &str) -> Self {
        let server = Self { folder: tempfile::tempdir().expect("a folder") };
        server.tmux(&["-f", "/dev/null", "new-session", "-d", "-s", "main", "-x", "120", "-y", "40", first]);
        server
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("tmux")
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-u").arg("-S").arg(self.socket()).args(arguments).env_remove("TMUX").stdin(Stdio::null());
        let output = command.output().expect("tmux is installed");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn pid(&self) -> u32 {
        self.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a process id")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// The command line that runs this program in a pane.
fn own(words: &[&str]) -> String {
    let own = std::env::current_exe().expect("our own path");
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("stty -echo; exec '{}' --pane {}", own.display(), words.join(" "))
}

/// A policy that waits for one pattern in every pane.
fn policy(pattern: &str) -> Policy {
    let stage = format!("{{name: watch, triggers: [{{log_regex: {pattern:?}}}], timeout: never}}");
    let text = format!("version: 1\npipelines:\n- name: all\n  match: {{session_name: '*'}}\n  stages: [{stage}]\n");
    load(&[Source::new("policy.yaml", &text)]).expect("a policy")
}

/// A watched server.
struct Watch {
    handle: HostHandle,
    home: Home,
    _returned: mpsc::UnboundedReceiver<Returned>,
    messages: mpsc::Receiver<HostMessage>,
    _policy: latest::Sender<Arc<Policy>>,
}

impl Watch {
    fn new(server: &Server, pattern: &str, pipes: Pipes) -> Self {
        let transport =
            Transport::Local { bin: "tmux".to_owned(), socket: Socket::Path(server.socket().display().to_string()) };
        let mut spec = HostSpec::new(HostName::local(), transport, "bench");
        spec.scratch = matches!(pipes, Pipes::On).then(|| server.folder.path().to_owned());
        let (sender, receiver) = latest::channel(Arc::new(policy(pattern)));
        let (out, messages) = mpsc::channel(1024);
        let handle = tmux::watch(spec, receiver, out, Clock::start(Timestamp(0))).expect("a thread");
        let (home, returned) = mpsc::unbounded_channel();
        Self { handle, home, _returned: returned, messages, _policy: sender }
    }

    fn next(&mut self) -> HostMessage {
        self.messages.blocking_recv().expect("the host is watched")
    }

    /// Waits until `panes` panes are read; gives the first one.
    fn ready(&mut self, panes: usize) -> PaneKey {
        let mut seen = std::collections::BTreeSet::new();
        let mut live = false;
        loop {
            match self.next() {
                HostMessage::Status { state, .. } => live = state == HostState::Live,
                HostMessage::Event(Event::PaneSeen { info }) => {
                    seen.insert(info.key);
                }
                HostMessage::Panes(_) if live && seen.len() >= panes => break,
                _ => {}
            }
        }
        // Captures of all panes are under way for a moment more.
        std::thread::sleep(Duration::from_millis(1500));
        seen.first().expect("a pane").clone()
    }

    /// Types keys.
    fn send(&self, number: usize, keys: SendKeys) {
        let intent = Intent {
            id: IntentId::new(format!("B-{number}")),
            effect: Effect::Send(keys),
            run: None,
            stage: None,
            attempt: 0,
            state: IntentState::Open,
            at: Timestamp(0),
            hold: None,
            until: None,
            repeats: None,
            unseen: false,
        };
        self.handle.take(Errand::new(intent, &self.home));
    }

    fn end(self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.handle.shutdown());
    }
}

/// Whether a flooding pane may be moved to a pipe.
#[derive(Clone, Copy)]
enum Pipes {
    On,
    Off,
}

/// From a line printed in a pane to the key that it triggers, in three ways that take turns: the least that any program
/// can do, the collector alone, and the product with its state on the disk.
fn latency() {
    const ROUNDS: usize = 250;
    let mut times: [Vec<u64>; 3] = [const { Vec::new() }; 3];
    for _ in 0..2 {
        times[0].extend(bare_latency(ROUNDS));
        times[1].extend(collector_latency(ROUNDS));
        times[2].extend(product_latency(ROUNDS));
    }
    for (name, times) in ["bare", "collector", "product"].iter().zip(&mut times) {
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
        let [p50, p90, p99, max] = [50, 90, 99, 100].map(at);
        println!("line -> key, {name}: p50 {p50} us, p90 {p90} us, p99 {p99} us, max {max} us, n {}", times.len());
    }
}

/// A server with a pane that prints, and the file of its times.
fn echoing(rounds: usize) -> (Server, PathBuf) {
    let server = Server::new("sleep 600");
    let file = server.folder.path().join("times");
    let program = own(&["echo", &rounds.to_string(), &file.display().to_string()]);
    let program = program.replace("stty -echo", "stty raw -echo opost");
    server.tmux(&["new-window", "-d", "-n", "ping", "-t", "main:", &program]);
    (server, file)
}

fn read_times(file: &Path) -> Vec<u64> {
    wait_for_file(file);
    std::thread::sleep(Duration::from_millis(50));
    let text = std::fs::read_to_string(file).expect("the times");
    text.lines().map(|line| line.parse().expect("a time")).collect()
}

/// A client that looks for a word in what it reads and answers with the shortest command.
fn bare_latency(rounds: usize) -> Vec<u64> {
    let (server, file) = echoing(rounds);
    let mut command = Command::new("tmux");
    command.arg("-u").arg("-S").arg(server.socket()).args(["-C", "attach", "-t", "main"]).env_remove("TMUX");
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("tmux is installed");
    let mut input = client.stdin.take().expect("its input");
    let mut output = std::io::BufReader::new(client.stdout.take().expect("its output"));
    writeln!(input, "send-keys -t main:ping y").expect("the first key");
    let (mut line, mut answered) = (Vec::new(), 0);
    while answered < rounds {
        line.clear();
        output.read_until(b'\n', &mut line).expect("a line");
        if line.starts_with(b"%output") && line.windows(5).any(|part| part == b"ping ") {
            writeln!(input, "send-keys -t main:ping y").expect("a key");
            answered += 1;
        }
    }
    drop(input);
    client.wait().expect("it ends");
    read_times(&file)
}

fn collector_latency(rounds: usize) -> Vec<u64> {
    let (server, file) = echoing(rounds);
    let mut watch = Watch::new(&server, "^ping", Pipes::On);
    let _ = watch.ready(2);
    let (mut sent, mut last) = (0, None);
    server.tmux(&["send-keys", "-t", "main:ping", "y"]);
    while !file.exists() {
        match watch.messages.try_recv() {
            Ok(HostMessage::Event(Event::Line(line))) => {
                sent += 1;
                last = Some(line.pane.clone());
                let steps = vec![KeyStep::Text("y".to_owned())];
                let keys = SendKeys {
                    pane: line.pane,
                    steps,
                    expect_command: None,
                    expect_screen: None,
                    needs: Needs::Nothing,
                    shells: Vec::new(),
                };
                watch.send(sent, keys);
            }
            Ok(HostMessage::Ended(ending)) => {
                drop(ending.into_event());
                if let Some(pane) = last.take() {
                    watch.handle.release(pane);
                }
            }
            Ok(_) => {}
            Err(_) => std::thread::sleep(Duration::from_micros(20)),
        }
    }
    watch.end();
    read_times(&file)
}

/// The binary with a policy of one stage; every line is a run of its own.
fn product_latency(rounds: usize) -> Vec<u64> {
    let (server, file) = echoing(rounds);
    let folder = server.folder.path();
    std::fs::write(
        folder.join("policy.yaml"),
        "version: 1\npipelines:\n  - name: p\n    match: [{window_name: ping}]\n    stages:\n      - name: s\n        \
         triggers: [{log_regex: '^ping [0-9]+$'}]\n        actions_on_start: [{send_keys: {text: 'y', enter: false}}]\n",
    )
    .expect("a policy");
    let product = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command
            .env("TMUXAGENT_STATE_DIR", folder.join("state"))
            .env("TMUXAGENT_SOCKET", server.socket())
            .env("TMUXAGENT_POLICY", folder.join("policy.yaml"))
            .env("HOME", folder);
        command
    };
    let mut supervisor =
        product().arg("--headless").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary");
    let live = || {
        let output = product().args(["panes", "--json"]).output().expect("the binary");
        String::from_utf8_lossy(&output.stdout).contains("\"ping\"")
    };
    while !live() {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(1500));
    server.tmux(&["send-keys", "-t", "main:ping", "y"]);
    let times = read_times(&file);
    supervisor.kill().expect("it ends");
    supervisor.wait().expect("it ends");
    times
}

/// The processor time that a process has used, in milliseconds (clock ticks are 10 ms).
fn used(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("its fields").split(' ').collect();
    (number(fields[11]) + number(fields[12])) * 10
}

/// Resident memory of a process, kilobytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("its memory");
    line.split_whitespace().nth(1).map_or(0, number)
}

/// What it takes to know before a send who reads: the look at the system alone, and all of it in a send, with tmux's part.
fn predicate() {
    const ROUNDS: usize = 300;
    let server = Server::new("exec env PS1='$ ' bash --norc --noprofile");
    let mut watch = Watch::new(&server, "needle", Pipes::On);
    let pane = watch.ready(1);
    let tty = server.tmux(&["display-message", "-p", "-t", "main:", "#{pane_tty}"]);
    let middle = |times: &mut [Duration]| {
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_micros();
        (at(50), at(99))
    };
    let mut looks: Vec<Duration> =
        (0..ROUNDS * 10).map(|_| tmux::look_takes(pane.pid, &tty).expect("a terminal")).collect();
    let (look, late) = middle(&mut looks);
    println!("a look: p50 {look} us, p99 {late} us, n {}", looks.len());
    // In turns: what else the machine does is the same for both.
    let mut times: [Vec<Duration>; 2] = Default::default();
    for round in 0..ROUNDS * 2 {
        let needs = if round % 2 == 0 { Needs::Nothing } else { Needs::Shell };
        let steps = vec![KeyStep::Text(":".to_owned()), KeyStep::Key("Enter".to_owned())];
        let (expect_command, expect_screen) = (None, None);
        let keys = SendKeys { pane: pane.clone(), steps, expect_command, expect_screen, needs, shells: Vec::new() };
        // The prompt is back by then.
        std::thread::sleep(Duration::from_millis(30));
        let begin = Instant::now();
        watch.send(round, keys);
        loop {
            if let HostMessage::Ended(ending) = watch.next() {
                times[round % 2].push(begin.elapsed());
                drop(ending.into_event());
                break;
            }
        }
        watch.handle.release(pane.clone());
    }
    let [(bare, bare_late), (known, known_late)] = times.each_mut().map(|times| middle(times));
    println!(
        "a send: p50 {bare} us, p99 {bare_late} us; for a shell at its empty prompt: p50 {known} us, p99 {known_late} us: \
         to know who reads takes {} us, n {ROUNDS}",
        known.saturating_sub(bare)
    );
    watch.end();
}

/// What forty quiet panes cost.
fn idle() {
    const TIME: u64 = 60;
    let server = Server::new("cat");
    for window in 1..10 {
        server.tmux(&["new-session", "-d", "-s", &format!("s{}", window % 4), "cat"]);
        server.tmux(&["new-window", "-d", "-t", "main:", "cat"]);
    }
    while server.tmux(&["list-panes", "-a"]).lines().count() < 40 {
        server.tmux(&["new-window", "-d", "-t", "s1:", "cat"]);
    }
    let tmux = server.pid();
    let before = used(tmux);
    std::thread::sleep(Duration::from_secs(10));
    let alone = used(tmux) - before;
    let mut watch = Watch::new(&server, "needle", Pipes::On);
    watch.ready(40);
    let own = std::process::id();
    let before = (used(own), used(tmux));
    std::thread::sleep(Duration::from_secs(TIME));
    let share = |used: u64, seconds: u64| used as f64 / (seconds as f64 * 10.0);
    println!(
        "40 idle panes over {TIME} s: collector {:.3} % of a core, tmux {:.3} % (unwatched {:.3} %), resident {} KB, tmux {} KB",
        share(used(own) - before.0, TIME),
        share(used(tmux) - before.1, TIME),
        share(alone, 10),
        resident(own),
        resident(tmux),
    );
    watch.end();
}

/// How fast a pane can print, unwatched and watched.
fn flood() {
    const MEGABYTES: u64 = 200;
    let run = |watched: Option<Pipes>| -> f64 {
        let folder = tempfile::tempdir().expect("a folder");
        let (go, file) = (folder.path().join("go"), folder.path().join("time"));
        let server = Server::new(&own(&[
            "flood",
            &MEGABYTES.to_string(),
            &go.display().to_string(),
            &file.display().to_string(),
        ]));
        let mut watch = watched.map(|pipes| Watch::new(&server, "needle", pipes));
        if let Some(watch) = &mut watch {
            watch.ready(1);
        }
        std::fs::write(&go, "").expect("the sign");
        let mut found = false;
        while !file.exists() || (watch.is_some() && !found) {
            match watch.as_mut().map(|watch| watch.messages.try_recv()) {
                Some(Ok(HostMessage::Event(Event::Line(_)))) => found = true,
                Some(Ok(_)) => {}
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        std::thread::sleep(Duration::from_millis(20));
        let micros = number(&std::fs::read_to_string(&file).expect("the time"));
        println!(
            "  {MEGABYTES} MB in {:.2} s; resident: collector {} KB, tmux {} KB",
            micros as f64 / 1e6,
            resident(std::process::id()),
            resident(server.pid())
        );
        if let Some(watch) = watch {
            watch.end();
        }
        MEGABYTES as f64 / (micros as f64 / 1e6)
    };
    let mut best = [0.0f64; 3];
    for _ in 0..3 {
        for (slot, watched) in best.iter_mut().zip([None, Some(Pipes::On), Some(Pipes::Off)]) {
            *slot = slot.max(run(watched));
        }
    }
    println!(
        "flood, best of 3: unwatched {:.1} MB/s, watched {:.1} MB/s ({:.0} %), watched without pipes {:.1} MB/s ({:.0} %)",
        best[0],
        best[1],
        best[1] / best[0] * 100.0,
        best[2],
        best[2] / best[0] * 100.0
    );
}

/// Whether five million numbered lines arrive complete and in order, over the pipe and over the stream.
fn lines() {
    const LINES: u64 = 5_000_000;
    for (name, pipes) in [("pipe", Pipes::On), ("stream", Pipes::Off)] {
        let folder = tempfile::tempdir().expect("a folder");
        let go = folder.path().join("go");
        let server = Server::new(&own(&["count", &LINES.to_string(), &go.display().to_string()]));
        let mut watch = Watch::new(&server, "00$", pipes);
        watch.ready(1);
        let start = Instant::now();
        std::fs::write(&go, "").expect("the sign");
        let (mut expected, mut wrong, mut gaps, mut read, mut bytes) = (100, 0u64, 0u64, 0, 0);
        while expected <= LINES || read < LINES {
            match watch.next() {
                HostMessage::Event(Event::Line(line)) => {
                    let got = number(&line.text);
                    wrong += u64::from(got != expected);
                    expected = got + 100;
                }
                HostMessage::Event(Event::Gap { .. }) => gaps += 1,
                HostMessage::Panes(panes) => {
                    (read, bytes) =
                        panes.iter().map(|pane| (pane.lines, pane.bytes)).max().unwrap_or_default().max((read, bytes));
                }
                _ => {}
            }
        }
        let printed: u64 = (1..=LINES).map(|line| u64::from(line.ilog10()) + 3).sum();
        println!(
            "{LINES} numbered lines ({name}): {read} lines read, {bytes} bytes of {printed}; of every hundredth {wrong} \
             wrong or missing; {gaps} gaps; {:.1} s",
            start.elapsed().as_secs_f64()
        );
        watch.end();
    }
}
