use super::*;
use crate::plain::Shape;
use crate::shell::Fault;
use proptest::prelude::*;

mod free;
mod named;

fn lookup(value: &str) -> impl Fn(&str) -> Option<String> {
    move |name| (name == "line").then(|| value.to_owned())
}

fn filled(source: &str, value: &str, quoting: Quoting) -> String {
    fill(&TextTemplate::new(source), &lookup(value), quoting)
}

fn bound(source: &str, value: &str, shell: Shell) -> ShellText {
    bind(&TextTemplate::new(source), &lookup(value), shell)
}

fn typed(source: &str, value: &str, shell: Option<Shell>) -> String {
    type_out(&TextTemplate::new(source), &lookup(value), shell)
}

#[test]
fn names_are_found_in_order_and_once() {
    assert_eq!(TextTemplate::new("{{a}} {{ b | trusted }} {{a}} \\{{c}} {{").names, ["a", "b"]);
    assert_eq!(TextTemplate::new("x{{a}}y").literal(), "xy");
}

#[test]
fn values_enter_as_they_are_where_nothing_reads_them() {
    assert_eq!(filled("a {{line}} b", "x'\u{1b}[31m\ny\u{7}", Quoting::None), "a x'[31m\ny b");
    assert_eq!(filled("{{missing}}|", "v", Quoting::None), "|");
    assert_eq!(bound("docker ps --format '\\{{.Names}}'", "v", Shell::Sh).text, "docker ps --format '{{.Names}}'");
    assert_eq!(filled("https://h/{{line}}?q", "a/../b ü&", Quoting::Url), "https://h/a%2F..%2Fb%20%C3%BC%26?q");
}

