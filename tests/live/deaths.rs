//! Agents and supervisors that are killed: no state outlives its process, and no question is answered twice.

use super::report::{Row, Table};
use super::stage::Stage;
use super::support::{PATIENCE, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

const STALE: Duration = Duration::from_secs(2);

/// While it works, and while it asks.
pub fn of_the_agent(stage: &mut Stage, table: &mut Table) {
    let mut state = Row::new("agent killed: its state ends", Some(STALE));
    let mut question = Row::new("agent killed: its question ends", Some(STALE));
    for round in 0..stage.rounds {
        let agent = stage.agent("dies");
        let name = stage.name();
        let asks = round % 2 == 0;
        stage.prompt(&agent, &format!("{}[[sh touch {name}]]", if asks { "" } else { "[[sleep 30]] " }));
        let asked = asks.then(|| stage.wait_question(&agent, &name));
        let wanted = if asks { "needs_approval" } else { "working" };
        wait_for(PATIENCE, wanted, || (stage.watch.state(&agent.pane).as_deref() == Some(wanted)).then_some(()));
        let wait = stage.within(Duration::from_millis(400));
        std::thread::sleep(wait);
        let killed = Instant::now();
        for pid in agent.processes(&stage.room.server).into_iter().rev().filter_map(Pid::from_raw) {
            // It may have ended with the one before.
            let _ = kill_process(pid, Signal::KILL);
        }
        let is_over =
            |said: &super::watch::Said| said.at >= killed && matches!(said.state.as_deref(), None | Some("exited"));
        let over = stage.watch.wait(&agent.pane, killed, STALE * 3, is_over);
        state.came(over.map(|over| over.saturating_duration_since(killed)));
        if let Some(id) = asked {
            let end = Instant::now() + STALE * 3;
            let mut gone = None;
            while gone.is_none() && Instant::now() < end {
                gone = stage.question(&agent, &name).is_none().then(|| killed.elapsed());
            }
            question.came(gone);
            let late = stage.room.ask(&["approve", &id]);
            assert!(!late.status.success(), "{late:?}");
        }
        stage.room.server.tmux(&["kill-pane", "-t", &agent.pane]);
    }
    table.add(state);
    table.add(question);
}

/// While somebody approves the first of two questions.
pub fn of_the_supervisor(stage: &mut Stage, table: &mut Table) {
    let agent = stage.agent("goes-on");
    let mut known = Row::new("supervisor killed: state known again", None);
    let mut once = Row::new("supervisor killed: answered once", None);
    for _ in 0..stage.rounds {
        let (first, second) = (stage.name(), stage.name());
        stage.prompt(&agent, &format!("[[sh touch {first}]] [[sh touch {second}]] [[say Ended {second}]]"));
        let question = stage.wait_question(&agent, &first);
        let wait = stage.within(Duration::from_millis(250));
        let mut approve = stage.room.command(&["approve", &question]);
        let mut approve =
            approve.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(wait);
        stage.room.kill_9();
        let told = approve.wait().expect("it ended").code();
        let born = Instant::now();
        stage.watch_again();
        let back = |said: &super::watch::Said| {
            said.at >= born && matches!(said.state.as_deref(), Some("needs_approval" | "working"))
        };
        known.was(stage.watch.wait(&agent.pane, born, Duration::from_secs(10), back).is_some());
        // It was done, is done now, or is asked again.
        let mut said_again = false;
        let end = Instant::now() + PATIENCE;
        while !agent.made(&first) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(300));
            if !said_again
                && !agent.made(&first)
                && let Some(open) = stage.question(&agent, &first)
            {
                said_again = stage.room.ask(&["approve", &open]).status.success();
            }
        }
        wait_for(PATIENCE, "the next question", || agent.asks_for(&second).then_some(()));
        // Whatever an answer that came twice would do to it is done by then.
        std::thread::sleep(Duration::from_millis(1500));
        let is_once = agent.made(&first) && agent.asks_for(&second) && !agent.made(&second);
        if !is_once {
            eprintln!("  killed {wait:?} after the yes, told {told:?}, said again {said_again}:\n{}", agent.screen());
        }
        once.was(is_once);
        if let Some(open) = stage.question(&agent, &second) {
            stage.room.ask(&["reject", &open]);
        }
        stage.settle(&agent);
    }
    table.add(known);
    table.add(once);
}
