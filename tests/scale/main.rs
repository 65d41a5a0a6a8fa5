//! The scale: one supervisor, many machines, each a tmux server of its own behind a real sshd on the loopback.
//!
//! `cargo test --test scale` runs it small, as in CI. By hand, for figures:
//! `cargo test --release --test scale -- --sizes 1x20,10x20,50x20 --seconds 30` (hosts × panes; idle and busy time each);
//! `--supervisor PATH` measures a program that was built before.
//! For every size it prints how long all hosts take to be live, what supervisor, `ssh` and the other side cost while
//! idle and while each pane prints a line a second, how fast a line is answered by keys, and how a reconnect storm goes
//! (every connection killed at once). Ratios between the sizes of one run count, not the figures: the machine that
//! measures also carries all the servers.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and this one is a program that reports"
)]

mod fleet;
mod measure;

#[path = "../soak/arguments.rs"]
mod arguments;

#[expect(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

use arguments::Arguments;
use fleet::Fleet;
use measure::{Cost, Load};
use std::time::{Duration, Instant};

fn main() {
    let Some(arguments) = Arguments::of("scale", &["--sizes", "--seconds", "--supervisor"]) else { return };
    let sizes: Vec<(usize, usize)> = arguments.value("--sizes").unwrap_or("2x3").split(',').map(size).collect();
    let time = Duration::from_secs(arguments.value("--seconds").map_or(2, |text| text.parse().expect("seconds")));
    let program = arguments.value("--supervisor").unwrap_or(env!("CARGO_BIN_EXE_tmuxagent"));
    let found: Vec<Figures> = sizes.into_iter().map(|size| run(program, size, time)).collect();
    if let [first, .., last] = found.as_slice() {
        last.beside(first);
    }
}

fn size(text: &str) -> (usize, usize) {
    let (hosts, panes) = text.split_once('x').expect("HOSTSxPANES");
    (hosts.parse().expect("a number of hosts"), panes.parse().expect("a number of panes"))
}

/// What was found at one size.
struct Figures {
    size: String,
    start: Duration,
    idle: Load,
    busy: Load,
    answers: Vec<Duration>,
    storm: Duration,
    storm_cpu: Duration,
}

fn run(program: &str, (hosts, panes): (usize, usize), time: Duration) -> Figures {
    let size = format!("{hosts} x {panes}");
    println!("{size}: {} panes", hosts * panes);
    let mut fleet = Fleet::new(program, hosts, panes);
    let begun = Instant::now();
    fleet.start();
    let start = begun.elapsed();
    println!("  all hosts live, all panes known after {:.1} s", start.as_secs_f64());

    let idle = spend(&fleet, time, |_| {});
    println!("  idle:  {idle}");
    let mut written = 0;
    let busy = spend(&fleet, time, |since| {
        // Spread over the second, so that nothing comes in step.
        let due = usize::try_from(since.as_micros()).unwrap_or(usize::MAX).saturating_mul(hosts * panes) / 1_000_000;
        while written < due {
            fleet.print(written % (hosts * panes), "a line of a build that goes on and on, 0 warnings so far");
            written += 1;
        }
    });
    println!("  busy:  {busy} at {:.0} lines/s", written as f64 / time.as_secs_f64());

    let mut answers: Vec<Duration> =
        (0..20.min(hosts * panes * 3)).map(|n| fleet.ask((n * 7919) % (hosts * panes))).collect();
    answers.sort_unstable();
    println!(
        "  a line is answered by keys after {:.1?} (median), {:.1?} (longest of {})",
        median(&answers),
        answers[answers.len() - 1],
        answers.len()
    );

    let before = Cost::of_supervisor(&fleet);
    let storm = fleet.storm();
    let storm_cpu = Cost::of_supervisor(&fleet).cpu.saturating_sub(before.cpu);
    println!(
        "  storm: every host answers again after {:.1} s; the supervisor used {:.2} s of a core",
        storm.as_secs_f64(),
        storm_cpu.as_secs_f64()
    );
    fleet.end();
    Figures { size, start, idle, busy, answers, storm, storm_cpu }
}

/// Measures for a while, in which `act` is called again and again with the time that has passed.
fn spend(fleet: &Fleet, time: Duration, mut act: impl FnMut(Duration)) -> Load {
    // What the phase before left over is not this one's.
    std::thread::sleep(Duration::from_millis(1500));
    let (before, begun) = (measure::all(fleet), Instant::now());
    while begun.elapsed() < time {
        act(begun.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    Load::between(&before, &measure::all(fleet), begun.elapsed())
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

impl Figures {
    /// Prints how this compares to a smaller size.
    fn beside(&self, small: &Self) {
        // The kernel counts in hundredths of a second: what is less is as good as nothing.
        let ratio = |large: f64, small: f64| large / small.max(1e-3);
        println!("{} against {}:", self.size, small.size);
        for (name, large, small) in [
            ("start", self.start.as_secs_f64(), small.start.as_secs_f64()),
            ("supervisor's CPU, idle", self.idle.supervisor.share, small.idle.supervisor.share),
            ("supervisor's CPU, busy", self.busy.supervisor.share, small.busy.supervisor.share),
            ("supervisor's memory", self.busy.supervisor.memory, small.busy.supervisor.memory),
            ("ssh's CPU, busy", self.busy.ssh.share, small.busy.ssh.share),
            ("ssh's memory", self.busy.ssh.memory, small.busy.ssh.memory),
            ("answer, median", median(&self.answers).as_secs_f64(), median(&small.answers).as_secs_f64()),
            ("storm", self.storm.as_secs_f64(), small.storm.as_secs_f64()),
            ("storm, supervisor's CPU", self.storm_cpu.as_secs_f64(), small.storm_cpu.as_secs_f64()),
        ] {
            println!("  {name}: x {:.1}", ratio(large, small));
        }
    }
}
