//! Rules of the source tree that no compiler checks: layers, pure rooms, sizes, headers, words that must not stand here.

use std::path::{Path, PathBuf};

/// The longest source file, tests apart.
const LONGEST: usize = 500;

/// What each room may import of the others. A room that is missing here is a mistake.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("yaml", &["model"]),
    ("i18n", &["model", "yaml"]),
    ("lines", &["model"]),
    ("policy", &["model", "yaml"]),
    ("tmux", &["model", "lines", "policy", "clock", "crash"]),
    // Where a debug build dies when a test wants it.
    ("crash", &[]),
    // Request files are cleaned and redacted by the pure parts of alerts.
    ("approval", &["model", "notify", "yaml"]),
    ("engine", &["model", "lines", "policy", "approval"]),
    ("store", &["model", "crash"]),
    ("notify", &["model", "config", "store", "approval", "yaml", "clock"]),
    ("web", &["model", "approval", "notify", "config"]),
    ("ipc", &["model", "clock"]),
    ("clock", &["model"]),
    // The length of a socket's path decides where it can lie.
    ("config", &["model", "yaml", "policy", "ipc"]),
    (
        "supervisor",
        &[
            "model", "yaml", "lines", "policy", "tmux", "approval", "engine", "store", "notify", "web", "ipc", "clock",
            "config", "crash",
        ],
    ),
    ("wrapper", &["model", "ipc"]),
    ("workspace", &["model", "yaml", "tmux"]),
    ("ui", &["model", "ipc", "i18n", "yaml", "crash"]),
];

/// Rooms that do no I/O, spawn nothing, and read no clock, environment or random source.
const PURE: &[&str] = &[
    "src/model/",
    "src/yaml/",
    "src/lines/",
    "src/policy/",
    "src/engine/",
    "src/approval/",
    "src/tmux/proto/",
    "src/ui/model",
    "src/ui/update",
    "src/ui/view",
    "src/ui/keymap",
    "src/i18n/",
    "src/workspace/core",
    "src/workspace/plan",
    "src/workspace/read",
    "src/workspace/write",
];

/// What a pure room must not say.
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
    walk(&root().join("src"), &mut |path| {
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        let is_test = name.contains("tests") || name.contains("/sample");
        if name.ends_with(".rs") && !is_test {
            found.push(Source { name, text: std::fs::read_to_string(path).expect("readable") });
        }
    });
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

fn room(name: &str) -> &str {
    let below = name.strip_prefix("src/").unwrap_or(name);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn a_room_imports_only_rooms_below_it() {
    let mut found = Vec::new();
    for source in sources() {
        let own = room(&source.name).to_owned();
        if matches!(own.as_str(), "main" | "lib" | "cli") {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == own) else {
            found.push(format!("{}: the room `{own}` has no layer", source.name));
            continue;
        };
        let code = code(&source);
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            let other: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_' || *c == '1' || *c == '8').collect();
            if !other.is_empty() && other != own && !allowed.contains(&other.as_str()) && other != "i18n" {
                found.push(format!("{}: {own} imports {other}", source.name));
            }
        }
    }
    assert_none("imports against the layers", &found);
}

#[test]
fn the_screens_know_only_the_wire_of_the_socket() {
    let uses =
        |source: &Source| code(source).contains("crate::ipc::server") || code(source).contains("crate::ipc::lock");
    let found: Vec<String> =
        sources().into_iter().filter(|s| room(&s.name) == "ui" && uses(s)).map(|s| s.name).collect();
    assert_none("screens that know more than the wire", &found);
}

#[test]
fn pure_rooms_touch_nothing() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| PURE.iter().any(|room| source.name.starts_with(room))) {
        let code = code(source);
        let said = IMPURE.iter().filter(|word| code.contains(**word));
        found.extend(said.map(|word| format!("{}: {word}", source.name)));
    }
    assert_none("impure words in pure rooms", &found);
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

#[test]
fn only_the_clock_reads_time() {
    let allowed = |name: &str| name == "src/clock.rs";
    let found: Vec<String> = sources()
        .into_iter()
        .filter(|source| !allowed(&source.name) && code(source).contains("SystemTime::now"))
        .map(|source| source.name)
        .collect();
    assert_none("wall clocks outside src/clock.rs", &found);
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    // Written in two parts, so that this file does not hold them.
    let words =
        [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("crates", ".io/"), concat!("NOTE-FROM", "-LEAD")];
    let mut found = Vec::new();
    for folder in ["src", "tests", "assets", "policies", "benches", ".ci"] {
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
