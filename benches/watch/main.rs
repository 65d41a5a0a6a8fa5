//! Prints what watching costs: `cargo bench --bench watch -- [latency] [idle] [flood] [predicate] [lines]`; all when none is
//! named. The first three measure the program as a user starts it, in turns with the least that any program could do, and end
//! in one table. `TMUXAGENT_PROGRAM` names another program to be measured.
//!
//! A plain program, because it measures other processes: tmux servers on private sockets and programs in their panes.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for the console that ends when a part fails")]

mod collector;
mod pane;
mod product;
mod server;
mod table;

use collector::{Pipes, Watch};
use product::Product;
use server::{Server, resident, used};
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use table::{Table, percentile};
use tmuxagent_model::{Event, KeyStep, Needs, SendKeys};
use tmuxagent_tmux::{self as tmux, HostMessage};

/// A stage of its own for each line, answered by a key.
const ANSWERS: &str = "version: 1\npipelines:\n  - name: p\n    match: [{window_name: ping}]\n    stages:\n      - name: s\n        \
    triggers: [{log_regex: '^ping [0-9]+$'}]\n        actions_on_start: [{send_keys: {text: 'y', enter: false}}]\n";

/// A key for a line that is rare.
const LISTENS: &str = "version: 1\npipelines:\n  - name: all\n    match: {session_name: '*'}\n    stages:\n      - name: watch\n        \
    triggers: [{log_regex: '^the needle$'}]\n        actions_on_start: [{send_keys: {text: 'y', enter: false}}]\n";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let names: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if pane::runs(&names) {
        return;
    }
    let mut table = Table::default();
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    if wanted("latency") {
        latency(&mut table);
    }
    if wanted("idle") {
        idle(&mut table);
    }
    if wanted("flood") {
        flood(&mut table);
    }
    if wanted("predicate") {
        predicate();
    }
    if wanted("lines") {
        lines();
    }
    table.print();
}

fn number(text: &str) -> u64 {
    text.trim().parse().expect("a number")
}

/// From a line printed in a pane to the key that it triggers, in three ways that take turns: the least that any program
/// can do, the collector alone, and the product.
fn latency(table: &mut Table) {
    const ROUNDS: usize = 250;
    let mut times: [Vec<f64>; 3] = [const { Vec::new() }; 3];
    for _ in 0..4 {
        times[0].extend(bare_latency(ROUNDS));
        times[1].extend(collector_latency(ROUNDS));
        times[2].extend(product_latency(ROUNDS));
    }
    let [bare, collector, product] = &mut times;
    for (name, times) in [("collector alone", collector), ("product", product)] {
        for percent in [50, 90, 99] {
            let (figure, floor) = (percentile(times, percent), percentile(bare, percent));
            table.row(&format!("line -> key, {name}, p{percent} of {}", times.len()), figure, floor, "ms");
        }
    }
}

/// A server with a pane that prints, and the file of its times.
fn echoing(rounds: usize) -> (Server, PathBuf) {
    let server = Server::new("sleep 600");
    let file = server.folder.path().join("times");
    let program = pane::own(&["echo", &rounds.to_string(), &file.display().to_string()]);
    server.tmux(&["new-window", "-d", "-n", "ping", "-t", "main:", &program]);
    (server, file)
}

fn read_times(file: &Path) -> Vec<f64> {
    pane::wait_for_file(file);
    std::thread::sleep(Duration::from_millis(50));
    let text = std::fs::read_to_string(file).expect("the times");
    text.lines().map(|line| number(line) as f64 / 1000.0).collect()
}

