//! `tmuxagent service`: the supervisor started by the user's own init system (systemd, launchd), or in a session of his tmux.
//! Of the user who calls it, never of root for somebody else, and nothing that is not ours is changed.

mod gathered;
mod in_tmux;
mod init;
mod owned;
mod text;

use super::connection::Connection;
use super::output::shown;
use super::{CliError, Outcome, Output, Session, Tone, exit};
use clap::{Args, Subcommand};
use in_tmux::InTmux;
use init::{Init, State, run_all};
use jiff::tz::TimeZone;
use owned::{Found, OwnedFile};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use text::Service;
use tmuxagent_model::Timestamp;
use tmuxagent_text::{clean, local};

#[derive(Debug, Subcommand)]
pub(super) enum ServiceCommand {
    /// Have the supervisor start with the machine or the login, and again when it fails
    Install(ChangeArgs),
    /// Tell whether it is installed, started by itself and running
    Status(StatusArgs),
    /// End it and take it away again
    Uninstall(ChangeArgs),
}

/// Exit code 1: it is done as far as possible, and what is left is named.
#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// In a session of your tmux, for a machine without systemd or launchd
    #[arg(long)]
    in_tmux: bool,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

/// Exit code 1: it is not installed, not as `install` would do it now, or does not run.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The one in a session of your tmux
    #[arg(long)]
    in_tmux: bool,
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &ServiceCommand) -> Outcome {
    match command {
        ServiceCommand::Install(args) => {
            not_by_sudo(session)?;
            if args.in_tmux { install_in_tmux(session, args) } else { install(session, args, Init::here()) }
        }
        ServiceCommand::Uninstall(args) if args.in_tmux => uninstall_in_tmux(session, args),
        ServiceCommand::Uninstall(args) => uninstall(session, args, Init::here()),
        ServiceCommand::Status(args) if args.in_tmux => status_in_tmux(session),
        ServiceCommand::Status(_) => status(session, Init::here()),
    }
}

/// What came of it.
#[derive(Debug, Default)]
struct Told {
    way: &'static str,
    /// The file or the session.
    place: String,
    changed: bool,
    /// The text of a file that was not written.
    text: Option<String>,
    /// What is left to a person, to be copied.
    commands: Vec<String>,
    notes: Vec<String>,
}

impl Told {
    fn tell(&self, out: &Output, first: &str, before_commands: &str) -> Result<(), CliError> {
        if out.json {
            return out.json(&json!({
                "way": self.way, "place": self.place, "changed": self.changed, "text": self.text,
                "commands": self.commands, "notes": self.notes,
            }));
        }
        out.say(first)?;
        for line in self.text.iter().flat_map(|text| text.lines()) {
            out.verbatim(&format!("    {line}"))?;
        }
        if !self.commands.is_empty() {
            out.say(before_commands)?;
        }
        self.commands.iter().try_for_each(|command| out.verbatim(&format!("    {command}")))?;
        self.notes.iter().try_for_each(|note| out.say(note))
    }
}

fn joined(commands: &[Vec<String>]) -> Vec<String> {
    commands.iter().map(|words| words.join(" ")).collect()
}

/// The running supervisor, where it is another process than the service's.
fn another(session: &Session, own: Option<u32>) -> Option<u32> {
    let pid = Connection::open(session).ok()?.greeting.pid;
    (Some(pid) != own).then_some(pid)
}

/// Refuses to install for root what the person in front wants for himself: it would watch root's tmux, and be found by nobody.
fn not_by_sudo(session: &Session) -> Result<(), CliError> {
    let caller = session.environment.non_empty("SUDO_UID").filter(|uid| *uid != "0");
    if caller.is_some() && rustix::process::geteuid().is_root() {
        return Err(CliError::user("by sudo the service would be that of root, not yours", "repeat it without sudo"));
    }
    Ok(())
}

/// Whether a session of the user's tmux keeps a supervisor running, whatever stands in files.
fn has_session(session: &Session) -> bool {
    let found = InTmux::find(session).and_then(|tmux| tmux.look());
    matches!(found, Ok(in_tmux::Found::Ours(..)))
}

