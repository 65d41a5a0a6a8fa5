//! Sends while the reader changes: a shell line for a pane in which somebody starts something else within 300 ms of it.
//! `TMUXAGENT_READER_SENDS=1000 cargo nextest run --test e2e readers_figures --no-capture` tells how many keys were wrong.
//!
//! The sends are spread over several panes at once (`TMUXAGENT_READER_LANES`), each on a server of its own and with one of
//! the shells; what is not installed is left out and named. `TMUXAGENT_READER_ONLY` names one reader,
//! `TMUXAGENT_READER_SEED` chooses others and other instants.

mod matrix;

use super::readers::exists;
use super::support::sshd::Sshd;
use super::support::watched::{Watched, keys};
use super::support::{PATIENCE, TmuxServer, wait_for};
use matrix::{READERS, Reader, SHELLS, Shell, Start};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tmuxagent_model::{IntentId, Needs, Outcome, PaneKey, SendKeys, SkipReason};
use tmuxagent_testkit::random::Random;
use tmuxagent_tmux::HostMessage;

/// How long after the send its outcome counts as told at once.
const AT_ONCE: Duration = Duration::from_millis(500);
/// How long a command may take to run that was typed at a prompt, on a machine that has much else to do.
const RUNS: Duration = Duration::from_secs(60);

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    sends: u32,
    typed: u32,
    held: u32,
    asked: u32,
    wrong: u32,
}

impl Tally {
    const fn add(&mut self, other: Self) {
        self.sends += other.sends;
        self.typed += other.typed;
        self.held += other.held;
        self.asked += other.asked;
        self.wrong += other.wrong;
    }
}

