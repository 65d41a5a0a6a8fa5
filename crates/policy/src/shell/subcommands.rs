//! Words in the place of a subcommand or of the name of an option: they say what a program does, and are no mere data.

use super::words::{VALUE, Word};

/// Programs whose first operands say what they do, and how many of them.
pub(super) const DEPTHS: &[(&str, usize)] = &[
    ("apt", 1),
    ("apt-get", 1),
    ("aws", 2),
    ("az", 2),
    ("brew", 1),
    ("bun", 1),
    ("bundle", 1),
    ("cargo", 1),
    ("composer", 1),
    ("conda", 1),
    ("dnf", 1),
    ("docker", 1),
    ("docker-compose", 1),
    ("dotnet", 1),
    ("flyctl", 1),
    ("gcloud", 2),
    ("gem", 1),
    ("gh", 2),
    ("git", 1),
    ("glab", 2),
    ("helm", 1),
    ("heroku", 1),
    ("hg", 1),
    ("jj", 1),
    ("kubectl", 1),
    ("nerdctl", 1),
    ("nix", 1),
    ("npm", 1),
    ("oc", 1),
    ("openssl", 1),
    ("pip", 1),
    ("pip3", 1),
    ("pnpm", 1),
    ("podman", 1),
    ("poetry", 1),
    ("rails", 1),
    ("rustup", 1),
    ("svn", 1),
    ("uv", 1),
    ("vercel", 1),
    ("yarn", 1),
];

/// First operands behind which another one says what is done.
const GROUPS: &[&str] = &[
    "auth",
    "buildx",
    "builder",
    "cache",
    "compose",
    "config",
    "container",
    "context",
    "image",
    "network",
    "pip",
    "pkg",
    "plugin",
    "repo",
    "rollout",
    "set",
    "system",
    "toolchain",
    "tool",
    "volume",
    "workspaces",
];
/// Those of programs with groups that are none.
const ALONE: &[&str] = &["api", "browse", "status"];

/// Programs all of whose operands are goals, tasks or rules.
pub(super) const GOALS: &[&str] = &[
    "ant", "bazel", "buck2", "doit", "fab", "gradle", "grunt", "gulp", "inv", "invoke", "lein", "mage", "mill", "mvn",
    "mvnd", "nox", "rake", "sbt", "scons", "task", "turbo",
];

/// Options that take no word, whatever the program.
const FLAGS: &[&str] = &[
    "-B",
    "-U",
    "-V",
    "-h",
    "-q",
    "-v",
    "-vv",
    "-y",
    "--batch-mode",
    "--color",
    "--debug",
    "--dry-run",
    "--frozen",
    "--help",
    "--json",
    "--locked",
    "--no-color",
    "--no-daemon",
    "--no-pager",
    "--offline",
    "--quiet",
    "--release",
    "--silent",
    "--verbose",
    "--version",
    "--yes",
];

/// Whether the word at a place among the arguments says what the program does.
pub(super) fn chooses(name: &str, arguments: &[Word], at: usize) -> bool {
    let Some(word) = arguments.get(at) else { return false };
    if names_option(name, word) {
        return true;
    }
    let goals = GOALS.contains(&name);
    let depth = DEPTHS.iter().find(|(known, _)| *known == name).map(|(_, depth)| *depth);
    if word.text.starts_with('-') || !goals && depth.is_none() {
        return false;
    }
    let operand = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| arguments.get(before)).map_or("", |word| word.text.as_str());
        let takes = before.starts_with('-') && before.len() > 1 && before != "--" && !before.contains('=');
        !arguments[at].text.starts_with(['-', '+']) && (!takes || FLAGS.contains(&before))
    };
    if !operand(at) {
        return false;
    }
    let operands: Vec<&str> = (0..at).filter(|at| operand(*at)).map(|at| arguments[at].text.as_str()).collect();
    let depth = match operands.first() {
        Some(first) if ALONE.contains(first) => 1,
        Some(first) if GROUPS.contains(first) => 2,
        _ => depth.unwrap_or_default(),
    };
    goals || operands.len() < depth
}

/// Whether a value is, or is in, the name of an option: `--VALUE`, `--use-VALUE=x`, `-VALUE`; a property that is defined.
fn names_option(name: &str, word: &Word) -> bool {
    let option = word.text.split_once('=').map_or(word.text.as_str(), |(option, _)| option);
    let defines = matches!(name, "ant" | "gradle" | "java" | "mvn" | "mvnd" | "sbt") && option.starts_with(['-', '+']);
    let long = option.starts_with("--") || defines;
    let short = option.strip_prefix(['-', '+']).is_some_and(|letters| letters.starts_with(VALUE));
    short || long && option.contains(VALUE)
}
