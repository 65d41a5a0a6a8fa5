//! One agent in a pane, with a configuration that leads it to the scripted model, and what stands on its screen.

use super::support::{PATIENCE, TmuxServer, wait_for};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Which agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Codex,
    Claude,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Claude => "claude",
        }
    }

    pub const fn package(self) -> &'static str {
        match self {
            Self::Codex => "@openai/codex",
            Self::Claude => "@anthropic-ai/claude-code",
        }
    }

    /// What is started; Claude Code's own starter waits for a step of its installation that npm may not take.
    pub fn program(self, modules: &Path) -> PathBuf {
        match self {
            Self::Codex => modules.join(".bin/codex"),
            Self::Claude => {
                let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
                let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
                modules.join(format!("@anthropic-ai/claude-code-{system}-{machine}/claude"))
            }
        }
    }

    /// What it shows when it first waits for a prompt.
    const fn ready(self) -> &'static str {
        match self {
            Self::Codex => "Ask Codex to do anything",
            Self::Claude => "? for shortcuts",
        }
    }

    /// The question of a dialog that asks for a command.
    pub const fn asks(self) -> &'static str {
        match self {
            Self::Codex => "Would you like to run the following command?",
            Self::Claude => "Do you want to proceed?",
        }
    }

    /// The first option of that dialog, chosen by Enter.
    pub const fn chosen(self) -> &'static str {
        match self {
            Self::Codex => "› 1. Yes",
            Self::Claude => "❯ 1. Yes",
        }
    }
}

/// The sign of work, the same for both.
pub const WORKS: &str = "esc to interrupt";

/// A key that no service knows; the agents ask for one.
const KEY: &str = "no-key-0123456789abcdefghij";

