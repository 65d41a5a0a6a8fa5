//! Values that are run by a detour: by the name of a file, by a format, by what a shell makes of a name.

use super::super::command_faults;
use crate::plain::Shape;
use crate::shell::{Fault, Reason};

fn is_allowed(source: &str, shape: Shape) -> bool {
    command_faults(source, false, &|_| shape).is_empty()
}

/// Each form by which free text was run, and what to write in its place.
const DETOURS: &[(&str, &str)] = &[
    // A value that tmux reads as a format.
    ("sh -c 'tmux display-message -- \"$1\"' _ {{v}}", "tmux display-message -- {{v}}"),
    ("echo {{v}} > a; tmux display-message -- \"$(cat a)\"", "echo {{v}} > a; tmux display-message -- kept"),
    ("bash -c 'tmux display-message -- \"got: $*\"' _ {{v}}", "tmux display-message -- \"got: {{v}}\""),
    ("x={{v}}; tmux rename-window -- \"$x\"", "tmux rename-window -- {{v}}"),
    ("f() { tmux rename-window \"w $1\"; }; f {{v}}", "tmux rename-window \"w {{v}}\""),
    ("tmux display-message \"x #({{v}})\"", "tmux display-message \"x {{v}}\""),
    ("tmux display-message \"$x {{v}}\"", "tmux display-message \"x {{v}}\""),
    ("X={{v}} tmux display-message '#{X}'", "X={{v}} ./deploy"),
    // Signs before a name, and letters behind it, in zsh.
    ("x={{v}}; echo $~x", "x={{v}}; echo \"$x\""),
    ("x={{v}}; echo $=x", "x={{v}}; echo ${x}"),
    ("x={{v}}; echo $^x", "x={{v}}; echo \"${x}\""),
    ("x={{v}}; echo $=~x", "x={{v}}; echo \"a $x\""),
    ("x={{v}}; echo $^~x", "x={{v}}; echo \"$x.\""),
    ("x={{v}}; echo $+x", "x={{v}}; echo \"+$x\""),
    ("set -- {{v}}; echo $~*", "set -- {{v}}; echo \"$*\""),
    ("set -- {{v}}; echo $~@", "set -- {{v}}; echo \"$@\""),
    ("set -- {{v}}; echo $#~1", "set -- {{v}}; echo $#"),
    ("set -- a; x={{v}}; echo \"$*[x]\"", "set -- a; x={{v}}; echo \"$* [x]\""),
    ("x={{v}}; echo $y:F:x:h", "x={{v}}; echo \"$y: $x\""),
    ("echo {{v}} $~TA_v", "echo {{v}} \"$\""),
    // Variables that calculate.
    ("ZLE_RPROMPT_INDENT={{v}} ./deploy", "INDENT={{v}} ./deploy"),
    ("env KEYTIMEOUT={{v}} ./deploy", "env TIMEOUT={{v}} ./deploy"),
    ("A__z={{v}} ./deploy", "A_z={{v}} ./deploy"),
    ("export -i N; N={{v}} ./deploy", "export N; N={{v}} ./deploy"),
    ("typeset -F N; N={{v}} ./deploy", "N={{v}} ./deploy"),
    ("declare -n N=M; N={{v}} ./deploy", "M={{v}} ./deploy"),
    ("readonly -E N; N={{v}} ./deploy", "readonly M=1; N={{v}} ./deploy"),
    ("((N = 1)); N={{v}} ./deploy", "N={{v}} ./deploy"),
    // A file that is written and run by its path.
    ("echo {{v}} > d/x; d/x", "echo {{v}} > d/x; d/y"),
    ("echo {{v}} > d/x; (cd d && ./x)", "echo {{v}} > d/x; (cd d && ./y)"),
    ("echo {{v}} | tee x; ./x", "echo {{v}} | tee x; ./y"),
    ("echo {{v}} > x; ./x", "echo {{v}} > x.txt; ./x"),
    ("echo {{v}} > \"d\"/x; d/x", "echo {{v}} > \"d\"/y; d/x"),
    ("{ echo {{v}}; } > d/x; d/x", "{ echo {{v}}; } > d/y; d/x"),
    ("./gen {{v}} > d/x; d/x", "./gen {{v}} > d/y; d/x"),
    ("echo {{v}} > d/$n; d/x", "echo {{v}} > d/log; d/x"),
    ("echo {{v}} > d/X; d/x", "echo {{v}} > d/Y; d/x"),
    ("echo {{v}} > x; sh -c './x'", "echo {{v}} > x; sh -c './y'"),
    ("echo {{v}} > d/x; bash d/x", "echo {{v}} > d/x; d/y"),
    // Hidden files are settings.
    ("echo {{v}} > .husky/pre-commit", "echo {{v}} > husky/pre-commit"),
    ("echo {{v}} > .pre-commit-config.yaml", "echo {{v}} > ./pre-commit.yaml"),
    ("echo {{v}} > .github/workflows/x.yml", "echo {{v}} > ../github/x.yml"),
    ("echo {{v}} | tee -a .env", "echo {{v}} | tee -a env"),
    // Scripts that a tool put there.
    ("./manage.py shell -c {{v}}", "./deploy shell -c {{v}}"),
    ("python3 manage.py shell -c {{v}}", "python3 deploy.py shell -c {{v}}"),
    ("php/artisan tinker --execute={{v}}", "php/deploy --execute={{v}}"),
    ("bin/console list {{v}}", "bin/deploy list {{v}}"),
    ("bin/rails runner {{v}}", "bin/deploy runner {{v}}"),
    ("bin/rake {{v}}", "bin/deploy {{v}}"),
    ("node gulpfile.js {{v}}", "node deploy.js {{v}}"),
];

