//! A pane of a real tmux into which bytes are put unchanged, and what it shows of them.

use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// What brings a pane back to where it began, from any state: strings end, the alternate screen and all modes are left.
const BACK: &[u8] = b"\x18\x1b\\\x18\x1b[?1049l\x1b[r\x1b[?6l\x1b[?7h\x1b[4l\x0f\x1b(B\x1b[m";

/// See the module.
#[derive(Debug)]
pub struct Oracle {
    /// Ended when dropped.
    _server: TmuxServer,
    client: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What the pane's program prints.
    feed: File,
    /// Pieces of what tmux has read of it.
    read: Receiver<Vec<u8>>,
    pub columns: u16,
    pub rows: u16,
}

/// What a pane shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Its lines, history first, wrapped rows joined, without those that are blank.
    pub lines: Vec<String>,
    /// The visible rows as they stand.
    pub visible: Vec<String>,
    pub alternate: bool,
}

impl Oracle {
    /// A tmux with a pane of this size.
    pub fn start(columns: u16, rows: u16) -> Self {
        let server = TmuxServer::prepare();
        let (feed, copy) = (server.folder().join("feed"), server.folder().join("copy"));
        [&feed, &copy].into_iter().for_each(|path| fifo(path));
        // Opened for both, so that neither side waits for the other.
        let both = |path: &Path| OpenOptions::new().read(true).write(true).open(path).expect("a pipe");
        let (feed_end, mut copy_end) = (both(&feed), both(&copy));
        let program = format!("stty raw -echo; echo ready; exec cat '{}'", feed.display());
        let (x, y) = (columns.to_string(), rows.to_string());
        server.tmux(&["new-session", "-d", "-s", "main", "-x", &x, "-y", &y, "sleep 1000"]);
        server.tmux(&["set-option", "-g", "history-limit", "5000"]);
        server.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
        server.tmux(&["set-option", "-g", "default-size", &format!("{x}x{y}")]);
        server.tmux(&["new-window", "-d", "-t", "main:7", &program]);
        server.wait_screen("main:7", "ready");
        server.tmux(&["pipe-pane", "-t", "main:7", &format!("exec cat > '{}'", copy.display())]);
        let (to, read) = channel();
        std::thread::spawn(move || {
            let mut piece = vec![0; 65_536];
            while let Ok(length) = copy_end.read(&mut piece) {
                if to.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut client = server.command();
        client.args(["-C", "attach-session", "-t", "main", "-f", "no-output,ignore-size"]);
        let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a control client");
        let commands = client.stdin.take().expect("piped");
        let answers = BufReader::new(client.stdout.take().expect("piped"));
        let mut oracle = Self { _server: server, client, commands, answers, feed: feed_end, read, columns, rows };
        oracle.answer();
        oracle
    }

    /// Puts bytes into the pane; returns when tmux has carried them out.
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.feed.write_all(bytes).expect("fed");
        let mut left = bytes.len();
        wait_for(PATIENCE, "tmux to read", || {
            while left > 0 {
                let Ok(piece) = self.read.recv_timeout(std::time::Duration::from_millis(50)) else { return None };
                assert!(piece.len() <= left, "more came out than was put in");
                left -= piece.len();
            }
            Some(())
        });
    }

    /// Empties the pane.
    pub fn reset(&mut self) {
        self.put(BACK);
        self.ask("send-keys -R -t main:7");
        self.ask("clear-history -t main:7");
    }

    /// What the pane shows now.
    pub fn shown(&mut self) -> Shown {
        let joined = self.ask("capture-pane -p -J -S - -t main:7");
        let visible = self.ask("capture-pane -p -t main:7");
        let alternate = self.ask("display-message -p -t main:7 '#{alternate_on}'") == ["1"];
        let lines = joined.iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect();
        Shown { lines, visible, alternate }
    }

    fn ask(&mut self, command: &str) -> Vec<String> {
        writeln!(self.commands, "{command}").expect("asked");
        self.answer()
    }

    /// The next reply's rows.
    fn answer(&mut self) -> Vec<String> {
        let mut rows = None;
        loop {
            let mut row = Vec::new();
            let length = self.answers.read_until(b'\n', &mut row).expect("a reply");
            assert!(length > 0, "the client ended");
            let row = String::from_utf8_lossy(&row).trim_end_matches(['\n', '\r']).to_owned();
            match &mut rows {
                None if row.starts_with("%begin") => rows = Some(Vec::new()),
                None => {}
                Some(_) if row.starts_with("%end") => return rows.unwrap_or_default(),
                Some(_) if row.starts_with("%error") => panic!("{rows:?}"),
                Some(rows) => rows.push(row),
            }
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo is installed");
    assert!(made.success());
}
