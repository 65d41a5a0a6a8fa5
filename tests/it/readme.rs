//! What the READMEs show works as it is printed.

use crate::support::TestEnv;

const READMES: [(&str, &str); 2] =
    [("README.md", include_str!("../../README.md")), ("README.zh-CN.md", include_str!("../../README.zh-CN.md"))];

/// The blocks of a language, in order.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn every_yaml_block_is_valid_and_the_policy_test_passes() {
    for (name, text) in READMES {
        let mut env = TestEnv::new();
        env.set("WECOM_WEBHOOK", "a-key");
        let (mut policies, mut tests, mut configurations) = (0, 0, 0);
        for block in blocks(text, "yaml") {
            if block.contains("expect:") {
                tests += 1;
                env.write("examples/storyapp.test.yaml", block);
            } else if block.contains("pipelines:") || block.contains("auto_answers:") {
                policies += 1;
                // The first one is that of the test.
                let file = if policies == 1 { "examples/storyapp.yaml" } else { "examples/another.yaml" };
                env.write(file, block);
                let ran = env.run(&["policy", "check", file]);
                assert_eq!(ran.code, 0, "{name}: {block}{ran}");
            } else {
                configurations += 1;
                env.write(".config/tmuxagent/config.yaml", block);
                let ran = env.run(&["config", "check"]);
                assert_eq!(ran.code, 0, "{name}: {block}{ran}");
            }
        }
        assert!(policies == 8 && tests == 1 && configurations >= 2, "{name}: {policies} {tests} {configurations}");
        let ran = env.run(&["policy", "test", "examples"]);
        assert_eq!(ran.code, 0, "{name}: {ran}");
    }
}

#[test]
fn the_pages_show_valid_policies() {
    let pages = [
        include_str!("../../docs/first-policy.md"),
        include_str!("../../docs/first-policy.zh-CN.md"),
        include_str!("../../docs/coming-from.md"),
    ];
    let mut policies = 0;
    for page in pages {
        for block in blocks(page, "yaml").into_iter().filter(|block| !block.contains("expect:")) {
            policies += 1;
            let env = TestEnv::new();
            env.write("policy.yaml", block);
            let ran = env.run(&["policy", "check", "policy.yaml"]);
            assert_eq!(ran.code, 0, "{block}{ran}");
        }
    }
    assert_eq!(policies, 5);
    let code = |page| [blocks(page, "yaml"), blocks(page, "sh")];
    assert_eq!(code(pages[0]), code(pages[1]), "both languages show the same");
}

#[test]
fn both_readmes_show_the_same_examples() {
    let code = |text: &str| -> Vec<String> {
        let lines = blocks(text, "yaml").into_iter().flat_map(str::lines);
        let bare = lines.map(|line| line.split(" #").next().unwrap_or_default().trim_end().to_owned());
        bare.filter(|line| !line.is_empty()).collect()
    };
    assert_eq!(code(READMES[0].1), code(READMES[1].1));
}
