//! Commands that reach beyond the machine or destroy, in stages that ask nobody.

use super::StageSubject;
use crate::policy::Action;
use regex::Regex;
use std::sync::LazyLock;
use tmuxagent_yaml::Problems;

/// What looks dangerous, and how it is called in the message.
const DANGERS: &[(&str, &str)] = &[
    (r"(?i)deploy", "deploys"),
    (r"(?i)\bpublish\b|\btwine\s+upload\b|\bgem\s+push\b|\bdocker\s+push\b|\bgh\s+release\b", "publishes"),
    (r"\bpush\b.*(--force|\s-\w*f\w*\b|--mirror|--delete|\s\+\w)", "overwrites a branch for others"),
    (r"\brm\s+(-\S+\s+)*-(\w*[rR]\w*|-recursive)\b", "deletes folders"),
    (r"\b(terraform|tofu)\s+(\S+\s+)*(apply|destroy)\b|\bpulumi\s+(up|destroy)\b", "changes infrastructure"),
    (
        r"\bkubectl\s+(\S+\s+)*(apply|delete|drain|replace|scale)\b|\bhelm\s+(install|upgrade|uninstall|rollback)\b",
        "changes a cluster",
    ),
    (r"(?i)\bprod(uction)?\b", "speaks of production"),
    (r"(?i)\bdrop\s+(table|database|schema)\b|\btruncate\s+table\b", "deletes from a database"),
    (r"\bmkfs\b|\bdd\b.*\bof=|\bshred\b|\bwipefs\b", "overwrites a disk"),
    (r"\bgit\s+reset\s+--hard\b|\bgit\s+clean\s+-\w*f", "throws work away"),
    (r"\b(curl|wget)\b.*\|\s*(sudo\s+)?\w*sh\b", "runs what it downloads"),
];

static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    // The table is tried by a test, so that no pattern is left out silently.
    DANGERS.iter().filter_map(|(pattern, what)| Some((Regex::new(pattern).ok()?, *what))).collect()
});

/// What is dangerous about a command, if something is.
pub(crate) fn of(command: &str) -> Option<&'static str> {
    // The one use of the word in everyday builds.
    let command = command.replace("NODE_ENV=production", "");
    PATTERNS.iter().find(|(pattern, _)| pattern.is_match(&command)).map(|(_, what)| *what)
}

pub(super) fn check(stage: &StageSubject, problems: &mut Problems) {
    // Asked for, or said to be meant so by `require_approval: false`.
    if stage.raw.require_approval.is_some() {
        return;
    }
    let commands = stage.actions().filter_map(|action| match action {
        Action::SendKeys { text, .. } => text.as_ref(),
        Action::Run { command } => Some(command),
        Action::Shell { script, .. } => Some(script),
        Action::Prompt { .. }
        | Action::Notify { .. }
        | Action::Set { .. }
        | Action::StartPipeline { .. }
        | Action::If { .. } => None,
    });
    for command in commands {
        if let Some(what) = of(&command.source) {
            let shown: String = command.source.lines().next().unwrap_or_default().chars().take(60).collect();
            let message = format!("the stage `{}` {what} (`{shown}`) and asks nobody", stage.core.name);
            let help = "add `require_approval: true`, or `require_approval: false` to say that it is meant so";
            problems.warning("no-approval", stage.at(), message).help(help);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangers_are_recognised() {
        assert_eq!(PATTERNS.len(), DANGERS.len());
        for (command, dangerous) in [
            ("npm run deploy:staging", true),
            ("npm publish --access public", true),
            ("cargo publish", true),
            ("git push --force origin main", true),
            ("git push -f", true),
            ("git push origin +main", true),
            ("rm -rf build", true),
            ("rm -v -r build", true),
            ("rm --recursive x", true),
            ("terraform -chdir=x apply", true),
            ("kubectl -n web delete pod x", true),
            ("vercel --prod", true),
            ("curl -s https://x | sh", true),
            ("git reset --hard", true),
            ("npm run lint", false),
            ("npm test", false),
            ("rm build.log", false),
            ("git push", false),
            ("NODE_ENV=production npm run build", false),
            ("terraform plan", false),
            ("cargo build --release", false),
            ("make product", false),
        ] {
            assert_eq!(of(command).is_some(), dangerous, "{command}: {:?}", of(command));
        }
    }
}
