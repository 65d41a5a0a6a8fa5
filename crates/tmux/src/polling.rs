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
use super::proto::{Nonce, Row, RowReader, row_format};
use std::time::Duration;
use tmuxagent_model::{HostState, PaneKey};
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
            let result = probe::list_again(&transport, &nonce).await;
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
        let life = entries.first().map(Entry::life);
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
    pub fn captured(&mut self, captures: Result<Vec<(PaneKey, Capture)>, ProbeError>) {
        if self.link != Link::Polling {
            return;
        }
        let captures = match captures {
            Ok(captures) => captures,
            Err(error) => return self.polled(Err(error)),
        };
        let now = self.clock.now();
        let mut shown = Vec::new();
        // Before 3.0 `capture-pane -J` fills lines up with blanks that nobody printed.
        let padded = self.server.as_ref().is_some_and(|server| !server.version.has_control());
        for (key, mut capture) in captures {
            if padded {
                capture.logical.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
            }
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

/// Captures panes by one shell script, so that a remote host is asked once per round; a pane that is gone spoils no
/// other.
///
/// # Errors
/// When the machine can't be asked.
async fn capture_all(
    transport: &Transport,
    nonce: &Nonce,
    panes: Vec<PaneKey>,
) -> Result<Vec<(PaneKey, Capture)>, ProbeError> {
    let facts = [
        "#{pane_pid}",
        "#{alternate_on}",
        "#{history_size}",
        "#{history_limit}",
        "#{cursor_x}",
        "#{cursor_y}",
        "#{pane_id}",
    ];
    let (facts, border, from) = (row_format(nonce, &facts), row_format(nonce, &["border"]), format!("-{ROWS}"));
    let mut out = Vec::new();
    // A command line has its limits (128 KiB in one word on Linux).
    for some in panes.chunks(100) {
        let script: Vec<String> = some.iter().map(|key| capture(transport, key, &facts, &border, &from)).collect();
        let asked = fork::run_within(&transport.shell(&script.join("; ")), fork::ROUND).await;
        let printed = asked.map_err(ProbeError::Unreachable)?;
        if !transport.is_local() && printed.code == Some(255) {
            return Err(probe::classify(printed, transport));
        }
        let found = read(nonce, &printed.output);
        let of = |id: &str| some.iter().find(|key| key.pane.to_string() == id).cloned();
        out.extend(found.into_iter().filter_map(|(id, capture)| Some((of(&id)?, capture))));
    }
    Ok(out)
}

fn capture(transport: &Transport, key: &PaneKey, facts: &str, border: &str, from: &str) -> String {
    let target = key.pane.to_string();
    let (ask, take) = (["display-message", "-p", "-t", &target, facts], ["capture-pane", "-p", "-t", &target]);
    let all = ["capture-pane", "-p", "-J", "-S", from, "-t", &target];
    let words = [&ask[..], &[";"], &take, &[";", "display-message", "-p", border, ";"], &all].concat();
    format!("{} 2>/dev/null", transport.there(&words))
}

/// Reads each pane's facts, visible rows and logical lines, parted by the border row; with the pane's id.
fn read(nonce: &Nonce, output: &[u8]) -> Vec<(String, Capture)> {
    let border = row_format(nonce, &["border"]).into_bytes();
    let mut rows = RowReader::new(nonce.clone());
    let mut panes: Vec<(Row, [Vec<String>; 2], usize)> = Vec::new();
    for line in output.strip_suffix(b"\n").unwrap_or(output).split(|&byte| byte == b'\n') {
        if line == border {
            if let Some((_, _, part)) = panes.last_mut() {
                *part = 1;
            }
        } else if let Some(facts) = rows.push(line) {
            panes.push((facts, Default::default(), 0));
        } else if let Some((_, texts, part)) = panes.last_mut() {
            texts[*part].push(text(line));
        }
    }
    let capture = |(facts, [visible, logical], part): (Row, [Vec<String>; 2], usize)| {
        let id = text(facts.get(6)?);
        // Without the border the pane went away in between.
        (part == 1).then(|| Capture::new(&facts, visible, logical)).flatten().map(|capture| (id, capture))
    };
    panes.into_iter().filter_map(capture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_output_holds_many_panes_and_a_lost_one_spoils_no_other() {
        let nonce = Nonce::new([3; 16]);
        let facts = |id: &str| row_format(&nonce, &["7", "0", "1", "100", "0", "1", id]);
        let border = row_format(&nonce, &["border"]);
        let text = format!(
            "{}\n$ a\n{border}\nold\n$ a\n{}\nhalf\n{}\n\n{border}\n%end 1 2 3\n",
            facts("%1"),
            facts("%2"),
            facts("%3")
        );
        let found = read(&nonce, text.as_bytes());
        let shown: Vec<(&str, &[String], &[String])> =
            found.iter().map(|(id, c)| (id.as_str(), c.visible.as_slice(), c.logical.as_slice())).collect();
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown,
            [
                ("%1", &texts(&["$ a"])[..], &texts(&["old", "$ a"])[..]),
                ("%3", &texts(&[""])[..], &texts(&["%end 1 2 3"])[..]),
            ]
        );
    }
}
