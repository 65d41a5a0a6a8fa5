//! Rules of the source tree that neither the compiler nor clippy checks: which crates a crate may know, pure parts of
//! crates that act, sizes, headers, words that must not stand here.

use std::path::{Path, PathBuf};

/// The longest source file, tests apart.
const LONGEST: usize = 500;

/// The crates from the lowest to the highest, and which others each may know. Cargo guards that nothing else is
/// imported; this table keeps a new dependency from being added without a thought.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &["model"]),
    ("failpoints", &[]),
    // Effects in somebody's hands.
    ("errand", &["model"]),
    // For tests alone.
    ("testkit", &["model"]),
    ("text", &["model"]),
    ("yaml", &["model", "text"]),
    ("lines", &["model"]),
    ("policy", &["model", "text", "yaml"]),
    ("agents", &["model", "yaml"]),
    ("engine", &["model", "text", "lines", "policy"]),
    ("tmux", &["model", "errand", "text", "lines", "policy", "agents", "clock", "failpoints"]),
    ("store", &["model", "failpoints"]),
    ("audit", &["model"]),
    ("report", &["model", "text", "store"]),
    ("ipc", &["model", "clock", "text"]),
    // The length of a socket's path decides where it can lie.
    ("config", &["model", "yaml", "ipc"]),
    ("alerts", &["model", "clock", "failpoints", "yaml", "text", "config", "store"]),
    ("metrics", &["model", "ipc", "store"]),
    ("panel", &["model", "text", "store", "report", "ipc", "alerts"]),
    ("tui", &["model", "yaml", "text", "ipc", "failpoints"]),
    ("workspace", &["model", "yaml", "text", "tmux"]),
    ("core", &["model", "text", "policy", "engine", "tmux", "store", "ipc", "config"]),
    (
        "supervisor",
        &[
            "model",
            "yaml",
            "agents",
            "clock",
            "core",
            "errand",
            "failpoints",
            "text",
            "lines",
            "policy",
            "engine",
            "tmux",
            "store",
            "ipc",
            "config",
            "alerts",
            "audit",
            "panel",
            "metrics",
        ],
    ),
];

/// Pure parts of crates that act elsewhere. Whole crates that are pure say so in their `clippy.toml`.
const PURE: &[&str] = &[
    "crates/tmux/src/core/",
    "crates/tmux/src/proto/",
    "crates/tui/src/model",
    "crates/tui/src/update",
    "crates/tui/src/view",
    "crates/tui/src/keymap",
    "crates/workspace/src/workspace",
    "crates/workspace/src/plan",
    "crates/workspace/src/read_workspace",
    "crates/workspace/src/write",
];

/// What a pure part must not say.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "std::thread",
    "tokio::",
    "Instant::now",
    "SystemTime",
    "getrandom",
    "println!",
    "reqwest",
];

struct Source {
    name: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file but tests, with its path from the root.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["src", "crates"] {
        walk(&root().join(folder), &mut |path| {
            let name = path.strip_prefix(root()).expect("below the root").display().to_string();
            let is_test = name.contains("tests") || name.contains("/sample");
            if name.ends_with(".rs") && !is_test {
                found.push(Source { name, text: std::fs::read_to_string(path).expect("readable") });
            }
        });
    }
    assert!(found.len() > 100, "the sources are found");
    found
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}

/// The code without what stands behind `#[cfg(test)]`, comments and texts in doc comments.
fn code(source: &Source) -> String {
    let before_tests = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = before_tests.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn a_crate_knows_only_crates_below_it() {
    let mut found = Vec::new();
    let folders = std::fs::read_dir(root().join("crates")).expect("a folder").flatten();
    for folder in folders {
        let own = folder.file_name().to_string_lossy().into_owned();
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == own) else {
            found.push(format!("crates/{own} has no layer"));
            continue;
        };
        let manifest = std::fs::read_to_string(folder.path().join("Cargo.toml")).expect("readable");
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        let known = dependencies.lines().filter_map(|line| line.strip_prefix("tmuxagent-")?.split('.').next());
        found.extend(known.filter(|other| !allowed.contains(other)).map(|other| format!("{own} knows {other}")));
    }
    assert_none("crates that know too much", &found);
}

/// The names under a heading of a manifest.
fn dependencies<'m>(manifest: &'m str, heading: &str) -> Vec<&'m str> {
    let part = manifest.split(&format!("\n[{heading}]\n")).nth(1).unwrap_or_default();
    let lines = part.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| line.starts_with(char::is_alphabetic))
        .filter_map(|line| line.split(['.', ' ']).next())
        .collect()
}

/// Whether a text has that identifier.
fn names(text: &str, identifier: &str) -> bool {
    text.match_indices(identifier).any(|(at, _)| {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        !text[..at].ends_with(part) && !text[at + identifier.len()..].starts_with(part)
    })
}

