//! Which tmux servers of this machine a command looks at: those that the running supervisor watches, whatever this shell's
//! environment would lead to, unless the command line names one.

use super::Session;
use super::connection::Connection;
use tmuxagent_config::{HostConfig, Loaded, TmuxConfig, TmuxSocket};
use tmuxagent_ipc::lock;
use tmuxagent_ipc::wire::WatchedServer;

/// What the running supervisor watches here; nothing where none runs or answers, or a server is named.
pub(super) fn by_supervisor(session: &Session) -> Vec<WatchedServer> {
    let named = session.overrides.tmux_socket.is_some();
    let Some(paths) = session.paths().ok().filter(|_| !named) else { return Vec::new() };
    if lock::holder(&paths.runtime_dir).is_none() {
        return Vec::new();
    }
    Connection::open(session).map(|connection| connection.greeting.servers).unwrap_or_default()
}

/// Puts them in the place of this machine's hosts of a configuration.
pub(super) fn take_over(loaded: &mut Loaded, servers: &[WatchedServer]) {
    let hosts = std::mem::take(&mut loaded.config.hosts);
    loaded.config.hosts = hosts_of(hosts, servers);
}

/// Configured hosts with these servers in the place of those of this machine.
pub(super) fn hosts_of(configured: Vec<HostConfig>, servers: &[WatchedServer]) -> Vec<HostConfig> {
    if servers.is_empty() {
        return configured;
    }
    let (here, mut hosts): (Vec<_>, Vec<_>) = configured.into_iter().partition(|host| host.ssh.is_none());
    hosts.splice(
        0..0,
        servers.iter().map(|server| {
            let known = here.iter().find(|host| host.name == server.host).map(|host| host.tmux.clone());
            HostConfig { name: server.host.clone(), ssh: None, tmux: settings(known.unwrap_or_default(), server) }
        }),
    );
    hosts
}

/// The settings of a watched server.
pub(super) fn settings(configured: TmuxConfig, server: &WatchedServer) -> TmuxConfig {
    TmuxConfig { bin: server.program.clone(), socket: TmuxSocket::Path(server.socket.clone()), ..configured }
}
