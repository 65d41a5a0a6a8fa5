//! `tmuxagent up`, `down` and `snapshot-workspace`.

use super::connection::Connection;
use super::output::Tone;
use super::{CliError, Outcome, Session, exit};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use tmuxagent_config::{Environment, HostConfig, Loaded, Problem, make_private_folder, note_given};
use tmuxagent_ipc::wire::Request;
use tmuxagent_model::HostName;
use tmuxagent_supervisor::transport;
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, clean};
use tmuxagent_tmux::Transport;
use tmuxagent_tmux::proto::Nonce;
use tmuxagent_workspace::{self as workspace, EXAMPLE, Failed, Found, Known, Look, Plan, Workspace};
use tmuxagent_yaml::Source;

#[derive(Debug, Args)]
pub(super) struct UpArgs {
    /// The workspace's file; `workspace.yaml` here or beside the configuration when left out
    file: Option<PathBuf>,
    /// Take the workspace that comes along: the windows that the bundled policies match
    #[arg(long, conflicts_with = "file")]
    example: bool,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Only print the workspace's file, to begin one of your own
    #[arg(long, conflicts_with = "dry_run")]
    print: bool,
}

#[derive(Debug, Args)]
pub(super) struct DownArgs {
    /// The workspace's file; `workspace.yaml` here or beside the configuration when left out
    file: Option<PathBuf>,
    /// Take the workspace that comes along
    #[arg(long, conflicts_with = "file")]
    example: bool,
    /// Only show what would be closed
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct SnapshotArgs {
    /// Write it to this file, which must not exist
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The workspace's name
    #[arg(long, default_value = "workspace")]
    name: String,
    /// Only these hosts; all when left out
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
}

/// Makes what is missing of a workspace.
pub(super) fn up(session: &Session, args: &UpArgs) -> Outcome {
    let mut loaded = here(session)?;
    let place = Place::find(&loaded, args.file.as_deref(), args.example)?;
    if args.print {
        session.out.raw(&place.text)?;
        return Ok(exit::OK);
    }
    let (workspace, own) = place.read(session, &loaded)?;
    loaded.given.extend(&own);
    if !args.dry_run && own.iter().next().is_some() {
        make_known(session, &loaded, &place.folder)?;
    }
    let redactor = session.redactor(&loaded);
    let mut folders: Vec<(HostName, String)> = Vec::new();
    for session in &workspace.sessions {
        for window in &session.windows {
            let worktree = window.worktree.iter().flat_map(|worktree| [&worktree.folder, &worktree.repository]);
            let all = window.panes.iter().map(|pane| &pane.folder).chain(worktree);
            folders.extend(all.map(|folder| (session.host.clone(), folder.clone())));
        }
    }
    let hosts: Vec<HostName> = workspace.sessions.iter().map(|session| session.host.clone()).collect();
    let ways = ways(&loaded, &hosts)?;
    let (found, failed) = look_at(&ways, &folders)?;
    let mut plan = workspace::up(&workspace, &found);
    plan.steps.retain(|step| found.iter().any(|found| found.host == step.host));
    let work = Work { workspace: &workspace, plan: &plan, found: &found, ways: &ways, redactor: &redactor };
    carry_out(session, &work, failed, args.dry_run)
}

/// The configuration, with the server that is meant: outside of tmux the one that the running supervisor watches.
fn here(session: &Session) -> Result<Loaded, CliError> {
    let mut loaded = session.load()?;
    if session.environment.non_empty("TMUX").is_none() {
        super::watched::take_over(&mut loaded, &super::watched::by_supervisor(session));
    }
    Ok(loaded)
}

/// Before a pane has them, everybody who keeps texts of panes knows the values of the workspace's `.env` as secrets: the
/// running supervisor at once, and who comes later by the note.
fn make_known(session: &Session, loaded: &Loaded, folder: &Path) -> Result<(), CliError> {
    note_given(&loaded.paths, folder)?;
    match Connection::open(session).and_then(|mut supervisor| supervisor.ask(Request::Reload)) {
        Ok(_) | Err(CliError::NoSupervisor { .. }) => Ok(()),
        Err(error) => {
            let text = "the running supervisor did not take up the workspace's `.env`, whose values it would keep";
            Err(CliError::user(
                format!("{text}: {}", error.text()),
                "mend it, see `tmuxagent config check`, and repeat",
            ))
        }
    }
}

/// Closes what `up` made.
pub(super) fn down(session: &Session, args: &DownArgs) -> Outcome {
    let mut loaded = here(session)?;
    let place = Place::find(&loaded, args.file.as_deref(), args.example)?;
    let (workspace, own) = place.read(session, &loaded)?;
    loaded.given.extend(&own);
    let redactor = session.redactor(&loaded);
    let hosts: Vec<HostName> = workspace.sessions.iter().map(|session| session.host.clone()).collect();
    let ways = ways(&loaded, &hosts)?;
    let (found, failed) = look_at(&ways, &[])?;
    let plan = workspace::down(&workspace.name, &found);
    let work = Work { workspace: &workspace, plan: &plan, found: &found, ways: &ways, redactor: &redactor };
    carry_out(session, &work, failed, args.dry_run)
}

/// Writes a file of what runs.
pub(super) fn snapshot(session: &Session, args: &SnapshotArgs) -> Outcome {
    let loaded = here(session)?;
    let known = loaded.config.hosts.iter().map(|host| host.name.clone());
    let hosts: Vec<HostName> =
        known.filter(|name| args.host.is_empty() || args.host.iter().any(|wanted| wanted == name.as_str())).collect();
    if hosts.is_empty() {
        return Err(CliError::user("no such host is configured", "`tmuxagent config check` lists them"));
    }
    let (mut found, unreached) = look_at(&ways(&loaded, &hosts)?, &[])?;
    if !unreached.is_empty() {
        return Err(failed(&unreached));
    }
    let redactor = session.redactor(&loaded);
    found.iter_mut().for_each(|found| found.clean_texts(|text| without_secrets(&redactor, text)));
    let text = workspace::write(&args.name, &found);
    match &args.output {
        None if session.out.json => session.out.json(&serde_json::json!({ "workspace": text }))?,
        None => session.out.raw(&text)?,
        Some(file) => {
            let made = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
            let written = made.and_then(|mut out| std::io::Write::write_all(&mut out, text.as_bytes()));
            written.map_err(|error| {
                CliError::user(format!("can't write {}: {error}", file.display()), "name another file with --output")
            })?;
            if session.out.json {
                session.out.json(&serde_json::json!({ "file": file }))?;
            } else {
                session.out.verbatim(&super::output::shown(file))?;
            }
        }
    }
    Ok(exit::OK)
}

/// A name without secrets, as it is otherwise; also what hidden signs within would keep from being found is taken out.
fn without_secrets(redactor: &Redactor, text: &str) -> String {
    let shown = clean(text);
    let redacted = redactor.redact(&shown);
    if redacted == shown { redactor.redact(text) } else { redacted }
}

/// A workspace's text and where it lies.
struct Place {
    name: String,
    folder: PathBuf,
    stem: String,
    text: String,
}

impl Place {
    fn find(loaded: &Loaded, file: Option<&Path>, example: bool) -> Result<Self, CliError> {
        let here = std::env::current_dir().map_err(CliError::internal)?;
        if example {
            let text = EXAMPLE.to_owned();
            return Ok(Self { name: "<bundled>/workspace.yaml".into(), folder: here, stem: "example".into(), text });
        }
        let usual = [here.join("workspace.yaml"), loaded.paths.config_dir.join("workspace.yaml")];
        let path = match file {
            Some(file) => std::path::absolute(file).map_err(CliError::internal)?,
            None => usual.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
                let hint = "name one, begin one with `tmuxagent up --example --print`, or write what runs now with \
                            `tmuxagent snapshot-workspace`";
                CliError::user("there is no workspace.yaml here or beside the configuration", hint)
            })?,
        };
        tmuxagent_config::trusted(&path).map_err(CliError::User)?;
        let text = tmuxagent_config::read_text(&path).map_err(|error| {
            let hint = "`tmuxagent up --example --print` prints one to begin with";
            CliError::user(format!("the workspace {} can't be read: {error}", path.display()), hint)
        })?;
        let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let folder = path.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
        Ok(Self { name: path.display().to_string(), folder, stem, text })
    }

    /// The workspace, with the variables of the `.env` beside it, and what that file holds.
    fn read(&self, session: &Session, loaded: &Loaded) -> Result<(Workspace, Environment), CliError> {
        let mut own = Environment::default();
        own.read_file(&self.folder)?;
        let from_file = |name: &str| own.get(name).map(str::to_owned);
        let variable = |name: &str| session.environment.get(name).map(str::to_owned).or_else(|| from_file(name));
        let hosts: Vec<HostName> = loaded.config.hosts.iter().map(|host| host.name.clone()).collect();
        let local = |host: &&HostConfig| host.ssh.is_none();
        let local: Vec<HostName> = loaded.config.hosts.iter().filter(local).map(|host| host.name.clone()).collect();
        let folder = self.folder.display().to_string();
        let known = Known { hosts: &hosts, folder: &folder, local: &local, variable: &variable };
        let source = Source::new(self.name.clone(), self.text.clone());
        let read = workspace::read(&source, &self.stem, &known);
        let mut workspace = read.map_err(|found| CliError::User(Problem::in_text(found)))?;
        for (name, _) in own.iter() {
            if let Some(value) = variable(name) {
                workspace.env.entry(name.to_owned()).or_insert(value);
            }
        }
        Ok((workspace, own))
    }
}

