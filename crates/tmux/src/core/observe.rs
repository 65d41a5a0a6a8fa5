//! Notifications and listings of a host's server.

use super::client::ClientId;
use super::inventory::{Entry, listing_format, news_format};
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
/// How often it is asked what no notification tells, while anything happens there.
pub(super) const NEWS: Duration = Duration::from_secs(1);
/// While nothing does, so many times as long: each answer costs the server a millisecond where it has forty panes.
const CALM: u32 = 4;
/// Without subscriptions (tmux before 3.2) the panes are listed this often.
const LIST_WITHOUT_NEWS: Duration = Duration::from_secs(2);

impl HostCore {
    /// A notification arrived.
    pub fn noticed(&mut self, id: ClientId, notice: Notice) {
        self.news_soon();
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
        let line = format!("{} ; display-message -p {}", raw_line(&self.nonce), quote(news_format(&self.nonce)));
        self.request(id, &line, Purpose::News);
        self.times.news = Some(self.now + NEWS * (self.inventory.without_news + 1).min(CALM));
    }

    /// Something happens there: what no notification tells may change too.
    pub(super) fn news_soon(&mut self) {
        self.inventory.without_news = 0;
        let at = self.now + NEWS;
        if self.times.news.is_some_and(|planned| planned > at) {
            self.times.news = Some(at);
            self.wake_at(at);
        }
    }

    /// The answer: where it is another than the last, a listing is due.
    pub fn news(&mut self, reply: &Reply) {
        let rows = reply.announced(&self.nonce).next().map(|block| block.rows.clone()).unwrap_or_default();
        if self.inventory.news == rows {
            self.inventory.without_news = self.inventory.without_news.saturating_add(1);
        } else {
            self.inventory.news = rows;
            self.news_soon();
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
