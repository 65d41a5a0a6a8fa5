//! Verdicts: commands with every ending, while the supervisor is killed, stopped or given another policy.
//! `TMUXAGENT_VERDICT_RUNS=1000 cargo nextest run --test e2e verdicts_figures --no-capture` tells how many were wrong, hung or
//! typed too often; `TMUXAGENT_VERDICT_SEED` chooses other times, `TMUXAGENT_VERDICT_MOMENT=killed` what happens in all rounds.
//! Where nobody asks for more there is one round of what is soon over, in which all ends while the supervisor stands still.

mod endings;

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use endings::{Ending, MOMENTS, Meddle, Moment, Must, endings, prepare};
use rustix::process::{Signal, kill_process};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tmuxagent_model::{EventLine, Note, RunState};
use tmuxagent_testkit::random::Random;

/// The shells of the panes, in turn; the last has shell integration, where commands are typed bare.
const SHELLS: [&str; 3] =
    ["exec env PS1='$ ' sh", "exec env PS1='$ ' bash --norc --noprofile", "exec bash --noprofile --rcfile rc"];
/// By then each time limit is over.
const OVER: Duration = Duration::from_secs(10);
/// A question that nobody should have to answer is no end, but after so long it is taken for one.
const SETTLED: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
struct Tally {
    runs: u32,
    ended: u32,
    asked: u32,
    /// Of those, where it was certain how it ended: nothing was told falsely, but somebody had to look.
    unexpected: u32,
    not_begun: u32,
    wrong: u32,
    hung: u32,
    twice: u32,
    /// The verdict that was told latest, in milliseconds after the beginning of its run.
    slowest: (i64, String),
}

#[test]
fn no_verdict_is_false_whatever_happens_meanwhile() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let runs = number("TMUXAGENT_VERDICT_RUNS").and_then(|runs| u32::try_from(runs).ok());
    let seed = number("TMUXAGENT_VERDICT_SEED").unwrap_or(7);
    let named = std::env::var("TMUXAGENT_VERDICT_MOMENT").ok();
    let named =
        named.and_then(|named| MOMENTS.into_iter().find(|moment| format!("{moment:?}").to_lowercase() == named));
    let only = named.or_else(|| runs.is_none().then_some(Moment::StoppedAtEnd));
    let endings = endings(runs.is_some());
    let (mut numbers, mut tally) = (Random::new(seed), Tally::default());
    let mut room = Room::with(&Moment::Plain.policy(&endings, &mut numbers));
    prepare(room.server.folder());
    let lines = room.answer(&["shell-init", "bash"]);
    std::fs::write(room.file("rc"), format!("PS1='$ '\n{lines}")).expect("writable");
    room.watch();
    let mut round = 0;
    while tally.runs < runs.unwrap_or(1) {
        let moment = only.unwrap_or(MOMENTS[round % MOMENTS.len()]);
        let (room, numbers, tally) = (&mut room, &mut numbers, &mut tally);
        Round { number: round, moment, endings: &endings, room, numbers, tally: &mut *tally }.play();
        if round % 7 == 6 {
            println!("round {round}: {tally:?}");
        }
        round += 1;
    }
    println!("{tally:?}");
    assert_eq!((tally.wrong, tally.hung, tally.twice), (0, 0, 0), "{tally:?}");
}

struct Round<'r> {
    number: usize,
    moment: Moment,
    endings: &'r [&'static Ending],
    room: &'r mut Room,
    numbers: &'r mut Random,
    tally: &'r mut Tally,
}

