//! A room with a supervisor, a scripted model and agents.

use super::Wish;
use super::agent::{Agent, Kind};
use super::model::Model;
use super::support::room::Room;
use super::support::{PATIENCE, wait_for};
use super::watch::Watch;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tmuxagent_testkit::random::Random;

/// What is sent to an agent by a policy, each by hand.
const POLICY: &str = "version: 1
pipelines:
  - name: say
    match: [{agent: AGENT}]
    stages: [{name: s, triggers: [manual], actions_on_start: [{prompt: '[[say swept by a prompt]]'}], success_when: [{log_regex: never}]}]
  - name: keys
    match: [{agent: AGENT}]
    stages: [{name: s, triggers: [manual], actions_on_start: [{send_keys: 'yes please swept'}], success_when: [{log_regex: never}]}]
  - name: run
    match: [{agent: AGENT}]
    stages: [{name: s, triggers: [manual], actions_on_start: [{run: 'touch swept-by-run'}]}]
";

/// See the module.
pub struct Stage {
    pub kind: Kind,
    pub room: Room,
    pub model: Model,
    pub watch: Watch,
    pub rounds: u32,
    /// The agents run the program's hooks.
    pub hooks: bool,
    /// Codex's screens share their server.
    pub daemon: bool,
    program: PathBuf,
    size: (u16, u16),
    numbers: Random,
    named: u32,
}

impl Stage {
    pub fn open(kind: Kind, program: &Path, wish: &Wish) -> Self {
        let mut room = Room::with(&POLICY.replace("AGENT", kind.name()));
        room.watch();
        let watch = Watch::start(room.state.join("supervisor.sock"));
        let (program, numbers) = (program.to_owned(), Random::new(wish.seed));
        let (rounds, size, hooks) = (wish.rounds, wish.size, wish.hooks && kind == Kind::Claude);
        let daemon = wish.daemon && kind == Kind::Codex;
        Self { kind, room, model: Model::start(), watch, rounds, hooks, daemon, program, size, numbers, named: 0 }
    }

    /// Starts the next supervisor behind one that was killed.
    pub fn watch_again(&mut self) {
        let quiet = std::process::Stdio::null;
        let child = self.room.command(&["--headless"]).stdout(quiet()).stderr(quiet()).spawn();
        self.room.supervisor = Some(child.expect("it starts"));
        wait_for(PATIENCE * 4, "a supervisor that watches", || {
            let status = self.room.answer(&["status", "--json"]);
            (status.contains("\"live\"") || status.contains("\"polling\"")).then_some(())
        });
    }

    /// An agent that works in the folder of that name, known to the supervisor.
    pub fn agent(&mut self, folder: &str) -> Agent {
        let folder = std::fs::canonicalize(self.room.server.folder()).expect("a folder").join(folder);
        if self.hooks {
            let home = folder.with_extension("home");
            std::fs::create_dir_all(&home).expect("a folder");
            let mut install = self.room.command(&["hooks", "install", "--agent", "claude", "--yes"]);
            assert!(install.env("HOME", &home).output().expect("it runs").status.success());
        }
        let (program, server, port) = (&self.program, &self.room.server, self.model.port);
        let agent = Agent::start(self.kind, program, server, &folder, (port, self.daemon), self.size);
        wait_for(PATIENCE, "an idle agent", || {
            matches!(self.watch.state(&agent.pane).as_deref(), Some("idle" | "done")).then_some(())
        });
        agent
    }

    /// How many answers went to agents without a key so far, and how many by one.
    pub fn answers(&self) -> (usize, usize) {
        let told = self.room.answer(&["events", "--limit", "10000"]);
        let count = |words: &str| told.lines().filter(|line| line.contains(words)).count();
        (count("given to the agent without a key"), count("typed <"))
    }

    /// A name that nothing had before.
    pub fn name(&mut self) -> String {
        self.named += 1;
        format!("n{:03}", self.named)
    }

    /// A time below that, other each time.
    pub fn within(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.numbers.below(u64::try_from(most.as_millis()).unwrap_or(u64::MAX)))
    }

    pub fn chance(&mut self, of: u64) -> bool {
        self.numbers.below(of) == 0
    }

    /// A person pastes a prompt and enters it; gives when.
    pub fn prompt(&self, agent: &Agent, text: &str) -> Instant {
        let server = &self.room.server;
        server.tmux(&["set-buffer", "-b", "prompt", "--", text]);
        server.tmux(&["paste-buffer", "-p", "-b", "prompt", "-t", &agent.pane]);
        let end = text.chars().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect::<String>();
        agent.wait("the prompt in its input line", Instant::now(), |screen| screen.contains(&end));
        let at = Instant::now();
        server.tmux(&["send-keys", "-t", &agent.pane, "Enter"]);
        wait_for(PATIENCE, "the prompt at the model", || (self.model.turns_of(text) > 0).then_some(()));
        at
    }

    /// Presses a key in an agent's pane, as a person there does.
    pub fn press(&self, agent: &Agent, key: &str) {
        self.room.server.tmux(&["send-keys", "-t", &agent.pane, key]);
    }

    /// The open question of an agent about that command.
    pub fn question(&self, agent: &Agent, about: &str) -> Option<String> {
        let asked: Value = serde_json::from_slice(&self.room.ask(&["approvals", "--json"]).stdout).ok()?;
        let part = format!("/{}/", agent.pane);
        let is_it = |asked: &&Value| {
            let of_it = asked["pane"].as_str().is_some_and(|pane| pane.contains(&part));
            of_it && asked["question"].as_str().is_some_and(|question| question.contains(about))
        };
        asked.as_array()?.iter().find(is_it)?["id"].as_str().map(str::to_owned)
    }

    pub fn wait_question(&self, agent: &Agent, about: &str) -> String {
        wait_for(PATIENCE, &format!("a question about {about}"), || self.question(agent, about))
    }

    /// Waits until the agent is at rest, on its screen and for the supervisor; who asks is told no.
    pub fn settle(&self, agent: &Agent) {
        let mut again = Instant::now() + Duration::from_secs(6);
        wait_for(PATIENCE, "an agent at rest", || {
            if Instant::now() > again && agent.screen().contains(agent.kind.asks()) {
                again = Instant::now() + Duration::from_secs(6);
                self.press(agent, "Escape");
            }
            let rests =
                matches!(self.watch.state(&agent.pane).as_deref(), Some("idle" | "done" | "error" | "rate_limited"));
            let screen = agent.screen();
            (rests && !screen.contains(agent.kind.asks()) && !screen.contains(super::agent::WORKS)).then_some(())
        });
        agent.forget();
    }
}
