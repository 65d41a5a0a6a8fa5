//! Generated commands with values at random places, in real shells: what the policy's check lets through runs its author's
//! words and nothing else, and prints values whole.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tmuxagent_lines::untracked_command;
use tmuxagent_model::Shell;
use tmuxagent_model::shell::quoted;
use tmuxagent_policy::{Source, TextTemplate, bind, check, type_out};

/// How many commands are generated, and how many values each is tried with; more for a long run.
const COMMANDS: (&str, usize) = ("TMUXAGENT_GENERATED_COMMANDS", 600);
const VALUES: (&str, usize) = ("TMUXAGENT_GENERATED_VALUES", 1);
/// The number that all choices follow from.
const SEED: (&str, usize) = ("TMUXAGENT_GENERATED_SEED", 20_260_302);
/// What one shell process runs.
const BATCH: usize = 250;
/// How long a batch may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

fn number((name, default): (&str, usize)) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// xorshift64*, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or(0) % sides.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// What one writes in commands. None of them runs for long, deletes anything or reads the network.
const FRAGMENTS: &[&str] = &[
    "printf '%s' x",
    "printf '%s\\n' \"a b\"",
    "echo a b",
    "echo \"a $HOME b\"",
    "echo 'a b'",
    "echo a\\ b",
    "true",
    "false",
    "x=1",
    "x=\"a b\"",
    "x='a'",
    "export y=2",
    "x=1 true",
    "test -n x",
    "[ a = b ]",
    "[ -e /dev/null ]",
    "[ 1 -gt 2 ]",
    "[[ a == b ]]",
    "[[ -n x && -z y ]]",
    "[[ a =~ b ]]",
    "[[ 1 -gt 2 ]]",
    "[[ -v x ]]",
    "test 1 -eq 2",
    "case a in b) echo c;; *) echo d;; esac",
    "case a in (b|c) true;; esac",
    "if true; then echo a; fi",
    "if false; then echo a; else echo b; fi",
    "for i in a b; do echo $i; done",
    "for i in a; do echo \"$i\"; done",
    "while false; do echo a; done",
    "{ echo a; }",
    "( echo a )",
    "(cd /; pwd)",
    "f() { echo \"$1\"; }; f a",
    "f() { true; }",
    "echo $(echo a)",
    "echo \"$(echo \"a b\")\"",
    "echo \"$(echo 'a)' )\"",
    "echo `echo a`",
    "echo \"`echo a`\"",
    "echo $((1+2))",
    "echo $((1<<2))",
    "x=$((8 << 1))",
    "echo $(( (1+2)*3 ))",
    "((1<2))",
    "echo $[1+2]",
    "echo \"$((1))\"",
    "echo ${x:-a}",
    "echo ${x}",
    "echo \"${x#a}\"",
    "echo ${#x}",
    "echo ${x:1}",
    "echo ${x[0]}",
    "a=(1 2 3)",
    "a[1]=2",
    "echo ${a[1]}",
    "echo {a,b}",
    "echo *.c",
    "echo ~",
    "echo a#b",
    "echo a # b",
    "# a b",
    "echo $'a\\nb'",
    "echo $'a'",
    "echo $\"a\"",
    "cat <<E\na b\nE\n",
    "cat <<'E'\na b\nE\n",
    "cat <<-E\n\ta\n\tE\n",
    "cat <<E\na $HOME $((1<<2)) b\nE\n",
    "cat <<A <<B\na\nA\nb\nB\n",
    "cat <<\"E\"\n$x\nE\n",
    "cat <<< a",
    "cat <(echo a)",
    "echo a >/dev/null",
    "echo a 2>/dev/null",
    "echo a &>/dev/null",
    "echo a | cat",
    "echo a |& cat",
    "true && echo a",
    "false || echo a",
    "! true",
    "true & wait",
    "set -- a b",
    "set -e",
    "cd /",
    "eval true",
    "eval \"echo a\"",
    "sh -c 'echo a'",
    "sh -c \"echo a\"",
    "sh -c 'echo \"$1\"' _ a",
    "bash -c 'echo a'",
    "env A=1 true",
    "env true",
    "command true",
    "builtin true",
    "nohup true",
    "time true",
    "exec true",
    "read x <<< a",
    "read -r x",
    "unset x",
    "declare x=1",
    "declare -i n=1",
    "typeset x=1",
    "local x",
    "readonly z=1",
    "let x=1",
    "printf -v x a",
    "printf '%d' 1",
    "printf a",
    "trap true EXIT",
    "alias a=true",
    "shift",
    "return 0",
    "PS1=a",
    "PATH=$PATH",
    "IFS=a",
    "SECONDS=1",
    "HISTSIZE=1",
    "n=1; n=2",
    "find /dev/null -name a",
    "find /dev/null -exec true ;",
    "awk 'BEGIN { print 1 }' /dev/null",
    "sed -n p /dev/null",
    "sort /dev/null",
    "xargs -n1 echo",
    "echo a | sh",
    "sh <<E\ntrue\nE\n",
    ". /dev/null",
    "source /dev/null",
    "$x",
    "$(echo true)",
    "\"$x\" a",
    "x=a; echo \"$x\"",
    "x=a; eval \"$x\"",
    "echo \"a'b\"",
    "echo 'a\"b'",
    "echo \"a\\\"b\"",
    "echo a\\'b",
    "echo '' \"\"",
    "echo \"$x\"'$x'",
    "echo $1 $@ $#",
    "true;true",
    "echo a;",
    "echo a &",
    "echo !a",
    "[ a ]",
    "[ a b ]",
    "[ ! a ]",
    "[ a -a b ]",
    "[ a -o b ]",
    "[[ ( a ) ]]",
    "[[ a < b ]]",
    "[[ ! -n a ]]",
    "print a",
    "noglob echo a",
    "echo =(echo a)",
    "always",
    "select i in a; do true; done",
    "function g { true; }",
    "coproc true",
    "time { true; }",
    "set x a",
    "and true",
    "begin; true; end",
    "echo (echo a)",
    "not true",
];

