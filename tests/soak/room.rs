//! The tmux server, the supervisor, the person who answers, and what happened.

use crate::support::{TmuxServer, wait_for};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tmuxagent_model::{Approval, ApprovalId, ApprovalKind, RunId, RunState, RunView};
use tmuxagent_testkit::random::Random;

/// How many panes, in how many sessions.
const PANES: usize = 20;
const SESSIONS: usize = 2;
/// A pane whose last line must have triggered something may take so long, with a living supervisor.
const PATIENCE: Duration = Duration::from_secs(40);

/// Every stage appends `RUN STAGE ATTEMPT`, so that doing something twice, or not at all, shows. `test` fails at first
/// and is tried again; `deploy` waits for a person; `tell` starts the next run by what it prints. What is typed ahead
/// stands without its prompt, and the prompt then before what is printed next.
pub const POLICY: &str = r#"
version: 1
pipelines:
  - name: soak
    match: [{window_name: "w*"}]
    stages:
      - name: lint
        triggers: [{log_regex: "^(\\$ )?begin$"}]
        actions_on_start: [{send_keys: "echo {{run}} lint {{attempt}} >> ran; echo 'lint'' passed'"}]
        success_when: [{log_regex: "^(\\$ )?lint passed$"}]
        timeout: 10m
      - name: test
        triggers: [{after_stage_success: lint}]
        actions_on_start: [{run: "echo {{run}} test {{attempt}} >> ran; test {{attempt}} -gt 1"}]
        timeout: 10m
        on_fail: [{retry: {max: 2, backoff: 300ms}}]
      - name: deploy
        require_approval: true
        triggers: [{after_stage_success: test}]
        actions_on_start: [{send_keys: "echo {{run}} deploy {{attempt}} >> ran"}, {run: "true"}]
        timeout: 10m
      - name: tell
        triggers: [{after_stage_success: deploy}]
        actions_on_start: [{send_keys: 'sh -c ''printf "> "; IFS= read -r line; eval "$line"'''}, {prompt: {text: "echo {{run}} tell {{attempt}} >> ran; echo 'tell'' passed'; test -e stop || echo be''gin", expect: '*'}}]
        success_when: [{log_regex: "^(\\$ )?tell passed$"}]
        timeout: 10m
"#;

/// How much happened.
#[derive(Debug, Default)]
pub struct Count {
    pub kills: u64,
    pub ends: u64,
    pub faults: u64,
    pub decisions: u64,
    pub settled: u64,
    pub gaps: u64,
    /// tmux servers that were killed as a fault.
    pub servers: u64,
    /// tmux servers that ended by themselves: old ones have defects of their own.
    pub died: u64,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kills, ends, faults, decisions, settled, gaps, servers, died } = self;
        write!(
            f,
            "{kills} kills, {ends} ends by signal, {faults} faults, {decisions} decisions, \
             {settled} sends settled by hand, {gaps} gaps, {servers} tmux servers killed, {died} died by themselves"
        )
    }
}

/// One pane.
#[derive(Debug)]
pub struct Pane {
    /// Its id for tmux, which renaming does not change.
    pub target: String,
    /// Since when it has no open run although nothing explains that.
    idle: Option<Instant>,
    /// The run whose end was answered by a new beginning.
    begun_after: Option<RunId>,
    /// How often a beginning was said again.
    again: u32,
}

/// See the module.
pub struct Room {
    pub server: TmuxServer,
    pub panes: Vec<Pane>,
    pub count: Count,
    /// Decisions that were acknowledged.
    pub decided: BTreeMap<ApprovalId, bool>,
    seen: BTreeMap<ApprovalId, Instant>,
    /// The tmux server's process.
    tmux: i32,
    supervisor: Option<Child>,
    started: Instant,
    fine: bool,
}

impl Room {
    pub fn new(seed: u64) -> Self {
        let server = TmuxServer::prepare();
        std::fs::write(server.folder().join("policy.yaml"), POLICY).expect("a policy");
        let mut room = Self {
            server,
            panes: Vec::new(),
            count: Count::default(),
            decided: BTreeMap::new(),
            tmux: 0,
            seen: BTreeMap::new(),
            supervisor: None,
            started: Instant::now(),
            fine: false,
        };
        std::fs::write(room.server.folder().join("seed"), seed.to_string()).expect("a note");
        room.open_panes();
        room
    }

