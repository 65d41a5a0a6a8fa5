//! `tmuxagent config check|default|path`.

use super::{CliError, Outcome, Session, exit};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use tmuxagent_config::DEFAULT_CONFIG;
use tmuxagent_text::counted;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration and its policies without starting anything
    Check(CheckArgs),
    /// Print a complete configuration with every key, its default and its meaning
    Default,
    /// Print where everything lies
    Path,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The file; the one that would be used when left out
    file: Option<PathBuf>,
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::Check(args) => check(session, args),
        ConfigCommand::Default => default(session),
        ConfigCommand::Path => path(session),
    }
}

fn check(session: &Session, args: &CheckArgs) -> Outcome {
    let mut overrides = session.overrides.clone();
    if let Some(file) = &args.file {
        overrides.config = Some(file.clone());
    }
    let loaded = tmuxagent_config::load(&overrides, &session.environment)?;
    let alerts = tmuxagent_alerts::config::of(&loaded)?;
    let policy = super::policy::judge(&loaded.policy_sources)?;
    let (known, _) = tmuxagent_policy::analyse(&loaded.policy_sources);
    let unread = known.map(|known| super::doctor::approvers::unread(&known, &alerts)).unwrap_or_default();
    let warnings = policy.found.warnings() + unread.len();
    super::screen::keymap(&loaded.paths)?;
    let out = &session.out;
    // A folder may be named after what nobody is to read.
    let redactor = alerts.redactor(&loaded);
    let config = redactor.redact(&loaded.config_name);
    let hosts: Vec<&str> = loaded.config.hosts.iter().map(|host| host.name.as_str()).collect();
    let policies: Vec<String> = loaded.policy_sources.iter().map(|source| redactor.redact(&source.name)).collect();
    if out.json {
        let channels: Vec<&String> = alerts.channels.keys().collect();
        out.json(&json!({
            "config": config, "hosts": hosts, "channels": channels, "policies": policies,
            "warnings": warnings,
        }))?;
    } else {
        out.say(&format!("{config}: ok ({})", hosts.join(", ")))?;
        out.say(&format!("{}: ok ({})", policies.join(", "), counted(policy.pipelines, "pipeline")))?;
        super::policy::tell_others(session, &tmuxagent_config::policy_names(&loaded.policy_sources))?;
        // Why the exit code is another one, as `policy check` shows it.
        for gate in &unread {
            out.warn(&redactor.redact(&format!("{}; {}", gate.text(out.lang), gate.fix(out.lang))));
        }
        if policy.found.warnings() > 0 {
            out.raw(&format!("\n{}\n", redactor.redact(&policy.found.show(out.lang))))?;
        }
    }
    Ok(if warnings == 0 { exit::OK } else { exit::NEGATIVE })
}

fn default(session: &Session) -> Outcome {
    if session.out.json {
        return Err(CliError::user("the default configuration is YAML with comments", "leave --json out"));
    }
    session.out.raw(DEFAULT_CONFIG)?;
    Ok(exit::OK)
}

fn path(session: &Session) -> Outcome {
    // A broken configuration must not hide where it lies.
    let paths = session.load().map_or_else(|_| session.paths(), |loaded| Ok(loaded.paths))?;
    let shown = [
        ("config", &paths.config_file),
        ("policies", &paths.config_dir.join("policies")),
        ("state", &paths.state_dir),
        ("database", &paths.database),
        ("approvals", &paths.approvals),
        ("logs", &paths.logs()),
        ("socket", &tmuxagent_ipc::lock::socket_path(&paths.runtime_dir)),
    ];
    let out = &session.out;
    if out.json {
        let map: serde_json::Map<_, _> = shown.iter().map(|(name, path)| ((*name).to_owned(), json!(path))).collect();
        out.json(&map)?;
    } else {
        for (name, path) in shown {
            out.verbatim(&format!("{name:<10} {}", super::output::shown(path.as_ref())))?;
        }
    }
    Ok(exit::OK)
}