#[test]
fn a_command_holds_references_and_its_values_stand_apart() {
    for (source, text, shown) in [
        ("echo {{line}}", r#"echo "${TA_line}""#, r"echo 'a'\''b $(x)'"),
        ("echo \"is {{line}}\"", r#"echo "is ${TA_line}""#, r#"echo "is "'a'\''b $(x)'"""#),
        ("echo \"$(cat {{line}})\"", r#"echo "$(cat "${TA_line}")""#, r#"echo "$(cat 'a'\''b $(x)')""#),
        ("x={{line}};cd a", r#"x="${TA_line}";cd a"#, r"x='a'\''b $(x)';cd a"),
        ("cat <<E\n{{line}}\nE", "cat <<E\n${TA_line}\nE", "cat <<E\na'b $(x)\nE"),
    ] {
        let command = bound(source, "a'b $(x)", Shell::Sh);
        assert_eq!((command.text.as_str(), command.shown.as_str()), (text, shown));
        assert_eq!(command.values, [("TA_line".to_owned(), "a'b $(x)".to_owned())].into());
    }
    let fish = |source| bound(source, "x", Shell::Fish).text;
    assert_eq!(
        (fish("cd {{line}}"), fish("cd \"a{{line}}b\"")),
        ("cd \"$TA_line\"".into(), "cd \"a\"\"$TA_line\"\"b\"".into())
    );
    let command = bound("tmux rename-window {{line}}; echo {{line}}", "#(x)", Shell::Sh);
    assert_eq!(command.text, "tmux rename-window \"${TAT_line}\"; echo \"${TA_line}\"");
    assert_eq!(command.values["TAT_line"], "##(x)");
    assert_eq!(typed("tmux display {{line}}", "#(x)", Some(Shell::Bash)), r"tmux display $'\043\043\050x\051'");
    // Two names never share a variable.
    let command = bind(&TextTemplate::new("{{a.b}} {{a_b}}"), &|name| Some(name.to_owned()), Shell::Sh);
    assert_eq!(
        command.values,
        [("TA_a_b".to_owned(), "a.b".to_owned()), ("TA_a_b_2".to_owned(), "a_b".to_owned())].into()
    );
}

#[test]
fn what_is_typed_holds_nothing_to_act_on() {
    let value = "a\r\n$(b)'\u{3}é";
    for (shell, bare, quoted) in [
        (
            Shell::Bash,
            r"p $'a\015\012\044\050b\051\047\003\303\251'",
            r#"p "x"$'a\015\012\044\050b\051\047\003\303\251'"""#,
        ),
        (
            Shell::Sh,
            r#"p "$(command printf 'a\015\012\044\050b\051\047\003\303\251')""#,
            r#"p "x""$(command printf 'a\015\012\044\050b\051\047\003\303\251')""""#,
        ),
        (
            Shell::Fish,
            r"p a\x0d\x0a\x24\x28b\x29\x27\x03\U000000e9",
            r#"p "x"a\x0d\x0a\x24\x28b\x29\x27\x03\U000000e9"""#,
        ),
        (Shell::Csh, "p 'a____b___é'", "p \"xa____b___é\""),
        (Shell::Other, "p 'a____b___é'", "p \"xa____b___é\""),
    ] {
        assert_eq!(typed("p {{line}}", value, Some(shell)), bare);
        assert_eq!(typed("p \"x{{line}}\"", value, Some(shell)), quoted);
        assert_eq!(typed("p {{line}}", "v1.2-rc", Some(shell)), "p 'v1.2-rc'");
    }
    // An agent reads words; a language or a shell behind ssh a quoted text that nothing ends, escapes or extends.
    assert_eq!(typed("fix {{line}}", "it's\nred", None), "fix 'it_s red'");
    assert_eq!(typed("print {{line}}", "\\'; x; \\' !1 \u{2019}", None), "print '__; x; __ _1 _'");
}

/// What is told of a command with a plain value: the place, what can't be followed, or the reason.
fn told(source: &str) -> Option<String> {
    told_of(source, false)
}

/// The same for a command in the shell of a pane (`lasts`), or in one of its own.
fn told_of(source: &str, lasts: bool) -> Option<String> {
    command_faults(source, lasts, &|_| Shape::Number).first().map(|(_, fault)| match fault {
        Fault::Place(why) => (*why).to_owned(),
        Fault::Unsure(why) => format!("unsure: {why}"),
        Fault::Reason(reason) => format!("{reason:?}"),
    })
}

#[test]
fn places_where_no_reference_can_stand_are_told() {
    for (source, wanted) in [
        ("echo 'is {{line}}'", Some("within single quotes")),
        ("echo `cat {{line}}`", Some("within backticks")),
        ("echo ${x:-{{line}}}", Some("within `${…}`")),
        ("cat <<'EOF'\n{{line}}\nEOF", Some("in a quoted here-document")),
        ("cat <<EOF\n{{line}}\nEOF", None),
        ("true # {{line}}", Some("in a comment")),
        ("echo $'{{line}}'", Some("within `$'…'`")),
        ("echo \\{{{line}}", None),
        ("echo ${{line}}", Some("after `$`")),
        ("echo !{{line}}", Some("after `!`")),
        ("echo $(( {{line}} + 1 ))", Some("within `((…))`")),
        ("echo \"$((1 + {{line}}))\"", Some("within `((…))`")),
        ("(( {{line}} > 3 )) && x", Some("within `((…))`")),
        ("a[{{line}}]=1", Some("within `[…]`")),
        ("a[\"{{line}}\"]=1", Some("within `[…]`")),
        ("a[$(echo {{line}})]=1", Some("within `[…]`")),
        ("((1 > 0)); echo {{line}}", None),
        ("( (cd {{line}}) )", None),
        ("cat <<< {{line}}", None),
        ("echo a#{{line}}", None),
        ("(cd {{line}} && ls) | sort", None),
    ] {
        assert_eq!(told(source).as_deref(), wanted, "{source}");
    }
}

#[test]
fn commands_that_cannot_be_followed_are_told() {
    for source in [
        "cat <<A <<B\none\nA\n{{line}}\nB\n",
        "echo \"$(case x in x) echo {{line}};; esac)\"",
        "echo $[n<<1] {{line}}",
        "echo $'x\\' {{line}}'",
        "[[ x == !(a) ]] extra {{line}}",
        "echo ${!x} {{line}}",
        "a[ {{line}} 1]=2",
        "a=([ {{line}} ]=2)",
        // Qualifiers of file names in zsh, which calculate and run what is quoted too.
        "env a+=(\"{{line}}\")",
        "echo x a=({{line}})",
        "\"a=\"({{line}})",
        "a\\=({{line}})",
        "true > a=({{line}})",
        "b=(a=({{line}}))",
        "for i in a=({{line}}); do true; done",
        "echo 'x {{line}}",
        "cat <<E\n{{line}}\n",
        "echo x &> out {{line}}",
        "((a); echo {{line}})",
        "echo \"`echo \"{{line}}\"`\"",
    ] {
        assert!(told(source).is_some_and(|told| told.starts_with("unsure")), "{source}: {:?}", told(source));
    }
    // What looks like one of them and is none.
    for source in [
        "cat <<A\none\nA\ncat <<B\n{{line}}\nB\n",
        "cat <<E\n$((1<<2)) {{line}}\nE\n",
        "x=$((8 << 1)); cat <<E\n{{line}}\nE\n",
        "case x in (x|y) echo {{line}};; *) true;; esac",
        "echo \"$(echo \"a)\" {{line}})\"",
    ] {
        assert_eq!(told(source), None, "{source}");
    }
}

#[test]
fn values_that_are_read_once_more_are_told() {
    for (source, wanted) in [
        ("sh -c \"echo {{line}}\"", Some("Reader")),
        ("bash -o pipefail -c \"echo {{line}}\"", Some("Reader")),
        ("env A=1 timeout 5 bash -lc \"echo {{line}}\"", Some("Reader")),
        ("sh -c 'echo \"$1\"' _ {{line}}", None),
        ("bash script.sh {{line}}", None),
        ("bash {{line}}", Some("Reader")),
        ("python3 tool.py \"{{line}}\"", None),
        ("python3 -c \"print('{{line}}')\"", Some("Reader")),
        ("docker exec c sh -c \"x {{line}}\"", Some("Reader")),
        ("find . -exec sh -c \"x {{line}}\" \\;", Some("Reader")),
        ("find . -name {{line}}", None),
        ("find {{line}} -name x", None),
        ("ssh host ls {{line}}", Some("Reader")),
        ("ssh host ls {{stage}}", None),
        ("ssh host ls {{line | trusted}}", None),
        ("/usr/bin/ssh host ls {{line}}", Some("Reader")),
        ("eval {{line}}", Some("Reader")),
        ("echo {{line}} | sh", Some("Kept")),
        ("printf %s {{line}} | sudo /bin/bash", Some("Kept")),
        ("sh <<E\n{{line}}\nE", Some("Reader")),
        ("bash <<< {{line}}", Some("Reader")),
        ("echo {{line}} | xargs rm", Some("Kept")),
        ("make deploy VERSION={{line}}", Some("Reader")),
        ("VERSION={{line}} make deploy", Some("Reader")),
        ("tmux rename-window {{line}}", None),
        ("tmux -L x display-message \"failed: {{line}}\"", None),
        ("tmux rename-window a \\; run-shell {{line}}", Some("Reader")),
        ("tmux split-window {{line}}", Some("Reader")),
        ("tmux set -g status-right {{line}}", Some("Reader")),
        ("script -qc \"echo {{line}}\" /dev/null", Some("Reader")),
        ("flock l -c \"echo {{line}}\"", Some("Reader")),
        ("cd x && trap {{line}} EXIT", Some("Reader")),
        ("true; let {{line}}", Some("Reader")),
        ("[[ {{line}} -gt 3 ]] && x", Some("Reader")),
        ("[ {{line}} -gt 3 ]", Some("Reader")),
        ("[ {{line}} {{line}} ]", Some("Reader")),
        ("[ -v {{line}} ]", Some("Reader")),
        ("[ {{line}} = x ]", None),
        ("[[ -n {{line}} && x == {{line}} ]]", None),
        ("[[ 1 = 1 && {{line}} == x ]]", Some("Reader")),
        ("printf -v {{line}} x", Some("Reader")),
        ("printf '%d' {{line}}", Some("Reader")),
        ("printf '%s\\n' {{line}}", None),
        ("read {{line}} <<< x", Some("Reader")),
        ("declare -i n={{line}}", Some("Reader")),
        ("declare -i n; n={{line}}", Some("Kept")),
        ("export n=1; n={{line}}", None),
        ("set {{line}}", Some("Reader")),
        ("set -- {{line}}", None),
        ("{{line}}", Some("Command")),
        ("x=1;{{line}}", Some("Command")),
        ("sudo -u me {{line}}", Some("Command")),
        ("$(echo {{line}})", Some("Command")),
        ("if true; then {{line}}; fi", Some("Command")),
        ("PS1={{line}}", Some("Variable")),
        ("export PATH={{line}}", Some("Variable")),
        ("export {{line}}", Some("Variable")),
        ("VERSION={{line}} ./deploy", None),
        ("x={{line}}; eval \"$x\"", Some("Kept")),
        ("x={{line}}; $x", Some("Kept")),
        ("x={{line}}; echo $((x + 1))", Some("Kept")),
        ("f() { eval \"$1\"; }; f {{line}}", Some("Kept")),
        ("i=0; while [ $i -lt 3 ]; do curl -- {{line}} && break; i=$((i+1)); done", None),
        ("git commit -m \"let {{line}} be\"", None),
        ("git -C {{line}} status", None),
        ("git fetch {{line}}", None),
        ("git fetch -- {{line}}", None),
        ("rm {{line}}", None),
        ("rm -- {{line}}", None),
        ("sed -n 5p ./{{line}}", None),
        ("sed \"s/x/{{line}}/\" f", Some("Reader")),
        ("awk \"/{{line}}/\" x", Some("Reader")),
        ("docker exec c {{line}}", Some("Command")),
        ("docker exec -u me c {{line}}", Some("Command")),
        ("docker exec -it c ls {{line}}", None),
        ("kubectl exec p -- {{line}}", Some("Command")),
        ("kubectl exec p -- ls {{line}}", None),
        ("docker run --entrypoint {{line}} image", Some("Reader")),
        ("git --exec-path={{line}} status", Some("Reader")),
        ("npm exec -c {{line}}", Some("Reader")),
        ("\"$SHELL\" -c {{line}}", Some("Reader")),
        ("$HOME/bin/x {{line}}", None),
        ("curl -d \"{{line}}\" https://h", None),
        ("curl {{line}}", None),
        // Written to a file that is read in the same command.
        ("echo VERSION={{line}} > v.env; . ./v.env", Some("Kept")),
        ("printf '%s\\n' \"V={{line}}\" > .env && source .env", Some("Kept")),
        ("echo \"echo {{line}}\" > s.sh && sh s.sh", Some("Kept")),
        ("echo \"{{line}}\" | tee s.sh; bash s.sh", Some("Kept")),
        ("echo {{line}} > VERSION", None),
        ("./build.sh {{line}} > log 2>&1", None),
        // Given to something whose name nobody knows.
        ("echo \"echo {{line}}\" | $SHELL", Some("Kept")),
        ("\"$SHELL\" <<< \"{{line}}\"", Some("Reader")),
        ("echo \"{{line}}\" | docker exec -i db psql", Some("Kept")),
        // This program types and decides, and tells.
        ("tmuxagent send s:other {{line}}", Some("Reader")),
        ("tmuxagent run --stage b -- make V={{line}}", Some("Reader")),
        ("tmuxagent approve {{line}}", Some("Reader")),
        ("tmuxagent notify send \"{{line}}\"", None),
        // An option of a tool that runs something.
        ("cargo test {{line}}", None),
        ("cargo test -- {{line}}", None),
        ("pip install {{line}}", Some("Command")),
        // Readers behind anything, and code of the author's that reads its arguments once more.
        ("uv run make V={{line}}", Some("Reader")),
        ("ip netns exec n make V={{line}}", Some("Reader")),
        ("sg root -c \"echo {{line}}\"", Some("Reader")),
        ("vim -es -c \"e {{line}}\" -c q!", Some("Reader")),
        ("split --filter=\"cat > out.{{line}}\" f", Some("Reader")),
        ("tar -I \"gzip {{line}}\" -cf a b", Some("Reader")),
        ("sort --compress-program=\"x{{line}}\" f", Some("Reader")),
        ("ansible-playbook -e \"version={{line}}\" p", Some("Reader")),
        ("bash -c 'echo $(($1))' _ {{line}}", Some("Reader")),
        ("sh -c 'eval \"$1\"' _ {{line}}", Some("Reader")),
        ("echo {{line}} | tee x.sh", Some("File")),
        ("./build {{line}} || sh tidy.sh", None),
        ("npm run deploy -- --tag \"{{line}}\"", None),
        // Behind a program that runs its arguments, whoever that is.
        ("find . -exec ssh h ls {{line}} \\;", Some("Reader")),
        ("mise exec -- ssh h ls {{line}}", Some("Reader")),
        ("docker exec c psql -c {{line}}", Some("Reader")),
        ("V={{line}} ip netns exec n make", Some("Reader")),
        ("V={{line}} sh -c 'make all'", Some("Reader")),
        ("V={{line}} sh -c 'eval \"$V\"'", Some("Reader")),
        ("V={{line}} sh -c '$V'", Some("Reader")),
        ("V={{line}} sh -c './deploy \"$V\"'", None),
        ("sh -c 'ssh h \"$1\"' _ {{line}}", Some("Reader")),
        ("sh -c '\"$@\"' _ {{line}}", Some("Reader")),
        ("sh -c 'V=$1; make' _ {{line}}", Some("Reader")),
        // The name of what is run.
        ("pipx run {{line}}", Some("Command")),
        ("nix run {{line}}", Some("Command")),
        ("go run {{line}}", Some("Command")),
        ("npm run {{line}}", Some("Command")),
        ("aws-vault exec p -- {{line}}", Some("Command")),
        ("poetry run -- {{line}}", Some("Command")),
        ("docker run --rm image {{line}}", Some("Command")),
        ("docker run {{line}}", Some("Command")),
        ("docker run --rm -e V={{line}} image", None),
        ("docker run --rm image ls {{line}}", None),
        ("gh run view {{line}}", None),
        // Files that are code by their names.
        ("echo {{line}} >> ~/.bashrc", Some("File")),
        ("printf 'V=%s' {{line}} > .envrc", Some("File")),
        ("echo {{line}} > .git/hooks/pre-commit", Some("File")),
        ("{ echo {{line}}; } > Makefile", Some("File")),
        ("cp build.sh {{line}}/", None),
        ("echo {{line}} > notes.txt", None),
        ("CARGO_BUILD_RUSTC={{line}} cargo build", Some("Variable")),
        ("MAKEFILES={{line}} ./build", Some("Variable")),
        ("OPENSSL_CONF={{line}} ./build", Some("Variable")),
        ("perl -pe 's/a/b/' {{line}}", Some("Reader")),
        ("perl script.pl {{line}}", None),
        ("cargo install {{line}}", Some("Command")),
        ("gh alias set x {{line}}", Some("Reader")),
        ("convert {{line}} out.png", Some("Reader")),
        ("(cd {{line}} && make)", Some("Kept")),
        ("sh -c 'cd \"$1\" && make' _ {{line}}", Some("Reader")),
        ("echo {{line}} > {{line}}", Some("File")),
        ("echo {{line}} | tee {{line}}", Some("File")),
        ("echo {{line}} > logs/{{line}}.txt", None),
        ("date > {{line}}", None),
        ("tee {{line}} <<< {{line}}", Some("File")),
        ("yarn {{line}}", Some("Command")),
        ("nix develop -c {{line}}", Some("Reader")),
        // Of a program nobody knows, a plain value is asked nothing.
        ("frobnicate {{line}}", None),
        ("./frobnicate {{line}}", None),
        ("true {{line}}; cd $_", Some("unsure: `$_` or `$TA_…`, which may hold a value")),
        ("true {{line}}; x=${TA_line}", Some("unsure: `$_` or `$TA_…`, which may hold a value")),
    ] {
        assert_eq!(told(source).as_deref(), wanted, "{source}");
    }
}

#[test]
fn values_that_would_stay_in_the_shell_are_told() {
    for source in [
        "export V={{line}}",
        "V={{line}}",
        "V=a{{line}}b; ./deploy",
        "V={{line}} > log",
        "V+={{line}}",
        "V=(a {{line}})",
        "V=$(printf %s {{line}})",
        "{ V={{line}}; }",
        "if true; then export V={{line}}; fi",
        "true && V={{line}}",
        "readonly V={{line}}",
        "set -- {{line}}",
        "set -gx V {{line}}",
        "setenv V {{line}}",
        "for i in {{line}}; do true; done",
        "cd {{line}}",
        "cd {{line}} && make",
        "echo $(cd {{line}} && pwd)",
        "pushd {{line}}",
        "echo {{line}} | while read x; do true; done",
        "read x <<< {{line}}",
        "read -r x <<E\n{{line}}\nE",
        "[[ {{line}} =~ (.*) ]]",
        "V={{line}} :",
        "V={{line}} export W",
        "V={{line}} $EMPTY",
        "V={{line}} exec ./deploy",
        "V={{line}} . ./deploy",
        "f() { W=$1; }; f {{line}}",
        "f() { for i; do true; done; }; f {{line}}",
        "f() { getopts a: o; }; f {{line}}",
        "exec 3<<< {{line}}",
        "f() { true; }; V={{line}} f",
        "f() { ./deploy {{line}}; }; f",
    ] {
        let told = told_of(source, true);
        assert!(
            told.as_deref().is_some_and(|told| ["Lasting", "Reader", "Kept"].contains(&told)),
            "{source}: {told:?}"
        );
        assert_eq!(told_of(&source.replace("line", "line | trusted"), true), None, "{source}");
    }
    for source in [
        "V={{line}} ./deploy",
        "V={{line}} sudo ./deploy",
        "V={{line}} command ./deploy",
        "env V={{line}} ./deploy",
        "./deploy {{line}}",
        "git tag -- {{line}} && git push",
        "(V={{line}}; export W=\"$V\"; ./deploy)",
        "(cd {{line}} && ls) | sort",
        "x=1; ./deploy {{line}}",
        "read -p 'sure? ' x; ./deploy {{line}}",
        "for i in a b; do ./deploy {{line}}; done",
        "if [ -f {{line}} ]; then export FOUND=1; fi",
    ] {
        assert_eq!(told_of(source, true), None, "{source}");
    }
    // A script ends, and what it keeps with it.
    for source in ["export V={{line}}; ./deploy", "V={{line}}; ./deploy \"$V\"", "cd {{line}} && git pull"] {
        assert_eq!(told_of(source, false), None, "{source}");
    }
}

proptest! {
    #[test]
    fn typed_values_are_letters_and_escapes(value in any::<String>()) {
        for shell in [Shell::Sh, Shell::Bash, Shell::Zsh, Shell::Fish] {
            let word = shell.typed_word(&value);
            let word = word
                .strip_prefix("\"$(command printf '")
                .and_then(|rest| rest.strip_suffix("')\""))
                .unwrap_or(&word);
            let word = word.strip_prefix("$'").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(word);
            let word = word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(word);
            let inert = |c: char| c.is_ascii_alphanumeric() || "._/@+:,-\\".contains(c);
            prop_assert!(word.chars().all(inert), "{}", word);
            prop_assert!(!word.ends_with('\\'), "{}", word);
        }
    }

    #[test]
    fn any_text_is_a_template(source in any::<String>()) {
        let template = TextTemplate::new(source.clone());
        let _ = (fill(&template, &|_| None, Quoting::None), bind(&template, &|_| None, Shell::Sh), command_faults(&source, true, &|_| Shape::Free));
    }

    #[test]
    fn no_letter_of_a_value_is_in_the_text(source in "[a-z{}'\"\\\\$(`<#\\[ ;|&\n]{0,40}", value in "[A-Z$`'\"();]{6,12}") {
        let command = bound(&format!("{source}{{{{line}}}}"), &value, Shell::Bash);
        prop_assert!(!command.text.contains(&value) || value.chars().all(char::is_alphabetic), "{}", command.text);
    }
}