fn notes(session: &Session, init: Option<Init>, other: Option<u32>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(pid) = other {
        notes.push(format!(
            "another supervisor runs (process {pid}); once `tmuxagent shutdown` ended it the service takes over within 15 s"
        ));
    }
    let user = tmuxagent_supervisor::user_name(&session.environment);
    if init.and_then(|init| init.lingers(&user)) == Some(false) {
        notes.push("`loginctl enable-linger` lets it start with the machine and go on after you log out".to_owned());
    }
    if let Some(name) = gathered::unknown_proxy(session) {
        notes.push(format!(
            "{name} of this shell is not known to the service: write it into `.env` beside the configuration"
        ));
    }
    notes
}

fn install(session: &Session, args: &ChangeArgs, init: Init) -> Outcome {
    let text = init.text(&Service::of(session)?);
    let file = OwnedFile::read(init.place(session)?)?;
    file.must_not_be_foreign()?;
    let (reached, state) = (init.is_reached(), init.state());
    let other = another(session, state.pid);
    let starting = init.starting(&file.path, other.is_some());
    let mut told = Told { way: init.name(), place: shown(&file.path), ..Told::default() };
    if args.dry_run {
        told.commands = joined(&starting);
        told.text = Some(text);
        told.tell(&session.out, &format!("{} would be written:", told.place), "then these would be run:")?;
        return Ok(exit::OK);
    }
    init.must_be_here()?;
    if init == Init::Launchd {
        // It makes no folder for what the service complains.
        tmuxagent_config::make_private_folder(&session.load()?.paths.logs())?;
    }
    told.changed = file.write(&text)?;
    told.notes = notes(session, Some(init), other);
    if !reached {
        told.commands = joined(&starting);
    } else if state.active == "active" {
        if told.changed {
            run_all(&starting[..starting.len() - 1])?;
            told.commands = joined(&init.restarting(&file.path));
        }
    } else {
        run_all(&starting)?;
        if other.is_none() {
            told.notes.insert(0, "it runs, and starts by itself from now on".to_owned());
        }
    }
    let first = if told.changed {
        format!("{} is written", told.place)
    } else {
        format!("{}: nothing is to be done", told.place)
    };
    let left = if reached {
        "it runs as it was; this starts it anew:"
    } else {
        "no init system of yours is reached from here; where you are logged in run:"
    };
    told.tell(&session.out, &first, left)?;
    Ok(if told.commands.is_empty() { exit::OK } else { exit::NEGATIVE })
}

fn uninstall(session: &Session, args: &ChangeArgs, init: Init) -> Outcome {
    let file = OwnedFile::read(init.place(session)?)?;
    let beside = has_session(session);
    if beside && file.found == Found::Foreign {
        return Err(CliError::user(
            format!("{} is not from `tmuxagent service install`", shown(&file.path)),
            "nothing was changed; `tmuxagent service uninstall --in-tmux` ends the one in your tmux",
        ));
    }
    file.must_not_be_foreign()?;
    let mut told = Told { way: init.name(), place: shown(&file.path), ..Told::default() };
    if beside {
        let name = in_tmux::NAME;
        told.notes.push(format!(
            "your tmux has one in the session {name}; `tmuxagent service uninstall --in-tmux` ends that"
        ));
    }
    if file.found == Found::Nothing {
        told.tell(&session.out, &format!("{}: nothing is to be done", told.place), "")?;
        return Ok(exit::OK);
    }
    let commands = [init.ending(), init.forgetting()].concat();
    if args.dry_run {
        told.commands = joined(&commands);
        told.tell(&session.out, &format!("{} would be removed", told.place), "these would be run:")?;
        return Ok(exit::OK);
    }
    let reached = init.is_reached();
    if reached {
        // launchd knows no service that was never started.
        let known = init == Init::Systemd || init.state().enabled;
        run_all(if known { &commands[..1] } else { &[] })?;
    }
    file.remove()?;
    if reached {
        run_all(&commands[1..])?;
    } else {
        told.commands = joined(&commands);
    }
    told.changed = true;
    let left = "no init system of yours is reached from here; where you are logged in run:";
    told.tell(&session.out, &format!("{} is removed", told.place), left)?;
    Ok(if told.commands.is_empty() { exit::OK } else { exit::NEGATIVE })
}

/// What `--version` of a program says, without its name.
fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.trim().strip_prefix("tmuxagent ").map(clean)
}

