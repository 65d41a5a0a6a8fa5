//! Verdicts: commands with every ending, while the supervisor is killed, stopped or given another policy.
//! `TMUXAGENT_VERDICT_RUNS=1000 cargo nextest run --test e2e verdicts_figures --no-capture` tells how many were wrong, hung or
//! typed twice; `TMUXAGENT_VERDICT_SEED` chooses other times, `TMUXAGENT_VERDICT_MOMENT=killed` what happens in all rounds.

use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use rustix::process::{Signal, kill_process};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tmuxagent_model::{EventLine, Note, RunState};
use tmuxagent_testkit::random::Random;

/// How a stage must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    Succeed,
    Fail,
    /// Nothing says how it went.
    Ask,
}

/// What somebody does to the pane once the command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meddle {
    Nothing,
    Interrupt,
    KillPane,
    Respawn,
}

/// Its name, the keys of its stage (`PAUSE` is a random time), how it must end, what is done meanwhile.
const ENDINGS: &[(&str, &str, Must, Meddle)] = &[
    ("zero", "actions_on_start: [{run: 'MARK; sleep PAUSE; true'}]", Must::Succeed, Meddle::Nothing),
    ("one", "actions_on_start: [{run: 'MARK; sleep PAUSE; (exit 1)'}]", Must::Fail, Meddle::Nothing),
    ("killed", "actions_on_start: [{run: 'MARK; sh -c \"sleep PAUSE; kill -9 \\$\\$\"'}]", Must::Fail, Meddle::Nothing),
    ("interrupted", "actions_on_start: [{run: 'MARK; sleep 600'}]", Must::Fail, Meddle::Interrupt),
    ("exits", "actions_on_start: [{run: 'MARK; sleep PAUSE; exit 3'}]", Must::Fail, Meddle::Nothing),
    ("strict", "actions_on_start: [{run: 'MARK; sleep PAUSE; set -e; false'}]", Must::Fail, Meddle::Nothing),
    ("background", "actions_on_start: [{run: 'MARK; sleep 20 & sleep PAUSE'}]", Must::Succeed, Meddle::Nothing),
    (
        "said",
        "actions_on_start: [{run: 'MARK; echo all goo''d; sleep PAUSE; (exit 1)'}], success_when: [{log_regex: ^all good}]",
        Must::Fail,
        Meddle::Nothing,
    ),
    (
        "silent",
        "actions_on_start: [{send_keys: 'MARK; sleep PAUSE'}], success_when: [{log_regex: all good}], fail_when: [{log_regex: all bad}]",
        Must::Ask,
        Meddle::Nothing,
    ),
    (
        "endless",
        "actions_on_start: [{run: 'MARK; sleep 600'}], timeout: 3s, on_timeout: [interrupt, terminate]",
        Must::Fail,
        Meddle::Nothing,
    ),
    ("gone", "actions_on_start: [{run: 'MARK; sleep 600'}]", Must::Fail, Meddle::KillPane),
    ("respawned", "actions_on_start: [{run: 'MARK; sleep 600'}]", Must::Fail, Meddle::Respawn),
];

/// What happens to the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Plain,
    Killed,
    Stopped,
    Reloaded,
}

/// The shells of the panes, in turn; the last has shell integration, where commands are typed bare.
const SHELLS: [&str; 3] =
    ["exec env PS1='$ ' sh", "exec env PS1='$ ' bash --norc --noprofile", "exec bash --noprofile --rcfile rc"];

const MOMENTS: [Moment; 4] = [Moment::Plain, Moment::Killed, Moment::Stopped, Moment::Reloaded];

fn policy(numbers: &mut Random) -> String {
    let pipelines = ENDINGS.iter().map(|(name, keys, ..)| {
        let pause = format!("{}.{}", numbers.below(2), numbers.below(10));
        let keys = keys.replace("MARK", &format!("echo x >> ran-{name}")).replace("PAUSE", &pause);
        format!("- name: {name}\n  match: {{window_name: w-{name}}}\n  stages:\n  - {{name: s, triggers: [manual], {keys}}}\n")
    });
    format!("pipelines:\n{}", pipelines.collect::<String>())
}

#[derive(Debug, Default)]
struct Tally {
    runs: u32,
    ended: u32,
    asked: u32,
    not_begun: u32,
    wrong: u32,
    hung: u32,
    twice: u32,
}

#[test]
fn no_verdict_is_false_whatever_happens_meanwhile() {
    let Some(runs) = std::env::var("TMUXAGENT_VERDICT_RUNS").ok().and_then(|number| number.parse::<u32>().ok()) else {
        println!("TMUXAGENT_VERDICT_RUNS says how many runs");
        return;
    };
    let seed = std::env::var("TMUXAGENT_VERDICT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let named = std::env::var("TMUXAGENT_VERDICT_MOMENT").ok();
    let only = named.and_then(|named| MOMENTS.into_iter().find(|moment| format!("{moment:?}").to_lowercase() == named));
    let (mut numbers, mut tally) = (Random::new(seed), Tally::default());
    let mut room = Room::with(&policy(&mut numbers));
    let lines = room.answer(&["shell-init", "bash"]);
    std::fs::write(room.file("rc"), format!("PS1='$ '\n{lines}")).expect("writable");
    room.watch();
    let mut round = 0;
    while tally.runs < runs {
        let moment = only.unwrap_or(MOMENTS[round % MOMENTS.len()]);
        Round { number: round, moment, room: &mut room, numbers: &mut numbers, tally: &mut tally }.play();
        if round % 8 == 7 {
            println!("round {round}: {tally:?}");
        }
        round += 1;
    }
    assert_eq!((tally.wrong, tally.hung, tally.twice), (0, 0, 0), "{tally:?}");
}

struct Round<'r> {
    number: usize,
    moment: Moment,
    room: &'r mut Room,
    numbers: &'r mut Random,
    tally: &'r mut Tally,
}

