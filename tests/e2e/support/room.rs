//! The real program beside a real pane, with a policy and a configuration of the test's own.

use super::{PATIENCE, TmuxServer, wait_for};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// A watched window `ci` whose line `tests ok N` asks for a word, after which `build` is appended to the file `ran`.
const POLICY: &str = r#"
version: 1
pipelines:
  - name: dinner
    match: [{window_name: ci}]
    stages:
      - name: build
        require_approval: {question: "Build after green tests? <script>document.title='hacked'</script>", GATE}
        triggers: [{log_regex: "^tests ok"}]
        actions_on_start: [{run: "echo build >> ran"}]
        timeout: 60s
  - name: notes
    match: [{window_name: ci}]
    stages:
      - name: note
        triggers: [{log_regex: "^note"}]
        actions_on_start: [{notify: {text: "a note for later"}}]
        timeout: 60s
"#;

/// See the module. Ends its processes when dropped.
pub struct Room {
    /// The watched server.
    pub server: TmuxServer,
    /// Where the supervisor keeps its state.
    pub state: PathBuf,
    /// The supervisor, while it runs.
    pub supervisor: Option<Child>,
}

impl Room {
    /// A room with that policy, and no configuration.
    pub fn with(policy: &str) -> Self {
        let server = TmuxServer::prepare();
        let room = Self { state: server.folder().join("state"), server, supervisor: None };
        std::fs::write(room.file("policy.yaml"), policy).expect("a policy");
        room.open_window();
        room
    }

    /// A room with a gate and that configuration; `gate` is added to the gate's own settings.
    pub fn gated(config: &str, gate: &str) -> Self {
        let room = Self::with(&POLICY.replace("GATE", gate));
        room.configure(config);
        room
    }

    /// Opens the watched window, whose shell works in the room's folder.
    pub fn open_window(&self) {
        let shell = format!("cd '{}'; exec env PS1='$ ' sh", self.server.folder().display());
        self.server.new_session("proj", &shell);
        self.server.tmux(&["rename-window", "-t", "proj", "ci"]);
    }

    /// Writes the configuration, whole.
    pub fn configure(&self, config: &str) {
        std::fs::write(self.file("new.yaml"), config).expect("writable");
        std::fs::rename(self.file("new.yaml"), self.file("config.yaml")).expect("writable");
    }

    /// A file in the room's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.server.folder().join(name)
    }

    /// The program with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(super::program());
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // Sentences are looked for whole.
        command.envs(self.environment()).env("COLUMNS", "500").stdin(Stdio::null());
        command
    }

    /// The program's environment, `PATH` apart.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let file = |name: &str| self.file(name).display().to_string();
        let mut variables = vec![
            ("HOME", self.server.folder().display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("USER", "ann".to_owned()),
            ("TZ", "UTC".to_owned()),
            // A proxy of the shell must not be used: nobody listens there.
            ("HTTPS_PROXY", "http://127.0.0.1:9".to_owned()),
            ("HTTP_PROXY", "http://127.0.0.1:9".to_owned()),
            ("TMUXAGENT_STATE_DIR", self.state.display().to_string()),
            ("TMUXAGENT_SOCKET", self.server.socket().display().to_string()),
        ];
        // Without one the policies of the configuration's folder count.
        if self.file("policy.yaml").exists() {
            variables.push(("TMUXAGENT_POLICY", file("policy.yaml")));
        }
        if self.file("config.yaml").exists() {
            variables.push(("TMUXAGENT_CONFIG", file("config.yaml")));
        }
        variables
    }

    /// Starts a supervisor and waits until it watches.
    pub fn watch(&mut self) {
        let log = std::fs::File::create(self.file("supervisor.log")).expect("writable");
        self.supervisor = Some(self.command(&["--headless"]).stderr(log).spawn().expect("it starts"));
        self.wait_status("\"live\"");
    }

    /// The supervisor's process.
    pub fn supervisor(&self) -> Option<rustix::process::Pid> {
        self.supervisor.as_ref().map(rustix::process::Pid::from_child)
    }

    /// Ends the supervisor as a power failure does.
    pub fn kill_9(&mut self) {
        if let Some(mut child) = self.supervisor.take() {
            child.kill().expect("it lived");
            child.wait().expect("it ended");
        }
    }

    /// Runs the program.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// Everything that it says.
    pub fn answer(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Waits until the status says something.
    pub fn wait_status(&self, part: &str) -> String {
        wait_for(PATIENCE, part, || Some(self.answer(&["status", "--json"])).filter(|said| said.contains(part)))
    }

    /// Waits until the journal says something.
    pub fn wait_events(&self, part: &str) {
        wait_for(PATIENCE, part, || self.answer(&["events", "--json"]).contains(part).then_some(()));
    }

    /// Prints the line that asks, with words of its own behind it.
    pub fn finish_tests(&self, words: &str) {
        self.server.type_line("proj:ci", &format!("echo tests'' ok {words}"));
    }

    /// What the pane has done.
    pub fn ran(&self) -> String {
        std::fs::read_to_string(self.file("ran")).unwrap_or_default().replace('\n', " ")
    }

    /// Waits until the pane has done exactly this.
    pub fn wait_ran(&self, wanted: &str) {
        wait_for(PATIENCE, wanted, || (self.ran() == wanted).then_some(()));
    }

    /// Every approval that is shown.
    pub fn approvals(&self) -> Vec<Value> {
        let output = self.ask(&["approvals", "--all", "--json"]);
        let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        value.as_array().cloned().unwrap_or_default()
    }

    /// Waits for an open approval and gives its identity.
    pub fn wait_approval(&self) -> String {
        wait_for(PATIENCE, "an open approval", || {
            let open = self.approvals().into_iter().find(|approval| approval["state"] == "pending")?;
            Some(open["id"].as_str()?.to_owned())
        })
    }

    /// Waits for the request file of an open approval.
    pub fn wait_request(&self) -> PathBuf {
        let (folder, id) = (self.file("state/approvals"), self.wait_approval());
        wait_for(PATIENCE, "a request file", || {
            let mut names = std::fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.path());
            names.find(|path| path.to_string_lossy().contains(&id))
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.file("supervisor.log")).unwrap_or_default());
            eprintln!("{}", self.answer(&["events"]));
        }
        if let Some(child) = &mut self.supervisor {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An address of this machine that nobody listens at.
pub fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}
