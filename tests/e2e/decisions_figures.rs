//! Decisions through every surface while the supervisor is killed at random instants around them.
//! `just decision-figures` (`TMUXAGENT_DECISION_KILLS=1000`) tells how many were lost, done twice, done though denied, or told
//! otherwise than they went; `TMUXAGENT_DECISION_SEED` chooses other instants.
//! A person says yes or no once. What he was told holds; where he was told nothing certain he looks, and says it again if
//! it is open.

mod surfaces;

use super::support::room::{Room, free_address};
use super::support::{PATIENCE, wait_for};
use rustix::process::{Signal, kill_process};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};
use surfaces::{Button, CommandLine, File, Link, Popup, Question, Surface, Told};
use tmuxagent_ipc::client::{Connection, hello};
use tmuxagent_ipc::wire::{Reply, Request};
use tmuxagent_model::{Approval, ApprovalState, HostState, RunState, Snapshot, Via};
use tmuxagent_testkit::random::Random;

/// A line `tests ok N` asks for a word, after which the run's number is appended to the file `ran`.
const POLICY: &str = r#"
version: 1
pipelines:
  - name: dinner
    match: [{window_name: ci}]
    stages:
      - name: build
        require_approval: {question: "Build after green tests?", expires: 1h}
        triggers: [{log_regex: "^tests ok"}]
        actions_on_start: [{run: "echo {{run}} >> ran"}]
        timeout: 60s
"#;

/// What is killed where nobody asks for more: enough to see that it works.
const FEW: u32 = 2;
const FEW_TAKE: Takes = Takes { told: Duration::from_millis(60), done: Duration::from_millis(300) };
/// Between two looks, which take processor time of those who are looked at.
const PAUSE: Duration = Duration::from_millis(30);
/// Many at once on a machine that has much else to do are slow.
const LONG: Duration = PATIENCE.saturating_mul(4);

/// What came of the decisions through one surface.
#[derive(Debug, Default)]
struct Tally {
    decisions: u32,
    kills: u32,
    told_done: u32,
    told_not_done: u32,
    uncertain: u32,
    /// Told as done, or put where it stays until it is done, and not done.
    lost: u32,
    twice: u32,
    /// Done though the person said no.
    denied_but_done: u32,
    /// Done though the person was told that it was not.
    not_done_but_done: u32,
    /// The opposite of what the person said stands there.
    turned: u32,
    files_left: u32,
    /// The supervisor did not know whether the command was typed, and asked.
    asked_again: u32,
}

impl Tally {
    const fn faults(&self) -> u32 {
        self.lost + self.twice + self.denied_but_done + self.not_done_but_done + self.turned + self.files_left
    }
}

/// As [`wait_for`], more slowly and longer.
fn look_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let slowly = || {
        let found = condition();
        if found.is_none() {
            std::thread::sleep(PAUSE);
        }
        found
    };
    wait_for(LONG, what, slowly)
}

/// How long a decision takes from the person's hand on.
#[derive(Debug, Default, Clone, Copy)]
struct Takes {
    /// Until he is told, or his hand is free.
    told: Duration,
    /// Until the pane has done it.
    done: Duration,
}

/// One decision, and what is known of it.
struct Asked {
    surface: usize,
    id: String,
    /// What the line that asked for a word had behind it.
    words: String,
    run: u64,
    yes: bool,
}

struct Figures {
    room: Room,
    surfaces: Vec<Box<dyn Surface>>,
    /// How long a decision takes where nobody is killed; zero before it was measured.
    takes: Vec<Takes>,
    tallies: Vec<Tally>,
    asked: Vec<Asked>,
    numbers: Random,
    runtime: tokio::runtime::Runtime,
}

