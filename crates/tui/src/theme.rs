//! The look: sixteen colours at most, chosen by meaning; signs that are one cell wide in every locale.
//!
//! Default foreground for what is read, dim for what stands behind, cyan for what goes on, green for good, yellow for
//! what to look at, red for failed, magenta for what waits for the human. Never a colour alone: each state also has a
//! sign and a word. `NO_COLOR` takes the colours away and leaves bold, dim and reverse.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use tmuxagent_model::{HostState, PaneState, RunState, Severity, StageState};

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Colours {
    /// None: `NO_COLOR` is set, or the terminal is `dumb`.
    None,
    /// The sixteen of ANSI; all that our own parts use.
    #[default]
    Sixteen,
    /// 256 or more; only the text of panes uses them.
    Many,
}

/// Which signs the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Unicode, only characters whose width is not ambiguous.
    #[default]
    Unicode,
    /// ASCII, for a locale that is not UTF-8.
    Ascii,
}

/// The look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theme {
    /// How many colours.
    pub colours: Colours,
    /// Which signs.
    pub glyphs: Glyphs,
}

/// What the environment says of the terminal: the values of `NO_COLOR`, `TERM`, `COLORTERM` and of the first set
/// among `LC_ALL`, `LC_CTYPE`, `LANG`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TerminalHints<'a> {
    /// `NO_COLOR`; any text that is not empty counts (no-color.org).
    pub no_color: Option<&'a str>,
    /// `TERM`.
    pub term: Option<&'a str>,
    /// `COLORTERM`.
    pub colorterm: Option<&'a str>,
    /// The locale of characters.
    pub locale: Option<&'a str>,
}

impl Theme {
    /// The look that fits a terminal.
    #[must_use]
    pub fn for_terminal(hints: TerminalHints<'_>) -> Self {
        let term = hints.term.unwrap_or_default();
        let many = term.contains("256color")
            || term.contains("direct")
            || hints.colorterm.is_some_and(|value| matches!(value, "truecolor" | "24bit"));
        let colours = if hints.no_color.is_some_and(|value| !value.is_empty()) || term == "dumb" {
            Colours::None
        } else if many {
            Colours::Many
        } else {
            Colours::Sixteen
        };
        let ascii = hints.locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            !(locale.is_empty() || locale.contains("utf-8") || locale.contains("utf8"))
        });
        Self { colours, glyphs: if ascii { Glyphs::Ascii } else { Glyphs::Unicode } }
    }

    fn colour(self, colour: Color) -> Style {
        match self.colours {
            Colours::None => Style::new(),
            Colours::Sixteen | Colours::Many => Style::new().fg(colour),
        }
    }

    /// What stands behind.
    #[must_use]
    pub const fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What stands out.
    #[must_use]
    pub const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Good.
    #[must_use]
    pub fn good(self) -> Style {
        self.colour(Color::Green)
    }

    /// Going on.
    #[must_use]
    pub fn busy(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// To look at.
    #[must_use]
    pub fn warn(self) -> Style {
        self.colour(Color::Yellow)
    }

    /// Failed.
    #[must_use]
    pub fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Waits for the human.
    #[must_use]
    pub fn ask(self) -> Style {
        self.colour(Color::Magenta).add_modifier(Modifier::BOLD)
    }

    /// The selected row of the panel that has the keys.
    #[must_use]
    pub const fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A banner over the whole width.
    #[must_use]
    pub fn banner(self) -> Style {
        self.warn().add_modifier(Modifier::REVERSED).add_modifier(Modifier::BOLD)
    }

    /// A panel's frame.
    #[must_use]
    pub fn frame(self, focus: Focus) -> Style {
        match focus {
            Focus::Here => self.busy().add_modifier(Modifier::BOLD),
            Focus::Elsewhere => self.dim(),
        }
    }

    /// The lines of a frame.
    #[must_use]
    pub const fn border(self) -> border::Set<'static> {
        match self.glyphs {
            Glyphs::Unicode => border::PLAIN,
            Glyphs::Ascii => border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            },
        }
    }

    /// Sign or its ASCII stand-in.
    #[must_use]
    pub const fn sign(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// What stands for text that was cut off.
    #[must_use]
    pub const fn ellipsis(self) -> &'static str {
        self.sign("…", "~")
    }

    /// The mark before the selected row.
    #[must_use]
    pub const fn cursor(self) -> &'static str {
        self.sign("›", ">")
    }

    /// Sign and style of a stage's state.
    #[must_use]
    pub fn stage(self, state: StageState) -> (&'static str, Style) {
        match state {
            StageState::Waiting => (self.sign("◦", "."), self.dim()),
            StageState::NeedsApproval => (self.sign("?", "?"), self.ask()),
            StageState::Queued => (self.sign("⋯", ":"), self.warn()),
            StageState::Starting => (self.sign("▹", ">"), self.busy()),
            StageState::Running => (self.sign("▸", ">"), self.busy()),
            StageState::Retrying => (self.sign("↻", "r"), self.warn()),
            StageState::Asking => (self.sign("?", "?"), self.ask()),
            StageState::Succeeded => (self.sign("✓", "+"), self.good()),
            StageState::Failed => (self.sign("✗", "x"), self.bad()),
            StageState::Escalated => (self.sign("⇡", "^"), self.bad()),
            StageState::Skipped => (self.sign("⇢", "-"), self.dim()),
            StageState::Cancelled => (self.sign("⊘", "/"), self.dim()),
            StageState::Rejected => (self.sign("⊗", "n"), self.warn()),
            StageState::Expired => (self.sign("⧖", "e"), self.warn()),
        }
    }

    /// Sign and style of a run's state.
    #[must_use]
    pub fn run(self, state: Option<RunState>) -> (&'static str, Style) {
        match state {
            None => (self.sign("◦", "."), self.dim()),
            Some(RunState::Open) => (self.sign("▸", ">"), self.busy()),
            Some(RunState::Succeeded) => (self.sign("✓", "+"), self.good()),
            Some(RunState::Failed) => (self.sign("✗", "x"), self.bad()),
            Some(RunState::Cancelled | RunState::Rejected | RunState::Expired) => (self.sign("⊘", "/"), self.dim()),
        }
    }

    /// Sign and style of a pane's state.
    #[must_use]
    pub fn pane(self, state: PaneState) -> (&'static str, Style) {
        match state {
            PaneState::NeedsApproval => (self.sign("?", "?"), self.ask()),
            PaneState::Failed => (self.sign("✗", "x"), self.bad()),
            PaneState::Retrying => (self.sign("↻", "r"), self.warn()),
            PaneState::Running => (self.sign("▸", ">"), self.busy()),
            PaneState::Done => (self.sign("✓", "+"), self.good()),
            PaneState::Idle => (self.sign("◦", "."), self.dim()),
            PaneState::Stale => (self.sign("⌁", "~"), self.warn()),
            PaneState::Dead => (self.sign("⊘", "/"), self.dim()),
        }
    }

    /// Sign and style of a host's state.
    #[must_use]
    pub fn host(self, state: HostState) -> (&'static str, Style) {
        match state {
            HostState::Connecting => (self.sign("◌", ":"), self.dim()),
            HostState::Live => (self.sign("◉", "*"), self.good()),
            HostState::Polling => (self.sign("◔", "%"), self.warn()),
            HostState::Watching => (self.sign("◍", "o"), self.warn()),
            HostState::Same => (self.sign("≣", "="), self.warn()),
            HostState::NoServer => (self.sign("◦", "."), self.warn()),
            HostState::Unreachable => (self.sign("✗", "x"), self.bad()),
        }
    }

    /// The style of an event.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Style {
        match severity {
            Severity::Info => Style::new(),
            Severity::Success => self.good(),
            Severity::Warning => self.warn(),
            Severity::Error => self.bad(),
        }
    }
}

