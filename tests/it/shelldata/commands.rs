//! Commands as people write them, with places for values anywhere in them.

use super::dice::Dice;
use super::programs;

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
pub(super) const FRAMES: &[&str] = &[
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
pub(super) struct Generated {
    pub text: String,
    pub prints: bool,
    pub in_fish: bool,
}

pub(super) fn generate(dice: &mut Dice) -> Generated {
    if dice.roll(4) == 0 {
        let mut text = dice.pick(PRINTS).to_owned();
        let in_fish = dice.roll(2) == 0;
        for _ in 0..=dice.roll(2) {
            text = dice.pick(if in_fish { OF_FISH } else { KEEPS }).replace('@', &text);
        }
        return Generated { text, prints: true, in_fish };
    }
    let text = if dice.roll(3) == 0 { programs::generate(dice) } else { fragment_with_value(dice) };
    Generated { text, prints: false, in_fish: false }
}

/// One to three commands, perhaps within another one, with one to three values at random places.
pub(super) fn fragment_with_value(dice: &mut Dice) -> String {
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
    text
}