/// A client that looks for a word in what it reads and answers with the shortest command.
fn bare_latency(rounds: usize) -> Vec<f64> {
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

fn collector_latency(rounds: usize) -> Vec<f64> {
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

fn product_latency(rounds: usize) -> Vec<f64> {
    let (server, file) = echoing(rounds);
    let product = Product::new(&server, ANSWERS, 2);
    server.tmux(&["send-keys", "-t", "main:ping", "y"]);
    let times = read_times(&file);
    product.end();
    times
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
fn idle(table: &mut Table) {
    let (mut alone, mut watched, mut own, mut memory) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..2 {
        let server = Server::new("cat");
        for window in 1..10 {
            server.tmux(&["new-session", "-d", "-s", &format!("s{}", window % 4), "cat"]);
            server.tmux(&["new-window", "-d", "-t", "main:", "cat"]);
        }
        while server.tmux(&["list-panes", "-a"]).lines().count() < 40 {
            server.tmux(&["new-window", "-d", "-t", "s1:", "cat"]);
        }
        let tmux = server.pid();
        let share = |processes: &[u32], time: Duration| {
            let all = || processes.iter().map(|&pid| used(pid)).sum::<f64>();
            let before = all();
            std::thread::sleep(time);
            (all() - before) / time.as_secs_f64() / 10.0
        };
        alone.push(share(&[tmux], Duration::from_secs(20)));
        let product = Product::new(&server, LISTENS, 40);
        std::thread::sleep(Duration::from_secs(8));
        let processes = product.processes();
        let before = used(tmux);
        own.push(share(&processes, Duration::from_secs(60)));
        watched.push((used(tmux) - before) / 600.0);
        memory = processes.iter().map(|&pid| resident(pid)).sum();
        product.end();
    }
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64;
    table.row("40 idle panes, tmux's server, of a core", mean(&watched), mean(&alone), "%");
    table.alone("40 idle panes, the product, of a core", mean(&own), "%");
    table.alone("40 idle panes, the product's memory", memory as f64 / 1024.0, "MiB");
}

/// How fast panes can print, unwatched and watched, and what a byte costs tmux's server.
fn flood(table: &mut Table) {
    for panes in [1, 4] {
        let megabytes = 240 / panes;
        let (mut speeds, mut costs): ([Vec<f64>; 2], [Vec<f64>; 2]) = Default::default();
        for round in 0..10 {
            let watched = round % 2 == 1;
            let (speed, cost) = one_flood(panes, megabytes, watched);
            speeds[usize::from(watched)].push(speed);
            costs[usize::from(watched)].push(cost);
        }
        let [alone, watched] = speeds.each_mut().map(|speeds| percentile(speeds, 50));
        table.row(&format!("{panes} flooding, each at"), watched, alone, "MB/s");
        let [alone, watched] = costs.each_mut().map(|costs| percentile(costs, 50));
        table.row(&format!("{panes} flooding, tmux's server for each MB"), watched, alone, "ms");
    }
}

/// Gives how fast the slowest pane printed, and how long tmux's server worked for a megabyte. Every needle is found.
fn one_flood(panes: u64, megabytes: u64, watched: bool) -> (f64, f64) {
    let server = Server::new("sleep 600");
    let folder = server.folder.path();
    let (go, file) = (folder.join("go"), |pane: u64| folder.join(format!("time{pane}")));
    for pane in 0..panes {
        let words = ["flood", &megabytes.to_string(), &go.display().to_string(), &file(pane).display().to_string()];
        server.tmux(&["new-window", "-d", "-t", "main:", &pane::own(&words)]);
    }
    let product = watched.then(|| Product::new(&server, LISTENS, usize::try_from(panes).expect("a few") + 1));
    let before = used(server.pid());
    std::fs::write(&go, "").expect("the sign");
    let mut slowest = 0;
    for pane in 0..panes {
        pane::wait_for_file(&file(pane));
        std::thread::sleep(Duration::from_millis(20));
        slowest = slowest.max(number(&std::fs::read_to_string(file(pane)).expect("the time")));
    }
    let cost = (used(server.pid()) - before) / (panes * megabytes) as f64;
    if let Some(product) = product {
        (0..panes).for_each(|pane| pane::wait_for_file(&file(pane).with_extension("found")));
        let own: u64 = product.processes().into_iter().map(resident).sum();
        println!("  {panes} watched: the product {own} KB, tmux's server {} KB", resident(server.pid()));
        product.end();
    }
    (megabytes as f64 / (slowest as f64 / 1e6), cost)
}

/// Whether five million numbered lines arrive complete and in order, over the pipe and over the stream.
fn lines() {
    const LINES: u64 = 5_000_000;
    for (name, pipes) in [("pipe", Pipes::On), ("stream", Pipes::Off)] {
        let folder = tempfile::tempdir().expect("a folder");
        let go = folder.path().join("go");
        let server = Server::new(&pane::own(&["count", &LINES.to_string(), &go.display().to_string()]));
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