impl Round<'_> {
    fn play(mut self) {
        self.open_windows();
        let policy = self.moment.policy(self.endings, self.numbers);
        std::fs::write(self.room.file("policy.yaml"), policy).expect("writable");
        self.room.answer(&["reload"]);
        let before = self.events(0).last().map_or(0, |event| event.seq);
        self.start_all();
        let began = Instant::now();
        let at = Duration::from_millis(self.numbers.below(3000));
        let (mut done, mut meddled) = (false, Vec::new());
        let mut end = began + Duration::from_secs(120);
        let mut told = BTreeMap::new();
        while Instant::now() < end && !self.is_over(began, &told) {
            let now = if self.moment.is_at_end() { self.all_run(began) } else { began.elapsed() >= at };
            if !done && now {
                self.happen();
                done = true;
            }
            self.meddle(&mut meddled);
            if done {
                told = self.told(before);
                if self.begun(before).len() < self.endings.len() && began.elapsed() > Duration::from_secs(30) {
                    // A start that was asked of no supervisor is none.
                    end = end.min(Instant::now() + Duration::from_secs(60));
                }
            }
            // A pause between two looks; the loop waits for its conditions, with the deadline above.
            std::thread::sleep(Duration::from_millis(50));
        }
        self.judge(before, &told);
        self.time(before);
        self.tidy();
    }

    /// Notes which verdict was told last, and how long after the beginning of its run.
    fn time(&mut self, before: u64) {
        let mut begun: BTreeMap<String, i64> = BTreeMap::new();
        for event in self.events(before) {
            match event.note {
                Note::RunStarted { pipeline, .. } => drop(begun.insert(pipeline, event.at.0)),
                Note::RunEnded { pipeline, .. } => {
                    let millis = begun.get(&pipeline).map_or(0, |begun| event.at.0 - begun);
                    if millis > self.tally.slowest.0 {
                        self.tally.slowest = (millis, format!("{pipeline} {:?} {}", self.moment, self.shell()));
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether everything has come to its end.
    fn is_over(&self, began: Instant, told: &BTreeMap<String, Option<RunState>>) -> bool {
        let slow = self.endings.iter().any(|ending| ending.must == Must::FailAsked);
        let settled = began.elapsed() > SETTLED;
        let over = |ending: &&Ending| match told.get(ending.name) {
            None => false,
            Some(None) => ending.must == Must::Ask || settled,
            Some(Some(_)) => true,
        };
        self.endings.iter().all(over) && (!slow || began.elapsed() > OVER)
    }

    /// Whether all commands run, as far as they were begun.
    fn all_run(&self, began: Instant) -> bool {
        self.endings.iter().all(|ending| self.ran(ending) > 0) || began.elapsed() > PATIENCE
    }

    fn open_windows(&self) {
        for file in ["go", "ran-again"] {
            let _ = std::fs::remove_file(self.room.file(file));
        }
        for ending in self.endings {
            let _ = std::fs::remove_file(self.room.file(&ending.file()));
            let shell = format!("cd '{}'; {}", self.room.server.folder().display(), self.shell());
            self.room.server.tmux(&["new-window", "-d", "-t", "proj:", "-n", &ending.window(), &shell]);
        }
        for ending in self.endings {
            self.room.server.wait_screen(&format!("proj:{}", ending.window()), "$");
        }
        let seen = || {
            let panes = self.room.answer(&["panes", "--json"]);
            self.endings.iter().all(|ending| panes.contains(&format!("{:?}", ending.window()))).then_some(())
        };
        wait_for(PATIENCE, "the windows", seen);
    }

    /// All at once; where the supervisor is not there for one, that one is not begun.
    fn start_all(&self) {
        let starts: Vec<_> = self
            .endings
            .iter()
            .map(|ending| {
                let mut command = self.room.command(&["start", &ending.window()]);
                let command = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
                command.spawn().expect("it runs")
            })
            .collect();
        if self.comes_early() {
            return drop(std::thread::spawn(move || starts.into_iter().for_each(|mut start| drop(start.wait()))));
        }
        starts.into_iter().for_each(|mut start| drop(start.wait()));
    }

    const fn shell(&self) -> &'static str {
        SHELLS[(self.number / (2 * MOMENTS.len())) % SHELLS.len()]
    }

    /// In every second round of a moment it comes while the stages are started.
    const fn comes_early(&self) -> bool {
        (self.number / MOMENTS.len()) % 2 == 1
    }

    fn happen(&mut self) {
        let pause = Duration::from_millis(self.numbers.below(2500));
        match self.moment {
            Moment::Plain => {}
            Moment::Killed => {
                self.room.kill_9();
                std::thread::sleep(pause);
                self.room.watch();
            }
            Moment::KilledAtEnd => {
                self.go_on();
                std::thread::sleep(pause / 10);
                self.room.kill_9();
                std::thread::sleep(pause);
                self.room.watch();
            }
            Moment::Stopped => self.stand_still(pause * 2, || {}),
            Moment::StoppedAtEnd => self.stand_still(pause + Duration::from_millis(500), || self.go_on()),
            Moment::Reloaded => self.reload(),
            Moment::ReloadedAtEnd => std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(pause / 25);
                    self.go_on();
                });
                self.reload();
            }),
        }
    }

    /// The commands may end.
    fn go_on(&self) {
        std::fs::write(self.room.file("go"), "").expect("writable");
    }

    /// The supervisor does nothing for a time, in which something happens.
    fn stand_still(&self, pause: Duration, happens: impl FnOnce()) {
        let supervisor = self.room.supervisor().expect("it runs");
        kill_process(supervisor, Signal::STOP).expect("stopped");
        happens();
        std::thread::sleep(pause);
        kill_process(supervisor, Signal::CONT).expect("continued");
    }

    fn reload(&self) {
        let text = std::fs::read_to_string(self.room.file("policy.yaml")).expect("a policy");
        std::fs::write(self.room.file("policy.yaml"), format!("{text}# another\n")).expect("writable");
        self.room.answer(&["reload"]);
    }

    fn ran(&self, ending: &Ending) -> usize {
        std::fs::read_to_string(self.room.file(&ending.file())).unwrap_or_default().lines().count()
    }

    fn meddle(&self, done: &mut Vec<&'static str>) {
        for ending in self.endings {
            // At the end of all: it is one of them.
            let may = !self.moment.is_at_end() || self.room.file("go").exists();
            if ending.meddle == Meddle::Nothing || !may || done.contains(&ending.name) || self.ran(ending) == 0 {
                continue;
            }
            done.push(ending.name);
            let target = format!("proj:{}", ending.window());
            let arguments: &[&str] = match ending.meddle {
                Meddle::Nothing => continue,
                Meddle::Interrupt => &["send-keys", "-t", &target, "C-c"],
                Meddle::KillPane => &["kill-pane", "-t", &target],
                Meddle::Respawn => &["respawn-pane", "-k", "-t", &target, SHELLS[0]],
            };
            self.room.server.tmux(arguments);
        }
    }

    fn events(&self, after: u64) -> Vec<EventLine> {
        let output = self.room.ask(&["events", "--json", "-n", "5000", "--after", &after.to_string()]);
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn begun(&self, before: u64) -> Vec<String> {
        let events = self.events(before).into_iter();
        let begun = events.filter_map(|event| match event.note {
            Note::RunStarted { pipeline, .. } => Some(pipeline),
            _ => None,
        });
        begun.collect()
    }

    /// What became of each: `None` is a question.
    fn told(&self, before: u64) -> BTreeMap<String, Option<RunState>> {
        let mut told: BTreeMap<String, Option<RunState>> = BTreeMap::new();
        for approval in self.room.approvals() {
            if approval["state"] == "pending"
                && let Some(pipeline) = approval["pipeline"].as_str()
            {
                told.insert(pipeline.to_owned(), None);
            }
        }
        for event in self.events(before) {
            if let Note::RunEnded { pipeline, state, .. } = event.note {
                told.insert(pipeline, Some(state));
            }
        }
        told
    }

    fn judge(&mut self, before: u64, told: &BTreeMap<String, Option<RunState>>) {
        let begun = self.begun(before);
        for ending in self.endings {
            let (name, ran) = (ending.name, self.ran(ending));
            if !begun.iter().any(|other| other == name) {
                self.tally.not_begun += 1;
                continue;
            }
            self.tally.runs += 1;
            let (mut wrong, mut hung) = (false, false);
            match told.get(name) {
                None => hung = true,
                Some(None) => self.tally.asked += 1,
                Some(Some(state)) => {
                    self.tally.ended += 1;
                    let wanted = if ending.must == Must::Succeed { RunState::Succeeded } else { RunState::Failed };
                    wrong = *state != wanted || ending.must == Must::Ask;
                    wrong |= *state == RunState::Succeeded && ran < ending.typed;
                }
            }
            let unexpected = matches!(told.get(name), Some(None)) && ending.must != Must::Ask;
            let twice = ran > ending.typed;
            if wrong || hung || twice || unexpected {
                let (number, moment, shell) = (self.number, self.moment, self.shell());
                println!("{number} {moment:?} {name} in {shell}: {:?}, ran {ran} times", told.get(name));
                let about = |event: &EventLine| serde_json::to_string(event).unwrap_or_default();
                let place = ending.window();
                let events = self.events(before);
                events.iter().map(about).filter(|line| line.contains(&place)).for_each(|line| println!("    {line}"));
                let screen = self.room.server.try_tmux(&["capture-pane", "-p", "-t", &format!("proj:{place}")]);
                println!("{}", String::from_utf8_lossy(&screen.stdout).trim_end());
            }
            self.tally.wrong += u32::from(wrong);
            self.tally.hung += u32::from(hung);
            self.tally.twice += u32::from(twice);
            self.tally.unexpected += u32::from(unexpected);
        }
    }

    /// Nothing of this round is left for the next.
    fn tidy(&self) {
        for ending in self.endings {
            drop(self.room.server.try_tmux(&["kill-window", "-t", &format!("proj:{}", ending.window())]));
        }
        let gone = || {
            let panes = self.room.answer(&["panes", "--json"]);
            (!panes.contains("\"w-")).then_some(())
        };
        wait_for(PATIENCE, "an empty room", gone);
        let answered = || self.room.approvals().iter().all(|approval| approval["state"] != "pending").then_some(());
        wait_for(PATIENCE, "no question", answered);
    }
}
