//! The supervisor is killed at every distinct step of its work, one after another, with the real program on a real tmux
//! server; each next life goes on where the last one died, and is killed one step later.

use super::product::Room;
use super::support::{PATIENCE, wait_for};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tmuxagent_model::{Approval, ApprovalKind, RunId, RunState, RunView};

/// Every kind of effect once: keys, a tracked command, a person's decision, a command beside the pane, a prompt, for which a
/// program that reads a line stands in for an agent.
const POLICY: &str = r#"
version: 1
pipelines:
  - name: chain
    match: [{window_name: ci}]
    stages:
      - name: lint
        triggers: [{log_regex: "^(\\$ )?please begin$"}]
        actions_on_start: [{send_keys: "echo {{run}} lint {{attempt}} >> ran; echo 'lint'' passed'"}]
        success_when: [{log_regex: "^(\\$ )?lint passed$"}]
        timeout: 5m
      - name: build
        triggers: [{after_stage_success: lint}]
        actions_on_start: [{run: "echo {{run}} build {{attempt}} >> ran"}]
        timeout: 5m
      - name: deploy
        require_approval: true
        triggers: [{after_stage_success: build}]
        actions_on_start: [{shell: {script: "echo {{run}} deploy {{attempt}} >> ran", timeout: 20s}}]
        timeout: 5m
      - name: tell
        triggers: [{after_stage_success: deploy}]
        actions_on_start: [{send_keys: 'sh -c ''printf "> "; IFS= read -r line; eval "$line"'''}, {prompt: {text: "echo {{run}} tell {{attempt}} >> ran; echo 'tell'' passed'", expect: '*'}}]
        success_when: [{log_regex: "^(\\$ )?tell passed$"}]
        timeout: 5m
"#;

/// More steps of one kind than a life has.
const MOST: u32 = 60;

/// How a life ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// At the step that was chosen.
    Died,
    /// A whole run was done without coming to that step.
    Outlived,
}

struct Chain {
    room: Room,
    seen: BTreeMap<String, Instant>,
    lives: u32,
}

impl Chain {
    fn new() -> Self {
        Self { room: Room::with(POLICY), seen: BTreeMap::new(), lives: 0 }
    }

    /// Kills at every step of these places.
    fn kill_everywhere(self, places: &[&str]) {
        self.kill_at_steps(places, 1, 1);
    }

    /// Kills at one step of three, from that one on: what lies between the places of one commit is seen by nobody else.
    /// `TMUXAGENT_EVERY_KILL` has it killed at every step of each.
    fn kill_at_every_third(self, places: &[&str], first: u32) {
        if std::env::var_os("TMUXAGENT_EVERY_KILL").is_some() {
            self.kill_everywhere(places);
        } else {
            self.kill_at_steps(places, first, 3);
        }
    }

    fn kill_at_steps(mut self, places: &[&str], first: u32, stride: usize) {
        for place in places {
            let mut killed = 0;
            for number in (first..=MOST).step_by(stride) {
                if self.life(place, number) == End::Outlived {
                    break;
                }
                killed += 1;
                self.nothing_twice(place, number);
            }
            assert!(killed > 0, "no life comes past {place}");
            println!("{place}: killed at {killed} steps");
        }
        assert_eq!(self.life("none", 1), End::Outlived);
        let ran = self.ran();
        let runs: Vec<&str> = ran.iter().filter_map(|line| line.strip_suffix(" lint 1")).collect();
        for run in &runs {
            for stage in ["lint", "build", "deploy", "tell"] {
                let line = format!("{run} {stage} 1");
                assert_eq!(ran.iter().filter(|other| **other == line).count(), 1, "{line} in {ran:#?}");
            }
        }
        assert_eq!(ran.len(), runs.len() * 4, "{ran:#?}");
    }

    fn ran(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.room.server.folder().join("ran")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn nothing_twice(&self, place: &str, number: u32) {
        let mut ran = self.ran();
        ran.sort();
        let twice = ran.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None, "killed at {place}, step {number}");
    }

