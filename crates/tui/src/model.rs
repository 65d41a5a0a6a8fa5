//! What a screen knows: the newest snapshot, where the cursor is, what is open over it.
//!
//! **Invariants:** selections are identities, never positions; nothing here is drawn or sent; time is what the last
//! message brought.

mod lists;
mod overlay;
mod select;

pub use lists::{RunRow, StageRef};
pub use overlay::{
    Confirm, EnterAfter, Explanation, Input, InputKind, Overlay, Page, Pick, PickItem, SendMode, Starting,
    written_steps,
};
pub use select::{Direction, Panel};

use super::keymap::{Context, Keymap};
use super::msg::Mouse;
use super::theme::Theme;
use jiff::tz::TimeZone;
use ratatui::text::Text as StyledText;
use std::collections::BTreeMap;
use tmuxagent_model::{
    Approval, ApprovalId, ApprovalState, Doubt, Millis, PaneKey, PaneView, Severity, Snapshot, Timestamp,
};
use tmuxagent_text::Lang;

/// An approval must have been in view, unchanged and under the cursor, for so long before a key decides it: a key
/// already under way when it appeared was meant for something else.
pub const LOOK: Millis = Millis(300);

/// How this screen stands to its supervisor and its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It runs in the supervisor's process: leaving ends the supervisor, and stopping would stop it.
    Main,
    /// A view in a terminal of its own.
    View,
    /// A view in a tmux popup, where nothing could resume it.
    Popup,
}

/// What a screen is made with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Main or view.
    pub role: Role,
    /// The language to begin with.
    pub lang: Lang,
    /// The look.
    pub theme: Theme,
    /// The bindings.
    pub keymap: Keymap,
    /// The zone of the clock.
    pub zone: TimeZone,
    /// The program's version, shown beside the supervisor's.
    pub version: String,
    /// What is to be said first.
    pub remark: Option<String>,
    /// The user's name, as decisions have it; empty where it is not known.
    pub user: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            role: Role::View,
            lang: Lang::En,
            theme: Theme::default(),
            keymap: Keymap::default(),
            zone: TimeZone::UTC,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            remark: None,
            user: String::new(),
        }
    }
}

/// Whether the supervisor is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LinkState {
    /// A first attempt is under way.
    #[default]
    Connecting,
    /// It is.
    Up,
    /// It is gone.
    Lost {
        /// Why.
        reason: String,
        /// When the next attempt is made.
        retry_at: Timestamp,
    },
}

/// The screen of the watched pane.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail {
    /// The pane.
    pub pane: PaneKey,
    /// Its screen.
    pub text: StyledText<'static>,
}

/// A passing remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// How much it matters.
    pub severity: Severity,
    /// The remark, sanitised.
    pub text: String,
    /// When it goes.
    pub until: Timestamp,
}

/// What an open request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Command,
    Explain,
    Events,
    Subscribe,
    Watch,
}

/// What became of a question since a dialog showed it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Overtaken<'m> {
    /// It is known no more.
    Gone,
    /// It was decided or has expired.
    Closed(&'m Approval),
    /// It asks something else now.
    Changed,
}

/// What the next decision would be about, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Attention {
    /// Approval and revision.
    pub target: Option<(ApprovalId, u32)>,
    /// Since when, unless the user himself went there.
    pub since: Option<Timestamp>,
    /// When each open approval's present revision came into view.
    pub seen: BTreeMap<ApprovalId, (u32, Timestamp)>,
}

/// How far a dialog that decides has been read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The dialog, without what is being typed into it.
    pub(crate) about: Option<Overlay>,
    /// Rows scrolled down.
    pub scroll: u16,
    /// Whether its end has been on the screen.
    pub to_the_end: bool,
}