/// What `status` tells, however it is installed.
struct Status {
    way: &'static str,
    place: String,
    /// `yes`, `otherwise`, `no` or `foreign`, as `hooks status` says.
    installed: &'static str,
    program: Option<String>,
    state: State,
    /// There is another one, in a session of the user's tmux.
    beside: bool,
}

fn status(session: &Session, init: Init) -> Outcome {
    let file = OwnedFile::read(init.place(session)?)?;
    // With a configuration that can't be read nothing can be compared.
    let wanted = Service::of(session).ok().map(|service| init.text(&service));
    let (installed, program) = match &file.found {
        Found::Nothing => ("no", None),
        Found::Foreign => ("foreign", None),
        Found::Ours(text) if wanted.as_ref().is_none_or(|wanted| wanted == text) => ("yes", init.program(text)),
        Found::Ours(text) => ("otherwise", init.program(text)),
    };
    let place = shown(&file.path);
    let state = if installed == "no" { State::default() } else { init.state() };
    show(session, &Status { way: init.name(), place, installed, program, state, beside: has_session(session) })
}

fn show(session: &Session, status: &Status) -> Outcome {
    let (out, own) = (&session.out, env!("CARGO_PKG_VERSION"));
    let Status { way, place, installed, program, state, beside } = status;
    let version = program.as_deref().and_then(version_of);
    let is_well = *installed == "yes" && state.active == "active" && version.as_deref() == Some(own);
    let code = if is_well { exit::OK } else { exit::NEGATIVE };
    if out.json {
        out.json(&json!({
            "way": way, "place": place, "installed": installed, "program": program, "program_version": version,
            "version": own, "enabled": state.enabled, "active": state.active, "since": state.since, "pid": state.pid,
            "says": state.says, "also_in_tmux": beside,
        }))?;
        return Ok(code);
    }
    let pick = |en, zh| out.lang.pick(en, zh);
    let (tone, words) = match *installed {
        "yes" => (Tone::Good, pick("installed", "已安装")),
        "otherwise" => (Tone::Warn, pick("installed otherwise, `install` mends it", "与应有的不同，`install` 会修正")),
        "foreign" => {
            (Tone::Warn, pick("not from `tmuxagent service install`", "不是由 `tmuxagent service install` 写入的"))
        }
        _ => (Tone::Plain, pick("not installed", "未安装")),
    };
    out.line(&format!("{way}: {}  {place}", out.paint(tone, words)))?;
    if let Some(program) = program {
        let at = clean(program);
        out.line(&match &version {
            Some(version) if version == own => format!("{} {at} ({version})", pick("program:", "程序：")),
            Some(version) => format!(
                "{} {at} ({version}; {own})",
                pick("program of another version than this one:", "程序版本与当前不同：")
            ),
            None => format!("{} {at}", pick("program that does not answer:", "程序没有回答：")),
        })?;
    }
    if *beside {
        let name = in_tmux::NAME;
        out.say(&format!(
            "your tmux has one in the session {name}; `tmuxagent service status --in-tmux` tells of that"
        ))?;
    }
    if matches!(*installed, "no") {
        if !*beside {
            out.say(match *way {
                "tmux" => "`tmuxagent service install --in-tmux` opens it",
                _ => "`tmuxagent service install` installs it",
            })?;
        }
        return Ok(code);
    }
    let (tone, words) = if state.enabled { (Tone::Good, pick("yes", "是")) } else { (Tone::Warn, pick("no", "否")) };
    out.line(&format!("{} {}", pick("starts by itself:", "自动启动："), out.paint(tone, words)))?;
    let (tone, active) = match state.active.as_str() {
        "active" => (Tone::Good, pick("yes", "是").to_owned()),
        "" => (
            Tone::Warn,
            pick("not known, no init system of yours is reached from here", "未知，从这里无法访问您的 init 系统")
                .to_owned(),
        ),
        other => (Tone::Bad, other.to_owned()),
    };
    let pid = state.pid.map(|pid| format!(" {pid}")).unwrap_or_default();
    let since = if state.since.is_empty() { String::new() } else { format!(" ({})", state.since) };
    out.line(&format!("{} {}{pid}{since}", pick("runs:", "运行中："), out.paint(tone, &active)))?;
    if state.active == "active" && !state.says.is_empty() {
        out.line(&format!("{} {}", pick("says:", "自述："), state.says))?;
    }
    Ok(code)
}

