//! What runs in the panes: this binary again, called with `--pane`.

use super::number;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Does what its words say, where they begin with `--pane`.
pub fn runs(words: &[&str]) -> bool {
    match words {
        ["--pane", "echo", rounds, file] => echo(number(rounds), Path::new(file)),
        ["--pane", "flood", megabytes, go, file] => flood(number(megabytes), Path::new(go), Path::new(file)),
        ["--pane", "count", lines, go] => count(number(lines), Path::new(go)),
        _ => return false,
    }
    true
}

/// The command line that does that in a pane.
pub fn own(words: &[&str]) -> String {
    let own = std::env::current_exe().expect("our own path");
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("stty raw -echo opost; exec '{}' --pane {}", own.display(), words.join(" "))
}

/// Prints a line, waits for the key that answers it, and notes how long that took.
fn echo(rounds: u64, file: &Path) {
    let mut times = String::new();
    let mut key = [0u8; 1];
    std::io::stdin().read_exact(&mut key).expect("the sign to begin");
    for round in 0..rounds {
        std::thread::sleep(Duration::from_millis(10));
        let start = Instant::now();
        println!("ping {round}");
        std::io::stdin().read_exact(&mut key).expect("the answer");
        times.push_str(&format!("{}\n", start.elapsed().as_micros()));
    }
    std::fs::write(file, times).expect("the times");
    std::thread::sleep(Duration::from_secs(600));
}

pub fn wait_for_file(path: &Path) {
    while !path.exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Prints lines of 100 bytes, one of them the needle, and notes the microseconds that writing took; then waits for the key that
/// the needle triggers, and notes that.
fn flood(megabytes: u64, go: &Path, file: &Path) {
    wait_for_file(go);
    let line = format!("{}\n", "flood of text that means nothing, ".repeat(4).get(..99).expect("99 bytes"));
    let lines = megabytes * 10_000;
    let start = Instant::now();
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout());
    for number in 0..lines {
        let text = if number == lines / 2 { "the needle\n" } else { &line };
        out.write_all(text.as_bytes()).expect("a line");
    }
    out.flush().expect("the rest");
    std::fs::write(file, start.elapsed().as_micros().to_string()).expect("the time");
    let mut key = [0u8; 1];
    std::io::stdin().read_exact(&mut key).expect("the answer to the needle");
    std::fs::write(file.with_extension("found"), "").expect("a sign");
    std::thread::sleep(Duration::from_secs(600));
}

/// Prints numbered lines.
fn count(lines: u64, go: &Path) {
    wait_for_file(go);
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout());
    (1..=lines).for_each(|number| writeln!(out, "{number}").expect("a line"));
    out.flush().expect("the rest");
    drop(out);
    std::thread::sleep(Duration::from_secs(600));
}
