//! Sends while the reader changes: a shell line for a pane in which somebody starts something else within 300 ms of it.
//! `TMUXAGENT_READER_SENDS=1000 cargo nextest run --test e2e readers_figures --no-capture` tells how many keys were wrong.

use super::support::watched::{Watched, keys};
use super::support::{TmuxServer, wait_for};
use std::time::{Duration, Instant};
use tmuxagent_model::{IntentId, Needs, Outcome, PaneKey, SendKeys, SkipReason};
use tmuxagent_tmux::HostMessage;

/// What is started, and what ends it. What reads keys writes them to the file `got`.
const READERS: &[(&str, &[&str])] = &[
    ("cat >>got", &["C-c"]),
    ("read -r x; echo \"$x\" >>got", &["Enter"]),
    ("read -s x; echo \"$x\" >>got", &["Enter"]),
    ("bash -c 'read -rsn1 k; echo \"$k\" >>got'", &["q"]),
    ("python3 -c 'open(\"got\", \"a\").write(input(\"? \"))'", &["Enter"]),
    ("vi -u NONE -c 'set noswapfile' got-vi", &["Escape", ":q!", "Enter"]),
    ("less /etc/services", &["q"]),
    ("sleep 0.2", &[]),
    ("bash -c 'while read -r x; do echo \"$x\" >>got; done'", &["C-c"]),
    ("cat >>got <<END", &["C-c"]),
    ("echo 'an open quote >>got", &["C-c"]),
    ("dash -c 'read x; echo \"$x\" >>got'", &["Enter"]),
    ("read -e -p '$ ' x; echo \"$x\" >>got", &["Enter"]),
    ("read -e -p '# ' x; echo \"$x\" >>got", &["Enter"]),
];

/// Numbers that are the same in each run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}

#[derive(Default)]
struct Tally {
    typed: u32,
    held: u32,
    asked: u32,
    wrong: u32,
}

#[test]
fn keys_reach_no_other_reader_while_it_changes() {
    let Some(sends) = std::env::var("TMUXAGENT_READER_SENDS").ok().and_then(|number| number.parse::<u32>().ok()) else {
        println!("TMUXAGENT_READER_SENDS says how many sends");
        return;
    };
    let server = TmuxServer::running("exec env PS1='$ ' bash --norc --noprofile");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    server.type_line("main", &format!("cd '{}'", server.folder().display()));
    let (mut numbers, mut tally) = (Numbers(20), Tally::default());
    for send in 0..sends {
        let (line, ends) = READERS[usize::try_from(numbers.below(READERS.len() as u64)).expect("small")];
        let first = Duration::from_millis(numbers.below(600));
        let outcome = round(&server, &watched, &pane, send, line, first);
        match &outcome {
            Some(Outcome::Done) => tally.typed += 1,
            Some(_) => tally.asked += 1,
            None => tally.held += 1,
        }
        let got = std::fs::read_to_string(server.folder().join("got")).unwrap_or_default();
        let seen = got.contains("ran") || server.screen("main").contains("ran-in-vi");
        ends.iter().for_each(|key| drop(server.try_tmux(&["send-keys", "-t", "main", key])));
        let late = watched_end(&watched, &pane, send, outcome.is_none(), || {
            // On a busy machine the program may not have been there yet.
            let last: &[&str] = if line.starts_with("less") || line.starts_with("vi") { ends } else { &["C-c"] };
            last.iter().for_each(|key| drop(server.try_tmux(&["send-keys", "-t", "main", key])));
        });
        let done = || server.folder().join(format!("ran-{send}")).exists();
        if late == Some(Outcome::Done) || outcome == Some(Outcome::Done) {
            let ran = Instant::now() + Duration::from_secs(5);
            while !done() && Instant::now() < ran {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let lost = (late == Some(Outcome::Done) || outcome == Some(Outcome::Done)) && !done();
        let after = std::fs::read_to_string(server.folder().join("got")).unwrap_or_default();
        if seen || lost || after.contains("ran") {
            tally.wrong += 1;
            println!("{send}: wrong: `{line}` after {first:?}: {outcome:?} {late:?}\n{}", server.screen("main"));
        }
        server.tmux(&["send-keys", "-t", "main", "C-c"]);
        server.tmux(&["send-keys", "-t", "main", "C-u"]);
        let _ = std::fs::remove_file(server.folder().join("got"));
    }
    println!(
        "{sends} sends: {} typed at once, {} waited, {} asked, {} wrong",
        tally.typed, tally.held, tally.asked, tally.wrong
    );
    assert_eq!(tally.wrong, 0);
}

/// One send, and something started up to 300 ms before or after it. `None`: it waits.
fn round(
    server: &TmuxServer,
    watched: &Watched,
    pane: &PaneKey,
    send: u32,
    line: &str,
    first: Duration,
) -> Option<Outcome> {
    let intent = IntentId::new(format!("I-{send}"));
    let begin = Instant::now();
    let sleep_until = |at: Duration| std::thread::sleep(at.saturating_sub(begin.elapsed()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sleep_until(first);
            // Text and Enter at once, as a person's paste.
            server.tmux(&["send-keys", "-t", "main", "-l", "--", line, ";", "send-keys", "-t", "main", "Enter"]);
        });
        sleep_until(Duration::from_millis(300));
        let keys = SendKeys { needs: Needs::Shell, ..keys(pane, &format!("touch ran-{send}")) };
        watched.handle.send(intent.clone(), keys);
    });
    let until = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until {
        if let Some(outcome) = outcome_of(watched, &intent) {
            return Some(outcome);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

fn outcome_of(watched: &Watched, intent: &IntentId) -> Option<Outcome> {
    watched.find(|message| match message {
        HostMessage::Event(tmuxagent_model::Event::Outcome { intent: told, outcome }) if told == intent => {
            Some(outcome.clone())
        }
        _ => None,
    })
}

/// What became of one that waited; the lane goes on.
fn watched_end(watched: &Watched, pane: &PaneKey, send: u32, waits: bool, end_again: impl Fn()) -> Option<Outcome> {
    let intent = IntentId::new(format!("I-{send}"));
    let mut again = Instant::now() + Duration::from_secs(5);
    let late = waits.then(|| {
        wait_for(Duration::from_secs(90), "the end of a send that waited", || {
            if Instant::now() >= again {
                again = Instant::now() + Duration::from_secs(5);
                end_again();
            }
            outcome_of(watched, &intent)
        })
    });
    let withdrawn = matches!(late, Some(Outcome::Skipped { reason: SkipReason::Withdrawn }));
    if !withdrawn {
        watched.handle.release(pane.clone());
    }
    late
}
