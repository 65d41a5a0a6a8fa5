//! A pane with a shell, the keyboard of whoever starts something there, and what can be seen of it.

use super::matrix::{Reader, Shell, Start};
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// See the module.
#[derive(Clone, Copy)]
pub struct Seat<'s> {
    pub shell: &'static Shell,
    pub server: &'s TmuxServer,
    /// The pane.
    pub target: &'static str,
    /// The terminal of the person who starts the readers; `None` where a script does.
    pub desk: Option<&'s TmuxServer>,
}

impl Seat<'_> {
    pub const fn hand(&self) -> &'static str {
        if self.desk.is_some() { "person" } else { "script" }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.server.folder().join(name)
    }

    /// What somebody wrote down that he has read.
    pub fn read(&self, name: &str) -> String {
        std::fs::read(self.file(name)).map(|read| String::from_utf8_lossy(&read).into_owned()).unwrap_or_default()
    }

    /// Presses keys, then does something else in the same instant.
    pub fn start_behind(&self, before: &[&str], start: Start) {
        let (server, pane) = self.desk.map_or((self.server, self.target), |desk| (desk, "desk"));
        let arguments = match start {
            // Text and Enter at once, as a person's paste.
            Start::Line(line) => return self.enter_behind(before, line),
            Start::Draft(draft) => vec!["send-keys", "-t", pane, "-l", "--", draft],
            Start::Keys(keys) => [&["send-keys", "-t", pane], keys].concat(),
            Start::CopyMode => return drop(self.server.try_tmux(&["copy-mode", "-t", self.target])),
        };
        drop(server.try_tmux(&arguments));
    }

    /// Presses keys and enters a line, in one instant.
    pub fn enter_behind(&self, before: &[&str], line: &str) {
        let (server, pane) = self.desk.map_or((self.server, self.target), |desk| (desk, "desk"));
        let first = [&["send-keys", "-t", pane], before, &[";"]].concat();
        let first = if before.is_empty() { Vec::new() } else { first };
        let line = ["send-keys", "-t", pane, "-l", "--", line, ";", "send-keys", "-t", pane, "Enter"];
        drop(server.try_tmux(&[&first[..], &line].concat()));
    }

    pub fn enter(&self, line: &str) {
        self.enter_behind(&[], line);
    }

    pub fn start(&self, start: Start) {
        self.start_behind(&[], start);
    }

    pub fn keys(&self, keys: &[&str]) {
        for key in keys {
            drop(self.server.try_tmux(&["send-keys", "-t", self.target, key]));
        }
    }

    pub fn end(&self, reader: &Reader) {
        let cancel = format!("send-keys -t {} -X cancel", self.target);
        drop(self.server.try_tmux(&["if-shell", "-F", "-t", self.target, "#{pane_in_mode}", &cancel]));
        if reader.name == "tmux" {
            // Keys that follow its prefix at once are not all read by its own prompt.
            drop(self.server.command().args(["-L", "inner", "kill-server"]).output());
        }
        self.keys(reader.ends);
    }

    /// In turn by its own end and by an interrupt, which throws away what was typed and not read yet, also by others.
    pub fn end_again(&self, reader: &Reader, tries: u32) {
        if tries.is_multiple_of(2) {
            self.end(reader);
        } else if !self.is_back() || reader.ends == ["C-c"] {
            self.keys(&["C-c"]);
        }
    }

    /// Whether the shell is in front.
    pub fn is_back(&self) -> bool {
        let place = "#{pane_in_mode} #{pane_current_command}";
        self.server.tmux(&["display-message", "-p", "-t", self.target, place]) == format!("0 {}", self.shell.needs)
    }

    /// Whether a text stands in the pane: it was typed, wherever it went.
    pub fn shows(&self, text: &str) -> bool {
        let screen = self.server.try_tmux(&["capture-pane", "-p", "-J", "-t", self.target]);
        String::from_utf8_lossy(&screen.stdout).contains(text)
    }

    /// Nothing of this round is left for the next: the shell reads at an empty prompt, and has read all before it.
    pub fn tidy(&self, send: u32, reader: &Reader) {
        let (mut again, mut is_back, mut tries) = (Instant::now(), false, 0);
        wait_for(PATIENCE * 2, &format!("the shell behind {}", reader.name), || {
            if Instant::now() >= again {
                again = Instant::now() + Duration::from_secs(3);
                is_back = self.is_back();
                if is_back {
                    self.keys(&["C-c", "C-u"]);
                    // What a program left below when it was killed would stand behind every prompt that comes there.
                    self.server.type_line(self.target, &format!("printf '\\033[J'; echo tidy''-{send}"));
                } else {
                    self.end_again(reader, tries);
                    tries += 1;
                }
            }
            if !is_back && self.is_back() {
                again = Instant::now();
            }
            self.server.screen(self.target).contains(&format!("\ntidy-{send}")).then_some(())
        });
        drop(self.server.try_tmux(&["clear-history", "-t", self.target]));
        for read in ["got", "right", "near"] {
            let _ = std::fs::remove_file(self.file(read));
        }
    }
}