/// What stands between two commands.
const JOINTS: &[&str] = &["; ", " && ", " || ", " | ", "\n", " & ", ";", "\n\n", " |& "];

/// What a command may stand in; `@` is its place.
const FRAMES: &[&str] = &[
    "@",
    "( @ )",
    "{ @; }",
    "echo \"$(@)\"",
    "echo $(@)",
    "x=$(@)",
    "if true; then @; fi",
    "for i in 1; do @; done",
    "case a in a) @;; esac",
    "\"$(@)\"",
    "eval \"@\"",
    "echo `@`",
    "f() { @; }; f",
    "! @",
    "sh -c '@'",
    "sh -c \"@\"",
    "cat <(@)",
    "echo \"@\"",
    "echo '@'",
    "[[ -n \"$(@)\" ]]",
    "@ # x",
    "cat <<E\n@\nE\n",
    "if @; then :; fi",
    "@ > /dev/null",
    "$((@))",
    "${x:-@}",
    "env @",
    "command @",
    "@ &",
];

/// Commands that print a value, and what they stand in where they still do.
const PRINTS: &[&str] =
    &["printf '<%s>' {{v}}", "printf '<%s>' \"{{v}}\"", "printf \"<%s>\" {{v}}", "printf '<%s>' ''{{v}}\"\""];
const KEEPS: &[&str] = &[
    "@",
    "( @ )",
    "{ @; }",
    "if true; then @; fi",
    "for i in 1; do @; done",
    "case a in a) @;; esac",
    "true && @",
    "@ | cat",
    "false || @",
    "x=1; @",
    "printf %s \"$(@)\"",
    "@ # it's\ntrue",
    "echo 'a)' \"b(\"; @",
    "echo $((1<<2)); @",
    "true # it's\n@",
    "cat <<E\nit's\nE\n@",
    "cat <<E\n\"{{v}}\nE\n@",
    "cat <<'E'\nit's $(\nE\n@",
    "echo \"a#b 'c\"; @",
    "echo a\\'b; @",
    "[ -n x ] && @",
    "x='a\\'; @",
    "echo ${x:-a}; @",
];
/// Those that fish understands as well.
const OF_FISH: &[&str] = &["@", "true && @", "false || @", "@ | cat", "@ # it's"];

