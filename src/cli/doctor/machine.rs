//! The supervisor, the agents, the port and the clock.

use super::{Finding, Scene, find_program};
use crate::clock::wall;
use std::net::TcpListener;
use std::time::UNIX_EPOCH;

/// Whether a supervisor runs, and whether this is its version.
pub(super) fn supervisor(scene: &Scene) -> Vec<Finding> {
    let Some(holder) = crate::ipc::lock::holder(&scene.paths.runtime_dir) else {
        return vec![Finding::ok("supervisor", "none runs")];
    };
    let own = env!("CARGO_PKG_VERSION");
    let text = format!("process {}, version {}, configuration {}", holder.pid, holder.version, holder.config);
    if holder.version != own {
        let fix = "tmuxagent shutdown, then start it again";
        return vec![Finding::warning("supervisor", format!("{text}; this program is {own}"), fix)];
    }
    let other = scene.loaded.as_ref().is_some_and(|loaded| loaded.config_name != holder.config);
    if other {
        let fix = "give the same --config, or --state-dir for a second supervisor";
        return vec![Finding::warning("supervisor", format!("{text}, which is not the one of this call"), fix)];
    }
    vec![Finding::ok("supervisor", text)]
}

/// The programs of agents that are recognised.
const AGENTS: [&str; 5] = ["claude", "codex", "gemini", "opencode", "aider"];

/// Agents, port and clock.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let there: Vec<&str> = AGENTS.into_iter().filter(|name| find_program(&scene.environment, name).is_some()).collect();
    let agents = if there.is_empty() { format!("none of {} is on PATH", AGENTS.join(", ")) } else { there.join(", ") };
    [Some(Finding::ok("agents", agents)), port(scene), Some(clock(scene))].into_iter().flatten().collect()
}

fn port(scene: &Scene) -> Option<Finding> {
    let bind = scene.loaded.as_ref()?.config.serve.as_ref()?.bind;
    Some(match TcpListener::bind(bind) {
        Ok(_) => Finding::ok("port", format!("{bind} is free")),
        Err(_) if scene.supervisor.is_some() => Finding::ok("port", format!("{bind} is in use, as it should be")),
        Err(error) => Finding::failure(
            "port",
            format!("{bind} can't be used: {}", crate::i18n::clean(&error.to_string())),
            "name another address in the configuration: `serve: {bind: 127.0.0.1:8788}`",
        ),
    })
}

/// A clock that is behind what this machine has already written makes links expire at the wrong time.
fn clock(scene: &Scene) -> Finding {
    let now = wall();
    let written = [&scene.paths.database, &scene.paths.state_dir]
        .into_iter()
        .filter_map(|path| std::fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok())
        .filter_map(|since| i64::try_from(since.as_millis()).ok())
        .max()
        .unwrap_or(0);
    // Two minutes: file systems of other machines have clocks of their own.
    if written > now.0.saturating_add(120_000) {
        let text = "the clock is behind the state's last change: signed links and schedules go wrong";
        return Finding::warning("clock", text, "set the clock, for example by turning network time on");
    }
    Finding::ok("clock", "not behind the state's last change")
}
