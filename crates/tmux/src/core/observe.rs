//! Notifications and listings of a host's server.

use super::client::ClientId;
use super::inventory::{Entry, PANES, WINDOWS, listing_format};
use super::link::Link;
use super::pane::PAUSE;
use super::pipes::raw_line;
use super::{HostCore, Purpose};
use crate::proto::{Notice, Reply, RowReader, quote};
use std::time::Duration;

/// Listings that output alone gives reason for come no more often than this.
pub(super) const LIST_EVERY: Duration = Duration::from_secs(1);
/// Notifications come in bursts; one listing answers them all.
const BURST: Duration = Duration::from_millis(20);
/// How often it is asked what no notification tells.
pub(super) const NEWS: Duration = Duration::from_secs(1);
/// Where nothing happens, panes are asked for only every so many times: it costs the server several times as much as windows,
/// more than half a millisecond where it has forty.
const CALM: u32 = 4;
/// Without subscriptions (tmux before 3.2) the panes are listed this often.
const LIST_WITHOUT_NEWS: Duration = Duration::from_secs(2);

impl HostCore {
    /// A notification arrived.
    pub fn noticed(&mut self, id: ClientId, notice: Notice) {
        self.inventory.without_news = 0;
        match notice {
            Notice::SessionChanged(session) => self.session_changed(id, session),
            Notice::ClientSessionChanged(name, session) => self.client_moved(&name, session),
            Notice::ClientDetached(name) => {
                if !self.is_ours(&name) {
                    self.attacher.disturbed(self.now);
                }
            }
            Notice::SessionsMoved => {
                self.attacher.disturbed(self.now);
                self.list_soon(BURST);
            }
            Notice::ModeChanged(pane) => {
                self.attacher.disturbed(self.now);
                self.list_soon(BURST);
                // It takes the keys, or gives them back, and nothing is printed.
                self.reader_touched(pane);
            }
            Notice::WindowsMoved | Notice::Rows { .. } => self.list_soon(BURST),
            Notice::Exit(reason) => {
                if let Some(attached) = self.clients.get_mut(&id) {
                    attached.exit = Some(reason);
                }
            }
            Notice::Paused(_) | Notice::Continued(_) | Notice::Unknown(_) => {}
        }
    }

    /// Whether a client is one of ours, by its name.
    pub fn is_ours(&self, client: &str) -> bool {
        let pid = client.strip_prefix("client-").and_then(|pid| pid.parse::<u32>().ok());
        pid.is_some() && self.clients.values().any(|attached| attached.pid == pid)
    }

    /// Lists the panes after `pause`, if control mode is up.
    pub fn list_soon(&mut self, pause: Duration) {
        let at = self.now + pause;
        if self.times.list.is_none_or(|planned| planned > at) {
            self.times.list = Some(at);
            self.wake_at(at);
        }
    }

    /// Lists the panes, at least `gap` after the last time.
    pub fn list_by(&mut self, gap: Duration) {
        let at = (self.inventory.last_list + gap).max(self.now + PAUSE);
        if self.times.list.is_none_or(|planned| planned > at) {
            self.times.list = Some(at);
            self.wake_at(at);
        }
    }

    /// Asks what no notification tells. A subscription would have the server ask itself once a second, and before tmux 3.7
    /// its timer crashes the server when it comes due in the instant in which the client's session has ended.
    pub fn ask_news(&mut self) {
        let ready = self.clients.iter().find(|(_, attached)| attached.is_ready()).map(|(&id, _)| id);
        let full = self.server.as_ref().is_some_and(|server| server.version.is_full());
        let Some(id) = ready.filter(|_| full && self.link == Link::Control && self.spec.transport.is_local()) else {
            return;
        };
        let calm = self.inventory.without_news;
        let panes = (calm < CALM || calm.is_multiple_of(CALM)).then_some(PANES);
        let formats = [WINDOWS].into_iter().chain(panes);
        let lines = formats.map(|format| format!("{} ; display-message -p {}", raw_line(&self.nonce), quote(format)));
        self.request(id, &lines.collect::<Vec<_>>().join(" ; "), Purpose::News);
        self.times.news = Some(self.now + NEWS);
    }

    /// The answer: where it is another than the last, a listing is due.
    pub fn news(&mut self, reply: &Reply) {
        let told: Vec<Vec<Vec<u8>>> = reply.announced(&self.nonce).map(|block| block.rows.clone()).collect();
        let mut same = !told.is_empty();
        for (known, rows) in self.inventory.news.iter_mut().zip(told) {
            same &= *known == rows;
            *known = rows;
        }
        if same {
            self.inventory.without_news = self.inventory.without_news.wrapping_add(1);
        } else {
            self.inventory.without_news = 0;
            self.list_soon(Duration::ZERO);
        }
    }

    /// Asks for a listing.
    pub fn list(&mut self) {
        if self.link != Link::Control {
            return;
        }
        if self.inventory.listing {
            self.inventory.list_again = true;
            return;
        }
        let ready = self.clients.iter().find(|(_, attached)| attached.is_ready());
        let Some(id) = ready.map(|(&id, _)| id) else { return };
        self.inventory.listing = true;
        self.inventory.list_again = false;
        self.inventory.last_list = self.now;
        let line = format!("{} ; list-panes -a -F {}", raw_line(&self.nonce), quote(listing_format(&self.nonce)));
        self.request(id, &line, Purpose::List);
        if self.server.as_ref().is_some_and(|server| !server.version.is_full()) {
            self.list_soon(LIST_WITHOUT_NEWS);
        }
    }

    /// A listing arrived.
    pub fn listed(&mut self, reply: &Reply) {
        self.inventory.listing = false;
        let mut reader = RowReader::new(self.nonce.clone());
        let mut entries: Vec<Entry> = reply
            .announced(&self.nonce)
            .flat_map(|block| &block.rows)
            .filter_map(|line| reader.push(line))
            .filter_map(|row| Entry::read(&row))
            .collect();
        let any = !entries.is_empty();
        let strays = self.strays(&entries);
        entries.retain(|entry| !entry.own);
        if any && entries.is_empty() {
            self.end_own_session();
        } else if any {
            let listed: Vec<ClientId> =
                self.clients.iter().filter(|(_, attached)| attached.session.is_some()).map(|(&id, _)| id).collect();
            self.apply(entries);
            self.bring_home(strays);
            for id in listed {
                if let Some(attached) = self.clients.get_mut(&id) {
                    attached.listed = true;
                }
            }
        }
        if std::mem::take(&mut self.inventory.list_again) {
            self.list_soon(Duration::ZERO);
        }
    }
}