/// A command with values in it, and whether it prints one.
struct Generated {
    text: String,
    prints: bool,
    in_fish: bool,
}

fn generate(dice: &mut Dice) -> Generated {
    if dice.roll(4) == 0 {
        let mut text = dice.pick(PRINTS).to_owned();
        let in_fish = dice.roll(2) == 0;
        for _ in 0..=dice.roll(2) {
            text = dice.pick(if in_fish { OF_FISH } else { KEEPS }).replace('@', &text);
        }
        return Generated { text, prints: true, in_fish };
    }
    let mut text = dice.pick(FRAGMENTS).to_owned();
    for _ in 0..dice.roll(3) {
        text.push_str(dice.pick(JOINTS));
        text.push_str(dice.pick(FRAGMENTS));
    }
    if dice.roll(2) == 0 {
        text = dice.pick(FRAMES).replace('@', &text);
    }
    for _ in 0..=dice.roll(2) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = places[dice.roll(places.len())];
        // Mostly a word of its own, or all of a word.
        let value = dice.pick(&["{{v}}", " {{v}} ", "{{v}}", "\"{{v}}\"", " \"{{v}}\" "]);
        text.insert_str(at, value);
    }
    Generated { text, prints: false, in_fish: false }
}

/// Values that would make a file if any part of them ran.
const HOSTILE: &[&str] = &[
    "$(@)",
    "`@`",
    "'; @; '",
    "\"; @; \"",
    "a[$(@)]",
    "x'$(@)'",
    "'\"$(@)\"'",
    "a\\'; @ #",
    "x[$(@)]=1",
    "${x:-$(@)}",
    "\\$(@)",
    "\n@\n",
    "\r@\r",
    "; @ #",
    "| @",
    "&& @",
    "); @; (",
    "}; @; {",
    "E\n@\nE",
    "A\n@\nB\n@",
    "$'\\'; @;'",
    "<(@)",
    "*(e:'@':)",
    "$((a[$(@)]))",
    "0+a[$(@)]",
    "(@)",
    "esac; @",
    ";; @",
    "fi; @",
    "done; @",
    "]]; @",
    "] ; @",
    "中文 $(@) 。",
    "\u{85}@\u{85}",
    "\u{2028}@",
    "\u{1b}[201~\r@\r",
    "%s%d%n",
    "-v",
    "-n",
    "!",
    "(",
    ")",
    "=",
    "-o",
    "\\",
    "'",
    "\"",
    "a b  c",
    "",
    "*",
    "~",
    "-",
    "--",
    "-e",
    "true",
    "#",
    "$",
    "`",
    "a[$(@)0]",
    "-v a[$(@)]",
    "x=$(@)",
    "SECONDS=a[$(@)]",
    "PATH=/;@",
    "\t@\t",
    "{@,}",
    "!!",
    "^a^b",
    "'$(@)\\''",
    "\"$(@)",
    "\\\n@",
    "a\u{0}b",
];

struct Entry {
    command: usize,
    line: String,
    prints: Option<String>,
}

/// The shells at hand.
fn shells() -> Vec<(&'static str, Shell)> {
    ["dash", "sh", "bash", "zsh", "fish"]
        .into_iter()
        .filter(|name| Command::new(name).args(["-c", "true"]).output().is_ok_and(|out| out.status.success()))
        .map(|name| (name, Shell::of(name)))
        .collect()
}

/// Whether its values are still there: one put into another, or behind a backslash, is none.
fn holds_values(text: &str) -> bool {
    TextTemplate::new(text).names == ["v"]
}

