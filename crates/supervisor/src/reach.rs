//! How hosts are reached, and as whom this supervisor claims their servers.

use std::path::{Path, PathBuf};
use tmuxagent_config::{HostConfig, Loaded, SshConfig, TmuxSocket};
use tmuxagent_ipc::lock;
use tmuxagent_ipc::wire::WatchedServer;
use tmuxagent_model::{HostName, Owner};
use tmuxagent_tmux::{Socket, SshTarget, Transport, this_process};

/// How a configured host's tmux is reached.
pub fn transport(config: &HostConfig, runtime: &Path) -> Transport {
    let bin = config.tmux.bin.clone();
    let socket = match &config.tmux.socket {
        TmuxSocket::Default => Socket::Default,
        TmuxSocket::Name(name) => Socket::Name(name.clone()),
        TmuxSocket::Path(path) => Socket::Path(path.display().to_string()),
    };
    match &config.ssh {
        None => Transport::Local { bin, socket },
        Some(ssh) => Transport::Ssh { target: target(ssh, &config.name, runtime), bin, socket },
    }
}

fn target(ssh: &SshConfig, name: &HostName, runtime: &Path) -> SshTarget {
    SshTarget {
        host: ssh.host.clone(),
        port: ssh.port,
        user: ssh.user.clone(),
        key: ssh.key.clone(),
        jump: ssh.jump.clone(),
        options: ssh.options.clone(),
        control_path: control_path(runtime, name),
    }
}

/// The socket of the host's shared connection; `None` where its path would be too long, and each call connects anew.
fn control_path(runtime: &Path, name: &HostName) -> Option<PathBuf> {
    // ssh binds it under this name with a dot and 16 letters more (mux.c), and a socket's path has 103 bytes at most.
    const LONGEST: usize = 103 - 17;
    let path = runtime.join(format!("ssh-{}", short_hash(name.as_str())));
    (path.as_os_str().len() <= LONGEST).then_some(path)
}

/// The socket that tmux uses, as its man page tells: `$TMUX_TMPDIR` or `/tmp`, then `tmux-UID`, then the name.
pub fn socket_path(socket: &TmuxSocket) -> PathBuf {
    let named = |name: &str| {
        let base = std::env::var_os("TMUX_TMPDIR").filter(|value| !value.is_empty()).unwrap_or_else(|| "/tmp".into());
        Path::new(&base).join(format!("tmux-{}", rustix::process::getuid().as_raw())).join(name)
    };
    match socket {
        TmuxSocket::Default => named("default"),
        TmuxSocket::Name(name) => named(name),
        TmuxSocket::Path(path) => path.clone(),
    }
}

/// The servers of this machine among the watched ones.
pub fn watched_here(hosts: &[HostConfig]) -> Vec<WatchedServer> {
    let here = hosts.iter().filter(|host| host.ssh.is_none());
    here.map(|host| WatchedServer {
        host: host.name.clone(),
        program: host.tmux.bin.clone(),
        socket: socket_path(&host.tmux.socket),
    })
    .collect()
}

/// This supervisor, as it claims servers: the same at every start with this state folder of this machine and user.
pub fn owner_of(loaded: &Loaded, user: &str) -> Owner {
    let process = this_process("");
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let (folder, uid) = (loaded.paths.state_dir.display(), rustix::process::geteuid().as_raw());
    let instance = short_hash(&format!("{}\n{}\n{uid}\n{folder}", id.trim(), process.machine));
    let socket = lock::socket_path(&loaded.paths.runtime_dir).display().to_string();
    Owner { instance: format!("ta-{instance}"), user: user.to_owned(), socket, ..process }
}

fn short_hash(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
