//! Every recorded screen of every agent.

use super::{fixtures, recogniser};
use crate::{BUNDLED, Expected, Screen, bundled, read, recognise};
use std::collections::BTreeMap;
use tmuxagent_text::Lang;
use tmuxagent_yaml::Source;

#[test]
fn the_bundled_recognisers_are_read() {
    for (name, text) in BUNDLED {
        if let Err(problems) = read(&Source::new(format!("{name}.yaml"), *text)) {
            panic!("{}", problems.show(Lang::En));
        }
    }
    assert_eq!(bundled().len(), BUNDLED.len());
}

#[test]
fn every_recorded_screen_is_read_right() {
    let (mut right, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    for folder in std::fs::read_dir(fixtures()).expect("fixtures").flatten().filter(|entry| entry.path().is_dir()) {
        let name = folder.file_name().to_string_lossy().into_owned();
        let list = std::fs::read_to_string(folder.path().join("screens.yaml")).expect("a list");
        let expected = Expected::read(&Source::new(format!("{name}/screens.yaml"), list)).expect("a valid list");
        let agent = recogniser(&expected.agent);
        let listed = |file: &str| expected.screens.iter().any(|(name, _)| file.split('.').next() == Some(name));
        for file in std::fs::read_dir(folder.path()).expect("screens").flatten() {
            let file = file.file_name().to_string_lossy().into_owned();
            assert!(file == "screens.yaml" || listed(&file), "{name}/{file} is not listed");
        }
        for (screen, state) in &expected.screens {
            for ending in ["txt", "ansi"] {
                let path = folder.path().join(format!("{screen}.{ending}"));
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                let seen = recognise(agent, &Screen::of(&text));
                if seen.state.word() == state {
                    *right.entry(name.clone()).or_default() += 1;
                } else {
                    wrong.push(format!(
                        "{name}/{screen}.{ending}: {} by `{}`, not {state}",
                        seen.state.word(),
                        seen.rule
                    ));
                }
                let asks = seen.question.is_some();
                let told = if seen.state.asks() { asks } else { !asks };
                assert!(told, "{name}/{screen}: {seen:?}");
            }
        }
    }
    println!("right: {right:#?}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(right.values().sum::<usize>() > 250, "the screens are found");
}
