//! `tmuxagent policy replay`: what a policy would have done with recorded output.

use super::super::{CliError, Outcome, Session, Tone, exit};
use super::recorded::{SettingArgs, Stretch, everywhere, from_recordings, instant, unknown_pane};
use clap::Args;
use serde_json::json;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tmuxagent_engine::replay::{
    Answers, Comparison, Entry, Recording, Report, Setting, Side, compare, read_log, replay,
};
use tmuxagent_model::Timestamp;
use tmuxagent_policy::Policy;
use tmuxagent_text::{clean, counted};

/// The longest log that is read, bytes.
pub(super) const LONGEST: usize = 512 * 1024 * 1024;

/// Nothing is typed, sent or asked: the engine runs over the lines with a clock of its own. Exit codes with --against: 0
/// the same decisions, 1 different ones.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["log", "from_db"])))]
pub(in crate::cli) struct ReplayArgs {
    /// A log file; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// A pane out of the recordings (`%3`, `session:window.pane`, a window's name); may be given several times
    #[arg(long, value_name = "PANE")]
    from_db: Vec<String>,
    /// Only what was printed since then: so long ago (`2h`), a time of today (`08:30`), or a date and time
    #[arg(long, value_name = "WHEN", requires = "from_db")]
    since: Option<String>,
    /// Only what was printed until then
    #[arg(long, value_name = "WHEN", requires = "from_db")]
    until: Option<String>,
    /// Another policy (file or folder): only what the two decide differently is told
    #[arg(long, value_name = "PATH")]
    against: Vec<PathBuf>,
    #[command(flatten)]
    setting: SettingArgs,
}

/// What is played, and how.
struct Play {
    recordings: Vec<Recording>,
    setting: Setting,
    /// Nothing is known of the pane: every pipeline applies.
    everywhere: bool,
    /// It begins at an instant of its own; times are told from there.
    timeless: bool,
}

impl Play {
    fn run(&self, policy: &Arc<Policy>) -> Report {
        let policy = if self.everywhere { everywhere(policy) } else { Arc::clone(policy) };
        replay(policy, &self.recordings, &self.setting)
    }

    /// Whether a pipeline applies to the pane of a recording.
    fn concerns(&self, policy: &Policy, recording: &Recording) -> bool {
        let pane = &recording.pane;
        self.everywhere || policy.listening(&pane.key.host, &pane.facts).next().is_some()
    }

    /// A decision in one line.
    fn line(&self, entry: &Entry) -> String {
        if self.timeless { format!("{} {}", entry.at.since(Timestamp(0)), entry.what) } else { entry.to_string() }
    }
}

/// Runs it.
pub(super) fn run(session: &Session, args: &ReplayArgs) -> Outcome {
    let policy = super::load(&super::sources(session, &session.overrides.policy)?)?;
    let other = match args.against.as_slice() {
        [] => None,
        files => Some(super::load(&super::sources(session, files)?)?),
    };
    let play = play(session, args)?;
    let report = play.run(&policy);
    match other {
        None => tell(session, &play, &policy, &report),
        Some(other) => tell_difference(session, &play, &report, &play.run(&other)),
    }
}

fn play(session: &Session, args: &ReplayArgs) -> Result<Play, CliError> {
    let setting = args.setting.setting();
    if args.log.is_some() && setting.answers == Answers::AsDecided {
        return Err(CliError::user(
            "a log does not tell what was decided",
            "replay with --from-db, or say --answers approve",
        ));
    }
    let Some(log) = &args.log else {
        let now = tmuxagent_clock::wall();
        let at = |text: &Option<String>, otherwise| text.as_ref().map_or(Ok(otherwise), |text| instant(text, now));
        let stretch = Stretch { since: at(&args.since, Timestamp(0))?, until: at(&args.until, Timestamp(i64::MAX))? };
        let mut recordings = from_recordings(session, &args.from_db, stretch)?;
        super::people::add(session, &mut recordings, stretch)?;
        return Ok(Play { recordings, setting, everywhere: false, timeless: false });
    };
    let bytes = read(log)?;
    let pane = args.setting.pane()?;
    let everywhere = pane.is_none();
    // A log tells no times; it begins at the first instant that there is.
    let records = read_log(&bytes, Timestamp(0), args.setting.pace);
    let recordings = vec![Recording { pane: pane.unwrap_or_else(unknown_pane), records }];
    Ok(Play { recordings, setting, everywhere, timeless: true })
}

fn read(log: &Path) -> Result<Vec<u8>, CliError> {
    let read = if log == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(LONGEST as u64).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        tmuxagent_config::read_bytes(log, LONGEST)
    };
    read.map_err(|error| {
        let text = format!("the log {} can't be read: {}", log.display(), error.to_string().to_lowercase());
        CliError::user(text, "name a file, or `-` for standard input")
    })
}

fn tell(session: &Session, play: &Play, policy: &Policy, report: &Report) -> Outcome {
    let out = &session.out;
    if out.json {
        out.json(report)?;
        return Ok(exit::OK);
    }
    report.entries.iter().try_for_each(|entry| out.line(&play.line(entry)))?;
    report.ending().iter().try_for_each(|line| out.say(line))?;
    if let Some(pane) = play.recordings.iter().find(|recording| !play.concerns(policy, recording)) {
        let place = clean(&pane.pane.told_place());
        out.warn(&format!("no pipeline applies to the pane {place}: its `match` holds nowhere there"));
    }
    let (lines, decisions) = (usize::try_from(report.lines).unwrap_or(usize::MAX), report.entries.len());
    let sum = [counted(lines, "line"), counted(decisions, "decision")].map(|part| out.words(&part));
    out.line(&out.paint(Tone::Dim, &sum.join(out.lang.pick(", ", "，"))))?;
    Ok(exit::OK)
}

fn tell_difference(session: &Session, play: &Play, first: &Report, second: &Report) -> Outcome {
    let Comparison { common, mut differences } = compare(first, second);
    // As in any comparison: of one instant the old stands before the new.
    differences.sort_by_key(|(side, entry)| (entry.at, *side == Side::First));
    let (out, same) = (&session.out, differences.is_empty());
    if out.json {
        let value = json!({ "first": first, "second": second, "common": common, "differences": differences });
        out.json(&value)?;
    } else {
        for (side, entry) in &differences {
            let (tone, sign) = match side {
                // What is played is the new one, and it is held against the old.
                Side::First => (Tone::Good, '+'),
                Side::Second => (Tone::Bad, '-'),
            };
            out.line(&out.paint(tone, &format!("{sign} {}", play.line(entry))))?;
        }
        let sum = format!("{} lines, {common} decisions in common, {} different", first.lines, differences.len());
        out.line(&out.paint(Tone::Dim, &out.words(&sum)))?;
    }
    Ok(if same { exit::OK } else { exit::NEGATIVE })
}
