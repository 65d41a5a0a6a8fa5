//! The system's notification of changes in files.

use notify::{Error, Event, RecommendedWatcher, Result};
use std::sync::Arc;

/// A watcher that works.
///
/// `notify` starts a thread, does not look whether it did start, and panics later where it did not. A system that is short
/// of memory or processes refuses threads, so it is looked here: what was handed to the thread is gone without one.
///
/// # Errors
/// Also when there is no thread for it.
pub fn watcher(on_event: impl Fn(Result<Event>) + Send + 'static) -> Result<RecommendedWatcher> {
    let handed = Arc::new(());
    let held = Arc::downgrade(&handed);
    let watcher = notify::recommended_watcher(move |event| {
        let _handed = &handed;
        on_event(event);
    })?;
    if held.strong_count() == 0 {
        // Its drop panics as well.
        std::mem::forget(watcher);
        return Err(Error::generic("the system has no thread left for it"));
    }
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::{RecursiveMode, Watcher as _};

    /// Set in a process of its own, where no thread can be started.
    const ALONE: &str = "TMUXAGENT_TEST_WITHOUT_THREADS";

    #[test]
    fn without_a_thread_there_is_no_watcher_and_no_panic() {
        if std::env::var_os(ALONE).is_some() {
            assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "no machine has a stack of that size");
            assert!(watcher(|_| ()).is_err());
            return;
        }
        let name = "watcher::tests::without_a_thread_there_is_no_watcher_and_no_panic";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", name, "--test-threads=1"]).env(ALONE, "1");
        let output = alone.env("RUST_MIN_STACK", (1_u64 << 60).to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}{output:?}");
    }

    #[test]
    fn with_one_it_tells_of_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (told, changes) = std::sync::mpsc::channel();
        let mut watcher = watcher(move |event| told.send(event.is_ok()).unwrap_or_default()).unwrap();
        watcher.watch(folder.path(), RecursiveMode::NonRecursive).unwrap();
        std::fs::write(folder.path().join("a"), "x").unwrap();
        assert_eq!(changes.recv_timeout(std::time::Duration::from_secs(20)), Ok(true));
    }
}
