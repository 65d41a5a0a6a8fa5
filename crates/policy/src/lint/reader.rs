//! Commands that end the shell which should tell how they went, and commands for a shell where an agent is in front.

use super::{StageSubject, Subject};
use crate::policy::{Action, Condition, FailStep, Selector};
use crate::shell;
use tmuxagent_model::Shell;
use tmuxagent_yaml::Problems;

/// Warns of a `run` that ends or changes the pane's own shell.
pub(super) fn check_ending(stage: &StageSubject, problems: &mut Problems) {
    let commands = stage.actions().filter_map(|action| match action {
        Action::Run { command } => Some(command),
        _ => None,
    });
    for command in commands {
        let Some(word) = shell::ends_shell(&command.source) else { continue };
        let name = &stage.core.name;
        let message = format!(
            "`{word}` in the `run` of the stage `{name}` ends the pane's shell, and nobody learns how the command went"
        );
        // `$$` is the pane's shell in brackets too.
        let help = if word == "kill" {
            "leave it out; the exit code of the command ends the stage"
        } else {
            "put the command in brackets, `( … )`, or in a script of its own"
        };
        problems.warning("ends-shell", stage.at(), message).help(help);
        return;
    }
}

/// Warns of keys for a program that a `run` before them starts: the next action waits for the end of that command.
pub(super) fn check_keys_after_run(stage: &StageSubject, problems: &mut Problems) {
    let actions =
        stage.core.actions_on_start.iter().map(Action::act).skip_while(|action| !matches!(action, Action::Run { .. }));
    let named = actions.skip(1).find_map(|action| match action {
        Action::SendKeys { expect, .. } => expect.iter().find(|name| Shell::from_command(name).is_none()),
        _ => None,
    });
    let Some(program) = named else { return };
    let name = &stage.core.name;
    let message = format!(
        "in the stage `{name}` keys for `{program}` stand behind a `run`; they are typed once its command has ended, and what it started is gone then"
    );
    let help = "start the program with `send_keys`, which waits for nothing, and end the stage with `success_when`";
    problems.warning("keys-after-run", stage.at(), message).help(help);
}

/// Warns where an agent's message leads to a `run` in the agent's own pane.
pub(super) fn check_agent(subject: &Subject, problems: &mut Problems) {
    let has_agent = |stage: &&StageSubject| !has_no_agent(subject.core.selector_of(stage.core));
    let place = |stage: &StageSubject| subject.core.other_pane(stage.core).map(str::to_owned);
    let hearing = subject.stages.iter().filter(has_agent).filter(|stage| hears(&stage.core.triggers));
    let heard_in: Vec<_> = hearing.map(place).collect();
    let runs = |action: &Action| matches!(action.act(), Action::Run { .. });
    let typed = |stage: &&StageSubject| {
        let after = stage.core.on_fail.iter().any(|step| matches!(step, FailStep::Do(action) if runs(action)));
        after || stage.core.actions_on_start.iter().chain(&stage.core.on_success).any(runs)
    };
    let same_pane = |stage: &&StageSubject| heard_in.contains(&place(stage));
    let Some(stage) = subject.stages.iter().filter(same_pane).find(typed) else { return };
    let message = format!(
        "an agent's message starts this pipeline, and the stage `{}` has a `run` for the same pane, where the agent reads the keys",
        stage.core.name
    );
    let help = "listen in a pipeline of its own with `start_pipeline: {pipeline: …, where: beside}`, or use `shell`";
    problems.warning("agent-in-front", stage.at(), message).help(help);
}

/// Programs that agents are, or that they run in: a `current_command` that takes one of them leaves an agent in.
const OF_AGENTS: [&str; 9] =
    ["claude", "codex", "node", "opencode", "gemini", "aider", "cursor-agent", "python3", "bun"];

/// Whether the author of a `match` says that no agent is in its panes.
pub(super) fn says_no_agent(selector: &Selector) -> bool {
    match selector {
        Selector::All(parts) => parts.iter().any(says_no_agent),
        Selector::Any(parts) => !parts.is_empty() && parts.iter().all(says_no_agent),
        Selector::Not(part) => takes_every_agent(part),
        _ => false,
    }
}

/// Whether the panes of a `match` are such in which no agent reads the keys.
pub(super) fn has_no_agent(selector: &Selector) -> bool {
    match selector {
        Selector::All(parts) => parts.iter().any(has_no_agent),
        Selector::Any(parts) => !parts.is_empty() && parts.iter().all(has_no_agent),
        Selector::Not(part) => takes_every_agent(part),
        Selector::Command(test) => !OF_AGENTS.iter().any(|name| test.holds(name)),
        Selector::Host(_)
        | Selector::Session(_)
        | Selector::Window(_)
        | Selector::Title(_)
        | Selector::Role(_)
        | Selector::Path(_)
        | Selector::Agent(_) => false,
    }
}

/// Whether no agent escapes a `match`, whatever it is called.
fn takes_every_agent(selector: &Selector) -> bool {
    match selector {
        Selector::Agent(test) => OF_AGENTS.iter().chain(&["another"]).all(|name| test.holds(name)),
        Selector::All(parts) => parts.iter().all(takes_every_agent),
        Selector::Any(parts) => parts.iter().any(takes_every_agent),
        _ => false,
    }
}

fn hears(condition: &Condition) -> bool {
    let mut found = false;
    condition.walk(&mut |part| found |= matches!(part, Condition::Message(_)));
    found
}