/// The way to each of the hosts, each once.
fn ways(loaded: &Loaded, hosts: &[HostName]) -> Result<Vec<(HostName, Transport)>, CliError> {
    let wanted: Vec<&HostConfig> = loaded.config.hosts.iter().filter(|host| hosts.contains(&host.name)).collect();
    if wanted.iter().any(|host| host.ssh.is_some()) {
        // The shared connections' sockets lie there.
        make_private_folder(&loaded.paths.runtime_dir)?;
    }
    let way = |host: &HostConfig| (host.name.clone(), transport(host, &loaded.paths.runtime_dir));
    Ok(wanted.into_iter().map(way).collect())
}

/// Asks all hosts at once; gives what was found, and the hosts that can't be asked.
fn look_at(
    ways: &[(HostName, Transport)],
    folders: &[(HostName, String)],
) -> Result<(Vec<Found>, Vec<Failed>), CliError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| CliError::internal(color_eyre::eyre::eyre!("{error}")))?;
    let nonce = Nonce::new(random);
    let looks = ways.iter().map(|(host, transport)| {
        let mut there: Vec<String> =
            folders.iter().filter(|(of, _)| of == host).map(|(_, folder)| folder.clone()).collect();
        there.sort_unstable();
        there.dedup();
        let look = Look { host, transport, folders: there, nonce: &nonce };
        move || workspace::look(&look)
    });
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for result in super::threads::at_once(looks).into_iter().flatten() {
        match result {
            Ok(there) => found.push(there),
            Err(error) => failed.push(error),
        }
    }
    Ok((found, failed))
}

