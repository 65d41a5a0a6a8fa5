//! Scripts of the project's own: what they do with a value is their author's doing.

use super::folders::{Folder, place};
use super::rules::runs_what_it_is_given;

/// A path to a script of the project's own.
pub(super) fn is_own(path: &str) -> bool {
    /// Folders of programs that others wrote.
    const OTHERS: &[&str] =
        &["node_modules", ".venv", "venv", ".tox", ".nox", ".direnv", ".bundle", ".local", ".cargo", ".nix-profile"];
    /// Where the way out of the project may lead to.
    const SYSTEM: &[&str] = &["bin", "sbin", "usr", "lib", "lib64", "libexec", "opt", "etc", "dev", "proc", "nix"];
    let parts = || path.split('/');
    let leaves = parts().any(|part| part == "..");
    let name = parts().next_back().unwrap_or_default();
    path.contains('/')
        && path.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
        && !parts().any(|part| OTHERS.contains(&part) || leaves && SYSTEM.contains(&part))
        && !name.is_empty()
        && !is_tool(name)
        && !runs_what_it_is_given(name)
}

/// Whether a script of the project's own still is one where it is called in that folder, by its path or its name.
pub(crate) fn is_own_in(folder: &Folder, path: &str) -> bool {
    place(folder, path).is_some_and(|path| is_own(&path) || is_own_file(&path))
}

/// A file in the folder itself that its end names as a script, as `bash deploy.sh`.
pub(super) fn is_own_file(file: &str) -> bool {
    const ENDS: &[&str] = &["sh", "bash", "zsh", "ksh", "py", "js", "mjs", "cjs", "rb", "pl"];
    let plain = file.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && !file.contains('/');
    plain && !is_tool(file) && file.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
}

/// Scripts that a tool puts into projects: what they do with a word is not the project's own.
fn is_tool(file: &str) -> bool {
    const TOOLS: &[&str] = &[
        "gradlew",
        "mvnw",
        "sbt",
        "sbtx",
        "mill",
        "bazelw",
        "bazelisk",
        "pants",
        "waf",
        "configure",
        "bootstrap",
        "manage",
        "artisan",
        "console",
        "cake",
        "yii",
        "spark",
        "craft",
        "drush",
        "wp",
        "rails",
        "rake",
        "bundle",
        "spring",
        "rspec",
        "thor",
        "webpacker",
        "gulpfile",
        "gruntfile",
        "jakefile",
        "rakefile",
        "noxfile",
        "fabfile",
        "dodo",
        "setup",
        "conftest",
        "make",
        "gulp",
        "grunt",
        "jake",
        "invoke",
        "ace",
        "deploy-rs",
        "kitchen",
    ];
    let name = file.split_once('.').map_or(file, |(name, _)| name);
    TOOLS.iter().any(|tool| name.eq_ignore_ascii_case(tool))
}
