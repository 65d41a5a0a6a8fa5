//! The folders of good and bad policies, values in real shells, and texts that nobody wrote.

use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tmuxagent_lines::untracked_command;
use tmuxagent_model::Shell;
use tmuxagent_policy::{Diagnostics, SECTIONS, Source, TextTemplate, analyse, bind, reference, schema, type_out};

/// Set to rewrite what is generated: expected diagnostics, the schema. Look at the difference before you commit it.
const REWRITE: &str = "TMUXAGENT_REWRITE";

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The sources of a fixture: a file, or all files of a folder.
fn sources(path: &Path) -> Vec<Source> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
            .collect();
        files.sort();
    }
    files.iter().map(|file| Source::new(file_name(file), fs::read_to_string(file).unwrap())).collect()
}

fn compare(expected: &Path, found: &str) -> Option<String> {
    if std::env::var_os(REWRITE).is_some() {
        fs::write(expected, found).unwrap();
    }
    let wanted = fs::read_to_string(expected).unwrap_or_default();
    (wanted != found).then(|| format!("== {}\n-- expected\n{wanted}\n-- found\n{found}", expected.display()))
}

#[test]
fn bad_policies_are_told_exactly() {
    let paths = fixtures("tests/fixtures/policies/invalid");
    assert!(paths.len() >= 40);
    let differences: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            let (policy, found) = analyse(&sources(path));
            assert!(!found.problems.is_empty(), "{} has no problem", path.display());
            assert_eq!(policy.is_some(), found.errors() == 0, "{}", path.display());
            compare(&path.with_extension("expected"), &format!("{found}\n"))
        })
        .collect();
    assert!(differences.is_empty(), "{}\nset {REWRITE}=1 to take the new ones", differences.join("\n"));
}

#[test]
fn good_policies_have_no_problem() {
    let mut paths = fixtures("tests/fixtures/policies/valid");
    paths.extend(fixtures("policies"));
    paths.retain(|path| !path.ends_with("recipes"));
    paths.extend(fixtures("policies/recipes"));
    for path in paths {
        let (policy, found) = analyse(&sources(&path));
        assert_eq!(found, Diagnostics::default(), "{}:\n{found}", path.display());
        assert!(policy.is_some_and(|policy| !policy.pipelines.is_empty()), "{}", path.display());
    }
}

#[test]
fn the_schema_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/policy.schema.json");
    let difference = compare(&path, &format!("{:#}\n", schema()));
    assert!(difference.is_none(), "assets/policy.schema.json is out of date: run with {REWRITE}=1");
}

/// Ten times the pipelines are about ten times the work: no rule compares each with each.
#[test]
fn the_work_of_a_check_grows_with_the_pipelines() {
    let source = |pipelines: usize| {
        // All wait for the same line, in sessions of their own: rivals that never meet.
        let one = |n: usize| {
            format!(
                "  - name: p{n}\n    match: [{{session_name: s{n}}}]\n    stages:\n      - {{name: build, triggers: \
                 [{{log_regex: '^go$'}}], actions_on_start: [{{run: 'make {n}'}}], success_when: [{{exit_code: 0}}]}}\n"
            )
        };
        Source::new("p.yaml", format!("pipelines:\n{}", (0..pipelines).map(one).collect::<String>()))
    };
    // Processor time: what others take of it does not count.
    let of_this_thread = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).expect("below a second"))
    };
    let took = |pipelines: usize| {
        let source = source(pipelines);
        let begun = of_this_thread();
        let (policy, found) = analyse(std::slice::from_ref(&source));
        let took = of_this_thread() - begun;
        assert_eq!(policy.map(|policy| policy.pipelines.len()), Some(pipelines), "{found}");
        took
    };
    // The quickest of some: what else the machine does empties the caches.
    let few = (0..3).map(|_| took(1_000)).min().unwrap();
    let many = took(10_000);
    assert!(many < few * 25, "1,000 pipelines take {few:?}, 10,000 {many:?}");
}

/// The shells at hand, each with how it is asked to run a script.
fn shells() -> Vec<(&'static str, Shell)> {
    ["sh", "bash", "dash", "zsh", "ksh", "fish", "csh", "tcsh"]
        .into_iter()
        .filter(|name| Command::new(name).args(["-c", "true"]).output().is_ok_and(|out| out.status.success()))
        .map(|name| (name, Shell::of(name)))
        .collect()
}

