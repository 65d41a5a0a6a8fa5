//! Free text in commands: allowed where it is proved to be data, and nowhere else.

use super::super::{TextTemplate, command_faults};
use crate::plain::Shape;

/// Whether a command may hold free text.
fn is_allowed(source: &str) -> bool {
    command_faults(source, false, &|_| Shape::Free).is_empty()
}

/// The forms by which text from a pane was run, or could have been, although a list of known readers was searched.
const ATTACKS: &[&str] = &[
    "env X={{v}} sh -c 'eval \"$X\"'",
    "env -i X={{v}} sh -c 'eval \"$X\"'",
    "bash -c -- 'eval \"$1\"' _ {{v}}",
    "echo {{v}} | . /dev/stdin",
    "echo {{v}} | source /dev/stdin",
    "bash -c 'echo \"${1@P}\"' _ {{v}}",
    "bash -c 'echo ${x:$1}' _ {{v}}",
    "bash -c 'echo ${!1}' _ {{v}}",
    "zsh -c 'print ${(e)1}' _ {{v}}",
    "zsh -c 'echo ${~1}' _ {{v}}",
    "fish -c 'echo $argv[1] | source' {{v}}",
    "echo {{v}} | awk -f -",
    "echo {{v}} | awk '{system($0)}'",
    "echo {{v}} | sed 's/.*/&/e'",
    "echo {{v}} | make -f -",
    "echo {{v}} | tmux -C attach",
    "X={{v}} awk 'BEGIN{system(ENVIRON[\"X\"])}'",
    "git grep -O{{v}} x",
    "python3 -m timeit {{v}}",
    "python3 -m pdb -c {{v}} f.py",
    "echo {{v}} | python3 -m code",
    "less +{{v}} f",
    "more +{{v}} f",
    "sort --compress-prog={{v}} f",
    "wget --execute={{v}} --use-askpass={{v}} u",
    "git archive --remote={{v}} x",
    "git --config-env={{v}} status",
    "git instaweb --httpd={{v}}",
    "rg --hostname-bin={{v}} x",
    "install --strip-program={{v}} -s a b",
    "tar --use-compress-prog={{v}} -cf a b",
    "tar --rsh-command={{v}} -cf h:a b",
    "tar --info-script={{v}} -cf a b",
    "tar -F{{v}} -cf a b",
    "tar --xform=s/x/{{v}}/e -cf a b",
    "cpio --rsh-command={{v}} -o",
    "go test -exec={{v}}",
    "go build -toolexec={{v}}",
    "go vet -vettool={{v}}",
    "mix run -e {{v}}",
    "gcc -specs={{v}} x.c",
    "echo {{v}} | gnuplot",
    "echo {{v}} | perl -ne 'system $_'",
    "echo {{v}} | python3 -c 'import os,sys; os.system(sys.stdin.read())'",
    "zsh $x[{{v}}]",
];

#[test]
fn what_was_run_is_refused_and_a_script_is_the_way_out() {
    for source in ATTACKS {
        assert!(!is_allowed(source), "{source}");
        // The author's word for it.
        let trusted = source.replace("{{v}}", "{{v | trusted}}");
        let faults = command_faults(&trusted, false, &|_| Shape::Free);
        assert!(faults.iter().all(|(_, fault)| !matches!(fault, super::Fault::Reason(_))), "{trusted}: {faults:?}");
        // The project's own script in place of the program, and its input.
        for way_out in ["./deploy {{v}}", "echo {{v}} | ./deploy", "X={{v}} ./deploy", "env X={{v}} scripts/deploy -x"]
        {
            assert!(is_allowed(way_out), "{way_out}");
        }
    }
}

#[test]
fn a_plain_value_may_stand_where_nothing_reads_it_again() {
    let is_allowed = |source: &str| command_faults(source, false, &|_| Shape::Number).is_empty();
    for source in [
        "frobnicate {{v}}",
        "npm run deploy -- --tag {{v}}",
        "rm {{v}}",
        "git fetch {{v}}",
        "cargo test {{v}}",
        "find {{v}} -name x",
        "curl {{v}}",
        "echo {{v}} | frobnicate",
        "gh run view {{v}}",
        "git log --since={{v}} -- .",
        "go test -run {{v}}",
        "sort -t {{v}} f",
        "git commit --message={{v}}",
        "python3 -m pytest {{v}}",
    ] {
        let told = command_faults(source, false, &|_| Shape::Number);
        assert!(told.is_empty() == (source != "git log --since={{v}} -- ."), "{source}: {told:?}");
    }
    for source in [
        "env X={{v}} sh -c 'eval \"$X\"'",
        "bash -c -- 'eval \"$1\"' _ {{v}}",
        "python3 -m timeit {{v}}",
        "python3 -m pdb -c {{v}} f.py",
        "echo {{v}} | python3 -m code",
        "sort --compress-prog={{v}} f",
        "less +{{v}} f",
        "git grep -O{{v}} x",
        "wget --execute={{v}} u",
        "tar -F{{v}} -cf a b",
        "go test -exec={{v}}",
        "mix run -e {{v}}",
        "gcc -specs={{v}} x.c",
        "install --strip-program={{v}} a b",
    ] {
        assert!(!is_allowed(source), "{source}");
    }
}