/// Everything a screen knows.
#[derive(Debug, Clone)]
pub struct Model {
    /// How it was made; the language may change.
    pub setup: Setup,
    /// The steady clock's time at the last message.
    pub now: Timestamp,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Whether the supervisor is there.
    pub link: LinkState,
    /// The newest picture; stays while the supervisor is gone.
    pub snapshot: Option<Box<Snapshot>>,
    /// How far the supervisor's clock is ahead of this one's, milliseconds; 0 when they agree within two seconds.
    pub(crate) skew: i64,
    /// How far the system's time is ahead of the steady clock's, milliseconds; it was set since the start.
    pub(crate) drift: i64,
    /// The panel that has the keys.
    pub panel: Panel,
    /// Whether that panel has the whole screen.
    pub zoomed: bool,
    /// The pane under the cursor.
    pub pane: Option<PaneKey>,
    /// The run or stage under the cursor.
    pub stage: Option<StageRef>,
    /// The approval under the cursor.
    pub approval: Option<ApprovalId>,
    /// Words that everything shown must hold.
    pub filter: String,
    /// What is open over the panels, topmost last.
    pub overlays: Vec<Overlay>,
    /// The live screen.
    pub tail: Option<Tail>,
    /// Rows that the live screen is scrolled up.
    pub tail_scroll: u16,
    /// Passing remarks, newest last.
    pub toasts: Vec<Toast>,
    /// Whether the mouse is captured.
    pub mouse: Mouse,
    pub(crate) attention: Attention,
    /// How far the dialog on top has been read.
    pub reading: Reading,
    pub(crate) watched: Option<PaneKey>,
    pub(crate) next_request: u64,
    pub(crate) asked: BTreeMap<u64, Asked>,
    /// Of the last wish nobody can say whether it is done.
    pub(crate) doubt: Option<Doubt>,
}

impl Model {
    /// A screen that knows nothing yet.
    #[must_use]
    pub fn new(setup: Setup, size: (u16, u16), now: Timestamp) -> Self {
        Self {
            setup,
            now,
            size,
            link: LinkState::default(),
            snapshot: None,
            skew: 0,
            drift: 0,
            panel: Panel::Panes,
            zoomed: false,
            pane: None,
            stage: None,
            approval: None,
            filter: String::new(),
            overlays: Vec::new(),
            tail: None,
            tail_scroll: 0,
            toasts: Vec::new(),
            mouse: Mouse::default(),
            attention: Attention::default(),
            reading: Reading::default(),
            watched: None,
            next_request: 1,
            asked: BTreeMap::new(),
            doubt: None,
        }
    }

    /// Whether a wish has no answer yet.
    #[must_use]
    pub fn awaits_answer(&self) -> bool {
        self.asked.values().any(|asked| *asked == Asked::Command)
    }

