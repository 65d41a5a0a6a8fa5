//! What actions need of the reader of their pane, and what is typed as an answer.

use super::state::Purpose;
use super::text::{one_line, visible};
use super::turn::Turn;
use tmuxagent_model::{Effect, IntentId, IntentState, PaneReader, Reads, SkipReason};

/// Who reads the keys, as the rest of a sentence.
pub fn who(reader: &PaneReader) -> String {
    let name = match reader.name() {
        "" => "a program".to_owned(),
        name => format!("`{}`", visible(name)),
    };
    match reader.reads {
        Reads::Shell => format!("{name} is at an empty prompt"),
        Reads::Draft => format!("something unsent stands behind the prompt of {name}"),
        Reads::Command => format!("{name} is running"),
        Reads::Line => format!("{name} waits for a line"),
        Reads::Key => format!("{name} takes single keys"),
        Reads::Password => format!("{name} waits for a password"),
        Reads::Screen => format!("{name} owns the screen"),
        Reads::Agent => format!("the agent {name} is in front"),
        Reads::Nested => format!("{name} is in front, and who reads behind it is not known"),
        Reads::Mode => "the pane is in copy mode".to_owned(),
        Reads::Dead => "the pane's process has ended".to_owned(),
        Reads::Unknown => "who reads the keys can't be told".to_owned(),
    }
}

/// What is typed for an answer. **An option is a label**: its words were printed by a pane, so they are never typed unless
/// they are a plain yes or no; its number is. A person's own words are typed as they are.
pub fn answer_text(options: &[String], answer: &str) -> String {
    let answer = one_line(answer);
    match options.iter().position(|option| one_line(option) == answer) {
        Some(index) if !is_plain(&answer) => (index + 1).to_string(),
        Some(_) | None => answer,
    }
}

/// A word that says yes or no, or a number.
fn is_plain(word: &str) -> bool {
    let word = word.trim().to_lowercase();
    let number = !word.is_empty() && word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    number || matches!(word.as_str(), "y" | "n" | "yes" | "no" | "ok" | "是" | "否" | "好" | "不")
}

impl Turn<'_> {
    /// Gives up what waits for its reader, where nothing of it was typed yet.
    pub fn drop_waiting(&mut self, id: &IntentId) -> bool {
        let waits = self.state.intents.get(id).is_some_and(|row| {
            let typed = matches!(row.intent.effect, Effect::Send(_) | Effect::Prompt(_));
            typed && row.intent.state == IntentState::Open && !matches!(row.purpose, Purpose::Alert)
        });
        if waits && !self.withdrawn.contains(id) {
            self.withdrawn.push(id.clone());
        }
        waits
    }
}

/// Why keys were held back, as the rest of a sentence.
pub fn why_skipped(reason: &SkipReason) -> String {
    match reason {
        SkipReason::OtherServer => "was not typed: another tmux server answers there".to_owned(),
        SkipReason::OtherSupervisor => "was not typed: another tmuxagent types there".to_owned(),
        SkipReason::OtherProcess => "was not typed: another process runs in the pane".to_owned(),
        SkipReason::Dead => "was not typed: the pane's process ended".to_owned(),
        SkipReason::InMode => "was not typed: the pane is in copy mode".to_owned(),
        SkipReason::InputOff => "was not typed: the pane's input is off".to_owned(),
        SkipReason::Synchronized => "was not typed: synchronize-panes would type it into other panes too".to_owned(),
        SkipReason::OtherCommand(command) => format!("was not typed: {} is in the foreground", visible(command)),
        SkipReason::ScreenChanged => "was not typed: the expected text is not on the screen".to_owned(),
        SkipReason::Question => "was not typed: the program asks something, which Enter would answer".to_owned(),
        SkipReason::Reader(reader) => format!("was not typed: {}", who(reader)),
        SkipReason::OtherShell(shell) => {
            format!("was not typed: `{}` reads the keys, and the text was quoted for another shell", visible(shell))
        }
        SkipReason::Asker(reader) => {
            format!("was not typed: the program that asked does not wait any more; {}", who(reader))
        }
        SkipReason::Withdrawn => "was taken back".to_owned(),
        SkipReason::Unreachable(why) => format!("was not typed: {}", visible(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_typed_as_its_number_unless_it_is_a_plain_yes_or_no() {
        let options = ["touch x", "no", "Y"].map(str::to_owned);
        assert_eq!(answer_text(&options, "touch x"), "1");
        assert_eq!(answer_text(&options, "no"), "no");
        assert_eq!(answer_text(&options, "Y"), "Y");
        assert_eq!(answer_text(&options, "my own words"), "my own words");
        assert_eq!(answer_text(&[], "yes"), "yes");
    }
}