fn foreign() -> CliError {
    CliError::user(
        format!("the session {} of this tmux is not from `tmuxagent service install`", in_tmux::NAME),
        "nothing was changed; rename it if you need it",
    )
}

fn install_in_tmux(session: &Session, args: &ChangeArgs) -> Outcome {
    let (service, tmux) = (Service::in_session(session)?, InTmux::find(session)?);
    let found = tmux.look()?;
    if found == in_tmux::Found::Foreign {
        return Err(foreign());
    }
    let place = in_tmux::NAME.to_owned();
    let mut told = Told { way: "tmux", place, commands: vec![in_tmux::cron_line(&service)], ..Told::default() };
    let cron = "for the machine's next start `crontab -e` takes this line:";
    if args.dry_run {
        told.tell(&session.out, &format!("the session {} would be opened", told.place), cron)?;
        return Ok(exit::OK);
    }
    if let in_tmux::Found::Ours(ours) = &found
        && !ours.is(&service)
    {
        told.commands = ["uninstall", "install"].map(|what| in_tmux::command(&service, what)).to_vec();
        let first = format!("the session {} was opened with other flags or another environment", told.place);
        told.tell(&session.out, &first, "it runs as it was; this opens it as it would be now:")?;
        return Ok(exit::NEGATIVE);
    }
    let first = if found == in_tmux::Found::Nothing {
        told.notes = notes(session, None, another(session, None));
        tmux.open(&service)?;
        told.changed = true;
        format!("the session {} is open; the supervisor runs in it", told.place)
    } else {
        format!("{}: nothing is to be done", told.place)
    };
    told.tell(&session.out, &first, cron)?;
    Ok(exit::OK)
}

fn uninstall_in_tmux(session: &Session, args: &ChangeArgs) -> Outcome {
    let tmux = InTmux::find(session)?;
    let mut told = Told { way: "tmux", place: in_tmux::NAME.to_owned(), ..Told::default() };
    let first = match tmux.look()? {
        in_tmux::Found::Foreign => return Err(foreign()),
        in_tmux::Found::Nothing => format!("{}: nothing is to be done", told.place),
        in_tmux::Found::Ours(..) if args.dry_run => format!("the session {} would be closed", told.place),
        in_tmux::Found::Ours(..) => {
            tmux.close()?;
            told.changed = true;
            told.notes.push("where crontab has its line, `crontab -e` takes it out".to_owned());
            format!("the session {} is closed, and its supervisor ends", told.place)
        }
    };
    told.tell(&session.out, &first, "")?;
    Ok(exit::OK)
}

fn status_in_tmux(session: &Session) -> Outcome {
    let (mut state, mut program) = (State::default(), None);
    let installed = match InTmux::find(session)?.look()? {
        in_tmux::Found::Nothing => "no",
        in_tmux::Found::Foreign => "foreign",
        in_tmux::Found::Ours(ours) => {
            // With a configuration that can't be read nothing can be compared.
            let same = Service::in_session(session).ok().is_none_or(|service| ours.is(&service));
            let at = ours.program;
            state.since = local(&TimeZone::system(), Timestamp(ours.created.saturating_mul(1000)));
            state.pid = Connection::open(session).ok().map(|connection| connection.greeting.pid);
            // Whether crontab has its line only crontab knows.
            state.enabled = has_cron_line(&at);
            state.active = if state.pid.is_some() { "active" } else { "failed" }.to_owned();
            program = Some(at);
            if same { "yes" } else { "otherwise" }
        }
    };
    let place = in_tmux::NAME.to_owned();
    show(session, &Status { way: "tmux", place, installed, program, state, beside: false })
}

/// Whether the user's crontab opens the session with that program.
fn has_cron_line(program: &str) -> bool {
    let Some(name) = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return false;
    };
    let listed = Command::new("crontab").arg("-l").stdin(Stdio::null()).output();
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let opens = |line: &str| line.starts_with("@reboot") && line.contains("service install --in-tmux");
    listed.lines().any(|line| opens(line) && line.contains(&name))
}
