//! How soon each state is known after it stands on the screen, and whether another was said in between.

use super::agent::{Agent, WORKS};
use super::report::{Row, Table};
use super::stage::Stage;
use crate::agent::Kind;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(500);
const AT_ONCE: Duration = Duration::from_millis(300);
/// After this time a state that was not said counts as wrong.
const NEVER: Duration = Duration::from_secs(5);
/// A state that stood this long beside another screen was wrong, not late.
const WRONG: Duration = Duration::from_millis(1500);

struct Rows {
    works: Row,
    asks: Row,
    asks_more: Row,
    done: Row,
    error: Row,
    limited: Row,
    others: Row,
}

pub fn measure(stage: &mut Stage, table: &mut Table) {
    let agent = stage.agent("states");
    let mut rows = Rows {
        works: Row::new("state: working", Some(SOON)),
        asks: Row::new("state: needs approval", Some(AT_ONCE)),
        asks_more: Row::new("state: needs answer", Some(SOON)),
        done: Row::new("state: done", Some(SOON)),
        error: Row::new("state: error", Some(SOON)),
        limited: Row::new("state: rate limited", Some(SOON)),
        others: Row::new("no other state in between", None),
    };
    for _ in 0..stage.rounds {
        command(stage, &agent, &mut rows);
        failure(stage, &agent, &mut rows.error, "error", "400 refused");
        match stage.kind {
            Kind::Codex => failure(stage, &agent, &mut rows.limited, "rate_limited", "429 usage_limit_reached"),
            Kind::Claude => question(stage, &agent, &mut rows.asks_more),
        }
    }
    let Rows { works, asks, asks_more, done, error, limited, others } = rows;
    for row in [works, asks, asks_more, done, error, limited, others] {
        if row.rounds > 0 {
            table.add(row);
        }
    }
}

/// How long after it stood on the screen a state was said; a state that is said before counts as at once.
fn after(stage: &Stage, agent: &Agent, shown: Instant, states: &[&str]) -> Option<Duration> {
    let is_it = |state: &Option<String>| state.as_deref().is_some_and(|state| states.contains(&state));
    let said = stage.watch.wait(&agent.pane, shown, NEVER, |said| is_it(&said.state));
    said.map(|said| said.saturating_duration_since(shown))
}

/// It thinks, asks for a command, runs it and ends.
fn command(stage: &mut Stage, agent: &Agent, rows: &mut Rows) {
    let name = stage.name();
    let begin = stage.prompt(agent, &format!("[[sleep 1.5]] [[sh touch {name}]] [[sleep 1]] [[say Ended {name}]]"));
    let works = agent.wait("work", begin, |screen| screen.contains(WORKS));
    rows.works.came(after(stage, agent, works, &["working"]));
    let asks = agent.wait("its question", works, |screen| screen.contains(agent.kind.asks()));
    rows.asks.came(after(stage, agent, asks, &["needs_approval"]));
    let question = stage.wait_question(agent, &name);
    stage.room.ask(&["approve", &question]);
    let ended = |screen: &str| {
        let says = screen.lines().any(|line| line.contains(&format!("Ended {name}")) && !line.contains("[["));
        says && !screen.contains(WORKS)
    };
    let done = agent.wait("its end", asks, ended);
    rows.done.came(after(stage, agent, done, &["done", "idle"]));
    let end = Instant::now();
    rows.others.was(no_other(stage, agent, works, asks, end));
    stage.settle(agent);
}

/// Whether nothing but work was said before the question, and nothing but what followed behind it.
fn no_other(stage: &Stage, agent: &Agent, works: Instant, asks: Instant, end: Instant) -> bool {
    let said = stage.watch.since(&agent.pane, works);
    let spans = said.iter().zip(said.iter().skip(1).map(|next| next.at).chain([end]));
    let others: Vec<_> = spans
        .filter(|(said, until)| {
            let rests = matches!(said.state.as_deref(), Some("idle" | "done" | "error" | "unsure" | "starting") | None);
            let from = said.at.max(works);
            rests
                && from < asks
                && until.saturating_duration_since(from) > WRONG.min(asks.saturating_duration_since(from))
        })
        .map(|(said, _)| said.state.clone())
        .collect();
    if !others.is_empty() {
        eprintln!("  {} before the question: {others:?}", agent.pane);
    }
    others.is_empty()
}

/// Its service refuses.
fn failure(stage: &mut Stage, agent: &Agent, row: &mut Row, state: &str, what: &str) {
    let name = stage.name();
    let sign = |screen: &str| match (agent.kind, state) {
        (Kind::Codex, "rate_limited") => screen.matches("hit your usage limit").count(),
        (Kind::Codex, _) => screen.matches("scripted error").count(),
        (Kind::Claude, _) => screen.matches("API Error").count(),
    };
    let before = sign(&agent.screen());
    let begin = stage.prompt(agent, &format!("[[sleep 1]] [[fail {what}]] {name}"));
    let works = agent.wait("work", begin, |screen| screen.contains(WORKS));
    // What scrolled away may leave as many as before.
    let shown =
        agent.wait("the error", works, |screen| !screen.contains(WORKS) && (sign(screen) > before || sign(screen) > 0));
    row.came(after(stage, agent, shown, &[state]));
    stage.settle(agent);
}

/// It asks something that is no permission.
fn question(stage: &mut Stage, agent: &Agent, row: &mut Row) {
    let name = stage.name();
    let begin = stage.prompt(agent, &format!("[[sleep 1]] [[ask]] [[say Answered {name}]]"));
    let shown = agent.wait("its question", begin, |screen| screen.contains("Enter to select"));
    row.came(after(stage, agent, shown, &["needs_answer"]));
    stage.press(agent, "Escape");
    agent.wait("the question's end", shown, |screen| !screen.contains("Enter to select"));
    stage.settle(agent);
}