fn accepted(text: &str) -> bool {
    let command = serde_json::to_string(text).expect("a text");
    let stage =
        format!("{{name: s, triggers: [{{log_regex: '^v (?P<v>.*)$'}}], actions_on_start: [{{shell: {command}}}]}}");
    let policy = format!("pipelines: [{{name: p, match: {{host: h}}, stages: [{stage}]}}]");
    check(&[Source::new("p.yaml", policy)], Vec::new()).diagnostics.errors() == 0
}

/// One line of a batch: the command in a process of its own, told from the others in the output.
fn framed(shell: Shell, number: usize, line: &str) -> String {
    match shell {
        // It has no subshells; a function keeps a `return` to itself.
        Shell::Fish => {
            let line = line.trim_start();
            format!("printf '\\x1e%s\\x1f' {number}; function entry; {line}; end; entry </dev/null 2>/dev/null\n")
        }
        _ => format!("printf '\\036%s\\037' {number}; ( {} ) </dev/null 2>/dev/null\n", line.trim_start()),
    }
}

/// Runs a batch; gives what each entry printed.
fn run(shell: &str, kind: Shell, folder: &Path, entries: &[Entry]) -> BTreeMap<usize, String> {
    let mut script = String::new();
    for (number, entry) in entries.iter().enumerate() {
        script.push_str(&framed(kind, number, &entry.line));
    }
    let file = folder.join(format!("batch-{shell}"));
    fs::write(&file, script).expect("written");
    let printed = folder.join(format!("out-{shell}"));
    let options: &[&str] = match kind {
        Shell::Bash => &["--norc"],
        Shell::Zsh => &["-f"],
        Shell::Fish => &["--no-config"],
        _ => &[],
    };
    let mut child = Command::new(shell)
        .args(options)
        .arg(&file)
        .current_dir(folder.join("home"))
        .env("HOME", folder.join("home"))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&printed).expect("created"))
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let begun = std::time::Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().expect("asked") {
            break Some(status);
        }
        if begun.elapsed() > LIMIT {
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if ended.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let out = String::from_utf8_lossy(&fs::read(&printed).expect("read")).into_owned();
    let last =
        out.rsplit('\u{1e}').next().and_then(|piece| piece.split('\u{1f}').next()).unwrap_or_default().to_owned();
    let at = last.parse::<usize>().ok().and_then(|number| entries.get(number)).map(|entry| entry.line.clone());
    assert!(ended.is_some(), "{shell} does not come to an end at {at:?}");
    let count = out.matches('\u{1e}').count();
    assert!(count >= entries.len(), "{shell} ended after {count} of {} commands, at {at:?}", entries.len());
    let pieces = out.split('\u{1e}').filter_map(|piece| piece.split_once('\u{1f}'));
    pieces.filter_map(|(number, text)| Some((number.parse().ok()?, text.to_owned()))).collect()
}

/// The forms in which a command reaches a shell: typed by `run`, given to `sh -c` by `shell`, typed by `send_keys`.
fn forms(text: &str, value: &str, shell: Shell) -> Vec<String> {
    let template = TextTemplate::new(text);
    let lookup = |_: &str| Some(value.to_owned());
    if shell == Shell::Fish && text.contains("exec") {
        // It would take the place of the shell that runs the others.
        return Vec::new();
    }
    let mut forms = vec![untracked_command(shell, &bind(&template, &lookup, shell))];
    if shell == Shell::Sh {
        let command = bind(&template, &lookup, shell);
        let values: String = command.values.iter().map(|(name, value)| format!("{name}={} ", quoted(value))).collect();
        forms.push(format!("{values}exec sh -c {}", quoted(&command.text)));
    }
    // As if typed, but so that a mistake in it ends this command alone.
    let typed = type_out(&template, &lookup, Some(shell));
    let eval = match shell {
        Shell::Fish => format!("eval '{}'", typed.replace('\\', "\\\\").replace('\'', "\\'")),
        Shell::Zsh => format!("eval {}", quoted(&typed)),
        _ => format!("command eval {}", quoted(&typed)),
    };
    if !text.contains('\n') {
        forms.push(eval);
    }
    forms
}

