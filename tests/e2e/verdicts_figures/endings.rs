//! The endings that a stage's command may have, and what may happen to the supervisor meanwhile.

use std::path::Path;
use tmuxagent_testkit::random::Random;

/// How a stage must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    Succeed,
    Fail,
    /// Nothing says how it went.
    Ask,
    /// It fails when its time is over, though somebody is asked something by then.
    FailAsked,
}

/// What somebody does to the pane once the command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meddle {
    Nothing,
    Interrupt,
    KillPane,
    Respawn,
}

/// One ending.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    pub name: &'static str,
    /// The keys of its stage. `MARK` notes that the command runs, `PAUSE` lasts a random time, or until all may end.
    keys: &'static str,
    pub must: Must,
    pub meddle: Meddle,
    /// How often it is to be typed.
    pub typed: usize,
    /// It waits for a time limit.
    slow: bool,
}

const fn ending(name: &'static str, keys: &'static str, must: Must) -> Ending {
    Ending { name, keys, must, meddle: Meddle::Nothing, typed: 1, slow: false }
}

const fn meddled(name: &'static str, keys: &'static str, meddle: Meddle) -> Ending {
    Ending { meddle, ..ending(name, keys, Must::Fail) }
}

const fn retried(name: &'static str, keys: &'static str, must: Must) -> Ending {
    Ending { typed: 2, ..ending(name, keys, must) }
}

const fn slow(name: &'static str, keys: &'static str, must: Must) -> Ending {
    Ending { slow: true, ..ending(name, keys, must) }
}

const ENDINGS: &[Ending] = &[
    ending("zero", "actions_on_start: [{run: 'MARK; PAUSE; true'}]", Must::Succeed),
    ending("one", "actions_on_start: [{run: 'MARK; PAUSE; (exit 1)'}]", Must::Fail),
    ending("killed", "actions_on_start: [{run: 'MARK; sh -c \"PAUSE; kill -9 \\$\\$\"'}]", Must::Fail),
    ending("exits", "actions_on_start: [{run: 'MARK; PAUSE; exit 3'}]", Must::Fail),
    ending("strict", "actions_on_start: [{run: 'MARK; PAUSE; set -e; false'}]", Must::Fail),
    ending("background", "actions_on_start: [{run: 'MARK; sleep 20 & PAUSE'}]", Must::Succeed),
    ending(
        "said",
        "actions_on_start: [{run: 'MARK; echo all goo\"\"d; PAUSE; (exit 1)'}], success_when: [{log_regex: ^all good}]",
        Must::Fail,
    ),
    ending(
        "silent",
        "actions_on_start: [{send_keys: 'MARK; PAUSE'}], success_when: [{log_regex: all good}], fail_when: [{log_regex: all bad}]",
        Must::Ask,
    ),
    // The second attempt ends well: it has seen the first.
    retried(
        "retried",
        "actions_on_start: [{run: 'MARK; PAUSE; [ -s ran-again ] || { cp ran-retried ran-again; false; }'}], on_fail: [{retry: {max: 3, backoff: 1s}}]",
        Must::Succeed,
    ),
    retried(
        "in vain",
        "actions_on_start: [{run: 'MARK; PAUSE; (exit 4)'}], on_fail: [{retry: {max: 1, backoff: 1s}}]",
        Must::Fail,
    ),
    // What succeeds is not typed again, though its stage could be.
    ending(
        "once",
        "actions_on_start: [{run: 'MARK; PAUSE'}], on_fail: [{retry: {max: 3, backoff: 1s}}]",
        Must::Succeed,
    ),
    meddled("interrupted", "actions_on_start: [{run: 'MARK; sleep 600'}]", Meddle::Interrupt),
    // As an interpreter that prints where it was.
    meddled("traceback", "actions_on_start: [{run: 'MARK; sh trace'}]", Meddle::Interrupt),
    meddled(
        "not again",
        "actions_on_start: [{run: 'MARK; sh trace'}], on_fail: [{retry: {max: 3, backoff: 1s}}]",
        Meddle::Interrupt,
    ),
    meddled("gone", "actions_on_start: [{run: 'MARK; sleep 600'}]", Meddle::KillPane),
    meddled("respawned", "actions_on_start: [{run: 'MARK; sleep 600'}]", Meddle::Respawn),
    meddled(
        "renewed",
        "actions_on_start: [{run: 'MARK; sleep 600'}], on_fail: [{retry: {max: 1, backoff: 1s}}]",
        Meddle::Respawn,
    ),
    slow(
        "endless",
        "actions_on_start: [{run: 'MARK; sleep 600'}], timeout: 3s, on_timeout: [interrupt, terminate]",
        Must::Fail,
    ),
    // Its question is open when its time is over.
    slow(
        "waiting",
        "actions_on_start: [{run: 'MARK; sh ask'}], timeout: 8s, on_timeout: [interrupt, terminate]",
        Must::FailAsked,
    ),
    // So is this one, but the command has ended: only a person can say how.
    slow(
        "doubtful",
        "actions_on_start: [{run: 'MARK; PAUSE'}], success_when: [{log_regex: all good}], timeout: 8s",
        Must::Ask,
    ),
];

