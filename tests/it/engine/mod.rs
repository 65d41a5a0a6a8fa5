//! The engine as its callers see it.

mod evidence;
mod evidence_kept;
mod long_commands;
mod model;
mod offered;
mod reached;
mod reasons;
mod replay;
mod scenario;
mod set_back;
mod speaker;
mod told_once;

use scenario::Scenario;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenarios")
}

/// Every scenario file plays as it is written. With `UPDATE_SCENARIOS=1` the files are written as they play.
#[test]
fn scenarios() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    let update = std::env::var_os("UPDATE_SCENARIOS").is_some();
    let mut wrong = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("scenario");
        let scenario = Scenario::read(&text);
        let played = scenario.play(&file.display().to_string());
        if update {
            std::fs::write(file, scenario.write(&played)).expect("written");
        } else if played != scenario.expected() {
            let diff = scenario::diff(&scenario.expected(), &played);
            wrong.push(format!("{}: {}\n{diff}", file.display(), scenario.about.trim()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(files.len() >= 40, "only {} scenarios", files.len());
}