fn run(shell: &str, script: &str) -> Option<String> {
    let out = Command::new(shell).args(["-c", script]).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The forms in which a command with a value reaches a shell: its values in variables, and typed out.
fn forms(source: &str, value: &str, shell: Shell) -> Vec<String> {
    let (template, lookup) = (TextTemplate::new(source), |_: &str| Some(value.to_owned()));
    let mut forms = vec![type_out(&template, &lookup, Some(shell))];
    if shell.is_understood() {
        forms.push(untracked_command(shell, &bind(&template, &lookup, shell)));
    }
    forms
}

/// Places in a command where a value may stand, with what the shell has to print for it.
const PLACES: &[(&str, &str, &str)] = &[
    ("printf %s {{line}}", "", ""),
    ("printf %s \"a{{line}}b\"", "a", "b"),
    ("printf %s 'a'{{line}}'b'", "a", "b"),
    ("printf %s \"$(printf %s {{line}})\"", "", ""),
    ("(printf %s x{{line}})", "x", ""),
];

#[test]
fn values_arrive_whole_in_every_shell() {
    let values = [
        "plain",
        "",
        "two words",
        "it's",
        "\"q\"",
        "$(touch /tmp/pwned)",
        "`id`",
        "$HOME",
        "a;b|c&d>e",
        "!x!",
        "\\",
        "\\'",
        "'\\''",
        "*?[a-z]~",
        "-n",
        "中文 ünï",
        "{a,b}",
        "#x",
        "a\\nb",
        "%s",
        "'; touch pwned; '",
        "${IFS}",
        "<<EOF",
    ];
    for (name, shell) in shells() {
        let places = match shell {
            // In csh values are reduced to plain characters.
            Shell::Csh | Shell::Other => &[],
            // fish knows no `(…)` that is a command.
            Shell::Fish => &PLACES[..4],
            Shell::Sh | Shell::Bash | Shell::Zsh => PLACES,
        };
        for value in values {
            for (place, before, after) in places {
                for script in forms(place, value, shell) {
                    let wanted = format!("{before}{value}{after}");
                    assert_eq!(run(name, &script).as_deref(), Some(wanted.as_str()), "{name}: {script}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_value_leaves_its_word(value in "[ -~\t\n中é]{0,24}", place in 0..PLACES.len()) {
        let (source, before, after) = PLACES[place];
        // A command substitution drops line breaks at its end.
        let value = if source.contains("$(") { value.trim_end_matches('\n') } else { value.as_str() };
        let wanted = format!("{before}{value}{after}");
        let script = forms(source, value, Shell::Sh).pop().unwrap();
        prop_assert_eq!(run("sh", &script), Some(wanted), "{}", script);
    }
}

/// A policy with a few letters changed, lines moved or cut.
fn damaged() -> impl Strategy<Value = String> {
    let whole =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/policies/valid/everything.yaml"))
            .unwrap();
    let letters: Vec<char> = whole.chars().collect();
    let changes = prop::collection::vec(
        (
            0..letters.len(),
            prop::option::of(prop::sample::select(vec![
                ':', '-', ' ', '\n', '{', '}', '[', ']', '&', '*', '\'', '"', '#', '\t', '中', '\u{0}', '|', '(', '0',
                '~',
            ])),
        ),
        1..6,
    );
    changes.prop_map(move |changes| {
        let mut letters = letters.clone();
        for (at, letter) in changes {
            let at = at.min(letters.len() - 1);
            match letter {
                Some(letter) => letters[at] = letter,
                None => {
                    letters.remove(at);
                }
            }
        }
        letters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn damaged_policies_are_told_and_never_panic(text in damaged()) {
        let (policy, found) = analyse(&[Source::new("p.yaml", text)]);
        prop_assert_eq!(policy.is_some(), found.errors() == 0);
        let _ = found.to_string();
    }

    #[test]
    fn any_text_is_told_and_never_panics(text in "\\PC{0,80}") {
        let _ = analyse(&[Source::new("p.yaml", text)]).1.to_string();
    }
}

#[test]
fn the_reference_is_that_of_the_schema_and_its_examples_hold() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let difference = compare(&path, &reference());
    assert!(difference.is_none(), "docs/reference.md is out of date: run with {REWRITE}=1");
    let (schema, mut without) = (schema(), Vec::new());
    let examples: Vec<&str> = SECTIONS.iter().map(|section| section.example).collect();
    for section in SECTIONS {
        let found = analyse(&[Source::new("example.yaml", section.example)]).1;
        assert_eq!(found, Diagnostics::default(), "{}:\n{found}", section.title);
        let node = if section.name.is_empty() { &schema } else { &schema["$defs"][section.name] };
        let forms = node["anyOf"].as_array().and_then(|forms| forms.iter().find(|form| form["properties"].is_object()));
        let keys =
            forms.unwrap_or(node)["properties"].as_object().unwrap_or_else(|| panic!("{} is no map", section.name));
        // Keys with milliseconds mean the same as those without, and other files are not at hand here.
        let shown = |key: &str| {
            examples.iter().any(|example| example.contains(&format!("{key}:")))
                || key.ends_with("_ms")
                || ["include", "manual"].contains(&key)
        };
        without.extend(keys.keys().filter(|key| !shown(key)).map(|key| format!("{}.{key}", section.name)));
    }
    assert_eq!(without, Vec::<String>::new(), "keys without an example");
    let named = |name: &String| ["Duration", "Set", "Ask", "Answers", "Closing", "PaneName"].contains(&name.as_str());
    let missing: Vec<&String> = schema["$defs"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !named(name))
        .filter(|name| SECTIONS.iter().all(|section| section.name != **name))
        .collect();
    assert_eq!(missing, Vec::<&String>::new(), "maps without a section");
}
