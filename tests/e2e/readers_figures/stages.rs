//! What the whole program types: a stage that somebody starts by hand, and attempts after the first, while the reader changes.

use super::lane::desk;
use super::matrix::{READERS, Reader, Shell, Start};
use super::prepare::prepare;
use super::seat::Seat;
use super::tally::{End, Expected, Rows, Seen, Tally};
use crate::readers::exists;
use crate::support::room::Room;
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tmuxagent_model::{EventLine, Note, RunState};
use tmuxagent_testkit::random::Random;

/// Each stage notes every time that it runs; the second attempt of those that are tried again is the last.
const POLICY: &str = r#"
pipelines:
- name: hand
  match: {window_name: ci}
  stages:
  - {name: s, triggers: [manual], actions_on_start: [{run: 'echo x >> ran-hand'}], hold: 2s, timeout: 10m}
- name: retry
  match: {window_name: ci}
  stages:
  - {name: s, triggers: [manual], actions_on_start: [{run: 'echo x >> ran-retry; [ -s first ] || { cp ran-retry first; false; }'}],
     on_fail: [{retry: {max: 1, backoff: 1s}}], hold: 2s, timeout: 10m}
- name: keys
  match: {window_name: ci}
  stages:
  - {name: s, triggers: [manual], actions_on_start: [{send_keys: "echo x >> ran-keys; echo 'again'' please'"}],
     success_when: [{log_regex: '^all good'}], fail_when: [{log_regex: '^again please'}],
     on_fail: [{retry: {max: 1, backoff: 1s}}], hold: 2s, timeout: 10m}
"#;

/// The kinds: the pipeline, and how often it has typed when all is through.
const KINDS: [(&str, &str, usize); 3] =
    [("stage by hand", "hand", 1), ("retry", "retry", 2), ("retry of keys", "keys", 2)];

/// See the module.
pub struct StageLane {
    shell: &'static Shell,
    room: Room,
    desk: Option<TmuxServer>,
    numbers: Random,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Ended(RunState),
    Asked,
}

impl StageLane {
    /// Whether the stages are in the language of a shell.
    pub fn takes(shell: &Shell) -> bool {
        matches!(shell.name, "bash" | "zsh" | "bash+")
    }

    pub fn open(shell: &'static Shell, by_script: bool, seed: u64) -> Self {
        let mut room = Room::with(POLICY);
        drop(prepare(room.server.folder(), false));
        let line = format!("cd '{}'; {}", room.server.folder().display(), shell.line);
        room.server.tmux(&["respawn-pane", "-k", "-t", "proj:ci", &line]);
        room.server.tmux(&["set-option", "-g", "prefix", "None", ";", "set-option", "-g", "status", "off"]);
        let desk = (!by_script).then(|| desk(&room.server, "proj"));
        room.watch();
        Self { shell, room, desk, numbers: Random::new(seed) }
    }

