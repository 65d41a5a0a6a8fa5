//! What panes there are: `list-panes -a` as rows, and the choice of what is watched through which session.

use super::pane::Pane;
use crate::HostSpec;
use crate::proto::{Nonce, Row, row_format};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;
use tmuxagent_model::{HostName, PaneFacts, PaneId, PaneInfo, PaneKey, ServerId, SessionId, WindowId};

/// The fields of a pane's row; the order is that of [`Entry::read`].
const FIELDS: [&str; 21] = [
    "#{version}",
    "#{@tmuxagent_server}",
    "#{pid}",
    "#{start_time}",
    "#{session_id}",
    "#{session_activity}",
    "#{window_id}",
    "#{window_index}",
    "#{pane_id}",
    "#{pane_index}",
    "#{pane_pid}",
    "#{pane_dead}",
    "#{pane_in_mode}",
    "#{alternate_on}",
    "#{pane_width}",
    "#{pane_height}",
    "#{session_name}",
    "#{window_name}",
    "#{pane_title}",
    "#{pane_current_command}",
    "#{pane_current_path}",
];
/// The pane option that names a pane's role; older servers know no pane options, so it is asked for apart.
const ROLE: &str = "#{@tmuxagent_role}";

/// The pane option that keeps a pane out of the recordings, `off`.
const RECORD: &str = "#{@tmuxagent_record}";

/// Whether the pane's output goes into a pipe.
const PIPE: &str = "#{pane_pipe}";

/// The session option with which a session that a control client of a supervisor keeps is marked.
pub(crate) const OWN_MARK: &str = "@tmuxagent_watch";

/// Whether nothing but our own program stands in that session: what somebody else put there is his. The word is a part of
/// the command that our window was made with.
pub(crate) const ALONE: &str =
    "#{&&:#{&&:#{==:#{session_windows},1},#{==:#{window_panes},1}},#{m:*-keeper-*,#{pane_start_command}}}";
const OWN_SESSION: &str = "#{@tmuxagent_watch}";

/// Whether a program of ours runs in the pane, which keeps such a session.
const KEEPER: &str = "#{m:*-keeper-*,#{pane_start_command}}";

/// The format of a listing.
pub(crate) fn listing_format(nonce: &Nonce) -> String {
    let mut fields = FIELDS.to_vec();
    fields.extend([ROLE, RECORD, PIPE, OWN_SESSION, KEEPER, "#{window_active}"]);
    row_format(nonce, &fields)
}

/// The windows of the whole server with the panes in them and their sizes. Where this or [`PANES`] changes, a listing is due.
pub(super) const WINDOWS: &str = "#{S:#{session_id} #{W:#{window_id} #{window_visible_layout} }}";

/// What else no notification tells of its panes: not names and modes, which have their own; and not commands and folders, which
/// no program changes without printing something. Each field of a pane costs the server more than a microsecond.
pub(super) const PANES: &str = concat!(
    "#{S:#{W:#{P:#{pane_id} #{pane_pid} #{pane_dead} #{pane_width} #{pane_height} #{pane_pipe} #{pane_title} ",
    "#{@tmuxagent_role} #{@tmuxagent_record} }}}"
);

/// The same for a subscription, which the server expands once a second.
pub(super) fn news_format(nonce: &Nonce) -> String {
    row_format(nonce, &[WINDOWS, PANES])
}

/// One row of a listing: a pane in one of the sessions that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub version: String,
    pub server: String,
    pub server_pid: u32,
    pub start_time: String,
    pub session: SessionId,
    pub session_activity: u64,
    pub window: WindowId,
    pub window_index: u32,
    pub pane: PaneId,
    pub pane_index: u32,
    pub pid: u32,
    pub dead: bool,
    pub in_mode: bool,
    pub alternate: bool,
    pub width: u16,
    pub height: u16,
    pub facts: PaneFacts,
    /// Its wish about recordings, mostly empty.
    pub record: String,
    /// Its output goes into a pipe.
    pub piped: bool,
    /// The session is there for a control client of a supervisor, and is none of the user's.
    pub own: bool,
    /// What keeps such a session runs in the pane.
    pub keeper: bool,
    /// Its window is its session's current one.
    pub current: bool,
}

