//! A real sshd on the loopback: its own port, its own host key, one user key, a known_hosts file of its own.
//!
//! It runs as whoever runs the tests, root or not, and lets only that user in. Nothing of `~/.ssh` is used: every file
//! is named by an option of the connection.

use super::{PATIENCE, TmuxServer, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tmuxagent_tmux::{Socket, SshTarget, Transport};

/// A running sshd; ended with all its connections when dropped.
#[derive(Debug)]
pub struct Sshd {
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    /// What runs instead of what a connection asks for; empty: what it asks for.
    force: String,
}

impl Sshd {
    /// Makes keys and starts the server.
    pub fn start() -> Self {
        Self::forcing("")
    }

    /// The same for a user whose login shell is `shell`.
    pub fn with_shell(shell: &str) -> Self {
        Self::forcing(&format!("exec {shell} -c \"$SSH_ORIGINAL_COMMAND\""))
    }

    /// The same with a command that runs instead of what is asked for (`$SSH_ORIGINAL_COMMAND`).
    pub fn forcing(command: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("ta-ssh").tempdir().expect("a temporary folder");
        let sshd = Self { port: free_port(), folder, child: None, force: command.to_owned() };
        sshd.make_key("user");
        std::fs::copy(sshd.file("user.pub"), sshd.file("authorized_keys")).expect("a key");
        sshd.new_host_key();
        std::fs::write(sshd.file("known_hosts"), sshd.known_hosts_line(sshd.port)).expect("writable");
        sshd.up()
    }

    fn up(mut self) -> Self {
        self.listen();
        self
    }

    /// Starts listening, again after [`Sshd::stop`].
    pub fn listen(&mut self) {
        if rustix::process::geteuid().is_root() {
            // The folder that sshd locks itself into before a user is known; packages make it at boot.
            let _ = std::fs::DirBuilder::new().mode(0o755).create("/run/sshd");
        }
        let text = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPubkeyAuthentication yes\n\
             PermitRootLogin prohibit-password\nMaxStartups 200\nUseDNS no\nLogLevel ERROR\nSetEnv HOME={}\n{}",
            self.port,
            self.file("host").display(),
            self.file("authorized_keys").display(),
            // What the user's login shell reads there is no part of a test, and may take long.
            self.folder.path().display(),
            if self.force.is_empty() { String::new() } else { format!("ForceCommand {}\n", self.force) },
        );
        std::fs::write(self.file("sshd_config"), text).expect("writable");
        let mut command = Command::new(program());
        command.arg("-D").arg("-e").arg("-f").arg(self.file("sshd_config"));
        let log = std::fs::File::create(self.file("log")).expect("a log");
        self.child =
            Some(command.stdin(Stdio::null()).stderr(log).spawn().expect("sshd is installed: .ci/install sshd"));
        wait_for(PATIENCE, "sshd's greeting", || self.greets().then_some(()));
    }

    fn greets(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut start = [0; 4];
        stream.read_exact(&mut start).is_ok() && &start == b"SSH-"
    }

    /// Ends the server and every connection.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let sessions = children_of(child.id());
        let _ = child.kill();
        let _ = child.wait();
        for pid in sessions {
            if let Some(pid) = Pid::from_raw(pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    /// The processes that serve one connection each.
    pub fn connections(&self) -> Vec<i32> {
        self.child.as_ref().map(|child| children_of(child.id())).unwrap_or_default()
    }

    /// Replaces the host's key; takes effect at the next [`Sshd::listen`].
    pub fn new_host_key(&self) {
        let _ = std::fs::remove_file(self.file("host"));
        let _ = std::fs::remove_file(self.file("host.pub"));
        self.make_key("host");
    }

    fn make_key(&self, name: &str) {
        let done =
            Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(self.file(name)).status();
        assert!(done.is_ok_and(|status| status.success()), "ssh-keygen makes a key");
    }

    /// What `known_hosts` says of this server at a port.
    pub fn known_hosts_line(&self, port: u16) -> String {
        let key = std::fs::read_to_string(self.file("host.pub")).expect("a key");
        let words: Vec<&str> = key.split_whitespace().take(2).collect();
        format!("[127.0.0.1]:{port} {}\n", words.join(" "))
    }

    /// Makes the server known at another port as well, such as a proxy's.
    pub fn known_at(&self, port: u16) {
        let text = std::fs::read_to_string(self.file("known_hosts")).unwrap_or_default();
        std::fs::write(self.file("known_hosts"), text + &self.known_hosts_line(port)).expect("writable");
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// A file of the server's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The options that a connection needs, so that nothing of the user's is read.
    pub fn options(&self) -> Vec<String> {
        vec![
            format!("UserKnownHostsFile={}", self.file("known_hosts").display()),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".to_owned(),
            "CheckHostIP=no".to_owned(),
            // No connection outlives a test for long.
            "ControlPersist=2".to_owned(),
        ]
    }

    /// The way to a tmux server over this sshd, by its own port or a proxy's. `name` tells the shared connections apart.
    pub fn transport(&self, server: &TmuxServer, port: u16, name: &str) -> Transport {
        Transport::Ssh {
            target: SshTarget {
                host: "127.0.0.1".to_owned(),
                port: Some(port),
                user: None,
                key: Some(self.file("user")),
                jump: None,
                options: self.options(),
                control_path: Some(self.file(&format!("mux-{name}"))),
            },
            bin: server.program().to_owned(),
            socket: Socket::Path(server.socket().display().to_string()),
        }
    }

    /// The `ssh` processes that go here, the shared connection's among them where its socket lies with our files.
    pub fn clients(&self) -> Vec<Pid> {
        Self::clients_of(self.folder.path())
    }

    /// The `ssh` processes that have to do with a file in a folder.
    pub fn clients_of(folder: &Path) -> Vec<Pid> {
        let output = Command::new("ps").args(["-A", "-o", "pid=,args="]).output().expect("ps");
        let folder = folder.display().to_string();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let ours = text.lines().filter_map(|line| line.trim().split_once(' '));
        let ours =
            ours.filter(|(_, line)| (line.starts_with("ssh ") || line.starts_with("ssh:")) && line.contains(&folder));
        ours.filter_map(|(pid, _)| Pid::from_raw(pid.parse().ok()?)).collect()
    }

    /// The same as an entry of the configuration's `hosts`.
    pub fn yaml(&self, name: &str, port: u16, server: &TmuxServer) -> String {
        let options: Vec<String> = self.options().iter().map(|option| format!("{option:?}")).collect();
        format!(
            "  - name: {name}\n    ssh: {{host: 127.0.0.1, port: {port}, key: {key:?}, options: [{options}]}}\n    \
             tmux: {{socket: {socket:?}, bin: {bin:?}}}\n",
            bin = server.program(),
            key = self.file("user").display().to_string(),
            options = options.join(", "),
            socket = server.socket().display().to_string(),
        )
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // The shared connections of the tests' clients end with their server.
        self.stop();
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// sshd wants to be started by its full path.
fn program() -> &'static Path {
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd", "/usr/bin/sshd"]
        .iter()
        .map(Path::new)
        .find(|path| path.exists())
        .expect("sshd is installed: .ci/install sshd")
}

/// The direct children of a process.
pub fn children_of(pid: u32) -> Vec<i32> {
    let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("ps");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let pairs = text.lines().filter_map(|line| {
        let (child, parent) = line.trim().split_once(char::is_whitespace)?;
        Some((child.parse::<i32>().ok()?, parent.trim().parse::<u32>().ok()?))
    });
    pairs.filter(|(_, parent)| *parent == pid).map(|(child, _)| child).collect()
}