#[test]
fn no_decision_is_lost_or_done_twice_whenever_the_supervisor_dies() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let wanted = number("TMUXAGENT_DECISION_KILLS").and_then(|kills| u32::try_from(kills).ok());
    let mut figures = Figures::new(number("TMUXAGENT_DECISION_SEED").unwrap_or(11), wanted.is_some());
    let kills = wanted.unwrap_or(FEW);
    let mut told = 0;
    for turn in 0.. {
        let killed: u32 = figures.tallies.iter().map(|tally| tally.kills).sum();
        if killed >= kills {
            break;
        }
        if wanted.is_some() && killed >= told + 100 {
            told = killed;
            figures.tell();
        }
        figures.round(turn % figures.surfaces.len(), turn);
    }
    figures.judge_what_ran();
    if wanted.is_some() {
        figures.tell();
    }
    let faults: u32 = figures.tallies.iter().map(Tally::faults).sum();
    assert_eq!(faults, 0, "{:#?}", figures.tallies);
}

impl Figures {
    /// A room whose questions go to every surface, or only to those that need no second program.
    fn new(seed: u64, every: bool) -> Self {
        let mut room = Room::with(POLICY);
        let mut surfaces: Vec<Box<dyn Surface>> = vec![Box::new(File::default()), Box::new(CommandLine)];
        if every {
            let (link, button) = (Link::start(), Button::start());
            room.configure(&format!(
                "channels:\n  hook: {{kind: webhook, url: '{}/x', spacing: 0s}}\n  telegram: {{token: T, chat_id: 5, base_url: \
                 '{}'}}\nnotify: [hook, telegram]\nserve: {{bind: '{}'}}\n",
                link.base(),
                button.base(),
                free_address()
            ));
            surfaces.extend([Box::new(link) as Box<dyn Surface>, Box::new(Popup::open(&room)), Box::new(button)]);
        }
        room.watch();
        let tallies = surfaces.iter().map(|_| Tally::default()).collect();
        // Where many are killed each surface is measured first.
        let takes = vec![if every { Takes::default() } else { FEW_TAKE }; surfaces.len()];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { room, surfaces, takes, tallies, asked: Vec::new(), numbers: Random::new(seed), runtime }
    }

    /// One question, one decision, and a supervisor that dies about then; the first of each surface only tells how long it
    /// takes.
    fn round(&mut self, surface: usize, turn: usize) {
        let words = format!("{turn} end");
        self.room.finish_tests(&words);
        let (id, run) = self.wait_question();
        let is_first = self.takes[surface].done.is_zero();
        let yes = is_first || self.numbers.below(10) < 7;
        self.surfaces[surface].prepare(&self.room, &Question { id: id.clone(), words: words.clone(), yes });
        let told = match (is_first, self.numbers.below(4)) {
            (true, _) => self.decide_and_measure(surface, &id, run),
            (_, 0) => self.decide_while_it_starts(surface, &id, yes),
            _ => self.decide_and_kill(surface, &id, yes),
        };
        self.asked.push(Asked { surface, id, words, run, yes });
        self.end(told);
    }

    fn decide_and_measure(&mut self, surface: usize, id: &str, run: u64) -> Told {
        let begin = Instant::now();
        let told = self.surfaces[surface].decide(&self.room, id, true);
        let takes = Takes { told: begin.elapsed(), done: Duration::ZERO };
        wait_for(PATIENCE, "the pane", || (self.times(run) > 0).then_some(()));
        self.takes[surface] = Takes { done: begin.elapsed(), ..takes };
        told
    }

    /// The open question, with the number of its run.
    fn wait_question(&self) -> (String, u64) {
        look_for("a question", || {
            let known = |approval: &Approval| self.asked.iter().any(|asked| asked.id == approval.id.as_str());
            let open = self.open_questions()?.into_iter().find(|approval| !known(approval))?;
            Some((open.id.as_str().to_owned(), open.run?.0))
        })
    }

    /// The supervisor is dead and comes back while the person decides, and may die once more.
    fn decide_while_it_starts(&mut self, surface: usize, id: &str, yes: bool) -> Told {
        self.kill(surface);
        self.start();
        let wait = self.numbers.within(Duration::from_millis(800));
        std::thread::sleep(wait);
        let told = self.surfaces[surface].decide(&self.room, id, yes);
        self.perhaps_once_more(surface);
        told
    }

