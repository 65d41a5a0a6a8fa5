//! Values that are plain and the name of something hostile: a program `d/evil`, a folder `d` with scripts, settings and hooks
//! in it. What the check lets through starts none of these.

use super::commands::fragment_with_value;
use super::dice::Dice;
use super::room::{BATCH, Entry, Form, of_its_own, rendered, run, shells};
use super::{COMMANDS, HARMLESS, SEED, holds_values, made, number, programs, refusal_of};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tmuxagent_model::Shell;

/// Commands that ran what a value names, and such as give it to a program.
const NAMED: &[&str] = &[
    "echo {{v}} | awk '{system($0)}'",
    "echo {{v}} | sed e",
    "echo {{v}} > a; $(cat a)",
    "echo {{v}} > a2; sh -c \"$(cat a2)\"",
    "echo {{v}} > x3 && chmod +x x3 && mv x3 y3 && ./y3",
    "echo {{v}} > x4; sh x4",
    "(cd {{v}} && ./deploy)",
    "(cd {{v}}; sh ./deploy)",
    "git -C {{v}} status",
    "git --git-dir={{v}}/.git status",
    "git --work-tree {{v}} status",
    "git status {{v}}",
    "sh -c 'echo \"$1\" > f; sh f' _ {{v}}",
    "sh -c '$1' _ {{v}}",
    "sh {{v}}",
    "cp {{v}} y5; ./y5",
    "ln -s {{v}} y6; ./y6",
    "make -C {{v}}",
    "V={{v}}; $V",
    "V={{v}} sh -c '$V'",
    "echo $({{v}})",
    "{{v}}",
    "env {{v}}",
    "nice {{v}}",
    "find d -exec {{v}} ;",
    "xargs {{v}} < /dev/null",
    "awk -f {{v}}",
    "perl {{v}}",
    "python3 {{v}}",
    "tar --use-compress-program {{v}} -cf a b",
    "sort --compress-program {{v}} a",
    "frobnicate {{v}}",
    "ls -l {{v}}",
    "diff a {{v}}",
    "wc -l {{v}} | sort",
    "./deploy {{v}}",
    "V={{v}} ./deploy",
    "find {{v}} -name x",
];
const VALUES: &[&str] = &["d/evil", "d", "d/deploy"];
/// A program of the project's own that does nothing.
const IDLE: &str = "#!/bin/sh\nexit 0\n";

fn program(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("made");
}

/// A folder in which everything that a program could run by itself leaves a file, named by where it ran.
fn furnish(folder: &Path, canaries: &Path) {
    let hostile = folder.join("d");
    for inner in ["home", "s", "d/.git/objects", "d/.git/refs"] {
        fs::create_dir_all(folder.join(inner)).expect("made");
    }
    let evil = format!("#!/bin/sh\n: > \"{}/$(pwd | tr / _)\"\n", canaries.display());
    for name in ["evil", "deploy", "x"] {
        program(&hostile.join(name), &evil);
    }
    let path = hostile.join("evil").display().to_string();
    fs::write(hostile.join("Makefile"), format!("all:\n\t{path}\n")).expect("written");
    fs::write(hostile.join(".git/HEAD"), "ref: refs/heads/main\n").expect("written");
    let settings = format!("[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {path}\n");
    fs::write(hostile.join(".git/config"), settings).expect("written");
    program(&folder.join("deploy"), IDLE);
}

fn generate(dice: &mut Dice) -> String {
    match dice.roll(4) {
        0 | 1 => dice.pick(NAMED).to_owned(),
        2 => programs::generate(dice),
        _ => fragment_with_value(dice),
    }
}

/// The line for one command, in a folder of its own with the hostile one in it.
fn line(number: usize, form: Form, text: &str, value: &str, shell: Shell) -> Option<String> {
    let kind = if form == Form::Script && shell != Shell::Fish { Shell::Sh } else { shell };
    let line = rendered(form, text, value, kind)?;
    let line =
        format!("mkdir -p ../s/{number}\ncd ../s/{number}\nln -sfn ../../d d\nln -sf ../../deploy deploy\n{line}\n");
    Some(if shell == Shell::Fish { of_its_own(&line) } else { line })
}

#[test]
fn no_word_starts_what_it_names() {
    let room = tempfile::tempdir().expect("a folder");
    let canaries = room.path().join("c");
    fs::create_dir(&canaries).expect("made");
    let mut dice = Dice(number(SEED) as u64 | 1);
    let commands: Vec<String> = (0..number(COMMANDS)).map(|_| generate(&mut dice)).collect();
    let takes = |text: &str, key: &str| {
        let text = serde_json::to_string(text).expect("a text");
        refusal_of(&[format!("{{{key}: {text}}}")], r"\w[\w./-]*").is_none()
    };
    let accepted: Vec<(usize, &String, bool)> = commands
        .iter()
        .enumerate()
        .filter(|(_, text)| holds_values(text) && takes(text, "shell"))
        .map(|(number, text)| (number, text, !text.contains('\n') && takes(text, "run")))
        .collect();
    println!("{} commands: {} accepted", commands.len(), accepted.len());
    for (name, shell) in shells() {
        let folder = room.path().join(name);
        furnish(&folder, &canaries);
        let mut entries = Vec::new();
        for (number, text, typed) in &accepted {
            let value = dice.pick(VALUES);
            for form in [Form::Script, Form::Run, Form::Keys] {
                if form != Form::Script && !typed {
                    continue;
                }
                let Some(real) = line(*number, form, text, value, shell) else { continue };
                let harmless = line(*number, form, text, HARMLESS, shell).unwrap_or_default();
                entries.push(Entry { number: *number, line: real, harmless, prints: None });
            }
        }
        for batch in entries.chunks(BATCH) {
            run(name, shell, &folder, batch);
            let ran = made(&canaries);
            let texts = ran.iter().map(|path| {
                let told = path.display().to_string();
                let text = accepted.iter().find(|(number, ..)| {
                    told.ends_with(&format!("_s_{number}")) || told.contains(&format!("_s_{number}_"))
                });
                format!("{told}: {:?}", text.map(|(_, text, _)| text))
            });
            let texts: Vec<String> = texts.collect();
            assert!(texts.is_empty(), "{name} started what a value names:\n  {}", texts.join("\n  "));
        }
        println!("{name}: {} commands with values run", entries.len());
    }
}