impl Ending {
    /// The file in which its command notes each time that it runs.
    pub fn file(&self) -> String {
        format!("ran-{}", self.name.replace(' ', "-"))
    }

    pub fn window(&self) -> String {
        format!("w-{}", self.name.replace(' ', "-"))
    }

    /// Its pipeline.
    fn pipeline(&self, pause: &str) -> String {
        let (name, window) = (self.name, self.window());
        let keys = self.keys.replace("MARK", &format!("echo x >> {}", self.file())).replace("PAUSE", pause);
        format!(
            "- name: {name}\n  match: {{window_name: {window}}}\n  stages:\n  - {{name: s, triggers: [manual], {keys}}}\n"
        )
    }
}

/// What happens to the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Plain,
    Killed,
    Stopped,
    Reloaded,
    /// It is killed, stopped or given another policy in the instant in which the commands end.
    KilledAtEnd,
    StoppedAtEnd,
    ReloadedAtEnd,
}

pub const MOMENTS: [Moment; 7] = [
    Moment::Plain,
    Moment::Killed,
    Moment::Stopped,
    Moment::Reloaded,
    Moment::KilledAtEnd,
    Moment::StoppedAtEnd,
    Moment::ReloadedAtEnd,
];

impl Moment {
    pub const fn is_at_end(self) -> bool {
        matches!(self, Self::KilledAtEnd | Self::StoppedAtEnd | Self::ReloadedAtEnd)
    }

    /// The policy of a round: each command lasts its own time, or all until the file `go` is there.
    pub fn policy(self, endings: &[&Ending], numbers: &mut Random) -> String {
        let pipelines = endings.iter().map(|ending| {
            let pause = format!("sleep {}.{}", numbers.below(2), numbers.below(10));
            ending.pipeline(if self.is_at_end() { "until [ -e go ]; do sleep 0.05; done" } else { &pause })
        });
        format!("pipelines:\n{}", pipelines.collect::<String>())
    }
}

/// All of them, or those that are soon over.
pub fn endings(all: bool) -> Vec<&'static Ending> {
    ENDINGS.iter().filter(|ending| all || !ending.slow).collect()
}

/// The scripts that commands run, in the folder of their panes.
pub fn prepare(folder: &Path) {
    let rows = (1..=5).map(|row| format!("  File \"work.py\", line {row}, in step"));
    let rows = rows.map(|row| format!("echo '{row}'; ")).collect::<String>();
    let trace = format!(
        "trap \"trap - INT; echo 'Traceback (most recent call last):'; show; kill -INT $$\" INT\nshow() {{ {rows}echo KeyboardInterrupt; }}\nwhile :; do sleep 0.1; done\n"
    );
    std::fs::write(folder.join("trace"), trace).expect("writable");
    std::fs::write(folder.join("ask"), "printf 'Drop the old table? [y/N] '\nread -r answer\n").expect("writable");
}
