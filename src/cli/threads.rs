//! Threads, which a system that is short of memory or processes refuses.

use super::CliError;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use tmuxagent_config::Problem;

/// How many threads a supervisor needs to begin: those of its runtime, of its store and of its first host.
const FEWEST: usize = 8;

/// The runtime of a supervisor, a view or a message.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    // The runtime itself panics when its threads are refused.
    try_threads(FEWEST).map_err(|error| {
        CliError::System(Problem::new(
            format!("the system has no memory or no threads left for this program: {error}"),
            "end other programs, or raise the limits: ulimit -v unlimited, ulimit -u",
        ))
    })?;
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(CliError::internal)
}

/// Whether so many threads can run at the same time.
fn try_threads(count: usize) -> std::io::Result<()> {
    let mut waiting = Vec::new();
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    let made: std::io::Result<()> = (0..count).try_for_each(|_| {
        let gate = Arc::clone(&gate);
        let thread = Builder::new().spawn(move || drop(gate.lock().unwrap_or_else(PoisonError::into_inner)))?;
        waiting.push(thread);
        Ok(())
    });
    drop(closed);
    for thread in waiting {
        // It only waited.
        let _ = thread.join();
    }
    made
}

/// Runs tasks at the same time, each on a thread of its own; where the system has none left, on this one. The results are
/// in the order of the tasks; `None` where one panicked.
pub(super) fn at_once<T: Send, F: FnOnce() -> T + Send>(tasks: impl IntoIterator<Item = F>) -> Vec<Option<T>> {
    let tasks: Vec<Mutex<Option<F>>> = tasks.into_iter().map(|task| Mutex::new(Some(task))).collect();
    let run = |task: &Mutex<Option<F>>| {
        let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
        task.map(|task| task())
    };
    std::thread::scope(|scope| {
        let started: Vec<_> =
            tasks.iter().map(|task| Builder::new().spawn_scoped(scope, move || run(task)).map_err(|_| task)).collect();
        let ended = started.into_iter().map(|thread| match thread {
            Ok(thread) => thread.join().ok().flatten(),
            Err(task) => run(task),
        });
        ended.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn tasks_run_at_the_same_time_and_answer_in_order() {
        let barrier = Barrier::new(3);
        let met = at_once((0..3).map(|number| {
            let barrier = &barrier;
            move || {
                barrier.wait();
                number
            }
        }));
        assert_eq!(met, [Some(0), Some(1), Some(2)]);
        assert!(try_threads(4).is_ok());
    }
}
