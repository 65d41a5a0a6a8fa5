//! The supervisor, the agents, the port and the clock.

use super::{Finding, Scene, find_program};
use std::net::TcpListener;
use std::time::UNIX_EPOCH;
use tmuxagent_clock::wall;
use tmuxagent_text::{part, trouble};

/// Whether a supervisor runs, and whether this is its version.
pub(super) fn supervisor(scene: &Scene) -> Vec<Finding> {
    let lang = scene.lang;
    let Some(holder) = tmuxagent_ipc::lock::holder(&scene.paths.runtime_dir) else {
        return vec![Finding::ok("supervisor", said!(lang, "none runs", "没有在运行"))];
    };
    let own = env!("CARGO_PKG_VERSION");
    let config = scene.in_force.as_ref().unwrap_or(&holder.config);
    let text = said!(
        lang,
        "process {}, version {}, configuration {}",
        "进程 {}，版本 {}，配置 {}",
        holder.pid,
        holder.version,
        config
    );
    if holder.version != own {
        let fix = said!(lang, "tmuxagent shutdown, then start it again", "先 tmuxagent shutdown，再重新启动");
        let text = said!(lang, "{text}; this program is {own}", "{text}；本程序是 {own}");
        return vec![Finding::warning("supervisor", text, fix)];
    }
    let other = scene.loaded.as_ref().is_some_and(|loaded| loaded.config_name != *config);
    if other {
        let fix = said!(
            lang,
            "give the same --config, or --state-dir for a second supervisor",
            "使用相同的 --config，或用 --state-dir 另起一个监督进程"
        );
        let text = said!(lang, "{text}, which is not the one of this call", "{text}，与本次调用的不同");
        return vec![Finding::warning("supervisor", text, fix)];
    }
    let troubles = scene.troubles.iter().filter(|problem| problem.part != "web server").map(|problem| {
        let text = format!("{}{}{}", part(lang, &problem.part), lang.colon(), trouble(lang, &problem.text));
        Finding::warning("supervisor", text, super::settings::see(lang, "tmuxagent status"))
    });
    std::iter::once(Finding::ok("supervisor", text)).chain(troubles).collect()
}

/// The programs of agents that are recognised.
const AGENTS: [&str; 5] = ["claude", "codex", "gemini", "opencode", "aider"];

/// Agents, port and clock.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let there: Vec<&str> = AGENTS.into_iter().filter(|name| find_program(&scene.environment, name).is_some()).collect();
    let agents = if there.is_empty() {
        said!(scene.lang, "none of {} is on PATH", "PATH 中没有 {} 中的任何一个", AGENTS.join(", "))
    } else {
        there.join(", ")
    };
    [Some(Finding::ok("agents", agents)), port(scene), Some(clock(scene))].into_iter().flatten().collect()
}

fn port(scene: &Scene) -> Option<Finding> {
    let lang = scene.lang;
    let bind = scene.loaded.as_ref()?.config.serve.as_ref()?.bind;
    let by = super::listener::named(bind.port(), lang);
    Some(match TcpListener::bind(bind) {
        Ok(_) => Finding::ok("port", said!(lang, "{bind} is free", "{bind} 空闲")),
        Err(_) if scene.troubles.iter().any(|problem| problem.part == "web server") => Finding::failure(
            "port",
            said!(
                lang,
                "{bind} is held by another program{by}; the supervisor can't serve links",
                "{bind} 被另一个程序占用{by}，监督进程无法提供链接"
            ),
            said!(
                lang,
                "end that one, or name another address: `serve: {{bind: 127.0.0.1:8788}}`",
                "结束那个程序，或换一个地址：`serve: {{bind: 127.0.0.1:8788}}`"
            ),
        ),
        Err(_) if scene.supervisor.is_some() => {
            Finding::ok("port", said!(lang, "{bind} is in use, as it should be", "{bind} 正在使用，符合预期"))
        }
        Err(error) => Finding::failure(
            "port",
            said!(
                lang,
                "{bind} can't be used{by}: {}",
                "{bind} 无法使用{by}：{}",
                tmuxagent_text::clean(&error.to_string())
            ),
            said!(
                lang,
                "name another address in the configuration: `serve: {{bind: 127.0.0.1:8788}}`",
                "在配置中换一个地址：`serve: {{bind: 127.0.0.1:8788}}`"
            ),
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
        let text = said!(
            scene.lang,
            "the clock is behind the state's last change: signed links and schedules go wrong",
            "时钟早于状态的最后修改时间：签名链接和定时任务会出错"
        );
        let fix = said!(
            scene.lang,
            "set the clock, for example by turning network time on",
            "校准时钟，例如打开网络时间同步"
        );
        return Finding::warning("clock", text, fix);
    }
    Finding::ok("clock", said!(scene.lang, "not behind the state's last change", "不早于状态的最后修改时间"))
}
