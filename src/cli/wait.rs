//! `tmuxagent wait`: for scripts, and for agents that wait for one another.

use super::connection::Connection;
use super::{CliError, Outcome, Session, Tone, exit, target};
use clap::Args;
use regex::Regex;
use serde_json::json;
use std::time::{Duration, Instant};
use tmuxagent_agents::Screen;
use tmuxagent_ipc::wire::{Request, ServerFrame};
use tmuxagent_model::{
    AgentState, AgentStatus, ApprovalState, EvidenceSource, Millis, PaneKey, PaneState, PaneView, Reads, Snapshot,
};
use tmuxagent_text::clean;
use tmuxagent_yaml::{nearest, read_duration};

/// How often it is looked whether the wait is given up.
const LOOK: Duration = Duration::from_millis(500);

/// What is waited for may be so already; then it does not wait.
#[derive(Debug, Args)]
pub(super) struct WaitArgs {
    /// The pane: `%3`, `host:%3`, `session:window.pane`, or the window's name
    pane: String,
    /// idle, done, asks, working, error, gone, or text:REGEX on its screen; several with commas, one is enough
    #[arg(long = "for", value_name = "STATE", required = true)]
    wanted: String,
    /// Give up after this long, such as 90s or 10m; waits for ever when left out
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
}

/// What a pane may come to.
#[derive(Debug, Clone)]
enum Wanted {
    /// Its agent takes a prompt, or its shell is at an empty prompt; nothing is asked there.
    Idle,
    /// It is idle after it worked.
    Done,
    /// A person is asked for something.
    Asks,
    /// Its agent works, or a command runs.
    Working,
    /// Its agent, its stage or its program failed.
    Error,
    /// The pane is gone, or its process has ended.
    Gone,
    /// This stands in a row of its screen.
    Text(Regex),
}

const WORDS: [&str; 7] = ["idle", "done", "asks", "working", "error", "gone", "text:REGEX"];

/// The states that `text` names. What stands behind `text:` is one expression to the end, commas and all.
fn wanted(text: &str) -> Result<Vec<Wanted>, CliError> {
    let (words, pattern) = match text.find("text:") {
        Some(at) if at == 0 || text.as_bytes()[at - 1] == b',' => (&text[..at], Some(&text[at + 5..])),
        _ => (text, None),
    };
    let mut found = Vec::new();
    for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        found.push(match word {
            "idle" => Wanted::Idle,
            "done" => Wanted::Done,
            "asks" => Wanted::Asks,
            "working" => Wanted::Working,
            "error" => Wanted::Error,
            "gone" => Wanted::Gone,
            _ => {
                let near = nearest(word, WORDS);
                let hint = near.map_or_else(|| WORDS.join(", "), |near| format!("did you mean `{near}`?"));
                return Err(CliError::user(format!("`{}` is nothing to wait for", clean(word)), hint));
            }
        });
    }
    if let Some(pattern) = pattern {
        let regex = Regex::new(pattern).map_err(|error| {
            CliError::user(
                format!("`{}` is no regular expression: {}", clean(pattern), clean(&error.to_string())),
                "text:ready, text:'^[0-9]+ passed'",
            )
        })?;
        found.push(Wanted::Text(regex));
    }
    if found.is_empty() {
        return Err(CliError::user("nothing is named to wait for", WORDS.join(", ")));
    }
    Ok(found)
}

