//! What actions need of the reader of their pane, and what is typed as an answer.

use super::state::Purpose;
use super::text::{one_line, visible};
use super::turn::Turn;
use tmuxagent_model::{Effect, IntentId, IntentState, KeyStep, PaneKey, PaneReader, SkipReason};

/// Who reads the keys, as the rest of a sentence.
pub fn who(reader: &PaneReader) -> String {
    reader.sentence(&visible(reader.name()))
}

/// What is typed for an answer. **An option is a label**: its words were printed by a pane, so they are never typed unless
/// they are a plain yes or no; its number is. A person's own words are typed as they are.
fn answer_text(options: &[String], answer: &str) -> String {
    let answer = one_line(answer);
    match options.iter().position(|option| one_line(option) == answer) {
        Some(index) if !is_plain(&answer) => (index + 1).to_string(),
        Some(_) | None => answer,
    }
}

/// What is typed for an answer: what the policy says for its label, or [`answer_text`] with Enter. Empty: nothing is.
pub fn answer_steps(options: &[String], answer: &str, answers: &[(String, Vec<KeyStep>)]) -> Vec<KeyStep> {
    let label = one_line(answer);
    let exact = answers.iter().find(|(known, _)| *known == label);
    let said = exact.or_else(|| answers.iter().find(|(known, _)| known.to_lowercase() == label.to_lowercase()));
    if let Some((_, steps)) = said {
        return steps.clone();
    }
    match answer_text(options, answer) {
        text if text.is_empty() => Vec::new(),
        text => vec![KeyStep::Text(text), KeyStep::Key("Enter".to_owned())],
    }
}

/// Whether an offered answer is a plain no.
pub fn is_no(option: &str) -> bool {
    matches!(option.trim().to_lowercase().as_str(), "no" | "n" | "reject" | "deny" | "cancel" | "否" | "不" | "拒绝")
}

/// Whether an offered answer is a plain yes.
pub fn is_yes(option: &str) -> bool {
    matches!(option.trim().to_lowercase().as_str(), "yes" | "y" | "ok" | "approve" | "allow" | "是" | "好" | "批准")
}

/// What a plain yes means among these options: one that says yes, else the first that does not say no.
pub fn affirmative(options: &[String]) -> Option<&str> {
    let first = options.iter().find(|option| is_yes(option)).or_else(|| options.iter().find(|option| !is_no(option)));
    first.map(String::as_str).or(options.is_empty().then_some("yes"))
}

/// A word that says yes or no, or a number.
fn is_plain(word: &str) -> bool {
    let word = word.trim().to_lowercase();
    let number = !word.is_empty() && word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    number || matches!(word.as_str(), "y" | "n" | "yes" | "no" | "ok" | "是" | "否" | "好" | "不")
}

impl Turn<'_> {
    /// What the pipelines of a pane have typed for answers; of two that speak of one label the first counts.
    pub fn answers_of(&self, pane: &PaneKey) -> Vec<(String, Vec<KeyStep>)> {
        let Some(row) = self.state.panes.get(pane) else { return Vec::new() };
        let mut answers: Vec<(String, Vec<KeyStep>)> = Vec::new();
        for (label, steps) in
            self.policy.applicable(&row.info.key.host, &row.info.facts).flat_map(|pipeline| &pipeline.answers)
        {
            // It stands among the answers that are offered.
            let label = self.cleaner.clean(label);
            if answers.iter().all(|(known, _)| *known != label) {
                answers.push((label, steps.clone()));
            }
        }
        answers
    }

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
        SkipReason::OtherServer => "was not typed: its tmux server is gone".to_owned(),
        SkipReason::OtherSupervisor => "was not typed: another tmuxagent types there".to_owned(),
        SkipReason::OtherProcess => "was not typed: another process runs in the pane".to_owned(),
        SkipReason::Dead => "was not typed: the pane's process ended".to_owned(),
        SkipReason::InMode => "was not typed: the pane is in copy mode".to_owned(),
        SkipReason::InputOff => "was not typed: the pane's input is off".to_owned(),
        SkipReason::Synchronized => "was not typed: synchronize-panes would type it into other panes too".to_owned(),
        SkipReason::OtherCommand(command) => format!("was not typed: {} is in the foreground", visible(command)),
        SkipReason::ScreenChanged => "was not typed: the expected text is not on the screen".to_owned(),
        SkipReason::Question => "was not typed: the program asks something, which Enter would answer".to_owned(),
        SkipReason::Begun => "was not typed: what was typed before may have begun by now".to_owned(),
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

    #[test]
    fn what_the_policy_says_for_a_label_is_typed() {
        let (text, key) = (|text: &str| KeyStep::Text(text.into()), |key: &str| KeyStep::Key(key.into()));
        let options = ["Run it", "no"].map(str::to_owned);
        let answers = [("Run it".to_owned(), vec![key("Down"), key("Enter")]), ("no".to_owned(), vec![text("q")])];
        assert_eq!(answer_steps(&options, "Run it", &answers), [key("Down"), key("Enter")]);
        assert_eq!(answer_steps(&options, "NO", &answers), [text("q")], "labels are compared without their case");
        assert_eq!(answer_steps(&options, "Run it", &[]), [text("1"), key("Enter")]);
        assert_eq!(answer_steps(&options, " ", &answers), []);
    }
}
