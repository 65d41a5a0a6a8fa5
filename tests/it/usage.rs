//! Wrong use is told in the form that was asked for, each error in its line.

use crate::support::TestEnv;

#[test]
fn wrong_use_is_an_object_for_json_too() {
    let env = TestEnv::new();
    let wrong: [&[&str]; 5] = [
        &["panes", "--nope", "--json"],
        &["--json", "nonsense"],
        &["events", "--json", "-n", "many"],
        &["policy", "--json"],
        &["--json", "approve", "a", "b", "c"],
    ];
    for arguments in wrong {
        for lang in ["en", "zh"] {
            let ran = env.run(&[&["--lang", lang][..], arguments].concat());
            let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"));
            let error = &told["error"];
            let text = error["text"].as_str().unwrap_or_default();
            assert!(ran.code == 2 && error["code"] == 2 && !text.is_empty() && !text.contains('\n'), "{ran}");
            assert!(ran.stderr.contains(text) && error["hints"].is_array() && error["problems"].is_array(), "{ran}");
        }
    }
    // Behind `--` the words are somebody else's, and without the flag nothing else is printed.
    assert_eq!(env.run(&["panes", "--nope", "--", "--json"]).stdout, "");
    assert_eq!(env.run(&["panes", "--nope"]).stdout, "");
}

#[test]
fn a_path_with_a_line_break_stays_in_its_line() {
    let env = TestEnv::new();
    for command in [&["status"][..], &["config", "check"], &["policy", "check", "a\nb.yaml"], &["up", "a\nb.yaml"]] {
        let ran = env.run(&[&["--config", "new\nline.yaml"][..], command].concat());
        let odd = |line: &&str| !["error: ", "hint: ", "warning: "].iter().any(|prefix| line.starts_with(prefix));
        let lines: Vec<&str> = ran.stderr.lines().filter(odd).collect();
        assert!(ran.code != 0 && lines.is_empty(), "{command:?}: {lines:?} {ran}");
    }
}