    /// One life: what the last one left is brought to its end, then a whole run is begun and answered.
    fn life(&mut self, place: &str, number: u32) -> End {
        self.lives += 1;
        let mut command = self.room.command(&["--headless"]);
        command.env("TMUXAGENT_DIE_AT", format!("{place}:{number}")).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let mut begun: Option<RunId> = None;
        let mut typed = false;
        let end = Instant::now() + PATIENCE * 2;
        loop {
            if let Some(status) = child.try_wait().expect("a child") {
                // Ended in order, it did not come past the place.
                return if status.signal() == Some(9) { End::Died } else { End::Outlived };
            }
            let runs: Option<Vec<RunView>> = self.ask(&["panes", "--runs", "--json"]);
            let to_stop = typed && place.starts_with("stop.");
            if !to_stop {
                self.answer();
            }
            let run = runs.as_ref().and_then(|runs| runs.first());
            match run.map(|run| (run.run, run.state)) {
                Some((_, Some(RunState::Open))) if to_stop => signal(&child, rustix::process::Signal::TERM),
                Some((_, Some(RunState::Open))) => {}
                // A pane whose observation never began is read from then on.
                Some(_) if !typed && !self.room.answer(&["status", "--json"]).contains("\"live\"") => {}
                Some((last, _)) if !typed => {
                    (begun, typed) = (last, true);
                    self.room.begin();
                }
                Some((last, _)) if last != begun => {
                    self.room.supervisor = Some(child);
                    self.room.kill_9();
                    return End::Outlived;
                }
                _ => {}
            }
            if Instant::now() > end {
                self.room.supervisor = Some(child);
                let (events, screen) = (self.room.answer(&["events"]), self.room.server.screen("proj:ci"));
                panic!("{place}:{number} goes on and on; {runs:#?}\n{events}\n{screen}");
            }
            // A pause between two looks; the loop waits for its conditions, with the deadline above.
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn ask<T: serde::de::DeserializeOwned>(&self, arguments: &[&str]) -> Option<T> {
        let output = self.room.ask(arguments);
        serde_json::from_slice(&output.stdout).ok()
    }

    /// A person who says yes, and who looks before saying whether something was done.
    fn answer(&mut self) {
        for approval in self.ask::<Vec<Approval>>(&["approvals", "--json"]).unwrap_or_default() {
            let seen = *self.seen.entry(approval.id.0.clone()).or_insert_with(Instant::now);
            let mut arguments = vec!["approve", approval.id.as_str()];
            if matches!(approval.kind, ApprovalKind::Settle { .. }) {
                if seen.elapsed() < Duration::from_secs(1) {
                    continue;
                }
                let line = format!("{} {} 1", approval.run.map_or(0, |run| run.0), approval.stage.unwrap_or_default());
                arguments.extend(["--answer", if self.ran().contains(&line) { "done" } else { "again" }]);
            }
            self.room.ask(&arguments);
        }
    }
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    // It may have ended meanwhile.
    let _ = rustix::process::kill_process(pid, signal);
}

#[test]
fn killed_at_every_step_of_start_command_and_end() {
    Chain::new().kill_everywhere(&[
        "start.opened",
        "start.listening",
        "start.recovered",
        "shell.begun",
        "shell.ended",
        "stop.collected",
        "stop.stored",
    ]);
}

#[test]
fn killed_at_every_step_before_a_commit_begins() {
    Chain::new().kill_at_every_third(&["commit.begun"], 1);
}

#[test]
fn killed_at_every_step_of_a_commit_before_it_is_done() {
    Chain::new().kill_at_every_third(&["commit.written"], 2);
}

#[test]
fn killed_at_every_step_of_a_commit_once_it_is_done() {
    Chain::new().kill_at_every_third(&["commit.done"], 3);
}

#[test]
fn killed_at_every_step_of_a_round_before_its_commit() {
    Chain::new().kill_everywhere(&["round.stepped"]);
}

#[test]
fn killed_at_every_step_of_a_round_after_its_commit() {
    Chain::new().kill_everywhere(&["round.committed"]);
}

#[test]
fn killed_at_every_step_of_what_a_round_does() {
    Chain::new().kill_everywhere(&["round.released", "round.performed", "round.answered"]);
}

#[test]
fn killed_at_every_step_of_a_send_up_to_tmux() {
    Chain::new().kill_everywhere(&["send.ready", "send.handed"]);
}

#[test]
fn killed_at_every_step_of_a_send_from_its_reply_on() {
    Chain::new().kill_everywhere(&["send.replied", "send.told"]);
}

/// One prompt, looked after for a while once it is typed.
const PROMPT: &str = r#"
version: 1
pipelines:
  - name: tell
    match: [{window_name: ci}]
    stages:
      - name: tell
        triggers: [{log_regex: "^(\\$ )?please begin$"}]
        actions_on_start: [{send_keys: 'sh -c ''printf "> "; IFS= read -r line; eval "$line"'''}, {prompt: {text: "echo {{run}} >> ran; echo 'tell'' passed'", expect: '*'}}]
        success_when: [{log_regex: "^(\\$ )?tell passed$"}]
        timeout: 5m
"#;

#[test]
fn ended_in_order_at_any_instant_of_a_prompt_it_misses_no_line() {
    let mut room = Room::with(PROMPT);
    for run in 1..=8 {
        room.watch();
        room.begin();
        // No condition is waited for: time passes on purpose, so that each run is ended at a later instant of its prompt,
        // whose typing and taking need about that long.
        std::thread::sleep(Duration::from_millis(15 + 25 * run));
        let mut child = room.supervisor.take().expect("it runs");
        signal(&child, rustix::process::Signal::TERM);
        assert_eq!(child.wait().expect("it ended").code(), Some(0));
        room.watch();
        wait_for(PATIENCE, &format!("the end of run {run}"), || {
            let runs: Vec<RunView> = serde_json::from_slice(&room.ask(&["panes", "--runs", "--json"]).stdout).ok()?;
            let last = runs.first()?;
            (last.run == Some(RunId(run)) && last.state == Some(RunState::Succeeded)).then_some(())
        });
        room.kill_9();
    }
    assert_eq!(room.ran(), "1 2 3 4 5 6 7 8 ");
}

#[test]
fn every_place_is_killed_at() {
    let own = [include_str!("kills.rs"), include_str!("decisions.rs")].concat();
    let missing: Vec<_> = tmuxagent_failpoints::PLACES.iter().filter(|place| !own.contains(**place)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