    /// The language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.setup.lang
    }

    /// The look.
    #[must_use]
    pub const fn theme(&self) -> Theme {
        self.setup.theme
    }

    /// The supervisor's time: what elapsed times are counted with.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        Timestamp(self.now.0.saturating_add(self.skew))
    }

    /// What this machine's clocks show. Nothing is counted with it.
    #[must_use]
    pub const fn time_of_day(&self) -> Timestamp {
        Timestamp(self.now.0.saturating_add(self.drift))
    }

    /// Where a key is pressed now.
    #[must_use]
    pub fn context(&self) -> Context {
        match self.overlays.last() {
            None => Context::Screen,
            Some(Overlay::Page { .. } | Overlay::Held { .. } | Overlay::Pick(_)) => Context::Overlay,
            Some(Overlay::Confirm(_)) => Context::Confirm,
            Some(Overlay::Input(_) | Overlay::Notice(_)) => Context::Input,
        }
    }

    /// A pane of the snapshot.
    #[must_use]
    pub fn pane_view(&self, key: &PaneKey) -> Option<&PaneView> {
        self.snapshot.as_ref()?.panes.iter().find(|pane| &pane.info.key == key)
    }

    /// An approval of the snapshot, also a closed one.
    #[must_use]
    pub fn approval_view(&self, id: &ApprovalId) -> Option<&Approval> {
        self.snapshot.as_ref()?.approvals.iter().find(|approval| &approval.id == id)
    }

    /// Why a question can't be decided as it was seen any more.
    #[must_use]
    pub fn overtaken(&self, seen: &Approval) -> Option<Overtaken<'_>> {
        match self.approval_view(&seen.id) {
            None => Some(Overtaken::Gone),
            // What is to be taken back was approved when it was seen.
            Some(now) if seen.state != ApprovalState::Pending => {
                (!now.can_be_taken_back(self.time())).then_some(Overtaken::Closed(now))
            }
            Some(now) if now.state != ApprovalState::Pending => Some(Overtaken::Closed(now)),
            Some(now) if now.revision != seen.revision => Some(Overtaken::Changed),
            Some(_) => None,
        }
    }

    /// Whether the topmost dialog decides nothing any more. It stays open: what is still being typed into it is meant for
    /// nothing else.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.overlays.last().and_then(Overlay::decides).is_some_and(|seen| self.overtaken(seen).is_some())
    }

    /// How many approvals are open.
    #[must_use]
    pub fn n_pending(&self) -> usize {
        let pending = |approval: &&Approval| approval.state == ApprovalState::Pending;
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.approvals.iter().filter(pending).count())
    }

    /// The one approval that panel, selection and keys speak of: the one that is shown whole, on the page of a run or
    /// stage its own, else the one under the cursor (see `settle_cursors`).
    #[must_use]
    pub fn the_approval(&self) -> Option<&Approval> {
        let page = self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Page { page, .. } => Some(page),
            _ => None,
        });
        let id = match page {
            Some(Page::Approval(id)) => id,
            Some(Page::Stage(stage) | Page::Explain { stage, .. }) => return self.asked_by(stage),
            _ => self.approval.as_ref()?,
        };
        self.approval_view(id)
    }

    /// What a decision would be about: that approval, as long as it is open.
    #[must_use]
    pub fn target(&self) -> Option<&Approval> {
        self.the_approval().filter(|approval| approval.state == ApprovalState::Pending)
    }

    /// What a no takes back: that approval, as long as its yes is not done.
    #[must_use]
    pub fn undoable(&self) -> Option<&Approval> {
        let now = self.time();
        self.the_approval().filter(|approval| approval.can_be_taken_back(now))
    }

    /// Whether a decision of the user's would count, by who may decide.
    #[must_use]
    pub fn may_decide(&self, approval: &Approval) -> bool {
        self.setup.user.is_empty() || approval.is_for(&self.setup.user)
    }

    /// Whether an approval has been in view long enough to be decided.
    #[must_use]
    pub fn is_looked_at(&self, approval: &Approval) -> bool {
        let rested = |since: Timestamp| self.now.since(since) >= LOOK;
        let seen = self
            .attention
            .seen
            .get(&approval.id)
            .is_some_and(|&(revision, since)| revision == approval.revision && rested(since));
        seen && self.attention.since.is_none_or(rested)
    }

    /// When the picture changes by itself: the next second while something counts, else the next minute of the clock.
    #[must_use]
    pub fn next_tick(&self) -> Timestamp {
        let period = if self.counts_seconds() { 1_000 } else { 60_000 };
        let next = self.time_of_day().0.div_euclid(period).saturating_add(1).saturating_mul(period);
        Timestamp(next.saturating_sub(self.drift))
    }

    /// Whether something visible changes each second.
    fn counts_seconds(&self) -> bool {
        if !self.toasts.is_empty() || matches!(self.link, LinkState::Lost { .. }) {
            return true;
        }
        let Some(snapshot) = &self.snapshot else { return false };
        let now = self.time();
        // Of what is older than a minute the minutes are shown.
        let fresh = |at: Timestamp| now.since(at) < Millis::from_secs(60);
        let ticks = |approval: &Approval| {
            let soon = |at: Timestamp| at.since(now) < Millis::from_secs(3600);
            let open = approval.state == ApprovalState::Pending
                && (fresh(approval.asked_at) || approval.expires_at.is_some_and(soon));
            open || approval.can_be_taken_back(now)
        };
        snapshot.runs.iter().flat_map(|run| &run.stages).any(|stage| stage.state.is_live())
            || snapshot.approvals.iter().any(ticks)
            || snapshot.panes.iter().any(|pane| pane.last_output.is_some_and(fresh))
            || snapshot.hosts.iter().any(|host| fresh(host.since))
    }
}
