//! Generated commands with values at random places, in real shells: what the policy's check lets through runs its author's
//! words and nothing else, prints values whole, and leaves nothing of them in the shell of the pane.

mod builtins;
mod commands;
mod dice;
mod named;
mod parameters;
mod programs;
mod room;
mod sequences;
mod values;

use commands::{Generated, generate};
use dice::Dice;
use room::{BATCH, Entry, Form, evaluated, of_its_own, rendered, run, shells};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tmuxagent_lines::untracked_command;
use tmuxagent_model::Shell;
use tmuxagent_policy::{Source, TextTemplate, bind, check, type_out};
use tmuxagent_yaml::Severity;
use values::{HOSTILE, values};

/// How many commands and sequences are generated, and how many values each is tried with; more for a long run.
const COMMANDS: (&str, usize) = ("TMUXAGENT_GENERATED_COMMANDS", 150);
const SEQUENCES: (&str, usize) = ("TMUXAGENT_GENERATED_SEQUENCES", 150);
const VALUES: (&str, usize) = ("TMUXAGENT_GENERATED_VALUES", 1);
/// The number that all choices follow from.
const SEED: (&str, usize) = ("TMUXAGENT_GENERATED_SEED", 20_260_302);
/// A value that no shell takes for more than a word.
const HARMLESS: &str = "x";
const FORMS: &[Form] = &[Form::Run, Form::Tracked, Form::Script, Form::Remote, Form::Keys, Form::Unknown];

fn number((name, default): (&str, usize)) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Whether its values are still there: one put into another, or behind a backslash, is none.
fn holds_values(text: &str) -> bool {
    TextTemplate::new(text).names == ["v"]
}

/// Why a policy with these actions, each in a stage of its own, is refused; `None` where it is not.
fn refusal(actions: &[String]) -> Option<String> {
    refusal_of(actions, ".*")
}

/// The same where the pattern takes values of that form.
fn refusal_of(actions: &[String], values: &str) -> Option<String> {
    let stage = |(number, action): (usize, &String)| {
        let trigger = match number.checked_sub(1) {
            None => format!("log_regex: '^v (?P<v>{values})$'"),
            Some(before) => format!("after_stage_success: s{before}"),
        };
        format!(
            "{{name: s{number}, triggers: [{{{trigger}}}], actions_on_start: [{action}], success_when: [{{log_regex: x}}]}}"
        )
    };
    let stages: Vec<String> = actions.iter().enumerate().map(stage).collect();
    let policy = format!("pipelines: [{{name: p, match: {{host: h}}, stages: [{}]}}]", stages.join(", "));
    let found = check(&[Source::new("p.yaml", policy)], Vec::new()).diagnostics;
    let error = found.problems.into_iter().find(|problem| problem.severity == Severity::Error)?;
    Some(error.message)
}

/// How often each rule refused, without what it names.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn count(&mut self, message: &str) {
        let rule = message.split_once("}}` ").map_or(message, |(_, rule)| rule);
        let rule = rule.split_once(": ").map_or(rule, |(rule, _)| rule);
        let rule = rule.split('`').step_by(2).collect::<Vec<_>>().join("…");
        *self.0.entry(rule).or_default() += 1;
    }

    fn tell(&self, report: &mut String) {
        let mut rules: Vec<_> = self.0.iter().collect();
        rules.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (rule, count) in rules {
            let _ = writeln!(report, "  {count:6} {rule}");
        }
    }
}

/// The forms that a command of its kind has: what is typed is one line.
fn of_policy(form: Form, text: &str) -> &'static str {
    match form {
        Form::Run | Form::Tracked if !text.contains('\n') => "run",
        Form::Keys | Form::Unknown if !text.contains('\n') => "send_keys",
        _ => "shell",
    }
}

/// Names the commands that a shell never ends, by bugs of its own.
fn tell_endless<'a>(report: &mut String, endless: impl Iterator<Item = &'a str>) {
    for text in endless {
        let _ = writeln!(report, "  ends never, whatever the value: {text:?}");
    }
}

/// The files that were made in a folder, by their numbers.
fn made(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("read").map(|entry| entry.expect("read").path()).collect()
}

