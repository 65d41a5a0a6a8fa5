//! `tmuxagent debug`: what the supervisor took in lately as a file, and that file played back, so that a fault report is a
//! file.

use super::connection::Connection;
use super::{CliError, Outcome, Output, Session, Tone, exit};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use tmuxagent_core::{Replay, Replayed};
use tmuxagent_ipc::wire::Request;
use tmuxagent_policy::Source;
use tmuxagent_text::{Lang, clean, clock_seconds, note_text};

#[derive(Debug, Subcommand)]
pub(super) enum DebugCommand {
    /// Write what the supervisor took in lately into a file, without known secrets
    Dump(DumpArgs),
    /// Play such a file back, and say where it comes out otherwise
    Replay(ReplayArgs),
}

#[derive(Debug, Args)]
pub(super) struct DumpArgs {
    /// The new file
    #[arg(value_name = "FILE", default_value = "tmuxagent-dump.jsonl")]
    file: PathBuf,
}

/// Exit code 1 when a round comes out otherwise than it was recorded. Run it under a debugger to see why.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print only rounds that come out otherwise
    #[arg(short, long)]
    quiet: bool,
}

/// Runs a subcommand.
pub(super) fn run(session: &Session, command: &DebugCommand) -> Outcome {
    match command {
        DebugCommand::Dump(args) => dump(session, &args.file),
        DebugCommand::Replay(args) => replay(session, args),
    }
}

/// The longest dump that is played back, bytes.
const LONGEST: usize = 512 * 1024 * 1024;

fn dump(session: &Session, file: &Path) -> Outcome {
    let path = std::path::absolute(file)
        .map_err(|error| CliError::user(format!("{}: {error}", file.display()), "name another file"))?;
    let path = path.display().to_string();
    Connection::open(session)?.ask(Request::Dump { path: path.clone() })?;
    let out = &session.out;
    if out.json {
        out.json(&serde_json::json!({ "done": true, "file": path }))?;
    } else {
        let path = clean(&path);
        out.line(&match out.lang {
            Lang::En => {
                format!("written to {path}; look through it before you give it away: it holds what panes printed")
            }
            Lang::Zh => format!("已写入 {path}；其中有窗格打印的内容，交给他人之前请先查看"),
        })?;
    }
    Ok(exit::OK)
}

fn replay(session: &Session, args: &ReplayArgs) -> Outcome {
    let shown = args.file.display();
    let broken = |why: String| CliError::user(format!("{shown}: {why}"), "write a new one with `tmuxagent debug dump`");
    let bytes = tmuxagent_config::read_bytes(&args.file, LONGEST).map_err(|error| broken(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| broken("it is not UTF-8 text".to_owned()))?;
    let read = |files: &[(String, String)]| {
        let sources: Vec<Source> = files.iter().map(|(name, text)| Source::new(name.clone(), text.clone())).collect();
        tmuxagent_policy::load(&sources).map_err(|diagnostics| diagnostics.summary())
    };
    let mut replay = Replay::new(&text, read).map_err(|error| broken(error.to_string()))?;
    let (out, zone) = (&session.out, TimeZone::system());
    let (mut rounds, mut other) = (0_usize, 0_usize);
    while let Some(step) = replay.step() {
        let step = step.map_err(|error| broken(error.to_string()))?;
        rounds += usize::from(step.same.is_some());
        other += usize::from(step.same == Some(false));
        if !args.quiet || step.same == Some(false) {
            print(out, &zone, &step)?;
        }
    }
    let (inputs, redacted) = (replay.inputs, replay.redacted);
    if out.json {
        let sum = serde_json::json!({ "inputs": inputs, "rounds": rounds, "different": other, "redacted": redacted });
        out.json_line(&sum)?;
    } else {
        out.line(&sum(out.lang, inputs, rounds, other, redacted))?;
    }
    Ok(if other == 0 { exit::OK } else { exit::NEGATIVE })
}

fn sum(lang: Lang, inputs: usize, rounds: usize, other: usize, redacted: usize) -> String {
    let secrets = match (lang, redacted) {
        (_, 0) => String::new(),
        (Lang::En, n) => format!("; {n} texts held secrets, which may be why"),
        (Lang::Zh, n) => format!("；有 {n} 处文本去除了机密，可能因此不同"),
    };
    match (lang, other) {
        (Lang::En, 0) => format!("{inputs} inputs, {rounds} rounds, each as it was recorded"),
        (Lang::En, n) => format!("{inputs} inputs, {rounds} rounds, {n} come out otherwise{secrets}"),
        (Lang::Zh, 0) => format!("{inputs} 个输入，{rounds} 轮，均与记录一致"),
        (Lang::Zh, n) => format!("{inputs} 个输入，{rounds} 轮，{n} 轮与记录不同{secrets}"),
    }
}

fn print(out: &Output, zone: &TimeZone, step: &Replayed) -> Result<(), CliError> {
    if out.json {
        let acts: Vec<String> = step.acts.iter().map(|act| format!("{act:?}")).collect();
        let notes: Vec<String> = step.notes.iter().map(|(_, _, note)| note_text(Lang::En, note)).collect();
        let line = serde_json::json!({
            "line": step.line, "at": step.at, "given": step.given, "notes": notes, "acts": acts, "same": step.same,
            "otherwise": step.otherwise,
        });
        return out.json_line(&line);
    }
    let time = clock_seconds(zone, step.at);
    out.item(&format!("{:>6} {} ", step.line, out.paint(Tone::Dim, &time)), &clean(&step.given))?;
    for (_, place, note) in &step.notes {
        out.line(&format!("       + {} {}", clean(place), note_text(out.lang, note)))?;
    }
    for act in &step.acts {
        out.line(&out.paint(Tone::Dim, &format!("       > {}", clean(&format!("{act:?}")))))?;
    }
    if let Some(otherwise) = &step.otherwise {
        let says = match out.lang {
            Lang::En => "this round comes out otherwise than it was recorded:",
            Lang::Zh => "这一轮与记录不同：",
        };
        out.line(&out.paint(Tone::Bad, &format!("       ! {says} {otherwise}")))?;
    }
    Ok(())
}