impl Wanted {
    const fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Done => "done",
            Self::Asks => "asks",
            Self::Working => "working",
            Self::Error => "error",
            Self::Gone => "gone",
            Self::Text(_) => "text",
        }
    }

    /// Whether it is so. `worked`: the pane was seen at work since the wait began.
    fn holds(&self, seen: &Seen<'_>, worked: bool) -> bool {
        let Some(pane) = seen.pane else { return matches!(self, Self::Gone) };
        match self {
            Self::Idle => seen.rests(),
            // Rest after work is no end by itself: an agent may have been stopped.
            Self::Done => seen.rests() && seen.agent().map_or(worked, |state| *state == AgentState::Done),
            Self::Asks => seen.asks(),
            Self::Working => seen.works(),
            Self::Error => {
                let failed = matches!(seen.agent(), Some(AgentState::Error | AgentState::RateLimited { .. }));
                failed || pane.state == PaneState::Failed
            }
            Self::Gone => pane.info.dead || seen.agent() == Some(&AgentState::Exited),
            Self::Text(regex) => seen.rows.iter().any(|row| regex.is_match(row)),
        }
    }
}

/// What is known of the pane.
struct Seen<'s> {
    pane: Option<&'s PaneView>,
    open: bool,
    rows: &'s [String],
}

impl Seen<'_> {
    fn agent(&self) -> Option<&AgentState> {
        Some(&self.pane?.agent.as_ref()?.state)
    }

    fn asks(&self) -> bool {
        // Also of a program that waits for a person and about which nothing is to be decided.
        let needs = |pane: &PaneView| pane.state == PaneState::NeedsApproval || pane.reader.reads == Reads::Password;
        let needs = self.pane.is_some_and(needs);
        // One that has just begun asks nothing yet.
        let told = |agent: &AgentStatus| agent.evidence.iter().any(|one| one.source != EvidenceSource::Process);
        let agent = self.pane.and_then(|pane| pane.agent.as_deref());
        self.open || needs || agent.is_some_and(|agent| agent.state.asks() && told(agent))
    }

    fn works(&self) -> bool {
        match self.agent() {
            Some(state) => matches!(state, AgentState::Working | AgentState::Stalled),
            None => self.pane.is_some_and(|pane| {
                pane.reader.reads == Reads::Command || matches!(pane.state, PaneState::Running | PaneState::Retrying)
            }),
        }
    }

    fn rests(&self) -> bool {
        let rests = match self.agent() {
            Some(state) => matches!(state, AgentState::Idle | AgentState::Done),
            None => self.pane.is_some_and(|pane| pane.reader.reads == Reads::Shell),
        };
        rests && !self.asks() && !self.works()
    }
}

/// Waits.
pub(super) fn run(session: &Session, args: &WaitArgs) -> Outcome {
    let timeout = args.timeout.as_deref().map(read_duration).transpose();
    let timeout = timeout.map_err(|why| CliError::user(why, "a duration is a number with its unit: 90s, 10m, 2h"))?;
    let wait_for = Wait { pane: &args.pane, wanted: &args.wanted, timeout };
    let connect = || Connection::open(session);
    tell(session, args, &wait(session, connect, &wait_for, &|| false)?)
}

/// What is waited for.
pub(super) struct Wait<'a> {
    /// The pane, by any of its names.
    pub pane: &'a str,
    /// Its states, as the command line names them.
    pub wanted: &'a str,
    /// Give up after so long.
    pub timeout: Option<Millis>,
}

/// Waits, as long as nobody says stop.
pub(super) fn wait(
    session: &Session,
    connect: impl FnOnce() -> Result<Connection, CliError>,
    wait: &Wait<'_>,
    stopped: &dyn Fn() -> bool,
) -> Result<Waited, CliError> {
    let wanted = wanted(wait.wanted)?;
    let mut connection = connect()?;
    let snapshot = connection.snapshot()?;
    let key = target::pane(&snapshot, &session.as_shown(wait.pane))?.info.key.clone();
    let mut watch = Watch { key, wanted, rows: Vec::new(), worked: false };
    let begun = Instant::now();
    let mut ended = watch.look(&snapshot);
    if ended.is_none() {
        if watch.reads_screen() {
            connection.ask(Request::WatchPane { pane: Some(watch.key.clone()) })?;
        }
        connection.ask(Request::Subscribe)?;
        let deadline = wait.timeout.map(|span| begun + Duration::from_millis(span.0));
        ended = watch.until(&mut connection, snapshot, deadline, stopped)?;
    }
    Ok(Waited { ended: ended.unwrap_or(Ended::TimedOut), took: begun.elapsed() })
}