    fn seat(&self) -> Seat<'_> {
        Seat { shell: self.shell, server: &self.room.server, target: "proj:ci", desk: self.desk.as_ref() }
    }

    pub fn all(mut self, sends: u32, begun: &AtomicU32) -> Rows {
        let fits = |reader: &&Reader| {
            let here = reader.needs.is_empty() || exists(reader.needs) && reader.needs != "ssh";
            // In the command mode of an editor a stage's line is not run, which is asked about.
            reader.shells.contains(&self.shell.like) && here && !matches!(reader.name, "tmux" | "vi command")
        };
        let readers: Vec<&'static Reader> = READERS.iter().filter(fits).collect();
        let mut rows = Rows::default();
        loop {
            let send = begun.fetch_add(1, Ordering::Relaxed);
            if send >= sends {
                return rows;
            }
            let (kind, pipeline, typed) = KINDS[usize::try_from(send).unwrap_or(0) % KINDS.len()];
            let reader = readers[self.numbers.index(readers.len())];
            let round = self.round((kind, pipeline, typed), reader);
            let (tally, what) =
                round.map_or((Tally::unset(), "not set up".to_owned()), |(seen, what)| (seen.tally(), what));
            self.seat().tidy(send, reader);
            rows.add((kind, self.seat().hand(), self.shell.name, what), tally);
        }
    }

    /// One round; `None` where its first attempt ended otherwise, so that none came behind it.
    fn round(
        &mut self,
        (kind, pipeline, times): (&str, &str, usize),
        reader: &'static Reader,
    ) -> Option<(Seen, String)> {
        let expected = match self.numbers.below(10) {
            0 => Expected::Typed,
            1 if pipeline == "hand" && reader.name != "sleep" => Expected::Asked,
            _ => Expected::Either,
        };
        for file in ["first", &format!("ran-{pipeline}")] {
            let _ = std::fs::remove_file(self.room.file(file));
        }
        self.wait_reader(|reads| reads == "shell");
        let first = Duration::from_millis(self.numbers.below(600));
        let before = self.events(0).last().map_or(0, |event| event.seq);
        if expected == Expected::Asked {
            self.seat().start(reader.start);
            self.wait_reader(|reads| reads != "shell");
        }
        let change = (expected == Expected::Either).then_some((first, reader.start));
        if pipeline == "hand" {
            self.at(Instant::now() + Duration::from_millis(300), change, || self.begin(pipeline));
        } else {
            self.begin(pipeline);
            let again = wait_for(PATIENCE, "the pause before an attempt", || {
                let again = self.events(before).into_iter().find_map(|event| match event.note {
                    Note::StageRetrying { after, .. } => Some(event.at.0 + i64::try_from(after.0).unwrap_or(0)),
                    _ => None,
                });
                again.map(Some).or_else(|| self.told(before, pipeline).map(|_| None))
            });
            let Some(again) = again else {
                println!("{kind} in {}: the first attempt came to another end", self.shell.name);
                self.close(before, pipeline);
                return None;
            };
            let left = Duration::from_millis(u64::try_from(again - tmuxagent_clock::wall().0).unwrap_or(0));
            self.at(Instant::now() + left, change, || {});
        }
        let at_once = self.told_within(super::AT_ONCE, before, pipeline);
        let hidden = self.room.server.tmux(&["display", "-p", "-t", "proj:ci", "#{alternate_on}"]) == "1";
        let shown = hidden && self.seat().shows("x >> ran-");
        if expected == Expected::Either {
            self.seat().end(reader);
        }
        let told = at_once.unwrap_or_else(|| self.told_in_the_end(before, pipeline, reader, expected));
        let ran = self.seat().read(&format!("ran-{pipeline}")).lines().count();
        let got = self.seat().read("got").contains("ran-");
        let fault = match told {
            _ if got || shown => Some("another reader got it"),
            _ if ran > times => Some("typed too often"),
            Told::Ended(_) if ran < times => Some("told as run, and not run"),
            Told::Asked if ran >= times => Some("told as not run, and run"),
            _ => None,
        };
        let end = match told {
            Told::Ended(_) if at_once.is_some() => End::Typed,
            Told::Ended(_) => End::Held,
            Told::Asked => End::Asked,
        };
        let seen = Seen { end, expected, close: false, wrong: fault.is_some() };
        if let Some(fault) = fault.or(seen.is_missed().then_some("otherwise than expected")) {
            println!(
                "{fault}: {kind} `{}` in {}, {expected:?} at {first:?}, send at 300ms: {told:?}, ran {ran} times\n{}",
                reader.name,
                self.shell.name,
                self.room.server.screen("proj:ci")
            );
            for event in self.events(before) {
                println!("    {}", serde_json::to_string(&event).unwrap_or_default());
            }
        }
        if expected == Expected::Asked {
            self.seat().end(reader);
        }
        self.close(before, pipeline);
        let what = match expected {
            Expected::Typed => "still".to_owned(),
            Expected::Asked => format!("at {}", reader.name),
            Expected::Either => format!("→ {}", reader.name),
        };
        Some((seen, what))
    }

    /// Does something at an instant, and lets a reader begin up to 300 ms before or after it.
    fn at(&self, instant: Instant, change: Option<(Duration, Start)>, does: impl FnOnce()) {
        let sleep_until = |at: Instant| std::thread::sleep(at.saturating_duration_since(Instant::now()));
        std::thread::scope(|scope| {
            if let Some((first, start)) = change {
                scope.spawn(move || {
                    sleep_until((instant + first).checked_sub(Duration::from_millis(300)).unwrap_or(instant));
                    self.seat().start(start);
                });
            }
            sleep_until(instant);
            does();
        });
    }

    fn begin(&self, pipeline: &str) {
        let started = self.room.ask(&["start", "ci", pipeline]);
        assert!(started.status.success(), "{started:?}");
    }

    fn wait_reader(&self, is: impl Fn(&str) -> bool) {
        wait_for(PATIENCE, "another reader", || {
            let panes: serde_json::Value = serde_json::from_str(&self.room.answer(&["panes", "--json"])).ok()?;
            is(panes[0]["reader"]["reads"].as_str()?).then_some(())
        });
    }

    fn events(&self, after: u64) -> Vec<EventLine> {
        let output = self.room.ask(&["events", "--json", "-n", "1000", "--after", &after.to_string()]);
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn told(&self, before: u64, wanted: &str) -> Option<Told> {
        let events = self.events(before);
        events.into_iter().find_map(|event| match event.note {
            Note::RunEnded { pipeline, state, .. } if pipeline == wanted => Some(Told::Ended(state)),
            // What an agent asks is none of it.
            Note::ApprovalAsked { question, .. } if !question.starts_with("codex wants") => Some(Told::Asked),
            _ => None,
        })
    }

    fn told_within(&self, time: Duration, before: u64, pipeline: &str) -> Option<Told> {
        let until = Instant::now() + time;
        loop {
            let told = self.told(before, pipeline);
            if told.is_some() || Instant::now() >= until {
                return told;
            }
        }
    }

    fn told_in_the_end(&self, before: u64, pipeline: &str, reader: &Reader, expected: Expected) -> Told {
        let (mut again, mut tries) = (Instant::now() + Duration::from_secs(3), 1);
        wait_for(Duration::from_secs(120), "the end of a stage", || {
            if Instant::now() >= again && expected == Expected::Either {
                again = Instant::now() + Duration::from_secs(3);
                self.seat().end_again(reader, tries);
                tries += 1;
            }
            self.told(before, pipeline)
        })
    }

    /// What is open is given up.
    fn close(&self, before: u64, pipeline: &str) {
        for approval in self.room.approvals() {
            if approval["state"] == "pending"
                && let Some(id) = approval["id"].as_str()
            {
                self.room.answer(&["reject", id]);
            }
        }
        let ended = || {
            let notes = self.events(before).into_iter().map(|event| event.note);
            notes
                .into_iter()
                .any(|note| matches!(note, Note::RunEnded { pipeline: of, .. } if of == pipeline))
                .then_some(())
        };
        wait_for(PATIENCE, "the end of a run", ended);
    }
}