#[test]
fn free_text_takes_no_detour_and_each_has_a_way_out() {
    for (detour, way_out) in DETOURS {
        assert!(!is_allowed(detour, Shape::Free), "{detour}");
        let told = command_faults(way_out, false, &|_| Shape::Free);
        assert!(told.is_empty(), "{way_out}: {told:?}");
    }
}

/// Forms by which `d/evil` or `d` was run, and what to write in their place.
const NAMED: &[(&str, &str)] = &[
    ("tmux display-message -p \"#({{v}})\"", "tmux display-message -p \"is {{v}}\""),
    ("echo {{v}} | awk '{system($0)}'", "echo {{v}} | ./deploy"),
    ("echo {{v}} | sed e", "echo {{v}} | grep e"),
    ("echo {{v}} > a; $(cat a)", "echo {{v}} > a; cat a"),
    ("echo {{v}} > a2; sh -c \"$(cat a2)\"", "sh -c './deploy \"$1\"' _ {{v}}"),
    ("echo {{v}} > x3 && mv x3 y3 && ./y3", "echo {{v}} > x3 && ./y3"),
    ("echo {{v}} > x4; vim -es -S x4", "echo {{v}} > x4; cat x4"),
    ("echo {{v}} > x5; tmux source-file x5", "echo {{v}} > x5; ./deploy x5"),
    ("(cd {{v}} && ./deploy)", "./deploy {{v}}"),
    ("(cd {{v}} && npm test)", "(cd web && npm test {{v}})"),
    ("git -C {{v}} status", "git log {{v}}"),
    ("git -C{{v}} status", "git diff main {{v}}"),
    ("git --git-dir={{v}} status", "git show {{v}}"),
    ("git --work-tree {{v}} status", "git checkout {{v}}"),
    ("sh -c 'echo \"$1\" > f; sh f' _ {{v}}", "frobnicate f {{v}}"),
    ("sh -c 'frobnicate \"$1\"' _ {{v}}", "frobnicate {{v}}"),
    ("frobnicate {{v}} | sh", "frobnicate {{v}}; sh tidy.sh"),
    ("frobnicate {{v}} | frobnicate", "echo y | frobnicate {{v}}"),
    ("frobnicate \"$(cat {{v}})\"", "frobnicate -- {{v}}"),
    ("frobnicate {{v}} > log", "./build {{v}} > log"),
    ("V={{v}} frobnicate", "V={{v}} ./build"),
    ("x={{v}}; frobnicate \"$x\"", "x={{v}}; ./build \"$x\""),
    ("cp {{v}} deploy && ./deploy", "rm {{v}}"),
    ("npm --prefix {{v}} run x", "npm run deploy -- --tag {{v}}"),
    ("docker compose -f {{v}} up", "docker push {{v}}"),
    ("python3 -m pytest {{v}}", "cargo test {{v}}"),
    ("node {{v}}", "node tool.js {{v}}"),
    ("f() { frobnicate \"$1\"; }; f {{v}}", "frobnicate {{v}}"),
    // Subcommands, goals, names of options.
    ("cargo {{v}}", "cargo test --release {{v}}"),
    ("cargo +nightly {{v}}", "cargo +nightly test {{v}}"),
    ("cargo --quiet {{v}}", "cargo --quiet test {{v}}"),
    ("cargo --config {{v}} build", "cargo build --bin {{v}}"),
    ("sudo cargo {{v}}", "sudo cargo test {{v}}"),
    ("kubectl {{v}}", "kubectl get pod {{v}}"),
    ("kubectl config {{v}}", "kubectl -n {{v}} get pods"),
    ("gh {{v}}", "gh run view {{v}}"),
    ("gh pr {{v}}", "gh api {{v}}"),
    ("mvn {{v}}", "mvn test -pl {{v}}"),
    ("mvn clean {{v}}", "mvn clean -pl {{v}}"),
    ("mvn -D{{v}} test", "mvn -pl {{v}} test"),
    ("gradle build {{v}}", "gradle test --tests {{v}}"),
    ("gradle -P{{v}} build", "gradle build --tests {{v}}"),
    ("npm {{v}}", "npm view {{v}}"),
    ("npm --{{v}} test", "npm test --workspace {{v}}"),
    ("npm test --{{v}}=x", "npm test --workspace={{v}}"),
    ("frobnicate -{{v}}", "frobnicate -n {{v}}"),
    ("frobnicate --use-{{v}}", "frobnicate --use={{v}}"),
    ("curl -K {{v}}", "curl -o {{v}} https://x"),
    ("curl -K{{v}}", "curl https://x/{{v}}"),
    ("curl --config {{v}}", "curl --max-time 3 https://x/{{v}}"),
];

