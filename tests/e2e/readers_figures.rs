//! Sends while the reader changes: everything that is typed into panes, in which somebody starts or ends something within 300 ms
//! of it. `TMUXAGENT_READER_SENDS=1000 cargo nextest run --test e2e readers_figures --no-capture` tells for each kind of action
//! how many were typed, waited, were asked about, were refused, and how many keys were wrong.
//!
//! Where the reader does not change, what is expected of a send must come: it is typed where its reader is there, and waits, then
//! is asked about, where another one is. `close` are keys that came within some milliseconds of a program's change or end: by
//! itself, which asks nobody before it does, or by keys that a script pushed within 25 ms of the send (a person's are seen), so
//! no guard can know.
//!
//! The sends are spread over several panes at once (`TMUXAGENT_READER_LANES`), each on a server of its own and with one of
//! the shells; what is not installed is left out and named. Two of the panes are those of the whole program, whose policy types
//! by hand and tries again. `TMUXAGENT_READER_KIND` names one kind, `TMUXAGENT_READER_ONLY` one reader of those that a shell's
//! line meets, `TMUXAGENT_READER_SEED` chooses others and other instants.

mod lane;
mod matrix;
mod prepare;
mod programs;
mod seat;
mod stages;
mod tally;

use super::readers::exists;
use lane::Lane;
use matrix::{READERS, SHELLS, Shell};
use stages::StageLane;
use std::sync::atomic::AtomicU32;
use std::time::Duration;
use tally::Rows;

/// When a line is sent, after a round's begin.
const AT: Duration = Duration::from_millis(300);
/// How far from it something happens in the same instant, on a machine that has much else to do.
const INSTANT: Duration = Duration::from_millis(25);
/// How long after the send its outcome counts as told at once.
const AT_ONCE: Duration = Duration::from_millis(500);
/// How long a command may take to run that was typed at a prompt, on a machine that has much else to do.
const RUNS: Duration = Duration::from_secs(60);
/// So many are sent, in one pane, where nobody asks for more.
const FEW: u32 = 3;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn keys_reach_no_other_reader_while_it_changes() {
    let asked = number("TMUXAGENT_READER_SENDS").and_then(|sends| u32::try_from(sends).ok());
    let far = asked.is_some();
    let sends = asked.unwrap_or(FEW);
    let lanes = if far { number("TMUXAGENT_READER_LANES").unwrap_or(10) } else { 1 };
    let seed = number("TMUXAGENT_READER_SEED").unwrap_or(20);
    for missing in READERS.iter().filter(|reader| !reader.needs.is_empty() && !exists(reader.needs)) {
        println!("{}: left out, {} is not installed", missing.name, missing.needs);
    }
    let shells: Vec<&'static Shell> = SHELLS.iter().filter(|shell| exists(shell.needs)).collect();
    // The whole program types a fifth of them.
    let stages = if lanes < 3 { 0 } else { 2 };
    let (begun, by_stages) = (AtomicU32::new(0), AtomicU32::new(0));
    let share = if stages == 0 { 0 } else { sends / 5 };
    let tallies: Vec<_> = std::thread::scope(|scope| {
        let (begun, by_stages) = (&begun, &by_stages);
        let programs = (0..stages).zip(shells.iter().copied().filter(|shell| StageLane::takes(shell)).cycle());
        let programs = programs.map(|(lane, shell)| {
            scope.spawn(move || StageLane::open(shell, lane % 2 == 1, seed.wrapping_add(lane)).all(share, by_stages))
        });
        let lanes = (stages..lanes).zip(shells.iter().copied().cycle());
        let lanes = lanes.map(|(lane, shell)| {
            // In every second round of the shells a script pushes the keys, which tmux does not count as a person's.
            let by_script = usize::try_from(lane).is_ok_and(|lane| (lane / shells.len()) % 2 == 1);
            scope.spawn(move || Lane::open(shell, by_script, seed.wrapping_add(lane), far).all(sends - share, begun))
        });
        // All begin before the first is waited for.
        let lanes: Vec<_> = programs.chain(lanes).collect();
        lanes.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    // A lane that broke off leaves the others' figures.
    let broken = tallies.iter().filter(|lane| lane.is_err()).count();
    let mut rows = Rows::default();
    tallies.into_iter().flatten().for_each(|lane| rows.take(lane));
    let sum = rows.print();
    assert_eq!((sum.wrong, sum.missed, broken), (0, 0, 0));
    assert_eq!(sum.sends + sum.unset, sends);
    assert!(sum.unset * 50 <= sends, "{} rounds were not set up", sum.unset);
}
