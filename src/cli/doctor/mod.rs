//! `tmuxagent doctor`: what is wrong on this machine, in seconds, each finding with its fix.
//!
//! Checks run side by side, each with its own time limit, and none changes anything; `--fix` does only what is safe:
//! making our folders and taking others' rights from our files.

/// A text in the language of the reader.
macro_rules! said {
    ($lang:expr, $en:literal, $zh:literal $(, $value:expr)* $(,)?) => {
        match $lang {
            tmuxagent_text::Lang::En => format!($en $(, $value)*),
            tmuxagent_text::Lang::Zh => format!($zh $(, $value)*),
        }
    };
}

pub(super) mod alerts;
pub(super) mod approvers;
mod claims;
mod environment;
mod folders;
mod hosts;
mod listener;
mod machine;
mod settings;
mod tmux;
mod watching;

use super::connection::Connection;
use super::{Outcome, Session, Tone, exit};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tmuxagent_config::{Environment, Loaded, Paths, TmuxSocket};
use tmuxagent_ipc::wire::WatchedServer;
use tmuxagent_model::Problem;
use tmuxagent_text::cli::{Word, word};
use tmuxagent_text::{Lang, clean, message};

/// Exit codes: 0 nothing is wrong, 1 warnings, 2 something can't work.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Do what is safe: make our folders, take others' rights from our files
    #[arg(long)]
    fix: bool,
    /// Also ask the channels' services whether they are reached and know the credentials; nothing is sent
    #[arg(long)]
    online: bool,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// All is well.
    Ok,
    /// It works, but not as well as it could.
    Warning,
    /// It can't work.
    Failure,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at.
    check: &'static str,
    /// How it came out.
    verdict: Verdict,
    /// What was found.
    text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// What `--fix` does about it.
    #[serde(skip)]
    remedy: Option<Remedy>,
}

/// A safe repair.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remedy {
    /// Make a folder of ours, for the user alone.
    MakeFolder(PathBuf),
    /// Set the mode of a file or folder of ours.
    SetMode(PathBuf, u32),
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, text: text.into(), fix: None, remedy: None }
    }

    fn warning(check: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warning, text: text.into(), fix: Some(fix.into()), remedy: None }
    }

    fn failure(check: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failure, ..Self::warning(check, text, fix) }
    }

    fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }
}

/// What the checks look at.
struct Scene {
    /// The process's environment, with the `.env` files where the configuration could be loaded.
    environment: Environment,
    /// The folders.
    paths: Paths,
    /// Configuration and policies, where they could be loaded.
    loaded: Option<Loaded>,
    /// The tmux server that the command line names.
    socket: Option<TmuxSocket>,
    /// The servers that the running supervisor watches here.
    watched: Vec<WatchedServer>,
    /// The process of the running supervisor.
    supervisor: Option<u32>,
    /// The configuration that it says it runs with now.
    in_force: Option<String>,
    /// What it says is wrong with it now.
    troubles: Vec<Problem>,
    /// Whether services are asked.
    online: bool,
    /// The language of what is found.
    lang: Lang,
}

/// Runs every check and prints what was found.
pub(super) fn run(session: &Session, args: &DoctorArgs) -> Outcome {
    let mut findings = examine(session, args.online)?;
    if args.fix {
        let mended = mend(session, &findings)?;
        if mended > 0 {
            findings = examine(session, args.online)?;
        }
    }
    let out = &session.out;
    let worst = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok);
    if out.json {
        out.json(&findings)?;
    } else {
        for finding in &findings {
            let (mark, tone) = match finding.verdict {
                Verdict::Ok => ("ok", Tone::Good),
                Verdict::Warning => ("!!", Tone::Warn),
                Verdict::Failure => ("XX", Tone::Bad),
            };
            let head = format!("{} {} ", out.paint(tone, mark), group(out.lang, finding.check));
            out.item(&head, &clean(&finding.text))?;
            if let Some(fix) = &finding.fix {
                // Commands in it are copied, so each stands in one line.
                out.item(&format!("{:17}{}{}", "", word(out.lang, Word::Fix), out.lang.pick(" ", "")), &clean(fix))?;
            }
        }
        if worst == Verdict::Ok {
            out.line(word(out.lang, Word::AllWell))?;
        }
    }
    Ok(match worst {
        Verdict::Ok => exit::OK,
        Verdict::Warning => exit::NEGATIVE,
        Verdict::Failure => exit::USER,
    })
}

