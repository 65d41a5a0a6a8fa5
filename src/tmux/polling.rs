//! Reading panes by repeated captures, where control mode can't be used. Nothing is typed and nothing is set.

use super::Transport;
use super::fork;
use super::health::LONGEST_PAUSE;
use super::history::{Capture, Past, text};
use super::host::{Arrival, Host};
use super::inventory::Entry;
use super::link::Link;
use super::pane::Feed;
use super::probe::{self, ProbeError};
use super::proto::{Nonce, RowReader, row_format};
use crate::model::{HostState, PaneKey};
use std::time::Duration;
use tokio::time::Instant;

/// How often a quiet moment to attach is looked for.
const NEXT_MOMENT: Duration = Duration::from_secs(2);
/// How often control mode is tried again where it failed.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// How many rows of history a poll looks at beside the screen.
const ROWS: u32 = 200;

impl Host {
    /// Control mode can't be used now: the panes are polled.
    pub fn start_polling(&mut self, entries: Vec<Entry>, why: &str) {
        let began = self.link != Link::Polling;
        self.link = Link::Polling;
        self.forgive(Instant::now());
        self.say(HostState::Polling, why);
        self.apply(entries);
        if began {
            self.plan_upkeep();
            self.poll_again();
        }
        if self.server.as_ref().is_some_and(|server| server.version.has_control()) {
            self.attacher.hope();
            let at = Instant::now() + if self.awaits_quiet { NEXT_MOMENT } else { TRY_AGAIN };
            self.times.probe = Some(at);
            self.wake_at(at);
        }
    }

    fn poll_again(&mut self) {
        let at = Instant::now() + self.poll_interval();
        self.times.poll = Some(at);
        self.wake_at(at);
    }

    /// Starts one round.
    pub fn poll(&mut self) {
        if self.link != Link::Polling {
            return;
        }
        let (transport, nonce, arrivals) = (self.spec.transport.clone(), self.nonce.clone(), self.arrivals.clone());
        tokio::spawn(async move {
            let result = probe::list(&transport, &nonce).await;
            let _ = arrivals.send(Arrival::Polled(Box::new(result))).await;
        });
    }

    /// The round's listing arrived: its panes are captured.
    pub fn polled(&mut self, result: Result<Vec<Entry>, ProbeError>) {
        if self.link != Link::Polling {
            return;
        }
        let entries = match result {
            Ok(entries) => entries,
            Err(error) => {
                self.link = Link::Down;
                match error {
                    ProbeError::NoServer => {
                        self.forget_server();
                        self.say(HostState::NoServer, "no tmux server runs there; it is looked for again");
                    }
                    ProbeError::Unreachable(why) => self.lose_host(&why),
                }
                self.probe_later(if self.spec.transport.is_local() { 1000 } else { LONGEST_PAUSE });
                return;
            }
        };
        let life = entries.first().map(|first| (first.server_pid, first.start_time.clone()));
        if self.server.as_ref().map(|server| &server.life) != life.as_ref() {
            self.link = Link::Down;
            self.forget_server();
            self.probe();
            return;
        }
        self.apply(entries);
        let panes: Vec<PaneKey> = self.panes.values().map(|pane| pane.info.key.clone()).collect();
        let (transport, nonce, arrivals) = (self.spec.transport.clone(), self.nonce.clone(), self.arrivals.clone());
        tokio::spawn(async move {
            let captures = capture_all(&transport, &nonce, panes).await;
            let _ = arrivals.send(Arrival::Captured(captures)).await;
        });
    }

    /// The round's captures arrived.
    pub fn captured(&mut self, captures: Vec<(PaneKey, Capture)>) {
        if self.link != Link::Polling {
            return;
        }
        let now = self.clock.now();
        let mut shown = Vec::new();
        for (key, capture) in captures {
            let Some(pane) = self.panes.get_mut(&key.pane).filter(|pane| pane.info.key == key) else { continue };
            if pane.feed == Feed::Polled && pane.screen == capture.visible {
                continue;
            }
            let past = match &pane.feed {
                Feed::Unread(past) | Feed::CatchingUp(past) => past.clone(),
                Feed::Stream | Feed::Piped | Feed::Polled => {
                    pane.voice.last_output = Some(now);
                    Past::Read
                }
            };
            pane.feed = Feed::Polled;
            Self::catch_up(pane, &past, capture, ROWS, &mut self.outlet);
            let open = pane.screen.last().cloned().unwrap_or_default();
            if past != Past::Old && open != pane.polled {
                pane.pause(&mut self.outlet);
            }
            pane.polled = open;
            if self.views.iter().any(|view| view.pane == key) {
                shown.push((key, pane.screen.clone()));
            }
        }
        for (key, rows) in shown {
            self.show(&key, rows);
        }
        self.surface_soon();
        self.poll_again();
    }
}

/// Captures panes by one forked command each, so that one that is gone spoils no other.
async fn capture_all(transport: &Transport, nonce: &Nonce, panes: Vec<PaneKey>) -> Vec<(PaneKey, Capture)> {
    let facts = row_format(
        nonce,
        &["#{pane_pid}", "#{alternate_on}", "#{history_size}", "#{history_limit}", "#{cursor_x}", "#{cursor_y}"],
    );
    let from = format!("-{ROWS}");
    let border = row_format(nonce, &["border"]);
    let mut out = Vec::new();
    for key in panes {
        let target = key.pane.to_string();
        let words = [
            "display-message",
            "-p",
            "-t",
            &target,
            &facts,
            ";",
            "capture-pane",
            "-p",
            "-t",
            &target,
            ";",
            "display-message",
            "-p",
            &border,
            ";",
            "capture-pane",
            "-p",
            "-J",
            "-S",
            &from,
            "-t",
            &target,
        ];
        let Ok(printed) = fork::run(&transport.command(&words)).await else { continue };
        if let Some(capture) = read(nonce, &printed.output) {
            out.push((key, capture));
        }
    }
    out
}

/// Reads one pane's facts, visible rows and logical lines, parted by the border row.
fn read(nonce: &Nonce, output: &[u8]) -> Option<Capture> {
    let mut lines = output.strip_suffix(b"\n").unwrap_or(output).split(|&byte| byte == b'\n');
    let mut rows = RowReader::new(nonce.clone());
    let facts = lines.by_ref().find_map(|line| rows.push(line))?;
    let border = row_format(nonce, &["border"]).into_bytes();
    let visible = lines.by_ref().take_while(|line| *line != border).map(text).collect();
    Capture::new(&facts, visible, lines.map(text).collect())
}