/// Hosts on which something was not done.
fn failed(errors: &[Failed]) -> CliError {
    CliError::user(said(errors), "`tmuxagent doctor` looks at every host")
}

fn said(errors: &[Failed]) -> String {
    errors.iter().map(|error| clean(&error.to_string())).collect::<Vec<_>>().join("; ")
}

/// What is to be done, and how its hosts are reached.
struct Work<'w> {
    workspace: &'w Workspace,
    plan: &'w Plan,
    found: &'w [Found],
    ways: &'w [(HostName, Transport)],
    /// Names in tmux may hold secrets.
    redactor: &'w Redactor,
}

/// Shows a plan and takes its steps. A host that fails, now or before (`failures`), keeps no other from its own.
fn carry_out(session: &Session, work: &Work<'_>, mut failures: Vec<Failed>, dry_run: bool) -> Outcome {
    let Work { workspace, plan, found, ways, redactor } = work;
    let out = &session.out;
    let clean = |text: &str| clean(&redactor.redact(text));
    let mut done = 0;
    for step in &plan.steps {
        if !out.json {
            let mark = out.paint(Tone::Good, if step.kind() == "close" { "-" } else { "+" });
            out.line(&format!("{mark} {} {}: {}", step.kind(), step.host, clean(&step.target())))?;
        }
        let there = found.iter().find(|found| found.host == step.host);
        if dry_run {
            // As it would fail.
            let obstacle = there.and_then(|there| workspace::obstacle(step, there));
            let obstacle = obstacle.map(|failed| Failed { text: redactor.redact(&failed.text), ..failed });
            failures.extend(obstacle.filter(|failed| !failures.contains(failed)));
            continue;
        }
        if failures.iter().any(|failed| failed.host == step.host) {
            continue;
        }
        let way = ways.iter().find(|(host, _)| *host == step.host);
        if let (Some(there), Some((_, way))) = (there, way)
            && let Err(error) = workspace::perform(step, workspace, there, way)
        {
            failures.push(Failed { text: redactor.redact(&error.text), ..error });
            continue;
        }
        done += 1;
    }
    if out.json {
        let steps: Vec<_> = plan
            .steps
            .iter()
            .map(|step| json!({ "kind": step.kind(), "host": step.host, "target": redactor.redact(&step.target()) }))
            .collect();
        let differences: Vec<_> = plan
            .differences
            .iter()
            .map(|d| json!({ "host": d.host, "place": redactor.redact(&d.place), "text": redactor.redact(&d.text) }))
            .collect();
        out.json(&json!({
            "workspace": workspace.name, "dry_run": dry_run, "steps": steps, "done": done, "kept": plan.kept,
            "differences": differences, "error": (!failures.is_empty()).then(|| said(&failures)),
            "failed": failures.iter().map(|failed| json!({ "host": failed.host, "error": failed.text })).collect::<Vec<_>>(),
        }))?;
    } else {
        for difference in &plan.differences {
            let mark = out.paint(Tone::Warn, "~");
            let (host, place, text) = (&difference.host, clean(&difference.place), clean(&difference.text));
            out.line(&format!("{mark} {host}: {place} {text}"))?;
        }
        let (name, steps, kept) = (clean(&workspace.name), plan.steps.len(), plan.kept);
        out.line(&match (dry_run, out.lang) {
            (true, Lang::En) => format!("{name}: {steps} to do, {kept} left as they are"),
            (true, Lang::Zh) => format!("{name}：待执行 {steps} 步，{kept} 个保持不变"),
            (false, Lang::En) => format!("{name}: {done} of {steps} done, {kept} left as they are"),
            (false, Lang::Zh) => format!("{name}：已完成 {done}/{steps} 步，{kept} 个保持不变"),
        })?;
    }
    match (failures.is_empty(), plan.differences.is_empty()) {
        (false, _) if !out.json => Err(failed(&failures)),
        (false, _) => Ok(exit::USER),
        (true, true) => Ok(exit::OK),
        (true, false) => Ok(exit::NEGATIVE),
    }
}
