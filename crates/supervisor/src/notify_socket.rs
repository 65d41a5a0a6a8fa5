//! What the init system is told (sd_notify(3)): that the supervisor watches, that its loop still turns, that it ends.
//!
//! **Invariants:** the program that the init system started speaks, and none of its children: at the start the address moves
//! into a variable that names the process it is meant for ([`claim`]). What is told is numbers, never a text from a pane. A
//! silent init system delays the loop by a tenth of a second at most.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;
use tmuxagent_config::{Environment, NOTIFY};
use tmuxagent_model::{ApprovalState, Millis, Snapshot, Timestamp};
use tmuxagent_text::Lang;

/// The variables of sd_notify(3) and sd_watchdog_enabled(3).
const SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG: &str = "WATCHDOG_USEC";
const WATCHDOG_PID: &str = "WATCHDOG_PID";
/// How often the state is told where no watchdog waits for it.
const UNHURRIED: Millis = Millis::from_secs(30);
/// How soon a changed state is told.
const PACE: Millis = Millis::from_secs(1);
/// How long one message may take.
const LIMIT: Duration = Duration::from_millis(100);

/// Takes the init system's address out of the environment that children inherit: a program can't change its own safely, so
/// it begins once more, as the same process. Returns where there is nothing to take.
///
/// # Errors
/// When it can't begin once more.
pub fn claim(arguments: &[OsString]) -> io::Result<()> {
    let Some(address) = std::env::var_os(SOCKET).filter(|address| !address.is_empty()) else { return Ok(()) };
    // Of whoever else was started below a service, this is somebody else's.
    if !arguments.iter().any(|argument| argument == "--headless") {
        return Ok(());
    }
    let pid = std::process::id();
    let named = std::env::var(WATCHDOG_PID).ok();
    let meant = named.is_none_or(|named| named == pid.to_string());
    let watchdog = std::env::var(WATCHDOG).ok().filter(|_| meant).and_then(|text| text.parse::<u64>().ok());
    let mut command = Command::new(std::env::current_exe()?);
    if let Some((name, rest)) = arguments.split_first() {
        command.arg0(name).args(rest);
    }
    for name in [SOCKET, WATCHDOG, WATCHDOG_PID] {
        command.env_remove(name);
    }
    command.env(NOTIFY, told(pid, watchdog.unwrap_or(0), &address));
    Err(command.exec())
}

/// The process that is meant, its watchdog's microseconds, and the address.
fn told(pid: u32, watchdog: u64, address: &OsStr) -> OsString {
    let mut value = OsString::from(format!("{pid} {watchdog} "));
    value.push(address);
    value
}

/// See the module. Without an init system that wants to be told it is silent.
#[derive(Debug)]
pub(super) struct NotifySocket {
    socket: Option<UnixDatagram>,
    lang: Lang,
    every: Millis,
    due: Timestamp,
    /// What was told last, and when the next word may follow.
    status: String,
    earliest: Timestamp,
}

impl NotifySocket {
    /// As [`claim`] left it for this process.
    pub fn of(environment: &Environment, lang: Lang) -> Self {
        let (mut socket, mut every) = (None, UNHURRIED);
        if let Some((watchdog, address)) =
            environment.get(NOTIFY).and_then(|value| meant_for(value, std::process::id()))
        {
            // Twice in the time that it waits, as sd_watchdog_enabled(3) advises.
            if watchdog > 0 {
                every = Millis((watchdog / 2000).max(1));
            }
            match connect(address) {
                Ok(connected) => socket = Some(connected),
                Err(error) => tracing::warn!(%error, "the init system is not told: its socket can't be reached"),
            }
        }
        Self { socket, lang, every, due: Timestamp(0), status: String::new(), earliest: Timestamp(0) }
    }

    /// When the loop has to turn for it.
    pub fn due(&self) -> Option<Timestamp> {
        self.socket.as_ref().map(|_| self.due)
    }

    /// The supervisor watches.
    pub fn ready(&mut self, now: Timestamp, shown: &Snapshot) {
        let status = status(self.lang, shown);
        self.report("READY=1", now, status);
    }

    /// The loop turns. Told when it is due, and soon after something changed.
    pub fn beat(&mut self, now: Timestamp, shown: &Snapshot) {
        if self.socket.is_none() {
            return;
        }
        let status = status(self.lang, shown);
        if status != self.status {
            self.due = self.due.min(self.earliest);
        }
        if now >= self.due {
            self.report("WATCHDOG=1", now, status);
        }
    }

    fn report(&mut self, what: &str, now: Timestamp, status: String) {
        (self.due, self.earliest) = (now + self.every, now + self.every.min(PACE));
        self.tell(&format!("{what}\nSTATUS={status}"));
        self.status = status;
    }