impl Entry {
    /// Reads a row; `None` where it has not the form that was asked for.
    pub fn read(row: &Row) -> Option<Self> {
        let text = |index: usize| row.get(index).map(|field| String::from_utf8_lossy(field).into_owned());
        let on = |index: usize| text(index).map(|field| !matches!(field.as_str(), "" | "0"));
        Some(Self {
            version: text(0)?,
            server: text(1)?,
            server_pid: text(2)?.parse().ok()?,
            start_time: text(3)?,
            session: text(4)?.parse().ok()?,
            session_activity: text(5)?.parse().unwrap_or(0),
            window: text(6)?.parse().ok()?,
            window_index: text(7)?.parse().ok()?,
            pane: text(8)?.parse().ok()?,
            pane_index: text(9)?.parse().ok()?,
            // Newer versions give a dead pane no pid.
            pid: text(10)?.parse().unwrap_or(0),
            dead: on(11)?,
            in_mode: on(12)?,
            alternate: on(13)?,
            width: text(14)?.parse().ok()?,
            height: text(15)?.parse().ok()?,
            facts: PaneFacts {
                session: text(16)?,
                window: text(17)?,
                title: text(18)?,
                command: text(19)?,
                path: text(20)?,
                role: text(21)?,
                agent: String::new(),
            },
            record: text(22).unwrap_or_default(),
            piped: on(23).unwrap_or(false),
            own: on(24).unwrap_or(false),
            keeper: on(25).unwrap_or(false),
            current: on(26).unwrap_or(false),
        })
    }

    /// The server's `pid` and start time.
    pub fn life(&self) -> (u32, String) {
        (self.server_pid, self.start_time.clone())
    }

    /// The pane as the rest of the program knows it.
    pub fn info(&self, host: &HostName, server: &ServerId) -> PaneInfo {
        PaneInfo {
            key: PaneKey { host: host.clone(), server: server.clone(), pane: self.pane, pid: self.pid },
            session_id: self.session,
            window_id: self.window,
            window_index: self.window_index,
            pane_index: self.pane_index,
            facts: self.facts.clone(),
            dead: self.dead,
            in_mode: self.in_mode,
            alternate: self.alternate,
            width: self.width,
            height: self.height,
        }
    }
}

/// What is known of a server's panes.
#[derive(Debug)]
pub(super) struct Inventory {
    pub panes: HashMap<PaneId, Pane>,
    /// Every pane that was ever listed on this server; tmux never gives an id again.
    pub known: HashSet<PaneId>,
    /// Sessions that show each pane, as of the last listing.
    pub shown_by: HashMap<PaneId, Vec<SessionId>>,
    /// Sessions with their last activity, as of the last listing.
    pub sessions: BTreeMap<SessionId, u64>,
    /// Output of panes that no listing has named yet.
    pub strangers: HashMap<PaneId, Vec<u8>>,
    pub excluded: BTreeSet<PaneId>,
    /// A listing was read since the link is up.
    pub complete: bool,
    pub listing: bool,
    pub list_again: bool,
    pub last_list: Instant,
    /// What no notification tells of windows and of panes, as of the last answers.
    pub news: [Vec<Vec<u8>>; 2],
    /// So many answers were the same, and nothing happened meanwhile.
    pub without_news: u32,
}

impl Inventory {
    pub fn new(excluded: BTreeSet<PaneId>, now: Instant) -> Self {
        Self {
            panes: HashMap::new(),
            known: HashSet::new(),
            shown_by: HashMap::new(),
            sessions: BTreeMap::new(),
            strangers: HashMap::new(),
            excluded,
            complete: false,
            listing: false,
            list_again: false,
            last_list: now,
            news: Default::default(),
            without_news: 0,
        }
    }
}

/// All panes of a server, each once, with the session that it is watched through.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Every pane, watched or not.
    pub panes: BTreeMap<PaneId, Listed>,
    /// Every session with its last activity.
    pub sessions: BTreeMap<SessionId, u64>,
}

/// A pane of a [`Listing`].
#[derive(Debug)]
pub(super) struct Listed {
    /// Its row in the session that it is watched through.
    pub entry: Entry,
    /// Whether it is watched.
    pub chosen: bool,
    /// Whether one of its sessions passes the filters.
    pub in_session: bool,
    /// All sessions that show it.
    pub sessions: Vec<SessionId>,
}

impl Listing {
    /// Sorts rows out. A window may be linked into several sessions; it is watched through one of them: one that
    /// passes the filters, that a client of ours reads already (`has_client`), and the oldest of these.
    pub fn new(spec: &HostSpec, entries: Vec<Entry>, has_client: &dyn Fn(SessionId) -> bool) -> Self {
        let mut out = Self::default();
        let rank = |chosen: bool, session: SessionId| (!chosen, !has_client(session), session);
        for mut entry in entries {
            out.sessions.insert(entry.session, entry.session_activity);
            let facts = &mut entry.facts;
            let chosen = spec.chooses(&facts.session, &facts.window, &facts.title);
            let in_session = spec.session_filters.holds([facts.session.as_str()]);
            facts.agent = (spec.recognise)(facts);
            match out.panes.get_mut(&entry.pane) {
                None => {
                    let sessions = vec![entry.session];
                    out.panes.insert(entry.pane, Listed { entry, chosen, in_session, sessions });
                }
                Some(other) => {
                    other.sessions.push(entry.session);
                    other.in_session |= in_session;
                    if rank(chosen, entry.session) < rank(other.chosen, other.entry.session) {
                        other.entry = entry;
                        other.chosen = chosen;
                    }
                }
            }
        }
        out
    }
}