/// Writes what the agent needs to begin without questions; gives its variables and arguments.
fn seed(
    kind: Kind,
    home: &Path,
    folder: &Path,
    (port, daemon): (u16, bool),
) -> (Vec<(&'static str, String)>, &'static str) {
    let base = format!("http://127.0.0.1:{port}");
    match kind {
        Kind::Codex => {
            std::fs::create_dir_all(home.join(".codex")).expect("a folder");
            let config = format!(
                "model = \"gpt-5.5\"\nmodel_provider = \"scripted\"\napproval_policy = \"on-request\"\n\
                 sandbox_mode = \"workspace-write\"\ncheck_for_update_on_startup = false\n\
                 [model_providers.scripted]\nname = \"Scripted\"\nbase_url = \"{base}/v1\"\nwire_api = \"responses\"\n\
                 env_key = \"SCRIPTED_KEY\"\nrequest_max_retries = 0\nstream_max_retries = 0\n\
                 [tui]\nscreen_reader_detection_done = true\n[tui.model_availability_nux]\n\"gpt-6.1-sol\" = 9\n\
                 [notice.model_migrations]\n\"gpt-5.5\" = \"gpt-6-sol\"\n[projects.\"{}\"]\ntrust_level = \"trusted\"\n",
                folder.display()
            );
            std::fs::write(home.join(".codex/config.toml"), config).expect("writable");
            (vec![("SCRIPTED_KEY", KEY.to_owned())], if daemon { "" } else { "--no-daemon" })
        }
        Kind::Claude => {
            let project = json!({"hasTrustDialogAccepted": true, "allowedTools": []});
            let known = json!({
                "hasCompletedOnboarding": true, "theme": "dark", "hasSeenAutoDefaultNotice": true,
                "customApiKeyResponses": {"approved": [&KEY[KEY.len() - 20..]], "rejected": []},
                "projects": {folder.display().to_string(): project},
            });
            std::fs::write(home.join(".claude.json"), known.to_string()).expect("writable");
            let variables = [
                ("ANTHROPIC_BASE_URL", base.as_str()),
                ("ANTHROPIC_API_KEY", KEY),
                ("DISABLE_AUTOUPDATER", "1"),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
                ("CLAUDE_CODE_MAX_RETRIES", "0"),
            ];
            (variables.map(|(name, value)| (name, value.to_owned())).to_vec(), "--permission-mode manual")
        }
    }
}

/// A screen, and when it was first there.
pub type Shown = (Instant, String);

/// One agent. Its pane goes on with a shell when it ends.
pub struct Agent {
    pub kind: Kind,
    /// Such as `%3`.
    pub pane: String,
    /// The folder that it works in.
    pub folder: PathBuf,
    home: PathBuf,
    shown: Arc<Mutex<Vec<Shown>>>,
    over: Arc<AtomicBool>,
}

impl Agent {
    /// Starts it in a folder and waits until it takes a prompt.
    pub fn start(
        kind: Kind,
        program: &Path,
        server: &TmuxServer,
        folder: &Path,
        model: (u16, bool),
        size: (u16, u16),
    ) -> Self {
        let home = folder.with_extension("home");
        std::fs::create_dir_all(&home).expect("a folder");
        if !folder.exists() {
            std::fs::create_dir_all(folder).expect("a folder");
            drop(std::process::Command::new("git").args(["init", "-q"]).arg(folder).output());
        }
        let (variables, arguments) = seed(kind, &home, folder, model);
        let variables: String = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        let path = std::env::var("PATH").unwrap_or_default();
        let line = format!(
            "cd {}; env -i HOME={} PATH={path} LANG=C.UTF-8 SHELL=/bin/sh TERM=$TERM TMUX=$TMUX TMUX_PANE=$TMUX_PANE \
             {variables} {} {arguments}; exec env PS1='$ ' sh",
            folder.display(),
            home.display(),
            program.display()
        );
        let (columns, rows) = (size.0.to_string(), size.1.to_string());
        let pane = server.tmux(&[
            "new-session",
            "-d",
            "-P",
            "-F",
            "#{pane_id}",
            "-x",
            &columns,
            "-y",
            &rows,
            "sh",
            "-c",
            &line,
        ]);
        let (shown, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let mut look = server.command();
        look.args(["capture-pane", "-p", "-t", &pane]);
        let (keep, stop) = (Arc::clone(&shown), Arc::clone(&over));
        std::thread::spawn(move || watch_screen(look, &keep, &stop));
        let agent = Self { kind, pane, folder: folder.to_owned(), home, shown, over };
        wait_for(PATIENCE * 2, "the agent's first prompt", || agent.screen().contains(kind.ready()).then_some(()));
        agent
    }

    /// What stands there now.
    pub fn screen(&self) -> String {
        self.shown.lock().expect("sound").last().map(|(_, screen)| screen.clone()).unwrap_or_default()
    }

    /// When something first stood there since an instant.
    pub fn first(&self, since: Instant, is_it: impl Fn(&str) -> bool) -> Option<Instant> {
        let shown = self.shown.lock().expect("sound");
        let at = shown.iter().rposition(|(at, _)| *at <= since).unwrap_or(0);
        shown.iter().skip(at).find(|(_, screen)| is_it(screen)).map(|(at, _)| (*at).max(since))
    }

    /// Waits until something stands there that was not there before an instant.
    pub fn wait(&self, what: &str, since: Instant, is_it: impl Fn(&str) -> bool) -> Instant {
        wait_for(PATIENCE, what, || self.first(since, &is_it))
    }

    /// Whether it asks for a command now.
    pub fn asks_for(&self, command: &str) -> bool {
        let screen = self.screen();
        screen.contains(self.kind.asks()) && dialog(self.kind, &screen).contains(command)
    }

    /// A file that a command makes.
    pub fn made(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    /// Lets go of the screens that were kept.
    pub fn forget(&self) {
        let mut shown = self.shown.lock().expect("sound");
        let from = shown.len().saturating_sub(1);
        shown.drain(..from);
    }

    /// The processes below the pane's own, which is a shell.
    pub fn processes(&self, server: &TmuxServer) -> Vec<i32> {
        let root: u32 = server.tmux(&["display", "-p", "-t", &self.pane, "#{pane_pid}"]).parse().expect("a number");
        let mut all = super::support::sshd::children_of(root);
        let mut at = 0;
        while let Some(pid) = all.get(at) {
            all.extend(super::support::sshd::children_of(pid.unsigned_abs()));
            at += 1;
        }
        all
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Codex's server outlives its screens.
        for file in ["daemon-updater.pid", "daemon.pid"] {
            let text = std::fs::read(self.home.join(".codex/app-server-daemon").join(file)).unwrap_or_default();
            let known: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            if let Some(pid) = known["pid"].as_u64() {
                drop(std::process::Command::new("kill").arg(pid.to_string()).output());
            }
        }
    }
}

/// The dialog alone: what was asked before stands above it in the conversation.
pub fn dialog(kind: Kind, screen: &str) -> String {
    let from = match kind {
        Kind::Codex => screen.rfind(kind.asks()),
        Kind::Claude => screen.rfind("Bash command"),
    };
    from.and_then(|from| screen.get(from..)).unwrap_or_default().to_owned()
}

fn watch_screen(mut look: std::process::Command, shown: &Mutex<Vec<Shown>>, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let at = Instant::now();
        let Ok(output) = look.output() else { return };
        let screen = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut shown = shown.lock().expect("sound");
        if shown.last().is_none_or(|(_, last)| *last != screen) {
            shown.push((at, screen));
        }
        drop(shown);
        std::thread::sleep(Duration::from_millis(25));
    }
}
