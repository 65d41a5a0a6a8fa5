//! Questions of agents that are decided on the command line: in the right pane, soon, and not too late.

use super::agent::Agent;
use super::report::{Row, Table};
use super::stage::Stage;
use super::support::{PATIENCE, wait_for};
use std::time::{Duration, Instant};

const GONE: Duration = Duration::from_millis(500);

/// Two agents ask at once in one folder; each is answered by itself.
pub fn in_two_panes(stage: &mut Stage, table: &mut Table) {
    let agents = [stage.agent("shared"), stage.agent("shared")];
    let mut gone = Row::new("answered: dialog gone", Some(GONE));
    let mut right = Row::new("answered: in that pane, and there only", None);
    for _ in 0..stage.rounds {
        let names = [stage.name(), stage.name()];
        for (agent, name) in agents.iter().zip(&names) {
            stage.prompt(agent, &format!("[[sh touch {name}]] [[say Ended {name}]]"));
        }
        let mut order: Vec<_> = agents.iter().zip(&names).collect();
        if stage.chance(2) {
            order.reverse();
        }
        let questions: Vec<_> = order.iter().map(|(agent, name)| stage.wait_question(agent, name)).collect();
        for (at, ((agent, name), question)) in order.iter().zip(&questions).enumerate() {
            let yes = !stage.chance(4);
            let begin = Instant::now();
            let told = stage.room.ask(&[if yes { "approve" } else { "reject" }, question]);
            let decided = Instant::now();
            let end = agent.first(begin, |screen| !screen.contains(agent.kind.asks()));
            let end = end.or_else(|| waited(agent, begin));
            gone.came(end.map(|end| end.saturating_duration_since(decided)));
            let done = || if yes { agent.made(name).then_some(()) } else { Some(()) };
            let did = told.status.success() && within(PATIENCE, done);
            let other_untouched =
                order.iter().skip(at + 1).all(|(other, name)| other.asks_for(name) && !other.made(name));
            let is_right = did && other_untouched && (yes || !agent.made(name));
            if !is_right {
                let said = String::from_utf8_lossy(&told.stderr);
                eprintln!("  {name}: {yes} did {did}, other untouched {other_untouched}: {said}\n{}", agent.screen());
            }
            right.was(is_right);
        }
        agents.iter().for_each(|agent| stage.settle(agent));
    }
    table.add(gone);
    table.add(right);
    if stage.hooks || stage.daemon {
        let (given, typed) = stage.answers();
        let mut keyless = Row::new("answered: without a key", None);
        (0..given).for_each(|_| keyless.was(true));
        (0..typed).for_each(|_| keyless.was(false));
        table.add(keyless);
    }
}

fn waited(agent: &Agent, since: Instant) -> Option<Instant> {
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        let gone = agent.first(since, |screen| !screen.contains(agent.kind.asks()));
        if gone.is_some() {
            return gone;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

fn within(most: Duration, mut condition: impl FnMut() -> Option<()>) -> bool {
    let end = Instant::now() + most;
    while Instant::now() < end {
        if condition().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// A person answers in the pane; somebody else approves the same question up to 0.6 s later, while the next one opens.
pub fn too_late(stage: &mut Stage, table: &mut Table) {
    let agent = stage.agent("late");
    let mut told = Row::new("late decision: told", None);
    let mut still = Row::new("late decision: without effect", None);
    for _ in 0..stage.rounds {
        let (first, second) = (stage.name(), stage.name());
        stage.prompt(&agent, &format!("[[sh touch {first}]] [[sh touch {second}]] [[say Ended {second}]]"));
        let question = stage.wait_question(&agent, &first);
        stage.press(&agent, "1");
        let wait = stage.within(Duration::from_millis(600));
        std::thread::sleep(wait);
        let late = stage.room.ask(&["approve", &question]);
        let words = [&late.stdout[..], &late.stderr[..]].concat();
        let words = String::from_utf8_lossy(&words);
        let is_told = !late.status.success()
            && ["superseded", "nothing was typed", "already"].iter().any(|word| words.contains(word));
        if !is_told {
            eprintln!("  {wait:?} after the key: {:?}: {words}", late.status.code());
        }
        told.was(is_told);
        wait_for(PATIENCE, "the next question", || agent.asks_for(&second).then_some(()));
        // Whatever was to come of it has come by then.
        std::thread::sleep(Duration::from_millis(800));
        let is_still = agent.asks_for(&second) && !agent.made(&second) && agent.made(&first);
        if !is_still {
            eprintln!("  {wait:?} after the key:\n{}", agent.screen());
        }
        still.was(is_still);
        if let Some(question) = stage.question(&agent, &second) {
            stage.room.ask(&["reject", &question]);
        }
        stage.settle(&agent);
    }
    table.add(told);
    table.add(still);
}
