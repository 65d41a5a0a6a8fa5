//! The corpora of the fuzzers in `fuzz/`, played as a test: what once failed does not fail again.

#[path = "targets.rs"]
mod targets;

use std::path::PathBuf;

#[test]
fn what_the_fuzzers_found_holds() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpora");
    for (name, holds) in targets::TARGETS {
        let files: Vec<PathBuf> =
            std::fs::read_dir(folder.join(name)).expect(name).map(|entry| entry.expect("an entry").path()).collect();
        assert!(!files.is_empty(), "the corpus of {name} is empty");
        for file in files {
            // Where one fails, its name stands above the panic's text.
            println!("{}", file.display());
            holds(&std::fs::read(&file).expect("readable"));
        }
    }
}
