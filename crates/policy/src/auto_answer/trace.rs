//! What the rules make of a command, part by part, for people.

use super::Allowed;
use super::pattern::quoted;
use crate::policy::Policy;
use crate::shell::plain_commands;

/// What the rules make of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its simple commands; empty where it is not certain what they are.
    pub parts: Vec<Part>,
    /// What is in doubt.
    pub doubt: Option<&'static str>,
    /// The rules by which each of its parts is allowed, where none is denied. They still look at agent, pane and folder.
    pub rules: Vec<String>,
}

/// A simple command of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// It, as a shell would take it.
    pub command: String,
    /// The rules and patterns that allow it.
    pub allowed: Vec<(String, String)>,
    /// The rules and patterns that deny it.
    pub denied: Vec<(String, String)>,
    /// A pattern would allow it but for this word, which makes the program run or write something else.
    pub steered: Option<String>,
}

impl Policy {
    /// What the rules make of a command.
    #[must_use]
    pub fn trace_command(&self, text: &str) -> Trace {
        let commands = match plain_commands(text.trim_matches([' ', '\n'])) {
            Ok(commands) => commands,
            Err(doubt) => return Trace { parts: Vec::new(), doubt: Some(doubt), rules: Vec::new() },
        };
        let parts: Vec<Part> = commands.iter().map(|command| self.part(command)).collect();
        let denied = parts.iter().any(|part| !part.denied.is_empty());
        let allows = |name: &str| parts.iter().all(|part| part.allowed.iter().any(|(rule, _)| rule == name));
        let names = self.auto_answers.iter().map(|rule| rule.name.clone());
        Trace { rules: names.filter(|name| !denied && allows(name)).collect(), doubt: None, parts }
    }

    fn part(&self, command: &[String]) -> Part {
        let mut part = Part {
            command: command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
            allowed: Vec::new(),
            denied: Vec::new(),
            steered: None,
        };
        for rule in &self.auto_answers {
            let found = |source: &str| (rule.name.clone(), source.to_owned());
            let deny = rule.deny.iter().filter(|pattern| pattern.is_found_in(command));
            part.denied.extend(deny.map(|pattern| found(&pattern.source)));
            let Allowed::Commands(patterns) = &rule.allows else { continue };
            for pattern in patterns {
                if pattern.matches(command) {
                    part.allowed.push(found(&pattern.source));
                } else if pattern.fits(command) {
                    part.steered = pattern.unnamed_steer(command).map(str::to_owned);
                }
            }
        }
        part
    }
}