#[test]
fn every_dependency_is_used() {
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    let mut packages = vec![root()];
    packages.extend(std::fs::read_dir(root().join("crates")).expect("a folder").flatten().map(|entry| entry.path()));
    let mut found = Vec::new();
    let mut wanted = Vec::new();
    for package in packages {
        let manifest = std::fs::read_to_string(package.join("Cargo.toml")).expect("readable");
        // What the code names, and what tests name beside it.
        let (mut code_text, mut all_text) = (String::new(), String::new());
        for folder in ["src", "tests", "benches"].map(|name| package.join(name)).iter().filter(|folder| folder.is_dir())
        {
            walk(folder, &mut |path| {
                let name = path.display().to_string();
                let Some(text) = std::fs::read_to_string(path).ok().filter(|_| name.ends_with(".rs")) else { return };
                all_text.push_str(&text);
                if folder.ends_with("src") && !name.contains("tests") {
                    code_text.push_str(&code(&Source { name, text }));
                }
            });
        }
        for (heading, text) in [("dependencies", &code_text), ("dev-dependencies", &all_text)] {
            let own = dependencies(&manifest, heading);
            let unused = own.iter().filter(|name| !names(text, &name.replace('-', "_")));
            found.extend(unused.map(|name| format!("{}: {name} in [{heading}]", package.display())));
            wanted.extend(own.into_iter().map(str::to_owned));
        }
    }
    let listed = dependencies(&workspace, "workspace.dependencies");
    let unasked = listed.iter().filter(|name| !wanted.iter().any(|wanted| wanted == *name));
    found.extend(unasked.map(|name| format!("{name} in [workspace.dependencies]")));
    assert_none("dependencies that nothing names", &found);
}

#[test]
fn the_screens_know_only_the_wire_of_the_socket() {
    let uses = |source: &Source| {
        code(source).contains("tmuxagent_ipc::server") || code(source).contains("tmuxagent_ipc::lock")
    };
    let found: Vec<String> =
        sources().into_iter().filter(|s| s.name.starts_with("crates/tui/") && uses(s)).map(|s| s.name).collect();
    assert_none("screens that know more than the wire", &found);
}

#[test]
fn pure_parts_touch_nothing() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| PURE.iter().any(|room| source.name.starts_with(room))) {
        let code = code(source);
        let said = IMPURE.iter().filter(|word| code.contains(**word));
        found.extend(said.map(|word| format!("{}: {word}", source.name)));
    }
    assert_none("impure words in pure parts", &found);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut found = Vec::new();
    for source in sources() {
        let lines = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        if lines > LONGEST {
            found.push(format!("{}: {lines} lines, more than {LONGEST}: a room that wants to be two", source.name));
        }
        if !source.text.starts_with("//!") {
            found.push(format!("{}: no header", source.name));
        }
        let name = source.name.rsplit('/').next().unwrap_or_default();
        if ["util", "manager", "helper"].iter().any(|word| name.contains(word)) {
            found.push(format!("{}: a name that explains nothing", source.name));
        }
    }
    assert_none("files", &found);
}

/// What holds a decision is consumed in exchange for a `Settled`; only `decisions` of the supervisor knows what is written down.
#[test]
fn only_the_supervisor_settles_a_decision() {
    let allowed = |name: &str| name == "crates/supervisor/src/decisions.rs";
    let found: Vec<String> = sources()
        .into_iter()
        .filter(|source| !allowed(&source.name) && code(source).contains("Settled::new"))
        .map(|source| source.name)
        .collect();
    assert_none("decisions settled elsewhere", &found);
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    // Written in two parts, so that this file does not hold them.
    let words =
        [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("crates", ".io/"), concat!("NOTE-FROM", "-LEAD")];
    let mut found = Vec::new();
    for folder in ["src", "crates", "tests", "assets", "policies", "benches", ".ci"] {
        let folder = root().join(folder);
        if !folder.is_dir() {
            continue;
        }
        walk(&folder, &mut |path| {
            let Ok(text) = std::fs::read_to_string(path) else { return };
            let said = words.iter().filter(|word| text.contains(**word));
            found.extend(said.map(|word| format!("{}: {word}", path.display())));
        });
    }
    assert_none("names that must not stand here", &found);
}

#[test]
fn both_readmes_have_the_same_shape() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).expect("a readme");
    let shape = |text: &str| -> Vec<usize> {
        let headings = text.lines().filter(|line| line.starts_with('#'));
        headings.map(|line| line.chars().take_while(|c| *c == '#').count()).collect()
    };
    let blocks = |text: &str| text.matches("```").count();
    let (english, chinese) = (read("README.md"), read("README.zh-CN.md"));
    assert_eq!(shape(&english), shape(&chinese));
    assert_eq!(blocks(&english), blocks(&chinese));
}