/// The name of what was looked at, as wide as the widest.
fn group(lang: Lang, check: &str) -> String {
    let name = match check {
        "agents" => lang.pick("agents", "智能体"),
        "alerts" => lang.pick("alerts", "通知"),
        "clock" => lang.pick("clock", "时钟"),
        "configuration" => lang.pick("configuration", "配置"),
        "database" => lang.pick("database", "数据库"),
        "disk" => lang.pick("disk", "磁盘"),
        "drift" => lang.pick("drift", "环境差异"),
        "environment" => lang.pick("environment", "环境"),
        "folders" => lang.pick("folders", "目录"),
        "hosts" => lang.pick("hosts", "主机"),
        "links" => lang.pick("links", "链接"),
        "online" => lang.pick("online", "联网"),
        "policy" => lang.pick("policy", "策略"),
        "port" => lang.pick("port", "端口"),
        "proxy" => lang.pick("proxy", "代理"),
        "servers" => lang.pick("servers", "tmux 服务"),
        "supervisor" => lang.pick("supervisor", "监督进程"),
        other => other,
    };
    let missing = 13_usize.saturating_sub(unicode_width::UnicodeWidthStr::width(name));
    format!("{name}{}", " ".repeat(missing))
}

fn examine(session: &Session, online: bool) -> Result<Vec<Finding>, super::CliError> {
    let paths = session.paths()?;
    let loaded = session.load();
    let settings = settings::check(&loaded, session.out.lang);
    let watched = super::watched::by_supervisor(session);
    let loaded = loaded.ok().map(|mut loaded| {
        super::watched::take_over(&mut loaded, &watched);
        loaded
    });
    let scene = Scene {
        environment: loaded.as_ref().map_or_else(|| session.environment.clone(), |loaded| loaded.environment.clone()),
        paths: loaded.as_ref().map_or(paths, |loaded| loaded.paths.clone()),
        socket: session.overrides.tmux_socket.as_deref().map(TmuxSocket::parse),
        watched,
        supervisor: None,
        in_force: None,
        troubles: Vec::new(),
        online,
        lang: session.out.lang,
        loaded,
    };
    let supervisor = tmuxagent_ipc::lock::holder(&scene.paths.runtime_dir).map(|h| h.pid);
    // One that does not answer is found by other checks.
    let mut answering = supervisor.and_then(|_| Connection::open(session).ok());
    let answer = answering.as_mut().and_then(|connection| connection.snapshot().ok());
    let troubles = answer.map(|snapshot| snapshot.problems).unwrap_or_default();
    // What was written when it started is not what it has loaded since.
    let in_force = answering.map(|connection| connection.greeting.config);
    let scene = Scene { supervisor, in_force, troubles, ..scene };
    let checks: [fn(&Scene) -> Vec<Finding>; 10] = [
        machine::supervisor,
        tmux::check,
        claims::check,
        environment::check,
        folders::check,
        hosts::check,
        alerts::check,
        approvers::check,
        machine::check,
        folders::database,
    ];
    let scene = &scene;
    let checked = super::threads::at_once(checks.iter().map(|check| move || check(scene)));
    let mut found: Vec<Finding> = checked.into_iter().flatten().flatten().collect();
    found.splice(0..0, settings);
    // What other parts of the program say of themselves is English until here.
    for finding in &mut found {
        finding.text = message(session.out.lang, &finding.text);
        finding.fix = finding.fix.take().map(|fix| message(session.out.lang, &fix));
    }
    Ok(found)
}

/// Does what is safe; returns how many remedies were applied.
fn mend(session: &Session, findings: &[Finding]) -> Result<usize, super::CliError> {
    let mut mended = 0;
    for remedy in findings.iter().filter_map(|finding| finding.remedy.as_ref()) {
        let path = match remedy {
            Remedy::MakeFolder(path) => {
                tmuxagent_config::make_private_folder(path)?;
                path
            }
            Remedy::SetMode(path, mode) => {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(*mode);
                if std::fs::set_permissions(path, mode).is_err() {
                    continue;
                }
                path
            }
        };
        mended += 1;
        if !session.out.json {
            session.out.line(&format!(
                "{}{}{}",
                word(session.out.lang, Word::Fixed),
                session.out.lang.colon(),
                crate::cli::output::shown(path)
            ))?;
        }
    }
    Ok(mended)
}

/// The output of a program that must end within `limit`; `None` where it does not start or does not end.
fn output_of(command: &mut Command, limit: Duration) -> Option<Output> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return child.wait_with_output().ok(),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) | Err(_) => {
                // It is ours and it hangs.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// Where a program lies on the `PATH`.
fn find_program(environment: &Environment, name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return is_program(name.as_ref()).then(|| PathBuf::from(name));
    }
    let path = environment.get("PATH")?;
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &std::path::Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_a_chinese_name_in_its_column() {
        for check in [
            "agents",
            "alerts",
            "clock",
            "configuration",
            "database",
            "disk",
            "drift",
            "environment",
            "folders",
            "hosts",
        ]
        .into_iter()
        .chain(["links", "online", "policy", "port", "proxy", "servers", "supervisor"])
        {
            assert_eq!(group(Lang::En, check).trim_end(), check);
            let name = group(Lang::Zh, check);
            assert!(!name.starts_with(check), "{check}");
            assert_eq!(unicode_width::UnicodeWidthStr::width(name.as_str()), 13, "{name}");
        }
    }
}