#[test]
fn free_text_is_allowed_where_it_is_proved_to_be_data() {
    const ALLOWED: &[&str] = &[
        "echo {{v}}",
        "echo a \"b {{v}}\" | cat",
        "printf '%s\\n' {{v}}",
        "printf -- '%s' {{v}} {{v}}",
        "true {{v}}",
        ": {{v}}",
        "test -n {{v}}",
        "[ {{v}} = x ] && npm test",
        "[ x != {{v}} ]",
        "[[ -n {{v}} ]] && npm test",
        "[[ {{v}} == a* ]]",
        "logger -t ci -- {{v}}",
        "logger \"it says {{v}}\"",
        "notify-send -u low -- {{v}}",
        "git commit -m {{v}}",
        "git commit -am {{v}}",
        "git commit --message={{v}}",
        "git tag -a v1 -m {{v}}",
        "git tag -- {{v}} && git push",
        "gh issue create --title {{v}} --body \"x {{v}}\"",
        "gh pr create -t {{v}} -b {{v}}",
        "grep -e {{v}} f",
        "grep -F -- {{v}} f",
        "cat -- {{v}}",
        "cat ./{{v}}",
        "ls -l -- {{v}}",
        "mkdir -p -- {{v}}",
        "mkdir -p build/{{v}}",
        "curl -fsS --data-urlencode text={{v}} https://h",
        "curl -H \"A: $T\" --data-raw {{v}} https://h",
        "tmux display-message -- {{v}}",
        "tmux display-message \"failed: {{v}}\"",
        "tmux -L x rename-window \"a {{v}}\"",
        "tmuxagent notify send -- {{v}}",
        "tmuxagent notify send \"it says {{v}}\"",
        // The project's own.
        "./deploy {{v}}",
        "scripts/deploy --tag {{v}} < in",
        "../../deploy {{v}}",
        "V={{v}} ./deploy",
        "env V={{v}} ./deploy",
        "sudo -u me ./deploy {{v}}",
        "timeout 5 ./deploy {{v}}",
        "nice -n 5 ./deploy {{v}}",
        "time ./deploy {{v}}",
        "bash deploy.sh {{v}}",
        "python3 tools/deploy.py {{v}}",
        "./build {{v}} > log 2>&1",
        "./build {{v}} || npm test",
        "echo {{v}} | ./deploy",
        // Shells with code that is proved.
        "sh -c 'echo \"$1\"' _ {{v}}",
        "bash -c './deploy \"$@\"' _ {{v}}",
        "V={{v}} sh -c './deploy \"$V\"'",
        "sh -c 'for i; do ./deploy \"$i\"; done' _ {{v}}",
        "sh -c 'if [ -n \"$1\" ]; then echo \"${1:-none}\"; fi' _ {{v}}",
        // Variables, loops and functions, all of whose readers are proved.
        "x={{v}}; echo \"$x\"",
        "x={{v}}; W=$x; ./deploy \"$W\"",
        "for i in {{v}}; do ./deploy \"$i\"; done",
        "set -- {{v}}; ./deploy \"$@\"",
        "export V={{v}}; ./deploy",
        "f() { echo \"$1\"; }; f {{v}}",
        "echo {{v}} | while read -r x; do ./deploy \"$x\"; done",
        "case {{v}} in a*) npm test;; *) true;; esac",
        // Pipes and files of data.
        "echo {{v}} | grep x | sort -u | head -n 3 | cut -d: -f1 | tr a b | uniq -c | wc -l",
        "echo {{v}} | jq -R .",
        "jq -n --arg v {{v}} '{v: $v}'",
        "echo {{v}} | base64",
        "echo {{v}} | sha256sum",
        "echo {{v}} > notes.txt",
        "echo {{v}} | tee -a notes.txt",
        "cat <<E\n{{v}}\nE",
        "cat <<< {{v}}",
        "echo \"$(echo {{v}})\"",
        "npm test | less; echo {{v}}",
        "(cd -- {{v}} && ls)",
        "(cd ./{{v}} && ls -l)",
        "npm test && echo {{v}}",
        "source .venv/bin/activate && ./deploy {{v}}",
    ];
    let told = |source: &&&str| !is_allowed(source);
    let refused: Vec<_> =
        ALLOWED.iter().filter(told).map(|source| (source, command_faults(source, false, &|_| Shape::Free))).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn free_text_is_refused_where_nothing_proves_it() {
    const REFUSED: &[&str] = &[
        "frobnicate {{v}}",
        "rm -- {{v}}",
        "cat {{v}}",
        "ls {{v}}",
        "mkdir {{v}}",
        "grep {{v}} f",
        "grep --regex={{v}} f",
        "git commit -m x {{v}}",
        "git commit --mess={{v}}",
        "git commit -m x --author={{v}}",
        "git commit -F {{v}}",
        "git tag {{v}}",
        "git -C {{v}} status",
        "git log --grep={{v}}",
        "gh issue create --title {{v}} --web",
        "curl {{v}}",
        "curl -d {{v}} u",
        "curl --data-urlencode {{v}} u",
        "curl --data-urlencode a@{{v}} u",
        "curl -K - --data-raw {{v}} u",
        "tmux display-message {{v}}",
        "tmux display-message -- {{v}} {{v}}",
        "tmux rename-window \"a {{v}}\" \\; run-shell x",
        "printf {{v}}",
        "printf '%d' {{v}}",
        "test {{v}}",
        "test -v {{v}}",
        "[ {{v}} -gt 3 ]",
        "[ {a,{{v}}} = x ]",
        "cat {a,{{v}}}",
        "git commit -m {a,{{v}}}",
        "/tmp/x {{v}}",
        "$X {{v}}",
        "$HOME/bin/x {{v}}",
        "../../bin/sh {{v}}",
        "./../../../usr/bin/env {{v}}",
        "node_modules/.bin/x {{v}}",
        ".venv/bin/python {{v}}",
        "bin/sh {{v}}",
        "./gradlew {{v}}",
        "./s* {{v}}",
        "PATH={{v}} ./deploy",
        "env -S {{v}}",
        "sudo -u {{v}} ./deploy",
        "timeout {{v}} ./deploy",
        "bash {{v}}",
        "bash -x deploy.sh {{v}}",
        "bash deploy {{v}}",
        "sh -ec 'echo \"$1\"' _ {{v}}",
        "sh -c \"$X\" _ {{v}}",
        "sh -c 'frobnicate \"$1\"' _ {{v}}",
        "sh -c 'cat \"$1\"' _ {{v}}",
        "sh -c 'test -n $1' _ {{v}}",
        "sh -c 'echo \"$1\" > f' _ {{v}}",
        "sh -c 'echo \"$1\" | tee f' _ {{v}}",
        "sh -c 'cd -- \"$1\" && ./deploy' _ {{v}}",
        "sh -c '$1' _ {{v}}",
        "sh -c 'sh -c \"$1\"' _ {{v}}",
        "sh -c 'export \"$1\"' _ {{v}}",
        "sh -c 'PATH=$1; ls' _ {{v}}",
        "sh -c 'git commit -m $1' _ {{v}}",
        "x={{v}}; frobnicate",
        "x={{v}}; cat $x",
        "x={{v}}; echo ${x:1}",
        "x={{v}}; cd -- \"$x\" && ./deploy",
        "(cd -- {{v}} && make)",
        "(cd -- {{v}} && ./deploy)",
        "(cd -- {{v}} && git add -A)",
        "command cd -- {{v}}; ./deploy",
        "command export V={{v}}; npm test",
        "export V={{v}}; npm test",
        "f() { eval \"$1\"; }; f {{v}}",
        "echo() { sh -c \"$1\"; }; echo {{v}}",
        "alias echo=eval; echo {{v}}",
        "eval 'echo() { sh; }'; echo {{v}}",
        "echo {{v}} | while read x; do sh; done",
        "echo {{v}} | { sh; }",
        "echo {{v}} | ( sh )",
        "( echo {{v}} ) | sh",
        "{ sh; } <<< {{v}}",
        "while sh; do true; done <<< {{v}}",
        "echo {{v}} | frobnicate",
        "echo {{v}} | uniq a b",
        "echo {{v}} | sort -o f",
        "echo {{v}} | grep -f -",
        "echo {{v}} | tee >(sh)",
        "echo {{v}} > >(sh)",
        "cat <(echo {{v}})",
        "echo {{v}} > f; frobnicate f",
        "echo {{v}} > .envrc",
        "x={{v}}; echo \"$x\" > .envrc",
        "echo x > a-{{v}}",
        "cat < {{v}}",
        "echo {{v}} | xargs",
        "read {{v}}",
        "for {{v}} in a; do true; done",
        "[[ $(echo {{v}}) == x ]]",
        "x={{v}}; [[ a == $x ]]",
        "exec {{v}}",
        "exec ./deploy {{v}}",
        "set {{v}}",
        "npm run x -- {{v}}",
        "docker exec c ls {{v}}",
        "make V={{v}}",
        "sed -n p {{v}}",
    ];
    let allowed: Vec<_> = REFUSED.iter().filter(|source| is_allowed(source)).collect();
    assert!(allowed.is_empty(), "{allowed:#?}");
}

#[test]
fn a_value_of_before_a_change_of_the_policy_is_noticed() {
    let template = TextTemplate { plain: vec!["v".to_owned()], ..TextTemplate::new("frobnicate {{v}}") };
    let unexpected = |value: &str| template.unexpected(&|_| Some(value.to_owned())).map(str::to_owned);
    assert_eq!(unexpected("1.2-rc"), None);
    assert_eq!(unexpected("1234…"), None);
    assert_eq!(unexpected("$(x)").as_deref(), Some("v"));
    assert_eq!(unexpected("-x").as_deref(), Some("v"));
}