    /// The supervisor ends.
    pub fn stopping(&self) {
        self.tell(&format!("STOPPING=1\nSTATUS={}", self.lang.pick("ending", "正在结束")));
    }

    fn tell(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::warn!(%error, "the init system is not told");
        }
    }
}

/// Watchdog and address, where they are meant for that process: a child inherits them.
fn meant_for(value: &str, pid: u32) -> Option<(u64, &str)> {
    let mut parts = value.splitn(3, ' ');
    let meant = parts.next()?.parse::<u32>().ok()? == pid;
    let watchdog = parts.next()?.parse().ok()?;
    parts.next().filter(|_| meant).map(|address| (watchdog, address))
}

fn connect(address: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&socket_address(address)?)?;
    socket.set_write_timeout(Some(LIMIT))?;
    Ok(socket)
}

/// A path, or behind `@` the name of a socket without a file (unix(7), abstract).
fn socket_address(address: &str) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = address.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt as _;
        return SocketAddr::from_abstract_name(name.as_bytes());
    }
    SocketAddr::from_pathname(OsStr::from_bytes(address.as_bytes()))
}

/// One line for `systemctl status`.
fn status(lang: Lang, shown: &Snapshot) -> String {
    let (hosts, panes) = (shown.hosts.len(), shown.panes.len());
    let open = shown.approvals.iter().filter(|asked| asked.state == ApprovalState::Pending).count();
    let frozen = if shown.frozen.is_some() { lang.pick("; sending is frozen", "；发送已冻结") } else { "" };
    match lang {
        Lang::En => format!("watches; hosts: {hosts}, panes: {panes}, open questions: {open}{frozen}"),
        Lang::Zh => format!("正在监视；主机 {hosts}，窗格 {panes}，待处理 {open}{frozen}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::Freeze;

    fn listening(address: &str) -> (UnixDatagram, NotifySocket) {
        let listener = UnixDatagram::bind_addr(&socket_address(address).unwrap()).unwrap();
        listener.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let value = told(std::process::id(), 4_000_000, OsStr::new(address));
        let environment = Environment::from_pairs([(NOTIFY, value.to_str().unwrap())]);
        (listener, NotifySocket::of(&environment, Lang::En))
    }

    fn heard(listener: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let taken = listener.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..taken]).into_owned()
    }

    fn speaks(address: &str) {
        let (listener, mut notify) = listening(address);
        let (shown, at) = (Snapshot::default(), Timestamp(1_000_000));
        notify.ready(at, &shown);
        assert_eq!(heard(&listener), "READY=1\nSTATUS=watches; hosts: 0, panes: 0, open questions: 0");
        assert_eq!(notify.due(), Some(at + Millis(2000)), "half of the watchdog's time");
        notify.beat(at + Millis(1999), &shown);
        notify.beat(at + Millis(2000), &shown);
        assert!(heard(&listener).starts_with("WATCHDOG=1\nSTATUS="));
        // What changed is told before that, at most once a second.
        let frozen = Freeze { by: "ann".to_owned(), since: at };
        let shown = Snapshot { frozen: Some(frozen), ..Snapshot::default() };
        notify.beat(at + Millis(2500), &shown);
        assert_eq!(notify.due(), Some(at + Millis(3000)));
        notify.beat(at + Millis(3000), &shown);
        assert!(heard(&listener).ends_with("open questions: 0; sending is frozen"));
        notify.stopping();
        assert_eq!(heard(&listener), "STOPPING=1\nSTATUS=ending");
    }

    #[test]
    fn it_speaks_to_a_path() {
        let folder = tempfile::tempdir().unwrap();
        speaks(&folder.path().join("notify").display().to_string());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn it_speaks_to_a_name_without_a_file() {
        speaks(&format!("@tmuxagent-test-{}", std::process::id()));
    }

    #[test]
    fn what_is_meant_for_another_process_is_silent() {
        let own = std::process::id();
        assert_eq!(meant_for(&format!("{own} 5 /run/a b"), own), Some((5, "/run/a b")));
        for value in [&format!("{} 5 /run/a", own + 1), "", "5", "x 5 /run/a", &format!("{own} x /run/a")] {
            assert_eq!(meant_for(value, own), None, "{value}");
        }
        assert_eq!(NotifySocket::of(&Environment::default(), Lang::En).due(), None);
        let gone = Environment::from_pairs([(NOTIFY, format!("{own} 0 /nonexistent/notify"))]);
        let mut notify = NotifySocket::of(&gone, Lang::Zh);
        notify.ready(Timestamp(0), &Snapshot::default());
        assert_eq!(notify.due(), None);
    }
}