/// By whose hand, in which shell, which reader.
type Rows = BTreeMap<(&'static str, &'static str, &'static str), Tally>;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn keys_reach_no_other_reader_while_it_changes() {
    let Some(sends) = number("TMUXAGENT_READER_SENDS").and_then(|sends| u32::try_from(sends).ok()) else {
        println!("TMUXAGENT_READER_SENDS says how many sends");
        return;
    };
    let (seed, lanes) = (number("TMUXAGENT_READER_SEED").unwrap_or(20), number("TMUXAGENT_READER_LANES").unwrap_or(10));
    for missing in READERS.iter().filter(|reader| !reader.needs.is_empty() && !exists(reader.needs)) {
        println!("{}: left out, {} is not installed", missing.name, missing.needs);
    }
    let shells: Vec<&Shell> = SHELLS.iter().filter(|shell| exists(shell.needs)).collect();
    let begun = AtomicU32::new(0);
    let tallies: Vec<_> = std::thread::scope(|scope| {
        let lanes = (0..lanes).zip(shells.iter().cycle());
        let lanes = lanes.map(|(lane, shell)| {
            let begun = &begun;
            // In every second round of the shells a script pushes the keys, which tmux does not count as a person's.
            let by_script = usize::try_from(lane).is_ok_and(|lane| (lane / shells.len()) % 2 == 1);
            scope.spawn(move || Lane::open(shell, by_script, seed.wrapping_add(lane)).all(sends, begun))
        });
        // All begin before the first is waited for.
        let lanes: Vec<_> = lanes.collect();
        lanes.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    // A lane that broke off leaves the others' figures.
    let broken = tallies.iter().filter(|lane| lane.is_err()).count();
    let (mut sum, mut rows) = (Tally::default(), Rows::new());
    for (row, tally) in tallies.into_iter().flatten().flatten() {
        sum.add(tally);
        rows.entry(row).or_default().add(tally);
    }
    for ((hand, shell, reader), tally) in &rows {
        println!("{hand:>6} {shell:>4} {reader:<12} {tally:?}");
    }
    println!(
        "{} sends: {} typed at once, {} waited, {} asked, {} wrong",
        sum.sends, sum.typed, sum.held, sum.asked, sum.wrong
    );
    assert_eq!((sum.wrong, broken), (0, 0));
}

/// A pane with a shell, and somebody who watches it.
struct Lane<'s> {
    shell: &'s Shell,
    server: TmuxServer,
    watched: Watched,
    pane: PaneKey,
    numbers: Random,
    /// The terminal of the person who starts the readers; `None` where a script does.
    desk: Option<TmuxServer>,
    /// Where the readers that use ssh go.
    _sshd: Option<Sshd>,
}

impl<'s> Lane<'s> {
    fn open(shell: &'s Shell, by_script: bool, seed: u64) -> Self {
        let server = TmuxServer::prepare();
        let sshd = prepare(server.folder());
        server.start(&format!("cd '{}'; {}", server.folder().display(), shell.line));
        // Its keys are all the pane's, and its size is the pane's.
        server.tmux(&["set-option", "-g", "prefix", "None", ";", "set-option", "-g", "status", "off"]);
        let desk = (!by_script).then(TmuxServer::prepare);
        if let Some(desk) = &desk {
            let attach = format!("exec env -u TMUX tmux -S '{}' attach -t main", server.socket().display());
            desk.new_session("desk", &attach);
            desk.tmux(&["set-option", "-g", "prefix", "None", ";", "set-option", "-g", "status", "off"]);
            let attached = || (server.tmux(&["list-clients", "-F", "x"]) == "x").then_some(());
            wait_for(PATIENCE, "the person's client", attached);
        }
        let watched = Watched::new(&server, &["needle"]);
        let pane = watched.wait_live(&server, "main").key;
        Self { shell, server, watched, pane, numbers: Random::new(seed), desk, _sshd: sshd }
    }

    const fn hand(&self) -> &'static str {
        if self.desk.is_some() { "person" } else { "script" }
    }

    fn all(mut self, sends: u32, begun: &AtomicU32) -> Rows {
        let only = std::env::var("TMUXAGENT_READER_ONLY").ok();
        let readers: Vec<&Reader> = READERS
            .iter()
            .filter(|reader| reader.shells.contains(&self.shell.name))
            .filter(|reader| reader.needs.is_empty() || exists(reader.needs))
            .filter(|reader| only.as_ref().is_none_or(|only| only == reader.name))
            .collect();
        let mut rows = Rows::new();
        if readers.is_empty() {
            return rows;
        }
        loop {
            let send = begun.fetch_add(1, Ordering::Relaxed);
            if send >= sends {
                return rows;
            }
            let reader = readers[usize::try_from(self.numbers.below(readers.len() as u64)).expect("small")];
            let tally = self.round(send, reader);
            rows.entry((self.hand(), self.shell.name, reader.name)).or_default().add(tally);
            if send % 200 == 199 {
                println!("{} sends begun", send + 1);
            }
        }
    }

    /// One send, and something started up to 300 ms before or after it.
    fn round(&mut self, send: u32, reader: &Reader) -> Tally {
        let first = Duration::from_millis(self.numbers.below(600));
        let intent = IntentId::new(format!("I-{send}"));
        let text = format!("touch ran-{send}");
        let begin = Instant::now();
        let sleep_until = |at: Duration| std::thread::sleep(at.saturating_sub(begin.elapsed()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                sleep_until(first);
                self.start(reader.start);
            });
            sleep_until(Duration::from_millis(300));
            let keys = SendKeys { needs: Needs::Shell, ..keys(&self.pane, &text) };
            self.watched.handle.send(intent.clone(), keys);
        });
        let until = Instant::now() + AT_ONCE;
        let mut at_once = self.outcome(&intent);
        while at_once.is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
            at_once = self.outcome(&intent);
        }
        let mut shown = self.shows(&text);
        self.end(reader);
        let outcome = at_once.clone().unwrap_or_else(|| {
            let (mut again, mut tries) = (Instant::now() + Duration::from_secs(3), 1);
            wait_for(Duration::from_secs(90), "the end of a send that waited", || {
                if Instant::now() >= again {
                    // On a busy machine the program may not have been there yet.
                    again = Instant::now() + Duration::from_secs(3);
                    shown |= self.shows(&text) && self.outcome(&intent).is_none();
                    self.end_again(reader, tries);
                    tries += 1;
                }
                self.outcome(&intent)
            })
        });
        if !matches!(outcome, Outcome::Skipped { reason: SkipReason::Withdrawn }) {
            self.watched.handle.release(self.pane.clone());
        }
        let mut tally = Tally { sends: 1, ..Tally::default() };
        match &at_once {
            Some(Outcome::Done) => tally.typed = 1,
            None if outcome == Outcome::Done => tally.held = 1,
            _ => tally.asked = 1,
        }
        if let Some(fault) = self.fault(&text, &outcome, shown) {
            tally.wrong = 1;
            let (hand, shell, reader) = (self.hand(), self.shell.name, reader.name);
            let screen = self.server.screen("main");
            println!(
                "{send}: {fault}: {hand} `{reader}` in {shell} at {first:?}, send at 300ms: {at_once:?} {outcome:?}\n{screen}"
            );
        }
        self.tidy(send, reader);
        tally
    }

    /// What went wrong with a send, if something did.
    fn fault(&self, text: &str, outcome: &Outcome, shown: bool) -> Option<&'static str> {
        let ran = self.server.folder().join(text.trim_start_matches("touch "));
        let got = || std::fs::read_to_string(self.server.folder().join("got")).unwrap_or_default().contains("ran-");
        if *outcome == Outcome::Done {
            let until = Instant::now() + RUNS;
            while !ran.exists() {
                if Instant::now() > until {
                    return Some("typed, and not run");
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            return got().then_some("another reader got it");
        }
        if matches!(outcome, Outcome::Failed { .. } | Outcome::Unknown { .. }) {
            return Some("not certain");
        }
        (ran.exists() || shown || got()).then_some("told as not typed, and typed")
    }

    fn start(&self, start: Start) {
        let (server, pane) = self.desk.as_ref().map_or((&self.server, "main"), |desk| (desk, "desk"));
        let text = |text| ["send-keys", "-t", pane, "-l", "--", text];
        match start {
            // Text and Enter at once, as a person's paste.
            Start::Line(line) => {
                drop(server.try_tmux(&[&text(line)[..], &[";", "send-keys", "-t", pane, "Enter"]].concat()));
            }
            Start::Draft(draft) => drop(server.try_tmux(&text(draft))),
            Start::Keys(keys) => drop(server.try_tmux(&[&["send-keys", "-t", pane], keys].concat())),
            Start::CopyMode => drop(self.server.try_tmux(&["copy-mode", "-t", "main"])),
        }
    }

    fn keys(&self, keys: &[&str]) {
        for key in keys {
            drop(self.server.try_tmux(&["send-keys", "-t", "main", key]));
        }
    }

    fn end(&self, reader: &Reader) {
        drop(self.server.try_tmux(&["if-shell", "-F", "-t", "main", "#{pane_in_mode}", "send-keys -t main -X cancel"]));
        if reader.name == "tmux" {
            // Keys that follow its prefix at once are not all read by its own prompt.
            drop(self.server.command().args(["-L", "inner", "kill-server"]).output());
        }
        self.keys(reader.ends);
    }

    /// In turn by its own end and by an interrupt, which throws away what was typed and not read yet, also by others.
    fn end_again(&self, reader: &Reader, tries: u32) {
        if tries.is_multiple_of(2) {
            self.end(reader);
        } else if !self.is_back() || reader.ends == ["C-c"] {
            self.keys(&["C-c"]);
        }
    }

    /// Whether the shell is in front.
    fn is_back(&self) -> bool {
        let shell = if self.shell.name == "vi" { "bash" } else { self.shell.name };
        let place = "#{pane_in_mode} #{pane_current_command}";
        self.server.tmux(&["display-message", "-p", "-t", "main", place]) == format!("0 {shell}")
    }

    fn outcome(&self, intent: &IntentId) -> Option<Outcome> {
        self.watched.find(|message| match message {
            HostMessage::Event(tmuxagent_model::Event::Outcome { intent: told, outcome }) if told == intent => {
                Some(outcome.clone())
            }
            _ => None,
        })
    }

    /// Whether a text stands in the pane: it was typed, wherever it went.
    fn shows(&self, text: &str) -> bool {
        let screen = self.server.try_tmux(&["capture-pane", "-p", "-J", "-t", "main"]);
        String::from_utf8_lossy(&screen.stdout).contains(text)
    }

    /// Nothing of this round is left for the next: the shell reads at an empty prompt, and has read all before it.
    fn tidy(&self, send: u32, reader: &Reader) {
        let (mut again, mut is_back, mut tries) = (Instant::now(), false, 0);
        wait_for(PATIENCE * 2, &format!("the shell behind {}", reader.name), || {
            if Instant::now() >= again {
                again = Instant::now() + Duration::from_secs(3);
                is_back = self.is_back();
                if is_back {
                    self.keys(&["C-c", "C-u"]);
                    self.server.type_line("main", &format!("echo tidy''-{send}"));
                } else {
                    self.end_again(reader, tries);
                    tries += 1;
                }
            }
            if !is_back && self.is_back() {
                again = Instant::now();
            }
            self.server.screen("main").contains(&format!("\ntidy-{send}")).then_some(())
        });
        drop(self.server.try_tmux(&["clear-history", "-t", "main"]));
        let _ = std::fs::remove_file(self.server.folder().join("got"));
    }
}

