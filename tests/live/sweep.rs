//! A prompt, keys and a command are sent at every instant around the opening of a dialog: it stands there as it was, and
//! nothing runs.

use super::agent::{Agent, dialog};
use super::report::{Row, Table};
use super::stage::Stage;
use super::support::{PATIENCE, wait_for};
use serde_json::Value;
use std::time::{Duration, Instant};
use tmuxagent_ipc::client::{Connection, hello};
use tmuxagent_ipc::wire::Request;
use tmuxagent_model::{Command, PaneKey, Via};

/// So far before and after the opening.
const AROUND: f64 = 0.5;
/// From the beginning of a round to the model's answer.
const AHEAD: Duration = Duration::from_millis(800);

pub fn measure(stage: &mut Stage, table: &mut Table) {
    let agent = stage.agent("sweep");
    let mut opens = Duration::from_millis(200);
    for (pipeline, what) in [("say", "prompt"), ("keys", "send_keys"), ("run", "run")] {
        let mut changed = Row::new(&format!("{what} around a dialog: left as it was"), None);
        let mut once = Row::new("prompt: arrives once, after the dialog", None);
        for round in 0..stage.rounds {
            let share = f64::from(round) / f64::from(stage.rounds.saturating_sub(1).max(1));
            let offset = (2.0 * share - 1.0) * AROUND;
            let before = stage.model.turns_of("swept by a prompt");
            let (is_right, opened) = sweep(stage, &agent, pipeline, opens, offset);
            changed.was(is_right);
            // The next dialog opens about as fast.
            opens = (opens * 3 + opened) / 4;
            if pipeline == "say" {
                once.was(arrives_once(stage, before));
            }
            cancel(stage);
            stage.settle(&agent);
        }
        table.add(changed);
        if once.rounds > 0 {
            table.add(once);
        }
    }
}

/// One round; whether nothing changed, and how long after the model's answer the dialog was there.
fn sweep(stage: &mut Stage, agent: &Agent, pipeline: &str, opens: Duration, offset: f64) -> (bool, Duration) {
    let name = stage.name();
    stage.prompt(agent, &format!("[[hold {name}]] [[talk 0.3]] [[sh touch {name}]] [[say Ended {name}]]"));
    let (socket, pane) = (stage.room.state.join("supervisor.sock"), stage.watch.key(&agent.pane));
    let begin = Instant::now();
    let answered = begin + AHEAD;
    // The answer is whole once its text is told.
    let opening = AHEAD + Duration::from_millis(300) + opens;
    let at = begin + Duration::from_secs_f64((opening.as_secs_f64() + offset).max(0.0));
    std::thread::scope(|scope| {
        scope.spawn(|| start_at(&socket, pane, pipeline, at));
        std::thread::sleep(answered.saturating_duration_since(Instant::now()));
        stage.model.let_go(&name);
    });
    let opened = wait_for(PATIENCE, "the dialog", || {
        agent.first(begin, |screen| screen.contains(agent.kind.asks()) && dialog(agent.kind, screen).contains(&name))
    });
    let rest = at.max(opened) + Duration::from_millis(900);
    std::thread::sleep(rest.saturating_duration_since(Instant::now()));
    let is_right = agent.asks_for(&name)
        && dialog(agent.kind, &agent.screen()).contains(agent.kind.chosen())
        && !agent.made(&name)
        && !agent.made("swept-by-run");
    if !is_right {
        eprintln!("  {pipeline} {offset:+.2} s: made {}\n{}", agent.made(&name), agent.screen());
    }
    if let Some(question) = stage.question(agent, &name) {
        stage.room.ask(&["reject", &question]);
    }
    let opened = opened.saturating_duration_since(answered + Duration::from_millis(300));
    (is_right, opened.min(Duration::from_secs(1)))
}

/// Starts a pipeline by hand at an instant, over a connection that is open by then.
fn start_at(socket: &std::path::Path, pane: PaneKey, pipeline: &str, at: Instant) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = Connection::open(socket, hello(Via::Key, None, None)).await.expect("a supervisor");
        tokio::time::sleep_until(at.into()).await;
        let command = Command::Start { pane, pipeline: pipeline.to_owned(), stage: None };
        if let Err(error) = connection.request(Request::Command { command }).await {
            eprintln!("  {pipeline} was not started: {error}");
        }
    });
}

/// Whether a prompt that waited came to the model, and only once.
fn arrives_once(stage: &Stage, before: usize) -> bool {
    let times = || stage.model.turns_of("swept by a prompt").saturating_sub(before);
    let end = Instant::now() + Duration::from_secs(12);
    while times() == 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    let times = times();
    if times != 1 {
        eprintln!("  a prompt arrived {times} times");
    }
    times == 1
}

/// Ends what is still under way.
fn cancel(stage: &Stage) {
    let runs: Value =
        serde_json::from_slice(&stage.room.ask(&["panes", "--runs", "--json"]).stdout).unwrap_or_default();
    for run in runs.as_array().into_iter().flatten().filter(|run| run["state"] == "open") {
        stage.room.ask(&["cancel", &format!("#{}", run["run"])]);
    }
}
