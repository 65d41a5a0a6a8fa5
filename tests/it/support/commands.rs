//! Every subcommand that there is, read from the program's own help, so that a new one is a decision in each table.

use std::collections::BTreeMap;

/// The subcommands by their words (`policy check`), each with its help above the global options.
pub fn commands(help: &dyn Fn(&[&str]) -> String) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    walk(help, "", &mut all);
    all
}

fn walk(help: &dyn Fn(&[&str]) -> String, words: &str, all: &mut BTreeMap<String, String>) {
    let mut arguments: Vec<&str> = words.split_whitespace().collect();
    arguments.push("--help");
    let text = help(&arguments);
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    for name in names.iter().filter(|name| **name != "help") {
        walk(help, format!("{words} {name}").trim(), all);
    }
    if names.is_empty() {
        let own = text.split("Global options:").next().unwrap_or_default();
        all.insert(words.to_owned(), own.to_owned());
    }
}