/// Whether a panel has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// It has.
    Here,
    /// Another one has.
    Elsewhere,
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    const STAGES: [StageState; 14] = [
        StageState::Waiting,
        StageState::NeedsApproval,
        StageState::Queued,
        StageState::Starting,
        StageState::Running,
        StageState::Retrying,
        StageState::Asking,
        StageState::Succeeded,
        StageState::Failed,
        StageState::Escalated,
        StageState::Skipped,
        StageState::Cancelled,
        StageState::Rejected,
        StageState::Expired,
    ];

    #[test]
    fn signs_are_one_cell_wide_also_where_ambiguous_characters_are_two() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let theme = Theme { glyphs, ..Theme::default() };
            let mut signs: Vec<&str> = STAGES.iter().map(|&state| theme.stage(state).0).collect();
            signs.push(theme.cursor());
            for state in [PaneState::Failed, PaneState::Idle, PaneState::Stale, PaneState::Dead] {
                signs.push(theme.pane(state).0);
            }
            let hosts =
                [HostState::Connecting, HostState::Live, HostState::Polling, HostState::Watching, HostState::Same];
            for state in hosts.into_iter().chain([HostState::NoServer, HostState::Unreachable]) {
                signs.push(theme.host(state).0);
            }
            for sign in signs {
                assert_eq!((sign, sign.width_cjk()), (sign, 1));
            }
        }
    }

    #[test]
    fn the_environment_chooses_colours_and_signs() {
        let theme = |no_color, term, colorterm, locale| {
            let theme = Theme::for_terminal(TerminalHints { no_color, term, colorterm, locale });
            (theme.colours, theme.glyphs)
        };
        let (u, a) = (Glyphs::Unicode, Glyphs::Ascii);
        assert_eq!(theme(None, Some("screen"), None, Some("zh_CN.UTF-8")), (Colours::Sixteen, u));
        assert_eq!(theme(None, Some("tmux-256color"), None, None), (Colours::Many, u));
        assert_eq!(theme(None, Some("xterm"), Some("truecolor"), Some("C")), (Colours::Many, a));
        assert_eq!(theme(Some("1"), Some("tmux-256color"), None, None), (Colours::None, u));
        assert_eq!(theme(Some(""), Some("tmux-256color"), None, None), (Colours::Many, u));
        assert_eq!(theme(None, Some("dumb"), None, None), (Colours::None, u));
    }

    #[test]
    fn without_colours_no_style_has_one() {
        let theme = Theme { colours: Colours::None, ..Theme::default() };
        for style in STAGES.iter().map(|&state| theme.stage(state).1).chain([theme.banner(), theme.frame(Focus::Here)])
        {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