/// What came of a wait.
pub(super) struct Waited {
    ended: Ended,
    took: Duration,
}

impl Waited {
    /// As JSON.
    pub(super) fn told(&self, pane: &str) -> serde_json::Value {
        let (state, agent, why) = match &self.ended {
            Ended::Reached { state, agent } => (Some(*state), agent.as_ref(), None),
            Ended::Gone => (None, None, Some("gone")),
            Ended::TimedOut => (None, None, Some("timeout")),
        };
        json!({
            "pane": clean(pane),
            "reached": state,
            "why": why,
            "agent": agent,
            "waited_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// How a wait ended.
enum Ended {
    /// It is so.
    Reached {
        state: &'static str,
        agent: Option<AgentState>,
    },
    /// The pane is gone, so it can't be so any more.
    Gone,
    TimedOut,
}

/// A wait.
struct Watch {
    key: PaneKey,
    wanted: Vec<Wanted>,
    /// The rows of its screen, without colours.
    rows: Vec<String>,
    worked: bool,
}

impl Watch {
    fn reads_screen(&self) -> bool {
        self.wanted.iter().any(|wanted| matches!(wanted, Wanted::Text(_)))
    }

    fn look(&mut self, snapshot: &Snapshot) -> Option<Ended> {
        let open = snapshot.approvals.iter();
        let open =
            open.filter(|approval| approval.pane == self.key && approval.state == ApprovalState::Pending).count() > 0;
        let pane = snapshot.panes.iter().find(|pane| pane.info.key == self.key);
        let seen = Seen { pane, open, rows: &self.rows };
        self.worked |= seen.works();
        let reached = self.wanted.iter().find(|wanted| wanted.holds(&seen, self.worked));
        match (reached, pane) {
            (Some(wanted), _) => Some(Ended::Reached { state: wanted.word(), agent: seen.agent().cloned() }),
            // A host that can't be reached shows no pane as gone, so this one is.
            (None, None) => Some(Ended::Gone),
            (None, Some(_)) => None,
        }
    }

    fn until(
        &mut self,
        connection: &mut Connection,
        mut snapshot: Snapshot,
        deadline: Option<Instant>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Option<Ended>, CliError> {
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) || stopped() {
                return Ok(None);
            }
            let Some(frame) = connection.push_within(left.map_or(LOOK, |left| left.min(LOOK))) else { continue };
            match frame {
                Some(ServerFrame::Snapshot { snapshot: newer }) => snapshot = *newer,
                Some(ServerFrame::Screen { pane, rows }) if pane == self.key => {
                    self.rows = Screen::of(&rows.join("\n")).rows.into_iter().map(|row| row.text).collect();
                }
                Some(ServerFrame::Bye { .. }) | None => {
                    let text = "the supervisor ended before that was so".to_owned();
                    return Err(CliError::NoSupervisor { text });
                }
                Some(ServerFrame::Reply { .. } | ServerFrame::Events { .. } | ServerFrame::Screen { .. }) => continue,
            }
            if let Some(ended) = self.look(&snapshot) {
                return Ok(Some(ended));
            }
        }
    }
}

fn tell(session: &Session, args: &WaitArgs, waited: &Waited) -> Outcome {
    let out = &session.out;
    let (code, words) = match &waited.ended {
        Ended::Reached { state, .. } => (exit::OK, *state),
        Ended::Gone => (exit::NEGATIVE, "the pane is gone"),
        Ended::TimedOut => (exit::NEGATIVE, "not so in time"),
    };
    if out.json {
        out.json(&waited.told(&args.pane))?;
    } else if code == exit::OK {
        out.line(&out.paint(Tone::Good, words))?;
    } else {
        out.say(words)?;
    }
    Ok(code)
}
