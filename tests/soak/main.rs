//! The soak: pipelines on twenty panes of a real tmux server, under random kills of the supervisor and random faults.
//!
//! `cargo test --test soak` runs it short, as in CI; `cargo test --test soak -- --minutes 60` long, by hand, and
//! `--seed N` again with the same choices (the machine's own timing stays random). What was left behind is kept where
//! something is wrong. At the end every stage ran exactly once per attempt, every decision is there, the journal
//! replays to the state that is stored, and memory and file descriptors are flat.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and this one is a program that reports"
)]

mod arguments;
mod faults;
mod room;
mod verdict;

#[expect(dead_code, reason = "the end-to-end tests use more of it")]
#[path = "../e2e/support/mod.rs"]
mod support;

use arguments::Arguments;
use faults::Fault;
use room::Room;
use std::time::{Duration, Instant};
use tmuxagent_testkit::random::Random;

/// How long it runs unless `--minutes` says otherwise: short enough for every run of all tests.
const SHORT: Duration = Duration::from_secs(25);
/// How often the driver looks at the supervisor and acts, milliseconds.
const STEP: u64 = 150;

/// The longest time without kills at the end.
const QUIET: Duration = Duration::from_secs(180);
/// How many measurements tell whether something grows.
const FEWEST: usize = 15;

/// A seed that no run had before, short enough to be typed.
fn new_seed() -> u64 {
    getrandom::u64().expect("random numbers of the system") % 1_000_000_000
}

struct Wish {
    time: Duration,
    seed: u64,
}

fn main() {
    let Some(arguments) = Arguments::of("soak", &["--minutes", "--seed"]) else { return };
    let seed = arguments.value("--seed").map_or_else(new_seed, |text| text.parse().expect("a number"));
    let minutes = arguments.value("--minutes").map(|text| text.parse::<f64>().expect("a number of minutes"));
    let time = minutes.map_or(SHORT, |minutes| Duration::from_secs_f64(minutes * 60.0));
    soak(&Wish { time, seed });
}

fn soak(wish: &Wish) {
    println!("soak: seed {}, {:.1} minutes", wish.seed, wish.time.as_secs_f64() / 60.0);
    let mut random = Random::new(wish.seed);
    let mut room = Room::new(wish.seed);
    let begun = Instant::now();
    let mut told = Instant::now();
    let quiet = wish.time.mul_f64(0.25).min(QUIET);
    while begun.elapsed() + quiet < wish.time {
        life(&mut room, &mut random);
        verdict::nothing_twice(&room);
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            println!("{:>6.1} min {}", begun.elapsed().as_secs_f64() / 60.0, room.count);
        }
    }
    // One long life under load: what grows shows here.
    room.start();
    room.wait_live();
    let quiet_until = Instant::now() + quiet;
    let mut samples = Vec::new();
    while Instant::now() < quiet_until || samples.len() < FEWEST {
        std::thread::sleep(Duration::from_millis(STEP));
        room.look_after(&mut random);
        samples.push(room.measure());
    }
    room.finish(&mut random);
    verdict::flat(&samples);
    room.shut_down();
    let found = verdict::all(&room);
    println!("soak: seed {}, {} s: {}; {found}", wish.seed, begun.elapsed().as_secs(), room.count);
    room.is_fine();
}

/// One life of the supervisor: it starts, works, meets faults, and is killed at a random instant.
fn life(room: &mut Room, random: &mut Random) {
    room.start();
    let length = match random.below(10) {
        // In the middle of its start.
        0..=2 => random.below(700),
        3..=8 => 700 + random.below(2500),
        _ => 3000 + random.below(4000),
    };
    let end = Instant::now() + Duration::from_millis(length);
    let mut next_fault = Instant::now() + Duration::from_millis(500 + random.below(2000));
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(STEP).min(end.saturating_duration_since(Instant::now())));
        room.look_after(random);
        if Instant::now() > next_fault && Instant::now() < end {
            room.suffer(Fault::draw(random), random);
            next_fault = Instant::now() + Duration::from_millis(300 + random.below(2000));
        }
    }
    match random.below(10) {
        0 => room.terminate(),
        _ => room.kill(),
    }
    if random.below(3) == 0 {
        room.happens_meanwhile(random);
    }
}
