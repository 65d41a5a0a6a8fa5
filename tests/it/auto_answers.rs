//! Rules that answer: what they allow runs, in real shells, the commands that were matched and nothing else.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use tmuxagent_policy::{Policy, Source, load};

/// How many commands are tried; more for a long run.
const CASES: &str = "TMUXAGENT_AUTO_ANSWER_CASES";

const RULES: &str = "auto_answers: [{name: r, commands: ['git status *', 'git status -s *', git diff, 'ls *', 'cargo test -p *', 'cargo test -p x -- --nocapture', 'wc *']}]";

const COMMANDS: &[&str] = &[
    "git status",
    "git status -s src",
    "git diff",
    "ls -la 'a b' \"c d\"",
    "cargo test -p x -- --nocapture",
    "git status | wc -l",
    "git status && ls src; git diff",
    "(git status; ls 2>&1) | wc",
    "ls >/dev/null 2>&1",
    "bash -c 'git status && ls x'",
    "sh -c \"ls \\\"x y\\\"\"",
    "ls HEAD~1 a^",
];

/// What is put in somewhere: everything by which a shell would run the program `canary`, and parts of it.
const PIECES: &[&str] = &[
    "canary",
    " canary ",
    "; canary",
    ";canary;",
    "&& canary",
    "|| canary",
    "| canary",
    "|& canary",
    "& canary",
    "\ncanary\n",
    "$(canary)",
    "`canary`",
    "<(canary)",
    ">(canary)",
    "{canary,}",
    "$IFS",
    "${x:-canary}",
    "$x",
    "eval canary",
    "bash -c canary",
    "bash -c 'canary'",
    "sh -c \"canary\"",
    "exec canary",
    "command canary",
    "=canary",
    "!canary",
    "x=1 ",
    "'",
    "\"",
    "\\",
    "\\\n",
    "#",
    " # ",
    "!",
    " ! ",
    "~",
    "^",
    "*",
    "?",
    "[",
    "]",
    "(",
    ")",
    "((",
    "))",
    "{",
    "}",
    " { ",
    " } ",
    ";",
    ";;",
    "&",
    "&&",
    "|",
    "||",
    "<",
    ">",
    ">x",
    "2>x",
    "<<E\n",
    "\nE\n",
    "<<<",
    "1>&2",
    "2>&1",
    ">/dev/null",
    "</dev/null",
    "if ",
    "then ",
    "; then ",
    "; fi",
    "while ",
    "; do ",
    "; done",
    " always { canary }",
    "[[ ",
    " ]]",
    "time ",
    "coproc ",
    "function f ",
    "f() ",
    "() ",
    "alias ls=canary;",
    "%",
    "=",
    "\t",
    " ",
    "\r",
    "\u{a0}",
    "\u{3000}",
    "-c canary",
    "\0",
    "修复",
    "$'\\x63anary'",
    "case a in a) canary;; esac",
    "&|canary",
    "&!canary",
    ";|canary",
    "--output=x",
    "'\\''",
    "\\'",
    "''",
    "\"\"",
    "\n",
];

fn policy() -> Policy {
    load(&[Source::new("p.yaml", RULES)]).expect("a policy")
}

/// A folder of programs that write down how they were called, and nothing else to find.
struct Room {
    folder: tempfile::TempDir,
    runs: std::cell::Cell<u32>,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let bin = folder.path().join("bin");
        fs::create_dir_all(folder.path().join("work")).expect("made");
        fs::create_dir(&bin).expect("made");
        // Those of a pipeline run at once: each writes a file of its own.
        let log = "#!/bin/sh\nprintf '%s\\037' \"${0##*/}\" \"$@\" >\"$RAN.$$\"\n";
        for name in ["git", "ls", "cargo", "wc", "canary"] {
            fs::write(bin.join(name), log).expect("written");
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("made");
        }
        for name in ["bash", "sh"] {
            symlink(Path::new("/bin").join(name), bin.join(name)).expect("linked");
        }
        Self { folder, runs: std::cell::Cell::new(0) }
    }

    /// The commands that a shell runs for a text, as a policy would write them, and the files that come of it.
    fn run(&self, shell: &str, text: &str) -> (BTreeSet<String>, Vec<String>) {
        // What one text leaves in the background is none of the next one's.
        self.runs.set(self.runs.get() + 1);
        let (ran, work) = (self.folder.path().join(self.runs.get().to_string()), self.folder.path().join("work"));
        let options: &[&str] = if shell.ends_with("zsh") { &["-f", "-o", "extendedglob", "-c"] } else { &["-c"] };
        Command::new(shell)
            .args(options)
            .arg(text)
            .env_clear()
            .env("PATH", self.folder.path().join("bin"))
            .env("RAN", &ran)
            .env("HOME", &work)
            .current_dir(&work)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let own = format!("{}.", self.runs.get());
        let files = fs::read_dir(self.folder.path()).expect("read").map(|file| file.expect("a file").path());
        let is_log =
            |path: &std::path::PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&own));
        let logs: Vec<String> = files.filter(is_log).map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
        // Each word is ended by a separator, an empty one as well.
        let written = |words: &str| words.split('\u{1f}').map(word).collect::<Vec<_>>().join(" ");
        let calls = logs.iter().filter_map(|call| call.strip_suffix('\u{1f}')).map(written).collect();
        let made = fs::read_dir(&work).expect("read").map(|file| file.expect("a file").file_name());
        (calls, made.map(|name| name.to_string_lossy().into_owned()).collect())
    }
}

/// A word as a policy writes it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn shells() -> Vec<&'static str> {
    let is_there = |name: &&str| Command::new(name).args(["-c", "true"]).output().is_ok_and(|out| out.status.success());
    ["/bin/bash", "/usr/bin/zsh", "/opt/homebrew/bin/bash"].into_iter().filter(is_there).collect()
}

#[test]
fn what_a_rule_allows_runs_nothing_else_in_a_real_shell() {
    let cases = std::env::var(CASES).ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    let (policy, room, shells) = (policy(), Room::new(), shells());
    let strategy = (
        prop::sample::select(COMMANDS),
        prop::collection::vec((prop::sample::select(PIECES), any::<prop::sample::Index>()), 0..4),
    );
    let allowed = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&strategy, |(command, pieces)| {
        let mut text: Vec<char> = command.chars().collect();
        for (piece, at) in pieces {
            let at = at.index(text.len() + 1);
            text.splice(at..at, piece.chars());
        }
        let text: String = text.into_iter().collect();
        let trace = policy.trace_command(&text);
        if trace.rules.is_empty() {
            return Ok(());
        }
        allowed.set(allowed.get() + 1);
        let known: BTreeSet<String> = trace.parts.iter().map(|part| part.command.clone()).collect();
        for shell in &shells {
            let (ran, made) = room.run(shell, &text);
            let other: Vec<&String> = ran.difference(&known).collect();
            prop_assert!(other.is_empty(), "{shell} ran {other:?} for {text:?}, of which {known:?} was known");
            prop_assert!(made.is_empty(), "{shell} made {made:?} for {text:?}");
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(allowed.get() > cases / 20, "only {} of {cases} were allowed", allowed.get());
}

#[test]
fn each_command_without_anything_put_in_is_allowed() {
    for command in COMMANDS {
        assert_eq!(policy().trace_command(command).rules, ["r"], "{command}");
    }
}

#[test]
fn the_room_tells_empty_words_apart() {
    let (ran, _) = Room::new().run("/bin/bash", "git status '' ''");
    assert_eq!(ran, BTreeSet::from(["git status '' ''".to_owned()]));
}
