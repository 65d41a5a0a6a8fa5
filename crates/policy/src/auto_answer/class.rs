//! Classes of commands, as a lease gives them away for a time: `cargo test` with whatever words behind.

use super::pattern::CommandPattern;
use crate::lint::danger;
use crate::shell::{Reach, depth, is_proved, plain_commands, reach, runs_behind, steers};

/// Patterns of which one has to match each simple command.
#[derive(Debug, Clone)]
pub struct Class {
    patterns: Vec<CommandPattern>,
}

impl Class {
    /// Reads a class as [`Self::sources`] wrote it; what can't be read covers nothing.
    #[must_use]
    pub fn read(sources: &[String]) -> Self {
        Self { patterns: sources.iter().filter_map(|source| CommandPattern::read(source).ok()).collect() }
    }

    /// Its patterns, as a policy has them.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        self.patterns.iter().map(|pattern| pattern.source.clone()).collect()
    }

    pub(super) fn covers(&self, commands: &[Vec<String>]) -> bool {
        commands.iter().all(|command| self.patterns.iter().any(|pattern| pattern.matches(command)))
    }
}

/// Programs of which the next use may be a harm that the first was not.
const HARMFUL: &[&str] = &[
    "rm",
    "rmdir",
    "unlink",
    "shred",
    "dd",
    "mv",
    "cp",
    "ln",
    "install",
    "tee",
    "truncate",
    "chmod",
    "chown",
    "chgrp",
    "kill",
    "pkill",
    "killall",
    "shutdown",
    "reboot",
    "systemctl",
    "service",
    "launchctl",
    "mount",
    "umount",
    "curl",
    "wget",
    "scp",
    "rsync",
    "useradd",
    "passwd",
    "docker",
    "podman",
    "kubectl",
    "helm",
    "terraform",
    "tofu",
    "pulumi",
    "aws",
    "gcloud",
    "az",
    "find",
    "open",
    "xdg-open",
];

/// Subcommands of the same kind.
const VERBS: &[&str] = &[
    "push",
    "publish",
    "install",
    "i",
    "add",
    "remove",
    "uninstall",
    "update",
    "upgrade",
    "login",
    "logout",
    "config",
    "exec",
    "x",
    "dlx",
    "clean",
    "reset",
    "restore",
    "checkout",
    "switch",
    "rebase",
    "deploy",
    "apply",
    "delete",
    "rm",
    "submodule",
    "filter-branch",
    "bisect",
    "api",
    "alias",
    "extension",
    "release",
    "yank",
    "owner",
    "branch",
    "tag",
    "remote",
    "stash",
    "merge",
    "pull",
    "cherry-pick",
    "revert",
    "gc",
    "worktree",
    "send-email",
];

/// The class of a command: the program of each simple command, and the words that say what it does.
///
/// # Errors
/// Why no class is given away for it.
pub fn class_of(text: &str) -> Result<Class, String> {
    let commands =
        plain_commands(text.trim_matches([' ', '\n'])).map_err(|why| format!("the command is not certain: {why}"))?;
    if let Some(what) = danger::of(text) {
        return Err(format!("it {what}, which is asked about each time"));
    }
    let mut patterns: Vec<CommandPattern> = Vec::new();
    for command in &commands {
        let heading = heading(command)?;
        // A further word would be another goal.
        let goals = command.first().is_some_and(|program| reach(program) == Reach::Goals);
        if command.iter().skip(heading.len()).any(|word| command.first().is_some_and(|program| steers(program, word))) {
            return Err("one of its options makes it run or write something else".to_owned());
        }
        let short = CommandPattern::beginning(if goals { command } else { &heading }, !goals);
        // What is not known of its options is given away with these words alone.
        let known = short.unnamed_steer(command).is_none();
        let pattern = if known { short } else { CommandPattern::beginning(command, !goals) };
        if !patterns.iter().any(|known| known.source == pattern.source) {
            patterns.push(pattern);
        }
    }
    Ok(Class { patterns })
}

/// The words that stand for a class of commands.
fn heading(command: &[String]) -> Result<Vec<String>, String> {
    let Some(program) = command.first() else { return Err("no command".to_owned()) };
    let name = program.rsplit('/').next().unwrap_or(program);
    let runs = command.get(1).is_some_and(|verb| runs_behind(program, verb));
    if matches!(reach(program), Reach::Runs | Reach::Reads | Reach::Interprets) || runs {
        return Err(format!("`{name}` runs what it is told, so it has no class"));
    }
    if HARMFUL.contains(&name) || command.iter().skip(1).take(2).any(|word| VERBS.contains(&word.as_str())) {
        return Err(format!("what `{name}` does here is asked about each time"));
    }
    let is_verb =
        |word: &&String| word.starts_with(|c: char| c.is_ascii_lowercase()) && !word.contains(['/', '.', '=']);
    let wanted = match depth(program) {
        0 if is_proved(program) => 0,
        0 => usize::from(command.get(1).filter(is_verb).is_some()),
        // `npm run` is a group: what is run says what is done.
        depth => depth + usize::from(command.get(1).is_some_and(|word| word == "run" && name != "cargo")),
    };
    let verbs = command.get(1..=wanted).filter(|words| words.iter().all(|word| is_verb(&word)));
    let Some(verbs) = verbs else { return Err(format!("the words behind `{name}` do not say what it does")) };
    Ok(std::iter::once(program).chain(verbs).cloned().collect())
}
