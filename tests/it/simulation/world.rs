//! The scheduler: what happens next.

mod judge;
mod person;

use super::supervisor::{Supervisor, place};
use super::tmux::{Pane, Printed, Ran, command};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use tmuxagent_model::{
    ApprovalId, ApprovalState, Command, Event, HostState, LineEvent, LineSource, Millis, Note, Outcome, PaneKey,
    RunState, ShellOutcome, Timestamp,
};
use tmuxagent_policy::{Policy, RuleSet, Source, load};
use tmuxagent_testkit::random::Random;
use tmuxagent_tmux::HostMessage;

/// What a person approved is not filled in anew for another attempt, so `deploy` has one only.
const POLICY: &str = r"
pipelines:
- name: chain
  match: {window_name: w}
  stages:
  - name: lint
    triggers: [{log_regex: '^begin$'}]
    actions_on_start: [{send_keys: 'do {{run}} lint {{attempt}}'}]
    success_when: [{log_regex: '^lint passed$'}]
    fail_when: [{log_regex: '^lint failed$'}]
    timeout: 5m
    on_fail: [{retry: {max: 2, backoff: 1s}}]
  - name: build
    triggers: [{after_stage_success: lint}]
    actions_on_start: [{run: 'do {{run}} build {{attempt}}'}]
    timeout: 5m
    on_fail: [{retry: {max: 2, backoff: 1s}}]
  - name: deploy
    triggers: [{after_stage_success: build}]
    require_approval: {expires: 30m, on_expiry: reject}
    actions_on_start: [{shell: {script: 'do {{run}} deploy {{attempt}}', timeout: 20s}}]
    timeout: 5m
  - name: tell
    triggers: [{after_stage_success: deploy}]
    actions_on_start: [{prompt: 'do {{run}} tell {{attempt}}'}]
    success_when: [{log_regex: '^tell passed$'}]
    fail_when: [{log_regex: '^tell failed$'}]
    timeout: 5m
    on_fail: [{retry: {max: 2, backoff: 1s}}]
";

/// All panes are alike to it.
fn rules() -> &'static RuleSet {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    RULES.get_or_init(|| {
        let pane = Pane::new(1, 1, 1).info;
        policy().rules_for(&pane.key.host, &pane.facts)
    })
}

const PANES: u32 = 5;
const HOUR: u64 = 3_600_000;

fn policy() -> &'static Arc<Policy> {
    &policies()[0]
}

