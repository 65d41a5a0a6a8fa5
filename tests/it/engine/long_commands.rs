//! A long command takes its time to get into a line editor, which shows the prompt before it meanwhile.

use super::scenario::Scenario;

/// What happens to a command of so many bytes whose pane shows a prompt twice before a shell begins it, or doesn't.
fn played(bytes: usize, then: &str) -> String {
    let command = "x".repeat(bytes);
    let policy = format!(
        "  pipelines:\n  - name: p\n    match: {{window_name: w}}\n    stages:\n    \
         - {{name: s, triggers: [manual], actions_on_start: [{{run: make {command}}}], timeout: 1h}}\n"
    );
    let script = format!(
        "  0s pane %1 command=bash\n  0s mute\n  0s start %1 p\n  3s poll I2 met\n  +1s poll I3 met\n  {then}\n"
    );
    let text = format!("about: a long command\nlooks: true\npolicy: |\n{policy}script: |\n{script}");
    Scenario::read(&text).play("long.yaml")
}

#[test]
fn the_prompt_before_a_long_command_is_not_taken_for_the_one_behind_it() {
    let asked = "no shell has begun it";
    assert!(played(40, "5s began %1").contains(asked), "a short one is in the editor at once");
    let long = played(2_000, "5s began %1\n  6s exit %1 0\n  +1s poll I5 pending ended none");
    assert!(!long.contains(asked) && long.contains("s succeeded"), "{long}");
    let never = played(2_000, "30s mute");
    assert!(never.contains(asked), "time tells in the end: {never}");
}