    /// It dies at a random instant from shortly before the decision to shortly after all of it is done.
    fn decide_and_kill(&mut self, surface: usize, id: &str, yes: bool) -> Told {
        let takes = self.takes[surface];
        // As often while the person is told as in all the time until the pane has done it.
        let span = if self.numbers.below(2) == 0 { takes.told.mul_f64(1.2) } else { takes.done.mul_f64(1.5) };
        let begin = span.mul_f64(0.1);
        let at = self.numbers.within(span + begin);
        let pid = self.room.supervisor().expect("it runs");
        let (room, surfaces) = (&self.room, &mut self.surfaces);
        let told = std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(at);
                kill_process(pid, Signal::KILL).expect("it runs");
            });
            std::thread::sleep(begin);
            surfaces[surface].decide(room, id, yes)
        });
        self.room.supervisor.take().expect("it ran").wait().expect("it ended");
        self.tallies[surface].kills += 1;
        self.start();
        self.perhaps_once_more(surface);
        told
    }

    /// Once in three times the next life ends in its first moments too.
    fn perhaps_once_more(&mut self, surface: usize) {
        if self.numbers.below(3) == 0 {
            let wait = self.numbers.within(Duration::from_millis(700));
            std::thread::sleep(wait);
            self.kill(surface);
            self.start();
        }
    }

    fn kill(&mut self, surface: usize) {
        self.room.kill_9();
        self.tallies[surface].kills += 1;
    }

    fn start(&mut self) {
        self.room.supervisor =
            Some(self.room.command(&["--headless"]).stderr(Stdio::null()).spawn().expect("it starts"));
    }

    /// Looks at what became of the last decision, and says it again where it is open.
    fn end(&mut self, told: Told) {
        look_for("a life that watches", || {
            let hosts = self.snapshot()?.hosts;
            hosts.iter().all(|host| matches!(host.state, HostState::Live | HostState::Polling)).then_some(())
        });
        let asked = self.asked.last().expect("one was asked");
        let (surface, id, yes) = (asked.surface, asked.id.clone(), asked.yes);
        let tally = &mut self.tallies[surface];
        tally.decisions += 1;
        match told {
            Told::Done => tally.told_done += 1,
            Told::NotDone => tally.told_not_done += 1,
            Told::Unsure => tally.uncertain += 1,
            Told::Nothing => {}
        }
        // What stands where the person put it may not be read yet.
        let patience = if told == Told::Nothing { LONG } else { Duration::ZERO };
        let until = Instant::now() + patience;
        let mut state = self.state(&id);
        while state == ApprovalState::Pending && Instant::now() < until {
            std::thread::sleep(PAUSE);
            state = self.state(&id);
        }
        let is_open = state == ApprovalState::Pending;
        let fault = match told {
            Told::Done | Told::Nothing if is_open => Some("lost"),
            Told::NotDone if !is_open => Some("told as not done, and done"),
            _ => None,
        };
        match fault {
            Some("lost") => self.tallies[surface].lost += 1,
            Some(_) => self.tallies[surface].not_done_but_done += 1,
            None => {}
        }
        if is_open {
            self.say_again(surface, &id, yes);
        }
        self.judge_state(surface, &id, yes, fault);
        self.wait_run(surface);
        self.surfaces[surface].close(&self.room);
    }

    /// Waits for the run's end, since until then its line begins no other.
    fn wait_run(&mut self, surface: usize) {
        let run = self.asked.last().expect("one was asked").run;
        look_for("the end of the run", || {
            if let Some(id) = self.open_questions()?.first().map(|approval| approval.id.as_str().to_owned()) {
                self.tallies[surface].asked_again += 1;
                println!("{id} is asked too: {}", self.room.answer(&["approvals", &id]));
                let answer = if self.times(run) > 0 { "done" } else { "again" };
                self.room.answer(&["approve", &id, "--answer", answer]);
            }
            let last = self.snapshot()?.runs.into_iter().find(|view| view.run.is_some_and(|id| id.0 == run))?;
            last.state.is_some_and(|state| state != RunState::Open).then_some(())
        });
    }

    fn say_again(&mut self, surface: usize, id: &str, yes: bool) {
        self.surfaces[surface].close(&self.room);
        let words = self.asked.last().expect("one was asked").words.clone();
        self.surfaces[surface].prepare(&self.room, &Question { id: id.to_owned(), words, yes });
        let again = self.surfaces[surface].decide(&self.room, id, yes);
        assert!(matches!(again, Told::Done | Told::Nothing), "nobody dies now: {again:?}");
    }

    /// The decision stands as it was made, the pane did its part, and nothing of the question is left.
    fn judge_state(&mut self, surface: usize, id: &str, yes: bool, fault: Option<&str>) {
        let state = look_for("a decision", || Some(self.state(id)).filter(|state| *state != ApprovalState::Pending));
        let expected = if yes { ApprovalState::Approved } else { ApprovalState::Rejected };
        let turned = state != expected;
        let run = self.asked.last().expect("one was asked").run;
        let until = Instant::now() + LONG;
        while yes && self.times(run) == 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut left = self.is_left(id);
        let until = Instant::now() + LONG;
        while left && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
            left = self.is_left(id);
        }
        let name = self.surfaces[surface].name();
        let tally = &mut self.tallies[surface];
        tally.turned += u32::from(turned);
        tally.files_left += u32::from(left);
        if turned || left || fault.is_some() {
            println!("{name} {id}: {fault:?}, is {state:?} and not {expected:?}, file left: {left}");
            println!("{}", self.room.answer(&["events", "-n", "40"]));
        }
    }

    /// Whether a request file of a closed question still lies there.
    fn is_left(&self, id: &str) -> bool {
        let files = std::fs::read_dir(self.room.file("state/approvals")).into_iter().flatten().flatten();
        files.map(|entry| entry.path()).any(|path| path.to_string_lossy().contains(id))
    }

    fn state(&self, id: &str) -> ApprovalState {
        look_for("the question's state", || match self.request(Request::Approval { id: id.to_owned() })? {
            Reply::Approval { approval } => Some(approval.state),
            _ => None,
        })
    }

    fn open_questions(&self) -> Option<Vec<Approval>> {
        let approvals = self.snapshot()?.approvals.into_iter();
        Some(approvals.filter(|approval| approval.state == ApprovalState::Pending).collect())
    }

    fn snapshot(&self) -> Option<Snapshot> {
        match self.request(Request::Snapshot)? {
            Reply::Snapshot { snapshot } => Some(*snapshot),
            _ => None,
        }
    }

    /// What the supervisor answers, where it is there. A look by its socket: a command of the program would take more
    /// processor time than all that is looked at.
    fn request(&self, request: Request) -> Option<Reply> {
        let socket = self.room.state.join("supervisor.sock");
        self.runtime.block_on(async {
            let mut connection = Connection::open(&socket, hello(Via::Cli, None, None)).await.ok()?;
            connection.request(request).await.ok()
        })
    }

    /// How often the pane did what a run asked about.
    fn times(&self, run: u64) -> usize {
        let ran = std::fs::read_to_string(self.room.file("ran")).unwrap_or_default();
        ran.lines().filter(|line| *line == run.to_string()).count()
    }

    /// At the end: every yes was done once, no no was.
    fn judge_what_ran(&mut self) {
        for asked in &self.asked {
            let times = self.times(asked.run);
            let tally = &mut self.tallies[asked.surface];
            tally.twice += u32::from(times > 1);
            tally.denied_but_done += u32::from(!asked.yes && times > 0);
            tally.lost += u32::from(asked.yes && times == 0);
            if times != usize::from(asked.yes) {
                println!("{}: run {} was done {times} times, decided {}", asked.id, asked.run, asked.yes);
            }
        }
    }

    fn tell(&self) {
        let rows: BTreeMap<_, _> = self.surfaces.iter().map(|surface| surface.name()).zip(&self.tallies).collect();
        for (name, tally) in rows {
            println!("{name:>12}: {tally:?}");
        }
    }
}