#[test]
fn nothing_but_the_authors_words_runs_in_any_shell() {
    let room = tempfile::tempdir().expect("a folder");
    let canaries = room.path().join("c");
    fs::create_dir(&canaries).expect("made");
    let mut dice = Dice(number(SEED) as u64 | 1);
    let commands: Vec<Generated> = (0..number(COMMANDS)).map(|_| generate(&mut dice)).collect();
    let mut tally = Tally::default();
    // In a script, and typed into the shell of a pane, where more is refused.
    let mut takes = |command: &Generated, key: &str| {
        let text = serde_json::to_string(&command.text).expect("a text");
        let refused = refusal(&[format!("{{{key}: {text}}}")]);
        if let Some(refused) = refused.as_deref().filter(|_| key == "shell") {
            tally.count(refused);
        }
        refused.is_none()
    };
    let passed: Vec<[bool; 2]> = commands
        .iter()
        .map(|command| {
            let holds = holds_values(&command.text);
            let script = holds && takes(command, "shell");
            [script, script && takes(command, "run")]
        })
        .collect();
    let mut report = String::new();
    let taken = |place: usize| passed.iter().filter(|passed| passed[place]).count();
    let plain = |command: &&Generated| {
        let text = serde_json::to_string(&command.text).expect("a text");
        holds_values(&command.text) && refusal_of(&[format!("{{shell: {text}}}")], r"\w+").is_none()
    };
    let plain = commands.iter().filter(plain).count();
    let lost = commands.iter().filter(|command| !holds_values(&command.text)).count();
    let _ = writeln!(
        report,
        "{} commands: {} accepted as `shell`, {} as `run`; {plain} as `shell` for plain values; {lost} hold no value; refused as `shell`:",
        commands.len(),
        taken(0),
        taken(1)
    );
    tally.tell(&mut report);
    // Some are not followed: here-documents and `case` within other commands, a comment that hides what closes them.
    let prints = |wanted: bool| {
        commands.iter().zip(&passed).filter(|(command, took)| command.prints && took[0] == wanted).count()
    };
    assert!(
        prints(true) > 2 * prints(false),
        "commands that are safe are refused: {} of {}",
        prints(false),
        prints(true)
    );
    for (name, shell) in shells() {
        let folder = room.path().join(name);
        fs::create_dir_all(folder.join("home")).expect("made");
        let mut entries = Vec::new();
        for (number, command) in commands.iter().enumerate().filter(|(number, _)| passed[*number][0]) {
            // It would take the place of the shell that runs the others.
            if shell == Shell::Fish && command.text.contains("exec") {
                continue;
            }
            for value in values(&mut dice, self::number(VALUES), &canaries, number) {
                let prints = command.prints && (shell != Shell::Fish || command.in_fish);
                let held = value.replace('\0', "");
                for form in FORMS {
                    let typed = of_policy(*form, &command.text) != "shell";
                    if typed && !passed[number][1] {
                        continue;
                    }
                    let Some(line) = rendered(*form, &command.text, &value, shell) else { continue };
                    // In a plain shell a typed word loses the line breaks at its end, and only there.
                    let cut = shell == Shell::Sh && *form == Form::Keys;
                    let wanted = if cut { held.trim_end_matches('\n').to_owned() } else { held.clone() };
                    let prints = (prints && *form != Form::Unknown).then(|| format!("<{wanted}>"));
                    let harmless = rendered(*form, &command.text, HARMLESS, shell).unwrap_or_default();
                    entries.push(Entry { number, line, harmless, prints });
                }
            }
        }
        let (mut whole, mut endless) = (0, BTreeSet::new());
        for batch in entries.chunks(BATCH) {
            let ran = run(name, shell, &folder, batch);
            endless.extend(ran.endless.iter().map(|at| batch[*at].number));
            for (at, entry) in batch.iter().enumerate().filter(|(at, _)| !ran.endless.contains(at)) {
                let Some(wanted) = &entry.prints else { continue };
                let text = ran.printed.get(&at).map_or("", String::as_str);
                assert!(text.contains(wanted), "{name}: {wanted:?} is not in {text:?}: {}", entry.line);
                whole += 1;
            }
            let what = |path: &PathBuf| {
                let number: usize = path.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or_default();
                let lines = batch.iter().filter(|entry| entry.number == number).map(|entry| entry.line.as_str());
                format!("{:?}\n    {}", commands[number].text, lines.collect::<Vec<_>>().join("\n    "))
            };
            let told: Vec<String> = made(&canaries).iter().map(what).collect();
            assert!(told.is_empty(), "{name} ran a value:\n  {}", told.join("\n  "));
        }
        let _ = writeln!(report, "{name}: {} commands with values run, {whole} printed whole", entries.len());
        tell_endless(&mut report, endless.iter().map(|number| commands[*number].text.as_str()));
    }
    println!("{report}");
}

