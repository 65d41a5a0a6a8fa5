//! Words in commands: plain values that may be the name of a file, folder or program that somebody put there.
//!
//! **Invariant:** where no proof holds for free text, a word stands only as an argument of one program, in a text in which
//! nothing keeps it, takes it from a pipe or reads it back; and not where that program is known to run what is named.

use super::builtins::{Builtin, builtin};
use super::heads::{Head, head, interpreters};
use super::names::takes_code;
use super::subcommands::chooses;
use super::words::{Hole, Parsed, Simple, Word};

/// The values that are arguments of one program and nothing more. `kept`: something in the text keeps values.
pub(super) fn direct(parsed: &Parsed, kept: bool) -> Vec<Hole> {
    if kept || parsed.captures || parsed.processes || parsed.calculates || parsed.unusual {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, command) in parsed.commands.iter().enumerate() {
        let piped = parsed.commands.iter().skip(at + 1).any(|behind| behind.piped);
        if !piped && command.files.is_empty() && takes_words(command) {
            found.extend(arguments(command).flat_map(Word::all_holes));
        }
    }
    found
}

/// Whether nothing is known of a program by which it would run, or put elsewhere, what an argument names.
fn takes_words(command: &Simple) -> bool {
    let Head { at, name, doubtful } = head(command);
    let kind = name.map(builtin);
    let known = kind.is_some_and(|kind| matches!(kind, None | Some(Builtin::Data)));
    let runs = name.is_some_and(|name| RUNNERS.contains(&name));
    let code = interpreters(command).any(|rest| rest.iter().any(|word| word.has_value() || takes_code(&word.text)));
    known && !runs && !doubtful && !code && command.words.iter().take(at + 1).all(|word| !word.has_value())
}

/// The words that are operands, or stand behind an option that names no folder or file to work with, and say not what the
/// program does.
fn arguments(command: &Simple) -> impl Iterator<Item = &Word> {
    let Head { at, name, .. } = head(command);
    let composes = matches!(name, Some("docker" | "docker-compose" | "podman" | "kubectl" | "helm" | "gcloud"));
    let short: &[&str] = match name {
        Some("curl") => &["-K"],
        Some("mvn" | "mvnd") => &["-f", "-s", "-gs", "-t"],
        Some("gradle") => &["-b", "-c", "-I", "-p"],
        _ if composes => &["-f"],
        _ => &[],
    };
    let names = move |option: &str| {
        let option = option.split_once('=').map_or(option, |(option, _)| option);
        PLACES.contains(&option) || short.contains(&option)
    };
    let attached = move |text: &str| {
        let placed = |option: &&str| text.starts_with(*option) && text.len() > option.len();
        text.starts_with("-C") || text.starts_with("-f") && text.len() > 2 || short.iter().any(placed)
    };
    let behind = command.words.get(at + 1..).unwrap_or_default();
    let chosen = move |word: usize| name.is_some_and(|name| chooses(name, behind, word - at - 1));
    command.words.iter().enumerate().skip(at + 1).filter_map(move |(number, word)| {
        let before = command.words.get(number - 1).map_or("", |word| word.text.as_str());
        let placed = names(before) && !before.contains('=') || names(&word.text) || attached(&word.text);
        (!placed && !chosen(number)).then_some(word)
    })
}

/// Options that say where a program works, and so which settings, hooks and scripts it finds.
pub(super) const PLACES: &[&str] = &[
    "-C",
    "--git-dir",
    "--work-tree",
    "--exec-path",
    "--super-prefix",
    "--template",
    "--chdir",
    "-chdir",
    "--cwd",
    "--dir",
    "--directory",
    "--prefix",
    "--root",
    "--rootdir",
    "--project",
    "--project-dir",
    "--project-directory",
    "--manifest-path",
    "--file",
    "--makefile",
    "--script",
    "--init-script",
    "--require",
    "--import",
    "--loader",
    "--load",
    "--plugin",
    "--rcfile",
    "--init-file",
    "--app",
    "--config",
    "--config-file",
    "--kubeconfig",
    "--userconfig",
    "--globalconfig",
    "--settings",
    "--settings-file",
    "--global-settings",
    "--build-file",
    "-jar",
    "-cp",
    "-classpath",
    "--class-path",
];

/// Programs that run the files they are given, take them for what they build from, or copy them to where something may.
const RUNNERS: &[&str] = &[
    "cp",
    "mv",
    "ln",
    "install",
    "dd",
    "rsync",
    "unzip",
    "tar",
    "gtar",
    "bsdtar",
    "cpio",
    "patch",
    "java",
    "dotnet",
    "mono",
    "wine",
    "electron",
    "ts-node",
    "tsx",
    "vite-node",
    "mocha",
    "jest",
    "vitest",
    "pytest",
    "rspec",
    "phpunit",
    "cucumber",
    "behave",
    "robot",
    "bats",
    "streamlit",
    "flask",
    "gunicorn",
    "uvicorn",
    "celery",
    "pm2",
    "forever",
    "terraform",
    "tofu",
    "pulumi",
    "packer",
    "open",
    "xdg-open",
    "start",
    "ldd",
    "gcc",
    "cc",
    "g++",
    "clang",
    "go",
    "swift",
    "zig",
    "scala",
    "kotlin",
    "groovy",
    "jshell",
    "ocaml",
    "racket",
    "sbcl",
    "clojure",
    "elixir",
    "mix",
    "escript",
    "erl",
    "dart",
    "flutter",
    "nim",
    "crystal",
    "v",
    "tclsh",
    "wish",
    "pre-commit",
    "act",
    "k6",
    "locust",
    "systemctl",
    "launchctl",
    "insmod",
    "modprobe",
    "qemu-system-x86_64",
    "source-highlight",
    "chmod",
    "chown",
];