/// Behind a `cd` a relative path is the project's no more: what is refused there, and what is written in its place.
const ELSEWHERE: &[(&str, &str)] = &[
    ("(cd ~/.ssh; echo {{v}} > rc)", "(cd web; echo {{v}} > rc)"),
    ("cd /etc; echo {{v}} > f.txt", "cd /tmp; echo {{v}} > f.txt"),
    ("cd /etc && echo {{v}} | tee -a f.txt", "(cd /etc && ls); echo {{v}} | tee -a f.txt"),
    ("pushd bin; echo {{v}} > f.txt", "cd web/lib; echo {{v}} > f.txt"),
    ("cd ..; cd .git; echo {{v}} > f", "cd ..; cd web; echo {{v}} > f"),
    ("cd -; echo {{v}} > f.txt", "cd web; echo {{v}} > /tmp/f.txt"),
    ("popd && echo {{v}} > f.txt", "cd web && echo {{v}} >&2"),
    ("cd web/../.husky; echo {{v}} > f", "cd web/..; echo {{v}} > f"),
    ("~/.ssh/; echo {{v}} > rc", "cd web/; echo {{v}} > rc"),
    ("builtin cd ~/.config && echo {{v}} > f", "cd web && echo {{v}} > f"),
    ("cd /opt/tool && ./deploy {{v}}", "cd web && ./deploy {{v}}"),
    ("cd && bash deploy.sh {{v}}", "cd web && bash deploy.sh {{v}}"),
    ("cd \"$d\" && ./deploy {{v}}", "cd ../app && ./deploy {{v}}"),
    ("cd /opt && sh -c './deploy \"$1\"' _ {{v}}", "cd web && sh -c './deploy \"$1\"' _ {{v}}"),
];

#[test]
fn behind_a_cd_a_path_is_judged_where_it_lies() {
    for (elsewhere, way_out) in ELSEWHERE {
        assert!(!is_allowed(elsewhere, Shape::Free), "{elsewhere}");
        let told = command_faults(way_out, false, &|_| Shape::Free);
        assert!(told.is_empty(), "{way_out}: {told:?}");
    }
    // Also what names no program at all.
    for source in ["cd /etc; echo {{v}} > f.txt", "(cd ~/.ssh; echo {{v}} > rc)"] {
        assert!(!is_allowed(source, Shape::Number) && !is_allowed(source, Shape::Word), "{source}");
    }
}

#[test]
fn a_word_beyond_the_proof_is_an_argument_and_no_more() {
    for (named, way_out) in NAMED {
        assert!(!is_allowed(named, Shape::Word), "{named}");
        let told = command_faults(way_out, false, &|_| Shape::Word);
        assert!(told.is_empty(), "{way_out}: {told:?}");
    }
    // What is proved for free text holds for words.
    for source in ["grep -e {{v}} f | sort", "V={{v}} ./deploy", "for i in {{v}}; do ./deploy \"$i\"; done"] {
        assert!(is_allowed(source, Shape::Word), "{source}");
    }
    // A number names nothing.
    for source in ["frobnicate {{v}} > log", "frobnicate {{v}} | frobnicate", "V={{v}} frobnicate", "(cd {{v}} && ls)"]
    {
        assert!(is_allowed(source, Shape::Number), "{source}");
    }
}

#[test]
fn a_word_is_told_as_one() {
    let told = command_faults("frobnicate {{v}} > log", false, &|_| Shape::Word);
    assert_eq!(told, [("v", Fault::Reason(Reason::Word))]);
    // Beside free text each is judged by what it can be.
    let shape = |name: &str| if name == "w" { Shape::Word } else { Shape::Free };
    let told = command_faults("frobnicate {{w}}; echo {{v}}", false, &shape);
    assert!(told.is_empty(), "{told:?}");
    let told = command_faults("echo {{v}} > f; frobnicate {{w}}", false, &shape);
    assert!(told.iter().any(|(name, _)| *name == "w"), "{told:?}");
}