impl Round<'_> {
    fn play(mut self) {
        self.open_windows();
        std::fs::write(self.room.file("policy.yaml"), policy(self.numbers)).expect("writable");
        self.room.answer(&["reload"]);
        let before = self.events(0).last().map_or(0, |event| event.seq);
        self.start_all();
        let began = Instant::now();
        let at = Duration::from_millis(self.numbers.below(3000));
        let (mut done, mut meddled) = (false, Vec::new());
        let mut end = began + Duration::from_secs(120);
        let mut told = BTreeMap::new();
        while Instant::now() < end && told.len() < ENDINGS.len() {
            if !done && began.elapsed() >= at {
                self.happen();
                done = true;
            }
            self.meddle(&mut meddled);
            if done {
                told = self.told(before);
                if self.begun(before).len() < ENDINGS.len() && began.elapsed() > Duration::from_secs(30) {
                    // A start that was asked of no supervisor is none.
                    end = end.min(Instant::now() + Duration::from_secs(60));
                }
            }
            // A pause between two looks; the loop waits for its conditions, with the deadline above.
            std::thread::sleep(Duration::from_millis(50));
        }
        self.judge(before, &told);
        self.tidy();
    }

    fn open_windows(&self) {
        for (name, ..) in ENDINGS {
            let _ = std::fs::remove_file(self.room.file(&format!("ran-{name}")));
            let shell = format!("cd '{}'; {}", self.room.server.folder().display(), self.shell());
            self.room.server.tmux(&["new-window", "-d", "-t", "proj:", "-n", &format!("w-{name}"), &shell]);
        }
        for (name, ..) in ENDINGS {
            self.room.server.wait_screen(&format!("proj:w-{name}"), "$");
        }
        let seen = || {
            let panes = self.room.answer(&["panes", "--json"]);
            ENDINGS.iter().all(|(name, ..)| panes.contains(&format!("\"w-{name}\""))).then_some(())
        };
        wait_for(PATIENCE, "the windows", seen);
    }

    /// All at once; where the supervisor is not there for one, that one is not begun.
    fn start_all(&self) {
        let starts: Vec<_> = ENDINGS
            .iter()
            .map(|(name, ..)| {
                let mut command = self.room.command(&["start", &format!("w-{name}")]);
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
        match self.moment {
            Moment::Plain => {}
            Moment::Killed => {
                self.room.kill_9();
                std::thread::sleep(Duration::from_millis(self.numbers.below(2500)));
                self.room.watch();
            }
            Moment::Stopped => {
                let supervisor = self.room.supervisor().expect("it runs");
                kill_process(supervisor, Signal::STOP).expect("stopped");
                std::thread::sleep(Duration::from_millis(self.numbers.below(5000)));
                kill_process(supervisor, Signal::CONT).expect("continued");
            }
            Moment::Reloaded => {
                let text = std::fs::read_to_string(self.room.file("policy.yaml")).expect("a policy");
                std::fs::write(self.room.file("policy.yaml"), format!("{text}# another\n")).expect("writable");
                self.room.answer(&["reload"]);
            }
        }
    }

    fn ran(&self, name: &str) -> usize {
        std::fs::read_to_string(self.room.file(&format!("ran-{name}"))).unwrap_or_default().lines().count()
    }

    fn meddle(&self, done: &mut Vec<&'static str>) {
        for (name, _, _, meddle) in ENDINGS {
            if *meddle == Meddle::Nothing || done.contains(name) || self.ran(name) == 0 {
                continue;
            }
            done.push(name);
            let target = format!("proj:w-{name}");
            let arguments: &[&str] = match meddle {
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
        for (name, _, must, _) in ENDINGS {
            let ran = self.ran(name);
            if !begun.iter().any(|other| other == name) {
                self.tally.not_begun += 1;
                continue;
            }
            self.tally.runs += 1;
            let (mut wrong, mut hung) = (false, false);
            match told.get(*name) {
                None => hung = true,
                Some(None) => self.tally.asked += 1,
                Some(Some(state)) => {
                    self.tally.ended += 1;
                    let wanted = if *must == Must::Succeed { RunState::Succeeded } else { RunState::Failed };
                    wrong = *state != wanted || *must == Must::Ask || *state == RunState::Succeeded && ran == 0;
                }
            }
            let unexpected = matches!(told.get(*name), Some(None)) && *must != Must::Ask;
            if wrong || hung || ran > 1 || unexpected {
                let (number, moment, shell) = (self.number, self.moment, self.shell());
                println!("{number} {moment:?} {name} in {shell}: {:?}, ran {ran} times", told.get(*name));
                let about = |event: &EventLine| serde_json::to_string(event).unwrap_or_default();
                let place = format!("w-{name}");
                let events = self.events(before);
                events.iter().map(about).filter(|line| line.contains(&place)).for_each(|line| println!("    {line}"));
                let screen = self.room.server.try_tmux(&["capture-pane", "-p", "-t", &format!("proj:{place}")]);
                println!("{}", String::from_utf8_lossy(&screen.stdout).trim_end());
            }
            self.tally.wrong += u32::from(wrong);
            self.tally.hung += u32::from(hung);
            self.tally.twice += u32::from(ran > 1);
        }
    }

    /// Nothing of this round is left for the next.
    fn tidy(&self) {
        for (name, ..) in ENDINGS {
            drop(self.room.server.try_tmux(&["kill-window", "-t", &format!("proj:w-{name}")]));
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