/// The values for one command, their canaries named by its number.
fn values(dice: &mut Dice, count: usize, canaries: &Path, command: usize) -> Vec<String> {
    let mut out = Vec::new();
    for _ in 0..count {
        let canary = format!(": >{}/{command}", canaries.display());
        out.push(dice.pick(HOSTILE).replace('@', &canary));
    }
    out
}

#[test]
fn nothing_but_the_authors_words_runs_in_any_shell() {
    let room = tempfile::tempdir().expect("a folder");
    let canaries = room.path().join("c");
    fs::create_dir(&canaries).expect("made");
    let mut dice = Dice(number(SEED) as u64 | 1);
    let commands: Vec<Generated> = (0..number(COMMANDS)).map(|_| generate(&mut dice)).collect();
    let passed: Vec<bool> =
        commands.iter().map(|command| holds_values(&command.text) && accepted(&command.text)).collect();
    let mut report = String::new();
    let taken = passed.iter().filter(|passed| **passed).count();
    let _ = writeln!(report, "{} commands: {taken} accepted, {} refused", commands.len(), commands.len() - taken);
    // Some are not followed: here-documents and `case` within other commands, a comment that hides what closes them.
    let prints = |wanted: bool| {
        commands.iter().zip(&passed).filter(|(command, took)| command.prints && **took == wanted).count()
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
        for (number, command) in commands.iter().enumerate().filter(|(number, _)| passed[*number]) {
            for value in values(&mut dice, self::number(VALUES), &canaries, number) {
                let prints = command.prints && (shell != Shell::Fish || command.in_fish);
                let held = value.replace('\0', "");
                // In a plain shell a typed word loses the line breaks at its end, and only there.
                for (form, line) in forms(&command.text, &value, shell).into_iter().enumerate() {
                    let cut = shell == Shell::Sh && form > 0 && !line.contains("exec sh -c");
                    let wanted = if cut { held.trim_end_matches('\n').to_owned() } else { held.clone() };
                    entries.push(Entry { command: number, line, prints: prints.then(|| format!("<{wanted}>")) });
                }
            }
        }
        let mut whole = 0;
        for batch in entries.chunks(BATCH) {
            let printed = run(name, shell, &folder, batch);
            for (at, entry) in batch.iter().enumerate() {
                let Some(wanted) = &entry.prints else { continue };
                let text = printed.get(&at).map_or("", String::as_str);
                assert!(text.contains(wanted), "{name}: {wanted:?} is not in {text:?}: {}", entry.line);
                whole += 1;
            }
            let ran: Vec<PathBuf> =
                fs::read_dir(&canaries).expect("read").map(|entry| entry.expect("read").path()).collect();
            let what = |path: &PathBuf| {
                let number: usize = path.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or_default();
                let lines = batch.iter().filter(|entry| entry.command == number).map(|entry| entry.line.as_str());
                format!("{:?}\n    {}", commands[number].text, lines.collect::<Vec<_>>().join("\n    "))
            };
            let told: Vec<String> = ran.iter().map(what).collect();
            assert!(ran.is_empty(), "{name} ran a value:\n  {}", told.join("\n  "));
        }
        let _ = writeln!(report, "{name}: {} commands with values run, {whole} printed whole", entries.len());
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
                let line = match shell {
                    Shell::Fish => format!("eval '{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
                    Shell::Zsh => format!("eval {}", quoted(&text)),
                    _ => format!("command eval {}", quoted(&text)),
                };
                entries.push(Entry { command: number, line, prints: None });
            }
        }
        run(name, shell, room.path(), &entries);
        let ran: Vec<PathBuf> =
            fs::read_dir(&canaries).expect("read").map(|entry| entry.expect("read").path()).collect();
        assert!(ran.is_empty(), "{name}: {ran:?}");
    }
}