/// The files that the readers use, in the folder of their shell.
fn prepare(folder: &Path) -> Option<Sshd> {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("writable");
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        drop(command.current_dir(folder).args(arguments).output());
    };
    git(&["init", "-q"]);
    git(&["config", "user.name", "ann"]);
    git(&["config", "user.email", "ann@example.org"]);
    std::fs::copy("/bin/sh", folder.join("codex")).expect("a shell");
    let screens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents/codex-0.171.0-80x24");
    let screen = |name: &str| format!("clear; cat {}/{name}.txt; ", screens.display());
    write("idle", &(screen("idle_start") + "IFS= read -r line; echo \"$line\" >> got\n"));
    write(
        "asks",
        &(screen("approve_command")
            + "trap 'stty sane; exit' INT; stty -icanon -echo; dd bs=1 count=1 >> got 2>/dev/null; stty sane\n"),
    );
    // Root is asked for nothing.
    let is_root = rustix::process::geteuid().is_root();
    let ask =
        if is_root { "exec runuser -u nobody -- sh -c 'sudo -k; sudo true'\n" } else { "sudo -k; exec sudo true\n" };
    write("ask-sudo", ask);
    if !exists("ssh") {
        return None;
    }
    let sshd = Sshd::start();
    let locked = sshd.file("locked");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "a secret", "-f"])
        .arg(&locked)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "ssh-keygen makes a key");
    let keys = sshd.file("authorized_keys");
    let public = std::fs::read_to_string(sshd.file("locked.pub")).expect("a key");
    std::fs::write(&keys, std::fs::read_to_string(&keys).expect("keys") + &public).expect("writable");
    let options: String = sshd.options().iter().map(|option| format!("-o {option} ")).collect();
    let line = |key: &Path| format!("exec ssh {options}-p {} -i {} -t 127.0.0.1 sh -i\n", sshd.port(), key.display());
    write("go-ssh", &line(&sshd.file("user")));
    write("ask-ssh", &line(&locked));
    Some(sshd)
}
