//! `tmuxagent start`, `retry`, `skip` and `cancel`.

use super::connection::{Committed, Connection};
use super::{CliError, Outcome, Session, Tone, exit, target};
use clap::Args;
use std::time::{Duration, Instant};
use tmuxagent_ipc::wire::ErrorKind;
use tmuxagent_model::{
    Command, IntentId, Note, PaneKey, PaneReader, Reads, RunControl, RunId, RunState, SkipReason, Snapshot,
};
use tmuxagent_text::{Lang, clean, host_owner, message, reader_sentence, skip_reason};
use tmuxagent_yaml::nearest;

#[derive(Debug, Args)]
pub(super) struct StartArgs {
    /// The pane: `%3`, `host:%3`, `session:window.pane`, or the window's name
    pane: String,
    /// The pipeline; may be left out where only one applies to the pane
    pipeline: Option<String>,
    /// The stage to begin with; the first one when left out
    #[arg(long)]
    stage: Option<String>,
    /// The value of an input; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = input)]
    inputs: Vec<(String, String)>,
}

/// Reads `NAME=VALUE`.
fn input(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

#[derive(Debug, Args)]
pub(super) struct ControlArgs {
    /// The run: `#12`, `12`, or its pane
    run: String,
    /// The stage; the live or last one when left out
    #[arg(long)]
    stage: Option<String>,
}

/// How long the collector's word is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts a pipeline by hand.
pub(super) fn start(session: &Session, args: &StartArgs) -> Outcome {
    let mut connection = Connection::open(session)?;
    let snapshot = connection.snapshot_for(&session.as_shown(&args.pane))?;
    let pane = target::pane(&snapshot, &session.as_shown(&args.pane))
        .map_err(|error| swapped(&snapshot, args).unwrap_or(error))?;
    let pipeline = match (&args.pipeline, &pane.pipelines[..]) {
        (Some(named), known) if known.contains(named) => named.clone(),
        (None, [only]) => only.clone(),
        (named, known) => {
            let host = snapshot.hosts.iter().find(|host| host.name == pane.info.key.host);
            if let Some((host, owner)) = host.and_then(|host| Some((host, host.owner.as_deref()?))) {
                let text = format!("host {}: {}", host.name, host_owner(Lang::En, host.state, owner));
                return Err(CliError::Answer { kind: ErrorKind::Refused, text });
            }
            let broken = snapshot.problems.iter().find(|problem| problem.part == "policy");
            let broken = broken.map(|problem| problem.text.to_string());
            return Err(no_pipeline(named.as_deref(), known, &pane.info.short(), broken.as_deref()));
        }
    };
    let inputs = args.inputs.iter().cloned().collect();
    let command = Command::Start { pane: pane.info.key.clone(), pipeline, stage: args.stage.clone(), inputs };
    let committed = connection.command(command).map_err(|error| in_the_way(&mut connection, error, None))?;
    let intents = committed.value.get("intents").cloned().unwrap_or_default();
    let code = tell(session, committed)?;
    let out = &session.out;
    if out.json {
        return Ok(code);
    }
    if snapshot.frozen.is_some() {
        out.say("sending is frozen: what it types is held back until `tmuxagent unfreeze`")?;
    } else if matches!(pane.reader.reads, Reads::Command | Reads::Screen)
        && let Some(told) = waits_behind(&mut connection, &intents).and_then(|waits| waits.sentence(out.lang))
    {
        out.line(&out.paint(Tone::Warn, &told))?;
    }
    Ok(code)
}

/// What a start types into a pane in which a command runs, where it waits for that command's end. It is held there a moment
/// after the start.
fn waits_behind(connection: &mut Connection, intents: &serde_json::Value) -> Option<Typing> {
    let intents: Vec<&str> = intents.as_array()?.iter().filter_map(serde_json::Value::as_str).collect();
    let begun = Instant::now();
    while !intents.is_empty() && begun.elapsed() < PATIENCE / 4 {
        let held = connection.snapshot().ok()?.held;
        let mut ours = held.into_iter().filter(|held| intents.contains(&held.intent.as_str()));
        if let Some(reader) = ours.find_map(|held| held.reader) {
            return Some(Typing::Waits(reader));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// Pane and pipeline in each other's place.
fn swapped(snapshot: &Snapshot, args: &StartArgs) -> Option<CliError> {
    let named = args.pipeline.as_deref()?;
    let pane = target::pane(snapshot, named).ok()?;
    let known = snapshot.panes.iter().any(|pane| pane.pipelines.contains(&args.pane));
    known.then(|| {
        let (place, pipeline) = (clean(named), clean(&args.pane));
        CliError::NotFound {
            text: format!("`{pipeline}` is a pipeline, and the pane stands first"),
            hint: format!("`tmuxagent start {} {}`", quoted(&place), quoted(&pipeline)),
            candidates: if pane.pipelines.contains(&args.pane) {
                Vec::new()
            } else {
                vec![format!("{} has: {}", pane.info.short(), clean(&pane.pipelines.join(", ")))]
            },
        }
    })
}

/// A word of a command line, in quotes where a shell needs them.
pub(super) fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/%@+".contains(c));
    if plain { word.to_owned() } else { tmuxagent_model::shell::quoted(word) }
}

/// `broken`: what is wrong with the policy on disk, which then is not the one in force.
fn no_pipeline(named: Option<&str>, known: &[String], pane: &str, broken: Option<&str>) -> CliError {
    let text = match named {
        Some(named) => format!("no pipeline `{}` applies to {pane}", clean(named)),
        None if known.is_empty() => format!("no pipeline applies to {pane}"),
        None => format!("{} pipelines apply to {pane}", known.len()),
    };
    let near = named.and_then(|named| nearest(named, known.iter().map(String::as_str)));
    let hint = match (broken, near, known.is_empty()) {
        (Some(why), ..) => {
            format!("the policy on disk is broken, so what it adds is not in force: {why}; see `tmuxagent policy check`")
        }
        (None, Some(near), _) => format!("did you mean `{near}`?"),
        (None, None, true) => {
            "`match`, or what the first stage's `in` asks for, chooses the panes; `tmuxagent policy init` writes a policy".to_owned()
        }
        (None, None, false) => "say which one:".to_owned(),
    };
    let candidates =
        if near.is_some() && broken.is_none() { Vec::new() } else { known.iter().map(|name| clean(name)).collect() };
    CliError::NotFound { text, hint, candidates }
}

/// Acts on a run.
pub(super) fn run(session: &Session, args: &ControlArgs, control: RunControl) -> Outcome {
    let mut connection = Connection::open(session)?;
    let snapshot = connection.snapshot()?;
    let run = target::run(&snapshot, &session.as_shown(&args.run))?;
    if let Some(stage) = &args.stage
        && !run.stages.iter().any(|known| known.name == *stage)
    {
        return Err(CliError::NotFound {
            text: format!("`{}` has no stage `{}`", clean(&run.pipeline), clean(stage)),
            hint: "its stages are:".to_owned(),
            candidates: run.stages.iter().map(|stage| clean(&stage.name)).collect(),
        });
    }
    let Some(number) = run.run else {
        return Err(CliError::NotFound {
            text: format!("`{}` has not run yet", clean(&run.pipeline)),
            hint: "`tmuxagent start PANE PIPELINE` starts it".to_owned(),
            candidates: Vec::new(),
        });
    };
    let command = Command::Control { run: number, stage: args.stage.clone(), control };
    let done = connection.command(command).map_err(|error| in_the_way(&mut connection, error, Some(number)))?;
    tell(session, done)
}

/// A refusal on account of a run that goes on, with the command that ends it. `own`: the run that was acted on.
fn in_the_way(connection: &mut Connection, error: CliError, own: Option<RunId>) -> CliError {
    let CliError::Answer { kind: ErrorKind::Refused, text } = error else { return error };
    let runs = connection.snapshot().map(|now| now.runs).unwrap_or_default();
    let open: Vec<RunId> =
        runs.iter().filter(|run| run.state == Some(RunState::Open)).filter_map(|run| run.run).collect();
    match to_cancel(&text, &open, own) {
        Some(run) => CliError::Refused { text, hint: format!("`tmuxagent cancel {}` ends that run", run.0) },
        None => CliError::Answer { kind: ErrorKind::Refused, text },
    }
}

/// Which of the open runs a refusal says is in the way.
fn to_cancel(refused: &str, open: &[RunId], own: Option<RunId>) -> Option<RunId> {
    // There a stage is to be named, and nothing has to end.
    if refused.ends_with("name one") {
        return None;
    }
    let names = |run: &RunId| {
        let name = format!("run {run}");
        refused.split(&name).skip(1).any(|behind| !behind.starts_with(|next: char| next.is_ascii_digit()))
    };
    let own = own.filter(|own| open.contains(own) && refused.ends_with("cancel the run first"));
    open.iter().copied().find(names).or(own)
}

/// Prints what a command led to.
pub(super) fn tell(session: &Session, committed: Committed) -> Outcome {
    let out = &session.out;
    if out.json {
        out.json(&committed.value)?;
    } else if !committed.text.is_empty() {
        out.line(&clean(&message(out.lang, &committed.text)))?;
    }
    Ok(exit::OK)
}

/// What became of what an answer led to.
pub(super) enum Typing {
    /// It was typed, or the answer itself says what it waits for (a freeze), or there is nothing to type.
    Told,
    /// Nothing was typed.
    Not(SkipReason),
    /// It waits in its pane for another reader than this one.
    Waits(Box<PaneReader>),
    /// Nobody has said by now.
    NotKnown,
}

/// What becomes of what an answer led to in a pane, where that is known soon. Where a question or a password waits, that is
/// decided a moment later.
pub(super) fn typing(connection: &mut Connection, answer: &serde_json::Value, pane: &PaneKey) -> Typing {
    let intents = answer.get("intents").and_then(serde_json::Value::as_array);
    let intents: Vec<&str> = intents.into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    if intents.is_empty() {
        return Typing::Told;
    }
    let among = |intent: &IntentId| intents.contains(&intent.as_str());
    let (begun, mut waits, mut gone) = (Instant::now(), None, false);
    let until = |waits: &Option<Box<PaneReader>>| match waits.as_ref().map(|reader| &reader.reads) {
        Some(Reads::Password | Reads::Line | Reads::Key | Reads::AgentAsks) => begun + 2 * PATIENCE,
        _ => begun + PATIENCE,
    };
    while Instant::now() < until(&waits) {
        let Ok(snapshot) = connection.snapshot() else { break };
        for event in snapshot.events.iter().rev() {
            match &event.note {
                Note::Sent { intent, .. } | Note::Given { intent, .. } | Note::EffectFailed { intent, .. }
                    if among(intent) =>
                {
                    return Typing::Told;
                }
                Note::NotSent { intent, reason, .. } if among(intent) => return Typing::Not(reason.clone()),
                _ => {}
            }
        }
        waits = match snapshot.held.iter().find(|held| among(&held.intent)).map(|held| held.reader.clone()) {
            Some(None) => return Typing::Told,
            held => held.flatten(),
        };
        gone = !snapshot.panes.iter().any(|seen| seen.info.key == *pane);
        std::thread::sleep(Duration::from_millis(20));
    }
    match waits {
        Some(reader) => Typing::Waits(reader),
        // What was wanted of a pane that has gone is taken back without a word; what may have been typed is told.
        None if gone => Typing::Not(SkipReason::OtherProcess),
        None => Typing::NotKnown,
    }
}

impl Typing {
    /// What is left to be said to people, where nothing was typed so far.
    pub(super) fn sentence(&self, lang: Lang) -> Option<String> {
        match self {
            Self::Told => None,
            Self::Not(reason) => {
                let told = lang.pick("but nothing was typed", "但没有输入任何内容");
                Some(format!("{told}{}{}", lang.colon(), clean(&skip_reason(lang, reason))))
            }
            Self::Waits(reader) => {
                let told = lang.pick("held, and not typed yet", "暂缓，尚未输入");
                Some(format!("{told}{}{}", lang.colon(), reader_sentence(lang, reader)))
            }
            Self::NotKnown => {
                let told = lang.pick(
                    "whether it was typed is not known yet; `tmuxagent events` tells",
                    "尚不知道是否已输入；`tmuxagent events` 会说明",
                );
                Some(told.to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_that_is_in_the_way_is_found() {
        let open = [RunId(4), RunId(41)];
        let found = |refused: &str| to_cancel(refused, &open, Some(RunId(41))).map(|run| run.0);
        assert_eq!(found("stage test of run #4 is running"), Some(4));
        assert_eq!(found("run #41 of shop is open on that pane"), Some(41));
        assert_eq!(found("stage test is running; cancel the run first"), Some(41));
        assert_eq!(found("run #7 has ended already"), None);
        assert_eq!(found("several stages of run #4 are under way: lint, test; name one"), None);
        assert_eq!(found("stage test has not run yet; start it instead"), None);
        assert_eq!(to_cancel("stage test is running; cancel the run first", &open, None), None);
    }

    #[test]
    fn a_pipeline_of_a_broken_policy_is_told_from_one_that_does_not_match() {
        let hint = |broken| no_pipeline(Some("new"), &[], "s:w.0", broken).hints().join(" ");
        assert!(hint(None).contains("`match`"), "{}", hint(None));
        let told = hint(Some("a.yaml:3:1: unknown key"));
        assert!(told.contains("the policy on disk is broken") && told.contains("a.yaml:3:1: unknown key"), "{told}");
        assert!(!told.contains("`match`"), "{told}");
    }
}