#[test]
fn nothing_of_a_value_is_left_for_the_next_action() {
    let room = tempfile::tempdir().expect("a folder");
    let (canaries, held) = (room.path().join("c"), room.path().join("h"));
    fs::create_dir(&canaries).expect("made");
    fs::create_dir(&held).expect("made");
    let mut dice = Dice(number(SEED) as u64 | 1);
    let generated: Vec<_> = (0..number(SEQUENCES)).map(|_| sequences::generate(&mut dice)).collect();
    let mut tally = Tally::default();
    let accepted: Vec<_> = generated
        .iter()
        .enumerate()
        .filter(|(_, actions)| {
            let written: Vec<String> = actions.iter().map(sequences::Action::written).collect();
            let refused = refusal(&written);
            refused.iter().for_each(|refused| tally.count(refused));
            refused.is_none()
        })
        .collect();
    let mut report = format!("{} sequences: {} accepted; refused:\n", generated.len(), accepted.len());
    tally.tell(&mut report);
    for (name, shell) in shells() {
        let folder = room.path().join(name);
        fs::create_dir_all(folder.join("home")).expect("made");
        fs::create_dir_all(folder.join("s")).expect("made");
        // It calculates all that is in its environment.
        let make = "E := $(foreach v,$(.VARIABLES),$(if $(filter environment,$(origin $v)),$($v)))\nall:;@true\n";
        fs::write(folder.join("Mk"), make).expect("written");
        fs::write(folder.join("deploy"), "#!/bin/sh\nexit 0\n").expect("written");
        fs::set_permissions(folder.join("deploy"), fs::Permissions::from_mode(0o755)).expect("made");
        let mut entries = Vec::new();
        for (number, actions) in &accepted {
            if shell == Shell::Fish && actions.iter().any(|action| action.text.contains("exec")) {
                continue;
            }
            let canary = format!("{}/{number}", canaries.display());
            let lines = |value: &str| {
                let mut line = format!("mkdir -p ../s/{number}\ncd ../s/{number}\n");
                for action in *actions {
                    // A script is always one of a plain shell.
                    let kind = if action.form == Form::Script && shell != Shell::Fish { Shell::Sh } else { shell };
                    line.extend(rendered(action.form, &action.text, value, kind).map(|rendered| rendered + "\n"));
                }
                line.push_str(&sequences::probe(shell, &canary, &held.join(number.to_string())));
                let line = if shell == Shell::Fish { of_its_own(&line) } else { line };
                format!("{line}\n")
            };
            for value in values(&mut dice, self::number(VALUES), &canaries, *number) {
                let harmless = lines(HARMLESS);
                entries.push(Entry { number: *number, line: lines(&value), harmless, prints: None });
            }
        }
        let mut endless = BTreeSet::new();
        for batch in entries.chunks(BATCH) {
            endless.extend(run(name, shell, &folder, batch).endless.iter().map(|at| batch[*at].harmless.as_str()));
            for (what, files) in [("ran", made(&canaries)), ("holds", made(&held))] {
                let told = files.iter().filter_map(|path| {
                    let number: usize = path.file_name()?.to_str()?.parse().ok()?;
                    Some(&batch.iter().find(|entry| entry.number == number)?.line)
                });
                let told: Vec<_> = told.map(String::as_str).collect();
                assert!(files.is_empty(), "{name} {what} a value: {files:?}\n{}", told.join("\n\n"));
            }
        }
        let _ = writeln!(report, "{name}: {} sequences with values run", entries.len());
        tell_endless(&mut report, endless.into_iter());
    }
    println!("{report}");
}

#[test]
fn what_is_typed_acts_nowhere_whatever_was_open() {
    // Not what is calculated: there a text is a formula, however it came.
    const OPEN: &[(&str, &str)] = &[
        ("echo \"", "\""),
        ("echo '", "'"),
        ("cat <<E\n", "\nE\n"),
        ("echo `", "`"),
        ("echo ${x:-", "}"),
        ("echo \\", ""),
        ("# ", ""),
        ("echo \"$(", ")\""),
        ("case a in ", ") true;; esac"),
        ("x=(", ")"),
        ("[[ ", " ]]"),
    ];
    let room = tempfile::tempdir().expect("a folder");
    let canaries = room.path().join("c");
    fs::create_dir(&canaries).expect("made");
    for (name, shell) in shells() {
        fs::create_dir_all(room.path().join("home")).expect("made");
        let mut entries = Vec::new();
        for (number, value) in HOSTILE.iter().filter(|value| value.contains('@')).enumerate() {
            let value = value.replace('@', &format!(": >{}/{number}", canaries.display()));
            let template = TextTemplate::new("printf %s {{v}}");
            let lookup = |_: &str| Some(value.clone());
            let (before, after) = OPEN[number % OPEN.len()];
            let (second, third) = OPEN[(number * 5 + 1) % OPEN.len()];
            let typed = [
                format!("{before}{}{after}", type_out(&template, &lookup, Some(shell))),
                format!("{before}{}{after}", untracked_command(shell, &bind(&template, &lookup, shell))),
                format!("{second}{}{third}", untracked_command(shell, &bind(&template, &lookup, shell))),
            ];
            for text in typed {
                let line = evaluated(shell, &text);
                entries.push(Entry { number, line, harmless: String::new(), prints: None });
            }
        }
        run(name, shell, room.path(), &entries);
        let ran: Vec<PathBuf> =
            fs::read_dir(&canaries).expect("read").map(|entry| entry.expect("read").path()).collect();
        assert!(ran.is_empty(), "{name}: {ran:?}");
    }
}