    /// Starts a tmux server with all panes.
    fn open_panes(&mut self) {
        self.panes.clear();
        for number in 0..PANES {
            let session = format!("s{}", number % SESSIONS);
            let name = format!("w{number}");
            let target = if number < SESSIONS {
                let target = self.server.new_session(&session, &self.shell());
                self.server.tmux(&["rename-window", "-t", &target, &name]);
                target
            } else {
                let at = format!("={session}:");
                self.server.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}", "-t", &at, "-n", &name, &self.shell()])
            };
            self.panes.push(Pane { target, idle: None, begun_after: None, again: 0 });
        }
        self.tmux = self.server.pid();
    }

    /// Ends the tmux server at once, with everything in it; the next look finds another in its place.
    pub fn kill_server(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.tmux) {
            // It may have died by itself a moment ago.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        wait_for(PATIENCE, "the server's end", || (!self.server_lives()).then_some(()));
        self.count.servers += 1;
        self.open_panes();
    }

    /// A server that is gone is replaced. One that died without having been killed by us is counted as such: it is one
    /// more fault that the supervisor must live through.
    pub fn look_after_server(&mut self) {
        if self.server.is_running() {
            return;
        }
        if self.server_lives() {
            self.fail("the tmux server does not answer");
        }
        self.count.died += 1;
        println!("soak: the tmux server died by itself");
        self.open_panes();
    }

    /// Whether the server's process is there, and no zombie.
    fn server_lives(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.tmux)).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    fn shell(&self) -> String {
        format!("cd '{}'; exec env PS1='$ ' sh", self.server.folder().display())
    }

    pub fn state(&self) -> PathBuf {
        self.server.folder().join("state")
    }

    pub fn database(&self) -> PathBuf {
        self.state().join("state.db")
    }

    pub fn ran(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.server.folder().join("ran")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let text = |path: &Path| path.display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tmuxagent"));
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", text(self.server.folder())).env("LANG", "C.UTF-8").env("USER", "ann");
        command.env("TMUXAGENT_STATE_DIR", text(&self.state()));
        command.env("TMUXAGENT_SOCKET", text(&self.server.socket()));
        command.env("TMUXAGENT_POLICY", text(&self.server.folder().join("policy.yaml")));
        command.stdin(Stdio::null());
        command
    }

    /// Starts a supervisor; it is at work a moment later.
    pub fn start(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.server.folder().join("supervisor.log"))
            .expect("a log");
        self.supervisor = Some(self.command(&["--headless"]).stderr(log).spawn().expect("it starts"));
        self.started = Instant::now();
        self.panes.iter_mut().for_each(|pane| pane.idle = None);
    }

    pub fn supervisor_pid(&self) -> u32 {
        self.supervisor.as_ref().map_or(0, Child::id)
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.supervisor.take() {
            if let Ok(Some(status)) = child.try_wait() {
                self.fail(&format!("the supervisor ended by itself: {status}"));
            }
            child.kill().expect("it lived");
            child.wait().expect("it ended");
            self.count.kills += 1;
        }
    }

    /// SIGTERM, again and again.
    pub fn terminate(&mut self) {
        let Some(mut child) = self.supervisor.take() else { return };
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
        let end = Instant::now() + Duration::from_secs(20);
        while child.try_wait().expect("a child").is_none() {
            for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
                let _ = rustix::process::kill_process(pid, signal);
            }
            if Instant::now() > end {
                self.fail("SIGTERM does not end the supervisor");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.count.ends += 1;
    }

    pub fn shut_down(&mut self) {
        self.ask(&["shutdown"]);
        if let Some(mut child) = self.supervisor.take() {
            child.wait().expect("it ended");
        }
    }

    /// Asks the supervisor; its exit code and what it says.
    fn ask(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn ask_json<T: serde::de::DeserializeOwned>(&self, arguments: &[&str]) -> Option<T> {
        let (code, text) = self.ask(arguments);
        (code == Some(0)).then(|| serde_json::from_str(&text).ok()).flatten()
    }

    pub fn wait_live(&self) {
        wait_for(PATIENCE, "a live supervisor", || {
            self.ask(&["status", "--json"]).1.contains("\"live\"").then_some(())
        });
    }

    /// One person's look at the screen: questions are answered, runs that ended are followed by new ones.
    pub fn look_after(&mut self, random: &mut Random) {
        self.look_after_server();
        if let Some(approvals) = self.ask_json::<Vec<Approval>>(&["approvals", "--json"]) {
            for approval in approvals {
                self.answer(&approval, random);
            }
        }
        if let Some(runs) = self.ask_json::<Vec<RunView>>(&["panes", "--runs", "--json"]) {
            self.begin_again(&runs);
        }
    }

    fn answer(&mut self, approval: &Approval, random: &mut Random) {
        let seen = *self.seen.entry(approval.id.clone()).or_insert_with(Instant::now);
        let done = self.has_run(approval);
        let (approve, answer) = match &approval.kind {
            ApprovalKind::Gate => (random.below(10) > 0, None),
            // A look at what is on the pane, which the shell may still be working on.
            ApprovalKind::Settle { .. } if seen.elapsed() < Duration::from_secs(2) => return,
            ApprovalKind::Settle { .. } if done => (true, Some("done")),
            ApprovalKind::Settle { .. } => (true, Some("again")),
            ApprovalKind::Gap | ApprovalKind::Unclear if done => (true, Some("continue")),
            ApprovalKind::Gap | ApprovalKind::Unclear | ApprovalKind::Overdue => (true, Some("wait")),
            ApprovalKind::Failed { .. } | ApprovalKind::Agent | ApprovalKind::Asks | ApprovalKind::Dialog { .. } => {
                (true, None)
            }
        };
        let mut arguments = vec![if approve { "approve" } else { "reject" }, approval.id.as_str()];
        if let Some(answer) = answer {
            arguments.extend(["--answer", answer]);
        }
        if self.ask(&arguments).0 == Some(0) {
            self.decided.insert(approval.id.clone(), approve);
            self.count.decisions += 1;
            match &approval.kind {
                ApprovalKind::Settle { .. } => self.count.settled += 1,
                ApprovalKind::Gap => self.count.gaps += 1,
                ApprovalKind::Gate
                | ApprovalKind::Failed { .. }
                | ApprovalKind::Unclear
                | ApprovalKind::Overdue
                | ApprovalKind::Agent
                | ApprovalKind::Asks
                | ApprovalKind::Dialog { .. } => {}
            }
        }
    }

    /// Whether the command of an approval's attempt left its line.
    fn has_run(&self, approval: &Approval) -> bool {
        let (Some(run), Some(stage)) = (approval.run, &approval.stage) else { return false };
        // The second action of `deploy` leaves none, so it may always be done again.
        if approval.effect_text.contains("true") {
            return false;
        }
        let line = format!("{} {stage} {}", run.0, approval.attempt);
        self.ran().contains(&line)
    }

    /// Where a run ended badly a person begins anew; where it ended well its last stage did, and must be heard.
    fn begin_again(&mut self, runs: &[RunView]) {
        for at in 0..self.panes.len() {
            let pane = &self.panes[at];
            let Some(run) = runs.iter().find(|run| run.pane.pane.to_string() == pane.target) else { continue };
            let explained = match run.state {
                Some(RunState::Open) => {
                    (self.panes[at].idle, self.panes[at].again) = (None, 0);
                    continue;
                }
                None | Some(RunState::Failed | RunState::Cancelled | RunState::Rejected | RunState::Expired) => true,
                Some(RunState::Succeeded) => false,
            };
            if explained && (pane.begun_after != run.run || run.run.is_none()) && pane.idle.is_none() {
                self.panes[at].begun_after = run.run;
                self.panes[at].idle = Some(Instant::now());
                self.begin(at);
                continue;
            }
            let since = *self.panes[at].idle.get_or_insert_with(Instant::now);
            // Where nothing ran yet, what was said before the pane was first read does not count: it is said again.
            if run.run.is_none() && since.elapsed() > PATIENCE / 4 && self.panes[at].again < 3 {
                self.panes[at].again += 1;
                self.panes[at].idle = None;
                continue;
            }
            if since.elapsed() > PATIENCE && !self.server.folder().join("stop").exists() {
                let screen = self.server.screen(&self.panes[at].target);
                self.fail(&format!("{} begins nothing although it said so; its screen:\n{screen}", run.place));
            }
        }
    }

    fn begin(&self, pane: usize) {
        self.person_types(pane, "echo be''gin");
    }

    /// A person types a line: tmux takes all of it at once.
    pub fn person_types(&self, pane: usize, line: &str) {
        let target = &self.panes[pane].target;
        self.server.try_tmux(&["send-keys", "-t", target, "-l", "--", line, ";", "send-keys", "-t", target, "Enter"]);
    }

    pub fn respawn(&mut self, pane: usize) {
        let target = self.panes[pane].target.clone();
        self.server.try_tmux(&["respawn-pane", "-k", "-t", &target, &self.shell()]);
        self.panes[pane].begun_after = None;
        self.panes[pane].idle = None;
    }

    /// What happens while no supervisor runs.
    pub fn happens_meanwhile(&mut self, random: &mut Random) {
        let pane = usize::try_from(random.below(self.panes.len() as u64)).expect("a few");
        match random.below(3) {
            0 => self.person_types(pane, "seq 1 50"),
            1 => {
                let name = format!("w{pane}-{}", random.below(100));
                self.server.try_tmux(&["rename-window", "-t", &self.panes[pane].target.clone(), &name]);
            }
            // Nothing but time.
            _ => std::thread::sleep(Duration::from_millis(random.below(600))),
        }
    }

    /// Names and processes of our control clients.
    pub fn control_clients(&self) -> Vec<(String, u32)> {
        let output =
            self.server.try_tmux(&["list-clients", "-F", "#{client_control_mode} #{client_name} #{client_pid}"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let client = |line: &str| {
            let mut parts = line.strip_prefix("1 ")?.split(' ');
            Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?))
        };
        text.lines().filter_map(client).collect()
    }

    /// Memory (KiB) and open files of the supervisor.
    pub fn measure(&self) -> (u64, u64) {
        let process = PathBuf::from(format!("/proc/{}", self.supervisor_pid()));
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        let files = std::fs::read_dir(process.join("fd")).map_or(0, |entries| entries.count() as u64);
        (resident.unwrap_or(0), files)
    }

    /// No new runs; waits until all are through.
    pub fn finish(&mut self, random: &mut Random) {
        std::fs::write(self.server.folder().join("stop"), "").expect("a file");
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            self.look_after_server();
            if let Some(approvals) = self.ask_json::<Vec<Approval>>(&["approvals", "--json"]) {
                approvals.iter().for_each(|approval| self.answer(approval, random));
            }
            let runs = self.ask_json::<Vec<RunView>>(&["panes", "--runs", "--json"]).unwrap_or_default();
            let open: Vec<&RunView> = runs.iter().filter(|run| run.state == Some(RunState::Open)).collect();
            if !runs.is_empty() && open.is_empty() {
                return;
            }
            if Instant::now() > end {
                self.fail(&format!("runs do not end: {open:#?}"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Keeps what is needed to look into it, and ends.
    pub fn fail(&self, why: &str) -> ! {
        let kept = std::env::temp_dir().join(format!("tmuxagent-soak-{}", std::process::id()));
        let _ = Command::new("cp").arg("-r").arg(self.server.folder()).arg(&kept).status();
        for pane in &self.panes {
            let screen = self.server.try_tmux(&["capture-pane", "-p", "-S", "-200", "-t", &pane.target]);
            let _ = std::fs::write(kept.join(format!("screen{}", pane.target)), screen.stdout);
        }
        panic!("{why}\nkept in {}", kept.display());
    }

    pub const fn is_fine(&mut self) {
        self.fine = true;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(child) = &mut self.supervisor {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !self.fine {
            println!("the soak did not come to its end");
        }
    }
}
