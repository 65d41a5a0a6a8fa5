//! Rules that answer an agent's dialog in a person's place.
//!
//! **Meaning.** A dialog is answered with its own "yes, this once", and only where a rule names everything that would be
//! done; what no rule names is asked. A command counts by its simple commands: each of them has to match one of the rule's
//! patterns, word by word. What cannot be known for certain from the text alone matches nothing. `deny` of any rule wins.

mod class;
mod folder;
mod pattern;
mod trace;

pub use class::{Class, class_of};
pub use pattern::CommandPattern;
pub use trace::{Part, Trace};

pub(super) use folder::folder_glob;
pub(super) use pattern::Width;

use super::policy::{Policy, Selector};
use super::shell::plain_commands;
use regex::Regex;
use tmuxagent_model::{AgentQuestion, AgentQuestionKind, HostName, Millis, PaneFacts};

/// A rule of `auto_answers`.
#[derive(Debug, Clone)]
pub struct AutoAnswer {
    /// Its name, unique over all files.
    pub name: String,
    /// The agents that it is for; empty: any.
    pub agents: Vec<String>,
    /// What it allows.
    pub allows: Allowed,
    /// What no rule allows.
    pub deny: Vec<CommandPattern>,
    /// The folder within which it holds.
    pub folder: Option<Regex>,
    /// The panes that it is for.
    pub panes: Option<Selector>,
    /// How often it answers in one pane.
    pub limit: AnswerLimit,
    /// `file:line:column` where it is defined.
    pub place: String,
}

/// What a rule allows.
#[derive(Debug, Clone)]
pub enum Allowed {
    /// To run these.
    Commands(Vec<CommandPattern>),
    /// To change files within its folder.
    Edits,
}

/// At most so many answers in one pane within a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimit {
    /// So many.
    pub count: u32,
    /// In so long.
    pub per: Millis,
}

impl AnswerLimit {
    /// What holds where a rule names none: an agent that goes round in circles comes to a person within the hour.
    pub const DEFAULT: Self = Self { count: 60, per: Millis::from_secs(3600) };
}

/// A dialog, and where it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The agent's name.
    pub agent: &'a str,
    /// The machine of its pane.
    pub host: &'a HostName,
    /// What is known of its pane.
    pub facts: &'a PaneFacts,
    /// What it asks.
    pub question: &'a AgentQuestion,
}

impl Policy {
    /// The first rule that answers a dialog; none where a person is asked.
    #[must_use]
    pub fn auto_answer(&self, asked: &Asked<'_>) -> Option<&AutoAnswer> {
        let mut rules = self.auto_answers.iter().filter(|rule| rule.is_for(asked)).peekable();
        rules.peek()?;
        match asked.question.kind {
            AgentQuestionKind::Command => {
                let commands = shown_commands(asked.question)?;
                if self.denies(&commands) {
                    return None;
                }
                rules.find(|rule| rule.allows_commands(asked, &commands))
            }
            AgentQuestionKind::Edit => rules.find(|rule| rule.allows_edit(asked.question)),
            AgentQuestionKind::Question
            | AgentQuestionKind::Trust
            | AgentQuestionKind::Login
            | AgentQuestionKind::Other => None,
        }
    }

    /// Whether a command that a dialog shows is all of these classes, and denied by no rule.
    #[must_use]
    pub fn is_of_class(&self, question: &AgentQuestion, class: &Class) -> bool {
        let commands = (question.kind == AgentQuestionKind::Command).then(|| shown_commands(question)).flatten();
        commands.is_some_and(|commands| !self.denies(&commands) && class.covers(&commands))
    }

    fn denies(&self, commands: &[Vec<String>]) -> bool {
        let mut denied = self.auto_answers.iter().flat_map(|rule| &rule.deny);
        denied.any(|pattern| commands.iter().any(|command| pattern.is_found_in(command)))
    }
}

/// The commands of a dialog, where its text is certain. How several rows are joined (by a blank, by nothing, or as two
/// lines) is not to be told from a screen, and what has an ellipsis is not all of it.
fn shown_commands(question: &AgentQuestion) -> Option<Vec<Vec<String>>> {
    let text = question.detail.trim_matches([' ', '\n']);
    let certain = question.whole && !text.contains(['\n', '…']);
    // What a dialog tells a second time must be the same to the letter: an agent quotes there what it left out above.
    let same = question.again.as_ref().is_none_or(|again| again.trim_matches(' ') == text);
    (certain && same).then(|| plain_commands(text).ok()).flatten()
}

impl AutoAnswer {
    fn is_for(&self, asked: &Asked<'_>) -> bool {
        (self.agents.is_empty() || self.agents.iter().any(|agent| agent == asked.agent))
            && self.panes.as_ref().is_none_or(|panes| panes.holds(asked.host, asked.facts))
    }

    fn allows_commands(&self, asked: &Asked<'_>, commands: &[Vec<String>]) -> bool {
        let Allowed::Commands(patterns) = &self.allows else { return false };
        // Where a command goes elsewhere, those behind it do not run in the folder that is known; and an agent can run one in
        // another folder than its own, so the dialog has to say which.
        let moves = || commands.iter().flatten().any(|word| matches!(word.as_str(), "cd" | "pushd" | "popd" | "chdir"));
        let lies = |folder| asked.question.place.as_deref().is_some_and(|place| folder::lies_within(place, folder));
        let inside = self.folder.as_ref().is_none_or(|folder| lies(folder) && !moves());
        inside && commands.iter().all(|command| patterns.iter().any(|pattern| pattern.matches(command)))
    }

    fn allows_edit(&self, question: &AgentQuestion) -> bool {
        let certain = question.whole && matches!(self.allows, Allowed::Edits);
        let place = question.place.as_deref().filter(|place| certain && !place.contains('…'));
        place.zip(self.folder.as_ref()).is_some_and(|(place, folder)| folder::lies_within(place, folder))
    }
}

#[cfg(test)]
mod tests;
