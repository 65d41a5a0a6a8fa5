//! Prints what `tmuxagent run` costs on a flood: `cargo bench --bench wrapper`.
//!
//! In a pane of a private tmux server the same program prints 23 MB with and without the wrapper, in turns, so that
//! whatever else the machine does falls on both; the ratio of the medians counts.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for the console that ends when a part fails")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often each way is taken.
const ROUNDS: usize = 9;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, times) = (folder.path().join("tmux"), folder.path().join("times"));
    let home = folder.path().display();
    let wrapper =
        format!("env HOME={home} TMUXAGENT_STATE_DIR={home}/state {} run --", env!("CARGO_BIN_EXE_tmuxagent"));
    let flood = "seq 1 3000000";
    let script = format!(
        "i=0; while [ $i -lt {ROUNDS} ]; do for way in '' \"$0\"; do a=$(date +%s%N); $way {flood}; b=$(date +%s%N); \
         echo \"${{way:+wrapped}} $((b-a))\" >> {}; done; i=$((i+1)); done; touch {home}/done",
        times.display()
    );
    let tmux = |arguments: &[&str]| {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&socket).args(["-f", "/dev/null"]).args(arguments).env_remove("TMUX");
        command.stdin(Stdio::null()).status().expect("tmux is installed")
    };
    tmux(&["new-session", "-d", "-x", "120", "-y", "40", "sh", "-c", &script, &wrapper]);
    wait(&folder.path().join("done"));
    tmux(&["kill-server"]);
    let text = std::fs::read_to_string(times).expect("the times");
    let of = |begin: &str| {
        let of = text.lines().filter_map(|line| line.strip_prefix(begin)?.strip_prefix(' '));
        let mut all: Vec<f64> = of.filter_map(|nanos| Some(nanos.parse::<f64>().ok()? / 1e6)).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    };
    let (plain, wrapped) = (of(""), of("wrapped"));
    println!("plain    {plain:.0?} ms");
    println!("wrapped  {wrapped:.0?} ms");
    println!("overhead {:.1} % of the median", (wrapped[ROUNDS / 2] / plain[ROUNDS / 2] - 1.0) * 100.0);
}

fn wait(file: &Path) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !file.exists() {
        assert!(Instant::now() < deadline, "it takes too long");
        std::thread::sleep(Duration::from_millis(50));
    }
}