/// The policy, and the same with other principles: a reload from one to the other fits the state anew.
fn policies() -> &'static [Arc<Policy>; 2] {
    static POLICIES: OnceLock<[Arc<Policy>; 2]> = OnceLock::new();
    POLICIES.get_or_init(|| {
        ["", "principles: [measure]\n"].map(|more| {
            let text = format!("{more}{POLICY}");
            let mut policy = load(&[Source::new("p.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
            policy.generation = 1;
            Arc::new(policy)
        })
    })
}

pub struct World {
    random: Random,
    folder: tempfile::TempDir,
    now: Timestamp,
    panes: Vec<Pane>,
    server: u64,
    lives: u32,
    supervisor: Supervisor,
    ran: BTreeSet<Ran>,
    /// Questions that were asked and not seen closed.
    pending: BTreeSet<ApprovalId>,
    /// Decisions that were acknowledged.
    decided: BTreeMap<ApprovalId, bool>,
    begun: BTreeSet<Ran>,
    /// Attempts that were given up before their keys could be typed, perhaps.
    late: BTreeSet<Ran>,
    /// Runs that ended with their pane.
    cancelled: BTreeSet<u64>,
    events: u64,
    crashes: u64,
    seq: u64,
    calm: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        // In memory where there is such a place: a world makes thousands of commits that wait for the disk.
        let memory = std::path::Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("tmuxagent-sim").tempdir_in(place).expect("a folder");
        let supervisor = Supervisor::open(&folder.path().join("state.db"), policy());
        let mut world = Self {
            random: Random::new(seed),
            folder,
            now: Timestamp(1_772_438_400_000),
            panes: Vec::new(),
            server: 1,
            lives: 0,
            supervisor,
            ran: BTreeSet::new(),
            pending: BTreeSet::new(),
            decided: BTreeMap::new(),
            begun: BTreeSet::new(),
            late: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            events: 0,
            crashes: 0,
            seq: 0,
            calm: false,
        };
        world.open_panes();
        world.supervisor.begin(world.now);
        world
    }

    /// Lives for so many events, comes to rest, and is judged; events, steps of the engine, crashes, commands.
    pub fn live(mut self, events: u64) -> [u64; 4] {
        let mut steps = 0;
        while self.events < events {
            self.events += 1;
            let before = self.journaled();
            self.happen();
            // A crash begins to count anew.
            let more = self.journaled().checked_sub(before).unwrap_or_else(|| self.journaled());
            steps += more;
            self.events += more;
        }
        self.come_to_rest();
        self.judge();
        self.replay();
        [self.events, steps, self.crashes, self.ran.len() as u64]
    }

    /// Steps of the engine in this life that changed or told something.
    fn journaled(&self) -> u64 {
        self.supervisor.core.live_view().counters.journaled
    }

    fn happen(&mut self) {
        self.begin_to_observe();
        let pane = self.random.index(self.panes.len());
        match self.random.below(100) {
            0..=34 => self.read(pane),
            35..=59 => {
                self.run_next(pane);
            }
            60..=71 => self.round(),
            72..=77 => self.reply(pane),
            78..=83 => self.supervisor.pump(&mut self.panes),
            84..=87 => self.shell_ends(),
            88..=90 => self.decide(),
            91..=93 => self.panes[pane].print(Printed::Line("begin".to_owned())),
            94 => self.panes[pane].print(Printed::Line("noise".to_owned())),
            95..=97 => self.now = self.now + Millis(self.random.below(1500)),
            98 => self.trouble(pane),
            _ => match self.random.below(30) {
                0 => self.now = self.now + Millis(self.random.below(HOUR)),
                1..=4 => self.crash(),
                _ => {}
            },
        }
    }

    /// Something around the supervisor breaks.
    fn trouble(&mut self, pane: usize) {
        match self.random.below(40) {
            // The control client of the pane is lost: its reply too, and it is read on later.
            0..=9 => self.disconnect(pane),
            10..=14 => self.panes.iter_mut().for_each(|pane| pane.connected = true),
            15..=24 => {
                let pane = &mut self.panes[pane];
                pane.in_mode = !pane.in_mode;
            }
            25..=34 => self.panes[pane].trim(),
            35 => {
                let key = self.panes[pane].info.key.clone();
                self.replace(pane);
                self.tell_gone(&key);
                self.see(pane);
            }
            36 if self.random.once_in(5) => {
                let old: Vec<PaneKey> = self.panes.iter().map(|pane| pane.info.key.clone()).collect();
                self.server += 1;
                self.open_panes();
                old.iter().for_each(|key| self.tell_gone(key));
                (0..self.panes.len()).for_each(|pane| self.see(pane));
            }
            37 => self.ask(Command::Freeze),
            38 if self.random.once_in(2) => self.reload(),
            // The collector's thread fails.
            38 if self.random.once_in(3) => self.supervisor.lose_collector(),
            38 => self.cancel(),
            _ => self.ask(Command::Unfreeze),
        }
    }

    fn open_panes(&mut self) {
        self.panes.clear();
        for number in 0..PANES {
            self.lives += 1;
            self.panes.push(Pane::new(self.server, number, 100 + self.lives));
        }
    }

    fn replace(&mut self, pane: usize) {
        self.lives += 1;
        let number = u32::try_from(pane).expect("a few");
        self.panes[pane] = Pane::new(self.server, number, 100 + self.lives);
    }

    fn tell_gone(&mut self, key: &PaneKey) {
        self.stop_sending(key);
        self.supervisor.tell_event(Event::PaneGone { pane: key.clone(), unwatched: false, by: None });
    }

    /// A send whose reply is lost is settled later.
    fn stop_sending(&mut self, key: &PaneKey) {
        let lanes = self.supervisor.collector.as_mut().map(|collector| &mut collector.lanes);
        if let Some(lane) = lanes.and_then(|lanes| lanes.get_mut(key))
            && let Some(send) = lane.under_way.take()
        {
            lane.waiting.push_front(send);
        }
    }

    fn see(&mut self, pane: usize) {
        if self.supervisor.collector.is_none() {
            return;
        }
        let pane = &mut self.panes[pane];
        (pane.read, pane.connected) = (pane.end(), true);
        let (info, key, read) = (Box::new(pane.info.clone()), pane.info.key.clone(), pane.read);
        self.supervisor.tell_event(Event::PaneSeen { info });
        self.supervisor.tell_position(&key, read);
    }

    fn disconnect(&mut self, pane: usize) {
        let pane = &mut self.panes[pane];
        (pane.connected, pane.reply) = (false, None);
        let key = pane.info.key.clone();
        self.stop_sending(&key);
    }

    /// Other principles, another setting of the host (which begins anew), or nothing new.
    fn reload(&mut self) {
        let policy = (*policies()[self.random.index(2)]).clone();
        let lines = if self.random.once_in(2) { 200 } else { 300 };
        self.supervisor.reload(self.now, policy, lines);
    }

    /// The collector reads what a pane printed, up to the reply that stands in the stream.
    fn read(&mut self, pane: usize) {
        let most = self.random.index(8) + 1;
        let limit = self.panes[pane].reply.as_ref().map_or(usize::MAX, |reply| reply.behind);
        self.read_to(pane, most, limit);
    }

    fn read_to(&mut self, at: usize, most: usize, limit: usize) {
        let pane = &mut self.panes[at];
        if !pane.connected {
            return;
        }
        let key = pane.info.key.clone();
        let generation = self.supervisor.core.engine().policy().generation;
        if pane.read < pane.base {
            pane.read = pane.base;
            self.supervisor.tell_event(Event::Gap { pane: key.clone() });
        }
        for _ in 0..most {
            if pane.read >= pane.end().min(limit) {
                break;
            }
            let printed = pane.printed[pane.read - pane.base].clone();
            pane.read += 1;
            let event = match printed {
                Printed::Ended(token, exit) => Event::CommandEnded { pane: key.clone(), token: Some(token), exit },
                Printed::Line(text) => {
                    let hits = rules().scan(&text);
                    if hits.is_empty() {
                        continue;
                    }
                    self.seq += 1;
                    let (seq, source) = (self.seq, LineSource::Stream);
                    let line = LineEvent {
                        unended: None,
                        pane: key.clone(),
                        seq,
                        text,
                        source,
                        hits,
                        policy: generation,
                        message: None,
                        front: None,
                    };
                    Event::Line(Box::new(line))
                }
            };
            self.supervisor.tell_event(event);
            self.supervisor.tell_position(&key, pane.read);
        }
    }

    /// The reply to a send comes, behind what was printed before the keys.
    fn reply(&mut self, at: usize) {
        let Some(reply) = self.panes[at].reply.take() else { return };
        self.read_to(at, usize::MAX, reply.behind);
        let (key, read) = (self.panes[at].info.key.clone(), self.panes[at].read);
        let lanes = self.supervisor.collector.as_mut().map(|collector| &mut collector.lanes);
        let Some(lane) = lanes.and_then(|lanes| lanes.get_mut(&key)) else { return };
        let Some(sent) = lane.under_way.take() else { return };
        assert_eq!(sent.intent.id, reply.intent, "a reply to something else");
        lane.held = true;
        let outcome = match reply.answer {
            Ok(()) => Outcome::Done,
            Err(reason) => Outcome::Skipped { reason },
        };
        self.supervisor.tell_position(&key, read);
        self.supervisor.tell_end(&sent.intent, outcome);
    }

    fn shell_ends(&mut self) {
        let Some((intent, script)) = self.supervisor.shells.pop_front() else { return };
        if let Some(what) = command(&script) {
            self.has_run(what);
        }
        let exit = Some(i32::from(self.random.once_in(8)));
        self.supervisor.tell_end(&intent, Outcome::Shell(ShellOutcome { exit, output: String::new() }));
    }

    /// A pane's shell runs the next line that it was given.
    fn run_next(&mut self, pane: usize) {
        if let Some(what) = self.panes[pane].run_next(&mut self.random) {
            self.has_run(what);
        }
    }

    /// A command was run, and never before.
    fn has_run(&mut self, what: Ran) {
        if !self.ran.insert(what.clone()) {
            panic!("{what:?} ran twice\n{}", self.tale(what.0));
        }
    }

    /// A round of the loop. It may die between any two of its steps.
    fn round(&mut self) {
        for _ in 0..self.random.below(12) {
            if !self.supervisor.take_next(self.now) {
                break;
            }
        }
        // A line and the position behind it are one commit.
        while self.supervisor.core.awaits_positions() && self.supervisor.take_next(self.now) {}
        self.supervisor.core.give_up_positions();
        self.supervisor.fire(self.now);
        if self.dies() {
            return;
        }
        let fails = !self.calm && self.random.once_in(50);
        self.supervisor.commit(self.now, fails);
        self.hear();
        while self.supervisor.act() {
            if self.dies() {
                return;
            }
        }
        for (approval, approve) in std::mem::take(&mut self.supervisor.taken) {
            let before = self.decided.insert(approval.clone(), approve);
            assert_eq!(before, None, "{approval} was decided twice");
        }
    }

    fn dies(&mut self) -> bool {
        let dies = !self.calm && self.random.once_in(700);
        if dies {
            self.crash();
        }
        dies
    }

    /// What was committed, as people are told it.
    fn hear(&mut self) {
        for note in std::mem::take(&mut self.supervisor.told) {
            match note {
                Note::ApprovalAsked { approval, .. } => drop(self.pending.insert(approval)),
                Note::StageStarted { run, stage, attempt } => {
                    assert!(
                        self.begun.insert((run.0, stage.clone(), attempt)),
                        "{stage} {attempt} of {run} began twice"
                    );
                }
                // Its time was over before its keys could be typed, or a person's time to say whether they were, or its pane is
                // gone.
                Note::StageFailed { run, stage, by, attempt, .. }
                    if ["timeout", "expiry", "pane"].iter().any(|why| by.starts_with(why)) =>
                {
                    self.late.insert((run.0, stage, attempt));
                }
                Note::RunEnded { run, state: RunState::Cancelled | RunState::Rejected | RunState::Expired, .. } => {
                    self.cancelled.insert(run.0);
                }
                _ => {}
            }
        }
    }

    /// `kill -9`, and the next start; the system's clock may have been set meanwhile.
    fn crash(&mut self) {
        self.crashes += 1;
        let database = self.folder.path().join("state.db");
        let shells: Vec<String> = self.supervisor.shells.drain(..).map(|(_, script)| script).collect();
        // A command that was begun goes on without us.
        for script in shells {
            if self.random.once_in(2)
                && let Some(what) = command(&script)
            {
                self.has_run(what);
            }
        }
        // What was committed is all that the next life has; only the lock must be free.
        self.supervisor.close();
        self.supervisor = Supervisor::open(&database, policy());
        // What a person saw decided may not have been committed: he looks at the questions anew.
        let questions = self.supervisor.core.engine().view().approvals.into_iter();
        let pending = questions.filter(|approval| approval.state == ApprovalState::Pending);
        self.pending = pending.map(|approval| approval.id).collect();
        let wall = match self.random.below(6) {
            0 => self.now + Millis(HOUR),
            1 => self.now - Millis(HOUR),
            _ => self.now,
        };
        self.now = wall.max(self.supervisor.last_at);
        self.supervisor.begin(self.now);
    }

    /// A collector begins: what is there is seen, and read on from where it is remembered. Panes that are gone are not told:
    /// the heart misses them by itself.
    fn begin_to_observe(&mut self) {
        let Some(start) = self.supervisor.starting.take() else { return };
        let (state, version, detail) = (HostState::Live, String::new(), String::new());
        self.supervisor.tell(HostMessage::Status { state, version, detail });
        for at in 0..self.panes.len() {
            let pane = &mut self.panes[at];
            pane.reply = None;
            match start.remembered.get(&pane.info.key) {
                Some(position) => {
                    (pane.read, pane.connected) = (place(position), true);
                    let info = Box::new(pane.info.clone());
                    self.supervisor.tell_event(Event::PaneSeen { info });
                }
                None => self.see(at),
            }
        }
    }
}
