//! Who reads in panes of another machine: by one channel, in which nothing but stty(1) is started, whatever the login shell is.

use super::readers::{exists, reads, shell_line, wait_reads};
use super::ssh::remote;
use super::support::sshd::Sshd;
use super::support::watched::Watched;
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use tmuxagent_model::{IntentId, Outcome, PaneKey, Reads};
use tmuxagent_tmux::HostMessage;

fn file_of(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a path");
    std::env::split_paths(&path).map(|path| path.join(program)).find(|file| file.exists()).expect("a program")
}

/// A machine whose user has a login shell that prints, and few programs. What stty(1) does first is in `does`; each time it
/// notes who started it.
struct Machine {
    folder: tempfile::TempDir,
    sshd: Sshd,
}

impl Machine {
    fn new(login: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("ta-far").tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        // Those behind tmux are for our control client and for what is asked before it; a look needs none.
        for program in ["sh", "bash", "tmux", "cat", "sleep", "sed", "grep", "sort"] {
            symlink(file_of(program), file(program)).expect("a link");
        }
        let at = folder.path().display();
        let stty = format!(
            "#!/bin/sh\necho $PPID >> {at}/log\n[ -e {at}/does ] && . {at}/does\nexec {} \"$@\"\n",
            file_of("stty").display()
        );
        std::fs::write(file("stty"), stty).expect("writable");
        std::fs::set_permissions(file("stty"), std::fs::Permissions::from_mode(0o755)).expect("ours");
        let login = file_of(login).display().to_string();
        let force = format!("export PATH={at}; echo Welcome; echo =1; exec {login} -c \"$SSH_ORIGINAL_COMMAND\"");
        Self { folder, sshd: Sshd::forcing(&force) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What stty(1) does once, before anything else.
    fn stty_does_once(&self, what: &str) {
        let file = self.file("does");
        std::fs::write(&file, format!("/bin/rm '{}'; {what}\n", file.display())).expect("writable");
    }

    /// Who started stty(1), and how often.
    fn log(&self) -> (BTreeSet<String>, usize) {
        let log = std::fs::read_to_string(self.file("log")).unwrap_or_default();
        (log.lines().map(str::to_owned).collect(), log.lines().count())
    }

    fn watch(&self, server: &TmuxServer) -> (Watched, PaneKey) {
        let watched = Watched::with(remote("nas", &self.sshd, server, self.sshd.port()), &["needle"]);
        let pane = watched.wait_live(server, "main").key;
        wait_reads(&watched, &pane, "bash", &Reads::Shell);
        (watched, pane)
    }
}

const BASH: &str = "exec env PS1='$ ' bash --norc --noprofile";

/// The name and the process that were last told to be in front.
fn front(watched: &Watched, pane: &PaneKey) -> Option<(String, u32)> {
    watched.messages().iter().rev().find_map(|message| match message {
        HostMessage::Panes(panes) => {
            let live = panes.iter().rev().find(|live| live.pane == *pane)?;
            live.reader.front.as_ref().map(|front| (front.name.clone(), front.pid))
        }
        _ => None,
    })
}

#[test]
fn who_reads_there_is_told_by_one_channel_that_starts_nothing_but_stty() {
    let login = ["tcsh", "csh", "fish", "zsh", "bash"].into_iter().find(|shell| exists(shell)).expect("a shell");
    let (machine, server) = (Machine::new(login), TmuxServer::running(BASH));
    let (watched, pane) = machine.watch(&server);
    // Copy mode prints nothing, and is told as it comes and goes.
    server.tmux(&["copy-mode", "-t", "main"]);
    wait_reads(&watched, &pane, "copy mode", &Reads::Mode);
    server.tmux(&["send-keys", "-t", "main", "-X", "cancel"]);
    wait_reads(&watched, &pane, "after copy mode", &Reads::Shell);
    // The first program of a group has ended.
    server.type_line("main", "true | sleep 600");
    wait_for(PATIENCE, "sleep", || front(&watched, &pane).filter(|(name, pid)| name == "sleep" && *pid > 0));
    server.tmux(&["send-keys", "-t", "main", "C-c"]);
    wait_reads(&watched, &pane, "after sleep", &Reads::Shell);
    assert_eq!(watched.type_line(&pane, "A", "echo be''gun"), Outcome::Done);
    let (shells, looks) = machine.log();
    assert_eq!(shells.len(), 1, "{login}: one shell asks for all of {looks} looks");
    assert_eq!(machine.sshd.connections().len(), 1, "everything goes over one connection");
    let clients = || machine.sshd.clients();
    watched.end();
    wait_for(PATIENCE, "the end of the channel", || (!is_alive(shells.first()?)).then_some(()));
    wait_for(PATIENCE, "the end of the connection", || clients().is_empty().then_some(()));
}

fn is_alive(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

#[test]
fn a_channel_that_dies_or_answers_without_end_costs_no_send() {
    let (machine, server) = (Machine::new("bash"), TmuxServer::running(BASH));
    let (watched, pane) = machine.watch(&server);
    let sends = |intent: &str| {
        let (intent, file) = (IntentId::new(intent), server.folder().join(intent));
        watched.handle.send(intent.clone(), shell_line(&pane, &format!("touch {}", file.display())));
        assert_eq!(watched.wait_outcome(&intent), Outcome::Done);
        watched.handle.release(pane.clone());
        wait_for(PATIENCE, "the command", || file.exists().then_some(()));
        assert!(!machine.file("does").exists(), "it was so");
        wait_reads(&watched, &pane, "bash", &Reads::Shell);
    };
    let shells = || machine.log().0.len();
    machine.stty_does_once("kill -9 $PPID");
    sends("dies");
    assert_eq!(shells(), 2, "in the middle of a question, which was asked once more");
    machine.stty_does_once(&format!("exec {}", file_of("yes").display()));
    sends("endless");
    assert_eq!(shells(), 3, "{:?}", reads(&watched, &pane));
}
