//! Commands that do not end by themselves, in stages that wait for their end.

use super::StageSubject;
use crate::policy::{Action, Condition};
use tmuxagent_yaml::Problems;

/// How such commands begin.
const ENDLESS: &[&str] = &[
    "npm run dev",
    "npm run start",
    "npm start",
    "npm run watch",
    "pnpm dev",
    "pnpm run dev",
    "yarn dev",
    "yarn start",
    "bun dev",
    "vite",
    "next dev",
    "cargo watch",
    "watch",
    "top",
    "htop",
    "less",
    "python -m http.server",
    "python3 -m http.server",
    "flask run",
    "rails server",
    "rails s",
    "sleep infinity",
];
/// Commands that do not end with one of these arguments.
const FOLLOWING: &[(&str, &[&str])] = &[
    ("tail", &["-f", "-F", "--follow"]),
    ("journalctl", &["-f", "--follow"]),
    ("kubectl logs", &["-f", "--follow"]),
    ("docker logs", &["-f", "--follow"]),
    ("tsc", &["-w", "--watch"]),
    ("webpack", &["-w", "--watch"]),
];
/// Commands that do not end without one of these arguments.
const IN_FRONT: &[(&str, &[&str])] =
    &[("docker compose up", &["-d", "--detach"]), ("docker-compose up", &["-d", "--detach"])];

pub(super) fn check(stage: &StageSubject, problems: &mut Problems) {
    let mut actions = stage.core.actions_on_start.iter().map(Action::act);
    let Some(command) = actions.find_map(|action| match action {
        Action::Run { command } => Some(command.source.as_str()),
        _ => None,
    }) else {
        return;
    };
    let goes_on = actions.next().is_some();
    let seen = stage.core.success_when.as_ref().is_some_and(ends_early);
    if let Some(what) = is_endless(command).filter(|_| goes_on || !seen) {
        let name = &stage.core.name;
        let message = if goes_on {
            format!("`{what}` does not end by itself, so that the stage `{name}` never comes to what stands behind it")
        } else {
            format!("`{what}` does not end by itself, and the stage `{name}` waits for its end")
        };
        let help = "let it succeed by what is printed, `success_when: [{log_regex: …, when: seen}]`, and do what follows in a stage behind it";
        problems.warning("never-ends", stage.at(), message).help(help);
    }
}

/// Whether a success counts while the command still runs.
fn ends_early(condition: &Condition) -> bool {
    let mut found = false;
    condition.walk(&mut |part| found |= matches!(part, Condition::Seen(_) | Condition::Agent(_)));
    found
}

/// The part of a plain command that does not end. What is a script of several commands is nobody's guess.
fn is_endless(command: &str) -> Option<&str> {
    let command = command.trim();
    if command.contains(['&', '|', ';', '\n', '>']) || command.starts_with("timeout ") {
        return None;
    }
    let begins = |begin: &str| command.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let has = |arguments: &[&str]| command.split_whitespace().any(|word| arguments.contains(&word));
    let alone = ENDLESS.iter().any(|begin| begins(begin));
    let following = FOLLOWING.iter().any(|(begin, with)| begins(begin) && has(with));
    let front = IN_FRONT.iter().any(|(begin, without)| begins(begin) && !has(without));
    let harmless = command.ends_with("--help") || command.ends_with("--version") || command.contains(" build");
    ((alone || following || front) && !harmless).then_some(command)
}
