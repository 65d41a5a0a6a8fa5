//! Two or three actions one after another in the shell of one pane: what the first was given must not be found by the next.

use super::commands::{FRAMES, fragment_with_value};
use super::dice::Dice;
use super::room::Form;
use std::path::Path;
use tmuxagent_model::Shell;
use tmuxagent_model::shell::quoted;

/// Commands that are given a value and end with it.
const GIVEN: &[&str] = &[
    "../../deploy {{v}}",
    "../../deploy \"a {{v}} b\" --x={{v}}",
    "V={{v}} ../../deploy",
    "V={{v}} W=\"$V\" ../../deploy x",
    "env V={{v}} ../../deploy",
    "V={{v}} command ../../deploy",
    "true {{v}}",
    "test -n {{v}}",
    "printf '%s' {{v}} > f",
    "echo {{v}} | cat > f",
    "case {{v}} in a) true;; esac",
    "( V={{v}}; ../../deploy \"$V\" )",
    "( export V={{v}}; ../../deploy )",
    "( cd {{v}} && ../../deploy )",
    "( set -- {{v}}; ../../deploy \"$@\" )",
    "( for i in {{v}}; do ../../deploy \"$i\"; done )",
    "if [ x = {{v}} ]; then x=1; fi",
    "cat <<E\n{{v}}\nE\n",
    "cat <<< {{v}}",
    "../../deploy {{v}}; make -s -f ../../Mk",
    "../../deploy {{v}} && sh -c 'eval \"$TA_v\"'",
    "sh -c '../../deploy \"$1\"' _ {{v}}",
    "V={{v}} sh -c '../../deploy \"$V\"'",
];

/// Commands that keep it.
const KEPT: &[&str] = &[
    "export V={{v}}",
    "V={{v}}",
    "x={{v}}; W=$x",
    "V={{v}} :",
    "V={{v}} true",
    "V={{v}} $nothing",
    "V={{v}} > /dev/null",
    "V={{v}} eval 'W=$V'",
    "V={{v}} export W=1",
    "V={{v}} exec ./nothing",
    "V=$(printf %s {{v}})",
    "V=\"$(printf %s {{v}})\" ../../deploy",
    "readonly V={{v}}",
    "declare V={{v}}",
    "typeset -x V={{v}}",
    "local V={{v}}",
    "set -- {{v}}",
    "set -gx V {{v}}",
    "set V {{v}}",
    "setenv V {{v}}",
    "read V <<< {{v}}",
    "read -r V <<E\n{{v}}\nE\n",
    "echo {{v}} | read V",
    "echo {{v}} | while read V; do true; done",
    "printf -v V %s {{v}}",
    "for i in {{v}}; do true; done",
    "a=(1 {{v}})",
    "a+=({{v}})",
    "cd {{v}}",
    "cd -- {{v}}",
    "pushd {{v}}",
    "mkdir -p -- {{v}} && cd {{v}}",
    "[[ {{v}} =~ (.*) ]]",
    "alias g={{v}}",
    "trap {{v}} EXIT",
    "f() { x=$1; }; f {{v}}",
    "f() { ../../deploy {{v}}; }; f",
    "hash -d V={{v}}",
    "getopts {{v}} V",
    "mapfile -t V <<< {{v}}",
    "PS1={{v}}",
    "PROMPT_COMMAND={{v}}",
    "MAKEFLAGS={{v}} make -s -f ../../Mk",
    "V={{v}} make -s -f ../../Mk",
    "make -s -f ../../Mk V={{v}}",
    "printf %s {{v}} > f.sh",
    "set -a; ../../deploy {{v}}",
    "true {{v}}; V=$_",
    "true {{v}}; eval \"$_\"",
    "$(export V={{v}})",
    "echo $(cd {{v}})",
    "let V={{v}}",
    "exec 3<<< {{v}}",
    "f() { for i; do true; done; }; f {{v}}",
    "f() { : \"${V:=$1}\"; }; f {{v}}",
    "printf %s {{v}} > {{v}}",
];

/// What a person or another action does next: all that a shell can run of what it holds.
const NEXT: &[&str] = &[
    "make -s -f ../../Mk all",
    "make -s -e -f ../../Mk",
    "eval \"$V\"",
    "eval \"$x $W $i $a $REPLY\"",
    "$V",
    "echo $((V))",
    "[[ $V -gt 1 ]]",
    "sh -c 'eval \"$V\"'",
    "sh -c \"$V\"",
    "sh -c 'eval \"$TA_v\"'",
    "eval \"$TA_v\"",
    "eval \"$1\"",
    "eval \"$PWD\"",
    "eval \"$BASH_REMATCH\"",
    "eval \"$_\"",
    ". ./f",
    "sh f",
    "sh ./f.sh",
    "f",
    "f a",
    "g",
    "set -a",
    "export V",
    "export -p",
    "env",
    "cat f",
    "x=$V",
    "trap",
    "echo done",
    "f() { eval \"$1\"; }",
    "alias true=eval",
    "export V=$(cat f)",
    "cat f | while read x; do $x; done",
    "eval \"$(cat <&3)\"",
    "export -i V",
    "typeset -F V",
    "declare -n V=W",
    "echo $((V = 1))",
    "let V=1",
    "chmod +x f; ./f",
];

/// One action of a sequence.
pub(super) struct Action {
    pub form: Form,
    pub text: String,
}

impl Action {
    /// As it is written in a policy.
    pub(super) fn written(&self) -> String {
        let key = match self.form {
            Form::Run | Form::Tracked => "run",
            Form::Script | Form::Remote => "shell",
            Form::Keys | Form::Unknown => "send_keys",
        };
        format!("{{{key}: {}}}", serde_json::to_string(&self.text).expect("a text"))
    }
}

/// Two or three actions; the first is given a value.
pub(super) fn generate(dice: &mut Dice) -> Vec<Action> {
    let mut actions = vec![Action { form: form(dice), text: first(dice) }];
    for _ in 0..=dice.roll(2) {
        let text = if dice.roll(4) == 0 { first(dice) } else { dice.pick(NEXT).to_owned() };
        actions.push(Action { form: form(dice), text });
    }
    actions
}

fn first(dice: &mut Dice) -> String {
    let mut text = match dice.roll(5) {
        0 | 1 => dice.pick(GIVEN).to_owned(),
        2 | 3 => dice.pick(KEPT).to_owned(),
        _ => fragment_with_value(dice),
    };
    if dice.roll(5) == 0 {
        text = dice.pick(FRAMES).replace('@', &text);
    }
    text
}

fn form(dice: &mut Dice) -> Form {
    match dice.roll(5) {
        0 | 1 => Form::Run,
        2 => Form::Tracked,
        3 => Form::Keys,
        _ => Form::Script,
    }
}

/// What looks whether the shell still holds a part of the value, which names that file.
pub(super) fn probe(shell: Shell, canary: &str, found: &Path) -> String {
    let found = quoted(&found.to_string_lossy());
    match shell {
        Shell::Fish => format!("set -L | string match -q '*{canary}*'; and echo >{found}"),
        _ => format!(
            // A line of its own: ksh sets `$_` once for each line that it reads.
            "test x\ncase \"$(set; export -p; alias; trap; printf '%s ' \"$@\")\" in *{}*) : >{found};; esac",
            quoted(canary)
        ),
    }
}
